"""The coarse gradient in plain NumPy."""

import numpy as np


def unit(w):
    return w / np.linalg.norm(w)


def angle(w, w_star):
    w = unit(w)
    return float(2 * np.arctan2(np.linalg.norm(w - w_star), np.linalg.norm(w + w_star)))


def true_gradient(w, w_star, k):
    direction = unit(w)
    across = w_star - (direction @ w_star) * direction
    return -k / (2 * np.pi * np.linalg.norm(w)) * unit(across)


def gradients(w, w_star, Z):
    fires = (Z @ w > 0).astype(float)
    error = fires.sum(axis=1) - (Z @ w_star > 0).sum(axis=1)
    passed = np.sum(fires[:, :, None] * Z, axis=1)
    return np.sqrt(2 / np.pi) * error[:, None] * passed


def sampled_gradient(w, w_star, Z):
    return gradients(w, w_star, Z).mean(axis=0)


def coarse_gradient(w, w_star, k):
    return k / (2 * np.pi) * (unit(w) - w_star)


def monte_carlo(w, w_star, k, n_samples, rng):
    Z = rng.standard_normal((n_samples, k, len(w)))
    g = gradients(w, w_star, Z)
    return g.mean(axis=0), g.std(axis=0, ddof=1) / np.sqrt(n_samples)
