"""Preparing raw data for regression: checks, centring, scaling, and a report of what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # not its linalg by name: that loads when it is used, which is seldom
from numpy.typing import ArrayLike, NDArray

from bngd.arrays import Array, aligned, as_floats, as_matrix, check_names, place

_SPREAD_TOLERANCE = 1e-14
"""A column whose standard deviation is below this fraction of its largest entry is constant, up to rounding."""

_RANK_TOLERANCE = 1e-7
"""A direction in which the data vary less than this fraction of the most is none: its eigenvalue would be 1e-14 l_d."""

_COPY_TOLERANCE = 1e-10
"""A feature whose correlation with the target is this close to 1 or -1 is the target, in other units."""

_SQUARABLE = 1e100
"""A column of larger entries, or only smaller ones than one over this, is rescaled before anything is squared."""

_FAR = 1e4
"""A column this many standard deviations from zero is centred from its first entry: its plain mean rounds too much."""

_NAMES_SHOWN = 8


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
    copies : tuple of str
        Columns that are the target in other units, up to sign: a regression on them says nothing.
    """

    n_samples: int
    n_features: int
    constant: tuple[str, ...]
    collinear: tuple[str, ...]
    rank: int
    copies: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the report in a sentence or four."""
        lines = [f"{self.n_samples} samples of {self.n_features} features; the problem has dimension {self.rank}."]
        if self.constant:
            lines.append(f"Constant columns left out: {_listed(self.constant)}.")
        if self.collinear:
            lines.append(f"Columns that the others determine: {_listed(self.collinear)}.")
        if self.copies:
            lines.append(f"Columns that are the target in other units: {_listed(self.copies)}.")
        return " ".join(lines)


def prepare(
    X: ArrayLike, y: ArrayLike, *, standardise: bool = True, names: Sequence[str] | None = None
) -> tuple[Array, Array, Preparation]:
    """Return centred data without constant columns, shapes (n, p' <= p) and (n,), and the report.

    The arguments are those of `bngd.Problem.from_data`.

    Raises
    ------
    ValueError
        If X is not two-dimensional, the lengths or the labels differ, there are fewer than two samples, an entry is no
        finite number, y is constant or too large or small to be squared, or no feature varies.
    """
    X, y, labels = _checked(X, y, names)
    X, exponents = _within_squares(X)
    varies = _spread(X) > _SPREAD_TOLERANCE * np.abs(X).max(axis=0)
    if not varies.any():
        raise ValueError(f"all {X.shape[1]} features are constant ({_listed(labels)}); at least one must vary")
    kept, names_kept = _centred(X[:, varies]), [name for name, one in zip(labels, varies, strict=True) if one]
    kept = kept / kept.std(axis=0) if standardise else _unscaled(kept, exponents[varies], names_kept)
    y = _centred(y)
    rank = int(np.linalg.matrix_rank(kept, rtol=_RANK_TOLERANCE))
    named = np.array(names_kept, dtype=object)
    report = Preparation(
        n_samples=X.shape[0],
        n_features=X.shape[1],
        constant=tuple(name for name, one in zip(labels, varies, strict=True) if not one),
        collinear=tuple(named[_dependent_columns(kept, rank)]),
        rank=rank,
        copies=tuple(named[_copies(kept, y)]),
    )
    return kept, y, report


def _checked(X: ArrayLike, y: ArrayLike, names: Sequence[str] | None) -> tuple[Array, Array, list[str]]:
    y = as_floats(aligned(X, y), "y")
    X, found = as_matrix(X)
    if X.ndim != 2 or X.shape[1] == 0:
        raise ValueError(f"X has shape {X.shape}; give samples by features, for one feature X.reshape(-1, 1)")
    if y.shape != (X.shape[0],):
        raise ValueError(f"y has shape {y.shape} for {X.shape[0]} samples in X; give shape ({X.shape[0]},)")
    if X.shape[0] < 2:
        raise ValueError(f"there are {X.shape[0]} samples; centring leaves nothing of fewer than 2: give more")
    labels = check_names(names, found, X.shape[1])
    _require_finite(X, "X", labels)
    _require_finite(y, "y", labels)
    _require_target(y)
    return X, y, labels


def _require_finite(array: Array, what: str, labels: list[str]) -> None:
    if np.isfinite(array).all():
        return
    bad = np.argwhere(~np.isfinite(array))
    row, column = int(bad[0, 0]), labels[bad[0, 1]] if array.ndim == 2 else None
    raise ValueError(
        f"{place(what, row, column)} is {array[tuple(bad[0])]}, as {len(bad)} values of {what} are NaN or infinite; "
        "drop or fill them first"
    )


def _require_target(y: Array) -> None:
    largest = float(np.abs(y).max())
    scaled = y / largest if largest else y
    if largest == 0 or _spread(scaled) <= _SPREAD_TOLERANCE:
        raise ValueError(f"y is constant (all values are {y[0]:g}); there is nothing to regress on: choose another y")
    deviation = float(scaled.std()) * largest
    if not 1 / _SQUARABLE <= deviation <= _SQUARABLE:
        raise ValueError(
            f"y has standard deviation {deviation:.3g}, whose square leaves what floats hold; rescale it (labels nu "
            "times as large want the step size eps/nu^2)"
        )


def _within_squares(X: Array) -> tuple[Array, NDArray[np.int_]]:
    """Bring columns that cannot be squared to size 1, by powers of two, which round nothing."""
    largest = np.abs(X).max(axis=0)
    outside = (largest > _SQUARABLE) | ((largest < 1 / _SQUARABLE) & (largest > 0))
    exponents = np.where(outside, np.frexp(largest)[1], 0)
    return (np.ldexp(X, -exponents) if outside.any() else X), exponents


def _unscaled(X: Array, exponents: NDArray[np.int_], labels: list[str]) -> Array:
    if not exponents.any():
        return X
    name = labels[int(np.argmax(exponents != 0))]
    raise ValueError(
        f"{place('X', None, name)} has entries of about 2^{exponents[exponents != 0][0]}, whose squares leave "
        "what floats hold; rescale it, or use standardise=True"
    )


def _spread(X: Array) -> Array:
    """Return standard deviations, measured from the first row: of equal entries zero, however they round."""
    return (X - X[0]).std(axis=0)


def _centred(X: Array) -> Array:
    mean = X.mean(axis=0)
    centred = X - mean
    far = np.abs(mean) > _FAR * centred.std(axis=0)
    if not far.any():
        return centred
    near = X - X[0]
    return np.where(far, near - near.mean(axis=0), centred)


def _copies(X: Array, y: Array) -> NDArray[np.bool_]:
    correlation = X.T @ y / (y.size * X.std(axis=0) * y.std())
    return np.abs(correlation) >= 1 - _COPY_TOLERANCE


def _dependent_columns(X: Array, rank: int) -> NDArray[np.intp]:
    _, order = scipy.linalg.qr(X, mode="r", pivoting=True)
    return np.sort(order[rank:])


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
