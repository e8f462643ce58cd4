"""The options of target propagation, checked where they are given."""

import math
from dataclasses import dataclass
from functools import cached_property

from zeroone.losses import SURROGATES, HiddenLoss, hidden_loss, output_loss
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import check_choice, check_integer, check_number
from zeroone.targetprop.optimisers import OPTIMISERS
from zeroone.targetprop.targets import TargetUnits

DECAYS = ("constant", "linear", "cosine", "steps")


@dataclass(frozen=True)
class TargetOptions:
    """What mini-batch feasible target propagation is told.

    Parameters
    ----------
    epochs : int, default 10
        Passes over the data.
    batch_size : int, optional
        Samples in a batch; all of them, if there are fewer. By default a hundredth of the data, but
        from 10 to 100 samples.
    activation : {"sign", "step", "staircase"}, default "sign"
        Of the hidden units.
    levels : int, optional
        Number of values of a staircase, for it and only for it.
    loss : str or HiddenLoss, default "soft_hinge"
        Of the hidden units: a name of `zeroone.losses.LOSSES`, ``MODULE:NAME`` for a class of your
        own, or a loss.
    surrogate : {"identity", "relu", "clipped_relu"}, default "identity"
        The mu in the margin t mu(z).
    weighting : {"magnitude", "equal"}, default "magnitude"
        How much a target matters.
    output : {"cross-entropy", "hinge", "squared-error"}, default "cross-entropy"
        Loss of the output layer; "squared-error" for targets that are numbers instead of classes.
    optimiser : {"adam", "momentum"}, default "adam"
    learning_rate : schedule, default 0.002
        A number, a pair (first, last) with a geometric path, or a function of update and updates.
    decay : {"constant", "linear", "cosine", "steps"}, default "cosine"
        A factor on the learning rate that goes from 1 to 0 over the training, stays 1, or is
        divided by 10 after each part of the training in `decay_at`.
    decay_at : float or tuple of float, default 0.6
        Parts of the training, above 0 and below 1, for "steps".
    momentum : float, default 0.9
        Of either optimiser, from 0 to below 1.
    weight_decay : float, default 0.0
        Part of each weight lost in an update, times the learning rate.
    normalise : bool, default False
        Batch normalisation of the hidden layers' pre-activations.
    dropout : float, default 0.0
        Part of the inputs set to zero in each batch, from 0 to below 1; the others grow to make up
        for it.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    epochs: int = 10
    batch_size: int | None = None
    activation: str = "sign"
    levels: int | None = None
    loss: str | HiddenLoss = "soft_hinge"
    surrogate: str = "identity"
    weighting: str = "magnitude"
    output: str = "cross-entropy"
    optimiser: str = "adam"
    learning_rate: Schedule = 2e-3
    decay: str = "cosine"
    decay_at: float | tuple[float, ...] = 0.6
    momentum: float = 0.9
    weight_decay: float = 0.0
    normalise: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs)
        if self.batch_size is not None:
            check_integer("batch_size", self.batch_size)
        check_choice("surrogate", self.surrogate, SURROGATES)
        _ = self.units  # checks the options that they have
        output_loss(self.output)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        check_choice("decay", self.decay, DECAYS)
        for place in self.decay_places:
            below_one("decay_at", place)
        schedule_value("learning_rate", self.learning_rate, 1, 1)
        below_one("momentum", self.momentum)
        check_number("weight_decay", self.weight_decay)
        if not isinstance(self.normalise, bool):
            raise ValueError(f"normalise must be True or False, but is {self.normalise!r}")
        below_one("dropout", self.dropout)

    @cached_property
    def units(self) -> TargetUnits:
        """The hidden units, with their loss."""
        surrogate = SURROGATES[self.surrogate]
        return TargetUnits(
            self.activation, self.levels, hidden_loss(self.loss), surrogate, self.weighting
        )

    @property
    def decay_places(self) -> tuple[float, ...]:
        """Parts of the training after which "steps" divides the learning rate by 10."""
        at = self.decay_at
        return (at,) if isinstance(at, float | int) else tuple(at)

    def size(self, n_samples: int) -> int:
        """Return the number of samples in a batch."""
        if self.batch_size is None:
            return min(max(n_samples // 100, 10), 100, n_samples)
        return min(self.batch_size, n_samples)

    def rate(self, update: int, updates: int) -> float:
        """Return the learning rate of one update, counted from 1, of so many."""
        done = (update - 1) / updates
        factor = {
            "constant": 1.0,
            "linear": 1 - done,
            "cosine": (1 + math.cos(math.pi * done)) / 2,
            "steps": 0.1 ** sum(done >= place for place in self.decay_places),
        }[self.decay]
        if isinstance(self.learning_rate, float):  # checked already
            return factor * self.learning_rate
        return factor * schedule_value("learning_rate", self.learning_rate, update, updates)


def below_one(name: str, value: float) -> float:
    """Return a number from 0 to below 1.

    Raises
    ------
    ValueError
        If it is none.
    """
    number = check_number(name, value)
    if number >= 1:
        raise ValueError(f"{name} must be a number >= 0 and < 1, but is {value!r}")
    return number
