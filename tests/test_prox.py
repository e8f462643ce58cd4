"""Proximal maps against brute force in exact rational arithmetic.

The check compares objectives, not minimisers, so that it is fair at ties; which of two tied points
is taken is checked apart from that. Every number that reaches the oracle is a float, hence a
rational, so the oracle's objective has no rounding error at all, whatever the scale.
"""

import doctest
import math
import pickle
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zeroone import penalties as prox
from zeroone.penalties import (
    L0,
    L1,
    MCP,
    PENALTIES,
    SCAD,
    GroupL20,
    Penalty,
    TransformedL1,
    get_penalty,
    group_hard_threshold,
    hard_threshold,
    soft_threshold,
    transformed_l1_threshold,
)

SMALLEST = 5e-324
quick = settings(deadline=None, max_examples=60)


# --- the penalties of one number, and the check -----------------------------------------------


def l1(u: Fraction) -> Fraction:
    return abs(u)


def l0(u: Fraction) -> Fraction:
    return Fraction(u != 0)


def rho(a: float) -> Callable[[Fraction], Fraction]:
    exact = Fraction(a)
    return lambda u: (exact + 1) * abs(u) / (exact + abs(u))


def brute_force(objective: Callable[[Fraction], Fraction], x: Fraction) -> Fraction:
    """Return the least objective over 0, x, a grid past both, and a golden section at its best."""

    def at(v: float) -> Fraction:
        return objective(x * Fraction(v))

    grid = np.linspace(-0.25, 1.25, 49).tolist()
    best = min(grid, key=at)
    low, high = best - 1 / 32, best + 1 / 32
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if at(left) < at(right):
            high = right
        else:
            low = left
    return min(at(v) for v in (0.0, 1.0, best, low, high))


def assert_minimises(
    function: Callable[[float, float], np.ndarray],
    penalty: Callable[[Fraction], Fraction],
    x: float,
    t: float,
    eps: float = 2.0**-52,
) -> None:
    """Assert that function(x, t) minimises t penalty(u) + 1/2 (u - x)^2, up to rounding.

    The allowance: a threshold that is off by a few roundings may take the wrong side of a tie, and
    a minimiser that is off by one rounding (or two of the smallest number) costs its square.
    """
    u = Fraction(float(function(x, t)))
    x_exact, t_exact = Fraction(float(x)), Fraction(t)

    def objective(u: Fraction) -> Fraction:
        return t_exact * penalty(u) + (u - x_exact) ** 2 / 2

    allowance = (
        Fraction(4e-15) * min(objective(Fraction(0)), objective(x_exact))
        + (Fraction(eps) * x_exact) ** 2
        + (2 * Fraction(SMALLEST)) ** 2
    )
    assert objective(u) <= brute_force(objective, x_exact) + allowance


# --- arguments: ties, zeros, both branches, tiny and huge -------------------------------------


def beside(number: float) -> list[float]:
    return [number, float(np.nextafter(number, 0)), float(np.nextafter(number, math.inf))]


magnitudes = st.one_of(
    st.sampled_from([SMALLEST, 3 * SMALLEST, 1e-310, 1e-150, 1.0, 3.0, 0.1, 1e150, 1e300]),
    st.floats(-3, 3).map(lambda power: 10.0**power),
    st.floats(-150, 150).map(lambda power: 10.0**power),
)
signs = st.sampled_from([1.0, -1.0])
signed = st.builds(math.copysign, st.one_of(st.just(0.0), magnitudes), signs)
factors = st.one_of(st.sampled_from([0.5, 1.0, 2.0]), st.floats(1e-3, 1e3))
# a = 2^k - 1 has its branch point t = a^2 / (2 (a+1)) exactly in floating point.
shapes = st.one_of(
    st.integers(1, 20).map(lambda k: 2.0**k - 1),
    st.sampled_from([1e-300, 1e-8, 0.5, 2.0, 1e8, 1e16, 1e300]),
    st.floats(-6, 6).map(lambda power: 10.0**power),
)


def finite(number: float) -> bool:
    return 0 <= number < math.inf


@st.composite
def level_cases(draw: st.DrawFn) -> tuple[float, float]:
    """Draw (x, t): t is 0, at the tie of l1 or l0 for this x, next to it, or of its order."""
    x = draw(signed)
    tie = draw(st.sampled_from([0.0, abs(x), 0.5 * abs(x) * abs(x) if abs(x) < 1e150 else 1e300]))
    t = draw(st.one_of(st.sampled_from(beside(tie)), factors.map(lambda f: f * tie), magnitudes))
    assume(finite(t))
    return x, t


def threshold_of_rho(t: float, a: float) -> float:
    """Return the threshold as printed; inf or nan at extremes, which the strategy drops."""
    if t <= a * (a / (2 * (a + 1))):
        return t * ((a + 1) / a)
    return math.sqrt(2 * t) * math.sqrt(a + 1) - a / 2


@st.composite
def rho_cases(draw: st.DrawFn) -> tuple[float, float, float]:
    """Draw (x, t, a): t at or beside the branch point, on either side, or 0; x at or beside tau."""
    a = draw(shapes)
    branch = a * (a / (2 * (a + 1)))
    t = draw(
        st.one_of(
            st.sampled_from(beside(branch)),
            factors.map(lambda f: f * branch),
            st.just(0.0),
            magnitudes,
        )
    )
    assume(finite(t))
    tau = threshold_of_rho(t, a)
    assume(finite(tau))
    x = draw(
        st.one_of(
            st.sampled_from(beside(tau)), factors.map(lambda f: f * tau), magnitudes, st.just(0)
        )
    )
    assume(finite(x))
    return math.copysign(x, draw(signs)), t, a


@st.composite
def group_cases(draw: st.DrawFn) -> tuple[np.ndarray, float]:
    """Draw a matrix whose rows have norms 0, exactly sqrt(2 t) or other, at any scale; and t."""
    triples = [(3, 4, 0), (1, 2, 2), (6, 3, 2), (0, 0, 5), (1, 1, 1), (0, 0, 0)]
    rows = draw(st.lists(st.sampled_from(triples), min_size=1, max_size=4))
    scale = 2.0 ** draw(st.sampled_from([-1060, -500, -30, 0, 1, 30, 500, 1000]))
    norm = draw(st.sampled_from([0, 3, 5, 7]))
    t = norm * scale * (norm * scale / 2) if scale <= 2.0**500 else 1e300
    return np.array(rows, float) * scale, t


def mcp(gamma: float) -> Callable[[Fraction], Fraction]:
    """Return |u| - u^2/(2 gamma), which is gamma/2 beyond gamma."""
    g = Fraction(gamma)
    return lambda u: abs(u) - u * u / (2 * g) if abs(u) <= g else g / 2


def scad(a: float, knee: float) -> Callable[[Fraction], Fraction]:
    """Return the three pieces of the published penalty with lambda = knee, divided by lambda."""
    a_, s = Fraction(a), Fraction(knee)

    def value(u: Fraction) -> Fraction:
        u = abs(u)
        if u <= s:
            return u
        if u <= a_ * s:
            return (2 * a_ * s * u - u * u - s * s) / (2 * (a_ - 1) * s)
        return (a_ + 1) * s / 2

    return value


widths = st.one_of(
    st.sampled_from([2.0**k for k in (-30, -2, -1, 0, 1, 5)]),
    st.floats(-3, 3).map(lambda power: 10.0**power),
)
# The level in units of the one where the map begins to jump.
ratios = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 2.0, 1 - 2.0**-52, 1 + 2.0**-52]), factors)


@st.composite
def mcp_cases(draw: st.DrawFn) -> tuple[float, float, float]:
    """Draw (x, t, gamma): t below, at and above gamma, x at and beside every edge of the map."""
    gamma = draw(widths)
    t = draw(ratios) * gamma
    edges = [t, gamma, math.sqrt(t * gamma)]
    x = draw(st.one_of(*(st.sampled_from(beside(e)) for e in edges), factors.map(gamma.__mul__)))
    return draw(signs) * x, t, gamma


@st.composite
def scad_cases(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Draw (x, t, a, knee): t in all three regimes, x at and beside every edge of the map."""
    a, knee = draw(st.sampled_from([1.5, 2.0, 2.5, 3.7, 20.0])), draw(widths)
    t = draw(ratios) * draw(st.sampled_from([(a - 1) * knee, (a + 1) * knee]))
    top = (a + 1) * knee
    edges = [t, knee + t, a * knee, (t + top) / 2, math.sqrt(t * top)]
    x = draw(st.one_of(*(st.sampled_from(beside(e)) for e in edges), factors.map(knee.__mul__)))
    return draw(signs) * x, t, a, knee


# --- every map minimises its objective --------------------------------------------------------


@quick
@given(level_cases())
def test_soft_threshold_minimises(case):
    assert_minimises(soft_threshold, l1, *case)


@quick
@given(level_cases())
def test_hard_threshold_minimises(case):
    assert_minimises(hard_threshold, l0, *case)


@settings(deadline=None, max_examples=200)
@given(rho_cases())
def test_transformed_l1_threshold_minimises(case):
    x, t, a = case
    assert_minimises(lambda x, t: transformed_l1_threshold(x, t, a), rho(a), x, t)


@settings(deadline=None, max_examples=300)
@given(mcp_cases())
def test_mcp_minimises(case):
    x, t, gamma = case
    assert_minimises(MCP(gamma).prox, mcp(gamma), x, t)


@settings(deadline=None, max_examples=400)
@given(scad_cases())
def test_scad_minimises(case):
    x, t, a, knee = case
    assert_minimises(SCAD(a, knee).prox, scad(a, knee), x, t)


@pytest.mark.parametrize("side", [-1, 0, 1])
@pytest.mark.parametrize("a", [1.0, 3.0, 7.0, 1023.0])
def test_transformed_l1_threshold_at_the_branch_point(a, side):
    """At t = a^2/(2(a+1)) both thresholds are a/2; the map is continuous, but infinitely steep."""
    t = a * a / (2 * (a + 1))
    t = t if side == 0 else float(np.nextafter(t, side * math.inf))
    for x in [a / 2, *beside(a / 2), a / 2 * (1 + 1e-12), a / 2 * (1 + 1e-6), 0.6 * a, 2 * a]:
        assert_minimises(lambda x, t: transformed_l1_threshold(x, t, a), rho(a), x, t)
    at_tie = transformed_l1_threshold(a / 2, a * a / (2 * (a + 1)), a)
    assert at_tie == 0


@quick
@given(level_cases(), shapes)
def test_float32_is_rounded_once(case, a):
    with np.errstate(over="ignore"):
        x = np.float32(case[0])
    assume(np.isfinite(x))
    t = case[1]
    eps = 2.0**-23
    # Below the normal range the spacing is absolute, and much wider than float64's.
    assume(x == 0 or abs(x) > 1e-30)
    for function, penalty in (
        (soft_threshold, l1),
        (hard_threshold, l0),
        (lambda x, t: transformed_l1_threshold(x, t, a), rho(a)),
    ):
        result = function(x, t)
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, function(np.float64(x), t).astype(np.float32))
        assert_minimises(function, penalty, x, t, eps)


def assert_group_minimises(function: Callable, x: np.ndarray, t: float) -> None:
    """Assert that each row is kept or zeroed, whichever costs less; zeroed at an exact tie."""
    for row, result in zip(x, function(x, t), strict=True):
        square = sum(Fraction(value) ** 2 for value in row.tolist())
        keep = square > 2 * Fraction(t)
        if not np.array_equal(result, row if keep else np.zeros_like(row)):
            # The norm and sqrt(2 t) are rounded: the other choice must cost the same to rounding.
            assert any(row)
            assert square != 2 * Fraction(t)
            assert abs(square - 2 * Fraction(t)) < Fraction(2e-15) * square
            assert np.array_equal(result, row) or not result.any()


@quick
@given(group_cases(), st.booleans())
def test_group_hard_threshold_minimises(case, as_columns):
    x, t = case
    if as_columns:
        assert_group_minimises(lambda x, t: group_hard_threshold(x.T, t, "columns").T, x, t)
    else:
        assert_group_minimises(group_hard_threshold, x, t)


@pytest.mark.parametrize("seed", range(3))
def test_group_hard_threshold_against_all_subsets_of_groups(seed):
    """Brute force over which of the groups to keep, on random matrices with a zero group."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((5, 3))
    x[seed] = 0
    for groups in ("rows", "columns"):
        by_group = x if groups == "rows" else x.T
        for t in (0.0, 0.3, 1.0, 2.0):
            costs = []
            for bits in range(2 ** len(by_group)):
                kept = np.array([bits >> j & 1 for j in range(len(by_group))])
                u = by_group * kept[:, None]
                costs.append(t * np.any(u, axis=1).sum() + 0.5 * ((u - by_group) ** 2).sum())
            u = group_hard_threshold(x, t, groups)
            u = u if groups == "rows" else u.T
            cost = t * np.any(u, axis=1).sum() + 0.5 * ((u - by_group) ** 2).sum()
            assert cost == pytest.approx(min(costs), rel=1e-14)


@quick
@given(level_cases())
def test_a_group_of_one_is_hard_threshold(case):
    x, t = case
    expected = hard_threshold([[x]], t)
    np.testing.assert_array_equal(group_hard_threshold([[x]], t, "rows"), expected)
    np.testing.assert_array_equal(group_hard_threshold([[x]], t, "columns"), expected)


# --- ties, exactly ----------------------------------------------------------------------------


def check_hard_tie(function: Callable) -> None:
    for x, t in [(3.0, 4.5), (1.0, 0.5), (-2.0, 2.0), (1e-150, 0.0), (2.0**500, 2.0**999)]:
        if t > 0:
            assert function(x, t) == 0
            assert function(np.nextafter(x, 0), t) == 0
        above = np.nextafter(x, x * 2)
        assert function(above, t) == above
    assert function(0.0, 0.0) == 0


def check_rho_tie(function: Callable) -> None:
    """At a = 1, t = 4: m = 4, tau = 3.5, and 0 ties with m - a = 3."""
    objective = lambda u: 4 * rho(1.0)(u) + (u - Fraction(7, 2)) ** 2 / 2  # noqa: E731
    assert objective(Fraction(0)) == objective(Fraction(3)) == Fraction(49, 8)
    assert function(3.5, 4.0, 1.0) == 0
    assert function(-3.5, 4.0, 1.0) == 0
    assert function(np.nextafter(3.5, 4), 4.0, 1.0) == pytest.approx(3, rel=1e-15)
    # At a = 1, t <= 1/4, the other branch: tau = 2 t, where the map is 0 without a rounding error.
    for t in np.linspace(0.0, 0.25, 300):
        assert function(2 * t, t, 1.0) == 0
        assert function(np.nextafter(2 * t, 1), t, 1.0) >= 0
    # It leaves 0 continuously there: a = 2, t = 1/2 <= 2/3, tau = 3/4.
    assert function(0.75, 0.5, 2.0) == 0
    assert 0 < function(0.75 + 1e-9, 0.5, 2.0) < 1e-8


def test_mcp_and_scad_take_the_smaller_point_at_ties():
    # gamma = 2, t = 8: hard thresholding at sqrt(16) = 4, where 0 and 4 tie.
    assert MCP(2.0).prox(4.0, 8.0) == 0
    assert MCP(2.0).prox(np.nextafter(4.0, 5), 8.0) == np.nextafter(4.0, 5)
    # t = gamma: on [0, gamma] all points tie for x = gamma.
    assert MCP(2.0).prox(2.0, 2.0) == 0
    # a = 3, knee = 1, t = 3 is between 2 and 4: at x = 3.5 the points 0.5 and 3.5 tie.
    cost = lambda u: 3 * scad(3.0, 1.0)(u) + (u - Fraction(7, 2)) ** 2 / 2  # noqa: E731
    assert cost(Fraction(1, 2)) == cost(Fraction(7, 2)) < cost(Fraction(0))
    np.testing.assert_array_equal(SCAD(3.0, 1.0).prox([3.5, -3.5], 3.0), [0.5, -0.5])
    assert SCAD(3.0, 1.0).prox(np.nextafter(3.5, 4), 3.0) == np.nextafter(3.5, 4)
    # t = 16 >= 4: hard thresholding at sqrt(64) = 8.
    np.testing.assert_array_equal(SCAD(3.0, 1.0).prox([8.0, 8.5], 16.0), [0.0, 8.5])


def check_group_tie(function: Callable) -> None:
    for scale in (1.0, 2.0**-300, 2.0**400):
        x = np.array([[3.0, 4.0], [0.0, 0.0], [5.0, 0.0], [3.0, 4.5]]) * scale
        expected = x * [[0], [0], [0], [1]]
        np.testing.assert_array_equal(function(x, 12.5 * scale**2), expected)


def test_zero_is_taken_at_ties():
    check_hard_tie(hard_threshold)
    check_hard_tie(lambda x, t: group_hard_threshold([[x]], t)[0, 0])
    check_rho_tie(transformed_l1_threshold)
    check_group_tie(group_hard_threshold)


@pytest.mark.parametrize("groups", ["rows", "columns"])
@pytest.mark.parametrize("t", [0.0, SMALLEST, 1.0])
def test_zero_groups_stay_zero_at_every_level(groups, t):
    for x in (np.zeros((2, 3)), np.array([[0.0, -0.0, 0.0], [2.0, 3.0, 4.0]]).T):
        result = group_hard_threshold(x, t, groups)
        assert not np.isnan(result).any()
        np.testing.assert_array_equal(result, x)


ELEMENTWISE: list[Penalty] = [
    *(L1(), L0(), TransformedL1(), TransformedL1(1e-8), TransformedL1(1e8)),
    *(MCP(), MCP(0.25), MCP(1e8), SCAD(), SCAD(1.5, 0.5), SCAD(20.0, 1e8)),
]
EVERY: list[Penalty] = [*ELEMENTWISE, GroupL20(), GroupL20("columns")]


@pytest.mark.parametrize("penalty", EVERY, ids=repr)
def test_level_zero_is_the_identity_and_a_huge_level_gives_zero(penalty):
    x = np.array([[SMALLEST, -1e-310, 1e-150], [0.0, -1.0, 1e150], [1e308, -1.7e308, 3.0]])
    np.testing.assert_array_equal(penalty.prox(x, 0), x)
    result = penalty.prox(x / 1e160, 1e300)
    np.testing.assert_array_equal(result, np.zeros_like(x))
    assert not np.shares_memory(penalty.prox(x, 0.0), x)


@pytest.mark.parametrize("penalty", [*EVERY, TransformedL1(1e-300), TransformedL1(1e300)], ids=repr)
@pytest.mark.parametrize("t", [0.0, SMALLEST, 1e-300, 1.0, 1e300, 1.7e308])
def test_extremes_give_finite_numbers_that_shrink(penalty, t):
    values = [0.0, SMALLEST, 1e-310, 2e-308, 1e-150, 1.0, 1e150, 1e300, 1.7976931348623157e308]
    x = np.array([values, [-v for v in values]])
    result = penalty.prox(x, t)  # a warning would be an error
    assert np.isfinite(result).all()
    assert (np.abs(result) <= np.abs(x)).all()
    assert (result * np.sign(x) >= 0).all()


# --- accuracy of the transformed l1 map, and its limits ---------------------------------------


def exact_root(x: float, t: float, a: float) -> tuple[float, float]:
    """Return the stationary u > 0 to 60 digits as a float, and 1 - q; Newton on the cubic."""
    with localcontext() as context:
        context.prec = 60
        dx, dt, da = Decimal(x), Decimal(t), Decimal(a)
        s, c = da + dx, dt * da * (da + 1)
        y = s  # the cubic is convex from here down to its largest root
        for _ in range(300):
            new = y - (y**3 - s * y * y + c) / (3 * y * y - 2 * s * y)
            if abs(new - y) <= y * Decimal("1e-57"):
                break
            y = new
        return float(new - da), float(1 - (27 * c / (4 * s**3)).sqrt())


def check_accuracy(function: Callable, a: float) -> None:
    for x in (0.3, 1.0, 7.7, 1e3, 1e-3):
        for factor in (0.01, 0.3, 0.9, 0.999):
            # As a share of the level at which x is on the threshold, on the branch where that is.
            branch_one = x <= a / 2
            t = factor * (x * (a / (a + 1)) if branch_one else (x + a / 2) ** 2 / (2 * (a + 1)))
            u, one_minus_q = exact_root(x, t, a)
            assert abs(float(function(x, t, a)) - u) <= 1e-15 * x / math.sqrt(one_minus_q)


SHAPES = [1e-12, 1e-8, 1e-4, 0.5, 1.0, 10.0, 1e4, 1e8, 1e12, 1e16]


@pytest.mark.parametrize("a", SHAPES)
def test_transformed_l1_threshold_is_accurate_for_every_a(a):
    check_accuracy(transformed_l1_threshold, a)


def closed_form_with_cosines(x: float, t: float, a: float) -> float:
    """Return the closed form as printed (docs/theory.md#a5), above the threshold."""
    phi = math.acos(1 - 27 * t * a * (a + 1) / (2 * (a + x) ** 3))
    return 2 / 3 * (a + x) * math.cos(phi / 3) - 2 * a / 3 + x / 3


def test_closed_form_with_cosines_is_the_same_but_loses_digits_for_large_a():
    for x, t, a in [(2.0, 0.5, 1.0), (2.0, 0.7, 3.0), (5.0, 1.0, 0.1)]:
        u = float(transformed_l1_threshold(x, t, a))
        assert u == pytest.approx(closed_form_with_cosines(x, t, a), rel=1e-14)
    with pytest.raises(AssertionError):
        check_accuracy(closed_form_with_cosines, 1e8)


def test_transformed_l1_has_the_limits_l1_and_l0():
    x = np.array([-3.0, -1.5, -0.2, 0.0, 0.7, 1.1, 2.5])
    t = 0.6
    soft = [math.copysign(max(abs(v) - t, 0), v) for v in x]
    hard = [v if v * v > 2 * t else 0.0 for v in x]
    for a, error in [(1e4, 1e-3), (1e8, 1e-7), (1e16, 1e-15), (1e300, 1e-15)]:
        np.testing.assert_allclose(transformed_l1_threshold(x, t, a), soft, atol=error)
        np.testing.assert_allclose(TransformedL1(a).value(x), np.abs(x).sum(), rtol=error)
    for a, error in [(1e-4, 1e-3), (1e-8, 1e-7), (1e-16, 1e-15), (1e-300, 1e-15)]:
        np.testing.assert_allclose(transformed_l1_threshold(x, t, a), hard, atol=error)
        np.testing.assert_allclose(TransformedL1(a).value(x), 6, rtol=6 * error)


# --- properties of the maps -------------------------------------------------------------------


vectors = st.lists(signed.filter(lambda v: abs(v) < 1e140), min_size=1, max_size=6).map(np.array)
levels = st.one_of(st.just(0.0), st.floats(-6, 6).map(lambda power: 10.0**power))


@pytest.mark.parametrize("penalty", ELEMENTWISE, ids=repr)
@given(x=vectors, t=levels)
def test_elementwise_maps_are_odd_and_monotone(penalty, x, t):
    x = np.sort(x)
    result = penalty.prox(x, t)
    np.testing.assert_array_equal(penalty.prox(-x, t), -result)
    # To rounding: two entries that differ in the last digit may come out in the other order.
    assert (np.diff(result) >= -1e-15 * np.abs(x[1:])).all()


@given(x=vectors, y=vectors, t=levels)
def test_soft_threshold_is_nonexpansive(x, y, t):
    n = min(len(x), len(y))
    x, y = x[:n], y[:n]
    distance = np.abs(soft_threshold(x, t) - soft_threshold(y, t))
    assert (distance <= np.abs(x - y) + 1e-15 * np.maximum(np.abs(x), np.abs(y))).all()


def test_the_other_maps_are_not_nonexpansive():
    for penalty in (L0(), TransformedL1(0.1)):
        low, high = 0.0, 2.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if penalty.prox(middle, 1.0) == 0 else (low, middle)
        assert penalty.prox(high, 1.0) - penalty.prox(low, 1.0) > 1e6 * (high - low)


@pytest.mark.parametrize("penalty", EVERY, ids=repr)
@pytest.mark.parametrize("seed", range(5))
def test_value_and_prox_belong_together(penalty, seed):
    """No u found by chance costs less than the map's, and neither do u = x and u = 0."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((4, 3)) * rng.choice([0, 0.3, 1, 3], (4, 1))
    t = rng.choice([0.0, 0.1, 0.5, 2.0])
    cost = lambda u: t * penalty.value(u) + 0.5 * ((u - x) ** 2).sum()  # noqa: E731
    u = penalty.prox(x, t)
    least = cost(u) - 1e-12
    assert least <= min(cost(x), cost(np.zeros_like(x)))
    for _ in range(50):
        assert least <= cost(x * rng.random(x.shape))
        assert least <= cost(u + 0.1 * rng.standard_normal(x.shape) * (u != 0))
        assert least <= cost(x * rng.integers(0, 2, (4, 1)))
        assert least <= cost(x * rng.integers(0, 2, (1, 3)))


# --- planted errors ---------------------------------------------------------------------------


def rho_map(threshold: Callable, root: Callable = closed_form_with_cosines) -> Callable:
    def function(x: float, t: float, a: float) -> float:
        magnitude = abs(float(x))
        if magnitude <= threshold(t, a):
            return 0.0
        return math.copysign(root(magnitude, t, a), x)

    return function


def root_without_a_plus_one(x: float, t: float, a: float) -> float:
    phi = math.acos(1 - 27 * t * a / (2 * (a + x) ** 3))
    return 2 / 3 * (a + x) * math.cos(phi / 3) - 2 * a / 3 + x / 3


def shrinkage_of_rho(x: float, t: float, a: float) -> float:
    q = math.sqrt(27 * t * a * (a + 1) / (4 * (a + x) ** 3))
    return 4 / 3 * (a + x) * math.sin(math.asin(min(q, 1.0)) / 3) ** 2


def check_rho_map(function: Callable) -> None:
    """Both branches, below and above and between their thresholds."""
    for a, t in [(1.0, 0.1), (1.0, 0.25), (1.0, 0.6), (4.0, 1.0), (4.0, 3.0), (0.5, 1.0)]:
        first, second = t * (a + 1) / a, math.sqrt(2 * t * (a + 1)) - a / 2
        for x in (0.5 * second, (first + second) / 2, 1.2 * first, 3.0, -5.0):
            assert_minimises(lambda x, t, a=a: function(x, t, a), rho(a), x, t)


def test_check_of_the_transformed_map_passes_what_is_right_and_catches_what_is_not():
    check_rho_map(transformed_l1_threshold)
    check_rho_map(rho_map(threshold_of_rho))
    first = lambda t, a: t * (a + 1) / a  # noqa: E731
    second = lambda t, a: math.sqrt(2 * t * (a + 1)) - a / 2  # noqa: E731
    for wrong in (
        rho_map(first),
        rho_map(
            second, lambda x, t, a: float(np.real(np.roots([1, -a - x, 0, t * a * (a + 1)])[0])) - a
        ),
        rho_map(lambda t, a: t / a if t <= a * a / (2 * (a + 1)) else second(t, a)),
        rho_map(
            lambda t, a: math.sqrt(2 * t) - a / 2 if t > a * a / (2 * (a + 1)) else first(t, a)
        ),
        rho_map(threshold_of_rho, root_without_a_plus_one),
        lambda x, t, a: hard_threshold(x, t),
        lambda x, t, a: soft_threshold(x, t),
    ):
        with pytest.raises((AssertionError, ValueError)):
            check_rho_map(wrong)


def check_elementwise(function: Callable, penalty: Callable) -> None:
    for t in (0.0, 0.1, 0.5, 3.0):
        for x in (0.0, 0.2, -0.7, 1.5, -2.0, 2.8, 7.0):
            assert_minimises(function, penalty, x, t)


def test_check_of_soft_and_hard_passes_what_is_right_and_catches_what_is_not():
    check_elementwise(soft_threshold, l1)
    check_elementwise(hard_threshold, l0)
    for wrong in (
        lambda x, t: x if abs(x) > t else 0.0,
        lambda x, t: x if abs(x) > 2 * t else 0.0,
        lambda x, t: x if abs(x) > math.sqrt(t) else 0.0,
        soft_threshold,
    ):
        with pytest.raises(AssertionError):
            check_elementwise(wrong, l0)
    for wrong in (
        lambda x, t: soft_threshold(x, 2 * t),
        lambda x, t: x - t,
        lambda x, t: np.abs(soft_threshold(x, t)),
        hard_threshold,
    ):
        with pytest.raises(AssertionError):
            check_elementwise(wrong, l1)


def test_check_of_ties_catches_the_other_convention():
    with pytest.raises(AssertionError):
        check_hard_tie(lambda x, t: np.where(np.abs(x) >= np.sqrt(2 * t), x, 0))
    with pytest.raises(AssertionError):
        check_rho_tie(
            lambda x, t, a: rho_map(lambda t, a: np.nextafter(threshold_of_rho(t, a), 0))(x, t, a)
        )
    second = rho_map(
        lambda t, a: max(math.sqrt(2 * t * (a + 1)) - a / 2, 0.0),
        lambda x, t, a: max(x - shrinkage_of_rho(x, t, a), 0.0),
    )
    with pytest.raises(AssertionError):  # only one threshold, made up for by clipping at 0
        check_rho_tie(lambda x, t, a: (second if t <= 1 else transformed_l1_threshold)(x, t, a))
    with pytest.raises(AssertionError):
        check_group_tie(
            lambda x, t: x * (np.linalg.norm(x, axis=1, keepdims=True) >= math.sqrt(2 * t))
        )


def test_check_of_groups_catches_what_is_wrong():
    x = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    huge = x * 1e200

    def norm(x: np.ndarray) -> np.ndarray:
        return np.linalg.norm(x, axis=1, keepdims=True)

    def soft(x: np.ndarray, t: float) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return x * np.maximum(1 - t / norm(x), 0)

    def squares(x: np.ndarray, t: float) -> np.ndarray:
        with np.errstate(under="ignore"):
            return x * ((x**2).sum(axis=1, keepdims=True) > 2 * t)

    for t in (0.0, 0.8, 3.0):
        assert_group_minimises(group_hard_threshold, x, t)
        assert_group_minimises(squares, x, t)
    assert_group_minimises(group_hard_threshold, huge, 1e300)
    with pytest.raises(AssertionError):
        assert_group_minimises(lambda x, t: x * (norm(x) > 2 * t), x, 0.8)  # norm, not its square
    with pytest.raises(AssertionError):
        assert_group_minimises(lambda x, t: x * (norm(x) > t), x, 0.8)
    with pytest.raises(AssertionError):
        assert_group_minimises(soft, x, 0.0)  # 0/0 on the zero row
    with pytest.raises(AssertionError):
        assert_group_minimises(squares, x * 1e-170, 0.0)  # squares underflow
    with pytest.raises(AssertionError):
        assert_group_minimises(lambda x, t: hard_threshold(x, t), x, 0.8)
    with pytest.raises(AssertionError):
        assert_group_minimises(lambda x, t: group_hard_threshold(x, t, "columns"), x, 0.8)


# --- values -----------------------------------------------------------------------------------


@given(vectors)
def test_values_against_plain_sums(x):
    numbers = x.tolist()
    assert L1().value(x) == pytest.approx(math.fsum(abs(v) for v in numbers), rel=1e-14)
    assert L0().value(x) == sum(v != 0 for v in numbers)
    for a in (1e-8, 0.5, 1.0, 1e8):
        exact = sum((rho(a)(Fraction(v)) for v in numbers), Fraction(0))
        assert TransformedL1(a).value(x) == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize("a", [1e-300, 1.0, 1e300])
def test_value_of_rho_at_extremes(a):
    for x in (0.0, SMALLEST, 1e-300, 1e150, 1.7976931348623157e308):
        with np.errstate(all="raise", under="ignore"):
            value = TransformedL1(a).value(x)
        assert value == pytest.approx(float(rho(a)(Fraction(x))), rel=1e-14, abs=1e-300)


@given(vectors)
def test_values_of_mcp_and_scad_against_their_pieces(x):
    for penalty, term in (
        *((MCP(g), mcp(g)) for g in (1e-8, 0.5, 3.0)),
        *((SCAD(a, s), scad(a, s)) for a, s in ((3.7, 0.1), (2.0, 1.0), (1.5, 7.0))),
    ):
        exact = sum((term(Fraction(v)) for v in x.tolist()), Fraction(0))
        assert penalty.value(x) == pytest.approx(float(exact), rel=1e-13)


# --- what theory asks of a penalty ------------------------------------------------------------

THEORY = [
    *(L1(), L0(), TransformedL1(0.2), TransformedL1(5.0)),
    *(MCP(0.3), MCP(2.0), SCAD(), SCAD(2.0, 0.5)),
]


@pytest.mark.parametrize("penalty", THEORY, ids=repr)
def test_largest_zero_is_where_the_map_leaves_zero(penalty):
    levels = np.array([0.01, 0.2, 0.3, 1.0, 4.0])
    tau = penalty.largest_zero(levels)
    assert np.all(penalty.prox(tau * (1 - 1e-9), levels) == 0)
    assert np.all(penalty.prox(tau * (1 + 1e-9), levels) > 0)
    np.testing.assert_allclose(Penalty.largest_zero(penalty, levels), tau, rtol=1e-14)


@pytest.mark.parametrize("penalty", THEORY, ids=repr)
def test_kept_entries_shift_by_no_more_than_is_said(penalty):
    for level in (0.01, 0.2, 0.3, 0.45):
        x = np.linspace(0, 1, 100_001)
        u = penalty.prox(x, level)
        largest = np.max(np.where(u != 0, x - u, 0.0))
        for found, slack in (
            (penalty.largest_kept_shift(level), 2e-3),
            (Penalty.largest_kept_shift(penalty, level), 3e-3),
        ):
            assert largest - 1e-15 <= found <= largest + slack


class Ridge(Penalty):
    def terms(self, u):
        return u**2 / 2

    def prox_map(self, x, t):
        return x / (1 + t)


def test_theory_of_a_penalty_without_closed_forms():
    levels = np.array([0.5, 2.0])
    np.testing.assert_array_equal(Ridge().largest_zero(levels), [0, 0])
    # The largest shift, at x = 1, is t/(1 + t).
    np.testing.assert_allclose(Ridge().largest_kept_shift(levels), [1 / 3, 2 / 3], atol=2e-3)
    with pytest.raises(ValueError, match=r"^t must"):
        Ridge().prox(1.0, -1.0)


@pytest.mark.parametrize("name", PENALTIES)
def test_random_penalties_are_in_range(name):
    rng = np.random.default_rng(0)
    for shape in ((), (3, 1)):
        penalty = PENALTIES[name].random(rng, shape)
        for parameter, (low, high) in penalty.examples.items():
            value = getattr(penalty, parameter)
            assert np.shape(value) == shape
            assert np.all((low <= value) & (value <= high))


def test_value_of_groups_counts_rows_or_columns_that_are_not_zero():
    x = np.array([[0.0, -0.0, 0.0], [0.0, SMALLEST, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    assert GroupL20().value(x) == GroupL20("rows").value(x) == 2
    assert GroupL20("columns").value(x) == 2
    assert GroupL20("columns").value(x[1:2]) == 1
    stack = np.stack([x, np.zeros_like(x), np.ones_like(x)])
    assert GroupL20().value(stack) == 6
    np.testing.assert_array_equal(GroupL20().value(stack, axis=(-2, -1)), [2, 0, 4])
    np.testing.assert_array_equal(GroupL20("columns").value(stack, axis=(1, 2)), [2, 0, 3])
    np.testing.assert_array_equal(GroupL20().value(x, axis=-1), [0, 1, 1, 0])
    with pytest.raises(ValueError, match="axis must contain -1"):
        GroupL20().value(stack, axis=-2)
    with pytest.raises(ValueError, match="axis must contain -2"):
        GroupL20("columns").value(stack, axis=(0, 2))


@pytest.mark.parametrize("penalty", ELEMENTWISE, ids=repr)
def test_value_over_axes_gives_one_value_for_each_run(penalty):
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    x[1] = 0
    by_run = penalty.value(x, axis=(-2, -1))
    assert by_run.shape == (4,)
    np.testing.assert_allclose(by_run, [penalty.value(run) for run in x], rtol=1e-15)
    assert penalty.value(x[:, 0], axis=-1).shape == (4,)
    total = penalty.value(x)
    assert isinstance(total, float)
    assert total == pytest.approx(by_run.sum(), rel=1e-14)
    assert penalty.value(2.5) == penalty.value([2.5])


def test_values_are_summed_in_float64():
    x = np.full(10_000, 0.1, np.float32)
    expected = 10_000 * float(np.float32(0.1))
    assert L1().value(x) == pytest.approx(expected, rel=1e-12)


# --- shapes, batches, precision ---------------------------------------------------------------


@pytest.mark.parametrize("penalty", EVERY, ids=repr)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_shape_and_precision_are_kept_and_input_is_not_changed(penalty, dtype):
    shapes = [(1, 1), (2, 3), (2, 1, 3), (4, 2, 3)]
    if not isinstance(penalty, GroupL20):
        shapes += [(), (1,), (5,)]
    for shape in shapes:
        x = np.asarray(np.random.default_rng(0).standard_normal(shape), dtype)
        before = x.copy()
        for t in (0.5, np.float64(0.5), np.float32(0.5), np.array(0.5), 1):
            result = penalty.prox(x, t)
            assert isinstance(result, np.ndarray)
            assert (result.shape, result.dtype) == (shape, dtype)
        np.testing.assert_array_equal(x, before)
    assert penalty.prox([[1, 2], [3, 4]], 1).dtype == np.float64


@pytest.mark.parametrize("penalty", ELEMENTWISE, ids=repr)
def test_levels_broadcast_like_a_loop_over_runs(penalty):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 5))
    t = np.array([0.0, 0.1, 0.5, 3.0])
    expected = np.stack([penalty.prox(run, level) for run, level in zip(x, t, strict=True)])
    np.testing.assert_array_equal(penalty.prox(x, t[:, None]), expected)
    # One x and many levels.
    path = penalty.prox(x[0], t[:, None])
    np.testing.assert_array_equal(path, np.stack([penalty.prox(x[0], level) for level in t]))
    # A level for each entry.
    each = rng.random((4, 5))
    expected = [
        [float(penalty.prox(v, w)) for v, w in zip(vs, ws, strict=True)]
        for vs, ws in zip(x, each, strict=True)
    ]
    np.testing.assert_array_equal(penalty.prox(x, each), expected)


def test_shape_parameters_broadcast_like_a_loop_over_runs():
    x = np.random.default_rng(0).standard_normal((3, 5)) * 2
    a, t = np.array([1e-8, 1.0, 1e8]), np.array([0.1, 0.5, 1.0])
    batch = TransformedL1(a[:, None])
    singles = [TransformedL1(value) for value in a]
    np.testing.assert_array_equal(
        batch.prox(x, t[:, None]),
        np.stack([p.prox(run, level) for p, run, level in zip(singles, x, t, strict=True)]),
    )
    np.testing.assert_allclose(
        batch.value(x, axis=-1),
        [p.value(run) for p, run in zip(singles, x, strict=True)],
        rtol=1e-15,
    )


@pytest.mark.parametrize("groups", ["rows", "columns"])
def test_levels_of_groups_broadcast_against_the_groups(groups):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 4, 5))
    n_groups = 4 if groups == "rows" else 5
    by_run = np.array([0.5, 2.0, 3.0])
    expected = np.stack(
        [group_hard_threshold(run, t, groups) for run, t in zip(x, by_run, strict=True)]
    )
    assert 0 < np.count_nonzero(expected) < expected.size
    np.testing.assert_array_equal(group_hard_threshold(x, by_run[:, None], groups), expected)

    by_group = rng.random(n_groups) * 5
    result = group_hard_threshold(x[0], by_group, groups)
    for j in range(n_groups):
        one = x[0][j : j + 1] if groups == "rows" else x[0][:, j : j + 1]
        got = result[j : j + 1] if groups == "rows" else result[:, j : j + 1]
        np.testing.assert_array_equal(got, group_hard_threshold(one, by_group[j], groups))
    assert group_hard_threshold(x[0], by_run[:, None], groups).shape == (3, 4, 5)


# --- names, equality, refusals ----------------------------------------------------------------


def test_get_penalty():
    assert get_penalty("l1") == L1()
    assert get_penalty("l0") == L0()
    assert get_penalty("tl1", a=3) == TransformedL1(3.0)
    assert get_penalty("l20", groups="columns") == GroupL20("columns")
    assert get_penalty("mcp", gamma=2) == MCP(2.0)
    assert get_penalty("scad", knee=0.5) == SCAD(3.7, 0.5)
    with pytest.raises(
        ValueError, match=r"name must be one of l1, l0, tl1, l20, mcp, scad, but is 'l2'"
    ):
        get_penalty("l2")
    with pytest.raises(ValueError, match="a is not an option of l0; its options: none"):
        get_penalty("l0", a=1.0)
    with pytest.raises(ValueError, match="group is not an option of l20; its options: groups"):
        get_penalty("l20", group="rows")


def test_penalties_are_values():
    assert L1() != L0()
    assert TransformedL1(1.0) == TransformedL1() != TransformedL1(2.0)
    assert GroupL20() == GroupL20("rows") != GroupL20("columns")
    source = np.array([[1.0], [2.0]])
    batch = TransformedL1(source)
    source[0] = 9
    assert batch == TransformedL1([[1.0], [2.0]]) != TransformedL1([1.0, 2.0])
    assert len({L1(), L1(), TransformedL1(1), TransformedL1(1.0), batch, GroupL20()}) == 4
    for penalty in [*EVERY, batch]:
        assert pickle.loads(pickle.dumps(penalty)) == penalty
    with pytest.raises(AttributeError):
        TransformedL1().a = 2.0
    with pytest.raises(ValueError, match="read-only"):
        batch.a[0] = 3.0


@pytest.mark.parametrize("penalty", EVERY, ids=repr)
def test_bad_arguments_are_refused_by_name(penalty):
    x = np.ones((2, 3))
    for t in (-1, -1e-300, math.nan, math.inf, "one", None, True, [[-1.0]], [[0.1, math.nan, 1]]):
        with pytest.raises(ValueError, match=r"^t must"):
            penalty.prox(x, t)
    with pytest.raises(ValueError, match=r"t must broadcast against shape .* has shape \(7,\)"):
        penalty.prox(x, np.ones(7))
    for bad in (np.full((2, 2), np.nan), [[1.0, math.inf]], [["a"]], np.empty((0, 2))):
        with pytest.raises(ValueError, match=r"^x must"):
            penalty.prox(bad, 0.1)
        with pytest.raises(ValueError, match=r"^x must"):
            penalty.value(bad)
    with pytest.raises(ValueError, match="axis"):
        penalty.value(x, axis=5)


@pytest.mark.parametrize("a", [0, -1.0, math.nan, math.inf, 1e-301, 1e301, "one", True, [1.0, 0.0]])
def test_bad_shape_parameter_is_refused(a):
    with pytest.raises(ValueError, match=r"^a must"):
        TransformedL1(a)
    with pytest.raises(ValueError, match=r"^a must"):
        transformed_l1_threshold(1.0, 0.1, a)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: MCP(0.0), "gamma"),
        (lambda: MCP([1.0, -1.0]), "gamma"),
        (lambda: SCAD(1.0), "a"),
        (lambda: SCAD(3.7, 0.0), "knee"),
        (lambda: SCAD(math.nan), "a"),
    ],
)
def test_bad_parameters_of_mcp_and_scad_are_refused(make, name):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        make()


def test_shape_parameter_that_does_not_broadcast_is_refused():
    for call in (
        lambda: transformed_l1_threshold(np.ones(3), 0.1, np.ones(2)),
        lambda: TransformedL1(np.ones(2)).value(np.ones(3)),
    ):
        with pytest.raises(ValueError, match=r"a must broadcast against shape \(3,\)"):
            call()


@pytest.mark.parametrize("groups", ["row", "", None, 0])
def test_unknown_groups_are_refused(groups):
    with pytest.raises(ValueError, match="groups must be one of rows, columns"):
        GroupL20(groups)
    with pytest.raises(ValueError, match="groups must be one of rows, columns"):
        group_hard_threshold(np.ones((2, 2)), 0.1, groups)


def test_groups_need_a_matrix():
    with pytest.raises(ValueError, match=r"x must have at least 2 axes to have rows.*\(3,\)"):
        group_hard_threshold(np.ones(3), 0.1)
    with pytest.raises(ValueError, match="x must have at least 2 axes to have columns"):
        GroupL20("columns").value(1.0)


def test_every_penalty_is_named_in_the_module():
    for penalty in PENALTIES.values():
        assert f"`{penalty.__name__}`" in prox.__doc__


def test_docstring_examples():
    assert doctest.testmod(prox).failed == 0
