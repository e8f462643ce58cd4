"""The sampled network against loops over samples and patches, and streaming against one array."""

import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.gaussian import coarse_gradient, population_loss, sampling
from zeroone.gaussian.population import PSEUDO
from zeroone.gaussian.sampling import (
    Moments,
    empirical_risk,
    monte_carlo,
    output,
    sample_inputs,
    sample_loss,
    sampled_coarse_gradient,
)

quick = settings(deadline=None, max_examples=50)
SLOPE = math.sqrt(2 / math.pi)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# --- oracles: one sample and one patch at a time, in rational arithmetic --------------------------


def dot(x, y):
    return sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, y, strict=True))


def counted(w, sample):
    return sum(1 for patch in sample if dot(patch, w) > 0)


def weight(pseudo, z):
    if pseudo == "relu":
        return 1 if z > 0 else 0
    if pseudo == "identity":
        return 1
    return 1 if 0 < z <= 1 else 0


def gradient_by_loops(w, w_star, Z, pseudo, slope=SLOPE):
    """Return the coarse gradient of each sample, of shape (n_samples, d)."""
    result = []
    for sample in Z:
        error = counted(w, sample) - counted(w_star, sample)
        total = np.zeros(len(w))
        for patch in sample:
            total += weight(pseudo, dot(patch, w)) * patch
        result.append(slope * error * total)
    return np.array(result)


def random_case(rng, kind, n, k, d):
    """Return w, w* and Z; kind "integers" has preactivations that are exactly 0 and 1."""
    if kind == "generic":
        Z, w = rng.standard_normal((n, k, d)), rng.standard_normal(d)
    else:
        Z, w = rng.integers(-2, 3, (n, k, d)).astype(float), rng.integers(-2, 3, d).astype(float)
        w[0] = w[0] or 1.0
    w_star = np.zeros(d)
    if kind == "generic":
        w_star = rng.standard_normal(d)
        w_star /= np.linalg.norm(w_star)
    else:
        w_star[rng.integers(d)] = rng.choice([-1.0, 1.0])
    return w, w_star, Z


cases = given(
    st.sampled_from(["generic", "integers"]),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from(PSEUDO),
    st.integers(0, 2**32 - 1),
)


@quick
@cases
def test_against_loops(kind, n, k, d, pseudo, seed):
    w, w_star, Z = random_case(np.random.default_rng(seed), kind, n, k, d)
    counts = np.array([counted(w, sample) for sample in Z])
    teacher = np.array([counted(w_star, sample) for sample in Z])
    np.testing.assert_array_equal(output(w, Z), counts)
    np.testing.assert_array_equal(sample_loss(w, w_star, Z), (counts - teacher) ** 2 / 2)
    np.testing.assert_allclose(
        empirical_risk(w, w_star, Z), np.mean((counts - teacher) ** 2 / 2), rtol=1e-14
    )
    expected = gradient_by_loops(w, w_star, Z, pseudo).mean(axis=0)
    ours = sampled_coarse_gradient(w, w_star, Z, pseudo)
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)
    unscaled = sampled_coarse_gradient(w, w_star, Z, pseudo, slope=1.0)
    np.testing.assert_allclose(unscaled, expected / SLOPE, rtol=1e-12, atol=1e-13)


def test_a_preactivation_of_exactly_zero_is_off_and_one_is_inside_the_clip():
    Z = np.array([[[1.0, 1.0, -2.0]], [[0.5, 0.5, 0.0]]])  # Z . w = 0 and 1 / 3
    w = np.array([1.0, 1.0, 1.0])
    np.testing.assert_array_equal(output(w, Z), [0, 1])
    w_star = np.array([-1.0, 0, 0])
    inside = sampled_coarse_gradient(w, w_star, Z[1:], "clipped_relu")
    np.testing.assert_allclose(inside, SLOPE * Z[1, 0])
    outside = sampled_coarse_gradient(1.0001 * w, w_star, Z[1:], "clipped_relu")
    np.testing.assert_array_equal(outside, [0, 0, 0])


@pytest.mark.parametrize("pseudo", PSEUDO)
@pytest.mark.parametrize("teachers", ["one", "each", "more axes"])
def test_many_filters_at_once(rng, pseudo, teachers):
    Z = rng.standard_normal((40, 3, 5))
    w = rng.standard_normal((4, 5))
    shape = {"one": (5,), "each": (4, 5), "more axes": (2, 1, 5)}[teachers]
    w_star = rng.standard_normal(shape)
    w_star /= np.linalg.norm(w_star, axis=-1, keepdims=True)
    batch = sampled_coarse_gradient(w, w_star, Z, pseudo)
    risks = empirical_risk(w, w_star, Z)
    streamed = monte_carlo(w, w_star, 3, 50, np.random.default_rng(1), pseudo)
    leading = np.broadcast_shapes((4,), shape[:-1])
    assert batch.shape == (*leading, 5)
    assert risks.shape == streamed.loss.mean.shape == leading
    assert output(w, Z).shape == (4, 40)
    filters = np.broadcast_to(w, (*leading, 5))
    all_teachers = np.broadcast_to(w_star, (*leading, 5))
    for index in np.ndindex(leading):
        pair = filters[index], all_teachers[index]
        np.testing.assert_allclose(batch[index], sampled_coarse_gradient(*pair, Z, pseudo))
        assert risks[index] == empirical_risk(*pair, Z)
        single = monte_carlo(*pair, 3, 50, np.random.default_rng(1), pseudo)
        np.testing.assert_allclose(
            streamed.coarse_gradient.mean[index], single.coarse_gradient.mean
        )


@pytest.mark.parametrize("block", [1, 7, 64, 10**9])
def test_the_size_of_a_block_changes_nothing(rng, monkeypatch, block):
    w, w_star, Z = random_case(rng, "generic", 50, 2, 3)
    expected = sampled_coarse_gradient(w, w_star, Z)
    counts = output(w, Z)
    monkeypatch.setattr(sampling, "BLOCK", block)
    np.testing.assert_allclose(sampled_coarse_gradient(w, w_star, Z), expected, rtol=1e-13)
    np.testing.assert_array_equal(output(w, Z), counts)


@pytest.mark.parametrize("length", [5e-324, 1e-300, 1e-40, 1e40, 1e300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tiny_and_huge_filters(rng, length, dtype):
    Z = sample_inputs(rng, 30, 4, 2, dtype)
    direction, w_star = np.array([1.0, 1.0]), np.array([0.0, -1.0])
    for pseudo in ("relu", "identity"):
        np.testing.assert_array_equal(
            sampled_coarse_gradient(length * direction, w_star, Z, pseudo),
            sampled_coarse_gradient(direction, w_star, Z, pseudo),
        )
    clipped = sampled_coarse_gradient(length * direction, w_star, Z, "clipped_relu")
    relu = sampled_coarse_gradient(direction, w_star, Z, "relu")
    np.testing.assert_array_equal(clipped, relu if length < 1 else 0 * relu)


def test_float32_samples_stay_float32(rng):
    w, w_star, Z = random_case(rng, "generic", 500, 3, 6)
    narrow = Z.astype(np.float32)
    for function in (sample_loss, empirical_risk, sampled_coarse_gradient):
        assert function(w, w_star, narrow).dtype == np.float32
        assert function(w, w_star, Z).dtype == np.float64
    np.testing.assert_allclose(
        sampled_coarse_gradient(w, w_star, narrow), sampled_coarse_gradient(w, w_star, Z), rtol=1e-4
    )
    assert output(w, narrow).dtype == np.float32


def test_other_layouts_and_integers(rng):
    w, w_star, Z = random_case(rng, "integers", 20, 3, 4)
    expected = sampled_coarse_gradient(w, w_star, Z)
    for same in (Z.astype(int), np.asfortranarray(Z), Z[::-1][::-1], Z.tolist()):
        np.testing.assert_array_equal(sampled_coarse_gradient(w, w_star, same), expected)


def test_samples_are_standard_normal(rng):
    Z = sample_inputs(rng, 2000, 5, 10)
    assert Z.shape == (2000, 5, 10)
    assert abs(Z.mean()) < 5 / np.sqrt(Z.size)
    assert abs((Z**2).mean() - 1) < 5 * np.sqrt(2 / Z.size)
    assert sample_inputs(rng, 2, 1, 1, np.float32).dtype == np.float32


# --- streaming ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pseudo", PSEUDO)
@pytest.mark.parametrize("block", [1, 100, 2**20])
def test_streaming_agrees_with_all_samples_at_once(monkeypatch, pseudo, block):
    monkeypatch.setattr(sampling, "STREAM_BLOCK", block)
    w, w_star = np.array([0.3, -0.2, 0.5]), np.array([0.0, 0.6, 0.8])
    n, k = 60, 4
    ours = monte_carlo(w, w_star, k, n, np.random.default_rng(5), pseudo)
    Z = np.random.default_rng(5).standard_normal((n, k, 3))
    gradients = gradient_by_loops(w, w_star, Z, pseudo)
    losses = sample_loss(w, w_star, Z)
    for estimate, values in ((ours.coarse_gradient, gradients), (ours.loss, losses)):
        np.testing.assert_allclose(estimate.mean, values.mean(axis=0), rtol=1e-12, atol=1e-14)
        error = values.std(axis=0, ddof=1) / np.sqrt(n)
        np.testing.assert_allclose(estimate.standard_error, error, rtol=1e-12)
        assert estimate.n_samples == n


def test_streaming_estimates_the_population_quantities(rng):
    w, w_star = rng.standard_normal((3, 4)), np.eye(4)[1]
    result = monte_carlo(w, w_star, 5, 20_000, rng, dtype=np.float32)
    for estimate, truth in (
        (result.loss, population_loss(w, w_star, 5)),
        (result.coarse_gradient, coarse_gradient(w, w_star, 5)),
    ):
        deviation = np.abs(estimate.mean - truth) / estimate.standard_error
        assert deviation.max() < 6
        # A missing factor of sqrt(2/pi), or 1/pi for 1/(2 pi), would be seen.
        assert (np.abs(0.25 * truth) / estimate.standard_error).max() > 6


def test_streaming_uses_bounded_memory(rng):
    # 50,000 samples of (20, 50) are 400 MB, of which at most a few blocks of 8 MB may exist.
    w, w_star = rng.standard_normal(50), np.eye(50)[0]
    tracemalloc.start()
    try:
        monte_carlo(w, w_star, 20, 10_000, rng)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40e6


def test_gradient_needs_little_memory_besides_the_samples(rng):
    Z = sample_inputs(rng, 10_000, 10, 20)  # 16 MB
    w, w_star = rng.standard_normal(20), np.eye(20)[0]
    tracemalloc.start()
    try:
        sampled_coarse_gradient(w, w_star, Z)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2e6


@quick
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.sampled_from([0.0, 1.0, 1e9, -1e12]),
    st.integers(0, 2**32 - 1),
)
def test_moments_of_blocks_in_rational_arithmetic(blocks, offset, seed):
    values = offset + np.random.default_rng(seed).standard_normal(sum(blocks) + 1)
    moments = Moments()
    for part in np.split(values, np.cumsum([1, *blocks])[:-1]):
        moments.update(part[:, np.newaxis])
    exact = [Fraction(float(value)) for value in values]
    n = len(exact)
    mean = sum(exact) / n
    variance = float(sum((value - mean) ** 2 for value in exact) / (n - 1))
    estimate = moments.estimate()
    assert estimate.n_samples == n
    assert estimate.mean[0] == pytest.approx(float(mean), rel=1e-14, abs=1e-14)
    # Rounding of the mean, 1e-4 at 1e12, is seen there, where a difference of mean squares, of
    # size 1e24, has not one digit left.
    error = abs(estimate.standard_error[0] - np.sqrt(variance / n))
    assert error <= 1e-13 + 1e-15 * abs(offset)


def test_filter_equal_to_the_teacher_has_no_loss_and_no_gradient(rng):
    w_star = np.array([0.6, 0.8])
    result = monte_carlo(3 * w_star, w_star, 2, 100, rng)
    assert result.loss.mean == result.loss.standard_error == 0
    np.testing.assert_array_equal(result.coarse_gradient.mean, [0, 0])


# --- what is refused ------------------------------------------------------------------------------

ONES = np.ones((2, 3, 2))
BAD = {
    "zero filter": ([0.0, 0], [1.0, 0], ONES, "w must have no zero filter"),
    "NaN filter": ([np.nan, 0], [1.0, 0], ONES, "w must be finite"),
    "non-unit teacher": ([1.0, 0], [2.0, 0], ONES, "w_star must have norm 1"),
    "dimensions differ": ([1.0, 0], [1.0, 0, 0], ONES, "w_star must have the same d"),
    "two axes": ([1.0, 0], [1.0, 0], ONES[0], "Z must have shape"),
    "another d": ([1.0, 0, 0], [1.0, 0, 0], ONES, "Z must have shape"),
    "no samples": ([1.0, 0], [1.0, 0], ONES[:0], "Z must have shape"),
    "no patches": ([1.0, 0], [1.0, 0], ONES[:, :0], "Z must have shape"),
    "text": ([1.0, 0], [1.0, 0], np.full((1, 1, 2), "a"), "Z must hold real numbers"),
    "NaN": ([1.0, 0], [1.0, 0], ONES * np.nan, "Z must be finite"),
    "NaN where w is zero": ([1.0, 0], [1.0, 0], ONES * [1, np.nan], "Z must be finite"),
    "infinity": ([0, 1.0], [0, 1.0], ONES * [np.inf, 1], "Z must be finite"),
}


@pytest.mark.parametrize("function", [sample_loss, empirical_risk, sampled_coarse_gradient])
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case, function):
    w, w_star, Z, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        function(w, w_star, Z)


def test_output_refuses_bad_input():
    with pytest.raises(ValueError, match="w must have no zero filter"):
        output([0.0, 0], ONES)
    with pytest.raises(ValueError, match="Z must be finite"):
        output([1.0, 0], np.nan * ONES)


def test_huge_but_finite_samples_are_accepted():
    Z = 1e308 * np.ones((1, 1, 3))
    assert output([1.0, 1, 1], Z) == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be an integer >= 1"),
        ({"n_samples": 1}, "n_samples must be an integer >= 2"),
        ({"dtype": np.float16}, "dtype must be float64 or float32"),
        ({"rng": 0}, "rng must be a numpy.random.Generator"),
        ({"pseudo": "saturating"}, "pseudo must be one of"),
        ({"slope": -1.0}, "slope must be a finite number > 0"),
        ({"w_star": [1.0, 1.0]}, "w_star must have norm 1"),
    ],
)
def test_streaming_refuses_bad_input(arguments, message):
    settings = {"w": [1.0, 0], "w_star": [0, 1.0], "k": 2, "n_samples": 5}
    settings |= {"rng": np.random.default_rng(0), **arguments}
    with pytest.raises(ValueError, match=message):
        monte_carlo(**settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 1), "n_samples must be an integer >= 1"),
        ((1, 1.5, 1), "k must be an integer >= 1"),
        ((1, 1, -1), "d must be an integer >= 1"),
        ((1, 1, 1, np.int64), "dtype must be float64 or float32"),
    ],
)
def test_sampling_refuses_bad_input(rng, arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_inputs(rng, *arguments)


def test_gradient_refuses_a_bad_pseudo_derivative():
    with pytest.raises(ValueError, match="pseudo must be one of relu, identity, clipped_relu"):
        sampled_coarse_gradient([1.0, 0], [1.0, 0], ONES, "staircase")
    with pytest.raises(ValueError, match="slope must be"):
        sampled_coarse_gradient([1.0, 0], [1.0, 0], ONES, slope=np.inf)
