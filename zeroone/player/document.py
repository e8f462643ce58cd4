"""A run as one HTML file: it needs no connection, no other file, and no program but a browser.

`page` writes it, `show` embeds it in a notebook. The recording is in the page as JSON, compressed
(zlib) and written in letters (base64); the page unpacks it and draws.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from itertools import chain
from typing import Any

from numpy.typing import ArrayLike

from zeroone.bcd.objective import State as BlockState
from zeroone.gaussian.descent import Point
from zeroone.gaussian.rvscgd import State as SplittingState
from zeroone.player.frames_block_coordinate_descent import BlockCoordinateDescent
from zeroone.player.frames_coarse_gradient import CoarseGradientFrames
from zeroone.player.frames_rvscgd import SplittingFrames
from zeroone.player.frames_target_propagation import TargetPropagation
from zeroone.player.recording import Recorder, Recording
from zeroone.steps import Step
from zeroone.support.files import atomic_write
from zeroone.support.validation import check_integer
from zeroone.targetprop.solver import TargetState

# Steps of a recording unless told otherwise.
STEPS = 5_000
# Bytes of a page: more does not go through every mail server, nor open at once on a phone.
LARGEST_PAGE = 3_000_000

# In the order in which a page needs them: one script a view, after what all share.
SCRIPTS = (
    "formulas.js",
    "drawing.js",
    "view_terms.js",
    "view_block_coordinate_descent.js",
    "view_rvscgd.js",
    "view_target_propagation.js",
    "view_coarse_gradient.js",
    "player.js",
)


def recorder_of(step: Step, start: Any = None, pictures: ArrayLike | None = None) -> Recorder:
    """Return the recorder of the algorithm to which a step belongs, as its state tells.

    Parameters
    ----------
    step : Step
        The first of a stream, before the second is asked for.
    start, pictures
        As in `record`.
    """
    if isinstance(step.state, BlockState):
        return BlockCoordinateDescent(step, start, pictures)
    if isinstance(step.state, SplittingState) and "runs" in step.info:
        return SplittingFrames(step, start)
    if isinstance(step.state, TargetState):
        return TargetPropagation(step, start)
    if isinstance(step.state, Point):
        return CoarseGradientFrames(step, start)
    return Recorder(step, start)


def record(
    steps: Iterable[Step],
    *,
    start: Any = None,
    title: str | None = None,
    limit: int = STEPS,
    pictures: ArrayLike | None = None,
) -> Recording:
    """Return the frames of a stream of steps.

    Parameters
    ----------
    steps : iterable of Step
        The generator that a solver returns. A list of steps will not do where the solver changes
        its variables in place: all of them would show the last ones.
    start : object, optional
        The variables before the first step, where the steps do not know them: for block coordinate
        descent `zeroone.bcd.full_batch.initial_state`.
    title : str, optional
        By default the name of the algorithm.
    limit : int, default 5000
        How many steps are recorded at most; the rest is not asked for.
    pictures : array_like, shape (n_samples, n_features), optional
        For block coordinate descent, what is drawn of the samples, such as pixels before they were
        centred and scaled; the input by default.

    Returns
    -------
    Recording

    Raises
    ------
    ValueError
        If there is no step, something else than a step, a list of steps with one state, or `limit`
        is no positive integer.
    """
    check_integer("limit", limit)
    refuse_spent(steps)
    stream = iter(steps)
    first = next(stream, None)
    if not isinstance(first, Step):
        what = "none" if first is None else f"{type(first).__name__} among them"
        raise ValueError(f"steps must be the steps of a solver, but there is {what}")
    recorder = recorder_of(first, start, pictures)
    opening = recorder.opening(first)
    frames = [] if opening is None else [opening]
    recording = Recording(
        recorder.kind,
        title or recorder.title,
        recorder.terms,
        recorder.described,
        recorder.fixed(),
        frames,
        recorder.symbol,
        recorder.separate,
        recorder.turn,
    )
    for number, step in enumerate(chain([first], stream)):
        if number == limit:
            recording.more = True
            break
        if not isinstance(step, Step):
            raise ValueError(
                f"steps must be the steps of a solver, but have a {type(step).__name__}"
            )
        frames.append(recorder.frame(step))
    return recording


def refuse_spent(steps: Iterable[Step]) -> None:
    """Refuse a list of steps whose states are one and the same object, which is past.

    Raises
    ------
    ValueError
    """
    if not isinstance(steps, Sequence) or len(steps) < 2:
        return
    one, other = steps[0], steps[-1]
    if not isinstance(one, Step) or not isinstance(other, Step):
        return
    if one.state is other.state and isinstance(one.state, BlockState | TargetState):
        raise ValueError(
            "steps must be the solver's generator itself: in a list, all steps have the last state"
        )


def packed(recording: Recording) -> str:
    """Return a recording as letters: JSON, compressed."""
    text = json.dumps(vars(recording), separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def asset(name: str) -> str:
    """Return the text of a file of the page."""
    return (files("zeroone.player") / "assets" / name).read_text(encoding="utf-8")


def pieces(recording: Recording) -> Iterator[str]:
    """Yield the page in pieces."""
    parts = {
        "title": escape(recording.title),
        "style": asset("player.css"),
        "recording": packed(recording),
        "script": "\n".join(asset(name) for name in SCRIPTS),
    }
    for number, piece in enumerate(asset("player.html").split("%%")):
        yield parts[piece] if number % 2 else piece


def render(
    steps: Iterable[Step] | Recording,
    *,
    start: Any = None,
    title: str | None = None,
    limit: int = STEPS,
    pictures: ArrayLike | None = None,
) -> str:
    """Return the page of a stream of steps, or of a recording of it.

    Parameters
    ----------
    steps, start, title, limit, pictures
        As in `record`.

    Raises
    ------
    ValueError
        As `record`, or if the page would be larger than `LARGEST_PAGE`.
    """
    if not isinstance(steps, Recording):
        steps = record(steps, start=start, title=title, limit=limit, pictures=pictures)
    text = "".join(pieces(steps))
    size = len(text.encode())
    if size > LARGEST_PAGE:
        raise ValueError(
            f"steps must make a page of at most {LARGEST_PAGE / 1e6:g} MB, but these "
            f"{len(steps.frames)} frames make one of {size / 1e6:.1f} MB: take fewer of them "
            "(limit), or a smaller net or fewer samples"
        )
    return text


def page(
    steps: Iterable[Step] | Recording,
    path: str | os.PathLike[str],
    *,
    start: Any = None,
    title: str | None = None,
    limit: int = STEPS,
    pictures: ArrayLike | None = None,
) -> None:
    """Write the steps of a solver as one HTML file that plays them.

    Parameters
    ----------
    steps : iterable of Step, or Recording
        The generator that a solver returns.
    path : path-like
        The file, written whole or not at all.
    start, title, limit, pictures
        As in `record`.

    Raises
    ------
    ValueError
        If the steps are not as `record` asks, the page would be larger than 3 MB, or the file
        cannot be written.

    Examples
    --------
    >>> from zeroone.gaussian.rvscgd import iterate
    >>> steps = iterate([0.6, 0.8], [1.0, 0.0], k=20, penalty="l0", lam=0.05, beta=0.5, eta=0.05,
    ...                 n_iter=100)
    >>> page(steps, "rvscgd.html")  # doctest: +SKIP
    """
    text = render(steps, start=start, title=title, limit=limit, pictures=pictures)
    with atomic_write(path, text=True) as file:
        file.write(text)


class Embedded:
    """A page within a notebook: what `show` returns.

    Parameters
    ----------
    html : str
        The page.
    height : int
        Of the frame in which it stands, in pixels.
    """

    def __init__(self, html: str, height: int) -> None:
        self.html, self.height = html, height

    def __repr__(self) -> str:
        return f"<player page of {len(self.html.encode()) / 1e3:.0f} kB>"

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, which keeps its style and its keys to itself."""
        return (
            f'<iframe srcdoc="{escape(self.html, quote=True)}" title="Player" '
            f'style="width: 100%; height: {self.height}px; border: 1px solid #999" '
            'sandbox="allow-scripts"></iframe>'
        )


def show(
    steps: Iterable[Step] | Recording,
    *,
    start: Any = None,
    title: str | None = None,
    limit: int = STEPS,
    pictures: ArrayLike | None = None,
    height: int = 900,
) -> Embedded:
    """Return the player of a stream of steps, which a notebook shows.

    Parameters
    ----------
    steps, start, title, limit, pictures
        As in `record`.
    height : int, default 900
        Pixels.

    Raises
    ------
    ValueError
        As `render`.
    """
    text = render(steps, start=start, title=title, limit=limit, pictures=pictures)
    return Embedded(text, check_integer("height", height))
