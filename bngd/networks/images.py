"""What the networks are trained on: images with labels, checked once."""

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from bngd.networks.idx import DataError

CLASSES = 10


@dataclass(frozen=True, eq=False)  # two data sets are the same only if they are one: arrays do not compare
class Images:
    """Images with labels, for training and for testing.

    Attributes
    ----------
    name : str
        As in `bngd.networks.data.DATASETS`.
    x_train, x_test : ndarray of uint8, shape (n, height, width, channels)
        Pixels as stored; `peak` is the value of a fully lit one.
    y_train, y_test : ndarray of uint8, shape (n,)
        Labels, 0 to 9.
    peak : float
        The networks see pixels divided by it.
    origin : str
        What the data are and where they came from, in words that a page can show.
    offset : ndarray of float32, shape (height, width, channels), or None
        Subtracted from the scaled pixels, where the protocol centres them.
    """

    name: str
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.uint8]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.uint8]
    peak: float
    origin: str
    offset: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check that images and labels go together, and that the labels are in range."""
        for part, x, y in (("train", self.x_train, self.y_train), ("test", self.x_test, self.y_test)):
            if x.ndim != 4 or x.shape[1:] != self.shape:
                raise DataError(f"{self.name}: x_{part} has shape {x.shape}; give (n, height, width, channels)")
            if len(x) != len(y) or len(x) == 0:
                raise DataError(f"{self.name}: {len(x)} {part} images with {len(y)} labels; give one label an image")
            for what, array in ((f"x_{part}", x), (f"y_{part}", y)):
                if array.dtype != np.uint8:
                    raise DataError(f"{self.name}: {what} holds {array.dtype}; give bytes (uint8)")
            if y.max() >= CLASSES:
                raise DataError(f"{self.name}: a {part} label is {y.max()}; labels run from 0 to {CLASSES - 1}")
        if not (isfinite(self.peak) and self.peak > 0):
            raise DataError(f"{self.name}: peak is {self.peak!r}; give the value of a fully lit pixel")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image: height, width, channels."""
        return self.x_train.shape[1:]

    def first(self, images: int) -> "Images":
        """Return the data with the first training images alone; all of them, where there are no more."""
        return replace(self, x_train=self.x_train[:images], y_train=self.y_train[:images])

    def without_first(self, n: int) -> "Images":
        """Drop the first n training images, which TensorFlow's reader of MNIST kept for validation.

        Raises
        ------
        DataError
            If there are no more than n.
        """
        if n >= len(self.y_train):
            raise DataError(
                f"{self.name} has {len(self.y_train)} training images, and the protocol sets the first {n} aside; "
                "choose a larger data set"
            )
        return replace(self, x_train=self.x_train[n:], y_train=self.y_train[n:])

    def centred(self) -> "Images":
        """Subtract the mean training image, as the scripts' "normalised" CIFAR-10 does."""
        return replace(self, offset=self.x_train.mean(0, dtype=np.float64).astype(np.float32) / np.float32(self.peak))
