"""Hidden targets by the package."""

import numpy as np

from zeroone import losses
from zeroone.activations import pseudo_derivative
from zeroone.targetprop import solver, targets
from zeroone.targetprop.options import TargetOptions

output_gradient = losses.CrossEntropy().derivative


def set_targets(e, weighting):
    found = targets.set_targets(e, weighting)
    return found.signs, np.broadcast_to(found.weights, e.shape).copy()


def layer_gradient(z, t, weights, loss):
    mu = losses.SURROGATES["identity"]
    return losses.layer_gradient(losses.LOSSES[loss], z, t, weights, mu)


def straight_through(G, W, z, estimator):
    return (G @ W) * pseudo_derivative(estimator)(z)


def update(X, classes, W1, b1, W2, b2, loss, weighting, rate):
    options = TargetOptions(loss=loss, weighting=weighting, optimiser="momentum", momentum=0.0)
    rng, sizes = np.random.default_rng(0), (X.shape[1], len(b2), (len(b1),))
    state = solver.start(*sizes, options, rng, X.dtype)
    for layer, W, b in zip(state.net, (W1, W2), (b1, b2), strict=True):
        layer.weights[:], layer.biases[:] = W, b
    for _ in solver.batch_steps(state, X, classes, options, rate, measure=False):
        pass
    (first, first_biases), (second, second_biases) = state.layers()
    return first, first_biases, second, second_biases
