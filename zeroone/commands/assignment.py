"""``zeroone assignment``: list the classroom assignments, or start one."""

import argparse
import os
import shlex
import shutil
from pathlib import Path

from zeroone.grading.assignment import HANDOUT, STARTER, find, folders
from zeroone.support.files import atomic_write
from zeroone.support.tables import table


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "assignment", help="list the classroom assignments, or start one", description=__doc__
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    starting = actions.add_parser(
        "start",
        help="copy a handout and its starter",
        description="Copy a handout and its starter into a folder of their own, which has the name "
        "of the assignment. Nothing is overwritten.",
    )
    starting.add_argument("name", metavar="NAME", help="01, 01_name, or name")
    starting.add_argument(
        "--to",
        default=".",
        metavar="FOLDER",
        help="where to make that folder (default: here); it is made if it does not exist",
    )
    starting.set_defaults(run=start)
    listing = actions.add_parser("list", help="list them", description="List the assignments.")
    listing.set_defaults(run=show)


def start(arguments: argparse.Namespace) -> int:
    """Copy handout and starter, and overwrite nothing.

    Raises
    ------
    ValueError
        If there is no such assignment, one of the files is there already, or the folder cannot be
        made.
    """
    source, parent = find(arguments.name).resolve(), Path(arguments.to)
    target = parent / source.name
    names = [name for name in (HANDOUT, STARTER) if (source / name).is_file()]
    for path in (target / name for name in names):
        if os.path.lexists(path):
            raise ValueError(
                f"{path} is there already and is not overwritten: move it away, or name another "
                "folder with --to"
            )
    for folder in (parent, target):
        make_folder(folder)
    for name in names:
        with atomic_write(target / name) as file, open(source / name, "rb") as original:
            shutil.copyfileobj(original, file)
        print(f"{target / name} written")
    print(
        f"Read the handout and fill in the starter. To see what is right:\n"
        f"    zeroone grade {shlex.quote(arguments.name)} {shlex.quote(str(target / STARTER))}"
    )
    return 0


def make_folder(folder: Path) -> None:
    """Make a folder if there is none.

    Raises
    ------
    ValueError
        If that is not possible.
    """
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        raise ValueError(f"cannot make {folder}: the folder {folder.parent} does not exist")
    try:
        folder.mkdir()
    except OSError as error:
        raise ValueError(f"cannot make the folder {folder}: {error.strerror}") from None


def heading(folder: Path) -> str:
    """Return the title of an assignment: the first heading of its handout."""
    for line in (folder / HANDOUT).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return ""


def show(arguments: argparse.Namespace) -> int:
    """Print the assignments that come with zeroone."""
    print(table(["assignment", "title"], [(folder.name, heading(folder)) for folder in folders()]))
    return 0
