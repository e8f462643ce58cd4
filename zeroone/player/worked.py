"""One entry of a block update by hand: what was found, the rule, and the library's result.

`work` takes an update of full-batch block coordinate descent, chooses an entry in which something
happens, and computes it from the arrays before the update by other means than the library's: sums
one product at a time, and small systems. Its numbers come next to the library's.

A bias is worked as the last weight of its row, against a constant 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeroone.bcd.full_batch import Options
from zeroone.bcd.objective import Coefficients, State
from zeroone.steps import Block, Step
from zeroone.support.validation import BoolArray, FloatArray

# A label and what it says; who prints them puts the labels in a column of their own.
Line = tuple[str, str]

# Two costs nearer than this, relative to their size, are a tie as far as rounding can tell.
TIE = 1e-9

# A sum of products is known to within this, relative to the sum of their magnitudes.
ROUNDING = 1e-13


@dataclass(frozen=True)
class Update:
    """One block update: what it found and what it left behind.

    Parameters
    ----------
    before : State
        A copy of the variables as the update found them.
    step : Step
        The update, from `zeroone.bcd.iterate`.
    coefficients : Coefficients
    options : Options
    unit, sample : int, optional
        The element asked for, counted from 0.
    """

    before: State
    step: Step
    coefficients: Coefficients
    options: Options
    unit: int | None = None
    sample: int | None = None

    @property
    def block(self) -> Block:
        """The block that moved."""
        return self.step.block

    @property
    def after(self) -> State:
        """The variables after the update."""
        return self.step.state

    @property
    def layer(self) -> int:
        """The layer's number, from 0."""
        return int(self.block[1:]) - 1

    @property
    def kind(self) -> str:
        """What is updated: "W", "V", "U" (entry by entry) or "J" (neuron by neuron)."""
        by_neuron = self.block[0] == "U" and self.options.splitting == "two"
        return "J" if by_neuron else self.block[0]

    @property
    def pi(self) -> float:
        """The price of a mismatched activation; infinite where V = step(U) exactly."""
        if self.options.splitting == "two":
            return math.inf
        return self.coefficients.pi[self.layer]

    @property
    def inputs(self) -> FloatArray:
        """The layer's input with a last column of ones."""
        V = self.before.activations[self.layer]
        return np.column_stack([V, np.ones(len(V))])

    @property
    def rows(self) -> FloatArray:
        """The layer's weights before, each row with its bias as the last entry."""
        return np.column_stack(self.before.layers()[self.layer])

    @property
    def new_rows(self) -> FloatArray:
        """The layer's weights after, each row with its bias as the last entry."""
        return np.column_stack(self.after.layers()[self.layer])


@dataclass(frozen=True)
class Comparison:
    """A number by hand and the library's.

    Parameters
    ----------
    quantity : str
        What it is.
    by_hand, library : float
    tolerance : float
        By how much they may differ through rounding.
    """

    quantity: str
    by_hand: float
    library: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two are equal up to rounding."""
        return abs(self.by_hand - self.library) <= self.tolerance


@dataclass(frozen=True)
class Worked:
    """One entry or row computed by hand.

    Parameters
    ----------
    title : str
        Which one, and why it.
    lines : tuple of (label, text)
        The steps with their numbers.
    comparisons : tuple of Comparison
        The results next to the library's.
    """

    title: str
    lines: tuple[Line, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def agrees(self) -> bool:
        """Whether every result agrees with the library's."""
        return all(comparison.agrees for comparison in self.comparisons)


def num(value: float) -> str:
    """Return a number with six digits."""
    return f"{value:.6g}"


def factor(value: float) -> str:
    """Return a number that can follow an operator: in brackets if it is negative."""
    return f"({num(value)})" if value < 0 else num(value)


def vector(values: FloatArray | Sequence[float]) -> str:
    """Return all of a short vector, or the beginning of a long one."""
    shown = [f"{value:.5g}" for value in values[:12]]
    if len(values) <= 12:
        return f"({', '.join(shown)})"
    return f"({', '.join(shown[:6])}, ...), {len(values)} numbers"


def dot(p: FloatArray | Sequence[float], q: FloatArray | Sequence[float]) -> float:
    """Return the sum of products, one at a time."""
    return math.fsum(float(x) * float(y) for x, y in zip(p, q, strict=True))


def uncertainty(p: FloatArray | Sequence[float], q: FloatArray | Sequence[float]) -> float:
    """Return by how much two ways of adding the same products may differ."""
    return ROUNDING * math.fsum(abs(float(x) * float(y)) for x, y in zip(p, q, strict=True))


def names(update: Update, layer: int) -> tuple[str, str, str]:
    """Return the names of a layer's input, weights and target: ("V0", "W1", "U1")."""
    top = layer == update.before.n_layers - 1
    return f"V{layer}", f"W{layer + 1}", "Y" if top else f"U{layer + 1}"


def shapes(update: Update) -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """Return name, shape and meaning of the arrays that take part in a block update."""
    state, layer = update.before, update.layer
    V, W, U = names(update, layer)
    into, weights = update.inputs, update.rows
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
    rows.append((outgoing, state.weights[layer + 1].shape, "outgoing weights, no bias"))
    rows.append((target, state.target(layer + 1).shape, "what the next layer should produce"))
    # The activations' ridge problem does not look at the layer's own weights.
    return tuple(rows[2:3] + rows[4:] if update.kind == "V" else rows)


def priced(update: Update) -> Line:
    """Return the numbers that stand for the letters of a block's equation."""
    layer, prices, kind = update.layer, update.coefficients, update.kind
    if kind == "W":
        tau, gamma, lam = prices.layer_weight(layer), prices.gamma[layer], prices.lam[layer]
        top = " (the output layer)" if layer == update.before.n_layers - 1 else ""
        price = f", lam = {num(lam)}" if lam else ""
        return "with", f"tau = {num(tau)}{top}, gamma = {num(gamma)}{price}"
    kappa = f"kappa = {num(prices.layer_weight(layer + 1))}"
    tau_pi = f"tau = {num(prices.tau[layer])}, pi = {num(update.pi)}"
    if kind == "V":
        return "with", f"{kappa}, pi = {num(update.pi)}, b the bias of W{layer + 2}"
    if kind == "U":
        return "with", tau_pi
    if update.options.splitting == "two":
        tau_pi = f"tau = {num(prices.tau[layer])}"
    return "with", f"{tau_pi}, {kappa}"


# ---------------------------------------------------------------------------------- rows of weights


@dataclass(frozen=True)
class Row:
    """The problem of one row: minimise (tau/2) |u - V w|^2 + (gamma/2) |w|^2 (+ lam if w != 0).

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
    u : ndarray, shape (n_samples,)
    old, new : ndarray, shape (n_in,)
        The row before the update, and the library's result.
    tau, gamma, lam : float
    """

    V: FloatArray
    u: FloatArray
    old: FloatArray
    new: FloatArray
    tau: float
    gamma: float
    lam: float

    @property
    def rounding(self) -> float:
        """The rounding error of V^T V, by which the library raises the ridge."""
        return float(np.finfo(np.float64).eps) * self.tau * float(np.sum(self.V**2))

    def cost(self, w: FloatArray) -> float:
        """Return the row's share of F without the price of a group."""
        error = self.u - self.V @ w
        return self.tau / 2 * float(np.sum(error**2)) + self.gamma / 2 * float(np.sum(w**2))

    def gradient(self, w: FloatArray) -> FloatArray:
        """Return -tau V^T (u - V w) + gamma w."""
        return -self.tau * (self.V.T @ (self.u - self.V @ w)) + self.gamma * w

    def step(self, w: FloatArray, free: BoolArray | None = None) -> FloatArray:
        """Return dw with H dw = -gradient at w, over the weights that are free to move."""
        free = np.ones(len(w), dtype=bool) if free is None else free
        V = self.V[:, free]
        H = self.tau * (V.T @ V) + (self.gamma + self.rounding) * np.eye(V.shape[1])
        result = np.zeros(len(w))
        result[free] = np.linalg.solve(H, -self.gradient(w)[free])
        return result

    def tolerance(self, dw: FloatArray) -> float:
        """Return by how much two ways of solving for dw may differ in a weight."""
        # The condition number of H is at most its trace over its ridge.
        squares = self.tau * float(np.sum(self.V**2))
        condition = 1 + squares / (self.gamma + self.rounding)
        relative = 1e-9 + 100 * float(np.finfo(np.float64).eps) * condition
        return relative * float(np.abs(dw).max()) + 1e-11 * float(1 + np.abs(self.old).max())


def row_problem(update: Update, j: int) -> Row:
    """Return the problem of row j, from the arrays before the update."""
    layer, prices = update.layer, update.coefficients
    return Row(
        update.inputs,
        update.before.target(layer)[:, j],
        update.rows[j],
        update.new_rows[j],
        prices.layer_weight(layer),
        prices.gamma[layer],
        prices.lam[layer],
    )


def choose_row(update: Update) -> int:
    """Return the row asked for; else one that is dropped, else the one that moves most.

    Of rows that do not move at all, the longest is taken.
    """
    old, new = update.rows, update.new_rows
    if update.unit is not None and update.unit < len(new):
        return update.unit
    dropped = old.any(axis=1) & ~new.any(axis=1)
    moves = np.sum((new - old) ** 2, axis=1)
    if moves.max() <= 1e-20 * np.sum(new**2):
        moves = np.sum(new**2, axis=1)
    return int(np.argmax(dropped if dropped.any() else moves))


def weight_name(k: int, n_in: int) -> str:
    """Return what weight k is called."""
    return "the bias" if k == n_in - 1 else f"weight {k + 1}"


def gradient_line(label: str, row: Row, w: FloatArray, k: int) -> Line:
    """Return entry k of the gradient at w, with e = u - V w there, as a sum of two numbers."""
    correlation = dot(row.u - row.V @ w, row.V[:, k])
    value = -row.tau * correlation + row.gamma * w[k]
    text = (
        f"-tau sum_n V_nk e_n + gamma w_k = -{num(row.tau)} · {factor(correlation)} + "
        f"{num(row.gamma)} · {factor(w[k])} = {num(value)}"
    )
    return label, text


def single_variable(row: Row, w: FloatArray, k: int) -> Line:
    """Return weight k as the solution of its own equation, all others fixed."""
    column = row.V[:, k]
    squares = dot(column, column)
    without = dot(row.u - row.V @ w + column * w[k], column)
    value = row.tau * without / (row.tau * squares + row.gamma)
    text = (
        "w_k = tau sum_n V_nk (e_n + V_nk w_k) / (tau sum_n V_nk^2 + gamma) = "
        f"{num(row.tau)} · {factor(without)} / ({num(row.tau)} · {num(squares)} + "
        f"{num(row.gamma)}) = {num(value)}"
    )
    return "again", text


def opening(update: Update, row: Row, j: int, k: int) -> list[Line]:
    """Return the lines that say which row and which weight it is."""
    V, W, U = names(update, update.layer)
    return [
        ("row", f"w = {W}[{j + 1}], {len(row.old)} weights; u = {U}[:, {j + 1}]"),
        ("residual", f"e = u - {V} w, {len(row.u)} numbers; |e|^2 = {num(row_error(row))}"),
        ("k", f"{k + 1}, {weight_name(k, len(row.old))}: w_k = {num(row.old[k])} before"),
    ]


def row_error(row: Row) -> float:
    """Return |u - V w|^2 at the old row."""
    error = row.u - row.V @ row.old
    return dot(error, error)


def cost_line(row: Row, cost: float) -> Line:
    """Return the cost of the old row as a sum of two numbers."""
    squares = dot(row.old, row.old)
    text = (
        f"(tau/2) |e|^2 + (gamma/2) |w|^2 = {num(row.tau / 2)} · {num(row_error(row))} + "
        f"{num(row.gamma / 2)} · {num(squares)} = {num(cost)}"
    )
    return "cost", text


def rounding_line(row: Row) -> list[Line]:
    """Return a remark where the ridge is so small that rounding is not negligible beside it."""
    if row.rounding < 1e-6 * row.gamma:
        return []
    text = f"H has {row.rounding:.3g} more on its diagonal, the rounding error of V^T V"
    return [("rounding", text)]


def work_ridge(update: Update, j: int) -> Worked:
    """Return one row of plain ridge regression by hand."""
    row = row_problem(update, j)
    dw = row.step(row.old)
    w = row.old + dw
    # Where H is used with the rounding error on its diagonal, that part is no fall of F.
    Hdw = row.tau * (row.V.T @ (row.V @ dw)) + row.gamma * dw
    fall = float(dw @ Hdw) / 2 + row.rounding * float(dw @ dw)
    before, after = row.cost(row.old), row.cost(row.new)
    at_minimum = fall <= 1e-12 * before
    # At the minimum dw is rounding; a weight that is not small tells more.
    k = int(np.argmax(np.abs(w if at_minimum else dw)))
    title = f"row {j + 1} of {update.block}, {weight_name(k, len(w))}"
    weight = Comparison(f"w_k, k = {k + 1}", w[k], float(row.new[k]), row.tolerance(dw))
    if at_minimum:
        lines = [
            *opening(update, row, j, k),
            gradient_line("gradient", row, row.old, k),
            ("", "is 0 up to rounding, and so are all others: the row stays as it is"),
            single_variable(row, row.old, k),
            cost_line(row, before),
        ]
        title += " (the row is at its minimum already: there is nothing to gain)"
        cost = Comparison("the row's cost after", before, after, 1e-11 * before)
        return Worked(title, tuple(lines), (weight, cost))
    lines = [
        *opening(update, row, j, k),
        gradient_line("gradient", row, row.old, k),
        *rounding_line(row),
        (
            "solve",
            f"H dw = -gradient, H = tau V^T V + gamma I: {len(w)} equations (by computer)",
        ),
        ("", f"dw_k = {num(dw[k])}, w_k = {num(row.old[k])} + {factor(dw[k])} = {num(w[k])}"),
        ("check", "the same entry of the gradient with the new w and its e is 0 up to rounding:"),
        gradient_line("", row, w, k),
        single_variable(row, w, k),
        ("fall", f"1/2 dw . H dw = {num(fall)} predicted for this row"),
        ("", f"{num(before)} - {num(after)} = {num(before - after)} measured"),
    ]
    tolerance = 1e-8 * fall + 1e-11 * before
    comparisons = (weight, Comparison("fall of the row's cost", fall, before - after, tolerance))
    return Worked(title, tuple(lines), comparisons)


def work_rows(update: Update, j: int) -> Worked:
    """Return the keep-or-drop decision of one row by hand."""
    row = row_problem(update, j)
    dw = row.step(row.old)
    w = row.old + dw
    k = int(np.argmax(np.abs(w)))
    r = row.tau * (row.V.T @ row.u)
    gain = dot(r, w)
    kept = gain > 2 * row.lam
    library_kept = bool(row.new.any())
    if abs(gain - 2 * row.lam) <= TIE * (abs(gain) + 2 * row.lam):
        kept = library_kept  # both are minimisers
    zero = row.tau / 2 * dot(row.u, row.u)
    stay = zero - gain / 2 + row.lam
    n_in = len(row.old)
    sign, verdict = (">", "keep the row") if kept else ("<=", "drop the row: the neuron is removed")
    lines = [
        *opening(update, row, j, k),
        ("r", f"tau V^T u: r_k = {num(row.tau)} · {factor(r[k] / row.tau)} = {num(r[k])}"),
        *rounding_line(row),
        ("solve", f"(tau V^T V + gamma I) w = r: {n_in} equations (by computer)"),
        ("", f"w_k = {num(w[k])}"),
        ("check", "the same entry of the gradient with the new w and its e is 0 up to rounding:"),
        gradient_line("", row, w, k),
        ("drop", f"costs (tau/2) |u|^2 = {num(row.tau / 2)} · {num(dot(row.u, row.u))} "
         f"= {num(zero)}"),
        ("keep", f"costs {num(zero)} - r . w / 2 + lam = {num(zero)} - {factor(gain / 2)} + "
         f"{num(row.lam)} = {num(stay)}"),
        ("decision", f"r . w = {num(gain)} {sign} 2 lam = {num(2 * row.lam)}: {verdict}"),
    ]  # fmt: skip
    result = float(w[k]) if kept else 0.0
    best = stay if kept else zero
    measured = row.cost(row.new) + row.lam * library_kept
    comparisons = (
        Comparison("row kept (1) or dropped (0)", float(kept), float(library_kept), 0.0),
        Comparison(f"w_k, k = {k + 1}", result, float(row.new[k]), row.tolerance(dw)),
        Comparison("the row's cost after", best, measured, 1e-9 * (zero + abs(gain) + row.lam)),
    )
    word = "kept" if kept else "dropped"
    return Worked(f"row {j + 1} of {update.block}, which is {word}", tuple(lines), comparisons)


def work_columns(update: Update, j: int) -> Worked:
    """Return the proximal-linear step of one column, and the row's refit, by hand."""
    state, layer, prices = update.before, update.layer, update.coefficients
    tau, gamma, lam = prices.layer_weight(layer), prices.gamma[layer], prices.lam[layer]
    V, W = update.inputs, update.rows
    R = state.target(layer) - V @ W.T
    # The singular value is the library's eigenvalue by another road; so is its safety factor.
    largest = float(np.linalg.norm(V, 2)) ** 2
    s = 1 / (1.000001 * tau * largest + gamma)
    Z: FloatArray = W + s * (tau * (R.T @ V) - gamma * W)
    squares = np.sum(Z[:, :-1] ** 2, axis=0)
    price = 2 * s * lam
    library_kept: BoolArray = np.any(update.after.weights[layer], axis=0)
    tie = np.abs(squares - price) <= TIE * (squares + price)
    chosen: BoolArray = np.where(tie, library_kept, squares > price)
    kept: BoolArray = np.append(chosen, True)
    dropped = ~kept[:-1] & W[:, :-1].any(axis=0)
    k = int(np.argmax(np.where(dropped, squares, -1.0) if dropped.any() else squares))
    if update.unit is None:
        j = int(np.argmax(np.abs(Z[:, k])))
    row = row_problem(update, j)
    z = np.where(kept, Z[j], 0.0)
    dw = row.step(z, kept)
    result = float(z[k] + dw[k])
    best = row.cost(z + dw)
    correlation = dot(R[:, j], V[:, k])
    sign, verdict = (">", "keep the column") if kept[k] else ("<=", "drop the column")
    n_kept = int(kept[:-1].sum())
    lines = [
        *opening(update, row, j, k),
        ("s", f"1/({num(row.tau)} · {num(largest)} + {num(row.gamma)}) = {num(s)} "
         "(shortened by a millionth against rounding)"),
        ("z_jk", f"w_k + s (tau sum_n V_nk e_n - gamma w_k) = {num(row.old[k])} + {num(s)} · "
         f"({num(row.tau)} · {factor(correlation)} - {num(row.gamma)} · {factor(row.old[k])}) "
         f"= {num(Z[j, k])}"),
        ("column", f"|z_k|^2 over the {len(Z)} rows = {num(squares[k])}"),
        ("decision", f"|z_k|^2 {sign} 2 s lam = {num(price)}: {verdict}"),
        ("refit", f"ridge regression of row {j + 1} on the {n_kept} columns that are left and the "
         f"bias (by computer): w_k = {num(result)}"),
        ("cost", f"(tau/2) |u - V w|^2 + (gamma/2) |w|^2 = {num(row.cost(row.old))} with the old "
         f"row, {num(row.cost(z))} with z, {num(best)} after the refit"),
    ]  # fmt: skip
    comparisons = (
        Comparison("column kept (1) or dropped (0)", float(kept[k]), float(library_kept[k]), 0.0),
        Comparison(f"w_k, k = {k + 1}", result, float(row.new[k]), row.tolerance(dw)),
        Comparison("columns left", n_kept, int(library_kept.sum()), 0.0),
        Comparison("the row's cost after", best, row.cost(row.new), 1e-9 * row.cost(z)),
    )
    title = f"column {k + 1} of {update.block}, in row {j + 1}"
    return Worked(title, tuple(lines), comparisons)


# ------------------------------------------------------------------------ entries of a hidden layer


def choose_entry(update: Update) -> tuple[int, int, str]:
    """Return sample and unit of the entry to work, and why it.

    What is asked for; otherwise a bit that flips (neuron by neuron: the last one of the sample
    with most flips, so that others have flipped before it; in a V-block: the activation that moves
    most); if none does, the pre-activation nearest to the threshold.
    """
    state, layer = update.before, update.layer
    old, new = state.preactivations[layer], update.after.preactivations[layer]
    allowed = np.ones(old.shape, dtype=bool)
    if update.unit is not None and update.unit < old.shape[1]:
        allowed[:, np.arange(old.shape[1]) != update.unit] = False
    if update.sample is not None:
        allowed[np.arange(len(old)) != update.sample] = False
    if update.kind == "V":
        moved = np.abs(update.after.activations[layer + 1] - state.activations[layer + 1])
        n, j = divmod(int(np.argmax(np.where(allowed, moved, -1.0))), old.shape[1])
        return n, j, f"its activation moves by {num(moved[n, j])}"
    flips = ((old > 0) != (new > 0)) & allowed
    if flips.any():
        n = int(np.argmax(flips.sum(axis=1)))
        flipping = np.flatnonzero(flips[n])
        j = int(flipping[-1] if update.kind == "J" else flipping[0])
        return n, j, f"its bit flips from {int(old[n, j] > 0)} to {int(new[n, j] > 0)}"
    distance = np.where(allowed, np.abs(state.products[layer]), np.inf)
    n, j = divmod(int(np.argmin(distance)), old.shape[1])
    return n, j, f"its bit stays {int(new[n, j] > 0)}"


def sides(a: float, gap: float) -> tuple[float, float]:
    """Return the u nearest to a that is silent, and the one that fires."""
    lowest = gap if gap > 0 else float(np.finfo(np.float64).smallest_normal)
    return min(a, -gap), max(a, lowest)


def side_texts(a: float, gap: float, u: tuple[float, float]) -> tuple[str, str]:
    """Return how the two sides come about."""
    m = num(gap)
    lower = (
        f"u = min({num(a)}, -{m}) = {num(u[0])}" if gap else f"u = min({num(a)}, 0) = {num(u[0])}"
    )
    upper = f"u = max({num(a)}, {m if gap else 'tiny'}) = {num(u[1])}"
    return lower, upper


def decision_line(costs: tuple[float, float], bit: bool) -> Line:
    """Return which of the two costs is lower."""
    silent, fires = (num(cost) for cost in costs)
    if bit != (costs[1] < costs[0]):
        text = f"{fires} and {silent} are equal up to rounding: both states are minimisers"
        return "decision", f"{text}, and the library takes step(u) = {int(bit)}"
    if bit:
        return "decision", f"{fires} < {silent}: it fires, step(u) = 1"
    return "decision", f"{fires} >= {silent}: it is silent, step(u) = 0"


def input_line(update: Update, n: int, j: int, a: float) -> Line:
    """Return what the weights compute for one entry."""
    V, W, _ = names(update, update.layer)
    n_in = update.rows.shape[1]
    return "a", f"{V}[{n + 1}] . {W}[{j + 1}], a sum of {n_in} products = {num(a)}"


def work_entry(update: Update) -> Worked:
    """Return one entry of a U-block of the three-splitting form."""
    n, j, why = choose_entry(update)
    state, layer, gap = update.before, update.layer, update.options.gap
    tau, pi = update.coefficients.tau[layer], update.pi
    a = dot(update.inputs[n], update.rows[j])
    v = float(state.activations[layer + 1][n, j])
    u = sides(a, gap)
    parts = [(tau / 2 * (u[s] - a) ** 2, pi / 2 * (v - s) ** 2) for s in (0, 1)]
    costs = (sum(parts[0]), sum(parts[1]))
    library = float(update.after.preactivations[layer][n, j])
    bit = costs[1] < costs[0]
    error = uncertainty(update.inputs[n], update.rows[j])
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
    outgoing, bias = state.layers()[layer + 1]
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
    library = update.after.activations[layer + 1][n]
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
    inputs, rows = update.inputs[n], update.rows
    outgoing, bias = state.layers()[layer + 1]
    v = [float(x) for x in state.activations[layer + 1][n]]
    residual = [
        float(t) - float(b) - dot(row, v)
        for t, b, row in zip(state.target(layer + 1)[n], bias, outgoing, strict=True)
    ]
    terms = np.abs(state.target(layer + 1)[n]) + np.abs(bias) + np.abs(outgoing) @ np.abs(v)
    residual_error = ROUNDING * float(terms.max())
    library_u = update.after.preactivations[layer][n]
    order = update.step.info["order"]
    moved: list[int] = []
    # Every neuron before j is worked too, because j sees what they decided.
    for unit in order[: order.index(j) + 1]:
        w = [float(x) for x in outgoing[:, unit]]
        r0 = [r + v[unit] * x for r, x in zip(residual, w, strict=True)]
        a = dot(inputs, rows[unit])
        errors = (uncertainty(inputs, rows[unit]), residual_error)
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


def work(update: Update) -> Worked:
    """Return one entry of a block update, worked by hand."""
    if update.kind != "W":
        by_kind = {"V": work_activation, "U": work_entry, "J": work_neuron}
        return by_kind[update.kind](update)
    j = choose_row(update)
    if update.coefficients.lam[update.layer] == 0:
        return work_ridge(update, j)
    return work_rows(update, j) if update.coefficients.groups == "rows" else work_columns(update, j)
