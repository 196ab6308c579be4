import numpy as np
import pytest

import bngd
from bngd.studies.gradient_descent import study


def test_outcomes_change_at_the_limit():
    outcomes = study.outcomes_at_limit(np.random.default_rng(0), n_problems=3, n_starts=4, margin=0.02)
    below, above = (group for _, group in outcomes.groupby("ratio"))
    assert len(outcomes) == 3 * 4 * 2
    assert (below["outcome"] == bngd.Outcome.CONVERGED).all()
    assert (above["outcome"] == bngd.Outcome.DIVERGED).all()


def test_measured_factor_of_a_single_mode_is_exact():
    problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1.0, 1.0])
    measured = study.measured_factors(problem, problem.u + np.array([1.0, 0.0]), [0.3, 0.01])
    np.testing.assert_allclose(measured["measured"], [0.7, 0.99], rtol=1e-5)
    np.testing.assert_allclose(measured["predicted"], [0.7, 0.99], rtol=1e-12)


def test_steps_to_resolve_reach_the_floor_and_not_further():
    steps = study.steps_to_resolve(0.9)
    assert 0.9 ** (2 * steps) <= study.RESOLVED_DECAY < 0.9 ** (2 * (steps - 1))


@pytest.mark.parametrize("factor", [1.0, 1.5, -0.1, np.nan])
def test_steps_to_resolve_refuses_what_does_not_converge(factor):
    with pytest.raises(ValueError, match="only a run with a factor in"):
        study.steps_to_resolve(factor)


def test_best_factors_are_those_of_theory():
    frame = study.best_factors(np.random.default_rng(1), 10, 100.0)
    np.testing.assert_allclose(np.log(frame["measured"]), np.log(frame["predicted"]), rtol=0.05)
    kappa = frame["condition_number"]
    np.testing.assert_allclose(frame["predicted"], (kappa - 1) / (kappa + 1))


def test_bound_is_reached_by_the_slowest_mode_alone():
    problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1.0, 1.0])
    lr = [0.01, 0.3, 0.6]  # the last is past the limit 0.5, and is left out
    alone = bngd.sweep(problem, lr, steps=20, w0=problem.u + np.array([1.0, 0.0]), method="gd", checkpoints=[5, 20])
    assert study.largest_share_of_bound(problem, alone) == pytest.approx(1.0, rel=1e-9)
    other = bngd.sweep(problem, lr, steps=20, w0=problem.u + np.array([0.0, 1.0]), method="gd", checkpoints=[5, 20])
    assert study.largest_share_of_bound(problem, other) < 1.0


def test_loss_by_dimension_names_the_dimensions():
    runs = study.loss_by_dimension(np.random.default_rng(2), [2, 5], 10.0, [0.01, 0.1], 10)
    assert runs["dimension"].tolist() == [2, 2, 5, 5]
