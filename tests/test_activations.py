"""The step activations against definitions in plain Python, exact rationals and forward maps."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeroone import activations
from zeroone.activations import (
    PSEUDO_DERIVATIVES,
    clipped_relu_derivative,
    identity_derivative,
    pseudo_derivative,
    relu_derivative,
    saturating_derivative,
    sign,
    staircase,
    step,
)

# Exact zeros of both signs, the smallest and largest numbers, every kink and its two neighbours.
EDGES = [0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e308, -1e308, np.inf, -np.inf]
for kink in (-1.0, 1.0, 0.5, 0.25, 1 / 3, 2 / 3):
    EDGES += [kink, np.nextafter(kink, -9), np.nextafter(kink, 9)]

numbers = st.one_of(st.sampled_from(EDGES), st.floats(allow_nan=False), st.floats(-2, 2))
arrays = st.lists(numbers, min_size=1, max_size=8).map(np.array)

ALL_MAPS: dict[str, Callable] = {
    "step": step,
    "sign": sign,
    "staircase": partial(staircase, levels=4),
    **PSEUDO_DERIVATIVES,
}


# --- what each unit computes ------------------------------------------------------------------


def check_step(function: Callable, z: np.ndarray) -> None:
    np.testing.assert_array_equal(function(z), [1.0 if value > 0 else 0.0 for value in z])


def check_sign(function: Callable, z: np.ndarray) -> None:
    np.testing.assert_array_equal(function(z), [1.0 if value > 0 else -1.0 for value in z])


def check_staircase(function: Callable, z: np.ndarray, levels: int) -> None:
    """Compare with the definition in exact rational arithmetic, away from rounded thresholds."""
    steps = levels - 1
    for value, got in zip(z, function(z, levels), strict=True):
        if np.isinf(value):
            assert got == (value > 0)
            continue
        thresholds = [Fraction(float(Fraction(j, steps))) for j in range(steps)]
        count = sum(Fraction(float(value)) > threshold for threshold in thresholds)
        assert got == float(Fraction(count, steps))


@given(arrays)
def test_step_is_one_exactly_where_positive(z):
    check_step(step, z)


@given(arrays)
def test_sign_is_never_zero_and_equals_twice_step_minus_one(z):
    check_sign(sign, z)
    np.testing.assert_array_equal(sign(z), 2 * step(z) - 1)


@given(arrays, st.integers(2, 9))
def test_staircase_is_a_mean_of_steps(z, levels):
    check_staircase(staircase, z, levels)


@given(arrays)
def test_staircase_of_two_levels_is_step(z):
    np.testing.assert_array_equal(staircase(z, 2), step(z))


@pytest.mark.parametrize("levels", range(2, 20))
def test_staircase_takes_each_of_its_values_and_the_lower_one_at_a_jump(levels):
    steps = levels - 1
    jumps = np.array([j / steps for j in range(steps)])
    np.testing.assert_array_equal(staircase(jumps, levels), jumps)
    above = [(j + 1) / steps for j in range(steps)]
    np.testing.assert_array_equal(staircase(np.nextafter(jumps, 2), levels), above)
    assert staircase(1.0, levels) == 1
    assert staircase(-0.1, levels) == 0


def test_staircase_jumps_in_float32_at_the_float32_thresholds():
    jumps = np.array([0, 1 / 3, 2 / 3], np.float32)
    np.testing.assert_array_equal(staircase(jumps, 4), np.array([0, 1 / 3, 2 / 3], np.float32))


def test_planted_errors_in_the_units_are_caught():
    z = np.array(EDGES)
    with pytest.raises(AssertionError):
        check_step(lambda z: (z >= 0).astype(float), z)  # step(0) = 1
    with pytest.raises(AssertionError):
        check_step(lambda z: np.heaviside(z, 0.5), z)
    with pytest.raises(AssertionError):
        check_sign(np.sign, z)  # sign(0) = 0
    with pytest.raises(AssertionError):
        check_sign(lambda z: -sign(-z), z)  # sign(0) = +1
    z = z[np.abs(z) < 2]
    check_staircase(staircase, z, 4)
    with pytest.raises(AssertionError):  # rounds to the nearest value
        check_staircase(lambda z, k: np.clip(np.round(z * (k - 1)) / (k - 1), 0, 1), z, 4)
    with pytest.raises(AssertionError):  # goes up at the jump and not above it
        check_staircase(lambda z, k: np.clip(np.floor(z * (k - 1) + 1) / (k - 1), 0, 1), z, 4)
    with pytest.raises(AssertionError):  # k steps instead of k - 1
        check_staircase(lambda z, k: staircase(z, k + 1), z, 4)


# --- what is pretended about the slope --------------------------------------------------------

FORWARD: dict[str, Callable[[float], float]] = {
    "identity": lambda z: z,
    "relu": lambda z: max(z, 0.0),
    "clipped_relu": lambda z: min(max(z, 0.0), 1.0),
    "saturating": lambda z: min(max(z, -1.0), 1.0),
}
AT_KINKS = {
    "identity": {},
    "relu": {0.0: 0},
    "clipped_relu": {0.0: 0, 1.0: 1},
    "saturating": {-1.0: 1, 1.0: 1},
}


def check_derivative(function: Callable, kind: str, z: np.ndarray) -> None:
    """Compare with finite differences of the forward map, and with the table at its kinks."""
    width = 2.0**-20
    for value, got in zip(z, function(z), strict=True):
        if value in AT_KINKS[kind]:
            assert got == AT_KINKS[kind][value]
        elif all(abs(value - kink) > width for kink in AT_KINKS[kind]) and abs(value) < 2:
            mu = FORWARD[kind]
            slope = (mu(value + width) - mu(value - width)) / (2 * width)
            assert abs(got - slope) < 1e-8


@pytest.mark.parametrize("kind", FORWARD)
@given(z=st.one_of(arrays, st.lists(st.floats(-2, 2), min_size=1).map(np.array)))
def test_pseudo_derivative_is_the_derivative_of_its_forward_map(kind, z):
    check_derivative(pseudo_derivative(kind), kind, z)


@pytest.mark.parametrize("kind", FORWARD)
def test_pseudo_derivative_next_to_its_kinks(kind):
    for kink in AT_KINKS[kind]:
        for side in (-9.0, 9.0):
            beside = np.nextafter(kink, side)
            expected = pseudo_derivative(kind)(kink + np.copysign(0.1, side))
            assert pseudo_derivative(kind)(beside) == expected


@given(arrays)
def test_relu_derivative_is_step_and_clipped_relu_a_difference_of_steps(z):
    np.testing.assert_array_equal(relu_derivative(z), step(z))
    finite = z[np.isfinite(z)]
    expected = [float(v > 0) - float(Fraction(v) - 1 > 0) for v in finite.tolist()]
    np.testing.assert_array_equal(clipped_relu_derivative(finite), expected)


def test_every_kind_has_its_named_function():
    assert pseudo_derivative("identity") is identity_derivative
    assert pseudo_derivative("relu") is relu_derivative
    assert pseudo_derivative("clipped_relu") is clipped_relu_derivative
    assert pseudo_derivative("saturating") is saturating_derivative
    assert set(PSEUDO_DERIVATIVES) == set(FORWARD)
    assert all(kind in activations.__doc__ for kind in FORWARD)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda z: (z >= 0).astype(float), "relu"),
        (lambda z: ((z >= 0) & (z <= 1)).astype(float), "clipped_relu"),
        (lambda z: ((z > 0) & (z < 1)).astype(float), "clipped_relu"),
        (lambda z: (np.abs(z) < 1).astype(float), "saturating"),
        (clipped_relu_derivative, "saturating"),
        (relu_derivative, "clipped_relu"),
        (relu_derivative, "identity"),
    ],
)
def test_planted_errors_in_the_derivatives_are_caught(wrong, kind):
    z = np.array([-1.5, -1, -0.5, 0, 0.5, 1, 1.5])
    check_derivative(pseudo_derivative(kind), kind, z)
    with pytest.raises(AssertionError):
        check_derivative(wrong, kind, z)


# --- conventions of the module ----------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_MAPS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 1, 3), (0,), (0, 3)])
def test_shape_is_kept_and_the_input_is_not_changed(name, shape):
    z = np.random.default_rng(0).standard_normal(shape)
    before = z.copy()
    result = ALL_MAPS[name](z)
    assert isinstance(result, np.ndarray)
    assert result.shape == shape
    assert not np.shares_memory(result, z)
    np.testing.assert_array_equal(z, before)


@pytest.mark.parametrize("name", ALL_MAPS)
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float64, np.float64),
        (np.float32, np.float32),
        (np.int64, np.float64),
        (np.uint8, np.float64),
        (np.bool_, np.float64),
    ],
)
def test_precision_is_kept(name, dtype, expected):
    z = np.array([[0, 1], [1, 0]], dtype)
    result = ALL_MAPS[name](z)
    assert result.dtype == expected
    np.testing.assert_array_equal(result, ALL_MAPS[name](z.astype(np.float64)).astype(expected))


@pytest.mark.parametrize("name", ALL_MAPS)
def test_python_numbers_and_lists_are_accepted(name):
    assert ALL_MAPS[name](0.5).shape == ()
    np.testing.assert_array_equal(
        ALL_MAPS[name]([[-2, 0.5], [0, 2]]), ALL_MAPS[name](np.array([[-2, 0.5], [0, 2]]))
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("step", 0),
        ("sign", -1),
        ("staircase", 0),
        ("identity", 1),
        ("relu", 0),
        ("clipped_relu", 0),
        ("saturating", 0),
    ],
)
def test_nan_counts_as_not_positive(name, expected):
    np.testing.assert_array_equal(ALL_MAPS[name](np.array([np.nan, -np.nan])), [expected] * 2)


@pytest.mark.parametrize("unit", [step, sign])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_out_receives_the_result_and_may_be_the_input(unit, dtype):
    z = np.array([[-1.0, 0.0, 2.0], [np.nan, -0.0, 5e-324]], dtype)
    expected = unit(z)
    out = np.full(z.shape, 7, dtype)
    assert unit(z, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert unit(z, out=z) is z
    np.testing.assert_array_equal(z, expected)


@pytest.mark.parametrize("levels", [1, 0, -3, 2.0, True, None, "4"])
def test_staircase_refuses_bad_levels(levels):
    with pytest.raises(ValueError, match="levels must be an integer >= 2"):
        staircase([0.5], levels)


@pytest.mark.parametrize("kind", ["tanh", "", None, 1, "RELU"])
def test_unknown_kind_is_refused_with_the_list_of_kinds(kind):
    with pytest.raises(ValueError, match="kind must be one of identity, relu, clipped_relu, satur"):
        pseudo_derivative(kind)
