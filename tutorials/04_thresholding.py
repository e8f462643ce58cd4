# %% [markdown]
# # 4. Thresholding: three penalties side by side
#
# ## What you will see
#
# A penalty makes weights sparse through its proximal map, which takes small entries to 0 and leaves
# large ones alone, or nearly. This page compares three of them. $\ell_1$ shrinks everything by the
# same amount, $\ell_0$ shrinks nothing and jumps, and transformed $\ell_1$ lies between. In use,
# $\ell_1$ finds all weights that matter and makes them too small, $\ell_0$ leaves them their size
# and gets stuck, and transformed $\ell_1$ does well on both counts.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`, section A5.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone.penalties import L0, L1, GroupL20, TransformedL1
from zeroone.plots.style import COLOURS, STYLE, STYLES, draw_function, legend_below
from zeroone.support.tables import table

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# The proximal map (A5.1) of the vector $x = (1.25, -0.8, 0.3)$ at the level t = 0.5. All three
# penalties are sums over entries, so each entry is a problem of its own. To take an entry to 0
# costs $\tfrac12 x^2$: 0.78125, 0.32 and 0.045 for the three.
#
# **$\ell_1$, (A5.2)**: shrink by 0.5. That gives (0.75, -0.3, 0). For the first entry the cost is
# $0.5 \cdot 0.75 + \tfrac12 \cdot 0.5^2 = 0.375 + 0.125 = 0.5$.
#
# **$\ell_0$, (A5.3)**: keep what is larger than $\sqrt{2 \cdot 0.5} = 1$. That gives (1.25, 0, 0).
# To keep an entry costs 0.5 whatever its size: less than 0.78125, more than 0.32.
#
# **Transformed $\ell_1$ with a = 1**: t = 0.5 is more than $a^2 / (2(a + 1)) = 0.25$, so that the
# threshold (A5.5) is $\sqrt{2 \cdot 0.5 \cdot 2} - 0.5 = 1.4142 - 0.5 = 0.9142$. The second and
# third entry are below it and go to 0. For the first, with $a + \lvert x \rvert = 2.25$, (A5.6)
# says
#
# $$\cos\varphi = 1 - \frac{27 \cdot 0.5 \cdot 1 \cdot 2}{2 \cdot 2.25^3} =
# 1 - \frac{27}{22.78125} = -0.185185 = -\tfrac{5}{27}.$$
#
# Its third part has the cosine 5/6, because $4 (5/6)^3 - 3 (5/6) = 500/216 - 540/216 = -40/216 =
# -5/27$. So the map gives $\tfrac23 \cdot 2.25 \cdot \tfrac56 - \tfrac23 + \tfrac{1.25}{3} = 1.25 -
# 0.6667 + 0.4167 = 1$. The penalty (A5.4) of 1 is $2 \cdot 1 / (1 + 1) = 1$, and the cost is
# $0.5 \cdot 1 + \tfrac12 \cdot 0.25^2 = 0.5 + 0.03125 = 0.53125$.
#
# | | 1.25 becomes | -0.8 becomes | 0.3 becomes |
# |---|---|---|---|
# | $\ell_1$ | 0.75 | -0.3 | 0 |
# | transformed $\ell_1$ | 1 | 0 | 0 |
# | $\ell_0$ | 1.25 | 0 | 0 |
#
# **Groups, (A5.7)**: a row of a matrix is kept or dropped as a whole. At t = 2, the row (3, 4) has
# $9 + 16 = 25 > 4$ and stays as it is, and the row (1, 1) has $1 + 1 = 2 \le 4$ and becomes (0, 0).

# %%
x, t = np.array([1.25, -0.8, 0.3]), 0.5
by_hand = {
    "l1": [0.75, -0.3, 0],
    "transformed l1": [1, 0, 0],
    "l0": [1.25, 0, 0],
}
costs_by_hand = {"l1": 0.5, "transformed l1": 0.53125, "l0": 0.5}

# %% [markdown]
# ## The same by the library
#
# A penalty has two methods: `value`, and `prox`, which does one update of a vector.

# %%
PENALTIES = {"l1": L1(), "transformed l1": TransformedL1(a=1.0), "l0": L0()}


def cost(penalty, u, x):
    """Return what the proximal map minimises, for one entry."""
    return t * penalty.value([u]) + 0.5 * (u - x) ** 2


rows = []
for name, penalty in PENALTIES.items():
    u = penalty.prox(x, t)
    rows.append((name, str(by_hand[name]), str(u), cost(penalty, u[0], x[0])))
print(table(["penalty", "by hand", "by the library", "cost of the first entry"], rows))

matrix = np.array([[3.0, 4.0], [1.0, 1.0]])
print("\nrows (3, 4) and (1, 1) at t = 2 become", GroupL20("rows").prox(matrix, 2.0).tolist())

# %% [markdown]
# ## The loop
#
# This is what the maps are for. From measurements $b = A u + \text{noise}$, fewer than $u$ has
# entries, find a sparse $u$ by lowering
# $F(u) = \tfrac12 \lVert A u - b \rVert^2 + \lambda P(u)$. The loop is a gradient step on the first
# term and the proximal map for the second,
#
# $$u \leftarrow \operatorname{prox}_{s \lambda P} \big( u - s\, A^T (A u - b) \big), \qquad
# s = 1 / \lVert A \rVert_2^2,$$
#
# and F never rises, since each step minimises a bound on F that touches it at the present u. There
# are 60 measurements of 100 unknowns, 8 of which are not 0. All penalties have the same $\lambda$.

# %%
rng = np.random.default_rng(0)
n_measured, d, n_true = 60, 100, 8
A = rng.standard_normal((n_measured, d)) / np.sqrt(n_measured)
truth = np.zeros(d)
places = rng.choice(d, n_true, replace=False)
truth[places] = rng.choice([-1, 1], n_true) * rng.uniform(0.5, 2, n_true)
b = A @ truth + 0.05 * rng.standard_normal(n_measured)
lam, s = 0.1, 1 / np.linalg.norm(A, 2) ** 2

found, objectives, rows = {}, {}, []
for name, penalty in PENALTIES.items():
    u, objectives[name] = np.zeros(d), []
    for _ in range(1000):
        residual = A @ u - b
        objectives[name].append(0.5 * residual @ residual + lam * penalty.value(u))
        u = penalty.prox(u - s * A.T @ residual, s * lam)
    found[name] = u
    right = np.count_nonzero(u[truth != 0])
    size = np.mean(np.abs(u[u * truth != 0] / truth[u * truth != 0]))
    error = np.linalg.norm(u - truth) / np.linalg.norm(truth)
    rows.append((name, right, np.count_nonzero(u) - right, f"{size:.0%}", f"{error:.0%}"))
print(table(["penalty", f"of {n_true} found", "too many", "their size", "error"], rows))

# %% [markdown]
# $\ell_1$ finds all eight and others that are not there, and what it finds is too small.
# $\ell_0$ leaves sizes alone, but its map jumps: an entry whose step never gets over the threshold
# stays 0 for ever, and the loop gets stuck. Transformed $\ell_1$ finds exactly the eight, nearly at
# their size.
#
# ## The picture
#
# First, the penalties, their maps at t = 0.5, and what is minimised for x = 1.25, with the minimum
# (the large dots at 0.75, 1 and 1.25) that the map finds. At a jump, the filled dot is the value,
# and the hollow one a limit that is not.

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
labels = {"l1": r"$\ell_1$", "transformed l1": r"transformed $\ell_1$, a = 1", "l0": r"$\ell_0$"}
jumps = {"l1": (), "transformed l1": (-(np.sqrt(2) - 0.5), np.sqrt(2) - 0.5), "l0": (-1, 1)}
for number, (name, penalty) in enumerate(PENALTIES.items()):
    look = {"color": COLOURS[number], "linestyle": STYLES[number], "label": labels[name]}
    at_zero = [0.0] if name == "l0" else []

    def value(u, penalty=penalty):
        """Return the penalty of every entry."""
        return penalty.value(np.reshape(u, (-1, 1)), axis=-1)

    draw_function(left, value, (-2, 2), jumps=at_zero, **look)
    draw_function(middle, lambda x, p=penalty: p.prox(x, t), (-2, 2), jumps=jumps[name], **look)
    draw_function(
        right,
        lambda u, value=value: t * value(u) + 0.5 * (u - x[0]) ** 2,
        (-0.5, 2),
        jumps=at_zero,
        **look,
    )
    best = float(penalty.prox(x[:1], t)[0])
    right.plot(best, cost(penalty, best, x[0]), "o", color=COLOURS[number], markersize=6)
middle.plot([-2, 2], [-2, 2], color="#999999", linewidth=0.8, zorder=0, label="$x$ itself")
right.plot([], [], "o", color="black", markersize=6, label="its minimum")
left.set(xlabel="$u$", ylabel="$P(u)$", title="penalties")
middle.set(xlabel="$x$", ylabel=r"$\mathrm{prox}_{tP}(x)$", title="proximal maps, t = 0.5")
right.set(xlabel="$u$", ylabel=r"$t P(u) + (u - x)^2 / 2$", title="what is minimised at x = 1.25")
for axes in (left, middle, right):
    legend_below(figure, axes, columns=1)
plt.show()

# %% [markdown]
# Second, the loop: what was found (lines with dots) at the true entries (crosses) and elsewhere,
# and the objectives, which never rise.

# %%
figure, grid_of_axes = plt.subplots(2, 2, figsize=(9, 5.6), layout="constrained")
*panels, last = grid_of_axes.flat
short = {"l1": r"$\ell_1$", "transformed l1": r"transformed $\ell_1$", "l0": r"$\ell_0$"}
for number, (name, u) in enumerate(found.items()):
    axes, shown, true = panels[number], np.flatnonzero(u), np.flatnonzero(truth)
    axes.vlines(shown, 0, u[shown], color=COLOURS[number])
    axes.plot(shown, u[shown], "o", color=COLOURS[number], markersize=4, label="found")
    axes.plot(true, truth[true], "x", color="black", markersize=6, label="true")
    legend_below(figure, axes)
    axes.set(
        title=f"found by {short[name]}",
        xlabel="entry",
        ylabel="$u$",
        xlim=(-3, 102),
        ylim=(-2.2, 2.2),
    )
for number, (name, values) in enumerate(objectives.items()):
    look = {"color": COLOURS[number], "linestyle": STYLES[number], "label": short[name]}
    last.plot(np.arange(1, len(values) + 1), values, **look)
last.set(xscale="log", xlabel="iteration", ylabel="objective F", title="the loop")
legend_below(figure, last, columns=3)
plt.show()

# %% [markdown]
# ## What was shown

# %%
for name, penalty in PENALTIES.items():
    np.testing.assert_allclose(penalty.prox(x, t), by_hand[name], atol=1e-15)
    np.testing.assert_allclose(cost(penalty, by_hand[name][0], x[0]), costs_by_hand[name])
np.testing.assert_array_equal(GroupL20("rows").prox(matrix, 2.0), [[3, 4], [0, 0]])

# No point of a fine grid costs less than what the maps find, for any x.
grid = np.linspace(-2, 2, 4001)
for penalty in PENALTIES.values():
    for x_one in np.linspace(-1.9, 1.9, 39):
        u = float(penalty.prox([x_one], t)[0])
        all_costs = t * penalty.value(grid[:, np.newaxis], axis=-1) + 0.5 * (grid - x_one) ** 2
        assert cost(penalty, u, x_one) <= all_costs.min() + 1e-15

# Transformed l1 tends to l1 for large a, and to l0 for small a.
many = np.linspace(-3, 3, 1001)
np.testing.assert_allclose(TransformedL1(1e9).prox(many, t), L1().prox(many, t), atol=1e-8)
np.testing.assert_allclose(TransformedL1(1e-9).prox(many, t), L0().prox(many, t), atol=1e-8)

# The objective never rises.
assert all(np.all(np.diff(values) <= 1e-12) for values in objectives.values())

# Where the loop ends, the residual pulls at the entries that are left with lam P'(u): with lam for
# l1, with nothing for l0. That is why one shrinks them and the other does not.
pull = {name: A.T @ (b - A @ u) for name, u in found.items()}
kept = {name: u != 0 for name, u in found.items()}
np.testing.assert_allclose(np.abs(pull["l1"][kept["l1"]]), lam, rtol=1e-5)
np.testing.assert_allclose(pull["l0"][kept["l0"]], 0, atol=1e-9)
slope = lam * 2 / (1 + np.abs(found["transformed l1"][kept["transformed l1"]])) ** 2
np.testing.assert_allclose(np.abs(pull["transformed l1"][kept["transformed l1"]]), slope, rtol=1e-5)

# Which of the true entries were found.
real = truth != 0
assert kept["l1"][real].all()
assert kept["l1"][~real].any()
assert np.array_equal(kept["transformed l1"], real)
assert not kept["l0"][real].all()

# %% [markdown]
# ## Exercises
#
# 1. Work out the three maps by hand for x = -1.25 and for x = 1 at t = 0.5. At x = 1 one of them
#    has two minimisers; which one does the library take?
# 2. For which x does transformed $\ell_1$ with a = 1 at t = 0.25 give 0, and how large is its jump?
#    (The first case of (A5.5) ends there.)
# 3. Show that $\ell_0$ at the level t drops what $\ell_1$ at the level $\sqrt{2t}$ drops. At which
#    levels do all three maps of this page have the threshold 1?
# 4. Start the loop with $\ell_0$ where $\ell_1$ ended, instead of at 0. Does it still get stuck?
# 5. In the loop, look for the $\lambda$ at which each penalty finds the eight entries and no
#    others. How wide is the range of such $\lambda$?
# 6. Write the threshold of groups: `tutorials/assignments/03_group_thresholding`.
