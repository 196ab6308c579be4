"""How the ends of the workable range move with the number of updates: in least squares, and in the kept networks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.dynamics import bngd_trajectory, residual
from bngd.ensemble import sweep
from bngd.guarantees import smallest_residual_ratio
from bngd.networks import kept
from bngd.networks.ranges import ranges_while_training
from bngd.problem import Problem
from bngd.studies.shared.networks import LEVELS, from_to


def least_squares(
    problem: Problem, starts: ArrayLike, lr: ArrayLike, steps: Sequence[int], *, lr_a: Sequence[float], level: float
) -> pd.DataFrame:
    """Return the workable ranges of least squares after each number of steps, in the words of the networks' tables.

    GD (setting ``gd``), BNGD with eps_a = eps (``bn``) and with each fixed eps_a (such as ``split 1``).

    Parameters
    ----------
    problem : Problem
    starts : array_like, shape (m, d)
        Initial weights; each is a repetition (seed).
    lr : array_like, shape (n,)
    steps : sequence of int
    lr_a : sequence of float
        The fixed eps_a.
    level : float
        The excess loss, relative to that at the start, that counts as workable.

    Returns
    -------
    DataFrame
        As `bngd.networks.ranges.ranges_while_training` gives it, with the ends of the grid as `_with_grid` does.
    """
    lr = np.asarray(lr, dtype=float)[:, None]
    settings: dict[str, dict[str, Any]] = {
        "gd": {"method": "gd"},
        "bn": {"lr_a": lr},
        **{f"split {rate:g}": {"lr_a": rate} for rate in lr_a},
    }
    parts = []
    for setting, rates in settings.items():
        table = sweep(problem, lr, steps=max(steps), w0=starts, checkpoints=steps, **rates)
        losses = table.pivot_table(index=["start", "lr"], columns="step", values="relative_loss", dropna=False)
        losses = losses.add_prefix("loss_").reset_index().rename(columns={"start": "seed"})
        parts.append(losses.assign(network="least squares", setting=setting, steps=max(steps) + 1))
    runs = pd.concat(parts, ignore_index=True)
    return _with_grid(ranges_while_training(runs, level=level), runs)


def largest_share(problem: Problem, starts: ArrayLike, lr: ArrayLike, steps: int) -> float:
    """Return how near a step of BNGD comes to shrinking the residual as much as it may: one, if any does.

    The largest quotient of 1 - ||e_{k+1}||_H/||e_k||_H and what `bngd.smallest_residual_ratio` allows, over steps
    k >= 1 of all runs with eps_a = 1 and a_0 = w_0'g/s_0, while ||e||_H is above a millionth of ||u||_H; NaN where a
    run is lost. Starts have shape (m, d), step sizes (n,).
    """
    shares = [0.0]
    for w0 in np.asarray(starts):
        for rate in np.asarray(lr):
            run = bngd_trajectory(problem, w0, float(rate), steps)
            lengths = np.sqrt(np.sum(problem.eigenvalues * residual(problem, run.w[1:]) ** 2, axis=-1))
            seen = ~(lengths[:-1] <= 1e-6 * np.sqrt(problem.explained))
            shrinking = 1 - lengths[1:][seen] / lengths[:-1][seen]
            shares += (shrinking / (1 - smallest_residual_ratio(problem, w0, rate))).tolist()
    return float(np.max(shares))


def in_networks() -> pd.DataFrame:
    """Return the workable ranges on the way, in every row of the authors' protocol that was run in full and tells them.

    Each run once, though scripts with fewer updates make the same runs and stop.

    Returns
    -------
    DataFrame
        As `bngd.networks.ranges.ranges_while_training` gives it, with the ends of the grid as `_with_grid` does and
        the row.
    """
    parts, tables = [], {title: kept.results(title) for title in kept.rows()}
    for title, runs in sorted(tables.items(), key=lambda row: -row[1]["steps"].max()):
        if any(str(column).startswith("loss_") for column in runs):
            level = LEVELS[runs["network"].iloc[0][:2]]
            parts.append(_with_grid(ranges_while_training(runs, level=level), runs).assign(row=title))
    found = pd.concat(parts, ignore_index=True).drop_duplicates(["network", "setting", "seed", "updates"])
    return found.sort_values(["network", "setting"], key=_in_order, kind="stable", ignore_index=True)


def _in_order(column: pd.Series) -> pd.Series:
    """Order m5's networks by their size, and settings by their rate of gamma and beta, the largest last."""
    places = {"gd": -2.0, "bn": -1.0}
    if column.name == "setting":
        return column.map(lambda setting: places.get(setting) or float(setting.removeprefix("split ")))
    return column.map(lambda network: (network[:2], len(network)))


def _with_grid(ranges: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Add the columns grid_low and grid_high: the smallest and the largest rate that a setting was run at."""
    ends = runs.groupby("setting")["lr"].agg(grid_low="min", grid_high="max")
    return ranges.join(ends, on="setting")


def moves(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return by how many decades each end of the range moves in a decade of updates, from the first to the last told.

    Parameters
    ----------
    ranges : DataFrame
        As `least_squares` or `in_networks` gives it.

    Returns
    -------
    DataFrame
        A row for each network, setting and repetition: network, setting, seed, since, until (updates), lower, upper
        (NaN where that end was beyond the grid, or no rate worked).
    """
    rows = []
    for identity, run in ranges.groupby(["network", "setting", "seed"], sort=False):
        first, last = run.loc[run["updates"].idxmin()], run.loc[run["updates"].idxmax()]
        decades = np.log10(last["updates"] / first["updates"])
        row = dict(zip(("network", "setting", "seed"), identity, strict=True))
        row |= {"since": first["updates"], "until": last["updates"]}
        for end, name in (("low", "lower"), ("high", "upper")):
            inside = all(one[f"absolute_{end}"] != one[f"grid_{end}"] for one in (first, last))
            moved = np.log10(last[f"absolute_{end}"] / first[f"absolute_{end}"]) / decades
            row[name] = moved if inside else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def spread(moved: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each network and setting, in words: each end's moves from the least to the largest.

    Parameters
    ----------
    moved : DataFrame
        As `moves` gives it.

    Returns
    -------
    DataFrame
        Columns network, setting, updates, lower end, upper end, in the grid: in how many of the repetitions the lower
        and the upper end stayed there.
    """
    rows = []
    for (network, setting), group in moved.groupby(["network", "setting"], sort=False):
        row = {
            "network": network,
            "setting": setting,
            "updates": f"{group['since'].iloc[0]} to {group['until'].iloc[0]}",
        }
        row |= {f"{end} end": from_to(group[end].dropna(), 2) for end in ("lower", "upper")}
        counts = " and ".join(str(int(group[end].notna().sum())) for end in ("lower", "upper"))
        rows.append(row | {"in the grid": f"{counts} of {len(group)}"})
    return pd.DataFrame(rows)


def medians(moved: pd.DataFrame, end: str, settings: Sequence[str] | None = None) -> list[float]:
    """Return the median move of an end over the repetitions, of each of some settings, or of all."""
    chosen = moved if settings is None else moved[moved["setting"].isin(settings)]
    return chosen.groupby("setting", sort=False)[end].median().tolist()


def inside(moved: pd.DataFrame, end: str, settings: Sequence[str] | None = None) -> pd.DataFrame:
    """Return how far an end moves in each network and setting of which no repetition left the grid there.

    Parameters
    ----------
    moved : DataFrame
        As `moves` gives it.
    end : {"lower", "upper"}
    settings : sequence of str or None
        Only these; all that have a rate of their own for gamma and beta, unless given.

    Returns
    -------
    DataFrame
        Columns network, setting, mean (over the repetitions).
    """
    chosen = moved["setting"].str.startswith("split") if settings is None else moved["setting"].isin(settings)
    ends = moved[chosen].groupby(["network", "setting"], sort=False)[end]
    return ends.mean()[ends.apply(lambda values: values.notna().all())].rename("mean").reset_index()


def named(moved: pd.DataFrame) -> str:
    """Return the networks and settings of `inside`, in words."""
    settings = moved.groupby("network", sort=False)["setting"].agg(", ".join)
    return "; ".join(f"{network}: {what}" for network, what in settings.items())


def head_start(ranges: pd.DataFrame, ahead: str, behind: str) -> dict[str, float]:
    """Return how many times the largest step size that works is larger under one setting than under another, early on.

    Parameters
    ----------
    ranges : DataFrame
        As `in_networks` gives it.
    ahead, behind : str
        Settings.

    Returns
    -------
    dict
        updates, the first number that is told; least and largest quotient of geometric means over the repetitions, of
        the networks with both.
    """
    updates = ranges["updates"].min()
    first = ranges[ranges["updates"] == updates]
    ends = np.log(first["absolute_high"]).groupby([first["network"], first["setting"]]).mean().unstack()
    quotients = np.exp(ends[ahead] - ends[behind]).dropna()
    return {"updates": int(updates), "least": float(quotients.min()), "largest": float(quotients.max())}
