"""The picture of training errors above the best possible ones."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zeroone.plots.style import COLOURS, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE = "\n"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@styled
def errors_above_optimum(
    problems: Sequence[str],
    optima: Sequence[int],
    above: Mapping[str, Sequence[Sequence[int]]],
    *,
    unproved: Sequence[bool],
) -> "Figure":
    """Draw, for each problem and method, the median of errors above the optimum and their range.

    Parameters
    ----------
    problems : sequence of str
        Along the horizontal axis.
    optima : sequence of int
        The least errors of each problem, written under its name.
    above : mapping of str to (sequence of sequence of int)
        By method, for each problem, the errors from each seed less the optimum.
    unproved : sequence of bool
        Whether the optimum of a problem is only the best that is known.
    """
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(1, height=3.6)
    figure.set_figwidth(2 * figure.get_figwidth())
    width = 0.8 / max(len(above), 1)
    for number, (method, counts) in enumerate(above.items()):
        at = np.arange(len(problems)) + (number - (len(above) - 1) / 2) * width
        medians = np.array([np.median(each) for each in counts])
        low = medians - [min(each) for each in counts]
        high = np.array([max(each) for each in counts]) - medians
        axes.errorbar(
            at,
            medians,
            yerr=[low, high],
            linestyle="none",
            marker=MARKERS[number % len(MARKERS)],
            markersize=5,
            elinewidth=1.2,
            color=COLOURS[number % len(COLOURS)],
            label=method,
        )
    axes.axhline(0, color="black", linewidth=0.8, zorder=0)
    labels = [
        f"{name.replace('-', '-' + LINE)}\noptimum{LINE + '≤' if is_open else ''} {optimum}"
        for name, optimum, is_open in zip(problems, optima, unproved, strict=True)
    ]
    axes.set_xticks(range(len(problems)), labels)
    axes.set_xlim(-0.6, len(problems) - 0.4)
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("training errors above the optimum\n(median and range)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(above), borderaxespad=0.2)
    return figure
