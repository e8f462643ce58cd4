r"""Coarse gradient descent on both layers of the two-layer network, from one start or many.

See docs/theory.md#e4. Each iteration moves output weights and filter at the same time, as printed
in [1]_:

    v <- v - eta df/dv(v, w),   w <- w - eta E g(v, w).

The filter is not normalised. With ``normalise`` it is divided by its norm after each step, as in
part A: that changes neither the network nor the loss, only how far the next step turns.

`coarse_gradient_descent` is the algorithm. `descend` runs it from many starts and keeps records;
`iterate` yields the steps of a single run; `largest_step` says up to which eta the loss cannot rise
in the next iteration.

References
----------
.. [1] Yin, Lyu, Zhang, Osher, Qi, Xin, *Understanding Straight-Through Estimator in Training
   Activation Quantized Neural Nets*, ICLR 2019, arXiv:1903.05662.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from zeroone.gaussian.filters import angle_between_units, check_parameter, norms, unit
from zeroone.gaussian.population import PSEUDO
from zeroone.gaussian.two_layer import Network, check_network, loss_terms, output_gradient
from zeroone.gaussian.two_layer_coarse import filter_coarse_gradient, lengthening
from zeroone.steps import Block, Step
from zeroone.support.validation import FloatArray, check_choice, check_integer

# About how many records a run keeps unless told otherwise, and how many it may keep.
RECORDS, MOST_RECORDS = 100, 10_000_000

BOTH = Block("v, w", "v <- v - eta df/dv,  w <- w - eta E g(v, w)", "docs/theory.md#e4")
BOTH_NORMALISED = Block(
    "v, w", "v <- v - eta df/dv,  w <- w - eta E g(v, w),  w <- w / |w|", "docs/theory.md#e4"
)


def coarse_gradient_descent(
    network: Network, derivative: str, eta: FloatArray, normalise: bool = False
) -> Iterator[Network]:
    """Yield the network after each iteration, for ever; eta has the shape (..., 1)."""
    v, w, v_star, w_star = network
    while True:
        by_v = output_gradient(network)
        by_w = filter_coarse_gradient(network, derivative)
        v, w = v - eta * by_v, w - eta * by_w
        if normalise:
            w = unit(w)
        network = Network(v, w, v_star, w_star)
        yield network


@dataclass(frozen=True)
class DescentResult:
    """Where the runs ended, and how they went.

    Parameters
    ----------
    v : ndarray of shape (..., k)
    w : ndarray of shape (..., d)
        After the last iteration; float32 if starts and teachers were.
    iterations : ndarray of ints, shape (n_records,)
        After how many iterations each record was made: 0, `record_every`, ..., `n_iter`.
    losses, angles, distances, norms : ndarrays of shape (n_records, ...)
        f(v, w), theta(w, w*), |v - v*| and |w|.
    """

    v: FloatArray
    w: FloatArray
    iterations: NDArray[np.int64]
    losses: FloatArray
    angles: FloatArray
    distances: FloatArray
    norms: FloatArray


def descend(
    v0: ArrayLike,
    w0: ArrayLike,
    v_star: ArrayLike,
    w_star: ArrayLike,
    *,
    eta: ArrayLike,
    n_iter: int,
    derivative: str = "relu",
    normalise: bool = False,
    record_every: int | None = None,
) -> DescentResult:
    """Run coarse gradient descent from one start or from many.

    Parameters
    ----------
    v0 : array_like of shape (..., k)
    w0 : array_like of shape (..., d)
        Starts; no filter may be zero. Unlike in part A their norms matter, unless `normalise`.
    v_star : array_like of shape (..., k)
    w_star : array_like of shape (..., d)
        Teachers, the filters of any norm but 0.
    eta : float or array_like of shape (...), > 0
        Step size. See `largest_step`.
    n_iter : int
        Number of iterations, at least 1.
    derivative : {"relu", "identity", "clipped_relu"}
        The pseudo-derivative.
    normalise : bool, default False
        Whether the filter is divided by its norm after each step (and before the first).
    record_every : int, optional
        Iterations between records; by default there are about 100 records.

    Returns
    -------
    DescentResult
        The leading axes of starts, teachers and eta broadcast to those of the result.

    Raises
    ------
    ValueError
        If an argument is out of range or not finite, a filter is zero, or shapes do not fit.
    FloatingPointError
        If a run leaves the range of float64, as with too large an eta, or lands on the zero filter.

    Examples
    --------
    >>> result = descend([1.0, -1.0], [1.0, 1.0], [1.0, 2.0], [1.0, 0.0], eta=0.2, n_iter=300)
    >>> bool(result.losses[-1] < 1e-6)
    True
    """
    network, steps, dtype = check_start(v0, w0, v_star, w_star, eta, normalise)
    check_choice("derivative", derivative, PSEUDO)
    n_iter = check_integer("n_iter", n_iter)
    every = -(-n_iter // RECORDS) if record_every is None else record_every
    every = check_integer("record_every", every)
    if n_iter // every > MOST_RECORDS:
        raise ValueError(
            f"record_every must leave at most {MOST_RECORDS:,} records, but is {every}"
        )
    networks = coarse_gradient_descent(network, derivative, steps, normalise)
    iterations = np.append(np.arange(0, n_iter, every), n_iter)
    records = np.empty((4, len(iterations), *steps.shape[:-1]))
    for number, iteration in enumerate(iterations):
        if iteration:
            network = advance(networks, int(iteration - iterations[number - 1]))
        records[:, number] = measure(network, steps)
    losses, angles, distances, lengths = records
    v, w = (np.asarray(each, dtype) for each in network[:2])
    return DescentResult(v, w, iterations, losses, angles, distances, lengths)


def iterate(
    v0: ArrayLike,
    w0: ArrayLike,
    v_star: ArrayLike,
    w_star: ArrayLike,
    *,
    eta: float,
    n_iter: int,
    derivative: str = "relu",
    normalise: bool = False,
) -> Iterator[Step]:
    """Yield the steps of one run.

    Parameters
    ----------
    v0, v_star : array_like of shape (k,)
    w0, w_star : array_like of shape (d,)
    eta, n_iter, derivative, normalise
        As in `descend`.

    Yields
    ------
    Step
        ``sweep`` is the iteration. The terms are "output", which is 1/8 (v - v*)^T (I + J) (v -
        v*), and "angle", which is (theta / 2 pi) v . v* and may be negative. ``state`` is a
        `zeroone.gaussian.two_layer.Network`.

    Raises
    ------
    ValueError
        As `descend`, or if there is more than one run. Raised by the call, before the first step.
    FloatingPointError
        As `descend`.
    """
    network, steps, _ = check_start(v0, w0, v_star, w_star, eta, normalise)
    if steps.shape != (1,):
        raise ValueError(f"v0 and eta must make one run, but have leading axes {steps.shape[:-1]}")
    check_choice("derivative", derivative, PSEUDO)
    return _steps(network, derivative, steps, check_integer("n_iter", n_iter), normalise)


def _steps(
    network: Network, derivative: str, eta: FloatArray, n_iter: int, normalise: bool
) -> Iterator[Step]:
    """Yield the steps; arguments as in `iterate`, checked."""

    def terms(one: Network) -> dict[str, float]:
        measure(one, eta)
        return dict(zip(("output", "angle"), map(float, loss_terms(one)), strict=True))

    networks = coarse_gradient_descent(network, derivative, eta, normalise)
    block, after = BOTH_NORMALISED if normalise else BOTH, terms(network)
    for iteration in range(1, n_iter + 1):
        before, network = after, advance(networks, 1)
        after = terms(network)
        yield Step(iteration, block, before, after, network)


def largest_step(
    v: ArrayLike,
    w: ArrayLike,
    v_star: ArrayLike,
    w_star: ArrayLike,
    derivative: str = "relu",
) -> FloatArray:
    """Return the largest eta for which docs/theory.md#e4 promises f(next) <= f(v, w).

    Two conditions, with b = 1/2 (for the identity b = 1), r from
    `zeroone.gaussian.two_layer_coarse`:

        eta (|r| + 2 b |v . v*| / sqrt(2 pi)) <= |w| / 2          w does not come near the origin
        eta (k + 1 + b eta |v*|^2 / (sqrt(2 pi) |w|)) <= 8        v does not overshoot

    Parameters
    ----------
    v, w, v_star, w_star, derivative
        As in `zeroone.gaussian.two_layer_coarse.coarse_gradient`.

    Returns
    -------
    ndarray of the broadcast leading shape
        It is larger than 0.

    Raises
    ------
    ValueError
        As `zeroone.gaussian.two_layer_coarse.coarse_gradient`.
    """
    check_choice("derivative", derivative, PSEUDO)
    network, dtype = check_network(v, w, v_star, w_star)
    k, length = network.v.shape[-1], norms(network.w)[..., 0]
    b = (1.0 if derivative == "identity" else 0.5) / np.sqrt(2 * np.pi)
    dot = np.abs(np.sum(network.v * network.v_star, axis=-1))
    reach = np.abs(lengthening(network, derivative))[..., 0] + 2 * b * dot
    curve = b * np.sum(network.v_star**2, axis=-1) / length
    with np.errstate(divide="ignore", over="ignore"):
        by_filter = np.where(reach > 0, length / (2 * reach), np.inf)
        # The positive root of curve eta^2 + (k + 1) eta = 8, in the form that cancels nothing.
        by_output = 16 / (k + 1 + np.sqrt((k + 1) ** 2 + 32 * curve))
    return np.asarray(np.minimum(by_filter, by_output), dtype)


def advance(networks: Iterator[Network], count: int) -> Network:
    """Make `count` iterations and return the last network."""
    # What overflows, or lands on the zero filter, is reported by `measure`.
    with np.errstate(all="ignore"):
        return next(islice(networks, count - 1, None))


def measure(network: Network, eta: FloatArray) -> tuple[FloatArray, ...]:
    """Return f, theta, |v - v*| and |w| of each run.

    Raises
    ------
    FloatingPointError
        If one of them is not a finite number.
    """
    with np.errstate(all="ignore"):
        output, angle = loss_terms(network)
        values = (
            output + angle,
            angle_between_units(unit(network.w), network.w_star),
            norms(network.v - network.v_star)[..., 0],
            norms(network.w)[..., 0],
        )
    lost = ~np.isfinite(values).all(axis=0)
    if lost.any():
        raise FloatingPointError(
            f"a run with eta = {eta[..., 0][lost].flat[0]:g} left the range of numbers, or reached "
            "the zero filter"
        )
    return values


def check_start(
    v0: ArrayLike,
    w0: ArrayLike,
    v_star: ArrayLike,
    w_star: ArrayLike,
    eta: ArrayLike,
    normalise: bool,
) -> tuple[Network, FloatArray, DTypeLike]:
    """Return starts and teachers, and eta of shape (..., 1), all broadcast, and the precision.

    Raises
    ------
    ValueError
        As `descend`.
    """
    network, dtype = check_network(v0, w0, v_star, w_star)
    steps = check_parameter("eta", eta)
    leading = np.broadcast_shapes(*(each.shape[:-1] for each in network))
    try:
        leading = np.broadcast_shapes(leading, steps.shape)
    except ValueError:
        raise ValueError(
            f"eta must broadcast against the leading axes {leading}, but has shape {steps.shape}"
        ) from None
    v, w, v_star, w_star = (np.broadcast_to(one, (*leading, one.shape[-1])) for one in network)
    w = unit(w) if normalise else w
    return Network(v, w, v_star, w_star), np.broadcast_to(steps, leading)[..., np.newaxis], dtype
