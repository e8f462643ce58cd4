"""The least training error of tiny nets, against a sweep of all lines and all labellings."""

import itertools
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone.claims.claim import collect, judge
from zeroone.claims.exact.optimum import CLAIMS, best_of_many, draw_two_class_tasks
from zeroone.exact.enumeration import codes_of, enumeration_optimum, labellings
from zeroone.exact.milp import (
    Frame,
    HiddenBounds,
    Model,
    error_bound,
    hidden_bounds,
    milp_optimum,
    output_bound,
    silent_output,
)
from zeroone.exact.optimum import METHODS, optimum, verify
from zeroone.exact.problems import PROBLEMS, moons, parity, random_labels, spirals
from zeroone.exact.tiny_nets import ACTIVATIONS, Optimum, check_problem, constant_network
from zeroone.nets.mlp import ZeroOneMLP

BY_ID = {claim.id: claim for claim in CLAIMS}
PLANTED = [(claim.id, error) for claim in CLAIMS for error in claim.planted]
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
SMALL = settings(deadline=None, max_examples=30)


# -------------------------------------------------------------------------------------- claims


def verdict(claim, seed):
    return judge(claim, [collect(claim, seed, 0, claim.cases)])


@pytest.mark.parametrize("claim_id", BY_ID)
@pytest.mark.parametrize("seed", [2, 2**31])
def test_claim_holds_for_any_seed(claim_id, seed):
    result = verdict(BY_ID[claim_id], seed)
    assert result.passed, result.reason


@pytest.mark.parametrize(("claim_id", "error"), PLANTED)
def test_planted_error_is_caught(claim_id, error):
    result = verdict(BY_ID[claim_id].with_planted(error), seed=1)
    assert not result.passed
    assert "exceed" in result.reason, result.reason


@pytest.mark.parametrize("claim_id", BY_ID)
def test_claim_survives_few_instances(claim_id):
    claim = replace(BY_ID[claim_id], near=None)
    for cases in (1, 2):
        evidence = collect(claim, 3, 0, cases)
        assert np.max(evidence.excess, initial=-np.inf) <= claim.tolerance


def test_random_nets_come_near_the_optimum():
    tasks = draw_two_class_tasks(np.random.default_rng(0), 20)
    gaps = [
        best_of_many(task) - enumeration_optimum(task.X, task.y, task.hidden).bound
        for task in tasks
    ]
    assert min(gaps) == 0
    assert np.mean(gaps) < 0.5


# ------------------------------------------------------------------- an oracle for lattice points


def sweep(X):
    """Return all dichotomies (as bools) of points with small integer coordinates, p <= 2.

    Between two directions in which a pair of points changes its order, the order of all of them is
    fixed. Such directions differ by more than 1/60 here, so that a turn in steps of 1/300 misses
    no order.
    """
    angles = np.arange(0.0012345, 2 * np.pi, 1 / 300)
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    if X.shape[1] == 1:
        directions = np.array([[1.0], [-1.0]])
    found = set()
    for z in np.unique(np.round(directions @ X.T, 9), axis=0):
        for threshold in [-np.inf, *z]:
            found.add(tuple((z > threshold + 1e-7).tolist()))
    return np.array(sorted(found))


def least_errors(X, y, hidden):
    """Return the least training error of one or two units by trying everything."""
    y = np.unique(y, return_inverse=True)[1]
    classes = range(y.max() + 1)
    sides = sweep(X)
    best = len(y)
    for units in itertools.combinations_with_replacement(sides, hidden):
        code = sum(unit.astype(int) << j for j, unit in enumerate(units))
        for labels in itertools.product(classes, repeat=2**hidden):
            # Two classes on opposite corners of the square are not linear: (+ -, - +).
            if hidden == 2 and labels[0] == labels[3] != labels[1] == labels[2]:
                continue
            best = min(best, int(np.sum(np.array(labels)[code] != y)))
    return best


def test_the_sweep_finds_what_is_known_of_small_lattices():
    assert len(sweep(XOR)) == 14
    assert len(sweep(np.array([[0.0], [1], [1], [2]]))) == 6
    assert len(sweep(np.array([[0.0, 0], [1, 1], [2, 2]]))) == 6
    assert least_errors(XOR, np.array([0, 1, 1, 0]), 1) == 1
    assert least_errors(XOR, np.array([0, 1, 1, 0]), 2) == 0


@st.composite
def tiny_problems(draw, n_classes=2, largest=6, p=None):
    """Points on a lattice, repeated and collinear ones among them, and any labels."""
    p = p or draw(st.integers(1, 2))
    n = draw(st.integers(n_classes, largest))
    X = draw(st.lists(st.lists(st.integers(-2, 2), min_size=p, max_size=p), min_size=n, max_size=n))
    rest = draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n))
    return np.array(X, dtype=float), np.array([*range(n_classes), *rest])[:n]


@SMALL
@given(
    data=tiny_problems(),
    hidden=st.integers(1, 2),
    activation=st.sampled_from(ACTIVATIONS),
    method=st.sampled_from(METHODS),
)
def test_two_classes_have_the_optimum_of_trying_everything(data, hidden, activation, method):
    X, y = data
    found = optimum(X, y, hidden, activation, method=method)
    assert found.errors == found.bound == least_errors(X, y, hidden)
    assert found.proved
    assert found.gap == 0
    assert by_hand(found.network, X, y) == found.errors
    assert found.network.layer_sizes == (X.shape[1], hidden, 2)
    assert found.network.activation == activation


@SMALL
@given(data=tiny_problems(n_classes=3), method=st.sampled_from(METHODS))
def test_one_unit_has_the_optimum_of_trying_everything(data, method):
    X, y = data
    found = optimum(X, y, 1, method=method)
    assert found.errors == found.bound == least_errors(X, y, 1)


@settings(deadline=None, max_examples=12)
@given(data=tiny_problems(n_classes=3, largest=7), seed=st.integers(0, 2**32 - 1))
def test_both_ways_agree_for_three_classes_and_two_units(data, seed):
    X, y = data
    X = X + 0.1 * np.random.default_rng(seed).standard_normal(X.shape) * (seed % 2)
    milp, enumeration = milp_optimum(X, y, 2), enumeration_optimum(X, y, 2)
    assert milp.errors == milp.bound == enumeration.errors == enumeration.bound
    assert milp.proved
    assert enumeration.proved
    for found in (milp, enumeration):
        assert by_hand(found.network, X, y) == found.errors


def by_hand(network, X, y):
    """Count errors sample by sample from the weights, the first of equal scores winning."""
    off = -1.0 if network.activation == "sign" else 0.0
    wrong = 0
    for x, label in zip(X, y, strict=True):
        h = np.array(
            [
                1.0 if row @ x + b > 0 else off
                for row, b in zip(network.weights[0], network.biases[0], strict=True)
            ]
        )
        scores = [row @ h + b for row, b in zip(network.weights[1], network.biases[1], strict=True)]
        wrong += bool(network.classes[scores.index(max(scores))] != label)
    return wrong


# ------------------------------------------------------------------------------------ by hand


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("hidden", "errors"), [(1, 1), (2, 0), (3, 0)])
def test_exclusive_or(method, activation, hidden, errors):
    found = optimum(XOR, [0, 1, 1, 0], hidden, activation, method=method)
    assert (found.errors, found.bound, found.method) == (errors, errors, method)
    assert verify(found, XOR, [0, 1, 1, 0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("X", "y", "hidden", "errors"),
    [
        (np.zeros((5, 2)), [0, 1, 1, 2, 1], 2, 2),  # one point: the most frequent class
        ([[0.0], [0], [1]], ["a", "b", "b"], 3, 1),  # equal points of different classes
        ([[0.0], [1]], [7, 5], 1, 0),
        ([[0.0], [1], [2], [3]], [True, False, True, False], 2, 1),
        ([[0.0], [1], [2], [3]], [1, 0, 1, 0], 3, 0),
        ([[0.0, 5, 1], [1, 5, 2], [2, 5, 3]], [0, 1, 0], 1, 1),  # on a line in space
        ([[1e-300], [2e-300], [3e-300]], [0, 1, 0], 2, 0),
        (np.array([[1.0], [2], [3]]) + 1e9, [0, 1, 0], 2, 0),
    ],
)
def test_degenerate_data(method, X, y, hidden, errors):
    found = optimum(X, y, hidden, method=method)
    assert (found.errors, found.bound, found.proved) == (errors, errors, True)
    assert set(found.network.predict(X).tolist()) <= set(y)


def test_more_units_than_dichotomies_are_dead():
    found = enumeration_optimum([[0.0], [1]], [0, 1], 4, "step")
    codes = found.network.forward(np.array([[0.0], [1]])).activations[1]
    assert found.errors == 0
    assert not codes[:, 1:].any()


# ------------------------------------------------------------------- what is not proved says so


def test_a_time_limit_leaves_a_net_a_bound_and_a_gap():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(-1, 1, (30, 2)), rng.integers(0, 2, 30)
    found = optimum(X, y, 3, time_limit=0.3)
    assert found.status == "time limit"
    assert not found.proved
    assert found.gap == found.errors - found.bound > 0
    assert found.bound >= 0
    assert by_hand(found.network, X, y) == found.errors <= 15
    assert found.seconds < 20


def test_bounded_weights_say_nothing_of_all_nets():
    # On [-1, 1] the points are -1, -0.8 and 1: weight 10 and bias 9 divide the first two.
    X, y = [[0.0], [0.1], [1]], [0, 1, 0]
    small = milp_optimum(X, y, 2, weight_bound=5)
    assert (small.errors, small.bound, small.weight_bound, small.proved) == (1, 1, 5.0, False)
    assert not verify(small, X, y)
    assert milp_optimum(X, y, 2).errors == 0
    enough = milp_optimum(X, y, 2, weight_bound=10.1)
    assert (enough.errors, enough.weight_bound, enough.proved) == (0, None, True)
    none = milp_optimum(XOR, [0, 1, 1, 0], 2, weight_bound=0.2)
    assert (none.bound, none.proved) == (0, False)
    assert "weight_bound" in none.status


def test_nearly_dependent_points_are_not_called_dependent():
    X, y = np.array([[0, 0], [1, 1], [2, 2 + 1e-9], [3, 3]]), [0, 1, 0, 1]
    found = milp_optimum(X, y, 2)
    assert found.weight_bound == 1e3
    assert not found.proved
    assert enumeration_optimum(X, y, 2).errors == 0  # it has no bound of the weights


def test_verify_has_the_bound_proved_again():
    y = [0, 1, 1, 0]
    for method in METHODS:
        found = optimum(XOR, y, 1, method=method)
        assert verify(found, XOR, y)
        assert not verify(replace(found, errors=0, bound=0), XOR, y)
        assert not verify(replace(found, errors=2), XOR, y)
        assert not verify(replace(found, bound=2), XOR, y)
        assert not verify(replace(found, weight_bound=3.0), XOR, y)
        assert verify(replace(found, bound=0), XOR, y)  # less than what is true is true
        assert not verify(found, XOR, [0, 0, 1, 1])
        better = optimum(XOR, y, 2, method=method)
        assert not verify(replace(better, errors=1, bound=1), XOR, y)
        assert not verify(replace(found, network=better.network), XOR, y)
    worse = constant_network(check_problem(XOR, y, 1, "sign"), 1, "sign")
    wrong = Optimum(errors=2, bound=2, network=worse, seconds=0.0, method="milp")
    assert not verify(wrong, XOR, y)  # its errors are right, its bound is not


def test_verify_refuses_other_data():
    found = optimum(XOR, [0, 1, 1, 0], 1)
    with pytest.raises(ValueError, match="X and y must have 2 features and 2 classes"):
        verify(found, XOR[:, :1], [0, 1, 1, 0])
    with pytest.raises(ValueError, match="but have 2 and 3"):
        verify(found, XOR, [0, 1, 2, 0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[1.0], [np.nan]], [0, 1], 1), {}, "X must be finite"),
        (([[1.0], [1e308]], [0, 1], 1), {}, "X must have entries of at most 1e300"),
        (([1.0, 2.0], [0, 1], 1), {}, "X must have 2 axes"),
        ((XOR, [0, 1, 1], 1), {}, "y must have 4 labels"),
        ((XOR, [0, 0, 0, 0], 1), {}, "y must hold at least two classes"),
        ((XOR, [0, 1, 1, 0.5], 1), {}, "y must hold classes"),
        ((XOR, [0, 1, 1, 0], 0), {}, "hidden must be an integer >= 1"),
        ((XOR, [0, 1, 1, 0], 1.0), {}, "hidden must be an integer >= 1"),
        ((XOR, [0, 1, 1, 0], 1, "relu"), {}, "activation must be one of sign, step"),
    ],
)
def test_optimum_refuses(method, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        optimum(*arguments, **options, method=method)


def test_options_out_of_range():
    y = [0, 1, 1, 0]
    with pytest.raises(ValueError, match="method must be one of milp, enumeration"):
        optimum(XOR, y, 1, method="search")
    for limit in (0, -1, np.nan):
        with pytest.raises(ValueError, match="time_limit must be"):
            optimum(XOR, y, 1, time_limit=limit)
    with pytest.raises(ValueError, match="weight_bound must be"):
        milp_optimum(XOR, y, 1, weight_bound=0)
    with pytest.raises(ValueError, match="largest_sets must be"):
        enumeration_optimum(XOR, y, 1, largest_sets=0)
    with pytest.raises(ValueError, match=r"hidden must leave at most 5 sets .* there are 6"):
        enumeration_optimum(XOR, y, 1, largest_sets=5)
    with pytest.raises(ValueError, match="hidden must be smaller for 2 classes"):
        enumeration_optimum(XOR, y, 5)
    near = [[0, 0], [0, 1], [1, 0.5], [0.5, 0.5 + 1e-14], [0, 0.5 + 1e-14]]
    with pytest.raises(ValueError, match="X must be further from degenerate"):
        enumeration_optimum(near, [0, 1, 0, 1, 0], 1)


# --------------------------------------------------------------------------------- enumeration


@pytest.mark.parametrize(
    ("units", "n_classes", "count"), [(0, 3, 3), (1, 2, 4), (1, 3, 9), (2, 2, 14), (3, 2, 104)]
)
def test_labellings_are_as_many_as_known(units, n_classes, count):
    found = labellings(units, n_classes)
    assert found.shape == (count, 2**units)
    assert len(np.unique(found, axis=0)) == count


def test_labellings_of_three_classes_are_those_of_random_layers():
    codes = np.hstack([codes_of(2) * 2 - 1, np.ones((4, 1))])
    V = np.random.default_rng(0).standard_normal((60_000, 3, 3))
    drawn = {tuple(labels) for labels in np.argmax(V @ codes.T, axis=1).tolist()}
    # Only opposite corners against each other cannot be told apart: 3 pairs of classes, 2 ways.
    assert len(drawn) == 3**4 - 6
    assert {tuple(labels) for labels in labellings(2, 3).tolist()} == drawn


# ------------------------------------------------------------------------------------- bounds


def test_hidden_bounds_of_as_few_points_as_weights():
    # Points -1 and 1 on a line: w = (t_2 - t_1)/2, b = (t_1 + t_2)/2, at most 1 in size.
    bounds = hidden_bounds(np.array([[-1.0], [1.0]]))
    assert bounds.weights == pytest.approx(1)
    np.testing.assert_allclose(bounds.preactivations, [1, 1])
    assert bounds.complete
    # Between -1 and -0.8: w = 10, b = 9; the point 1 is then at 19.
    bounds = hidden_bounds(np.array([[-1.0], [-0.8], [1.0]]))
    assert bounds.weights == pytest.approx(10)
    np.testing.assert_allclose(bounds.preactivations, [1 + 2 / 9, 1, 19])


def test_hidden_bounds_know_what_they_do_not_know():
    points = np.random.default_rng(0).uniform(-1, 1, (40, 4))  # 658,008 subsets
    bounds = hidden_bounds(points)
    assert (bounds.weights, bounds.complete) == (1e3, False)
    np.testing.assert_allclose(bounds.preactivations, 1e3 * (1 + np.abs(points).sum(axis=1)))
    few = np.array([[-1.0], [-0.8], [1.0]])
    assert not hidden_bounds(few, 9.9).complete
    assert hidden_bounds(few, 10.1).complete


def test_a_cluster_of_points_is_not_taken_for_dependent():
    # Determinants of 1e-18, but the points are independent, and need large weights.
    cluster = np.random.default_rng(1).uniform(-1, 1, (8, 6)) * 1e-3
    cluster[0] = 1.0
    rows = np.hstack([cluster, np.ones((8, 1))])
    needed = max(
        np.abs(np.linalg.inv(np.delete(rows, left_out, axis=0))).sum(axis=1).max()
        for left_out in range(8)
    )
    assert needed > 1e4
    assert hidden_bounds(cluster).weights == pytest.approx(needed)


def test_widened_bounds():
    bounds = HiddenBounds(2.0, np.array([3.0]), True).widened(0.5)
    assert (bounds.weights, bounds.preactivations[0]) == (3.0, 4.5)
    assert HiddenBounds(2.0, np.array([3.0]), False).widened(0.5).weights == 2.0


def test_output_bounds_by_hand():
    assert output_bound(1, 2) == pytest.approx(1)
    assert output_bound(2, 2) == pytest.approx(3**1.5 / 4)
    assert output_bound(3, 2) == pytest.approx(2)  # a majority needs 2, 1, 1 and 1
    assert output_bound(2, 3) == 2
    assert output_bound(2, 6) == pytest.approx(7**7.5 / 2**10)


@SMALL
@given(data=tiny_problems(p=2), seed=st.integers(0, 2**32 - 1))
def test_a_frame_changes_no_preactivation(data, seed):
    X = np.unique(np.hstack([data[0], data[0] @ [[2.0], [1.0]] - 3]), axis=0)
    frame = Frame.of(X)
    assert np.max(np.abs(frame.points), initial=0) <= 1
    rank = np.linalg.matrix_rank(X - X[0])
    assert frame.points.shape == (len(X), rank)
    v = np.random.default_rng(seed).standard_normal((3, rank + 1))
    weights, biases = frame.layers(v)
    inside = np.hstack([frame.points, np.ones((len(X), 1))]) @ v.T
    np.testing.assert_allclose(X @ weights.T + biases, inside, atol=1e-12)


def test_error_bounds_are_never_refuted():
    sample = check_problem([[0.0], [0], [1]], [0, 1, 1], 1, "sign")
    assert sample.floor == 1
    assert error_bound(sample, -2.0, 1) == 1
    assert error_bound(sample, None, 3) == error_bound(sample, np.inf, 3) == 1
    assert error_bound(sample, -1.3, 2) == 2  # rounded up
    assert error_bound(sample, -1.0 - 1e-9, 2) == 2  # to the solver's tolerance
    assert error_bound(sample, -0.2, 2) == 1  # 3 errors, but a net makes 2


# -------------------------------------------------------------------------------------- model


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_model_is_solved_as_trying_everything_does(seed):
    rng = np.random.default_rng(seed)
    costs, A = rng.integers(-5, 6, 4), rng.integers(-3, 4, (3, 4))
    limits = rng.integers(0, 6, 3)
    model = Model()
    x = model.variables((2, 2), 0, 2, integer=True, cost=costs.reshape(2, 2)).ravel()
    for row, limit in zip(A[:2], limits, strict=False):
        model.at_most(zip(x, row, strict=True), limit)
    model.at_least(zip(x, A[2], strict=True), -limits[2])
    values = np.array(list(itertools.product(range(3), repeat=4)))
    allowed = np.all(values @ A[:2].T <= limits[:2], axis=1) & (values @ A[2] >= -limits[2])
    result = model.solve(10.0)
    assert result.fun == pytest.approx(min(values[allowed] @ costs))
    assert result.mip_dual_bound == pytest.approx(result.fun)


def test_a_model_may_mix_real_and_integer_variables():
    model = Model()
    x = model.variables((), 0, 10, integer=True, cost=-1.0)
    z = model.variables((2,), [0, 0], [0.5, np.inf], cost=-0.1)
    model.at_most([(x, 1.0), (z[0], 1.0), (z[1], 1.0)], 2.75)
    result = model.solve()
    assert result.fun == pytest.approx(-2.075)
    np.testing.assert_allclose(result.x[z].sum(), 0.75)


def test_an_impossible_model_says_so():
    model = Model()
    x = model.variables((1,), 0, 1, integer=True)
    model.at_least([(x[0], 1.0)], 2.0)
    assert model.solve().status == 2


def test_output_is_silent_inside_only(capfd):
    print("before")
    with silent_output():
        os.write(1, b"lost")
    print("after", flush=True)
    assert capfd.readouterr().out == "before\nafter\n"
    with pytest.raises(KeyError), silent_output():
        raise KeyError
    print("again", flush=True)
    assert capfd.readouterr().out == "again\n"


# ----------------------------------------------------------------------------------- problems


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_are_named_small_and_the_same_for_the_same_seed(name):
    first, second = PROBLEMS[name](3), PROBLEMS[name](3)
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.y, second.y)
    assert first.name == name
    assert len(first.X) == len(first.y) <= 16
    assert set(first.y.tolist()) == set(range(first.y.max() + 1))
    assert str(first).startswith(f"{name}: {len(first.y)} points in {first.X.shape[1]} dimensions")
    with pytest.raises(ValueError, match="seed"):
        PROBLEMS[name](-1)


def test_parity():
    X, y = parity(3)
    assert [f"{a:.0f}{b:.0f}{c:.0f} {label}" for (a, b, c), label in zip(X, y, strict=True)] == [
        "000 0", "001 1", "010 1", "011 0", "100 1", "101 0", "110 0", "111 1",
    ]  # fmt: skip
    # Unit j is on from j set bits on: the weights +1, -1, +1 count them modulo 2.
    for n in (1, 2, 3, 4):
        X, y = parity(n)
        net = ZeroOneMLP(
            [np.ones((n, n)), [[0.0] * n, [(-1.0) ** j for j in range(n)]]],
            [0.5 - np.arange(1, n + 1), [0.5, 0.0]],
        )
        np.testing.assert_array_equal(net.predict(X), y)
    for n in (2, 3):
        assert enumeration_optimum(*parity(n), n - 1).bound > 0


def test_moons_are_half_circles_with_noise():
    X, y = moons(9, np.random.default_rng(0), noise=0.0)
    assert np.bincount(y).tolist() == [5, 4]
    centre = np.column_stack([y, y / 2])
    np.testing.assert_allclose(np.linalg.norm(X - centre, axis=1), 1)
    assert np.all((X - centre)[y == 0, 1] > -1e-12)
    assert np.all((X - centre)[y == 1, 1] < 1e-12)
    moved = (
        moons(4000, np.random.default_rng(0), noise=0.3)[0]
        - moons(4000, np.random.default_rng(0), noise=0.0)[0]
    )
    assert moved.std() == pytest.approx(0.3, rel=0.05)


def test_spirals_are_each_other_turned():
    X, y = spirals(10)
    np.testing.assert_allclose(X[y == 0], -X[y == 1], atol=1e-15)
    assert np.all(np.diff(np.linalg.norm(X[y == 0], axis=1)) > 0)
    assert len(spirals(5)[1]) == 5


def test_random_labels_are_balanced():
    X, y = random_labels(11, np.random.default_rng(0), n_features=3, n_classes=3)
    assert sorted(np.bincount(y).tolist()) == [3, 4, 4]
    assert X.shape == (11, 3)
    assert np.max(np.abs(X)) <= 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: parity(0), "n_bits"),
        (lambda rng: moons(1, rng), "n_points"),
        (lambda rng: spirals(1), "n_points"),
        (lambda rng: random_labels(2, rng, n_classes=3), "n_points"),
        (lambda rng: random_labels(2, rng, n_classes=1), "n_classes"),
        (lambda rng: random_labels(2, rng, n_features=0), "n_features"),
    ],
)
def test_problems_refuse(make, message):
    with pytest.raises(ValueError, match=f"{message} must be an integer"):
        make(np.random.default_rng(0))
