"""The mini-batch form, its scaling of the input, and the removal of neurons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone import bcd
from zeroone.bcd.mini_batch import BatchOptions, hidden_bits, stages
from zeroone.bcd.proximal import covariance_metric, proximal_weights_by_sample
from zeroone.bcd.regression import (
    Regression,
    RunningRegression,
    fit_output,
    remove,
    remove_cheapest,
    signed_targets,
    target_block,
)
from zeroone.datasets import load_digits
from zeroone.datasets.shifts import moved
from zeroone.estimators import BCDClassifier
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.scaling import InputScaling


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    X = (data.X_train - data.X_train.mean(axis=0)) / data.X_train.std()
    return X, signed_targets(data.y_train, 10, X.dtype)


def last_step(X, Y, hidden, **options):
    return list(bcd.iterate_batches(X, Y, hidden, **options))[-1]


def hard_accuracy(state, X, Y):
    W, b = state.layers()[-1]
    scores = hidden_bits(X, state.layers()) @ W.T + b
    return np.mean(scores.argmax(axis=1) == Y.argmax(axis=1))


@pytest.mark.parametrize("hidden", [60, (60, 40), (50, 40, 30)])
def test_learns_digits(digits, hidden):
    X, Y = digits
    step = last_step(X, Y, hidden, rng=0, epochs=9, tau=0.5)
    assert hard_accuracy(step.state, X, Y) > 0.95


@pytest.mark.parametrize(
    "option",
    [
        {"proximal": "batch", "proximity": 1.5},
        {"targets": "fixed"},
        {"remedy": "tiny"},
        {"initialisation": "data-scaled"},
        {"initialisation": "random"},
        {"layerwise": False, "hidden": (60, 40)},
        {"tau_schedule": (1.0, 0.5)},
    ],
)
def test_options_learn(digits, option):
    X, Y = digits
    option = dict(option)
    step = last_step(X, Y, option.pop("hidden", 60), rng=0, epochs=6, **option)
    assert hard_accuracy(step.state, X, Y) > 0.8


def test_blocks_of_a_batch(digits):
    X, Y = digits
    steps = list(bcd.iterate_batches(X[:200], Y[:200], (8, 6), rng=0, epochs=1, layerwise=False))
    assert [step.block for step in steps] == ["W3", "T", "U2", "U1", "W1", "W2", "rescale"]
    assert steps[-1].info["epoch_ends"]
    assert all(step.block.equation and step.block.source for step in steps)
    priced = bcd.iterate_batches(X[:200], Y[:200], 8, rng=0, epochs=3, lam=1e-3)
    assert [step.block for step in priced][4:6] == ["remove", "rescale"]


def test_targets_and_bits_lower_the_batch_objective(digits):
    X, Y = digits
    for step in bcd.iterate_batches(X, Y, (20, 10), rng=0, epochs=2, measure=True):
        assert np.isfinite(step.objective_after)
        if step.block == "T" or step.block.startswith("U"):
            assert step.decrease > -1e-9


def test_unmeasured_couplings_are_not_numbers(digits):
    X, Y = digits
    first = [step for step in bcd.iterate_batches(X, Y, 8, rng=0, epochs=1) if step.block == "W1"]
    assert np.isnan(first[0].objective_after)
    assert np.isfinite(first[-1].objective_after)


def by_definition(step, tau, lam):
    """Return the terms of a batch's objective from the variables of the state, entry by entry."""
    state, batch = step.state, step.state.objective
    n, inputs = len(batch.Y), [batch.inputs[0], *(bits.astype(float) for bits in batch.bits)]
    computed = [V @ W.T + b for V, (W, b) in zip(inputs, state.layers(), strict=True)]
    terms = {"fit": np.sum((batch.targets - computed[-1]) ** 2) / 2 / n}
    for i, (U, bits) in enumerate(zip(batch.preactivations, batch.bits, strict=True)):
        np.testing.assert_array_equal(U > 0, bits)
        terms[f"coupling_{i + 1}"] = tau[i] / 2 * np.sum((U - computed[i]) ** 2) / n
    return {**terms, "sparsity": lam * sum(map(len, state.weights[:-1]))}


@pytest.mark.parametrize("hidden", [20, (20, 10)])
@pytest.mark.parametrize("passes", [1, 2])
def test_after_is_the_objective_of_the_state(digits, hidden, passes):
    X, Y = digits
    tau, lam = (0.5,) * np.size(hidden), 2e-3
    options = {"epochs": 3, "layerwise": False, "lam": lam, "passes": passes, "tau": tau}
    seen, before = set(), None
    for step in bcd.iterate_batches(X[:600], Y[:600], hidden, rng=0, measure=True, **options):
        seen.add(step.block)
        assert dict(step.after) == pytest.approx(by_definition(step, tau, lam), rel=1e-9, abs=1e-12)
        assert dict(step.after) == step.state.objective.terms()
        if step.block[0] in "TUr" or step.block == "W1":
            assert before is not None
            assert dict(step.before) == pytest.approx(before)
        before = dict(step.after)
    assert {"remove", "rescale"} < seen


def test_the_classifier_returns_the_network_of_its_last_step(digits):
    data = load_digits()
    classifier = BCDClassifier((20, 10), epochs=3)
    scaled = None
    for step in classifier.steps(data.X_train, data.y_train):
        if step.block != "output":
            continue
        scaled = classifier.scaling_.apply(data.X_train, np.dtype(float))
        layers = step.state.layers()
        (W, b), signed = layers[-1], signed_targets(data.y_train, 10, scaled.dtype)
        scores = hidden_bits(scaled, layers) @ W.T + b
        hinge = np.mean(np.sum(np.maximum(0, 1 - signed * scores) ** 2, axis=1)) / 2
        ridge = 0.01 / 2 * (np.sum(W**2) + np.sum(b**2))
        assert dict(step.after) == pytest.approx({"fit": hinge, "ridge": ridge})
        assert step.decrease > 0
        last = classifier.snapshot()
    assert step.block == "output"
    assert classifier.network_ == last == classifier.snapshot()


def test_same_seed_same_bits(digits):
    X, Y = digits
    weights = [last_step(X, Y, 20, rng=3, epochs=2).state.weights for _ in range(2)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_price_removes_neurons(digits):
    X, Y = digits
    state = last_step(X, Y, 80, rng=0, epochs=10, lam=0.003).state
    assert 5 < len(state.weights[0]) < 75
    assert hard_accuracy(state, X, Y) > 0.93
    assert state.weights[1].shape[1] == len(state.weights[0])
    deep = last_step(X, Y, (60, 50), rng=0, epochs=10, lam=0.003).state
    sizes = [len(W) for W in deep.weights]
    assert sizes[0] < 60 or sizes[1] < 50
    assert [W.shape[1] for W in deep.weights] == [64, *sizes[:-1]]


def test_stages_share_epochs():
    def plan(epochs, layerwise=True):
        options = BatchOptions(epochs=epochs, layerwise=layerwise, tau=(0.1, 0.2, 0.3))
        return [(tuple(layers), part.epochs) for layers, part in stages((5, 4, 3), options)]

    assert plan(8) == [((5,), 3), ((5, 4), 3), ((5, 4, 3), 2)]
    assert plan(9, layerwise=False) == [((5, 4, 3), 9)]
    assert plan(2) == [((5, 4, 3), 2)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.full((4, 2), np.nan)}, "X must be finite"),
        ({"Y": np.eye(2)[[0, 1, 0, 1]]}, "Y must hold -1 and [+]1"),
        ({"Y": -np.ones((3, 2))}, "Y must have 4 rows"),
        ({"hidden": 0}, "hidden"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"passes": 0}, "passes"),
        ({"tau": -1.0}, "tau"),
        ({"tau": (1.0, 1.0)}, "tau"),
        ({"gamma": 0.0}, "gamma"),
        ({"forgetting": 1.5}, "forgetting"),
        ({"forgetting": 0.0}, "forgetting"),
        ({"targets": "soft"}, "targets"),
        ({"proximal": "none"}, "proximal"),
        ({"proximity": 0.5}, "proximity"),
        ({"proximity": (2.0, 0.5)}, "proximity"),
        ({"lam": -0.1}, "lam"),
        ({"whitening": 0.0}, "whitening"),
        ({"settled_proximity": 0.5}, "settled_proximity"),
        ({"speed": 1}, "options"),
        ({"margin": 1e308}, "margin"),
        ({"tau": 1e308}, "tau"),
        ({"gamma": 1e308}, "gamma"),
        ({"lam": 1e308}, "lam"),
        ({"proximity": 1e308}, "proximity"),
        ({"whitening": 1e308}, "whitening"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {"X": np.eye(4)[:, :2], "Y": np.eye(2)[[0, 1, 0, 1]] * 2 - 1, "hidden": 3, **change}
    with pytest.raises(ValueError, match=message):
        bcd.iterate_batches(**arguments)


def test_batch_size_by_default():
    assert [BatchOptions().size(n) for n in (1, 150, 1000, 30000, 60000, 10**6)] == [
        1,
        150,
        200,
        1000,
        2000,
        2000,
    ]
    assert BatchOptions(batch_size=64).size(1000) == 64


# ------------------------------------------------------------------------------------- scaling


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    samples=st.integers(1, 30),
    features=st.integers(1, 6),
    whitening=st.sampled_from([None, 0.5, 50.0]),
    kind=st.sampled_from(["generic", "constant feature", "constant", "bytes"]),
)
def test_folded_weights_do_the_same(seed, samples, features, whitening, kind):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((samples, features)) * 3 + 2
    if kind == "constant feature":
        X[:, 0] = 7
    if kind == "constant":
        X[:] = 5
    if kind == "bytes":
        X = rng.integers(0, 256, (samples, features)).astype(np.uint8)
    scaling = InputScaling.fit(X, whitening)
    scaled = scaling.apply(X, np.dtype(float))
    assert np.isfinite(scaled).all()
    W, b = rng.standard_normal((4, features)), rng.standard_normal(4)
    weights, biases = scaling.fold(W, b)
    np.testing.assert_allclose(X @ weights.T + biases, scaled @ W.T + b, atol=1e-8)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("size", [1e300, 1e38, 1e16])
def test_huge_features_are_refused(size):
    with pytest.raises(ValueError, match="X must hold numbers below"):
        InputScaling.fit(np.array([[size, 0.0], [-size, 1.0]]), 50.0)


def test_scaling_without_whitening_has_unit_variance():
    X = np.random.default_rng(0).standard_normal((500, 7)) * np.arange(1, 8)
    scaled = InputScaling.fit(X, None).apply(X, np.dtype(float))
    assert np.mean(scaled**2) == pytest.approx(1)
    np.testing.assert_allclose(scaled * X.std(), X - X.mean(axis=0), rtol=0.7)


def test_whitening_is_the_metric():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((400, 5)) @ rng.standard_normal((5, 5))
    scaled = InputScaling.fit(X, 2.0).apply(X, np.dtype(float))
    plain = (X - X.mean(axis=0)) / np.sqrt(np.mean(X.var(axis=0)))
    metric = (np.cov(plain.T, bias=True) + 2.0 * np.eye(5)) / 3.0
    distances = np.einsum("ni,ij,nj->n", plain, np.linalg.inv(metric), plain)
    np.testing.assert_allclose(np.sum(scaled**2, axis=1), distances, rtol=1e-5)


# -------------------------------------------------------------------------------------- shifts


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2)])
@pytest.mark.parametrize("down", [-2, 0, 1])
@pytest.mark.parametrize("right", [-1, 0, 3])
def test_moved_images(shape, down, right):
    X = np.arange(1, 2 * np.prod(shape) + 1, dtype=np.uint8).reshape(2, -1)
    result = moved(X, shape, down, right).reshape(2, *shape)
    images = X.reshape(2, *shape)
    assert result.dtype == np.uint8
    for row in range(3):
        for column in range(4):
            source = (row - down, column - right)
            inside = 0 <= source[0] < 3 and 0 <= source[1] < 4
            expected = images[:, source[0], source[1]] if inside else 0
            np.testing.assert_array_equal(
                result[:, row, column], np.broadcast_to(expected, result[:, row, column].shape)
            )


def test_shifts_train_and_are_checked():
    data = load_digits()
    classifier = BCDClassifier(60, epochs=10, shift=1, image_shape=(8, 8), whitening=None)
    classifier.fit(data.X_train, data.y_train)
    assert classifier.score(data.X_test, data.y_test) > 0.9
    for change in ({"image_shape": None}, {"image_shape": (8, 9)}, {"shift": -1}):
        with pytest.raises(ValueError, match=r"image_shape|shift"):
            BCDClassifier(**{"shift": 1, "image_shape": (8, 8), **change}).fit(
                data.X_train, data.y_train
            )


# ------------------------------------------------------------------------------ output, proximal


def test_running_regression_equals_ridge_on_all_while_nothing_is_forgotten():
    rng = np.random.default_rng(0)
    V, T = rng.standard_normal((300, 4)), rng.standard_normal((300, 2))
    running = RunningRegression(4, 2, gamma=0.1, forgetting=1e-9, batch_size=50, dtype=V.dtype)
    for first in range(0, 300, 50):
        running.update(V[first : first + 50], T[first : first + 50])
    V = np.column_stack([V, np.ones(300)])
    direct = np.linalg.solve(V.T @ V / 300 + 0.1 * np.eye(5), V.T @ T / 300).T
    np.testing.assert_allclose(np.column_stack(running.layer()), direct, rtol=1e-6)


def test_running_regression_forgets_by_samples():
    """Two half batches weigh as much as one whole."""
    V = np.ones((4, 1))
    runs = []
    for size in (4, 2):
        running = RunningRegression(
            1, 1, gamma=1.0, forgetting=0.5, batch_size=4, dtype=np.dtype(float)
        )
        running.seen = 10**9
        for first in range(0, 4, size):
            running.update(V[first : first + size], V[first : first + size])
        runs.append(running.gram[0, 0])
    assert runs[0] == pytest.approx(0.5)
    assert runs[1] == pytest.approx(0.5)


def test_fit_output_minimises_the_squared_hinge():
    from scipy.optimize import minimize

    rng = np.random.default_rng(2)
    V = (rng.random((80, 5)) < 0.5).astype(float)
    Y = signed_targets(rng.integers(3, size=80), 3, V.dtype)

    def value(flat):
        scores = np.column_stack([V, np.ones(80)]) @ flat.reshape(3, 6).T
        return np.sum(np.maximum(0, 1 - Y * scores) ** 2) / 2 + 0.8 / 2 * np.sum(flat**2)

    W, b = fit_output(
        lambda: iter([(V[:30], Y[:30], None), (V[30:], Y[30:], None)]),
        np.zeros((3, 5)),
        np.zeros(3),
        gamma=0.01,
        targets="slack",
        iterations=400,
    )
    least = minimize(value, np.zeros(18), method="BFGS", options={"gtol": 1e-9}).fun
    assert value(np.column_stack([W, b]).ravel()) == pytest.approx(least, rel=1e-8)


@settings(max_examples=50, deadline=None)
@given(
    scores=st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=6),
    sign=st.sampled_from([-1.0, 1.0]),
)
def test_slack_targets_are_nearest(scores, sign):
    F = np.array([scores])
    T = target_block(F, np.full(F.shape, sign), "slack")
    grid = sign * np.linspace(1, 5, 4001)
    nearest = grid[np.abs(grid[:, None] - F[0]).argmin(axis=0)]
    np.testing.assert_allclose(T[0], nearest, atol=1e-12)
    assert target_block(F, F, "fixed") is F


def test_proximal_step_in_a_metric_is_the_step_in_other_coordinates():
    rng = np.random.default_rng(3)
    V, W, b = rng.standard_normal((6, 3)), rng.standard_normal((2, 3)), rng.standard_normal(2)
    D, rho = rng.standard_normal((6, 2)), 0.5
    M = covariance_metric(V, 3.0)
    L = np.linalg.cholesky(M)
    Z = np.linalg.solve(L, np.column_stack([V, np.ones(6)]).T).T
    lengths = np.sum(Z**2, axis=1)
    moves = D / (lengths + rho * lengths.mean())[:, None]
    rows = (np.column_stack([W, b]) @ L + moves.T @ Z) @ np.linalg.inv(L)
    result = proximal_weights_by_sample(W, b, D, V, rho=rho, metric=M)
    np.testing.assert_allclose(np.column_stack(result), rows, rtol=1e-10)


def test_one_sample_reaches_its_target_when_moving_is_free():
    rng = np.random.default_rng(4)
    v, u = rng.standard_normal((1, 4)), rng.standard_normal((1, 3))
    W, b = rng.standard_normal((3, 4)), rng.standard_normal(3)
    W, b = proximal_weights_by_sample(W, b, u - v @ W.T - b, v, rho=0.0)
    np.testing.assert_allclose(v @ W.T + b, u, rtol=1e-12)


# ------------------------------------------------------------------------------------- removal


def test_cheapest_neuron_is_one_that_nobody_misses():
    rng = np.random.default_rng(0)
    V = (rng.random((200, 6)) < 0.5).astype(float)
    V[:, 4] = V[:, 1]
    T = V[:, [0, 1, 2]] @ rng.standard_normal((3, 2))
    regression, kept = remove_cheapest(Regression.fit(V, T, 1e-6), 1e-6, most=10)
    assert kept.sum() == 3
    assert kept[0]
    assert kept[2]
    assert kept[1] != kept[4]
    np.testing.assert_allclose(V[:, kept] @ regression.W.T + regression.b, T, atol=1e-4)


def test_at_least_one_neuron_is_left():
    V = np.eye(5)
    _, kept = remove_cheapest(Regression.fit(V, np.zeros((5, 1)), 1.0), 1.0, most=100)
    assert kept.sum() == 1


@pytest.fixture(scope="module")
def trained():
    data = load_digits()
    return data, BCDClassifier(hidden=(60, 40), epochs=6).fit(data.X_train, data.y_train).network_


@pytest.mark.parametrize("layer", [0, 1])
def test_remove_keeps_most_of_the_accuracy(trained, layer):
    data, network = trained
    sizes = [30, 20]
    smaller = list(remove(network, data.X_train, data.y_train, sizes, layer=layer))
    assert [net.layer_sizes[layer + 1] for net in smaller] == sizes
    before = np.mean(network.predict(data.X_test) == data.y_test)
    assert np.mean(smaller[0].predict(data.X_test) == data.y_test) > before - 0.05


def test_joint_score_beats_the_row_score(trained):
    data, network = trained
    accuracies = {}
    for score in ("joint", "row"):
        (smaller,) = remove(network, data.X_train, data.y_train, [8], layer=1, score=score)
        accuracies[score] = np.mean(smaller.predict(data.X_train) == data.y_train)
    assert accuracies["joint"] > accuracies["row"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": [70]}, "sizes must fall"),
        ({"sizes": [20, 30]}, "sizes must fall"),
        ({"sizes": [0]}, "sizes"),
        ({"layer": 2}, "layer must be below 2"),
        ({"score": "best"}, "score"),
    ],
)
def test_remove_refuses(trained, change, message):
    data, network = trained
    arguments = {"sizes": [10], **change}
    with pytest.raises(ValueError, match=message):
        list(remove(network, data.X_train, data.y_train, arguments.pop("sizes"), **arguments))


def test_removal_keeps_labels_and_metadata(trained):
    data, network = trained
    named = ZeroOneMLP(
        network.weights, network.biases, classes=list("abcdefghij"), metadata={"note": 1}
    )
    (smaller,) = remove(named, data.X_train, data.y_train, [30])
    assert smaller.metadata == {"note": 1}
    assert set(smaller.predict(data.X_test)) <= set("abcdefghij")
