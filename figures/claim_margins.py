"""Every claim of the registry by name, and by how much it held in its worst instance.

A row is a claim. Left and middle, equalities: from the largest relative difference of the two sides
(dot) to the tolerance (bar); at the left edge the two sides never differed. Right, everything else:
the worst margin, which for bounds is the slack left in the tightest instance (where that is
nothing, the tolerance alone), and for counterexamples by how much the clearest one breaks what it
refutes. A claim that failed is a cross. A page on its side, to be looked at on a screen or printed.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeroone.claims import Kind, Verdict, verify
from zeroone.claims.runner import all_claims
from zeroone.plots import style as plots

CASES = 150
SEED = 0
# Smaller numbers are drawn here: rounding is 1e-16.
LOWEST = 1e-17
# Inches: the page, and a row of it.
WIDTH, ROW = 11.4, 0.125
NAME_SIZE = 6.5  # points
LOOKS = {
    Kind.EQUALITY: ("equality", 0, "o"),
    Kind.UPPER_BOUND: ("upper bound", 1, "<"),
    Kind.LOWER_BOUND: ("lower bound", 5, ">"),
    Kind.MONOTONE: ("monotone", 2, "v"),
    Kind.COUNTEREXAMPLE: ("counterexample", 3, "D"),
}


def area(verdict: Verdict) -> str:
    """Return the area of a claim, the first part of its id."""
    return verdict.claim.id.partition(".")[0]


def rows_of(verdicts: Sequence[Verdict]) -> int:
    """Return how many rows a panel takes: one a claim, and one above each group for its name."""
    return len(verdicts) + len({area(verdict) for verdict in verdicts})


def halves(verdicts: Sequence[Verdict]) -> tuple[Sequence[Verdict], Sequence[Verdict]]:
    """Cut verdicts in two, between groups if that is near the middle, else in the middle."""
    middle = (len(verdicts) + 1) // 2
    cuts = [i for i in range(1, len(verdicts)) if area(verdicts[i]) != area(verdicts[i - 1])]
    near = [cut for cut in cuts if abs(cut - middle) <= len(verdicts) // 12]
    cut = min(near, key=lambda cut: abs(cut - middle)) if near else middle
    return verdicts[:cut], verdicts[cut:]


def draw_claims(axes: Axes, verdicts: Sequence[Verdict], rows: int) -> None:
    """Draw one row a claim, in groups, with the names on the left."""
    row, names = 0, {}
    for name, group in groupby(verdicts, key=area):
        axes.axhline(row + 0.5, color="#bbbbbb", linewidth=0.6)
        names[row] = name
        for verdict in group:
            row += 1
            names[row] = verdict.claim.id.partition(".")[2]
            draw_claim(axes, verdict, row)
        row += 1
    # One line with gaps, since two hundred lines make a large file.
    light = [at for at, name in names.items() if name not in {area(each) for each in verdicts}]
    across, level = np.tile([LOWEST / 3, 10, np.nan], len(light)), np.repeat(light, 3)
    axes.plot(across, level, color="#eeeeee", linewidth=0.5, zorder=0)
    axes.set_yticks(list(names), names.values(), fontsize=NAME_SIZE)
    for label, verdict_or_area in zip(axes.get_yticklabels(), names.values(), strict=True):
        if verdict_or_area in {area(verdict) for verdict in verdicts}:
            label.set(fontweight="bold")
    axes.tick_params(axis="y", length=0, pad=2)
    axes.grid(visible=False, axis="y")
    axes.set(xscale="log", xlim=(LOWEST / 3, 10), ylim=(rows - 0.2, -0.8))
    axes.set_xticks([1e-15, 1e-10, 1e-5, 1])
    axes.set_xticks([], minor=True)


def draw_claim(axes: Axes, verdict: Verdict, row: float) -> None:
    """Draw the worst case of a claim and its tolerance."""
    label, colour, marker = LOOKS[verdict.claim.kind]
    tolerance, margin = verdict.claim.tolerance, verdict.worst_margin
    equality = verdict.claim.kind is Kind.EQUALITY
    worst = max(tolerance - margin if equality else margin, LOWEST)
    look = {"color": plots.COLOURS[colour]}
    if tolerance > 0:
        tick = {"marker": "|", "markersize": 3, "linestyle": "", "color": "#666666"}
        axes.plot(tolerance, row, label="tolerance", **tick)
        if equality:
            axes.plot([worst, tolerance], [row, row], linewidth=0.8, **look)
    marker = marker if margin >= 0 else "X"
    axes.plot(worst, row, marker=marker, markersize=3.2, linestyle="", label=label, **look)


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` tries a fifth of the claims on a few instances."""
    claims = all_claims()[:: 5 if quick else 1]
    verdicts = [
        verdict
        for claim in claims
        for verdict in verify([claim], cases=min(claim.cases, 5 if quick else CASES), seed=SEED)
    ]
    order = list(dict.fromkeys(map(area, verdicts)))
    verdicts.sort(key=lambda verdict: order.index(area(verdict)))
    equalities = [one for one in verdicts if one.claim.kind is Kind.EQUALITY]
    others = [one for one in verdicts if one.claim.kind is not Kind.EQUALITY]
    panels = [*halves(equalities), others]
    rows = max(map(rows_of, panels))
    figure, axes = plots.new_figure(3, height=1.15 + ROW * rows, width=WIDTH)
    for panel, members in zip(axes, panels, strict=True):
        draw_claims(panel, members, rows)
    for panel, title in zip(
        axes,
        (f"{len(equalities)} equalities: dot left of bar", "equalities, continued"),
        strict=False,
    ):
        panel.set(title=title, xlabel="largest difference of the two sides, relative")
    axes[2].set(
        title=f"{len(others)} other claims: right of bar",
        xlabel="what is left in the worst case, relative",
    )
    axes[0].set_ylabel("claims by area")
    plots.figure_legend(figure, axes[0], axes[2], columns=6)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
