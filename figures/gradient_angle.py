r"""The angle between the coarse gradient and the true one, and how far the coarse one goes.

Both are expectations for a filter w at the angle theta from its teacher w* (docs/theory.md#a1,
#a2). For the pseudo-derivatives of ReLU and identity the angle is theta/2; the clipped ReLU depends
on the norm of w and does better. The dots are averages over samples, without the closed forms.
Right: the part of the coarse gradient that lies along the true one, in units of k/(2 pi); it
vanishes at both ends, where the true gradient has its full length k/(2 pi |w|).
"""

import numpy as np
from matplotlib.figure import Figure

from zeroone.gaussian.filters import angle
from zeroone.gaussian.population import expected_coarse_gradient, true_gradient
from zeroone.gaussian.sampling import sample_inputs, sampled_coarse_gradient
from zeroone.plots import style as plots
from zeroone.support.validation import FloatArray

K = 1
W_STAR = np.array([1.0, 0.0])
SEED = 0
# By what the legend says: the pseudo-derivative and the norm of w.
CASES = {
    "ReLU": ("relu", 1.0),
    "identity": ("identity", 1.0),
    r"clipped ReLU, $|w| = 1$": ("clipped_relu", 1.0),
    r"clipped ReLU, $|w| = 3$": ("clipped_relu", 3.0),
}
TICKS = {0: "0", np.pi / 4: r"$\pi/4$", np.pi / 2: r"$\pi/2$",
         3 * np.pi / 4: r"$3\pi/4$", np.pi: r"$\pi$"}  # fmt: skip


def filters(theta: FloatArray, norm: float) -> FloatArray:
    """Return filters in the plane at the angles theta from w*."""
    return norm * np.column_stack([np.cos(theta), np.sin(theta)])


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` takes fewer samples."""
    figure, (left, right) = plots.new_figure(2, height=3.5)
    theta = np.linspace(0, np.pi, 203)[1:-1]
    sparse = np.linspace(0, np.pi, 9)[1:-1]
    Z = sample_inputs(np.random.default_rng(SEED), 20_000 if quick else 1_000_000, K, 2)
    for number, (label, (pseudo, norm)) in enumerate(CASES.items()):
        look = {"color": plots.COLOURS[number], "linestyle": plots.STYLES[number]}
        w = filters(theta, norm)
        true = true_gradient(w, W_STAR, K)
        coarse = expected_coarse_gradient(w, W_STAR, K, pseudo)
        left.plot(theta, angle(coarse, true), **look)
        along = np.sum(coarse * true, axis=-1) / np.linalg.norm(true, axis=-1)
        right.plot(theta, along * 2 * np.pi / K, **look)
        marks = {"marker": "os^D"[number], "markersize": 7 - 1.2 * number, "fillstyle": "none"}
        w = filters(sparse, norm)
        sampled = sampled_coarse_gradient(w, W_STAR, Z, pseudo)
        left.plot(
            sparse, angle(sampled, true_gradient(w, W_STAR, K)), color=look["color"],
            linestyle="", **marks,
        )  # fmt: skip
        left.plot([], [], label=label, **look, **marks)  # for the legend: a line with its mark
    left.plot([], [], color="black", label="line: closed form")
    left.plot(
        [], [], color="black", linestyle="", marker="o", fillstyle="none",
        label=f"mark: mean of {len(Z):,} samples",
    )  # fmt: skip
    left.set(ylabel=r"angle of coarse and true gradient", ylim=(0, np.pi / 2))
    left.set_title("How far does its direction err?")
    left.set_yticks(list(TICKS)[:3], list(TICKS.values())[:3])
    right.set(ylabel=r"length along it, in $k/(2\pi)$", ylim=(0, None))
    right.set_title("How long is its useful part?")
    for axes in (left, right):
        axes.set(xlabel=r"angle $\theta(w, w^*)$", xlim=(0, np.pi))
        axes.set_xticks(list(TICKS), TICKS.values())
    plots.figure_legend(figure, left, columns=2)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
