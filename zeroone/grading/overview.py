"""The grades of a whole class: a table for a spreadsheet, a page, and a text for a terminal.

The names are the students', and a spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or
``@`` for a formula. Such a beginning gets an apostrophe before it, also behind what some
spreadsheets take for the end of a cell.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import zeroone
from zeroone.grading.assignment import STARTER, Assignment, Task
from zeroone.grading.grader import Grade, Result
from zeroone.grading.report import STYLE, outcome
from zeroone.grading.submissions import Submission, normal_form
from zeroone.support.files import atomic_write
from zeroone.support.tables import table

FORMULA = re.compile(r"(^|[;,|\t])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
WIDE = """body { max-width: 64rem; }
th { overflow-wrap: normal; white-space: nowrap; }
td:first-child { min-width: 9rem; }
"""
LEFT_OUT = "Left out (hidden, or neither a Python file nor a folder)"
EXACT, LAYOUT = "every byte", "but for comments, docstrings and layout"


@dataclass(frozen=True)
class Entry:
    """A student in the overview.

    Parameters
    ----------
    submission : Submission
    grade : Grade or None
        None if the grader failed; a submission that cannot be run has a grade.
    normal_form : str or None
        See `zeroone.grading.submissions.normal_form`.
    error : str
        Why the grader failed.
    """

    submission: Submission
    grade: Grade | None
    normal_form: str | None = None
    error: str = ""

    @property
    def student(self) -> str:
        """The student's name."""
        return self.submission.student


@dataclass(frozen=True)
class TaskSummary:
    """How a class did in one task.

    Parameters
    ----------
    task : Task
    mean : float
        Mean of the points.
    failed, unwritten, total : int
        How many submissions earned nothing, how many of these have not begun, and how many count.
    """

    task: Task
    mean: float
    failed: int
    unwritten: int
    total: int


class Overview:
    """The grades of a class.

    Parameters
    ----------
    assignment : Assignment
    entries : sequence of Entry
        By name.
    left_out : sequence of str
        What was in the folder and is no submission.
    """

    def __init__(
        self, assignment: Assignment, entries: Sequence[Entry], left_out: Sequence[str] = ()
    ) -> None:
        self.assignment, self.entries, self.left_out = assignment, entries, left_out
        starter = assignment.folder / STARTER
        self.starter = normal_form(starter.read_bytes()) if starter.is_file() else None
        self.groups = [group for group in self.same() if len(group) > 1]

    def untouched(self, entry: Entry) -> bool:
        """Return whether a submission is the starter as it was handed out."""
        return entry.normal_form is not None and entry.normal_form == self.starter

    def is_work(self, entry: Entry) -> bool:
        """Return whether there is a file that somebody has written in."""
        there = entry.submission.problem is None and entry.submission.source != b""
        return there and entry.normal_form != "" and not self.untouched(entry)

    def same(self) -> list[list[Entry]]:
        """Return the submissions in groups that are the same, but for layout.

        Empty files and untouched starters are no copies of each other.
        """
        groups: dict[object, list[Entry]] = {}
        for entry in self.entries:
            if self.is_work(entry):
                key = entry.normal_form or entry.submission.source
                groups.setdefault(key, []).append(entry)
        return list(groups.values())

    def copies(self, entry: Entry) -> str:
        """Return whose submissions are the same as one, and how far."""
        group = next((group for group in self.groups if entry in group), [])
        found = []
        for kind, same in ((EXACT, True), (LAYOUT, False)):
            names = [
                other.student
                for other in group
                if other is not entry
                and (other.submission.source == entry.submission.source) is same
            ]
            if names:
                found.append(f"{kind}: {', '.join(names)}")
        return "; ".join(found)

    def note(self, entry: Entry) -> str:
        """Return what is to be known of a submission; empty if it is as usual."""
        notes = []
        if entry.grade is None:
            notes.append(f"not graded: {entry.error}")
        elif entry.grade.problem is not None:
            notes.append(entry.grade.problem)
        if self.untouched(entry):
            notes.append("untouched starter")
        elif entry.normal_form == "":
            notes.append("empty")
        folded = entry.student.casefold()
        if sum(other.student.casefold() == folded for other in self.entries) > 1:
            notes.append("another name differs in capital letters or in .py only")
        return "; ".join(notes)

    def counted(self) -> list[Grade]:
        """Return the grades that the summary is of: of what ran and has been worked on."""
        return [
            entry.grade
            for entry in self.entries
            if entry.grade is not None and entry.grade.problem is None and self.is_work(entry)
        ]

    def by_task(self) -> list[TaskSummary]:
        """Return how each task went, the one that most submissions failed first."""
        grades = self.counted()
        if not grades:
            return []
        found = []
        for results in zip(*(grade.results for grade in grades), strict=True):
            n_failed = sum(not result.passed for result in results)
            n_unwritten = sum(outcome(result) == "not written yet" for result in results)
            mean = sum(result.score for result in results) / len(results)
            found.append(TaskSummary(results[0].task, mean, n_failed, n_unwritten, len(results)))
        return sorted(found, key=lambda one: -one.failed)

    def tasks(self) -> tuple[Result, ...]:
        """Return one submission's results, for the names and points of the tasks."""
        return next((entry.grade.results for entry in self.entries if entry.grade), ())

    def counts(self) -> str:
        """Return in a sentence how many submissions there are and which do not count."""
        n, counted = len(self.entries), len(self.counted())
        kinds = {
            "untouched": sum(map(self.untouched, self.entries)),
            "empty": sum(entry.normal_form == "" for entry in self.entries),
            "not graded": sum(entry.grade is None for entry in self.entries),
        }
        rest = n - counted - sum(kinds.values())
        kinds["with nothing that runs"] = rest
        named = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
        return f"{n} submission{'' if n == 1 else 's'}" + (
            f", of which {counted} count below ({named})" if named else ""
        )

    def mean(self) -> str:
        """Return the mean of the points in words; empty if no submission counts."""
        grades = self.counted()
        if not grades:
            return ""
        mean = sum(grade.score for grade in grades) / len(grades)
        return f"mean {mean:.3g} of {grades[0].maximum:g} points"

    def not_in_force(self) -> list[str]:
        """Return what the system did not let the sandbox forbid."""
        found = {
            words for entry in self.entries if entry.grade for words in entry.grade.not_in_force
        }
        return sorted(found)


def share(part: int, whole: int) -> str:
    """Return a share in per cent."""
    return f"{100 * part / whole:.0f} %" if whole else ""


def task_rows(overview: Overview) -> Iterator[tuple[str, float, float, str, str, str]]:
    """Yield a row for each task: its name, mean, points, shares with full and no points."""
    for one in overview.by_task():
        full = one.total - one.failed
        yield (
            one.task.name,
            round(one.mean, 2),
            one.task.points,
            f"{full} ({share(full, one.total)})",
            f"{one.failed} ({share(one.failed, one.total)})",
            str(one.unwritten) if one.unwritten else "",
        )


TASK_COLUMNS = ("task, most often failed first", "mean", "of", "full points", "none", "not written")


def text(overview: Overview) -> str:
    """Return the overview for a terminal."""
    parts = [f"{overview.assignment.title}: {overview.counts()}"]
    rows = list(task_rows(overview))
    if rows:
        parts += [table(TASK_COLUMNS, rows), overview.mean()]
    if overview.groups:
        lines = [group_line(overview, group) for group in overview.groups]
        parts.append("Identical submissions:\n" + "\n".join(f"    {line}" for line in lines))
    noted = [(entry.student, overview.note(entry)) for entry in overview.entries]
    lines = [f"    {student}: {note}" for student, note in noted if note]
    if lines:
        parts.append("To look at:\n" + "\n".join(lines))
    if overview.left_out:
        parts.append(f"{LEFT_OUT}: {', '.join(overview.left_out)}")
    if overview.not_in_force():
        parts.append("Not prevented on this system: " + "; ".join(overview.not_in_force()) + ".")
    return "\n\n".join(parts)


def group_line(overview: Overview, group: Sequence[Entry]) -> str:
    """Return who is in a group, and how far they are the same."""
    exact = len({entry.submission.source for entry in group}) == 1
    names = ", ".join(entry.student for entry in group)
    return f"{names} ({EXACT if exact else LAYOUT})"


def cell(words: str) -> str:
    """Return text that no spreadsheet takes for a formula, on one line."""
    return FORMULA.sub(r"\1\2'", " ".join(words.split()))


def write_csv(path: str | Path, overview: Overview) -> None:
    """Write a row for each student, whole or not at all: points by task, total, notes."""
    results = overview.tasks()
    with atomic_write(path, text=True) as file:
        # Quotes keep a cell together also where a semicolon is taken for its end.
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        names = [cell(result.task.name) for result in results]
        writer.writerow(["student", "file", *names, "total", "of", "identical to", "note"])
        for entry in overview.entries:
            grade = entry.grade
            points: list[float | str] = [""] * (len(results) + 2)
            if grade is not None:
                numbers = [*(result.score for result in grade.results), grade.score, grade.maximum]
                points = [int(one) if one == int(one) else one for one in numbers]
            words = [overview.copies(entry), overview.note(entry)]
            writer.writerow(
                [
                    cell(entry.student),
                    cell(entry.submission.file),
                    *points,
                    *map(cell, words),
                ]
            )


def html_table(header: Sequence[str], rows: Sequence[Sequence[str | float]]) -> Iterator[str]:
    """Yield a table. Its words are HTML already; numbers stand to the right."""
    yield "<table>\n<thead><tr>"
    for column, name in enumerate(header):
        numbers = any(not isinstance(row[column], str) for row in rows)
        kind = ' class="number"' if numbers else ""
        yield f"<th{kind}>{name}</th>"
    yield "</tr></thead>\n<tbody>\n"
    for row in rows:
        yield "<tr>"
        for content in row:
            if isinstance(content, str):
                yield f"<td>{content}</td>"
            else:
                yield f'<td class="number">{content:g}</td>'
        yield "</tr>\n"
    yield "</tbody>\n</table>\n"


def page(overview: Overview) -> Iterator[str]:
    """Yield the page of the class in pieces; it links the pages beside it."""
    title = escape(overview.assignment.title)
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{title}: grades</title>\n<style>{STYLE}{WIDE}</style>\n"
        f"</head>\n<body>\n<h1>{title}</h1>\n<p>{escape(overview.counts())}</p>\n"
        f'<p class="score">{escape(overview.mean())}</p>\n'
    )
    rows = [
        [escape(one) if isinstance(one, str) else one for one in row] for row in task_rows(overview)
    ]
    if rows:
        yield "<h2>Tasks</h2>\n"
        yield from html_table(TASK_COLUMNS, rows)
    if overview.groups:
        yield "<h2>Identical submissions</h2>\n<ul>\n"
        for group in overview.groups:
            yield f"<li>{escape(group_line(overview, group))}</li>\n"
        yield "</ul>\n"
    yield "<h2>Submissions</h2>\n"
    yield from html_table(
        ("student", "points", "of", "identical to", "note"),
        [student_row(overview, entry) for entry in overview.entries],
    )
    if overview.left_out:
        yield f"<p>{LEFT_OUT}: {escape(', '.join(overview.left_out))}</p>\n"
    notes = f"Graded by zeroone {escape(zeroone.__version__)}."
    if overview.not_in_force():
        notes += f" Not prevented on that system: {escape('; '.join(overview.not_in_force()))}."
    yield f"<footer>{notes}</footer>\n</body>\n</html>\n"


def student_row(overview: Overview, entry: Entry) -> list[str | float]:
    """Return a student's row of the page."""
    name = escape(entry.student)
    words = [escape(overview.copies(entry)), escape(overview.note(entry))]
    if entry.grade is None:
        return [name, "", "", *words]
    link = f'<a href="{entry.submission.page}.html">{name}</a>'
    return [link, entry.grade.score, entry.grade.maximum, *words]
