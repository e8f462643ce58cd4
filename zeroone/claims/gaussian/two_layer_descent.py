"""Claims: coarse gradient descent on both layers lowers the loss, and converges, or does not.

The loss that is compared is `printed_loss`, and limits are found by the normal equations: neither
is the package's. The step sizes are those of docs/theory.md#e4, written out once more.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import Pair, by_group, normalised
from zeroone.claims.gaussian.two_layer import (
    DERIVATIVES,
    UST,
    Networks,
    networks,
    printed_loss,
)
from zeroone.claims.gaussian.two_layer_stationary import Teacher, teachers
from zeroone.claims.guard import Checked
from zeroone.gaussian import two_layer_descent
from zeroone.support.validation import FloatArray

Run = Callable[..., Any]

# -------------------------------------------------------------------------- the algorithm, plainly


def plain_descend(
    v: FloatArray,
    w: FloatArray,
    v_star: FloatArray,
    w_star: FloatArray,
    *,
    eta: Any,
    n_iter: int,
    derivative: str = "relu",
    **unused: Any,
) -> SimpleNamespace:
    """Go v <- v - eta df/dv, w <- w - eta E g as printed, for ReLU and the identity.

    The loss before the first and after each iteration comes with where the run ends.
    """
    k = v.shape[-1]
    J, root = np.ones((k, k)), np.sqrt(2 * np.pi)
    eta = np.asarray(eta)[..., np.newaxis]
    losses = [printed_loss(v, w, v_star, w_star)]
    for _ in range(n_iter):
        length = np.sqrt(np.sum(w**2, axis=-1, keepdims=True))
        x, y = w / length, w_star / np.sqrt(np.sum(w_star**2, axis=-1, keepdims=True))
        theta = 2 * np.arctan2(
            np.sqrt(np.sum((x - y) ** 2, axis=-1, keepdims=True)),
            np.sqrt(np.sum((x + y) ** 2, axis=-1, keepdims=True)),
        )
        by_v = (v + v @ J - (1 - 2 * theta / np.pi) * v_star - v_star @ J) / 4
        dot, square = (
            np.sum(v * v_star, axis=-1, keepdims=True),
            np.sum(v**2, axis=-1, keepdims=True),
        )
        if derivative == "identity":
            by_w = (square * x - dot * y) / root
        else:
            sums = np.sum(v, axis=-1, keepdims=True)
            s = square + sums**2 - sums * np.sum(v_star, axis=-1, keepdims=True) + dot
            # cos(theta/2) (x + y)/|x + y| is (x + y)/2.
            by_w = s / (2 * root) * x - dot / root * (x + y) / 2
        v, w = v - eta * by_v, w - eta * by_w
        losses.append(printed_loss(v, w, v_star, w_star))
    return SimpleNamespace(v=v, w=w, losses=np.array(losses))


def of_the_descent(measure: Callable[[Run, Any], Pair], *, recorded: bool = True) -> Checked:
    """Return a comparison that counts only if the runs are those of `plain_descend`."""

    def read(result: Any) -> tuple[Any, ...]:
        return (result.v, result.w, *([result.losses] if recorded else []))

    return Checked(measure, plain_descend, read)


# ---------------------------------------------------------------------------------- planted errors


def still(v: FloatArray, w: FloatArray, *_: FloatArray, **options: Any) -> SimpleNamespace:
    """Return the start as the result."""
    f = np.atleast_1d(printed_loss(v, w, *_))
    return SimpleNamespace(v=v, w=w, losses=np.stack([f, f]))


def with_options(**changes: Any) -> Run:
    """Return the descent with other options."""
    return lambda *four, **options: two_layer_descent.descend(*four, **{**options, **changes})


def times(factor: float) -> Run:
    """Return the descent with another step size."""
    return lambda *four, eta, **options: two_layer_descent.descend(
        *four, eta=factor * np.asarray(eta), **options
    )


def exchanged(
    v: FloatArray, w: FloatArray, v_star: FloatArray, w_star: FloatArray, **options: Any
) -> Any:
    """Take the student's output weights for the teacher's, and the other way round."""
    return two_layer_descent.descend(v_star, w, v, w_star, **options)


def uphill(v: FloatArray, w: FloatArray, *rest: FloatArray, **options: Any) -> SimpleNamespace:
    """Go the same way back from the start."""
    there = two_layer_descent.descend(v, w, *rest, **options)
    return SimpleNamespace(v=2 * v - there.v, w=2 * w - there.w)


def turned(v: FloatArray, w: FloatArray, *rest: FloatArray, **options: Any) -> SimpleNamespace:
    """Move the filter uphill, and the output weights downhill."""
    there = two_layer_descent.descend(v, w, *rest, **options)
    return SimpleNamespace(v=v + 0 * there.v, w=2 * w - there.w)


def lost(v: FloatArray, w: FloatArray, *_: FloatArray, **options: Any) -> SimpleNamespace:
    """Return NaN."""
    return SimpleNamespace(v=np.nan * v, w=np.nan * w, losses=np.full((2, len(v)), np.nan))


# ---------------------------------------------------------------------------------- a single step


def step_bound(derivative: str, group: Networks) -> FloatArray:
    """Return the step size up to which f cannot rise, the smaller of two (docs/theory.md#e4)."""
    k, error = group.v.shape[1], group.v - group.v_star
    length, dot = group.length[:, 0], np.abs(group.dot[:, 0])
    own, sums = np.sum(group.v * error, axis=1), group.v.sum(axis=1) * error.sum(axis=1)
    root = np.sqrt(2 * np.pi)
    if derivative == "identity":
        r, b = own / root, 1 / root
    else:
        m = (1 - np.exp(-1 / (2 * length**2)) * (derivative == "clipped_relu")) / root
        r, b = m * (own + sums) / 2, 1 / (2 * root)
    with np.errstate(divide="ignore"):
        first = length / (2 * (np.abs(r) + 2 * b * dot))
    curve = b * np.sum(group.v_star**2, axis=1) / length
    second = (-(k + 1) + np.sqrt((k + 1) ** 2 + 32 * curve)) / (2 * curve)
    return np.minimum(first, second)


def measure_step(derivative: str, run: Run, group: Networks) -> Pair:
    """Compare f after one iteration with f before: at the bound, and at a part of it."""
    after, before = [], []
    bound = step_bound(derivative, group) * (1 - 1e-9)
    for share in (1.0, 0.3):
        done = run(*group.four, eta=share * bound, n_iter=1, derivative=derivative)
        after.append(printed_loss(done.v, done.w, group.v_star, group.w_star))
        before.append(printed_loss(*group.four))
    return np.concatenate(after), np.concatenate(before)


DESCENT = tuple(
    Claim(
        id=f"two-layer.descent.{derivative.replace('_', '-')}",
        statement="No iteration raises f if eta keeps to two bounds, from any start, kinks too.",
        source="derived in docs/theory.md#e4",
        kind=Kind.MONOTONE,
        sample=networks(0.0, lowest=1),
        measure=by_group(partial(measure_step, derivative)),
        subject=two_layer_descent.descend,
        planted={
            "uphill": uphill,
            "the filter turned the other way": turned,
            "a step 30 times as long": times(30.0),
            "v and v* exchanged": exchanged,
            "NaN": lost,
        },
        tolerance=1e-11,
        hypotheses="eta at its bound and at 0.3 of it; 0 <= theta <= pi, 0.01 <= |w| <= 100",
        cases=300,
    )
    for derivative in DERIVATIVES
)


def long_networks(rng: np.random.Generator, count: int) -> list[Networks]:
    """Draw students whose v is off by the same in all entries, with filters right and long."""
    return [
        Networks(
            each.v_star + rng.choice([-1.0, 1.0], (len(each.v), 1)),
            1e4 * each.w_star,
            each.v_star,
            each.w_star,
            0 * each.theta,
        )
        for each in networks()(rng, count)
    ]


def measure_hasty(run: Run, group: Networks) -> Pair:
    """Compare f after one iteration with f before, for eta a twentieth above 8 / (k + 1)."""
    eta = 1.05 * 8 / (group.v.shape[1] + 1)
    done = run(*group.four, eta=eta, n_iter=1)
    after = printed_loss(done.v, done.w, group.v_star, group.w_star)
    return after, printed_loss(*group.four)


SHARP = Claim(
    id="two-layer.step-bound-is-sharp",
    statement="With eta a twentieth above 8/(k + 1), f can rise, with a long and right filter.",
    source="derived in docs/theory.md#e4",
    kind=Kind.COUNTEREXAMPLE,
    sample=long_networks,
    measure=by_group(of_the_descent(measure_hasty, recorded=False)),
    subject=two_layer_descent.descend,
    planted={"a step a tenth shorter": times(0.9), "nothing moves": still, "NaN": lost},
    tolerance=1e-3,
    hypotheses="w along w*, |w| = 1e4, v - v* along the vector of ones",
    cases=100,
)

# ------------------------------------------------------------------------------------ convergence


@dataclass(frozen=True)
class Starts:
    """Runs that share a teacher, and the points at which they may end.

    Parameters
    ----------
    teacher : Teacher
    v, w : ndarrays of shape (m, k) and (m, d)
    """

    teacher: Teacher
    v: FloatArray
    w: FloatArray

    @property
    def four(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The arguments of the descent."""
        return self.v, self.w, self.teacher.v, self.teacher.w


def sample_starts(rng: np.random.Generator, count: int) -> list[Starts]:
    """Draw starts of norm 1 for two teachers of norm 1, one of them with a spurious minimum."""
    drawn = []
    for number, part in enumerate(np.array_split(np.empty(count), min(2, count))):
        teacher = clear_teacher(rng, spurious=number % 2 == 0)
        k, d = len(teacher.v), len(teacher.w)
        v = rng.standard_normal((len(part), k)) / np.sqrt(k)
        drawn.append(Starts(teacher, v, normalised(rng.standard_normal((len(part), d)))))
    return drawn


def clear_teacher(
    rng: np.random.Generator, spurious: bool, most: int = 6, margin: float = 0.4
) -> Teacher:
    """Return a teacher with |v*| = 1 that is far from the borderline of spurious minima.

    Near it, f is flat around the angle pi, and descent slow.
    """
    while True:
        teacher = teachers(spurious)(rng, 1)[0]
        if 1 < len(teacher.v) <= most and abs(teacher.ratio - 1) > margin:
            return replace(teacher, v=teacher.v / np.linalg.norm(teacher.v))


def distance(found: Any, teacher: Teacher) -> FloatArray:
    """Return how far runs are from the nearest stationary point, in angle and output weights."""
    cosine = normalised(found.w) @ teacher.w
    sine = np.linalg.norm(normalised(found.w) - cosine[:, np.newaxis] * teacher.w, axis=1)
    theta = np.arctan2(sine, cosine)
    saddle = np.pi / 2 * 1 / (1 - teacher.ratio / 2)
    least = np.full(len(theta), np.inf)
    for angle in (0.0, min(saddle, np.pi), np.pi):
        off = np.linalg.norm(found.v - teacher.best(angle), axis=1) / np.linalg.norm(teacher.v)
        least = np.minimum(least, np.maximum(off, np.abs(theta - angle)))
    # NaN stays: a minimum with NaN is NaN.
    return least


# Runs that begin beside a saddle take long to leave it: those are few.
STRETCHES, STRETCH, NEAR = 50, 30, 0.02


def measure_convergence(derivative: str, length: float | None, run: Run, group: Starts) -> Pair:
    """Compare the distance from a stationary point at the end with 0.02.

    The step size is adapted after each 30 iterations, to half of the bound, for each run. With a
    `length` filters start with this norm and are not normalised; runs whose filters get shorter
    than 1 are not compared.
    """
    teacher = group.teacher
    v_star, w_star = (np.tile(each, (len(group.v), 1)) for each in (teacher.v, teacher.w))
    found: Any = SimpleNamespace(v=group.v, w=(length or 1.0) * group.w)
    long = np.ones(len(group.v), bool)
    options = {"n_iter": STRETCH, "derivative": derivative, "normalise": length is None}
    for _ in range(STRETCHES):
        network = Networks(found.v, found.w, v_star, w_star, np.zeros(len(group.v)))
        eta = step_bound(derivative, network) / 2
        if not np.all(np.isfinite(eta)) or np.all((distance(found, teacher) <= NEAR) | ~long):
            break
        found = run(*network.four, eta=eta, **options)
        long &= ~(np.linalg.norm(found.w, axis=1) < (0.0 if length is None else 1.0))
    reached = distance(found, teacher)[long]
    return reached, np.full_like(reached, NEAR)


def convergence(derivative: str, length: float | None) -> Claim:
    """Return the claim that runs end at stationary points."""
    name = derivative.replace("_", "-")
    norm = "of norm 1" if length is None else "free, as long as |w| >= 1"
    return Claim(
        id=f"two-layer.convergence{'' if length is None else '-free'}.{name}",
        statement=f"With w {norm}, descent ends at a stationary point.",
        source=f"{UST}, there without the identity; docs/theory.md#e4",
        kind=Kind.UPPER_BOUND,
        sample=sample_starts,
        measure=by_group(partial(measure_convergence, derivative, length)),
        subject=two_layer_descent.descend,
        planted={
            "nothing moves": still,
            "a thousandth of the step": times(0.001),
            "NaN": lost,
        }
        # That one shortens the filters, and runs with short ones are not compared.
        | ({"v and v* exchanged": exchanged} if length is None else {}),
        tolerance=0.0,
        hypotheses="|w| = 1 (free: 2 at the start), |v*| = 1, k from 2 to 6, eta half its bound",
        cases=60 if length is None else 30,
    )


CONVERGENCE = (
    *(convergence(derivative, None) for derivative in DERIVATIVES),
    convergence("relu", 2.0),
    convergence("clipped_relu", 2.0),
)

# ----------------------------------------------------------------------- where it does not descend


def teachers_only(spurious: bool) -> Callable[[np.random.Generator, int], list[Teacher]]:
    """Return a sampler of teachers that are clear of the borderline, with |v*| = 1.

    Those with a spurious minimum have a sum of v* that is not near 0.
    """

    def sample(rng: np.random.Generator, count: int) -> list[Teacher]:
        drawn: list[Teacher] = []
        while len(drawn) < count:
            teacher = clear_teacher(rng, spurious, most=12, margin=0.2)
            if teacher.ratio > 0.2:
                drawn.append(teacher)
        return drawn

    return sample


def highest(run: Run, teacher: Teacher, v: FloatArray, w: FloatArray, **options: Any) -> float:
    """Return the highest loss that a run from one start records after its start."""
    done = run(v, w, teacher.v, teacher.w, record_every=1, **options)
    return float(np.max(done.losses[1:]))


def measure_leaving(run: Run, group: list[Teacher]) -> Pair:
    """Compare the highest loss of a run from beside a spurious minimum with the loss at its start.

    The filter is as long as 15 steps of the identity's can shorten it.
    """
    measured, theoretical = [], []
    for teacher in group:
        k, eta = len(teacher.v), 0.1 / (len(teacher.v) + 1)
        shortened = 2 * (k - 1) * teacher.v.sum() ** 2 / ((k + 1) ** 2 * np.sqrt(2 * np.pi))
        w = 15 * eta * shortened * teacher.filter(np.pi - 1e-3) / teacher.length
        v = teacher.best(np.pi)
        options = {"eta": eta, "n_iter": 20, "derivative": "identity"}
        measured.append(highest(run, teacher, v, w, **options))
        theoretical.append(float(teacher.loss(v, w)))
    return np.array(measured), np.array(theoretical)


LEAVING = Claim(
    id="two-layer.identity-leaves",
    statement="The identity's descent need not stay at a spurious minimum: w passes the origin.",
    source=f"{UST}; docs/theory.md#e5",
    kind=Kind.COUNTEREXAMPLE,
    sample=teachers_only(spurious=True),
    measure=of_the_descent(measure_leaving),
    subject=two_layer_descent.descend,
    planted={
        "ReLU's pseudo-derivative": with_options(derivative="relu"),
        "the clipped ReLU's": with_options(derivative="clipped_relu"),
        "filters of norm 1": with_options(normalise=True),
        "nothing moves": still,
        "NaN": lost,
    },
    tolerance=1e-2,
    hypotheses="start at v = v(pi), theta = pi - 0.001; eta = 0.1/(k + 1), 20 iterations",
    cases=40,
)


def measure_through(run: Run, group: list[Teacher]) -> Pair:
    """Compare the highest loss of ReLU's runs with the loss at the start, a short right filter."""
    measured, theoretical = [], []
    for teacher in group:
        v, w = 3 * teacher.v, teacher.filter(0.1) / teacher.length
        radial = np.sum(v * (v - teacher.v)) + v.sum() * np.sum(v - teacher.v)
        eta = 1e-3 / (len(teacher.v) + 1)
        options = {"eta": eta, "n_iter": 20, "derivative": "relu"}
        w = 15 * eta * radial / (2 * np.sqrt(2 * np.pi)) * w
        measured.append(highest(run, teacher, v, w, **options))
        theoretical.append(float(teacher.loss(v, w)))
    return np.array(measured), np.array(theoretical)


THROUGH = Claim(
    id="two-layer.relu-through-the-origin",
    statement="ReLU's descent can raise f as well, at any small eta, if w may be short.",
    source=f"against {UST} without its bound on |w|; docs/theory.md#e5",
    kind=Kind.COUNTEREXAMPLE,
    sample=teachers_only(spurious=False),
    measure=of_the_descent(measure_through),
    subject=two_layer_descent.descend,
    planted={
        "filters of norm 1": with_options(normalise=True),
        "an eta a thirtieth as large": times(1 / 30),
        "nothing moves": still,
        "NaN": lost,
    },
    tolerance=1e-2,
    hypotheses="v = 3 v*, theta = 0.1, eta = 0.001/(k + 1), |w| such that 15 steps shorten it to 0",
    cases=40,
)


def measure_kink(run: Run, group: list[Teacher]) -> Pair:
    """Compare by how much f falls beside the end of a run from theta = pi with v's way to go.

    w* is the first axis, so that the angle pi is kept without rounding.
    """
    measured, theoretical = [], []
    for teacher in group:
        k, d = len(teacher.v), len(teacher.w)
        axis, other = np.eye(d)[:2]
        options = {"eta": 2 / (k + 1), "n_iter": 10 * (k + 1), "derivative": "relu"}
        done = run(teacher.best(np.pi) + 0.1 * teacher.v, -10 * axis, teacher.v, axis, **options)
        tilted = np.cos(0.1) * done.w + np.sin(0.1) * np.linalg.norm(done.w) * other
        here, beside = (printed_loss(done.v, w, teacher.v, axis) for w in (done.w, tilted))
        measured.append(float(here - beside))
        theoretical.append(float(np.linalg.norm(done.v - teacher.best(np.pi))))
    return np.array(measured), np.array(theoretical)


KINK = Claim(
    id="two-layer.limit-is-no-minimum",
    statement="From theta = pi, ReLU's descent can end where f falls on all sides, with v.v* > 0.",
    source=f"against {UST}: a saddle or a minimum, for any start; docs/theory.md#e5",
    kind=Kind.COUNTEREXAMPLE,
    sample=teachers_only(spurious=False),
    measure=measure_kink,
    subject=two_layer_descent.descend,
    planted={
        "a start beside the angle pi": lambda v, w, *rest, **options: two_layer_descent.descend(
            v, w + 1.0, *rest, **{**options, "n_iter": 300, "normalise": True}
        ),
        "nothing moves": still,
        "NaN": lost,
    },
    tolerance=1e-4,
    hypotheses="no spurious minimum, start at v = v(pi) + v*/10, theta = pi, |w| = 10",
    cases=15,
)

CLAIMS: tuple[Claim, ...] = (
    *DESCENT,
    SHARP,
    *CONVERGENCE,
    LEAVING,
    THROUGH,
    KINK,
)
