"""Going on with a saved model at the terminal."""

import re

import numpy as np
import pytest
from terminal import run, succeed

from zeroone.datasets import load_digits
from zeroone.estimators import BCDClassifier, FTPropClassifier
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import load

DIGITS = ("--data", "digits")


def accuracy(out, part="test"):
    return float(re.search(rf"{part} accuracy +([\d.]+)%", out).group(1))


METHODS = {
    "bcd": ("bcd", "--hidden", 30),
    "two layers": ("bcd", "--hidden", "30,20"),
    "full batch": ("bcd", "--form", "full-batch", "--hidden", 20),
    "ftprop": ("ftprop", "--hidden", 30, "--optimiser", "momentum", "--learning-rate", "0.01"),
    "staircase": ("ftprop", "--hidden", 30, "--activation", "staircase", "--levels", 4),
    "ste": ("ste", "--hidden", 30),
    "sparse": ("ftprop", "--network", "mlp", "--hidden", 20, "--sparsify", "l0"),
    "network": ("ftprop", "--network", "convnet4", "--width", "0.1"),
}


@pytest.mark.parametrize("name", METHODS)
def test_training_goes_on_with_the_same_options(tmp_path, name):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    options = ("--epochs", 2, "--seed", 3, "--dtype", "float64")
    before = accuracy(
        succeed("train", *DIGITS, "--method", *METHODS[name], *options, "--save", first)
    )
    out = succeed("train", *DIGITS, "--resume", first, "--save", second)
    assert accuracy(out) > before - 5
    old, new = (load(path).metadata["training"] for path in (first, second))
    assert new.pop("resumed") == "first.npz"
    for training in (old, new):  # 30 and [30] are the same
        training["hidden"] = np.atleast_1d(training["hidden"]).tolist()
    assert new == old
    assert load(first) != load(second)
    assert load(second).dtype == load(first).dtype


def test_it_is_what_the_classifier_does(tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    method = ("--method", "ftprop", "--hidden", 15, "--loss", "hinge", "--seed", 4)
    succeed("train", *DIGITS, *method, "--epochs", 1, "--save", first)
    succeed("train", *DIGITS, "--resume", first, "--epochs", 2, "--save", second)
    data = load_digits()
    net = FTPropClassifier(
        15, loss="hinge", epochs=2, initial_network=str(first), dtype="float32", random_state=4
    ).fit(data.X_train, data.y_train)
    found = load(second)
    for ours, theirs in zip(net.network_.weights, found.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_options_that_are_given_again_hold(tmp_path):
    model = tmp_path / "model.npz"
    method = ("--hidden", 20, "--tau", 0.3, "--epochs", 2, "--validation", 0.2)
    succeed("train", *DIGITS, *method, "--save", model)
    out = succeed("train", *DIGITS, "--resume", model, "--tau", 0.7, "--epochs", 1, "--save", model)
    training = load(model).metadata["training"]
    assert (training["tau"], training["epochs"], training["hidden"]) == (0.7, 1, [20])
    # What was held out stays so, unless it is said otherwise.
    assert training["validation"] == 0.2
    assert "validation accuracy" in out
    out = succeed("train", *DIGITS, "--resume", model, "--validation", 0.3, "--epochs", 1)
    assert "validation accuracy" in out


def test_another_method_takes_over_the_network(tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    before = accuracy(succeed("train", *DIGITS, "--hidden", 30, "--epochs", 5, "--save", first))
    out = succeed("train", *DIGITS, "--resume", first, "--method", "ftprop", "--save", second)
    training = load(second).metadata["training"]
    assert (training["method"], training["activation"]) == ("ftprop", "step")
    assert training["epochs"] == FTPropClassifier().epochs
    assert accuracy(out) > before - 5
    again = ("--form", "full-batch", "--method", "bcd", "--epochs", 1)
    succeed("train", *DIGITS, "--resume", second, *again)
    succeed("train", *DIGITS, "--resume", first, *again)


def test_standardised_tables_and_their_classes_by_name(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    X = (rng.standard_normal((120, 3)) + 4 * np.eye(3)[y]) * [1, 1, 500]

    def write(name, words, rows):
        path = tmp_path / name
        lines = [",".join([*map(repr, map(float, X[i])), words[y[i]]]) for i in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return ("--data", path, "--label", 4)

    model = tmp_path / "model.npz"
    table = write("a.csv", ("elm", "oak", "ash"), range(60))
    succeed("train", *table, "--standardise", "--hidden", 20, "--epochs", 5, "--save", model)
    other = write("b.csv", ("elm", "oak", "ash"), range(60, 120))
    out = succeed("train", *other, "--resume", model, "--save", model, "--epochs", 5)
    assert accuracy(out) > 90
    assert load(model).metadata["training"]["standardise"] is True
    assert load(model).metadata["class_names"] == ["ash", "elm", "oak"]
    two = write("c.csv", ("elm", "oak", "oak"), range(60))
    status, _, err = run("train", *two, "--resume", model)
    assert status == 2
    assert "has none of ash" in err
    wrong = write("d.csv", ("elm", "oak", "fir"), range(60))
    status, _, err = run("train", *wrong, "--resume", model)
    assert status == 2
    assert "also has fir" in err


def test_a_pruned_model_goes_on_with_what_is_left(tmp_path):
    model, small = tmp_path / "model.npz", tmp_path / "small.npz"
    succeed("train", *DIGITS, "--hidden", 30, "--epochs", 2, "--save", model)
    succeed("prune", model, *DIGITS, "--keep", 12, "--save", small)
    if "training" not in (load(small).metadata or {}):
        pytest.skip("a pruned model does not say how it was trained")
    out = succeed("train", *DIGITS, "--resume", small, "--epochs", 1, "--save", model)
    assert "64-12-10" in out


@pytest.fixture
def kept(tmp_path):
    data = load_digits()
    net = BCDClassifier(5, epochs=1).fit(data.X_train, data.y_train).network_
    net.save(tmp_path / "plain.npz")
    ZeroOneMLP([np.ones((10, 64))], [np.ones(10)], metadata={"training": {"method": "sgd"}}).save(
        tmp_path / "sgd.npz"
    )
    (tmp_path / "text.npz").write_text("text", encoding="utf-8")
    succeed("train", *DIGITS, "--hidden", 6, "--epochs", 1, "--save", tmp_path / "model.npz")
    succeed(
        "train", *DIGITS, "--kernel", 3, "--filters", 9, "--epochs", 1,
        "--save", tmp_path / "filters.npz",
    )  # fmt: skip
    return tmp_path


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("none.npz", (), "there is no such file"),
        ("text.npz", (), "not a zeroone network file"),
        ("plain.npz", (), "does not say how it was trained"),
        ("sgd.npz", (), "does not say how it was trained"),
        ("filters.npz", (), "resume must not be a model with filters"),
        ("model.npz", ("--hidden", "7"), "must have layers of sizes"),
        ("model.npz", ("--hidden", "6,6"), "must have layers of sizes"),
        ("model.npz", ("--loss", "hinge"), "--loss is an option of --method ftprop"),
        ("model.npz", ("--order", "forward"), "--order is an option of --form full-batch only"),
        ("model.npz", ("--method", "ftprop", "--activation", "sign"), "initial_network must have"),
        ("model.npz", ("--epochs", "0"), "epochs must be"),
    ],
)
def test_what_cannot_go_on_is_refused_in_one_line(kept, model, options, message):
    before = sorted(path.name for path in kept.iterdir())
    save = ("--save", kept / "new.npz")
    status, out, err = run("train", *DIGITS, "--resume", kept / model, *options, *save)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert sorted(path.name for path in kept.iterdir()) == before
