"""The architectures written once more, in PyTorch, with the weights of a zeroone network.

They follow the tables of the papers and share no code with `zeroone.nets.architectures`: what they
take from a network is its arrays, in their order.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from zeroone.nets.layers import Layer
from zeroone.nets.network import Network
from zeroone.nets.normalisation import EPSILON

Tensor = Any


class Arrays:
    """The layers of a network that have arrays, one after the other, as tensors."""

    def __init__(self, network: Network) -> None:
        self.left = list(with_arrays(network.layers))

    def next(self, kind: str) -> list[Tensor]:
        """Return the arrays of the next layer, which must be of a kind."""
        layer = self.left.pop(0)
        assert layer.kind == kind, (layer.kind, kind)
        if kind == "normalisation":
            names = ("mean", "variance", "scale", "shift")
        else:
            names = ("weights", "biases")
        return [torch.from_numpy(getattr(layer, name)) for name in names]


def with_arrays(layers: Any) -> Iterator[Layer]:
    """Yield convolutions, dense layers and normalisations, those of a block's body first."""
    for layer in layers:
        if layer.kind in ("convolution", "dense", "normalisation"):
            yield layer
        elif layer.kind == "residual block":
            yield from with_arrays(layer.body.layers)
            yield from with_arrays(layer.shortcut.layers)


class Twin:
    """The forward passes of the architectures, on images with the channels first.

    Parameters
    ----------
    network : Network
        Of an architecture, for the arrays.
    act : callable
        The hidden units.
    """

    def __init__(self, network: Network, act: Callable[[Tensor], Tensor]) -> None:
        self.arrays, self.plain_act = Arrays(network), act
        self.bits: list[np.ndarray] = []

    def act(self, z: Tensor) -> Tensor:
        """Return what the hidden units give, and remember it with the channels last."""
        h = self.plain_act(z)
        seen = h.permute(0, 2, 3, 1) if h.ndim == 4 else h
        self.bits.append(seen.numpy())
        return h

    def conv(self, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        """Return a convolution; filters are stored with their channels last."""
        weights, biases = self.arrays.next("convolution")
        return F.conv2d(x, weights.permute(0, 3, 1, 2).contiguous(), biases, stride, padding)

    def norm(self, x: Tensor) -> Tensor:
        """Return the normalisation by the running means."""
        return F.batch_norm(x, *self.arrays.next("normalisation"), eps=EPSILON)

    def dense(self, x: Tensor) -> Tensor:
        """Return a dense layer."""
        return F.linear(x, *self.arrays.next("dense"))

    @staticmethod
    def flat(x: Tensor) -> Tensor:
        """Return images as vectors, the channels of a pixel together."""
        return x.permute(0, 2, 3, 1).flatten(1)

    def lenet(self, x: Tensor) -> Tensor:
        """5x5/6 (padding 2), pool; 5x5/16, pool; dense 120, 84, classes."""
        x = self.act(F.max_pool2d(self.conv(x, padding=2), 2))
        x = self.flat(self.act(F.max_pool2d(self.conv(x), 2)))
        return self.dense(self.act(self.dense(self.act(self.dense(x)))))

    def convnet4(self, x: Tensor) -> Tensor:
        """5x5/32, pool; 5x5/64, pool; dense 1024, classes."""
        for _ in range(2):
            x = self.act(F.max_pool2d(self.conv(x, padding=2), 2))
        return self.dense(self.act(self.dense(self.flat(x))))

    def convnet8(self, x: Tensor) -> Tensor:
        """5x5/48, pool; five normalised 3x3 ones; 5x5/512; classes."""
        x = self.act(F.max_pool2d(self.conv(x), 2))
        x = self.act(self.norm(self.conv(x, padding=1)))
        x = self.act(F.max_pool2d(self.norm(self.conv(x, padding=1)), 2))
        for padding in (0, 1, 0):
            x = self.act(self.norm(self.conv(x, padding=padding)))
        return self.dense(self.flat(self.act(self.norm(self.conv(x)))))

    def alexnet(self, x: Tensor) -> Tensor:
        """Five convolutions and three dense layers."""
        x = self.act(self.conv(x, stride=4))
        x = self.act(F.max_pool2d(self.norm(self.conv(x, padding=2)), 3, 2, 1))
        x = self.act(F.max_pool2d(self.norm(self.conv(x, padding=1)), 3, 2))
        x = self.act(self.norm(self.conv(x, padding=1)))
        x = self.flat(self.act(F.max_pool2d(self.norm(self.conv(x, padding=1)), 3, 2)))
        for _ in range(2):
            x = self.act(self.norm(self.dense(x)))
        return self.dense(x)

    def resnet18(self, x: Tensor) -> Tensor:
        """Run a stem, eight blocks, the mean over positions, classes."""
        if min(x.shape[2:]) >= 64:
            x = self.norm(self.conv(x, stride=2, padding=3))
            x = self.act(F.max_pool2d(x, 3, 2, 1))
        else:
            x = self.act(self.norm(self.conv(x, padding=1)))
        for stage in range(4):
            for block in range(2):
                down = stage > 0 and block == 0
                body = self.norm(self.conv(x, stride=2 if down else 1, padding=1))
                inner = self.plain_act(body)
                body = self.norm(self.conv(inner, padding=1))
                shortcut = self.norm(self.conv(x, stride=2)) if down else x
                x = self.act(body + shortcut)
        return self.dense(x.mean(dim=(2, 3)))


class SoftHingeSign(torch.autograd.Function):
    """The sign forward, e (1 - tanh(z)^2) backward."""

    @staticmethod
    def forward(context, z):  # type: ignore[no-untyped-def]
        """Return the signs, and remember z."""
        context.save_for_backward(z)
        return torch.where(z > 0, 1.0, -1.0)

    @staticmethod
    def backward(context, e):  # type: ignore[no-untyped-def]
        """Return e times the slope."""
        (z,) = context.saved_tensors
        return e * (1 - torch.tanh(z) ** 2)


def step_units(z: Tensor) -> Tensor:
    """Return 1 where z > 0, and 0 elsewhere."""
    return (z > 0).to(z.dtype)


def sign_units(z: Tensor) -> Tensor:
    """Return 1 where z > 0, and -1 elsewhere."""
    return 2 * step_units(z) - 1


def outputs(
    name: str, network: Network, images: np.ndarray, act: Callable[[Tensor], Tensor]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return PyTorch's scores for images, and what the hidden units outside blocks gave."""
    twin = Twin(network, act)
    with torch.no_grad():
        channels_first = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        scores = getattr(twin, name)(channels_first)
    assert not twin.arrays.left
    return scores.numpy(), twin.bits


def own_outputs(network: Network, images: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return zeroone's scores for images, and what the hidden units outside blocks gave."""
    V, bits = images, []
    for layer in network.layers:
        V = layer.evaluate(V)
        if layer.kind == "units":
            bits.append(V)
    return V, bits


def randomise(network: Network, seed: int) -> None:
    """Give the output layer weights, and the normalisations statistics, as if after training."""
    rng = np.random.default_rng(seed)
    *_, output = network.layers
    output.weights[...] = rng.standard_normal(output.weights.shape) / len(output.weights.T) ** 0.5
    for layer in with_arrays(network.layers):
        if layer.kind == "normalisation":
            layer.mean[...] = 0.1 * rng.standard_normal(layer.mean.shape)
            layer.variance[...] = rng.uniform(0.5, 2.0, layer.variance.shape)
            layer.scale[...] = rng.uniform(0.5, 2.0, layer.scale.shape)
