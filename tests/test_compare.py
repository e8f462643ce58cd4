"""Several methods for the same seconds: the runs, what became of their networks, the command."""

import csv

import numpy as np
import pytest
from scipy.optimize import linprog

from zeroone import cli
from zeroone.commands.methods import METHODS
from zeroone.datasets import load_digits
from zeroone.estimators import comparison as compare
from zeroone.nets.mlp import ZeroOneMLP


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def maker(name):
    return lambda epochs, seed: METHODS[name].make(seed, {"hidden": 15, "epochs": epochs})


@pytest.mark.parametrize("name", list(METHODS))
def test_a_run_ends_after_its_epochs(digits, name):
    *_, run = compare.train_for(name, maker(name), digits, seconds=1e6, epochs=3, seed=1)
    assert run.epochs == len(run.seconds) == len(run.accuracies) == 3
    assert run.seconds == sorted(run.seconds)
    finished = METHODS[name].make(1, {"hidden": 15, "epochs": 3})
    finished.fit(digits.X_train, digits.y_train)
    assert run.network == finished.network_
    assert run.accuracies[-1] == finished.score(digits.X_test, digits.y_test)


def test_a_run_ends_when_the_time_is_over(digits):
    *_, run = compare.train_for(
        "ftprop", maker("ftprop"), digits, seconds=1e-6, epochs=1000, seed=0
    )
    assert run.epochs == 1
    with pytest.raises(ValueError, match="seconds"):
        next(compare.train_for("bcd", maker("bcd"), digits, seconds=0, epochs=1, seed=0))


def test_the_epochs_that_fit(digits, monkeypatch):
    clock = iter([0.0, 6.0])
    monkeypatch.setattr(compare.time, "perf_counter", lambda: next(clock))

    class Nothing:
        def steps(self, X, y):
            return iter(())

    # Three epochs took six seconds.
    assert compare.epochs_that_fit(lambda epochs, seed: Nothing(), digits, 11.0) == 5
    clock = iter([0.0, 6.0])
    assert compare.epochs_that_fit(lambda epochs, seed: Nothing(), digits, 0.1) == 1


def test_dead_units():
    weights = [[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [[1.0, 1.0, 1.0, 1.0]] * 2]
    network = ZeroOneMLP(weights, [[0.0, 1.0, 0.0, -9.0], [0.0, 0.0]])
    X = np.array([[1.0, 2.0], [-1.0, 3.0], [1.0, -3.0]])
    # The second is always on, the fourth never.
    assert compare.dead_fraction(network, X) == 0.5
    assert compare.dead_fraction(network, X[:1]) == 1.0


def test_targets_lower_the_loss_when_they_are_met():
    rng = np.random.default_rng(0)
    network = ZeroOneMLP(
        [rng.standard_normal((6, 3)), rng.standard_normal((4, 6))], [np.zeros(6), np.zeros(4)]
    )
    X, classes = rng.standard_normal((40, 3)), rng.integers(0, 4, 40)
    ((V, T),) = compare.hidden_targets(network, X, classes)
    np.testing.assert_array_equal(V, X)

    def loss(H):
        scores = H @ network.weights[1].T
        return np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(40), classes]

    # The loss is convex in H: a small move of a single unit towards its target lowers it.
    H = network.forward(X).activations[1]
    for unit in range(6):
        nearer = H.copy()
        nearer[:, unit] += 1e-6 * T[:, unit]
        assert np.all(loss(nearer) < loss(H))


def test_infeasible_units_against_a_linear_program():
    rng = np.random.default_rng(1)
    network = ZeroOneMLP(
        [rng.standard_normal((8, 3)), rng.standard_normal((3, 8))], [np.zeros(8), np.zeros(3)]
    )
    X, classes = rng.standard_normal((200, 3)), rng.integers(0, 3, 200)
    fraction = compare.infeasible_fraction(
        network, X, classes, units=8, rng=np.random.default_rng(5)
    )
    rows = np.random.default_rng(5).permutation(200)[:8]  # twice the three weights and the bias
    ((_, T),) = compare.hidden_targets(network, X[rows], classes[rows])
    ones = np.ones((8, 1))

    def separable(t):
        constraints = -t[:, np.newaxis] * np.hstack([X[rows], ones])
        found = linprog(np.zeros(4), constraints, -np.ones(8), bounds=[(None, None)] * 4)
        return found.status == 0

    assert fraction == np.mean([not separable(t) for t in T.T])
    assert 0 < fraction < 1


def test_the_command_prints_a_row_a_method_and_writes_files(tmp_path, capsys):
    files = ["--csv", str(tmp_path / "c.csv"), "--plot", str(tmp_path / "c.svg")]
    options = ["--hidden", "12", "--seconds", "0.05", "--seeds", "2", "--units", "3"]
    assert cli.main(["compare", "--data", "digits", "--methods", "bcd,sste", *options, *files]) == 0
    out = capsys.readouterr().out
    assert "digits, 64-12-10, 0.05 s of training, 2 seeds" in out
    assert [line.split()[0] for line in out.splitlines()[3:5]] == ["bcd", "sste"]
    with open(tmp_path / "c.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["method"], row["seed"]) for row in rows} == {
        (method, seed) for method in ("bcd", "sste") for seed in "01"
    }
    assert all(0 < float(row["test_accuracy"]) <= 1 for row in rows)
    assert (tmp_path / "c.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--methods bcd,adam", "'adam' is not"),
        ("--methods bcd,bcd", "once each"),
        ("--seconds 0", "seconds"),
        ("--seeds 0", "seeds"),
        ("--units -1", "units"),
        ("--hidden 0", "hidden"),
        ("--plot c.txt", "plot must end in"),
        ("--csv no/c.csv", "does not exist"),
    ],
)
def test_bad_options_are_refused_in_one_line(options, what, capsys):
    assert cli.main(["compare", "--data", "digits", *options.split()]) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1
