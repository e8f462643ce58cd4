"""Neural nets of 0/1 step units in plain NumPy, trained without a gradient; theory checked.

The public names below are imported when they are first asked for: ``import zeroone`` itself imports
nothing, and ``zeroone.BCDClassifier`` only what block coordinate descent needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:  # the table below, for type checkers and editors
    from zeroone import activations as activations
    from zeroone import bcd as bcd
    from zeroone import claims as claims
    from zeroone import datasets as datasets
    from zeroone import exact as exact
    from zeroone import gaussian as gaussian
    from zeroone import losses as losses
    from zeroone import nets as nets
    from zeroone import penalties as penalties
    from zeroone import player as player
    from zeroone import targetprop as targetprop
    from zeroone.activations import sign as sign
    from zeroone.activations import staircase as staircase
    from zeroone.activations import step as step
    from zeroone.claims import Claim as Claim
    from zeroone.claims import Verdict as Verdict
    from zeroone.claims import verify as verify
    from zeroone.datasets import Dataset as Dataset
    from zeroone.datasets import load_cifar10 as load_cifar10
    from zeroone.datasets import load_cifar100 as load_cifar100
    from zeroone.datasets import load_csv as load_csv
    from zeroone.datasets import load_digits as load_digits
    from zeroone.datasets import load_fashion_mnist as load_fashion_mnist
    from zeroone.datasets import load_mnist as load_mnist
    from zeroone.datasets import load_npz as load_npz
    from zeroone.estimators import BCDClassifier as BCDClassifier
    from zeroone.estimators import BCDRegressor as BCDRegressor
    from zeroone.estimators import FTPropClassifier as FTPropClassifier
    from zeroone.estimators import FTPropRegressor as FTPropRegressor
    from zeroone.estimators import FullBatchBCDClassifier as FullBatchBCDClassifier
    from zeroone.estimators import FullBatchBCDRegressor as FullBatchBCDRegressor
    from zeroone.gaussian import rvscgd as rvscgd
    from zeroone.gaussian.population import coarse_gradient as coarse_gradient
    from zeroone.gaussian.population import population_loss as population_loss
    from zeroone.gaussian.population import true_gradient as true_gradient
    from zeroone.nets.mlp import ZeroOneMLP as ZeroOneMLP
    from zeroone.nets.network import Network as Network
    from zeroone.nets.network import load as load
    from zeroone.penalties import L0 as L0
    from zeroone.penalties import L1 as L1
    from zeroone.penalties import MCP as MCP
    from zeroone.penalties import SCAD as SCAD
    from zeroone.penalties import GroupL20 as GroupL20
    from zeroone.penalties import Penalty as Penalty
    from zeroone.penalties import TransformedL1 as TransformedL1
    from zeroone.steps import Block as Block
    from zeroone.steps import History as History
    from zeroone.steps import Step as Step

# What is public: modules as a whole, and names of modules.
_MODULES = (
    "activations",
    "bcd",
    "claims",
    "datasets",
    "exact",
    "gaussian",
    "gaussian.rvscgd",
    "losses",
    "nets",
    "penalties",
    "player",
    "targetprop",
)
_NAMES = {
    "activations": ("sign", "staircase", "step"),
    "claims": ("Claim", "Verdict", "verify"),
    "datasets": (
        "Dataset",
        "load_cifar10",
        "load_cifar100",
        "load_csv",
        "load_digits",
        "load_fashion_mnist",
        "load_mnist",
        "load_npz",
    ),
    "estimators": (
        "BCDClassifier",
        "BCDRegressor",
        "FTPropClassifier",
        "FTPropRegressor",
        "FullBatchBCDClassifier",
        "FullBatchBCDRegressor",
    ),
    "gaussian.population": ("coarse_gradient", "population_loss", "true_gradient"),
    "nets.mlp": ("ZeroOneMLP",),
    "nets.network": ("Network", "load"),
    "penalties": ("L0", "L1", "MCP", "SCAD", "GroupL20", "Penalty", "TransformedL1"),
    "steps": ("Block", "History", "Step"),
}
_module_of = {name: module for module, names in _NAMES.items() for name in names}
_path_of = {path.rpartition(".")[2]: path for path in _MODULES}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for (PEP 562)."""
    if name in _path_of:
        value: Any = import_module(f"{__name__}.{_path_of[name]}")
    elif name in _module_of:
        value = getattr(import_module(f"{__name__}.{_module_of[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_module_of, *_path_of})
