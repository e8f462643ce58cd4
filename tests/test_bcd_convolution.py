"""Block coordinate descent with a convolutional layer: layers, both solvers, the classifiers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.bcd import convolution, pooled
from zeroone.claims.bcd.convolution import CLAIMS, draw_runs, plain_objective
from zeroone.claims.runner import verify
from zeroone.datasets import load_digits
from zeroone.estimators import BCDClassifier, FullBatchBCDClassifier
from zeroone.nets.network import Network, load
from zeroone.nets.patch_normalisation import PatchNormalisation
from zeroone.nets.regions import RegionMeans

# ------------------------------------------------------------------------------------------ layers


def numeric_derivative(function, V, step=1e-6):
    derivative = np.empty_like(V)
    for index in np.ndindex(V.shape):
        up, down = V.copy(), V.copy()
        up[index] += step
        down[index] -= step
        derivative[index] = (function(up) - function(down)) / (2 * step)
    return derivative


@settings(max_examples=25)
@given(
    st.integers(1, 3), st.integers(2, 5), st.integers(2, 5), st.integers(1, 2), st.integers(0, 99)
)
def test_patch_normalisation_is_what_it_says(n, height, width, channels, seed):
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((n, height, width, channels))
    V[0, :2, :2] = 1.0  # a patch of one colour
    layer = PatchNormalisation.fit(V, kernel=2, offset=0.1, whitening=0.5)
    found = layer.forward(V)
    assert found.shape[1:] == layer.output_shape(V.shape[1:])
    rows = []
    for image in V:
        for i in range(height - 1):
            for j in range(width - 1):
                x = image[i : i + 2, j : j + 2].ravel()
                rows.append((x - x.mean()) / np.sqrt(np.mean((x - x.mean()) ** 2) + 0.1))
    rows = np.array(rows)
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / len(rows) + 0.5 * np.eye(rows.shape[1])
    whitened = found.reshape(len(rows), -1)
    # T is symmetric with T (covariance + whitening I) T = I, and positive definite.
    np.testing.assert_allclose(
        layer.transform @ covariance @ layer.transform, np.eye(len(covariance)), atol=1e-9
    )
    np.testing.assert_allclose(layer.transform, layer.transform.T, atol=1e-12)
    assert np.linalg.eigvalsh(layer.transform).min() > 0
    np.testing.assert_allclose(whitened, centred @ layer.transform, atol=1e-9)
    G = rng.standard_normal(found.shape)
    expected = numeric_derivative(lambda V: float(np.sum(G * layer.forward(V, remember=False))), V)
    layer.forward(V)
    np.testing.assert_allclose(layer.backward(G), expected, atol=1e-6)


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_region_means_are_means_of_a_grid(height, width, data):
    down, across = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    V = rng.standard_normal((2, height, width, 3))
    layer = RegionMeans((down, across))
    found = layer.forward(V)
    assert found.shape[1:] == layer.output_shape(V.shape[1:]) == (down, across, 3)
    sizes = layer.sizes(height, width)
    assert sizes.sum() == height * width
    np.testing.assert_allclose(np.sum(found * sizes, axis=(1, 2)), V.sum(axis=(1, 2)), atol=1e-12)
    order, slices = pooled.region_by_region(layer, height, width)
    assert sorted(order) == list(range(height * width))
    pixels = V.reshape(2, height * width, 3)[:, order]
    means = [pixels[:, part].mean(axis=1) for part in slices]
    np.testing.assert_allclose(found.reshape(2, -1, 3), np.stack(means, axis=1), atol=1e-12)
    G = rng.standard_normal(found.shape)
    expected = numeric_derivative(lambda V: float(np.sum(G * layer.forward(V, remember=False))), V)
    np.testing.assert_allclose(layer.backward(G), expected, atol=1e-8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RegionMeans(0), "regions must be"),
        (lambda: RegionMeans(3).output_shape((2, 5, 1)), "regions must be at most"),
        (lambda: PatchNormalisation(np.ones(4), np.eye(3), kernel=2, offset=1.0), "centre must"),
        (lambda: PatchNormalisation(np.ones(3), np.eye(3), kernel=2, offset=1.0), "centre must"),
        (lambda: PatchNormalisation(np.ones(4), np.eye(4), kernel=2, offset=0.0), "offset must"),
        (lambda: convolution.iterate(np.ones((2, 3, 4)), np.ones((2, 1)), 2), "patches must have"),
        (lambda: convolution.iterate(np.ones((2, 3, 4, 1)), np.ones((3, 1)), 2), "Y must have 2"),
        (lambda: convolution.iterate(np.ones((2, 3, 4, 1)), np.ones((2, 1)), 0), "filters must"),
        (lambda: convolution.iterate(np.ones((2, 3, 4, 1)), np.ones((2, 1)), 1, tau=0), "tau must"),
        (lambda: convolution.iterate(np.ones((2, 3, 4, 1)), np.ones((2, 1)), 1, x=0), "options"),
    ],
)
def test_bad_input_is_one_clear_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ------------------------------------------------------------------------------------------ claims


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_claims_hold_for_any_seed(claim, seed):
    (found,) = verify([claim], seed=seed, cases=60)
    assert found.passed


@pytest.mark.parametrize(
    "subject",
    [
        lambda prices, gain, square: np.zeros(prices.shape, bool),
        lambda prices, gain, square: np.ones(prices.shape, bool),
        lambda prices, gain, square: np.full(prices.shape, np.nan),
        lambda prices, gain, square: prices,
        lambda prices, gain, square: None,
        lambda prices, gain, square: np.zeros((0, 0), bool),
    ],
    ids=["none fire", "all fire", "nan", "its input", "nothing", "empty"],
)
def test_degenerate_answers_do_not_pass(subject):
    claim = CLAIMS[0]
    measured, least = claim.measure(subject, claim.sample(np.random.default_rng(0), 50))
    assert not np.allclose(measured, least)


def test_the_reported_objective_is_f2():
    for run in draw_runs(np.random.default_rng(3), 20):
        for step in convolution.iterate(**run):
            assert step.objective_after == pytest.approx(plain_objective(step.state, run))


# ------------------------------------------------------------------------------------ classifiers


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.mark.parametrize(
    ("classifier", "least"),
    [
        (BCDClassifier(image_shape=(8, 8), kernel=3, filters=60, epochs=0), 0.95),
        (BCDClassifier(image_shape=(8, 8), kernel=3, filters=60, epochs=1), 0.95),
        (FullBatchBCDClassifier(image_shape=(8, 8), kernel=3, filters=30, epochs=2, tau=0.01), 0.9),
    ],
    ids=["patches", "learned", "full batch"],
)
def test_classifiers_learn_the_digits(digits, classifier, least, tmp_path):
    classifier.fit(digits.X_train, digits.y_train)
    assert classifier.score(digits.X_test, digits.y_test) > least
    network = classifier.network_
    assert isinstance(network, Network)
    network.save(tmp_path / "net.npz")
    scores = network.decision_function(digits.X_test)
    assert np.array_equal(load(tmp_path / "net.npz").decision_function(digits.X_test), scores)
    compressed = network.compress().decision_function(digits.X_test)
    np.testing.assert_allclose(compressed, scores, atol=1e-4)


@pytest.mark.parametrize("proximal", ["batch", "samples"])
def test_learning_moves_the_filters_and_lowers_the_objective_of_each_batch(digits, proximal):
    classifier = BCDClassifier(
        image_shape=(8, 8), kernel=3, filters=10, epochs=1, proximal=proximal
    )
    first, seen = None, []
    for step in classifier.steps(digits.X_train, digits.y_train):
        first = classifier.state_.weights.copy() if first is None else first
        seen.append(step.block)
        if step.block != "W1" or proximal == "batch":  # nothing bounds the moves of single patches
            assert step.decrease > -1e-4 * max(1.0, step.objective_before), step.block
    assert {"W2", "T", "U1", "W1"} == set(seen)
    assert not np.allclose(first, classifier.state_.weights)


@pytest.mark.parametrize("kind", [BCDClassifier, FullBatchBCDClassifier])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kernel": 9}, "kernel must fit"),
        ({"kernel": 0}, "kernel must be"),
        ({"kernel": 3, "regions": 7}, "regions must be at most"),
        ({"kernel": 3, "image_shape": (4, 4)}, "image_shape must hold 64"),
        ({"kernel": 3, "image_shape": None}, "image_shape must be"),
        ({"kernel": 3, "filters": 0}, "filters must be"),
        ({"kernel": 3, "tau": (1.0, 2.0)}, "tau must be one number"),
        ({"kernel": 3, "hidden": 50}, "hidden must be 200 with a kernel"),
        ({"kernel": 3, "lam": 0.1}, "lam must be 0.0 with a kernel"),
        ({"kernel": 3, "whitening": None}, "whitening must be 50.0 with a kernel"),
        ({"filters": 30}, "filters must be 400 without a kernel"),
        ({"regions": 3}, "regions must be 2 without a kernel"),
    ],
)
def test_bad_parameters_are_one_clear_line(digits, kind, parameters, message):
    chosen = {"image_shape": (8, 8), **parameters}
    with pytest.raises(ValueError, match=message):
        kind(**chosen).fit(digits.X_train, digits.y_train)


def test_filters_do_not_learn_from_a_stream(digits):
    classifier = BCDClassifier(image_shape=(8, 8), kernel=3)
    with pytest.raises(ValueError, match="kernel must be None"):
        classifier.partial_fit(digits.X_train, digits.y_train, classes=range(10))
