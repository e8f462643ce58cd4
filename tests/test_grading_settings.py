"""The instructor's file, lateness, and where assignments are."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from grading_toy import CHECKS, write_assignment

from zeroone.grading import Late, assignment, load, load_settings, settings
from zeroone.grading.report import read_days_late
from zeroone.grading.settings import Settings, parse


def test_an_empty_file_changes_nothing():
    assert parse("") == Settings()


def test_the_documented_file_is_read(tmp_path):
    """The example in the docstring, which --help shows, is a settings file."""
    example = settings.EXAMPLE
    path = tmp_path / "settings.toml"
    path.write_text(example)
    read = load_settings(path)
    assert read.points == {"1": 5, "2": 2.5}
    assert read.late == Late(0.1, 3, 10)
    assert read.call_seconds == 5
    assert read.limits == settings.Limits()
    assert read.gradescope == settings.Gradescope(submission="student.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("points = 3", "points must be a table"),
        ("[point]", "settings must be one of points, late, limits, gradescope, but is 'point'"),
        ("[points]\na = -1", "points.a must be"),
        ("[points]\na = '1'", "points.a must be"),
        ("[points]\na = nan", "points.a must be"),
        ("[points]\na = true", "points.a must be"),
        ("[late]\npenalty_per_day = 1.5", "late.penalty_per_day must be"),
        ("[late]\npenalty_per_day = -0.1", "late.penalty_per_day must be"),
        ("[late]\nmaximum_days = 1.5", "late.maximum_days must be an integer"),
        ("[late]\ngrace_minutes = -1", "late.grace_minutes must be"),
        ("[late]\npenalty = 0.1", "late.penalty is not known; late has penalty_per_day"),
        ("late = 1", "late must be a table"),
        ("[limits]\ntotal_seconds = 0", "limits.total_seconds must be"),
        ("[limits]\ncall_seconds = inf", "limits.call_seconds must be"),
        ("[limits]\nmemory_megabytes = 1", "limits.memory_megabytes must be an integer >= 256"),
        ("[limits]\noutput_kilobytes = 1.5", "limits.output_kilobytes must be"),
        ("[limits]\nlayers = ['chroot']", "limits.layers must be one of landlock, calls, user, li"),
        ("[limits]\nlayers = 'user'", "limits.layers must be a list"),
        ("[gradescope]\nvisibility = 'never'", "gradescope.visibility must be one of visible"),
        ("[gradescope]\nshow_input = 1", "gradescope.show_input must be a bool"),
        ("[gradescope]\nsubmission = '../x.py'", "gradescope.submission must be a file name"),
        ("[gradescope]\nsubmission = 1", "gradescope.submission must be a file name"),
        ("this is no TOML", "settings must be TOML"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_key(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ValueError, match="settings must be a TOML file"):
        load_settings(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="settings must be a TOML file"):
        load_settings(tmp_path / "binary.toml")


@pytest.fixture
def toy(tmp_path):
    return write_assignment(tmp_path / "09_toy")


@pytest.mark.parametrize("name", ["(b) positive part", "b", "2"])
def test_points_are_set_by_name_letter_or_number(toy, name):
    tasks = parse(f"points.'{name}' = 7").apply(load(toy).tasks)
    assert [task.points for task in tasks] == [2, 7]


def test_points_may_be_nothing_and_times_are_set(toy):
    tasks = parse("points.a = 0\nlimits.call_seconds = 9").apply(load(toy).tasks)
    assert [task.points for task in tasks] == [0, 3]
    assert [task.timeout for task in tasks] == [9, 9]


@pytest.mark.parametrize("name", ["c", "3", "0", "double"])
def test_points_of_an_unknown_task_are_refused(toy, name):
    with pytest.raises(ValueError, match=f"points.{name} must name one of the tasks"):
        parse(f"points.'{name}' = 1").apply(load(toy).tasks)


def test_points_that_are_set_twice_are_refused(toy):
    with pytest.raises(ValueError, match=r"points\.2 names a task that another key names too"):
        parse("[points]\nb = 1\n2 = 2").apply(load(toy).tasks)


def test_lateness_costs_a_share_for_each_day():
    late = Late(penalty_per_day=0.25, maximum_days=3)
    assert [late.factor(days) for days in range(6)] == [1, 0.75, 0.5, 0.25, 0, 0]
    assert [Late(penalty_per_day=0.25).factor(days) for days in (4, 5, 99)] == [0, 0, 0]
    assert Late().factor(99) == 1
    due = datetime(2026, 3, 1, tzinfo=UTC)
    hour = timedelta(hours=1)
    for hours, days in [(-50, 0), (0, 0), (0.01, 1), (24, 1), (24.01, 2), (72, 3)]:
        assert late.days(due, due + hours * hour) == days
    assert Late(grace_minutes=30).days(due, due + 0.5 * hour) == 0
    assert Late(grace_minutes=30).days(due, due + 0.6 * hour) == 1


def write_metadata(path, due, *extensions, created="2026-03-02T00:00:01+00:00"):
    users = [{"id": 1, "assignment": {"due_date": date}} for date in extensions]
    data = {"created_at": created, "assignment": {"due_date": due}, "users": [*users, {"id": 2}]}
    path.write_text(json.dumps(data))
    return path


def test_gradescope_says_how_late_it_is(tmp_path):
    path = tmp_path / "submission_metadata.json"
    late = Late()
    assert read_days_late(write_metadata(path, "2026-03-01T00:00:00+00:00"), late) == 2
    # The same moment in another zone.
    assert read_days_late(write_metadata(path, "2026-02-28T16:00:00.000000-08:00"), late) == 2
    assert read_days_late(write_metadata(path, None), late) == 0
    extended = write_metadata(path, "2026-03-01T00:00:00+00:00", "2026-03-02T00:00:00+00:00")
    assert read_days_late(extended, late) == 1
    for text in ("", "[]", "{}", '{"created_at": 3}', '{"created_at": "today", "users": []}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"metadata must be Gradescope's submission_metadata"):
            read_days_late(path, late)
    with pytest.raises(ValueError, match="metadata must be"):
        read_days_late(tmp_path / "none.json", late)


def test_an_assignment_is_found_by_number_and_name(tmp_path, monkeypatch):
    for name in ("01_step", "02_prox", "10_last"):
        write_assignment(tmp_path / name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "03_empty").mkdir()
    monkeypatch.setattr(assignment, "material_folder", lambda name: tmp_path.parent / name)
    (tmp_path.parent / "tutorials").mkdir(exist_ok=True)
    target = tmp_path.parent / "tutorials" / "assignments"
    tmp_path.rename(target)
    try:
        assert [folder.name for folder in assignment.folders()] == ["01_step", "02_prox", "10_last"]
        for name in ("01_step", "01", "1", "step"):
            assert load(name).name == "01_step"
        assert load("10").name == load("last").name == "10_last"
        assert load(target / "02_prox").title == "Toy"
        for name in ("3", "03_empty", "ste", "", "..", "notes"):
            with pytest.raises(ValueError, match="must be one of 01_step, 02_prox, 10_last"):
                load(name)
    finally:
        target.rename(tmp_path)


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ("1 / 0", "checks.py fails with ZeroDivisionError"),
        ("def", "checks.py fails with SyntaxError"),
        (CHECKS.replace('"Toy"', "3"), "TITLE must be a string"),
        ("TITLE = 'a'\nTASKS = []", "TASKS must be a tuple of at least one Task"),
        ("TITLE = 'a'\nTASKS = ()", "TASKS must be a tuple of at least one Task"),
        ("TITLE = 'a'\nTASKS = (1,)", "TASKS must be a tuple of at least one Task"),
        (CHECKS + "TASKS = TASKS + TASKS", "TASKS must have different names, but repeats"),
    ],
)
def test_bad_checks_are_refused(toy, checks, message):
    (toy / "checks.py").write_text(checks)
    with pytest.raises(ValueError, match=message):
        load(toy)
