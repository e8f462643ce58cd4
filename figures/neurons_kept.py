"""Accuracy on the test digits against the number of neurons kept, for two rules of removal.

A net of 200 step units is trained, then loses its neurons one after the other, and the output layer
is fitted anew. The joint score |w_out,j|^2 / (2 K_jj) is exactly what the next layer's loss rises
by without neuron j (docs/theory.md#b2); the row score is what l2,0 goes by, the size of the
neuron's own pre-activations. Medians of some seeds, with the whole range of them shaded.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from zeroone.bcd.regression import SCORES, remove
from zeroone.datasets import load_digits
from zeroone.estimators import BCDClassifier
from zeroone.plots import style as plots
from zeroone.support.validation import FloatArray

HIDDEN = 200
SIZES = (160, 130, 100, 80, 65, 50, 40, 32, 25, 20, 16, 13, 10, 8, 6, 5)
SEEDS = 5
LABELS = {"joint": "joint score: who is missed least", "row": "row score: whose row is smallest"}


def accuracies(seed: int, epochs: int) -> dict[str, list[float]]:
    """Return the test accuracy at `HIDDEN` and at each of `SIZES` by score."""
    data = load_digits()
    net = BCDClassifier(HIDDEN, epochs=epochs, random_state=seed)
    net.fit(data.X_train, data.y_train)
    found = {}
    for score in SCORES:
        smaller = remove(net.network_, data.X_train, data.y_train, SIZES, score=score)
        networks = [net.network_, *smaller]
        found[score] = [float(np.mean(one.predict(data.X_test) == data.y_test)) for one in networks]
    return found


def percent(runs: list[list[float]]) -> FloatArray:
    """Return the median, the least and the largest of the runs."""
    return 100 * np.array([np.median(runs, axis=0), np.min(runs, axis=0), np.max(runs, axis=0)])


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` takes two short runs."""
    runs = [accuracies(seed, 2 if quick else 30) for seed in range(2 if quick else SEEDS)]
    figure, (axes,) = plots.new_figure(1, height=3.1)
    kept = (HIDDEN, *SIZES)
    for number, score in enumerate(SCORES):
        middle, low, high = percent([run[score] for run in runs])
        colour = plots.COLOURS[number]
        axes.plot(
            kept, middle, color=colour, linestyle=plots.STYLES[number], marker="os"[number],
            markersize=3.5, label=LABELS[score],
        )  # fmt: skip
        axes.fill_between(kept, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([5, 10, 20, 50, 100, 200]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set(xlabel="hidden neurons kept", ylabel="test accuracy of the hard net (%)")
    axes.set_title(f"digits, {HIDDEN} step units at first\nmedian and range of {SEEDS} seeds")
    plots.legend_below(figure, axes, columns=1)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
