"""Tables for a terminal, and what a run cost."""

import sys
import textwrap
from collections.abc import Sequence

Cell = str | int | float


def format_cell(value: Cell) -> str:
    """Return a number with four significant digits, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    wrap: int | None = None,
    width: int = 100,
) -> str:
    """Return rows of cells as aligned text: numbers to the right, words to the left.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequence of cells
    wrap : int, optional
        The column whose words are broken over several lines so that the table fits the width.
    width : int, default 100
        Characters in a line, for `wrap`.

    Returns
    -------
    str
        Without a newline at the end.
    """
    texts = [[format_cell(cell) for cell in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[column], int | float) for row in rows)
        for column in range(len(header))
    ]
    sizes = [
        max(len(row[column]) for row in [list(header), *texts]) for column in range(len(header))
    ]
    if wrap is not None:
        others = sum(size + 2 for column, size in enumerate(sizes) if column != wrap)
        sizes[wrap] = min(sizes[wrap], max(width - others, 20))
    lines = []
    for row in [list(header), ["-" * size for size in sizes], *texts]:
        columns = [
            textwrap.wrap(cell, sizes[column]) or [""] if column == wrap else [cell]
            for column, cell in enumerate(row)
        ]
        for line in range(max(len(column) for column in columns)):
            cells = [column[line] if line < len(column) else "" for column in columns]
            aligned = [
                cell.rjust(size) if is_right else cell.ljust(size)
                for cell, size, is_right in zip(cells, sizes, right, strict=True)
            ]
            lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def peak_memory() -> float | None:
    """Return the largest resident memory of this process so far in MB, or None if unknown."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (
        peak
        / (1e6 if sys.platform == "darwin" else 1e3)
        * (1 if sys.platform == "darwin" else 1.024)
    )


def format_memory(megabytes: float | None) -> str:
    """Return an amount of memory for people."""
    return "unknown" if megabytes is None else f"{megabytes:,.0f} MB"
