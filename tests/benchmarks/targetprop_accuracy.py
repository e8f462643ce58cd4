"""Test accuracy and seconds of target propagation: the table in the README.

    python tests/benchmarks/targetprop_accuracy.py --data-dir FOLDER

FOLDER holds the files of MNIST (in a sub-folder ``mnist``); the digits come with the package. Each
row is trained in a process of its own for each seed, so that the peak memory is that of the one
run. Accuracy is of the hard network on the test part; settings were chosen on a held-out tenth of
the training part. Seconds are of the training, loading and evaluation not.
"""

from typing import Any

from _accuracy import main

from zeroone.estimators import FTPropClassifier

TEN = {"epochs": 10}
RUNS = {
    "digits-200": ("digits", 200, {"epochs": 30}),
    "mnist-sign": ("mnist", 500, TEN),
    "mnist-step": ("mnist", 500, {**TEN, "activation": "step"}),
    "mnist-staircase": ("mnist", 500, {**TEN, "activation": "staircase", "levels": 3}),
    "mnist-ste": ("mnist", 500, {**TEN, "loss": "linear"}),
    "mnist-sste": ("mnist", 500, {**TEN, "loss": "saturated_hinge"}),
    "mnist-500-500": ("mnist", (500, 500), {**TEN, "normalise": True}),
    "mnist-recipe": (
        "mnist",
        (500, 500),
        {"epochs": 20, "normalise": True, "dropout": 0.1, "shift": 1},
    ),
}


def describe(parameters: dict[str, Any]) -> str:
    """Return what the table says of a training."""
    levels = parameters.get("levels")
    units = f"{levels}-level staircase" if levels else parameters.get("activation", "sign")
    parts = [f"{units} units", parameters.get("loss", "soft_hinge").replace("_", " ")]
    parts += ["batch normalisation"] if parameters.get("normalise") else []
    parts += [f"dropout {parameters['dropout']}"] if parameters.get("dropout") else []
    parts += ["moved by a pixel"] if parameters.get("shift") else []
    return f"{parameters['epochs']} epochs, {', '.join(parts)}"


if __name__ == "__main__":
    main(__file__, __doc__, RUNS, FTPropClassifier, describe)
