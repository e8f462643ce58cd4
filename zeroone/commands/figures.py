"""``zeroone figures``: draw the project's figures anew, each by a script of its own.

A script has a fixed seed and one function, ``draw``; its figure is written as .svg and as .png.
"""

import argparse
import ast
import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zeroone.commands.common import check_writable, progress
from zeroone.plots.style import STYLE, save
from zeroone.support.material import material_folder
from zeroone.support.tables import table
from zeroone.support.validation import check_integer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Where figures go unless told otherwise: a folder of their own, in the current one.
FOLDER = "zeroone-figures"
ENDINGS = (".svg", ".png")
# Dots an inch with which nothing can be read any more, and that make pictures of a gigabyte.
LEAST_DPI, MOST_DPI = 20, 2400


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "figures", help="draw the project's figures", description=__doc__
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="which figures (default: all; see --list)"
    )
    parser.add_argument(
        "--to",
        metavar="FOLDER",
        default=FOLDER,
        help="where to write NAME.svg and NAME.png (default: %(default)s); it is made if there is "
        "none, and files of these names in it are replaced",
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer samples and iterations: a preview"
    )
    parser.add_argument(
        "--dpi",
        type=int,
        default=STYLE["savefig.dpi"],
        metavar="N",
        help="dots an inch of the .png files (default: %(default)s)",
    )
    parser.add_argument("--list", action="store_true", help="list the figures and draw none")
    parser.set_defaults(run=run)


def scripts(folder: Path) -> dict[str, Path]:
    """Return the scripts in a folder by the names of their figures, in alphabetical order."""
    return {path.stem: path for path in sorted(folder.glob("*.py"))}


def choose(found: dict[str, Path], names: Sequence[str]) -> dict[str, Path]:
    """Return the scripts of some figures, each once; of all figures if there are no names.

    Raises
    ------
    ValueError
        If there is no such figure.
    """
    for name in names:
        if name not in found:
            raise ValueError(f"NAME must be one of {', '.join(found)}, but is {name!r}")
    return {name: found[name] for name in names} or found


def title(script: Path) -> str:
    """Return the first line of a script's docstring, without running the script."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def load(script: Path) -> "Callable[..., Figure]":
    """Return a script's function ``draw(quick)``."""
    spec = importlib.util.spec_from_file_location(f"zeroone_figure_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    draw: Callable[..., Figure] = module.draw
    return draw


def run(arguments: argparse.Namespace) -> int:
    """Draw the figures and say where they are."""
    folder = material_folder("figures")
    chosen = choose(scripts(folder), arguments.names)
    if arguments.list:
        print(table(["figure", "shows"], [(name, title(path)) for name, path in chosen.items()]))
        return 0
    dpi = check_integer("dpi", arguments.dpi, minimum=LEAST_DPI)
    if dpi > MOST_DPI:
        raise ValueError(f"dpi must be at most {MOST_DPI}, but is {dpi}")
    target = Path(arguments.to)
    if target.exists() and not target.is_dir():
        raise ValueError(f"to must be a folder, but {target} is a file")
    target.mkdir(parents=True, exist_ok=True)
    files = {name: [target / (name + ending) for ending in ENDINGS] for name in chosen}
    check_writable(*(str(path) for paths in files.values() for path in paths))
    rows = []
    with progress(len(chosen), "figure") as bar:
        for name, script in chosen.items():
            bar.set_postfix_str(name)
            start = time.perf_counter()
            figure = load(script)(quick=arguments.quick)
            for path in files[name]:
                save(figure, path, dpi=dpi)
            seconds = f"{time.perf_counter() - start:.1f} s"
            rows.append((name, seconds, ", ".join(str(path) for path in files[name])))
            bar.update()
    print(table(["figure", "time", "files"], rows))
    return 0
