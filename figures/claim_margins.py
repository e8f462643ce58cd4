"""Every claim of the registry, and by how much it held in its worst instance.

A row is a claim. Left, equalities: from the largest relative difference of the two sides (dot) to
the tolerance (bar); at the left edge the two sides never differed. Right, everything else: the
worst margin, which for bounds is the slack left in the tightest instance (where that is nothing,
the tolerance alone), and for counterexamples by how much the clearest one breaks what it refutes. A
claim that failed is a cross.
"""

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeroone.claims import Kind, Verdict, verify
from zeroone.claims.runner import all_claims
from zeroone.plots import style as plots

CASES = 150
SEED = 0
# Smaller numbers are drawn here: rounding is 1e-16.
LOWEST = 1e-17
# Rows that a group takes at least, so that its name has a place.
LEAST_ROWS = 3
ROW = 0.055  # inches
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


def rows_of(verdicts: Sequence[Verdict]) -> float:
    """Return how many rows the groups of a panel take."""
    sizes = [len(list(group)) for _, group in groupby(verdicts, key=area)]
    return sum(max(size, LEAST_ROWS) + 1 for size in sizes)


def draw_claims(axes: Axes, verdicts: Sequence[Verdict], rows: float) -> None:
    """Draw one row a claim, in groups with their names on the left."""
    top, names = 0.5, {}
    for name, group in groupby(verdicts, key=area):
        if names:
            axes.axhline(top - 0.5, color="#bbbbbb", linewidth=0.6)
        members = list(group)
        space = max(len(members), LEAST_ROWS)
        names[top + space / 2] = name
        for number, verdict in enumerate(members):
            draw_claim(axes, verdict, top + (number + 0.5) * space / len(members))
        top += space + 1
    axes.set_yticks(list(names), names.values())
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set(xscale="log", xlim=(LOWEST / 3, 10), ylim=(rows, 0))
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
    rows = max(rows_of(equalities), rows_of(others))
    figure, (left, right) = plots.new_figure(2, height=1.3 + ROW * rows)
    draw_claims(left, equalities, rows)
    draw_claims(right, others, rows)
    left.set(title=f"{len(equalities)} equalities", xlabel="difference of the sides, relative")
    right.set(title=f"{len(others)} other claims", xlabel="worst margin, relative")
    left.set_ylabel("area of the claims")
    plots.figure_legend(figure, left, right)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
