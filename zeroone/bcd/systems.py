"""Small symmetric systems, solved by the same BLAS as all matrix products.

SciPy brings a BLAS of its own beside NumPy's. Each keeps threads that wait for work by spinning,
and on few cores they take them from each other: with SciPy's Cholesky factors in the inner loop an
epoch took twice as long on two threads as on one. So the loops use NumPy's inverse. The updates are
corrections of what is there already, and its rounding error is one in the correction only.
"""

import numpy as np

from zeroone.validation import FloatArray


def inverse(H: FloatArray) -> FloatArray:
    """Return the inverse of a positive definite matrix, exactly symmetric.

    Parameters
    ----------
    H : ndarray, shape (n, n)
        In double precision.

    Returns
    -------
    ndarray, shape (n, n)
    """
    result = np.linalg.inv(H)
    return (result + result.T) / 2
