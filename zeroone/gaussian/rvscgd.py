"""Relaxed variable splitting coarse gradient descent, RVSCGD: Algorithm 1 of [1]_, and ADMM.

See docs/theory.md#a6. Both look for a sparse filter u near a unit filter w with small population
loss f. RVSCGD lowers

    L_beta(u, w) = f(w) + lam P(u) + (beta/2) |w - u|^2,

with the coarse gradient E g(w) = (k / 2 pi) (w - w*) in the place of f's gradient. ADMM's
Lagrangian has a multiplier z of the constraint w = u, and the term <z, w - u>. Its update of z
raises the Lagrangian, by |z_new - z|^2 / beta, so that it need not fall. Where ADMM settles, w = u
exactly and (k / 2 pi) w* - z = C w with z a subgradient of lam P at w. For l1 that makes w the
soft-thresholded teacher, S_lam((k / 2 pi) w*) normalised, whatever beta is; the limit of RVSCGD,
where w and u differ, tends to it as beta grows.

`rvscgd` and `admm` are the algorithms. `run` runs one of them from many starts and keeps records;
`iterate` yields the steps of a single run. What to expect is in `zeroone.gaussian.theory`.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.gaussian.filters import (
    angle_between_units,
    broadcast_parameters,
    check_filter,
    check_same_space,
    check_teacher,
    length,
    unit,
)
from zeroone.gaussian.population import coarse_gradient_of_units
from zeroone.penalties import Penalty, check_penalty
from zeroone.steps import Block, Step
from zeroone.support.validation import (
    FloatArray,
    check_array,
    check_choice,
    check_integer,
    floating_dtype,
)

CoarseGradient = Callable[[FloatArray], FloatArray]
# Which block moved, and the variables after it, in the order of `State`.
Updates = Iterator[tuple[Block, tuple[FloatArray, ...]]]

# Entries of an array of a block of runs, 400 runs with d = 50: its arrays stay in the cache.
BLOCK_ENTRIES = 20_000
# About how many records a run keeps unless told otherwise, and how many it may keep.
RECORDS, MOST_RECORDS = 100, 10_000_000
# At a million iterations a second they would take eleven days.
MOST_ITERATIONS = 10**12

U = Block("u", "u <- prox_{(lam/beta) P}(w)", "docs/theory.md#a6")
W = Block("w", "w <- w - eta (E g(w) + beta (w - u)),  w <- w / |w|", "docs/theory.md#a6")
U_OF_ADMM = Block("u", "u <- prox_{(lam/beta) P}(w + z/beta)", "docs/theory.md#a6")
W_OF_ADMM = Block(
    "w", "w <- w - eta (E g(w) + z + beta (w - u)),  w <- w / |w|", "docs/theory.md#a6"
)
Z = Block("z", "z <- z + beta (w - u)", "docs/theory.md#a6")


def rvscgd(runs: Runs) -> Updates:
    """Yield each block that moves, and the variables after it, for ever: Algorithm 1."""
    prox, coarse_gradient = runs.penalty.prox_map, runs.coarse_gradient
    lam, beta, eta = runs.lam, runs.beta, runs.eta
    w = runs.w
    while True:
        u = prox(w, lam / beta)
        yield U, (u, w)
        w = w - eta * (coarse_gradient(w) + beta * (w - u))
        w = w / length(w)
        yield W, (u, w)


def admm(runs: Runs) -> Updates:
    """Yield each block that moves, and the variables after it, for ever: ADMM from z = 0."""
    prox, coarse_gradient = runs.penalty.prox_map, runs.coarse_gradient
    lam, beta, eta = runs.lam, runs.beta, runs.eta
    w, z = runs.w, np.zeros_like(runs.w)
    while True:
        u = prox(w + z / beta, lam / beta)
        yield U_OF_ADMM, (u, w, z)
        w = w - eta * (coarse_gradient(w) + z + beta * (w - u))
        w = w / length(w)
        yield W_OF_ADMM, (u, w, z)
        z = z + beta * (w - u)
        yield Z, (u, w, z)


class Method(NamedTuple):
    """An algorithm, and the blocks that one of its iterations moves, in their order."""

    updates: Callable[[Runs], Updates]
    blocks: tuple[Block, ...]


METHODS = {"rvscgd": Method(rvscgd, (U, W)), "admm": Method(admm, (U_OF_ADMM, W_OF_ADMM, Z))}


class State(NamedTuple):
    """The variables of runs, of shape (..., d): u, w, and ADMM's multiplier z."""

    u: FloatArray
    w: FloatArray
    multiplier: FloatArray | None = None


@dataclass(frozen=True)
class Runs:
    """What runs start from and what they lower, checked: one row a run, or a single run.

    Parameters
    ----------
    w, u, w_star : ndarrays of shape (n_runs, d), or (d,) for a single run
        Unit starts, the first u, unit teachers; float64.
    slope, lam, beta, eta : ndarrays of shape (n_runs, 1), or 0-d if all runs have one value
        `slope` is k / (2 pi).
    penalty : Penalty
        Of vectors; its parameters are numbers or of shape (n_runs, 1).
    given_gradient : callable, optional
        A coarse gradient in place of the expected one.
    """

    w: FloatArray
    u: FloatArray
    w_star: FloatArray
    slope: FloatArray
    lam: FloatArray
    beta: FloatArray
    eta: FloatArray
    penalty: Penalty
    given_gradient: CoarseGradient | None = None

    @property
    def coarse_gradient(self) -> CoarseGradient:
        """The function of w that the step of w follows."""
        if self.given_gradient is not None:
            return self.given_gradient
        w_star, c = self.w_star, self.slope
        return lambda w: coarse_gradient_of_units(w, w_star, c)

    def start(self, method: Method) -> State:
        """Return the variables before the first iteration."""
        return State(self.u, self.w, np.zeros_like(self.w) if Z in method.blocks else None)

    def angles(self, w: FloatArray) -> FloatArray:
        """Return theta(w, w*) of each run.

        Raises
        ------
        FloatingPointError
            If a run reached the zero filter, or left the range of float64.
        """
        lost = ~(np.abs(length(w) - 1) < 0.5)  # true for NaN as well
        if lost.any():
            eta = np.broadcast_to(self.eta, lost.shape)[lost][0]
            raise FloatingPointError(
                f"a run with eta = {eta:g} reached a filter that has no direction"
            )
        return angle_between_units(w, self.w_star)

    def terms(self, state: State, angles: FloatArray) -> dict[str, FloatArray]:
        """Return the terms of the Lagrangian of each run, given theta(w, w*)."""
        u, w, z = state
        with np.errstate(all="ignore"):  # what is too large is infinite
            price = np.sum(self.penalty.terms(u), axis=-1, dtype=np.float64, keepdims=True)
            terms = {
                "loss": self.slope * angles[..., np.newaxis],
                "penalty": self.lam * price,
                "coupling": self.beta / 2 * np.sum((w - u) ** 2, axis=-1, keepdims=True),
            }
            if z is not None:
                terms["multiplier"] = np.sum(z * (w - u), axis=-1, keepdims=True)
        return {name: values[..., 0] for name, values in terms.items()}

    def blocks(self) -> Iterator[tuple[slice, Runs]]:
        """Yield blocks of runs that fit into the cache: which rows, and the runs.

        With a coarse gradient that was given, which sees all runs at once, there is one block.
        """
        n_runs, d = self.w.reshape(-1, self.w.shape[-1]).shape
        size = max(BLOCK_ENTRIES // d, 1)
        if n_runs <= size or self.given_gradient is not None:
            yield slice(0, n_runs), self
            return
        for first in range(0, n_runs, size):
            rows = slice(first, min(first + size, n_runs))
            names = ("w", "u", "w_star", "slope", "lam", "beta", "eta")
            arrays = {name: getattr(self, name) for name in names}
            part = {name: each[rows] if each.ndim else each for name, each in arrays.items()}
            penalty = self.penalty.with_parameters(itemgetter(rows))
            yield rows, replace(self, penalty=penalty, **part)


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
        ADMM's z; None for RVSCGD.
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


def run(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    k: ArrayLike,
    penalty: str | Penalty,
    lam: ArrayLike,
    beta: ArrayLike,
    eta: ArrayLike,
    n_iter: int,
    u0: ArrayLike | None = None,
    filter_shape: tuple[int, int] | None = None,
    coarse_gradient: CoarseGradient | None = None,
    method: str = "rvscgd",
    record_every: int | None = None,
) -> SplittingResult:
    """Run the algorithm from one start or from many, with one set of parameters or many.

    Parameters
    ----------
    w0 : array_like of shape (..., d)
        Starts of any norm but 0; only their directions matter.
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    k : int or array_like of ints
        Number of patches, at least 1.
    penalty : str or Penalty
        P, or its name in `zeroone.penalties.PENALTIES`. Its parameters may have the shape (..., 1),
        one value a run.
    lam : float or array_like >= 0
        Price of the penalty.
    beta : float or array_like > 0
        Stiffness of the coupling of w and u.
    eta : float or array_like > 0
        Step size.
    n_iter : int
        Number of iterations.
    u0 : array_like of shape (..., d), optional
        The first u, which matters only to the first record; the unit starts by default.
    filter_shape : (rows, columns), optional
        For "l20", whose groups are rows or columns: the matrix that a filter is, in C order.
    coarse_gradient : callable (w) -> ndarray, optional
        What takes the place of the expected coarse gradient, such as
        `zeroone.gaussian.sampling.stochastic_coarse_gradient`. It is called once in an iteration,
        with the unit filters of all runs, of shape (..., d).
    method : {"rvscgd", "admm"}
    record_every : int, optional
        Iterations between records of angles and Lagrangian; by default there are about 100 records.

    Returns
    -------
    SplittingResult
        The leading axes of w0, w_star, k, lam, beta and eta broadcast to those of the result.

    Raises
    ------
    ValueError
        If a start is zero, a teacher's norm is not 1, k is not a whole number >= 1, there is no
        such penalty or method, lam < 0, beta <= 0 or eta <= 0, something is not finite, or shapes
        do not fit.
    FloatingPointError
        If a step lands on the zero filter, which has no direction.

    Examples
    --------
    >>> w_star = np.array([0.8, 0.6, 0.0])
    >>> result = run([1.0, 1.0, 1.0], w_star, k=20, penalty="l0", lam=0.01, beta=0.5, eta=0.2,
    ...              n_iter=200)
    >>> bool(result.support_recovered)
    True
    """
    runs, leading = check_runs(
        w0,
        w_star,
        k=k,
        penalty=penalty,
        lam=lam,
        beta=beta,
        eta=eta,
        u0=u0,
        filter_shape=filter_shape,
        coarse_gradient=coarse_gradient,
    )
    check_choice("method", method, METHODS)
    n_iter = check_iterations("n_iter", n_iter)
    every = -(-n_iter // RECORDS) if record_every is None else record_every
    every = check_iterations("record_every", every)
    if n_iter // every > MOST_RECORDS:
        raise ValueError(
            f"record_every must leave at most {MOST_RECORDS:,} records, but is {every}"
        )
    iterations = record_times(n_iter, every)
    n_runs, d = math.prod(leading), runs.w.shape[-1]
    angles, lagrangians = np.empty((2, len(iterations), n_runs))
    u, w, z = np.zeros((3, n_runs, d))
    for rows, iteration, part, state in trajectories(runs, method, n_iter, every):
        record = -(-iteration // every)
        theta = part.angles(state.w)
        angles[record, rows] = theta
        lagrangians[record, rows] = sum(part.terms(state, theta).values())
        if iteration == n_iter:
            u[rows], w[rows] = state.u, state.w
            if state.multiplier is not None:
                z[rows] = state.multiplier
    recovered = np.all((u != 0) == (runs.w_star != 0), axis=-1)
    dtype = np.result_type(*(floating_dtype(np.asarray(each)) for each in (w0, w_star)))
    u, w, z = (each.reshape(*leading, d).astype(dtype, copy=False) for each in (u + 0.0, w, z))
    return SplittingResult(
        u=u,
        w=w,
        iterations=iterations,
        angles=angles.reshape(-1, *leading),
        lagrangians=lagrangians.reshape(-1, *leading),
        support_recovered=recovered.reshape(leading),
        multiplier=z if Z in METHODS[method].blocks else None,
    )


def iterate(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    k: int,
    penalty: str | Penalty,
    lam: float,
    beta: float,
    eta: float,
    n_iter: int,
    u0: ArrayLike | None = None,
    filter_shape: tuple[int, int] | None = None,
    coarse_gradient: CoarseGradient | None = None,
    method: str = "rvscgd",
    every: int = 1,
) -> Iterator[Step]:
    """Yield the steps of one run: blocks "u" and "w" of each iteration, and "z" for ADMM.

    Parameters
    ----------
    w0, w_star : array_like of shape (d,)
    k, penalty, lam, beta, eta, n_iter, u0, filter_shape, coarse_gradient, method
        As in `run`, one value each.
    every : int, default 1
        Yield the steps of every `every`-th iteration only, and make the others at full speed.

    Yields
    ------
    Step
        ``sweep`` is the iteration. The terms are "loss", "penalty", "coupling" and, for ADMM,
        "multiplier", which is <z, w - u>. ``state`` is a `State`, and ``info["runs"]`` is the run:
        its start, its teacher and its parameters.

    Raises
    ------
    ValueError
        As `run`, or if there is more than one run. Raised by the call, before the first step.
    FloatingPointError
        As `run`.
    """
    runs, leading = check_runs(
        w0,
        w_star,
        k=k,
        penalty=penalty,
        lam=lam,
        beta=beta,
        eta=eta,
        u0=u0,
        filter_shape=filter_shape,
        coarse_gradient=coarse_gradient,
    )
    if leading:
        raise ValueError(
            f"w0 and the parameters must make one run, but have leading axes {leading}"
        )
    check_choice("method", method, METHODS)
    n_iter, every = check_iterations("n_iter", n_iter), check_iterations("every", every)
    return _steps(runs, METHODS[method], n_iter, every)


def _steps(runs: Runs, method: Method, n_iter: int, every: int) -> Iterator[Step]:
    """Yield the steps; arguments as in `iterate`, checked."""
    updates = method.updates(runs)

    def terms(state: State) -> dict[str, float]:
        values = runs.terms(state, runs.angles(state.w))
        return {name: float(value) for name, value in values.items()}

    state, info = runs.start(method), {"runs": runs}
    for iteration in range(every, n_iter + 1, every):
        if every > 1:
            _, state = advance(updates, (every - 1) * len(method.blocks))
        after = terms(state)
        for _ in method.blocks:
            before = after
            block, state = advance(updates, 1)
            after = terms(state)
            yield Step(iteration, block, before, after, state, info)


def trajectories(
    runs: Runs, method: str, n_iter: int, every: int
) -> Iterator[tuple[slice, int, Runs, State]]:
    """Yield (rows, iteration, runs, state) at the start and after every `every` iterations.

    One block of runs after the other goes through all its iterations.
    """
    algorithm = METHODS[method]
    for rows, part in runs.blocks():
        updates, before = algorithm.updates(part), 0
        yield rows, 0, part, part.start(algorithm)
        for iteration in chain(range(every, n_iter, every), (n_iter,)):
            _, state = advance(updates, (iteration - before) * len(algorithm.blocks))
            before = iteration
            yield rows, iteration, part, state


def advance(updates: Updates, count: int) -> tuple[Block, State]:
    """Make `count` updates and return the last."""
    # A filter that lands on zero becomes NaN, which `Runs.angles` reports.
    with np.errstate(all="ignore"):
        block, variables = next(islice(updates, count - 1, None))
    return block, State(*variables)


def record_times(n_iter: int, every: int) -> NDArray[np.int64]:
    """Return 0, `every`, 2 `every`, ... and `n_iter`."""
    return np.append(np.arange(0, n_iter, every), n_iter)


# ----------------------------------------------------------------------------------------- checks


def check_runs(
    w0: ArrayLike,
    w_star: ArrayLike,
    *,
    k: ArrayLike,
    penalty: str | Penalty,
    lam: ArrayLike,
    beta: ArrayLike,
    eta: ArrayLike,
    u0: ArrayLike | None = None,
    filter_shape: tuple[int, int] | None = None,
    coarse_gradient: CoarseGradient | None = None,
) -> tuple[Runs, tuple[int, ...]]:
    """Return the arguments of `run`, checked, one row a run, and the leading axes.

    Raises
    ------
    ValueError
        As `run`.
    """
    start, teacher = check_filter("w0", w0), check_teacher("w_star", w_star)
    check_same_space(start, teacher)
    leading = np.broadcast_shapes(start.shape[:-1], teacher.shape[:-1])
    numbers, leading = broadcast_parameters(leading, k=k, lam=lam, beta=beta, eta=eta)
    d = start.shape[-1]
    n_runs = (math.prod(leading),) if leading else ()

    def rows(array: FloatArray) -> FloatArray:
        return np.broadcast_to(array, (*leading, d)).reshape(*n_runs, d)

    def column(values: FloatArray) -> FloatArray:
        """Return one value a run, or one for all: NumPy is fastest on 0-d arrays."""
        values = np.broadcast_to(values, leading).ravel()
        return np.array(values[0]) if np.all(values == values[0]) else values[:, np.newaxis]

    w = rows(unit(start))
    slope, lam, beta, eta = (column(each) for each in numbers)
    penalty = check_penalty(penalty, leading).with_parameters(lambda a: a.reshape(*n_runs, 1))
    runs = Runs(
        w=w,
        u=w if u0 is None else rows(_check_first_u(u0, leading, d)),
        w_star=rows(unit(teacher)),
        slope=slope,
        lam=lam,
        beta=beta,
        eta=eta,
        penalty=penalty.of_filters(_check_filter_shape(filter_shape, d)),
        given_gradient=_of_rows(coarse_gradient, leading, d),
    )
    return runs, leading


def check_iterations(name: str, value: int) -> int:
    """Return a number of iterations.

    Raises
    ------
    ValueError
        If it is not an integer from 1 to `MOST_ITERATIONS`.
    """
    if check_integer(name, value) > MOST_ITERATIONS:
        raise ValueError(f"{name} must be <= {MOST_ITERATIONS:,}, which would take days already")
    return int(value)


def _check_first_u(u0: ArrayLike, leading: tuple[int, ...], d: int) -> FloatArray:
    """Return the first u as a float64 array that fits."""
    array = check_array("u0", u0, dtype=np.float64)
    try:
        np.broadcast_to(array, (*leading, d))
    except ValueError:
        raise ValueError(
            f"u0 must broadcast to shape {(*leading, d)}, but has shape {array.shape}"
        ) from None
    return array


def _check_filter_shape(filter_shape: tuple[int, int] | None, d: int) -> tuple[int, int] | None:
    """Return (rows, columns) of a filter of d entries, if given."""
    if filter_shape is None:
        return None
    sizes = tuple(check_integer("filter_shape", size) for size in filter_shape)
    if len(sizes) != 2 or math.prod(sizes) != d:
        raise ValueError(
            f"filter_shape must be (rows, columns) with a product of d = {d}, but is {sizes}"
        )
    return sizes[0], sizes[1]


def _of_rows(
    coarse_gradient: CoarseGradient | None, leading: tuple[int, ...], d: int
) -> CoarseGradient | None:
    """Return a coarse gradient of filters in rows, given one of filters of shape (*leading, d)."""
    if coarse_gradient is None:
        return None
    if not callable(coarse_gradient):
        raise ValueError(f"coarse_gradient must be a function of w, but is {coarse_gradient!r}")

    def of_rows(w: FloatArray) -> FloatArray:
        g = np.asarray(coarse_gradient(w.reshape(*leading, d)))
        if g.shape != (*leading, d):
            raise ValueError(
                f"coarse_gradient must return shape {(*leading, d)}, but returned {g.shape}"
            )
        return g.reshape(w.shape)

    return of_rows
