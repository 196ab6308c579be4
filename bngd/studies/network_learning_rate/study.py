"""Which step sizes work for a network: the runs to make, and their workable ranges over the repetitions."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from bngd.networks import Job, Network, grid


def jobs(network: Network, lr: ArrayLike, lr_as: Sequence[float], **same: Any) -> list[Job]:
    """Return the runs of a network without BN, with BN and one rate, and with BN and each eps_a for gamma and beta.

    Parameters
    ----------
    network : Network
        Without BN.
    lr : array_like, shape (n,)
    lr_as : sequence of float
    **same
        What all runs share, as `bngd.networks.grid` takes it.
    """
    normalised = network.with_batch_norm()
    runs = grid(network, lr, **same) + grid(normalised, lr, **same)
    return runs + [job for lr_a in lr_as for job in grid(normalised, lr, lr_a=lr_a, **same)]


def extremes(ranges: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the narrowest and the widest repetition of each setting.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.networks.workable_ranges` gives it.
    measure : {"relative", "absolute"}

    Returns
    -------
    DataFrame
        Indexed by setting, in the order of `ranges`: min, mean, max, in decades.
    """
    return ranges.groupby("setting", sort=False)[f"{measure}_decades"].agg(["min", "mean", "max"])


def spread_over_repetitions(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each setting, in words: best loss and widths from the least to the largest over the repetitions.

    Columns setting, best loss, and for each measure its decades, with how many repetitions left the grid.
    """
    rows = []
    for setting, group in ranges.groupby("setting", sort=False):
        row = {"setting": setting, "best loss": _from_to(group["best_loss"], 3)}
        for measure in ("relative", "absolute"):
            left = int(group[f"{measure}_censored"].sum())
            row[f"decades, {measure}"] = _from_to(group[f"{measure}_decades"], 2)
            row[f"left the grid, {measure}"] = f"{left} of {len(group)}"
        rows.append(row)
    return pd.DataFrame(rows)


def _from_to(values: pd.Series, digits: int) -> str:
    least, largest = (f"{value:.{digits}f}" for value in (values.min(), values.max()))
    return least if least == largest else f"{least} to {largest}"
