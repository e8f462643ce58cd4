"""What relaxed variable splitting and ADMM share: blocks of runs, records, results, steps.

Both minimise f(w) + lam P(u) over unit filters w, with w = u relaxed to the coupling
(beta/2) |w - u|^2 (theory, A6). The runs of a batch are cut into blocks that fit into the
processor's cache, and a block goes through all its iterations before the next one starts. Inside a
block a filter is a **column** of an array of shape (d, n_runs), so that parameters which differ
from run to run are rows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeroone.gaussian.geometry import angle_between_units
from zeroone.gaussian.problem import Problem
from zeroone.gaussian.thresholds import prepare_prox, spread
from zeroone.trace import Step
from zeroone.validation import FloatArray, check_integer

# Entries of one array of a block: five such arrays stay in a second-level cache of 1 MB.
BLOCK_ENTRIES = 25_000
# About how many records a run keeps unless told otherwise.
RECORDS = 100

Update = Callable[[], None]


@dataclass(frozen=True)
class SplittingResult:
    """Where the runs ended, and how they went.

    Parameters
    ----------
    u, w : ndarrays of shape (..., d)
        The sparse filter and the unit filter after the last iteration. The leading axes are those
        of starts, teachers and parameters, broadcast. float32 if starts and teachers were.
    iterations : ndarray of ints, shape (n_records,)
        After how many iterations each record was made: 0, `record_every`, ..., `n_iter`.
    angles : ndarray of shape (n_records, ...)
        theta(w, w*).
    lagrangians : ndarray of shape (n_records, ...)
        The Lagrangian of the method at its variables.
    support_recovered : ndarray of bools, shape (...)
        Whether u ends with zeros exactly where w* has zeros.
    multiplier : ndarray of shape (..., d), optional
        ADMM's z; None for relaxed variable splitting.
    """

    u: FloatArray
    w: FloatArray
    iterations: NDArray[np.int64]
    angles: FloatArray
    lagrangians: FloatArray
    support_recovered: NDArray[np.bool_]
    multiplier: FloatArray | None = None

    @property
    def angle(self) -> FloatArray:
        """The angles at the end, of shape (...)."""
        return self.angles[-1]

    @property
    def lagrangian(self) -> FloatArray:
        """The values of the Lagrangian at the end, of shape (...)."""
        return self.lagrangians[-1]


@dataclass(frozen=True)
class SplittingState:
    """The variables of one run, of shape (d,). They are the solver's own and go on changing."""

    u: FloatArray
    w: FloatArray
    multiplier: FloatArray | None = None


class Runs:
    """The variables of a block of runs, with filters in columns, and what updates of them need.

    Attributes
    ----------
    w, u, z : ndarrays of shape (d, n_runs)
        z is ADMM's multiplier.
    w_star : ndarray of shape (d, n_runs)
    slope, beta, eta : ndarrays of shape (d, n_runs), or 0-d if all runs have one value
        `slope` is k / (2 pi).
    prox : callable (w, out)
        The proximal map of (lam / beta) P.
    normalise : callable ()
        w <- w / |w|.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.w, self.u = (np.array(each.T, order="C") for each in (problem.w, problem.u))
        self.z = np.zeros_like(self.w)
        self.w_star = np.array(problem.w_star.T, order="C")
        self.slope, self.beta, self.eta = (
            spread(each, len(self.w)) for each in (problem.slope, problem.beta, problem.eta)
        )
        with np.errstate(over="ignore"):  # an infinite level takes everything to 0
            level = problem.lam / problem.beta
        self.prox = prepare_prox(problem.penalty, level, self.w.shape, problem.filter_shape)
        self.normalise = normaliser(self.w)

    def angles(self) -> FloatArray:
        """Return theta(w, w*) of each run.

        Raises
        ------
        FloatingPointError
            If a run reached the zero filter, or left the range of float64.
        """
        theta = angle_between_units(self.w.T.copy(), self.problem.w_star)
        if not np.isfinite(theta).all():
            eta = self.problem.eta[~np.isfinite(theta)][0]
            raise FloatingPointError(
                f"a run with eta = {eta:g} reached a filter that has no direction"
            )
        return theta

    def terms(self, angles: FloatArray) -> dict[str, FloatArray]:
        """Return the loss, penalty and coupling of each run, given theta(w, w*)."""
        problem = self.problem
        return {
            "loss": problem.slope * angles,
            "penalty": problem.lam * problem.penalty_value(self.u.T.copy()),
            "coupling": problem.beta / 2 * np.sum((self.w - self.u) ** 2, axis=0),
        }


@dataclass(frozen=True)
class Method:
    """A splitting method.

    Parameters
    ----------
    updates : callable (runs) -> mapping of str to update
        The updates of one iteration in their order, by the names of the blocks that they move.
    terms : callable (runs, angles) -> mapping of str to ndarray
        The terms of its Lagrangian, given theta(w, w*).
    has_multiplier : bool
        Whether z is one of its variables.
    """

    updates: Callable[[Runs], Mapping[str, Update]]
    terms: Callable[[Runs, FloatArray], dict[str, FloatArray]]
    has_multiplier: bool = False


def normaliser(w: FloatArray) -> Update:
    """Return the update w <- w / |w| of filters in columns."""
    squares, ones = np.empty_like(w), np.ones(len(w))
    sums, norms, inverses = np.empty((3, w.shape[1]))

    def normalise() -> None:
        np.multiply(w, w, out=squares)
        np.dot(ones, squares, out=sums)  # faster than a sum over the first axis
        np.sqrt(sums, out=norms)
        np.reciprocal(norms, out=inverses)
        np.multiply(w, inverses, out=w)

    return normalise


def advance(updates: tuple[Update, ...], count: int) -> None:
    """Make `count` iterations, each of which makes all updates in order."""
    # A filter that lands on zero becomes NaN, which `Runs.angles` reports.
    with np.errstate(all="ignore"):
        for _ in range(count):
            for update in updates:
                update()


def trajectories(
    problem: Problem, method: Method, n_iter: int, record_every: int
) -> Iterator[tuple[slice, int, Runs]]:
    """Yield (rows, iteration, runs) at the start and after every `record_every` iterations.

    One block after the other; with a sampled gradient all runs are one block, which sees the same
    samples. `runs` goes on changing.
    """
    n_runs, d = problem.w.shape
    size = max(BLOCK_ENTRIES // d, 1) if problem.gradient is None else n_runs
    for first in range(0, n_runs, size):
        rows = slice(first, min(first + size, n_runs))
        runs = Runs(problem.block(rows))
        updates = tuple(method.updates(runs).values())
        yield rows, 0, runs
        for iteration in record_times(n_iter, record_every)[1:]:
            previous = (iteration - 1) // record_every * record_every
            advance(updates, iteration - previous)
            yield rows, int(iteration), runs


def record_times(n_iter: int, record_every: int) -> NDArray[np.int64]:
    """Return 0, `record_every`, 2 `record_every`, ... and `n_iter`."""
    return np.append(np.arange(0, n_iter, record_every), n_iter)


def run_problem(
    problem: Problem, method: Method, n_iter: int, record_every: int | None
) -> SplittingResult:
    """Return the result of `n_iter` iterations, with about `RECORDS` records by default.

    Raises
    ------
    ValueError
        If `n_iter` or `record_every` is not a positive integer.
    FloatingPointError
        If a run reaches the zero filter.
    """
    n_iter = check_integer("n_iter", n_iter)
    if record_every is None:
        record_every = -(-n_iter // RECORDS)
    record_every = check_integer("record_every", record_every)
    n_runs, d = problem.w.shape
    iterations = record_times(n_iter, record_every)
    angles, lagrangians = np.empty((2, len(iterations), n_runs))
    u, w, z = np.empty((3, n_runs, d))
    for rows, iteration, runs in trajectories(problem, method, n_iter, record_every):
        record = -(-iteration // record_every)
        angles[record, rows] = runs.angles()
        lagrangians[record, rows] = sum(method.terms(runs, angles[record, rows]).values())
        if iteration == n_iter:
            u[rows], w[rows], z[rows] = runs.u.T, runs.w.T, runs.z.T
    recovered = np.all((u != 0) == (problem.w_star != 0), axis=-1)
    u += 0.0  # -0.0 becomes 0.0
    filters = [
        each.reshape(*problem.leading, d).astype(problem.dtype, copy=False) for each in (u, w, z)
    ]
    return SplittingResult(
        u=filters[0],
        w=filters[1],
        iterations=iterations,
        angles=angles.reshape(-1, *problem.leading),
        lagrangians=lagrangians.reshape(-1, *problem.leading),
        support_recovered=recovered.reshape(problem.leading),
        multiplier=filters[2] if method.has_multiplier else None,
    )


def iterate_problem(problem: Problem, method: Method, n_iter: int, every: int) -> Iterator[Step]:
    """Return a generator of the steps of every `every`-th iteration of a single run.

    Raises
    ------
    ValueError
        If there is more than one run, or `n_iter` or `every` is not a positive integer.
    """
    if problem.leading:
        raise ValueError(
            f"w0 and the parameters must make one run, but have leading axes {problem.leading}"
        )
    return _steps(problem, method, check_integer("n_iter", n_iter), check_integer("every", every))


def _steps(problem: Problem, method: Method, n_iter: int, every: int) -> Iterator[Step]:
    """Yield the steps; arguments as in `iterate_problem`, checked."""
    runs = Runs(problem)
    updates = method.updates(runs)
    multiplier = runs.z[:, 0] if method.has_multiplier else None
    state = SplittingState(runs.u[:, 0], runs.w[:, 0], multiplier)

    def terms() -> dict[str, float]:
        values = method.terms(runs, runs.angles())
        return {name: float(value[0]) for name, value in values.items()}

    for iteration in range(every, n_iter + 1, every):
        advance(tuple(updates.values()), every - 1)
        after = terms()
        for block, update in updates.items():
            before = after
            advance((update,), 1)
            after = terms()
            yield Step(iteration, block, before, after, state)
