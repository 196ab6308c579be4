import numpy as np
import pandas as pd
import pytest

from bngd.studies.shared import by_dimension, random_problems


def test_the_moments_of_log_chi_are_those_of_a_chi_squared_variable():
    logs = np.log10(np.random.default_rng(1).standard_normal(200_000) ** 2)
    assert logs.mean() == pytest.approx(by_dimension.LOG_CHI_MEAN, abs=0.01)
    assert logs.std() == pytest.approx(by_dimension.LOG_CHI_DEVIATION, rel=0.01)


def test_step_sizes_of_gd_stop_soon_after_its_limit():
    lr = by_dimension.relative_step_sizes(2, 6, 4)
    assert lr.gd[-1] == pytest.approx(1.1)
    assert lr.bngd[[0, -1]] == pytest.approx([1e-2, 1e6])
    with pytest.raises(ValueError, match="span no range"):
        by_dimension.relative_step_sizes(0, 0, 4)


def test_a_gap_is_seen_and_does_not_hide_the_ends():
    lr = np.logspace(0, 6, 61)
    effective = np.where((lr > 1.5) & (lr < 5e5), 1.0, 1e-3)
    effective[30:35] = 0.01
    runs = pd.DataFrame(
        {
            "dimension": 2,
            "draw": 0,
            "method": "bngd",
            "lr": lr,
            "relative_loss": 1e-6 / effective,
            "effective_step": effective,
            "predicted": 5.5,
        }
    )
    found = by_dimension.measure_widths(runs, 1e-5, 0.1).iloc[0]
    assert found["good"] == pytest.approx(np.log10(5e5 / 1.5), abs=0.2)
    assert not found["whole"]
    assert found["decades"] < 3.2 < 5 < found["span"]


def test_slopes_are_fitted_with_their_error():
    x = np.linspace(0, 1, 200)
    noise = 0.1 * np.random.default_rng(9).standard_normal(200)
    slope = by_dimension.fit_slope(x, 2 * x + noise)
    assert abs(slope.value - 2) < 4 * slope.error
    assert slope.error == pytest.approx(0.1 / np.sqrt(200 / 12), rel=0.2)
    with pytest.raises(ValueError, match="a slope needs three"):
        by_dimension.fit_slope([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])


def test_a_problem_needs_two_ends_of_its_spectrum():
    with pytest.raises(ValueError, match="needs at least 2"):
        random_problems.log_spaced_problem(np.random.default_rng(0), 1, 100.0)
