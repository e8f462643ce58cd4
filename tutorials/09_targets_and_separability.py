# %% [markdown]
# # 9. Targets, and which of them a unit can reach
#
# ## What you will see
#
# Tell a unit for every sample whether it should be on, and ask: is there a hyperplane that does it?
# There is always a proof, either way: the hyperplane, or a point that belongs to both sides. For
# given points one can list the targets that a unit can reach, and a formula says how many there
# are. Two units that reach their targets make a net that computes "exclusive or", which no single
# unit can. So learning has two parts: *choosing* targets, which is combinatorial, and *reaching*
# them, which is convex.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`.

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np

from zeroone.exact.dichotomies import cover_count, dichotomies
from zeroone.exact.separability import layer_feasibility, separate, verify
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.plots.style import COLOURS, STYLE, STYLES, legend_below

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# The corners of a square, $x_1 = (-1, -1)$, $x_2 = (-1, 1)$, $x_3 = (1, -1)$, $x_4 = (1, 1)$.
#
# **Exclusive or**, $t = (-1, 1, 1, -1)$, cannot be reached. The proof is
# $\alpha = (\tfrac14, \tfrac14, \tfrac14, \tfrac14)$ in (C.3):
#
# $$\sum_n \alpha_n t_n (x_n, 1) = \tfrac14 \big( -(-1, -1, 1) + (-1, 1, 1) + (1, -1, 1) - (1, 1, 1)
# \big) = \tfrac14 (1 - 1 + 1 - 1,\ 1 + 1 - 1 - 1,\ {-1} + 1 + 1 - 1) = (0, 0, 0).$$
#
# Whatever $w$ and $b$ are, $\sum_n \alpha_n t_n (w \cdot x_n + b) = w \cdot 0 + b \cdot 0 = 0$. So
# not all of the $t_n (w \cdot x_n + b)$ can be positive. In a picture: the middle of $x_2$ and
# $x_3$ is also the middle of $x_1$ and $x_4$, and no line can have it on both sides.
#
# **And**, $t = (-1, -1, -1, 1)$, can be reached: $w = (1, 1)$, $b = -1$ gives
# $t_n (w \cdot x_n + b) = (3, 1, 1, 1)$. The nearest samples have the distance
# $1 / \lVert w \rVert = 1/\sqrt2 = 0.707$ from this line. No line can do better, and that has a
# proof of the same kind. Take $\alpha = (0, \tfrac14, \tfrac14, \tfrac12)$:
#
# $$\sum_n \alpha_n t_n x_n = -\tfrac14 (-1, 1) - \tfrac14 (1, -1) + \tfrac12 (1, 1) =
# (\tfrac12, \tfrac12), \qquad \text{of length } \tfrac1{\sqrt2}.$$
#
# For a line with $\lVert w \rVert = 1$ the smallest $t_n (w \cdot x_n + b)$ is at most their mean
# with the weights $\alpha$, which is $w \cdot (\tfrac12, \tfrac12) \le 0.707$.
#
# **All targets.** Of the $2^4 = 16$ vectors of targets for the four corners, exclusive or and its
# opposite are the only ones that no unit can reach: 14. By (C2.1) with $N = 4$ and $p = 2$:
# $2\,\big( \binom30 + \binom31 + \binom32 \big) = 2\,(1 + 3 + 3) = 14$.

# %%
corners = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
exclusive_or, conjunction = np.array([-1, 1, 1, -1]), np.array([-1, -1, -1, 1])

alpha_xor_by_hand = [1 / 4, 1 / 4, 1 / 4, 1 / 4]
alpha_and_by_hand = [0, 1 / 4, 1 / 4, 1 / 2]
margin_by_hand = 1 / np.sqrt(2)

# %% [markdown]
# ## The same proofs by the library

# %%
never, reached = separate(corners, exclusive_or), separate(corners, conjunction)
print("exclusive or:", never.separable, " certificate", never.certificate.round(4))
print("and:         ", reached.separable, " certificate", reached.certificate.round(4))
print("              w", reached.weights.round(4), " b", round(reached.bias, 4))
print(f"              margin {reached.margin:.6f}, no line has more than {reached.bound:.6f}")
print(
    "both proofs hold:", verify(never, corners, exclusive_or), verify(reached, corners, conjunction)
)
print("targets that a unit can reach:", len(dichotomies(corners)), "of 16")

# %% [markdown]
# ## The loop
#
# ### A net is what its targets say
#
# A net for "exclusive or" has two hidden units and an output unit. The loop goes through all
# $16 \cdot 16$ pairs of targets for the hidden units. A pair will do if three single problems are
# separable: that of each hidden unit, and that of the output, whose inputs are the targets
# themselves.

# %%
found, hidden_feasible = [], 0
for first, second in product(product((-1, 1), repeat=4), repeat=2):
    T = np.column_stack([first, second])
    if layer_feasibility(corners, T, violations=False).infeasible.any():
        continue
    hidden_feasible += 1
    if separate(T, exclusive_or, largest_margin=False).separable:
        found.append(T)
print("pairs of targets             ", 16 * 16)
print("... that two units can reach ", hidden_feasible)
print("... and then the output unit ", len(found))


def build(T, targets):
    """Return the net whose units have the hyperplanes of largest margin for these targets."""
    units = [separate(corners, t) for t in T.T]
    top = separate(T, targets)
    # Two outputs, of which the larger wins: the unit's pre-activation and its opposite.
    above = np.array([-top.weights, top.weights]), np.array([-top.bias, top.bias])
    below = np.array([u.weights for u in units]), np.array([u.bias for u in units])
    return ZeroOneMLP(
        [below[0], above[0]], [below[1], above[1]], activation="sign", classes=[-1, 1]
    )


nets = [build(T, exclusive_or) for T in found]
print("the first such net says", nets[0].predict(corners), "with hidden targets")
print(found[0].T)

# %% [markdown]
# ### Counting
#
# For points in general position (C2.1) counts the targets that a unit can reach, whichever points
# they are. The library makes the list point by point, and never looks at any other vector of
# targets. To compare, the cell asks for all $2^N$ one by one.

# %%
rng = np.random.default_rng(0)
print(" N   p   2^N   by formula   listed   asked one by one")
counts = []
for n, p in ((3, 1), (5, 2), (7, 2), (6, 3), (8, 3)):
    points = rng.standard_normal((n, p))
    asked = sum(
        bool(separate(points, t, largest_margin=False).separable)
        for t in product((-1, 1), repeat=n)
    )
    counts.append((cover_count(n, p), len(dichotomies(points)), asked))
    print(f"{n:2d}  {p:2d}  {2**n:4d}   {counts[-1][0]:10d}   {counts[-1][1]:6d}   {asked:6d}")
line = np.column_stack([np.arange(5.0), np.arange(5.0)])
print(
    "five points on a line in the plane:", len(dichotomies(line)), "instead of", cover_count(5, 2)
)

# %% [markdown]
# ## The picture
#
# Left: exclusive or. The hulls of the two sides (shaded) have a point in common, the cross; the
# size of a dot is its weight in the certificate. Middle: and. The line of the largest margin lies
# half-way between the nearest points of the two hulls. Right: the share of targets that a unit can
# reach if they are drawn at random. It is all of them up to $N = p + 1$ samples, exactly half at
# $N = 2 (p + 1)$, and for large $p$ hardly any beyond (Cover, 1965). The dots are measured: 60
# random targets each.

# %%
ratios, MEASURED = np.linspace(0.5, 4, 15), 10
measured = []
for ratio in ratios:
    n, separable = round(ratio * (MEASURED + 1)), 0
    for _ in range(60):
        points, t = rng.standard_normal((n, MEASURED)), rng.choice([-1, 1], n)
        separable += bool(separate(points, t, largest_margin=False).separable)
    measured.append((n / (MEASURED + 1), separable / 60, cover_count(n, MEASURED) / 2**n))


def draw_hulls(axes, targets, separation):
    """Draw the corners with their weights in a certificate, and the hulls of the two sides."""
    for side, number in ((1, 0), (-1, 1)):
        chosen, weights = corners[targets == side], separation.certificate[targets == side]
        axes.fill(*chosen.T, color=COLOURS[number], alpha=0.25, linewidth=4)
        label = f"target {side:+d}"
        axes.scatter(*chosen.T, s=30 + 400 * weights, color=COLOURS[number], label=label, zorder=3)
        common = 2 * weights @ chosen
        axes.plot(*common, "x", color="black", markersize=9, markeredgewidth=2, zorder=4)
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")


figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
draw_hulls(left, exclusive_or, never)
left.set_title("exclusive or: no line")
draw_hulls(middle, conjunction, reached)
along = np.linspace(-2, 2, 2)
for shift, style in ((0, "-"), (reached.margin, ":"), (-reached.margin, ":")):
    x2 = (shift - reached.bias - reached.weights[0] * along) / reached.weights[1]
    middle.plot(along, x2, color="black", linestyle=style, linewidth=1.2)
middle.set_title("and: the widest street")
for number, p in enumerate((2, MEASURED, 100)):
    sizes = range(1, 4 * (p + 1) + 1)
    shares = [cover_count(n, p) / 2**n for n in sizes]
    style = {"color": COLOURS[number], "linestyle": STYLES[number]}
    right.plot([n / (p + 1) for n in sizes], shares, label=f"$p = {p}$", **style)
dots = np.array(measured)
right.plot(dots[:, 0], dots[:, 1], "o", color=COLOURS[1], markersize=4, label="measured")
right.set(xlabel="$N / (p + 1)$", ylabel="share of targets", title="which can be reached")
legend_below(figure, right)
for axes in (left, middle):
    # The dots of a legend are all of one size.
    legend_below(figure, axes)
    for handle in axes.get_legend().legend_handles:
        handle.set_sizes([30])
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library.
assert never.separable is False
assert reached.separable is True
np.testing.assert_allclose(never.certificate, alpha_xor_by_hand, atol=1e-12)
np.testing.assert_allclose(reached.certificate, alpha_and_by_hand, atol=1e-12)
np.testing.assert_allclose(reached.margin, margin_by_hand, rtol=1e-12)
np.testing.assert_allclose(reached.bound, margin_by_hand, rtol=1e-12)
np.testing.assert_allclose(reached.weights, [np.sqrt(0.5), np.sqrt(0.5)])

# The certificate proves it without the library: one sum, which is zero.
rows = exclusive_or[:, np.newaxis] * np.column_stack([corners, np.ones(4)])
np.testing.assert_allclose(never.certificate @ rows, 0, atol=1e-15)

# The lists have the length that is counted, and contain nothing that cannot be reached.
assert len(dichotomies(corners)) == cover_count(4, 2) == 14
assert not any(np.array_equal(t, exclusive_or) for t in dichotomies(corners))
assert all(formula == listed == asked for formula, listed, asked in counts)
assert len(dichotomies(line)) == 10

# 14 x 14 pairs can be reached. Every net that is built from a pair that will do is right.
assert hidden_feasible == 14 * 14
assert len(found) > 0
assert all(np.array_equal(net.predict(corners), exclusive_or) for net in nets)

# Half of all targets at N = 2 (p + 1), for any p.
assert all(2 * cover_count(2 * (p + 1), p) == 2 ** (2 * (p + 1)) for p in (1, 2, 10, 100))
# The measured shares are within four standard errors of the formula.
for _, share, probability in measured:
    assert abs(share - probability) <= 4 * np.sqrt(probability * (1 - probability) / 60) + 1e-12

# %% [markdown]
# ## Exercises
#
# 1. By hand: three points on a line with the targets (1, -1, 1). Find the certificate, and all
#    targets that can be reached. What does (C2.1) say with $p = 1$?
# 2. By hand: give the targets (1, 1, -1) to three corners of the square. Which $w$ and $b$ solve
#    $t_n (w \cdot x_n + b) = 1$ for all three? Why does that work for any $p + 1$ points in general
#    position?
# 3. Set one entry of the exclusive or to 0, "don't care". How large is the margin now, for each of
#    the four entries?
# 4. Among the pairs of hidden targets that will do, which one gives the largest margin to the
#    units, and which one to the output?
# 5. A layer with 30 units gets random targets for 40 samples in 10 dimensions. How many of the
#    units can reach them (`layer_feasibility`)? And how many in 25 dimensions?
# 6. Targets are set by the loss above in `tutorials/assignments/06_targets`.
