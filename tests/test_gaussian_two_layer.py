"""The two-layer network on Gaussian input, against sums over bits, integrals and plain loops."""

from itertools import pairwise, product

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.gaussian import population
from zeroone.gaussian.two_layer import gradient, loss
from zeroone.gaussian.two_layer_coarse import coarse_gradient
from zeroone.gaussian.two_layer_descent import BOTH_NORMALISED, descend, iterate, largest_step
from zeroone.gaussian.two_layer_stationary import (
    best_output_weights,
    classify,
    has_spurious_minimum,
    saddle_angle,
    stationary_points,
)

DERIVATIVES = ("relu", "identity", "clipped_relu")
ANGLES = st.one_of(
    st.sampled_from([0.0, np.pi / 2, np.pi]),
    st.floats(1e-12, np.pi - 1e-12),
)
LENGTHS = st.sampled_from([1e-300, 1e-6, 0.3, 1.0, 7.0, 1e6, 1e300])


@st.composite
def networks(draw, angles=ANGLES, lengths=LENGTHS, most=5):
    """Draw (v, w, v*, w*, theta): v may be v*, orthogonal to it, or zero."""
    k, d = draw(st.integers(1, most)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    v, v_star = rng.standard_normal((2, k))
    kind = draw(st.sampled_from(["any", "teacher", "orthogonal", "zero", "ones"]))
    if kind == "teacher":
        v = v_star.copy()
    elif kind == "orthogonal":
        v = v - (v @ v_star) / (v_star @ v_star) * v_star
    elif kind == "zero":
        v = 0 * v
    elif kind == "ones":
        v, v_star = np.ones((2, k))
    theta = draw(angles)
    frame, _ = np.linalg.qr(rng.standard_normal((d, 2)))
    w = np.cos(theta) * frame[:, 0] + np.sin(theta) * frame[:, 1]
    if theta == np.pi:
        w = -frame[:, 0]
    return (
        v,
        draw(lengths) * w,
        v_star,
        draw(st.sampled_from([0.1, 1.0, 30.0])) * frame[:, 0],
        theta,
    )


def loss_over_bits(v, v_star, theta):
    """Return the loss as a sum over the bits of student and teacher, patch by patch."""
    p = {(0, 0): (np.pi - theta), (1, 1): (np.pi - theta), (0, 1): theta, (1, 0): theta}
    total = 0.0
    for bits in product(p, repeat=len(v)):
        student, teacher = np.array(bits).T
        chance = np.prod([p[one] / (2 * np.pi) for one in bits])
        total += chance * (v @ student - v_star @ teacher) ** 2 / 2
    return total


# ------------------------------------------------------------------------------------ expectations


@given(networks(most=4))
def test_the_loss_is_a_sum_over_bits(network):
    *four, theta = network
    expected = loss_over_bits(four[0], four[2], theta)
    assert loss(*four) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(networks())
def test_the_gradient_in_v_is_the_slope_of_the_loss(network):
    v, *rest, _ = network
    slopes = [
        (loss(v + 1e-3 * axis, *rest) - loss(v - 1e-3 * axis, *rest)) / 2e-3
        for axis in np.eye(len(v))
    ]
    np.testing.assert_allclose(gradient(v, *rest).v, slopes, atol=1e-10)


@given(networks(angles=st.floats(0.1, np.pi - 0.1), lengths=st.sampled_from([0.3, 1.0, 7.0])))
def test_the_gradient_in_w_is_the_slope_of_the_loss(network):
    v, w, *rest, _ = network
    h = 1e-5 * np.linalg.norm(w)
    slopes = [
        (loss(v, w + h * axis, *rest) - loss(v, w - h * axis, *rest)) / (2 * h)
        for axis in np.eye(len(w))
    ]
    scale = np.linalg.norm(w)
    np.testing.assert_allclose(gradient(v, w, *rest).w * scale, np.array(slopes) * scale, atol=1e-7)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_gradient_at_a_kink_is_zero(sign):
    w_star = np.array([0.6, 0.8, 0.0])
    assert not gradient([1.0, 2.0], 3 * sign * w_star, [2.0, 1.0], w_star).w.any()


def patch_integral(derivative, theta, length):
    """Return E[mu' (step(x) - ...)] parts of one patch by integrals over the angle or a strip.

    (E[mu' step(z.w) z], E[mu' step(z.w*) z], E[mu' z]), each along w^ and across.
    """
    with mp.workdps(30):
        t = mp.mpf(theta)
        c = 1 / mp.mpf(length)

        def phi(x):
            return mp.exp(-(x**2) / 2) / mp.sqrt(2 * mp.pi)

        def on(x):  # the probability that the teacher is on
            return mp.ncdf(x * mp.cot(t)) if 0 < theta < np.pi else mp.mpf((x > 0) == (theta == 0))

        def edge(x):
            return phi(x * mp.cot(t)) if 0 < theta < np.pi else mp.mpf(0)

        low, high = {
            "relu": (0, mp.inf),
            "identity": (-mp.inf, mp.inf),
            "clipped_relu": (0, c),
        }[derivative]
        places = [each for each in (low, mp.mpf(0), mp.mpf(min(1, c)), high)]
        places = sorted({each for each in places if low <= each <= high})
        own = mp.quad(lambda x: x * phi(x), [max(low, 0), high])
        taught = [
            mp.quad(lambda x: x * phi(x) * on(x), places),
            mp.quad(lambda x: phi(x) * edge(x), places),
        ]
        free = 0 if derivative == "identity" else own
        return float(own), [float(each) for each in taught], float(free)


@pytest.mark.parametrize("derivative", DERIVATIVES)
@pytest.mark.parametrize("theta", [0.0, 0.05, 1.0, np.pi / 2, 2.5, np.pi])
@pytest.mark.parametrize("length", [1e-3, 0.5, 1.0, 30.0])
def test_the_coarse_gradient_is_an_integral(derivative, theta, length):
    rng = np.random.default_rng(int(1000 * theta + length))
    v, v_star = rng.standard_normal((2, 3))
    w_star, across = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    w = length * (np.cos(theta) * w_star + np.sin(theta) * across)
    if theta == np.pi:
        w = -length * w_star
    direction = w / length
    n = np.sin(theta) * w_star - np.cos(theta) * across
    own, taught, free = patch_integral(derivative, theta, length)
    expected = np.zeros(2)
    for i, j in product(range(3), repeat=2):
        if i == j:
            expected += v[i] * v[i] * own * direction
            expected -= v[i] * v_star[i] * (taught[0] * direction + taught[1] * n)
        else:
            expected += v[i] * (v[j] - v_star[j]) / 2 * free * direction
    found = coarse_gradient(v, w, v_star, w_star, derivative)
    np.testing.assert_allclose(found.w, expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(found.v, gradient(v, w, v_star, w_star).v)


@given(networks(), st.sampled_from(DERIVATIVES))
def test_ones_are_part_a(network, derivative):
    _, w, _, w_star, _ = network
    for k in (1, 4):
        ones = np.ones(k)
        unit = w_star / np.linalg.norm(w_star)
        four = (ones, w, ones, w_star)
        assert loss(*four) == pytest.approx(float(population.population_loss(w, unit, k)))
        np.testing.assert_allclose(gradient(*four).w, population.true_gradient(w, unit, k))
        np.testing.assert_allclose(
            coarse_gradient(*four, derivative).w,
            population.expected_coarse_gradient(w, unit, k, derivative, slope=1.0),
            atol=1e-15,
        )


@given(networks(lengths=st.sampled_from([0.3, 7.0])), st.sampled_from(DERIVATIVES))
def test_patches_and_axes_have_no_order(network, derivative):
    v, w, v_star, w_star, _ = network
    order, turn = (
        np.roll(np.arange(len(v)), 1),
        np.linalg.qr(np.vander(np.arange(1.0, len(w) + 1)))[0],
    )
    one = coarse_gradient(v, w, v_star, w_star, derivative)
    other = coarse_gradient(v[order], turn @ w, v_star[order], turn @ w_star, derivative)
    np.testing.assert_allclose(other.v, one.v[order], atol=1e-12)
    np.testing.assert_allclose(other.w, turn @ one.w, atol=1e-9)


@given(networks())
def test_only_directions_count_in_the_loss(network):
    v, w, v_star, w_star, _ = network
    assert loss(v, w * 2.0**20, v_star, w_star * 2.0**-20) == loss(v, w, v_star, w_star)
    assert loss(v, w, v_star, w_star) >= -1e-12


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_many_networks_are_single_ones(derivative):
    rng = np.random.default_rng(0)
    v, w = rng.standard_normal((4, 1, 3)), rng.standard_normal((5, 2))
    v_star, w_star = rng.standard_normal(3), rng.standard_normal(2)
    losses = loss(v, w, v_star, w_star)
    both = coarse_gradient(v, w, v_star, w_star, derivative)
    assert (losses.shape, both.v.shape, both.w.shape) == ((4, 5), (4, 5, 3), (4, 5, 2))
    for i, j in product(range(4), range(5)):
        one = coarse_gradient(v[i, 0], w[j], v_star, w_star, derivative)
        assert losses[i, j] == pytest.approx(float(loss(v[i, 0], w[j], v_star, w_star)))
        np.testing.assert_allclose(both.v[i, j], one.v, atol=1e-14)
        np.testing.assert_allclose(both.w[i, j], one.w, atol=1e-14)


def test_float32_stays():
    rng = np.random.default_rng(1)
    four = [rng.standard_normal(n).astype(np.float32) for n in (3, 2, 3, 2)]
    assert loss(*four).dtype == np.float32
    assert {each.dtype for each in coarse_gradient(*four, "clipped_relu")} == {np.dtype(np.float32)}
    assert {each.dtype for each in gradient(*four)} == {np.dtype(np.float32)}
    done = descend(*four, eta=0.1, n_iter=2)
    assert done.v.dtype == done.w.dtype == np.float32
    assert loss(*four[:3], four[3].astype(float)).dtype == np.float64


@pytest.mark.parametrize(
    ("four", "what"),
    [
        (([1.0], [0.0, 0.0], [1.0], [1.0, 0.0]), "w must have no zero filter"),
        (([1.0], [1.0, 0.0], [1.0], [0.0, 0.0]), "w_star must have no zero filter"),
        (([1.0, 2.0], [1.0, 0.0], [1.0], [1.0, 0.0]), "v_star must have the 2 entries of v"),
        (([1.0], [1.0, 0.0], [1.0], [1.0]), "w_star must have the 2 entries of w"),
        ((1.0, [1.0], [1.0], [1.0]), "v must have shape"),
        (([np.nan], [1.0], [1.0], [1.0]), "v must be finite"),
        (([[1.0], [2.0]], [[1.0]] * 3, [1.0], [1.0]), "must have leading axes that broadcast"),
    ],
)
def test_bad_networks(four, what):
    for function in (loss, gradient, coarse_gradient, largest_step):
        with pytest.raises(ValueError, match=what):
            function(*four)


def test_bad_derivative():
    for function in (coarse_gradient, largest_step):
        with pytest.raises(ValueError, match="derivative must be one of"):
            function([1.0], [1.0], [1.0], [1.0], "sigmoid")


# ------------------------------------------------------------------------------- stationary points


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 8),
    st.sampled_from([0.0, 0.5, 3.0]),
    st.sampled_from([1e-150, 1.0, 1e100]),
)
def test_points_are_stationary(seed, k, shift, scale):
    v_star = np.random.default_rng(seed).standard_normal(k) + shift
    points = stationary_points(scale * v_star, d=2)
    assert points[0].kind == "minimum"
    w_star, smaller = np.array([1.0, 0.0]), 1e-4
    for point in points:
        w = np.array([np.cos(point.theta), np.sin(point.theta)])
        w = -w_star if point.theta == np.pi else w
        v = point.v / scale
        slope = gradient(v, w, v_star, w_star)
        assert np.abs(slope.v).max() < 1e-12
        assert np.abs(slope.w).max() < 1e-12 * np.sum(v_star**2)
        assert point.loss / scale**2 == pytest.approx(float(loss(v, w, v_star, w_star)), abs=1e-9)
        np.testing.assert_allclose(v, best_output_weights(point.theta, v_star), atol=1e-12)
    # What is said of the angle pi: the least loss at an angle a little smaller.
    theta = np.pi - smaller
    beside = loss(
        best_output_weights(theta, v_star), [np.cos(theta), np.sin(theta)], v_star, w_star
    )
    rises = beside > points[-1].loss / scale**2
    if k > 1 and abs(saddle_angle(v_star) - np.pi) > 2 * smaller:
        assert (points[-1].kind != "saddle") == rises
        assert len(points) == (3 if rises else 2)


def test_with_one_patch_there_is_no_spurious_minimum():
    assert not has_spurious_minimum([0.3])
    assert saddle_angle([-7.1]) == np.pi
    assert [point.kind for point in stationary_points([2.0], d=2)] == ["minimum", "saddle"]


def test_in_one_dimension_the_angle_pi_is_a_local_minimum():
    assert [each.kind for each in stationary_points([1.0, 1.0], d=1)] == ["minimum", SPURIOUS]
    assert [each.kind for each in stationary_points([1.0, -1.0], d=1)] == ["minimum", "minimum"]


SPURIOUS = "spurious minimum"


def test_a_sum_of_zero_is_another_global_minimum():
    v_star = np.array([0.1, 0.2, -0.3])  # does not add up to 0 in float64
    assert v_star.sum() != 0
    far = stationary_points(v_star, d=3)[-1]
    assert (far.kind, far.theta) == ("minimum", np.pi)
    assert not has_spurious_minimum(v_star)
    np.testing.assert_allclose(far.v, -v_star, atol=1e-15)
    Z = np.random.default_rng(0).standard_normal((1000, 3, 2))
    student = (Z @ [-1.0, 0.5] > 0) @ far.v
    teacher = (Z @ [1.0, -0.5] > 0) @ v_star
    np.testing.assert_allclose(student, teacher, atol=1e-12)


def test_classify():
    v_star, w_star = np.array([1.0, 0.0]), np.array([0.0, 2.0])
    minimum, saddle, spurious = stationary_points(v_star, d=2)
    filters = [[np.sin(each.theta), np.cos(each.theta)] for each in (minimum, saddle, spurious)]
    v = [minimum.v, saddle.v, spurious.v]
    kinds = ["minimum", "saddle", SPURIOUS]
    assert classify(v, 5 * np.array(filters), v_star, w_star).tolist() == kinds
    assert classify(v, filters[::-1], v_star, w_star).tolist() == ["neither", "saddle", "neither"]
    assert classify(v[0], filters[0], v_star, w_star) == "minimum"
    assert classify(np.array(v) + 0.1, filters, v_star, w_star, tolerance=0.2).tolist() == kinds


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: stationary_points([0.0, 0.0], d=2), "v_star must not be zero"),
        (lambda: stationary_points([[1.0]], d=2), "v_star must have shape"),
        (lambda: stationary_points([1.0], d=0), "d must be an integer >= 1"),
        (lambda: has_spurious_minimum(1.0), "v_star must have shape"),
        (lambda: best_output_weights(-0.1, [1.0]), "theta must be between 0 and pi"),
        (lambda: best_output_weights(np.nan, [1.0]), "theta must be finite"),
        (lambda: classify([1.0], [1.0], [1.0], [1.0], tolerance=0), "tolerance must be"),
    ],
)
def test_bad_stationary_points(call, what):
    with pytest.raises(ValueError, match=what):
        call()


# ----------------------------------------------------------------------------------------- descent


def plain_loop(v, w, v_star, w_star, eta, n_iter, derivative, normalise):
    """Return v and w after descent, in the printed forms (ReLU and identity)."""
    k, root = len(v), np.sqrt(2 * np.pi)
    one, ones = np.eye(k), np.ones((k, k))
    w = w / np.linalg.norm(w) if normalise else w
    for _ in range(n_iter):
        direction = w / np.linalg.norm(w)
        theta, dot = np.arccos(np.clip(direction @ w_star, -1, 1)), v @ v_star
        by_v = (one + ones) @ v / 4 - ((1 - 2 * theta / np.pi) * one + ones) @ v_star / 4
        if derivative == "identity":
            by_w = ((v @ v) * direction - dot * w_star) / root
        else:
            s = v @ v + v.sum() ** 2 - v.sum() * v_star.sum() + dot
            middle = (direction + w_star) / np.linalg.norm(direction + w_star)
            by_w = s / (2 * root) * direction - np.cos(theta / 2) * dot / root * middle
        v, w = v - eta * by_v, w - eta * by_w
        w = w / np.linalg.norm(w) if normalise else w
    return v, w


@pytest.mark.parametrize("derivative", ["relu", "identity"])
@pytest.mark.parametrize("normalise", [False, True])
def test_descent_is_a_plain_loop(derivative, normalise):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        v, v_star = rng.standard_normal((2, 4))
        w, w_star = rng.standard_normal((2, 3))
        w_star /= np.linalg.norm(w_star)
        options = {"derivative": derivative, "normalise": normalise}
        done = descend(v, 5 * w, v_star, w_star, eta=0.1, n_iter=30, **options)
        expected = plain_loop(v, 5 * w, v_star, w_star, 0.1, 30, **options)
        np.testing.assert_allclose(done.v, expected[0], atol=1e-9)
        np.testing.assert_allclose(done.w, expected[1], atol=1e-9)


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_steps_are_those_of_many_runs(derivative):
    rng = np.random.default_rng(3)
    v, w = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    v_star, w_star = rng.standard_normal(3), rng.standard_normal(2)
    eta = np.array([0.01, 0.02, 0.1, 0.1, 0.2, 0.3])
    options = {"n_iter": 7, "derivative": derivative, "normalise": True}
    many = descend(v, w, v_star, w_star, eta=eta, record_every=3, **options)
    assert many.iterations.tolist() == [0, 3, 6, 7]
    for run in range(6):
        steps = list(iterate(v[run], w[run], v_star, w_star, eta=eta[run], **options))
        assert [step.sweep for step in steps] == list(range(1, 8))
        assert steps[0].block == BOTH_NORMALISED
        losses = [steps[0].objective_before, *(step.objective_after for step in steps)]
        np.testing.assert_allclose(many.losses[:, run], np.array(losses)[many.iterations])
        np.testing.assert_allclose(many.v[run], steps[-1].state.v)
        np.testing.assert_allclose(many.w[run], steps[-1].state.w)
        for earlier, later in pairwise(steps):
            assert earlier.after == later.before
    np.testing.assert_allclose(many.norms, 1)
    np.testing.assert_allclose(many.distances[-1], np.linalg.norm(many.v - v_star, axis=1))


@settings(max_examples=200)
@given(networks(), st.sampled_from(DERIVATIVES), st.floats(0.01, 1))
def test_the_loss_does_not_rise_up_to_the_largest_step(network, derivative, share):
    *four, _ = network
    before = loss(*four)
    eta = share * largest_step(*four, derivative)
    if eta <= 1e-300:  # nothing moves
        return
    done = descend(*four, eta=eta, n_iter=1, derivative=derivative)
    assert loss(done.v, done.w, *four[2:]) <= before + 1e-12 * (1 + before)


def test_largest_step_where_nothing_pulls():
    # v = v* = 0: E g = 0, and only the second condition counts.
    assert largest_step([0.0, 0.0], [1.0], [0.0, 0.0], [1.0]) == pytest.approx(8 / 3)


def test_the_network_that_a_step_yields_is_not_changed_later():
    steps = iterate([1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0], eta=0.1, n_iter=3)
    first = next(steps).state
    v, w = first.v.copy(), first.w.copy()
    list(steps)
    np.testing.assert_array_equal(first.v, v)
    np.testing.assert_array_equal(first.w, w)


def test_relu_stays_and_identity_leaves():
    v_star, w_star = np.array([1.0, 0.0]), np.array([1.0, 0.0])
    spurious = stationary_points(v_star, d=2)[-1]
    start = (spurious.v, [-1.0, 0.01], v_star, w_star)
    options = {"eta": 0.02, "n_iter": 3000}
    for derivative in ("relu", "clipped_relu"):
        done = descend(*start, derivative=derivative, **options)
        assert classify(done.v, done.w, v_star, w_star, 0.02) == SPURIOUS
    done = descend(*start, derivative="identity", **options)
    assert classify(done.v, done.w, v_star, w_star, 0.02) == "minimum"
    done = descend(*start, derivative="identity", normalise=True, **options)
    assert classify(done.v, done.w, v_star, w_star, 0.02) == SPURIOUS


def test_at_the_angle_pi_the_filter_keeps_its_direction():
    w_star = np.array([1.0, 0.0])
    for derivative in DERIVATIVES:
        done = descend([0.5, 0.4], -9 * w_star, [1.0, 1.0], w_star, eta=0.1, n_iter=100,
                       derivative=derivative)  # fmt: skip
        assert done.w[1] == 0
        assert done.w[0] < 0


def test_one_dimension():
    done = descend([2.0], [3.0], [-1.0], [-2.0], eta=0.1, n_iter=50, normalise=True)
    assert done.v.shape == done.w.shape == (1,)
    assert set(np.unique(done.angles)) <= {0.0, np.pi}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"eta": 0.0}, "eta must be"),
        ({"eta": np.nan}, "eta must be finite"),
        ({"eta": [0.1, 0.2]}, "eta must broadcast"),
        ({"n_iter": 0}, "n_iter must be"),
        ({"n_iter": 2.5}, "n_iter must be"),
        ({"derivative": "sign"}, "derivative must be one of"),
        ({"record_every": 0}, "record_every must be"),
        ({"n_iter": 10**9, "record_every": 1}, "record_every must leave"),
    ],
)
def test_bad_descent(options, what):
    start = (np.ones((3, 2)), np.ones((3, 2)), [1.0, 2.0], [1.0, 0.0])
    with pytest.raises(ValueError, match=what):
        descend(*start, **{"eta": 0.1, "n_iter": 3, **options})


def test_bad_steps_are_refused_by_the_call():
    with pytest.raises(ValueError, match="must make one run"):
        iterate(np.ones((3, 2)), [1.0], [1.0, 2.0], [1.0], eta=0.1, n_iter=3)
    with pytest.raises(ValueError, match="n_iter must be"):
        iterate([1.0], [1.0], [1.0], [1.0], eta=0.1, n_iter=0)


@pytest.mark.parametrize("eta", [1e200, 100.0])
def test_a_senseless_step_is_reported(eta):
    with pytest.raises(FloatingPointError, match=f"eta = {eta:g}".replace("+", r"\+")):
        descend([1.0, 3.0], [1.0, 1.0], [2.0, 1.0], [1.0, 0.0], eta=eta, n_iter=1000)


def test_a_run_that_lands_on_the_zero_filter_is_reported():
    # Along w the identity's step is (|v|^2 - v . v*) / sqrt(2 pi): it takes w to zero exactly.
    v, v_star, w_star = [1.0, 0.0], [0.0, 1.0], np.array([1.0, 0.0])
    step = coarse_gradient(v, w_star, v_star, w_star, "identity").w
    with pytest.raises(FloatingPointError, match="zero filter"):
        descend(v, step, v_star, w_star, eta=1.0, n_iter=1, derivative="identity")
