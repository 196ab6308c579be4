import numpy as np
import pandas as pd
import pytest

from bngd.ensemble import resume, sweep
from bngd.problem import Problem

LR = np.geomspace(1e-3, 1e2, 90)


class Interrupted(Exception):
    pass


@pytest.fixture
def problem():
    return Problem.from_spectrum(np.linspace(1, 20, 15), rng=np.random.default_rng(1))


@pytest.fixture
def call(tmp_path):
    return {"steps": 200, "w0": np.ones(15), "chunk_size": 10, "workers": 1, "resume": tmp_path}


def interrupt_after(chunks):
    seen = []

    def progress(done, total):
        seen.append(done)
        if len(seen) == chunks:
            raise Interrupted

    return progress


def test_an_interrupted_sweep_goes_on_and_equals_an_uninterrupted_one(problem, call):
    with pytest.raises(Interrupted):
        sweep(problem, LR, progress=interrupt_after(4), **call)
    counts = []
    resumed = sweep(problem, LR, progress=lambda done, total: counts.append(done), **call)
    assert counts[0] == 50  # four chunks were there
    pd.testing.assert_frame_equal(resumed, sweep(problem, LR, **(call | {"resume": None})))


def test_a_finished_sweep_computes_nothing(problem, call):
    first = sweep(problem, LR, **call)
    pd.testing.assert_frame_equal(sweep(problem, LR, progress=interrupt_after(1), **call), first)


@pytest.mark.parametrize("change", [{"steps": 201}, {"w0": np.full(15, 2.0)}, {"lr_a": 0.5}, {"method": "gd"}])
def test_other_inputs_take_nothing_from_it(problem, call, change):
    sweep(problem, LR, **call)
    counts = []
    sweep(problem, LR, progress=lambda done, total: counts.append(done), **(call | change))
    assert counts[0] == 10


def test_half_written_files_are_not_taken(problem, call, tmp_path):
    truth = sweep(problem, LR, **call)
    (written,) = tmp_path.glob("*/*.npz")
    written.rename(written.with_suffix(".part"))
    pd.testing.assert_frame_equal(sweep(problem, LR, **call), truth)


def test_chunks_reach_the_disk_while_the_sweep_goes_on(problem, call, tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "FLUSH_SECONDS", 0.0)
    files = []
    sweep(problem, LR, progress=lambda *_: files.append(len(list(tmp_path.glob("*/*.npz")))), **call)
    assert files[0] == 1
    assert files[-1] == 9
