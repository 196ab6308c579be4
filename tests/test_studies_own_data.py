import numpy as np
import pandas as pd
import pytest
from problems import a_problem

import bngd
from bngd.spectra import log_spaced, two_level
from bngd.studies.own_data import study
from bngd.studies.shared.rates import loss_against_step


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def swept(rng):
    problem = bngd.Problem.from_spectrum(log_spaced(30, 20.0), rng=rng)
    w0 = bngd.unit_vectors(rng, 30)
    return problem, w0, study.sweep_both(problem, w0, n_lr=41, steps=300)


def test_forecast_holds_the_closed_forms(rng):
    problem = bngd.Problem.from_spectrum(two_level(10, 100.0), rng=rng)
    gd, bn = study.forecast(problem, 1e-6).to_dict("records")
    assert gd["condition_number"] == pytest.approx(100)
    assert gd["limit"] == pytest.approx(0.02)
    assert bn["steps"] <= gd["steps"] == int(np.ceil(-np.log(1e6) / (2 * np.log(99 / 101))))


def test_two_dimensions_need_a_single_step_of_bngd(rng):
    assert study.forecast(bngd.Problem.from_spectrum([1.0, 9.0], rng=rng), 1e-6)["steps"].iloc[1] == 1


def test_the_sweep_covers_the_limit_and_the_interval(swept):
    problem, w0, runs = swept
    low, high = study.predicted_interval(problem, w0)
    for value in (bngd.gd_stability_limit(problem), low, high):
        assert runs["lr"].min() < value / 100
        assert runs["lr"].max() > value * 100


def test_best_lr_is_the_first_to_arrive(swept):
    problem, w0, runs = swept
    best = study.best_lr(runs, 1e-6)
    assert 0.3 < best["gd"] / bngd.gd_best_lr(problem) < 1.05
    losses = loss_against_step(problem, w0, lr_gd=best["gd"], lr_bngd=best["bngd"], steps=300)
    taken = study.steps_taken(losses, 1e-6)
    assert 0 < taken["bngd"] <= 300
    assert 0 < taken["gd"] <= 300


def test_best_lr_falls_back_to_the_least_loss(swept):
    _, _, runs = swept
    last = runs[(runs["step"] == 300) & (runs["method"] == "gd")].set_index("lr")["relative_loss"]
    assert study.best_lr(runs, 1e-300)["gd"] == last.idxmin()


def test_workable_decades_are_more_for_bngd(swept):
    widths = study.workable_decades(swept[2], 1e-3).set_index("method")
    assert widths.loc["bngd", "decades"] > widths.loc["gd", "decades"] + 1
    assert not widths["censored"].any()


def test_steps_taken_is_nan_where_the_loss_never_got_there():
    losses = pd.DataFrame({"method": ["gd", "bngd"], "step": [4, 4], "relative_loss": [0.5, 1e-8]})
    taken = study.steps_taken(losses, 1e-6)
    assert np.isnan(taken["gd"])
    assert taken["bngd"] == 4


@pytest.mark.parametrize(
    ("steps", "opening"),
    [((400, 100), "**BN would buy speed"), ((120, 100), "**BN would buy a little"), ((100, 100), "**BN would buy no")],
)
def test_the_verdict_on_speed_follows_the_predicted_steps(steps, opening):
    expected = pd.DataFrame({"method": ["gd", "bngd"], "condition_number": [9.0, 3.0], "steps": steps})
    widths = pd.DataFrame({"method": ["gd", "bngd"], "decades": [1.0, 4.0], "censored": [False, True]})
    text = study.verdict(expected, widths, {"gd": steps[0], "bngd": 90.0})
    assert text.startswith(opening)
    assert "at least 4.0 decades" in text
    assert "try other seeds" not in text


def test_the_verdict_owns_up_to_a_start_that_falls_short():
    expected = pd.DataFrame({"method": ["gd", "bngd"], "condition_number": [9.0, 3.0], "steps": [100, 40]})
    widths = pd.DataFrame({"method": ["gd", "bngd"], "decades": [1.0, 1.2], "censored": [False, False]})
    text = study.verdict(expected, widths, {"gd": 90.0, "bngd": 95.0})
    assert "not every start lets BNGD reach" in text
    assert "Raise `steps`" in study.verdict(expected, widths, {"gd": 90.0, "bngd": float("nan")})
    assert "not every start" not in study.verdict(expected, widths, {"gd": float("nan"), "bngd": 55.0})
    assert "would not spare you tuning" in text


def test_what_is_guaranteed_is_said_beside_what_the_asymptotes_promise():
    problem, w0 = a_problem()
    assert "for certain" in study.guaranteed_in_words(problem, w0)
    assert "the asymptotes say" in study.guaranteed_in_words(problem, w0)
