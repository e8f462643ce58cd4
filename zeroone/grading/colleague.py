"""A grader in a process of its own: one of several that share a folder of submissions.

It is no student's process: those are its children, one at a time, confined as always. It reads a
line of JSON for each submission and writes one with the grade. Whatever a submission does to it
costs that submission alone, since a new one takes its place (`folder`).
"""

import base64
import contextlib
import io
import json
import os
import signal
import sys
from typing import Any

from zeroone.grading import confinement, records
from zeroone.grading.assignment import load
from zeroone.grading.grader import grade_source
from zeroone.grading.process import Supervisor
from zeroone.grading.settings import parse
from zeroone.grading.submissions import normal_form


def interrupted(*_: object) -> None:
    """End as Ctrl-C does: what is open is closed, and no process is left."""
    raise KeyboardInterrupt


def serve() -> None:
    """Grade what comes until nothing more comes."""
    signal.signal(signal.SIGTERM, interrupted)
    # Not for others to look into, also between two submissions.
    confinement.prctl(confinement.PR_SET_DUMPABLE, 0)
    confinement.prctl(confinement.PR_SET_PDEATHSIG, signal.SIGTERM)
    # What an assignment's checks may print is not to get between the answers.
    answers = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), encoding="ascii", newline="\n")
    os.dup2(2, 1)
    options = json.loads(sys.stdin.readline())
    assignment, settings = load(options["assignment"]), parse(options["settings"])
    kind = contextlib.nullcontext() if not hasattr(os, "fork") else Supervisor()
    with kind as supervisor:
        print("{}", file=answers, flush=True)
        for line in sys.stdin:
            question = json.loads(line)
            source = base64.b64decode(question["source"])
            answer: dict[str, Any] = {"normal_form": normal_form(source)}
            try:
                grade = grade_source(
                    assignment, source, question["name"], settings, supervisor=supervisor
                )
                answer["grade"] = records.as_record(grade)
            except Exception as error:  # the checks', or the system's: the others go on
                answer["error"] = f"{type(error).__name__}: {error}"
            print(json.dumps(answer), file=answers, flush=True)


def main() -> None:
    """Serve; an interrupt is not to be told, as whoever sent it knows."""
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve()
