"""``zeroone evaluate``: how well a saved network classifies, and what it confuses.

Few classes are printed as a confusion table. More than twenty, or a table that is wider than the
terminal: the classes least often right, and the pairs of classes most often confused.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.commands.common import add_data_options, load_data, matched, winners
from zeroone.nets.network import load
from zeroone.support.tables import Cell, table
from zeroone.support.validation import check_integer

# Classes of which there is a table, if the terminal is wide enough.
MOST_CLASSES = 20
# Lines of each list that stands for a larger table.
LINES = 20


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
    parser.add_argument(
        "--lines",
        type=int,
        default=LINES,
        metavar="N",
        help=f"with more than {MOST_CLASSES} classes, or a table wider than the terminal: how many "
        "classes, the least often right first, and how many confused pairs are printed "
        "(default: %(default)s)",
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


def share(part: int, whole: int) -> str:
    """Return a part of a class in per cent; "none" if the class has no samples."""
    return f"{part / whole:.1%}" if whole else "none"


def confusion_table(names: Sequence[str], counts: NDArray[np.int64]) -> str:
    """Return the counts of all pairs, a row a true class, and the share that is right."""
    rows: list[tuple[Cell, ...]] = [
        (name, *map(int, row), share(int(row[index]), int(row.sum())))
        for index, (name, row) in enumerate(zip(names, counts, strict=True))
    ]
    return "rows: true class; columns: predicted class\n" + table(["", *names, "correct"], rows)


def confusion_lists(names: Sequence[str], counts: NDArray[np.int64], lines: int) -> str:
    """Return the classes least often right, and the pairs most often confused.

    Parameters
    ----------
    names : sequence of str
    counts : ndarray of int, shape (n_classes, n_classes)
        As by `confusion`.
    lines : int
        The most lines of each of the two.
    """
    sizes, right = counts.sum(axis=1), np.diag(counts)
    # Of equal shares the larger class first, which has more errors. Classes without samples: none.
    there = np.flatnonzero(sizes)
    order = there[np.lexsort((there, -sizes[there], right[there] / sizes[there]))]
    classes: list[tuple[Cell, ...]] = [
        (names[i], int(sizes[i]), int(right[i]), share(int(right[i]), int(sizes[i])))
        for i in order[:lines]
    ]
    wrong = counts - np.diag(right)
    true, said = np.nonzero(wrong)
    found = wrong[true, said]
    first = np.lexsort((said, true, -found / sizes[true], -found))[:lines]
    pairs: list[tuple[Cell, ...]] = [
        (names[i], names[j], int(wrong[i, j]), share(int(wrong[i, j]), int(sizes[i])))
        for i, j in zip(true[first], said[first], strict=True)
    ]
    parts = [
        f"{len(classes)} of {len(order)} classes, the least often right first",
        table(["class", "samples", "right", "correct"], classes),
    ]
    if not len(found):
        return "\n".join([*parts, "\nno two classes are confused"])
    return "\n".join(
        [
            *parts,
            f"\n{len(pairs)} of {len(found)} pairs of classes, the most often confused first",
            table(["true class", "predicted class", "samples", "share of the class"], pairs),
        ]
    )


def fits(text: str) -> bool:
    """Return whether no line is longer than the terminal is wide; anything fits into a file."""
    longest = max(map(len, text.splitlines()))
    return not sys.stdout.isatty() or longest <= shutil.get_terminal_size().columns


def run(arguments: argparse.Namespace) -> int:
    """Print accuracy and confusion table, or what stands for a table that is too wide."""
    lines = check_integer("lines", arguments.lines, minimum=1)
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
    if len(data.class_names) <= MOST_CLASSES:
        whole = confusion_table(data.class_names, counts)
        if fits(whole):
            print(whole)
            return 0
    print(confusion_lists(data.class_names, counts, lines))
    return 0
