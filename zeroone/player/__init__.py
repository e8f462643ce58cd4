"""Solvers, step by step: what each update does, with its numbers, and pages that play a run.

`page` writes a stream of steps as one HTML file, and `show` embeds it in a notebook.
"""

from zeroone.player.document import page as page
from zeroone.player.document import record as record
from zeroone.player.document import show as show

__all__ = ["page", "record", "show"]
