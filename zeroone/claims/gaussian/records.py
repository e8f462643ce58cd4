"""Claims: what runs record and report, ADMM's multiplier, sampled gradients, and l2,0 on filters.

`plain_states` writes both algorithms down once more, with every variable after every block.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import RVS, Pair, by_group, normalised
from zeroone.claims.gaussian.runs import (
    HYPOTHESES,
    PUBLISHED,
    STIFFNESS,
    TO_THE_LIMIT,
    Batch,
    Run,
    angles,
    batches,
    plain_penalty,
    plain_prox,
    plain_run,
    random_batch,
    sine_identity,
)
from zeroone.gaussian import limits, rvscgd, sampling
from zeroone.penalties import GroupL20
from zeroone.steps import Step
from zeroone.support.validation import FloatArray

Prox = Callable[[FloatArray, FloatArray], FloatArray]
# The block that moved, and u, w and z after it.
State = tuple[str, FloatArray, FloatArray, FloatArray]
SOURCE = f"{RVS}, Algorithm 1; docs/theory.md#a6"


def expected_gradient(batch: Batch) -> Callable[[FloatArray], FloatArray]:
    """Return w -> (k/2 pi) (w - w*) for unit filters."""
    return lambda w: batch.slope[:, np.newaxis] * (w - batch.w_star)


def plain_states(
    batch: Batch,
    method: str,
    gradient: Callable[[FloatArray], FloatArray] | None = None,
    prox: Prox | None = None,
) -> Iterator[State]:
    """Yield (block, u, w, z) after every block, for ever; z stays 0 in RVSCGD."""
    beta, eta = batch.beta[:, np.newaxis], batch.eta[:, np.newaxis]
    gradient = gradient or expected_gradient(batch)
    prox = prox or partial(plain_prox, batch.penalty)
    u, w, z = batch.w, batch.w, np.zeros_like(batch.w)
    while True:
        u = prox(w + z / beta, batch.lam / batch.beta)
        yield "u", u, w, z
        w = normalised(w - eta * (gradient(w) + z + beta * (w - u)))
        yield "w", u, w, z
        if method == "admm":
            z = z + beta * (w - u)
            yield "z", u, w, z


def after(states: Iterator[State], count: int) -> State:
    """Return the last of so many states."""
    return next(islice(states, count - 1, None))


def plain_terms(batch: Batch, u: FloatArray, w: FloatArray, z: FloatArray) -> dict[str, FloatArray]:
    """Return the terms of the Lagrangian, ADMM's <z, w - u> among them."""
    return {
        "loss": batch.slope * angles(w, batch.w_star),
        "penalty": batch.lam * plain_penalty(batch.penalty, u),
        "coupling": batch.beta / 2 * np.sum((w - u) ** 2, axis=1),
        "multiplier": np.sum(z * (w - u), axis=1),
    }


def last_blocks(batch: Batch, method: str, n_iter: int) -> list[tuple[FloatArray, ...]]:
    """Return (u, w, z) at the start and after each iteration."""
    found: list[tuple[FloatArray, ...]] = [(batch.w, batch.w, np.zeros_like(batch.w))]
    size = 3 if method == "admm" else 2
    for number, (_, *variables) in enumerate(plain_states(batch, method), 1):
        if number % size == 0:
            found.append(tuple(variables))
        if len(found) > n_iter:
            return found
    raise AssertionError


def joined(arrays: list[Any]) -> FloatArray:
    """Return all entries of some arrays."""
    return np.concatenate([np.ravel(one) for one in arrays])


# ------------------------------------------------------------------------------ what `run` records

LENGTH, EVERY = 7, 3


def measure_records(method: str, run: Any, batch: Batch) -> Pair:
    """Compare records of angle and Lagrangian, and their times, with the plain algorithm."""
    result = run(
        batch.w, batch.w_star, **batch.settings, n_iter=LENGTH, record_every=EVERY, method=method
    )
    states = last_blocks(batch, method, LENGTH)
    times = [0, 3, 6, 7]
    theta = [angles(states[i][1], batch.w_star) for i in times]
    lagrangian = [sum(plain_terms(batch, *states[i]).values()) for i in times]
    u, _, z = states[-1]
    supports = np.all((u != 0) == (batch.w_star != 0), axis=1)
    ours = [
        np.asarray(result.iterations, float),
        result.angles,
        result.lagrangians / batch.slope,
        result.support_recovered + 1.0,
        result.multiplier if method == "admm" else np.zeros(1),
    ]
    expected = [
        np.array(times, float),
        np.array(theta),
        np.array(lagrangian) / batch.slope,
        supports + 1.0,
        z if method == "admm" else np.zeros(1),
    ]
    return joined(ours), joined(expected)


def reported(**changes: Callable[[Any], Any]) -> Any:
    """Return a run whose report is changed."""

    def run(*arguments: Any, **settings: Any) -> Any:
        result = rvscgd.run(*arguments, **settings)
        return replace(result, **{name: change(result) for name, change in changes.items()})

    return run


WRONG_RECORDS = {
    "the angle for the Lagrangian": reported(lagrangians=lambda result: result.angles),
    "one record late": reported(angles=lambda result: np.roll(result.angles, 1, axis=0)),
    "times counted from 1": reported(iterations=lambda result: result.iterations + 1),
    "never recovered": reported(support_recovered=lambda result: 0 * result.support_recovered),
}

RECORDS = Claim(
    id="rvscgd.records",
    statement="Records after 0, m, 2 m, ... and the last iterations are theta and f(w) + lam P(u) "
    "+ (beta/2) |w - u|^2 there, and the support is that of u.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=batches(),
    measure=by_group(partial(measure_records, "rvscgd")),
    subject=rvscgd.run,
    planted=WRONG_RECORDS,
    tolerance=1e-7,
    hypotheses=HYPOTHESES,
    cases=1000,
)

MULTIPLIER = Claim(
    id="admm.records",
    statement="ADMM's records are those of u <- prox(w + z/beta), w <- w - eta (E g + z + beta "
    "(w - u)), w <- w/|w|, z <- z + beta (w - u), with <z, w - u> in the Lagrangian.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=batches(),
    measure=by_group(partial(measure_records, "admm")),
    subject=rvscgd.run,
    planted={
        **WRONG_RECORDS,
        "the multiplier's sign": reported(multiplier=lambda result: -result.multiplier),
        "RVSCGD instead": lambda *at, **settings: replace(
            rvscgd.run(*at, **{**settings, "method": "rvscgd"}),
            multiplier=np.zeros(np.shape(at[0])),
        ),
    },
    tolerance=1e-7,
    hypotheses=HYPOTHESES,
    cases=1000,
)

# -------------------------------------------------------------------------- the steps of one run


def measure_steps(iterate: Any, batch: Batch) -> Pair:
    """Compare terms and variables after each block of the first run with the plain algorithm."""
    names = ("w", "w_star", "k", "lam", "beta", "eta", "delta")
    first = replace(batch, **{name: getattr(batch, name)[:1] for name in names})
    penalty = batch.penalty.with_parameters(lambda array: array[:1])
    first = replace(first, penalty=penalty)
    ours: list[float] = []
    expected: list[float] = []
    for method, size in (("rvscgd", 2), ("admm", 3)):
        settings = {
            name: value if name == "penalty" else value[0] for name, value in first.settings.items()
        }
        steps: Iterator[Step] = iterate(
            first.w[0], first.w_star[0], **settings, n_iter=3, method=method
        )
        start = first.w, first.w, np.zeros_like(first.w)
        before = sum(float(one[0]) for one in plain_terms(first, *start).values())
        plain = plain_states(first, method)
        found = list(steps)
        ours.append(len(found))
        expected.append(3 * size)
        for step, (block, u, w, z) in zip(found, plain, strict=False):
            terms = {name: float(one[0]) for name, one in plain_terms(first, u, w, z).items()}
            ours += [1.0 + (step.block == block), step.objective_before, *step.state.u]
            expected += [2.0, before, *u[0]]
            ours += [float(step.after.get(name, 0.0)) for name in terms]
            expected += list(terms.values())
            before = sum(terms.values())
        # Every other iteration only: the same variables as if all had been shown.
        *_, last = iterate(
            first.w[0], first.w_star[0], **settings, n_iter=4, every=2, method=method
        )
        _, u, _, _ = after(plain_states(first, method), 4 * size)
        ours += [last.sweep, *last.state.u]
        expected += [4, *u[0]]
    return np.array(ours), np.array(expected)


def wrong_steps(change: Callable[[Step], Step]) -> Any:
    """Return the iteration with every step changed."""

    def iterate(*arguments: Any, **settings: Any) -> Iterator[Step]:
        return (change(step) for step in rvscgd.iterate(*arguments, **settings))

    return iterate


STEPS = Claim(
    id="rvscgd.steps",
    statement="Each step reports its block, the variables after it, and the Lagrangian term by "
    "term before and after: RVSCGD and ADMM.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=batches(),
    measure=by_group(measure_steps),
    subject=rvscgd.iterate,
    planted={
        "before for after": wrong_steps(lambda step: replace(step, after=step.before)),
        "terms exchanged": wrong_steps(
            lambda step: replace(
                step,
                after=dict(zip(step.after, list(step.after.values())[::-1], strict=True)),
            )
        ),
    },
    tolerance=1e-7,
    hypotheses=HYPOTHESES,
    cases=120,
)

# ------------------------------------------------------- a run alone, and one that loses its way


def first_runs(rng: np.random.Generator, count: int) -> list[Batch]:
    """Draw batches, of which the first run counts, and one of many entries."""
    large = random_batch(rng, 1, 12_000, str(rng.choice(PUBLISHED)))
    return [*batches()(rng, count), large]


def measure_alone(run: Run, batch: Batch) -> Pair:
    """Compare one run, given as vectors and numbers, with the plain algorithm in rows."""
    row = {name: value[0] for name, value in batch.settings.items() if name != "penalty"}
    rows = {name: value[:1] for name, value in batch.settings.items() if name != "penalty"}
    penalty = batch.penalty
    found = run(batch.w[0], batch.w_star[0], **row, penalty=penalty, n_iter=3)
    known = plain_run(batch.w[:1], batch.w_star[:1], **rows, penalty=penalty, n_iter=3)
    ours = [found.u, found.w, found.angle]
    return joined(ours), joined([known.u, known.w, angles(known.w, batch.w_star[:1])])


ALONE = Claim(
    id="rvscgd.single-run",
    statement="A single run, given as vectors and numbers, is the same as in a batch.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=first_runs,
    measure=by_group(measure_alone),
    subject=rvscgd.run,
    planted={
        "beta halved": lambda *at, beta, **s: rvscgd.run(*at, beta=beta / 2, **s),
        "an iteration more": lambda *at, n_iter, **s: rvscgd.run(*at, n_iter=n_iter + 1, **s),
    },
    tolerance=1e-7,
    hypotheses=HYPOTHESES + ", and 12,000",
    cases=50,
)


@dataclass(frozen=True)
class Lost:
    """Runs of one step each, some of which may land on the zero filter.

    Parameters
    ----------
    batch : Batch
        With lam = 0, so that u = w, and eta = 1/2.
    lost : ndarray of bools, shape (m,)
        The runs whose coarse gradient is 2 w: they go to w - w = 0.
    """

    batch: Batch
    lost: NDArray[np.bool_]


def lost_runs(rng: np.random.Generator, count: int) -> list[Lost]:
    """Draw batches without a lost run, and with one at any place."""
    drawn = []
    for index, batch in enumerate(batches(("l0", "l1"))(rng, count)):
        m = len(batch.w)
        lost = np.zeros(m, dtype=bool)
        lost[rng.integers(m)] = index % 2 == 0
        drawn.append(Lost(replace(batch, lam=np.zeros(m), eta=np.full(m, 0.5)), lost))
    return drawn


def measure_lost(run: Run, at: Lost) -> Pair:
    """Compare whether a run is refused with whether a filter is lost; else, where the runs end."""
    batch = at.batch
    expected = expected_gradient(batch)

    def gradient(w: FloatArray) -> FloatArray:
        return np.where(at.lost[:, np.newaxis], 2 * w, expected(w))

    try:
        end = run(batch.w, batch.w_star, **batch.settings, n_iter=1, coarse_gradient=gradient)
    except FloatingPointError:
        return np.array([2.0]), np.array([1.0 + at.lost.any()])
    if at.lost.any():
        return np.array([1.0]), np.array([2.0])
    plain = plain_run(batch.w, batch.w_star, **batch.settings, n_iter=1)
    return np.stack([end.u, end.w]), np.stack([plain.u, plain.w])


def unnoticed(*arguments: Any, coarse_gradient: Any, **settings: Any) -> Any:
    """Follow the expectation where a filter would be lost."""
    try:
        return rvscgd.run(*arguments, coarse_gradient=coarse_gradient, **settings)
    except FloatingPointError:
        return rvscgd.run(*arguments, **settings)


def refused(*arguments: Any, **settings: Any) -> Any:
    """Refuse all runs."""
    raise FloatingPointError


LOST = Claim(
    id="rvscgd.lost-direction",
    statement="Runs are refused if and only if one of them, at any place, lands on the zero "
    "filter, which has no direction.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=lost_runs,
    measure=by_group(measure_lost),
    subject=rvscgd.run,
    planted={"unnoticed": unnoticed, "always refused": refused},
    tolerance=1e-12,
    hypotheses="lam = 0, eta = 1/2; a coarse gradient of 2 w in one run of every other batch",
    cases=60,
)

# ------------------------------------------------------------------------------- sampled gradients


@dataclass(frozen=True)
class Sampled:
    """Runs that see samples of their own instead of the expectation."""

    batch: Batch
    k: int
    seed: int


def sampled_runs(rng: np.random.Generator, count: int) -> list[Sampled]:
    """Draw runs in up to 20 dimensions with one number of patches."""
    drawn = []
    for batch in batches()(rng, count):
        part = replace(
            batch,
            w=normalised(batch.w[:, :20] + 1e-3),
            w_star=normalised(batch.w_star[:, :20] + 1e-3),
        )
        k = int(rng.integers(1, 4))
        part = replace(part, k=np.full(len(batch.w), k), eta=0.3 / (batch.beta + k / (2 * np.pi)))
        drawn.append(Sampled(part, k, int(rng.integers(2**31))))
    return drawn


def measure_sampled(run: Any, at: Sampled) -> Pair:
    """Compare (u, w) after three iterations on samples with the same by einsum."""
    batch, n = at.batch, 50
    given = sampling.stochastic_coarse_gradient(
        batch.w_star, at.k, n_samples=n, rng=np.random.default_rng(at.seed)
    )
    result = run(
        batch.w, batch.w_star, **batch.settings, n_iter=3, record_every=3, coarse_gradient=given
    )
    rng = np.random.default_rng(at.seed)

    def gradient(w: FloatArray) -> FloatArray:
        Z = rng.standard_normal((n, at.k, w.shape[1]))
        on = np.einsum("nkd,md->mnk", Z, w) > 0
        right = np.einsum("nkd,md->mnk", Z, batch.w_star) > 0
        error = on.sum(axis=2) - right.sum(axis=2)
        return np.sqrt(2 / np.pi) / n * np.einsum("mn,mnk,nkd->md", error, on, Z)

    _, u, w, _ = after(plain_states(batch, "rvscgd", gradient), 6)
    return np.stack([result.u, result.w]), np.stack([u, w])


def expectation_instead(*arguments: Any, coarse_gradient: Any, **settings: Any) -> Any:
    """Follow the expectation."""
    return rvscgd.run(*arguments, **settings)


def every_other(*arguments: Any, coarse_gradient: Any, **settings: Any) -> Any:
    """Draw twice as many samples as are asked for and use every other draw."""

    def gradient(w: FloatArray) -> FloatArray:
        coarse_gradient(w)
        return coarse_gradient(w)

    return rvscgd.run(*arguments, coarse_gradient=gradient, **settings)


SAMPLED = Claim(
    id="rvscgd.sampled",
    statement="With a sampled coarse gradient each step of w follows the mean of g(w, Z) over new "
    "samples, the same for all runs.",
    source=f"{SOURCE}, #a1",
    kind=Kind.EQUALITY,
    sample=sampled_runs,
    measure=by_group(measure_sampled),
    subject=rvscgd.run,
    planted={
        "the expectation instead": expectation_instead,
        "every other draw": every_other,
    },
    tolerance=1e-7,
    hypotheses="50 samples an iteration, 1 to 3 patches, d up to 20",
    cases=150,
)

# ------------------------------------------------------------------------------------- l2,0


@dataclass(frozen=True)
class Grouped:
    """Runs whose filters are matrices with rows (or columns) that are priced as one."""

    batch: Batch
    shape: tuple[int, int]
    groups: str

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return self.shape[0 if self.groups == "rows" else 1]

    def prox(self, x: FloatArray, level: FloatArray) -> FloatArray:
        """Keep a group iff its squared norm exceeds twice the level."""
        axis = 2 if self.groups == "rows" else 1
        matrices = x.reshape(-1, *self.shape)
        squares = np.sum(matrices**2, axis=axis, keepdims=True)
        return np.where(squares > 2 * level[:, np.newaxis, np.newaxis], matrices, 0).reshape(
            x.shape
        )


def grouped_runs(rng: np.random.Generator, count: int) -> list[Grouped]:
    """Draw runs in 2 to 30 dimensions with 2 to 6 groups."""
    drawn = []
    for index, batch in enumerate(batches(("l0",), lowest=2, stiffness=STIFFNESS)(rng, count)):
        shape = int(rng.integers(2, 7)), int(rng.integers(1, 6))
        groups = ("rows", "columns")[index % 2]
        shape = shape if groups == "rows" else shape[::-1]
        d, m = shape[0] * shape[1], len(batch.w)
        w, w_star = (normalised(rng.standard_normal((m, d))) for _ in range(2))
        lam = batch.beta * rng.uniform(0, 2, m) / (2 * max(shape))
        settled = 1 / (batch.beta + batch.slope)
        part = replace(batch, w=w, w_star=w_star, lam=lam, eta=settled)
        drawn.append(Grouped(part, shape, groups))
    return drawn


def grouped_settings(at: Grouped) -> dict[str, Any]:
    """Return the arguments of a run."""
    penalty = GroupL20(at.groups)  # type: ignore[arg-type]
    return {**at.batch.settings, "penalty": penalty, "filter_shape": at.shape}


def measure_grouped(run: Any, at: Grouped) -> Pair:
    """Compare (u, w) after five iterations with the algorithm written plainly."""
    batch = at.batch
    result = run(batch.w, batch.w_star, **grouped_settings(at), n_iter=5)
    _, u, w, _ = after(plain_states(batch, "rvscgd", prox=at.prox), 10)
    return np.stack([result.u, result.w]), np.stack([u, w])


def other_groups(*arguments: Any, penalty: GroupL20, **settings: Any) -> Any:
    """Take columns for rows."""
    other = GroupL20("columns" if penalty.groups == "rows" else "rows")
    return rvscgd.run(*arguments, penalty=other, **settings)


def single_entries(*arguments: Any, penalty: Any, filter_shape: Any, **settings: Any) -> Any:
    """Threshold single entries."""
    return rvscgd.run(*arguments, penalty="l0", **settings)


GROUPS = Claim(
    id="rvscgd.groups",
    statement="With l2,0 on rows or columns of filters, u keeps a group iff |g|^2 > 2 lam/beta.",
    source=f"{SOURCE}, #a5",
    kind=Kind.EQUALITY,
    sample=grouped_runs,
    measure=by_group(measure_grouped),
    subject=rvscgd.run,
    planted={"rows and columns exchanged": other_groups, "single entries": single_entries},
    tolerance=1e-10,
    hypotheses="filters of 2 to 6 groups of 1 to 5 entries",
    cases=300,
)


def measure_group_bound(bound: Any, at: Grouped) -> Pair:
    """Compare the bound with its formula, and 1 with 1 where a limit keeps to it."""
    batch = at.batch
    _, u, w, _ = after(plain_states(batch, "rvscgd", prox=at.prox), 2 * TO_THE_LIMIT)
    penalty = GroupL20(at.groups)  # type: ignore[arg-type]
    settings = {"k": batch.k, "lam": batch.lam, "beta": batch.beta}
    stated = bound(penalty, w.shape[1], n_groups=at.n_groups, **settings)
    shift = np.sqrt(2 * batch.lam / batch.beta * at.n_groups)
    formula = np.minimum(0.5, shift) * batch.beta / batch.slope
    within = np.where(sine_identity(batch, u, w)[0] <= stated + 1e-9, 1.0, 2.0)
    return np.concatenate([stated, within]), np.concatenate([formula, np.ones(len(within))])


GROUP_BOUND = Claim(
    id="rvscgd.group-bound",
    statement="With l2,0 on filters, long runs end with sin(theta) <= (2 pi/k) min(beta/2, sqrt(2 "
    "beta lam n_groups)).",
    source="derived in zeroone.gaussian.limits from docs/theory.md#a7",
    kind=Kind.EQUALITY,
    sample=grouped_runs,
    measure=by_group(measure_group_bound),
    subject=limits.sine_bound,
    planted={
        "one group": lambda penalty, d, n_groups, **settings: limits.sine_bound(
            penalty, d, n_groups=1, **settings
        ),
        "entries for groups": lambda penalty, d, n_groups, **settings: limits.sine_bound(
            penalty, d, n_groups=d, **settings
        ),
        "half of it": lambda *at, **settings: limits.sine_bound(*at, **settings) / 2,
    },
    tolerance=1e-12,
    hypotheses="beta <= 0.8 k/(2 pi), filters of 2 to 6 groups of 1 to 5 entries",
    cases=300,
)

CLAIMS: tuple[Claim, ...] = (
    RECORDS,
    MULTIPLIER,
    STEPS,
    ALONE,
    LOST,
    SAMPLED,
    GROUPS,
    GROUP_BOUND,
)
