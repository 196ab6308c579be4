"""Columns of text as numbers: what a value means, decided for the whole file, and never where it could be either."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bngd.arrays import as_floats
from bngd.studies.own_data.source import DataFileError

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "#N/A", "?", "-", ".", "<NA>")
"""What stands for a missing value unless told otherwise; the reader may add to it."""

_BOOLEANS = ({"true": 1.0, "false": 0.0}, {"yes": 1.0, "no": 0.0})
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|\d{1,2}:\d{2}(:\d{2})?")
_GROUPS = " '\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{RIGHT SINGLE QUOTATION MARK}"
"""Signs that group thousands and can mean nothing else."""

_POWER = r"([eE][+-]?\d+)?"


@dataclass(frozen=True)
class Style:
    """How numbers are written: the decimal mark, and the signs that may group thousands."""

    decimal: str
    groups: str

    def pattern(self) -> "re.Pattern[str]":
        """Return what a number in this style looks like, in full."""
        mark = re.escape(self.decimal)
        grouped = "|".join(rf"\d{{1,3}}({re.escape(sign)}\d{{3}})+" for sign in self.groups)
        whole = rf"(\d+|{grouped})" if grouped else r"\d+"
        return re.compile(rf"[+-]?({whole}({mark}\d*)?|{mark}\d+){_POWER}")

    def groups_in(self, text: str) -> bool:
        """Return whether a text is a number in this style and groups its thousands."""
        return any(sign in text for sign in self.groups) and self.pattern().fullmatch(text) is not None

    def number(self, text: str) -> float | int:
        """Return the number that a text which the pattern matches means."""
        for sign in self.groups:
            text = text.replace(sign, "")
        text = text.replace(self.decimal, ".")
        return int(text) if text.lstrip("+-").isdigit() else float(text)


_POINT = Style(".", _GROUPS + ",")
COMMA = Style(",", _GROUPS + ".")
_BARE = Style(".", _GROUPS)
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")


def clean(text: str) -> str:
    """Return a value without blanks around it, its minus sign as Python writes it."""
    return text.strip().replace("\N{MINUS SIGN}", "-")


def style_of(texts: Iterable[str], path: str, decimal: str) -> Style:
    """Return how the numbers among all texts of a file are written.

    Raises
    ------
    DataFileError
        If the decimal mark that was given is none, the texts contradict each other, or they can be read in two ways.
    """
    if decimal:
        if decimal not in (".", ","):
            raise DataFileError(f"decimal is {decimal!r}; it is . or , or empty to be found out")
        return _POINT if decimal == "." else COMMA
    point, comma = _POINT.pattern(), COMMA.pattern()
    needs_point = needs_comma = either = ""
    for text in texts:
        if "," not in text:
            if text.count(".") > 1 and comma.fullmatch(text):
                needs_comma = needs_comma or text
            continue
        as_point, as_comma = point.fullmatch(text), comma.fullmatch(text)
        if as_point and as_comma:
            either = either or text
        elif as_comma:
            needs_comma = needs_comma or text
        elif as_point:
            needs_point = needs_point or text
    if needs_point and needs_comma:
        raise DataFileError(
            f"{path} holds {needs_comma!r}, with a decimal comma, and {needs_point!r}, with a decimal point; write all "
            "numbers in one way"
        )
    if needs_comma:
        return COMMA
    if needs_point:
        return _POINT
    if either:
        raise DataFileError(
            f"{path} holds {either!r}, which is {_POINT.number(either)} or {COMMA.number(either)}; say which by "
            "decimal: '.' or ','"
        )
    return _BARE


@dataclass(frozen=True)
class Column:
    """One column as numbers.

    Attributes
    ----------
    values : (n,) array
        NaN where missing.
    missing : (n,) bool array
        Where a value stands for a missing one.
    kind : str
        What the values are: numbers, whole numbers, true/false, yes/no, or empty.
    """

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    kind: str


class NotNumeric(Exception):
    """A column holds something else than numbers: its row, and what it is."""

    def __init__(self, row: int, value: str, kind: str) -> None:
        super().__init__(row, value, kind)
        self.row, self.value, self.kind = row, value, kind


def convert(column: pd.Series, style: Style, missing: Sequence[str], where: str) -> Column:
    """Return a column that pandas read as numbers, booleans or text.

    Raises
    ------
    NotNumeric
        If a value is neither a number nor missing.
    """
    gaps = column.isna().to_numpy(bool, copy=True)
    if gaps.all():
        return Column(np.full(len(column), np.nan), gaps, "empty")
    if column.dtype.kind in "iuf":
        return _of_numbers(column, gaps, where)
    codes, texts = pd.factorize(column.astype(str).where(~gaps))
    meanings = {text: clean(text) for text in texts}
    absent = {text for text, cleaned in meanings.items() if cleaned in missing}
    gaps |= np.isin(codes, [k for k, text in enumerate(texts) if text in absent])
    if gaps.all():
        return Column(np.full(len(column), np.nan), gaps, "empty")
    known = {cleaned.lower() for text, cleaned in meanings.items() if text not in absent}
    for words in _BOOLEANS:
        if known <= words.keys():
            numbers: list[Any] = [words.get(meanings[text].lower(), np.nan) for text in texts]
            return Column(_spread(numbers, codes, gaps), gaps, "/".join(words))
    numbers = [_number(meanings[text], style, text in absent) for text in texts]
    bad = [k for k, number in enumerate(numbers) if number is None]
    if bad:
        rows = np.flatnonzero(np.isin(codes, bad))
        value = meanings[texts[codes[rows[0]]]]
        raise NotNumeric(int(rows[0]), value, "dates or times" if _DATE.fullmatch(value) else "text")
    whole = all(isinstance(number, int) for number in numbers)
    if whole:  # from the least, so that integers beyond 2^53 keep their differences
        numbers = list(as_floats(np.array(numbers, dtype=object), where))
    return Column(_spread(numbers, codes, gaps), gaps, "whole numbers" if whole else "numbers")


def _spread(numbers: Sequence[Any], codes: NDArray[np.intp], gaps: NDArray[np.bool_]) -> NDArray[np.float64]:
    values = np.array(numbers, dtype=float)[codes]
    values[gaps] = np.nan
    return values


def _of_numbers(column: pd.Series, gaps: NDArray[np.bool_], where: str) -> Column:
    if column.dtype.kind in "iu":
        return Column(as_floats(column.to_numpy(), where), gaps, "whole numbers")
    values = column.to_numpy(float)
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise NotNumeric(int(infinite[0]), f"{values[infinite[0]]:g}", "infinite or too large for a float")
    return Column(values, gaps, "numbers")


def _number(text: str, style: Style, absent: bool) -> float | int | None:
    if absent:
        return 0
    if not style.pattern().fullmatch(text):
        return None
    number = style.number(text)
    return None if isinstance(number, float) and np.isinf(number) else number


def reads_alike(text: str) -> bool:
    """Return whether a number with a single point could group thousands: in a file of decimal commas it might."""
    return _AMBIGUOUS.fullmatch(text) is not None
