"""Whether an answer is the expected one, and the words that say it.

The comparison takes place in the grader's process. What was returned has been decoded by `wire`,
and is made of plain arrays and Python's own types. It does not depend on what the student's process
did to its own NumPy, and it says in one sentence what the first difference is. Values and foreign
text are shown in a form that people can read and no terminal obeys.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.grading.wire import Seed

MOST_CHARACTERS = 2000
LINE_WIDTH = 88
MOST_ENTRIES = 60
MOST_AXES = 4
KINDS = {"b": "truth values", "i": "integers", "u": "integers", "f": "floating-point numbers"}


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


def with_shape(value: Any, other: Any = None) -> str:
    """Return a value as `show` does, with its shape if it or the value beside it is an array."""
    shapes = [one.shape for one in (value, other) if isinstance(one, np.ndarray | np.generic)]
    number = isinstance(value, int | float | np.ndarray | np.generic)
    if not number or not any(shapes):
        return show(value)
    shown = show(value)
    space = "\n" if "\n" in shown else " "
    return f"{shown}{space}(shape {np.shape(value)})"


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


def wrong_entries(
    expected: NDArray[Any], received: NDArray[Any], rtol: float, atol: float, nan_equal: bool
) -> NDArray[np.bool_]:
    """Return where ``|received - expected| <= atol + rtol |expected|`` does not hold.

    Infinities are right only if they are equal, and NaN only where NaN is expected and `nan_equal`.
    Integers and truth values must be equal.
    """
    if expected.dtype.kind != "f":
        return np.asarray(received != expected)
    exact, came = expected.astype(np.float64), received.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(came - exact) <= atol + rtol * np.abs(exact)
    right = np.where(np.isfinite(exact), near, came == exact)
    if nan_equal:
        right |= np.isnan(exact) & np.isnan(came)
    return np.asarray(~right)


def compare(
    expected: Any,
    received: Any,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    nan_equal: bool = False,
    values: bool = True,
) -> str | None:
    """Return what is wrong with an answer, None if nothing is.

    Parameters
    ----------
    expected : array, number, bool, str, None, or a tuple or list of them
    received : object
        What the student's function returned.
    rtol, atol : float
        See `wrong_entries`.
    nan_equal : bool
        Whether NaN may be right.
    values : bool, default True
        If not, only the structure is compared: shapes, kinds of dtype, and (unless `nan_equal`)
        that nothing is NaN.

    Returns
    -------
    str or None
    """
    expected, received = plain(expected), plain(received)
    options: dict[str, Any] = {"rtol": rtol, "atol": atol, "nan_equal": nan_equal, "values": values}
    if isinstance(expected, tuple | list):
        return compare_sequence(expected, received, options)
    if isinstance(expected, np.ndarray):
        return compare_array(expected, received, **options)
    if isinstance(expected, float) and type(received) is int:
        received = to_float(received)
    if type(received) is not type(expected):
        return mismatch(expected, received)
    if isinstance(expected, float):
        came, exact = np.array(received), np.array(expected)
        if values:
            right = not wrong_entries(exact, came, rtol, atol, nan_equal)
        else:
            right = nan_equal or not np.isnan(came)
    else:
        right = not values or received == expected
    if right:
        return None
    return f"you returned {show(received)}" + (
        f", but {show(expected)} was expected" if values else ""
    )


def mismatch(expected: Any, received: Any) -> str:
    """Return in words that an answer is not of the kind or shape that was expected."""
    hint = " (is a return missing?)" if received is None else ""
    return f"you returned {kind_of(received)}{hint}, but {kind_of(expected)} was expected"


def compare_sequence(expected: Any, received: Any, options: dict[str, Any]) -> str | None:
    """Compare tuples or lists value by value; see `compare`."""
    if not isinstance(received, tuple | list) or len(received) != len(expected):
        return mismatch(expected, received)
    for place, (right, came) in enumerate(zip(expected, received, strict=True)):
        wrong = compare(right, came, **options)
        if wrong:
            return f"value {place + 1} of {len(expected)}: {wrong}"
    return None


def compare_array(
    expected: NDArray[Any],
    received: Any,
    *,
    rtol: float,
    atol: float,
    nan_equal: bool,
    values: bool,
) -> str | None:
    """Compare an array in type, shape, kind and entries; see `compare`."""
    if not isinstance(received, np.ndarray) or received.shape != expected.shape:
        return mismatch(expected, received)
    came, wanted = KINDS[received.dtype.kind], KINDS[expected.dtype.kind]
    if came != wanted:
        return f"you returned an array of {came}, but one of {wanted} was expected"
    if values:
        wrong = wrong_entries(expected, received, rtol, atol, nan_equal)
    else:
        wrong = np.isnan(received) if wanted == KINDS["f"] and not nan_equal else np.zeros((), bool)
    number = int(np.count_nonzero(wrong))
    if number == 0:
        return None
    first = tuple(int(index) for index in np.argwhere(wrong)[0])
    place = f"entry [{', '.join(map(str, first))}] is {show(received[first])}"
    if values:
        place += f", but {show(expected[first])} was expected"
    if expected.size == 1:
        return place
    return f"{place} ({number} of {expected.size} entries {'is' if number == 1 else 'are'} wrong)"


def plain(value: Any) -> Any:
    """Return NumPy scalars and arrays without axes as Python's own numbers, all else as it is."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value


def to_float(value: int) -> float:
    """Return an integer as a floating-point number, infinite if it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf
