"""Uncentred inputs, batches and other norms, against losses differentiated numerically and against sampling."""

import numpy as np
import pytest

from bngd import Problem, bngd_trajectory, effective_condition_number, spectra, unit_vectors
from bngd.studies.variants_norms import batches, study


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(6)
    return Problem.from_spectrum(spectra.log_spaced(4, 12.0), rng=rng), unit_vectors(rng, 4)


def slope(function, x, h=1e-6):
    return np.array([(function(x + h * e) - function(x - h * e)) / (2 * h) for e in np.eye(x.size)])


def test_a_step_on_data_is_the_gradient_of_the_loss():
    rng = np.random.default_rng(0)
    X, y, w = rng.standard_normal((30, 3)) + 5, rng.standard_normal(30), rng.standard_normal(3)

    def loss(parameters):
        a, beta, *w = parameters
        z = X @ np.array(w)
        return np.mean((a * (z - z.mean()) / z.std() + beta - y) ** 2) / 2

    a, beta, moved = batches.batch_norm_step(X, y, 0.7, 0.2, w, lr=2.0, lr_a=0.5, lr_beta=0.25)
    expected = slope(loss, np.array([0.7, 0.2, *w]))
    measured = np.array([(0.7 - a) / 0.5, (0.2 - beta) / 0.25, *((w - moved) / 2.0)])
    np.testing.assert_allclose(measured, expected, atol=1e-8)


def test_the_mean_of_the_inputs_changes_nothing():
    rng = np.random.default_rng(1)
    X, y, direction = batches.shifted_data(rng, 60, spectra.log_spaced(3, 5.0))
    w0 = unit_vectors(rng, 3)
    runs = [
        batches.run_batch_norm(X + shift * direction, y, w0, 60, lr=0.3, lr_a=0.5, lr_beta=0.5) for shift in (0, 500)
    ]
    np.testing.assert_allclose(runs[0].w, runs[1].w, rtol=1e-9)
    np.testing.assert_allclose(np.abs(runs[1].beta - y.mean()), np.abs(y.mean()) * 0.5 ** np.arange(61), atol=1e-11)
    losses, conditions = batches.compare_shifts(X, y, direction, [500.0], [0.3, 1.0], w0, 60)
    assert conditions["run_error"].max() < 1e-9
    assert conditions["beta_error"].max() < 1e-9
    assert losses.groupby("method")["loss"].min()["bngd"] < 1e-3 < losses.groupby("method")["loss"].min()["gd"]


def test_an_intercept_on_shifted_inputs_is_ill_conditioned():
    rng = np.random.default_rng(2)
    for shift in (0.3, 3.0, 300.0):
        X, y, direction = batches.shifted_data(rng, 80, spectra.log_spaced(3, 5.0))
        moved = X + shift * direction
        inputs = np.column_stack([moved, np.ones(80)])
        kappa = np.linalg.cond(inputs.T @ inputs)
        assert batches.with_intercept(moved, y).condition_number == pytest.approx(kappa, rel=1e-3)
        assert (1 + shift**2) ** 2 / np.var(X @ direction) == pytest.approx(batches.intercept_condition_bound(moved))
        assert batches.intercept_condition_bound(moved) <= kappa


@pytest.mark.parametrize("m", [2, 3, 4, 10])
def test_the_shrinkage_is_a_mean_standard_deviation(m):
    deviations = np.random.default_rng(m).standard_normal((100_000, m)).std(axis=1)
    assert batches.shrinkage(m) == pytest.approx(deviations.mean(), abs=4 * deviations.std() / np.sqrt(100_000))


def draw_batches(problem, m, n, noise, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, m, problem.dimension)) * np.sqrt(problem.eigenvalues)
    return x, x @ problem.u + np.sqrt(noise) * rng.standard_normal((n, m))


def test_a_batch_gradient_is_the_gradient_of_its_loss(given):
    problem, w = given
    x, y = draw_batches(problem, 5, 1, 0.3, 0)

    def loss(w):
        z = x[0] @ w
        return np.mean((y[0] - y[0].mean() - 0.6 * (z - z.mean()) / z.std()) ** 2) / 2

    p, step = batches.batch_gradient(x, y, w[None])
    np.testing.assert_allclose(-0.6 * step[0], slope(loss, w), atol=1e-8)
    z = x[0] @ w
    assert p[0] == pytest.approx(np.mean((z - z.mean()) / z.std() * y[0]))


@pytest.mark.parametrize("m", [3, 4, 8])
def test_the_mean_gradient_is_that_of_the_shrunk_loss(given, m):
    problem, w = given
    x, y = draw_batches(problem, m, 100_000, 0.5, m)
    p, step = batches.batch_gradient(x, y, np.broadcast_to(w, (100_000, 4)))
    H, c = np.diag(problem.eigenvalues), batches.shrinkage(m)
    s = np.sqrt(w @ H @ w)
    assert p.mean() == pytest.approx(c * w @ problem.g / s, abs=4 * p.std() / np.sqrt(100_000))
    He = problem.g - (w @ problem.g / s**2) * H @ w
    np.testing.assert_allclose(step.mean(axis=0), c * He / s, atol=0.04 * np.abs(He).max() / s)


def test_two_samples_have_no_gradient_but_a_mean_slope(given):
    problem, w = given
    x, y = draw_batches(problem, 2, 1000, 0.5, 3)
    assert np.abs(batches.batch_gradient(x, y, np.broadcast_to(w, (1000, 4)))[1]).max() < 1e-6
    assert batches.shrinkage(2) == pytest.approx(1 / np.sqrt(np.pi))


def test_the_noise_of_a_step_at_a_minimiser(given):
    problem, _ = given
    m, noise, H = 9, 0.7, np.diag(problem.eigenvalues)
    x, y = draw_batches(problem, m, 100_000, noise, 5)
    _, step = batches.batch_gradient(x, y, np.broadcast_to(problem.u, (100_000, 4)))
    trace = np.trace(H) - np.sum((H @ problem.u) ** 2) / problem.explained
    expected = noise * (m - 2) / (m * (m - 3)) * trace / problem.explained
    assert np.mean(np.sum(step**2, axis=1)) == pytest.approx(expected, rel=0.02)


def test_noisy_batches_anneal_whatever_the_learning_rate(given):
    problem, w0 = given
    options = {"n_runs": 6, "lr_a": 0.1, "noise": problem.explained}
    for lr in (0.5, 5.0):
        steps = batches.effective_steps(problem, w0, [12], lr, 1500, np.random.default_rng(8), **options)[12]
        law = batches.annealed_step(problem, 12, 1500, lr_a=0.1, noise=problem.explained)
        assert np.median(steps[-1]) == pytest.approx(float(law), rel=0.15)


def test_small_batches_are_stable_less_far(given):
    problem, _ = given
    grid = np.geomspace(0.05, 1.6, 25)
    limits = batches.stability_limits(problem, [3, 64], grid, 200, np.random.default_rng(9), lr_a=0.1)
    assert limits[3] < 0.8
    assert limits[64] == pytest.approx(1, abs=0.15)


def test_batches_explain_a_share(given):
    table = batches.explained_by_batches(given[0], [2, 16], 20_000, np.random.default_rng(10))
    assert (np.abs(table["measured"] - table["predicted"]) < 4 * table["error"]).all()


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_a_metric_step_is_a_gradient_step(given, power):
    problem, w0 = given
    metric = problem.eigenvalues**power

    def loss(parameters):
        v = parameters[0] * parameters[1:] / np.sqrt(parameters[1:] @ (metric * parameters[1:]))
        return v @ (problem.eigenvalues * v) / 2 - v @ problem.g

    a, w = study.metric_step(problem, metric, 0.7, w0, lr=0.5, lr_a=0.25)
    expected = slope(loss, np.array([0.7, *w0]))
    np.testing.assert_allclose([(0.7 - a) / 0.25, *((w0 - w) / 0.5)], expected, atol=1e-8)


def test_bngd_is_weight_normalization_of_whitened_inputs(given):
    problem, w0 = given
    root = np.sqrt(problem.eigenvalues)
    whitened = Problem.from_spectrum(np.ones(4), u=root * problem.u)
    a, w = study.run_metric(whitened, 1.0, root * w0, 80, a0=0.4, lr=0.6, lr_a=0.9, preconditioner=problem.eigenvalues)
    alone = bngd_trajectory(problem, w0, 0.6, 80, lr_a=0.9, a0=0.4)
    np.testing.assert_allclose(w / root, alone.w, rtol=1e-9)
    np.testing.assert_allclose(a, alone.a, rtol=1e-9)


def test_the_local_hessian_is_the_second_derivative(given):
    problem, _ = given
    metric = problem.eigenvalues**0.3

    def gradient(parameters):
        a, w = study.metric_step(problem, metric, parameters[0], parameters[1:], lr=1.0, lr_a=1.0)
        return parameters - np.array([a, *w])

    at = np.array([np.sqrt(problem.u @ (metric * problem.u)), *problem.u])
    h = 1e-6
    numeric = np.column_stack([(gradient(at + h * e) - gradient(at - h * e)) / (2 * h) for e in np.eye(5)])
    np.testing.assert_allclose(study.local_hessian(problem, metric), numeric, atol=1e-7)


def test_no_metric_beats_bn_whatever_the_ratio():
    rng = np.random.default_rng(12)
    for _ in range(8):
        problem = Problem.from_spectrum(10 ** rng.uniform(0, 2, 5), rng=rng)
        star = effective_condition_number(problem)
        for metric in (np.ones(5), problem.eigenvalues, rng.uniform(0.1, 10, 5)):
            ratios = np.logspace(-3, 4, 15)
            assert min(study.local_condition_number(problem, metric, r) for r in ratios) >= star * (1 - 1e-9)
        scanned = min(study.local_condition_number(problem, np.ones(5), r) for r in np.logspace(-2, 3, 150))
        assert study.best_local_condition_number(problem, 1.0) == pytest.approx(scanned, rel=0.01)
        assert study.best_local_condition_number(problem, problem.eigenvalues) == pytest.approx(star, rel=1e-4)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_direction_leaves_a_floor(d):
    lengths = np.linalg.norm(np.random.default_rng(d).standard_normal((400_000, d)), axis=1)
    assert study.direction_floor(d) == pytest.approx(1 - lengths.mean() ** 2 / d, abs=6e-3)


@pytest.mark.parametrize("centre", [False, True])
def test_training_follows_the_gradient(centre):
    rng = np.random.default_rng(3)
    X, y, W, readout = (rng.standard_normal(shape) for shape in ((40, 3), 40, (4, 3), 4))

    def loss(parameters):
        h = X @ parameters[:12].reshape(4, 3).T
        h = h - h.mean(axis=1, keepdims=True) if centre else h
        return np.mean((h / np.sqrt(np.mean(h**2, axis=1, keepdims=True)) @ parameters[12:] - y) ** 2) / 2

    moved, read, losses = study.train_layer(X, y, W, 1, lr=0.1, centre=centre, readout=readout)
    expected = slope(loss, np.concatenate([W.ravel(), readout]))
    np.testing.assert_allclose(np.concatenate([(W - moved).ravel(), readout - read]) / 0.1, expected, atol=1e-7)
    assert losses[0] == pytest.approx(loss(np.concatenate([W.ravel(), readout])))


def test_four_norms_on_one_problem(given):
    problem, w0 = given
    losses, trained = study.losses_by_norm(problem, w0, 400, np.random.default_rng(5), lr=0.2, samples=2000)
    assert max(losses[name][-1] for name in ("batch", "weight")) < 1e-3
    assert (np.abs(trained["unexplained"] / study.direction_floor(4) - 1) < 0.15).all()


def test_the_annealing_law_solves_its_growth(given):
    """Integrate d||w||^2/dk = eps^2 E a^2 E||g||^2 with sampled moments, instead of the closed form."""
    problem, _ = given
    m, noise, lr, k = 6, 0.7, 2.0, 10**6
    x, y = draw_batches(problem, m, 100_000, noise, 7)
    p, step = batches.batch_gradient(x, y, np.broadcast_to(problem.u, (100_000, 4)))
    mean_a_squared = p.mean() ** 2 + 0.1 / 1.9 * p.var()
    u_squared = problem.u @ problem.u
    squared_norm = np.sqrt(2 * lr**2 * mean_a_squared * np.mean(np.sum(step**2, axis=1)) * u_squared * k)
    expected = batches.shrinkage(m) ** 2 * lr * u_squared / squared_norm
    assert batches.annealed_step(problem, m, k, lr_a=0.1, noise=noise) == pytest.approx(expected, rel=0.02)
