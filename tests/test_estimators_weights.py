"""Weights of samples and of classes in the estimators: repetition, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.datasets import load_digits
from zeroone.estimators import (
    BCDClassifier,
    BCDRegressor,
    FTPropClassifier,
    FTPropRegressor,
    FullBatchBCDClassifier,
    FullBatchBCDRegressor,
)
from zeroone.estimators.samples import MOST_VISITS, Samples, merged
from zeroone.nets.scaling import InputScaling

CLASSIFIERS = [
    BCDClassifier((7, 6), epochs=3, batch_size=20),
    FullBatchBCDClassifier((7, 6), epochs=3, tau=0.1),
    FTPropClassifier((7, 6), epochs=3, batch_size=8),
]
REGRESSORS = [
    BCDRegressor((7, 6), epochs=3, batch_size=20),
    FullBatchBCDRegressor((7, 6), epochs=3, tau=0.1),
    FTPropRegressor((7, 6), epochs=3, batch_size=8),
]
ALL = [pytest.param(each, id=type(each).__name__) for each in (*CLASSIFIERS, *REGRESSORS)]
CLASSIFYING = ALL[:3]


def task(estimator, seed, n=40, dtype=float):
    """Return data with equal samples, and integer weights, some zero."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 9, (n, 5)).astype(dtype)
    X[1] = X[0]
    y = rng.integers(0, 3, n) if "Classifier" in type(estimator).__name__ else rng.normal(size=n)
    y[:3] = [0, 1, 2]
    y[1] = y[0]
    s = rng.integers(0, 5, n)
    s[[0, 1, 2, 3]] = 1, 2, 1, 1
    y[3] = 1
    return X, y, s


def fitted(estimator, X, y, sample_weight=None, **parameters):
    """Return a new estimator of the same parameters, fitted."""
    new = type(estimator)(**{**estimator.get_params(), **parameters})
    return new.fit(X, y, sample_weight=sample_weight)


# ----------------------------------------------------------------------------------- repetition


@pytest.mark.parametrize("estimator", ALL)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_integer_weights_are_repetition_to_the_last_bit(estimator, dtype):
    for seed in range(20):
        X, y, s = task(estimator, seed, dtype=dtype)
        order = np.random.default_rng(seed + 100).permutation(len(X))
        weighted = fitted(estimator, X[order], y[order], s[order], random_state=seed)
        repeated = fitted(estimator, np.repeat(X, s, axis=0), np.repeat(y, s), random_state=seed)
        assert weighted.network_ == repeated.network_
        assert weighted.history_.rows == repeated.history_.rows


@pytest.mark.parametrize("estimator", ALL)
def test_weights_of_one_are_no_weights(estimator):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), np.arange(40) % 3
    plain = fitted(estimator, X, y)
    assert fitted(estimator, X, y, np.ones(40)).network_ == plain.network_
    s = np.r_[np.ones(40), np.zeros(5)]
    more = np.vstack([X, 1e6 * rng.normal(size=(5, 5))])
    assert fitted(estimator, more, np.r_[y, np.arange(5) % 3], s).network_ == plain.network_


@pytest.mark.parametrize("estimator", ALL)
def test_of_mini_batches_only_ratios_of_weights_matter_below_one(estimator):
    X, y, _ = task(estimator, 0)
    X[:, 0] = np.arange(len(X))  # all different
    one, other = (fitted(estimator, X, y, np.full(len(X), w)) for w in (0.5, 0.01))
    assert (one.network_ == other.network_) is ("FullBatch" not in type(estimator).__name__)


@pytest.mark.parametrize("estimator", ALL)
def test_a_heavy_sample_is_met(estimator):
    """Of two samples at the same place, the one of nearly all the weight decides."""
    for seed in range(20):
        X, y, _ = task(estimator, seed)
        X[1] = X[0]
        y[:2] = 0, 1
        for heavy in (0, 1):
            s = np.ones(len(X))
            s[heavy] = 1000.0
            found = fitted(estimator, X, y, s, random_state=seed, epochs=20).predict(X[:1])[0]
            assert abs(found - heavy) < 0.5


@pytest.mark.parametrize("seed", range(20))
def test_the_full_batch_output_layer_is_the_weighted_ridge(seed):
    """In forward order the output layer is fitted last: by least squares written out here."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    s = rng.exponential(size=60)
    classifier = FullBatchBCDClassifier(8, epochs=2, order="forward", random_state=seed)
    classifier.fit(X, y, s)
    V = np.column_stack([classifier.network_.forward(X).activations[1], np.ones(60)])
    # The bits decided, which the layer is fitted to, are those of the merged samples.
    state = classifier.state_
    bits = np.column_stack([state.activations[1], np.ones(60)])
    weight, Y = state.sample_weight, state.Y
    left = bits.T @ (weight[:, None] * bits) + 0.01 * np.eye(9)
    rows = np.linalg.solve(left, bits.T @ (weight[:, None] * Y)).T
    W, b = classifier.network_.weights[-1], classifier.network_.biases[-1]
    np.testing.assert_allclose(np.column_stack([W, b]), rows, atol=1e-8)
    assert sorted(weight) == sorted(s)
    assert V.shape == bits.shape


@pytest.mark.parametrize("estimator", ALL)
def test_means_and_scales_are_weighted(estimator):
    X, y, s = task(estimator, 3)
    repeated, fits = np.repeat(X, s, axis=0), fitted(estimator, X, y, s, whitening=None)
    centred = repeated - repeated.mean(axis=0)
    np.testing.assert_allclose(fits.scaling_.mean, repeated.mean(axis=0), rtol=1e-12)
    assert fits.scaling_.transform == pytest.approx(1 / np.sqrt(np.mean(centred**2)), rel=1e-12)
    if "Regressor" in type(estimator).__name__:
        targets = np.repeat(y, s)
        np.testing.assert_allclose(fits.target_mean_, targets.mean(), rtol=1e-10)
        np.testing.assert_allclose(fits.target_scale_, targets.std(), rtol=1e-10)


def test_partial_fit_visits_samples_as_often_as_they_count():
    digits = load_digits()
    X, y = digits.X_train, digits.y_train
    s = np.random.default_rng(0).integers(0, 4, 200)
    for make in (BCDClassifier, FTPropClassifier):
        one, other = (
            make(20).partial_fit(X[:300], y[:300], classes=np.arange(10)) for _ in range(2)
        )
        one.partial_fit(X[300:500], y[300:500], sample_weight=s)
        other.partial_fit(np.repeat(X[300:500], s, axis=0), np.repeat(y[300:500], s))
        assert one.network_ == other.network_
    for make in (BCDRegressor, FTPropRegressor):
        one, other = (make(20).partial_fit(X[:300], y[:300]) for _ in range(2))
        one.partial_fit(X[300:500], y[300:500], s)
        other.partial_fit(np.repeat(X[300:500], s, axis=0), np.repeat(y[300:500], s))
        assert one.network_ == other.network_
        with pytest.raises(ValueError, match="y must have 1 outputs as before"):
            one.partial_fit(X[:5], np.ones((5, 2)))


def test_networks_of_images_have_weights():
    digits = load_digits()
    X, y = digits.X_train[:100], digits.y_train[:100]
    small = {"network": "convnet4", "width": 0.1, "image_shape": (8, 8), "epochs": 2}
    s = np.random.default_rng(0).integers(0, 3, 100)
    for extra in ({}, {"penalty": "l0"}):
        one = FTPropClassifier(**small, **extra).fit(X, y, s)
        other = FTPropClassifier(**small, **extra).fit(np.repeat(X, s, axis=0), np.repeat(y, s))
        assert one.network_ == other.network_
    fractions = np.linspace(0.1, 0.9, 100)
    for data in (X, X.astype(float)):
        again = FTPropClassifier(**small).fit(data, y, fractions)
        assert again.network_ != FTPropClassifier(**small).fit(data, y).network_
    with pytest.raises(ValueError, match="weighting must be"):
        FTPropClassifier(**small, weighting="equal").fit(X, y, fractions)


def test_moved_images_have_weights():
    digits = load_digits()
    X, y = digits.X_train[:100], digits.y_train[:100]
    s = np.random.default_rng(0).integers(0, 3, 100)
    moving = BCDClassifier(10, epochs=2, shift=1, image_shape=(8, 8))
    one = fitted(moving, X, y, s)
    assert one.network_ == fitted(moving, np.repeat(X, s, axis=0), np.repeat(y, s)).network_
    assert one.network_ != fitted(moving, X, y).network_


@pytest.mark.parametrize("make", [BCDClassifier, FullBatchBCDClassifier])
def test_filters_have_no_weights(make):
    digits = load_digits()
    X, y = digits.X_train[:60], digits.y_train[:60]
    small = {"kernel": 3, "filters": 4, "epochs": 1, "image_shape": (8, 8)}
    plain = make(**small).fit(X, y)
    assert make(**small).fit(X, y, np.ones(60)).network_ == plain.network_
    with pytest.raises(ValueError, match="sample_weight must be None with a kernel"):
        make(**small).fit(X, y, np.full(60, 2.0))
    for name, value in (
        ("class_weight", "balanced"),
        ("warm_start", True),
        ("initial_network", "a.npz"),
    ):
        with pytest.raises(ValueError, match=f"{name} must be .* with a kernel"):
            make(**small, **{name: value}).fit(X, y)


# ------------------------------------------------------------------------------------- classes


@pytest.mark.parametrize("classifier", CLASSIFYING)
def test_weights_of_classes_are_weights_of_samples(classifier):
    for seed in range(10):
        X, y, s = task(classifier, seed)
        labels = np.array(["ash", "oak", "yew"])[y]
        by_class = fitted(classifier, X, labels, s, class_weight={"oak": 3, "yew": 0.5})
        own = s * np.array([1.0, 3.0, 0.5])[y]
        assert by_class.network_ == fitted(classifier, X, labels, own).network_
        balanced = fitted(classifier, X, labels, s, class_weight="balanced")
        totals = np.array([s[y == k].sum() for k in range(3)])
        own = s * (s.sum() / (3 * totals))[y]
        assert balanced.network_ == fitted(classifier, X, labels, own).network_


@pytest.mark.parametrize("classifier", CLASSIFYING)
def test_balance_helps_a_rare_class(classifier):
    rng = np.random.default_rng(0)
    y = (np.arange(600) % 20 == 0).astype(int)
    X = rng.normal(size=(600, 2)) + 1.5 * y[:, None]
    found = [
        np.mean(fitted(classifier, X, y, hidden=20, class_weight=w).predict(X)[y == 1])
        for w in (None, "balanced")
    ]
    assert found[1] > found[0] + 0.2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"class_weight": "even"}, "class_weight must be a dict"),
        ({"class_weight": 2.0}, "class_weight must be a dict"),
        ({"class_weight": {5: 1.0}}, "class_weight must name classes among"),
        ({"class_weight": {0: -1.0}}, r"class_weight\[0\] must be"),
        ({"class_weight": {0: 0, 1: 0}}, "class_weight must not be zero for all"),
    ],
)
@pytest.mark.parametrize("classifier", CLASSIFYING)
def test_bad_weights_of_classes(classifier, parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted(classifier, np.eye(4), [0, 1, 0, 1], **parameters)


def test_a_stream_is_not_balanced():
    with pytest.raises(ValueError, match='class_weight must not be "balanced" for partial_fit'):
        BCDClassifier(4, class_weight="balanced").partial_fit(np.eye(2), [0, 1], classes=[0, 1])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0], r"sample_weight must have shape \(4,\)"),
        (np.ones((4, 1)), r"sample_weight must have shape \(4,\)"),
        ([1.0, -1.0, 1.0, 1.0], "sample_weight must be >= 0"),
        ([1.0, np.nan, 1.0, 1.0], "sample_weight must be finite"),
        (np.zeros(4), "sample_weight must not be zero"),
        (np.full(4, 1e308), "sample_weight must have a finite sum"),
    ],
)
@pytest.mark.parametrize("estimator", ALL)
def test_bad_weights_of_samples(estimator, weights, message):
    with pytest.raises(ValueError, match=message):
        fitted(estimator, np.eye(4), [0, 1, 0, 1], weights)


@pytest.mark.parametrize("estimator", ALL)
def test_scores_have_weights(estimator):
    X, y, s = task(estimator, 1)
    new = fitted(estimator, X, y)
    repeated = new.score(np.repeat(X, s, axis=0), np.repeat(y, s))
    assert new.score(X, y, sample_weight=s) == pytest.approx(repeated, rel=1e-12)


# ------------------------------------------------------------------------------ their machinery


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(1e-6, 50.0), min_size=1, max_size=12),
    st.integers(1, 20),
)
def test_visits_add_up_to_the_weights(weights, passed):
    weight = np.array(weights)
    samples = Samples(np.zeros((len(weight), 1)), np.zeros(len(weight)), weight, passed)
    rows, shares = samples.visits()
    shares = np.ones(len(rows)) if shares is None else shares
    assert np.mean(shares) == pytest.approx(1)
    found = np.bincount(rows, shares, minlength=len(weight))
    np.testing.assert_allclose(found / found.sum(), weight / weight.sum(), atol=1e-8)
    assert len(rows) <= MOST_VISITS * passed + len(weight) + 1e-6


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_merging_is_counting(data):
    """Against a dictionary of rows, with negative zeros among them."""
    n = data.draw(st.integers(1, 12))
    entries = st.sampled_from([0.0, -0.0, 1.0, 0.1])
    X = np.array(data.draw(st.lists(st.tuples(entries, entries), min_size=n, max_size=n)))
    y = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    s = np.array(data.draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)), dtype=float)
    counts = {}
    for row, label, weight in zip((X + 0.0).tolist(), y.tolist(), s, strict=True):
        counts[(*row, label)] = counts.get((*row, label), 0) + weight
    found = merged(Samples(X, y, s, n))
    weight = np.ones(len(found.X)) if found.weight is None else found.weight
    rows = zip((found.X + 0.0).tolist(), found.targets.tolist(), weight, strict=True)
    assert {(*row, label): w for row, label, w in rows} == counts
    assert len(found.X) == len(counts)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("whitening", [None, 2.0])
def test_the_scaling_of_the_input_has_weights(seed, whitening):
    rng = np.random.default_rng(seed)
    X, s = rng.normal(size=(30, 3)) * [1, 2, 30], rng.integers(1, 4, 30)
    one = InputScaling.fit(X, whitening, s.astype(float))
    other = InputScaling.fit(np.repeat(X, s, axis=0), whitening)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(one.transform, other.transform, rtol=1e-4)
    W, b = rng.normal(size=(4, 3)), rng.normal(size=4)
    back = one.unfold(*one.fold(W, b))
    np.testing.assert_allclose(back[0], W, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(back[1], b, rtol=1e-8, atol=1e-9)
