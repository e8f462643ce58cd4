"""Slides as one HTML file, from Markdown: it needs no connection, no other file, only a browser.

The source is a small part of Markdown, so that code-hosting sites show it too. ``# `` begins the
first slide and ``## `` each other one. A slide has paragraphs, lists of one level, tables, code,
equations (``$x$`` in a line, or fenced as ``math``; `zeroone.player.mathml`), a picture, and notes
for the speaker, which are quotations: lines that begin with ``>``.
"""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from zeroone.player.document import asset
from zeroone.player.mathml import mathml

# A picture that is wider than this many times its height stands below the text, not beside it.
WIDE = 1.35
KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\$(?P<math>[^$]+)\$|\*\*(?P<strong>.+?)\*\*|\*(?P<em>[^*]+)\*"
    r"|\[(?P<text>[^\]]+)\]\((?P<address>[^)]+)\)"
)
PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]+)\)")


@dataclass
class Slide:
    """A slide.

    Parameters
    ----------
    title : str
        As HTML.
    body : list of str
        Elements, as HTML.
    picture : str
        An ``<img>`` element, or nothing.
    wide : bool
        Whether the picture is wide.
    notes : list of str
        Paragraphs for the speaker, as HTML.
    """

    title: str
    body: list[str] = field(default_factory=list)
    picture: str = ""
    wide: bool = False
    notes: list[str] = field(default_factory=list)


def inline(text: str) -> str:
    """Return a line of Markdown as HTML: code, equations, emphasis and links.

    A link to a file is shown as text, since the file is not there where the slides are.
    """
    pieces, place = [], 0
    for found in INLINE.finditer(text):
        pieces.append(escape(text[place : found.start()]))
        place = found.end()
        kind, content = found.lastgroup or "", found[found.lastgroup or 0]
        if kind == "code":
            pieces.append(f"<code>{escape(content)}</code>")
        elif kind == "math":
            pieces.append(mathml(content, display="inline"))
        elif kind == "address":
            shown = inline(found["text"])
            web = content.startswith(("https://", "http://"))
            pieces.append(f'<a href="{escape(content)}">{shown}</a>' if web else shown)
        else:
            pieces.append(f"<{kind}>{inline(content)}</{kind}>")
    return "".join(pieces) + escape(text[place:])


def blocks(source: str) -> Iterator[list[str]]:
    """Yield the blocks of a text: lines between blank lines, or from fence to fence."""
    block: list[str] = []
    fenced = False
    for line in source.splitlines():
        if line.startswith("```"):
            if fenced:
                block.append(line)
            if block:
                yield block
            block = [] if fenced else [line]
            fenced = not fenced
        elif fenced or (line.strip() and not line.startswith("#")):
            block.append(line)
        else:
            if block:
                yield block
            block = []
            if line.strip():
                yield [line]
    if fenced:
        raise ValueError("slides must close every ```, but the last one is open")
    if block:
        yield block


def read(source: str, find: Callable[[str], Path]) -> list[Slide]:
    """Return the slides of a text.

    Parameters
    ----------
    source : str
        The Markdown.
    find : callable (address) -> Path
        Where a picture is.

    Raises
    ------
    ValueError
        If the text does not begin with a heading, a picture is missing or has no description, a
        slide has two, or there is Markdown that slides do not know.
    """
    slides: list[Slide] = []
    for block in blocks(source):
        first = block[0]
        if first.startswith("#"):
            marks, _, title = first.partition(" ")
            if marks != ("##" if slides else "#"):
                raise ValueError(
                    f"slides must have one heading with # and then headings with ##, but {first!r} "
                    f"is the heading {len(slides) + 1}"
                )
            slides.append(Slide(inline(title.strip())))
        elif not slides:
            raise ValueError(f"slides must begin with a heading (# ...), but begin with {first!r}")
        else:
            add(slides[-1], block, find)
    if not slides:
        raise ValueError("slides must have at least one heading (# ...), but there is no text")
    return slides


def add(slide: Slide, block: list[str], find: Callable[[str], Path]) -> None:
    """Add a block of text to a slide."""
    first, text = block[0], " ".join(line.strip() for line in block)
    picture = PICTURE.fullmatch(text)
    if first.startswith("```math"):
        slide.body.append(f'<div class="equation">{mathml(" ".join(block[1:-1]))}</div>')
    elif first.startswith("```"):
        slide.body.append(f"<pre><code>{escape(chr(10).join(block[1:-1]))}</code></pre>")
    elif first.startswith(">"):
        slide.notes.append(inline(" ".join(line.lstrip(">").strip() for line in block)))
    elif picture:
        if slide.picture:
            raise ValueError(f"a slide must have at most one picture, but {slide.title!r} has two")
        slide.picture, slide.wide = image(find(picture["path"]), picture["alt"])
    elif first.startswith(("- ", "1. ")):
        slide.body.append(listed(block))
    elif first.startswith("|"):
        slide.body.append(table(block))
    elif first.startswith(("<", "!", "    ", "---", "***")):
        raise ValueError(f"slides know a small part of Markdown, which {first!r} is not")
    else:
        slide.body.append(f"<p>{inline(text)}</p>")


def listed(block: list[str]) -> str:
    """Return a list of one level."""
    items: list[str] = []
    for line in block:
        if found := re.match(r"(?:- |\d+\. )(.*)", line):
            items.append(found[1])
        elif re.match(r"\s+(?:- |\d+\. )", line):
            raise ValueError(
                f"a list on slides must have one level, but has {line!r} below another"
            )
        else:
            items[-1] += " " + line.strip()
    kind = "ul" if block[0].startswith("-") else "ol"
    return f"<{kind}>{''.join(f'<li>{inline(item)}</li>' for item in items)}</{kind}>"


def table(block: list[str]) -> str:
    """Return a table; its second line, which only draws a rule in the source, is left out."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block]
    head, body = rows[0], rows[2:]
    top = "".join(f'<th scope="col">{inline(cell)}</th>' for cell in head)
    below = (f"<tr>{''.join(f'<td>{inline(cell)}</td>' for cell in row)}</tr>" for row in body)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(below)}</tbody></table>"


def image(path: Path, description: str) -> tuple[str, bool]:
    """Return a picture as an element that holds all of it, and whether it is wide.

    Raises
    ------
    ValueError
        If there is no such file, it is no picture, or it has no description.
    """
    if not description.strip():
        raise ValueError(
            f"every picture must have a description for who cannot see it: {path.name}"
        )
    if path.suffix not in KINDS:
        raise ValueError(f"a picture must be one of {', '.join(KINDS)}, but is {path.name}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the picture {path}: {error.strerror}") from None
    data = base64.b64encode(content).decode()
    width, height = size(content)
    element = (
        f'<img alt="{escape(description)}" width="{width:.0f}" height="{height:.0f}" '
        f'style="--ratio: {width / height:.4f}" src="data:{KINDS[path.suffix]};base64,{data}">'
    )
    return element, width > WIDE * height


def size(content: bytes) -> tuple[float, float]:
    """Return the width and the height of a picture, 4 and 3 if it does not say."""
    if content.startswith(b"\x89PNG"):
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    found = re.search(rb'viewBox="\s*[\d.+-]+[\s,]+[\d.+-]+[\s,]+([\d.]+)[\s,]+([\d.]+)', content)
    return (float(found[1]), float(found[2])) if found else (4, 3)


def section(number: int, count: int, slide: Slide) -> str:
    """Return a slide as an element."""
    kind = "title" if number == 1 else "wide" if slide.wide else "tall" if slide.picture else "text"
    heading = "h1" if number == 1 else "h2"
    picture = f'<div class="picture">{slide.picture}</div>' if slide.picture else ""
    notes = "".join(f"<p>{note}</p>" for note in slide.notes)
    place = f'id="slide-{number}" aria-label="Slide {number} of {count}"'
    return (
        f'<section class="slide {kind}" {place}>\n'
        f'<{heading} tabindex="-1">{slide.title}</{heading}>\n'
        f'<div class="body">{"".join(slide.body)}</div>\n{picture}\n'
        f'<aside class="notes" aria-label="Notes">{notes}</aside>\n'
        f'<p class="number" aria-hidden="true">{number}</p>\n</section>\n'
    )


def render(slides: Sequence[Slide]) -> str:
    """Return a page with some slides, at least one."""
    sections = (section(n, len(slides), slide) for n, slide in enumerate(slides, start=1))
    parts = {
        "title": re.sub("<[^>]*>", "", slides[0].title),
        "style": asset("slides.css"),
        "slides": "".join(sections),
        "script": asset("slides.js"),
    }
    pieces = enumerate(asset("slides.html").split("%%"))
    return "".join(parts[piece] if number % 2 else piece for number, piece in pieces)
