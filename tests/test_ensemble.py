import re
import signal
import threading
import time
import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
from what_happens import happens

from bngd.dynamics import Outcome, bngd_trajectory, gd_trajectory
from bngd.ensemble import kernels, local, sweep
from bngd.ensemble.kernels import MAX_LANES, MIN_LANES, VECTOR, lanes
from bngd.ensemble.progress import estimated_seconds
from bngd.ensemble.record import record_runs
from bngd.ensemble.runs import make_runs
from bngd.memory import TooLargeError
from bngd.problem import Problem

COLUMNS = [
    "run",
    "lr",
    "lr_a",
    "start",
    "step",
    "a",
    "excess_loss",
    "relative_loss",
    "norm_w",
    "effective_step",
    "outcome",
]


@pytest.fixture
def problem():
    return Problem.from_spectrum(np.logspace(0, 2, 12), rng=np.random.default_rng(1))


@pytest.fixture
def starts():
    return np.random.default_rng(2).normal(size=(2, 12))


def one_step_reference(problem, row, w0, steps, method):
    if method == "gd":
        return gd_trajectory(problem, w0, row.lr, steps)
    return bngd_trajectory(problem, w0, row.lr, steps, lr_a=row.lr_a)


@pytest.mark.parametrize("method", ["gd", "bngd"])
def test_every_run_equals_the_one_step_reference(problem, starts, method):
    marks = [0, 1, 7, 40]
    table = sweep(problem, np.logspace(-4, 1, 9)[:, None], steps=40, w0=starts, method=method, checkpoints=marks)
    assert list(table.columns) == COLUMNS
    assert len(table) == 9 * 2 * 4
    for _, run in table.groupby("run"):
        with np.errstate(all="ignore"):
            truth = one_step_reference(problem, run.iloc[0], starts[run["start"].iloc[0]], 40, method)
        assert run["step"].tolist() == marks
        for name in ("excess_loss", "norm_w", "effective_step"):
            expected = np.broadcast_to(getattr(truth, name), 41)[marks]
            np.testing.assert_allclose(run[name], expected, rtol=1e-8, atol=1e-25, err_msg=name)
        assert set(run["outcome"]) == {truth.outcome.value}


def test_lr_a_and_a0_are_used(problem, starts):
    run = sweep(problem, 0.3, steps=25, w0=starts[0], lr_a=[0.2, 1.7], a0=-3.0)
    for lr_a, a in zip(run["lr_a"], run["a"], strict=True):
        truth = bngd_trajectory(problem, starts[0], 0.3, 25, lr_a=lr_a, a0=-3.0)
        np.testing.assert_allclose(a, truth.a[-1], rtol=1e-10)


def test_broadcasting_pairs_or_crosses(problem, starts):
    paired = sweep(problem, [0.1, 0.2], steps=3, w0=starts)
    crossed = sweep(problem, np.array([0.1, 0.2])[:, None], steps=3, w0=starts)
    assert paired["start"].tolist() == [0, 1]
    assert crossed["start"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(crossed["excess_loss"].iloc[[0, 3]], paired["excess_loss"], rtol=1e-12)
    assert sweep(problem, 0.1, steps=3, w0=starts[0])["start"].tolist() == [0]


def test_outcomes_are_told_apart(problem, starts):
    best = 2 / (problem.eigenvalues[0] + problem.eigenvalues[-1])
    gd = sweep(problem, [best, 1e-9, 1e12], steps=2000, w0=starts[0], method="gd")
    assert gd["outcome"].tolist() == [Outcome.CONVERGED.value, Outcome.MOVING.value, Outcome.DIVERGED.value]
    bngd = sweep(problem, [1.0, 1e12, 1.0], steps=5000, w0=starts[0], lr_a=[1.0, 1.0, 2.5])
    assert bngd["outcome"].tolist() == [Outcome.CONVERGED.value, Outcome.MOVING.value, Outcome.DIVERGED.value]
    assert np.isfinite(bngd["excess_loss"].iloc[1])
    assert bngd["effective_step"].iloc[1] < 1e-3 * best


def test_a_start_at_a_saddle_stays_there():
    flat = Problem.from_spectrum([1.0, 2.0, 4.0], u=np.ones(3))
    # A saddle is unstable: rounding alone leaves it in the end, so that few steps are taken.
    run = sweep(flat, 0.1, steps=10, w0=[2.0, -1.0, 0.0], a0=0.0)
    assert run["outcome"].item() == Outcome.SADDLE.value


@pytest.mark.parametrize("method", ["gd", "bngd"])
@pytest.mark.parametrize("lr", [1e160, 1e300])
def test_overflow_is_silent_and_a_divergence(problem, starts, lr, method):
    run = sweep(problem, lr, steps=50, w0=starts[0], method=method)
    assert run["outcome"].item() == Outcome.DIVERGED.value


def test_a_lost_run_is_nan_from_there_on_and_spares_its_neighbours(problem, starts):
    lr = np.full(40, 0.1)
    alone = sweep(problem, lr, steps=300, w0=starts[0], checkpoints=[0, 150, 300])
    lr[7] = 1e200
    beside = sweep(problem, lr, steps=300, w0=starts[0], checkpoints=[0, 150, 300])
    lost = beside[beside["run"] == 7]
    assert np.isfinite(lost["excess_loss"].iloc[0])
    assert lost[["a", "excess_loss", "relative_loss", "norm_w", "effective_step"]].iloc[1:].isna().all(axis=None)
    pd.testing.assert_frame_equal(beside[beside["run"] != 7], alone[alone["run"] != 7])


@pytest.mark.parametrize("lr_a", [0.3, 1.9, 2.0, 2.1, 3.0])
@pytest.mark.parametrize("lr", [1e-2, 1.0, 1e12])
def test_extreme_rates_end_like_the_one_step_reference(problem, starts, lr, lr_a):
    run = sweep(problem, lr, steps=400, w0=starts[1], lr_a=lr_a)
    truth = bngd_trajectory(problem, starts[1], lr, 400, lr_a=lr_a)
    assert run["outcome"].item() == truth.outcome.value


def test_a_finished_run_keeps_what_it_ended_with(problem, starts):
    run = sweep(problem, 1.0, steps=9000, w0=starts[0], checkpoints=[8000, 9000])
    assert run["outcome"].iloc[0] == Outcome.CONVERGED.value
    assert run["relative_loss"].iloc[0] < 1e-25
    assert run["a"].nunique() == 1


@pytest.mark.parametrize("dimension", [1, 2, 3, 5, 33])
def test_padding_is_never_seen(dimension):
    odd = Problem.from_spectrum(np.linspace(1, 9, dimension), rng=np.random.default_rng(dimension))
    w0 = np.random.default_rng(4).normal(size=(3, dimension))
    table = sweep(odd, np.array([0.01, 0.1, 2.0])[:, None], steps=6, w0=w0)
    for run in table.itertuples():
        truth = bngd_trajectory(odd, w0[run.start], run.lr, 6)
        np.testing.assert_allclose(run.excess_loss, truth.excess_loss[-1], rtol=1e-9, atol=1e-28)
        np.testing.assert_allclose(run.norm_w, truth.norm_w[-1], rtol=1e-11)


@pytest.mark.parametrize("method", ["gd", "bngd"])
def test_no_result_depends_on_chunks_or_threads(problem, starts, method, monkeypatch):
    lr = np.geomspace(1e-4, 1e5, 203)[:, None]
    call = {"steps": 700, "w0": starts, "method": method, "checkpoints": [1, 350, 700]}
    truth = sweep(problem, lr, workers=1, **call)
    for workers, size in ((1, 1), (2, 17), (3, 100), (2, 406)):
        monkeypatch.setattr(local, "chunk_size", lambda *_, size=size: size)
        pd.testing.assert_frame_equal(sweep(problem, lr, workers=workers, **call), truth)


def test_checkpoints_do_not_change_a_run(problem, starts):
    every = sweep(problem, [0.1, 30.0], steps=90, w0=starts[0], checkpoints=range(91))
    last = sweep(problem, [0.1, 30.0], steps=90, w0=starts[0])
    pd.testing.assert_frame_equal(every[every["step"] == 90].reset_index(drop=True), last)


def test_blocks_fill_the_cache_but_not_more():
    assert lanes(100) == MAX_LANES
    assert lanes(10**6) == MIN_LANES
    assert all(lanes(d) % VECTOR == 0 for d in range(1, 5000, 7))


@pytest.mark.parametrize(
    ("number", "size", "workers"), [(1000, 96, 2), (1000, 96, 3), (50, 20, 2), (7, 96, 2), (97, 96, 1)]
)
def test_chunks_are_shared_out_evenly(number, size, workers):
    parts = local.chunks(range(number), size, workers)
    assert [i for part in parts for i in range(number)[part]] == list(range(number))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) <= size
    if number > size:
        assert len(parts) % workers == 0
        assert max(sizes) - min(sizes[:-1] or sizes) <= VECTOR


def test_progress_counts_the_runs(problem, starts, monkeypatch):
    seen = []
    monkeypatch.setattr(local, "chunk_size", lambda *_: 20)
    sweep(problem, np.full(50, 0.1), steps=5, w0=starts[0], workers=1, progress=lambda *now: seen.append(now))
    assert seen[-1] == (50, 50)
    assert len(seen) == 3


def test_progress_is_told_where_asked_for_and_nowhere_else(problem, starts, capsys):
    sweep(problem, np.full(50, 0.1), steps=500, w0=starts[0])
    assert capsys.readouterr() == ("", "")
    sweep(problem, np.full(50, 0.1), steps=500, w0=starts[0], workers=2, progress=True)
    first, *others = re.split(r"[\r\n]+", capsys.readouterr().err.strip())
    assert re.fullmatch(
        r"sweep: 50 runs of 500 steps in dimension 12 on 2 cores: at most about \S+ s and 0.\d+ MiB; Ctrl-C .*", first
    )
    assert re.fullmatch(r"sweep: 50 of 50 runs in \S+ s, done *", others[-1])


def test_an_estimate_is_near_the_truth():
    problem = Problem.from_spectrum(np.geomspace(1, 1e6, 100), rng=np.random.default_rng(0))
    runs = make_runs(problem, np.full(96, 1e-9), w0=np.ones(100), marks=[0, 8000], method="bngd", lr_a=1.0, a0=None)
    estimates, times = [], []
    for _ in range(3):
        estimates.append(estimated_seconds(runs, 1))
        begin = time.perf_counter()
        record_runs(runs)
        times.append(time.perf_counter() - begin)
    assert 0.2 < min(estimates) / min(times) < 5  # others may be using the machine, and can only add time


def test_an_interrupted_sweep_ends_at_once_and_gives_what_is_done(request):
    problem = Problem.from_spectrum(np.geomspace(1, 1e6, 100), rng=np.random.default_rng(0))
    # The first block is lost at once, the others take hours.
    lr = np.concatenate([np.full(MAX_LANES, 1e300), np.full(3 * MAX_LANES, 1e-9)])
    at = []

    def soon(done, total):
        threading.Timer(0.1, interrupt).start()

    def interrupt():
        at.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    # A process that was started in the background, as CI may be, is told to ignore Ctrl-C: this one shall not.
    request.addfinalizer(
        partial(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
    )
    with pytest.raises(KeyboardInterrupt, match=r"256 of 1024 runs .* `sys.last_value.table`") as stopped:
        sweep(problem, lr, steps=10**9, w0=np.ones(100), workers=2, progress=soon)
    assert time.monotonic() - at[0] < 3  # a second, and more where others use the machine
    assert stopped.value.table["run"].tolist() == list(range(MAX_LANES))
    happens("faults", "Ctrl-C during a sweep", "it ends within a second", said=str(stopped.value))
    assert set(stopped.value.table["outcome"]) == {Outcome.DIVERGED.value}


def test_a_sweep_that_does_not_fit_is_refused_with_numbers(problem, starts, monkeypatch):
    monkeypatch.setattr("bngd.memory.available_memory", lambda: 2**20)
    with pytest.raises(TooLargeError, match=r"a sweep of 100000 runs with 1 .* needs 0.0[0-9]* GiB, but 0.000977 GiB"):
        sweep(problem, np.full(100000, 0.1), steps=5, w0=starts[0])


def test_memory_does_not_grow_with_steps(problem, starts):
    def peak(steps):
        tracemalloc.start()
        sweep(problem, np.full(200, 1e-7), steps=steps, w0=starts[0])
        return tracemalloc.get_traced_memory()[1], tracemalloc.stop()

    peak(10)
    assert peak(20000)[0] < 1.2 * peak(10)[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.0}, "lr is 0.0; "),
        ({"lr": [0.1, -2.0]}, "lr is -2.0; "),
        ({"lr": np.nan}, "lr is nan; "),
        ({"lr": np.inf}, "lr is inf; "),
        ({"lr": np.empty((0, 1))}, "holds no run"),
        ({"lr_a": 0.0}, "lr_a is 0.0; "),
        ({"w0": np.zeros(12)}, "w0 is zero"),
        ({"w0": np.ones(11)}, r"w0 has shape \(11,\)"),
        ({"w0": 1.0}, r"w0 has shape \(\)"),
        ({"w0": np.full(12, np.nan)}, "w0 holds nan"),
        ({"a0": np.inf}, "a0 holds inf"),
        ({"lr": [0.1, 0.2, 0.3]}, r"lr\[:, None\]"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2.5}, "steps is 2.5"),
        ({"checkpoints": [0, 11]}, "between 0 and steps = 10"),
        ({"checkpoints": [-1]}, "between 0 and steps = 10"),
        ({"checkpoints": []}, "between 0 and steps = 10"),
        ({"method": "adam"}, "method is 'adam'"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"workers": 0}, "workers is 0"),
        ({"workers": 1.5}, "workers is 1.5"),
        ({"steps": True}, "steps is True"),
    ],
)
def test_bad_input_is_one_clear_error(problem, starts, change, message):
    call = {"lr": 0.1, "steps": 10, "w0": starts} | change
    with pytest.raises(ValueError, match=message):
        sweep(problem, call.pop("lr"), **call)


def test_kernels_compile_where_no_folder_can_be_written_to(monkeypatch):
    def refuse(*_, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return numba_njit(*_, **options)

    numba_njit = kernels.numba.njit
    monkeypatch.setattr(kernels.numba, "njit", refuse)
    assert kernels.compiled(lambda x: x + 1)(2) == 3


@pytest.mark.parametrize("method", ["gd", "bngd"])
def test_the_tolerance_of_a_sweep_is_that_of_its_outcomes(method):
    problem = Problem.from_spectrum([1.0, 2.0, 10.0], u=[1.0, 1.0, 1.0])
    call = {"steps": 40, "w0": [1.0, 0.5, -0.3], "method": method}
    left = sweep(problem, 0.1, **call)["excess_loss"].item() / (problem.explained / 2)
    assert 1e-12 < left < 1e-2
    for tolerance, outcome in ((1.1 * left, Outcome.CONVERGED), (0.9 * left, Outcome.MOVING)):
        assert sweep(problem, 0.1, **call, tolerance=tolerance)["outcome"].tolist() == [outcome.value]
