"""``zeroone train`` with target propagation and the straight-through estimators."""

import csv
import re

import numpy as np
import pytest

import zeroone.network
from zeroone import cli
from zeroone.commands.methods import METHODS, OPTIONS
from zeroone.datasets import load_digits
from zeroone.estimators import FTPropClassifier

FAST = ("--data", "digits", "--hidden", "12", "--epochs", "2")


@pytest.mark.parametrize(
    ("method", "parameters"),
    [("ftprop", {}), ("ste", {"loss": "linear"}), ("sste", {"loss": "saturated_hinge"})],
)
def test_the_saved_model_is_the_estimators(method, parameters, tmp_path, capsys):
    path = tmp_path / "model.npz"
    assert cli.main(["train", "--method", method, *FAST, "--seed", "3", "--save", str(path)]) == 0
    assert re.search(r"neurons kept, layer 1 +12 of 12", capsys.readouterr().out)
    data = load_digits()
    expected = FTPropClassifier(12, epochs=2, random_state=3, dtype="float32", **parameters)
    expected.fit(data.X_train, data.y_train)
    network = zeroone.network.load(path)
    for ours, theirs in zip(network.weights, expected.network_.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert network.activation == "sign"
    assert network.metadata["training"]["method"] == method
    assert network.metadata["training"]["loss"] == expected.loss


def test_staircases_are_saved_and_evaluated(tmp_path, capsys):
    path = str(tmp_path / "model.npz")
    options = ("--activation", "staircase", "--levels", "3", "--normalise", "--dropout", "0.1")
    files = ("--history", str(tmp_path / "h.csv"), "--plot", str(tmp_path / "h.png"))
    assert cli.main(["train", "--method", "ftprop", *FAST, *options, *files, "--save", path]) == 0
    assert zeroone.network.load(path).levels == 3
    trained = capsys.readouterr().out
    assert cli.main(["evaluate", path, "--data", "digits"]) == 0
    accuracy = next(line for line in trained.splitlines() if "test accuracy" in line).split()[-1]
    assert f"accuracy {accuracy}" in capsys.readouterr().out
    with open(tmp_path / "h.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["sweep"] for row in rows] == ["1", "2"]
    assert all(float(row["output loss"]) > 0 and float(row["layer 1 loss"]) > 0 for row in rows)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--method ste --loss hinge", "--loss is an option of --method ftprop, not of ste"),
        ("--method ftprop --tau 1", "--tau is an option of --method bcd, not of ftprop"),
        ("--method bcd --momentum 0.5", "--momentum is an option of --method ftprop, ste, sste"),
        ("--method ftprop --levels 3", "levels must be None"),
        ("--method ftprop --dropout 1", "dropout must be"),
        ("--method ftprop --batch-size 0", "batch_size must be"),
        ("--method ftprop --epochs 0", "epochs must be"),
        (
            "--method ftprop --optimiser momentum --learning-rate 1e38",
            "training diverged at update",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(options, what, tmp_path, capsys):
    files = ("--save", str(tmp_path / "m.npz"), "--history", str(tmp_path / "h.csv"))
    assert cli.main(["train", "--data", "digits", *options.split(), *files]) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_every_parameter_of_every_method_has_an_option():
    options = {parameter for _, parameter, _, _ in OPTIONS}
    elsewhere = {"random_state", "dtype", "image_shape", "layerwise"}
    for method in METHODS.values():
        assert set(method.defaults) - elsewhere <= options
