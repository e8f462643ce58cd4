"""Test accuracy and seconds of block coordinate descent: the table in the README.

    python tests/benchmarks/bcd_accuracy.py --data-dir FOLDER

FOLDER holds the files of MNIST and Fashion-MNIST (in sub-folders ``mnist`` and ``fashion-mnist``);
the digits come with the package. Each row is trained in a process of its own for each seed, so that
the peak memory is that of the one run. Accuracy is of the hard network on the test part; settings
were chosen on a held-out tenth of the training part. Seconds are of the training, the final fit
included, loading and evaluation not.
"""

from typing import Any

from _accuracy import main

from zeroone.estimators import BCDClassifier

# Data set, hidden units, further parameters.
SHIFTED = {"shift": 1, "whitening": None}
RUNS = {
    "digits-200": ("digits", 200, {"epochs": 30}),
    "mnist-500": ("mnist", 500, {"epochs": 12}),
    "mnist-500-shifted": ("mnist", 500, {"epochs": 20, **SHIFTED}),
    "mnist-1000": ("mnist", 1000, {"epochs": 12}),
    "mnist-1000-shifted": ("mnist", 1000, {"epochs": 20, **SHIFTED}),
    "fashion-1000": ("fashion-mnist", 1000, {"epochs": 12}),
    "mnist-500-500": ("mnist", (500, 500), {"epochs": 12}),
    "mnist-500-500-500": ("mnist", (500, 500, 500), {"epochs": 12}),
}


def describe(parameters: dict[str, Any]) -> str:
    """Return what the table says of a training."""
    moved = ", moved by a pixel" if parameters.get("shift") else ""
    return f"{parameters['epochs']} epochs{moved}"


if __name__ == "__main__":
    main(__file__, __doc__, RUNS, BCDClassifier, describe)
