"""Tiny classification problems, for which the best possible net can be found exactly.

Each is a table of a few points that can be drawn on paper, with the size of a hidden layer that is
just large enough to solve it, or just too small.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from zeroone.support.validation import FloatArray, check_integer


@dataclass(frozen=True, eq=False)
class Problem:
    """Training data, and the number of hidden units of the net for it.

    Attributes
    ----------
    name : str
    X : ndarray of shape (n, p)
    y : ndarray of int, (n,)
        Classes from 0.
    hidden : int
    """

    name: str
    X: FloatArray
    y: NDArray[np.int64]
    hidden: int

    def __str__(self) -> str:
        n, p = self.X.shape
        return f"{self.name}: {n} points in {p} dimensions, {self.y.max() + 1} classes"


def parity(n_bits: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return all corners of the unit cube, and whether an odd number of their bits is set.

    A net with one hidden layer of n units gets it right: unit j is on from j set bits on. For two
    bits, the exclusive or, and for three no smaller layer does.

    Parameters
    ----------
    n_bits : int

    Returns
    -------
    (X, y)
        2^n_bits points in n_bits dimensions.

    Raises
    ------
    ValueError
        If `n_bits` is not an integer >= 1.
    """
    X = np.array(list(product((0.0, 1.0), repeat=check_integer("n_bits", n_bits))))
    return X, X.sum(axis=1).astype(np.int64) % 2


def moons(
    n_points: int, rng: np.random.Generator, *, noise: float = 0.15
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return two interlocking half circles with noise.

    The first is the upper half of the unit circle, the second the lower half of the circle around
    (1, 1/2). Points are evenly spaced, and moved by normal noise.

    Parameters
    ----------
    n_points : int
        At least 2; one more in the first class if odd.
    rng : numpy.random.Generator
    noise : float
        Standard deviation.

    Returns
    -------
    (X, y)

    Raises
    ------
    ValueError
        If `n_points` is not an integer >= 2.
    """
    n = check_integer("n_points", n_points, minimum=2)
    y = np.repeat((0, 1), (n - n // 2, n // 2))
    angle = np.pi * np.concatenate([np.linspace(0, 1, n - n // 2), np.linspace(0, 1, n // 2)])
    side = 1 - 2 * y  # up and down
    X = np.column_stack([y + side * np.cos(angle), y / 2 + side * np.sin(angle)])
    return X + noise * rng.standard_normal(X.shape), y


def spirals(n_points: int, *, turns: float = 0.9) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return two spirals, each the other one turned by half a circle.

    Parameters
    ----------
    n_points : int
        At least 2; one more in the first class if odd.
    turns : float
        How many times each goes round the centre.

    Returns
    -------
    (X, y)

    Raises
    ------
    ValueError
        If `n_points` is not an integer >= 2.
    """
    n = check_integer("n_points", n_points, minimum=2)
    y = np.repeat((0, 1), (n - n // 2, n // 2))
    along = np.concatenate([np.linspace(0.15, 1, n - n // 2), np.linspace(0.15, 1, n // 2)])
    angle = 2 * np.pi * turns * along + np.pi * y
    return along[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)]), y


def random_labels(
    n_points: int, rng: np.random.Generator, *, n_features: int = 2, n_classes: int = 2
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return points uniform on [-1, 1]^p with labels that have nothing to do with them.

    Each class has as many points as the others, to within one.

    Parameters
    ----------
    n_points : int
        At least `n_classes`.
    rng : numpy.random.Generator
    n_features, n_classes : int
        At least 1 and 2.

    Returns
    -------
    (X, y)

    Raises
    ------
    ValueError
        If a number is not an integer, or too small.
    """
    n_classes = check_integer("n_classes", n_classes, minimum=2)
    n = check_integer("n_points", n_points, minimum=n_classes)
    X = rng.uniform(-1, 1, (n, check_integer("n_features", n_features)))
    return X, rng.permutation(np.arange(n) % n_classes)


def _problem(
    name: str,
    hidden: int,
    draw: Callable[[np.random.Generator], tuple[FloatArray, NDArray[np.int64]]],
) -> Callable[[int], Problem]:
    """Return a function from a seed to a problem."""

    def make(seed: int) -> Problem:
        X, y = draw(np.random.default_rng(check_integer("seed", seed, minimum=0)))
        return Problem(name, X, y, hidden)

    return make


# By name: from a seed to a problem. The first three and the spirals are the same for all seeds.
PROBLEMS: dict[str, Callable[[int], Problem]] = {
    make(0).name: make
    for make in (
        _problem("xor", 2, lambda rng: parity(2)),
        _problem("parity", 3, lambda rng: parity(3)),
        _problem("parity-narrow", 2, lambda rng: parity(3)),
        _problem("moons", 2, lambda rng: moons(16, rng)),
        _problem("spirals", 3, lambda rng: spirals(16)),
        _problem("random", 3, lambda rng: random_labels(16, rng)),
        _problem("random-narrow", 2, lambda rng: random_labels(16, rng)),
        _problem("three-classes", 2, lambda rng: random_labels(10, rng, n_classes=3)),
    )
}
