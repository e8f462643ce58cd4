"""Refuse bad input at the public boundary, in one sentence that names the argument.

Every check returns the value in the form in which the numerics want it, so that a public function
begins with lines such as ``X = check_matrix("X", X)`` and is then free of special cases.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

FloatArray = NDArray[np.floating[Any]]
BoolArray = NDArray[np.bool_]
# More would fit into no memory.
MAXIMUM_UNITS = 10**9


def floating_dtype(values: np.ndarray) -> np.dtype[Any]:
    """Return the working precision for an array: float32 is kept, everything else is float64."""
    return np.dtype(np.float32) if values.dtype == np.float32 else np.dtype(np.float64)


def check_array(
    name: str, value: ArrayLike, *, ndim: int | None = None, dtype: DTypeLike | None = None
) -> FloatArray:
    """Return `value` as a finite, non-empty float array.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like
        What the caller passed.
    ndim : int, optional
        The number of axes that it must have; any if None.
    dtype : dtype, optional
        The precision to convert to; by default float32 is kept and everything else becomes float64.

    Raises
    ------
    ValueError
        If it is not numeric, has another number of axes, is empty, or holds a NaN or an infinity.
    """
    if hasattr(value, "toarray"):
        raise ValueError(f"{name} must be a dense array, but is a sparse one; use {name}.toarray()")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be an array, but its rows differ in length") from None
    if array.dtype.kind == "c":
        raise ValueError(f"{name} must hold real numbers. Complex data not supported")
    if array.dtype.kind not in "biufO":
        # Text and dates could be converted, but nobody means that.
        raise ValueError(f"{name} must hold real numbers, but has dtype {array.dtype}")
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(
                f"{name} must hold real numbers, but has dtype {array.dtype}"
            ) from None
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, but has shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, but has shape {array.shape}")
    with np.errstate(over="ignore"):  # beyond the precision, an entry becomes infinite: refused
        array = array.astype(floating_dtype(array) if dtype is None else dtype, copy=False)
    # One reduction without a temporary array: a sum is finite unless a term is not finite, or the
    # sum itself overflows; only then is every entry looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())
    if suspicious and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return array


def check_matrix(
    name: str, value: ArrayLike, *, columns: int | None = None, dtype: DTypeLike | None = None
) -> FloatArray:
    """Return `value` as a finite float matrix with, if given, that many columns.

    Raises
    ------
    ValueError
        As `check_array`, or if the number of columns differs.
    """
    array = check_array(name, value, ndim=2, dtype=dtype)
    if columns is not None and array.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, but has shape {array.shape}")
    return array


def check_sample_weight(
    sample_weight: ArrayLike | None, n_samples: int, dtype: DTypeLike = np.float64
) -> FloatArray | None:
    """Return the weights of samples, all positive, or None if there are none.

    Raises
    ------
    ValueError
        If they are not one positive number a sample.
    """
    if sample_weight is None:
        return None
    weights = check_array("sample_weight", sample_weight, dtype=dtype)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one a sample, but has {weights.shape}"
        )
    if not np.all(weights > 0):
        raise ValueError("sample_weight must be positive: leave samples of weight 0 out")
    return weights


def check_number(
    name: str,
    value: Any,
    *,
    minimum: float = 0.0,
    strict: bool = False,
    maximum: float = np.inf,
) -> float:
    """Return `value` as a finite float between `minimum` (excluded if `strict`) and `maximum`.

    Raises
    ------
    ValueError
        If it is not a real number or lies outside the range.
    """
    wanted = f"{'>' if strict else '>='} {minimum:g}"
    if np.isfinite(maximum):
        wanted += f" and <= {maximum:g}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise ValueError(f"{name} must be a number {wanted}, but is {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    too_small = number <= minimum if strict else number < minimum
    if not np.isfinite(number) or too_small or number > maximum:
        raise ValueError(f"{name} must be a finite number {wanted}, but is {value!r}")
    return number


def check_integer(name: str, value: Any, *, minimum: int = 1) -> int:
    """Return `value` as an int of at least `minimum`.

    Raises
    ------
    ValueError
        If it is not an integer or is smaller.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, but is {value!r}")
    return int(value)


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return `value` if it is one of `choices`.

    Raises
    ------
    ValueError
        If it is not; the message lists the choices.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, but is {value!r}")
    return value


def check_hidden(hidden: int | Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the hidden layers as a tuple.

    Raises
    ------
    ValueError
        If there is none, or one is not an integer from 1 to a billion.
    """
    sizes = tuple(np.atleast_1d(np.asarray(hidden, dtype=object)))
    if not sizes:
        raise ValueError("hidden must name at least one hidden layer's size, but is empty")
    for size in sizes:
        if check_integer("hidden", size) > MAXIMUM_UNITS:
            raise ValueError(f"hidden must be at most {MAXIMUM_UNITS} units a layer, but is {size}")
    return tuple(map(int, sizes))
