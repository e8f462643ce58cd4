"""Target propagation's estimators: scikit-learn's conventions, what they learn, their files."""

import sys
import warnings

import numpy as np
import pytest

import zeroone.nets.network
from zeroone.datasets import load_digits
from zeroone.estimators import FTPropClassifier, FTPropRegressor
from zeroone.targetprop import DivergenceError


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
                FTPropClassifier(hidden=30, epochs=30, batch_size=10),
                FTPropClassifier(
                    hidden=(12, 10),
                    epochs=20,
                    batch_size=10,
                    activation="staircase",
                    levels=3,
                    loss="saturated_hinge",
                    normalise=True,
                    output="hinge",
                ),
                FTPropRegressor(hidden=30, epochs=30, batch_size=10),
            ]
        )


@pytest.mark.filterwarnings("ignore")
@scikit_learn_checks()
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"activation": "step"},
        {"activation": "staircase", "levels": 3},
        {"loss": "linear"},
        {"loss": "saturated_hinge"},
        {"loss": "linear", "surrogate": "relu", "activation": "step"},
        {"hidden": (60, 40), "normalise": True},
        {"optimiser": "momentum", "learning_rate": 0.1},
        {"output": "hinge", "weighting": "equal", "learning_rate": 0.01},
    ],
)
def test_digits(digits, parameters):
    chosen = {"hidden": 100, "epochs": 15, "learning_rate": 0.01} | parameters
    classifier = FTPropClassifier(**chosen)
    classifier.fit(digits.X_train, digits.y_train)
    assert classifier.score(digits.X_test, digits.y_test) >= 0.93
    assert len(classifier.history_) == classifier.n_iter_ == 15


def test_the_network_is_the_one_that_was_trained(digits, tmp_path):
    classifier = FTPropClassifier(
        (20, 10), activation="staircase", levels=4, normalise=True, epochs=3, whitening=50.0
    ).fit(digits.X_train, digits.y_train)
    network = classifier.network_
    assert (network.activation, network.levels) == ("staircase", 4)
    network.save(tmp_path / "net.npz")
    again = zeroone.nets.network.load(tmp_path / "net.npz")
    assert again == network
    np.testing.assert_array_equal(again.predict(digits.X_test), classifier.predict(digits.X_test))


def test_scores_are_those_of_the_layers_by_hand(digits):
    classifier = FTPropClassifier(15, epochs=2).fit(digits.X_train, digits.y_train)
    (first, biases), (second, shifts) = classifier.state_.layers()
    X = digits.X_test - digits.X_train.mean(axis=0)
    X = X / np.sqrt(np.mean((digits.X_train - digits.X_train.mean(axis=0)) ** 2))
    hidden = np.where(X @ first.T + biases > 0, 1.0, -1.0)
    scores = hidden @ second.T + shifts
    np.testing.assert_allclose(classifier.decision_function(digits.X_test), scores, atol=1e-9)


def test_partial_fit_learns(digits):
    classifier = FTPropClassifier(60, learning_rate=0.01)
    for _ in range(5):
        classifier.partial_fit(digits.X_train, digits.y_train, classes=np.arange(10))
    assert classifier.score(digits.X_test, digits.y_test) > 0.9
    assert classifier.n_iter_ == 5
    with pytest.raises(ValueError, match="classes must be passed"):
        FTPropClassifier(5).partial_fit(digits.X_train, digits.y_train)
    with pytest.raises(ValueError, match="labels among"):
        classifier.partial_fit(digits.X_train[:2], [3, 11])


def test_moved_images(digits):
    moving = FTPropClassifier(30, epochs=2, shift=1, image_shape=digits.image_shape)
    moving.fit(digits.X_train, digits.y_train)
    still = FTPropClassifier(30, epochs=2).fit(digits.X_train, digits.y_train)
    assert not np.array_equal(moving.network_.weights[0], still.network_.weights[0])
    with pytest.raises(ValueError, match="image_shape"):
        FTPropClassifier(5, shift=1, image_shape=(3, 3)).fit(digits.X_train, digits.y_train)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": 0}, "hidden must be an integer >= 1"),
        ({"activation": "relu"}, "activation must be one of"),
        ({"activation": "staircase"}, "levels must be an integer >= 2"),
        ({"levels": 3}, "levels must be None"),
        ({"loss": "zero-one"}, "loss must be one of"),
        ({"learning_rate": -1.0}, "learning_rate must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"normalise": "yes"}, "normalise must be"),
        ({"dtype": "float16"}, "dtype must be one of"),
        ({"whitening": 0.0}, "whitening must be"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        FTPropClassifier(**parameters).fit(np.eye(4), [0, 1, 0, 1])


OWN_LOSS = """
from dataclasses import dataclass

import numpy as np

from zeroone.losses import HiddenLoss


@dataclass(frozen=True)
class SoftHingeOfMyOwn(HiddenLoss):
    steepness: float = 1.0

    def value(self, m):
        return 1 - np.tanh(self.steepness * m)

    def derivative(self, m):
        return -self.steepness * (1 - np.tanh(self.steepness * m) ** 2)
"""


@pytest.fixture
def own_loss(tmp_path, monkeypatch):
    (tmp_path / "losses_of_my_own.py").write_text(OWN_LOSS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield "losses_of_my_own:SoftHingeOfMyOwn"
    sys.modules.pop("losses_of_my_own", None)


def test_a_loss_of_ones_own_by_name_and_as_an_object(digits, own_loss):
    by_name = FTPropClassifier(40, epochs=5, loss=own_loss)
    by_name.fit(digits.X_train, digits.y_train)
    assert by_name.get_params()["loss"] == own_loss
    assert by_name.score(digits.X_test, digits.y_test) > 0.9
    kind = sys.modules["losses_of_my_own"].SoftHingeOfMyOwn
    as_object = FTPropClassifier(40, epochs=5, loss=kind())
    as_object.fit(digits.X_train, digits.y_train)
    assert as_object.network_ == by_name.network_
    steeper = FTPropClassifier(40, epochs=5).set_params(loss=kind(steepness=3.0))
    steeper.fit(digits.X_train, digits.y_train)
    assert steeper.network_ != by_name.network_
    assert "steepness=3.0" in repr(steeper.get_params()["loss"])


def test_losses_of_ones_own_are_cloned(digits, own_loss):
    base = pytest.importorskip("sklearn.base")
    FTPropClassifier(5, epochs=1, loss=own_loss).fit(digits.X_train, digits.y_train)
    loss = sys.modules["losses_of_my_own"].SoftHingeOfMyOwn(2.0)
    for given in (own_loss, loss):
        copy = base.clone(FTPropClassifier(5, epochs=1, loss=given))
        assert copy.get_params()["loss"] == given
        copy.fit(digits.X_train, digits.y_train)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("losses_of_my_own:Missing", "is missing"),
        ("no_such_module:Loss", "cannot be imported"),
        (3, "loss must be one of"),
    ],
)
def test_what_is_no_loss_is_refused(own_loss, loss, message):
    with pytest.raises(ValueError, match=message):
        FTPropClassifier(loss=loss).fit(np.eye(4), [0, 1, 0, 1])


def test_a_diverging_run_stops_with_step_and_cause(digits):
    classifier = FTPropClassifier(
        10, epochs=3, optimiser="momentum", learning_rate=1e38, dtype="float32"
    )
    with pytest.raises(DivergenceError, match=r"update \d+ \(epoch 1\).*learning_rate"):
        classifier.fit(digits.X_train, digits.y_train)
    assert not hasattr(classifier, "network_")
