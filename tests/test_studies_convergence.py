"""What the notebook `convergence` measures, against runs whose end is known."""

import numpy as np
import pytest
from problems import a_problem

from bngd import Outcome, Problem, bngd_best_effective_step, bngd_best_factor, unit_vectors
from bngd.studies.convergence import study


def test_regimes_meet_at_the_theorem_and_at_the_boundary():
    assert list(study.regime([0.5, 1.0, 1.5, 2.0, 2.1])) == [study.REGIMES[i] for i in (0, 0, 1, 2, 3)]


def test_steps_needed_at_the_best_step_follow_from_kappa_star():
    problem, _ = a_problem()
    needed = study.steps_needed(problem, bngd_best_effective_step(problem), tolerance=1e-6)
    assert needed == pytest.approx(np.log(1e-6) / (2 * np.log(bngd_best_factor(problem))))


def test_steps_needed_is_infinite_where_nothing_decays():
    problem, _ = a_problem()
    assert study.steps_needed(problem, 1e6) == np.inf
    assert study.steps_needed(problem, bngd_best_effective_step(problem), lr_a=2.0) == np.inf


def test_steps_needed_is_set_by_a_where_a_is_slower():
    problem, _ = a_problem()
    needed = study.steps_needed(problem, bngd_best_effective_step(problem), lr_a=1e-3, tolerance=1e-10)
    assert needed == pytest.approx(np.log(1e-10) / (2 * np.log1p(-1e-3)))


def test_the_ensemble_ends_as_the_theorem_says():
    runs = study.random_runs(np.random.default_rng(0), n_problems=5, runs_per_problem=40, steps=800)
    assert len(runs) == 200
    assert not (runs.loc[runs["lr_a"] < 2, "outcome"] == Outcome.DIVERGED.value).any()
    assert not (runs.loc[runs["lr_a"] >= 2, "outcome"] == Outcome.CONVERGED.value).any()
    assert (runs["lr_a"] == 2).sum() == 20
    assert study.outcome_counts(runs).to_numpy().sum() == 200


def test_steps_to_converge_of_gradient_descent_match_its_factor():
    problem = Problem.from_spectrum([1.0, 1.0], u=[1.0, 0.0])
    found = study.steps_to_converge(problem, [0.1, 3.0], [0.0, 1e-30], steps=1000, method="gd", n_checkpoints=5000)
    # From w_0 = 0 (nearly) the loss is 0.9^(2k) u'Hu/2 after k steps; at eps = 3 it grows.
    assert found["steps"].iloc[0] == np.ceil(np.log(1e-10) / (2 * np.log(0.9)))
    assert np.isnan(found["steps"].iloc[1])


def test_steps_to_converge_grow_like_a_large_lr():
    problem, w0 = a_problem(5, 5.0)
    found = study.steps_to_converge(problem, [100.0, 400.0], w0, steps=60_000, n_checkpoints=2000)
    assert found["steps"].iloc[1] / found["steps"].iloc[0] == pytest.approx(4, rel=0.02)


def test_a_run_on_the_saddle_stays_and_one_beside_it_leaves_at_the_predicted_rate():
    problem = Problem.from_spectrum([1.0, 2.0, 4.0], u=np.ones(3))
    saddle = np.array([2.0, -1.0, 0.0])
    runs = study.escapes(problem, saddle, 0.1, [0.0, 1e-10], 500)
    assert runs[0.0].outcome == Outcome.SADDLE
    assert np.array_equal(runs[0.0].w[-1], saddle)
    assert runs[1e-10].outcome == Outcome.CONVERGED
    assert study.growth_factor(runs[1e-10]) == pytest.approx(study.saddle_growth(problem, saddle, 0.1), rel=1e-4)


def test_saddle_growth_solves_its_equation():
    problem, w = a_problem()
    lr, lr_a = 0.3, 0.7
    x = study.saddle_growth(problem, w, lr, lr_a)
    drive = lr * lr_a * (problem.g @ problem.g) / np.sum(problem.eigenvalues * w**2)
    assert (x - 1) * (x - 1 + lr_a) == pytest.approx(drive)


def test_growth_factor_of_a_run_that_does_not_grow_is_undefined():
    problem, _ = a_problem()
    run = study.escapes(problem, unit_vectors(np.random.default_rng(1), 20), 1e-3, [1e-3], 50)[1e-3]
    assert np.isnan(study.growth_factor(run))


def test_a_loss_that_grows_did_not_fall():
    runs = study.random_runs(np.random.default_rng(0), n_problems=3, runs_per_problem=40, steps=60)
    assert not runs.loc[runs["lr_a"] > 2.2, "loss_fell"].all()
    assert runs.loc[runs["lr_a"] < 1, "loss_fell"].mean() > 0.9
