"""ADMM against its three lines written out, and where it ends."""

import numpy as np
import pytest

from zeroone.gaussian import rvscgd
from zeroone.gaussian.sampling import stochastic_coarse_gradient
from zeroone.penalties import get_penalty

PARAMETERS = {"k": 20, "lam": 0.2, "beta": 1.5, "eta": 0.1}
C = 20 / (2 * np.pi)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def start_and_teacher(d=8, kept=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(d), unit(rng.standard_normal(d) * (np.arange(d) < kept))


def plain_admm(name, w, w_star, n_iter, *, k, lam, beta, eta):
    w, z = unit(w), np.zeros_like(w)
    for _ in range(n_iter):
        u = get_penalty(name).prox(w + z / beta, lam / beta)
        w = unit(w - eta * (k / (2 * np.pi) * (w - w_star) + z + beta * (w - u)))
        z = z + beta * (w - u)
    return u, w, z


@pytest.mark.parametrize("name", ["l1", "l0", "tl1"])
def test_run_is_the_three_lines(name):
    w0, w_star = start_and_teacher()
    result = rvscgd.run(w0, w_star, method="admm", penalty=name, n_iter=40, **PARAMETERS)
    u, w, z = plain_admm(name, w0, w_star, 40, **PARAMETERS)
    np.testing.assert_allclose(result.u, u, atol=1e-12)
    np.testing.assert_allclose(result.w, w, atol=1e-12)
    np.testing.assert_allclose(result.multiplier, z, atol=1e-12)


def test_batch_is_its_runs():
    w0, w_star = start_and_teacher()
    w0 = np.stack([w0, -w0, w0[::-1]])
    parameters = {**PARAMETERS, "beta": np.array([1.0, 1.5, 2.0])}
    batch = rvscgd.run(w0, w_star, method="admm", penalty="l1", n_iter=25, **parameters)
    for i, beta in enumerate(parameters["beta"]):
        one = rvscgd.run(
            w0[i], w_star, method="admm", penalty="l1", n_iter=25, **{**PARAMETERS, "beta": beta}
        )
        np.testing.assert_allclose(batch.w[i], one.w, atol=1e-13)
        np.testing.assert_allclose(batch.multiplier[i], one.multiplier, atol=1e-13)
        np.testing.assert_allclose(batch.lagrangians[:, i], one.lagrangians, atol=1e-12)


def test_steps_account_for_the_augmented_lagrangian():
    w0, w_star = start_and_teacher()
    steps = list(rvscgd.iterate(w0, w_star, method="admm", penalty="l1", n_iter=5, **PARAMETERS))
    assert [step.block for step in steps] == ["u", "w", "z"] * 5
    raised = 0
    for before, step in zip([None, *steps], steps, strict=False):
        assert set(step.after) == {"loss", "penalty", "coupling", "multiplier"}
        if before is not None:
            assert step.before == before.after
        if step.block == "u":
            assert step.decrease >= -1e-13
        if step.block == "z":
            assert step.decrease <= 0
            # z has moved by beta (w - u), which raises <z, w - u> by beta |w - u|^2.
            np.testing.assert_allclose(-step.decrease, 2 * step.after["coupling"], atol=1e-13)
            raised += step.decrease < -1e-6
    assert raised
    u, w, z = (getattr(steps[-1].state, name) for name in ("u", "w", "multiplier"))
    theta = np.arccos(w @ w_star)
    value = C * theta + 0.2 * np.abs(u).sum() + z @ (w - u) + 0.75 * np.sum((w - u) ** 2)
    np.testing.assert_allclose(steps[-1].objective_after, value, atol=1e-10)


def test_limit_of_l1_is_the_soft_thresholded_teacher():
    w0, w_star = start_and_teacher()
    for beta in (0.5, 1.5, 2.5):
        parameters = {**PARAMETERS, "lam": 0.8, "beta": beta}
        result = rvscgd.run(w0, w_star, method="admm", penalty="l1", n_iter=3000, **parameters)
        limit = unit(np.sign(w_star) * np.maximum(C * np.abs(w_star) - 0.8, 0))
        np.testing.assert_allclose(result.w, limit, atol=1e-10)
        np.testing.assert_allclose(result.u, limit, atol=1e-10)


def test_admm_closes_the_gap_that_rvscgd_leaves():
    w0, w_star = start_and_teacher()
    gaps = [
        np.max(np.abs(result.w - result.u))
        for method in ("admm", "rvscgd")
        for result in [
            rvscgd.run(w0, w_star, method=method, penalty="l1", n_iter=2000, **PARAMETERS)
        ]
    ]
    assert gaps[0] < 1e-8
    assert gaps[1] > 0.05


def test_sampled_gradient():
    w0, w_star = start_and_teacher()
    runs = [
        rvscgd.run(
            w0,
            w_star,
            method="admm",
            penalty="l1",
            n_iter=60,
            coarse_gradient=stochastic_coarse_gradient(
                w_star, 20, n_samples=n_samples, rng=np.random.default_rng(0)
            ),
            **PARAMETERS,
        ).angle
        for n_samples in (100, 3000)
    ]
    expected = rvscgd.run(w0, w_star, method="admm", penalty="l1", n_iter=60, **PARAMETERS).angle
    assert 0 < abs(runs[1] - expected) < 0.1
    assert runs[0] != runs[1]


@pytest.mark.parametrize(
    ("name", "value"), [("w0", [0.0] * 8), ("eta", 0.0), ("k", 0), ("penalty", "l7"), ("beta", 0)]
)
def test_bad_arguments_are_named(name, value):
    w0, w_star = start_and_teacher()
    good = {"w0": w0, "w_star": w_star, "penalty": "l1", "n_iter": 3, **PARAMETERS}
    good["method"] = "admm"
    for call in (rvscgd.run, rvscgd.iterate):
        with pytest.raises(ValueError, match=rf"\b{name}\b"):
            call(**{**good, name: value})
