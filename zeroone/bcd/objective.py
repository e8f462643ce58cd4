"""The penalised objective of a 0/1 MLP, its variables, and its terms one by one.

A net with h layers maps the input V_0 = X through pre-activations A_i = V_{i-1} W_i^T + b_i and
step activations to a linear output. Block coordinate descent frees the pre-activations U_i and the
activations V_i, and every disagreement has a price:

    F(W, b, U, V) = 1/2 |Y - A_h|^2                                     fit
                  + sum_{i<h} (tau_i/2) |U_i - A_i|^2                   coupling_i
                  + sum_{i<h} (pi_i/2) |V_i - step(U_i)|^2              activation_i
                  + sum_i (gamma_i/2) (|W_i|^2 + |b_i|^2)               ridge
                  + sum_i lam_i (number of non-zero groups of W_i)      sparsity

(three-splitting form; Zhang, Zhou, Li, Xiu, arXiv:2206.09379; docs/theory.md#b). Setting V_i =
step(U_i) removes the activation terms and gives the two-splitting form (docs/theory.md#b2).

With sample weights s_n, every squared distance |P - Q|^2 is sum_n s_n |p_n - q_n|^2. The ridge and
the price of groups belong to no sample, so a sample of weight 2 is the same as that sample twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeroone.support.rows import row_blocks
from zeroone.support.validation import BoolArray, FloatArray, check_number

# Prices outside of these numbers overflow single precision where they are multiplied.
LEAST_PRICE, LARGEST_PRICE = 1e-10, 1e10

# The ridge takes part in double precision only.
LEAST_RIDGE = 1e-30

# The weights and the biases of one layer.
Layer = tuple[FloatArray, FloatArray]

# How many times as large as their sum the terms of a pre-activation may be in single precision.
CANCELLATION = 64


def layer_product(
    V: FloatArray, W: FloatArray, b: FloatArray, out: FloatArray | None = None
) -> FloatArray:
    """Return A = V W^T + b in Fortran order: what a neuron makes of all samples lies together.

    In single precision, a neuron whose terms cancel (features with a large mean, or nearly
    collinear ones) is computed in double precision, a block of rows at a time: what its A loses to
    rounding would be larger than what a block update gains.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
    W : ndarray, shape (n_out, n_in)
    b : ndarray, shape (n_out,)
    out : ndarray, shape (n_samples, n_out), optional
        Where to write it, in Fortran order.

    Returns
    -------
    ndarray, shape (n_samples, n_out)
    """
    A = np.matmul(W, V.T, out=None if out is None else out.T).T
    A += b
    if A.dtype == np.float32:
        some = row_blocks(len(V))[0]
        with np.errstate(invalid="ignore"):  # some BLAS libraries warn of finite numbers, too
            terms = np.mean(V[some] ** 2, axis=0) @ (W**2).T + b**2
        lost = terms > CANCELLATION**2 * np.mean(A[some] ** 2, axis=0)
        if lost.any():
            doubles = W[lost].astype(np.float64)
            for rows in row_blocks(len(V)):
                A[rows, lost] = V[rows] @ doubles.T + b[lost]
    return A


def squared_distance(
    P: FloatArray, Q: FloatArray | BoolArray, sample_weight: FloatArray | None = None
) -> float:
    """Return |P - Q|^2, or sum_n s_n |p_n - q_n|^2, in double precision over blocks of rows."""
    total = 0.0
    for rows in row_blocks(len(P)):
        if sample_weight is not None:
            squares = np.square((P[rows] - Q[rows]).astype(np.float64)).sum(axis=1)
            total += float(sample_weight[rows] @ squares)
            continue
        difference = (P[rows] - Q[rows]).ravel(order="K").astype(np.float64, copy=False)
        total += float(difference @ difference)
    return total


def nonzero_groups(W: FloatArray, b: FloatArray, groups: str) -> int:
    """Return the number of non-zero rows of [W b] (groups "rows") or columns of W ("columns")."""
    if groups == "rows":
        return int(np.count_nonzero(np.any(W, axis=1) | (b != 0)))
    return int(np.count_nonzero(np.any(W, axis=0)))


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
        What a group is: a row of W_i with its bias (a neuron), or a column (an input of the layer).
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
    name: str, value: float | Sequence[float], layers: int, *, minimum: float = LEAST_PRICE
) -> tuple[float, ...]:
    """Return one checked price for each layer, from a number or from one number a layer.

    Raises
    ------
    ValueError
        If there are too many or too few, or one is below `minimum` or above `LARGEST_PRICE`.
    """
    values = [value] * layers if np.ndim(value) == 0 else list(value)  # type: ignore[arg-type]
    if len(values) != layers:
        raise ValueError(f"{name} must be one number or {layers} of them, but has {len(values)}")
    return tuple(
        check_number(name, each, minimum=minimum, maximum=LARGEST_PRICE) for each in values
    )


@dataclass
class State:
    """The variables of F, with the products V_{i-1} W_i^T + b_i kept up to date.

    Lists are indexed from 0: ``weights[0]`` is W_1, ``preactivations[0]`` is U_1, and
    ``activations[0]`` is V_0 = X.

    Parameters
    ----------
    Y : ndarray, shape (n_samples, n_outputs)
        The targets.
    activations : list of ndarray, shape (n_samples, n_i)
        V_0, ..., V_{h-1}.
    preactivations : list of ndarray, shape (n_samples, n_i)
        U_1, ..., U_{h-1}.
    weights : list of ndarray, shape (n_i, n_{i-1})
        W_1, ..., W_h.
    biases : list of ndarray, shape (n_i,)
        b_1, ..., b_h.
    products : list of ndarray, shape (n_samples, n_i)
        A_i = V_{i-1} W_i^T + b_i for i = 1, ..., h.
    sample_weight : ndarray, shape (n_samples,), optional
        s, > 0; by default 1 each.
    """

    Y: FloatArray
    activations: list[FloatArray]
    preactivations: list[FloatArray]
    weights: list[FloatArray]
    biases: list[FloatArray]
    products: list[FloatArray]
    sample_weight: FloatArray | None = None

    @property
    def n_layers(self) -> int:
        """The number h of layers, the linear one included."""
        return len(self.weights)

    def layers(self) -> list[Layer]:
        """Return (W_i, b_i) of every layer."""
        return list(zip(self.weights, self.biases, strict=True))

    def target(self, layer: int) -> FloatArray:
        """Return what layer `layer` (0-based) should produce: U_i, or Y on top."""
        return self.preactivations[layer] if layer < self.n_layers - 1 else self.Y

    def residual(self, layer: int) -> FloatArray:
        """Return U_i - A_i (or Y - A_h), a new array."""
        return self.target(layer) - self.products[layer]

    def refresh_product(self, layer: int) -> None:
        """Compute A_i = V_{i-1} W_i^T + b_i again, in place."""
        V, out = self.activations[layer], self.products[layer]
        layer_product(V, self.weights[layer], self.biases[layer], out=out)

    def copy(self) -> "State":
        """Return a deep copy, to keep what a later step will change."""
        lists = (self.activations, self.preactivations, self.weights, self.biases, self.products)
        V, U, W, b, A = ([each.copy(order="K") for each in arrays] for arrays in lists)
        return State(self.Y, V, U, W, b, A, self.sample_weight)


def fit_or_coupling(state: State, coefficients: Coefficients, layer: int) -> float:
    """Return (tau_i/2) |U_i - A_i|^2, or 1/2 |Y - A_h|^2 for the last layer."""
    distance = squared_distance(state.target(layer), state.products[layer], state.sample_weight)
    return coefficients.layer_weight(layer) / 2 * distance


def activation_mismatch(state: State, coefficients: Coefficients, layer: int) -> float:
    """Return (pi_i/2) |V_i - step(U_i)|^2 for the hidden layer `layer` (0-based)."""
    V, U = state.activations[layer + 1], state.preactivations[layer]
    return coefficients.pi[layer] / 2 * squared_distance(V, U > 0, state.sample_weight)


def ridge(state: State, coefficients: Coefficients) -> float:
    """Return sum_i (gamma_i/2) (|W_i|^2 + |b_i|^2)."""
    return sum(
        gamma
        / 2
        * float(np.sum(np.square(W, dtype=np.float64)) + np.sum(np.square(b, dtype=float)))
        for gamma, (W, b) in zip(coefficients.gamma, state.layers(), strict=True)
    )


def sparsity(state: State, coefficients: Coefficients) -> float:
    """Return sum_i lam_i (number of non-zero groups of W_i)."""
    return sum(
        lam * nonzero_groups(W, b, coefficients.groups)
        for lam, (W, b) in zip(coefficients.lam, state.layers(), strict=True)
    )


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
