"""Frames of target propagation: pre-activations, targets met and missed, margins of each layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zeroone.losses import Classes, HiddenLoss, output_loss
from zeroone.nets.layers import Dense
from zeroone.player.mathml import all_of
from zeroone.player.recording import Recorder, significant
from zeroone.player.worked import Comparison, Line, Worked, factor, num
from zeroone.steps import Block, Step
from zeroone.support.validation import FloatArray
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import TargetState
from zeroone.targetprop.targets import Targets, TargetUnits

# Samples of a batch, and units of a layer, that are shown.
SAMPLES, UNITS = 24, 16
# The margins at which the loss's curve is drawn.
MARGINS = np.linspace(-3, 3, 121)

HIDDEN = [
    r"t = -\mathrm{sign}(e)",
    r"G = |e| t \ell'(t z)",
    r"e \leftarrow G W",
    r"W, b \leftarrow \text{optimiser step along } G^\top h, \text{ sum of rows of } G",
]
OUTPUT = [
    r"G = \frac{\text{d(output loss)}}{\text{d(scores)}}",
    r"e \leftarrow G W",
    r"W, b \leftarrow \text{optimiser step along } G^\top h, \text{ sum of rows of } G",
]


# The slopes of the losses, one number at a time.
SLOPES: dict[str, Callable[[float], float]] = {
    "hinge": lambda m: -1.0 if m <= 1 else 0.0,
    "saturated_hinge": lambda m: -1.0 if abs(m) <= 1 else 0.0,
    "soft_hinge": lambda m: -1 / math.cosh(m) ** 2 if abs(m) < 300 else 0.0,
    "linear": lambda m: -1.0,
    "logistic": lambda m: -1 / (1 + math.exp(min(m, 700.0))),
    "squared_hinge": lambda m: -2 * max(0.0, 1 - m),
}


class TargetPropagation(Recorder):
    """Frames of steps whose state is a `zeroone.targetprop.solver.TargetState`.

    Parameters
    ----------
    first : Step
    start : object, optional
        Not used.
    """

    kind = "target-propagation"
    title = "Target propagation"
    separate = True
    turn = "epoch"

    def __init__(self, first: Step, start: Any = None) -> None:
        super().__init__(first, start)
        state: TargetState = first.state
        self.n_layers = len(state.net)
        self.options: TargetOptions | None = first.info.get("options")
        self.units = None if self.options is None else self.options.units
        # Only vectors are drawn as layers of units; images and staircases are told of in words.
        self.plain = all(Z.ndim == 2 for Z in state.outputs)
        self.sizes = [V.shape[1] for V in (*state.inputs, state.outputs[-1])] if self.plain else []

    def fixed(self) -> dict[str, Any]:
        """Return the data, or what else does not change."""
        found: dict[str, Any] = {"sizes": self.sizes, "layers": self.n_layers}
        if self.units is not None:
            loss: HiddenLoss = self.units.loss
            found["loss"] = {
                "name": loss.name,
                "formula": loss.formula,
                "margins": significant(MARGINS, 4),
                "values": significant(loss.value(MARGINS.copy()), 6),
                "surrogate": self.units.surrogate.name,
            }
            found["activation"] = self.units.activation
        return found

    def variables(self, step: Step) -> Mapping[str, Any]:
        """Return the variables after a step, ready for JSON."""
        if not self.plain:
            return {}
        state: TargetState = step.state
        found: dict[str, Any] = {}
        for i, Z in enumerate(state.outputs, start=1):
            found[f"Z{i}"] = significant(Z[:SAMPLES, :UNITS], 4)
        found["X"] = significant(state.inputs[0][:SAMPLES, :UNITS], 4)
        if "classes" in step.info:
            found["classes"] = step.info["classes"][:SAMPLES].tolist()
        layer = int(step.block[1:])
        targets: Targets | None = step.info.get("targets")
        if layer == self.n_layers:  # a new batch: no layer has its targets yet
            found |= {f"t{i}": "" for i in range(1, layer)}
        if targets is not None:
            shown = targets.signs[:SAMPLES, :UNITS].astype(int)
            found[f"t{layer}"] = "".join("0+-"[t] for t in shown.ravel())
        if sum(W.size for W, _ in state.layers()) <= 1000:
            for i, (W, _) in enumerate(state.layers(), start=1):
                found[f"W{i}"] = significant(W, 3)
        return found

    def numbers(self, step: Step) -> Mapping[str, float | None]:
        """Return what belongs to the frame alone."""
        found: dict[str, float | None] = {"correct": self.share_correct(step)}
        targets: Targets | None = step.info.get("targets")
        if targets is not None:
            met, asked = self.count(step, targets)
            found |= {"met": met, "asked": asked, "layer": int(step.block[1:])}
        else:
            found["layer"] = self.n_layers
        return found

    def share_correct(self, step: Step) -> float | None:
        """Return the share of the batch that the net before the batch's updates puts right."""
        if "classes" not in step.info:
            return None
        return float(np.mean(step.state.outputs[-1].argmax(axis=1) == step.info["classes"]))

    def count(self, step: Step, targets: Targets) -> tuple[int, int]:
        """Return how many of a layer's targets were met before the update, and how many it has."""
        Z = step.state.outputs[int(step.block[1:]) - 1]
        return int(np.sum(targets.signs * Z > 0)), int(np.sum(targets.signs != 0))

    def after(self, step: Step) -> FloatArray:
        """Return what the layer makes of its inputs after the update."""
        i = int(step.block[1:]) - 1
        found: FloatArray = step.state.net[i].forward(step.state.inputs[i], remember=False)
        return found

    def happened(self, step: Step) -> str:
        """Return how many units change their state, or how many samples their class."""
        before, after = step.state.outputs[int(step.block[1:]) - 1], self.after(step)
        if "targets" in step.info:
            met, asked = self.count(step, step.info["targets"])
            flips = int(np.sum((before > 0) != (after > 0)))
            if not flips:
                return ""
            word = "activation flips" if flips == 1 else "activations flip"
            return f"{flips} {word}; before, {met} of {asked} targets were met"
        changed = int(np.sum(before.argmax(axis=1) != after.argmax(axis=1)))
        if not changed:
            return ""
        return (
            "1 sample changes its class"
            if changed == 1
            else f"{changed} samples change their class"
        )

    def heading(self, block: Block) -> str:
        """Return what a block's update does."""
        if int(block[1:]) == self.n_layers:
            return "the output layer goes down its loss, and says what it wants of the units below"
        return "each unit has a target for each sample, and learns it as a perceptron of its own"

    def equations(self, block: Block) -> list[str]:
        """Return the equations of a block's update, as MathML."""
        return all_of(OUTPUT if int(block[1:]) == self.n_layers else HIDDEN)

    def notes(self, step: Step) -> Sequence[Line]:
        """Return the numbers of the equation's letters."""
        if self.units is None or "targets" not in step.info:
            return []
        weight = "|e|" if self.units.weighting == "magnitude" else "1/N"
        return [
            ("with", f"l(m) = {self.units.loss.formula}, m = t z; weight of a target: {weight}")
        ]

    def shapes(self, step: Step) -> Sequence[tuple[str, tuple[int, ...], str]]:
        """Return name, shape and meaning of the arrays that take part."""
        i = int(step.block[1:]) - 1
        state: TargetState = step.state
        V, Z = state.inputs[i], state.outputs[i]
        rows = [
            (f"V{i}", V.shape, "what the layer receives: samples x units"),
            (f"Z{i + 1}", Z.shape, "scores" if i + 1 == self.n_layers else "pre-activations z"),
            ("G", Z.shape, "derivative of the layer's loss by them"),
        ]
        if self.plain:
            rows.insert(1, (f"W{i + 1}", state.layers()[i][0].shape, "weights: units x inputs"))
        return rows

    def worked(self, step: Step) -> Worked | None:
        """Return one weight's derivative by hand, and the loss of one unit for one sample."""
        state: TargetState = step.state
        i = int(step.block[1:]) - 1
        if not self.plain or self.units is None or len(self.units.thresholds) > 1:
            return None
        if type(state.net[i]) is not Dense:
            return None  # a normalised layer's derivatives take its batch into account
        V, Z = state.inputs[i], state.outputs[i]
        targets: Targets | None = step.info.get("targets")
        if targets is not None:
            return work_hidden(V, Z, targets, self.units)
        if self.options is None or self.options.output != "cross-entropy":
            return None
        return work_output(V, Z, step.info["classes"])


def work_hidden(
    V: FloatArray, Z: FloatArray, targets: Targets, units: TargetUnits
) -> Worked | None:
    """Return the derivative by one weight of a hidden layer: a sum over the samples of a batch."""
    if units.surrogate.name != "identity" or units.loss.name not in SLOPES:
        return None
    slope, library = SLOPES[units.loss.name], units.layer_gradient(Z, targets).T @ V
    j, k = (int(each) for each in np.unravel_index(np.argmax(np.abs(library)), library.shape))
    weights = np.broadcast_to(targets.weights, Z.shape)
    t, z, e = targets.signs[:, j], Z[:, j], weights[:, j]
    missed = np.where(t * z <= 0, e, -1.0)
    # A target that is missed, and matters; if all are met, the one that matters most.
    n = int(np.argmax(missed if missed.max() > 0 else e * np.abs(t)))
    margin = float(t[n] * z[n])
    slopes = [slope(float(a * b)) for a, b in zip(t, z, strict=True)]
    G = [float(w * a * s) for w, a, s in zip(e, t, slopes, strict=True)]
    total = math.fsum(g * float(v) for g, v in zip(G, V[:, k], strict=True))
    word = "met" if margin > 0 else "missed"
    lines: list[Line] = [
        ("target", f"t = -sign(e) = {int(t[n]):+d}, and it matters by {num(float(e[n]))}"),
        ("z", f"{num(float(z[n]))}: the margin m = t z is {num(margin)}, so the target is {word}"),
        ("loss", f"l({num(margin)}) = {num(float(units.loss.value(np.array([margin]))[0]))}, slope "
         f"l'({num(margin)}) = {num(slopes[n])}"),
        ("G", f"{num(float(e[n]))} · {int(t[n])} · {factor(slopes[n])} = {num(G[n])}"),
        ("weight", f"dL/dW[{j + 1}, {k + 1}] = sum over {len(G)} samples of G h; this sample adds "
         f"{num(G[n])} · {factor(float(V[n, k]))} = {num(G[n] * float(V[n, k]))}"),
    ]  # fmt: skip
    size = sum(abs(g * float(v)) for g, v in zip(G, V[:, k], strict=True))
    comparison = Comparison(
        f"dL/dW[{j + 1}, {k + 1}]", total, float(library[j, k]), tolerance(V, size)
    )
    title = f"unit {j + 1}, sample {n + 1} of the batch, and the weight whose derivative is largest"
    return Worked(title, tuple(lines), (comparison,))


def work_output(V: FloatArray, S: FloatArray, classes: Classes) -> Worked:
    """Return the derivative by one output weight, for the cross-entropy."""
    library = output_loss("cross-entropy").derivative(S, classes).T @ V
    shifted = np.exp(S - S.max(axis=1, keepdims=True), dtype=np.float64)
    P = shifted / shifted.sum(axis=1, keepdims=True)
    own = np.eye(S.shape[1])[classes]
    j, k = (int(each) for each in np.unravel_index(np.argmax(np.abs(library)), library.shape))
    N = len(S)
    G = [float(p - y) / N for p, y in zip(P[:, j], own[:, j], strict=True)]
    total = math.fsum(g * float(v) for g, v in zip(G, V[:, k], strict=True))
    size = sum(abs(g * float(v)) for g, v in zip(G, V[:, k], strict=True))
    comparison = Comparison(
        f"dL/dW[{j + 1}, {k + 1}]", total, float(library[j, k]), tolerance(V, size)
    )
    n = int(np.argmax(np.abs(G)))
    lines: list[Line] = [
        ("scores", f"({', '.join(num(float(s)) for s in S[n])}), and the class is {classes[n]}"),
        ("softmax", f"entry {j + 1}: {num(float(P[n, j]))}"),
        ("G", f"(softmax - 1[own class])/N = ({num(float(P[n, j]))} - {int(own[n, j])}) / {N} = "
         f"{num(G[n])}"),
        ("weight", f"dL/dW[{j + 1}, {k + 1}] = sum over {N} samples of G h; this sample adds "
         f"{num(G[n])} · {factor(float(V[n, k]))} = {num(G[n] * float(V[n, k]))}"),
    ]  # fmt: skip
    title = (
        f"class {j + 1}, sample {n + 1} of the batch, and the weight whose derivative is largest"
    )
    return Worked(title, tuple(lines), (comparison,))


def tolerance(V: FloatArray, size: float) -> float:
    """Return by how much two ways of adding numbers of a precision may differ."""
    return (1e-5 if V.dtype == np.float32 else 1e-12) * size + 1e-15
