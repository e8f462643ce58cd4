"""RVSCGD against Algorithm 1 written out in plain loops, run by run."""

import doctest
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone import penalties as prox
from zeroone.gaussian import rvscgd
from zeroone.gaussian.sampling import sample_inputs, stochastic_coarse_gradient
from zeroone.penalties import MCP, SCAD, GroupL20, Penalty, TransformedL1

PARAMETERS = {"k": 20, "lam": 0.05, "beta": 0.5, "eta": 0.2}


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def sparse_teacher(rng, d, kept):
    return unit(rng.standard_normal(d) * (np.arange(d) < kept))


def plain_penalty(name, u, a=1.0, shape=None):
    if name == "l1":
        return np.abs(u).sum()
    if name == "l0":
        return np.count_nonzero(u)
    if name == "tl1":
        return sum((a + 1) * abs(x) / (a + abs(x)) for x in u)
    return sum(bool(np.any(row)) for row in u.reshape(shape))


def plain_prox(name, w, t, a=1.0, shape=None):
    if name == "l1":
        return np.sign(w) * np.maximum(np.abs(w) - t, 0)
    if name == "l0":
        return np.where(w * w > 2 * t, w, 0)
    if name == "tl1":
        return prox.transformed_l1_threshold(w, t, a)
    rows = [row * (row @ row > 2 * t) for row in w.reshape(shape)]
    return np.concatenate(rows)


def plain_lagrangian(name, u, w, w_star, k, lam, beta, a=1.0, shape=None):
    theta = np.arccos(np.clip(w @ w_star, -1, 1))
    penalty = lam * plain_penalty(name, u, a, shape)
    return k / (2 * np.pi) * theta + penalty + beta / 2 * np.sum((w - u) ** 2)


def five_lines(name, w, w_star, k, lam, beta, eta, n_iter, a=1.0, shape=None):
    u = w = unit(w)
    for _ in range(n_iter):
        u = plain_prox(name, w, lam / beta, a, shape)
        gradient = k / (2 * np.pi) * (w - w_star)
        w = w - eta * (gradient + beta * (w - u))
        w = w / np.linalg.norm(w)
    return u, w


PENALTIES = [("l1", None), ("l0", None), ("tl1", None), ("l20", (4, 3))]


# --- one run ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "shape"), PENALTIES)
def test_run_is_the_five_line_loop(name, shape):
    rng = np.random.default_rng(0)
    w0, w_star = 3 * rng.standard_normal(12), sparse_teacher(rng, 12, 5)
    result = rvscgd.run(w0, w_star, penalty=name, n_iter=60, filter_shape=shape, **PARAMETERS)
    u, w = five_lines(name, w0, w_star, n_iter=60, shape=shape, **PARAMETERS)
    np.testing.assert_allclose(result.u, u, atol=1e-13)
    np.testing.assert_allclose(result.w, w, atol=1e-13)
    assert result.support_recovered == np.array_equal(u != 0, w_star != 0)
    assert result.multiplier is None


def test_columns_are_groups_too():
    rng = np.random.default_rng(1)
    w0, w_star = rng.standard_normal(12), sparse_teacher(rng, 12, 5)
    order = np.arange(12).reshape(4, 3).T.ravel()  # entries sorted by column
    both = {"n_iter": 40, **PARAMETERS}
    columns = rvscgd.run(w0, w_star, penalty=GroupL20("columns"), filter_shape=(4, 3), **both)
    rows = rvscgd.run(w0[order], w_star[order], penalty="l20", filter_shape=(3, 4), **both)
    np.testing.assert_allclose(columns.u[order], rows.u, atol=1e-14)
    assert 0 < np.count_nonzero(columns.u) < 12
    np.testing.assert_allclose(columns.lagrangians, rows.lagrangians, atol=1e-12)


@pytest.mark.parametrize(("name", "shape"), PENALTIES)
def test_records(name, shape):
    rng = np.random.default_rng(2)
    w0, w_star = rng.standard_normal(12), sparse_teacher(rng, 12, 5)
    settings_ = {"penalty": name, "filter_shape": shape, **PARAMETERS}
    result = rvscgd.run(w0, w_star, n_iter=10, record_every=4, **settings_)
    np.testing.assert_array_equal(result.iterations, [0, 4, 8, 10])
    for record, n_iter in enumerate(result.iterations):
        u, w = five_lines(name, w0, w_star, n_iter=n_iter, shape=shape, **PARAMETERS)
        theta = np.arccos(w @ w_star)
        np.testing.assert_allclose(result.angles[record], theta, atol=1e-10)
        value = plain_lagrangian(name, u, w, w_star, 20, 0.05, 0.5, shape=shape)
        np.testing.assert_allclose(result.lagrangians[record], value, atol=1e-10)
    assert result.angle == result.angles[-1]
    assert result.lagrangian == result.lagrangians[-1]


def test_about_a_hundred_records_by_default():
    for n_iter, count in ((1, 2), (99, 100), (100, 101), (101, 52), (1000, 101)):
        result = rvscgd.run([1.0, 1.0], [1.0, 0.0], penalty="l1", n_iter=n_iter, **PARAMETERS)
        assert len(result.iterations) == len(result.angles) == count
        assert result.iterations[-1] == n_iter


def test_first_u_is_the_unit_start_or_as_given():
    w_star = np.array([1.0, 0.0])
    run = {"penalty": "l1", "n_iter": 1, **PARAMETERS}
    default = rvscgd.run([3.0, 4.0], w_star, **run)
    given_ = rvscgd.run([3.0, 4.0], w_star, u0=[0.0, 1.0], **run)
    loss = 20 / (2 * np.pi) * np.arccos(0.6)
    np.testing.assert_allclose(default.lagrangians[0], loss + 0.05 * 1.4)
    np.testing.assert_allclose(given_.lagrangians[0], loss + 0.05 + 0.25 * (0.36 + 0.04))
    np.testing.assert_array_equal(default.w, given_.w)


def test_zeros_of_u_are_positive():
    rng = np.random.default_rng(3)
    w_star = sparse_teacher(rng, 12, 3)
    for name, shape in PENALTIES:
        u = rvscgd.run(
            rng.standard_normal(12),
            w_star,
            penalty=name,
            n_iter=50,
            filter_shape=shape,
            **PARAMETERS,
        ).u
        assert not np.any(np.signbit(u[u == 0]))


def test_float32_is_kept():
    rng = np.random.default_rng(4)
    w0 = rng.standard_normal((3, 6)).astype(np.float32)
    w_star = sparse_teacher(rng, 6, 3).astype(np.float32)
    run = {"penalty": "l0", "n_iter": 30, **PARAMETERS}
    result = rvscgd.run(w0, w_star, **run)
    assert result.u.dtype == result.w.dtype == np.float32
    exact = rvscgd.run(w0.astype(float), unit(w_star.astype(float)), **run)
    np.testing.assert_allclose(result.w, exact.w, atol=1e-7)


def test_help_has_a_readable_signature():
    signature = str(inspect.signature(rvscgd.run))
    assert "w0: 'ArrayLike', w_star: 'ArrayLike', *, k: 'ArrayLike'" in signature
    assert "_SupportsArray" not in signature


def test_docstring_example():
    assert doctest.testmod(rvscgd).failed == 0


def test_published_experiment_in_short():
    # k = 20, d = 50, a fifth of the weights not zero, beta and lam as published; steps 100 times as
    # long, so that 3,000 iterations go as far as 300,000.
    rng = np.random.default_rng(0)
    w_star = sparse_teacher(rng, 50, 10)
    result = rvscgd.run(
        rng.standard_normal(50),
        w_star,
        k=20,
        penalty="l0",
        lam=1e-4,
        beta=4e-3,
        eta=1e-3,
        n_iter=3000,
        record_every=1,
    )
    assert np.all(np.diff(result.angles) <= 1e-14)
    assert np.all(np.diff(result.lagrangians) <= 1e-13)
    assert result.angle < 1e-3


# --- many runs --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(["l1", "l0", "tl1", "l20"]),
    d=st.sampled_from([1, 2, 6, 30]),
    block=st.sampled_from([1, 40, 10**6]),
)
def test_batch_is_its_runs(seed, name, d, block):
    rng = np.random.default_rng(seed)
    w0 = rng.standard_normal((3, 1, d))
    w0[0, 0, 0] = 0 if d > 1 else 1
    w_star = unit(rng.standard_normal((4, d)) * (np.arange(d) < max(1, d // 2)))
    k = rng.integers(1, 30, (3, 1))
    lam, beta, eta = rng.uniform(0, 0.3), rng.uniform(0.1, 0.5, 4), rng.uniform(0.01, 0.2, (3, 4))
    shape = (1, d) if name == "l20" else None
    a = rng.uniform(0.1, 5, (3, 1, 1))
    penalty = TransformedL1(a) if name == "tl1" else name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rvscgd, "BLOCK_ENTRIES", block)
        batch = rvscgd.run(
            w0,
            w_star,
            k=k,
            penalty=penalty,
            lam=lam,
            beta=beta,
            eta=eta,
            n_iter=7,
            record_every=3,
            filter_shape=shape,
        )
    assert batch.w.shape == (3, 4, d)
    assert batch.angles.shape == batch.lagrangians.shape == (4, 3, 4)
    for i in range(3):
        for j in range(4):
            alone = rvscgd.run(
                w0[i, 0],
                w_star[j],
                k=int(k[i, 0]),
                penalty=TransformedL1(a[i, 0, 0]) if name == "tl1" else name,
                lam=lam,
                beta=beta[j],
                eta=eta[i, j],
                n_iter=7,
                record_every=3,
                filter_shape=shape,
            )
            np.testing.assert_allclose(batch.u[i, j], alone.u, atol=1e-13)
            np.testing.assert_allclose(batch.w[i, j], alone.w, atol=1e-13)
            np.testing.assert_allclose(batch.angles[:, i, j], alone.angles, atol=1e-12)
            np.testing.assert_allclose(batch.lagrangians[:, i, j], alone.lagrangians, atol=1e-11)
            assert batch.support_recovered[i, j] == alone.support_recovered


def test_parameters_alone_make_a_batch():
    result = rvscgd.run(
        [1.0, 1.0], [1.0, 0.0], k=[1, 20], penalty="l1", lam=0.01, beta=0.1, eta=0.1, n_iter=3
    )
    assert result.w.shape == (2, 2)
    assert result.support_recovered.shape == (2,)


# --- steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "shape"), PENALTIES)
def test_steps_account_for_the_lagrangian(name, shape):
    rng = np.random.default_rng(5)
    w0, w_star = rng.standard_normal(12), sparse_teacher(rng, 12, 5)
    settings_ = {"penalty": name, "filter_shape": shape, **PARAMETERS}
    previous = None
    for index, step in enumerate(rvscgd.iterate(w0, w_star, n_iter=6, **settings_)):
        assert step.sweep == index // 2 + 1
        assert step.block == "uw"[index % 2]
        assert set(step.before) == set(step.after) == {"loss", "penalty", "coupling"}
        u, w = step.state.u, step.state.w
        value = plain_lagrangian(name, u, w, w_star, 20, 0.05, 0.5, shape=shape)
        np.testing.assert_allclose(step.objective_after, value, atol=1e-10)
        if step.block == "u":
            np.testing.assert_allclose(u, plain_prox(name, w, 0.1, shape=shape), atol=1e-14)
            assert step.decrease >= -1e-13  # the step of w may raise it, near the teacher
        if previous is not None:
            assert step.before == previous
        previous = step.after
    result = rvscgd.run(w0, w_star, n_iter=6, **settings_)
    np.testing.assert_array_equal(step.state.w, result.w)
    np.testing.assert_allclose(step.objective_after, result.lagrangian, rtol=1e-14)


def test_every_skips_iterations_but_makes_them():
    rng = np.random.default_rng(6)
    w0, w_star = rng.standard_normal(5), sparse_teacher(rng, 5, 2)
    all_, some = (
        list(rvscgd.iterate(w0, w_star, n_iter=9, every=every, penalty="l0", **PARAMETERS))
        for every in (1, 4)
    )
    assert [step.sweep for step in some] == [4, 4, 8, 8]
    assert [step.after for step in some] == [s.after for s in all_ if s.sweep in (4, 8)]


# --- sampled gradients ------------------------------------------------------------------------


def brute_gradient(w, w_star, Z):
    """Return the mean over samples of sqrt(2/pi) (h(w) - h(w*)) sum_i 1[Z_i w > 0] Z_i."""
    total = np.zeros(len(w))
    for sample in Z:
        error = np.sum(sample @ w > 0) - np.sum(sample @ w_star > 0)
        total += error * sum(((patch @ w > 0) * patch for patch in sample), np.zeros(len(w)))
    return np.sqrt(2 / np.pi) * total / len(Z)


def test_sampled_run_uses_new_samples_in_every_iteration():
    rng = np.random.default_rng(7)
    w0, w_star = unit(rng.standard_normal((2, 4))), sparse_teacher(rng, 4, 2)
    parameters = {**PARAMETERS, "k": 3}
    result = rvscgd.run(
        w0,
        w_star,
        penalty="l1",
        n_iter=3,
        coarse_gradient=stochastic_coarse_gradient(
            w_star, 3, n_samples=40, rng=np.random.default_rng(8)
        ),
        **parameters,
    )
    same, w = np.random.default_rng(8), w0
    for _ in range(3):
        Z = sample_inputs(same, 40, 3, 4)
        u = plain_prox("l1", w, 0.1)
        gradient = np.array([brute_gradient(each, w_star, Z) for each in w])
        w = unit(w - 0.2 * (gradient + 0.5 * (w - u)))
    np.testing.assert_allclose(result.w, w, atol=1e-12)
    np.testing.assert_allclose(result.u, u, atol=1e-12)


def test_sampled_run_is_noisy_around_the_population_run():
    rng = np.random.default_rng(9)
    w0, w_star = rng.standard_normal(6), sparse_teacher(rng, 6, 3)
    run = {"penalty": "l1", "n_iter": 100, **PARAMETERS, "eta": 0.02}
    expected = rvscgd.run(w0, w_star, **run)
    sampled = rvscgd.run(
        w0,
        w_star,
        coarse_gradient=stochastic_coarse_gradient(w_star, 20, n_samples=2000, rng=rng),
        **run,
    )
    assert 0 < np.max(np.abs(sampled.angles - expected.angles)) < 0.1
    noisy = stochastic_coarse_gradient(w_star, 20, rng=rng)
    one_step = list(rvscgd.iterate(w0, w_star, coarse_gradient=noisy, **{**run, "n_iter": 1}))
    assert [step.block for step in one_step] == ["u", "w"]


def test_a_coarse_gradient_sees_all_runs_at_once_with_their_leading_axes():
    rng = np.random.default_rng(11)
    w0, w_star = rng.standard_normal((2, 1, 4)), unit(rng.standard_normal((3, 4)))
    seen = []

    def gradient(w):
        seen.append(w.shape)
        return 20 / (2 * np.pi) * (w - w_star)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rvscgd, "BLOCK_ENTRIES", 1)
        own = rvscgd.run(w0, w_star, penalty="l1", n_iter=5, **PARAMETERS, coarse_gradient=gradient)
    assert seen == [(2, 3, 4)] * 5
    expected = rvscgd.run(w0, w_star, penalty="l1", n_iter=5, **PARAMETERS)
    np.testing.assert_allclose(own.w, expected.w, atol=1e-14)


# --- any penalty -------------------------------------------------------------------------------


def test_group_at_a_tie_is_dropped():
    result = rvscgd.run(
        [0.6, 0.8, 0.0],
        [1.0, 0.0, 0.0],
        k=20,
        penalty="l20",
        filter_shape=(1, 3),
        lam=0.25,
        beta=0.5,
        eta=0.1,
        n_iter=1,
    )
    np.testing.assert_array_equal(result.u, 0)


@pytest.mark.parametrize("penalty", [MCP(0.3), MCP(np.full((4, 1), 0.3)), SCAD(3.0, 0.1)])
def test_mcp_and_scad_run(penalty):
    rng = np.random.default_rng(12)
    w0, w_star = rng.standard_normal((4, 12)), sparse_teacher(rng, 12, 5)
    result = rvscgd.run(w0, w_star, penalty=penalty, n_iter=300, **PARAMETERS)
    u, w = unit(w0), unit(w0)
    for _ in range(300):
        u = penalty.prox(w, 0.1)
        w = unit(w - 0.2 * (20 / (2 * np.pi) * (w - w_star) + 0.5 * (w - u)))
    np.testing.assert_allclose(result.u, u, atol=1e-13)
    np.testing.assert_allclose(result.w, w, atol=1e-13)
    np.testing.assert_array_equal(result.u != 0, np.broadcast_to(w_star != 0, (4, 12)))


class Ridge(Penalty):
    """P(u) = |u|^2 / 2, which is none of the package's."""

    def terms(self, u):
        return u**2 / 2

    def prox_map(self, x, t):
        return x / (1 + t)


def test_any_penalty_will_do():
    rng = np.random.default_rng(10)
    w0, w_star = rng.standard_normal((3, 5)), sparse_teacher(rng, 5, 2)
    result = rvscgd.run(
        w0, w_star, k=20, penalty=Ridge(), lam=[0.1, 0.2, 0.3], beta=0.5, eta=0.2, n_iter=1
    )
    np.testing.assert_allclose(result.u, unit(w0) / (1 + np.array([[0.2], [0.4], [0.6]])))
    np.testing.assert_allclose(
        result.lagrangians[0] - 20 / (2 * np.pi) * result.angles[0], [0.05, 0.1, 0.15]
    )


# --- what is refused --------------------------------------------------------------------------

GOOD = {"w0": [1.0, 1.0], "w_star": [1.0, 0.0], "penalty": "l1", "n_iter": 2, **PARAMETERS}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("w0", [0.0, 0.0]),
        ("w0", [[1.0, 1.0], [0.0, 0.0]]),
        ("w0", [np.nan, 1.0]),
        ("w0", [np.inf, 1.0]),
        ("w0", 1.0),
        ("w0", []),
        ("w_star", [0.0, 0.0]),
        ("w_star", [1.0, 1.0]),
        ("w_star", [1.0, 0.0, 0.0]),
        ("k", 0),
        ("k", 1.5),
        ("k", [1, 0]),
        ("penalty", "l3"),
        ("penalty", None),
        ("penalty", TransformedL1(np.ones((3, 2)))),
        ("lam", -1.0),
        ("lam", np.nan),
        ("beta", 0.0),
        ("beta", [0.1, -0.1]),
        ("eta", 0.0),
        ("eta", -0.1),
        ("eta", np.inf),
        ("eta", "fast"),
        ("n_iter", 0),
        ("n_iter", 2.0),
        ("record_every", 0),
        ("u0", [1.0, 2.0, 3.0]),
        ("u0", [np.nan, 0.0]),
        ("n_iter", 10**400),
        ("record_every", 10**400),
        ("k", 10**400),
        ("filter_shape", (1, 2)),
        ("coarse_gradient", "exact"),
        ("coarse_gradient", lambda w: w[:1]),
        ("method", "sgd"),
    ],
)
def test_bad_arguments_are_named(name, value):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        rvscgd.run(**{**GOOD, name: value})


@pytest.mark.parametrize("shape", [None, (2, 2), (0, 2), (1.5, 2), (2,)])
def test_groups_need_a_filter_shape(shape):
    with pytest.raises(ValueError, match="filter_shape"):
        rvscgd.run(**{**GOOD, "penalty": "l20", "filter_shape": shape})


def test_parameters_that_do_not_broadcast_are_named():
    with pytest.raises(ValueError, match="beta must broadcast"):
        rvscgd.run(**{**GOOD, "lam": [0.1, 0.2], "beta": [0.1, 0.2, 0.3]})
    with pytest.raises(ValueError, match="k must broadcast"):
        rvscgd.run(**{**GOOD, "w0": np.ones((2, 2)), "k": [1, 2, 3]})


def test_sampled_gradients_need_a_generator_and_one_k():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="rng"):
        stochastic_coarse_gradient([1.0, 0.0], 20, rng=None)
    with pytest.raises(ValueError, match="n_samples"):
        stochastic_coarse_gradient([1.0, 0.0], 20, n_samples=0, rng=rng)
    with pytest.raises(ValueError, match="k must"):
        stochastic_coarse_gradient([1.0, 0.0], [1, 2], rng=rng)
    with pytest.raises(ValueError, match="w_star"):
        stochastic_coarse_gradient([1.0, 1.0], 20, rng=rng)


def test_too_many_records_are_refused():
    with pytest.raises(ValueError, match="record_every must leave"):
        rvscgd.run(**{**GOOD, "n_iter": 10**9, "record_every": 1})


def test_blocks_know_their_equations():
    steps = list(rvscgd.iterate(**{**GOOD, "n_iter": 1}))
    assert [step.block.equation for step in steps] == [
        "u <- prox_{(lam/beta) P}(w)",
        "w <- w - eta (E g(w) + beta (w - u)),  w <- w / |w|",
    ]
    assert {step.block.source for step in steps} == {"docs/theory.md#a6"}


def test_iterate_refuses_batches_before_the_first_step():
    with pytest.raises(ValueError, match="one run"):
        rvscgd.iterate(**{**GOOD, "lam": [0.1, 0.2]})
    with pytest.raises(ValueError, match="every"):
        rvscgd.iterate(**GOOD, every=0)
    with pytest.raises(ValueError, match="eta"):
        rvscgd.iterate(**{**GOOD, "eta": 0})


def test_landing_on_the_zero_filter_is_reported():
    # Opposite to the teacher and with u = 0, the step of length 1/(2 c + beta) ends at 0, for some
    # beta exactly.
    beta = np.linspace(0.1, 1, 1000)
    eta = 1 / (20 / np.pi + beta)
    with pytest.raises(FloatingPointError, match="a run with eta = 0"):
        rvscgd.run([-1.0], [1.0], k=20, penalty="l0", lam=10, beta=beta, eta=eta, n_iter=1)
    with pytest.raises(FloatingPointError, match="eta = 1e\\+308"):
        rvscgd.run(**{**GOOD, "eta": [0.1, 1e308]})
    steps = rvscgd.iterate(**{**GOOD, "eta": 1e308})
    with pytest.raises(FloatingPointError):
        list(steps)


@pytest.mark.parametrize("eta", [1e-160, 1e-300])
def test_tiny_steps_stay_where_they_are(eta):
    result = rvscgd.run(**{**GOOD, "eta": eta, "beta": 1e-10, "lam": 1e-11})
    np.testing.assert_allclose(result.w, unit(np.ones(2)), rtol=1e-15)
