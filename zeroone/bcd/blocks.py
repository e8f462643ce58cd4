"""The closed-form block updates of the penalised objective: ridge, ridge, a choice per entry.

Each function is the exact minimiser of F over one block with the others held fixed (theory, B1).
The two ridge problems are solved *from where the block is*: with the residual R = U - V W^T and its
correlation C = R^T V with the layer's input,

    W + (tau C - gamma W) H^{-1},   H = tau V^T V + gamma I

is the same matrix as tau U^T V H^{-1} for every W. In floating point the first is the better one:
its rounding error is proportional to the step, so that F goes down even in single precision on
data whose Gram matrix is nearly singular.
"""

import numpy as np

from zeroone.bcd.systems import inverse
from zeroone.prox import group_hard_threshold
from zeroone.rows import row_blocks
from zeroone.validation import BoolArray, FloatArray

# The two remedies for the infimum over u > 0 that is not attained; see `nearest_on_side`.
REMEDIES = ("tiny", "margin")

# Entries of a matrix that are handled at a time where temporaries should stay in the cache.
PIECE = 2**16


class Gram:
    """A Gram matrix V^T V, and the inverse of ``scale * V^T V + ridge * I``.

    The inverse is kept until another scale or ridge is asked for, so that for the first layer,
    whose input never changes, it is computed once.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_inputs)
        The layer's input.
    """

    def __init__(self, V: FloatArray) -> None:
        # The system is small, so it is kept and solved in double precision whatever V's is.
        self.precision = float(np.finfo(V.dtype).eps)
        self.matrix = (V.T @ V).astype(np.float64, copy=False)
        self._asked: tuple[float, float] | None = None
        self._inverse: FloatArray | None = None

    def regularised(self, scale: float, ridge: float) -> FloatArray:
        """Return ``scale * V^T V + ridge * I``, shape (n_inputs, n_inputs).

        The ridge is raised by the rounding error of the product V^T V itself, which may have made
        it indefinite. For `ridge_weights` that is one more proximity term: F still falls.
        """
        H = scale * self.matrix
        H.flat[:: len(H) + 1] += ridge + self.precision * scale * float(np.trace(self.matrix))
        return H

    def solve(self, rows: FloatArray, scale: float, ridge: float) -> FloatArray:
        """Return ``rows @ inverse(scale * V^T V + ridge * I)``, shape (n_rows, n_inputs)."""
        if self._inverse is None or self._asked != (scale, ridge):
            self._inverse = inverse(self.regularised(scale, ridge))
            self._asked = (scale, ridge)
        return rows.astype(np.float64, copy=False) @ self._inverse

    def largest_eigenvalue(self) -> float:
        """Return |V^T V|_2."""
        return float(np.linalg.eigvalsh(self.matrix)[-1])


def correlate(T: FloatArray, A: FloatArray, V: FloatArray) -> FloatArray:
    """Return C = (T - A)^T V, the correlation of a layer's residual with its input.

    Parameters
    ----------
    T, A : ndarray, shape (n_samples, n_out)
        What the layer should produce (U_i, or Y) and what it does, V W^T.
    V : ndarray, shape (n_samples, n_in)
        Its input.

    Returns
    -------
    ndarray, shape (n_out, n_in)
    """
    total = np.zeros((T.shape[1], V.shape[1]), V.dtype)
    # In blocks of rows, large enough for the product, so that the residual is never stored whole.
    for rows in row_blocks(len(V), 4096):
        total += (T[rows] - A[rows]).T @ V[rows]
    return total


def ridge_weights(
    W: FloatArray, C: FloatArray, gram: Gram, *, tau: float, gamma: float
) -> FloatArray:
    """Minimise (tau/2) |U - V W^T|^2 + (gamma/2) |W|^2 over W.

    Parameters
    ----------
    W : ndarray, shape (n_out, n_in)
        The present weights.
    C : ndarray, shape (n_out, n_in)
        Correlation of the residual at these weights with the layer's input; see `correlate`.
    gram : Gram
        That of the layer's input V.
    tau : float
        Weight of the residual, > 0.
    gamma : float
        Ridge, > 0.

    Returns
    -------
    ndarray, shape (n_out, n_in)
        W = tau U^T V (tau V^T V + gamma I)^{-1} (theory, B1).
    """
    downhill = tau * C - gamma * W
    return (W + gram.solve(downhill, tau, gamma)).astype(W.dtype, copy=False)


def keep_rows(W: FloatArray, gram: Gram, *, tau: float, gamma: float, lam: float) -> FloatArray:
    """Set to zero the rows of the ridge solution that are not worth their price.

    With an l2,0 penalty F separates over rows. With H = tau V^T V + gamma I, the row w that
    minimises the ridge problem lowers F by 1/2 w^T H w below what the zero row costs, against a
    price of lam: it stays iff w^T H w > 2 lam (theory, B1; on a tie, zero).

    Parameters
    ----------
    W : ndarray, shape (n_out, n_in)
        The rows that minimise the ridge problem.
    gram : Gram
        That of the layer's input.
    tau, gamma, lam : float
        Weight of the residual, ridge, price of a non-zero row.

    Returns
    -------
    ndarray, shape (n_out, n_in)
    """
    gain = np.einsum("ji,ji->j", W @ gram.regularised(tau, gamma), W)
    return np.where((gain > 2 * lam)[:, None], W, 0).astype(W.dtype, copy=False)


def proximal_linear_columns(
    W: FloatArray, C: FloatArray, gram: Gram, *, tau: float, gamma: float, lam: float
) -> FloatArray:
    """Take a proximal-linear step on W with the l2,0 penalty on its columns.

    On columns F does not separate. A gradient step of length s = 1/(tau |V^T V|_2 + gamma) followed
    by the group hard threshold at s * lam minimises a quadratic that lies above F and touches it at
    W, so F does not rise (theory, B1). The last column, the bias, is not penalised.

    Parameters
    ----------
    W, C, gram, tau, gamma
        As in `ridge_weights`.
    lam : float
        Price of a non-zero column, >= 0.

    Returns
    -------
    ndarray, shape (n_out, n_in)
    """
    # The eigenvalue has a rounding error; the quadratic must not fall below F because of it.
    length = 1 / ((1 + 1e-6) * tau * gram.largest_eigenvalue() + gamma)
    moved = W + length * (tau * C - gamma * W)
    moved[:, :-1] = group_hard_threshold(moved[:, :-1], length * lam, groups="columns")
    return moved.astype(W.dtype, copy=False)


def ridge_on_columns(
    W: FloatArray, C: FloatArray, gram: Gram, *, tau: float, gamma: float
) -> FloatArray:
    """Minimise the ridge problem over the columns of W that are not zero; the others stay zero.

    Parameters
    ----------
    W, C, gram, tau, gamma
        As in `ridge_weights`; the bias column always takes part.

    Returns
    -------
    ndarray, shape (n_out, n_in)
    """
    kept = np.append(np.any(W[:, :-1], axis=0), True)
    H = gram.regularised(tau, gamma)[np.ix_(kept, kept)]
    downhill = (tau * C - gamma * W)[:, kept].astype(np.float64)
    result = W.copy()
    result[:, kept] += downhill @ inverse(H)
    return result


def ridge_activations(
    V: FloatArray,
    S: FloatArray | BoolArray,
    R: FloatArray,
    W: FloatArray,
    *,
    tau: float,
    pi: float,
) -> FloatArray:
    """Minimise (tau/2) |U_next - b - V W^T|^2 + (pi/2) |V - S|^2 over the activations V.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_units)
        The present activations, without the constant column.
    S : ndarray, shape (n_samples, n_units)
        step(U), 0/1 of any type.
    R : ndarray, shape (n_samples, n_next)
        The next layer's residual U_next - b - V W^T at V.
    W : ndarray, shape (n_next, n_units)
        The next layer's weights without the bias column.
    tau : float
        Weight of the next layer's residual (1 for the output layer), > 0.
    pi : float
        Weight of the activations' mismatch, > 0.

    Returns
    -------
    ndarray, shape (n_samples, n_units)
        The solution of V (tau W^T W + pi I) = tau (U_next - b) W + pi S (theory, B1).
    """
    H = tau * (W.T @ W).astype(np.float64)
    H.flat[:: len(H) + 1] += pi
    solution = inverse(H).astype(V.dtype)
    result = np.empty_like(V)
    for rows in row_blocks(len(V)):
        downhill = tau * (R[rows] @ W) - pi * (V[rows] - S[rows])
        result[rows] = V[rows] + downhill @ solution
    return result


def nearest_on_side(
    A: FloatArray, S: FloatArray | BoolArray, margin: float, out: FloatArray | None = None
) -> FloatArray:
    """Return the pre-activations nearest to A on the side of the threshold that S names.

    The sets are {u : step(u) = 1} = (0, inf), which is open, and {u : step(u) = 0} = (-inf, 0].
    Two remedies make the nearest point exist (theory, B1):

        tiny    (margin = 0)  u = max(a, smallest positive normal float)  or  u = min(a, 0)
        margin  (margin > 0)  u = max(a, margin)                          or  u = min(a, -margin)

    Parameters
    ----------
    A : ndarray
        The pre-activations V_{i-1} W_i^T.
    S : ndarray of the same shape
        The sides, 0/1 of any type.
    margin : float
        The half-width of the gap around 0; 0 for the remedy "tiny".
    out : ndarray of the shape of A, optional
        Where to write the result.

    Returns
    -------
    ndarray of the shape of A
    """
    result = np.empty_like(A) if out is None else out
    if margin == 0:
        tiny = np.finfo(A.dtype).smallest_normal
        for rows in row_blocks(len(A)):
            a = A[rows]
            result[rows] = np.where(S[rows], np.maximum(a, tiny), np.minimum(a, 0))
        return result
    # Along memory, in pieces that fit the cache; with z = -1, +1 for the side both cases are
    # z max(z a, margin), which is several times faster than a choice between two arrays.
    a, sides, nearest = (A.T, S.T, result.T) if A.flags.f_contiguous else (A, S, result)
    for rows in row_blocks(len(a), max(1, PIECE // max(a[0].size, 1))):
        z = sides[rows].astype(A.dtype)
        z *= 2
        z -= 1
        np.multiply(a[rows], z, out=nearest[rows])
        np.maximum(nearest[rows], margin, out=nearest[rows])
        nearest[rows] *= z
    return result


def crossing_cost(A: FloatArray, margin: float) -> FloatArray:
    """Return distance(a, {step = 1})^2 - distance(a, {step = 0})^2 for every entry a of A.

    With the margin m the two distances are max(m - a, 0) and max(a + m, 0); for m = 0 (remedy
    "tiny") the result is -a|a|. It falls with a: a negative entry says that firing is nearer.
    """
    above = np.maximum(margin - A, 0)
    below = np.maximum(A + margin, 0)
    return (above - below) * (above + below)


def update_preactivations(
    A: FloatArray, V: FloatArray, *, tau: float, pi: float, margin: float
) -> FloatArray:
    """Minimise (tau/2) (u - a)^2 + (pi/2) (v - step(u))^2 over u, for every entry.

    Parameters
    ----------
    A : ndarray, shape (n_samples, n_units)
        The pre-activations V_{i-1} W_i^T.
    V : ndarray, shape (n_samples, n_units)
        The activations, without the constant column.
    tau, pi : float
        The weights of the two terms.
    margin : float
        The half-width of the gap around 0 if u is confined to |u| >= margin; 0 for the remedy
        "tiny".

    Returns
    -------
    ndarray, shape (n_samples, n_units)
        The better of the nearest point with step(u) = 1 and the nearest with step(u) = 0
        (theory, B1). On a tie, the one with step(u) = 0.
    """
    result = np.empty_like(A)
    for rows in row_blocks(len(A)):
        # The cost of firing less the cost of not firing, times 2.
        difference = tau * crossing_cost(A[rows], margin) + pi * (1 - 2 * V[rows])
        result[rows] = nearest_on_side(A[rows], difference < 0, margin)
    return result
