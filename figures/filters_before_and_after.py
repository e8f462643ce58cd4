"""The filters of a small convolutional net on the digits, as they learn and as RVSCGD leaves them.

Above the weights w, which follow their coarse gradients and the pull of u; below u, the proximal
map of a price for each filter: some have gone (docs/theory.md#d3). Step units, 3 x 3 filters.
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
from zeroone.support.validation import FloatArray

EPOCHS = 12
LEVEL, BETA = 0.32, (1e-3, 1.0)


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


def first_filters(network: Network) -> FloatArray:
    """Return the filters of the first convolution, shape (16, 3, 3)."""
    first = next(layer for layer in network.layers if layer.kind == "convolution")
    weights: FloatArray = first.parameters[0][..., 0]
    return weights


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` trains for two epochs."""
    data = load_digits()
    classifier = FTPropClassifier(
        network=small,
        image_shape=(8, 8),
        activation="step",
        epochs=2 if quick else EPOCHS,
        penalty="group",
        lam=(LEVEL * BETA[0], LEVEL * BETA[1]),
        beta=BETA,
        threshold="relative",
        sparse_layers="convolution",
    ).fit(data.X_train, data.y_train)
    rows = [first_filters(net) for net in (classifier.dense_network_, classifier.network_)]
    extent = np.abs(rows[0]).max()
    figure, axes = plots.new_figure(1, rows=2, height=2.1, width=plots.WIDE)
    names = {"w": "w, the weights that learn", "u": "u, the sparse weights"}
    for each, filters, (name, said) in zip(axes, rows, names.items(), strict=True):
        # Side by side, with a column of nothing between two filters.
        strip = np.full((3, 4 * len(filters) - 1), np.nan)
        for j, image in enumerate(filters):
            strip[:, 4 * j : 4 * j + 3] = image
        picture = each.imshow(strip, cmap=plots.COLOUR_MAP, vmin=-extent, vmax=extent)
        gone = int(np.sum(~filters.reshape(len(filters), -1).any(axis=1)))
        each.set_title(f"{said}: {gone} of {len(filters)} filters are zero")
        each.set_xticks(range(1, 4 * len(filters), 12), range(1, len(filters) + 1, 3))
        each.set(yticks=[], xlabel="filter", ylabel=name)
        each.spines[:].set_visible(False)
        each.grid(False)
    figure.colorbar(picture, ax=axes, label="weight", shrink=0.9)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
