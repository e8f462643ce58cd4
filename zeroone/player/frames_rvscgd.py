"""Frames of RVSCGD and ADMM: the filters w and u on their way to the teacher w*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zeroone.gaussian.filters import angle_between_units
from zeroone.gaussian.rvscgd import METHODS, Runs, State
from zeroone.gaussian.theory import smallest_delta
from zeroone.penalties import L0, L1, PENALTIES, Penalty
from zeroone.player.mathml import all_of
from zeroone.player.recording import EXACT, Recorder, moved, significant
from zeroone.player.worked import Comparison, Line, Worked, factor, num
from zeroone.steps import Block, Step

LAGRANGIAN = (
    r"L_\beta(u, w) = \frac{k}{2 \pi} \theta(w, w^*) + \lambda P(u) + "
    r"\frac{\beta}{2} \|w - u\|^2"
)
COARSE = r"\frac{k}{2 \pi} (w - w^*)"
EQUATIONS = {
    "rvscgd": {
        "u": [r"u \leftarrow \mathrm{prox}_{(\lambda / \beta) P}(w)"],
        "w": [
            rf"w \leftarrow w - \eta ({COARSE} + \beta (w - u))",
            r"w \leftarrow \frac{w}{\|w\|}",
        ],
    },
    "admm": {
        "u": [r"u \leftarrow \mathrm{prox}_{(\lambda / \beta) P}(w + \frac{z}{\beta})"],
        "w": [
            rf"w \leftarrow w - \eta ({COARSE} + z + \beta (w - u))",
            r"w \leftarrow \frac{w}{\|w\|}",
        ],
        "z": [r"z \leftarrow z + \beta (w - u)"],
    },
}
HEADINGS = {
    "u": "u is the sparse filter nearest to w, by the penalty's proximal map",
    "w": "w goes along the coarse gradient and towards u, and is made a unit filter again",
    "z": "the multiplier takes the distance of w and u into account",
}


class SplittingFrames(Recorder):
    """Frames of steps whose state is a `zeroone.gaussian.rvscgd.State`.

    Parameters
    ----------
    first : Step
        With ``info["runs"]``, as `zeroone.gaussian.rvscgd.iterate` gives it.
    start : State, optional
        The variables before the first step; the run's start by default.
    """

    kind = "rvscgd"
    title = "RVSCGD"
    symbol = "L"
    turn = "iteration"

    def __init__(self, first: Step, start: State | None = None) -> None:
        super().__init__(first, start)
        self.runs: Runs = first.info["runs"]
        self.method = "rvscgd" if first.state.multiplier is None else "admm"
        self.title = self.method.upper()
        self.before = self.runs.start(METHODS[self.method]) if start is None else start
        self.lam, self.beta = float(self.runs.lam), float(self.runs.beta)
        self.eta, self.slope = float(self.runs.eta), float(self.runs.slope)
        self.sampled = self.runs.given_gradient is not None
        self.iteration = 0

    def name_of_penalty(self) -> str:
        """Return the penalty's name in the package, or that of its class."""
        kind = type(self.runs.penalty)
        return next((name for name, each in PENALTIES.items() if each is kind), kind.__name__)

    def fixed(self) -> dict[str, Any]:
        """Return the data, or what else does not change."""
        k = round(self.slope * 2 * np.pi)
        return {
            "w_star": significant(self.runs.w_star, 9),
            "method": self.method,
            "penalty": self.name_of_penalty(),
            "parameters": {
                name: significant(value, 9)
                for name, value in self.runs.penalty.parameters().items()
            },
            "k": k,
            "lam": significant(self.lam, 12),
            "beta": significant(self.beta, 12),
            "eta": significant(self.eta, 12),
            "delta": significant(smallest_delta(self.beta, k)),
            "expected": not self.sampled,
            "start": significant(self.before.w, 12),
            "objective": all_of([LAGRANGIAN])[0],
        }

    def opening(self, first: Step) -> dict[str, Any] | None:
        """Return the frame of the start."""
        if first.sweep > 1:
            return None
        terms = [significant(first.before.get(name, np.nan), EXACT) for name in self.terms]
        self.last = terms
        return {
            "sweep": 0,
            "block": None,
            "terms": terms,
            "happened": "The start",
            "set": self.changes(self.of_state(self.before)),
            "numbers": {"angle": self.angle(self.before)},
        }

    def of_state(self, state: State) -> dict[str, Any]:
        """Return u, w and, for ADMM, z."""
        names = ("u", "w", "z")
        return {
            name: significant(value)
            for name, value in zip(names, state, strict=True)
            if value is not None
        }

    def variables(self, step: Step) -> Mapping[str, Any]:
        """Return the variables after a step, ready for JSON."""
        return self.of_state(step.state)

    def angle(self, state: State) -> float:
        """Return theta(w, w*)."""
        return significant(angle_between_units(state.w, self.runs.w_star), 9)

    def numbers(self, step: Step) -> Mapping[str, float | None]:
        """Return what belongs to the frame alone."""
        return {"angle": self.angle(step.state)}

    def happened(self, step: Step) -> str:
        """Return what changed beside the objective."""
        parts = []
        kept, had = np.count_nonzero(step.state.u), np.count_nonzero(self.before.u)
        if np.any((step.state.u != 0) != (self.before.u != 0)):
            parts.append(f"u goes from {had} to {kept} entries that are not 0")
        angle = angle_between_units(step.state.w, self.runs.w_star)
        if angle > angle_between_units(self.before.w, self.runs.w_star) + 1e-12:
            parts.append("the angle rises")
        if moved(step) and step.decrease < 0:
            parts.append("the Lagrangian rises")
        return "; ".join(parts)

    def heading(self, block: Block) -> str:
        """Return what a block's update does."""
        return HEADINGS.get(block, "")

    def equations(self, block: Block) -> list[str]:
        """Return the equations of a block's update, as MathML."""
        return all_of(EQUATIONS[self.method].get(block, []))

    def notes(self, step: Step) -> Sequence[Line]:
        """Return the numbers of the equation's letters."""
        k = round(self.slope * 2 * np.pi)
        gradient = "a sampled coarse gradient" if self.sampled else "the expected coarse gradient"
        return [
            (
                "with",
                f"P = {self.name_of_penalty()}, k = {k}, lam = {num(self.lam)}, "
                f"beta = {num(self.beta)}, eta = {num(self.eta)}; {gradient}",
            )
        ]

    def shapes(self, step: Step) -> Sequence[tuple[str, tuple[int, ...], str]]:
        """Return name, shape and meaning of the arrays that take part."""
        d = self.runs.w.shape
        rows = [
            ("w", d, "unit filter that learns"),
            ("u", d, "sparse copy of it"),
            ("w*", d, "teacher"),
        ]
        return [*rows, ("z", d, "multiplier")] if self.method == "admm" else rows

    def worked(self, step: Step) -> Worked | None:
        """Return one entry of the update by hand, if it can be known."""
        # After iterations that were not told of, or with a gradient that nobody knows, the step
        # cannot be done again.
        if step.sweep > self.iteration + 1 or (self.sampled and step.block == "w"):
            return None
        work = {"u": self.work_u, "w": self.work_w, "z": self.work_z}.get(step.block)
        return None if work is None else work(step.state)

    def work_u(self, after: State) -> Worked | None:
        """Return one entry of the proximal map by hand, if the penalty is a sum over entries."""
        z = self.before.multiplier
        x = self.before.w if z is None else self.before.w + z / self.beta
        flips = (after.u != 0) != (self.before.u != 0)
        k = int(np.argmax(np.where(flips, 1 + np.abs(x), np.abs(x))))
        t, size = self.lam / self.beta, abs(float(x[k]))
        lines: list[Line] = [
            (f"w_{k + 1}", num(float(self.before.w[k]))),
            ("t = lam/beta", f"{num(self.lam)} / {num(self.beta)} = {num(t)}"),
        ]
        if z is not None:
            lines.insert(1, ("x = w + z/beta", f"entry {k + 1}: {num(float(x[k]))}"))
        library, penalty = float(after.u[k]), self.runs.penalty
        title = f"entry {k + 1} of u" + (", which changes between 0 and not 0" if flips[k] else "")
        if isinstance(penalty, L1):
            by_hand = float(np.sign(x[k])) * max(size - t, 0.0)
            lines.append(("soft", f"sign(x) max(|x| - t, 0) = {num(by_hand)}"))
        elif isinstance(penalty, L0):
            threshold = (2 * t) ** 0.5
            by_hand = float(x[k]) if size > threshold else 0.0
            rule = ("> {}: keep it", "<= {}: set it to 0")[size <= threshold]
            lines.append(
                ("hard", f"|x| = {num(size)} {rule.format(f'sqrt(2 t) = {num(threshold)}')}")
            )
        elif type(penalty) not in PENALTIES.values() or penalty.of_matrices:
            return None  # its terms are not those of single entries
        else:
            comparison, text = by_comparison(penalty, float(x[k]), t, library)
            return Worked(title, (*lines, ("costs", text)), (comparison,))
        comparison = Comparison("u", by_hand, library, 1e-9 * (1 + size))
        return Worked(title, tuple(lines), (comparison,))

    def work_w(self, after: State) -> Worked:
        """Return one entry of the step of w by hand."""
        u, w, z = self.before
        w_star, c, beta, eta = self.runs.w_star, self.slope, self.beta, self.eta
        k = int(np.argmax(np.abs(after.w - w)))
        multiplier = np.zeros_like(w) if z is None else z
        moved_to = [
            float(w[j] - eta * (c * (w[j] - w_star[j]) + multiplier[j] + beta * (w[j] - u[j])))
            for j in range(len(w))
        ]
        norm = sum(each * each for each in moved_to) ** 0.5
        by_hand = moved_to[k] / norm
        extra = "" if z is None else f" + {factor(float(z[k]))}"
        lines: list[Line] = [
            ("w, w*, u", f"entry {k + 1}: {num(float(w[k]))}, {num(float(w_star[k]))}, "
             f"{num(float(u[k]))}"),
            ("c = k/(2 pi)", num(c)),
            ("step", f"w - eta (c (w - w*){' + z' if z is not None else ''} + beta (w - u)) = "
             f"{num(float(w[k]))} - {num(eta)} ({num(c)} · {factor(float(w[k] - w_star[k]))}"
             f"{extra} + {num(beta)} · {factor(float(w[k] - u[k]))}) = {num(moved_to[k])}"),
            ("|w|", f"over all {len(w)} entries: {num(norm)}"),
            ("w", f"{num(moved_to[k])} / {num(norm)} = {num(by_hand)}"),
        ]  # fmt: skip
        comparison = Comparison("w", by_hand, float(after.w[k]), 1e-12)
        return Worked(f"entry {k + 1} of w, which moves most", tuple(lines), (comparison,))

    def work_z(self, after: State) -> Worked:
        """Return one entry of the multiplier by hand."""
        u, w, z = self.before
        assert z is not None
        assert after.multiplier is not None
        k = int(np.argmax(np.abs(w - u)))
        by_hand = float(z[k]) + self.beta * (float(w[k]) - float(u[k]))
        text = (
            f"z + beta (w - u) = {num(float(z[k]))} + {num(self.beta)} · "
            f"{factor(float(w[k] - u[k]))} = {num(by_hand)}"
        )
        comparison = Comparison(
            "z", by_hand, float(after.multiplier[k]), 1e-12 * (1 + abs(by_hand))
        )
        return Worked(f"entry {k + 1} of z", (("step", text),), (comparison,))

    def passed(self, step: Step) -> None:
        """Keep the variables that the next step finds."""
        self.before, self.iteration = step.state, step.sweep


def by_comparison(penalty: Penalty, x: float, t: float, library: float) -> tuple[Comparison, str]:
    """Return the least cost on a fine grid of u beside that of the library's u, and it in words."""

    def cost(u: float) -> float:
        return t * float(np.sum(penalty.terms(np.array([u])))) + (u - x) ** 2 / 2

    grid = [float(u) for u in np.linspace(0.0, x, 2001)]
    best = min(grid, key=cost)
    text = (
        f"t P(u) + (u - x)^2/2 = {num(cost(0.0))} at u = 0, {num(cost(x))} at u = x, and the least "
        f"of 2,001 points between is {num(cost(best))}, at u = {num(best)}"
    )
    tolerance = 1e-3 * x * x + 1e-12
    return Comparison("t P(u) + (u - x)^2/2", cost(best), cost(library), tolerance), text
