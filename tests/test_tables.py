"""Data in CSV files: what is read, what is refused, and what the commands make of it."""

import csv
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from terminal import run

from zeroone.datasets import fixed_split, load, load_csv

ROWS = [("1.5", "-2", "red"), ("0.25", "3e2", "blue"), (" 4", "5.", "red"), ("-1", "+6", "blue")]
NUMBERS = [[1.5, -2], [0.25, 300], [4, 5], [-1, 6]]


def lay(rows, *, header=("a", "b", "colour"), delimiter=",", end="\n", last=True):
    lines = [delimiter.join(row) for row in ([header] if header else []) + list(rows)]
    return end.join(lines) + (end if last else "")


@pytest.fixture
def write(tmp_path):
    def to(text, name="some.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return to


def whole(data):
    """Return X and the names of the labels in the order of the file, by the rule of the split."""
    n = len(data.y_train) + len(data.y_test)
    X = np.vstack([data.X_train, data.X_test])
    names = [data.class_names[label] for label in (*data.y_train, *data.y_test)]
    return n, {(*row, name) for row, name in zip(X.tolist(), names, strict=True)}


# --------------------------------------------------------------------------------- what is read


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [("a", "b", "colour"), None])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_headers_and_ends_of_lines(write, delimiter, header, end):
    path = write(lay(ROWS * 3, header=header, delimiter=delimiter, end=end))
    data = load_csv(path, "colour" if header else 3)
    n, found = whole(data)
    assert n == 12
    assert found == {(*X, row[2]) for X, row in zip(NUMBERS, ROWS, strict=True)}
    assert data.class_names == ("blue", "red")
    assert (data.name, data.image_shape, data.X_train.dtype) == ("some", (2,), np.float64)


def test_samples_and_their_split_are_those_of_the_file(write):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), rng.integers(0, 3, 40)
    path = write(
        lay([(*map(repr, map(float, x)), str(label)) for x, label in zip(X, y, strict=True)],
            header=("a", "b", "c", "y"))
    )  # fmt: skip
    data = load_csv(path, "y")
    train, test = fixed_split(y)
    np.testing.assert_array_equal(data.X_train, X[train])
    np.testing.assert_array_equal(data.X_test, X[test])
    np.testing.assert_array_equal(data.y_train, y[train])
    np.testing.assert_array_equal(data.y_test, y[test])


@pytest.mark.parametrize(
    ("label", "held"), [("colour", "b"), ("3", "b"), (3, "b"), ("1", "b"), (" colour ", "b")]
)
def test_label_by_name_or_number(write, label, held):
    rows = [(row[2], row[1], row[0]) if str(label) == "1" else row for row in ROWS]
    header = ("colour", "b", "a") if str(label) == "1" else ("a", "b", "colour")
    data = load_csv(write(lay(rows, header=header)), label)
    assert data.class_names == ("blue", "red")
    assert held in header


def test_a_name_wins_over_a_number(write):
    rows = [("0", "5", "8"), ("1", "6", "8"), ("0", "7", "9"), ("1", "7", "9")]
    path = write(lay(rows, header=("3", "x", "z")))
    assert load_csv(path, "3").class_names == ("0", "1")
    assert load_csv(path, 1).class_names == ("0", "1")
    assert load_csv(path, "z").class_names == ("8", "9")


def test_a_header_of_numbers_is_seen_by_the_name_of_the_label(write):
    path = write(lay(ROWS, header=("0", "1", "colour")))
    assert len(whole(load_csv(path, "colour"))[1]) == 4
    with pytest.raises(ValueError, match="whose first line is no header"):
        load_csv(path, "hue")
    # Without that name it looks like a sample.
    assert whole(load_csv(path, 3))[0] == 5
    assert whole(load_csv(path, 3, header=True))[0] == 4


def test_a_missing_value_in_the_first_line_makes_no_header(write):
    path = write(lay([("?", "1", "red"), *ROWS], header=None))
    with pytest.raises(ValueError, match=r"line 1, column 1: the value is missing \('\?'\)"):
        load_csv(path, 3)


def test_header_false_takes_the_first_line_for_a_sample(write):
    with pytest.raises(ValueError, match=r"line 1, column 1: the value must be a finite number"):
        load_csv(write(lay(ROWS)), 3, header=False)


def test_whole_numbers_are_sorted_as_numbers_and_words_as_text(write):
    rows = [(str(i), "0", label) for i, label in enumerate(["10", "9", "2.0", "10", "2", "9"])]
    assert load_csv(write(lay(rows)), 3).class_names == ("2", "9", "10")
    rows = [(str(i), "0", label) for i, label in enumerate(["10", "9", "x", "10", "x", "9"])]
    assert load_csv(write(lay(rows)), 3).class_names == ("10", "9", "x")


def test_quotes_marks_and_empty_lines(write):
    text = '"a, of it";"b";"colour"\n1;2;"re\nd"\n\n3;4;blue\n5;6;"re\nd"\n7;8;blue\n\n'
    data = load_csv(write(text, encoding="utf-8-sig"), "colour")
    assert data.class_names == ("blue", "re\nd")
    assert whole(data)[0] == 4
    assert whole(load_csv(write(text.replace("colour", "c, d")), "c, d"))[0] == 4


def test_a_tsv_file_is_read_by_load(write):
    path = write(lay(ROWS, delimiter="\t"), name="some.TSV")
    assert load(path, label="colour").class_names == ("blue", "red")


CELLS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    X=st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=30),
    delimiter=st.sampled_from(",;\t"),
    place=st.integers(0, 2),
)
def test_every_number_comes_back_exactly(write, X, delimiter, place):
    rows = []
    for i, pair in enumerate(X):
        row = [repr(value) for value in pair]
        row.insert(place, "ab"[i % 2] if i > 1 else "a")
        rows.append(row)
    rows += [[("b" if j == place else "0") for j in range(3)]] * 2
    data = load_csv(write(lay(rows, header=None, delimiter=delimiter)), place + 1, header=False)
    expected = np.array([*X, (0.0, 0.0), (0.0, 0.0)])
    got = np.vstack([data.X_train, data.X_test])
    assert sorted(got.tolist()) == sorted(expected.tolist())


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("cell", ["", " ", "?", "NA", "na", "NaN", "nan", "n/a", "#N/A"])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_missing_values_are_refused_with_line_and_column(write, cell, column):
    rows = [list(row) for row in ROWS]
    rows[2][column] = cell
    name = ("a", "b", "colour")[column]
    wanted = rf"some\.csv, line 4, column {column + 1} \({name}\): the value is missing"
    with pytest.raises(ValueError, match=wanted):
        load_csv(write(lay(rows)), "colour")


@pytest.mark.parametrize(
    "cell", ["red", "1,5", "1_000", "inf", "-Infinity", "1e999", "0x10", "--1"]
)
def test_features_that_are_no_numbers_are_refused(write, cell):
    rows = [*ROWS, ("0", cell, "red")]
    with pytest.raises(ValueError, match=r"line 6, column 2 \(b\): the value must be a finite num"):
        load_csv(write(lay(rows, delimiter=";")), "colour")


@pytest.mark.parametrize("row", [("1", "2"), ("1", "2", "red", "4"), ("1",)])
def test_ragged_rows_are_refused(write, row):
    with pytest.raises(ValueError, match=rf"line 6: the row must have 3 cells .* has {len(row)}"):
        load_csv(write(lay([*ROWS, row])), "colour")


def test_lines_are_counted_with_those_inside_quotes(write):
    text = 'a,colour\n1,"re\nd"\n2,blue\n?,blue\n'
    with pytest.raises(ValueError, match="line 5, column 1"):
        load_csv(write(text), "colour")


def refused_files():
    return {
        "empty": ("", "row for each sample, but is empty"),
        "header only": ("a,b,colour\n", "row for each sample, but has none"),
        "one column": ("a\n1\n2\n", "two columns or more"),
        "one class": (lay([("1", "2", "red"), ("3", "4", "red")]), "two classes or more"),
        "each once": (lay([("1", "2", "red"), ("3", "4", "blue")]), "cannot be divided"),
        "real labels": (lay([("1", "2", "0.5"), ("3", "4", "1")]), "whole numbers or words"),
        "same name": (lay(ROWS, header=("colour", "b", "colour")), "names several"),
    }


@pytest.mark.parametrize("what", refused_files())
def test_files_that_hold_no_data_set_are_refused(write, what):
    text, message = refused_files()[what]
    with pytest.raises(ValueError, match=message):
        load_csv(write(text), "colour", header=True)


def test_what_is_no_text_is_refused(write, tmp_path):
    with pytest.raises(ValueError, match="UTF-8"):
        load_csv(write(lay(ROWS) + "ä", encoding="latin-1"), "colour")
    with pytest.raises(ValueError, match="there is no file"):
        load_csv(tmp_path / "none.csv", "colour")
    huge = write("a,b,colour\n1,2," + "x" * 200_000 + "\n")
    with pytest.raises(ValueError, match="cannot be read as CSV"):
        load_csv(huge, "colour")


@pytest.mark.parametrize("label", ["shape", "0", "4", "-1", "1.0", ""])
def test_columns_that_do_not_exist_are_refused(write, label):
    with pytest.raises(ValueError, match=r"label must be the name of a column .* which are a, b"):
        load_csv(write(lay(ROWS)), label)


def test_label_and_file_belong_together(write):
    with pytest.raises(ValueError, match="label must name the column"):
        load(write(lay(ROWS)))
    with pytest.raises(ValueError, match=r"for a \.csv or \.tsv file only"):
        load("digits", label="colour")
    with pytest.raises(ValueError, match=r"for a \.csv or \.tsv file only"):
        load("digits", header=True)


def test_a_large_file_takes_little_more_than_its_numbers(tmp_path):
    path, n, d = tmp_path / "large.csv", 20_000, 20
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for i in range(n):
            writer.writerow([*(f"{(i * 31 + j * 17) % 997 / 7:.3f}" for j in range(d)), i % 3])
    tracemalloc.start()
    data = load_csv(path, d + 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(data.X_train) + len(data.X_test) == n
    # All numbers, and a copy of them in two parts; a list of lists of floats would take 4 times it.
    assert peak < 2.8 * n * d * 8


# ------------------------------------------------------------------------------ at the terminal


def blobs(path):
    rng = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["east", "kind", "north"])
        for i in range(90):
            x = rng.standard_normal(2) * 0.3 + [(0, 0), (3, 0), (0, 3)][i % 3]
            writer.writerow([f"{x[0]:.4f}", ("oak", "ash", "elm")[i % 3], f"{x[1]:.4f}"])
    return path


def test_train_and_evaluate_with_a_table(tmp_path):
    path, model = blobs(tmp_path / "trees.csv"), tmp_path / "model.npz"
    options = ("--data", path, "--label", "kind")
    fast = ("--hidden", 20, "--epochs", 5)
    status, out, err = run("train", *options, *fast, "--save", model)
    assert (status, err) == (0, "")
    assert "trees, 2-20-3" in out
    assert float(re.search(r"test accuracy +([\d.]+)%", out).group(1)) > 80
    status, out, err = run("evaluate", model, "--data", path, "--label", 2, "--header")
    assert (status, err) == (0, "")
    assert "trees, test part" in out
    assert [line.split()[0] for line in out.splitlines()[-3:]] == ["ash", "elm", "oak"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "FILE"), "label is missing: say which column"),
        (("--data", "FILE", "--label", "sort"), "label must be the name of a column"),
        (("--data", "FILE", "--label", "2", "--no-header"), "line 1, column 1: the value must be"),
        (("--data", "digits", "--label", "2"), "--label and --header are options of FILE.csv"),
        (("--data", "digits", "--no-header"), "--label and --header are options of FILE.csv"),
        (("--data", "FILE", "--label", "kind", "--save", "FILE"), "names the same file"),
    ],
)
def test_commands_refuse_in_one_line(tmp_path, options, message):
    path = blobs(tmp_path / "trees.csv")
    status, _, err = run("train", *(path if option == "FILE" else option for option in options))
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
