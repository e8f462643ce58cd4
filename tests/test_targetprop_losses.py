"""Losses, targets, output losses and batch normalisation against scalars, definitions and edges."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.activations import staircase
from zeroone.targetprop.losses import (
    LOSSES,
    SURROGATES,
    layer_gradient,
    layer_loss,
    margin_loss,
)
from zeroone.targetprop.normalise import EPSILON, Normalisation
from zeroone.targetprop.output import OUTPUT_LOSSES, output_loss, strongest_rivals
from zeroone.targetprop.targets import set_targets, staircase_targets, step_thresholds

SMALL = settings(deadline=None, max_examples=80)
CONVEX = ("hinge", "linear", "logistic", "squared_hinge")
EDGES = [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, 1e-17, 40.0, 800.0, 1e5, 1e150]
EDGES += [math.nextafter(1, 2), math.nextafter(1, 0), math.nextafter(-1, -2), math.nextafter(-1, 0)]
margins = st.one_of(
    st.sampled_from([*EDGES, *(-value for value in EDGES)]),
    st.floats(-1e150, 1e150),
    st.floats(-5, 5),
)
matrices = st.integers(1, 4).flatmap(
    lambda n: st.integers(1, 4).flatmap(
        lambda m: st.lists(
            st.lists(st.one_of(margins, st.floats(-3, 3)), min_size=m, max_size=m),
            min_size=n,
            max_size=n,
        ).map(np.array)
    )
)


def value_by_hand(name, m):
    """Return a loss of one margin in 50 digits."""
    m = mpmath.mpf(m)
    return {
        "hinge": lambda: max(0, 1 - m),
        "saturated_hinge": lambda: min(2, max(0, 1 - m)),
        "soft_hinge": lambda: 1 - mpmath.tanh(m),
        "linear": lambda: -m,
        "logistic": lambda: mpmath.log1p(mpmath.exp(-m)),
        "squared_hinge": lambda: max(0, 1 - m) ** 2,
    }[name]()


def derivative_by_hand(name, m):
    """Return its derivative in 50 digits; at a kink, that of the side stated."""
    m = mpmath.mpf(m)
    return {
        "hinge": lambda: -1 if m <= 1 else 0,
        "saturated_hinge": lambda: -1 if -1 <= m <= 1 else 0,
        "soft_hinge": lambda: -(mpmath.sech(m) ** 2),
        "linear": lambda: -1,
        "logistic": lambda: -1 / (1 + mpmath.exp(m)),
        "squared_hinge": lambda: -2 * max(0, 1 - m),
    }[name]()


# -------------------------------------------------------------------------------- margin by margin


@pytest.mark.parametrize("name", LOSSES)
@SMALL
@given(m=st.lists(margins, min_size=1, max_size=6))
def test_values_and_derivatives_in_fifty_digits(name, m):
    loss, at = margin_loss(name), np.array(m)
    with mpmath.workdps(50):
        values = np.array([float(value_by_hand(name, one)) for one in m])
        slopes = np.array([float(derivative_by_hand(name, one)) for one in m])
    np.testing.assert_allclose(loss.value(at), values, rtol=1e-14, atol=1e-15)
    # The soft hinge's derivative is accurate where 1 - tanh^2 is not: to 1e-14 of itself.
    np.testing.assert_allclose(loss.derivative(at), slopes, rtol=1e-13, atol=1e-320)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (3, 2), (0, 4)])
def test_shape_and_precision_are_kept(name, dtype, shape):
    loss, m = LOSSES[name], np.full(shape, 0.25, dtype)
    before = m.copy()
    for result in (loss.value(m), loss.derivative(m)):
        assert (result.shape, result.dtype) == (shape, dtype)
    np.testing.assert_array_equal(m, before)


@pytest.mark.parametrize("name", CONVEX)
@SMALL
@given(at=st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, -1.0]), to=st.floats(-1e6, 1e6))
def test_derivatives_of_convex_losses_are_subgradients(name, at, to):
    loss = LOSSES[name]
    here, there = loss.value(np.array([at]))[0], loss.value(np.array([to]))[0]
    tangent = here + loss.derivative(np.array([at]))[0] * (to - at)
    assert there >= tangent - 1e-12 * (1 + abs(here) + abs(tangent) + abs(there))


@pytest.mark.parametrize("name", ["hinge", "saturated_hinge", "soft_hinge", "squared_hinge"])
@given(m=margins)
def test_a_unit_that_is_wrong_costs_at_least_one(name, m):
    cost = LOSSES[name].value(np.array([m]))[0]
    assert cost >= (m <= 0)
    assert cost <= 2 or name in ("hinge", "squared_hinge")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="loss must be one of"):
        margin_loss("zero-one")
    with pytest.raises(ValueError, match="output must be one of"):
        output_loss("squared")
    with pytest.raises(ValueError, match="weighting must be one of"):
        set_targets(np.ones((1, 1)), "none")


# ------------------------------------------------------------------------------- a layer of units

MU = {
    "identity": (lambda z: z, lambda z: 1),
    "relu": (lambda z: max(z, 0), lambda z: int(z > 0)),
    "clipped_relu": (lambda z: min(max(z, 0), 1), lambda z: int(0 < z <= 1)),
}


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("name", LOSSES)
@settings(deadline=None, max_examples=25)
@given(data=st.data(), z=matrices)
def test_layer_loss_and_gradient_unit_by_unit(name, surrogate, data, z):
    z = np.clip(z, -1e9, 1e9)
    signs = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=z.size, max_size=z.size)
    t = np.array(data.draw(signs)).reshape(z.shape)
    weights = np.abs(np.array(data.draw(signs)).reshape(z.shape)) * 0.7
    mu, mu_slope = MU[surrogate]
    total, gradient = mpmath.mpf(0), np.zeros(z.shape)
    with mpmath.workdps(50):
        for i in np.ndindex(z.shape):
            if t[i] == 0:
                continue
            m = t[i] * mu(float(z[i]))
            total += weights[i] * value_by_hand(name, m)
            gradient[i] = weights[i] * t[i] * derivative_by_hand(name, m) * mu_slope(float(z[i]))
    arguments = LOSSES[name], z, t, weights, SURROGATES[surrogate]
    assert layer_loss(*arguments) == pytest.approx(float(total), rel=1e-10, abs=1e-6)
    np.testing.assert_allclose(layer_gradient(*arguments), gradient, rtol=1e-13, atol=1e-300)


def test_a_unit_without_target_costs_and_receives_nothing():
    z, t = np.array([[3.0, -2.0]]), np.zeros((1, 2))
    for loss in LOSSES.values():
        assert layer_loss(loss, z, t, 5.0, SURROGATES["identity"]) == 0
        gradient = layer_gradient(loss, z, t, 5.0, SURROGATES["identity"])
        np.testing.assert_array_equal(gradient, np.zeros((1, 2)))


# ----------------------------------------------------------------------------------------- targets


@SMALL
@given(e=matrices)
def test_targets_oppose_the_derivative(e):
    found = set_targets(e, "magnitude")
    for i in np.ndindex(e.shape):
        expected = 0 if e[i] == 0 else (-1 if e[i] > 0 else 1)
        assert found.signs[i] == expected
        assert found.signs[i] * found.weights[i] == -e[i]
    equal = set_targets(e, "equal")
    np.testing.assert_array_equal(equal.signs, found.signs)
    assert equal.weights == 1 / len(e)


@SMALL
@given(e=matrices, levels=st.integers(2, 9))
def test_the_steps_of_a_staircase_share_its_weight(e, levels):
    for weighting, whole in (("magnitude", np.abs(e)), ("equal", np.full(e.shape, 1 / len(e)))):
        each = staircase_targets(e, levels, weighting)
        np.testing.assert_array_equal(each.signs, set_targets(e, weighting).signs)
        shares = np.broadcast_to(each.weights, e.shape)
        np.testing.assert_allclose((levels - 1) * shares, whole, rtol=1e-15, atol=1e-320)


@pytest.mark.parametrize("levels", range(2, 9))
def test_thresholds_are_where_the_staircase_jumps(levels):
    places = step_thresholds("staircase", levels)
    assert places == tuple(float(Fraction(j, levels - 1)) for j in range(levels - 1))
    for j, place in enumerate(places):
        below, above = staircase(np.array([place, math.nextafter(place, 9)]), levels)
        assert (below, above) == pytest.approx((j / (levels - 1), (j + 1) / (levels - 1)))
    assert step_thresholds("sign", None) == step_thresholds("step", None) == (0.0,)


@pytest.mark.parametrize("levels", [None, 1, 2.5, True, "3"])
def test_a_staircase_needs_levels(levels):
    with pytest.raises(ValueError, match="levels must be an integer >= 2"):
        step_thresholds("staircase", levels)


# ------------------------------------------------------------------------------------ output losses

scored = st.tuples(st.integers(1, 4), st.integers(2, 4)).flatmap(
    lambda shape: st.tuples(
        st.lists(
            st.lists(
                st.sampled_from([0.0, 1.0, -1.0, 0.5, 700.0, -1e4, 1e-300]) | st.floats(-50, 50),
                min_size=shape[1],
                max_size=shape[1],
            ),
            min_size=shape[0],
            max_size=shape[0],
        ).map(np.array),
        st.lists(st.integers(0, shape[1] - 1), min_size=shape[0], max_size=shape[0]).map(np.array),
    )
)


@SMALL
@given(case=scored)
def test_cross_entropy_in_fifty_digits(case):
    scores, classes = case
    loss, (n, n_classes) = OUTPUT_LOSSES["cross-entropy"], scores.shape
    with mpmath.workdps(50):
        total, derivative = mpmath.mpf(0), np.zeros(scores.shape)
        for i, own in enumerate(classes):
            parts = [mpmath.exp(mpmath.mpf(score)) for score in scores[i].tolist()]
            total += mpmath.log(sum(parts)) - mpmath.mpf(float(scores[i, own]))
            for k in range(n_classes):
                derivative[i, k] = float((parts[k] / sum(parts) - (k == own)) / n)
    assert loss.value(scores, classes) == pytest.approx(float(total / n), rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(loss.derivative(scores, classes), derivative, atol=1e-14)


@SMALL
@given(case=scored)
def test_multiclass_hinge_by_loops(case):
    scores, classes = case
    loss, (n, n_classes) = OUTPUT_LOSSES["hinge"], scores.shape
    total, derivative = 0.0, np.zeros(scores.shape)
    for i, own in enumerate(classes):
        others = [k for k in range(n_classes) if k != own]
        best = others[0]
        for k in others:
            best = k if scores[i, k] > scores[i, best] else best
        assert strongest_rivals(scores, classes)[i] == best
        margin = scores[i, own] - scores[i, best]
        total += max(0.0, 1 - margin)
        if margin <= 1:
            derivative[i, best], derivative[i, own] = 1 / n, -1 / n
    assert loss.value(scores, classes) == pytest.approx(total / n, rel=1e-13, abs=1e-15)
    np.testing.assert_array_equal(loss.derivative(scores, classes), derivative)


def test_a_margin_of_one_is_on_the_side_that_costs():
    loss = OUTPUT_LOSSES["hinge"]
    at = np.array([[1.0, 0.0]]), np.array([0])
    assert loss.value(*at) == 0
    np.testing.assert_array_equal(loss.derivative(*at), [[-1.0, 1.0]])
    beyond = np.array([[math.nextafter(1, 2), 0.0]]), np.array([0])
    np.testing.assert_array_equal(loss.derivative(*beyond), [[0.0, 0.0]])


@pytest.mark.parametrize("name", OUTPUT_LOSSES)
def test_output_losses_keep_precision_and_their_arguments(name):
    scores, classes = np.array([[1e30, -1e30, 0.0]], np.float32), np.array([1])
    before = scores.copy()
    derivative = OUTPUT_LOSSES[name].derivative(scores, classes)
    assert derivative.dtype == np.float32
    np.testing.assert_array_equal(derivative, [[1.0, -1.0, 0.0]])
    assert OUTPUT_LOSSES[name].value(scores, classes) == pytest.approx(2e30)
    np.testing.assert_array_equal(scores, before)


# ------------------------------------------------------------------------------ batch normalisation


@SMALL
@given(
    A=st.integers(1, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.floats(-1e3, 1e3) | st.just(0.5), min_size=2, max_size=2),
            min_size=n,
            max_size=n,
        ).map(np.array)
    ),
    scale=st.floats(-3, 3),
    shift=st.floats(-3, 3),
)
def test_normalisation_in_fractions(A, scale, shift):
    normalisation = Normalisation.start(2, np.dtype(float))
    normalisation.parameters[:] = [[scale] * 2, [shift] * 2]
    Z = normalisation.forward(A)
    for j in range(2):
        column = [Fraction(value) for value in A[:, j].tolist()]
        mean = sum(column) / len(column)
        variance = sum((value - mean) ** 2 for value in column) / len(column)
        deviation = math.sqrt(float(variance) + EPSILON)
        expected = [scale * float(value - mean) / deviation + shift for value in column]
        # The mean is rounded to 1e-16 of |A|, and divided by sqrt(EPSILON) at the least.
        np.testing.assert_allclose(Z[:, j], expected, rtol=1e-9, atol=1e-9)
        forgetting = normalisation.forgetting
        assert normalisation.mean[j] == pytest.approx(forgetting * float(mean), abs=1e-12)
        running = 1 - forgetting + forgetting * float(variance)
        assert normalisation.variance[j] == pytest.approx(running, rel=1e-9)


def test_a_look_leaves_the_running_means_alone():
    normalisation = Normalisation.start(1, np.dtype(float))
    normalisation.forward(np.array([[1.0], [2.0]]), remember=False)
    assert (normalisation.mean, normalisation.variance) == (0, 1)


@SMALL
@given(seed=st.integers(0, 2**32 - 1), units=st.integers(1, 3))
def test_folded_weights_are_the_normalisation_with_running_means(seed, units):
    rng = np.random.default_rng(seed)
    normalisation = Normalisation.start(units, np.dtype(float))
    normalisation.parameters[:] = rng.standard_normal((2, units))
    W = rng.standard_normal((units, 4))
    V = np.hstack([rng.standard_normal((20, 3)), np.ones((20, 1))])
    for _ in range(5):
        normalisation.forward(V @ W.T)
    x = (V @ W.T - normalisation.mean) / np.sqrt(normalisation.variance + EPSILON)
    expected = normalisation.parameters[0] * x + normalisation.parameters[1]
    np.testing.assert_allclose(V @ normalisation.fold(W).T, expected, rtol=1e-10, atol=1e-10)


def test_one_sample_is_its_own_mean_and_moves_nothing():
    normalisation = Normalisation.start(2, np.dtype(float))
    normalisation.parameters[1] = [0.25, -4.0]
    np.testing.assert_array_equal(normalisation.forward(np.array([[7.0, 1e8]])), [[0.25, -4.0]])
    by_products, by_parameters = normalisation.backward(np.array([[3.0, -1.0]]))
    np.testing.assert_array_equal(by_products, [[0.0, 0.0]])
    np.testing.assert_array_equal(by_parameters, [[0.0, 0.0], [3.0, -1.0]])
