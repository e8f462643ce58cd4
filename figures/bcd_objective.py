"""The objective of block coordinate descent by term, after every block update, and its worth.

Left: the two-splitting form, whose activations are the bits of the hard network. Right: the
published three-splitting form, whose activations are relaxed (docs/theory.md#b2). Top: after each
of the first updates, with the block that moved. Middle: all sweeps. Bottom: the hard network, the
one that exists at test time. In both forms the objective falls at every update; only on the left is
the network the better for it. Embedded digits, full batch, one hidden layer.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeroone.datasets import load_digits
from zeroone.estimators import FullBatchBCDClassifier
from zeroone.plots import style as plots
from zeroone.plots.names import term_name
from zeroone.steps import History

HIDDEN = 100
SWEEPS = 20
# Sweeps of which each update has a bar.
BAR_SWEEPS = 2
SEED = 0
FORMS = {"two": "two-splitting", "three": "three-splitting"}
TERMS = {
    name: term_name(name) for name in ("objective", "fit", "coupling_1", "activation_1", "ridge")
}
# The same look for a term in all panels.
LOOKS: dict[str, dict[str, Any]] = {
    term: {"color": colour} for term, colour in zip(TERMS, plots.COLOURS, strict=False)
}
LINES = dict(zip(TERMS, plots.STYLES, strict=False))
PARTS: dict[str, dict[str, Any]] = {
    "training": {"color": plots.COLOURS[5], "linestyle": "-"},
    "test": {"color": plots.COLOURS[6], "linestyle": "--"},
}


def train(splitting: str, sweeps: int, every: int) -> History:
    """Return a row a block update: its position in sweeps, the terms, and the accuracies."""
    data = load_digits()
    X, y = data.X_train[::every], data.y_train[::every]
    net = FullBatchBCDClassifier(HIDDEN, splitting=splitting, epochs=sweeps, random_state=SEED)
    history = History()
    for step in net.steps(X, y):
        hard = net.snapshot()
        history.record_step(
            step,
            position=step.info["position"],
            training_accuracy=np.mean(hard.predict(X) == y),
            test_accuracy=np.mean(hard.predict(data.X_test) == data.y_test),
        )
    return history


def draw_blocks(axes: Axes, history: History) -> None:
    """Draw the terms before and after the first block updates, on top of each other."""
    rows = [row for row in history if row["sweep"] <= BAR_SWEEPS]
    bottom = np.zeros(len(rows))
    for term in (term for term in TERMS if term in history.terms):
        values = np.array([row[term] for row in rows])
        axes.bar(
            range(len(rows)), values, bottom=bottom, width=0.85, label=TERMS[term], **LOOKS[term]
        )
        bottom += values
    axes.set_xticks(range(len(rows)), [row["block"] for row in rows])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("block that has moved", labelpad=2)


def draw_terms(axes: Axes, history: History) -> None:
    """Draw the objective and its terms after each update of all sweeps."""
    sweeps = history.column("position")
    for term in (term for term in TERMS if term in history.columns):
        values = [value if value else None for value in history.column(term)]
        plots.draw_lines(axes, sweeps, {TERMS[term]: values})
        axes.lines[-1].set(**LOOKS[term], linestyle=LINES[term])
    axes.set_yscale("log")
    axes.set_xlabel("sweep", labelpad=2)


def draw_accuracy(axes: Axes, history: History) -> None:
    """Draw the accuracy of the hard network after each update."""
    sweeps = history.column("position")
    for part, look in PARTS.items():
        values = [100 * value for value in history.column(f"{part}_accuracy")]
        axes.plot(sweeps, values, label=f"{part} data", **look)
    axes.set_xlabel("sweep", labelpad=2)


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` makes three sweeps over a quarter of the data."""
    figure = Figure(figsize=(plots.WIDE, 7.4), layout="constrained")
    # A row a question, each with a legend of its own: bars, terms as lines, accuracies.
    parts = figure.subfigures(3, 1)
    rows = [list(part.subplots(1, 2)) for part in parts]
    for column, (splitting, name) in enumerate(FORMS.items()):
        history = train(splitting, 3 if quick else SWEEPS, 4 if quick else 1)
        bars, terms, accuracy = (row[column] for row in rows)
        draw_blocks(bars, history)
        draw_terms(terms, history)
        draw_accuracy(accuracy, history)
        bars.set_title(f"{name} form")
    labels = ("objective by term", "objective by term", "hard net right (%)")
    for part, (left, right), label in zip(parts, rows, labels, strict=True):
        limits = [*left.get_ylim(), *right.get_ylim()]
        for each in (left, right):
            each.set_ylim(min(limits), max(limits))
        left.set_ylabel(label)
        # The right one has all terms.
        plots.figure_legend(part, right)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
