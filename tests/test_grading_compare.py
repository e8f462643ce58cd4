"""Whether answers are judged as numpy.testing judges them, and how values are shown."""

import numpy as np
import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from zeroone.grading.compare import clean, compare, show, show_arguments
from zeroone.grading.wire import Seed

special = st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-7, 1.0 - 2e-7, np.inf, -np.inf, np.nan, 1e300])
floats = stnp.arrays(np.float64, 3, elements=special)


@given(
    floats, floats, st.booleans(), st.sampled_from([0.0, 1e-7, 0.5]), st.sampled_from([0.0, 1e-9])
)
def test_entries_are_compared_as_numpy_testing_does(expected, received, nan_equal, rtol, atol):
    try:
        np.testing.assert_allclose(received, expected, rtol=rtol, atol=atol, equal_nan=nan_equal)
        right = nan_equal or not np.isnan(expected).any()
    except AssertionError:
        right = False
    wrong = compare(expected, received, rtol=rtol, atol=atol, nan_equal=nan_equal)
    assert (wrong is None) == right
    single = [
        compare(float(e), float(r), rtol=rtol, atol=atol, nan_equal=nan_equal)
        for e, r in zip(expected, received, strict=True)
    ]
    assert (wrong is None) == all(one is None for one in single)


RIGHT = [
    (1.0, 1.0),
    (1.0, 1),
    (1.0, np.float32(1.0)),
    (np.float64(1.0), 1.0),
    (3, np.int8(3)),
    (True, np.bool_(True)),
    ("rows", "rows"),
    (None, None),
    (np.zeros(2), np.zeros(2, dtype=np.float32)),
    (np.zeros(2, dtype=int), np.zeros(2, dtype=np.uint8)),
    (np.zeros((0, 3)), np.zeros((0, 3))),
    ((1.0, np.ones(2)), [1.0, np.ones(2)]),
    ([1.0], (1.0,)),
    (np.array(2.0), 2.0),
]
WRONG = [
    (1.0, True, "True|bool"),
    (1.0, "1.0", "you returned a string, but"),
    (
        1.0,
        None,
        r"you returned None \(is a return missing\?\), but a floating-point number was exp",
    ),
    (1.0, 1.5, "you returned 1.5, but 1.0 was expected"),
    (1.0, 10**400, "you returned inf, but 1.0"),
    (1.0, np.ones(1), r"you returned an array of shape \(1,\), but"),
    (3, 3.0, "you returned a floating-point number, but an integer"),
    (True, 1, "you returned an integer, but a bool"),
    (False, True, "you returned True, but False"),
    ("rows", "columns", "you returned 'columns'"),
    (None, 0.0, "but None was expected"),
    (np.zeros(2), [0.0, 0.0], "you returned a list of 2 values, but"),
    (np.zeros(2), np.zeros((2, 1)), r"shape \(2, 1\), but an array of shape \(2,\)"),
    (np.zeros(2), np.zeros(2, dtype=int), "array of integers, but one of floating-point numbers"),
    (np.zeros(2), np.zeros(2, dtype=bool), "you returned an array of truth values"),
    (np.zeros(2, dtype=int), np.zeros(2), "array of floating-point numbers, but one of integers"),
    (
        np.zeros((2, 2)),
        np.eye(2),
        r"entry \[0, 0\] is 1.0, but 0.0 was expected \(2 of 4 entries are",
    ),
    (
        np.zeros(3),
        np.array([0.0, 0.0, np.nan]),
        r"entry \[2\] is nan, .* \(1 of 3 entries is wrong\)",
    ),
    (np.zeros(1), np.ones(1), r"entry \[0\] is 1.0, but 0.0 was expected$"),
    (np.array([1, 2]), np.array([1, 3]), r"entry \[1\] is 3, but 2"),
    ((1.0, 2.0), (1.0,), "you returned a tuple of 1 value, but a tuple of 2 values"),
    ((1.0, 2.0), 1.0, "you returned a floating-point number, but a tuple"),
    ((1.0, 2.0), (1.0, 3.0), "value 2 of 2: you returned 3.0"),
    (np.array([np.nan]), np.array([np.nan]), "is nan"),
]


@pytest.mark.parametrize(("expected", "received"), RIGHT)
def test_right_answers(expected, received):
    assert compare(expected, received) is None


@pytest.mark.parametrize(("expected", "received", "message"), WRONG)
def test_wrong_answers_are_named(expected, received, message):
    import re

    wrong = compare(expected, received)
    assert wrong is not None
    assert re.search(message, wrong), wrong


def test_structure_alone_can_be_compared():
    assert compare(np.zeros(2), np.ones(2), values=False) is None
    assert compare((0.0, np.zeros(2)), (5.0, np.ones(2)), values=False) is None
    assert "shape" in compare(np.zeros(2), np.zeros(3), values=False)
    assert "nan" in compare(np.zeros(2), np.array([0.0, np.nan]), values=False)
    assert "nan" in compare(0.0, np.nan, values=False)
    assert compare(0.0, np.nan, values=False, nan_equal=True) is None


def test_every_digit_is_shown():
    numbers = np.random.default_rng(0).normal(size=(2, 3))
    assert np.array_equal(eval(show(numbers), {"array": np.array}), numbers)
    assert show(np.float32(0.5)) == show(np.array(0.5)) == "0.5"
    assert show((1.0,)) == "(1.0,)"
    assert show([np.array([True])]) == "[array([ True])]"
    assert show(Seed(3)) == "numpy.random.default_rng(3)"
    assert len(show(np.zeros((1000, 1000)))) < 500


def test_arguments_are_shown_one_a_line():
    shown = show_arguments({"x": np.eye(2), "levels": 2})
    assert shown == "x = array([[1., 0.],\n           [0., 1.]])\nlevels = 2"


def test_control_characters_are_spelled_out():
    assert clean("a\x1b[2J\u202eb\ud800\r\n\tc") == "a\\x1b[2J\\u202eb\\ud800\\r\n\tc"
    assert clean("x" * 10, 4) == "xxxx ..."
    assert clean("é ∑ \N{GREEK SMALL LETTER LAMDA}") == "é ∑ λ"
