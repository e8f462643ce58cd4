"""The verdicts as one page that needs nothing else: no script, no other file, no connection.

The same run gives the same page, except for the line that says how long it took. The page is also
well-formed XML. Each claim has a histogram of its comparisons, an ``<svg>`` in which colour never
speaks alone: what fails is drawn as an outline and labelled.
"""

import os
import platform
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

import numpy as np
import scipy

import zeroone
from zeroone.claims import Kind, Verdict
from zeroone.claims.histogram import EDGES, PER_DECADE
from zeroone.claims.lemmas import labels_of

KINDS = {
    Kind.EQUALITY: "measured = theoretical, up to the tolerance, at every comparison",
    Kind.UPPER_BOUND: "measured ≤ theoretical, up to the tolerance, at every comparison",
    Kind.LOWER_BOUND: "measured ≥ theoretical, up to the tolerance, at every comparison",
    Kind.MONOTONE: "the value after (measured) ≤ the value before (theoretical) at every "
    "comparison, and somewhere it does fall",
    Kind.COUNTEREXAMPLE: "a statement that is too strong: at some comparison, found anew in every "
    "run, measured > theoretical by more than the tolerance",
}

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff;
  max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.8rem; margin-bottom: 0; }
h2 { font-size: 1.35rem; margin-top: 2.5rem; border-bottom: 1px solid #999; }
h3 { font: 600 1.05rem/1.4 ui-monospace, monospace; margin: 0 0 .3rem; }
.outcome { font-size: 1.15rem; font-weight: 600; }
.failed { color: #a33c00; font-weight: 700; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: #444; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .15rem .5rem; border-bottom: 1px solid #ccc;
  vertical-align: top; white-space: nowrap; }
td:first-child { white-space: normal; }
th { border-bottom: 2px solid #666; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.claim { border-top: 1px solid #bbb; padding: 1rem 0 .6rem; }
.claim.fails { border-left: 6px double #a33c00; padding-left: 1rem; }
.statement { margin: .2rem 0 .5rem; }
pre, code { font: .85rem/1.4 ui-monospace, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; padding: .4rem .6rem;
  margin: .4rem 0; }
figure { margin: .6rem 0 0; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg .holds { fill: #0072b2; }
svg .other { fill: #999; }
svg .fails { fill: #fff; stroke: #d55e00; stroke-width: 2.5; }
svg .grid { stroke: #ddd; }
svg .axis { stroke: #444; }
svg .mark { stroke: #000; stroke-dasharray: 4 3; }
a { color: #005a8e; }
@media print {
  @page { margin: 11mm 14mm; }
  body { font-size: 8pt; line-height: 1.3; max-width: none; margin: 0; padding: 0; }
  a { color: inherit; text-decoration: none; }
  table { font-size: 8pt; }
  thead { display: table-header-group; }
  tr, .claim, figure { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  h3 { font-size: 10pt; margin: 0; }
  .claim { padding: .4rem 0 .2rem; }
  .statement { margin: 0; }
  dl { gap: 0 1rem; margin: .2rem 0; }
  figure { margin: .2rem 0 0; }
  svg { max-height: 25mm; }
  pre { border: 1px solid #bbb; padding: .2rem .4rem; margin: .2rem 0; }
  pre, pre code { font-size: 7pt; line-height: 1.2; }
  nav { display: none; }
}
"""

READING = """
<p>Each claim is tried on random instances that satisfy its hypotheses, edge cases among them, and
each instance gives one or more comparisons of a measured value with a theoretical one. Differences
are relative to the larger of the two values, or absolute below the claim's scale.</p>
<dl>{kinds}</dl>
<p>The <em>margin</em> is the tolerance minus what a comparison goes beyond equality or its bound:
a comparison with a negative margin fails. For a counterexample it is what the comparison goes
beyond the bound, minus the tolerance, and one positive margin is enough. The <em>worst margin</em>
is that of the tightest comparison (for a counterexample: the clearest one). Besides, a claim fails
if nothing but zeros was compared, if a bound was never approached, or if a quantity that should
fall never did.</p>
<p>Each <em>histogram</em> counts the comparisons of a claim by order of magnitude; the counts are
logarithmic too, so that a single comparison can be seen. For an equality it shows the difference of
the two sides, else the margin. Solid bars hold; outlined bars, labelled or right of the tolerance,
fail; grey bars are instances where a counterexample does not show itself.</p>
<p>The instances depend on the seed, the claim's id and the number of the chunk alone, not on the
number of workers. The lines of Python under a claim draw the chunk of its tightest comparison once
more.</p>
"""

# The histogram: sizes in pixels.
WIDTH, HEIGHT = 640, 168
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 20, 34
SPECIAL = 58  # room for a bar that is off the axis: zero, negative, infinite
GAP = 14  # room between those and the axis, for the labels of both
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Run:
    """What was asked for, and how long it took.

    Parameters
    ----------
    seed : int
    profile : str
    cases : int or None
        Instances for each claim, if they were given.
    seconds : float
    """

    seed: int
    profile: str
    cases: int | None
    seconds: float

    @property
    def options(self) -> str:
        """The command's options that give the same instances."""
        chosen = f" --profile {self.profile}" if self.profile != "default" else ""
        return f"--seed {self.seed}" + (f" --cases {self.cases}" if self.cases else chosen)


def machine() -> str:
    """Return on what the numbers were computed, in one line."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    )


def described(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the entries of a description list from names and (already escaped) contents."""
    return "\n".join(f"<dt>{escape(name)}</dt><dd>{content}</dd>" for name, content in pairs)


def anchor(verdict: Verdict) -> str:
    """Return the id of a claim's section, escaped."""
    return escape(f"claim-{verdict.claim.id}")


def result(verdict: Verdict, *, why: bool = True) -> str:
    """Return the verdict in words and with a sign, escaped."""
    if verdict.passed:
        return "✓ holds"
    reason = f": {escape(verdict.reason)}" if why else ""
    if verdict.undecided:
        return f"? too few instances to judge{reason}"
    return f'<span class="failed">✗ FAILS{reason}</span>'


def outcome(verdicts: Sequence[Verdict]) -> str:
    """Return the result of the run in one line with links to the claims that fail."""
    n = len(verdicts)
    failed = [verdict for verdict in verdicts if verdict.failed]
    undecided = sum(verdict.undecided for verdict in verdicts)
    rest = f", ? {undecided} undecided: too few instances to judge" if undecided else ""
    if not failed:
        return f"✓ {n - undecided} of {n} claims hold{rest}"
    links = ", ".join(f'<a href="#{anchor(one)}">{escape(one.claim.id)}</a>' for one in failed)
    verb = "fails" if len(failed) == 1 else "fail"
    return f'<span class="failed">✗ {len(failed)} of {n} claims {verb}:</span> {links}{rest}'


def summary_table(verdicts: Sequence[Verdict]) -> str:
    """Return the table of all claims, each with a link to its section."""
    rows = "\n".join(
        f'<tr><td><a href="#{anchor(one)}">{escape(one.claim.id)}</a></td>'
        f"<td>{escape(one.claim.kind)}</td>"
        f'<td class="number">{one.instances:,}</td><td class="number">{one.comparisons:,}</td>'
        f'<td class="number">{one.worst_margin:.2g}</td><td>{result(one, why=False)}</td></tr>'
        for one in verdicts
    )
    return (
        '<table><thead><tr><th scope="col">claim</th><th scope="col">kind</th>'
        '<th scope="col" class="number">instances</th>'
        '<th scope="col" class="number">comparisons</th>'
        '<th scope="col" class="number">worst margin</th><th scope="col">verdict</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def tightest(verdict: Verdict) -> str:
    """Return the tightest comparison's place and values; see `reproduction`."""
    found = verdict.tightest
    if found is None:
        return "none"
    return (
        f"measured {found.measured!r}, theoretical {found.theoretical!r}: chunk {found.chunk} of "
        f"{found.count:,} instances, comparison {found.position} of {found.comparisons:,} (from 0)"
    )


def reproduction(verdict: Verdict, run: Run) -> str:
    """Return the command that repeats a claim and the Python lines for its tightest comparison."""
    found, claim_id = verdict.tightest, verdict.claim.id
    lines = [f"zeroone verify --only {shlex.quote(claim_id)} {run.options}"]
    if found is not None:
        place = f"chunk={found.chunk}, count={found.count}"
        lines += [
            ">>> from zeroone.claims import rerun",
            f">>> trial = rerun({claim_id!r}, seed={run.seed}, {place})",
            f">>> trial.measured[{found.position}], trial.theoretical[{found.position}]",
            f"({found.measured!r}, {found.theoretical!r})",
            ">>> trial.instances  # what was drawn",
        ]
    return "<pre><code>" + escape("\n".join(lines)) + "</code></pre>"


def claim_section(verdict: Verdict, run: Run) -> str:
    """Return all about one claim."""
    claim = verdict.claim
    tried = f"{verdict.instances:,} instances, {verdict.comparisons:,} comparisons"
    search = claim.kind is Kind.COUNTEREXAMPLE
    beyond = "of which break the bound" if search else "of which beyond the tolerance"
    worst = f"{verdict.worst_margin:.3g}"
    facts = [
        ("verdict", result(verdict)),
        ("kind", f"{escape(claim.kind)}, tolerance {claim.tolerance:.2g}"),
        ("hypotheses", escape(claim.hypotheses) or "none"),
        ("source", escape(claim.source)),
        ("checks", escape(", ".join(labels_of(claim.id))) or "no numbered result"),
        ("tried", f"{tried}, {verdict.exceeding:,} {beyond}; worst margin {worst}"),
        ("clearest" if search else "tightest", tightest(verdict)),
    ]
    drawing = draw_histogram(verdict)
    figure = f"<figure>{drawing}</figure>" if drawing else ""
    style = "claim fails" if verdict.failed else "claim"
    return (
        f'<section class="{style}" id="{anchor(verdict)}">\n<h3>{escape(claim.id)}</h3>\n'
        f'<p class="statement">{escape(claim.statement)}</p>\n<dl>{described(facts)}</dl>\n'
        f"{figure}\n{reproduction(verdict, run)}\n</section>"
    )


def page(verdicts: Sequence[Verdict], run: Run) -> Iterator[str]:
    """Yield the page in pieces.

    Parameters
    ----------
    verdicts : sequence of Verdict
    run : Run

    Yields
    ------
    str
    """
    number = f"{run.cases:,} for each claim" if run.cases else "each claim's own number"
    if run.profile != "default" and not run.cases:
        number += ", multiplied"
    facts = [
        ("version", escape(f"zeroone {zeroone.__version__}")),
        ("seed", str(run.seed)),
        ("profile", escape(run.profile)),
        ("instances", f"{number}; {sum(one.instances for one in verdicts):,} in all"),
        ("comparisons", f"{sum(one.comparisons for one in verdicts):,} in all"),
        ("machine", escape(machine())),
        ("time", f"{run.seconds:.1f} s"),
    ]
    kinds = described((str(kind), escape(meaning)) for kind, meaning in KINDS.items())
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>zeroone verify: the theory's claims checked</title>\n<style>{STYLE}</style>\n"
        "</head>\n<body>\n"
    )
    yield (
        "<header>\n<h1>The theory’s claims, checked</h1>\n"
        f'<p class="outcome">{outcome(verdicts)}</p>\n<dl>{described(facts)}</dl>\n</header>\n'
        '<nav aria-label="Contents"><ul><li><a href="#summary">All claims at a glance</a></li>'
        '<li><a href="#reading">How to read this</a></li>'
        '<li><a href="#claims">The claims one by one</a></li></ul></nav>\n<main>\n'
    )
    yield (
        '<section id="summary">\n<h2>All claims at a glance</h2>\n'
        f"{summary_table(verdicts)}\n</section>\n"
        '<section id="reading">\n<h2>How to read this</h2>'
        f"{READING.format(kinds=kinds)}</section>\n"
        '<section id="claims">\n<h2>The claims one by one</h2>\n'
    )
    for verdict in verdicts:
        yield claim_section(verdict, run) + "\n"
    yield "</section>\n</main>\n</body>\n</html>\n"


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


def in_words(verdict: Verdict) -> str:
    """Return the picture in words."""
    return (
        f"Histogram of {verdict.comparisons} comparisons; {quantity(verdict.claim.kind)}, "
        f"logarithmic on both axes."
    )


def draw_histogram(verdict: Verdict) -> str:
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
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(in_words(verdict))}">'
        + "\n".join(parts)
        + "</svg>"
    )
