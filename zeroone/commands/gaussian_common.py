"""What the commands of the Gaussian network share: its options, its teacher, its penalty."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from zeroone.gaussian.filters import check_patches, unit
from zeroone.penalties import PENALTIES, Penalty, make_penalty
from zeroone.support.parts import find_part
from zeroone.support.validation import FloatArray, check_integer, check_number

TEACHERS = ("normal", "equal")
# Weights of a filter: a few arrays of them take a few hundred MB.
MOST_WEIGHTS = 10_000_000
# Entries in a group of the penalty l20, unless --filter-shape says otherwise.
GROUP = 5


@dataclass(frozen=True)
class Network:
    """The network of --k, --d, --sparsity, --teacher, and the penalty.

    Parameters
    ----------
    k : int
    w_star : ndarray of shape (d,)
        The teacher, of norm 1.
    penalty : Penalty
    name : str
        The penalty's.
    filter_shape : (rows, columns), optional
        For a penalty with groups: the matrix that a filter is.
    """

    k: int
    w_star: FloatArray
    penalty: Penalty
    name: str
    filter_shape: tuple[int, int] | None

    @property
    def n_groups(self) -> int | None:
        """Number of groups, if the penalty has any."""
        if self.filter_shape is None:
            return None
        return self.penalty.terms(np.zeros(self.filter_shape)).size

    def __str__(self) -> str:
        d, kept = len(self.w_star), np.count_nonzero(self.w_star)
        return f"{self.name}, k = {self.k}, d = {d}, {kept} of w* not zero"


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the network and of the penalty, and --seed."""
    group = parser.add_argument_group("network")
    group.add_argument("--k", type=int, default=20, metavar="N", help="patches (default: 20)")
    group.add_argument("--d", type=int, default=50, metavar="N", help="weights (default: 50)")
    group.add_argument(
        "--sparsity",
        type=float,
        default=0.2,
        metavar="S",
        help="share of the teacher's entries (for l20, groups) that are not zero (default: 0.2)",
    )
    group.add_argument(
        "--teacher",
        choices=TEACHERS,
        default="normal",
        help="its non-zero entries: normally distributed, or equal up to the sign; normalised "
        "(default: normal)",
    )
    group.add_argument(
        "--penalty",
        default="l0",
        metavar="NAME",
        help=f"{', '.join(PENALTIES)}, or MODULE:CLASS for a penalty of your own, a class derived "
        "from zeroone.penalties.Penalty in a module of the working directory (default: l0)",
    )
    group.add_argument("--a", type=float, metavar="A", help="the a of tl1 (default: 1)")
    group.add_argument(
        "--penalty-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the penalty, such as gamma=0.5 for mcp, a=3.7 or knee=0.1 for scad, "
        "groups=columns for l20; it may be given several times",
    )
    group.add_argument(
        "--filter-shape",
        metavar="ROWS,COLUMNS",
        help=f"the matrix whose rows are the groups of l20 (default: {GROUP} columns)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of teacher, starts, samples (default: 0)"
    )


def make_network(arguments: argparse.Namespace) -> Network:
    """Return what the options describe. A seed has the same teacher in all commands.

    Raises
    ------
    ValueError
        If an option is out of its range, or not one of the penalty.
    """
    check_integer("seed", arguments.seed, minimum=0)
    k, d = check_integer("k", arguments.k), check_integer("d", arguments.d)
    check_patches("k", k, ())
    if d > MOST_WEIGHTS:
        raise ValueError(f"d must be <= {MOST_WEIGHTS:,}, but is {d:,}")
    sparsity = check_number("sparsity", arguments.sparsity, strict=True, maximum=1)
    name = arguments.penalty
    kind = find_part("--penalty", name, PENALTIES, Penalty)
    options = dict(penalty_option(text) for text in arguments.penalty_option)
    if arguments.a is not None:
        if name != "tl1":
            raise ValueError("--a is an option of --penalty tl1 only")
        options["a"] = arguments.a
    if arguments.filter_shape is not None and not kind.of_matrices:
        raise ValueError("--filter-shape is an option of --penalty l20 only")
    penalty = make_penalty(kind, name, **options)
    shape = _filter_shape(arguments.filter_shape, d) if penalty.of_matrices else None
    w_star = sparse_teacher(
        np.random.default_rng(arguments.seed), shape or (d, 1), sparsity, arguments.teacher
    )
    return Network(k, w_star, penalty, name, shape)


def penalty_option(text: str) -> tuple[str, float | str]:
    """Return name and value of a --penalty-option: a number if it is one, else a word.

    Raises
    ------
    ValueError
        If it is not NAME=VALUE.
    """
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise ValueError(f"--penalty-option must be NAME=VALUE, such as gamma=0.5, but is {text!r}")
    try:
        return name, float(value)
    except ValueError:
        return name, value


def sparse_teacher(
    rng: np.random.Generator, shape: tuple[int, int], sparsity: float, kind: str = "normal"
) -> FloatArray:
    """Return a teacher of norm 1 of which that share of groups is not zero.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (n_groups, n_in_a_group)
    sparsity : float in (0, 1]
        At least one group is not zero.
    kind : {"normal", "equal"}
        Whether entries are normally distributed, or equal up to a random sign.

    Returns
    -------
    ndarray of shape (n_groups * n_in_a_group,)
    """
    kept = rng.permutation(shape[0])[: max(round(sparsity * shape[0]), 1)]
    values = rng.standard_normal((len(kept), shape[1]))
    w_star = np.zeros(shape)
    w_star[kept] = np.sign(values) if kind == "equal" else values
    return unit(w_star.ravel())


def _filter_shape(text: str | None, d: int) -> tuple[int, int]:
    """Return --filter-shape as numbers, or its default."""
    if text is None:
        if d % GROUP:
            raise ValueError(f"d = {d} is no multiple of {GROUP}: --filter-shape is needed for l20")
        return d // GROUP, GROUP
    try:
        rows, columns = (int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"filter-shape must be ROWS,COLUMNS, but is {text!r}") from None
    if min(rows, columns) < 1 or rows * columns != d:
        raise ValueError(f"filter-shape must have a product of d = {d}, but is {text}")
    return rows, columns


@contextmanager
def no_direction_is_bad_input() -> Iterator[None]:
    """Make a step onto the zero filter, which takes a senseless eta or beta, a ValueError."""
    try:
        yield
    except FloatingPointError as error:
        raise ValueError(f"eta is too large: {error}") from None
