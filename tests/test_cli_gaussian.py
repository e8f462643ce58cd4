"""The commands rvscgd and sweep against plain loops, and what they print, draw and refuse."""

import csv
import os
import re
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import terminal

from zeroone.commands import rvscgd, sweep
from zeroone.commands.gaussian_common import sparse_teacher
from zeroone.gaussian.sweep import random_starts
from zeroone.penalties import get_penalty
from zeroone.plots import gaussian as plots_gaussian
from zeroone.steps import History

SMALL = ("--d", "10", "--beta", "0.4", "--lam", "0.05", "--eta", "0.05", "--n-iter", "2000")
C = 20 / (2 * np.pi)


@dataclass
class Run:
    """What a command did."""

    status: int
    out: str
    err: str

    def row(self, name):
        """Return what the table says of something."""
        found = re.search(rf"^{re.escape(name)}  +(.+)$", self.out, re.MULTILINE)
        assert found, f"no row {name!r} in:\n{self.out}"
        return found.group(1)


def run(*arguments):
    return Run(*terminal.run(*arguments))


def succeed(*arguments):
    done = run(*arguments)
    assert (done.status, done.err) == (0, ""), done
    return done


def read_csv(path):
    """Return the columns of a file; an empty cell is NaN."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


# -------------------------------------------------------------------------------------- plain loop


def soft(x, t):
    return np.sign(x) * np.maximum(np.abs(x) - t, 0)


def hard(x, t):
    return np.where(np.abs(x) > np.sqrt(2 * t), x, 0)


def hard_groups(x, t):
    rows = x.reshape(-1, 5)
    return (rows * (np.sqrt(np.sum(rows**2, 1, keepdims=True)) > np.sqrt(2 * t))).ravel()


def transformed(x, t, a=1.0):
    size = np.abs(x)
    tau = t * (a + 1) / a if t <= a**2 / (2 * (a + 1)) else np.sqrt(2 * t * (a + 1)) - a / 2
    phi = np.arccos(np.clip(1 - 27 * t * a * (a + 1) / (2 * (a + size) ** 3), -1, 1))
    u = 2 / 3 * (a + size) * np.cos(phi / 3) - 2 * a / 3 + size / 3
    return np.where(size > tau, np.sign(x) * u, 0)


PLAIN = {
    "l1": (soft, lambda u: np.abs(u).sum()),
    "l0": (hard, np.count_nonzero),
    "tl1": (transformed, lambda u: np.sum(2 * np.abs(u) / (1 + np.abs(u)))),
    "l20": (hard_groups, lambda u: np.count_nonzero(np.any(u.reshape(-1, 5), axis=1))),
}


def plain_run(w, w_star, name, lam, beta, eta, n_iter, c=C, admm=False):
    """Return rows (angle, Lagrangian, loss, penalty, coupling), one an iteration, and u, w."""
    prox, value = PLAIN[name]
    u, z, rows = w, np.zeros_like(w), []
    for iteration in range(n_iter + 1):
        if iteration:
            u = prox(w + z / beta, lam / beta)
            w = w - eta * (c * (w - w_star) + z + beta * (w - u))
            w = w / np.linalg.norm(w)
            if admm:
                z = z + beta * (w - u)
        angle = np.arccos(np.clip(w @ w_star, -1, 1))
        terms = [c * angle, lam * value(u), beta / 2 * np.sum((w - u) ** 2)]
        rows.append([angle, sum(terms) + z @ (w - u), *terms])
    return np.array(rows), u, w


def drawn(d=10, seed=0, sparsity=0.2, shape=None):
    """Return the start and the teacher of the command."""
    w_star = sparse_teacher(np.random.default_rng(seed), shape or (d, 1), sparsity)
    w0 = np.random.default_rng((seed, 1)).standard_normal(d)
    return w0 / np.linalg.norm(w0), w_star


# ------------------------------------------------------------------------------------------ rvscgd


@pytest.mark.parametrize("method", ["rvscgd", "admm"])
@pytest.mark.parametrize("penalty", PLAIN)
def test_the_records_are_those_of_a_plain_loop(tmp_path, penalty, method):
    path = tmp_path / "out.csv"
    options = ("--penalty", penalty, "--method", method, "--record-every", "30", "--csv", path)
    done = succeed("rvscgd", *SMALL, *options)
    w0, w_star = drawn(shape=(2, 5) if penalty == "l20" else None)
    rows, u, w = plain_run(w0, w_star, penalty, 0.05, 0.4, 0.05, 2000, admm=method == "admm")
    found = read_csv(path)
    iterations = [*range(0, 2000, 30), 2000]
    np.testing.assert_array_equal(found["iteration"], iterations)
    for column, name in enumerate(("angle", "lagrangian", "loss", "penalty", "coupling")):
        np.testing.assert_allclose(found[name], rows[iterations, column], atol=3e-7)
    assert found["nonzeros"][-1] == np.count_nonzero(u)
    true, kept = w_star != 0, u != 0
    counts = [
        np.sum(kept & true),
        np.sum(kept & ~true),
        np.sum(~kept & ~true),
        np.sum(~kept & true),
    ]
    assert re.findall(r"\d+", done.row("support of u")) == [str(count) for count in counts]
    if method == "rvscgd":
        pull = C * w_star + 0.4 * u
        residual = float(done.row("balance |c w* + beta u - C w|").split()[0])
        assert residual == pytest.approx(np.linalg.norm(pull - (pull @ w) * w), abs=1e-12)


def test_the_published_experiment_falls_monotonically(tmp_path):
    path = tmp_path / "out.csv"
    done = succeed("rvscgd", "--n-iter", "300000", "--csv", path)
    assert done.row("the angle") == "falls at each of the 1,000 records"
    assert done.row("the Lagrangian") == "falls at each of the 1,000 records"
    found = read_csv(path)
    assert len(found["iteration"]) == 1001
    assert found["iteration"][-1] == 300_000
    assert np.all(np.diff(found["angle"]) < 0)
    assert np.all(np.diff(found["lagrangian"]) < 0)
    assert found["angle"][0] > 1
    assert found["angle"][-1] < 1e-3
    assert "NO" not in done.out
    assert "must fall as long as theta >= delta" in done.out


def test_rises_are_reported_and_where(tmp_path):
    path = tmp_path / "out.csv"
    done = succeed("rvscgd", *SMALL, "--penalty", "l1", "--record-every", "1", "--csv", path)
    found = read_csv(path)
    delta = np.arcsin(0.4 / C)
    for row, name in (("the angle", "angle"), ("the Lagrangian", "lagrangian")):
        rises = np.flatnonzero(np.diff(found[name]) > 1e-11)
        assert len(rises)
        assert np.all(found["angle"][rises] < delta)
        assert "0 of them at theta >= delta" in done.row(row)
        assert f"first after iteration {rises[0]}," in done.row(row)
        assert f"at most by {np.diff(found[name]).max():.2g}" in done.row(row)


def test_a_rise_above_delta_is_counted():
    history = History()
    for iteration, angle in enumerate([2.0, 1.0, 1.5, 0.2, 0.6, 0.1]):
        history.record(iteration=10 * iteration, angle=angle)
    text = rvscgd.course(history, "angle", 0.5)
    assert text.startswith("rises at 2 of the 5 records, 1 of them at theta >= delta")
    assert "first after iteration 10, at most by 0.5" in text


def test_the_four_counts_of_a_support():
    w_star, u = np.array([1.0] * 3 + [0.0] * 7), np.array([1.0, 0, 0] + [2.0] * 3 + [0.0] * 4)
    assert rvscgd.support_text(u, w_star) == (
        "not recovered: 1 true positives, 3 false positives, 4 true negatives, 2 false negatives"
    )
    assert rvscgd.support_text(w_star, w_star).startswith("recovered: 3 true positives, 0 false")


def test_the_closed_form_limit_of_l1_is_where_a_long_run_ends():
    done = succeed("rvscgd", *SMALL, "--penalty", "l1")
    rows, _, _ = plain_run(*drawn(), "l1", 0.05, 0.4, 0.05, 2000)
    limit = float(done.row("angle of the limit, closed form").removesuffix(" rad"))
    assert limit == pytest.approx(rows[-1, 0], rel=1e-5)
    assert done.row("angle of w and w*").endswith(f"-> {limit:.6g} rad")
    assert float(done.row("distance of w from that limit")) < 1e-12
    assert np.sin(limit) < float(done.row("bound on sin(angle) at limits"))


@pytest.mark.parametrize(("beta", "holds"), [("1.5", True), ("1.6", False)])
def test_hypotheses_are_judged(beta, holds):
    # (k / 2 pi) sin(0.5) = 1.526
    done = succeed("rvscgd", "--delta", "0.5", "--beta", beta, "--n-iter", "10")
    verdict = done.row("beta <= (k / 2 pi) sin(delta)").split(maxsplit=2)
    gap = abs(C * np.sin(0.5) - float(beta))
    assert verdict[2] == (f"by {gap:.3g}" if holds else f"NO: off by {gap:.3g}")
    assert ("nothing is promised" in done.out) is not holds


@pytest.mark.parametrize("beta", np.geomspace(1e-4, C, 12))
def test_the_default_delta_allows_beta(beta):
    done = succeed("rvscgd", "--beta", repr(float(beta)), "--n-iter", "1")
    assert done.row("beta <= (k / 2 pi) sin(delta)").endswith("with equality")


def test_a_stiffness_that_no_delta_allows():
    done = succeed("rvscgd", "--beta", "4", "--n-iter", "10", "--penalty", "l1", "--lam", "100")
    assert "with delta = 1.5708 rad" in done.out
    assert "NO: off by 0.817" in done.row("beta <= (k / 2 pi) sin(delta)")
    assert "closed form" not in done.out


def test_samples_are_drawn_by_seed(tmp_path):
    angles = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        path = tmp_path / name
        options = ("--samples", "50", "--eta", "0.05", "--n-iter", "40", "--seed", seed)
        done = succeed("rvscgd", "--csv", path, *options)
        angles.append(read_csv(path)["angle"])
        assert "not about a sampled one" in done.out
    np.testing.assert_array_equal(angles[0], angles[1])
    assert np.all(angles[0] != angles[2])
    assert angles[0][-1] < angles[0][0]
    rows, _, _ = plain_run(*drawn(50, seed=3), "l0", 1e-4, 4e-3, 0.05, 40)
    assert np.abs(angles[0][1:] - rows[1:, 0]).min() > 1e-6


@pytest.mark.parametrize("kind", ["normal", "equal"])
def test_teachers_have_the_share_of_entries_asked_for(kind):
    for d, sparsity, kept in ((50, 0.2, 10), (7, 0.01, 1), (9, 1.0, 9), (1, 0.5, 1)):
        w_star = sparse_teacher(np.random.default_rng(d), (d, 1), sparsity, kind)
        assert np.count_nonzero(w_star) == kept
        assert np.linalg.norm(w_star) == pytest.approx(1)
        if kind == "equal":
            np.testing.assert_allclose(np.abs(w_star[w_star != 0]), kept**-0.5)
    rows = sparse_teacher(np.random.default_rng(0), (10, 5), 0.3, kind).reshape(10, 5)
    assert sorted(np.count_nonzero(rows, axis=1)) == [0] * 7 + [5] * 3


OWN_PENALTY = """
import numpy as np
from zeroone.penalties import Penalty

class Soft(Penalty):
    def terms(self, u):
        return np.abs(u)

    def prox_map(self, x, t):
        return np.sign(x) * np.maximum(np.abs(x) - t, 0)

class Unfinished(Penalty):
    pass

class Alien:
    pass
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """Return the name of a module in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN_PENALTY)
    yield name
    sys.modules.pop(name, None)


def test_a_penalty_of_the_users_own_is_run_and_swept(own_module):
    angles = []
    for penalty in ("l1", f"{own_module}:Soft"):
        done = succeed("rvscgd", *SMALL, "--penalty", penalty, "--csv", "out.csv")
        angles.append(read_csv("out.csv")["angle"])
        assert "support at the limit" in done.out
        assert float(done.row("bound on sin(angle) at limits")) < 0.06
    np.testing.assert_allclose(angles[0], angles[1], atol=1e-14)
    options = ("--grid", "3", "--n-iter", "20", "--starts", "3", "--d", "10")
    done = succeed("sweep", "--penalty", f"{own_module}:Soft", *options, "--plot", "p.png")
    assert "9 " in done.row("everywhere")


def test_what_is_wrong_with_a_users_penalty_is_said_in_one_line(own_module):
    for name, said in (
        (f"{own_module}:Missing", "missing"),
        (f"{own_module}:Alien", "must name a class derived from zeroone.penalties.Penalty"),
        (f"{own_module}:Unfinished", "cannot be made"),
        ("no_such_module:Soft", "cannot be imported"),
    ):
        for command in ("rvscgd", "sweep"):
            done = run(command, "--penalty", name)
            assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
            assert said in done.err


@pytest.mark.parametrize(
    ("penalty", "options"),
    [("mcp", ("gamma=0.3",)), ("scad", ("a=3", "knee=0.05")), ("l20", ("groups=rows",))],
)
def test_parameters_of_penalties_are_options(tmp_path, penalty, options):
    values = dict(option.split("=") for option in options)
    numbers = {n: v if n == "groups" else float(v) for n, v in values.items()}
    given = [part for option in options for part in ("--penalty-option", option)]
    path = tmp_path / "out.csv"
    succeed("rvscgd", *SMALL, "--penalty", penalty, *given, "--csv", path)
    shape = (2, 5) if penalty == "l20" else None
    w, w_star = drawn(shape=shape)
    own = get_penalty(penalty, **numbers)
    for _ in range(2000):
        u = own.prox(w if shape is None else w.reshape(shape), 0.05 / 0.4).ravel()
        w = w - 0.05 * (C * (w - w_star) + 0.4 * (w - u))
        w = w / np.linalg.norm(w)
    angle = np.arccos(np.clip(w @ w_star, -1, 1))
    assert read_csv(path)["angle"][-1] == pytest.approx(angle, abs=1e-7)


@pytest.mark.parametrize(
    "arguments",
    [
        ("rvscgd", "--n-iter", "20", "--lam", "1e308"),
        ("rvscgd", "--n-iter", "20", "--penalty", "tl1", "--a", "1e300", "--lam", "1e308"),
        ("rvscgd", "--n-iter", "20", "--penalty", "mcp", "--lam", "1e300", "--plot", "p.png"),
        ("rvscgd", "--n-iter", "20", "--beta", "1e-308", "--lam", "1e308", "--penalty", "scad"),
        ("rvscgd", "--n-iter", "20", "--beta", "1e308"),
        ("rvscgd", "--n-iter", "20", "--method", "admm", "--beta", "1e-300"),
        ("rvscgd", "--n-iter", "20", "--k", str(2**53)),
        ("sweep", "--grid", "3", "--n-iter", "3", "--starts", "2", "--lam", "1e-300,1e308"),
        ("sweep", "--grid", "3", "--n-iter", "3", "--starts", "2", "--beta", "1e-300,1e300"),
    ],
)
def test_extreme_numbers_end_without_a_warning(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.status in (0, 2)
    if done.status == 0:
        assert done.err == ""
    else:
        assert done.err.startswith("zeroone: error: ")
        assert done.err.count("\n") == 1


class Bar:
    """A progress bar that counts."""

    def __init__(self):
        self.n, self.updates = 0, 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def set_postfix(self, **values):
        pass

    def update(self, count):
        self.n += count
        self.updates += 1


@pytest.mark.parametrize(
    ("module", "arguments", "total"),
    [
        (rvscgd, ("rvscgd", "--n-iter", "1010"), 1010),
        (sweep, ("sweep", "--grid", "3", "--n-iter", "2", "--starts", "900"), 8100),
    ],
)
def test_progress_moves_to_the_end(monkeypatch, module, arguments, total):
    bar, totals = Bar(), []
    monkeypatch.setattr(module, "progress", lambda total, unit: totals.append(total) or bar)
    succeed(*arguments)
    assert totals == [total]
    assert bar.n == total
    assert bar.updates >= 3


# ------------------------------------------------------------------------------------------- sweep


def plain_shares(starts, w_star, name, lam, beta, eta, delta, n_iter):
    """Return the shares of starts with descent of angle, of Lagrangian, with support; the angle."""
    outcomes = []
    for w0 in starts:
        rows, u, _ = plain_run(w0, w_star, name, lam, beta, eta, n_iter)
        asked = rows[:-1, 0] >= delta
        falls = [not np.any((np.diff(rows[:, c]) > 1e-9) & asked) for c in (0, 1)]
        outcomes.append([*falls, np.array_equal(u != 0, w_star != 0), rows[-1, 0]])
    return np.mean(outcomes, axis=0)


@pytest.mark.parametrize(
    ("axes", "options"),
    [
        ("beta-lam", ("--beta", "0.1,20", "--lam", "0.01,1")),
        ("beta-lam", ("--beta", "0.1,20", "--lam", "0.01,1", "--eta", "0.4")),
        ("eta-beta", ("--beta", "0.1,20", "--lam", "0.05", "--eta", "0.01,2")),
    ],
)
@pytest.mark.parametrize("penalty", ["l1", "l0"])
def test_the_points_are_those_of_plain_loops(tmp_path, monkeypatch, axes, options, penalty):
    n_iter, n_starts, delta = 20, 6, 0.4
    starts = np.random.default_rng(5).standard_normal((n_starts, 10))
    starts /= np.linalg.norm(starts, axis=1, keepdims=True)
    monkeypatch.setattr("zeroone.gaussian.sweep.random_starts", lambda *_: starts.copy())
    path = tmp_path / "points.csv"
    size = ("--grid", "3", "--d", "10", "--delta", delta, "--n-iter", n_iter, "--starts", n_starts)
    succeed("sweep", "--axes", axes, "--penalty", penalty, *size, *options, "--csv", path)
    points, (_, w_star) = read_csv(path), drawn()
    assert len(points["lam"]) == 9
    np.testing.assert_allclose(np.unique(points["beta"].round(12)), np.geomspace(0.1, 20, 3))
    for index, (lam, beta, eta) in enumerate(
        zip(points["lam"], points["beta"], points["eta"], strict=True)
    ):
        if axes == "beta-lam":
            expected = 0.4 if "--eta" in options else 1 / (beta + C)
            assert eta == pytest.approx(expected, rel=1e-12)
        else:
            assert lam == 0.05
        shares = plain_shares(starts, w_star, penalty, lam, beta, eta, delta, n_iter)
        names = ("angle_descent", "lagrangian_descent", "support_recovered", "angle")
        np.testing.assert_allclose([points[name][index] for name in names], shares, atol=1e-6)
        allowed = eta <= 1 / (beta + C) * (1 + 1e-12)
        holds = allowed and beta <= C * np.sin(delta) and lam < C / np.sqrt(10)
        assert points["hypotheses_hold"][index] == holds
        if beta >= C or not allowed:
            assert np.isnan(points["support_predicted"][index])


def test_all_points_have_the_same_starts_and_a_seed_has_its_own(monkeypatch):
    seen = []

    def recorded(*arguments):
        seen.append(random_starts(*arguments))
        return seen[-1]

    monkeypatch.setattr("zeroone.gaussian.sweep.random_starts", recorded)
    monkeypatch.setattr("zeroone.gaussian.sweep.WEIGHTS_OF_A_PART", 1)  # a run each
    for seed in (1, 2):
        succeed("sweep", "--grid", "3", "--n-iter", "1", "--starts", "4", "--seed", seed)
    half = len(seen) // 2
    assert half > 9 * 4
    # The starts of each point, drawn one by one.
    first, other = (np.reshape(part[-36:], (9, 4, -1)) for part in (seen[:half], seen[half:]))
    for found in (first, other):
        np.testing.assert_array_equal(found, np.broadcast_to(found[0], found.shape))
        assert len(np.unique(found[0], axis=0)) == 4
    assert np.all(first != other)


@pytest.mark.parametrize("penalty", ["l0", "l1", "tl1", "l20", "mcp", "scad"])
def test_the_default_grid_has_both_boundaries_inside(tmp_path, penalty):
    path = tmp_path / "points.csv"
    options = ("--starts", "6", "--grid", "8", "--d", "20", "--penalty", penalty)
    done = succeed("sweep", *options, "--csv", path)
    points = read_csv(path)
    held = points["hypotheses_hold"] == 1
    assert 0 < held.sum() < 64
    assert np.all(points["angle_descent"][held] == 1)
    assert np.all(points["lagrangian_descent"][held] == 1)
    assert 0 < points["support_recovered"].mean() < 1
    if penalty != "l20":
        assert {0.0, 1.0} <= set(points["support_predicted"])
    if penalty == "l0":
        assert points["angle_descent"].min() == 0
    assert done.row("hypotheses on beta, lam, eta hold").split()[:2] == [str(held.sum()), "100.0%"]


# ---------------------------------------------------------------------------------------- pictures


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


def assert_legend_below(figure, axes):
    figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().y1 < axes.get_window_extent().y0


def test_the_curves_are_drawn():
    history = History()
    for iteration, (angle, lagrangian) in enumerate([(1.0, 5.0), (0.5, 2.0), (0.1, -1.0)]):
        history.record(iteration=iteration, angle=angle, lagrangian=lagrangian)
    figure = plots_gaussian.descent_curve(history, title="t", delta=0.2, limit=0.09)
    left, right = figure.axes
    assert "radians" in left.get_ylabel()
    assert (left.get_yscale(), right.get_yscale()) == ("log", "linear")
    lines = lines_of(left)
    assert list(lines) == [
        r"$\theta(w, w^*)$",
        r"$\delta$ = 0.2: descent above",
        "angle of the limit (closed form)",
    ]
    np.testing.assert_array_equal(lines[r"$\theta(w, w^*)$"].get_ydata(), [1.0, 0.5, 0.1])
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [5.0, 2.0, -1.0])
    for axes in figure.axes:
        assert_legend_below(figure, axes)


def test_the_edge_of_a_region_is_drawn_and_of_nothing_else():
    x, y = np.geomspace(0.1, 10, 101), np.geomspace(1e-3, 1, 51)
    left_of_one = np.broadcast_to(x <= 1, (51, 101))
    regions = {
        "angle_descent": {"left of 1": left_of_one, "everywhere": np.ones((51, 101), bool)},
        "support_recovered": {},
    }
    shares = np.arange(6.0).reshape(2, 3) / 5
    figure = plots_gaussian.phase_picture(
        (np.array([0.1, 1, 10]), np.array([1e-3, 1])),
        dict.fromkeys(regions, shares),
        (x, y),
        regions,
        axes=("beta", "lam"),
        title="t",
    )
    panel, other, *bars = figure.axes
    assert list(lines_of(panel)) == ["left of 1"]
    edge = panel.lines[0].get_xdata()
    np.testing.assert_allclose(edge[~np.isnan(edge)], 1, rtol=0.05)
    assert not other.lines
    mesh = panel.collections[0]
    np.testing.assert_allclose(np.ravel(mesh.get_array()), 100 * shares.ravel())
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], 10.0 ** np.arange(-1.5, 2))
    assert [bar.get_ylabel() for bar in bars] == [
        "angle never rises (% of starts)",
        "support recovered (% of starts)",
    ]
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
    assert_legend_below(figure, panel)


@pytest.mark.parametrize(
    ("command", "name", "start"),
    [
        (("rvscgd", *SMALL, "--penalty", "l1"), "p.png", b"\x89PNG"),
        (("sweep", "--grid", "3", "--n-iter", "5", "--d", "5"), "p.pdf", b"%PDF"),
    ],
)
def test_pictures_are_written(tmp_path, command, name, start):
    done = succeed(*command, "--plot", tmp_path / name)
    assert f"picture written to {tmp_path / name}" in done.out
    assert (tmp_path / name).read_bytes().startswith(start)


# --------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("rvscgd --k 0", "k must"),
        ("rvscgd --d 0", "d must"),
        ("rvscgd --sparsity 0", "sparsity must"),
        ("rvscgd --sparsity nan", "sparsity must"),
        ("rvscgd --penalty l9", "--penalty"),
        ("rvscgd --penalty mcp --penalty-option a=1", "a is not an option of mcp"),
        ("rvscgd --penalty mcp --penalty-option gamma=-1", "gamma must"),
        ("rvscgd --penalty mcp --penalty-option gamma=wide", "gamma must"),
        ("rvscgd --penalty scad --penalty-option 3", "--penalty-option must be NAME=VALUE"),
        (f"rvscgd --k 1{'0' * 400}", "argument --k: must"),
        (f"sweep --k 1{'0' * 400}", "argument --k: must"),
        (f"rvscgd --d 1{'0' * 30}", "d: must"),
        (f"rvscgd --n-iter 1{'0' * 400}", "argument --n-iter: must"),
        (f"rvscgd --record-every 1{'0' * 400}", "argument --record-every: must"),
        ("rvscgd --n-iter 100000000 --record-every 1", "record-every must leave"),
        ("rvscgd --samples 1000000000", "samples must"),
        (f"rvscgd --samples 1{'0' * 400}", "argument --samples: must"),
        ("sweep --grid 100000", "grid must"),
        (f"sweep --grid 1{'0' * 400}", "argument --grid: must"),
        ("sweep --starts 1000000000", "starts must"),
        (f"sweep --n-iter 1{'0' * 400}", "argument --n-iter: must"),
        ("rvscgd --beta 0", "beta must"),
        ("rvscgd --lam -1", "lam must"),
        ("rvscgd --eta nan", "eta must"),
        ("rvscgd --n-iter 0", "n-iter must"),
        ("rvscgd --record-every 0", "record-every must"),
        ("rvscgd --samples 0", "samples must"),
        ("rvscgd --seed -1", "seed must"),
        ("rvscgd --delta 2", "delta must"),
        ("rvscgd --a 1", "--a is an option of --penalty tl1 only"),
        ("rvscgd --penalty tl1 --a -1", "a must"),
        ("rvscgd --filter-shape 5,10", "--filter-shape is an option of --penalty l20 only"),
        ("rvscgd --penalty l20 --filter-shape 5,11", "filter-shape must"),
        ("rvscgd --penalty l20 --filter-shape 5", "filter-shape must"),
        ("rvscgd --penalty l20 --d 7", "--filter-shape is needed"),
        ("rvscgd --plot a.gif", "plot must end"),
        ("rvscgd --csv no/such/a.csv", "cannot write"),
        ("rvscgd --csv same.png --plot same.png", "another option names the same file"),
        ("rvscgd --n-iter 20 --eta 1e308 --csv a.csv --plot a.png", "eta is too large"),
        ("sweep --beta 3", "beta must be a range"),
        ("sweep --beta 3,1", "LOW < HIGH"),
        ("sweep --beta 1,2,3", "beta must be a range"),
        ("sweep --lam 0,1", "lam must"),
        ("sweep --lam x,1", "--lam"),
        ("sweep --eta 1,2", "eta must be one number"),
        ("sweep --axes eta-beta --lam 1,2", "lam must be one number"),
        ("sweep --axes eta-beta --eta 1", "eta must be a range"),
        ("sweep --grid 1", "grid must"),
        ("sweep --starts 0", "starts must"),
        ("sweep --n-iter 0", "n-iter must"),
        ("sweep --delta 0", "delta must"),
        ("sweep --delta 1.6", "delta must"),
        ("sweep --plot a.txt", "plot must end"),
        ("sweep --csv .", "cannot write"),
    ],
)
def test_bad_input_is_refused_in_one_line(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments.split())
    assert done.status == 2
    assert done.out == ""
    assert said in done.err
    assert done.err.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("zeroone.commands.rvscgd.trajectories", ("rvscgd",)),
        ("zeroone.commands.sweep.sweep", ("sweep",)),
    ],
)
def test_an_interrupt_writes_nothing(tmp_path, monkeypatch, target, arguments):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(target, interrupted)
    done = run(*arguments, "--csv", tmp_path / "a.csv", "--plot", tmp_path / "a.png")
    assert (done.status, done.out, done.err) == (130, "", "zeroone: interrupted\n")
    assert os.listdir(tmp_path) == []
