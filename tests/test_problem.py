import numpy as np
import pytest
from hypothesis import given
from problems import a_problem, problems, seeds
from what_happens import happens

from bngd import Problem, unit_vectors
from bngd.memory import TooLargeError


@given(problems())
def test_the_solution_solves_the_normal_equations(problem):
    np.testing.assert_allclose(problem.eigenvalues * problem.u, problem.g, rtol=1e-12)
    assert problem.explained == pytest.approx(float(problem.u @ (problem.eigenvalues * problem.u)))


def test_from_data_agrees_with_least_squares_on_the_raw_samples():
    rng = np.random.default_rng(1)
    X, noise = rng.standard_normal((200, 6)), rng.standard_normal(200)
    y = X @ rng.standard_normal(6) + noise
    problem = Problem.from_data(X, y, standardise=False)
    centred, target = X - X.mean(axis=0), y - y.mean()
    w, residual, *_ = np.linalg.lstsq(centred, target, rcond=None)
    np.testing.assert_allclose(problem.from_eigenbasis(problem.u), w, rtol=1e-10)
    assert problem.minimum_loss == pytest.approx(residual[0] / 400)
    np.testing.assert_allclose(problem.eigenvalues, np.linalg.eigvalsh(centred.T @ centred / 200), rtol=1e-10)


def test_more_features_than_samples_work():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((20, 500)), rng.standard_normal(20)
    problem = Problem.from_data(X, y)
    assert problem.dimension == 19
    assert problem.basis.shape == (500, 19)
    assert problem.minimum_loss == pytest.approx(0.0, abs=1e-12)


@given(seeds)
def test_from_moments_keeps_the_problem_under_rotation(seed):
    rng = np.random.default_rng(seed)
    problem, w = a_problem(6, 50.0, seed)
    Q, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    H = Q @ np.diag(problem.eigenvalues) @ Q.T
    rotated = Problem.from_moments((H + H.T) / 2, Q @ problem.g)
    np.testing.assert_allclose(rotated.eigenvalues, problem.eigenvalues, rtol=1e-10)
    np.testing.assert_allclose(rotated.from_eigenbasis(rotated.u), Q @ problem.u, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(rotated.from_eigenbasis(rotated.to_eigenbasis(Q @ w)), Q @ w, atol=1e-12)


def test_the_solution_follows_its_eigenvalue_into_order():
    problem = Problem.from_spectrum([3.0, 1.0], u=[30.0, 10.0])
    np.testing.assert_allclose(problem.u, [10.0, 30.0])


def test_noise_raises_the_least_loss_and_nothing_else():
    quiet = Problem.from_spectrum([1.0, 2.0], u=[1.0, 1.0])
    noisy = Problem.from_spectrum([1.0, 2.0], u=[1.0, 1.0], noise_variance=0.5)
    assert noisy.minimum_loss - quiet.minimum_loss == pytest.approx(0.25)
    np.testing.assert_array_equal(noisy.g, quiet.g)


def test_unit_vectors_lie_on_the_sphere():
    np.testing.assert_allclose(np.linalg.norm(unit_vectors(np.random.default_rng(0), 7, 5), axis=1), 1.0)


def test_arrays_cannot_be_changed_behind_the_cached_solution():
    problem, _ = a_problem()
    with pytest.raises(ValueError, match="read-only"):
        problem.g[0] = 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("Problem([2.0, 1.0], [1.0, 1.0])", "ascending"),
        ("Problem([1.0, 2.0], [1.0])", "shape"),
        ("Problem([0.0, 2.0], [1.0, 1.0])", "positive definite"),
        ("Problem([1.0, 2.0], [0.0, 0.0])", "not zero"),
        ("Problem([1.0, 2.0], [np.nan, 0.0])", "finite"),
        ("Problem([1.0, 2.0], [1.0, 1.0], second_moment=1.0)", "second_moment"),
        ("Problem([1.0, 2.0], [1.0, 1.0], second_moment=np.nan)", "second_moment"),
        ("Problem.from_spectrum([1.0, 2.0])", "exactly one"),
        ("Problem.from_spectrum([1.0, 2.0], u=[1.0])", "shape"),
        ("Problem.from_spectrum([1.0, 2.0], u=[1.0, 1.0], noise_variance=-1)", "noise_variance"),
        ("Problem.from_moments([[1.0, 2.0], [0.0, 1.0]], [1.0, 1.0])", "symmetric"),
        ("Problem.from_moments([[1.0, 2.0], [2.0, 1.0]], [1.0, 1.0])", "positive definite"),
        ("Problem.from_moments(np.eye(2), [1.0, 1.0, 1.0])", "shape"),
    ],
)
def test_impossible_problems_are_refused(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        eval(call)
    happens("calls", "", "refused", given=call, said=str(caught.value))


@pytest.mark.parametrize(("w0", "message"), [([1.0], "dimension"), (1.0, "dimension"), ([np.nan] * 20, "NaN")])
def test_impossible_starts_are_refused(w0, message):
    problem, _ = a_problem()
    with pytest.raises(ValueError, match=message):
        problem.check_start(w0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_moments_may_be_asymmetric_by_rounding_and_no_more(scale):
    H, g = scale * np.array([[1.0, 0.5], [0.5, 1.0]]), [1.0, 0.0]
    rounding, error = np.zeros((2, 2)), np.zeros((2, 2))
    rounding[0, 1], error[0, 1] = 1.4e-10 * scale, 1.6e-10 * scale  # between: 1e-10 (|H_ij| + max |H|)
    assert Problem.from_moments(H + rounding, g).dimension == 2
    with pytest.raises(ValueError, match="symmetrise it"):
        Problem.from_moments(H + error, g)


@pytest.mark.parametrize("length", [2, 3])
def test_moments_that_are_not_square_are_refused_by_their_shape(length):
    with pytest.raises(ValueError, match=r"H has shape \(2, 3\)"):
        Problem.from_moments(np.ones((2, 3)), np.ones(length))


def test_the_share_that_is_explained():
    assert Problem([1.0, 2.0], [1.0, 2.0], 6.0).explained_fraction == pytest.approx(3 / 6)
    assert Problem([1.0, 2.0], [1.0, 2.0], 3.0 * (1 - 5e-10)).explained_fraction == 1.0


def test_messages_name_the_first_offender():
    with pytest.raises(ValueError, match="3 stands before 2;"):
        Problem([1.0, 1.5, 3.0, 2.0, 4.0, 0.5], np.ones(6))
    with pytest.raises(ValueError, match="w0 holds inf,"):
        Problem([1.0, 2.0, 3.0], np.ones(3)).check_start([1.0, np.inf, np.nan])


def test_labels_of_any_size_may_be_explained():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    for size in (1e-8, 1e8):
        assert Problem.from_data(X, size * X[:, 0]).explained_fraction == pytest.approx(1.0)


def test_data_take_five_times_their_bytes(monkeypatch):
    X = np.random.default_rng(0).standard_normal((50, 3))
    monkeypatch.setattr("bngd.memory.available_memory", lambda: 5 * 8 * 150)
    assert Problem.from_data(X, X[:, 0]).dimension == 3
    monkeypatch.setattr("bngd.memory.available_memory", lambda: 5 * 8 * 150 - 1)
    with pytest.raises(TooLargeError, match=r"data of shape \(50, 3\)"):
        Problem.from_data(X, X[:, 0])
