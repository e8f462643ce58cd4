"""Thresholding by the package."""

import numpy as np

from zeroone import penalties as prox
from zeroone.bcd.blocks import Gram, correlate, keep_rows, ridge_weights

soft_threshold = prox.soft_threshold
hard_threshold = prox.hard_threshold


def sparse_rows(U, V, tau, gamma, lam):
    W, b, gram = np.zeros((U.shape[1], V.shape[1])), np.zeros(U.shape[1]), Gram(V, bias=False)
    C, c = correlate(U, V @ W.T, V)
    W, b = ridge_weights(W, b, C, c, gram, tau=tau, gamma=gamma)
    return keep_rows(W, b, gram, tau=tau, gamma=gamma, lam=lam)[0]


def group_hard_threshold(W, t, groups):
    return prox.GroupL20(groups).prox(W, t)
