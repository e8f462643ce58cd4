"""Sample weights in the solvers: a sample of integer weight is that sample repeated."""

import copy

import numpy as np
import pytest
from scipy.special import log_softmax

from zeroone.bcd import full_batch, mini_batch
from zeroone.bcd.blocks import Gram, correlate, ridge_weights
from zeroone.bcd.regression import RunningRegression, fit_output, signed_targets
from zeroone.losses import CrossEntropy, MultiClassHinge, SquaredError
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.targetprop import solver
from zeroone.targetprop.options import TargetOptions

SEEDS = range(20)


def task(seed, n=30, inputs=4, outputs=3):
    """Return input, real targets, classes and integer weights, among them equal samples."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, inputs))
    X[1] = X[0]
    classes = rng.integers(outputs, size=n)
    return X, rng.standard_normal((n, outputs)), classes, rng.integers(1, 5, size=n)


def small_net(seed, sizes):
    rng = np.random.default_rng(seed)
    layers = [(rng.standard_normal((m, n)), rng.standard_normal(m)) for n, m in sizes]
    return ZeroOneMLP(*zip(*layers, strict=True))


# ------------------------------------------------------------------------------------ full batch


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"splitting": "three"},
        {"splitting": "joint"},
        {"lam": 0.5},
        {"lam": 0.5, "groups": "columns"},
        {"remedy": "tiny", "order": "forward"},
    ],
    ids=str,
)
def test_full_batch_is_the_same_as_repetition(seed, options):
    X, Y, _, s = task(seed)
    net = small_net(seed, [(4, 6), (6, 5), (5, 3)])
    settings = {"hidden": (6, 5), "sweeps": 3, "start": net, **options}
    weighted = full_batch.iterate(X, Y, sample_weight=s, rng=seed, **settings)
    repeated = full_batch.iterate(
        np.repeat(X, s, axis=0), np.repeat(Y, s, axis=0), rng=seed, **settings
    )
    for one, other in zip(weighted, repeated, strict=True):
        assert one.block == other.block
        assert one.after == pytest.approx(other.after, rel=1e-8, abs=1e-8)
        assert one.decrease > -1e-9
        for mine, theirs in zip(one.state.weights, other.state.weights, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_weighted_ridge_is_a_stationary_point(seed):
    """At the solution of one block from anywhere, the gradient written out is zero."""
    X, Y, _, _ = task(seed)
    s = np.random.default_rng(seed).exponential(size=len(X))
    W, b = np.zeros((3, 4)), np.ones(3)
    C, c = correlate(Y, X @ W.T + b, X, s)
    W, b = ridge_weights(W, b, C, c, Gram(X, sample_weight=s), tau=0.7, gamma=0.3)
    rows, ones = np.column_stack([W, b]), np.column_stack([X, np.ones(len(X))])
    gradient = sum(
        0.7 * weight * np.outer(rows @ v - y, v) for weight, v, y in zip(s, ones, Y, strict=True)
    )
    np.testing.assert_allclose(gradient + 0.3 * rows, 0, atol=1e-10)


# ------------------------------------------------------------------------------------ mini-batch


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "options",
    [{}, {"proximal": "batch"}, {"targets": "fixed"}, {"lam": 1e-3}, {"forgetting": 1.0}],
    ids=str,
)
def test_a_batch_is_the_same_as_repetition(seed, options):
    X, real, classes, s = task(seed)
    fixed = options.get("targets") == "fixed"
    Y = real if fixed else signed_targets(classes, 3, X.dtype)
    again, Y_again = np.repeat(X, s, axis=0), np.repeat(Y, s, axis=0)
    chosen = mini_batch.BatchOptions(batch_size=len(again), **options)
    start = mini_batch.start(again, Y_again, (7, 6), chosen, np.random.default_rng(seed))
    blocks, ends = mini_batch.stated_blocks(2, chosen), []
    for inputs, labels, weight in ((X, Y, s), (again, Y_again, None)):
        state = copy.deepcopy(start)
        batch = mini_batch.Batch(state, inputs, labels, chosen, (0.5, 0.5), weight)
        steps = list(mini_batch.batch_steps(batch, blocks, 3.0, measure=True))
        steps += mini_batch.epoch_end(batch, blocks, removing=chosen.lam > 0)
        last = mini_batch.output_step(inputs, labels, state, chosen, weight)
        ends.append(([step.after for step in steps], last, state))
    (terms, last, state), (terms_again, last_again, state_again) = ends
    for one, other in zip(terms, terms_again, strict=True):
        assert one == pytest.approx(other, rel=1e-8, abs=1e-8)
    assert last.after == pytest.approx(last_again.after, rel=1e-8)
    for mine, theirs in zip(state.weights, state_again.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_running_averages_and_the_last_fit(seed):
    X, Y, _, s = task(seed)
    V = (X > 0).astype(np.float32)
    plain, repeated = (
        RunningRegression(4, 3, gamma=0.1, forgetting=0.2, batch_size=40, dtype=np.dtype(float))
        for _ in range(2)
    )
    for part in (slice(0, 10), slice(10, 30)):
        plain.update(V[part], Y[part], s[part].astype(np.float32))
        repeated.update(np.repeat(V[part], s[part], axis=0), np.repeat(Y[part], s[part], axis=0))
    np.testing.assert_allclose(plain.layer()[0], repeated.layer()[0], rtol=1e-9)
    W, b = fit_output(
        lambda: iter([(V.astype(float), Y, s)]),
        np.zeros((3, 4)),
        np.zeros(3),
        gamma=0.1,
        targets="fixed",
    )
    # Least squares with a row for every entry of the ridge.
    ones = np.column_stack([V, np.ones(len(V))]) * np.sqrt(s)[:, None]
    tall = np.vstack([ones, np.sqrt(0.1 * s.sum()) * np.eye(5)])
    right = np.vstack([Y * np.sqrt(s)[:, None], np.zeros((5, 3))])
    expected = np.linalg.lstsq(tall, right, rcond=None)[0]
    np.testing.assert_allclose(np.column_stack([W, b]), expected.T, atol=1e-10)


def test_the_start_draws_samples_by_weight():
    """A sample of hardly any weight is no end of a difference."""
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]])
    Y = np.array([[1.0, -1.0], [-1.0, 1.0], [-1.0, 1.0]])
    options = mini_batch.BatchOptions(batch_size=3)
    weight = np.array([1.0, 1.0, 1e-300])
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        state = mini_batch.start(X, Y, (8,), options, rng, sample_weight=weight)
        assert not state.weights[0][:, 1].any()
        assert state.weights[0][:, 0].all()


@pytest.mark.parametrize("run", [full_batch.iterate, mini_batch.iterate, solver.iterate])
@pytest.mark.parametrize("bad", [[1.0, 2.0], [1.0, 0.0, 1.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0]])
def test_bad_weights_are_named(run, bad):
    Y = [0, 1, 1] if run is solver.iterate else np.array([[1.0], [-1.0], [1.0]])
    with pytest.raises(ValueError, match="sample_weight must"):
        run(np.eye(3), Y, 2, sample_weight=bad)


# ---------------------------------------------------------------------------- target propagation


def by_hand(name, scores, targets, weights):
    """Return the weighted mean of an output loss, sample by sample."""
    if name == "squared-error":
        losses = [np.sum((s - y) ** 2) / 2 for s, y in zip(scores, targets, strict=True)]
    elif name == "cross-entropy":
        losses = [-log_softmax(s)[y] for s, y in zip(scores, targets, strict=True)]
    else:
        losses = [
            max(0.0, 1 + np.delete(s, y).max() - s[y]) for s, y in zip(scores, targets, strict=True)
        ]
    return sum(w * loss for w, loss in zip(weights, losses, strict=True)) / sum(weights)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loss", [CrossEntropy(), MultiClassHinge(), SquaredError()])
def test_weighted_output_losses(seed, loss):
    scores, Y, classes, _ = task(seed, inputs=3)
    s = np.random.default_rng(seed).exponential(size=len(scores))
    targets = Y if loss.name == "squared-error" else classes
    value = loss.weighted_value(scores, targets, s)
    assert value == pytest.approx(by_hand(loss.name, scores, targets, s), rel=1e-12)
    found = loss.weighted_derivative(scores, targets, s)
    for n, k in np.ndindex(scores.shape):
        moved = [scores.copy(), scores.copy()]
        moved[0][n, k] -= 1e-6
        moved[1][n, k] += 1e-6
        low, high = (by_hand(loss.name, each, targets, s) for each in moved)
        assert found[n, k] == pytest.approx((high - low) / 2e-6, abs=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weighting": "equal"},
        {"output": "squared-error"},
        {"output": "hinge", "loss": "linear"},
        {"activation": "staircase", "levels": 3, "weighting": "equal"},
    ],
    ids=str,
)
def test_a_batch_of_target_propagation_is_the_same_as_repetition(seed, options):
    X, Y, classes, s = task(seed)
    targets = Y if options.get("output") == "squared-error" else classes
    chosen = TargetOptions(optimiser="momentum", batch_size=1000, **options)
    start = solver.start(4, 3, (6, 5), chosen, np.random.default_rng(seed), X.dtype)
    start.net[-1].weights[...] = np.random.default_rng(seed).standard_normal((3, 5))
    ends = []
    for inputs, wanted, weight in (
        (X, targets, s),
        (np.repeat(X, s, axis=0), np.repeat(targets, s, axis=0), None),
    ):
        state = copy.deepcopy(start)
        steps = list(
            solver.batch_steps(
                state, inputs, wanted, chosen, 0.1, measure=True, sample_weight=weight
            )
        )
        ends.append((state.layers(), [step.before for step in steps]))
    for (W, b), (W_again, b_again) in zip(ends[0][0], ends[1][0], strict=True):
        np.testing.assert_allclose(W, W_again, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(b, b_again, rtol=1e-9, atol=1e-12)
    for one, other in zip(ends[0][1], ends[1][1], strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def test_numbers_as_targets():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    Y = np.column_stack([np.sign(X[:, 0]), X @ [1.0, -1.0, 0.5]])
    *_, step = solver.iterate(
        X, Y, 40, output="squared-error", epochs=100, learning_rate=0.01, rng=0
    )
    scores = solver.forward(step.state, X, TargetOptions().units)
    assert np.mean((scores - Y) ** 2) < 0.2 * np.mean(Y**2)
    with pytest.raises(ValueError, match="y must have 200 rows"):
        solver.iterate(X, Y[:5], 4, output="squared-error")
    with pytest.raises(ValueError, match="Y must hold -1 and"):
        mini_batch.iterate(X, Y, 4)
    steps = list(mini_batch.iterate(X, Y, 40, targets="fixed", epochs=5, rng=0))
    assert steps[-1].after["fit"] < 0.5 * np.mean(Y**2)
