import numpy as np
import pytest

from bngd import effective_step_asymptotes, gd_stability_limit
from bngd.studies.robustness_dimension import study
from bngd.studies.shared import by_dimension, random_problems


def test_limiting_log_ac_is_the_mean_in_many_dimensions():
    rng = np.random.default_rng(0)
    ratios = study.predicted_ratios(rng, [2, 400], 100.0, 20, 50)
    assert ratios["off"].abs().groupby(ratios["dimension"]).median().loc[400] < 0.2  # some 1/sqrt(d); 3.9 at d = 2
    summary = study.summarise_ratios(ratios, 100.0)
    many, few = summary.loc[400], summary.loc[2]
    assert abs(many["mean"] - many["limit"]) < 5 * many["standard_error"]
    assert many["deviation"] == pytest.approx(by_dimension.LOG_CHI_DEVIATION, rel=0.15)
    assert few["mean"] - few["limit"] > 1


def test_overlaps_have_the_predicted_mean():
    table = study.overlaps(np.random.default_rng(2), [3, 50], 100.0, 4000)
    assert ((table["measured"] - table["predicted"]).abs() < 4 * table["standard_error"]).all()


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(3)
    lr = by_dimension.relative_step_sizes(2.5, 8, 4)
    return by_dimension.run_ensemble(rng, [32, 64], 100.0, n_problems=2, n_starts=2, steps=500, lr=lr, level=0.1)


def test_the_measured_good_interval_is_the_predicted_one(runs):
    widths = by_dimension.measure_widths(runs, 1e-3, 0.1 * 0.02).query("method == 'bngd'")
    assert len(widths) == 8
    np.testing.assert_allclose(widths["good"], widths["predicted"], atol=0.1)


def test_gd_range_ends_at_its_limit_in_every_dimension(runs):
    medians = study.medians(by_dimension.measure_widths(runs, 1e-3, 0.1 * 0.02), "gd")
    np.testing.assert_allclose(medians["high"], 0.02, rtol=0.01)


def test_starts_have_the_overlap_that_was_asked_for():
    problem = random_problems.log_spaced_problem(np.random.default_rng(4), 20, 100.0)
    w0 = study.starts_with_overlap(problem, np.random.default_rng(5), [0.5, 1e-6])
    np.testing.assert_allclose(np.linalg.norm(w0, axis=1), 1.0)
    np.testing.assert_allclose(w0 @ problem.g / np.linalg.norm(problem.g), [0.5, 1e-6], rtol=1e-6)
    with pytest.raises(ValueError, match="lies between 0 and 1"):
        study.starts_with_overlap(problem, np.random.default_rng(5), [0.5, 1.0])


def test_the_notch_is_as_deep_as_the_overlap_is_small():
    overlaps = [1e-1, 1e-3, 3e-4, 1e-4]
    rng = np.random.default_rng(6)
    _, floors = study.notches(rng, [48], 100.0, overlaps, np.logspace(0, 7, 43), 600)
    assert floors["floor"].iloc[0] > 0.8
    assert study.notch_power(floors, below=0.3).value == pytest.approx(1.0, abs=0.15)


def test_beyond_the_notch_the_tent_ends_at_its_large_asymptote():
    rng = np.random.default_rng(7)
    problem, limit = random_problems.log_spaced_problem(rng, 48, 100.0), 0.02
    lr = np.array([1e11, 1e12])
    curves, _ = study.notch(problem, np.random.default_rng(8), [1e-3], lr, 300)
    w0 = study.starts_with_overlap(problem, np.random.default_rng(8), [1e-3])
    large = effective_step_asymptotes(problem, w0).large
    assert gd_stability_limit(problem) == pytest.approx(limit)
    np.testing.assert_allclose(curves["effective_step"] * limit, large / (lr * limit), rtol=1e-2)
