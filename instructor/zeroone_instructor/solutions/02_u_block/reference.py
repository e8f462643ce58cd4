"""The U block by the package."""

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd.neurons import sweep_neurons
from zeroone.bcd.objective import Coefficients, State, activation_mismatch, fit_or_coupling


def cost(U, A, V, tau, pi):
    # A net with one hidden layer, of whose objective these are two terms.
    nothing = np.zeros((len(V), 1))
    state = State(nothing, [nothing, V], [U], [nothing] * 2, [nothing[0]] * 2, [A, nothing])
    coefficients = Coefficients((tau,), (pi,), (1.0, 1.0), (0.0, 0.0))
    return fit_or_coupling(state, coefficients, 0) + activation_mismatch(state, coefficients, 0)


def nearest_on_side(A, S, margin):
    return blocks.nearest_on_side(np.atleast_1d(A), np.atleast_1d(S == 1), margin)


def update_margin(A, V, tau, pi, margin):
    return blocks.update_preactivations(A, V, tau=tau, pi=pi, margin=margin)


def update_tiny(A, V, tau, pi):
    return blocks.update_preactivations(A, V, tau=tau, pi=pi, margin=0.0)


def update_neuron(a, s, R, w, tau):
    bits, residual = (s == 1)[:, None].copy(), R.copy()
    sweep_neurons(bits, a[:, None], residual, w[:, None], kappa=1.0, tau=tau, margin=0.0)
    return bits[:, 0].astype(float), residual
