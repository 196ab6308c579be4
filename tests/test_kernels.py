"""The kernels against the step as it is written, on problems so small that they can run uncompiled, too.

`trust.mutate` runs these with Numba's compiler switched off; the rest of `test_ensemble` would take hours then.
"""

import numpy as np
import pytest

from bngd.dynamics import bngd_step, effective_step, excess_loss, optimal_a, sigma
from bngd.ensemble import kernels
from bngd.ensemble.record import ROUNDING, record_runs
from bngd.ensemble.runs import Runs
from bngd.problem import Problem


def make(dimension, runs, seed=0):
    """A problem, rates and scales of its runs, and their starts, of which there are three."""
    rng = np.random.default_rng(seed)
    problem = Problem.from_spectrum(np.geomspace(1, 30, dimension), u=rng.uniform(0.5, 2.0, dimension))
    rates = {"lr": 10 ** rng.uniform(-3, 1, runs), "lr_a": rng.uniform(0.1, 1.9, runs), "a0": rng.uniform(-2, 2, runs)}
    return problem, rates, rng.standard_normal((3, dimension)), np.arange(runs) % 3


def as_runs(problem, rates, starts, start, marks):
    marks = np.array(marks, dtype=np.int64)
    return Runs(problem.eigenvalues, problem.g, "bngd", marks, **rates, start=start, starts=starts)


def recorded(*given):
    """The record of these runs, (5, runs, marks): a, excess loss, ||w||, effective step, best a."""
    return record_runs(as_runs(*given))


def expected(problem, rates, starts, start, marks):
    """The same, by one step after the other."""
    a, w, seen = rates["a0"], starts[start], []
    for step in range(marks[-1] + 1):
        if step in marks:
            eff = effective_step(problem, a, w, rates["lr"])
            seen.append([a, excess_loss(problem, a, w), np.linalg.norm(w, axis=-1), eff, optimal_a(problem, w)])
        a, w = bngd_step(problem, a, w, rates["lr"], rates["lr_a"])
    return np.array(seen).transpose(1, 2, 0)


@pytest.mark.parametrize("dimension", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("runs", [1, 15, 16, 17])
def test_every_quantity_of_every_run_is_that_of_the_step_as_written(dimension, runs):
    given, marks = make(dimension, runs), [0, 1, 2, 6]
    np.testing.assert_allclose(recorded(*given, marks), expected(*given, marks), rtol=1e-9, atol=1e-13)


def test_more_runs_than_a_block_holds_are_done_in_blocks(monkeypatch):
    monkeypatch.setattr(kernels, "MAX_LANES", 32)
    given, marks = make(2, 70), [2]
    np.testing.assert_allclose(recorded(*given, marks), expected(*given, marks), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("first", "last"), [(1e-3, 1e-1), (1e-1, 1e-3)])
def test_a_run_that_is_over_keeps_what_it_ended_with_and_the_others_go_on(first, last):
    problem, rates, starts, start = make(2, 20)
    rates["lr"], rates["lr_a"] = np.geomspace(first, last, 20), np.full(20, 0.9)
    marks = [100, 128, 150, 256, 300, 400]
    record = recorded(problem, rates, starts, start, marks)
    over = record[1] <= ROUNDING * problem.explained / 2
    assert over[:, -1].any()
    assert not over[:, -1].all()
    for run in range(20):
        first = np.argmax(over[run]) if over[run].any() else len(marks)
        assert (record[:, run, first:] == record[:, run, first : first + 1]).all(), "its later marks are its last"
    truth = expected(problem, rates, starts, start, marks)
    for quantity, name in ((0, "a"), (2, "norm"), (3, "effective step")):
        np.testing.assert_allclose(record[quantity], truth[quantity], rtol=1e-7, err_msg=name)
    np.testing.assert_allclose(record[1], truth[1], rtol=1e-5, atol=1e-20)


def test_a_run_is_looked_at_after_every_128_steps_and_is_lost_to_no_neighbour():
    problem, rates, starts, start = make(3, 17)
    rates["lr"][4], rates["lr_a"][4] = 1.0, 9.0  # explodes
    rates["lr"][8] = 1e300  # overflows at once
    record = recorded(problem, rates, starts, start, [1, 2, 500])
    assert np.isnan(record[:, [4, 8], -1]).all()
    assert np.isnan(record[:, 8, 0]).all()
    assert np.isfinite(record[:, 4, 0]).all()
    others = np.delete(np.arange(17), [4, 8])
    assert np.isfinite(record[:, others]).all()
    alone = {name: values[others] for name, values in rates.items()}
    np.testing.assert_array_equal(record[:, others], recorded(problem, alone, starts, start[others], [1, 2, 500]))


def test_a_call_that_is_stopped_takes_no_step():
    runs = as_runs(*make(2, 3), [10**9])
    assert record_runs(runs, stop=np.array([True])).shape == (5, 3, 1)


@pytest.mark.parametrize(("dimension", "runs"), [(1, 256), (384, 256), (385, 240), (1024, 96), (1025, 80), (10**7, 32)])
def test_a_block_holds_as_many_runs_as_fit_a_cache(dimension, runs):
    assert kernels.lanes(dimension) == runs


def test_the_state_of_a_block_after_a_step_by_hand():
    # H = diag(1, 4), u = (1, 1): h = sqrt(H) u = (1, 2); w = (3, 2) is z = (3, 4), with s^2 = 25 and w'g = 11.
    pad = np.ones((1, 16))
    h, eigenvalues = np.array([1.0, 2.0, 0.0, 0.0]), np.array([1.0, 4.0, 1.0, 1.0])
    z = np.array([3.0, 4.0, 0.0, 0.0])[:, None] * pad
    state = np.array([10.0, 0.5, 1.0, 11.0, 25.0, np.nan, np.nan])[:, None] * pad
    kernels._advance_scalars(16, *state[:3], state[3], state[4], state[5], state[6])
    assert state[:, 0] == pytest.approx([10.0, 0.5, 1.6, 0.0, 0.0, 0.88, 2.0])
    kernels._advance_weights(16, eigenvalues, h, z, state[5], state[6], state[3], state[4])
    w = z[:2, 5] / np.sqrt(eigenvalues[:2])
    np.testing.assert_allclose(w, [2.36, 2.96])
    problem = Problem.from_spectrum([1.0, 4.0], u=[1.0, 1.0])
    assert state[3, 5] == pytest.approx(w @ problem.g)
    assert state[4, 5] == pytest.approx(sigma(problem, w) ** 2)


@pytest.mark.parametrize("rows", [1, 5, 7, 100])
@pytest.mark.parametrize("columns", [16, 32, 256])
def test_a_block_begins_where_a_cache_line_does(rows, columns):
    blocks = [kernels._empty(rows, columns) for _ in range(8)]
    assert all(block.shape == (rows, columns) and block.ctypes.data % 64 == 0 for block in blocks)
    for number, block in enumerate(blocks):
        block[:] = number
    assert [block.min() for block in blocks] == [block.max() for block in blocks] == list(range(8))
