"""One question to a student's function, and what is wrong with the answer."""

import builtins
import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.grading import wire
from zeroone.grading.assignment import Arguments, Task
from zeroone.grading.compare import clean, compare, show_arguments, with_shape
from zeroone.grading.sandbox import Reply, Sandbox

CHANGED = "the function changed its arguments in place"
MISSING = ("is not there", "is not a function")


class ChecksError(ValueError):
    """A task whose own functions fail: a mistake in ``checks.py``."""


@dataclass(frozen=True)
class Failure:
    """Why a task earns no points.

    Parameters
    ----------
    reason : str
        What is wrong, in a sentence.
    arguments : str
        The input, ready to be read; empty if no input has to do with it.
    received, expected : str
        What the function returned and what it should have; empty if there is nothing to show.
    size : int
        Number of entries of the input, to tell the smaller of two.
    answered : bool
        Whether an answer came, which was wrong.
    final : bool
        Whether another input cannot matter: the function is missing, or time is up.
    unwritten : bool
        Whether the function is still as in the starter.
    without : str
        `reason` without a word that an input could be read from.
    """

    reason: str
    arguments: str = ""
    received: str = ""
    expected: str = ""
    size: int = 0
    answered: bool = False
    final: bool = False
    unwritten: bool = False
    without: str = ""

    @property
    def effort(self) -> tuple[int, int]:
        """How long the input is to read, in letters; of many entries not all are shown."""
        letters = sum(map(len, self.arguments.split()))
        return max(letters, 3 * self.size), self.size

    def without_input(self) -> "Failure":
        """Return the failure as students see it where inputs are not shown."""
        reason = self.without or "wrong for some input"
        return Failure(reason, final=self.final, answered=self.answered, unwritten=self.unwritten)


def fresh(value: Any) -> Any:
    """Return a copy of an argument that may be changed, a seed as a new random generator."""
    if isinstance(value, wire.Seed):
        return np.random.default_rng(value.seed)
    if isinstance(value, list | tuple):
        return type(value)(fresh(one) for one in value)
    return copy.copy(value)


def without_seeds(value: Any) -> Any:
    """Return an argument as the worker returns it: without its random generators."""
    if isinstance(value, wire.Seed):
        return None
    if isinstance(value, list | tuple):
        return type(value)(without_seeds(one) for one in value)
    return value


def size(value: Any) -> int:
    """Return the number of entries of an argument."""
    if isinstance(value, dict | list | tuple):
        return sum(map(size, value.values() if isinstance(value, dict) else value)) + 1
    return int(value.size) if isinstance(value, np.ndarray) else 1


def key(value: Any) -> bytes:
    """Return bytes that are equal for two values only if no program could tell them apart.

    Raises
    ------
    wire.WireError
        If the value is of a type that cannot be sent.
    """
    return wire.frame({}, {"": value})


def changed(arguments: Arguments, after: list[Any]) -> bool:
    """Return whether arguments are not what they were; of those after the call nobody vouches."""
    before = key([without_seeds(value) for value in arguments.values()])
    try:
        return key(after) != before
    except wire.WireError:  # it could be read, but is more than is ever sent
        return True


class Trial:
    """Puts a task's questions to a student's function.

    Parameters
    ----------
    task : Task
    sandbox : Sandbox
    """

    def __init__(self, task: Task, sandbox: Sandbox) -> None:
        self.task, self.sandbox = task, sandbox

    def run(
        self, arguments: Arguments, *, first: bool = False, twice: bool = False
    ) -> Failure | None:
        """Call the function and return what is wrong, None if nothing is.

        Parameters
        ----------
        arguments : dict
        first : bool, default False
            Whether this is the task's first input: a function that raises NotImplementedError
            for it is one that nobody has written yet.
        twice : bool, default False
            Call it again, and demand the same answer.

        Raises
        ------
        ChecksError
            If a function of the task fails.
        """
        expected = self.compute("expected", arguments)
        reply = self.call(arguments)
        if first and (failure := self.unwritten(reply)):
            return failure
        wrong = self.fault(arguments, reply, expected)
        without = self.fault_without_input(reply, wrong)
        if wrong is None and twice:
            again = self.call(arguments)
            if again.outcome != "answer" or compare(
                reply.answer, again.answer, **self.tolerances | {"nan_equal": True}
            ):
                wrong = without = "the same input gave another answer the second time"
                reply = again
        if wrong is None:
            return None
        final = reply.outcome in ("missing", "no time")
        return Failure(
            wrong,
            "" if final else show_arguments(arguments),
            with_shape(reply.answer, expected) if reply.outcome == "answer" else "",
            with_shape(expected, reply.answer)
            if self.task.expected is not None and not final
            else "",
            size(arguments),
            reply.outcome == "answer",
            final,
            without=without,
        )

    def fault_without_input(self, reply: Reply, wrong: str | None) -> str:
        """Return what is wrong in words that no input can be read from; empty if there are none."""
        if reply.outcome != "answer":
            return explain(reply, self.task, self.sandbox, own_words=False)
        return CHANGED if wrong == CHANGED else ""

    def unwritten(self, reply: Reply) -> Failure | None:
        """Return that the function still raises the starter's NotImplementedError, if it does."""
        if reply.outcome != "exception" or not reply.message.startswith("NotImplementedError"):
            return None
        where = f" (line {reply.line})" if quoted_line(self.sandbox, reply.line) else ""
        said = f"not written yet: {self.task.function} raises NotImplementedError{where}"
        return Failure(said, final=True, unwritten=True, without=said)

    @property
    def tolerances(self) -> dict[str, Any]:
        """The task's tolerances, as `compare` takes them."""
        task = self.task
        return {"rtol": task.rtol, "atol": task.atol, "nan_equal": task.nan_equal}

    def identify(self, arguments: Any) -> bytes:
        """Return the `key` of what was drawn.

        Raises
        ------
        ChecksError
            If it is no dict, or holds what cannot be sent.
        """
        try:
            if not isinstance(arguments, dict):
                raise wire.WireError(f"{type(arguments).__name__} instead of a dict")
            return key([list(arguments), list(arguments.values())])
        except wire.WireError as error:
            raise ChecksError(
                "checks: strategy and explicit must give dicts of arguments that can be sent, but "
                f"task {self.task.name!r} gives {error}"
            ) from None

    def call(self, arguments: Arguments) -> Reply:
        """Ask the student's process."""
        task = self.task
        return self.sandbox.call(task.function, arguments, task.timeout, after=task.unchanged)

    def compute(self, what: str, arguments: Arguments) -> Any:
        """Return what the task's `expected` or `form` gives for a copy of the arguments."""
        function = getattr(self.task, what)
        if function is None:
            return None
        try:
            with np.errstate(all="ignore"):
                return function(**{name: fresh(value) for name, value in arguments.items()})
        except Exception as error:
            raise ChecksError(
                f"checks: {what} of task {self.task.name!r} fails with "
                f"{type(error).__name__}: {error}, for {show_arguments(arguments)}"
            ) from error

    def fault(self, arguments: Arguments, reply: Reply, expected: Any) -> str | None:
        """Return what is wrong with a reply."""
        task = self.task
        if reply.outcome != "answer":
            return explain(reply, task, self.sandbox)
        if task.unchanged and changed(arguments, reply.after):
            return CHANGED
        if task.expected is not None:
            wrong = compare(expected, reply.answer, **self.tolerances)
            if wrong:
                return wrong
        if task.form is not None:
            form = self.compute("form", arguments)
            wrong = compare(form, reply.answer, **self.tolerances, values=False)
            if wrong:
                return wrong
        return self.verdict(arguments, reply.answer)

    def verdict(self, arguments: Arguments, answer: Any) -> str | None:
        """Return what the task's `judge` says."""
        if self.task.judge is None:
            return None
        copied = {name: fresh(value) for name, value in arguments.items()}
        try:
            with np.errstate(all="ignore"):
                said = self.task.judge(copied, answer)
        except Exception as error:
            return f"the answer cannot be judged ({type(error).__name__}: {clean(str(error), 200)})"
        if said is not None and not isinstance(said, str):
            raise ChecksError(
                f"checks: judge of task {self.task.name!r} must return None or a string, but "
                f"returned {said!r}"
            )
        return None if said is None else clean(said)


def explain(reply: Reply, task: Task | None, sandbox: Sandbox, *, own_words: bool = True) -> str:
    """Return in a sentence why there is no answer.

    Parameters
    ----------
    reply : Reply
    task : Task or None
        None if the submission was to be loaded.
    sandbox : Sandbox
    own_words : bool, default True
        Whether to repeat what the submission's process says. It may say what its arguments were.
    """
    message = clean(reply.message, 600) if own_words else known_words(reply)
    seconds = sandbox.limits.import_seconds if task is None else task.timeout
    line = quoted_line(sandbox, reply.line)
    where = f"line {reply.line} ({clean(line, 100)}): " if line else ""
    what = "the file was not loaded" if task is None else "there was no answer"
    return {
        "exception": f"{where}{message}",
        "missing": f"the function {task.function if task else ''} {message}",
        "unsupported": f"you returned {message}, which is none of the kinds of answer "
        "(array, number, truth value, string, None, tuple or list of them)",
        "refused": f"{message}: the file was not run",
        "late": f"{what} within {seconds:g} s",
        "died": f"{what}: {message}",
        "forged": f"{what}: {message}",
        "no time": f"{what}: the time for the whole submission, "
        f"{sandbox.limits.total_seconds:g} s, is used up",
    }[reply.outcome]


def known_words(reply: Reply) -> str:
    """Return what a reply says as far as it says it in words of Python or of the grader."""
    kind = reply.message.partition(":")[0]
    known = isinstance(getattr(builtins, kind, None), type)
    return {
        "exception": kind if known else "an exception of a type of its own",
        "missing": reply.message if reply.message in MISSING else MISSING[0],
        "unsupported": "an object",
        "died": "the process ended",
        "forged": reply.message,
    }.get(reply.outcome, "")


def quoted_line(sandbox: Sandbox, line: int | None) -> str:
    """Return a line of the student's file; nothing if there is none such."""
    lines = sandbox.source.decode("utf-8", errors="replace").splitlines()
    return lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""
