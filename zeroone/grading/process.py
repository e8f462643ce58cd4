"""A worker process, seen from the grader: pipes, threads that read them, the end.

Whatever the process does to its pipes, it can neither block the grader nor fill its memory: every
wait has an end, frames have a limit (`wire.lengths`), a queue holds two of them, and of what is
printed the first part is kept and the rest dropped.
"""

import contextlib
import os
import queue
import signal
import struct
import threading
import time
from typing import Any

from zeroone.grading import wire
from zeroone.grading.launch import STOP_SECONDS, Supervisor

# A pipe that has been read empty takes this many bytes at once.
ATOMIC_BYTES = 4096

Frame = tuple[bytes, bytes]


class BrokenStreamError(Exception):
    """The process sent something that is not a frame."""


class EndedError(Exception):
    """The process sends no more."""


class LateError(Exception):
    """Nothing came in time."""


class Printed:
    """The first part of what a program printed.

    Parameters
    ----------
    most : int
        How many bytes to keep.
    """

    def __init__(self, most: int) -> None:
        self.most, self.size, self.dropped = most, 0, False
        self.parts: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Keep as much as there is room for."""
        self.dropped |= self.size + len(data) > self.most
        kept = data[: self.most - self.size]
        if kept:
            self.size += len(kept)
            self.parts.append(kept)

    def text(self) -> str:
        """Return it, as text that is not to be trusted."""
        return b"".join(self.parts).decode("utf-8", errors="replace")


class Process:
    """A worker process, its pipes, and the threads that read them.

    Parameters
    ----------
    supervisor : Supervisor
    options : dict
        See `Supervisor.start`.
    printed : Printed
        Takes what it prints.
    """

    def __init__(self, supervisor: Supervisor, options: dict[str, Any], printed: Printed) -> None:
        self.supervisor = supervisor
        self.incoming: queue.Queue[Frame | Exception] = queue.Queue(maxsize=2)
        self.begun = False
        to_stdin, from_stdout, from_stderr = supervisor.start(options)
        self.questions = os.fdopen(to_stdin, "wb", buffering=0)
        self.replies = os.fdopen(from_stdout, "rb")
        self.errors = os.fdopen(from_stderr, "rb", buffering=0)
        self.threads = [
            threading.Thread(target=self.read_frames, daemon=True),
            threading.Thread(target=self.read_printed, args=(printed,), daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def read_frames(self) -> None:
        """Put the frames that come into the queue, and at the end why there are no more."""
        end: Exception = EndedError()
        while prefix := self.replies.read(1):
            self.begun = True
            try:
                header, body = wire.lengths(prefix + self.replies.read(wire.PREFIX.size - 1))
            except (wire.WireError, struct.error):
                end = BrokenStreamError()
                break
            frame = self.replies.read(header), self.replies.read(body)
            if (len(frame[0]), len(frame[1])) != (header, body):
                break
            self.incoming.put(frame)
            self.begun = False
        self.incoming.put(end)

    def read_printed(self, printed: Printed) -> None:
        """Keep the first part of what the program prints, and drop the rest."""
        while data := self.errors.read(1 << 16):
            printed.add(data)

    @property
    def quiet(self) -> bool:
        """Whether nothing has come that nobody has asked for."""
        return self.incoming.empty() and not self.begun

    def send(self, data: bytes, until: float) -> None:
        """Write a question.

        Raises
        ------
        LateError
            If the process does not read it before the clock shows `until`.
        """

        def write() -> None:
            # A process that has gone, or has closed the pipe, will not answer: that is seen later.
            with contextlib.suppress(OSError, ValueError):
                view = memoryview(data)
                while view:
                    view = view[self.questions.write(view) or 0 :]

        if len(data) <= ATOMIC_BYTES:
            write()
            return
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(max(until - time.monotonic(), 0.0))
        if writer.is_alive():
            raise LateError

    def receive(self, until: float) -> Frame:
        """Return the next frame.

        Raises
        ------
        LateError, EndedError, BrokenStreamError
            If there is none.
        """
        try:
            incoming = self.incoming.get(timeout=max(until - time.monotonic(), 0.0))
        except queue.Empty:
            raise LateError from None
        if isinstance(incoming, Exception):
            raise incoming
        return incoming

    def stop(self) -> int | None:
        """Kill the worker with all its descendants; return how it ended, as `Supervisor.kill`."""
        status = self.supervisor.kill()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self.threads:
            while thread.is_alive() and time.monotonic() < deadline:
                with contextlib.suppress(queue.Empty):
                    self.incoming.get_nowait()  # it may be waiting for room
                thread.join(1e-3)
        for stream in (self.questions, self.replies, self.errors):
            with contextlib.suppress(OSError):
                stream.close()
        return status


def describe_end(status: int | None) -> str:
    """Return in words how a process ended.

    Parameters
    ----------
    status : int or None
        As `Process.stop` returns it.
    """
    if status is None:
        return "the process ended"
    if not os.WIFSIGNALED(status):
        return f"the program ended the process (exit status {os.WEXITSTATUS(status)})"
    number = os.WTERMSIG(status)
    reasons = {
        "SIGXCPU": "it used up its processor time",
        "SIGKILL": "it was killed",
        "SIGSEGV": "it crashed, perhaps in too deep a recursion",
        "SIGABRT": "it gave up, perhaps for lack of memory",
    }
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"the process ended: {reasons.get(name, 'by a signal')} ({name})"
