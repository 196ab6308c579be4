import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from bngd.ensemble import cluster, sweep
from bngd.ensemble.cluster import ClusterError
from bngd.problem import Problem

LR = np.geomspace(1e-3, 1e3, 600)

# Dask's own event loops and sockets are collected late when a worker was killed; that is not for us to repair.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def no_sweep_stays_at_home(monkeypatch):
    monkeypatch.setattr(cluster, "HOME_STEPS", 0.0)


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
    monkeypatch.setattr(cluster, "chunk_size", lambda *_: 37)
    sent, waiting = [], []
    monkeypatch.setattr(
        cluster,
        "_submit",
        lambda client, parts, submit=cluster._submit: sent.extend(map(len, parts)) or submit(client, parts),
    )
    there = run(problem, client=processes.scheduler_address, progress=lambda now, _: waiting.append(sum(sent) - now))
    pd.testing.assert_frame_equal(there, here)
    assert max(waiting) <= 37 * 2 * cluster.AHEAD, "this process and the scheduler hold a bounded part of the sweep"
    monkeypatch.setenv("BNGD_SCHEDULER", processes.scheduler_address)
    pd.testing.assert_frame_equal(run(problem), here)


def test_a_small_sweep_needs_no_cluster(problem, monkeypatch):
    monkeypatch.undo()
    pd.testing.assert_frame_equal(run(problem, client="tcp://127.0.0.1:9"), run(problem))


def test_the_chunks_of_a_killed_worker_are_done_again(problem, processes, monkeypatch):
    monkeypatch.setattr(cluster, "chunk_size", lambda *_: 4)
    long = {"steps": 20000, "w0": np.ones(40)}
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


def test_a_lost_scheduler_is_reported(problem, monkeypatch):
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    monkeypatch.setattr(cluster, "chunk_size", lambda *_: 10)
    with LocalCluster(n_workers=1, **options) as running, Client(running, set_as_default=False) as client:

        def stop_it(now, total):
            if now == 30:
                running.close()

        with pytest.raises(ClusterError, match=r"Client.* was lost during the sweep; see that its scheduler runs"):
            sweep(problem, LR, client=client, progress=stop_it, steps=10000, w0=np.ones(40))


def test_an_address_without_a_scheduler_is_one_clear_error(problem, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        run(problem, client="tcp://127.0.0.1:9")
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at 'nonsense://x'"):
        run(problem, client="nonsense://x")


def test_a_cluster_without_workers_is_one_clear_error(problem):
    options = {"processes": True, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with (
        LocalCluster(n_workers=0, **options) as empty,
        Client(empty, set_as_default=False) as client,
        pytest.raises(ClusterError, match="has no workers"),
    ):
        run(problem, client=client)
