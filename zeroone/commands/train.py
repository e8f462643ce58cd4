"""``zeroone train``: train a net of step units, watch it, save it."""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.commands.common import (
    accuracy,
    add_data_options,
    check_picture,
    check_writable,
    load_data,
    progress,
    warnings_in_lines,
)
from zeroone.commands.methods import METHODS, Classifier, add_method_options, given_parameters
from zeroone.commands.resume import Earlier
from zeroone.datasets import Dataset, stratified_split
from zeroone.estimators import FTPropClassifier, FullBatchBCDClassifier
from zeroone.nets.network import AnyNetwork, Network
from zeroone.plots.names import term_name
from zeroone.steps import History, Step
from zeroone.support.tables import format_memory, peak_memory, table
from zeroone.support.validation import check_integer, check_number
from zeroone.targetprop.splitting import zeros_by_layer

# Accuracy on the training data is measured on so many of them while training goes on.
WATCHED = 10_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser("train", help="train a net of step units", description=__doc__)
    add_data_options(parser)
    parser.add_argument(
        "--method",
        choices=tuple(METHODS),
        help="; ".join(f"{name}: {method.title}" for name, method in METHODS.items())
        + " (default: bcd)",
    )
    parser.add_argument(
        "--validation",
        type=float,
        metavar="FRACTION",
        help="report on this part of the training data, held out, instead of on the test data",
    )
    parser.add_argument("--save", metavar="MODEL.npz", help="write the trained network")
    parser.add_argument(
        "--history", metavar="FILE.csv", help="write objective and accuracy, a row for each step"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw objective and accuracy")
    parser.add_argument("--seed", type=int, metavar="N", help="of all random choices (default: 0)")
    parser.add_argument(
        "--resume",
        metavar="MODEL.npz",
        help="go on from a model that train --save wrote, with its options unless they are given "
        "again: for so many epochs more, on data of the same features and classes",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        help="precision of the computation (default: float32)",
    )
    add_method_options(parser)
    parser.set_defaults(run=run)


@dataclass
class Watch:
    """What is measured while the network trains.

    Parameters
    ----------
    classifier : BCDClassifier or FTPropClassifier
        In training.
    data : Dataset
        With the part held out in the place of the test part, if one is.
    judge : {"test", "validation"}
        What that part is called.
    """

    classifier: Classifier
    data: Dataset
    judge: str = "test"
    history: History = field(default_factory=History)
    seconds: float = 0.0
    found: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = np.random.default_rng(0).permutation(len(self.data.X_train))[:WATCHED]
        self.watched = np.sort(order)

    def accuracies(self, network: AnyNetwork) -> dict[str, float]:
        """Return the hard network's accuracy on (some of) the training data and on the others."""
        data, some = self.data, self.watched
        return {
            "train_accuracy": accuracy(network, data.X_train[some], data.y_train[some]),
            f"{self.judge}_accuracy": accuracy(network, data.X_test, data.y_test),
        }

    def record(self, step: Step) -> dict[str, float]:
        """Append a row for a step, at an epoch's end with accuracies, which are returned."""
        values: dict[str, float] = {"position": step.info["position"], "seconds": self.seconds}
        if step.info["epoch_ends"]:
            network = self.classifier.snapshot()
            self.found = self.accuracies(network)
            sizes = network.compress().hidden_sizes
            values |= self.found | {f"neurons_{i + 1}": size for i, size in enumerate(sizes)}
        self.history.record_step(step, **values)
        return self.found


def train(watch: Watch, X: NDArray[Any], y: NDArray[Any]) -> None:
    """Run the training with a progress bar, recording what happens."""
    classifier = watch.classifier
    steps = classifier.steps(X, y)
    epochs = classifier.epochs + getattr(classifier, "refit_epochs", 0)
    with progress(epochs, "epoch") as bar:
        start = time.perf_counter()
        for step in steps:
            watch.seconds += time.perf_counter() - start
            if "position" in step.info:
                found = watch.record(step)
                bar.set_postfix({name.split("_")[0]: f"{v:.2%}" for name, v in found.items()})
                bar.update(int(step.info["epoch_ends"]))
            start = time.perf_counter()
        watch.seconds += time.perf_counter() - start


def sizes_of(network: AnyNetwork) -> str:
    """Return the sizes of the input, of the hidden layers and of the output."""
    inputs = (
        "x".join(map(str, network.input_shape))
        if isinstance(network, Network)
        else network.n_inputs
    )
    return "-".join(map(str, (inputs, *network.hidden_sizes, network.n_outputs)))


def summary(watch: Watch, network: AnyNetwork) -> str:
    """Return the final table."""
    data, last = watch.data, watch.history.rows[-1] if len(watch.history) else {}
    planned = watch.classifier.hidden
    if isinstance(network, Network):
        sizes = network.hidden_sizes
    else:
        sizes = (planned,) if isinstance(planned, int) else tuple(planned)
    kept = network.compress().hidden_sizes
    terms = {name: last[name] for name in watch.history.terms if last.get(name) is not None}
    rows: list[tuple[str, str]] = [
        ("training accuracy", f"{accuracy(network, data.X_train, data.y_train):.2%}"),
        (f"{watch.judge} accuracy", f"{accuracy(network, data.X_test, data.y_test):.2%}"),
        *([("objective", f"{last['objective']:.6g}")] if last else []),
        *((f"objective: {term_name(name)}", f"{value:.6g}") for name, value in terms.items()),
        # An interrupted training may not have come to the upper layers yet.
        *(
            (f"neurons kept, layer {i + 1}", f"{count} of {size}")
            for i, (count, size) in enumerate(zip(kept, sizes, strict=False))
        ),
        ("training time", f"{watch.seconds:.1f} s"),
        ("peak memory", format_memory(peak_memory())),
    ]
    return table(["", f"{data.name}, {sizes_of(network)}"], rows)


def sparse_summary(watch: Watch, network: Network) -> str:
    """Return the accuracies of both networks, and the zeros of u by layer; empty without a u.

    Parameters
    ----------
    watch : Watch
    network : Network
        u.
    """
    classifier, data = watch.classifier, watch.data
    if not isinstance(classifier, FTPropClassifier) or classifier.penalty is None:
        return ""
    nets = {"w, which learned": classifier.dense_snapshot()}
    before = getattr(classifier, "sparse_network_", network)  # none if it was interrupted
    if before is not network:
        nets["u, before the refit"] = before
    refit = f", refitted for {classifier.refit_epochs} epochs" if before is not network else ""
    nets[f"u, the result{refit}"] = network
    accuracies = [
        (
            name,
            f"{zeros_by_layer(net.layers)[-1].share:.2%}",
            f"{accuracy(net, data.X_train, data.y_train):.2%}",
            f"{accuracy(net, data.X_test, data.y_test):.2%}",
        )
        for name, net in nets.items()
    ]
    header = ("network", "zeros", "training accuracy", f"{watch.judge} accuracy")
    columns = ("layer", "weights of", "entries", "zeros", "share", "filters or units", "all zero")
    by_layer = [(*row[:4], f"{row.share:.2%}", *row[5:]) for row in zeros_by_layer(network.layers)]
    title = f"zeros of u by layer ({classifier.threshold} threshold)"
    return "\n\n".join((table(header, accuracies), f"{title}\n{table(columns, by_layer)}"))


def hold_out(data: Dataset, fraction: float, seed: int) -> Dataset:
    """Return the data set with a stratified part of its training data as its test data."""
    check_number("validation", fraction, strict=True, maximum=0.9)
    kept, held = stratified_split(data.y_train, fraction, np.random.default_rng(seed))
    return Dataset(
        data.name,
        data.X_train[kept],
        data.y_train[kept],
        data.X_train[held],
        data.y_train[held],
        data.image_shape,
        data.class_names,
    )


def write_results(arguments: argparse.Namespace, watch: Watch, network: AnyNetwork) -> None:
    """Write what --save, --history and --plot ask for, and say so."""
    if arguments.save:
        network.save(arguments.save)
        print(f"model written to {arguments.save}")
    if arguments.history:
        watch.history.to_csv(arguments.history)
        print(f"history written to {arguments.history}")
    if arguments.plot and len(watch.history):
        from zeroone.plots import style, training

        full = isinstance(watch.classifier, FullBatchBCDClassifier)
        title = f"{watch.data.name}, {sizes_of(network)}"
        step = "sweep" if full else "epoch"
        figure = training.training_curve(watch.history, title=title, step=step)
        style.save(figure, arguments.plot)
        print(f"picture written to {arguments.plot}")


def described(
    network: AnyNetwork, arguments: argparse.Namespace, classifier: Classifier, data: Dataset
) -> AnyNetwork:
    """Return the network with a note of how it came about, for the file."""
    own = ("method", "data", "seed", "validation")
    parameters = {name: getattr(arguments, name) for name in own} | {
        name: value
        for name, value in classifier.get_params().items()
        if name not in ("image_shape", "random_state", "initial_network", "warm_start")
    }
    if arguments.resume is not None:
        parameters["resumed"] = Path(arguments.resume).name
    parameters["data"] = Path(arguments.data).name
    if METHODS[arguments.method].forms:
        parameters["form"] = getattr(arguments, "form", "mini-batch")
    classes = range(network.n_outputs) if network.classes is None else network.classes
    metadata = {
        "data": data.name,
        "image_shape": list(data.image_shape),
        "class_names": [data.class_names[label] for label in classes],
        "training": parameters,
    }
    return network.described(metadata)


def run(arguments: argparse.Namespace) -> int:
    """Train, print the final table, write files; 130 if interrupted."""
    earlier = None if arguments.resume is None else Earlier.read(arguments.resume)
    if earlier is not None:
        earlier.complete(arguments)
    for name, default in (("method", "bcd"), ("seed", 0), ("dtype", "float32")):
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)
    if arguments.seed < 0:
        raise ValueError(f"seed must be >= 0, but is {arguments.seed}")
    parameters = given_parameters(arguments, arguments.method)
    if earlier is not None:
        parameters = earlier.parameters(arguments) | parameters
        parameters["initial_network"] = earlier.numbered()
    if "epochs" in parameters:
        # Filters may stay the random patches that they are.
        check_integer("epochs", parameters["epochs"], minimum=0 if "kernel" in parameters else 1)
    if "lam" in parameters:
        check_number("l20", parameters["lam"])
    check_writable(arguments.save, arguments.history, arguments.plot, data=arguments.data)
    check_picture(arguments.plot)
    parameters["dtype"] = arguments.dtype
    classifier = METHODS[arguments.method].make(arguments.seed, parameters)
    data = load_data(arguments)
    if earlier is not None:
        data = earlier.matched(data)
    if "image_shape" in classifier.get_params():
        classifier.set_params(image_shape=data.image_shape)
    if arguments.validation is not None:
        data = hold_out(data, arguments.validation, arguments.seed)
    watch = Watch(classifier, data, "test" if arguments.validation is None else "validation")
    interrupted = False
    try:
        with warnings_in_lines():
            train(watch, data.X_train, data.y_train)
        network = classifier.network_
    except KeyboardInterrupt:
        if not hasattr(classifier, "state_"):
            raise
        interrupted = True
        network = classifier.snapshot()
    print(summary(watch, network))
    if isinstance(network, Network) and (both := sparse_summary(watch, network)):
        print(f"\n{both}\n")
    write_results(arguments, watch, described(network, arguments, classifier, data))
    if interrupted:
        raise KeyboardInterrupt
    return 0
