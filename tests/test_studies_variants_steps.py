"""Momentum, weight decay and the edge, against formulas and finite differences written down here anew."""

import numpy as np
import pytest

from bngd import Problem, bngd_step, bngd_trajectory, optimal_a, spectra, unit_vectors
from bngd.studies.variants_steps import momentum, study


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(4)
    return Problem.from_spectrum(spectra.log_spaced(5, 20.0), rng=rng), unit_vectors(rng, 5)


def projected_hessian(problem):
    """H* as the compression that removes u, by its definition on matrices."""
    H, u = np.diag(problem.eigenvalues), problem.u
    return H - np.outer(H @ u, H @ u) / (u @ H @ u)


def test_without_additions_it_is_bngd(given):
    problem, w0 = given
    runs = study.run(problem, w0, [0.3, 3.0], 50, lr_a=0.7)
    for index, lr in enumerate((0.3, 3.0)):
        alone = bngd_trajectory(problem, w0, lr, 50, lr_a=0.7)
        np.testing.assert_allclose(runs.w[:, index], alone.w, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(runs.a[:, index], alone.a, rtol=1e-9)


def test_it_is_heavy_ball_with_decay(given):
    problem, w0 = given
    runs = study.run(problem, w0, 0.3, 20, momentum=0.8, decay=0.05)
    w, v, a = w0, np.zeros(5), float(w0 @ problem.g / np.sqrt(w0 @ (problem.eigenvalues * w0)))
    for _ in range(20):
        next_a, plain = bngd_step(problem, a, w, 0.3, 1.0)
        v = 0.8 * v + (plain - w)
        a, w = next_a, (1 - 0.3 * 0.05) * w + v
    np.testing.assert_allclose(runs.w[-1, 0], w, rtol=1e-10)


def test_noise_needs_a_generator(given):
    with pytest.raises(ValueError, match="give rng"):
        study.run(*given, 0.3, 5, noise=0.1)


def test_labels_with_noise_move_g_with_covariance_nu_h(given):
    problem, w0 = given
    runs = study.run(problem, np.tile(w0, (20_000, 1)), 1.0, 1, noise=0.3, rng=np.random.default_rng(0))
    s2 = w0 @ (problem.eigenvalues * w0)
    P = np.eye(5) - np.outer(problem.eigenvalues * w0, w0) / s2
    expected = (runs.a[0, 0] ** 2 / s2) * 0.3 * P @ np.diag(problem.eigenvalues) @ P.T
    measured = np.cov(runs.moved[0], rowvar=False)
    np.testing.assert_allclose(measured, expected, atol=0.05 * expected.max())


def test_the_norm_never_falls_with_momentum(given):
    problem, w0 = given
    runs = study.run(problem, w0, np.logspace(-3, 4, 8), 300, momentum=0.9)
    assert np.diff(np.sum(runs.w**2, axis=-1), axis=0).min() > -1e-12
    assert momentum.norm_error(runs) < 1e-12
    v = np.diff(runs.w, axis=0)
    assert np.sum(runs.w[:-1] * v, axis=-1).min() > -1e-12 * np.sum(runs.w[-1] ** 2, axis=-1).max()
    settled = study.run(problem, w0, 0.01, 3000, momentum=0.5)
    total = 1.0 + 3.0 * np.sum(np.diff(settled.w, axis=0) ** 2)  # (1 + m)/(1 - m) = 3
    assert np.sum(settled.w[-1] ** 2) == pytest.approx(total, rel=1e-10)


def test_the_norm_error_sees_a_wrong_norm(given):
    runs = study.run(*given, 0.3, 20, momentum=0.5)
    assert momentum.norm_error(runs._replace(momentum=runs.momentum * 1.01)) > 1e-4


def test_the_energy_with_momentum_falls_as_proved_and_one_without_the_velocity_does_not(given):
    problem, w0 = given
    runs = study.run(problem, w0, [0.01, 1.0, 1e3], 200, momentum=0.9)
    assert momentum.energy_error(problem, runs) < 1e-12
    assert momentum.energy_error(problem, runs._replace(momentum=np.zeros(3))) > 1e-3


def test_momentum_factor_is_the_spectral_radius(given):
    problem, _ = given
    for m, step in ((0.0, 0.05), (0.5, 0.1), (0.9, 0.02), (0.9, 0.3)):
        Hs = projected_hessian(problem)
        jacobian = np.block([[np.eye(5) - step * Hs, m * np.eye(5)], [-step * Hs, m * np.eye(5)]])
        values = np.abs(np.linalg.eigvals(jacobian))
        without_neutral = np.sort(values)[::-1]
        without_neutral = np.delete(without_neutral, np.argmin(np.abs(without_neutral - 1)))
        assert momentum.factor(problem, step, m) == pytest.approx(max(without_neutral.max(), 0), rel=1e-6)


def test_momentum_is_stable_up_to_its_limit(given):
    problem, _ = given
    top = np.linalg.eigvalsh(projected_hessian(problem))[-1]
    for m in (0.0, 0.4, 0.9):
        limit = 2 * (1 + m) / top
        assert momentum.factor(problem, 0.999 * limit, m) < 1 < momentum.factor(problem, 1.001 * limit, m)


def test_tents_have_the_momentum_flank(given):
    table = momentum.tents(*given, [1e5], [0.0, 0.8], 500)
    np.testing.assert_allclose(table["limit_effective_step"], table["large"], rtol=1e-2)
    assert table["large"].iloc[0] / table["large"].iloc[1] == pytest.approx(25)


def test_measured_rates_are_the_factors(given):
    table = momentum.rates(given[0], [0.4, 0.7], [0.0, 0.5], 400, np.random.default_rng(1))
    np.testing.assert_allclose(table["measured"], table["predicted"], rtol=1.5e-2)


def test_balance_agrees_with_the_stationary_covariance(given):
    """Solve the Lyapunov equation of the linearised update instead of coordinates of H*."""
    problem, _ = given
    Hs, nu, omega = projected_hessian(problem), 0.02, 1e-3
    step = study.equilibrium(problem, omega, nu)
    A, S = np.eye(5) - step * Hs, np.zeros((5, 5))
    u = problem.u / np.linalg.norm(problem.u)
    Q = np.eye(5) - np.outer(u, u)
    for _ in range(20_000):
        S = Q @ (A @ S @ A.T + step**2 * nu * Hs) @ Q
    squared = step**2 * (np.trace(Hs @ S @ Hs) + nu * np.trace(Hs))
    assert squared == pytest.approx(2 * omega * problem.u @ problem.u, rel=1e-6)
    assert np.trace(Hs @ S) == pytest.approx(omega * problem.u @ problem.u / step, rel=1e-6)


def test_balance_has_its_two_ends(given):
    problem, _ = given
    top, trace = np.linalg.eigvalsh(projected_hessian(problem))[-1], np.trace(projected_hessian(problem))
    assert study.equilibrium(problem, 1e-3, 0.0) == pytest.approx(2 / top)
    little = np.linalg.norm(problem.u) * np.sqrt(2 * 1e-10 / (0.1 * trace))
    assert study.equilibrium(problem, 1e-10, 0.1) == pytest.approx(little, rel=1e-3)


def test_runs_reach_the_balance(given):
    table = study.balance(*given, [1e-3], [0.0, 0.01], 8000, np.random.default_rng(2), lr_a=0.2)
    np.testing.assert_allclose(table["effective_step"], table["predicted"], rtol=0.03)
    np.testing.assert_allclose(table["loss"], table["predicted_loss"], rtol=0.05)
    np.testing.assert_allclose(np.log(table["cosine"]), np.log1p(-table["decayed"]), rtol=0.03)


@pytest.mark.parametrize("lr_a", [0.3, 1.0])
def test_the_lag_has_a_loss_of_its_own_under_noise(given, lr_a):
    """`prop-decay`, in brackets: half the square of the lag is nu eps_a/(2 (2 - eps_a)) in the mean."""
    problem, w0 = given
    nu, omega, steps = 0.01, 1e-3, 40_000
    lr = study.equilibrium(problem, omega, nu) * (w0 @ w0) / (problem.u @ problem.u)
    runs = study.run(problem, w0, lr, steps, decay=omega / lr, noise=nu, lr_a=lr_a, rng=np.random.default_rng(3))
    lag = (runs.a - optimal_a(problem, runs.w))[steps // 4 :]
    assert np.mean(lag**2) / 2 == pytest.approx(nu * lr_a / (2 * (2 - lr_a)), rel=0.05)


def test_learning_rate_and_decay_count_through_their_product(given):
    problem, w0 = given
    one = study.run(problem, w0, 0.2, 40, decay=0.05)
    other = study.run(problem, 3 * w0, 9 * 0.2, 40, decay=0.05 / 9)
    np.testing.assert_allclose(other.w, 3 * one.w, rtol=1e-9, atol=1e-12)


def test_sharpness_is_that_of_finite_differences(given):
    problem, w0 = given
    H, g = np.diag(problem.eigenvalues), problem.g

    def loss(w):
        return -0.8 * w @ g / np.sqrt(w @ H @ w)

    h, basis = 1e-4, np.eye(5)
    hessian = [
        [(loss(w0 + h * (x + y)) - loss(w0 + h * x) - loss(w0 + h * y) + loss(w0)) / h**2 for x in basis] for y in basis
    ]
    top = np.linalg.eigvalsh((np.array(hessian) + np.array(hessian).T) / 2)[-1]
    assert study.sharpness(problem, 0.8, w0) == pytest.approx(top, rel=2e-3)
    at_minimiser = study.sharpness(problem, np.sqrt(problem.explained), 2 * problem.u)
    assert at_minimiser == pytest.approx(np.linalg.eigvalsh(projected_hessian(problem))[-1] / 4)


def test_period_is_that_of_a_sine():
    assert study.period(np.sin(2 * np.pi * np.arange(1000) / 37 + 0.3)) == pytest.approx(37, rel=0.02)
    assert np.isnan(study.period(np.arange(10.0)))


def test_the_edge_is_swung_about_with_the_predicted_period():
    """Iterate prey and predator, without the problem."""
    omega, z, sigma, history = 1e-5, 0.5e-5 * 1.01, 0.0, []
    for _ in range(5000):
        z, sigma = z * (1 + 4 * sigma), sigma + 2 * omega - 4 * z
        history.append(sigma)
    assert study.period(history) == pytest.approx(study.predicted_period(omega), rel=0.01)
