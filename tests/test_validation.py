"""Bad input is refused in one sentence that names the argument."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from zeroone.support.validation import (
    check_array,
    check_choice,
    check_integer,
    check_matrix,
    check_number,
    floating_dtype,
)


def refused(check, *arguments, **options):
    """Return the message with which a check refuses a value: one line that names the argument."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as caught:
        check("pretzel", *arguments, **options)
    assert type(caught.value) is ValueError
    assert str(caught.value).startswith("pretzel must ")
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1, 2], np.float64),
        ([True, False], np.float64),
        (np.ones(3, np.float16), np.float64),
        (np.ones(3, np.float32), np.float32),
        (np.ones(3, np.uint8), np.float64),
        (np.ones(3, np.longdouble), np.float64),
        (np.array([1, 2.5, np.float32(3)], dtype=object), np.float64),
        (np.ones(3, ">f8"), np.float64),
        (5, np.float64),
        (np.float32(5), np.float32),
    ],
)
def test_check_array_converts(value, dtype):
    array = check_array("x", value)
    assert array.dtype == dtype
    assert array.dtype.isnative
    assert np.array_equal(array, np.asarray(value, dtype=float))


def test_check_array_copies_only_if_it_must():
    X = np.ones((2, 3), np.float32)
    assert check_array("X", X) is X
    assert check_array("X", X, dtype=np.float64).dtype == np.float64
    strided = np.ones((4, 6))[::2, ::-1]
    assert np.shares_memory(check_array("X", strided), strided)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ([1.0, np.nan], "NaN or infinity"),
        ([np.inf, -np.inf], "NaN or infinity"),
        (np.array([[1, -np.inf]], np.float32), "NaN or infinity"),
        (np.nan, "NaN or infinity"),
        ([], r"empty.*\(0,\)"),
        (np.ones((0, 3)), r"empty.*\(0, 3\)"),
        (np.ones((3, 0)), r"empty.*\(3, 0\)"),
        ([[1, 2], [3]], "rows differ in length"),
        ([1 + 0j], "Complex"),
        ([1, "a"], "real numbers"),
        (["1", "2"], "real numbers"),
        ([b"1"], "real numbers"),
        (np.array(["2020-01-01"], "M8[D]"), "real numbers"),
        (np.array([None, 1]), "NaN or infinity"),
        (np.array([1j, 1], dtype=object), "real numbers"),
        (np.array([10**400, 1], dtype=object), "real numbers"),
        ({"a": 1}, "real numbers"),
        (None, "NaN or infinity"),
    ],
)
def test_check_array_refuses(value, what):
    with pytest.raises(ValueError, match=what):
        check_array("pretzel", value)
    refused(check_array, value)


def test_finite_numbers_whose_sum_overflows_are_fine():
    largest = np.finfo(np.float32).max
    for X in (np.full((40, 5), largest), np.full(9, np.finfo(np.float64).max)):
        assert check_array("X", X) is X
    # +inf in the partial sum and then -inf: the sum is NaN though every term is finite.
    mixed = np.concatenate([np.full(1000, largest), np.full(1000, -largest)]).astype(np.float32)
    assert check_array("X", mixed) is mixed
    mixed[1500] = np.nan
    refused(check_array, mixed)


def test_what_is_beyond_the_precision_asked_for_is_refused():
    assert "NaN or infinity" in refused(check_array, [1e300], dtype=np.float32)
    assert check_array("x", [1e-300], dtype=np.float32)[0] == 0


def test_axes_and_columns():
    assert "2 axes, but has shape (3,)" in refused(check_matrix, np.ones(3))
    assert "2 axes, but has shape ()" in refused(check_matrix, 1.0)
    assert "2 axes, but has shape (1, 1, 1)" in refused(check_matrix, np.ones((1, 1, 1)))
    assert "4 columns, but has shape (2, 3)" in refused(check_matrix, np.ones((2, 3)), columns=4)
    assert check_matrix("X", [[1, 2]], columns=2).shape == (1, 2)


def test_floating_dtype():
    assert floating_dtype(np.ones(1, np.float32)) == np.float32
    for kind in (np.float16, np.float64, np.int8, bool):
        assert floating_dtype(np.ones(1, kind)) == np.float64


@pytest.mark.parametrize("value", [0, 0.0, -0.0, 1, np.float32(0.5), np.int8(3), Fraction(1, 3)])
def test_check_number_accepts(value):
    number = check_number("x", value)
    assert type(number) is float
    assert number == float(value)


@pytest.mark.parametrize(
    "value",
    [
        *(-1, -1e-300, np.nan, np.inf, -np.inf, 10**400, True, False, np.True_, "1", None, 1j),
        *([1], np.array(1.0), np.array([1.0]), Decimal(1)),
    ],
)
def test_check_number_refuses(value):
    assert ">= 0" in refused(check_number, value)


def test_the_ends_of_the_range():
    assert "> 0" in refused(check_number, 0.0, strict=True)
    assert check_number("x", 5e-324, strict=True) == 5e-324
    assert check_number("x", 1, maximum=1) == 1
    assert ">= 0 and <= 1" in refused(check_number, np.nextafter(1, 2), maximum=1)
    assert check_number("x", -2, minimum=-2) == -2
    assert ">= -2" in refused(check_number, -2.5, minimum=-2)


@pytest.mark.parametrize("value", [1, np.int64(7), np.uint8(200), 10**30])
def test_check_integer_accepts(value):
    number = check_integer("n", value)
    assert type(number) is int
    assert number == value


@pytest.mark.parametrize("value", [0, -1, 1.0, np.float64(2), True, np.True_, "1", None, [1]])
def test_check_integer_refuses(value):
    assert ">= 1" in refused(check_integer, value)


def test_check_integer_from_zero():
    assert check_integer("n", 0, minimum=0) == 0
    assert ">= 0" in refused(check_integer, -1, minimum=0)


@pytest.mark.parametrize("value", ["c", "", "A", None, 1, ["a"], ("a", "b"), np.array(["a"])])
def test_check_choice(value):
    assert check_choice("x", "b", ("a", "b")) == "b"
    assert "one of a, b" in refused(check_choice, value, ("a", "b"))
