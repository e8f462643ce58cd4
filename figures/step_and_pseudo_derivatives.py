"""The step function, and every slope that is put where its derivative should be.

First what a unit computes, step and sign. Then each pseudo-derivative mu' of `zeroone.activations`
with its mu, and each loss of `zeroone.losses` with its slope: with targets t, a unit receives |e| t
loss'(t z), so that -loss' plays the part of mu' (docs/theory.md#c1). At a jump the filled dot is
the value, and a hollow one is a limit that is not.
"""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeroone.activations import PSEUDO_DERIVATIVES, sign, step
from zeroone.losses import LOSSES, HiddenLoss
from zeroone.plots import style as plots
from zeroone.support.validation import FloatArray

COLUMNS = 3
SPAN = (-2.0, 2.0)
HEIGHT = (-1.35, 2.35)
# What each pseudo-derivative is the derivative of, and where it jumps.
MU: dict[str, Callable[[FloatArray], FloatArray]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "clipped_relu": lambda z: np.clip(z, 0, 1),
    "saturating": lambda z: np.clip(z, -1, 1),
}
JUMPS = {"relu": (0,), "clipped_relu": (0, 1), "saturating": (-1, 1)}
NAMES = {
    "identity": "identity",
    "relu": "ReLU",
    "clipped_relu": "clipped ReLU",
    "saturating": "saturating",
}
VALUE = {"color": plots.COLOURS[0], "linestyle": "-"}
FUNCTION = {"color": plots.COLOURS[4], "linestyle": "--"}
SLOPE = {"color": plots.COLOURS[1], "linestyle": "-"}


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; it is quick to make in any case."""
    rows = -(-(2 + len(PSEUDO_DERIVATIVES) + len(LOSSES)) // COLUMNS)
    figure, axes = plots.new_figure(COLUMNS, rows=rows, height=0.5 + 1.5 * rows)
    panels = iter(axes)
    for title, unit in (("unit: step", step), ("unit: sign", sign)):
        panel = next(panels)
        plots.draw_function(panel, unit, SPAN, jumps=(0,), label="what the unit computes", **VALUE)
        finish(panel, title, "$z$")
    for name, slope in PSEUDO_DERIVATIVES.items():
        panel = next(panels)
        plots.draw_function(panel, MU[name], SPAN, label=r"$\mu$ or loss", **FUNCTION)
        jumps = JUMPS.get(name, ())
        label = r"slope $\mu'$ or $-$loss$'$"
        plots.draw_function(panel, slope, SPAN, jumps=jumps, label=label, **SLOPE)
        finish(panel, f"$\\mu$: {NAMES[name]}", "$z$")
    for name, loss in LOSSES.items():
        panel = next(panels)
        plots.draw_function(panel, loss.value, SPAN, **FUNCTION)
        plots.draw_function(
            panel, lambda m, loss=loss: -loss.derivative(m), SPAN, jumps=jumps_of(loss), **SLOPE
        )
        finish(panel, f"loss: {name.replace('_', ' ')}", r"$t\,z$")
    for unused in panels:
        unused.remove()
    plots.figure_legend(figure, axes[0], axes[2])
    return figure


def jumps_of(loss: HiddenLoss) -> list[float]:
    """Return the margins at which the slope of a loss jumps: not all of its kinks."""
    around = {kink: loss.derivative(np.array([kink - 1e-6, kink + 1e-6])) for kink in loss.kinks}
    return sorted(kink for kink, (below, above) in around.items() if abs(above - below) > 1e-3)


def finish(axes: Axes, title: str, variable: str) -> None:
    """Give a panel its frame, the same for all, and its labels."""
    axes.set(xlim=SPAN, ylim=HEIGHT, xticks=range(-2, 3), yticks=range(-1, 3))
    axes.set_title(title)
    axes.set_xlabel(variable, labelpad=1)
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("value")


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
