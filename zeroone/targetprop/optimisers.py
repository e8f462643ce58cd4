"""Steps along a gradient, in place: momentum and Adam, with decoupled weight decay.

The perceptrons that target propagation leaves to each layer are fitted by one such step a batch.
With the gradient g, the learning rate eta and the decay d of the weights w ::

    momentum    m <- mu m + g                      w <- w - eta d w - eta m
    Adam        m <- b1 m + (1 - b1) g             w <- w - eta d w - eta m'/(sqrt(v') + eps)
                v <- b2 v + (1 - b2) g^2           m' = m/(1 - b1^t),  v' = v/(1 - b2^t)

Only weights decay: parameters with one axis, such as biases, do not.

References
----------
.. [1] Kingma, Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, arXiv:1412.6980.
.. [2] Loshchilov, Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019, arXiv:1711.05101.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from zeroone.support.validation import FloatArray, check_choice


class Optimiser(ABC):
    """What moves the parameters of a layer along their gradients.

    Parameters
    ----------
    parameters : sequence of ndarray
        What is moved, in place.
    momentum : float
        From 0 to below 1.
    weight_decay : float, default 0.0
        d.
    """

    def __init__(
        self, parameters: Sequence[FloatArray], momentum: float, weight_decay: float = 0.0
    ) -> None:
        self.parameters, self.momentum, self.weight_decay = parameters, momentum, weight_decay

    def update(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Shrink the weights, and move all parameters; `gradients` are used up."""
        if self.weight_decay > 0:
            for w in self.parameters:
                if w.ndim > 1:
                    w *= 1 - rate * self.weight_decay
        self.move(gradients, rate)

    @abstractmethod
    def move(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Move all parameters."""


class Momentum(Optimiser):
    """Gradient descent with heavy-ball momentum mu; with mu = 0, plain gradient descent."""

    def __init__(
        self, parameters: Sequence[FloatArray], momentum: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, momentum, weight_decay)
        self.velocities = [np.zeros_like(w) for w in parameters]

    def move(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Move all parameters."""
        for w, g, m in zip(self.parameters, gradients, self.velocities, strict=True):
            m *= self.momentum
            m += g
            w -= np.multiply(m, rate, out=g)


class Adam(Optimiser):
    """Gradient descent with a rate for each parameter, from running means of g and g^2.

    Parameters
    ----------
    parameters, weight_decay
        As for `Optimiser`.
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
        parameters: Sequence[FloatArray],
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        *,
        second: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(parameters, momentum, weight_decay)
        self.second, self.epsilon, self.updates = second, epsilon, 0
        self.first_sums = [np.zeros_like(w) for w in parameters]
        self.second_sums = [np.zeros_like(w) for w in parameters]

    def move(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Move all parameters."""
        self.updates += 1
        s = math.sqrt((1 - self.second) / (1 - self.second**self.updates))
        c = (1 - self.momentum) / ((1 - self.momentum**self.updates) * s)
        sums = zip(self.first_sums, self.second_sums, strict=True)
        for w, g, (M, V) in zip(self.parameters, gradients, sums, strict=True):
            M *= self.momentum
            M += g
            V *= self.second
            V += np.multiply(g, g, out=g)
            size = np.sqrt(V, out=g)
            size += self.epsilon / s
            change = np.divide(M, size, out=g)
            change *= rate * c
            w -= change


OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "momentum": Momentum}


def make_optimiser(
    name: str, parameters: Sequence[FloatArray], momentum: float, weight_decay: float = 0.0
) -> Optimiser:
    """Return the optimiser called `name` for the parameters of a layer.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    return OPTIMISERS[check_choice("optimiser", name, OPTIMISERS)](
        parameters, momentum, weight_decay
    )
