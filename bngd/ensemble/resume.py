"""Finished chunks of a sweep on disk, so that a sweep that was interrupted goes on where it stopped."""

import hashlib
import os
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bngd.ensemble.runs import Runs
from bngd.files import replacing

FLUSH_SECONDS = 2.0
"""Finished runs are written at least this far apart: what an interruption can cost, besides the chunks under way."""

FORMAT = 1
"""Part of the key; to be raised when a change of the code changes what a record holds."""


def fingerprint(runs: Runs) -> str:
    """Return a hash of every input that a record depends on."""
    digest = hashlib.sha256(f"{FORMAT} {runs.method}".encode())
    for field in fields(runs):
        value = getattr(runs, field.name)
        if isinstance(value, np.ndarray):
            digest.update(f"{field.name} {value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:32]


class Finished:
    """The runs of one sweep that are done, in files of ``folder/fingerprint/``.

    Each file holds the indices of some runs and their records, and appears whole or not at all: it is written under
    another name and renamed. Another sweep has another fingerprint, so that no stale result is ever taken.
    """

    def __init__(self, folder: str | os.PathLike[str], runs: Runs) -> None:
        self.folder = Path(folder) / fingerprint(runs)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._waiting: list[tuple[slice, NDArray[np.float64]]] = []
        self._written = time.monotonic()

    def load(self, record: NDArray[np.float64]) -> list[slice]:
        """Fill `record` with what is done and return the ranges of runs that are not."""
        missing = np.ones(record.shape[1] + 1, dtype=bool)
        for path in sorted(self.folder.glob("*.npz")):
            with np.load(path) as saved:
                record[:, saved["runs"]] = saved["record"]
                missing[saved["runs"]] = False
        missing[-1] = False
        edges = np.flatnonzero(np.diff(missing, prepend=False))
        return [slice(int(i), int(j)) for i, j in edges.reshape(-1, 2)]

    def add(self, chunk: slice, part: NDArray[np.float64]) -> None:
        """Keep one more chunk; it reaches the disk with the next `write`, which is at most seconds away."""
        self._waiting.append((chunk, part))
        if time.monotonic() - self._written > FLUSH_SECONDS:
            self.write()

    def write(self) -> None:
        """Write what has been added since the last time."""
        if not self._waiting:
            return
        runs = np.concatenate([np.arange(chunk.start, chunk.stop) for chunk, _ in self._waiting])
        record = np.concatenate([part for _, part in self._waiting], axis=1)
        with replacing(self.folder / f"{runs.min():09d}-{len(runs)}.npz") as path, path.open("wb") as file:
            np.savez(file, runs=runs, record=record)
        self._waiting, self._written = [], time.monotonic()
