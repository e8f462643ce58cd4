"""Data to train on: embedded digits, and what lies in the user's own files.

Nothing is downloaded and no pickle is opened.
"""

import os

from zeroone.datasets.cifar import CIFAR10, CIFAR100, load_cifar10, load_cifar100
from zeroone.datasets.dataset import Dataset
from zeroone.datasets.digits import load_digits
from zeroone.datasets.folders import Folder
from zeroone.datasets.idx import read_idx
from zeroone.datasets.mnist import FASHION_MNIST, MNIST, load_fashion_mnist, load_mnist
from zeroone.datasets.npz import load_npz
from zeroone.datasets.splits import fixed_split, stratified_split

__all__ = [
    "NAMES",
    "Dataset",
    "fixed_split",
    "load",
    "load_cifar10",
    "load_cifar100",
    "load_digits",
    "load_fashion_mnist",
    "load_mnist",
    "load_npz",
    "read_idx",
    "stratified_split",
]

_FROM_FOLDER = {
    "mnist": load_mnist,
    "fashion-mnist": load_fashion_mnist,
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
}
NAMES = ("digits", *_FROM_FOLDER)
# What the files of the named data sets are called, so that nothing else is written over them.
FILE_NAMES = frozenset(
    name
    for source in (MNIST, FASHION_MNIST, CIFAR10, CIFAR100)
    for names in source.files
    for name in names
)


def load(name_or_path: str | os.PathLike[str], folder: Folder | None = None) -> Dataset:
    """Load a data set by its name, or the user's own from a .npz file.

    Parameters
    ----------
    name_or_path : str or path-like
        "digits", "mnist", "fashion-mnist", "cifar10", "cifar100", or a path that ends in ``.npz``.
    folder : path-like, optional
        Where the files of a named data set are: the folder that holds them, or one with a
        subfolder that does. If None, the folder that the environment variable ZEROONE_DATA names.
        Neither "digits" nor a path needs it.

    Returns
    -------
    Dataset
        As the data set's own function (`load_digits`, `load_mnist`, ...) returns it.

    Raises
    ------
    ValueError
        If there is no such name, or as that function.
    """
    if name_or_path == "digits":
        return load_digits()
    if isinstance(name_or_path, str) and name_or_path in _FROM_FOLDER:
        return _FROM_FOLDER[name_or_path](folder)
    if isinstance(name_or_path, str | os.PathLike):
        path = os.fspath(name_or_path)
        if isinstance(path, str) and path.lower().endswith(".npz"):
            return load_npz(path)
    raise ValueError(
        f"name_or_path must be one of {', '.join(NAMES)}, or a path that ends in .npz, but is "
        f"{name_or_path!r}"
    )
