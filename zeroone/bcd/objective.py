"""The penalised objective of a 0/1 MLP, its variables, and its terms one by one.

A net with h layers maps the input V_0 = X through pre-activations A_i = V_{i-1} W_i^T and step
activations to a linear output. Block coordinate descent frees the pre-activations U_i and the
activations V_i and pays for every disagreement:

    F(W, U, V) = 1/2 |Y - V_{h-1} W_h^T|^2                              fit
               + sum_{i<h} (tau_i/2) |U_i - V_{i-1} W_i^T|^2            coupling_i
               + sum_{i<h} (pi_i/2) |V_i - step(U_i)|^2                 activation_i
               + sum_i (gamma_i/2) |W_i|^2                              ridge
               + sum_i lam_i (number of non-zero groups of W_i)         sparsity

(three-splitting form; Zhang, Zhou, Li, Xiu, arXiv:2206.09379; theory, B1). Setting V_i = step(U_i)
removes the activation terms and gives the two-splitting form (theory, B2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from zeroone.rows import row_blocks
from zeroone.validation import BoolArray, FloatArray, check_number


def with_constant(X: FloatArray | BoolArray, dtype: np.dtype | None = None) -> FloatArray:
    """Return [X 1]: a bias is a column of W against a constant 1.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    dtype : dtype, optional
        That of the result; X's own by default.

    Returns
    -------
    ndarray, shape (n_samples, n_features + 1)
        In X's order of memory.
    """
    order: Literal["C", "F"] = "F" if X.flags.f_contiguous else "C"
    result = np.empty((X.shape[0], X.shape[1] + 1), dtype or X.dtype, order=order)
    result[:, :-1] = X
    result[:, -1] = 1
    return result


def layer_product(V: FloatArray, W: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return V W^T in Fortran order: what a neuron makes of all samples lies together in memory.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
    W : ndarray, shape (n_out, n_in)
    out : ndarray, shape (n_samples, n_out), optional
        Where to write it, in Fortran order.

    Returns
    -------
    ndarray, shape (n_samples, n_out)
    """
    return np.matmul(W, V.T, out=None if out is None else out.T).T


def squared_distance(P: FloatArray, Q: FloatArray) -> float:
    """Return |P - Q|^2, summed in double precision over blocks of rows."""
    total = 0.0
    for rows in row_blocks(len(P)):
        difference = (P[rows] - Q[rows]).ravel(order="K")
        total += float(difference @ difference)
    return total


def nonzero_groups(W: FloatArray, groups: str) -> int:
    """Return the number of non-zero rows of W, or of non-zero columns but for the bias column."""
    return int(np.any(W, axis=1).sum() if groups == "rows" else np.any(W[:, :-1], axis=0).sum())


@dataclass(frozen=True)
class Coefficients:
    """The weights of the terms of F, layer by layer.

    Parameters
    ----------
    tau, pi : tuple of float, length h - 1
        Price of a pre-activation, and of an activation, that is not the one computed.
    gamma : tuple of float, length h
        Ridge on the weights.
    lam : tuple of float, length h
        Price of a non-zero group of weights.
    groups : {"rows", "columns"}
        What a group is: a row of W_i (a neuron) or a column (an input of the layer).
    """

    tau: tuple[float, ...]
    pi: tuple[float, ...]
    gamma: tuple[float, ...]
    lam: tuple[float, ...]
    groups: str = "rows"

    def layer_weight(self, layer: int) -> float:
        """Return the factor of layer `layer`'s (0-based) squared residual: tau_i, or 1 on top."""
        return self.tau[layer] if layer < len(self.tau) else 1.0


def per_layer(
    name: str, value: float | Sequence[float], layers: int, *, strict: bool
) -> tuple[float, ...]:
    """Return one checked coefficient for each layer, from a number or from one number a layer.

    Raises
    ------
    ValueError
        If there are too many or too few, or one is negative (or zero, if `strict`).
    """
    values = [value] * layers if np.ndim(value) == 0 else list(value)  # type: ignore[arg-type]
    if len(values) != layers:
        raise ValueError(f"{name} must be one number or {layers} of them, but has {len(values)}")
    return tuple(check_number(name, each, strict=strict) for each in values)


@dataclass
class State:
    """The variables of F, with the products V_{i-1} W_i^T kept up to date.

    Lists are indexed from 0: ``weights[0]`` is W_1, ``preactivations[0]`` is U_1, and
    ``activations[0]`` is V_0 = [X 1].

    Parameters
    ----------
    Y : ndarray, shape (n_samples, n_outputs)
        The targets.
    activations : list of ndarray, shape (n_samples, n_i + 1)
        V_0, ..., V_{h-1}, each with a last column of ones for the bias.
    preactivations : list of ndarray, shape (n_samples, n_i)
        U_1, ..., U_{h-1}.
    weights : list of ndarray, shape (n_i, n_{i-1} + 1)
        W_1, ..., W_h, each with the bias as its last column.
    products : list of ndarray, shape (n_samples, n_i)
        A_i = V_{i-1} W_i^T for i = 1, ..., h.
    """

    Y: FloatArray
    activations: list[FloatArray]
    preactivations: list[FloatArray]
    weights: list[FloatArray]
    products: list[FloatArray]

    @property
    def n_layers(self) -> int:
        """The number h of layers, the linear one included."""
        return len(self.weights)

    def target(self, layer: int) -> FloatArray:
        """Return what layer `layer` (0-based) should produce: U_i, or Y on top."""
        return self.preactivations[layer] if layer < self.n_layers - 1 else self.Y

    def residual(self, layer: int) -> FloatArray:
        """Return U_i - A_i (or Y - A_h), a new array."""
        return self.target(layer) - self.products[layer]

    def refresh_product(self, layer: int) -> None:
        """Compute A_i = V_{i-1} W_i^T again, in place."""
        layer_product(self.activations[layer], self.weights[layer], out=self.products[layer])

    def copy(self) -> "State":
        """Return a deep copy, to keep what a later step will change."""
        return State(
            self.Y,
            [V.copy(order="K") for V in self.activations],
            [U.copy(order="K") for U in self.preactivations],
            [W.copy() for W in self.weights],
            [A.copy(order="K") for A in self.products],
        )


def fit_or_coupling(state: State, coefficients: Coefficients, layer: int) -> float:
    """Return (tau_i/2) |U_i - A_i|^2, or 1/2 |Y - A_h|^2 for the last layer."""
    distance = squared_distance(state.target(layer), state.products[layer])
    return coefficients.layer_weight(layer) / 2 * distance


def activation_mismatch(state: State, coefficients: Coefficients, layer: int) -> float:
    """Return (pi_i/2) |V_i - step(U_i)|^2 for the hidden layer `layer` (0-based)."""
    V, U = state.activations[layer + 1], state.preactivations[layer]
    total = 0.0
    for rows in row_blocks(len(U)):
        difference = (V[rows, :-1] - (U[rows] > 0)).ravel(order="K")
        total += float(difference @ difference)
    return coefficients.pi[layer] / 2 * total


def ridge(state: State, coefficients: Coefficients) -> float:
    """Return sum_i (gamma_i/2) |W_i|^2."""
    pairs = zip(coefficients.gamma, state.weights, strict=True)
    return sum(gamma / 2 * float(np.vdot(W, W)) for gamma, W in pairs)


def sparsity(state: State, coefficients: Coefficients) -> float:
    """Return sum_i lam_i (number of non-zero groups of W_i)."""
    pairs = zip(coefficients.lam, state.weights, strict=True)
    return sum(lam * nonzero_groups(W, coefficients.groups) for lam, W in pairs)


def term_names(n_layers: int, splitting: str) -> list[str]:
    """Return the names of the terms of F for a net of `n_layers` layers."""
    hidden = range(1, n_layers)
    names = ["fit", *(f"coupling_{i}" for i in hidden)]
    if splitting != "two":
        names += [f"activation_{i}" for i in hidden]
    return [*names, "ridge", "sparsity"]


def evaluate_term(name: str, state: State, coefficients: Coefficients) -> float:
    """Return one term of F by its name."""
    kind, _, number = name.partition("_")
    if kind == "fit":
        return fit_or_coupling(state, coefficients, state.n_layers - 1)
    if kind == "coupling":
        return fit_or_coupling(state, coefficients, int(number) - 1)
    if kind == "activation":
        return activation_mismatch(state, coefficients, int(number) - 1)
    return {"ridge": ridge, "sparsity": sparsity}[kind](state, coefficients)


def objective(state: State, coefficients: Coefficients, splitting: str) -> dict[str, float]:
    """Return F term by term.

    Parameters
    ----------
    state : State
        The variables.
    coefficients : Coefficients
        The prices.
    splitting : {"two", "three", "joint"}
        Which form; "two" has no activation terms, since there V_i = step(U_i).

    Returns
    -------
    dict of str to float
        The terms ``fit``, ``coupling_i``, ``activation_i``, ``ridge`` and ``sparsity``, whose sum
        is F.
    """
    names = term_names(state.n_layers, splitting)
    return {name: evaluate_term(name, state, coefficients) for name in names}
