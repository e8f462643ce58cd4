"""``zeroone optimality-gap``: how far from the best possible net training ends.

For tiny problems the least training error that a net of a given size can have is found exactly, by
branch and bound on a mixed-integer program, and again by enumeration of all that hidden units can
do. Each method then trains the same net from several seeds.
"""

import argparse
import sys
from collections.abc import Collection

import numpy as np

from zeroone.commands.common import add_worker_options, check_picture, check_writable, progress
from zeroone.estimators.optimality import METHODS, Result, optimality_gaps
from zeroone.exact.problems import PROBLEMS
from zeroone.steps import History
from zeroone.support.executors import workers_or_cluster
from zeroone.support.tables import Cell, table
from zeroone.support.validation import check_integer, check_number

# More would take years.
MOST_SEEDS = 1_000_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "optimality-gap",
        help="compare training with the best possible net on tiny problems",
        description=__doc__,
    )
    parser.add_argument(
        "--problems",
        default=",".join(PROBLEMS),
        metavar="NAME[,NAME...]",
        help=f"problems to solve, of {', '.join(PROBLEMS)} (default: all)",
    )
    parser.add_argument(
        "--methods",
        default=",".join(METHODS),
        metavar="NAME[,NAME...]",
        help=f"methods to measure, of {', '.join(METHODS)} (default: all)",
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="runs of each method (default: 5)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the random problems and of the first run (default: 0)",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="stop branch and bound after so long on each problem (default: 60)",
    )
    add_worker_options(parser)
    parser.add_argument(
        "--csv", metavar="FILE.csv", help="write a row for each solver, method and seed"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw errors above the optimum")
    parser.set_defaults(run=run)


def chosen(option: str, text: str, known: Collection[str]) -> list[str]:
    """Return the names in an option's text, which has commas between them.

    Raises
    ------
    ValueError
        If one is unknown, or named twice.
    """
    names = text.split(",")
    for name in names:
        if name not in known:
            raise ValueError(f"{option} must be of {', '.join(known)}, but {name!r} is not")
    if len(set(names)) < len(names):
        raise ValueError(f"{option} must be named once each, but are {text}")
    return names


def spread(errors: list[int]) -> str:
    """Return the fewest and the median errors for the table."""
    return f"{min(errors)} / {np.median(errors):g}"


def row(result: Result) -> list[Cell]:
    """Return a line of the table."""
    problem, known = result.problem, result.best_known
    return [
        problem.name,
        "-".join(map(str, (problem.X.shape[1], problem.hidden, problem.y.max() + 1))),
        len(problem.y),
        f"{known}" if result.bound == known else f"{result.bound} to {known}",
        known - result.bound,
        f"{result.milp.seconds:.2f}" + ("" if result.milp.proved else " *"),
        f"{result.enumeration.seconds:.2f}" if result.enumeration else "-",
        *(spread(errors) for errors in result.errors.values()),
    ]


def records(results: list[Result], seed: int) -> History:
    """Return a row for each exact solver, and for each method and seed."""
    history = History()
    for result in results:
        problem = result.problem
        own = {"problem": problem.name, "samples": len(problem.y), "hidden": problem.hidden}
        for found in result.exact:
            history.record(
                **own,
                method=found.method,
                seed=None,
                errors=found.errors,
                bound=found.bound,
                gap=found.gap,
                weight_bound=found.weight_bound,
                status=found.status,
                seconds=f"{found.seconds:.3f}",
            )
        for method, errors in result.errors.items():
            for number, count in enumerate(errors):
                history.record(
                    **own,
                    method=method,
                    seed=seed + number,
                    errors=count,
                    seconds=f"{result.seconds[method][number]:.3f}",
                )
    return history


def unproved(result: Result) -> str:
    """Return how branch and bound ended, where it has no proof for all nets."""
    milp = result.milp
    how = milp.status
    if milp.weight_bound is not None:
        how += f", for hidden weights up to {milp.weight_bound:g} only"
    return (
        f"* {result.problem.name}: branch and bound found {milp.errors} errors, bound "
        f"{milp.bound}, gap {milp.gap} ({how})"
    )


def summary(results: list[Result], methods: list[str], seeds: int) -> str:
    """Return the table, and what its columns are."""
    header = ["problem", "net", "samples", "optimum", "gap", "MILP s", "enum. s"]
    runs = "1 seed" if seeds == 1 else f"{seeds} seeds"
    lines = [
        table([*header, *(METHODS[name][0] for name in methods)], [row(each) for each in results]),
        "",
        "optimum: fewest training errors of any net of the size; gap: how many fewer is still open",
        f"methods: fewest / median training errors of {runs}",
        *(unproved(result) for result in results if not result.milp.proved),
    ]
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> int:
    """Solve the problems exactly, train on them, print the table, write files."""
    methods = chosen("methods", arguments.methods, METHODS)
    seeds = check_integer("seeds", arguments.seeds)
    if seeds > MOST_SEEDS:
        raise ValueError(f"seeds must be an integer <= {MOST_SEEDS}, but is {seeds}")
    seed = check_integer("seed", arguments.seed, minimum=0)
    check_number("time-limit", arguments.time_limit, strict=True)
    names = chosen("problems", arguments.problems, PROBLEMS)
    check_writable(arguments.csv, arguments.plot)
    check_picture(arguments.plot)
    with (
        progress(len(names) * (1 + seeds * len(methods)), "net") as bar,
        workers_or_cluster(arguments.workers, arguments.scheduler) as executor,
    ):
        results = optimality_gaps(
            [PROBLEMS[name](seed) for name in names],
            methods,
            seeds=seeds,
            seed=seed,
            time_limit=arguments.time_limit,
            executor=executor,
            progress=bar.update,
        )
    print(summary(results, methods, seeds))
    if arguments.csv:
        records(results, seed).to_csv(arguments.csv)
        print(f"errors written to {arguments.csv}")
    if arguments.plot:
        draw(results, arguments.plot)
        print(f"picture written to {arguments.plot}")
    broken = [result.problem.name for result in results if not result.agree]
    for name in broken:
        print(f"{name}: a net makes fewer errors than the proved bound", file=sys.stderr)
    return 1 if broken else 0


def draw(results: list[Result], path: str) -> None:
    """Write the picture."""
    from zeroone.plots import optimality_gap as plots_gap
    from zeroone.plots import style as plots

    names = [result.problem.name for result in results]
    above = {
        METHODS[method][0]: [
            [count - result.best_known for count in result.errors[method]] for result in results
        ]
        for method in results[0].errors
    }
    is_open = [result.bound < result.best_known for result in results]
    optima = [result.best_known for result in results]
    plots.save(plots_gap.errors_above_optimum(names, optima, above, unproved=is_open), path)
