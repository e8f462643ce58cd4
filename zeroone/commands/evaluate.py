"""``zeroone evaluate``: how well a saved network classifies, and what it confuses."""

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.commands.common import add_data_options, load_data, matched, winners
from zeroone.nets.network import load
from zeroone.support.tables import table


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "evaluate", help="accuracy and confusion table of a saved model", description=__doc__
    )
    parser.add_argument("model", metavar="MODEL.npz", help="a model that train --save wrote")
    add_data_options(parser)
    parser.add_argument(
        "--part",
        choices=("test", "train"),
        default="test",
        help="which samples are classified (default: test)",
    )
    parser.set_defaults(run=run)


def confusion(truth: NDArray[Any], predicted: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """Count samples by true class (row) and predicted class (column).

    Parameters
    ----------
    truth, predicted : ndarray of int, shape (n_samples,)
        From 0 to `n_classes` - 1.
    n_classes : int

    Returns
    -------
    ndarray, shape (n_classes, n_classes)
    """
    cells = np.bincount(truth * n_classes + predicted, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def run(arguments: argparse.Namespace) -> int:
    """Print accuracy and confusion table."""
    network = load(arguments.model)
    data = matched(network, load_data(arguments), arguments.model)
    X, y = getattr(data, f"X_{arguments.part}"), getattr(data, f"y_{arguments.part}")
    counts = confusion(y, winners(network, X), len(data.class_names))
    correct = int(np.trace(counts))
    print(f"{arguments.model} on {data.name}, {arguments.part} part")
    training = (network.metadata or {}).get("training")
    if isinstance(training, dict) and training.get("standardise"):
        print("features standardised as in the training, inside of the first layer")
    print(f"accuracy {correct / len(y):.2%} ({correct} of {len(y)})\n")
    print("rows: true class; columns: predicted class")
    rows: list[tuple[str | int, ...]] = []
    for index, (name, row) in enumerate(zip(data.class_names, counts, strict=True)):
        share = f"{row[index] / row.sum():.1%}" if row.sum() else "none"
        rows.append((name, *(int(count) for count in row), share))
    print(table(["", *data.class_names, "correct"], rows))
    return 0
