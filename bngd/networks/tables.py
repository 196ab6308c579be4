"""Tables of many runs, for plots and files."""

from collections.abc import Sequence
from math import nan
from typing import Any

import pandas as pd

from bngd.networks.jobs import Job
from bngd.networks.training import DIVERGED, Training

_MILESTONES = (200, 600, 2000, 6000)
"""Updates after which a row's table says where each run stood."""

_SMOOTHED = 10
"""Records of the loss, on a batch of 100 each, that are averaged."""


def summary(trainings: Sequence[Training]) -> pd.DataFrame:
    """Return a table with one row a run: what it was, how it ended, its final losses and accuracies."""
    rows = [identity(t.job) | {"outcome": t.outcome} | t.final for t in trainings]
    return pd.DataFrame(rows)


def early_losses(trainings: Sequence[Training]) -> pd.DataFrame:
    """Return what each run's loss was on the way: a column for each of `_MILESTONES` that a run reaches.

    ``loss_200`` is the mean over the last `_SMOOTHED` records up to the 201st update, each on the batch just trained
    on; NaN where a run had diverged by then.
    """
    reached = [m for m in _MILESTONES if any(t.job.steps > m for t in trainings)]
    return pd.DataFrame({f"loss_{m}": [_loss_at(t, m) for t in trainings] for m in reached})


def _loss_at(training: Training, updates: int) -> float:
    seen = [loss for step, loss in zip(training.step, training.loss, strict=True) if step <= updates + 1]
    stopped = training.outcome == DIVERGED and training.step[-1] <= updates + 1
    return nan if stopped or training.job.steps <= updates else sum(seen[-_SMOOTHED:]) / len(seen[-_SMOOTHED:])


def identity(job: Job) -> dict[str, Any]:
    """Return what a table says of a run before its results."""
    kept = ("lr", "seed", "scale", "gamma", "dtype", "steps")
    network = {"network": job.network.name, "setting": job.setting, "epsilon": job.network.epsilon}
    return network | {name: getattr(job, name) for name in kept}
