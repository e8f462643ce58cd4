"""Claims: what is computed from samples of the Gaussian network: outputs, losses, gradients, means.

The oracles go sample by sample and patch by patch, in Python's own numbers. Some samples are whole
numbers, so that patches lie on a filter's line exactly: a patch with Z_i . w = 0 is off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.gaussian.pairs import BCGD, RVS, Pair, by_group, log_uniform, random_teachers
from zeroone.gaussian import sampling
from zeroone.support.validation import FloatArray

SOURCE = f"{RVS}, from {BCGD}; docs/theory.md#a1"


@dataclass(frozen=True)
class Samples:
    """Filters, their teachers, and samples.

    Parameters
    ----------
    w, w_star : ndarrays of shape (m, d)
    Z : ndarray of shape (n, k, d)
    pseudo : {"relu", "identity", "clipped_relu"}
    slope : float
        The factor of g.
    seed : int
    """

    w: FloatArray
    w_star: FloatArray
    Z: FloatArray
    pseudo: str
    slope: float
    seed: int


# How many teachers so many filters have.
TEACHERS = {1: 1, 2: 1, 3: 3, 4: 2}


def asked(at: Samples) -> tuple[FloatArray, FloatArray]:
    """Return filters and teachers as a function is asked about them, with axes that broadcast.

    One filter is a vector, two share a teacher, three have an axis more, and four are two by two
    with a teacher for each column.
    """
    shapes = {1: ((), ()), 2: ((2,), ()), 3: ((3, 1), (3, 1)), 4: ((2, 2), (2,))}
    m, d = at.w.shape
    leading, of_teachers = shapes[m]
    return at.w.reshape(*leading, d), at.w_star[: TEACHERS[m]].reshape(*of_teachers, d)


def draw_samples(rng: np.random.Generator, count: int) -> list[Samples]:
    """Draw one to four filters with a few samples each; every other time of whole numbers.

    Two filters share a teacher, and of four every other one does.
    """
    drawn = []
    for index in range(count):
        m, n, k, d = (int(rng.integers(1, high)) for high in (5, 8, 5, 6))
        w = rng.standard_normal((m, d)) * log_uniform(rng, 0.1, 10.0, (m, 1))
        w_star, Z = random_teachers(rng, m, d).astype(float), rng.standard_normal((n, k, d))
        if index % 2:
            w, Z = rng.integers(-2, 3, (m, d)).astype(float), np.round(Z)
            w[~w.any(axis=1)] = 1.0
            w_star = np.eye(d)[rng.integers(0, d, m)]
        w_star = np.tile(w_star[: TEACHERS[m]], (m // TEACHERS[m], 1))
        pseudo = str(rng.choice(["relu", "identity", "clipped_relu"]))
        slope = float(rng.choice([sqrt(2 / np.pi), 1.0, 0.3]))
        drawn.append(Samples(w, w_star, Z, pseudo, slope, int(rng.integers(2**31))))
    return drawn


def fires(filter_: list[float], patch: list[float]) -> float:
    """Return Z_i . w."""
    return sum(a * b for a, b in zip(filter_, patch, strict=True))


def count_on(w: FloatArray, sample: FloatArray) -> int:
    """Return h(w, Z) of one filter and one sample."""
    return sum(fires(w.tolist(), patch) > 0 for patch in sample.tolist())


def measure_output(output: Any, at: Samples) -> Pair:
    """Compare h(w, Z) with counting."""
    return output(at.w, at.Z), np.array([[count_on(w, Z) for Z in at.Z] for w in at.w], float)


OUTPUT = Claim(
    id="gaussian.output",
    statement="h(w, Z) is the number of patches with Z_i . w > 0.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_samples,
    measure=by_group(measure_output),
    subject=sampling.output,
    planted={
        "patches on the line counted": lambda w, Z: np.count_nonzero(
            np.einsum("nkd,md->mnk", Z, w) >= 0, axis=2
        ),
        "patches that are off": lambda w, Z: Z.shape[1] - sampling.output(w, Z),
        "the mean over patches": lambda w, Z: sampling.output(w, Z) / Z.shape[1],
    },
    tolerance=0.0,
    hypotheses="1 to 4 patches of 1 to 5 entries; patches with Z_i . w = 0 among them",
    cases=200,
)


def losses(at: Samples) -> FloatArray:
    """Return 1/2 (h(w, Z) - h(w*, Z))^2 of each filter and sample."""
    return np.array(
        [
            [(count_on(w, Z) - count_on(w_star, Z)) ** 2 / 2 for Z in at.Z]
            for w, w_star in zip(at.w, at.w_star, strict=True)
        ]
    )


def measure_losses(functions: tuple[Any, Any], at: Samples) -> Pair:
    """Compare the losses of the samples, and their means, with counting."""
    expected = losses(at)
    ours = [function(*asked(at), at.Z) for function in functions]
    means = [sum(row) / len(row) for row in expected.tolist()]
    return np.concatenate([np.ravel(one) for one in ours]), np.append(expected.ravel(), means)


def wrong_loss(w: FloatArray, w_star: FloatArray, Z: FloatArray) -> FloatArray:
    """Take the distance for half of its square."""
    return np.sqrt(2 * sampling.sample_loss(w, w_star, Z))


SAMPLE_LOSS = Claim(
    id="gaussian.sample-loss",
    statement="l(w, Z) = 1/2 (h(w, Z) - h(w*, Z))^2, and the empirical risk is its mean.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_samples,
    measure=by_group(measure_losses),
    subject=(sampling.sample_loss, sampling.empirical_risk),
    planted={
        "the distance": (wrong_loss, sampling.empirical_risk),
        "not halved": (lambda *at: 2 * sampling.sample_loss(*at), sampling.empirical_risk),
        "the sum for the mean": (
            sampling.sample_loss,
            lambda w, w_star, Z: len(Z) * sampling.empirical_risk(w, w_star, Z),
        ),
    },
    tolerance=1e-14,
    hypotheses=OUTPUT.hypotheses,
    cases=200,
)


def slope_at(pseudo: str, x: float) -> float:
    """Return mu'(x)."""
    return {"relu": x > 0, "identity": True, "clipped_relu": 0 < x <= 1}[pseudo] * 1.0


def gradient_by_hand(at: Samples) -> FloatArray:
    """Return the mean of slope (h - h*) sum_i mu'(Z_i . w) Z_i over the samples."""
    rows = []
    for w, w_star in zip(at.w, at.w_star, strict=True):
        total = [0.0] * len(w)
        for Z in at.Z:
            error = count_on(w, Z) - count_on(w_star, Z)
            for patch in Z.tolist():
                weight = error * slope_at(at.pseudo, fires(w.tolist(), patch))
                total = [sum_ + weight * z for sum_, z in zip(total, patch, strict=True)]
        rows.append([at.slope * sum_ / len(at.Z) for sum_ in total])
    return np.array(rows)


def measure_sampled(gradient: Any, at: Samples) -> Pair:
    """Compare the sampled coarse gradient with its definition."""
    found = gradient(*asked(at), at.Z, at.pseudo, at.slope)
    return found.reshape(at.w.shape), gradient_by_hand(at)


SAMPLED = Claim(
    id="gaussian.sampled-gradient",
    statement="The mean over samples of g(w, Z) = slope (h(w, Z) - h(w*, Z)) sum_i mu'(Z_i . w) "
    "Z_i.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_samples,
    measure=by_group(measure_sampled),
    subject=sampling.sampled_coarse_gradient,
    planted={
        "always ReLU's pseudo-derivative": lambda w, w_star, Z, pseudo, slope: (
            sampling.sampled_coarse_gradient(w, w_star, Z, "relu", slope)
        ),
        "the factor fixed": lambda w, w_star, Z, pseudo, slope: sampling.sampled_coarse_gradient(
            w, w_star, Z, pseudo
        ),
        "the sum for the mean": lambda w, w_star, Z, *rest: (
            len(Z) * sampling.sampled_coarse_gradient(w, w_star, Z, *rest)
        ),
    },
    tolerance=1e-12,
    hypotheses=OUTPUT.hypotheses + "; the pseudo-derivatives of ReLU, identity and clipped ReLU",
    cases=200,
)


def measure_monte_carlo(estimate: Any, at: Samples) -> Pair:
    """Compare means and standard errors with those of the same samples, held in memory."""
    (n, k, d), m = at.Z.shape, len(at.w)
    n += 1  # a standard error needs two
    rng = np.random.default_rng(at.seed)
    found = estimate(*asked(at), k, n, np.random.default_rng(at.seed), at.pseudo, at.slope)
    Z = rng.standard_normal((n, k, d))
    alone = [Samples(at.w, at.w_star, one[np.newaxis], at.pseudo, at.slope, 0) for one in Z]
    values = {
        "loss": np.array([losses(one)[:, 0] for one in alone]),
        "coarse_gradient": np.array([gradient_by_hand(one) for one in alone]),
    }
    ours: list[FloatArray] = [np.array([found.loss.n_samples, found.coarse_gradient.n_samples])]
    expected: list[FloatArray] = [np.array([n, n])]
    for name, each in values.items():
        mean = sum(each) / n
        variance = sum((each - mean) ** 2) / (n - 1)
        ours += [getattr(found, name).mean, getattr(found, name).standard_error]
        expected += [mean, np.sqrt(variance / n)]
    assert expected[1].shape == (m,)
    measured = np.concatenate([np.ravel(one) for one in ours])
    return measured, np.concatenate([np.ravel(one) for one in expected])


def other_error(factor: Callable[[int], float]) -> Any:
    """Return the estimate with standard errors that are off by a factor."""

    def estimate(*arguments: Any) -> Any:
        found = sampling.monte_carlo(*arguments)
        n = found.loss.n_samples
        loss = sampling.Estimate(found.loss.mean, factor(n) * found.loss.standard_error, n)
        return found._replace(loss=loss)

    return estimate


MONTE_CARLO = Claim(
    id="gaussian.monte-carlo",
    statement="Means and standard errors of loss and coarse gradient, in blocks, are those of all "
    "samples at once.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_samples,
    measure=by_group(measure_monte_carlo),
    subject=sampling.monte_carlo,
    planted={
        "the standard deviation": other_error(lambda n: n**0.5),
        "n instead of n - 1": other_error(lambda n: ((n - 1) / n) ** 0.5),
        "the factor of g forgotten": lambda w, w_star, k, n, rng, pseudo, slope: (
            sampling.monte_carlo(w, w_star, k, n, rng, pseudo)
        ),
    },
    tolerance=1e-12,
    hypotheses="2 to 8 samples, the pseudo-derivatives of ReLU, identity and clipped ReLU",
    cases=150,
)


@dataclass(frozen=True)
class Long:
    """Samples of so many patches that no more than two fit into a block: one number a patch.

    Parameters
    ----------
    n, k : int
        Numbers of samples and of patches.
    w : float
        The one filter; the teacher is 1.
    seed : int
    """

    n: int
    k: int
    w: float
    seed: int


def draw_long(rng: np.random.Generator, count: int) -> list[Long]:
    """Draw an odd number of samples, so that the last one is alone."""
    return [
        Long(3, int(rng.integers(120_000, 150_000)), -float(rng.choice([0.5, 1.0])), seed)
        for seed in rng.integers(2**31, size=count).tolist()
    ]


def measure_blocks(estimate: Any, at: Long) -> Pair:
    """Compare means and standard errors with those of all samples at once.

    The filter is opposite to its teacher: it is on where a patch is below 0.
    """
    found = estimate([at.w], [1.0], at.k, at.n, np.random.default_rng(at.seed))
    Z = np.random.default_rng(at.seed).standard_normal((at.n, at.k))
    below = np.count_nonzero(Z < 0, axis=1)
    error = below - (at.k - below)  # no patch is 0
    loss, gradient = error**2 / 2, sqrt(2 / np.pi) * error * np.sum(Z, axis=1, where=Z < 0)
    ours: list[float] = []
    expected: list[float] = []
    for one, values in ((found.loss, loss), (found.coarse_gradient, gradient)):
        ours += [one.mean.item(), one.standard_error.item(), float(one.n_samples)]
        expected += [values.mean(), values.std(ddof=1) / sqrt(at.n), float(at.n)]
    return np.array(ours), np.array(expected)


BLOCKS = Claim(
    id="gaussian.monte-carlo-blocks",
    statement="Samples that do not fit into one block count once each.",
    source="docs/theory.md#a1",
    kind=Kind.EQUALITY,
    sample=draw_long,
    measure=by_group(measure_blocks),
    subject=sampling.monte_carlo,
    planted={
        "a sample more": lambda w, w_star, k, n, rng: sampling.monte_carlo(
            w, w_star, k, n + 1, rng
        ),
        "the last sample forgotten": lambda w, w_star, k, n, rng: sampling.monte_carlo(
            w, w_star, k, n - 1, rng
        ),
        "the sum for the mean": lambda *at: sampling.monte_carlo(*at)._replace(
            loss=sampling.Estimate(
                at[3] * sampling.monte_carlo(*at).loss.mean,
                sampling.monte_carlo(*at).loss.standard_error,
                at[3],
            )
        ),
    },
    tolerance=1e-9,
    hypotheses="3 samples of 120,000 to 150,000 patches of one entry; two fit into a block",
    cases=2,
)


def measure_moments(make: Any, at: Samples) -> Pair:
    """Compare mean and standard error of blocks of any size with those of all at once."""
    rng = np.random.default_rng(at.seed)
    values = 10.0 ** rng.integers(-3, 4) + rng.standard_normal((int(rng.integers(2, 30)), 3))
    cuts = np.sort(rng.integers(1, len(values), int(rng.integers(0, 5))))
    moments = make()
    for block in np.split(values, np.unique(cuts)):
        moments.update(block)
    found, n = moments.estimate(), len(values)
    mean = values[0] + sum(values - values[0]) / n  # about a value, so that no digit is lost
    variance = sum((values - mean) ** 2) / (n - 1)
    ours = np.concatenate([found.mean, found.standard_error, [found.n_samples]])
    return ours, np.concatenate([mean, np.sqrt(variance / n), [n]])


class Averaged(sampling.Moments):
    """Blocks that count alike, whatever their size."""

    def update(self, values: FloatArray) -> None:
        """Add the mean of a block as if it were one array."""
        super().update(np.tile(values.mean(axis=0), (len(values), 1)))


class Apart(sampling.Moments):
    """Blocks whose distance from each other is forgotten."""

    def update(self, values: FloatArray) -> None:
        """Move a block onto the mean so far."""
        super().update(values if self.count == 0 else values - values.mean(axis=0) + self.mean)


MOMENTS = Claim(
    id="gaussian.moments",
    statement="Mean and standard error from blocks of any size are those of all values at once.",
    source="docs/theory.md#a1",
    kind=Kind.EQUALITY,
    sample=draw_samples,
    measure=by_group(measure_moments),
    subject=sampling.Moments,
    planted={"the spread inside blocks lost": Averaged, "that between blocks lost": Apart},
    tolerance=1e-9,
    hypotheses="2 to 29 values, up to 5 blocks, means up to 1000 times the spread",
    cases=150,
)

CLAIMS = (OUTPUT, SAMPLE_LOSS, SAMPLED, MONTE_CARLO, BLOCKS, MOMENTS)
