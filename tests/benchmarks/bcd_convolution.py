"""Block coordinate descent with a convolutional layer on CIFAR-10: the table in the README.

    python tests/benchmarks/bcd_convolution.py --data-dir FOLDER --seeds 1 --only NAME,...

FOLDER holds the files of CIFAR-10. No gradient is taken anywhere. The rows are random patches as
filters, with an output layer in closed form; a hundred of them, learned for three epochs; and the
dense form at its best. Settings were chosen on a held-out tenth of the training part, as
``--validation`` measures. Seconds are of the training, loading and evaluation not; set
OMP_NUM_THREADS for the number of threads.
"""

from typing import Any

from _accuracy import main

from zeroone.estimators import BCDClassifier

FILTERS = {"kernel": 6, "regions": 2, "gamma": 0.01, "epochs": 0}
RUNS: dict[str, tuple[str, int | str, dict[str, Any]]] = {
    "patches-100": ("cifar10", "100 filters", {**FILTERS, "filters": 100}),
    "learned-100": ("cifar10", "100 filters", {**FILTERS, "filters": 100, "epochs": 3}),
    "patches-400": ("cifar10", "400 filters", {**FILTERS, "filters": 400}),
    "patches-1600": ("cifar10", "1600 filters", {**FILTERS, "filters": 1600}),
    "dense": ("cifar10", 1000, {"epochs": 12, "shift": 2}),
}


def make(hidden: int | str, **parameters: Any) -> BCDClassifier:
    """Return an untrained classifier."""
    sizes = {"hidden": hidden} if isinstance(hidden, int) else {}
    return BCDClassifier(**sizes, **parameters)


def describe(parameters: dict[str, Any]) -> str:
    """Return what the table says of a training."""
    if "kernel" not in parameters:
        return f"dense, {parameters['epochs']} epochs, moved by {parameters['shift']} pixels"
    size, epochs = parameters["kernel"], parameters["epochs"]
    learned = f"learned for {epochs} epochs" if epochs else "random patches"
    return f"{size} x {size}, {learned}, quadrants"


if __name__ == "__main__":
    main(__file__, __doc__, RUNS, make, describe)
