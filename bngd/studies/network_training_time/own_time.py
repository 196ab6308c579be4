"""The scale's own time: how far the loss can have come after so many steps, whatever the step size of the weights."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.ensemble import sweep
from bngd.guarantees import smallest_relative_loss
from bngd.networks import kept
from bngd.problem import Problem

_RESOLVED = 1e-20
"""Relative losses above it are resolved in double precision: a loss is a square, and the scale is right to 1e-16."""


def best_losses(
    problem: Problem, starts: ArrayLike, lr: ArrayLike, lr_a: Sequence[float], steps: Sequence[int]
) -> pd.DataFrame:
    """Return the best relative loss over the step sizes, for each eps_a and start, after each number of steps.

    Parameters
    ----------
    problem : Problem
    starts : array_like, shape (m, d)
        Initial weights; each is a repetition (seed).
    lr : array_like, shape (n,)
    lr_a : sequence of float
        Rates eps_a of the scale.
    steps : sequence of int

    Returns
    -------
    DataFrame
        Columns setting (such as ``split 0.1``), lr_a, seed, updates, own_time (eps_a times updates), loss, bound: what
        `bngd.smallest_relative_loss` leaves.
    """
    starts, parts = np.asarray(starts), []
    for rate in lr_a:
        table = sweep(problem, np.asarray(lr)[:, None], steps=max(steps), w0=starts, checkpoints=steps, lr_a=rate)
        best = table.groupby(["start", "step"], as_index=False)["relative_loss"].min()
        best = best.rename(columns={"start": "seed", "step": "updates", "relative_loss": "loss"})
        bound = smallest_relative_loss(problem, starts[best["seed"]], best["updates"].to_numpy(), lr_a=rate)
        parts.append(best.assign(setting=f"split {rate:g}", lr_a=rate, bound=bound))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(own_time=found["lr_a"] * found["updates"])


def largest_share(best: pd.DataFrame, lr_a: Sequence[float]) -> list[float]:
    """Return, for each of some eps_a, how near the best loss comes to its bound: one, if it is attained.

    Parameters
    ----------
    best : DataFrame
        As `best_losses` gives it; where the bound is below `_RESOLVED` the loss is rounding.
    lr_a : sequence of float
    """
    seen = best[best["bound"] > _RESOLVED]
    shares = (seen["bound"] / seen["loss"]).groupby(seen["lr_a"]).max()
    return shares[list(lr_a)].tolist()


def best_losses_in(row: str) -> pd.DataFrame:
    """Return the same of a row that was run in full: the best loss over its grid, for each eps_a and repetition.

    Parameters
    ----------
    row : str
        Title of a kept row of ``bn_split`` that tells the loss on the way.

    Returns
    -------
    DataFrame
        As `best_losses`, without the bound.
    """
    runs = kept.results(row)
    on_the_way = {column: int(found[1]) for column in runs if (found := re.fullmatch(r"loss_(\d+)", column))}
    best = runs.groupby(["setting", "seed"], as_index=False)[list(on_the_way)].min()
    found = best.rename(columns=on_the_way).melt(["setting", "seed"], var_name="updates", value_name="loss")
    lr_a = found["setting"].str.removeprefix("split ").astype(float)
    updates = found["updates"].astype(int)
    return found.assign(lr_a=lr_a, updates=updates, own_time=lr_a * updates)


def at_equal_own_time(best: pd.DataFrame) -> pd.DataFrame:
    """Return how many times the loss of fewer updates is that of more, where eps_a times the updates is the same.

    Parameters
    ----------
    best : DataFrame
        As `best_losses` gives it.

    Returns
    -------
    DataFrame
        A row for each pair of neighbours: own_time, fewer, more (updates), quotient (of geometric means over the
        repetitions).
    """
    logs = np.log(best["loss"]).groupby([best["own_time"].round(9), best["updates"]]).mean()
    rows = []
    for own_time, group in logs.groupby(level=0):
        ordered = group.droplevel(0).sort_index()
        for fewer, more in zip(ordered.index[:-1], ordered.index[1:], strict=True):
            quotient = float(np.exp(ordered[fewer] - ordered[more]))
            rows.append({"own_time": own_time, "fewer": int(fewer), "more": int(more), "quotient": quotient})
    return pd.DataFrame(rows)
