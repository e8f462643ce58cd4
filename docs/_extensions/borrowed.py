"""Pages that stand elsewhere in the repository: executed tutorials, and handouts.

They are copied into the site's source with their links turned to the site's own pages. A link to a
file that is no page becomes a download of the file.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from generated import Folder
from results import ROOT
from sphinx.application import Sphinx

DOCS, TUTORIALS = ROOT / "docs", ROOT / "tutorials"
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)
# The start page's list of pages for teachers, which Sphinx refuses while there is none.
TEACHING = re.compile(r"^```\{toctree\}(?:(?!```).)*?^teaching/\*\n```\n", re.DOTALL | re.MULTILINE)

NOTEBOOK_HEAD = """{{download}}`Script <{script}>` · {{download}}`notebook <{notebook}>`

"""
TUTORIALS_TREE = """
```{{toctree}}
:hidden:

{pages}
```
"""
ASSIGNMENTS = """# Assignments

`zeroone assignment start 01` copies a handout and its starter, and `zeroone grade 01 FILE` checks a
solution: see [the command line](../cli.md).

{items}

```{{toctree}}
:hidden:

{pages}
```
"""


def page_of(path: Path) -> str | None:
    """Return the page of the site, from the site's root, that shows a file or folder; or None."""
    inside = path.relative_to(ROOT)
    parts = inside.parts
    if parts in ((), ("README.md",)):
        return "/index.md"
    if parts[0] == "docs" and path.suffix == ".md":
        return "/" + "/".join(parts[1:])
    if parts[0] == "figures":
        return "/gallery/index.md" if len(parts) == 1 else None
    if parts[0] != "tutorials":
        return None
    if parts[1:] in ((), ("README.md",), ("notebooks",)):
        return "/tutorials/index.md"
    if parts[1] == "assignments":
        if len(parts) == 2:
            return "/assignments/index.md"
        return f"/assignments/{parts[2]}.md" if parts[3:] in ((), ("handout.md",)) else None
    return f"/tutorials/{path.stem}.ipynb" if re.match(r"\d\d_", path.stem) else None


def retargeted(text: str, homes: tuple[Path, ...], page: Path, source: Path | None = None) -> str:
    """Return Markdown with its relative links turned to the pages of the site.

    Parameters
    ----------
    text : str
    homes : tuple of Path
        The folders from which its links may be meant, the likeliest first.
    page : Path
        The folder in which the page stands in the site's source.
    source : Path, optional
        The page, if it has anchors of its own.

    Raises
    ------
    ValueError
        If a link leads nowhere.
    """

    def turned(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        name, _, anchor = target.partition("#")
        if "://" in target:
            return found[0]
        if not name:
            return f"[{words}](#theory-{anchor})" if page / "theory.md" == source else found[0]
        path = next((one / name for one in homes if (one / name).exists()), None)
        if path is None:
            raise ValueError(f"a link leads nowhere: {target}")
        path = Path(os.path.normpath(path))
        own = page_of(path)
        if own is None or picture:
            relative = os.path.relpath(path, page)
            if picture:
                return f"![{words}]({relative})"
            return f"{{download}}`{words.replace('`', '')} <{relative}>`"
        if own == "/theory.md" and anchor:
            return f"[{words}](#theory-{anchor})"
        relative = os.path.relpath(DOCS / own[1:], page)
        return f"[{words}]({relative}{'#' if anchor else ''}{anchor})"

    pieces = FENCE.split(text)
    pieces[::2] = [LINK.sub(turned, piece) for piece in pieces[::2]]
    return "".join(pieces)


def tutorial(notebook: Path, folder: Path) -> str:
    """Return a notebook of the site: links turned, and links to its files below the title."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    first = True
    for cell in content["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        text = retargeted("".join(cell["source"]), (TUTORIALS, notebook.parent), folder)
        if first:
            head = NOTEBOOK_HEAD.format(
                script=os.path.relpath(TUTORIALS / f"{notebook.stem}.py", folder),
                notebook=os.path.relpath(notebook, folder),
            )
            title, _, rest = text.partition("\n")
            text, first = f"{title}\n\n{head}{rest}", False
        cell["source"] = text
    content["metadata"].pop("zeroone", None)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def make_tutorials() -> None:
    """Write the pages of the tutorials."""
    folder = Folder(DOCS / "tutorials")
    notebooks = sorted((TUTORIALS / "notebooks").glob("*.ipynb"))
    for notebook in notebooks:
        folder.write(notebook.name, tutorial(notebook, folder.path))
    text = (TUTORIALS / "README.md").read_text(encoding="utf-8")
    # On the site a page is a page: script and notebook are one link.
    text = re.sub(r" \| \[notebook\]\([^)]*\) \|", " |", text)
    text = text.replace("| | page | read | needs |", "| | page | needs |")
    text = text.replace("|---|---|---|---|---|", "|---|---|---|---|", 1)
    text = retargeted(text, (TUTORIALS,), folder.path)
    pages = "\n".join(notebook.stem for notebook in notebooks)
    folder.write("index.md", text + TUTORIALS_TREE.format(pages=pages))
    folder.prune()


def make_assignments() -> None:
    """Write the pages of the handouts."""
    folder = Folder(DOCS / "assignments")
    handouts = sorted((TUTORIALS / "assignments").glob("*/handout.md"))
    items = []
    for handout in handouts:
        name = handout.parent.name
        text = retargeted(handout.read_text(encoding="utf-8"), (handout.parent,), folder.path)
        starter = os.path.relpath(handout.parent / "starter.py", folder.path)
        title = text.partition("\n")[0].removeprefix("# ")
        folder.write(f"{name}.md", f"{text}\n\nStarter: {{download}}`starter.py <{starter}>`\n")
        items.append(f"* [{title}]({name}.md)")
    pages = "\n".join(handout.parent.name for handout in handouts)
    folder.write("index.md", ASSIGNMENTS.format(items="\n".join(items), pages=pages))
    folder.prune()


def make(app: Sphinx) -> None:
    """Write all of them."""
    make_tutorials()
    make_assignments()


def turn_links(app: Sphinx, docname: str, content: list[str]) -> None:
    """Turn the links of the pages that stand in ``docs`` itself, and make addresses of anchors.

    An anchor is ``<a id="a1"></a>`` above a heading, which every site that shows Markdown knows. It
    gets a second name, ``theory-a1``, under which other pages find it.
    """
    source = Path(app.env.doc2path(docname))
    if source.suffix != ".md" or source.parent not in (DOCS, DOCS / "teaching"):
        return
    if docname == "index" and not any((DOCS / "teaching").glob("*.md")):
        content[0] = TEACHING.sub("", content[0])
    text = re.sub(r'^<a id="([\w-]+)"></a>$', r"(\1)=\n(theory-\1)=", content[0], flags=re.M)
    content[0] = retargeted(text, (source.parent,), source.parent, source)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect both."""
    app.connect("builder-inited", make)
    app.connect("source-read", turn_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
