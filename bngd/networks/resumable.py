"""Long computations run by run, each with a file of its own: an interruption loses at most the runs in progress."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from bngd.files import plain, write_text
from bngd.machine import commit
from bngd.networks import kept
from bngd.networks.images import Images
from bngd.networks.jobs import Job
from bngd.networks.parallel import as_finished
from bngd.networks.tables import early_losses, identity, summary
from bngd.networks.together import as_finished_together
from bngd.networks.training import FINAL, Training

if TYPE_CHECKING:
    from distributed import Client

_RECORDS = ("step", "loss", "accuracy", "test_loss", "test_accuracy")
"""The lists of a `Training`, which are equally long."""

_SINGLE = "%.9g"
"""Digits that tell any two numbers of single precision apart."""


def run_row(
    name: str,
    jobs: Sequence[Job],
    data: Images,
    output: Path,
    *,
    runs: str | None = None,
    from_kept: bool = False,
    workers: int | None = None,
    client: "Client | None" = None,
    device: "jax.Device | None" = None,
) -> Path:
    """Run every job that has no file yet, then write the row's table with its provenance beside it.

    Parameters
    ----------
    name : str
        Names the table.
    jobs : sequence of Job
    data : Images
    output : Path
        Gets ``<runs>/<key>.json`` for each run, ``<name>.csv`` and ``<name>.json``.
    runs : str or None
        Names the folder of the runs; `name` unless given.
    from_kept : bool
        Whether runs that the package keeps (`bngd.networks.kept`) are taken from there.
    workers, client
        As for `bngd.networks.train`.
    device : jax.Device or None
        Trains as many runs together as it holds.

    Returns
    -------
    Path
        Of the table.
    """
    folder = output / (runs or name)
    folder.mkdir(parents=True, exist_ok=True)
    known = {job.key: read_run(folder / f"{job.key}.json", job) for job in jobs}
    told = _kept(jobs, runs or name) if from_kept else {}
    missing = [job for job in jobs if known[job.key] is None and job.key not in told]
    print(f"{name}: {len(jobs) - len(missing)} of {len(jobs)} runs are there already", flush=True)
    if missing:
        if device is None:
            finished = as_finished(missing, data, workers=workers, client=client)
        else:
            finished = as_finished_together(missing, data, device)
        for done, (i, training) in enumerate(finished, start=1):
            _write_run(folder / f"{missing[i].key}.json", training)
            known[missing[i].key] = training
            print(f"{name}: {len(jobs) - len(missing) + done} of {len(jobs)}", end="\r", flush=True)
        print()
    table = output / f"{name}.csv"
    text = _table([known[job.key] or told[job.key] for job in jobs])
    made = [_made(folder / f"{job.key}.json") if known[job.key] else _made_of(told[job.key]) for job in jobs]
    about = _provenance(made, data) | {"columns": kept.column_sums(text)}
    write_text(table.with_suffix(".json"), json.dumps(about, indent=1) + "\n")
    write_text(table, text)
    print(f"{name}: {table}")
    return table


def _kept(jobs: Sequence[Job], row: str) -> dict[str, dict[str, str]]:
    """Return the lines of those runs that the package keeps, by the keys of their jobs."""
    lines = {tuple(line[name] for name in kept.RUN): line for line in kept.lines(row).to_dict("records")}
    asked = kept.as_text(_csv(pd.DataFrame([identity(job) for job in jobs])))[kept.RUN].itertuples(index=False)
    return {job.key: lines[run] for job, run in zip(jobs, map(tuple, asked), strict=True) if run in lines}


def _table(runs: Sequence[Training | dict[str, str]]) -> str:
    """Return the table of runs, some of which are lines of another already."""
    trainings = [run for run in runs if isinstance(run, Training)]
    text = _csv(summary(trainings).join(early_losses(trainings)))
    if len(trainings) == len(runs):
        return text
    fresh = iter(kept.as_text(text).to_dict("records") if trainings else [])
    lines = pd.DataFrame([next(fresh) if isinstance(run, Training) else run for run in runs])
    return _csv(lines.drop(columns="row"))


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format=_SINGLE)


def read_run(path: Path, job: Job) -> Training | None:
    """Return the run in a file, or None if there is no file or it is damaged: it is then run again."""
    try:
        content = json.loads(path.read_text())
        if content["job"] != repr(job):
            raise ValueError(f"it holds the run of {content['job']}")
        training = Training(job, **{field: _from_json(value) for field, value in content["training"].items()})
        _require_whole(training)
        return training
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{path} is damaged ({error}); running it again", file=sys.stderr)
        return None


def _require_whole(training: Training) -> None:
    lengths = {len(getattr(training, name)) for name in _RECORDS}
    if len(lengths) != 1 or 0 in lengths or set(training.final) != set(FINAL):
        raise ValueError("records are missing")


def _write_run(path: Path, training: Training) -> None:
    """Write a run to its file."""
    fields = asdict(training)
    del fields["job"]
    content = {"job": repr(training.job), "training": fields, "made": _here_and_now()}
    write_text(path, json.dumps(plain(content), allow_nan=False) + "\n")


def _provenance(made: Sequence[dict[str, str]], data: Images) -> dict[str, Any]:
    """Return what a reader needs to judge the numbers: devices, versions, last date, commits of all runs, and the data.

    Runs of several calls may differ in these: all that occur are named.
    """
    seen = {key: ", ".join(sorted({run[key] for run in made})) for key in made[0]}
    return {
        "summary": f"{len(made)} runs on {seen['platform']}",
        "device": seen["device"],
        "versions": {package: seen[package] for package in ("python", "numpy", "jax")},
        "date": max(run["date"] for run in made),
        "commit": seen["commit"],
        "data": data.origin,
    }


def _made(path: Path) -> dict[str, str]:
    unknown = dict.fromkeys(_here_and_now(), "unknown")  # a file of an earlier version of this package
    return unknown | json.loads(path.read_text()).get("made", {})


def _made_of(line: dict[str, str]) -> dict[str, str]:
    """Return what provenance says of a kept run."""
    about = kept.provenance(line["row"])
    told = {name: about[name] for name in ("device", "date", "commit")} | about["versions"]
    return told | {"platform": about["summary"].rpartition(" on ")[2]}


@lru_cache(maxsize=1)
def _here_and_now() -> dict[str, str]:
    device = jax.devices()[0]
    return {
        "platform": device.platform.upper(),
        "device": f"{device.device_kind}, {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "jax": jax.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
    }


def _commit() -> str:
    found = commit(Path(__file__).parent)
    return "unknown" if found["commit"] is None else found["commit"][:12] + "-dirty" * found["modified"]


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _from_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_from_json(v) for v in value]
    return {None: nan, "inf": inf, "-inf": -inf}.get(value, value)
