"""Counterexamples that the package proves to be what they should be, or finds."""

from fractions import Fraction
from math import lcm

import numpy as np

from zeroone.exact.separability import separate
from zeroone.gaussian import rvscgd, theory


def certified(points, targets):
    """Return an instance with the certificate of the package, as whole numbers."""
    found = separate(points.astype(float), targets)
    assert found.separable is False
    shares = [Fraction(share).limit_denominator(1000) for share in found.certificate]
    common = lcm(*(share.denominator for share in shares))
    return points, targets, np.array([int(share * common) for share in shares])


def inseparable(dimension):
    points = np.outer([0, 1, 3], np.arange(1, dimension + 1))
    return certified(points, np.array([-1, 1, -1]))


def inseparable_in_general_position(dimension):
    simplex = np.vstack(
        [np.zeros(dimension, dtype=int), np.diag(np.full(dimension, dimension + 2))]
    )
    points = np.vstack([simplex, np.full(dimension, 1)])
    return certified(points, np.append(np.full(dimension + 1, -1), 1))


def rising_angle():
    rng, k, c = np.random.default_rng(0), 12, 12 / (2 * np.pi)
    while True:
        # Two nearly equal entries, of which one goes; and any teacher.
        place = np.pi / 4 - rng.uniform(1e-4, 1e-2)
        w = np.array([np.cos(place), np.sin(place)])
        turn = place + rng.uniform(-1, 1)
        w_star = np.array([np.cos(turn), np.sin(turn)])
        beta = 2.045 * c * abs(np.sin(turn - place))
        eta = 0.9 / (beta + c)
        u = np.array([w[0], 0.0])
        if abs(turn - place) < 0.1 or theory.angle_descent_margin(u, w, w_star, k=k, beta=beta) > 0:
            continue
        lam = beta * (w @ w) / 4
        result = rvscgd.run(
            w, w_star, k=k, penalty="l0", lam=lam, beta=beta, eta=eta, n_iter=1, record_every=1
        )
        if result.angles[1] > result.angles[0] + 1e-4:
            return w, w_star, k, lam, float(beta), float(eta)


def worse_network():
    # Checked with the package's own block updates in the test of this assignment.
    X = np.array([[-1.0, -3.0, 0.0], [0.0, 2.0, -2.0], [-3.0, 1.0, 2.0], [-1.0, -2.0, 0.0]])
    X = np.vstack([X, [[2.0, 2.0, 3.0]]])
    y = np.array([-1, 1, 1, -1, -1])
    W1 = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, -2.0], [-2.0, 1.0, -2.0]])
    return X, y, W1, 0.125, 2.0, 1.0, 10
