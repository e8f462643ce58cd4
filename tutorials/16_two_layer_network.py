# %% [markdown]
# # 16. Two layers on Gaussian input, and an estimator that leaves a minimum
#
# ## What you will see
#
# Pages 2 and 3 had a network whose output weights were fixed. There every coarse gradient led to
# the teacher. Now the output weights $v$ learn as well, and two things are new: a minimum whose
# loss is not zero, and a coarse gradient that does not stay in it. The pseudo-derivative of ReLU
# has a coarse gradient that vanishes there. The identity's does not. It shortens the filter, step
# by step, until the filter passes the origin and points the other way.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`; the theory is
# `docs/theory.md`, part E. For one layer the coarse gradient is (A1.4).

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone.gaussian.two_layer import gradient, loss
from zeroone.gaussian.two_layer_coarse import coarse_gradient
from zeroone.gaussian.two_layer_descent import descend, iterate
from zeroone.gaussian.two_layer_stationary import classify, stationary_points
from zeroone.plots.style import COLOURS, STYLE, STYLES, legend_below
from zeroone.plots.two_layer import draw_points, draw_trajectories
from zeroone.support.tables import table

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# Two patches, $k = 2$. The teacher has $v^\ast = (1, 0)$ and $w^\ast = (1, 0)$: it looks at the
# first patch only, and says 1 if the first entry of that patch is positive. With $J$ the matrix of
# ones,
#
# $$f(v, w) = \tfrac18 (v - v^\ast)^T (I + J) (v - v^\ast) + \frac{\theta}{2\pi} v \cdot v^\ast.$$
#
# **The loss at a start.** Take $v = (0, 1)$ and $w = (0, 1)$, so that $\theta = \pi/2$. Then
# $v - v^\ast = (-1, 1)$, its square is 2 and its sum 0: the first term is $2/8 = 0.25$. And
# $v \cdot v^\ast = 0$: **the loss does not depend on the angle**, and $w$ has no gradient.
#
# **A minimum at the angle $\pi$.** There $\theta/2\pi = \tfrac12$, and the derivative by $v$ is 0
# where
#
# $$\tfrac14 (I + J)(v - v^\ast) + \tfrac12 v^\ast = 0, \qquad (I + J)(v - v^\ast) = (-2, 0).$$
#
# With $I + J = \begin{pmatrix} 2 & 1 \\ 1 & 2 \end{pmatrix}$, whose inverse is $\tfrac13
# \begin{pmatrix} 2 & -1 \\ -1 & 2 \end{pmatrix}$, this is $v - v^\ast = (-\tfrac43, \tfrac23)$,
# hence $v = (-\tfrac13, \tfrac23)$. The loss there is $\tfrac18 \cdot (-\tfrac43) \cdot (-2) +
# \tfrac12 \cdot (-\tfrac13) = \tfrac13 - \tfrac16 = \tfrac16$. As $v \cdot v^\ast = -\tfrac13$ is
# negative, a smaller angle makes the loss *larger*: this is a minimum, and its loss is not 0. It is
# **spurious**.
#
# **The coarse gradients there.** With $\hat w = (-1, 0)$, that of the identity is
#
# $$\frac{\lVert v \rVert^2 \hat w - (v \cdot v^\ast) w^\ast}{\sqrt{2\pi}} =
# \frac{\tfrac59 (-1, 0) + \tfrac13 (1, 0)}{2.5066} = (-0.0887, 0),$$
#
# so that a step with $\eta = 0.02$ shortens $w$ by $0.02 \cdot 0.0887 = 0.00177$. A filter of norm
# 1 is used up after $1 / 0.00177 = 564$ steps. ReLU's is $s \hat w / (2 \sqrt{2\pi})$ at the angle
# $\pi$. With $\sigma$ and $\sigma^\ast$ the sums of $v$ and $v^\ast$, $\tfrac13$ and 1,
#
# $$s = \lVert v \rVert^2 + \sigma^2 - \sigma \sigma^\ast + v \cdot v^\ast =
# \tfrac59 + \tfrac19 - \tfrac13 - \tfrac13 = 0.$$

# %%
v_star, w_star = np.array([1.0, 0.0]), np.array([1.0, 0.0])
ETA = 0.02
by_hand = {
    "loss at the start": 0.25,
    "v at the angle pi": [-1 / 3, 2 / 3],
    "loss there": 1 / 6,
    "identity's coarse gradient there": [-0.0887, 0],
    "ReLU's": [0, 0],
    "steps until w is used up": 564,
}

# %% [markdown]
# ## The same by the library

# %%
minimum, saddle, spurious = stationary_points(v_star, d=2)
opposite = np.array([-1.0, 0.0])
identity = coarse_gradient(spurious.v, opposite, v_star, w_star, "identity").w
relu = coarse_gradient(spurious.v, opposite, v_star, w_star, "relu").w
by_library = {
    "loss at the start": loss([0, 1], [0, 1], v_star, w_star),
    "v at the angle pi": spurious.v,
    "loss there": spurious.loss,
    "identity's coarse gradient there": identity,
    "ReLU's": relu,
    "steps until w is used up": 1 / (ETA * np.linalg.norm(identity)),
}
rows = [
    (name, np.array2string(np.array(by_hand[name]), precision=4),
     np.array2string(np.round(value, 10) + 0.0, precision=4))
    for name, value in by_library.items()
]  # fmt: skip
print(table(["", "by hand", "by the library"], rows))
print()
for point in (minimum, saddle, spurious):
    print(f"{point.kind}: angle {point.theta:.4f}, v = {point.v.round(4)}, loss {point.loss:.4f}")

# %% [markdown]
# **The mean of samples** agrees. The cell draws 200,000 inputs and forms the coarse gradient of the
# identity at the spurious minimum, without a closed form.

# %%
rng = np.random.default_rng(0)
Z = rng.standard_normal((200_000, 2, 2))
bits = (Z @ opposite > 0).astype(float)
error = bits @ spurious.v - (Z @ w_star > 0) @ v_star
samples = error[:, np.newaxis] * np.einsum("k,nkd->nd", spurious.v, Z)
standard_error = samples.std(axis=0) / np.sqrt(len(samples))
print("mean of samples:", samples.mean(axis=0).round(4), "+-", standard_error.round(4))

# %% [markdown]
# ## The loop
#
# Both layers move at once: $v \leftarrow v - \eta\, \partial f / \partial v$ and $w \leftarrow w -
# \eta\, \mathbb{E}\, g$. The start is beside the spurious minimum, 0.2 radians off, with a filter
# of norm 1.

# %%
w0 = np.array([np.cos(np.pi - 0.2), np.sin(np.pi - 0.2)])
N_ITER, runs = 1400, {}
for label, derivative, normalise in (
    ("ReLU", "relu", False),
    ("identity", "identity", False),
    ("identity, |w| = 1", "identity", True),
):
    steps = iterate(spurious.v, w0, v_star, w_star, eta=ETA, n_iter=N_ITER,
                    derivative=derivative, normalise=normalise)  # fmt: skip
    course = []
    for step in steps:
        course.append((step.objective_after, np.linalg.norm(step.state.w)))
        if step.sweep in (1, 400, 600, 900, N_ITER):
            print(f"{label:18} {step.sweep:5d}: loss {course[-1][0]:.4f}, |w| {course[-1][1]:.4f}")
    runs[label] = np.array(course)

# %% [markdown]
# The identity is at the minimum, and leaves it. When the filter is shorter than a step, it is
# carried through the origin to and fro; the angle jumps between $\pi$ and 0, and the loss with it.
# In the meantime $v$ sees both, and moves on until the filter is on the teacher's side for good.
# **It is good luck that it ends at the teacher**: with $v^\ast = (2, 1, -1)$ the filter goes to and
# fro for ever (exercise 3). And it is only the *length* of the filter that is at fault, of which
# the network sees nothing. Divide $w$ by its norm after each step, and the identity stays at the
# spurious minimum like ReLU.
#
# **From everywhere.** 60 starts with a random $v$ and a filter of norm 1 in a random direction:

# %%
v0, directions = rng.standard_normal((60, 2)), rng.standard_normal((60, 2))
starts = directions / np.linalg.norm(directions, axis=1, keepdims=True)
ends, results = {}, {}
for derivative in ("relu", "clipped_relu", "identity"):
    found = descend(v0, starts, v_star, w_star, eta=0.05, n_iter=4000, derivative=derivative,
                    record_every=4)  # fmt: skip
    kinds = classify(found.v, found.w, v_star, w_star, tolerance=0.02)
    ends[derivative], results[derivative] = kinds, found
    names, counts = np.unique(kinds, return_counts=True)
    print(f"{derivative:12}", dict(zip(names.tolist(), counts.tolist(), strict=True)))

# %% [markdown]
# ## The picture
#
# First the filter's norm and the loss of the runs from beside the spurious minimum. Then, for ReLU
# and the identity, the 60 runs in the plane of the angle and the distance of $v$ from $v^\ast$.

# %%
figure, panels = plt.subplots(1, 2, figsize=(5.25, 3), layout="constrained")
for number, (label, course) in enumerate(runs.items()):
    look = {"color": COLOURS[number], "linestyle": STYLES[number]}
    for axes, values in zip(panels, course.T[::-1], strict=True):
        axes.plot(np.arange(1, N_ITER + 1), values, label=label, **look)
for axes, label in zip(panels, ("norm of the filter", "loss"), strict=True):
    axes.set(xlabel="iteration", ylabel=label, ylim=(0, None))
legend_below(figure, panels[0], columns=1)
plt.show()

# %%
figure, panels = plt.subplots(1, 2, figsize=(5.25, 3.4), layout="constrained", sharey=True)
for axes, (derivative, name) in zip(
    panels, (("relu", "ReLU"), ("identity", "identity")), strict=True
):
    found = results[derivative]
    draw_trajectories(axes, found.angles, found.distances, ends[derivative])
    draw_points(axes, (minimum, saddle, spurious), v_star)
    axes.set_title(name)
    legend_below(figure, axes, columns=1)
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library, and by samples.
for name, value in by_library.items():
    np.testing.assert_allclose(value, by_hand[name], rtol=1e-3, atol=5e-5)
assert np.all(np.abs(samples.mean(axis=0) - identity) < 5 * standard_error + 1e-12)

# The spurious minimum is stationary in v, and ReLU's coarse gradient vanishes there.
assert np.abs(gradient(spurious.v, opposite, v_star, w_star).v).max() < 1e-12
assert np.abs(relu).max() < 1e-12

# ReLU stays, and its loss never rises. So does the identity with a filter of norm 1.
for label in ("ReLU", "identity, |w| = 1"):
    losses = runs[label][:, 0]
    assert np.all(np.diff(losses) <= 1e-12)
    assert losses[-1] > spurious.loss - 1e-12

# The identity came within 1 % of the minimum's loss, left, and the loss rose.
losses = runs["identity"][:, 0]
arrival = np.argmin(np.abs(losses[:600] - spurious.loss))
assert abs(losses[arrival] - spurious.loss) < 0.01 * spurious.loss
assert losses[arrival:].max() > 1.3 * spurious.loss

# From everywhere: ReLU ends at a minimum, global or spurious; the identity at no spurious one.
assert set(ends["relu"]) == {"minimum", "spurious minimum"}
assert "spurious minimum" not in ends["identity"]

# %% [markdown]
# ## Exercises
#
# 1. By hand: the saddle of $v^\ast = (1, 0)$. At which angle is $v(\theta) \cdot v^\ast = 0$?
# 2. For $v^\ast = (1, 1)$ the point at $\theta = \pi$ is no minimum. Show it. For which $x$
#    does $(1, -x)$ have a *global* minimum there? Which function is it?
# 3. Run the identity for $v^\ast = (2, 1, -1)$ from beside its spurious minimum. Where does it end?
# 4. With $v = 3 v^\ast$ and a filter of norm 0.01 near $w^\ast$, ReLU's loss rises as well. Why,
#    and why is a small $\eta$ no help? Compare `zeroone verify --only "two-layer.*"`.
# 5. The coarse gradient by Monte Carlo and in closed form, for one layer:
#    `tutorials/assignments/04_coarse_gradient`.
