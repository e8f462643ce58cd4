"""Where training starts: from the weights of an earlier fit, or from a saved network."""

import numpy as np
import pytest

from zeroone.datasets import load_digits
from zeroone.estimators import (
    BCDClassifier,
    BCDRegressor,
    FTPropClassifier,
    FTPropRegressor,
    FullBatchBCDClassifier,
    FullBatchBCDRegressor,
)

MAKERS = [
    BCDClassifier,
    FullBatchBCDClassifier,
    FTPropClassifier,
    BCDRegressor,
    FullBatchBCDRegressor,
    FTPropRegressor,
]
every = pytest.mark.parametrize("make", MAKERS)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.X_train[:400], data.y_train[:400]


def hidden_layers_of_the_first_step(estimator, X, y):
    """Return the hidden layers when only the output layer has moved, for raw input."""
    next(estimator.steps(X, y))
    network = estimator.snapshot()
    return [*network.weights[:-1], *network.biases[:-1]]


@every
@pytest.mark.parametrize("whitening", [None, 50.0])
def test_a_saved_network_is_where_training_starts(make, whitening, digits, tmp_path):
    X, y = digits
    first = make((12, 9), epochs=2, whitening=whitening).fit(X, y)
    first.network_.save(tmp_path / "net.npz")
    expected = [*first.network_.weights[:-1], *first.network_.biases[:-1]]
    for start in (first.network_, tmp_path / "net.npz", str(tmp_path / "net.npz")):
        # Other data, with another scaling: the function is what counts.
        second = make((12, 9), epochs=2, whitening=10.0, initial_network=start)
        for one, other in zip(
            hidden_layers_of_the_first_step(second, 1 + 2 * X[:300], y[:300]), expected, strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
        second.fit(X, y)
        assert second.network_ != first.network_


@every
def test_the_output_layer_is_taken_too(make, digits):
    """Seen before it is ever fitted: in forward order it moves last."""
    X, y = digits
    first = make(12, epochs=2).fit(X, y)
    if "order" in first.get_params():
        second = make(12, epochs=1, order="forward", initial_network=first.network_)
        next(second.steps(X, y))
        found = second.snapshot()
    else:
        second = make(12, epochs=1, initial_network=first.network_)
        second._goes_on = False
        samples = second._gather(X, y, None, first=True)
        second._prepare(samples)
        data, targets, weight, _ = second._visited(samples)
        second._start(data, targets, weight)
        found = second.snapshot()
    np.testing.assert_allclose(found.weights[-1], first.network_.weights[-1], rtol=1e-9)
    np.testing.assert_allclose(found.biases[-1], first.network_.biases[-1], rtol=1e-9, atol=1e-12)


@every
def test_warm_start_goes_on(make, digits):
    X, y = digits
    estimator = make((12, 9), epochs=2, warm_start=True).fit(X, y)
    before = estimator.network_
    cold = make((12, 9), epochs=2).fit(X, y)
    assert before == cold.network_  # the first fit is like any other
    found = hidden_layers_of_the_first_step(estimator, X[:200], y[:200])
    for one, other in zip(found, [*before.weights[:-1], *before.biases[:-1]], strict=True):
        np.testing.assert_array_equal(one, other)
    estimator.fit(X, y)
    assert estimator.n_iter_ == 4
    assert estimator.network_ != before
    # Without it, nothing is left of an earlier fit.
    assert cold.fit(X, y).network_ == before
    assert cold.n_iter_ == 2


@pytest.mark.parametrize("make", [FTPropClassifier, FTPropRegressor])
@pytest.mark.parametrize("normalise", [False, True])
def test_warm_starts_add_up_to_a_training(make, normalise, digits):
    X, y = digits
    estimator = make(40, epochs=1, learning_rate=0.01, normalise=normalise, warm_start=True)
    scores = [estimator.fit(X, y).score(X, y) for _ in range(8)]
    assert scores[-1] > scores[0] + 0.05
    assert estimator.n_iter_ == 8


@every
def test_what_warm_start_refuses(make, digits):
    X, y = digits
    estimator = make(12, epochs=1, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"hidden must be \(12,\) for warm_start"):
        estimator.set_params(hidden=13).fit(X, y)
    estimator.set_params(hidden=12)
    with pytest.raises(ValueError, match="X has 3 features"):
        estimator.fit(X[:, :3], y)
    with pytest.raises(ValueError, match="y must"):
        estimator.fit(X, y + 5 if "Classifier" in make.__name__ else np.column_stack([y, y]))
    if "activation" in estimator.get_params():
        with pytest.raises(ValueError, match="activation and levels must be 'sign'"):
            estimator.set_params(activation="step").fit(X, y)
        estimator.set_params(activation="sign")
    with pytest.raises(ValueError, match="warm_start must be True or False"):
        estimator.set_params(warm_start="yes").fit(X, y)
    estimator.set_params(warm_start=True).fit(X, y)
    assert estimator.n_iter_ == 2


def test_neurons_that_were_removed_stay_away(digits):
    X, y = digits
    estimator = BCDClassifier(60, epochs=6, lam=0.01, warm_start=True).fit(X, y)
    size = estimator.network_.hidden_sizes[0]
    assert size < 60
    assert estimator.fit(X, y).network_.hidden_sizes[0] <= size


@every
def test_networks_that_do_not_fit(make, digits, tmp_path):
    X, y = digits
    network = make(12, epochs=1).fit(X, y).network_
    (tmp_path / "no.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="initial_network must have layers of sizes"):
        make(13, epochs=1, initial_network=network).fit(X, y)
    with pytest.raises(ValueError, match="initial_network must have layers of sizes"):
        make(12, epochs=1, initial_network=network).fit(X[:, :5], y)
    with pytest.raises(ValueError, match="initial_network must be a network or the path"):
        make(12, epochs=1, initial_network=3).fit(X, y)
    for path in (tmp_path / "no.npz", tmp_path / "missing.npz"):
        with pytest.raises(ValueError, match="initial_network must be a network: cannot load"):
            make(12, epochs=1, initial_network=path).fit(X, y)
    if "activation" in make().get_params():
        with pytest.raises(ValueError, match="initial_network must have the units"):
            make(12, epochs=1, activation="step", initial_network=network).fit(X, y)
        with pytest.raises(ValueError, match="normalise must be False with initial_network"):
            make(12, epochs=1, normalise=True, initial_network=network).fit(X, y)
    if "Classifier" in make.__name__:
        with pytest.raises(ValueError, match="initial_network must have the classes"):
            make(12, epochs=1, initial_network=network).fit(X, y + 1)


SMALL = {"network": "convnet4", "width": 0.1, "image_shape": (8, 8), "normalise": True}


def test_a_saved_network_of_images(digits, tmp_path):
    X, y = digits
    first = FTPropClassifier(**SMALL, epochs=2, shift=1, dropout=0.1).fit(X, y)
    first.network_.save(tmp_path / "net.npz")
    second = FTPropClassifier(**SMALL, epochs=3, initial_network=tmp_path / "net.npz")
    third = FTPropClassifier(**SMALL, epochs=1, learning_rate=1e-12, initial_network=first.network_)
    # At hardly any learning rate the network stays what it was, but for its running means.
    third.fit(X, y)
    filters = [
        [
            array
            for layer in network.layers
            if layer.kind == "convolution"
            for array in layer.parameters
        ]
        for network in (first.network_, third.network_)
    ]
    assert len(filters[0]) > 1
    for one, other in zip(*filters, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert second.fit(X, y).score(X, y) > FTPropClassifier(**SMALL, epochs=3).fit(X, y).score(X, y)
    before = second.network_
    second.set_params(warm_start=True, epochs=1).fit(X, y)
    assert second.n_iter_ == 4
    assert second.network_ != before


def test_networks_of_images_that_do_not_fit(digits):
    X, y = digits
    dense = FTPropClassifier(5, epochs=1).fit(X, y)
    images = FTPropClassifier(**SMALL, epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="initial_network must be a multi-layer perceptron"):
        FTPropClassifier(5, initial_network=images.network_).fit(X, y)
    with pytest.raises(ValueError, match="initial_network must be a Network"):
        FTPropClassifier(**SMALL, initial_network=dense.network_).fit(X, y)
    for other in ({"width": 0.2}, {"normalise": False}, {"activation": "step"}):
        with pytest.raises(ValueError, match="initial_network must have the layers of"):
            FTPropClassifier(**{**SMALL, **other}, initial_network=images.network_).fit(X, y)
    dense.set_params(warm_start=True, hidden=200, **SMALL)
    with pytest.raises(ValueError, match="network must be as it was"):
        dense.fit(X, y)
    with pytest.raises(ValueError, match="warm_start must be False with penalty"):
        FTPropClassifier(**SMALL, penalty="l0", warm_start=True).fit(X, y)
