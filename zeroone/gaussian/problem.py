"""What a splitting method is run on: starts, teachers, penalty, parameters, checked and laid out.

A batch has any leading axes, over which starts, teachers and parameters broadcast. Inside, it is a
list of runs: one row each.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.geometry import check_filter, check_same_space, check_teacher, unit
from zeroone.gaussian.model import sample_inputs, sampled_coarse_gradient
from zeroone.gaussian.population import check_patches
from zeroone.prox import PENALTIES, GroupL20, Penalty, TransformedL1, get_penalty
from zeroone.validation import FloatArray, check_array, check_choice, check_integer, check_number

GRADIENTS = ("population", "sampled")

Gradient = Callable[[FloatArray], FloatArray]


class Settings(TypedDict):
    """The keyword arguments of every splitting method; see `zeroone.gaussian.rvscgd.run`."""

    k: ArrayLike
    penalty: str | Penalty
    lam: ArrayLike
    beta: ArrayLike
    eta: ArrayLike
    u0: NotRequired[ArrayLike | None]
    filter_shape: NotRequired[tuple[int, int] | None]
    gradient: NotRequired[str]
    n_samples: NotRequired[int]
    rng: NotRequired[np.random.Generator | None]


@dataclass(frozen=True)
class Problem:
    """Runs, one a row, whatever the leading axes were.

    Parameters
    ----------
    w, u, w_star : ndarrays of shape (n_runs, d), float64
        Unit starts, the first u, unit teachers.
    k, lam, beta, eta : ndarrays of shape (n_runs,), float64
    penalty : Penalty
        The a of a `TransformedL1` is a number or has shape (n_runs, 1).
    filter_shape : (rows, columns), optional
        For group penalties: the matrix that a filter is.
    gradient : callable (w of shape (n_runs, d)) -> ndarray of that shape, optional
        A sampled coarse gradient; the expected one if None.
    leading : tuple of ints
    dtype : dtype
        Of the result.
    """

    w: FloatArray
    u: FloatArray
    w_star: FloatArray
    k: FloatArray
    lam: FloatArray
    beta: FloatArray
    eta: FloatArray
    penalty: Penalty
    filter_shape: tuple[int, int] | None
    gradient: Gradient | None
    leading: tuple[int, ...]
    dtype: Any

    @property
    def slope(self) -> FloatArray:
        """The slope k / (2 pi) of the population loss in the angle."""
        return self.k / (2 * np.pi)

    def block(self, rows: slice) -> "Problem":
        """Return the problem of some of the runs."""
        penalty = self.penalty
        if isinstance(penalty, TransformedL1) and np.ndim(penalty.a):
            penalty = TransformedL1(np.asarray(penalty.a)[rows])
        names = ("w", "u", "w_star", "k", "lam", "beta", "eta")
        return replace(self, penalty=penalty, **{name: getattr(self, name)[rows] for name in names})

    def penalty_value(self, u: FloatArray) -> FloatArray:
        """Return P(u) of each run."""
        if self.filter_shape is None:
            return self.penalty.value(u, axis=-1)
        return self.penalty.value(u.reshape(-1, *self.filter_shape), axis=(-2, -1))


def check_problem(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    k: ArrayLike,
    penalty: str | Penalty,
    lam: ArrayLike,
    beta: ArrayLike,
    eta: ArrayLike,
    u0: ArrayLike | None = None,
    filter_shape: tuple[int, int] | None = None,
    gradient: str = "population",
    n_samples: int = 1000,
    rng: np.random.Generator | None = None,
) -> Problem:
    """Return the arguments of `zeroone.gaussian.rvscgd.run`, checked, broadcast and flattened.

    Raises
    ------
    ValueError
        If a start is zero, a teacher's norm is not 1, k is not a whole number >= 1, there is no
        such penalty or gradient, lam < 0, beta <= 0 or eta <= 0, something is not finite, shapes do
        not fit, or a sampled gradient lacks `rng`.
    """
    start, teacher = check_filter("w0", w0), check_teacher("w_star", w_star)
    check_same_space(start, teacher)
    leading = np.broadcast_shapes(start.shape[:-1], teacher.shape[:-1])
    numbers, leading = broadcast_parameters(leading, k=k, lam=lam, beta=beta, eta=eta)
    d, n_runs = start.shape[-1], math.prod(leading)
    flat = [np.broadcast_to(value, leading).ravel() for value in numbers]

    def rows(array: FloatArray) -> FloatArray:
        return np.broadcast_to(array, (*leading, d)).reshape(n_runs, d)

    w, teachers = rows(unit(start)), rows(unit(teacher))
    penalty = check_penalty(penalty, leading)
    return Problem(
        w=w,
        u=w if u0 is None else rows(_check_first_u(u0, leading, d)),
        w_star=teachers,
        penalty=penalty,
        filter_shape=_check_filter_shape(filter_shape, penalty, d),
        gradient=_check_gradient(gradient, teachers, flat[0], n_samples, rng),
        leading=leading,
        dtype=np.result_type(start, teacher),
        **dict(zip(("k", "lam", "beta", "eta"), flat, strict=True)),
    )


def broadcast_parameters(
    leading: tuple[int, ...], *, k: ArrayLike, **numbers: ArrayLike
) -> tuple[list[FloatArray], tuple[int, ...]]:
    """Return k and the other parameters, checked, and the leading axes that all broadcast to.

    Parameters
    ----------
    leading : tuple of ints
        The leading axes of the filters.
    k : int or array_like of ints >= 1
    **numbers : float or array_like
        "lam" must be >= 0, every other > 0.

    Raises
    ------
    ValueError
        If one is out of range, not finite, or does not fit.
    """
    arrays = {
        name: check_parameter(name, value, strict=name != "lam") for name, value in numbers.items()
    }
    for name, value in {"k": np.asarray(k), **arrays}.items():
        try:
            leading = np.broadcast_shapes(leading, value.shape)
        except ValueError:
            raise ValueError(
                f"{name} must broadcast against the leading axes {leading} of the filters and the "
                f"other parameters, but has shape {value.shape}"
            ) from None
    return [check_patches("k", k, leading), *arrays.values()], leading


def check_parameter(name: str, value: ArrayLike, *, strict: bool = True) -> FloatArray:
    """Return one or more numbers > 0 (>= 0 unless `strict`) as a float64 array.

    Raises
    ------
    ValueError
        If one is not, or not finite.
    """
    array = check_array(name, value, dtype=np.float64)
    check_number(name, float(array.min()), strict=strict)
    return array


def check_generator(name: str, value: Any) -> np.random.Generator:
    """Return `value` if it is a random generator.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name} must be a numpy.random.Generator, but is {value!r}")
    return value


def check_penalty(penalty: str | Penalty, leading: tuple[int, ...]) -> Penalty:
    """Return the penalty, the a of a `TransformedL1` flattened to one row a run.

    Raises
    ------
    ValueError
        If there is no such penalty, or an array a does not fit the leading axes.
    """
    if isinstance(penalty, str):
        penalty = get_penalty(check_choice("penalty", penalty, PENALTIES))
    if not isinstance(penalty, Penalty):
        raise ValueError(f"penalty must be a name or a Penalty, but is {penalty!r}")
    if isinstance(penalty, TransformedL1) and np.ndim(penalty.a):
        try:
            a = np.broadcast_to(penalty.a, (*leading, 1))
        except ValueError:
            raise ValueError(
                f"penalty must have an a that broadcasts to {(*leading, 1)}, but it has shape "
                f"{np.shape(penalty.a)}"
            ) from None
        penalty = TransformedL1(a.reshape(-1, 1))
    return penalty


def _check_first_u(u0: ArrayLike, leading: tuple[int, ...], d: int) -> FloatArray:
    """Return the first u as a float64 array that fits."""
    array = check_array("u0", u0, dtype=np.float64)
    try:
        np.broadcast_to(array, (*leading, d))
    except ValueError:
        raise ValueError(
            f"u0 must broadcast to shape {(*leading, d)}, but has shape {array.shape}"
        ) from None
    return array


def _check_filter_shape(
    filter_shape: tuple[int, int] | None, penalty: Penalty, d: int
) -> tuple[int, int] | None:
    """Return (rows, columns) of a filter if the penalty has groups."""
    if not isinstance(penalty, GroupL20):
        if filter_shape is not None:
            raise ValueError("filter_shape must be None unless the penalty is l20")
        return None
    if filter_shape is None or len(filter_shape) != 2:
        raise ValueError(
            f"filter_shape must be (rows, columns) for the penalty l20, but is {filter_shape!r}"
        )
    rows, columns = (check_integer("filter_shape", size) for size in filter_shape)
    if rows * columns != d:
        raise ValueError(f"filter_shape must have a product of d = {d}, but is {(rows, columns)}")
    return rows, columns


def _check_gradient(
    gradient: str,
    w_star: FloatArray,
    k: FloatArray,
    n_samples: int,
    rng: np.random.Generator | None,
) -> Gradient | None:
    """Return None for the population gradient, or a function that draws samples at every call."""
    check_choice("gradient", gradient, GRADIENTS)
    if gradient == "population":
        return None
    rng = check_generator("rng", rng)
    n_samples = check_integer("n_samples", n_samples)
    if np.any(k != k[0]):
        raise ValueError("k must be one number for a sampled gradient, but holds several")
    n_patches, d = int(k[0]), w_star.shape[-1]

    def sampled(w: FloatArray) -> FloatArray:
        return sampled_coarse_gradient(w, w_star, sample_inputs(rng, n_samples, n_patches, d))

    return sampled
