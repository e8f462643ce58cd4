"""Results for Gradescope and for people, and the autograder as it is installed."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import pytest
from grading_toy import RIGHT, WRONG, shared_supervisor, write_assignment

import zeroone
from zeroone.grading import grade, load, pack, report
from zeroone.grading.settings import parse

pytest.importorskip("hypothesis")

NASTY = (
    "print('<script>alert(1)</script> \\x1b[31m &amp;')\n"
    "def double(x): raise ValueError('</pre><script>alert(2)</script>')\n"
    "def positive(x): return '<img src=x onerror=alert(3)>'\n"
)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return load(write_assignment(tmp_path_factory.mktemp("pack") / "09_toy"))


@pytest.fixture(scope="module")
def graded(tmp_path_factory, toy):
    """Return a function that grades a source once."""
    known = {}

    def of(source, text="", days_late=0, name="student.py"):
        if (source, text, days_late) not in known:
            path = tmp_path_factory.mktemp("graded") / name
            path.write_text(source)
            known[source, text, days_late] = grade(
                toy, path, parse(text), days_late=days_late, supervisor=shared_supervisor()
            )
        return known[source, text, days_late]

    return of


def test_results_are_what_gradescope_reads(graded, tmp_path):
    """The fields and values of https://gradescope-autograders.readthedocs.io/en/latest/specs/."""
    path = tmp_path / "results.json"
    report.write_json(path, report.as_json(graded(WRONG)))
    told = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert told["score"] == 2
    assert isinstance(told["execution_time"], int)
    assert told["stdout_visibility"] == "hidden"
    assert told["output_format"] == told["test_output_format"] == "text"
    assert [test["name"] for test in told["tests"]] == ["(a) double", "(b) positive part"]
    assert [(test["score"], test["max_score"]) for test in told["tests"]] == [(2, 2), (0, 3)]
    assert [test["status"] for test in told["tests"]] == ["passed", "failed"]
    assert [test["number"] for test in told["tests"]] == ["1", "2"]
    for test in told["tests"]:
        assert test["visibility"] == "visible"
        assert test["output_format"] == "text"
    output = told["tests"][1]["output"]
    assert "x = array([-3.])" in output
    assert "hint: Look at both signs." in output
    known = {"score", "execution_time", "output", "output_format", "test_output_format"}
    known |= {"test_name_format", "visibility", "stdout_visibility", "extra_data", "tests"}
    assert set(told) == known


def test_inputs_and_tests_can_be_hidden(graded):
    text = "gradescope.show_input = false\ngradescope.visibility = 'after_published'"
    told = report.as_json(graded(WRONG, text))
    assert told["visibility"] == told["tests"][1]["visibility"] == "after_published"
    assert told["tests"][1]["output"] == "wrong for some input\nhint: Look at both signs."
    shown = "".join(report.page(graded(WRONG, text)))
    assert "array" not in shown
    assert "Look at both signs." in shown
    # Where a program fails is shown, in its own lines and in words that it did not choose.
    told = report.as_json(graded("def double(x): return y\n", text))
    said = "line 1 (def double(x): return y): NameError\nhint: Look at the factor."
    assert told["tests"][0]["output"] == said


def test_lateness_is_paid_for_and_said(graded):
    late = graded(WRONG, "late.penalty_per_day = 0.25", 2)
    assert (late.earned, late.score) == (2, 1)
    told = report.as_json(late)
    assert told["score"] == 1
    assert told["tests"][0]["score"] == 2
    assert told["output"].startswith("2 days late: 50 % of 2 points count, which is 1")
    assert "2 days late" in report.text(late)
    assert "2 days late" in "".join(report.page(late))


def test_a_file_that_does_not_load_is_explained_once_and_everywhere(graded):
    broken = graded("def f(:\n")
    told = report.as_json(broken)
    assert "student.py could not be graded: line 1" in told["output"]
    assert all("SyntaxError" in test["output"] for test in told["tests"])
    assert report.text(broken).count("SyntaxError") == 1


def test_the_page_is_escaped_and_needs_nothing_else(graded):
    shown = "".join(report.page(graded(NASTY)))
    tree = ET.fromstring(shown.replace("<!DOCTYPE html>\n", ""))
    tags = {element.tag for element in tree.iter()}
    assert not tags & {"script", "img", "link", "iframe", "object"}
    assert not any(name.startswith("on") for element in tree.iter() for name in element.attrib)
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)", shown)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\x1b[31m &amp;amp;" in shown
    assert "&lt;/pre&gt;&lt;script&gt;alert(2)" in shown
    text = "".join(tree.itertext())
    assert "<img src=x onerror=alert(3)>" in text
    assert "@media print" in shown


def test_the_page_of_a_right_submission_has_no_failures(graded):
    shown = "".join(report.page(graded(RIGHT)))
    assert "What failed" not in shown
    assert "5 of 5 points" in shown


def test_a_hostile_file_name_is_escaped(tmp_path, toy):
    path = tmp_path / "<b>x.py"
    path.write_text(RIGHT)
    done = grade(toy, path, supervisor=shared_supervisor())
    assert "<b>" not in "".join(report.page(done))
    assert "&lt;b&gt;x.py" in "".join(report.page(done))


def test_the_terminal_shows_a_table_and_what_failed(graded):
    shown = report.text(graded(WRONG))
    assert re.search(r"^\(b\) positive part +0 +3  failed$", shown, re.MULTILINE)
    assert re.search(r"^total +2 +5$", shown, re.MULTILINE)
    assert "        x = array([-3.])\n" in shown
    assert "\x1b" not in report.text(graded(NASTY))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory, toy):
    """Return the root folder of an autograder, as Gradescope has it before it installs anything."""
    root = tmp_path_factory.mktemp("autograder")
    pack.pack(root / "autograder.zip", toy, "points.b = 8\nlate.penalty_per_day = 0.5\n")
    with zipfile.ZipFile(root / "autograder.zip") as archive:
        archive.extractall(root / "source")
        for entry in archive.infolist():
            (root / "source" / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    for name in ("submission", "results"):
        (root / name).mkdir()
    return root


def test_the_same_assignment_packs_to_the_same_bytes(tmp_path, toy):
    for name in ("one.zip", "two.zip"):
        pack.pack(tmp_path / name, toy)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.zip", "two.zip"]


def test_a_pack_holds_all_that_is_needed(unpacked):
    source = unpacked / "source"
    for name in ("setup.sh", "run_autograder"):
        assert (source / name).read_text().startswith("#!/usr/bin/env bash\n")
        assert (source / name).stat().st_mode & stat.S_IXUSR
        subprocess.run(["bash", "-n", str(source / name)], check=True)
    assert {path.name for path in (source / "assignment" / "09_toy").iterdir()} == {
        "checks.py",
        "handout.md",
        "starter.py",
    }
    project = tomllib.loads((source / "package" / "pyproject.toml").read_text())["project"]
    assert project["version"] == zeroone.__version__
    # A package index knows another project by the name "zeroone": nobody may ask it for that.
    assert project["name"] == "zeroone-nets"
    wanted = [*project["dependencies"], *project["optional-dependencies"]["classroom"]]
    assert not [name for name in wanted if name.startswith("zeroone")]
    commands = re.findall(r"pip install .*", (source / "setup.sh").read_text())
    assert commands == ['pip install --no-cache-dir "$root/source/package[classroom]"']
    assert any(name.startswith("numpy") for name in project["dependencies"])
    assert any(
        name.startswith("hypothesis") for name in project["optional-dependencies"]["classroom"]
    )
    here = Path(zeroone.__file__).parent
    there = source / "package" / "zeroone"
    for path in here.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert (there / path.relative_to(here)).read_bytes() == path.read_bytes()
    assert not list(source.rglob("__pycache__"))


def test_requirements_are_read_from_an_installation_too(monkeypatch, tmp_path):
    from importlib import metadata

    fake = {"Requires-Python": ">=3.11"}
    required = ["numpy>=1.26", 'hypothesis>=6.100; extra == "classroom"', "pytest; extra == 'test'"]
    monkeypatch.setattr(zeroone, "__file__", str(tmp_path / "zeroone" / "__init__.py"))
    monkeypatch.setattr(metadata, "metadata", {"zeroone-nets": fake}.__getitem__)
    monkeypatch.setattr(metadata, "requires", {"zeroone-nets": required}.__getitem__)
    assert pack.requirements() == {
        "python": ">=3.11",
        "dependencies": ["numpy>=1.26"],
        "classroom": ["hypothesis>=6.100"],
    }


def test_settings_that_do_not_fit_are_refused_before_packing(tmp_path, toy):
    with pytest.raises(ValueError, match=r"points.z must name"):
        pack.pack(tmp_path / "a.zip", toy, "points.z = 1")
    assert list(tmp_path.iterdir()) == []


# What stands in for pip: it installs what it is given, and asks nobody for anything.
PIP = """
import pathlib, shutil, sys, tomllib
command, option, wanted = sys.argv[1:]
assert (command, option) == ("install", "--no-cache-dir"), sys.argv
folder, extra = wanted.rstrip("]").split("[")
project = tomllib.loads(pathlib.Path(folder, "pyproject.toml").read_text())["project"]
assert extra in project["optional-dependencies"]
shutil.copytree(pathlib.Path(folder, "zeroone"), pathlib.Path(__file__).with_name("zeroone"))
"""
PYTHON = """#!/bin/sh
# Python, whose environments have that pip instead of the real one.
case "$1 $2" in
"-m venv")
    "{python}" -m venv --without-pip "$3"
    cp "{home}"/sites/* "$3"/lib/python*/site-packages ;;
*) exec "{python}" "$@" ;;
esac
"""


def link(source: str, target: str) -> None:
    """Make a file that is the same one as another, or at least a copy of it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def readable_python():
    """Return a folder with a Python, NumPy and Hypothesis that everybody may read."""
    pytest.importorskip("ensurepip")  # without it, setup.sh would install another Python
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base, packages = Path(sys.base_prefix), Path(np.__file__).parents[1]
    original = base / "bin" / version
    if not original.is_file() or not (base / "lib" / version / "os.py").is_file():
        pytest.skip("this Python is not laid out so that it can be copied")
    home = Path(tempfile.mkdtemp(prefix="zeroone-pack-"))
    try:
        home.chmod(0o755)
        if not all(folder.stat().st_mode & stat.S_IXOTH for folder in home.parents):
            pytest.skip("not everybody may look into the folder for temporary files")
        (home / "bin").mkdir()
        for path in (base / "lib").glob("libpython*"):
            (home / "lib").mkdir(exist_ok=True)
            link(str(path.resolve()), str(home / "lib" / path.name))
        link(str(original.resolve()), str(home / "bin" / version))
        for source, target, skipped in (
            (base / "lib" / version, "lib/" + version, ("site-packages", "test", "idlelib")),
            (packages, "packages", ("zeroone*", "__editable__*", "*.pth")),
        ):
            ignore = shutil.ignore_patterns(*skipped)
            shutil.copytree(source, home / target, copy_function=link, ignore=ignore)
        (home / "sites").mkdir()
        (home / "sites" / "pip.py").write_text(PIP)
        (home / "sites" / "packages.pth").write_text(f"{home}/packages\n")
        script = PYTHON.format(python=home / "bin" / version, home=home)
        (home / "python").write_text(script)
        (home / "python").chmod(0o755)
        yield home
    finally:
        shutil.rmtree(home)


OTHER_USER = 54321


def run_script(root: Path, name: str, user: int, **variables: str) -> subprocess.CompletedProcess:
    """Run one of the two scripts of an autograder as a user."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    other = {"user": user, "group": user, "extra_groups": []} if user != os.geteuid() else {}
    return subprocess.run(
        [str(root / "source" / name)],
        env=kept | {"AUTOGRADER_ROOT": str(root)} | variables,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=200,
        **other,
    )


USERS = {"root": 0, "another user": OTHER_USER} if os.name == "posix" and os.geteuid() == 0 else {}


@pytest.fixture(scope="module", params=USERS or {"this user": None})
def installed(request, tmp_path_factory, unpacked, readable_python):
    """Return an autograder that ``setup.sh`` has installed, and a function that grades with it."""
    user = USERS.get(request.param, os.geteuid())
    root = readable_python / request.param.replace(" ", "-")
    variables = {"LD_LIBRARY_PATH": str(readable_python / "lib")}
    shutil.copytree(unpacked, root)
    if user != os.geteuid():
        for path in (root, *root.rglob("*")):
            os.chown(path, user, user)
    python = str(readable_python / "python")
    done = run_script(root, "setup.sh", user, AUTOGRADER_PYTHON=python, **variables)
    assert done.returncode == 0, done

    def autograde(source: str, **more: str) -> dict:
        for path in (root / "submission").iterdir():
            path.unlink()
        if source:
            (root / "submission" / "homework.py").write_text(source)
        done = run_script(root, "run_autograder", user, **variables | more)
        path = root / "results" / "results.json"
        assert path.is_file(), done
        return {**json.loads(path.read_text()), "stderr": done.stderr}

    return root, autograde


posix = pytest.mark.skipif(os.name != "posix", reason="needs a shell")


@posix
def test_the_autograder_grades_a_submission(installed):
    root, autograde = installed
    told = autograde(RIGHT)
    assert told["score"] == 10, told
    dates = {
        "created_at": "2026-03-01T10:00:00.000000-08:00",
        "assignment": {"due_date": "2026-03-01T09:00:00.000000-08:00"},
        "users": [],
    }
    (root / "submission_metadata.json").write_text(json.dumps(dates))
    (root / "results" / "results.json").write_text('{"score": 1000}')
    told = autograde(WRONG)
    assert [test["max_score"] for test in told["tests"]] == [2, 8]
    assert [test["score"] for test in told["tests"]] == [2, 0]
    assert told["score"] == 1  # one day late
    assert told["extra_data"]["assignment"] == "09_toy"
    (root / "submission_metadata.json").unlink()
    told = autograde("")
    assert told["score"] == 0
    assert "there is no Python file or notebook in the submission" in told["output"]


SPY = """
import os, sys

for path in {paths!r}:
    try:
        if os.path.isdir(path):
            print('READ', os.listdir(path))
        else:
            print('READ', open(path).read()[:99])
    except OSError as error:
        print('REFUSED', path, type(error).__name__)
for path in {results!r}:
    try:
        open(path, 'w').write('{{"score": 1000}}')
        print('WRITTEN', path)
    except OSError as error:
        print('REFUSED', path, type(error).__name__)
"""


@posix
def test_a_submission_sees_nothing_of_the_autograder(installed):
    root, autograde = installed
    (zeroone_folder,) = root.glob("environment/lib/python*/site-packages/zeroone")
    hidden = [
        root / "source",
        root / "source" / "settings.toml",
        root / "source" / "assignment" / "09_toy" / "checks.py",
        root / "source" / "package" / "zeroone" / "grading" / "trial.py",
        root / "results",
        zeroone_folder / "grading" / "trial.py",
        zeroone_folder / "penalties.py",
    ]
    assert all(path.exists() for path in hidden)
    results = [str(root / "results" / "results.json"), str(root / "source" / "settings.toml")]
    told = autograde(SPY.format(paths=list(map(str, hidden)), results=results) + RIGHT)
    assert told["score"] == 10, told
    output = told["output"]
    if os.geteuid() != 0 and told["extra_data"]["not_prevented"]:
        pytest.skip(f"this system cannot hide them: {told['extra_data']['not_prevented']}")
    assert "READ" not in output
    assert "WRITTEN" not in output
    assert output.count("REFUSED") == len(hidden) + len(results)


TELLTALE = """
def double(x):
    print("saw", [float(each) for each in x])
    raise ValueError("saw " + repr(x.tolist()))

def positive(x):
    return "saw " + repr(x.tolist())
"""


@posix
def test_an_autograder_shows_no_input_if_the_settings_say_so(installed):
    root, autograde = installed
    settings = root / "source" / "settings.toml"
    text = settings.read_text()
    shown = json.dumps(autograde(TELLTALE))
    assert shown.count("saw [") >= 3
    settings.write_text(text + "gradescope.show_input = false\n")
    try:
        told = autograde(TELLTALE)
    finally:
        settings.write_text(text)
    assert "saw [" not in json.dumps(told)
    assert "is not shown" in told["output"]
    assert "ValueError\nhint" in told["tests"][0]["output"]
    assert told["tests"][1]["output"] == "wrong for some input\nhint: Look at both signs."


HOSTILE_NAMES = {
    "link": lambda folder, target: (folder / "student.py").symlink_to(target),
    "pipe": lambda folder, _: os.mkfifo(folder / "student.py"),
    "folder": lambda folder, _: (folder / "student.py").mkdir(),
    "link to a folder": lambda folder, target: (folder / "x").symlink_to(target.parent),
}


@posix
@pytest.mark.parametrize("kind", HOSTILE_NAMES)
def test_an_autograder_reads_no_link_and_no_pipe(installed, kind):
    root, autograde = installed
    folder = root / "submission"
    autograde("")
    target = root / "source" / "assignment" / "09_toy" / "checks.py"
    HOSTILE_NAMES[kind](folder, target)
    made = next(folder.iterdir())
    try:
        done = run_script(root, "run_autograder", os.geteuid(), **library(root))
        told = json.loads((root / "results" / "results.json").read_text())
    finally:
        made.rmdir() if made.is_dir() and not made.is_symlink() else made.unlink()
    assert told["score"] == 0, done
    assert "there is no Python file or notebook in the submission" in told["output"]


def library(root: Path) -> dict[str, str]:
    """Return the variables that the copied Python needs."""
    return {"LD_LIBRARY_PATH": str(root.parent / "lib")}


@posix
def test_an_autograder_that_fails_gives_a_result_all_the_same(installed):
    root, autograde = installed
    (root / "results" / "results.json").write_text('{"score": 1000}')
    told = autograde(RIGHT, AUTOGRADER_PYTHON="/bin/false")
    assert told["score"] == 0
    assert "could not grade" in told["output"]


@posix
def test_why_no_process_can_be_started_is_told_to_the_instructor_alone(installed):
    root, autograde = installed
    (worker,) = root.glob("environment/lib/python*/site-packages/zeroone/grading/confinement.py")
    text = worker.read_text()
    worker.write_text(text + "\n\ndef confine(**_):\n    raise OSError(13, 'broken')\n")
    try:
        told = autograde(RIGHT)
    finally:
        worker.write_text(text)
    assert told["score"] == 0
    assert "broken" not in told["output"]
    (test,) = told["tests"]
    assert test["visibility"] == "hidden"
    for said in (test["output"], told["stderr"]):
        assert "PermissionError: [Errno 13] broken" in said
        assert "exit status 1" in said
