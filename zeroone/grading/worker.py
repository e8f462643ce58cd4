"""The student's process: it loads one file, and then calls its functions as it is asked to.

It reads requests from its standard input and writes replies to its standard output, in the format
of `wire`; what the student's program prints goes to standard error instead. It holds nothing worth
stealing: the arguments of the present call, and no right answer. Whatever the program does to it,
it can change its own answers only.

A refused import is a courtesy, not a wall: a program can read a file and compile it, or undo the
hook. What stands between it and the library's source is `confinement`, and where that is not in
force, the rules of the course.

This file is imported by itself in that process, not as a part of zeroone.
"""

import ast
import contextlib
import os
import sys
import types
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zeroone.grading import wire
else:
    import wire

# NumPy loads these when they are first used: better once, before the process divides.
LOADED = [getattr(np, name) for name in ("fft", "linalg", "random")]
REFUSED = ("zeroone", "hypothesis")
MODULE = "submission"
MOST_MESSAGE = 500


class RefusalError(Exception):
    """A submission that is not run."""


class RefusingFinder:
    """Refuses to import what the assignment is about, and what draws its inputs."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise ImportError for the refused packages, and leave the others to others."""
        if name.split(".")[0] in REFUSED:
            raise ImportError(f"{name} cannot be imported in a submission")


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names of modules that a program imports by name, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or "", node.lineno
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in ("__import__", "import_module"):
                yield str(node.args[0].value), node.lineno


def load(source: bytes, name: str) -> types.ModuleType:
    """Return a submission as a module.

    Raises
    ------
    RefusalError
        If it imports what must not be imported.
    BaseException
        Whatever it raises.
    """
    tree = ast.parse(source, name)
    for module, line in imported(tree):
        if module.split(".")[0] in REFUSED:
            raise RefusalError(f"line {line} imports {module}, which a submission must not")
    sys.meta_path.insert(0, RefusingFinder())
    sys.argv = [name]
    module_object = types.ModuleType(MODULE)
    module_object.__file__ = name
    sys.modules[MODULE] = module_object
    exec(compile(tree, name, "exec"), vars(module_object))
    return module_object


def received(value: Any) -> Any:
    """Return an argument as the student's function gets it."""
    if isinstance(value, wire.Seed):
        return np.random.default_rng(value.seed)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value[()]  # a NumPy scalar
    if isinstance(value, list | tuple):
        return type(value)(received(one) for one in value)
    return value


def returned(value: Any) -> Any:
    """Return an argument as it goes back: a random generator has changed, and is left out."""
    if isinstance(value, np.random.Generator):
        return None
    if isinstance(value, list | tuple):
        return type(value)(returned(one) for one in value)
    return value


def describe(error: BaseException, name: str) -> dict[str, Any]:
    """Return what is told of an exception: its type, its message, and the line in the file."""
    line, function, trace = None, "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            line, function = trace.tb_lineno, trace.tb_frame.f_code.co_name
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == name:
        line, message = error.lineno, str(error.msg)
    else:
        message = str(error)
    if isinstance(error, ModuleNotFoundError):
        message += " (a submission can import NumPy and the standard library)"
    return {
        "outcome": "exception",
        "type": type(error).__name__[:100],
        "message": message[:MOST_MESSAGE],
        "line": line,
        "function": function[:100],
    }


class Worker:
    """Answers requests."""

    def __init__(self) -> None:
        self.module: types.ModuleType | None = None
        self.name = ""

    def load(self, message: dict[str, Any], values: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Load the submission."""
        self.name = message["name"]
        try:
            self.module = load(values["source"].tobytes(), self.name)
        except RefusalError as error:
            return {"outcome": "refused", "message": str(error)}, {}
        return {"outcome": "loaded"}, {}

    def call(self, message: dict[str, Any], values: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Call a function of the submission."""
        function = getattr(self.module, message["function"], None)
        if not callable(function):
            there = (
                "is not a function" if hasattr(self.module, message["function"]) else "is not there"
            )
            return {"outcome": "missing", "message": there}, {}
        arguments = {name: received(value) for name, value in values.items()}
        answer = function(**arguments)
        after = [returned(value) for value in arguments.values()] if message["after"] else []
        return {"outcome": "answer"}, {"answer": answer, "after": after}

    def reply(self, message: dict[str, Any], values: dict[str, Any]) -> bytes:
        """Return the frame that answers a request."""
        nonce = {"nonce": message["nonce"]}
        try:
            outcome, answer = getattr(self, message["do"])(message, values)
            try:
                return wire.frame({**nonce, **outcome}, answer)
            except wire.WireError as error:
                outcome = {"outcome": "unsupported", "message": str(error)}
                return wire.frame({**nonce, **outcome}, {})
        except BaseException as error:
            return wire.frame({**nonce, **describe(error, self.name)}, {})


def read_exactly(descriptor: int, count: int) -> bytes:
    """Return that many bytes, or fewer at the end."""
    parts: list[bytes] = []
    while count > 0 and (part := os.read(descriptor, min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def serve(not_in_force: Sequence[str]) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    not_in_force : sequence of str
        What `confinement.confine` returned; it is told first.
    """
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # The program may put other functions into NumPy; what encodes its answers keeps these.
    vars(wire)["np"] = types.SimpleNamespace(**vars(np))
    worker = Worker()
    write_all(replies, wire.frame({"outcome": "ready", "missing": list(not_in_force)}, {}))
    while prefix := read_exactly(requests, wire.PREFIX.size):
        header, body = wire.lengths(prefix)
        message, values = wire.unframe(read_exactly(requests, header), read_exactly(requests, body))
        answer = worker.reply(message, values)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        write_all(replies, answer)
