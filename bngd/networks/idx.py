"""IDX files, the format of MNIST and Fashion-MNIST: read strictly, so that a damaged file is never trained on."""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTE = 0x08


class DataError(ValueError):
    """A data file that is missing, damaged or not what it says it is."""


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the unsigned bytes of a gzipped IDX file, in the shape that its header says.

    The format is a magic number (two zero bytes, the type, the number of dimensions), the sizes as big-endian 32-bit
    integers, then the entries.

    Parameters
    ----------
    path : Path
        A ``.gz`` file.
    dimensions : int
        3 for images, 1 for labels.

    Raises
    ------
    DataError
        If the file is not gzip or is cut short, if its magic number is another, or if its header promises another
        number of entries than there are.
    """
    raw = _decompress(path)
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    if raw[:4] != magic:
        raise DataError(f"{path}: starts with {raw[:4].hex()}, an IDX file of {dimensions}-d bytes with {magic.hex()}")
    start = 4 + 4 * dimensions
    if len(raw) < start:
        raise DataError(f"{path}: ends within its header, after {len(raw)} bytes; fetch it again")
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start], dtype=">u4"))
    if prod(shape) != len(raw) - start:
        raise DataError(f"{path}: the header says shape {shape}, but {len(raw) - start} bytes follow; fetch it again")
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)


def _decompress(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: truncated or not gzip ({error}); delete it and fetch it again") from error
