"""ADMM on the same problem, for comparison with RVSCGD: the coupling gets a multiplier z.

    L_beta(u, w, z) = f(w) + lam P(u) + <z, w - u> + (beta/2) |w - u|^2        (theory, A6)

    u <- prox_{(lam/beta) P}(w + z/beta)
    w <- w - eta (E g(w) + z + beta (w - u)),   w <- w / |w|
    z <- z + beta (w - u)

The update of z raises the Lagrangian, by |z_new - z|^2 / beta, so that it need not fall. Where the
iteration settles, w = u exactly and (k / 2 pi) w* - z = C w with z a subgradient of lam P at w. For
l1 that makes w the soft-thresholded teacher, S_lam((k / 2 pi) w*) normalised, whatever beta is; the
limit of RVSCGD, where w and u differ, tends to it as beta grows.
"""

from collections.abc import Iterator, Mapping
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.problem import Settings, check_problem
from zeroone.gaussian.rvscgd import descend
from zeroone.gaussian.splitting import (
    Method,
    Runs,
    SplittingResult,
    Update,
    iterate_problem,
    run_problem,
)
from zeroone.trace import Step
from zeroone.validation import FloatArray


def run(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    n_iter: int,
    record_every: int | None = None,
    **settings: Unpack[Settings],
) -> SplittingResult:
    """Run ADMM from one start or many, with one set of parameters or many, from z = 0.

    The arguments, the result and the errors are those of `zeroone.gaussian.rvscgd.run`; the result
    has the `multiplier` z as well, and its Lagrangian includes <z, w - u>.
    """
    return run_problem(check_problem(w0, w_star, **settings), ADMM, n_iter, record_every)


def iterate(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    n_iter: int,
    every: int = 1,
    **settings: Unpack[Settings],
) -> Iterator[Step]:
    """Yield the steps of one run: blocks "u", "w" and "z" of each iteration.

    The arguments, steps and errors are those of `zeroone.gaussian.rvscgd.iterate`; there is a term
    "multiplier", <z, w - u>, and the state has `multiplier`.
    """
    return iterate_problem(check_problem(w0, w_star, **settings), ADMM, n_iter, every)


def updates(runs: Runs) -> Mapping[str, Update]:
    """Return the updates of u, of w and of z."""
    work = np.empty_like(runs.w)

    def update_u() -> None:
        np.divide(runs.z, runs.beta, out=work)
        np.add(work, runs.w, out=work)
        runs.prox(work, runs.u)

    def update_z() -> None:
        np.subtract(runs.w, runs.u, out=work)
        np.multiply(work, runs.beta, out=work)
        np.add(runs.z, work, out=runs.z)

    return {"u": update_u, "w": descend(runs, with_multiplier=True), "z": update_z}


def terms(runs: Runs, angles: FloatArray) -> dict[str, FloatArray]:
    """Return the terms of ADMM's Lagrangian of each run."""
    inner = np.sum(runs.z * (runs.w - runs.u), axis=0)
    return {**runs.terms(angles), "multiplier": inner}


ADMM = Method(updates, terms, has_multiplier=True)
