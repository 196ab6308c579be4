"""Images averaged over square blocks: the same pictures with fewer inputs, to ask what the number of inputs does."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bngd.networks.data import Images


def pooled(data: Images, block: int) -> Images:
    """Average the pixels of each square block and round to whole values, as pixels are.

    Parameters
    ----------
    data : Images
        Stored pixels of shape (n, height, width, channels).
    block : int
        Side of a block; Fashion-MNIST's 28 x 28 inputs become 14 x 14, 7 x 7 or 4 x 4 with 2, 4 or 7.

    Returns
    -------
    Images
        Of shape (n, height / block, width / block, channels); the same data for a block of 1.

    Raises
    ------
    ValueError
        If blocks of this side do not tile an image.
    """
    height, width, _ = data.shape
    if block < 1 or height % block or width % block:
        raise ValueError(f"blocks of {block} x {block} do not tile images of {height} x {width}; give a common divisor")
    if block == 1:
        return data
    return replace(
        data,
        x_train=_means(data.x_train, block),
        x_test=_means(data.x_test, block),
        origin=f"{data.origin}; averaged over blocks of {block} x {block} pixels",
    )


def _means(x: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    n, height, width, channels = x.shape
    blocks = x.reshape(n, height // block, block, width // block, block, channels)
    return np.rint(blocks.mean((2, 4), dtype=np.float32)).astype(np.uint8)
