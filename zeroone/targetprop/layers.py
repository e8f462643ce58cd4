"""The hidden layers in training: forward pass, targets, and the gradient of their perceptrons.

A layer's weights have the bias as their last column, and its input V a last column of ones. For a
batch ::

    A = V W^T,   Z = A (or normalised over the batch),   H = act(Z)
    layer loss   sum over units, samples and steps j of   weight * loss(t mu(Z - threshold_j))

(theory, C).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from zeroone.activations import sign, staircase, step
from zeroone.targetprop.losses import SURROGATES, layer_gradient, layer_loss, margin_loss
from zeroone.targetprop.normalise import Normalisation
from zeroone.targetprop.optimise import Optimiser, make_optimiser
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.targets import Targets, set_targets, staircase_targets, step_thresholds
from zeroone.validation import FloatArray


def with_ones(H: FloatArray) -> FloatArray:
    """Return an empty array like H with one more column, which is of ones."""
    result = np.empty((H.shape[0], H.shape[1] + 1), H.dtype)
    result[:, -1] = 1
    return result


def activate(Z: FloatArray, options: TargetOptions) -> FloatArray:
    """Return [act(Z) 1], of shape (n_samples, n_units + 1)."""
    V = with_ones(Z)
    if options.levels is not None:
        V[:, :-1] = staircase(Z, options.levels)
    elif options.activation == "step":
        step(Z, out=V[:, :-1])
    else:
        sign(Z, out=V[:, :-1])
    return V


@dataclass
class Layer:
    """One layer's weights, what moves them, and what it saw of the present batch.

    Parameters
    ----------
    weights : ndarray, shape (n_units, n_in + 1)
        The bias last.
    optimiser : Optimiser
    normalisation : Normalisation, optional
        Of the pre-activations, with an optimiser of its own.
    """

    weights: FloatArray
    optimiser: Optimiser
    normalisation: Normalisation | None = None
    normalisation_optimiser: Optimiser | None = None
    V: FloatArray = field(init=False, repr=False)
    Z: FloatArray = field(init=False, repr=False)
    gradient: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Kept, because fresh memory of that size costs as much as a tenth of the product.
        self.gradient = np.empty_like(self.weights)

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the pre-activations Z of a batch; its V and Z are kept for the update."""
        self.V, Z = V, V @ self.weights.T
        self.Z = (
            Z if self.normalisation is None else self.normalisation.forward(Z, remember=remember)
        )
        return self.Z

    def send_down(self, G: FloatArray) -> FloatArray:
        """Return e = dL/dH of the layer below, given G = dL/dA of this one."""
        return G @ self.weights[:, :-1]

    def move(self, G: FloatArray, rate: float, decay: float) -> None:
        """Take one step of the perceptrons' fit, along dL/dW = G^T V."""
        gradient = np.matmul(G.T, self.V, out=self.gradient)
        if self.normalisation is not None:
            gradient[:, -1] = 0  # the mean of the batch takes the bias out again
        if decay > 0:
            self.weights[:, :-1] *= 1 - rate * decay
        self.optimiser.update(self.weights, gradient, rate)

    def through_normalisation(self, G: FloatArray, rate: float) -> FloatArray:
        """Return dL/dA for G = dL/dZ, and move scale and shift, if there are any."""
        if self.normalisation is None or self.normalisation_optimiser is None:
            return G
        by_products, by_parameters = self.normalisation.backward(G)
        self.normalisation_optimiser.update(self.normalisation.parameters, by_parameters, rate)
        return by_products

    def folded(self) -> FloatArray:
        """Return the weights with the normalisation inside."""
        return self.weights if self.normalisation is None else self.normalisation.fold(self.weights)


def hidden_targets(e: FloatArray, options: TargetOptions) -> Targets:
    """Return the targets of the hidden units, or of each of the steps of staircases."""
    if options.levels is not None:
        return staircase_targets(e, options.levels, options.weighting)
    return set_targets(e, options.weighting)


def hidden_loss(Z: FloatArray, targets: Targets, options: TargetOptions) -> float:
    """Return the layer loss, summed over the steps of each unit."""
    loss, mu = margin_loss(options.loss), SURROGATES[options.surrogate]
    return sum(
        layer_loss(loss, Z - threshold if threshold else Z, targets.signs, targets.weights, mu)
        for threshold in step_thresholds(options.activation, options.levels)
    )


def hidden_gradient(Z: FloatArray, targets: Targets, options: TargetOptions) -> FloatArray:
    """Return G = dL/dZ of the layer loss, summed over the steps of each unit."""
    loss, mu = margin_loss(options.loss), SURROGATES[options.surrogate]
    G = layer_gradient(loss, Z, targets.signs, targets.weights, mu)
    for threshold in step_thresholds(options.activation, options.levels)[1:]:
        G += layer_gradient(loss, Z - threshold, targets.signs, targets.weights, mu)
    return G


def start_layers(
    sizes: Sequence[int], options: TargetOptions, rng: np.random.Generator, dtype: np.dtype
) -> list[Layer]:
    """Return layers with random weights and biases: Gaussian with variance 1/n_in.

    Without biases, sign units are odd functions of centred input and so is the net: it could not
    begin to learn an even one, such as XOR.

    The output layer starts at zero. In the first batch, then, no hidden unit matters (e = 0), and
    none is moved by what a random output layer would say of it: 0.2 points on MNIST.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of units in each hidden layer, and of outputs.
    options : TargetOptions
    rng : numpy.random.Generator
    dtype : dtype
        Working precision.
    """
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        weights = np.zeros((n_out, n_in + 1), dtype)
        if i < len(sizes) - 2:
            weights[:] = rng.standard_normal((n_out, n_in + 1)) / np.sqrt(n_in)
        layer = Layer(weights, make_optimiser(options.optimiser, weights, options.momentum))
        if options.normalise and i < len(sizes) - 2:
            layer.normalisation = Normalisation.start(n_out, dtype)
            # It takes the layer's own biases out, so its shifts take their place.
            layer.normalisation.parameters[1] = weights[:, -1]
            layer.normalisation_optimiser = make_optimiser(
                options.optimiser, layer.normalisation.parameters, options.momentum
            )
        layers.append(layer)
    return layers
