"""A grade as JSON, to be kept: what is graded once need not be graded again.

A record holds the `fingerprint` of everything that its grade depends on. If a submission, the
assignment, the settings or a version changes, so does the fingerprint, and the record is of no use
any more. The same is true of a record that cannot be read.
"""

import hashlib
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import zeroone
from zeroone.grading.assignment import Assignment
from zeroone.grading.grader import Grade, Result
from zeroone.grading.search import import_hypothesis
from zeroone.grading.settings import Settings
from zeroone.grading.submissions import Submission
from zeroone.grading.trial import Failure
from zeroone.support.files import atomic_write

# To be raised when the same record would have to mean something else.
FORMAT = 1
MOST_BYTES = 32 << 20


def circumstances(assignment: Assignment, settings: Settings) -> str:
    """Return a number for all that grades depend on besides the submission."""
    parts = [str(FORMAT), zeroone.__version__, repr(settings), assignment.name]
    parts += [platform.python_version(), np.__version__, import_hypothesis().__version__]
    total = hashlib.sha256(json.dumps(parts).encode())
    for path in sorted(assignment.folder.glob("*.py")):
        total.update(json.dumps(path.name).encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def fingerprint(submission: Submission, circumstances: str) -> str:
    """Return a number for all that the grade of a submission depends on."""
    parts = [circumstances, submission.entry, submission.file, str(submission.problem)]
    return hashlib.sha256(json.dumps(parts).encode() + submission.source).hexdigest()


def as_record(grade: Grade) -> dict[str, Any]:
    """Return a grade in the types of JSON."""
    return {
        "submission": grade.submission,
        "problem": grade.problem,
        "days_late": grade.days_late,
        "printed": grade.printed,
        "not_in_force": list(grade.not_in_force),
        "seconds": grade.seconds,
        "results": [
            {
                "task": result.task.name,
                "failure": None if result.failure is None else asdict(result.failure),
                "seconds": result.seconds,
            }
            for result in grade.results
        ],
    }


def as_grade(record: dict[str, Any], assignment: Assignment, settings: Settings) -> Grade:
    """Return the grade that `as_record` was made of.

    Raises
    ------
    ValueError, LookupError, TypeError
        If it is not one of this assignment.
    """
    results = []
    for task, told in zip(settings.apply(assignment.tasks), record["results"], strict=True):
        if told["task"] != task.name:
            raise ValueError(f"record must be of task {task.name!r}, but is of {told['task']!r}")
        failure = None if told["failure"] is None else Failure(**told["failure"])
        results.append(Result(task, failure, float(told["seconds"])))
    return Grade(
        assignment,
        str(record["submission"]),
        tuple(results),
        None if record["problem"] is None else str(record["problem"]),
        int(record["days_late"]),
        settings,
        str(record["printed"]),
        tuple(map(str, record["not_in_force"])),
        float(record["seconds"]),
    )


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a record, whole or not at all."""
    with atomic_write(path, text=True) as file:
        json.dump(record, file, indent=1)
        file.write("\n")


def read(path: Path) -> dict[str, Any] | None:
    """Return a record; None if there is none that can be read."""
    try:
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
