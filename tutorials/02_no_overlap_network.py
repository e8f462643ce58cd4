# %% [markdown]
# # 2. The no-overlap network and its angle
#
# ## What you will see
#
# This page has a small network of step units for which everything can be computed. One filter
# slides over patches that do not overlap, and the output counts the patches that switch it on. On
# Gaussian input the loss depends on one number only, the angle between the filter and the teacher,
# and is proportional to it. The loss is a cone, and a cone has no smooth bottom. So descent along
# its true gradient comes near the teacher and then jumps to and fro over it.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`, part A.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone import gaussian
from zeroone.gaussian import sampling
from zeroone.gaussian.filters import unit
from zeroone.plots.style import COLOURS, STYLE, STYLES, legend_below
from zeroone.support.tables import table

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# **The forward pass, (A.1).** Two entries a patch, k = 3 patches, the filter $w = (1, 0)$ and the
# teacher $w^\ast = (0.6, 0.8)$. Two inputs, one a row:
#
# | patches $Z_1, Z_2, Z_3$ | $Z_i \cdot w$ | $h(w)$ | $Z_i \cdot w^\ast$ | $h(w^\ast)$ | loss |
# |---|---|---|---|---|---|
# | (1, -2), (2, -3), (-1, -1) | 1, 2, -1 | 2 | -1, -1.2, -1.4 | 0 | $\tfrac12 (2 - 0)^2 = 2$ |
# | (1, -2), (-1, 2), (2, 1) | 1, -1, 2 | 2 | -1, 1, 2 | 2 | $\tfrac12 (2 - 2)^2 = 0$ |
#
# In the second input the filter answers two patches wrongly: one with 1 for 0, and one with 0 for
# 1. The errors cancel in the sum, because the network sees counts, not patches. The empirical risk
# of the two inputs is (2 + 0)/2 = 1.
#
# **The angle, (A.3).** $w - w^\ast = (0.4, -0.8)$ has the length $\sqrt{0.16 + 0.64} = \sqrt{0.8}$,
# and $w + w^\ast = (1.6, 0.8)$ the length $\sqrt{2.56 + 0.64} = \sqrt{3.2}$. Their quotient is
# $\sqrt{0.25} = 0.5$, so that $\theta = 2 \arctan 0.5 = 0.9273$.
#
# **The population loss, (A1.1)**, the loss in the mean over all inputs, is
# $f = 3/(2\pi) \cdot 0.9273 = 0.4775 \cdot 0.9273 = 0.4428$.
#
# **One update.** The true gradient (A1.2) points from $w^\ast$ along the circle. The part of
# $w^\ast$ across $w$ is $P w^\ast = (0, 0.8)$, of the direction (0, 1), and $\lVert w \rVert = 1$:
#
# $$\nabla f(w) = -0.4775\, (0, 1) = (0, -0.4775).$$
#
# With $\eta = 0.75 / 0.4775 = \pi/2$ the step is $w \leftarrow (1, 0) + 0.75\,(0, 1) = (1, 0.75)$,
# of length $\sqrt{1 + 0.5625} = 1.25$. Divided by it, the new filter is (0.8, 0.6). Now
# $\cos\theta = 0.8 \cdot 0.6 + 0.6 \cdot 0.8 = 0.96$, hence $\theta = 0.2838$ and
# $f = 0.4775 \cdot 0.2838 = 0.1355$: the step has turned $w$ by $\arctan 0.75 = 0.6435$.
#
# **One more.** The next gradient has the same length, 0.4775, although the teacher is near. The
# same $\eta$ turns the filter by 0.6435 again, past the teacher and to the angle 0.6435 - 0.2838 =
# 0.3597 on the other side. The loss has risen.

# %%
w, w_star, k = np.array([1.0, 0.0]), np.array([0.6, 0.8]), 3
Z = np.array(
    [
        [[1.0, -2.0], [2.0, -3.0], [-1.0, -1.0]],
        [[1.0, -2.0], [-1.0, 2.0], [2.0, 1.0]],
    ]
)
by_hand = {
    "outputs": [2, 2],
    "outputs of the teacher": [0, 2],
    "empirical risk": 1,
    "angle": 0.9273,
    "population loss": 0.4428,
    "true gradient": [0, -0.4775],
    "after one update": [0.8, 0.6],
    "its angle": 0.2838,
    "its population loss": 0.1355,
    "angle after two updates": 0.3597,
}

# %% [markdown]
# ## The same by the library
#
# `unit` divides a filter by its length.

# %%
eta = np.pi / 2
once = unit(w - eta * gaussian.true_gradient(w, w_star, k))
twice = unit(once - eta * gaussian.true_gradient(once, w_star, k))
by_library = {
    "outputs": sampling.output(w, Z),
    "outputs of the teacher": sampling.output(w_star, Z),
    "empirical risk": sampling.empirical_risk(w, w_star, Z),
    "angle": gaussian.angle(w, w_star),
    "population loss": gaussian.population_loss(w, w_star, k),
    "true gradient": gaussian.true_gradient(w, w_star, k),
    "after one update": once,
    "its angle": gaussian.angle(once, w_star),
    "its population loss": gaussian.population_loss(once, w_star, k),
    "angle after two updates": gaussian.angle(twice, w_star),
}
rows = [
    (name, str(by_hand[name]), np.array2string(np.add(value, 0.0), precision=4))
    for name, value in by_library.items()
]
print(table(["", "by hand", "by the library"], rows))

# %% [markdown]
# **Why the loss is the angle.** Write $h(w) - h(w^\ast)$ as the sum of k terms
# $\mathrm{step}(Z_i \cdot w) - \mathrm{step}(Z_i \cdot w^\ast)$. A term is not 0 if the line across
# $w$ and the line across $w^\ast$ have $Z_i$ between them; Gaussian patches point in all directions
# alike, so this happens with the probability $\theta / \pi$, and then the term is 1 or -1, equally
# often. The terms are independent with mean 0, so the mean of the squared sum is the sum of the
# means of the squares, $k\,\theta / \pi$. Half of it is (A1.1).
#
# **What follows.** The length of $w$ does not matter, which makes every ray from 0 one value of the
# loss. And the loss is not flat at the teacher: $\theta$ falls to 0 with the slope 1, like
# $\lvert x \rvert$.
#
# The next cell compares the formula with random inputs: the mean of the sample loss over 20,000
# inputs, at 13 angles and for three numbers of patches.

# %%
rng = np.random.default_rng(0)
n_samples, d = 20_000, 8
teacher = unit(rng.standard_normal(d))
across = rng.standard_normal(d)
across = unit(across - (across @ teacher) * teacher)
turns = np.linspace(0, np.pi, 13)
turned = np.cos(turns)[:, np.newaxis] * teacher + np.sin(turns)[:, np.newaxis] * across

means, errors = {}, {}
for patches in (1, 3, 10):
    inputs = sampling.sample_inputs(rng, n_samples, patches, d)
    sample_losses = sampling.sample_loss(turned, teacher, inputs)
    means[patches] = sample_losses.mean(axis=-1)
    errors[patches] = sample_losses.std(axis=-1) / np.sqrt(n_samples)
    off = means[patches] - gaussian.population_loss(turned, teacher, patches)
    worst = np.max(np.abs(off) / np.maximum(errors[patches], 1e-12) * (errors[patches] > 0))
    print(f"k = {patches:2d}: at most {worst:.1f} standard errors from k theta / (2 pi)")

# %% [markdown]
# ## The loop
#
# Descent along the true gradient, with the filter divided by its length after every step as in
# (A6.4), from a random start and with three step sizes. Every step turns the filter by the same
# angle, $\arctan(\eta k / 2\pi)$, until the teacher is nearer than that.

# %%
start = unit(rng.standard_normal(d))
etas = {"large": 0.3, "middle": 0.1, "small": 0.03}
courses = {}
for name, eta in etas.items():
    filter_now, course = start, []
    for _ in range(60):
        course.append(float(gaussian.angle(filter_now, teacher)))
        filter_now = unit(filter_now - eta * gaussian.true_gradient(filter_now, teacher, k))
    courses[name] = np.array(course)
    turn = np.arctan(eta * k / (2 * np.pi))
    print(
        f"eta = {eta:<5g} turns by {turn:.4f} a step; "
        f"the last two angles are {course[-2]:.4f} and {course[-1]:.4f}, "
        f"together {course[-2] + course[-1]:.4f}"
    )

# %% [markdown]
# The smallest step size has not arrived yet. With the others the last two angles add up to the
# angle of one turn: the filter jumps from one side of the teacher to the other and back. A constant
# step size does not get closer than that. The next tutorial has a direction that does.
#
# ## The picture
#
# Left: the population loss over all filters in the plane. Every ray has one colour, and the darkest
# is the ray of the teacher. Middle: the formula (lines) and the means over random inputs (dots).
# Right: the loop.

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")

axis = np.linspace(-1.5, 1.5, 200)  # an even number of points, so that (0, 0) is not among them
plane = np.stack(np.meshgrid(axis, axis), axis=-1)
loss = gaussian.population_loss(plane, w_star, k)
image = left.imshow(loss, origin="lower", extent=(-1.5, 1.5, -1.5, 1.5), cmap="cividis")
figure.colorbar(image, ax=left, label="population loss $f(w)$", location="bottom", shrink=0.8)
left.plot([0, w_star[0]], [0, w_star[1]], color="white", marker="o", markersize=4)
left.annotate("$w^*$", w_star, xytext=(5, 3), textcoords="offset points", color="white")
left.set(xlabel="$w_1$", ylabel="$w_2$", title="a cone around a ray (k = 3)")
left.grid(visible=False)

for number, (patches, values) in enumerate(means.items()):
    colour = COLOURS[number]
    formula = gaussian.population_loss(turned, teacher, patches)
    middle.plot(turns, formula, color=colour, linestyle=STYLES[number], label=f"k = {patches}")
    middle.errorbar(turns, values, 2 * errors[patches], fmt="o", color=colour, markersize=3)
middle.set(xlabel=r"angle $\theta$", ylabel="loss", title="formula, and 20,000 inputs")
legend_below(figure, middle, columns=3)

for number, (name, course) in enumerate(courses.items()):
    label = rf"$\eta$ = {etas[name]}"
    right.plot(course, color=COLOURS[number], linestyle=STYLES[number], label=label)
right.set(xlabel="update", ylabel=r"angle $\theta$", title="along the true gradient")
legend_below(figure, right, columns=3)
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library the same, to the four digits that were worked out.
for name, value in by_library.items():
    np.testing.assert_allclose(value, by_hand[name], atol=5e-5)

# Only the direction matters: the loss of 8 w is that of w, in the mean and for each sample.
scaled = gaussian.population_loss(8 * start, teacher, k)
assert scaled == gaussian.population_loss(start, teacher, k)
np.testing.assert_array_equal(sampling.output(8 * start, inputs), sampling.output(start, inputs))

# The formula agrees with random inputs to within 4 standard errors everywhere.
for patches, values in means.items():
    formula = gaussian.population_loss(turned, teacher, patches)
    assert np.all(np.abs(values - formula) <= 4 * errors[patches] + 1e-15)

# With sin(theta) in the place of theta it would not.
wrong = k / (2 * np.pi) * np.sin(turns)
assert not np.all(np.abs(means[k] - wrong) <= 4 * errors[k] + 1e-15)

# The true gradient keeps its length however near the teacher is, and descent turns by equal angles.
near = unit(teacher + 1e-9 * across)
np.testing.assert_allclose(
    np.linalg.norm(gaussian.true_gradient(near, teacher, k)), k / (2 * np.pi), rtol=1e-12
)
turn = np.arctan(etas["large"] * k / (2 * np.pi))
np.testing.assert_allclose(courses["large"][0] - courses["large"][1], turn, rtol=1e-12)
# Once there, two angles in a row add up to one turn: the filter changes sides for ever.
np.testing.assert_allclose(courses["large"][-2] + courses["large"][-1], turn, rtol=1e-9)

# %% [markdown]
# ## Exercises
#
# 1. Work out the third update by hand. Where does the filter come to lie, and what are the angles
#    from then on?
# 2. $\theta = \arccos(\hat w \cdot w^\ast)$ is the usual formula. Compare it with `gaussian.angle`
#    for `unit(teacher + 1e-9 * across)`. How many digits are right, and why?
# 3. The errors of two patches cancelled in the table. Give every patch its own output and its own
#    squared error: what is the population loss then, and which filters does it prefer?
# 4. Let the entries of the inputs be uniform on [-1, 1] instead of Gaussian. In two dimensions,
#    does the loss still depend on the angle only? In fifty?
# 5. In the loop, let $\eta$ fall like $1/(t + 1)$. Does the filter arrive now, and how fast?
# 6. Write the forward pass that counts step units: `tutorials/assignments/01_forward`.
