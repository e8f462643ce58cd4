"""Seconds of a batch of convolutional target propagation against PyTorch, and against its products.

    python tests/benchmarks/convolution_speed.py

Three things are timed in one process, in turn, with the same threads, for a LeNet on images of
28 x 28 and the 4-layer convnet on 32 x 32 x 3, both normalised, with sign units, soft hinge, Adam,
float32 and batches of 100: FTPROP-MB; the same loop in PyTorch on the CPU (from the extra
``bench``; without it the script says so and leaves it out); and the matrix products of the batch
that cannot be avoided, into ready memory. Then the convnet is trained on so many images in bytes as
CIFAR-10 has, in a process of its own, for its peak memory.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _common import machine

from zeroone.estimators import FTPropClassifier
from zeroone.nets.architectures import architecture
from zeroone.nets.convolution import Convolution
from zeroone.nets.layers import Dense
from zeroone.nets.network import Network
from zeroone.support.tables import peak_memory
from zeroone.targetprop import TargetOptions
from zeroone.targetprop.solver import batch_steps, start_network

BATCH, CLASSES = 100, 10
SHAPES = {"lenet": (28, 28, 1), "convnet4": (32, 32, 3)}


def our_batch(name: str, X: np.ndarray, y: np.ndarray) -> tuple[Network, Callable[[], None]]:
    """Return a network, and a function that trains it on a batch."""
    rng = np.random.default_rng(0)
    network = architecture(name)(X.shape[1:], CLASSES, normalise=True, rng=rng)
    options = TargetOptions(batch_size=BATCH, decay="constant")
    state = start_network(network, options, rng)

    def batch() -> None:
        for _ in batch_steps(state, X, y, options, 2e-3, measure=False):
            pass

    return network, batch


def products(network: Network, count: int) -> Callable[[], None]:
    """Return a function that computes the products of a batch: three a layer, two for the first."""
    rng = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    jobs = []
    shapes = list(network.chain.shapes(network.input_shape))
    learning = [
        (layer, shape)
        for layer, shape in zip(network.layers, shapes[1:], strict=True)
        if isinstance(layer, Convolution | Dense)
    ]
    for number, (layer, shape) in enumerate(learning):
        W = layer.weights.reshape(len(layer.weights), -1)
        rows = count * int(np.prod(shape[:-1]))
        P, G = random(rows, W.shape[1]), random(rows, len(W))
        jobs.append((P, W.T, np.empty_like(G)))
        jobs.append((G.T, P, np.empty_like(W)))
        if number > 0:
            jobs.append((G, W, np.empty_like(P)))

    def batch() -> None:
        for left, right, out in jobs:
            np.matmul(left, right, out=out)

    return batch


def torch_batch(name: str, X: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], None] | None:
    """Return the same loop in PyTorch, or None if it is not installed."""
    try:
        import torch
        from _torch_nets import SoftHingeSign
        from torch import nn
    except ImportError:
        return None
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    class Units(nn.Module):
        def forward(self, z: Any) -> Any:
            return SoftHingeSign.apply(z)

    def pooled(channels: int, filters: int, padding: int) -> Iterator[Any]:
        yield nn.Conv2d(channels, filters, 5, padding=padding, bias=False)
        yield nn.MaxPool2d(2)
        yield nn.BatchNorm2d(filters)
        yield Units()

    def dense(features: int, units: int) -> Iterator[Any]:
        yield nn.Linear(features, units, bias=False)
        yield nn.BatchNorm1d(units)
        yield Units()

    layers = {
        "lenet": lambda: [
            *pooled(1, 6, 2),
            *pooled(6, 16, 0),
            nn.Flatten(),
            *dense(400, 120),
            *dense(120, 84),
            nn.Linear(84, CLASSES),
        ],
        "convnet4": lambda: [
            *pooled(3, 32, 2),
            *pooled(32, 64, 2),
            nn.Flatten(),
            *dense(4096, 1024),
            nn.Linear(1024, CLASSES),
        ],
    }
    net = nn.Sequential(*layers[name]())
    moves = torch.optim.Adam(net.parameters(), lr=2e-3)
    images = torch.from_numpy(X.transpose(0, 3, 1, 2).copy())
    classes = torch.from_numpy(y)

    def batch() -> None:
        loss = nn.functional.cross_entropy(net(images), classes)
        moves.zero_grad()
        loss.backward()
        moves.step()

    return batch


def time_network(name: str, threads: int, repeats: int) -> None:
    """Time all three in turn and print the seconds and their ratios."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((BATCH, *SHAPES[name]), dtype=np.float32)
    y = rng.integers(CLASSES, size=BATCH)
    network, ours = our_batch(name, X, y)
    functions = {"FTPROP-MB": ours, "products": products(network, BATCH)}
    rival = torch_batch(name, X, y, threads)
    if rival is not None:
        functions["PyTorch"] = rival
    times: dict[str, list[float]] = {each: [] for each in functions}
    for _ in range(repeats + 1):
        for each, function in functions.items():
            start = time.perf_counter()
            function()
            times[each].append(time.perf_counter() - start)
    seconds = {each: float(np.median(found[1:])) for each, found in times.items()}
    text = ", ".join(f"{each} {1000 * found:.1f} ms" for each, found in seconds.items())
    print(f"{name}: {text}")
    print(f"    {seconds['FTPROP-MB'] / seconds['products']:.2f} times the products", flush=True)
    if rival is not None:
        print(f"    {seconds['FTPROP-MB'] / seconds['PyTorch']:.2f} times PyTorch", flush=True)


def train_on_bytes() -> None:
    """Train the convnet on 50,000 images in bytes for some batches, and print the peak memory."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (50_000, 3072), dtype=np.uint8)
    y = rng.integers(CLASSES, size=len(X))
    classifier = FTPropClassifier(
        network="convnet4", image_shape=(32, 32, 3), normalise=True, batch_size=BATCH
    )
    for number, _ in enumerate(classifier.steps(X, y)):
        if number == 40:
            break
    print(f"convnet4, batches of {BATCH}, 50,000 images in bytes: {peak_memory():.0f} MB at most")


def main() -> None:
    """Print the ratios and the peak memory."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--repeats", type=int, default=30)
    arguments.add_argument("--memory", action="store_true", help="only measure the peak memory")
    options = arguments.parse_args()
    if options.memory:
        train_on_bytes()
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = int(os.environ.get("OMP_NUM_THREADS", cores or 1))
    print(f"{machine()}, {threads} threads", flush=True)
    for name in SHAPES:
        time_network(name, threads, options.repeats)
    subprocess.run([sys.executable, __file__, "--memory"], check=True)


if __name__ == "__main__":
    main()
