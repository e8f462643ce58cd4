"""Separability against rational arithmetic, brute force and a general-purpose optimiser."""

import itertools
from dataclasses import replace
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from zeroone.activations import sign, step
from zeroone.claims import Kind
from zeroone.claims.claim import collect, judge
from zeroone.claims.exact.separability import (
    CLAIMS,
    KINDS,
    certificate_exists,
    dichotomies_by_hyperplanes,
    draw_points,
    hull_distance,
)
from zeroone.exact.alternatives import (
    METHODS,
    by_least_squares,
    by_linear_program,
    certificate_residual,
    decide,
    least_slack,
    rounding_bound,
    standardise,
)
from zeroone.exact.dichotomies import cover_count, dichotomies
from zeroone.exact.hulls import affine_minimiser, nearest_points
from zeroone.exact.separability import (
    fraction_infeasible,
    ho_kashyap,
    layer_feasibility,
    separate,
    verify,
)

BY_ID = {claim.id: claim for claim in CLAIMS}
PLANTED = [(claim.id, error) for claim in CLAIMS for error in claim.planted]
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
SMALL = settings(deadline=None, max_examples=60)


# -------------------------------------------------------------------------------------- claims


def verdict(claim, seed, cases=None):
    return judge(claim, [collect(claim, seed, 0, cases or claim.cases)])


@pytest.mark.parametrize("claim_id", BY_ID)
@settings(deadline=None, max_examples=2)
@given(seed=st.integers(0, 2**32 - 1))
def test_claim_holds_for_any_seed(claim_id, seed):
    result = verdict(BY_ID[claim_id], seed)
    assert result.passed, result.reason


@pytest.mark.parametrize(("claim_id", "error"), PLANTED)
def test_planted_error_is_caught(claim_id, error):
    result = verdict(BY_ID[claim_id].with_planted(error), seed=1)
    assert not result.passed
    caught = ("exceed", "no counterexample", "no numbers")
    assert any(word in result.reason for word in caught), result.reason


@pytest.mark.parametrize("claim_id", BY_ID)
def test_claim_survives_few_instances(claim_id):
    claim = replace(BY_ID[claim_id], near=None)
    for cases in (1, 2, 5):
        evidence = collect(claim, 3, 0, cases)
        if claim.kind is not Kind.COUNTEREXAMPLE:
            assert np.max(evidence.excess, initial=-np.inf) <= claim.tolerance


def test_samples_have_all_kinds_and_both_signs():
    drawn = draw_points(np.random.default_rng(0), 70)
    assert {points.kind for points in drawn} == set(KINDS)
    assert all({-1.0, 1.0} <= set(points.targets) for points in drawn)
    assert any(0.0 in points.targets for points in drawn)
    assert {points.scale for points in drawn} >= {1.0, 2.0**-500, 2.0**500}
    answers = [certificate_exists(points.plain, points.targets) for points in drawn]
    assert 10 < sum(answers) < 60


# ------------------------------------------------------------------------------ rational oracle


def null_vector(rows):
    """Return the one null vector (up to scale) of sum_n lam_n rows_n = 0, or None; in Fractions."""
    matrix = [[Fraction(row[i]) for row in rows] for i in range(len(rows[0]))]
    pivots = []
    for column in range(len(rows)):
        at = next((i for i in range(len(pivots), len(matrix)) if matrix[i][column]), None)
        if at is None:
            continue
        k = len(pivots)
        matrix[k], matrix[at] = matrix[at], matrix[k]
        matrix[k] = [value / matrix[k][column] for value in matrix[k]]
        for i, row in enumerate(matrix):
            if i != k and row[column]:
                matrix[i] = [a - row[column] * b for a, b in zip(row, matrix[k], strict=True)]
        pivots.append(column)
    free = [column for column in range(len(rows)) if column not in pivots]
    if len(free) != 1:
        return None
    vector = [Fraction(0)] * len(rows)
    vector[free[0]] = Fraction(1)
    for i, column in enumerate(pivots):
        vector[column] = -matrix[i][free[0]]
    return vector


def exactly_separable(X, t):
    """Decide by rational arithmetic: no minimal subset has a certificate."""
    rows = [
        [target * value for value in (*map(Fraction, x), Fraction(1))]
        for x, target in zip(X.tolist(), t.astype(int).tolist(), strict=True)
        if target
    ]
    for size in range(2, X.shape[1] + 3):
        for subset in itertools.combinations(rows, size):
            vector = null_vector(list(subset))
            if vector and (all(v > 0 for v in vector) or all(v < 0 for v in vector)):
                return False
    return True


@st.composite
def lattices(draw):
    """Points with small integer coordinates, repeated and collinear ones among them."""
    p = draw(st.integers(1, 3))
    n = draw(st.integers(1, 6))
    X = draw(st.lists(st.lists(st.integers(-2, 2), min_size=p, max_size=p), min_size=n, max_size=n))
    t = draw(st.lists(st.sampled_from([-1, 1, 1, -1, 0]), min_size=n, max_size=n))
    return np.array(X, dtype=float), np.array(t, dtype=float)


@SMALL
@given(data=lattices(), method=st.sampled_from(sorted(METHODS)))
def test_answers_are_those_of_rational_arithmetic(data, method):
    X, t = data
    found = separate(X, t, method=method)
    assert found.separable is exactly_separable(X, t)
    assert verify(found, X, t)


@SMALL
@given(
    data=lattices(),
    scale=st.sampled_from([1e-290, 1e-20, 1.0, 3e7, 1e290]),
    units=st.sampled_from([1.0, 1e-4, 1e4]),
    offset=st.sampled_from([0.0, 1.0, 1e5]),
)
def test_units_and_offsets_do_not_matter(data, scale, units, offset):
    X, t = data
    moved = X.copy()
    moved[:, 0] = moved[:, 0] * units
    moved = (moved + offset) * scale
    plain = moved / scale - offset  # what the rounding has left of it
    if not np.array_equal(plain[:, 0] / units, X[:, 0]):
        return
    found = separate(moved, t)
    assert found.separable is exactly_separable(X, t)
    assert verify(found, moved, t)


@SMALL
@given(data=lattices(), direction=st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_no_hyperplane_beats_the_bound(data, direction):
    X, t = data
    found = separate(X, t)
    w, b = np.array(direction[: X.shape[1]]), direction[3]
    length = np.linalg.norm(w)
    if found.certificate is None or length < 1e-3:
        return
    margin = np.min((t * (X @ w + b))[t != 0]) / length
    assert margin <= found.bound + 1e-12
    assert found.margin <= found.bound + 1e-12


@SMALL
@given(data=lattices(), activation=st.sampled_from([step, sign]))
def test_the_hyperplane_does_what_the_targets_say(data, activation):
    X, t = data
    found = separate(X, t)
    if found.separable:
        values = activation(X @ found.weights + found.bias)
        np.testing.assert_array_equal((values > 0)[t != 0], (t > 0)[t != 0])


# ------------------------------------------------------------------------------------ by hand


@pytest.mark.parametrize("method", METHODS)
def test_exclusive_or_has_the_certificate_of_a_quarter_each(method):
    found = separate(XOR, [-1, 1, 1, -1], method=method)
    assert found.separable is False
    assert found.weights is None
    assert found.margin == 0
    assert np.isnan(found.gap)
    np.testing.assert_allclose(found.certificate, 0.25)
    assert found.residual < 1e-15


@pytest.mark.parametrize("method", METHODS)
def test_or_has_the_diagonal(method):
    found = separate(XOR, [-1, 1, 1, 1], method=method)
    np.testing.assert_allclose(found.weights, np.sqrt([0.5, 0.5]))
    assert found.bias == pytest.approx(-np.sqrt(0.5) / 2)
    assert found.margin == pytest.approx(np.sqrt(2) / 4)
    assert found.bound == pytest.approx(np.sqrt(2) / 4)
    np.testing.assert_allclose(found.certificate, [0.5, 0.25, 0.25, 0], atol=1e-15)
    assert abs(found.gap) < 1e-14


def test_features_of_very_different_size_give_no_warning():
    X = np.array([[1e300, 0.0], [-1e300, 1], [1e300, 2], [0, 3]])
    assert verify(separate(X, [1, -1, -1, 1]), X, [1, -1, -1, 1])
    separate(X, [1, 1, -1, 1])


def test_equal_points_with_other_targets():
    found = separate([[3.0, 1], [0, 0], [3, 1]], [1, 1, -1])
    assert found.separable is False
    np.testing.assert_allclose(found.certificate, [0.5, 0, 0.5], atol=1e-15)


@pytest.mark.parametrize(
    ("targets", "bias"),
    [([1, 1, 1], 1.0), ([-1, -1, -1], -1.0), ([0, 1, 0], 1.0), ([0, 0, 0], 0.0)],
)
def test_equal_targets_need_no_direction(targets, bias):
    X = [[1.0, 2], [1, 2], [3, 4]]
    found = separate(X, targets)
    assert found.separable is True
    assert found.margin == found.bound == np.inf
    assert found.gap == 0
    assert found.bias == bias
    assert not found.weights.any()
    assert verify(found, X, targets)


def test_one_sample():
    assert separate([[5.0]], [-1]).separable is True


def test_samples_that_are_not_cared_for_do_not_count():
    found = separate(XOR, [-1, 1, 1, 0])
    assert found.separable is True
    assert found.certificate[3] == 0
    assert separate(np.vstack([XOR, [[9.0, 9]]]), [-1, 1, 1, -1, 0]).certificate[4] == 0


def test_constant_features_get_no_weight():
    X = np.array([[1e8, 0.0], [1e8, 1.0], [1e8, 3.0]])
    found = separate(X, [-1, 1, 1])
    np.testing.assert_allclose(found.weights, [0, 1])
    assert found.margin == pytest.approx(0.5)


def test_features_of_very_different_size_say_what_the_gap_is():
    X = XOR * [1e-9, 1e9]
    t = [-1, -1, 1, 1]  # only the tiny feature separates
    found = separate(X, t)
    assert found.separable is True
    assert found.margin == pytest.approx(0.5e-9)
    assert found.gap < 1e-9
    assert verify(found, X, t)


def test_near_degenerate_margins_are_resolved():
    for gap in (1e-6, 1e-9, 1e-12):
        X = np.array([[0, 0], [0, 1], [0, 0.5 + gap], [0, 0.5 - gap], [1, 1], [1, 0]])
        t = np.array([-1, 1, 1, -1, 1, -1])
        found = separate(X, t)
        assert found.separable is True
        assert found.margin == pytest.approx(gap, rel=1e-3)
        t[2:4] *= -1
        assert separate(X, t).separable is False


def test_what_double_precision_cannot_tell_is_not_guessed():
    # One point in the middle of two others, but for a few roundings.
    X = np.array([[0, 0], [0, 1], [1, 0.5], [0.5, 0.5 + 1e-14], [0, 0.5 + 1e-14]])
    found = separate(X, [-1, 1, -1, 1, -1])
    assert found.separable is None
    assert found.weights is None
    assert found.certificate is None
    assert 1e-15 < found.residual < 1e-13
    assert found.slack < rounding_bound(3)
    assert not verify(found, X, [-1, 1, -1, 1, -1])


@pytest.mark.parametrize("offset", [1e14, 1e15])
def test_a_hyperplane_that_drowns_in_rounding_is_not_claimed(offset):
    found = separate(XOR + offset, [-1, 1, 1, 1])
    assert found.separable is None
    assert found.slack > 0.1  # they are separable, as integers show


@pytest.mark.parametrize("p", [1, 2, 5])
def test_few_points_in_general_position_are_always_separable(p):
    X = np.random.default_rng(p).standard_normal((p + 1, p))
    for t in itertools.product([-1, 1], repeat=p + 1):
        assert separate(X, t).separable is True


def test_any_hyperplane_has_no_bound():
    found = separate(XOR, [-1, 1, 1, 1], largest_margin=False)
    assert found.bound == np.inf
    assert found.certificate is None
    assert found.gap == 1
    assert 0 < found.margin <= np.sqrt(2) / 4 + 1e-15
    assert verify(found, XOR, [-1, 1, 1, 1])


@pytest.mark.parametrize(
    ("X", "targets", "options", "message"),
    [
        ([[1.0], [np.nan]], [1, -1], {}, "X must be finite"),
        ([[1.0], [1e308]], [1, -1], {}, "X must have entries of at most 1e300"),
        ([1.0, 2.0], [1, -1], {}, "X must have 2 axes"),
        (XOR, [1, -1, 1], {}, "targets must have shape"),
        (XOR, [1, -1, 1, 2], {}, "targets must hold -1, 0 and"),
        (XOR, [1, -1, 1, 0.5], {}, "targets must hold -1, 0 and"),
        (XOR, np.eye(4), {}, "targets must have 1 axes"),
        (XOR, [1, -1, 1, 1], {"method": "simplex"}, "method must be one of"),
    ],
)
def test_separate_refuses(X, targets, options, message):
    with pytest.raises(ValueError, match=message):
        separate(X, targets, **options)


# ------------------------------------------------------------------------------------- verify


@pytest.mark.parametrize(
    "change",
    [
        {"separable": None},
        {"separable": False},
        {"weights": None},
        {"weights": np.array([1.0])},
        {"weights": np.array([-1.0, 0.0])},
        {"bias": 0.0},
        {"bias": None},
        {"margin": 0.36},
        {"margin": np.inf},
        {"bound": 0.3},
        {"bound": 0.4},
        {"certificate": np.array([0.5, 0.5, 0.25, -0.25])},
        {"certificate": np.array([1.0, 0.5, 0.5, 0])},
        {"certificate": np.array([0.5, 0.5, 0, 0])},
        {"certificate": np.array([0.5, 0.5])},
        {"certificate": None},
    ],
)
def test_verify_refuses_a_changed_separation(change):
    t = [-1, 1, 1, 1]
    found = separate(XOR, t)
    assert verify(found, XOR, t)
    assert not verify(replace(found, **change), XOR, t)


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        np.array([0.5, 0.5, 0, 0]),
        np.array([0.25, 0.25, 0.25, 0.25 + 1e-9]),
        np.array([0.5, 0.5, 0.5, 0.5]),
        np.array([0.5, 0.25, 0.25, 0]),
        np.zeros(4),
    ],
)
def test_verify_refuses_a_wrong_certificate(certificate):
    t = [-1, 1, 1, -1]
    found = separate(XOR, t)
    assert not verify(replace(found, certificate=certificate), XOR, t)
    assert not verify(replace(found, separable=True), XOR, t)


def test_verify_knows_whose_targets_they_are():
    found = separate(XOR, [-1, 1, 1, -1])
    assert verify(found, XOR, [1, -1, -1, 1])  # the same points in both hulls
    assert not verify(found, XOR, [1, -1, 1, -1])
    assert not verify(found, XOR, [-1, 1, 1, 0])


# ------------------------------------------------------------------------------- largest margin


def slsqp_margin(X, t):
    """Return 1/|w| at the minimum of |w|^2/2 with t (w.x + b) >= 1, by a general optimiser."""
    start = np.append(10 * (X[t > 0].mean(axis=0) - X[t < 0].mean(axis=0)), 0.0)
    rows = t[:, np.newaxis] * np.hstack([X, np.ones((len(X), 1))])
    result = minimize(
        lambda v: v[:-1] @ v[:-1] / 2,
        start,
        jac=lambda v: np.append(v[:-1], 0.0),
        constraints={"type": "ineq", "fun": lambda v: rows @ v - 1, "jac": lambda v: rows},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert result.success
    return 1 / np.linalg.norm(result.x[:-1])


@pytest.mark.parametrize("seed", range(8))
def test_margin_is_that_of_a_general_optimiser(seed):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(4, 30)), int(rng.integers(1, 8))
    X = rng.standard_normal((n, p))
    direction = rng.standard_normal(p)
    t = np.where(X @ direction > 0, 1.0, -1.0)
    t[:2] = 1.0, -1.0
    X = X + t[:, np.newaxis] * 3 * direction / np.linalg.norm(direction)
    found = separate(X, t)
    assert found.margin == pytest.approx(slsqp_margin(X, t), rel=1e-5)
    assert abs(found.gap) < 1e-12


def test_the_conditions_for_a_minimum_hold():
    rng = np.random.default_rng(7)
    X = rng.standard_normal((60, 6))
    t = np.where(X[:, 0] > 0, 1.0, -1.0)
    found = separate(X, t)
    lam = found.certificate
    z = t * (X @ found.weights + found.bias)
    assert z.min() == pytest.approx(found.margin, rel=1e-13)
    np.testing.assert_allclose(z[lam > 1e-12], found.margin, rtol=1e-9)  # complementarity
    np.testing.assert_allclose((lam * t) @ X, found.bound * found.weights, atol=1e-13)
    assert lam @ t == pytest.approx(0, abs=1e-15)
    assert lam.sum() == pytest.approx(1, abs=1e-15)


def test_nearest_points_of_segments():
    # A vertex against the inside of an edge, at distance 2.
    P, Q = np.array([[0.0, 2], [5, 7]]), np.array([[-3.0, 0], [1, 0]])
    found = nearest_points(P, Q)
    np.testing.assert_allclose(found.first, [1, 0], atol=1e-15)
    np.testing.assert_allclose(found.second, [0.25, 0.75])
    np.testing.assert_allclose(found.difference, [0, 2], atol=1e-15)
    np.testing.assert_allclose(found.normal, [0, 1], atol=1e-15)
    assert found.lower_bound == pytest.approx(2)


def test_nearest_points_of_hulls_that_meet():
    found = nearest_points(np.array([[0.0, 0], [1, 1]]), np.array([[0.0, 1], [1, 0]]))
    assert np.linalg.norm(found.difference) < 1e-15
    assert found.lower_bound <= 1e-15


@SMALL
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    p=st.integers(1, 3),
    repeat=st.booleans(),
)
def test_distance_of_hulls_is_that_of_all_faces(seed, sizes, p, repeat):
    rng = np.random.default_rng(seed)
    P, Q = rng.standard_normal((sizes[0], p)), rng.standard_normal((sizes[1], p)) + 3
    if repeat:
        P, Q = np.vstack([P, P]), np.vstack([Q, Q[:1]])
    found = nearest_points(P, Q)
    length = np.linalg.norm(found.difference)
    np.testing.assert_allclose(found.first @ P - found.second @ Q, found.difference, atol=1e-14)
    assert found.lower_bound <= length + 1e-14
    if found.lower_bound > 1e-6:
        assert length == pytest.approx(hull_distance(P, Q), rel=1e-10)
        assert found.lower_bound == pytest.approx(length, rel=1e-10)


def test_affine_minimiser():
    np.testing.assert_allclose(affine_minimiser(np.array([[1.0, 0], [0, 1]])), [0.5, 0.5])
    np.testing.assert_allclose(affine_minimiser(np.array([[2.0, 5]])), [1])
    # Outside of the segment: one weight is negative.
    np.testing.assert_allclose(affine_minimiser(np.array([[1.0, 1], [2, 1]])), [2, -1])


def test_hull_distance_oracle():
    corner = np.array([[0.0, 0]])
    assert hull_distance(corner, np.array([[3.0, 4]])) == pytest.approx(5)
    assert hull_distance(corner, np.array([[1.0, -1], [1, 5]])) == pytest.approx(1)
    assert hull_distance(np.array([[0.0, 0], [0, 1]]), np.array([[2.0, 3], [2, -3]])) == (
        pytest.approx(2)
    )


# -------------------------------------------------------------------------------- alternatives


@pytest.mark.parametrize("method", METHODS)
def test_slack_is_at_most_the_residual(method):
    rng = np.random.default_rng(0)
    for _ in range(30):
        A = rng.standard_normal((int(rng.integers(1, 12)), 3)) * [1, 1e-6, 1e6]
        answer = decide(A, method)
        assert answer.solvable is not None
        lam = rng.random(len(A))
        v = rng.standard_normal(3) * [1, 1e6, 1e-6]
        assert least_slack(A, v) <= certificate_residual(A, lam)
        assert answer.slack <= certificate_residual(A, lam)
        assert least_slack(A, v) <= answer.residual


def test_bad_candidates_prove_nothing():
    A = np.array([[1.0, 2], [3, 4]])
    assert least_slack(A, np.zeros(2)) == -np.inf
    assert least_slack(A, np.array([np.inf, 1])) == -np.inf
    assert certificate_residual(A, np.zeros(2)) == np.inf
    assert certificate_residual(A, np.array([1.0, -1])) == np.inf
    assert certificate_residual(A, np.array([np.nan, 1])) == np.inf


def test_the_linear_program_has_the_least_total_violation():
    # Three points of a line, the middle one of the other kind: one violation of 2 is the least.
    A = np.array([[0.0, -1], [1, 1], [-2, -1]])
    v, lam = by_linear_program(A)
    np.testing.assert_allclose(lam / lam.sum(), [0.25, 0.5, 0.25], atol=1e-12)
    assert np.maximum(1 - A @ v, 0).sum() == pytest.approx(2)


def test_both_solvers_find_the_same_proof_where_it_is_unique():
    for solver in (by_least_squares, by_linear_program):
        _, lam = solver(np.array([[1.0, 0], [-1, 1], [-1, -1]]))
        np.testing.assert_allclose(lam / lam.sum(), [0.5, 0.25, 0.25], atol=1e-12)


def test_an_exhausted_solver_is_replaced_by_the_other(monkeypatch):
    def exhausted(*_):
        raise RuntimeError("Maximum number of iterations reached.")

    monkeypatch.setattr("zeroone.exact.alternatives.nnls", exhausted)
    assert by_least_squares(XOR) == (None, None)
    assert separate(XOR, [-1, 1, 1, -1]).separable is False
    assert separate(XOR, [-1, 1, 1, 1]).separable is True


def test_standardise():
    X = np.array([[1e300, 5.0, 1e-310], [-1e300, 5.0, 3e-310]])
    data = standardise(X)
    np.testing.assert_allclose(data.X, [[1, 0, -1], [-1, 0, 1]], rtol=1e-12)
    np.testing.assert_array_equal(data.varies, [True, False, True])
    assert data.scale == 1e300
    np.testing.assert_allclose(data.isotropic[:, 0], [1, -1])
    assert standardise(np.array([[4.0], [4.0]])).scale == 1


# -------------------------------------------------------------------------------- dichotomies


@pytest.mark.parametrize(("n", "count"), [(1, 4), (2, 14), (3, 104), (4, 1882)])
def test_threshold_functions_of_bits(n, count):
    found = dichotomies(list(itertools.product([0, 1], repeat=n)))
    assert len(found) == len(np.unique(found, axis=0)) == count


@settings(deadline=None, max_examples=25)
@given(data=lattices())
def test_dichotomies_are_the_separable_targets(data):
    X, _ = data
    known = [
        t for t in itertools.product([-1, 1], repeat=len(X)) if exactly_separable(X, np.array(t))
    ]
    found = dichotomies(X)
    assert found.dtype == np.int8
    assert found.tolist() == [list(t) for t in known]  # and in lexicographic order
    assert len(found) <= cover_count(*X.shape)


@pytest.mark.parametrize(("n", "p"), [(1, 1), (2, 3), (6, 1), (7, 2), (8, 3), (5, 6)])
def test_cover(n, p):
    X = np.random.default_rng(n).standard_normal((n, p))
    assert len(dichotomies(X)) == cover_count(n, p)
    if n > p:
        assert {tuple(t) for t in dichotomies(X).tolist()} == dichotomies_by_hyperplanes(X)


@given(n=st.integers(2, 40), p=st.integers(2, 12))
def test_cover_obeys_its_recursion(n, p):
    # A new point splits the dichotomies that a hyperplane through it realises on the others.
    assert cover_count(n, p) == cover_count(n - 1, p) + cover_count(n - 1, p - 1)
    assert cover_count(1, p) == 2
    assert cover_count(2 * (p + 1), p) == 2 ** (2 * p + 1)  # half of all, at twice the weights


def test_cover_is_exact_for_large_numbers():
    assert cover_count(300, 400) == 2**300
    assert cover_count(100, 50) == 2 * sum(comb(99, i) for i in range(51))


@pytest.mark.parametrize("arguments", [(0, 1), (1, 0), (2.0, 1), (3, True)])
def test_cover_refuses(arguments):
    with pytest.raises(ValueError, match=r"n_points|n_features"):
        cover_count(*arguments)


def test_collinear_points_have_those_of_a_line():
    X = np.outer([0, 1, 2, 5], [1.0, 2.0])
    assert len(dichotomies(X)) == cover_count(4, 1) == 8 < cover_count(4, 2)


def test_dichotomies_refuse_what_they_cannot_decide():
    X = [[0, 0], [0, 1], [1, 0.5], [0.5, 0.5 + 1e-14], [0, 0.5 + 1e-14]]
    with pytest.raises(ValueError, match="X must be further from degenerate"):
        dichotomies(X)


# ------------------------------------------------------------------------------- whole layers


@SMALL
@given(data=lattices(), seed=st.integers(0, 2**32 - 1), iterations=st.sampled_from([0, 1, 30]))
def test_a_layer_is_its_units(data, seed, iterations):
    X, _ = data
    rng = np.random.default_rng(seed)
    T = rng.choice([-1, 0, 1], (len(X), 4), p=[0.4, 0.2, 0.4])
    found = layer_feasibility(X, T, iterations=iterations)
    known = np.array([not exactly_separable(X, t) for t in T.T])
    np.testing.assert_array_equal(found.infeasible, known)
    assert not found.undecided.any()
    assert found.fraction_units == known.mean() == fraction_infeasible(X, T)
    for unit, each in enumerate(found.separations):
        assert verify(each, X, T[:, unit])
    assert not found.violated[T == 0].any()
    np.testing.assert_array_equal(found.violated.any(axis=0), known)
    pairs = np.count_nonzero(T)
    assert found.fraction_pairs == (found.violated.sum() / pairs if pairs else 0)


def test_violations_are_few():
    # The corner of three equal targets may be given up for the others: one violation is enough.
    X = np.array([[0.0], [1], [2], [3], [4], [5]])
    found = layer_feasibility(X, np.array([[1, 1, -1, 1, 1, 1]]).T)
    np.testing.assert_array_equal(np.flatnonzero(found.violated), [2])
    assert found.fraction_pairs == pytest.approx(1 / 6)


def test_a_sample_next_to_a_hyperplane_of_large_weights_is_missed(monkeypatch):
    # Of -w + b only 2^-30 is left, no more than rounding of terms of 2^20 explains.
    v = np.array([2.0**20, 2.0**20 + 2.0**-30])
    monkeypatch.setattr("zeroone.exact.separability.by_linear_program", lambda rows: (v, None))
    found = layer_feasibility(np.array([[0.0], [1], [2]]), np.array([[1, -1, 1]]).T)
    np.testing.assert_array_equal(found.violated[:, 0], [True, True, False])


@pytest.mark.parametrize(
    ("targets", "missed"),
    [
        ([1, 1, -1, 1], [False, False, True, False]),
        ([-1, 1, -1, -1], [False, True, False, False]),
        ([1, -1, 1, -1], [True, True, True, True]),
    ],
)
def test_without_a_solution_the_sign_of_most_targets_counts(monkeypatch, targets, missed):
    monkeypatch.setattr("zeroone.exact.separability.by_linear_program", lambda rows: (None, None))
    found = layer_feasibility(np.array([[0.0], [1], [2], [3]]), np.array([targets]).T)
    np.testing.assert_array_equal(found.violated[:, 0], missed)


def test_no_violations_unless_asked_for():
    found = layer_feasibility(XOR, [[1], [-1], [-1], [1]], violations=False)
    assert found.violated is None
    with pytest.raises(ValueError, match="violations must be True"):
        found.fraction_pairs  # noqa: B018


def test_largest_margins_of_a_layer():
    T = np.array([[-1, 1, 1, 1], [-1, -1, -1, 1]]).T
    found = layer_feasibility(XOR, T, largest_margin=True)
    for each in found.separations:
        assert each.margin == pytest.approx(np.sqrt(2) / 4)


def test_as_many_samples_as_weights_are_met_by_one_fit():
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((9, 8)), rng.choice([-1.0, 1.0], (9, 20))
    V = ho_kashyap(X, T, 0)
    np.testing.assert_allclose(np.hstack([X, np.ones((9, 1))]) @ V.T, T, atol=1e-9)
    assert fraction_infeasible(X, T) == 0


def test_ho_kashyap_meets_separable_targets():
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, (40, 3))
    T = np.where(X @ rng.standard_normal((3, 6)) > 0.2, 1.0, -1.0)
    Z = np.hstack([X, np.ones((40, 1))]) @ ho_kashyap(X, T, 3000).T
    assert np.all(T * Z > 0)


@pytest.mark.parametrize(
    ("T", "options", "message"),
    [
        ([1, -1, 1, 1], {}, "T must have 2 axes"),
        ([[1], [-1]], {}, "T must have shape"),
        ([[1], [-1], [3], [1]], {}, "T must hold"),
        ([[1], [-1], [1], [1]], {"iterations": -1}, "iterations must be"),
    ],
)
def test_layer_refuses(T, options, message):
    with pytest.raises(ValueError, match=message):
        layer_feasibility(XOR, T, **options)
