"""The table of test accuracies that the benchmark scripts print, a process for each run."""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from _common import machine, parser

from zeroone import datasets
from zeroone.commands.train import hold_out
from zeroone.datasets import Dataset
from zeroone.support.tables import peak_memory

# Data set, hidden units or a network, further parameters.
Run = tuple[str, int | tuple[int, ...] | str, dict[str, Any]]


def run(
    row: Run,
    seed: int,
    folder: str | None,
    make: Callable[..., Any],
    change: Callable[[Dataset], Dataset],
    validation: bool,
) -> dict[str, float]:
    """Train once; return accuracy, seconds and peak memory in MB."""
    data_name, hidden, parameters = row
    data = change(datasets.load(data_name, folder))
    if validation:
        data = hold_out(data, 0.1, 0)
    classifier = make(hidden, dtype="float32", random_state=seed, **parameters)
    classifier.set_params(image_shape=data.image_shape)
    start = time.perf_counter()
    classifier.fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - start
    memory = peak_memory() or float("nan")
    accuracy = classifier.score(data.X_test, data.y_test)
    return {"accuracy": accuracy, "seconds": seconds, "memory": memory}


def all_seeds(script: str, name: str, options: argparse.Namespace) -> list[dict[str, float]]:
    """Run one row for every seed, each in a fresh process."""
    results = []
    for seed in range(options.seeds):
        command = [sys.executable, script, "--one", name, str(seed)]
        if options.data_dir:
            command += ["--data-dir", options.data_dir]
        if options.validation:
            command += ["--validation"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        results.append(json.loads(output))
    return results


def main(
    script: str,
    doc: str | None,
    runs: Mapping[str, Run],
    make: Callable[..., Any],
    describe: Callable[[dict[str, Any]], str],
    change: Callable[[str, Dataset], Dataset] = lambda name, data: data,
) -> None:
    """Run every row for every seed and print the table.

    Parameters
    ----------
    script : str
        The file of the benchmark.
    doc : str
        Its docstring.
    runs : mapping of str to (data set, hidden units, further parameters)
    make : callable
        The classifier.
    describe : callable
        From a row's further parameters to what the table says of its training.
    change : callable, optional
        From the name of a row and its data set to the one that is used.
    """
    arguments = parser((doc or "").splitlines()[0])
    arguments.add_argument("--only", help="names of rows, with commas between them")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument(
        "--validation",
        action="store_true",
        help="judge by a held-out tenth of the training part, as for the choice of settings",
    )
    arguments.add_argument("--one", nargs=2, metavar=("ROW", "SEED"), help="one run, as JSON")
    options = arguments.parse_args()
    if options.one:
        name, seed = options.one
        changed = partial(change, name)
        found = run(runs[name], int(seed), options.data_dir, make, changed, options.validation)
        print(json.dumps(found))
        return
    print(machine(), flush=True)
    judge = "validation" if options.validation else "test"
    print(f"| data | hidden units | training | {judge} accuracy | median | seconds | peak memory |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name, (data, hidden, parameters) in runs.items():
        if options.only and name not in options.only.split(","):
            continue
        results = all_seeds(script, name, options)
        accuracies = [100 * result["accuracy"] for result in results]
        units = "-".join(map(str, hidden)) if isinstance(hidden, tuple) else hidden
        print(
            f"| {data} | {units} | {describe(parameters)} "
            f"| {' / '.join(f'{accuracy:.2f}' for accuracy in accuracies)} "
            f"| **{statistics.median(accuracies):.2f} %** "
            f"| {statistics.median(result['seconds'] for result in results):.0f} "
            f"| {max(result['memory'] for result in results):.0f} MB |",
            flush=True,
        )
