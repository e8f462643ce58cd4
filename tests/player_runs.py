"""Runs of every algorithm that the player knows, for its tests."""

import numpy as np

from zeroone.bcd.full_batch import Options, initial_state
from zeroone.bcd.full_batch import iterate as block_steps
from zeroone.datasets import load_digits
from zeroone.gaussian.descent import iterate as coarse_steps
from zeroone.gaussian.rvscgd import iterate as splitting_steps
from zeroone.targetprop.solver import iterate as target_steps


def plane(samples=40, seed=0, classes=2):
    """Return noisy classes in the plane, one-hot."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % classes
    turn = 2 * np.pi * labels / classes
    X = np.column_stack([np.cos(turn), np.sin(turn)]) + 0.7 * rng.standard_normal((samples, 2))
    return X, np.eye(classes)[labels]


def blocks(sweeps=6, hidden=(4,), seed=0, data=None, **options):
    """Return the steps of block coordinate descent, and the start that `page` takes."""
    X, Y = plane(seed=seed) if data is None else data
    chosen = Options(sweeps=sweeps, initialisation="data-scaled", **options)
    start = initial_state(X, Y, hidden, chosen, np.random.default_rng(seed))
    steps = block_steps(
        X, Y, hidden, rng=seed, sweeps=sweeps, initialisation="data-scaled", **options
    )
    return steps, start


def digits(samples=60, sweeps=3):
    """Return the same for digits, with their pixels."""
    data = load_digits()
    X = data.X_train[:samples].astype(float)
    scaled = (X - X.mean(axis=0)) / X.std()
    Y = np.eye(10)[data.y_train[:samples]]
    return *blocks(sweeps, (6,), data=(scaled, Y)), X


def splitting(n_iter=80, d=2, seed=0, **options):
    """Return the steps of RVSCGD."""
    w_star = np.eye(d)[0]
    w0 = np.random.default_rng(seed).standard_normal(d)
    if d == 2:
        w0 = np.array([np.cos(2.5), np.sin(2.5)])
    given = {"k": 20, "penalty": "l0", "lam": 0.05, "beta": 0.6, "eta": 0.02, **options}
    return splitting_steps(w0, w_star, n_iter=n_iter, **given)


def targets(epochs=4, hidden=(5, 4), samples=40, **options):
    """Return the steps of target propagation."""
    X, Y = plane(samples, classes=3)
    given = {"batch_size": 10, "learning_rate": 0.05, "measure": True, **options}
    return target_steps(X, Y.argmax(axis=1), hidden, rng=0, epochs=epochs, **given)


def coarse(n_iter=30, d=2, start=2.5):
    """Return the steps of descent along the coarse gradient."""
    w0, w_star = np.zeros(d), np.zeros(d)
    w_star[0] = 1
    w0[:2] = np.cos(start), np.sin(start)
    return coarse_steps(w0, w_star, k=20, eta=0.05, n_iter=n_iter)
