"""A residual block: two branches that are added (docs/theory.md#d2).

With hidden units inside it, and units after it ::

    Z = N2(C2(act(N1(C1 V)))) + shortcut(V),   H = act(Z)

The derivative e = dL/dZ goes down both branches, and what arrives at V is added up.

References
----------
.. [1] He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016,
   arXiv:1512.03385.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from zeroone.nets.layers import Chain, Layer, Shape
from zeroone.support.validation import FloatArray


class Residual(Layer):
    """Two branches, added: Z = body(V) + shortcut(V).

    Parameters
    ----------
    body : sequence of Layer
        Hidden units may be among them.
    shortcut : sequence of Layer, default ()
        None for the identity; a convolution where the shapes differ.
    """

    kind = "residual block"

    def __init__(self, body: Sequence[Layer], shortcut: Sequence[Layer] = ()) -> None:
        self.body, self.shortcut = Chain(body), Chain(shortcut)

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """The parameters of the body, and then of the shortcut."""
        return (*self.body.parameters, *self.shortcut.parameters)

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """The derivatives by `parameters`, in their order."""
        return (*self.body.gradients, *self.shortcut.gradients)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of both branches' outputs."""
        body, shortcut = self.body.output_shape(shape), self.shortcut.output_shape(shape)
        if body != shortcut:
            raise ValueError(f"its body gives the shape {body}, but its shortcut {shortcut}")
        return body

    def forward(self, V: FloatArray, *, remember: bool = True) -> FloatArray:
        """Return the sum of the two branches."""
        shortcut = self.shortcut.forward(V, remember=remember)
        return self.body.forward(V, remember=remember) + shortcut

    def backward(self, G: FloatArray, *, to_input: bool = True) -> FloatArray:
        """Fill `gradients` from G = dL/dZ in both branches, and return the sum of their dL/dV."""
        by_body = self.body.backward(G, to_input=to_input)
        by_shortcut = self.shortcut.backward(G, to_input=to_input)
        return by_body + by_shortcut if to_input else by_body[:0]

    def evaluate(self, V: FloatArray) -> FloatArray:
        """Return the sum of the two branches when training is over."""
        return self.body.evaluate(V) + self.shortcut.evaluate(V)

    def arguments(self) -> dict[str, Any]:
        """Return the layers of the two branches."""
        return {"body": list(self.body.layers), "shortcut": list(self.shortcut.layers)}

    def workspace(self, shape: Shape) -> int:
        """Return the numbers that the larger branch takes, and the input and one output."""
        branches = max(self.body.workspace(shape), self.shortcut.workspace(shape))
        return branches + math.prod(shape) + math.prod(self.output_shape(shape))

    def multiplications(self, shape: Shape) -> int:
        """Return the multiplications of both branches."""
        return self.body.multiplications(shape) + self.shortcut.multiplications(shape)

    def changed(self, change: Callable[[Layer], Layer]) -> Layer:
        """Return the block with the layers of both branches changed."""
        branches = (
            [layer.changed(change) for layer in branch.layers]
            for branch in (self.body, self.shortcut)
        )
        return Residual(*branches)
