"""Pictures, with one style for all: colour-blind safe, legible at column width.

matplotlib is imported only when a picture is made, and no display is needed.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from zeroone.files import atomic_write
from zeroone.trace import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

# The palette of Okabe and Ito, distinguishable with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))

STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "savefig.dpi": 150,
    # SVG files of the same picture should be the same file.
    "svg.hashsalt": "zeroone",
}


def styled(draw: Callable[P, "Figure"]) -> Callable[P, "Figure"]:
    """Make a function draw in the project's style, by `STYLE`."""

    @wraps(draw)
    def in_style(*arguments: P.args, **options: P.kwargs) -> "Figure":
        import matplotlib as mpl

        with mpl.rc_context(STYLE):
            return draw(*arguments, **options)

    return in_style


def new_figure(columns: int = 1, *, height: float = 2.6) -> "tuple[Figure, list[Axes]]":
    """Return an empty figure with some axes side by side, each as wide as a column of text."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.5 * columns, height), layout="constrained")
    return figure, [figure.add_subplot(1, columns, column + 1) for column in range(columns)]


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Write a figure to a .png, .svg or .pdf file, whole or not at all.

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
        figure.savefig(file, format=kind, metadata=metadata)


def draw_lines(
    axes: "Axes", x: Sequence[float], lines: Mapping[str, Sequence[float | None]]
) -> None:
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


def legend_below(figure: "Figure", axes: "Axes", columns: int = 2) -> None:
    """Put the legend under the axes and their label, where it covers no data."""
    from matplotlib.transforms import ScaledTranslation

    if not axes.lines:
        return
    # In points and not in parts of the axes, which are the lower the more the legend has lines.
    points = ScaledTranslation(0, -32 / 72, figure.dpi_scale_trans)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=axes.transAxes + points,
        borderaxespad=0,
        ncols=columns,
    )


@styled
def training_curve(history: History, *, title: str, step: str = "epoch") -> "Figure":
    """Draw the objective by term and the hard network's accuracy side by side.

    Parameters
    ----------
    history : History
        Rows of steps with ``position``, and ``train_accuracy`` and ``test_accuracy`` (or
        ``validation_accuracy``) where they were measured.
    title : str
        Said above the left picture.
    step : str
        What the horizontal axis counts.
    """
    from matplotlib.ticker import MaxNLocator

    positions = history.column("position")
    # A term that is zero has no place on a logarithmic axis.
    drawn = {
        name: [value if value and value > 0 else None for value in history.column(name)]
        for name in ["objective", *history.terms]
    }
    drawn = {name: values for name, values in drawn.items() if any(values)}
    figure, (left, right) = new_figure(2, height=2.8 + 0.17 * -(-len(drawn) // 2))
    draw_lines(left, positions, drawn)
    left.set_yscale("log")
    left.set_xlabel(step)
    left.set_ylabel("objective")
    left.set_title(title, loc="left")
    legend_below(figure, left)
    parts = {"train": "training data", "validation": "held-out data", "test": "test data"}
    percent = {
        label: [None if value is None else 100 * value for value in history.column(name)]
        for part, label in parts.items()
        if (name := f"{part}_accuracy") in history.columns
    }
    draw_lines(right, positions, percent)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set_xlabel(step)
    right.set_ylabel("accuracy of the hard net (%)")
    legend_below(figure, right)
    return figure


@styled
def removal_curve(
    kept: Sequence[int], curves: Mapping[str, Sequence[float]], *, title: str
) -> "Figure":
    """Draw accuracy against the number of neurons kept.

    Parameters
    ----------
    kept : sequence of int
        Numbers of neurons.
    curves : dict of str to sequence of float
        Accuracies, as fractions, by what is shown in the legend.
    title : str
    """
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(1, height=3.0)
    draw_lines(
        axes, kept, {name: [100 * value for value in values] for name, values in curves.items()}
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("hidden neurons kept")
    axes.set_ylabel("accuracy of the hard net (%)")
    axes.set_title(title, loc="left")
    legend_below(figure, axes)
    return figure
