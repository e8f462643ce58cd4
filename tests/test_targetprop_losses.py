"""Losses, targets, output losses and batch normalisation against scalars, definitions and edges."""

import math
import sys
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.activations import staircase
from zeroone.claims.claim import collect, judge
from zeroone.claims.targetprop.losses import loss_claim
from zeroone.losses import (
    LOSSES,
    OUTPUT_LOSSES,
    SURROGATES,
    HiddenLoss,
    SoftHinge,
    hidden_loss,
    layer_gradient,
    layer_loss,
    output_loss,
    strongest_rivals,
)
from zeroone.nets.layers import Dense
from zeroone.nets.normalisation import EPSILON, Normalisation, Normalised
from zeroone.nets.units import Units
from zeroone.targetprop.targets import TargetUnits, set_targets

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
    loss, at = hidden_loss(name), np.array(m)
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
        hidden_loss("zero-one")
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
        each = TargetUnits("staircase", levels, weighting=weighting).targets(e)
        np.testing.assert_array_equal(each.signs, set_targets(e, weighting).signs)
        shares = np.broadcast_to(each.weights, e.shape)
        np.testing.assert_allclose((levels - 1) * shares, whole, rtol=1e-15, atol=1e-320)


@pytest.mark.parametrize("levels", range(2, 9))
def test_thresholds_are_where_the_staircase_jumps(levels):
    places = Units("staircase", levels).thresholds
    assert places == tuple(float(Fraction(j, levels - 1)) for j in range(levels - 1))
    for j, place in enumerate(places):
        below, above = staircase(np.array([place, math.nextafter(place, 9)]), levels)
        assert (below, above) == pytest.approx((j / (levels - 1), (j + 1) / (levels - 1)))
    assert Units("sign").thresholds == Units("step").thresholds == (0.0,)


@pytest.mark.parametrize("levels", [None, 1, 2.5, True, "3"])
def test_a_staircase_needs_levels(levels):
    with pytest.raises(ValueError, match="levels must be an integer >= 2"):
        Units("staircase", levels)


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
    normalisation = Normalisation(np.full(2, scale), np.full(2, shift))
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


def test_a_look_leaves_everything_alone():
    dense = Dense(np.array([[2.0]]), np.array([1.0]), learn_biases=False)
    layer = Normalised(dense, Normalisation(np.ones(1), np.zeros(1)))
    layer.forward(np.array([[1.0], [2.0], [4.0]]), remember=False)
    assert (layer.normalisation.mean, layer.normalisation.variance) == (0, 1)
    layer.forward(np.array([[0.0], [3.0]]))
    layer.forward(np.array([[-5.0], [2.0], [4.0]]), remember=False)
    assert layer.normalisation.mean == pytest.approx(0.05 * 4.0)
    # Its derivative is still that of the batch that it was to remember.
    np.testing.assert_allclose(layer.backward(np.ones((2, 1))), 0, atol=1e-12)


@SMALL
@given(seed=st.integers(0, 2**32 - 1), units=st.integers(1, 3))
def test_folded_weights_are_the_normalisation_with_running_means(seed, units):
    rng = np.random.default_rng(seed)
    normalisation = Normalisation(*rng.standard_normal((2, units)))
    W, b, V = (
        rng.standard_normal((units, 3)),
        rng.standard_normal(units),
        rng.standard_normal((20, 3)),
    )
    for _ in range(5):
        normalisation.forward(V @ W.T + b)
    x = (V @ W.T + b - normalisation.mean) / np.sqrt(normalisation.variance + EPSILON)
    weights, biases = normalisation.fold(W, b)
    expected = normalisation.scale * x + normalisation.shift
    np.testing.assert_allclose(V @ weights.T + biases, expected, rtol=1e-10, atol=1e-10)


def test_one_sample_is_its_own_mean_and_moves_nothing():
    normalisation = Normalisation(np.ones(2), np.array([0.25, -4.0]))
    np.testing.assert_array_equal(normalisation.forward(np.array([[7.0, 1e8]])), [[0.25, -4.0]])
    by_products = normalisation.backward(np.array([[3.0, -1.0]]))
    np.testing.assert_array_equal(by_products, [[0.0, 0.0]])
    np.testing.assert_array_equal(normalisation.gradients, [[0.0, 0.0], [3.0, -1.0]])


# ---------------------------------------------------------------------------------- dense layers


def test_a_dense_layer_in_loops():
    rng = np.random.default_rng(3)
    W, b = rng.integers(-4, 5, (3, 2)) / 2, rng.integers(-4, 5, 3) / 2
    V, G = rng.integers(-4, 5, (5, 2)) / 2, rng.integers(-4, 5, (5, 3)) / 2
    layer = Dense(W.copy(), b.copy())
    A, by_input = layer.forward(V), layer.backward(G)
    samples, units, inputs = range(5), range(3), range(2)
    for n in samples:
        for j in units:
            assert A[n, j] == b[j] + sum(W[j, i] * V[n, i] for i in inputs)
        for i in inputs:
            assert by_input[n, i] == sum(G[n, j] * W[j, i] for j in units)
    for j in units:
        assert layer.gradients[1][j] == sum(G[n, j] for n in samples)
        for i in inputs:
            assert layer.gradients[0][j, i] == sum(G[n, j] * V[n, i] for n in samples)
    assert layer.backward(G, to_input=False).size == 0
    fixed = Dense(W, b, learn_biases=False)
    assert len(fixed.parameters) == len(fixed.gradients) == 1
    np.testing.assert_array_equal(fixed.forward(V), A)


# ------------------------------------------------------------------------------ losses of your own

OWN = """
from dataclasses import dataclass

import numpy as np

from zeroone.losses import HiddenLoss


@dataclass(frozen=True)
class Exponential(HiddenLoss):
    rate: float = 0.5

    def value(self, m):
        return np.exp(-np.asarray(self.rate, m.dtype) * m)

    def derivative(self, m):
        return -np.asarray(self.rate, m.dtype) * self.value(m)


class Unfinished(HiddenLoss):
    def value(self, m):
        return m


class WithArguments(Exponential):
    def __init__(self, rate):
        pass


class OneNumber(Exponential):
    def value(self, m):
        return 1.0


class Wide(Exponential):
    def derivative(self, m):
        return m.astype(np.longdouble)


class Broken(Exponential):
    def value(self, m):
        raise KeyError("m")


class Stranger:
    pass
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "my_losses.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield "my_losses"
    sys.modules.pop("my_losses", None)


def test_a_loss_of_a_users_own(own_module):
    loss = hidden_loss(f"{own_module}:Exponential")
    assert isinstance(loss, HiddenLoss)
    assert hidden_loss(loss) is loss
    np.testing.assert_allclose(loss.value(np.array([0.0, 2.0])), [1, math.exp(-1)])
    z, t = np.array([[0.0, 2.0]]), np.array([[1.0, -1.0]])
    gradient = layer_gradient(loss, z, t, 1.0, SURROGATES["identity"])
    np.testing.assert_allclose(gradient, [[-0.5, 0.5 * math.e]])


def test_a_new_loss_is_claimed_and_its_errors_are_caught(own_module):
    """Nothing but its class is needed: no name in a list, no definition elsewhere."""
    hidden_loss(f"{own_module}:Exponential")
    kind = sys.modules[own_module].Exponential

    class Capped(kind):
        name = "capped"
        kinks: ClassVar = {-1.0: 1}

        def value(self, m):
            return np.minimum(super().value(m), np.exp(self.rate).astype(m.dtype))

        def derivative(self, m):
            return np.where(m >= -1, super().derivative(m), 0).astype(m.dtype)

    claim = replace(loss_claim(Capped()), tolerance=1e-9)
    assert judge(claim, [collect(claim, 0, 0, 500)]).passed
    for error in claim.planted:
        wrong = claim.with_planted(error)
        assert not judge(wrong, [collect(wrong, 0, 0, 500)]).passed, error


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Missing", "'Missing' in .* is missing"),
        ("Stranger", "must name a class derived from zeroone.losses.HiddenLoss"),
        ("Unfinished", "cannot be made without arguments: .*derivative"),
        ("WithArguments", "cannot be made without arguments: .*rate"),
        ("OneNumber", "must return an array of its argument's shape"),
        ("Wide", "must return an array of its argument's shape and precision"),
        ("Broken", "fails on an array of margins: 'm'"),
    ],
)
def test_what_is_no_loss_is_refused(own_module, name, message):
    with pytest.raises(ValueError, match=message) as caught:
        hidden_loss(f"{own_module}:{name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "loss", ["hinges", ":Hinge", "no_such_module:Hinge", "sys:path", 3, None, SoftHinge]
)
def test_what_names_no_loss_is_refused(loss):
    with pytest.raises(
        ValueError, match=r"loss (must be one of|must name a class|names the module)"
    ):
        hidden_loss(loss)
