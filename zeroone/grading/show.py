"""Values and foreign text in a form that people can read and no terminal obeys."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from zeroone.grading.wire import Seed

MOST_CHARACTERS = 2000
LINE_WIDTH = 88
MOST_ENTRIES = 60
MOST_AXES = 4


def clean(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return text of at most so many characters in which every control character is spelled out.

    Newlines and tabs stay.
    """
    shortened = text if len(text) <= most else text[:most] + " ..."
    return "".join(
        letter
        if letter in "\n\t" or letter.isprintable()
        else letter.encode("unicode_escape").decode("ascii")
        for letter in shortened
    )


def show(value: Any) -> str:
    """Return a value as Python would write it, every digit of its numbers included.

    Arrays of more than 60 entries are shortened, and those of many axes to their shape.
    """
    if isinstance(value, Seed):
        return f"numpy.random.default_rng({value.seed})"
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return show(value.item())
    if isinstance(value, np.ndarray) and value.ndim > MOST_AXES and value.size > MOST_ENTRIES:
        # NumPy leaves out the middle of long axes, and of short ones, however many, nothing.
        return f"array(..., shape={value.shape}, dtype={value.dtype})"
    if isinstance(value, np.ndarray):
        with np.printoptions(
            threshold=MOST_ENTRIES, edgeitems=3, linewidth=LINE_WIDTH, floatmode="unique"
        ):
            return repr(value)
    if isinstance(value, tuple | list):
        return show_sequence(value)
    return clean(repr(value))


def show_sequence(values: tuple[Any, ...] | list[Any]) -> str:
    """Return a tuple or list; after 60 values, or some thousand characters, it breaks off."""
    parts: list[str] = []
    for value in values:
        if len(parts) == MOST_ENTRIES or sum(map(len, parts)) > MOST_CHARACTERS:
            parts.append("...")
            break
        parts.append(show(value))
    inner = ", ".join(parts)
    if isinstance(values, list):
        return f"[{inner}]"
    return f"({inner},)" if len(values) == 1 else f"({inner})"


def show_arguments(arguments: Mapping[str, Any]) -> str:
    """Return arguments, one a line; the lines of an array are aligned."""
    return "\n".join(
        f"{name} = " + show(value).replace("\n", "\n" + " " * (len(name) + 3))
        for name, value in arguments.items()
    )


def kind_of(value: Any) -> str:
    """Return in words what sort of thing a value is."""
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return f"an array of shape {value.shape}"
    if isinstance(value, np.generic | np.ndarray):
        value = value.item()
    if isinstance(value, tuple | list):
        n = len(value)
        return f"a {type(value).__name__} of {n} value{'' if n == 1 else 's'}"
    if value is None:
        return "None"
    names = {bool: "a bool", int: "an integer", float: "a floating-point number", str: "a string"}
    return names.get(type(value), f"a {type(value).__name__}")
