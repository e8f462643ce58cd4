"""The player's pages on the site: the runs that `zeroone play` shows without any option."""

import contextlib
import io
from typing import Any

from generated import Folder
from results import ROOT
from sphinx.application import Sphinx

from zeroone.cli import main

RUNS = ("bcd", "rvscgd", "ftprop", "coarse")


def make(app: Sphinx) -> None:
    """Write a page for each method into the folder of static files."""
    folder = Folder(ROOT / "docs" / "_static" / "player")
    folder.path.mkdir(parents=True, exist_ok=True)
    for run in RUNS:
        target = folder.path / f"{run}.html"
        with contextlib.redirect_stdout(io.StringIO()):
            status = main(["play", run, "--html", str(target)])
        if status:
            raise RuntimeError(f"zeroone play {run} ended with status {status}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
