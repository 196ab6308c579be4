"""Do the chunks of a sweep in this process, on all cores: compiled code runs outside the interpreter's lock."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import pairwise
from math import gcd

import numpy as np
from numpy.typing import NDArray

from bngd.ensemble.runs import Runs

STEP_SECONDS = 2.5e-10
"""About what a coordinate and step of one run costs; only the size of chunks depends on it, no result."""

_CHUNK_SECONDS = 0.004
"""Long enough for handing a chunk to a thread to cost nothing, short enough for all cores to end together."""


def chunk_size(runs: Runs, workers: int, seconds: float = _CHUNK_SECONDS) -> int:
    """Return how many runs make a chunk of about so many seconds, so that no worker waits long for another at the end.

    Whole blocks, as many for each worker where that many runs are few.
    """
    from bngd.ensemble.kernels import VECTOR, lanes

    block = lanes(runs.g.size)
    share = -(-len(runs) // (workers * VECTOR)) * VECTOR
    return min(share, block * max(1, round(seconds / (STEP_SECONDS * runs.g.size * float(runs.marks[-1]) * block))))


def chunks(runs: Runs, size: int, workers: int) -> list[slice]:
    """Cut the runs into chunks of at most `size`, as many for each worker, and none much larger than another."""
    from bngd.ensemble.kernels import VECTOR

    unit = gcd(size, VECTOR)  # a chunk of whole vectors stays one
    number = -(-len(runs) // (size * workers)) * workers
    units = -(-len(runs) // unit)
    edges = sorted({min(unit * (units * k // number), len(runs)) for k in range(number + 1)})
    return [slice(*ends) for ends in pairwise(edges)]


def run_locally(runs: Runs, workers: int) -> Generator[tuple[slice, NDArray[np.float64]], None, None]:
    """Yield each chunk of the runs with its record, as it is finished; whoever stops asking stops the threads, too."""
    from bngd.ensemble.record import record_runs

    stop = np.zeros(1, dtype=bool)
    pool = ThreadPoolExecutor(workers)
    dealt = chunks(runs, chunk_size(runs, workers), workers)
    futures = {pool.submit(lambda chunk: record_runs(runs.part(chunk), stop), chunk): chunk for chunk in dealt}
    try:
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    finally:
        stop[0] = True  # nobody waits for the threads: they see it within a step
        pool.shutdown(wait=False, cancel_futures=True)
