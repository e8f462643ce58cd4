"""A small card for a notebook: a title, lines of text, and numbers before and after as bars.

Its colours work on a light and on a dark page, and none of them speaks alone.
"""

import math
from collections.abc import Sequence
from html import escape

# Name, value before, value after.
Row = tuple[str, float, float]

CARD = (
    "border: 1px solid rgba(128, 128, 128, .5); border-radius: .5em; padding: .6em .9em; "
    "max-width: 44em; font-family: system-ui, sans-serif; line-height: 1.4"
)
TRACK = "display: block; width: 10em; height: .8em; background: rgba(128, 128, 128, .25)"
BAR = "display: block; height: 100%; background: #0072b2"
CELL = "text-align: right; padding: .1em .6em; font-variant-numeric: tabular-nums"
# A change below this, relative to the largest number, is rounding.
RESOLUTION = 1e-11


def card(title: str, lines: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a card as HTML.

    Parameters
    ----------
    title : str
    lines : sequence of str
        Shown as they are, one below the other.
    rows : sequence of (name, before, after)
        The bar of a row is as long as its value after, on the scale of the largest of them all.

    Examples
    --------
    >>> "before" in card("U1", ["fire where it is cheaper"], [("fit", 2.0, 1.0)])
    True
    """
    sizes = [abs(x) for _, *values in rows for x in values if math.isfinite(x)]
    largest = max(sizes, default=0.0) or 1.0
    text = "".join(f"<div>{escape(line) or '&nbsp;'}</div>" for line in lines)
    body = "".join(table_row(row, largest) for row in rows)
    head = "".join(
        f'<th style="{CELL}; text-align: {"left" if name == "term" else "right"}">{name}</th>'
        for name in ("term", "before", "after", "change", "")
    )
    return (
        f'<div style="{CARD}"><div style="font-weight: 600">{escape(title)}</div>'
        '<div style="font-family: ui-monospace, monospace; font-size: .85em; margin: .4em 0; '
        f'white-space: pre-wrap">{text}</div>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def table_row(row: Row, largest: float) -> str:
    """Return a row of the table with its bar."""
    name, before, after = row
    change = after - before
    if abs(change) <= RESOLUTION * largest:
        change = 0.0
    sign = "▼ " if change < 0 else "▲ " if change > 0 else ""
    size = min(abs(after) / largest, 1) if math.isfinite(after) else 0
    return (
        f'<tr><td style="{CELL}; text-align: left">{escape(name)}</td>'
        f'<td style="{CELL}">{before:.6g}</td><td style="{CELL}">{after:.6g}</td>'
        f'<td style="{CELL}">{sign}{abs(change):.4g}</td><td><span style="{TRACK}">'
        f'<span style="{BAR}; width: {100 * size:.1f}%"></span></span></td></tr>'
    )
