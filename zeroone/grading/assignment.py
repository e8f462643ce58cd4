"""An assignment: a folder with ``handout.md``, ``starter.py`` and ``checks.py``, and its tasks.

``checks.py`` defines ``TITLE`` and ``TASKS``, a tuple of `Task`: what to draw, what is right, how
near an answer must come, and a hint. It runs in the grader's process only. A student's function
gets what `Task.strategy` draws, in a process of its own; `Task.expected` and `Task.judge` see a
copy of the same arguments and what came back.
"""

import importlib.util
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zeroone.support.material import material_folder
from zeroone.support.validation import check_integer, check_number

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

HANDOUT, STARTER, CHECKS = "handout.md", "starter.py", "checks.py"
FOLDER_NAME = re.compile(r"(\d+)_(\w+)")

# More than anyone means: what is above could overflow further on.
MOST_POINTS, MOST_SECONDS = 1e6, 1e6

Arguments = dict[str, Any]
"""Keyword arguments of a student's function.

Values are float, int and bool arrays, numbers, bools, strings, None, `Seed`, and tuples or lists of
them.
"""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One function that a student writes, and how its answers are checked.

    An answer is right if it passes everything that is given of `expected`, `form` and `judge`. The
    points are all or nothing.

    Parameters
    ----------
    name : str
        As the handout calls it: ``"(a) the preactivation"``.
    function : str
        Name of the function in the student's file.
    points : float from 0 to a million
    strategy : callable () -> Hypothesis strategy of dicts
        Draws keyword arguments (see `Arguments`). Import hypothesis inside, as an installation
        without the extra ``classroom`` has none.
    hint : str
        Shown when the task fails. It should say where to look, and not the answer.
    expected : callable (**arguments) -> answer, optional
        The right answer: an array, a number, a bool, a string, None, or a tuple of them. Answers
        are compared in structure, shape, kind of dtype (bool, integer, floating point; not the
        precision) and value. A Python float and a NumPy scalar are the same; for a single number,
        an integer serves as a floating-point number.
    form : callable (**arguments) -> answer, optional
        An answer of the right structure, shape and kind, for tasks that have several right answers:
        `judge` then sees only answers like it, without NaN (unless `nan_equal`).
    judge : callable (arguments, received) -> str or None, optional
        None if the answer is right, otherwise a sentence that says what is wrong. `received` comes
        from a program that is not trusted: without `expected` or `form` it may be anything, and any
        number in it may be NaN or infinite, so write ``if not difference <= bound`` rather than
        ``if difference > bound``. An error in `judge` counts as a wrong answer.
    rtol, atol : float >= 0
        Numbers are right if ``|received - expected| <= atol + rtol |expected|`` in every entry, as
        in ``numpy.allclose``; infinities must be equal. Integers, bools and strings must be equal.
    nan_equal : bool, default False
        Whether a NaN is right where a NaN is expected; if not, NaN is never right.
    examples : int >= 1, default 100
        How many arguments Hypothesis draws.
    explicit : tuple of dicts
        Arguments that are tried first, such as edges.
    unchanged : bool, default True
        Whether the function must leave its arguments as they were.
    timeout : float > 0, default 2
        Seconds for one call, at most a million.

    Raises
    ------
    ValueError
        If a value is out of range, or neither `expected` nor `judge` is given.
    """

    name: str
    function: str
    points: float
    strategy: "Callable[[], SearchStrategy[Arguments]]"
    hint: str
    expected: Callable[..., Any] | None = None
    form: Callable[..., Any] | None = None
    judge: Callable[[Arguments, Any], str | None] | None = None
    rtol: float = 1e-7
    atol: float = 1e-9
    nan_equal: bool = False
    examples: int = 100
    explicit: tuple[Arguments, ...] = ()
    unchanged: bool = True
    timeout: float = 2.0

    def __post_init__(self) -> None:
        for field in ("name", "function", "hint"):
            value = getattr(self, field)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{field} must be a string that is not empty, but is {value!r}")
        if not self.function.isidentifier():
            raise ValueError(f"function must be a Python name, but is {self.function!r}")
        check_number("points", self.points, maximum=MOST_POINTS)
        check_number("timeout", self.timeout, strict=True, maximum=MOST_SECONDS)
        check_number("rtol", self.rtol)
        check_number("atol", self.atol)
        check_integer("examples", self.examples)
        if self.expected is None and self.judge is None:
            raise ValueError(f"expected or judge must be given, but task {self.name!r} has neither")
        for one in ("strategy", "expected", "form", "judge"):
            value = getattr(self, one)
            if not callable(value) and (value is not None or one == "strategy"):
                raise ValueError(f"{one} must be callable, but is {value!r}")
        if not isinstance(self.explicit, tuple) or not all(
            isinstance(arguments, dict) for arguments in self.explicit
        ):
            raise ValueError(f"explicit must be a tuple of dicts, but is {self.explicit!r}")


@dataclass(frozen=True)
class Assignment:
    """An assignment.

    Parameters
    ----------
    name : str
        The name of its folder, such as ``"01_step"``.
    title : str
    tasks : tuple of Task
    folder : Path
    """

    name: str
    title: str
    tasks: tuple[Task, ...]
    folder: Path

    @property
    def points(self) -> float:
        """The points that can be earned."""
        return sum(task.points for task in self.tasks)


def folders() -> list[Path]:
    """Return the folders of the assignments that come with zeroone, in order.

    Raises
    ------
    ValueError
        If the package was copied without them.
    """
    parent = material_folder("tutorials") / "assignments"
    found = [path.parent for path in parent.glob(f"*/{CHECKS}")]
    return sorted(path for path in found if FOLDER_NAME.fullmatch(path.name))


def find(name: str | Path) -> Path:
    """Return the folder of an assignment.

    Parameters
    ----------
    name : str or Path
        The name of one that comes with zeroone (``"01_step"``), its number (``"01"``, ``"1"``) or
        the rest of its name (``"step"``); or the path of a folder that holds ``checks.py``.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    path = Path(name)
    if (path / CHECKS).is_file():
        return path
    known = folders()
    matching = [folder for folder in known if str(name) in names_of(folder)]
    if len(matching) != 1:
        names = ", ".join(folder.name for folder in known)
        raise ValueError(
            f"assignment must be one of {names}, or a folder that holds {CHECKS}, "
            f"but is {str(name)!r}"
        )
    return matching[0]


def names_of(folder: Path) -> set[str]:
    """Return what an assignment may be called."""
    found = FOLDER_NAME.fullmatch(folder.name)
    assert found is not None
    number, rest = found.groups()
    return {folder.name, number, str(int(number)), rest}


def load(name: str | Path) -> Assignment:
    """Return an assignment; this runs its ``checks.py``.

    Parameters
    ----------
    name : str or Path
        See `find`.

    Raises
    ------
    ValueError
        If there is no such assignment, or its ``checks.py`` fails or lacks `TITLE` or `TASKS`.
    """
    folder = find(name).resolve()
    path = folder / CHECKS
    module_name = f"zeroone_checks_{folder.name}_{zlib.crc32(str(folder).encode()):08x}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise ValueError(f"{path} fails with {type(error).__name__}: {error}") from error
    title, tasks = getattr(module, "TITLE", None), getattr(module, "TASKS", None)
    if not isinstance(title, str) or not title:
        raise ValueError(f"{path}: TITLE must be a string that is not empty, but is {title!r}")
    if not isinstance(tasks, tuple) or not tasks or not all(isinstance(t, Task) for t in tasks):
        raise ValueError(f"{path}: TASKS must be a tuple of at least one Task")
    names = [task.name for task in tasks]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"{path}: TASKS must have different names, but repeats {repeated}")
    return Assignment(folder.name, title, tasks, folder)
