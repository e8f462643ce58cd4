"""Independent computations for the claims on block coordinate descent: slow, plain, brute force.

Nothing here uses the package's own block updates or its objective: an oracle never shares code with
what it checks.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

from zeroone.validation import FloatArray


@dataclass(frozen=True)
class Problem:
    """A small random problem: layers, data and the prices of the objective.

    Attributes
    ----------
    V : list of ndarray
        V_0 = [X 1], V_1, ..., each with a last column of ones.
    U, W : list of ndarray
        Pre-activations and weights (bias last) of the layers.
    Y : ndarray
        Targets.
    tau, pi, gamma, lam : tuple of float
        The prices of the terms.
    margin : float
        Half-width of the gap of U; 0 for the remedy "tiny".
    """

    V: list[FloatArray]
    U: list[FloatArray]
    W: list[FloatArray]
    Y: FloatArray
    tau: tuple[float, ...]
    pi: tuple[float, ...]
    gamma: tuple[float, ...]
    lam: tuple[float, ...]
    margin: float
    splitting: str = "three"
    groups: str = "rows"
    extra: dict[str, float] = field(default_factory=dict)


def plain_objective(
    V: Sequence[FloatArray],
    U: Sequence[FloatArray],
    W: Sequence[FloatArray],
    problem: Problem,
) -> float:
    """Return F(W, U, V) in double precision, straight from its definition."""
    layers = len(W)
    doubles = [np.asarray(each, dtype=np.float64) for each in W]
    bits = [np.where(np.asarray(each) > 0, 1.0, 0.0) for each in U]
    inputs = [np.asarray(V[0], dtype=np.float64)]
    for i in range(layers - 1):
        hidden = bits[i] if problem.splitting == "two" else np.asarray(V[i + 1][:, :-1], float)
        inputs.append(np.hstack([hidden, np.ones((len(hidden), 1))]))
    total = 0.5 * np.sum((problem.Y - inputs[-1] @ doubles[-1].T) ** 2)
    for i in range(layers - 1):
        gap = np.asarray(U[i], dtype=np.float64) - inputs[i] @ doubles[i].T
        total += problem.tau[i] / 2 * np.sum(gap**2)
        total += problem.pi[i] / 2 * np.sum((inputs[i + 1][:, :-1] - bits[i]) ** 2)
    for i in range(layers):
        groups = doubles[i] if problem.groups == "rows" else doubles[i][:, :-1].T
        total += problem.gamma[i] / 2 * np.sum(doubles[i] ** 2)
        total += problem.lam[i] * sum(1 for group in groups if any(group != 0))
    return float(total)


def ridge_value(V: FloatArray, T: FloatArray, W: FloatArray, tau: float, gamma: float) -> float:
    """Return (tau/2) |T - V W^T|^2 + (gamma/2) |W|^2."""
    return float(tau / 2 * np.sum((T - V @ W.T) ** 2) + gamma / 2 * np.sum(W**2))


def minimise_numerically(
    value: Callable[[FloatArray], float],
    gradient: Callable[[FloatArray], FloatArray],
    start: FloatArray,
) -> float:
    """Return the least value that a general-purpose optimiser (L-BFGS) finds from `start`."""
    result = minimize(
        lambda flat: value(flat.reshape(start.shape)),
        start.ravel(),
        jac=lambda flat: gradient(flat.reshape(start.shape)).ravel(),
        method="L-BFGS-B",
        options={"maxiter": 20000, "maxfun": 50000, "ftol": 1e-16, "gtol": 1e-11, "maxcor": 40},
    )
    return float(result.fun)


def least_ridge_value(V: FloatArray, T: FloatArray, tau: float, gamma: float) -> float:
    """Return the minimum of `ridge_value` over W by an orthogonal factorisation (least squares)."""
    stacked = np.vstack([np.sqrt(tau) * V, np.sqrt(gamma) * np.eye(V.shape[1])])
    right = np.vstack([np.sqrt(tau) * T, np.zeros((V.shape[1], T.shape[1]))])
    W = np.linalg.lstsq(stacked, right, rcond=None)[0].T
    return ridge_value(V, T, W, tau, gamma)


def least_value_over_rows(
    V: FloatArray, T: FloatArray, tau: float, gamma: float, lam: float
) -> float:
    """Return the least ridge value plus lam a kept row, trying every set of rows."""
    n_out = T.shape[1]
    best = np.inf
    for kept in itertools.product([False, True], repeat=n_out):
        mask = np.array(kept)
        value = tau / 2 * np.sum(T[:, ~mask] ** 2) + lam * mask.sum()
        if mask.any():
            value += least_ridge_value(V, T[:, mask], tau, gamma)
        best = min(best, float(value))
    return best


def least_value_over_bits(
    A: FloatArray, V: FloatArray, tau: float, pi: float, margin: float
) -> float:
    """Return the least U-block value, trying both sides of the threshold for every entry.

    On each side the nearest point (for the open side with no margin: its limit, 0) is taken.
    """
    total = 0.0
    for a, v in zip(A.ravel().tolist(), V.ravel().tolist(), strict=True):
        firing = tau / 2 * max(margin - a, 0.0) ** 2 + pi / 2 * (v - 1) ** 2
        silent = tau / 2 * max(a + margin, 0.0) ** 2 + pi / 2 * v**2
        total += min(firing, silent)
    return total


def best_joint_neuron(
    a: float,
    residual: FloatArray,
    w: FloatArray,
    *,
    kappa: float,
    tau: float,
    pi: float,
    margin: float,
) -> float:
    """Return the least cost of one neuron on one sample over its bit and its activation.

    Parameters
    ----------
    a : float
        The pre-activation.
    residual : ndarray, shape (n_next,)
        The next layer's residual without this neuron.
    w : ndarray, shape (n_next,)
        The outgoing weights.
    kappa, tau, pi, margin : float
        As in the objective; with infinite pi the activation is the bit.
    """
    costs = []
    for bit in (0, 1):
        distance = max(margin - a, 0.0) if bit else max(a + margin, 0.0)
        base = tau / 2 * distance**2
        if np.isinf(pi):
            costs.append(base + kappa / 2 * float(np.sum((residual - bit * w) ** 2)))
            continue

        # A parabola in v: three values of it fix its least value.
        def cost(v: float, bit: int = bit) -> float:
            mismatch = pi / 2 * (v - bit) ** 2
            return kappa / 2 * float(np.sum((residual - v * w) ** 2)) + mismatch

        low, middle, high = cost(-1.0), cost(0.0), cost(1.0)
        curvature = (high + low) / 2 - middle
        slope = (high - low) / 2
        costs.append(base + middle - slope**2 / (4 * curvature))
    return min(costs)
