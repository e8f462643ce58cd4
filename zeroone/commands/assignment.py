"""``zeroone assignment``: list the classroom assignments, or start one."""

import argparse
import shutil
from pathlib import Path

from zeroone.files import atomic_write
from zeroone.grading.assignment import HANDOUT, STARTER, find, folders
from zeroone.report import table


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "assignment", help="list the classroom assignments, or start one", description=__doc__
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    starting = actions.add_parser(
        "start",
        help="copy a handout and its starter",
        description="Copy a handout and its starter.",
    )
    starting.add_argument("name", metavar="NAME", help="01, 01_name, or name")
    starting.add_argument("--to", default=".", metavar="FOLDER", help="(default: this folder)")
    starting.set_defaults(run=start)
    listing = actions.add_parser("list", help="list them", description="List the assignments.")
    listing.set_defaults(run=show)


def start(arguments: argparse.Namespace) -> int:
    """Copy handout and starter, and overwrite nothing."""
    source, target = find(arguments.name), Path(arguments.to)
    if not target.is_dir():
        raise ValueError(f"to must be a folder, but there is no folder {target}")
    names = [name for name in (HANDOUT, STARTER) if (source / name).is_file()]
    for name in names:
        if (target / name).exists() or (target / name).is_symlink():
            raise ValueError(
                f"{target / name} is there already and is not overwritten: name another folder "
                "with --to"
            )
    for name in names:
        with atomic_write(target / name) as file, open(source / name, "rb") as original:
            shutil.copyfileobj(original, file)
        print(f"{target / name} written")
    return 0


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
