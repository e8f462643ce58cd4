"""Grade a submission: load it apart, put the tasks' questions to it, count the points.

Where the settings say ``show_input = false``, a grade holds no input and nothing that a program
could have made of one: neither answers, nor the words of exceptions, nor what was printed. So no
output can show them, whichever it is.
"""

import math
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from zeroone.grading.assignment import STARTER, Assignment, Task
from zeroone.grading.compare import clean
from zeroone.grading.process import Supervisor
from zeroone.grading.sandbox import Sandbox
from zeroone.grading.search import import_hypothesis, search
from zeroone.grading.settings import Settings
from zeroone.grading.trial import Failure, explain
from zeroone.support.notebooks import code_of

MOST_BYTES = 1 << 20
# A notebook carries pictures beside its code.
MOST_BYTES_OF_NOTEBOOK = 20 * MOST_BYTES
NOTEBOOK = ".ipynb"
ENDINGS = (".py", NOTEBOOK)
SUBMISSION_NAMES = ("student.py", STARTER)
NOT_SHOWN = "What the program printed is not shown, as it may hold inputs."


@dataclass(frozen=True)
class Result:
    """How a task went.

    Parameters
    ----------
    task : Task
    failure : Failure or None
        Why it earns no points; None if it earns them all.
    seconds : float
    """

    task: Task
    failure: Failure | None
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether all answers were right."""
        return self.failure is None

    @property
    def points(self) -> float:
        """The points that it can earn."""
        return self.task.points

    @property
    def score(self) -> float:
        """The points that it earns."""
        return self.points if self.passed else 0.0


@dataclass(frozen=True)
class Grade:
    """How a submission went.

    Parameters
    ----------
    assignment : Assignment
    submission : str
        The file's name.
    results : tuple of Result
        One for each task.
    problem : str or None
        Why the submission could not be run at all.
    days_late : int
        Days begun since it was due.
    settings : Settings
    printed : str
        What the program printed, or the first part of it.
    not_in_force : tuple of str
        What the system did not let the sandbox forbid.
    seconds : float
    """

    assignment: Assignment
    submission: str
    results: tuple[Result, ...]
    problem: str | None = None
    days_late: int = 0
    settings: Settings = field(default_factory=Settings)
    printed: str = ""
    not_in_force: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def earned(self) -> float:
        """The points that the tasks earn."""
        return round(math.fsum(result.score for result in self.results), 6)

    @property
    def maximum(self) -> float:
        """The points that can be earned."""
        return round(math.fsum(result.points for result in self.results), 6)

    @property
    def score(self) -> float:
        """The points that remain when lateness is paid for."""
        return round(self.earned * self.settings.late.factor(self.days_late), 6)


def find_submission(
    path: Path, settings: Settings, assignment: str = "", *, deeper: bool = True
) -> Path | None:
    """Return the file to grade: `path` itself or, if it is a folder, the file in it.

    In a folder that is the one that the settings name, or else the only Python file, or else
    ``student.py``, ``starter.py``, or the file with the assignment's name (``02_u_block.py`` or
    ``u_block.py``); None if there is none such. Where there is no Python file, the same is asked of
    notebooks. If a folder has neither and a single folder in it, that one is searched, as students
    may hand in the folder that they worked in. A link does not count: it could lead to a file that
    the student may not read.
    """
    if not path.is_dir():
        return path if path.is_file() else None
    named = settings.gradescope.submission
    entries = [entry for entry in sorted(path.iterdir()) if not entry.is_symlink()]
    files = {entry.name: entry for entry in entries if entry.is_file()}
    folders = [entry for entry in entries if entry.is_dir() and entry.name[0] not in "._"]
    programs = {
        ending: {name: file for name, file in files.items() if name == file.stem + ending}
        for ending in ENDINGS
    }
    if deeper and named not in files and not any(programs.values()) and len(folders) == 1:
        return find_submission(folders[0], settings, assignment, deeper=False)
    if named is not None:
        return files.get(named)
    ending, found = next(((end, of) for end, of in programs.items() if of), (".py", {}))
    if len(found) == 1:
        return next(iter(found.values()))
    stems = (*(Path(name).stem for name in SUBMISSION_NAMES), assignment)
    names = [stem + ending for stem in (*stems, assignment.partition("_")[2])]
    return next((found[name] for name in names if name in found), None)


def read_source(path: Path) -> bytes:
    """Return what a submission holds: of a notebook, its code.

    Raises
    ------
    ValueError
        If it is too large, no ordinary file any more, no notebook inside, or cannot be read.
    """
    is_notebook = path.suffix == NOTEBOOK
    most = MOST_BYTES_OF_NOTEBOOK if is_notebook else MOST_BYTES
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError("it is not an ordinary file")
            source = file.read(most + 1)
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    if len(source) > most:
        raise ValueError(f"the file has more than {most >> 10} kB")
    if is_notebook:
        # What is no text fails as a program does that is no Python.
        source = code_of(source).encode("utf-8", "surrogatepass")
        if len(source) > MOST_BYTES:
            raise ValueError(f"the notebook has more than {MOST_BYTES >> 10} kB of code")
    return source


def grade(
    assignment: Assignment,
    submission: str | Path,
    settings: Settings | None = None,
    *,
    days_late: int = 0,
    supervisor: Supervisor | None = None,
    on_result: Callable[[Result], object] | None = None,
) -> Grade:
    """Grade a submission.

    Parameters
    ----------
    assignment : Assignment
    submission : str or Path
        The student's file, or a folder that holds it (see `find_submission`).
    settings : Settings, optional
    days_late : int, default 0
        Days begun since it was due.
    supervisor : Supervisor, optional
        One for many submissions, which saves time; by default each has one of its own.
    on_result : callable, optional
        Called with each task's result, to show progress.

    Returns
    -------
    Grade
        Also for a submission that is missing, does not run, or attacks the grader.

    Raises
    ------
    ValueError
        If hypothesis is missing, or the assignment or the settings are not as they should be.
    RuntimeError
        If no process can be started.
    """
    import_hypothesis()
    settings = Settings() if settings is None else settings
    path = find_submission(Path(submission), settings, assignment.name)
    name = Path(submission).name if path is None else path.name
    try:
        if path is None:
            raise ValueError(missing(Path(submission), settings))
        source = read_source(path)
    except ValueError as error:
        return refused(assignment, name, str(error), settings, days_late)
    return grade_source(
        assignment,
        source,
        name,
        settings,
        days_late=days_late,
        supervisor=supervisor,
        on_result=on_result,
    )


def refused(
    assignment: Assignment, name: str, problem: str, settings: Settings, days_late: int = 0
) -> Grade:
    """Return the grade of a submission that could not be run, for a reason."""
    tasks = settings.apply(assignment.tasks)
    results = tuple(Result(task, Failure(problem, final=True)) for task in tasks)
    return Grade(assignment, clean(name, 200), results, problem, days_late, settings)


def grade_source(
    assignment: Assignment,
    source: bytes,
    name: str,
    settings: Settings,
    *,
    days_late: int = 0,
    supervisor: Supervisor | None = None,
    on_result: Callable[[Result], object] | None = None,
) -> Grade:
    """Grade what a student's file holds; see `grade`."""
    import_hypothesis()
    started = time.perf_counter()
    tasks = settings.apply(assignment.tasks)
    results: list[Result] = []
    problem = None
    with Sandbox(source, clean(name, 200), settings.limits, supervisor) as sandbox:
        loaded = sandbox.load()
        if loaded.outcome != "loaded":
            problem = explain(loaded, None, sandbox)
        for task in tasks if problem is None else ():
            before = time.perf_counter()
            failure = search(assignment.name, task, sandbox)
            if failure is not None:
                sandbox.stop()  # what it did to its process is not to harm the next task
                if not settings.gradescope.show_input:
                    failure = failure.without_input()
            results.append(Result(task, failure, time.perf_counter() - before))
            if on_result is not None:
                on_result(results[-1])
    given = refused(assignment, name, problem, settings) if problem is not None else None
    return Grade(
        assignment,
        clean(name, 200),
        tuple(results) if given is None else given.results,
        problem,
        days_late,
        settings,
        printed_by(sandbox, settings),
        tuple(sandbox.not_in_force),
        time.perf_counter() - started,
    )


def printed_by(sandbox: Sandbox, settings: Settings) -> str:
    """Return what a program printed, as far as it is kept and may be shown."""
    printed = clean(sandbox.printed.text(), settings.limits.output_kilobytes << 10)
    if printed.strip() and not settings.gradescope.show_input:
        return NOT_SHOWN
    if sandbox.printed.dropped:
        printed += f"\n... more than {settings.limits.output_kilobytes} kB; the rest is dropped"
    return printed


def missing(path: Path, settings: Settings) -> str:
    """Return in words that there is no file to grade."""
    named = settings.gradescope.submission
    if not path.is_dir():
        return f"there is no file {clean(path.name, 200)}"
    if named is not None:
        return f"there is no file {named} in the submission"
    return (
        "there is no Python file or notebook in the submission, or more than one and none is "
        "called student or starter"
    )
