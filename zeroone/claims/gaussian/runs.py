"""Random runs of RVSCGD for its claims, and the algorithm written plainly: oracle, planted errors.

Runs come in groups of one dimension and one penalty. `plain_run` follows the text of Algorithm 1
line by line and shares no code with `zeroone.gaussian.rvscgd`. For l1, l0 and transformed l1 it has
the proximal maps as the papers print them. Any other penalty in `zeroone.penalties.PENALTIES` is
used with its own map, which the claim ``prox.NAME`` checks against brute force.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.gaussian.pairs import (
    Pair,
    dimensions,
    log_uniform,
    normalised,
    orthogonal_to,
    random_teachers,
)
from zeroone.claims.guard import Checked
from zeroone.gaussian import theory
from zeroone.penalties import L0, L1, PENALTIES, Penalty, TransformedL1
from zeroone.support.validation import FloatArray

# The penalties of the paper, which most claims are about, and those that were added.
PUBLISHED = ("l1", "l0", "tl1")
ADDED = tuple(
    name for name, kind in PENALTIES.items() if not kind.of_matrices and name not in PUBLISHED
)
TITLES = {
    "l1": "l1",
    "l0": "l0",
    "tl1": "transformed l1",
    **{name: PENALTIES[name].__name__ for name in ADDED},
}
HYPOTHESES = (
    "theta0 <= pi - delta, beta <= (k/2 pi) sin(delta), lam < k/(2 pi sqrt(d)), "
    "eta <= 1/(beta + k/(2 pi)); delta from 0.02 to pi/2, d from 1 to 200"
)
GROUPS = 8
# By how much an angle that was put together as delta may come out smaller.
ROUNDING = 1e-14
Run = Callable[..., Any]


@dataclass(frozen=True)
class Batch:
    """A group of m runs with one d and one penalty.

    Parameters
    ----------
    w, w_star : ndarrays of shape (m, d)
        Starts and teachers, of norm 1.
    k : ndarray of ints, shape (m,)
    lam, beta, eta, delta : ndarrays of shape (m,)
    penalty : Penalty
        One for all runs.
    """

    w: FloatArray
    w_star: FloatArray
    k: NDArray[np.int64]
    lam: FloatArray
    beta: FloatArray
    eta: FloatArray
    delta: FloatArray
    penalty: Penalty

    @property
    def slope(self) -> FloatArray:
        """The numbers c = k / (2 pi)."""
        return self.k / (2 * np.pi)

    @property
    def settings(self) -> dict[str, Any]:
        """The keyword arguments of a run, without the number of iterations."""
        names = ("penalty", "k", "lam", "beta", "eta")
        return {name: getattr(self, name) for name in names}


# ------------------------------------------------------------------------------------ the sampler


def batches(
    penalties: Sequence[str] = PUBLISHED,
    lowest: int = 1,
    stiffness: float = 1.0,
    *,
    above_delta: bool = False,
) -> Callable[[np.random.Generator, int], list[Batch]]:
    """Return a sampler of groups of runs that satisfy the hypotheses of Theorem 1.

    Parameters
    ----------
    penalties : sequence of str
        One is drawn for each group.
    lowest : int
        The smallest dimension; the largest is 200.
    stiffness : float
        The largest beta, in units of what delta allows.
    above_delta : bool
        Whether all starts have theta >= delta; some have equality.
    """

    def sample(rng: np.random.Generator, count: int) -> list[Batch]:
        shift = int(rng.integers(len(penalties)))
        return [
            random_batch(
                rng, m, d, penalties[(index + shift) % len(penalties)], stiffness, above_delta
            )
            for index, (d, m) in enumerate(dimensions(rng, count, lowest, GROUPS))
        ]

    return sample


def random_batch(
    rng: np.random.Generator,
    m: int,
    d: int,
    penalty: str,
    stiffness: float = 1.0,
    above_delta: bool = False,
) -> Batch:
    """Return m runs inside the hypotheses, at their edges often.

    delta is up to pi/2, beta at its bound every third time, eta every second. A quarter of the
    starts has theta = pi - delta exactly, some are within 1e-6 of the teacher, and one start is w*.
    """
    k = rng.choice([1, 2, 3, 20, int(rng.integers(1, 500))], m)
    slope = k / (2 * np.pi)
    delta = np.where(rng.random(m) < 0.1, np.pi / 2, rng.uniform(0.02, np.pi / 2, m))
    beta = slope * np.sin(delta) * stiffness
    beta *= np.where(rng.random(m) < 1 / 3, 1.0, rng.uniform(0.01, 1.0, m))
    drawn = PENALTIES[penalty].random(rng)
    # Thresholds about as large as entries of a unit filter are, by way of the level of the map.
    threshold = rng.uniform(0, 2, m) / np.sqrt(d)
    lam = np.minimum(beta * level_of(drawn, threshold), 0.999 * slope / np.sqrt(d))
    eta = 1 / (beta + slope) * np.where(rng.random(m) < 0.5, 1.0, log_uniform(rng, 1e-3, 1.0, m))
    teacher = random_teachers(rng, m, d)
    across = orthogonal_to(rng, teacher)
    theta = angles(normalised(rng.standard_normal((m, d))), teacher.astype(float))
    theta = np.minimum(theta, np.pi - delta)
    kind = rng.random(m)
    theta = np.where(kind < 0.25, np.pi - delta, theta)
    theta = np.where(kind > 0.9, log_uniform(rng, 1e-6, 1.0, m), theta)
    theta[-1] = 0.0
    if above_delta:
        theta = np.maximum(theta, delta)
    if d == 1:
        theta[:] = 0.0
    tilt = np.minimum(theta, np.pi - delta).astype(np.longdouble)[:, np.newaxis]
    w = np.cos(tilt) * teacher + np.sin(tilt) * across
    return Batch(w.astype(float), teacher.astype(float), k, lam, beta, eta, delta, drawn)


def level_of(penalty: Penalty, threshold: FloatArray) -> FloatArray:
    """Return the levels at which the map takes entries up to the threshold to 0, by bisection."""
    low, high = np.full(len(threshold), -60.0), np.full(len(threshold), 60.0)
    for _ in range(60):
        middle = (low + high) / 2
        beyond = penalty.largest_zero(np.exp(middle)) > threshold
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.exp(low)


# --------------------------------------------------------------------------------------- formulas


def angles(w: FloatArray, w_star: FloatArray) -> FloatArray:
    """Return the angles between unit filters."""
    difference = np.sqrt(np.sum((w - w_star) ** 2, axis=1))
    return 2 * np.arctan2(difference, np.sqrt(np.sum((w + w_star) ** 2, axis=1)))


def printed_transformed(penalty: Any, w: FloatArray, t: FloatArray) -> FloatArray:
    """Return the map of transformed l1 by the arc cosine."""
    a, size = penalty.a, np.abs(w)
    tau = np.where(t <= a**2 / (2 * (a + 1)), t * (a + 1) / a, np.sqrt(2 * t * (a + 1)) - a / 2)
    phi = np.arccos(np.clip(1 - 27 * t * a * (a + 1) / (2 * (a + size) ** 3), -1, 1))
    u = 2 / 3 * (a + size) * np.cos(phi / 3) - 2 * a / 3 + size / 3
    return np.where(size > tau, np.sign(w) * u, 0)


# The terms of P and the map as printed, by the penalty's class.
PRINTED: dict[type[Penalty], tuple[Callable[..., FloatArray], Callable[..., FloatArray]]] = {
    L1: (
        lambda penalty, u: np.abs(u),
        lambda penalty, w, t: np.sign(w) * np.maximum(np.abs(w) - t, 0),
    ),
    L0: (
        lambda penalty, u: (u != 0).astype(float),
        lambda penalty, w, t: np.where(np.abs(w) > np.sqrt(2 * t), w, 0),
    ),
    TransformedL1: (
        lambda penalty, u: (penalty.a + 1) * np.abs(u) / (penalty.a + np.abs(u)),
        printed_transformed,
    ),
}


def plain_prox(penalty: Penalty, w: FloatArray, level: FloatArray) -> FloatArray:
    """Return prox_{t P}(w) as printed, or by the penalty's own map."""
    t = level[:, np.newaxis]
    if type(penalty) in PRINTED:
        return PRINTED[type(penalty)][1](penalty, w, t)
    return penalty.prox_map(w, t)


def plain_penalty(penalty: Penalty, u: FloatArray) -> FloatArray:
    """Return P(u) of each run."""
    printed = PRINTED.get(type(penalty))
    terms = penalty.terms(u) if printed is None else printed[0](penalty, u)
    return np.sum(terms, axis=1, dtype=float)


def plain_lagrangian(batch: Batch, u: FloatArray, w: FloatArray) -> FloatArray:
    """Return f(w) + lam P(u) + (beta/2) |w - u|^2 of each run."""
    coupling = batch.beta / 2 * np.sum((w - u) ** 2, axis=1)
    loss = batch.slope * angles(w, batch.w_star)
    return loss + batch.lam * plain_penalty(batch.penalty, u) + coupling


def plain_surrogate(batch: Batch, u: FloatArray, w: FloatArray) -> FloatArray:
    """Return (c/2) |w - w*|^2 + lam P(u) + (beta/2) |w - u|^2 of each run."""
    coupling = batch.beta / 2 * np.sum((w - u) ** 2, axis=1)
    loss = batch.slope / 2 * np.sum((w - batch.w_star) ** 2, axis=1)
    return loss + batch.lam * plain_penalty(batch.penalty, u) + coupling


def plain_run(
    w0: FloatArray,
    w_star: FloatArray,
    *,
    k: NDArray[np.int64],
    penalty: Penalty,
    lam: FloatArray,
    beta: FloatArray,
    eta: FloatArray,
    n_iter: int,
    gradient: float = 1.0,
    coupling: float = 1.0,
    level: float = 1.0,
    normalise: bool = True,
    **unused: Any,
) -> SimpleNamespace:
    """Run Algorithm 1 as it is written; factors other than 1 plant errors.

    Parameters
    ----------
    gradient, coupling, level : float
        Wrong factors of E g, of beta (w - u), and of lam / beta.
    normalise : bool
        Whether w is normalised.
    """
    slope, beta_, eta_ = (np.asarray(each)[:, np.newaxis] for each in (k / (2 * np.pi), beta, eta))
    w, u = w0, w0
    for _ in range(n_iter):
        u = plain_prox(penalty, w, level * lam / beta)
        w = w - eta_ * (gradient * slope * (w - w_star) + coupling * beta_ * (w - u))
        if normalise:
            w = w / np.sqrt(np.sum(w**2, axis=1, keepdims=True))
    return SimpleNamespace(u=u, w=w)


def of_the_algorithm(measure: Callable[[Run, Batch], Pair]) -> Checked:
    """Return a comparison that counts only if the run is Algorithm 1's, as `plain_run` has it."""
    return Checked(measure, plain_run, read=lambda result: (result.u, result.w))


# What plants errors: wrong signs and factors, and parameters outside the hypotheses.
uphill = partial(plain_run, gradient=-1.0)
repelled = partial(plain_run, coupling=-1.0)
wrong_level = partial(plain_run, level=2.0)
unnormalised = partial(plain_run, normalise=False)


def jumped(w0: FloatArray, w_star: FloatArray, **settings: Any) -> SimpleNamespace:
    """Go to the teacher in one leap, which no bound and no descent forbids."""
    w = np.broadcast_to(w_star, np.shape(w0))
    return SimpleNamespace(u=w, w=w)


def emptied(w0: FloatArray, w_star: FloatArray, **settings: Any) -> SimpleNamespace:
    """Go to the teacher and keep nothing: (k/2 pi) w* + beta u = C w with u = 0 and w = w*."""
    w = np.broadcast_to(w_star, np.shape(w0))
    return SimpleNamespace(u=np.zeros_like(w), w=w)


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


def trajectory(
    run: Run, batch: Batch, n_iter: int
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Yield (u, w, new u, new w) of iteration after iteration, each a run of length one."""
    u, w = batch.w, batch.w
    settings = batch.settings
    for _ in range(n_iter):
        result = run(w, batch.w_star, **settings, u0=u, n_iter=1, record_every=1)
        yield u, w, result.u, result.w
        u, w = result.u, result.w


# ----------------------------------------------------------------------------------------- limits

# Iterations that reach the limit if beta <= STIFFNESS k/(2 pi) and eta is the largest allowed: each
# of them gains a factor beta / C.
TO_THE_LIMIT = 300
STIFFNESS = 0.8


def limit_parameters(batch: Batch) -> dict[str, Any]:
    """Return k, lam and beta."""
    return {"k": batch.k, "lam": batch.lam, "beta": batch.beta}


def long_runs(*penalties: str) -> Callable[[np.random.Generator, int], list[Batch]]:
    """Return a sampler of runs that converge fast, with the largest eta."""
    draw = batches(penalties, stiffness=STIFFNESS)

    def sample(rng: np.random.Generator, count: int) -> list[Batch]:
        return [replace(b, eta=1 / (b.beta + b.slope)) for b in draw(rng, count)]

    return sample


def pull(batch: Batch, u: FloatArray) -> FloatArray:
    """Return c w* + beta u."""
    return batch.slope[:, np.newaxis] * batch.w_star + batch.beta[:, np.newaxis] * u


def sine_identity(batch: Batch, u: FloatArray, w: FloatArray) -> Pair:
    """Return sin(theta) and (beta/c) |u| sin(gamma), each from a projection off w."""

    def off(x: FloatArray) -> FloatArray:
        across = x - np.sum(x * w, axis=1, keepdims=True) * w
        return np.sqrt(np.sum(across**2, axis=1))

    return off(batch.w_star), batch.beta / batch.slope * off(u)


def teacher_of_fixed_point(batch: Batch, w: FloatArray) -> FloatArray:
    """Return the teachers for which w is a fixed point: c w* = C w - beta u, C such that |w*| = 1.

    |C w - beta u| = c is quadratic in C, and its larger root is the one with theta < pi/2.
    """
    u = plain_prox(batch.penalty, w, batch.lam / batch.beta)
    along = np.sum(u * w, axis=1)
    across2 = np.sum((u - along[:, np.newaxis] * w) ** 2, axis=1)
    C = batch.beta * along + np.sqrt(batch.slope**2 - batch.beta**2 * across2)
    return normalised(C[:, np.newaxis] * w - batch.beta[:, np.newaxis] * u)
