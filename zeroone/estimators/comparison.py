"""The same network, trained by several methods for the same seconds.

Each method first trains for a few epochs, which are thrown away, to find out how many fit into the
time; its schedules are then laid out for that many. The clock runs while the method trains, not
while the network is judged.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zeroone.datasets import Dataset
from zeroone.estimators.scales import TrainingWarning
from zeroone.exact.separability import fraction_infeasible
from zeroone.losses import CrossEntropy
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.steps import Step
from zeroone.support.executors import in_order
from zeroone.support.validation import FloatArray, check_integer, check_number
from zeroone.targetprop.targets import TargetUnits

CALIBRATION_EPOCHS = 3


class Trainable(Protocol):
    """What is compared: a classifier of this package."""

    network_: ZeroOneMLP
    epochs: int

    def steps(self, X: Any, y: Any) -> Iterator[Step]:
        """Train, step by step."""

    def snapshot(self) -> ZeroOneMLP:
        """Return the network of the present weights."""


# Makes an untrained classifier for a number of epochs and a seed.
Maker = Callable[[int, int], Trainable]


@dataclass
class Run:
    """One training of one method.

    Parameters
    ----------
    method : str
    seed : int
    seconds, accuracies : list of float
        The clock and the test accuracy after each epoch.
    epochs : int
        How many were run.

    Attributes
    ----------
    network : ZeroOneMLP
        As it was when the time was over, or the planned epochs done.
    """

    method: str
    seed: int
    seconds: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    epochs: int = 0
    network: ZeroOneMLP = field(init=False, repr=False)

    def record(self, network: ZeroOneMLP, seconds: float, data: Dataset) -> None:
        """Note the network, the clock and the test accuracy of the present epoch."""
        accuracy = float(np.mean(network.predict(data.X_test) == data.y_test))
        self.network = network
        self.seconds[self.epochs - 1 :] = [seconds]
        self.accuracies[self.epochs - 1 :] = [accuracy]


@contextmanager
def _quiet() -> Iterator[None]:
    """Let trainings warn of nothing: each would say the same, and dead units are counted anyway."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        yield


def epochs_that_fit(make: Maker, data: Dataset, seconds: float) -> int:
    """Return how many epochs a method has time for, at least 1.

    Parameters
    ----------
    make : callable (epochs, seed) -> classifier
    data : Dataset
    seconds : float
    """
    start = time.perf_counter()
    with _quiet():
        for _ in make(CALIBRATION_EPOCHS, 0).steps(data.X_train, data.y_train):
            pass
    each = (time.perf_counter() - start) / CALIBRATION_EPOCHS
    return max(1, int(seconds / each))


def train_for(
    method: str, make: Maker, data: Dataset, *, seconds: float | None, epochs: int, seed: int
) -> Iterator[Run]:
    """Train until the epochs are done or the time is over, and yield the run after each epoch.

    Parameters
    ----------
    method : str
        Its name.
    make : callable (epochs, seed) -> classifier
    data : Dataset
    seconds : float or None
        Of training; None for all epochs, however long they take.
    epochs : int
        For the schedules: what should fit.
    seed : int

    Yields
    ------
    Run
        The same object, which grows; the last one has the finished network.

    Raises
    ------
    ValueError
        If `seconds` is not a positive number.
    """
    if seconds is not None:
        check_number("seconds", seconds, strict=True)
    classifier = make(epochs, seed)
    run, spent, start = Run(method, seed), 0.0, time.perf_counter()
    for step in classifier.steps(data.X_train, data.y_train):
        if not step.info.get("epoch_ends"):
            continue
        spent += time.perf_counter() - start
        run.epochs += 1
        run.record(classifier.snapshot(), spent, data)
        yield run
        if seconds is not None and spent >= seconds:
            return
        start = time.perf_counter()
    # The last touches after the last epoch belong to the training.
    spent += time.perf_counter() - start
    run.record(classifier.network_, spent, data)
    yield run


def compare(
    makers: Mapping[str, Maker],
    data: Dataset,
    *,
    seconds: float | None = 10.0,
    epochs: int | None = None,
    seeds: int = 3,
    executor: Executor | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[str, list[Run]]:
    """Train the network of every method with every seed.

    Parameters
    ----------
    makers : mapping of str to callable (epochs, seed) -> classifier
        What makes an untrained classifier, by the name of the method. For an executor that starts
        other processes it must be picklable.
    data : Dataset
    seconds : float or None, default 10
        Of each training, by the clock of the process that trains.
    epochs : int, optional
        Train for so many epochs instead. The networks then depend on the seeds alone, and not on
        the machine or on who trains.
    seeds : int, default 3
        Runs of each method.
    executor : concurrent.futures.Executor, optional
        Where to train; in this process by default. The data are sent with each training.
    progress : callable, optional
        Called with 1 after each run.

    Returns
    -------
    dict of str to list of Run
        By method, a run a seed.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    check_integer("seeds", seeds)
    if epochs is None:
        if seconds is None:
            raise ValueError("seconds must be a number unless epochs are given")
        check_number("seconds", seconds, strict=True)
        tasks = ((make, data, seconds) for make in makers.values())
        planned = list(in_order(executor, epochs_that_fit, tasks))
    else:
        planned, seconds = [check_integer("epochs", epochs)] * len(makers), None
    trainings = (
        (name, make, data, seconds, count, seed)
        for (name, make), count in zip(makers.items(), planned, strict=True)
        for seed in range(seeds)
    )
    runs: dict[str, list[Run]] = {name: [] for name in makers}
    for run in in_order(executor, _last_of_run, trainings):
        runs[run.method].append(run)
        if progress is not None:
            progress(1)
    return runs


def _last_of_run(
    method: str, make: Maker, data: Dataset, seconds: float | None, epochs: int, seed: int
) -> Run:
    """Return a run when it is over."""
    with _quiet():
        *_, run = train_for(method, make, data, seconds=seconds, epochs=epochs, seed=seed)
    return run


# ------------------------------------------------------------------------------ what became of it


def judge(run: Run, data: Dataset, rows: NDArray[np.intp], units: int) -> tuple[float, float]:
    """Return the fractions of dead and of infeasible hidden units of a trained network.

    Parameters
    ----------
    run : Run
    data : Dataset
    rows : ndarray of int
        Samples on which a unit must vary not to be dead.
    units : int
        Units of each layer that are judged for feasibility; with 0 that fraction is NaN.
    """
    dead = dead_fraction(run.network, data.X_train[rows])
    if units == 0:
        return dead, np.nan
    classes = np.unique(data.y_train, return_inverse=True)[1]
    rng = np.random.default_rng(run.seed)
    return dead, infeasible_fraction(run.network, data.X_train, classes, units=units, rng=rng)


def dead_fraction(network: ZeroOneMLP, X: NDArray[Any]) -> float:
    """Return the fraction of hidden units that have the same value on all samples.

    Parameters
    ----------
    network : ZeroOneMLP
    X : ndarray, shape (n_samples, n_features)
    """
    hidden = network.forward(X).activations[1:]
    constant = [(H[0] == H).all(axis=0) for H in hidden]
    return float(np.mean(np.concatenate(constant)))


def hidden_targets(
    network: ZeroOneMLP, X: NDArray[Any], classes: NDArray[np.intp]
) -> list[tuple[FloatArray, FloatArray]]:
    """Return the input V and the targets t = -sign(e) of each hidden layer of a trained network.

    They are those of cross-entropy and, from layer to layer, of the soft hinge (docs/theory.md#c1),
    whatever the network was trained by.

    Parameters
    ----------
    network : ZeroOneMLP
    X : ndarray, shape (n_samples, n_features)
    classes : ndarray of int, shape (n_samples,)
        Indices of the outputs.

    Returns
    -------
    list of (V, t)
        Shapes (n_samples, n_in) and (n_samples, n_units), from the first hidden layer on.
    """
    units = TargetUnits(network.activation, network.levels)
    result = network.forward(X)
    G = CrossEntropy().derivative(result.output, classes)
    found = []
    for layer in reversed(range(len(network.weights) - 1)):
        targets = units.targets(G @ network.weights[layer + 1])
        found.append((result.activations[layer], targets.signs))
        G = units.layer_gradient(result.preactivations[layer], targets)
    return found[::-1]


def infeasible_fraction(
    network: ZeroOneMLP,
    X: NDArray[Any],
    classes: NDArray[np.intp],
    *,
    units: int,
    rng: np.random.Generator,
) -> float:
    """Return the fraction of hidden units whose targets no weights can meet on all samples.

    That depends on the number of samples: any targets of few are separable, hardly any of many. It
    is judged on twice as many as a unit has weights, where half of all random targets are separable
    (Cover): a unit whose targets have structure does better than a half.

    Parameters
    ----------
    network : ZeroOneMLP
    X : ndarray, shape (n_samples, n_features)
    classes : ndarray of int, shape (n_samples,)
        Indices of the outputs.
    units : int
        How many units of each layer are judged, drawn at random.
    rng : numpy.random.Generator

    Returns
    -------
    float
        The mean over the layers.
    """
    fractions = []
    for layer in range(len(network.weights) - 1):
        varying = int(
            np.count_nonzero(np.ptp(network.forward(X[:2000]).activations[layer], axis=0))
        )
        rows = rng.permutation(len(X))[: 2 * (varying + 1)]
        V, T = hidden_targets(network, X[rows], classes[rows])[layer]
        some = rng.permutation(T.shape[1])[:units]
        fractions.append(fraction_infeasible(V, T[:, some]))
    return float(np.mean(fractions)) if fractions else 0.0


def summary_rows(
    runs: Mapping[str, list[Run]], dead: Mapping[str, list[float]], infeasible: Mapping[str, float]
) -> list[list[str | float | int]]:
    """Return the rows of the table: a method each, with mean and deviation over its runs.

    The deviation is that of a sample, with n - 1 in the denominator; of one run there is none.
    """
    rows: list[list[str | float | int]] = []
    for method, own in runs.items():
        last = [100 * run.accuracies[-1] for run in own]
        deviation = f"{np.std(last, ddof=1):.2f}" if len(last) > 1 else "-"
        rows.append(
            [
                method,
                f"{np.mean(last):.2f}",
                deviation,
                f"{np.mean([run.epochs for run in own]):.0f}",
                f"{np.mean([run.seconds[-1] for run in own]):.1f}",
                f"{100 * np.mean(dead[method]):.1f}",
                f"{100 * infeasible[method]:.0f}" if method in infeasible else "-",
            ]
        )
    return rows
