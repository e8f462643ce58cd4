"""Probabilities of the classes: the softmax, its temperature, and that they agree with predict."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from zeroone.datasets import load_digits
from zeroone.estimators import BCDClassifier, FTPropClassifier, FullBatchBCDClassifier
from zeroone.estimators.probabilities import fit_temperature, log_probabilities, probabilities

SMALL = [
    BCDClassifier(20, epochs=2),
    FullBatchBCDClassifier(20, epochs=2, tau=0.1),
    FTPropClassifier(20, epochs=2),
    FTPropClassifier(20, epochs=2, output="hinge", dtype="float32"),
]


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.mark.parametrize("classifier", SMALL, ids=repr)
@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize("calibration", [0.0, 0.2])
def test_they_are_the_softmax_and_agree(digits, classifier, n_classes, calibration):
    some = digits.y_train < n_classes
    X, y = digits.X_train[some], np.array(list("abcdefghij"))[digits.y_train[some]]
    classifier.set_params(calibration=calibration).fit(X, y)
    p = classifier.predict_proba(digits.X_test)
    assert p.dtype == np.float64
    assert p.shape == (len(digits.X_test), n_classes)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=0, atol=1e-15 * n_classes)
    scores = classifier.network_.decision_function(digits.X_test).astype(np.float64)
    expected = softmax(scores / classifier.temperature_, axis=1)
    np.testing.assert_allclose(p, expected, rtol=1e-12)
    predicted = classifier.predict(digits.X_test)
    np.testing.assert_array_equal(classifier.classes_[p.argmax(axis=1)], predicted)
    log_p = classifier.predict_log_proba(digits.X_test)
    np.testing.assert_allclose(log_p, np.log(expected), rtol=1e-10)
    assert (classifier.temperature_ == 1) is (calibration == 0)


numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 1e-300, 1e-20, -1e-20, 1.0, 1 + 2**-52, 1e308, -1e308, 800.0]),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.floats(-1, 1),
)


@settings(max_examples=500, deadline=None)
@given(
    arrays.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(2, 5)), elements=numbers),
    st.sampled_from([1e-4, 0.3, 1.0, 1e4]),
    st.sampled_from([np.float32, np.float64]),
)
def test_any_scores(scores, temperature, dtype):
    with np.errstate(over="ignore"):
        scores = scores.astype(dtype)
    p = probabilities(scores, temperature)
    assert p.dtype == np.float64
    assert np.all((p >= 0) & (p <= 1))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-14)
    np.testing.assert_array_equal(p.argmax(axis=1), scores.argmax(axis=1))
    log_p = log_probabilities(scores, temperature)
    np.testing.assert_allclose(np.exp(log_p), p, atol=1e-14)
    assert not np.isnan(log_p).any()


@pytest.mark.parametrize("seed", range(20))
def test_the_temperature_is_that_of_the_largest_likelihood(seed):
    """Against SciPy on the likelihood with one more sample, that counts for all alike."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(3, 60)), int(rng.integers(2, 6))
    classes, weight = rng.integers(k, size=n), rng.exponential(size=n)
    scores = rng.normal(size=(n, k)) * 10 ** rng.uniform(-1, 2)
    scores[np.arange(n), classes] += scores.std()

    def loss(log_temperature):
        log_p = log_softmax(scores / np.exp(log_temperature), axis=1)
        own = log_p[np.arange(n), classes]
        extra = log_p.mean(axis=1) / weight.sum()
        return -weight @ (own + extra)

    best = minimize_scalar(loss, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10})
    found = fit_temperature(scores, classes, weight)
    assert np.log(found) == pytest.approx(best.x, abs=1e-4)
    repeated = fit_temperature(np.repeat(scores, 3, axis=0), np.repeat(classes, 3))
    assert repeated == pytest.approx(fit_temperature(scores, classes, np.full(n, 3.0)), rel=1e-9)


def test_a_temperature_where_there_is_no_best_one():
    classes = np.array([0, 1])
    # Scores that say nothing, the opposite, or everything.
    for scores in (np.zeros((2, 2)), np.eye(2)[::-1], 1e308 * np.eye(2), -1e308 * np.eye(2)):
        found = fit_temperature(scores, classes)
        assert 1e-4 <= found <= 1e4
        assert np.isfinite(probabilities(scores, found)).all()
    assert fit_temperature(np.eye(2)[::-1], classes) > 1e3


@pytest.mark.parametrize("classifier", SMALL[:3], ids=repr)
def test_calibration_pays_and_costs_a_part_of_the_data(digits, classifier):
    plain = type(classifier)(100, epochs=8)
    held = type(classifier)(100, epochs=8, calibration=0.1)
    X, y = digits.X_train, digits.y_train

    def loss(fitted):
        log_p = fitted.predict_log_proba(digits.X_test)
        return -np.mean(log_p[np.arange(len(log_p)), digits.y_test])

    plain.fit(X, y)
    held.fit(X, y)
    if isinstance(classifier, FTPropClassifier):
        assert loss(held) < loss(plain) + 0.05  # the softmax was right already
    else:
        assert loss(held) < 0.5 * loss(plain)
    # Nothing of the part that is held out went into the network.
    order = np.random.default_rng(0).permutation(len(X))[: round(0.1 * len(X))]
    wrong = y.copy()
    wrong[order] = (y[order] + 1) % 10
    spoiled = type(classifier)(100, epochs=8, calibration=0.1).fit(X, wrong)
    assert spoiled.network_ == held.network_
    assert spoiled.temperature_ > held.temperature_


@pytest.mark.parametrize(
    ("value", "message"), [(1.0, "< 1"), (-0.1, "calibration must be"), ("some", "calibration")]
)
def test_bad_parts_to_hold_out(value, message):
    with pytest.raises(ValueError, match=message):
        BCDClassifier(3, calibration=value).fit(np.eye(4), [0, 1, 0, 1])


def test_nothing_left_to_train_on():
    with pytest.raises(ValueError, match="calibration must leave samples"):
        BCDClassifier(3, calibration=0.9).fit(np.eye(3)[[0, 1]], [0, 1])
    with pytest.raises(ValueError, match="calibration must be 0 for partial_fit"):
        BCDClassifier(3, calibration=0.5).partial_fit(np.eye(2), [0, 1], classes=[0, 1])
