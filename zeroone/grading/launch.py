"""The supervisor, seen from the grader: it is started, told to start and to kill, and let go."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

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
