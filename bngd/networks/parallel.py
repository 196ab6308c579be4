"""Many runs at once: over the cores of this machine, or over a Dask cluster."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.queues import Queue
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from bngd.machine import cores, usable_cores
from bngd.networks.images import Images
from bngd.networks.jobs import Job
from bngd.networks.training import Training, run

if TYPE_CHECKING:
    from distributed import Client

_shared: dict[str, Images] = {}


def train(
    jobs: Sequence[Job], data: Images, *, workers: int | None = None, client: "Client | None" = None
) -> list[Training]:
    """Run every job and return what each recorded, in the order of the jobs.

    A run does not depend on which others are in the call.

    Parameters
    ----------
    jobs : sequence of Job
    data : Images
    workers : int or None
        Number of processes, each pinned to a core and to one thread: on a small machine that is the fastest way to use
        it. None takes every core that this process may use, 1 runs in this process. A worker imports the script that
        calls: keep its work below ``if __name__ == "__main__":``.
    client : distributed.Client or None
        A Dask cluster to run on instead.

    Raises
    ------
    ValueError
        If there is no job, or `workers` is below 1.
    MemoryError
        If a run does not fit into memory, or a worker ends before its time.
    """
    done = dict(as_finished(jobs, data, workers=workers, client=client))
    return [done[i] for i in range(len(jobs))]


def as_finished(
    jobs: Sequence[Job], data: Images, *, workers: int | None = None, client: "Client | None" = None
) -> Iterator[tuple[int, Training]]:
    """Yield the index of each job and what its run recorded, as the runs finish; else like `train`."""
    workers = cores() if workers is None else workers
    if not jobs or workers < 1:
        raise ValueError(f"{len(jobs)} jobs for {workers} workers; give at least one of each")
    if client is not None:
        yield from _on_cluster(jobs, data, client)
    elif workers == 1:
        yield from ((i, run(job, data)) for i, job in enumerate(jobs))
    else:
        yield from _in_processes(jobs, data, min(workers, len(jobs)))


def _in_processes(jobs: Sequence[Job], data: Images, workers: int) -> Iterator[tuple[int, Training]]:
    # Fresh interpreters: JAX is multithreaded and must not be forked. Not joblib's loky: its workers run on when their
    # caller is killed, and it pins none to a core.
    context = get_context("spawn")
    cores = context.Queue()
    available = usable_cores()
    for i in range(workers):
        cores.put(available[i % len(available)])
    with TemporaryDirectory(prefix="bngd-") as folder:
        # In a file: a worker that dies while it starts would leave this process writing into a pipe for ever.
        stored = Path(folder) / "data.npz"
        np.savez(stored, **{name: value for name, value in vars(data).items() if value is not None})
        executor = ProcessPoolExecutor(workers, context, initializer=_settle, initargs=(cores, stored))
        try:
            futures = {executor.submit(_run_shared, job): i for i, job in enumerate(jobs)}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise MemoryError(
                f"one of {workers} workers ended before its time: for want of memory (give fewer workers), or because "
                'the script that calls has no `if __name__ == "__main__":` around its work (give it one, or workers=1)'
            ) from error
        finally:
            executor.shutdown(cancel_futures=True)


def _settle(cores: Queue, stored: Path) -> None:
    """Pin a worker to its core."""
    Thread(target=_follow_parent, daemon=True).start()
    core = cores.get()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    with np.load(stored) as parts:
        _shared["data"] = Images(**{name: part if part.ndim else part.item() for name, part in parts.items()})


def _follow_parent() -> None:
    """End this worker when the process that started it is gone, killed perhaps: nothing else would."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _run_shared(job: Job) -> Training:
    return run(job, _shared["data"])


def _on_cluster(jobs: Sequence[Job], data: Images, client: "Client") -> Iterator[tuple[int, Training]]:
    from distributed import as_completed as as_dask_completed

    held = client.scatter(data, broadcast=True)
    futures = {client.submit(run, job, held, pure=False): i for i, job in enumerate(jobs)}
    for future in as_dask_completed(futures):
        yield futures[future], future.result()
