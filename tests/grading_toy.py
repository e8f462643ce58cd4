"""A small assignment for the tests of the grader, and submissions for it."""

import atexit
import functools
import sys
import textwrap
from pathlib import Path

import numpy as np

from zeroone.grading import Assignment, Limits, Settings, Supervisor, Task, grade

LINUX = sys.platform.startswith("linux")
# All that the system has, the system calls alone, and the least: a limit on memory and time.
STRONG, CALLS, WEAK = ("landlock", "calls", "user", "limits"), ("calls", "limits"), ("limits",)

# What the right answers hold, and what no student's process may ever see.
SECRET = 31.4159265

CHECKS = """
import numpy as np

from zeroone.grading import Task

TITLE = "Toy"


def arguments():
    from hypothesis import strategies as st

    numbers = st.lists(st.integers(-4, 4), min_size=1, max_size=4)
    return st.fixed_dictionaries({"x": numbers.map(lambda entries: np.array(entries, float))})


TASKS = (
    Task(
        name="(a) double",
        function="double",
        points=2,
        strategy=arguments,
        expected=lambda x: 2.0 * x,
        examples=20,
        hint="Look at the factor.",
    ),
    Task(
        name="(b) positive part",
        function="positive",
        points=3,
        strategy=arguments,
        expected=lambda x: np.maximum(x, 0.0),
        examples=20,
        hint="Look at both signs.",
    ),
)
"""
HANDOUT = "# 9. Toy\n\nDouble, and the positive part.\n"
STARTER = """
import numpy as np


def double(x):
    raise NotImplementedError


def positive(x):
    raise NotImplementedError
"""
RIGHT = """
import numpy as np


def double(x):
    return 2.0 * x


def positive(x):
    return np.where(x > 0, x, 0.0)
"""
# Wrong at and below -3 only.
WRONG = RIGHT.replace("np.where(x > 0, x, 0.0)", "np.where((x > 0) | (x < -2), x, 0.0)")


def write_assignment(folder: Path) -> Path:
    """Write the toy assignment as a folder."""
    folder.mkdir()
    for name, text in (("checks.py", CHECKS), ("handout.md", HANDOUT), ("starter.py", STARTER)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def draw():
    """Return the strategy of the tasks below: one entry or two, small integers."""
    from hypothesis import strategies as st

    return st.lists(st.integers(0, 3), min_size=1, max_size=2).map(
        lambda entries: {"x": np.array(entries, dtype=np.float64)}
    )


def honest_task(name: str = "honest", timeout: float = 20.0) -> Task:
    """Return a task that `HONEST` solves."""
    return Task(
        name=name,
        function="honest",
        points=1,
        strategy=draw,
        expected=lambda x: 2.0 * x,
        examples=2,
        timeout=timeout,
        hint="Double it.",
    )


def hostile_task(name: str, timeout: float = 20.0, **options) -> Task:
    """Return a task for the function of that name, which nobody can solve."""
    return Task(
        name=name,
        function=name,
        points=100,
        strategy=draw,
        expected=lambda x: x + SECRET,
        examples=2,
        timeout=timeout,
        hint="There is none.",
        **options,
    )


HONEST = "import numpy as np\n\ndef honest(x):\n    return 2.0 * x\n\n"


def source_of(functions: dict[str, str], before: str = "") -> str:
    """Return a submission: an honest function, and hostile ones by name and body."""
    parts = [before, HONEST]
    for name, body in functions.items():
        parts.append(f"def {name}(x):\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n\n")
    return "\n".join(parts)


@functools.cache
def shared_supervisor() -> Supervisor:
    """Return the supervisor of all tests, which saves loading NumPy for each."""
    supervisor = Supervisor()
    atexit.register(supervisor.close)
    return supervisor


def run(folder: Path, source: str | bytes, tasks, **limits):
    """Grade a submission for some tasks, with little time for shrinking."""
    path = folder / "student.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    assignment = Assignment("toy", "Toy", tuple(tasks), folder)
    settings = Settings(limits=Limits(**{"shrink_seconds": 0.1} | limits))
    return grade(assignment, path, settings, supervisor=shared_supervisor())


def failure_of(grade, name):
    return next(result.failure for result in grade.results if result.task.name == name)


# Tools for the hostile functions.
TOOLS = """
import builtins, ctypes, gc, os, signal, struct, sys, time
import numpy as np

def channels():
    'Every descriptor that might lead to the grader.'
    for number in range(3, 64):
        try:
            os.fstat(number)
        except OSError:
            continue
        yield number

def shout(data):
    for number in channels():
        try:
            os.write(number, data)
        except OSError:
            pass

def frame(message, **values):
    return sys.modules['wire'].frame(message, values)

def nonce():
    'The number that came with the question, from the frames of the worker.'
    caller = sys._getframe()
    while caller is not None:
        if 'message' in caller.f_locals and 'nonce' in caller.f_locals['message']:
            return caller.f_locals['message']['nonce']
        caller = caller.f_back

def shout_answer(after):
    'Answer 1, and that the arguments are now what some JSON says.'
    header = '{"nonce":"%s","outcome":"answer","values":{"answer":["int","1"],"after":%s}}'
    header = (header % (nonce(), after)).encode()
    shout(struct.pack('>II', len(header), 0) + header)

class Agreeable:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __le__(self, other): return True
    def __sub__(self, other): return 0.0
    def __abs__(self): return 0.0
    def __array__(self, *args, **kwargs): return np.zeros(1)

class AgreeableArray(np.ndarray):
    def __eq__(self, other): return True
    def __array_ufunc__(self, *args, **kwargs): return True

class AgreeableFloat(float):
    def __eq__(self, other): return True
    def __float__(self): return 31.0
"""
