"""One row of a W-block by hand: the normal equations, and the rules that drop rows and columns."""

from dataclasses import dataclass

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
)
from zeroone.validation import BoolArray, FloatArray


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
        update.before.activations[layer],
        update.before.target(layer)[:, j],
        update.before.weights[layer][j],
        update.after.weights[layer][j],
        prices.layer_weight(layer),
        prices.gamma[layer],
        prices.lam[layer],
    )


def choose_row(update: Update) -> int:
    """Return the row asked for; else one that is dropped, else the one that moves most."""
    old, new = update.before.weights[update.layer], update.after.weights[update.layer]
    if update.unit is not None and update.unit < len(new):
        return update.unit
    dropped = old.any(axis=1) & ~new.any(axis=1)
    return int(np.argmax(dropped if dropped.any() else np.sum((new - old) ** 2, axis=1)))


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
    k = int(np.argmax(np.abs(dw)))
    # Where H is used with the rounding error on its diagonal, that part is no fall of F.
    Hdw = row.tau * (row.V.T @ (row.V @ dw)) + row.gamma * dw
    fall = float(dw @ Hdw) / 2 + row.rounding * float(dw @ dw)
    before, after = row.cost(row.old), row.cost(row.new)
    n_in = len(row.old)
    lines = [
        *opening(update, row, j, k),
        gradient_line("gradient", row, row.old, k),
        *rounding_line(row),
        ("solve", f"H dw = -gradient, H = tau V^T V + gamma I: {n_in} equations (by computer)"),
        ("", f"dw_k = {num(dw[k])}, w_k = {num(row.old[k])} + {factor(dw[k])} = {num(w[k])}"),
        ("check", "the same entry of the gradient with the new w and its e is 0 up to rounding:"),
        gradient_line("", row, w, k),
        single_variable(row, w, k),
        ("fall", f"1/2 dw . H dw = {num(fall)} predicted for this row"),
        ("", f"{num(before)} - {num(after)} = {num(before - after)} measured"),
    ]
    title = f"row {j + 1} of {update.block}, {weight_name(k, n_in)}"
    if fall <= 1e-12 * before:
        title += " (the row is at its minimum already: there is nothing to gain)"
    comparisons = (
        Comparison(f"w_k, k = {k + 1}", w[k], float(row.new[k]), row.tolerance(dw)),
        Comparison("fall of the row's cost", fall, before - after, 1e-8 * fall + 1e-11 * before),
    )
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
    V, W = state.activations[layer], state.weights[layer]
    R = state.target(layer) - V @ W.T
    # The singular value is the library's eigenvalue by another road; so is its safety factor.
    largest = float(np.linalg.norm(V, 2)) ** 2
    s = 1 / (1.000001 * tau * largest + gamma)
    Z: FloatArray = W + s * (tau * (R.T @ V) - gamma * W)
    squares = np.sum(Z[:, :-1] ** 2, axis=0)
    price = 2 * s * lam
    library_kept: BoolArray = np.any(update.after.weights[layer][:, :-1], axis=0)
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


def work_weights(update: Update) -> Worked:
    """Return the worked element of a W-block."""
    j = choose_row(update)
    if update.coefficients.lam[update.layer] == 0:
        return work_ridge(update, j)
    return work_rows(update, j) if update.coefficients.groups == "rows" else work_columns(update, j)
