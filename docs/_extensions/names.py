"""Names in the text become links: `zeroone.gaussian.angle` to where it is documented.

So do ids of claims, to their rows in the table; commands, to their options; and numbers of formulas
in brackets, to the formulas. The text itself stays as it is, so that it reads the same elsewhere.
"""

import importlib
import inspect
import re
from functools import cache
from typing import Any

from borrowed import page_of
from docutils import nodes
from mathml import anchor
from results import ROOT, claims_named
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
NUMBER = re.compile(r"\(((?:[ABCDE]\d?|U)\.\d+)\)")
COMMAND = re.compile(r"zeroone ([a-z][a-z0-9-]*)\b")
# They run when they are imported.
PROGRAMS = ("zeroone.__main__", "zeroone.grading.supervisor", "zeroone.grading.worker")
THEORY, CLAIMS, COMMANDS = "theory", "claims", "cli"


@cache
def numbers() -> frozenset[str]:
    """Return the numbers of the theory's formulas, those in the first cell of a row among them."""
    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    tagged = re.findall(r"\\tag\{([^}]+)\}", text)
    return frozenset(tagged + re.findall(r"^\| \(([A-E]\d?\.\d+)\) \|", text, re.MULTILINE))


@cache
def canonical(name: str) -> str | None:
    """Return the name under which something is documented: where it is defined.

    Parameters
    ----------
    name : str
        A dotted name of a module, a function, a class, or a part of a class; ``zeroone.`` may be
        left out.

    Returns
    -------
    str or None
        None if there is no such thing. What has no documentation of its own, such as a constant,
        gives the module or the class that it belongs to.
    """
    if name.startswith(PROGRAMS):
        return None
    parts = (name if name.split(".")[0] == "zeroone" else f"zeroone.{name}").split(".")
    for depth in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:depth]))
            break
        except ImportError:
            continue
    documented: str = found.__name__
    for part in parts[depth:]:
        if not hasattr(found, part):
            return None
        found = getattr(found, part)
        if inspect.isclass(found) or inspect.isroutine(found):
            documented = f"{found.__module__}.{found.__qualname__}"
        elif isinstance(found, property):
            documented = f"{documented}.{part}"
        elif inspect.ismodule(found):
            documented = found.__name__
    return documented if documented != "zeroone" and documented.startswith("zeroone") else None


def link(text: str, address: str) -> nodes.reference:
    """Return a link that looks like a name."""
    return nodes.reference("", "", nodes.literal(text, text), refuri=address, internal=True)


def claims_link(app: Sphinx, here: str, text: str) -> nodes.reference | None:
    """Return the link of an id, a pattern or a label to the rows of the table that it means."""
    ids = claims_named(text)
    if not ids:
        return None
    page = app.builder.get_relative_uri(here, CLAIMS)
    return link(text, f"{page}#{ids[0]}" if ids == [text] else f"{page}?only={text}#{ids[0]}")


def name_link(here: str, text: str) -> addnodes.pending_xref | None:
    """Return the link of a dotted name to its documentation."""
    target = canonical(text)
    if target is None:
        return None
    return addnodes.pending_xref(
        "",
        nodes.literal(text, text),
        refdoc=here,
        refdomain="py",
        reftype="obj",
        reftarget=target,
        refexplicit=True,
        refwarn=True,
    )


def command_link(app: Sphinx, here: str, text: str) -> nodes.reference | None:
    """Return the link of a command to its options."""
    found = COMMAND.match(text)
    if not found or found[1] not in command_names():
        return None
    return link(text, f"{app.builder.get_relative_uri(here, COMMANDS)}#zeroone-{found[1]}")


@cache
def command_names() -> frozenset[str]:
    """Return the names of the commands."""
    from command_line import parsers

    return frozenset(parsers())


def file_link(app: Sphinx, here: str, text: str) -> nodes.reference | None:
    """Return the link of a file that has a page, such as docs/theory.md#a1."""
    name, _, place = text.partition("#")
    page = page_of(ROOT / name) if (ROOT / name).is_file() else None
    if page is None:
        return None
    address = app.builder.get_relative_uri(here, page[1:].rpartition(".")[0])
    return link(text, f"{address}{'#' if place else ''}{place}")


def linked(app: Sphinx, here: str, text: str) -> nodes.Node | None:
    """Return the link for a piece of code in the text, or None if it names nothing."""
    if text.startswith("zeroone "):
        return command_link(app, here, text)
    if re.fullmatch(r"(docs|tutorials)/[\w/.#-]+", text):
        return file_link(app, here, text)
    if not text.startswith("zeroone."):
        found = claims_link(app, here, text)
        if found is not None:
            return found
    return name_link(here, text) if DOTTED.fullmatch(text) else None


def resolve(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Node
) -> nodes.reference | None:
    """Find a name that a package offers where it is defined."""
    target = node.get("reftarget", "")
    own = canonical(target) if target.startswith("zeroone.") else None
    if node.get("refdomain") != "py" or own in (None, target):
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", own, node, content)


def stands_alone(node: nodes.Node) -> bool:
    """Return whether a node is not part of a link, a heading, or code already."""
    taken = (nodes.reference, nodes.title, nodes.literal_block, addnodes.pending_xref, nodes.rubric)
    taken += (nodes.raw, nodes.math, nodes.math_block, addnodes.desc_signature, nodes.image)
    parent = node.parent
    while parent is not None:
        if isinstance(parent, taken):
            return False
        parent = parent.parent
    return True


def link_code(app: Sphinx, doctree: nodes.document) -> None:
    """Link the names in a page."""
    here = app.env.docname
    if here == CLAIMS:
        return
    for node in list(doctree.findall(nodes.literal)):
        if stands_alone(node):
            found = linked(app, here, node.astext())
            if found is not None:
                node.replace_self(found)


def link_numbers(app: Sphinx, doctree: nodes.document) -> None:
    """Link the numbers of formulas in a page."""
    here = app.env.docname
    page = "" if here == THEORY else app.builder.get_relative_uri(here, THEORY)
    for node in list(doctree.findall(nodes.Text)):
        if isinstance(node.parent, nodes.literal) or not stands_alone(node):
            continue
        pieces: list[nodes.Node] = []
        end = 0
        text = node.astext()
        for found in NUMBER.finditer(text):
            if found[1] not in numbers() or is_anchor(node, here):
                continue
            address = f"{page}#{anchor(found[1])}"
            pieces += [
                nodes.Text(text[end : found.start()]),
                nodes.reference("", found[0], refuri=address, internal=True),
            ]
            end = found.end()
        if pieces:
            node.parent.replace(node, [*pieces, nodes.Text(text[end:])])


def is_anchor(node: nodes.Node, here: str) -> bool:
    """Return whether a number is that of a row of the theory, to which the other numbers lead."""
    entry = node.parent.parent if node.parent is not None else None
    return here == THEORY and isinstance(entry, nodes.entry) and bool(entry.parent["ids"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect all."""
    app.connect("doctree-read", link_code, priority=600)
    app.connect("doctree-read", link_numbers, priority=600)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
