import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import ROUNDING, a_problem, problems, seeds

import bngd
from bngd import Problem, decay_factor, spectra, unit_vectors


@given(problems())
def test_the_effective_hessian_annihilates_the_solution_and_is_semidefinite(problem):
    star = bngd.effective_hessian(problem)
    np.testing.assert_allclose(star @ problem.u, 0, atol=ROUNDING * np.abs(problem.g).max())
    assert np.linalg.eigvalsh(star)[0] >= -ROUNDING * problem.eigenvalues[-1]


@given(problems())
def test_eigenvalues_interlace(problem):
    eigenvalues, star = problem.eigenvalues, bngd.effective_eigenvalues(problem)
    slack = ROUNDING * eigenvalues[-1]
    assert star[0] == 0
    assert np.all(eigenvalues[:-1] - slack <= star[1:])
    assert np.all(star <= eigenvalues + slack)


@given(problems())
def test_bisection_agrees_with_the_eigenvalue_solver(problem):
    star, extremes = bngd.effective_eigenvalues(problem), bngd.effective_extremes(problem)
    slack = ROUNDING * problem.eigenvalues[-1]
    assert extremes.smallest == pytest.approx(star[1], abs=slack)
    assert extremes.largest == pytest.approx(star[-1], abs=slack)


@pytest.mark.parametrize(
    "problem",
    [
        Problem.from_spectrum([1.0, 1.0, 1.0, 5.0], u=[1.0, 2.0, 3.0, 4.0]),
        Problem.from_spectrum([1.0, 2.0, 3.0], u=[0.0, 1.0, 1.0]),
        Problem.from_spectrum([1.0, 2.0, 3.0], u=[1.0, 0.0, 1.0]),
        Problem.from_spectrum([1.0, 2.0, 3.0], u=[1.0, 1.0, 0.0]),
        Problem.from_spectrum([1.0, 2.0], u=[1.0, 0.0]),
        Problem.from_spectrum([2.0, 2.0], u=[1.0, 1.0]),
    ],
)
def test_bisection_survives_equal_eigenvalues_and_labels_that_miss_one(problem):
    star, extremes = bngd.effective_eigenvalues(problem), bngd.effective_extremes(problem)
    assert extremes.smallest == pytest.approx(star[1], rel=1e-9)
    assert extremes.largest == pytest.approx(star[-1], rel=1e-9)


@given(problems())
def test_normalization_never_worsens_the_condition_number(problem):
    assert bngd.effective_condition_number(problem) <= problem.condition_number * (1 + 1e-9)


@pytest.mark.parametrize(
    ("name", "kappa", "effective"),
    [
        ("diabetes", 470, 106),
        ("iris", 141, 43),
        ("linnerud", 9.0, 2.35),
        ("wine", 45.5, 17.5),
        ("digits", 146, 127),
    ],
)
def test_condition_numbers_of_real_data(name, kappa, effective):
    data = bngd.datasets.load(name)
    problem = Problem.from_data(data.X, data.y)
    assert problem.condition_number == pytest.approx(kappa, rel=6e-3)
    assert bngd.effective_condition_number(problem) == pytest.approx(effective, rel=2e-2)


@settings(max_examples=30, deadline=None)
@given(problems(max_condition=30), st.floats(0.05, 0.99))
def test_gd_decays_with_the_predicted_factor(problem, fraction):
    lr = fraction * bngd.gd_stability_limit(problem)
    w0 = problem.u + np.ones(problem.dimension)
    measured = decay_factor(bngd.gd_trajectory(problem, w0, lr, 4000).excess_loss) ** 0.5
    assert measured == pytest.approx(float(bngd.gd_factor(problem, lr)), rel=2e-2)


def test_the_best_gd_step_is_the_best_and_has_the_predicted_factor():
    problem, _ = a_problem()
    best = bngd.gd_best_lr(problem)
    assert bngd.gd_factor(problem, best) == pytest.approx(bngd.gd_best_factor(problem))
    assert np.all(bngd.gd_factor(problem, best * np.array([0.99, 1.01])) > bngd.gd_best_factor(problem))


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_bngd_decays_with_the_factor_of_the_effective_hessian(seed):
    problem, w0 = a_problem(8, 30.0, seed)
    start = problem.u + 0.1 * np.linalg.norm(problem.u) * w0
    trajectory = bngd.bngd_trajectory(problem, start, 0.7 * bngd.gd_stability_limit(problem), 4000)
    predicted = bngd.bngd_factor(problem, trajectory.effective_step[-1])
    assert decay_factor(trajectory.excess_loss) ** 0.5 == pytest.approx(float(predicted), rel=2e-2)


def test_the_best_effective_step_is_the_best_and_has_the_predicted_factor():
    problem, _ = a_problem()
    best = bngd.bngd_best_effective_step(problem)
    assert bngd.bngd_factor(problem, best) == pytest.approx(bngd.bngd_best_factor(problem))
    assert np.all(bngd.bngd_factor(problem, best * np.array([0.99, 1.01])) > bngd.bngd_best_factor(problem))
    assert bngd.bngd_best_factor(problem) < bngd.gd_best_factor(problem)


@settings(deadline=None)
@given(seeds)
def test_a_limit_is_stable(seed):
    problem, w0 = a_problem(6, 10.0, seed)
    lr = 10 * bngd.gd_stability_limit(problem) * np.sum(w0**2)
    end = bngd.sweep(problem, lr, steps=5000, w0=w0)
    assert end["effective_step"].item() <= bngd.bngd_stability_limit(problem) * (1 + 1e-6)


@settings(max_examples=20)
@given(seeds, st.sampled_from([2, 5, 40]))
def test_the_effective_step_approaches_its_two_asymptotes(seed, dimension):
    problem, w0 = a_problem(dimension, 50.0, seed)
    small, large = bngd.effective_step_asymptotes(problem, w0)
    tiny, huge = 1e-7 / small, 1e7 * large
    for lr, predicted in ((tiny, small * tiny), (huge, large / huge)):
        w = bngd.bngd_trajectory(problem, w0, lr, 20).w[-1]
        assert bngd.limit_effective_step(problem, lr, w) == pytest.approx(predicted, rel=1e-3)


def test_the_good_interval_is_the_ratio_of_the_asymptotes():
    problem, _ = a_problem()
    starts = unit_vectors(np.random.default_rng(3), problem.dimension, 5)
    small, large = bngd.effective_step_asymptotes(problem, starts)
    interval = bngd.good_interval(problem, starts, 0.01)
    np.testing.assert_allclose(10**interval.decades, small * large / 0.01**2)
    with pytest.raises(ValueError, match="level"):
        bngd.good_interval(problem, starts, 0.0)


def test_the_mean_squared_overlap_is_that_of_random_starts():
    problem, _ = a_problem(10)
    starts = unit_vectors(np.random.default_rng(4), 10, 200_000)
    squared = (starts @ problem.g) ** 2
    error = squared.std() / np.sqrt(squared.size)
    assert abs(squared.mean() - bngd.mean_squared_overlap(problem)) < 4 * error


def test_dimension_one_has_no_effective_rate():
    problem = Problem.from_spectrum([2.0], u=[1.0])
    assert bngd.effective_hessian(problem) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="dimension 1"):
        bngd.effective_condition_number(problem)


def test_a_large_problem_needs_no_matrix():
    problem = Problem.from_spectrum(spectra.log_spaced(1_000_000, 100.0), rng=np.random.default_rng(0))
    assert 1 < bngd.effective_condition_number(problem) <= 100


def test_the_limit_of_the_effective_step_is_proportional_to_the_step_size():
    problem, w = a_problem()
    limit = bngd.limit_effective_step(problem, [0.5, 3.0], np.stack([w, 2 * w]))
    np.testing.assert_allclose(limit, np.array([0.5, 0.75]) * np.sum(problem.u**2))


def test_the_asymptotes_are_at_the_level_where_the_good_interval_ends():
    problem, w0 = a_problem()
    (small, large), interval = bngd.effective_step_asymptotes(problem, w0), bngd.good_interval(problem, w0, 0.02)
    assert small * interval.low == pytest.approx(0.02)
    assert large / interval.high == pytest.approx(0.02)


def test_the_asymptotes_and_the_good_interval_by_hand():
    problem = Problem.from_spectrum([1.0, 4.0], u=[1.0, 1.0])
    # w_0 = (3, 2): s_0 = 5, w_0'g = 11, a_0 = 2.2, H e_0 = (-0.32, 0.48)
    small, large = bngd.effective_step_asymptotes(problem, [3.0, 2.0])
    assert (small, large) == pytest.approx((2 / 13, 2 * 5**2 / (2.2**2 * (0.32**2 + 0.48**2))))
    low, high = bngd.good_interval(problem, [3.0, 2.0], 0.1)
    assert (low, high) == pytest.approx((0.1 / small, large / 0.1))
    assert bngd.limit_effective_step(problem, 8.0, [2.0, 2.0]) == pytest.approx(8 * 2 / 8)


def test_the_stability_limit_by_hand():
    problem = Problem.from_spectrum([1.0, 2.0, 3.0, 100.0], u=[0.0, 0.0, 0.0, 1.0])
    assert bngd.bngd_stability_limit(problem) == pytest.approx(2 / 3)
