"""Tables of many runs, for plots and files."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bngd.networks.jobs import Job
from bngd.networks.training import Training


def summary(trainings: Sequence[Training]) -> pd.DataFrame:
    """Return a table with one row a run: what it was, how it ended, its final losses and accuracies."""
    rows = [_identity(t.job) | {"outcome": t.outcome} | t.final for t in trainings]
    return pd.DataFrame(rows)


def curves(trainings: Sequence[Training]) -> pd.DataFrame:
    """Return a table with one row a run and record: step, loss and accuracy on train and test batch."""
    parts = []
    for run_number, t in enumerate(trainings):
        part = pd.DataFrame(
            {name: getattr(t, name) for name in ("step", "loss", "accuracy", "test_loss", "test_accuracy")}
        )
        parts.append(part.assign(run=run_number, **_identity(t.job)))
    return pd.concat(parts, ignore_index=True)


def _identity(job: Job) -> dict[str, Any]:
    kept = ("lr", "seed", "scale", "gamma", "dtype", "steps")
    network = {"network": job.network.name, "setting": job.setting, "epsilon": job.network.epsilon}
    return network | {name: getattr(job, name) for name in kept}
