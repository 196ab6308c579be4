"""Do the chunks of a sweep on a Dask cluster.

Where the workers have every core of a machine, start them with ``DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False``:
Dask's profiler looks at each of them a hundred times a second, a twentieth of what two can do on two cores. Without it
they are as fast as two threads of one process: `benchmarks.growth.with_cores`.
"""

import itertools
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bngd.ensemble.local import chunk_size, chunks
from bngd.ensemble.record import record_runs
from bngd.ensemble.runs import Runs

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10

_CHUNK_SECONDS = 0.8
"""What a chunk should take: long beside what sending it costs, short beside the sweep.

Measured on a sweep of 10^10 coordinate-steps by two workers: from 0.2 to 1.6 it makes no difference.
"""

AHEAD = 3
"""Chunks that wait at each thread of the cluster: none idles, and the scheduler never holds a whole sweep."""

HOME_STEPS = 5e9
"""Coordinate-steps (runs x d x steps) below which a sweep stays at home although a cluster is there.

Measured where so many steps take 0.27 s on two threads: two workers on the same cores are 8 % slower, as with twice as
many, for half of it is Dask's own work and stays in a longer sweep. With half as many steps they are 17 % slower.
"""


class ClusterError(ConnectionError):
    """The cluster cannot be reached, was lost, or has nobody to work."""


@contextmanager
def _connected(cluster: "Client | str") -> Iterator["Client"]:
    """Give the client itself, or one for a scheduler's address for as long as it is needed.

    Raises
    ------
    ClusterError
        If no scheduler answers at the address.
    """
    from distributed import Client

    if not isinstance(cluster, str):
        yield cluster
        return
    try:
        own = Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as reason:
        raise ClusterError(
            f"no Dask scheduler answers at {cluster!r} ({reason}); start one with `dask scheduler`, or give no "
            "address (and leave BNGD_SCHEDULER unset) to run on this machine"
        ) from reason
    with own:
        yield own


def worthwhile(runs: Runs, cluster: "Client | str") -> bool:
    """Return whether a cluster can gain what reaching it costs; where one has to connect first, that is ten times more.

    Gradient descent, which jumps from one checkpoint to the next, never takes long enough.
    """
    least = HOME_STEPS * (10 if isinstance(cluster, str) else 1)
    return runs.method == "bngd" and len(runs) * runs.g.size * float(runs.marks[-1]) >= least


def run_on_cluster(cluster: "Client | str", runs: Runs) -> Generator[tuple[slice, NDArray[np.float64]], None, None]:
    """Yield each chunk of the runs with its record, as a worker finishes it.

    A worker that is killed costs its chunks under way, which the scheduler gives to another. No more than `AHEAD`
    chunks a thread are under way, so that neither this process nor the scheduler holds more of the sweep.

    Raises
    ------
    ClusterError
        If there is no worker, if the scheduler is lost, or if chunks keep killing their workers.
    """
    from distributed import as_completed

    with _connected(cluster) as client, _translated(client):
        threads = sum(client.nthreads().values())
        if threads == 0:
            raise ClusterError(f"{client} has no workers; start some with `dask worker`")
        waiting = iter(chunks(runs, chunk_size(runs, threads, _CHUNK_SECONDS), threads))
        under_way: dict[Any, slice] = {}
        results = as_completed(loop=client.loop)
        while True:
            some = list(itertools.islice(waiting, AHEAD * threads - len(under_way)))
            futures = _submit(client, [runs.part(chunk) for chunk in some])
            for chunk, future in zip(some, futures, strict=True):
                under_way[future.key] = chunk
                results.add(future)
            if not under_way:
                return
            future = next(results)
            yield under_way.pop(future.key), future.result()


def _submit(client: "Client", parts: list[Runs]) -> list[Any]:
    # In one message: of several Dask sends the first at once, and the others a hundredth of a second later.
    with warnings.catch_warnings():  # a chunk of a large problem is large, and is sent once
        warnings.filterwarnings("ignore", message="Sending large graph")
        return client.map(record_runs, parts, pure=False) if parts else []


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
            f"{name} was lost during the sweep; see that its scheduler runs, or give no cluster to run on this machine"
        ) from reason
