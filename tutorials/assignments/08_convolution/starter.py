"""8. A convolution by hand, and a block without a gradient.

The handout says what to do.
"""

import numpy as np


def patches(V, kernel, stride, padding):
    """Return what a square window sees at each of its positions, one row a position.

    Parameters
    ----------
    V : float array, shape (n, height, width, channels)
        Images.
    kernel : int
        Height and width of the window, in pixels.
    stride : int
        Steps down and to the right from one position to the next.
    padding : int
        Rows and columns of zeros added on each of the four sides.

    Returns
    -------
    float array, shape (n * positions, kernel * kernel * channels)
        Image by image, positions row by row; in a row, pixels row by row, and the channels of a
        pixel together.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def patches_adjoint(R, height, width, channels, kernel, stride, padding):
    """Return the images in which each entry of the rows is added up where it came from.

        <patches(V), R> = <V, patches_adjoint(R)>   for all V and R

    Parameters
    ----------
    R : float array, shape (n * positions, kernel * kernel * channels)
    height, width, channels : int
        Of the images.
    kernel, stride, padding : int
        As above.

    Returns
    -------
    float array, shape (n, height, width, channels)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def convolution_gradient(V, W, G, stride, padding):
    """Return the derivatives of a loss by filters, biases and input of a convolution.

        A = patches(V) W^T + b,   G = derivative by A

    Parameters
    ----------
    V : float array, shape (n, height, width, channels)
    W : float array, shape (n_filters, kernel, kernel, channels)
    G : float array, shape (n, positions down, positions across, n_filters)
    stride, padding : int

    Returns
    -------
    dW, db, dV : float arrays, of the shapes of W, of (n_filters,), and of V
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def pooled_bits(prices, v, r0):
    """Return the bits of one filter in one region of one image that cost the least.

        cost(bits) = 1/2 |r0 - m v|^2 + sum of the prices of the bits that are on,  m of them

    Parameters
    ----------
    prices : float array, shape (n_positions,)
        What firing costs at each position, less what silence does.
    v : float array, shape (n_outputs,)
        What one more bit adds to the scores.
    r0 : float array, shape (n_outputs,)
        What the scores still lack, without any of these bits.

    Returns
    -------
    bool array, shape (n_positions,)
        Where several cost the same, any of them.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
