"""The regressors: what they learn, in which units, and R^2."""

import numpy as np
import pytest

from zeroone import load
from zeroone.estimators import BCDRegressor, FTPropRegressor, FullBatchBCDRegressor

MAKERS = [BCDRegressor, FullBatchBCDRegressor, FTPropRegressor]
each_regressor = pytest.mark.parametrize("make", MAKERS)


def surface(seed, n=800):
    """Return a smooth function of two variables, and their product, at random places."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, np.column_stack([np.sin(3 * X[:, 0]) + X[:, 1] ** 2, X[:, 0] * X[:, 1]])


def r_squared(Y, F, s):
    """Return the mean over the outputs, one sum at a time."""
    found = []
    for y, f in zip(Y.T, F.T, strict=True):
        mean = sum(s * y) / sum(s)
        found.append(1 - sum(s * (y - f) ** 2) / sum(s * (y - mean) ** 2))
    return sum(found) / len(found)


@each_regressor
@pytest.mark.parametrize("seed", range(3))
def test_they_learn_functions(make, seed):
    X, Y = surface(seed, 1600)
    regressor = make(random_state=seed).fit(X[:1000], Y[:1000])
    assert regressor.score(X[1000:], Y[1000:]) > 0.9
    assert regressor.n_outputs_ == 2
    assert regressor.n_iter_ == 30


@each_regressor
def test_one_output_in_two_shapes(make):
    X, Y = surface(0)
    flat = make(20, epochs=3).fit(X, Y[:, 0])
    column = make(20, epochs=3).fit(X, Y[:, :1])
    assert flat.predict(X).shape == (800,)
    np.testing.assert_array_equal(flat.predict(X), column.predict(X)[:, 0])
    assert flat.score(X, Y[:, 0]) == column.score(X, Y[:, :1])
    assert not hasattr(flat, "classes_")
    assert not hasattr(flat, "predict_proba")


@each_regressor
@pytest.mark.parametrize("seed", range(20))
def test_the_score_is_r_squared(make, seed):
    X, Y = surface(seed, 60)
    s = np.random.default_rng(seed).exponential(size=60)
    regressor = make(8, epochs=2).fit(X, Y)
    F = regressor.predict(X)
    assert regressor.score(X, Y, s) == pytest.approx(r_squared(Y, F, s), rel=1e-9)
    assert regressor.score(X, Y) == pytest.approx(r_squared(Y, F, np.ones(60)), rel=1e-9)


@each_regressor
@pytest.mark.parametrize("factor", [-4.0, 1e-12, 1e12])
def test_units_do_not_matter(make, factor):
    """What is predicted of a y + b is a times what is predicted of y, plus b."""
    X, Y = surface(1, 100)
    one = make(10, epochs=3).fit(X, Y)
    other = make(10, epochs=3).fit(X, abs(factor) * Y + 8 * factor)
    expected = abs(factor) * one.predict(X) + 8 * factor
    np.testing.assert_allclose(other.predict(X), expected, rtol=1e-6)


@each_regressor
def test_the_network_predicts_in_the_units_of_y(make, tmp_path):
    X, Y = surface(2, 200)
    regressor = make((10, 8), epochs=2, dtype="float32").fit(X, 1000 * Y + 5000)
    regressor.network_.save(tmp_path / "net.npz")
    again = load(tmp_path / "net.npz")
    assert again.classes is None
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again.decision_function(X), regressor.predict(X))
    np.testing.assert_allclose(regressor.predict(X).mean(axis=0), 1000 * Y.mean(axis=0) + 5000, 200)


@pytest.mark.parametrize("seed", range(20))
def test_the_mini_batch_output_layer_is_the_ridge_on_the_hard_bits(seed):
    """Whatever the hidden layer became, the last step fits the output by least squares."""
    X, Y = surface(seed, 100)
    regressor = BCDRegressor(12, epochs=2, gamma=0.05, random_state=seed).fit(X, Y)
    V = np.column_stack([regressor.network_.forward(X).activations[1], np.ones(100)])
    Z = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    tall = np.vstack([V, np.sqrt(0.05 * 100) * np.eye(13)])
    rows = np.linalg.lstsq(tall, np.vstack([Z, np.zeros((13, 2))]), rcond=None)[0]
    expected = V @ rows * Y.std(axis=0) + Y.mean(axis=0)
    np.testing.assert_allclose(regressor.predict(X), expected, atol=1e-8)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("fractions", [False, True])
def test_the_weighted_mini_batch_output_layer(seed, fractions):
    X, Y = surface(seed, 100)
    rng = np.random.default_rng(seed)
    s = rng.exponential(size=100) if fractions else rng.integers(1, 4, 100)
    regressor = BCDRegressor(12, epochs=2, gamma=0.05, random_state=seed).fit(X, Y, s)
    V = np.column_stack([regressor.network_.forward(X).activations[1], np.ones(100)])
    mean = np.average(Y, axis=0, weights=s)
    left = V.T @ (s[:, None] * V) + 0.05 * s.sum() * np.eye(13)
    expected = V @ np.linalg.solve(left, V.T @ (s[:, None] * (Y - mean))) + mean
    np.testing.assert_allclose(regressor.predict(X), expected, atol=1e-8)


@each_regressor
def test_a_constant_is_predicted(make):
    X, Y = surface(0, 50)
    Y[:, 1] = 0.1
    regressor = make(10, epochs=3).fit(X, Y)
    # The steps of Adam are of one size, however small the loss.
    np.testing.assert_allclose(regressor.predict(X)[:, 1], 0.1, atol=0.02)
    one_sample = make(3, epochs=1).fit(X[:1], Y[:1])
    np.testing.assert_allclose(one_sample.predict(X[:1]), Y[:1], atol=0.1)
    # R^2 of a constant: 1 if it is met exactly, and 0 otherwise.
    exact = make(3, epochs=1).fit(X, np.zeros(50))
    met = float(np.all(exact.predict(X) == 0))
    assert exact.score(X, np.zeros(50)) == met
    assert exact.score(X, np.ones(50)) == 0


@each_regressor
def test_partial_fit_learns_from_a_stream(make):
    if make is FullBatchBCDRegressor:
        assert not hasattr(make(), "partial_fit")
        return
    X, Y = surface(0)
    regressor = make(100)
    for _ in range(20):
        regressor.partial_fit(X, Y)
    assert regressor.n_iter_ == 20
    assert regressor.score(X, Y) > 0.85


def test_the_objective_of_the_reference_form_never_rises():
    X, Y = surface(0, 200)
    s = np.random.default_rng(0).exponential(size=200)
    for step in FullBatchBCDRegressor((20, 10), epochs=4).steps(X, Y, s):
        assert step.decrease > -1e-8


@each_regressor
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is None"),
        ([1.0, 2.0], "y must have 4 rows"),
        ([1.0, 2.0, np.nan, 0.0], "y must be finite"),
        (["a", "b", "c", "d"], "y must hold real numbers"),
        (np.ones((4, 2, 2)), "y must have one or several numbers"),
        ([1.0, 2.0, 3.0, 4j], "y must hold real numbers"),
    ],
)
def test_bad_targets(make, y, message):
    with pytest.raises(ValueError, match=message):
        make(3).fit(np.eye(4), y)


@pytest.mark.parametrize("make", [BCDRegressor, FTPropRegressor])
@pytest.mark.parametrize("name", ["output", "targets", "class_weight", "kernel"])
def test_what_belongs_to_classifiers_is_no_parameter(make, name):
    assert name not in make().get_params()
