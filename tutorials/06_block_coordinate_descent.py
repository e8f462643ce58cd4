# %% [markdown]
# # 6. Block coordinate descent on a net of three units
#
# ## What you will see
#
# A net with one hidden layer of three step units learns without any derivative. Besides the weights
# $W_1$ and $W_2$ the pre-activations $U_1$ become variables of their own. They pay a price for
# every difference from what the weights compute:
#
# $$F_2 = \underbrace{\tfrac12 \lVert \mathrm{step}(U_1) W_2^T - Y \rVert^2}_{\text{fit}} +
# \underbrace{\tfrac{\tau}{2} \lVert U_1 - X W_1^T \rVert^2}_{\text{coupling}} +
# \underbrace{\tfrac{\gamma}{2} \lVert W_1 \rVert^2 +
# \tfrac{\gamma}{2} \lVert W_2 \rVert^2}_{\text{ridge}}$$
#
# which is (B2.1) with $h = 2$ layers. Every block, $U_1$, $W_1$ or $W_2$, has a minimiser in closed
# form when the others are held fixed. So $F_2$ falls at every update, or stays. The page works out
# one update of each kind by hand, and then draws every block of a run.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from zeroone import bcd
from zeroone.bcd.full_batch import initial_state
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.plots.names import term_name
from zeroone.plots.style import COLOURS, STYLE, STYLES, legend_below

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# The four corners of a square, and the targets of "exclusive or": $y = 1$ where the two inputs
# differ. The net has the hidden rows (weight of $x_1$, weight of $x_2$, bias)
#
# $$W_1 = \begin{pmatrix} 0.5 & 0.5 & 0.5 \\ 0.25 & 0 & -0.5 \\ -0.25 & -0.25 & -0.25 \end{pmatrix}
# \qquad \text{and the outgoing weights} \quad W_2 = (1,\ -1,\ -0.5), \text{ bias } 0.$$
#
# | sample | $x$ | $y$ | $a = X W_1^T$ | step | output |
# |---|---|---|---|---|---|
# | 1 | (-1, -1) | 0 | (-0.5, -0.75, 0.25) | (0, 0, 1) | -0.5 |
# | 2 | (-1, 1) | 1 | (0.5, -0.75, -0.25) | (1, 0, 0) | 1 |
# | 3 | (1, -1) | 1 | (0.5, -0.25, -0.25) | (1, 0, 0) | 1 |
# | 4 | (1, 1) | 0 | (1.5, -0.25, -0.75) | (1, 0, 0) | 1 |
#
# Sample 4 is wrong, and sample 1 misses its target by half. The prices are $\tau = 0.5$ and
# $\gamma = 0.01$, and every $u$ has to keep the margin $m = 0.25$ from 0, (B1.5).
#
# ### The U block, for sample 4
#
# Each neuron decides its bit $s$, one after the other, by (B2.3): it fires if
#
# $$\tfrac12 w^2 - w\, r_0 + \tfrac{\tau}{2} (d_1^2 - d_0^2) < 0,$$
#
# with $w$ its outgoing weight, $r_0$ what the output misses without the neuron, and $d_1$, $d_0$
# the distances of $a$ from $\{u \ge m\}$ and from $\{u \le -m\}$. At first the output is 1, and it
# misses $0 - 1 = -1$.
#
# * **Neuron 1:** $w = 1$, and it fires, so $r_0 = -1 + 1 = 0$. It has $a = 1.5$, hence $d_1 = 0$
#   and $d_0 = 1.75$. The sum is $0.5 - 0 + 0.25\,(0 - 3.0625) = -0.265625 < 0$: it fires. Its
#   silence would suit the output, but the pre-activation is too far from it.
# * **Neuron 2:** $w = -1$, silent, so $r_0 = -1$. With $a = -0.25$, $d_1 = 0.5$ and $d_0 = 0$. The
#   sum is $0.5 - 1 + 0.25\,(0.25 - 0) = -0.4375 < 0$: **it flips**, and $u = 0.25$. Now the output
#   misses $-1 + 1 = 0$.
# * **Neuron 3:** $w = -0.5$, silent. It sees what neuron 2 did: $r_0 = 0$. With $a = -0.75$,
#   $d_1 = 1$ and $d_0 = 0$. The sum is $0.125 - 0 + 0.25\,(1 - 0) = 0.375 > 0$: silent, and
#   $u = -0.75$. Had it not seen neuron 2, with $r_0 = -1$, the sum would have been
#   $0.125 - 0.5 + 0.25 = -0.125$, and it would have flipped too. That is one flip too many.
#
# For sample 1 neuron 3 goes silent in the same way: $0.125 - 0 + 0.25\,(0 - 0.25) = 0.0625 > 0$,
# and $u = -0.25$. Nothing else moves. The fit falls from $\tfrac12 (0.25 + 0 + 0 + 1) = 0.625$ to
# 0, and the coupling rises from 0 to $0.25\,(0.5^2 + 0.5^2) = 0.125$.
#
# ### The W block, for neuron 2
#
# Now $u = (-0.75, -0.75, -0.25, 0.25)$ is what row 2 of $W_1$ should produce: ridge regression,
# (B1.1). The columns of $V = [X\ 1]$ are orthogonal, and $V^T V = 4 I$. So
#
# $$V^T u = \begin{pmatrix} 0.75 + 0.75 - 0.25 + 0.25 \\ 0.75 - 0.75 + 0.25 + 0.25 \\
# {-0.75} - 0.75 - 0.25 + 0.25 \end{pmatrix} =
# \begin{pmatrix} 1.5 \\ 0.5 \\ -1.5 \end{pmatrix}, \qquad
# w = \frac{\tau}{4 \tau + \gamma}\, V^T u =
# \frac{0.5}{2.01} \begin{pmatrix} 1.5 \\ 0.5 \\ -1.5 \end{pmatrix} \approx
# \begin{pmatrix} 0.373 \\ 0.124 \\ -0.373 \end{pmatrix}.$$
#
# For sample 4 this row gives $0.373 + 0.124 - 0.373 = 0.124 > 0$: the weights now do what the bit
# had decided.

# %%
corners = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
differ = np.array([[0.0], [1.0], [1.0], [0.0]])
rows = [[0.5, 0.5], [0.25, 0.0], [-0.25, -0.25]]
small_net = ZeroOneMLP([rows, [[1.0, -1.0, -0.5]]], [[0.5, -0.5, -0.25], [0.0]])

U_by_hand = np.array(
    [
        [-0.50, -0.75, -0.25],
        [0.50, -0.75, -0.25],
        [0.50, -0.25, -0.25],
        [1.50, 0.25, -0.75],
    ]
)
row_by_hand = 0.5 / 2.01 * np.array([1.5, 0.5, -1.5])

# %% [markdown]
# ## The same updates by the library
#
# `bcd.iterate` is a generator: it yields after every block, with $F_2$ term by term before and
# after. Its `state` is live, so what is to be kept is copied.

# %%
small = {}
for update in bcd.iterate(
    corners, differ, 3, start=small_net, order=("U1", "W1", "W2"),
    sweeps=1, tau=0.5, gamma=0.01, margin=0.25,
):  # fmt: skip
    small[update.block] = (update, update.state.copy())
    terms = ", ".join(f"{name} {value:.4f}" for name, value in update.after.items())
    print(f"{update.block}: F2 from {update.objective_before:.4f} to {update.objective_after:.4f}")
    print(f"    {terms}")

print("U1 of sample 4", small["U1"][1].preactivations[0][3])
print("row 2 of W1   ", small["W1"][1].weights[0][1].round(4), "bias", end=" ")
print(small["W1"][1].biases[0][1].round(4))
print("outputs before", small_net.decision_function(corners)[:, 0])
print("outputs after ", bcd.network(small["W2"][1]).decision_function(corners)[:, 0].round(3))

# %% [markdown]
# The last block, $W_2$, is a ridge regression as well. It lowers the ridge by more than it raises
# the fit, and finds that neuron 3 is not needed: it never fires.

# %% [markdown]
# ## The loop
#
# The data are points in the plane: 1 in a stripe, and 0 on both sides of it. One line cannot divide
# them, two lines can, and the net has three. The first weights are differences of two samples of
# different classes. The loop copies the state after every block.

# %%
PRICES = {"tau": 1.0, "gamma": 0.01, "margin": 0.3, "order": ("U1", "W1", "W2"), "sweeps": 30}
rng = np.random.default_rng(2)
X = rng.uniform(-1.5, 1.5, (60, 2))
across = X @ [1.0, 0.6]
clear = np.abs(np.abs(across) - 0.7) > 0.08
X, y = X[clear], (np.abs(across[clear]) < 0.7).astype(float)


def accuracy(state):
    """Return the share of points that the hard net (the weights alone) gets right."""
    scores = bcd.network(state).decision_function(X)[:, 0]
    return float(np.mean((scores > 0.5) == (y > 0.5)))


def train(seed):
    """Return the steps of a run with copies of the states."""
    run = bcd.iterate(X, y[:, np.newaxis], 3, rng=seed, **PRICES)
    return [(step, step.state.copy()) for step in run]


steps = train(seed=13)
for step, state in steps[:9]:
    flips = f", {step.info['flipped']} bits flipped" if "flipped" in step.info else ""
    print(
        f"{step.block}: F2 {step.objective_before:7.3f} -> {step.objective_after:7.3f}, "
        f"hard net {100 * accuracy(state):5.1f} % right{flips}"
    )
print(f"after {steps[-1][0].sweep} sweeps: {100 * accuracy(steps[-1][1]):.1f} % right")

# %% [markdown]
# ## The picture
#
# The picture has a row for each block. The first three columns are the hidden neurons. A point is
# coloured if the neuron's bit is 1, and hollow if it is 0. On the neuron's line its pre-activation
# is 0, and the side on which it fires is shaded. A black ring marks a point whose bit was decided
# against the line. The last column is the hard net. It says 1 where the plane is shaded, filled
# points should be 1, and a ring marks a point that it gets wrong.
#
# * **U1** flips bits: rings appear in the first three columns. No line moves.
# * **W1** moves the lines after the bits, and some of the rings go.
# * **W2** weighs the three bits again: only the last column can change.

# %%
GRID = np.stack(np.meshgrid(np.linspace(-1.7, 1.7, 200), np.linspace(-1.7, 1.7, 200)), axis=-1)
FRAME = (-1.7, 1.7, -1.7, 1.7)


def shade(axes, on, color):
    """Shade the part of the plane where `on` is True."""
    axes.contourf(GRID[..., 0], GRID[..., 1], on, levels=[0.5, 1.5], colors=[color], alpha=0.25)


def points(axes, filled, ringed, color):
    """Draw the samples."""
    face = np.where(filled, color, "white")
    axes.scatter(*X.T, s=9, c=face, edgecolors=color, linewidths=0.6)
    axes.scatter(*X[ringed].T, s=34, facecolors="none", edgecolors="black", linewidths=0.9)


def draw_state(axes, state):
    """Draw the three neurons and the hard net."""
    bits, lines, offsets = state.preactivations[0] > 0, state.weights[0], state.biases[0]
    for j in range(3):
        values = GRID @ lines[j] + offsets[j]
        shade(axes[j], values > 0, COLOURS[j])
        axes[j].contour(GRID[..., 0], GRID[..., 1], values, [0], colors=COLOURS[j])
        points(axes[j], bits[:, j], bits[:, j] != (state.products[0][:, j] > 0), COLOURS[j])
    net = bcd.network(state)
    scores = net.decision_function(GRID.reshape(-1, 2)).reshape(GRID.shape[:2])
    shade(axes[3], scores > 0.5, "#555555")
    wrong = (net.decision_function(X)[:, 0] > 0.5) != (y > 0.5)
    points(axes[3], y > 0.5, wrong, "#555555")


start = initial_state(X, y[:, np.newaxis], [3], bcd.Options(**PRICES), np.random.default_rng(13))
shown = [("start", steps[0][0].objective_before, start)]
shown += [
    (f"{step.block}, sweep {step.sweep}", step.objective_after, state)
    for step, state in [*steps[:6], steps[-1]]
]
figure, panels = plt.subplots(len(shown), 4, figsize=(6.4, 1.6 * len(shown)), layout="constrained")
for axes, (name, objective, state) in zip(panels, shown, strict=True):
    draw_state(axes, state)
    axes[0].set_ylabel(f"{name}\n$F_2$ = {objective:.2f}")
    axes[3].set_title(f"{100 * accuracy(state):.0f} % right")
for axes in panels.flat:
    axes.set(xticks=[], yticks=[], xlim=FRAME[:2], ylim=FRAME[2:], aspect="equal")
for j in range(3):
    panels[0, j].set_title(f"neuron {j + 1}")
said = {
    "filled: the neuron's bit is 1 (right column: class 1)": {"color": "#555555", "markersize": 4},
    "hollow: it is 0 (class 0)": {"color": "#555555", "markersize": 4, "markerfacecolor": "white"},
    "ring: the bit is not what $W_1$ computes (right column: the net is wrong)": {
        "color": "black", "markersize": 7, "markerfacecolor": "none"
    },
}  # fmt: skip
handles = [
    Line2D([], [], linestyle="", marker="o", label=label, **look) for label, look in said.items()
]
handles.append(Patch(color="#cccccc", label="shaded: the neuron (right column: the net) says 1"))
figure.legend(handles=handles, loc="outside lower left")
plt.show()

# %% [markdown]
# Left: the terms of $F_2$, block by block. U1 lowers the fit and raises the coupling. W1 lowers the
# coupling again, and W2 the sum of fit and ridge. The sum of all never rises. Right: twenty runs
# that differ only in the start. The runs that end with all points right are also those with the
# lowest $F_2$. The others have ended where no single block can lower it. **Descent is a theorem, a
# good end is not.** (Several restarts help, or more units than the problem needs; tutorial 7 has
# 100 units.)

# %%
ends = []
for seed in range(20):
    step, state = train(seed)[-1]
    ends.append((step.objective_after, accuracy(state)))
lowest, right = np.array(ends).T
print(f"{np.sum(right == 1)} of {len(right)} starts end with all points right")

figure, (left, far) = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
positions = [step.info["position"] for step, _ in steps]
for number, name in enumerate(("objective", "fit", "coupling_1", "ridge")):
    values = [
        step.objective_after if name == "objective" else step.after[name] for step, _ in steps
    ]
    style = {"color": COLOURS[number], "linestyle": STYLES[number]}
    left.plot(positions[:30], values[:30], marker=".", label=term_name(name), **style)
left.set(xlabel="sweep", ylabel="$F_2$ and its terms", yscale="log", title="one run")
legend_below(figure, left)
far.plot(lowest, 100 * right, "o", color=COLOURS[0], alpha=0.6, label="a start each")
far.set(xlabel="$F_2$ after 30 sweeps", ylabel="points right (%)", title="twenty starts")
legend_below(figure, far)
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library. U exactly: all numbers are binary fractions.
np.testing.assert_array_equal(small["U1"][1].preactivations[0], U_by_hand)
assert small["U1"][0].before["fit"] == 0.625
assert small["U1"][0].after["fit"] == 0
assert small["U1"][0].after["coupling_1"] == 0.125
np.testing.assert_allclose(small["W1"][1].weights[0][1], row_by_hand[:2], rtol=1e-12)
np.testing.assert_allclose(small["W1"][1].biases[0][1], row_by_hand[2], rtol=1e-12)
small_scores = bcd.network(small["W1"][1]).decision_function(corners)
np.testing.assert_array_equal(small_scores, differ)

# Not a single block raises F2, in any run (a change of rounding size aside).
assert all(step.decrease > -1e-12 for step, _ in steps)

# The last neuron, which saw what the two before it decided, is at a minimum: no sample's fit and
# coupling together get smaller if its bit flips.
first = steps[0][1]
bits, A = first.preactivations[0] > 0, first.products[0]
costs = []
for third in (bits[:, 2], ~bits[:, 2]):
    s = np.column_stack([bits[:, :2], third])
    U = np.where(s, np.maximum(A, PRICES["margin"]), np.minimum(A, -PRICES["margin"]))
    output = s @ first.weights[1][0] + first.biases[1][0]
    costs.append((output - y) ** 2 / 2 + PRICES["tau"] / 2 * np.sum((U - A) ** 2, axis=1))
assert np.all(costs[0] <= costs[1])

# W1 is at a minimum: the gradient of coupling and ridge is 0 there.
second = steps[1][1]
W, b = second.weights[0], second.biases[0]
R = second.preactivations[0] - (X @ W.T + b)
np.testing.assert_allclose(-R.T @ X + 0.01 * W, 0, atol=1e-10)
np.testing.assert_allclose(-R.sum(axis=0) + 0.01 * b, 0, atol=1e-10)

# The run that is drawn ends without an error; not every start does.
assert accuracy(steps[-1][1]) == 1
assert 3 <= np.sum(right == 1) <= 17
assert lowest[right == 1].max() < lowest[right < 1].min()

# %% [markdown]
# ## Exercises
#
# 1. By hand: what does neuron 2 do for sample 3, where $a = -0.25$ as well? And what if $\tau$ is
#    20 instead of 0.5: does it still flip for sample 4?
# 2. Let the neurons decide in the order 3, 2, 1 for sample 4. Which bits flip, and is the sum of
#    fit and coupling the same in the end?
# 3. In the loop set `order="backward"`, which starts with W2. Why does its first block change
#    nothing?
# 4. Give the net two units, or six. How many of the twenty starts end without an error?
# 5. Make the margin 0.1. More runs now end with a low $F_2$ and a poor net. Which term has become
#    cheap, and what happens to the length of the rows of $W_1$?
# 6. Write the U block, and one neuron's decision: `tutorials/assignments/02_u_block`. The W block
#    that drops whole rows is in `tutorials/assignments/03_group_thresholding`.
