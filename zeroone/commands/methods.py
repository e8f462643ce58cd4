"""The methods of training by name, and the options that each of them has."""

import argparse
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from zeroone.bcd.full_batch import ORDERS, SPLITTINGS
from zeroone.bcd.initialise import INITIALISATIONS
from zeroone.bcd.proximal import PROXIMAL_FORMS
from zeroone.bcd.regression import TARGETS
from zeroone.commands.common import number_or_none, numbers, numbers_or_words
from zeroone.estimators import BCDClassifier, FTPropClassifier, FullBatchBCDClassifier
from zeroone.losses import LOSSES, OUTPUT_LOSSES, SURROGATES
from zeroone.nets.architectures import ARCHITECTURES
from zeroone.nets.units import ACTIVATIONS
from zeroone.targetprop.optimisers import OPTIMISERS
from zeroone.targetprop.options import DECAYS
from zeroone.targetprop.splitting import NAMES as PENALTIES
from zeroone.targetprop.splitting import SPLITTINGS as COUPLINGS
from zeroone.targetprop.splitting import THRESHOLDS
from zeroone.targetprop.targets import WEIGHTINGS

Classifier = BCDClassifier | FullBatchBCDClassifier | FTPropClassifier


@dataclass(frozen=True)
class Method:
    """One way to train a net.

    Parameters
    ----------
    classifier : type
        The estimator.
    title : str
        What it is, in a few words.
    fixed : mapping of str to object
        Parameters of the estimator that make it this method.
    forms : mapping of str to type
        The estimators that --form chooses from, `classifier` first.
    names : mapping of str to str
        Parameters of the estimator by the names that they have here, where these are others: for
        parameters that mean something else with another method.
    """

    classifier: type[Classifier]
    title: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    forms: Mapping[str, type[Classifier]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property  # every option of the command line asks for it
    def defaults(self) -> Mapping[str, Any]:
        """The parameters that can be chosen, of any form, with their defaults."""
        found: dict[str, Any] = {"form": next(iter(self.forms))} if self.forms else {}
        here = {name: other for other, name in self.names.items()}
        for classifier in self.forms.values() or [self.classifier]:
            for name, parameter in inspect.signature(classifier).parameters.items():
                if name not in self.fixed and name not in ESTIMATORS_ONLY:
                    found.setdefault(here.get(name, name), parameter.default)
        return found

    def forms_with(self, parameter: str) -> list[str]:
        """Return the names of the forms that have a parameter."""
        return [
            form
            for form, classifier in self.forms.items()
            if parameter in inspect.signature(classifier).parameters
        ]

    def make(self, seed: int, parameters: Mapping[str, Any]) -> Classifier:
        """Return an untrained classifier; the parameter ``form`` says of which form."""
        chosen = {self.names.get(name, name): value for name, value in parameters.items()}
        form = chosen.pop("form", None)
        classifier = self.classifier if form is None else self.forms[form]
        return classifier(**self.fixed, **chosen, random_state=seed)


# Parameters without an option of the same name; --resume gives the first network.
ESTIMATORS_ONLY = ("class_weight", "calibration", "warm_start", "initial_network")

FORMS = {"mini-batch": BCDClassifier, "full-batch": FullBatchBCDClassifier}

# --l20 of block coordinate descent is called lam as well.
NAMES = {"coupled_lam": "lam"}

METHODS = {
    "bcd": Method(BCDClassifier, "block coordinate descent", forms=FORMS),
    "ftprop": Method(FTPropClassifier, "feasible target propagation", names=NAMES),
    "ste": Method(FTPropClassifier, "straight-through estimator", {"loss": "linear"}, names=NAMES),
    "sste": Method(
        FTPropClassifier,
        "saturating straight-through estimator",
        {"loss": "saturated_hinge"},
        names=NAMES,
    ),
}


def _count(metavar: str = "N") -> dict[str, Any]:
    return {"type": int, "metavar": metavar}


def _number(metavar: str) -> dict[str, Any]:
    return {"type": float, "metavar": metavar}


def _numbers(metavar: str, kind: type[int] | type[float] = float) -> dict[str, Any]:
    return {"type": numbers(kind), "metavar": metavar}


def _one_of(choices: Iterable[str]) -> dict[str, Any]:
    return {"choices": tuple(choices)}


# Name of the option, name of the parameter, what it is, and how it is read.
OPTIONS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "--hidden",
        "hidden",
        "number of units, for each hidden layer from the input up",
        _numbers("N[,N...]", int),
    ),
    ("--epochs", "epochs", "passes over the data", _count()),
    (
        "--batch-size",
        "batch_size",
        "samples in a batch (default: of bcd a thirtieth of the data, from 200 to 2000; of the "
        "others a hundredth, from 10 to 100)",
        _count(),
    ),
    (
        "--whitening",
        "whitening",
        "shrink the directions of the input whose variance is above D times the mean, or none",
        {"type": number_or_none, "metavar": "D|none"},
    ),
    (
        "--standardise",
        "standardise",
        "divide each feature by its standard deviation first: where columns are in different units",
        {"action": "store_true"},
    ),
    (
        "--network",
        "network",
        f"instead of --hidden layers, an architecture for images: {', '.join(ARCHITECTURES)}; or "
        "MODULE:NAME for a function of your own",
        {"metavar": "NAME|MODULE:NAME"},
    ),
    ("--width", "width", "factor on the filters and units of --network", _number("F")),
    ("--flip", "flip", "with --network, mirror images at random", {"action": "store_true"}),
    ("--crop", "crop", "with --network, train on random windows of N x N pixels", _count()),
    ("--shift", "shift", "move each batch of images by up to N pixels at random", _count()),
    (
        "--kernel",
        "kernel",
        "instead of --hidden layers, one of filters of N x N pixels",
        _count(),
    ),
    ("--filters", "filters", "number of filters, with --kernel", _count()),
    (
        "--regions",
        "regions",
        "with --kernel, regions down and across over which a filter's bits are averaged",
        _count(),
    ),
    (
        "--form",
        "form",
        "mini-batch: the practical form; full-batch: the reference form, whose objective never "
        "rises",
        _one_of(FORMS),
    ),
    (
        "--tau",
        "tau",
        "price of a hidden unit's pre-activation that is not the one computed from below, one "
        "number or one a hidden layer",
        _numbers("T[,T...]"),
    ),
    (
        "--tau-schedule",
        "tau_schedule",
        "factor on tau: a number, or its first and last value with a geometric path between",
        _numbers("F[,F]"),
    ),
    (
        "--margin",
        "margin",
        "with --remedy margin, the pre-activations within M of the threshold 0 are not used",
        _number("M"),
    ),
    (
        "--remedy",
        "remedy",
        "how a unit fires although no u > 0 is the cheapest: it keeps a margin, or takes the "
        "smallest positive number",
        _one_of(("margin", "tiny")),
    ),
    ("--gamma", "gamma", "ridge: the price of the squared weights", _number("G")),
    ("--l20", "lam", "price of a neuron; those that are not worth it are removed", _number("LAM")),
    ("--init", "initialisation", "rule for the first weights", _one_of(INITIALISATIONS)),
    ("--passes", "passes", "passes over the neurons for each batch", _count()),
    (
        "--targets",
        "targets",
        "targets of the outputs; slack: an output that is right by more than 1 is left alone",
        _one_of(TARGETS),
    ),
    (
        "--forgetting",
        "forgetting",
        "rate at which the averages of the output layer forget earlier batches",
        _number("F"),
    ),
    (
        "--proximal",
        "proximal",
        "move the weights by a closed form for each sample, or for the batch as a whole",
        _one_of(PROXIMAL_FORMS),
    ),
    (
        "--proximity",
        "proximity",
        "price of moving the weights: a number >= 1, or its first and last value",
        _numbers("P[,P]"),
    ),
    (
        "--splitting",
        "splitting",
        "of bcd the form of the objective: two: activations are the steps of U; three: they are "
        "relaxed; joint: relaxed, each neuron's V and U together; of the others, with --sparsify, "
        "rvscgd, or admm with a multiplier",
        _one_of((*SPLITTINGS, *COUPLINGS)),
    ),
    (
        "--pi",
        "pi",
        "price of a relaxed activation that is not the step of U, one number or one a hidden layer",
        _numbers("P[,P...]"),
    ),
    (
        "--groups",
        "groups",
        "what --l20 counts: the rows of the weights, which are neurons, or their columns",
        _one_of(("rows", "columns")),
    ),
    ("--order", "order", "order of the blocks in a sweep", _one_of(ORDERS)),
    ("--activation", "activation", "what the hidden units compute", _one_of(ACTIVATIONS)),
    (
        "--levels",
        "levels",
        "number of values of a unit, with --activation staircase only",
        _count("K"),
    ),
    (
        "--loss",
        "loss",
        f"loss of the hidden units: {', '.join(LOSSES)}, or MODULE:NAME for a class of your own",
        {"metavar": "NAME|MODULE:NAME"},
    ),
    (
        "--surrogate",
        "surrogate",
        "the function mu in the margin t mu(z) of a unit with target t",
        _one_of(SURROGATES),
    ),
    (
        "--weighting",
        "weighting",
        "how much a target counts: by the magnitude of its derivative, or all equally",
        _one_of(WEIGHTINGS),
    ),
    ("--output", "output", "loss of the output layer", _one_of(OUTPUT_LOSSES)),
    ("--optimiser", "optimiser", "rule by which the weights move", _one_of(OPTIMISERS)),
    (
        "--learning-rate",
        "learning_rate",
        "size of a move: a number, or its first and last value with a geometric path between",
        _numbers("R[,R]"),
    ),
    (
        "--decay",
        "decay",
        "how the learning rate falls to 0 in training, if it does; steps: it is divided by 10",
        _one_of(DECAYS),
    ),
    (
        "--decay-at",
        "decay_at",
        "with --decay steps, the parts of the training after which the rate is divided by 10",
        _numbers("P[,P...]"),
    ),
    ("--momentum", "momentum", "part of a move that the next one keeps", _number("M")),
    (
        "--weight-decay",
        "weight_decay",
        "part of each weight that is lost in a move, times the learning rate",
        _number("D"),
    ),
    (
        "--normalise",
        "normalise",
        "normalise the hidden layers' pre-activations over each batch",
        {"action": "store_true"},
    ),
    ("--dropout", "dropout", "part of each layer's inputs that a batch sets to zero", _number("P")),
    (
        "--sparsify",
        "penalty",
        "with --network, train a sparse network u beside the one that learns, w, by a penalty: "
        f"{', '.join(PENALTIES)}; or MODULE:NAME for a class of your own",
        {"metavar": "NAME|MODULE:NAME"},
    ),
    (
        "--lam",
        "coupled_lam",
        "with --sparsify, price of the penalty: a number, or its first and last value with a "
        "geometric path between",
        _numbers("L[,L]"),
    ),
    (
        "--beta",
        "beta",
        "with --sparsify, stiffness of the coupling of w and u: a number, or its first and last "
        "value",
        _numbers("B[,B]"),
    ),
    (
        "--threshold",
        "threshold",
        "with --sparsify, whether the penalty sees weights as they are or relative to the root "
        "mean square of their layer",
        _one_of(THRESHOLDS),
    ),
    (
        "--sparse-layers",
        "sparse_layers",
        "with --sparsify, the layers that are made sparse: numbers, from 1 over the layers with "
        "weights, or kinds, such as dense",
        {"type": numbers_or_words, "metavar": "LAYER[,LAYER...]"},
    ),
    (
        "--refit-epochs",
        "refit_epochs",
        "with --sparsify, passes afterwards that train the weights of u that are left",
        _count(),
    ),
)


def shown_default(parameter: str) -> str:
    """Return the defaults of a parameter as the help shows them, by method where they differ."""
    found: dict[str, list[str]] = {}
    for name, method in METHODS.items():
        if parameter in method.defaults:
            default = method.defaults[parameter]
            text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
            found.setdefault(text.replace("None", "none"), []).append(name)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{'/'.join(names)}: {text}" for text, names in found.items())


def owners(parameter: str) -> list[str]:
    """Return the names of the methods that have a parameter."""
    return [name for name, method in METHODS.items() if parameter in method.defaults]


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of all methods; those that are not given leave no trace."""
    groups = {}
    for flag, parameter, text, settings in OPTIONS:
        forms = [form for name in owners(parameter) for form in METHODS[name].forms_with(parameter)]
        whose = "of bcd with" if len(owners(parameter)) > 1 else "with"
        notes = [f"{whose} --form {forms[0]} only"] if len(forms) == 1 else []
        if shown_default(parameter) not in ("none", "False"):
            notes.append(f"default: {shown_default(parameter)}")
        title = ", ".join(owners(parameter))
        if title not in groups:
            groups[title] = parser.add_argument_group(
                "all methods" if len(owners(parameter)) == len(METHODS) else title
            )
        groups[title].add_argument(
            flag,
            dest=parameter,
            default=argparse.SUPPRESS,
            help=f"{text} ({'; '.join(notes)})" if notes else text,
            **settings,
        )


def given_parameters(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    """Return the parameters that were given on the command line, for a method.

    Raises
    ------
    ValueError
        If one belongs to another method, or to the form of block coordinate descent that is not
        used: it would do nothing.
    """
    flags = {parameter: flag for flag, parameter, _, _ in OPTIONS}
    given = {name: value for name, value in vars(arguments).items() if name in flags}
    defaults = METHODS[name].defaults
    for parameter in given:
        if parameter not in defaults:
            raise ValueError(
                f"{flags[parameter]} is an option of --method {', '.join(owners(parameter))}, "
                f"not of {name}"
            )
        forms = METHODS[name].forms_with(parameter)
        if forms and given.get("form", defaults["form"]) not in forms:
            raise ValueError(f"{flags[parameter]} is an option of --form {forms[0]} only")
    return given
