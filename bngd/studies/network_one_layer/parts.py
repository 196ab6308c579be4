"""Which parts of a perceptron need a step size that is chosen: each alone, and which scale needs one of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.measure import workable_range
from bngd.networks import Images, Job, Network, tent
from bngd.networks.architectures import Parameters, scale_of
from bngd.networks.training import batch, evaluate, in_precision, initial, initial_moving, trajectory
from bngd.studies.network_one_layer.study import REST

PARTS = ("weights of the hidden layer", "scale of the hidden layer", "weights of the logits", "scale of the logits")
"""The parts of a perceptron that have a step size, in the order of `bngd.networks.Job.rates`. A scale: gamma, beta."""

ALONE = {part: [part] for part in PARTS}
"""What has the step sizes of the grid, while all else has `REST`: each part alone."""

OWN = {
    "one rate for all": [*PARTS],
    "the hidden scale has its own": [PARTS[0], PARTS[2], PARTS[3]],
    "the scale of the logits has its own": [PARTS[0], PARTS[1], PARTS[2]],
    "both scales have their own": [PARTS[0], PARTS[2]],
}
"""The same for the weights and those scales that have no step size of their own."""

SAFE = 4.0
"""No smaller step size of the logits' scale raises the loss by itself (`prop-safe-scale`)."""

_ROUNDING = 1e-12
"""What a loss near log 10 may rise by, in double precision, where a run has come to rest."""


def runs(
    network: Network, moved: Mapping[str, Sequence[str]], lr: ArrayLike, data: Images, *, seeds: int, **same: Any
) -> pd.DataFrame:
    """Return how training ends where some parts of a network have a step size of a grid, and all others have `REST`.

    Parameters
    ----------
    network : Network
        A perceptron with one hidden layer and BN.
    moved : mapping of str to sequence of str
        Setting -> which of `PARTS` have the step sizes of the grid.
    lr : array_like, shape (n,)
    data : Images
    seeds : int
        Repetitions, each with its own start and batches, which all of its runs share.
    **same
        Further entries of `bngd.networks.Job`.

    Returns
    -------
    DataFrame
        Columns setting, seed, lr, train_loss over all training images, and hidden_step, the effective step
        lr/||(gamma, beta)||^2 that the hidden layer's scale ends with if it has the step size lr.
    """
    rows = []
    for (setting, parts), seed, rate in product(moved.items(), range(seeds), np.ravel(lr)):
        job = Job(network, REST, seed=seed, **same)
        rates = [rate if part in parts else REST for part in PARTS]
        *_, end = trajectory(replace(job, record_every=job.steps), data, rates)
        hidden = np.linalg.norm(scale_of(end.parameters, 0))
        rows.append((setting, seed, rate, _loss(job, end.parameters, data), rate / hidden**2))
    return pd.DataFrame(rows, columns=["setting", "seed", "lr", "train_loss", "hidden_step"])


def scale_in_motion(network: Network, lr_a: ArrayLike, data: Images, *, seeds: int, updates: int) -> pd.DataFrame:
    """Return how full-batch descent on the scale of the logits goes while all else stands still, in double precision.

    Parameters
    ----------
    network : Network
        With BN, under the cross-entropy.
    lr_a : array_like, shape (n,)
    data : Images
        All of its training images are in every batch.
    seeds : int
        Repetitions, each with its own weights.
    updates : int

    Returns
    -------
    DataFrame
        Columns lr_a, seed, rises (updates that raise the loss), loss at the end, and share: by how much an update
        lowers the loss at least, over what `prop-safe-scale` of the book promises; NaN where it promises nothing.
    """
    rows = []
    for rate, seed in product(np.ravel(lr_a), range(seeds)):
        whole: dict[str, Any] = {"batch": len(data.x_train), "steps": updates, "record_every": 1, "dtype": "float64"}
        job = Job(network, REST, seed=seed, **whole)
        states = [initial(job, data), *(state.parameters for state in trajectory(job, data, [0.0, 0.0, 0.0, rate]))]
        scale = np.array([scale_of(p, -1) for p in states])
        fall = -np.diff([_loss(job, p, data) for p in states])
        promised = (1 / rate - 1 / SAFE) * np.sum(np.diff(scale, axis=0) ** 2, axis=1)
        share = (fall / promised).min() if rate < SAFE else np.nan
        rows.append((rate, seed, int(np.sum(fall < -_ROUNDING)), _loss(job, states[-1], data), share))
    return pd.DataFrame(rows, columns=["lr_a", "seed", "rises", "loss", "share"])


def _loss(job: Job, parameters: Parameters, data: Images) -> float:
    """Return the loss over all training images, by their own statistics."""
    with in_precision(job):
        everything = batch(data, "train", np.arange(len(data.x_train)), job.dtype)
        loss, _ = evaluate(job.network, parameters, initial_moving(job.network, parameters), True, everything)
        return float(loss)


def hidden_tents(network: Network, lr: ArrayLike, data: Images, *, seeds: int, **same: Any) -> pd.DataFrame:
    """Return `bngd.networks.tent` of the hidden scale for each repetition of `runs`: seed, lr, effective_step."""
    starts = [Job(network, REST, seed=seed, **same) for seed in range(seeds)]
    tents = [tent(start, data, lr, scales=True).assign(seed=start.seed) for start in starts]
    return pd.concat(tents, ignore_index=True)[["seed", "lr", "effective_step"]]


def upper_ends(table: pd.DataFrame, level: float) -> pd.Series:
    """Return the largest step size with a loss below a level, for each setting: the geometric mean over repetitions."""
    ends = {
        identity: workable_range(run["lr"], run["train_loss"], level).high
        for identity, run in table.groupby(["setting", "seed"], sort=False)
    }
    return np.exp(np.log(pd.Series(ends)).groupby(level=0, sort=False).mean())
