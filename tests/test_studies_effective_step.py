"""What the notebook `effective_step` measures, against what must come out."""

from dataclasses import replace

import numpy as np
import pytest
from problems import a_problem

from bngd import bngd_stability_limit, bngd_trajectory, good_interval
from bngd.studies.effective_step import study


def test_norm_growth_holds_to_rounding_and_notices_a_wrong_trajectory():
    problem, w0 = a_problem()
    run = bngd_trajectory(problem, w0, 3.0, 200)
    assert study.norm_growth_error(problem, run, 3.0).max() < 1e-14
    assert study.norm_growth_error(problem, replace(run, w=run.w * 1.01 ** np.arange(201)[:, None]), 3.0).max() > 1e-2


def test_random_norm_growth_reports_no_shrinkage():
    runs = study.random_norm_growth(np.random.default_rng(0), n_runs=8, steps=100)
    assert len(runs) == 8
    assert runs["identity_error"].max() < 1e-13
    assert runs["shrinkage"].max() < 1e-14


def test_single_steps_have_the_effective_step_asked_for_and_obey_the_bound():
    problem, _ = a_problem()
    steps = study.one_step_contraction(problem, np.random.default_rng(1), n_steps=500, scaled_range=(0.5, 4.0))
    assert steps["scaled_step"].between(0.5, 4.0).all()
    assert (steps["ratio"] <= steps["bound"] * (1 + 1e-10)).all()
    past = steps["scaled_step"] > 2
    assert steps.loc[past, "bound"].to_numpy() == pytest.approx(steps.loc[past, "scaled_step"].to_numpy() - 1)


def test_contractions_of_many_problems_are_told_apart():
    steps = study.random_contractions(np.random.default_rng(2), n_problems=3, steps_per_problem=10)
    assert list(steps["problem"].value_counts()) == [10, 10, 10]


def test_the_tent_has_both_slopes_and_a_ceiling():
    problem, w0 = a_problem()
    table = study.tent(problem, w0, np.logspace(-8, 8, 33), 2000)
    assert table["to_small"].iloc[0] == pytest.approx(1, abs=1e-6)
    assert table["to_large"].iloc[-1] == pytest.approx(1, abs=1e-6)
    assert table["relative_to_limit"].max() < 1.01
    flat = study.plateau(table, problem, w0)
    assert (flat["relative_to_limit"] > 0.5).all()
    assert len(flat) < len(table)


def test_random_tents_cover_their_plateaus():
    table = study.random_tents(np.random.default_rng(3), n_problems=4, n_lr=25, decades=5, steps=500)
    by_problem = table.groupby("problem")
    assert by_problem["to_small"].first().to_numpy() == pytest.approx(1, abs=1e-3)
    assert by_problem["to_large"].last().to_numpy() == pytest.approx(1, abs=1e-3)
    assert table["on_plateau"].any()


def test_the_ends_of_the_good_interval_follow_the_asymptotes_at_a_low_level():
    problem, w0 = a_problem()
    table = study.tent(problem, w0, np.logspace(-8, 8, 65), 1000)
    low = bngd_stability_limit(problem) * 1e-4
    ends = study.good_interval_ends(problem, w0, table, [low, 1e9])
    assert ends["decades"].iloc[0] == pytest.approx(float(good_interval(problem, w0, low).decades), abs=0.01)
    assert np.isnan(ends["low"].iloc[1])


@pytest.mark.parametrize(("factor", "shrinkage"), [(0.99, 0.02), (np.nan, np.nan)])
def test_a_norm_that_shrinks_or_is_lost_is_noticed(monkeypatch, factor, shrinkage):
    def shrinking(*given, **options):
        run = bngd_trajectory(*given, **options)
        return replace(run, w=run.w * factor ** np.arange(len(run.w))[:, None])

    monkeypatch.setattr(study, "bngd_trajectory", shrinking)
    found = study.random_norm_growth(np.random.default_rng(0), n_runs=4, steps=400)
    np.testing.assert_allclose(found["shrinkage"], shrinkage, rtol=0.05)
