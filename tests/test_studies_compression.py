import numpy as np
import pytest

from bngd.ensemble import sweep
from bngd.measure import workable_range
from bngd.problem import unit_vectors
from bngd.studies.compression import study
from bngd.studies.shared import by_dimension, random_problems


@pytest.fixture(scope="module")
def compressed():
    lr = by_dimension.relative_step_sizes(2.5, 8, 4).bngd
    options = {"n_starts": 2, "steps": 300, "lr": lr, "level": 0.1, "tolerance": 1e-6}
    return study.run_compressed(np.random.default_rng(9), [512], 100.0, **options)


def test_compressed_runs_have_the_widths_of_the_originals(compressed):
    runs, compressions = compressed
    rng = np.random.default_rng(9)
    drawn = [(random_problems.log_spaced_problem(rng, 512, 100.0), unit_vectors(rng, 512)) for _ in range(2)]
    widths = by_dimension.measure_widths(runs, 1e-3, 0.1 * 0.02)
    for row, (problem, w0) in zip(widths.itertuples(), drawn, strict=True):
        lr = runs.loc[runs["draw"] == row.draw, "lr"]
        losses = sweep(problem, lr, steps=300, w0=w0)["relative_loss"]
        assert row.decades == pytest.approx(workable_range(lr, losses, 1e-3).decades, abs=1e-4)
    assert (compressions["compressed"] < 200).all()
    assert (compressions["estimate"] <= 1e-6).all()


def test_luck_is_taken_out_of_the_compressed_widths(compressed):
    widths = by_dimension.measure_widths(compressed[0], 1e-3, 0.1 * 0.02)
    level = study.without_luck(widths, 100.0, 0.1 * 0.02)
    assert np.ptp(level) < 0.25 * np.ptp(widths["span"])


def test_a_compression_is_exact_first_and_within_its_tolerance_then():
    rng = np.random.default_rng(10)
    problem, w0 = random_problems.log_spaced_problem(rng, 600, 100.0), unit_vectors(rng, 600)
    lr = np.logspace(-2, 8, 21)
    table = study.compare_with_compressed(problem, w0, lr, steps=400, tolerances=[1e-6, 1e-2])
    exact = table["step"] <= table["exact_steps"]
    assert table.loc[exact, "largest"].max() < 1e-11
    fine = table["tolerance"] == 1e-6
    assert 1e-11 < table.loc[~exact & fine & ~table["sensitive"], "loss"].max() < 1e-6
    first_inexact = table["step"] == table["exact_steps"] + 1
    assert table.loc[first_inexact & ~fine, "loss"].max() > 1e-9
    assert set(table.loc[fine, "step"]) >= {1, 400}


def test_a_compression_of_everything_is_exact_for_all_steps():
    rng = np.random.default_rng(11)
    problem, w0 = random_problems.log_spaced_problem(rng, 6, 100.0), unit_vectors(rng, 6)
    table = study.compare_with_compressed(problem, w0, [0.1, 1.0], steps=50, tolerances=[1e-6])
    assert len(table) == 100
    assert (table["exact_steps"] == 50).all()
    assert table["largest"].max() < 1e-9
