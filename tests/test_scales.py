"""Features in different units: the warning, the remedy, and dead units."""

import csv
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from terminal import run

from zeroone.datasets import load_digits
from zeroone.estimators import (
    BCDClassifier,
    BCDRegressor,
    FTPropClassifier,
    FTPropRegressor,
    FullBatchBCDClassifier,
    FullBatchBCDRegressor,
)
from zeroone.estimators.scales import (
    TrainingWarning,
    dead_share,
    scale_ratio,
    warn_of_dead_units,
    warn_of_scales,
)
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import load
from zeroone.nets.scaling import InputScaling, feature_scales

CLASSIFIERS = [BCDClassifier, FullBatchBCDClassifier, FTPropClassifier]
REGRESSORS = [BCDRegressor, FullBatchBCDRegressor, FTPropRegressor]


def unequal(seed=0, n=180, units=(1.0, 1.0, 1.0, 300.0)):
    """Return three classes that the features in small units tell apart, and not the large one."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    X = rng.standard_normal((n, 4))
    X[:, :3] += 4 * np.eye(3)[y]
    return X * units + [5, 0, -3, 1000], y


def warned(function, *arguments, **options):
    """Return what a function warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments, **options)
    assert all(issubclass(each.category, TrainingWarning) for each in caught)
    return [str(each.message) for each in caught]


# ------------------------------------------------------------------------------ the warning


def test_the_ratio_is_that_of_standard_deviations_where_features_vary():
    rng = np.random.default_rng(0)
    for ratio in (1.0, 30.0, 1e4, 1e-4):
        X = rng.standard_normal((1500, 2)) * [1, ratio] + [7, -3]
        assert scale_ratio(X) == pytest.approx(max(ratio, 1 / ratio), rel=0.15)


def test_constant_and_rare_features_do_not_count():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 4))
    X[:, 1] = 1e6
    X[:, 2] = 0
    X[:9, 2] = 1e-5  # a handful of samples
    assert scale_ratio(X) < 1.3
    X[:, 2] = np.where(np.arange(1000) % 3 == 0, 1e-5, 0)
    assert scale_ratio(X) == pytest.approx(1e5, rel=0.2)
    assert scale_ratio(np.ones((5, 3))) == 1
    assert scale_ratio(np.ones((1, 1))) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_images_do_not_warn_whatever_their_form(dtype):
    X = load_digits().X_train
    for images in (X, X / 16, X / 16 - (X / 16).mean(axis=0), X[:60], X[:7], 1e-3 * X):
        assert not warned(warn_of_scales, images.astype(dtype))
    # A pixel at the edge that is on once, and faintly.
    faint = (X / 16).astype(dtype)
    faint[:, 0] = 0
    faint[3, 0] = 1e-4
    assert not warned(warn_of_scales, faint)


def test_bytes_and_images_are_not_looked_at():
    X, _ = unequal()
    assert warned(warn_of_scales, X)
    assert warned(warn_of_scales, X, (4,))
    assert not warned(warn_of_scales, X, (2, 2))
    assert not warned(warn_of_scales, np.array([[0, 1], [255, 0]] * 50, np.uint8))


@pytest.mark.parametrize("units", [(1, 1, 1, 300), (0.01, 3, 3, 3), (1e-9, 1, 1, 1)])
@pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS)
def test_fit_warns_with_the_remedy_which_silences_it(estimator, units):
    X, y = unequal(units=units)
    y = y if estimator in CLASSIFIERS else y.astype(float)
    options = {"hidden": 5, "epochs": 2}
    (message,) = warned(estimator(**options).fit, X, y)
    ratio = float(re.search(r"by a factor of (\d+)", message).group(1))
    assert ratio == pytest.approx(X.std(axis=0).max() / X.std(axis=0).min(), rel=0.5)
    assert "standardise=True (--standardise)" in message
    assert not warned(estimator(**options, standardise=True).fit, X, y)


def test_a_factor_of_fifty_is_not_warned_of():
    X, y = unequal(units=(1, 1, 1, 50))
    assert not warned(BCDClassifier(5, epochs=1).fit, X, y)


def test_the_warning_names_the_line_of_the_caller():
    X, y = unequal()
    with pytest.warns(TrainingWarning) as caught:
        BCDClassifier(5, epochs=1).fit(X, y)
    assert caught[0].filename == __file__


# ------------------------------------------------------------------------------- dead units


def network(biases):
    """Return a net of ten step units on one feature with these biases."""
    weights = [np.ones((len(biases), 1)), np.ones((2, len(biases)))]
    return ZeroOneMLP(weights, [np.array(biases, float), np.zeros(2)])


def test_dead_units_have_one_value_on_all_samples():
    X = np.array([[0.0], [1.0]] * 800)
    X[-1] = 5  # only the last sample tells some of them apart
    net = network([9, -9, -0.5, -9, 9, -3, -3, -3, -3, -3])
    assert dead_share(net, X) == 0.4
    assert dead_share(net, X[:-1]) == 0.9
    assert not warned(warn_of_dead_units, net, X, False)
    (message,) = warned(warn_of_dead_units, net, X[:-1], False)
    assert message.startswith("90% of the hidden units are dead")
    assert "standardise=True" in message
    (message,) = warned(warn_of_dead_units, net, X[:-1], True)
    assert "standardise" not in message


def test_removed_units_are_not_dead_and_few_are_no_sign():
    X = np.array([[0.0], [1.0]])
    removed = ZeroOneMLP([np.zeros((10, 1)), np.ones((2, 10))], [np.ones(10), np.zeros(2)])
    assert dead_share(removed, X) == 0
    assert not warned(warn_of_dead_units, removed, X, False)
    assert not warned(warn_of_dead_units, network([9.0] * 9), X, False)
    assert warned(warn_of_dead_units, network([9.0] * 10), X, False)
    assert not warned(warn_of_dead_units, ZeroOneMLP([np.ones((2, 1))], [np.ones(2)]), X, False)


def test_fit_warns_of_dead_units():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 2)), np.arange(60) % 2
    given = ZeroOneMLP(
        [rng.standard_normal((20, 2)), rng.standard_normal((2, 20))],
        [np.full(20, 1e6), np.zeros(2)],
        activation="sign",
    )
    net = FTPropClassifier(20, epochs=1, learning_rate=1e-9, initial_network=given)
    (message,) = warned(net.fit, X, y)
    assert message.startswith("100% of the hidden units are dead")


# -------------------------------------------------------------------------------- the remedy


@settings(max_examples=60)
@given(
    n=st.integers(2, 12),
    units=st.lists(st.sampled_from([1e-6, 1e-3, 1.0, 50.0, 1e6]), min_size=1, max_size=5),
    constant=st.booleans(),
    weighted=st.booleans(),
    seed=st.integers(0, 9),
)
def test_standardised_input_has_mean_zero_and_deviation_one(n, units, constant, weighted, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, len(units))) * units + np.multiply(units, 3)
    if constant:
        X[:, 0] = 0.1
    weight = rng.uniform(0.1, 2, n) if weighted else None
    scaling = InputScaling.fit(X, None, weight, standardise=True)
    Z = scaling.apply(X, np.dtype(np.float64))
    mean = np.average(Z, axis=0, weights=weight)
    deviation = np.sqrt(np.average((Z - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(mean, 0, atol=1e-8)
    varies = np.ptp(X, axis=0) > 0
    np.testing.assert_allclose(Z[:, ~varies], 0, atol=1e-9)
    # All the same, and 1 in the mean of all features.
    if varies.any():
        np.testing.assert_allclose(deviation[varies], np.sqrt(len(units) / varies.sum()), rtol=1e-7)


def test_scales_of_constant_features_are_one():
    X = np.full((7, 2), 0.1)
    X[:, 1] = np.arange(7)
    scales = feature_scales(X, np.array([0.1, 3]))
    assert InputScaling.fit(X[:3, :1], None).transform == 1
    np.testing.assert_allclose(scales, [1, 0.5])


@pytest.mark.parametrize("whitening", [None, 2.0])
def test_whitening_comes_after_standardising(whitening):
    X, _ = unequal()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    both = InputScaling.fit(X, whitening, standardise=True).apply(X, np.dtype(np.float64))
    after = InputScaling.fit(Z, whitening).apply(Z, np.dtype(np.float64))
    np.testing.assert_allclose(both, after, atol=1e-5)


@pytest.mark.parametrize("whitening", [None, 2.0])
def test_folding_and_unfolding_are_inverse(whitening):
    X, _ = unequal()
    rng = np.random.default_rng(0)
    W, b = rng.standard_normal((3, 4)), rng.standard_normal(3)
    scaling = InputScaling.fit(X, whitening, standardise=True)
    raw, bias = scaling.fold(W, b)
    Z = scaling.apply(X, np.dtype(np.float64))
    np.testing.assert_allclose(X @ raw.T + bias, Z @ W.T + b, atol=1e-8)
    again, first = scaling.unfold(raw, bias)
    np.testing.assert_allclose(again, W, atol=1e-10)
    np.testing.assert_allclose(first, b, atol=1e-8)


@pytest.mark.parametrize("estimator", CLASSIFIERS)
def test_units_do_not_matter_once_standardised(estimator):
    """The seeds differ, so that it is no luck: in all of them it helps, and the net is for X."""
    better = 0
    for seed in range(5):
        X, y = unequal(seed, units=(1, 1, 1, 3000))
        options = {"hidden": 30, "epochs": 10, "random_state": seed}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)
            plain = estimator(**options).fit(X, y).score(X, y)
        net = estimator(**options, standardise=True).fit(X, y)
        assert net.score(X, y) > 0.95
        assert np.mean(net.network_.predict(X) == y) == net.score(X, y)
        better += net.score(X, y) > plain + 0.05
    assert better >= 4


@pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS)
def test_standardise_is_a_parameter_and_checked(estimator):
    X, y = unequal()
    assert estimator(standardise=True).get_params()["standardise"] is True
    with pytest.raises(ValueError, match="standardise must be True or False"):
        estimator(5, epochs=1, standardise=2).fit(X, y)


def test_standardise_is_refused_for_images_in_networks():
    X, y = load_digits().X_train[:50], load_digits().y_train[:50]
    with pytest.raises(ValueError, match="standardise must be False with a network"):
        FTPropClassifier(network="lenet5", image_shape=(8, 8), standardise=True).fit(X, y)
    with pytest.raises(ValueError, match="standardise must be False with a kernel"):
        BCDClassifier(kernel=3, image_shape=(8, 8), standardise=True).fit(X, y)


def test_going_on_with_a_stream_keeps_the_scaling():
    X, y = unequal()
    net = BCDClassifier(20, standardise=True, random_state=0)
    for part in np.array_split(np.arange(180), 3):
        assert not warned(net.partial_fit, X[part], y[part], classes=[0, 1, 2])
    first = np.array_split(np.arange(180), 3)[0]
    np.testing.assert_allclose(net.scaling_.mean, X[first].mean(axis=0))


# ------------------------------------------------------------------------------ at the terminal


@pytest.fixture
def table(tmp_path):
    X, y = unequal()
    path = tmp_path / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*row, "abc"[label]] for row, label in zip(X, y, strict=True))
    return ("--data", path, "--label", 5)


@pytest.mark.parametrize("method", [("bcd",), ("bcd", "--form", "full-batch"), ("ftprop",)])
def test_train_warns_in_one_line_and_standardises(tmp_path, table, method):
    fast = ("--hidden", 20, "--epochs", 3, "--method", *method)
    model = tmp_path / "model.npz"
    status, out, err = run("train", *table, *fast)
    assert status == 0
    assert re.fullmatch(r"zeroone: warning: the features of X differ .*--standardise.*\n", err)
    status, out, err = run("train", *table, *fast, "--standardise", "--save", model)
    assert (status, err) == (0, "")
    shown = re.search(r"test accuracy +([\d.]+%)", out).group(1)
    status, out, err = run("evaluate", model, *table)
    assert f"accuracy {shown}" in out
    assert "standardised" in out
    # The file holds a network for the table as it is.
    net = load(model)
    assert net.metadata["training"]["standardise"] is True
    X, y = unequal()
    assert np.mean(net.predict(X) == y) > 0.9


def test_compare_warns_too(table):
    options = ("--methods", "bcd", "--hidden", 12, "--epochs", 1, "--seeds", 1, "--units", 0)
    assert run("compare", *table, *options)[2].startswith("zeroone: warning: the features of X")
    assert run("compare", *table, *options, "--standardise")[2] == ""


def test_workers_of_compare_say_nothing(table):
    """As a process, since what a worker says is not to be caught in this one."""
    options = ("--methods", "bcd", "--hidden", 12, "--seconds", 0.1, "--seeds", 2, "--units", 0)
    done = subprocess.run(
        [sys.executable, "-m", "zeroone", "compare", *map(str, (*table, *options, "--workers", 2))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stderr.startswith("zeroone: warning: the features of X")
    assert done.stderr.count("\n") == 1
