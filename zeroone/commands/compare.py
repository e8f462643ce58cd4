"""``zeroone compare``: the same network, trained by several methods for the same seconds."""

import argparse
import csv
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.commands.common import (
    add_data_options,
    add_worker_options,
    check_picture,
    check_writable,
    load_data,
    numbers,
    progress,
    warnings_in_lines,
)
from zeroone.commands.methods import METHODS, Classifier, owners
from zeroone.datasets import Dataset
from zeroone.estimators.comparison import Run, compare, judge, summary_rows
from zeroone.estimators.scales import warn_of_scales
from zeroone.losses import hidden_loss
from zeroone.nets.units import ACTIVATIONS
from zeroone.support.executors import in_order, workers_or_cluster
from zeroone.support.files import atomic_write
from zeroone.support.tables import table
from zeroone.support.validation import check_integer, check_number

COLUMNS = (
    "method",
    "test accuracy %",
    "deviation",
    "epochs",
    "seconds",
    "dead units %",
    "infeasible units %",
)

# Samples on which a unit must vary not to be called dead.
WATCHED = 10_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "compare",
        help="train the same network by several methods for the same seconds",
        description=__doc__,
        epilog="Dead units have the same value on all training samples (10,000 of them, if there "
        "are more). Infeasible units have targets that no weights meet on twice as many samples as "
        "the unit has weights; half of all random targets are feasible there. Block coordinate "
        "descent trains units of 0 and 1, so that these are the default for all.",
    )
    add_data_options(parser)
    parser.add_argument(
        "--methods",
        default=",".join(METHODS),
        metavar="NAME[,NAME...]",
        help=f"which methods, of {', '.join(METHODS)} (default: all)",
    )
    parser.add_argument(
        "--hidden",
        type=numbers(int),
        default=200,
        metavar="N[,N...]",
        help="number of units, for each hidden layer from the input up (default: 200)",
    )
    parser.add_argument(
        "--activation",
        choices=[name for name in ACTIVATIONS if name != "staircase"],
        default="step",
        help="what the hidden units compute, for all methods but bcd (default: step)",
    )
    parser.add_argument(
        "--loss",
        metavar="NAME|MODULE:NAME",
        help="loss of the hidden units, for ftprop: a name as in train --loss, or MODULE:NAME for "
        "a class of your own (default: soft_hinge)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        metavar="S",
        help="seconds of training for each run (default: 10)",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="train for so many epochs instead: the result then depends on the seeds alone, not on "
        "the machine or on the workers",
    )
    parser.add_argument(
        "--standardise",
        action="store_true",
        help="divide each feature by its standard deviation first",
    )
    parser.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="runs of each method (default: 3)"
    )
    parser.add_argument(
        "--units",
        type=int,
        default=10,
        metavar="N",
        help="units of each layer that are judged for feasibility, 0 for none (default: 10)",
    )
    add_worker_options(parser)
    parser.add_argument("--csv", metavar="FILE.csv", help="write the curves, a row for each epoch")
    parser.add_argument("--plot", metavar="FILE.png", help="draw accuracy against seconds")
    parser.set_defaults(run=run)


def chosen_methods(text: str) -> list[str]:
    """Return the methods that --methods names.

    Raises
    ------
    ValueError
        If one is unknown, or named twice.
    """
    names = text.split(",")
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise ValueError(f"methods must be of {', '.join(METHODS)}, but {unknown[0]!r} is not")
    if len(set(names)) < len(names):
        raise ValueError(f"methods must be named once each, but are {text}")
    return names


@dataclass(frozen=True)
class Maker:
    """What makes an untrained classifier of a method; it can be sent to other processes."""

    method: str
    parameters: Mapping[str, Any]

    def __call__(self, epochs: int, seed: int) -> Classifier:
        """Return a classifier for a number of epochs and a seed."""
        return METHODS[self.method].make(seed, {**self.parameters, "epochs": epochs})


def maker(name: str, arguments: argparse.Namespace) -> Maker:
    """Return what makes an untrained classifier of a method."""
    parameters: dict[str, Any] = {"hidden": arguments.hidden, "dtype": "float32"}
    parameters["standardise"] = arguments.standardise
    if "activation" in METHODS[name].defaults:
        parameters["activation"] = arguments.activation
    if arguments.loss is not None and "loss" in METHODS[name].defaults:
        parameters["loss"] = arguments.loss
    return Maker(name, parameters)


def judged(
    runs: dict[str, list[Run]],
    data: Dataset,
    arguments: argparse.Namespace,
    executor: Executor | None,
) -> list[list[str | float | int]]:
    """Return the rows of the table."""
    some = np.random.default_rng(0).permutation(len(data.X_train))[:WATCHED]
    every = [run for own in runs.values() for run in own]
    dead: dict[str, list[float]] = {name: [] for name in runs}
    infeasible: dict[str, list[float]] = {name: [] for name in runs}
    with progress(len(every), "net") as bar:
        bar.set_description("feasibility")
        tasks = ((run, data, some, arguments.units) for run in every)
        for run, (share, impossible) in zip(every, in_order(executor, judge, tasks), strict=True):
            dead[run.method].append(share)
            infeasible[run.method].append(impossible)
            bar.update()
    means = {name: float(np.mean(each)) for name, each in infeasible.items()}
    return summary_rows(runs, dead, means if arguments.units > 0 else {})


def write_curves(path: str, runs: dict[str, list[Run]]) -> None:
    """Write all runs as CSV, a row an epoch."""
    with atomic_write(path, text=True) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "seed", "epoch", "seconds", "test_accuracy"])
        for own in runs.values():
            for run in own:
                for epoch, (seconds, value) in enumerate(
                    zip(run.seconds, run.accuracies, strict=True), start=1
                ):
                    writer.writerow([run.method, run.seed, epoch, f"{seconds:.3f}", f"{value:.6g}"])


def run(arguments: argparse.Namespace) -> int:
    """Train, print the table, write files."""
    names = chosen_methods(arguments.methods)
    check_integer("seeds", arguments.seeds)
    check_integer("units", arguments.units, minimum=0)
    check_number("seconds", arguments.seconds, strict=True, maximum=1e6)
    if arguments.epochs is not None:
        check_integer("epochs", arguments.epochs)
    if arguments.loss is not None:
        hidden_loss(arguments.loss)
        if not set(names) & set(owners("loss")):
            raise ValueError(
                f"loss is an option of {', '.join(owners('loss'))}, but not of the methods "
                f"{', '.join(names)}"
            )
    check_writable(arguments.csv, arguments.plot, data=arguments.data)
    check_picture(arguments.plot)
    makers = {name: maker(name, arguments) for name in names}
    for make in makers.values():
        make(1, 0)
    data = load_data(arguments)
    if not arguments.standardise:
        with warnings_in_lines():
            warn_of_scales(data.X_train, data.image_shape)
    with workers_or_cluster(arguments.workers, arguments.scheduler) as executor:
        with progress(len(names) * arguments.seeds, "run") as bar:
            runs = compare(
                makers,
                data,
                seconds=arguments.seconds,
                epochs=arguments.epochs,
                seeds=arguments.seeds,
                executor=executor,
                progress=bar.update,
            )
        rows = judged(runs, data, arguments, executor)
    sizes = "-".join(map(str, runs[names[0]][0].network.layer_sizes))
    length = (
        f"{arguments.seconds:g} s" if arguments.epochs is None else f"{arguments.epochs} epochs"
    )
    print(f"{data.name}, {sizes}, {length} of training, {arguments.seeds} seeds")
    print(table(COLUMNS, rows))
    if arguments.csv:
        write_curves(arguments.csv, runs)
        print(f"curves written to {arguments.csv}")
    if arguments.plot:
        from zeroone.plots import style, training

        curves = {
            name: [(run.seconds, run.accuracies) for run in own] for name, own in runs.items()
        }
        figure = training.accuracy_against_seconds(curves, title=f"{data.name}, {sizes}")
        style.save(figure, arguments.plot)
        print(f"picture written to {arguments.plot}")
    return 0
