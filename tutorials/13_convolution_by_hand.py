# %% [markdown]
# # 13. A convolution by hand, and a target at every position
#
# ## What you will see
#
# A convolution is a dense layer on patches: a filter is one unit that looks at every position of
# the image. So a hidden unit exists at every position, and target propagation gives each of them a
# target of its own; the filter's update is their sum. Max-pooling may come before or after the
# step, and gives the same bits, but it sends the targets to different places.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`; the theory is part D,
# `docs/theory.md`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone.activations import step
from zeroone.datasets import load_digits
from zeroone.estimators import FTPropClassifier
from zeroone.losses import LOSSES, SURROGATES, layer_gradient
from zeroone.nets.architectures import Builder
from zeroone.nets.convolution import Convolution, Window, patches, patches_adjoint
from zeroone.nets.layers import Flatten
from zeroone.nets.pooling import MaxPooling
from zeroone.plots.style import COLOUR_MAP, STYLE

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# An image of 3 x 3 pixels, one filter of 2 x 2 with the bias $-1$, stride 1:
#
# $$V = \begin{pmatrix} 1 & 2 & 0 \\ 0 & 1 & 3 \\ 2 & 0 & 1 \end{pmatrix}, \qquad
# w = \begin{pmatrix} 1 & -1 \\ 0 & 1 \end{pmatrix}.$$
#
# **Patches.** There are $2 \cdot 2 = 4$ positions. What the filter sees there, a row each:
#
# $$P V = \begin{pmatrix} 1 & 2 & 0 & 1 \\ 2 & 0 & 1 & 3 \\ 0 & 1 & 2 & 0 \\ 1 & 3 & 0 & 1
# \end{pmatrix}.$$
#
# The pixel in the middle is in all four rows: it is 1, and it stands last, third, second and first
# in them.
#
# **Forward.** At the first position $1 - 2 + 0 + 1 - 1 = -1$, at the others $2 - 0 + 0 + 3 - 1 =
# 4$, $0 - 1 + 0 + 0 - 1 = -2$ and $1 - 3 + 0 + 1 - 1 = -2$. The step units (U.1) give $(0, 1, 0,
# 0)$.
#
# **A target at every position**, (C.4). Let the derivative of the loss above by the four bits be $e
# = (-1, 2, 0, -0.5)$. The targets are $t = (1, -1, 0, 1)$: the same filter should fire at the first
# and the last position, and be silent at the second. With the linear loss, what the pre-activations
# receive is $e$ itself, (C.10), and the derivative by the filter is a sum over positions,
#
# $$-1 \cdot (1, 2, 0, 1) + 2 \cdot (2, 0, 1, 3) - 0.5 \cdot (1, 3, 0, 1) = (2.5, -3.5, 2, 4.5),$$
#
# by the bias $-1 + 2 - 0.5 = 0.5$. With the saturated hinge (C.7) only pre-activations from $-1$ to
# 1 receive anything: the first alone, and the derivative by the filter is $-(1, 2, 0, 1)$.
#
# **Back to the image.** A pixel collects from every patch that contains it. Rows of ones bring back
# how often each pixel is seen: 1 in the corners, 2 at the edges, 4 in the middle.
#
# **Pooling.** The largest of the four pre-activations is 4, and $\mathrm{step}(4) = 1$; the largest
# of the four bits is $\max(0, 1, 0, 0) = 1$ as well. Had two positions fired, the bits would tie:
# then the first of them, row by row, gets what comes back.

# %%
V = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]).reshape(1, 3, 3, 1)
w = np.array([[1.0, -1.0], [0.0, 1.0]]).reshape(1, 2, 2, 1)
b = np.array([-1.0])
e = np.array([-1.0, 2.0, 0.0, -0.5])

rows_by_hand = np.array([[1, 2, 0, 1], [2, 0, 1, 3], [0, 1, 2, 0], [1, 3, 0, 1]])
z_by_hand = np.array([-1, 4, -2, -2])
linear_by_hand = np.array([2.5, -3.5, 2.0, 4.5])
saturated_by_hand = np.array([-1.0, -2.0, 0.0, -1.0])

# %% [markdown]
# ## The same by the library
#
# A `Window` knows where it can stand; `patches` and `patches_adjoint` are $P$ and $P^T$. The
# layer's `backward` is that of a dense layer on the rows.

# %%
window = Window((2, 2))
rows = patches(V, window)
seen = patches_adjoint(np.ones((4, 4)), window, (3, 3, 1)).reshape(3, 3)
layer = Convolution(w, b)
z = layer.forward(V).reshape(4)

received = {}
for loss in ("linear", "saturated_hinge"):
    G = layer_gradient(LOSSES[loss], z, -np.sign(e), np.abs(e), SURROGATES["identity"])
    layer.forward(V)
    layer.backward(G.reshape(1, 2, 2, 1))
    received[loss] = [gradient.ravel().copy() for gradient in layer.gradients]

pool = MaxPooling(2)
step_of_max = step(pool.forward(z.reshape(1, 2, 2, 1)))
max_of_step = pool.forward(step(z).reshape(1, 2, 2, 1))
print("patches\n", rows.astype(int))
print("z:", z, " how often a pixel is seen:", seen.ravel().astype(int))
print("step of the largest, largest of the steps:", step_of_max.item(), max_of_step.item())

# %% [markdown]
# ## The loop
#
# A small net on the digits: two convolutions, each pooled before the step, and two dense layers.
# Every kind of layer has the same two methods, so that the loop of target propagation is the one of
# page 10.


# %%
def small(image_shape, n_classes, **options):
    """Return 3x3/8, pool; 3x3/32, pool; dense 64, classes; all normalised."""
    build = Builder(image_shape, **options)
    for n_filters in (8, 32):
        build.add(build.convolution(n_filters, 3, padding=1), build.normalised(n_filters))
        build.add(MaxPooling(2), build.units())
    build.add(Flatten())
    build.add(build.dense(64), build.normalised(64), build.units())
    build.add(build.output(n_classes))
    return build.network()


data = load_digits()
classifier = FTPropClassifier(network=small, image_shape=(8, 8), activation="step", epochs=12)
accuracies = []
for update in classifier.steps(data.X_train, data.y_train):
    if update.info.get("epoch_ends"):
        net = classifier.snapshot()
        accuracies.append(np.mean(net.predict(data.X_test) == data.y_test))
        if len(accuracies) % 4 == 0:
            print(f"epoch {len(accuracies)}: test accuracy {accuracies[-1]:.1%}")
print(net.summary())

# %% [markdown]
# How often do windows tie? Where real numbers are pooled, only where the image is blank. Where bits
# are pooled, in most windows: all of them are 0, or several are 1.

# %%
maps = net.samples(data.X_test[:100])
for layer in net.layers:
    maps = layer.evaluate(maps)
    if layer.kind == "normalisation":
        break  # the pre-activations of the first filters, before the pooling
windows = maps.reshape(100, 4, 2, 4, 2, -1).transpose(0, 1, 3, 5, 2, 4).reshape(-1, 4)


def tied(values):
    """Return the share of windows in which the largest value stands more than once."""
    return np.mean(np.sum(values == values.max(axis=1, keepdims=True), axis=1) > 1)


print(f"ties among pre-activations {tied(windows):.1%}, among bits {tied(step(windows)):.1%}")

# %% [markdown]
# ## The picture
#
# A digit, the pre-activations of four filters at all positions, and below them the bits.

# %%
figure, panels = plt.subplots(2, 5, figsize=(5.25, 2.3), layout="constrained")
panels[0, 0].imshow(data.X_test[0].reshape(8, 8), cmap=COLOUR_MAP)
panels[0, 0].set_title("image")
panels[1, 0].axis("off")
for j in range(4):
    panels[0, j + 1].imshow(maps[0, :, :, j], cmap=COLOUR_MAP)
    panels[0, j + 1].set_title(f"filter {j + 1}")
    panels[1, j + 1].imshow(step(maps[0, :, :, j]), cmap=COLOUR_MAP, vmin=0, vmax=1)
for axes in panels.flat:
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
panels[0, 1].set_ylabel("z")
panels[1, 1].set_ylabel("step(z)")
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library.
assert np.array_equal(rows, rows_by_hand)
assert np.array_equal(z, z_by_hand)
assert np.array_equal(seen, [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
np.testing.assert_allclose(received["linear"][0], linear_by_hand)
np.testing.assert_allclose(received["linear"][1], 0.5)
np.testing.assert_allclose(received["saturated_hinge"][0], saturated_by_hand)

# P and its adjoint: <P V, R> = <V, P^T R>.
R = np.random.default_rng(0).standard_normal((4, 4))
back = patches_adjoint(R, window, (3, 3, 1))
np.testing.assert_allclose(np.vdot(rows, R), np.vdot(V, back))

# Max-pooling and the step commute, on the digits too; but bits tie far more often.
assert step_of_max == max_of_step == 1
assert np.array_equal(step(windows.max(axis=1)), step(windows).max(axis=1))
assert tied(step(windows)) > tied(windows) + 0.3

# The net learns.
assert accuracies[-1] > 0.9

# %% [markdown]
# ## Exercises
#
# 1. By hand: the derivative by the image, for the linear loss. Which pixel receives the most?
# 2. Give the filter the stride 2. Which pixels are under no patch, and what comes back to them?
# 3. Pool the bits instead of the pre-activations in `small`. How does the accuracy change, and
#    where do the targets go?
# 4. Count how often two neighbouring positions have opposite targets for the same filter. Can a
#    filter meet both? (Page 9 says what decides.)
# 5. Write it all yourself, and a block without a gradient: `tutorials/assignments/08_convolution`.
