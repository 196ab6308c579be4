"""Real data: five sets that scikit-learn ships."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Dataset(NamedTuple):
    """Features X (n, p), target y (n,), the features' names, and what the target is."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    names: list[str]
    target: str


TARGETS = {
    "diabetes": "disease progression after one year",
    "iris": "species, as 0, 1, 2",
    "wine": "cultivar, as 0, 1, 2",
    "linnerud": "weight",
    "digits": "whether the digit is a 3",
}
"""The data sets of `load`, and the target of each."""


def load(name: str) -> Dataset:
    """Return one of the data sets of scikit-learn, from its files: nothing is downloaded.

    Raises
    ------
    ValueError
        If there is no data set of that name.
    """
    if name not in TARGETS:
        raise ValueError(f"data set {name!r} does not exist; use one of {', '.join(TARGETS)}")
    from sklearn import (
        datasets as sklearn_datasets,
    )  # takes as long to import as all the rest: only who loads data waits

    bunch = getattr(sklearn_datasets, f"load_{name}")()
    y = np.asarray(bunch.target, dtype=float)
    if name == "linnerud":
        y = y[:, list(bunch.target_names).index("Weight")]
    elif name == "digits":
        y = (y == 3).astype(float)
    return Dataset(np.asarray(bunch.data, dtype=float), y, [str(n) for n in bunch.feature_names], TARGETS[name])
