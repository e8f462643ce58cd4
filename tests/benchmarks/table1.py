"""Sparse LeNets of step units on MNIST, by RVSCGD: the table in the README.

    python tests/benchmarks/table1.py --data-dir FOLDER                the best recipe, dense and u
    python tests/benchmarks/table1.py --data-dir FOLDER --published    the settings of the paper
    python tests/benchmarks/table1.py --data-dir FOLDER --curve        accuracy of u against zeros

FOLDER holds the files of MNIST (in a sub-folder ``mnist``). The paper is Dinh, Xin,
arXiv:1901.09731, section 6, Table 1 (docs/theory.md#d3). Each row is trained in a process of its
own for each seed. Accuracies are of hard networks on the test part: of w, of u = prox(w), and of u
after its refit, where there is one; settings were chosen on a held-out tenth of the training part,
as ``--validation`` measures. ``--epochs N`` shortens every training, and ``--set '{"width": 3}'``
changes parameters of the classifier in every row.
"""

import argparse
import csv
import json
import math
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from _common import machine, parser

from zeroone import datasets
from zeroone.commands.train import hold_out
from zeroone.estimators import FTPropClassifier
from zeroone.support.tables import peak_memory
from zeroone.targetprop.splitting import level

Parameters = dict[str, Any]

# The recipe: what is tuned, and the only place where it is written down.
RECIPE: Parameters = {
    "network": "lenet",
    "activation": "step",
    "width": 3.0,
    "normalise": True,
    "batch_size": 100,
    "epochs": 12,
    "shift": 1,
}
BETA = (1e-3, 1.0)
SPARSE: Parameters = {"threshold": "relative", "refit_epochs": 6}
THRESHOLD = 1.2

PUBLISHED: Parameters = {
    "network": "lenet",
    "activation": "step",
    "loss": "linear",
    "surrogate": "clipped_relu",
    "optimiser": "momentum",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "learning_rate": 1e-3,
    "decay": "steps",
    "decay_at": 0.6,
    "batch_size": 64,
    "epochs": 100,
}
PUBLISHED_THRESHOLD = 0.07

CURVE = (0.5, 1.0, 1.5)
SHORT: Parameters = {"width": 1.0, "epochs": 6, "refit_epochs": 2}


def sparse(penalty: str, threshold: float, splitting: str = "rvscgd") -> Parameters:
    """Return parameters for a penalty that takes weights up to a threshold to zero."""
    lam = [level(penalty, threshold) * beta for beta in BETA]
    return {"penalty": penalty, "lam": lam, "beta": BETA, "splitting": splitting}


def one(row: Parameters, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train once; return accuracies, zeros, seconds and peak memory in MB."""
    data = datasets.load("mnist", options.data_dir)
    if options.validation:
        data = hold_out(data, 0.1, 0)
    row = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    classifier = FTPropClassifier(
        **row, image_shape=data.image_shape, dtype="float32", random_state=seed
    )
    start = time.perf_counter()
    classifier.fit(data.X_train, data.y_train)
    found: dict[str, Any] = {"seconds": time.perf_counter() - start, "memory": peak_memory()}

    def accuracy(network: Any) -> float:
        return 100 * float(np.mean(network.predict(data.X_test) == data.y_test))

    if "penalty" not in row:
        return found | {"w": accuracy(classifier.network_)}
    found |= {"w": accuracy(classifier.dense_network_), "u": accuracy(classifier.sparse_network_)}
    if row.get("refit_epochs"):
        found["refit"] = accuracy(classifier.network_)
    return found | {
        "zeros": 100 * classifier.zeros_[-1].share,
        "layers": [100 * each.share for each in classifier.zeros_[:-1]],
        "zero_filters": classifier.zeros_[-1].zero_filters,
    }


def all_seeds(row: Parameters, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run one row for every seed, each in a fresh process."""
    results = []
    for seed in range(options.seeds):
        command = [sys.executable, __file__, "--one", json.dumps(row), str(seed)]
        command += ["--data-dir", options.data_dir] if options.data_dir else []
        command += ["--validation"] if options.validation else []
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        results.append(json.loads(output))
    return results


def listed(results: list[dict[str, Any]], name: str) -> str:
    """Return what was found for all seeds, and the median of more than one."""
    values = [result[name] for result in results if name in result]
    if not values:
        return ""
    texts = " / ".join(f"{value:.2f}" for value in values)
    return texts if len(values) == 1 else f"{texts}, median {statistics.median(values):.2f}"


def rows_of(options: argparse.Namespace) -> dict[str, Parameters]:
    """Return the rows of the table that is wanted, by name."""
    if options.published:
        split = sparse("l0", PUBLISHED_THRESHOLD)
        return {"dense": PUBLISHED, "RVSCGD l0": {**PUBLISHED, **split}}
    if not options.curve:
        return {
            "dense": RECIPE,
            f"RVSCGD l0, threshold {THRESHOLD}": {**RECIPE, **SPARSE, **sparse("l0", THRESHOLD)},
        }
    found = {}
    for penalty, splitting in (
        ("l0", "rvscgd"),
        ("l1", "rvscgd"),
        ("tl1", "rvscgd"),
        ("l0", "admm"),
    ):
        for threshold in options.thresholds or CURVE:
            name = f"{splitting.upper()} {penalty}, threshold {threshold:g}"
            found[name] = {**RECIPE, **SPARSE, **SHORT, **sparse(penalty, threshold, splitting)}
    return found


def changed(row: Parameters, options: argparse.Namespace) -> Parameters:
    """Return the parameters of a row with what the options change."""
    row = {**row, **json.loads(options.set)}
    if options.epochs is not None:
        row["epochs"] = options.epochs
    if not row.get("penalty"):
        row = {name: value for name, value in row.items() if name not in SPARSE}
    return row


def main() -> None:
    """Run every row for every seed, print a table and write a file if one is wanted."""
    arguments = parser((__doc__ or "").splitlines()[0])
    arguments.add_argument("--published", action="store_true", help="the settings of the paper")
    arguments.add_argument("--curve", action="store_true", help="accuracy of u against its zeros")
    arguments.add_argument("--thresholds", type=float, nargs="+", help="for --curve")
    arguments.add_argument("--only", help="part of the names of the rows that are run")
    arguments.add_argument("--epochs", type=int, help="passes over the data, instead of the row's")
    arguments.add_argument("--set", default="{}", metavar="JSON", help="parameters to change")
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--csv", help="file to write, a line for each run")
    arguments.add_argument(
        "--validation",
        action="store_true",
        help="judge by a held-out tenth of the training part, as for the choice of settings",
    )
    arguments.add_argument("--one", nargs=2, metavar=("ROW", "SEED"), help="one run, as JSON")
    options = arguments.parse_args()
    if options.one:
        row, seed = options.one
        print(json.dumps(one(json.loads(row), int(seed), options)))
        return
    print(machine(), flush=True)
    if options.published:
        print("published: dense 89.13 %; u with up to 83.76 % zeros, at a loss of 4.39 points")
    judge = "validation" if options.validation else "test"
    print(
        f"\n| training | epochs | zeros of u, % | by layer | {judge} accuracy of w | of u ", end=""
    )
    print("| of u, refitted | seconds | peak memory |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    lines = []
    for name, unchanged in rows_of(options).items():
        if options.only and options.only not in name:
            continue
        row = changed(unchanged, options)
        results = all_seeds(row, options)
        layers = [f"{share:.0f}" for share in results[0].get("layers", [])]
        kind = row.get("threshold", "absolute") if "penalty" in row else ""
        epochs = f"{row['epochs']}" + (
            f" + {row['refit_epochs']}" if row.get("refit_epochs") else ""
        )
        print(
            f"| {name}{f' ({kind})' if kind else ''} | {epochs} | {listed(results, 'zeros')} "
            f"| {' '.join(layers)} | {listed(results, 'w')} | {listed(results, 'u')} "
            f"| {listed(results, 'refit')} "
            f"| {statistics.median(result['seconds'] for result in results):.0f} "
            f"| {max(result['memory'] or math.nan for result in results):.0f} MB |",
            flush=True,
        )
        for seed, result in enumerate(results):
            names = ("zeros", "w", "u", "refit", "seconds")
            lines.append({"row": name, "seed": seed, **{key: result.get(key, "") for key in names}})
        if options.csv:  # after every row: the whole may take hours
            with open(options.csv, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, lines[0])
                writer.writeheader()
                writer.writerows(lines)


if __name__ == "__main__":
    main()
