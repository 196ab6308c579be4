from dataclasses import replace

import numpy as np
import pytest

import bngd
from bngd.equivalences import Equivalent
from bngd.studies.equivalences import study

STEPS = 60


def configuration(lr=0.1, seed=0):
    rng = np.random.default_rng(seed)
    problem = bngd.Problem.from_spectrum(bngd.spectra.log_spaced(6, 20.0), rng=rng)
    return study.configuration(problem, bngd.unit_vectors(rng, 6), lr)


def laws_of(original, seed=1):
    rotation = study.random_rotation(np.random.default_rng(seed), original.problem.dimension)
    return study.changed(original, rotation, study.Factors(weights=3.0, inputs=0.3, labels=1.7))


def test_rotation_is_orthogonal():
    q = study.random_rotation(np.random.default_rng(0), 7)
    np.testing.assert_allclose(q @ q.T, np.eye(7), atol=1e-14)


def test_all_five_laws_collapse_to_rounding():
    original = configuration()
    runs = study.compare(original, laws_of(original), STEPS)
    assert list(runs["law"].unique()) == ["original", *study.LAWS]
    assert runs["difference"].max() < 1e-12


def test_a_broken_law_does_not_collapse():
    original = configuration()
    laws = laws_of(original)
    laws["weights"] = Equivalent(laws["weights"].configuration, lambda a: a, lambda w: w / 2.9)
    runs = study.compare(original, laws, STEPS)
    assert runs[runs["law"] == "weights"]["difference"].max() > 1e-2


def test_step_jacobian_of_a_is_known():
    # a+ = (1 - lr_a) a + lr_a w'g/s
    c = study.configuration(configuration().problem, np.ones(6), 0.1, lr_a=0.25)
    jacobian = study._step_jacobian(c, 1.0, np.ones(6))
    assert jacobian[0, 0] == pytest.approx(0.75, rel=1e-8)


def test_prediction_starts_at_one_rounding_and_bounds_what_is_seen():
    original = configuration(lr=1.0)
    predicted = study.predicted_rounding(original, STEPS)
    runs = study.compare(original, laws_of(original), STEPS)
    assert np.finfo(float).eps / 2 < predicted[0] < 4 * np.finfo(float).eps
    seen = runs.groupby("step")["difference"].max().to_numpy()
    assert np.max(seen / predicted) < 30


def test_random_problems_report_every_law():
    frame = study.collapse_of_random_problems(np.random.default_rng(3), 1, [0.1, 10.0], 20)
    assert len(frame) == 2 * len(study.LAWS)
    assert (frame[frame["law"] == "sign"]["difference"] == 0).all()
    assert frame["ratio"].max() < 30


def test_gradient_descent_keeps_the_rotation_alone():
    base = configuration()
    original = study.configuration(base.problem, base.w0, 0.3 * bngd.gd_stability_limit(base.problem))
    differences = study.loss_differences(study.compare_gd(original, laws_of(original), STEPS))
    assert differences["rotation"] < 1e-10
    assert differences.drop("rotation").min() > 0.1


def test_rescaling_brings_gradient_descent_back():
    base = configuration()
    original = study.configuration(base.problem, base.w0, 0.3 * bngd.gd_stability_limit(base.problem))
    runs = study.compare_gd(original, laws_of(original), STEPS)
    expected = runs[runs["law"] == "original"]["loss"].to_numpy()
    np.testing.assert_allclose(study.rescaled_gd(original, 0.3, STEPS)["loss"], expected, rtol=1e-10)


def test_laws_that_are_broken_are_far_beyond_rounding(monkeypatch):
    true = study.changed

    def broken(original, *rest):
        found = true(original, *rest)
        return found | {"inputs": replace(found["inputs"], restore_w=lambda w: 1.001 * w)}

    monkeypatch.setattr(study, "changed", broken)
    frame = study.collapse_of_random_problems(np.random.default_rng(3), 1, [0.1], 20)
    assert frame.set_index("law")["ratio"]["inputs"] > 1e6
