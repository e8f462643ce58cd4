"""RVSCGD and ADMM on a network: two nets, one that learns and one that is sparse.

Over the weights w of all layers (docs/theory.md#d3; [1]_, section 6) ::

    minimise  L(w) + lam P(u) + (beta/2) |w - u|^2
    u <- prox_{(lam/beta) P}(w)                             before every update
    w <- one optimiser step along  g(w) + beta (w - u)      g the coarse gradient of a batch

Of L, only a coarse gradient is known; nothing else about the training changes, so that this is an
optimiser around another one. Weights are the arrays with more than one axis, of dense layers and of
convolutions. Biases and normalisation are not penalised and have no u. ADMM adds the multiplier z
of the constraint w = u. The sparse net u is the result.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from zeroone.nets.layers import Layer
from zeroone.penalties import PENALTIES, GroupL20, Penalty
from zeroone.support.parts import find_part
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import FloatArray, check_choice, check_integer, check_number
from zeroone.targetprop.optimisers import Optimiser, make_optimiser
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import TargetState


def rvscgd(layer: Split, gradients: Sequence[FloatArray], rate: float) -> None:
    """Update u, and then w along its coarse gradient g and the pull of u, in one layer."""
    lam, beta = layer.coefficients()
    for weights, g in layer.penalised(gradients):
        w = weights.w
        u = weights.u = weights.prox(w, lam / beta)
        g += beta * (w - u)
    layer.optimiser.update(gradients, rate)


def admm(layer: Split, gradients: Sequence[FloatArray], rate: float) -> None:
    """Update u, w and the multiplier z of the constraint w = u, in one layer."""
    lam, beta = layer.coefficients()
    for weights, g in layer.penalised(gradients):
        w, z = weights.w, weights.z
        u = weights.u = weights.prox(w + z / beta, lam / beta)
        g += z + beta * (w - u)
    layer.optimiser.update(gradients, rate)
    for weights, _ in layer.penalised(gradients):
        weights.z += beta * (weights.w - weights.u)


SPLITTINGS: dict[str, Callable[[Split, Sequence[FloatArray], float], None]] = {
    "rvscgd": rvscgd,
    "admm": admm,
}
THRESHOLDS = ("absolute", "relative")
# Above it no penalty in use has a threshold that it has not reached.
LARGEST_LEVEL = 1e12
# "group": a group is a filter, or the weights of a dense unit.
NAMES: dict[str, type[Penalty]] = {**PENALTIES, "group": GroupL20}


@dataclass(frozen=True)
class SplittingOptions:
    """What the splitting is told.

    Parameters
    ----------
    penalty : str or Penalty, default "l0"
        P: "l1", "l0", "tl1", "mcp", "scad", "group" (filters and units as a whole), ``MODULE:NAME``
        for a class of your own, or a penalty.
    lam, beta : schedule, default (2.5e-6, 2.5e-3) and (1e-3, 1.0)
        Price of the penalty and stiffness of the coupling: a number, a pair (first, last) with a
        geometric path over all updates, or a function of update and updates.
    splitting : {"rvscgd", "admm"}, default "rvscgd"
    threshold : {"absolute", "relative"}, default "absolute"
        Whether P sees weights as they are, or divided by their root mean square in the layer (with
        groups, by that of the groups' norms); see `Weights.prox`.
    layers : int, str or sequence of these, optional
        Which layers are made sparse: numbers, counted from 1 over the layers that have weights, or
        kinds such as "dense". By default all.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    penalty: str | Penalty = "l0"
    lam: Schedule = (2.5e-6, 2.5e-3)
    beta: Schedule = (1e-3, 1.0)
    splitting: str = "rvscgd"
    threshold: str = "absolute"
    layers: int | str | Sequence[int | str] | None = None

    def __post_init__(self) -> None:
        _ = self.function
        schedule_value("lam", self.lam, 1, 1)
        schedule_value("beta", self.beta, 1, 1)
        check_choice("splitting", self.splitting, SPLITTINGS)
        check_choice("threshold", self.threshold, THRESHOLDS)

    @cached_property
    def function(self) -> Penalty:
        """P."""
        if isinstance(self.penalty, Penalty):
            return self.penalty
        if not isinstance(self.penalty, str):
            raise ValueError(f"penalty must be a name or a Penalty, but is {self.penalty!r}")
        penalty: Penalty = find_part("penalty", self.penalty, NAMES, Penalty)()
        return penalty

    def chosen(self, kinds: Sequence[str]) -> list[bool]:
        """Return which layers are made sparse.

        Parameters
        ----------
        kinds : sequence of str
            Of all layers that have weights.

        Raises
        ------
        ValueError
            If there is no layer of a number or kind.
        """
        if self.layers is None:
            return [True] * len(kinds)
        wanted = [self.layers] if isinstance(self.layers, int | str) else list(self.layers)
        for each in wanted:
            if isinstance(each, str):
                check_choice("layers", each, sorted(set(kinds)))
            elif check_integer("layers", each) > len(kinds):
                raise ValueError(
                    f"layers must be numbers from 1 to {len(kinds)}, as many layers have weights, "
                    f"but is {self.layers!r}"
                )
        return [number in wanted or kind in wanted for number, kind in enumerate(kinds, start=1)]


@dataclass
class Weights:
    """The weights of a layer: w, and of a layer that is made sparse also u and z.

    Parameters
    ----------
    number : int
        The layer's, from 1, among those with weights.
    w : ndarray, shape (n_filters, ...)
        The live array: an optimiser moves it.
    penalty : Penalty
        P, a function of matrices with a row for each filter.
    relative : bool
        Whether P sees weights divided by their root mean square.

    Attributes
    ----------
    u, z : ndarray of w's shape
        The sparse counterpart, and ADMM's multiplier.
    """

    number: int
    w: FloatArray
    penalty: Penalty
    relative: bool

    def __post_init__(self) -> None:
        self.u, self.z = self.w.copy(), np.zeros_like(self.w)

    def scale(self) -> float:
        """Return the root mean square of the entries of w, or of the norms of its groups; or 1."""
        if not self.relative:
            return 1.0
        count = len(self.w) if self.penalty.of_matrices else self.w.size
        return float(np.sqrt(np.vdot(self.w, self.w) / count)) or 1.0

    def prox(self, x: FloatArray, t: float) -> FloatArray:
        """Return the minimiser over u of t s^2 P(u/s) + 1/2 |u - x|^2, s = `scale`.

        With an absolute threshold, s = 1 and this is prox_{t P}(x). Multiplying a layer by c > 0
        multiplies its relative u by c.
        """
        # In double precision, as `Penalty.prox` does it: thresholds are compared there.
        s, rows = self.scale(), x.reshape(len(x), -1).astype(np.float64)
        u = self.penalty.prox_map(rows, t) if s == 1 else s * self.penalty.prox_map(rows / s, t)
        # In w's precision, and without a minus before a zero.
        return np.add(u, 0.0, dtype=x.dtype, casting="same_kind").reshape(x.shape)


class Split(Optimiser):
    """An optimiser whose weights w are pulled to a sparse u.

    Parameters
    ----------
    optimiser : Optimiser
        What moves the parameters of a layer.
    weights : sequence of Weights or None
        One for each parameter: None for those that are not penalised.
    options : SplittingOptions
    total : int
        Number of updates for which lam and beta are scheduled; afterwards they stay.
    """

    def __init__(
        self,
        optimiser: Optimiser,
        weights: Sequence[Weights | None],
        options: SplittingOptions,
        total: int,
    ) -> None:
        super().__init__(optimiser.parameters, optimiser.momentum, optimiser.weight_decay)
        self.optimiser, self.weights, self.options = optimiser, weights, options
        self.total, self.updates = total, 0
        self.algorithm = SPLITTINGS[options.splitting]

    def coefficients(self) -> tuple[float, float]:
        """Return lam and beta of the present update."""
        update = min(max(self.updates, 1), self.total)
        return (
            schedule_value("lam", self.options.lam, update, self.total),
            schedule_value("beta", self.options.beta, update, self.total),
        )

    def penalised(self, gradients: Sequence[FloatArray]) -> Iterator[tuple[Weights, FloatArray]]:
        """Yield the weights that are made sparse, each with its gradient."""
        for weights, gradient in zip(self.weights, gradients, strict=True):
            if weights is not None:
                yield weights, gradient

    def update(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Move u and w, and z if there is one; `gradients` are used up."""
        self.updates += 1
        self.algorithm(self, gradients, rate)

    def move(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Move w alone."""
        self.optimiser.move(gradients, rate)

    def sparse(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield w, and the u that belongs to it, of all weights that are made sparse."""
        lam, beta = self.coefficients()
        for weights in filter(None, self.weights):
            w, z = weights.w, weights.z  # z stays zero in RVSCGD
            yield w, weights.prox(w + z / beta, lam / beta)


class Masked(Optimiser):
    """An optimiser that leaves weights alone that are zero when it begins: a refit of u.

    Parameters
    ----------
    optimiser : Optimiser
        A new one, without momentum from an earlier training.
    """

    def __init__(self, optimiser: Optimiser) -> None:
        super().__init__(optimiser.parameters, optimiser.momentum, optimiser.weight_decay)
        self.optimiser = optimiser
        self.kept = [w != 0 if w.ndim > 1 else None for w in optimiser.parameters]

    def update(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Move what is kept; what is zero has no gradient, no momentum and no decay."""
        for g, kept in zip(gradients, self.kept, strict=True):
            if kept is not None:
                g *= kept
        self.optimiser.update(gradients, rate)

    def move(self, gradients: Sequence[FloatArray], rate: float) -> None:
        """Move what is kept, without decay."""
        self.optimiser.move(gradients, rate)


# --------------------------------------------------------------------------- around the training


def split(state: TargetState, options: SplittingOptions, total: int) -> None:
    """Make a net in training a pair of nets, w and u, from the next update on.

    Parameters
    ----------
    state : TargetState
        Its optimisers are replaced by `Split` ones.
    options : SplittingOptions
    total : int
        The number of updates for which lam and beta are scheduled.

    Raises
    ------
    ValueError
        If there is no layer of a number or kind in ``options.layers``.
    """
    found = [pair for part in state.net for pair in weights_of(part)]
    chosen = options.chosen([kind for kind, _ in found])
    relative = options.threshold == "relative"
    numbered = enumerate(zip(found, chosen, strict=True), start=1)
    sparse = {
        id(w): Weights(number, w, options.function, relative)
        for number, ((_, w), wanted) in numbered
        if wanted
    }
    state.optimisers = [
        Split(optimiser, [sparse.get(id(w)) for w in optimiser.parameters], options, total)
        for optimiser in state.optimisers
    ]


def set_sparse(state: TargetState) -> list[FloatArray]:
    """Write u into the weights of a net in training; return what they were, for `restore`."""
    pairs = [pair for each in state.optimisers if isinstance(each, Split) for pair in each.sparse()]
    before = [w.copy() for w, _ in pairs]
    for w, u in pairs:
        w[...] = u
    return before


def restore(state: TargetState, before: list[FloatArray]) -> None:
    """Write the weights back that `set_sparse` returned."""
    splits = [each for each in state.optimisers if isinstance(each, Split)]
    live = [weights.w for each in splits for weights in filter(None, each.weights)]
    for w, values in zip(live, before, strict=True):
        w[...] = values


def begin_refit(state: TargetState, options: TargetOptions) -> None:
    """Make u the net that learns, with zeros that stay zero, and forget w.

    Parameters
    ----------
    state : TargetState
        After `split`.
    options : TargetOptions
        Of new optimisers, without momentum from the training of w.
    """
    set_sparse(state)
    how = (options.momentum, options.weight_decay)
    state.optimisers = [
        Masked(make_optimiser(options.optimiser, part.parameters, *how)) for part in state.net
    ]


def weights_of(layer: Layer) -> list[tuple[str, FloatArray]]:
    """Return the arrays of weights in a layer, and in those inside it, with their layer's kind."""
    found: list[tuple[str, FloatArray]] = []

    def see(each: Layer) -> Layer:
        found.extend((each.kind, array) for array in each.parameters if array.ndim > 1)
        return each

    layer.changed(see)
    return found


def level(penalty: str | Penalty, threshold: float) -> float:
    """Return lam/beta at which the proximal map takes to zero what is up to a threshold.

    Parameters
    ----------
    penalty : str or Penalty
        As in `SplittingOptions`.
    threshold : float
        Of an entry, or of the norm of a group; > 0.

    Returns
    -------
    float
        The t with `Penalty.largest_zero` (t) = threshold, by bisection; threshold^2 / 2 for l0.

    Raises
    ------
    ValueError
        If the threshold is not positive, or no level has it.
    """
    check_number("threshold", threshold, strict=True)
    function = SplittingOptions(penalty=penalty).function
    low, high = 0.0, 1.0
    while float(function.largest_zero(high)) < threshold:
        high *= 2
        if high > LARGEST_LEVEL:
            raise ValueError(f"threshold must be one that {penalty} can have, but is {threshold}")
    while low < (middle := (low + high) / 2) < high:
        if float(function.largest_zero(middle)) < threshold:
            low = middle
        else:
            high = middle
    return high


class Zeros(NamedTuple):
    """How many weights of a layer are zero, and how many filters (or units) as a whole."""

    layer: int | str
    kind: str
    entries: int
    zeros: int
    share: float
    filters: int
    zero_filters: int


def zeros_by_layer(layers: Sequence[Layer]) -> list[Zeros]:
    """Return the zeros of each layer that has weights, and then those of all: ``"all"``.

    Parameters
    ----------
    layers : sequence of Layer
        Of a network, say.
    """
    rows = []
    found = [pair for layer in layers for pair in weights_of(layer)]
    for number, (kind, w) in enumerate(found, start=1):
        by_filter = np.count_nonzero(w.reshape(len(w), -1), axis=1)
        zeros = w.size - int(by_filter.sum())
        silent = int(np.sum(by_filter == 0))
        rows.append(Zeros(number, kind, w.size, zeros, zeros / w.size, len(w), silent))
    entries, zeros = sum(row.entries for row in rows), sum(row.zeros for row in rows)
    filters, silent = sum(row.filters for row in rows), sum(row.zero_filters for row in rows)
    share = zeros / entries if entries else 0.0
    return [*rows, Zeros("all", "", entries, zeros, share, filters, silent)]
