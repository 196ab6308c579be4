import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import a_problem, seeds

from bngd import Problem, equivalences
from bngd.equivalences import Configuration


def a_configuration(seed):
    problem, w0 = a_problem(6, 20.0, seed)
    rng = np.random.default_rng(seed)
    return Configuration(problem, float(rng.standard_normal()), w0, 10 ** rng.uniform(-2, 0), rng.uniform(0.1, 1))


@pytest.mark.parametrize("law", ["weights", "sign", "inputs", "labels", "rotation"])
@settings(max_examples=5, deadline=None)
@given(seeds, st.sampled_from([0.01, 0.3, 7.0, 100.0]))
def test_an_equivalent_run_maps_back_to_the_original(law, seed, factor):
    original = a_configuration(seed)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 6)))
    equivalent = {
        "weights": lambda: equivalences.scale_weights(original, factor),
        "sign": lambda: equivalences.flip_sign(original),
        "inputs": lambda: equivalences.scale_inputs(original, factor),
        "labels": lambda: equivalences.scale_labels(original, factor),
        "rotation": lambda: equivalences.rotate(original, Q),
    }[law]()
    a, w = equivalent.run(50)
    trajectory = original.run(50)
    np.testing.assert_allclose(a, trajectory.a, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(w, trajectory.w, rtol=1e-6, atol=1e-8 * np.abs(trajectory.w).max())


def test_weights_without_their_step_size_are_not_equivalent():
    original = a_configuration(0)
    unscaled = Configuration(original.problem, original.a0, 10 * original.w0, original.lr, original.lr_a)
    assert np.abs(unscaled.run(50).a - original.run(50).a).max() > 1e-3


def test_a_matrix_that_does_not_rotate_is_refused():
    with pytest.raises(ValueError, match="orthogonal"):
        equivalences.rotate(a_configuration(0), 2 * np.eye(6))


@pytest.mark.parametrize("law", [equivalences.scale_weights, equivalences.scale_inputs, equivalences.scale_labels])
def test_scales_that_are_not_positive_are_refused(law):
    with pytest.raises(ValueError, match="positive"):
        law(a_configuration(0), 0.0)


@pytest.mark.parametrize(
    ("law", "change", "factor"),
    [("rotate", [[0.0, -1.0], [1.0, 0.0]], 1), ("scale_labels", 3.0, 9), ("scale_inputs", 3.0, 1)],
)
def test_a_law_takes_the_least_loss_with_it(law, change, factor):
    problem = Problem.from_spectrum([1.0, 3.0], u=[1.0, 2.0], noise_variance=0.5)
    found = getattr(equivalences, law)(Configuration(problem, 0.3, np.array([1.0, 1.0]), 0.1, 1.0), change)
    assert found.configuration.problem.minimum_loss == pytest.approx(0.25 * factor)
