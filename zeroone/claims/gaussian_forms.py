"""Claims: the closed forms of the Gaussian network against angles, differences, integrals."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_pairs import Pair, Pairs, by_group, normalised, pairs
from zeroone.gaussian import population
from zeroone.gaussian.pseudo import expected_coarse_gradient
from zeroone.validation import FloatArray

RVS = "Dinh, Xin, arXiv:1901.09731"
BCGD = "Yin et al., arXiv:1808.05240"
Gradient = Callable[[FloatArray, FloatArray, NDArray[np.int64]], FloatArray]

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
    source="theory, A",
    kind=Kind.EQUALITY,
    sample=pairs(lengths=(1e-200, 1e200)),
    measure=by_group(measure_angle),
    subject=population.angle,
    planted={
        "arccos of the dot product": wrong_angle_arccos,
        "norms that over- and underflow": wrong_angle_unscaled,
        "the factor 2 forgotten": lambda w, w_star: population.angle(w, w_star) / 2,
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
    sine = np.sin(population.angle(w, w_star))[:, np.newaxis]
    return population.true_gradient(w, w_star, k) * sine


TRUE_GRADIENT = Claim(
    id="gaussian.true-gradient",
    statement="grad f(w) = -(k / (2 pi |w|)) P w* / |P w*| is the gradient of f = (k/2 pi) theta.",
    source=f"{RVS}, from {BCGD}; theory, A1",
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
    source="theory, A1",
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
    source=f"{RVS}, from {BCGD}; theory, A1",
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

    Integrals over the preactivation s from 0 to c (theory, A1, with mu' = 1[0 < x <= 1]): of s
    phi(s) times the probability that the teacher is off, and of phi(s) times the mean of t = z . v
    there.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    top = np.minimum(c, 9.0)[:, np.newaxis]  # beyond 9 the density is below 1e-18
    s = top * (nodes + 1) / 2
    density = top / 2 * weights * np.exp(-(s**2) / 2) / np.sqrt(2 * np.pi)
    edge = s / np.tan(theta)[:, np.newaxis]  # the teacher is off where t < -edge
    along = np.sum(density * s * ndtr(-edge), axis=1)
    across = -np.sum(density * np.exp(-(edge**2) / 2), axis=1) / np.sqrt(2 * np.pi)
    return along, across


def measure_clipped(gradient: Gradient, group: Pairs) -> Pair:
    """Compare E g / k for the clipped ReLU with one-dimensional integrals."""
    x = normalised(group.w)
    v = (group.w_star - np.cos(group.theta)[:, np.newaxis] * x) / np.sin(group.theta)[:, np.newaxis]
    along, across = integrate_clipped(group.theta, 1 / group.length[:, 0].astype(float))
    integral = along[:, np.newaxis] * x + across[:, np.newaxis] * v
    ours = gradient(group.w, group.w_star, group.k) / group.k[:, np.newaxis]
    return ours, np.sqrt(2 / np.pi) * integral


def clipped(w: FloatArray, w_star: FloatArray, k: NDArray[np.int64]) -> FloatArray:
    """Return the expected coarse gradient of the clipped ReLU."""
    return expected_coarse_gradient(w, w_star, k, "clipped_relu")


CLIPPED = Claim(
    id="gaussian.clipped-relu-integrals",
    statement="E g = k/(2 pi) (a w^ - erf(q) P w*) for mu' = 1[0 < x <= 1], in place of integrals.",
    source="derived in zeroone.gaussian.pseudo from theory, A1",
    kind=Kind.EQUALITY,
    sample=pairs(least=0.1, lowest=2, lengths=(1e-2, 1e2)),
    measure=by_group(measure_clipped),
    subject=clipped,
    planted={
        "not clipped": population.coarse_gradient,
        "the norm of w forgotten": lambda w, w_star, k: clipped(normalised(w), w_star, k),
    },
    tolerance=1e-12,
    hypotheses="0.1 <= theta <= pi - 0.1, 0.01 <= |w| <= 100, |w*| = 1, d from 2 to 200",
    cases=10_000,
)

CLAIMS: tuple[Claim, ...] = (ANGLE, TRUE_GRADIENT, CONE, COARSE_FORMS, CLIPPED)
