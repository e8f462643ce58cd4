"""The navigation at the left: the parts of the site, and below them what is near the page.

The theme would write the whole tree, of two hundred modules, on every page, and take most of the
build's time for it. Here the tree is read once; a page has the branch on which it is.
"""

from functools import partial
from html import escape
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def captions(env: BuildEnvironment) -> list[tuple[str, list[str]]]:
    """Return the captions of the start page's lists, each with its pages."""
    root = env.get_doctree(env.config.root_doc)
    return [
        (node.get("caption") or "", list(node["includefiles"]))
        for node in root.findall(addnodes.toctree)
    ]


def branch(env: BuildEnvironment, page: str) -> list[str]:
    """Return a page and those above it."""
    above = {child: one for one, children in env.toctree_includes.items() for child in children}
    found = [page]
    while found[-1] in above and above[found[-1]] not in found:
        found.append(above[found[-1]])
    return found


def entries(app: Sphinx, here: str, pages: list[str], current: list[str], level: int) -> str:
    """Return a list of pages as HTML, with what is below those that are current."""
    made = []
    for page in pages:
        title = app.env.titles.get(page, nodes.title("", page)).astext()
        if page.startswith("api/zeroone."):  # below its package, a module's last name is enough
            title = title.rpartition(".")[2]
        elif page.startswith("gallery/") and page != "gallery/index":  # titles are sentences
            title = page.removeprefix("gallery/").replace("_", " ").capitalize()
        mark = " current" if page in current else ""
        target = app.builder.get_relative_uri(here, page) if page != here else "#"
        below = app.env.toctree_includes.get(page, []) if mark else []
        inner = entries(app, here, list(below), current, level + 1) if below else ""
        made.append(
            f'<li class="toctree-l{level}{mark}"><a class="reference internal{mark}" '
            f'href="{target}">{escape(title)}</a>{inner}</li>'
        )
    return f"<ul>{''.join(made)}</ul>"


def navigation(app: Sphinx, here: str, **options: Any) -> str:
    """Return the navigation of a page as HTML, as the theme asks for it."""
    # The pages of sources belong to those of their modules.
    module = here.removeprefix("_modules/").replace("/", ".")
    current = branch(app.env, f"api/{module}" if here.startswith("_modules/") else here)
    return "".join(
        f'<p class="caption" role="heading"><span class="caption-text">{escape(caption)}</span></p>'
        + entries(app, here, pages, current, 1)
        for caption, pages in app.navigation_captions  # type: ignore[attr-defined]
        if pages
    )


def read(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Read the captions once all pages are known."""
    app.navigation_captions = captions(env)  # type: ignore[attr-defined]
    return []


def replace(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the theme this navigation in place of the whole tree."""
    context["toctree"] = partial(navigation, app, page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect both, the second before the theme."""
    app.connect("env-updated", read)
    app.connect("html-page-context", replace, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
