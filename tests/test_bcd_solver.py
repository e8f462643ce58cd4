"""Full-batch block coordinate descent: options, starts, blocks' names, edges of the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone import bcd
from zeroone.bcd import blocks
from zeroone.bcd import full_batch as solver
from zeroone.bcd.full_batch import Options
from zeroone.bcd.initialise import INITIALISATIONS, initial_rows
from zeroone.bcd.neurons import neuron_groups, sweep_neurons
from zeroone.bcd.neurons_grouped import sweep_groups
from zeroone.bcd.objective import objective
from zeroone.datasets import load_digits
from zeroone.support.schedules import schedule_value


def two_moons(n=60, seed=0):
    """Return two interleaved half circles, centred, and one-hot labels."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, n)
    labels = np.arange(n) % 2
    X = np.column_stack([np.cos(angle), np.sin(angle)])
    X[labels == 1] = [1.0, 0.5] - X[labels == 1]
    X += 0.1 * rng.standard_normal(X.shape)
    return X - X.mean(axis=0), np.eye(2)[labels]


def accuracy(network, X, Y):
    return np.mean(network.predict(X) == Y.argmax(axis=1))


@pytest.mark.parametrize("splitting", ["two", "joint"])
def test_learns_moons(splitting):
    X, Y = two_moons()
    steps = list(bcd.iterate(X, Y, 30, rng=0, sweeps=20, splitting=splitting, tau=0.1))
    assert accuracy(bcd.network(steps[-1].state), X, Y) > 0.95


def test_relaxed_objective_can_fall_while_the_network_gets_worse():
    data = load_digits()
    X = (data.X_train - data.X_train.mean(axis=0)) / data.X_train.std()
    Y = np.eye(10)[data.y_train]
    objectives, accuracies = [], []
    for step in bcd.iterate(X, Y, 100, rng=0, sweeps=20, splitting="three"):
        if step.block == "W1":
            objectives.append(step.objective_after)
            accuracies.append(accuracy(bcd.network(step.state), X, Y))
    assert np.all(np.diff(objectives) < 0)
    assert accuracies[-1] < max(accuracies) - 0.02


def test_block_names_and_order():
    X, Y = two_moons(20)

    def names(**options):
        return [step.block for step in bcd.iterate(X, Y, [3, 2], rng=0, sweeps=1, **options)]

    assert names() == ["W3", "U2", "W2", "U1", "W1"]
    assert names(order="forward") == ["W1", "U1", "W2", "U2", "W3"]
    assert names(splitting="three") == ["W3", "V2", "U2", "W2", "V1", "U1", "W1"]
    assert names(splitting="joint", order="forward") == ["W1", "J1", "W2", "J2", "W3"]
    assert names(order=["W1", "W2", "W3", "U1", "U2"]) == ["W1", "W2", "W3", "U1", "U2"]
    assert sorted(names(order="random")) == ["U1", "U2", "W1", "W2", "W3"]


def test_same_seed_same_bits():
    X, Y = two_moons()
    runs = [list(bcd.iterate(X, Y, 8, rng=7, sweeps=4))[-1].state for _ in range(2)]
    for one, other in zip(runs[0].weights, runs[1].weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype):
    X, Y = two_moons()
    state = list(bcd.iterate(X.astype(dtype), Y, 8, rng=0, sweeps=2, splitting="joint"))[-1].state
    arrays = [
        *state.weights,
        *state.biases,
        *state.activations,
        *state.preactivations,
        *state.products,
        state.Y,
    ]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert bcd.network(state).dtype == dtype


def test_input_is_not_changed():
    X, Y = two_moons()
    before = X.copy(), Y.copy()
    list(bcd.iterate(X, Y, 8, rng=0, sweeps=2))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Y, before[1])


def test_margin_is_kept_from_the_start():
    X, Y = two_moons()
    for splitting in ("two", "three", "joint"):
        for step in bcd.iterate(X, Y, [6, 4], rng=0, sweeps=3, splitting=splitting, margin=0.3):
            for U in step.state.preactivations:
                # A later W-update moves A, not U.
                assert np.abs(U).min() >= 0.3


def test_products_are_up_to_date():
    X, Y = two_moons()
    for splitting in ("two", "three", "joint"):
        for step in bcd.iterate(X, Y, [6, 4], rng=0, sweeps=2, splitting=splitting):
            state = step.state
            for V, (W, b), A in zip(state.activations, state.layers(), state.products, strict=True):
                np.testing.assert_allclose(V @ W.T + b, A, atol=1e-12)
            if splitting == "two":
                for U, V in zip(state.preactivations, state.activations[1:], strict=True):
                    np.testing.assert_array_equal(V, np.heaviside(U, 0))


def test_group_price_removes_neurons_and_inputs():
    X, Y = two_moons(100)
    X = np.hstack([X, 0.01 * np.random.default_rng(0).standard_normal((100, 3))])
    options = {"rng": 0, "sweeps": 10, "initialisation": "random"}
    state = list(bcd.iterate(X, Y, 20, lam=2.0, **options))[-1].state
    rows = np.any(state.weights[0], axis=1)
    assert 0 < rows.sum() < 20
    options["initialisation"] = "differences"
    state = list(bcd.iterate(X, Y, 20, lam=[2.0, 0.0], groups="columns", **options))[-1].state
    columns = np.any(state.weights[0], axis=0)
    assert columns[:2].all()
    assert not columns[2:].any()


def test_a_removed_neuron_never_fires():
    X, Y = two_moons()
    for step in bcd.iterate(X, Y, 20, rng=0, sweeps=6, lam=25.0, remedy="margin"):
        if step.block == "W1":
            dead = ~np.any(step.state.weights[0], axis=1)
            assert not np.any(step.state.products[0][:, dead])


def test_start_goes_on_from_a_network():
    X, Y = two_moons()
    first = list(bcd.iterate(X, Y, 8, rng=0, sweeps=3))[-1]
    start = bcd.network(first.state)
    following = next(iter(bcd.iterate(X, Y, 8, rng=0, sweeps=1, start=start)))
    # The first block that moves is W2; W1 is still the one that it started from.
    np.testing.assert_array_equal(following.state.weights[0], first.state.weights[0])
    with pytest.raises(ValueError, match="start must have layers"):
        bcd.iterate(X, Y, 9, start=start)


def test_tau_schedule():
    assert schedule_value("tau", 0.5, 3, 9) == 0.5
    assert schedule_value("tau", (1.0, 0.01), 1, 3) == 1.0
    assert schedule_value("tau", (1.0, 0.01), 2, 3) == pytest.approx(0.1)
    assert schedule_value("tau", (1.0, 0.01), 3, 3) == pytest.approx(0.01)
    assert schedule_value("tau", (2.0, 1.0), 1, 1) == 2.0
    assert schedule_value("tau", lambda sweep, sweeps: sweep / sweeps, 2, 4) == 0.5
    X, Y = two_moons()
    for step in bcd.iterate(X, Y, 8, rng=0, sweeps=4, tau_schedule=(1.0, 0.1)):
        assert step.decrease > -1e-12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.full((4, 2), np.nan)}, "X must be finite"),
        ({"X": np.zeros((4, 2, 1))}, "X must have 2 axes"),
        ({"X": np.zeros((0, 2))}, "X must not be empty"),
        ({"X": np.zeros((5, 2))}, "Y must have 5 rows"),
        ({"Y": np.full((4, 2), np.inf)}, "Y must be finite"),
        ({"hidden": 0}, "hidden must be an integer >= 1"),
        ({"hidden": []}, "hidden must name"),
        ({"hidden": [3, -1]}, "hidden"),
        ({"sweeps": 0}, "sweeps"),
        ({"splitting": "four"}, "splitting must be one of two, three, joint"),
        ({"remedy": "none"}, "remedy"),
        ({"margin": 0.0}, "margin"),
        ({"tau": 0.0}, "tau"),
        ({"tau": [1.0, 2.0]}, "tau must be one number or 1"),
        ({"pi": -1.0}, "pi"),
        ({"gamma": 0.0}, "gamma"),
        ({"gamma": np.nan}, "gamma"),
        ({"lam": -1.0}, "lam"),
        ({"lam": [1.0]}, "lam must be one number or 2"),
        ({"groups": "layers"}, "groups"),
        ({"order": "sideways"}, "order"),
        ({"order": ["W1", "W2"]}, "order must name each"),
        ({"initialisation": "zeros"}, "initialisation"),
        ({"tau_schedule": (1.0, 0.0)}, "tau_schedule"),
        ({"tau_schedule": (1.0, 2.0, 3.0)}, "tau_schedule"),
        ({"taus": 1.0}, "options"),
        ({"margin": 1e308}, "margin"),
        ({"tau": 1e308}, "tau"),
        ({"tau_schedule": (1.0, 1e308)}, "tau times tau_schedule"),
        ({"pi": 1e308}, "pi"),
        ({"gamma": 1e308}, "gamma"),
        ({"lam": 1e308}, "lam"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {"X": np.eye(4)[:, :2], "Y": np.eye(2)[[0, 1, 0, 1]], "hidden": 3, **change}
    with pytest.raises(ValueError, match=message):
        bcd.iterate(arguments.pop("X"), arguments.pop("Y"), arguments.pop("hidden"), **arguments)


@pytest.mark.parametrize("method", INITIALISATIONS)
@pytest.mark.parametrize("kind", ["generic", "one sample", "duplicates", "constant", "one class"])
def test_initial_rows_are_finite_and_scaled(method, kind):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1 if kind == "one sample" else 300, 6)) * 1000
    if kind == "duplicates":
        X[:] = X[0]
    if kind == "constant":
        X[:, 0] = 5.0
    Y = np.eye(3)[np.zeros(len(X), int) if kind == "one class" else np.arange(len(X)) % 3]
    W, b = initial_rows(X, Y, 40, method, rng)
    assert W.shape == (40, 6)
    assert b.shape == (40,)
    assert np.isfinite(W).all()
    assert np.isfinite(b).all()
    assert (W.any(axis=1) | (b != 0)).all()
    A = X @ W.T + b
    if kind in ("generic", "constant", "one class") and method != "random":
        np.testing.assert_allclose(A.std(axis=0), 1, rtol=1e-6)
    if method == "data-scaled" and kind in ("generic", "constant", "one class"):
        assert np.all((A > 0).mean(axis=0) <= 0.5 + 1e-9)
    if method == "data-scaled" and kind == "generic":
        np.testing.assert_allclose((A > 0).mean(axis=0), 0.5, atol=0.01)


def test_difference_rows_separate_two_samples_of_different_classes():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 4))
    Y = np.eye(2)[np.arange(50) % 2]
    W, b = initial_rows(X, Y, 30, "differences", rng)
    first, second = X[::2], X[1::2]
    for row, bias in zip(W, b, strict=True):
        directions = first[:, None] - second[None]
        cosines = directions @ row / np.linalg.norm(directions, axis=-1)
        i, j = np.unravel_index(np.argmax(np.abs(cosines)), cosines.shape)
        assert abs(cosines[i, j]) / np.linalg.norm(row) == pytest.approx(1)
        ends = [first[i] @ row + bias, second[j] @ row + bias]
        assert ends[0] == pytest.approx(-ends[1])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    units=st.integers(1, 40),
    samples=st.integers(1, 20),
    two=st.booleans(),
    margin=st.sampled_from([0.0, 0.2]),
    grouped=st.booleans(),
)
def test_groups_of_neurons_decide_as_one_at_a_time(seed, units, samples, two, margin, grouped):
    """More neurons than one group holds: both sweeps equal a plain loop over neurons."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((samples, units)).round(1)
    W = rng.standard_normal((3, units)) / 2
    T = rng.standard_normal((samples, 3))
    V = (rng.random((samples, units)) < 0.5).astype(float)
    tau, kappa, pi = 0.3, 0.7, np.inf if two else 1.5
    new, bits = V.copy(), V > 0.5
    relaxed = {} if two else {"V": new, "pi": pi}
    prices = {"kappa": kappa, "tau": tau, "margin": margin, **relaxed}
    if grouped:
        sweep_groups(neuron_groups(units, 3), bits, A, T - V @ W.T, W, **prices)
    else:
        sweep_neurons(bits, A, T - V @ W.T, W, **prices)
    new = bits.astype(float) if two else new
    for j in range(units):
        without = T - V @ W.T + np.outer(V[:, j], W[:, j])
        costs, values = [], []
        for bit in (0.0, 1.0):
            nearest = np.maximum(A[:, j], margin) if bit else np.minimum(A[:, j], -margin)
            v = np.full(samples, bit)
            if not two:
                correlation = without @ W[:, j]
                v = (kappa * correlation + pi * bit) / (kappa * W[:, j] @ W[:, j] + pi)
            cost = kappa / 2 * np.sum((without - np.outer(v, W[:, j])) ** 2, axis=1)
            cost += tau / 2 * (nearest - A[:, j]) ** 2
            costs.append(cost if two else cost + pi / 2 * (v - bit) ** 2)
            values.append(v)
        V[:, j] = np.where(costs[1] < costs[0], values[1], values[0])
    np.testing.assert_allclose(new, V, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearest_on_side_edges(dtype):
    tiny = np.finfo(dtype).smallest_normal
    A = np.array([-1.0, -0.0, 0.0, tiny, 0.05, 1.0], dtype)
    fires, silent = np.ones(6, bool), np.zeros(6, bool)
    U = blocks.nearest_on_side(A, fires, 0.0)
    assert U.dtype == dtype
    assert np.all(U > 0)
    np.testing.assert_array_equal(U, np.array([tiny, tiny, tiny, tiny, 0.05, 1.0], dtype))
    np.testing.assert_array_equal(
        blocks.nearest_on_side(A, silent, 0.0), np.minimum(A, 0).astype(dtype)
    )
    np.testing.assert_array_equal(blocks.nearest_on_side(A, fires, 0.1), np.maximum(A, dtype(0.1)))
    np.testing.assert_array_equal(
        blocks.nearest_on_side(A, silent, 0.1), np.minimum(A, dtype(-0.1))
    )


def test_tie_between_both_states_is_silent():
    # a = 0, v = 1/2 and no margin: both sides cost the same.
    U = blocks.update_preactivations(
        np.zeros((1, 1)), np.full((1, 1), 0.5), tau=1.0, pi=1.0, margin=0.0
    )
    assert U[0, 0] <= 0


def test_zero_rows_have_no_gain():
    gram = blocks.Gram(np.ones((4, 3)))
    W, b = blocks.keep_rows(np.zeros((2, 3)), np.zeros(2), gram, tau=1.0, gamma=1.0, lam=0.0)
    np.testing.assert_array_equal(W, 0)
    np.testing.assert_array_equal(b, 0)


def test_options_are_defaults_of_the_class():
    assert Options().gap == 0.1
    assert Options(remedy="tiny").gap == 0.0


# ------------------------------------------------------------------------------------- rounding


def uncentred(seed, dtype=np.float32):
    """Return features that are nearly collinear with the constant, and one-hot labels."""
    rng = np.random.default_rng(seed)
    X = (10 + 1e-3 * rng.standard_normal((500, 3))).astype(dtype)
    return X, np.eye(2, dtype=dtype)[rng.integers(2, size=500)]


@pytest.mark.parametrize("splitting", ["two", "three", "joint"])
def test_the_objective_does_not_rise_on_uncentred_data_in_single_precision(splitting):
    for seed in range(40):
        X, Y = uncentred(seed)
        options = {"sweeps": 3, "gamma": 1e-3, "splitting": splitting}
        for step in bcd.iterate(X, Y, 5, rng=seed, **options):
            assert step.decrease >= -1e-7 * step.objective_before


def test_a_gram_matrix_is_added_up_in_double_precision():
    X, _ = uncentred(0)
    with_ones = np.column_stack([X, np.ones(len(X))]).astype(np.float64)
    np.testing.assert_allclose(blocks.gram_matrix(X), with_ones.T @ with_ones, rtol=1e-14)
    np.testing.assert_allclose(blocks.gram_matrix(X, bias=False), (with_ones.T @ with_ones)[:3, :3])
    bits = np.median(X) < X
    counted = blocks.gram_matrix(bits.astype(np.float32))
    np.testing.assert_array_equal(counted, blocks.gram_matrix(bits.astype(np.float64)))


def test_some_bits_among_the_features_do_not_make_a_gram_matrix_single():
    X = (10 + 1e-3 * np.random.default_rng(0).standard_normal((300, 3))).astype(np.float32)
    X[:, 0] = np.arange(300) % 2
    doubles = X.astype(np.float64)
    np.testing.assert_allclose(blocks.gram_matrix(X, bias=False), doubles.T @ doubles, rtol=1e-13)


def test_a_product_that_cancels_is_computed_in_double_precision():
    X, _ = uncentred(1)
    W = np.array([[3000.0, -1000.0, -2000.0], [0.5, 0.25, 0.125]], np.float32)
    b = np.array([0.25, -8.0], np.float32)
    exact = X.astype(np.float64) @ W.T.astype(np.float64) + b
    np.testing.assert_allclose(solver.layer_product(X, W, b), exact, rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("splitting", ["two", "three", "joint"])
def test_after_is_the_objective_of_the_state(splitting):
    X, Y = two_moons()
    options = {"splitting": splitting, "lam": 0.3, "order": "random"}
    coefficients = Options(**options).coefficients(3)
    for step in bcd.iterate(X, Y, [6, 4], rng=0, sweeps=3, **options):
        found = objective(step.state, coefficients, splitting)
        assert dict(step.after) == pytest.approx(found, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({}, {"W2": "W2 = tau Y^T V1", "U1": "cost(fires) - cost(silent) = kappa (|w|^2/2"}),
        ({"splitting": "joint"}, {"J1": "kappa pi/(kappa |w|^2 + pi) (|w|^2/2 - w . r0)"}),
        ({"splitting": "three"}, {"V1": "V1 (kappa W2^T W2 + pi I)", "U1": "(v - step(u))^2"}),
        ({"lam": 1.0}, {"W1": "keep row w iff r . w > 2 lam", "W2": "solution"}),
        ({"lam": 1.0, "groups": "columns"}, {"W1": "|z|^2 > 2 s lam", "W2": "|z|^2 > 2 s lam"}),
        ({"remedy": "tiny"}, {"U1": "the smallest positive number"}),
        ({"margin": 0.25}, {"U1": "m = 0.25  silent: u = min(a, -m)"}),
    ],
)
def test_blocks_know_their_equations(options, texts):
    X, Y = two_moons(20)
    blocks_by_name = {
        step.block: step.block for step in bcd.iterate(X, Y, 3, rng=0, sweeps=1, **options)
    }
    for name, text in texts.items():
        assert text in blocks_by_name[name].equation
    assert {block.source[:15] for block in blocks_by_name.values()} == {"docs/theory.md#"}
