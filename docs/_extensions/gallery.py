"""The gallery: a page for each figure, with what it shows, its script, and its command."""

import ast
import re
from pathlib import Path
from typing import Any

from generated import Folder
from results import ROOT
from sphinx.application import Sphinx

FIGURES = ROOT / "figures"

INDEX = """# Gallery

Each figure has a script of its own, with a fixed seed. `zeroone figures NAME` draws it anew, as
`.svg` and `.png`; `zeroone figures --to FOLDER` draws all of them.

::::{{container}} gallery
{cards}
::::

```{{toctree}}
:hidden:

{pages}
```
"""

CARD = """:::{{container}} card
[![{title}](../../figures/{name}.png)]({name}.md)

[{title}]({name}.md)
:::
"""

PAGE = """# {title}

```{{image}} ../../figures/{name}.svg
:alt: {alt}
:class: figure
```

{text}

    zeroone figures {name}

Files: {{download}}`{name}.svg <../../figures/{name}.svg>`,
{{download}}`{name}.png <../../figures/{name}.png>`,
{{download}}`{name}.py <../../figures/{name}.py>`.

## The script

```{{literalinclude}} ../../figures/{name}.py
:language: python
```
"""


def markdown(text: str) -> str:
    """Return a docstring as Markdown: its code in single ticks, its citations as links."""
    text = text.replace("``", "`")
    pieces = re.split(r"(`[^`]+`)", text)
    for place in range(0, len(pieces), 2):
        plain = re.sub(r"([\\*_<>\[\]|$])", r"\\\1", pieces[place])
        pieces[place] = citations(plain)
    return "".join(pieces)


def citations(text: str) -> str:
    """Return text with its citations of the theory, such as docs/theory.md#a1, #a2, as links."""

    def links(found: re.Match[str]) -> str:
        names = re.findall(r"#([\w-]+)", found[0])
        return "theory " + ", ".join(f"[{name.upper()}](#theory-{name})" for name in names)

    return re.sub(r"docs/theory\.md#[\w-]+(?:(?:, | and )#[\w-]+)*", links, text)


def card_and_page(script: Path) -> tuple[str, str]:
    """Return a figure's card in the index, and its page."""
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    first, _, rest = docstring.partition("\n")
    bare = re.sub(r" ?\(docs/theory\.md#[^)]*\)", "", first).rstrip(".")
    title = re.sub(r"([\\*_<>\[\]|$])", r"\\\1", bare)
    cited = re.search(r"docs/theory\.md#[^)]*", first)
    text = markdown(rest.strip())
    if cited:
        text += f"\n\nSee {citations(cited[0])}."
    card = CARD.format(name=script.stem, title=title)
    return card, PAGE.format(name=script.stem, title=title, alt=bare, text=text)


def make(app: Sphinx) -> None:
    """Write the pages."""
    folder = Folder(ROOT / "docs" / "gallery")
    scripts = sorted(FIGURES.glob("*.py"))
    made = {script.stem: card_and_page(script) for script in scripts}
    for name, (_, page) in made.items():
        folder.write(f"{name}.md", page)
    cards = "\n".join(card for card, _ in made.values())
    folder.write("index.md", INDEX.format(cards=cards, pages="\n".join(made)))
    folder.prune()


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
