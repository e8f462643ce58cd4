"""The style of all pictures: colour-blind safe, legible at the width of a column.

A picture is as wide as a column of text, or half as wide again: shrunk to the column, its letters
of 9 points are still 6 points high. matplotlib is imported only when a picture is made, and no
display is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
from numpy.typing import ArrayLike

from zeroone.support.files import atomic_write
from zeroone.support.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

# The palette of Okabe and Ito, distinguishable with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
# For maps: even in lightness, hence right for any colour vision, and in print without colours.
COLOUR_MAP = "cividis"

# Inches: the width of a column of text, and of a picture that may be shrunk to it.
COLUMN, WIDE = 3.5, 5.25

STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.handlelength": 1.6,
    "legend.handletextpad": 0.5,
    "legend.borderpad": 0,
    "legend.columnspacing": 1.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "savefig.dpi": 300,
    # SVG files of the same picture should be the same file.
    "svg.hashsalt": "zeroone",
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a function draw in the project's style, by `STYLE`."""

    @wraps(draw)
    def in_style(*arguments: P.args, **options: P.kwargs) -> Figure:
        import matplotlib as mpl

        with mpl.rc_context(STYLE):
            return draw(*arguments, **options)

    return in_style


def new_figure(
    columns: int = 1, *, rows: int = 1, height: float = 2.6, width: float | None = None
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure, and its axes row by row.

    Parameters
    ----------
    columns, rows : int
    height, width : float
        Of the whole figure, in inches. By default it is `COLUMN` wide if it has one column, and
        `WIDE` if it has more.
    """
    from matplotlib.figure import Figure

    if width is None:
        width = COLUMN if columns == 1 else WIDE
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def save(figure: Figure, path: str | os.PathLike[str], *, dpi: float | None = None) -> None:
    """Write a figure to a .png, .svg or .pdf file, whole or not at all.

    Parameters
    ----------
    figure : Figure
    path : path-like
    dpi : float, optional
        Dots an inch, of a .png and of what is drawn as dots in the others; that of `STYLE` by
        default.

    Raises
    ------
    ValueError
        If the file's ending is none of these.
    """
    import matplotlib as mpl

    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise ValueError(f"a picture must end in .png, .svg or .pdf, but the file is {path}")
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    with mpl.rc_context(STYLE), atomic_write(path) as file:
        figure.savefig(file, format=kind, metadata=metadata, dpi=dpi or STYLE["savefig.dpi"])


def save_beside(figure: Figure, script: str | os.PathLike[str]) -> None:
    """Write the picture that a script draws beside the script, as .svg and as .png."""
    for ending in (".svg", ".png"):
        save(figure, Path(script).with_suffix(ending), dpi=STYLE["savefig.dpi"])


def draw_lines(axes: Axes, x: Sequence[float], lines: Mapping[str, Sequence[float | None]]) -> None:
    """Draw several lines, each with a colour and a style of its own, None left out."""
    for number, (label, values) in enumerate(lines.items()):
        points = [(a, b) for a, b in zip(x, values, strict=True) if b is not None and b == b]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                label=label,
                color=COLOURS[number % len(COLOURS)],
                # After the last colour, the styles are shifted, so that no two lines are alike.
                linestyle=STYLES[(number + number // len(COLOURS)) % len(STYLES)],
                marker="o" if len(points) == 1 else None,
            )


def draw_function(
    axes: Axes,
    function: Callable[[FloatArray], ArrayLike],
    span: tuple[float, float],
    *,
    jumps: Sequence[float] = (),
    **style: Any,
) -> None:
    """Draw a function of one variable that may jump, with the values and the limits there.

    Parameters
    ----------
    axes : Axes
    function : callable
        From an array to an array of its shape.
    span : (low, high)
    jumps : sequence of float
        Inside the span, increasing. The value at a jump is a filled dot, and a one-sided limit that
        differs from it a hollow one.
    **style
        Of the line; ``label`` too.
    """
    ends = [span[0], *jumps, span[1]]
    label = style.pop("label", None)
    for number, (low, high) in enumerate(pairwise(ends)):
        # Just inside of the piece, where the value is the limit to within what can be seen.
        x = low + (high - low) * np.concatenate([[1e-9], np.linspace(0, 1, 201)[1:-1], [1 - 1e-9]])
        y = np.asarray(function(x))
        (line,) = axes.plot(x, y, label=None if number else label, **style)
        colour, order = line.get_color(), line.get_zorder()
        for jump, limit in ((low, y[0]), (high, y[-1])):
            if jump not in jumps:
                continue
            value = np.asarray(function(np.array([jump], float)))[0]
            dot: Any = {"marker": "o", "markersize": 4, "color": colour}
            if abs(limit - value) > 1e-6 * (1 + abs(value)):
                axes.plot(jump, limit, markerfacecolor="white", zorder=order + 1, **dot)
            axes.plot(jump, value, zorder=order + 2, **dot)


def legend_below(figure: Figure, axes: Axes, columns: int = 2) -> None:
    """Put the legend under the axes and their label, where it covers no data."""
    from matplotlib.transforms import ScaledTranslation

    if not axes.lines:
        return
    # In points and not in parts of the axes, which are the lower the more the legend has lines.
    points = ScaledTranslation(0, -35 / 72, figure.dpi_scale_trans)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=axes.transAxes + points,
        borderaxespad=0,
        ncols=columns,
    )


def figure_legend(figure: Figure, *axes: Axes, columns: int = 3) -> None:
    """Put one legend for what some axes show below everything else, each label once."""
    entries: dict[str, Any] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(entries.values(), entries, loc="outside lower center", ncols=columns)
