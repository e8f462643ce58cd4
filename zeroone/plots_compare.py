"""Pictures of several methods side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zeroone.plots import COLOURS, STYLES, legend_below, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = tuple[Sequence[float], Sequence[float]]


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
