"""What recursive target propagation is told, where it starts, and what it keeps track of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zeroone.activations import sign, step
from zeroone.network import ZeroOneMLP
from zeroone.targetprop.layers import with_ones
from zeroone.targetprop.output import OUTPUT_LOSSES, Classes
from zeroone.targetprop.recursive_decision import Decision
from zeroone.targetprop.recursive_fits import CONVEX
from zeroone.targetprop.recursive_goals import rounding
from zeroone.validation import FloatArray, check_choice, check_integer, check_number

ACTIVATIONS = ("sign", "step")


@dataclass(frozen=True)
class RecursiveOptions:
    """How recursive feasible target propagation goes about it.

    Parameters
    ----------
    budget : int or sequence of int, default 20
        Attempts of a layer to reach a goal by choosing targets for the layer below: of the output
        layer first, then downwards to the second layer. With a single number each layer has a
        quarter of the attempts of the one above.
    restarts : int, default 10
        Random nets to start from, the first one included.
    activation : {"sign", "step"}, default "sign"
        Of the hidden units.
    loss : {"squared_hinge", "logistic", "hinge"}, default "squared_hinge"
        Of the hidden units. It must be convex.
    output : {"cross-entropy", "hinge"}, default "cross-entropy"
        Loss of the output layer.
    ridge : float, default 1e-4
        Price of a squared weight in the fits; see `zeroone.targetprop.recursive_fits`.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    budget: int | Sequence[int] = 20
    restarts: int = 10
    activation: str = "sign"
    loss: str = "squared_hinge"
    output: str = "cross-entropy"
    ridge: float = 1e-4

    def __post_init__(self) -> None:
        for attempts in np.atleast_1d(np.asarray(self.budget, dtype=object)):
            check_integer("budget", attempts, minimum=0)
        check_integer("restarts", self.restarts)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("loss", self.loss, CONVEX)
        check_choice("output", self.output, OUTPUT_LOSSES)
        check_number("ridge", self.ridge)

    def budgets(self, n_hidden: int) -> tuple[int, ...]:
        """Return the attempts of each layer above the first, upwards.

        Raises
        ------
        ValueError
            If `budget` names another number of layers.
        """
        if isinstance(self.budget, Sequence | np.ndarray):
            if len(self.budget) != n_hidden:
                raise ValueError(
                    f"budget must have {n_hidden} entries, one a layer above the first, but is "
                    f"{self.budget!r}"
                )
            return tuple(int(attempts) for attempts in reversed(self.budget))
        shares = [max(self.budget // 4**i, min(self.budget, 1)) for i in range(n_hidden)]
        return tuple(reversed(shares))


@dataclass
class RecursiveState:
    """A net in the making, the best one so far, and the decisions that led there.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_features + 1)
        The input, with its column of ones.
    classes : ndarray of int, shape (n_samples,)
    activation : {"sign", "step"}
    weights : list of ndarray, (n_out, n_in + 1)
        The present net, bias last.
    best_weights : list of ndarray
        Those of the best net.
    best_errors : int
        Training samples that it misclassifies.
    trees : list of Decision
        One for each restart.
    """

    V: FloatArray
    classes: Classes
    activation: str
    weights: list[FloatArray]
    best_weights: list[FloatArray]
    best_errors: int
    trees: list[Decision]

    def layer_input(self, layer: int) -> FloatArray:
        """Return what layer `layer`, from 0, receives: the activations below, and ones."""
        V = self.V
        for W in self.weights[:layer]:
            H = with_ones(np.empty((len(V), len(W)), V.dtype))
            activate = step if self.activation == "step" else sign
            activate(V @ W.T, out=H[:, :-1])
            V = H
        return V

    def errors(self) -> int:
        """Return how many training samples the present net misclassifies, by running it."""
        predicted = network(self, best=False).predict(self.V[:, :-1])
        return int(np.count_nonzero(predicted != self.classes))

    def keep_best(self, errors: int) -> None:
        """Remember the present net if it is the best so far."""
        if errors < self.best_errors:
            # Fits make new arrays and change none, so references are enough.
            self.best_weights, self.best_errors = list(self.weights), errors


def random_units(V: FloatArray, n_units: int, rng: np.random.Generator) -> FloatArray:
    """Return random hyperplanes, each halfway between two samples: none is constant on the data.

    Where all samples are alike, to rounding, a unit has to be: it is off, and clearly so.

    Parameters
    ----------
    V : ndarray, shape (n_samples, n_in + 1)
        With its column of ones.
    n_units : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n_units, n_in + 1)
        Gaussian directions.
    """
    W = np.zeros((n_units, V.shape[1]), V.dtype)
    W[:, :-1] = rng.standard_normal((n_units, V.shape[1] - 1))
    A = V @ W.T
    pairs = rng.integers(len(V), size=(2, n_units))
    units = np.arange(n_units)
    doubt = rounding(V, W).max(axis=0)
    alike = np.abs(A[pairs[0], units] - A[pairs[1], units]) <= 4 * doubt
    pairs[0, alike], pairs[1, alike] = A.argmin(axis=0)[alike], A.argmax(axis=0)[alike]
    low, high = A[pairs[0], units], A[pairs[1], units]
    halfway = low / 2 + high / 2
    constant = np.abs(high - low) <= 4 * doubt
    W[:, -1] = np.where(constant, -halfway - np.abs(halfway) - 1, -halfway)
    return W


def network(
    state: RecursiveState, classes: ArrayLike | None = None, *, best: bool = True
) -> ZeroOneMLP:
    """Return the best hard network so far, or the present one.

    Parameters
    ----------
    state : RecursiveState
        From a step.
    classes : array_like, optional
        The labels of the outputs.
    best : bool, default True
        Whether it is the one with the fewest training errors, or the present one.

    Returns
    -------
    ZeroOneMLP
        With copies of the weights.
    """
    layers = state.best_weights if best else state.weights
    return ZeroOneMLP(
        [W[:, :-1] for W in layers],
        [W[:, -1] for W in layers],
        activation=state.activation,
        classes=classes,
    )
