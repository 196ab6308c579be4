"""Long computations run by run, each with a file of its own: an interruption loses at most the runs in progress."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from bngd.networks.data import Dataset
from bngd.networks.jobs import Job
from bngd.networks.parallel import as_finished
from bngd.networks.tables import summary
from bngd.networks.training import Training

if TYPE_CHECKING:
    from distributed import Client


def run_row(
    name: str,
    jobs: Sequence[Job],
    data: Dataset,
    output: Path,
    *,
    workers: int | None = None,
    client: "Client | None" = None,
) -> Path:
    """Run every job that has no file yet, then write the row's table with its provenance beside it.

    Parameters
    ----------
    name : str
        Names the folder of the runs and the table.
    jobs : sequence of Job
    data : Dataset
    output : Path
        Gets ``<name>/<key>.json`` for each run, ``<name>.csv`` and ``<name>.json``.
    workers, client
        As for `bngd.networks.train`.

    Returns
    -------
    Path
        Of the table.
    """
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    known = {job.key: read_run(folder / f"{job.key}.json", job) for job in jobs}
    missing = [job for job in jobs if known[job.key] is None]
    print(f"{name}: {len(jobs) - len(missing)} of {len(jobs)} runs are there already", flush=True)
    if missing:
        for done, (i, training) in enumerate(as_finished(missing, data, workers=workers, client=client), start=1):
            write_run(folder / f"{missing[i].key}.json", training)
            known[missing[i].key] = training
            print(f"{name}: {len(jobs) - len(missing) + done} of {len(jobs)}", end="\r", flush=True)
        print()
    table = output / f"{name}.csv"
    if not missing and table.exists():  # its provenance says who made it, and that was not this call
        print(f"{name}: {table}")
        return table
    write_atomically(table, summary([t for job in jobs if (t := known[job.key])]).to_csv(index=False))
    write_atomically(output / f"{name}.json", json.dumps(provenance(data, len(jobs)), indent=1) + "\n")
    print(f"{name}: {table}")
    return table


def read_run(path: Path, job: Job) -> Training | None:
    """Return the run in a file, or None if there is no file or it is damaged: it is then run again."""
    try:
        content = json.loads(path.read_text())
        return Training(job, **{field: _from_json(value) for field, value in content["training"].items()})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        print(f"{path} is damaged ({error}); running it again", file=sys.stderr)
        return None


def write_run(path: Path, training: Training) -> None:
    """Write a run to its file."""
    fields = asdict(training)
    del fields["job"]
    content = {"job": repr(training.job), "training": {k: _to_json(v) for k, v in fields.items()}}
    write_atomically(path, json.dumps(content, allow_nan=False) + "\n")


def write_atomically(path: Path, text: str) -> None:
    """Write a file under another name and rename it: under its own name it is always whole."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_text(text)
    partial.replace(path)


def provenance(data: Dataset, runs: int) -> dict[str, Any]:
    """Return what a reader needs to judge the numbers: device, versions, date, commit, data."""
    device = jax.devices()[0]
    return {
        "summary": f"{runs} runs on {device.platform.upper()}",
        "device": f"{device.device_kind}, {platform.machine()}",
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "jax": jax.__version__},
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "data": data.origin,
    }


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _to_json(value: Any) -> Any:
    """Write what is not finite as null: JSON has no NaN."""
    if isinstance(value, dict):
        return {k: _to_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_to_json(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _from_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_from_json(v) for v in value]
    return nan if value is None else value
