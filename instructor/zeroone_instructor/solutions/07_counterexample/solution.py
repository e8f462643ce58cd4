"""Counterexamples in plain NumPy."""

import numpy as np


def inseparable(dimension):
    points = np.zeros((3, dimension), dtype=int)
    points[:, 0] = [-1, 0, 1]
    return points, np.array([1, -1, 1]), np.array([1, 2, 1])


def inseparable_in_general_position(dimension):
    corners = (dimension + 1) * np.eye(dimension, dtype=int)
    inner = np.ones((1, dimension), dtype=int)
    points = np.vstack([np.zeros_like(inner), corners, inner])
    targets = np.append(np.ones(dimension + 1, dtype=int), -1)
    return points, targets, np.append(np.ones(dimension + 1, dtype=int), dimension + 1)


def rising_angle():
    place, theta, k = np.pi / 4 - 1e-4, 0.3, 20
    w = np.array([np.cos(place), np.sin(place)])
    w_star = np.array([np.cos(place + theta), np.sin(place + theta)])
    beta = 2.04 * k / (2 * np.pi) * np.sin(theta)
    # A threshold halfway between the two entries: only the first survives.
    lam = beta * 0.25
    return w, w_star, k, lam, beta, 0.5 / (beta + k / (2 * np.pi))


def worse_network():
    X = np.array([[-1.0, 0.0], [-2.0, 0.0], [-3.0, 3.0], [-3.0, 0.0]])
    y = np.array([1, 1, -1, 1])
    W1 = np.array([[0.0, 2.0], [-2.0, -1.0], [1.0, -1.0]])
    return X, y, W1, 0.03125, 0.0625, 1.0, 2
