"""``zeroone play``: a run as one HTML file that plays it step by step.

The page needs no connection and no other file. Its steps are those of the solver, and each says
what changed, with one entry worked by hand.
"""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from zeroone.bcd.full_batch import SPLITTINGS, Options, initial_state
from zeroone.bcd.full_batch import iterate as block_steps
from zeroone.bcd.initialise import INITIALISATIONS
from zeroone.commands.common import add_data_options, check_writable, load_data, numbers
from zeroone.commands.explain import choose_samples, prepare
from zeroone.commands.gaussian_common import no_direction_is_bad_input, sparse_teacher
from zeroone.gaussian.descent import iterate as coarse_steps
from zeroone.gaussian.filters import check_patches, unit
from zeroone.gaussian.rvscgd import METHODS
from zeroone.gaussian.rvscgd import iterate as splitting_steps
from zeroone.losses import LOSSES
from zeroone.penalties import PENALTIES
from zeroone.player.document import STEPS, record, render
from zeroone.steps import Step
from zeroone.support.files import atomic_write
from zeroone.support.validation import FloatArray, check_choice, check_hidden, check_integer
from zeroone.targetprop.solver import iterate as target_steps

# Data in the plane, where the lines of the units can be seen.
PLANES = ("moons", "xor", "blobs")
# The angle from the teacher at which the Gaussian filters of the plane start.
START = 2.6
# Points of the plane: a page shows them one by one.
MOST_POINTS = 1000
# Entries of a filter: a page draws 100 of them.
MOST_ENTRIES = 1000


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Add the command ``play``, with an algorithm each as a command of its own."""
    parser = subparsers.add_parser(
        "play", help="write a page that plays a run step by step", description=__doc__
    )
    algorithms = parser.add_subparsers(metavar="ALGORITHM", required=True)
    add_bcd(algorithms)
    add_rvscgd(algorithms)
    add_ftprop(algorithms)
    add_coarse(algorithms)


def new_parser(
    algorithms: "argparse._SubParsersAction[Any]", name: str, text: str
) -> argparse.ArgumentParser:
    """Return the parser of an algorithm with the options that all have."""
    parser: argparse.ArgumentParser = algorithms.add_parser(
        name, help=text, description=f"Write a page that plays {text}."
    )
    add = parser.add_argument
    add("--html", required=True, metavar="FILE.html", help="the page to write")
    add("--title", help="what the page is called (default: the algorithm and the data)")
    add(
        "--steps",
        type=int,
        default=STEPS,
        metavar="N",
        help=f"steps on the page at most (default: {STEPS})",
    )
    add("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    return parser


def add_data(parser: argparse.ArgumentParser, default: str, samples: int, hidden: str) -> None:
    """Add the options of an algorithm that learns from data."""
    add_data_options(parser, default=default, also=PLANES)
    parser.add_argument(
        "--samples",
        type=int,
        default=samples,
        metavar="N",
        help=f"training samples (default: {samples})",
    )
    parser.add_argument(
        "--hidden",
        type=numbers(int),
        default=numbers(int)(hidden),
        metavar="N[,N...]",
        help=f"units of the hidden layers (default: {hidden})",
    )


def add_bcd(algorithms: "argparse._SubParsersAction[Any]") -> None:
    """Add block coordinate descent."""
    parser = new_parser(algorithms, "bcd", "full-batch block coordinate descent")
    add_data(parser, "xor", 60, "8")
    defaults = Options()
    add = parser.add_argument
    add("--sweeps", type=int, default=12, metavar="N", help="passes over all blocks (default: 12)")
    add(
        "--splitting",
        choices=SPLITTINGS,
        default="two",
        help="form of the objective and its blocks (default: two)",
    )
    add(
        "--tau",
        type=float,
        default=defaults.tau,
        help=f"price of |U - V W^T|^2 / 2 in hidden layers (default: {defaults.tau})",
    )
    add(
        "--gamma",
        type=float,
        default=defaults.gamma,
        help=f"ridge on W (default: {defaults.gamma})",
    )
    add("--l20", type=float, default=0.0, help="price of a hidden unit (default: 0)")
    add(
        "--initialisation",
        choices=INITIALISATIONS,
        default="data-scaled",
        help="rule for the first weights of hidden layers (default: data-scaled)",
    )
    parser.set_defaults(run=run_bcd)


def add_rvscgd(algorithms: "argparse._SubParsersAction[Any]") -> None:
    """Add RVSCGD."""
    parser = new_parser(algorithms, "rvscgd", "RVSCGD, which learns a sparse filter")
    add = parser.add_argument
    add("--d", type=int, default=2, metavar="N", help="entries of the filter (default: 2)")
    add("--k", type=int, default=20, metavar="N", help="patches (default: 20)")
    add(
        "--penalty",
        choices=[name for name, kind in PENALTIES.items() if not kind.of_matrices],
        default="l0",
        help="the penalty (default: l0)",
    )
    add("--lam", type=float, default=0.05, help="price of the penalty (default: 0.05)")
    add("--beta", type=float, default=0.6, help="stiffness of the coupling (default: 0.6)")
    add("--eta", type=float, default=0.02, help="step size (default: 0.02)")
    add("--n-iter", type=int, default=100, metavar="N", help="iterations (default: 100)")
    add(
        "--method", choices=tuple(METHODS), default="rvscgd", help="the algorithm (default: rvscgd)"
    )
    parser.set_defaults(run=run_rvscgd)


def add_ftprop(algorithms: "argparse._SubParsersAction[Any]") -> None:
    """Add target propagation."""
    parser = new_parser(algorithms, "ftprop", "feasible target propagation")
    add_data(parser, "moons", 60, "5,4")
    add = parser.add_argument
    add("--epochs", type=int, default=20, metavar="N", help="passes over the data (default: 20)")
    add("--batch-size", type=int, default=20, metavar="N", help="samples in a batch (default: 20)")
    add("--learning-rate", type=float, default=0.05, help="of Adam (default: 0.05)")
    add(
        "--loss",
        choices=tuple(LOSSES),
        default="soft_hinge",
        help="loss of the hidden units (default: soft_hinge)",
    )
    parser.set_defaults(run=run_ftprop)


def add_coarse(algorithms: "argparse._SubParsersAction[Any]") -> None:
    """Add the coarse gradient."""
    parser = new_parser(algorithms, "coarse", "descent along the coarse gradient, in the plane")
    add = parser.add_argument
    add("--k", type=int, default=20, metavar="N", help="patches (default: 20)")
    add("--eta", type=float, default=0.05, help="step size (default: 0.05)")
    add("--n-iter", type=int, default=60, metavar="N", help="iterations (default: 60)")
    add(
        "--start",
        type=float,
        default=START,
        metavar="RADIANS",
        help=f"first angle of w and w* (default: {START})",
    )
    parser.set_defaults(run=run_coarse)


# ------------------------------------------------------------------------------------- the data


def plane(name: str, n_samples: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return points of the plane, centred and scaled, and their classes as one-hot targets.

    Parameters
    ----------
    name : {"moons", "xor", "blobs"}
        Two half circles that clasp, four clouds of two classes, three clouds of three.
    n_samples : int
        Shared evenly by the classes.
    rng : numpy.random.Generator
    """
    labels = np.arange(n_samples) % (3 if name == "blobs" else 2)
    noise = rng.standard_normal((n_samples, 2))
    if name == "moons":
        turn = np.pi * rng.random(n_samples)
        sign = 1 - 2 * labels
        X = np.column_stack([sign * np.cos(turn) + labels, sign * np.sin(turn) + labels / 2])
        X = X + 0.12 * noise
    elif name == "xor":
        corner = rng.integers(0, 2, n_samples)
        X = 2.0 * np.column_stack([corner, corner ^ labels]) - 1 + 0.3 * noise
    else:
        centres = np.array([[-1.0, -0.6], [1.0, -0.6], [0.0, 1.1]])
        X = centres[labels] + 0.45 * noise
    X = X - X.mean(axis=0)
    return X / X.std(), np.eye(labels.max() + 1)[labels]


def read_data(
    arguments: argparse.Namespace, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return the samples, their one-hot targets, and the samples as they were before scaling.

    Raises
    ------
    ValueError
        If there is no such data set, or it is not as it should be.
    """
    n_samples = check_integer("samples", arguments.samples, minimum=2)
    if arguments.data in PLANES:
        return *plane(arguments.data, min(n_samples, MOST_POINTS), rng), None
    data = load_data(arguments, also=PLANES)
    chosen = choose_samples(data.y_train, n_samples, rng)
    return *prepare(data, chosen), data.X_train[chosen]


# ------------------------------------------------------------------------------------ the runs


def run_bcd(arguments: argparse.Namespace) -> int:
    """Record block coordinate descent and write its page."""
    rng = prepared(arguments)
    hidden = check_hidden(arguments.hidden)
    options = {
        "sweeps": arguments.sweeps,
        "splitting": arguments.splitting,
        "tau": arguments.tau,
        "gamma": arguments.gamma,
        "lam": arguments.l20,
        "initialisation": arguments.initialisation,
    }
    chosen = Options(**options)
    chosen.coefficients(len(hidden) + 1)
    X, Y, pictures = read_data(arguments, rng)
    seed = int(rng.integers(2**31))
    steps = block_steps(X, Y, hidden, rng=seed, **options)
    start = initial_state(X, Y, hidden, chosen, np.random.default_rng(seed))
    sizes = "-".join(map(str, (X.shape[1], *hidden, Y.shape[1])))
    title = f"Block coordinate descent: {arguments.data}, a net of {sizes} units"
    return write(arguments, steps, title, start=start, pictures=pictures)


def run_rvscgd(arguments: argparse.Namespace) -> int:
    """Record RVSCGD and write its page."""
    rng = prepared(arguments)
    d = check_integer("d", arguments.d)
    if d > MOST_ENTRIES:
        raise ValueError(f"d must be <= {MOST_ENTRIES}, but is {d}")
    if d == 2:
        w_star, w0 = np.array([1.0, 0.0]), np.array([np.cos(START), np.sin(START)])
    else:
        w_star = sparse_teacher(rng, (d, 1), 0.2)
        w0 = unit(rng.standard_normal(d))
    steps = splitting_steps(
        w0,
        w_star,
        k=arguments.k,
        penalty=arguments.penalty,
        lam=arguments.lam,
        beta=arguments.beta,
        eta=arguments.eta,
        n_iter=arguments.n_iter,
        method=arguments.method,
    )
    title = (
        f"{arguments.method.upper()}: a sparse filter of {d} entries, penalty {arguments.penalty}"
    )
    return write(arguments, steps, title)


def run_ftprop(arguments: argparse.Namespace) -> int:
    """Record target propagation and write its page."""
    rng = prepared(arguments)
    check_choice("loss", arguments.loss, LOSSES)
    hidden = check_hidden(arguments.hidden)
    X, Y, _ = read_data(arguments, rng)
    steps = target_steps(
        X,
        Y.argmax(axis=1),
        hidden,
        rng=rng,
        measure=True,
        n_classes=max(Y.shape[1], 2),
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        loss=arguments.loss,
    )
    sizes = "-".join(map(str, (X.shape[1], *hidden, Y.shape[1])))
    title = f"Target propagation: {arguments.data}, a net of {sizes} units"
    return write(arguments, steps, title)


def run_coarse(arguments: argparse.Namespace) -> int:
    """Record descent along the coarse gradient and write its page."""
    prepared(arguments)
    check_patches("k", arguments.k, ())
    if not 0 <= arguments.start <= np.pi:
        raise ValueError(f"start must be an angle from 0 to pi, but is {arguments.start}")
    w0 = np.array([np.cos(arguments.start), np.sin(arguments.start)])
    steps = coarse_steps(
        w0, np.array([1.0, 0.0]), k=arguments.k, eta=arguments.eta, n_iter=arguments.n_iter
    )
    return write(arguments, steps, "The coarse gradient, in the plane")


def prepared(arguments: argparse.Namespace) -> np.random.Generator:
    """Return the source of randomness, once the options that all share are checked.

    Raises
    ------
    ValueError
        If one is out of its range, or the page cannot be written.
    """
    check_writable(arguments.html, data=getattr(arguments, "data", None))
    check_integer("steps", arguments.steps)
    return np.random.default_rng(check_integer("seed", arguments.seed, minimum=0))


def write(
    arguments: argparse.Namespace,
    steps: Iterator[Step],
    title: str,
    *,
    start: Any = None,
    pictures: FloatArray | None = None,
) -> int:
    """Record the steps, write the page, and say so."""
    with no_direction_is_bad_input():
        recording = record(
            steps,
            start=start,
            title=arguments.title or title,
            limit=arguments.steps,
            pictures=pictures,
        )
    text = render(recording)
    with atomic_write(arguments.html, text=True) as file:
        file.write(text)
    changes = sum("happened" in frame for frame in recording.frames[1:])
    print(
        f"page of {len(recording.frames):,} frames, {changes:,} of them with a change, "
        f"{len(text.encode()) / 1e6:.2f} MB: {arguments.html}"
    )
    if recording.more:
        print(f"the run goes on after {arguments.steps:,} steps, which the page leaves out")
    return 0
