"""Test accuracy and seconds of convolutional nets: the table in the README.

    python tests/benchmarks/convolution_accuracy.py --data-dir FOLDER --seeds 1 --only NAME,...

FOLDER holds the files of MNIST and of CIFAR-10 (in sub-folders). Each row is trained in a process
of its own for each seed, so that the peak memory is that of the one run. Accuracy is of the hard
network on the test part; settings were chosen on a held-out tenth of the training part, as
``--validation`` measures. Seconds are of the training, loading and evaluation not; set
OMP_NUM_THREADS for the number of threads.
"""

from typing import Any

import numpy as np
from _accuracy import main
from targetprop_accuracy import describe as describe_units

from zeroone.datasets import Dataset
from zeroone.estimators import FTPropClassifier

MNIST = {"batch_size": 100, "epochs": 20, "shift": 2, "normalise": True}
CIFAR = {"batch_size": 100, "epochs": 12, "shift": 3, "flip": True, "normalise": True}
STAIRCASE = {"activation": "staircase", "levels": 3}
RUNS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lenet": ("mnist", "lenet", {**MNIST, "epochs": 15, "learning_rate": 0.006, "width": 2.0}),
    "lenet-step": (
        "mnist",
        "lenet",
        {**MNIST, "activation": "step", "epochs": 12, "shift": 1, "width": 3.0},
    ),
    "convnet4": ("cifar10", "convnet4", CIFAR),
    "convnet4-sste": ("cifar10", "convnet4", {**CIFAR, "loss": "saturated_hinge"}),
    "convnet4-staircase": ("cifar10", "convnet4", {**CIFAR, **STAIRCASE}),
    "convnet8-staircase": (
        "cifar10",
        "convnet8",
        {**CIFAR, **STAIRCASE, "epochs": 20, "shift": 0, "crop": 40},
    ),
    # Far from what they can: a few epochs that show that they learn.
    "resnet18": ("cifar10", "resnet18", {**CIFAR, "epochs": 3, "width": 0.125}),
    "alexnet": ("cifar10", "alexnet", {**CIFAR, "epochs": 3, "width": 0.25, "shift": 6}),
}


def make(network: str, **parameters: Any) -> FTPropClassifier:
    """Return an untrained classifier."""
    return FTPropClassifier(network=network, **parameters)


def enlarged(name: str, data: Dataset) -> Dataset:
    """Return the data set, for AlexNet with every pixel four times: it takes 64 x 64 at least."""
    if name != "alexnet":
        return data

    def twice(X: np.ndarray) -> np.ndarray:
        images = X.reshape(-1, 32, 32, 3)
        return images.repeat(2, axis=1).repeat(2, axis=2).reshape(len(X), -1)

    return Dataset(
        f"{data.name}, 64 x 64",
        twice(data.X_train),
        data.y_train,
        twice(data.X_test),
        data.y_test,
        (64, 64, 3),
        data.class_names,
    )


def describe(parameters: dict[str, Any]) -> str:
    """Return what the table says of a training."""
    plain = {name: value for name, value in parameters.items() if name != "shift"}
    parts = [describe_units(plain)]
    if parameters.get("shift"):
        parts.append(f"moved by {parameters['shift']} pixels")
    if parameters.get("crop"):
        parts.append(f"in windows of {parameters['crop']} x {parameters['crop']}")
    parts += ["mirrored"] if parameters.get("flip") else []
    if parameters.get("width"):
        parts.append(f"width {parameters['width']}")
    return ", ".join(parts)


if __name__ == "__main__":
    main(__file__, __doc__, RUNS, make, describe, enlarged)
