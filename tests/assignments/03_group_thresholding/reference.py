"""Thresholding by the package."""

import numpy as np

from zeroone import prox
from zeroone.bcd.blocks import Gram, correlate, keep_rows, ridge_weights

soft_threshold = prox.soft_threshold
hard_threshold = prox.hard_threshold


def sparse_rows(U, V, tau, gamma, lam):
    W, gram = np.zeros((U.shape[1], V.shape[1])), Gram(V)
    W = ridge_weights(W, correlate(U, V @ W.T, V), gram, tau=tau, gamma=gamma)
    return keep_rows(W, gram, tau=tau, gamma=gamma, lam=lam)


def group_hard_threshold(W, t, groups):
    return prox.GroupL20(groups).prox(W, t)
