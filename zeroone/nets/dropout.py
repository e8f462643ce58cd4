"""Dropout: in training, a random part of the entries is set to zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from zeroone.nets.layers import Layer
from zeroone.support.validation import BoolArray, FloatArray, check_number


class Dropout(Layer):
    """Set a random part of the entries to zero in training, and let the others make up for it.

    ::

        V_out = V * B/(1 - rate),   B = 1 with probability 1 - rate, else 0; V itself after training

    so that the mean over B is V.

    Parameters
    ----------
    rate : float, default 0.5
        From 0 to below 1.
    rng : numpy.random.Generator or seed, optional
        Source of B.

    Raises
    ------
    ValueError
        If `rate` is out of range.

    References
    ----------
    .. [1] Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, *Dropout: A Simple Way to
       Prevent Neural Networks from Overfitting*, JMLR 2014.
    """

    kind = "dropout"
    channelwise = True

    def __init__(self, rate: float = 0.5, rng: np.random.Generator | int | None = None) -> None:
        self.rate = check_number("rate", rate)
        if self.rate >= 1:
            raise ValueError(f"rate must be a number >= 0 and < 1, but is {rate!r}")
        self.rng = np.random.default_rng(rng)
        self.kept: BoolArray | None = None

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return V with a part set to zero: a new part if it is to be remembered, else the last."""
        if self.rate == 0:
            return V
        kept = self.kept
        if remember or kept is None or kept.shape != V.shape:
            kept = self.rng.random(V.shape, dtype=np.float32) >= self.rate
            if remember:
                self.kept = kept
        result = V * kept
        result /= 1 - self.rate
        return result

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Return G where V was kept, divided by 1 - rate."""
        if self.kept is None:
            return G
        result = G * self.kept
        result /= 1 - self.rate
        return result

    def evaluate(self, V: FloatArray) -> FloatArray:
        """Return V: after training nothing is dropped."""
        return V

    def arguments(self) -> dict[str, Any]:
        """Return the rate; the source of randomness is not kept."""
        return {"rate": self.rate}
