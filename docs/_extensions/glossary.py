"""The glossary: all symbols, and all formulas by number, from the notation tutorial."""

import re
from typing import Any

from formulas import functions_of_the_glossary
from generated import Folder
from names import numbers
from results import ROOT
from sphinx.application import Sphinx

NOTATION = ROOT / "tutorials" / "00_notation.py"
PAGE = """# Glossary of symbols

What each symbol means, what the code calls it, and its shape.
[Tutorial 0](tutorials/00_notation.ipynb) introduces them; the numbers are those of the
[theory](theory.md).

{tables}

## Formulas by number

| formula | computed by |
|---|---|
{formulas}
"""


def markdown_cells(text: str) -> str:
    """Return the text of a script's Markdown cells."""
    return "\n".join(line[2:] for line in text.splitlines() if line.startswith("# ") or line == "#")


def tables(text: str) -> list[str]:
    """Return the headings with the tables of symbols below them."""
    found = []
    heading = ""
    rows: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if line.startswith("|"):
            rows.append(line)
        elif rows:
            if rows[0].startswith("| symbol |"):
                found.append(f"## {heading}\n\n" + "\n".join(rows))
            rows = []
    return found


def order(number: str) -> tuple[str, int]:
    """Return by what numbers are sorted."""
    section, _, place = number.partition(".")
    return ("0" if section == "U" else section, int(place))


def make(app: Sphinx) -> None:
    """Write the page."""
    text = NOTATION.read_text(encoding="utf-8")
    text = "\n".join(
        re.sub(r"^# ?", "", line) if line.startswith("#") else line for line in text.splitlines()
    )
    rows = []
    for number in sorted(numbers(), key=order):
        named = ", ".join(f"`{name}`" for name in functions_of_the_glossary().get(number, []))
        rows.append(f"| ({number}) | {named} |")
    content = PAGE.format(tables="\n\n".join(tables(text)), formulas="\n".join(rows))
    Folder(ROOT / "docs").write("glossary.md", content)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
