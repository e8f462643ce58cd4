"""Go on training a saved model: what its file says of how it was trained, and its weights.

The options of the earlier training hold unless they are given again. The optimiser's memory, such
as momentum, is not in the file, and schedules begin anew.
"""

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.commands.common import matched
from zeroone.commands.methods import METHODS
from zeroone.datasets import Dataset
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import AnyNetwork, Network, load


@dataclass(frozen=True)
class Earlier:
    """An earlier training.

    Parameters
    ----------
    path : str
        The file of its model.
    network : ZeroOneMLP or Network
    training : dict of str to object
        What `zeroone train` noted in the file: its options, by name.
    """

    path: str
    network: AnyNetwork
    training: dict[str, Any]

    @classmethod
    def read(cls, path: str) -> "Earlier":
        """Read the model and its note.

        Raises
        ------
        ValueError
            If it is no model, or not one that `zeroone train` saved.
        """
        network = load(path)
        training = (network.metadata or {}).get("training")
        if not isinstance(training, dict) or training.get("method") not in METHODS:
            raise ValueError(
                f"resume must be a model that zeroone train saved, but {path} does not say how it "
                "was trained"
            )
        if training.get("kernel") is not None:
            raise ValueError(
                f"resume must not be a model with filters of --method bcd, such as {path}: these "
                "are fitted from patches, not from other filters"
            )
        return cls(path, network, training)

    def complete(self, arguments: argparse.Namespace) -> None:
        """Set the options that belong to all methods and were not given."""
        for name in ("method", "seed", "validation", "dtype"):
            if getattr(arguments, name) is None:
                setattr(arguments, name, self.training.get(name))
        if self.training["method"] == arguments.method and "form" in self.training:
            arguments.form = getattr(arguments, "form", self.training["form"])

    def parameters(self, arguments: argparse.Namespace) -> dict[str, Any]:
        """Return the parameters of the earlier training for that which the options ask for.

        Another method or form takes over the network alone, which is what it trains.
        """
        method, form = arguments.method, getattr(arguments, "form", None)
        defaults, found = METHODS[method].defaults, {}
        if (method, form) == (self.training["method"], self.training.get("form")):
            here = {name: option for option, name in METHODS[method].names.items()}
            for name, value in self.training.items():
                option = here.get(name, name)
                if option in defaults:
                    found[option] = tuple(value) if isinstance(value, list) else value
            for name in ("initial_network", "warm_start", "image_shape", "dtype"):
                found.pop(name, None)
        if isinstance(self.network, ZeroOneMLP):
            # Neurons may have been removed.
            found["hidden"] = self.network.hidden_sizes
            if "activation" in defaults:
                found |= {"activation": self.network.activation, "levels": self.network.levels}
        return found

    def numbered(self) -> AnyNetwork:
        """Return the network with outputs that are numbers only, as `matched` labels samples."""
        network = self.network
        if isinstance(network, Network):
            return Network(network.layers, network.input_shape)
        return ZeroOneMLP(
            network.weights,
            network.biases,
            activation=network.activation,
            levels=network.levels,
        )

    def matched(self, data: Dataset) -> Dataset:
        """Return the data with their labels as numbers of the outputs.

        Raises
        ------
        ValueError
            If the features or the classes are others, or a class has no sample to train on.
        """
        data = matched(self.network, data, self.path)
        lacking = np.setdiff1d(np.arange(len(data.class_names)), data.y_train)
        if lacking.size:
            raise ValueError(
                f"data must have samples of all classes of the model {self.path}, but {data.name} "
                f"has none of {data.class_names[lacking[0]]} to train on"
            )
        return data
