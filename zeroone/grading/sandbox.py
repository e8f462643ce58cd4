"""Where a student's program runs, seen from the grader: questions go out, answers come back.

A `Sandbox` keeps a worker process and asks it to call functions. The worker is not trusted: its
replies are decoded by `wire`, must carry the random number that came with the question, and have a
time in which to come. A worker that is late, dies or breaks the format is killed with all its
descendants, and the next call starts another. No right answer is ever sent, so there is none to be
found in the process.

While a sandbox is open, Linux lets no other process without privileges look into the grader's
memory.

What remains possible is what `Sandbox.not_in_force` says: on some systems a program could read the
assignment's checks and the library from the disk, or kill the grader, which then writes no result
at all. A container for each submission, as Gradescope has, is the answer to that.
"""

import os
import secrets
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zeroone.grading import confinement, wire
from zeroone.grading.process import (
    BrokenStreamError,
    EndedError,
    Frame,
    LateError,
    Printed,
    Process,
    Single,
    Supervisor,
    describe_end,
)

START_SECONDS = 60.0
SAID_BYTES = 4000
# What a worker may reply to each kind of question. Anything else is forged.
OUTCOMES = {
    "load": ("loaded", "exception", "refused"),
    "call": ("answer", "exception", "missing", "unsupported"),
}
FORGED = "the program wrote to the channel that is the grader's"


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Parameters
    ----------
    total_seconds : float, default 300
        Time for the whole submission.
    import_seconds : float, default 10
        Time to load the file.
    shrink_seconds : float, default 15
        Time to look for the simplest failing input of one task.
    memory_megabytes : int, default 1024
        Address space of a process, that of Python and NumPy included.
    output_kilobytes : int, default 64
        Of what the program prints, how much is kept. The rest is dropped.
    layers : tuple of str
        What to confine a process by, see `zeroone.grading.confinement`: for systems where one of
        them is in the way.
    """

    total_seconds: float = 300.0
    import_seconds: float = 10.0
    shrink_seconds: float = 15.0
    memory_megabytes: int = 1024
    output_kilobytes: int = 64
    layers: tuple[str, ...] = confinement.LAYERS


@dataclass(frozen=True)
class Reply:
    """What came of a question.

    Parameters
    ----------
    outcome : str
        ``"loaded"``, ``"answer"``; or what went wrong: ``"exception"``, ``"missing"`` (no such
        function), ``"unsupported"`` (an answer that is no array, number, ...), ``"refused"`` (an
        import that is not allowed), ``"late"``, ``"died"``, ``"forged"`` (a message that breaks the
        format), ``"no time"`` (the submission's time is used up).
    message : str
        Details, from a process that is not trusted.
    answer : object
        What the function returned.
    after : list
        The arguments after the call, in order.
    line : int or None
        For an exception: the line of the student's file.
    """

    outcome: str
    message: str = ""
    answer: Any = None
    after: list[Any] = field(default_factory=list)
    line: int | None = None


def understand(frame: Frame, nonce: str, outcomes: tuple[str, ...]) -> Reply:
    """Return the reply in a frame.

    Parameters
    ----------
    frame : Frame
    nonce : str
        The random number that came with the question.
    outcomes : tuple of str
        Those that may come of it.

    Raises
    ------
    wire.WireError
        If it is not the reply to the question with that nonce.
    """
    message, values = wire.unframe(*frame)
    outcome, text, line = message.get("outcome"), message.get("message", ""), message.get("line")
    kind = message.get("type", "")
    if message.get("nonce") != nonce or outcome not in outcomes:
        raise wire.WireError("not the reply")
    if type(text) is not str or type(kind) is not str:
        raise wire.WireError("not words")
    if outcome == "exception":
        text = ": ".join(part for part in (kind, text) if part) or "an exception without a name"
    after = values.get("after")
    return Reply(
        outcome,
        text[:1000],
        values.get("answer"),
        after if type(after) is list else [],
        line if type(line) is int else None,
    )


class Sandbox:
    """A student's program, ready to be called.

    Use it in a ``with`` statement; at its end all processes are gone.

    Parameters
    ----------
    source : bytes
        The student's file.
    name : str
        Its name.
    limits : Limits
    supervisor : Supervisor, optional
        What starts its processes; by default one of its own.

    Attributes
    ----------
    printed : Printed
        What the program printed.
    not_in_force : list of str
        What the system does not let the sandbox forbid, in words; known once a process has run.
    """

    def __init__(
        self, source: bytes, name: str, limits: Limits, supervisor: Supervisor | None = None
    ) -> None:
        self.source, self.name, self.limits = source, name, limits
        self.printed = Printed(limits.output_kilobytes << 10)
        self.not_in_force: list[str] = []
        self.own = supervisor is None
        kind = Supervisor if hasattr(os, "fork") else Single
        self.supervisor = kind() if supervisor is None else supervisor
        self.process: Process | None = None
        self.folder = tempfile.TemporaryDirectory(prefix="zeroone-", ignore_cleanup_errors=True)
        os.chmod(self.folder.name, 0o755)  # another user must be able to stand in it
        self.deadline = time.monotonic() + limits.total_seconds
        self.was_dumpable = -1

    def __enter__(self) -> "Sandbox":
        self.was_dumpable = confinement.prctl(confinement.PR_GET_DUMPABLE)
        confinement.prctl(confinement.PR_SET_DUMPABLE, 0)
        self.deadline = time.monotonic() + self.limits.total_seconds
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.own:
            self.supervisor.close()
        self.folder.cleanup()
        if self.was_dumpable == 1:
            confinement.prctl(confinement.PR_SET_DUMPABLE, 1)

    @property
    def seconds_left(self) -> float:
        """Time that is left for the submission."""
        return self.deadline - time.monotonic()

    def stop(self) -> int | None:
        """Kill the process, if there is one; return how it ended."""
        process, self.process = self.process, None
        return process.stop() if process is not None else None

    def start(self) -> Process:
        """Start a process.

        Raises
        ------
        RuntimeError
            If that fails, which is not the submission's fault: it is not loaded yet. The message
            holds all that is known of the reason.
        """
        limits = self.limits
        options = {
            "folder": self.folder.name,
            "layers": list(limits.layers),
            "memory": limits.memory_megabytes << 20,
            "seconds": int(max(self.seconds_left, 0)) + 5,
        }
        said = Printed(SAID_BYTES)  # not yet by the submission
        try:
            self.process = process = Process(self.supervisor, options, said)
            message, _ = wire.unframe(*process.receive(time.monotonic() + START_SECONDS))
            self.not_in_force = list(map(str, message["missing"]))
        except (OSError, LateError, EndedError, BrokenStreamError, wire.WireError) as error:
            known = [repr(error)]
            if self.process is not None:
                known += [describe_end(self.stop()), said.text()]
            known.append(self.supervisor.said())
            raise RuntimeError(
                "no process can be started for the submission: "
                + "; ".join(words.strip() for words in known if words.strip())
            ) from None
        process.printed = self.printed
        return process

    def load(self) -> Reply:
        """Start a process and load the submission in it."""
        self.stop()
        source = np.frombuffer(self.source, np.uint8)
        process = self.start()
        reply = self.ask(
            process,
            {"do": "load", "name": self.name},
            {"source": source},
            self.limits.import_seconds,
        )
        if reply.outcome != "loaded":
            self.stop()
        return reply

    def call(
        self, function: str, arguments: dict[str, Any], seconds: float, *, after: bool = True
    ) -> Reply:
        """Call a function of the submission.

        Parameters
        ----------
        function : str
        arguments : dict
        seconds : float
            Time that the call may take.
        after : bool, default True
            Whether to return the arguments as they are after the call.

        Returns
        -------
        Reply
        """
        if self.seconds_left <= 0:
            return Reply("no time")
        if self.process is None or not self.process.quiet:
            # Whatever came unasked goes with the process that sent it.
            reply = self.load()
            if self.process is None:
                return reply
        message = {"do": "call", "function": function, "after": after}
        return self.ask(self.process, message, arguments, seconds)

    def ask(
        self, process: Process, message: dict[str, Any], values: dict[str, Any], seconds: float
    ) -> Reply:
        """Send a question and return the reply; a process that fails to give one is stopped."""
        nonce = secrets.token_hex(16)
        until = min(time.monotonic() + seconds, self.deadline)
        question = wire.frame({**message, "nonce": nonce}, values)
        try:
            process.send(question, until)
            return understand(process.receive(until), nonce, OUTCOMES[message["do"]])
        except LateError:
            self.stop()
            return Reply("late" if until < self.deadline else "no time")
        except EndedError:
            return Reply("died", describe_end(self.stop()))
        except (BrokenStreamError, wire.WireError):
            self.stop()
            return Reply("forged", FORGED)
