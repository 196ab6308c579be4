"""Do a chunk of runs, by either method, and record what was seen.

A record is an array of shape (5, runs, marks) with a, excess loss, ||w||, effective step and w'g/s.
"""

import numpy as np
from numpy.typing import NDArray

from bngd.arrays import Array
from bngd.ensemble.runs import Runs

QUANTITIES = 5

ROUNDING = 1e-29
"""An excess loss of at most this fraction of u'Hu/2 is rounding error: the run is over, and its state is kept."""

_GD_BLOCK_BYTES = 2**18
"""Size of a block of weights under gradient descent, whose arrays should fit a second-level cache."""

_Flag = NDArray[np.bool_]


def record_runs(runs: Runs, stop: _Flag | None = None) -> Array:
    """Return the record of all given runs, done in this thread; no run depends on which others are given with it.

    Where another thread sets ``stop[0]``, the call returns within a step, and its record is worth nothing.
    """
    stop = np.zeros(1, dtype=bool) if stop is None else stop
    with np.errstate(all="ignore"):  # a run that overflows is an outcome, not an accident
        return _record_gd(runs, stop) if runs.method == "gd" else _record_bngd(runs, stop)


def _record_bngd(runs: Runs, stop: _Flag) -> Array:
    from bngd.ensemble import kernels  # compiling takes a moment, which only those who need it should wait for

    spare = -runs.g.size % kernels.ROWS
    roots = np.sqrt(runs.eigenvalues)
    h = np.pad(runs.g / roots, (0, spare))
    starts = np.pad(runs.starts * roots, ((0, 0), (0, spare)))
    eigenvalues = np.pad(runs.eigenvalues, (0, spare), constant_values=1.0)
    width = min(kernels.lanes(runs.g.size), -(-len(runs) // kernels.VECTOR) * kernels.VECTOR)
    record = np.empty((QUANTITIES, len(runs), runs.marks.size))
    floor = ROUNDING * float(h @ h) / 2
    per_run = (runs.start, runs.lr, runs.lr_a, runs.a0)
    kernels.run_blocks(eigenvalues, h, starts, *per_run, runs.marks, floor, width, record, stop)
    return record


def _record_gd(runs: Runs, stop: _Flag) -> Array:
    """Gradient descent, whose step is linear and diagonal here: k steps multiply u - w by (1 - eps l)^k."""
    record = np.full((QUANTITIES, len(runs), runs.marks.size), np.nan)
    record[3] = runs.lr[:, None]
    width = max(1, _GD_BLOCK_BYTES // (8 * runs.g.size))
    for first in range(0, len(runs), width):
        _record_gd_block(runs, slice(first, first + width), record, stop)
    return record


def _record_gd_block(runs: Runs, block: slice, record: Array, stop: _Flag) -> None:
    u = runs.g / runs.eigenvalues
    factor = 1 - runs.lr[block, None] * runs.eigenvalues
    error = u - runs.starts[runs.start[block]]
    for column, steps in enumerate(np.diff(runs.marks, prepend=0)):
        if stop[0]:
            return
        error *= factor ** int(steps)
        record[1, block, column] = np.sum(runs.eigenvalues * error**2, axis=-1) / 2
        record[2, block, column] = np.sqrt(np.sum((u - error) ** 2, axis=-1))
