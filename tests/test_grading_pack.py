"""Results for Gradescope and for people, and the autograder."""

import json
import os
import re
import stat
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
from grading_toy import RIGHT, WRONG, shared_supervisor, write_assignment

import zeroone
from zeroone.grading import grade, load, pack, page, results
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
    results.write_json(path, graded(WRONG))
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
    told = results.as_json(graded(WRONG, text))
    assert told["visibility"] == told["tests"][1]["visibility"] == "after_published"
    assert told["tests"][1]["output"] == "wrong for some input\nhint: Look at both signs."
    shown = "".join(page.page(graded(WRONG, text)))
    assert "array" not in shown
    assert "Look at both signs." in shown
    # What went wrong inside the program is shown: it tells nothing of the answer.
    told = results.as_json(graded("def double(x): return y\n", text))
    assert told["tests"][0]["output"].startswith("line 1 (def double(x): return y): NameError")


def test_lateness_is_paid_for_and_said(graded):
    late = graded(WRONG, "late.penalty_per_day = 0.25", 2)
    assert (late.earned, late.score) == (2, 1)
    told = results.as_json(late)
    assert told["score"] == 1
    assert told["tests"][0]["score"] == 2
    assert told["output"].startswith("2 days late: 50 % of 2 points count, which is 1")
    assert "2 days late" in results.text(late)
    assert "2 days late" in "".join(page.page(late))


def test_a_file_that_does_not_load_is_explained_once_and_everywhere(graded):
    broken = graded("def f(:\n")
    told = results.as_json(broken)
    assert "student.py could not be graded: line 1" in told["output"]
    assert all("SyntaxError" in test["output"] for test in told["tests"])
    assert results.text(broken).count("SyntaxError") == 1


def test_the_page_is_escaped_and_needs_nothing_else(graded):
    shown = "".join(page.page(graded(NASTY)))
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
    shown = "".join(page.page(graded(RIGHT)))
    assert "What failed" not in shown
    assert "5 of 5 points" in shown


def test_a_hostile_file_name_is_escaped(tmp_path, toy):
    path = tmp_path / "<b>x.py"
    path.write_text(RIGHT)
    done = grade(toy, path, supervisor=shared_supervisor())
    assert "<b>" not in "".join(page.page(done))
    assert "&lt;b&gt;x.py" in "".join(page.page(done))


def test_the_terminal_shows_a_table_and_what_failed(graded):
    shown = results.text(graded(WRONG))
    assert re.search(r"^\(b\) positive part +0 +3  failed$", shown, re.MULTILINE)
    assert re.search(r"^total +2 +5$", shown, re.MULTILINE)
    assert "        x = array([-3.])\n" in shown
    assert "\x1b" not in results.text(graded(NASTY))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory, toy):
    """Return the root folder of an autograder, as Gradescope has it before it installs anything."""
    root = tmp_path_factory.mktemp("autograder")
    pack.pack(root / "autograder.zip", toy, "points.b = 8\nlate.penalty_per_day = 0.5\n")
    with zipfile.ZipFile(root / "autograder.zip") as archive:
        archive.extractall(root / "source")
        for entry in archive.infolist():
            (root / "source" / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    (root / "submission").mkdir()
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
    monkeypatch.setattr(metadata, "metadata", lambda name: fake)
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    assert pack.requirements() == {
        "python": ">=3.11",
        "dependencies": ["numpy>=1.26"],
        "classroom": ["hypothesis>=6.100"],
    }


def test_settings_that_do_not_fit_are_refused_before_packing(tmp_path, toy):
    with pytest.raises(ValueError, match=r"points.z must name"):
        pack.pack(tmp_path / "a.zip", toy, "points.z = 1")
    assert list(tmp_path.iterdir()) == []


def autograde(root: Path, **variables: str) -> dict:
    """Run an autograder with this interpreter, and return the results."""
    environment = os.environ | {"AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": sys.executable}
    done = subprocess.run(
        [str(root / "source" / "run_autograder")],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=200,
    )
    path = root / "results" / "results.json"
    assert path.is_file(), done
    return json.loads(path.read_text())


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_the_autograder_grades_a_submission(unpacked):
    (unpacked / "submission" / "homework.py").write_text(WRONG)
    (unpacked / "submission_metadata.json").write_text(
        json.dumps(
            {
                "created_at": "2026-03-01T10:00:00.000000-08:00",
                "assignment": {"due_date": "2026-03-01T09:00:00.000000-08:00"},
                "users": [],
            }
        )
    )
    (unpacked / "results").mkdir(exist_ok=True)
    (unpacked / "results" / "results.json").write_text('{"score": 1000}')
    told = autograde(unpacked)
    assert [test["max_score"] for test in told["tests"]] == [2, 8]
    assert [test["score"] for test in told["tests"]] == [2, 0]
    assert told["score"] == 1  # one day late
    assert told["extra_data"]["assignment"] == "09_toy"
    (unpacked / "submission_metadata.json").unlink()
    (unpacked / "submission" / "homework.py").unlink()
    told = autograde(unpacked)
    assert told["score"] == 0
    assert "there is no Python file in the submission" in told["output"]


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_an_autograder_that_fails_gives_a_result_all_the_same(unpacked):
    (unpacked / "results").mkdir(exist_ok=True)
    (unpacked / "results" / "results.json").write_text('{"score": 1000}')
    told = autograde(unpacked, AUTOGRADER_PYTHON="/bin/false")
    assert told["score"] == 0
    assert "could not grade" in told["output"]
