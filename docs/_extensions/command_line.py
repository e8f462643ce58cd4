"""The page of the command line, made from the parsers themselves."""

import argparse
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from generated import Folder
from results import ROOT
from sphinx.application import Sphinx

from zeroone.cli import build_parser

WIDTH = 88  # of the usage
HEAD = """# The command line

Every command with its options, from the parsers that `zeroone COMMAND --help` prints. Bad input
ends in one line on standard error and status 2, Ctrl-C in status 130.

"""


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands by their names."""
    return subparsers(build_parser())


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers that a parser chooses from; none if it has no such choice."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, with what stands in quotes as code."""
    text = " ".join(text.split())
    text = re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)
    return re.sub(r"(?<=[ (])'([^' ][^']*)'(?=[ ,.;:)]|$)", r"'\1'", text)


def usage(parser: argparse.ArgumentParser) -> str:
    """Return how a command is written, in lines of `WIDTH`."""
    formatter = argparse.HelpFormatter(prog=parser.prog, width=WIDTH)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help().strip()


def help_of(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """Return what an option is for, with its defaults and choices filled in."""
    text = argparse.HelpFormatter(prog=parser.prog)._expand_help(action) if action.help else ""
    return escaped(text)


def term(action: argparse.Action) -> str:
    """Return an option with the name of its value, as code."""
    names = list(action.option_strings)
    if not names:
        return f"`{action.metavar or action.dest}`"
    value = ""
    if action.nargs != 0:
        choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else None
        value = f" {action.metavar or choices or action.dest.upper()}"
    return ", ".join(f"`{name}{value}`" for name in names)


def command(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """Yield the lines of a command and of those that it chooses from."""
    yield f"({parser.prog.replace(' ', '-')})="
    yield f"{'#' * level} {parser.prog}"
    yield ""
    for paragraph in re.split(r"\n\s*\n", parser.description or ""):
        yield escaped(paragraph)
        yield ""
    yield f"```text\n{usage(parser)}\n```"
    yield ""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        yield term(action)
        yield f": {help_of(action, parser)}"
        yield ""
    for paragraph in re.split(r"\n\s*\n", parser.epilog or ""):
        yield escaped(paragraph)
        yield ""
    for one in subparsers(parser).values():
        yield from command(one, level + 1)


def make(app: Sphinx) -> None:
    """Write the page."""
    lines = [line for one in parsers().values() for line in command(one, 2)]
    Folder(ROOT / "docs").write("cli.md", HEAD + "\n".join(lines) + "\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
