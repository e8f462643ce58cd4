"""Mini-batch target propagation: steps, batches, optimisers, units, and how it stops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.claims.nets.plain import convolved, convolved_back
from zeroone.claims.targetprop.updates import (
    CLAIMS,
    backpropagation,
    sample_trainings,
    score_derivative,
)
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Dense, Flatten
from zeroone.nets.network import Network
from zeroone.nets.normalisation import EPSILON
from zeroone.nets.residual import Residual
from zeroone.nets.units import HiddenUnits
from zeroone.targetprop import DivergenceError, solver
from zeroone.targetprop.optimisers import Adam, Momentum, make_optimiser
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import dropped, iterate
from zeroone.targetprop.targets import set_targets

SMALL = settings(deadline=None, max_examples=30)
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def problem(seed=0, n=30, n_classes=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 4)), rng.integers(0, n_classes, n)


def final_weights(*arguments, **options):
    """Return weights and biases of all layers, one after the other."""
    *_, last = iterate(*arguments, **options)
    return [array for pair in last.state.layers() for array in pair]


def dense(state):
    """Return the dense layers of a net, without their normalisation."""
    return [getattr(layer, "linear", layer) for layer in state.net]


def units_by_hand(z, activation, levels=None):
    if activation == "staircase":
        places = [j / (levels - 1) for j in range(levels - 1)]
        return sum((z > place).astype(float) for place in places) / (levels - 1)
    return np.where(z > 0, 1.0, -1.0 if activation == "sign" else 0.0)


# ------------------------------------------------------------------------------------------ steps


@pytest.mark.parametrize("measure", [False, True])
def test_one_step_for_each_layer_of_each_batch(measure):
    X, y = problem(n=25)
    steps = list(iterate(X, y, (5, 3), rng=0, epochs=2, batch_size=10, measure=measure))
    # 25 samples make two batches of 10; five wait for another epoch's order.
    assert [step.block for step in steps] == ["W3", "W2", "W1"] * 4
    assert [step.sweep for step in steps] == [1] * 6 + [2] * 6
    ends = [number for number, step in enumerate(steps) if step.info.get("epoch_ends")]
    assert ends == [5, 11]
    assert [steps[end].info["position"] for end in ends] == [1.0, 2.0]
    for number, step in enumerate(steps):
        # The losses of the layers that this batch has come to, the one that moved last.
        reached = ["output loss", "layer 2 loss", "layer 1 loss"][: 1 + number % 3]
        assert list(step.before) == list(step.after) == reached
        seen = measure or number in range(3, 6) or number in range(9, 12)
        for value in (*step.before.values(), *step.after.values(), step.decrease):
            assert math.isfinite(value) is seen
        *others, moved = reached
        np.testing.assert_equal([step.before[k] for k in others], [step.after[k] for k in others])
        fall = step.before[moved] - step.after[moved]
        np.testing.assert_allclose(step.decrease, fall, atol=1e-12)
        if step.block != "W3":
            assert step.info["targets"].signs.shape == (10, {"W2": 3, "W1": 5}[step.block])


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("levels", [None, 2, 4])
def test_the_terms_are_those_of_the_state_by_hand(levels, normalise):
    """Every loss in `after` is that of the state's weights, `inputs` and the targets."""
    X, y = problem(n=12)
    options = {"loss": "hinge", "batch_size": 12, "epochs": 3, "learning_rate": 0.01}
    options |= {"activation": "staircase", "levels": levels} if levels else {}
    places = [j / (levels - 1) for j in range(levels - 1)] if levels else [0.0]
    previous, targets = None, {}
    for step in iterate(X, y, (4, 3), rng=1, measure=True, normalise=normalise, **options):
        targets[step.block] = step.info.get("targets")
        for name in step.after:
            i = 2 if name == "output loss" else int(name.split()[1]) - 1
            layer, V = dense(step.state)[i], step.state.inputs[i]
            z = V @ layer.weights.T + layer.biases
            if normalise and i < 2:
                norm = step.state.net[i].normalisation
                z = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON)
                z = norm.scale * z + norm.shift
            if name == "output loss":
                # The batch is all samples; their order is that of the layer's own input.
                order = [int(np.argwhere((x == X).all(axis=1))[0, 0]) for x in step.state.inputs[0]]
                odds = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
                by_hand = -np.mean(np.log(odds[np.arange(12), y[order]]))
            else:
                t, weights = targets[f"W{i + 1}"].signs, targets[f"W{i + 1}"].weights
                by_hand = sum(
                    np.sum((t != 0) * weights * np.maximum(1 - t * (z - place), 0))
                    for place in places
                )
            assert step.after[name] == pytest.approx(by_hand, rel=1e-9, abs=1e-12)
        if previous is not None and step.block != "W3":
            assert {name: step.before[name] for name in previous.after} == dict(previous.after)
        previous = step


def test_blocks_know_their_equations():
    names = solver.blocks(3)
    assert names == ["W1", "W2", "W3"]
    assert "t = -sign(e)" in names[0].equation == names[1].equation
    assert "dL/d(scores)" in names[2].equation
    X, y = problem()
    for step in iterate(X, y, (3, 2), rng=0, epochs=1):
        assert step.block.equation == names[int(step.block[1:]) - 1].equation
        assert step.block.source == "docs/theory.md#c1"


def test_numpy_speaks_again_between_the_steps():
    X, y = problem()
    before = np.geterr()
    for _ in iterate(X, y, 3, rng=0, epochs=1):
        assert np.geterr() == before


def test_measuring_changes_nothing():
    X, y = problem()
    for normalise in (False, True):
        options = {"rng": 3, "epochs": 2, "normalise": normalise}
        for ours, theirs in zip(
            final_weights(X, y, 4, measure=True, **options),
            final_weights(X, y, 4, **options),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_seeds_decide():
    X, y = problem()
    first = final_weights(X, y, (4, 3), rng=7, epochs=2, dropout=0.2)
    again = final_weights(X, y, (4, 3), rng=np.random.default_rng(7), epochs=2, dropout=0.2)
    other = final_weights(X, y, (4, 3), rng=8, epochs=2, dropout=0.2)
    for ours, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(ours, same)
        assert not np.array_equal(ours, different)


def test_arguments_are_left_alone():
    X, y = problem()
    kept = X.copy(), y.copy()
    final_weights(X, y, 3, rng=0, epochs=1, dropout=0.5)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(y, kept[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimiser", ["adam", "momentum"])
def test_precision_is_kept(dtype, optimiser):
    X, y = problem()
    options = {"rng": 0, "epochs": 1, "normalise": True, "optimiser": optimiser, "dropout": 0.1}
    for W in final_weights(X.astype(dtype), y, (4, 3), weight_decay=0.1, **options):
        assert W.dtype == dtype


@SMALL
@given(
    n=st.integers(1, 30),
    batch=st.none() | st.integers(1, 40),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_each_epoch_sees_each_sample_at_most_once(n, batch, epochs, seed):
    X, y = problem(n=n)
    options = TargetOptions(epochs=epochs, batch_size=batch)
    rng, rows = np.random.default_rng(seed), []

    def fetch(chosen):
        rows.append(chosen)
        return X[chosen]

    state = solver.start(4, 3, (2,), options, rng, np.dtype(float))
    for _ in solver.train(X, y, state, options, fetch=fetch):
        pass
    size = min(batch, n) if batch else min(max(n // 100, 10), 100, n)
    assert all(len(chosen) == size for chosen in rows)
    assert len(rows) == state.updates == epochs * (n // size)
    for epoch in range(epochs):
        seen = np.concatenate(rows[epoch * (n // size) : (epoch + 1) * (n // size)])
        assert len(np.unique(seen)) == len(seen) == n // size * size


@pytest.mark.parametrize(
    ("n", "size"), [(1, 1), (9, 9), (10, 10), (999, 10), (2000, 20), (10**6, 100)]
)
def test_default_batch_sizes(n, size):
    assert TargetOptions().size(n) == size


# ------------------------------------------------------------------------------------- optimisers

gradients = st.lists(
    st.lists(
        st.sampled_from([0.0, 1.0, -1.0, 1e-12, 1e6]) | st.floats(-10, 10), min_size=3, max_size=3
    ),
    min_size=1,
    max_size=6,
)


@SMALL
@given(g=gradients, mu=st.sampled_from([0.0, 0.5, 0.9]), rate=st.floats(1e-4, 1))
def test_momentum_by_hand(g, mu, rate):
    W = np.array([[0.5, -1.0, 2.0]])
    optimiser = Momentum([W], mu)
    w, velocity = W[0].tolist(), [0.0] * 3
    for gradient in g:
        optimiser.update([np.array([gradient])], rate)
        for k in range(3):
            velocity[k] = mu * velocity[k] + gradient[k]
            w[k] -= rate * velocity[k]
        np.testing.assert_array_equal(W, [w])


@SMALL
@given(g=gradients, b1=st.sampled_from([0.0, 0.5, 0.9]), rate=st.floats(1e-4, 1))
def test_adam_by_hand(g, b1, rate):
    W = np.array([[0.5, -1.0, 2.0]])
    optimiser = Adam([W], b1)
    w, m, v = W[0].tolist(), [0.0] * 3, [0.0] * 3
    for t, gradient in enumerate(g, start=1):
        optimiser.update([np.array([gradient])], rate)
        for k in range(3):
            m[k] = b1 * m[k] + (1 - b1) * gradient[k]
            v[k] = 0.999 * v[k] + (1 - 0.999) * gradient[k] ** 2
            corrected = m[k] / (1 - b1**t), v[k] / (1 - 0.999**t)
            w[k] -= rate * corrected[0] / (math.sqrt(corrected[1]) + 1e-8)
        np.testing.assert_allclose(W, [w], rtol=1e-9, atol=1e-9)


def test_optimisers_by_name():
    W = np.zeros((1, 2))
    assert isinstance(make_optimiser("adam", [W], 0.9), Adam)
    assert isinstance(make_optimiser("momentum", [W], 0.9), Momentum)
    with pytest.raises(ValueError, match="optimiser must be one of"):
        make_optimiser("newton", [W], 0.9)


@pytest.mark.parametrize("optimiser", ["adam", "momentum"])
def test_weight_decay_shrinks_all_but_the_bias(optimiser):
    # The output layer's weights are zero at first and stay so: all classes score alike, and with
    # a loss of two equal and opposite samples nothing but decay moves the hidden layer.
    X, y = np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([0, 1])
    options = TargetOptions(
        optimiser=optimiser, weight_decay=0.5, decay="constant", learning_rate=0.1, epochs=3
    )
    state = solver.start(2, 2, (4,), options, np.random.default_rng(0), np.dtype(float))
    weights, biases = (array.copy() for array in state.net[0].parameters)
    for _ in solver.train(X, y, state, options):
        pass
    np.testing.assert_array_equal(state.net[1].weights, 0)
    np.testing.assert_allclose(state.net[0].weights, weights * (1 - 0.1 * 0.5) ** 3, rtol=1e-15)
    np.testing.assert_array_equal(state.net[0].biases, biases)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"learning_rate": 2.0, "decay": "constant"}, [2.0, 2.0, 2.0, 2.0]),
        ({"learning_rate": 2.0, "decay": "linear"}, [2.0, 1.5, 1.0, 0.5]),
        ({"learning_rate": 2.0}, [2.0, 1 + math.sqrt(0.5), 1.0, 1 - math.sqrt(0.5)]),
        ({"learning_rate": (8.0, 1.0), "decay": "constant"}, [8.0, 4.0, 2.0, 1.0]),
        ({"learning_rate": lambda t, of: t / of, "decay": "linear"}, [0.25, 0.375, 0.375, 0.25]),
    ],
)
def test_learning_rates(options, expected):
    chosen = TargetOptions(**options)
    assert [chosen.rate(update, 4) for update in (1, 2, 3, 4)] == pytest.approx(expected)


# ------------------------------------------------------------------ what an update is, by its parts


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_straight_through_updates_are_the_same_bytes(claim):
    slopes = {
        "targetprop.update.ste": np.ones_like,
        "targetprop.update.sste": lambda z: (np.abs(z) <= 1) * 1.0,
        "targetprop.update.relu-ste": lambda z: (z > 0) * 1.0,
        "targetprop.update.clipped-relu-ste": lambda z: ((z > 0) & (z <= 1)) * 1.0,
    }
    for training in sample_trainings(np.random.default_rng(5), 40):
        theirs = np.concatenate(backpropagation(training, slopes[claim.id]))
        # The sum with zero makes -0 a 0: which zero a weight is makes no difference to anything.
        ours, _ = claim.measure(claim.subject, [training])
        assert (ours + 0.0).tobytes() == (theirs + 0.0).tobytes()


def test_the_first_batch_moves_the_output_layer_alone():
    X, y = problem()
    for weighting in ("magnitude", "equal"):
        options = {"rng": 0, "batch_size": 30, "epochs": 1, "weighting": weighting}
        first = None
        for step in iterate(X, y, (5, 4), measure=True, **options):
            if first is None:
                first = [array.copy() for pair in step.state.layers() for array in pair]
                assert first[-1].any()
            else:
                # e = 0: "don't care", and so no target and no loss.
                assert not step.info["targets"].signs.any()
                name = f"layer {step.block[1:]} loss"
                assert step.before[name] == step.after[name] == 0
        last = [array for pair in step.state.layers() for array in pair]
        for now, then in zip(last, first, strict=True):
            np.testing.assert_array_equal(now, then)


class Doubling:
    """A layer of another kind: a dense one on twice its input. Doubling is exact."""

    def __init__(self, linear):
        self.linear = linear
        self.parameters, self.gradients = linear.parameters, linear.gradients

    def forward(self, V, *, remember=True):
        return self.linear.forward(2 * V, remember=remember)

    def backward(self, G, *, to_input=True):
        return 2 * self.linear.backward(G, to_input=to_input)

    def folded(self):
        return 2 * self.linear.weights, self.linear.biases


def test_any_kind_of_layer_will_do():
    X, y = problem()
    options = TargetOptions(epochs=3, loss="hinge", learning_rate=0.05)
    trained = []
    for kind, data in ((lambda dense: dense, 2 * X), (Doubling, X)):
        state = solver.start(4, 3, (5, 4), options, np.random.default_rng(0), np.dtype(float))
        state.net[0] = kind(state.net[0])
        for _ in solver.train(data, y, state, options):
            pass
        trained.append(state)
    plain, doubling = (state.layers() for state in trained)
    np.testing.assert_array_equal(doubling[0][0], 2 * plain[0][0])
    for ours, theirs in zip(doubling[1:], plain[1:], strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_units_that_do_not_matter_stay():
    """A unit with no weight above gets no target, and does not move, however all others do."""
    X, y = problem()
    for weighting in ("magnitude", "equal"):
        options = TargetOptions(weighting=weighting, loss="squared_hinge")
        state = solver.start(4, 3, (5,), options, np.random.default_rng(0), np.dtype(float))
        state.net[1].weights[:] = np.random.default_rng(1).standard_normal((3, 5))
        state.net[1].weights[:, 2] = 0
        before = np.column_stack(state.net[0].parameters)
        *_, step = solver.batch_steps(state, X, y, options, 0.1, measure=False)
        assert not step.info["targets"].signs[:, 2].any()
        same = np.all(np.column_stack(state.net[0].parameters) == before, axis=1)
        np.testing.assert_array_equal(same, [False, False, True, False, False])


def test_equal_weights_ask_all_units_alike():
    e = np.array([[1e-9, -5.0, 0.0], [2.0, 0.0, 1e9]])
    targets = set_targets(e, "equal")
    np.testing.assert_array_equal(targets.signs, [[-1, 1, 0], [-1, 0, -1]])
    assert targets.weights == 0.5


@pytest.mark.parametrize(
    ("activation", "levels"), [("sign", None), ("step", None), ("staircase", 4)]
)
@pytest.mark.parametrize("normalise", [False, True])
def test_forward_by_hand(activation, levels, normalise):
    X, _ = problem()
    options = {"activation": activation, "levels": levels, "normalise": normalise}
    chosen = TargetOptions(**options)
    state = solver.start(4, 3, (5, 4), chosen, np.random.default_rng(2), np.dtype(float))
    rng = np.random.default_rng(0)
    for layer in dense(state):
        layer.weights[:] = rng.standard_normal(layer.weights.shape)
        layer.biases[:] = rng.standard_normal(layer.biases.shape)
    scores, H = solver.forward(state, X, chosen.units), X
    for layer, whole in zip(dense(state)[:-1], state.net, strict=False):
        z = H @ layer.weights.T + layer.biases
        if normalise:
            norm = whole.normalisation
            z = norm.scale * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON) + norm.shift
        H = units_by_hand(z, activation, levels)
    top = state.net[-1]
    np.testing.assert_allclose(scores, H @ top.weights.T + top.biases, rtol=1e-10, atol=1e-10)


def test_two_levels_are_a_step_unit():
    X, y = problem()
    for normalise in (False, True):
        common = {"rng": 0, "epochs": 3, "normalise": normalise}
        step = final_weights(X, y, (4, 3), activation="step", **common)
        staircase = final_weights(X, y, (4, 3), activation="staircase", levels=2, **common)
        for ours, theirs in zip(step, staircase, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_folded_weights_make_the_same_net():
    X, y = problem()
    *_, last = iterate(X, y, (6, 5), rng=0, epochs=5, normalise=True, learning_rate=0.02)
    V = H = X
    for layer, (W, b) in zip(last.state.net, last.state.layers(), strict=True):
        z = V @ W.T + b
        linear = getattr(layer, "linear", layer)
        raw = H @ linear.weights.T + linear.biases
        if linear is not layer:
            norm = layer.normalisation
            assert not np.array_equal(norm.mean, np.zeros_like(norm.mean))
            raw = (raw - norm.mean) / np.sqrt(norm.variance + EPSILON)
            raw = norm.scale * raw + norm.shift
        np.testing.assert_allclose(z, raw, rtol=1e-9, atol=1e-9)
        V, H = np.where(z > 0, 1.0, -1.0), np.where(raw > 0, 1.0, -1.0)


@SMALL
@given(part=st.sampled_from([0.1, 0.5, 0.9]), seed=st.integers(0, 99))
def test_dropped_inputs_are_zero_and_the_others_grow(part, seed):
    V = np.full((200, 10), 2.0)
    result = dropped(V, part, np.random.default_rng(seed))
    kept = result != 0
    np.testing.assert_allclose(result[kept], 2 / (1 - part))
    # 2000 draws: five standard errors.
    assert abs(kept.mean() - (1 - part)) < 5 * math.sqrt(part * (1 - part) / 2000)
    assert (V == 2).all()


@pytest.mark.parametrize("activation", ["sign", "step"])
def test_exclusive_or_is_learned(activation):
    wrong = []
    for seed in range(5):
        W, b, top, shift = final_weights(
            XOR - 0.5,
            [0, 1, 1, 0],
            16,
            rng=seed,
            epochs=200,
            activation=activation,
            learning_rate=0.05,
        )
        H = units_by_hand((XOR - 0.5) @ W.T + b, activation)
        wrong.append(np.sum((H @ top.T + shift).argmax(axis=1) != [0, 1, 1, 0]))
    assert wrong.count(0) >= 4, wrong


# -------------------------------------------------------------------------------- how it stops


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("normalise", [False, True])
def test_divergence_stops_with_step_and_cause(dtype, normalise):
    X, y = problem()
    options = {"optimiser": "momentum", "decay": "constant", "epochs": 50, "normalise": normalise}
    largest = float(np.finfo(dtype).max)
    steps = iterate(X.astype(dtype), y, (4, 3), rng=0, learning_rate=largest / 4, **options)
    reached = [next(steps)]
    with pytest.raises(DivergenceError) as caught:  # and no warning from NumPy
        reached.extend(steps)
    message = str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert message.startswith(f"training diverged at update {len(reached) // 3 + 1} (epoch ")
    assert "NaN or infinity, because " in message
    assert "a smaller learning_rate or batch normalisation may help" in message


def test_the_layer_to_blame_is_named():
    X, _ = problem()
    options = TargetOptions()
    state = solver.start(4, 3, (4, 3), options, np.random.default_rng(0), np.dtype(float))
    state.net[1].weights[0, 0] = np.nan
    with pytest.raises(DivergenceError, match=r"pre-activations of layer 2.*weights of layer 2"):
        solver.forward(state, X, options.units)
    state.net[1].weights[0, 0] = 1e308
    state.net[1].weights[0, 1] = 1e308
    state.net[0].weights[:], state.net[0].biases[:] = 0, 1
    with (
        np.errstate(over="ignore"),
        pytest.raises(DivergenceError, match="because they overflowed"),
    ):
        solver.forward(state, X, options.units)


def test_large_but_finite_values_are_no_divergence():
    X, y = problem()
    weights = final_weights(1e200 * X, y, 3, rng=0, epochs=2)
    assert all(np.isfinite(W).all() for W in weights)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"surrogate": "tanh"}, "surrogate must be one of"),
        ({"weighting": "none"}, "weighting must be one of"),
        ({"output": "squared"}, "output must be one of"),
        ({"optimiser": "newton"}, "optimiser must be one of"),
        ({"decay": "step"}, "decay must be one of"),
        ({"momentum": 1.0}, "momentum must be a number >= 0 and < 1"),
        ({"momentum": -0.1}, "momentum must be"),
        ({"weight_decay": -1.0}, "weight_decay must be"),
        ({"weight_decay": math.nan}, "weight_decay must be"),
        ({"learning_rate": 0.0}, "learning_rate must be"),
        ({"learning_rate": math.inf}, "learning_rate must be"),
        ({"batch_size": 2.5}, "batch_size must be"),
        ({"levels": 3, "activation": "sign"}, "levels must be None"),
        ({"batches": 3}, "options must be fields of TargetOptions"),
        ({"n_classes": 2}, "y must hold classes from 0 to 1, but has 0 to 2"),
        ({"n_classes": 1}, "n_classes must be"),
    ],
)
def test_bad_options_are_named_at_once(options, message):
    X, y = problem()
    with pytest.raises(ValueError, match=message):
        iterate(X, y, 3, **options)


@pytest.mark.parametrize(
    ("X", "y", "hidden", "message"),
    [
        ([[0.0], [math.nan]], [0, 1], 2, "X must"),
        ([0.0, 1.0], [0, 1], 2, "X must"),
        ([[0.0], [1.0]], [0], 2, "y must hold 2 integers"),
        ([[0.0], [1.0]], [0.0, 1.0], 2, "y must hold 2 integers"),
        ([[0.0], [1.0]], [0, -1], 2, "y must hold classes from 0"),
        ([[0.0], [1.0]], [0, 1], [], "hidden must"),
        ([[0.0], [1.0]], [0, 1], [2, 0], "hidden must"),
        ([[0.0], [1.0]], [0, 1], 10**23, "hidden must be at most 1000000000 units a layer"),
    ],
)
def test_bad_data_are_named_at_once(X, y, hidden, message):
    with pytest.raises(ValueError, match=message):
        iterate(X, y, hidden)


@pytest.mark.parametrize("optimiser", ["adam", "momentum"])
def test_normalised_layers_leave_their_biases_alone(optimiser):
    # The mean of the batch takes a bias out again: only rounding would move it.
    X, y = problem()
    options = TargetOptions(normalise=True, optimiser=optimiser, epochs=3)
    state = solver.start(4, 3, (5, 4), options, np.random.default_rng(0), np.dtype(float))
    before = [(layer.weights.copy(), layer.biases.copy()) for layer in dense(state)[:-1]]
    for _ in solver.train(X, y, state, options):
        pass
    for layer, (weights, biases) in zip(dense(state), before, strict=False):
        np.testing.assert_array_equal(layer.biases, biases)
        assert not np.array_equal(layer.weights, weights)


def test_one_sample_one_unit_one_class():
    W, b, top, shift = final_weights([[2.0]], [0], 1, rng=0, epochs=3)
    assert (W.shape, b.shape, top.shape, shift.shape) == ((1, 1), (1,), (2, 1), (2,))
    scores = np.sign(2 * W[0, 0] + b[0]) * top[:, 0] + shift
    assert scores.argmax() == 0


# --------------------------------------------------------------------------- units inside a block

# What z receives of e (docs/theory.md#c1), without targets.
RECEIVED = {
    "linear": lambda e, z: e,
    "saturated_hinge": lambda e, z: e * (np.abs(z) <= 1),
    "soft_hinge": lambda e, z: e * (1 - np.tanh(z) ** 2),
    "hinge": lambda e, z: e * (-np.sign(e) * z <= 1),
}


@pytest.mark.parametrize("loss", RECEIVED)
@given(seed=st.integers(0, 2**32 - 1))
@SMALL
def test_units_inside_a_block_learn_from_targets_of_their_own(loss, seed):
    """One update of conv, units, (conv, units, conv) + conv, units, dense, position by position."""
    rng = np.random.default_rng(seed)
    n, side = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    shapes = [(2, 3, 3, 2), (3, 3, 3, 2), (2, 3, 3, 3), (2, 1, 1, 2), (3, 2 * side**2)]
    W = [rng.standard_normal(shape) / 2 for shape in shapes]
    b = [rng.standard_normal(len(weights)) / 2 for weights in W]
    pads = [(1, 1), (1, 1), (1, 1), (0, 0)]
    X, classes = rng.standard_normal((n, side, side, 2)), rng.integers(0, 3, n)

    def conv(i, V):
        return convolved(V, W[i], b[i], padding=pads[i])

    def back(i, V, G):
        by_V, by_W, by_b = convolved_back(V, W[i], G, padding=pads[i])
        moved[i] = W[i] - 0.1 * by_W, b[i] - 0.1 * by_b
        return by_V

    moved, received = {}, RECEIVED[loss]
    Z1 = conv(0, X)
    V1 = units_by_hand(Z1, "sign")
    Z2 = conv(1, V1)
    V2 = units_by_hand(Z2, "sign")
    Z3 = conv(2, V2) + conv(3, V1)
    V3 = units_by_hand(Z3, "sign").reshape(n, -1)
    G = score_derivative(V3 @ W[4].T + b[4], classes, "cross-entropy")
    moved[4] = W[4] - 0.1 * G.T @ V3, b[4] - 0.1 * G.sum(axis=0)
    G3 = received((G @ W[4]).reshape(Z3.shape), Z3)
    G2 = received(back(2, V2, G3), Z2)
    back(0, X, received(back(1, V1, G2) + back(3, V1, G3), Z1))

    own = [weights.copy() for weights in W], [biases.copy() for biases in b]
    layers = [
        Convolution(own[0][i], own[1][i], padding=pads[i]) if i < 4 else Dense(own[0][i], own[1][i])
        for i in range(5)
    ]
    units, block = HiddenUnits("sign"), [layers[1], HiddenUnits("sign"), layers[2]]
    network = Network(
        [layers[0], units, Residual(block, [layers[3]]), units, Flatten(), layers[4]],
        X.shape[1:],
    )
    options = TargetOptions(loss=loss, activation="sign", optimiser="momentum", momentum=0.0)
    state = solver.start_network(network, options, rng)
    for _ in solver.batch_steps(state, X, classes, options, 0.1, measure=False):
        pass
    for i in range(5):
        for ours, theirs in zip((own[0][i], own[1][i]), moved[i], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
