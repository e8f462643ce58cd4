"""What a layer is asked for in the recursive search, which targets to choose, and how to fit them.

A goal is labels for the output layer, or targets for a hidden one. To fit a layer with input V,
weights W and biases b to its goal is a convex problem, since the losses are convex::

    unit      J(w, b) = 1/N sum_n |t_n| loss(t_n (w.v_n + b))  +  (ridge/2) (|w|^2 + b^2)
    output    J(W, b) = output loss(V W^T + b, labels)         +  (ridge/2) (|W|^2 + |b|^2)

The smooth ones are minimised by L-BFGS. A hinge is piecewise linear, so its problem, taken without
the ridge, is a linear program, solved exactly.

With a ridge that is small enough the fit of a hinge decides feasibility by itself. Let targets be
met at the margin r > 0, that is t_n (w.v_n + b) >= r for all n and some |w|^2 + b^2 = 1. Then
(w, b)/r has no loss, so J at the minimum is at most ridge/(2 r^2); but a sample on the wrong side
costs 1/N at least. So if ridge < 2 r^2/N, no sample is missed. If the fit misses one all the same,
a `Decider` has the last word (docs/theory.md#c3).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array, hstack

from zeroone.losses import SURROGATES, Classes, hidden_loss, layer_gradient, output_loss
from zeroone.nets.layers import Dense
from zeroone.support.validation import BoolArray, FloatArray
from zeroone.targetprop.targets import set_targets

# The losses of hidden units that are convex and bounded below.
CONVEX = ("squared_hinge", "logistic", "hinge")
IDENTITY = SURROGATES["identity"]
MAX_ITERATIONS = 500


# ------------------------------------------------------------------------------- choosing targets

RULES = ("derivative", "wrong samples", "worst bits", "random bits")


def candidates(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
) -> Iterator[tuple[str, FloatArray]]:
    """Yield targets for the layer below, the most promising ones first, each with its rule's name.

    ================= ============================================================================
    rule              targets
    ================= ============================================================================
    ``derivative``    t = -sign(e) for all samples; t = 0 ("don't care") where e = 0
    ``wrong samples`` the same for the samples that miss the goal; the others keep what they have
    ``worst bits``    the worse half of those samples flip one bit each, that of the largest e h
    ``random bits``   some samples flip a bit each, all drawn at random; this rule comes 21 times
    ================= ============================================================================

    A flip of h lowers the loss by 2 e h, to first order, for sign units (by e h for step units,
    with h their sign): the first rule flips all bits that promise anything, the last ignores
    promises.

    Parameters
    ----------
    e : ndarray, shape (n_samples, n_units)
        Derivative of the loss above by the layer's outputs.
    signs : ndarray, shape (n_samples, n_units)
        What the units give now, as -1 and +1.
    losses : ndarray, shape (n_samples,)
        The samples' parts of the loss above.
    missed : ndarray of bool, shape (n_samples,)
        Which samples miss the goal above; at least one.
    rng : numpy.random.Generator
    """
    by_derivative = set_targets(e, "equal").signs
    yield "derivative", by_derivative
    yield "wrong samples", np.where(missed[:, np.newaxis], by_derivative, signs)
    yield "worst bits", worst_bits(e, signs, losses, missed, rng)
    for _ in range(21):
        yield "random bits", random_bits(signs, missed, rng)


def worst_bits(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the present signs with the most promising bit of the worst samples flipped."""
    wrong = np.flatnonzero(missed)
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][: -(-len(wrong) // 2)]
    gains = e[worst] * signs[worst]
    # Equal promises are common, with few units: which of them is taken is left to chance.
    order = rng.permutation(gains.shape[1])
    best = order[gains[:, order].argmax(axis=1)]
    worth = gains[np.arange(len(worst)), best] > 0
    targets = signs.copy()
    targets[worst[worth], best[worth]] *= -1
    return targets


def random_bits(signs: FloatArray, missed: BoolArray, rng: np.random.Generator) -> FloatArray:
    """Return the present signs with one bit flipped in some samples, that miss the goal or not."""
    rows = np.flatnonzero(missed) if rng.random() < 0.5 else np.arange(len(signs))
    rows = rng.choice(rows, size=rng.integers(1, len(rows) + 1), replace=False)
    targets = signs.copy()
    targets[rows, rng.integers(signs.shape[1], size=len(rows))] *= -1
    return targets


def choose_targets(
    e: FloatArray,
    signs: FloatArray,
    losses: FloatArray,
    missed: BoolArray,
    rng: np.random.Generator,
    tried: set[bytes],
) -> tuple[str, FloatArray]:
    """Return the first of the `candidates` that changes a bit and was not tried yet.

    Parameters
    ----------
    e, signs, losses, missed, rng
        As for `candidates`.
    tried : set of bytes
        Targets that did not help. Those returned are added.

    Returns
    -------
    str
        The rule's name.
    ndarray, shape (n_samples, n_units)
        -1 and +1; 0 for "don't care". If there is nothing new, the last candidate.
    """
    for candidate in candidates(e, signs, losses, missed, rng):
        rule, targets = candidate[0], candidate[1].astype(signs.dtype)
        if np.any(targets * signs < 0) and targets.tobytes() not in tried:
            break
    tried.add(targets.tobytes())
    return rule, targets


# ------------------------------------------------------------------------------------ the decider


class Answer(Protocol):
    """What a decider says of a unit: a hyperplane, a proof that there is none, or neither."""

    @property
    def separable(self) -> bool | None:
        """Whether the targets can be met; None if that is not known."""

    @property
    def weights(self) -> FloatArray | None:
        """The hyperplane, if there is one."""

    @property
    def bias(self) -> float | None:
        """Its bias."""


# From a unit's inputs, shape (n_samples, n_in), and its targets -1, 0 and +1 to an answer.
Decider = Callable[[FloatArray, FloatArray], Answer]


@dataclass(frozen=True)
class Hyperplane:
    """An answer: a hyperplane, or nothing."""

    separable: bool | None = None
    weights: FloatArray | None = None
    bias: float | None = None


def by_hyperplane(V: FloatArray, t: FloatArray) -> Hyperplane:
    """Look for a hyperplane that meets a unit's targets by the linear program of the hinge.

    It finds one where there is one. Where it finds none nothing is proved, for the solver has a
    tolerance: `zeroone.exact.separability.separate` is the decider with proofs.
    """
    v = unit_program(V, t)
    if v is None:
        return Hyperplane()
    unit = Dense(v[np.newaxis, :-1], v[-1:])
    met = t * unit.forward(V)[:, 0] > rounding(V, unit)[:, 0]
    return Hyperplane(True, v[:-1], float(v[-1])) if np.all(met | (t == 0)) else Hyperplane()


# ------------------------------------------------------------------------------------------ goals


@dataclass(frozen=True)
class Fit:
    """What the convex fits of a layer made of it.

    Parameters
    ----------
    layer : Dense
    fitted : int
        Units that were fitted; the others met their targets as they were.
    separated : int
        Units that the fit left wrong, but for which the decider knew a hyperplane.
    impossible : int
        Units whose targets are proved to be impossible.
    """

    layer: Dense
    fitted: int
    separated: int = 0
    impossible: int = 0


class Goal(ABC):
    """What a layer is to do, as a function of its pre-activations A = V W^T + b.

    Parameters
    ----------
    loss_name : str
    ridge : float
        Price of a squared weight. A hinge is fitted without.
    """

    loss_name: str
    ridge: float

    @abstractmethod
    def value(self, A: FloatArray) -> float:
        """Return J without the ridge."""

    @abstractmethod
    def derivative(self, A: FloatArray) -> FloatArray:
        """Return the derivative of `value` by A, of A's shape."""

    @abstractmethod
    def sample_losses(self, A: FloatArray) -> FloatArray:
        """Return each sample's part of the loss, up to a factor; shape (n_samples,)."""

    @abstractmethod
    def missed(self, V: FloatArray, layer: Dense) -> BoolArray:
        """Return which samples miss the goal; shape (n_samples, n_units) or (n_samples, 1)."""

    @abstractmethod
    def fit(self, V: FloatArray, layer: Dense) -> Fit:
        """Return a layer that has a lower J, or that meets the goal."""

    @property
    def price(self) -> float:
        """The ridge that counts."""
        return 0.0 if self.loss_name == "hinge" else self.ridge

    def loss(self, V: FloatArray, layer: Dense) -> float:
        """Return J, which is what the fit lowers."""
        squares = np.sum(layer.weights**2) + np.sum(layer.biases**2)
        return self.value(layer.forward(V)) + self.price / 2 * float(squares)

    def input_derivative(self, V: FloatArray, layer: Dense) -> FloatArray:
        """Return e, the derivative of J by the input; shape (n_samples, n_in)."""
        return self.derivative(layer.forward(V)) @ layer.weights

    def by_lbfgs(self, V: FloatArray, start: Dense) -> Dense:
        """Minimise a smooth J by L-BFGS."""
        n_units = len(start.biases)

        def layer_of(v: FloatArray) -> Dense:
            return Dense(v[:-n_units].reshape(n_units, -1), v[-n_units:])

        def objective(v: FloatArray) -> tuple[float, FloatArray]:
            layer = layer_of(v)
            A = layer.forward(V)
            layer.backward(self.derivative(A), to_input=False)
            by_weights, by_biases = layer.gradients
            gradient = np.append(by_weights, by_biases) + self.price * v
            return self.value(A) + self.price / 2 * float(v @ v), gradient

        # Where the ridge alone is left, far less curved than the loss was, the first step along a
        # line may be many times too long: 20 trial steps, the default, would not end on some.
        options = {
            "maxiter": MAX_ITERATIONS,
            "maxcor": 20,
            "maxls": 100,
            "ftol": 1e-12,
            "gtol": 1e-7,
        }
        first = np.append(start.weights, start.biases).astype(np.float64)
        return layer_of(minimize(objective, first, jac=True, method="L-BFGS-B", options=options).x)


@dataclass(frozen=True)
class LabelGoal(Goal):
    """The output layer's goal: the class of each sample has the highest score.

    Parameters
    ----------
    classes : ndarray of int, shape (n_samples,)
    loss_name : {"cross-entropy", "hinge"}
    ridge : float
    """

    classes: Classes
    loss_name: str
    ridge: float

    def value(self, A: FloatArray) -> float:
        """Return J without the ridge."""
        return output_loss(self.loss_name).value(A, self.classes)

    def derivative(self, A: FloatArray) -> FloatArray:
        """Return the derivative of `value` by the scores."""
        return output_loss(self.loss_name).derivative(A, self.classes)

    def sample_losses(self, A: FloatArray) -> FloatArray:
        """Return how far each sample's best other score is above its own."""
        rows = np.arange(len(A))
        others = A.copy()
        others[rows, self.classes] = -np.inf
        return np.asarray(others.max(axis=1) - A[rows, self.classes])

    def missed(self, V: FloatArray, layer: Dense) -> BoolArray:
        """Return which samples' own score is not clearly the highest; shape (n_samples, 1)."""
        scores, doubt, rows = layer.forward(V), rounding(V, layer), np.arange(len(V))
        own = scores[rows, self.classes] - doubt[rows, self.classes]
        rivals = scores + doubt
        rivals[rows, self.classes] = -np.inf
        return (own <= rivals.max(axis=1))[:, np.newaxis]

    def fit(self, V: FloatArray, layer: Dense) -> Fit:
        """Return a layer of a lower J, or the given one if none was found."""
        solve = self._by_linear_program if self.loss_name == "hinge" else self.by_lbfgs
        fitted = solve(V, layer)
        better = self.loss(V, fitted) < self.loss(V, layer)
        return Fit(as_dtype(fitted, V.dtype) if better else layer, len(layer.biases))

    def _by_linear_program(self, V: FloatArray, layer: Dense) -> Dense:
        """Minimise sum_n xi_n subject to s_n,y - s_n,k + xi_n >= 1 for all k != y_n."""
        n_classes = len(layer.biases)
        sample, rival = np.nonzero(np.arange(n_classes) != self.classes[:, np.newaxis])
        row = np.arange(len(sample))
        own, rows = self.classes[sample], np.hstack([V, np.ones((len(V), 1))])
        system = np.zeros((len(sample), n_classes, rows.shape[1]))
        system[row, own], system[row, rival] = rows[sample], -rows[sample]
        v = least_violation(system.reshape(len(sample), -1), sample, len(V))
        if v is None:
            return layer
        W = v.reshape(n_classes, -1)
        return Dense(W[:, :-1], W[:, -1])


@dataclass(frozen=True)
class TargetGoal(Goal):
    """A hidden layer's goal: each unit is on the side of its target.

    Parameters
    ----------
    targets : ndarray, shape (n_samples, n_units)
        -1 and +1; 0 for "don't care".
    loss_name : {"squared_hinge", "logistic", "hinge"}
    ridge : float
    decide : Decider, default by_hyperplane
        Asked about the units that a fit leaves wrong.
    """

    targets: FloatArray
    loss_name: str
    ridge: float
    decide: Decider = by_hyperplane

    def unit_values(self, A: FloatArray) -> FloatArray:
        """Return each unit's J without the ridge; shape (n_units,)."""
        losses = hidden_loss(self.loss_name).value(self.targets * A)
        return np.asarray(np.mean(np.abs(self.targets) * losses, axis=0))

    def value(self, A: FloatArray) -> float:
        """Return the sum of the units' J, without the ridge."""
        return float(self.unit_values(A).sum())

    def derivative(self, A: FloatArray) -> FloatArray:
        """Return t loss'(t a)/N for each unit and sample."""
        return layer_gradient(hidden_loss(self.loss_name), A, self.targets, 1 / len(A), IDENTITY)

    def unit_losses(self, V: FloatArray, layer: Dense) -> FloatArray:
        """Return J of each unit; shape (n_units,)."""
        squares = np.sum(layer.weights**2, axis=1) + layer.biases**2
        return self.unit_values(layer.forward(V)) + self.price / 2 * squares

    def sample_losses(self, A: FloatArray) -> FloatArray:
        """Return each sample's sum of losses over the units."""
        losses = hidden_loss(self.loss_name).value(self.targets * A)
        return np.asarray(np.sum(np.abs(self.targets) * losses, axis=1))

    def missed(self, V: FloatArray, layer: Dense) -> BoolArray:
        """Return where not t a > 0, beyond rounding, for t = -1 and +1; shape (n, n_units)."""
        return (self.targets * layer.forward(V) <= rounding(V, layer)) & (self.targets != 0)

    def fit(self, V: FloatArray, layer: Dense) -> Fit:
        """Fit the units that miss a target, and ask the decider where the fit does not help.

        A unit that meets its targets is left alone: its fit could only move it.
        """
        wrong = np.flatnonzero(self.missed(V, layer).any(axis=0))
        W, b = layer.weights.copy(), layer.biases.copy()
        if len(wrong):
            own = replace(self, targets=self.targets[:, wrong])
            fitted = own.fit_units(V, Dense(W[wrong], b[wrong]))
            W[wrong], b[wrong] = fitted.weights, fitted.biases
        separated = impossible = 0
        for unit in np.flatnonzero(self.missed(V, Dense(W, b)).any(axis=0)):
            own = replace(self, targets=self.targets[:, [unit]])
            answer = self.decide(V, self.targets[:, unit])
            impossible += answer.separable is False
            if answer.separable and answer.weights is not None and answer.bias is not None:
                separated += 1
                W[unit], b[unit] = own.best_scale(V, answer.weights, answer.bias)
        return Fit(Dense(W, b), len(wrong), separated, int(impossible))

    def fit_units(self, V: FloatArray, layer: Dense) -> Dense:
        """Return a layer in which each unit has the least J, or is as it was if none is lower."""
        solve = self._by_linear_programs if self.loss_name == "hinge" else self.by_lbfgs
        fitted = solve(V, layer)
        lower = self.unit_losses(V, fitted) < self.unit_losses(V, layer)
        W = np.where(lower[:, np.newaxis], fitted.weights, layer.weights)
        return Dense(W, np.where(lower, fitted.biases, layer.biases))

    def _by_linear_programs(self, V: FloatArray, layer: Dense) -> Dense:
        """Minimise the sum of the hinges of each unit; one whose program fails stays as it is."""
        W, b = layer.weights.copy(), layer.biases.copy()
        for unit, t in enumerate(self.targets.T):
            v = unit_program(V, t)
            if v is not None:
                W[unit], b[unit] = v[:-1], v[-1]
        return Dense(W, b)

    def best_scale(self, V: FloatArray, w: FloatArray, b: float) -> tuple[FloatArray, float]:
        """Return a hyperplane that meets a unit's targets, at the scale where J is lowest.

        The side that a sample is on does not depend on the scale, J does. Scales are tried from the
        one that puts the nearest sample at the margin 1 downwards, by factors of 2.

        Parameters
        ----------
        V : ndarray, shape (n_samples, n_in)
        w : ndarray, shape (n_in,)
        b : float
        """
        t = self.targets[:, 0]
        nearest = np.min((t * (V @ w + b))[t != 0])
        with np.errstate(over="ignore", invalid="ignore"):
            scales = 2.0 ** -np.arange(64) / nearest
            scaled = Dense(scales[:, np.newaxis] * w, scales * b)
            J = replace(self, targets=np.repeat(t[:, np.newaxis], 64, 1)).unit_losses(V, scaled)
        finite = np.isfinite(scaled.weights).all(axis=1) & np.isfinite(scaled.biases + J)
        if not finite.any():
            return w, b
        best = int(np.where(finite, J, np.inf).argmin())
        return scaled.weights[best], float(scaled.biases[best])


def rounding(V: FloatArray, layer: Dense) -> FloatArray:
    """Return by how much rounding may have changed V W^T + b; shape (n_samples, n_units).

    A pre-activation below it may have either sign, depending on how many samples are multiplied at
    once. So a target counts as met, and a label as right, only beyond it: the net that is run later
    then meets them too.
    """
    sizes = np.abs(V) @ np.abs(layer.weights).T + np.abs(layer.biases)
    return np.asarray(2 * (V.shape[1] + 3) * np.finfo(sizes.dtype).eps * sizes)


# ---------------------------------------------------------------------------- the linear program


def least_violation(A: FloatArray, sample: NDArray[np.intp], n_samples: int) -> FloatArray | None:
    """Return the v of the least sum of hinges, by a linear program; None if the solver gave up.

    ::

        min over v and xi >= 0 of  sum_n xi_n,    a_i.v + xi_{sample i} >= 1

    Parameters
    ----------
    A : ndarray, shape (n_rows, m)
    sample : ndarray of int, shape (n_rows,)
        To which sample a row belongs: a sample pays for its worst row.
    n_samples : int
    """
    slack = csr_array((np.ones(len(A)), (np.arange(len(A)), sample)), (len(A), n_samples))
    system = hstack([csr_array(A), slack])
    m = A.shape[1]
    result = linprog(
        np.append(np.zeros(m), np.ones(n_samples)),
        A_ub=-system,
        b_ub=-np.ones(len(A)),
        bounds=[(None, None)] * m + [(0, None)] * n_samples,
        method="highs",
    )
    return np.asarray(result.x[:m]) if result.status == 0 else None


def unit_program(V: FloatArray, t: FloatArray) -> FloatArray | None:
    """Return the (w, b) of the least sum of hinges of a unit; None without any target."""
    cared = t != 0
    rows = t[cared, np.newaxis] * np.hstack([V, np.ones((len(V), 1))])[cared]
    return least_violation(rows, np.arange(len(rows)), len(rows)) if cared.any() else None


def as_dtype(layer: Dense, dtype: np.dtype) -> Dense:
    """Return a layer in another precision."""
    return Dense(layer.weights.astype(dtype), layer.biases.astype(dtype))
