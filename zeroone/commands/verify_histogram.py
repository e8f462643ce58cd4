"""A histogram of margins as a drawing (SVG) that stands in a page by itself.

Colour never speaks alone: what fails is drawn as an outline and labelled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from zeroone.claims import Kind, Verdict
from zeroone.claims.histogram import EDGES, PER_DECADE

WIDTH, HEIGHT = 640, 168
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 20, 34
SPECIAL = 58  # room for a bar that is off the axis: zero, negative, infinite
GAP = 14  # room between those and the axis, for the labels of both
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Bar:
    """One bar: where it stands, how many comparisons it shows, and what they are.

    Parameters
    ----------
    left, width : float
    count : int
    range : str
        Which values, in words.
    label : str
        Under the bar; bars on the axis have none.
    style : {"holds", "fails", "other"}
    """

    left: float
    width: float
    count: int
    range: str
    label: str
    style: str


def power(exponent: int) -> str:
    """Return 10 to an exponent as text."""
    return "10" + str(exponent).translate(SUPERSCRIPTS)


def quantity(kind: Kind) -> str:
    """Return what the horizontal axis of a claim of this kind shows."""
    if kind is Kind.EQUALITY:
        return "relative difference of the two sides"
    if kind is Kind.COUNTEREXAMPLE:
        return "relative excess over the bound, minus the least that counts"
    return "margin: relative slack, plus the tolerance"


def decades(verdict: Verdict) -> range:
    """Return the exponents of the axis: all that occur, and the tolerance."""
    filled = [bin for bin, count in enumerate(verdict.histogram.counts) if count]
    lowest = floor(log10(EDGES[0]) + 0.5)
    ends = [lowest + end // PER_DECADE for bin in filled for end in (bin, bin + PER_DECADE)]
    if marked(verdict):
        exponent = log10(verdict.claim.tolerance)
        ends += [floor(exponent), ceil(exponent)]
    if not ends:
        return range(0)
    highest = floor(log10(EDGES[-1]) + 0.5)
    first, last = max(min(ends), lowest), min(max(ends), highest)
    return range(first, max(last, first + 1) + 1)


def marked(verdict: Verdict) -> str:
    """Return the name of the line that stands at the tolerance, or an empty string."""
    claim = verdict.claim
    if claim.kind is Kind.COUNTEREXAMPLE or not EDGES[0] < claim.tolerance <= EDGES[-1]:
        return ""
    return "tolerance" if claim.kind is Kind.EQUALITY else "equal to the bound"


class Layout:
    """Positions of the axis and of the bars beside it."""

    def __init__(self, verdict: Verdict) -> None:
        counts, self.decades = verdict.histogram, decades(verdict)
        self.before = [name for name in ("negative", "zero") if getattr(counts, name)]
        self.left: float = LEFT + SPECIAL * len(self.before) + GAP
        self.right: float = WIDTH - RIGHT - GAP - SPECIAL * bool(counts.infinite)

    def x(self, exponent: float) -> float:
        """Return where 10^exponent stands."""
        span = self.decades[-1] - self.decades[0]
        return self.left + (self.right - self.left) * (exponent - self.decades[0]) / span


def bars(verdict: Verdict, layout: Layout) -> Iterator[Bar]:
    """Yield the bars that are not empty, from left to right."""
    claim, counts = verdict.claim, verdict.histogram
    equality, search = claim.kind is Kind.EQUALITY, claim.kind is Kind.COUNTEREXAMPLE
    inside, left = SPECIAL - 16.0, LEFT + 8.0
    for name in layout.before:
        if name == "zero":
            label = "exact" if equality else "0"
            style = "other" if search else "holds"
            yield Bar(left, inside, counts.zero, f"0 to {EDGES[0]:.0e}", label, style)
        else:
            label, style = ("within it", "other") if search else ("fails", "fails")
            yield Bar(left, inside, counts.negative, "below 0", label, style)
        left += SPECIAL
    for bin, count in enumerate(counts.counts):
        if count:
            low, high = EDGES[bin], EDGES[bin + 1]
            style = "fails" if equality and low >= claim.tolerance else "holds"
            left, width = layout.x(log10(low)), layout.x(log10(high)) - layout.x(log10(low))
            yield Bar(left, width, count, f"{low:.2g} to {high:.2g}", "", style)
    if counts.infinite:
        style = "fails" if equality else "holds"
        yield Bar(
            layout.right + GAP + 8, inside, counts.infinite, "infinite or NaN", "infinite", style
        )


def height(count: float, most: int) -> float:
    """Return the height of a bar: logarithmic, so that a single comparison can be seen."""
    return (HEIGHT - TOP - BOTTOM) * (log10(count) + 0.3) / (log10(most) + 0.3)


def text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    """Return a piece of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """Return a line."""
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def vertical_axis(most: int) -> Iterator[str]:
    """Yield a grid line and a label for 1, 10, 100 ... comparisons."""
    for exponent in range(floor(log10(most)) + 1):
        y = HEIGHT - BOTTOM - height(10**exponent, most)
        yield line(LEFT, y, WIDTH - RIGHT, y, "grid")
        yield text(LEFT - 5, y + 3.5, "1" if exponent == 0 else power(exponent), "end")


def horizontal_axis(verdict: Verdict, layout: Layout) -> Iterator[str]:
    """Yield the base line, the powers of ten, the mark at the tolerance and the caption."""
    base = HEIGHT - BOTTOM
    yield line(LEFT, base, WIDTH - RIGHT, base, "axis")
    step = max(1, ceil(len(layout.decades) / 12))
    for exponent in layout.decades[::step]:
        x = layout.x(exponent)
        yield line(x, base, x, base + 4, "axis") + text(x, base + 15, power(exponent))
    if marked(verdict):
        x = layout.x(log10(verdict.claim.tolerance))
        near_end = x > (layout.left + layout.right) / 2
        yield line(x, TOP - 6, x, base, "mark")
        words = f"{marked(verdict)} ({verdict.claim.tolerance:.2g})"
        yield text(x + (-5 if near_end else 5), TOP - 8, words, "end" if near_end else "start")
    yield text(WIDTH / 2, HEIGHT - 4, quantity(verdict.claim.kind))


def describe(verdict: Verdict) -> str:
    """Return the picture in words."""
    return (
        f"Histogram of {verdict.comparisons} comparisons; {quantity(verdict.claim.kind)}, "
        f"logarithmic on both axes."
    )


def draw(verdict: Verdict) -> str:
    """Return the histogram of a verdict as an ``<svg>`` element; empty if nothing was compared."""
    if not verdict.histogram.total:
        return ""
    layout = Layout(verdict)
    shown = list(bars(verdict, layout))
    most, base = max(bar.count for bar in shown), HEIGHT - BOTTOM
    parts = [*vertical_axis(most)]
    for bar in shown:
        tall = height(bar.count, most)
        # A bar's tooltip; the gap keeps neighbours apart without relying on colour.
        parts.append(
            f'<rect class="{bar.style}" x="{bar.left + 0.5:.1f}" y="{base - tall:.1f}" '
            f'width="{max(bar.width - 1, 1):.1f}" height="{tall:.1f}">'
            f"<title>{escape(bar.range)}: {bar.count}</title></rect>"
        )
        if bar.label:
            parts.append(text(bar.left + bar.width / 2, base + 15, bar.label))
    parts += horizontal_axis(verdict, layout)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(describe(verdict))}">'
        + "\n".join(parts)
        + "</svg>"
    )
