"""Time the sampled coarse gradient against its two matrix products, in one process.

    python tests/benchmarks/coarse_gradient.py [--samples 100000] [--k 20] [--d 50] [--repeat 7]

The gradient cannot do without two products with the samples: preactivations of filter and teacher,
(m k, d) @ (d, 2), and the weighted sum of patches, (m k) @ (m k, d). They are the baseline, in the
form in which NumPy is fastest. Repetitions of both alternate, and the best of each counts, so
that what else runs on the machine disturbs both alike. The aim is a ratio of at most 2.0.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from _common import machine

from zeroone.gaussian.sampling import sample_inputs, sampled_coarse_gradient


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    """Measure, and print a line for each pseudo-derivative."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--d", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    Z = sample_inputs(rng, arguments.samples, arguments.k, arguments.d)
    w, w_star = rng.standard_normal((2, arguments.d))
    w_star /= np.linalg.norm(w_star)
    patches = Z.reshape(-1, arguments.d)
    both = np.ascontiguousarray(np.stack([w, w_star], axis=1))
    weights = rng.standard_normal(len(patches))

    calls: dict[str, Callable[[], object]] = {
        "product Z [w, w*]": lambda: patches @ both,
        "product weights Z": lambda: weights @ patches,
        "relu": lambda: sampled_coarse_gradient(w, w_star, Z, "relu"),
        "identity": lambda: sampled_coarse_gradient(w, w_star, Z, "identity"),
        "clipped_relu": lambda: sampled_coarse_gradient(w, w_star, Z, "clipped_relu"),
    }
    best = dict.fromkeys(calls, np.inf)
    for _ in range(arguments.repeat):
        for name, call in calls.items():
            best[name] = min(best[name], seconds(call))

    print(machine())
    products = best.pop("product Z [w, w*]"), best.pop("product weights Z")
    print(
        f"m = {arguments.samples}, k = {arguments.k}, d = {arguments.d}, best of {arguments.repeat}"
    )
    print(f"two matrix products  {sum(products):.4f} s  ({products[0]:.4f} + {products[1]:.4f})")
    for name, took in best.items():
        print(f"{name:20s} {took:.4f} s  ratio {took / sum(products):.2f}")


if __name__ == "__main__":
    main()
