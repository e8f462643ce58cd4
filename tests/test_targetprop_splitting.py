"""RVSCGD and ADMM on networks: u, the coupling, the refit, and the claims about them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone import FTPropClassifier, Network, load, load_digits
from zeroone.claims.claim import collect, judge
from zeroone.claims.targetprop import splitting as claims
from zeroone.nets.architectures import convnet4, resnet18
from zeroone.nets.calibrate import calibrated
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Dense, Flatten
from zeroone.nets.normalisation import EPSILON, Normalisation
from zeroone.nets.units import HiddenUnits
from zeroone.penalties import L1, GroupL20, Penalty
from zeroone.targetprop import TargetOptions, iterate
from zeroone.targetprop.optimisers import Adam, Momentum
from zeroone.targetprop.solver import start, start_network, train
from zeroone.targetprop.splitting import (
    Masked,
    Split,
    SplittingOptions,
    Weights,
    level,
    restore,
    set_sparse,
    split,
    zeros_by_layer,
)

SPARSE = {
    "network": "convnet4",
    "width": 0.1,
    "image_shape": (8, 8),
    "normalise": True,
    "penalty": "l0",
    "lam": (2e-6, 2e-3),
    "epochs": 2,
}


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.X_train[:300], data.y_train[:300]


# ------------------------------------------------------------------------------------------ claims

BY_ID = {claim.id: claim for claim in claims.CLAIMS}
PLANTED = [(claim.id, error) for claim in claims.CLAIMS for error in claim.planted]


def verdict(claim, seed):
    return judge(claim, [collect(claim, seed, 0, claim.cases)])


@pytest.mark.parametrize("claim_id", BY_ID)
@settings(deadline=None, max_examples=4)
@given(seed=st.integers(0, 2**32 - 1))
def test_claim_holds_for_any_seed(claim_id, seed):
    result = verdict(BY_ID[claim_id], seed)
    assert result.passed, result.reason


@pytest.mark.parametrize(("claim_id", "error"), PLANTED)
@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 2**32 - 1))
def test_planted_error_is_caught_for_any_seed(claim_id, error, seed):
    result = verdict(BY_ID[claim_id].with_planted(error), seed)
    assert not result.passed
    assert "exceed" in result.reason


def filled(value):
    """Return an algorithm that sets all weights to a value."""

    def move(layer, gradients, rate):
        for weights, _ in layer.penalised(gradients):
            weights.u = np.full_like(weights.w, value)
            weights.w[:] = value

    return move


def no_move(layer, gradients, rate):
    """Leave everything as it is."""


@pytest.mark.parametrize("claim_id", [each for each in BY_ID if not each.endswith("prox")])
@pytest.mark.parametrize("algorithm", [no_move, filled(0.0), filled(np.nan)])
def test_an_algorithm_that_does_nothing_fails(claim_id, algorithm):
    for seed in range(3):
        assert not verdict(replace(BY_ID[claim_id], subject=algorithm), seed).passed


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_a_map_that_does_nothing_fails(value):
    def scaled(state):
        live = [x.w for each in state.optimisers for x in each.weights if x is not None]
        before = [w.copy() for w in live]
        for w in live:
            w *= value
        return before

    claim = BY_ID["targetprop.splitting-prox"]
    subject = claims.Around(set_sparse=scaled)
    for seed in range(3):
        assert not verdict(replace(claim, subject=subject), seed).passed


# ----------------------------------------------------------------------------------------------- u


def weights_of(w, penalty="l0", relative=True):
    return Weights(1, np.array(w), SplittingOptions(penalty).function, relative)


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    exponent=st.integers(-60, 60),
    penalty=st.sampled_from(["l0", "l1", "tl1", "mcp", "scad", "group"]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_a_relative_threshold_scales_with_the_layer(seed, exponent, penalty, dtype):
    rng = np.random.default_rng(seed)
    w, c = rng.standard_normal((3, 4)).astype(dtype), dtype(2.0) ** dtype(exponent // 2)
    one, other = (weights_of(x, penalty).prox(x, 0.3) for x in (w, c * w))
    assert one.dtype == other.dtype == dtype
    np.testing.assert_allclose(other, c * one, rtol=1e-6 if dtype is np.float32 else 1e-13)


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("penalty", ["l0", "l1", "group"])
def test_a_layer_of_zeros_stays_zero(penalty, relative):
    w = np.zeros((2, 3), np.float32)
    u = weights_of(w, penalty, relative).prox(w, 0.1)
    assert u.dtype == np.float32
    assert not u.any()


def test_ties_are_taken_to_zero_and_zeros_have_no_minus():
    w = np.array([[3.0, -3.0, -0.5, 3.5]])
    u = weights_of(w, relative=False).prox(w, 4.5)  # sqrt(2 t) = 3
    np.testing.assert_array_equal(u, [[0, 0, 0, 3.5]])
    assert not np.signbit(u).any()


def test_a_group_is_a_filter():
    filters = np.zeros((2, 2, 2, 3))
    filters[0, 0, 0, 0], filters[1] = 0.9, 0.5  # norms 0.9 and sqrt(3)
    u = weights_of(filters, "group", relative=False).prox(filters, 0.5)  # threshold 1
    np.testing.assert_array_equal(u[0], 0)
    np.testing.assert_array_equal(u[1], filters[1])


def net(rng, options=None):
    """Return a small network in training, with its options."""
    options = options or TargetOptions(epochs=2, batch_size=10)
    network = convnet4((8, 8, 1), 4, width=0.1, rng=rng, normalise=True)
    return start_network(network, options, rng), options


@given(seed=st.integers(0, 2**32 - 1), splitting=st.sampled_from(["rvscgd", "admm"]))
@settings(deadline=None, max_examples=10)
def test_looking_at_u_leaves_the_training_alone(seed, splitting):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((30, 8, 8, 1)).astype(np.float32), rng.integers(0, 4, 30)
    ends = []
    for look in (False, True):
        state, options = net(np.random.default_rng(seed))
        split(state, SplittingOptions(lam=0.01, beta=0.5, splitting=splitting), 6)
        for _ in train(X, y, state, options):
            if look:
                restore(state, set_sparse(state))
        ends.append([array.copy() for part in state.net for array in part.parameters])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_u_is_the_map_of_the_present_w_at_the_present_coefficients():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 8, 8, 1)).astype(np.float32), rng.integers(0, 4, 30)
    state, options = net(rng)
    split(state, SplittingOptions("l0", (1e-4, 4e-3), (0.1, 1.0)), 6)
    for _ in train(X, y, state, options):
        pass
    w = [array.copy() for part in state.net for array in part.parameters]
    set_sparse(state)
    u = [array for part in state.net for array in part.parameters]
    for before, after in zip(w, u, strict=True):
        kept = (
            np.abs(before) > np.sqrt(2 * 4e-3) if before.ndim > 1 else np.ones(before.shape, bool)
        )
        np.testing.assert_array_equal(after, np.where(kept, before, 0))


@pytest.mark.parametrize("made", ["network", "dense", "normalised"])
def test_every_kind_of_net_can_be_split(made):
    rng = np.random.default_rng(1)
    if made == "network":
        network = resnet18((8, 8, 1), 3, width=0.05, rng=rng)
        state = start_network(network, TargetOptions(), rng)
        n_arrays = sum(array.ndim > 1 for array in network.chain.parameters)
    else:
        options = TargetOptions(normalise=made == "normalised")
        state, n_arrays = start(5, 3, (4, 4), options, rng, np.dtype(np.float32)), 3
    split(state, SplittingOptions("l1", 0.1, 1.0), 1)
    found = [x for each in state.optimisers for x in each.weights if x is not None]
    assert [x.number for x in found] == list(range(1, n_arrays + 1))
    assert all(x.w.ndim > 1 for x in found)
    assert len(zeros_by_layer(state.net)) == n_arrays + 1


@pytest.mark.parametrize(
    ("layers", "numbers"),
    [
        (None, [1, 2, 3, 4]),
        (2, [2]),
        ((1, 4), [1, 4]),
        ("dense", [3, 4]),
        (("convolution", 4), [1, 2, 4]),
    ],
)
def test_layers_by_number_and_kind(layers, numbers):
    state, _ = net(np.random.default_rng(0))
    split(state, SplittingOptions(layers=layers), 1)
    found = [x.number for each in state.optimisers for x in each.weights if x is not None]
    assert found == numbers


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"penalty": "l7"}, "penalty must be one of"),
        ({"penalty": 3}, "penalty must be a name or a Penalty"),
        ({"lam": 0.0}, "lam"),
        ({"lam": (1.0, -1.0)}, "lam"),
        ({"beta": np.nan}, "beta"),
        ({"beta": (1.0, 2.0, 3.0)}, "beta must be a number or a pair"),
        ({"splitting": "three"}, "splitting"),
        ({"threshold": "low"}, "threshold"),
        ({"layers": 0}, "layers"),
        ({"layers": 5}, "layers must be numbers from 1 to 4"),
        ({"layers": "pooling"}, "layers"),
        ({"layers": (1, "pooling")}, "layers"),
    ],
)
def test_options_are_checked(options, what):
    state, _ = net(np.random.default_rng(0))
    with pytest.raises(ValueError, match=what):
        split(state, SplittingOptions(**options), 1)


def test_coefficients_follow_their_paths_and_stay_at_the_end():
    w = np.ones((1, 1))
    layer = Split(Momentum([w], 0.0), [None], SplittingOptions(lam=(1.0, 4.0), beta=2.0), 3)
    seen = []
    for _ in range(5):
        layer.update([np.zeros((1, 1))], 0.1)
        seen.append(layer.coefficients())
    assert np.allclose(seen, [(1, 2), (2, 2), (4, 2), (4, 2), (4, 2)])


def test_with_a_stiff_coupling_w_comes_to_u():
    """Without a loss, entries below the threshold go to zero and the others stay."""
    w = np.array([[0.05, -0.02, 0.5, -2.0]])
    weights = Weights(1, w, SplittingOptions("l0").function, False)
    layer = Split(Momentum([w], 0.0), [weights], SplittingOptions("l0", 0.005, 1.0), 1)
    for _ in range(200):
        layer.update([np.zeros_like(w)], 0.5)
    np.testing.assert_allclose(w, [[0, 0, 0.5, -2.0]], atol=1e-12)


# ------------------------------------------------------------------------------------------- refit


@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from([Adam, Momentum]),
    decay=st.sampled_from([0.0, 0.1]),
)
def test_a_refit_keeps_zeros_and_moves_the_rest(seed, kind, decay):
    rng = np.random.default_rng(seed)
    w, b = rng.standard_normal((4, 5)), np.zeros(3)
    w[rng.random(w.shape) < 0.5] = 0.0
    zero, before = w == 0, w.copy()
    optimiser = Masked(kind([w, b], 0.9, decay))
    for _ in range(4):
        optimiser.update([rng.standard_normal(w.shape), np.ones(3)], 0.1)
    np.testing.assert_array_equal(w[zero], 0)
    assert np.all(w[~zero] != before[~zero])
    assert np.all(b != 0)  # biases are not masked


# ------------------------------------------------------------------------------------- calibration


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 30), batch=st.integers(1, 30))
@settings(deadline=None, max_examples=30)
def test_calibration_measures_what_a_normalisation_receives(seed, n, batch):
    rng = np.random.default_rng(seed)
    n = n // batch * batch or batch  # batches of one size: their means are the whole's
    W, U = rng.standard_normal((3, 4)), rng.standard_normal((2, 3))
    first, second = (Normalisation(np.ones(k), rng.standard_normal(k), 0.3) for k in (3, 2))
    layers = [
        Dense(W, np.zeros(3)),
        first,
        HiddenUnits("sign"),
        Dense(U, np.zeros(2)),
        second,
    ]
    network, X = Network(layers, (4,)), rng.standard_normal((n, 4))
    before = network.forward(X)
    found = calibrated(network, X, batch).layers
    np.testing.assert_array_equal(network.forward(X), before)  # left alone

    A = X @ W.T
    blocks = A.reshape(-1, batch, 3)
    np.testing.assert_allclose(found[1].mean, A.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found[1].variance, blocks.var(axis=1).mean(axis=0), atol=1e-12)
    assert found[1].forgetting == 0.3
    deviations = np.sqrt(blocks.var(axis=1, keepdims=True) + EPSILON)
    z = (blocks - blocks.mean(axis=1, keepdims=True)) / deviations + first.shift
    A = np.where(z.reshape(-1, 3) > 0, 1.0, -1.0) @ U.T
    np.testing.assert_allclose(found[4].mean, A.mean(axis=0), atol=1e-12)


def test_a_network_without_normalisation_is_copied():
    network = convnet4((8, 8, 1), 4, width=0.1, rng=0)
    copy = calibrated(network, np.zeros((3, 64)))
    assert copy == network
    assert copy.layers[0].weights is not network.layers[0].weights


# --------------------------------------------------------------------------------- zeros and decay


def test_zeros_are_counted():
    filters = np.ones((2, 1, 2, 1))
    filters[1] = 0
    layers = [
        Convolution(filters, np.zeros(2)),
        HiddenUnits(),
        Flatten(),
        Dense(np.array([[0.0, 2.0], [0.0, 0.0], [1.0, 1.0]]), np.zeros(3)),
    ]
    rows = zeros_by_layer(layers)
    assert rows[0] == (1, "convolution", 4, 2, 0.5, 2, 1)
    assert rows[1] == (2, "dense", 6, 3, 0.5, 3, 1)
    assert rows[2] == ("all", "", 10, 5, 0.5, 5, 2)


def test_the_rate_is_divided_by_ten_after_parts_of_the_training():
    options = TargetOptions(decay="steps", learning_rate=1e-3)
    rates = [options.rate(update, 100) for update in range(1, 101)]
    assert rates == [1e-3] * 60 + [1e-3 * 0.1] * 40
    twice = TargetOptions(decay="steps", decay_at=(0.5, 0.8), learning_rate=1.0)
    assert np.allclose([twice.rate(k, 10) for k in (5, 6, 8, 9)], [1, 0.1, 0.1, 0.01])
    for wrong in (1.0, -0.1, (0.5, 1.5), "late"):
        with pytest.raises(ValueError, match="decay_at"):
            TargetOptions(decay="steps", decay_at=wrong)


# -------------------------------------------------------------------------------------- estimator


def test_the_result_is_u_and_w_is_kept(digits):
    X, y = digits
    classifier = FTPropClassifier(**SPARSE).fit(X, y)
    sparse, dense = classifier.network_, classifier.dense_network_
    assert classifier.sparse_network_ is sparse
    assert classifier.snapshot() is sparse
    assert classifier.dense_snapshot() is dense
    threshold = np.sqrt(2 * 2e-3)
    pairs = zip(dense.chain.parameters, sparse.chain.parameters, strict=True)
    for w, u in ((w, u) for w, u in pairs if w.ndim > 1):
        np.testing.assert_array_equal(u, np.where(np.abs(w) > threshold, w, 0))
    assert 0.2 < classifier.zeros_[-1].share < 1
    assert classifier.zeros_ == zeros_by_layer(sparse.layers)
    assert zeros_by_layer(dense.layers)[-1].zeros == 0
    np.testing.assert_array_equal(classifier.predict(X), sparse.predict(X))


def test_it_learns_and_the_refit_keeps_the_zeros(digits, tmp_path):
    X, y = digits
    parameters = {**SPARSE, "threshold": "relative", "lam": (2e-4, 2e-1), "epochs": 15}
    classifier = FTPropClassifier(**parameters, refit_epochs=5).fit(X, y)
    before, after = classifier.sparse_network_, classifier.network_
    assert classifier.n_iter_ == len(classifier.history_) == 20
    for u, refitted in zip(before.chain.parameters, after.chain.parameters, strict=True):
        if u.ndim > 1:
            np.testing.assert_array_equal(u == 0, refitted == 0)
    assert classifier.zeros_[-1].share > 0.3
    assert classifier.score(X, y) > 0.7
    after.save(tmp_path / "u.npz")
    assert load(tmp_path / "u.npz") == after


def test_both_networks_can_be_seen_at_any_time(digits):
    X, y = digits
    classifier = FTPropClassifier(**SPARSE, refit_epochs=1)
    steps = classifier.steps(X, y)
    next(steps)
    sparse, dense = classifier.snapshot(), classifier.dense_snapshot()
    assert zeros_by_layer(dense.layers)[-1].share < zeros_by_layer(sparse.layers)[-1].share
    scores = sparse.forward(X[:5])
    for _ in steps:
        pass
    assert np.array_equal(sparse.forward(X[:5]), scores)
    assert not np.array_equal(classifier.network_.forward(X[:5]), scores)


def test_filters_go_as_a_whole(digits):
    X, y = digits
    wide = {**SPARSE, "penalty": "group", "width": 0.3, "threshold": "relative"}
    classifier = FTPropClassifier(**{**wide, "lam": (5e-4, 5e-1)}, sparse_layers=(1, 2))
    classifier.fit(X, y)
    zeros = classifier.zeros_
    for row in zeros[:2]:
        assert 0 < row.zero_filters < row.filters
        assert row.zeros == row.zero_filters * row.entries // row.filters
    assert zeros[2].zeros == zeros[3].zeros == 0
    small = classifier.network_.compress()
    assert small.n_parameters < classifier.network_.n_parameters
    assert np.array_equal(small.predict(X), classifier.network_.predict(X))


class Ridge(Penalty):
    """A penalty of a user's own, without zeros."""

    def terms(self, u):
        return u**2 / 2

    def prox_map(self, x, t):
        return x / (1 + t)


@pytest.mark.parametrize(
    "changed",
    [
        {"splitting": "admm"},
        {"penalty": "l1", "lam": 0.01, "beta": 0.1},
        {"penalty": "mcp", "optimiser": "momentum", "weight_decay": 1e-3},
        {"penalty": L1(), "sparse_layers": "dense"},
        {"penalty": GroupL20()},
        {"penalty": Ridge()},
        {"network": "mlp", "hidden": (9, 8), "normalise": False},
        {"network": "resnet18", "width": 0.05},
        {"shift": 1, "flip": True, "dropout": 0.1, "dtype": "float64"},
    ],
)
def test_every_option_trains(digits, changed):
    X, y = digits
    classifier = FTPropClassifier(**{**SPARSE, **changed, "epochs": 1}, refit_epochs=1)
    classifier.fit(X[:100], y[:100])
    assert classifier.network_.dtype == np.dtype(changed.get("dtype", "float32"))
    again = FTPropClassifier(**classifier.get_params()).fit(X[:100], y[:100])
    assert again.network_ == classifier.network_


def test_without_a_penalty_nothing_is_split_or_remembered(digits):
    X, y = digits
    classifier = FTPropClassifier(**SPARSE, refit_epochs=1).fit(X, y)
    classifier.set_params(penalty=None, refit_epochs=0).fit(X, y)
    assert not any(isinstance(each, Split) for each in classifier.state_.optimisers)
    assert not hasattr(classifier, "dense_network_")
    assert not hasattr(classifier, "zeros_")
    plain = {name: value for name, value in SPARSE.items() if name not in ("penalty", "lam")}
    assert FTPropClassifier(**plain).fit(X, y).network_ == classifier.network_
    with pytest.raises(ValueError, match="penalty must be given"):
        classifier.dense_snapshot()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"network": None, "width": 1.0}, "penalty must be None without a network"),
        ({"penalty": "l7"}, "penalty must be one of"),
        ({"penalty": None, "refit_epochs": 1}, "refit_epochs"),
        ({"penalty": None, "sparse_layers": 1}, "sparse_layers"),
        ({"refit_epochs": -1}, "refit_epochs"),
        ({"lam": -1.0}, "lam"),
        ({"beta": (1.0, 0.0)}, "beta"),
        ({"splitting": "two"}, "splitting"),
        ({"threshold": "none"}, "threshold"),
        ({"sparse_layers": 9}, "layers must be numbers from 1 to 4"),
    ],
)
def test_bad_parameters_are_refused(digits, changed, what):
    with pytest.raises(ValueError, match=what):
        FTPropClassifier(**{**SPARSE, **changed}).fit(*digits)


def test_a_stream_has_no_end_for_a_path(digits):
    with pytest.raises(ValueError, match="penalty must be None for partial_fit"):
        FTPropClassifier(**SPARSE).partial_fit(*digits, classes=range(10))


def test_iterate_knows_nothing_of_it():
    with pytest.raises(ValueError, match="options"):
        list(iterate(np.zeros((2, 1)), [0, 1], 2, penalty="l0"))


@pytest.mark.parametrize("name", ["l1", "l0", "tl1", "mcp", "scad", "group"])
@pytest.mark.parametrize("threshold", [1e-3, 0.3, 0.5, 0.7, 4.0])
def test_the_level_of_a_threshold_cuts_there(name, threshold):
    t = level(name, threshold)
    penalty = SplittingOptions(penalty=name).function
    below, above = (np.array([[factor * threshold]]) for factor in (1 - 1e-9, 1 + 1e-9))
    assert penalty.prox_map(below, t) == 0
    assert penalty.prox_map(above, t) != 0


@pytest.mark.parametrize("threshold", [0.0, -1.0, np.nan])
def test_a_threshold_must_be_positive(threshold):
    with pytest.raises(ValueError, match="threshold must be"):
        level("l0", threshold)


def test_what_is_sparse_is_the_map_of_w_and_the_multiplier():
    rng = np.random.default_rng(0)
    w = rng.standard_normal((3, 4))
    weights = Weights(1, w, SplittingOptions("l1").function, False)
    weights.z[:] = rng.standard_normal(w.shape)
    layer = Split(Momentum([w], 0.0), [weights], SplittingOptions("l1", 0.1, 0.5, "admm"), 1)
    ((same, u),) = layer.sparse()
    assert same is w
    x = w + weights.z / 0.5
    np.testing.assert_allclose(u, np.sign(x) * np.maximum(np.abs(x) - 0.1 / 0.5, 0), atol=1e-12)
