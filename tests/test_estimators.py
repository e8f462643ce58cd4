"""The estimators over BCD: scikit-learn's conventions, with and without it, and what they learn."""

import subprocess
import sys
import tracemalloc
import warnings
from itertools import pairwise

import numpy as np
import pytest

from zeroone.datasets import load_digits
from zeroone.estimators import (
    BCDClassifier,
    BCDRegressor,
    FTPropClassifier,
    FullBatchBCDClassifier,
    FullBatchBCDRegressor,
)


def scikit_learn_checks():
    """Return the parametrisation by scikit-learn's own checks, or one skipped case."""
    try:
        from sklearn.utils.estimator_checks import parametrize_with_checks
    except ImportError:
        skipped = pytest.param(None, None, marks=pytest.mark.skip(reason="needs scikit-learn"))
        return pytest.mark.parametrize(("estimator", "check"), [skipped])
    with warnings.catch_warnings():
        # It says that the class does not inherit from scikit-learn's, which is the point.
        warnings.simplefilter("ignore")
        return parametrize_with_checks(
            [
                BCDClassifier(hidden=30, epochs=10),
                FullBatchBCDClassifier(hidden=(10, 8), epochs=5, tau=0.1),
                BCDRegressor(hidden=30, epochs=10),
                FullBatchBCDRegressor(hidden=30, epochs=10),
            ]
        )


@pytest.mark.filterwarnings("ignore")
@scikit_learn_checks()
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def test_without_scikit_learn_nothing_of_it_is_loaded():
    code = (
        "import sys, zeroone, zeroone.estimators, zeroone.cli\n"
        "assert not {'sklearn', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "try: zeroone.estimators.BCDClassifier().predict([[1.0]])\n"
        "except (ValueError, AttributeError) as error: print(type(error).__name__)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "NotFittedError"


def test_digits_by_default(digits):
    classifier = BCDClassifier().fit(digits.X_train, digits.y_train)
    assert classifier.score(digits.X_test, digits.y_test) >= 0.95
    assert classifier.n_iter_ == 30
    assert len(classifier.history_) == 30


def test_full_batch_on_digits(digits):
    classifier = FullBatchBCDClassifier(100, epochs=10, tau=0.05)
    classifier.fit(digits.X_train, digits.y_train)
    assert classifier.score(digits.X_test, digits.y_test) > 0.9
    objective = classifier.history_.column("objective")
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(objective))


@pytest.mark.parametrize(
    "labels", [np.array(list("abcdefghij")), np.arange(10) * 7 - 20, np.arange(10) + 0.0]
)
def test_any_label_type(digits, labels):
    classifier = BCDClassifier(20, epochs=2).fit(digits.X_train, labels[digits.y_train])
    predicted = classifier.predict(digits.X_test)
    assert np.mean(predicted == labels[digits.y_test]) > 0.8
    assert predicted.dtype.kind == labels.dtype.kind
    np.testing.assert_array_equal(classifier.network_.predict(digits.X_test), predicted)


def test_two_classes_have_one_score(digits):
    two = digits.y_train < 5
    classifier = BCDClassifier(20, epochs=2).fit(digits.X_train, two)
    scores = classifier.decision_function(digits.X_test)
    assert scores.shape == (len(digits.X_test),)
    np.testing.assert_array_equal(classifier.predict(digits.X_test), scores > 0)


def test_saved_network_predicts_the_same(digits, tmp_path):
    from zeroone.nets.network import load

    classifier = BCDClassifier((20, 10), epochs=2, dtype="float32")
    classifier.fit(digits.X_train, digits.y_train)
    classifier.network_.save(tmp_path / "net.npz")
    loaded = load(tmp_path / "net.npz")
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded.predict(digits.X_test), classifier.predict(digits.X_test))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_precision(digits, dtype):
    classifier = BCDClassifier(10, epochs=1).fit(digits.X_train.astype(dtype), digits.y_train)
    expected = np.float32 if dtype is np.float32 else np.float64
    assert classifier.network_.dtype == expected


def test_partial_fit_learns_from_a_stream(digits):
    classifier = BCDClassifier(100)
    rng = np.random.default_rng(0)
    for _ in range(60):
        some = rng.integers(len(digits.X_train), size=300)
        classifier.partial_fit(digits.X_train[some], digits.y_train[some], classes=np.arange(10))
    assert classifier.score(digits.X_test, digits.y_test) > 0.9


def test_partial_fit_refuses(digits):
    X, y = digits.X_train[:300], digits.y_train[:300]
    with pytest.raises(ValueError, match="classes must be passed"):
        BCDClassifier().partial_fit(X, y)
    classifier = BCDClassifier(10).partial_fit(X, y, classes=np.arange(10))
    with pytest.raises(ValueError, match="y must hold labels among"):
        classifier.partial_fit(X, y + 5)
    with pytest.raises(ValueError, match="X has 3 features"):
        classifier.partial_fit(X[:, :3], y)
    assert not hasattr(FullBatchBCDClassifier(), "partial_fit")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": 0}, "hidden"),
        ({"hidden": ()}, "hidden"),
        ({"epochs": 0}, "epochs"),
        ({"tau": -1}, "tau"),
        ({"gamma": 0}, "gamma"),
        ({"lam": -1}, "lam"),
        ({"whitening": 0}, "whitening"),
        ({"dtype": "float16"}, "dtype"),
    ],
)
@pytest.mark.parametrize("classifier", [BCDClassifier, FullBatchBCDClassifier])
def test_bad_parameters(digits, classifier, parameters, message):
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit(digits.X_train, digits.y_train)


@pytest.mark.parametrize(
    ("parameters", "message"), [({"splitting": "four"}, "splitting"), ({"pi": 0}, "pi")]
)
def test_bad_parameters_of_the_full_batch_form(digits, parameters, message):
    with pytest.raises(ValueError, match=message):
        FullBatchBCDClassifier(**parameters).fit(digits.X_train, digits.y_train)


def test_the_full_batch_classifier_returns_the_network_of_its_last_step(digits):
    """No refit: the network's fit to the one-hot targets is what the last step says it is."""
    classifier = FullBatchBCDClassifier(20, epochs=2, order="forward")
    for each in classifier.steps(digits.X_train, digits.y_train):
        step, network = each, classifier.snapshot()
    assert step.block == "W2"
    assert classifier.network_ == network == classifier.snapshot()
    # In forward order the last block is the output layer, fitted to the bits decided.
    W, b = step.state.layers()[-1]
    np.testing.assert_array_equal(classifier.network_.weights[-1], W)
    scores = step.state.activations[1] @ W.T + b
    fit = np.sum((np.eye(10)[digits.y_train] - scores) ** 2) / 2
    assert step.after["fit"] == pytest.approx(fit)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0, np.nan], [0.0, 1.0]], [0, 1], "X must be finite"),
        ([[1.0], [0.0]], [0, 0], "at least two classes"),
        ([[1.0], [0.0]], [0, 1, 1], "y must have 2 labels"),
        ([1.0, 0.0], [0, 1], "Reshape"),
        ([[1.0], [0.0, 1.0]], [0, 1], "rows differ"),
        (np.zeros((0, 2)), [], "0 sample"),
        ([[1.0], [0.0]], [0.5, 1], "Unknown label type"),
        ([[1.0], [0.0]], None, "y is None"),
    ],
)
def test_bad_data(X, y, message):
    with pytest.raises(ValueError, match=message):
        BCDClassifier(3).fit(X, y)


def test_steps_and_snapshot(digits):
    classifier = BCDClassifier(20, epochs=3)
    accuracies = []
    for step in classifier.steps(digits.X_train, digits.y_train):
        if step.info.get("epoch_ends"):
            network = classifier.snapshot()
            accuracies.append(np.mean(network.predict(digits.X_test) == digits.y_test))
    assert len(accuracies) == 3
    assert min(accuracies) > 0.6
    assert classifier.network_ != network


def test_parameters_and_repr():
    classifier = BCDClassifier(30, tau=0.2)
    assert classifier.get_params()["tau"] == 0.2
    assert classifier.set_params(tau=0.3) is classifier
    assert repr(classifier) == "BCDClassifier(hidden=30, tau=0.3)"
    with pytest.raises(ValueError, match="Invalid parameter 'speed'"):
        classifier.set_params(speed=1)


@pytest.mark.parametrize(
    "classifier",
    [
        FTPropClassifier(hidden=2, epochs=1, batch_size=1000, dtype="float32"),
        BCDClassifier(
            hidden=2, epochs=1, batch_size=1000, dtype="float32", shift=1, image_shape=(16, 16)
        ),
    ],
    ids=["ftprop", "bcd"],
)
def test_bytes_are_never_all_turned_into_floats(classifier):
    X = np.random.default_rng(0).integers(0, 256, (40_000, 256), dtype=np.uint8)
    y = X[:, 0] > 127
    tracemalloc.start()
    try:
        classifier.fit(X, y).predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # In single precision the data would take four times their bytes.
    assert peak < 3 * X.nbytes
