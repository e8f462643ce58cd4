"""The tutorials: each page runs, is built like the others, and its notebook is up to date.

What a page's cells are is read by a small parser of its own, so that the comparison with the
notebooks neither needs jupytext nor believes it.
"""

import ast
import base64
import functools
import importlib
import json
import os
import re
import resource
import struct
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

import zeroone

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tutorials"
NOTEBOOKS = FOLDER / "notebooks"
PAGES = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
NOTATION = FOLDER / "00_notation.py"
STRUCTURED = [page for page in PAGES if page != NOTATION]
ASSIGNMENTS = FOLDER / "assignments"

SECTIONS = (
    "What you will see",
    "By hand",
    "by the library",
    "The loop",
    "The picture",
    "What was shown",
    "Exercises",
)
# What a page may take on one thread, of processor time: a busy machine does not matter.
SECONDS = 30
LARGEST_NOTEBOOK = 300_000
NUMBER = re.compile(r"(?:U|[ABC]\d?)\.\d+")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
structured_pages = pytest.mark.parametrize("page", STRUCTURED, ids=lambda page: page.stem)


# ------------------------------------------------------------------------------------------ parser


@dataclass(frozen=True)
class Cell:
    """A cell of a page or of a notebook."""

    kind: str
    text: str


def parse(source):
    """Return the cells of a page in the percent format; the file must begin with one."""
    lines = source.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("# %%")]
    assert starts, "there is no cell"
    assert starts[0] == 0, "there is something before the first cell"
    cells = []
    for start, end in pairwise([*starts, len(lines)]):
        marker, body = lines[start], lines[start + 1 : end]
        assert marker in ("# %%", "# %% [markdown]"), f"unknown kind of cell: {marker}"
        while body and not body[-1]:
            body.pop()
        if marker == "# %%":
            cells.append(Cell("code", "\n".join(body)))
            continue
        assert all(line == "#" or line.startswith("# ") for line in body), "text that is no comment"
        cells.append(Cell("markdown", "\n".join(line[2:] for line in body)))
    return cells


def read_page(page):
    return parse(page.read_text(encoding="utf-8"))


def read_notebook(text):
    """Return the cells of a notebook, version 4."""
    content = json.loads(text)
    assert content["nbformat"] == 4
    return [Cell(cell["cell_type"], "".join(cell["source"])) for cell in content["cells"]]


def drift(cells, notebook_cells):
    """Return what a notebook has otherwise than its source."""
    found = [
        f"cell {number}: {a.text!r} became {b.text!r}"
        for number, (a, b) in enumerate(zip(cells, notebook_cells, strict=False))
        if a != b
    ]
    if len(cells) != len(notebook_cells):
        found.append(f"{len(cells)} cells became {len(notebook_cells)}")
    return found


def markdown(cells):
    return "\n\n".join(cell.text for cell in cells if cell.kind == "markdown")


def headings(cells, level):
    return re.findall(rf"^#{{{level}}} +(.+)$", markdown(cells), re.MULTILINE)


def sections(cells):
    """Return the cells below each heading of the second level, by the heading."""
    found, current = {}, None
    for cell in cells:
        here = headings([cell], 2)
        if here:
            current = here[-1]
        found.setdefault(current, []).append(cell)
    return found


# --------------------------------------------------------------------------------------------- run


def limit_seconds():
    """Let the system end this process when its processor time is used up."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def run_script(path, folder):
    """Run a page as a script without a display; warnings are errors."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(folder / "matplotlib")}
    environment.pop("DISPLAY", None)
    # Pages are small, and threads of several test processes get into each other's way.
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    empty = folder / "empty"
    empty.mkdir()
    # On systems without X, `show` says that there is nothing to show on.
    quiet = ["-W", "ignore:FigureCanvasAgg is non-interactive:UserWarning"]
    # An old matplotlib calls a new pyparsing by names that it will drop.
    for module in ("matplotlib._fontconfig_pattern", "matplotlib._mathtext"):
        quiet += ["-W", f"ignore::DeprecationWarning:{module}"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *quiet, str(path)],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=limit_seconds,
        check=False,
    )
    assert not list(empty.iterdir()), "the page wrote a file"
    return done


@pages
def test_page_runs_as_a_script(page, tmp_path):
    done = run_script(page, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout


@pytest.mark.parametrize(
    "source", ["assert 1 == 2", "import warnings\nwarnings.warn('beware', stacklevel=1)"]
)
def test_a_page_that_is_wrong_does_not_run(tmp_path, source):
    page = tmp_path / "wrong.py"
    page.write_text(f"# %%\n{source}\n")
    done = run_script(page, tmp_path)
    assert done.returncode == 1
    assert source.split("'")[1] in done.stderr if "'" in source else "AssertionError" in done.stderr


# --------------------------------------------------------------------------------------- structure


def faults(cells):
    """Return what a page lacks of the structure that all pages have."""
    found = []
    first = cells[0].text.splitlines()
    if cells[0].kind != "markdown" or not re.match(r"# \d+\. \S", first[0]):
        found.append("the first cell has no title with a number")
    if len(headings(cells, 1)) != 1:
        found.append("there is not one title")
    parts = [heading.lower() for heading in headings(cells, 2)]
    expected = [section.lower() for section in SECTIONS]
    if len(parts) != len(expected) or not all(
        part.endswith(section) for part, section in zip(parts, expected, strict=True)
    ):
        found.append(f"the sections are {parts}")
        return found
    by_section = dict(zip(SECTIONS, sections(cells).values(), strict=True))
    code = {
        name: "\n".join(cell.text for cell in part if cell.kind == "code")
        for name, part in by_section.items()
    }
    if "zeroone" not in "".join(code.values()):
        found.append("the library is not used")
    if not re.search(r"\d.*=.*\d", markdown(by_section["By hand"])):
        found.append("no arithmetic by hand")
    if not re.search(r"^\s*(for|while)\b", code["The loop"], re.MULTILINE):
        found.append("no loop")
    if "plt.show()" not in code["The picture"]:
        found.append("no picture")
    if not re.search(r"^\s*(assert\b|np\.testing\.)", code["What was shown"], re.MULTILINE):
        found.append("nothing is asserted")
    exercises = markdown(by_section["Exercises"])
    if len(re.findall(r"^\d+\. ", exercises, re.MULTILINE)) < 3:
        found.append("fewer than three exercises")
    pointers = re.findall(r"`tutorials/(assignments/\w+)`", exercises)
    if not pointers:
        found.append("no assignment")
    found += [f"there is no {name}" for name in pointers if not (FOLDER / name).is_dir()]
    return found


@structured_pages
def test_page_has_all_parts(page):
    cells = read_page(page)
    assert faults(cells) == []
    assert headings(cells, 1)[0].startswith(f"{int(page.stem[:2])}. ")


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"# # \d+\. ", "# # "),
        ("# ## By hand", "# ### By hand"),
        ("# ## The picture", "# ## What was shown"),
        (r"plt\.show\(\)", "pass"),
        (r"(?m)^(\s*)(assert|np\.testing\S*) ?", r"\1None, "),
        (r"(?m)^\s*(for|while)\b.*:$", "if True:"),
        ("tutorials/assignments/", "tutorials/"),
        (r"tutorials/assignments/\w+", "tutorials/assignments/99_nothing"),
        (r"(?m)^# \d\. ", "# * "),
    ],
)
def test_a_part_that_is_missing_is_noticed(pattern, replacement):
    text = STRUCTURED[0].read_text(encoding="utf-8")
    spoilt, count = re.subn(pattern, replacement, text)
    assert count
    assert faults(parse(spoilt)) != []


@pages
def test_nothing_is_left_to_fill_in(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"TODO|FIXME|XXX|@@", text)


@pages
def test_no_line_of_mathematics_looks_like_a_list(page):
    inside = False
    for line in markdown(read_page(page)).splitlines():
        assert not (inside and re.match(r"\s*([-+=*]|\d+\.) ", line)), line
        inside ^= line.count("$$") % 2 == 1
    assert not inside


# ---------------------------------------------------------------------------------------- notation


def tags(cells):
    return re.findall(r"\\tag\{(.*?)\}", markdown(cells))


def citations(cells):
    return re.findall(rf"\(({NUMBER.pattern})\)", markdown(cells))


def test_equations_are_numbered_one_after_the_other():
    numbers = tags(read_page(NOTATION))
    assert all(NUMBER.fullmatch(number) for number in numbers)
    last = {}
    for number in numbers:
        section, place = number.split(".")
        assert int(place) == last.get(section, 0) + 1, number
        last[section] = int(place)
    assert {"U", "A", "A1", "A7", "B", "B1", "B2", "C"} <= set(last)


@structured_pages
def test_equations_that_are_cited_exist(page):
    cells = read_page(page)
    cited = set(citations(cells)) | set(tags(cells))
    assert cited, "a page cites at least one equation"
    assert cited <= set(tags(read_page(NOTATION)))


def test_citations_are_found():
    cells = parse("# %% [markdown]\n# See (A1.4), (B.1) and (U.3), not (0.5) or (1, -2). (C9.9)\n")
    assert citations(cells) == ["A1.4", "B.1", "U.3", "C9.9"]


def table_rows(cells):
    """Return the rows of all tables of symbols: symbol, meaning, name in the code, shape."""
    found = []
    for block in re.findall(r"(?:^\|.*\n?)+", markdown(cells), re.MULTILINE):
        rows = [line.strip().strip("|").split("|") for line in block.strip().splitlines()]
        header = [entry.strip() for entry in rows[0]]
        assert header == ["symbol", "meaning", "name in the code", "shape"]
        found += [[entry.strip() for entry in row] for row in rows[2:]]
    return found


@functools.cache
def names_in_the_package():
    """Return the names of all arguments, variables and attributes in the package's source."""
    found = set()
    for path in Path(zeroone.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.arg(arg=name) | ast.Attribute(attr=name) | ast.Name(id=name):
                    found.add(name)
    return found


def exists(name):
    """Return whether a name in backticks is one of the package's, dotted or not."""
    if "." not in name:
        return re.match(r"\w+", name).group() in names_in_the_package()
    parts = name.removeprefix("zeroone.").split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(["zeroone", *parts[:length]]))
        except ImportError:
            continue
        for part in parts[length:]:
            value = getattr(value, part, None)
        return value is not None
    return False


def test_tables_of_symbols_are_complete():
    rows = table_rows(read_page(NOTATION))
    assert len(rows) > 60
    for row in rows:
        assert len(row) == 4, row
        assert all(row[1:]), row
        assert re.search(r"`[^`]+`", row[2]), row
        for name in re.findall(r"`([^`]+)`", row[2]):
            assert exists(name), name


def test_functions_named_beside_equations_exist():
    named = re.findall(r"`((?:\w+\.)+\w+)`", markdown(read_page(NOTATION)))
    assert len(named) > 50
    assert [name for name in named if not exists(name)] == []


def test_names_that_do_not_exist_are_noticed():
    assert not exists("gaussian.angel")
    assert not exists("gaussian.sampling.output.nothing")
    assert not exists("no_such_argument")


# --------------------------------------------------------------------------------------- notebooks

notebooks = pytest.mark.parametrize(
    "notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)


def test_every_page_has_a_notebook_and_every_notebook_a_page():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == [page.stem for page in PAGES]


@notebooks
def test_notebook_is_up_to_date(notebook):
    found = drift(
        read_page(FOLDER / f"{notebook.stem}.py"),
        read_notebook(notebook.read_text(encoding="utf-8")),
    )
    assert found == [], "write it anew: zeroone tutorials --to tutorials/notebooks"


@notebooks
def test_notebook_was_executed_from_top_to_bottom(notebook):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data"}
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    pictures = [output["data"]["image/png"] for output in outputs if "data" in output]
    source = "\n".join("".join(cell["source"]) for cell in code)
    assert len(pictures) == source.count("plt.show()")
    for picture in pictures:
        data = base64.b64decode(picture)
        assert data.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", data[16:24])
        assert width >= 300
        assert height >= 150


@notebooks
def test_notebook_is_the_same_for_everyone(notebook):
    text = notebook.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST_NOTEBOOK
    content = json.loads(text)
    assert set(content["metadata"]) <= {"kernelspec", "language_info", "zeroone"}
    assert all(not cell["metadata"] for cell in content["cells"])
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            words = "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
            assert not re.search(r"0x[0-9a-f]{6,}|/(home|tmp|usr|work|Users)/", words)


def test_drift_is_noticed():
    cells = read_page(PAGES[0])
    assert drift(cells, list(cells)) == []
    last = cells[-1]
    assert drift(cells, cells[:-1])
    assert drift(cells, [*cells, Cell("code", "")])
    assert drift(cells, [*cells[:-1], Cell(last.kind, f"{last.text} ")])
    assert drift(cells, [*cells[:-1], Cell("raw", last.text)])
    assert drift(cells, [cells[1], cells[0], *cells[2:]])


def test_the_parser_reads_the_percent_format():
    source = "# %% [markdown]\n# # 1. A\n#\n#   b\n\n# %%\nx = 1\n\n\ny = 2  # %% no\n\n# %%\nz\n"
    assert parse(source) == [
        Cell("markdown", "# 1. A\n\n  b"),
        Cell("code", "x = 1\n\n\ny = 2  # %% no"),
        Cell("code", "z"),
    ]


@pytest.mark.parametrize(
    "source", ["x = 1\n", "x = 1\n# %%\ny = 2\n", "# %% [raw]\n# a\n", "# %% [markdown]\nx = 1\n"]
)
def test_the_parser_refuses_what_is_not_a_page(source):
    with pytest.raises(AssertionError):
        parse(source)


# ------------------------------------------------------------------------------------------ README


@pytest.fixture(scope="module")
def index():
    return (FOLDER / "README.md").read_text(encoding="utf-8")


def index_rows(index):
    """Return number, name of the file, title and assignments of the pages in the index."""
    page, notebook = r"\[(.+)\]\((\w+)\.py\)", r"\[notebook\]\(notebooks/(\w+)\.ipynb\)"
    return re.findall(rf"^\| (\d+) \| {page} \| {notebook} \|.*\|(.*)\|$", index, re.MULTILINE)


def pointers(page):
    """Return the numbers of the assignments that a page's exercises name."""
    found = re.findall(r"`tutorials/assignments/(\d\d)_\w+`", markdown(read_page(page)))
    return sorted({int(number) for number in found})


def test_index_has_all_pages_in_order(index):
    rows = index_rows(index)
    assert [int(number) for number, *_ in rows] == list(range(len(PAGES)))
    for number, _, page, notebook, _ in rows:
        assert page == notebook
        assert page.startswith(f"{int(number):02d}_")


@pages
def test_index_has_the_page_with_its_title_and_assignments(index, page):
    (row,) = [row for row in index_rows(index) if row[2] == page.stem]
    assert headings(read_page(page), 1) == [f"{int(page.stem[:2])}. {row[1]}"]
    assert [int(number) for number in re.findall(r"\d+", row[4])] == pointers(page)


def test_index_names_every_assignment(index):
    for folder in ASSIGNMENTS.glob("[0-9][0-9]_*"):
        assert re.search(rf"\]\(assignments/{folder.name}/\S+\)", index), folder.name


def test_links_of_the_index_lead_somewhere(index):
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", index)}
    assert len(targets) > 10
    # The rows of pages have tests of their own.
    rows = index_rows(index)
    targets -= {f"{row[2]}.py" for row in rows} | {f"notebooks/{row[3]}.ipynb" for row in rows}
    assert [target for target in targets if not (FOLDER / target).exists()] == []
