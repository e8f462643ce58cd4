"""Claims: the bounds of Theorem 1 on beta, lam, eta and delta, and when its hypotheses hold."""

from collections.abc import Callable
from dataclasses import dataclass
from math import asin, nan, pi, sin, sqrt
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind, each
from zeroone.claims.gaussian.pairs import RVS
from zeroone.gaussian import theory

SOURCE = f"{RVS}, Theorem 1; docs/theory.md#a7"
Pairs = list[tuple[float, float]]


@dataclass(frozen=True)
class Settings:
    """One run's parameters, and the angle of its start.

    Parameters
    ----------
    k, d : int
    delta, theta, lam, beta, eta, lipschitz : float
    """

    k: int
    d: int
    delta: float
    theta: float
    lam: float
    beta: float
    eta: float
    lipschitz: float


def draw_settings(rng: np.random.Generator, count: int) -> list[Settings]:
    """Draw parameters about their bounds: well inside, well outside, and within 1e-9 of them."""
    drawn = []
    for _ in range(count):
        k, d = int(rng.choice([1, 2, 20, 500])), int(rng.integers(2, 50))
        slope = k / (2 * pi)
        delta = float(rng.uniform(0.02, pi / 2))

        def near(bound: float) -> float:
            return bound * float(rng.choice([0.3, 1 - 1e-9, 1 + 1e-9, 1.7]))

        # At the largest beta of all delta is pi/2.
        beta = slope if rng.random() < 0.1 else near(slope * sin(delta))
        lipschitz = slope * float(rng.choice([1.0, 1.5]))
        # At its bound exactly eta is not too large yet.
        bound = 1 / (beta + lipschitz)
        eta = bound if rng.random() < 0.2 else near(bound)
        theta = min(near(pi - delta), pi)
        # At its bound exactly lam is too large already.
        lam = slope / sqrt(d) if rng.random() < 0.2 else near(slope / sqrt(d))
        drawn.append(Settings(k, d, delta, theta, lam, beta, eta, lipschitz))
    return drawn


def measure_bounds(functions: tuple[Callable[..., Any], ...], at: Settings) -> Pairs:
    """Compare each bound with its formula; where no delta does, compare 2 with 2.

    The smallest delta allows the beta that it was computed from, also with rounding, and is itself
    allowed. (Near pi/2, where the sine is flat, rounding of the sine decides.)
    """
    smallest_delta, largest_beta, largest_lam, largest_eta = functions
    slope = at.k / (2 * pi)
    ratio = at.beta / slope
    with np.errstate(invalid="raise"):  # that there is none is no reason for a warning
        delta = float(smallest_delta(at.beta, at.k))
    none = ratio > 1
    allowed = none or delta <= pi / 2
    if allowed and ratio <= 0.5:
        allowed = float(largest_beta(delta, at.k)) >= at.beta
    return [
        (2.0 if none and np.isnan(delta) else delta, 2.0 if none else asin(ratio)),
        (1.0 + allowed, 2.0),
        (float(largest_beta(at.delta, at.k)), slope * sin(at.delta)),
        (float(largest_lam(at.k, at.d)), slope / sqrt(at.d)),
        (
            float(largest_eta(at.beta, at.k, at.lipschitz)),
            min(1 / (at.beta + at.lipschitz), 1 / slope),
        ),
        (float(largest_eta(at.beta, at.k)), 1 / (at.beta + slope)),
    ]


RIGHT = (theory.smallest_delta, theory.largest_beta, theory.largest_lam, theory.largest_eta)


def instead(place: int, wrong: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """Return the four bounds with one of them replaced."""
    return (*RIGHT[:place], wrong, *RIGHT[place + 1 :])


BOUNDS = Claim(
    id="rvscgd.bounds",
    statement="The bounds are delta = arcsin(2 pi beta/k) (none if that is not defined), beta = "
    "(k/2 pi) sin(delta), lam = k/(2 pi sqrt(d)), eta = min(1/(beta + L), 2 pi/k).",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_settings,
    measure=each(measure_bounds),
    subject=RIGHT,
    planted={
        "a delta of pi/2 where there is none": instead(
            0, lambda beta, k: np.arcsin(np.minimum(2 * pi * beta / k, 1))
        ),
        "a delta that rounding makes too small": instead(
            0, lambda beta, k: theory.smallest_delta(beta, k) * (1 - 4e-15)
        ),
        "delta itself for its sine": instead(1, lambda delta, k: k / (2 * pi) * delta),
        "d for its root": instead(2, lambda k, d: k / (2 * pi * d)),
        "L ignored": instead(3, lambda beta, k, lipschitz=None: theory.largest_eta(beta, k)),
    },
    tolerance=1e-13,
    hypotheses="k from 1 to 500, d from 2 to 49, L from k/(2 pi) to 1.5 times that; beta = "
    "k/(2 pi) among them",
    cases=300,
)


def measure_hypotheses(hypotheses: Callable[..., Any], at: Settings) -> Pairs:
    """Compare which hypotheses hold (1 more, so that something is compared) with their text."""
    w0, w_star = np.zeros(at.d), np.zeros(at.d)
    w_star[0] = 1.0
    w0[:2] = np.cos(at.theta), np.sin(at.theta)
    settings = {"k": at.k, "lam": at.lam, "beta": at.beta, "eta": at.eta}
    found = hypotheses(w0, w_star, **settings, delta=at.delta, lipschitz=at.lipschitz)
    slope = at.k / (2 * pi)
    known = {
        "w0": at.theta <= pi - at.delta,
        "beta": at.beta <= slope * sin(at.delta),
        "lam": at.lam < slope / sqrt(at.d),
        "eta": at.eta <= min(1 / (at.beta + at.lipschitz), 1 / slope),
    }
    held = {one.name: float(one.holds) for one in found}
    pairs = [(1 + held.get(name, nan), 1.0 + truth) for name, truth in known.items()]
    slack = {one.name: float(one.slack) for one in found}
    gaps = {"lam": slope / sqrt(at.d) - at.lam, "w0": pi - at.delta - at.theta}
    pairs += [(1 + slack.get(name, nan), 1 + gap) for name, gap in gaps.items()]
    # Without a delta it is the smallest that beta allows, pi/2 if none does.
    alone = {one.name: one for one in hypotheses(w0, w_star, **settings)}
    smallest = asin(min(at.beta / slope, 1.0))
    return [
        *pairs,
        (1 + float(alone["w0"].slack), 1 + pi - smallest - at.theta),
        (float(alone["beta"].bound), slope * sin(smallest)),
        (float(alone["eta"].bound), 1 / (at.beta + slope)),
    ]


def changed(**changes: Callable[[float], float | None]) -> Callable[..., Any]:
    """Return the hypotheses of other parameters than those that are asked about."""

    def hypotheses(w0: Any, w_star: Any, **settings: Any) -> Any:
        other = {
            name: change(settings[name]) for name, change in changes.items() if name in settings
        }
        return theory.hypotheses(w0, w_star, **{**settings, **other})

    return hypotheses


HYPOTHESES = Claim(
    id="rvscgd.hypotheses",
    statement="The hypotheses are reported to hold iff theta <= pi - delta, beta <= (k/2 pi) "
    "sin(delta), lam < k/(2 pi sqrt(d)) and eta <= min(1/(beta + L), 2 pi/k).",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_settings,
    measure=each(measure_hypotheses),
    subject=theory.hypotheses,
    planted={
        "delta forgotten": changed(delta=lambda delta: 1e-3),
        "half of lam": changed(lam=lambda lam: lam / 2),
        "half of beta": changed(beta=lambda beta: beta / 2),
        "half of eta": changed(eta=lambda eta: eta / 2),
        "the smallest L": changed(lipschitz=lambda lipschitz: None),
    },
    tolerance=1e-12,
    hypotheses="parameters within 1e-9 of their bounds among them, lam and eta at theirs",
    cases=100,
)

CLAIMS = (BOUNDS, HYPOTHESES)
