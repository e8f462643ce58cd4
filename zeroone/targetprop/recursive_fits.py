"""The convex problems of recursive target propagation: one layer's weights, its input fixed.

With a layer's input V (a row per sample, the last column ones) each unit with targets t, and the
output layer with labels, has a problem of its own (theory, C) ::

    unit      J(w) = 1/N sum_n |t_n| loss(t_n w.v_n)  +  (ridge/2) |w|^2
    output    J(W) = output loss(V W^T, labels)       +  (ridge/2) |W|^2

Both are convex, since the losses are. The smooth ones are minimised by L-BFGS. A hinge is piecewise
linear, so its problem, taken without the ridge, is a linear program, solved exactly.

With a ridge that is small enough the fit decides feasibility by itself. Let targets be met at the
margin r > 0, that is t_n w.v_n >= r for all n and some |w| = 1. Then w/r has no loss from either
hinge, so J at the minimum is at most ridge/(2 r^2); but a sample on the wrong side costs 1/N at
least. So if ridge < 2 r^2/N, no sample is missed.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array

from zeroone.targetprop.alternatives import by_linear_program
from zeroone.targetprop.losses import SURROGATES, layer_gradient, margin_loss
from zeroone.targetprop.output import Classes, output_loss
from zeroone.validation import FloatArray

# The losses of hidden units that are convex and bounded below.
CONVEX = ("squared_hinge", "logistic", "hinge")
IDENTITY = SURROGATES["identity"]
MAX_ITERATIONS = 500

ValueAndGradient = Callable[[FloatArray], tuple[float, FloatArray]]


def ridge_of(loss: str, ridge: float) -> float:
    """Return the ridge that a loss is fitted with: none for a hinge."""
    return 0.0 if loss == "hinge" else ridge


# ------------------------------------------------------------------------------------ hidden units


def unit_objectives(
    V: FloatArray, W: FloatArray, T: FloatArray, loss: str, ridge: float
) -> FloatArray:
    """Return J of each unit.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in + 1)
        The layer's input, with its column of ones.
    W : ndarray, shape (n_units, n_in + 1)
        The bias last.
    T : ndarray, shape (n_samples, n_units)
        -1 and +1; 0 for "don't care".
    loss : {"squared_hinge", "logistic", "hinge"}
    ridge : float

    Returns
    -------
    ndarray, shape (n_units,)
    """
    losses = np.abs(T) * margin_loss(loss).value(T * (V @ W.T))
    return losses.mean(axis=0) + ridge_of(loss, ridge) / 2 * np.sum(W**2, axis=1)


def unit_gradient(V: FloatArray, W: FloatArray, T: FloatArray, loss: str) -> FloatArray:
    """Return the derivative of the units' losses by their preactivations, ridge aside.

    Parameters
    ----------
    V, W, T, loss
        As for `unit_objectives`.

    Returns
    -------
    ndarray, shape (n_samples, n_units)
        t loss'(t z)/N.
    """
    return layer_gradient(margin_loss(loss), V @ W.T, T, 1 / len(V), IDENTITY)


def fit_units(V: FloatArray, W: FloatArray, T: FloatArray, loss: str, ridge: float) -> FloatArray:
    """Return weights that minimise J of each unit.

    Parameters
    ----------
    V, W, T, loss, ridge
        As for `unit_objectives`; W is where the search begins.

    Returns
    -------
    ndarray, shape (n_units, n_in + 1)
        J is lower than at W for each unit, or else the unit's weights are those of W.
    """
    if loss == "hinge":
        fitted = _units_by_linear_program(V, W, T)
    else:

        def objective(flat: FloatArray) -> tuple[float, FloatArray]:
            weights = flat.reshape(W.shape)
            gradient = unit_gradient(V, weights, T, loss).T @ V + ridge * weights
            return float(unit_objectives(V, weights, T, loss, ridge).sum()), gradient.ravel()

        fitted = _by_lbfgs(objective, W)
    lower = unit_objectives(V, fitted, T, loss, ridge) < unit_objectives(V, W, T, loss, ridge)
    return np.where(lower[:, np.newaxis], fitted, W)


def _units_by_linear_program(V: FloatArray, W: FloatArray, T: FloatArray) -> FloatArray:
    """Minimise the sum of the hinges of each unit; units whose program fails keep their weights."""
    fitted = W.copy()
    for unit, t in enumerate(T.T):
        cared = t != 0
        if cared.any():
            solution = by_linear_program(t[cared, np.newaxis] * V[cared])[0]
            fitted[unit] = W[unit] if solution is None else solution
    return fitted


def _by_lbfgs(objective: ValueAndGradient, start: FloatArray) -> FloatArray:
    """Minimise a smooth convex function of a matrix of weights."""
    options = {"maxiter": MAX_ITERATIONS, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-7}
    result = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(result.x.reshape(start.shape))


# ------------------------------------------------------------------------------------ output layer


def output_objective(
    V: FloatArray, W: FloatArray, classes: Classes, output: str, ridge: float
) -> float:
    """Return J of the output layer.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in + 1)
        Its input, with a column of ones.
    W : ndarray, shape (n_classes, n_in + 1)
    classes : ndarray of int, shape (n_samples,)
    output : {"cross-entropy", "hinge"}
    ridge : float
    """
    value = output_loss(output).value(V @ W.T, classes)
    return value + ridge_of(output, ridge) / 2 * float(np.sum(W**2))


def fit_output(
    V: FloatArray, W: FloatArray, classes: Classes, output: str, ridge: float
) -> FloatArray:
    """Return weights that minimise J of the output layer, or W if none with a lower J was found.

    Parameters
    ----------
    V, W, classes, output, ridge
        As for `output_objective`; W is where the search begins.

    Returns
    -------
    ndarray, shape (n_classes, n_in + 1)
    """
    if output == "hinge":
        fitted = _output_by_linear_program(V, W, classes)
    else:

        def objective(flat: FloatArray) -> tuple[float, FloatArray]:
            weights = flat.reshape(W.shape)
            by_scores = output_loss(output).derivative(V @ weights.T, classes)
            gradient = by_scores.T @ V + ridge * weights
            return output_objective(V, weights, classes, output, ridge), gradient.ravel()

        fitted = _by_lbfgs(objective, W)
    before = output_objective(V, W, classes, output, ridge)
    return fitted if output_objective(V, fitted, classes, output, ridge) < before else W


def _output_by_linear_program(V: FloatArray, W: FloatArray, classes: Classes) -> FloatArray:
    """Minimise sum_n xi_n over W and xi >= 0 with s_n,y - s_n,k + xi_n >= 1 for all k != y_n."""
    (n, m), n_classes = V.shape, len(W)
    sample, rival = np.nonzero(np.arange(n_classes) != classes[:, np.newaxis])
    row = np.arange(len(sample))[:, np.newaxis]
    column = np.arange(m)
    own = classes[sample][:, np.newaxis] * m + column
    other = rival[:, np.newaxis] * m + column
    slack = n_classes * m + sample[:, np.newaxis]
    columns = np.hstack([own, other, slack])
    values = np.hstack([V[sample], -V[sample], np.ones((len(sample), 1))])
    rows = np.broadcast_to(row, columns.shape)
    system = csr_array(
        (values.ravel(), (rows.ravel(), columns.ravel())), (len(sample), n_classes * m + n)
    )
    cost = np.concatenate([np.zeros(n_classes * m), np.ones(n)])
    bounds = [(None, None)] * (n_classes * m) + [(0, None)] * n
    limit = -np.ones(len(sample))
    result = linprog(cost, A_ub=-system, b_ub=limit, bounds=bounds, method="highs")
    return result.x[: n_classes * m].reshape(W.shape) if result.status == 0 else W
