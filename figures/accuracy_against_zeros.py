"""Test accuracy of the sparse net against its zeros, for l0, l1 and transformed l1, and for ADMM.

A small net of step units on the digits (two convolutions, two dense layers, normalised), its
weights cut at several thresholds relative to their layer (docs/theory.md#d3). A refit of three
epochs on what is left follows. Medians over some seeds, with their whole range as bars.
"""

import numpy as np
from matplotlib.figure import Figure

from zeroone.datasets import load_digits
from zeroone.estimators import FTPropClassifier
from zeroone.nets.architectures import Builder
from zeroone.nets.layers import Flatten
from zeroone.nets.network import Network
from zeroone.nets.pooling import MaxPooling
from zeroone.plots import style as plots
from zeroone.plots.names import plain_name
from zeroone.targetprop.splitting import level

EPOCHS, REFIT, SEEDS = 10, 3, 3
BETA = (1e-3, 1.0)
THRESHOLDS = (0.3, 0.6, 0.9, 1.2, 1.5)
ROWS = (("l0", "rvscgd"), ("l1", "rvscgd"), ("tl1", "rvscgd"), ("l0", "admm"))


def small(image_shape: tuple[int, ...], n_classes: int, **options: object) -> Network:
    """Return 3x3/16, pool; 3x3/32, pool; dense 64, classes; all normalised."""
    build = Builder(image_shape, **options)
    for n_filters in (16, 32):
        filters = build.convolution(n_filters, 3, padding=1, biases=False)
        build.add(filters, MaxPooling(2), build.normalised(n_filters), build.units())
    build.add(Flatten())
    build.add(build.dense(64, biases=False), build.normalised(64), build.units())
    build.add(build.output(n_classes))
    return build.network()


def point(
    penalty: str, splitting: str, threshold: float, seed: int, *, quick: bool
) -> tuple[float, float]:
    """Return the zeros of u and its test accuracy after the refit, both in per cent."""
    data, price = load_digits(), level(penalty, threshold)
    classifier = FTPropClassifier(
        network=small,
        image_shape=(8, 8),
        activation="step",
        epochs=1 if quick else EPOCHS,
        penalty=penalty,
        lam=(price * BETA[0], price * BETA[1]),
        beta=BETA,
        splitting=splitting,
        threshold="relative",
        refit_epochs=1 if quick else REFIT,
        random_state=seed,
    ).fit(data.X_train, data.y_train)
    return 100 * classifier.zeros_[-1].share, 100 * classifier.score(data.X_test, data.y_test)


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` makes one short run a point."""
    figure, (axes,) = plots.new_figure(1, height=3.9)
    for number, (penalty, splitting) in enumerate(ROWS):
        runs = np.array(
            [
                [
                    point(penalty, splitting, threshold, seed, quick=quick)
                    for seed in range(1 if quick else SEEDS)
                ]
                for threshold in THRESHOLDS
            ]
        )
        zeros, accuracy = np.median(runs, axis=1).T
        spread = np.abs([runs[..., 1].min(axis=1), runs[..., 1].max(axis=1)] - accuracy)
        axes.errorbar(
            zeros, accuracy, yerr=spread, color=plots.COLOURS[number],
            linestyle=plots.STYLES[number], marker="osD^"[number], markersize=3.5, elinewidth=0.8,
            label=f"{plain_name(splitting)}, {plain_name(penalty)}",
        )  # fmt: skip
    axes.set(xlabel="zeros among the weights (%)", ylabel="test accuracy of the sparse net (%)")
    axes.set_title(f"digits, a small net of step units\nmedian and range of {SEEDS} seeds")
    plots.legend_below(figure, axes, columns=1)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
