"""The commands grade and assignment, as someone at a terminal sees them."""

import json
import re
import zipfile

import pytest
from grading_toy import HANDOUT, RIGHT, STARTER, WRONG, write_assignment
from terminal import refused, run

from zeroone.commands import grade as command
from zeroone.grading import assignment as assignments
from zeroone.grading import settings

pytest.importorskip("hypothesis")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the working folder, with one assignment that comes with zeroone: 09_toy."""
    parent = tmp_path / "material" / "assignments"
    parent.mkdir(parents=True)
    write_assignment(parent / "09_toy")
    monkeypatch.setattr(assignments, "material_folder", lambda name: tmp_path / "material")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_an_assignment_is_started_and_graded(here):
    status, out, err = run("assignment", "start", "toy")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["09_toy/handout.md written", "09_toy/starter.py written"]
    assert (here / "09_toy" / "handout.md").read_text() == HANDOUT
    assert (here / "09_toy" / "starter.py").read_text() == STARTER
    # What it says is to be done next can be done.
    status, out, err = run(*lines[-1].split()[1:])
    assert (status, err) == (0, "")
    assert re.search(r"^total +0 +5$", out, re.MULTILINE)
    (here / "09_toy" / "starter.py").write_text(RIGHT)
    status, out, err = run("grade", "toy", "09_toy", "--json", "r.json", "--html", "f.html")
    assert (status, err) == (0, "")
    assert json.loads((here / "r.json").read_text())["score"] == 5
    assert "5 of 5 points" in (here / "f.html").read_text()
    assert {path.name for path in here.iterdir()} == {"09_toy", "r.json", "f.html"}
    assert {path.name for path in (here / "09_toy").iterdir()} == {"handout.md", "starter.py"}


@pytest.mark.parametrize("name", ["handout.md", "starter.py"])
def test_starting_overwrites_nothing(here, name):
    (here / "09_toy").mkdir()
    (here / "09_toy" / name).write_text("mine")
    assert "is there already and is not overwritten" in refused("assignment", "start", "9")
    assert (here / "09_toy" / name).read_text() == "mine"
    assert [path.name for path in (here / "09_toy").iterdir()] == [name]
    (here / "other").mkdir()
    for folder in ("other", "made"):
        assert run("assignment", "start", "9", "--to", folder)[0] == 0
        assert (here / folder / "09_toy" / "starter.py").read_text() == STARTER


def test_several_are_started_in_one_folder(here):
    write_assignment(here.parent / "material" / "assignments" / "10_other")
    for folder in (".", "homework"):
        for name in ("09_toy", "10_other"):
            assert run("assignment", "start", name, "--to", folder)[0] == 0
            assert (here / folder / name / "handout.md").is_file()
            assert (here / folder / name / "starter.py").is_file()


def test_starting_overwrites_no_link_that_leads_nowhere(here):
    (here / "09_toy").mkdir()
    (here / "09_toy" / "starter.py").symlink_to(here / "gone.py")
    assert "not overwritten" in refused("assignment", "start", "9")
    assert not (here / "gone.py").exists()


def test_unknown_assignments_and_folders_are_refused(here):
    assert "assignment must be one of 09_toy" in refused("assignment", "start", "8")
    (here / "file").write_text("mine")
    for folder, message in (("no/where", "folder no does not exist"), ("file", "cannot make")):
        assert message in refused("assignment", "start", "9", "--to", folder)
    assert [path.name for path in here.iterdir()] == ["file"]
    assert "assignment must be one of 09_toy" in refused("grade", "8", here / ".." / "work")


def test_assignments_are_listed(here):
    status, out, _ = run("assignment", "list")
    assert status == 0
    assert out.splitlines()[-1] == "09_toy      9. Toy"


def test_settings_and_lateness(here):
    (here / "student.py").write_text(WRONG)
    (here / "course.toml").write_text("points.a = 10\nlate.penalty_per_day = 0.5\n")
    done = run("grade", "9", "student.py", "--settings", "course.toml", "--late", "1")
    assert done[0] == 0
    assert "1 day late: 50 % of 10 points count, which is 5" in done[1]
    (here / "course.toml").write_text("points.a = -1")
    message = refused("grade", "9", "student.py", "--settings", "course.toml")
    assert "points.a must be" in message


def test_mistakes_of_the_instructor_are_refused(here):
    student = here / "student.py"
    student.write_text(RIGHT)
    (here / "m.json").write_text("{}")
    for arguments, message in [
        (["9"], "submission must be a student's file"),
        (["9", "none.py"], "there is no none.py"),
        (["9", "student.py", "--late", "-1"], "late must be an integer >= 0"),
        (["9", "student.py", "--late", "1", "--metadata", "m.json"], "late and metadata both"),
        (["9", "student.py", "--metadata", "m.json"], "metadata must be"),
        (["9", "student.py", "--json", "no/r.json"], "the folder no does not exist"),
        (["9", "student.py", "--json", "student.py"], "that file is read"),
        (["9", "student.py", "--json", "a", "--html", "a"], "another option names the same file"),
        (["9", "student.py", "--settings", "none.toml"], "settings must be a TOML file"),
        (["9", "student.py", "--output", "x.zip"], "output goes with --pack only"),
        (["9", "student.py", "--pack"], "submission does not go with --pack"),
        (["9", "--pack", "--json", "r.json"], "json does not go with --pack"),
        (["9", "--pack", "--output", "no/x.zip"], "the folder no does not exist"),
    ]:
        assert message in refused("grade", *arguments)
    assert student.read_text() == RIGHT
    assert {path.name for path in here.iterdir()} == {"student.py", "m.json"}


def test_an_autograder_is_packed(here):
    (here / "course.toml").write_text("points.a = 10\n")
    status, out, err = run("grade", "--pack", "9", "--settings", "course.toml")
    assert (status, err) == (0, "")
    assert "09_toy-autograder.zip" in out
    with zipfile.ZipFile(here / "09_toy-autograder.zip") as archive:
        assert archive.read("settings.toml") == b"points.a = 10\n"
        assert {"setup.sh", "run_autograder"} <= set(archive.namelist())
    assert run("grade", "--pack", "9", "--output", "x.zip")[0] == 0
    assert (here / "x.zip").is_file()


def test_a_failing_submission_is_graded_with_status_0(here):
    (here / "student.py").write_text("import os\nos._exit(1)\n")
    status, out, err = run("grade", "9", "student.py")
    assert (status, err) == (0, "")
    assert "student.py could not be graded" in out


def test_who_grades_a_class_without_a_table_is_told_how(here):
    (here / "class").mkdir()
    for name in ("anna", "ben"):
        (here / "class" / f"{name}.py").write_text(RIGHT)
    status, out, _ = run("grade", "9", "class")
    assert status == 0
    assert "there is no Python file or notebook in the submission, or more than one" in out
    assert out.endswith(
        "To grade a folder of submissions, one for each student, add --csv FILE.csv.\n"
    )
    assert "--csv" not in run("grade", "9", "class", "--json", "r.json")[1]
    assert "--csv" not in run("grade", "9", "class/anna.py")[1]


def test_help_warns_that_inputs_repeat():
    said = " ".join(run("grade", "--help")[1].split())
    assert "Inputs repeat." in said
    assert "the same for all students and at every submission" in said


def test_help_documents_the_settings_file():
    status, out, _ = run("grade", "--help")
    assert status == 0
    for word in ("[points]", "penalty_per_day", "memory_megabytes", "stdout_visibility"):
        assert word in out


def test_the_settings_in_the_help_fit_every_assignment():
    example = settings.EXAMPLE
    assert example in run("grade", "--help")[1]
    parsed = settings.parse(example)
    folders = assignments.folders()
    assert len(folders) >= 7
    for folder in folders:
        tasks = assignments.load(folder).tasks
        changed = parsed.apply(tasks)
        assert [task.points for task in changed[:2]] == [5, 2.5]
        assert [task.points for task in changed[2:]] == [task.points for task in tasks[2:]]


DEEP = {
    "settings": {
        "arrays": "x = " + "[" * 3000 + "]" * 3000,
        "tables": "points = " + "{a = " * 3000 + "1" + "}" * 3000,
        "dotted keys": "points" + ".a" * 3000 + " = 1",
        "points": "points.1 = 1e308\npoints.2 = 1e308",
        "digits": f"points.1 = {'9' * 5000}",
        "a name of digits": f"points.{'9' * 5000} = 1",
        "NaN": "points.1 = nan",
        "time": "limits.total_seconds = 1e308",
        "time for a call": "limits.call_seconds = 1e300",
        "memory": f"limits.memory_megabytes = {'9' * 30}",
        "output": f"limits.output_kilobytes = {'9' * 300}",
        "grace": "late.grace_minutes = 1e308",
        "days": f"late.maximum_days = {'9' * 400}",
    },
    "metadata": {
        "deep": "[" * 3000 + "]" * 3000,
        "very deep": "[" * 100_000 + "]" * 100_000,
        "digits": '{"created_at": ' + "9" * 5000 + "}",
        "a list": "[1]",
    },
}


@pytest.mark.parametrize(("option", "name"), [(a, b) for a, of in DEEP.items() for b in of])
def test_what_is_too_deep_or_too_large_is_refused_in_one_line(here, option, name):
    (here / "student.py").write_text(RIGHT)
    (here / "file").write_text(DEEP[option][name])
    message = refused("grade", "9", "student.py", f"--{option}", "file")
    assert re.search(rf"error: ({option} must|points\.|limits\.|late\.)", message), message


@pytest.mark.parametrize("days", ["9" * 400, "9" * 5000, "1e5", "nan"])
def test_days_of_any_number_of_digits_are_refused_in_one_line(here, days):
    (here / "student.py").write_text(RIGHT)
    assert "late" in refused("grade", "9", "student.py", "--late", days)


@pytest.mark.parametrize(
    ("error", "said"), [(RuntimeError, "RuntimeError: broken"), (ValueError, "broken")]
)
def test_a_grader_that_fails_says_why_and_writes_results(here, monkeypatch, error, said):
    def fail(*_, **__):
        raise error("broken")

    monkeypatch.setattr(command, "grade", fail)
    (here / "student.py").write_text(RIGHT)
    assert said in refused("grade", "9", "student.py", "--json", "r.json")
    told = json.loads((here / "r.json").read_text())
    assert told["score"] == 0
    assert [test["visibility"] for test in told["tests"]] == ["hidden"]
    assert told["tests"][0]["output"] == f"{error.__name__}: broken"
