"""Pictures of the two-layer network on Gaussian input: trajectories in angle and output weights."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zeroone.gaussian.two_layer_stationary import KINDS, StationaryPoint
from zeroone.plots.style import COLOURS, STYLES, legend_below, new_figure, styled
from zeroone.support.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Trajectories drawn at most: more of them cover each other.
MOST = 100
# A filter that turns by more between two records has passed the origin: no line is drawn.
JUMP = 1.5
MARKERS = {"minimum": "o", "spurious minimum": "s", "saddle": "X"}
ANGLES = {
    0: "0",
    np.pi / 4: r"$\pi/4$",
    np.pi / 2: r"$\pi/2$",
    3 * np.pi / 4: r"$3\pi/4$",
    np.pi: r"$\pi$",
}


@styled
def trajectory_picture(
    angles: FloatArray,
    distances: FloatArray,
    outcomes: NDArray[np.str_],
    points: Sequence[StationaryPoint],
    v_star: FloatArray,
    *,
    title: str,
) -> "Figure":
    """Draw runs in the plane of theta(w, w*) and |v - v*|, by where they end.

    Parameters
    ----------
    angles, distances : ndarrays of shape (n_records, n_runs)
    outcomes : ndarray of str, shape (n_runs,)
        Entries of `KINDS`.
    points : sequence of StationaryPoint
    v_star : ndarray of shape (k,)
    title : str
    """
    figure, (axes,) = new_figure(height=3.9)
    draw_trajectories(axes, angles, distances, outcomes)
    draw_points(axes, points, v_star)
    axes.set_title(title, loc="left")
    legend_below(figure, axes, columns=1)
    return figure


def draw_trajectories(
    axes: "Axes", angles: FloatArray, distances: FloatArray, outcomes: NDArray[np.str_]
) -> None:
    """Draw the first `MOST` runs, those of one outcome in one colour, and where they start."""
    shown = min(MOST, len(outcomes))
    for number, kind in enumerate(KINDS):
        count = int(np.count_nonzero(outcomes == kind))
        look: dict[str, Any] = {"color": COLOURS[number], "linestyle": STYLES[number]}
        label: str | None = f"ends at a {kind} ({count})"
        if kind == KINDS[-1]:
            label = f"ends at none of them ({count})"
        for run in np.flatnonzero(outcomes[:shown] == kind):
            x, y = with_gaps(angles[:, run], distances[:, run])
            axes.plot(x, y, linewidth=0.8, label=label, **look)
            axes.plot(x[0], y[0], ".", markersize=3, color=look["color"])
            label = None
    axes.set_xlabel(r"angle $\theta(w, w^*)$ (radians)")
    axes.set_ylabel(r"distance $|v - v^*|$")
    axes.set_xticks(list(ANGLES), list(ANGLES.values()))
    axes.set_xlim(-0.1, np.pi + 0.1)


def draw_points(axes: "Axes", points: Sequence[StationaryPoint], v_star: FloatArray) -> None:
    """Mark the stationary points, each kind with a marker of its own."""
    seen = set()
    for point in points:
        axes.plot(
            point.theta,
            np.linalg.norm(point.v - v_star),
            MARKERS[point.kind],
            markersize=8,
            markerfacecolor="white",
            markeredgecolor="black",
            label=None if point.kind in seen else point.kind,
            zorder=5,
            clip_on=False,
        )
        seen.add(point.kind)


def with_gaps(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a line with a gap wherever the filter has passed the origin."""
    jumps = np.flatnonzero(np.abs(np.diff(x)) > JUMP) + 1
    return np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)
