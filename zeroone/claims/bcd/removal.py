"""Claims: which neurons are removed, by either score, and what is fitted to those that are left."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from zeroone.bcd.regression import Regression, choose, remove, remove_cheapest
from zeroone.claims.bcd.blocks import (
    least_ridge_value,
    log_uniform,
    ridge_value,
    with_ones,
)
from zeroone.claims.bcd.output import Bits, fit_by_hand
from zeroone.claims.claim import Claim, Kind, each
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.validation import FloatArray

Pairs = list[tuple[float, float]]
SOURCE = "docs/theory.md#b2"


@dataclass(frozen=True)
class Hidden:
    """A hidden layer's activations and pre-activations, and the targets of the layer above.

    Parameters
    ----------
    V, A : ndarray, shape (n_samples, n_units)
    T : ndarray, shape (n_samples, n_next)
    gamma : float
        Ridge, relative to one sample.
    keep : int
    """

    V: FloatArray
    A: FloatArray
    T: FloatArray
    gamma: float
    keep: int


def draw_hidden(rng: np.random.Generator, count: int) -> list[Hidden]:
    """Draw layers of 2 to 6 units; of some, one unit repeats another, or never fires."""
    drawn = []
    for index in range(count):
        n, units = int(rng.integers(8, 30)), int(rng.integers(2, 7))
        A = rng.standard_normal((n, units)) * log_uniform(rng, 0.3, 3.0)
        if index % 4 == 1:
            A[:, 0] = A[:, 1] + 0.3 * rng.standard_normal(n)
        if index % 4 == 2:
            A[:, -1] = -np.abs(A[:, -1])
        T = rng.standard_normal((n, int(rng.integers(1, 4))))
        gamma, keep = log_uniform(rng, 1e-3, 1.0), int(rng.integers(1, units + 1))
        drawn.append(Hidden((A > 0).astype(float), A, T, gamma, keep))
    return drawn


def refitted(at: Hidden, kept: list[int]) -> float:
    """Return the least ridge loss of the layer above on some of the units."""
    return least_ridge_value(with_ones(at.V[:, kept]), at.T, 1.0, at.gamma * len(at.V))


def greedy(at: Hidden, keep: int, price: float = np.inf) -> list[int]:
    """Remove, one by one, the unit without which the refitted loss is the least."""
    kept = list(range(at.V.shape[1]))
    while len(kept) > keep:
        now = refitted(at, kept)
        losses = [refitted(at, [one for one in kept if one != unit]) for unit in kept]
        if min(losses) - now > price:
            break
        kept.pop(int(np.argmin(losses)))
    return kept


def measure_choice(choice: Any, at: Hidden) -> Pairs:
    """Compare the refitted loss on the units that are kept with that by brute force.

    And the loss of the weights that come with them, and how many units there are. Losses, because
    two units may be worth the same.
    """
    largest = np.argsort(-np.array([float(a @ a) for a in at.A.T]), kind="stable")[: at.keep]
    expected = {"joint": greedy(at, at.keep), "row": sorted(largest.tolist())}
    pairs: Pairs = []
    for score, units in expected.items():
        kept, regression = choice(at.V, at.A, at.T, score=score, gamma=at.gamma, keep=at.keep)
        left = [int(unit) for unit in np.flatnonzero(kept)]
        least = refitted(at, units)
        rows = np.column_stack([regression.W, regression.b])
        reached = ridge_value(with_ones(at.V[:, left]), at.T, rows, 1.0, at.gamma * len(at.V))
        pairs += [(refitted(at, left), least), (reached, least), (len(left), at.keep)]
    return pairs


def chosen(**changes: Any) -> Any:
    """Return the choice with some of what it is asked changed."""

    def choice(V: FloatArray, A: FloatArray, T: FloatArray, **asked: Any) -> Any:
        other = {name: change(asked[name]) for name, change in changes.items()}
        return choose(V, A, T, **{**asked, **other})

    return choice


CHOICE = Claim(
    id="bcd.removal-choice",
    statement="By the joint score neurons go one by one, each the one without which the refitted "
    "ridge loss is the least; by the row score those with the least |V w|^2.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_hidden,
    measure=each(measure_choice),
    subject=choose,
    planted={
        "the row score always": chosen(score=lambda score: "row"),
        "the joint score always": chosen(score=lambda score: "joint"),
        "a ridge a hundred times that": chosen(gamma=lambda gamma: 100 * gamma),
        "one more": chosen(keep=lambda keep: keep + 1),
    },
    tolerance=1e-9,
    hypotheses="2 to 6 units, repeated and silent ones among them; ridge and bias included",
    cases=80,
)


def measure_price(removal: Any, at: Hidden) -> Pairs:
    """Compare the units left at a price, and the refitted loss on them, with brute force.

    On a tie too: of neurons with K = I/2 the j-th costs |w_j|^2 = j^2, and at this price it goes.
    """
    least = refitted(at, list(range(at.V.shape[1])))
    full = Regression.fit(at.V, at.T, at.gamma * len(at.V))
    pairs: Pairs = []
    for share in (0.01, 0.1, 1.0):
        units = greedy(at, 1, share * least)
        regression, kept = removal(full, share * least, most=at.V.shape[1])
        left = [int(unit) for unit in np.flatnonzero(kept)]
        rows = np.column_stack([regression.W, regression.b])
        ridge = at.gamma * len(at.V)
        pairs += [
            (len(left), len(units)),
            (ridge_value(with_ones(at.V[:, left]), at.T, rows, 1.0, ridge), refitted(at, units)),
        ]
    few, kept = removal(full, np.inf, most=1)
    pairs.append((1.0 + np.count_nonzero(~kept), 2.0))
    pairs.append((few.W.shape[1], at.V.shape[1] - 1))
    units = at.V.shape[1] + 1
    apart = Regression(np.arange(1.0, units + 1)[None], np.zeros(1), np.eye(units + 1) / 2)
    _, kept = removal(apart, float(at.keep**2), most=units)
    pairs.append((1.0 + np.count_nonzero(kept), 1.0 + units - at.keep))
    return pairs


def dearest(regression: Regression, price: float, *, most: int) -> Any:
    """Remove whatever the price."""
    return remove_cheapest(regression, np.inf, most=most)


def at_once(regression: Regression, price: float, *, most: int) -> Any:
    """Judge all neurons before the first is gone, and fit nothing again."""
    kept = regression.rises() > price
    if not kept.any():
        kept[np.argmax(regression.rises())] = True
    keep = np.append(kept, True)
    return Regression(regression.W[:, kept], regression.b, regression.K[np.ix_(keep, keep)]), kept


PRICE = Claim(
    id="bcd.removal-price",
    statement="Neurons go as long as the cheapest raises the refitted loss by no more than the "
    "price (on a tie they go), at most so many, and one is left.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_hidden,
    measure=each(measure_price),
    subject=remove_cheapest,
    planted={
        "at any price": dearest,
        "all at once": at_once,
        "half the price": lambda regression, price, *, most: remove_cheapest(
            regression, price / 2, most=most
        ),
        "below the price only": lambda regression, price, *, most: remove_cheapest(
            regression, price * (1 - 1e-12), most=most
        ),
    },
    tolerance=1e-9,
    hypotheses=CHOICE.hypotheses,
    cases=80,
)

# ---------------------------------------------------------------------- the network after a removal


@dataclass(frozen=True)
class Pruned:
    """A net with two hidden layers, samples, and which layer loses how many units."""

    network: ZeroOneMLP
    X: FloatArray
    labels: Any
    layer: int
    keep: int
    score: str


def draw_pruned(rng: np.random.Generator, count: int) -> list[Pruned]:
    """Draw small nets of step units."""
    drawn = []
    for index in range(count):
        sizes = [3, int(rng.integers(3, 6)), int(rng.integers(3, 5)), 3]
        weights = [rng.standard_normal((b, a)) for a, b in pairwise(sizes)]
        network = ZeroOneMLP(weights, [0.3 * rng.standard_normal(n) for n in sizes[1:]])
        X = rng.standard_normal((40, 3))
        labels = rng.integers(0, 3, 40)
        drawn.append(Pruned(network, X, labels, index % 2, 2, ("joint", "row")[index // 2 % 2]))
    return drawn


def hidden_values(
    at: Pruned, layers: list[tuple[FloatArray, FloatArray]], count: int
) -> FloatArray:
    """Return the activations of the `count`-th hidden layer."""
    V = at.X
    for W, b in layers[:count]:
        V = np.where(V @ W.T + b > 0, 1.0, 0.0)
    return V


def ridge_by_hand(V: FloatArray, T: FloatArray, gamma: float) -> tuple[FloatArray, FloatArray]:
    """Return W and b of the ridge regression with gamma for each sample."""
    rows = with_ones(V)
    stacked = np.vstack([rows, np.sqrt(gamma * len(V)) * np.eye(rows.shape[1])])
    right = np.vstack([T, np.zeros((rows.shape[1], T.shape[1]))])
    solution = np.linalg.lstsq(stacked, right, rcond=None)[0].T
    return solution[:, :-1], solution[:, -1]


def measure_pruned(removal: Any, at: Pruned) -> Pairs:
    """Compare scores after the removal with those of a net that is put together by hand.

    Which units are kept is read off the rows of the smaller net; that they are the right ones is
    another claim.
    """
    layers = list(zip(at.network.weights, at.network.biases, strict=True))
    (small,) = removal(
        at.network, at.X, at.labels, [at.keep], layer=at.layer, score=at.score, gamma=1e-2
    )
    rows = [np.flatnonzero((layers[at.layer][0] == w).all(axis=1)) for w in small.weights[at.layer]]
    kept = [int(row[0]) for row in rows if len(row)]
    if len(kept) != at.keep:
        return [(np.nan, 1.0)]
    top = at.layer == 1
    V = hidden_values(at, layers, at.layer + 1)
    scores = V @ layers[at.layer + 1][0].T + layers[at.layer + 1][1]
    signed = np.where(np.eye(3)[at.labels] > 0, 1.0, -1.0)
    T = signed * np.maximum(signed * scores, 1) if top else scores
    new = layers[: at.layer]
    new.append((layers[at.layer][0][kept], layers[at.layer][1][kept]))
    new.append(ridge_by_hand(V[:, kept], T, 1e-2))
    if not top:
        new.append(layers[2])
    V = hidden_values(at, new, 2)
    bits = Bits([(V, signed, np.ones(len(V)))], *new[2], 1e-2, 0.1, 1)
    expected = with_ones(V) @ fit_by_hand(bits, "slack").T
    found = hidden_values(at, list(zip(small.weights, small.biases, strict=True)), 2)
    result = found @ small.weights[2].T + small.biases[2]
    return list(zip(result.ravel().tolist(), expected.ravel().tolist(), strict=True))


def removed_only(network: ZeroOneMLP, *arguments: Any, layer: int, **options: Any) -> Any:
    """Drop the neurons and fit nothing again."""
    for small in remove(network, *arguments, layer=layer, **options):
        rows = [
            np.flatnonzero((network.weights[layer] == w).all(axis=1))[0]
            for w in small.weights[layer]
        ]
        kept = np.isin(np.arange(len(network.weights[layer])), rows)
        yield network.drop_neurons(layer, kept)


REMOVED = Claim(
    id="bcd.removal-network",
    statement="After a removal the layer above is the ridge fit of its targets on the units that "
    "are left, and the output layer is fitted again to slack targets.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_pruned,
    measure=each(measure_pruned),
    subject=remove,
    planted={
        "nothing fitted again": removed_only,
        "another ridge": lambda *at, gamma, **rest: remove(*at, gamma=100 * gamma, **rest),
    },
    tolerance=1e-6,
    hypotheses="two hidden layers, either of them, both scores",
    cases=24,
)

CLAIMS = (CHOICE, PRICE, REMOVED)
