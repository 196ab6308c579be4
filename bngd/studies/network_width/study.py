"""The workable range of learning rates against the number of hidden units."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.networks import Job, grid, m5


def jobs(widths: Sequence[int], repetitions: Sequence[int], lr: ArrayLike, lr_a: float, **same: Any) -> list[Job]:
    """Return the runs of m5 with each number of hidden units: without BN, with one rate, with lr_a for gamma and beta.

    Parameters
    ----------
    widths, repetitions : sequence of int
        Hidden units, and how often each rate is run with so many.
    lr : array_like, shape (n,)
    lr_a : float
    **same
        What all runs share, as `bngd.networks.grid` takes it.

    Raises
    ------
    ValueError
        If there are fewer than two widths, or not a number of repetitions for each.
    """
    if len(widths) < 2 or len(widths) != len(repetitions):
        raise ValueError(
            f"{len(widths)} widths with {len(repetitions)} numbers of repetitions; give two widths or more to compare, "
            "and a number for each"
        )
    runs: list[Job] = []
    # The longest first, so that no process waits for one at the end.
    for units, seeds in sorted(zip(widths, repetitions, strict=True), reverse=True):
        plain, normalised = m5(units), m5(units).with_batch_norm()
        runs += grid(plain, lr, seeds=seeds, **same) + grid(normalised, lr, seeds=seeds, **same)
        runs += grid(normalised, lr, lr_a=lr_a, seeds=seeds, **same)
    return runs


def medians(ranges: pd.DataFrame, units: Mapping[str, int]) -> pd.DataFrame:
    """Return a row for each setting and number of hidden units: medians over the repetitions.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.networks.workable_ranges` gives it.
    units : mapping of str to int
        Name of a network -> its hidden units.

    Returns
    -------
    DataFrame
        Ascending in units for each setting: h, setting, best_loss, relative_decades, absolute_decades, relative_high.
    """
    columns = ["best_loss", "relative_decades", "absolute_decades", "relative_high"]
    table = ranges.assign(h=ranges["network"].map(units)).groupby(["setting", "h"])[columns].median()
    return table.reset_index()[["h", "setting", *columns]]


def by_width(table: pd.DataFrame, setting: str, column: str) -> list[float]:
    """Return a column of `medians` for one setting, in the order of the widths."""
    return table.loc[table["setting"] == setting, column].tolist()


def widens(decades: Sequence[float]) -> bool:
    """Whether no width is below the one before."""
    return bool(np.all(np.diff(decades) >= 0))
