"""``zeroone train``: train a net of step units, watch it, save it."""

import argparse
import inspect
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd.initialise import INITIALISATIONS
from zeroone.bcd.options import ORDERS, SPLITTINGS
from zeroone.bcd.output import TARGETS
from zeroone.bcd.proximal import PROXIMAL_FORMS
from zeroone.commands.common import (
    accuracy,
    add_data_options,
    check_picture,
    check_writable,
    load_data,
    number_or_none,
    numbers,
    progress,
)
from zeroone.datasets import Dataset, stratified_split
from zeroone.estimators import FORMS, BCDClassifier
from zeroone.network import ZeroOneMLP
from zeroone.report import format_memory, peak_memory, table
from zeroone.trace import History, Step
from zeroone.validation import check_integer, check_number

METHODS = {"bcd": BCDClassifier}

# Options that one form has and the other has not, by the estimator's names.
OWN_OPTIONS = {
    "mini-batch": ("batch_size", "passes", "targets", "forgetting", "proximal", "proximity"),
    "full-batch": ("splitting", "pi", "groups", "order"),
}

# Accuracy on the training data is measured on so many of them while training goes on.
WATCHED = 10_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "train", help="train a net of step units without a gradient", description=__doc__
    )
    add_data_options(parser)
    parser.add_argument("--method", choices=sorted(METHODS), default="bcd", help="(default: bcd)")
    parser.add_argument(
        "--validation",
        type=float,
        metavar="FRACTION",
        help="hold out this part of the training data and report on it instead of the test data",
    )
    parser.add_argument("--save", metavar="MODEL.npz", help="write the trained network")
    parser.add_argument("--history", metavar="FILE.csv", help="write objective and accuracy")
    parser.add_argument("--plot", metavar="FILE.png", help="draw objective and accuracy")
    parser.add_argument("--seed", type=int, default=0, help="(default: 0)")
    add_method_options(parser)
    parser.set_defaults(run=run)


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the method, with the estimator's own defaults."""
    group = parser.add_argument_group("method")
    defaults = inspect.signature(BCDClassifier).parameters

    def option(name: str, target: str, help_text: str, **settings: Any) -> None:
        default = defaults[target].default
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        group.add_argument(
            name, dest=target, default=default, help=f"{help_text} (default: {shown})", **settings
        )

    floats, integers = numbers(float), numbers(int)
    option("--hidden", "hidden", "sizes of the hidden layers", type=integers, metavar="N[,N...]")
    option("--form", "form", "practical or reference form", choices=FORMS)
    option("--epochs", "epochs", "passes over the data", type=int, metavar="N")
    option("--batch-size", "batch_size", "samples in a batch", type=int, metavar="N")
    option("--tau", "tau", "price of a moved pre-activation", type=floats, metavar="T[,T...]")
    option("--tau-schedule", "tau_schedule", "factor on tau", type=floats, metavar="F[,F]")
    option("--margin", "margin", "half-width of the gap around 0", type=float, metavar="M")
    option("--remedy", "remedy", "for the open set u > 0", choices=("margin", "tiny"))
    option("--gamma", "gamma", "ridge", type=float, metavar="G")
    option("--l20", "lam", "price of a neuron", type=float, metavar="LAM")
    option("--init", "initialisation", "first weights", choices=INITIALISATIONS)
    option("--whitening", "whitening", "of the input", type=number_or_none, metavar="D|none")
    option("--passes", "passes", "over the neurons for a batch", type=int, metavar="N")
    option("--targets", "targets", "of the outputs", choices=TARGETS)
    option("--forgetting", "forgetting", "rate of the averages", type=float, metavar="F")
    option("--proximal", "proximal", "how weights move", choices=PROXIMAL_FORMS)
    option("--proximity", "proximity", "price of moving", type=floats, metavar="P[,P]")
    option("--shift", "shift", "move images by up to N pixels", type=int, metavar="N")
    option("--splitting", "splitting", "full batch: the objective's form", choices=SPLITTINGS)
    option("--pi", "pi", "full batch: price of a moved activation", type=floats, metavar="P[,P...]")
    option("--groups", "groups", "full batch: what l2,0 counts", choices=("rows", "columns"))
    option("--order", "order", "full batch: of the blocks", choices=ORDERS)
    group.add_argument(
        "--dtype", choices=("float32", "float64"), default="float32", help="(default: float32)"
    )


def check_form(arguments: argparse.Namespace) -> None:
    """Refuse options of the form that is not used: they would do nothing.

    Raises
    ------
    ValueError
        If one differs from its default.
    """
    defaults = inspect.signature(BCDClassifier).parameters
    for form, names in OWN_OPTIONS.items():
        for name in names:
            if form != arguments.form and getattr(arguments, name) != defaults[name].default:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} is an option of --form {form} only")


@dataclass
class Watch:
    """What is measured while the network trains.

    Parameters
    ----------
    classifier : BCDClassifier
        In training.
    data : Dataset
        With the part held out in the place of the test part, if one is.
    judge : {"test", "validation"}
        What that part is called.
    """

    classifier: BCDClassifier
    data: Dataset
    judge: str = "test"
    history: History = field(default_factory=History)
    seconds: float = 0.0
    found: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = np.random.default_rng(0).permutation(len(self.data.X_train))[:WATCHED]
        self.watched = np.sort(order)

    def accuracies(self, network: ZeroOneMLP) -> dict[str, float]:
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
            sizes = network.compress().layer_sizes[1:-1]
            values |= self.found | {f"neurons_{i + 1}": size for i, size in enumerate(sizes)}
        self.history.record_step(step, **values)
        return self.found


def train(watch: Watch, X: NDArray[Any], y: NDArray[Any]) -> None:
    """Run the training with a progress bar, recording what happens."""
    classifier = watch.classifier
    steps = classifier.steps(X, y)
    with progress(classifier.epochs, "epoch") as bar:
        start = time.perf_counter()
        for step in steps:
            watch.seconds += time.perf_counter() - start
            if "position" in step.info:
                found = watch.record(step)
                bar.set_postfix({name.split("_")[0]: f"{v:.2%}" for name, v in found.items()})
                bar.update(int(step.info["epoch_ends"]))
            start = time.perf_counter()
        watch.seconds += time.perf_counter() - start


def summary(watch: Watch, network: ZeroOneMLP) -> str:
    """Return the final table."""
    data, last = watch.data, watch.history.rows[-1] if len(watch.history) else {}
    planned = watch.classifier.hidden
    sizes = (planned,) if isinstance(planned, int) else tuple(planned)
    kept = network.compress().layer_sizes[1:-1]
    terms = {name: last[name] for name in watch.history.terms if last.get(name) is not None}
    rows: list[tuple[str, str]] = [
        ("training accuracy", f"{accuracy(network, data.X_train, data.y_train):.2%}"),
        (f"{watch.judge} accuracy", f"{accuracy(network, data.X_test, data.y_test):.2%}"),
        *([("objective", f"{last['objective']:.6g}")] if last else []),
        *((f"objective: {name}", f"{value:.6g}") for name, value in terms.items()),
        # An interrupted training may not have come to the upper layers yet.
        *(
            (f"neurons kept, layer {i + 1}", f"{count} of {size}")
            for i, (count, size) in enumerate(zip(kept, sizes, strict=False))
        ),
        ("training time", f"{watch.seconds:.1f} s"),
        ("peak memory", format_memory(peak_memory())),
    ]
    return table(["", f"{data.name}, {network.layer_sizes}"], rows)


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


def write_results(arguments: argparse.Namespace, watch: Watch, network: ZeroOneMLP) -> None:
    """Write what --save, --history and --plot ask for, and say so."""
    if arguments.save:
        network.save(arguments.save)
        print(f"model written to {arguments.save}")
    if arguments.history:
        watch.history.to_csv(arguments.history)
        print(f"history written to {arguments.history}")
    if arguments.plot and len(watch.history):
        from zeroone import plots

        full = watch.classifier.form == "full-batch"
        title = f"{watch.data.name}, {'-'.join(map(str, network.layer_sizes))}"
        figure = plots.training_curve(watch.history, title=title, step="sweep" if full else "epoch")
        plots.save(figure, arguments.plot)
        print(f"picture written to {arguments.plot}")


def described(network: ZeroOneMLP, arguments: argparse.Namespace, data: Dataset) -> ZeroOneMLP:
    """Return the network with a note of how it came about, for the file."""
    parameters = {
        name: value
        for name, value in vars(arguments).items()
        if name not in ("run", "save", "history", "plot", "data_dir")
    }
    classes = range(network.layer_sizes[-1]) if network.classes is None else network.classes
    metadata = {
        "data": data.name,
        "image_shape": list(data.image_shape),
        "class_names": [data.class_names[label] for label in classes],
        "training": parameters,
    }
    return ZeroOneMLP(network.weights, network.biases, classes=network.classes, metadata=metadata)


def run(arguments: argparse.Namespace) -> int:
    """Train, print the final table, write files; 130 if interrupted."""
    if arguments.seed < 0:
        raise ValueError(f"seed must be >= 0, but is {arguments.seed}")
    check_integer("epochs", arguments.epochs)
    check_number("l20", arguments.lam)
    check_form(arguments)
    check_writable(arguments.save, arguments.history, arguments.plot, data=arguments.data)
    check_picture(arguments.plot)
    names = inspect.signature(METHODS[arguments.method]).parameters
    parameters = {name: getattr(arguments, name) for name in names if name in vars(arguments)}
    classifier = METHODS[arguments.method](**parameters, random_state=arguments.seed)
    data = load_data(arguments)
    classifier.set_params(image_shape=data.image_shape)
    if arguments.validation is not None:
        data = hold_out(data, arguments.validation, arguments.seed)
    watch = Watch(classifier, data, "test" if arguments.validation is None else "validation")
    interrupted = False
    try:
        train(watch, data.X_train, data.y_train)
        network = classifier.network_
    except KeyboardInterrupt:
        if not hasattr(classifier, "state_"):
            raise
        interrupted = True
        network = classifier.snapshot()
    print(summary(watch, network))
    write_results(arguments, watch, described(network, arguments, data))
    if interrupted:
        raise KeyboardInterrupt
    return 0
