# %% [markdown]
# # 15. A convolutional net without a gradient
#
# ## What you will see
#
# Block coordinate descent, page 6, with filters: their bits, the filters and the output layer are
# blocks, and each has a solution in closed form. New is the block of bits. A filter's bits in one
# region of an image are decided together, however many positions there are, by sorting them once.
# Then an honest question: how much does learning add to filters that are nothing but random
# patches?
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`; the theory is
# `docs/theory.md`, D5.

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np

from zeroone.bcd.pooled import pooled_bits
from zeroone.datasets import load_digits
from zeroone.estimators import BCDClassifier, FullBatchBCDClassifier
from zeroone.plots.style import COLOURS, STYLE

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# One filter, a region of three positions, one output. The output lacks $r_0 = 2$, and each bit adds
# $v = 1$. Firing at the three positions costs $c = (1, 0, 2)$ more than silence: by (B2.3) that is
# $\frac{\tau}{2} (d_1^2 - d_0^2)$ with the distances of the pre-activation from the two sides.
#
# **Which bits?** If $m$ of them are on, they are the $m$ cheapest: the output does not care which
# they are. In ascending order the prices are $0, 1, 2$.
#
# **How many?** $\mathrm{cost}(m) = \frac12 (2 - m)^2 + c_{(1)} + \dots + c_{(m)}$:
#
# $$\mathrm{cost}(0) = 2, \quad \mathrm{cost}(1) = 0.5 + 0 = 0.5, \quad
# \mathrm{cost}(2) = 0 + 0 + 1 = 1, \quad \mathrm{cost}(3) = 0.5 + 3 = 3.5.$$
#
# The steps are $-1.5$, $0.5$ and $2.5$: they grow, so that one need only count those below zero.
# There is one: the second position fires, and the others are silent.
#
# With a single position the count is 0 or 1, and the rule is (B2.3).

# %%
prices = np.array([1.0, 0.0, 2.0])
bits_by_hand = np.array([False, True, False])


def cost(bits):
    """Return what a state of the region costs."""
    return (2 - np.sum(bits)) ** 2 / 2 + prices @ np.array(bits)


# %% [markdown]
# ## The same by the library
#
# `pooled_bits` does it for many images at once; and here are all $2^3$ states.

# %%
bits = pooled_bits(prices[None], np.array([2.0]), 1.0)[0]
states = sorted(product((0, 1), repeat=3), key=cost)
print("by the library:", bits.astype(int), " the best of all states:", states[0])

# %% [markdown]
# ## The loop
#
# All digits at once, 30 filters of 3 x 3, quadrants as regions. The objective falls at every block.

# %%
data = load_digits()
reference = FullBatchBCDClassifier(
    image_shape=(8, 8), kernel=3, filters=30, regions=2, epochs=5, tau=0.01, gamma=0.1
)
objective, blocks = [], []
for update in reference.steps(data.X_train, data.y_train):
    if not objective:
        objective.append(update.objective_before)
        blocks.append("start")
    objective.append(update.objective_after)
    blocks.append(str(update.block))
    if update.sweep == 1:
        print(f"{update.block}: {update.objective_before:.1f} -> {update.objective_after:.1f}")
print("test accuracy", f"{reference.score(data.X_test, data.y_test):.1%}")

# %% [markdown]
# The practical form goes through the data in batches and fits the output layer on all of them.
# Without epochs, only that is done: the filters are random patches of training images.

# %%
seeds = range(3)
learned = {}
for epochs in (0, 1, 3):
    nets = [
        BCDClassifier(image_shape=(8, 8), kernel=3, filters=60, epochs=epochs, random_state=seed)
        for seed in seeds
    ]
    scores = [net.fit(data.X_train, data.y_train).score(data.X_test, data.y_test) for net in nets]
    learned[epochs] = float(np.median(scores))
    print(f"{epochs} epochs: {learned[epochs]:.1%}, the median of {len(scores)} seeds")

# %% [markdown]
# **On CIFAR-10** (`python tests/benchmarks/bcd_convolution.py`), one run each: 100 random patches
# of 6 x 6 as filters, with quadrants, have 63.1 % of the test images right, and 64.59 % after three
# epochs of learning; 400 random patches 71.1 %, and 1600 of them 75.9 %. The dense form ends at
# 49.5 %.

# %% [markdown]
# ## The picture
#
# The objective of the full-batch form, block by block, and the filters of the practical one:
# patches from which brightness and contrast have been taken.

# %%
figure, axes = plt.subplots(figsize=(5.25, 2.4), layout="constrained")
axes.plot(objective, color="#888888", linewidth=1)
for name, marker, colour in zip(("W2", "U1", "W1"), "osD", COLOURS, strict=False):
    places = [i for i, block in enumerate(blocks) if block == name]
    axes.plot(places, [objective[i] for i in places], marker, color=colour, label=name)
axes.set(xlabel="block updates", ylabel="objective", yscale="log")
axes.legend()
plt.show()

# %%
layers = {layer.kind: layer for layer in nets[0].network_.layers}
filters = layers["convolution"].weights[:, 0, 0] @ layers["patch normalisation"].transform
figure, panels = plt.subplots(4, 15, figsize=(6, 1.9), layout="constrained")
for axes, row in zip(panels.flat, filters, strict=True):
    axes.imshow(row.reshape(3, 3), cmap="cividis")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand, by the library, and by looking at all states.
assert np.array_equal(bits, bits_by_hand)
assert states[0] == tuple(bits.astype(int))
assert [cost(states[0]), cost((0, 0, 0)), cost((1, 1, 0)), cost((1, 1, 1))] == [0.5, 2, 1, 3.5]

# The objective never rises.
assert all(np.diff(objective) <= 1e-6 * np.array(objective[:-1]))

# Random patches alone are good filters; learning them does no harm.
assert learned[0] > 0.95
assert learned[3] > learned[0] - 0.02

# %% [markdown]
# ## Exercises
#
# 1. By hand: let $r_0 = 3$ and $c = (1, 0, 2)$. How many bits are on? For which $r_0$ do all three
#    fire?
# 2. Do two states have the least cost for $r_0 = 1.5$ and $c = (1, 0, 2)$? Find an $r_0$ for which
#    two do, and say what `pooled_bits` does then.
# 3. Make `tau` ten times smaller in the full-batch form. In the first sweep more bits flip: does
#    the hard network get better?
# 4. Take `regions=1`, 3 and 6. What do the regions trade against each other?
# 5. Write the block yourself: `tutorials/assignments/08_convolution`.
