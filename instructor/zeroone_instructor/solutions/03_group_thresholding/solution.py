"""Thresholding in plain NumPy."""

import numpy as np


def soft_threshold(x, t):
    return np.sign(x) * np.maximum(np.abs(x) - t, 0)


def hard_threshold(x, t):
    return np.where(x**2 > 2 * t, x, 0.0)


def group_hard_threshold(W, t, groups):
    axis = 1 if groups == "rows" else 0
    squares = np.sum(W**2, axis=axis, keepdims=True)
    return np.where(squares > 2 * t, W, 0.0)


def sparse_rows(U, V, tau, gamma, lam):
    H = tau * V.T @ V + gamma * np.eye(V.shape[1])
    R = tau * U.T @ V
    W = np.linalg.solve(H, R.T).T
    gain = np.sum(R * W, axis=1)
    return np.where(gain[:, None] > 2 * lam, W, 0.0)
