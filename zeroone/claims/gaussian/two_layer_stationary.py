"""Claims: where the two-layer network's loss is stationary, and where coarse gradients vanish.

The oracles solve the normal equations for v, and search: around a point, and along the angle. The
loss that they compare is `printed_loss`, written out once more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind, each
from zeroone.claims.gaussian.pairs import log_uniform
from zeroone.claims.gaussian.two_layer import DERIVATIVES, UST, printed_loss
from zeroone.gaussian import two_layer, two_layer_coarse, two_layer_stationary
from zeroone.gaussian.two_layer_stationary import StationaryPoint
from zeroone.support.validation import FloatArray

Points = Callable[[FloatArray, int], list[StationaryPoint]]
Pairs = list[tuple[float, float]]
# How far 2 (1 . v*)^2 / ((k + 1) |v*|^2) is from 1 where it decides.
MARGIN = 0.02


@dataclass(frozen=True)
class Teacher:
    """A teacher in d dimensions, an orthonormal pair (w*, e) to turn in, and random directions.

    Parameters
    ----------
    v : ndarray of shape (k,)
    w, across : ndarrays of shape (d,)
    around : ndarray of shape (n, k + d)
        Random directions of norm 1.
    length : float
        The norm of students' filters.
    """

    v: FloatArray
    w: FloatArray
    across: FloatArray
    around: FloatArray
    length: float

    @property
    def ratio(self) -> float:
        """2 (1 . v*)^2 / ((k + 1) |v*|^2): below 1 there is a spurious minimum."""
        return float(2 * self.v.sum() ** 2 / ((len(self.v) + 1) * np.sum(self.v**2)))

    def filter(self, theta: float) -> FloatArray:
        """Return a student's filter at an angle."""
        return self.length * (np.cos(theta) * self.w + np.sin(theta) * self.across)

    def loss(self, v: FloatArray, w: FloatArray) -> FloatArray:
        """Return the printed loss."""
        return printed_loss(v, w, self.v, self.w)

    def best(self, theta: float) -> FloatArray:
        """Return the minimiser of f in v at an angle, by the normal equations."""
        k = len(self.v)
        one, all_ones = np.eye(k), np.ones((k, k))
        mixed = (1 - 2 * theta / np.pi) * one + all_ones
        return np.linalg.solve(one + all_ones, mixed @ self.v)


def output_teacher(rng: np.random.Generator, spurious: bool | None) -> FloatArray:
    """Return v* with, without, or with and without a spurious minimum, clear of the borderline."""
    while True:
        k = int(rng.integers(1, 13))
        v = rng.standard_normal(k) + rng.choice([0.0, 0.0, 0.7, 3.0])
        if spurious is None and k > 1 and rng.random() < 0.2:
            v -= v.mean()  # the minimum at the angle pi is a global one then
        v *= log_uniform(rng, 0.3, 3.0, 1)
        ratio = 2 * v.sum() ** 2 / ((k + 1) * np.sum(v**2))
        # With k = 1 the ratio is 1 for every v*, and there is no spurious minimum.
        is_spurious, clear = k > 1 and ratio < 1, k == 1 or abs(ratio - 1) > MARGIN
        if clear and spurious in (None, is_spurious):
            return v


def teachers(spurious: bool | None = None) -> Callable[[np.random.Generator, int], list[Teacher]]:
    """Return a sampler of teachers."""

    def sample(rng: np.random.Generator, count: int) -> list[Teacher]:
        drawn = []
        for _ in range(count):
            v, d = output_teacher(rng, spurious), int(rng.integers(2, 8))
            frame, _ = np.linalg.qr(rng.standard_normal((d, 2)))
            around = rng.standard_normal((40, len(v) + d))
            around /= np.linalg.norm(around, axis=1, keepdims=True)
            length = float(log_uniform(rng, 0.1, 10.0, 1)[0])
            drawn.append(Teacher(v, frame[:, 0], frame[:, 1], around, length))
        return drawn

    return sample


def has_far_minimum(teacher: Teacher) -> bool:
    """Return whether f, minimised in v, rises from theta = pi on: by looking at both."""
    values = [
        float(teacher.loss(teacher.best(theta), teacher.filter(theta)))
        for theta in (np.pi, np.pi - 1e-3)
    ]
    return values[1] > values[0]


def is_global(teacher: Teacher) -> bool:
    """Return whether f is 0 at theta = pi for the best output weights."""
    least = float(teacher.loss(teacher.best(np.pi), teacher.filter(np.pi)))
    return least <= 1e-12 * float(np.sum(teacher.v**2))


# ---------------------------------------------------------------------------------- what they are


def measure_points(points: Points, teacher: Teacher) -> Pairs:
    """Compare angles, output weights and losses with the normal equations and with bisection."""
    found = points(teacher.v, len(teacher.w))
    expected = [0.0, np.pi]
    if has_far_minimum(teacher):
        # v(theta) . v* falls linearly in theta; its root by the secant through both ends.
        ends = [float(teacher.best(theta) @ teacher.v) for theta in (0.0, np.pi)]
        expected.insert(1, np.pi * ends[0] / (ends[0] - ends[1]))
    pairs: Pairs = [(len(found), len(expected))]
    for point, theta in zip(found, expected, strict=False):
        best = teacher.best(theta)
        pairs.append((point.theta, theta))
        pairs += zip(map(float, point.v), map(float, best), strict=True)
        pairs.append((point.loss, float(teacher.loss(best, teacher.filter(theta)))))
    return pairs


def replaced(change: Callable[[StationaryPoint, FloatArray], StationaryPoint]) -> Points:
    """Return the stationary points, each changed: change(point, v*)."""
    return lambda v_star, d: [
        change(point, v_star) for point in two_layer_stationary.stationary_points(v_star, d)
    ]


PLANTED_POINTS: dict[str, Any] = {
    "v* everywhere": replaced(lambda point, v_star: point._replace(v=v_star)),
    "-v* at the angle pi": replaced(
        lambda point, v_star: point._replace(v=-v_star) if point.theta > 3.1415 else point
    ),
    "zeros": replaced(lambda point, v_star: point._replace(theta=0.0, v=0 * v_star, loss=0.0)),
    "NaN": replaced(lambda point, v_star: point._replace(v=np.nan * v_star)),
    "no points": lambda v_star, d: [],
}

POINTS = Claim(
    id="two-layer.stationary-points",
    statement="v(theta) solves the normal equations; theta_s is where v(theta).v* = 0.",
    source=f"{UST}; docs/theory.md#e3",
    kind=Kind.EQUALITY,
    sample=teachers(),
    measure=each(measure_points),
    subject=two_layer_stationary.stationary_points,
    planted=PLANTED_POINTS
    | {"the saddle at pi/2": replaced(lambda p, _: p._replace(theta=round(p.theta, 1)))},
    tolerance=1e-9,
    hypotheses="v* != 0, k from 1 to 12; 2 (1.v*)^2 / ((k+1) |v*|^2) not within 0.02 of 1",
    cases=200,
)


def measure_true_gradient(points: Points, teacher: Teacher) -> Pairs:
    """Compare f in both directions from smooth points, and in v from kinks: it is even to O(h^2).

    At kinks the loss is compared between filters on opposite sides, which must be equal.
    """
    found = points(teacher.v, len(teacher.w))
    # They end opposite the teacher.
    pairs: Pairs = [(found[-1].theta if found else np.nan, np.pi)]
    h, k = 1e-4, len(teacher.v)
    for point in found:
        smooth = 0 < point.theta < np.pi
        w = teacher.filter(point.theta)
        step_v = h * teacher.around[:, :k]
        step_w = h * teacher.length * teacher.around[:, k:] * smooth
        up = teacher.loss(point.v + step_v, w + step_w)
        down = teacher.loss(point.v - step_v, w - step_w)
        pairs += zip(((up - down) / (2 * h)).tolist(), [0.0] * len(up), strict=True)
    return pairs


VANISHING = Claim(
    id="two-layer.gradient-vanishes",
    statement="f is stationary at its stationary points: in v, and at saddles in w as well.",
    source=f"{UST}; docs/theory.md#e3",
    kind=Kind.EQUALITY,
    sample=teachers(),
    measure=each(measure_true_gradient),
    subject=two_layer_stationary.stationary_points,
    planted=PLANTED_POINTS,
    tolerance=1e-5,
    hypotheses="as two-layer.stationary-points; 40 directions, differences with h = 1e-4",
    cases=100,
)

# ------------------------------------------------------------------------------- spurious minima


def measure_condition(condition: Callable[[FloatArray], NDArray[np.bool_]], t: Teacher) -> Pairs:
    """Compare the condition with a look at f beside theta = pi, and there."""
    return [
        (float(np.asarray(condition(t.v)).item()), float(has_far_minimum(t) and not is_global(t)))
    ]


CONDITION = Claim(
    id="two-layer.spurious-iff",
    statement="theta = pi is a spurious minimum iff 0 < 2 (1.v*)^2 < (k + 1) |v*|^2.",
    source=f"{UST}; docs/theory.md#e3",
    kind=Kind.EQUALITY,
    sample=teachers(),
    measure=each(measure_condition),
    subject=two_layer_stationary.has_spurious_minimum,
    planted={
        "(1.v*)^2 < (k + 1) |v*|^2": lambda v: v.sum() ** 2 < (len(v) + 1) * np.sum(v**2),
        "k for k + 1": lambda v: (
            2 * v.sum() ** 2 <= len(v) * np.sum(v**2) * (1 + 1 / len(v) ** 0.5)
        ),
        "a sum of 0 as well": lambda v: 2 * v.sum() ** 2 < (len(v) + 1) * np.sum(v**2),
        "always": lambda v: np.True_,
        "never": lambda v: np.False_,
        "of one sign or not": lambda v: np.any(v > 0) & np.any(v < 0),
    },
    tolerance=1e-9,
    hypotheses="v* != 0, k from 1 to 12, d >= 2; not within 0.02 of equality",
    cases=200,
)


def measure_minimum(points: Points, teacher: Teacher) -> Pairs:
    """Compare f around theta = pi, near and not so near, with its value there."""
    k, square = len(teacher.v), np.sum(teacher.v**2)
    # As far as v may go until v . v*, which is -(1 - ratio) |v*|^2 at the point, is no more < 0.
    room = (1 - teacher.ratio) * np.sqrt(square)
    pairs: Pairs = []
    for point in points(teacher.v, len(teacher.w))[-1:]:
        pairs.append((point.theta, np.pi))
        w = teacher.filter(point.theta)
        least = float(teacher.loss(point.v, w))
        for radius in (1.0, 1e-2):
            v = point.v + radius * room * teacher.around[:, :k]
            around = teacher.loss(v, w + radius / 2 * teacher.length * teacher.around[:, k:])
            pairs += zip(around.tolist(), [least] * len(around), strict=True)
    return pairs or [(-np.inf, 0.0)]


LOCAL = Claim(
    id="two-layer.spurious-minimum",
    statement="Where the condition holds, f is nowhere less around theta = pi, v = v(pi).",
    source=f"{UST}; docs/theory.md#e3",
    kind=Kind.LOWER_BOUND,
    sample=teachers(spurious=True),
    measure=each(measure_minimum),
    subject=two_layer_stationary.stationary_points,
    planted=PLANTED_POINTS,
    tolerance=1e-12,
    hypotheses="the condition of two-layer.spurious-iff; 80 points around",
    cases=100,
    near=0.1,
)

# -------------------------------------------------------------------- where coarse gradients vanish


def identity_at(point: StationaryPoint, teacher: Teacher) -> float:
    """Return what the identity's E g is along w^ at a stationary point, from (1 . v*) and |v|."""
    k = len(teacher.v)
    if point.theta == 0:
        return 0.0
    if point.theta == np.pi:
        return float(2 * (k - 1) * teacher.v.sum() ** 2 / ((k + 1) ** 2 * np.sqrt(2 * np.pi)))
    return float(np.sum(point.v**2) / np.sqrt(2 * np.pi))


def measure_vanishing(coarse: Callable[..., Any], teacher: Teacher) -> Pairs:
    """Compare E g with 0, for the identity with what its length is; and with 0 across w."""
    pairs: Pairs = []
    for point in two_layer_stationary.stationary_points(teacher.v, len(teacher.w)):
        w = teacher.filter(point.theta)
        for derivative in DERIVATIVES:
            by_v, by_w = coarse(point.v, w, teacher.v, teacher.w, derivative)
            along = w / np.linalg.norm(w)
            expected = identity_at(point, teacher) * along if derivative == "identity" else 0 * w
            pairs += zip(np.ravel(by_w).tolist(), expected.tolist(), strict=True)
            pairs.append((float(np.abs(by_v).max()), 0.0))
    return pairs


AT_STATIONARY = Claim(
    id="two-layer.coarse-gradient-vanishes",
    statement="At stationary points E g = 0 for (clipped) ReLU; the identity's shortens w.",
    source=f"{UST}; docs/theory.md#e3",
    kind=Kind.EQUALITY,
    sample=teachers(),
    measure=each(measure_vanishing),
    subject=two_layer_coarse.coarse_gradient,
    planted={
        "ReLU's for all": lambda v, w, v_star, w_star, _: two_layer_coarse.coarse_gradient(
            v, w, v_star, w_star
        ),
        "the identity's for all": lambda v, w, v_star, w_star, _: two_layer_coarse.coarse_gradient(
            v, w, v_star, w_star, "identity"
        ),
        "the true gradient": lambda v, w, v_star, w_star, _: two_layer.gradient(
            v, w, v_star, w_star
        ),
        "v and v* exchanged": lambda v, w, v_star, w_star, derivative: (
            two_layer_coarse.coarse_gradient(v_star, w, v, w_star, derivative)
        ),
        "zeros": lambda v, w, *_: (0 * v, 0 * w),
        "its input": lambda v, w, *_: (v, w),
    },
    tolerance=1e-12,
    hypotheses="as two-layer.stationary-points, |w| from 0.1 to 10",
    cases=60,
)

CLAIMS: tuple[Claim, ...] = (POINTS, VANISHING, CONDITION, LOCAL, AT_STATIONARY)
