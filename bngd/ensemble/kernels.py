"""The compiled steps of BNGD, for a block of runs side by side.

The layout is what makes them fast. A block keeps the weights of up to `MAX_LANES` runs as rows of coordinates by
columns of runs, so that one vector instruction advances the same coordinate of several runs; no step ends in a
horizontal sum, the square root and divisions of a step are vector instructions too, and eigenvalues and targets are
read once for the whole block. The update is fused with the two sums that the next step needs, w'Hw and w'g, so that a
step reads and writes the weights once. Four coordinates are advanced together to halve the traffic of the sums.

The weights are kept as z = sqrt(H) w, where with h = sqrt(H) u = g/sqrt(l)

    s^2 = z'z,   w'g = h'z,   z+ = z + l (c h - b z),   c = eps a/s,   b = c q,

which is five multiply-adds per coordinate and step. Each run's sums are taken in the same order whatever its
neighbours and its place in a block, so that results do not depend on how runs are dealt out. Of LLVM's relaxations only
``contract`` (a multiply and an add become one instruction) is allowed: NaN and infinity keep their meaning.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bngd.arrays import Array

VECTOR = 16
"""Runs are advanced in multiples of this; spare columns repeat a run, since a scalar remainder would cost more."""

ROWS = 4
"""Coordinates are padded with zeros to a multiple of this: a zero weight with a zero target stays zero."""

MAX_LANES, MIN_LANES, _BLOCK_BYTES = 256, 32, 3 * 2**18
"""Most and fewest runs in a block, and the size that its weights should not pass, so as to fit a second-level cache.

A loop over the runs begins anew for every four coordinates: with 96 runs a step took a sixth longer at d = 100, and a
third at d = 12.
"""

_LINE = 8
"""Numbers that fill a cache line, or the longest vector."""

_CHECK_EVERY = 128
"""Steps between two looks at whether a run is over; a look costs about two steps."""

_Indices = NDArray[np.int64]
_Flag = NDArray[np.bool_]


def compiled(function: Callable[..., Any]) -> Any:
    """Compile with the machine code kept on disk, or in memory alone where no folder can be written to."""
    with_options = partial(numba.njit, nogil=True, fastmath={"contract"}, error_model="numpy")
    try:
        return with_options(cache=True)(function)
    except RuntimeError:
        return with_options()(function)


def lanes(dimension: int) -> int:
    """Return how many runs share a block at this dimension."""
    fitting = _BLOCK_BYTES // (8 * dimension) // VECTOR * VECTOR
    return min(max(fitting, MIN_LANES), MAX_LANES)


@compiled
def _advance_scalars(active: int, lr: Array, lr_a: Array, a: Array, p: Array, s: Array, b: Array, c: Array) -> None:
    """Set b and c from the sums p = w'g and s = w'Hw, advance a, and clear the sums."""
    for j in range(active):
        sigma = math.sqrt(s[j])
        best_a = p[j] / sigma
        c[j] = lr[j] * a[j] / sigma
        b[j] = c[j] * (best_a / sigma)
        a[j] += lr_a[j] * (best_a - a[j])
        p[j] = 0.0
        s[j] = 0.0


@compiled
def _advance_weights(
    active: int, eigenvalues: Array, h: Array, z: Array, b: Array, c: Array, p: Array, s: Array
) -> None:
    """Take z to z + l (c h - b z) and add up the next step's sums on the way, four coordinates at a time."""
    for i in range(0, z.shape[0], ROWS):
        l0, l1, l2, l3 = eigenvalues[i], eigenvalues[i + 1], eigenvalues[i + 2], eigenvalues[i + 3]
        h0, h1, h2, h3 = h[i], h[i + 1], h[i + 2], h[i + 3]
        z0, z1, z2, z3 = z[i], z[i + 1], z[i + 2], z[i + 3]
        for j in range(active):
            bj, cj = b[j], c[j]
            x0 = z0[j] + l0 * (cj * h0 - bj * z0[j])
            x1 = z1[j] + l1 * (cj * h1 - bj * z1[j])
            x2 = z2[j] + l2 * (cj * h2 - bj * z2[j])
            x3 = z3[j] + l3 * (cj * h3 - bj * z3[j])
            z0[j], z1[j], z2[j], z3[j] = x0, x1, x2, x3
            p[j] += h0 * x0 + h1 * x1 + (h2 * x2 + h3 * x3)
            s[j] += x0 * x0 + x1 * x1 + (x2 * x2 + x3 * x3)


@compiled
def _begin_sums(h: Array, z: Array, p: Array, s: Array) -> None:
    """Set p = w'g and s = w'Hw of every column."""
    p[:] = 0.0
    s[:] = 0.0
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            p[j] += h[i] * z[i, j]
            s[j] += z[i, j] * z[i, j]


@compiled
def _observe(active: int, eigenvalues: Array, h: Array, z: Array, state: Array, seen: Array) -> None:
    """Fill the rows of `seen` with a, excess loss, ||w||, effective step and w'g/s.

    A run whose w'Hw has overflowed is lost, though its a alone may look harmless: all of it is NaN.
    """
    lr, a, p, s = state[0], state[2], state[3], state[4]
    seen[1, :] = 0.0
    seen[2, :] = 0.0
    for i in range(z.shape[0]):
        for j in range(active):
            e = h[i] - p[j] / s[j] * z[i, j]
            seen[1, j] += e * e
            seen[2, j] += z[i, j] * z[i, j] / eigenvalues[i]
    for j in range(active):
        sigma = math.sqrt(s[j])
        best_a = p[j] / sigma
        known = 0.0 if s[j] < math.inf and abs(a[j]) < math.inf else math.nan
        seen[0, j] = a[j] + known
        seen[1, j] = ((a[j] - best_a) ** 2 + seen[1, j]) / 2 + known
        seen[2, j] = math.sqrt(seen[2, j]) + known
        seen[3, j] = lr[j] * a[j] / sigma * (best_a / sigma) + known
        seen[4, j] = best_a + known


@compiled
def _move_column(array: Array, source: int, target: int) -> None:
    """Copy one column of an array over another."""
    for i in range(array.shape[0]):
        array[i, target] = array[i, source]


@compiled
def _write_column(seen: Array, j: int, record: Array, run: int, first: int, last: int) -> None:
    """Write what was seen of one run into its marks first ... last - 1."""
    for quantity in range(seen.shape[0]):
        for mark in range(first, last):
            record[quantity, run, mark] = seen[quantity, j]


@compiled
def _retire(
    live: int, floor: float, z: Array, state: Array, seen: Array, owner: _Indices, mark: int, record: Array
) -> int:
    """Take the runs that can change no more out of a block and return how many live on.

    Such a run is lost, or its excess loss is at the level of rounding; its later marks hold what it ended with. The
    last live run moves into its column.
    """
    j = 0
    while j < live:
        if seen[1, j] > floor:
            j += 1
            continue
        _write_column(seen, j, record, owner[j], mark, record.shape[2])
        live -= 1
        _move_column(z, live, j)
        _move_column(state, live, j)
        _move_column(seen, live, j)
        owner[j] = owner[live]
    return live


@compiled
def _run_block(
    eigenvalues: Array,
    h: Array,
    z: Array,
    state: Array,
    seen: Array,
    owner: _Indices,
    live: int,
    marks: _Indices,
    floor: float,
    record: Array,
    stop: _Flag,
) -> None:
    """Advance one block through the steps `marks`, filling ``record[:, run, mark]``.

    The rows of `state` are lr, lr_a, a, p = w'g, s = w'Hw, b and c, with a column for each run; `owner` holds their
    numbers. Only the first `live` columns are runs of their own.
    """
    lr, lr_a, a, p, s, b, c = state[0], state[1], state[2], state[3], state[4], state[5], state[6]
    done, mark = 0, 0
    while live > 0 and mark < len(marks):
        active = (live + VECTOR - 1) // VECTOR * VECTOR
        pause = min(done + _CHECK_EVERY, marks[mark])
        for _ in range(done, pause):
            if stop[0]:  # set by another thread: a block of long runs takes minutes
                return
            _advance_scalars(active, lr, lr_a, a, p, s, b, c)
            _advance_weights(active, eigenvalues, h, z, b, c, p, s)
        done = pause
        _observe(active, eigenvalues, h, z, state, seen)
        if done == marks[mark]:
            for j in range(live):
                _write_column(seen, j, record, owner[j], mark, mark + 1)
            mark += 1
        live = _retire(live, floor, z, state, seen, owner, mark, record)


@compiled
def _empty(rows: int, columns: int) -> Array:
    """Return an array that begins where a cache line does: a vector that lies across two lines costs two reads.

    Where memory happens to be given decides otherwise how long a sweep takes, by up to 30 %.
    """
    spare = np.empty(rows * columns + _LINE)
    first = -(spare.ctypes.data // 8) % _LINE
    return spare[first : first + rows * columns].reshape(rows, columns)


@compiled
def run_blocks(
    eigenvalues: Array,
    h: Array,
    starts: Array,
    start: _Indices,
    lr: Array,
    lr_a: Array,
    a0: Array,
    marks: _Indices,
    floor: float,
    width: int,
    record: Array,
    stop: _Flag,
) -> None:
    """Run BNGD for all given runs, `width` (a multiple of `VECTOR`) at a time, with memory for one block.

    `starts` (m, rows) are in the coordinates z, padded like `eigenvalues` and `h`; `marks` ascend; `record` has shape
    (5, runs, marks). Once ``stop[0]`` is set, the call returns within a step, its record unfinished.
    """
    rows, runs = len(h), len(lr)
    z, state, seen = _empty(rows, width), _empty(7, width), _empty(5, width)
    owner = np.empty(width, dtype=np.int64)
    for first in range(0, runs, width):
        if stop[0]:
            return
        for j in range(width):
            run = min(first + j, runs - 1)
            owner[j], state[0, j], state[1, j], state[2, j] = run, lr[run], lr_a[run], a0[run]
            for i in range(rows):
                z[i, j] = starts[start[run], i]
        _begin_sums(h, z, state[3], state[4])
        _run_block(eigenvalues, h, z, state, seen, owner, min(width, runs - first), marks, floor, record, stop)
