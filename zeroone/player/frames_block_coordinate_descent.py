"""Frames of full-batch block coordinate descent: data, weights, bits, the hard net's accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zeroone.bcd.full_batch import Options, network
from zeroone.bcd.objective import Coefficients, State
from zeroone.player.mathml import all_of
from zeroone.player.recording import DRAWN, EXACT, Recorder, significant
from zeroone.player.worked import Line, Update, Worked, priced, shapes, work
from zeroone.steps import Block, Step
from zeroone.support.validation import BoolArray

# A net with more weights than this is drawn, and its weights are not shown as numbers.
MOST_EXACT = 200
# Samples that are drawn as pictures.
PICTURES = 40


def bit_text(bits: BoolArray) -> str:
    """Return the bits of a layer, sample by sample, as a text of 0 and 1."""
    return "".join("01"[bit] for bit in bits.ravel().astype(int))


def as_image(n_features: int) -> int:
    """Return the side of the square picture that a sample is, or 0 if it is none."""
    side = round(n_features**0.5)
    return side if side * side == n_features and side >= 4 else 0


class BlockCoordinateDescent(Recorder):
    """Frames of steps whose state is a `zeroone.bcd.objective.State`.

    Parameters
    ----------
    first : Step
    start : State, optional
        A copy of the variables before the first step, such as from `initial_state`. Without it the
        first step has no entry worked by hand.
    pictures : array_like, shape (n_samples, n_features), optional
        What is drawn of the samples, such as pixels before they were centred; the input by default.
    """

    kind = "block-coordinate-descent"
    title = "Block coordinate descent"
    symbol = "F"

    def __init__(
        self, first: Step, start: State | None = None, pictures: ArrayLike | None = None
    ) -> None:
        super().__init__(first, start)
        self.pictures = None if pictures is None else np.asarray(pictures)
        self.before = None if start is None else start.copy()
        state: State = first.state
        self.n_layers = state.n_layers
        # The data are the solver's throughout, and it does not change them.
        self.X, self.Y = state.activations[0], state.Y
        self.sizes = [self.X.shape[1], *(len(b) for b in state.biases)]
        self.options: Options | None = first.info.get("options")
        one_hot = bool(np.all((state.Y == 0) | (state.Y == 1)) and np.all(state.Y.sum(axis=1) == 1))
        self.labels = state.Y.argmax(axis=1) if one_hot else None
        self.accuracy = self.measure(self.before) if self.before is not None else None

    @property
    def relaxed(self) -> bool:
        """Whether activations are variables of their own."""
        return any(name.startswith("activation") for name in self.terms)

    def fixed(self) -> dict[str, Any]:
        """Return the data, or what else does not change."""
        side = as_image(self.X.shape[1])
        found: dict[str, Any] = {
            "X": significant(self.X, 3 if side else 6),
            "Y": significant(self.Y, 6),
            "labels": None if self.labels is None else self.labels.tolist(),
            "sizes": self.sizes,
            "image": side,
            "relaxed": self.relaxed,
        }
        if self.pictures is not None:
            found["pictures"] = significant(self.pictures[:PICTURES], 3)
        if self.options is not None:
            prices = self.options.coefficients(self.n_layers)
            found["prices"] = {
                "tau": list(prices.tau),
                "pi": list(prices.pi),
                "gamma": list(prices.gamma),
                "lam": list(prices.lam),
                "groups": prices.groups,
                "margin": self.options.gap,
            }
        return found

    def opening(self, first: Step) -> dict[str, Any] | None:
        """Return the frame of the start."""
        if self.before is None:
            return None
        terms = [significant(first.before.get(name, np.nan), EXACT) for name in self.terms]
        self.last = terms
        return {
            "sweep": 0,
            "block": None,
            "terms": terms,
            "happened": "The start: a forward pass, and the output layer solved for it",
            "set": self.changes(self.of_state(self.before)),
            "numbers": {"accuracy": self.accuracy},
        }

    def of_state(self, state: State) -> dict[str, Any]:
        """Return weights, biases, bits and, where they are free, activations."""
        found: dict[str, Any] = {}
        small = sum(W.size for W in state.weights) <= MOST_EXACT
        for i, (W, b) in enumerate(state.layers(), start=1):
            found[f"W{i}"] = significant(W, 7 if small else 3)
            found[f"b{i}"] = significant(b, 7 if small else 3)
        for i, U in enumerate(state.preactivations, start=1):
            found[f"U{i}"] = bit_text(U > 0)
            if self.relaxed:
                found[f"V{i}"] = significant(state.activations[i], DRAWN)
        return found

    def variables(self, step: Step) -> Mapping[str, Any]:
        """Return the variables after a step, ready for JSON."""
        return self.of_state(step.state)

    def measure(self, state: State) -> float | None:
        """Return the share of samples that the hard net of the present weights puts right."""
        if self.labels is None:
            return None
        found = network(state).decision_function(state.activations[0]).argmax(axis=1)
        return float(np.mean(found == self.labels))

    def numbers(self, step: Step) -> Mapping[str, float | None]:
        """Return what belongs to the frame alone."""
        numbers: dict[str, float | None] = {"accuracy": self.measure(step.state)}
        if "flipped" in step.info:
            numbers["flipped"] = int(step.info["flipped"])
        return numbers

    def happened(self, step: Step) -> str:
        """Return what changed beside the objective."""
        parts = []
        if flips := step.info.get("flipped", 0):
            parts.append("1 bit flips" if flips == 1 else f"{flips} bits flip")
        accuracy = self.measure(step.state)
        if accuracy is not None and self.accuracy is not None and accuracy != self.accuracy:
            word = "rises" if accuracy > self.accuracy else "falls"
            parts.append(
                f"the hard net's accuracy {word} from {self.accuracy:.1%} to {accuracy:.1%}"
            )
        if self.before is not None:
            lost = dead_units(step.state) - dead_units(self.before)
            if lost > 0:
                parts.append("1 unit is removed" if lost == 1 else f"{lost} units are removed")
        self.accuracy = accuracy
        return "; ".join(parts)

    def update(self, step: Step) -> Update | None:
        """Return the update with the variables that it found, if they are known."""
        coefficients: Coefficients | None = step.info.get("coefficients")
        if self.before is None or self.options is None or coefficients is None:
            return None
        return Update(self.before, step, coefficients, self.options)

    def worked(self, step: Step) -> Worked | None:
        """Return one entry of the update by hand, if it can be known."""
        update = self.update(step)
        return None if update is None else work(update)

    def shapes(self, step: Step) -> Sequence[tuple[str, tuple[int, ...], str]]:
        """Return name, shape and meaning of the arrays that take part."""
        update = self.update(step)
        return () if update is None else shapes(update)

    def notes(self, step: Step) -> Sequence[Line]:
        """Return the numbers of the equation's letters."""
        update = self.update(step)
        return super().notes(step) if update is None else [priced(update)]

    def heading(self, block: Block) -> str:
        """Return what a block's update does."""
        return block.equation.partition("\n")[0]

    def equations(self, block: Block) -> list[str]:
        """Return the equations of a block's update, as MathML."""
        return all_of(equations(block, self.n_layers, self.options))

    def passed(self, step: Step) -> None:
        """Keep the variables that the next step finds."""
        self.before = step.state.copy()


def dead_units(state: State) -> int:
    """Return the number of hidden units whose weights and bias are all zero."""
    hidden = state.layers()[:-1]
    return sum(int(np.sum(~np.any(W, axis=1) & (b == 0))) for W, b in hidden)


def equations(block: Block, n_layers: int, options: Options | None) -> list[str]:
    """Return what a block's update solves, in LaTeX."""
    i = int(block[1:])
    V, W = f"V_{i - 1}", f"W_{i}"
    U = "Y" if i == n_layers else f"U_{i}"
    above, target = f"W_{i + 1}", "Y" if i + 1 == n_layers else f"U_{i + 1}"
    if block[0] == "W":
        tau = "" if i == n_layers else r"\tau "
        half = r"\frac{1}{2}" if i == n_layers else r"\frac{\tau}{2}"
        problem = rf"\min_{{{W}}} {half} \|{U} - {V} {W}^\top\|^2 + \frac{{\gamma}}{{2}} \|{W}\|^2"
        lam = 0.0 if options is None else options.coefficients(n_layers).lam[i - 1]
        solution = rf"{W} = {tau}{U}^\top {V} ({tau}{V}^\top {V} + \gamma I)^{{-1}}"
        if not lam:
            return [problem, solution]
        assert options is not None
        priced_problem = rf"{problem} + \lambda \#\{{\text{{{options.groups} that are not 0}}\}}"
        if options.groups == "rows":
            rule = rf"\text{{keep row }} w \iff {tau}u^\top {V} w > 2 \lambda"
            return [priced_problem, solution, rule]
        return [priced_problem, r"\text{keep column } z \iff \|z\|^2 > 2 s \lambda"]
    if block[0] == "V":
        return [
            rf"\min_{{V_{i}}} \frac{{\kappa}}{{2}} \|{target} - b - V_{i} {above}^\top\|^2 + "
            rf"\frac{{\pi}}{{2}} \|V_{i} - \mathrm{{step}}({U})\|^2"
        ]
    if options is not None and options.splitting == "three":
        return [
            r"\min_u \frac{\tau}{2} (u - a)^2 + \frac{\pi}{2} (v - \mathrm{step}(u))^2",
            rf"a = ({V} {W}^\top)_{{nj}}",
        ]
    joint = block[0] == "J"
    gain = r"\frac{\kappa \pi}{\kappa \|w\|^2 + \pi}" if joint else r"\kappa"
    return [
        rf"\text{{fire}} \iff {gain} (\frac{{1}}{{2}} \|w\|^2 - w \cdot r_0) + "
        r"\frac{\tau}{2} (d_1^2 - d_0^2) < 0",
        rf"r_0 = \text{{residual of }} {target} \text{{ without the neuron}}",
    ]
