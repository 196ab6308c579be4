"""Weights times t, their step size times t^2: the same run or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.networks import Job, Network, Training, grid

_Deviations = dict[float, tuple[list[int], NDArray[np.float64]]]
"""t -> (updates, relative difference of the loss from that of the run with t = 1)."""


def scaled(job: Job, t: float) -> Job:
    """Return the run with weights times t and their rate times t^2, whatever rate gamma and beta have."""
    return replace(job, scale=t, lr=job.lr * t**2)


def collapse_jobs(
    networks: Mapping[str, tuple[Network, float | None]], lr: ArrayLike, scales: Iterable[float], **same: Any
) -> list[Job]:
    """Return the runs of each network (with its lr_a) at each scale t and each rate t^2 lr, in that order.

    Further arguments are what all runs share, as `bngd.networks.grid` takes it.
    """
    rates = np.asarray(lr, dtype=float)
    return [
        job
        for network, lr_a in networks.values()
        for t in scales
        for job in grid(network, rates * t**2, lr_a=lr_a, scale=t, fresh=False, **same)
    ]


def deviations(reference: Training, others: Mapping[float, Training]) -> _Deviations:
    """Return for each t how far the recorded losses of a run are from those of the reference, relative to these."""
    return {t: (run.step, np.abs(np.divide(run.loss, reference.loss) - 1)) for t, run in others.items()}


def largest(found: _Deviations, ts: Iterable[float], *, until: int | None = None) -> float:
    """Return the largest deviation over some t, in all updates or in those up to one."""
    return max(
        float(difference[np.asarray(steps) <= (steps[-1] if until is None else until)].max())
        for steps, difference in (found[t] for t in ts)
    )


def spread(runs: pd.DataFrame, scales: Sequence[float]) -> float:
    """Return the median over the rates of the largest final loss over the smallest among the scales.

    Parameters
    ----------
    runs : DataFrame
        The rows of `bngd.networks.summary` for one network, in the order of `collapse_jobs`.
    scales : sequence of float
    """
    loss = runs["train_loss"].to_numpy().reshape(len(scales), -1)
    return float(np.nanmedian(np.nanmax(loss, 0) / np.nanmin(loss, 0)))
