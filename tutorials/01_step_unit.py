# %% [markdown]
# # 1. A step unit, and why its derivative is no use
#
# ## What you will see
#
# A unit that answers 0 or 1 has a loss that is constant except for jumps. The derivative of this
# loss is 0 wherever it exists, and gradient descent never moves. This page has two ways out. One
# pretends that the step has another slope (a *pseudo-derivative*). The other averages over so many
# samples that the jumps merge into a smooth curve. The tutorials that follow take both.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone.activations import step
from zeroone.gaussian import population_loss, sampling
from zeroone.plots.style import COLOURS, STYLE, STYLES, draw_function, legend_below

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# One unit with two inputs and no bias computes $\mathrm{step}(w \cdot x)$, (U.1), with
# $w = (1, 0)$. A teacher of the same kind, $w^\ast = (0.6, 0.8)$, says what it should compute. Four
# samples:
#
# | $x$ | $w \cdot x$ | unit | $w^\ast \cdot x$ | teacher | error $e$ | $\tfrac12 e^2$ |
# |---|---|---|---|---|---|---|
# | (1, -2) | 1 | 1 | 0.6 - 1.6 = -1 | 0 | 1 | 0.5 |
# | (-1, 2) | -1 | 0 | -0.6 + 1.6 = 1 | 1 | -1 | 0.5 |
# | (2, 1) | 2 | 1 | 1.2 + 0.8 = 2 | 1 | 0 | 0 |
# | (-1, -1) | -1 | 0 | -0.6 - 0.8 = -1.4 | 0 | 0 | 0 |
#
# The loss is the mean, (0.5 + 0.5 + 0 + 0)/4 = 0.25.
#
# **The derivative.** Move $w$ by a small $v$. The pre-activation of $x$ changes by $v \cdot x$, at
# most $\lVert v \rVert \lVert x \rVert$, and the unit's answer changes only if that reaches
# $\lvert w \cdot x \rvert$. The four quotients $\lvert w \cdot x \rvert / \lVert x \rVert$ are
# $1/\sqrt5$, $1/\sqrt5$, $2/\sqrt5$ and $1/\sqrt2$. So as long as $v$ is shorter than
# $1/\sqrt5 = 0.447$ **nothing changes at all**: the loss is constant around $w$, its derivative is
# 0, and $w \leftarrow w - \eta \cdot 0$ is $w$.
#
# **The pseudo-derivative.** The chain rule asks for the mean of
# $e \cdot \mathrm{step}'(w \cdot x)\, x$. Put $\mu' = 1$, the first of (U.4), in the place of
# step'. What remains is the mean of $e\,x$:
#
# $$\tfrac14 \big( 1 \cdot (1, -2) - 1 \cdot (-1, 2) + 0 + 0 \big) = \tfrac14 (2, -4) = (0.5, -1).$$
#
# With $\eta = 0.5$ the update is $w \leftarrow (1, 0) - 0.5\,(0.5, -1) = (0.75, 0.5)$. The new
# pre-activations are
#
# * 0.75 - 1 = -0.25, so the unit says 0,
# * -0.75 + 1 = 0.25, so it says 1,
# * 1.5 + 0.5 = 2, so it says 1,
# * -0.75 - 0.5 = -1.25, so it says 0.
#
# All four answers are right, and the loss is 0 after one update.

# %%
w, w_star = np.array([1.0, 0.0]), np.array([0.6, 0.8])
samples = np.array([[1.0, -2.0], [-1.0, 2.0], [2.0, 1.0], [-1.0, -1.0]])

by_hand = np.array([0.75, 0.5])
radius_by_hand = 1 / np.sqrt(5)

# %% [markdown]
# ## The same update by the library
#
# A unit is the network of part A, (A.1), with one patch. So the inputs need the shape
# `(n_samples, k, d)` with k = 1. The library's coarse gradient (A1.3) has a factor $\sqrt{2/\pi}$
# by default; here the factor is 1.

# %%
Z = samples[:, np.newaxis, :]
error = step(samples @ w) - step(samples @ w_star)
pretended = sampling.sampled_coarse_gradient(w, w_star, Z, pseudo="identity", slope=1.0)
updated = w - 0.5 * pretended

print("errors           ", error)
print("loss before      ", sampling.empirical_risk(w, w_star, Z))
print("pseudo-gradient  ", pretended)
print("updated filter   ", updated)
print("loss after       ", sampling.empirical_risk(updated, w_star, Z))

# %% [markdown]
# Finite differences in random directions measure the derivative itself. Up to the radius found by
# hand every difference is exactly 0, not merely small.

# %%
rng = np.random.default_rng(1)
directions = rng.standard_normal((1000, 2))
directions /= np.linalg.norm(directions, axis=1, keepdims=True)


def largest_change(length: float) -> float:
    """Return by how much the loss changes at most when w moves by that length."""
    moved = sampling.empirical_risk(w + length * directions, w_star, Z)
    return float(np.max(np.abs(moved - sampling.empirical_risk(w, w_star, Z))))


for length in (1e-6, 0.1, 0.44, 0.46):
    print(f"w moves by {length:<6g} and the loss by at most {largest_change(length)}")

# %% [markdown]
# ## The loop
#
# Now there are 200 random samples and a teacher in ten dimensions. The same loop,
# $w \leftarrow w - \eta \cdot \text{slope}$, runs three times, with three different slopes:
#
# * central finite differences of the loss, as near to the derivative as one can measure;
# * the pseudo-derivative $\mu' = 1$, as by hand;
# * the pseudo-derivative $\mu' = 1[z > 0]$ of ReLU: a unit that is off learns nothing.
#
# With $\mu' = 1$ the sum of $e\,x$ over the samples is the update of Rosenblatt's perceptron
# (1958): for a single step unit the "straight-through estimator" is the perceptron rule. Since the
# teacher separates the samples, the rule makes no error after a finite number of updates. With
# $\mu' = 1[z > 0]$ the loop stops early: a wrong answer of 0 comes from a unit that is off and does
# not learn, and in the end all wrong answers are of that kind.

# %%
d, n_samples, n_iter, eta = 10, 200, 300, 0.5
teacher = rng.standard_normal(d)
teacher /= np.linalg.norm(teacher)
inputs = sampling.sample_inputs(rng, n_samples, 1, d)
start = rng.standard_normal(d)


def difference_quotients(w):
    """Return central differences of the loss in the d coordinates."""
    shifts = 1e-6 * np.eye(d)
    ahead = sampling.empirical_risk(w + shifts, teacher, inputs)
    behind = sampling.empirical_risk(w - shifts, teacher, inputs)
    return (ahead - behind) / 2e-6


def descend(slope):
    """Return the losses on the way, and the last filter."""
    w, losses = start, []
    for _ in range(n_iter):
        losses.append(float(sampling.empirical_risk(w, teacher, inputs)))
        w = w - eta * slope(w)
    return losses, w


def pretend(pseudo):
    """Return the function that puts a pseudo-derivative in place of the derivative."""
    return lambda w: sampling.sampled_coarse_gradient(w, teacher, inputs, pseudo, slope=1.0)


runs = {
    "differences": descend(difference_quotients),
    r"$\mu' = 1$": descend(pretend("identity")),
    r"$\mu' = 1[z > 0]$": descend(pretend("relu")),
}
for name, (losses, _) in runs.items():
    print(f"{name:18s} {2 * n_samples * losses[-1]:3.0f} of {n_samples} answers wrong at the end")

# %% [markdown]
# ## The picture
#
# Left: what a step computes, and one of the functions $\mu$ whose slope takes its place. Middle:
# the loss while the filter turns around a circle from the teacher (angle 0) to its opposite, for 10
# samples and for 100. Both curves are staircases. With more samples the stairs get smaller. The
# average over all inputs is the straight line $f = \theta / 2\pi$, (A1.1) with k = 1. Its slope is
# **not** 0: the derivative of the average is not the average of the derivatives. Right: the loop.

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained")

draw_function(left, step, (-2, 2), jumps=[0], color=COLOURS[0], label="step")
ramp = np.linspace(-2, 2, 401)
label = r"$\mu = \min(\max(z, 0), 1)$"
left.plot(ramp, np.clip(ramp, 0, 1), color=COLOURS[1], linestyle=STYLES[1], label=label)
left.set(xlabel="pre-activation $z$", title="a unit, and a slope to pretend")

turns = np.linspace(0, np.pi, 2001)
circle = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
towards = np.array([1.0, 0.0])
risks = {}
for n in (10, 100, 10_000):
    Z_n = sampling.sample_inputs(np.random.default_rng(5), n, 1, 2)
    risks[n] = sampling.empirical_risk(circle, towards, Z_n)
for number, n in enumerate((10, 100)):
    middle.plot(turns, risks[n], color=COLOURS[number], label=f"{n} samples")
limit = population_loss(circle, towards, 1)
middle.plot(turns, limit, color="black", linestyle="--", label=r"all: $\theta / 2\pi$")
middle.set(xlabel="angle to the teacher", ylabel="loss", title="the loss of one unit")

for number, (name, (losses, _)) in enumerate(runs.items()):
    right.plot(losses, color=COLOURS[number], linestyle=STYLES[number], label=name)
right.set(xlabel="update", ylabel="loss", title="descent along three slopes")

for axes in (left, middle, right):
    legend_below(figure, axes, columns=1)
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library: the derivative is 0 up to the radius, the update is the same.
np.testing.assert_array_equal(updated, by_hand)
assert sampling.empirical_risk(w, w_star, Z) == 0.25
assert sampling.empirical_risk(updated, w_star, Z) == 0
assert largest_change(0.99 * radius_by_hand) == 0
assert largest_change(1.02 * radius_by_hand) > 0

# Descent along the derivative goes nowhere; the perceptron rule ends without an error.
assert np.array_equal(runs["differences"][1], start)
assert runs[r"$\mu' = 1$"][0][-1] == 0
assert runs[r"$\mu' = 1[z > 0]$"][0][-1] < 0.1 * runs["differences"][0][-1]

# What is left wrong by mu' = 1[z > 0] are zeros where the teacher says one: units that are off.
answers = step(inputs[:, 0] @ runs[r"$\mu' = 1[z > 0]$"][1])
assert np.all(answers[answers != step(inputs[:, 0] @ teacher)] == 0)

# The more samples, the closer the stairs are to the straight line.
gaps = [np.max(np.abs(risks[n] - limit)) for n in (10, 100, 10_000)]
assert gaps[0] > 3 * gaps[2]
assert gaps[1] > 3 * gaps[2]
assert gaps[2] < 0.01

# %% [markdown]
# ## Exercises
#
# 1. Repeat the update by hand with $\mu' = 1[z > 0]$. Which sample no longer has a say, and is the
#    loss 0 after one update?
# 2. Move the first sample to (1, 0). Its pre-activation is still 1. Which quotient
#    $\lvert w \cdot x \rvert / \lVert x \rVert$ is the smallest now, and by how much may $w$ move?
# 3. A fifth sample (0, 3) has the pre-activation exactly 0. What does the unit answer, and what
#    becomes of "the derivative is 0" at this $w$?
# 4. In the loop, add a bias: a column of ones in the inputs, and a teacher whose last entry is 0.3.
#    Does the perceptron rule still end without errors? And if one of the 200 answers is wrong?
# 5. Write `step` and the forward pass of a whole net: `tutorials/assignments/01_forward`.
