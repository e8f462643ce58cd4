"""A task is a value: what to draw, what is right, how near an answer must come, and a hint.

An assignment's ``checks.py`` defines ``TITLE`` and ``TASKS``, a tuple of `Task`. It runs in the
grader's process only. A student's function gets what `Task.strategy` draws, in a process of its
own; `Task.expected` and `Task.judge` see a copy of the same arguments and what came back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zeroone.grading.wire import Seed as Seed
from zeroone.validation import check_integer, check_number

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

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
    points : float >= 0
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
        Seconds for one call.

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
        check_number("points", self.points)
        check_number("timeout", self.timeout, strict=True)
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
