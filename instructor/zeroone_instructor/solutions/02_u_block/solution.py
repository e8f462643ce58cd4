"""The U block in plain NumPy."""

import numpy as np


def cost(U, A, V, tau, pi):
    coupling = tau / 2 * np.sum((U - A) ** 2)
    return coupling + pi / 2 * np.sum((V - (U > 0)) ** 2)


def nearest_on_side(A, S, margin):
    return np.where(S == 1, np.maximum(A, margin), np.minimum(A, -margin))


def choose(on, off, A, V, tau, pi):
    cost_on = tau / 2 * (on - A) ** 2 + pi / 2 * (V - 1) ** 2
    cost_off = tau / 2 * (off - A) ** 2 + pi / 2 * V**2
    return np.where(cost_on < cost_off, on, off)


def update_margin(A, V, tau, pi, margin):
    on, off = np.maximum(A, margin), np.minimum(A, -margin)
    return choose(on, off, A, V, tau, pi)


def update_tiny(A, V, tau, pi):
    on = np.maximum(A, np.finfo(float).smallest_normal)
    off = np.minimum(A, 0.0)
    return choose(on, off, A, V, tau, pi)


def update_neuron(a, s, R, w, tau):
    r0 = R + s[:, None] * w
    distance_on, distance_off = np.minimum(a, 0), np.maximum(a, 0)
    change = (w @ w) / 2 - r0 @ w + tau / 2 * (distance_on**2 - distance_off**2)
    bits = (change < 0).astype(float)
    return bits, r0 - bits[:, None] * w
