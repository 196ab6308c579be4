"""Networks whose scale stands still: what loss the weights alone can reach."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.networks import (
    M1,
    M2,
    M3,
    Images,
    Network,
    cross_entropy_floor,
    cross_entropy_floor_of_norm,
    grid,
    kept,
    largest_scale,
    summary,
    train,
)
from bngd.networks.images import CLASSES

_STANDSTILL = 1e-9
"""A step size of gamma and beta with which neither moves within the precision that a run is made in."""


AUTHORS_LR_A = 0.001
"""The eps_a of those scripts that have but one."""


def losses(network: Network, lr: ArrayLike, gammas: Sequence[float], data: Images, *, updates: int) -> pd.DataFrame:
    """Return how full-batch descent ends at each step size, with each scale at a standstill.

    Parameters
    ----------
    network : Network
        With BN.
    lr : array_like, shape (n,)
    gammas : sequence of float
    data : Images
        All of its training images are in every batch.
    updates : int

    Returns
    -------
    DataFrame
        As `bngd.networks.summary` gives it, with floor: `bngd.networks.cross_entropy_floor` of the run's scale, and
        ratio: its training loss over that.
    """
    images = len(data.x_train)
    whole: dict[str, Any] = {"batch": images, "evaluation": images, "steps": updates, "record_every": updates}
    jobs = [
        replace(job, gamma=gamma, **whole)
        for gamma in gammas
        for job in grid(network, lr, lr_a=_STANDSTILL, fresh=False)
    ]
    runs = summary(train(jobs, data, workers=1))
    shares = np.bincount(data.y_train, minlength=CLASSES) / images
    runs["floor"] = [cross_entropy_floor(gamma, shares) for gamma in runs["gamma"]]
    return runs.assign(ratio=runs["train_loss"] / runs["floor"])


def kept_rows() -> pd.DataFrame:
    """Return the best loss of each kept row under the cross-entropy with `AUTHORS_LR_A`, and what its scale allows.

    Returns
    -------
    DataFrame
        Columns row, network, updates, best (loss), scale (root mean square of the logits' gammas, at most) and floor.
    """
    runs = kept.gathered(kept.rows(parts=True))
    runs["network"] = runs["network"].str[:2]  # "m1 as published" is m1
    of_rate = runs["setting"] == f"split {AUTHORS_LR_A:g}"
    rows = runs[of_rate & runs["network"].isin(network.name for network in (M1, M2, M3))].groupby("row", as_index=False)
    table = rows.agg(network=("network", "first"), steps=("steps", "first"), best=("train_loss", "min"))
    table["scale"] = largest_scale(1.0, AUTHORS_LR_A, table["steps"], CLASSES)
    table["floor"] = [cross_entropy_floor_of_norm(np.sqrt(CLASSES) * scale, CLASSES) for scale in table["scale"]]
    table.insert(2, "updates", table.pop("steps") - 1)
    return table
