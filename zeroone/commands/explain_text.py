"""How `zeroone explain` prints its reports: headings, aligned columns, no line too long."""

import textwrap
from collections.abc import Sequence

from zeroone.commands.explain_blocks import RESOLUTION, BlockReport, Line, Worked

INDENT = "  "


def wrap(label: str, text: str, label_width: int, width: int) -> list[str]:
    """Return a label and its text, wrapped under itself."""
    first = f"{INDENT}{label:<{label_width}}{INDENT}"
    # A product stays on one line: textwrap does not break at a no-break space.
    whole = text.replace(" · ", "\xa0·\xa0")
    lines = textwrap.wrap(
        whole,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
    return [line.replace("\xa0", " ").rstrip() for line in lines or [first]]


def columns(lines: Sequence[Line], width: int) -> list[str]:
    """Return lines with their labels in one column."""
    label_width = max((len(label) for label, _ in lines), default=0)
    return [out for label, text in lines for out in wrap(label, text, label_width, width)]


def paragraph(text: str, width: int) -> list[str]:
    """Return a paragraph without indentation."""
    return textwrap.wrap(text, width, break_on_hyphens=False)


def heading(text: str, width: int) -> list[str]:
    """Return a heading with a rule under it."""
    lines = paragraph(text, width)
    return [*lines, "─" * max(len(line) for line in lines)]


def number(value: float) -> str:
    """Return an objective's value in twelve columns."""
    return f"{value:>12.6g}"


def objective_table(report: BlockReport) -> list[str]:
    """Return F by term before and after, with a word on those that changed."""
    lines = [f"{INDENT}{'F by term':<14}{'before':>12}{'after':>12}{'change':>12}"]
    rows = [(name, report.before[name], report.after[name]) for name in report.before]
    total = ("F", report.objective_before, report.objective_after)
    size = max(abs(report.objective_before), abs(report.objective_after))
    for name, before, after in [*rows, total]:
        change = after - before
        if abs(change) <= RESOLUTION * size:
            change, word = 0.0, "same"
        else:
            word = "falls" if change < 0 else "rises"
        mark = "  " if word == "same" else " *"
        amount = number(change) if change else f"{'0':>12}"
        lines.append(
            f"{INDENT}{name:<14}{number(before)}{number(after)}{amount}{mark}"
            f"{'' if word == 'same' else ' ' + word}".rstrip()
        )
    return lines


def comparison_lines(worked: Worked, width: int) -> list[str]:
    """Return the results by hand beside the library's."""
    lines: list[Line] = []
    for each in worked.comparisons:
        verdict = "agree" if each.agrees else "DIFFERS"
        text = f"by hand {each.by_hand:<14.9g} library {each.library:<14.9g} {verdict}"
        lines.append((each.quantity, text))
    return columns(lines, width)


def shape_lines(report: BlockReport, width: int) -> list[str]:
    """Return the arrays with their shapes."""
    sizes = [" x ".join(map(str, shape)) for _, shape, _ in report.shapes]
    longest = max(map(len, sizes))
    lines = [
        (name, f"{size:<{longest}}{INDENT}{meaning}")
        for (name, _, meaning), size in zip(report.shapes, sizes, strict=True)
    ]
    return columns(lines, width)


def render_block(number_of: int, total: int, report: BlockReport, width: int) -> list[str]:
    """Return everything about one block update, line by line."""
    title = f"Update {number_of} of {total}: {report.block}, {report.heading}"
    flips = "bit flips" if report.flips == 1 else "bits flip"
    # Only U moves bits; elsewhere the sentence would be noise.
    moved = [f"{INDENT}{report.flips} {flips}."] if report.block[0] in "UJ" else []
    return [
        *heading(title, width),
        "",
        "Equation",
        *columns(report.equations, width),
        "",
        "Shapes",
        *shape_lines(report, width),
        "",
        "Objective",
        *objective_table(report),
        *moved,
        "",
        *paragraph(f"By hand: {report.worked.title}", width),
        *columns(report.worked.lines, width),
        *comparison_lines(report.worked, width),
        "",
    ]


def verdict(reports: Sequence[BlockReport]) -> str:
    """Return one sentence or two on whether F fell, and on the bits."""
    falls = [report.fall for report in reports]
    rose = [report.block for report in reports if report.fall < 0]
    path = f"{reports[0].objective_before:.6g} to {reports[-1].objective_after:.6g}"
    lowered = sum(fall > 0 for fall in falls)
    if rose:
        text = f"F ROSE at {', '.join(rose)}"
    elif lowered == len(falls):
        text = f"Every update lowered F, from {path}"
    else:
        text = (
            f"No update raised F, and {lowered} of {len(falls)} lowered it, from {path} "
            "(the others had nothing to gain)"
        )
    flips = sum(report.flips for report in reports)
    return f"{text}; {flips} hidden bit{'' if flips == 1 else 's'} flipped."


def render_summary(reports: Sequence[BlockReport], width: int) -> list[str]:
    """Return the table of all updates and the verdict."""
    lines = [
        *heading("Summary", width),
        "",
        f"{INDENT}{'block':<5}{'F before':>12}{'F after':>12}{'fall':>12}{'flips':>8}  by hand",
    ]
    for report in reports:
        flips = str(report.flips) if report.block[0] in "UJ" else "-"
        agrees = "agrees" if report.worked.agrees else "DIFFERS"
        lines.append(
            f"{INDENT}{report.block:<5}{number(report.objective_before)}"
            f"{number(report.objective_after)}{number(report.fall)}{flips:>8}  {agrees}"
        )
    return [*lines, "", *paragraph(verdict(reports), width)]
