"""`sweep`: every (lr, lr_a, start) of a sweep, as one tidy table.

What a run is and how it ends stand in `bngd.dynamics`; this file asks for the same of many runs at once.
"""

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.arrays import Array
from bngd.dynamics import check_count, classify
from bngd.ensemble.local import run_locally
from bngd.ensemble.progress import Progress, shown_progress
from bngd.ensemble.record import QUANTITIES
from bngd.ensemble.runs import Runs, make_runs
from bngd.machine import cores
from bngd.memory import require_memory
from bngd.problem import Problem

if TYPE_CHECKING:
    from distributed import Client

_TABLE_BYTES = 300
"""What a row of the table takes while it is laid out, its outcome in words included."""


class SweepInterrupted(KeyboardInterrupt):
    """A sweep was stopped by Ctrl-C; `table` is what `sweep` would have returned, with the finished runs alone."""

    def __init__(self, table: pd.DataFrame, total: int) -> None:
        finished = table["run"].nunique()
        super().__init__(
            f"sweep interrupted with {finished} of {total} runs done; their rows are the `table` of this exception: "
            "`except KeyboardInterrupt as stopped`, then `stopped.table`; in a notebook `sys.last_value.table`"
        )
        self.table = table


def sweep(
    problem: Problem,
    lr: ArrayLike,
    *,
    steps: int,
    w0: ArrayLike,
    method: str = "bngd",
    lr_a: ArrayLike = 1.0,
    a0: ArrayLike | None = None,
    checkpoints: Sequence[int] | NDArray[np.integer] | None = None,
    tolerance: float = 1e-10,
    workers: int | None = None,
    client: "Client | str | None" = None,
    progress: bool | Progress | None = None,
) -> pd.DataFrame:
    r"""Run gradient descent or BNGD from every given (lr, lr_a, start) and return what was seen at the checkpoints.

    One step of BNGD is, with :math:`s = \sqrt{w'Hw}` and :math:`q = w'g/s^2`,

    .. math:: a^+ = a + \epsilon_a (w'g/s - a), \qquad w^+ = w + \epsilon (a/s) (g - q H w),

    and the excess loss is evaluated as :math:`(a - w'g/s)^2/2 + \|u - q w\|_H^2/2`, which does not cancel. The numbers
    are those of `bngd.dynamics`, up to the rounding of reordered sums, and do not depend on where or in how many chunks
    the runs are done. A run stops early when it can change no more: its numbers have overflowed (then all of them are
    NaN from there on), or its excess loss is below 1e-29 u'Hu/2, the level of rounding (then they stay as they are).

    Parameters
    ----------
    problem : Problem
        The least-squares problem, in the eigenbasis of H.
    lr, lr_a : array_like
        Step sizes for w and for a, positive.
    steps : int
        Number of steps, at least 1.
    w0 : (..., d) array_like
        Initial weights, nonzero, in the eigenbasis of H. `lr`, `lr_a`, `a0` and the leading axes of `w0` broadcast
        against each other; each element of the result is a run. Every step size from each of m starts is therefore
        ``lr[:, None]`` with a `w0` of shape (m, d).
    method : {"bngd", "gd"}
        Gradient descent ignores `lr_a` and `a0`, and may start from zero.
    a0 : array_like, optional
        Initial a; by default its best value at the start, :math:`w_0'g/s_0`.
    checkpoints : sequence of int, optional
        Steps to report, between 0 and `steps`; only the last by default.
    tolerance : float
        A run has converged when its excess loss is at most this fraction of u'Hu/2; see `bngd.dynamics.classify`.
    workers : int, optional
        Threads in this process; as many as there are cores by default.
    client : distributed.Client or str, optional
        A Dask cluster to run on, or its scheduler's address; by default the address in the environment variable
        ``BNGD_SCHEDULER``, if any. A sweep too small to gain from it stays here: see `bngd.ensemble.cluster`.
    progress : bool or callable, optional
        True shows an estimate of time and memory, then how far the sweep is, on stderr; by default so where it takes
        longer than ten seconds and somebody looks on. A function is called with the number of finished runs and of all.

    Returns
    -------
    pandas.DataFrame
        A row per run and checkpoint: run, lr, lr_a, start (row of `w0`), step, a, excess_loss, relative_loss (to the
        excess loss at step 0), norm_w, effective_step, outcome (of the whole run, a value of `bngd.dynamics.Outcome`).
        `lr_a` and `a` are NaN for gradient descent.

    Raises
    ------
    ValueError
        For step sizes that are not positive and finite, a start that is zero or of the wrong length, shapes that do
        not broadcast, no run at all, fewer than 1 step, checkpoints outside 0 ... `steps`, a tolerance outside (0, 1),
        an unknown method, fewer than 1 worker, or (`bngd.memory.TooLargeError`) a sweep that does not fit into memory.
    bngd.ensemble.cluster.ClusterError
        If the cluster cannot be reached, is lost, or has no workers.
    SweepInterrupted
        A KeyboardInterrupt, within a step of the runs after Ctrl-C; its `table` holds the rows of the finished runs.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 10.0], u=[1, 1])
    >>> table = bngd.sweep(problem, [0.01, 1.0, 100.0], w0=[1.0, 0.1], steps=5000)
    >>> table["outcome"].tolist()
    ['converged to a minimiser', 'converged to a minimiser', 'still moving']
    """
    check_count("steps", steps)
    threads = cores() if workers is None else check_count("workers", workers, "give threads, or None for all cores")
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance is {tolerance!r}; give the fraction of u'Hu/2 that counts as converged, in (0, 1)")
    shown = _check_checkpoints(checkpoints, steps)
    marks = np.unique([0, *shown, steps])
    runs = make_runs(problem, lr, w0=w0, marks=marks, method=method, lr_a=lr_a, a0=a0)
    tell = shown_progress(progress, runs, threads, _require_memory(runs, shown.size, threads))
    cluster = client or os.environ.get("BNGD_SCHEDULER") or None
    record, done = np.full((QUANTITIES, len(runs), marks.size), np.nan), np.zeros(len(runs), dtype=bool)
    try:
        with closing(_executed(runs, threads, cluster)) as parts:
            for chunk, part in parts:
                record[:, chunk], done[chunk] = part, True
                tell(int(done.sum()), len(runs))
    except KeyboardInterrupt:
        table = _tidy(problem, runs, shown, record, tolerance)
        raise SweepInterrupted(table[done[table["run"]]], len(runs)) from None
    return _tidy(problem, runs, shown, record, tolerance)


def _check_checkpoints(checkpoints: Sequence[int] | NDArray[np.integer] | None, steps: int) -> NDArray[np.int64]:
    shown = np.unique(np.asarray([steps] if checkpoints is None else checkpoints))
    if shown.size == 0 or shown.dtype.kind not in "iu" or shown[0] < 0 or shown[-1] > steps:
        raise ValueError(f"checkpoints are {checkpoints!r}; give whole numbers between 0 and steps = {steps}")
    return shown


def _require_memory(runs: Runs, shown: int, workers: int) -> float:
    """Return the bytes that a sweep takes, or refuse it."""
    from bngd.ensemble.kernels import lanes

    results = len(runs) * (8 * QUANTITIES * runs.marks.size + _TABLE_BYTES * shown)
    blocks = 8 * runs.g.size * workers * min(lanes(runs.g.size) + len(runs.starts), 2 * len(runs))
    require_memory(
        results + blocks,
        f"a sweep of {len(runs)} runs with {shown} checkpoints in dimension {runs.g.size}",
        "ask for fewer checkpoints or runs at a time, or compress the problem (bngd.krylov.compress)",
    )
    return results + blocks


def _executed(runs: Runs, workers: int, cluster: "Client | str | None") -> Generator[tuple[slice, Array], None, None]:
    if cluster is not None:
        from bngd.ensemble.cluster import run_on_cluster, worthwhile

        if worthwhile(runs, cluster):
            return run_on_cluster(cluster, runs)
    return run_locally(runs, workers)


def _tidy(problem: Problem, runs: Runs, shown: NDArray[np.int64], record: Array, tolerance: float) -> pd.DataFrame:
    """Lay the record out as one row per run and checkpoint."""
    first, last = record[:, :, 0], record[:, :, -1]
    with np.errstate(all="ignore"):  # a lost run is compared with NaN
        ends = classify(problem, first[1], last[1], last[0], last[4], tolerance=tolerance)
        relative = record[1] / first[1][:, None]
    n, k = len(runs), shown.size
    columns = np.searchsorted(runs.marks, shown)
    a, excess, norm, effective, relative = (v[:, columns].ravel() for v in (*record[:4], relative))
    return pd.DataFrame(
        {
            "run": np.repeat(np.arange(n), k),
            "lr": np.repeat(runs.lr, k),
            "lr_a": np.repeat(runs.lr_a, k),
            "start": np.repeat(runs.start, k),
            "step": np.tile(shown, n),
            "a": a,
            "excess_loss": excess,
            "relative_loss": relative,
            "norm_w": norm,
            "effective_step": effective,
            "outcome": np.repeat(ends, k),
        }
    )
