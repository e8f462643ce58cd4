"""Claims: proximal weight updates, removing neurons, and networks that stay the same."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from zeroone.bcd.proximal import proximal_weights, proximal_weights_by_sample
from zeroone.bcd.regression import Regression, target_block
from zeroone.claims.bcd.blocks import (
    SOURCE,
    Layer,
    Problem,
    compare,
    layer_problems,
    least_ridge_value,
    log_uniform,
    minimise_numerically,
    ridge_value,
    with_ones,
)
from zeroone.claims.claim import Claim, Kind
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.validation import FloatArray

Pair = tuple[FloatArray, FloatArray]


# -------------------------------------------------------------------------- removing neurons


def measure_removal(rises: Any, problem: Problem) -> tuple[float, float]:
    """Compare the loss after removing a neuron as `rises` states it with an actual refit."""
    V, T, kappa, gamma = problem.V[1], problem.Y, problem.tau[0], problem.gamma[1]
    neuron = int(len(V) * 7 % V.shape[1])
    before = least_ridge_value(with_ones(V), T, kappa, gamma)
    rise = rises(Regression.fit(V, T, gamma / kappa))[neuron] * kappa
    others = with_ones(np.delete(V, neuron, axis=1))
    return before + rise, least_ridge_value(others, T, kappa, gamma)


def wrong_rises(regression: Regression) -> FloatArray:
    """Forget the other neurons, which take over what a removed one did."""
    gram = np.linalg.inv(regression.K)
    return np.sum(regression.W**2, axis=0) * np.diag(gram)[: regression.W.shape[1]] / 2


REMOVAL = Claim(
    id="bcd.removal",
    statement="Without neuron j the refitted ridge loss rises by |w_j|^2 / (2 K_jj).",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    hypotheses="bias and ridge included",
    sample=layer_problems,
    measure=compare(measure_removal),
    subject=Regression.rises,
    planted={
        "others do not take over": wrong_rises,
        "not halved": lambda regression: 2 * regression.rises(),
    },
    tolerance=1e-9,
    cases=300,
)


def measure_greedy(remove: Any, problem: Problem) -> tuple[float, float]:
    """Compare the loss after two removals by rank-one downdates with an actual refit."""
    V, T, gamma = problem.V[1], problem.Y, problem.gamma[1]
    regression = Regression.fit(V, T, gamma)
    for _ in range(min(2, V.shape[1])):
        neuron = int(np.argmin(regression.rises()))
        regression = remove(regression, neuron)
        V = np.delete(V, neuron, axis=1)
    rows = np.column_stack([regression.W, regression.b])
    value = ridge_value(with_ones(V), T, rows, 1.0, gamma)
    return value, least_ridge_value(with_ones(V), T, 1.0, gamma)


def wrong_removal(regression: Regression, neuron: int) -> Regression:
    """Drop the column without refitting the others."""
    kept = np.delete(np.arange(len(regression.K)), neuron)
    W = np.delete(regression.W, neuron, axis=1)
    return Regression(W, regression.b, regression.K[np.ix_(kept, kept)])


REMOVAL_DOWNDATE = Claim(
    id="bcd.removal-downdate",
    statement="The rank-one downdate leaves the ridge solution on the other neurons.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    hypotheses="two removals in a row, bias and ridge included",
    sample=layer_problems,
    measure=compare(measure_greedy),
    subject=Regression.without,
    planted={"others not fitted again": wrong_removal},
    tolerance=1e-9,
    cases=300,
)


# ------------------------------------------------------------------------- the same network


@dataclass(frozen=True)
class Net:
    """A network with units that never matter, and inputs for it."""

    network: ZeroOneMLP
    X: FloatArray


def draw_nets(rng: np.random.Generator, count: int) -> list[Net]:
    """Return networks with integer weights, some rows and columns zero, so that sums are exact."""
    nets = []
    for _ in range(count):
        sizes = [int(rng.integers(1, 5)) for _ in range(int(rng.integers(2, 5)))] + [3]
        weights = [rng.integers(-2, 3, (b, a)).astype(float) for a, b in pairwise(sizes)]
        biases = [rng.integers(-2, 3, b).astype(float) for b in sizes[1:]]
        for i, W in enumerate(weights[:-1]):
            W[rng.random(len(W)) < 0.3] = 0
            weights[i + 1][:, rng.random(len(W)) < 0.3] = 0
        activation = str(rng.choice(["step", "sign"]))
        X = rng.integers(-3, 4, (20, sizes[0])).astype(float)
        nets.append(Net(ZeroOneMLP(weights, biases, activation=activation), X))
    return nets


def plain_scores(net: Net) -> FloatArray:
    """Return the scores of a network from its definition, sample by sample."""
    low = 0.0 if net.network.activation == "step" else -1.0
    rows = []
    for x in net.X:
        values = list(x)
        for i, (W, b) in enumerate(zip(net.network.weights, net.network.biases, strict=True)):
            sums = [float(row @ np.array(values)) + c for row, c in zip(W, b, strict=True)]
            last = i == len(net.network.weights) - 1
            values = sums if last else [1.0 if z > 0 else low for z in sums]
        rows.append(values)
    return np.array(rows)


def needless(network: ZeroOneMLP) -> int:
    """Count the hidden units that are constant or unheard."""
    rows = [~W.any(axis=1) for W in network.weights[:-1]]
    columns = [~W.any(axis=0) for W in network.weights[1:]]
    return sum(int(np.sum(row | column)) for row, column in zip(rows, columns, strict=True))


def measure_compress(compress: Any, nets: list[Net]) -> Pair:
    """Compare the scores, and thus the classes, of the compressed network with the original's.

    And the number of its needless units, plus 1, with 1.
    """
    small = [compress(net.network) for net in nets]
    after = [plain_scores(Net(one, net.X)).ravel() for one, net in zip(small, nets, strict=True)]
    before = [plain_scores(net).ravel() for net in nets]
    left = np.array([1.0 + needless(one) for one in small])
    return np.concatenate([*after, left]), np.concatenate([*before, np.ones(len(nets))])


def wrong_compress(network: ZeroOneMLP) -> ZeroOneMLP:
    """Drop constant units without folding their value into the next bias."""
    for layer, W in enumerate(network.weights[:-1]):
        network = network.drop_neurons(layer, W.any(axis=1))
    return network


COMPRESS = Claim(
    id="bcd.compress",
    statement="compress() leaves the scores, and so the predicted classes, as they are, and no "
    "hidden unit that is constant or unheard.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    hypotheses="step and sign units, 1 to 3 hidden layers; weights and inputs for which sums "
    "are exact",
    sample=draw_nets,
    measure=measure_compress,
    subject=ZeroOneMLP.compress,
    planted={"constants not folded": wrong_compress, "nothing goes": lambda network: network},
    tolerance=1e-12,
    cases=150,
)


# ------------------------------------------------------------------------- weights by batch


def draw_proximal(rng: np.random.Generator, count: int) -> list[Problem]:
    """Return layer problems with the price rho of moving away, relative to the input's length."""
    problems = layer_problems(rng, count)
    for problem in problems:
        problem.extra["rho"] = log_uniform(rng, 1e-2, 1e2)
    return problems


def moving_value(
    V: FloatArray, U: FloatArray, start: FloatArray, W: FloatArray, price: float
) -> float:
    """Return 1/2 |U - V W^T|^2 + (price/2) |W - W0|^2."""
    return float(np.sum((U - V @ W.T) ** 2) / 2 + price / 2 * np.sum((W - start) ** 2))


def least_moving_value(V: FloatArray, U: FloatArray, start: FloatArray, price: float) -> float:
    """Return the least `moving_value` that a general-purpose optimiser finds."""
    return minimise_numerically(
        lambda W: moving_value(V, U, start, W, price),
        lambda W: -(U - V @ W.T).T @ V + price * (W - start),
        start,
    )


def measure_moved(update: Any, problem: Problem, n_samples: int) -> tuple[float, float]:
    """Compare the objective plus the price of moving of the first samples with its least value."""
    V, U, start = with_ones(problem.V[0])[:n_samples], problem.U[0][:n_samples], problem.rows(0)
    price = problem.extra["rho"] * float(np.sum(V**2)) / len(V)
    D, rho = U - V @ start.T, problem.extra["rho"]
    rows = np.column_stack(update(problem.W[0], problem.b[0], D, V[:, :-1], rho=rho))
    return moving_value(V, U, start, rows, price), least_moving_value(V, U, start, price)


def measure_proximal(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare the batch's objective plus the price of moving with its least value."""
    return measure_moved(update, problem, len(problem.U[0]))


def wrong_proximal(
    W: FloatArray, b: FloatArray, D: FloatArray, V: FloatArray, *, rho: float
) -> Layer:
    """Take the mean over the samples for their sum."""
    moved, bias = proximal_weights(W, b, D, V, rho=rho)
    return (W + moved) / 2, (b + bias) / 2


PROXIMAL_BATCH = Claim(
    id="bcd.proximal-batch",
    statement="W0 + D'V (V'V + rho I)^-1 minimises the batch's objective plus the price of moving.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    sample=draw_proximal,
    measure=compare(measure_proximal),
    subject=proximal_weights,
    planted={"half the way": wrong_proximal},
    tolerance=1e-7,
    cases=150,
)


def measure_proximal_sample(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare the update of a batch of one sample with the least value for it."""
    return measure_moved(update, problem, 1)


def wrong_proximal_length(
    W: FloatArray, b: FloatArray, D: FloatArray, V: FloatArray, *, rho: float
) -> Layer:
    """Divide by the length of a sample instead of its square."""
    moves = D / (1 + rho) / np.sqrt(np.sum(V**2, axis=1) + 1)[:, None]
    return W + moves.T @ V, b + moves.sum(axis=0)


PROXIMAL_SAMPLE = Claim(
    id="bcd.proximal-sample",
    statement="W0 + d v'/(|v|^2 + rho) minimises one sample's objective plus the price of moving.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    sample=draw_proximal,
    measure=compare(measure_proximal_sample),
    subject=proximal_weights_by_sample,
    planted={"length for its square": wrong_proximal_length},
    tolerance=1e-7,
    cases=150,
)


def measure_slack(block: Any, problem: Problem) -> tuple[float, float]:
    """Compare the targets' distance with the least one, found entry by entry on a fine grid."""
    scores = problem.Y
    signs = np.where(np.arange(scores.size).reshape(scores.shape) % 2 == 0, 1.0, -1.0)
    T = block(scores, signs, "slack")
    if np.any(signs * T < 1):
        return np.inf, 0.0
    # The squared hinge: an output right by the margin costs nothing.
    hinge = sum(max(0.0, 1 - s * f) ** 2 for s, f in zip(signs.flat, scores.flat, strict=True))
    return float(np.sum((T - scores) ** 2)), float(hinge)


def wrong_slack(scores: FloatArray, Y: FloatArray, targets: str) -> FloatArray:
    """Pull outputs that are right by more than the margin back to it."""
    return Y


SLACK_TARGETS = Claim(
    id="bcd.slack-targets",
    statement="T = y max(y f, 1) is the nearest target with y T >= 1: the squared hinge.",
    source="docs/theory.md#b2",
    kind=Kind.EQUALITY,
    sample=layer_problems,
    measure=compare(measure_slack),
    subject=target_block,
    planted={"no slack": wrong_slack},
    tolerance=1e-12,
    cases=300,
)


CLAIMS = (
    PROXIMAL_BATCH,
    PROXIMAL_SAMPLE,
    SLACK_TARGETS,
    REMOVAL,
    REMOVAL_DOWNDATE,
    COMPRESS,
)
