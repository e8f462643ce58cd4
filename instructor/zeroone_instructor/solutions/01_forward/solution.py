"""The forward pass in plain NumPy."""

import numpy as np


def step(z):
    return (z > 0).astype(float)


def staircase(z, levels):
    total = np.zeros(z.shape)
    for j in range(levels - 1):
        total += step(z - j / (levels - 1))
    return total / (levels - 1)


def preactivations(V, W, b):
    return V @ W.T + b


def scores(X, weights, biases):
    V = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        V = step(preactivations(V, W, b))
    return preactivations(V, weights[-1], biases[-1])


def predict(S):
    return np.argmax(S, axis=1)
