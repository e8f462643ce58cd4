"""Pictures of the Gaussian network: the course of a run, and the phase picture of a grid."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zeroone.plots.style import (
    COLOUR_MAP,
    COLOURS,
    COLUMN,
    draw_lines,
    legend_below,
    new_figure,
    styled,
)
from zeroone.steps import History
from zeroone.support.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

AXIS_LABELS = {
    "beta": r"stiffness $\beta$",
    "lam": r"price of the penalty $\lambda$",
    "eta": r"step size $\eta$",
}
PANELS = {
    "angle_descent": "angle never rises",
    "lagrangian_descent": "Lagrangian never rises",
    "support_recovered": "support recovered",
}
# On the colours of the map, which are blue and yellow, both stand out with their outline.
EDGES: tuple[dict[str, Any], ...] = (
    {"color": COLOURS[1], "linestyle": "-", "linewidth": 2.0},
    {"color": "#ffffff", "linestyle": (0, (4, 2)), "linewidth": 1.8},
)


@styled
def descent_curve(
    history: History, *, title: str, delta: float | None = None, limit: float | None = None
) -> "Figure":
    """Draw the angle and the Lagrangian against iterations, side by side.

    Parameters
    ----------
    history : History
        Rows of ``iteration``, ``angle`` and ``lagrangian``.
    title : str
        Said above the left picture.
    delta : float, optional
        The angle down to which theory promises descent, drawn as a line.
    limit : float, optional
        The angle of the limit point, drawn as a line.
    """
    from matplotlib.ticker import EngFormatter, MaxNLocator

    iterations, angles = history.column("iteration"), history.column("angle")
    figure, (left, right) = new_figure(2, height=3.0)
    lines = {r"$\theta(w, w^*)$": angles}
    if delta is not None:
        lines[rf"$\delta$ = {delta:.3g}: descent above"] = [delta] * len(angles)
    if limit is not None and limit > 0:
        lines["angle of the limit (closed form)"] = [limit] * len(angles)
    for axes, drawn, label in (
        (left, lines, "angle of $w$ and $w^*$ (radians)"),
        (right, {r"$L_\beta(u, w)$": history.column("lagrangian")}, "Lagrangian"),
    ):
        draw_lines(axes, iterations, drawn)
        # The last part of a fall by orders of magnitude would not be seen on a linear axis.
        if min(min(values) for values in drawn.values()) > 0:
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 100k, not 100000
        axes.set_xlabel("iteration")
        axes.set_ylabel(label)
        legend_below(figure, axes, columns=1)
    left.set_title(title, loc="left")
    return figure


@styled
def phase_picture(
    grid: tuple[FloatArray, FloatArray],
    panels: Mapping[str, FloatArray],
    fine: tuple[FloatArray, FloatArray],
    regions: Mapping[str, Mapping[str, NDArray[np.bool_]]],
    *,
    axes: tuple[str, str],
    title: str,
) -> "Figure":
    """Draw shares of starts on a grid, and over them the edges of regions that theory knows.

    Parameters
    ----------
    grid : (horizontal, vertical)
        Increasing values, evenly spaced on a logarithmic scale.
    panels : mapping of str to ndarray of shape (n_vertical, n_horizontal)
        Shares from 0 to 1, by the names in `PANELS`.
    fine : (horizontal, vertical)
        The grid of the regions.
    regions : mapping of str to (mapping of str to ndarray of bools)
        For each panel at most two regions, by what the legend says of them.
    axes : (horizontal, vertical)
        "beta", "lam" or "eta".
    title : str
        Said above the panels.
    """
    # For a screen: as wide as it takes.
    figure, pictures = new_figure(len(panels), height=3.5, width=COLUMN * len(panels))
    for picture, (name, shares) in zip(pictures, panels.items(), strict=True):
        mesh = draw_phase(picture, grid, shares, fine, regions[name], EDGES)
        figure.colorbar(mesh, ax=picture, label=f"{PANELS[name]} (% of starts)")
        picture.set_xlabel(AXIS_LABELS[axes[0]])
        picture.set_ylabel(AXIS_LABELS[axes[1]])
        legend_below(figure, picture, columns=1)
    # Of the figure and not of the first panel, which would get wider than the others.
    figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize="medium")
    return figure


def draw_phase(
    axes: "Axes",
    grid: tuple[FloatArray, FloatArray],
    shares: FloatArray,
    fine: tuple[FloatArray, FloatArray],
    regions: Mapping[str, NDArray[np.bool_]],
    edges: Sequence[Mapping[str, Any]],
) -> "QuadMesh":
    """Draw shares on a grid as a map of percentages, and over it the edges of regions.

    Parameters
    ----------
    axes : Axes
    grid, shares, fine, regions
        As in `phase_picture`, of one panel.
    edges : sequence of mapping
        Styles of the regions' edges.

    Returns
    -------
    QuadMesh
        The map, for a colour bar.
    """
    mesh = axes.pcolormesh(
        cell_edges(grid[0]),
        cell_edges(grid[1]),
        100 * shares,
        cmap=COLOUR_MAP,
        vmin=0,
        vmax=100,
        rasterized=True,  # no hairlines between cells in a PDF
    )
    axes.set(xscale="log", yscale="log")
    axes.grid(visible=False)
    for style, (label, region) in zip(edges, regions.items(), strict=False):
        draw_edge(axes, fine, region, label, style)
    return mesh


def cell_edges(centres: FloatArray) -> FloatArray:
    """Return the n + 1 edges of n cells around their centres on a logarithmic scale."""
    logs = np.log(centres)
    half = (logs[1] - logs[0]) / 2
    return np.exp(np.append(logs - half, logs[-1] + half))


def draw_edge(
    axes: "Axes",
    grid: tuple[FloatArray, FloatArray],
    region: NDArray[np.bool_],
    label: str,
    style: Mapping[str, Any],
) -> None:
    """Draw the edge of a region, if it has one, in a contrasting colour with an outline."""
    from contourpy import contour_generator
    from matplotlib.patheffects import Normal, Stroke

    lines = contour_generator(np.log(grid[0]), np.log(grid[1]), region.astype(float)).lines(0.5)
    gap = np.full((1, 2), np.nan)
    points = [np.exp(np.asarray(part)) for line in lines for part in (line, gap)]
    if not points:
        return
    axes.plot(
        *np.concatenate(points).T,
        label=label,
        path_effects=[Stroke(linewidth=style["linewidth"] + 1.6, foreground="black"), Normal()],
        **style,
    )
