"""The data set that comes with the package: 1,797 real handwritten digits of 8 x 8."""

from importlib import resources

import numpy as np

from zeroone.datasets.dataset import Dataset
from zeroone.datasets.splits import fixed_split

IMAGE_SHAPE = (8, 8)


def load_digits() -> Dataset:
    """Load the embedded digits, with a fixed fifth of each class for testing.

    The test part of *Optical Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, 1998,
    UCI Machine Learning Repository), under CC BY 4.0: see ``LICENSE-digits.txt`` beside the file.
    A pixel counts the ink in a block of 4 x 4 points, from 0 to 16. The division is that of
    `fixed_split`. Its two sides share their 13 writers, so that the accuracy on people whose
    writing was never seen would be lower than the test accuracy.

    Returns
    -------
    Dataset
        1,438 training and 359 test images of 8 x 8 bytes in 10 classes.
    """
    file_name = resources.files("zeroone.datasets") / "data" / "digits.npz"
    with file_name.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"].astype(np.int64)
    images = images.reshape(len(images), -1)
    train, test = fixed_split(labels)
    return Dataset(
        name="digits",
        X_train=images[train],
        y_train=labels[train],
        X_test=images[test],
        y_test=labels[test],
        image_shape=IMAGE_SHAPE,
        class_names=tuple("0123456789"),
    )
