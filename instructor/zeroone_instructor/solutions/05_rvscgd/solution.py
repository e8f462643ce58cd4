"""RVSCGD in plain NumPy."""

import numpy as np


def angle(w, w_star):
    return 2 * np.arctan2(np.linalg.norm(w - w_star), np.linalg.norm(w + w_star))


def update_u(w, lam, beta, penalty):
    t = lam / beta
    if penalty == "l1":
        return np.sign(w) * np.maximum(np.abs(w) - t, 0)
    return np.where(np.abs(w) > np.sqrt(2 * t), w, 0.0)


def update_w(w, u, w_star, k, beta, eta):
    gradient = k / (2 * np.pi) * (w - w_star)
    moved = w - eta * (gradient + beta * (w - u))
    return moved / np.linalg.norm(moved)


def lagrangian(u, w, w_star, k, lam, beta, penalty):
    price = np.sum(np.abs(u)) if penalty == "l1" else np.count_nonzero(u)
    loss = k / (2 * np.pi) * angle(w, w_star)
    return loss + lam * price + beta / 2 * np.sum((w - u) ** 2)


def rvscgd(w0, w_star, k, lam, beta, eta, n_iter, penalty):
    w = w0 / np.linalg.norm(w0)
    for _ in range(n_iter):
        u = update_u(w, lam, beta, penalty)
        w = update_w(w, u, w_star, k, beta, eta)
    return u, w


def hypotheses(w0, w_star, k, lam, beta, eta, delta):
    c, d = k / (2 * np.pi), len(w_star)
    start = angle(w0 / np.linalg.norm(w0), w_star) <= np.pi - delta
    coupling = beta <= c * np.sin(delta)
    price = lam < c / np.sqrt(d)
    step_size = eta <= min(1 / (beta + c), 1 / c)
    return np.array([start, coupling, price, step_size])
