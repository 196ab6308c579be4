"""Which step sizes work for a network: the runs to make, and their workable ranges over the repetitions."""

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from bngd.networks import Job, Network, grid, kept, workable_ranges
from bngd.networks.architectures import M2, M4
from bngd.studies.shared.networks import LEVELS, from_to

GUESSES = {M2.name: log(10), M4.name: 0.09}
"""The linear classifiers, and their loss where every class has probability 1/10: cross-entropy and quadratic."""


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


def comparisons(lr_a: float) -> list[tuple[str, str, str]]:
    """Return which setting is said to work on a wider range than which, and the sentence that says so."""
    split = f"split {lr_a:g}"
    return [
        ("bn", "gd", "BN with one rate works on a wider range than no BN"),
        (split, "bn", rf"a rate of its own, $\varepsilon_a = {lr_a:g}$, for $\gamma$ and $\beta$ widens it further"),
    ]


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
        Indexed by setting, in the order of `ranges`: min, mean, max, in decades, and the number of repetitions.
    """
    widths = ranges.groupby("setting", sort=False)[f"{measure}_decades"]
    return widths.agg(["min", "mean", "max", "size"]).rename(columns={"size": "repetitions"})


def spread_over_repetitions(ranges: pd.DataFrame, by: Sequence[str] = ("setting",)) -> pd.DataFrame:
    """Return a row for each setting, in words: best loss and widths from the least to the largest over the repetitions.

    Columns of `by`, best loss, and for each measure its decades, with how many repetitions left the grid.
    """
    rows = []
    for identity, group in ranges.groupby(list(by), sort=False):
        row = dict(zip(by, identity, strict=True)) | {"best loss": from_to(group["best_loss"], 3)}
        for measure in ("relative", "absolute"):
            left = int(group[f"{measure}_censored"].sum())
            row[f"decades, {measure}"] = from_to(group[f"{measure}_decades"], 2)
            row[f"left the grid, {measure}"] = f"{left} of {len(group)}"
        rows.append(row)
    return pd.DataFrame(rows)


def rows_in_full() -> pd.DataFrame:
    """Return the kept runs of the linear classifiers m2 and m4 under the authors' protocol, every rate and repetition.

    Returns
    -------
    DataFrame
        As `bngd.networks.kept.gathered` gives them, with the protocol: network and updates, which the methods to be
        compared share.
    """
    runs = kept.gathered(sorted(kept.rows(), key=lambda title: "gdlr" not in title))
    runs = runs[runs["network"].isin(GUESSES)].reset_index(drop=True)
    return runs.assign(protocol=[f"{n}, {s - 1} updates" for n, s in zip(runs["network"], runs["steps"], strict=True)])


def convolutional_rows(*scripts: str) -> pd.DataFrame:
    """Return the kept runs of a convolutional network of the authors at its real size, all that were run.

    Parameters
    ----------
    *scripts : str
        Names of the authors' scripts, which share the number of updates.

    Returns
    -------
    DataFrame
        As `bngd.networks.kept.gathered` gives them.
    """
    return kept.gathered([title for script in scripts for title in kept.rows(script, parts=True)])


def named(runs: pd.DataFrame) -> str:
    """Return the rows that kept runs are of, as a sentence names them."""
    return ", ".join(f"`{row}`" for row in runs["row"].unique())


def amount(runs: pd.DataFrame) -> str:
    """Return how many of the authors' step sizes, and how often, kept runs of one setting or more were made at."""
    repetitions = runs["seed"].nunique()
    return f"{runs['lr'].nunique()} step sizes, {repetitions} {'repetition' if repetitions == 1 else 'repetitions'}"


def least_loss_ratios(runs: pd.DataFrame) -> list[float]:
    """Return, from each setting to the next, the least ratio of the training losses at one step size and seed.

    Parameters
    ----------
    runs : DataFrame
        As `bngd.networks.kept.gathered` gives them; the order of the settings is theirs.
    """
    losses = runs.pivot_table(index=["lr", "seed"], columns="setting", values="train_loss", sort=False)
    return (losses.iloc[:, 1:] / losses.to_numpy()[:, :-1]).min().tolist()


def ranges_in_full(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the workable ranges of `rows_in_full`, a repetition each, with the protocol."""
    groups = runs.groupby(["protocol", "network"], sort=False)
    return pd.concat(
        [workable_ranges(group, level=LEVELS[network]).assign(protocol=name) for (name, network), group in groups],
        ignore_index=True,
    )


def side_by_side(ranges: Mapping[str, pd.DataFrame], settings: Sequence[str]) -> pd.DataFrame:
    """Return the spread over repetitions of some settings, each in one network beside that in another.

    Parameters
    ----------
    ranges : mapping of str to DataFrame
        What was run -> its workable ranges, as `bngd.networks.workable_ranges` gives them.
    settings : sequence of str
        In the order of the table.

    Returns
    -------
    DataFrame
        As `spread_over_repetitions` gives it, by setting and by what was run (runs).
    """
    every = pd.concat([table.assign(runs=name) for name, table in ranges.items()])
    return spread_over_repetitions(every[every["setting"].isin(settings)], ["setting", "runs"]).sort_values(
        "setting", key=lambda column: column.map([*settings].index), kind="stable", ignore_index=True
    )


def narrowest_and_widest(ranges: pd.DataFrame, measure: str, wider: str, narrower: str) -> pd.DataFrame:
    """Return, for each protocol with both settings, the narrowest repetition of one and the widest of the other.

    Parameters
    ----------
    ranges : DataFrame
        As `ranges_in_full` gives it.
    measure : {"relative", "absolute"}
    wider, narrower : str
        Settings.

    Returns
    -------
    DataFrame
        Columns protocol, narrowest (of `wider`) and widest (of `narrower`), in decades.
    """
    rows = []
    for protocol, group in ranges.groupby("protocol", sort=False):
        width = extremes(group, measure)
        if {wider, narrower} <= {*width.index}:
            ends = {"narrowest": width.loc[wider, "min"], "widest": width.loc[narrower, "max"]}
            rows.append({"protocol": protocol} | ends)
    return pd.DataFrame(rows, columns=["protocol", "narrowest", "widest"])


def best_in_full(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return, for each protocol with both, GD's best loss of any repetition and the worst best loss with BN, one rate.

    Parameters
    ----------
    ranges : DataFrame
        As `ranges_in_full` gives it.

    Returns
    -------
    DataFrame
        Columns protocol, gd, bn.
    """
    best = ranges.groupby(["protocol", "setting"], sort=False)["best_loss"].agg(["min", "max"]).unstack()
    return pd.DataFrame({"gd": best["min", "gd"], "bn": best["max", "bn"]}).dropna().reset_index()
