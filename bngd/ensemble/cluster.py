"""Do the chunks of a sweep on a Dask cluster."""

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bngd.ensemble.record import record_runs
from bngd.ensemble.runs import Runs

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10

CHUNK_SECONDS = 2.0
"""What a chunk should take: long beside the milliseconds of sending it, short beside the loss of a killed worker."""

AHEAD = 3
"""Chunks that wait at each thread of the cluster: none idles, and the scheduler never holds a whole sweep."""

PROBE_RUNS = 16
"""Size of the first chunks, from which the cost of a run is measured."""


class ClusterError(ConnectionError):
    """The cluster cannot be reached, was lost, or has nobody to work."""


@contextmanager
def connected(client: "Client | None", scheduler: str | None) -> Iterator["Client"]:
    """Give the client itself, or one for the scheduler's address for as long as it is needed.

    Raises
    ------
    ClusterError
        If no scheduler answers at the address.
    """
    from distributed import Client

    if client is not None:
        yield client
        return
    try:
        own = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as reason:
        raise ClusterError(
            f"no Dask scheduler answers at {scheduler!r} ({reason}); start one with `dask scheduler`, or give no "
            "address (and leave BNGD_SCHEDULER unset) to run on this machine"
        ) from reason
    with own:
        yield own


def _timed_record(runs: Runs) -> tuple[NDArray[np.float64], float]:
    """Return the record of some runs and the seconds that they took: what a worker does."""
    if runs.method == "bngd":
        import bngd.ensemble.kernels  # noqa: F401  # loading compiled code is not a cost of the runs
    begin = time.perf_counter()
    return record_runs(runs), time.perf_counter() - begin


class Dealer:
    """Deals out ranges of runs in chunks whose size follows the cost of a run as it is measured."""

    def __init__(self, todo: list[slice], size: int | None) -> None:
        self._todo = list(reversed(todo))
        self._size = size
        self._runs, self._seconds = 0, 0.0

    def learn(self, chunk: slice, seconds: float) -> None:
        """Take one more measurement into account."""
        self._runs += chunk.stop - chunk.start
        self._seconds += seconds

    def next(self) -> slice | None:
        """Return the next chunk, or None when all are dealt."""
        if not self._todo:
            return None
        whole = self._todo.pop()
        chunk = slice(whole.start, min(whole.start + self._next_size(), whole.stop))
        if chunk.stop < whole.stop:
            self._todo.append(slice(chunk.stop, whole.stop))
        return chunk

    def _next_size(self) -> int:
        if self._size is not None:
            return self._size
        if self._runs == 0:
            return PROBE_RUNS
        return max(PROBE_RUNS, round(CHUNK_SECONDS * self._runs / max(self._seconds, 1e-9)))


def run_on_cluster(
    client: "Client", runs: Runs, todo: list[slice], *, size: int | None = None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield each chunk of the runs in `todo` with its record, as a worker finishes it.

    A worker that is killed costs its chunks under way, which the scheduler gives to another.

    Raises
    ------
    ClusterError
        If there is no worker, if the scheduler is lost, or if chunks keep killing their workers.
    """
    from distributed import as_completed

    threads = sum(client.nthreads().values())
    if threads == 0:
        raise ClusterError(f"{client} has no workers; start some with `dask worker`")
    dealer = Dealer(todo, size)
    under_way: dict[Any, slice] = {}
    results = as_completed(loop=client.loop)
    with _translated(client):
        while True:
            while len(under_way) < AHEAD * threads and (chunk := dealer.next()) is not None:
                future = _submit(client, runs.part(chunk))
                under_way[future.key] = chunk
                results.add(future)
            if not under_way:
                return
            future = next(results)
            part, seconds = future.result()
            chunk = under_way.pop(future.key)
            dealer.learn(chunk, seconds)
            yield chunk, part


def _submit(client: "Client", part: Runs) -> Any:
    with warnings.catch_warnings():  # a chunk of a large problem is large, and is sent once
        warnings.filterwarnings("ignore", message="Sending large graph")
        return client.submit(_timed_record, part, pure=False)


@contextmanager
def _translated(client: "Client") -> Iterator[None]:
    from distributed import KilledWorker
    from distributed.client import ClosedClientError, FutureCancelledError
    from distributed.comm import CommClosedError

    name = str(client)
    try:
        yield
    except KilledWorker as reason:
        raise ClusterError(
            "a chunk ended several workers in turn; see their logs, and whether they have memory"
        ) from reason
    except (CommClosedError, ClosedClientError, FutureCancelledError, TimeoutError) as reason:
        raise ClusterError(
            f"{name} was lost during the sweep; with resume=folder another call goes on from what is finished"
        ) from reason


def print_progress(done: int, total: int) -> None:
    """Show how far a sweep has come, on a terminal only: a notebook's output must not hold timings."""
    if sys.stderr.isatty():
        print(f"\rsweep: {done} of {total} runs", end="\n" if done == total else "", file=sys.stderr, flush=True)
