"""Claims: the closed-form expectations of the Gaussian network against samples of it.

The oracle is written out here once more, from the definitions of theory, A: samples are drawn block
by block, and only sums are kept. A deviation is measured in standard errors. Among the deviations
that a run compares, some 200,000, none comes near `THRESHOLD` by chance: the normal tail beyond 8
is 1e-15. For it to apply, a mean must not hang on a few events, so angles are not small and filters
not long (the clipped ReLU passes little for a long filter): at least some 200 patches count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian_forms import BCGD, RVS
from zeroone.claims.gaussian_pairs import (
    Pair,
    Pairs,
    by_group,
    dimensions,
    normalised,
    random_pairs,
)
from zeroone.gaussian import population
from zeroone.gaussian.pseudo import expected_coarse_gradient
from zeroone.validation import FloatArray

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
        total = total + values.sum(axis=-2)
        squares = squares + (values**2).sum(axis=-2)
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
    return student, teacher, error.astype(float)


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
    source=f"{RVS}, from {BCGD}; theory, A1",
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
    along = [np.einsum("nkm,nkm->nm", slope, student) / np.linalg.norm(group.pairs.w, axis=1)]
    along += [np.einsum("nkm,nkm->nm", slope, teacher)]
    along += [np.einsum("nkm,nk->nm", slope, Z @ a) for a in group.directions.astype(Z.dtype)]
    return np.sqrt(2 / np.pi) * error * np.array(along)


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
        f"{RVS}, from {BCGD}; theory, A1",
    ),
    gradient_claim(
        "identity",
        "identity",
        partial(expected_coarse_gradient, pseudo="identity"),
        "(k / pi) (w^ - w*) for mu' = 1",
        "derived in zeroone.gaussian.pseudo",
    ),
    gradient_claim(
        "clipped_relu",
        "clipped-relu",
        partial(expected_coarse_gradient, pseudo="clipped_relu"),
        "(k / 2 pi) (a w^ - erf(q) P w*) for mu' = 1[0 < x <= 1]",
        "derived in zeroone.gaussian.pseudo",
    ),
)

CLAIMS: tuple[Claim, ...] = (POPULATION_LOSS, *GRADIENTS)
