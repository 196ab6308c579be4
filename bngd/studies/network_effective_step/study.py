"""Norms, effective steps and sharpness along the training of a network, for many step sizes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from bngd.networks import Images, Job, Network, self_tuning


def follow(
    network: Network, lr: Iterable[float], lr_a: float, data: Images, *, images: int, **same: Any
) -> pd.DataFrame:
    """Return `bngd.networks.self_tuning` of a run at each rate, one below the other.

    Parameters
    ----------
    network : Network
    lr : iterable of float
    lr_a : float
    data : Images
    images : int
        Training images that loss and sharpness are measured on.
    **same
        Further entries of every `Job`.
    """
    return pd.concat([self_tuning(Job(network, float(rate), lr_a, **same), data, images=images) for rate in lr])


def at_the_end(final: pd.DataFrame, layer_names: Sequence[str]) -> pd.DataFrame:
    """Return a row for each rate: lr, loss, and for each layer its effective step and eps times its sharpness."""
    by_rate = final.pivot(index="lr", columns="layer")
    columns = {"loss": by_rate["loss"][0]}
    for title, quantity in (("effective step", "effective_step"), ("product", "product")):
        columns |= {f"{title}, {name}": by_rate[quantity][layer] for layer, name in enumerate(layer_names)}
    return pd.DataFrame(columns).reset_index()


def ratio_at_the_end(paths: pd.DataFrame, reference: pd.DataFrame) -> pd.Series:
    """Return eps times the sharpness at the last step over that of the reference, for each rate and layer of both."""
    last, other = (
        table[table["step"] == table["step"].max()].set_index(["lr", "layer"])["product"]
        for table in (paths, reference)
    )
    return (last / other).dropna()


def changes(paths: pd.DataFrame) -> pd.DataFrame:
    """Return what changed from the first look at a run to the last, as factors, for each rate and layer.

    Columns lr, layer, squared_norm, unit_sharpness (on the unit sphere); their quotient is that of eps times the
    sharpness.
    """
    runs = paths.sort_values("step").groupby(["lr", "layer"])
    ratio = runs[["norm", "unit_sharpness"]].last() / runs[["norm", "unit_sharpness"]].first()
    return ratio.assign(squared_norm=ratio["norm"] ** 2)[["squared_norm", "unit_sharpness"]].reset_index()


def changes_over_seeds(seeds: int, network: Network, lr: Iterable[float], **same: Any) -> pd.DataFrame:
    """Return `changes` of a run at each rate from each seed, with the seed; the rest is as `follow` takes it."""
    rates = list(lr)
    return pd.concat([changes(follow(network, rates, seed=seed, **same)).assign(seed=seed) for seed in range(seeds)])


def who_tunes(moved: pd.DataFrame) -> pd.DataFrame:
    """Return, for each case, layer and rate, how much the weights and how much the loss did, in the mean over seeds.

    Parameters
    ----------
    moved : DataFrame
        As `changes_over_seeds` gives it, with a column case.

    Returns
    -------
    DataFrame
        Columns case, layer (the first is 1), lr; the geometric means of the factors norm² and sharpness and of their
        quotient share, sharpness over norm²; least and largest, the ends of the 95 % confidence interval of the last by
        Student's t of its logarithm, NaN for a single seed.
    """
    factors = moved.assign(layer=moved["layer"] + 1, share=moved["unit_sharpness"] / moved["squared_norm"])
    factors = factors.set_index(["case", "layer", "lr"])[["squared_norm", "unit_sharpness", "share"]]
    logs = np.log(factors).groupby(level=[0, 1, 2], sort=False)
    table = np.exp(logs.mean()).rename(columns={"squared_norm": "norm²", "unit_sharpness": "sharpness"})
    share = logs["share"]
    reach = np.exp(share.sem() * stdtrit(share.count() - 1, 0.975))
    return table.assign(least=table["share"] / reach, largest=table["share"] * reach).reset_index()


def least_growth(paths: pd.DataFrame) -> float:
    """Return the smallest ratio of a layer's norm to that at the look before, over all runs and layers; NaN if lost."""
    ordered = paths.sort_values(["lr", "layer", "step"])
    runs = ordered.groupby(["lr", "layer"])
    return float((ordered["norm"] / runs["norm"].shift())[runs.cumcount() > 0].min(skipna=False))


def share_of_tent(final: pd.DataFrame, tent: pd.DataFrame) -> pd.Series:
    """Return the effective step of the last rows of some runs over that after one update, by lr and layer.

    Parameters
    ----------
    final : DataFrame
        The last rows of `bngd.networks.self_tuning` for each run and layer.
    tent : DataFrame
        As `bngd.networks.tent` gives it, at the same step sizes.
    """
    at_the_end, after_one = (table.set_index(["lr", "layer"])["effective_step"] for table in (final, tent))
    return at_the_end / after_one


def exponent(final: pd.DataFrame, layer: int) -> float:
    """Return p of the fit effective step ~ lr^p over the last rows of some runs, for one layer; NaN for one rate."""
    rows = final[final["layer"] == layer]
    if rows["lr"].nunique() < 2:
        return float("nan")
    return float(np.polyfit(np.log(rows["lr"]), np.log(rows["effective_step"]), 1)[0])
