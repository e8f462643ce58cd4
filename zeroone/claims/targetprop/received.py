"""Claims: the loss of a layer of hidden units, and what their pre-activations receive from it.

Given e, the derivative of the loss above by the units' outputs (docs/theory.md#c1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop.losses import SOURCE, Long, Pair, definition, slopes
from zeroone.losses import (
    LOSSES,
    SURROGATES,
    HiddenLoss,
    layer_gradient,
    layer_loss,
)
from zeroone.support.validation import FloatArray
from zeroone.targetprop.targets import Targets, TargetUnits, set_targets

# ------------------------------------------------------------------------------ the loss of a layer

PLAIN_MU: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.where(z > 0, z, 0),
    "clipped_relu": lambda z: np.where(z > 1, 1, np.where(z > 0, z, 0)),
}


@dataclass(frozen=True)
class LayerInstance:
    """Pre-activations z and derivatives e of shape (n_samples, n_units), and how they are used."""

    z: FloatArray
    e: FloatArray
    weights: FloatArray | float
    loss: str
    surrogate: str
    levels: int


def off_kinks(z: FloatArray) -> FloatArray:
    """Round to (j + 0.37)/64: at least 6e-4 from all multiples of 1/4, of 1/3 and of 1."""
    return (np.round(64 * z) + 0.37) / 64


def sample_layers(rng: np.random.Generator, count: int) -> list[LayerInstance]:
    """Draw layers of up to 6 samples and 5 units; some e are 0, and some units have no weight."""
    drawn = []
    for _ in range(count):
        shape = int(rng.integers(1, 7)), int(rng.integers(1, 6))
        e = rng.standard_normal(shape) * (rng.random(shape) > 0.2)
        weights = np.abs(e) if rng.random() < 0.7 else float(rng.uniform(0.1, 2))
        loss, surrogate = str(rng.choice(list(LOSSES))), str(rng.choice(list(SURROGATES)))
        z = off_kinks(2 * rng.standard_normal(shape))
        levels = int(rng.integers(2, 6))
        drawn.append(LayerInstance(z, e, weights, loss, surrogate, levels))
    return drawn


def measure_layer(functions: Mapping[str, Any], drawn: list[LayerInstance]) -> Pair:
    """Compare the layer's loss with the plain sum, its gradient with finite differences of that."""
    ours: list[float] = []
    plain: list[float] = []
    for at in drawn:
        t, weights = -np.sign(at.e), at.weights
        arguments = LOSSES[at.loss], at.z, t, weights, SURROGATES[at.surrogate]
        ours += [functions["loss"](*arguments), *functions["gradient"](*arguments).ravel()]

        def entries(
            z: Any, at: LayerInstance = at, t: FloatArray = t, weights: Any = weights
        ) -> Any:
            cost = weights * definition(LOSSES[at.loss])(t * PLAIN_MU[at.surrogate](z))
            return np.where(t == 0, 0, cost)

        central = np.zeros(at.z.shape)
        plain += [float(entries(at.z).sum()), *slopes(entries, at.z, central).ravel()]
    return np.array(ours), np.array(plain)


LAYER: dict[str, Any] = {"loss": layer_loss, "gradient": layer_gradient}


def wrong_gradient_everybody_cares(
    loss: HiddenLoss, z: FloatArray, t: FloatArray, weights: Any, mu: Any
) -> FloatArray:
    """Give units without a target the target +1."""
    return layer_gradient(loss, z, np.where(t == 0, 1, t), weights, mu)


def wrong_loss_everybody_cares(
    loss: HiddenLoss, z: FloatArray, t: FloatArray, weights: Any, mu: Any
) -> float:
    """Charge loss(0) for units without a target."""
    return float(np.sum(weights * loss.value(t * mu.value(z))))


def without_slope(mu: Any) -> Any:
    """Return a surrogate whose slope is forgotten."""
    return replace(mu, derivative=np.ones_like)


LAYER_GRADIENT = Claim(
    id="targetprop.layer-gradient",
    statement="weight t loss'(t mu(z)) mu'(z) is the derivative of sum weight |t| loss(t mu(z)).",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_layers,
    measure=measure_layer,
    subject=LAYER,
    planted={
        "t = 0 taken for +1": LAYER | {"gradient": wrong_gradient_everybody_cares},
        "t = 0 charged": LAYER | {"loss": wrong_loss_everybody_cares},
        "weights forgotten": LAYER
        | {"gradient": lambda loss, z, t, weights, mu: layer_gradient(loss, z, t, 1.0, mu)},
        "mu' forgotten": LAYER
        | {
            "gradient": lambda loss, z, t, weights, mu: layer_gradient(
                loss, z, t, weights, without_slope(mu)
            )
        },
        "the mean of the samples": LAYER
        | {"gradient": lambda loss, z, t, *rest: layer_gradient(loss, z, t, *rest) / len(z) ** 0.5},
    },
    tolerance=1e-11,
    hypotheses="1 to 6 samples, 1 to 5 units; all losses and surrogates; targets 0 among them",
    cases=100,
)


# --------------------------------------------------------------------------------------- staircase


def received(
    make: type[TargetUnits], at: LayerInstance, activation: str = "sign", **options: Any
) -> FloatArray:
    """Return what the pre-activations of a hidden layer receive, given e."""
    units = make(activation, loss=LOSSES[at.loss], **options)
    return units.layer_gradient(at.z, units.targets(at.e))


def measure_staircase(make: type[TargetUnits], drawn: list[LayerInstance]) -> Pair:
    """Compare the loss of a staircase with that of its steps, and what is received with its slope.

    With two levels there must be no difference from `step` at all.
    """
    ours: list[FloatArray] = []
    stated: list[FloatArray] = []
    for at in drawn:
        t, steps, loss = -np.sign(at.e), at.levels - 1, definition(LOSSES[at.loss])

        def entries(
            z: Any, at: LayerInstance = at, t: Any = t, steps: int = steps, loss: Any = loss
        ) -> Any:
            terms = [loss(t * (z - np.longdouble(j) / steps)) for j in range(steps)]
            return np.abs(at.e) / steps * sum(terms)

        units = make("staircase", at.levels, loss=LOSSES[at.loss])
        ours.append(np.array([units.layer_loss(at.z, units.targets(at.e))]))
        stated.append(np.array([float(entries(at.z.astype(np.longdouble)).sum())]))
        ours.append(received(make, at, "staircase", levels=at.levels).ravel())
        stated.append(slopes(entries, at.z, np.zeros(t.shape)).ravel())
        two, one_step = received(make, at, "staircase", levels=2), received(make, at, "step")
        ours.append((two != one_step).ravel().astype(float))
        stated.append(np.zeros(two.size))
    return np.concatenate(ours), np.concatenate(stated)


class Undivided(TargetUnits):
    """Staircase units whose steps have the whole weight each."""

    def targets(self, e: FloatArray, sample_weight: FloatArray | None = None) -> Targets:
        """Return the targets of a unit for each of its steps."""
        return set_targets(e, self.weighting, sample_weight)


class AtZero(TargetUnits):
    """Staircase units all of whose jumps are at 0."""

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The places of the jumps."""
        return (0.0,) * len(super().thresholds)


class Shifted(TargetUnits):
    """Staircase units that jump at (j + 1)/(k - 1)."""

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The places of the jumps."""
        places = super().thresholds
        return tuple(place + 1 / len(places) for place in places)


class LossAtZero(TargetUnits):
    """Staircase units whose loss is that of as many steps at 0."""

    def layer_loss(self, Z: FloatArray, targets: Targets) -> float:
        """Return the loss of one step, times their number."""
        one = layer_loss(self.loss, Z, targets.signs, targets.weights, self.surrogate)
        return len(self.thresholds) * one


STAIRCASE = Claim(
    id="targetprop.staircase",
    statement="Steps at j/(k - 1) with targets -sign(e) and weights |e|/(k - 1) add up to the "
    "derivative of their summed loss; with k = 2 they are one step unit.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_layers,
    measure=measure_staircase,
    subject=TargetUnits,
    planted={
        "not divided by k - 1": Undivided,
        "all jumps at 0": AtZero,
        "jumps at (j + 1)/(k - 1)": Shifted,
        "a loss of jumps at 0": LossAtZero,
    },
    tolerance=1e-11,
    hypotheses="2 to 5 levels, z away from the jumps and the kinks",
    cases=100,
)

# ------------------------------------------------------------------------------ what z receives


class Opposite(TargetUnits):
    """Units with the opposite targets."""

    def targets(self, e: FloatArray, sample_weight: FloatArray | None = None) -> Targets:
        """Return the targets of -e."""
        return super().targets(-e, sample_weight)


class Alike(TargetUnits):
    """Units all of whose targets matter alike."""

    def targets(self, e: FloatArray, sample_weight: FloatArray | None = None) -> Targets:
        """Return targets of equal weights."""
        return set_targets(e, "equal", sample_weight)


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
    """Return the table of docs/theory.md#c1, for the losses whose factor is 0 or 1."""
    if at.loss == "linear":
        return at.e
    if at.loss == "saturated_hinge":
        return np.where((at.z >= -1) & (at.z <= 1), at.e, 0)
    return np.where(np.where(at.e > 0, -at.z, at.z) <= 1, at.e, 0)


def measure_exactly(make: type[TargetUnits], drawn: list[LayerInstance]) -> Pair:
    """Compare what z receives, for linear, hinge and saturated hinge, and weight * target with -e.

    No difference is allowed, not in the last bit.
    """
    ours, stated = [], []
    for at in drawn:
        for loss in ("linear", "saturated_hinge", "hinge"):
            one = replace(at, loss=loss)
            ours.append(received(make, one).ravel())
            stated.append(stated_exactly(one).ravel())
        targets = make("sign").targets(at.e)
        ours.append((targets.weights * targets.signs).ravel())
        stated.append(-at.e.ravel())
    return np.concatenate(ours), np.concatenate(stated)


class TiesLeftOut(TargetUnits):
    """Units that receive nothing at the ties |z| = 1."""

    def layer_gradient(self, Z: FloatArray, targets: Targets) -> FloatArray:
        """Return 0 at the ties."""
        return np.where(np.abs(Z) == 1, 0, super().layer_gradient(Z, targets))


class Rounded(TargetUnits):
    """Units with targets of an e in single precision."""

    def targets(self, e: FloatArray, sample_weight: FloatArray | None = None) -> Targets:
        """Return the targets of the rounded e."""
        return super().targets(e.astype(np.float32).astype(float), sample_weight)


RECEIVED_EXACTLY = Claim(
    id="targetprop.received-exactly",
    statement="With weights |e|, z receives e (linear), e 1[|z| <= 1] (saturated hinge), "
    "e 1[t z <= 1] (hinge), and weight * target = -e: to the last bit.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_ties,
    measure=measure_exactly,
    subject=TargetUnits,
    planted={
        "ties left out": TiesLeftOut,
        "the opposite target": Opposite,
        "all targets alike": Alike,
        "e rounded": Rounded,
    },
    tolerance=0.0,
    scale=1e-30,
    hypotheses="z at -1, 0, 1 and next to them; e = 0, -0 and of all sizes",
    cases=100,
)


def stated_smoothly(at: LayerInstance) -> Long:
    """Return the table of docs/theory.md#c1, for the other losses, in extended precision."""
    z, e = at.z.astype(np.longdouble), at.e.astype(np.longdouble)
    tz = -np.sign(e) * z
    return {
        "soft_hinge": lambda: e / np.cosh(z) ** 2,
        "logistic": lambda: e / (1 + np.exp(tz)),
        "squared_hinge": lambda: 2 * e * np.maximum(1 - tz, 0),
    }[at.loss]()


def measure_smoothly(make: type[TargetUnits], drawn: list[LayerInstance]) -> Pair:
    """Compare what z receives for soft hinge, logistic and squared hinge with the table."""
    names = ("soft_hinge", "logistic", "squared_hinge")
    ones = [replace(at, loss=loss) for at in drawn for loss in names]
    stated = [stated_smoothly(one).astype(float).ravel() for one in ones]
    return np.concatenate([received(make, one).ravel() for one in ones]), np.concatenate(stated)


class HalfWay(TargetUnits):
    """Units that take half of the pre-activation."""

    def layer_gradient(self, Z: FloatArray, targets: Targets) -> FloatArray:
        """Return what belongs to half of Z."""
        return super().layer_gradient(Z / 2, targets)


RECEIVED = Claim(
    id="targetprop.received",
    statement="With weights |e|, z receives e (1 - tanh(z)^2) (soft hinge), e/(1 + exp(t z)) "
    "(logistic), 2 e max(0, 1 - t z) (squared hinge).",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_ties,
    measure=measure_smoothly,
    subject=TargetUnits,
    planted={
        "the opposite target": Opposite,
        "half the pre-activation": HalfWay,
        "all targets alike": Alike,
    },
    tolerance=1e-14,
    cases=100,
)


def measure_equal_weights(make: type[TargetUnits], drawn: list[LayerInstance]) -> Pair:
    """Compare what z receives under equal weights with t loss'(t z)/n, and 0 where e is 0."""
    ours, stated = [], []
    for at in drawn:
        away = replace(at, z=off_kinks(at.z))
        t = -np.sign(at.e)
        slope = slopes(definition(LOSSES[at.loss]), t * away.z, np.zeros(t.shape))
        ours.append(received(make, away, weighting="equal").ravel())
        stated.append(np.where(at.e == 0, 0, t * slope / len(t)).ravel())
    return np.concatenate(ours), np.concatenate(stated)


class Everybody(TargetUnits):
    """Units that all have a target, also where e is 0."""

    def targets(self, e: FloatArray, sample_weight: FloatArray | None = None) -> Targets:
        """Return the targets of -1 for 0."""
        return super().targets(np.where(e == 0, -1.0, e), sample_weight)


class NotShared(TargetUnits):
    """Units whose equal weights are 1."""

    def targets(self, e: FloatArray, sample_weight: FloatArray | None = None) -> Targets:
        """Return weights of 1."""
        return Targets(super().targets(e, sample_weight).signs, 1.0)


DONT_CARE = Claim(
    id="targetprop.dont-care",
    statement="With equal weights z receives t loss'(t z)/N, and nothing where e = 0.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_layers,
    measure=measure_equal_weights,
    subject=TargetUnits,
    planted={"e = 0 given a target": Everybody, "weights 1 for 1/N": NotShared},
    tolerance=1e-11,
    cases=100,
)

# --------------------------------------------------------------------- samples that count more


def sample_weighted(rng: np.random.Generator, count: int) -> list[tuple[FloatArray, FloatArray]]:
    """Draw derivatives of dense layers and of maps, and how often each sample counts."""
    drawn: list[tuple[FloatArray, FloatArray]] = []
    for case in range(count):
        n_samples, n_units = int(rng.integers(1, 7)), int(rng.integers(1, 5))
        shape = (n_samples, n_units) if case % 2 else (n_samples, 2, 3, n_units)
        e = rng.standard_normal(shape) * (rng.random(shape) > 0.2)
        drawn.append((e, rng.integers(1, 5, n_samples).astype(float)))
    return drawn


def measure_weighted(setter: Any, drawn: list[tuple[FloatArray, FloatArray]]) -> Pair:
    """Compare target times weight, entry by entry, with what repeating the samples adds up to.

    A sample that counts three times has three of as many shares as there are samples then.
    """
    ours: list[float] = []
    plain: list[float] = []
    for e, often in drawn:
        targets = setter(e, "equal", often)
        found = np.broadcast_to(targets.signs * targets.weights, e.shape)
        ours += list(found.ravel())
        total = sum(float(times) for times in often)
        for row, times in zip(e, often, strict=True):
            plain += [
                0.0 if entry == 0 else (-times if entry > 0 else times) / total
                for entry in row.ravel()
            ]
    return np.array(ours), np.array(plain)


def wrong_unweighted(e: FloatArray, weighting: str, sample_weight: FloatArray) -> Targets:
    """Give every sample the same share."""
    return set_targets(e, weighting)


def wrong_weights_not_shared(e: FloatArray, weighting: str, sample_weight: FloatArray) -> Targets:
    """Take the weights themselves for shares."""
    found = set_targets(e, weighting, sample_weight)
    return Targets(found.signs, found.weights * sample_weight.sum() * 1.5)


WEIGHTED = Claim(
    id="targetprop.sample-weights",
    statement="With equal weights a sample that counts s times has s shares of 1 / sum s, in dense "
    "layers and in maps, as if it were there s times.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_weighted,
    measure=measure_weighted,
    subject=set_targets,
    planted={"all alike": wrong_unweighted, "not shared out": wrong_weights_not_shared},
    tolerance=1e-12,
    hypotheses="whole weights; some derivatives are 0",
    cases=200,
)

CLAIMS = (LAYER_GRADIENT, STAIRCASE, RECEIVED_EXACTLY, RECEIVED, DONT_CARE, WEIGHTED)
