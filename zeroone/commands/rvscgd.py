"""``zeroone rvscgd``: learn a sparse filter by relaxed variable splitting, and watch it.

The defaults are the published experiment: the angle theta(w, w*) and the Lagrangian L_beta fall,
both of them monotonically.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zeroone.commands.common import check_picture, check_writable, progress
from zeroone.commands.gaussian_common import (
    Network,
    add_network_options,
    make_network,
    no_direction_is_bad_input,
)
from zeroone.gaussian import limits, theory
from zeroone.gaussian.filters import cone_slope, unit
from zeroone.gaussian.rvscgd import METHODS, Runs, check_iterations, check_runs, trajectories
from zeroone.gaussian.sampling import stochastic_coarse_gradient
from zeroone.penalties import L1
from zeroone.steps import History
from zeroone.support.tables import table
from zeroone.support.validation import FloatArray, check_integer, check_number

# About how many records are made unless told otherwise.
RECORDS = 1000
# More would not fit into memory, and no screen shows them.
MOST_RECORDS = 1_000_000
# Numbers in the samples of an iteration: 8 GB.
MOST_NUMBERS = 10**9
# Rises, relative to 1 + the value, that rounding explains.
ROUNDING = 1e-12
# What counts as equality in a hypothesis, relative.
ALMOST = 1e-12


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "rvscgd", help="learn a sparse filter on Gaussian input", description=__doc__
    )
    add_network_options(parser)
    group = parser.add_argument_group("method")
    group.add_argument(
        "--method", choices=tuple(METHODS), default="rvscgd", help="the algorithm (default: rvscgd)"
    )
    for name, default, text in (
        ("--beta", 4e-3, "stiffness of the coupling of w and u"),
        ("--lam", 1e-4, "price of the penalty"),
        ("--eta", 1e-5, "step size"),
    ):
        group.add_argument(
            name, type=float, default=default, metavar="X", help=f"{text} (default: {default:g})"
        )
    group.add_argument(
        "--n-iter", type=int, default=300_000, metavar="N", help="iterations (default: 300000)"
    )
    group.add_argument(
        "--samples",
        type=int,
        metavar="M",
        help="take the coarse gradient's mean over M new samples in every iteration, not its "
        "expectation",
    )
    parser.add_argument(
        "--delta",
        type=float,
        metavar="RADIANS",
        help="the angle down to which descent is to hold (default: the smallest that beta allows)",
    )
    parser.add_argument(
        "--record-every",
        type=int,
        metavar="N",
        help=f"iterations between records (default: about {RECORDS} records)",
    )
    parser.add_argument("--csv", metavar="FILE.csv", help="write the records")
    parser.add_argument("--plot", metavar="FILE.png", help="draw angle and Lagrangian")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class Trajectory:
    """A run: its records, and where it ended.

    Parameters
    ----------
    history : History
        Rows of iteration, angle, lagrangian and its terms, and the number of non-zeros of u.
    w0, u, w : ndarrays of shape (d,)
    delta : float
        The angle down to which descent is asked for; at most pi/2.
    seconds : float
    """

    history: History
    w0: FloatArray
    u: FloatArray
    w: FloatArray
    delta: float
    seconds: float


def follow(runs: Runs, method: str, n_iter: int, every: int, delta: float) -> Trajectory:
    """Run, with a progress bar, and keep records."""
    history = History()
    start = time.perf_counter()
    with progress(n_iter, "iteration") as bar, no_direction_is_bad_input():
        for _, iteration, _, state in trajectories(runs, method, n_iter, every):
            angle = runs.angles(state.w)
            terms = {name: float(value) for name, value in runs.terms(state, angle).items()}
            history.record(
                iteration=iteration,
                angle=float(angle),
                lagrangian=sum(terms.values()),
                **terms,
                nonzeros=int(np.count_nonzero(state.u)),
            )
            bar.set_postfix(angle=f"{angle:.3g}", refresh=False)
            bar.update(iteration - bar.n)
    seconds = time.perf_counter() - start
    return Trajectory(history, runs.w, state.u + 0.0, state.w, delta, seconds)


def course(history: History, name: str, delta: float) -> str:
    """Say whether a column of the records falls, and if not, where it rises."""
    values, angles = np.array(history.column(name)), np.array(history.column("angle"))
    rises = np.diff(values)
    up = rises > ROUNDING * (1 + np.abs(values[:-1]))
    if not up.any():
        return f"falls at each of the {len(rises):,} records"
    above = up & (angles[:-1] >= delta)
    first = history.column("iteration")[int(np.argmax(up))]
    return (
        f"rises at {up.sum():,} of the {len(rises):,} records, {above.sum():,} of them at theta >= "
        f"delta; first after iteration {first:,}, at most by {rises.max():.2g}"
    )


def support_text(u: FloatArray, w_star: FloatArray) -> str:
    """Return true and false positives and negatives of the support of u."""
    found, true = u != 0, w_star != 0
    counts = (
        ("true positives", found & true),
        ("false positives", found & ~true),
        ("true negatives", ~found & ~true),
        ("false negatives", ~found & true),
    )
    verdict = "recovered" if np.array_equal(found, true) else "not recovered"
    return f"{verdict}: " + ", ".join(f"{flags.sum()} {name}" for name, flags in counts)


def expected_support(network: Network, arguments: argparse.Namespace) -> str | None:
    """Say what theory expects of the support at the limit, None where it says nothing."""
    known = arguments.beta < cone_slope(network.k) and arguments.samples is None
    if network.penalty.of_matrices or not known:
        return None
    predicted = limits.support_prediction(
        network.w_star,
        k=network.k,
        penalty=network.penalty,
        lam=arguments.lam,
        beta=arguments.beta,
    )
    least = np.abs(network.w_star[network.w_star != 0]).min()
    verdict = {1.0: "recovered", 0.0: "not recovered"}.get(float(predicted), "depends on the start")
    return f"{verdict} (least entry of w*: {least:.3g})"


def closed_form(network: Network, arguments: argparse.Namespace) -> limits.LimitPoint | None:
    """Return l1's limit, None for other penalties, for ADMM, and where there is none."""
    if network.penalty != L1() or arguments.method != "rvscgd":
        return None
    try:
        return limits.l1_limit(network.w_star, k=network.k, lam=arguments.lam, beta=arguments.beta)
    except ValueError:
        return None


def summary(
    found: Trajectory, network: Network, arguments: argparse.Namespace
) -> Sequence[tuple[str, str]]:
    """Return the rows of the final table."""
    first, last = found.history.rows[0], found.history.rows[-1]
    parameters = {"k": network.k, "beta": arguments.beta}
    balance = limits.balance(found.u, found.w, network.w_star, **parameters)
    bound = limits.sine_bound(
        network.penalty,
        len(network.w_star),
        lam=arguments.lam,
        n_groups=network.n_groups,
        **parameters,
    )
    limit, expected = closed_form(network, arguments), expected_support(network, arguments)
    rows = [
        ("angle of w and w*", f"{first['angle']:.6g} -> {last['angle']:.6g} rad"),
        ("Lagrangian", f"{first['lagrangian']:.6g} -> {last['lagrangian']:.6g}"),
        ("the angle", course(found.history, "angle", found.delta)),
        ("the Lagrangian", course(found.history, "lagrangian", found.delta)),
        ("support of u", support_text(found.u, network.w_star)),
    ]
    if arguments.method == "rvscgd":
        if expected:
            rows.append(("support at the limit", expected))
        rows.append(("bound on sin(angle) at limits", f"{bound:.6g}"))
        if limit is not None:
            rows.append(("angle of the limit, closed form", f"{limit.angle:.6g} rad"))
            distance = np.linalg.norm(found.w - limit.w)
            rows.append(("distance of w from that limit", f"{distance:.3g}"))
        rows.append(
            (
                "balance |c w* + beta u - C w|",
                f"{balance.residual:.3g} with C = {balance.multiplier:.6g}, c = k/(2 pi)",
            )
        )
    rows.append(("time", f"{found.seconds:.1f} s"))
    return rows


def hypotheses_text(
    held: Sequence[theory.Hypothesis], delta: float, arguments: argparse.Namespace
) -> str:
    """Return the table of Theorem 1's hypotheses."""

    def verdict(each: theory.Hypothesis) -> str:
        if each.holds and each.slack <= 2 * ALMOST * each.bound:
            return "with equality"
        return f"by {each.slack:.3g}" if each.holds else f"NO: off by {-each.slack:.3g}"

    rows = [
        (each.statement, f"{each.value:.5g}", f"{each.bound:.5g}", verdict(each)) for each in held
    ]
    if arguments.method == "admm":
        note = "it says nothing about ADMM"
    elif arguments.samples is not None:
        note = "it is about the expected gradient, not about a sampled one"
    elif all(each.holds for each in held):
        note = "angle and Lagrangian must fall as long as theta >= delta"
    else:
        note = "nothing is promised"
    title = f"Theorem 1 with delta = {delta:.5g} rad, L = k / (2 pi): {note}"
    return f"{title}\n\n" + table(["hypothesis", "value", "bound", "holds"], rows)


def choose_delta(arguments: argparse.Namespace, network: Network) -> float:
    """Return --delta, or the smallest that beta allows, pi/2 if it allows none."""
    if arguments.delta is not None:
        return check_number("delta", arguments.delta, strict=True, maximum=np.pi / 2)
    smallest = float(theory.smallest_delta(arguments.beta, network.k))
    # A little more, lest rounding put beta above its bound.
    return float(np.fmin(smallest * (1 + ALMOST), np.pi / 2))


def run(arguments: argparse.Namespace) -> int:
    """Run the method, print what became of it, write files."""
    check_writable(arguments.csv, arguments.plot)
    check_picture(arguments.plot)
    network = make_network(arguments)
    n_iter = check_iterations("n-iter", arguments.n_iter)
    every = arguments.record_every
    every = check_iterations("record-every", -(-n_iter // RECORDS) if every is None else every)
    if n_iter // every > MOST_RECORDS:
        raise ValueError(f"record-every must leave at most {MOST_RECORDS:,} records")
    # Another stream than the teacher's, but the same for all penalties and methods.
    rng = np.random.default_rng((arguments.seed, 1))
    w0 = unit(rng.standard_normal(len(network.w_star)))
    parameters = {
        "k": network.k,
        "lam": arguments.lam,
        "beta": arguments.beta,
        "eta": arguments.eta,
    }
    runs, _ = check_runs(
        w0,
        network.w_star,
        penalty=network.penalty,
        filter_shape=network.filter_shape,
        coarse_gradient=sampled(network, arguments.samples, rng),
        **parameters,
    )
    delta = choose_delta(arguments, network)
    # Numbers of 1e308 overflow in products that are shown, and only there.
    with np.errstate(all="ignore"):
        held = theory.hypotheses(w0, network.w_star, delta=delta, **parameters)
        found = follow(runs, arguments.method, n_iter, every, delta)
        rows = summary(found, network, arguments)
        print(table(["", f"{arguments.method.upper()}, {network}, {n_iter:,} iterations"], rows))
        print("\n" + hypotheses_text(held, delta, arguments))
        write_results(arguments, found, network)
    return 0


def sampled(
    network: Network, n_samples: int | None, rng: np.random.Generator
) -> Callable[[FloatArray], FloatArray] | None:
    """Return the coarse gradient of --samples, None for the expected one."""
    if n_samples is None:
        return None
    check_integer("samples", n_samples)
    numbers = n_samples * network.k * len(network.w_star)
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"samples must be fewer: {n_samples:,} of k = {network.k:,} patches of d = "
            f"{len(network.w_star):,} are {numbers:,} numbers, and {MOST_NUMBERS:,} are allowed"
        )
    return stochastic_coarse_gradient(network.w_star, network.k, n_samples=n_samples, rng=rng)


def write_results(arguments: argparse.Namespace, found: Trajectory, network: Network) -> None:
    """Write what --csv and --plot ask for, and say so."""
    if arguments.csv:
        found.history.to_csv(arguments.csv)
        print(f"records written to {arguments.csv}")
    if arguments.plot:
        from zeroone.plots import gaussian as plots_gaussian
        from zeroone.plots import style as plots

        limit = closed_form(network, arguments)
        figure = plots_gaussian.descent_curve(
            found.history,
            title=f"{arguments.method.upper()}, {network}",
            delta=found.delta if arguments.method == "rvscgd" else None,
            limit=None if limit is None else float(limit.angle),
        )
        plots.save(figure, arguments.plot)
        print(f"picture written to {arguments.plot}")
