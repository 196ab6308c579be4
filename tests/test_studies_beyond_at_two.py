"""What a run does at eps_a = 2: the theorem "a cycle, or away", formula by formula."""

import numpy as np
import pytest

import bngd
from bngd import Problem
from bngd.studies.beyond import at_two

rng = np.random.default_rng(6)
PROBLEM = Problem.from_spectrum(np.geomspace(1, 7, 4), u=rng.standard_normal(4))
DIRECTION = bngd.unit_vectors(rng, 4)


def gradient(function, z, h=1e-6):
    return np.array([(function(z + h * e) - function(z - h * e)) / (2 * h) for e in np.eye(z.size)])


def test_the_pull_is_the_squared_gradient_of_p_and_sees_the_direction_alone():
    slope = gradient(lambda z: bngd.optimal_a(PROBLEM, z), DIRECTION)
    assert at_two.pull(PROBLEM, DIRECTION) == pytest.approx(slope @ slope, rel=1e-6)
    assert at_two.pull(PROBLEM, 30 * DIRECTION) == pytest.approx(slope @ slope, rel=1e-6)
    assert at_two.pull(PROBLEM, PROBLEM.u) == pytest.approx(0, abs=1e-24)
    assert at_two.height(PROBLEM, PROBLEM.u) == pytest.approx(PROBLEM.explained)


def two_steps(mu, gamma):
    """Return a and w after two steps from a unit vector at which eps a^2/(2 ||w||^2) is gamma."""
    a, w = np.sqrt(2 * gamma / mu), DIRECTION
    for _ in range(2):
        a, w = bngd.bngd_step(PROBLEM, a, w, mu, 2.0)
    return a, w


@pytest.mark.parametrize("gamma", [1.0, 0.6])
def test_two_steps_climb_the_height(gamma):
    p_squared, pull = (gradient(f, DIRECTION) for f in (lambda z: bngd.optimal_a(PROBLEM, z) ** 2, pull_of))
    law = gradient(height_of, DIRECTION) @ (p_squared - gamma * pull)
    errors = []
    for mu in (1e-5, 1e-7):
        _, w = two_steps(mu, gamma)
        errors.append((height_of(w) - height_of(DIRECTION)) / mu / law - 1)
    assert abs(errors[1]) < 0.01
    assert errors[1] / errors[0] == pytest.approx(0.1, rel=0.3)  # of order mu^(1/2)


def height_of(w):
    return at_two.height(PROBLEM, w)


def pull_of(w):
    return at_two.pull(PROBLEM, w)


@pytest.mark.parametrize("gamma", [1.4, 1.0, 0.6])
def test_two_steps_lengthen_the_weights_and_draw_the_balance_to_one(gamma):
    mu = 1e-7
    a, w = two_steps(mu, gamma)
    phi, squared = float(pull_of(DIRECTION)), w @ w
    assert (squared - 1) / mu == pytest.approx(4 * gamma * phi, rel=0.01)
    balance = mu * a**2 / (2 * squared)
    assert (balance - gamma) / mu == pytest.approx(-4 * gamma * phi * (gamma - 1), abs=0.02 * phi)


@pytest.mark.parametrize(("stiff", "summits"), [(2.9, 1), (3.1, 2)])
def test_three_times_stiffer_is_where_the_second_summit_begins(stiff, summits):
    plane = Problem.from_spectrum([1.0, stiff], u=[1.0, 0.0])
    seen = at_two.around(plane)
    assert seen["summit"].sum() == summits
    if summits == 2:
        second = seen[seen["summit"]].iloc[-1]
        assert second["angle"] == pytest.approx(np.pi / 2)
        assert second["pull"] == pytest.approx(1 / stiff)


def test_no_summit_is_lost_where_the_circle_is_cut():
    plane = Problem.from_spectrum([1.0, 10.0], u=[1.0, -1.0])  # its minimisers' ray is where the angles begin
    assert at_two.around(plane).query("summit")["angle"].tolist() == [-np.pi / 4]


def test_the_scale_runs_away_where_the_theorem_says_so():
    runs = at_two.away(np.random.default_rng(2), n_problems=3, runs_per_problem=5, steps=4000)
    np.testing.assert_allclose(runs["growth"], 1, atol=0.03)
    np.testing.assert_allclose(runs["loss_growth"], 1, atol=0.04)
    np.testing.assert_allclose(runs["balance"], 1, atol=1e-3)
    assert runs["centre"].max() < 0.1


def test_in_the_plane_some_runs_cycle_and_others_leave():
    plane = Problem.from_spectrum([1.0, 10.0], u=[1.0, 0.05])
    runs = at_two.swings(plane, [0.0, 1.1], 0.1, [1.0, 10.0], [999, 1000, 4000])
    cycle, away = (runs[runs["run"] == run].set_index("step") for run in (0, 1))
    assert cycle.loc[4000, "swing"] == pytest.approx(cycle.loc[1000, "swing"], rel=1e-9)
    assert cycle.loc[4000, "height"] == pytest.approx(1)
    assert away.loc[4000, "swing"] ** 2 > 2 * away.loc[1000, "swing"] ** 2
    assert away.loc[4000, "balance"] == pytest.approx(1, abs=0.05)
    assert at_two.ends(runs)["end"].tolist() == [at_two.CYCLE, at_two.AWAY]
    midway = runs[runs["step"] == 999].assign(balance=0.5, centre=0.5)
    assert set(at_two.ends(midway)["end"]) == {at_two.ON_THE_WAY}


def test_below_two_and_above_the_swing_does_not_grow_like_a_root():
    plane = Problem.from_spectrum([1.0, 10.0], u=[1.0, 0.05])
    ends = [bngd.bngd_trajectory(plane, [0.5, 1.0], 0.1, 4000, lr_a=lr_a, a0=10.0).a for lr_a in (1.99, 2.0, 2.01)]
    below, at, above = (np.abs(a[[1000, 4000]]) for a in ends)
    assert below[1] == pytest.approx(np.sqrt(plane.explained))
    assert at[1] / at[0] == pytest.approx(2, rel=0.1)
    assert above[1] > 1e6 * above[0]


def test_cycles_are_about_the_length_of_the_solution_in_the_end_and_not_at_once():
    late, early = (
        at_two.cycles(np.random.default_rng(0), n_problems=2, runs_per_problem=10, steps=n) for n in (4000, 2)
    )
    assert (late["centre"] - 1).abs().median() < 1e-3
    assert (late["loss_ratio"] - 1).abs().median() < 1e-3
    assert (early["loss_ratio"] - 1).abs().max() > 0.1


def test_two_runs_part_where_the_height_has_an_upward_direction_and_come_together_where_it_has_none():
    table = at_two.partings(np.random.default_rng(4), n_problems=8, steps=2000)
    assert (table["predicted"] > 0.05).any()
    assert (table["predicted"] < -0.05).any()
    np.testing.assert_allclose(table["measured"], table["predicted"], rtol=0, atol=0.01)


def test_the_exponent_is_the_curvature_of_the_height_over_its_pull():
    problem, apart, exponent = at_two._flat_or_steep(np.random.default_rng(1))
    e_d, angle = np.eye(problem.dimension)[-1], 1e-3
    along = [at_two.height(problem, np.cos(t) * e_d + np.sin(t) * apart) for t in (-angle, 0, angle)]
    curvature = (along[0] - 2 * along[1] + along[2]) / angle**2
    assert curvature / (4 * at_two.pull(problem, e_d)) == pytest.approx(exponent, abs=1e-4)
