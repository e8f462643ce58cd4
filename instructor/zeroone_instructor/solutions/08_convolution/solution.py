"""A convolution and the pooled block in plain NumPy."""

import numpy as np


def places(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1


def patches(V, kernel, stride, padding):
    padded = np.pad(V, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    rows = []
    for image in padded:
        for i in range(places(V.shape[1], kernel, stride, padding)):
            for j in range(places(V.shape[2], kernel, stride, padding)):
                top, left = i * stride, j * stride
                rows.append(image[top : top + kernel, left : left + kernel].ravel())
    return np.array(rows)


def patches_adjoint(R, height, width, channels, kernel, stride, padding):
    down, across = (places(size, kernel, stride, padding) for size in (height, width))
    n = len(R) // (down * across)
    total = np.zeros((n, height + 2 * padding, width + 2 * padding, channels))
    rows = R.reshape(n, down, across, kernel, kernel, channels)
    for i in range(down):
        for j in range(across):
            top, left = i * stride, j * stride
            total[:, top : top + kernel, left : left + kernel] += rows[:, i, j]
    return total[:, padding : padding + height, padding : padding + width]


def convolution_gradient(V, W, G, stride, padding):
    kernel, matrix, rows = W.shape[1], W.reshape(len(W), -1), G.reshape(-1, len(W))
    dW = rows.T @ patches(V, kernel, stride, padding)
    dV = patches_adjoint(rows @ matrix, *V.shape[1:], kernel, stride, padding)
    return dW.reshape(W.shape), rows.sum(axis=0), dV


def pooled_bits(prices, v, r0):
    order = np.argsort(prices)
    counts = np.arange(1, len(prices) + 1)
    rise = prices[order] + (counts - 0.5) * (v @ v) - v @ r0
    bits = np.zeros(len(prices), dtype=bool)
    bits[order[: np.sum(rise < 0)]] = True
    return bits
