"""Claims: what a step of RVSCGD does: the algorithm as written, the step of u, the step of w."""

from functools import partial
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_forms import RVS
from zeroone.claims.gaussian_pairs import Pair, by_group
from zeroone.claims.gaussian_rvscgd_instances import (
    Batch,
    Run,
    batches,
    plain_lagrangian,
    plain_run,
)
from zeroone.gaussian import rvscgd, theory

HYPOTHESES = (
    "theta0 <= pi - delta, beta <= (k/2 pi) sin(delta), lam < k/(2 pi sqrt(d)), "
    "eta <= 1/(beta + k/(2 pi)); delta from 0.02 to pi/2, d from 1 to 200"
)

uphill = partial(plain_run, gradient=-1.0)
repelled = partial(plain_run, coupling=-1.0)
wrong_level = partial(plain_run, level=2.0)
unnormalised = partial(plain_run, normalise=False)


def too_long(run: Run, factor: float) -> Run:
    """Return `run` with steps that are longer by a factor."""

    def longer(w0: Any, w_star: Any, *, eta: Any, **settings: Any) -> Any:
        return run(w0, w_star, eta=factor * eta, **settings)

    return longer


def too_stiff(run: Run, factor: float) -> Run:
    """Return `run` with beta and lam multiplied by a factor, and the eta that this allows."""

    def stiffer(w0: Any, w_star: Any, *, lam: Any, beta: Any, **settings: Any) -> Any:
        settings["eta"] = theory.largest_eta(factor * beta, settings["k"])
        return run(w0, w_star, lam=factor * lam, beta=factor * beta, **settings)

    return stiffer


def measure_algorithm(run: Run, batch: Batch) -> Pair:
    """Compare (u, w) after some iterations with the algorithm written plainly."""
    result = run(batch.w, batch.w_star, **batch.settings, n_iter=5)
    plain = plain_run(batch.w, batch.w_star, **batch.settings, n_iter=5)
    return np.stack([result.u, result.w]), np.stack([plain.u, plain.w])


ALGORITHM = Claim(
    id="rvscgd.algorithm",
    statement="u <- prox(w), w <- w - eta (E g(w) + beta (w - u)), w <- w/|w|, five times.",
    source=f"{RVS}, Algorithm 1; theory, A6",
    kind=Kind.EQUALITY,
    sample=batches(),
    measure=by_group(measure_algorithm),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "the coupling's sign": repelled,
        "twice the level of the proximal map": wrong_level,
        "w not normalised": unnormalised,
        "k instead of k/(2 pi)": partial(plain_run, gradient=2 * np.pi),
    },
    # The arc cosine of the printed map of transformed l1 has about half of the digits.
    tolerance=1e-7,
    hypotheses=HYPOTHESES,
    cases=10_000,
)


def measure_u_step(run: Run, batch: Batch) -> Pair:
    """Compare L(u, w) at the u of a step with L at other u: w, 0, u scaled, one entry dropped."""
    u = run(batch.w, batch.w_star, **batch.settings, n_iter=1).u
    with_one_less = u.copy()
    smallest = np.argmin(np.where(u != 0, np.abs(u), np.inf), axis=1)
    with_one_less[np.arange(len(u)), smallest] = 0
    others = [batch.w, np.zeros_like(u), 1.01 * u, 0.99 * u + 0.01 * batch.w, with_one_less]
    theirs = [plain_lagrangian(batch, other, batch.w) for other in others]
    return np.tile(plain_lagrangian(batch, u, batch.w), len(others)), np.concatenate(theirs)


U_STEP = Claim(
    id="rvscgd.u-step",
    statement="The step of u minimises the Lagrangian over u: L(u_new, w) <= L(any u, w).",
    source=f"{RVS}, Theorem 1; theory, A5 and A6",
    kind=Kind.UPPER_BOUND,
    sample=batches(),
    measure=by_group(measure_u_step),
    subject=rvscgd.run,
    planted={
        "twice the level of the proximal map": wrong_level,
        "half the level of the proximal map": partial(plain_run, level=0.5),
        "u = w": partial(plain_run, level=0.0),
    },
    tolerance=1e-13,
    hypotheses=HYPOTHESES,
    cases=10_000,
    near=1e-9,
)


def measure_w_step(run: Run, batch: Batch) -> Pair:
    """Compare L after the step of w with L before it, less what the step must gain."""
    result = run(batch.w, batch.w_star, **batch.settings, n_iter=1)
    before = plain_lagrangian(batch, result.u, batch.w)
    moved = np.sum((result.w - batch.w) ** 2, axis=1)
    gain = (1 / batch.eta - batch.beta - batch.slope) / 2 * moved
    after = plain_lagrangian(batch, result.u, result.w)
    return after, before - gain


W_STEP = Claim(
    id="rvscgd.w-step",
    statement=(
        "The step of w lowers the Lagrangian by at least (1/eta - beta - L)/2 |w_new - w|^2, "
        "L = k/(2 pi), at theta >= delta."
    ),
    source=f"{RVS}, Theorem 1; theory, A4 and A7",
    kind=Kind.UPPER_BOUND,
    sample=batches(lowest=2, above_delta=True),
    measure=by_group(measure_w_step),
    subject=rvscgd.run,
    planted={
        "the gradient's sign": uphill,
        "k instead of k/(2 pi)": partial(plain_run, gradient=2 * np.pi),
        "a step four times as long": too_long(rvscgd.run, 4.0),
        "w not normalised": unnormalised,
    },
    tolerance=1e-12,
    hypotheses=HYPOTHESES + "; theta >= delta",
    cases=10_000,
    near=1e-3,
)


CLAIMS: tuple[Claim, ...] = (ALGORITHM, U_STEP, W_STEP)
