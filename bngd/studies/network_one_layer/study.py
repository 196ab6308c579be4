"""One layer alone: the kept runs in which only the hidden layer of m5 has the step sizes of a grid."""

import numpy as np
import pandas as pd

from bngd.measure import workable_range
from bngd.networks import kept

REST = 1.0
"""The step size of all but the hidden layer: it works with BN and without."""

_BLOCKS = (7, 4, 2, 1)
"""Sides of the blocks that pixels were averaged over: 16, 49, 196 and 784 inputs."""


def hidden_layer_alone() -> tuple[pd.DataFrame, list[str]]:
    """Return the kept parts of m5 in which the hidden layer alone has the row's step sizes, and their titles.

    All else, gamma and beta too, has the step size `REST`, which the setting says. The runs have the columns h, inputs.
    """
    parts = []
    for block in _BLOCKS:
        titles = kept.rows(parts=True, pooled=block, lr_rest=REST)
        parts.append(kept.gathered(sorted(titles, reverse=True)).assign(inputs=(28 // block) ** 2))  # without BN first
    runs = pd.concat(parts, ignore_index=True)
    hidden = runs["network"].str.partition("= ")[2].astype(int)
    runs = runs.assign(h=hidden, setting=runs["setting"].replace("bn", f"split {REST:g}"))
    return runs, list(runs["row"].unique())


def worst_over_untrained(runs: pd.DataFrame) -> dict[str, float]:
    """Return, for each setting, the largest loss at the end over that at the smallest step size of the same repetition.

    Parameters
    ----------
    runs : DataFrame
        As `hidden_layer_alone` gives them.
    """
    ordered = runs.sort_values("lr")
    untrained = ordered.groupby(["h", "inputs", "setting", "seed"])["train_loss"].transform("first")
    return (ordered["train_loss"] / untrained).groupby(ordered["setting"]).max().to_dict()


def half_gain(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the step sizes of a layer that bring at least half of what training that layer brings, after some updates.

    What it brings is the loss at the smallest step size, which hardly moves the layer, over the best loss; half of it
    on a logarithmic scale is the geometric mean of the two.

    Parameters
    ----------
    runs : DataFrame
        As `hidden_layer_alone` gives them.

    Returns
    -------
    DataFrame
        A row for each h, inputs, setting, number of updates and repetition: those, gain (the quotient), low, high,
        decades, censored.
    """
    rows = []
    for column in [name for name in runs if str(name).startswith("loss_")]:
        for identity, run in runs.groupby(["h", "inputs", "setting", "seed"]):
            ordered = run.sort_values("lr")
            loss = ordered[column].to_numpy()
            row = dict(zip(("h", "inputs", "setting", "seed"), identity, strict=True))
            row |= {"updates": int(column.removeprefix("loss_")), "gain": loss[0] / np.nanmin(loss)}
            found = workable_range(ordered["lr"], loss, loss[0] / np.sqrt(row["gain"]))
            rows.append(row | found.as_row())
    return pd.DataFrame(rows)
