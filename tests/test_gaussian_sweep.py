"""The phase picture against the same runs made one by one in plain loops."""

import numpy as np
import pytest

from zeroone.gaussian import sweep as module
from zeroone.gaussian import theory
from zeroone.gaussian.sweep import random_starts, sweep
from zeroone.penalties import get_penalty

C = 20 / (2 * np.pi)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def teacher(d=6, kept=3):
    rng = np.random.default_rng(0)
    return unit(rng.standard_normal(d) * (np.arange(d) < kept))


def plain_outcomes(w, w_star, name, lam, beta, eta, delta, n_iter):
    """Return angle descent, Lagrangian descent, support found, and the last angle, of one run."""
    penalty, u = get_penalty(name), w
    held = [True, True]
    for _ in range(n_iter):
        theta = np.arccos(np.clip(w @ w_star, -1, 1))
        value = C * theta + lam * penalty.value(u) + beta / 2 * np.sum((w - u) ** 2)
        u = penalty.prox(w, lam / beta)
        w = unit(w - eta * (C * (w - w_star) + beta * (w - u)))
        new = np.arccos(np.clip(w @ w_star, -1, 1))
        after = C * new + lam * penalty.value(u) + beta / 2 * np.sum((w - u) ** 2)
        if theta >= delta:
            held[0] &= new <= theta + 1e-9
            held[1] &= after <= value + 1e-9
    return [*held, np.array_equal(u != 0, w_star != 0), new]


@pytest.mark.parametrize("name", ["l1", "l0", "tl1"])
@pytest.mark.parametrize("weights", [12 * 6, 10**6])
def test_sweep_is_its_runs(name, weights, monkeypatch):
    monkeypatch.setattr(module, "WEIGHTS_OF_A_PART", weights)
    w_star, delta = teacher(), 0.4
    lam, beta, eta = np.array([0.01, 0.6]), np.array([0.3, 3.0, 12.0]), np.array([0.02, 0.5])
    settings = {"k": 20, "penalty": name, "lam": lam, "beta": beta, "eta": eta, "delta": delta}
    found = sweep(w_star, n_starts=12, n_iter=25, rng=np.random.default_rng(1), **settings)
    starts = random_starts(np.random.default_rng(1), 12, w_star, delta)
    for i, j, m in np.ndindex(2, 3, 2):
        outcomes = [
            plain_outcomes(w, w_star, name, lam[i], beta[j], eta[m], delta, 25) for w in starts
        ]
        expected = np.mean(outcomes, axis=0)
        for value, one in zip(
            expected,
            (found.angle_descent, found.lagrangian_descent, found.support_recovered, found.angle),
            strict=True,
        ):
            np.testing.assert_allclose(one[i, j, m], value, atol=1e-6)
    assert np.min(found.angle_descent) < 1  # the grid leaves the region of descent


def test_descent_wherever_the_hypotheses_hold_and_support_where_it_is_predicted():
    w_star = teacher(10, 4)
    for name in ("l1", "l0", "tl1"):
        found = sweep(
            w_star,
            k=20,
            penalty=name,
            lam=np.geomspace(1e-4, 1, 7),
            beta=np.geomspace(0.1, 10, 6),
            delta=0.5,
            n_starts=30,
            n_iter=300,
            rng=np.random.default_rng(2),
        )
        held = found.hypotheses_hold
        assert held.any()
        assert not held.all()
        assert np.all(found.angle_descent[held] == 1)
        assert np.all(found.lagrangian_descent[held] == 1)
        predicted = found.support_predicted[..., np.newaxis]
        known = ~np.isnan(predicted) & (found.beta[:, np.newaxis] < 0.8 * C)
        assert {0.0, 1.0} <= set(predicted[known])
        np.testing.assert_array_equal(found.support_recovered[known], predicted[known])


def test_eta_is_by_default_what_theory_allows():
    found = sweep(
        teacher(),
        k=20,
        penalty="l1",
        lam=0.01,
        beta=[0.1, 1.0],
        delta=1.0,
        n_starts=2,
        n_iter=2,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_allclose(found.eta[:, 0], theory.largest_eta([0.1, 1.0], 20))
    assert found.angle.shape == (1, 2, 1)
    assert found.hypotheses_hold.all()
    assert found.n_starts == 2


def test_groups_are_swept_without_prediction():
    found = sweep(
        teacher(),
        k=20,
        penalty="l20",
        filter_shape=(2, 3),
        lam=[0.01, 0.1],
        beta=0.5,
        delta=0.5,
        n_starts=5,
        n_iter=50,
        rng=np.random.default_rng(0),
    )
    assert np.isnan(found.support_predicted).all()
    assert found.support_recovered[0, 0, 0] == 1


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("delta", [0.1, np.pi / 2])
def test_starts_are_unit_and_away_from_the_antipode(d, delta):
    w_star = teacher(d, d)
    starts = random_starts(np.random.default_rng(3), 500, w_star, delta)
    assert starts.shape == (500, d)
    np.testing.assert_allclose(np.linalg.norm(starts, axis=1), 1)
    theta = np.arccos(np.clip(starts @ w_star, -1, 1))
    assert np.all(theta <= np.pi - delta + 1e-8)
    if d == 2:  # uniform on the arc
        np.testing.assert_allclose(np.mean(theta), (np.pi - delta) / 2, atol=0.15)


GOOD = {
    "w_star": [0.6, 0.8],
    "k": 20,
    "penalty": "l1",
    "lam": 0.1,
    "beta": 0.5,
    "eta": 0.1,
    "delta": 0.5,
    "n_starts": 2,
    "n_iter": 2,
    "rng": np.random.default_rng(0),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("w_star", [[0.6, 0.8]]),
        ("w_star", [1.0, 1.0]),
        ("k", 0),
        ("penalty", "l9"),
        ("lam", [[0.1]]),
        ("lam", -1.0),
        ("beta", [0.1, 0.0]),
        ("eta", 0.0),
        ("delta", 0.0),
        ("delta", 2.0),
        ("delta", [0.1, 0.2]),
        ("n_starts", 0),
        ("n_iter", 0),
        ("rng", 0),
    ],
)
def test_bad_arguments_are_named(name, value):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        sweep(**{**GOOD, name: value})
