"""``zeroone sweep``: where RVSCGD descends and finds the support, on a grid of two parameters.

Every point is run from the same starts, uniform on theta <= pi - delta. Descent is asked for at
every iteration that begins at theta >= delta.
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zeroone.commands.common import check_picture, check_writable, numbers, progress
from zeroone.commands.gaussian_common import (
    Network,
    add_network_options,
    make_network,
    no_direction_is_bad_input,
)
from zeroone.commands.sweep_grid import AXES, Grid, make_grid
from zeroone.gaussian import theory
from zeroone.gaussian.sweep import Sweep, sweep
from zeroone.report import table
from zeroone.trace import History
from zeroone.validation import check_integer, check_number

SHARES = ("angle_descent", "lagrangian_descent", "support_recovered")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "sweep", help="draw where RVSCGD descends and finds the support", description=__doc__
    )
    add_network_options(parser)
    group = parser.add_argument_group("grid")
    group.add_argument("--axes", choices=tuple(AXES), default="beta-lam")
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
    parser.add_argument("--csv", metavar="FILE.csv", help="write a row for each point")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the grid")
    parser.set_defaults(run=run)


def measure(grid: Grid, network: Network, arguments: argparse.Namespace) -> list[Sweep]:
    """Return the sweeps of the rows of a grid, with a progress bar meanwhile."""
    rows = grid.rows()
    found = []
    points = len(grid.along(0))
    with progress(points * len(rows), "point") as bar, no_direction_is_bad_input():
        for row in rows:
            result = sweep(
                network.w_star,
                k=network.k,
                penalty=network.penalty,
                lam=row.values["lam"],
                beta=row.values["beta"],
                eta=row.values.get("eta"),
                delta=arguments.delta,
                n_starts=arguments.starts,
                n_iter=arguments.n_iter,
                # Made anew, so that all rows have the same starts.
                rng=np.random.default_rng((arguments.seed, 1)),
                filter_shape=network.filter_shape,
            )
            found.append(result)
            bar.update(points)
    return found


def records(found: Sequence[Sweep], k: int) -> History:
    """Return a row for each point.

    What theory predicts of the limit's support is left out where eta is above its bound.
    """
    history = History()
    for result in found:
        allowed = result.eta <= theory.largest_eta(result.beta, k)[:, np.newaxis]
        for i, j, m in np.ndindex(result.angle.shape):
            predicted = result.support_predicted[i, j]
            known = allowed[j, m] and not np.isnan(predicted)
            history.record(
                lam=float(result.lam[i]),
                beta=float(result.beta[j]),
                eta=float(result.eta[j, m]),
                **{name: float(getattr(result, name)[i, j, m]) for name in SHARES},
                angle=float(result.angle[i, j, m]),
                hypotheses_hold=int(result.hypotheses_hold[i, j, m]),
                support_predicted=int(predicted) if known else None,
            )
    return history


def summary(history: History) -> str:
    """Return what was seen where theory says something, and where it does not."""

    def part(name: str, rows: list[dict[str, float | None]]) -> list[str | int]:
        shares = [np.array([row[share] for row in rows], float) for share in SHARES]
        return [name, len(rows), *(f"{each.mean():.1%}" if rows else "" for each in shares)]

    everything = list(history)
    parts = {
        "hypotheses on beta, lam, eta hold": ("hypotheses_hold", 1),
        "they do not": ("hypotheses_hold", 0),
        "support is predicted to be recovered": ("support_predicted", 1),
        "predicted not to be": ("support_predicted", 0),
        "not predicted": ("support_predicted", None),
    }
    rows = [
        part(label, [row for row in everything if row[column] == value])
        for label, (column, value) in parts.items()
    ]
    header = ["where", "points", "angle falls", "Lagrangian falls", "support recovered"]
    return table(header, [part("everywhere", everything), *rows])


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
    lam, beta = grid.values["lam"], grid.values["beta"]
    below = beta < network.k / (2 * np.pi)
    if network.name == "l20" or not below.any():
        return {}
    predicted = np.full((len(lam), len(beta)), np.nan)
    predicted[:, below] = theory.support_prediction(
        network.w_star,
        k=network.k,
        penalty=network.penalty,
        lam=lam[:, np.newaxis],
        beta=beta[below],
    )
    regions = {"in the limit from every start": 1, "in the limit from no start": 0}
    return {
        label: grid.plane((predicted == value)[:, :, np.newaxis] & allowed)
        for label, value in regions.items()
    }


def run(arguments: argparse.Namespace) -> int:
    """Run the grid, print what was seen, write files."""
    check_writable(arguments.csv, arguments.plot)
    check_picture(arguments.plot)
    check_number("delta", arguments.delta, strict=True, maximum=np.pi / 2)
    check_integer("starts", arguments.starts)
    check_integer("n-iter", arguments.n_iter)
    network = make_network(arguments)
    grid = make_grid(arguments, network)
    start = time.perf_counter()
    found = measure(grid, network, arguments)
    seconds = time.perf_counter() - start
    history = records(found, network.k)
    n = len(grid.along(0))
    print(
        f"RVSCGD, {network}\n{n} x {n} points, {arguments.starts} starts each, "
        f"{arguments.n_iter} iterations, delta = {arguments.delta:g} rad ({seconds:.1f} s)\n"
    )
    print(summary(history))
    print("predictions are of the limit, which a small eta does not reach in these iterations")
    if arguments.csv:
        history.to_csv(arguments.csv)
        print(f"points written to {arguments.csv}")
    if arguments.plot:
        draw(arguments, network, grid, found)
        print(f"picture written to {arguments.plot}")
    return 0


def draw(
    arguments: argparse.Namespace, network: Network, grid: Grid, found: Sequence[Sweep]
) -> None:
    """Write the picture."""
    from zeroone import plots, plots_gaussian

    finer = grid.finer()
    panels = {
        name: np.array([getattr(result, name).ravel() for result in found]) for name in SHARES
    }
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
