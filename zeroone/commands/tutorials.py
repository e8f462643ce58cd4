"""``zeroone tutorials``: write the tutorials as notebooks, executed, with their pictures."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zeroone.commands.common import check_writable, progress
from zeroone.support import notebooks
from zeroone.support.files import atomic_write
from zeroone.support.material import material_folder
from zeroone.support.tables import table


@dataclass(frozen=True)
class Page:
    """A tutorial.

    Parameters
    ----------
    name : str
        Such as "01_step_unit".
    title : str
    source : str
        A script in the percent format.
    """

    name: str
    title: str
    source: str

    @classmethod
    def read(cls, path: Path) -> "Page":
        """Return the tutorial in a file; its title is the first heading."""
        source = path.read_text(encoding="utf-8")
        headings = (line[4:] for line in source.splitlines() if line.startswith("# # "))
        return cls(path.stem, next(headings, path.stem), source)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "tutorials",
        help="write the tutorials as executed notebooks",
        description=f"{__doc__} Needs jupytext, nbclient and ipykernel: "
        "pip install 'zeroone-nets[notebooks]'.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="which tutorials, such as 01_step_unit or 1 (default: all)",
    )
    parser.add_argument(
        "--to", metavar="FOLDER", help="where to write the notebooks; it is made if there is none"
    )
    parser.add_argument("--list", action="store_true", help="list the tutorials and write none")
    parser.set_defaults(run=run)


def read_pages() -> list[Page]:
    """Return all tutorials in their order.

    Raises
    ------
    ValueError
        If the package was installed without them.
    """
    folder = material_folder("tutorials")
    return [Page.read(path) for path in sorted(folder.glob("[0-9][0-9]_*.py"))]


def choose(pages: Sequence[Page], names: Iterable[str]) -> list[Page]:
    """Return the tutorials of these names or numbers, in their order; all if there is no name.

    Raises
    ------
    ValueError
        If there is no tutorial of a name.
    """
    by_name = {page.name: page for page in pages}
    by_name |= {str(int(page.name[:2])): page for page in pages}
    by_name |= {page.name[:2]: page for page in pages}
    wanted = []
    for name in names:
        if name not in by_name:
            known = ", ".join(page.name for page in pages)
            raise ValueError(f"name must be one of {known}, or its number, but is {name!r}")
        wanted.append(by_name[name])
    return [page for page in pages if page in wanted or not wanted]


def check_folder(folder: Path, pages: Sequence[Page]) -> None:
    """Refuse a folder into which the notebooks cannot be written, or not without a loss.

    Raises
    ------
    ValueError
        If it is a file, cannot be written to, or holds files of these names other than notebooks
        that this command wrote and nobody changed.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"to must be a folder, but {folder} is a file")
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ValueError(f"cannot write to {folder}: {nearest} is not a folder to write to")
    if not folder.exists():
        return
    for page in pages:
        path = folder / f"{page.name}.ipynb"
        check_writable(str(path))
        if path.exists() and not notebooks.is_unchanged(path, page.name):
            raise ValueError(
                f"cannot write {path}: it was changed, or is another notebook; "
                "move it away or choose another folder"
            )


def make(page: Page, cell_done: Callable[[], object]) -> str:
    """Return the contents of a tutorial's notebook.

    Raises
    ------
    RuntimeError
        If a cell fails.
    """
    notebook = notebooks.convert(page.source, page.name)
    notebooks.execute(notebook, cell_done)
    return notebooks.write_text(notebook)


def count_cells(page: Page) -> int:
    """Return the number of cells with code."""
    return page.source.splitlines().count("# %%")


def run(arguments: argparse.Namespace) -> int:
    """Write the notebooks; 1 if one of them could not be executed."""
    pages = choose(read_pages(), arguments.names)
    if arguments.list:
        print(table(["name", "title"], [(page.name, page.title) for page in pages]))
        return 0
    if arguments.to is None:
        raise ValueError("to must name a folder: zeroone tutorials --to FOLDER")
    folder = Path(arguments.to)
    check_folder(folder, pages)
    notebooks.check_tools()
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with progress(sum(map(count_cells, pages)), "cell") as bar:
        for page in pages:
            bar.set_description(page.name)
            try:
                content = make(page, bar.update)
            except RuntimeError as error:
                bar.write(f"zeroone: {page.name} failed: {error}", file=sys.stderr)
                failed += 1
                continue
            path = folder / f"{page.name}.ipynb"
            with atomic_write(path, text=True) as file:
                file.write(content)
            bar.write(f"written to {path}", file=sys.stdout)
    return 1 if failed else 0
