"""RVSCGD by the package."""

import numpy as np

from zeroone import penalties as prox
from zeroone.gaussian import population, theory
from zeroone.gaussian import rvscgd as algorithm


def update_u(w, lam, beta, penalty):
    return prox.get_penalty(penalty).prox(w, lam / beta)


def update_w(w, u, w_star, k, beta, eta):
    # The update of w alone: the step's gradient, and the filter of norm 1 in its direction.
    moved = w - eta * (population.coarse_gradient(w, w_star, k) + beta * (w - u))
    return moved / np.linalg.norm(moved)


def lagrangian(u, w, w_star, k, lam, beta, penalty):
    price = prox.get_penalty(penalty).value(u)
    loss = float(population.population_loss(w, w_star, k))
    return loss + lam * price + beta / 2 * float(np.sum((w - u) ** 2))


def rvscgd(w0, w_star, k, lam, beta, eta, n_iter, penalty):
    result = algorithm.run(
        w0, w_star, k=k, penalty=penalty, lam=lam, beta=beta, eta=eta, n_iter=n_iter
    )
    return result.u, result.w


def hypotheses(w0, w_star, k, lam, beta, eta, delta):
    found = theory.hypotheses(w0, w_star, k=k, lam=lam, beta=beta, eta=eta, delta=delta)
    return np.array([bool(hypothesis.holds) for hypothesis in found])
