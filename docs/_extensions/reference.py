"""The reference: a page for each module, and one that lists all public names."""

import ast
import importlib
import inspect
import re
from functools import cache
from itertools import zip_longest
from types import GenericAlias, ModuleType
from typing import Any

from generated import Folder
from names import canonical
from results import ROOT
from sphinx.application import Sphinx

import zeroone

PACKAGE = ROOT / "zeroone"
# The command line has a page of its own, and two modules are programs that a grader starts.
WITHOUT = (
    "zeroone.__main__",
    "zeroone.cli",
    "zeroone.commands",
    "zeroone.grading.supervisor",
    "zeroone.grading.worker",
)
LONGEST_VALUE = 60
# Rooms of the house, from the ground up; what is not named comes last.
ORDER = (
    "activations", "penalties", "losses", "nets", "steps", "datasets", "bcd", "targetprop",
    "gaussian", "exact", "estimators", "claims", "player", "plots", "grading", "support",
)  # fmt: skip

INDEX = """Reference
=========

Every name of the package, a page for each module, with links to the sources.

The public names
----------------

These are there after ``import zeroone``; each is imported when it is first asked for.

{names}

The modules
-----------

{modules}

.. toctree::
   :hidden:

{pages}
"""

PAGE = """{module}
{line}

.. automodule:: {module}
{options}

{names}

{constants}

{parts}
"""


def modules() -> dict[str, ModuleType]:
    """Return the modules that have a page, by name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name != "zeroone" and not any(f"{name}.".startswith(f"{one}.") for one in WITHOUT):
            found[name] = importlib.import_module(name)
    return found


def summary(thing: Any) -> str:
    """Return the first sentence of what something says of itself."""
    text = inspect.getdoc(thing) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    first = re.sub(r" ?\(docs/theory\.md#[^)]*\)", "", first)
    return re.split(r"(?<=\.) (?=[A-Z])", first)[0]


@cache
def constants(module: str) -> dict[str, str]:
    """Return the public constants of a module, with the comment above each."""
    source = inspect.getsource(importlib.import_module(module))
    lines = source.split("\n")
    found: dict[str, str] = {}
    body = ast.parse(source).body
    for node, below in zip_longest(body, body[1:]):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        else:
            continue
        if isinstance(target, ast.Name) and not target.id.startswith("_"):
            comment: list[str] = []
            place = node.lineno - 2
            while place >= 0 and lines[place].startswith("#"):
                comment.insert(0, lines[place].lstrip("# "))
                place -= 1
            beside = re.search(r"  # (?!type:|noqa|fmt:)(.*)$", lines[node.lineno - 1])
            found[target.id] = " ".join(comment) or (beside[1] if beside else "")
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                found[target.id] = str(below.value.value).partition("\n")[0]
    return found


def data(module: str) -> str:
    """Return the constants of a module as directives."""
    made = []
    for name, comment in constants(module).items():
        thing = getattr(importlib.import_module(module), name)
        if callable(thing) and not isinstance(thing, GenericAlias):
            continue
        value = repr(thing)
        shown = f"\n   :value: {value}" if len(value) <= LONGEST_VALUE and "<" not in value else ""
        text = f"\n   {cited(comment)}\n" if comment else ""
        made.append(f".. py:data:: {name}\n   :module: {module}{shown}\n{text}")
    return "Constants\n---------\n\n" + "\n".join(made) if made else ""


def cited(text: str) -> str:
    """Return plain text as a docstring's text is read."""
    from docstrings import readable

    return " ".join(readable([text]))


def table(rows: list[tuple[str, str]]) -> str:
    """Return a table of two columns."""
    made = [".. list-table::", "   :widths: 35 65", ""]
    for name, text in rows:
        made += [f"   * - {name}", f"     - {cited(text)}"]
    return "\n".join(made) + "\n"


def listed(names: dict[str, str]) -> str:
    """Return a table of names, each linked to where it is documented.

    Parameters
    ----------
    names : dict
        What is shown, and the dotted name of what is meant.
    """
    rows = []
    for shown, dotted in names.items():
        target = canonical(dotted)
        thing = importlib.import_module("zeroone")
        for part in dotted.split(".")[1:]:
            thing = getattr(thing, part)
        plain = isinstance(thing, str | tuple | dict | float)
        rows.append(
            (
                f":py:obj:`{shown} <{target}>`" if target else f"``{shown}``",
                "" if plain else summary(thing),
            )
        )
    return table(rows)


def public_names() -> list[str]:
    """Return what is there after ``import zeroone``."""
    return sorted({*zeroone._module_of, *zeroone._path_of})


def page(name: str, module: ModuleType, all_names: list[str]) -> str:
    """Return the page of a module."""
    own = [one for one in all_names if one.rpartition(".")[0] == name]
    is_package = hasattr(module, "__path__")
    options = ["   :members:", "   :member-order: bysource", "   :show-inheritance:"]
    options.append("   :ignore-module-all:")
    aliases = [one for one in constants(name) if isinstance(getattr(module, one), GenericAlias)]
    if aliases:  # with the constants
        options.append(f"   :exclude-members: {', '.join(aliases)}")
    if name.startswith("zeroone.estimators"):
        options.append("   :inherited-members: object")
    elsewhere = {
        one: f"{name}.{one}"
        for one in getattr(module, "__all__", ())
        if canonical(f"{name}.{one}") not in (f"{name}.{one}", None)
    }
    names = "Names offered here\n------------------\n\n" + listed(elsewhere) if elsewhere else ""
    parts = ""
    if is_package and own:
        tree = "\n".join(f"   {one}" for one in own)
        rows = [(f":py:mod:`{one} <{one}>`", summary(importlib.import_module(one))) for one in own]
        parts = f"Modules\n-------\n\n{table(rows)}\n.. toctree::\n   :hidden:\n\n{tree}\n"
    return PAGE.format(
        module=name,
        line="=" * len(name),
        options="\n".join(options),
        names=names,
        constants=data(name),
        parts=parts,
    )


def make(app: Sphinx) -> None:
    """Write the pages."""
    folder = Folder(ROOT / "docs" / "api")
    found = modules()
    for name, module in found.items():
        folder.write(f"{name}.rst", page(name, module, list(found)))
    top = [f"zeroone.{room}" for room in ORDER if f"zeroone.{room}" in found]
    top += sorted(name for name in found if name.count(".") == 1 and name not in top)
    rows = [(f":py:mod:`{name} <{name}>`", summary(found[name])) for name in top]
    names = listed({f"zeroone.{name}": f"zeroone.{name}" for name in public_names()})
    pages = "\n".join(f"   {name}" for name in top)
    folder.write("index.rst", INDEX.format(names=names, modules=table(rows), pages=pages))
    folder.prune()


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
