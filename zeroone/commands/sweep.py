"""``zeroone sweep``: where RVSCGD descends and finds the support, on a grid of two parameters.

Every point is run from the same starts, uniform on theta <= pi - delta. Descent is asked for at
every iteration that begins at theta >= delta.
"""

import argparse
import csv
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.commands.common import (
    add_worker_options,
    check_picture,
    check_writable,
    numbers,
    progress,
)
from zeroone.commands.gaussian_common import (
    Network,
    add_network_options,
    make_network,
    no_direction_is_bad_input,
)
from zeroone.gaussian import theory
from zeroone.gaussian.filters import cone_slope
from zeroone.gaussian.rvscgd import check_iterations
from zeroone.gaussian.sweep import Sweep, predicted_supports, sweep
from zeroone.support.executors import workers_or_cluster
from zeroone.support.files import atomic_write
from zeroone.support.tables import Cell, table
from zeroone.support.validation import FloatArray, check_integer, check_number

# What is on the horizontal axis and what on the vertical one.
AXES = {"beta-lam": ("beta", "lam"), "eta-beta": ("eta", "beta")}
# Points along a side on which the theoretical boundary is looked for.
FINE = 201
# Points a side, and weights of the starts of one point, that are not too many for a computer.
MOST_POINTS, MOST_WEIGHTS = 1000, 100_000_000
SHARES = ("angle_descent", "lagrangian_descent", "support_recovered")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "sweep", help="draw where RVSCGD descends and finds the support", description=__doc__
    )
    add_network_options(parser)
    group = parser.add_argument_group("grid")
    group.add_argument(
        "--axes",
        choices=tuple(AXES),
        default="beta-lam",
        help="what varies: the horizontal and the vertical axis (default: beta-lam)",
    )
    group.add_argument(
        "--grid", type=int, default=21, metavar="N", help="points a side (default: 21)"
    )
    defaults = {
        "beta": "a range around (k/2 pi) sin(delta)",
        "lam": "a range around the edge of recovery, or a number near it",
        "eta": "a range around 2 pi/k, or the largest that theory allows for each beta",
    }
    for name, default in defaults.items():
        group.add_argument(
            f"--{name}",
            type=numbers(float),
            metavar="LOW,HIGH",
            help=f"range if it is an axis, else a number (default: {default})",
        )
    parser.add_argument(
        "--delta",
        type=float,
        default=0.3,
        metavar="RADIANS",
        help="the angle down to which descent is asked for, in (0, pi/2] (default: 0.3)",
    )
    parser.add_argument(
        "--starts", type=int, default=50, metavar="N", help="starts a point (default: 50)"
    )
    parser.add_argument(
        "--n-iter", type=int, default=300, metavar="N", help="iterations (default: 300)"
    )
    add_worker_options(parser)
    parser.add_argument(
        "--checkpoint",
        metavar="FILE.npz",
        help="write what has been found every ten seconds and at Ctrl-C; the same command goes on "
        "from there",
    )
    parser.add_argument("--csv", metavar="FILE.csv", help="write a row for each point")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the grid")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class Grid:
    """Values of lam, beta and eta, of which two are axes.

    Parameters
    ----------
    axes : (horizontal, vertical)
        Names.
    values : mapping of str to ndarray of one axis
        Without "eta" that is the largest that theory allows for each beta.
    """

    axes: tuple[str, str]
    values: Mapping[str, FloatArray]

    def along(self, axis: int) -> FloatArray:
        """Return the values on the horizontal (0) or the vertical (1) axis."""
        return self.values[self.axes[axis]]

    def finer(self) -> "Grid":
        """Return the same ranges with more points."""
        fine = {
            name: np.geomspace(float(each[0]), float(each[-1]), FINE)
            for name, each in self.values.items()
            if name in self.axes
        }
        return Grid(self.axes, {**self.values, **fine})

    def plane(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values on (lam, beta, eta) as (vertical, horizontal), the third one left out."""
        return values[:, :, 0] if self.axes == ("beta", "lam") else values[0]


def make_grid(arguments: argparse.Namespace, network: Network) -> Grid:
    """Return the grid that the options describe.

    Raises
    ------
    ValueError
        If what should be a range is a number, or the other way round, or is out of range.
    """
    axes = AXES[arguments.axes]
    n = check_integer("grid", arguments.grid, minimum=2)
    if n > MOST_POINTS:
        raise ValueError(f"grid must be <= {MOST_POINTS:,}, but is {n:,}")
    slope = cone_slope(network.k)
    certain = slope * np.sin(arguments.delta)
    # With l0 the edge of recovery is at lam = beta m^2 / 2, and in this range for other penalties.
    entries = network.w_star[network.w_star != 0]
    edge = certain * float(np.min(entries**2)) / 2
    default = {
        "beta": (certain / 30, certain * 30),
        "lam": (edge / 100, 10 * slope / np.sqrt(len(network.w_star))),
        "eta": (0.01 / slope, 10 / slope),
    }
    values = {}
    for name, pair in default.items():
        given = getattr(arguments, name)
        if name in axes:
            values[name] = np.geomspace(*_check_range(name, pair if given is None else given), n)
        elif given is not None:
            if isinstance(given, tuple):
                raise ValueError(f"{name} must be one number with --axes {arguments.axes}")
            values[name] = np.array([check_number(name, given, strict=name != "lam")])
        elif name == "lam":
            values[name] = np.array([edge / 4])
    return Grid(axes, values)


def _check_range(name: str, given: float | tuple[float, ...]) -> tuple[float, float]:
    """Return LOW, HIGH of an axis."""
    if not isinstance(given, tuple) or len(given) != 2:
        raise ValueError(f"{name} must be a range LOW,HIGH, but is {given}")
    low, high = (check_number(name, value, strict=True) for value in given)
    if low >= high:
        raise ValueError(f"{name} must be a range LOW,HIGH with LOW < HIGH, but is {low},{high}")
    return low, high


def measure(
    grid: Grid,
    network: Network,
    arguments: argparse.Namespace,
    executor: Executor | None = None,
) -> Sweep:
    """Return the sweep of a grid, with a progress bar meanwhile."""
    n_runs = arguments.starts * len(grid.along(0)) * len(grid.along(1))
    with progress(n_runs, "run") as bar, no_direction_is_bad_input():
        return sweep(
            network.w_star,
            k=network.k,
            penalty=network.penalty,
            lam=grid.values["lam"],
            beta=grid.values["beta"],
            eta=grid.values.get("eta"),
            delta=arguments.delta,
            n_starts=arguments.starts,
            n_iter=arguments.n_iter,
            rng=np.random.default_rng((arguments.seed, 1)),
            filter_shape=network.filter_shape,
            executor=executor,
            checkpoint=arguments.checkpoint,
            progress=bar.update,
        )


def columns(found: Sweep, k: int) -> dict[str, FloatArray]:
    """Return the table with a row for each point, by its columns.

    What theory predicts of the limit's support is NaN where eta is above its bound.
    """
    shape = found.angle.shape
    allowed = found.eta <= theory.largest_eta(found.beta, k)[:, np.newaxis]
    predicted = np.where(allowed, found.support_predicted[..., np.newaxis], np.nan)
    values = {
        "lam": found.lam[:, np.newaxis, np.newaxis],
        "beta": found.beta[:, np.newaxis],
        "eta": found.eta,
        **{name: getattr(found, name) for name in SHARES},
        "angle": found.angle,
        "hypotheses_hold": found.hypotheses_hold,
        "support_predicted": predicted,
    }
    return {name: np.broadcast_to(each, shape).ravel() for name, each in values.items()}


def write_points(path: str, points: Mapping[str, FloatArray]) -> None:
    """Write the table as CSV, a row at a time; what is not known is an empty cell."""
    flags = ("hypotheses_hold", "support_predicted")
    with atomic_write(path, text=True) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(points)
        for row in zip(*points.values(), strict=True):
            writer.writerow(
                "" if np.isnan(value) else int(value) if name in flags else float(value)
                for name, value in zip(points, row, strict=True)
            )


def summary(points: Mapping[str, FloatArray]) -> str:
    """Return what was seen where theory says something, and where it does not."""
    held, predicted = points["hypotheses_hold"] == 1, points["support_predicted"]
    parts = {
        "everywhere": np.ones(len(held), bool),
        "hypotheses on beta, lam, eta hold": held,
        "they do not": ~held,
        "support is predicted to be recovered": predicted == 1,
        "predicted not to be": predicted == 0,
        "not predicted": np.isnan(predicted),
    }
    rows: list[list[Cell]] = [
        [
            name,
            int(where.sum()),
            *(f"{points[share][where].mean():.1%}" if where.any() else "" for share in SHARES),
        ]
        for name, where in parts.items()
    ]
    return table(["where", "points", "angle falls", "Lagrangian falls", "support recovered"], rows)


def boundaries(
    grid: Grid, network: Network, delta: float
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Return, by panel and label, the regions of the finer grid whose edges are drawn."""
    lam, beta = grid.values["lam"][:, np.newaxis, np.newaxis], grid.values["beta"][:, np.newaxis]
    largest_eta = theory.largest_eta(beta, network.k)
    eta = grid.values.get("eta", largest_eta)
    held = theory.hypotheses(
        network.w_star, network.w_star, k=network.k, lam=lam, beta=beta, eta=eta, delta=delta
    )
    certain = np.all([each.holds for each in held if each.name != "w0"], axis=0)
    sharp = (beta <= 2 * theory.largest_beta(delta, network.k)) & (eta <= largest_eta)
    descent = {
        "certain by Theorem 1": grid.plane(certain),
        "certain by the sharp bound on $\\beta$": grid.plane(np.broadcast_to(sharp, certain.shape)),
    }
    return {
        SHARES[0]: descent,
        SHARES[1]: descent,
        SHARES[2]: _recovery(grid, network, np.broadcast_to(eta <= largest_eta, certain.shape)),
    }


def _recovery(
    grid: Grid, network: Network, allowed: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Return the regions where eta is allowed and the limit's support is known."""
    predicted = predicted_supports(
        network.w_star, network.k, network.penalty, grid.values["lam"], grid.values["beta"]
    )
    if np.isnan(predicted).all():
        return {}
    regions = {"in the limit from every start": 1, "in the limit from no start": 0}
    return {
        label: grid.plane((predicted == value)[:, :, np.newaxis] & allowed)
        for label, value in regions.items()
    }


def run(arguments: argparse.Namespace) -> int:
    """Run the grid, print what was seen, write files."""
    check_writable(arguments.csv, arguments.plot, arguments.checkpoint)
    check_picture(arguments.plot)
    check_number("delta", arguments.delta, strict=True, maximum=np.pi / 2)
    starts = check_integer("starts", arguments.starts)
    check_iterations("n-iter", arguments.n_iter)
    network = make_network(arguments)
    if starts * len(network.w_star) > MOST_WEIGHTS:
        raise ValueError(
            f"starts must be fewer: {starts:,} of d = {len(network.w_star):,} weights are more "
            f"than {MOST_WEIGHTS:,} numbers"
        )
    # Numbers of 1e308 overflow on the way to points where nothing descends.
    with np.errstate(all="ignore"):
        grid = make_grid(arguments, network)
        start = time.perf_counter()
        with workers_or_cluster(arguments.workers, arguments.scheduler) as executor:
            found = measure(grid, network, arguments, executor)
        seconds = time.perf_counter() - start
        report(arguments, network, grid, found, seconds)
    return 0


def report(
    arguments: argparse.Namespace,
    network: Network,
    grid: Grid,
    found: Sweep,
    seconds: float,
) -> None:
    """Print what was seen, and write what --csv and --plot ask for."""
    points = columns(found, network.k)
    n = len(grid.along(0))
    print(
        f"RVSCGD, {network}\n{n} x {n} points, {arguments.starts} starts each, "
        f"{arguments.n_iter} iterations, delta = {arguments.delta:g} rad ({seconds:.1f} s)\n"
    )
    print(summary(points))
    print("predictions are of the limit, which a small eta does not reach in these iterations")
    if arguments.csv:
        write_points(arguments.csv, points)
        print(f"points written to {arguments.csv}")
    if arguments.plot:
        draw(arguments, network, grid, found)
        print(f"picture written to {arguments.plot}")


def draw(arguments: argparse.Namespace, network: Network, grid: Grid, found: Sweep) -> None:
    """Write the picture."""
    from zeroone.plots import gaussian as plots_gaussian
    from zeroone.plots import style as plots

    finer = grid.finer()
    panels = {name: grid.plane(getattr(found, name)) for name in SHARES}
    figure = plots_gaussian.phase_picture(
        (grid.along(0), grid.along(1)),
        panels,
        (finer.along(0), finer.along(1)),
        boundaries(finer, network, arguments.delta),
        axes=grid.axes,
        title=f"{network}; {arguments.starts} starts a point, "
        rf"descent asked for at $\theta \geq \delta$ = {arguments.delta:g} rad",
    )
    plots.save(figure, arguments.plot)
