"""The student's processes, seen from the grader.

A `Supervisor` is told to start a worker and to kill it; a `Process` is a worker with its pipes and
the threads that read them. Whatever a worker does to its pipes, it can neither block the grader nor
fill its memory: every wait has an end, frames have a limit (`wire.lengths`), a queue holds two of
them, and of what is printed the first part is kept and the rest dropped.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from zeroone.grading import wire

SUPERVISOR = Path(__file__).with_name("supervisor.py")
STOP_SECONDS = 5.0
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
# Without these, Python itself may not start.
KEPT_VARIABLES = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# A pipe that has been read empty takes this many bytes at once.
ATOMIC_BYTES = 4096

Frame = tuple[bytes, bytes]


class Supervisor:
    """The process that starts workers, and kills them; see `zeroone.grading.supervisor`.

    It has one worker at a time. Whoever grades many submissions can use one supervisor for all of
    them, which saves loading NumPy for each. Use it in a ``with`` statement, or call `close`.
    """

    def __init__(self) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self.process: subprocess.Popen[bytes] | None = None
        self.leash: socket.socket | None = None

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> socket.socket:
        """Return the leash; start the process, if it does not run."""
        if self.leash is None or self.process is None or self.process.poll() is not None:
            self.release()
            self.leash, held = socket.socketpair()
            with held:
                self.process = launch(
                    str(held.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self.errors,
                    pass_fds=(held.fileno(),),
                    start_new_session=True,
                )
            self.leash.settimeout(STOP_SECONDS)
        return self.leash

    def start(self, options: dict[str, Any]) -> tuple[int, int, int]:
        """Start a worker.

        Parameters
        ----------
        options : dict
            Its folder, and the arguments of `zeroone.grading.confinement.confine`.

        Returns
        -------
        tuple of int
            Descriptors to write to its input, and to read its output and its errors.

        Raises
        ------
        OSError
            If that is not possible.
        """
        leash = self.connect()
        pipes = [os.pipe() for _ in range(3)]
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = pipes
        try:
            socket.send_fds(leash, [b"S" + json.dumps(options).encode()], [stdin, stdout, stderr])
        except OSError:
            for descriptor in (to_stdin, from_stdout, from_stderr):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        return to_stdin, from_stdout, from_stderr

    def kill(self) -> int | None:
        """Kill the worker with all its descendants.

        Returns
        -------
        int or None
            How it ended, as ``os.waitpid`` gives it; None if the supervisor does not say: then it
            has gone, or is made to go.
        """
        said = b""
        if self.leash is not None:
            with contextlib.suppress(OSError):
                self.leash.sendall(b"K")
                said = self.leash.recv(4)
        if len(said) == 4:
            return int(struct.unpack(">i", said)[0])
        self.release()
        return None

    def release(self) -> None:
        """Let go: the supervisor ends, and with it all processes that it has started."""
        if self.leash is not None:
            self.leash.close()
        if self.process is not None:
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.leash = self.process = None

    def close(self) -> None:
        """Let go, for good."""
        self.release()
        self.errors.close()

    def said(self) -> str:
        """Return what the supervisor, which runs no student's code, wrote to standard error."""
        self.errors.seek(0)
        return self.errors.read(4000).decode("utf-8", errors="replace")


class Single(Supervisor):
    """What does without a supervisor, for systems where a process cannot divide.

    There is one worker, and nobody to find its descendants.
    """

    def start(self, options: dict[str, Any]) -> tuple[int, int, int]:
        """Start a worker; see `Supervisor.start`."""
        pipe = subprocess.PIPE
        self.process = launch("", options, stdin=pipe, stdout=pipe, stderr=pipe)
        numbers = []
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            numbers.append(os.dup(stream.fileno()))
            stream.close()
        return numbers[0], numbers[1], numbers[2]

    def kill(self) -> int | None:
        """Kill the worker; nobody says how it ended."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        return None

    def release(self) -> None:
        """Kill the worker."""
        self.kill()


def launch(
    leash: str, options: dict[str, Any] | None = None, **streams: Any
) -> "subprocess.Popen[bytes]":
    """Start Python with the supervisor's program, in a clean environment."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    arguments = [leash, np.__file__, json.dumps(options)]
    return subprocess.Popen(
        [sys.executable, "-P", "-s", "-S", "-B", str(SUPERVISOR), *arguments],
        cwd=os.path.abspath(os.sep),
        env=ENVIRONMENT | kept,
        **streams,
    )


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

    Attributes
    ----------
    printed : Printed
        May be replaced while nothing is printed.
    """

    def __init__(self, supervisor: Supervisor, options: dict[str, Any], printed: Printed) -> None:
        self.supervisor, self.printed = supervisor, printed
        self.incoming: queue.Queue[Frame | Exception] = queue.Queue(maxsize=2)
        self.begun = False
        to_stdin, from_stdout, from_stderr = supervisor.start(options)
        self.questions = os.fdopen(to_stdin, "wb", buffering=0)
        self.replies = os.fdopen(from_stdout, "rb")
        self.errors = os.fdopen(from_stderr, "rb", buffering=0)
        self.threads = [
            threading.Thread(target=self.read_frames, daemon=True),
            threading.Thread(target=self.read_printed, daemon=True),
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

    def read_printed(self) -> None:
        """Keep the first part of what the program prints, and drop the rest."""
        while data := self.errors.read(1 << 16):
            self.printed.add(data)

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
