"""``zeroone slides``: the slides of a class as one HTML file.

The page needs no connection and no other file: pictures and equations are in it. Arrow keys, the
space bar or a swipe turn the slides; n shows the notes for the speaker, d changes light and dark,
f fills the screen; printed, each slide is a page.
"""

import argparse
from pathlib import Path

from zeroone.commands.common import check_writable
from zeroone.player.slides import read, render
from zeroone.support.files import atomic_write
from zeroone.support.material import material_folder

SOURCE = Path("teaching") / "slides.md"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "slides", help="write the slides of a class as one HTML file", description=__doc__
    )
    parser.add_argument("--html", metavar="FILE.html", required=True, help="the page to write")
    parser.add_argument(
        "--source",
        metavar="FILE.md",
        help="slides of your own, in Markdown (default: those of the plan for 90 minutes)",
    )
    parser.set_defaults(run=run)


def picture_of(source: Path, address: str) -> Path:
    """Return where a picture of the slides is: beside the source, or among the figures.

    Raises
    ------
    ValueError
        If it is at neither place.
    """
    beside = source.parent / address
    if beside.is_file():
        return beside
    figure = material_folder("figures") / Path(address).name
    if figure.is_file():
        return figure
    raise ValueError(
        f"pictures must be beside {source} or be figures of zeroone (zeroone figures --list), but "
        f"there is no {address}"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page."""
    if arguments.source is None:
        source = material_folder("docs") / SOURCE
    else:
        source = Path(arguments.source)
    check_writable(arguments.html)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise ValueError(f"source must be a file of Markdown, but {source}: {reason}") from None
    if Path(arguments.html).resolve() == source.resolve():
        raise ValueError(f"cannot write {arguments.html}: that file is read")

    def find(address: str) -> Path:
        return picture_of(source, address)

    slides = read(text, find)
    page = render(slides)
    with atomic_write(arguments.html, text=True) as file:
        file.write(page)
    print(
        f"{len(slides)} slides written to {arguments.html} ({len(page) / 1e6:.1f} MB): "
        "open it in a browser"
    )
    return 0
