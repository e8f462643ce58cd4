"""The step function, and every slope that is put where its derivative should be.

Left what a unit computes, step and sign. Middle each pseudo-derivative mu' of
`zeroone.activations`; right, for each loss of `zeroone.losses`, -loss': with targets t, a unit
receives |e| t loss'(t z), so that -loss' plays the part of mu' (docs/theory.md#c1). Every slope has
a line of its own, with grey lines at the heights 0 and 1 (dotted). At a jump the filled dot is the
value, and a hollow one is a limit that is not.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeroone.activations import PSEUDO_DERIVATIVES, sign, step
from zeroone.losses import LOSSES, HiddenLoss
from zeroone.plots import style as plots
from zeroone.plots.names import plain_name
from zeroone.support.validation import FloatArray

SPAN = (-2.0, 2.0)
# From one base to the next.
APART = 1.5
# The first is steeper than there is place for, and leaves the picture at the top.
ORDER = ("squared_hinge", "hinge", "saturated_hinge", "soft_hinge", "logistic", "linear")
# Where the pseudo-derivatives jump.
JUMPS = {"relu": (0,), "clipped_relu": (0, 1), "saturating": (-1, 1)}

Slope = tuple[str, Callable[[FloatArray], FloatArray], Sequence[float]]


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure, in the shape of a slide; it is quick to make in any case."""
    figure = Figure(figsize=(plots.WIDE, plots.WIDE * 9 / 16), layout="constrained")
    units, pseudo, losses = figure.subplots(1, 3)
    draw_slopes(units, [("step", step, (0,)), ("sign", sign, (0,))], plots.COLOURS[2], lowest=-1)
    finish(units, "a unit computes", "$z$")
    units.set_ylabel("output, slope")
    slopes = [(name, f, JUMPS.get(name, ())) for name, f in PSEUDO_DERIVATIVES.items()]
    draw_slopes(pseudo, slopes, plots.COLOURS[1])
    finish(pseudo, r"slope $\mu'(z)$", "$z$")
    names = [*(name for name in ORDER if name in LOSSES), *(n for n in LOSSES if n not in ORDER)]
    rows = [(name, negative_slope(LOSSES[name]), jumps_of(LOSSES[name])) for name in names]
    draw_slopes(losses, rows, plots.COLOURS[0])
    finish(losses, r"$-$loss$'(tz)$", r"$t\,z$")
    plots.figure_legend(figure, losses)
    return figure


def draw_slopes(axes: Axes, slopes: Sequence[Slope], colour: str, lowest: int = 0) -> None:
    """Draw functions below each other, each with its name, its base and the height 1."""
    apart = APART - lowest
    top = apart * len(slopes) + lowest
    bases = [top - lowest - apart * (number + 1) for number in range(len(slopes))]
    for base, (_, slope, jumps) in zip(bases, slopes, strict=True):
        for height, dashes in ((0, "-"), (1, ":")):
            label = f"height {height}" if base == bases[0] else None
            axes.axhline(
                base + height,
                color="#888888",
                linewidth=0.7,
                linestyle=dashes,
                label=label,
                zorder=0,
            )
        plots.draw_function(
            axes, lambda z, f=slope, b=base: f(z) + b, SPAN, jumps=jumps, color=colour
        )
    axes.set_yticks([base + 0.5 for base in bases], [plain_name(name) for name, *_ in slopes])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(lowest - 0.25, top - lowest - 0.1)


def negative_slope(loss: HiddenLoss) -> Callable[[FloatArray], FloatArray]:
    """Return -loss'."""
    return lambda m: -loss.derivative(m)


def jumps_of(loss: HiddenLoss) -> list[float]:
    """Return the margins at which the slope of a loss jumps: not all of its kinks."""
    around = {kink: loss.derivative(np.array([kink - 1e-6, kink + 1e-6])) for kink in loss.kinks}
    return sorted(kink for kink, (below, above) in around.items() if abs(above - below) > 1e-3)


def finish(axes: Axes, title: str, variable: str) -> None:
    """Give a panel its frame, the same for all, and its labels."""
    axes.set(xlim=SPAN, xticks=(-1, 0, 1), title=title)
    axes.set_xlabel(variable, labelpad=1)


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
