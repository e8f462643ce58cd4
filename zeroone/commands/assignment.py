"""``zeroone assignment``: list the classroom assignments, start them, or show a solution."""

import argparse
import ast
import importlib.util
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import zeroone
from zeroone.grading.assignment import HANDOUT, STARTER, find, folders
from zeroone.support.files import atomic_write
from zeroone.support.notebooks import NOT_GRADED, plain
from zeroone.support.tables import table

NOTEBOOK = "starter.ipynb"
# The package for instructors, which is no part of zeroone, and what each of its folders holds.
INSTRUCTOR, SOLUTION = "zeroone_instructor", "solution.py"
# Calls of an assignment's functions to try in a notebook, cell by cell.
EXAMPLES = "examples.py"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "assignment",
        help="list the classroom assignments, start them, or show a solution",
        description=__doc__,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    starting = actions.add_parser(
        "start",
        help="copy handouts and their starters",
        description="Copy the handout and the starter of each assignment into a folder of its own, "
        "which has the name of the assignment. Nothing is overwritten.",
    )
    starting.add_argument("names", nargs="+", metavar="NAME", help="01, 01_name, or name")
    starting.add_argument(
        "--to",
        default=".",
        metavar="FOLDER",
        help="where to make these folders (default: here); it is made if it does not exist",
    )
    starting.add_argument(
        "--notebook",
        action="store_true",
        help=f"write the starter as a notebook, {NOTEBOOK}, with the handout in its first cell",
    )
    starting.set_defaults(run=start)
    solving = actions.add_parser(
        "solution",
        help="print solutions, for instructors",
        description="Print the solution of each assignment, or copy it. The solutions are in a "
        "package of their own, which is not installed with zeroone: pip install ./instructor in a "
        "checkout of the repository.",
    )
    solving.add_argument("names", nargs="+", metavar="NAME", help="01, 01_name, or name")
    solving.add_argument(
        "--to",
        metavar="FOLDER",
        help=f"copy to FOLDER/01_name/{SOLUTION} instead of printing; nothing is overwritten",
    )
    solving.set_defaults(run=solve)
    listing = actions.add_parser("list", help="list them", description="List the assignments.")
    listing.set_defaults(run=show)


def chosen(names: Sequence[str]) -> list[Path]:
    """Return the folders of some assignments, each once.

    Raises
    ------
    ValueError
        If there is no such assignment, or two folders have one name.
    """
    found = list(dict.fromkeys(find(name).resolve() for name in names))
    repeated = [folder.name for folder in found if [f.name for f in found].count(folder.name) > 1]
    if repeated:
        raise ValueError(f"NAME must not lead to two folders of one name, {repeated[0]}")
    return found


def start(arguments: argparse.Namespace) -> int:
    """Copy handouts and starters, and overwrite nothing.

    Raises
    ------
    ValueError
        If there is no such assignment, one of the files is there already, or a folder cannot be
        made.
    """
    parent, files = Path(arguments.to), {}
    starter = NOTEBOOK if arguments.notebook else STARTER
    sources = chosen(arguments.names)
    for source in sources:
        target = parent / source.name
        for name in (HANDOUT, STARTER):
            if not (source / name).is_file():
                continue
            if name == STARTER and arguments.notebook:
                files[target / NOTEBOOK] = notebook(source).encode()
            else:
                files[target / name] = (source / name).read_bytes()
    write(files, parent)
    one = "the starter" if len(sources) == 1 else "each starter"
    if arguments.notebook:
        print("\nTo open a notebook: pip install 'zeroone-nets[notebooks]', then jupyter notebook.")
        print("Its last cell grades it.", end=" ")
    else:
        print()
    print("Grading needs hypothesis: pip install 'zeroone-nets[classroom]'")
    print(f"Read the handout and fill in {one}. To see what is right:")
    for source in sources:
        path = shlex.quote(str(parent / source.name / starter))
        print(f"    zeroone grade {shlex.quote(short_name(source))} {path}")
    return 0


def short_name(folder: Path) -> str:
    """Return by what `zeroone grade` finds an assignment: its number, or a folder of one's own."""
    return folder.name.partition("_")[0] if folder in map(Path.resolve, folders()) else str(folder)


def notebook(source: Path) -> str:
    """Return the contents of a notebook with the handout, the starter and what to try.

    Parameters
    ----------
    source : Path
        The folder of an assignment.
    """
    cells, name = [], shlex.quote(short_name(source))
    if (source / HANDOUT).is_file():
        text = (source / HANDOUT).read_text(encoding="utf-8")
        cells.append(("markdown", text.replace(STARTER, NOTEBOOK)))
    starter = (source / STARTER).read_text(encoding="utf-8")
    cells += [("code", piece) for piece in pieces(starter)]
    if (source / EXAMPLES).is_file():
        said, *tried = (source / EXAMPLES).read_text(encoding="utf-8").split("# %%\n")
        cells.append(("markdown", f"## Try it\n\n{ast.get_docstring(ast.parse(said)) or ''}"))
        cells += [("code", f"{NOT_GRADED}\n{each}") for each in tried]
    cells += [
        (
            "markdown",
            "## Grade it\n\nSave the notebook first. The grader reads the file: it takes the cells "
            f"with code, without lines that begin with `%` or `!`. A cell that begins with "
            f"`{NOT_GRADED}` is left out: begin cells like that in which you try things.",
        ),
        ("code", f"{NOT_GRADED}\n%run -m zeroone grade {name} {NOTEBOOK}"),
    ]
    return plain(cells)


def pieces(source: str) -> Iterator[str]:
    """Yield the statements of a script without its docstring, each function in one piece.

    A comment goes with the statement below it.
    """
    lines, begin = source.splitlines(), 0
    tree = ast.parse(source)
    for number, node in enumerate(tree.body):
        last = number + 1 == len(tree.body)
        end = len(lines) if last else node.end_lineno or begin
        if number > 0 or ast.get_docstring(tree) is None:
            yield "\n".join(lines[begin:end])
        begin = end


def solutions() -> Path:
    """Return the folder of the solutions: that of a checkout, or of the package for instructors.

    Raises
    ------
    ValueError
        If there is none.
    """
    root = Path(zeroone.__file__).resolve().parents[1]
    places = [root / "instructor" / INSTRUCTOR]
    # Found without being imported: nothing of it has to run.
    spec = importlib.util.find_spec(INSTRUCTOR)
    if spec is not None:
        places += map(Path, spec.submodule_search_locations or [])
    for place in places:
        if (place / "solutions").is_dir():
            return place / "solutions"
    raise ValueError(
        "solutions are in a package for instructors, which is not installed: pip install "
        "./instructor in a checkout of zeroone's repository"
    )


def solve(arguments: argparse.Namespace) -> int:
    """Print solutions, or copy them.

    Raises
    ------
    ValueError
        If there is no such assignment, no solution, or a file is there already.
    """
    folder, found = solutions(), {}
    for source in chosen(arguments.names):
        path = folder / source.name / SOLUTION
        if not path.is_file():
            raise ValueError(f"NAME must be an assignment with a solution, but {source.name} has "
                             f"none in {folder}")  # fmt: skip
        found[source.name] = path.read_bytes()
    if arguments.to is None:
        print("\n\n".join(text.decode().rstrip("\n") for text in found.values()))
    else:
        parent = Path(arguments.to)
        write({parent / name / SOLUTION: text for name, text in found.items()}, parent)
    return 0


def write(files: dict[Path, bytes], parent: Path) -> None:
    """Write files into folders below a parent, say so, and overwrite nothing.

    A handout that is there already, word for word, is left as it is.

    Raises
    ------
    ValueError
        If another of the files is there already, or a folder cannot be made.
    """
    there = [path for path, content in files.items() if holds(path, content)]
    for path in files:
        if os.path.lexists(path) and (path not in there or path.name != HANDOUT):
            raise ValueError(
                f"{path} is there already and is not overwritten: move it away, or name another "
                "folder with --to"
            )
    for folder in dict.fromkeys([parent, *(path.parent for path in files)]):
        make_folder(folder)
    for path, content in files.items():
        if path in there:
            print(f"{path} is there already")
            continue
        with atomic_write(path) as file:
            file.write(content)
        print(f"{path} written")


def holds(path: Path, content: bytes) -> bool:
    """Return whether a file is there with this content."""
    return path.is_file() and path.read_bytes() == content


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
    return first_heading((folder / HANDOUT).read_text(encoding="utf-8").splitlines())


def first_heading(lines: Iterable[str]) -> str:
    """Return the first heading among lines of Markdown, or nothing."""
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


def show(arguments: argparse.Namespace) -> int:
    """Print the assignments that come with zeroone."""
    print(table(["assignment", "title"], [(folder.name, heading(folder)) for folder in folders()]))
    return 0
