"""What the benchmark scripts share: the data, the clock, and a line about the machine."""

import argparse
import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from zeroone import datasets


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--data", default="mnist", help="data set (default: mnist)")
    result.add_argument("--data-dir", help="folder of the files (default: $ZEROONE_DATA)")
    return result


def machine() -> str:
    """Return one line about where this runs."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )


def standardised(data: datasets.Dataset, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Return the training inputs, centred and scaled, and one-hot targets."""
    X = data.X_train.astype(dtype)
    X -= X.mean(axis=0)
    X /= X.std()
    labels = np.unique(data.y_train, return_inverse=True)[1]
    return X, np.eye(labels.max() + 1, dtype=dtype)[labels]


def fastest(function: Callable[[], Any], repeats: int = 3) -> float:
    """Return the least of some timings of a function, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
