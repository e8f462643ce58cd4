# %% [markdown]
# # 7. Digits, and which neurons are not missed
#
# ## What you will see
#
# A net of 100 step units learns the handwritten digits that come with the package, in the practical
# form: block coordinate descent on mini-batches. Then the page takes neurons out of the net, one
# after the other, each time the one that the net misses least. One division tells exactly, and
# beforehand, by how much the next layer's loss rises without a neuron; it needs no new fit. The
# size of a neuron's own weights is a bad guide: to choose by it is worse than to choose at random.
#
# Symbols and numbered equations are those of `tutorials/00_notation.py`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from zeroone.bcd.regression import Regression, refit_output, remove, signed_targets
from zeroone.datasets import load_digits
from zeroone.estimators import BCDClassifier
from zeroone.plots.style import COLOURS, STYLE, draw_lines, legend_below

plt.rcParams.update(STYLE)

# %% [markdown]
# ## By hand
#
# The layer above the hidden one is a ridge regression on the hidden bits. Take two neurons, four
# samples with all four patterns of bits, a constant, and what the layer should say:
#
# $$V = \begin{pmatrix} 0 & 0 & 1 \\ 1 & 0 & 1 \\ 0 & 1 & 1 \\ 1 & 1 & 1 \end{pmatrix}, \qquad
# t = \begin{pmatrix} 0 \\ 3 \\ 1 \\ 4 \end{pmatrix}, \qquad \gamma = 1.$$
#
# **The fit.** The Gram matrix with the ridge, its inverse $K$, and the correlation with the target:
#
# $$V^T V + I = \begin{pmatrix} 3 & 1 & 2 \\ 1 & 3 & 2 \\ 2 & 2 & 5 \end{pmatrix}, \qquad
# K = \frac1{24} \begin{pmatrix} 11 & -1 & -4 \\ -1 & 11 & -4 \\ -4 & -4 & 8 \end{pmatrix}, \qquad
# V^T t = \begin{pmatrix} 7 \\ 5 \\ 8 \end{pmatrix}.$$
#
# The weights are
#
# $$w = K V^T t = \tfrac1{24} (77 - 5 - 32,\ -7 + 55 - 32,\ -28 - 20 + 64) =
# (\tfrac53, \tfrac23, \tfrac23),$$
#
# and the loss is
# $\tfrac12 (t \cdot t - w \cdot V^T t) = \tfrac12 (26 - \tfrac{61}{3}) = \tfrac{17}{6}$.
#
# **Without neuron 2**, by (B2.8): the loss rises by
# $w_2^2 / 2 K_{22} = \tfrac49 / \tfrac{22}{24} = \tfrac{16}{33} = 0.485$.
#
# **The long way.** Take its row and column out and fit again:
# $\begin{pmatrix} 3 & 2 \\ 2 & 5 \end{pmatrix} w = \begin{pmatrix} 7 \\ 8 \end{pmatrix}$ gives
# $w = \tfrac1{11} (35 - 16,\ 24 - 14) = \tfrac1{11} (19, 10)$. The loss is now
# $\tfrac12 (26 - \tfrac{133 + 80}{11}) = \tfrac{73}{22}$, and
# $\tfrac{73}{22} - \tfrac{17}{6} = \tfrac{219 - 187}{66} = \tfrac{16}{33}$. The same.
#
# Neuron 1 would cost $\tfrac{25}{9} / \tfrac{22}{24} = \tfrac{100}{33} = 3.03$: neuron 2 goes. If
# it were only cut off, with the other weights left as they are, the loss would rise by
# $\tfrac12 w_2^2 \cdot 3 = \tfrac23$. The others take over a part of its work. The size of its
# weights does not show that part.

# %%
# The library adds the constant itself.
V_small = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
t_small = np.array([[0.0], [3.0], [1.0], [4.0]])

K_by_hand = np.array([[11, -1, -4], [-1, 11, -4], [-4, -4, 8]]) / 24
weights_by_hand, bias_by_hand = np.array([[5 / 3, 2 / 3]]), np.array([2 / 3])
rises_by_hand = np.array([100 / 33, 16 / 33])
weight_without_2, bias_without_2 = np.array([[19 / 11]]), np.array([10 / 11])

# %% [markdown]
# ## The same numbers by the library

# %%
regression = Regression.fit(V_small, t_small, gamma=1.0)
fewer = regression.without(1)


def loss(V, t, fit, gamma):
    """Return what ridge regression minimises, at a fit."""
    misses = t - V @ fit.W.T - fit.b
    return float(np.sum(misses**2) + gamma * (np.sum(fit.W**2) + np.sum(fit.b**2))) / 2


loss_of_all = loss(V_small, t_small, regression, 1.0)
loss_of_fewer = loss(V_small[:, [0]], t_small, fewer, 1.0)
print("weights and bias ", regression.W.round(4), regression.b.round(4))
print("rises            ", regression.rises().round(4))
print("without neuron 2 ", fewer.W.round(4), fewer.b.round(4))
print(f"loss              {loss_of_all:.4f}, then {loss_of_fewer:.4f}")

# %% [markdown]
# ## The loop
#
# First the training. `steps` yields after every block of every batch; the last step of an epoch
# says so, and `snapshot` is the hard net of that moment.

# %%
data = load_digits()
classifier = BCDClassifier(hidden=100, epochs=12, random_state=0)


def accuracy(net, part="test"):
    """Return the share of digits that a net gets right."""
    X, y = (data.X_test, data.y_test) if part == "test" else (data.X_train, data.y_train)
    return float(np.mean(net.predict(X) == y))


curve = {"epoch": [], "training digits": [], "test digits": []}
for step in classifier.steps(data.X_train, data.y_train):
    if step.info.get("epoch_ends"):
        net = classifier.snapshot()
        curve["epoch"].append(step.sweep)
        curve["training digits"].append(100 * accuracy(net, "train"))
        curve["test digits"].append(100 * accuracy(net))
net = classifier.network_
print(f"{net.layer_sizes}: {100 * accuracy(net, 'train'):.1f} % of the training digits right,")
print(f"{100 * accuracy(net):.1f} % of the test digits")

# %% [markdown]
# Then the removal. Here the targets are the labels -1 and +1. Before each neuron goes, its rise is
# noted; the sum of these rises is compared with the loss of a fit from the beginning.

# %%
V = net.forward(data.X_train).activations[1]
T = signed_targets(data.y_train, 10, np.dtype(float))
GAMMA = 0.01 * len(V)

regression = Regression.fit(V, T, GAMMA)
left = np.arange(100)
order, predicted = [], [loss(V, T, regression, GAMMA)]
while len(left) > 1:
    rises = regression.rises()
    cheapest = int(np.argmin(rises))
    predicted.append(predicted[-1] + rises[cheapest])
    order.append(int(left[cheapest]))
    regression = regression.without(cheapest)
    left = np.delete(left, cheapest)
order.append(int(left[0]))

print("neurons left   loss, by adding up rises   loss, fitted again")
fitted = {}
for kept in (90, 50, 20, 10, 1):
    columns = sorted(order[100 - kept :])
    again = Regression.fit(V[:, columns], T, GAMMA)
    fitted[kept] = loss(V[:, columns], T, again, GAMMA)
    print(f"{kept:12d} {predicted[100 - kept]:26.4f} {fitted[kept]:20.4f}")

# %% [markdown]
# What does that do to the net? `remove` takes away the neurons that are missed least, and fits the
# output layer again after each size. Three other ways to choose are there for comparison. The first
# goes by the size of the neurons' own pre-activations, which is what an $\ell_{2,0}$ price on rows
# looks at, (B1.2). The second is chance, the mean of five draws. The third removes nothing: it is a
# net that was trained with so few neurons from the start.

# %%
SIZES = [80, 60, 40, 30, 20, 15, 10, 5]
shares = {}
for label, score in (("least missed first", "joint"), ("smallest rows first", "row")):
    nets = remove(net, data.X_train, data.y_train, SIZES, score=score)
    shares[label] = [accuracy(smaller) for smaller in nets]

draws = []
for seed in range(5):
    shuffled = np.random.default_rng(seed).permutation(100)
    draws.append([])
    for size in SIZES:
        smaller = net.drop_neurons(0, np.isin(np.arange(100), shuffled[:size]))
        draws[-1].append(accuracy(refit_output(smaller, data.X_train, data.y_train)))
shares["at random"] = list(np.mean(draws, axis=0))

few = [BCDClassifier(hidden=size, epochs=12).fit(data.X_train, data.y_train) for size in SIZES]
shares["trained with so few"] = [accuracy(each.network_) for each in few]

for label, values in shares.items():
    print(f"{label:20s}", " ".join(f"{100 * value:5.1f}" for value in values))
print(f"{'neurons':20s}", " ".join(f"{size:5d}" for size in SIZES))

# %% [markdown]
# ## The picture
#
# Left: the training. Middle: the rise of the loss as neurons go; the dots are fits from the
# beginning. Most of the 100 are hardly missed, since others can do their work, and the last few are
# missed a lot. Right: accuracy on the test digits against the number of neurons kept.

# %%
figure, (training, rising, keeping) = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
draw_lines(
    training, curve["epoch"], {name: curve[name] for name in ("training digits", "test digits")}
)
training.set(xlabel="epoch", ylabel="right (%)", title="100 step units learn", xticks=[1, 4, 8, 12])
rising.plot(range(100, 0, -1), predicted, color=COLOURS[0], label="rises added up")
rising.plot(*zip(*fitted.items(), strict=True), "o", color=COLOURS[1], label="output fitted again")
rising.set(xlabel="neurons left", ylabel="loss of the output layer", title="what is missed")
rising.invert_xaxis()
draw_lines(keeping, SIZES, {name: [100 * x for x in values] for name, values in shares.items()})
keeping.set(xlabel="neurons kept", ylabel="test accuracy (%)", title="what is left", ylim=(40, 100))
keeping.invert_xaxis()
for axes in (training, rising, keeping):
    legend_below(figure, axes, columns=1)
plt.show()

# %% [markdown]
# The weights of single neurons as images, blue where ink makes the neuron fire and orange where it
# keeps it silent, each divided by its largest in size. Above: the ten that stay to the end. Below:
# the ten that go first.

# %%
ink = LinearSegmentedColormap.from_list("ink", [COLOURS[1], "white", COLOURS[0]])
figure, panels = plt.subplots(2, 10, figsize=(9, 1.9), layout="constrained")
for axes, neuron in zip(panels.flat, [*order[-10:], *order[:10]], strict=True):
    row = net.weights[0][neuron].reshape(8, 8)
    extent = np.abs(row).max()
    picture = axes.imshow(row / extent, cmap=ink, vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
panels[0, 0].set_title("missed most")
panels[1, 0].set_title("missed least")
bar = figure.colorbar(picture, ax=panels, ticks=[-1, 0, 1], label="weight / largest")
bar.ax.set_yticklabels(["−1: ink silences it", "0", "1: ink makes it fire"])
plt.show()

# %% [markdown]
# ## What was shown

# %%
# By hand and by the library.
small = Regression.fit(V_small, t_small, gamma=1.0)
np.testing.assert_allclose(small.K, K_by_hand, rtol=1e-12)
np.testing.assert_allclose(small.W, weights_by_hand, rtol=1e-12)
np.testing.assert_allclose(small.b, bias_by_hand, rtol=1e-12)
np.testing.assert_allclose(small.rises(), rises_by_hand, rtol=1e-12)
np.testing.assert_allclose(fewer.W, weight_without_2, rtol=1e-12)
np.testing.assert_allclose(fewer.b, bias_without_2, rtol=1e-12)
np.testing.assert_allclose([loss_of_all, loss_of_fewer], [17 / 6, 73 / 22], rtol=1e-12)

# The net has learned the digits.
assert accuracy(net) > 0.95

# The rise is exact: 99 of them, added up, are the loss of a fit from the beginning.
for kept, value in fitted.items():
    np.testing.assert_allclose(predicted[100 - kept], value, rtol=1e-8)
assert np.all(np.diff(predicted) >= 0)

# With 40 of 100 neurons the net is almost what it was. With 15 it is better to have kept those that
# are missed than any 15, and the smallest rows are the wrong ones to drop.
best, rows, chance, trained = (np.array(values) for values in shares.values())
assert best[SIZES.index(40)] > accuracy(net) - 0.04
few_left = SIZES.index(15)
assert best[few_left] > chance[few_left] + 0.03 > rows[few_left] + 0.03
# Nor does removal beat a net of that size that was trained as such.
assert np.all(best[:6] < trained[:6] + 0.02)
assert best[-1] < trained[-1]

# %% [markdown]
# ## Exercises
#
# 1. By hand: take neuron 1 out as well, after neuron 2. What does (B2.8) say with the smaller $K$,
#    and what is the loss of the constant alone?
# 2. Let a neuron be an exact copy of another, with a tiny ridge. What is the rise for each of the
#    two, and what for the second once the first has gone?
# 3. Why can the sum of the rises that are known at the *beginning* not tell what two neurons cost
#    together? Find two neurons in `V` for which it is off the most.
# 4. Price the neurons while the net trains, `BCDClassifier(hidden=100, lam=...)`. How many are left
#    at which accuracy, and is that better than removing them afterwards?
# 5. Why are the smallest rows the wrong ones to drop here? (In the training the rows are scaled to
#    unit variance after every epoch. What can still differ?)
# 6. Drop rows by the $\ell_{2,0}$ price, in closed form:
#    `tutorials/assignments/03_group_thresholding`.
