"""Descent of the population loss along the coarse gradient alone, without any penalty.

Each iteration is

    w <- w - eta E g(w),    w <- w / |w|,    E g(w) = (k / 2 pi) (w - w*),

so that w turns towards w* on the great circle through both, for every start but -w*
(docs/theory.md#a4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.filters import check_filter, check_parameter, check_teacher, unit
from zeroone.gaussian.population import coarse_gradient, population_loss
from zeroone.steps import Block, Step
from zeroone.support.validation import FloatArray, check_integer

W = Block("w", "w <- w - eta E g(w),  w <- w / |w|", "docs/theory.md#a4")


class Point(NamedTuple):
    """A unit filter, the teacher, the number of patches and the size of the step."""

    w: FloatArray
    w_star: FloatArray
    k: int
    eta: float


def iterate(w0: ArrayLike, w_star: ArrayLike, *, k: int, eta: float, n_iter: int) -> Iterator[Step]:
    """Yield the steps of descent along the expected coarse gradient from one start.

    Parameters
    ----------
    w0, w_star : array_like of shape (d,)
        A start of any norm but 0, and a teacher of norm 1.
    k : int
        Number of patches, at least 1.
    eta : float > 0
        Step size.
    n_iter : int
        Number of iterations.

    Yields
    ------
    Step
        The only term is "loss", f(w). ``state`` is a `Point`.

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit. Raised by the call.
    FloatingPointError
        If a step lands on the zero filter, which has no direction.
    """
    w, w_star = check_filter("w0", w0), check_teacher("w_star", w_star)
    if w.shape != w_star.shape or w.ndim != 1:
        raise ValueError(
            f"w0 and w_star must be of one shape (d,), but have {w.shape} and {w_star.shape}"
        )
    k, n_iter = check_integer("k", k), check_integer("n_iter", n_iter)
    return _steps(unit(w), unit(w_star), k, float(check_parameter("eta", eta)), n_iter)


def _steps(w: FloatArray, w_star: FloatArray, k: int, eta: float, n_iter: int) -> Iterator[Step]:
    """Yield the steps; arguments as in `iterate`, checked."""
    after = {"loss": float(population_loss(w, w_star, k))}
    for iteration in range(1, n_iter + 1):
        before, start = after, w
        w = w - eta * coarse_gradient(w, w_star, k)
        if not np.any(w):
            raise FloatingPointError(f"a step with eta = {eta:g} reached the zero filter")
        w = unit(w)
        after = {"loss": float(population_loss(w, w_star, k))}
        yield Step(iteration, W, before, after, Point(w, w_star, k, eta), {"start": start})
