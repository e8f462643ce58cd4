"""Samples and how often each of them counts.

A sample of integer weight w is that sample w times, and one of weight 0 is not there. This holds to
the last bit, whatever the method, because both say the same before any training begins: equal
samples, of the same row and the same target, become one whose weight is the sum of theirs
(`merged`), in an order that does not depend on that in which they came. Data without weights and
without equal samples stay exactly as they are.

A method of mini-batches then *visits* samples. In an epoch one of weight w is visited w times, the
last time as a fraction of a visit, if w is no integer (`Samples.visits`). So a batch never holds a
sample that outweighs the others a hundred times, and repeated samples take part in as many batches
as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeroone.support.rows import row_blocks
from zeroone.support.validation import FloatArray, check_array, check_number

# An epoch visits no more samples than this many times those that were passed.
MOST_VISITS = 10
# A visit that is nearer to a whole one than this is one: 30 * 0.1 should be 3.
ROUNDING = 1e-9
# Lightest visit, so that a batch of light ones still has a mean in single precision.
LIGHTEST = 1e-12


@dataclass(frozen=True)
class Samples:
    """What is trained on.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
        As it came.
    targets : ndarray, shape (n_samples,) or (n_samples, n_outputs)
        Indices of classes, or numbers.
    weight : ndarray, shape (n_samples,), optional
        How often each counts, > 0; by default once.
    passed : int
        How many samples were passed, before any were left out or merged.
    """

    X: NDArray[Any]
    targets: NDArray[Any]
    weight: FloatArray | None
    passed: int

    def some(self, rows: NDArray[Any]) -> Samples:
        """Return some of the samples, by a mask or by indices."""
        weight = None if self.weight is None else self.weight[rows]
        return Samples(self.X[rows], self.targets[rows], weight, self.passed)

    @property
    def relative_weight(self) -> FloatArray | None:
        """The weights, or None if all are the same: for means, which do not see their size."""
        weight = self.weight
        return None if weight is None or np.all(weight == weight[0]) else weight

    def visits(self) -> tuple[NDArray[np.intp] | None, FloatArray | None]:
        """Return which samples an epoch visits, and how much each visit counts.

        Returns
        -------
        rows : ndarray of int, shape (n_visits,), or None
            Each sample as often as it is visited; None for each once.
        weight : ndarray, shape (n_visits,), or None
            Of mean 1; None if all visits count the same.
        """
        if self.weight is None:
            return None, None
        unit = max(1.0, float(self.weight.sum()) / (MOST_VISITS * self.passed))
        times = self.weight / unit
        visits = np.maximum(np.ceil(times - ROUNDING), 1).astype(np.intp)
        rows = np.repeat(np.arange(len(times)), visits)
        shares = np.ones(len(rows))
        last = times - (visits - 1)
        last[np.abs(last - 1) < ROUNDING] = 1.0
        shares[np.cumsum(visits) - 1] = np.maximum(last, LIGHTEST * last.max())
        if np.all(shares == shares[0]):
            return rows, None
        return rows, shares / shares.mean()


def check_weights(sample_weight: ArrayLike | None, n_samples: int) -> FloatArray | None:
    """Return the weights that were passed, in double precision, or None.

    Raises
    ------
    ValueError
        If they are not one number >= 0 a sample, or all are zero.
    """
    if sample_weight is None:
        return None
    weights = check_array("sample_weight", sample_weight, dtype=np.float64)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one a sample, "
            f"but has shape {weights.shape}"
        )
    if np.any(weights < 0):
        raise ValueError(f"sample_weight must be >= 0, but holds {weights.min():g}")
    if not weights.any():
        raise ValueError("sample_weight must not be zero for all samples")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not np.isfinite(total):
        raise ValueError("sample_weight must have a finite sum, but that overflows")
    return weights


def digests(X: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a fingerprint of each sample, shape (n_samples, 2).

    It depends on the values alone, not on their type, and is 128 bits long: two samples with the
    same one are the same.
    """
    found = bytearray()
    columns = targets.reshape(len(targets), -1)
    for rows in row_blocks(len(X)):
        # Adding 0 turns -0 into 0.
        block = np.column_stack([X[rows], columns[rows]]).astype(np.float64, order="C") + 0.0
        for sample in block:
            found += blake2b(sample, digest_size=16).digest()
    return np.frombuffer(bytes(found), np.uint64).reshape(len(X), 2)


def merged(samples: Samples) -> Samples:
    """Return the samples with equal ones as one of their total weight, and those of weight 0 gone.

    Samples that all count once and are all different are returned in the order in which they came,
    without weights; others in an order that their values decide.
    """
    if samples.weight is not None and not samples.weight.all():
        samples = samples.some(samples.weight > 0)
    keys = digests(samples.X, samples.targets)
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    own = np.ones(len(keys)) if samples.weight is None else samples.weight
    total = np.bincount(place.ravel(), own).astype(np.float64)
    if np.all(total == 1) and len(total) == len(samples.X):
        return Samples(samples.X, samples.targets, None, samples.passed)
    return Samples(samples.X[first], samples.targets[first], total, samples.passed)


def class_weights(
    class_weight: dict[Any, float] | str | None,
    classes: NDArray[Any],
    indices: NDArray[np.intp],
    weight: FloatArray | None,
) -> FloatArray | None:
    """Return the weights of samples times those of their classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        A number for each class, 1 for those that are not named; or such numbers that all classes
        have the same total weight, which add up to that of all samples.
    classes : ndarray, shape (n_classes,)
        Labels.
    indices : ndarray of int, shape (n_samples,)
        The class of each sample.
    weight : ndarray, shape (n_samples,), optional

    Raises
    ------
    ValueError
        If `class_weight` is none of that, or names a class that there is not.
    """
    if class_weight is None:
        return weight
    own = np.ones(len(indices)) if weight is None else weight
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = np.bincount(indices, own, minlength=len(classes))
        present = totals > 0
        factors = np.ones(len(classes))
        factors[present] = totals.sum() / (np.count_nonzero(present) * totals[present])
        return own * factors[indices]
    if not isinstance(class_weight, dict):
        raise ValueError(f'class_weight must be a dict, "balanced" or None, but is {class_weight}')
    labels = classes.tolist()
    factors = np.ones(len(classes))
    for label, value in class_weight.items():
        if label not in labels:
            raise ValueError(f"class_weight must name classes among {labels}, but names {label!r}")
        factors[labels.index(label)] = check_number(f"class_weight[{label!r}]", value)
    return own * factors[indices]
