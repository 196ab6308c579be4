"""The reader's table, and what a careful reader would remark about its columns."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bngd.preparation import Preparation
from bngd.studies.own_data.columns import Column
from bngd.text import plain

_SENTINELS = (-99.0, -999.0, -9999.0, -99999.0)
_ALL_OF_IT = 0.999
"""One row that holds this share of a column's variance is an outlier that decides everything."""

_ROUNDING_SPREAD = 1e-10
"""A column that varies by less than this fraction of its size may vary by rounding alone."""


@dataclass
class OwnTable:
    """A table of the reader's.

    Attributes
    ----------
    X, y : (n, p) and (n,) arrays
        Features and target.
    names : list of str
        Of the features.
    target : str
        The column that is predicted.
    facts : pandas.DataFrame
        A row a column of the file: column, role, kind, missing, least, largest, remark.
    notes : list of str
        What was assumed while reading, a sentence each.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    names: list[str]
    target: str
    facts: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    def report(self, preparation: Preparation) -> pd.DataFrame:
        """Return the facts with what preparing the data found, those with a remark first, safe to show."""
        facts = self.facts.copy()
        for names, role, remark in (
            (preparation.constant, "left out", "constant"),
            (preparation.collinear, "feature", "the other features determine it: that direction is left out"),
            (preparation.copies, "feature", "is the target in other units: a regression on it says nothing"),
        ):
            mine = facts["column"].isin(list(names)) & (facts["role"] == "feature")
            facts.loc[mine, "role"] = role
            facts.loc[mine, "remark"] = [f"{old}; {remark}" if old else remark for old in facts.loc[mine, "remark"]]
        facts = facts.sort_values("remark", key=lambda remarks: remarks == "", kind="stable")
        return facts.assign(column=facts["column"].map(plain))


def fact(
    name: str, column: Column, kept: NDArray[np.bool_], target: str, code: str
) -> tuple[str, str, str, int, float, float, str]:
    """Return a row of the table's facts: what is known of a column, in the rows that are kept.

    Where a value of the column begins with a zero, `code` is that value as the file writes it.
    """
    values = column.values[kept]
    role = "target" if name == target else "feature"
    remark = "; ".join(_remarks(values, column.kind, role, code))
    return name, role, column.kind, int(column.missing.sum()), float(values.min()), float(values.max()), remark


def _remarks(values: NDArray[np.float64], kind: str, role: str, code: str) -> list[str]:
    """Return what a careful reader would ask about a column."""
    remarks = [f"{code} begins with a zero, as codes do, and was read as a number"] if code else []
    largest = np.abs(values).max()
    centred = (values - values[0]) / (largest or 1.0)
    centred = centred - centred.mean()
    squares = centred**2
    if role == "feature" and values.size > 2 and kind == "whole numbers" and (np.diff(values) == 1).all():
        remarks.append("counts the rows: if it is an identifier, leave it out")
    if values.min() in _SENTINELS and np.sum(values < 0) == np.sum(values == values.min()):
        remarks.append(f"{values.min():g} may stand for a missing value: say so by missing")
    if values.size > 2 and np.delete(centred, squares.argmax()).var() < (1 - _ALL_OF_IT) * squares.mean():
        remarks.append("a single value holds nearly all of its variance")
    if squares.any() and np.sqrt(squares.mean()) < _ROUNDING_SPREAD:
        remarks.append("varies by so little of its size that it may be rounding")
    return remarks
