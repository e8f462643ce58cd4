"""Parts that a user names: one of the package's own, or a class in the user's own module.

``"my_module:MyPenalty"`` names the class ``MyPenalty`` of the module ``my_module``, which is looked
for in the working directory first and then wherever Python finds modules.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def find_part(
    argument: str, text: str, known: Mapping[str, Callable[..., Any]], base: type | None = None
) -> Any:
    """Return what makes the part that `text` names.

    Parameters
    ----------
    argument : str
        The argument's name, for messages.
    text : str
        One of the names in `known`, or ``MODULE:NAME``.
    known : mapping of str to callable
        The package's own parts.
    base : type, optional
        The protocol's class: a part from a user's module must make instances of it. By default it
        may be any function.

    Returns
    -------
    callable
        The class, or function, that makes the part.

    Raises
    ------
    ValueError
        If there is no such name, the module cannot be imported, or holds no such class.
    """
    if text in known:
        return known[text]
    module_name, colon, name = text.partition(":")
    if not colon or not module_name or not name:
        raise ValueError(
            f"{argument} must be one of {', '.join(known)}, or MODULE:NAME for your own, "
            f"but is {text!r}"
        )
    here, searched = str(Path.cwd()), list(sys.path)
    # First while the module is imported; last afterwards, for what it imports when it is used.
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the user's module does when it is imported
        raise ValueError(
            f"{argument} names the module {module_name!r}, which cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path[:] = searched if here in searched else [*searched, here]
    part = getattr(module, name, None)
    if base is None and callable(part):
        return part
    if base is None or not (isinstance(part, type) and issubclass(part, base)):
        place = getattr(module, "__file__", module_name)
        kind = f"class derived from {base.__module__}.{base.__name__}" if base else "function"
        raise ValueError(
            f"{argument} must name a {kind}, but "
            f"{name!r} in {place} is {'missing' if part is None else repr(part)}"
        )
    return part
