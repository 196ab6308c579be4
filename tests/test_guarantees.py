"""What is guaranteed, against runs that try to break it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import a_problem, problems, seeds

import bngd
from bngd import Problem

LR_A = st.one_of(st.just(1.0), st.floats(0.01, 1.99))


@st.composite
def hard_runs(draw):
    """Draw a problem, a start, eps, eps_a and a_0, often with the eps that makes s collapse in the first step."""
    problem = draw(problems(max_dimension=6))
    rng = np.random.default_rng(draw(seeds))
    w0 = rng.standard_normal(problem.dimension) * 10 ** rng.uniform(-2, 2, problem.dimension)
    lr = 10 ** draw(st.floats(-6, 6)) * (w0 @ w0) / np.sum(problem.u**2) / problem.eigenvalues[-1]
    best = float(bngd.optimal_a(problem, w0))
    step = best / bngd.sigma(problem, w0) * problem.eigenvalues * bngd.residual(problem, w0)
    centre = -(w0 @ (problem.eigenvalues * step)) / (step @ (problem.eigenvalues * step))
    if centre > 0 and draw(st.booleans()):
        lr = float(centre)
    a0 = draw(st.sampled_from([best, 1e4 * np.sqrt(problem.explained), -best]))
    return problem, w0, lr, draw(LR_A), a0


@settings(max_examples=60, deadline=None)
@given(hard_runs())
def test_the_weights_stay_within_their_bounds_and_the_gradients_within_their_budget(drawn):
    problem, w0, lr, lr_a, a0 = drawn
    run = bngd.bngd_trajectory(problem, w0, lr, 400, lr_a=lr_a, a0=a0)
    bounds = bngd.squared_norm_bounds(problem, w0, lr, lr_a=lr_a, a0=a0)
    assert bounds.lower == pytest.approx(run.norm_w[1] ** 2, rel=1e-9)
    assert run.norm_w[-1] ** 2 <= bounds.upper * (1 + 1e-9)
    step = bngd.effective_step_bounds(problem, w0, lr, lr_a=lr_a, a0=a0)
    assert step.lower <= bngd.limit_effective_step(problem, lr, run.w[-1]) * (1 + 1e-9)
    force = np.linalg.norm(problem.eigenvalues * bngd.residual(problem, run.w), axis=-1)
    g = run.norm_w * np.abs(run.a) / bngd.sigma(problem, run.w) * force
    budget = bngd.gradient_budget(lr, run.norm_w[1], run.norm_w[-1])
    assert np.sum(g[1:-1] ** 2) <= budget + 1e-9 * run.norm_w[-1] ** 4 / lr**2
    assert np.min(bngd.sigma(problem, run.w)[1:] / bngd.sigma(problem, run.w)[:-1]) >= bngd.smallest_sigma_ratio(
        problem
    ) * (1 - 1e-9)


@settings(max_examples=100, deadline=None)
@given(hard_runs())
def test_no_step_after_the_first_shrinks_the_residual_more_than_it_may(drawn):
    problem, w0, lr, lr_a, a0 = drawn
    run = bngd.bngd_trajectory(problem, w0, lr, 200, lr_a=lr_a, a0=a0)
    residual = np.sqrt(np.sum(problem.eigenvalues * bngd.residual(problem, run.w[1:]) ** 2, axis=-1))
    seen = residual[:-1] > 1e-6 * np.sqrt(problem.explained)  # not rounding alone
    least = bngd.smallest_residual_ratio(problem, w0, lr, lr_a=lr_a, a0=a0)
    assert np.all((residual[1:] >= (least - 1e-8) * residual[:-1])[seen])


def test_so_many_steps_are_needed_as_the_tent_is_high():
    problem, w0 = bngd.Problem.from_spectrum([1.0, 2.0, 5.0], u=[1, 2, 1]), np.array([1.0, -0.5, 2.0])
    small, large = bngd.effective_step_asymptotes(problem, w0)
    for lr in (1e-4, 1e4):
        height = 1 / (small * lr) + lr / large
        turn = 5 * problem.explained / (np.sum(problem.u**2) * height)
        assert bngd.smallest_residual_ratio(problem, w0, lr) == pytest.approx(1 - np.pi / 2 * turn, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(hard_runs())
def test_the_loss_falls_once_the_weights_are_long(drawn):
    problem, w0, lr, lr_a, a0 = drawn
    run = bngd.bngd_trajectory(problem, w0, lr, 200, lr_a=lr_a, a0=a0)
    long = run.norm_w[1:-1] ** 2 >= lr * bngd.descent_constant(problem, lr_a, run.a[1])
    step = np.sum(np.diff(run.w, axis=0)[1:] ** 2, axis=-1)
    slack = 1e-12 * run.excess_loss[1:-1] + 1e-24 * problem.explained
    rounding = 1e-30 * run.norm_w[1:-1] ** 2 / lr  # of w itself, which the differences of w inherit
    assert np.all((np.diff(run.excess_loss)[1:] + step / (2 * lr) <= slack + rounding)[long])


@given(seeds, st.floats(-6, -1))
def test_step_sizes_that_are_guaranteed_are_good(seed, exponent):
    problem, w0 = a_problem(8, 30.0, seed)
    level = 10**exponent * bngd.bngd_stability_limit(problem)
    inside, gap = bngd.guaranteed_interval(problem, w0, level)
    asymptotic = bngd.good_interval(problem, w0, level)
    if np.isnan(inside.low):
        return
    assert asymptotic.low <= inside.low <= inside.high <= asymptotic.high
    lr = np.geomspace(inside.low * (1 + 1e-9), inside.high * (1 - 1e-9), 41)
    lr = lr[~((lr > gap.low) & (lr < gap.high))]
    assert np.all(bngd.effective_step_bounds(problem, w0, lr).lower >= level * (1 - 1e-9))


def test_the_guaranteed_interval_fills_the_asymptotic_one_at_low_levels():
    problem, w0 = a_problem()
    level = 1e-9 * bngd.bngd_stability_limit(problem)
    inside, gap = bngd.guaranteed_interval(problem, w0, level)
    assert inside.decades == pytest.approx(bngd.good_interval(problem, w0, level).decades, abs=1e-6)
    assert np.isnan(gap.low)


def test_nothing_is_guaranteed_at_the_plateau():
    problem, w0 = a_problem()
    assert np.isnan(bngd.guaranteed_interval(problem, w0, bngd.bngd_stability_limit(problem) / 2).interval.low)


def test_the_constants_of_the_chapter():
    problem = Problem.from_spectrum([1.0, 4.0], u=[1.0, 0.0])
    assert bngd.descent_constant(problem) == pytest.approx(4 * (1 + 2 / np.sqrt(3)))
    assert bngd.smallest_sigma_ratio(problem) == pytest.approx(0.8)
    assert bngd.gradient_budget(0.5, 1.0, 2.0) == pytest.approx(30.0)


# By hand: H = diag(1, 4), u = (2, 0), so that P = 2, ||u||^2 = 4 and kappa = 4; w_0 = (0, 1) is across u, with s_0 = 2
# and H e_0 = (2, 0). With a_0 = 3 the first step adds (3 eps/2)^2 * 4 to ||w_0||^2 = 1.
BY_HAND, ACROSS = Problem.from_spectrum([1.0, 4.0], u=[2.0, 0.0]), [0.0, 1.0]


@pytest.mark.parametrize(("lr_a", "a1", "alpha"), [(0.5, 3.0, 3.0), (0.5, 0.0, 2.0), (1.5, -2.0, 6.0)])
def test_the_descent_constant_at_other_rates_of_the_scale(lr_a, a1, alpha):
    expected = 4 * 2 * (2 * alpha / np.sqrt(3) + 2 * lr_a / (2 - lr_a))
    assert bngd.descent_constant(BY_HAND, lr_a, a1) == pytest.approx(expected)
    small = Problem.from_spectrum([1.0, 4.0], u=[0.1, 0.0])
    assert bngd.descent_constant(small) == pytest.approx(4 * 0.1 * (0.2 / np.sqrt(3) + 0.1))  # a_1 = 0, eps_a = 1


def test_the_bounds_of_the_norm_and_of_the_effective_step_by_hand():
    short = bngd.squared_norm_bounds(BY_HAND, ACROSS, 1.0, a0=3.0)
    assert short.lower == pytest.approx(10.0)
    assert short.upper == pytest.approx(8 * (4 / np.sqrt(3) + 2) + 4 * 4 * 4 / 10 + (2 + 2) ** 2)
    step = bngd.effective_step_bounds(BY_HAND, ACROSS, 1.0, a0=3.0)
    assert (step.lower, step.upper) == pytest.approx((4 / short.upper, 4 / 10))
    long = bngd.squared_norm_bounds(BY_HAND, ACROSS, 0.01, a0=3.0)
    assert long.upper == pytest.approx(1 + 0.03**2 + 0.01 * (0 + 2) ** 2)
    slow = bngd.squared_norm_bounds(BY_HAND, ACROSS, 0.01, lr_a=0.5, a0=3.0)  # a_1 = 1.5
    assert slow.upper == pytest.approx(1 + 0.03**2 + 0.01 * (1.5 + 2) ** 2)


@pytest.mark.parametrize("lowest", [0.1, 1.0, 5.0, 6.56, 7.0, 50.0])
def test_the_guaranteed_interval_ends_where_the_theorem_puts_it(lowest):
    w0 = np.array([1e-3, 1.0])  # nearly across u: a deep notch
    small, large = bngd.effective_step_asymptotes(BY_HAND, w0)
    inside, gap = bngd.guaranteed_interval(BY_HAND, w0, 1 / (2 * lowest))

    def tent(lr):
        return 1 / (small * lr) + lr / large

    outer = 2 * lowest - (abs(bngd.optimal_a(BY_HAND, w0)) + 2) ** 2 / 4
    c1 = 4 * 2 * (4 / np.sqrt(3) + 2) / 4
    room = 2 * lowest - c1 - 4 * 4 / 4
    inner = min(c1, 4 * 2**4 / 4**2 / room) if room > 0 else c1
    if outer < inner:
        assert np.isnan([*inside, *gap]).all()
    else:
        np.testing.assert_allclose(tent(np.array(inside)), outer, rtol=1e-9)
        np.testing.assert_allclose(tent(np.array(gap)), inner, rtol=1e-9)


def test_rates_outside_of_the_theorem_are_refused():
    problem, w0 = a_problem()
    with pytest.raises(ValueError, match="lr_a is 2"):
        bngd.squared_norm_bounds(problem, w0, 1.0, lr_a=2.0)
    with pytest.raises(ValueError, match="level"):
        bngd.guaranteed_interval(problem, w0, 0.0)


def test_bounds_of_the_effective_step_are_those_of_the_norm_turned_over():
    problem, w0 = a_problem()
    norm, step = bngd.squared_norm_bounds(problem, w0, 3.0), bngd.effective_step_bounds(problem, w0, 3.0)
    assert step.lower * norm.upper == pytest.approx(3 * np.sum(problem.u**2))
    assert step.upper * norm.lower == pytest.approx(3 * np.sum(problem.u**2))
    assert norm.upper == bngd.squared_norm_bounds(problem, w0, 3.0, lr_a=1.0).upper


@settings(max_examples=60, deadline=None)
@given(hard_runs(), st.floats(0.001, 1.0), st.floats(-1.0, 1.0))
def test_no_step_size_overtakes_the_scale(drawn, lr_a, part):
    problem, w0, lr, _, _ = drawn
    for a0 in (None, part * np.sqrt(problem.explained)):
        run = bngd.bngd_trajectory(problem, w0, lr, 300, lr_a=lr_a, a0=a0)
        least = bngd.smallest_relative_loss(problem, w0, np.arange(301), lr_a=lr_a, a0=a0)
        rounding = 1e-24 * problem.explained / run.excess_loss[0]
        assert np.all(run.excess_loss / run.excess_loss[0] >= least * (1 - 1e-9) - rounding)


def test_the_scale_is_all_that_the_best_run_waits_for():
    problem, w0 = a_problem(4, 10.0, 2)
    runs = bngd.sweep(problem, np.geomspace(1e-2, 1e4, 25), steps=2000, w0=w0, lr_a=1e-3)
    assert runs["relative_loss"].min() == pytest.approx(
        bngd.smallest_relative_loss(problem, w0, 2000, lr_a=1e-3), rel=0.05
    )


def test_a_scale_that_is_too_long_already_promises_nothing():
    problem, w0 = a_problem(3)
    assert bngd.smallest_relative_loss(problem, w0, 5, lr_a=0.1, a0=2 * np.sqrt(problem.explained)) == 0


@pytest.mark.parametrize(
    ("given", "named"),
    [({"steps": -1}, "steps is -1"), ({"lr_a": 1.5}, r"lr_a is 1\.5"), ({"lr_a": 0.0}, r"lr_a is 0\.0")],
)
def test_own_time_is_asked_of_rates_up_to_one(given, named):
    problem, w0 = a_problem(3)
    with pytest.raises(ValueError, match=named):
        bngd.smallest_relative_loss(problem, w0, **{"steps": 5, "lr_a": 0.1, **given})


def test_a_single_step_size_escapes_self_tuning_where_the_scale_starts_at_its_best():
    """The example of the open questions: the first step lands on the ray of u, and the run rests there."""
    problem = Problem.from_spectrum([1.0, 2.0], u=[1.0, 1.0])
    w0 = np.array([1.0, -0.45])
    (z,) = np.diff(bngd.bngd_trajectory(problem, w0, 1.0, 1).w, axis=0)
    lr = (w0[1] - w0[0]) / (z[0] - z[1])  # where w_0 + eps z has equal coordinates, as u has
    assert lr == pytest.approx(17.9457, abs=1e-4)
    run = bngd.bngd_trajectory(problem, w0, lr, 3)
    at_rest = bngd.effective_step(problem, run.a[2], run.w[2], lr)
    assert at_rest / bngd.bngd_stability_limit(problem) == pytest.approx(2.5028, abs=1e-4)
    np.testing.assert_allclose(run.w[3], run.w[1], rtol=1e-12)
