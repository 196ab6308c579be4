"""The scale's own time: how far the loss can have come after so many steps, whatever the step size of the weights."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.guarantees import smallest_relative_loss
from bngd.problem import Problem

_RESOLVED = 1e-20
"""Relative losses above it are resolved in double precision: a loss is a square, and the scale is right to 1e-16."""


def best_losses(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return the best loss over the step sizes, where the scale has a rate of its own, after each number of updates.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.studies.network_training_time.study.least_squares` or `in_networks` gives it, of one network.

    Returns
    -------
    DataFrame
        Columns setting (such as ``split 0.1``), lr_a, seed, updates, own_time (eps_a times updates), loss.
    """
    found = ranges.loc[ranges["setting"].str.startswith("split"), ["setting", "seed", "updates", "best_loss"]]
    lr_a = found["setting"].str.removeprefix("split ").astype(float)
    return found.rename(columns={"best_loss": "loss"}).assign(lr_a=lr_a, own_time=lr_a * found["updates"])


def largest_share(best: pd.DataFrame, problem: Problem, starts: ArrayLike, lr_a: Sequence[float]) -> list[float]:
    """Return, for each of some eps_a, how near the best loss comes to its bound: one, if it is attained.

    Where the bound, `bngd.smallest_relative_loss`, is below `_RESOLVED` the loss is rounding, and is passed over.

    Parameters
    ----------
    best : DataFrame
        As `best_losses` gives it, of least squares.
    problem : Problem
    starts : array_like, shape (m, d)
    lr_a : sequence of float
    """
    asked = best[best["lr_a"].isin(lr_a)]
    w0 = np.asarray(starts)[asked["seed"]]
    bound = smallest_relative_loss(problem, w0, asked["updates"].to_numpy(), lr_a=asked["lr_a"].to_numpy())
    shares = (bound / asked["loss"])[bound > _RESOLVED].groupby(asked["lr_a"]).max()
    return shares[list(lr_a)].tolist()


def tenfold(best: pd.DataFrame, part: float) -> pd.DataFrame:
    """Return how many times the loss after k updates is that after 10 k, with a part of eps_a: a tenth, or all of it.

    Parameters
    ----------
    best : DataFrame
        As `best_losses` gives it.
    part : float

    Returns
    -------
    DataFrame
        Columns own_time (eps_a k) and quotient (of geometric means over the repetitions), in order.
    """
    logs = np.log(best["loss"]).groupby([best["setting"], best["updates"]]).mean()
    rows = []
    for (setting, updates), loss in logs.items():
        lr_a = float(setting.removeprefix("split "))
        later = (f"split {part * lr_a:g}", 10 * updates)
        if later in logs.index:
            rows.append({"own_time": lr_a * updates, "quotient": float(np.exp(loss - logs[later]))})
    return pd.DataFrame(rows).sort_values("own_time", ignore_index=True)
