"""The one-hidden-layer no-overlap network on samples (theory, A).

A sample Z is k patches of size d with i.i.d. N(0, 1) entries, and one filter w is shared by the
patches:

    output            h(w, Z) = sum_i step(Z_i . w)
    sample loss       l(w, Z) = 1/2 (h(w, Z) - h(w*, Z))^2
    empirical risk    the mean of l over the samples
    coarse gradient   g(w, Z) = slope (h(w, Z) - h(w*, Z)) sum_i mu'(Z_i . w) Z_i

with a pseudo-derivative mu' in place of the derivative of the step, and slope = sqrt(2/pi).
`zeroone.gaussian.population` and `zeroone.gaussian.pseudo` have the expectations;
`zeroone.gaussian.streaming` estimates them from more samples than fit into memory.

Samples are an array Z of shape (n_samples, k, d). All functions take many filters at once: the
leading axes of w and of w* broadcast. They work through Z in blocks that fit into the processor's
cache, so that both products with a block read it from memory once, and what they need besides Z
does not grow with the number of samples. A float32 Z is multiplied in float32.

References
----------
.. [1] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731.
"""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from zeroone.activations import PseudoDerivative, pseudo_derivative, step
from zeroone.gaussian.geometry import check_filter, check_same_space, check_teacher
from zeroone.gaussian.pseudo import PSEUDO, SLOPE
from zeroone.gaussian.samples import Columns, Pairing, preactivations, sum_patches
from zeroone.validation import (
    FloatArray,
    check_choice,
    check_integer,
    check_number,
    floating_dtype,
)


def sample_inputs(
    rng: np.random.Generator, n_samples: int, k: int, d: int, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Return `n_samples` inputs Z with i.i.d. N(0, 1) entries.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_samples, k, d : int
        Numbers of samples, of patches, and of entries of a patch, each at least 1.
    dtype : float64 or float32

    Returns
    -------
    ndarray of shape (n_samples, k, d)

    Raises
    ------
    ValueError
        If a number is not an integer >= 1, `dtype` is neither precision, or rng is no Generator.
    """
    shape = tuple(
        check_integer(name, value) for name, value in (("n_samples", n_samples), ("k", k), ("d", d))
    )
    check_precision(dtype)
    check_generator(rng)
    return rng.standard_normal(shape, np.dtype(dtype))  # type: ignore[arg-type]


def output(w: ArrayLike, Z: ArrayLike) -> FloatArray:
    """Return h(w, Z) = sum_i step(Z_i . w), the number of patches that switch it on  (theory, A).

    Parameters
    ----------
    w : array_like of shape (..., d)
        Filters, none of them zero.
    Z : array_like of shape (n_samples, k, d)

    Returns
    -------
    ndarray of shape (..., n_samples)
        Whole numbers from 0 to k, in Z's precision. A patch with Z_i . w = 0 exactly counts as off.

    Raises
    ------
    ValueError
        If an argument is not finite, w holds a zero filter, or the shapes do not fit.
    """
    w = check_filter("w", w)
    return _output(w, check_samples(Z, w.shape[-1]))


def sample_loss(w: ArrayLike, w_star: ArrayLike, Z: ArrayLike) -> FloatArray:
    """Return l(w, Z) = 1/2 (h(w, Z) - h(w*, Z))^2 for each sample  (theory, A).

    Parameters
    ----------
    w : array_like of shape (..., d)
        Filters, none of them zero.
    w_star : array_like of shape (..., d)
        Teachers of norm 1.
    Z : array_like of shape (n_samples, k, d)

    Returns
    -------
    ndarray of shape (..., n_samples)
        The leading axes are those of w and w_star, broadcast. In Z's precision.

    Raises
    ------
    ValueError
        If an argument is not finite, w holds a zero filter, w_star one whose norm is not 1, or the
        shapes do not fit.
    """
    w, w_star = check_filters(w, w_star)
    Z = check_samples(Z, w.shape[-1])
    return 0.5 * (_output(w, Z) - _output(w_star, Z)) ** 2


def empirical_risk(w: ArrayLike, w_star: ArrayLike, Z: ArrayLike) -> FloatArray:
    """Return the mean over samples of 1/2 (h(w, Z) - h(w*, Z))^2  (theory, A).

    Parameters
    ----------
    w, w_star, Z
        As in `sample_loss`.

    Returns
    -------
    ndarray of the broadcast leading shape
        0-d for single filters. In Z's precision, averaged in float64.

    Raises
    ------
    ValueError
        As `sample_loss`.
    """
    losses = sample_loss(w, w_star, Z)
    return np.asarray(losses.mean(axis=-1, dtype=np.float64), losses.dtype)


def sampled_coarse_gradient(
    w: ArrayLike,
    w_star: ArrayLike,
    Z: ArrayLike,
    pseudo: str = "relu",
    slope: float = SLOPE,
) -> FloatArray:
    """Return the mean over samples of g(w, Z)  (theory, A1; [1]_, eq. (8)).

    Parameters
    ----------
    w, w_star, Z
        As in `sample_loss`.
    pseudo : {"relu", "identity", "clipped_relu"}
        The pseudo-derivative mu': 1[x > 0], 1, or 1[0 < x <= 1].
    slope : float > 0, default sqrt(2/pi)
        The factor of g.

    Returns
    -------
    ndarray of the broadcast shape (..., d)
        In Z's precision; blocks are added up in float64.

    Raises
    ------
    ValueError
        As `sample_loss`, or if `pseudo` is none of the three or slope is not > 0.
    """
    derivative = check_pseudo(pseudo)
    slope = check_number("slope", slope, strict=True)
    w, w_star = check_filters(w, w_star)
    Z = check_samples(Z, w.shape[-1])
    pairing = Pairing.of(w, w_star, Z.dtype)
    total = np.zeros((pairing.n_filters, w.shape[-1]))
    for rows, preactivation in preactivations(pairing.columns, Z):
        _, weights = pairing.error_and_weights(preactivation, derivative)
        total += weights.reshape(-1, pairing.n_filters).T @ Z[rows].reshape(-1, Z.shape[-1])
    total *= slope / len(Z)
    return np.asarray(total.reshape(*pairing.leading, -1), Z.dtype)


def _output(w: FloatArray, Z: FloatArray) -> FloatArray:
    """Return h(w, Z), arguments checked."""
    columns = Columns.of(w, Z.dtype)
    counts = np.empty((len(columns.scale), len(Z)), Z.dtype)
    for rows, preactivation in preactivations(columns, Z):
        counts[:, rows] = sum_patches(step(preactivation)).T
    return counts.reshape(*w.shape[:-1], len(Z))


def check_filters(w: ArrayLike, w_star: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return filters and teachers of norm 1 that fit each other.

    Raises
    ------
    ValueError
        If one is not finite, w holds a zero filter, w_star one whose norm is not 1, or they do not
        fit.
    """
    w, w_star = check_filter("w", w), check_teacher("w_star", w_star)
    check_same_space(w, w_star)
    return w, w_star


def check_samples(Z: ArrayLike, d: int) -> FloatArray:
    """Return Z as a float array of shape (n_samples, k, d); `preactivations` checks its values.

    Raises
    ------
    ValueError
        If it is not numeric, is empty or has another shape.
    """
    array = np.asarray(Z)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Z must hold real numbers, but has dtype {array.dtype}")
    if array.ndim != 3 or array.size == 0 or array.shape[-1] != d:
        raise ValueError(
            f"Z must have shape (n_samples, k, {d}), d = {d} being that of w, and not be empty, "
            f"but has shape {array.shape}"
        )
    return np.asarray(array, floating_dtype(array), order="C")


def check_pseudo(pseudo: str) -> PseudoDerivative:
    """Return the pseudo-derivative of that name.

    Raises
    ------
    ValueError
        If it is none of the three.
    """
    return pseudo_derivative(check_choice("pseudo", pseudo, PSEUDO))


def check_precision(dtype: DTypeLike) -> None:
    """Raise ValueError unless dtype is float64 or float32."""
    if np.dtype(dtype) not in (np.float64, np.float32):
        raise ValueError(f"dtype must be float64 or float32, but is {np.dtype(dtype)}")


def check_generator(rng: object) -> None:
    """Raise ValueError unless rng is a Generator."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, but is {rng!r}")
