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
from zeroone.datasets.tables import ENDINGS, load_csv

__all__ = [
    "NAMES",
    "Dataset",
    "fixed_split",
    "load",
    "load_cifar10",
    "load_cifar100",
    "load_csv",
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


def load(
    name_or_path: str | os.PathLike[str],
    folder: Folder | None = None,
    *,
    label: str | int | None = None,
    header: bool | None = None,
) -> Dataset:
    """Load a data set by its name, or the user's own from a .npz or a .csv file.

    Parameters
    ----------
    name_or_path : str or path-like
        "digits", "mnist", "fashion-mnist", "cifar10", "cifar100", or a path that ends in ``.npz``,
        ``.csv`` or ``.tsv``.
    folder : path-like, optional
        Where the files of a named data set are: the folder that holds them, or one with a
        subfolder that does. If None, the folder that the environment variable ZEROONE_DATA names.
        Neither "digits" nor a path needs it.
    label : str or int, optional
        Of a .csv or .tsv file, the column of the labels; see `load_csv`. Only there.
    header : bool, optional
        Of such a file, whether its first line names the columns; by default that is found out.

    Returns
    -------
    Dataset
        As the data set's own function (`load_digits`, `load_mnist`, ...) returns it.

    Raises
    ------
    ValueError
        If there is no such name, `label` is missing or given without need, or as that function.
    """
    is_path = isinstance(name_or_path, str | os.PathLike)
    if is_path and os.fspath(name_or_path).lower().endswith(ENDINGS):
        if label is None:
            raise ValueError(f"label must name the column of the labels of {name_or_path}")
        return load_csv(name_or_path, label, header=header)
    if label is not None or header is not None:
        raise ValueError(
            f"label and header must be given for a .csv or .tsv file only, not for {name_or_path}"
        )
    if name_or_path == "digits":
        return load_digits()
    if isinstance(name_or_path, str) and name_or_path in _FROM_FOLDER:
        return _FROM_FOLDER[name_or_path](folder)
    if is_path and os.fspath(name_or_path).lower().endswith(".npz"):
        return load_npz(name_or_path)
    raise ValueError(
        f"name_or_path must be one of {', '.join(NAMES)}, or a path that ends in .npz, .csv or "
        f".tsv, but is {name_or_path!r}"
    )
