"""Hidden targets in plain NumPy."""

import numpy as np


def output_gradient(scores, classes):
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), classes] -= 1
    return p / len(p)


def set_targets(e, weighting):
    weights = np.abs(e) if weighting == "magnitude" else np.full(e.shape, 1 / len(e))
    return -np.sign(e), weights


def slope(m, loss):
    if loss == "linear":
        return -np.ones_like(m)
    if loss == "saturated_hinge":
        return -(np.abs(m) <= 1).astype(float)
    if loss == "soft_hinge":
        return np.tanh(m) ** 2 - 1
    return -(m <= 1).astype(float)


def layer_gradient(z, t, weights, loss):
    return weights * t * slope(t * z, loss)


def straight_through(G, W, z, estimator):
    e = G @ W
    return e if estimator == "identity" else e * (np.abs(z) <= 1)


def update(X, classes, W1, b1, W2, b2, loss, weighting, rate):
    Z = X @ W1.T + b1
    H = np.where(Z > 0, 1.0, -1.0)
    G2 = output_gradient(H @ W2.T + b2, classes)
    t, weights = set_targets(G2 @ W2, weighting)
    G1 = layer_gradient(Z, t, weights, loss)
    W1, b1 = W1 - rate * G1.T @ X, b1 - rate * G1.sum(axis=0)
    W2, b2 = W2 - rate * G2.T @ H, b2 - rate * G2.sum(axis=0)
    return W1, b1, W2, b2
