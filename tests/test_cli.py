"""The commands train, evaluate and prune, as someone at a terminal sees them."""

import argparse
import contextlib
import csv
import gzip
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import terminal

from zeroone.cli import main
from zeroone.commands import evaluate, train
from zeroone.commands.common import add_data_options, load_data
from zeroone.datasets import load_digits, load_npz, stratified_split
from zeroone.estimators import BCDClassifier
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import load

DIGITS = ("--data", "digits")
FAST = ("--hidden", "20", "--epochs", "3")


@dataclass
class Run:
    """What a command did."""

    status: int
    out: str
    err: str

    def row(self, name):
        """Return what the final table says of something."""
        found = re.search(rf"^{re.escape(name)}  +(.+)$", self.out, re.MULTILINE)
        assert found, f"no row {name!r} in:\n{self.out}"
        return found.group(1)

    def percent(self, name):
        return float(self.row(name).removesuffix("%"))


def run(*arguments):
    return Run(*terminal.run(*arguments))


def succeed(*arguments):
    done = run(*arguments)
    assert (done.status, done.err) == (0, ""), done
    return done


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the folder and the output of one training."""
    folder = tmp_path_factory.mktemp("trained")
    files = [folder / name for name in ("model.npz", "history.csv", "curve.png")]
    options = zip(("--save", "--history", "--plot"), files, strict=True)
    done = succeed("train", *DIGITS, *FAST, *(each for pair in options for each in pair))
    return folder, done


@pytest.fixture(scope="module")
def model(trained):
    return trained[0] / "model.npz"


@pytest.fixture(scope="module")
def deep_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("deep") / "deep.npz"
    succeed("train", *DIGITS, "--hidden", "30,20", "--epochs", "6", "--save", path)
    return path


# ------------------------------------------------------------------------------------- train


def test_train_ends_with_a_table(trained):
    _, done = trained
    assert done.percent("training accuracy") > 85
    assert done.percent("test accuracy") > 85
    terms = {"fit", "coupling of layer 1", "sparsity"}
    values = [float(done.row(f"objective: {name}")) for name in terms]
    assert sum(values) == pytest.approx(float(done.row("objective")), rel=1e-4)
    assert done.row("neurons kept, layer 1") == "20 of 20"
    assert re.fullmatch(r"\d+\.\d s", done.row("training time"))
    assert re.fullmatch(r"[\d,]+ MB", done.row("peak memory"))


def test_train_writes_what_it_is_asked_for(trained):
    folder, done = trained
    assert sorted(os.listdir(folder)) == ["curve.png", "history.csv", "model.npz"]
    for name in os.listdir(folder):
        assert f"written to {folder / name}\n" in done.out
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    rows = read_csv(folder / "history.csv")
    assert [float(row["position"]) for row in rows] == [1, 2, 3]
    for row in rows:
        terms = sum(float(row[name]) for name in ("fit", "coupling_1", "sparsity"))
        assert float(row["objective"]) == pytest.approx(terms)
        assert 0.5 < float(row["train_accuracy"]) <= 1
        assert 0.5 < float(row["test_accuracy"]) <= 1
        assert float(row["seconds"]) > 0


def test_the_saved_model_has_the_accuracy_that_was_printed(trained, model):
    data = load_digits()
    right = sum(a == b for a, b in zip(load(model).predict(data.X_test), data.y_test, strict=True))
    assert f"{100 * right / len(data.y_test):.2f}%" == trained[1].row("test accuracy")
    done = succeed("evaluate", model, *DIGITS)
    assert f"accuracy {trained[1].row('test accuracy')} ({right} of 359)" in done.out
    done = succeed("evaluate", model, *DIGITS, "--part", "train")
    assert f"accuracy {trained[1].row('training accuracy')} (" in done.out
    assert "of 1438)" in done.out


def test_a_model_says_how_it_came_about(model):
    metadata = load(model).metadata
    assert metadata["data"] == "digits"
    assert metadata["image_shape"] == [8, 8]
    assert metadata["class_names"] == list("0123456789")
    assert metadata["training"]["hidden"] == 20
    assert metadata["training"]["seed"] == 0
    assert not any("/" in str(value) for value in metadata["training"].values())


@pytest.mark.parametrize("form", ["mini-batch", "full-batch"])
def test_a_seed_makes_runs_the_same_to_the_bit(tmp_path, form):
    models, histories = [], []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        options = ("--form", form, "--hidden", "12", "--epochs", "2", "--seed", seed)
        files = ("--save", tmp_path / name, "--history", tmp_path / f"{name}.csv")
        succeed("train", *DIGITS, *options, *files)
        models.append((tmp_path / name).read_bytes())
        rows = read_csv(tmp_path / f"{name}.csv")
        assert all(row.pop("seconds") for row in rows)
        histories.append(rows)
    assert models[0] == models[1]
    assert histories[0] == histories[1]
    assert not np.array_equal(load(tmp_path / "a").weights[0], load(tmp_path / "c").weights[0])
    assert histories[0] != histories[2]


@pytest.mark.parametrize("hidden", ["30,20", "20,15,10"])
@pytest.mark.parametrize("form", ["mini-batch", "full-batch"])
def test_several_hidden_layers(tmp_path, hidden, form):
    path = tmp_path / "model.npz"
    files = ("--save", path, "--plot", tmp_path / "curve.svg")
    done = succeed("train", *DIGITS, "--hidden", hidden, "--form", form, "--epochs", 6, *files)
    sizes = tuple(map(int, hidden.split(",")))
    for number, size in enumerate(sizes, start=1):
        assert done.row(f"neurons kept, layer {number}").endswith(f" of {size}")
        assert float(done.row(f"objective: coupling of layer {number}")) >= 0
    assert load(path).layer_sizes == (64, *sizes, 10)
    assert done.percent("test accuracy") > 30
    assert f"accuracy {done.row('test accuracy')} (" in succeed("evaluate", path, *DIGITS).out


@pytest.mark.parametrize(
    ("splitting", "blocks"),
    [
        ("two", ["W2", "U1", "W1"]),
        ("three", ["W2", "V1", "U1", "W1"]),
        ("joint", ["W2", "J1", "W1"]),
    ],
)
def test_full_batch_history_has_a_row_a_block(tmp_path, splitting, blocks):
    path = tmp_path / "history.csv"
    options = ("--form", "full-batch", "--splitting", splitting, "--hidden", "15", "--epochs", "4")
    succeed("train", *DIGITS, *options, "--dtype", "float64", "--history", path)
    rows = read_csv(path)
    assert [row["block"] for row in rows] == blocks * 4
    assert [int(row["sweep"]) for row in rows] == [s for s in range(1, 5) for _ in blocks]
    terms = [
        name for name in rows[0] if name.startswith(("fit", "coup", "activ", "ridge", "spars"))
    ]
    assert ("activation_1" in terms) == (splitting != "two")
    objectives = [float(row["objective"]) for row in rows]
    for row, objective in zip(rows, objectives, strict=True):
        assert objective == pytest.approx(sum(float(row[name]) for name in terms), rel=1e-12)
    # F falls block by block, by whatever the splitting.
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(objectives))
    assert objectives[-1] < objectives[0]
    # The hard network's accuracy is there at the end of every sweep and nowhere else.
    for name in ("train_accuracy", "test_accuracy"):
        measured = [bool(row[name]) for row in rows]
        assert measured == ([False] * (len(blocks) - 1) + [True]) * 4
        assert all(0 < float(row[name]) <= 1 for row in rows if row[name])


def test_a_falling_objective_and_a_worse_network_show_in_one_history(tmp_path):
    path = tmp_path / "history.csv"
    options = ("--form", "full-batch", "--splitting", "three", "--hidden", "10,10,10")
    succeed("train", *DIGITS, *options, "--epochs", "5", "--history", path)
    ends = [row for row in read_csv(path) if row["train_accuracy"]]
    objective = [float(row["objective"]) for row in ends]
    accuracy = [float(row["train_accuracy"]) for row in ends]
    assert objective == sorted(objective, reverse=True)
    assert min(np.diff(accuracy)) < -0.01


def test_l20_removes_neurons(tmp_path):
    path, history = tmp_path / "model.npz", tmp_path / "history.csv"
    options = ("--hidden", "40", "--epochs", "12", "--l20", "0.005")
    done = succeed("train", *DIGITS, *options, "--save", path, "--history", history)
    kept = int(done.row("neurons kept, layer 1").removesuffix(" of 40"))
    assert 0 < kept < 40
    assert load(path).layer_sizes == (64, kept, 10)
    counts = [int(row["neurons_1"]) for row in read_csv(history)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == kept
    assert done.percent("test accuracy") > 80


def test_l20_on_rows_in_the_full_batch_form(tmp_path):
    options = ("--form", "full-batch", "--hidden", "40", "--epochs", "3", "--l20", "400")
    done = succeed("train", *DIGITS, *options, "--save", tmp_path / "model.npz")
    kept = int(done.row("neurons kept, layer 1").removesuffix(" of 40"))
    assert 0 < kept < 40
    rows = load(tmp_path / "model.npz").compress().layer_sizes[1]
    assert rows == kept


def test_validation_leaves_the_test_data_alone(tmp_path):
    path = tmp_path / "history.csv"
    done = succeed("train", *DIGITS, *FAST, "--validation", "0.1", "--history", path)
    assert "test accuracy" not in done.out
    kept, held = stratified_split(load_digits().y_train, 0.1, np.random.default_rng(0))
    share = done.percent("validation accuracy") / 100 * len(held)
    assert share == pytest.approx(round(share), abs=0.01)  # a number of the samples held out
    names = read_csv(path)[0]
    assert "validation_accuracy" in names
    assert "test_accuracy" not in names
    assert len(kept) + len(held) == 1438


# -------------------------------------------------------------------------------------- data


def blobs(labels, n=90, seed=0):
    """Return samples around a point for each label, easy to tell apart."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % len(labels)
    centres = np.random.default_rng(99).normal(size=(len(labels), 6)) * 3
    return centres[y] + rng.normal(size=(n, 6)), np.asarray(labels)[y]


@pytest.mark.parametrize("labels", [["ant", "bee", "cow"], [-7, 3, 40], [b"x", b"y", b"z"]])
def test_own_data_with_labels_of_any_kind(tmp_path, labels):
    X, y = blobs(labels)
    np.savez(tmp_path / "own.npz", X=X, y=y)
    path = tmp_path / "model.npz"
    own = ("--data", tmp_path / "own.npz")
    trained = succeed("train", *own, "--hidden", 10, "--epochs", 3, "--save", path)
    done = succeed("evaluate", path, *own)
    assert f"accuracy {trained.row('test accuracy')} (" in done.out
    names = [label.decode() if isinstance(label, bytes) else str(label) for label in labels]
    header = done.out.split("columns: predicted class\n")[1].splitlines()[0]
    assert header.split() == [*names, "correct"]
    for name in names:
        assert re.search(rf"^{name} ", done.out, re.MULTILINE)


def test_a_file_with_some_of_the_classes_is_matched_by_name(tmp_path):
    X, y = blobs(["ant", "bee", "cow"])
    np.savez(tmp_path / "all.npz", X=X, y=y)
    path = tmp_path / "model.npz"
    all_data = ("--data", tmp_path / "all.npz")
    succeed("train", *all_data, "--hidden", 10, "--epochs", 3, "--save", path)
    some = y != "ant"
    np.savez(tmp_path / "some.npz", X=X[some], y=y[some])
    done = succeed("evaluate", path, "--data", tmp_path / "some.npz")
    data = load_npz(tmp_path / "some.npz")
    said = np.array(["ant", "bee", "cow"])[load(path).predict(data.X_test)]
    truth = np.array(data.class_names)[data.y_test]
    assert f"({np.sum(said == truth)} of {len(truth)})" in done.out
    assert re.search(r"^ant +0 +0 +0  none$", done.out, re.MULTILINE)
    np.savez(tmp_path / "other.npz", X=X, y=np.where(y == "ant", "dog", y))
    assert "also has dog" in refused("evaluate", path, "--data", tmp_path / "other.npz")
    assert "also has dog" in refused("prune", path, "--data", tmp_path / "other.npz", "--keep", 2)


@pytest.mark.parametrize("named", [True, False])
def test_a_model_saved_from_python_can_be_evaluated(tmp_path, named):
    X, y = blobs(["ant", "bee", "cow"])
    np.savez(tmp_path / "own.npz", X=X, y=y)
    data = load_npz(tmp_path / "own.npz")
    labels = np.array(data.class_names)[data.y_train] if named else data.y_train
    classifier = BCDClassifier(hidden=10, epochs=3).fit(data.X_train, labels)
    classifier.network_.save(tmp_path / "model.npz")
    truth = np.array(data.class_names)[data.y_test] if named else data.y_test
    right = round(classifier.score(data.X_test, truth) * len(truth))
    done = succeed("evaluate", tmp_path / "model.npz", "--data", tmp_path / "own.npz")
    assert f"({right} of {len(truth)})" in done.out
    smaller = ("--keep", 5, "--save", tmp_path / "small.npz")
    succeed("prune", tmp_path / "model.npz", "--data", tmp_path / "own.npz", *smaller)
    assert load(tmp_path / "small.npz").classes.tolist() == sorted(set(labels.tolist()))


@pytest.fixture
def idx_folder(tmp_path):
    """Write IDX files as those of MNIST, small, and with three of the ten classes only."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    patterns = rng.random((10, 28, 28)) > 0.5
    for part, n in (("train", 120), ("t10k", 30)):
        y = rng.permutation(np.arange(n) % 3 * 4).astype(np.uint8)  # 0, 4, 8
        X = np.where(patterns[y] ^ (rng.random((n, 28, 28)) < 0.1), 255, 0).astype(np.uint8)
        header = struct.pack(">IIII", 0x803, n, 28, 28)
        packed = gzip.compress(header + X.tobytes())
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(packed)
        header = struct.pack(">II", 0x801, n)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + y.tobytes())
    return tmp_path / "data"


def test_idx_files_by_option_and_by_environment(tmp_path, idx_folder, monkeypatch):
    monkeypatch.delenv("ZEROONE_DATA", raising=False)
    options = ("--data", "mnist", "--hidden", "15", "--epochs", "2")
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    trained = succeed("train", *options, "--data-dir", idx_folder, "--save", one)
    monkeypatch.setenv("ZEROONE_DATA", str(idx_folder))
    succeed("train", *options, "--save", other)
    assert one.read_bytes() == other.read_bytes()
    # Classes that the training data have not are no outputs, and the others keep their names.
    assert load(one).classes.tolist() == [0, 4, 8]
    done = succeed("evaluate", one, "--data", "mnist")
    assert f"accuracy {trained.row('test accuracy')} (" in done.out
    assert done.out.split("columns: predicted class\n")[1].split()[:4] == ["0", "4", "8", "correct"]
    succeed("prune", one, "--data", "mnist", "--keep", "10")


# ---------------------------------------------------------------------------------- evaluate


def test_confusion_table(model):
    data = load_digits()
    done = succeed("evaluate", model, *DIGITS)
    lines = done.out.split("columns: predicted class\n")[1].splitlines()[2:]
    printed = np.array([[int(cell) for cell in line.split()[1:-1]] for line in lines])
    expected = np.zeros((10, 10), dtype=int)
    for truth, said in zip(data.y_test, load(model).predict(data.X_test), strict=True):
        expected[truth, said] += 1
    assert np.array_equal(printed, expected)
    assert printed.sum() == len(data.y_test)
    assert np.any(printed != printed.T)  # so that a transposed table would be noticed
    for line, row, digit in zip(lines, expected, range(10), strict=True):
        assert line.split()[0] == str(digit)
        assert line.split()[-1] == f"{100 * row[digit] / row.sum():.1f}%"
    share = 100 * np.trace(expected) / expected.sum()
    assert f"accuracy {share:.2f}% ({np.trace(expected)} of {expected.sum()})" in done.out


# ------------------------------------------------------------------------------------- prune


@pytest.mark.parametrize("score", ["joint", "row"])
def test_prune_keeps_as_many_as_it_is_told(tmp_path, model, score):
    small, curve, picture = (tmp_path / name for name in ("small.npz", "curve.csv", "curve.pdf"))
    files = ("--save", small, "--curve", curve, "--plot", picture)
    done = succeed("prune", model, *DIGITS, "--keep", "12", "--score", score, *files)
    network = load(small)
    assert network.layer_sizes == (64, 12, 10)
    rows = read_csv(curve)
    counts = [int(row["neurons"]) for row in rows]
    assert counts[0] == 20
    assert counts[-1] == 12
    assert counts == sorted(set(counts), reverse=True)
    data = load_digits()
    for row, net in ((rows[0], load(model)), (rows[-1], network)):
        expected = np.mean(net.predict(data.X_test) == data.y_test)
        assert float(row["test_accuracy"]) == pytest.approx(expected)
    assert picture.read_bytes().startswith(b"%PDF")
    for path in (small, curve, picture):
        assert f"written to {path}\n" in done.out
    # Every row that is left is a row of the model: neurons were removed and not changed.
    before = {tuple(row) for row in load(model).weights[0].tolist()}
    assert all(tuple(row) in before for row in network.weights[0].tolist())
    printed = succeed("evaluate", small, *DIGITS).out
    assert f"accuracy {float(rows[-1]['test_accuracy']):.2%} (" in printed


def test_the_scores_differ(tmp_path, model):
    kept = []
    for score in ("joint", "row"):
        path = tmp_path / score
        succeed("prune", model, *DIGITS, "--keep", "10", "--score", score, "--save", path)
        kept.append({tuple(row) for row in load(path).weights[0].tolist()})
    assert kept[0] != kept[1]


@pytest.mark.parametrize("points", [0, 2, 10])
def test_prune_loses_no_more_than_it_may(tmp_path, model, points):
    small, curve = tmp_path / "small.npz", tmp_path / "curve.csv"
    options = ("--max-loss", points, "--save", small, "--curve", curve)
    succeed("prune", model, *DIGITS, *options)
    data = load_digits()
    _, held = stratified_split(data.y_train, 0.1, np.random.default_rng(0))
    X, y = data.X_train[held], data.y_train[held]
    before, after = (np.mean(load(path).predict(X) == y) for path in (model, small))
    assert after >= before - points / 100 - 1e-12
    rows = read_csv(curve)
    assert float(rows[-1]["validation_accuracy"]) == pytest.approx(after)
    assert all(float(row["validation_accuracy"]) >= before - points / 100 for row in rows)
    if points == 10:
        assert load(small).layer_sizes[1] < 20


def test_prune_two_layers(tmp_path, deep_model):
    small, curve = tmp_path / "small.npz", tmp_path / "curve.csv"
    files = ("--save", small, "--curve", curve)
    succeed("prune", deep_model, *DIGITS, "--keep", "25,12", *files)
    assert load(small).layer_sizes == (64, 25, 12, 10)
    rows = read_csv(curve)
    assert [int(row["neurons"]) for row in rows] == [
        int(row["neurons_1"]) + int(row["neurons_2"]) for row in rows
    ]
    succeed("prune", deep_model, *DIGITS, "--keep", "15", *files)
    assert load(small).layer_sizes == (64, 15, 15, 10)


def test_prune_can_overwrite_the_model_with_the_smaller_one(tmp_path, model):
    path = tmp_path / "model.npz"
    path.write_bytes(model.read_bytes())
    succeed("prune", path, *DIGITS, "--keep", "15", "--save", path)
    assert load(path).layer_sizes == (64, 15, 10)


# --------------------------------------------------------------------------------- bad input


def refused(*arguments):
    """Return the one line on standard error with which a command refuses bad input."""
    done = run(*arguments)
    assert done.status == 2, done
    assert done.out == ""
    assert done.err.endswith("\n")
    assert done.err.count("\n") == 1, done.err
    assert re.match(r"zeroone( \w+)?: error: ", done.err)
    return done.err


def files_in(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def here(tmp_path, monkeypatch, model):
    """Work in a folder with a model and data of all kinds, and see that nothing is left there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZEROONE_DATA", raising=False)
    X, y = blobs([0, 1, 2])
    np.savez("good.npz", X=X, y=y)
    np.savez("nan.npz", X=np.where(X > 3, np.nan, X), y=y)
    np.savez("infinite.npz", X=np.where(X > 3, np.inf, X), y=y)
    np.savez("lengths.npz", X=X, y=y[:-1])
    np.savez("flat.npz", X=X[:, 0], y=y)
    np.savez("empty.npz", X=X[:0], y=y[:0])
    np.savez("features.npz", X_train=X, y_train=y, X_test=X[:, 1:], y_test=y)
    np.savez("one-class.npz", X=X, y=y * 0)
    np.savez("real-labels.npz", X=X, y=y + 0.5)
    np.savez("names.npz", images=X, labels=y)
    np.savez("objects.npz", X=X.astype(object), y=y)
    Path("text.npz").write_text("not a zip archive")
    content = model.read_bytes()
    Path("model.npz").write_bytes(content)
    Path("truncated.npz").write_bytes(content[: len(content) // 2])
    Path("cut.npz").write_bytes(Path("good.npz").read_bytes()[:200])
    Path("folder").mkdir()
    ZeroOneMLP([np.ones((1, 64))], [np.zeros(1)]).save("single-output.npz")
    ZeroOneMLP([np.ones((10, 64))], [np.zeros(10)]).save("linear.npz")
    before = files_in(tmp_path)
    yield tmp_path
    assert files_in(tmp_path) == before


OUTPUTS = ("--save", "out.npz", "--history", "out.csv", "--plot", "out.png")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("nan.npz", "X must be finite"),
        ("infinite.npz", "X must be finite"),
        ("lengths.npz", "90 samples, but y has 89 labels"),
        ("flat.npz", "two axes"),
        ("empty.npz", "not be empty"),
        ("features.npz", "expected the same"),
        ("one-class.npz", "two classes"),
        ("real-labels.npz", "integers or strings"),
        ("names.npz", "lacks X_train"),
        ("objects.npz", "pickle"),
        ("text.npz", "no .npz file"),
        ("cut.npz", "no .npz file"),
        ("folder", "data must be one of digits, mnist"),
        ("missing.npz", "there is no file missing.npz"),
        ("", "data must be one of digits, mnist"),
        ("Digits", "data must be one of digits, mnist"),
        ("mnist", "--data-dir"),
    ],
)
def test_bad_data(here, data, what):
    for command in (("train", *OUTPUTS), ("evaluate", "model.npz")):
        assert what in refused(*command, "--data", data)


@pytest.mark.parametrize("by", ["option", "environment"])
@pytest.mark.parametrize(
    ("folder", "what"), [("nowhere", "nowhere"), ("folder", "Download"), ("good.npz", "good.npz")]
)
def test_a_folder_without_the_data(here, monkeypatch, by, folder, what):
    given = ("--data-dir", folder) if by == "option" else ()
    if by == "environment":
        monkeypatch.setenv("ZEROONE_DATA", folder)
    for name in ("mnist", "cifar10"):
        assert what in refused("train", "--data", name, *given, *OUTPUTS)


@pytest.mark.parametrize("form", ["mini-batch", "full-batch"])
@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--l20 -1", "l20 must be"),
        ("--l20 nan", "l20 must be"),
        ("--gamma -1", "gamma must be"),
        ("--tau -0.5", "tau must be"),
        ("--tau=-1,2 --hidden 5,5", "tau must be"),
        ("--tau 1,2 --hidden 5", "tau must be one number"),
        ("--tau nan", "tau must be"),
        ("--tau-schedule 0", "tau_schedule must be"),
        ("--margin 0", "margin must be"),
        ("--margin 1e308", "margin must be"),
        ("--gamma 1e308", "gamma must be"),
        ("--tau 1e308", "tau must be"),
        ("--tau 1e-308", "tau must be"),
        ("--tau-schedule 1,1e308", "tau_schedule must be"),
        ("--l20 1e308", "lam must be"),
        ("--whitening 1e-308", "whitening must be"),
        ("--hidden 0", "hidden must be"),
        ("--hidden -3", "hidden must be"),
        ("--hidden 5,0", "hidden must be"),
        ("--hidden 5,", "whole numbers"),
        ("--hidden 2.5", "whole numbers"),
        ("--hidden many", "whole numbers"),
        ("--epochs 0", "epochs must be"),
        ("--epochs 1.5", "must be a whole number, but is '1.5'"),
        ("--whitening 0", "whitening must be"),
        ("--whitening no", "number or none"),
        ("--validation 0", "validation must be"),
        ("--validation 1", "validation must be"),
        ("--validation nan", "validation must be"),
        ("--seed -1", "seed must be"),
        ("--dtype float16", "invalid choice"),
        ("--method adam", "invalid choice"),
        ("--init zeros", "invalid choice"),
        ("--remedy none", "invalid choice"),
        ("--frobnicate", "unrecognized arguments: --frobnicate"),
        ("--save", "expected one argument"),
        ("--hidden 1000000000000000", "hidden must be at most"),
    ],
)
def test_bad_options(here, form, options, what):
    assert what in refused("train", *DIGITS, "--form", form, *OUTPUTS, *options.split())


@pytest.mark.parametrize(
    ("form", "options", "what"),
    [
        ("full-batch", "--pi -1", "pi must be"),
        ("full-batch", "--batch-size 100", "--batch-size is an option of --form mini-batch"),
        ("mini-batch", "--splitting three", "--splitting is an option of --form full-batch"),
        ("mini-batch", "--pi -1", "--pi is an option of --form full-batch"),
        ("mini-batch", "--batch-size 0", "batch_size must be"),
        ("mini-batch", "--passes 0", "passes must be"),
        ("mini-batch", "--forgetting 1.5", "forgetting must be"),
        ("mini-batch", "--proximity 1,2,3", "proximity must be"),
    ],
)
def test_options_of_one_form(here, form, options, what):
    assert what in refused("train", *DIGITS, "--form", form, *OUTPUTS, *options.split())


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--save nowhere/out.npz", "folder nowhere does not exist"),
        ("--history nowhere/out.csv", "folder nowhere does not exist"),
        ("--plot nowhere/out.png", "folder nowhere does not exist"),
        ("--save folder", "it is a folder"),
        ("--save good.npz/out.npz", "does not exist"),
        ("--save /dev/null", "not a regular file"),
        ("--save " + "n" * 300, "too long"),
        ("--plot out.gif", "must end in .png, .svg or .pdf"),
        ("--plot out", "must end in .png, .svg or .pdf"),
        ("--save same --history ./same", "another option names the same file"),
        ("--data good.npz --save folder/../good.npz", "another option names the same file"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_the_training(here, options, what):
    # With so many epochs it would not come back.
    arguments = ("train", *DIGITS, "--epochs", "1000000000", *options.split())
    assert what in refused(*arguments)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("evaluate missing.npz --data digits", "there is no such file"),
        ("evaluate truncated.npz --data digits", "truncated or damaged"),
        ("evaluate good.npz --data digits", "not a zeroone network file"),
        ("evaluate text.npz --data digits", "not a zip archive"),
        ("evaluate folder --data digits", "it is a folder"),
        ("evaluate model.npz --data good.npz", "64 features"),
        ("evaluate single-output.npz --data digits", "at least 2 outputs"),
        ("evaluate model.npz", "required: --data"),
        ("evaluate model.npz --data digits --part all", "invalid choice"),
        ("prune missing.npz --data digits --keep 5", "there is no such file"),
        ("prune truncated.npz --data digits --keep 5", "truncated or damaged"),
        ("prune linear.npz --data digits --keep 5", "hidden"),
        ("prune model.npz --data good.npz --keep 5", "64 features"),
        ("prune model.npz --data digits", "--keep --max-loss is required"),
        ("prune model.npz --data digits --keep 5 --max-loss 1", "not allowed with"),
        ("prune model.npz --data digits --keep 21", "keep must be at most 20"),
        ("prune model.npz --data digits --keep 0", "keep must be"),
        ("prune model.npz --data digits --keep 5,5", "keep must be one number"),
        ("prune model.npz --data digits --keep some", "whole numbers"),
        ("prune model.npz --data digits --max-loss -1", "max-loss must be"),
        ("prune model.npz --data digits --max-loss nan", "max-loss must be"),
        ("prune model.npz --data digits --keep 5 --score best", "invalid choice"),
        ("prune model.npz --data digits --keep 5 --save nowhere/o.npz", "does not exist"),
        ("prune model.npz --data digits --keep 5 --curve folder", "it is a folder"),
        ("prune model.npz --data digits --keep 5 --plot out.gif", "must end in"),
        ("prune model.npz --data digits --keep 5 --curve model.npz", "cannot write model.npz"),
        ("prune model.npz --data digits --keep 5 --curve ./model.npz", "cannot write ./model.npz"),
        ("frobnicate", "invalid choice"),
        ("", "required: COMMAND"),
    ],
)
def test_bad_commands(here, command, what):
    assert what in refused(*command.split())


def test_one_bad_line_of_a_file_system(here, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zeroone.support.files.os.replace", full)
    done = run("train", *DIGITS, *FAST, "--save", "out.npz")
    assert done.status == 2
    assert done.err == "zeroone: error: [Errno 28] No space left on device\n"


# --------------------------------------------------------------------------------- interrupt


@pytest.fixture
def interruptible():
    """Let Ctrl-C raise KeyboardInterrupt, whatever the process inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("form", ["mini-batch", "full-batch"])
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_interrupt_saves_what_there_is(tmp_path, monkeypatch, interruptible, form, rows):
    record = train.Watch.record

    def interrupted(self, step):
        if len(self.history) == rows:
            signal.raise_signal(signal.SIGINT)
        return record(self, step)

    monkeypatch.setattr(train.Watch, "record", interrupted)
    path, history = tmp_path / "model.npz", tmp_path / "history.csv"
    files = ("--save", path, "--history", history, "--plot", tmp_path / "curve.png")
    # In the mini-batch form the second layer is not there yet after the first epochs.
    options = ("--hidden", "20,10", "--epochs", "8", "--form", form)
    done = run("train", *DIGITS, *options, *files)
    assert (done.status, done.err) == (130, "zeroone: interrupted\n")
    assert len(read_csv(history)) == rows
    data = load_digits()
    accuracy = np.mean(load(path).predict(data.X_test) == data.y_test)
    assert f"{accuracy:.2%}" == done.row("test accuracy")
    expected = {"model.npz", "history.csv", "curve.png"} if rows else {"model.npz", "history.csv"}
    assert set(os.listdir(tmp_path)) == expected


def test_interrupt_before_the_training_leaves_nothing(tmp_path, monkeypatch, interruptible):
    def loading(_):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train, "load_data", loading)
    done = run("train", *DIGITS, *FAST, "--save", tmp_path / "a", "--history", tmp_path / "b")
    assert (done.status, done.out, done.err) == (130, "", "zeroone: interrupted\n")
    assert os.listdir(tmp_path) == []


def test_interrupt_while_pruning_leaves_nothing(tmp_path, monkeypatch, model, interruptible):
    def accuracy(*_):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("zeroone.commands.prune.accuracy", accuracy)
    done = run("prune", model, *DIGITS, "--keep", "5", "--save", tmp_path / "a")
    assert (done.status, done.out, done.err) == (130, "", "zeroone: interrupted\n")
    assert os.listdir(tmp_path) == []


# ------------------------------------------------------------------------------- as a process


def start(*arguments, **options):
    """Start the command as a process that Ctrl-C reaches, even from a job in the background."""
    command = [sys.executable, "-m", "zeroone", *map(str, arguments)]
    return subprocess.Popen(
        command,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        **options,
    )


def read_terminal(descriptor, until, seconds=60):
    """Return what appears on a terminal, up to a pattern or until it is closed."""
    seen, deadline = b"", time.monotonic() + seconds
    while not re.search(until, seen):
        ready, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"{until!r} did not appear, but {seen[-500:]!r}"
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # closed, says Linux
            part = b""
        if not part:
            break
        seen += part
    return seen


def test_ctrl_c_at_a_terminal(tmp_path):
    path, history = tmp_path / "model.npz", tmp_path / "history.csv"
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    options = ("--hidden", "10", "--epochs", "10000000", "--save", path, "--history", history)
    process = start("train", *DIGITS, *options, stderr=theirs)
    os.close(theirs)
    try:
        seen = read_terminal(ours, rb"train=\d+\.\d+%, test=\d+\.\d+%")
        assert b"epoch" in seen
        process.send_signal(signal.SIGINT)
        seen += read_terminal(ours, rb"interrupted")
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert process.returncode == 130
    assert b"Traceback" not in seen + out
    data = load_digits()
    accuracy = np.mean(load(path).predict(data.X_test) == data.y_test)
    assert f"{accuracy:.2%}" == Run(130, out.decode(), "").row("test accuracy")
    rows = read_csv(history)
    assert rows
    assert [float(row["position"]) for row in rows] == list(range(1, len(rows) + 1))
    assert sorted(os.listdir(tmp_path)) == ["history.csv", "model.npz"]


def test_no_bar_where_there_is_no_terminal(tmp_path):
    process = start("train", *DIGITS, *FAST, "--save", tmp_path / "m", stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert b"test accuracy" in out
    assert load(tmp_path / "m").layer_sizes == (64, 20, 10)


def test_bad_input_as_a_process(tmp_path):
    save = ("--save", tmp_path / "m")
    process = start("train", *DIGITS, "--l20", "-1", *save, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert err.decode().count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_a_reader_that_has_gone(tmp_path, model):
    # With the buffer that Python has by default, all is written at the very end.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    process = start("evaluate", model, *DIGITS, stderr=subprocess.PIPE, env=environment)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert err == b""


def test_help_and_version():
    for arguments in (["--help"], ["train", "--help"], ["evaluate", "-h"], ["prune", "-h"]):
        done = run(*arguments)
        assert (done.status, done.err) == (0, "")
        assert "usage: zeroone" in done.out
    assert re.fullmatch(r"zeroone \d+\.\d+\.\d+\n", run("--version").out)


def test_filters_may_stay_the_random_patches(capsys):
    arguments = ["train", "--data", "digits", "--kernel", "3", "--filters", "10", "--epochs"]
    assert main([*arguments, "0"]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert main(["train", "--data", "digits", "--epochs", "0"]) == 2


# ----------------------------------------------------------------------- evaluate, many classes


@pytest.fixture(scope="module")
def hundred(tmp_path_factory):
    """Return a table of a hundred classes on a grid, some of them close, and a model of it."""
    folder = tmp_path_factory.mktemp("hundred")
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(100), 15)
    centres = np.column_stack([labels % 10, labels // 10])
    rows = centres + 0.35 * rng.standard_normal(centres.shape)
    lines = [
        f"{a:.4f},{b:.4f},class {label:02d}" for (a, b), label in zip(rows, labels, strict=True)
    ]
    text = "\n".join(["x,y,kind", *lines])
    (folder / "data.csv").write_text(text + "\n", encoding="utf-8")
    model = folder / "model.npz"
    own = ("--data", folder / "data.csv", "--label", "kind")
    succeed("train", *own, "--hidden", 60, "--epochs", 3, "--save", model)
    return model, own


def expected_lists(truth, said):
    """Return (right, size) of each class and (count, share) of each pair, counted one by one."""
    sizes, right, wrong = {}, {}, {}
    for a, b in zip(truth, said, strict=True):
        sizes[a] = sizes.get(a, 0) + 1
        right[a] = right.get(a, 0) + (a == b)
        if a != b:
            wrong[a, b] = wrong.get((a, b), 0) + 1
    return sizes, right, wrong


def test_a_hundred_classes_are_no_table_of_a_hundred_columns(hundred):
    model, own = hundred
    out = succeed("evaluate", model, *own, "--part", "train", "--lines", 10_000).out
    assert max(map(len, out.splitlines())) <= 80
    data = load(model)
    rows = [line.split(",") for line in Path(own[1]).read_text().splitlines()[1:]]
    names = np.array([row[2] for row in rows])
    options = argparse_options(own)
    split = load_data(options)  # the command's own split
    truth = [split.class_names[label] for label in split.y_train]
    said = [split.class_names[label] for label in data.predict(split.X_train)]
    assert set(truth) == set(names)
    sizes, right, wrong = expected_lists(truth, said)
    assert wrong, "the classes are close"
    classes = re.findall(r"^(class \d\d) +(\d+) +(\d+)  ([\d.]+)%$", out, re.MULTILINE)
    assert {name: (int(n), int(r)) for name, n, r, _ in classes} == {
        name: (sizes[name], right[name]) for name in sizes
    }
    shares = [right[name] / sizes[name] for name, *_ in classes]
    assert shares == sorted(shares)
    pairs = re.findall(r"^(class \d\d) +(class \d\d) +(\d+)  ([\d.]+)%$", out, re.MULTILINE)
    assert {(a, b): int(n) for a, b, n, _ in pairs} == wrong
    counts = [int(n) for *_, n, _ in pairs]
    assert counts == sorted(counts, reverse=True)
    for a, _, count, share in pairs:
        assert share == f"{100 * int(count) / sizes[a]:.1f}"


def argparse_options(own):
    """Return the options of a command that reads data."""
    parser = argparse.ArgumentParser()
    add_data_options(parser)
    return parser.parse_args([str(each) for each in own])


def test_lists_are_cut_and_say_of_how_many(hundred):
    model, own = hundred
    out = succeed("evaluate", model, *own, "--lines", 3).out
    assert "\n3 of 100 classes, the least often right first\n" in out
    assert re.search(r"\n3 of \d+ pairs of classes, the most often confused first\n", out)
    assert len(re.findall(r"^class \d\d  +\d+ ", out, re.MULTILINE)) == 3
    assert len(re.findall(r"^class \d\d +class \d\d ", out, re.MULTILINE)) == 3
    assert "lines must be an integer >= 1" in refused("evaluate", model, *own, "--lines", 0)


def test_lists_without_an_error_or_without_samples():
    counts = np.diag([0, 2, 3])
    printed = evaluate.confusion_lists(["a", "b", "c"], counts, 5)
    assert printed.startswith("2 of 2 classes")
    assert "no two classes are confused" in printed
    assert evaluate.share(0, 0) == "none"


@pytest.mark.parametrize(("columns", "wide"), [(200, True), (30, False)])
def test_a_table_that_is_wider_than_the_terminal_is_not_printed(model, monkeypatch, columns, wide):
    monkeypatch.setenv("COLUMNS", str(columns))
    arguments = ("evaluate", model, *DIGITS)
    assert "rows: true class" in succeed(*arguments).out  # a file has any width
    terminal = Terminal()
    with contextlib.redirect_stdout(terminal):
        assert main([str(each) for each in arguments]) == 0
    assert ("rows: true class" in terminal.getvalue()) == wide
    assert ("10 of 10 classes" in terminal.getvalue()) != wide


class Terminal(io.StringIO):
    """What says that it is a terminal."""

    def isatty(self):
        return True
