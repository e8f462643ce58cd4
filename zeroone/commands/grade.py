"""``zeroone grade``: grade a student's file, or build an autograder for Gradescope."""

import argparse
import os
import sys
from pathlib import Path

from zeroone.commands.common import check_writable, progress
from zeroone.grading import Grade, Settings, grade, load, pack, report, settings
from zeroone.grading.assignment import CHECKS, Assignment
from zeroone.support.files import atomic_write


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "grade",
        help="grade a student's file for a classroom assignment",
        description="Grade a student's file, apart and with limits, and show the smallest failing "
        "input of each task; or build an autograder for Gradescope. The exit status is 0 for every "
        "submission that was graded, however many points it has.",
        epilog=f"the settings file:\n\n{settings.__doc__}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "assignment", metavar="ASSIGNMENT", help=f"01, 01_name, name, or a folder with {CHECKS}"
    )
    parser.add_argument(
        "submission",
        metavar="STUDENT.py",
        nargs="?",
        help="the student's file, or a folder that holds it",
    )
    parser.add_argument("--json", metavar="FILE", help="write results.json for Gradescope")
    parser.add_argument("--html", metavar="FILE", help="write a page of feedback")
    parser.add_argument("--settings", metavar="FILE.toml", help="points, lateness, limits")
    parser.add_argument("--late", type=int, metavar="DAYS", help="days begun since it was due")
    parser.add_argument(
        "--metadata", metavar="FILE", help="Gradescope's submission_metadata.json, for lateness"
    )
    parser.add_argument(
        "--pack", action="store_true", help="build an autograder, ASSIGNMENT-autograder.zip"
    )
    parser.add_argument("--output", metavar="FILE.zip", help="for --pack: the file to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Grade or pack."""
    text = settings.read(arguments.settings) if arguments.settings else ""
    parsed = settings.parse(text)
    if arguments.pack:
        return build(arguments, text)
    if arguments.submission is None:
        raise ValueError("submission must be a student's file, but none is given")
    if arguments.output is not None:
        raise ValueError("output goes with --pack only; for results there are --json and --html")
    if not Path(arguments.submission).exists():
        raise ValueError(f"submission must be a file, but there is no {arguments.submission}")
    check_outputs(arguments)
    days = days_late(arguments, parsed)
    assignment = load(arguments.assignment)
    try:
        result = graded(assignment, arguments.submission, parsed, days)
    except Exception as error:
        # Not the student's fault. Whoever waits for results gets some, with the reason.
        reason = f"{type(error).__name__}: {error}"
        if arguments.json:
            report.write_json(arguments.json, report.failure_as_json(reason))
        if isinstance(error, ValueError):
            raise
        raise ValueError(reason) from error
    show(report.text(result))
    if arguments.json:
        report.write_json(arguments.json, report.as_json(result))
        show(f"\nresults written to {arguments.json}")
    if arguments.html:
        with atomic_write(arguments.html, text=True) as file:
            file.writelines(report.page(result))
        show(f"\npage written to {arguments.html}")
    return 0


def build(arguments: argparse.Namespace, text: str) -> int:
    """Build an autograder."""
    for name in ("submission", "json", "html", "late", "metadata"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"{name} does not go with --pack")
    assignment = load(arguments.assignment)
    path = arguments.output or f"{assignment.name}-autograder.zip"
    check_writable(path)
    pack.pack(path, assignment, text)
    show(f"autograder written to {path}: upload it to Gradescope as it is")
    return 0


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse files that cannot be written, and to write over what is read."""
    check_writable(arguments.json, arguments.html)
    read = [arguments.submission, arguments.settings, arguments.metadata]
    taken = {os.path.realpath(path) for path in read if path is not None}
    for path in (arguments.json, arguments.html):
        if path is not None and os.path.realpath(path) in taken:
            raise ValueError(f"cannot write {path}: that file is read")


def days_late(arguments: argparse.Namespace, parsed: Settings) -> int:
    """Return how late the submission is.

    Raises
    ------
    ValueError
        If that is said twice, or wrongly.
    """
    if arguments.late is not None and arguments.metadata is not None:
        raise ValueError("late and metadata both say how late it is: give one of them")
    if arguments.metadata is not None:
        return report.read_days_late(arguments.metadata, parsed.late)
    return (
        0
        if arguments.late is None
        else settings.check_whole("late", arguments.late, 0, settings.MOST_DAYS)
    )


def graded(assignment: Assignment, submission: str, parsed: Settings, days: int) -> Grade:
    """Return the grade, with a progress bar meanwhile."""
    with progress(len(assignment.tasks), "task") as bar:
        return grade(
            assignment, submission, parsed, days_late=days, on_result=lambda _: bar.update()
        )


def show(text: str) -> None:
    """Print text, of which the terminal may not know every letter."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding))
