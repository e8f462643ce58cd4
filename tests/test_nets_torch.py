"""The networks against PyTorch, whose layers and derivatives share no code with ours."""

import sys
from pathlib import Path

import numpy as np
import pytest

from zeroone.nets.architectures import Builder, architecture
from zeroone.nets.layers import Flatten
from zeroone.nets.pooling import MaxPooling
from zeroone.targetprop import TargetOptions
from zeroone.targetprop.solver import batch_steps, start_network

torch = pytest.importorskip("torch", reason="PyTorch is in the extra bench")
sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from _torch_nets import (  # noqa: E402
    Arrays,
    Twin,
    outputs,
    own_outputs,
    randomise,
    sign_units,
    step_units,
    with_arrays,
)

SMALL = {
    "lenet": ("lenet", (28, 28, 1), {}),
    "convnet4": ("convnet4", (32, 32, 3), {"width": 0.1}),
    "convnet8": ("convnet8", (40, 40, 3), {"width": 0.1}),
    "resnet18 of small images": ("resnet18", (32, 32, 3), {"width": 0.05}),
    "resnet18": ("resnet18", (64, 64, 3), {"width": 0.05}),
    "alexnet": ("alexnet", (96, 96, 3), {"width": 0.05}),
}


@pytest.mark.parametrize(("activation", "act"), [("step", step_units), ("sign", sign_units)])
@pytest.mark.parametrize("row", SMALL)
def test_the_same_weights_give_the_same_outputs(row, activation, act):
    name, shape, options = SMALL[row]
    network = architecture(name)(
        shape, 10, activation=activation, rng=3, dtype="float64", **options
    )
    randomise(network, 4)
    images = np.random.default_rng(5).standard_normal((3, *shape))
    theirs, their_bits = outputs(name, network, images, act)
    ours, our_bits = own_outputs(network, images)
    for mine, other in zip(our_bits, their_bits, strict=True):
        assert np.array_equal(mine, other)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    np.testing.assert_allclose(network.decision_function(images), theirs, atol=1e-12)


class StraightThrough(torch.autograd.Function):
    """The step forward, the identity backward."""

    @staticmethod
    def forward(context, z):
        return step_units(z)

    @staticmethod
    def backward(context, e):
        return e


class Learning(Arrays):
    """The arrays as leaves that automatic differentiation gives a gradient."""

    def __init__(self, network):
        super().__init__(network)
        self.leaves = []

    def next(self, kind):
        self.leaves += [tensor.clone().requires_grad_() for tensor in super().next(kind)]
        return self.leaves[-2:]


def pooled_once(rng):
    """Return a network that pools real numbers only: where bits are pooled, positions tie."""
    build = Builder((13, 12, 3), activation="step", rng=rng, dtype="float64")
    build.add(build.convolution(5, 5, padding=2), MaxPooling(3, 2, 1), build.units())
    build.add(build.convolution(4, 3, stride=2, padding=1), build.units())
    build.add(Flatten())
    build.add(build.dense(20), build.units())
    build.add(build.output(10))
    return build.network()


def test_a_straight_through_step_is_that_of_automatic_differentiation():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        network = pooled_once(rng)
        randomise(network, seed)
        images, classes = rng.standard_normal((6, 13, 12, 3)), rng.integers(10, size=6)
        layers = list(with_arrays(network.layers))
        arrays = [getattr(each, name) for each in layers for name in ("weights", "biases")]
        before = [array.copy() for array in arrays]

        twin = Twin(network, StraightThrough.apply)
        twin.arrays, act = Learning(network), twin.plain_act
        x = twin.conv(torch.from_numpy(images).permute(0, 3, 1, 2), padding=2)
        x = act(torch.nn.functional.max_pool2d(x, 3, 2, 1))
        x = twin.flat(act(twin.conv(x, stride=2, padding=1)))
        scores = twin.dense(act(twin.dense(x)))
        torch.nn.functional.cross_entropy(scores, torch.from_numpy(classes)).backward()

        options = TargetOptions(
            loss="linear", optimiser="momentum", momentum=0.0, activation="step"
        )
        state = start_network(network, options, rng)
        for _ in batch_steps(state, images, classes, options, 1.0, measure=False):
            pass
        for old, new, leaf in zip(before, arrays, twin.arrays.leaves, strict=True):
            assert np.abs(leaf.grad.numpy()).max() > 0
            np.testing.assert_allclose(old - new, leaf.grad.numpy(), atol=1e-11)
