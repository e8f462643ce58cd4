"""The simplest input for which a function's answer is wrong, found by Hypothesis.

Of all inputs that failed, the one that takes the fewest letters is shown (`Failure.effort`): so it
is small, and made of simple numbers where there is a choice (`drawing`).

The inputs depend on the name of the assignment and of the task alone: not on the day, the folder,
earlier runs, or which modules happen to be loaded.
"""

import contextlib
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from zeroone.grading.assignment import Arguments, Task
from zeroone.grading.sandbox import Sandbox
from zeroone.grading.trial import ChecksError, Failure, Trial

# So many of the first inputs are put to the function twice.
TWICE = 5


class WrongAnswerError(Exception):
    """Tells Hypothesis that an input is a failing one."""


def import_hypothesis() -> Any:
    """Return the module hypothesis.

    Raises
    ------
    ValueError
        If it is not installed.
    """
    try:
        import hypothesis
    except ImportError:
        raise ValueError(
            "grading draws inputs with hypothesis: pip install 'zeroone-nets[classroom]'"
        ) from None
    return hypothesis


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let Hypothesis depend on nothing but its seed, and write nothing into the working folder.

    Newer versions collect constants from the source of the modules that are loaded, and cache them
    in ``.hypothesis``.
    """
    from hypothesis import configuration
    from hypothesis.internal.conjecture import providers

    changed: dict[str, Any] = {}
    if hasattr(providers, "_get_local_constants") and hasattr(providers, "CONSTANTS_CACHE"):
        changed = {
            "_get_local_constants": providers.Constants,
            "CONSTANTS_CACHE": type(providers.CONSTANTS_CACHE)(1024),
        }
    before = {name: getattr(providers, name) for name in changed}
    home = getattr(configuration, "__hypothesis_home_directory", None)
    with tempfile.TemporaryDirectory(prefix="zeroone-") as folder:
        configuration.set_hypothesis_home_dir(folder)
        for name, value in changed.items():
            setattr(providers, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(providers, name, value)
            configuration.set_hypothesis_home_dir(home)


class Search:
    """Looks for a failing input of a task, and then for simpler ones.

    Parameters
    ----------
    task : Task
    sandbox : Sandbox
    seed : int
    """

    def __init__(self, task: Task, sandbox: Sandbox, seed: int) -> None:
        self.task, self.sandbox, self.seed = task, sandbox, seed
        self.trial = Trial(task, sandbox)
        self.known: dict[bytes, Failure | None] = {}
        self.drawn = 0
        self.until: float | None = None
        self.simplest: tuple[Arguments, Failure] | None = None

    def keep(self, arguments: Arguments, failure: Failure) -> None:
        """Remember a failing input if it is easier to read than the one that is known."""
        if self.simplest is None or failure.effort < self.simplest[1].effort:
            self.simplest = arguments, failure

    @property
    def exhausted(self) -> bool:
        """Whether there is no more time to look for simpler inputs."""
        late = self.until is not None and time.monotonic() > self.until
        return late or self.sandbox.seconds_left <= 0

    def attempt(self, arguments: Arguments) -> Failure | None:
        """Return what is wrong for an input, from memory if it has been tried before.

        Once there is no more time, an input that has not been tried counts as right, so that
        Hypothesis comes to its end with what it has.
        """
        name = self.trial.identify(arguments)
        if name not in self.known:
            if self.until is not None and self.exhausted:
                return None
            first, twice = self.drawn == 0, self.drawn < TWICE
            self.known[name] = self.trial.run(arguments, first=first, twice=twice)
            self.drawn += 1
        failure = self.known[name]
        if failure is not None and self.until is None:
            more = 0.0 if failure.final else self.sandbox.limits.shrink_seconds
            self.until = time.monotonic() + more
        return failure

    def run(self) -> Failure | None:
        """Return the failure with the simplest input found, None if all answers are right.

        Raises
        ------
        ChecksError
            If a function of the task fails, or its strategy draws nothing.
        """
        for arguments in self.task.explicit:
            failure = self.attempt(arguments)
            if failure is not None:
                if failure.final:
                    return failure
                self.keep(arguments, failure)
                break
        failing = self.hypothesis()
        if failing is not None:
            self.keep(*failing)
        if self.simplest is None:
            return None
        arguments, failure = self.simplest
        return failure if failure.final or self.exhausted else self.confirm(arguments, failure)

    def confirm(self, arguments: Arguments, failure: Failure) -> Failure:
        """Try the simplest input once more."""
        again = self.trial.run(arguments)
        if again is not None:
            return failure
        reason = "the same input gave a wrong answer once and a right one another time"
        return replace(failure, reason=f"{reason}: {failure.reason}", without=reason)

    def hypothesis(self) -> tuple[Arguments, Failure] | None:
        """Return the simplest failing input that Hypothesis draws, None if it draws none."""
        hypothesis = import_hypothesis()
        failing: list[tuple[Arguments, Failure]] = []

        order = list(self.task.explicit[0]) if self.task.explicit else []

        def test(arguments: Arguments) -> None:
            # Newer versions of Hypothesis draw the values of a dict in any order.
            if isinstance(arguments, dict) and set(order) == set(arguments):
                arguments = {name: arguments[name] for name in order}
            failure = self.attempt(arguments)
            if failure is not None:
                failing[:] = [(arguments, failure)]
                if not failure.final:
                    self.keep(arguments, failure)
                raise WrongAnswerError

        settings = hypothesis.settings(
            max_examples=self.task.examples,
            database=None,
            deadline=None,
            derandomize=False,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
            report_multiple_bugs=False,
            print_blob=False,
            stateful_step_count=1,
        )
        with undisturbed():
            drawing = hypothesis.given(arguments=self.task.strategy())(test)
            try:
                settings(hypothesis.seed(self.seed)(drawing))()
            except WrongAnswerError:
                return failing[0]
            except hypothesis.errors.HypothesisException as error:
                raise ChecksError(
                    f"checks: strategy of task {self.task.name!r} fails with "
                    f"{type(error).__name__}: {error}"
                ) from error
        return None


def search(assignment: str, task: Task, sandbox: Sandbox) -> Failure | None:
    """Return the failure of a task with the simplest input, None if its answers are right.

    Parameters
    ----------
    assignment : str
        The assignment's name. With the task's name it decides which inputs are drawn.
    task : Task
    sandbox : Sandbox
    """
    seed = zlib.crc32(f"{assignment}/{task.name}".encode())
    return Search(task, sandbox, seed).run()
