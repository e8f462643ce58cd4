"""A convolution and the pooled block by the package."""

import numpy as np

from zeroone.bcd import pooled
from zeroone.nets.convolution import Convolution, Window
from zeroone.nets.convolution import patches as rows_of_patches
from zeroone.nets.convolution import patches_adjoint as adjoint


def patches(V, kernel, stride, padding):
    return rows_of_patches(V, Window.of("kernel", kernel, stride, padding))


def patches_adjoint(R, height, width, channels, kernel, stride, padding):
    window = Window.of("kernel", kernel, stride, padding)
    return adjoint(R, window, (height, width, channels)).copy()


def convolution_gradient(V, W, G, stride, padding):
    layer = Convolution(W, np.zeros(len(W)), stride=stride, padding=padding)
    layer.forward(V)
    by_input = layer.backward(G)
    return *layer.gradients, by_input


def pooled_bits(prices, v, r0):
    return pooled.pooled_bits(prices[None], np.array([v @ r0]), float(v @ v))[0]
