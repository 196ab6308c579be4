"""The workable range of step sizes against the number of hidden units."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.networks import Job, grid, kept, m5, workable_ranges

_SCRIPTS = ("mnist_m5_gdlr", "mnist_m5_bnlr", "mnist_m5_bnsplr")
"""The authors' scripts of m5."""

_UNITS = (10, 100, 1000)
"""The hidden units in them."""


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


def kept_runs(scripts: Sequence[str] = _SCRIPTS, *, whole: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """Return the kept runs of some scripts, each run once, and the titles that they come from.

    Parameters
    ----------
    scripts : sequence of str
    whole : bool
        Those of every rate and repetition; else the parts, which are the same part at every width and of every method.
    """
    titles = [t for script in scripts for t in kept.rows(script, parts=True) if (t in kept.rows(script)) == whole]
    runs = kept.gathered(titles)
    authors = runs[runs["network"].map(hidden_units).isin(_UNITS)]
    return authors, list(authors["row"].unique())


def hidden_units(network: str) -> int:
    """Return the number of hidden units in a network of m5, from its name."""
    return int(network.split("= ")[1])


def with_more_units(runs: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the kept runs of m5 with other numbers of hidden units, beside those that the authors' scripts have.

    Parameters
    ----------
    runs : DataFrame
        The latter, as `kept_runs` gives them; of these, the settings that were run with other numbers.

    Returns
    -------
    runs : DataFrame
        With the column h, of hidden units.
    titles : list of str
        Of the rows of other numbers.
    """
    kept_at_all = kept.gathered(title for script in _SCRIPTS for title in kept.rows(script, parts=True))
    kept_at_all = kept_at_all.assign(h=kept_at_all["network"].map(hidden_units))
    more = kept_at_all[~kept_at_all["h"].isin(_UNITS)]
    same = runs[runs["setting"].isin(more["setting"])]
    return pd.concat([more, same.assign(h=same["network"].map(hidden_units))]), list(more["row"].unique())


def part_and_whole(part: pd.DataFrame, whole: pd.DataFrame, units: Mapping[str, int]) -> pd.DataFrame:
    """Return what some rates and repetitions say of the range beside what all of them say.

    Parameters
    ----------
    part, whole : DataFrame
        As `while_training` gives them.
    units : mapping of str to int
        Name of a network -> its hidden units.

    Returns
    -------
    DataFrame
        A row for each width, setting and number of updates that both have: h, setting, updates, and the medians of both
        measures in decades, of the part and of the whole.
    """
    measures, sides = ("absolute", "relative"), {"part": part, "whole": whole}
    medians = [
        table.assign(h=table["network"].map(units))
        .groupby(["h", "setting", "updates"])[f"{measure}_decades"]
        .median()
        .rename(f"{measure}, {side}")
        for measure in measures
        for side, table in sides.items()
    ]
    return pd.concat(medians, axis=1, join="inner").reset_index()


def while_training(runs: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return the workable ranges after each of the numbers of updates that a table of kept runs has a loss for.

    Parameters
    ----------
    runs : DataFrame
        With columns ``loss_200``, ... (see `bngd.networks.tables.early_losses`).
    level : float
        Of the absolute measure.

    Returns
    -------
    DataFrame
        As `bngd.networks.workable_ranges` gives it, with the number of updates; a repetition each.
    """
    parts = []
    for column in [name for name in runs if str(name).startswith("loss_")]:
        reached = runs[runs["steps"] > int(column.removeprefix("loss_"))]
        if len(reached):
            ranges = workable_ranges(reached, level=level, loss=column)
            parts.append(ranges.assign(updates=int(column.removeprefix("loss_"))))
    return pd.concat(parts, ignore_index=True)


def with_fewer_inputs(hidden: int, runs: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the kept runs of m5 at one hidden width on pooled images, beside those on whole ones.

    Parameters
    ----------
    hidden : int
    runs : DataFrame
        On whole images, as `kept_runs` gives them; of these, the settings that were run on pooled ones.

    Returns
    -------
    runs : DataFrame
        With the column inputs, the pixels of Fashion-MNIST's 28 x 28 averaged over blocks.
    titles : list of str
        Of the rows on pooled images.
    """
    blocks = (2, 4, 7)
    titles = [title for script in _SCRIPTS for block in blocks for title in kept.rows(script, parts=True, pooled=block)]
    pooled = pd.concat([kept.gathered([title]).assign(inputs=(28 // kept.block(title)) ** 2) for title in titles])
    pooled = pooled[pooled["network"].map(hidden_units) == hidden]
    same = (runs["network"].map(hidden_units) == hidden) & runs["setting"].isin(pooled["setting"])
    return pd.concat([pooled, runs[same].assign(inputs=28**2)]), list(pooled["row"].unique())


def while_training_by(size: str, runs: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return `while_training` of the runs of each size of the network or its input, with the size."""
    parts = [while_training(part, level=level).assign(**{size: value}) for value, part in runs.groupby(size)]
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
        (differences of medians), left_the_grid (repetitions whose range, by the absolute measure, is a lower bound),
        repetitions (of the size that has fewer).
    """
    columns = ["relative_decades", "absolute_decades"]
    grouped = ranges.groupby([size, "setting", "updates"], sort=False)
    median, counts = grouped[columns].median(), grouped.size()
    both = median.loc[wide].index.intersection(median.loc[narrow].index, sort=False)
    gain = (median.loc[wide].loc[both] - median.loc[narrow].loc[both]).set_axis(["relative", "absolute"], axis=1)
    fewest = np.minimum(counts.loc[wide].loc[both], counts.loc[narrow].loc[both])
    left = grouped["absolute_censored"].sum()
    return gain.assign(
        left_the_grid=left.loc[wide].loc[both] + left.loc[narrow].loc[both], repetitions=fewest
    ).reset_index()


def reduced_and_kept(reduced: pd.DataFrame, on_the_way: pd.DataFrame, units: Mapping[str, int]) -> pd.DataFrame:
    """Return what the reduced runs say of the range beside what the kept runs say, early and at their end.

    Parameters
    ----------
    reduced : DataFrame
        As `medians` gives it.
    on_the_way : DataFrame
        As `while_training` gives it.
    units : mapping of str to int
        Name of a network -> its hidden units.

    Returns
    -------
    DataFrame
        A row for each width and setting that both have: h, setting, and the decades of the absolute measure (medians)
        of the reduced runs, and of the kept ones after each number of updates.
    """
    kept_decades = on_the_way.assign(h=on_the_way["network"].map(units)).pivot_table(
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
