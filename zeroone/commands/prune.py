"""``zeroone prune``: remove neurons of a saved network, the least missed first."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.regression import SCORES, remove
from zeroone.commands.common import (
    add_data_options,
    check_picture,
    check_writable,
    load_data,
    matched,
    numbers,
    progress,
    winners,
)
from zeroone.datasets import Dataset, stratified_split
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import load
from zeroone.steps import History
from zeroone.support.tables import table
from zeroone.support.validation import check_integer, check_number

# Steps in which a layer shrinks: between them, scores and targets are computed anew.
STEPS = 25


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "prune",
        help="remove neurons of a saved model",
        description="Remove neurons of a saved network, the least missed first.",
    )
    parser.add_argument("model", metavar="MODEL.npz")
    add_data_options(parser)
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument(
        "--keep",
        type=numbers(int),
        metavar="N[,N...]",
        help="neurons to keep in the hidden layer, or in each of them",
    )
    goal.add_argument(
        "--max-loss",
        type=float,
        metavar="POINTS",
        help="remove neurons as long as accuracy on a held-out tenth of the training data falls by "
        "at most this many percentage points",
    )
    parser.add_argument(
        "--score",
        choices=SCORES,
        default="joint",
        help="what ranks the neurons: joint, by how much the next layer's loss rises without one; "
        "row, by the size of its own pre-activations (default: joint)",
    )
    parser.add_argument(
        "--save", metavar="MODEL.npz", help="write the smaller network (may be MODEL.npz itself)"
    )
    parser.add_argument("--curve", metavar="FILE.csv", help="write accuracy against neurons")
    parser.add_argument("--plot", metavar="FILE.png", help="draw accuracy against neurons")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class Parts:
    """Training data in two parts: what decides which neurons go, and what judges the result.

    Labels are numbers of the network's outputs.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    X_held: NDArray[Any]
    y_held: NDArray[Any]


def split(data: Dataset) -> Parts:
    """Hold out a tenth of the training data."""
    kept, held = stratified_split(data.y_train, 0.1, np.random.default_rng(0))
    return Parts(data.X_train[kept], data.y_train[kept], data.X_train[held], data.y_train[held])


def accuracy(network: ZeroOneMLP, X: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the fraction of samples of which the right output has the highest score."""
    return float(np.mean(winners(network, X) == y))


def falling_sizes(start: int, end: int) -> list[int]:
    """Return sizes from `start` (excluded) down to `end`, each a fixed share of the one before.

    The share is such that about `STEPS` steps lead from `start` to a tenth of it.
    """
    sizes, size = [], start
    while size > end:
        size = max(min(round(size * 0.1 ** (1 / STEPS)), size - 1), end)
        sizes.append(size)
    return sizes


def targets(arguments: argparse.Namespace, hidden: Sequence[int]) -> list[int]:
    """Return the size to which each hidden layer may shrink.

    Raises
    ------
    ValueError
        If --keep does not fit the network.
    """
    if arguments.keep is None:
        return [1] * len(hidden)
    given = arguments.keep if isinstance(arguments.keep, tuple) else (arguments.keep,) * len(hidden)
    if len(given) != len(hidden):
        raise ValueError(f"keep must be one number or {len(hidden)} of them, but has {len(given)}")
    for size, units in zip(given, hidden, strict=True):
        check_integer("keep", size)
        if size > units:
            raise ValueError(f"keep must be at most {units}, the layer's size, but is {size}")
    return list(given)


def shrink(
    network: ZeroOneMLP, parts: Parts, arguments: argparse.Namespace
) -> Iterator[tuple[ZeroOneMLP, float]]:
    """Yield ever smaller networks with their accuracy on the held-out part, the given one first.

    With --max-loss a layer's first network that loses too much ends that layer, and is not yielded.
    """
    reached = accuracy(network, parts.X_held, parts.y_held)
    yield network, reached
    least = -np.inf if arguments.max_loss is None else reached - arguments.max_loss / 100
    ends = targets(arguments, network.layer_sizes[1:-1])
    for layer, end in enumerate(ends):
        sizes = falling_sizes(network.layer_sizes[layer + 1], end)
        for smaller in remove(network, parts.X, parts.y, sizes, layer=layer, score=arguments.score):
            reached = accuracy(smaller, parts.X_held, parts.y_held)
            if reached < least:
                break
            network = smaller
            yield network, reached


def run(arguments: argparse.Namespace) -> int:
    """Remove neurons, print what it cost, write files."""
    check_writable(arguments.save, arguments.curve, arguments.plot, data=arguments.data)
    # --save may name the model that it replaces; a table or a picture must not.
    check_writable(arguments.curve, arguments.plot, read=[arguments.model])
    check_picture(arguments.plot)
    if arguments.max_loss is not None:
        check_number("max-loss", arguments.max_loss, maximum=100)
    network = load(arguments.model)
    if not isinstance(network, ZeroOneMLP):
        raise ValueError(
            f"model must be a multi-layer perceptron, but {arguments.model} is {network!r}"
        )
    network = network.compress()
    hidden = network.layer_sizes[1:-1]
    if not hidden or min(hidden) == 0:
        raise ValueError(f"model must have hidden neurons, but {arguments.model} has none")
    targets(arguments, hidden)
    data = matched(network, load_data(arguments), arguments.model)
    parts = split(data)
    history = History()
    smallest = network
    with progress(sum(hidden), "neuron") as bar:
        for smallest, held_out in shrink(network, parts, arguments):
            sizes = smallest.layer_sizes[1:-1]
            bar.update(sum(hidden) - sum(sizes) - bar.n)
            history.record(
                neurons=sum(sizes),
                **{f"neurons_{i + 1}": size for i, size in enumerate(sizes)},
                validation_accuracy=held_out,
                test_accuracy=accuracy(smallest, data.X_test, data.y_test),
            )
    print_summary(history, data)
    if arguments.save:
        smallest.save(arguments.save)
        print(f"model written to {arguments.save}")
    if arguments.curve:
        history.to_csv(arguments.curve)
        print(f"curve written to {arguments.curve}")
    if arguments.plot:
        from zeroone.plots import style, training

        curves = {
            "held-out training data": history.column("validation_accuracy"),
            "test data": history.column("test_accuracy"),
        }
        figure = training.removal_curve(
            history.column("neurons"), curves, title=f"{data.name}, {arguments.score} score"
        )
        style.save(figure, arguments.plot)
        print(f"picture written to {arguments.plot}")
    return 0


def print_summary(history: History, data: Dataset) -> None:
    """Print the table of sizes and accuracies: the ends, and some in between."""
    rows = list(history)
    shown = sorted({*np.linspace(0, len(rows) - 1, 12).round().astype(int).tolist()})
    table_rows = [
        (
            rows[index]["neurons"],
            f"{rows[index]['validation_accuracy']:.2%}",
            f"{rows[index]['test_accuracy']:.2%}",
        )
        for index in shown
    ]
    print(data.name)
    print(table(["neurons", "held-out accuracy", "test accuracy"], table_rows))
