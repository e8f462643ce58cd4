"""The command line: ``zeroone COMMAND ...``.

Bad input ends in one line on standard error and exit status 2; Ctrl-C in 130.
"""

import argparse
import os
import sys
from collections.abc import Sequence

import zeroone
from zeroone.commands import (
    assignment,
    compare,
    evaluate,
    explain,
    figures,
    grade,
    optimality_gap,
    prune,
    rvscgd,
    sweep,
    train,
    tutorials,
    verify,
)

COMMANDS = (
    train,
    evaluate,
    prune,
    explain,
    compare,
    optimality_gap,
    rvscgd,
    sweep,
    verify,
    tutorials,
    assignment,
    grade,
    figures,
)


class OneLineParser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, without the usage."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print the message and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = OneLineParser(prog="zeroone", description=zeroone.__doc__)
    parser.add_argument("--version", action="version", version=f"zeroone {zeroone.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def refuse(message: str) -> int:
    """Say in one line what is wrong, and return exit status 2."""
    print(f"zeroone: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        The exit status.
    """
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        # Here, not when Python ends, so that it is known by now if nobody reads it any more.
        print(end="", flush=True)
        return status
    except ValueError as error:
        return refuse(str(error))
    except MemoryError as error:
        return refuse(f"there is not enough memory: {error}")
    except KeyboardInterrupt:
        print("zeroone: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output has gone; do not complain again when it is flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, a name that is too long
        return refuse(str(error))
