"""How long a sweep takes, told before it begins and while it goes on."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bngd.ensemble.local import STEP_SECONDS
from bngd.ensemble.record import record_runs
from bngd.ensemble.runs import Runs
from bngd.text import duration

_LONG_SECONDS = 10.0
"""A sweep that takes longer says so, and shows how far it has come."""

_TRIAL_SECONDS = 0.02
"""About what measuring the cost of a step may take."""

Progress = Callable[[int, int], None]


def estimated_seconds(runs: Runs, workers: int) -> float:
    """Return about how long the runs take on so many cores if none ends early, from the first steps of one block."""
    from bngd.ensemble.kernels import lanes

    some = runs.part(slice(0, lanes(runs.g.size)))
    last = int(runs.marks[-1])
    few = min(last, max(1, int(_TRIAL_SECONDS / (STEP_SECONDS * runs.g.size * len(some)))))
    trials = [replace(some, marks=np.array([0, steps])) for steps in (1, 1 + few)]
    record_runs(trials[0])  # compiles
    begin = time.perf_counter()
    record_runs(trials[0])
    middle = time.perf_counter()
    record_runs(trials[1])
    each = max(time.perf_counter() - middle - (middle - begin), 0.0) / few
    # Gradient descent jumps from one checkpoint to the next; its cost is theirs.
    cost = (middle - begin) / 2 * runs.marks.size if runs.method == "gd" else each * last
    return cost * len(runs) / len(some) / min(workers, -(-len(runs) // len(some)))


def _watched() -> bool:
    """Return whether somebody looks on: at a terminal or in JupyterLab, but not where a book's page is being made."""
    return "BNGD_OUTPUT" not in os.environ and (sys.stderr.isatty() or "ipykernel" in sys.modules)


class _Line:
    """A line on stderr that says how many runs are done and how long the rest takes, a few times a second."""

    def __init__(self, announcement: str) -> None:
        print(f"sweep: {announcement}", file=sys.stderr, flush=True)
        self._begin = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` runs are done."""
        now = time.monotonic()
        if done < total and now - self._last < 0.25:
            return
        self._last, passed = now, now - self._begin
        left = f"about {duration(passed * (total - done) / done)} left" if done < total else "done"
        print(f"\rsweep: {done} of {total} runs in {duration(passed)}, {left}   ", end="\n" if done == total else "",
              file=sys.stderr, flush=True)  # fmt: skip


def shown_progress(progress: bool | Progress | None, runs: Runs, workers: int, size: float) -> Progress:
    """Return what is to be called with the number of finished runs and of all, and announce a long sweep.

    Raises
    ------
    TypeError
        If `progress` is neither a bool, nor a function, nor None.
    """
    if callable(progress):
        return progress
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(
            f"progress is {progress!r}; give True or False, a function of the number of finished runs and of all, or "
            "None to see it where a sweep is long"
        )
    least = STEP_SECONDS * runs.g.size * float(runs.marks[-1]) * len(runs) / workers
    if progress is False or (progress is None and (not _watched() or least < _LONG_SECONDS / 10)):
        return lambda done, total: None
    seconds = estimated_seconds(runs, workers)
    if progress is None and seconds < _LONG_SECONDS:
        return lambda done, total: None
    return _Line(
        f"{len(runs)} runs of {runs.marks[-1]} steps in dimension {runs.g.size} on {workers} cores: at most about "
        f"{duration(seconds)} and {size / 2**20:.2g} MiB; Ctrl-C stops it and keeps the finished runs"
    )
