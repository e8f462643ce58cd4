r"""The penalties, and the proximal maps of t times each (docs/theory.md#a5).

The map shows what a penalty does to a weight x: l1 shrinks every weight by t, l0 keeps those above
sqrt(2 t) untouched and removes the others, and transformed l1 lies between: for a small a it jumps
like l0, for a large one it is continuous like l1. MCP and SCAD shrink small weights as l1 does and
leave large ones untouched. l2,0 treats the norm of a group as l0 treats a weight.
"""

import numpy as np
from matplotlib.figure import Figure

from zeroone.penalties import L0, L1, MCP, SCAD, Penalty, TransformedL1
from zeroone.plots import style as plots

T = 0.5
SPAN = 2.4
PENALTIES: dict[str, Penalty] = {
    r"$\ell_1$": L1(),
    r"$\ell_0$; $\ell_{2,0}$ of a group's norm": L0(),
    r"transformed $\ell_1$, $a = 1$": TransformedL1(1.0),
    r"transformed $\ell_1$, $a = 3$": TransformedL1(3.0),
    r"MCP, $\gamma = 1.5$": MCP(1.5),
    r"SCAD, $a = 2.5$, knee $0.5$": SCAD(2.5, 0.5),
}


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; it is quick to make in any case."""
    figure, (left, right) = plots.new_figure(2, height=3.1)
    for number, (label, penalty) in enumerate(PENALTIES.items()):
        look = {"color": plots.COLOURS[number], "linestyle": plots.STYLES[number], "label": label}
        jumps = (0.0,) if penalty.value(1e-9) > 0.5 else ()
        plots.draw_function(
            left, lambda u, p=penalty: p.value(u[:, np.newaxis], axis=-1), (-SPAN, SPAN),
            jumps=jumps, **look,
        )  # fmt: skip
        edge = float(penalty.largest_zero(T))
        jumps = (-edge, edge) if penalty.prox(edge + 1e-6, T) > 0.01 else ()
        plots.draw_function(
            right, lambda x, p=penalty: p.prox(x, T), (-SPAN, SPAN), jumps=jumps, **look
        )
    left.set(
        xlabel="weight $u$",
        ylabel="penalty $P(u)$",
        title="penalties (filled: value; hollow: limit)",
        ylim=(-0.15, 2.5),
    )
    right.set(
        xlabel="weight $x$",
        ylabel=r"$\mathrm{prox}_{t P}(x)$",
        title=f"proximal maps, $t = {T:g}$",
        ylim=(-2.5, 2.5),
    )
    for axes in (left, right):
        axes.set(xlim=(-SPAN, SPAN), xticks=range(-2, 3))
    plots.figure_legend(figure, left, columns=2)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
