"""The phase picture: where on a grid of (lam, beta, eta) RVSCGD descends and finds the support.

Every point of the grid is run from the same starts. The work is cut into parts: some points, from
some of the starts. Of each run only flags are kept, as it goes, and of a part their sums, so that
memory grows neither with the number of iterations nor with that of runs.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice, tee
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from zeroone.gaussian.filters import (
    angle_between_units,
    check_parameter,
    check_patches,
    check_teacher,
    cone_slope,
    unit,
)
from zeroone.gaussian.limits import support_prediction
from zeroone.gaussian.rvscgd import Runs, check_iterations, check_runs, trajectories
from zeroone.gaussian.theory import hypotheses, largest_eta
from zeroone.penalties import Penalty, check_penalty
from zeroone.support.checkpoints import Checkpoint, digest
from zeroone.support.executors import in_order
from zeroone.support.validation import FloatArray, check_integer, check_number

# Rises of the angle, and of the Lagrangian relative to its size, that rounding explains.
ROUNDING = 1e-12
# Weights of the runs of a part: few enough for many parts, enough for one to be worth sending.
WEIGHTS_OF_A_PART = 40_000


@dataclass(frozen=True)
class Sweep:
    """What a grid of parameters showed. Axes: lam, beta, eta.

    Parameters
    ----------
    lam, beta : ndarrays of shapes (n_lam,), (n_beta,)
    eta : ndarray of shape (n_beta, n_eta)
        The same row for every beta, unless eta was left to theory.
    delta : float
        The angle down to which descent is asked for.
    n_starts : int
    angle_descent, lagrangian_descent : ndarrays of shape (n_lam, n_beta, n_eta)
        Fraction of starts from which the angle (the Lagrangian) never rose at an iteration that
        began at theta >= delta.
    support_recovered : ndarray of shape (n_lam, n_beta, n_eta)
        Fraction of starts from which u ended with the support of w*.
    angle : ndarray of shape (n_lam, n_beta, n_eta)
        Mean of theta(w, w*) at the end.
    hypotheses_hold : ndarray of bools, shape (n_lam, n_beta, n_eta)
        Where Theorem 1's hypotheses on beta, lam and eta hold for this delta: descent is certain.
    support_predicted : ndarray of shape (n_lam, n_beta)
        `support_prediction`: 1 recovered, 0 not, NaN where it depends on the start or nothing is
        known (beta >= k/(2 pi), groups).
    """

    lam: FloatArray
    beta: FloatArray
    eta: FloatArray
    delta: float
    n_starts: int
    angle_descent: FloatArray
    lagrangian_descent: FloatArray
    support_recovered: FloatArray
    angle: FloatArray
    hypotheses_hold: FloatArray
    support_predicted: FloatArray


def sweep(
    w_star: ArrayLike,
    *,
    k: int,
    penalty: str | Penalty,
    lam: ArrayLike,
    beta: ArrayLike,
    eta: ArrayLike | None = None,
    delta: float,
    n_starts: int,
    n_iter: int,
    rng: np.random.Generator,
    filter_shape: tuple[int, int] | None = None,
    executor: Executor | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Sweep:
    """Run RVSCGD from many starts at every point of a grid.

    Parameters
    ----------
    w_star : array_like of shape (d,)
        The teacher, of norm 1.
    k, penalty, filter_shape
        As in `zeroone.gaussian.rvscgd.run`.
    lam, beta : float or array_like of one axis
        The grid is their product with eta.
    eta : float or array_like of one axis, optional
        By default the largest that theory allows for each beta.
    delta : float in (0, pi/2]
        Starts are uniform on theta <= pi - delta, and descent is asked for at theta >= delta.
    n_starts, n_iter : int
    rng : numpy.random.Generator
        For the starts. Its bit generator must be one that can be jumped, as NumPy's default can.
    executor : concurrent.futures.Executor, optional
        Where to run the parts; in this process by default. The result is the same to the last bit.
        `zeroone.support.executors.worker_pool` makes one; that of a ``dask.distributed`` client is
        ``client.get_executor()``.
    checkpoint : path-like, optional
        A file that is written every ten seconds and at the end, also at that by an error or by
        Ctrl-C. If it exists, the sweep goes on from there, with the same result to the last bit.
    progress : callable, optional
        Called with the number of runs that have been finished since the last call.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        If an argument is out of its range or does not fit, or the checkpoint is of another sweep.
    FloatingPointError
        If a run reaches the zero filter.
    """
    teacher = np.asarray(check_teacher("w_star", w_star), np.float64)
    if teacher.ndim != 1:
        raise ValueError(f"w_star must have shape (d,), but has shape {teacher.shape}")
    delta = check_number("delta", delta, strict=True, maximum=np.pi / 2)
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, but is {rng!r}")
    if not hasattr(rng.bit_generator, "jumped"):
        raise ValueError(f"rng must have a bit generator that can be jumped, but is {rng!r}")
    k, n_iter = check_integer("k", k), check_iterations("n_iter", n_iter)
    penalty = check_penalty(penalty, ())
    lams = _check_axis("lam", lam, strict=False)
    betas = _check_axis("beta", beta)
    if eta is None:
        etas = largest_eta(betas, k)[:, np.newaxis]
    else:
        grid = _check_axis("eta", eta)
        etas = np.broadcast_to(grid, (len(betas), len(grid)))
    n_starts = check_integer("n_starts", n_starts)
    shape = (len(lams), len(betas), etas.shape[1])
    points = [
        np.broadcast_to(values, shape).ravel()
        for values in (lams[:, np.newaxis, np.newaxis], betas[:, np.newaxis], etas)
    ]
    work = Work(teacher, k, penalty, delta, n_iter, filter_shape, copy.deepcopy(rng))
    kept = Checkpoint(checkpoint, _task(work, n_starts, lams, betas, etas), (4, len(points[0])))
    # The caller's generator moves on, so that another sweep has other starts.
    first = next(parts(len(points[0]), n_starts, len(teacher)))
    random_starts(rng, first.n_starts, teacher, delta)
    rest, sent = tee(parts(len(points[0]), n_starts, len(teacher)))
    done = sum(part.n_runs for part in islice(rest, kept.parts))
    if progress is not None and done:
        progress(done)
    tasks = (
        (work, part, *(values[part.points] for values in points))
        for part in islice(sent, kept.parts, None)
    )
    try:
        for part, sums in zip(rest, in_order(executor, outcomes_of, tasks), strict=True):
            kept.add(part.points, sums)
            if progress is not None:
                progress(part.n_runs)
    finally:
        kept.save()
    flags = kept.sums / n_starts
    lam_, beta_, eta_ = points
    held = hypotheses(teacher, teacher, k=k, lam=lam_, beta=beta_, eta=eta_, delta=delta)
    angle_descent, lagrangian_descent, recovered, final = flags.reshape(4, *shape)
    return Sweep(
        lam=lams,
        beta=betas,
        eta=etas,
        delta=delta,
        n_starts=n_starts,
        angle_descent=angle_descent,
        lagrangian_descent=lagrangian_descent,
        support_recovered=recovered,
        angle=final,
        hypotheses_hold=np.all([each.holds for each in held if each.name != "w0"], axis=0).reshape(
            shape
        ),
        support_predicted=predicted_supports(teacher, k, penalty, lams, betas),
    )


@dataclass(frozen=True)
class Work:
    """What all parts of a sweep have in common; as in `sweep`."""

    teacher: FloatArray
    k: int
    penalty: Penalty
    delta: float
    n_iter: int
    filter_shape: tuple[int, int] | None
    rng: np.random.Generator


class Part(NamedTuple):
    """Some points of the grid, laid out in one axis, and some of the starts."""

    points: slice
    chunk: int  # the number of the chunk of starts, from which they are drawn
    n_starts: int

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return (self.points.stop - self.points.start) * self.n_starts


def parts(n_points: int, n_starts: int, d: int) -> Iterator[Part]:
    """Yield the parts of a sweep; they do not depend on who runs them.

    Parameters
    ----------
    n_points, n_starts, d : int
        Points of the grid, starts of each, weights of a filter.
    """
    n_runs = max(WEIGHTS_OF_A_PART // d, 1)
    size = min(n_runs, n_starts)
    at_once = max(n_runs // size, 1)
    for first in range(0, n_points, at_once):
        some = slice(first, min(first + at_once, n_points))
        for chunk, start in enumerate(range(0, n_starts, size)):
            yield Part(some, chunk, min(size, n_starts - start))


def outcomes_of(
    work: Work, part: Part, lam: FloatArray, beta: FloatArray, eta: FloatArray
) -> FloatArray:
    """Return the outcomes of a part added up over its starts, shape (4, n_points).

    Parameters
    ----------
    work, part
    lam, beta, eta : ndarrays of shape (n_points,)
        The points of the part.
    """
    rng = copy.deepcopy(work.rng)
    if part.chunk > 0:
        # As far ahead as no chunk of starts ever draws, from the same place for everyone.
        rng = np.random.Generator(rng.bit_generator.jumped(part.chunk))  # type: ignore[attr-defined]
    starts = random_starts(rng, part.n_starts, work.teacher, work.delta)
    with np.errstate(all="ignore"):  # numbers of 1e308 overflow where nothing descends
        runs, _ = check_runs(
            starts,
            work.teacher,
            k=work.k,
            penalty=work.penalty,
            lam=lam[:, np.newaxis],
            beta=beta[:, np.newaxis],
            eta=eta[:, np.newaxis],
            filter_shape=work.filter_shape,
        )
        outcomes = np.concatenate(list(_outcomes(runs, work.n_iter, work.delta)), axis=1)
        return outcomes.reshape(4, len(lam), part.n_starts).sum(axis=-1)


def _task(
    work: Work, n_starts: int, lam: FloatArray, beta: FloatArray, eta: FloatArray
) -> dict[str, object]:
    """Return all that the result depends on, for the checkpoint."""
    penalty = type(work.penalty)
    return {
        "what": "sweep",
        "w_star": digest(work.teacher),
        "k": work.k,
        "penalty": f"{penalty.__module__}.{penalty.__qualname__} {vars(work.penalty)}",
        "lam": digest(lam),
        "beta": digest(beta),
        "eta": digest(eta),
        "delta": work.delta,
        "n_starts": n_starts,
        "n_iter": work.n_iter,
        "filter_shape": work.filter_shape,
        "seed": repr(work.rng.bit_generator.state),
        "part": WEIGHTS_OF_A_PART,
    }


def random_starts(
    rng: np.random.Generator, count: int, w_star: FloatArray, delta: float
) -> FloatArray:
    """Return unit filters, uniform on {theta(w, w*) <= pi - delta}.

    Parameters
    ----------
    rng : numpy.random.Generator
    count : int
    w_star : ndarray of shape (d,)
        Of norm 1.
    delta : float in (0, pi/2]

    Returns
    -------
    ndarray of shape (count, d)
    """
    starts = unit(rng.standard_normal((count, len(w_star))))
    # At least half of the sphere is allowed, so that each round replaces at least half of the rest.
    while np.any(rejected := angle_between_units(starts, w_star) > np.pi - delta):
        starts[rejected] = unit(rng.standard_normal((rejected.sum(), len(w_star))))
    return starts


def _outcomes(runs: Runs, n_iter: int, delta: float) -> Iterator[FloatArray]:
    """Yield, block by block, four rows: angle descent, Lagrangian descent, support, final angle."""
    before: tuple[FloatArray, FloatArray] | None = None
    for _, iteration, part, state in trajectories(runs, "rvscgd", n_iter, 1):
        theta = part.angles(state.w)
        lagrangian = np.sum(list(part.terms(state, theta).values()), axis=0)
        if iteration == 0 or before is None:
            descents = np.ones((2, len(theta)), bool)
        else:
            asked = before[0] >= delta
            descents[0] &= ~asked | (theta <= before[0] + ROUNDING)
            descents[1] &= ~asked | (lagrangian <= before[1] + ROUNDING * (1 + np.abs(before[1])))
        before = theta, lagrangian
        if iteration == n_iter:
            recovered = np.all((state.u != 0) == (part.w_star != 0), axis=-1)
            yield np.vstack([descents, recovered, theta])


def predicted_supports(
    w_star: FloatArray, k: int, penalty: Penalty, lams: FloatArray, betas: FloatArray
) -> FloatArray:
    """Return `support_prediction` over the grid of lam and beta, NaN where it says nothing."""
    predicted = np.full((len(lams), len(betas)), np.nan)
    below = betas < cone_slope(check_patches("k", k, ()))
    if np.any(below) and not penalty.of_matrices:
        for row, lam in zip(predicted, lams, strict=True):  # a line of the grid at a time
            row[below] = support_prediction(
                w_star, k=k, penalty=penalty, lam=lam, beta=betas[below]
            )
    return predicted


def _check_axis(name: str, value: ArrayLike, *, strict: bool = True) -> FloatArray:
    """Return the values of one axis of the grid."""
    array = np.atleast_1d(check_parameter(name, value, strict=strict))
    if array.ndim != 1:
        raise ValueError(f"{name} must be a number or have one axis, but has shape {array.shape}")
    return array
