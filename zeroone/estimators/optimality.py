"""How far from the best possible net training ends, on problems so tiny that the best is known.

The least training error that a net of a given size can have is found exactly, in two ways
(`zeroone.exact.optimum`); each method then trains the same net from several seeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zeroone.estimators.bcd import FullBatchBCDClassifier
from zeroone.estimators.targetprop import FTPropClassifier
from zeroone.exact.optimum import optimum
from zeroone.exact.problems import Problem
from zeroone.exact.separability import separate
from zeroone.exact.tiny_nets import Optimum
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support.executors import in_order
from zeroone.support.validation import check_choice, check_integer
from zeroone.targetprop import recursive

Trainer = Callable[[Problem, int], ZeroOneMLP]


def block_coordinate_descent(problem: Problem, seed: int) -> ZeroOneMLP:
    """Return the net of 50 sweeps of the full-batch form."""
    net = FullBatchBCDClassifier(problem.hidden, epochs=50, random_state=seed)
    return net.fit(problem.X, problem.y).network_


def mini_batch(loss: str) -> Trainer:
    """Return the trainer of 300 epochs of target propagation with a loss of the hidden units.

    Problems of a few points take more epochs and a larger rate than images do.
    """

    def train(problem: Problem, seed: int) -> ZeroOneMLP:
        net = FTPropClassifier(
            problem.hidden, loss=loss, epochs=300, learning_rate=0.03, random_state=seed
        )
        return net.fit(problem.X, problem.y).network_

    return train


def recursive_ftprop(problem: Problem, seed: int) -> ZeroOneMLP:
    """Return the net of recursive target propagation from one random net."""
    options: dict[str, Any] = {"rng": seed, "restarts": 1, "decide": separate}
    *_, last = recursive.iterate(problem.X, problem.y, problem.hidden, **options)
    return recursive.network(last.state)


# By name, as in the other commands; the heading of the column, and the trainer.
METHODS: dict[str, tuple[str, Trainer]] = {
    "bcd": ("BCD", block_coordinate_descent),
    "ftprop": ("FTPROP-MB", mini_batch("soft_hinge")),
    "ste": ("STE", mini_batch("linear")),
    "sste": ("SSTE", mini_batch("saturated_hinge")),
    "recursive": ("FTPROP", recursive_ftprop),
}


@dataclass
class Result:
    """What is known of a problem.

    Attributes
    ----------
    problem : Problem
    milp : Optimum
    enumeration : Optimum or None
        None if there are too many sets of dichotomies.
    errors : dict of str to list of int
        By method, the training errors from each seed.
    seconds : dict of str to list of float
        By method, the time of each training.
    """

    problem: Problem
    milp: Optimum
    enumeration: Optimum | None
    errors: dict[str, list[int]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def exact(self) -> list[Optimum]:
        """What the exact solvers found."""
        return [self.milp] if self.enumeration is None else [self.milp, self.enumeration]

    @property
    def best_known(self) -> int:
        """The fewest errors of any net, whoever found it."""
        trained = [count for counts in self.errors.values() for count in counts]
        return min([found.errors for found in self.exact] + trained)

    @property
    def bound(self) -> int:
        """The most that is proved about all nets of the size."""
        return max((found.bound for found in self.exact if found.weight_bound is None), default=0)

    @property
    def agree(self) -> bool:
        """Whether no net contradicts a proof."""
        return self.bound <= self.best_known


def optimality_gaps(
    problems: Sequence[Problem],
    methods: Sequence[str] = tuple(METHODS),
    *,
    seeds: int = 5,
    seed: int = 0,
    time_limit: float = 60.0,
    executor: Executor | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[Result]:
    """Solve problems exactly, and train on each by each method from several seeds.

    Parameters
    ----------
    problems : sequence of Problem
        See `zeroone.exact.problems`.
    methods : sequence of str
        Names in `METHODS`; all by default.
    seeds : int, default 5
        Runs of each method, from `seed` on.
    seed : int, default 0
    time_limit : float, default 60
        Seconds of branch and bound on each problem.
    executor : concurrent.futures.Executor, optional
        Where to solve and to train; in this process by default. The errors do not depend on it, and
        the proofs only where one is stopped by the time limit.
    progress : callable, optional
        Called with 1 after each net.

    Returns
    -------
    list of Result
        One a problem.

    Raises
    ------
    ValueError
        If there is no such method, or a number is out of range.
    """
    for name in methods:
        check_choice("methods", name, METHODS)
    check_integer("seeds", seeds)
    # Each problem's exact solution, and then its trainings.
    runs = [(name, seed + number) for name in methods for number in range(seeds)]
    tasks = [
        task
        for problem in problems
        for task in [(problem, time_limit), *((problem, *run) for run in runs)]
    ]
    found = in_order(executor, _solve_or_train, tasks)
    results = []
    for _ in problems:
        result = next(found)
        if progress is not None:
            progress(1)
        for name, _ in runs:
            errors, seconds = next(found)
            result.errors.setdefault(name, []).append(errors)
            result.seconds.setdefault(name, []).append(seconds)
            if progress is not None:
                progress(1)
        results.append(result)
    return results


def _solve_or_train(problem: Problem, *how: Any) -> Any:
    """Return the `Result` of a problem with a time limit, or errors and seconds of a training."""
    if len(how) == 1:
        return solve(problem, *how)
    name, seed = how
    start = time.perf_counter()
    network = METHODS[name][1](problem, seed)
    seconds = time.perf_counter() - start
    return count_errors(network, problem), seconds


def solve(problem: Problem, time_limit: float) -> Result:
    """Return the best possible net of a problem, in both ways."""
    data = problem.X, problem.y, problem.hidden
    milp = optimum(*data, method="milp", time_limit=time_limit)
    try:
        return Result(problem, milp, optimum(*data, method="enumeration"))
    except ValueError:  # too large for it
        return Result(problem, milp, None)


def count_errors(network: ZeroOneMLP, problem: Problem) -> int:
    """Return how many training samples a net misclassifies."""
    return int(np.count_nonzero(network.predict(problem.X) != problem.y))
