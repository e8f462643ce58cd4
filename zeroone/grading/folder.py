"""Grade a folder of submissions: several at a time, and each once.

Every submission has a confined process of its own (`sandbox`), under a grader that is a process of
its own too (`colleague`). The grades do not depend on how many graders there are, nor on the order
in which they come to the submissions.
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from zeroone.grading import records
from zeroone.grading.assignment import Assignment
from zeroone.grading.grader import refused
from zeroone.grading.settings import Settings, parse
from zeroone.grading.submissions import Submission

# So much longer than a submission's own time may its grader take, to start and to compare.
SPARE_SECONDS = 120.0
STOP_SECONDS = 10.0
# The folders in which Python looks for modules are given. The present one, which may hold what
# students have handed in, is to be among them at no time.
PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from zeroone.grading.colleague import main; main()"
)

Record = dict[str, Any]


class GraderEndedError(Exception):
    """A grader that ended, or was ended as it took too long."""


class Colleague:
    """A grader in a process of its own, seen from the one that hands out the submissions.

    Parameters
    ----------
    assignment : Assignment
    settings : str
        The text of a settings file.
    """

    def __init__(self, assignment: Assignment, settings: str) -> None:
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        # What it leaves if it is killed goes with this one.
        self.folder = tempfile.TemporaryDirectory(prefix="zeroone-", ignore_cleanup_errors=True)
        os.chmod(self.folder.name, 0o755)  # a student's process, another user, stands in it
        self.late = False
        environment = {name: each for name, each in os.environ.items() if name != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
            encoding="ascii",
            env=environment | {"TMPDIR": self.folder.name},
            start_new_session=True,  # Ctrl-C is for the one that hands out
        )
        self.ask({"assignment": str(assignment.folder), "settings": settings}, SPARE_SECONDS)

    def ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return the answer to a question.

        Raises
        ------
        GraderEndedError
            If the process ends, or does not answer in time and is ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        alarm = threading.Timer(seconds, self.give_up)
        alarm.daemon = True
        alarm.start()
        try:
            print(json.dumps(question), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            alarm.cancel()
        if not line.endswith("\n"):
            self.process.wait()
            raise GraderEndedError(
                f"the grader took more than {seconds:g} s" if self.late else self.last_words()
            )
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def give_up(self) -> None:
        """End the process, which has had its time."""
        self.late = True
        self.end()

    def end(self) -> None:
        """End the process, and with it the student's."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        """Return how the process ended, with the last line that it wrote to standard error."""
        self.said.seek(0)
        lines = self.said.read()[-1000:].decode(errors="replace").strip().splitlines()
        status = f"the grader ended (exit status {self.process.returncode})"
        return f"{status}: {lines[-1]}" if lines else status

    def close(self) -> None:
        """End the process, if it has not ended yet."""
        self.end()
        for stream in (self.process.stdin, self.process.stdout, self.said):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        self.folder.cleanup()


class Team:
    """Several graders, one for each thread that hands out submissions.

    Use it in a ``with`` statement; at its end all processes are gone.

    Parameters
    ----------
    assignment : Assignment
    settings : str
        The text of a settings file.
    """

    def __init__(self, assignment: Assignment, settings: str) -> None:
        self.assignment, self.text, self.settings = assignment, settings, parse(settings)
        self.colleagues: dict[int, Colleague] = {}
        self.ended = False

    def __enter__(self) -> "Team":
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True
        for colleague in list(self.colleagues.values()):
            colleague.close()

    def grade(self, submission: Submission) -> Record:
        """Return a submission's record, with ``"error"`` instead of ``"grade"`` if there is none.

        A grader that ends is replaced, and the submission put to the new one. If that ends too, the
        submission goes without a grade.
        """
        if submission.problem is not None:
            grade = refused(
                self.assignment,
                submission.file or submission.student,
                submission.problem,
                self.settings,
            )
            return {"normal_form": None, "grade": records.as_record(grade)}
        error = ""
        for _ in range(2):
            try:
                return self.ask(submission)
            except GraderEndedError as ended:
                error = str(ended)
            if self.ended:
                break
        return {"normal_form": None, "error": error}

    def ask(self, submission: Submission) -> Record:
        """Put a submission to this thread's grader, a new one if there is none."""
        me = threading.get_ident()
        try:
            if me not in self.colleagues:
                self.colleagues[me] = Colleague(self.assignment, self.text)
            if self.ended:  # it may have begun after all others were closed
                raise GraderEndedError("the grading was interrupted")
            source = base64.b64encode(submission.source).decode()
            seconds = self.settings.limits.total_seconds + SPARE_SECONDS
            return self.colleagues[me].ask({"name": submission.file, "source": source}, seconds)
        except GraderEndedError:
            if me in self.colleagues:
                self.colleagues.pop(me).close()
            raise


def grade_folder(
    assignment: Assignment,
    submissions: Sequence[Submission],
    settings: str,
    kept: Path,
    *,
    workers: int = 1,
    on_graded: Callable[[Submission, Record], object] | None = None,
) -> list[Record]:
    """Grade submissions, except for those that a record is kept of.

    Parameters
    ----------
    assignment : Assignment
    submissions : sequence of Submission
    settings : str
        The text of a settings file.
    kept : Path
        The folder of the records, which are read and written.
    workers : int, default 1
        How many are graded at a time.
    on_graded : callable, optional
        Called with each submission and its record, as soon as there is one.

    Returns
    -------
    list of dict
        A record for each submission, in order. One with ``"error"`` is not kept.

    Raises
    ------
    ValueError
        If the settings are wrong, or a record cannot be written.
    """
    parsed = parse(settings)
    parsed.apply(assignment.tasks)
    around = records.circumstances(assignment, parsed)
    found: dict[int, Record] = {}
    for place, submission in enumerate(submissions):
        record = remembered(kept / f"{submission.page}.json", submission, around, assignment)
        if record is not None:
            found[place] = record
            if on_graded is not None:
                on_graded(submission, record)
    waiting = [place for place in range(len(submissions)) if place not in found]
    pool = ThreadPoolExecutor(max(1, min(workers, len(waiting))))
    try:
        with Team(assignment, settings) as team:
            futures: dict[Future[Record], int] = {
                pool.submit(team.grade, submissions[place]): place for place in waiting
            }
            for future in as_completed(futures):
                place = futures[future]
                record = future.result()
                record["fingerprint"] = records.fingerprint(submissions[place], around)
                found[place] = record
                if "grade" in record:
                    records.write(kept / f"{submissions[place].page}.json", record)
                if on_graded is not None:
                    on_graded(submissions[place], record)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [found[place] for place in range(len(submissions))]


def remembered(
    path: Path, submission: Submission, circumstances: str, assignment: Assignment
) -> Record | None:
    """Return the record that is kept of a submission as it is now; None if there is none."""
    record = records.read(path)
    if record is None:
        return None
    try:
        if record["fingerprint"] != records.fingerprint(submission, circumstances):
            return None
        records.as_grade(record["grade"], assignment, Settings())
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None
    return record
