"""The command line, as someone at a terminal sees it."""

import contextlib
import io

from zeroone.cli import main


def run(*arguments):
    """Return a command's exit status and what it wrote to its two streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as error:
            status = error.code
    return status, out.getvalue(), err.getvalue()


def succeed(*arguments):
    """Return what a command prints that has nothing to complain of."""
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    return out


def refused(*arguments):
    """Return the one line of a command that refuses what it is given."""
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    return err
