"""First-layer weights before and after training, as images of 8 x 8 pixels.

Rows start as differences of two training images of different classes, with the threshold at their
midpoint; the right half is after mini-batch block coordinate descent on the embedded digits. Each
weight is multiplied by the standard deviation of its pixel, which is how much it can matter, and
each neuron scaled to the same largest magnitude. Shown are the neurons that send on most.
"""

import numpy as np
from matplotlib.figure import Figure

from zeroone.datasets import load_digits
from zeroone.estimators import BCDClassifier
from zeroone.plots import style as plots
from zeroone.support.validation import FloatArray

HIDDEN = 60
EPOCHS = 30
ROWS, COLUMNS = 5, 6
SEED = 0


def mosaic(weights: FloatArray) -> FloatArray:
    """Return images of shape (ROWS * COLUMNS, side, side) beside each other, with gaps of NaN."""
    images = weights / np.abs(weights).max(axis=(1, 2), keepdims=True)
    framed = np.pad(images, ((0, 0), (1, 0), (1, 0)), constant_values=np.nan)
    tiles = framed.reshape(ROWS, COLUMNS, *framed.shape[1:])
    return tiles.transpose(0, 2, 1, 3).reshape(ROWS * framed.shape[1], -1)[1:, 1:]


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` makes two epochs."""
    data = load_digits()
    net = BCDClassifier(HIDDEN, epochs=2 if quick else EPOCHS, random_state=SEED)
    steps = net.steps(data.X_train, data.y_train)
    next(steps)  # the output layer moves first
    before = net.snapshot().weights[0]
    for _ in steps:
        pass
    after, output = net.network_.weights
    busiest = np.argsort(-np.linalg.norm(output, axis=0))[: ROWS * COLUMNS]
    right = net.score(data.X_test, data.y_test)
    panels = {
        "before training": (before, "differences of two images"),
        f"after {net.n_iter_} epochs": (after, f"{right:.1%} of the test digits right"),
    }
    figure, axes = plots.new_figure(2, height=2.45)
    spread = data.X_train.std(axis=0)
    for panel, (title, (weights, note)) in zip(axes, panels.items(), strict=True):
        picture = panel.imshow(
            mosaic((weights * spread)[busiest].reshape(-1, *data.image_shape)),
            cmap=plots.COLOUR_MAP,
            vmin=-1,
            vmax=1,
            interpolation="nearest",
        )
        panel.set(title=title, xlabel=note, xticks=[], yticks=[])
        panel.grid(visible=False)
        panel.spines[:].set_visible(False)
    axes[0].set_ylabel(f"{ROWS * COLUMNS} of {HIDDEN} neurons")
    figure.colorbar(picture, ax=axes, label="weight, relative", ticks=[-1, 0, 1], shrink=0.8)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
