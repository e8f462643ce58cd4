"""Starts the students' processes and sees to it that nothing of them is left.

    python -P -s -S -B supervisor.py LEASH NUMPY OPTIONS

The supervisor belongs to the grader; no student's code runs in it. It has NumPy ready, and divides
for every process that the grader wants: the new half gives up its rights (`confinement`) and
becomes the worker. Words come over the leash, one end of a pair of sockets:

- ``S``, options as JSON and three descriptors: start a worker whose standard input, output and
  error they are;
- ``K``: kill the worker and every process that descends from it, and tell in 4 bytes how the worker
  ended. On Linux, children whose parents have gone come to the supervisor, so that none can slip
  away by forking twice.

If the grader dies, the leash goes with it, and the supervisor kills what there is and ends. If the
supervisor dies, the worker dies.

Where a process cannot divide (Windows), there is no leash: it becomes the worker itself.
"""

import builtins
import contextlib
import importlib.util
import json
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any


def load(name: str) -> ModuleType:
    """Import a module from the folder of this file, with builtins that nobody else can patch."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = dict(vars(builtins))
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from zeroone.grading import confinement, worker
else:
    # The folder that holds NumPy may hold zeroone too: it is not searched any more once NumPy is
    # there.
    sys.path.append(str(Path(sys.argv[2]).parents[1]))
    load("wire")
    confinement, worker = load("confinement"), load("worker")
    sys.path.pop()

START, KILL = b"S", b"K"


def children() -> Iterator[int]:
    """Yield the processes whose parent this one is."""
    me = os.getpid()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name, in parentheses, may hold anything.
            fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if int(fields[1]) == me:
                yield int(folder.name)


def kill_all(first: int) -> int:
    """Kill every descendant, wait for all of them, and return how the first one ended.

    Parameters
    ----------
    first : int
        The worker, which leads a group of processes.

    Returns
    -------
    int
        The status, as ``os.waitpid`` gives it.
    """
    status = 0
    with contextlib.suppress(OSError):
        os.killpg(first, signal.SIGKILL)
    while True:
        for child in {first, *children()}:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            ended, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if ended == first:
            status = how


def start(leash: socket.socket, descriptors: list[int], options: dict[str, Any]) -> int:
    """Divide; return the worker's number in the one half, and never return in the other."""
    first = os.fork()
    if first == 0:
        leash.close()
        os.setsid()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.closerange(3, 256)
        status = 0
        try:
            work(options)
        except BaseException:  # no student's program raises it: the grader is told why
            status = 1
            os.write(2, traceback.format_exc().encode(errors="replace"))
        finally:
            os._exit(status)
    for descriptor in descriptors:
        os.close(descriptor)
    return first


def work(options: dict[str, Any]) -> None:
    """Be the worker: give up rights, then serve."""
    os.chdir(options.pop("folder"))
    not_in_force = confinement.confine(**options, numpy=Path(sys.argv[2]))
    # After the change of user, which would undo it.
    confinement.prctl(confinement.PR_SET_PDEATHSIG, signal.SIGKILL)
    worker.serve(not_in_force)


def guard(leash: socket.socket) -> None:
    """Do as the grader says until it lets go."""
    confinement.prctl(confinement.PR_SET_CHILD_SUBREAPER, 1)
    confinement.prctl(confinement.PR_SET_DUMPABLE, 0)  # as the grader is, see `sandbox.Sandbox`
    first = 0
    while True:
        word, descriptors, _, _ = socket.recv_fds(leash, 1 << 16, 3)
        if word[:1] == START:
            first = start(leash, descriptors, json.loads(word[1:]))
            continue
        status = kill_all(first) if first else 0
        first = 0
        if word != KILL:
            return
        leash.sendall(struct.pack(">i", status))


def main(leash: str, options: str) -> None:
    """Guard or, where there is no leash, work.

    Parameters
    ----------
    leash : str
        A descriptor's number; empty where a process cannot divide.
    options : str
        Those of the only worker, if there is no leash.
    """
    if leash:
        guard(socket.socket(fileno=int(leash)))
    else:
        work(json.loads(options))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3])
