import inspect

import numpy as np
import pytest

from bngd import krylov
from bngd import lanczos as block_lanczos
from bngd.dynamics import bngd_trajectory
from bngd.ensemble import sweep
from bngd.krylov import CompressionError, compress
from bngd.lanczos import Lanczos
from bngd.memory import TooLargeError
from bngd.problem import Problem


def make(dimension, condition_number=100.0, starts=1, seed=3):
    rng = np.random.default_rng(seed)
    problem = Problem.from_spectrum(np.geomspace(1, condition_number, dimension), rng=rng)
    w0 = rng.standard_normal((starts, dimension))
    return problem, w0[0] if starts == 1 else w0


def compressed_to(problem, w0, blocks):
    lanczos = Lanczos(problem, np.atleast_2d(w0))
    lanczos.grow(blocks)
    return lanczos.compressed()


@pytest.mark.parametrize("lr", [0.01, 1.0, 1e3])
def test_runs_agree_to_rounding_for_as_many_steps_as_blocks_less_one(lr):
    problem, w0 = make(300)
    small, starts = compressed_to(problem, w0, 12)
    assert small.dimension == 24
    full = bngd_trajectory(problem, w0, lr, 11)
    run = bngd_trajectory(small, starts[0], lr, 11)
    for name in ("a", "norm_w", "effective_step"):
        np.testing.assert_allclose(getattr(run, name), getattr(full, name), rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(run.excess_loss, full.excess_loss, rtol=1e-8, atol=1e-13 * problem.explained)


def test_one_step_further_is_no_longer_exact():
    problem, w0 = make(300)
    small, starts = compressed_to(problem, w0, 4)
    difference = bngd_trajectory(small, starts[0], 30.0, 9).a[-1] - bngd_trajectory(problem, w0, 30.0, 9).a[-1]
    assert abs(difference) > 1e-9


def test_the_solution_survives_exactly():
    problem, w0 = make(500, 1e4)
    small, _ = compressed_to(problem, w0, 5)
    np.testing.assert_allclose(small.explained, problem.explained, rtol=1e-12)
    np.testing.assert_allclose(small.minimum_loss, problem.minimum_loss, atol=1e-12 * problem.explained)
    np.testing.assert_allclose(np.linalg.norm(small.u), np.linalg.norm(problem.u), rtol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("dimension", [1500, 20000])
def test_the_estimate_bounds_the_error_that_is_seen(dimension, tolerance):
    problem, w0 = make(dimension)
    found = compress(problem, w0, steps=300, tolerance=tolerance)
    assert found.estimate <= tolerance
    assert found.problem.dimension < dimension
    lr = np.geomspace(1e-3, 1, 12) * (w0 @ w0) / (problem.u @ problem.u * problem.eigenvalues[-1])
    call = {"steps": 300, "checkpoints": [30, 100, 300]}
    full = sweep(problem, lr, w0=w0, **call)["excess_loss"]
    small = sweep(found.problem, lr, w0=found.starts, **call)["excess_loss"]
    assert np.abs(full - small).max() / (problem.explained / 2) <= found.estimate
    assert found.sensitive < 0.5


def test_smaller_tolerances_cost_more_dimensions_and_worse_conditioned_problems_too():
    problem, w0 = make(1500)
    loose, tight = (compress(problem, w0, steps=300, tolerance=t).problem.dimension for t in (1e-3, 1e-8))
    assert loose < tight
    worse, start = make(1500, 1e3)
    assert compress(worse, start, steps=300, tolerance=1e-3).problem.dimension > loose


def test_probes_are_losses_as_a_fraction_of_what_there_is_to_lose():
    problem, w0 = make(30, starts=2)
    lr = krylov._probe_rates(problem, w0)
    assert lr[0] == pytest.approx(1e-3 * (w0**2).sum(axis=1) / np.sum(problem.u**2) / problem.eigenvalues[-1])
    assert lr[-1] / lr[0] == pytest.approx(1e9)
    found = krylov.probe(problem, w0, lr, 7)
    for probe, start, look, steps in ((0, 0, 0, 1), (95, 1, -1, 7), (40, 0, 1, 2)):
        run = bngd_trajectory(problem, w0[start], lr[probe, start], steps)
        assert found[probe, start, look] == pytest.approx(run.excess_loss[-1] / (problem.explained / 2), rel=1e-8)


def test_step_sizes_where_rounding_decides_are_told_apart_and_are_few():
    loose, tight = (compress(*make(400), steps=100, tolerance=tolerance).sensitive for tolerance in (1e-2, 1e-11))
    assert loose == 0
    assert 0 < tight < 0.2


def test_the_sizes_that_are_tried_grow_by_a_tenth_up_to_the_exact_one():
    assert list(krylov._sizes(34)) == [*range(8, 31, 2), 33, 35]
    assert list(krylov._sizes(8)) == [8, 9]
    assert list(krylov._sizes(7)) == [8]


def test_few_steps_need_no_estimate():
    problem, w0 = make(400)
    found = compress(problem, w0, steps=5)
    assert found.exact_steps == 5
    assert found.problem.dimension == 12


@pytest.mark.parametrize("values", [[1.0, 3.0, 10.0], [1e6, 3e6, 1e7], [1e-6, 3e-6, 1e-5], [1e-7, 3.0, 10.0]])
def test_breakdown_ends_with_the_whole_invariant_space(values):
    rng = np.random.default_rng(5)
    problem = Problem.from_spectrum(np.repeat(values, 40), rng=rng)
    found = compress(problem, rng.standard_normal(120), steps=500)
    assert found.exact_steps is None
    assert found.problem.dimension == 6
    np.testing.assert_allclose(found.problem.eigenvalues, np.repeat(values, 2), atol=1e-14 * values[-1])


@pytest.mark.parametrize(("most", "size"), [(6, 6), (7, 6), (8, 8), (None, 20)])
def test_a_basis_has_whole_blocks_and_no_more_than_may_be(most, size):
    problem, w0 = make(100)
    lanczos = Lanczos(problem, w0[None])
    lanczos.grow(10, most)
    assert lanczos.compressed()[0].dimension == size


def test_dependent_starts_add_nothing():
    problem, w0 = make(60)
    small, starts = compressed_to(problem, np.array([w0, -2 * w0, problem.u + w0]), 6)
    assert small.dimension == 12
    np.testing.assert_allclose(starts[1], -2 * starts[0], atol=1e-12)


def test_a_problem_that_is_small_already_is_only_rotated():
    problem, w0 = make(7)
    found = compress(problem, w0, steps=1000)
    assert found.exact_steps is None
    assert found.problem.dimension == 7
    np.testing.assert_allclose(found.problem.eigenvalues, problem.eigenvalues, rtol=1e-11)


def test_starts_keep_their_shape_and_their_norms():
    problem, w0 = make(80, starts=3)
    found = compress(problem, w0, steps=3)
    assert found.starts.shape[:-1] == (3,)
    np.testing.assert_allclose(np.linalg.norm(found.starts, axis=1), np.linalg.norm(w0, axis=1), rtol=1e-12)


def test_the_basis_stays_orthonormal():
    problem, w0 = make(40000)  # several panels
    lanczos = Lanczos(problem, w0[None])
    lanczos.grow(50)
    basis = np.hstack([part[:100] for part in lanczos._basis._parts])
    np.testing.assert_allclose(basis @ basis.T, np.eye(100), atol=1e-13)
    np.testing.assert_allclose(basis * problem.eigenvalues @ basis.T, symmetric(lanczos._tridiagonal()), atol=1e-11)


def symmetric(lower):
    return np.tril(lower) + np.tril(lower, -1).T


def test_a_tolerance_that_cannot_be_met_says_what_can():
    problem, w0 = make(2000)
    with pytest.raises(CompressionError, match="needs more than max_dimension = 40, where the estimate is"):
        compress(problem, w0, steps=2000, max_dimension=40)
    for tolerance in (1e-17, 1.0, 1.5):
        with pytest.raises(CompressionError, match=f"tolerance is {tolerance:g}"):
            compress(problem, w0, steps=2000, tolerance=tolerance)
    assert inspect.signature(compress).parameters["tolerance"].default == 1e-10


def test_bad_input(monkeypatch):
    problem, w0 = make(2000)
    with pytest.raises(ValueError, match="steps is 0"):
        compress(problem, w0, steps=0)
    with pytest.raises(ValueError, match="w0 has shape"):
        compress(problem, w0[:-1], steps=5)
    with pytest.raises(ValueError, match="w0 is zero"):
        compress(problem, 0 * w0, steps=5)
    monkeypatch.setattr("bngd.memory.available_memory", lambda: 1000)
    with pytest.raises(TooLargeError, match=r"a Krylov basis of .* vectors of length 2000 needs"):
        compress(problem, w0, steps=5)


def test_panels_do_not_change_a_result(monkeypatch):
    problem, w0 = make(300)
    whole, _ = compressed_to(problem, w0, 10)
    monkeypatch.setattr(block_lanczos, "PANEL", 64)
    cut, _ = compressed_to(problem, w0, 10)
    np.testing.assert_allclose(cut.eigenvalues, whole.eigenvalues, rtol=1e-12)


@pytest.mark.parametrize("condition_number", [100.0, 1e6])
def test_a_basis_of_many_blocks_stays_orthonormal(condition_number):
    rng = np.random.default_rng(3)
    problem = Problem.from_spectrum(np.geomspace(1, condition_number, 2000), rng=rng)
    lanczos = Lanczos(problem, rng.standard_normal((1, 2000)))
    lanczos.grow(200)
    basis = np.hstack([part[: lanczos._basis.size] for part in lanczos._basis._parts])
    np.testing.assert_allclose(basis @ basis.T, np.eye(400), atol=1e-13)


def test_the_estimate_is_measured_and_not_what_was_asked_for():
    rng = np.random.default_rng(3)
    problem, w0 = Problem.from_spectrum(np.geomspace(1, 100, 1500), rng=rng), rng.standard_normal(1500)
    found = [compress(problem, w0, steps=300, tolerance=tolerance) for tolerance in (1.0e-6, 1.001e-6)]
    assert found[0].problem.dimension == found[1].problem.dimension
    assert found[0].estimate == found[1].estimate < 1e-6
