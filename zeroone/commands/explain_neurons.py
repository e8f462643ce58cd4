"""One neuron's decision for one sample by hand, after those of the neurons before it."""

import copy
import math
from dataclasses import dataclass

import numpy as np

from zeroone.bcd.neurons import neuron_groups
from zeroone.commands.explain_blocks import (
    ROUNDING,
    TIE,
    Comparison,
    Line,
    Update,
    Worked,
    dot,
    factor,
    names,
    num,
    uncertainty,
    vector,
)
from zeroone.commands.explain_sides import (
    choose_entry,
    decision_line,
    input_line,
    side_texts,
    sides,
)


@dataclass(frozen=True)
class Choice:
    """The block (v, u) of one neuron for one sample: both costs and the better one.

    Costs are counted from (kappa/2) |r0|^2, which both states pay.
    """

    a: float
    square: float
    correlation: float
    u: tuple[float, float]
    v: tuple[float, float]
    costs: tuple[float, float]
    bit: bool


def choose_state(
    update: Update,
    a: float,
    w: list[float],
    residual: list[float],
    *,
    errors: tuple[float, float],
    library: bool,
) -> Choice:
    """Decide one neuron's bit for one sample.

    Parameters
    ----------
    update : Update
    a : float
        What the neuron's weights compute.
    w, residual : list of float
        Outgoing weights, and the next layer's residual without the neuron.
    errors : pair of float
        The rounding errors of a and of an entry of the residual.
    library : bool
        The library's bit, which settles what rounding cannot tell apart.
    """
    layer, pi = update.layer, update.pi
    kappa, tau = update.coefficients.layer_weight(layer + 1), update.coefficients.tau[layer]
    square, correlation = dot(w, w), dot(w, residual)
    u = sides(a, update.options.gap)
    values, costs, size = [], [], 0.0
    for s in (0, 1):
        v = float(s)
        if not math.isinf(pi):
            v = (kappa * correlation + pi * s) / (kappa * square + pi)
        mismatch = 0.0 if math.isinf(pi) else pi / 2 * (v - s) ** 2
        parts = [
            kappa / 2 * square * v**2,
            -kappa * correlation * v,
            mismatch,
            tau / 2 * (u[s] - a) ** 2,
        ]
        values.append(v)
        costs.append(sum(parts))
        size += sum(map(abs, parts))
    # What cancelled within the correlation, within the residual and within a is lost in rounding.
    size += kappa * sum(abs(x * y) for x, y in zip(w, residual, strict=True))
    lost = kappa * sum(map(abs, w)) * errors[1]
    lost += tau * errors[0] * (max(abs(side - a) for side in u) + errors[0])
    bit = costs[1] < costs[0]
    if abs(costs[1] - costs[0]) <= TIE * size + lost:
        bit = library
    pairs = (u, (values[0], values[1]), (costs[0], costs[1]))
    return Choice(a, square, correlation, *pairs, bit)


def neuron_order(n_units: int, n_next: int, rng: np.random.Generator) -> list[int]:
    """Return the order in which `sweep_neurons` visits the neurons, given its generator."""
    groups = neuron_groups(n_units, n_next, rng)
    return [unit for group in groups for unit in range(group.start, group.stop)]


def neuron_lines(update: Update, choice: Choice) -> list[Line]:
    """Return both costs of a neuron's two states."""
    layer, pi = update.layer, update.pi
    kappa, tau = update.coefficients.layer_weight(layer + 1), update.coefficients.tau[layer]
    a, square, correlation = choice.a, choice.square, choice.correlation
    lines: list[Line] = []
    texts = side_texts(a, update.options.gap, choice.u)
    for s, label, text in zip((0, 1), ("silent", "fires"), texts, strict=True):
        distance = (choice.u[s] - a) ** 2
        v = choice.v[s]
        tau_part = f"{num(tau / 2)} · {num(distance)}"
        if math.isinf(pi):
            fit = f"{num(kappa)} · ({num(square / 2)} - {factor(correlation)}) + " if s else ""
            symbols = "kappa (|w|^2/2 - w . r0) + " if s else ""
        else:
            formula = f"(kappa w . r0 + pi {s}) / (kappa |w|^2 + pi)"
            text += f"; v = {formula} = {num(v)}"
            symbols = f"kappa (v^2 |w|^2/2 - v w . r0) + (pi/2) (v - {s})^2 + "
            fit = (
                f"{num(kappa)} · ({num(v**2 * square / 2)} - {factor(v * correlation)}) + "
                f"{num(pi / 2)} · {num((v - s) ** 2)} + "
            )
        cost = f"{symbols}(tau/2) (u - a)^2 = {fit}{tau_part} = {num(choice.costs[s])}"
        lines += [(label, text), ("", cost)]
    return lines


def work_neuron(update: Update) -> Worked:
    """Return one neuron's decision for one sample, after those of the neurons before it."""
    n, j, why = choose_entry(update)
    state, layer = update.before, update.layer
    inputs = state.activations[layer][n]
    outgoing, bias = state.weights[layer + 1][:, :-1], state.weights[layer + 1][:, -1]
    v = [float(x) for x in state.activations[layer + 1][n, :-1]]
    residual = [
        float(t) - float(b) - dot(row, v)
        for t, b, row in zip(state.target(layer + 1)[n], bias, outgoing, strict=True)
    ]
    terms = np.abs(state.target(layer + 1)[n]) + np.abs(bias) + np.abs(outgoing) @ np.abs(v)
    residual_error = ROUNDING * float(terms.max())
    library_u = update.after.preactivations[layer][n]
    order = neuron_order(len(v), len(outgoing), copy.deepcopy(update.rng))
    moved: list[int] = []
    # Every neuron before j is worked too, because j sees what they decided.
    for unit in order[: order.index(j) + 1]:
        w = [float(x) for x in outgoing[:, unit]]
        r0 = [r + v[unit] * x for r, x in zip(residual, w, strict=True)]
        a = dot(inputs, state.weights[layer][unit])
        errors = (uncertainty(inputs, state.weights[layer][unit]), residual_error)
        library = bool(library_u[unit] > 0)
        choice = choose_state(update, a, w, r0, errors=errors, library=library)
        new = choice.v[choice.bit]
        residual = [r - new * x for r, x in zip(r0, w, strict=True)]
        if unit != j and choice.bit != (state.preactivations[layer][n, unit] > 0):
            moved.append(unit + 1)
        v[unit] = new
    u = choice.u[choice.bit]
    position = order.index(j)
    earlier = f"{position} of {len(v)} neurons have decided already; "
    earlier += f"flipped for this sample: {', '.join(map(str, moved)) or 'none'}"
    target = names(update, layer + 1)[2]
    lines = [
        ("before it", earlier),
        ("w", f"outgoing weights = {vector(w)}"),
        ("r0", f"residual of {target}[{n + 1}] without the neuron = {vector(r0)}"),
        ("|w|^2", num(choice.square)),
        ("w . r0", num(choice.correlation)),
        input_line(update, n, j, choice.a),
        ("costs", "without (kappa/2) |r0|^2, which both states pay"),
        *neuron_lines(update, choice),
        decision_line(choice.costs, choice.bit),
        ("u", num(u)),
    ]
    comparisons = [
        Comparison(
            f"u of neuron {j + 1}", u, float(library_u[j]), 1e-10 * (1 + abs(choice.a))
        ),
        Comparison(
            f"v of neuron {j + 1}",
            v[j],
            float(update.after.activations[layer + 1][n, j]),
            1e-9 * (1 + abs(v[j])),
        ),
    ]  # fmt: skip
    title = f"neuron {j + 1}, sample {n + 1}: {why}"
    return Worked(title, tuple(lines), tuple(comparisons))
