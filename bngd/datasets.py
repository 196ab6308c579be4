"""Real data: five sets that scikit-learn ships, and the reader's own CSV."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
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


def read_csv(path: str | Path, target: str) -> Dataset:
    """Return a data set from a CSV file with a header: the target column, and every other column as a feature.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a table, has no such column or no feature beside it, or a column is not numeric.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no CSV file at {path}; give the path from the folder that the notebook runs in")
    try:
        table = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a CSV table with a header: {error}") from error
    if target not in table.columns:
        raise ValueError(f"{path} has no column {target!r}; its columns are {', '.join(map(repr, table.columns))}")
    if table.shape[1] < 2:
        raise ValueError(f"{path} holds only the target {target!r}; add at least one feature column")
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            words = table[column][pd.to_numeric(table[column], errors="coerce").isna() & table[column].notna()]
            example = words.iloc[0] if len(words) else "empty"
            raise ValueError(
                f"column {column!r} of {path} is not numeric (it holds {example!r}); encode it or leave it out"
            )
    features = table.drop(columns=target)
    return Dataset(features.to_numpy(float), table[target].to_numpy(float), list(map(str, features.columns)), target)
