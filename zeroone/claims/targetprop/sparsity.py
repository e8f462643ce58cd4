"""Claims: how sparse a net is, which level has a threshold, and what a refit leaves at zero."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind, each
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Dense, Flatten, Layer
from zeroone.support.validation import FloatArray
from zeroone.targetprop.optimisers import Momentum
from zeroone.targetprop.splitting import Masked, level, zeros_by_layer

Pairs = list[tuple[float, float]]
SOURCE = "docs/theory.md#d3"

# --------------------------------------------------------------------------------- zeros by layer


def draw_layers(rng: np.random.Generator, count: int) -> list[list[Layer]]:
    """Draw one to three layers of which a part of the weights is zero, whole filters among them."""
    drawn = []
    for _ in range(count):
        layers: list[Layer] = []
        for _ in range(int(rng.integers(1, 4))):
            n = int(rng.integers(1, 5))
            shape = (n, 2, 2, 3) if rng.random() < 0.5 else (n, int(rng.integers(1, 6)))
            w = rng.standard_normal(shape) * (rng.random(shape) < rng.choice([0.1, 0.5, 1.0]))
            w[rng.random(n) < 0.3] = 0
            biases = rng.standard_normal(n)
            layers += [Convolution(w, biases), Flatten()] if w.ndim == 4 else [Dense(w, biases)]
        drawn.append(layers)
    return drawn


def measure_zeros(count: Any, layers: list[Layer]) -> Pairs:
    """Compare the rows of the table with counting one weight after the other."""
    weights = [layer.weights for layer in layers if isinstance(layer, Dense | Convolution)]
    known = []
    for w in weights:
        rows = w.reshape(len(w), -1).tolist()
        none = sum(value == 0 for row in rows for value in row)
        known.append([w.size, none, len(w), sum(not any(row) for row in rows)])
    known.append([sum(row[i] for row in known) for i in range(4)])
    found = count(layers)
    pairs: Pairs = [(1.0 + len(found), 1.0 + len(known))]
    names = [*range(1, len(weights) + 1), "all"]
    pairs += [(float(row.layer == name), 1.0) for row, name in zip(found, names, strict=True)]
    for row, (entries, zeros, filters, silent) in zip(found, known, strict=True):
        pairs += [(row.entries, entries), (1 + row.zeros, 1 + zeros), (row.filters, filters)]
        pairs += [(1 + row.share, 1 + zeros / entries), (1 + row.zero_filters, 1 + silent)]
    return pairs


def counted(**changes: Any) -> Any:
    """Return the table with some columns changed."""

    def count(layers: list[Layer]) -> Any:
        rows = zeros_by_layer(layers)
        return [
            row._replace(**{name: change(row) for name, change in changes.items()}) for row in rows
        ]

    return count


ZEROS = Claim(
    id="targetprop.splitting-zeros",
    statement="The table counts entries, zeros and their share, filters and those that are all "
    "zero, by layer, numbered from 1, and in all; biases do not count.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_layers,
    measure=each(measure_zeros),
    subject=zeros_by_layer,
    planted={
        "what is left": counted(zeros=lambda row: row.entries - row.zeros),
        "a share of filters": counted(share=lambda row: row.zero_filters / row.filters),
        "no filter is zero": counted(zero_filters=lambda row: 0),
        "numbered from 0": counted(
            layer=lambda row: row.layer if row.kind == "" else row.layer - 1
        ),
    },
    tolerance=1e-14,
    hypotheses="one to three dense and convolutional layers, zero filters among them",
    cases=60,
)

# ----------------------------------------------------------------------------------------- levels


@dataclass(frozen=True)
class Wanted:
    """A penalty at the parameters that its name stands for, and a threshold."""

    penalty: str
    threshold: float


# The largest level that is looked for: the last power of two below `LARGEST_LEVEL`.
LAST_LEVEL = 2.0**39


def draw_wanted(rng: np.random.Generator, count: int) -> list[Wanted]:
    """Draw thresholds from 0.001 to 10; then for l1, whose level is its threshold, ends of ranges.

    These are a power of two, the last level that there is, and what is a little beyond it.
    """
    names = ("l1", "l0", "tl1", "mcp", "group")
    drawn = [
        Wanted(names[index % len(names)], float(np.exp(rng.uniform(np.log(1e-3), np.log(10.0)))))
        for index in range(count)
    ]
    ends = (2.0 ** int(rng.integers(-9, 4)), LAST_LEVEL, LAST_LEVEL * float(rng.uniform(1, 1.5)))
    return [*drawn[len(ends) :], *(Wanted("l1", end) for end in ends)][-count:]


def measure_level(find: Any, at: Wanted) -> Pairs:
    """Compare the level with that of which the threshold is known.

    l1: t; l0 and l2,0: sqrt(2 t); transformed l1 with a = 1: 2 t up to t = 1/4, then 2 sqrt(t) -
    1/2; MCP with gamma = 1: t up to 1, then sqrt(t). That of l1 must be right to the last bit: any
    less leaves the threshold, any more takes away what is above it. What is refused is given the
    level 0.
    """
    tau = at.threshold
    try:
        found = float(find(at.penalty, tau))
    except ValueError:
        found = 0.0
    if at.penalty == "l1":
        known = tau if tau <= LAST_LEVEL else 0.0
        return [(1 + (found - known) / np.spacing(tau), 1.0)]
    known = {
        "l0": tau**2 / 2,
        "group": tau**2 / 2,
        "tl1": tau / 2 if tau <= 0.5 else (tau / 2 + 0.25) ** 2,
        "mcp": tau if tau < 1 else tau**2,
    }[at.penalty]
    return [(found / known, 1.0)]


LEVEL = Claim(
    id="targetprop.splitting-level",
    statement="The level lam/beta that is found, up to 2^39, takes just the weights up to the "
    "threshold to 0.",
    source=f"{SOURCE}, #a5",
    kind=Kind.EQUALITY,
    sample=draw_wanted,
    measure=each(measure_level),
    subject=level,
    planted={
        "that of l0": lambda penalty, threshold: threshold**2 / 2,
        "twice the threshold": lambda penalty, threshold: level(penalty, 2 * threshold),
        "the next number": lambda penalty, threshold: np.nextafter(level(penalty, threshold), 1e99),
    },
    tolerance=1e-9,
    hypotheses="thresholds from 0.001 to 10; for l1 powers of two and the end of the range too",
    cases=60,
)

# ------------------------------------------------------------------------------------------ refits


@dataclass(frozen=True)
class Refit:
    """Weights, some of them zero, biases, and gradients of a few updates."""

    w: FloatArray
    b: FloatArray
    gradients: list[tuple[FloatArray, FloatArray]]


def draw_refits(rng: np.random.Generator, count: int) -> list[Refit]:
    """Draw layers with about half of the weights zero, and one zero bias."""
    drawn = []
    for _ in range(count):
        shape = int(rng.integers(1, 5)), int(rng.integers(1, 5))
        w = rng.standard_normal(shape) * (rng.random(shape) < 0.5)
        b = rng.standard_normal(shape[0])
        b[0] = 0.0
        gradients: list[tuple[FloatArray, FloatArray]] = [
            (rng.standard_normal(shape), rng.standard_normal(shape[0]))
            for _ in range(int(rng.integers(1, 5)))
        ]
        drawn.append(Refit(w, b, gradients))
    return drawn


RATE, MOMENTUM = 0.1, 0.9


def measure_refit(make: Any, at: Refit) -> Pairs:
    """Compare weights and biases after some updates with the same by hand, entry by entry."""
    w, b = at.w.copy(), at.b.copy()
    optimiser = make(Momentum([w, b], MOMENTUM))
    for by_w, by_b in at.gradients:
        optimiser.update([by_w.copy(), by_b.copy()], RATE)
    pairs: Pairs = []
    for index, (start, found) in enumerate(((at.w, w), (at.b, b))):
        for place in np.ndindex(start.shape):
            value, velocity = float(start[place]), 0.0
            for gradients in at.gradients:
                if index == 0 and start[place] == 0:
                    break
                velocity = MOMENTUM * velocity + float(gradients[index][place])
                value -= RATE * velocity
            pairs.append((float(found[place]), value))
    return pairs


class Unmasked(Masked):
    """A refit in which what is zero moves too."""

    def update(self, gradients: Any, rate: float) -> None:
        """Move everything."""
        self.optimiser.update(gradients, rate)


class Still(Masked):
    """A refit in which nothing moves."""

    def update(self, gradients: Any, rate: float) -> None:
        """Move nothing."""


class BiasesMasked(Masked):
    """A refit in which zero biases stay zero."""

    def __init__(self, optimiser: Any) -> None:
        super().__init__(optimiser)
        self.kept = [w != 0 for w in optimiser.parameters]


REFIT = Claim(
    id="targetprop.refit",
    statement="A refit moves the weights that are not zero, and all biases, as the optimiser alone "
    "would; zeros stay.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_refits,
    measure=each(measure_refit),
    subject=Masked,
    planted={"zeros move": Unmasked, "biases are masked": BiasesMasked, "nothing moves": Still},
    tolerance=1e-12,
    hypotheses="momentum, one to four updates",
    cases=60,
)

CLAIMS = (ZEROS, LEVEL, REFIT)
