"""``zeroone explain``: one sweep of full-batch block coordinate descent, block by block.

For each block update: the equation, the shapes, the objective before and after, and one element
computed by hand from the numbers of the run, next to the library's (`zeroone.player.worked`).
Updates before the first in which something happens take a line each, unless a unit or a sample is
asked for.
"""

import argparse
import copy
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.blocks import REMEDIES
from zeroone.bcd.full_batch import ORDERS, SPLITTINGS, Options, initial_state, iterate
from zeroone.bcd.initialise import INITIALISATIONS
from zeroone.bcd.objective import per_layer
from zeroone.commands.common import add_data_options, load_data, numbers
from zeroone.datasets import Dataset
from zeroone.nets.scaling import InputScaling
from zeroone.player.worked import Line, Update, Worked, num, priced, shapes, work
from zeroone.support.validation import FloatArray, check_hidden, check_integer

WIDTH = 88
NARROWEST = 60
WIDEST = 100
INDENT = "  "

# A change of F below this, relative to F, is rounding.
RESOLUTION = 1e-11


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
        help="form of the objective and its blocks (default: two)",
    )
    add(
        "--remedy",
        choices=REMEDIES,
        default="margin",
        help="how a unit fires at least cost: |u| >= margin, or u = tiny (default: margin)",
    )
    add(
        "--margin",
        type=float,
        default=defaults.margin,
        help="half-width of the gap around 0, for --remedy margin (default: 0.1)",
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
        help="what --l20 counts: rows of W (neurons) or columns (inputs) (default: rows)",
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
        help="rule for the first weights of hidden layers (default: differences)",
    )
    add(
        "--seed",
        type=int,
        default=0,
        help="seed of the choice of samples and of the first weights (default: 0)",
    )
    add("--unit", type=int, metavar="J", help="unit to work by hand (default: an instructive one)")
    add(
        "--sample",
        type=int,
        metavar="N",
        help="sample to work by hand (default: an instructive one)",
    )
    add(
        "--width",
        type=int,
        help=f"columns of the output (default: the terminal's up to {WIDEST}, or {WIDTH})",
    )
    add(
        "--step",
        action="store_true",
        help="wait for Enter after each block (q and Enter ends the walk)",
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
    return scaled, np.eye(len(data.class_names))[data.y_train[chosen]]


@dataclass(frozen=True)
class BlockReport:
    """All that is told of one block update.

    Parameters
    ----------
    block, heading : str
        Its name, and what it does in a few words.
    equations : tuple of (label, text)
    shapes : tuple of (name, shape, meaning)
        The arrays that take part.
    before, after : mapping of str to float
        F by term.
    flips : int
        How many hidden bits changed.
    worked : Worked
    """

    block: str
    heading: str
    equations: tuple[Line, ...]
    shapes: tuple[tuple[str, tuple[int, ...], str], ...]
    before: Mapping[str, float]
    after: Mapping[str, float]
    flips: int
    worked: Worked

    @property
    def objective_before(self) -> float:
        """F before the update."""
        return sum(self.before.values())

    @property
    def objective_after(self) -> float:
        """F after the update."""
        return sum(self.after.values())

    @property
    def fall(self) -> float:
        """By how much F fell; 0 for what is not more than rounding."""
        fall = self.objective_before - self.objective_after
        return fall if abs(fall) > RESOLUTION * self.objective_before else 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing happened: F is what it was, no bit flipped, and the library agrees."""
        return self.fall == 0 and self.flips == 0 and self.worked.agrees


def report(update: Update) -> BlockReport:
    """Return what is told of an update."""
    step = update.step
    heading, *equations = step.block.equation.splitlines()
    labelled = [line.partition("  ") for line in equations]
    lines = [(label, text.strip()) for label, _, text in labelled]
    return BlockReport(
        step.block,
        heading,
        (*lines, priced(update)),
        shapes(update),
        step.before,
        step.after,
        step.info.get("flipped", 0),
        work(update),
    )


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
    before = initial_state(X, Y, hidden, options, copy.deepcopy(rng))
    coefficients = options.coefficients(len(hidden) + 1)
    for step in iterate(X, Y, hidden, rng=rng, **asdict(options)):
        yield report(Update(before, step, coefficients, options, unit, sample))
        before = step.state.copy()


def read_options(arguments: argparse.Namespace, n_layers: int) -> Options:
    """Return the solver's options.

    Raises
    ------
    ValueError
        If one is out of its range.
    """
    l20 = arguments.l20
    if isinstance(l20, tuple):
        per_layer("l20", l20, n_layers, minimum=0.0)
    else:
        per_layer("l20", l20, 1, minimum=0.0)
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
    options.blocks(n_layers, np.random.default_rng(0))
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


# --------------------------------------------------------------------------------------------- text


def wrap(label: str, text: str, label_width: int, width: int) -> list[str]:
    """Return a label and its text, wrapped under itself."""
    first = f"{INDENT}{label:<{label_width}}{INDENT}"
    # A product stays on one line: textwrap does not break at a no-break space.
    whole = text.replace(" · ", "\xa0·\xa0")
    lines = textwrap.wrap(
        whole,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
    return [line.replace("\xa0", " ").rstrip() for line in lines or [first]]


def columns(lines: Sequence[Line], width: int) -> list[str]:
    """Return lines with their labels in one column."""
    label_width = max((len(label) for label, _ in lines), default=0)
    return [out for label, text in lines for out in wrap(label, text, label_width, width)]


def paragraph(text: str, width: int) -> list[str]:
    """Return a paragraph without indentation."""
    return textwrap.wrap(text, width, break_on_hyphens=False)


def heading(text: str, width: int) -> list[str]:
    """Return a heading with a rule under it."""
    lines = paragraph(text, width)
    return [*lines, "─" * max(len(line) for line in lines)]


def number(value: float) -> str:
    """Return an objective's value in twelve columns."""
    return f"{value:>12.6g}"


def objective_table(report: BlockReport) -> list[str]:
    """Return F by term before and after, with a word on those that changed."""
    lines = [f"{INDENT}{'F by term':<14}{'before':>12}{'after':>12}{'change':>12}"]
    # "coupling 1" for coupling_1, which leaves room for the numbers in a narrow window.
    rows = [
        (name.replace("_", " "), report.before[name], report.after[name]) for name in report.before
    ]
    total = ("F", report.objective_before, report.objective_after)
    size = max(abs(report.objective_before), abs(report.objective_after))
    for name, before, after in [*rows, total]:
        change = after - before
        if abs(change) <= RESOLUTION * size:
            change, word = 0.0, "same"
        else:
            word = "falls" if change < 0 else "rises"
        mark = "  " if word == "same" else " *"
        amount = number(change) if change else f"{'0':>12}"
        lines.append(
            f"{INDENT}{name:<14}{number(before)}{number(after)}{amount}{mark}"
            f"{'' if word == 'same' else ' ' + word}".rstrip()
        )
    return lines


def comparison_lines(worked: Worked, width: int) -> list[str]:
    """Return the results by hand beside the library's."""
    lines: list[Line] = []
    for each in worked.comparisons:
        verdict = "agree" if each.agrees else "DIFFERS"
        text = f"by hand {each.by_hand:<14.9g} library {each.library:<14.9g} {verdict}"
        lines.append((each.quantity, text))
    return columns(lines, width)


def shape_lines(report: BlockReport, width: int) -> list[str]:
    """Return the arrays with their shapes."""
    sizes = [" x ".join(map(str, shape)) for _, shape, _ in report.shapes]
    longest = max(map(len, sizes))
    lines = [
        (name, f"{size:<{longest}}{INDENT}{meaning}")
        for (name, _, meaning), size in zip(report.shapes, sizes, strict=True)
    ]
    return columns(lines, width)


def render_block(number_of: int, total: int, report: BlockReport, width: int) -> list[str]:
    """Return everything about one block update, line by line."""
    title = f"Update {number_of} of {total}: {report.block}, {report.heading}"
    flips = "bit flips" if report.flips == 1 else "bits flip"
    # Only U moves bits; elsewhere the sentence would be noise.
    moved = [f"{INDENT}{report.flips} {flips}."] if report.block[0] in "UJ" else []
    return [
        *heading(title, width),
        "",
        "Equation",
        *columns(report.equations, width),
        "",
        "Shapes",
        *shape_lines(report, width),
        "",
        "Objective",
        *objective_table(report),
        *moved,
        "",
        *paragraph(f"By hand: {report.worked.title}", width),
        *columns(report.worked.lines, width),
        *comparison_lines(report.worked, width),
        "",
    ]


def render_idle(number_of: int, total: int, report: BlockReport, width: int) -> list[str]:
    """Return one paragraph about an update with nothing to gain."""
    text = (
        f"Update {number_of} of {total}: {report.block} has nothing to gain, since the start "
        f"is its minimum already; F stays {num(report.objective_after)}."
    )
    return [*paragraph(text, width), ""]


def wait_for_enter() -> bool:
    """Wait for Enter, and return whether to go on; where nobody is at a terminal, do not wait."""
    if not sys.stdin.isatty():
        return True
    print("Enter goes on, q ends: ", end="", flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D leaves the cursor behind the question
        print()
    return answer != "" and answer.strip().lower() not in ("q", "quit")


def verdict(reports: Sequence[BlockReport]) -> str:
    """Return one sentence or two on whether F fell, and on the bits."""
    falls = [report.fall for report in reports]
    rose = [report.block for report in reports if report.fall < 0]
    path = f"{reports[0].objective_before:.6g} to {reports[-1].objective_after:.6g}"
    lowered = sum(fall > 0 for fall in falls)
    if rose:
        text = f"F ROSE at {', '.join(rose)}"
    elif lowered == len(falls):
        text = f"Every update lowered F, from {path}"
    else:
        text = (
            f"No update raised F, and {lowered} of {len(falls)} lowered it, from {path} "
            "(the others had nothing to gain)"
        )
    flips = sum(report.flips for report in reports)
    return f"{text}; {flips} hidden bit{'' if flips == 1 else 's'} flipped."


def render_summary(reports: Sequence[BlockReport], width: int) -> list[str]:
    """Return the table of all updates and the verdict."""
    lines = [
        *heading("Summary", width),
        "",
        f"{INDENT}{'block':<5}{'F before':>12}{'F after':>12}{'fall':>12}{'flips':>8}  by hand",
    ]
    for report in reports:
        flips = str(report.flips) if report.block[0] in "UJ" else "-"
        agrees = "agrees" if report.worked.agrees else "DIFFERS"
        lines.append(
            f"{INDENT}{report.block:<5}{number(report.objective_before)}"
            f"{number(report.objective_after)}{number(report.fall)}{flips:>8}  {agrees}"
        )
    return [*lines, "", *paragraph(verdict(reports), width)]


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
    total = len(options.blocks(len(hidden) + 1, np.random.default_rng(0)))
    begun = unit is not None or sample is not None  # what was asked for is shown in any case
    for each in explain_sweep(X, Y, hidden, options, rng, unit=unit, sample=sample):
        reports.append(each)
        begun = begun or not each.idle
        render = render_block if begun else render_idle
        print("\n".join(render(len(reports), total, each, width)))
        if arguments.step and begun and len(reports) < total and not wait_for_enter():
            break
    print("\n".join(render_summary(reports, width)))
    return 0 if all(each.worked.agrees and each.fall >= 0 for each in reports) else 1
