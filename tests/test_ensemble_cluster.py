import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from bngd.ensemble import cluster, sweep
from bngd.ensemble.cluster import ClusterError, Dealer
from bngd.problem import Problem

LR = np.geomspace(1e-3, 1e3, 600)

# Dask's own event loops and sockets are collected late when a worker was killed; that is not for us to repair.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def problem():
    return Problem.from_spectrum(np.geomspace(1, 100, 40), rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def processes():
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with LocalCluster(n_workers=2, **options) as running:
        yield running


def run(problem, **where):
    return sweep(problem, LR, steps=500, w0=np.ones(40), checkpoints=[100, 500], **where)


def test_a_cluster_gives_the_same_numbers(problem, processes, monkeypatch):
    here = run(problem)
    pd.testing.assert_frame_equal(run(problem, scheduler=processes.scheduler_address, chunk_size=37), here)
    monkeypatch.setenv("BNGD_SCHEDULER", processes.scheduler_address)
    pd.testing.assert_frame_equal(run(problem), here)


def test_the_chunks_of_a_killed_worker_are_done_again(problem, processes):
    long = {"steps": 20000, "w0": np.ones(40), "chunk_size": 4}
    killed = threading.Event()
    with Client(processes, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)

        def kill_one(done, total):
            if not killed.is_set() and done < total / 2:
                os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
                killed.set()

        there = sweep(problem, LR, client=client, progress=kill_one, **long)
    assert killed.is_set()
    pd.testing.assert_frame_equal(there, sweep(problem, LR, **long))


def test_a_lost_scheduler_is_reported_and_the_sweep_resumes(problem, tmp_path):
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    call = {"steps": 10000, "w0": np.ones(40), "resume": tmp_path}
    done = []
    with LocalCluster(n_workers=1, **options) as running, Client(running, set_as_default=False) as client:

        def stop_it(now, total):
            done.append(now)
            if len(done) == 3:
                running.close()

        with pytest.raises(ClusterError, match=r"was lost during the sweep; with resume=folder"):
            sweep(problem, LR, client=client, progress=stop_it, chunk_size=10, **call)
    counts = []
    resumed = sweep(problem, LR, progress=lambda now, total: counts.append(now), chunk_size=10, **call)
    assert counts[0] > 10
    pd.testing.assert_frame_equal(resumed, sweep(problem, LR, **(call | {"resume": None})))


def test_an_address_without_a_scheduler_is_one_clear_error(problem, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        run(problem, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at 'nonsense://x'"):
        run(problem, scheduler="nonsense://x")


def test_a_cluster_without_workers_is_one_clear_error(problem):
    options = {"processes": True, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with (
        LocalCluster(n_workers=0, **options) as empty,
        Client(empty, set_as_default=False) as client,
        pytest.raises(ClusterError, match="has no workers"),
    ):
        run(problem, client=client)


def test_chunks_grow_to_the_wanted_seconds():
    dealer = Dealer([slice(0, 100000)], None)
    first = dealer.next()
    assert first == slice(0, cluster.PROBE_RUNS)
    dealer.learn(first, seconds=0.016)
    second = dealer.next()
    assert second.stop - second.start == round(cluster.CHUNK_SECONDS / 0.001)


def test_dealing_covers_every_run_once():
    dealer, seen = Dealer([slice(3, 10), slice(20, 41)], 6), []
    while (chunk := dealer.next()) is not None:
        seen.extend(range(chunk.start, chunk.stop))
    assert seen == [*range(3, 10), *range(20, 41)]
