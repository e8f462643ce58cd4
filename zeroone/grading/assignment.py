"""Where an assignment is, and what it holds: ``handout.md``, ``starter.py``, ``checks.py``."""

import importlib.util
import re
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from zeroone.grading.task import Task
from zeroone.material import material_folder

HANDOUT, STARTER, CHECKS = "handout.md", "starter.py", "checks.py"
FOLDER_NAME = re.compile(r"(\d+)_(\w+)")


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
