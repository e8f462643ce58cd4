r"""The population loss is a cone, and the coarse gradient does not see its tip (docs/theory.md#a1).

Top left: f(w) = (k/2 pi) theta(w, w*) over the directions around w*, d = 3, each at its distance
theta from the tip: a cone over a disc of radius pi. Top right: the slopes along an arc through w*;
the true one jumps, the coarse one goes through zero. Below: f over the plane of w* and a direction
orthogonal to it, with the fields that descent follows, the negative true gradient, of length
k/(2 pi |w|) up to the very ray of w*, and the negative coarse one, (k/2 pi) (w* - w/|w|).
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeroone.gaussian.population import coarse_gradient, population_loss, true_gradient
from zeroone.plots import style as plots
from zeroone.support.validation import FloatArray

K = 20
W_STAR = np.array([1.0, 0.0])
LIMIT = 2.0
# Loss at theta = pi, the largest.
HIGHEST = K / 2


def draw_cone(axes: Axes, n: int) -> None:
    """Draw f over the directions around w*."""
    theta, azimuth = np.meshgrid(np.linspace(0, np.pi, n), np.linspace(0, 2 * np.pi, 3 * n))
    w = np.stack(
        [np.cos(theta), np.sin(theta) * np.cos(azimuth), np.sin(theta) * np.sin(azimuth)], axis=-1
    )
    loss = population_loss(w, np.array([1.0, 0.0, 0.0]), K)
    axes.plot_surface(
        theta * np.cos(azimuth), theta * np.sin(azimuth), loss,
        cmap=plots.COLOUR_MAP, vmin=0, vmax=HIGHEST, rstride=1, cstride=1, linewidth=0,
        antialiased=False, rasterized=True,
    )  # fmt: skip
    axes.view_init(elev=18, azim=-60)
    axes.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2], zticks=[0, 5, 10])
    axes.tick_params(pad=-2)
    axes.set_xlabel(r"$\theta\,\cos\varphi$", labelpad=0)
    axes.set_ylabel(r"$\theta\,\sin\varphi$", labelpad=0)
    axes.set_zlabel("$f(w)$", labelpad=-7)
    axes.set_box_aspect((1, 1, 0.8), zoom=1.1)
    axes.set_title("over all directions, $d = 3$")


def slope(theta: FloatArray, kind: str) -> FloatArray:
    """Return the gradient at angles theta from w*, along the arc in the direction of theta."""
    w = np.column_stack([np.cos(theta), np.sin(theta)])
    gradient = {"true": true_gradient, "coarse": coarse_gradient}[kind](w, W_STAR, K)
    return np.sum(gradient * np.column_stack([-np.sin(theta), np.cos(theta)]), axis=-1)


def draw_slopes(axes: Axes) -> None:
    """Draw both gradients along an arc through w*."""
    for number, kind in enumerate(("true", "coarse")):
        plots.draw_function(
            axes, lambda theta, kind=kind: slope(theta, kind), (-np.pi, np.pi),
            jumps=(0,) if kind == "true" else (), label=kind,
            color=plots.COLOURS[number], linestyle=plots.STYLES[number],
        )  # fmt: skip
    axes.set(xlabel=r"angle from $w^*$", ylabel="gradient along the arc", xlim=(-np.pi, np.pi))
    axes.set_xticks([-np.pi, 0, np.pi], [r"$-\pi$", "0", r"$\pi$"])
    axes.set_title("through $w^*$")
    plots.legend_below(axes.figure, axes)


def draw_field(axes: Axes, kind: str, n_fine: int) -> None:
    """Draw f over a plane, and what a gradient's descent follows."""
    fine = np.linspace(-LIMIT, LIMIT, n_fine)
    w = np.stack(np.meshgrid(fine, fine), axis=-1)
    mesh = axes.pcolormesh(
        fine, fine, population_loss(w, W_STAR, K), cmap=plots.COLOUR_MAP, vmin=0, vmax=HIGHEST,
        rasterized=True,
    )  # fmt: skip
    # On both sides of the ray of w*, but not on it, where the true gradient is undefined.
    norm = np.repeat([0.5, 1.0, 1.5], [8, 16, 24])
    theta = np.concatenate([2 * np.pi * (np.arange(n) + 0.5) / n for n in (8, 16, 24)])
    w = np.column_stack([norm * np.cos(theta), norm * np.sin(theta)])
    gradient = {"true": true_gradient, "coarse": coarse_gradient}[kind](w, W_STAR, K)
    axes.quiver(
        *w.T, *-gradient.T, pivot="mid", angles="xy", scale_units="xy", scale=17, width=0.015,
        color="white", edgecolor="black", linewidth=0.4, zorder=3,
    )  # fmt: skip
    axes.plot([0, LIMIT], [0, 0], color=plots.COLOURS[1], linewidth=1.2, zorder=2)
    axes.plot(1, 0, marker="o", color=plots.COLOURS[1], markersize=6, zorder=4)
    axes.annotate("$w^*$", (1, 0), (3, 5), textcoords="offset points", color="white", zorder=4)
    axes.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal")
    axes.set(xticks=range(-2, 3), yticks=range(-2, 3))
    axes.set(xlabel="along $w^*$", title=f"down the {kind} gradient")
    axes.grid(visible=False)
    if kind == "true":
        axes.set_ylabel("across $w^*$")
    else:
        axes.figure.colorbar(mesh, ax=axes, label="$f(w)$", shrink=0.85)


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` draws surfaces less finely."""
    figure = Figure(figsize=(plots.WIDE, 5.2), layout="constrained")
    above, below = figure.subfigures(2, 1)
    draw_cone(above.add_subplot(1, 2, 1, projection="3d"), 12 if quick else 60)
    draw_slopes(above.add_subplot(1, 2, 2))
    # An even number, so that w = 0 is not among them.
    for number, kind in enumerate(("true", "coarse")):
        draw_field(below.add_subplot(1, 2, number + 1), kind, 40 if quick else 300)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
