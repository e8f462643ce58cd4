"""Scripts in the percent format as executed notebooks, the same for everyone who makes them.

A notebook is made in three steps: `convert` the cells, `execute` them in a kernel of this very
Python, `settle` what depends on when and where that was: timing, folders, addresses, versions.
The extra ``notebooks`` is imported only here, and only when it is needed. `plain` and `code_of`,
which write cells that nobody has executed and read the code of a notebook, do without it.
"""

import asyncio
import base64
import hashlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TOOLS = ("jupytext", "nbformat", "nbclient", "jupyter_client", "ipykernel")
# For a single cell. A tutorial takes seconds; this is for what would never end.
SECONDS = 600

# A cell that begins with this comment is no part of a submission.
NOT_GRADED = "# Not graded."
# Cells of these magics are Python all the same; others, such as %%bash, are in another language.
PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
# What matters for where a statement ends: comments, strings, brackets.
PIECE = re.compile(r"""#.*|'''|\"""|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[(\[{]|[)\]}]""", re.DOTALL)

# A notebook as `nbformat` has it, which is a dictionary whose keys are attributes as well.
Notebook = Any


def tool(name: str) -> Any:
    """Return a module of the extra.

    Raises
    ------
    ValueError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(
            f"notebooks need {name}, which is not installed: pip install 'zeroone-nets[notebooks]'"
        ) from None


def check_tools() -> None:
    """Import what notebooks need.

    Raises
    ------
    ValueError
        If something is not installed.
    """
    for name in TOOLS:
        tool(name)


def convert(source: str, name: str) -> Notebook:
    """Return a script in the percent format as a notebook that has not been executed.

    Parameters
    ----------
    source : str
        Cells begin with ``# %%`` or ``# %% [markdown]``.
    name : str
        What the notebook is to be known by; see `is_unchanged`.

    Raises
    ------
    ValueError
        If jupytext or nbformat is not installed.
    """
    notebook = tool("jupytext").reads(source, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell.metadata = {}
        cell.id = f"cell-{number:02d}"
    return tool("nbformat").from_dict(
        {
            "nbformat": 4,
            "nbformat_minor": 5,  # the first in which cells have ids
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
                "zeroone": {"name": name, "cells": fingerprint(notebook)},
            },
            "cells": notebook.cells,
        }
    )


def execute(notebook: Notebook, cell_done: Callable[[], object] = lambda: None) -> None:
    """Execute a notebook in place, from top to bottom, in a kernel of this Python.

    Neither the user's kernels nor the settings of IPython and matplotlib take part, and pictures
    appear in the notebook whatever MPLBACKEND is. The kernel's folder is empty and goes away.

    Parameters
    ----------
    notebook : Notebook
        As by `convert`.
    cell_done : callable, optional
        Called after each cell with code.

    Raises
    ------
    RuntimeError
        If a cell raises an error, takes more than `SECONDS`, or ends its kernel.
    ValueError
        If a part of the extra is not installed.
    """
    tool("ipykernel")
    jupyter_client, exceptions = tool("jupyter_client"), tool("nbclient.exceptions")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "here").mkdir()
        manager = jupyter_client.AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=jupyter_client.kernelspec.KernelSpecManager(kernel_dirs=[]),
            connection_file=str(place / "kernel.json"),
        )
        client = tool("nbclient").NotebookClient(
            notebook,
            km=manager,
            timeout=SECONDS,
            record_timing=False,
            resources={"metadata": {"path": str(place / "here")}},
            on_cell_executed=lambda **_: cell_done(),
        )
        start = {"env": kernel_environment(place), "stderr": subprocess.DEVNULL}
        try:
            wait_for(client, manager, cleanup_kc=True, **start)
        except exceptions.CellExecutionError as error:
            raise RuntimeError(f"{error.ename}: {first_line(error.evalue)}") from error
        except exceptions.CellTimeoutError as error:
            raise RuntimeError(f"a cell took more than {SECONDS} seconds") from error
        except exceptions.DeadKernelError as error:
            raise RuntimeError("the kernel ended before the notebook did") from error
        settle(notebook, str(place))


def wait_for(client: Any, manager: Any, **start: Any) -> None:
    """Execute in another thread, so that Ctrl-C is an interrupt here, and stop the kernel for it.

    In the main thread nbclient would take the signal for itself, and end in an error of its own.
    """
    runs, interrupted = threading.Event(), threading.Event()

    def before_cell(**_: Any) -> None:
        runs.set()
        if interrupted.is_set():
            raise RuntimeError("interrupted")

    client.on_cell_start = before_cell
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(asyncio.run, client.async_execute(**start)).result()
        except KeyboardInterrupt:
            interrupted.set()
            if runs.is_set():  # a kernel that is still starting ends before the first cell
                manager.provisioner.process.kill()
            raise


def kernel_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a kernel that looks at nobody's settings."""
    import matplotlib as mpl

    return {
        **os.environ,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(Path(mpl.get_data_path()) / "matplotlibrc"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def settle(notebook: Notebook, *places: str) -> None:
    """Take out of an executed notebook, in place, what is another when it is executed again.

    Parameters
    ----------
    notebook : Notebook
    *places : str
        Folders whose names must not appear, besides those of Python, of the package and of the
        user.
    """
    notebook.metadata.language_info = {"name": "python"}
    roots = {*places, sys.prefix, str(Path(__file__).resolve().parents[2]), str(Path.home())}
    # The longest first, since one may be inside another; "/" as a home folder says nothing.
    hidden = sorted((root for root in roots if len(root) > 1), key=len, reverse=True)
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type != "code":
            continue
        cell.outputs = join_streams(cell.outputs)
        for output in cell.outputs:
            output.pop("transient", None)
            if "text" in output:
                output.text = without_places(output.text, hidden)
            for kind, content in output.get("data", {}).items():
                if kind.startswith("text/"):
                    output.data[kind] = without_places(content, hidden)
                elif kind == "image/png":
                    output.data[kind] = small_picture(content)


def join_streams(outputs: list[Notebook]) -> list[Notebook]:
    """Return outputs with those that were printed one after the other in one piece."""
    joined: list[Notebook] = []
    for output in outputs:
        last = joined[-1] if joined else None
        both_printed = last is not None and last.output_type == output.output_type == "stream"
        if last is not None and both_printed and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def without_places(text: str, hidden: list[str]) -> str:
    """Return text without the names of folders, and without addresses of objects."""
    for root in hidden:
        text = text.replace(root, "...")
    return re.sub(r"\b0x[0-9a-fA-F]{6,}\b", "0x...", text)


def small_picture(content: str) -> str:
    """Return a PNG picture in base64 with a palette of 256 colours and nothing but the pixels.

    Drawings have few colours, so that nothing is lost that can be seen, and a third of the size is
    left. The version of matplotlib goes, too.
    """
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(content))).convert("RGBA")
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    # Without dithering, which would make noise of even surfaces.
    few = flat.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def write_text(notebook: Notebook) -> str:
    """Return the contents of a notebook's file.

    Raises
    ------
    ValueError
        If nbformat is not installed.
    """
    nbformat = tool("nbformat")
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"


def fingerprint(notebook: Any) -> str:
    """Return a hash of the cells, their kinds and their sources, but not their outputs."""
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def is_unchanged(path: Path, name: str) -> bool:
    """Return whether a file is the notebook `name` as it was written, except for the outputs.

    A notebook in which somebody has changed a cell is somebody's work.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        mark = content["metadata"]["zeroone"]
        return bool(mark["name"] == name and mark["cells"] == fingerprint(content))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def first_line(text: str) -> str:
    """Return the first line of a text that is not blank, or nothing."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


# ------------------------------------------------------------------- without any part of the extra


def plain(cells: Iterable[tuple[str, str]]) -> str:
    """Return the contents of a notebook that nobody has executed.

    Parameters
    ----------
    cells : iterable of (kind, source)
        The kind is "markdown" or "code".
    """
    written: list[dict[str, Any]] = []
    for number, (kind, source) in enumerate(cells):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number:02d}", "metadata": {}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        written.append(cell | {"source": source.strip("\n").splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": written,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def code_of(notebook: str | bytes) -> str:
    r"""Return the Python code of a notebook: that of its cells, one after the other.

    Nothing is executed, and no part of the extra is needed. Magics (``%matplotlib inline``), shell
    lines (``!ls``) and questions (``np.sum?``) are left out, and so are cells in another language
    (``%%bash``) and cells that begin with `NOT_GRADED`. A comment names each cell, so that who
    reads about an error in a line finds it.

    Parameters
    ----------
    notebook : str or bytes
        The contents of the file, in UTF-8.

    Raises
    ------
    ValueError
        If it is not a notebook of format 4.

    Examples
    --------
    >>> print(code_of(plain([("markdown", "Text"), ("code", "%matplotlib inline\nx = 1")])))
    # Cell 2.
    x = 1
    <BLANKLINE>
    """
    try:
        cells = json.loads(notebook)["cells"]
        sources = [(cell["cell_type"], cell["source"]) for cell in cells]
        texts = [(kind, source if type(source) is str else "".join(source))
                 for kind, source in sources]  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("notebook must be a Jupyter notebook of format 4, but is not") from None
    found = []
    for number, (kind, text) in enumerate(texts, start=1):
        code = python_of(text) if kind == "code" else ""
        if code.strip():
            found.append(f"# Cell {number}.\n{code.rstrip()}\n")
    return "\n\n".join(found)


def python_of(cell: str) -> str:
    """Return the Python code of one cell, without what only a notebook understands."""
    lines = cell.split("\n")
    start = next((line.strip() for line in lines if line.strip()), "")
    if start.casefold().startswith(NOT_GRADED.casefold().rstrip(".")):
        return ""
    if start.startswith("%%"):
        if start.split()[0] not in PYTHON_MAGICS:
            return ""
        lines = lines[[line.strip() for line in lines].index(start) + 1 :]
    kept: list[str] = []
    depth, quote = 0, ""
    for line in lines:
        # Inside of brackets and strings a line may begin with % and be Python.
        if depth == 0 and not quote and is_for_notebooks(line, kept[-1] if kept else ""):
            # A block may consist of such lines alone.
            kept += [line[: len(line) - len(line.lstrip())] + "pass"] if line[0].isspace() else []
            continue
        depth, quote = after_line(line, depth, quote)
        kept.append(line)
    return "\n".join(kept)


def is_for_notebooks(line: str, before: str) -> bool:
    """Return whether a line, at which a statement begins, is a magic, for a shell or a question."""
    text = line.strip()
    if before.endswith("\\"):
        return False
    return text.startswith(("%", "!", "?")) or (text.endswith("?") and "#" not in text)


def after_line(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Return how many brackets are open after a line, and which string of several lines is."""
    place = 0
    while place < len(line):
        if quote:
            end = re.compile(rf"(?:\\.|(?!{quote}).)*{quote}").match(line, place)
            if end is None:
                return depth, quote
            place, quote = end.end(), ""
            continue
        piece = PIECE.search(line, place)
        if piece is None:
            break
        place, text = piece.end(), piece.group()
        if text in ("'''", '"""'):
            quote = text
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth = max(0, depth - 1)
    return depth, quote
