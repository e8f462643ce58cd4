"""Test accuracy against the time of training, for all methods, on the embedded digits.

Nets of 200 hidden units, each method with its own defaults, 30 epochs (sweeps in the full-batch
form); a point an epoch, medians over some seeds, with their range shaded. The time is that of the
processor, so that it does not depend on what else runs; measuring accuracy is not counted. Block
coordinate descent has step units, target propagation and the straight-through estimators sign
units, the last one step units with the slope of the ReLU.
"""

import time
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from zeroone.commands.methods import METHODS, Classifier
from zeroone.datasets import load_digits
from zeroone.estimators import FTPropClassifier, FullBatchBCDClassifier
from zeroone.plots import style as plots
from zeroone.support.validation import FloatArray

HIDDEN = 200
EPOCHS = 30
SEEDS = 5
LOWEST = 80  # per cent: what is below is not drawn

Maker = Callable[[int, int], Classifier]


def makers() -> dict[str, Maker]:
    """Return, by what the legend says, what makes an untrained classifier of (epochs, seed)."""
    found: dict[str, Maker] = {
        method.title: lambda epochs, seed, method=method: method.make(
            seed, {"hidden": HIDDEN, "epochs": epochs}
        )
        for method in METHODS.values()
    }
    found["straight-through estimator, ReLU"] = lambda epochs, seed: FTPropClassifier(
        HIDDEN, epochs=epochs, activation="step", loss="linear", surrogate="relu", random_state=seed
    )
    found["block coordinate descent, full batch"] = lambda epochs, seed: FullBatchBCDClassifier(
        HIDDEN, epochs=epochs, random_state=seed
    )
    return found


def follow(net: Classifier, every: int, clock: Callable[[], float]) -> FloatArray:
    """Return (seconds, test accuracy in per cent) after each epoch, of shape (2, n_epochs)."""
    data = load_digits()
    points, seconds = [], 0.0
    steps = net.steps(data.X_train[::every], data.y_train[::every])
    start = clock()
    for step in steps:
        seconds += clock() - start
        if step.info.get("epoch_ends"):
            right = np.mean(net.snapshot().predict(data.X_test) == data.y_test)
            points.append((seconds, 100 * right))
        start = clock()
    # What comes after the last step belongs to the last epoch.
    seconds += clock() - start
    points[-1] = seconds, 100 * net.score(data.X_test, data.y_test)
    return np.array(points).T


@plots.styled
def draw(quick: bool = False, clock: Callable[[], float] = time.process_time) -> Figure:
    """Return the figure; `quick` makes one run of two epochs, on a tenth of the data."""
    figure, (axes,) = plots.new_figure(1, height=4.0)
    for number, (label, make) in enumerate(makers().items()):
        runs = np.array(
            [
                follow(make(2 if quick else EPOCHS, seed), 10 if quick else 1, clock)
                for seed in range(1 if quick else SEEDS)
            ]
        )
        seconds, middle = np.median(runs, axis=0)
        axes.plot(
            seconds, middle, label=label, color=plots.COLOURS[number],
            linestyle=plots.STYLES[number],
        )  # fmt: skip
        axes.fill_between(
            seconds, runs[:, 1].min(axis=0), runs[:, 1].max(axis=0),
            color=plots.COLOURS[number], alpha=0.15, linewidth=0,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(max(axes.get_ylim()[0], 0 if quick else LOWEST), 100)
    axes.set(xlabel="seconds of processor time", ylabel="test accuracy of the hard net (%)")
    axes.set_title(f"digits, {HIDDEN} hidden units\nmedian and range of {SEEDS} seeds")
    plots.legend_below(figure, axes, columns=1)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
