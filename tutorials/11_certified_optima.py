# %% [markdown]
# # 11. How far from optimal: certified optima
#
# ## What you will see
#
# When a net makes errors on its training data, is the net too small, or the training too weak? For
# tiny nets there is an answer. Enumeration looks at all that the hidden units can do; integer
# programming is another way. Both find the least number of errors that *any* weights make, with a
# proof. The page then compares block coordinate descent, target propagation and the
# straight-through estimator with it. Often they end several errors away: on problems as small as
# these, the start decides how good the end is.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone import bcd, targetprop
from zeroone.exact.dichotomies import dichotomies
from zeroone.exact.enumeration import enumeration_optimum
from zeroone.exact.milp import milp_optimum
from zeroone.exact.separability import separate
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.plots.style import COLOURS, STYLE, legend_below
from zeroone.targetprop import recursive

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# "Exclusive or" on the corners of a square, with **one** hidden unit. The output layer sees a
# single bit, so it can give one class to each of its two values. The unit divides the corners in
# one of the 14 ways of (C2.1): all on one side (two of them), one corner against three (eight), or
# two neighbours against two (four). A division and its opposite are worth the same, hence there are
# six:
#
# | divided | classes on either side | least errors |
# |---|---|---|
# | left and right | one of each, one of each | 1 + 1 = 2 |
# | above and below | one of each, one of each | 1 + 1 = 2 |
# | a corner and the other three, four times | one alone, and one against two | 0 + 1 = 1 |
#
# (All on one side: 2 errors.) So the least training error is **1 of 4**, and the table is the
# proof: a unit can do nothing else. The unit $z = x_1 + x_2 + 1$, which is on for all but
# $(-1, -1)$, reaches it.
#
# Take **two** hidden units: that one and $z = x_1 + x_2 - 1$. The codes of the four corners are
# (off, off), (on, off), (on, off), (on, on), and the class is "first on, second off". A linear
# layer can say that: 0 errors.

# %%
square = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
differ = np.array([0, 1, 1, 0])

errors_by_hand = {1: 1, 2: 0}
table_by_hand = [1, 1, 1, 1, 2, 2]

# %% [markdown]
# ## The same optima by the library
#
# `enumeration_optimum` does what the table did: all sets of divisions, and all classes for all
# codes. `milp_optimum` states the problem (C3.1) as a mixed-integer linear program, with a 0/1
# variable for every hidden bit, and lets HiGHS branch and bound. They share no code. `errors` is
# counted by running the net that was found; `bound` says that no net makes fewer.

# %%
ways = [t for t in dichotomies(square) if t[0] > 0 and t.min() < 0]
table = sorted(
    sum(min(np.sum(differ[t == side] == c) for c in (0, 1)) for side in (-1, 1)) for t in ways
)
print("least errors of the six divisions:", [int(errors) for errors in table])

small = {}
for hidden in (1, 2):
    for find in (enumeration_optimum, milp_optimum):
        optimum = find(square, differ, hidden)
        small[hidden, optimum.method] = optimum
        print(
            f"{hidden} hidden, {optimum.method:12s} errors {optimum.errors}, "
            f"no net makes fewer than {optimum.bound}; proved: {optimum.proved}"
        )

# %% [markdown]
# ## The loop
#
# Problems that a net might be too small for: exclusive or; the parity of three bits, on the corners
# of a cube; twelve random points in the plane with random classes. The number of hidden units
# varies. And four ways to train, five starts each:
#
# * block coordinate descent, two splitting;
# * the straight-through estimator, that is, target propagation with the linear loss;
# * target propagation with the soft hinge;
# * recursive target propagation: it chooses targets for the hidden layer, fits both layers, and
#   goes on until all is right or the budget is spent.

# %%
cube = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)]) * 2.0 - 1.0
parity = (cube.prod(axis=1) > 0).astype(int)
rng = np.random.default_rng(10)
scattered = rng.uniform(-2, 2, (12, 2))
classes = rng.integers(0, 2, 12)

PROBLEMS = {
    "xor, 2 units": (square, differ, 2),
    "parity, 2 units": (cube, parity, 2),
    "parity, 3 units": (cube, parity, 3),
    "random, 1 unit": (scattered, classes, 1),
    "random, 2 units": (scattered, classes, 2),
    "random, 3 units": (scattered, classes, 3),
}


def net_of(weights, activation):
    """Return the hard net of weights whose last column is the bias."""
    W, b = [each[:, :-1] for each in weights], [each[:, -1] for each in weights]
    return ZeroOneMLP(W, b, activation=activation)


def by_blocks(X, y, hidden, seed):
    """Train by block coordinate descent."""
    for step in bcd.iterate(X, np.eye(2)[y], hidden, rng=seed, sweeps=30, tau=1.0, margin=0.3):
        state = step.state
    return bcd.network(state)


def by_targets(X, y, hidden, seed, loss="soft_hinge"):
    """Train by target propagation, three samples at a time."""
    options = {"epochs": 60, "batch_size": 3, "learning_rate": 0.1}
    for step in targetprop.iterate(X, y, hidden, rng=seed, loss=loss, **options):
        state = step.state
    return ZeroOneMLP(*zip(*state.layers(), strict=True), activation="sign")


def straight_through(X, y, hidden, seed):
    """Train by the straight-through estimator."""
    return by_targets(X, y, hidden, seed, loss="linear")


def recursively(X, y, hidden, seed):
    """Train by recursive target propagation from one start."""
    options = {"restarts": 1, "budget": 8, "decide": separate}
    for step in recursive.iterate(X, y, hidden, rng=seed, **options):
        state = step.state
    return recursive.network(state)


METHODS = {
    "blocks": by_blocks,
    "straight-through": straight_through,
    "targets": by_targets,
    "recursive targets": recursively,
}
SEEDS = range(5)

optima, results, nets = {}, {}, {}
print(f"{'errors (best, mean of 5)':24s} optimum" + "".join(f"{m:>20s}" for m in METHODS))
for problem, (X, y, hidden) in PROBLEMS.items():
    optima[problem] = enumeration_optimum(X, y, hidden), milp_optimum(X, y, hidden)
    for method, train in METHODS.items():
        runs = [train(X, y, hidden, seed) for seed in SEEDS]
        errors = [int(np.sum(net.predict(X) != y)) for net in runs]
        results[problem, method] = errors
        nets[problem, method] = runs[int(np.argmin(errors))]
    cells = (f"{min(e)}, {np.mean(e):.1f}" for e in (results[problem, m] for m in METHODS))
    print(f"{problem:24s} {optima[problem][0].errors:7d}" + "".join(f"{c:>20s}" for c in cells))

# %% [markdown]
# ## The picture
#
# Left: errors over the optimum, for each problem. A dot is the best of five starts, and the line
# leads to their mean. A net on the grey line is proved to be optimal. Middle: an optimal net of two
# units for the random points, with its two lines and the region where it says 1 shaded. Right: the
# best that block coordinate descent found. Filled points are of class 1, and rings mark errors.

# %%
figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(9.5, 3.7), width_ratios=(1.6, 1, 1), layout="constrained"
)
for number, method in enumerate(METHODS):
    places = np.arange(len(PROBLEMS)) + 0.17 * (number - 1.5)
    excess = [np.array(results[p, method]) - optima[p][0].errors for p in PROBLEMS]
    best, mean = [e.min() for e in excess], [e.mean() for e in excess]
    left.vlines(places, best, mean, color=COLOURS[number], linewidth=1.5)
    left.plot(places, best, "osD^"[number], color=COLOURS[number], markersize=4, label=method)
left.axhline(0, color="#999999", linewidth=3, alpha=0.5, zorder=0, label="the optimum")
left.plot(
    [], [], color="black", marker="o", markersize=4, label="mark: best start; line: to the mean"
)
left.set_xticks(range(len(PROBLEMS)), [name.replace(", ", "\n") for name in PROBLEMS], fontsize=8)
left.set(ylabel="errors above the optimum", title="what is lost")
legend_below(figure, left, columns=2)

GRID = np.stack(np.meshgrid(np.linspace(-2.4, 2.4, 200), np.linspace(-2.4, 2.4, 200)), axis=-1)


def draw_net(axes, net, X, y, title):
    """Draw a net with two inputs: its lines, what it says, and its errors."""
    said = net.predict(GRID.reshape(-1, 2)).reshape(GRID.shape[:2])
    axes.contourf(*np.moveaxis(GRID, 2, 0), said, [0.5, 1.5], colors=["#555555"], alpha=0.25)
    for number, (w, b) in enumerate(zip(net.weights[0], net.biases[0], strict=True)):
        values = GRID @ w + b
        axes.contour(*np.moveaxis(GRID, 2, 0), values, [0], colors=COLOURS[number])
    axes.scatter(*X.T, s=22, c=np.where(y == 1, "black", "white"), edgecolors="black", zorder=3)
    wrong = net.predict(X) != y
    axes.scatter(*X[wrong].T, s=90, facecolors="none", edgecolors=COLOURS[1], linewidths=1.5)
    dot = {"marker": "o", "linestyle": "", "color": "black"}
    axes.plot([], [], label="class 1", **dot)
    axes.plot([], [], label="class 0", markerfacecolor="white", **dot)
    ring = {**dot, "color": COLOURS[1], "markersize": 9}
    axes.plot([], [], label="the net is wrong", markerfacecolor="none", **ring)
    axes.plot([], [], color="#cccccc", linewidth=6, label="the net says 1")
    legend_below(figure, axes)
    axes.set(aspect="equal", xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), xlabel="$x_1$", ylabel="$x_2$")
    axes.set_title(f"{title}: {np.sum(wrong)} of {len(y)} wrong")


draw_net(middle, optima["random, 2 units"][0].network, scattered, classes, "optimal")
draw_net(right, nets["random, 2 units", "blocks"], scattered, classes, "blocks")
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library, in both ways.
assert table == table_by_hand
for (hidden, _), optimum in small.items():
    assert optimum.errors == optimum.bound == errors_by_hand[hidden]
    assert optimum.proved
    assert int(np.sum(optimum.network.predict(square) != differ)) == optimum.errors

# Enumeration and integer programming agree on every problem, and every optimum is proved.
for by_enumeration, by_program in optima.values():
    assert by_enumeration.errors == by_enumeration.bound == by_program.errors == by_program.bound
    assert by_enumeration.proved
    assert by_program.proved

# More units never need more errors.
for kind in ("parity", "random"):
    known = [optima[p][0].errors for p in PROBLEMS if p.startswith(kind)]
    assert known == sorted(known, reverse=True)

# No training beats the optimum, and none of them always reaches it.
totals = {}
for method in METHODS:
    excess = [np.array(results[p, method]) - optima[p][0].errors for p in PROBLEMS]
    assert min(e.min() for e in excess) >= 0
    assert max(e.max() for e in excess) > 0
    totals[method] = float(np.mean(excess))
# Choosing targets for all samples together, and trying others if they cannot be reached, comes
# nearer than the straight-through estimator and than block coordinate descent.
assert totals["recursive targets"] < totals["straight-through"]
assert totals["recursive targets"] < totals["blocks"]

# %% [markdown]
# ## Exercises
#
# 1. By hand: the parity of three bits with one hidden unit. Show that 2 errors are possible. (That
#    fewer are not takes a table of more lines; let `enumeration_optimum` count them.)
# 2. Take the biases out of the hidden units: sign units then have $h(-x) = -h(x)$. Add up what the
#    output layer receives from all four corners of exclusive or, and show that no number of units
#    helps. What about the parity of three bits?
# 3. Start block coordinate descent at an optimal net of step units (`activation="step"` for
#    `enumeration_optimum`, `start=` for `bcd.iterate`). Does it stay there? It lowers $F_2$ at
#    every update, so what has it traded for what?
# 4. Give `milp_optimum` three classes, or 20 points, and a time limit of ten seconds. What do
#    `errors`, `bound` and `proved` say?
# 5. Print the tree of decisions of a recursive run, `recursive.format_tree(state.trees[0])`. Which
#    targets were kept, which undone, and which could not be reached at all?
# 6. A counterexample is a proof, too: `tutorials/assignments/07_counterexample`.
