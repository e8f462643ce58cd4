"""Seconds of a sweep or an epoch of block coordinate descent against its matrix products.

    python tests/benchmarks/bcd_speed.py --data-dir FOLDER

The products that cannot be avoided, of the same shapes and precision, are timed in the same
process, and the ratio is printed.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
from _common import fastest, machine, parser, standardised

from zeroone import bcd, datasets
from zeroone.steps import Step


def timed_epochs(steps: Iterator[Step]) -> float:
    """Return the least seconds of an epoch after the first."""
    seconds, start = [], time.perf_counter()
    for step in steps:
        if step.info.get("epoch_ends"):
            seconds.append(time.perf_counter() - start)
            start = time.perf_counter()
    return min(seconds[1:])


def total(products: dict[str, Callable[[], np.ndarray]], times: int = 1) -> float:
    """Time each product, print it, and return the sum, each taken `times` times."""
    seconds = {name: times * fastest(product) for name, product in products.items()}
    for name, each in seconds.items():
        print(f"    {name:36s} {each:7.3f} s")
    return sum(seconds.values())


def arrays(X: np.ndarray, Y: np.ndarray, units: int) -> tuple[np.ndarray, ...]:
    """Return V0, W1, U, V1 and W2 for one hidden layer."""
    rng = np.random.default_rng(0)
    W1 = rng.standard_normal((units, X.shape[1])).astype(X.dtype)
    U = X @ W1.T
    W2 = rng.standard_normal((Y.shape[1], units)).astype(X.dtype)
    return X, W1, U, (U > 0).astype(X.dtype), W2


def full_batch_products(X: np.ndarray, Y: np.ndarray, units: int, splitting: str) -> float:
    """Return the seconds of the matrix products of one sweep with one hidden layer."""
    V0, W1, U, V1, W2 = arrays(X, Y, units)
    inverse = np.eye(units, dtype=X.dtype)
    products = {
        "W1: residual' X": lambda: U.T @ V0,
        "W1: X W1'": lambda: V0 @ W1.T,
        "W2: V'V": lambda: V1.T @ V1,
        "W2: residual' V": lambda: Y.T @ V1,
        "W2: V W2'": lambda: V1 @ W2.T,
        "V or U: residual W2": lambda: Y @ W2,
        "V or U: V W2'": lambda: V1 @ W2.T,
    }
    if splitting == "three":
        products["V: right-hand side times inverse"] = lambda: U @ inverse
    return total(products)


def batch_products(X: np.ndarray, Y: np.ndarray, units: int) -> float:
    """Return the seconds of the matrix products of one epoch with one hidden layer."""
    options = bcd.BatchOptions()
    size = options.size(len(X))
    V0, W1, U, V1, W2 = arrays(X[:size], Y[:size], units)
    products = {
        "X W1'": lambda: V0 @ W1.T,
        "V'V": lambda: V1.T @ V1,
        "V'T": lambda: V1.T @ Y[:size],
        "V W2'": lambda: V1 @ W2.T,
        "U: residual W2": lambda: Y[:size] @ W2,
        "U: V W2'": lambda: V1 @ W2.T,
        "residual' X": lambda: U.T @ V0,
    }
    return total(products, len(X) // size)


def report(name: str, seconds: float, products: float) -> None:
    """Print one line."""
    print(
        f"{name:10s} {seconds:7.3f} s, products {products:7.3f} s, ratio {seconds / products:.2f}",
        flush=True,
    )


def main() -> None:
    """Print the seconds, those of the products, and the ratio, for each form."""
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--units", type=int, default=500)
    options = arguments.parse_args()
    X, Y = standardised(datasets.load(options.data, options.data_dir))
    n, d = X.shape
    print(f"{machine()}; {options.data}, {n} x {d}, {options.units} units, float32")
    steps = bcd.iterate_batches(X, 2 * Y - 1, options.units, rng=0, epochs=4)
    report("mini-batch", timed_epochs(steps), batch_products(X, Y, options.units))
    for splitting in ("two", "joint", "three"):
        steps = bcd.iterate(X, Y, options.units, rng=0, sweeps=4, splitting=splitting)
        products = full_batch_products(X, Y, options.units, splitting)
        report(splitting, timed_epochs(steps), products)


if __name__ == "__main__":
    main()
