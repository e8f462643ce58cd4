"""``zeroone assignment``: several starters, notebooks, solutions; and the code of a notebook."""

import ast
import contextlib
import io
import json
import re
import tomllib
import types
from functools import partial
from pathlib import Path

import pytest
import terminal
from hypothesis import given
from hypothesis import strategies as st

from zeroone.commands import assignment
from zeroone.support.notebooks import NOT_GRADED, code_of, plain

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tutorials" / "assignments"
SOLUTIONS = ROOT / "instructor" / "zeroone_instructor" / "solutions"
NAMES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
every = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def instructor(monkeypatch):
    """Make the solutions importable, as they are once `instructor` is installed."""
    monkeypatch.syspath_prepend(str(ROOT / "instructor"))


run = partial(terminal.run, "assignment")
succeed = partial(terminal.succeed, "assignment")
refused = partial(terminal.refused, "assignment")


def cells(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in content["cells"]]


# -------------------------------------------------------------------------------------------- start


def test_several_are_started_each_in_its_own_folder(tmp_path):
    out = succeed("start", "02", "3", "02_u_block", "--to", tmp_path)
    folders = ["02_u_block", "03_group_thresholding"]
    assert sorted(path.name for path in tmp_path.iterdir()) == folders
    for name in folders:
        for file in ("handout.md", "starter.py"):
            assert (tmp_path / name / file).read_bytes() == (FOLDER / name / file).read_bytes()
            assert f"{tmp_path / name / file} written\n" in out
        assert f"    zeroone grade {name[:2]} {tmp_path / name / 'starter.py'}\n" in out
    assert "pip install 'zeroone-nets[classroom]'" in out
    assert "assignment start" not in out


def test_nothing_is_written_if_one_of_them_cannot_be(tmp_path):
    (tmp_path / "03_group_thresholding").mkdir()
    mine = tmp_path / "03_group_thresholding" / "starter.py"
    mine.write_text("mine", encoding="utf-8")
    assert "not overwritten" in refused("start", "2", "3", "--to", tmp_path)
    assert mine.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "02_u_block").exists()
    assert "'nine'" in refused("start", "2", "nine", "--to", tmp_path)
    assert not (tmp_path / "02_u_block").exists()


def test_a_handout_that_is_there_already_is_left(tmp_path):
    succeed("start", "2", "--to", tmp_path)
    out = succeed("start", "2", "--notebook", "--to", tmp_path)
    assert f"{tmp_path / '02_u_block' / 'handout.md'} is there already\n" in out
    (tmp_path / "02_u_block" / "starter.ipynb").unlink()
    (tmp_path / "02_u_block" / "handout.md").write_text("mine", encoding="utf-8")
    assert "not overwritten" in refused("start", "2", "--notebook", "--to", tmp_path)


def test_two_folders_of_one_name_are_refused(tmp_path):
    other = tmp_path / "02_u_block"
    other.mkdir()
    for file in ("checks.py", "handout.md", "starter.py"):
        (other / file).write_bytes((FOLDER / "02_u_block" / file).read_bytes())
    assert "one name" in refused("start", "2", other, "--to", tmp_path / "out")


# ---------------------------------------------------------------------------------------- notebooks


@every
def test_a_starter_as_a_notebook(name, tmp_path):
    out = succeed("start", name, "--notebook", "--to", tmp_path)
    path = tmp_path / name / "starter.ipynb"
    assert sorted(file.name for file in path.parent.iterdir()) == ["handout.md", "starter.ipynb"]
    assert f"zeroone grade {name[:2]} {path}" in out
    (kind, first), *rest = cells(path)
    handout = (FOLDER / name / "handout.md").read_text(encoding="utf-8")
    assert kind == "markdown"
    assert first == handout.replace("starter.py", "starter.ipynb").rstrip("\n")
    starter = ast.parse((FOLDER / name / "starter.py").read_text(encoding="utf-8"))
    code = [text for kind, text in rest if kind == "code"]
    parts = [ast.dump(ast.parse(text)) for text in code if not text.startswith(NOT_GRADED)]
    assert parts == [ast.dump(ast.Module([node], [])) for node in starter.body[1:]]
    assert code[-1] == f"{NOT_GRADED}\n%run -m zeroone grade {name[:2]} starter.ipynb"


@every
def test_code_of_a_notebook_is_that_of_the_starter(name, tmp_path):
    succeed("start", name, "--notebook", "--to", tmp_path)
    code = code_of((tmp_path / name / "starter.ipynb").read_bytes())
    starter = ast.parse((FOLDER / name / "starter.py").read_text(encoding="utf-8"))
    assert ast.dump(ast.parse(code)) == ast.dump(ast.Module(starter.body[1:], []))


@every
def test_a_notebook_is_valid(name, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    succeed("start", name, "--notebook", "--to", tmp_path)
    nbformat.validate(nbformat.read(tmp_path / name / "starter.ipynb", as_version=4))


@every
def test_examples_print_with_a_solution_what_they_say(name):
    source = (FOLDER / name / "examples.py").read_text(encoding="utf-8")
    said = re.findall(r"^print\(.*\)  # (.*)$", source, re.MULTILINE)
    assert len(said) == source.count("print(") >= 4
    for file in ("solution.py", "reference.py"):
        functions = {}
        exec((SOLUTIONS / name / file).read_text(encoding="utf-8"), functions)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec("import numpy as np\n" + source, functions)
        assert out.getvalue().splitlines() == said


@every
def test_examples_try_every_function(name):
    called = {
        node.func.id
        for node in ast.walk(ast.parse((FOLDER / name / "examples.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    starter = ast.parse((FOLDER / name / "starter.py").read_text(encoding="utf-8"))
    asked = {node.name for node in starter.body if isinstance(node, ast.FunctionDef)}
    assert asked <= called


def test_an_assignment_of_ones_own_needs_no_examples(tmp_path):
    own = tmp_path / "own" / "01_own"
    own.mkdir(parents=True)
    (own / "checks.py").write_text("TITLE = 'Own'\n", encoding="utf-8")
    (own / "starter.py").write_text("import math\n\n\ndef f(x):\n    return x\n", encoding="utf-8")
    succeed("start", own, "--notebook", "--to", tmp_path)
    path = tmp_path / "01_own" / "starter.ipynb"
    assert [kind for kind, _ in cells(path)] == ["code", "code", "markdown", "code"]
    assert f"grade {own} starter.ipynb" in cells(path)[-1][1]


# ------------------------------------------------------------------------------ code of a notebook


def code(*sources):
    return code_of(plain([("code", source) for source in sources]))


def test_cells_are_joined_in_order_and_named():
    text = code_of(
        plain([("markdown", "# Title"), ("code", "a = 1"), ("code", ""), ("code", "b = a")])
    )
    assert text == "# Cell 2.\na = 1\n\n\n# Cell 4.\nb = a\n"


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("%matplotlib inline\nx = 1", "x = 1"),
        ("!pip install numpy\nx = 1", "x = 1"),
        ("np.sum?\n?np.sum\nnp.sum??\nx = 1", "x = 1"),
        ("if True:\n    %timeit f()\nx = 1", "if True:\n    pass\nx = 1"),
        ("%%time\nx = 1", "x = 1"),
        ("\n%%capture out\nx = 1", "x = 1"),
        ("%%bash\nls", ""),
        ("%%html\n<b>x = 1</b>", ""),
        ("# Not graded.\nx = 1", ""),
        ("\n  # not graded: a trial\nx = 1", ""),
        # What looks like a magic, and is Python.
        ("x = (7\n% 4)", "x = (7\n% 4)"),
        ("x = 7 \\\n% 4", "x = 7 \\\n% 4"),
        ('x = """\n%time\n!ls\nwhat?\n"""', 'x = """\n%time\n!ls\nwhat?\n"""'),
        ("x = '''a\n%b'''  # %", "x = '''a\n%b'''  # %"),
        ("x = ['(', #)\n%s]".replace("%s", "'a'"), "x = ['(', #)\n'a']"),
        ("x = {\n!= 1}", "x = {\n!= 1}"),
        ('x = "("\n%time', 'x = "("'),
        ("x = 1  # (\n%time", "x = 1  # ("),
        ('x = "\\"("\n%time', 'x = "\\"("'),
        ("x = 1  # really?", "x = 1  # really?"),
        ('x = """a"""\n%time', 'x = """a"""'),
        ("x = 'a\u2028b\x0cc'", "x = 'a\u2028b\x0cc'"),
    ],
)
def test_only_python_is_left(source, left):
    expected = f"# Cell 1.\n{left}\n" if left else ""
    assert code(source) == expected


def test_a_mistake_stays_a_mistake():
    with pytest.raises(SyntaxError):
        ast.parse(code("def f(:\n    pass"))


def test_source_may_be_a_text_or_a_list_of_lines():
    cell = {"cell_type": "code", "metadata": {}}
    for source in ("a = 1\nb = 2", ["a = 1\n", "b = 2"]):
        assert "a = 1\nb = 2\n" in code_of(json.dumps({"cells": [cell | {"source": source}]}))


@pytest.mark.parametrize(
    "content",
    ["", "no notebook", "[]", "{}", "null", '{"cells": 3}', '{"cells": [1]}', '{"cells": [{}]}',
     '{"cells": [{"cell_type": "code", "source": 3}]}',
     '{"cells": [{"cell_type": "code", "source": [1, 2]}]}',
     '{"worksheets": [{"cells": []}]}', b"\xff\xfe\x00", "[" * 100_000],
)  # fmt: skip
def test_what_is_no_notebook_is_refused(content):
    with pytest.raises(ValueError, match="notebook must be"):
        code_of(content)


@given(st.lists(st.sampled_from(["x = 1", "y = (", "2)", '"""', "% 3", "%time", "'", "#", "a \\"])))
def test_python_cells_are_left_alone(lines):
    source = "\n".join(lines)
    try:
        tree = ast.parse(source)
    except SyntaxError:
        code(source)
    else:
        assert ast.dump(ast.parse(code(source))) == ast.dump(tree)


def test_a_long_cell_takes_no_time():
    # With a scan of all lines before each line this would take hours.
    assert code("x = [\n" + "% 1\n" * 100_000) != ""
    assert code("%time\n" * 100_000) == ""


# ---------------------------------------------------------------------------------------- solutions


@every
def test_a_solution_is_printed(name):
    assert succeed("solution", name[:2]) == (SOLUTIONS / name / "solution.py").read_text()


def test_solutions_are_copied(tmp_path):
    out = succeed("solution", "2", "u_block", "03", "--to", tmp_path / "new")
    for name in ("02_u_block", "03_group_thresholding"):
        copied = tmp_path / "new" / name / "solution.py"
        assert copied.read_bytes() == (SOLUTIONS / name / "solution.py").read_bytes()
        assert f"{copied} written" in out
    assert "not overwritten" in refused("solution", "2", "--to", tmp_path / "new")


def test_all_assignments_have_both_solutions():
    for name in NAMES:
        files = {path.name for path in (SOLUTIONS / name).glob("*.py")}
        assert files == {"solution.py", "reference.py"}
    assert sorted(path.name for path in SOLUTIONS.iterdir()) == NAMES


def test_without_the_package_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(assignment.zeroone, "__file__", str(tmp_path / "zeroone" / "__init__.py"))
    monkeypatch.setattr(assignment, "chosen", lambda names: [FOLDER / "02_u_block"])
    monkeypatch.setattr(assignment.importlib.util, "find_spec", lambda name: None)
    assert "pip install ./instructor" in refused("solution", "02")
    # Installed, and found without being imported.
    place = types.SimpleNamespace(submodule_search_locations=[str(SOLUTIONS.parent)])
    monkeypatch.setattr(assignment.importlib.util, "find_spec", lambda name: place)
    assert succeed("solution", "02") == (SOLUTIONS / "02_u_block" / "solution.py").read_text()


def test_an_assignment_without_a_solution_is_refused(tmp_path):
    own = tmp_path / "01_own"
    own.mkdir()
    (own / "checks.py").write_text("", encoding="utf-8")
    assert "01_own has none" in refused("solution", own)


def test_no_solution_and_no_answer_is_in_what_is_installed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert settings["setuptools"]["packages"]["find"] == {"include": ["zeroone*"]}
    # Packages are looked for beside pyproject.toml, where `instructor` is a folder and no package.
    assert not (ROOT / "instructor" / "__init__.py").exists()
    assert [path.parent.name for path in ROOT.glob("zeroone*/__init__.py")] == ["zeroone"]
    for patterns in settings["setuptools"]["data-files"].values():
        for pattern in patterns:
            for path in ROOT.glob(pattern):
                assert not re.search("solution|reference|answers|wrong", path.name), path
                assert "instructor" not in path.relative_to(ROOT).parts
