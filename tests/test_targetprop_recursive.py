"""Recursive target propagation: what it reaches, what it says of it, and its parts."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from zeroone.exact.separability import separate
from zeroone.nets.layers import Dense
from zeroone.targetprop.recursive import (
    BLOCKS,
    Decision,
    RecursiveOptions,
    RecursiveState,
    format_tree,
    iterate,
    network,
    random_layer,
)
from zeroone.targetprop.recursive_goals import (
    RULES,
    LabelGoal,
    TargetGoal,
    by_hyperplane,
    candidates,
    choose_targets,
    rounding,
)

SMALL = settings(deadline=None, max_examples=30)
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
CUBE = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
FAST = {"loss": "hinge", "output": "hinge"}
LOSSES = [
    {},
    {"activation": "step"},
    {"loss": "logistic"},
    FAST,
    {"loss": "hinge", "activation": "step"},
]


def search(X, y, hidden, **options):
    steps = list(iterate(X, y, hidden, **options))
    return steps, steps[-1].state


def run_by_hand(net, X):
    """Return the class of each sample, its hidden activations, and whether rounding decides them.

    Rounding does if a pre-activation is no further from zero than another order of the sum could
    take it, or a score no further from the highest.
    """
    low = -1.0 if net.activation == "sign" else 0.0
    predicted, hidden, doubtful = [], [], []
    for x in X.tolist():
        values, seen, doubt = x, [], False
        for number, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            terms = [
                [*(w * v for w, v in zip(row, values, strict=True)), bias]
                for row, bias in zip(W.tolist(), b.tolist(), strict=True)
            ]
            z = [math.fsum(one) for one in terms]
            eps = 4 * len(terms[0]) * float(np.finfo(W.dtype).eps)
            errors = [eps * sum(map(abs, one)) for one in terms]
            if number == len(net.weights) - 1:
                best = z.index(max(z))
                values = z
                doubt |= any(
                    0 < errors[k] + errors[best] >= z[best] - z[k]
                    for k in range(len(z))
                    if k != best
                )
            else:
                doubt |= any(0 < e >= abs(one) for one, e in zip(z, errors, strict=True))
                values = [1.0 if one > 0 else low for one in z]
            seen.append(values)
        predicted.append(values.index(max(values)))
        hidden.append(seen[:-1])
        doubtful.append(doubt)
    return np.array(predicted), hidden, np.array(doubtful)


def decisions(root):
    yield root
    for child in root.children:
        yield from decisions(child)


# ------------------------------------------------------------------------ what it reaches, and says


@pytest.mark.parametrize("options", LOSSES)
def test_exclusive_or(options):
    for seed in range(2):
        steps, state = search(*XOR, 2, rng=seed, **options)
        assert state.best_errors == 0
        assert steps[-1].info["best_error"] == 0
        assert state.trees[-1].feasible
        predicted, _, doubtful = run_by_hand(network(state), XOR[0])
        np.testing.assert_array_equal(predicted, XOR[1])
        assert not doubtful.any()


@pytest.mark.parametrize("options", [FAST, {"activation": "step", **FAST}])
def test_parity_of_three_bits(options):
    y = CUBE.sum(axis=1).astype(int) % 2
    _, state = search(CUBE, y, 3, rng=0, restarts=50, budget=10, **options)
    assert state.best_errors == 0
    np.testing.assert_array_equal(run_by_hand(network(state), CUBE)[0], y)


def test_three_hidden_layers():
    _, state = search(*XOR, (3, 3, 2), rng=0, **FAST)
    assert state.best_errors == 0
    assert network(state).layer_sizes == (2, 3, 3, 2, 2)
    np.testing.assert_array_equal(run_by_hand(network(state), XOR[0])[0], XOR[1])
    # One unit a layer cannot do it, and all layers are asked.
    _, state = search(*XOR, (1, 1, 1), rng=0, budget=[2, 2, 2], restarts=2, **FAST)
    assert state.best_errors == 1
    for tree in state.trees:
        assert {decision.layer for decision in decisions(tree)} == {1, 2, 3, 4}


def test_what_a_line_separates_is_met_at_once():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    steps, state = search(X, [0, 0, 1, 1], 5, rng=1)
    assert state.best_errors == 0
    assert [step.block for step in steps][:2] == ["W2", "C2"]


def test_contradictory_labels_are_reported():
    X, y = np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 1, 1, 1])
    steps, state = search(X, y, 3, rng=0, budget=3, restarts=2)
    assert state.best_errors == 1
    assert steps[-1].info["best_error"] == 0.25
    assert len(state.trees) == 2
    for tree in state.trees:
        assert tree.feasible is False
        assert tree.missed >= 1
        assert len(tree.children) == 3
        assert "labels of 4 samples" in format_tree(tree)
        assert re.search(r"\d missed, loss", format_tree(tree, depth=0))


def test_one_unit_cannot_do_exclusive_or():
    _, state = search(*XOR, 1, rng=0, budget=4, restarts=3)
    assert state.best_errors == 1
    assert all(tree.feasible is False for tree in state.trees)
    predicted, _, doubtful = run_by_hand(network(state), XOR[0])
    wrong = predicted != XOR[1]
    assert np.sum(wrong & ~doubtful) <= 1 <= np.sum(wrong | doubtful)


@pytest.mark.parametrize("budget", [0, 1])
def test_the_budget_is_kept(budget):
    steps, state = search(*XOR, (2, 1), rng=0, budget=budget, restarts=3, **FAST)
    assert len(state.trees) <= 3
    for tree in state.trees:
        for decision in decisions(tree):
            assert len(decision.children) <= (budget if decision.layer > 1 else 0)
    assert sum(step.block[0] == "T" for step in steps) == sum(t.size - 1 for t in state.trees)
    if budget == 0:
        # Nothing but one fit of the output layer for each random net.
        assert [step.block for step in steps] == ["W3", "C3"] * len(state.trees)


def test_a_budget_for_each_layer():
    steps, state = search(*XOR, (2, 1), rng=3, budget=[3, 2], restarts=2, **FAST)
    for tree in state.trees:
        assert tree.feasible or len(tree.children) == 3
        for child in tree.children:
            assert child.feasible or len(child.children) == 2
            assert all(not below.children for below in child.children)
    assert {step.block[1:] for step in steps} <= {"1", "2", "3"}


def test_budgets():
    assert RecursiveOptions(budget=20).budgets(1) == (20,)
    assert RecursiveOptions(budget=20).budgets(4) == (1, 1, 5, 20)
    assert RecursiveOptions(budget=0).budgets(2) == (0, 0)
    assert RecursiveOptions(budget=(7, 3)).budgets(2) == (3, 7)
    assert RecursiveOptions(budget=np.array([7, 3])).budgets(2) == (3, 7)


def test_seeds_decide():
    runs = [
        search(CUBE, CUBE.sum(axis=1).astype(int) % 2, 2, rng=rng, budget=4, restarts=2)
        for rng in (5, np.random.default_rng(5), 6)
    ]
    texts = ["\n".join(map(format_tree, state.trees)) for _, state in runs]
    assert texts[0] == texts[1] != texts[2]
    assert network(runs[0][1]) == network(runs[1][1])
    assert [s.block for s in runs[0][0]] == [s.block for s in runs[1][0]]


def test_arguments_and_precision_are_kept():
    X, y = XOR[0].astype(np.float32), XOR[1]
    kept = X.copy()
    for options in ({}, FAST):
        _, state = search(X, y, 2, rng=0, restarts=3, **options)
        for layer in state.best_layers:
            assert layer.weights.dtype == layer.biases.dtype == np.float32
        assert network(state).dtype == np.float32
    np.testing.assert_array_equal(X, kept)


def test_classes_may_be_named_and_more_than_seen():
    _, state = search(*XOR, 2, rng=0, n_classes=4, **FAST)
    assert network(state).layer_sizes[-1] == 4
    names = network(state, classes=["a", "b", "c", "d"])
    assert names.predict(XOR[0]).tolist() == ["a", "b", "b", "a"]


# ---------------------------------------------------------------------- steps and tree, any problem

problems = st.tuples(st.integers(1, 7), st.integers(1, 3), st.integers(0, 3)).flatmap(
    lambda shape: st.tuples(
        st.lists(
            st.lists(
                st.sampled_from([0.0, 1.0, -1.0, 0.1, 0.7]) if shape[2] else st.just(0.1),
                min_size=shape[1],
                max_size=shape[1],
            ),
            min_size=shape[0],
            max_size=shape[0],
        ).map(np.array),
        st.lists(st.integers(0, 2), min_size=shape[0], max_size=shape[0]).map(np.array),
        st.lists(st.integers(1, 3), min_size=1, max_size=2),
        st.integers(0, 1000),
        st.sampled_from(LOSSES),
    )
)


@settings(deadline=None, max_examples=25)
@given(problem=problems)
def test_any_search_tells_the_truth(problem):
    X, y, hidden, seed, options = problem
    options = {**options, "decide": separate} if seed % 2 else options
    top, tree_of, errors = len(hidden), {}, []
    for step in iterate(X, y, hidden, rng=seed, budget=2, restarts=2, **options):
        kind, layer = step.block[0], int(step.block[1:])
        assert (step.info["action"], step.block.equation) == BLOCKS[kind]
        decision = step.info["decision"]
        present = network(step.state, best=False)
        predicted, activations, doubtful = run_by_hand(present, X)
        errors.append(round(step.info["train_error"] * len(y)))
        wrong = predicted != y
        assert np.sum(wrong & ~doubtful) <= errors[-1] <= np.sum(wrong | doubtful)
        assert step.info["best_error"] == min(errors) / len(y)
        assert 0 <= step.info["position"] <= 2
        assert decision.layer == layer
        if kind == "T":
            tree_of[id(decision)] = step.info["targets"]
            assert set(np.unique(step.info["targets"])) <= {-1.0, 0.0, 1.0}
        if kind == "C" and step.info["feasible"]:
            if layer == top + 1:
                assert errors[-1] == 0
            else:
                # The net computes the targets that are met.
                targets = tree_of[id(decision)]
                ours = np.array([sample[layer - 1] for sample in activations])
                met = (ours > 0) == (targets > 0)
                # Layers below may hang on rounding, if their own targets were missed.
                assert np.all(met[~doubtful], where=targets[~doubtful] != 0)
        if kind == "W":
            assert (
                step.objective_after <= step.objective_before * (1 + 1e-9)
                or (step.info["separated"])
            )
    state = step.state
    assert state.best_errors == min(errors)
    predicted, _, doubtful = run_by_hand(network(state), X)
    wrong = predicted != y
    assert np.sum(wrong & ~doubtful) <= state.best_errors <= np.sum(wrong | doubtful)
    for tree in state.trees:
        check_tree(tree, top)


def check_tree(root, top):
    assert (root.layer, root.choice, root.accepted) == (top + 1, "labels", None)
    assert format_tree(root).count("\n") == root.size - 1
    for decision in decisions(root):
        assert decision.feasible is (decision.missed == 0)
        assert 0 <= decision.missed <= decision.bits
        assert decision.changed <= decision.bits
        assert decision.missed_units + decision.impossible_units >= 0
        assert max(decision.missed_units, decision.missed_samples) <= decision.missed
        assert decision.impossible_units <= decision.missed_units
        previous = None
        for child in decision.children:
            assert child.layer == decision.layer - 1
            assert child.choice in RULES
            assert child.accepted is not None
            if not (decision.feasible and child is decision.children[-1]):
                assert child.accepted is (child.above_after < child.above_before * (1 - 1e-9))
            if previous is not None:
                # The loss above is where the last attempt left it.
                left = previous.above_after if previous.accepted else previous.above_before
                assert child.above_before == pytest.approx(left, rel=1e-12)
            previous = child
        if previous is not None:
            left = previous.above_after if previous.accepted else previous.above_before
            assert decision.loss_after == pytest.approx(left, rel=1e-12)


def test_the_first_of_equally_good_nets_is_kept():
    state = RecursiveState(np.ones((2, 1)), np.array([0, 1]), "sign", best_errors=3)
    first, second = ([Dense(np.full((2, 1), w), np.zeros(2))] for w in (0.0, 1.0))
    for layers, errors, best in ((first, 1, first), (second, 1, first), (second, 0, second)):
        state.layers = layers
        state.keep_best(errors)
        assert state.best_layers[0] is best[0]


def test_the_text_of_a_tree():
    root = Decision(3, "labels", 4, 2, False, 1, 1, 1, loss_before=0.7, loss_after=0.25)
    child = Decision(2, "worst bits", 8, 1, False, 3, 2, 3, 1, 0.5, 0.125)
    child.above_before, child.above_after, child.accepted = 0.5, 0.6, False
    child.children.append(Decision(1, "derivative", 1, 0))
    root.children.append(child)
    assert format_tree(root).splitlines() == [
        "layer 3: labels of 4 samples, 2 wrong at first: 1 missed, loss 0.7 -> 0.25",
        "  layer 2: targets by worst bits, 1 of 8 bits changed: 3 missed (2 units, 3 samples, "
        "1 proved impossible), loss 0.5 -> 0.125; loss above 0.5 -> 0.6: undone",
        "    layer 1: targets by derivative, 0 of 1 bits changed: not tried yet",
    ]
    assert root.size == 3
    assert len(format_tree(root, depth=1).splitlines()) == 2
    assert len(format_tree(root, depth=0).splitlines()) == 1


# ------------------------------------------------------------------------------------ its parts


@st.composite
def layers(draw, targets=(-1.0, 0.0, 1.0)):
    """Input, targets of some units, and a layer to start from."""
    n, m, units = draw(st.integers(1, 7)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    entry = st.sampled_from([0.0, 1.0, -1.0, 0.5])

    def matrix(rows, columns, entries):
        lists = st.lists(entries, min_size=columns, max_size=columns)
        return np.array(draw(st.lists(lists, min_size=rows, max_size=rows)))

    V = matrix(n, m, entry)
    W = matrix(units, m + 1, st.sampled_from([0.0, 2.0, -0.25, 30.0]))
    layer = Dense(W[:, :-1], W[:, -1])
    return V, layer, matrix(n, units, st.sampled_from(targets))


def rows_of(V):
    """Return the rows (v, 1) that weights and bias are multiplied with."""
    return np.hstack([V, np.ones((len(V), 1))])


def separable(V, t):
    """Decide by a linear program of this test's own whether some w has t (V w) >= 1."""
    cared = t != 0
    A = -(t[:, np.newaxis] * V)[cared]
    if not cared.any():
        return True
    found = linprog(
        np.zeros(V.shape[1]), A_ub=A, b_ub=-np.ones(len(A)), bounds=(None, None), method="highs"
    )
    return found.status == 0


@pytest.mark.parametrize("loss", ["squared_hinge", "logistic", "hinge"])
@pytest.mark.parametrize("decide", [separate, by_hyperplane])
@SMALL
@given(drawn=layers())
def test_a_goal_is_met_if_and_only_if_it_can_be(loss, decide, drawn):
    V, layer, T = drawn
    goal = TargetGoal(T, loss, 1e-4, decide)
    result = goal.fit(V, layer)
    z = V @ result.layer.weights.T + result.layer.biases
    possible = np.array([separable(rows_of(V), t) for t in T.T])
    np.testing.assert_array_equal(np.all((T * z > 0) | (T == 0), axis=0), possible)
    np.testing.assert_array_equal(~goal.missed(V, result.layer).any(axis=0), possible)
    # What the default decider does not find it says nothing of.
    assert result.impossible == (np.sum(~possible) if decide is separate else 0)
    # Units whose targets were met are left as they were.
    met = ~goal.missed(V, layer).any(axis=0)
    np.testing.assert_array_equal(result.layer.weights[met], layer.weights[met])
    np.testing.assert_array_equal(result.layer.biases[met], layer.biases[met])
    assert result.fitted == np.sum(~met)


@pytest.mark.parametrize("loss", ["squared_hinge", "logistic", "hinge"])
@SMALL
@given(drawn=layers())
def test_a_fit_raises_no_loss(loss, drawn):
    V, layer, T = drawn
    goal = TargetGoal(T, loss, 1e-3)
    fitted = goal.fit_units(V, layer)
    after, before = goal.unit_losses(V, fitted), goal.unit_losses(V, layer)
    # Weights are copied one by one, but the sums of all of them may be rounded in another order.
    assert np.all(after <= before * (1 + 1e-12))
    # Don't-care units have the ridge alone to pay for.
    ridge = 0 if loss == "hinge" else 1e-3 / 2
    for j in np.flatnonzero(~T.any(axis=0)):
        squares = np.sum(fitted.weights[j] ** 2) + fitted.biases[j] ** 2
        assert after[j] == pytest.approx(ridge * squares)


@pytest.mark.parametrize("output", ["cross-entropy", "hinge"])
@SMALL
@given(drawn=layers(targets=(0.0, 1.0, 2.0)), seed=st.integers(0, 99))
def test_output_fits_reach_what_can_be_reached(output, drawn, seed):
    V, _, classes = drawn
    classes = classes[:, 0].astype(int)
    rng = np.random.default_rng(seed)
    layer = Dense(rng.standard_normal((3, V.shape[1])), rng.standard_normal(3))
    goal = LabelGoal(classes, output, 1e-5)
    fitted = goal.fit(V, layer).layer
    assert goal.loss(V, fitted) <= goal.loss(V, layer) * (1 + 1e-12)
    rows = []
    for v, own in zip(rows_of(V), classes, strict=True):
        for other in {0, 1, 2} - {own}:
            row = np.zeros((3, len(v)))
            row[own], row[other] = v, -v
            rows.append(row.ravel())
    if separable(np.array(rows), np.ones(len(rows))):
        assert not goal.missed(V, fitted).any()
        scores = V @ fitted.weights.T + fitted.biases
        np.testing.assert_array_equal(scores.argmax(axis=1), classes)
    else:
        assert goal.missed(V, fitted).any()


def test_a_fit_that_does_not_help_changes_nothing():
    V, T = np.array([[1.0], [-1.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]])
    layer = Dense(np.array([[7.0], [3.0]]), np.array([0.5, -2.0]))
    fitted = TargetGoal(T, "hinge", 0.0).fit_units(V, layer)
    np.testing.assert_array_equal(fitted.weights, layer.weights)
    np.testing.assert_array_equal(fitted.biases, layer.biases)
    layer = Dense(np.array([[0.0], [9.0]]), np.zeros(2))
    assert LabelGoal(np.array([1, 0]), "hinge", 0.0).fit(V, layer).layer is layer


@given(seed=st.integers(0, 9999), n_in=st.integers(1, 4), size=st.sampled_from([0.0, 1.0, 10.0]))
def test_one_sample_is_fitted_to_its_least(seed, n_in, size):
    # With one sample v of |v|^2 + 1 = q, (1 - t a)^2 + (ridge/2) |(w, b)|^2 is at least
    # ridge / (2 q + ridge). Far from it the curvature of the two terms differs by 1e5.
    rng, ridge = np.random.default_rng(seed), 1e-4
    V, T = rng.choice([-1.0, 1.0], (1, n_in)), rng.choice([-1.0, 0.0, 1.0], (1, 3))
    layer = Dense(size * rng.standard_normal((3, n_in)), size * rng.standard_normal(3))
    fitted = TargetGoal(T, "squared_hinge", ridge).fit_units(V, layer)
    losses = TargetGoal(T, "squared_hinge", ridge).unit_losses(V, fitted)
    least = np.where(T[0] == 0, 0, ridge / (2 * (n_in + 1) + ridge))
    np.testing.assert_allclose(losses, least, rtol=0, atol=1e-6)


def test_a_hinge_is_fitted_to_its_least():
    # Two of three equal points want one class: at the least, one sample pays 2.
    V, classes = np.zeros((3, 1)), np.array([0, 0, 1])
    goal = LabelGoal(classes, "hinge", 0.0)
    fitted = goal.fit(V, Dense(np.zeros((2, 1)), np.zeros(2))).layer
    assert goal.loss(V, fitted) == pytest.approx(2 / 3)


def test_the_default_decider_finds_hyperplanes_and_proves_nothing():
    X, _ = XOR
    found = by_hyperplane(X, np.array([-1.0, 1.0, 1.0, 0.0]))
    assert found.separable is True
    z = X @ found.weights + found.bias
    assert np.all(z[1:3] > 0.5)
    assert z[0] < -0.5
    for impossible in ([1.0, -1.0, -1.0, 1.0], [0.0] * 4):
        found = by_hyperplane(X, np.array(impossible))
        assert (found.separable, found.weights, found.bias) == (None, None, None)


@SMALL
@given(drawn=layers(), eps=st.sampled_from([0.0, 1e-18, 1e-3]))
def test_missed_is_what_is_not_clearly_met(drawn, eps):
    V, layer, T = drawn
    goal = TargetGoal(T, "hinge", 0.0)
    W = np.column_stack([layer.weights, layer.biases]) + eps
    layer = Dense(W[:, :-1], W[:, -1])
    missed, doubt = goal.missed(V, layer), rounding(V, layer)
    for n, j in np.ndindex(T.shape):
        pairs = zip([*V[n].tolist(), 1.0], W[j].tolist(), strict=True)
        z = math.fsum(a * b for a, b in pairs)
        if T[n, j] == 0:
            assert not missed[n, j]
        elif abs(z) > 2 * doubt[n, j]:
            assert missed[n, j] == (T[n, j] * z < 0)
        elif z == 0:
            assert missed[n, j]
    assert np.all(doubt <= 1e-13 * (1 + rows_of(np.abs(V)) @ np.abs(W).T))


def test_a_tie_of_scores_is_missed():
    goal = LabelGoal(np.array([0, 1]), "hinge", 0.0)
    assert goal.missed(np.ones((2, 1)), Dense(np.zeros((3, 1)), np.zeros(3))).all()
    opposite = Dense(np.array([[1.0], [-1.0]]), np.zeros(2))
    assert not goal.missed(np.array([[1.0], [-1.0]]), opposite).any()


@pytest.mark.parametrize("output", ["cross-entropy", "hinge"])
def test_derivatives_by_the_input(output):
    rng = np.random.default_rng(0)
    V, W = rng.standard_normal((6, 4)), rng.standard_normal((3, 5))
    layer, T = Dense(W[:, :-1], W[:, -1]), rng.choice([-1.0, 0.0, 1.0], (6, 3))
    for goal in (LabelGoal(rng.integers(0, 3, 6), output, 0.1), TargetGoal(T, "logistic", 0.1)):
        e = goal.input_derivative(V, layer)
        assert e.shape == (6, 4)
        for n, j in np.ndindex(e.shape):
            values = []
            for change in (1e-6, -1e-6):
                moved = V.copy()
                moved[n, j] += change
                values.append(goal.loss(moved, layer))
            assert e[n, j] == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-8)


@SMALL
@given(
    seed=st.integers(0, 999),
    n=st.integers(1, 6),
    units=st.integers(1, 4),
    kind=st.sampled_from(["random", "two", "alike"]),
)
def test_random_units_cut_the_data(seed, n, units, kind):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3)) * 10.0 ** rng.integers(-6, 7)
    if kind == "alike":
        X[:] = X[0]
    elif kind == "two":
        X[:] = X[rng.integers(0, 2, n) * (n - 1)]
    layer = random_layer(X, units, rng)
    pairs = list(zip(layer.weights, layer.biases, strict=True))
    z = np.array([[math.fsum([*np.multiply(x, w).tolist(), b]) for w, b in pairs] for x in X])
    assert np.all(np.abs(z) > rounding(X, layer))
    constant = np.all(z > 0, axis=0) | np.all(z < 0, axis=0)
    assert constant.all() == (len(np.unique(X, axis=0)) == 1)
    if len(np.unique(X, axis=0)) > 1:
        assert not constant.any()


@SMALL
@given(seed=st.integers(0, 9999), rule=st.sampled_from(sorted(RULES)))
def test_rules_keep_what_they_say(seed, rule):
    rng = np.random.default_rng(seed)
    n, units = rng.integers(1, 7), rng.integers(1, 4)
    e = rng.standard_normal((n, units)) * rng.integers(0, 2, (n, units))
    signs, losses = rng.choice([-1.0, 1.0], (n, units)), rng.choice([0.0, 1.0, 3.0], n)
    missed = rng.random(n) < 0.6
    assume(missed.any())
    given_arrays = e.copy(), signs.copy(), losses.copy(), missed.copy()
    named = candidates(e, signs, losses, missed, rng)
    targets = next(targets for name, targets in named if name == rule)
    for ours, theirs in zip((e, signs, losses, missed), given_arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    flipped = targets * signs < 0
    if rule == "derivative":
        np.testing.assert_array_equal(targets, -np.sign(e))
    elif rule == "wrong samples":
        np.testing.assert_array_equal(targets[missed], -np.sign(e)[missed])
        np.testing.assert_array_equal(targets[~missed], signs[~missed])
    else:
        assert flipped.sum(axis=1).max() <= 1
        np.testing.assert_array_equal(targets[~flipped], signs[~flipped])
    if rule == "worst bits":
        assert not flipped[~missed].any()
        assert np.all((e * signs)[flipped] > 0)
        # No sample that misses by more is passed over, unless it has nothing to gain.
        gain = np.max(e * signs, axis=1)
        for n_flipped, n_other in itertools.product(range(n), repeat=2):
            if flipped[n_flipped].any() and missed[n_other] and gain[n_other] > 0:
                better = losses[n_other] > losses[n_flipped]
                assert flipped[n_other].any() or not better
        assert np.all((e * signs)[flipped] == np.max(e * signs, axis=1)[flipped.any(axis=1)])


def test_nothing_is_tried_twice_while_there_is_something_new():
    rng, tried = np.random.default_rng(0), set()
    signs, e = np.array([[-1.0, 1.0], [1.0, 1.0]]), np.array([[1.0, -1.0], [0.5, 0.0]])
    seen = []
    for _ in range(5):
        name, targets = choose_targets(e, signs, np.ones(2), np.array([True, True]), rng, tried)
        assert name in RULES
        assert np.any(targets * signs < 0)
        seen.append(targets.tobytes())
    assert len(set(seen)) == 5


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": -1}, "budget must be an integer >= 0"),
        ({"budget": 2.5}, "budget must be an integer >= 0"),
        ({"budget": [1, 2, 3]}, "budget must have 1 entries"),
        ({"restarts": 0}, "restarts must be an integer >= 1"),
        ({"activation": "staircase"}, "activation must be one of"),
        ({"loss": "soft_hinge"}, "loss must be one of"),
        ({"loss": "linear"}, "loss must be one of"),
        ({"output": "squared"}, "output must be one of"),
        ({"ridge": -1e-4}, "ridge must be"),
        ({"ridge": math.nan}, "ridge must be"),
        ({"decide": "separate"}, "decide must be"),
        ({"epochs": 3}, "options must be fields of RecursiveOptions"),
        ({"n_classes": 1}, "n_classes must be"),
    ],
)
def test_bad_options_are_named_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        iterate(*XOR, 2, **options)


@pytest.mark.parametrize(
    ("X", "y", "hidden", "message"),
    [
        ([[0.0], [math.inf]], [0, 1], 2, "X must"),
        ([[0.0], [1e308]], [0, 1], 2, "X must be scaled"),
        ([[0.0], [1.0]], [0, 1, 1], 2, "y must hold 2 integers"),
        ([[0.0], [1.0]], ["a", "b"], 2, "y must hold 2 integers"),
        ([[0.0], [1.0]], [-1, 1], 2, "y must hold classes from 0"),
        ([[0.0], [1.0]], [0, 1], 0, "hidden must"),
    ],
)
def test_bad_data_are_named_at_once(X, y, hidden, message):
    with pytest.raises(ValueError, match=message):
        iterate(X, y, hidden)
