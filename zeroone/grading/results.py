"""A grade as text, and in the format of Gradescope's autograders (``results.json``).

The format is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/: points and
texts for each test, and a score that overrides their sum. Texts are declared as plain text, so that
nothing in them is taken for HTML or Markdown.
"""

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import zeroone
from zeroone.files import atomic_write
from zeroone.grading.grader import Grade, Result
from zeroone.grading.settings import Late
from zeroone.report import table


def feedback(result: Result, *, show_input: bool = True) -> str:
    """Return what a student is told of a task, several lines.

    Parameters
    ----------
    result : Result
    show_input : bool, default True
        Whether to show the failing input, what came and what was expected.
    """
    failure = result.failure
    if failure is None:
        return "right for all inputs"
    if failure.final:
        return failure.reason
    if not show_input:
        reason = "wrong for some input" if failure.answered else failure.reason
        return f"{reason}\nhint: {result.task.hint}"
    lines = [failure.reason, "smallest input found for which it fails:", indent(failure.arguments)]
    if failure.received:
        lines += ["what came:", indent(failure.received)]
    if failure.expected:
        lines += ["what was expected:", indent(failure.expected)]
    return "\n".join([*lines, f"hint: {result.task.hint}"])


def indent(text: str) -> str:
    """Return a text with four spaces before each line."""
    return "\n".join("    " + line for line in text.split("\n"))


def summary(grade: Grade) -> str:
    """Return what is to be said of the whole submission; empty if the tasks say it all."""
    lines = []
    if grade.problem is not None:
        lines.append(f"{grade.submission} could not be graded: {grade.problem}")
    if grade.days_late:
        days = f"{grade.days_late} day{'' if grade.days_late == 1 else 's'}"
        share = grade.settings.late.factor(grade.days_late)
        lines.append(
            f"{days} late: {100 * share:g} % of {grade.earned:g} points count, which is "
            f"{grade.score:g}"
        )
    return "\n".join(lines)


def text(grade: Grade) -> str:
    """Return the grade for a terminal: a table, and then what failed."""
    rows = [
        (result.task.name, result.score, result.points, outcome(result)) for result in grade.results
    ]
    rows.append(("total", grade.earned, grade.maximum, ""))
    parts = [f"{grade.assignment.title}: {grade.submission}"]
    parts.append(table(["task", "points", "of", "result"], rows))
    if summary(grade):
        parts.append(summary(grade))
    for result in grade.results if grade.problem is None else ():
        if result.failure is not None:
            parts.append(f"{result.task.name}\n{indent(feedback(result))}")
    if grade.printed.strip():
        parts.append("The program printed:\n" + indent(grade.printed.rstrip()))
    if grade.not_in_force:
        parts.append("Not prevented on this system: " + "; ".join(grade.not_in_force) + ".")
    return "\n\n".join(parts)


def outcome(result: Result) -> str:
    """Return in a word how a task went."""
    return "passed" if result.passed else "failed"


def as_json(grade: Grade) -> dict[str, Any]:
    """Return the grade as Gradescope reads it."""
    options = grade.settings.gradescope
    said = [summary(grade)]
    if grade.printed.strip():
        said.append("The program printed:\n" + indent(grade.printed.rstrip()))
    return {
        "score": grade.score,
        "execution_time": math.ceil(grade.seconds),
        "output": "\n\n".join(one for one in said if one),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": options.visibility,
        "stdout_visibility": options.stdout_visibility,
        "tests": [
            {
                "name": result.task.name,
                "number": str(number),
                "score": result.score,
                "max_score": result.points,
                "status": outcome(result),
                "output": feedback(result, show_input=options.show_input),
                "output_format": "text",
                "visibility": options.visibility,
            }
            for number, result in enumerate(grade.results, 1)
        ],
        "extra_data": {
            "zeroone": zeroone.__version__,
            "assignment": grade.assignment.name,
            "submission": grade.submission,
            "earned": grade.earned,
            "max_score": grade.maximum,
            "days_late": grade.days_late,
            "not_prevented": list(grade.not_in_force),
        },
    }


def write_json(path: str | Path, grade: Grade) -> None:
    """Write ``results.json``, whole or not at all."""
    with atomic_write(path, text=True) as file:
        json.dump(as_json(grade), file, indent=1, allow_nan=False)
        file.write("\n")


def read_days_late(path: str | Path, late: Late) -> int:
    """Return how many days late a submission is, by Gradescope's ``submission_metadata.json``.

    A student who has an extension is late after that; of several students, the last date counts.

    Parameters
    ----------
    path : str or Path
    late : Late

    Raises
    ------
    ValueError
        If the file cannot be read or is not of that format.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        submitted = datetime.fromisoformat(data["created_at"])
        owners = [data, *data.get("users", [])]
        dates = [owner["assignment"].get("due_date") for owner in owners if "assignment" in owner]
        due = [datetime.fromisoformat(date) for date in dates if date]
        return late.days(max(due), submitted) if due else 0
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"metadata must be Gradescope's submission_metadata.json, but {path} is not: "
            f"{type(error).__name__}: {error}"
        ) from None
