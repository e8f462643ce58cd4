"""Degenerate subjects: a claim's subject with its answers replaced by what is no answer at all.

A check of theory must refuse a function that returns zeros, its input, NaN or nothing, or the right
answers in the wrong places, whatever the function is. `degenerate` makes such a function from any
subject: it calls the right one on copies of the arguments, so that what the function would have
changed in place stays as it was, and spoils what it returns. "the answer itself" spoils nothing and
must be accepted: it shows that a claim refuses the others for their answers.
"""

import copy
import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Spoil = Callable[[Any, tuple[Any, ...]], Any]
NUMBERS = (bool, int, float, np.number, np.bool_)


def changed(value: Any, change: Callable[[Any], Any], depth: int = 0) -> Any:
    """Return a value with every number and array of numbers in it changed."""
    if isinstance(value, np.ndarray):
        return change(value) if value.dtype.kind in "biuf" else value
    if isinstance(value, NUMBERS):
        return change(np.asarray(value))[()]
    if depth > 4 or value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(changed(each, change, depth + 1) for each in value))
    if isinstance(value, list | tuple):
        return type(value)(changed(each, change, depth + 1) for each in value)
    if isinstance(value, Mapping):
        return {name: changed(each, change, depth + 1) for name, each in value.items()}
    if dataclasses.is_dataclass(value) or isinstance(value, types.SimpleNamespace):
        return attributes_changed(value, change, depth)
    if type(value).__module__.startswith("zeroone.") and hasattr(value, "__dict__"):
        return attributes_changed(value, change, depth)
    return value


def attributes_changed(value: Any, change: Callable[[Any], Any], depth: int) -> Any:
    """Return a copy of an object whose attributes are changed."""
    other = copy.copy(value)
    for name, each in vars(value).items():
        object.__setattr__(other, name, changed(each, change, depth + 1))
    return other


def zeros(answer: Any, arguments: tuple[Any, ...]) -> Any:
    """Return zeros for every number."""
    return changed(answer, np.zeros_like)


def nan(answer: Any, arguments: tuple[Any, ...]) -> Any:
    """Return NaN for every number."""
    return changed(answer, lambda array: np.full(array.shape, np.nan))


class NanButOne:
    """NaN for every row but the first of each array, and for every number but those of one call."""

    def __init__(self) -> None:
        self.called = False

    def __call__(self, answer: Any, arguments: tuple[Any, ...]) -> Any:
        """Return the answer with NaN for all but one of what was asked."""

        def change(array: Any) -> Any:
            if array.ndim == 0:
                return array if first else np.full((), np.nan)
            spoilt = np.full(array.shape, np.nan)
            spoilt[:1] = array[:1]
            return spoilt

        first, self.called = not self.called, True
        return changed(answer, change)


def its_input(answer: Any, arguments: tuple[Any, ...]) -> Any:
    """Return an argument of the answer's kind; arrays of the answer's shape where there are any."""
    if type(answer).__module__.startswith("zeroone."):
        for argument in arguments:
            if type(argument) is type(answer):
                return argument
    arrays = [each for each in flat(arguments) if each.dtype.kind in "biuf"]

    def change(array: Any) -> Any:
        same = [each for each in arrays if each.shape == array.shape]
        return (same or arrays or [np.zeros_like(array)])[0]

    return changed(answer, change)


def flat(value: Any) -> list[Any]:
    """Return the arrays and numbers among arguments."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, NUMBERS):
        return [np.asarray(value, dtype=float)]
    if isinstance(value, list | tuple):
        return [each for one in value for each in flat(one)]
    if isinstance(value, Mapping):
        return flat(list(value.values()))
    return []


def nothing(answer: Any, arguments: tuple[Any, ...]) -> Any:
    """Return nothing."""
    return None


def empty(answer: Any, arguments: tuple[Any, ...]) -> Any:
    """Return arrays without entries."""
    return changed(answer, lambda array: np.empty(0))


class Shuffled:
    """The right answers to other questions: rows moved on by one, numbers of the call before."""

    def __init__(self) -> None:
        self.before: list[Any] = []

    def __call__(self, answer: Any, arguments: tuple[Any, ...]) -> Any:
        """Return the numbers in other places."""
        found: list[Any] = []

        def change(array: Any) -> Any:
            if array.ndim:
                return np.roll(array, 1, axis=0)
            found.append(array)
            place = len(found) - 1
            return self.before[place] if place < len(self.before) else array

        moved = changed(answer, change)
        self.before = found
        return moved


def itself(answer: Any, arguments: tuple[Any, ...]) -> Any:
    """Return the right answer."""
    return answer


class Late:
    """The answer of the call before: the right answers, each to another question."""

    def __init__(self) -> None:
        self.before: dict[str, Any] = {}

    def __call__(self, answer: Any, arguments: tuple[Any, ...]) -> Any:
        """Return the last answer of the same type, and keep this one for the next call."""
        kind = type(answer).__name__
        late = self.before.get(kind, answer)
        self.before[kind] = answer
        return late


class Watched:
    """A way to spoil answers that notes whether any was spoilt.

    Parameters
    ----------
    spoil : callable
    """

    def __init__(self, spoil: Spoil) -> None:
        self.spoil = spoil
        self.answers_kept = self.arguments_kept = True

    def __call__(self, answer: Any, arguments: tuple[Any, ...]) -> Any:
        """Return the spoilt answer."""
        spoilt = self.spoil(answer, arguments)
        self.answers_kept &= same(answer, spoilt)
        return spoilt

    @property
    def spoilt(self) -> bool:
        """Whether some answer, or what a call should have changed, came out otherwise."""
        return not (self.answers_kept and self.arguments_kept)


def same(first: Any, second: Any) -> bool:
    """Return whether two answers hold the same numbers."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(same(*pair) for pair in pairs)
    if isinstance(first, np.ndarray | np.generic | float):
        return np.array_equal(first, second, equal_nan=np.asarray(first).dtype.kind == "f")
    if hasattr(first, "__dict__") and not callable(first):
        return same(vars(first), vars(second))
    try:
        return bool(first == second)
    except ValueError:
        return False


KINDS: dict[str, Callable[[], Spoil]] = {
    "zeros": lambda: zeros,
    "its input": lambda: its_input,
    "NaN": lambda: nan,
    "NaN but one": NanButOne,
    "nothing": lambda: nothing,
    "empty": lambda: empty,
    "shuffled": Shuffled,
    "the answer before": Late,
}


def degenerate(subject: Any, spoil: Spoil) -> Any:
    """Return a subject like the given one, whose answers are spoilt."""
    if isinstance(subject, tuple):
        return tuple(degenerate(each, spoil) for each in subject)
    if isinstance(subject, dict):
        return {name: degenerate(each, spoil) for name, each in subject.items()}
    if isinstance(subject, type):
        return spoilt_class(subject, spoil)
    parts = vars(subject) if dataclasses.is_dataclass(subject) else {}
    if any(map(callable, parts.values())):
        return dataclasses.replace(
            subject, **{name: degenerate(each, spoil) for name, each in parts.items()}
        )
    if type(subject).__module__.startswith("zeroone.") and not inspect.isroutine(subject):
        other = copy.copy(subject)
        object.__setattr__(other, "__class__", spoilt_class(type(subject), spoil))
        return other
    if callable(subject):
        return spoilt_function(subject, spoil)
    return subject


def spoilt_function(function: Callable[..., Any], spoil: Spoil) -> Callable[..., Any]:
    """Return the function with spoilt answers, which leaves its arguments as they are."""

    def spoilt(*arguments: Any, **options: Any) -> Any:
        safe, kept = copies((arguments, options)) if spoil is not itself else (arguments, options)
        answer = function(*safe, **kept)
        given = (*arguments, *options.values())
        if isinstance(spoil, Watched):
            spoil.arguments_kept &= same(safe, arguments) and same(kept, options)
        if isinstance(answer, types.GeneratorType):
            return spoilt_steps(answer, spoil, given)
        return spoil(answer, given)

    return functools.update_wrapper(spoilt, function) if inspect.isfunction(function) else spoilt


def copies(value: Any) -> Any:
    """Return copies of arguments where they can be copied."""
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)(copies(each) for each in value)
    if isinstance(value, dict):
        return {name: copies(each) for name, each in value.items()}
    try:
        return copy.deepcopy(value)
    except TypeError:  # a generator, a module
        return value


def spoilt_steps(steps: Any, spoil: Spoil, given: tuple[Any, ...]) -> Any:
    """Yield steps with spoilt states and reports."""
    for step in steps:
        spoilt = spoil(step, given)
        if spoilt is None:
            return
        yield spoilt


def spoilt_class(kind: type, spoil: Spoil) -> type:
    """Return a class whose methods give spoilt answers."""
    methods = {}
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_") and name != "__call__":
            continue
        if isinstance(inspect.getattr_static(kind, name), staticmethod):
            continue
        methods[name] = spoilt_method(method, spoil)
    return type(kind.__name__, (kind,), methods)


def spoilt_method(method: Callable[..., Any], spoil: Spoil) -> Callable[..., Any]:
    """Return a method with spoilt answers."""

    @functools.wraps(method)
    def spoilt(self: Any, *arguments: Any, **options: Any) -> Any:
        return spoil(method(self, *arguments, **options), (*arguments, *options.values()))

    return spoilt
