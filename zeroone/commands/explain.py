"""``zeroone explain``: one sweep of full-batch block coordinate descent, block by block.

For each block update: the equation, the shapes, the objective before and after, and one element
computed by hand from the numbers of the run, next to the library's.
"""

import argparse
import copy
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd import blocks
from zeroone.bcd.initialise import INITIALISATIONS
from zeroone.bcd.objective import objective, per_layer
from zeroone.bcd.options import ORDERS, SPLITTINGS, Options
from zeroone.bcd.solver import BlockUpdates, initial_state
from zeroone.commands.common import add_data_options, load_data, numbers
from zeroone.commands.explain_blocks import BlockReport, Update
from zeroone.commands.explain_equations import describe, shapes
from zeroone.commands.explain_hidden import work_hidden
from zeroone.commands.explain_text import paragraph, render_block, render_summary
from zeroone.commands.explain_weights import work_weights
from zeroone.datasets import Dataset
from zeroone.layers import check_hidden
from zeroone.scaling import InputScaling
from zeroone.validation import FloatArray, check_integer

WIDTH = 88
NARROWEST = 60
WIDEST = 100


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Add the command ``explain`` and its options."""
    parser = subparsers.add_parser(
        "explain",
        help="walk one sweep of block coordinate descent with all its numbers",
        description="Walk one sweep of full-batch block coordinate descent, block by block: the "
        "equation, the shapes, the objective before and after, and one element worked by hand. "
        "Units and samples are counted from 1.",
    )
    defaults = Options()
    add_data_options(parser, default="digits")
    add = parser.add_argument
    add("--samples", type=int, default=200, metavar="N", help="training samples (default: 200)")
    add(
        "--hidden",
        type=numbers(int),
        default=8,
        metavar="N[,N...]",
        help="units of the hidden layers (default: 8)",
    )
    add(
        "--splitting",
        choices=SPLITTINGS,
        default="two",
        help="form of the objective (default: two)",
    )
    add(
        "--remedy",
        choices=blocks.REMEDIES,
        default="margin",
        help="for the infimum over u > 0, which is not attained (default: margin)",
    )
    add(
        "--margin",
        type=float,
        default=defaults.margin,
        help="half-width of the gap around 0 (default: 0.1)",
    )
    prices = (
        ("tau", defaults.tau, "price of |U - V W^T|^2 / 2, one number or one a hidden layer"),
        ("pi", defaults.pi, "price of |V - step(U)|^2 / 2, one number or one a hidden layer"),
        ("gamma", defaults.gamma, "ridge on W, one number or one a layer"),
        ("l20", 0.0, "price of a non-zero row or column of W, one number or one a layer"),
    )
    for name, value, text in prices:
        add(f"--{name}", type=numbers(float), default=value, help=f"{text} (default: {value})")
    add(
        "--groups",
        choices=("rows", "columns"),
        default="rows",
        help="what --l20 counts (default: rows)",
    )
    add(
        "--order",
        default=defaults.order,
        help=f"{', '.join(ORDERS)}, or the blocks' names such as W2,U1,W1 (default: backward)",
    )
    add(
        "--initialisation",
        choices=INITIALISATIONS,
        default=defaults.initialisation,
        help="rule for the first weights (default: differences)",
    )
    add("--seed", type=int, default=0, help="of the samples and the first weights (default: 0)")
    add("--unit", type=int, metavar="J", help="unit to work by hand (default: an instructive one)")
    add("--sample", type=int, metavar="N", help="sample to work by hand (default: likewise)")
    add(
        "--width",
        type=int,
        help=f"columns of the output (default: the terminal's up to {WIDEST}, or {WIDTH})",
    )
    parser.set_defaults(run=run)


def choose_samples(
    labels: NDArray[np.int64], n_samples: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the ascending indices of `n_samples` random samples, as many of one class as another.

    Parameters
    ----------
    labels : ndarray, shape (n,)
    n_samples : int
        If there are fewer, all are taken.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64
        The classes take turns; a class that has run out is passed over.
    """
    shuffled = rng.permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        turn[members] = np.arange(len(members))
    by_turn = shuffled[np.argsort(turn[shuffled], kind="stable")]
    return np.sort(by_turn[:n_samples])


def prepare(data: Dataset, chosen: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return the chosen training samples, centred and scaled, and their one-hot targets."""
    X = data.X_train[chosen]
    scaled = InputScaling.fit(X, whitening=None).apply(X, np.dtype(np.float64))
    return scaled[:, :-1].copy(), np.eye(len(data.class_names))[data.y_train[chosen]]


def explain_sweep(
    X: FloatArray,
    Y: FloatArray,
    hidden: Sequence[int],
    options: Options,
    rng: np.random.Generator,
    *,
    unit: int | None = None,
    sample: int | None = None,
) -> Iterator[BlockReport]:
    """Yield a report of every block update of one sweep.

    The updates are those of ``bcd.iterate(X, Y, hidden, rng=rng, sweeps=1, ...)``.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    Y : ndarray, shape (n_samples, n_outputs)
    hidden : sequence of int
    options : Options
    rng : numpy.random.Generator
    unit, sample : int, optional
        The element to work by hand, counted from 0. A layer with fewer units shows another.

    Yields
    ------
    BlockReport
    """
    state = initial_state(X, Y, hidden, options, rng)
    updates = BlockUpdates(state, options, rng)
    before = state.copy()
    terms = objective(before, updates.coefficients, options.splitting)
    for block in options.block_names(state.n_layers, rng):
        found = copy.deepcopy(rng)
        updates.update(block)
        after = state.copy()
        new = objective(after, updates.coefficients, options.splitting)
        update = Update(
            block, before, after, updates.coefficients, options, found, unit, sample
        )  # fmt: skip
        heading, equations = describe(update)
        worked = work_weights(update) if update.kind == "W" else work_hidden(update)
        yield BlockReport(
            block, heading, equations, shapes(update), terms, new, update.flips, worked
        )
        before, terms = after, new


def read_options(arguments: argparse.Namespace, n_layers: int) -> Options:
    """Return the solver's options.

    Raises
    ------
    ValueError
        If one is out of its range.
    """
    l20 = arguments.l20
    if isinstance(l20, tuple):
        per_layer("l20", l20, n_layers, strict=False)
    else:
        per_layer("l20", l20, 1, strict=False)
    order = arguments.order
    options = Options(
        sweeps=1,
        splitting=arguments.splitting,
        remedy=arguments.remedy,
        margin=arguments.margin,
        tau=arguments.tau,
        pi=arguments.pi,
        gamma=arguments.gamma,
        lam=l20,
        groups=arguments.groups,
        order=tuple(order.split(",")) if "," in order else order,
        initialisation=arguments.initialisation,
    )
    options.coefficients(n_layers)
    options.block_names(n_layers, np.random.default_rng(0))
    return options


def read_position(name: str, value: int | None, largest: int, what: str) -> int | None:
    """Return a position counted from 0 from an option that counts from 1.

    Raises
    ------
    ValueError
        If there is no such unit or sample.
    """
    if value is None:
        return None
    if check_integer(name, value) > largest:
        raise ValueError(f"{name} must be at most {largest}, {what}, but is {value}")
    return value - 1


def introduction(data: Dataset, state_sizes: Sequence[int], n_samples: int, splitting: str) -> str:
    """Return what is about to happen."""
    sizes = "-".join(map(str, state_sizes))
    free = {
        "two": "W and U, with V = step(U)",
        "three": "W, U and V, a block each",
        "joint": "W, U and V, with U and V of one neuron in one block",
    }[splitting]
    return (
        f"One sweep of block coordinate descent on {n_samples} of {len(data.X_train)} training "
        f"samples of {data.name}; a net of {sizes} units. The variables are {free}. The input is "
        "centred and scaled, the targets are one-hot. Units, samples and weights are counted "
        "from 1, like the layers."
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the walk; return 1 if a number by hand differs from the library's or F rises, else 0.

    Raises
    ------
    ValueError
        If an option or the data is not as it should be.
    """
    width = arguments.width
    if width is None:
        columns = shutil.get_terminal_size((WIDTH, 24)).columns
        width = min(max(columns, NARROWEST), WIDEST)
    width = check_integer("width", width, minimum=NARROWEST)
    seed = check_integer("seed", arguments.seed, minimum=0)
    wanted = check_integer("samples", arguments.samples)
    hidden = check_hidden(arguments.hidden)
    options = read_options(arguments, len(hidden) + 1)
    unit = read_position("unit", arguments.unit, max(hidden), "the size of the widest hidden layer")
    data = load_data(arguments)
    rng = np.random.default_rng(seed)
    chosen = choose_samples(data.y_train, wanted, rng)
    sample = read_position("sample", arguments.sample, len(chosen), "the number of samples")
    X, Y = prepare(data, chosen)
    sizes = (X.shape[1], *hidden, Y.shape[1])
    print("\n".join(paragraph(introduction(data, sizes, len(X), options.splitting), width)))
    print()
    reports: list[BlockReport] = []
    total = len(options.block_names(len(hidden) + 1, np.random.default_rng(0)))
    for report in explain_sweep(X, Y, hidden, options, rng, unit=unit, sample=sample):
        reports.append(report)
        print("\n".join(render_block(len(reports), total, report, width)))
    print("\n".join(render_summary(reports, width)))
    return 0 if all(each.worked.agrees and each.fall >= 0 for each in reports) else 1
