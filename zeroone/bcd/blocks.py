"""The closed-form block updates of the penalised objective: ridge, ridge, a choice per entry.

Each function is the exact minimiser of F over one block with the others held fixed
(docs/theory.md#b1). The two ridge problems are solved *from where the block is*. With V' = [V 1],
the rows W' = [W b], and the correlation C' = R^T V' of the residual R = U - V' W'^T,

    W' + (tau C' - gamma W') H^{-1},   H = tau V'^T V' + gamma I

is the same matrix as tau U^T V' H^{-1} for every W'. In floating point the first is the better one:
its rounding error is proportional to the step. `Gram` is the one place that knows of V' and W'.
"""

import numpy as np

from zeroone.bcd.objective import Layer
from zeroone.penalties import group_hard_threshold
from zeroone.support.rows import row_blocks
from zeroone.support.validation import BoolArray, FloatArray

# The two remedies for the infimum over u > 0 that is not attained; see `nearest_on_side`.
REMEDIES = ("tiny", "margin")

# A larger margin overflows single precision once it is squared and priced.
LARGEST_MARGIN = 1e6

# Entries of a matrix that are handled at a time where temporaries should stay in the cache.
PIECE = 2**16

# Rows that are multiplied at a time where a product is added up in double precision.
ROWS = 4096


def inverse(H: FloatArray) -> FloatArray:
    """Return the inverse of a positive definite float64 matrix, exactly symmetric.

    NumPy's inverse, because SciPy brings a BLAS of its own, whose waiting threads take the cores
    from NumPy's: with SciPy's Cholesky factors an epoch took twice as long on two threads as on
    one. The updates are corrections of what is there already, and its rounding error is one in the
    correction only.
    """
    result = np.linalg.inv(H)
    return (result + result.T) / 2


def gram_matrix(
    V: FloatArray, *, bias: bool = True, sample_weight: FloatArray | None = None
) -> FloatArray:
    """Return V^T V, or [V 1]^T [V 1] with a `bias`, added up in double precision.

    On features that are nearly collinear with each other or with the constant, a float32 product
    loses what the ridge problem is decided by, and F rises. In blocks of rows no float64 copy of V
    is kept. For float32 input it takes 2.4 times the seconds of the float32 product, but for 0/1
    input 1.2 times.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
    bias : bool, default True
        Whether the layer has a bias: the last row and column are then the sums of V, and n_samples.
    sample_weight : ndarray, shape (n_samples,), optional
        s, for [V 1]^T diag(s) [V 1] instead.

    Returns
    -------
    ndarray, shape (n_in + 1, n_in + 1) or (n_in, n_in), float64
    """
    n_in = V.shape[1]
    result = np.zeros((n_in + bias, n_in + bias))
    for rows in row_blocks(len(V), ROWS):
        block = V[rows]
        if sample_weight is not None:
            block = block.astype(np.float64)
            weighted = block * sample_weight[rows, np.newaxis]
            result[:n_in, :n_in] += weighted.T @ block
            if bias:
                result[n_in, :n_in] += weighted.sum(axis=0)
            continue
        # Single precision counts ones exactly, and twice as fast.
        if block.dtype == np.float32 and not np.all((block == 0) | (block == 1)):
            block = block.astype(np.float64)
        result[:n_in, :n_in] += block.T @ block
        if bias:
            result[n_in, :n_in] += block.sum(axis=0)
    if bias:
        result[:n_in, n_in] = result[n_in, :n_in]
        result[n_in, n_in] = total_weight(len(V), sample_weight)
    if sample_weight is None:
        return result
    return (result + result.T) / 2  # the product above is symmetric only up to rounding


def total_weight(n_samples: int, sample_weight: FloatArray | None) -> float:
    """Return the sum of the sample weights: the number of samples if there are none."""
    if sample_weight is None:
        return n_samples
    return float(np.sum(sample_weight, dtype=np.float64))


class Gram:
    """The Gram matrix of a layer's input and its constant, and all that is solved with it.

    The inverse is kept until another scale or ridge is asked for, so that for the first layer,
    whose input never changes, it is computed once.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in)
        The layer's input.
    bias : bool, default True
        Whether the layer has a bias. Without one, b stays as it is.
    sample_weight : ndarray, shape (n_samples,), optional

    Attributes
    ----------
    matrix : ndarray, shape (n_in + 1, n_in + 1) or (n_in, n_in)
        See `gram_matrix`.
    """

    def __init__(
        self, V: FloatArray, *, bias: bool = True, sample_weight: FloatArray | None = None
    ) -> None:
        self.bias = bias
        self.matrix = gram_matrix(V, bias=bias, sample_weight=sample_weight)
        self._asked: tuple[float, float] | None = None
        self._inverse: FloatArray | None = None

    def join(self, W: FloatArray, b: FloatArray) -> FloatArray:
        """Return the rows [W b] in double precision (W alone without a bias)."""
        return np.column_stack([W, b] if self.bias else [W]).astype(np.float64, copy=False)

    def split(self, rows: FloatArray, dtype: np.dtype) -> Layer:
        """Return (W, b) of the rows [W b]; without a bias, b is 0."""
        if not self.bias:
            return rows.astype(dtype), np.zeros(len(rows), dtype)
        return rows[:, :-1].astype(dtype), rows[:, -1].astype(dtype)

    def regularised(self, tau: float, gamma: float) -> FloatArray:
        """Return H = tau V^T V + gamma I.

        gamma is raised by the rounding error of the product V^T V, which may have made it
        indefinite. For `ridge_weights` that is one more price of moving: F still falls.
        """
        H = tau * self.matrix
        rounding = float(np.finfo(np.float64).eps) * tau * float(np.trace(self.matrix))
        H.flat[:: len(H) + 1] += gamma + rounding
        return H

    def solve(self, rows: FloatArray, tau: float, gamma: float) -> FloatArray:
        """Return rows H^{-1}."""
        if self._inverse is None or self._asked != (tau, gamma):
            self._inverse = inverse(self.regularised(tau, gamma))
            self._asked = (tau, gamma)
        return rows @ self._inverse

    def largest_eigenvalue(self) -> float:
        """Return |V^T V|_2."""
        return float(np.linalg.eigvalsh(self.matrix)[-1])


def correlate(
    T: FloatArray, A: FloatArray, V: FloatArray, sample_weight: FloatArray | None = None
) -> Layer:
    """Return the correlations R^T V and R^T 1 of the residual R = T - A with a layer's input.

    Parameters
    ----------
    T, A : ndarray, shape (n_samples, n_out)
        What the layer should produce (U_i, or Y) and what it does, V W^T + b.
    V : ndarray, shape (n_samples, n_in)
        Its input.
    sample_weight : ndarray, shape (n_samples,), optional
        Of the rows of R; by default 1 each.

    Returns
    -------
    C : ndarray, shape (n_out, n_in)
    c : ndarray, shape (n_out,)
    """
    C, c = np.zeros((T.shape[1], V.shape[1]), V.dtype), np.zeros(T.shape[1], V.dtype)
    # In blocks of rows, large enough for the product, so that the residual is never stored whole.
    for rows in row_blocks(len(V), ROWS):
        R = T[rows] - A[rows]
        if sample_weight is not None:
            R *= sample_weight[rows, np.newaxis]
        C += R.T @ V[rows]
        c += R.sum(axis=0)
    return C, c


def row_falls(step: FloatArray, downhill: FloatArray, H: FloatArray) -> FloatArray:
    """Return by how much F falls for each row of [W b] that moves by `step`, shape (n_out,).

    F is a quadratic with the negative gradient `downhill` and the Hessian H, so that the fall is
    downhill . step - 1/2 step . H step.
    """
    return np.einsum("ji,ji->j", step, downhill - step @ H / 2)


def ridge_weights(
    W: FloatArray,
    b: FloatArray,
    C: FloatArray,
    c: FloatArray,
    gram: Gram,
    *,
    tau: float,
    gamma: float,
) -> Layer:
    """Minimise (tau/2) |U - V W^T - b|^2 + (gamma/2) (|W|^2 + |b|^2) over W and b.

    Parameters
    ----------
    W : ndarray, shape (n_out, n_in)
        The present weights.
    b : ndarray, shape (n_out,)
        The present biases.
    C, c : ndarray, shape (n_out, n_in) and (n_out,)
        Correlations of the residual at these weights with the layer's input; see `correlate`.
    gram : Gram
        That of the layer's input V.
    tau : float
        Weight of the residual, > 0.
    gamma : float
        Ridge, > 0.

    Returns
    -------
    W : ndarray, shape (n_out, n_in)
    b : ndarray, shape (n_out,)
        [W b] = tau U^T [V 1] (tau [V 1]^T [V 1] + gamma I)^{-1} (docs/theory.md#b1). A row that
        would raise F once it is rounded to the precision of W stays as it is.
    """
    rows = gram.join(W, b)
    downhill = tau * gram.join(C, c) - gamma * rows
    solution = gram.join(*gram.split(rows + gram.solve(downhill, tau, gamma), W.dtype))
    lower = row_falls(solution - rows, downhill, gram.regularised(tau, gamma)) > 0
    return gram.split(np.where(lower[:, None], solution, rows), W.dtype)


def keep_rows(
    W: FloatArray, b: FloatArray, gram: Gram, *, tau: float, gamma: float, lam: float
) -> Layer:
    """Set to zero the rows of the ridge solution that are not worth their price.

    With an l2,0 penalty F separates over rows. With H = tau V^T V + gamma I for the input and its
    constant, the row w that minimises the ridge problem lowers F by 1/2 w^T H w below what the zero
    row costs, against a price of lam: it stays iff w^T H w > 2 lam (docs/theory.md#b1; on a tie,
    zero).

    Parameters
    ----------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
        The rows that minimise the ridge problem.
    gram : Gram
        That of the layer's input.
    tau, gamma, lam : float
        Weight of the residual, ridge, price of a non-zero row.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
    """
    rows = gram.join(W, b)
    gain = np.einsum("ji,ji->j", rows @ gram.regularised(tau, gamma), rows)
    return gram.split(np.where((gain > 2 * lam)[:, None], rows, 0), W.dtype)


def proximal_linear_columns(
    W: FloatArray,
    b: FloatArray,
    C: FloatArray,
    c: FloatArray,
    gram: Gram,
    *,
    tau: float,
    gamma: float,
    lam: float,
) -> Layer:
    """Take a proximal-linear step on W and b with the l2,0 penalty on the columns of W.

    On columns F does not separate. A gradient step of length s = 1/(tau |V^T V|_2 + gamma) followed
    by the group hard threshold at s * lam minimises a quadratic that lies above F and touches it at
    W, so F does not rise (docs/theory.md#b1). The bias is not penalised.

    Parameters
    ----------
    W, b, C, c, gram, tau, gamma
        As in `ridge_weights`.
    lam : float
        Price of a non-zero column, >= 0.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
        As they came if the step, rounded to their precision, would raise F.
    """
    rows = gram.join(W, b)
    downhill = tau * gram.join(C, c) - gamma * rows
    # The eigenvalue has a rounding error; the quadratic must not fall below F because of it.
    length = 1 / ((1 + 1e-6) * tau * gram.largest_eigenvalue() + gamma)
    moved, bias = gram.split(rows + length * downhill, W.dtype)
    moved = group_hard_threshold(moved, length * lam, groups="columns")
    step = gram.join(moved, bias) - rows
    fall = row_falls(step, downhill, gram.regularised(tau, gamma)).sum()
    fall += lam * (np.count_nonzero(W.any(axis=0)) - np.count_nonzero(moved.any(axis=0)))
    return (moved, bias) if fall > 0 else (W, b)


def ridge_on_columns(
    W: FloatArray,
    b: FloatArray,
    C: FloatArray,
    c: FloatArray,
    gram: Gram,
    *,
    tau: float,
    gamma: float,
) -> Layer:
    """Minimise the ridge problem over b and the columns of W that are not zero.

    Parameters
    ----------
    W, b, C, c, gram, tau, gamma
        As in `ridge_weights`. The other columns stay zero.

    Returns
    -------
    W, b : ndarray, shape (n_out, n_in) and (n_out,)
    """
    rows = gram.join(W, b)
    kept = np.append(W.any(axis=0), np.ones(rows.shape[1] - W.shape[1], dtype=bool))
    downhill = (tau * gram.join(C, c) - gamma * rows)[:, kept]
    H = gram.regularised(tau, gamma)[np.ix_(kept, kept)]
    solution = rows.copy()
    solution[:, kept] += downhill @ inverse(H)
    solution = gram.join(*gram.split(solution, W.dtype))
    lower = row_falls((solution - rows)[:, kept], downhill, H) > 0
    return gram.split(np.where(lower[:, None], solution, rows), W.dtype)


def ridge_activations(
    V: FloatArray,
    S: FloatArray | BoolArray,
    R: FloatArray,
    W: FloatArray,
    *,
    tau: float,
    pi: float,
) -> FloatArray:
    """Minimise (tau/2) |U_next - V W^T - b|^2 + (pi/2) |V - S|^2 over the activations V.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_units)
        The present activations.
    S : ndarray, shape (n_samples, n_units)
        step(U), 0/1 of any type.
    R : ndarray, shape (n_samples, n_next)
        The next layer's residual U_next - V W^T - b at V.
    W : ndarray, shape (n_next, n_units)
        The next layer's weights.
    tau : float
        Weight of the next layer's residual (1 for the output layer), > 0.
    pi : float
        Weight of the activations' mismatch, > 0.

    Returns
    -------
    ndarray, shape (n_samples, n_units)
        The solution of V (tau W^T W + pi I) = tau (U_next - b) W + pi S (docs/theory.md#b1).
    """
    doubles = W.astype(np.float64, copy=False)
    H = tau * (doubles.T @ doubles)
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
    Two remedies make the nearest point exist (docs/theory.md#b1):

        tiny    (margin = 0)  u = max(a, smallest positive normal float)  or  u = min(a, 0)
        margin  (margin > 0)  u = max(a, margin)                          or  u = min(a, -margin)

    Parameters
    ----------
    A : ndarray
        The pre-activations V_{i-1} W_i^T + b_i.
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
        The pre-activations V_{i-1} W_i^T + b_i.
    V : ndarray, shape (n_samples, n_units)
        The activations.
    tau, pi : float
        The weights of the two terms.
    margin : float
        The half-width of the gap around 0 if u is confined to |u| >= margin; 0 for the remedy
        "tiny".

    Returns
    -------
    ndarray, shape (n_samples, n_units)
        The better of the nearest point with step(u) = 1 and the nearest with step(u) = 0
        (docs/theory.md#b1). On a tie, the one with step(u) = 0.
    """
    result = np.empty_like(A)
    for rows in row_blocks(len(A)):
        # The cost of firing less the cost of not firing, times 2; it may be beyond the precision.
        with np.errstate(over="ignore"):
            difference = tau * crossing_cost(A[rows], margin) + pi * (1 - 2 * V[rows])
        result[rows] = nearest_on_side(A[rows], difference < 0, margin)
    return result
