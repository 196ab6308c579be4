"""The workable range of step sizes of every method and seed, by two measures."""

from math import isnan

import pandas as pd
from numpy.typing import NDArray

from bngd.measure import workable_range

FACTOR = 2.0
"""How much more than a method's own best loss the relative measure lets pass."""


def workable_ranges(runs: pd.DataFrame, *, level: float, loss: str = "train_loss") -> pd.DataFrame:
    """Return the width of the range of workable rates, for each network, setting and seed.

    One measure calls a rate workable if its loss is within `FACTOR` times the method's own best. It flatters a method
    whose best is poor, so the other asks for a loss below a level that is the same for all.

    Parameters
    ----------
    runs : DataFrame
        As `bngd.networks.summary` gives it.
    level : float
        Of the absolute measure.
    loss : str
        The column to judge by.

    Returns
    -------
    DataFrame
        Columns network, setting, seed, best_lr, best_loss, and for ``relative`` and ``absolute`` each _low, _high,
        _decades and _censored. A censored range runs out of the grid: its width is a lower bound. The width is 0
        where no rate works.

    Raises
    ------
    ValueError
        If the level is not positive.
    """
    rows = []
    for identity, group in runs.groupby(["network", "setting", "seed"], sort=False):
        ordered = group.sort_values("lr")
        finite = ordered.dropna(subset=[loss])
        best = finite.loc[finite[loss].idxmin()] if len(finite) else ordered.iloc[0]
        row = dict(zip(("network", "setting", "seed"), identity, strict=True))
        row |= {"best_lr": best["lr"], "best_loss": best[loss]}
        relative = FACTOR * best[loss] if len(finite) else level
        for name, threshold in (("relative", relative), ("absolute", level)):
            row |= _measured(name, ordered["lr"].to_numpy(), ordered[loss].to_numpy(), threshold)
        rows.append(row)
    return pd.DataFrame(rows)


def ranges_while_training(runs: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return the workable ranges after each of the numbers of updates that a table of runs has a loss for.

    Parameters
    ----------
    runs : DataFrame
        With columns ``loss_200``, ... (see `bngd.networks.tables.early_losses`).
    level : float
        Of the absolute measure.

    Returns
    -------
    DataFrame
        As `workable_ranges` gives it, with the number of updates.
    """
    parts = []
    for column in [name for name in runs if str(name).startswith("loss_")]:
        updates = int(column.removeprefix("loss_"))
        if len(reached := runs[runs["steps"] > updates]):
            parts.append(workable_ranges(reached, level=level, loss=column).assign(updates=updates))
    return pd.concat(parts, ignore_index=True)


def _measured(name: str, lr: NDArray, loss: NDArray, threshold: float) -> dict[str, float | bool]:
    found = workable_range(lr, loss, threshold).as_row()
    if isnan(found["decades"]):
        found["decades"] = 0.0
    return {f"{name}_{column}": value for column, value in found.items()}
