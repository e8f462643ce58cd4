# %% [markdown]
# # 14. A convolutional net made sparse
#
# ## What you will see
#
# RVSCGD, page 5, found a sparse filter of a net of a single one. It works on whole nets: beside the
# weights $w$ that learn there are sparse ones $u$, and each pulls at the other. With a penalty on
# whole filters, filters go while the net trains. The result is $u$; a few epochs on the weights
# that are left repair it.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`; the theory is
# `docs/theory.md`, D3.

# %%
import matplotlib.pyplot as plt
import numpy as np

from zeroone.datasets import load_digits
from zeroone.estimators import FTPropClassifier
from zeroone.nets.architectures import Builder
from zeroone.nets.layers import Flatten
from zeroone.nets.pooling import MaxPooling
from zeroone.penalties import GroupL20
from zeroone.plots.style import COLOURS, STYLE

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# A layer of three filters with two weights each, as rows:
#
# $$w = \begin{pmatrix} 3 & 4 \\ 0.6 & 0.8 \\ 0 & 2 \end{pmatrix}.$$
#
# **The sparse weights.** A group penalty counts the rows that are not zero. Its proximal map (A5.7)
# keeps a row if the square of its norm is above $2 \lambda/\beta$, as in (A6.2). The squares are
# $9 + 16 = 25$, $0.36 + 0.64 = 1$ and $4$. With $\lambda/\beta = 1$ the bound is 2: the second row
# goes.
#
# **A threshold relative to the layer.** Where a normalisation follows, a layer can be multiplied by
# any number, and a bound for all layers cuts those of small weights most. So let the bound be
# relative to the mean square of the rows, $(25 + 1 + 4) / 3 = 10$: with $\lambda/\beta = 0.32$ a
# row stays if its square is above $2 \cdot 0.32 \cdot 10 = 6.4$. Only the first row stays.
#
# **The step of w.** Along $g + \beta (w - u)$, (A6.3), with $g$ the coarse gradient of a batch. For
# the first row $w = u$: it follows its gradient alone. For the second, $u = 0$, and with $\beta =
# 0.5$ the pull is $0.5 \cdot (0.6, 0.8) = (0.3, 0.4)$: if nothing is gained by the filter, $w$ goes
# to zero as well.

# %%
w = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 2.0]])
squares = np.sum(w**2, axis=1)
kept_by_hand = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 2.0]])
relative_by_hand = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]])

# %% [markdown]
# ## The same by the library

# %%
group = GroupL20()
kept = group.prox(w, 1.0)
scale = np.sqrt(squares.mean())
relative = scale * group.prox(w / scale, 0.32)
print("squares of the norms:", squares)
print("kept, absolute:", kept.any(axis=1), " relative:", relative.any(axis=1))

# %% [markdown]
# ## The loop
#
# A small net on the digits. Only the convolutions are made sparse. $\beta$ grows from 0.001 to 1
# and $\lambda$ with it, so that the threshold stays and the coupling becomes stiff: at first $w$
# learns freely, at the end it is next to $u$.


# %%
def small(image_shape, n_classes, **options):
    """Return 3x3/16, pool; 3x3/32, pool; dense 64, classes; all normalised."""
    build = Builder(image_shape, **options)
    for n_filters in (16, 32):
        filters = build.convolution(n_filters, 3, padding=1, biases=False)
        build.add(filters, MaxPooling(2), build.normalised(n_filters), build.units())
    build.add(Flatten())
    build.add(build.dense(64, biases=False), build.normalised(64), build.units())
    build.add(build.output(n_classes))
    return build.network()


EPOCHS, REFIT, LEVEL, BETA = 12, 6, 0.32, (1e-3, 1.0)
data = load_digits()
classifier = FTPropClassifier(
    network=small,
    image_shape=(8, 8),
    activation="step",
    epochs=EPOCHS,
    penalty="group",
    lam=tuple(LEVEL * beta for beta in BETA),
    beta=BETA,
    threshold="relative",
    sparse_layers="convolution",
    refit_epochs=REFIT,
)


def accuracy(net):
    """Return the share of test digits that a net has right."""
    return np.mean(net.predict(data.X_test) == data.y_test)


def filters(net):
    """Return the filters of the first convolution, a row each."""
    first = next(layer for layer in net.layers if layer.kind == "convolution")
    return first.weights.reshape(len(first.weights), -1)


history, zero, gone = [], [], set()
for update in classifier.steps(data.X_train, data.y_train):
    if update.info.get("epoch_ends"):
        dense, sparse = classifier.dense_snapshot(), classifier.snapshot()
        history.append((accuracy(dense), accuracy(sparse)))
        now = {int(j) + 1 for j in np.flatnonzero(~filters(sparse).any(axis=1))}
        for words, which in (("goes", now - gone), ("comes back", gone - now)):
            if which:
                print(f"epoch {len(history):2d}: filter {sorted(which)} {words}")
        gone = now
        zero.append(len(now))
        if len(history) % 3 == 0:
            which = "refit" if len(history) > EPOCHS else "w and u"
            print(
                f"epoch {len(history):2d} ({which}): w {history[-1][0]:.1%}, "
                f"u {history[-1][1]:.1%}, filters of zeros in the first layer {zero[-1]}"
            )

# %% [markdown]
# The table of zeros, layer by layer, and what is left when zero filters are taken out of the net
# with all that listens to them. Such a filter is not silent: its pre-activations are a constant,
# the shift of its normalisation, so that its bit is 0 everywhere or 1 everywhere. If it is 1 the
# filter stays, because the next convolution puts a border of zeros around its map and hears the
# difference.

# %%
for row in classifier.zeros_:
    print(f"layer {row.layer} {row.kind}: {row.zero_filters} of {row.filters} filters are zero")
net = classifier.network_
maps = net.samples(data.X_test[:1])
for layer in net.layers:
    maps = layer.evaluate(maps)
    if layer.kind == "units":
        break  # the bits of the first filters
bits_of_zero_filters = maps[0, 0, 0, ~filters(net).any(axis=1)]
silent = int(np.sum(bits_of_zero_filters == 0))
smaller = net.compress()
print("bits of the filters that are zero:", bits_of_zero_filters.astype(int))
print(net.hidden_sizes, "becomes", smaller.hidden_sizes)

# %% [markdown]
# ## The picture
#
# The filters of the first layer as they were when the refit began: those of $w$, and below each
# what $u$ has of it. Then the accuracy of both nets.

# %%
figure, panels = plt.subplots(4, 8, figsize=(5.25, 3), layout="constrained")
before = filters(classifier.dense_network_)
after = filters(classifier.sparse_network_)
extent = np.abs(before).max()
for j in range(16):
    half, column = divmod(j, 8)
    pair = panels[2 * half : 2 * half + 2, column]
    pair[0].set_title(f"{j + 1}")
    for axes, rows in zip(pair, (before, after), strict=True):
        axes.imshow(rows[j].reshape(3, 3), cmap="cividis", vmin=-extent, vmax=extent)
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
for axes, name in zip(panels[:, 0], "wuwu", strict=True):
    axes.set_ylabel(name, rotation=0, labelpad=8)
plt.show()

# %%
epochs = np.arange(1, len(history) + 1)
figure, axes = plt.subplots(figsize=(5.25, 2.6), layout="constrained")
of_w, of_u = 100 * np.array(history).T
axes.plot(epochs[:EPOCHS], of_w[:EPOCHS], color=COLOURS[0], label="w")
axes.plot(epochs, of_u, color=COLOURS[1], linestyle="--", label="u")
axes.axvline(EPOCHS + 0.5, color="#888888", linewidth=1)
axes.text(EPOCHS + 0.7, axes.get_ylim()[0] + 2, "refit of u")
axes.set(xlabel="epoch", ylabel="test accuracy (%)", xticks=range(3, EPOCHS + REFIT + 1, 3))
axes.legend(loc="lower center")
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library.
assert np.array_equal(squares, [25, 1, 4])
np.testing.assert_allclose(kept, kept_by_hand)
np.testing.assert_allclose(relative, relative_by_hand)

# Filters went, and the refit left them at zero.
assert zero[EPOCHS - 1] >= 1
assert zero[-1] >= zero[EPOCHS - 1]
assert np.array_equal(after.any(axis=1), filters(net).any(axis=1))

# The refit repairs what the cut has cost.
assert accuracy(net) > accuracy(classifier.sparse_network_)
assert accuracy(net) > accuracy(classifier.dense_network_) - 0.04

# Without the zero filters that are silent the net is smaller, and the same.
assert smaller.hidden_sizes[0] == 16 - silent
assert np.array_equal(smaller.predict(data.X_test), net.predict(data.X_test))

# %% [markdown]
# ## Exercises
#
# 1. By hand: for which relative levels does the third row of $w$ stay?
# 2. Take `penalty="l0"` on all layers. How many zeros can be had at the same accuracy? Which layer
#    has the most?
# 3. Leave the refit out. What does $\beta$ do then: try a constant 0.01, and (0.001, 10).
# 4. Multiply the filters of a layer that is followed by a normalisation by 10. What changes in the
#    function, and what for an absolute threshold?
# 5. RVSCGD with one filter, where it can be proved: `tutorials/assignments/05_rvscgd`.
