"""What an instructor can set, in one TOML file; every part of it may be left out.

`EXAMPLE` has all of it, with what each setting means; ``zeroone grade --help`` prints it.
"""

import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from zeroone.grading.assignment import MOST_POINTS, MOST_SECONDS, Task
from zeroone.grading.confinement import LAYERS
from zeroone.grading.sandbox import Limits
from zeroone.support.validation import check_choice, check_integer, check_number

EXAMPLE = """\
[points]                      # instead of those in checks.py
1 = 5                         # by the number of the row in the table of results, from 1 ...
2 = 2.5
# "(a) step" = 5              # ... or by the task's name, as the table has it ...
# b = 10                      # ... or by the letter in parentheses, if only one task has it

[late]
penalty_per_day = 0.1         # share of the points earned that each day begun costs
maximum_days = 3              # later than that earns nothing (default: no end)
grace_minutes = 10            # not late yet (default: 0)

[limits]
total_seconds = 300           # for the whole submission
import_seconds = 10           # to load the file
shrink_seconds = 15           # to look for the simplest failing input, for each task
call_seconds = 5              # for one call (default: the task's own, 2 s unless it says so)
memory_megabytes = 1024
output_kilobytes = 64         # of what the program prints, how much is kept
layers = ["landlock", "calls", "user", "limits"]   # what the program is confined by

[gradescope]
submission = "student.py"     # in a folder, the file to grade (default: the only .py file, or
                              # student.py, starter.py, or the assignment's name)
visibility = "visible"        # or hidden, after_due_date, after_published
stdout_visibility = "hidden"
show_input = true             # show failing inputs, answers, what the program printed and the words
                              # of its exceptions; if false, no output has any of them
"""
VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")
DAY = timedelta(days=1)
# More than anyone means: what is above could overflow further on.
MOST_DAYS, MOST_MINUTES, MOST_MEGABYTES, MOST_KILOBYTES = 1_000_000, 1e6, 1 << 20, 1 << 16


@dataclass(frozen=True)
class Late:
    """What lateness costs.

    Parameters
    ----------
    penalty_per_day : float, default 0
        Share of the points earned that each day begun costs.
    maximum_days : int or None
        Later than that earns nothing; None for no end.
    grace_minutes : float, default 0
        So much later is not late.
    """

    penalty_per_day: float = 0.0
    maximum_days: int | None = None
    grace_minutes: float = 0.0

    def factor(self, days: int) -> float:
        """Return the share of the points that remains after that many days begun."""
        if self.maximum_days is not None and days > self.maximum_days:
            return 0.0
        return max(0.0, 1.0 - self.penalty_per_day * days)

    def days(self, due: datetime, submitted: datetime) -> int:
        """Return how many days have begun since a submission was due."""
        late = submitted - due - timedelta(minutes=self.grace_minutes)
        return max(0, math.ceil(late / DAY))


@dataclass(frozen=True)
class Gradescope:
    """What the results say to Gradescope.

    Parameters
    ----------
    submission : str or None
        Name of the file to grade.
    visibility, stdout_visibility : str
        Who sees the tests and what the autograder prints.
    show_input : bool, default True
        Whether any output holds failing inputs, answers, what the program printed, or the words of
        its exceptions.
    """

    submission: str | None = None
    visibility: str = "visible"
    stdout_visibility: str = "hidden"
    show_input: bool = True


@dataclass(frozen=True)
class Settings:
    """All of it.

    Parameters
    ----------
    points : dict
        Points by what names a task.
    late : Late
    limits : Limits
    call_seconds : float or None
        Time for one call, if not the task's own.
    gradescope : Gradescope
    """

    points: dict[str, float] = field(default_factory=dict)
    late: Late = field(default_factory=Late)
    limits: Limits = field(default_factory=Limits)
    call_seconds: float | None = None
    gradescope: Gradescope = field(default_factory=Gradescope)

    def apply(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """Return the tasks with the points and times that are set.

        Raises
        ------
        ValueError
            If a key of ``[points]`` names no task, or two keys name the same one.
        """
        points: dict[int, float] = {}
        for name, value in self.points.items():
            place = find_task(name, tasks)
            if place in points:
                raise ValueError(f"points.{name} names a task that another key names too")
            points[place] = value
        return tuple(
            replace(
                task,
                points=points.get(place, task.points),
                timeout=task.timeout if self.call_seconds is None else self.call_seconds,
            )
            for place, task in enumerate(tasks)
        )


def letter(task: Task) -> str | None:
    """Return the letter (or whatever is there) in parentheses at the start of a task's name."""
    found = re.match(r"\(([^()]+)\)", task.name)
    return found.group(1) if found else None


def find_task(name: str, tasks: Sequence[Task]) -> int:
    """Return the place of the task with that name, letter or number.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    for names in ([task.name for task in tasks], [letter(task) for task in tasks]):
        if names.count(name) == 1:
            return names.index(name)
    if name.isdecimal() and len(name) < 6 and 1 <= int(name) <= len(tasks):
        return int(name) - 1
    known = ", ".join(f"{place} = {task.name!r}" for place, task in enumerate(tasks, 1))
    raise ValueError(f"points.{name} must name one of the tasks, by number or name: {known}")


def read_section(name: str, section: Any, kind: type[Any], extra: Sequence[str] = ()) -> Any:
    """Return a table of the file, once its keys are known to be those of a dataclass.

    Raises
    ------
    ValueError
        If it is no table or has another key.
    """
    if not isinstance(section, dict):
        raise ValueError(f"{name} must be a table, but is {section!r}")
    known = [each.name for each in fields(kind)] + list(extra)
    for one in section:
        if one not in known:
            raise ValueError(f"{name}.{one} is not known; {name} has {', '.join(known)}")
    return dict(section)


def read_points(section: Any) -> dict[str, float]:
    """Return the checked table of points."""
    if not isinstance(section, dict):
        raise ValueError(f"points must be a table, but is {section!r}")
    return {
        name: check_number(f"points.{name}", value, maximum=MOST_POINTS)
        for name, value in section.items()
    }


def check_whole(name: str, value: Any, minimum: int, maximum: int) -> int:
    """Return an integer within bounds.

    Raises
    ------
    ValueError
        If it is none, or outside.
    """
    if check_integer(name, value, minimum=minimum) > maximum:
        raise ValueError(f"{name} must be an integer <= {maximum}, but is larger")
    return int(value)


def read_late(section: Any) -> Late:
    """Return the checked table of lateness."""
    values = read_section("late", section, Late)
    for name in ("penalty_per_day", "grace_minutes"):
        if name in values:
            most = 1.0 if name == "penalty_per_day" else MOST_MINUTES
            values[name] = check_number(f"late.{name}", values[name], maximum=most)
    if "maximum_days" in values:
        check_whole("late.maximum_days", values["maximum_days"], 0, MOST_DAYS)
    return Late(**values)


def read_limits(section: Any) -> tuple[Limits, float | None]:
    """Return the checked table of limits, and the time for a call."""
    values = read_section("limits", section, Limits, ["call_seconds"])
    for name in values:
        if name.endswith("_seconds"):
            values[name] = check_number(
                f"limits.{name}", values[name], strict=True, maximum=MOST_SECONDS
            )
    bounds = {"memory_megabytes": (256, MOST_MEGABYTES), "output_kilobytes": (0, MOST_KILOBYTES)}
    for name in bounds.keys() & values.keys():
        check_whole(f"limits.{name}", values[name], *bounds[name])
    layers = values.get("layers", list(LAYERS))
    if not isinstance(layers, list):
        raise ValueError(f"limits.layers must be a list, but is {layers!r}")
    values["layers"] = tuple(check_choice("limits.layers", layer, LAYERS) for layer in layers)
    seconds = values.pop("call_seconds", None)
    return Limits(**values), seconds


def read_gradescope(section: Any) -> Gradescope:
    """Return the checked table for Gradescope."""
    values = read_section("gradescope", section, Gradescope)
    for name in ("visibility", "stdout_visibility"):
        if name in values:
            check_choice(f"gradescope.{name}", values[name], VISIBILITIES)
    if not isinstance(values.get("show_input", True), bool):
        raise ValueError(f"gradescope.show_input must be a bool, but is {values['show_input']!r}")
    submission = values.get("submission", "student.py")
    if not isinstance(submission, str) or Path(submission).name != submission:
        raise ValueError(f"gradescope.submission must be a file name, but is {submission!r}")
    return Gradescope(**values)


def parse(text: str) -> Settings:
    """Return the settings that a TOML text holds.

    Raises
    ------
    ValueError
        If it is not TOML, or a key is not known or has a bad value; the message names the key.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"settings must be TOML: {error}") from None
    try:
        return interpret(data)
    except RecursionError:  # dotted keys nest as deep as one likes, and then cannot be shown
        raise ValueError("settings must be TOML that is nested less deeply") from None


def interpret(data: dict[str, Any]) -> Settings:
    """Return the settings that the tables of a file hold; see `parse`."""
    for name in data:
        check_choice("settings", name, ("points", "late", "limits", "gradescope"))
    limits, seconds = read_limits(data.get("limits", {}))
    return Settings(
        read_points(data.get("points", {})),
        read_late(data.get("late", {})),
        limits,
        seconds,
        read_gradescope(data.get("gradescope", {})),
    )


def read(path: str | Path) -> str:
    """Return the text of a settings file.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"settings must be a TOML file, but {path} is not: {error}") from None


def load_settings(path: str | Path) -> Settings:
    """Return the settings of a TOML file; see `read` and `parse`."""
    return parse(read(path))
