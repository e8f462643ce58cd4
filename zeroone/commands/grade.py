"""``zeroone grade``: grade a student's file or a whole class, or build an autograder."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import zeroone
from zeroone.commands.common import check_writable, progress
from zeroone.grading import (
    Grade,
    Settings,
    confinement,
    grade,
    load,
    overview,
    pack,
    records,
    report,
    settings,
)
from zeroone.grading.assignment import CHECKS, Assignment
from zeroone.grading.compare import clean
from zeroone.grading.folder import Record, grade_folder
from zeroone.grading.overview import Entry, Overview
from zeroone.grading.submissions import Submission, submissions
from zeroone.support.files import atomic_write

DESCRIPTION = """\
Grade a student's file, apart and with limits, and show the simplest failing input of each task. The
exit status is 0 for every submission that was graded, however many points it has.

With --csv, grade a folder of submissions: Python files, notebooks, or folders with one, each named
after a student. Run the same command again to go on after an interruption, or to grade what has
changed since; grades that still hold are kept. The exit status is 1 if the grader failed for some.

With --pack, build an autograder for Gradescope.
"""
REPEATED = """\
Inputs repeat. They depend on the checks, on the names of the assignment and of the task, and on the
version of Hypothesis: they are the same for all students and at every submission. Who is shown the
input that fails, and what was expected, can write that answer into the file and submit again. With
show_input = false (see below) no output has inputs, answers, what the program printed, or the words
of its exceptions. Still, everyone who has zeroone can read the checks of its assignments, and try
them. For an examination write checks of your own; a copy of an assignment's folder under another
name draws other inputs, except for those that its checks.py spells out."""
# In the folder of pages: what the folder is recognised by.
RECORDS = "records"
MOST_WORKERS = 256


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "grade",
        help="grade a student's file, or a folder of them, for a classroom assignment",
        description=DESCRIPTION,
        epilog=f"{REPEATED}\n\nThe settings file:\n\n{settings.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "assignment", metavar="ASSIGNMENT", help=f"01, 01_name, name, or a folder with {CHECKS}"
    )
    parser.add_argument(
        "submission",
        metavar="STUDENT.py|FOLDER",
        nargs="?",
        help="the student's file, or a folder that holds it; with --csv, a folder of submissions",
    )
    parser.add_argument(
        "--csv",
        metavar="FILE.csv",
        help="grade each submission in FOLDER, and write a row for each: points by task, total, "
        "identical submissions, notes",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="for --csv: how many submissions to grade at a time, no more than there are "
        "processors, as time is limited (default: 1)",
    )
    parser.add_argument(
        "--to",
        metavar="FOLDER",
        help="for --csv: where the pages go, one for each submission and index.html for the class, "
        "with what is needed to go on after an interruption (default: FILE, without .csv)",
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
    ignore_modules(Path(arguments.submission))
    if arguments.csv is not None:
        return grade_class(arguments, text)
    for name in ("workers", "to"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"{name} goes with --csv only, for a folder of submissions")
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
    if result.problem is not None and Path(arguments.submission).is_dir() and not arguments.json:
        show("\nTo grade a folder of submissions, one for each student, add --csv FILE.csv.")
    if arguments.json:
        report.write_json(arguments.json, report.as_json(result))
        show(f"\nresults written to {arguments.json}")
    if arguments.html:
        with atomic_write(arguments.html, text=True) as file:
            file.writelines(report.page(result))
        show(f"\npage written to {arguments.html}")
    return 0


def ignore_modules(submission: Path) -> None:
    """Let Python look for no module among submissions, which may be called ``random.py``.

    It would where ``python -m zeroone`` is started in their folder. The folder of zeroone itself
    remains.
    """
    folder = submission if submission.is_dir() else submission.parent
    source, own = Path(os.path.realpath(folder)), Path(zeroone.__file__).resolve().parents[1]
    for entry in list(sys.path):
        path = Path(os.path.realpath(entry))
        if (path == source or source in path.parents) and path != own:
            sys.path.remove(entry)


def build(arguments: argparse.Namespace, text: str) -> int:
    """Build an autograder."""
    for name in ("submission", "csv", "workers", "to", "json", "html", "late", "metadata"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"{name} does not go with --pack")
    assignment = load(arguments.assignment)
    path = arguments.output or f"{assignment.name}-autograder.zip"
    check_writable(path)
    pack.pack(path, assignment, text)
    show(f"autograder written to {path}: upload it to Gradescope as it is")
    return 0


def grade_class(arguments: argparse.Namespace, text: str) -> int:
    """Grade a folder of submissions."""
    for name in ("json", "html", "late", "metadata", "output"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"{name} does not go with --csv")
    workers = settings.check_whole(
        "workers", 1 if arguments.workers is None else arguments.workers, 1, MOST_WORKERS
    )
    folder, target = check_folders(arguments)
    assignment, parsed = load(arguments.assignment), settings.parse(text)
    parsed.apply(assignment.tasks)
    found, left_out = submissions(folder, parsed, assignment.name)
    kept = target / RECORDS
    for made in (target, kept):
        made.mkdir(mode=0o700, exist_ok=True)
    entries: dict[str, Entry] = {}

    def note(submission: Submission, record: Record) -> None:
        entries[submission.page] = write_page(target, assignment, parsed, submission, record)
        bar.update()

    with progress(len(found), "submission") as bar, unreadable():
        try:
            grade_folder(assignment, found, text, kept, workers=workers, on_graded=note)
        except KeyboardInterrupt:
            bar.close()
            print(
                f"zeroone: {len(entries)} of {len(found)} submissions are graded; the same command "
                "goes on with the rest",
                file=sys.stderr,
            )
            raise
    whole = Overview(assignment, [entries[one.page] for one in found], left_out)
    overview.write_csv(arguments.csv, whole)
    with atomic_write(target / "index.html", text=True) as file:
        file.writelines(overview.page(whole))
    show(overview.text(whole))
    show(f"\ngrades written to {arguments.csv}, pages to {target / 'index.html'}")
    return 1 if any(entry.grade is None for entry in entries.values()) else 0


def check_folders(arguments: argparse.Namespace) -> tuple[Path, Path]:
    """Return the folder of submissions and that of the pages.

    Raises
    ------
    ValueError
        If one is not as it should be, or what is written would be among what students handed in.
    """
    folder = Path(arguments.submission)
    if not folder.is_dir():
        raise ValueError(
            f"submission must be a folder of submissions for --csv, but is {arguments.submission}"
        )
    if not arguments.csv.lower().endswith(".csv"):
        raise ValueError(f"csv must end in .csv, but is {arguments.csv}")
    check_writable(arguments.csv, read=[arguments.settings])
    target = Path(arguments.csv[:-4] if arguments.to is None else arguments.to)
    source = Path(os.path.realpath(folder))
    for name, path in (("csv", Path(arguments.csv)), ("to", target)):
        real = Path(os.path.realpath(path))
        if real == source or source in real.parents:
            raise ValueError(
                f"{name} must be outside of the folder of submissions, but is {path}: "
                "write FILE.csv elsewhere, or name another folder for the pages with --to"
            )
    if not target.parent.is_dir():
        raise ValueError(f"to must be in a folder that exists, but {target.parent} does not")
    if os.path.lexists(target) and not target.is_dir():
        raise ValueError(f"to must be a folder, but {target} is none")
    if target.is_dir() and any(target.iterdir()) and not (target / RECORDS).is_dir():
        raise ValueError(f"to must be a new folder or one of grades, but {target} is another")
    return folder, target


def write_page(
    target: Path, assignment: Assignment, parsed: Settings, submission: Submission, record: Record
) -> Entry:
    """Write a student's page, and return what the overview says of the student."""
    path = target / f"{submission.page}.html"
    form = record.get("normal_form")
    if "grade" not in record:
        path.unlink(missing_ok=True)  # it would be of another version of the submission
        return Entry(submission, None, form, clean(str(record.get("error")), 500))
    graded = records.as_grade(record["grade"], assignment, parsed)
    with atomic_write(path, text=True) as file:
        file.writelines(report.page(graded, submission.student))
    return Entry(submission, graded, form)


@contextlib.contextmanager
def unreadable() -> Iterator[None]:
    """Let no process without privileges look into this one's memory meanwhile."""
    before = confinement.prctl(confinement.PR_GET_DUMPABLE)
    confinement.prctl(confinement.PR_SET_DUMPABLE, 0)
    try:
        yield
    finally:
        if before == 1:
            confinement.prctl(confinement.PR_SET_DUMPABLE, 1)


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
