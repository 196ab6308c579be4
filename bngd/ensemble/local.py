"""Do the chunks of a sweep in this process, on all cores: compiled code runs outside the interpreter's lock."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
from numpy.typing import NDArray

from bngd.ensemble.runs import Runs
from bngd.machine import cores

STEP_SECONDS = 2.5e-10
"""About what a coordinate and step of one run costs; only the size of chunks depends on it, no result."""

CHUNK_SECONDS = 0.004
"""Long enough for handing a chunk to a thread to cost nothing, short enough for all cores to end together."""


def split(ranges: list[slice], size: int) -> list[slice]:
    """Cut ranges of runs into chunks of at most `size` runs."""
    return [slice(i, min(i + size, r.stop)) for r in ranges for i in range(r.start, r.stop, size)]


def chunk_size(runs: Runs, workers: int) -> int:
    """Return how many runs make a chunk, so that no worker waits long for another at the end."""
    from bngd.ensemble.kernels import VECTOR, lanes

    block = lanes(runs.g.size)
    seconds = STEP_SECONDS * runs.g.size * float(runs.marks[-1]) * block
    share = -(-len(runs) // (workers * VECTOR)) * VECTOR
    return min(share, block * max(1, round(CHUNK_SECONDS / seconds)))


def run_locally(
    runs: Runs, todo: list[slice], *, workers: int | None = None, size: int | None = None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield each chunk of the runs in `todo` with its record, as it is finished."""
    from bngd.ensemble.record import record_runs

    workers = workers or cores()
    chunks = split(todo, size or chunk_size(runs, workers))
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(lambda chunk: record_runs(runs.part(chunk)), chunk): chunk for chunk in chunks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()
