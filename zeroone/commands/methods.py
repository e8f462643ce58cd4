"""The methods of training by name, and the options that each of them has."""

import argparse
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zeroone.bcd.initialise import INITIALISATIONS
from zeroone.bcd.options import ORDERS, SPLITTINGS
from zeroone.bcd.output import TARGETS
from zeroone.bcd.proximal import PROXIMAL_FORMS
from zeroone.commands.common import number_or_none, numbers
from zeroone.estimators import FORMS, BCDClassifier, FTPropClassifier
from zeroone.network import ACTIVATIONS
from zeroone.targetprop.losses import LOSSES, SURROGATES
from zeroone.targetprop.optimise import OPTIMISERS
from zeroone.targetprop.options import DECAYS
from zeroone.targetprop.output import OUTPUT_LOSSES
from zeroone.targetprop.targets import WEIGHTINGS

Classifier = BCDClassifier | FTPropClassifier


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
    """

    classifier: type[Classifier]
    title: str
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that can be chosen, with their defaults."""
        parameters = inspect.signature(self.classifier).parameters
        return {
            name: parameter.default
            for name, parameter in parameters.items()
            if name not in self.fixed
        }

    def make(self, seed: int, parameters: Mapping[str, Any]) -> Classifier:
        """Return an untrained classifier."""
        return self.classifier(**self.fixed, **parameters, random_state=seed)


METHODS = {
    "bcd": Method(BCDClassifier, "block coordinate descent"),
    "ftprop": Method(FTPropClassifier, "feasible target propagation"),
    "ste": Method(FTPropClassifier, "straight-through estimator", {"loss": "linear"}),
    "sste": Method(
        FTPropClassifier, "saturating straight-through estimator", {"loss": "saturated_hinge"}
    ),
}

# Options of block coordinate descent that one form has and the other has not.
OWN_OPTIONS = {
    "mini-batch": ("batch_size", "passes", "targets", "forgetting", "proximal", "proximity"),
    "full-batch": ("splitting", "pi", "groups", "order"),
}

_FLOATS, _INTEGERS = numbers(float), numbers(int)

# Name of the option, name of the parameter, what it is, and how it is read.
OPTIONS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "--hidden",
        "hidden",
        "sizes of the hidden layers",
        {"type": _INTEGERS, "metavar": "N[,N...]"},
    ),
    ("--epochs", "epochs", "passes over the data", {"type": int, "metavar": "N"}),
    ("--batch-size", "batch_size", "samples in a batch", {"type": int, "metavar": "N"}),
    ("--whitening", "whitening", "of the input", {"type": number_or_none, "metavar": "D|none"}),
    ("--shift", "shift", "move images by up to N pixels", {"type": int, "metavar": "N"}),
    ("--form", "form", "practical or reference form", {"choices": FORMS}),
    ("--tau", "tau", "price of a moved pre-activation", {"type": _FLOATS, "metavar": "T[,T...]"}),
    ("--tau-schedule", "tau_schedule", "factor on tau", {"type": _FLOATS, "metavar": "F[,F]"}),
    ("--margin", "margin", "half-width of the gap around 0", {"type": float, "metavar": "M"}),
    ("--remedy", "remedy", "for the open set u > 0", {"choices": ("margin", "tiny")}),
    ("--gamma", "gamma", "ridge", {"type": float, "metavar": "G"}),
    ("--l20", "lam", "price of a neuron", {"type": float, "metavar": "LAM"}),
    ("--init", "initialisation", "first weights", {"choices": INITIALISATIONS}),
    ("--passes", "passes", "over the neurons for a batch", {"type": int, "metavar": "N"}),
    ("--targets", "targets", "of the outputs", {"choices": TARGETS}),
    ("--forgetting", "forgetting", "rate of the averages", {"type": float, "metavar": "F"}),
    ("--proximal", "proximal", "how weights move", {"choices": PROXIMAL_FORMS}),
    ("--proximity", "proximity", "price of moving", {"type": _FLOATS, "metavar": "P[,P]"}),
    ("--splitting", "splitting", "full batch: the objective's form", {"choices": SPLITTINGS}),
    (
        "--pi",
        "pi",
        "full batch: price of a moved activation",
        {"type": _FLOATS, "metavar": "P[,P...]"},
    ),
    ("--groups", "groups", "full batch: what l2,0 counts", {"choices": ("rows", "columns")}),
    ("--order", "order", "full batch: of the blocks", {"choices": ORDERS}),
    ("--activation", "activation", "of the hidden units", {"choices": ACTIVATIONS}),
    ("--levels", "levels", "values of a staircase", {"type": int, "metavar": "K"}),
    ("--loss", "loss", "of the hidden units", {"choices": tuple(LOSSES)}),
    ("--surrogate", "surrogate", "mu in the margin t mu(z)", {"choices": tuple(SURROGATES)}),
    ("--weighting", "weighting", "of the targets", {"choices": WEIGHTINGS}),
    ("--output", "output", "loss of the output layer", {"choices": tuple(OUTPUT_LOSSES)}),
    ("--optimiser", "optimiser", "what moves the weights", {"choices": OPTIMISERS}),
    ("--learning-rate", "learning_rate", "size of a move", {"type": _FLOATS, "metavar": "R[,R]"}),
    ("--decay", "decay", "of the learning rate", {"choices": DECAYS}),
    ("--momentum", "momentum", "of the moves", {"type": float, "metavar": "M"}),
    ("--weight-decay", "weight_decay", "per move and rate", {"type": float, "metavar": "D"}),
    ("--normalise", "normalise", "batch normalisation", {"action": "store_true"}),
    ("--dropout", "dropout", "part of the inputs set to zero", {"type": float, "metavar": "P"}),
)


def shown_default(parameter: str) -> str:
    """Return the defaults of a parameter as the help shows them, by method where they differ."""
    found: dict[str, list[str]] = {}
    for name, method in METHODS.items():
        if parameter in method.defaults:
            default = method.defaults[parameter]
            text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
            found.setdefault(text, []).append(name)
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
        title = ", ".join(owners(parameter))
        if title not in groups:
            groups[title] = parser.add_argument_group(
                "all methods" if len(owners(parameter)) == len(METHODS) else title
            )
        groups[title].add_argument(
            flag,
            dest=parameter,
            default=argparse.SUPPRESS,
            help=f"{text} (default: {shown_default(parameter)})",
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
    if "form" in defaults:
        chosen = given.get("form", defaults["form"])
        for form, own in OWN_OPTIONS.items():
            for parameter in own:
                if (
                    form != chosen
                    and given.get(parameter, defaults[parameter]) != (defaults[parameter])
                ):
                    raise ValueError(f"{flags[parameter]} is an option of --form {form} only")
    return given
