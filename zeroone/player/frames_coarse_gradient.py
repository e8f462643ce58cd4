"""Frames of descent along the coarse gradient: a point on its way around the sphere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zeroone.gaussian.descent import Point
from zeroone.gaussian.filters import angle_between_units
from zeroone.player.mathml import all_of
from zeroone.player.recording import EXACT, Recorder, moved, significant
from zeroone.player.worked import Comparison, Line, Worked, factor, num
from zeroone.steps import Block, Step
from zeroone.support.validation import FloatArray

EQUATIONS = [
    r"f(w) = \frac{k}{2 \pi} \theta(w, w^*)",
    r"\nabla f(w) = -\frac{k}{2 \pi \|w\|} \frac{P w^*}{\|P w^*\|}",
    r"E g(w) = \frac{k}{2 \pi} (\hat{w} - w^*)",
    r"\text{angle of the two} = \frac{\theta}{2}",
]


class CoarseGradientFrames(Recorder):
    """Frames of steps whose state is a `zeroone.gaussian.descent.Point`.

    Parameters
    ----------
    first : Step
    start : ndarray of shape (d,), optional
        The filter before the first step; the one in the step's ``info`` by default.
    """

    kind = "coarse-gradient"
    title = "The coarse gradient"
    symbol = "f"
    turn = "iteration"

    def __init__(self, first: Step, start: FloatArray | None = None) -> None:
        super().__init__(first, start)
        self.before: FloatArray = first.info["start"] if start is None else np.asarray(start)
        self.point: Point = first.state

    def fixed(self) -> dict[str, Any]:
        """Return the data, or what else does not change."""
        return {
            "w_star": significant(self.point.w_star, 12),
            "k": self.point.k,
            "eta": significant(self.point.eta, 12),
            "equations": all_of(EQUATIONS),
        }

    def opening(self, first: Step) -> dict[str, Any] | None:
        """Return the frame of the start."""
        terms = [significant(first.before.get(name, np.nan), EXACT) for name in self.terms]
        self.last = terms
        return {
            "sweep": 0,
            "block": None,
            "terms": terms,
            "happened": "The start",
            "set": self.changes({"w": significant(self.before, 12)}),
            "numbers": {"angle": self.angle(self.before)},
        }

    def angle(self, w: FloatArray) -> float:
        """Return theta(w, w*)."""
        return significant(angle_between_units(w, self.point.w_star), 9)

    def variables(self, step: Step) -> Mapping[str, Any]:
        """Return the variables after a step, ready for JSON."""
        return {"w": significant(step.state.w, 12)}

    def numbers(self, step: Step) -> Mapping[str, float | None]:
        """Return what belongs to the frame alone."""
        return {"angle": self.angle(step.state.w)}

    def happened(self, step: Step) -> str:
        """Return by how much w turns, while that is more than a thousandth of a radian."""
        turned = float(angle_between_units(step.state.w, self.before))
        if not moved(step) or turned < 1e-3:
            return ""
        return f"w turns by {turned:.3g} rad"

    def heading(self, block: Block) -> str:
        """Return what a block's update does."""
        return "w goes against the coarse gradient, and is made a unit filter again"

    def equations(self, block: Block) -> list[str]:
        """Return the equations of a block's update, as MathML."""
        return all_of([
            r"w \leftarrow w - \eta \frac{k}{2 \pi} (w - w^*)",
            r"w \leftarrow \frac{w}{\|w\|}",
        ])  # fmt: skip

    def notes(self, step: Step) -> Sequence[Line]:
        """Return the numbers of the equation's letters."""
        return [("with", f"k = {self.point.k}, eta = {num(self.point.eta)}")]

    def shapes(self, step: Step) -> Sequence[tuple[str, tuple[int, ...], str]]:
        """Return name, shape and meaning of the arrays that take part."""
        d = self.point.w_star.shape
        return [("w", d, "unit filter that learns"), ("w*", d, "teacher")]

    def worked(self, step: Step) -> Worked | None:
        """Return one entry of the update by hand, if it can be known."""
        w, w_star, eta = self.before, self.point.w_star, self.point.eta
        c = self.point.k / (2 * math.pi)
        steps = [float(a - eta * c * (a - b)) for a, b in zip(w, w_star, strict=True)]
        norm = math.sqrt(math.fsum(each * each for each in steps))
        k = int(np.argmax(np.abs(step.state.w - w)))
        cosine = math.fsum(float(a * b) for a, b in zip(w, w_star, strict=True))
        theta = math.acos(min(max(cosine, -1.0), 1.0))
        lines: list[Line] = [
            ("theta", f"arccos(w . w*) = arccos({num(cosine)}) = {num(theta)} rad"),
            ("f(w)", f"c theta = {num(c)} · {num(theta)} = {num(c * theta)} before, c = k/(2 pi)"),
            ("E g", f"entry {k + 1}: {num(c)} ({num(float(w[k]))} - {factor(float(w_star[k]))}) = "
             f"{num(c * float(w[k] - w_star[k]))}"),
            ("step", f"w - eta E g = {num(steps[k])}, and the norm of all entries is {num(norm)}"),
            ("w", f"{num(steps[k])} / {num(norm)} = {num(steps[k] / norm)}"),
        ]  # fmt: skip
        comparisons = (
            # arccos loses half of the digits near 0 and pi.
            Comparison("f(w) before", c * theta, step.before["loss"], c * 1e-7),
            Comparison(f"w, entry {k + 1}", steps[k] / norm, float(step.state.w[k]), 1e-12),
        )
        return Worked(f"entry {k + 1} of w, which moves most", tuple(lines), comparisons)

    def passed(self, step: Step) -> None:
        """Keep the variables that the next step finds."""
        self.before = step.state.w
