"""``zeroone compare``: the same network, trained by several methods for the same seconds."""

import argparse
import csv
from typing import Any

import numpy as np

from zeroone.commands.common import (
    add_data_options,
    check_picture,
    check_writable,
    load_data,
    numbers,
    progress,
)
from zeroone.commands.methods import METHODS, owners
from zeroone.datasets import Dataset
from zeroone.estimators.comparison import (
    Maker,
    Run,
    dead_fraction,
    epochs_that_fit,
    infeasible_fraction,
    summary_rows,
    train_for,
)
from zeroone.losses import hidden_loss
from zeroone.nets.units import ACTIVATIONS
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
        "--seeds", type=int, default=3, metavar="N", help="runs of each method (default: 3)"
    )
    parser.add_argument(
        "--units",
        type=int,
        default=10,
        metavar="N",
        help="units of each layer that are judged for feasibility, 0 for none (default: 10)",
    )
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


def maker(name: str, arguments: argparse.Namespace) -> Maker:
    """Return what makes an untrained classifier of a method."""
    parameters: dict[str, Any] = {"hidden": arguments.hidden, "dtype": "float32"}
    if "activation" in METHODS[name].defaults:
        parameters["activation"] = arguments.activation
    if arguments.loss is not None and "loss" in METHODS[name].defaults:
        parameters["loss"] = arguments.loss
    return lambda epochs, seed: METHODS[name].make(seed, {**parameters, "epochs": epochs})


def all_runs(
    names: list[str], data: Dataset, arguments: argparse.Namespace
) -> dict[str, list[Run]]:
    """Train every method with every seed."""
    runs: dict[str, list[Run]] = {name: [] for name in names}
    with progress(len(names) * arguments.seeds, "run") as bar:
        for name in names:
            make = maker(name, arguments)
            epochs = epochs_that_fit(make, data, arguments.seconds)
            for seed in range(arguments.seeds):
                for run in train_for(
                    name, make, data, seconds=arguments.seconds, epochs=epochs, seed=seed
                ):
                    bar.set_postfix_str(f"{name}, seed {seed}: {run.accuracies[-1]:.2%}")
                runs[name].append(run)
                bar.update()
    return runs


def judged(
    runs: dict[str, list[Run]], data: Dataset, arguments: argparse.Namespace
) -> list[list[str | float | int]]:
    """Return the rows of the table."""
    some = np.random.default_rng(0).permutation(len(data.X_train))[:WATCHED]
    dead = {
        name: [dead_fraction(run.network, data.X_train[some]) for run in own]
        for name, own in runs.items()
    }
    infeasible: dict[str, float] = {}
    if arguments.units > 0:
        classes = np.unique(data.y_train, return_inverse=True)[1]
        with progress(sum(map(len, runs.values())), "net") as bar:
            bar.set_description("feasibility")
            for name, own in runs.items():
                found = []
                for run in own:
                    rng = np.random.default_rng(run.seed)
                    found.append(
                        infeasible_fraction(
                            run.network, data.X_train, classes, units=arguments.units, rng=rng
                        )
                    )
                    bar.update()
                infeasible[name] = float(np.mean(found))
    return summary_rows(runs, dead, infeasible)


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
    if arguments.loss is not None:
        hidden_loss(arguments.loss)
        if not set(names) & set(owners("loss")):
            raise ValueError(
                f"loss is an option of {', '.join(owners('loss'))}, but not of the methods "
                f"{', '.join(names)}"
            )
    check_writable(arguments.csv, arguments.plot, data=arguments.data)
    check_picture(arguments.plot)
    for name in names:
        maker(name, arguments)(1, 0)
    data = load_data(arguments)
    runs = all_runs(names, data, arguments)
    sizes = "-".join(map(str, runs[names[0]][0].network.layer_sizes))
    print(f"{data.name}, {sizes}, {arguments.seconds:g} s of training, {arguments.seeds} seeds")
    print(table(COLUMNS, judged(runs, data, arguments)))
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
