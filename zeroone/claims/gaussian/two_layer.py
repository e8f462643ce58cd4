"""Claims: the two-layer network's loss and gradients, true and coarse, against other ways to them.

The loss is compared with a sum over all bits that student and teacher can have, its gradient with
finite differences, the coarse gradients with integrals over one preactivation, and all of them with
samples. None of these oracles calls the package. Angles are not near 0 and pi where an oracle takes
an arc cosine or an integral of a steep function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, ndtr

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import Pair, by_group, log_uniform, normalised, random_pairs
from zeroone.gaussian import two_layer, two_layer_coarse
from zeroone.support.validation import FloatArray

UST = "Yin, Lyu, Zhang, Osher, Qi, Xin, arXiv:1903.05662"
DERIVATIVES = ("relu", "identity", "clipped_relu")
LEAST_ANGLE = 0.1
GROUPS = 6

Four = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class Networks:
    """A group of students and teachers with one k and one d.

    Parameters
    ----------
    v, v_star : ndarrays of shape (m, k)
    w, w_star : ndarrays of shape (m, d)
        The teachers' filters have norm 1.
    theta : ndarray of shape (m,)
        The angles by which the filters were put together.
    seed : int
        Of the samples, if any are drawn.
    """

    v: FloatArray
    w: FloatArray
    v_star: FloatArray
    w_star: FloatArray
    theta: FloatArray
    seed: int = 0

    @property
    def four(self) -> Four:
        """The arguments of the package's functions."""
        return self.v, self.w, self.v_star, self.w_star

    @property
    def length(self) -> FloatArray:
        """The norms of the filters, of shape (m, 1)."""
        return np.linalg.norm(self.w, axis=1, keepdims=True)

    @property
    def dot(self) -> FloatArray:
        """The products v . v*, of shape (m, 1)."""
        return np.sum(self.v * self.v_star, axis=1, keepdims=True)


def random_weights(rng: np.random.Generator, m: int, k: int) -> FloatArray:
    """Return m output layers: generic, equal, of alternating signs, and with a single weight."""
    kind = rng.integers(5, size=m)
    weights = rng.standard_normal((m, k))
    weights[kind == 0] = 1.0
    weights[kind == 1] = (-1.0) ** np.arange(k)
    weights[kind == 2] = np.eye(k)[0]
    return weights * log_uniform(rng, 0.3, 3.0, (m, 1))


def networks(
    least: float = LEAST_ANGLE,
    *,
    lowest: int = 2,
    most_patches: int = 12,
    lengths: tuple[float, float] = (1e-2, 1e2),
    groups: int = GROUPS,
) -> Callable[[np.random.Generator, int], list[Networks]]:
    """Return a sampler of groups; a sixth of the v equal v*, and a sixth are orthogonal to it."""

    def sample(rng: np.random.Generator, count: int) -> list[Networks]:
        drawn = []
        for number, part in enumerate(np.array_split(np.empty(count), min(groups, count))):
            m, k = len(part), int(rng.integers(1, most_patches + 1)) if number else 1
            d = int(log_uniform(rng, lowest, 21, 1)[0]) if number > 1 else max(lowest, 2)
            pair = random_pairs(rng, m, d, least, lengths)
            v, v_star = random_weights(rng, m, k), random_weights(rng, m, k)
            kind = rng.integers(6, size=(m, 1))
            along = np.sum(v * v_star, axis=1, keepdims=True)
            square = np.sum(v_star**2, axis=1, keepdims=True)
            v = np.where(kind == 0, v_star, np.where(kind == 1, v - along / square * v_star, v))
            seed = int(rng.integers(2**63))
            drawn.append(Networks(v, pair.w, v_star, pair.w_star, pair.theta, seed))
        return drawn

    return sample


# -------------------------------------------------------------------------------------------- loss


def loss_over_bits(group: Networks) -> FloatArray:
    """Return E 1/2 (h - h*)^2 as a sum over the 4^k bits of student and teacher on k patches.

    A patch has the bits (0, 0) and (1, 1) with the probability (1 - theta/pi)/2 each, and (0, 1)
    and (1, 0) with theta/(2 pi).
    """
    unequal = group.theta / (2 * np.pi)
    patch = {(0, 0): 0.5 - unequal, (1, 1): 0.5 - unequal, (0, 1): unequal, (1, 0): unequal}
    total = np.zeros(len(group.v))
    for bits in product(patch, repeat=group.v.shape[1]):
        student, teacher = np.array(bits, float).T
        error = group.v @ student - group.v_star @ teacher
        total += np.prod([patch[each] for each in bits], axis=0) * error**2 / 2
    return total


def printed_loss(
    v: NDArray[Any], w: NDArray[Any], v_star: NDArray[Any], w_star: NDArray[Any]
) -> NDArray[Any]:
    """Return f as [UST] prints it, with matrices, in the precision of v and w."""
    k = v.shape[-1]
    mixed = np.eye(k, dtype=v.dtype) + np.ones((k, k), dtype=v.dtype)
    one, other = (each / np.sqrt(np.sum(each**2, axis=-1, keepdims=True)) for each in (w, w_star))
    apart, together = (np.sqrt(np.sum(each**2, axis=-1)) for each in (one - other, one + other))
    theta = 2 * np.arctan2(apart, together)

    def form(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        return np.einsum("...i,ij,...j->...", a, mixed, b)

    cross = form(v, v_star) - 2 * theta / np.pi * np.sum(v * v_star, axis=-1)
    return (form(v, v) - 2 * cross + form(v_star, v_star)) / 8


def measure_loss(loss: Callable[..., FloatArray], group: Networks) -> Pair:
    """Compare f with the sum over bits."""
    return loss(*group.four), loss_over_bits(group)


LOSS = Claim(
    id="two-layer.loss",
    statement="f = 1/8 (v - v*)^T (I + J) (v - v*) + (theta/2 pi) v.v*, as a sum over all bits.",
    source=f"{UST}; docs/theory.md#e1",
    kind=Kind.EQUALITY,
    sample=networks(0.0, lowest=1, most_patches=4, lengths=(1e-150, 1e150)),
    measure=by_group(measure_loss),
    subject=two_layer.loss,
    planted={
        "patches as if they were alone": lambda v, w, v_star, w_star: (
            two_layer.loss(v, w, v_star, w_star) - np.sum(v - v_star, axis=-1) ** 2 / 8
        ),
        "teacher and student exchanged in v only": lambda v, w, v_star, w_star: two_layer.loss(
            v_star, w, v_star, w_star
        ),
        "the angle of -w": lambda v, w, v_star, w_star: two_layer.loss(v, -w, v_star, w_star),
        "zero": lambda v, w, v_star, w_star: np.zeros(len(v)),
    },
    tolerance=1e-12,
    hypotheses="0 <= theta <= pi, k from 1 to 4, d from 1 to 20, any norm of w",
    cases=300,
)

# ---------------------------------------------------------------------------------------- gradient


def differences(group: Networks) -> tuple[FloatArray, FloatArray]:
    """Return df/dv and |w| df/dw by differences of fourth order, in extended precision."""
    v, w, v_star, w_star = (each.astype(np.longdouble) for each in group.four)
    w = normalised(w)
    h = np.longdouble(1e-3) * np.sin(group.theta)[:, np.newaxis].astype(np.longdouble)

    def slopes(which: int, size: int) -> FloatArray:
        found = []
        for axis in np.eye(size, dtype=np.longdouble):
            values = []
            for step in (1, -1, 2, -2):
                moved = [v, w, v_star, w_star]
                moved[which] = moved[which] + step * h * axis
                values.append(printed_loss(*moved))
            slope = (8 * (values[0] - values[1]) - values[2] + values[3]) / (12 * h[:, 0])
            found.append(slope)
        return np.stack(found, axis=1).astype(float)

    return slopes(0, v.shape[1]), slopes(1, w.shape[1])


def measure_gradient(gradient: Callable[..., Any], group: Networks) -> Pair:
    """Compare df/dv and |w| df/dw with differences of the printed loss."""
    ours, oracle = gradient(*group.four), differences(group)
    return np.hstack([ours[0], ours[1] * group.length]), np.hstack(oracle)


def wrong_gradient_of_part_a(
    v: FloatArray, w: FloatArray, v_star: FloatArray, w_star: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Take k for v . v* in df/dw, as if both output layers were ones."""
    by_v, by_w = two_layer.gradient(v, w, v_star, w_star)
    unit_output = np.ones_like(v)
    return by_v, two_layer.gradient(unit_output, w, unit_output, w_star).w + 0 * by_w


GRADIENT = Claim(
    id="two-layer.gradient",
    statement="df/dv and df/dw are the gradient of f, by differences of the printed loss.",
    source=f"{UST}; docs/theory.md#e1",
    kind=Kind.EQUALITY,
    sample=networks(),
    measure=by_group(measure_gradient),
    subject=two_layer.gradient,
    planted={
        "v . v* taken for k": wrong_gradient_of_part_a,
        "the filter's part uphill": lambda *four: (
            two_layer.gradient(*four).v,
            -two_layer.gradient(*four).w,
        ),
        "v and v* exchanged": lambda v, w, v_star, w_star: two_layer.gradient(v_star, w, v, w_star),
        "zero": lambda v, w, v_star, w_star: (np.zeros_like(v), np.zeros_like(w)),
        "its input": lambda v, w, v_star, w_star: (v, w),
    },
    tolerance=1e-9,
    hypotheses="0.1 <= theta <= pi - 0.1, w != 0, k from 1 to 12, d from 2 to 20",
    cases=300,
)

# ---------------------------------------------------------------------------------- coarse gradient


def pseudo(derivative: str, x: FloatArray) -> FloatArray:
    """Return mu'(x)."""
    if derivative == "identity":
        return np.ones_like(x)
    return ((x > 0) & ((x <= 1) | (derivative == "relu"))).astype(float)


def integrals(derivative: str, group: Networks) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return E[mu' z], E[mu' step(z.w) z] along w^, and E[mu' step(z.w*) z] along w^ and across.

    z = s w^ + t n with n the direction of P w*; the integral over t is known, that over s is done
    on pieces between 0 and the clip, where the integrand is smooth.
    """
    nodes, weights = np.polynomial.legendre.leggauss(120)
    clip = np.minimum(1 / group.length, 9.0)
    zero, end = np.zeros_like(clip), np.full_like(clip, 9.0)  # beyond 9 the density is below 1e-18
    free, own, taught = 0.0, 0.0, np.zeros((len(clip), 2))
    slope = 1 / np.tan(group.theta)[:, np.newaxis]
    for low, high in ((-end, zero), (zero, clip), (clip, end)):
        s = low + (high - low) * (nodes + 1) / 2
        density = (high - low) / 2 * weights * np.exp(-(s**2) / 2) / np.sqrt(2 * np.pi)
        # The middle of the piece says which side of 0 and of the clip it is on.
        x = group.length * (low + high) / 2
        mass = density * pseudo(derivative, np.broadcast_to(x, s.shape))
        on, edge = ndtr(s * slope), np.exp(-((s * slope) ** 2) / 2) / np.sqrt(2 * np.pi)
        free = free + np.sum(mass * s, axis=1)
        own = own + np.sum(mass * s * (s > 0), axis=1)
        taught = taught + np.stack([np.sum(mass * s * on, 1), np.sum(mass * edge, 1)], axis=1)
    return np.asarray(free), np.asarray(own), taught


def coarse_by_patches(derivative: str, group: Networks) -> FloatArray:
    """Return E g as a double sum over patches j, whose error counts, and i, whose input counts."""
    free, own, taught = integrals(derivative, group)
    direction = normalised(group.w)
    cosine, sine = np.cos(group.theta)[:, np.newaxis], np.sin(group.theta)[:, np.newaxis]
    across = (group.w_star - cosine * direction) / sine
    total = np.zeros((len(direction), 2))
    for i in range(group.v.shape[1]):
        for j in range(group.v.shape[1]):
            if i == j:
                total[:, 0] += group.v[:, i] * group.v[:, i] * own
                total -= (group.v[:, i] * group.v_star[:, i])[:, np.newaxis] * taught
            else:
                half = (group.v[:, j] - group.v_star[:, j]) / 2
                total[:, 0] += group.v[:, i] * half * free
    return total[:, :1] * direction + total[:, 1:] * across


def measure_coarse(derivative: str, coarse: Callable[..., Any], group: Networks) -> Pair:
    """Compare E g with the integrals."""
    return coarse(*group.four, derivative)[1], coarse_by_patches(derivative, group)


Wrong = Callable[..., tuple[FloatArray, FloatArray]]


def with_filter(change: Callable[..., FloatArray]) -> Wrong:
    """Return the coarse gradient with change(four, derivative, E g) for the filter's part."""

    def wrong(
        v: FloatArray, w: FloatArray, v_star: FloatArray, w_star: FloatArray, derivative: str
    ) -> tuple[FloatArray, FloatArray]:
        right = two_layer_coarse.coarse_gradient(v, w, v_star, w_star, derivative)
        return right.v, change((v, w, v_star, w_star), derivative, right.w)

    return wrong


def other_derivative(four: Four, derivative: str, _: FloatArray) -> FloatArray:
    """Take another pseudo-derivative: half of the identity's, and for the identity twice ReLU's."""
    other = "relu" if derivative == "identity" else "identity"
    return two_layer_coarse.coarse_gradient(*four, other).w * (2 if other == "relu" else 0.5)


PLANTED_COARSE: dict[str, Wrong] = {
    "another pseudo-derivative": with_filter(other_derivative),
    "v and v* exchanged": with_filter(
        lambda four, derivative, _: (
            two_layer_coarse.coarse_gradient(four[2], four[1], four[0], four[3], derivative).w
        )
    ),
    "the other patches forgotten": with_filter(
        lambda four, derivative, right: (
            right
            - np.sum(four[0], axis=1, keepdims=True)
            * np.sum(four[0] - four[2], axis=1, keepdims=True)
            * normalised(four[1])
            / 5
        )
    ),
    "the true gradient": with_filter(lambda four, *_: two_layer.gradient(*four).w),
    "zero": with_filter(lambda four, *_: 0 * four[1]),
    "its input": with_filter(lambda four, *_: four[1]),
    "NaN": with_filter(lambda four, *_: np.nan * four[1]),
}

COARSE = tuple(
    Claim(
        id=f"two-layer.coarse-gradient.{derivative.replace('_', '-')}",
        statement=f"E g = (v.v*) G + r w^ for the {words}, with G of part A: integrals agree.",
        source=f"{UST}; docs/theory.md#e2",
        kind=Kind.EQUALITY,
        sample=networks(),
        measure=by_group(partial(measure_coarse, derivative)),
        subject=two_layer_coarse.coarse_gradient,
        planted=PLANTED_COARSE,
        tolerance=1e-11,
        hypotheses="0.1 <= theta <= pi - 0.1, 0.01 <= |w| <= 100, k from 1 to 12, d from 2 to 20",
        cases=300,
    )
    for derivative, words in zip(DERIVATIVES, ("ReLU", "identity", "clipped ReLU"), strict=True)
)


def printed_coarse(derivative: str, group: Networks) -> FloatArray:
    """Return E g as docs/theory.md#e2 prints it, from s and, for the clip, t_x and t_y."""
    v, v_star = group.v, group.v_star
    direction, dot = normalised(group.w), group.dot
    cosine, sine = np.cos(group.theta)[:, np.newaxis], np.sin(group.theta)[:, np.newaxis]
    across = (group.w_star - cosine * direction) / sine
    sum_v, sum_star = v.sum(axis=1, keepdims=True), v_star.sum(axis=1, keepdims=True)
    square = np.sum(v**2, axis=1, keepdims=True)
    s = square + sum_v**2 - sum_v * sum_star + dot
    root = np.sqrt(2 * np.pi)
    if derivative == "identity":
        return (square * direction - dot * group.w_star) / root
    if derivative == "relu":
        middle = normalised(direction + group.w_star)
        return s / (2 * root) * direction - np.sqrt((1 + cosine) / 2) * dot / root * middle
    c = 1 / group.length
    q, tail = c / (np.sqrt(2) * sine), np.exp(-(c**2) / 2)
    t_x = (1 + cosine * erf(q) - tail * (1 + erf(q * cosine))) / (2 * root)
    t_y = sine * erf(q) / (2 * root)
    return (1 - tail) / root * s / 2 * direction - dot * (t_x * direction + t_y * across)


def measure_printed(coarse: Callable[..., Any], group: Networks) -> Pair:
    """Compare E g of all three with the printed forms."""
    pairs = [(coarse(*group.four, each)[1], printed_coarse(each, group)) for each in DERIVATIVES]
    return np.hstack([one for one, _ in pairs]), np.hstack([other for _, other in pairs])


FORMS = Claim(
    id="two-layer.coarse-gradient-forms",
    statement="The printed forms, with s and, for the clip, with erf, are (v.v*) G + r w^.",
    source=f"{UST}; docs/theory.md#e2",
    kind=Kind.EQUALITY,
    sample=networks(),
    measure=by_group(measure_printed),
    subject=two_layer_coarse.coarse_gradient,
    planted=PLANTED_COARSE,
    tolerance=1e-11,
    hypotheses="0.1 <= theta <= pi - 0.1, 0.01 <= |w| <= 100, k from 1 to 12, d from 2 to 20",
    cases=300,
)


def measure_acute(coarse: Callable[..., Any], group: Networks) -> Pair:
    """Compare |w| <E g, df/dw> with sin(theta) (v . v*)^2 / (2 (2 pi)^{3/2}) times 1, 2, erf(q)."""
    slope = two_layer.gradient(*group.four).w
    size = np.sin(group.theta) * group.dot[:, 0] ** 2 / (2 * (2 * np.pi) ** 1.5)
    q = 1 / (np.sqrt(2) * group.length[:, 0] * np.sin(group.theta))
    factors = {"relu": 1.0, "identity": 2.0, "clipped_relu": erf(q)}
    products = [
        group.length[:, 0] * np.sum(coarse(*group.four, each)[1] * slope, axis=1)
        for each in DERIVATIVES
    ]
    return np.stack(products), np.stack([factors[each] * size for each in DERIVATIVES])


ACUTE = Claim(
    id="two-layer.acute-angle",
    statement="<E g, df/dw> = sin(theta) (v.v*)^2 / (2 (2 pi)^{3/2} |w|), times 1, 2 or erf(q).",
    source=f"{UST}; docs/theory.md#e2",
    kind=Kind.EQUALITY,
    sample=networks(1e-6),
    measure=by_group(measure_acute),
    subject=two_layer_coarse.coarse_gradient,
    planted={name: PLANTED_COARSE[name] for name in ("another pseudo-derivative", "zero", "NaN")}
    | {
        "the true gradient": PLANTED_COARSE["the true gradient"],
        "uphill": with_filter(lambda four, derivative, right: -right),
    },
    tolerance=1e-9,
    hypotheses="1e-6 <= theta <= pi - 1e-6, 0.01 <= |w| <= 100, k from 1 to 12, d from 2 to 20",
    cases=300,
)

# ----------------------------------------------------------------------------------------- part A


@dataclass(frozen=True)
class TwoLayer:
    """The functions that become those of part A."""

    loss: Callable[..., FloatArray]
    gradient: Callable[..., Any]
    coarse_gradient: Callable[..., Any]


OURS = TwoLayer(two_layer.loss, two_layer.gradient, two_layer_coarse.coarse_gradient)


def measure_part_a(functions: TwoLayer, group: Networks) -> Pair:
    """Compare the network with v = v* = 1 with (A1.1), (A1.2), (A1.5), twice that, and (A1.7)."""
    k = group.v.shape[1]
    ones = np.ones_like(group.v)
    four = (ones, group.w, ones, group.w_star)
    direction, theta = normalised(group.w), group.theta[:, np.newaxis]
    along = group.w_star - np.cos(theta) * direction
    c = 1 / group.length
    q, tail = c / (np.sqrt(2) * np.sin(theta)), np.exp(-(c**2) / 2)
    a = 1 - np.cos(theta) * erf(q) - tail * (1 - erf(q * np.cos(theta)))
    chord = k / (2 * np.sqrt(2 * np.pi)) * (direction - group.w_star)
    clip = k / (2 * np.sqrt(2 * np.pi)) * (a * direction - erf(q) * along)
    ours = [functions.loss(*four)[:, np.newaxis]]
    ours += [np.asarray(functions.gradient(*four)[1]) * group.length]
    ours += [functions.coarse_gradient(*four, each)[1] for each in DERIVATIVES]
    theirs = [k * theta / (2 * np.pi), -k / (2 * np.pi) * along / np.sin(theta)]
    theirs += [chord, 2 * chord, clip]
    return np.hstack(ours), np.hstack(theirs)


PART_A = Claim(
    id="two-layer.part-a",
    statement="With v = v* = 1: f = (k/2 pi) theta, its gradient, and part A's coarse gradients.",
    source=f"{UST}; docs/theory.md#e1",
    kind=Kind.EQUALITY,
    sample=networks(),
    measure=by_group(measure_part_a),
    subject=OURS,
    planted={
        "the loss doubled": TwoLayer(
            lambda *four: 2 * OURS.loss(*four), *list(vars(OURS).values())[1:]
        ),
        "the gradient uphill": TwoLayer(
            OURS.loss, lambda *four: [-each for each in OURS.gradient(*four)], OURS.coarse_gradient
        ),
        "another pseudo-derivative": TwoLayer(
            OURS.loss, OURS.gradient, PLANTED_COARSE["another pseudo-derivative"]
        ),
        "a teacher of zeros": TwoLayer(
            lambda v, w, v_star, w_star: OURS.loss(v, w, 0 * v_star, w_star),
            OURS.gradient,
            OURS.coarse_gradient,
        ),
    },
    tolerance=1e-11,
    hypotheses="v = v* = 1, 0.1 <= theta <= pi - 0.1, 0.01 <= |w| <= 100, k from 1 to 12",
    cases=300,
)

# ----------------------------------------------------------------------------------------- samples

THRESHOLD = 8.0  # standard errors
SAMPLES = 4_000


def sample_values(group: Networks) -> list[FloatArray]:
    """Return, for each student, the samples of loss, df/dv and the three g, one a row."""
    rng = np.random.default_rng(group.seed)
    (m, k), d = group.v.shape, group.w.shape[1]
    values = []
    for v, w, v_star, w_star in zip(*group.four, strict=True):
        Z = rng.standard_normal((SAMPLES, k, d))
        x = Z @ w
        bits = (x > 0).astype(float)
        error = bits @ v - ((Z @ w_star) > 0) @ v_star
        columns = [error[:, np.newaxis] ** 2 / 2, error[:, np.newaxis] * bits]
        for derivative in DERIVATIVES:
            inner = np.einsum("nk,nkd->nd", v * pseudo(derivative, x), Z)
            columns.append(error[:, np.newaxis] * inner)
        values.append(np.hstack(columns))
    assert len(values) == m
    return values


def measure_samples(functions: TwoLayer, group: Networks) -> Pair:
    """Compare all expectations with means of samples, in standard errors."""
    coarse = [functions.coarse_gradient(*group.four, each)[1] for each in DERIVATIVES]
    expected = np.hstack(
        [functions.loss(*group.four)[:, np.newaxis], functions.gradient(*group.four)[0], *coarse]
    )
    errors = []
    for row, values in zip(expected, sample_values(group), strict=True):
        spread = values.std(axis=0) / np.sqrt(SAMPLES)
        errors.append(np.abs(values.mean(axis=0) - row) / (spread + 1e-10))
    measured = np.stack(errors)
    return measured, np.full_like(measured, THRESHOLD)


EXPECTATIONS = Claim(
    id="two-layer.expectations",
    statement="Loss, df/dv and the three E g are means over samples, to 8 standard errors.",
    source=f"{UST}; docs/theory.md#e1 and #e2",
    kind=Kind.UPPER_BOUND,
    sample=networks(0.5, most_patches=6, lengths=(0.1, 2.0)),
    measure=by_group(measure_samples),
    subject=OURS,
    planted={
        "half the loss": TwoLayer(
            lambda *four: OURS.loss(*four) / 2, OURS.gradient, OURS.coarse_gradient
        ),
        "df/dv with the signs of v exchanged": TwoLayer(
            OURS.loss,
            lambda v, *rest: OURS.gradient(-v, *rest),
            OURS.coarse_gradient,
        ),
        **{
            name: TwoLayer(OURS.loss, OURS.gradient, wrong)
            for name, wrong in PLANTED_COARSE.items()
        },
    },
    tolerance=0.0,
    hypotheses="0.5 <= theta <= pi - 0.5, 0.1 <= |w| <= 2, k from 1 to 6, d from 2 to 20",
    cases=40,
)

CLAIMS: tuple[Claim, ...] = (LOSS, GRADIENT, *COARSE, FORMS, ACUTE, PART_A, EXPECTATIONS)
