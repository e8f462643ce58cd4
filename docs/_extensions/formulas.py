"""Under each formula of the theory: which function computes it, and which claims check it.

The functions are those that the glossary of symbols names with the number; the text of the theory
says the rest: what it names in brackets before a formula, or after ``Computed by:`` and
``Checked:`` below one or several of them.
"""

import re
from functools import cache
from typing import Any

from docutils import nodes
from mathml import anchor, number_of
from names import NUMBER, THEORY, canonical
from results import ROOT, claims_named
from sphinx.application import Sphinx

GLOSSARY = ROOT / "tutorials" / "00_notation.py"
COMPUTED, CHECKED = "Computed by:", "Checked:"


@cache
def functions_of_the_glossary() -> dict[str, list[str]]:
    """Return, for the number of a formula, the functions that the glossary names below it."""
    text = re.sub(r"^# ?", "", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for number, below in re.findall(
        r"\\tag\{([^}]+)\}\$\$(.*?)(?=\$\$|^#|^\||\Z)", text, re.S | re.M
    ):
        names = re.findall(r"`([A-Za-z_][\w.]*\.[\w.]+)`", below)
        found[number] = [f"zeroone.{name}" for name in names if canonical(name)]
    return found


def literals(node: nodes.Node) -> list[str]:
    """Return the pieces of code in a node."""
    return [one.astext() for one in node.findall(nodes.literal)]


def split(paragraph: nodes.Node) -> tuple[list[str], list[str]]:
    """Return the functions and the claims that a paragraph names after its two key words."""
    functions: list[str] = []
    claims: list[str] = []
    word = ""
    for node in paragraph.findall():
        if isinstance(node, nodes.Text) and not isinstance(node.parent, nodes.literal):
            places = {one: node.astext().rfind(one) for one in (COMPUTED, CHECKED)}
            last = max(places, key=places.__getitem__)
            word = last if places[last] >= 0 else word
        elif isinstance(node, nodes.literal):
            text = node.astext()
            if word == COMPUTED and text.startswith("zeroone."):
                functions.append(text)
            elif word == CHECKED and claims_named(text):
                claims.append(text)
    return functions, claims


def before(block: nodes.math_block) -> tuple[list[str], list[str]]:
    """Return the functions and the claims that the paragraph right above a formula names."""
    place = block.parent.index(block)
    above = block.parent[place - 1] if place else None
    if not isinstance(above, nodes.paragraph) or CHECKED in above.astext():
        return [], []
    named = literals(above)
    functions = [one for one in named if one.startswith("zeroone.") and canonical(one)]
    return functions, [one for one in named if claims_named(one)]


def gather(section: nodes.Node) -> dict[nodes.math_block, tuple[list[str], list[str]]]:
    """Return the functions and the claims of each formula of a section."""
    found: dict[nodes.math_block, tuple[list[str], list[str]]] = {}
    waiting: tuple[list[nodes.math_block], list[nodes.math_block]] = ([], [])
    for node in parts(section):
        if isinstance(node, nodes.math_block):
            number = number_of(node.astext())
            if number is None:
                continue
            functions, claims = before(node)
            functions = functions_of_the_glossary().get(number) or functions
            found[node] = (functions, claims)
            for one, names in zip(waiting, found[node], strict=True):
                if not names:
                    one.append(node)
        else:
            for kind, names in enumerate(split(node)):
                if names:
                    for block in waiting[kind]:
                        found[block][kind].extend(names)
                    waiting[kind].clear()
    return found


def parts(section: nodes.Node) -> list[nodes.Node]:
    """Return the formulas and paragraphs of a section in their order, without its subsections."""
    found: list[nodes.Node] = []
    for child in section.children:
        if isinstance(child, nodes.section):
            continue
        if isinstance(child, nodes.math_block | nodes.paragraph):
            found.append(child)
        else:
            found += parts(child)
    return found


def line(functions: list[str], claims: list[str]) -> nodes.paragraph:
    """Return the line below a formula; `names` makes links of what is in it."""
    pieces: list[nodes.Node] = []
    for word, names in (("computed by", functions), ("checked by", claims)):
        for number, name in enumerate(dict.fromkeys(names)):
            before_it = ", " if number else f"{' · ' if pieces else ''}{word} "
            pieces += [nodes.Text(before_it), nodes.literal(name, name)]
    return nodes.paragraph("", "", *pieces, classes=["formula-line"])


def annotate(app: Sphinx, doctree: nodes.document) -> None:
    """Give each formula of the theory its address and its line."""
    if app.env.docname != THEORY:
        return
    for block in doctree.findall(nodes.math_block):
        number = number_of(block.astext())
        if number:
            block["ids"] = [anchor(number)]
    for entry in doctree.findall(nodes.entry):
        found = NUMBER.fullmatch(entry.astext())
        if found and entry.parent.index(entry) == 0:
            entry.parent["ids"] = [anchor(found[1])]
    for section in doctree.findall(nodes.section):
        for block, (functions, claims) in gather(section).items():
            if functions or claims:
                block.parent.insert(block.parent.index(block) + 1, line(functions, claims))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it, before names become links."""
    app.connect("doctree-read", annotate, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
