"""Seconds of an epoch of target propagation against its matrix products, and against PyTorch.

    python tests/benchmarks/targetprop_speed.py --data-dir FOLDER

Three things are timed in one process, in turn, with the same threads: an epoch of FTPROP-MB (sign
units, soft hinge, float32), the matrix products of that epoch that cannot be avoided, and the same
training loop in PyTorch on the CPU (``pip install 'zeroone-nets[bench]'``; without it the script
says so and leaves it out). The first and the last with Adam, and with momentum: Adam passes ten
times over the weights, and takes a square root and a quotient of each.
"""

import os
from collections.abc import Callable

import numpy as np
from _common import fastest, machine, parser, standardised

from zeroone import datasets
from zeroone.targetprop import TargetOptions
from zeroone.targetprop.solver import start, train

CLASSES = 10
OPTIMISERS = ("adam", "momentum")
PRODUCTS = "matrix products"


def our_epoch(
    X: np.ndarray, y: np.ndarray, units: int, batch: int, optimiser: str
) -> Callable[[], None]:
    """Return a function that trains for one epoch."""
    options = TargetOptions(epochs=1, batch_size=batch, optimiser=optimiser, decay="constant")
    state = start(X.shape[1], CLASSES, (units,), options, np.random.default_rng(0), X.dtype)

    def epoch() -> None:
        for _ in train(X, y, state, options):
            pass

    return epoch


def products(X: np.ndarray, units: int, batch: int) -> Callable[[], None]:
    """Return a function that computes the five products of each batch, into ready memory."""
    rng = np.random.default_rng(0)
    features = X.shape[1]

    def random(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=X.dtype)

    V, W, G = X[:batch].copy(), random(units, features), random(batch, units)
    H, W2, D = random(batch, units), random(CLASSES, units), random(batch, CLASSES)
    Z, S, E = np.empty_like(H), np.empty_like(D), np.empty_like(H)
    dW, dW2 = np.empty_like(W), np.empty_like(W2)

    def epoch() -> None:
        for _ in range(len(X) // batch):
            np.matmul(V, W.T, out=Z)
            np.matmul(H, W2.T, out=S)
            np.matmul(D.T, H, out=dW2)
            np.matmul(D, W2, out=E)
            np.matmul(G.T, V, out=dW)

    return epoch


def torch_epoch(
    X: np.ndarray, y: np.ndarray, units: int, batch: int, optimiser: str, threads: int
) -> Callable[[], None] | None:
    """Return the same loop in PyTorch, or None if it is not installed."""
    try:
        import torch
        from _torch_nets import SoftHingeSign
    except ImportError:
        return None
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    hidden, top = torch.nn.Linear(X.shape[1], units), torch.nn.Linear(units, CLASSES)
    parameters = [*hidden.parameters(), *top.parameters()]
    moves = (
        torch.optim.Adam(parameters, lr=1e-3)
        if optimiser == "adam"
        else torch.optim.SGD(parameters, lr=1e-3, momentum=0.9)
    )
    inputs, classes = torch.from_numpy(X), torch.from_numpy(y)

    def epoch() -> None:
        for rows in torch.randperm(len(inputs)).split(batch):
            scores = top(SoftHingeSign.apply(hidden(inputs[rows])))
            loss = torch.nn.functional.cross_entropy(scores, classes[rows])
            moves.zero_grad()
            loss.backward()
            moves.step()

    return epoch


def main() -> None:
    """Print the table of seconds and ratios."""
    options = parser(__doc__ or "")
    options.add_argument("--units", type=int, default=500)
    options.add_argument("--batch", type=int, default=100)
    options.add_argument("--repeats", type=int, default=5)
    arguments = options.parse_args()
    data = datasets.load(arguments.data, arguments.data_dir)
    X, _ = standardised(data)
    y = np.unique(data.y_train, return_inverse=True)[1]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = int(os.environ.get("OMP_NUM_THREADS", cores or 1))
    size = (arguments.units, arguments.batch)
    timings = {PRODUCTS: products(X, *size)}
    for optimiser in OPTIMISERS:
        timings[f"FTPROP-MB, {optimiser}"] = our_epoch(X, y, *size, optimiser)
        rival = torch_epoch(X, y, *size, optimiser, threads)
        if rival is not None:
            timings[f"PyTorch, {optimiser}"] = rival
    print(f"{machine()}, {threads} threads")
    print(f"{data.name}, {X.shape[1]}-{arguments.units}-{CLASSES}, batches of {arguments.batch}")
    seconds = dict.fromkeys(timings, float("inf"))
    for _ in range(arguments.repeats):  # in turn, so that all see the same machine
        for name, function in timings.items():
            seconds[name] = min(seconds[name], fastest(function, 1))
    for name, each in seconds.items():
        print(f"    {name:24s} {each:7.3f} s {each / seconds[PRODUCTS]:7.2f} times the products")
    if rival is None:
        print("PyTorch is not installed (pip install 'zeroone-nets[bench]'): no comparison with it")
        return
    for optimiser in OPTIMISERS:
        ratio = seconds[f"FTPROP-MB, {optimiser}"] / seconds[f"PyTorch, {optimiser}"]
        print(f"with {optimiser}, {ratio:.2f} times the seconds of PyTorch")


if __name__ == "__main__":
    main()
