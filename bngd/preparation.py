"""Preparing raw data for regression: checks, centring, scaling, and a report of what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # not its linalg by name: that loads when it is used, which is seldom
from numpy.typing import ArrayLike, NDArray

SPREAD_TOLERANCE = 1e-10
"""A column whose standard deviation is below this fraction of its largest entry is constant, up to rounding."""

RANK_TOLERANCE = 1e-7
"""A direction in which the data vary less than this fraction of the most is none: its eigenvalue would be 1e-14 l_d."""

NAMES_SHOWN = 8


@dataclass(frozen=True)
class Preparation:
    """What was done to the raw data.

    Attributes
    ----------
    n_samples, n_features : int
        Size of the data as given.
    constant : tuple of str
        Columns without spread; they were left out.
    collinear : tuple of str
        Columns that are linear combinations of the others; the direction in which the data do not vary was left out,
        which changes neither the predictions nor the dynamics in the directions that remain.
    rank : int
        Dimension of the problem that remains.
    """

    n_samples: int
    n_features: int
    constant: tuple[str, ...]
    collinear: tuple[str, ...]
    rank: int

    def __str__(self) -> str:
        """Return the report in a sentence or three."""
        lines = [f"{self.n_samples} samples of {self.n_features} features; the problem has dimension {self.rank}."]
        if self.constant:
            lines.append(f"Constant columns left out: {_listed(self.constant)}.")
        if self.collinear:
            lines.append(f"Columns that the others determine: {_listed(self.collinear)}.")
        return " ".join(lines)


def prepare(
    X: ArrayLike, y: ArrayLike, *, standardise: bool = True, names: Sequence[str] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], Preparation]:
    """Return centred data without constant columns, and the report.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Samples by features.
    y : array_like, shape (n,)
        Target.
    standardise : bool
        Whether each feature is divided by its standard deviation.
    names : sequence of str, optional
        Of the features, for the report; "column 0", ... where not given.

    Returns
    -------
    X : ndarray, shape (n, p'), p' <= p
    y : ndarray, shape (n,)
    report : Preparation

    Raises
    ------
    ValueError
        If X is not two-dimensional, the lengths differ, there are fewer than two samples, a value is NaN or infinite,
        y is constant, or no feature varies.
    """
    X, y = _checked(X, y)
    labels = np.array(names if names is not None else [f"column {j}" for j in range(X.shape[1])], dtype=str)
    if labels.shape != (X.shape[1],):
        raise ValueError(f"{labels.size} names were given for {X.shape[1]} features; give one for each")
    varies = X.std(axis=0) > SPREAD_TOLERANCE * np.abs(X).max(axis=0)
    if not varies.any():
        raise ValueError(f"all {X.shape[1]} features are constant; at least one must vary")
    kept = X[:, varies] - X[:, varies].mean(axis=0)
    if standardise:
        kept = kept / kept.std(axis=0)
    rank = int(np.linalg.matrix_rank(kept, rtol=RANK_TOLERANCE))
    report = Preparation(
        n_samples=X.shape[0],
        n_features=X.shape[1],
        constant=tuple(labels[~varies].tolist()),
        collinear=tuple(labels[varies][_dependent_columns(kept, rank)].tolist()),
        rank=rank,
    )
    return kept, y - y.mean(), report


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if X.ndim != 2 or X.shape[1] == 0:
        raise ValueError(f"X has shape {X.shape}; give samples by features, for one feature X.reshape(-1, 1)")
    if y.shape != (X.shape[0],):
        raise ValueError(f"y has shape {y.shape} for {X.shape[0]} samples in X; give shape ({X.shape[0]},)")
    if X.shape[0] < 2:
        raise ValueError(f"there are {X.shape[0]} samples; centring leaves nothing of fewer than 2")
    for name, array in (("X", X), ("y", y)):
        bad = int(np.size(array) - np.isfinite(array).sum())
        if bad:
            raise ValueError(f"{name} holds {bad} values that are NaN or infinite; drop or fill them first")
    if y.std() <= SPREAD_TOLERANCE * np.abs(y).max():
        raise ValueError(f"y is constant (all values are {y[0]:g}); there is nothing to regress on")
    return X, y


def _dependent_columns(X: NDArray[np.float64], rank: int) -> NDArray[np.intp]:
    _, order = scipy.linalg.qr(X, mode="r", pivoting=True)
    return np.sort(order[rank:])


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
