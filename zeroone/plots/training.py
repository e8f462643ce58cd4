"""Pictures of training: objective and accuracy, several methods side by side, neurons removed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zeroone.plots.names import term_name
from zeroone.plots.style import COLOURS, STYLES, draw_lines, legend_below, new_figure, styled
from zeroone.steps import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = tuple[Sequence[float], Sequence[float]]


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
    drawn = {term_name(name): values for name, values in drawn.items() if any(values)}
    figure, (left, right) = new_figure(2, height=2.6 + 0.18 * len(drawn))
    draw_lines(left, positions, drawn)
    left.set_yscale("log")
    left.set_xlabel(step)
    left.set_ylabel("objective")
    left.set_title(title, loc="left")
    legend_below(figure, left, columns=1)
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
    legend_below(figure, right, columns=1)
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


@styled
def accuracy_against_seconds(curves: Mapping[str, Sequence[Curve]], *, title: str) -> "Figure":
    """Draw the test accuracy of each run against the seconds that its training had taken.

    Parameters
    ----------
    curves : mapping of str to sequence of (seconds, accuracies)
        The runs of each method; accuracies as fractions.
    title : str
    """
    figure, (axes,) = new_figure(1, height=3.2)
    for number, (method, runs) in enumerate(curves.items()):
        for index, (seconds, accuracies) in enumerate(runs):
            axes.plot(
                seconds,
                [100 * value for value in accuracies],
                color=COLOURS[number % len(COLOURS)],
                linestyle=STYLES[number % len(STYLES)],
                linewidth=1.1,
                marker="o" if len(seconds) == 1 else None,
                label=method if index == 0 else None,
            )
    # What happens in the last tenths of a point is what is compared.
    last = [accuracies[-1] for runs in curves.values() for _, accuracies in runs]
    lowest = min(value for runs in curves.values() for _, own in runs for value in own)
    axes.set_ylim(100 * max(lowest - 0.01, min(last) - 0.08), 100 * min(max(last) + 0.01, 1))
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("accuracy on the test data (%)")
    axes.set_title(title, loc="left")
    legend_below(figure, axes, columns=min(len(curves), 4))
    return figure
