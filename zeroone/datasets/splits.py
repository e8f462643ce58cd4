"""Divide samples in two so that both sides hold the same share of every class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.support.validation import check_number

IndexArray = NDArray[np.int64]


def _members_of_classes(labels: ArrayLike) -> list[IndexArray]:
    """Return, for each class, the ascending indices of its samples; some class must have two."""
    values = np.asarray(labels)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "biuUS":
        raise ValueError(
            "labels must be a non-empty list of integers or strings, but has "
            f"shape {values.shape} and type {values.dtype}"
        )
    _, class_of, counts = np.unique(values, return_inverse=True, return_counts=True)
    if counts.max() < 2:
        raise ValueError(
            "labels must hold some class at least twice to be divided, but each of the "
            f"{len(counts)} classes has one sample"
        )
    by_class = np.argsort(class_of, kind="stable").astype(np.int64)
    return np.split(by_class, np.cumsum(counts)[:-1])


def _complement(n_samples: int, chosen: list[IndexArray]) -> tuple[IndexArray, IndexArray]:
    """Return the ascending indices that are not chosen, and those that are."""
    is_chosen = np.zeros(n_samples, dtype=bool)
    is_chosen[np.concatenate(chosen)] = True
    return np.flatnonzero(~is_chosen).astype(np.int64), np.flatnonzero(is_chosen).astype(np.int64)


def stratified_split(
    labels: ArrayLike, fraction: float, rng: np.random.Generator
) -> tuple[IndexArray, IndexArray]:
    """Hold out a random share of every class, for instance for validation.

    Of a class with n samples, n * fraction rounded to the nearest integer are held out, but at
    least 1 and at most n - 1. A class with a single sample is kept.

    Parameters
    ----------
    labels : array_like of shape (n,)
        The class of each sample, as integers or strings.
    fraction : float
        The share to hold out, between 0 and 1 (both excluded).
    rng : numpy.random.Generator
        Decides which samples of a class are held out.

    Returns
    -------
    kept_indices, held_out_indices : int64 ndarrays
        Ascending, disjoint, together 0 to n - 1, and neither empty.

    Raises
    ------
    ValueError
        If the labels are not one non-empty axis of integers or strings, no class has two samples,
        the fraction is outside of its range, or `rng` is not a Generator.
    """
    members = _members_of_classes(labels)
    fraction = check_number("fraction", fraction, strict=True, maximum=1.0)
    if fraction == 1.0:
        raise ValueError("fraction must be a number > 0 and < 1, but is 1")
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, but is {rng!r}")
    held_out = []
    for samples in members:
        n = len(samples)
        if n >= 2:
            count = min(max(int(np.floor(n * fraction + 0.5)), 1), n - 1)
            held_out.append(rng.permutation(samples)[:count])
    return _complement(sum(map(len, members)), held_out)


def fixed_split(labels: ArrayLike) -> tuple[IndexArray, IndexArray]:
    """Set a fifth of every class aside for testing, by a rule without randomness.

    Of a class with n samples, k = max(1, round(n / 5)) are for testing: its n samples, in the order
    in which they come, are cut into k stretches of equal length, and the middle one of each stretch
    is taken. Both sides then come from all over the file, and the division can be repeated in any
    program. (If neighbours in the file are variants of one image, they fall on both sides.) A class
    with a single sample is for training.

    Parameters
    ----------
    labels : array_like of shape (n,)
        The class of each sample, as integers or strings.

    Returns
    -------
    train_indices, test_indices : int64 ndarrays
        Ascending, disjoint, together 0 to n - 1, and neither empty.

    Raises
    ------
    ValueError
        If the labels are not one non-empty axis of integers or strings, or no class has two
        samples.
    """
    members = _members_of_classes(labels)
    test = []
    for samples in members:
        n = len(samples)
        if n >= 2:
            k = max(1, (2 * n + 5) // 10)
            # The middle of stretch j is at (j + 1/2) n / k; integers alone keep it exact.
            test.append(samples[(2 * np.arange(k) + 1) * n // (2 * k)])
    return _complement(sum(map(len, members)), test)
