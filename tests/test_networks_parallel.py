import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bngd.networks import Job, load, parallel, train
from bngd.networks.architectures import M2, mlp

LONG_CALL = """
from bngd.networks import Job, grid, load, train
from bngd.networks.architectures import M2
if __name__ == "__main__":
    train(grid(M2, [0.1] * 1000, steps=10000), load("digits"), workers=2)
"""


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition, seconds=300):  # a busy machine is no failure
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return condition()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")
def test_no_worker_outlives_a_killed_call(tmp_path):
    script = tmp_path / "long_call.py"
    script.write_text(LONG_CALL)
    checkout = str(Path(parallel.__file__).parents[2])
    caller = subprocess.Popen([sys.executable, str(script)], env=os.environ | {"PYTHONPATH": checkout})
    try:
        assert wait_until(lambda: len(children(caller.pid)) >= 3)  # two workers and multiprocessing's tracker
        workers = children(caller.pid)
        time.sleep(3)  # let them settle into their jobs
    finally:
        caller.send_signal(signal.SIGKILL)
        caller.wait()
    assert wait_until(lambda: not any(alive(pid) for pid in workers))


def test_an_error_in_a_worker_reaches_the_caller():
    with pytest.raises(ValueError, match="a batch of 5000 from 1438 images"):
        train([Job(M2, 0.1, batch=5000)] * 2, load("digits"), workers=2)


def test_a_script_without_a_guard_is_told_so(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(LONG_CALL.replace('if __name__ == "__main__":', "if True:"))
    env = os.environ | {"PYTHONPATH": str(Path(parallel.__file__).parents[2])}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == 1
    assert 'has no `if __name__ == "__main__":` around its work' in done.stderr


def test_a_killed_worker_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(parallel, "_run_shared", _die)
    with pytest.raises(MemoryError, match="one of 2 workers ended before its time"):
        train([Job(M2, 0.1)] * 2, load("digits"), workers=2)


def _die(job):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has no second thread")
def test_runs_give_the_same_bits_here_and_in_workers_in_the_same_order():
    # Large enough for JAX to share its sums among threads, where it has several.
    job = Job(mlp(1000).with_batch_norm(0.0), 10.0, 1.0, steps=20, batch=500, evaluation=500)
    jobs = [replace(job, lr=lr, seed=seed) for lr in (10.0, 1.0) for seed in (0, 1)]
    here, there = ([*train(jobs, load("digits"), workers=workers)] for workers in (1, 2))
    assert [run.job for run in there] == jobs
    assert [(run.loss, run.final) for run in there] == [(run.loss, run.final) for run in here]
