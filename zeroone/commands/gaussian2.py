"""``zeroone gaussian2``: train both layers of the network on Gaussian input, from many starts.

Coarse gradient descent on output weights and filter, in expectation. The table says where the runs
end: at the global minimum, at the spurious one, at a saddle, or at none of them.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.commands.common import check_picture, check_writable, numbers
from zeroone.gaussian.filters import unit
from zeroone.gaussian.two_layer_descent import DescentResult, descend
from zeroone.gaussian.two_layer_stationary import (
    KINDS,
    StationaryPoint,
    classify,
    has_spurious_minimum,
    stationary_points,
)
from zeroone.steps import History
from zeroone.support.tables import table
from zeroone.support.validation import FloatArray, check_array, check_integer, check_number

# As one says it, and as the package calls it.
DERIVATIVES = {"relu": "relu", "clipped": "clipped_relu", "identity": "identity"}
TEACHERS = ("normal", "equal", "alternating")
# Numbers in all runs, and in all their records: some hundred megabytes each.
MOST_NUMBERS = 10_000_000
# Runs move most at first: every second of these iterations is recorded, and of what follows about
# as many.
FIRST, RECORDS = 200, 100
# Rises of the loss, relative to 1 + the loss, that rounding explains.
ROUNDING = 1e-12
DEFAULT_K = 10


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "gaussian2",
        help="train the two-layer network on Gaussian input, from many starts",
        description=__doc__,
    )
    group = parser.add_argument_group("network")
    group.add_argument(
        "--k", type=int, metavar="N", help=f"patches, and output weights (default: {DEFAULT_K})"
    )
    group.add_argument("--d", type=int, default=5, metavar="N", help="weights (default: 5)")
    group.add_argument(
        "--teacher",
        choices=TEACHERS,
        default="normal",
        help="the teacher's output weights: normally distributed, all 1, or 1 and -1 in turn "
        "(default: normal)",
    )
    group.add_argument(
        "--v-star",
        type=numbers(float),
        metavar="X,X,...",
        help="the teacher's output weights themselves, such as 2,-1",
    )
    group = parser.add_argument_group("method")
    group.add_argument(
        "--derivative",
        choices=tuple(DERIVATIVES),
        default="relu",
        help="the pseudo-derivative (default: relu)",
    )
    group.add_argument(
        "--step", type=float, default=0.05, metavar="X", help="step size eta (default: 0.05)"
    )
    group.add_argument(
        "--n-iter", type=int, default=4000, metavar="N", help="iterations (default: 4000)"
    )
    group.add_argument(
        "--normalise", action="store_true", help="divide the filter by its norm after each step"
    )
    group = parser.add_argument_group("starts")
    group.add_argument(
        "--runs", type=int, default=100, metavar="N", help="number of starts (default: 100)"
    )
    group.add_argument(
        "--length",
        type=float,
        default=1.0,
        metavar="X",
        help="norm of the filters at the start (default: 1)",
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of teacher and starts (default: 0)"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.01,
        metavar="X",
        help="how near a point counts as there: in radians, and in units of |v*| (default: 0.01)",
    )
    parser.add_argument("--csv", metavar="FILE.csv", help="write the records of all runs")
    parser.add_argument(
        "--plot", metavar="FILE.png", help="draw the runs in the plane of angle and |v - v*|"
    )
    parser.set_defaults(run=run)


def output_teacher(arguments: argparse.Namespace, rng: np.random.Generator) -> FloatArray:
    """Return v* as --k, --teacher and --v-star describe it.

    Raises
    ------
    ValueError
        If they contradict each other, or are out of range.
    """
    if arguments.v_star is not None:
        v_star = check_array("v-star", np.atleast_1d(arguments.v_star))
        if not v_star.any():
            raise ValueError("v-star must have an entry that is not zero")
        if arguments.k not in (None, len(v_star)):
            raise ValueError(f"k must be the {len(v_star)} of --v-star, but is {arguments.k}")
        return v_star
    k = check_integer("k", DEFAULT_K if arguments.k is None else arguments.k)
    check_size("k", k)
    if arguments.teacher == "equal":
        return np.ones(k)
    return (-1.0) ** np.arange(k) if arguments.teacher == "alternating" else rng.standard_normal(k)


def check_size(name: str, size: int) -> None:
    """Refuse more numbers than fit into memory.

    Raises
    ------
    ValueError
    """
    if size > MOST_NUMBERS:
        raise ValueError(f"{name} must leave at most {MOST_NUMBERS:,} numbers, but there are more")


def make_starts(
    arguments: argparse.Namespace, k: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return v0 of standard normal entries, and w0 of --length in all directions alike."""
    n_runs, d = check_integer("runs", arguments.runs), check_integer("d", arguments.d)
    check_size("d", d)
    check_size("runs", n_runs * (k + d))
    length = check_number("length", arguments.length, strict=True)
    w0 = length * unit(rng.standard_normal((n_runs, d)))
    # The tiniest length may have no direction left.
    if not w0.any(axis=1).all():
        raise ValueError(f"length must be larger, but is {length:g}")
    return rng.standard_normal((n_runs, k)), w0


def follow(
    starts: tuple[FloatArray, FloatArray],
    teacher: tuple[FloatArray, FloatArray],
    n_iter: int,
    eta: float,
    **options: Any,
) -> DescentResult:
    """Run with many records at first and fewer later.

    Raises
    ------
    ValueError
        If a run leaves the range of numbers.
    """
    try:
        first = min(n_iter, FIRST)
        found = descend(*starts, *teacher, eta=eta, n_iter=first, record_every=2, **options)
        if n_iter == first:
            return found
        rest = n_iter - first
        every = -(-rest // RECORDS)
        later = descend(
            found.v, found.w, *teacher, eta=eta, n_iter=rest, record_every=every, **options
        )
    except FloatingPointError as error:
        raise ValueError(f"step is too large: {error}") from None
    # The first record of what follows is the last one of what was before.
    joined = [
        np.concatenate([getattr(found, name), getattr(later, name)[1:]])
        for name in ("losses", "angles", "distances", "norms")
    ]
    iterations = np.append(found.iterations, first + later.iterations[1:])
    return DescentResult(later.v, later.w, iterations, *joined)


def points_text(points: Sequence[StationaryPoint], v_star: FloatArray) -> str:
    """Return the table of the stationary points, and what it means."""
    rows = [
        (each.kind, f"{each.theta:.4g}", f"{np.linalg.norm(each.v - v_star):.4g}", each.loss)
        for each in points
    ]
    k = len(v_star)
    ratio = 2 * v_star.sum() ** 2 / ((k + 1) * np.sum(v_star**2))
    verdict = "a spurious minimum" if bool(has_spurious_minimum(v_star)) else "no spurious minimum"
    title = f"{verdict}: 2 (1.v*)^2 / ((k + 1) |v*|^2) = {ratio:.4g}"
    return table(["stationary point", "angle", "|v - v*|", "loss"], rows) + f"\n\n{title}"


def outcome_text(found: DescentResult, outcomes: NDArray[np.str_]) -> str:
    """Return the table of the runs by where they end."""
    rises = np.diff(found.losses, axis=0) > ROUNDING * (1 + np.abs(found.losses[:-1]))
    rose = np.any(rises, axis=0)
    rows: list[tuple[str | int, ...]] = []
    for kind in KINDS:
        here = outcomes == kind
        count = int(here.sum())
        numbers_of_runs = (
            f"{np.median(each[-1][here]):.4g}" if count else "-"
            for each in (found.losses, found.angles, found.distances, found.norms)
        )
        rows.append((kind, count, *numbers_of_runs, int(rose[here].sum()) if count else "-"))
    header = ["the runs end at", "runs", "loss", "angle", "|v - v*|", "|w|", "loss rose in"]
    note = "medians; a rise is one between records"
    return table(header, rows) + f"\n\n{note}"


def records(found: DescentResult, outcomes: NDArray[np.str_]) -> History:
    """Return a row for each record of each run."""
    history = History()
    for number in range(len(outcomes)):
        for record, iteration in enumerate(found.iterations):
            history.record(
                run=number + 1,
                outcome=str(outcomes[number]),
                iteration=int(iteration),
                loss=float(found.losses[record, number]),
                angle=float(found.angles[record, number]),
                distance=float(found.distances[record, number]),
                norm=float(found.norms[record, number]),
            )
    return history


def run(arguments: argparse.Namespace) -> int:
    """Run the descent, print what became of it, write files."""
    check_writable(arguments.csv, arguments.plot)
    check_picture(arguments.plot)
    seed = check_integer("seed", arguments.seed, minimum=0)
    tolerance = check_number("tolerance", arguments.tolerance, strict=True)
    eta = check_number("step", arguments.step, strict=True)
    n_iter = check_integer("n-iter", arguments.n_iter)
    v_star = output_teacher(arguments, np.random.default_rng(seed))
    k = len(v_star)
    # Another stream than the teacher's, but the same for all pseudo-derivatives.
    v0, w0 = make_starts(arguments, k, np.random.default_rng((seed, 1)))
    check_size("runs", 2 * RECORDS * len(v0) * 4)
    w_star = np.zeros(w0.shape[1])
    w_star[0] = 1.0
    start = time.perf_counter()
    with np.errstate(all="ignore"):
        points = stationary_points(v_star, len(w_star))
        found = follow(
            (v0, w0),
            (v_star, w_star),
            n_iter,
            eta,
            derivative=DERIVATIVES[arguments.derivative],
            normalise=arguments.normalise,
        )
        outcomes = classify(found.v, found.w, v_star, w_star, tolerance)
        title = f"{arguments.derivative}, k = {k}, d = {len(w_star)}, eta = {eta:g}"
        if arguments.normalise:
            title += ", |w| = 1"
        print(f"{title}, {n_iter:,} iterations, {len(v0):,} runs\n")
        print(points_text(points, v_star))
        print("\n" + outcome_text(found, outcomes))
        print(f"\n{time.perf_counter() - start:.1f} s")
    if arguments.csv:
        records(found, outcomes).to_csv(arguments.csv)
        print(f"records written to {arguments.csv}")
    if arguments.plot:
        from zeroone.plots import style as plots
        from zeroone.plots import two_layer as plots_two_layer

        figure = plots_two_layer.trajectory_picture(
            found.angles, found.distances, outcomes, points, v_star, title=title
        )
        plots.save(figure, arguments.plot)
        print(f"picture written to {arguments.plot}")
    return 0
