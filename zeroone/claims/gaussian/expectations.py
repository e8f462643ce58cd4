"""Claims: the closed forms of the Gaussian network, against integrals and against samples.

First angle, gradients and their forms, against known angles, differences and integrals. Then the
expectations against samples. That oracle is written out here once more, from the definitions of
docs/theory.md#a: samples are drawn block by block, and only sums are kept. A deviation is measured
in standard errors. Among the deviations that a run compares, some 200,000, none comes near
`THRESHOLD` by chance: the normal tail beyond 8 is 1e-15. For it to apply, a mean must not hang on a
few events, so angles are not small and filters not long (the clipped ReLU passes little for a long
filter): at least some 200 patches count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import (
    BCGD,
    RVS,
    Pair,
    Pairs,
    by_group,
    dimensions,
    normalised,
    pairs,
    random_pairs,
)
from zeroone.gaussian import filters, population
from zeroone.support.validation import FloatArray

Gradient = Callable[[FloatArray, FloatArray, NDArray[np.int64]], FloatArray]
# The same for the pseudo-derivative that the last argument names.
OfPseudo = Callable[[FloatArray, FloatArray, NDArray[np.int64], str], FloatArray]

# ------------------------------------------------------------------------------------------- angle


def measure_angle(angle: Callable[[FloatArray, FloatArray], FloatArray], group: Pairs) -> Pair:
    """Compare the angle with that by which the filters were put together."""
    return angle(group.w, group.w_star), group.theta


def wrong_angle_arccos(w: FloatArray, w_star: FloatArray) -> FloatArray:
    """Take the arc cosine of the normalised dot product."""
    return np.arccos(np.clip(np.sum(normalised(w) * w_star, axis=1), -1, 1))


def wrong_angle_unscaled(w: FloatArray, w_star: FloatArray) -> FloatArray:
    """Square entries as they come."""
    w = normalised(w)
    D, S = w - w_star, w + w_star
    return 2 * np.arctan2(np.sqrt(np.sum(D**2, axis=1)), np.sqrt(np.sum(S**2, axis=1)))


ANGLE = Claim(
    id="gaussian.angle",
    statement="theta = 2 atan2(|w^ - w*^|, |w^ + w*^|) is right to 1e-14 at every angle.",
    source="docs/theory.md#a",
    kind=Kind.EQUALITY,
    sample=pairs(lengths=(1e-200, 1e200)),
    measure=by_group(measure_angle),
    subject=filters.angle,
    planted={
        "arccos of the dot product": wrong_angle_arccos,
        "norms that over- and underflow": wrong_angle_unscaled,
        "the factor 2 forgotten": lambda w, w_star: filters.angle(w, w_star) / 2,
    },
    tolerance=1e-14 / np.pi,
    scale=np.pi,
    hypotheses="0 <= theta <= pi, norms from 1e-200 to 1e200, d from 1 to 200",
    cases=10_000,
)

# ------------------------------------------------------------------------------------ true gradient


def finite_differences(group: Pairs) -> NDArray[np.longdouble]:
    """Return |w| grad theta, by differences of fourth order of arccos, in every coordinate.

    In extended precision, where arccos is good enough. A step along a coordinate changes the dot
    product and the norm by known amounts: no vector is formed.
    """
    x = normalised(group.w.astype(np.longdouble) / np.abs(group.w).max(axis=1, keepdims=True))
    y = normalised(group.w_star.astype(np.longdouble))
    cosine = np.sum(x * y, axis=1, keepdims=True)
    h = np.longdouble(1e-3) * np.sin(group.offset.astype(np.longdouble))[:, np.newaxis]

    def theta(step: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
        squared_norm = 1 + step * (2 * x + step)
        return np.arccos(np.clip((cosine + step * y) / np.sqrt(squared_norm), -1, 1))

    inner, outer = theta(h) - theta(-h), theta(2 * h) - theta(-2 * h)
    return np.where(h > 0, (8 * inner - outer) / (12 * np.where(h > 0, h, 1)), 0)


def measure_true_gradient(gradient: Gradient, group: Pairs) -> Pair:
    """Compare |w| grad f / k with finite differences of arccos / (2 pi), in all coordinates."""
    scaled = gradient(group.w, group.w_star, group.k) * group.length / group.k[:, np.newaxis]
    return scaled.astype(float), (finite_differences(group) / (2 * np.pi)).astype(float)


def wrong_gradient_unnormalised(
    w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]
) -> FloatArray:
    """Leave out the division by |P w*|, as for a loss that is smooth at w*."""
    sine = np.sin(filters.angle(w, w_star))[:, np.newaxis]
    return population.true_gradient(w, w_star, k) * sine


TRUE_GRADIENT = Claim(
    id="gaussian.true-gradient",
    statement="grad f(w) = -(k / (2 pi |w|)) P w* / |P w*| is the gradient of f = (k/2 pi) theta.",
    source=f"{RVS}, from {BCGD}; docs/theory.md#a1",
    kind=Kind.EQUALITY,
    sample=pairs(least=1e-2),
    measure=by_group(measure_true_gradient),
    subject=population.true_gradient,
    planted={
        "not divided by |P w*|": wrong_gradient_unnormalised,
        "not divided by |w|": lambda w, w_star, k: population.true_gradient(
            normalised(w / np.abs(w).max(axis=1, keepdims=True)), w_star, k
        ),
        "uphill instead of down": lambda w, w_star, k: -population.true_gradient(w, w_star, k),
        "1/pi for 1/(2 pi)": lambda w, w_star, k: 2 * population.true_gradient(w, w_star, k),
    },
    tolerance=1e-9,
    hypotheses="0.01 <= theta <= pi - 0.01 (or d = 1), w != 0, |w*| = 1, d from 1 to 200",
    cases=10_000,
)


def measure_gradient_length(gradient: Gradient, group: Pairs) -> Pair:
    """Compare |w| |grad f| / k with 1/(2 pi)."""
    scaled = gradient(group.w, group.w_star, group.k) * group.length / group.k[:, np.newaxis]
    length = np.sqrt(np.sum(scaled**2, axis=1)).astype(float)
    return length, np.full(len(length), 1 / (2 * np.pi))


CONE = Claim(
    id="gaussian.cone",
    statement="|grad f(w)| = k / (2 pi |w|) at every 0 < theta < pi, however near: f is a cone.",
    source="docs/theory.md#a1",
    kind=Kind.EQUALITY,
    sample=pairs(least=1e-14, lowest=2),
    measure=by_group(measure_gradient_length),
    subject=population.true_gradient,
    planted={"not divided by |P w*|": wrong_gradient_unnormalised},
    tolerance=1e-13,
    hypotheses="1e-14 <= theta <= pi - 1e-14, w != 0, |w*| = 1, d from 2 to 200",
    cases=10_000,
)

# ---------------------------------------------------------------------------------- coarse gradient


def measure_coarse_forms(gradient: Gradient, group: Pairs) -> Pair:
    """Compare E g / k with (1/pi) (w^ - cos(theta/2) (w^ + w*)/|w^ + w*|) in extended precision."""
    x = normalised(group.w.astype(np.longdouble) / np.abs(group.w).max(axis=1, keepdims=True))
    half = np.cos(group.theta.astype(np.longdouble) / 2)[:, np.newaxis]
    first_form = (x - half * normalised(x + group.w_star)) / np.pi
    ours = gradient(group.w, group.w_star, group.k) / group.k[:, np.newaxis]
    return ours, first_form.astype(float)


COARSE_FORMS = Claim(
    id="gaussian.coarse-gradient-forms",
    statement="(k/pi) (w^ - cos(theta/2) (w^ + w*)/|w^ + w*|) = (k / 2 pi) (w^ - w*).",
    source=f"{RVS}, from {BCGD}; docs/theory.md#a1",
    kind=Kind.EQUALITY,
    sample=pairs(least=1e-4, lowest=2),
    measure=by_group(measure_coarse_forms),
    subject=population.coarse_gradient,
    planted={
        "the factor sqrt(2/pi) forgotten": lambda w, w_star, k: (
            np.sqrt(np.pi / 2) * population.coarse_gradient(w, w_star, k)
        ),
        "the teacher's sign": lambda w, w_star, k: population.coarse_gradient(w, -w_star, k),
    },
    tolerance=1e-11,
    hypotheses="1e-4 <= theta <= pi - 1e-4, w != 0, |w*| = 1, d from 2 to 200",
    cases=10_000,
)


def integrate_clipped(theta: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the components of one patch's clipped coarse gradient along w^ and along v.

    Integrals over the preactivation s from 0 to c (docs/theory.md#a1, with mu' = 1[0 < x <= 1]): of
    s phi(s) times the probability that the teacher is off, and of phi(s) times the mean of t = z .
    v there.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    top = np.minimum(c, 9.0)[:, np.newaxis]  # beyond 9 the density is below 1e-18
    s = top * (nodes + 1) / 2
    density = top / 2 * weights * np.exp(-(s**2) / 2) / np.sqrt(2 * np.pi)
    edge = s / np.tan(theta)[:, np.newaxis]  # the teacher is off where t < -edge
    along = np.sum(density * s * ndtr(-edge), axis=1)
    across = -np.sum(density * np.exp(-(edge**2) / 2), axis=1) / np.sqrt(2 * np.pi)
    return along, across


def measure_clipped(gradient: OfPseudo, group: Pairs) -> Pair:
    """Compare E g / k for the clipped ReLU with one-dimensional integrals."""
    x = normalised(group.w)
    v = (group.w_star - np.cos(group.theta)[:, np.newaxis] * x) / np.sin(group.theta)[:, np.newaxis]
    along, across = integrate_clipped(group.theta, 1 / group.length[:, 0].astype(float))
    integral = along[:, np.newaxis] * x + across[:, np.newaxis] * v
    ours = gradient(group.w, group.w_star, group.k, "clipped_relu") / group.k[:, np.newaxis]
    return ours, np.sqrt(2 / np.pi) * integral


def wrong_pseudo_relu(
    w: FloatArray, w_star: FloatArray, k: NDArray[np.int64], pseudo: str
) -> FloatArray:
    """Take the pseudo-derivative of ReLU for any."""
    return population.coarse_gradient(w, w_star, k)


def wrong_norm_forgotten(
    w: FloatArray, w_star: FloatArray, k: NDArray[np.int64], pseudo: str
) -> FloatArray:
    """Take w for a unit filter."""
    return population.expected_coarse_gradient(normalised(w), w_star, k, pseudo)


CLIPPED = Claim(
    id="gaussian.clipped-relu-integrals",
    statement="E g = k/(2 pi) (a w^ - erf(q) P w*) for mu' = 1[0 < x <= 1], in place of integrals.",
    source="derived in zeroone.gaussian.population from docs/theory.md#a1",
    kind=Kind.EQUALITY,
    sample=pairs(least=0.1, lowest=2, lengths=(1e-2, 1e2)),
    measure=by_group(measure_clipped),
    subject=population.expected_coarse_gradient,
    planted={"not clipped": wrong_pseudo_relu, "the norm of w forgotten": wrong_norm_forgotten},
    tolerance=1e-12,
    hypotheses="0.1 <= theta <= pi - 0.1, 0.01 <= |w| <= 100, |w*| = 1, d from 2 to 200",
    cases=10_000,
)


def integrate_identity(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the components along w^ and along v of one patch's coarse gradient with mu' = 1.

    Integrals over the preactivation s from -9 to 9, beyond which the density is below 1e-18: of s
    phi(s) times the student's bit less the probability that the teacher is on, and of phi(s) times
    the mean of t = z . v where the teacher is on, with the opposite sign.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    along, across = np.zeros_like(theta), np.zeros_like(theta)
    for bit, centre in ((0.0, -4.5), (1.0, 4.5)):  # the bit jumps at s = 0
        s = centre + 4.5 * nodes
        density = 4.5 * weights * np.exp(-(s**2) / 2) / np.sqrt(2 * np.pi)
        edge = s / np.tan(theta)[:, np.newaxis]  # the teacher is on where t > -edge
        along += np.sum(density * s * (bit - ndtr(edge)), axis=1)
        across -= np.sum(density * np.exp(-(edge**2) / 2), axis=1) / np.sqrt(2 * np.pi)
    return along, across


def measure_identity(gradient: OfPseudo, group: Pairs) -> Pair:
    """Compare E g / k for the identity with one-dimensional integrals."""
    x = normalised(group.w)
    v = (group.w_star - np.cos(group.theta)[:, np.newaxis] * x) / np.sin(group.theta)[:, np.newaxis]
    along, across = integrate_identity(group.theta)
    integral = along[:, np.newaxis] * x + across[:, np.newaxis] * v
    ours = gradient(group.w, group.w_star, group.k, "identity") / group.k[:, np.newaxis]
    return ours, np.sqrt(2 / np.pi) * integral


IDENTITY = Claim(
    id="gaussian.identity-integrals",
    statement="E g = (k/pi) (w^ - w*) for mu' = 1, in place of integrals.",
    source="derived in zeroone.gaussian.population from docs/theory.md#a1",
    kind=Kind.EQUALITY,
    sample=pairs(least=0.1, lowest=2, lengths=(1e-2, 1e2)),
    measure=by_group(measure_identity),
    subject=population.expected_coarse_gradient,
    planted={
        "5 % more": lambda w, w_star, k, pseudo: (
            1.05 * population.expected_coarse_gradient(w, w_star, k, pseudo)
        ),
        "that of ReLU": wrong_pseudo_relu,
        "w for w^": lambda w, w_star, k, pseudo: k[:, np.newaxis] / np.pi * (w - w_star),
    },
    tolerance=1e-12,
    hypotheses="0.1 <= theta <= pi - 0.1, 0.01 <= |w| <= 100, |w*| = 1, d from 2 to 200",
    cases=10_000,
)

# ------------------------------------------------------------------------------------------ samples

THRESHOLD = 8.0  # standard errors
LEAST_ANGLE = 0.5
LENGTHS = (0.05, 2.0)
ROWS = 3_000  # patches drawn for a group, at least
BLOCK_ROWS = 1_500
DIRECTIONS = 4

Statistic = Callable[["Sampled", FloatArray], FloatArray]


@dataclass(frozen=True)
class Sampled:
    """Filters and teachers, one number of patches for all of them, and the seed of the samples.

    Parameters
    ----------
    pairs : Pairs
    k : int
    directions : ndarray of shape (q, d)
        Along which gradients are compared besides w^ and w*: the axes in few dimensions, else
        random.
    seed : int
    n_samples : int
    """

    pairs: Pairs
    k: int
    directions: FloatArray
    seed: int
    n_samples: int


def sample_groups(rng: np.random.Generator, count: int) -> list[Sampled]:
    """Draw groups of filters, each with the seed of the samples that its filters share."""
    groups = []
    for d, m in dimensions(rng, count):
        drawn = random_pairs(rng, m, d, LEAST_ANGLE, LENGTHS)
        k = int(rng.choice([1, 1, 1, 2, 2, 3, 3, 5, 10, 20]))
        directions = rng.standard_normal((DIRECTIONS, d))
        if d <= DIRECTIONS:
            directions = np.eye(d)
        rows = max(ROWS, min(20_000, 100_000 // m))
        seed = int(rng.integers(2**63))
        groups.append(Sampled(drawn, k, normalised(directions), seed, max(600, rows // k)))
    return groups


def estimate(statistic: Statistic, group: Sampled) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard error of a statistic of samples, drawn in blocks."""
    rng = np.random.default_rng(group.seed)
    d, size = group.pairs.w.shape[1], max(1, BLOCK_ROWS // group.k)
    total: FloatArray = np.zeros(())
    squares: FloatArray = np.zeros(())
    for start in range(0, group.n_samples, size):
        n = min(size, group.n_samples - start)
        values = statistic(group, rng.standard_normal((n, group.k, d), np.float32))
        total = total + values.sum(axis=-2, dtype=float)
        squares = squares + np.einsum("...nm,...nm->...m", values, values)
    mean = total / group.n_samples
    variance = np.maximum(squares / group.n_samples - mean**2, 0)
    return mean, np.sqrt(variance / group.n_samples)


def deviation(
    statistic: Statistic, group: Sampled, expected: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return by how many standard errors the samples deviate from `expected`, and the threshold."""
    mean, standard_error = estimate(statistic, group)
    # What is constant over samples, as at theta = 0, has standard error 0 and must agree by itself.
    error = np.abs(mean - expected) / (standard_error + 1e-10)
    return error, np.full_like(error, THRESHOLD)


def active(group: Sampled, Z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Z_i . w, Z_i . w* and h(w, Z) - h(w*, Z) for each filter, (n, k, m) and (n, m)."""
    shape, flat = (*Z.shape[:2], len(group.pairs.w)), Z.reshape(-1, Z.shape[2])
    student = (flat @ group.pairs.w.astype(Z.dtype).T).reshape(shape)
    teacher = (flat @ group.pairs.w_star.astype(Z.dtype).T).reshape(shape)
    error = np.count_nonzero(student > 0, axis=1) - np.count_nonzero(teacher > 0, axis=1)
    return student, teacher, error.astype(Z.dtype)


# -------------------------------------------------------------------------------------------- loss


def loss_of_samples(group: Sampled, Z: FloatArray) -> FloatArray:
    """Return 1/2 (h(w, Z) - h(w*, Z))^2 for each sample and filter."""
    return 0.5 * active(group, Z)[2] ** 2


def measure_loss(loss: Callable[[FloatArray, FloatArray, int], FloatArray], group: Sampled) -> Pair:
    """Compare f with the mean of the sample loss."""
    expected = loss(group.pairs.w, group.pairs.w_star, group.k)
    return deviation(loss_of_samples, group, expected)


def wrong_loss_per_patch(w: FloatArray, w_star: FloatArray, k: int) -> FloatArray:
    """Forget that a patch differs in one of two ways."""
    return population.population_loss(w, w_star, k) / 2


def wrong_loss_chord(w: FloatArray, w_star: FloatArray, k: int) -> FloatArray:
    """Take the chord |w^ - w*| for the angle."""
    return k / (2 * np.pi) * np.linalg.norm(normalised(w) - w_star, axis=1)


POPULATION_LOSS = Claim(
    id="gaussian.population-loss",
    statement="E 1/2 (h(w, Z) - h(w*, Z))^2 = (k/2 pi) theta: samples agree to 8 standard errors.",
    source=f"{RVS}, from {BCGD}; docs/theory.md#a1",
    kind=Kind.UPPER_BOUND,
    sample=sample_groups,
    measure=by_group(measure_loss),
    subject=population.population_loss,
    planted={
        "k/(4 pi) for k/(2 pi)": wrong_loss_per_patch,
        "the chord instead of the angle": wrong_loss_chord,
        "k patches not counted": lambda w, w_star, k: population.population_loss(w, w_star, 1),
    },
    tolerance=0.0,
    hypotheses="theta = 0, pi (d = 1) or 0.5 <= theta <= pi - 0.5, k from 1 to 20, d from 1 to 200",
    cases=10_000,
    near=0.95,
)

# --------------------------------------------------------------------------------- coarse gradient

SLOPES: dict[str, Callable[[FloatArray], FloatArray | NDArray[np.bool_]]] = {
    "relu": lambda x: x > 0,
    "identity": np.ones_like,
    "clipped_relu": lambda x: (x > 0) & (x <= 1),
}


def gradient_of_samples(pseudo: str, group: Sampled, Z: FloatArray) -> FloatArray:
    """Return g(w, Z) . a for each direction a (w^, w*, the group's), sample and filter."""
    student, teacher, error = active(group, Z)
    slope = SLOPES[pseudo](student).astype(Z.dtype)
    norms = np.linalg.norm(group.pairs.w, axis=1).astype(Z.dtype)
    along = [np.einsum("nkm,nkm->nm", slope, student) / norms]
    along += [np.einsum("nkm,nkm->nm", slope, teacher)]
    along += [np.einsum("nkm,nk->nm", slope, Z @ a) for a in group.directions.astype(Z.dtype)]
    return np.array(along) * (error * Z.dtype.type(np.sqrt(2 / np.pi)))


def measure_gradient(
    pseudo: str, gradient: Callable[[FloatArray, FloatArray, int], FloatArray], group: Sampled
) -> Pair:
    """Compare E g with the mean over samples, along w^, w* and the directions."""
    w, w_star = group.pairs.w, group.pairs.w_star
    expected = gradient(w, w_star, group.k)
    along = [np.sum(expected * a, axis=1) for a in (normalised(w), w_star)]
    along += list(group.directions @ expected.T)
    return deviation(partial(gradient_of_samples, pseudo), group, np.array(along))


def gradient_claim(
    pseudo: str,
    name: str,
    subject: Callable[[FloatArray, FloatArray, int], FloatArray],
    result: str,
    source: str,
) -> Claim:
    """Return the claim that `subject` is the expected coarse gradient of a pseudo-derivative."""
    return Claim(
        id=f"gaussian.coarse-gradient.{name}",
        statement=f"E g(w, Z) = {result}: samples agree to 8 standard errors.",
        source=source,
        kind=Kind.UPPER_BOUND,
        sample=sample_groups,
        measure=by_group(partial(measure_gradient, pseudo)),
        subject=subject,
        planted={
            "the factor sqrt(2/pi) forgotten": lambda w, w_star, k: (
                np.sqrt(np.pi / 2) * subject(w, w_star, k)
            ),
            "the teacher's sign": lambda w, w_star, k: subject(w, -w_star, k),
            "w and w* exchanged": lambda w, w_star, k: -subject(w, w_star, k),
        },
        tolerance=0.0,
        hypotheses=f"{POPULATION_LOSS.hypotheses}, 0.05 <= |w| <= 2",
        cases=10_000,
        near=0.95,
    )


GRADIENTS = (
    gradient_claim(
        "relu",
        "relu",
        population.coarse_gradient,
        "(k / 2 pi) (w^ - w*) for mu' = 1[x > 0]",
        f"{RVS}, from {BCGD}; docs/theory.md#a1",
    ),
    gradient_claim(
        "identity",
        "identity",
        partial(population.expected_coarse_gradient, pseudo="identity"),
        "(k / pi) (w^ - w*) for mu' = 1",
        "derived in zeroone.gaussian.population",
    ),
    gradient_claim(
        "clipped_relu",
        "clipped-relu",
        partial(population.expected_coarse_gradient, pseudo="clipped_relu"),
        "(k / 2 pi) (a w^ - erf(q) P w*) for mu' = 1[0 < x <= 1]",
        "derived in zeroone.gaussian.population",
    ),
)

CLAIMS: tuple[Claim, ...] = (
    ANGLE,
    TRUE_GRADIENT,
    CONE,
    COARSE_FORMS,
    CLIPPED,
    IDENTITY,
    POPULATION_LOSS,
    *GRADIENTS,
)
