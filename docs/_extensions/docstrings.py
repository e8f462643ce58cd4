"""Docstrings as they are read in an editor, made into what Sphinx reads.

A docstring of this project is plain text with formulas in it, |w| and w* among them, which
reStructuredText takes for markup. Three things are done before `numpydoc` sees it:

* an indented block after a paragraph is a display, kept line by line;
* signs that would be markup but are not become other characters, and come back when a page is read;
* a citation, such as docs/theory.md#a1, becomes a link to that section, and one such as [1]_ plain
  text, with a link to the module if the list of references stands there.
"""

import re
import sys
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# Private characters of the same width, so that tables keep their columns.
HIDDEN = {"|": "\ue000", "*": "\ue001", "_": "\ue002", "\\": "\ue003", "`": "\ue004"}
# Keeps `numpydoc` from taking an item of a list for a citation.
NOTHING = "\ue005"
SHOWN = str.maketrans({hidden: sign for sign, hidden in HIDDEN.items()} | {NOTHING: ""})
MARKER = re.compile(r"( *)(?:[*+-]|\d+\.|\.\.) +")
CODE = re.compile(r"(``.+?``|:\w+:`[^`]+`|`[^`]+`)", re.DOTALL)
STRONG = re.compile(r"(?<![\w*])(\*\*?)(?=[^\s*])([^*]*[^\s*])\1(?![\w*])")
CITATION = re.compile(r"docs/theory\.md#[\w-]+(?:(?:, | and )#[\w-]+)*")
UNDERLINE = re.compile(r" *([-=~^])\1{2,} *$")


def indentation(line: str) -> int:
    """Return the number of blanks before a line."""
    return len(line) - len(line.lstrip())


def displays(lines: list[str]) -> tuple[list[str], set[int]]:
    """Mark the displays among some lines with ``::``.

    Returns
    -------
    lines : list of str
        With the marks.
    verbatim : set of int
        Which of them are to be left as they are: displays, and examples.
    """
    made: list[str] = []
    verbatim: set[int] = set()
    above = ""  # the last line with words outside displays
    inside = -1  # the indentation of the display in which we are
    content = 0  # the indentation of what belongs to the paragraph above
    for number, line in enumerate(lines):
        depth = indentation(line)
        blank = not line.strip()
        if inside >= 0 and (blank or depth >= inside):
            verbatim.add(len(made))
            made.append(line)
            continue
        inside = -1
        after_blank = number > 0 and not lines[number - 1].strip()
        if not blank and above and after_blank and depth > content:
            inside = depth
            if not above.rstrip().endswith("::"):
                made += [" " * content + "::", ""]
        if not blank and line.lstrip().startswith(">>>"):
            inside = depth
        if inside >= 0:
            verbatim.add(len(made))
        elif not blank:
            above = line
            marker = MARKER.match(line)
            if marker:
                content = marker.end()
            elif after_blank or depth < content or number == 0 or depth > content:
                content = depth
        made.append(line)
    return made, verbatim


def hide(text: str) -> str:
    """Hide what would be markup in text without code, but is not."""
    bold: list[str] = []

    def keep(found: re.Match[str]) -> str:
        bold.append(found[0])
        return f"\ue010{len(bold) - 1}\ue011"

    text = STRONG.sub(keep, text)
    text = re.sub(r"^( *)\*(?= )", "\\1\ue012", text, flags=re.MULTILINE)
    for sign in "|*\\`":
        text = text.replace(sign, HIDDEN[sign])
    text = re.sub(r"(?<=[\w)}'])_(?![\w])", HIDDEN["_"], text)
    text = text.replace("\ue012", "*")
    return re.sub("\ue010(\\d+)\ue011", lambda found: bold[int(found[1])], text)


def cite(text: str) -> str:
    """Make links of citations."""

    def links(found: re.Match[str]) -> str:
        names = re.findall(r"#([\w-]+)", found[0])
        words = [name.upper() if len(name) < 4 else name for name in names]
        made = [f":ref:`{word} <theory-{name}>`" for name, word in zip(names, words, strict=True)]
        return "theory " + ", ".join(made)

    return CITATION.sub(links, text)


def references(lines: list[str], module: str | None) -> list[str]:
    """Make text of references to a list of references, and a plain list of that list."""
    listed = {found[1] for line in lines if (found := re.match(r" *\.\. (\[\d+\]) ", line))}

    def words(found: re.Match[str]) -> str:
        if found[1] in listed or module is None:
            return found[1]
        return f":py:mod:`{found[1]} <{module}>`"

    lines = [re.sub(r"^( *)\.\. (\[\d+\]) ", rf"\1*  {NOTHING}\2 ", line) for line in lines]
    return [re.sub(r"(\[\d+\])_(?!\w)", words, line) for line in lines]


def readable(lines: list[str], module: str | None = None) -> list[str]:
    """Return a docstring's lines as reStructuredText.

    Parameters
    ----------
    lines : list of str
    module : str, optional
        Where its references are listed, if not in the docstring itself.
    """
    lines, verbatim = displays(references(lines, module))
    made: list[str] = []
    run: list[str] = []

    def flush() -> None:
        pieces = CODE.split("\n".join(run))
        pieces[::2] = [cite(hide(piece)) for piece in pieces[::2]]
        made.extend("".join(pieces).split("\n") if run else [])
        run.clear()

    for number, line in enumerate(lines):
        if number in verbatim:
            flush()
            made.append(line)
        elif not line.strip():
            # Code and emphasis end with their paragraph.
            flush()
            made.append(line)
        else:
            run.append(line)
    flush()
    return made


def module_of(name: str) -> str:
    """Return the module in which a dotted name is."""
    while name not in sys.modules:
        name = name.rpartition(".")[0]
    return name


def process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make a docstring readable, in place."""
    lines[:] = readable(list(lines), None if what == "module" else module_of(name))


def show(app: Sphinx, doctree: nodes.document) -> None:
    """Bring the hidden signs back."""
    for node in list(doctree.findall(nodes.Text)):
        text = node.astext()
        if text.translate(SHOWN) != text:
            node.parent.replace(node, nodes.Text(text.translate(SHOWN)))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect both, the first before `numpydoc`."""
    app.connect("autodoc-process-docstring", process, priority=100)
    app.connect("doctree-read", show, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
