"""Claims: the loss of a layer of hidden units, and its derivative by their pre-activations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop_losses import PLAIN, SOURCE, Pair, slopes
from zeroone.targetprop import layers
from zeroone.targetprop.losses import (
    LOSSES,
    SURROGATES,
    MarginLoss,
    layer_gradient,
    layer_loss,
)
from zeroone.targetprop.options import TargetOptions
from zeroone.validation import FloatArray

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
            cost = weights * PLAIN[at.loss](t * PLAIN_MU[at.surrogate](z))
            return np.where(t == 0, 0, cost)

        central = np.zeros(at.z.shape)
        plain += [float(entries(at.z).sum()), *slopes(entries, at.z, central).ravel()]
    return np.array(ours), np.array(plain)


LAYER: dict[str, Any] = {"loss": layer_loss, "gradient": layer_gradient}


def wrong_gradient_everybody_cares(
    loss: MarginLoss, z: FloatArray, t: FloatArray, weights: Any, mu: Any
) -> FloatArray:
    """Give units without a target the target +1."""
    return layer_gradient(loss, z, np.where(t == 0, 1, t), weights, mu)


def wrong_loss_everybody_cares(
    loss: MarginLoss, z: FloatArray, t: FloatArray, weights: Any, mu: Any
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


def hidden(at: LayerInstance, **options: Any) -> FloatArray:
    """Return what the pre-activations of a hidden layer receive, given e."""
    chosen = TargetOptions(loss=at.loss, **options)
    return layers.hidden_gradient(at.z, layers.hidden_targets(at.e, chosen), chosen)


# --------------------------------------------------------------------------------------- staircase


def staircase_gradient(at: LayerInstance) -> FloatArray:
    """Return what the pre-activations of staircase units receive."""
    return hidden(at, activation="staircase", levels=at.levels)


def measure_staircase(received: Any, drawn: list[LayerInstance]) -> Pair:
    """Compare the sum over a staircase's steps with the slope of their summed loss.

    With two levels there must be no difference from `step` at all.
    """
    ours, stated = [], []
    for at in drawn:
        t, steps = -np.sign(at.e), at.levels - 1

        def entries(z: Any, at: LayerInstance = at, t: Any = t, steps: int = steps) -> Any:
            terms = [PLAIN[at.loss](t * (z - np.longdouble(j) / steps)) for j in range(steps)]
            return np.abs(at.e) / steps * sum(terms)

        ours.append(received(at).ravel())
        stated.append(slopes(entries, at.z, np.zeros(t.shape)).ravel())
        two, one_step = received(replace(at, levels=2)), hidden(at, activation="step")
        ours.append((two != one_step).ravel().astype(float))
        stated.append(np.zeros(two.size))
    return np.concatenate(ours), np.concatenate(stated)


def shifted_staircase(at: LayerInstance) -> FloatArray:
    """Put the jumps at (j + 1)/(k - 1)."""
    return staircase_gradient(replace(at, z=at.z - 1 / (at.levels - 1)))


STAIRCASE = Claim(
    id="targetprop.staircase",
    statement="Steps at j/(k - 1) with targets -sign(e) and weights |e|/(k - 1) add up to the "
    "derivative of their summed loss; with k = 2 they are one step unit.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=sample_layers,
    measure=measure_staircase,
    subject=staircase_gradient,
    planted={
        "not divided by k - 1": lambda at: (at.levels - 1) * staircase_gradient(at),
        "all jumps at 0": lambda at: hidden(at, activation="step"),
        "jumps at (j + 1)/(k - 1)": shifted_staircase,
    },
    tolerance=1e-11,
    hypotheses="2 to 5 levels, z away from the jumps and the kinks",
    cases=100,
)

CLAIMS = (LAYER_GRADIENT, STAIRCASE)
