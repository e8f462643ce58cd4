"""Time runs of RVSCGD: one against the plain NumPy loop, and a batch of 1,000 against one by one.

    python tests/benchmarks/rvscgd.py [--k 20] [--d 50] [--runs 1000] [--n-iter 2000] [--repeat 7]

The plain loop is Algorithm 1 in five lines. It keeps no record of angles and Lagrangians, so the
single run that it is compared with records both ends only. "One after the other" is the time of one
call of `run` a run; the batch is one call with as many starts, with the same arguments otherwise,
once with one set of parameters for all runs and once with different lam, beta and eta in each.
That comparison is made twice: with records at both ends only, and with the records that `run` keeps
by default, about 100. All calls alternate, and the best time of each counts, so that what else runs
on the machine disturbs all alike. The aims are ratios of at least 1 and 50.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from _common import machine

from zeroone.gaussian import rvscgd

LAM, BETA, ETA = 1e-4, 4e-3, 1e-5


def soft(w: np.ndarray, t: float) -> np.ndarray:
    """Return the proximal map of l1."""
    return np.sign(w) * np.maximum(np.abs(w) - t, 0)


def hard(w: np.ndarray, t: float) -> np.ndarray:
    """Return the proximal map of l0."""
    return np.where(w * w > 2 * t, w, 0)


def transformed(w: np.ndarray, t: float, a: float = 1.0) -> np.ndarray:
    """Return the proximal map of transformed l1 as the papers print it."""
    tau = t * (a + 1) / a if t <= a * a / (2 * (a + 1)) else np.sqrt(2 * t * (a + 1)) - a / 2
    size = np.abs(w)
    phi = np.arccos(np.maximum(1 - 27 * t * a * (a + 1) / (2 * (a + size) ** 3), -1))
    u = 2 / 3 * (a + size) * np.cos(phi / 3) - 2 * a / 3 + size / 3
    return np.where(size > tau, np.sign(w) * u, 0)


PROX = {"l0": hard, "l1": soft, "tl1": transformed}


def plain_loop(
    w: np.ndarray, w_star: np.ndarray, k: int, prox: Callable, n_iter: int
) -> np.ndarray:
    """Run Algorithm 1 in five lines."""
    w = w / np.linalg.norm(w)
    for _ in range(n_iter):
        u = prox(w, LAM / BETA)
        gradient = k / (2 * np.pi) * (w - w_star)
        w = w - ETA * (gradient + BETA * (w - u))
        w = w / np.linalg.norm(w)
    return w


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    """Measure, and print a block of lines for each penalty."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--d", type=int, default=50)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--n-iter", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()

    k, d, runs, n_iter = arguments.k, arguments.d, arguments.runs, arguments.n_iter
    rng = np.random.default_rng(0)
    w_star = rng.standard_normal(d) * (np.arange(d) < max(1, d // 5))
    w_star /= np.linalg.norm(w_star)
    starts = rng.standard_normal((runs, d))
    one = {"lam": LAM, "beta": BETA, "eta": ETA}
    many = {name: value * rng.uniform(0.9, 1.1, runs) for name, value in one.items()}

    print(machine())
    print(f"k = {k}, d = {d}, {n_iter} iterations, best of {arguments.repeat}; microseconds")
    for penalty, prox in PROX.items():

        def run(
            w0: np.ndarray,
            parameters: dict,
            record_every: int | None = None,
            penalty: str = penalty,
        ) -> object:
            return rvscgd.run(
                w0,
                w_star,
                k=k,
                penalty=penalty,
                n_iter=n_iter,
                record_every=record_every,
                **parameters,
            )

        def plain(prox: Callable = prox) -> object:
            return plain_loop(starts[0], w_star, k, prox, n_iter)

        calls: dict[str, tuple[Callable[[], object], int]] = {
            "plain loop": (plain, 1),
            "one run, both ends": (lambda run=run: run(starts[0], one, n_iter), 1),
            "one run, 100 records": (lambda run=run: run(starts[0], one), 1),
            "batch, both ends": (lambda run=run: run(starts, one, n_iter), runs),
            "batch, 100 records": (lambda run=run: run(starts, one), runs),
            "varied, both ends": (lambda run=run: run(starts, many, n_iter), runs),
            "varied, 100 records": (lambda run=run: run(starts, many), runs),
        }
        best = dict.fromkeys(calls, np.inf)
        for _ in range(arguments.repeat):
            for name, (call, count) in calls.items():
                best[name] = min(best[name], seconds(call) / (count * n_iter))
        single = best["one run, both ends"]
        print(f"\n{penalty}")
        print(f"  plain loop            {1e6 * best['plain loop']:8.3f} an iteration")
        print(f"  one run, both ends    {1e6 * single:8.3f}  {best['plain loop'] / single:6.2f} x")
        for records in ("both ends", "100 records"):
            alone = best[f"one run, {records}"]
            if records == "100 records":
                print(f"  one run, {records}  {1e6 * alone:8.3f}")
            for kind in ("batch", "varied"):
                took = best[f"{kind}, {records}"]
                label = f"{kind}, {records}"
                print(f"  {label:20s}  {1e6 * took:8.3f}  {alone / took:6.1f} x a run alone")


if __name__ == "__main__":
    main()
