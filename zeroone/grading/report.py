"""A grade as text, as a page, and in the format of Gradescope (``results.json``).

The format is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/: points and
texts for each test, and a score that overrides their sum. Texts are declared as plain text, so that
nothing in them is taken for HTML or Markdown. The page has no script and needs no other file and no
connection; whatever comes from a student's program is escaped, control characters included.
"""

import json
import math
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import zeroone
from zeroone.grading.grader import Grade, Result
from zeroone.grading.settings import Late
from zeroone.grading.trial import Failure
from zeroone.support.files import atomic_write
from zeroone.support.tables import table

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff;
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: 0; }
h2 { font-size: 1.3rem; margin-top: 2.2rem; border-bottom: 1px solid #999; }
h3 { font-size: 1.05rem; margin: 0 0 .3rem; }
.score { font-size: 1.15rem; font-weight: 600; }
.failed { color: #a33c00; font-weight: 700; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #ccc;
  vertical-align: top; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #666; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tfoot td { border-bottom: none; border-top: 2px solid #666; font-weight: 600; }
section.task { border-left: 6px double #a33c00; padding: .2rem 0 .2rem 1rem; margin: 1.2rem 0; }
dl { margin: .4rem 0; }
dt { color: #444; margin-top: .4rem; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { font: .85rem/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  background: #f4f4f4; padding: .4rem .6rem; margin: .2rem 0; }
footer { margin-top: 2.5rem; color: #444; font-size: .9rem; }
@media print {
  @page { margin: 12mm 15mm; }
  body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; }
  pre { border: 1px solid #bbb; }
  section.task, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"""


def feedback(result: Result) -> str:
    """Return what a student is told of a task: a line, or several if there is an input to show."""
    failure = result.failure
    if failure is None:
        return "right for all inputs"
    if failure.final:
        return failure.reason
    lines = [failure.reason]
    for label, shown in facts(failure):
        on_one_line = shown != failure.arguments and "\n" not in shown
        lines += [f"{label} {shown}"] if on_one_line else [f"{label}:", indent(shown)]
    return "\n".join([*lines, f"hint: {result.task.hint}"])


def facts(failure: Failure) -> list[tuple[str, str]]:
    """Return an input that fails, the answer and the right one, each with what it is called."""
    named = [
        ("simplest input found for which it fails", failure.arguments),
        ("you returned", failure.received),
        ("expected", failure.expected),
    ]
    return [(label, shown) for label, shown in named if shown]


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
        if result.failure is not None and not result.failure.unwritten:
            parts.append(f"{result.task.name}\n{indent(feedback(result))}")
    if grade.printed.strip():
        parts.append("The program printed:\n" + indent(grade.printed.rstrip()))
    if grade.not_in_force:
        parts.append("Not prevented on this system: " + "; ".join(grade.not_in_force) + ".")
    return "\n\n".join(parts)


def outcome(result: Result) -> str:
    """Return in a word or two how a task went."""
    if result.failure is not None and result.failure.unwritten:
        return "not written yet"
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
                "status": "passed" if result.passed else "failed",
                "output": feedback(result),
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


def failure_as_json(reason: str = "") -> dict[str, Any]:
    """Return what Gradescope reads if there is no grade; the instructor alone sees the reason."""
    hidden = {"name": "why there is no grade", "output": reason, "visibility": "hidden"}
    return {
        "score": 0,
        "output": "The autograder could not grade this submission. The instructor can see why in "
        "its output. Submit again, or ask the instructor to run it again.",
        "output_format": "text",
        "test_output_format": "text",
        "stdout_visibility": "hidden",
        "tests": [hidden] if reason else [],
    }


def write_json(path: str | Path, told: dict[str, Any]) -> None:
    """Write ``results.json``, whole or not at all: what `as_json` or `failure_as_json` returns."""
    with atomic_write(path, text=True) as file:
        json.dump(told, file, indent=1, allow_nan=False)
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
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"metadata must be Gradescope's submission_metadata.json, but {path} is not: "
            f"{type(error).__name__}: {error}"
        ) from None


def rows(grade: Grade) -> Iterator[str]:
    """Yield the rows of the table of tasks."""
    for number, result in enumerate(grade.results, 1):
        name = escape(result.task.name)
        if has_section(result, grade):
            name = f'<a href="#task-{number}">{name}</a>'
        style = "" if result.passed else ' class="failed"'
        yield (
            f'<tr><td>{name}</td><td class="number">{result.score:g}</td>'
            f'<td class="number">{result.points:g}</td><td{style}>{outcome(result)}</td></tr>\n'
        )


def has_section(result: Result, grade: Grade) -> bool:
    """Return whether there is more to say of a task than its row in the table says."""
    failure = result.failure
    return failure is not None and not failure.unwritten and grade.problem is None


def failed_task(number: int, result: Result) -> str:
    """Return the section of a task that failed."""
    failure = result.failure
    assert failure is not None
    told = [("what is wrong", paragraphs(failure.reason))]
    told += [(label, preformatted(shown)) for label, shown in facts(failure)]
    if not failure.final:
        told.append(("hint", escape(result.task.hint)))
    described = "\n".join(f"<dt>{name}</dt><dd>{content}</dd>" for name, content in told)
    return (
        f'<section class="task" id="task-{number}">\n<h3>{escape(result.task.name)}</h3>\n'
        f"<dl>\n{described}\n</dl>\n</section>\n"
    )


def preformatted(content: str) -> str:
    """Return text in which every space counts; nothing if there is none."""
    return f"<pre>{escape(content)}</pre>" if content else ""


def paragraphs(content: str) -> str:
    """Return text whose line breaks are kept."""
    return "<br/>".join(escape(line) for line in content.split("\n"))


def page(grade: Grade, student: str = "") -> Iterator[str]:
    """Yield the page in pieces.

    Parameters
    ----------
    grade : Grade
    student : str, optional
        Whose it is.

    Yields
    ------
    str
    """
    title = escape(grade.assignment.title)
    whose = ": ".join(escape(one) for one in (student, grade.submission) if one)
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{title}: feedback</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n<p>{whose}</p>\n"
        f'<p class="score">{grade.score:g} of {grade.maximum:g} points</p>\n'
    )
    if summary(grade):
        yield f"<p>{paragraphs(summary(grade))}</p>\n"
    yield (
        '<table>\n<thead><tr><th>task</th><th class="number">points</th>'
        '<th class="number">of</th><th>result</th></tr></thead>\n<tbody>\n'
    )
    yield from rows(grade)
    yield (
        f'</tbody>\n<tfoot><tr><td>total</td><td class="number">{grade.earned:g}</td>'
        f'<td class="number">{grade.maximum:g}</td><td></td></tr></tfoot>\n</table>\n'
    )
    failed = [
        failed_task(number, result)
        for number, result in enumerate(grade.results, 1)
        if has_section(result, grade)
    ]
    if failed:
        yield "<h2>What failed</h2>\n"
        yield from failed
    if grade.printed.strip():
        yield f"<h2>What the program printed</h2>\n{preformatted(grade.printed.rstrip())}\n"
    notes = f"Graded by zeroone {escape(zeroone.__version__)}."
    if grade.not_in_force:
        notes += " Not prevented on that system: " + escape("; ".join(grade.not_in_force)) + "."
    yield f"<footer>{notes}</footer>\n</body>\n</html>\n"
