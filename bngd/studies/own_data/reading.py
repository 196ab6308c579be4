"""From the reader's file to a table: which columns are features, what was assumed and left out, and why."""

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bngd.arrays import EXACT
from bngd.studies.own_data import dialect, source
from bngd.studies.own_data.columns import (
    COMMA,
    MISSING,
    Column,
    NotNumeric,
    Style,
    clean,
    convert,
    reads_alike,
    style_of,
)
from bngd.studies.own_data.source import DataFileError
from bngd.studies.own_data.table import OwnTable, fact

_LEAVE_OUT = "leave out"
_MAY_HOLD_CODES = re.compile(rb"(?<![\w.+-])0\d")


def read(
    path: str,
    target: str,
    *,
    separator: str = "",
    decimal: str = "",
    encoding: str = "",
    sheet: str = "",
    header: bool | None = None,
    leave_out: Sequence[str] = (),
    missing: Sequence[str] = (),
    rows_with_missing: str = "stop",
) -> OwnTable:
    """Return the reader's table from a CSV file or an Excel workbook; what is not given is found out, and noted.

    Parameters
    ----------
    path : str
        Of a CSV file, packed by gzip, bzip2 or xz or not, or of an .xlsx workbook.
    target : str
        The column to predict; every other one is a feature.
    separator, decimal, encoding, sheet : str
        How the file is written, where that is not found out or found out wrongly.
    header : bool, optional
        Whether the first row names the columns; where not given: unless it holds only numbers.
    leave_out : sequence of str
        Columns that are no features.
    missing : sequence of str
        Further values that stand for a missing one.
    rows_with_missing : {"stop", "leave out"}
        What to do about them.

    Raises
    ------
    FileNotFoundError, DataFileError, TooLargeError
        If the file cannot be taken as it is: with file, line, column, value, rule and way out.
    """
    found = source.find(path)
    content, notes = source.read(found, encoding, sheet)
    rows = dialect.look(path, content, separator, header, target)
    notes += rows.notes
    chosen, left_out = _choose(path, rows, target, leave_out)
    absent = {*MISSING, *(clean(text) for text in missing)}
    columns, note = _columns(path, rows, chosen, decimal, sorted(absent))
    notes += note
    _refuse_empty(path, columns, leave_out)
    kept, note = _rows_kept(path, rows, columns, rows_with_missing)
    notes += note
    codes = _codes(rows, columns, chosen)
    facts = [fact(name, columns[name], kept, target, codes.get(name, "")) for name in columns]
    facts += [(plain_name, "left out", "", 0, np.nan, np.nan, why) for plain_name, why in left_out]
    features = [name for name in columns if name != target]
    return OwnTable(
        X=np.column_stack([columns[name].values[kept] for name in features]),
        y=columns[target].values[kept],
        names=features,
        target=target,
        facts=pd.DataFrame(facts, columns=["column", "role", "kind", "missing", "least", "largest", "remark"]),
        notes=notes,
    )


def _choose(
    path: str, rows: dialect.Rows, target: str, leave_out: Sequence[str]
) -> tuple[dict[int, str], list[tuple[str, str]]]:
    """Return the columns to read by their place, and those left out with the reason."""
    names = list(rows.names)
    left_out: list[tuple[str, str]] = []
    chosen: dict[int, str] = {}
    named: set[str] = set()
    unknown = [name for name in leave_out if name not in names]
    if unknown:
        raise DataFileError(f"{path} has no column {unknown[0]!r} to leave out; its columns are {_listed(names)}")
    if target not in names:
        hint = "; its first row is all numbers and was taken for data (header true says otherwise)" * rows.numbered
        raise DataFileError(
            f"{path} has no column {target!r}; its columns are {_listed(names)}{hint}; set target to one"
        )
    if target in leave_out:
        raise DataFileError(f"{path}: the target {target!r} stands in leave_out; take it out of one of the two")
    for place, name in enumerate(names):
        if name in leave_out:
            left_out.append((name, "as asked"))
        elif not name or name.startswith("Unnamed:"):
            left_out.append((name or f"column {place + 1}, without a name", _unnamed(path, rows, place, name)))
        elif name in named:
            first = next(k for k, other in chosen.items() if other == name)
            raise DataFileError(
                f"{path}: columns {first + 1} and {place + 1} are both named {name!r}; rename one, or leave both out"
            )
        else:
            chosen[place] = name
            named.add(name)
    if len(chosen) < 2:
        raise DataFileError(
            f"{path} holds only the target {target!r} and nothing to predict it from; add a feature column"
        )
    return chosen, left_out


def _unnamed(path: str, rows: dialect.Rows, place: int, name: str) -> str:
    """Return why a column without a name is left out: it is empty, or counts the rows."""
    column = _frame(rows, [place], (), dtype=str)[place].fillna("").str.strip()
    if (column == "").all():
        return "it has no name and no value"
    counted = [str(k) for k in range(len(column) + 1)]
    if list(column) in (counted[:-1], counted[1:]):
        return "it has no name and counts the rows: an index"
    raise DataFileError(
        f"{path}: column {place + 1} has no name{f' but {name!r}' if name else ''} (its first value is "
        f"{column.iloc[0]!r}); a column needs one unless it is empty or counts the rows: name it, "
        "or delete it"
    )


def _frame(rows: dialect.Rows, places: list[int], missing: Sequence[str], dtype: Any = None) -> pd.DataFrame:
    blanks = rows.separator == dialect.BLANKS
    return pd.read_csv(
        io.BytesIO(rows.body),
        sep=dialect.BLANKS if blanks else rows.separator,
        header=None,
        names=range(len(rows.names)),
        usecols=places,
        index_col=False,
        dtype=dtype,
        keep_default_na=False,
        na_values=list(missing),
        skipinitialspace=True,
        low_memory=False,
    )


def _columns(
    path: str, rows: dialect.Rows, chosen: dict[int, str], decimal: str, missing: Sequence[str]
) -> tuple[dict[str, Column], list[str]]:
    frame = _frame(rows, list(chosen), missing)
    kinds = {place: dtype.kind for place, dtype in frame.dtypes.items()}
    exact = _lost_digits(frame[[place for place, kind in kinds.items() if kind == "f"]])
    if exact:
        frame[exact] = _frame(rows, exact, missing, dtype=str)
    texts = [place for place, kind in kinds.items() if kind not in "iufb" or place in exact]
    words = {clean(text) for place in texts for text in frame[place].dropna().astype(str).unique()}
    style = style_of(words, path, decimal)
    notes = []
    if style == COMMA:
        frame = _frame(rows, list(chosen), missing, dtype=str)
        texts = list(frame)
        notes.append("Commas were taken for decimal marks" + ("." if decimal else ", as the numbers show."))
        if not decimal:
            _refuse_unclear_points(path, rows, frame, chosen)
    elif any(style.groups_in(word) for word in words):
        notes.append("Signs between groups of three digits were taken to group thousands.")
    return {name: _column(path, rows, frame[place], name, style, missing) for place, name in chosen.items()}, notes


def _lost_digits(floats: pd.DataFrame) -> list[int]:
    """Return where pandas made floats of integers that floats do not hold, as it does where a column has gaps."""
    lost = floats.isna().any() & (floats.abs() >= EXACT).any()
    return [int(place) for place in floats.columns[lost]]


def _codes(rows: dialect.Rows, columns: dict[str, Column], chosen: dict[int, str]) -> dict[str, str]:
    """Return the first value of each column that begins with a zero, as postcodes do: as a number it has lost that."""
    if not _MAY_HOLD_CODES.search(rows.body):
        return {}
    whole = [place for place, name in chosen.items() if not np.any(columns[name].values % 1 > 0)]
    texts = _frame(rows, whole, (), dtype=str)
    found = {chosen[place]: texts.loc[texts[place].str.fullmatch(r"\s*0\d+\s*", na=False), place] for place in whole}
    return {name: values.iloc[0].strip() for name, values in found.items() if len(values)}


def _refuse_unclear_points(path: str, rows: dialect.Rows, frame: pd.DataFrame, chosen: dict[int, str]) -> None:
    """In a file of decimal commas 1.234 is most likely 1234, but nothing shows it unless 1.234,5 stands somewhere."""
    cleaned = {place: frame[place].dropna().map(clean) for place in frame}
    if any(series.str.contains(r"\.\d{3}[.,]\d", regex=True).any() for series in cleaned.values()):
        return
    for place, series in cleaned.items():
        unclear = series[series.map(reads_alike) & series.str.contains(".", regex=False)]
        if len(unclear):
            raise DataFileError(
                f"{_where(path, rows, int(unclear.index[0]), chosen[place])}: {unclear.iloc[0]!r} is "
                f"{COMMA.number(unclear.iloc[0])} if points group thousands, but other numbers have "
                "decimal commas and none shows both; say decimal ',' "
                "if it is so"
            )


def _column(
    path: str, rows: dialect.Rows, series: pd.Series, name: str, style: Style, missing: Sequence[str]
) -> Column:
    try:
        return convert(series, style, missing, name)
    except NotNumeric as error:
        place = rows.names.index(name)
        value = str(_frame(rows, [place], missing, dtype=str)[place].iloc[error.row])  # pandas read 1e400 as inf
        raise DataFileError(
            f"{_where(path, rows, error.row, name)}: {value!r} is no finite number ({error.kind}); features "
            "and target are numbers: encode the column, leave it out (leave_out), or say that this value is missing "
            "(missing)"
        ) from None


def _refuse_empty(path: str, columns: dict[str, Column], leave_out: Sequence[str]) -> None:
    empty = [name for name, column in columns.items() if column.kind == "empty"]
    if empty:
        raise DataFileError(
            f"{path}: column {empty[0]!r} is empty, every value of it missing; fill it, or leave it out: leave_out "
            f"{[*leave_out, *empty]}"
        )


def _rows_kept(
    path: str, rows: dialect.Rows, columns: dict[str, Column], choice: str
) -> tuple[NDArray[np.bool_], list[str]]:
    gaps = np.any([column.missing for column in columns.values()], axis=0)
    if choice not in ("stop", _LEAVE_OUT):
        raise DataFileError(f"rows_with_missing is {choice!r}; it is 'stop' or {_LEAVE_OUT!r}")
    if not gaps.any():
        return ~gaps, []
    count, total = int(gaps.sum()), len(gaps)
    if choice != _LEAVE_OUT:
        row = int(np.argmax(gaps))
        name = next(name for name, column in columns.items() if column.missing[row])
        raise DataFileError(
            f"{_where(path, rows, row, name)}: the value is missing, as in {count} of {total} rows; fill them, leave "
            f"out the column, or ask for the rows to be left out (rows_with_missing {_LEAVE_OUT!r})"
        )
    if count > total - 2:
        raise DataFileError(
            f"{path}: {total - count} of {total} rows have no missing value, and a regression needs 2; leave out the "
            "columns with most gaps instead"
        )
    return ~gaps, [f"Rows with missing values, left out as asked: {count} of {total}."]


def _where(path: str, rows: dialect.Rows, row: int, name: str) -> str:
    return f"{path}, line {rows.lines[row]}, column {name!r}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(repr(name[:60]) for name in names[:12]) + more
