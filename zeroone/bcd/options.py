"""The options of both forms of block coordinate descent, checked where they are given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeroone.bcd.blocks import REMEDIES
from zeroone.bcd.initialise import INITIALISATIONS
from zeroone.bcd.objective import Coefficients, per_layer
from zeroone.bcd.output import TARGETS
from zeroone.bcd.proximal import PROXIMAL_FORMS
from zeroone.schedules import Schedule, schedule_value
from zeroone.validation import check_choice, check_integer, check_number

SPLITTINGS = ("two", "three", "joint")
ORDERS = ("backward", "forward", "random")


@dataclass(frozen=True)
class Options:
    """How full-batch block coordinate descent goes about it.

    Parameters
    ----------
    sweeps : int, default 20
        Number of passes over all blocks.
    splitting : {"two", "three", "joint"}, default "two"
        Which form of the objective, and which blocks. "three" relaxes V_i away from step(U_i): its
        F may fall while the hard network gets worse. "joint" has the same objective with the blocks
        (V_j, U_j) of one neuron at a time.
    remedy : {"margin", "tiny"}, default "margin"
        What stands for the infimum over u > 0, which is not attained: |u| >= margin, or the
        smallest positive normal float.
    margin : float, default 0.1
        The half-width of the gap for the remedy "margin", > 0.
    tau : float or sequence, default 0.5
        Price of |U_i - V_{i-1} W_i^T|^2 / 2, one number or one a hidden layer, > 0.
    pi : float or sequence, default 1.0
        Price of |V_i - step(U_i)|^2 / 2, one number or one a hidden layer, > 0.
    gamma : float or sequence, default 1e-2
        Ridge on W_i, one number or one a layer, > 0: the W-block has a unique minimiser.
    lam : float or sequence, default 0.0
        Price of a non-zero group of W_i. One number applies to the hidden layers' rows, or to all
        layers' columns; a sequence has one a layer.
    groups : {"rows", "columns"}, default "rows"
        Rows: neurons, each kept or removed exactly. Columns: inputs of a layer, by the
        proximal-linear step, then ridge on the columns that are left.
    order : {"backward", "forward", "random"} or sequence of str, default "backward"
        The order of the blocks in a sweep: from the output down, from the input up, shuffled
        each sweep, or the names such as ``["W2", "U1", "W1"]``.
    initialisation : {"differences", "data-scaled", "random"}, default "differences"
        The rule for the first weights of hidden layers.
    tau_schedule : schedule, optional
        A factor on tau that changes from sweep to sweep; see `schedule_value`. F is monotone
        within a sweep, and between sweeps is measured with the new factor.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    sweeps: int = 20
    splitting: str = "two"
    remedy: str = "margin"
    margin: float = 0.1
    tau: float | Sequence[float] = 0.5
    pi: float | Sequence[float] = 1.0
    gamma: float | Sequence[float] = 1e-2
    lam: float | Sequence[float] = 0.0
    groups: str = "rows"
    order: str | Sequence[str] = "backward"
    initialisation: str = "differences"
    tau_schedule: Schedule = 1.0

    def __post_init__(self) -> None:
        check_integer("sweeps", self.sweeps)
        check_choice("splitting", self.splitting, SPLITTINGS)
        check_choice("remedy", self.remedy, REMEDIES)
        check_number("margin", self.margin, strict=True)
        check_choice("groups", self.groups, ("rows", "columns"))
        check_choice("initialisation", self.initialisation, INITIALISATIONS)
        if isinstance(self.order, str):
            check_choice("order", self.order, ORDERS)

    @property
    def gap(self) -> float:
        """The margin in force: 0 for the remedy "tiny"."""
        return self.margin if self.remedy == "margin" else 0.0

    def coefficients(self, n_layers: int, sweep: int = 1) -> Coefficients:
        """Return the coefficients of F in one sweep for a net of `n_layers` layers.

        Raises
        ------
        ValueError
            If a sequence has the wrong length, or a value is out of range.
        """
        hidden = n_layers - 1
        factor = schedule_value("tau_schedule", self.tau_schedule, sweep, self.sweeps)
        tau = per_layer("tau", self.tau, hidden, strict=True)
        lam = self.lam
        if np.ndim(lam) == 0 and self.groups == "rows":
            lam = (*per_layer("lam", lam, hidden, strict=False), 0.0)
        return Coefficients(
            tau=tuple(factor * each for each in tau),
            pi=per_layer("pi", self.pi, hidden, strict=True),
            gamma=per_layer("gamma", self.gamma, n_layers, strict=True),
            lam=per_layer("lam", lam, n_layers, strict=False),
            groups=self.groups,
        )

    def block_names(self, n_layers: int, rng: np.random.Generator) -> list[str]:
        """Return the names of the blocks of one sweep in their order.

        Raises
        ------
        ValueError
            If `order` is a sequence that does not name every block once.
        """
        names = [f"W{n_layers}"]
        for layer in range(n_layers - 1, 0, -1):
            hidden = {"two": "U", "three": "VU", "joint": "J"}[self.splitting]
            names += [f"{letter}{layer}" for letter in hidden] + [f"W{layer}"]
        if self.order == "forward":
            return names[::-1]
        if self.order == "random":
            return [names[index] for index in rng.permutation(len(names))]
        if isinstance(self.order, str):
            return names
        if sorted(self.order) != sorted(names):
            raise ValueError(
                f"order must name each of {', '.join(names)} once, but is {', '.join(self.order)}"
            )
        return list(self.order)


@dataclass(frozen=True)
class BatchOptions:
    """How mini-batch block coordinate descent goes about it.

    Parameters
    ----------
    epochs : int, default 30
        Passes over the data.
    batch_size : int, optional
        By default a thirtieth of the data, but from 200 to 2,000 samples.
    tau : float or sequence, default 0.5
        Price of |U_i - V_{i-1} W_i^T|^2 / 2, one number or one a hidden layer, > 0.
    tau_schedule : schedule, default 1.0
        A factor on tau that changes from batch to batch; see `schedule_value`.
    remedy, margin
        As in the full-batch form.
    passes : int, default 1
        Passes over the neurons for each batch.
    targets : {"slack", "fixed"}, default "slack"
        Whether an output that is right by more than its margin is left alone.
    gamma : float, default 1e-2
        Ridge of the output layer, relative to one sample, > 0.
    forgetting : float, default 0.1
        Rate at which the averages of the output layer forget, in (0, 1].
    proximal : {"samples", "batch"}, default "samples"
        Which closed form moves W_i.
    proximity : schedule, default (1.0, 20.0)
        What moving W_i costs, >= 1: rho = proximity - 1, in units of the mean squared length of the
        layer's input, so that a proximity of 20 makes a sample's move a twentieth of the whole way.
    whitening : float, default 10.0
        For the layers above the first: the metric in which their moves are measured; see
        `covariance_metric`.
    layerwise : bool, default True
        Grow a net of several hidden layers from the bottom: train with one hidden layer, put the
        next on top of it, go on with both, and so on; the epochs are shared equally. Otherwise all
        layers start together.
    settled_proximity : float, default 6.0
        By how much more it costs to move a layer that was trained before those above it, >= 1.
    lam : float, default 0.0
        Price of a neuron, relative to one sample: after an epoch, neurons without which the next
        layer's regression would lose less are removed (`zeroone.bcd.pruning`), at most a fifth of a
        layer at a time, and none in the last third of the epochs.
    initialisation : {"differences", "data-scaled", "random"}, default "differences"
        The rule for the first weights of hidden layers.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    epochs: int = 30
    batch_size: int | None = None
    tau: float | Sequence[float] = 0.5
    tau_schedule: Schedule = 1.0
    remedy: str = "margin"
    margin: float = 0.1
    passes: int = 1
    targets: str = "slack"
    gamma: float = 1e-2
    forgetting: float = 0.1
    proximal: str = "samples"
    proximity: Schedule = (1.0, 20.0)
    whitening: float = 10.0
    layerwise: bool = True
    settled_proximity: float = 6.0
    lam: float = 0.0
    initialisation: str = "differences"

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs)
        if self.batch_size is not None:
            check_integer("batch_size", self.batch_size)
        check_choice("remedy", self.remedy, REMEDIES)
        check_number("margin", self.margin, strict=True)
        check_integer("passes", self.passes)
        check_choice("targets", self.targets, TARGETS)
        check_number("gamma", self.gamma, strict=True)
        check_number("forgetting", self.forgetting, strict=True, maximum=1.0)
        check_choice("proximal", self.proximal, PROXIMAL_FORMS)
        for batch in (1, 2):
            self.moving_price(batch, 2)
        check_number("whitening", self.whitening, strict=True)
        check_number("settled_proximity", self.settled_proximity, minimum=1.0)
        check_number("lam", self.lam)
        check_choice("initialisation", self.initialisation, INITIALISATIONS)

    @property
    def gap(self) -> float:
        """The margin in force: 0 for the remedy "tiny"."""
        return self.margin if self.remedy == "margin" else 0.0

    def moving_price(self, batch: int, batches: int) -> float:
        """Return the proximity of a batch, counted from 1.

        Raises
        ------
        ValueError
            If it is below 1.
        """
        value = schedule_value("proximity", self.proximity, batch, batches)
        return check_number("proximity", value, minimum=1.0)

    def size(self, n_samples: int) -> int:
        """Return the number of samples in a batch."""
        size = self.batch_size or min(max(n_samples // 30, 200), 2000)
        return min(size, n_samples)
