"""Images moved by a pixel: more training data for nothing.

Each batch is moved as a whole, by an offset drawn for it; what moves in from the border is 0.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroone.support.validation import check_integer


def check_image_shape(
    image_shape: Sequence[int] | None, shift: int, n_features: int
) -> tuple[int, ...]:
    """Return the shape of the images if they can be moved by `shift` pixels.

    Raises
    ------
    ValueError
        If there is no shape, it does not hold the features, or it has fewer than two axes.
    """
    check_integer("shift", shift, minimum=0)
    if image_shape is None or len(image_shape) < 2:
        raise ValueError(
            f"image_shape must be (height, width, ...) for shift={shift}, but is {image_shape}"
        )
    if math.prod(image_shape) != n_features:
        raise ValueError(f"image_shape must hold {n_features} features, but is {image_shape}")
    return tuple(image_shape)


def check_images(image_shape: Sequence[int] | None, n_features: int) -> tuple[int, int, int]:
    """Return the shape (height, width, channels) of images; without channels they have one.

    Raises
    ------
    ValueError
        If there is no shape, it has fewer than two or more than three axes, or does not hold the
        features.
    """
    if image_shape is None or len(image_shape) not in (2, 3):
        raise ValueError(
            "image_shape must be (height, width) or (height, width, channels) for a network, but "
            f"is {image_shape}"
        )
    height, width, channels = (check_integer("image_shape", n) for n in (*image_shape, 1)[:3])
    if height * width * channels != n_features:
        raise ValueError(f"image_shape must hold {n_features} features, but is {image_shape}")
    return height, width, channels


def moved(X: NDArray[Any], image_shape: Sequence[int], down: int, right: int) -> NDArray[Any]:
    """Return images moved down and to the right by some pixels (up and to the left if negative).

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
        Flattened images, rows of pixels first.
    image_shape : sequence of int
        (height, width) or (height, width, channels).
    down, right : int
        The offset, smaller than the image.

    Returns
    -------
    ndarray, shape (n_samples, n_features)
        A new array of X's type.
    """
    images = X.reshape(len(X), *image_shape)
    result = np.zeros_like(images)
    height, width = image_shape[:2]
    result[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return result.reshape(X.shape)
