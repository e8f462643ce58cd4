"""Which neurons to drop: the exact price of removing one from a ridge regression.

The layer above a hidden layer is a regression on its activations, W = T^T V K with
K = (V^T V + gamma I)^{-1}. Leaving neuron j out and fitting the others again raises the loss
1/2 |T - V W^T|^2 + (gamma/2) |W|^2 by exactly

    |w_j|^2 / (2 K_jj)

with w_j its outgoing weights (theory, B2). It is small both for a neuron that sends on little and
for one whose part others can take over, which the size of its own row does not show.
"""

from dataclasses import dataclass

import numpy as np

from zeroone.bcd.systems import inverse
from zeroone.validation import BoolArray, FloatArray


@dataclass(frozen=True)
class Regression:
    """A ridge regression on a layer's activations, from which neurons can be taken one by one.

    Parameters
    ----------
    W : ndarray, shape (n_next, n_units + 1)
        The fitted weights, bias last.
    K : ndarray, shape (n_units + 1, n_units + 1)
        Inverse of the regularised Gram matrix.
    """

    W: FloatArray
    K: FloatArray

    @classmethod
    def fit(cls, V: FloatArray, T: FloatArray, gamma: float) -> "Regression":
        """Fit T on V by ridge regression.

        Parameters
        ----------
        V : ndarray, shape (n_samples, n_units + 1)
            Activations, the last column constant.
        T : ndarray, shape (n_samples, n_next)
            Targets.
        gamma : float
            Ridge, > 0.
        """
        return cls.from_gram(V.T @ V, V.T @ T, gamma)

    @classmethod
    def from_gram(cls, gram: FloatArray, cross: FloatArray, gamma: float) -> "Regression":
        """Fit from V^T V and V^T T.

        Parameters
        ----------
        gram : ndarray, shape (n_units + 1, n_units + 1)
        cross : ndarray, shape (n_units + 1, n_next)
        gamma : float
            Ridge, > 0.
        """
        H = np.asarray(gram, dtype=np.float64).copy()
        H.flat[:: len(H) + 1] += gamma
        K = inverse(H)
        return cls(cross.T.astype(np.float64) @ K, K)

    def rises(self) -> FloatArray:
        """Return by how much the loss rises if neuron j is removed, |w_j|^2 / (2 K_jj).

        Returns
        -------
        ndarray, shape (n_units,)
            One for each neuron, the constant not among them.
        """
        return np.sum(self.W[:, :-1] ** 2, axis=0) / (2 * np.diag(self.K)[:-1])

    def without(self, neuron: int) -> "Regression":
        """Return the regression on the other neurons, by a rank-one downdate.

        K' = K - k_j k_j^T / K_jj and W' = W - w_j k_j^T / K_jj, whose j-th row and column are zero.
        """
        k = self.K[:, neuron] / self.K[neuron, neuron]
        kept = np.delete(np.arange(len(k)), neuron)
        K = self.K - np.outer(self.K[:, neuron], k)
        W = self.W - np.outer(self.W[:, neuron], k)
        return Regression(W[:, kept], K[np.ix_(kept, kept)])


def remove_cheapest(
    regression: Regression, price: float, *, most: int
) -> tuple[Regression, BoolArray]:
    """Remove neurons one by one, the cheapest first, as long as one costs at most `price`.

    Parameters
    ----------
    regression : Regression
        The layer above.
    price : float
        What a neuron may cost.
    most : int
        How many to remove at the most; at least one neuron is left in any case.

    Returns
    -------
    regression : Regression
        On the neurons that are left.
    kept : ndarray of bool, shape (n_units,)
        Which those are.
    """
    left = np.arange(len(regression.K) - 1)
    kept = np.ones(len(left), dtype=bool)
    for _ in range(min(most, len(left) - 1)):
        rises = regression.rises()
        cheapest = int(np.argmin(rises))
        if rises[cheapest] > price:
            break
        regression = regression.without(cheapest)
        kept[left[cheapest]] = False
        left = np.delete(left, cheapest)
    return regression, kept
