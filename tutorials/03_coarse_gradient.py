# %% [markdown]
# # 3. The coarse gradient and the true gradient
#
# ## What you will see
#
# On samples the true gradient is 0 and of no use. The *coarse gradient* has a pseudo-derivative in
# the place of the derivative. It is not the gradient of the loss. Yet in the mean it makes an acute
# angle with the true gradient of the population loss, exactly half the angle between filter and
# teacher. So descent along it lowers the loss. It is also the better direction near the teacher:
# there it vanishes, while the true gradient keeps its length.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`, part A.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone import gaussian
from zeroone.gaussian import population, sampling
from zeroone.gaussian.filters import unit
from zeroone.plots.style import COLOURS, STYLE, STYLES, legend_below
from zeroone.support.tables import table

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# As before: k = 3 patches, $w = (1, 0)$, $w^\ast = (0.6, 0.8)$, $\theta = 0.9273$ with
# $\sin\theta = 0.8$, and $k/2\pi = 0.4775$.
#
# **One sample, (A1.3)** with $\mu' = \mathrm{step}$. For the patches (1, -2), (2, -3), (-1, -1) the
# network says 2 and the teacher 0. The first two patches are on, and their sum is (3, -5):
#
# $$g = \sqrt{2/\pi} \cdot (2 - 0) \cdot (3, -5) = 0.79788 \cdot (6, -10) = (4.7873, -7.9788).$$
#
# **The mean, (A1.4)**, needs no samples any more:
#
# $$\mathbb{E}\,g = 0.4775\, \big( (1, 0) - (0.6, 0.8) \big) = 0.4775\, (0.4, -0.8) =
# (0.1910, -0.3820).$$
#
# **The true gradient, (A1.2)**, is (0, -0.4775), as in the previous tutorial.
#
# **Their angle, (A2.1).** The inner product is $0.3820 \cdot 0.4775 = 0.1824$. By the formula it is
# $0.4775^2 \cdot 0.8 = 0.2280 \cdot 0.8 = 0.1824$. The lengths are $0.4775 \sqrt{0.8} = 0.4271$ and
# 0.4775, so that the cosine of the angle is $0.1824 / (0.4271 \cdot 0.4775) = 0.8944$, and the
# angle 0.4636. That is half of 0.9273.
#
# **One update** with $\eta = 0.5 / 0.4775 = \pi/3$:
#
# $$w \leftarrow (1, 0) - 0.5\, (0.4, -0.8) = (0.8, 0.4).$$
#
# Its angle to the first axis is $\arctan(0.4 / 0.8) = 0.4636$, and the teacher's is 0.9273: what is
# left is 0.9273 - 0.4636 = 0.4636. **The angle was halved.** No accident: with this step size
# $w - \eta\, \mathbb{E}\,g = \tfrac12 (w + w^\ast)$, and the sum of two unit vectors bisects their
# angle. Divided by its length, the filter is halved in angle again by the next update, and so on.

# %%
w, w_star, k = np.array([1.0, 0.0]), np.array([0.6, 0.8]), 3
sample = np.array([[[1.0, -2.0], [2.0, -3.0], [-1.0, -1.0]]])
by_hand = {
    "coarse gradient, one sample": [4.7873, -7.9788],
    "coarse gradient, mean": [0.1910, -0.3820],
    "true gradient": [0, -0.4775],
    "inner product": 0.1824,
    "angle of the two": 0.4636,
    "after one update": [0.8, 0.4],
    "angle left": 0.4636,
}

# %% [markdown]
# ## The same by the library

# %%
coarse = gaussian.coarse_gradient(w, w_star, k)
true = gaussian.true_gradient(w, w_star, k)
updated = w - np.pi / 3 * coarse
by_library = {
    "coarse gradient, one sample": sampling.sampled_coarse_gradient(w, w_star, sample),
    "coarse gradient, mean": coarse,
    "true gradient": true,
    "inner product": coarse @ true,
    "angle of the two": gaussian.angle(coarse, unit(true)),
    "after one update": updated,
    "angle left": gaussian.angle(updated, w_star),
}
rows = [
    (name, str(by_hand[name]), np.array2string(np.add(value, 0.0), precision=4))
    for name, value in by_library.items()
]
print(table(["", "by hand", "by the library"], rows))

# %% [markdown]
# **The mean against samples.** The cell averages the coarse gradients of 50,000 inputs. How many
# standard errors is each entry away from (A1.4)?

# %%
rng = np.random.default_rng(1)
Z = sampling.sample_inputs(rng, 50_000, k, 2)
mean = sampling.sampled_coarse_gradient(w, w_star, Z)
each = np.stack(
    [sampling.sampled_coarse_gradient(w, w_star, Z[n : n + 100]) for n in range(0, 50_000, 100)]
)
standard_error = each.std(axis=0) / np.sqrt(len(each))
print("mean over samples ", mean.round(4))
print("expectation       ", coarse.round(4))
print("standard errors   ", ((mean - coarse) / standard_error).round(1))

# %% [markdown]
# **The angle, everywhere.** The cell draws 10,000 random pairs of filter and teacher in ten
# dimensions, at all angles, with filters of all lengths. The pseudo-derivative 1 of the identity
# gives exactly twice the coarse gradient that ReLU's gives, hence the same angle. With that of the
# clipped ReLU, $1[0 < z \le 1]$, the coarse gradient depends on the length of the filter, and the
# angle is smaller.

# %%
d, n_pairs = 10, 10_000
teachers = unit(rng.standard_normal((n_pairs, d)))
across = rng.standard_normal((n_pairs, d))
across = unit(across - np.sum(across * teachers, axis=1, keepdims=True) * teachers)
theta = rng.uniform(0, np.pi, n_pairs)
lengths = np.exp(rng.normal(size=n_pairs))
filters = ((lengths * np.cos(theta)) * teachers.T + (lengths * np.sin(theta)) * across.T).T
truth = gaussian.true_gradient(filters, teachers, k)
between = {
    name: gaussian.angle(
        population.expected_coarse_gradient(filters, teachers, k, name), unit(truth)
    )
    for name in ("relu", "identity", "clipped_relu")
}
for name, angles in between.items():
    ratio = angles / (theta / 2)
    print(f"{name:13s} angle over theta/2: from {ratio.min():.4f} to {ratio.max():.4f}")

# %% [markdown]
# ## The loop
#
# Normalised descent from a start near the opposite of the teacher, along four directions with the
# same step size: the true gradient, the expected coarse gradient, and the coarse gradient sampled
# from 200 and from 2,000 new inputs a step.

# %%
n_iter, eta = 60, 1.0
teacher = teachers[0]
start = unit(-teacher + 0.1 * rng.standard_normal(d))


def sampled(n_samples):
    """Return the function that computes a coarse gradient from new inputs."""
    generator = np.random.default_rng(2)
    return lambda w: sampling.sampled_coarse_gradient(
        w, teacher, sampling.sample_inputs(generator, n_samples, k, d)
    )


directions = {
    "true": lambda w: gaussian.true_gradient(w, teacher, k),
    "coarse": lambda w: gaussian.coarse_gradient(w, teacher, k),
    "200 inputs": sampled(200),
    "2,000 inputs": sampled(2000),
}
courses = {}
for name, direction in directions.items():
    w_now, course = start, []
    for _ in range(n_iter):
        course.append(float(gaussian.angle(w_now, teacher)))
        w_now = unit(w_now - eta * direction(w_now))
    courses[name] = np.array(course)
    print(f"{name:13s} angle from {course[0]:.3f} to {course[-1]:.2g}")

# %% [markdown]
# The true gradient turns the filter by the same angle in every step and jumps to and fro over the
# teacher in the end. The expected coarse gradient vanishes at the teacher, and the angle falls by
# the same factor in every step near it. Samples add noise. Near the teacher few outputs are wrong,
# and the noise gets smaller, but only like $\sqrt\theta$, while the mean falls like $\theta$. The
# angle stays where the two are equal, and ten times as many inputs make it ten times smaller.
#
# ## The picture
#
# Left: filters on the circle, with the steps that descent would take: along the true gradient
# (orange, always of the same length, along the circle) and along the coarse gradient (blue, on the
# way to the teacher). Middle: their angle. Right: the loop.

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")

round_trip = np.linspace(0, 2 * np.pi, 200)
left.plot(np.cos(round_trip), np.sin(round_trip), color="#bbbbbb", linewidth=1)
places = np.arctan2(0.8, 0.6) + np.linspace(0.25, 2 * np.pi - 0.25, 11)
around = np.stack([np.cos(places), np.sin(places)], axis=-1)
arrows = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.009, "zorder": 3}
for gradient, colour, label in (
    (gaussian.true_gradient(around, w_star, k), COLOURS[1], "true"),
    (gaussian.coarse_gradient(around, w_star, k), COLOURS[0], "coarse"),
):
    left.quiver(*around.T, *(-gradient.T), color=colour, **arrows)
    left.plot([], [], color=colour, label=label)  # quiver has no entry in a legend
left.plot(*w_star, marker="*", markersize=11, color="black", linestyle="none", label="$w^*$")
left.set(aspect="equal", xlim=(-1.35, 1.35), ylim=(-1.35, 1.35))
left.set(xlabel="$w_1$", ylabel="$w_2$", title="steps downhill")
legend_below(figure, left, columns=3)

order = np.argsort(theta)
middle.plot(theta[order], theta[order] / 2, color=COLOURS[0], label=r"relu, identity: $\theta/2$")
some = slice(0, 800)
middle.plot(
    theta[some],
    between["clipped_relu"][some],
    ".",
    markersize=2,
    color=COLOURS[2],
    label="clipped relu",
)
middle.axhline(np.pi / 2, color="black", linestyle=":", linewidth=1, label="a right angle")
middle.set(xlabel=r"angle $\theta$ to the teacher", ylabel="angle of the two gradients")
middle.set(title="always acute")
legend_below(figure, middle, columns=1)

for number, (name, course) in enumerate(courses.items()):
    right.plot(course, color=COLOURS[number], linestyle=STYLES[number], label=name)
right.set(yscale="log", xlabel="update", ylabel=r"angle $\theta$", title="descent")
legend_below(figure, right, columns=2)
plt.show()

# %% [markdown]
# ## What was shown

# %%
for name, value in by_library.items():
    np.testing.assert_allclose(value, by_hand[name], atol=5e-5)

# The mean of 50,000 samples is the expectation, to within 4 standard errors; and would not be that
# of another factor than sqrt(2/pi).
assert np.all(np.abs(mean - coarse) <= 4 * standard_error)
assert not np.all(np.abs(mean / population.SLOPE - coarse) <= 4 * standard_error)

# The angle of the two gradients is theta/2, and not more for the clipped ReLU: always acute.
np.testing.assert_allclose(between["relu"], theta / 2, atol=1e-12)
np.testing.assert_allclose(between["identity"], theta / 2, atol=1e-12)
assert np.all(between["clipped_relu"] <= theta / 2 + 1e-12)
assert np.all(between["relu"] < np.pi / 2)

# One update with eta = pi/k halves the angle, again and again.
angle, w_now = gaussian.angle(w, w_star), w
for _ in range(10):
    w_now = unit(w_now - np.pi / k * gaussian.coarse_gradient(w_now, w_star, k))
    angle = angle / 2
    np.testing.assert_allclose(gaussian.angle(w_now, w_star), angle, rtol=1e-9)

# Along the true gradient the filter never gets nearer than this, along the coarse one it does.
turn = np.arctan(eta * k / (2 * np.pi))
np.testing.assert_allclose(courses["true"][-2] + courses["true"][-1], turn, rtol=1e-9)
assert courses["coarse"][-1] < 1e-9
assert np.all(np.diff(courses["coarse"]) < 0)

# With samples it stays at an angle that is the smaller the more of them there are.
few, many = (np.median(courses[name][30:]) for name in ("200 inputs", "2,000 inputs"))
assert 3 < few / many < 30

# %% [markdown]
# ## Exercises
#
# 1. For the second input of the previous tutorial, (1, -2), (-1, 2), (2, 1), work out $g$ by hand.
#    The filter answers two patches wrongly. What does it learn from this sample?
# 2. Show by hand that $w - \eta\, \mathbb{E}\,g(w)$ points to $w + w^\ast$ for $\eta = \pi/k$ and a
#    unit filter. For which $\eta$ does one update reach the teacher?
# 3. At $w = -w^\ast$ the coarse gradient is $(k/\pi)\, \hat w$. What does a normalised update do
#    there? Start the loop at `-teacher` and at `unit(-teacher + 1e-6 * something)`.
# 4. Check (A4.2) on random pairs of unit filters with $\theta_2 \le \theta_1$, then without the
#    factor $\sqrt{2/\pi}$. Which of the two holds?
# 5. (A3.1): how large is the quotient of $\lVert \nabla f(w_1) - \nabla f(w_2) \rVert$ and
#    $\lVert w_1 - w_2 \rVert$ for two filters on opposite sides of the teacher, at the angle 0.01?
# 6. Write the coarse gradient yourself: `tutorials/assignments/04_coarse_gradient`.
