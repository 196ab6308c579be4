import numpy as np
import pytest

import bngd
from bngd.spectra import log_spaced, two_level
from bngd.studies.effective_hessian import study


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_shares_sum_to_one_and_come_back_as_given(rng):
    theta = rng.random(6)
    problem = study.problem_with_shares(log_spaced(6, 50.0), theta)
    assert problem.explained == pytest.approx(1)
    np.testing.assert_allclose(study.shares(problem), theta / theta.sum(), rtol=1e-12)


def test_negative_shares_are_refused():
    with pytest.raises(ValueError, match="give at least one above 0"):
        study.problem_with_shares([1.0, 2.0], [-0.1, 1.1])


def test_the_balance_of_shares_vanishes_at_the_effective_eigenvalues(rng):
    problem = bngd.Problem.from_spectrum(log_spaced(8, 30.0), rng=rng)
    for x in bngd.effective_eigenvalues(problem)[1:]:
        pulls = study.shares(problem) / (problem.eigenvalues - x)
        assert abs(pulls.sum()) < 1e-9 * np.abs(pulls).sum()


def test_interlacing_violation_is_rounding_for_the_true_spectrum_only(rng, monkeypatch):
    problem = bngd.Problem.from_spectrum(log_spaced(10, 100.0), rng=rng)
    assert study.interlacing_violation(problem) < 1e-14
    monkeypatch.setattr(study, "effective_eigenvalues", lambda p: p.eigenvalues * 1.01)
    assert study.interlacing_violation(problem) == pytest.approx(0.01)


def test_checks_hold_on_random_problems(rng):
    table = study.checks(rng, 40, dimensions=(3, 30))
    assert (table["kappa_star"] <= table["kappa"] * (1 + 1e-12)).all()
    assert (table[["interlacing", "bisection", "trace"]] < 1e-12).all(axis=None)


def test_ladder_problems_gain_at_the_end_that_is_named(rng):
    top, bottom, _, double = study.ladder_problems(rng, 12, 100.0).values()
    low, high = bngd.effective_extremes(top)
    assert high < 40
    assert low < 2
    low, high = bngd.effective_extremes(bottom)
    assert low > 4
    assert high > 99
    assert bngd.effective_condition_number(double) == pytest.approx(100, rel=1e-12)


def test_gain_by_family_is_nothing_for_a_double_eigenvalue_and_large_for_a_single_one(rng):
    table = study.gain_by_family(rng, ["two levels", "two large eigenvalues"], [1e5], dimension=20, n_draws=20)
    single, double = table["median"]
    assert double == pytest.approx(1e5, rel=1e-12)
    assert single < 1e3


def test_gain_by_share_follows_the_closed_forms():
    table = study.gain_by_share([1e-3, 0.1, 0.7], condition_number=500.0, dimension=9)
    two_levels = table.dropna()
    assert len(two_levels) == 6
    np.testing.assert_allclose(two_levels["gain"], two_levels["predicted"], rtol=1e-9)
    theta = study.shares(study._loaded(two_level(9, 500.0), "largest", 0.9))
    assert theta[-1] == pytest.approx(0.9)


def test_data_conditioning_factors_into_the_gains_at_both_ends():
    row = study.data_conditioning(["diabetes"]).iloc[0]
    assert row["kappa"] == pytest.approx(470, abs=0.5)
    assert row["kappa_star"] == pytest.approx(106, abs=0.5)
    assert row["gain_low"] * row["gain_high"] == pytest.approx(row["gain"])


@pytest.mark.parametrize(("text", "half"), [("106", 0.5), ("45.5", 0.05), ("9.0", 0.05)])
def test_rounding_of_a_decimal(text, half):
    assert study.rounding_of(text) == pytest.approx(half)


def test_the_two_ends_change_places_in_parts_of_the_length():
    table = study.gain_by_share_of_length([0.01, 0.5], condition_number=100.0, dimension=5)
    np.testing.assert_allclose(table["gain"], table["predicted"], rtol=1e-9)
    np.testing.assert_allclose(table["gain"], [1.99, 50.5, 100 / 99.01, 100 / 50.5], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "column"),
    [("effective_extremes", "bisection"), ("effective_hessian", "trace"), ("effective_eigenvalues", "interlacing")],
)
def test_checks_notice_what_is_wrong(monkeypatch, name, column):
    true = getattr(study, name)
    monkeypatch.setattr(study, name, lambda problem: 1.01 * np.asarray(true(problem)))
    assert study.checks(np.random.default_rng(5), 10, dimensions=(3, 10))[column].max() > 1e-3
