"""The grid of ``zeroone sweep``: which parameters vary, over which ranges."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeroone.commands.gaussian_common import Network
from zeroone.validation import FloatArray, check_integer, check_number

# What is on the horizontal axis and what on the vertical one.
AXES = {"beta-lam": ("beta", "lam"), "eta-beta": ("eta", "beta")}
# Points along a side on which the theoretical boundary is looked for.
FINE = 201


@dataclass(frozen=True)
class Grid:
    """Values of lam, beta and eta, of which two are axes.

    Parameters
    ----------
    axes : (horizontal, vertical)
        Names.
    values : mapping of str to ndarray of one axis
        Without "eta" that is the largest that theory allows for each beta.
    """

    axes: tuple[str, str]
    values: Mapping[str, FloatArray]

    def along(self, axis: int) -> FloatArray:
        """Return the values on the horizontal (0) or the vertical (1) axis."""
        return self.values[self.axes[axis]]

    def rows(self) -> "list[Grid]":
        """Return the grid in rows, from bottom to top."""
        name = self.axes[1]
        return [
            Grid(self.axes, {**self.values, name: np.array([value])}) for value in self.along(1)
        ]

    def finer(self) -> "Grid":
        """Return the same ranges with more points."""
        fine = {
            name: np.geomspace(float(each[0]), float(each[-1]), FINE)
            for name, each in self.values.items()
            if name in self.axes
        }
        return Grid(self.axes, {**self.values, **fine})

    def plane(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return values on (lam, beta, eta) as (vertical, horizontal), the third one left out."""
        return values[:, :, 0] if self.axes == ("beta", "lam") else values[0]


def make_grid(arguments: argparse.Namespace, network: Network) -> Grid:
    """Return the grid that the options describe.

    Raises
    ------
    ValueError
        If what should be a range is a number, or the other way round, or is out of range.
    """
    axes = AXES[arguments.axes]
    n = check_integer("grid", arguments.grid, minimum=2)
    slope = network.k / (2 * np.pi)
    certain = slope * np.sin(arguments.delta)
    # With l0 the edge of recovery is at lam = beta m^2 / 2, and in this range for other penalties.
    entries = network.w_star[network.w_star != 0]
    edge = certain * float(np.min(entries**2)) / 2
    default = {
        "beta": (certain / 30, certain * 30),
        "lam": (edge / 100, 10 * slope / np.sqrt(len(network.w_star))),
        "eta": (0.01 / slope, 10 / slope),
    }
    values = {}
    for name, pair in default.items():
        given = getattr(arguments, name)
        if name in axes:
            values[name] = np.geomspace(*_check_range(name, pair if given is None else given), n)
        elif given is not None:
            if isinstance(given, tuple):
                raise ValueError(f"{name} must be one number with --axes {arguments.axes}")
            values[name] = np.array([check_number(name, given, strict=name != "lam")])
        elif name == "lam":
            values[name] = np.array([edge / 4])
    return Grid(axes, values)


def _check_range(name: str, given: float | tuple[float, ...]) -> tuple[float, float]:
    """Return LOW, HIGH of an axis."""
    if not isinstance(given, tuple) or len(given) != 2:
        raise ValueError(f"{name} must be a range LOW,HIGH, but is {given}")
    low, high = (check_number(name, value, strict=True) for value in given)
    if low >= high:
        raise ValueError(f"{name} must be a range LOW,HIGH with LOW < HIGH, but is {low},{high}")
    return low, high
