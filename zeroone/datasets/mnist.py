"""MNIST and Fashion-MNIST: 28 x 28 grey images in IDX files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zeroone.datasets.dataset import Dataset
from zeroone.datasets.folders import Folder, Source, find_files
from zeroone.datasets.idx import read_idx

IMAGES_MAGIC = 0x0803
LABELS_MAGIC = 0x0801
IMAGE_SHAPE = (28, 28)

DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_FILES = tuple(
    tuple(
        f"{part}-{kind}{separator}{axes}-ubyte{ending}"
        for ending in ("", ".gz")
        for separator in ("-", ".")
    )
    for part in ("train", "t10k")
    for kind, axes in (("images", "idx3"), ("labels", "idx1"))
)
_FOUR = "Download the four files *-ubyte.gz, packed or unpacked, from "
MNIST = Source(
    title="MNIST",
    subfolders=("mnist", "MNIST", "MNIST/raw"),
    files=_FILES,
    download=f"{_FOUR}http://yann.lecun.com/exdb/mnist/ (a copy is at "
    "https://ossci-datasets.s3.amazonaws.com/mnist/)",
    not_in=("fashion-mnist", "fashion_mnist", "fashionmnist"),
)
FASHION_MNIST = replace(
    MNIST,
    title="Fashion-MNIST",
    subfolders=("fashion-mnist", "fashion_mnist", "FashionMNIST", "FashionMNIST/raw"),
    download=f"{_FOUR}https://github.com/zalandoresearch/fashion-mnist",
    not_in=("mnist",),
)


def load_mnist(folder: Folder | None = None) -> Dataset:
    """Load MNIST, handwritten digits (LeCun, Bottou, Bengio, Haffner, 1998), from its IDX files.

    Parameters
    ----------
    folder : path-like, optional
        The folder with the files, gzipped or not, or one in which they lie in a folder ``mnist``.
        If None, the one that the environment variable ZEROONE_DATA names.

    Returns
    -------
    Dataset
        60,000 training and 10,000 test images of 28 x 28 bytes in 10 classes (as many images as
        the files hold: shortened files are fine).

    Raises
    ------
    ValueError
        If a file is missing, damaged, or not one of this data set.
    """
    return _load("mnist", MNIST, DIGIT_NAMES, folder)


def load_fashion_mnist(folder: Folder | None = None) -> Dataset:
    """Load Fashion-MNIST, images of clothes (Xiao, Rasul, Vollgraf, 2017), from its IDX files.

    Parameters
    ----------
    folder : path-like, optional
        The folder with the files, gzipped or not, or one in which they lie in a folder
        ``fashion-mnist``. If None, the one that the environment variable ZEROONE_DATA names.

    Returns
    -------
    Dataset
        60,000 training and 10,000 test images of 28 x 28 bytes in 10 classes (as many images as
        the files hold: shortened files are fine).

    Raises
    ------
    ValueError
        If a file is missing, damaged, or not one of this data set.
    """
    return _load("fashion-mnist", FASHION_MNIST, FASHION_NAMES, folder)


def _load(
    name: str, source: Source, class_names: tuple[str, ...], folder: Folder | None
) -> Dataset:
    train_images, train_labels, test_images, test_labels = find_files(source, folder)
    # The small files first: what is wrong with them shows before the large ones are read.
    y_train = _read_labels(train_labels, len(class_names))
    y_test = _read_labels(test_labels, len(class_names))
    return Dataset(
        name=name,
        X_train=_read_images(train_images, train_labels, len(y_train)),
        y_train=y_train,
        X_test=_read_images(test_images, test_labels, len(y_test)),
        y_test=y_test,
        image_shape=IMAGE_SHAPE,
        class_names=class_names,
    )


def _read_labels(path: Path, n_classes: int) -> NDArray[np.int64]:
    labels = read_idx(path, magic=LABELS_MAGIC)
    if labels.max() >= n_classes:
        place = int(np.argmax(labels >= n_classes))
        raise ValueError(
            f"{path}: label number {place} is {labels[place]}, expected 0 to {n_classes - 1}"
        )
    return labels.astype(np.int64)


def _read_images(path: Path, path_of_labels: Path, n_labels: int) -> NDArray[np.uint8]:
    images = read_idx(path, magic=IMAGES_MAGIC)
    if images.shape[1:] != IMAGE_SHAPE:
        raise ValueError(
            f"{path}: the images have shape {images.shape[1:]}, expected {IMAGE_SHAPE}"
        )
    if len(images) != n_labels:
        raise ValueError(
            f"{path} holds {len(images)} images, but {path_of_labels} holds {n_labels} labels: "
            "expected as many of one as of the other"
        )
    return images.reshape(len(images), -1)
