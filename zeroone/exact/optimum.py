"""The least training error that a tiny net can have, with a proof (docs/theory.md#c3).

Two ways lead to it, which share the data and the form of the answer (`zeroone.exact.tiny_nets`),
and nothing else:

* ``"milp"``: a mixed-integer linear program, solved by branch and bound (`zeroone.exact.milp`). It
  can be stopped: what it has then is a net, a bound of the errors of every other net, and a gap
  between the two.
* ``"enumeration"``: all sets of dichotomies of the points, and all labellings of the hidden codes
  (`zeroone.exact.enumeration`). It has no tolerance and no bound of the weights, but is only for
  few points and units.

What is certified: `Optimum.errors` is counted by running a net, and no net of that size makes fewer
errors than `Optimum.bound`. The first can be checked by anybody who can run a net. The second is a
statement about all nets; `verify` has it proved again, by the other way.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from zeroone.exact.enumeration import enumeration_optimum
from zeroone.exact.milp import milp_optimum
from zeroone.exact.tiny_nets import Optimum, check_problem
from zeroone.support.validation import check_choice

METHODS = ("milp", "enumeration")


def optimum(
    X: ArrayLike,
    y: ArrayLike,
    hidden: int,
    activation: str = "sign",
    *,
    method: str = "milp",
    time_limit: float = 60.0,
) -> Optimum:
    """Find the least training error of a net with one hidden layer, and prove it.

    Parameters
    ----------
    X : array_like of shape (n, p)
    y : array_like of shape (n,)
        Labels of at least two classes; the net has an output for each, and the largest one wins.
    hidden : int
        Number of hidden units.
    activation : {"sign", "step"}
        The function of the hidden units.
    method : {"milp", "enumeration"}
        See this module's heading.
    time_limit : float, default 60
        Seconds, of branch and bound only. After them the best net so far is returned, with the
        bound so far.

    Returns
    -------
    Optimum

    Raises
    ------
    ValueError
        If an argument is not as described, or the problem is too large for enumeration.

    Examples
    --------
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> [optimum(X, y, hidden).errors for hidden in (1, 2)]
    [1, 0]
    >>> found = optimum(X, y, 1, method="enumeration")
    >>> found.errors, found.bound, found.proved, verify(found, X, y)
    (1, 1, True, True)
    """
    if check_choice("method", method, METHODS) == "milp":
        return milp_optimum(X, y, hidden, activation, time_limit=time_limit)
    return enumeration_optimum(X, y, hidden, activation)


def verify(found: Optimum, X: ArrayLike, y: ArrayLike, *, time_limit: float = 60.0) -> bool:
    """Check what an optimum says: its errors by running its net, its bound by the other way.

    Parameters
    ----------
    found : Optimum
    X, y : array_like
        The training data.
    time_limit : float, default 60
        Seconds, if the other way is branch and bound.

    Returns
    -------
    bool
        True if the net makes `errors` errors, and it is proved once more that no net of its size
        makes fewer than `bound`. An optimum for bounded weights (`Optimum.weight_bound`) says
        nothing of all nets, and an interrupted search may prove too little: False.

    Raises
    ------
    ValueError
        If the data are not as described, or not of the net's size, or too large for enumeration.
    """
    n_features, hidden, n_outputs = found.network.layer_sizes
    activation = found.network.activation
    sample = check_problem(X, y, hidden, activation)
    if sample.X.shape[1] != n_features or len(sample.classes) != n_outputs:
        raise ValueError(
            f"X and y must have {n_features} features and {n_outputs} classes, as the net has, but "
            f"have {sample.X.shape[1]} and {len(sample.classes)}"
        )
    if sample.errors(found.network) != found.errors or found.bound > found.errors:
        return False
    if found.weight_bound is not None:
        return False
    if found.bound <= sample.floor:  # equal points of different classes prove it
        return True
    other = "milp" if found.method == "enumeration" else "enumeration"
    again = optimum(X, y, hidden, activation, method=other, time_limit=time_limit)
    return again.weight_bound is None and again.bound >= found.bound
