# %% [markdown]
# # 5. RVSCGD and Theorem 1, with the region where descent fails
#
# ## What you will see
#
# RVSCGD finds a sparse filter by two moves in turn. It thresholds the filter; then it steps along
# the coarse gradient, and is pulled towards the thresholded filter. Theorem 1 of Dinh and Xin says
# when the angle to the teacher and the Lagrangian fall. You see them fall, and the limit agree with
# a formula. And you see them **rise**, with all hypotheses of the theorem met, once the angle is
# below a certain $\delta$. The last picture shows the region in which that happens.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`, sections A6 and A7.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone import gaussian
from zeroone.gaussian import limits, rvscgd, theory
from zeroone.gaussian.filters import unit
from zeroone.plots.style import COLOURS, STYLE, STYLES, legend_below
from zeroone.support.tables import table

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# The filter $w = (0.6, 0.8)$, the teacher $w^\ast = (1, 0)$, k = 20 patches, hence
# $c = k/2\pi = 3.1831$. The penalty is $\ell_1$, with $\beta = c/2 = 1.5915$,
# $\lambda = 0.2\,\beta = 0.3183$ and $\eta = 1/(2c) = 0.1571$.
#
# **u, (A6.2).** Soft threshold of $w$ at $\lambda/\beta = 0.2$: $u = (0.4, 0.6)$.
#
# **w, (A6.3).** The coarse gradient is $c\,(w - w^\ast) = c\,(-0.4, 0.8)$, and $\eta$ times it is
# $0.5\,(-0.4, 0.8) = (-0.2, 0.4)$. The coupling's part is $\eta\beta\,(w - u) = 0.25\,(0.2, 0.2) =
# (0.05, 0.05)$. So
#
# $$w \leftarrow (0.6, 0.8) - (-0.2, 0.4) - (0.05, 0.05) = (0.75, 0.35),$$
#
# of length $\sqrt{0.5625 + 0.1225} = 0.8276$, and divided by it, (A6.4), $w = (0.9062, 0.4229)$.
#
# **The angle** to the first axis was $\arctan(0.8 / 0.6) = 0.9273$ and is
# $\arctan(0.35 / 0.75) = 0.4366$.
#
# **The Lagrangian, (A6.1)**, at first with u = w:
#
# | | $c\,\theta$ | $\lambda \lVert u \rVert_1$ | $\tfrac{\beta}{2} \lVert w - u \rVert^2$ | sum |
# |---|---|---|---|---|
# | before | 3.1831 · 0.9273 = 2.9517 | 0.3183 · 1.4 = 0.4456 | 0 | 3.3973 |
# | after u | 2.9517 | 0.3183 · 1 = 0.3183 | 0.7958 · 0.08 = 0.0637 | 3.3337 |
# | after w | 3.1831 · 0.4366 = 1.3898 | 0.3183 | 0.7958 · 0.2876 = 0.2289 | 1.9370 |
#
# **Now with the teacher (0.6, 0.8)**, which is where the filter is: nothing is left to learn. Again
# $u = (0.4, 0.6)$. The coarse gradient is 0, and only the coupling acts:
# $w \leftarrow (0.6, 0.8) - (0.05, 0.05) = (0.55, 0.75)$. Its angle to the first axis is
# $\arctan(0.75 / 0.55) = 0.93805$ and not 0.92730 any more: **the angle to the teacher rises** from
# 0 to 0.01075. So does the Lagrangian: after u it is $0 + 0.31831 + 0.06366 = 0.38197$, and after
# w, with $f = 3.1831 \cdot 0.01075 = 0.03422$ and the coupling $0.79577 \cdot 0.07923 = 0.06305$,
# it is $0.03422 + 0.31831 + 0.06305 = 0.41558$.

# %%
k = 20
c = k / (2 * np.pi)
w = np.array([0.6, 0.8])
settings = {"k": k, "penalty": "l1", "lam": 0.2 * c / 2, "beta": c / 2, "eta": 1 / (2 * c)}
by_hand = {
    "towards (1, 0)": [3.3973, 3.3337, 1.9370, 0.4366],
    "from the teacher": [0.4456, 0.38197, 0.41558, 0.01075],
}

# %% [markdown]
# ## The same by the library
#
# `rvscgd.iterate` yields a step after every move of a block, with the terms of the Lagrangian
# before and after it.

# %%
by_library, rows = {}, []
for name, w_star in {"towards (1, 0)": np.array([1.0, 0.0]), "from the teacher": w}.items():
    move_u, move_w = rvscgd.iterate(w, w_star, n_iter=1, **settings)
    by_library[name] = [
        move_u.objective_before,
        move_u.objective_after,
        move_w.objective_after,
        float(gaussian.angle(move_w.state.w, w_star)),
    ]
    rows.append((f"{name}, by hand", *by_hand[name]))
    rows.append((f"{name}, by the library", *by_library[name]))
print(table(["", "L before", "L after u", "L after w", "angle at the end"], rows))

# %% [markdown]
# **Theorem 1's hypotheses (A7.1) to (A7.3)** hold in both cases, with the $\delta$ that is smallest
# for this $\beta$, $\arcsin(\beta/c) = \pi/6$:

# %%
prices = {name: settings[name] for name in ("k", "lam", "beta", "eta")}
rows = []
for name, w_star in {"towards (1, 0)": np.array([1.0, 0.0]), "from the teacher": w}.items():
    for each in theory.hypotheses(w, w_star, **prices):
        answer = "holds" if each.holds else "fails"
        rows.append((name, each.statement, float(each.value), float(each.bound), answer))
print(table(["", "hypothesis", "value", "bound", ""], rows))

# %% [markdown]
# ## The loop
#
# There are ten dimensions, a teacher with three entries that are not 0, and three runs: with
# $\ell_1$ from a random start, with $\ell_0$ from the same start, and with $\ell_1$ from the
# teacher.

# %%
w_star = np.array([2, 3, 6, 0, 0, 0, 0, 0, 0, 0]) / 7
beta, lam = 0.2 * c, 0.015
eta = 0.2 * float(theory.largest_eta(beta, k))
delta = float(theory.smallest_delta(beta, k))
start = np.random.default_rng(3).standard_normal(10)

courses, ends = {}, {}
for name, (w0, penalty) in {
    "l1, random start": (start, "l1"),
    "l0, random start": (start, "l0"),
    "l1, from the teacher": (w_star, "l1"),
}.items():
    angles, lagrangians = [float(gaussian.angle(w0, w_star))], []
    for step in rvscgd.iterate(
        w0, w_star, k=k, penalty=penalty, lam=lam, beta=beta, eta=eta, n_iter=150
    ):
        if not lagrangians:
            lagrangians.append(step.objective_before)
        if step.block == "w":
            angles.append(float(gaussian.angle(step.state.w, w_star)))
            lagrangians.append(step.objective_after)
    courses[name] = np.array(angles), np.array(lagrangians)
    ends[name] = step.state.u.copy(), step.state.w.copy()

rows = [
    (name, *angles[[0, -1]].round(9), *lagrangians[[0, -1]], np.count_nonzero(ends[name][0]))
    for name, (angles, lagrangians) in courses.items()
]
names = ["run", "first angle", "last angle", "first L", "last L", "nonzeros of u"]
print(table(names, rows))
print(f"\ndelta = {delta:.4f}")

# %% [markdown]
# From the random start the angle falls below $\delta$. With $\ell_0$ the run ends at the teacher
# itself, since the hard threshold leaves alone what it keeps. From the teacher, both the angle and
# the Lagrangian **rise**, to where the other run with $\ell_1$ ends.
#
# **Where that is.** The limit balances the two forces, (A7.5), and for $\ell_1$ it is known in
# closed form, (A7.8). It depends on neither the start nor the step size. Why is it not a minimum of
# the Lagrangian? $f$ is a cone at the teacher, and its gradient would hold the filter there. But
# the iteration follows the coarse gradient, which vanishes at the teacher, so that the coupling
# pulls the filter away.

# %%
limit = limits.l1_limit(w_star, k=k, lam=lam, beta=beta)
u_end, w_end = ends["l1, from the teacher"]
forces = limits.balance(u_end, w_end, w_star, k=k, beta=beta)
bound = 2 * np.pi / k * lam * np.sqrt(10)
print(f"limit by the formula   theta = {limit.angle:.10f}")
print(f"end of the iteration   theta = {courses['l1, from the teacher'][0][-1]:.10f}")
print(f"balance: |c w* + beta u - C w| = {forces.residual:.10f} with C = {forces.multiplier:.4f}")
print(f"sin(theta) = {np.sin(limit.angle):.4f} is below the bound (A7.7), {bound:.4f}")

# %% [markdown]
# ## The picture
#
# First the three runs. Above $\delta$ angle and Lagrangian fall, as the theorem says. Below, they
# need not.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for number, (name, (angles, lagrangians)) in enumerate(courses.items()):
    look = {"color": COLOURS[number], "linestyle": STYLES[number], "label": name}
    left.plot(angles, **look)
    right.plot(lagrangians, **look)
left.axhline(delta, color="black", linewidth=1, linestyle=STYLES[3], label=r"$\delta$")
left.set_yscale("symlog", linthresh=0.01, linscale=0.5)
left.set(xlabel="iteration", ylabel=r"angle $\theta$", title="angle", ylim=(-0.0015, 4))
right.set(yscale="log", xlabel="iteration", ylabel=r"$L_\beta(u, w)$", title="Lagrangian")
for axes in (left, right):
    legend_below(figure, axes, columns=2)
plt.show()

# %% [markdown]
# Now the region. At every point of a grid of $\beta$ and $\theta$, the cell makes one iteration
# from many filters at the angle $\theta$, with many levels of the threshold. Does the angle rise
# from any of them? In the plane it tries filters of all directions. Beyond the plane it tries the
# filters $(\cos\varphi, y, \ldots, y)$ with 99 equal small entries. They are bad for $\ell_1$ with
# a level that drops just these entries.
#
# The solid line is the theorem's, $\beta = c \sin\theta$: to the left of it the theorem proves
# descent. The dashed line is (A7.9), $\beta = 2 c \sin\theta$: up to it descent holds as well. On
# the other side the angle rises from some filters; with $\ell_0$ this begins right at the line.
# (Where the angle does not rise, the Lagrangian falls.) For every $\beta$ the failures are at the
# bottom, near the teacher, and at the top, near its opposite. Hypothesis (i) excludes the top.


# %%
def filters_and_pull(phi, d):
    """Return filters (cos phi, y, ..., y), and the directions across them that u will pull to."""
    rest = np.ones(d - 1) / np.sqrt(d - 1)
    filters = np.concatenate([np.cos(phi)[:, None], np.sin(phi)[:, None] * rest], axis=1)
    pull = np.concatenate([np.sin(phi)[:, None], -np.cos(phi)[:, None] * rest], axis=1)
    return filters, pull


def largest_rise(penalty, filters, pull, levels, betas, thetas):
    """Return by how much the angle rises at most in one short step, at each (theta, beta).

    `filters` and `pull` have the shape (n, d), `levels` (n, n_levels): every filter is tried with
    each of its levels, at each beta and theta.
    """
    rises = np.empty((len(thetas), len(betas)))
    w = filters[:, None, None, :]
    beta = betas[None, None, :]
    lam = beta * levels[:, :, None]
    for row, theta in enumerate(thetas):
        # The teachers at the angle theta, on the side away from `pull`.
        teachers = unit(np.cos(theta) * w - np.sin(theta) * pull[:, None, None, :])
        eta = 0.01 * theory.largest_eta(beta, k)
        run = rvscgd.run(
            w, teachers, k=k, penalty=penalty, lam=lam, beta=beta, eta=eta, n_iter=1
        )  # fmt: skip
        rises[row] = np.max(run.angles[-1] - run.angles[0], axis=(0, 1))
    return rises


betas = c * np.linspace(0.03, 2.47, 40)
thetas = np.linspace(0.04, np.pi - 0.04, 40)
turn = np.linspace(0, 2 * np.pi, 48, endpoint=False) - 0.04
plane = filters_and_pull(turn, 2)
all_levels = {
    "l0": np.linspace(0.02, 0.5, 17) * np.ones((len(turn), 1)),
    "l1": np.linspace(0.02, 0.98, 9) * np.ones((len(turn), 1)),
}
some = np.linspace(0.3, 1.2, 16)
high = filters_and_pull(some, 100)
just_dropped = np.sin(some)[:, None] / np.sqrt(99) * (1 + 1e-9)

maps = {
    r"$\ell_0$ in the plane": largest_rise("l0", *plane, all_levels["l0"], betas, thetas),
    r"$\ell_1$ in the plane": largest_rise("l1", *plane, all_levels["l1"], betas, thetas),
    r"$\ell_1$ in 100 dimensions": largest_rise("l1", *high, just_dropped, betas, thetas),
}

# %%
figure, panels = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained", sharey=True)
fine = np.linspace(0, np.pi, 400)
for axes, (title, rises) in zip(panels, maps.items(), strict=True):
    axes.pcolormesh(
        betas / c, thetas, np.where(rises > 1e-12, 1.0, np.nan), cmap="Oranges", vmin=0, vmax=2.2
    )
    axes.plot(np.sin(fine), fine, color="black", label=r"$\beta = c \sin\theta$ (theorem)")
    axes.plot(
        2 * np.sin(fine), fine, color=COLOURS[0], linestyle="--", label=r"$\beta = 2 c \sin\theta$"
    )
    axes.fill([], [], color=plt.get_cmap("Oranges")(1 / 2.2), label="the angle can rise")
    axes.set(xlabel=r"$\beta / c$", title=title, xlim=(0, 2.5), ylim=(0, np.pi))
panels[0].set_ylabel(r"angle $\theta$")
handles, labels = panels[0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
# ## What was shown

# %%
for name, values in by_library.items():
    np.testing.assert_allclose(values, by_hand[name], atol=6e-5)
for w_now in (np.array([1.0, 0.0]), w):
    assert all(each.holds for each in theory.hypotheses(w, w_now, **prices))

# From the random start both descend at every iteration that begins at theta >= delta.
for name in ("l1, random start", "l0, random start"):
    angles, lagrangians = courses[name]
    asked = angles[:-1] >= delta
    assert asked.sum() > 10
    assert np.all(np.diff(angles)[asked] < 0)
    assert np.all(np.diff(lagrangians)[asked] < 0)
    assert angles[-1] < delta
np.testing.assert_allclose(courses["l0, random start"][0][-1], 0, atol=1e-9)

# From the teacher both rise, and stay below delta.
angles, lagrangians = courses["l1, from the teacher"]
assert angles[-1] > angles[0] == 0
assert lagrangians[-1] > lagrangians[0]
assert angles.max() < delta

# Both runs with l1 end at the limit of the closed form, where the forces balance.
for name in ("l1, random start", "l1, from the teacher"):
    np.testing.assert_allclose(ends[name][1], limit.w, atol=1e-9)
    assert limits.balance(*ends[name], w_star, k=k, beta=beta).residual < 1e-9
assert np.sin(limit.angle) <= bound

# No rise where beta <= 2 c sin(theta); close to that line there are, with l0 and, beyond the plane,
# with l1.
ratio = (betas / c) / np.sin(thetas)[:, None]
for rises in maps.values():
    assert not np.any(rises[ratio <= 2] > 1e-12)
assert np.all(maps[r"$\ell_0$ in the plane"][ratio > 2.05] > 1e-12)
assert np.all(maps[r"$\ell_1$ in 100 dimensions"][ratio > 2.5] > 1e-12)

# %% [markdown]
# ## Exercises
#
# 1. Do the second update of the first example by hand. Is the angle still above $\delta = \pi/6$,
#    and does it fall?
# 2. Repeat the example from the teacher with $\ell_0$ at $\lambda/\beta = 0.02$. Why does nothing
#    move? And at $\lambda/\beta = 0.2$?
# 3. Work out the limit for the teacher (0.6, 0.8) from (A7.8): with $s = 0.6 c$ and $0.8 c$, solve
#    $\lVert \bar w(C) \rVert = 1$ for C, and compare with `limits.l1_limit`.
# 4. In the loop, give `rvscgd.iterate` the argument `method="admm"`, (A6.5). Where does $\ell_1$
#    end now, and what is the difference to the soft-thresholded teacher?
# 5. Replace the expected coarse gradient by a sampled one, the argument `coarse_gradient` with
#    `sampling.stochastic_coarse_gradient`. How low does the angle get, and does it still fall at
#    every iteration?
# 6. Write the whole iteration and find its limit: `tutorials/assignments/05_rvscgd`. A step with
#    $\ell_0$ that turns away from the teacher as early as possible is looked for in
#    `tutorials/assignments/07_counterexample`.
