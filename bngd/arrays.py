"""What a caller hands over as data, as floats: what has no faithful float is refused by name, row and column."""

from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bngd.memory import require_memory

EXACT = 2**53
"""From here on floats skip integers; larger ones are measured from their smallest first, which centring undoes."""

_REFUSED = {
    "c": ("complex numbers", "take their real part, X.real, or give real and imaginary parts as two columns"),
    "U": ("text", "encode it as numbers, or leave it out"),
    "S": ("bytes", "encode them as numbers, or leave them out"),
    "M": ("dates", "turn them into numbers (days since the first), or leave them out"),
    "m": ("durations", "turn them into numbers (.dt.total_seconds()), or leave them out"),
    "V": ("records", "give a two-dimensional array, samples by features"),
}

Array = NDArray[np.float64]
"""Floats, of the shape that a docstring says."""


def place(what: str, row: int | None = None, column: object = None) -> str:
    """Return where in an argument something stands: ``X (row 3, column 'b')``."""
    parts = ([] if row is None else [f"row {row}"]) + ([] if column is None else [f"column {column!r}"])
    return f"{what} ({', '.join(parts)})" if parts else what


def as_matrix(given: Any) -> tuple[Array, list[str] | None]:
    """Return features as floats (n, p), and their names where a DataFrame has them.

    Raises
    ------
    ValueError
        If an entry is text, a date, a category, complex, masked or missing, or two columns share a name.
    TooLargeError
        If a sparse matrix does not fit into memory when it is filled, which centring does.
    """
    if _is_sparse(given):
        require_memory(32.0 * given.shape[0] * given.shape[1], f"X, sparse of shape {given.shape}, filled by "
                       "centring,", "choose fewer columns or samples")  # fmt: skip
        given = given.toarray()
    if not hasattr(given, "columns") or not hasattr(given, "iloc"):
        return as_floats(given, "X"), None
    names = [" / ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in given.columns]
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ValueError(f"X has more than one column {repeated[0]!r}; rename or drop all but one")
    columns = [as_floats(given.iloc[:, j], "X", name) for j, name in enumerate(names)]
    return (np.column_stack(columns) if columns else np.empty(given.shape)), names


def as_floats(given: Any, what: str, column: object = None) -> Array:
    """Return an array, or one column, as floats; integers beyond 2^53 less the smallest of their column.

    Raises
    ------
    ValueError
        As `as_matrix` does.
    """
    if isinstance(given, np.ma.MaskedArray):
        given = _unmasked(given, what)
    elif hasattr(given, "dtype") and hasattr(given, "iloc"):
        given = _of_series(given, what, column)
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{what} is no array of numbers ({error}); give rows of equal length") from None
    if array.dtype.kind in _REFUSED:
        kind, way_out = _REFUSED[array.dtype.kind]
        raise ValueError(f"{place(what, 0, column)} holds {kind} ({_first(array)!r}); it takes numbers: {way_out}")
    if array.dtype.kind == "O":
        return _of_objects(array, what, column)
    return _of_integers(array) if array.dtype.kind in "iu" else np.asarray(array, dtype=float)


def aligned(X: Any, y: Any) -> Any:
    """Return y in the order of X's rows where both are labelled, else as it is.

    Raises
    ------
    ValueError
        If the labels are not the same, or repeat in another order, so that nothing says which belongs to which.
    """
    if not (hasattr(X, "iloc") and hasattr(y, "iloc")) or X.index.equals(y.index) or len(X) != len(y):
        return y
    if X.index.is_unique and y.index.is_unique:
        missing = X.index.difference(y.index, sort=False)
        if not len(missing):
            return y.reindex(X.index)
        raise ValueError(
            f"y has no row labelled {missing[0]!r}, which X has; give both the same index, or y.to_numpy() to go by "
            "place"
        )
    twice = X.index[X.index.duplicated()].union(y.index[y.index.duplicated()])[0]
    raise ValueError(
        f"the indices of X and y differ and hold label {twice!r} more than once; use reset_index(drop=True) on both"
    )


def _is_sparse(given: Any) -> bool:
    return hasattr(given, "toarray") and hasattr(given, "nnz")


def _first(array: NDArray[Any]) -> Any:
    return array.flat[0].item() if array.size and array.dtype.kind in "cUS" else (array.flat[0] if array.size else None)


def _unmasked(given: Any, what: str) -> Any:
    masked = np.ma.getmaskarray(given)
    if masked.any():
        at = np.argwhere(masked)[0]
        where = place(what, int(at[0]), int(at[1]) if at.size > 1 else None)
        raise ValueError(f"{where} is masked, as {masked.sum()} entries are; drop those rows or fill them first")
    return given.data


def _of_series(given: Any, what: str, column: object) -> NDArray[Any]:
    """Return a pandas column as a NumPy array: nullable types without gaps become plain ones."""
    name = given.name if column is None else column
    kind = type(given.dtype).__name__
    if kind == "CategoricalDtype":
        raise ValueError(
            f"{place(what, 0, name)} holds categories ({given.iloc[0] if len(given) else None!r}); it takes numbers: "
            "encode them (pandas.get_dummies), or leave the column out"
        )
    if given.isna().any():
        row = int(np.argmax(given.isna().to_numpy()))
        raise ValueError(
            f"{place(what, row, name)} is missing ({given.iloc[row]!r}), as {int(given.isna().sum())} NaN or NA values "
            "of the column are; drop those rows or fill them first"
        )
    plain = getattr(given.dtype, "numpy_dtype", None)
    return given.to_numpy() if plain is None or kind == "NumpyEADtype" else given.to_numpy(dtype=plain)


def _of_objects(array: NDArray[Any], what: str, column: object) -> Array:
    """Convert Python objects one by one: only what is a number counts as one, not the text of a number."""
    for at, value in np.ndenumerate(array):
        if not isinstance(value, Real | Decimal | np.bool_):
            column = column if len(at) < 2 else at[1]
            raise ValueError(
                f"{place(what, at[0] if at else None, column)} is {value!r} ({type(value).__name__}); it takes "
                "numbers: convert it, fill it or leave it out"
            )
    if array.size and all(isinstance(value, Integral) for value in array.flat):
        low = array.min(axis=0)
        if np.any(np.abs(array) >= EXACT):
            array = array - low
    try:
        return array.astype(float)
    except OverflowError:
        bits = int(max(map(abs, array.flat))).bit_length()  # its digits may fill pages
        raise ValueError(f"{what} holds a number of {bits} bits, which no float can hold; rescale it") from None


def _of_integers(array: NDArray[Any]) -> Array:
    if array.size == 0 or array.ndim == 0:
        return array.astype(float)
    low, high = array.min(axis=0), array.max(axis=0)
    large = np.maximum(np.abs(low.astype(float)), np.abs(high.astype(float))) >= EXACT
    if not np.any(large):
        return array.astype(float)
    # Subtraction modulo 2^64 is exact, whatever the signs.
    from_low = (array.astype(np.uint64) - low.astype(np.uint64)).astype(float)
    return np.where(large, from_low, array.astype(float))


def check_names(names: Sequence[str] | None, found: list[str] | None, count: int) -> list[str]:
    """Return the features' names: those given, else the DataFrame's, else "column 0", ...

    Raises
    ------
    ValueError
        If their number is not that of the features.
    """
    chosen = names if names is not None else found if found is not None else [f"column {j}" for j in range(count)]
    chosen = [str(name) for name in chosen]
    if len(chosen) != count:
        raise ValueError(f"{len(chosen)} names were given for {count} features ({chosen[:3]} ...); give one for each")
    return chosen
