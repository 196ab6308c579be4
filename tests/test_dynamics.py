import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from problems import ROUNDING, a_problem, learning_rates, states

import bngd
from bngd import Outcome, Problem

jax.config.update("jax_enable_x64", True)


def sample_loss(X, y, a, w):
    """E[(y - a N(x'w))^2]/2 as a reader would write it for raw samples: normalize the batch, subtract, square."""
    z = X @ w
    return jnp.mean((y - a * (z - z.mean()) / z.std()) ** 2) / 2


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4)) @ rng.standard_normal((4, 4))
    y = X @ rng.standard_normal(4) + rng.standard_normal(50)
    return X - X.mean(axis=0), y - y.mean()


def test_a_bngd_step_is_gradient_descent_on_the_raw_samples(samples):
    X, y = samples
    problem = Problem.from_data(X, y, standardise=False)
    a, w = 0.7, np.array([1.0, -2.0, 0.5, 3.0])
    da, dw = jax.grad(sample_loss, argnums=(2, 3))(X, y, a, w)
    new_a, new_w = bngd.bngd_step(problem, a, problem.to_eigenbasis(w), lr=0.3, lr_a=0.2)
    assert new_a == pytest.approx(a - 0.2 * float(da), rel=1e-12)
    np.testing.assert_allclose(problem.from_eigenbasis(new_w), w - 0.3 * np.asarray(dw), rtol=1e-10)


def test_a_gd_step_is_gradient_descent_on_the_raw_samples(samples):
    X, y = samples
    problem = Problem.from_data(X, y, standardise=False)
    w = np.array([1.0, -2.0, 0.5, 3.0])
    gradient = jax.grad(lambda v: jnp.mean((y - X @ v) ** 2) / 2)(w)
    new_w = bngd.gd_step(problem, problem.to_eigenbasis(w), lr=0.1)
    np.testing.assert_allclose(problem.from_eigenbasis(new_w), w - 0.1 * np.asarray(gradient), rtol=1e-10)


def test_excess_losses_are_the_losses_of_the_raw_samples_less_the_least(samples):
    X, y = samples
    problem = Problem.from_data(X, y, standardise=False)
    a, w = 0.7, np.array([1.0, -2.0, 0.5, 3.0])
    v = problem.to_eigenbasis(w)
    excess = float(sample_loss(X, y, a, w)) - problem.minimum_loss
    assert bngd.excess_loss(problem, a, v) == pytest.approx(excess, rel=1e-10)
    assert bngd.gd_excess_loss(problem, v) == pytest.approx(np.mean((y - X @ w) ** 2) / 2 - problem.minimum_loss)


@given(states())
def test_the_residual_is_h_orthogonal_to_w(state):
    problem, _, w = state
    e = bngd.residual(problem, w)
    size = np.linalg.norm(problem.eigenvalues * w) * np.linalg.norm(problem.u)
    assert abs(w @ (problem.eigenvalues * e)) <= ROUNDING * size


@given(states(), learning_rates)
def test_the_norm_grows_by_the_squared_step(state, lr):
    problem, a, w = state
    _, after = bngd.bngd_step(problem, a, w, lr, 1.0)
    force = np.sum((problem.eigenvalues * bngd.residual(problem, w)) ** 2)
    predicted = np.sum(w**2) + (lr * a / bngd.sigma(problem, w)) ** 2 * force
    assert np.sum(after**2) == pytest.approx(predicted, rel=1e-9)


@given(states(), learning_rates)
def test_one_step_contracts_by_the_bound_at_least(state, lr):
    problem, a, w = state
    _, after = bngd.bngd_step(problem, a, w, lr, 1.0)
    size = [np.sqrt(np.sum(problem.eigenvalues * bngd.residual(problem, v) ** 2)) for v in (w, after)]
    bound = bngd.contraction_bound(problem, bngd.effective_step(problem, a, w, lr))
    assert size[1] <= bound * size[0] * (1 + 1e-9) + ROUNDING * np.sqrt(problem.explained)


@given(states(), learning_rates, st.floats(0.1, 10))
def test_stationary_points_do_not_move(state, lr, length):
    problem, _, _ = state
    for t in (length, -length):
        a, w = np.sign(t) * np.sqrt(problem.explained), t * problem.u
        new_a, new_w = bngd.bngd_step(problem, a, w, lr, 0.5)
        assert new_a == pytest.approx(a, rel=1e-12)
        assume(lr * bngd.effective_step(problem, a, w, 1.0) * problem.eigenvalues[-1] < 1e3)
        np.testing.assert_allclose(new_w, w, atol=1e-9 * np.abs(w).max())


def test_a_saddle_does_not_move_and_is_named():
    problem = Problem.from_spectrum([1.0, 2.0], u=[1.0, 0.0])
    trajectory = bngd.bngd_trajectory(problem, [0.0, 1.0], 0.5, 10)
    np.testing.assert_array_equal(trajectory.w, np.tile([0.0, 1.0], (11, 1)))
    assert trajectory.outcome is Outcome.SADDLE


def test_trajectories_repeat_the_step():
    problem, w0 = a_problem()
    trajectory = bngd.bngd_trajectory(problem, w0, 0.3, 25, lr_a=0.8, a0=0.1)
    a, w = 0.1, w0
    for _ in range(25):
        a, w = bngd.bngd_step(problem, a, w, 0.3, 0.8)
    assert trajectory.a[-1] == a
    np.testing.assert_array_equal(trajectory.w[-1], w)
    np.testing.assert_allclose(trajectory.norm_w[-1], np.linalg.norm(w))
    assert trajectory.excess_loss[-1] == bngd.excess_loss(problem, a, w)


def test_gradient_descent_too_repeats_its_step_from_the_start():
    problem, w0 = a_problem()
    run = bngd.gd_trajectory(problem, w0, 0.3, 5)
    w, repeated = w0, [w0]
    for _ in range(5):
        w = bngd.gd_step(problem, w, 0.3)
        repeated.append(w)
    np.testing.assert_array_equal(run.w, repeated)
    np.testing.assert_array_equal(run.excess_loss, bngd.gd_excess_loss(problem, np.array(repeated)))
    np.testing.assert_array_equal(run.effective_step, np.full(6, 0.3))
    assert np.isnan(run.a).all()
    assert run.a.shape == (6,)


def test_a_trajectory_is_judged_by_its_first_and_its_last_state():
    problem = Problem.from_spectrum([1.0, 2.0, 4.0], u=[1.0, 1.0, 1.0])
    far, saddle = 10 * problem.u, np.array([2.0, -1.0, 1e-4])  # across g = (1, 2, 4), but for a little
    gd, bngd_ = {"lr": 2 * bngd.gd_stability_limit(problem)}, {"lr": 0.1, "lr_a": 5.0, "a0": 100.0}
    outcomes = set()
    for steps in range(1, 80):
        for run in (
            bngd.gd_trajectory(problem, far, **gd, steps=steps),
            bngd.bngd_trajectory(problem, far, **bngd_, steps=steps),
        ):
            assert (run.outcome is Outcome.DIVERGED) == (not run.excess_loss[-1] <= 1e12 * run.excess_loss[0])
        for kind in (
            {"lr": 0.3, "a0": 0.0},
            {"lr": 1e-3, "a0": 1.0, "lr_a": 0.5},
        ):  # one leaves the saddle, one comes near
            run = bngd.bngd_trajectory(problem, saddle, steps=steps, tolerance=1e-2, **kind)
            ends = run.a[-1], bngd.optimal_a(problem, run.w[-1])
            told = bngd.dynamics.classify(problem, run.excess_loss[0], run.excess_loss[-1], *ends, tolerance=1e-2)
            assert run.outcome == str(told)
            outcomes.add(run.outcome)
    assert outcomes == {Outcome.SADDLE, Outcome.MOVING, Outcome.CONVERGED}


@pytest.mark.parametrize(
    ("first", "last", "a", "best_a", "outcome"),
    [
        (1.0, 0.39, np.nan, np.nan, Outcome.CONVERGED),
        (1.0, 0.41, np.nan, np.nan, Outcome.MOVING),
        (1.0, 3.9e12, np.nan, np.nan, Outcome.MOVING),
        (1.0, 4.1e12, np.nan, np.nan, Outcome.DIVERGED),
        (9.0, 8.9e12, np.nan, np.nan, Outcome.MOVING),
        (9.0, 9.1e12, np.nan, np.nan, Outcome.DIVERGED),
        (1.0, np.nan, np.nan, np.nan, Outcome.DIVERGED),
        (1.0, 4.0, 0.28, -0.28, Outcome.SADDLE),
        (1.0, 4.0, 0.29, 0.28, Outcome.MOVING),
        (1.0, 4.0, 0.28, 0.29, Outcome.MOVING),
        (1.0, 0.39, 0.28, 0.28, Outcome.CONVERGED),
    ],
)
def test_the_outcome_follows_its_definition(first, last, a, best_a, outcome):
    problem = Problem.from_spectrum([1.0, 8.0], u=[0.0, 1.0])  # u'Hu = 8: losses in units of 4, scales of sqrt(8)
    assert bngd.dynamics.classify(problem, first, last, a, best_a, tolerance=0.1) == outcome.value


def test_what_is_not_said_is_one_rate_of_the_scale_and_a_ten_billionth_of_the_loss():
    calls = (bngd.gd_trajectory, bngd.bngd_trajectory, bngd.dynamics.classify)
    assert {inspect.signature(call).parameters["tolerance"].default for call in calls} == {1e-10}
    assert inspect.signature(bngd.bngd_trajectory).parameters["lr_a"].default == 1.0


def test_one_step_is_a_number_of_steps():
    problem, w0 = a_problem()
    assert bngd.bngd_trajectory(problem, w0, 0.1, 1).w.shape == (2, 20)


@settings(max_examples=25, deadline=None)
@given(states(max_condition=20.0), st.floats(-2, 1))
def test_bngd_converges_for_any_step_size_with_enough_steps(state, exponent):
    problem, _, w0 = state
    lr = 10**exponent * np.sum(w0**2) / np.sum(problem.u**2)  # in the units of the scaling laws
    assume(abs(bngd.optimal_a(problem, w0)) > 0.05 * np.sqrt(problem.explained))
    end = bngd.sweep(problem, lr, steps=20_000, w0=w0)  # the compiled steps: twenty thousand take no second
    assert end["outcome"].tolist() == [Outcome.CONVERGED.value]


@pytest.mark.parametrize(
    ("relative_lr", "outcome"),
    [(0.5, Outcome.CONVERGED), (0.999, Outcome.CONVERGED), (1.05, Outcome.DIVERGED), (1e-9, Outcome.MOVING)],
)
def test_gradient_descent_ends_as_its_stability_limit_says(relative_lr, outcome):
    problem, w0 = a_problem(10, 5.0)
    trajectory = bngd.gd_trajectory(problem, w0, relative_lr * bngd.gd_stability_limit(problem), 10_000)
    assert trajectory.outcome is outcome


@pytest.mark.parametrize(
    ("lr_a", "outcome"), [(1.9, Outcome.CONVERGED), (2.0, Outcome.MOVING), (2.2, Outcome.DIVERGED)]
)
def test_bngd_in_lr_a_ends_as_its_first_equation_says(lr_a, outcome):
    problem, w0 = a_problem(10, 5.0)
    assert bngd.bngd_trajectory(problem, w0, 0.1, 3000, lr_a=lr_a, a0=0.3).outcome is outcome


def test_overflow_is_an_outcome_and_not_a_warning():
    problem, w0 = a_problem()
    assert bngd.bngd_trajectory(problem, w0, 1e200, 20).outcome is Outcome.DIVERGED
    assert bngd.gd_trajectory(problem, w0, 1e6, 200).outcome is Outcome.DIVERGED


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.0}, "lr is 0"),
        ({"lr": -1.0}, "lr is -1"),
        ({"lr": np.nan}, "lr is nan"),
        ({"lr": np.inf}, "lr is inf"),
        ({"lr_a": 0.0}, "lr_a is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"w0": np.zeros(20)}, "zero"),
        ({"w0": np.ones(19)}, "dimension 20"),
        ({"w0": np.ones((2, 20))}, "one start"),
    ],
)
def test_impossible_runs_are_refused(arguments, message):
    problem, w0 = a_problem()
    with pytest.raises(ValueError, match=message):
        bngd.bngd_trajectory(problem, **({"w0": w0, "lr": 0.1, "steps": 5} | arguments))
