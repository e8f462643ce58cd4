"""Claims: the losses of hidden units, one margin at a time, and their derivatives (theory, C)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.targetprop.losses import LOSSES, MarginLoss
from zeroone.validation import FloatArray

Pair = tuple[FloatArray, FloatArray]

SOURCE = "Friesen, Domingos, arXiv:1710.11573; theory, C"

# ---------------------------------------------------------------------------- margins, one by one

# The losses as their definitions read, case by case.
PLAIN: dict[str, Callable[[Any], Any]] = {
    "hinge": lambda m: np.where(m < 1, 1 - m, 0),
    "saturated_hinge": lambda m: np.where(m < -1, 2, np.where(m < 1, 1 - m, 0)),
    "soft_hinge": lambda m: 2 / (1 + np.exp(2 * m)),
    "linear": lambda m: -m,
    "logistic": lambda m: np.where(m > 0, 0, -m) + np.log1p(np.exp(-np.abs(m))),
    "squared_hinge": lambda m: np.where(m < 1, (1 - m) ** 2, 0),
}
# Kinks, and the side whose slope is the derivative there: -1 for below, +1 for above.
SIDES: dict[str, dict[float, int]] = {
    "hinge": {1.0: -1},
    "saturated_hinge": {1.0: -1, -1.0: 1},
    "squared_hinge": {1.0: -1},
}
STEP = np.longdouble(1e-4)


def slopes(f: Callable[[Any], Any], x: FloatArray, side: FloatArray) -> FloatArray:
    """Return derivatives by finite differences in extended precision, on one side where told so.

    Parameters
    ----------
    f : callable
        Entry by entry.
    x : ndarray
    side : ndarray of x's shape
        0 for central differences, of fourth order; -1 and +1 for one-sided ones, of second order.
    """
    x = x.astype(np.longdouble)
    central = 8 * (f(x + STEP) - f(x - STEP)) - (f(x + 2 * STEP) - f(x - 2 * STEP))
    h = side * STEP
    one_sided = 4 * f(x + h) - f(x + 2 * h) - 3 * f(x)
    return np.where(side == 0, central / (12 * STEP), side * one_sided / (2 * STEP)).astype(float)


@dataclass(frozen=True)
class Margins:
    """Margins, and on which side of each the slope is asked for: 0 away from kinks."""

    m: FloatArray
    side: FloatArray


def margins_of(name: str) -> Callable[[np.random.Generator, int], Margins]:
    """Return a sampler of margins from tiny to large, kinks among them."""
    kinks = SIDES.get(name, {})

    def sample(rng: np.random.Generator, count: int) -> Margins:
        m = rng.standard_normal(count) * rng.choice([0.01, 1.0, 3.0, 100.0], count)
        m[rng.random(count) < 0.05] = 0.0
        # No nearer to a kink than the differences reach, unless on it.
        for kink in kinks:
            m = np.where(np.abs(m - kink) < 1e-3, m + 0.01, m)
        side = np.zeros(count)
        for number, (kink, which) in enumerate(kinks.items()):
            m[number::10], side[number::10] = kink, which
        return Margins(m, side)

    return sample


def measure_margins(loss: MarginLoss, at: Margins) -> Pair:
    """Compare values with the definition and derivatives with finite differences of it."""
    plain = PLAIN[loss.name]
    expected = plain(at.m.astype(np.longdouble)).astype(float), slopes(plain, at.m, at.side)
    return np.stack([loss.value(at.m), loss.derivative(at.m)]), np.stack(expected)


def with_slope(name: str, derivative: Callable[[FloatArray], FloatArray]) -> MarginLoss:
    """Return a loss with another derivative."""
    return replace(LOSSES[name], derivative=derivative)


def wrong_slopes(name: str, **errors: Callable[[FloatArray], FloatArray]) -> dict[str, MarginLoss]:
    """Return planted errors of a loss: some that suit all, and some of its own."""
    right = LOSSES[name]
    planted = {
        "the sign": with_slope(name, lambda m: -right.derivative(m)),
        "twice the slope": with_slope(name, lambda m: 2 * right.derivative(m)),
        "a value that is off": replace(right, value=lambda m: right.value(m) + 0.1),
    }
    return planted | {text.replace("_", " "): with_slope(name, f) for text, f in errors.items()}


PLANTED_SLOPES: dict[str, dict[str, MarginLoss]] = {
    "hinge": wrong_slopes(
        "hinge",
        kink_at_zero=lambda m: -(m <= 0).astype(float),
        the_other_side_of_the_kink=lambda m: -(m < 1).astype(float),
    ),
    "saturated_hinge": wrong_slopes(
        "saturated_hinge",
        not_saturated=LOSSES["hinge"].derivative,
        the_other_side_of_both_kinks=lambda m: -(np.abs(m) < 1).astype(float),
    ),
    "soft_hinge": wrong_slopes("soft_hinge", tanh_not_squared=lambda m: np.tanh(m) - 1),
    "linear": wrong_slopes("linear", saturated=LOSSES["saturated_hinge"].derivative),
    "logistic": wrong_slopes("logistic", the_margin_negated=lambda m: -1 / (1 + np.exp(-m))),
    "squared_hinge": wrong_slopes(
        "squared_hinge",
        two_forgotten=lambda m: -np.maximum(1 - m, 0),
        not_cut_off=lambda m: -2 * (1 - m),
    ),
}

STATEMENTS = {
    "hinge": "max(0, 1 - m) has the slope -1[m <= 1].",
    "saturated_hinge": "min(2, max(0, 1 - m)) has the slope -1[|m| <= 1].",
    "soft_hinge": "1 - tanh(m) has the slope -(1 - tanh(m)^2).",
    "linear": "-m has the slope -1.",
    "logistic": "log(1 + exp(-m)) has the slope -1/(1 + exp(m)).",
    "squared_hinge": "max(0, 1 - m)^2 has the slope -2 max(0, 1 - m).",
}


def loss_claim(name: str) -> Claim:
    """Return the claim that a loss and its derivative belong together."""
    return Claim(
        id="targetprop.loss." + name.replace("_", "-"),
        statement=STATEMENTS[name],
        source=SOURCE,
        kind=Kind.EQUALITY,
        sample=margins_of(name),
        measure=measure_margins,
        subject=LOSSES[name],
        planted=PLANTED_SLOPES[name],
        tolerance=1e-11,
        hypotheses="|m| up to about 300; kinks themselves, with the slope of the side stated",
        cases=2000,
    )


CLAIMS = tuple(loss_claim(name) for name in LOSSES)
