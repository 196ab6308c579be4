"""Networks whose scale stands still: what loss the weights alone can reach."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.networks import (
    M1,
    M2,
    M3,
    Images,
    Network,
    cross_entropy_floor,
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


def first(data: Images, images: int) -> Images:
    """Return the data with the first training images alone."""
    return replace(data, x_train=data.x_train[:images], y_train=data.y_train[:images])


def shares(data: Images) -> NDArray[np.float64]:
    """Return the part of the training images that each class has, shape (10,)."""
    return np.bincount(data.y_train, minlength=CLASSES) / len(data.y_train)


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
        As `bngd.networks.summary` gives it, with floor: `bngd.networks.cross_entropy_floor` of the run's scale.
    """
    images = len(data.x_train)
    whole: dict[str, Any] = {"batch": images, "evaluation": images, "steps": updates, "record_every": updates}
    jobs = [
        replace(job, gamma=gamma, **whole)
        for gamma in gammas
        for job in grid(network, lr, lr_a=_STANDSTILL, fresh=False)
    ]
    runs = summary(train(jobs, data, workers=1))
    floors = {gamma: cross_entropy_floor(gamma, shares(data)) for gamma in gammas}
    return runs.assign(floor=runs["gamma"].map(floors))


def kept_rows() -> pd.DataFrame:
    """Return the best loss of each kept row under the cross-entropy with `AUTHORS_LR_A`, and what its scale allows.

    Returns
    -------
    DataFrame
        Columns row, network, updates, best (loss), scale (root mean square of the logits' gammas, at most) and floor,
        for classes of equal shares.
    """
    names = {network.with_batch_norm().as_published().name: network.name for network in (M1, M2, M3)}
    rows = []
    for title in kept.rows(parts=True):
        runs = kept.results(title)
        runs = runs[(runs["setting"] == f"split {AUTHORS_LR_A:g}") & runs["network"].isin(names)]
        if len(runs):
            updates = int(runs["steps"].iloc[0])
            scale = float(largest_scale(1.0, AUTHORS_LR_A, updates, CLASSES))
            floor = cross_entropy_floor(scale, np.full(CLASSES, 1 / CLASSES))
            best = float(runs["train_loss"].min())
            name = names[runs["network"].iloc[0]]
            told = {"row": title, "network": name, "updates": updates - 1}
            rows.append(told | {"best": best, "scale": scale, "floor": floor})
    return pd.DataFrame(rows)
