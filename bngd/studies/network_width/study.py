"""The workable range of step sizes against the number of hidden units."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.networks import Job, grid, kept, m5, workable_ranges
from bngd.networks.protocol import ROWS
from bngd.networks.ranges import ranges_while_training

_SCRIPTS = ("mnist_m5_gdlr", "mnist_m5_bnlr", "mnist_m5_bnsplr")
"""The authors' scripts of m5."""

_NETWORKS = [network.name for network in ROWS[_SCRIPTS[0]].networks]
"""What they train; the number of hidden units tells one from another."""


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


def hidden_units(network: str) -> int:
    """Return the number of hidden units in a network of m5, from its name."""
    return int(network.split("= ")[1])


def ranges_of(runs: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return what `bngd.networks.workable_ranges` does, with the column h, of hidden units."""
    found = workable_ranges(runs, level=level)
    return found.assign(h=found["network"].map(hidden_units))


def medians(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each setting and number of hidden units: medians over the repetitions.

    Parameters
    ----------
    ranges : DataFrame
        As `ranges_of` gives it.

    Returns
    -------
    DataFrame
        Ascending in units for each setting: h, setting, best_loss, relative_decades, absolute_decades, relative_high.
    """
    columns = ["best_loss", "relative_decades", "absolute_decades", "relative_high"]
    table = ranges.groupby(["setting", "h"])[columns].median()
    return table.reset_index()[["h", "setting", *columns]]


def kept_runs(*, whole: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """Return the kept runs of the authors' scripts of m5, each run once, and the titles that they come from.

    Parameters
    ----------
    whole : bool
        Those of every rate and repetition; else the parts, which are the same part at every width and of every method.
    """
    runs = _runs(whole=whole)
    authors = runs[runs["network"].isin(_NETWORKS)]
    return authors, list(authors["row"].unique())


def with_more_units() -> tuple[pd.DataFrame, list[str]]:
    """Return the kept parts of m5 with any number of hidden units, and the titles of those that no script has.

    Only the settings that were run with other numbers than the scripts', too.
    """
    runs = _runs(whole=False)
    more = runs[~runs["network"].isin(_NETWORKS)]
    return runs[runs["setting"].isin(more["setting"])], list(more["row"].unique())


def with_fewer_inputs(hidden: int) -> tuple[pd.DataFrame, list[str]]:
    """Return the kept parts of m5 at one hidden width on pooled images and on whole ones, and the titles of the former.

    Only the settings that were run on pooled images, too. The runs have the column inputs: the pixels that are left of
    Fashion-MNIST's 28 x 28, averaged over blocks.
    """
    runs = pd.concat([_runs(whole=False, block=block).assign(inputs=(28 // block) ** 2) for block in (7, 4, 2, 1)])
    runs = runs[runs["network"] == m5(hidden).name]
    pooled = runs[runs["inputs"] < runs["inputs"].max()]
    return runs[runs["setting"].isin(pooled["setting"])], list(pooled["row"].unique())


def _runs(*, whole: bool, block: int = 1) -> pd.DataFrame:
    titles = [title for script in _SCRIPTS for title in kept.rows(script, parts=True, pooled=block)]
    return kept.gathered(title for title in titles if (kept.whole(title) == title) == whole)


def part_and_whole(part: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """Return what some rates and repetitions say of the range beside what all of them say.

    Parameters
    ----------
    part, whole : DataFrame
        As `while_training` gives them.

    Returns
    -------
    DataFrame
        A row for each width, setting and number of updates that both have: h, setting, updates, and the medians of both
        measures in decades, of the part and of the whole.
    """
    measures, sides = ("absolute", "relative"), {"part": part, "whole": whole}
    medians = [
        table.groupby(["h", "setting", "updates"])[f"{measure}_decades"].median().rename(f"{measure}, {side}")
        for measure in measures
        for side, table in sides.items()
    ]
    return pd.concat(medians, axis=1, join="inner").reset_index()


def while_training(runs: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return what `bngd.networks.ranges.ranges_while_training` does, with the column h, of hidden units."""
    found = ranges_while_training(runs, level=level)
    return found.assign(h=found["network"].map(hidden_units))


def while_training_by_inputs(runs: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return `while_training` of the runs with each number of inputs, with that number in the column inputs."""
    parts = [while_training(part, level=level).assign(inputs=n) for n, part in runs.groupby("inputs")]
    return pd.concat(parts, ignore_index=True)


def gains(ranges: pd.DataFrame, size: str, narrow: int, wide: int) -> pd.DataFrame:
    """Return by how many decades the range is wider at a large size of the network than at a small one.

    Parameters
    ----------
    ranges : DataFrame
        As `while_training` gives it, with a column of sizes.
    size : str
        Name of that column: of hidden units or of inputs.
    narrow, wide : int
        Two sizes.

    Returns
    -------
    DataFrame
        A row for each setting and number of updates that both sizes have: setting, updates, relative, absolute
        (differences of medians; NaN where a range left the grid, as the difference of lower bounds says nothing),
        repetitions (of the size that has fewer).
    """
    both = ranges[ranges[size].isin([narrow, wide])]
    grouped = both.groupby(["setting", "updates", size], sort=False)
    difference = {}
    for measure in ("relative", "absolute"):
        inside = ~grouped[f"{measure}_censored"].any().unstack().any(axis=1)
        median = grouped[f"{measure}_decades"].median().unstack()
        difference[measure] = (median[wide] - median[narrow]).where(inside)
    counts = grouped.size().unstack()
    gain = pd.DataFrame(difference | {"repetitions": counts.min(axis=1)})[counts.notna().all(axis=1)]
    return gain.reset_index().astype({"repetitions": int})


def reduced_and_kept(reduced: pd.DataFrame, on_the_way: pd.DataFrame) -> pd.DataFrame:
    """Return what the reduced runs say of the range beside what the kept runs say, early and at their end.

    Parameters
    ----------
    reduced : DataFrame
        As `medians` gives it.
    on_the_way : DataFrame
        As `while_training` gives it.

    Returns
    -------
    DataFrame
        A row for each width and setting that both have: h, setting, and the decades of the absolute measure (medians)
        of the reduced runs, and of the kept ones after each number of updates.
    """
    kept_decades = on_the_way.pivot_table(
        index=["h", "setting"], columns="updates", values="absolute_decades", aggfunc="median", sort=False
    )
    here = reduced.set_index(["h", "setting"])["absolute_decades"].rename("reduced")
    return pd.concat([here, kept_decades.add_prefix("kept, ")], axis=1, join="inner").reset_index()


def by_width(table: pd.DataFrame, setting: str, column: str) -> list[float]:
    """Return a column of `medians` for one setting, in the order of the widths."""
    return table.loc[table["setting"] == setting, column].tolist()


def widens(decades: Sequence[float]) -> bool:
    """Whether no width is below the one before."""
    return bool(np.all(np.diff(decades) >= 0))
