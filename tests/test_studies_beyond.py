"""What the notebooks `beyond` and `overshoot` measure, against what must come out."""

import numpy as np
import pytest
from problems import a_problem

import bngd
from bngd import Problem
from bngd.studies.beyond import study
from bngd.studies.overshoot import study as overshoot


def test_harsh_runs_reach_the_corners_and_stay_within_bounds():
    runs = study.harsh_runs(np.random.default_rng(0), n_problems=4, runs_per_problem=50, steps=200)
    assert len(runs) == 200
    corners = [runs["condition_number"].max(), *runs["lr"].agg(["min", "max"]), runs["first_a"].abs().max()]
    np.testing.assert_allclose([*corners, 2 - runs["lr_a"].max()], [1e6, 1e-8, 1e12, 1e8, 1e-4], rtol=1e-9)
    assert runs["norm_ratio"].max() <= 1 + 1e-9
    assert set(runs["cause"]) <= set(study.CAUSES)
    assert not (runs["outcome"] == bngd.Outcome.DIVERGED.value).any()


def test_the_time_out_of_a_saddle_has_the_predicted_slope():
    problem = Problem.from_spectrum([1.0, 2.0], u=[1.0, 1.0])
    times = study.escape_times(problem, [2.0, -1.0], 0.1, [0.5, 1.5], [1e-3, 1e-6, 1e-9], 500)
    slopes = study.escape_slopes(times)
    np.testing.assert_allclose(slopes["slope"], slopes["predicted"], rtol=0.05)


def test_tents_lie_between_their_bounds_and_reach_both_cases():
    runs = study.tents(np.random.default_rng(1), n_problems=3, n_lr=9, steps=300, max_condition_number=100.0)
    assert (runs["effective_step"] <= runs["upper"] * (1 + 1e-9)).all()
    assert (runs["effective_step"] >= runs["lower"] * (1 - 1e-9)).all()
    assert runs["height"].min() < 1 < runs["height"].max()
    assert 0.9 < runs["good_interval_used"].max() <= 1 + 1e-9


def test_the_norm_grows_by_half_the_first_loss_at_small_rates():
    growth = study.growth_at_small_rates(*a_problem(3, 5.0), [1e-3, 1e-4])
    np.testing.assert_allclose(growth, 1, atol=0.01)
    assert abs(growth[1] - 1) < 0.2 * abs(growth[0] - 1)


def test_the_edge_is_marginal_and_nothing_else_is(monkeypatch):
    problem = Problem.from_spectrum([1.0, 3.0], u=[0.6, 0.8])
    assert overshoot.marginal_order(problem, [1e-2, 1e-3]) == pytest.approx(2, abs=0.05)
    hessian = overshoot.effective_hessian(problem)
    monkeypatch.setattr(overshoot, "effective_hessian", lambda _: 1.01 * hessian)
    assert overshoot.marginal_order(problem, [1e-2, 1e-3]) == pytest.approx(0, abs=0.05)


def test_gradients_add_up_to_almost_their_bound():
    problem, w0 = a_problem(6, 10.0)
    spent = study.gradients_spent(problem, w0, [1e-2, 1e3], 800, [0.1])
    assert (spent["spent"] <= spent["budget"] * (1 + 1e-9)).all()
    assert (spent["spent"] >= 0.9 * spent["budget"]).all()
    assert (spent["count"] <= spent["bound"]).all()


def test_the_lag_dies_below_two_and_grows_above():
    problem, w0 = a_problem(4, 5.0)
    lag = study.lags(problem, w0, 0.1, [1.5, 2.1], 300, 1.0)
    assert lag[-1, 0] < 1e-6
    assert lag[-1, 1] / lag[-2, 1] == pytest.approx(1.1, rel=1e-3)


def test_the_dip_is_where_the_stiff_part_goes():
    problem, w0 = Problem.from_spectrum([1.0, 10.0, 100.0], u=[1.0, 0.5, 0.6]), np.array([0.5, 0.3, 0.5])
    centre = overshoot.dip_centre(problem, w0)
    assert bngd.bngd_trajectory(problem, w0, centre, 1).w[1, -1] == pytest.approx(0, abs=1e-12)
    scan = overshoot.dip_scan(problem, w0, np.array([0.9, 1.0, 1.1]) * centre, 2000)
    np.testing.assert_allclose(scan["predicted"], scan["effective_step"], rtol=1e-3)
    assert (scan["floor"] <= scan["effective_step"]).all()


def test_the_example_attains_its_floor():
    example = overshoot.attained([1e2, 1e4], 0.1, 30)
    np.testing.assert_allclose(1 - example["attained"], [2.2e-2, 2.2e-4], rtol=0.05)


def test_a_run_that_leaves_a_minimiser_ends_in_its_mirror_image():
    problem = Problem.from_spectrum([1.0, 3.0], u=[0.6, 0.8])
    ends = overshoot.passage(problem, [0.005, 0.02], lr_a=0.7, turns=10)
    np.testing.assert_allclose(-ends.final / ends.sigma, [0.99, 0.96], atol=0.005)


def test_deepest_plateaus_are_on_the_plateau():
    found = overshoot.deepest(np.random.default_rng(2), n_problems=4, n_lr=9, steps=200)
    assert len(found) == 4
    assert (found["collapse"] >= 1).all()


def test_the_bound_of_the_effective_step_by_hand():
    problem = Problem.from_spectrum([1.0, 4.0], u=[1.0, 0.0])
    run = bngd.bngd_trajectory(problem, [1.0, 1.0], 2.0, 1, a0=3.0)
    assert overshoot.anatomy(problem, run, 2.0)["bound"][0] == pytest.approx(2 * 3 * 1 / (1 * 2))
