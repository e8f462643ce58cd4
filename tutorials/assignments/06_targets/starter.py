"""6. Hidden targets, and the straight-through estimator as one of them.

The handout says what to do.
"""

import numpy as np


def output_gradient(scores, classes):
    """Return the derivative of the mean cross-entropy by the scores.

        (softmax(scores) - one-hot) / n_samples

    Parameters
    ----------
    scores : float array, shape (n_samples, n_classes)
    classes : int array, shape (n_samples,)
        Numbers from 0 to n_classes - 1.

    Returns
    -------
    float array, shape (n_samples, n_classes)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def set_targets(e, weighting):
    """Return the targets of hidden units, and how much each of them matters.

        t = -sign(e),   t = 0 where e = 0
        weights |e|, or 1 / n_samples each

    Parameters
    ----------
    e : float array, shape (n_samples, n_units)
        Derivative of the loss above with respect to the units' outputs.
    weighting : {"magnitude", "equal"}

    Returns
    -------
    t : float array, shape (n_samples, n_units)
        -1, 0 or 1.
    weights : float array, shape (n_samples, n_units)
        With "equal", 1 / n_samples everywhere.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def layer_gradient(z, t, weights, loss):
    """Return the derivative by z of the layer loss, sum of weights * loss(t z).

        weights * t * loss'(t z)

    Parameters
    ----------
    z, t, weights : float arrays, shape (n_samples, n_units)
        Pre-activations; targets -1, 0 or 1; weights >= 0.
    loss : {"linear", "saturated_hinge", "soft_hinge", "hinge"}
        Of the margin m: -m, min(2, max(0, 1 - m)), 1 - tanh(m), max(0, 1 - m). At a kink, the slope
        is -1.

    Returns
    -------
    float array, shape (n_samples, n_units)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def straight_through(G, W, z, estimator):
    """Return what hidden sign units receive if backpropagation pretends that sign has a slope.

        e mu'(z),   e = derivative of the loss by the units' outputs

    Parameters
    ----------
    G : float array, shape (n_samples, n_out)
        Derivative of the loss by the pre-activations of the layer above.
    W : float array, shape (n_out, n_units)
        Weights of the layer above.
    z : float array, shape (n_samples, n_units)
        Pre-activations.
    estimator : {"identity", "saturating"}
        mu'(z) is 1, or 1 for -1 <= z <= 1 and 0 elsewhere.

    Returns
    -------
    float array, shape (n_samples, n_units)
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")


def update(X, classes, W1, b1, W2, b2, loss, weighting, rate):
    """Return the weights after one mini-batch update of a net with one hidden layer of sign units.

    Parameters
    ----------
    X : float array, shape (n_samples, n_in)
    classes : int array, shape (n_samples,)
    W1, b1 : float arrays, shapes (n_hidden, n_in), (n_hidden,)
    W2, b2 : float arrays, shapes (n_classes, n_hidden), (n_classes,)
    loss, weighting : str
        As above.
    rate : float > 0
        Every weight and bias moves by -rate times the derivative of its layer's loss.

    Returns
    -------
    W1, b1, W2, b2 : float arrays
        New arrays, of the shapes of the old ones.
    """
    # YOUR CODE HERE
    raise NotImplementedError("fill in")
