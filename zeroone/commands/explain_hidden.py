"""One entry of a U-block or one row of a V-block by hand: two costs, or one linear system."""

import math

import numpy as np

from zeroone.commands.explain_blocks import (
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
from zeroone.commands.explain_neurons import work_neuron
from zeroone.commands.explain_sides import (
    choose_entry,
    decision_line,
    input_line,
    side_texts,
    sides,
)


def work_entry(update: Update) -> Worked:
    """Return one entry of a U-block of the three-splitting form."""
    n, j, why = choose_entry(update)
    state, layer, gap = update.before, update.layer, update.options.gap
    tau, pi = update.coefficients.tau[layer], update.pi
    a = dot(state.activations[layer][n], state.weights[layer][j])
    v = float(state.activations[layer + 1][n, j])
    u = sides(a, gap)
    parts = [(tau / 2 * (u[s] - a) ** 2, pi / 2 * (v - s) ** 2) for s in (0, 1)]
    costs = (sum(parts[0]), sum(parts[1]))
    library = float(update.after.preactivations[layer][n, j])
    bit = costs[1] < costs[0]
    error = uncertainty(state.activations[layer][n], state.weights[layer][j])
    lost = tau * error * (max(abs(side - a) for side in u) + error)
    if abs(costs[1] - costs[0]) <= TIE * (costs[0] + costs[1]) + lost:
        bit = library > 0  # both are minimisers
    lines: list[Line] = [input_line(update, n, j, a), ("v", num(v))]
    for s, label, text in zip((0, 1), ("silent", "fires"), side_texts(a, gap, u), strict=True):
        cost = (
            f"(tau/2) (u - a)^2 + (pi/2) (v - {s})^2 = {num(tau / 2)} · {num((u[s] - a) ** 2)} + "
            f"{num(pi / 2)} · {num((v - s) ** 2)} = {num(costs[s])}"
        )
        lines += [(label, text), ("", cost)]
    lines.append(decision_line(costs, bit))
    lines.append(("u", num(u[bit])))
    title = f"unit {j + 1}, sample {n + 1}: {why}"
    comparison = Comparison(f"u of sample {n + 1}", u[bit], library, 1e-10 * (1 + abs(a)))
    return Worked(title, tuple(lines), (comparison,))


def work_activation(update: Update) -> Worked:
    """Return one sample's row of a V-block, and the equation of one unit in it."""
    n, j, why = choose_entry(update)
    state, layer = update.before, update.layer
    kappa, pi = update.coefficients.layer_weight(layer + 1), update.pi
    outgoing, bias = state.weights[layer + 1][:, :-1], state.weights[layer + 1][:, -1]
    target = [float(t) - float(b) for t, b in zip(state.target(layer + 1)[n], bias, strict=True)]
    bits = [float(u > 0) for u in state.preactivations[layer][n]]
    units = range(len(bits))
    H = np.array([
        [kappa * dot(outgoing[:, p], outgoing[:, q]) + pi * (p == q) for q in units] for p in units
    ])  # fmt: skip
    right = [kappa * dot(outgoing[:, p], target) + pi * bits[p] for p in units]
    v = np.linalg.solve(H, np.array(right))
    left = dot(H[j], v)
    correlation = dot(outgoing[:, j], target)
    library = update.after.activations[layer + 1][n, :-1]
    U = names(update, layer)[2]
    top = names(update, layer + 1)[2]
    residual = [
        t - dot(row, library) for t, row in zip(target, outgoing, strict=True)
    ]  # fmt: skip
    pull = kappa * dot(outgoing[:, j], residual)
    lines: list[Line] = [
        ("s", f"step({U}[{n + 1}]) = {vector(bits)}"),
        ("t", f"{top}[{n + 1}] - b = {vector(target)}"),
        ("w", f"outgoing weights of unit {j + 1} = {vector(outgoing[:, j])}"),
        ("H_j", f"row {j + 1} of kappa W^T W + pi I = {vector(H[j])}"),
        ("solve", f"H v = kappa W^T t + pi s: {len(v)} equations (by computer)"),
        ("v", vector(v)),
        ("left", f"H_j . v = {num(left)}"),
        ("right", f"kappa w . t + pi s_j = {num(kappa)} · {factor(correlation)} + "
         f"{num(pi)} · {num(bits[j])} = {num(right[j])}"),
        ("again", f"pi (v_j - s_j) = {num(pi)} · ({num(v[j])} - {num(bits[j])}) = "
         f"{num(pi * (v[j] - bits[j]))}, and kappa w . (t - W v) = {num(pull)}"),
    ]  # fmt: skip
    scale = float(np.abs(v).max()) + 1
    # The condition number of H is at most its trace over pi.
    tolerance = scale * (1e-9 + 100 * float(np.finfo(np.float64).eps) * float(np.trace(H)) / pi)
    title = f"sample {n + 1}, unit {j + 1}: {why}"
    value = Comparison(f"v of unit {j + 1}", float(v[j]), float(library[j]), tolerance)
    whole = Comparison(
        f"|v| of sample {n + 1}",
        math.sqrt(dot(v, v)),
        math.sqrt(dot(library, library)),
        len(v) * tolerance,
    )
    return Worked(title, tuple(lines), (value, whole))


def work_hidden(update: Update) -> Worked:
    """Return the worked element of a V-, U- or joint block."""
    work = {"V": work_activation, "U": work_entry, "J": work_neuron}
    return work[update.kind](update)
