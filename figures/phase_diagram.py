r"""Where RVSCGD descends and finds the support, over beta and lam, with the theory's boundaries.

Each point is run from the same random starts, with the largest step that theory allows for its
beta. Descent is asked for as long as theta >= delta = 0.3. Theorem 1 makes it certain inside its
line, and the sharp bound beta <= (k/pi) sin(delta) left of its own (`zeroone.gaussian.theory`). The
support that u has in the limit is known on both sides of the lines of the third panel; above
beta = k/(2 pi) nothing is known of it. The penalty is l0, with k = 20, d = 50.

``zeroone sweep`` makes the same computation, and prints it.
"""

import argparse
from typing import Any

from matplotlib.figure import Figure

from zeroone.commands import sweep
from zeroone.commands.gaussian_common import make_network
from zeroone.plots import gaussian as plots_gaussian
from zeroone.plots import style as plots

POINTS, STARTS = 25, 50
TITLES = {
    "angle_descent": "angle\nnever rises",
    "lagrangian_descent": "Lagrangian\nnever rises",
    "support_recovered": "support\nrecovered",
}
# What the legend says of a line: on which side of it what is proved.
LABELS = {
    "certain by Theorem 1": "inside: Theorem 1 proves descent",
    "certain by the sharp bound on $\\beta$": (
        "left of it: the sharp bound on $\\beta$ proves descent"
    ),
    "in the limit from every start": "below: the limit has the right support from every start",
    "in the limit from no start": "above, left: the limit has the right support from no start",
}
# For the third panel, whose regions are others.
OTHER_EDGES: tuple[dict[str, Any], ...] = (
    {"color": plots.COLOURS[3], "linestyle": "-", "linewidth": 2.0},
    {"color": "#ffffff", "linestyle": (0, (1, 1.3)), "linewidth": 1.8},
)


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` takes fewer points, starts and iterations."""
    options = ["--grid", "7", "--starts", "3", "--n-iter", "50"] if quick else []
    parser = argparse.ArgumentParser()
    sweep.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(
        ["sweep", "--grid", str(POINTS), "--starts", str(STARTS), "--seed", "0", *options]
    )
    network = make_network(arguments)
    grid = sweep.make_grid(arguments, network)
    found = sweep.measure(grid, network, arguments)
    finer = grid.finer()
    regions = sweep.boundaries(finer, network, arguments.delta)
    figure, axes = plots.new_figure(3, height=3.5)
    for panel, (name, title) in zip(axes, TITLES.items(), strict=True):
        mesh = plots_gaussian.draw_phase(
            panel,
            (grid.along(0), grid.along(1)),
            grid.plane(getattr(found, name)),
            (finer.along(0), finer.along(1)),
            {LABELS[label]: region for label, region in regions[name].items()},
            OTHER_EDGES if name == "support_recovered" else plots_gaussian.EDGES,
        )
        panel.set_title(title)
        panel.set(xlabel=r"stiffness $\beta$")
        panel.minorticks_off()
        panel.tick_params(labelleft=panel is axes[0])
    axes[0].set_ylabel(r"price of the penalty $\lambda$")
    figure.colorbar(mesh, ax=axes, label="share of starts (%)", pad=0.02)
    plots.figure_legend(figure, axes[0], axes[2], columns=1)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
