"""``zeroone train`` with target propagation and the straight-through estimators."""

import csv
import re
import sys

import numpy as np
import pytest

import zeroone.nets.network
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
    network = zeroone.nets.network.load(path)
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
    assert zeroone.nets.network.load(path).levels == 3
    trained = capsys.readouterr().out
    assert cli.main(["evaluate", path, "--data", "digits"]) == 0
    accuracy = next(line for line in trained.splitlines() if "test accuracy" in line).split()[-1]
    assert f"accuracy {accuracy}" in capsys.readouterr().out
    with open(tmp_path / "h.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["sweep"] for row in rows] == ["1", "2"]
    assert all(float(row["output loss"]) > 0 and float(row["layer 1 loss"]) > 0 for row in rows)


OWN_LOSS = """
import numpy as np

from zeroone.losses import HiddenLoss


class Ramp(HiddenLoss):
    def value(self, m):
        return np.clip(2 - m, 0, 4)

    def derivative(self, m):
        return -(np.abs(m) <= 2).astype(m.dtype)
"""


def test_a_loss_from_a_users_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_ramp.py").write_text(OWN_LOSS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    own = ["--loss", "my_ramp:Ramp"]
    assert cli.main(["train", "--method", "ftprop", *FAST, *own, "--save", "m.npz"]) == 0
    network = zeroone.nets.network.load("m.npz")
    assert network.metadata["training"]["loss"] == "my_ramp:Ramp"
    loss = sys.modules["my_ramp"].Ramp()
    expected = FTPropClassifier(12, epochs=2, random_state=0, dtype="float32", loss=loss)
    data = load_digits()
    expected.fit(data.X_train, data.y_train)
    np.testing.assert_array_equal(network.weights[0], expected.network_.weights[0])
    capsys.readouterr()
    compared = ["--methods", "ftprop,ste", "--seconds", "0.02", "--seeds", "1", "--units", "0"]
    assert cli.main(["compare", "--data", "digits", "--hidden", "5", *compared, *own]) == 0
    for options, what in (
        (["--loss", "my_ramp:Slope"], "'Slope' in"),
        (["--methods", "ste", *own], "loss is an option of ftprop"),
    ):
        capsys.readouterr()
        assert cli.main(["compare", "--data", "digits", *options]) == 2
        error = capsys.readouterr().err
        assert what in error
        assert error.count("\n") == 1
    sys.modules.pop("my_ramp")


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
        ("--method ftprop --loss nonsense", "loss must be one of hinge, saturated_hinge"),
        ("--method ftprop --loss no_such:Loss", "cannot be imported: ModuleNotFoundError"),
        ("--method ftprop --activation staircase --levels 1000000000", "levels must be at most"),
        ("--method ftprop --learning-rate 1e308 --hidden 5", "training diverged at update 2"),
        ("--method ftprop --learning-rate 1e-308,1e308 --hidden 5", "training diverged at"),
        ("--method ftprop --weight-decay 1e308 --hidden 5", "training diverged at update"),
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


SPARSE = (
    *("--data", "digits", "--method", "ftprop", "--network", "convnet4", "--width", "0.1"),
    *("--normalise", "--sparsify", "l0", "--lam", "2e-6,2e-3", "--beta", "1e-3,1"),
)


def test_a_sparse_network_is_trained_reported_and_saved(tmp_path, capsys):
    path = tmp_path / "u.npz"
    options = ("--epochs", "2", "--refit-epochs", "1", "--save", str(path))
    assert cli.main(["train", *SPARSE, *options, "--history", str(tmp_path / "h.csv")]) == 0
    printed = capsys.readouterr().out
    data = load_digits()
    classifier = FTPropClassifier(
        network="convnet4",
        width=0.1,
        normalise=True,
        penalty="l0",
        lam=(2e-6, 2e-3),
        beta=(1e-3, 1.0),
        epochs=2,
        refit_epochs=1,
        image_shape=data.image_shape,
        dtype="float32",
    ).fit(data.X_train, data.y_train)
    network = zeroone.nets.network.load(path)
    np.testing.assert_array_equal(
        network.forward(data.X_test), classifier.network_.forward(data.X_test)
    )
    assert network.metadata["training"]["penalty"] == "l0"
    assert network.metadata["training"]["refit_epochs"] == 1
    for name, net in (
        ("w, which learned", classifier.dense_network_),
        ("u, before the refit", classifier.sparse_network_),
        ("u, the result, refitted for 1 epochs", network),
    ):
        line = next(line for line in printed.splitlines() if line.startswith(name))
        assert line.endswith(f"{np.mean(net.predict(data.X_test) == data.y_test):.2%}")
    assert "absolute threshold" in printed
    for row in classifier.zeros_:
        cells = [str(row.layer), row.kind, str(row.entries), str(row.zeros), f"{row.share:.2%}"]
        assert re.search(" +".join(cell for cell in cells if cell), printed)
    with open(tmp_path / "h.csv", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 3


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--method bcd --sparsify l0", "--sparsify is an option of --method ftprop"),
        ("--method bcd --lam 1", "--lam is an option of --method ftprop"),
        ("--method ftprop --l20 1", "--l20 is an option of --method bcd"),
        ("--method ftprop --sparsify l0", "penalty must be None without a network"),
        ("--method ftprop --network mlp --sparsify l7", "penalty must be one of"),
        ("--method ftprop --network mlp --sparsify l0 --splitting two", "splitting must be"),
        ("--method bcd --form full-batch --splitting admm", "splitting must be"),
        ("--method ftprop --network mlp --sparsify l0 --beta 1,2,3", "beta must be"),
        ("--method ftprop --network mlp --sparsify l0 --sparse-layers 9", "layers must be numbers"),
        ("--method ftprop --network mlp --sparsify l0 --sparse-layers x", "layers must be one of"),
        ("--method ftprop --network mlp --refit-epochs 2", "refit_epochs and sparse_layers"),
        ("--method ftprop --decay steps --decay-at 2", "decay_at"),
    ],
)
def test_what_cannot_be_made_sparse_is_refused(options, what, capsys):
    assert cli.main(["train", "--data", "digits", *options.split(), "--epochs", "1"]) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1
