"""The command line: ``zeroone COMMAND ...``.

Bad input ends in one line on standard error and exit status 2; Ctrl-C in 130.
"""

import argparse
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import zeroone
from zeroone.commands import (
    assignment,
    compare,
    evaluate,
    explain,
    figures,
    gaussian2,
    grade,
    optimality_gap,
    play,
    prune,
    rvscgd,
    slides,
    sweep,
    train,
    tutorials,
    verify,
)
from zeroone.commands.common import real_number, whole_number

COMMANDS = (
    train,
    evaluate,
    prune,
    explain,
    play,
    compare,
    optimality_gap,
    rvscgd,
    sweep,
    gaussian2,
    verify,
    tutorials,
    assignment,
    grade,
    figures,
    slides,
)


LONGEST_WORD = 60  # a number of 400 digits or the like is shortened in messages


class OneLineParser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, without the usage.

    Its ``type=int`` and ``type=float`` are `whole_number` and `real_number`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register("type", int, whole_number)
        self.register("type", float, real_number)

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print the message and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {one_line(message)} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    description = (zeroone.__doc__ or "").partition("\n")[0]
    parser = OneLineParser(prog="zeroone", description=description)
    parser.add_argument("--version", action="version", version=f"zeroone {zeroone.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    for each in subparsers.choices.values():
        # A command's description begins as its module does: "``zeroone NAME``: what it does".
        text = re.sub("^``.*?``: ", "", each.description or "").replace("``", "")
        each.description = text[:1].upper() + text[1:]
    return parser


def one_line(message: str) -> str:
    """Return a message in one line, with what is absurdly long in it shortened."""
    words = re.sub(rf"[\w.]{{{LONGEST_WORD},}}", lambda word: f"{word[0][:20]}...", message)
    return " ".join(words.split())


def refuse(message: str) -> int:
    """Say in one line what is wrong, and return exit status 2."""
    print(f"zeroone: error: {one_line(message)}", file=sys.stderr)
    return 2


def discard_output() -> None:
    """Send what is still to be printed nowhere: whoever read it has gone, or its disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default. Then standard streams that are closed become empty ones,
        and no warning is shown unless Python was started with ``-W``: what a command has to say, it
        says itself.

    Returns
    -------
    int
        The exit status.
    """
    if arguments is None:
        open_closed_streams()
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
    try:
        options = build_parser().parse_args(arguments)
        status: int = options.run(options)
        # Here, not when Python ends, so that it is known by now if nobody reads it any more.
        print(end="", flush=True)
        return status
    except ValueError as error:
        return refuse(str(error))
    except MemoryError as error:
        return refuse(f"there is not enough memory: {error}")
    except RecursionError:
        return refuse("the input is nested too deeply")
    except (OverflowError, FloatingPointError) as error:
        return refuse(f"a number is too large or too small to compute with: {error}")
    except SystemError as error:
        return refuse(f"the input cannot be handled: {error}")
    except KeyboardInterrupt:
        print("zeroone: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        discard_output()
        return 1
    except OSError as error:  # a full disk, a name that is too long
        status = refuse(str(error))
        try:
            sys.stdout.flush()
        except OSError:
            discard_output()
        return status


def open_closed_streams() -> None:
    """Give the process empty standard streams in the place of closed ones, as by ``>&-``."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
