"""The forward pass by the package."""

import numpy as np

from zeroone import activations
from zeroone.nets.mlp import ZeroOneMLP

step = activations.step
staircase = activations.staircase


def preactivations(V, W, b):
    return ZeroOneMLP([W], [b]).forward(V).output


def scores(X, weights, biases):
    return ZeroOneMLP(weights, biases).decision_function(X)


def predict(S):
    # A linear layer that passes its input on: what is left of the network is its choice.
    n_classes = S.shape[1]
    return ZeroOneMLP([np.eye(n_classes)], [np.zeros(n_classes)]).predict(S)
