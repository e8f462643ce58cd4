"""Closed forms of the Gaussian network against high-precision arithmetic, at the edges too."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zeroone.gaussian as gaussian
from zeroone.gaussian import angle, coarse_gradient, population_loss, true_gradient
from zeroone.gaussian.population import PSEUDO, expected_coarse_gradient

ANGLES = [0.0, 1e-300, 1e-200, 1e-17, 1e-16, 3e-16, 1e-12, 1e-8, 1e-4, 0.3, 1.0, np.pi / 2]
LENGTHS = [1e-150, 1e-3, 1.0, 1e7, 1e150]
quick = settings(deadline=None, max_examples=40)


def exact(vector):
    return [mp.mpf(float(x)) for x in vector]


def exact_angle(w, w_star, digits=60):
    """Return the angle from sin = sqrt(|w|^2 |w*|^2 - (w.w*)^2) and cos, with digits to spare."""
    with mp.workdps(digits):
        w, w_star = exact(w), exact(w_star)
        dot = mp.fdot(w, w_star)
        cross = mp.fdot(w, w) * mp.fdot(w_star, w_star) - dot**2
        return mp.atan2(mp.sqrt(max(cross, 0)), dot)


def error(ours, truth):
    return float(abs(mp.mpf(float(ours)) - truth))


def orthonormal(rng, d):
    a, b = rng.standard_normal((2, d))
    a /= np.linalg.norm(a)
    b -= (a @ b) * a
    return a, b / np.linalg.norm(b)


# --- angle ------------------------------------------------------------------------------------


@pytest.mark.parametrize("obtuse", [False, True])
@pytest.mark.parametrize("theta", ANGLES)
@pytest.mark.parametrize("length", LENGTHS)
def test_angle_is_right_to_14_digits(theta, obtuse, length):
    rng = np.random.default_rng(1)
    for d in (2, 3, 50):
        a, b = orthonormal(rng, d)
        w = length * (np.cos(theta) * a + np.sin(theta) * b) * (-1 if obtuse else 1)
        for w_star in (a, 3 * a, a / length):
            assert error(angle(w, w_star), exact_angle(w, w_star)) <= 1e-14
            assert angle(w, w_star) == angle(w_star, w)


@pytest.mark.parametrize("theta", [0.0, 1e-300, 1e-8, 1.0, np.pi - 1e-8, np.pi])
@pytest.mark.parametrize("length", [1e-150, 1.0, 1e150])
def test_angle_in_10000_dimensions(theta, length):
    a, b = orthonormal(np.random.default_rng(2), 10_000)
    w = length * (np.cos(theta) * a + np.sin(theta) * b)
    assert error(angle(w, a), exact_angle(w, a)) <= 1e-14


@pytest.mark.parametrize("tiny", [1e-300, 1e-155, 1e-20, 1e-9])
def test_angle_of_axes_keeps_all_digits_of_a_tiny_angle(tiny):
    # cos is 1 in any precision in use, and the square of 1e-300 is 0.
    truth = exact_angle([1, tiny], [1, 0], digits=700)
    assert float(angle([1.0, tiny], [1.0, 0.0])) == pytest.approx(float(truth), rel=1e-15)
    assert angle([-1.0, tiny], [1.0, 0.0]) == np.pi - tiny


def test_angle_where_arccos_loses_half_the_digits():
    w, w_star = np.array([1.0, 1e-8]), np.array([1.0, 0.0])
    assert abs(np.arccos(w @ w_star / np.linalg.norm(w)) - 1e-8) > 1e-9
    assert abs(angle(w, w_star) - 1e-8) < 1e-22


@quick
@given(
    st.lists(st.floats(-1e150, 1e150).filter(lambda x: x == 0 or abs(x) > 1e-150), min_size=1),
    st.integers(0, 2**32 - 1),
    st.floats(1e-100, 1e100),
)
def test_angle_of_arbitrary_vectors(values, seed, scale):
    w = np.array(values)
    if not w.any():
        w[0] = 1
    rng = np.random.default_rng(seed)
    w_star = rng.permutation(w) * scale
    assert error(angle(w, w_star), exact_angle(w, w_star, digits=700)) <= 1e-14
    assert angle(w, w) == 0
    assert angle(w, -w) == np.pi


@pytest.mark.parametrize("length", [5e-324, 1e-310, 1e308])
def test_angle_at_the_ends_of_the_range_of_numbers(length):
    assert angle([length, length], [0, 1.0]) == pytest.approx(np.pi / 4, rel=1e-15)


def test_angle_does_not_depend_on_memory_layout():
    rng = np.random.default_rng(3)
    w = rng.standard_normal((5, 10_000))
    w_star = w + 1e-12 * rng.standard_normal(w.shape)
    np.testing.assert_array_equal(angle(np.asfortranarray(w), w_star), angle(w, w_star))


# --- shapes and precision ---------------------------------------------------------------------

FUNCTIONS = [population_loss, true_gradient, coarse_gradient] + [
    lambda w, w_star, k, kind=kind: expected_coarse_gradient(w, w_star, k, kind) for kind in PSEUDO
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_batches_agree_with_single_filters(function):
    rng = np.random.default_rng(4)
    w, w_star = rng.standard_normal((4, 1, 6)), rng.standard_normal((3, 6))
    w_star /= np.linalg.norm(w_star, axis=1, keepdims=True)
    k = np.array([[1], [2], [3], [50]])
    batch = function(w, w_star, k)
    assert batch.shape[:2] == (4, 3)
    for i in range(4):
        for j in range(3):
            single = function(w[i, 0], w_star[j], int(k[i, 0]))
            np.testing.assert_allclose(batch[i, j], single, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_k_alone_makes_a_batch(function):
    result = function([1.0, 2.0], [0.0, 1.0], [1, 4])
    np.testing.assert_allclose(result[1], 4 * result[0], rtol=1e-15)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_float32_is_kept_and_rounded_once(function):
    rng = np.random.default_rng(5)
    w = rng.standard_normal((20, 7)).astype(np.float32)
    w_star = np.eye(7, dtype=np.float32)[2]
    ours = function(w, w_star, 3)
    assert ours.dtype == np.float32
    wide = function(w.astype(float), w_star.astype(float), 3)
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(ours, wide.astype(np.float32))
    assert function(w, w_star.astype(float), 3).dtype == np.float64


def test_teacher_normalised_in_float32_is_accepted():
    w_star = np.random.default_rng(6).standard_normal(1000).astype(np.float32)
    w_star /= np.linalg.norm(w_star)
    population_loss(np.ones(1000, np.float32), w_star, 1)


# --- loss and true gradient -------------------------------------------------------------------


def test_loss_at_known_angles():
    assert population_loss([1.0, 0], [1.0, 0], 8) == 0
    assert population_loss([0, 3.0], [1.0, 0], 8) == pytest.approx(2)
    assert population_loss([-0.1, 0], [1.0, 0], 8) == pytest.approx(4)


def exact_gradient(w, w_star, k, digits=50):
    """Differentiate (k / 2 pi) arccos(w.w* / (|w| |w*|)) numerically in each coordinate."""
    with mp.workdps(digits):
        w, w_star = exact(w), exact(w_star)
        norm_star = mp.sqrt(mp.fdot(w_star, w_star))

        def loss(u):
            cosine = mp.fdot(u, w_star) / (mp.sqrt(mp.fdot(u, u)) * norm_star)
            return k * mp.acos(cosine) / (2 * mp.pi)

        length = mp.sqrt(mp.fdot(w, w))
        h = length * mp.mpf(10) ** -20
        moved = [[x + (h if i == j else 0) for i, x in enumerate(w)] for j in range(len(w))]
        back = [[x - (h if i == j else 0) for i, x in enumerate(w)] for j in range(len(w))]
        return [(loss(u) - loss(v)) / (2 * h) for u, v in zip(moved, back, strict=True)]


@quick
@given(st.integers(2, 8), st.integers(0, 2**32 - 1), st.sampled_from([1e-150, 1e-3, 1.0, 1e150]))
def test_true_gradient_against_high_precision_differences(d, seed, length):
    rng = np.random.default_rng(seed)
    a, b = orthonormal(rng, d)
    theta = rng.choice([rng.uniform(0.01, np.pi - 0.01), 1e-3, 1e-6, np.pi - 1e-6])
    w = length * (np.cos(theta) * a + np.sin(theta) * b)
    truth = np.array([float(g * length) for g in exact_gradient(w, a, 3)])
    ours = true_gradient(w, a, 3) * length
    # The direction changes by rounding / sin(theta) when w is rounded.
    assert np.linalg.norm(ours - truth) <= 1e-15 / np.sin(theta)


@pytest.mark.parametrize("theta", [1e-14, 1e-11, 1e-7, 1e-3, 1.0, np.pi - 1e-7, np.pi - 1e-11])
def test_true_gradient_near_the_kink_keeps_its_length_and_stays_tangent(theta):
    a, b = orthonormal(np.random.default_rng(7), 30)
    w = 5 * (np.cos(theta) * a + np.sin(theta) * b)
    gradient = true_gradient(w, a, 4)
    assert np.linalg.norm(gradient) == pytest.approx(4 / (2 * np.pi * 5), rel=1e-14)
    assert abs(gradient @ w) < 1e-15
    # Downhill lies the great circle through w* and b, towards w*: -b near w*, b near -w*.
    assert -gradient @ b * np.cos(theta) < 0


@quick
@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.floats(1e-100, 1e100), st.booleans())
def test_true_gradient_is_zero_where_it_is_undefined(d, seed, length, obtuse):
    w_star = np.random.default_rng(seed).standard_normal(d)
    w_star /= np.linalg.norm(w_star)
    w = (-length if obtuse else length) * w_star
    np.testing.assert_array_equal(true_gradient(w, w_star, 2), np.zeros(d))


@pytest.mark.parametrize("length", [5e-324, 1e-310, 1e-300, 1e300, 1e308])
def test_gradients_at_the_ends_of_the_range_of_numbers(length):
    w, w_star = np.array([length, length]), np.array([0.0, 1.0])
    with np.errstate(over="ignore"):  # infinite below 1e-308
        expected = np.array([1, -1]) / np.sqrt(2) / (2 * np.pi * np.sqrt(2) * np.longdouble(length))
        expected = expected.astype(float)
    np.testing.assert_allclose(true_gradient(w, w_star, 1), expected, rtol=1e-14, atol=1e-308)
    for pseudo in ("relu", "identity"):
        np.testing.assert_allclose(
            expected_coarse_gradient(w, w_star, 1, pseudo),
            expected_coarse_gradient([1, 1], w_star, 1, pseudo),
            rtol=1e-14,
        )
    assert np.isfinite(expected_coarse_gradient(w, w_star, 1, "clipped_relu")).all()


# --- coarse gradients -------------------------------------------------------------------------


def test_coarse_gradient_at_the_ends():
    w_star = np.array([0.6, 0.8])
    np.testing.assert_array_equal(coarse_gradient(w_star, w_star, 3), [0, 0])
    np.testing.assert_allclose(coarse_gradient(-7 * w_star, w_star, 3), -3 / np.pi * w_star)


def test_relu_is_the_paper_and_identity_is_twice_that():
    rng = np.random.default_rng(8)
    w = rng.standard_normal((10, 5))
    w_star = np.eye(5)[0]
    paper = coarse_gradient(w, w_star, 7)
    np.testing.assert_allclose(expected_coarse_gradient(w, w_star, 7), paper, rtol=1e-14)
    identity = expected_coarse_gradient(w, w_star, 7, "identity")
    np.testing.assert_allclose(identity, 2 * paper, rtol=1e-14)
    without_factor = expected_coarse_gradient(w, w_star, 7, slope=1.0)
    np.testing.assert_allclose(without_factor, paper * np.sqrt(np.pi / 2), rtol=1e-14)


def clipped_by_quadrature(w, w_star, k):
    """Integrate one patch over the preactivation s: docs/theory.md#a1, with mu' = 1[0 < x <= 1]."""
    with mp.workdps(30):
        w, w_star = exact(w), exact(w_star)
        length = mp.sqrt(mp.fdot(w, w))
        w = [x / length for x in w]
        cosine = mp.fdot(w, w_star)
        across = [y - cosine * x for x, y in zip(w, w_star, strict=True)]
        sine = mp.sqrt(mp.fdot(across, across))
        c, cot = min(1 / length, mp.mpf(14)), cosine / sine
        points = sorted({mp.mpf(0), min(c, abs(sine)), min(c, 6 * abs(sine)), c})
        along = mp.quad(lambda s: s * mp.npdf(s) * mp.ncdf(-s * cot), points)
        sideways = -mp.quad(lambda s: mp.npdf(s) * mp.npdf(s * cot), points)
        factor = mp.sqrt(2 / mp.pi) * k
        pairs = zip(w, across, strict=True)
        return [factor * (along * x + sideways * y / sine) for x, y in pairs]


@pytest.mark.parametrize("theta", [1e-6, 0.01, np.pi / 2, 2.5, np.pi - 1e-6])
@pytest.mark.parametrize("length", [1e-8, 0.3, 1.0, 50.0, 1e7])
def test_clipped_relu_against_quadrature(theta, length):
    a, b = orthonormal(np.random.default_rng(9), 3)
    w = length * (np.cos(theta) * a + np.sin(theta) * b)
    truth = clipped_by_quadrature(w, a, 2)
    ours = expected_coarse_gradient(w, a, 2, "clipped_relu")
    size = float(mp.norm(truth))
    # Rounding of the result, and of w: w^ moves by 1e-16, and E g by as much (for long w, by less).
    moved = 1e-15 * min(1, 1 / (length * np.sin(theta)))
    difference = [mp.mpf(float(x)) - y for x, y in zip(ours, truth, strict=True)]
    assert float(mp.norm(difference)) <= 1e-15 * size + moved


def test_clipped_relu_at_the_kinks_and_in_the_limits():
    w_star = np.array([0.6, 0.8])
    for length in (1e-300, 1e-3, 1.0, 1e3, 1e300):
        zero = expected_coarse_gradient(length * w_star, w_star, 2, "clipped_relu")
        np.testing.assert_allclose(zero, [0, 0], atol=1e-16 * min(1, 1 / length))
        along = expected_coarse_gradient(-length * w_star, w_star, 2, "clipped_relu")
        clip = -np.expm1(-0.5 * min(1 / length, 1e3) ** 2)
        np.testing.assert_allclose(along, -2 / np.pi * clip * w_star, rtol=1e-13)
    short = np.array([1e-5, -3e-5])
    np.testing.assert_allclose(
        expected_coarse_gradient(short, w_star, 2, "clipped_relu"),
        coarse_gradient(short, w_star, 2),
        rtol=1e-13,
    )


# --- what is refused --------------------------------------------------------------------------

BAD = {
    "zero filter": ([[1.0, 0], [0, 0]], [1.0, 0], 1, "w must have no zero filter"),
    "NaN": ([np.nan, 0], [1.0, 0], 1, "w must be finite"),
    "infinity": ([np.inf, 0], [1.0, 0], 1, "w must be finite"),
    "a number": (1.0, [1.0], 1, "w must have shape"),
    "text": (["a", "b"], [1.0, 0], 1, "w must hold real numbers"),
    "empty": (np.empty((0, 2)), [1.0, 0], 1, "w must not be empty"),
    "non-unit teacher": ([1.0, 0], [1.0, 1e-3], 1, "w_star must have norm 1"),
    "zero teacher": ([1.0, 0], [0.0, 0], 1, "w_star must have no zero filter"),
    "NaN teacher": ([1.0, 0], [np.nan, 0], 1, "w_star must be finite"),
    "dimensions differ": ([1.0, 0, 0], [1.0, 0], 1, "w_star must have the same d"),
    "leading axes": (np.ones((3, 2)), np.eye(2), 1, "w_star must have the same d"),
    "k = 0": ([1.0, 0], [1.0, 0], 0, "k must be an integer >= 1"),
    "k a fraction": ([1.0, 0], [1.0, 0], 1.5, "k must be an integer >= 1"),
    "k NaN": ([1.0, 0], [1.0, 0], np.nan, "k must be an integer >= 1"),
    "k a bool": ([1.0, 0], [1.0, 0], True, "k must be an integer >= 1"),
    "ks with 0": ([1.0, 0], [1.0, 0], [1, 0], "k must be an integer >= 1"),
    "ks fractions": ([1.0, 0], [1.0, 0], [1.0, 2.5], "k must be an integer >= 1"),
    "no ks": ([1.0, 0], [1.0, 0], [], "k must be an integer >= 1"),
    "too many ks": (np.ones((3, 2)), [1.0, 0], [1, 2], "k must broadcast"),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case, function):
    w, w_star, k, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        function(w, w_star, k)


def test_angle_refuses_bad_input_but_takes_any_norm():
    assert angle([2.0, 0], [0, 1e-3]) == pytest.approx(np.pi / 2)
    with pytest.raises(ValueError, match="w_star must have no zero filter"):
        angle([2.0, 0], [0, 0])
    with pytest.raises(ValueError, match="w must be finite"):
        angle([np.nan, 0], [0, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pseudo": "saturating"}, "pseudo must be one of relu, identity, clipped_relu"),
        ({"slope": 0.0}, "slope must be a finite number > 0"),
        ({"slope": np.nan}, "slope must be a finite number > 0"),
    ],
)
def test_bad_pseudo_derivative_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        expected_coarse_gradient([1.0, 0], [1.0, 0], 1, **arguments)


def test_public_names():
    for name in ("angle", "population_loss", "true_gradient", "coarse_gradient"):
        assert callable(getattr(gaussian, name))
