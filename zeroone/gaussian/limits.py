"""Where RVSCGD ends: fixed points, the limit of l1 in closed form, error bounds, supports.

At a fixed point a step changes the length of w only. With c = k / (2 pi), that is

    c w* + beta u = C w,    u = prox_{(lam/beta) P}(w),    |w| = 1    (docs/theory.md#a7; [1]_)

so that u, w and w* lie in a plane, and sin(theta) = (beta/c) |u| sin(gamma) with gamma the angle of
u and w. A proximal map shrinks: <w - u, u> >= 0 if P does not fall as an |u_i| grows, hence
|u| <= cos(gamma) and |u| sin(gamma) <= 1/2. And

    c^2 - beta^2 |u|^2 sin^2(gamma) > beta^2 (1 - <u, w>)^2,

since that is c^2 > beta^2 |w - u|^2, so that **C > beta if beta < c** (and theta < pi/2). Therefore
u and w have zeros wherever w* has and its signs elsewhere, and c <= C <= c + beta.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.filters import (
    angle_between_units,
    broadcast_parameters,
    check_point,
    check_teacher,
    norms,
    unit,
)
from zeroone.penalties import L1, Penalty, check_penalty
from zeroone.support.validation import FloatArray, check_integer

# Newton's method needs about five steps; a hundred are never reached.
MAX_NEWTON = 100


@dataclass(frozen=True)
class LimitPoint:
    """A fixed point of the iteration.

    Parameters
    ----------
    u, w : ndarrays of shape (..., d)
    multiplier : ndarray of shape (...)
        The C of (k / 2 pi) w* + beta u = C w.
    angle : ndarray of shape (...)
        theta(w, w*).
    """

    u: FloatArray
    w: FloatArray
    multiplier: FloatArray
    angle: FloatArray


class Balance(NamedTuple):
    """How near (u, w) is to a fixed point.

    Parameters
    ----------
    residual : ndarray of shape (...)
        |c w* + beta u - C w|.
    multiplier : ndarray of shape (...)
        C = <c w* + beta u, w>.
    """

    residual: FloatArray
    multiplier: FloatArray


def l1_limit(w_star: ArrayLike, *, k: ArrayLike, lam: ArrayLike, beta: ArrayLike) -> LimitPoint:
    """Return the limit point of RVSCGD with l1, which depends on neither the start nor eta.

    The map is known entry by entry, and with s_i = (k / 2 pi) |w*_i| the balance equation gives

        w_i = sign(w*_i) ( s_i / C                     if s_i <= C lam / beta
                           (s_i - lam) / (C - beta)    otherwise ),

    of which every entry falls as C grows: |w(C)| = 1 has one root C > beta (docs/theory.md#a7).

    Parameters
    ----------
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    k : int or array_like of ints
    lam : float or array_like >= 0
    beta : float or array_like > 0
        With lam and k, broadcasts against the leading axes of w_star.

    Returns
    -------
    LimitPoint
        In float64. Its support is {i : (k / 2 pi) |w*_i| > C lam / beta}.

    Raises
    ------
    ValueError
        If w_star's norm is not 1, a parameter is out of range or does not fit, or there is no root
        C > beta: where beta >= k/(2 pi) and lam >= (k / 2 pi) max |w*_i|.

    Notes
    -----
    The unknown is D = C - beta, between max(k/(2 pi) - beta, |(s - lam)_+|) and k/(2 pi). Newton's
    method for 1/|w(D)| = 1 starts at the left end: 1/|w| is increasing and concave in D, across its
    kinks as well, so that no step goes beyond the root, and almost straight, so that few suffice.
    """
    teacher = unit(check_teacher("w_star", w_star))
    numbers, leading = broadcast_parameters(teacher.shape[:-1], k=k, lam=lam, beta=beta)
    slope, lam, beta = (value[..., np.newaxis] for value in numbers)
    teacher = np.broadcast_to(teacher, (*leading, teacher.shape[-1]))
    s = slope * np.abs(teacher)
    above = np.maximum(s - lam, 0)
    D = np.maximum(slope - beta, np.sqrt(np.sum(above**2, axis=-1, keepdims=True)))
    if np.any(D <= 0):
        raise ValueError(
            "beta must be < k / (2 pi), or lam < (k / 2 pi) max |w*_i|, for a limit point to exist"
        )
    for _ in range(MAX_NEWTON):
        kept = s > (D + beta) * (lam / beta)
        scale = np.where(kept, D, D + beta)
        w = np.where(kept, above, s) / scale
        norm = np.sqrt(np.sum(w**2, axis=-1, keepdims=True))
        fall = np.sum(w**2 / scale, axis=-1, keepdims=True) / norm  # -d|w|/dD
        previous, D = D, np.maximum(D, D + norm * (norm - 1) / fall)
        if np.all(D - previous <= np.finfo(np.float64).eps * D):
            break
    w = unit(np.copysign(w, teacher))
    u = L1().prox(w, lam / beta)
    return LimitPoint(u, w, (D + beta)[..., 0], angle_between_units(w, teacher))


def balance(
    u: ArrayLike, w: ArrayLike, w_star: ArrayLike, *, k: ArrayLike, beta: ArrayLike
) -> Balance:
    """Return the residual of c w* + beta u = C w, c = k/(2 pi), and its C (docs/theory.md#a7).

    A fixed point of the iteration, with any penalty, is a pair with residual 0, C > 0 (where
    eta (c + beta) <= 1) and u = prox(w). For penalties that are not convex there may be several.

    Parameters
    ----------
    u, w, w_star : array_like of shapes (..., d)
        Any u, filters (their directions count), and teachers of norm 1.
    k, beta
        As in `zeroone.gaussian.rvscgd.run`.

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit.
    """
    u, w, teacher, (slope, beta) = check_point(u, w, w_star, k=k, beta=beta)
    pull = slope[..., np.newaxis] * teacher + beta[..., np.newaxis] * u
    multiplier = np.sum(pull * w, axis=-1)
    return Balance(norms(pull - multiplier[..., np.newaxis] * w)[..., 0], np.asarray(multiplier))


def sine_bound(
    penalty: str | Penalty,
    d: int,
    *,
    k: ArrayLike,
    lam: ArrayLike,
    beta: ArrayLike,
    n_groups: int | None = None,
) -> FloatArray:
    """Return an upper bound on sin(theta) at every limit of RVSCGD (docs/theory.md#a7).

    sin(theta) = (beta/c) |u| sin(gamma), c = k/(2 pi), is at most (beta/c) min(1/2, |w - u|). The
    map shifts no entry by more than s, the larger of tau, up to which it takes entries to 0, and of
    the shift of those that it keeps. So |w - u| <= s sqrt(d). For the penalties of the package s is
    tau, the first of these at the level t = lam/beta at which the map is continuous:

    ============ ================ ================================================
    penalty      s                (beta/c) s sqrt(d)
    ============ ================ ================================================
    l1           t                (lam/c) sqrt(d)
    tl1          t (a + 1)/a      (lam/c) sqrt(d) (a + 1)/a; less where it jumps
    mcp, scad    t                (lam/c) sqrt(d); less where it jumps
    l0           sqrt(2 t)        sqrt(2 beta lam d) / c
    l2,0         sqrt(2 t)        sqrt(2 beta lam n_groups) / c
    ============ ================ ================================================

    Parameters
    ----------
    penalty : str or Penalty
    d : int
    k, lam, beta
        As in `zeroone.gaussian.rvscgd.run`; they broadcast against each other.
    n_groups : int, optional
        Number of groups, for l2,0.

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit, or there is no such penalty.
    """
    (slope, lam, beta), leading = broadcast_parameters((), k=k, lam=lam, beta=beta)
    penalty = _one_value_a_run(penalty, leading)
    n_terms = check_integer("d", d)
    if penalty.of_matrices:
        n_terms = check_integer("n_groups", n_groups)
    level = _level(lam, beta)
    shift = np.maximum(penalty.largest_zero(level), penalty.largest_kept_shift(level))
    return np.minimum(0.5, shift * np.sqrt(n_terms)) * beta / slope


def support_prediction(
    w_star: ArrayLike, *, k: ArrayLike, penalty: str | Penalty, lam: ArrayLike, beta: ArrayLike
) -> FloatArray:
    """Return whether RVSCGD ends with the support of w*: 1 surely, 0 surely not, NaN for depends.

    Exact for l1 (`l1_limit`). For the others c w* + beta u = C w with c <= C <= c + beta. Let m be
    the least |w*_i| of the n entries that are not 0, tau the largest entry that the proximal map
    takes to 0, and s the largest shift of an entry that it keeps (0 for l0). Then the support is

        recovered from every start    if  m > (1 + beta/c) tau
        recovered from no start       if  m <= (1 - (beta/c) min(1, s sqrt(n))) tau

    Why: an entry that is taken to 0 has c |w*_i| = C |w_i| <= (c + beta) tau. If all n are kept,
    with shifts s_i, c |w*_i| = (C - beta) |w_i| + beta s_i > (C - beta) tau, and the norm of this
    gives c <= (C - beta) + beta s sqrt(n).

    Parameters
    ----------
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    k, lam, beta
        As in `zeroone.gaussian.rvscgd.run`, with beta < k/(2 pi).
    penalty : str or Penalty
        Of single entries, not of groups.

    Returns
    -------
    ndarray of shape (...)
        For limits that are reached: under the hypotheses of Theorem 1, after long enough.

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit.
    """
    teacher = unit(check_teacher("w_star", w_star))
    (slope, lam, beta), leading = broadcast_parameters(teacher.shape[:-1], k=k, lam=lam, beta=beta)
    penalty = _one_value_a_run(penalty, leading)
    ratio = beta / slope
    if np.any(ratio >= 1):
        raise ValueError(f"beta must be < k / (2 pi), but is {beta.max():g} with k = {k!r}")
    if penalty.of_matrices:
        raise ValueError("penalty must be one of single entries, but has groups")
    if penalty == L1():
        limit = l1_limit(teacher, k=k, lam=lam, beta=beta)
        return np.all((limit.u != 0) == (teacher != 0), axis=-1).astype(np.float64)
    magnitude = np.abs(teacher)
    least = np.min(np.where(magnitude > 0, magnitude, np.inf), axis=-1)
    level = _level(lam, beta)
    tau, shift = penalty.largest_zero(level), penalty.largest_kept_shift(level)
    together = shift * np.sqrt(np.count_nonzero(teacher, axis=-1))
    never = (1 - ratio * np.minimum(1, together)) * tau
    depends = np.where(least <= never, 0.0, np.nan)
    return np.broadcast_to(np.where(least > (1 + ratio) * tau, 1.0, depends), leading)


def _level(lam: FloatArray, beta: FloatArray) -> FloatArray:
    """Return lam / beta, at most 1e300, which takes every entry of a unit filter to 0."""
    with np.errstate(over="ignore"):
        return np.minimum(lam / beta, 1e300)


def _one_value_a_run(penalty: str | Penalty, leading: tuple[int, ...]) -> Penalty:
    """Return a penalty whose parameters are numbers or have the shape of the leading axes."""
    return check_penalty(penalty, leading).with_parameters(lambda value: value[..., 0])
