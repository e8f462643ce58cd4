"""The phase picture: where on a grid of (lam, beta, eta) RVSCGD descends and finds the support.

Every point of the grid is run from the same starts. Of each run only flags are kept, as it goes, so
that memory does not grow with the number of iterations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.filters import (
    angle_between_units,
    check_parameter,
    check_patches,
    check_teacher,
    cone_slope,
    unit,
)
from zeroone.gaussian.limits import support_prediction
from zeroone.gaussian.rvscgd import Runs, check_iterations, check_runs, trajectories
from zeroone.gaussian.theory import hypotheses, largest_eta
from zeroone.penalties import Penalty, check_penalty
from zeroone.support.validation import FloatArray, check_integer, check_number

# Rises of the angle, and of the Lagrangian relative to its size, that rounding explains.
ROUNDING = 1e-12
# Weights that are laid out at once: some 100 MB with what belongs to them.
WEIGHTS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Sweep:
    """What a grid of parameters showed. Axes: lam, beta, eta.

    Parameters
    ----------
    lam, beta : ndarrays of shapes (n_lam,), (n_beta,)
    eta : ndarray of shape (n_beta, n_eta)
        The same row for every beta, unless eta was left to theory.
    delta : float
        The angle down to which descent is asked for.
    n_starts : int
    angle_descent, lagrangian_descent : ndarrays of shape (n_lam, n_beta, n_eta)
        Fraction of starts from which the angle (the Lagrangian) never rose at an iteration that
        began at theta >= delta.
    support_recovered : ndarray of shape (n_lam, n_beta, n_eta)
        Fraction of starts from which u ended with the support of w*.
    angle : ndarray of shape (n_lam, n_beta, n_eta)
        Mean of theta(w, w*) at the end.
    hypotheses_hold : ndarray of bools, shape (n_lam, n_beta, n_eta)
        Where Theorem 1's hypotheses on beta, lam and eta hold for this delta: descent is certain.
    support_predicted : ndarray of shape (n_lam, n_beta)
        `support_prediction`: 1 recovered, 0 not, NaN where it depends on the start or nothing is
        known (beta >= k/(2 pi), groups).
    """

    lam: FloatArray
    beta: FloatArray
    eta: FloatArray
    delta: float
    n_starts: int
    angle_descent: FloatArray
    lagrangian_descent: FloatArray
    support_recovered: FloatArray
    angle: FloatArray
    hypotheses_hold: FloatArray
    support_predicted: FloatArray


def sweep(
    w_star: ArrayLike,
    *,
    k: int,
    penalty: str | Penalty,
    lam: ArrayLike,
    beta: ArrayLike,
    eta: ArrayLike | None = None,
    delta: float,
    n_starts: int,
    n_iter: int,
    rng: np.random.Generator,
    filter_shape: tuple[int, int] | None = None,
) -> Sweep:
    """Run RVSCGD from many starts at every point of a grid.

    Parameters
    ----------
    w_star : array_like of shape (d,)
        The teacher, of norm 1.
    k, penalty, filter_shape
        As in `zeroone.gaussian.rvscgd.run`.
    lam, beta : float or array_like of one axis
        The grid is their product with eta.
    eta : float or array_like of one axis, optional
        By default the largest that theory allows for each beta.
    delta : float in (0, pi/2]
        Starts are uniform on theta <= pi - delta, and descent is asked for at theta >= delta.
    n_starts, n_iter : int
    rng : numpy.random.Generator
        For the starts.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit.
    FloatingPointError
        If a run reaches the zero filter.
    """
    teacher = np.asarray(check_teacher("w_star", w_star), np.float64)
    if teacher.ndim != 1:
        raise ValueError(f"w_star must have shape (d,), but has shape {teacher.shape}")
    delta = check_number("delta", delta, strict=True, maximum=np.pi / 2)
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, but is {rng!r}")
    k, n_iter = check_integer("k", k), check_iterations("n_iter", n_iter)
    penalty = check_penalty(penalty, ())
    lams = _check_axis("lam", lam, strict=False)
    betas = _check_axis("beta", beta)
    if eta is None:
        etas = largest_eta(betas, k)[:, np.newaxis]
    else:
        grid = _check_axis("eta", eta)
        etas = np.broadcast_to(grid, (len(betas), len(grid)))
    starts = random_starts(rng, check_integer("n_starts", n_starts), teacher, delta)
    shape = (len(lams), len(betas), etas.shape[1])
    points = [
        np.broadcast_to(values, shape).ravel()
        for values in (lams[:, np.newaxis, np.newaxis], betas[:, np.newaxis], etas)
    ]
    flags = np.empty((4, len(points[0])))
    at_once = max(WEIGHTS_AT_ONCE // starts.size, 1)
    for first in range(0, len(points[0]), at_once):
        some = slice(first, first + at_once)
        lam_, beta_, eta_ = (values[some, np.newaxis] for values in points)
        runs, _ = check_runs(
            starts,
            teacher,
            k=k,
            penalty=penalty,
            lam=lam_,
            beta=beta_,
            eta=eta_,
            filter_shape=filter_shape,
        )
        outcomes = np.concatenate(list(_outcomes(runs, n_iter, delta)), axis=1)
        flags[:, some] = outcomes.reshape(4, -1, len(starts)).mean(axis=-1)
    lam_, beta_, eta_ = points
    held = hypotheses(teacher, teacher, k=k, lam=lam_, beta=beta_, eta=eta_, delta=delta)
    angle_descent, lagrangian_descent, recovered, final = flags.reshape(4, *shape)
    return Sweep(
        lam=lams,
        beta=betas,
        eta=etas,
        delta=delta,
        n_starts=len(starts),
        angle_descent=angle_descent,
        lagrangian_descent=lagrangian_descent,
        support_recovered=recovered,
        angle=final,
        hypotheses_hold=np.all([each.holds for each in held if each.name != "w0"], axis=0).reshape(
            shape
        ),
        support_predicted=predicted_supports(teacher, k, penalty, lams, betas),
    )


def random_starts(
    rng: np.random.Generator, count: int, w_star: FloatArray, delta: float
) -> FloatArray:
    """Return unit filters, uniform on {theta(w, w*) <= pi - delta}.

    Parameters
    ----------
    rng : numpy.random.Generator
    count : int
    w_star : ndarray of shape (d,)
        Of norm 1.
    delta : float in (0, pi/2]

    Returns
    -------
    ndarray of shape (count, d)
    """
    starts = unit(rng.standard_normal((count, len(w_star))))
    # At least half of the sphere is allowed, so that each round replaces at least half of the rest.
    while np.any(rejected := angle_between_units(starts, w_star) > np.pi - delta):
        starts[rejected] = unit(rng.standard_normal((rejected.sum(), len(w_star))))
    return starts


def _outcomes(runs: Runs, n_iter: int, delta: float) -> Iterator[FloatArray]:
    """Yield, block by block, four rows: angle descent, Lagrangian descent, support, final angle."""
    before: tuple[FloatArray, FloatArray] | None = None
    for _, iteration, part, state in trajectories(runs, "rvscgd", n_iter, 1):
        theta = part.angles(state.w)
        lagrangian = np.sum(list(part.terms(state, theta).values()), axis=0)
        if iteration == 0 or before is None:
            descents = np.ones((2, len(theta)), bool)
        else:
            asked = before[0] >= delta
            descents[0] &= ~asked | (theta <= before[0] + ROUNDING)
            descents[1] &= ~asked | (lagrangian <= before[1] + ROUNDING * (1 + np.abs(before[1])))
        before = theta, lagrangian
        if iteration == n_iter:
            recovered = np.all((state.u != 0) == (part.w_star != 0), axis=-1)
            yield np.vstack([descents, recovered, theta])


def predicted_supports(
    w_star: FloatArray, k: int, penalty: Penalty, lams: FloatArray, betas: FloatArray
) -> FloatArray:
    """Return `support_prediction` over the grid of lam and beta, NaN where it says nothing."""
    predicted = np.full((len(lams), len(betas)), np.nan)
    below = betas < cone_slope(check_patches("k", k, ()))
    if np.any(below) and not penalty.of_matrices:
        predicted[:, below] = support_prediction(
            w_star, k=k, penalty=penalty, lam=lams[:, np.newaxis], beta=betas[below]
        )
    return predicted


def _check_axis(name: str, value: ArrayLike, *, strict: bool = True) -> FloatArray:
    """Return the values of one axis of the grid."""
    array = np.atleast_1d(check_parameter(name, value, strict=strict))
    if array.ndim != 1:
        raise ValueError(f"{name} must be a number or have one axis, but has shape {array.shape}")
    return array
