"""Grading of honest work: points, the smallest failing input, and what an instructor gets wrong."""

import os
import subprocess
import sys

import numpy as np
import pytest
from grading_toy import (
    RIGHT,
    STARTER,
    WRONG,
    draw,
    honest_task,
    run,
    shared_supervisor,
    write_assignment,
)

from zeroone.grading import Assignment, Limits, Task, grade, load, simple
from zeroone.grading.drawing import simplicity
from zeroone.grading.process import Single
from zeroone.grading.settings import parse
from zeroone.grading.trial import ChecksError

pytest.importorskip("hypothesis")


def numbers(most=100):
    """Return the strategy of one whole number n."""
    from hypothesis import strategies as st

    return st.integers(0, most).map(lambda n: {"n": n})


def make(**options) -> Task:
    """Return a task that doubles a number."""
    defaults = {
        "name": "double",
        "function": "double",
        "points": 1,
        "strategy": numbers,
        "expected": lambda n: 2 * n,
        "hint": "Look again.",
        "timeout": 20.0,
        "examples": 10,
    }
    return Task(**(defaults | options))


@pytest.fixture
def toy(tmp_path):
    return load(write_assignment(tmp_path / "toy"))


def graded(tmp_path, assignment, source):
    path = tmp_path / "student.py"
    path.write_text(source)
    return grade(assignment, path, supervisor=shared_supervisor())


def test_a_right_submission_earns_everything(tmp_path, toy):
    result = graded(tmp_path, toy, RIGHT)
    assert (result.score, result.maximum, result.problem) == (5, 5, None)
    assert [one.failure for one in result.results] == [None, None]


def test_a_starter_earns_nothing(tmp_path, toy):
    result = graded(tmp_path, toy, STARTER)
    assert result.score == 0
    for one in result.results:
        function = one.task.function
        where = {"double": 6, "positive": 10}[function]
        said = f"not written yet: {function} raises NotImplementedError (line {where})"
        assert (one.failure.reason, one.failure.arguments) == (said, "")


def test_the_smallest_failing_input_is_found(tmp_path, toy):
    """The function is wrong where an entry is below -2: one entry of -3 is the smallest."""
    result = graded(tmp_path, toy, WRONG)
    assert [one.score for one in result.results] == [2, 0]
    failure = result.results[1].failure
    assert failure.arguments == "x = array([-3.])"
    assert failure.received == "array([-3.]) (shape (1,))"
    assert failure.expected == "array([0.]) (shape (1,))"
    assert failure.reason == "entry [0] is -3.0, but 0.0 was expected"


def test_the_same_inputs_are_drawn_in_every_process_and_folder(tmp_path, toy):
    (tmp_path / "student.py").write_text(
        "import numpy as np\nprint('loaded')\n"
        "def double(x):\n    print(x.tolist())\n    return 2.0 * x\n"
        "def positive(x): return np.maximum(x, 0.0)\n"
    )
    program = (
        "import sys\n{before}\nfrom zeroone.grading import grade, load\n"
        "print(grade(load(sys.argv[1]), sys.argv[2]).printed)\n"
    )
    told, arguments = [], [str(toy.folder), str(tmp_path / "student.py")]
    for number, before in enumerate(("", "import zeroone.estimators, random; random.seed(1)")):
        folder = tmp_path / f"at{number}"
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", program.format(before=before), *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
        )
        told.append(done.stdout)
        assert list(folder.iterdir()) == []  # Hypothesis leaves nothing either
    assert told[0] == told[1]
    assert told[0].count("\n") > 20
    here = grade(toy, tmp_path / "student.py").printed
    assert here.strip() == told[0].strip()


def test_explicit_inputs_come_first_and_smaller_ones_replace_them(tmp_path):
    source = "def double(n):\n    print(n)\n    return 2 * n if n < 50 else 0\n"
    explicit = ({"n": 3}, {"n": 10**6})
    result = run(tmp_path, source, [make(explicit=explicit, examples=200)], shrink_seconds=20)
    assert result.printed.split()[:3] == ["3", "3", "1000000"]
    assert result.results[0].failure.size == 2
    only = run(tmp_path, source, [make(explicit=explicit, strategy=lambda: numbers(9))])
    assert only.results[0].failure.arguments == "n = 1000000"


def test_changed_arguments_are_noticed_unless_that_is_allowed(tmp_path):
    source = "def honest(x):\n    x *= 2.0\n    return x\n"
    task = honest_task()
    result = run(tmp_path, source, [task])
    assert result.results[0].failure.reason == "the function changed its arguments in place"
    allowed = Task(**{**vars(task), "unchanged": False})
    assert run(tmp_path, source, [allowed]).score == 1


def test_a_judge_decides_where_several_answers_are_right(tmp_path):
    def judge(arguments, received):
        if received * received == arguments["n"] ** 2:
            return None
        return f"{received} is no root of {arguments['n'] ** 2}"

    task = make(expected=None, judge=judge, form=lambda n: 0.0)
    assert run(tmp_path, "def double(n): return n", [task]).score == 1
    assert run(tmp_path, "def double(n): return -float(n)", [task]).score == 1
    wrong = run(tmp_path, "def double(n): return n + 1", [task]).results[0].failure
    assert wrong.reason == "1 is no root of 0"
    assert (wrong.received, wrong.expected) == ("1", "")
    for answer, reason in [
        ("float('nan')", "you returned nan"),
        ("'text'", "you returned a string, but a floating-point number was expected"),
        ("[1.0]", "you returned a list of 1 value, but"),
    ]:
        failure = run(tmp_path, f"def double(n): return {answer}", [task]).results[0].failure
        assert failure.reason.startswith(reason)


def test_an_answer_that_breaks_the_judge_is_wrong(tmp_path):
    task = make(expected=None, judge=lambda arguments, received: received.no_such_thing)
    failure = run(tmp_path, "def double(n): return 1", [task]).results[0].failure
    assert failure.reason.startswith("the answer cannot be judged (AttributeError")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expected": lambda n: 1 / 0}, "expected of task 'double' fails with ZeroDivisionError"),
        ({"judge": lambda arguments, received: False}, "judge of task 'double' must return None"),
        ({"form": lambda n: 1 / 0}, "form of task 'double' fails"),
        ({"strategy": lambda: 3}, "strategy"),
        ({"explicit": ({"n": object()},)}, "can be sent, but task 'double' gives an object"),
        ({"explicit": ({"n": np.array([None])},)}, "dtype object"),
    ],
)
def test_mistakes_in_the_checks_are_the_instructors(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, "def double(n): return 2 * n", [make(**options)])


def test_strategies_must_draw_dicts(tmp_path):
    from hypothesis import strategies as st

    with pytest.raises(ChecksError, match="gives int instead of a dict"):
        run(tmp_path, "def double(n): return 2 * n", [make(strategy=st.integers)])
    empty = make(strategy=lambda: st.integers().filter(lambda n: False))
    with pytest.raises(ChecksError, match="Unsatisfiable"):
        run(tmp_path, "def double(n): return 2 * n", [empty])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "name must be"),
        ({"function": "not a name"}, "function must be a Python name"),
        ({"hint": " "}, "hint must be"),
        ({"points": -1}, "points must be"),
        ({"points": float("nan")}, "points must be"),
        ({"timeout": 0}, "timeout must be"),
        ({"rtol": -1}, "rtol must be"),
        ({"examples": 0}, "examples must be"),
        ({"expected": None}, "expected or judge must be given"),
        ({"expected": 3}, "expected must be callable"),
        ({"strategy": None}, "strategy must be callable"),
        ({"explicit": [{}]}, "explicit must be a tuple"),
    ],
)
def test_bad_tasks_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_numbers_lists_and_seeds_reach_the_student_as_they_are(tmp_path):
    from hypothesis import strategies as st

    explicit = (
        {"n": [np.arange(3), (1.5, "a", None, True)]},
        {"n": np.float32(0.5)},
        {"n": np.zeros((0, 2), dtype=np.int16)},
    )
    shown = [
        "[array([0, 1, 2]), (1.5, 'a', None, True)] list",
        "0.5 float32",
        "array([], shape=(0, 2), dtype=int16) ndarray",
    ]
    source = (
        "import numpy as np\n"
        "def double(n):\n    print(n if isinstance(n, np.generic) else repr(n), type(n).__name__)\n"
    )
    task = make(expected=lambda n: None, explicit=explicit, strategy=lambda: st.just({"n": 1}))
    result = run(tmp_path, source, [task])
    assert result.score == 1
    assert result.printed.splitlines()[:6:2] == shown


def test_simple_numbers_come_first():
    from hypothesis import find, settings

    numbers = [i / 4 for i in range(-8, 9)]
    quiet = settings(database=None, max_examples=500)
    for allowed, simplest in [
        (lambda x: True, 0.0),
        (bool, 1.0),
        (lambda x: x < 0, -1.0),
        (lambda x: x not in (0, 1, -1, 2, -2), 0.5),
        (lambda x: abs(x) % 0.5, 0.25),
    ]:
        assert find(simple(numbers), allowed, settings=quiet) == simplest
    assert simplicity(0.3) < simplicity(-0.3) < simplicity(0.25) < simplicity(1 / 1024)
    with pytest.raises(ValueError, match="numbers must hold at least one number"):
        simple([])


def test_a_folder_is_searched_for_the_file(tmp_path, toy):
    folder = tmp_path / "submission"
    folder.mkdir()
    assert "no Python file" in grade(toy, folder).problem
    (folder / "anything.py").write_text(RIGHT)
    (folder / "notes.txt").write_text("")
    assert grade(toy, folder).score == 5
    (folder / "other.py").write_text(STARTER)
    assert (
        "no Python file or notebook in the submission, or more than one"
        in grade(toy, folder).problem
    )
    (folder / "starter.py").write_text(WRONG)
    assert grade(toy, folder).score == 2
    assert grade(toy, folder, parse("gradescope.submission = 'other.py'")).score == 0
    problem = grade(toy, folder, parse("gradescope.submission = 'hw.py'")).problem
    assert problem == "there is no file hw.py in the submission"
    assert grade(toy, tmp_path / "nothing.py").problem == "there is no file nothing.py"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links")
def test_a_link_is_not_a_submission(tmp_path, toy):
    """It could lead the grader to a file that the student may not read."""
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "student.py").symlink_to(toy.folder / "checks.py")
    assert "no Python file" in grade(toy, folder).problem


def test_the_grader_is_readable_again_afterwards(tmp_path):
    path = tmp_path / "student.py"
    path.write_text("def honest(x): return 2.0 * x")
    assignment = Assignment("toy", "Toy", (honest_task(),), tmp_path)
    before = descriptors(), children()
    assert grade(assignment, path).score == 1
    assert (descriptors(), children()) == before
    if os.path.exists("/proc/self/environ"):
        assert os.stat("/proc/self/environ").st_uid == os.geteuid()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def children() -> list[str]:
    numbers = os.listdir("/proc") if os.path.isdir("/proc") else []
    return [path for path in numbers if path.isdigit() and parent_of(path) == os.getpid()]


def parent_of(number: str) -> int:
    try:
        with open(f"/proc/{number}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_without_a_supervisor_the_worker_is_on_its_own(tmp_path, monkeypatch):
    """Systems where a process cannot divide."""
    import grading_toy

    single = Single()
    monkeypatch.setattr(grading_toy, "shared_supervisor", lambda: single)
    source = "import os, time\ndef honest(x): return 2.0 * x\ndef sleeps(x): time.sleep(99)\n"
    source += "def ends(x): os._exit(0)\n"
    tasks = [
        honest_task(),
        Task(**{**vars(honest_task("sleeps", 0.3)), "function": "sleeps"}),
        Task(**{**vars(honest_task("ends")), "function": "ends"}),
        honest_task("again"),
    ]
    with single:
        result = run(tmp_path, source, tasks)
    assert [one.passed for one in result.results] == [True, False, False, True]
    assert "within 0.3 s" in result.results[1].failure.reason
    assert "the process ended" in result.results[2].failure.reason


def test_a_process_that_cannot_be_started_is_not_the_students_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    (tmp_path / "student.py").write_text(RIGHT)
    assignment = Assignment("toy", "Toy", (honest_task(),), tmp_path)
    with pytest.raises(RuntimeError, match="no process can be started"):
        grade(assignment, tmp_path / "student.py")


def test_what_a_program_prints_is_kept(tmp_path):
    source = "print('hello', '\\x1b[31m')\ndef honest(x): return 2.0 * x\n"
    result = run(tmp_path, source, [honest_task()])
    assert result.printed == "hello \\x1b[31m\n"
    cut = run(
        tmp_path,
        "print('x' * 5000)\ndef honest(x): return x * 2.0\n",
        [honest_task()],
        output_kilobytes=1,
    )
    assert cut.printed == "x" * 1024 + "\n... more than 1 kB; the rest is dropped"


def test_limits_are_in_force(tmp_path):
    source = "import numpy as np\ndef honest(x):\n    return 2.0 * x + 0 * np.empty(10**8).size\n"
    task = Task(**{**vars(honest_task()), "strategy": draw})
    assert run(tmp_path, source, [task], memory_megabytes=2048).score == 1
    assert (
        "MemoryError"
        in run(tmp_path, source, [task], memory_megabytes=400).results[0].failure.reason
    )


def test_an_assignment_knows_its_points():
    tasks = (make(), make(name="again", points=2.5))
    assert Assignment("a", "A", tasks, None).points == 3.5
    assert Limits().total_seconds == 300
