import numpy as np
import pytest

import bngd
from bngd.studies.landscape import study


@pytest.fixture
def problem():
    return bngd.Problem.from_spectrum([1.0, 3.0, 7.0], u=[1.0, -2.0, 0.5], noise_variance=0.3)


def test_direct_loss_of_nothing_predicted_is_half_the_second_moment(problem):
    assert study.direct_loss(problem, 0.0, [1.0, 0.0, 0.0]) == pytest.approx(problem.second_moment / 2)


def test_gradient_is_the_paper_s_update(problem):
    rng = np.random.default_rng(0)
    w, a = rng.standard_normal(3), 0.7
    a_next, w_next = bngd.bngd_step(problem, a, w, 1.0, 1.0)
    gradient = study.loss_gradient(problem, a, w)
    np.testing.assert_allclose(gradient, np.append(a - a_next, w - w_next), rtol=1e-12, atol=1e-14)


def test_hessian_where_it_is_known_by_hand():
    problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1.0, 0.0])
    # At w = u = (1, 0): J = c/2 - a cos + a^2/2 with s^2 = w1^2 + 4 w2^2, so only d2J/dw2^2 = 4 is left beside a's 1.
    np.testing.assert_allclose(study.loss_hessian(problem, 1.0, [1.0, 0.0]), np.diag([1.0, 0.0, 4.0]), atol=1e-8)


def test_minimiser_hessian_scales_with_t(problem):
    at_one, at_two = study.minimiser_hessian(problem, 1.0), study.minimiser_hessian(problem, -2.0)
    np.testing.assert_allclose(at_two[1:, 1:], at_one[1:, 1:] / 4)
    np.testing.assert_allclose(at_one[1:, 1:] @ problem.u, 0.0, atol=1e-12)


def test_saddle_is_uncorrelated_and_curves_down(problem):
    w = study.saddle_direction(problem, np.random.default_rng(1))
    assert w @ problem.g == pytest.approx(0.0, abs=1e-14)
    assert study.saddle_curvature(problem, w) < 0


def test_wrong_scale_of_a_is_not_stationary(problem):
    # The ensembles' measures must see an error of a percent.
    gradient = study.loss_gradient(problem, 1.01 * np.sqrt(problem.explained), problem.u)
    assert abs(gradient[0]) > 1e-3


def test_ensembles_agree_with_theory():
    rng = np.random.default_rng(2)
    assert study.decomposition_errors(rng, 20)["difference"].max() < 1e-13
    points = study.stationary_points(rng, 10)
    assert points[["minimiser_gradient", "saddle_gradient"]].to_numpy().max() < 1e-12
    assert points["hessian_difference"].max() < 1e-6
    np.testing.assert_allclose(points["saddle_eigenvalue"], points["saddle_predicted"], rtol=1e-6)


def test_angles_are_measured_from_the_solution():
    problem = bngd.Problem.from_spectrum([1.0, 5.0], u=[1.0, 1.0])
    w = study.at_angles(problem, [0.0, 90.0, 180.0])
    np.testing.assert_allclose(study.angle_to_solution(problem, w), [0.0, 90.0, 180.0], atol=1e-12)
    surface = study.angle_surface(problem, 37)
    np.testing.assert_allclose(study.at_angles(problem, surface.saddles) @ problem.g, 0.0, atol=1e-12)
    assert surface.loss.shape == (37, 37)


def test_ends_know_the_ray():
    problem = bngd.Problem.from_spectrum([1.0, 5.0], u=[1.0, 0.5])
    starts = study.on_circle([30.0, 210.0], [1.0, 2.0])
    ends = study.ends(problem, study.bngd_runs(problem, starts, 0.3, 200))
    assert np.sign(ends["t"]).tolist() == [1, -1]
    np.testing.assert_allclose(ends["a_over_norm_u"], [1.0, -1.0], rtol=1e-8)
    assert ends["same_side"].all()
    assert (ends["growth"] >= 1).all()


def test_cancellation_shows_where_the_difference_is_lost():
    problem = bngd.Problem.from_spectrum([1.0, 5.0], u=[1.0, 0.5])
    frame = study.cancellation(problem, bngd.bngd_trajectory(problem, [1.0, -0.5], 0.3, 200))
    assert frame["decomposed"].iloc[-1] < 1e-25
    np.testing.assert_allclose(frame["direct"].iloc[:3], frame["decomposed"].iloc[:3], rtol=1e-10)


def wrong(monkeypatch, name):
    true = getattr(study, name)
    monkeypatch.setattr(study, name, lambda *given: 1.01 * np.asarray(true(*given)))


def test_the_decomposition_notices_a_loss_that_is_wrong(monkeypatch):
    wrong(monkeypatch, "excess_loss")
    assert study.decomposition_errors(np.random.default_rng(2), 5)["difference"].min() > 1e-4


@pytest.mark.parametrize("name", ["minimiser_hessian", "saddle_curvature"])
def test_stationary_points_notice_a_curvature_that_is_wrong(monkeypatch, name):
    wrong(monkeypatch, name)
    points = study.stationary_points(np.random.default_rng(2), 5)
    off = {
        "minimiser_hessian": points["hessian_difference"],
        "saddle_curvature": 1 - points["saddle_eigenvalue"] / points["saddle_predicted"],
    }
    np.testing.assert_allclose(off[name], 0.0099, atol=2e-4)


def test_stationary_points_notice_a_gradient_that_is_wrong(monkeypatch):
    gradient = study.loss_gradient
    monkeypatch.setattr(study, "loss_gradient", lambda problem, a, w: gradient(problem, a + 0.01, w))
    points = study.stationary_points(np.random.default_rng(2), 5)
    assert points[["minimiser_gradient", "saddle_gradient"]].to_numpy().min() > 1e-4
