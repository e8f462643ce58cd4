"""Test accuracy and seconds of block coordinate descent: the table in the README.

    python tests/benchmarks/bcd_accuracy.py --data-dir FOLDER

FOLDER holds the files of MNIST and Fashion-MNIST (in sub-folders ``mnist`` and ``fashion-mnist``);
the digits come with the package. Each row is trained in a process of its own for each seed, so that
the peak memory is that of the one run. Accuracy is of the hard network on the test part; settings
were chosen on a held-out tenth of the training part. Seconds are of the training, the final fit
included, loading and evaluation not.
"""

import json
import statistics
import subprocess
import sys
import time

from _common import machine, parser

from zeroone import datasets
from zeroone.estimators import BCDClassifier
from zeroone.report import peak_memory

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


def run(name: str, seed: int, folder: str | None) -> dict[str, float]:
    """Train once; return accuracy, seconds and peak memory in MB."""
    data_name, hidden, parameters = RUNS[name]
    data = datasets.load(data_name, folder)
    classifier = BCDClassifier(hidden, dtype="float32", random_state=seed, **parameters)
    classifier.set_params(image_shape=data.image_shape)
    start = time.perf_counter()
    classifier.fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - start
    memory = peak_memory() or float("nan")
    accuracy = classifier.score(data.X_test, data.y_test)
    return {"accuracy": accuracy, "seconds": seconds, "memory": memory}


def main() -> None:
    """Run every row for every seed in a fresh process and print the table."""
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--only", help="names of rows, with commas between them")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--one", nargs=2, metavar=("ROW", "SEED"), help="one run, as JSON")
    options = arguments.parse_args()
    if options.one:
        print(json.dumps(run(options.one[0], int(options.one[1]), options.data_dir)))
        return
    print(machine(), flush=True)
    print("| data | hidden units | training | test accuracy | median | seconds | peak memory |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name, (data, hidden, parameters) in RUNS.items():
        if options.only and name not in options.only.split(","):
            continue
        results = []
        for seed in range(options.seeds):
            command = [sys.executable, __file__, "--one", name, str(seed)]
            if options.data_dir:
                command += ["--data-dir", options.data_dir]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            results.append(json.loads(output))
        accuracies = [100 * result["accuracy"] for result in results]
        units = "-".join(map(str, hidden)) if isinstance(hidden, tuple) else hidden
        print(
            f"| {data} | {units} | {parameters['epochs']} epochs"
            f"{', moved by a pixel' if parameters.get('shift') else ''} "
            f"| {' / '.join(f'{accuracy:.2f}' for accuracy in accuracies)} "
            f"| **{statistics.median(accuracies):.2f} %** "
            f"| {statistics.median(result['seconds'] for result in results):.0f} "
            f"| {max(result['memory'] for result in results):.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
