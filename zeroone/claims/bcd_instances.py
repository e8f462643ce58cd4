"""Random small problems for the claims on block coordinate descent, with the edges among them."""

from collections.abc import Sequence

import numpy as np

from zeroone.claims.bcd_oracles import Problem
from zeroone.validation import FloatArray

# Kinds of data that a theorem should survive; each is drawn about equally often.
KINDS = (
    "generic",
    "duplicate samples",
    "constant feature",
    "one sample",
    "one unit",
    "equal labels",
    "integers",
    "zeros",
)


def with_ones(X: FloatArray) -> FloatArray:
    """Return [X 1]."""
    return np.hstack([X, np.ones((len(X), 1))])


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform between those of `low` and `high`."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_data(
    rng: np.random.Generator, kind: str, n_samples: int, n_features: int, n_outputs: int
) -> tuple[FloatArray, FloatArray]:
    """Return an input and one-hot or real targets of the given kind."""
    n_samples = 1 if kind == "one sample" else n_samples
    X = rng.standard_normal((n_samples, n_features))
    if kind in ("integers", "zeros"):
        X = np.round(X)
    if kind == "zeros":
        X[:, 0] = 0
    if kind == "duplicate samples":
        X = X[rng.integers(max(n_samples // 3, 1), size=n_samples)]
    if kind == "constant feature":
        X[:, 0] = 1
    if rng.random() < 0.5:
        labels = rng.integers(n_outputs, size=n_samples)
        if kind == "equal labels":
            labels[:] = labels[0]
        return X, np.eye(n_outputs)[labels]
    Y = rng.standard_normal((n_samples, n_outputs))
    if kind == "equal labels":
        Y[:] = Y[0]
    return X, Y


def random_layer_problem(rng: np.random.Generator) -> Problem:
    """Return one layer's problem: V_0, a U of any signs as its target, W, and prices.

    ``U[0]`` is the target of the layer with weights ``W[0]``, ``V[1]`` its relaxed activations,
    ``W[1]`` the next layer's weights and ``Y`` the next layer's target.
    """
    kind = str(rng.choice(KINDS))
    n_samples, n_features = int(rng.integers(1, 9)), int(rng.integers(1, 5))
    n_units = 1 if kind == "one unit" else int(rng.integers(1, 5))
    n_outputs = int(rng.integers(1, 4))
    X, Y = random_data(rng, kind, n_samples, n_features, n_outputs)
    margin = float(rng.choice([0.0, 0.1, 0.5]))
    W = rng.standard_normal((n_units, n_features + 1))
    top = rng.standard_normal((n_outputs, n_units + 1))
    if kind in ("integers", "zeros"):
        W, top = np.round(W), np.round(top)
        W[0] = 0
    U = rng.standard_normal((len(X), n_units))
    U = np.where(U > 0, np.maximum(U, margin), np.minimum(U, -margin))
    V = np.where(U > 0, 1.0, 0.0) + rng.choice([0.0, 0.3]) * rng.standard_normal(U.shape)
    return Problem(
        V=[with_ones(X), with_ones(V)],
        U=[U],
        W=[W, top],
        Y=Y,
        tau=(log_uniform(rng, 0.05, 5.0),),
        pi=(log_uniform(rng, 0.05, 5.0),),
        gamma=(log_uniform(rng, 0.01, 5.0), log_uniform(rng, 0.01, 5.0)),
        lam=(log_uniform(rng, 0.01, 3.0), log_uniform(rng, 0.01, 3.0)),
        margin=margin,
    )


def layer_problems(rng: np.random.Generator, count: int) -> list[Problem]:
    """Return `count` independent problems of `random_layer_problem`."""
    return [random_layer_problem(rng) for _ in range(count)]


def run_settings(
    rng: np.random.Generator, splitting: str, dtype: type, kinds: Sequence[str] = KINDS
) -> dict[str, object]:
    """Return the data and options of one whole run of block coordinate descent.

    Returns
    -------
    dict
        ``X``, ``Y``, ``hidden``, ``rng`` (a seed) and the options of the solver.
    """
    kind = str(rng.choice(list(kinds)))
    depth = int(rng.integers(1, 4))
    n_features, n_outputs = int(rng.integers(1, 6)), int(rng.integers(2, 4))
    X, Y = random_data(rng, kind, int(rng.integers(2, 30)), n_features, n_outputs)
    hidden = [1 if kind == "one unit" else int(rng.integers(1, 7)) for _ in range(depth)]
    lam = float(rng.choice([0.0, 0.0, 0.05, 0.5]))
    return {
        "X": X.astype(dtype),
        "Y": Y.astype(dtype),
        "hidden": hidden,
        "rng": int(rng.integers(2**31)),
        "splitting": splitting,
        "sweeps": 6,
        "remedy": str(rng.choice(["tiny", "margin"])),
        "margin": log_uniform(rng, 0.01, 1.0),
        "tau": log_uniform(rng, 0.02, 3.0),
        "pi": log_uniform(rng, 0.05, 3.0),
        "gamma": log_uniform(rng, 1e-3, 1.0),
        "lam": lam,
        "groups": str(rng.choice(["rows", "columns"])),
        "order": str(rng.choice(["backward", "forward", "random"])),
        "initialisation": str(rng.choice(["differences", "data-scaled", "random"])),
    }
