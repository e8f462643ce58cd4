"""What is known of RVSCGD: Theorem 1's hypotheses, descent of the angle, limits, supports.

The iteration is `zeroone.gaussian.rvscgd`; throughout, w and w* are unit filters, theta is the
angle between them, and c = k / (2 pi) (docs/theory.md#a7; [1]_, Theorem 1 and Corollary 1.1).

**Hypotheses.** (i) theta(w0, w*) <= pi - delta, (ii) beta <= c sin(delta) and lam < c / sqrt(d),
(iii) eta <= min(1/(beta + L), 1/c), with L >= c a Lipschitz constant of the coarse gradient.

**Why they work.** Let v = c w* + beta u. A step takes w to a positive combination of w and v if
eta (c + beta) <= 1, that is, some way along the arc from w to v. A proximal map shrinks:
<w - u, u> >= 0, so that u lies in the ball with the diameter from 0 to w, and v in the ball of
radius beta/2 about c w* + (beta/2) w.

* theta <= pi/2: that ball is inside the cone of half-angle theta about w*, which is convex, if its
  centre is beta/2 from the boundary. The distance is c sin(theta) on w's side and larger on others.
* theta > pi/2: the filters at angles above theta are a convex cap about -w* with w on its edge. An
  arc (of length below pi) that leaves w outwards does not come back to it. It leaves outwards if
  c sin^2(theta) >= beta (<u, w> cos(theta) - <u, w*>), which is at most beta sin(theta) / 2.

So the angle does not rise **if beta <= 2 c sin(theta)**, hence as long as theta >= delta if beta <=
2 c sin(delta): theta stays <= pi - delta, and once it is below delta it stays there, since then v
is in the cone of half-angle delta. (ii) is half of that bound, and 2 is the best factor: with l0
and two nearly equal entries of w the angle rises for any larger one. Neither lam's bound nor
eta <= 1/c is used; the latter follows from the other bound on eta.

**The Lagrangian** falls in the step of u always, and in the step of w by at least
(1/eta - beta - L)/2 |w_new - w|^2 where the angle does not rise. Below delta neither need fall: the
fixed point balances the coarse gradient and is no critical point of L_beta, whose f is a cone
there. What always falls, at every angle and for every beta and lam, is L_beta with f replaced by
(c/2) |w - w*|^2 = c (1 - cos(theta)), of which the coarse gradient is the gradient.

**The limit** is in `zeroone.gaussian.limits`.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.gaussian.filters import (
    angle,
    broadcast_parameters,
    check_filter,
    check_parameter,
    check_patches,
    check_point,
    check_teacher,
    cone_slope,
    tangent,
)
from zeroone.support.validation import FloatArray, check_integer


@dataclass(frozen=True)
class Hypothesis:
    """One inequality, value <= bound (or value < bound).

    Parameters
    ----------
    name : str
        The argument that it restricts.
    statement : str
    value, bound : ndarrays of shape (...)
    strict : bool
        Whether equality is excluded.
    """

    name: str
    statement: str
    value: FloatArray
    bound: FloatArray
    strict: bool = False

    @property
    def slack(self) -> FloatArray:
        """Bound - value: by how much it holds, or if negative, fails."""
        return self.bound - self.value

    @property
    def holds(self) -> NDArray[np.bool_]:
        """Whether it holds."""
        return np.asarray(self.slack > 0 if self.strict else self.slack >= 0)


def hypotheses(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    k: ArrayLike,
    lam: ArrayLike,
    beta: ArrayLike,
    eta: ArrayLike,
    delta: ArrayLike | None = None,
    lipschitz: ArrayLike | None = None,
) -> tuple[Hypothesis, ...]:
    """Return the hypotheses of Theorem 1, with how much each holds by or fails by.

    See docs/theory.md#a7.

    Parameters
    ----------
    w0, w_star : array_like of shape (..., d)
        Starts, and teachers of norm 1.
    k, lam, beta, eta
        As in `zeroone.gaussian.rvscgd.run`.
    delta : float or array_like in (0, pi/2], optional
        The angle down to which descent is to hold; `smallest_delta` by default, which says most.
    lipschitz : float or array_like, optional
        The L of (iii), at least k/(2 pi), which is the default.

    Returns
    -------
    tuple of Hypothesis
        On the start, on beta, on lam and on eta.

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit.
    """
    theta = angle(check_filter("w0", w0), check_teacher("w_star", w_star))
    (slope, lam, beta, eta), leading = broadcast_parameters(
        theta.shape, k=k, lam=lam, beta=beta, eta=eta
    )
    if delta is None:
        delta = np.arcsin(np.minimum(beta / slope, 1.0))
    delta = _check_delta(delta)
    d = np.shape(w_star)[-1]
    inequalities = (
        ("w0", "theta(w0, w*) <= pi - delta", theta, np.pi - delta),
        ("beta", "beta <= (k / 2 pi) sin(delta)", beta, largest_beta(delta, k)),
        ("lam", "lam < k / (2 pi sqrt(d))", lam, largest_lam(k, d)),
        ("eta", "eta <= min(1 / (beta + L), 2 pi / k)", eta, largest_eta(beta, k, lipschitz)),
    )
    return tuple(
        Hypothesis(
            name,
            statement,
            np.broadcast_to(value, leading),
            np.broadcast_to(bound, leading),
            strict=name == "lam",
        )
        for name, statement, value, bound in inequalities
    )


def smallest_delta(beta: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return the smallest delta that (ii) allows, arcsin(2 pi beta / k), NaN where none does.

    Raises
    ------
    ValueError
        If beta is not > 0 or k not a whole number >= 1.
    """
    ratio = check_parameter("beta", beta) / _slope(k)
    delta = np.arcsin(np.minimum(ratio, 1.0))
    # A few units of rounding more, so that `largest_beta` of it is not below beta.
    delta = np.minimum(delta * (1 + 8 * np.finfo(float).eps), np.pi / 2)
    return np.where(ratio <= 1, delta, np.nan)


def largest_beta(delta: ArrayLike, k: ArrayLike) -> FloatArray:
    """Return (k / 2 pi) sin(delta), the largest beta that (ii) allows.

    Descent holds up to twice that, and not beyond; see the head of this module.

    Raises
    ------
    ValueError
        If delta is not in (0, pi/2] or k not a whole number >= 1.
    """
    return np.asarray(_slope(k) * np.sin(_check_delta(delta)))


def largest_lam(k: ArrayLike, d: int) -> FloatArray:
    """Return k / (2 pi sqrt(d)), which lam must stay below by (ii).

    Raises
    ------
    ValueError
        If k or d is not a whole number >= 1.
    """
    return np.asarray(_slope(k) / np.sqrt(check_integer("d", d)))


def largest_eta(beta: ArrayLike, k: ArrayLike, lipschitz: ArrayLike | None = None) -> FloatArray:
    """Return min(1/(beta + L), 2 pi/k), the largest eta that (iii) allows.

    Parameters
    ----------
    beta : float or array_like > 0
    k : int or array_like of ints
    lipschitz : float or array_like, optional
        L, at least k/(2 pi), the Lipschitz constant on unit filters, which is the default. (With
        any such L the first bound is the smaller one.)

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    slope = _slope(k)
    constant = slope if lipschitz is None else check_parameter("lipschitz", lipschitz)
    if np.any(constant < slope):
        raise ValueError(f"lipschitz must be >= k / (2 pi), but is {lipschitz!r} with k = {k!r}")
    return np.minimum(1 / (check_parameter("beta", beta) + constant), 1 / slope)


def angle_descent_margin(
    u: ArrayLike, w: ArrayLike, w_star: ArrayLike, *, k: ArrayLike, beta: ArrayLike
) -> FloatArray:
    """Return c sin^2(theta) - beta (<u, w> cos(theta) - <u, w*>), c = k/(2 pi) (docs/theory.md#a7).

    To first order in eta the angle falls in the step of w if this is positive, and rises if it is
    negative: it is -sin(theta) d theta / d eta at eta = 0.

    Parameters
    ----------
    u, w, w_star : array_like of shapes (..., d)
        Any u, filters (their directions count), and teachers of norm 1.
    k, beta
        As in `zeroone.gaussian.rvscgd.run`.

    Returns
    -------
    ndarray of shape (...)

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit.

    Notes
    -----
    Where it is zero higher orders decide, and **the angle can rise**: if the step does turn w, but
    orthogonally to w*, then w was the point nearest to w* on its great circle (for theta < pi/2).

    Computed as <P w*, c w* + beta u>, P w* = w* - cos(theta) w: no cancellation at either end.
    """
    u, w, teacher, (slope, beta) = check_point(u, w, w_star, k=k, beta=beta)
    along = tangent(w, teacher)
    return slope * np.sum(along**2, axis=-1) + beta * np.sum(along * u, axis=-1)


def _slope(k: ArrayLike) -> FloatArray:
    """Return k/(2 pi), k checked."""
    return cone_slope(check_patches("k", k, np.shape(k)))


def _check_delta(delta: ArrayLike) -> FloatArray:
    """Return one or more angles as an array.

    Raises
    ------
    ValueError
        If one is not in (0, pi/2].
    """
    array = check_parameter("delta", delta)
    if array.max() > np.pi / 2:
        raise ValueError(f"delta must be <= pi/2, but holds {array.max():g}")
    return array
