"""Random runs of RVSCGD for its claims, and the algorithm written plainly: oracle, planted errors.

Runs come in groups of one dimension and one penalty. `plain_run` follows the text of Algorithm 1
line by line, with the proximal maps as the papers print them; it shares no code with
`zeroone.gaussian.rvscgd`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.gaussian_pairs import (
    Pair,
    dimensions,
    log_uniform,
    normalised,
    orthogonal_to,
    random_teachers,
)
from zeroone.prox import Penalty, get_penalty
from zeroone.validation import FloatArray

PENALTIES = ("l1", "l0", "tl1")
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
    penalty : {"l1", "l0", "tl1"}
    a : float
        The shape of transformed l1.
    """

    w: FloatArray
    w_star: FloatArray
    k: NDArray[np.int64]
    lam: FloatArray
    beta: FloatArray
    eta: FloatArray
    delta: FloatArray
    penalty: str
    a: float

    @property
    def slope(self) -> FloatArray:
        """The numbers c = k / (2 pi)."""
        return self.k / (2 * np.pi)

    @property
    def settings(self) -> dict[str, Any]:
        """The keyword arguments of a run, without the number of iterations."""
        options = {"a": self.a} if self.penalty == "tl1" else {}
        penalty = get_penalty(self.penalty, **options)
        parameters = {"k": self.k, "lam": self.lam, "beta": self.beta, "eta": self.eta}
        return {"penalty": penalty, **parameters}


# ------------------------------------------------------------------------------------ the sampler


def batches(
    penalties: Sequence[str] = PENALTIES,
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
    a = float(log_uniform(rng, 0.05, 20.0, ()))
    # Thresholds about as large as entries of a unit filter are, by way of the level of the map.
    threshold = rng.uniform(0, 2, m) / np.sqrt(d)
    lam = np.minimum(beta * level_of(penalty, threshold, a), 0.999 * slope / np.sqrt(d))
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
    return Batch(w.astype(float), teacher.astype(float), k, lam, beta, eta, delta, penalty, a)


def level_of(penalty: str, threshold: FloatArray, a: float) -> FloatArray:
    """Return the levels at which the proximal map takes entries up to the threshold to 0."""
    if penalty == "l1":
        return threshold
    if penalty == "l0":
        return threshold**2 / 2
    continuous = threshold <= a / 2
    return np.where(continuous, threshold * a, (threshold + a / 2) ** 2 / 2) / (a + 1)


# --------------------------------------------------------------------------------------- formulas


def angles(w: FloatArray, w_star: FloatArray) -> FloatArray:
    """Return the angles between unit filters."""
    difference = np.sqrt(np.sum((w - w_star) ** 2, axis=1))
    return 2 * np.arctan2(difference, np.sqrt(np.sum((w + w_star) ** 2, axis=1)))


def plain_prox(batch: Batch, w: FloatArray, level: FloatArray) -> FloatArray:
    """Return prox_{t P}(w) as printed: soft, hard, or by the arc cosine for transformed l1."""
    t, size = level[:, np.newaxis], np.abs(w)
    if batch.penalty == "l1":
        return np.sign(w) * np.maximum(size - t, 0)
    if batch.penalty == "l0":
        return np.where(size > np.sqrt(2 * t), w, 0)
    a = batch.a
    tau = np.where(t <= a**2 / (2 * (a + 1)), t * (a + 1) / a, np.sqrt(2 * t * (a + 1)) - a / 2)
    phi = np.arccos(np.clip(1 - 27 * t * a * (a + 1) / (2 * (a + size) ** 3), -1, 1))
    u = 2 / 3 * (a + size) * np.cos(phi / 3) - 2 * a / 3 + size / 3
    return np.where(size > tau, np.sign(w) * u, 0)


def plain_penalty(batch: Batch, u: FloatArray) -> FloatArray:
    """Return P(u) of each run."""
    if batch.penalty == "l1":
        return np.sum(np.abs(u), axis=1)
    if batch.penalty == "l0":
        return np.count_nonzero(u, axis=1).astype(float)
    return np.sum((batch.a + 1) * np.abs(u) / (batch.a + np.abs(u)), axis=1)


def plain_lagrangian(batch: Batch, u: FloatArray, w: FloatArray) -> FloatArray:
    """Return f(w) + lam P(u) + (beta/2) |w - u|^2 of each run."""
    coupling = batch.beta / 2 * np.sum((w - u) ** 2, axis=1)
    loss = batch.slope * angles(w, batch.w_star)
    return loss + batch.lam * plain_penalty(batch, u) + coupling


def plain_surrogate(batch: Batch, u: FloatArray, w: FloatArray) -> FloatArray:
    """Return (c/2) |w - w*|^2 + lam P(u) + (beta/2) |w - u|^2 of each run."""
    coupling = batch.beta / 2 * np.sum((w - u) ** 2, axis=1)
    loss = batch.slope / 2 * np.sum((w - batch.w_star) ** 2, axis=1)
    return loss + batch.lam * plain_penalty(batch, u) + coupling


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
    name = {"L1": "l1", "L0": "l0"}.get(type(penalty).__name__, "tl1")
    shape = float(getattr(penalty, "a", 1.0))
    batch = Batch(w0, w_star, k, lam, beta, eta, eta, name, shape)
    slope, beta_, eta_ = (np.asarray(each)[:, np.newaxis] for each in (k / (2 * np.pi), beta, eta))
    w, u = w0, w0
    for _ in range(n_iter):
        u = plain_prox(batch, w, level * lam / beta)
        w = w - eta_ * (gradient * slope * (w - w_star) + coupling * beta_ * (w - u))
        if normalise:
            w = w / np.sqrt(np.sum(w**2, axis=1, keepdims=True))
    return SimpleNamespace(u=u, w=w)


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
    u = plain_prox(batch, w, batch.lam / batch.beta)
    along = np.sum(u * w, axis=1)
    across2 = np.sum((u - along[:, np.newaxis] * w) ** 2, axis=1)
    C = batch.beta * along + np.sqrt(batch.slope**2 - batch.beta**2 * across2)
    return normalised(C[:, np.newaxis] * w - batch.beta[:, np.newaxis] * u)
