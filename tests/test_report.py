"""Tables and memory."""

import numpy as np
import pytest

from zeroone.support.tables import format_cell, format_memory, peak_memory, table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1234567"),
        (0.000123456, "0.0001235"),
        (1234567.0, "1.235e+06"),
        (np.float64(0.5), "0.5"),
        (float("nan"), "nan"),
        ("as it is ", "as it is "),
        (0.0, "0"),
    ],
)
def test_format_cell(value, text):
    assert format_cell(value) == text


def test_numbers_to_the_right_and_words_to_the_left():
    text = table(["name", "count", "mixed"], [("a", 1, "1"), ("longer name", 1000, 2)])
    assert text.splitlines() == [
        "name         count  mixed",
        "-----------  -----  -----",
        "a                1  1",
        "longer name   1000  2",
    ]


def test_a_header_can_be_the_widest():
    assert table(["a long header"], [(1,)]).splitlines()[2] == "1".rjust(len("a long header"))


def test_no_rows():
    assert table(["a", "bc"], []).splitlines() == ["a  bc", "-  --"]


def test_a_column_is_wrapped_to_the_width():
    words = "one two three four five six seven eight nine ten eleven twelve"
    rows = [("first", words, 1), ("second", "", 22)]
    text = table(["id", "text", "n"], rows, wrap=1, width=40)
    lines = text.splitlines()
    assert all(len(line) <= 40 for line in lines)
    start, end = len("second") + 2, 40 - len("22") - 2
    wrapped = [line[start:end].strip() for line in lines[2:-1]]
    assert len(wrapped) > 1
    assert " ".join(wrapped) == words
    # A row's other cells are on its first line, and a row without words is still there.
    assert lines[2].startswith("first")
    assert lines[2].endswith(" 1")
    assert all(not line[:start].strip() for line in lines[3:-1])
    assert lines[-1].split() == ["second", "22"]


def test_wrapping_leaves_a_table_that_fits_alone():
    rows = [("a", "few words")]
    assert table(["x", "y"], rows, wrap=1, width=80) == table(["x", "y"], rows)


def test_peak_memory_is_plausible_and_grows():
    before = peak_memory()
    assert 10 < before < 1e6
    block = np.ones(int(before * 1e6 / 8) + 10_000_000)  # more than was ever used
    after = peak_memory()
    assert after >= block.nbytes / 1e6
    del block
    assert peak_memory() >= after


def test_format_memory():
    assert format_memory(1234.56) == "1,235 MB"
    assert format_memory(None) == "unknown"
