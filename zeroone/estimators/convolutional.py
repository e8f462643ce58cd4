"""What the classifiers over block coordinate descent do with a convolutional layer."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.convolution import PooledState
from zeroone.bcd.filters import network_layers
from zeroone.datasets.shifts import check_images
from zeroone.estimators.classification import NetworkClassifier
from zeroone.estimators.samples import Samples
from zeroone.nets.convolution import Window
from zeroone.nets.layers import Layer
from zeroone.nets.network import Network
from zeroone.nets.regions import RegionMeans
from zeroone.nets.scaling import Scaling
from zeroone.support.validation import check_integer

# What has no meaning for filters; a classifier may have only some of them.
DENSE_ONLY = (
    "hidden",
    "tau_schedule",
    "lam",
    "initialisation",
    "passes",
    "forgetting",
    "layerwise",
    "splitting",
    "pi",
    "groups",
    "order",
    "shift",
    "whitening",
    "standardise",
    "class_weight",
    "warm_start",
    "initial_network",
)


class Convolutional(NetworkClassifier):
    """A classifier that may train filters: with the parameters kernel, filters and regions."""

    kernel: int | None
    filters: int
    regions: int

    def _convolutional(self) -> bool:
        """Return whether filters are trained; refuse their parameters where they do nothing."""
        if self.kernel is None:
            for name, unused in (("filters", 400), ("regions", 2)):
                if getattr(self, name) != unused:
                    raise ValueError(f"{name} must be {unused} without a kernel")
            return False
        check_integer("kernel", self.kernel)
        check_integer("filters", self.filters)
        check_integer("regions", self.regions)
        for name, default in self._of_dense_layers().items():
            if getattr(self, name) != default:
                raise ValueError(f"{name} must be {default!r} with a kernel: it does nothing there")
        return True

    def _of_dense_layers(self) -> dict[str, Any]:
        """Return the parameters that do nothing with a kernel, with their defaults."""
        every = inspect.signature(type(self)).parameters
        return {name: every[name].default for name in DENSE_ONLY if name in every}

    def _kernel(self) -> int:
        assert self.kernel is not None
        return self.kernel

    def _input_whitening(self) -> float | None:
        # Patches have a whitening of their own.
        return None if self.kernel is not None else super()._input_whitening()

    def _check_images(self, n_features: int) -> None:
        if self.kernel is None:
            super()._check_images(n_features)
            return
        height, width, _ = check_images(self.image_shape, n_features)
        try:
            positions = Window.of("kernel", self._kernel(), 1, 0).positions(height, width)
        except ValueError as error:
            raise ValueError(f"kernel must fit into the images: {error}") from None
        RegionMeans(self.regions).output_shape((*positions, 1))

    def _merged(self, samples: Samples) -> Samples:
        if self.kernel is None:
            return super()._merged(samples)
        if samples.weight is not None and np.any(samples.weight != 1):
            raise ValueError(
                "sample_weight must be None with a kernel: filters are trained without"
            )
        return Samples(samples.X, samples.targets, None, samples.passed)

    def _raw_images(self, X: NDArray[Any]) -> tuple[NDArray[Any], Scaling]:
        """Return the images as they are, and the layer that scales them, in float32 by default."""
        shape = check_images(self.image_shape, X.shape[1])
        scaling = self.scaling_.layer(shape, np.dtype(self.dtype or np.float32))
        return X.reshape(len(X), *shape), scaling

    def snapshot(self) -> Any:
        """Return the network of the present weights, for raw input; it may be called at any step.

        Returns
        -------
        ZeroOneMLP or Network
            A `Network` with a `kernel`.
        """
        state = getattr(self, "state_", None)
        if self.kernel is None or state is None:
            return super().snapshot()
        shape = check_images(self.image_shape, self.n_features_in_)
        return Network(state.network_layers(), shape, classes=np.array(self.classes_.tolist()))


@dataclass
class FullBatchNetwork:
    """The variables of the full-batch form, with what makes the patches.

    Parameters
    ----------
    pooled : PooledState
    before : sequence of layers
        From raw images to patches.
    means : RegionMeans
    """

    pooled: PooledState
    before: Sequence[Layer]
    means: RegionMeans

    def network_layers(self) -> list[Layer]:
        """Return the layers of the network for raw images."""
        state = self.pooled
        return network_layers(
            self.before,
            (state.weights, state.biases),
            self.means,
            (state.output_weights, state.output_biases),
        )


def single(name: str, value: float | Sequence[float]) -> float:
    """Return the price of the only hidden layer.

    Raises
    ------
    ValueError
        If there are several.
    """
    if isinstance(value, int | float):
        return float(value)
    if len(value) != 1:
        raise ValueError(f"{name} must be one number with a kernel, but is {value}")
    return float(value[0])
