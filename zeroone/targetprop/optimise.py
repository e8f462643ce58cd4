"""Steps along a gradient, in place: momentum and Adam, with decoupled weight decay.

The perceptrons that target propagation leaves to each layer are fitted by one such step a batch.
With the gradient g, the learning rate eta and the decay d of the weights w ::

    momentum    m <- mu m + g                      w <- w - eta d w - eta m
    Adam        m <- b1 m + (1 - b1) g             w <- w - eta d w - eta m'/(sqrt(v') + eps)
                v <- b2 v + (1 - b2) g^2           m' = m/(1 - b1^t),  v' = v/(1 - b2^t)

A bias, the last column of the weights, is not decayed.

References
----------
.. [1] Kingma, Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, arXiv:1412.6980.
.. [2] Loshchilov, Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019, arXiv:1711.05101.
"""

import math
from typing import Protocol

import numpy as np

from zeroone.validation import FloatArray, check_choice

OPTIMISERS = ("adam", "momentum")


class Optimiser(Protocol):
    """What moves a matrix of weights along its gradient."""

    def update(self, weights: FloatArray, gradient: FloatArray, rate: float) -> None:
        """Change `weights` in place; `gradient` is used up."""


class Momentum:
    """Gradient descent with heavy-ball momentum; with momentum 0, plain gradient descent.

    Parameters
    ----------
    weights : ndarray
        What will be moved: for its shape and precision.
    momentum : float
        mu, from 0 to below 1.
    """

    def __init__(self, weights: FloatArray, momentum: float) -> None:
        self.momentum = momentum
        self.velocity = np.zeros_like(weights)

    def update(self, weights: FloatArray, gradient: FloatArray, rate: float) -> None:
        """Change `weights` in place; `gradient` is used up."""
        self.velocity *= self.momentum
        self.velocity += gradient
        weights -= np.multiply(self.velocity, rate, out=gradient)


class Adam:
    """Gradient descent with a rate for each weight, from running means of g and g^2.

    Parameters
    ----------
    weights : ndarray
        What will be moved: for its shape and precision.
    momentum : float
        b1.
    second : float
        b2.
    epsilon : float
        eps.

    Notes
    -----
    The means are kept without their factors, as M = m/(1 - b1) and V = v/(1 - b2), and all
    constants are gathered into one eps and one rate: ten passes over the weights instead of
    fourteen, for the same step ::

        m'/(sqrt(v') + eps) = c M/(sqrt(V) + eps/s),   s^2 = (1 - b2)/(1 - b2^t)
                                                       c = (1 - b1)/((1 - b1^t) s)
    """

    def __init__(
        self,
        weights: FloatArray,
        momentum: float = 0.9,
        second: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.momentum, self.second, self.epsilon = momentum, second, epsilon
        self.updates = 0
        self.first_sum = np.zeros_like(weights)
        self.second_sum = np.zeros_like(weights)

    def update(self, weights: FloatArray, gradient: FloatArray, rate: float) -> None:
        """Change `weights` in place; `gradient` is used up."""
        self.updates += 1
        scale = math.sqrt((1 - self.second) / (1 - self.second**self.updates))
        factor = (1 - self.momentum) / ((1 - self.momentum**self.updates) * scale)
        self.first_sum *= self.momentum
        self.first_sum += gradient
        self.second_sum *= self.second
        self.second_sum += np.multiply(gradient, gradient, out=gradient)
        size = np.sqrt(self.second_sum, out=gradient)
        size += self.epsilon / scale
        change = np.divide(self.first_sum, size, out=gradient)
        change *= rate * factor
        weights -= change


def make_optimiser(name: str, weights: FloatArray, momentum: float) -> Optimiser:
    """Return the optimiser called `name` for a matrix of weights.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if check_choice("optimiser", name, OPTIMISERS) == "adam":
        return Adam(weights, momentum)
    return Momentum(weights, momentum)
