"""Relaxed variable splitting coarse gradient descent, RVSCGD: Algorithm 1 of [1]_  (theory, A6).

It looks for a sparse filter u near a unit filter w with small population loss, by lowering

    L_beta(u, w) = f(w) + lam P(u) + (beta/2) |w - u|^2,

with the coarse gradient E g(w) = (k / 2 pi) (w - w*) in the place of f's gradient:

    u <- prox_{(lam/beta) P}(w)
    w <- w - eta (E g(w) + beta (w - u))
    w <- w / |w|

What to expect of it is in `zeroone.gaussian.theory`.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
"""

from collections.abc import Iterator, Mapping
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.problem import Settings, check_problem
from zeroone.gaussian.splitting import (
    Method,
    Runs,
    SplittingResult,
    Update,
    iterate_problem,
    run_problem,
)
from zeroone.prox import Penalty
from zeroone.trace import Step

# Of u in a step, where that of w is 1. Beside w no smaller one matters, and 1/it has a square.
SMALLEST_WEIGHT = 1e-100


def run(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    k: ArrayLike,
    penalty: str | Penalty,
    lam: ArrayLike,
    beta: ArrayLike,
    eta: ArrayLike,
    n_iter: int,
    u0: ArrayLike | None = None,
    filter_shape: tuple[int, int] | None = None,
    gradient: str = "population",
    n_samples: int = 1000,
    rng: np.random.Generator | None = None,
    record_every: int | None = None,
) -> SplittingResult:
    """Run Algorithm 1, from one start or from many, with one set of parameters or many.

    Parameters
    ----------
    w0 : array_like of shape (..., d)
        Starts of any norm but 0; only their directions matter.
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    k : int or array_like of ints
        Number of patches, at least 1.
    penalty : {"l1", "l0", "tl1", "l20"} or Penalty
        P. A `TransformedL1` may have an a of shape (..., 1), one value a run.
    lam : float or array_like >= 0
        Price of the penalty.
    beta : float or array_like > 0
        Stiffness of the coupling of w and u.
    eta : float or array_like > 0
        Step size.
    n_iter : int
        Number of iterations.
    u0 : array_like of shape (..., d), optional
        The first u, which matters only to the first record; the unit starts by default.
    filter_shape : (rows, columns), optional
        For "l20", whose groups are rows or columns: the matrix that a filter is, in C order.
    gradient : {"population", "sampled"}
        The expected coarse gradient, or its mean over new samples in every iteration (the
        stochastic form). All runs of a batch see the same samples.
    n_samples : int, default 1000
        How many, if sampled.
    rng : numpy.random.Generator, optional
        Required if sampled.
    record_every : int, optional
        Iterations between records of angles and Lagrangian; by default there are about 100 records.

    Returns
    -------
    SplittingResult
        The leading axes of w0, w_star, k, lam, beta and eta broadcast to those of the result.

    Raises
    ------
    ValueError
        If a start is zero, a teacher's norm is not 1, k is not a whole number >= 1, there is no
        such penalty or gradient, lam < 0, beta <= 0 or eta <= 0, something is not finite, shapes do
        not fit, or `rng` is missing.
    FloatingPointError
        If a step lands on the zero filter, which has no direction.

    Examples
    --------
    >>> w_star = np.array([0.8, 0.6, 0.0])
    >>> result = run([1.0, 1.0, 1.0], w_star, k=20, penalty="l0", lam=0.01, beta=0.5, eta=0.2,
    ...              n_iter=200)
    >>> bool(result.support_recovered)
    True
    """
    problem = check_problem(
        w0,
        w_star,
        k=k,
        penalty=penalty,
        lam=lam,
        beta=beta,
        eta=eta,
        u0=u0,
        filter_shape=filter_shape,
        gradient=gradient,
        n_samples=n_samples,
        rng=rng,
    )
    return run_problem(problem, RVSCGD, n_iter, record_every)


def iterate(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    n_iter: int,
    every: int = 1,
    **settings: Unpack[Settings],
) -> Iterator[Step]:
    """Yield the steps of one run: block "u" and block "w" of each iteration.

    Parameters
    ----------
    w0, w_star : array_like of shape (d,)
    n_iter : int
        Number of iterations.
    every : int, default 1
        Yield the steps of every `every`-th iteration only, and make the others at full speed.
    **settings
        k, penalty, lam, beta, eta, u0, filter_shape, gradient, n_samples, rng: as in `run`, one
        value each.

    Yields
    ------
    Step
        ``sweep`` is the iteration. The terms are "loss", "penalty" and "coupling". ``state`` has
        the arrays `u` and `w`.

    Raises
    ------
    ValueError
        As `run`, or if there is more than one run. Raised by the call, before the first step.
    FloatingPointError
        As `run`.
    """
    return iterate_problem(check_problem(w0, w_star, **settings), RVSCGD, n_iter, every)


def updates(runs: Runs) -> Mapping[str, Update]:
    """Return the updates of u and of w."""

    def update_u() -> None:
        runs.prox(runs.w, runs.u)

    return {"u": update_u, "w": descend(runs)}


def descend(runs: Runs, *, with_multiplier: bool = False) -> Update:
    """Return the update w <- w - eta (E g(w) + beta (w - u)), w <- w / |w|.

    With E g(w) = (k / 2 pi) (w - w*) for unit w multiplied out, and divided by eta beta because
    only the direction counts, w goes along

        (1/(eta beta) - 1 - (k / 2 pi)/beta) w  +  u  +  (k / 2 pi)/beta w*.

    With ADMM's multiplier, which is + z inside the parentheses, there is - z/beta as well.
    """
    if runs.problem.gradient is not None:
        return descend_sampled(runs, with_multiplier=with_multiplier)
    w, u, z, eta, normalise = runs.w, runs.u, runs.z, runs.eta, runs.normalise
    with np.errstate(all="ignore"):  # what overflows makes w NaN, which `Runs.angles` reports
        weight_of_u = np.maximum(eta * runs.beta, SMALLEST_WEIGHT)
        keep = np.asarray((1 - eta * (runs.slope + runs.beta)) / weight_of_u)
        towards_teacher = eta * runs.slope / weight_of_u * runs.w_star
        multiplier_share = np.asarray(eta / weight_of_u)
    work = np.empty_like(w)

    def update_w() -> None:
        np.multiply(w, keep, out=w)
        np.add(w, u, out=w)
        np.add(w, towards_teacher, out=w)
        if with_multiplier:
            np.multiply(z, multiplier_share, out=work)
            np.subtract(w, work, out=w)
        normalise()

    return update_w


def descend_sampled(runs: Runs, *, with_multiplier: bool = False) -> Update:
    """Return the update of `descend` with a sampled coarse gradient instead of its expectation."""
    gradient = runs.problem.gradient
    assert gradient is not None

    def update_w() -> None:
        slope = gradient(runs.w.T).T + runs.beta * (runs.w - runs.u)
        if with_multiplier:
            slope += runs.z
        runs.w -= runs.eta * slope
        runs.normalise()

    return update_w


RVSCGD = Method(updates, Runs.terms)
