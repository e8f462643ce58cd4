"""What `zeroone explain` says of a block before its numbers: the equations, and the shapes."""

import math

from zeroone.commands.explain_blocks import Line, Update, names, num


def side_equation(update: Update) -> Line:
    """Return what the remedy makes of the two sides of the threshold."""
    gap = update.options.gap
    if gap > 0:
        return f"m = {num(gap)}", "silent: u = min(a, -m)    fires: u = max(a, m)"
    return "tiny", "silent: u = min(a, 0)    fires: u = max(a, the smallest positive number)"


def describe_weights(update: Update) -> tuple[str, tuple[Line, ...]]:
    """Return heading and equations of a W-block."""
    layer, prices = update.layer, update.coefficients
    V, W, U = names(update, layer)
    tau, gamma, lam = prices.layer_weight(layer), prices.gamma[layer], prices.lam[layer]
    minimise = f"(tau/2) |{U} - {V} {W}^T|^2 + (gamma/2) |{W}|^2"
    ridge = f"{W} = tau {U}^T {V} (tau {V}^T {V} + gamma I)^-1"
    values = f"tau = {num(tau)}, gamma = {num(gamma)}"
    if tau == 1 and U == "Y":
        values = f"tau = 1 (the output layer), gamma = {num(gamma)}"
    if lam == 0:
        lines = [("minimise", minimise), ("solution", ridge), ("with", values)]
        return "ridge regression of each unit on the layer's input", tuple(lines)
    minimise += f" + lam (number of non-zero {prices.groups})"
    values += f", lam = {num(lam)}"
    if prices.groups == "rows":
        rule = "keep row w iff r . w > 2 lam, with r = tau V^T u, else set it to 0"
        lines = [("minimise", minimise), ("ridge", ridge), ("then", rule), ("with", values)]
        return "ridge regression, then each row is kept or dropped", tuple(lines)
    lines = [
        ("lower", minimise),
        ("step", f"Z = {W} - s gradient, with s = 1/(tau |{V}^T {V}|_2 + gamma)"),
        ("then", "keep column z iff |z|^2 > 2 s lam, else set it to 0 (never the bias)"),
        ("then", "ridge regression on the columns that are left"),
        ("with", values),
    ]
    return "a proximal-linear step, then each column is kept or dropped", tuple(lines)


def describe(update: Update) -> tuple[str, tuple[Line, ...]]:
    """Return heading and equations of a block."""
    if update.kind == "W":
        return describe_weights(update)
    layer, prices = update.layer, update.coefficients
    i, kappa = layer + 1, prices.layer_weight(layer + 1)
    V, W, U = names(update, layer)
    _, outgoing, target = names(update, layer + 1)
    tau_pi = f"tau = {num(prices.tau[layer])}, pi = {num(update.pi)}"
    if update.kind == "V":
        lines = [
            (
                "minimise",
                f"(kappa/2) |{target} - b - V{i} {outgoing}^T|^2 + (pi/2) |V{i} - step({U})|^2",
            ),
            (
                "solution",
                f"V{i} (kappa {outgoing}^T {outgoing} + pi I) = "
                f"kappa ({target} - b) {outgoing} + pi step({U})",
            ),
            ("with", f"kappa = {num(kappa)}, pi = {num(update.pi)}, b the bias of {outgoing}"),
        ]
        return "ridge regression of each sample's activations", tuple(lines)
    if update.kind == "U":
        lines = [
            ("minimise", "(tau/2) (u - a)^2 + (pi/2) (v - step(u))^2 for every entry"),
            ("where", f"a is the entry of {V} {W}^T, v that of V{i}; on a tie, silent"),
            side_equation(update),
            ("with", tau_pi),
        ]
        return "each entry chooses a side of the threshold", tuple(lines)
    if math.isinf(update.pi):
        tau_pi = f"tau = {num(prices.tau[layer])}"
        gain = "kappa (|w|^2/2 - w . r0)"
    else:
        gain = "kappa pi/(kappa |w|^2 + pi) (|w|^2/2 - w . r0)"
    lines = [
        ("rule", f"cost(fires) - cost(silent) = {gain} + (tau/2) (d1^2 - d0^2)"),
        ("", "fire where that is negative; on a tie, silent"),
        (
            "where",
            f"w is the neuron's column of {outgoing}, r0 the residual of {target} without the "
            "neuron, d1 and d0 the distances of a from the nearest u that fires or is silent",
        ),
        side_equation(update),
        ("with", f"{tau_pi}, kappa = {num(kappa)}"),
    ]
    heading = "one neuron after another, each seeing what those before it did"
    return heading, tuple(lines)


def shapes(update: Update) -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """Return name, shape and meaning of the arrays that take part in a block update."""
    state, layer = update.before, update.layer
    V, W, U = names(update, layer)
    into, weights = state.activations[layer], state.weights[layer]
    inputs = "input" if layer == 0 else f"activations of layer {layer}"
    rows = [
        (V, into.shape, f"{inputs} and a column of ones: samples x inputs"),
        (W, weights.shape, f"weights of layer {layer + 1}, the bias last: units x inputs"),
        (U, state.target(layer).shape, "targets" if U == "Y" else "pre-activations"),
    ]
    if update.kind == "W":
        n = into.shape[1]
        return (*rows, ("V^T V", (n, n), f"Gram matrix of {V}, shared by all rows of {W}"))
    rows.append((f"{V} {W}^T", state.products[layer].shape, "what the weights compute: the a"))
    _, outgoing, target = names(update, layer + 1)
    n_samples, n_units = state.preactivations[layer].shape
    rows.append((f"V{layer + 1}", (n_samples, n_units), "activations, without the column of ones"))
    if update.kind == "U":
        return tuple(rows)
    rows.append((outgoing, state.weights[layer + 1][:, :-1].shape, "outgoing weights, no bias"))
    rows.append((target, state.target(layer + 1).shape, "what the next layer should produce"))
    # The activations' ridge problem does not look at the layer's own weights.
    return tuple(rows[2:3] + rows[4:] if update.kind == "V" else rows)
