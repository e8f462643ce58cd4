"""Claims: what a pre-activation receives, given e, the derivative by the output (theory, C)."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop_layer_loss import LayerInstance, hidden, off_kinks, sample_layers
from zeroone.claims.targetprop_losses import PLAIN, SOURCE, Pair, slopes
from zeroone.targetprop import layers
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.targets import Targets, set_targets
from zeroone.validation import FloatArray

Long = NDArray[np.longdouble]


def sample_ties(rng: np.random.Generator, count: int) -> list[LayerInstance]:
    """Draw layers with z at -1, 0 and 1 and next to these, and e of all sizes and 0."""
    drawn = []
    for at in sample_layers(rng, count):
        shape = at.z.shape
        ties = rng.choice([-1.0, 1.0], shape) * rng.choice([0, 0.5, 1, 2], shape)
        ties = np.where(rng.random(shape) < 0.3, np.nextafter(ties, rng.choice([-9, 9])), ties)
        z = np.where(rng.random(shape) < 0.6, ties, at.z)
        e = at.e * np.exp(rng.uniform(-30, 3, shape))
        drawn.append(replace(at, z=z, e=np.where(rng.random(shape) < 0.1, -0.0, e)))
    return drawn


def stated_exactly(at: LayerInstance) -> FloatArray:
    """Return the table of theory, C, for the losses whose factor is 0 or 1."""
    if at.loss == "linear":
        return at.e
    if at.loss == "saturated_hinge":
        return np.where((at.z >= -1) & (at.z <= 1), at.e, 0)
    return np.where(np.where(at.e > 0, -at.z, at.z) <= 1, at.e, 0)


def measure_exactly(received: Any, drawn: list[LayerInstance]) -> Pair:
    """Compare what z receives, for linear, hinge and saturated hinge, and weight * target with -e.

    No difference is allowed, not in the last bit.
    """
    ours, stated = [], []
    for at in drawn:
        for loss in ("linear", "saturated_hinge", "hinge"):
            one = replace(at, loss=loss)
            ours.append(received(one).ravel())
            stated.append(stated_exactly(one).ravel())
        targets = set_targets(at.e, "magnitude")
        ours.append((targets.weights * targets.signs).ravel())
        stated.append(-at.e.ravel())
    return np.concatenate(ours), np.concatenate(stated)


def wrong_received_open(at: LayerInstance) -> FloatArray:
    """Leave the ties |z| = 1 outside."""
    return np.where(np.abs(at.z) == 1, 0, hidden(at))


RECEIVED_EXACTLY = Claim(
    id="targetprop.received-exactly",
    statement="With weights |e|, z receives e (linear), e 1[|z| <= 1] (saturated hinge), "
    "e 1[t z <= 1] (hinge), and weight * target = -e: to the last bit.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_ties,
    measure=measure_exactly,
    subject=hidden,
    planted={
        "ties left out": wrong_received_open,
        "the opposite target": lambda at: hidden(replace(at, e=-at.e)),
        "all targets alike": lambda at: hidden(at, weighting="equal"),
        "e rounded": lambda at: hidden(replace(at, e=at.e.astype(np.float32).astype(float))),
    },
    tolerance=0.0,
    scale=1e-30,
    hypotheses="z at -1, 0, 1 and next to them; e = 0, -0 and of all sizes",
    cases=100,
)


def stated_smoothly(at: LayerInstance) -> Long:
    """Return the table of theory, C, for the other losses, in extended precision."""
    z, e = at.z.astype(np.longdouble), at.e.astype(np.longdouble)
    tz = -np.sign(e) * z
    return {
        "soft_hinge": lambda: e / np.cosh(z) ** 2,
        "logistic": lambda: e / (1 + np.exp(tz)),
        "squared_hinge": lambda: 2 * e * np.maximum(1 - tz, 0),
    }[at.loss]()


def measure_smoothly(received: Any, drawn: list[LayerInstance]) -> Pair:
    """Compare what z receives for soft hinge, logistic and squared hinge with the table."""
    names = ("soft_hinge", "logistic", "squared_hinge")
    ones = [replace(at, loss=loss) for at in drawn for loss in names]
    stated = [stated_smoothly(one).astype(float).ravel() for one in ones]
    return np.concatenate([received(one).ravel() for one in ones]), np.concatenate(stated)


RECEIVED = Claim(
    id="targetprop.received",
    statement="With weights |e|, z receives e (1 - tanh(z)^2) (soft hinge), e/(1 + exp(t z)) "
    "(logistic), 2 e max(0, 1 - t z) (squared hinge).",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_ties,
    measure=measure_smoothly,
    subject=hidden,
    planted={
        "the opposite target": lambda at: hidden(replace(at, e=-at.e)),
        "half the pre-activation": lambda at: hidden(replace(at, z=at.z / 2)),
        "all targets alike": lambda at: hidden(at, weighting="equal"),
    },
    tolerance=1e-14,
    cases=100,
)


def measure_equal_weights(received: Any, drawn: list[LayerInstance]) -> Pair:
    """Compare what z receives under equal weights with t loss'(t z)/n, and 0 where e is 0."""
    ours, stated = [], []
    for at in drawn:
        away = replace(at, z=off_kinks(at.z))
        t = -np.sign(at.e)
        slope = slopes(PLAIN[at.loss], t * away.z, np.zeros(t.shape))
        ours.append(received(away).ravel())
        stated.append(np.where(at.e == 0, 0, t * slope / len(t)).ravel())
    return np.concatenate(ours), np.concatenate(stated)


def wrong_equal_weights(at: LayerInstance) -> FloatArray:
    """Give all units a target, also where e is 0."""
    chosen = TargetOptions(loss=at.loss, weighting="equal")
    targets = Targets(np.where(at.e > 0, -1.0, 1.0), 1 / len(at.e))
    return layers.hidden_gradient(at.z, targets, chosen)


DONT_CARE = Claim(
    id="targetprop.dont-care",
    statement="With equal weights z receives t loss'(t z)/N, and nothing where e = 0.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_layers,
    measure=measure_equal_weights,
    subject=lambda at: hidden(at, weighting="equal"),
    planted={
        "e = 0 given a target": wrong_equal_weights,
        "weights 1 for 1/N": lambda at: len(at.z) * hidden(at, weighting="equal"),
    },
    tolerance=1e-11,
    cases=100,
)

CLAIMS = (RECEIVED_EXACTLY, RECEIVED, DONT_CARE)
