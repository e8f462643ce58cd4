"""Claims: what a recursive search says of its net, and that its loss never rises (theory, C)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.claims.claim import Claim, Kind
from zeroone.claims.targetprop_feasible import SOURCE, Pairs, scores_by_hand
from zeroone.claims.targetprop_separability import each
from zeroone.network import ZeroOneMLP
from zeroone.targetprop import recursive
from zeroone.validation import FloatArray


@dataclass(frozen=True, eq=False)
class Task:
    """A tiny problem for the recursive search."""

    X: FloatArray
    y: NDArray[np.intp]
    hidden: list[int]
    options: dict[str, Any]
    seed: int


def draw_tasks(rng: np.random.Generator, count: int) -> list[Task]:
    """Return problems with random labels, equal points and points all alike among them."""
    drawn = []
    for i in range(count):
        n = int(rng.integers(4, 10))
        X = rng.standard_normal((n, int(rng.integers(1, 4))))
        if i % 4 == 1:
            X = rng.integers(0, 2, X.shape).astype(float)
        if i % 8 == 3:
            X[:] = X[0]
        y = rng.integers(0, 3 if i % 3 == 0 else 2, n)
        budget, restarts = ((4, 1), (1, 4))[i % 2]
        options = {
            "activation": str(rng.choice(["sign", "step"])),
            "loss": ("squared_hinge", "logistic", "hinge")[i % 3],
            "output": str(rng.choice(["cross-entropy", "hinge"])),
            "budget": budget,
            "restarts": restarts,
        }
        hidden = [int(rng.integers(1, 4)) for _ in range(rng.integers(1, 3))]
        drawn.append(Task(X, y, hidden, options, int(rng.integers(2**31))))
    return drawn


def search(task: Task) -> tuple[int, ZeroOneMLP]:
    """Return how many samples the search says that its best net misclassifies, and that net."""
    *_, last = recursive.iterate(task.X, task.y, task.hidden, rng=task.seed, **task.options)
    return last.state.best_errors, recursive.network(last.state)


def measure_search(subject: Callable[[Task], tuple[int, ZeroOneMLP]], task: Task) -> Pairs:
    """Compare the samples that are right, as the search says, with those counted by hand."""
    errors, net = subject(task)
    layers = [np.column_stack(pair) for pair in zip(net.weights, net.biases, strict=True)]
    low = -1.0 if net.activation == "sign" else 0.0
    right = 0
    for x, label in zip(task.X.tolist(), task.y.tolist(), strict=True):
        scores = scores_by_hand(layers, x, low)[-1]
        right += scores.index(max(scores)) == label
    return [(len(task.y) - errors, right)]


def present_net(task: Task) -> tuple[int, ZeroOneMLP]:
    """Return the net that the search ended with for the best one."""
    *_, last = recursive.iterate(task.X, task.y, task.hidden, rng=task.seed, **task.options)
    return last.state.best_errors, recursive.network(last.state, best=False)


def counted_late(task: Task) -> tuple[int, ZeroOneMLP]:
    """Return the errors of the net that the search ended with for those of the best one."""
    *_, last = recursive.iterate(task.X, task.y, task.hidden, rng=task.seed, **task.options)
    return last.state.errors(), recursive.network(last.state)


HONEST = Claim(
    id="targetprop.search-counts",
    statement="The best net of a recursive search misclassifies as many training samples as the "
    "search says, counted by hand.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_tasks,
    measure=each(measure_search),
    subject=search,
    planted={
        "the present net for the best": present_net,
        "errors of the present net": counted_late,
    },
    tolerance=0.0,
    hypotheses="random labels; points that are equal, some with different labels",
    cases=12,
)


def output_loss_by_hand(state: recursive.RecursiveState, task: Task) -> float:
    """Return the output layer's loss, ridge included, of the present net."""
    low = -1.0 if state.activation == "sign" else 0.0
    total = 0.0
    for x, label in zip(task.X.tolist(), task.y.tolist(), strict=True):
        scores = scores_by_hand(state.weights, x, low)[-1]
        gaps = [score - scores[label] for score in scores]
        if task.options["output"] == "hinge":
            total += max(gap + (k != label) for k, gap in enumerate(gaps))
        else:
            total += max(gaps) + log(sum(exp(gap - max(gaps)) for gap in gaps))
    ridge = 1e-4 if task.options["output"] == "cross-entropy" else 0.0
    return total / len(task.y) + ridge / 2 * float(np.sum(state.weights[-1] ** 2))


def losses_after(task: Task, kinds: str) -> list[list[float]]:
    """Return the output loss before the first attempt of each restart, and after every one.

    Parameters
    ----------
    task : Task
    kinds : str
        The steps to look at: "A" and "U" are when an attempt was accepted, or undone; "C", when
        the output layer was fitted and its labels checked.
    """
    top = len(task.hidden)
    blocks = [f"{kind}{top + (kind == 'C')}" for kind in kinds]
    series: list[list[float]] = []
    for step in recursive.iterate(task.X, task.y, task.hidden, rng=task.seed, **task.options):
        if step.block == f"C{top + 1}" and len(series) < step.sweep:
            series.append([output_loss_by_hand(step.state, task)])
        # A net that gets all labels right is kept at any loss: there the search ends.
        elif step.block in blocks and not step.state.trees[-1].feasible:
            series[-1].append(output_loss_by_hand(step.state, task))
    return series


def measure_descent(kinds: str, task: Task) -> Pairs:
    """Compare the output loss after each attempt of the output layer with that before."""
    return [pair[::-1] for series in losses_after(task, kinds) for pair in pairwise(series)]


DESCENT = Claim(
    id="targetprop.search-descends",
    statement="The loss of the output layer never rises in a recursive search from one net: what "
    "does not lower it is undone.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_tasks,
    measure=each(measure_descent),
    subject="AU",
    planted={"attempts before they are undone": "AUC"},
    tolerance=1e-12,
    hypotheses="until all labels are right",
    cases=12,
)

CLAIMS = (HONEST, DESCENT)
