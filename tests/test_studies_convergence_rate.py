import numpy as np
import pandas as pd
import pytest

import bngd
from bngd import theory
from bngd.dynamics import residual
from bngd.spectra import log_spaced, two_level
from bngd.studies.convergence_rate import attained, study
from bngd.studies.shared.random_problems import FAMILIES, family_spectrum, problem_of_a_family
from bngd.studies.shared.rates import loss_against_step, steps_per_decade, steps_to_reduce


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_the_dimension_and_at_most_the_condition_number_asked_for(family):
    values = family_spectrum(family, 40, 200.0)
    assert values.shape == (40,)
    assert 100 < values[-1] / values[0] <= 200 * (1 + 1e-12)


def test_an_unknown_family_is_refused_with_the_list():
    with pytest.raises(ValueError, match="'flat' does not exist; use one of 'log-spaced'"):
        family_spectrum("flat", 5, 10.0)


@pytest.mark.parametrize(("dimensions", "condition_numbers"), [((2, 5), (2.0, 3.0)), ((3, 5), (1.0, 3.0))])
def test_draws_that_no_family_could_serve_are_refused(rng, dimensions, condition_numbers):
    with pytest.raises(ValueError, match="give 3 <= first"):
        problem_of_a_family(rng, dimensions=dimensions, condition_numbers=condition_numbers)


def test_steps_to_reduce_inverts_the_decay():
    assert steps_to_reduce(0.1, 1e-6) == 3
    assert steps_to_reduce(0.0, 1e-6) == 1
    assert steps_per_decade(0.1) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="factor is 1"):
        steps_to_reduce(1.0, 1e-6)


def test_factors_on_random_problems_agree_with_the_predicted_ones(rng):
    factors = study.factors(study.random_runs(rng, n_problems=6, n_runs=4, condition_numbers=(2.0, 20.0)), 500)
    named = np.where(factors["slowest"] == "a", factors["a_factor"], factors["w_factor"])
    np.testing.assert_array_equal(named, factors["predicted"])
    assert set(factors["slowest"]) == {"w", "a"}
    counted = factors[factors["asymptotic"]]
    assert set(counted["method"]) == {"gd", "bngd"}
    assert len(counted) > 24
    residual = counted["measured"] - counted["predicted"]
    assert residual.max() < 1e-3
    assert residual.abs().median() < 1e-4


def test_residual_quantiles_tell_the_deciding_factor_apart(rng):
    factors = study.factors(study.random_runs(rng, n_problems=6, n_runs=8, condition_numbers=(2.0, 10.0)), 300)
    table = study.residual_quantiles(factors)
    assert table["runs"].sum() == factors["asymptotic"].sum()
    assert (table["quantile 0.5"] <= table["quantile 1"]).all()


def test_the_best_step_size_ends_at_the_best_effective_step(rng):
    problem = bngd.Problem.from_spectrum(log_spaced(60, 50.0), rng=rng)
    w0 = bngd.unit_vectors(rng, 60)
    best = study.find_best_lr(problem, w0)
    assert best.effective_step == pytest.approx(bngd.bngd_best_effective_step(problem), rel=1e-3)
    loss = bngd.sweep(problem, best.lr, steps=400, w0=w0, checkpoints=range(401))["relative_loss"]
    assert np.sqrt(bngd.decay_factor(loss)) == pytest.approx(bngd.bngd_best_factor(problem), abs=2e-3)


def test_a_start_from_which_nothing_converges_is_refused():
    problem = bngd.Problem.from_spectrum([1.0, 2.0, 5.0], u=[0.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="use another w0"):
        study.find_best_lr(problem, [1.0, 0.0, 0.0])


def test_no_other_step_size_converges_faster_in_the_end(rng):
    problem = bngd.Problem.from_spectrum(two_level(20, 30.0), rng=rng)
    w0 = study.widest_start(problem, bngd.unit_vectors(rng, 20, 8))
    best = study.find_best_lr(problem, w0)
    ends = bngd.sweep(problem, np.geomspace(1e-2, 1e2, 50) * best.lr, steps=3000, w0=w0)["effective_step"]
    factors = bngd.bngd_factor(problem, ends)
    assert factors.min() >= bngd.bngd_factor(problem, best.effective_step) - 1e-3


def test_the_widest_start_is_the_one_with_the_largest_product_of_asymptotes(rng):
    problem = bngd.Problem.from_spectrum(log_spaced(5, 10.0), rng=rng)
    starts = bngd.unit_vectors(rng, 5, 7)
    widths = [np.prod(bngd.effective_step_asymptotes(problem, w0)) for w0 in starts]
    np.testing.assert_array_equal(study.widest_start(problem, starts), starts[int(np.argmax(widths))])


def test_in_high_dimension_every_start_reaches_the_best_effective_step(rng):
    problem = bngd.Problem.from_spectrum(log_spaced(200, 20.0), rng=rng)
    tops = study.highest_effective_steps(problem, bngd.unit_vectors(rng, 200, 3))
    assert (tops >= bngd.bngd_best_effective_step(problem)).all()


def test_losses_step_by_step_equal_the_trajectories(rng):
    problem = bngd.Problem.from_spectrum(log_spaced(4, 10.0), rng=rng)
    w0 = bngd.unit_vectors(rng, 4)
    table = loss_against_step(problem, w0, lr_gd=0.1, lr_bngd=0.2, steps=20)
    runs = {"gd": bngd.gd_trajectory(problem, w0, 0.1, 20), "bngd": bngd.bngd_trajectory(problem, w0, 0.2, 20)}
    for method, run in runs.items():
        expected = run.excess_loss / run.excess_loss[0]
        np.testing.assert_allclose(table[table["method"] == method]["relative_loss"], expected, rtol=1e-10)


def test_the_furthest_runs_are_those_that_seem_fastest_where_rho_star_decides():
    factors = pd.DataFrame(
        {
            "asymptotic": [True, True, True, False, True],
            "method": ["bngd", "bngd", "bngd", "bngd", "gd"],
            "slowest": ["w", "w", "a", "w", "w"],
            "predicted": [0.9, 0.9, 0.9, 0.9, 0.9],
            "measured": [0.89, 0.80, 0.1, 0.2, 0.3],
        }
    )
    assert list(study.furthest(factors, 1).index) == [1]
    assert list(study.furthest(factors, 9).index) == [1, 0]


def test_many_digits_say_what_doubles_say_for_as_long_as_these_can():
    problem, w0 = bngd.Problem.from_spectrum([1.0, 3.0, 7.0], u=[0.5, -1.0, 0.8]), np.array([1.0, 0.4, -0.3])
    logs, effective = attained.residuals(problem, w0, 0.3, 0.7, digits=40, steps=30)
    run = bngd.bngd_trajectory(problem, w0, 0.3, 30, lr_a=0.7)
    e = residual(problem, run.w)
    doubles = np.log10(np.sqrt(np.sum(problem.eigenvalues * e**2, axis=1) / problem.explained))
    np.testing.assert_allclose(logs, doubles, rtol=0, atol=1e-10)
    assert effective == pytest.approx(run.effective_step[-1], rel=1e-12)


def test_a_run_with_many_digits_ends_where_they_do():
    problem = bngd.Problem.from_spectrum([1.0, 2.0], u=[1.0, 1.0])
    short, long = (attained.residuals(problem, [1.0, 0.2], 0.5, 1.0, digits=n, steps=10_000)[0] for n in (40, 80))
    assert -20 <= short[-1] < -19
    assert -40 <= long[-1] < -39
    np.testing.assert_allclose(long[: short.size - 1], short[:-1], rtol=0, atol=1e-3)


def _one_run(u, w0, lr):
    problem = bngd.Problem.from_spectrum([1.0, 2.0, 5.0], u=u)
    drawn = study.RandomRuns("", problem, np.asarray(w0), np.array([]), np.array([lr]), np.array([1.0]))
    runs = pd.DataFrame({"problem": [0], "lr": [lr], "lr_a": [1.0]})
    levels = attained.levels([drawn], runs, digits=100, steps=5000)
    return problem, levels, attained.ends(levels).iloc[0]


def test_the_slowest_mode_decides_in_the_end_however_little_there_is_of_it():
    _, levels, end = _one_run([1e-12, 1.0, 1.0], [1e-12, 1.0, 0.3], 0.2)
    assert end["measured"] == pytest.approx(end["predicted"], abs=1e-9)
    assert levels["log_level"].iloc[0] > -1
    assert np.ptp(levels["log_level"].iloc[-50:]) < 1e-6  # level
    assert -14 < end["log_level"] < -8
    before = levels[levels["log_residual"] > -16].iloc[-1]
    assert end["share_seen"] == pytest.approx(10 ** (end["log_level"] - before["log_level"]))
    assert 0 < end["share_seen"] < 1


def test_a_start_with_nothing_of_the_slowest_mode_is_faster():
    """Where neither u nor w_0 has a part along an eigenvector of H, no step brings one in: hence the "almost"."""
    problem, _, end = _one_run([0.0, 1.0, 1.0], [0.0, 1.0, 0.3], 0.2)
    values = theory.effective_eigenvalues(problem)
    assert values[1] == pytest.approx(1.0)  # the mode that never appears is the slowest
    assert end["measured"] < end["predicted"] - 0.05


def test_best_factors_on_random_problems_are_never_above_those_of_gd(rng):
    table = study.random_best_factors(rng, 50)
    assert (table["bngd"] <= table["gd"] * (1 + 1e-12)).all()


def test_best_factors_on_real_data_are_measured_as_predicted(rng):
    row = study.data_best_factors(["linnerud"], rng, n_starts=8).iloc[0]
    assert row["gd_measured"] == pytest.approx(row["gd_predicted"], abs=1e-3)
    assert row["bngd_measured"] == pytest.approx(row["bngd_predicted"], abs=1e-2)
    assert 0 <= row["reached"] <= row["faster"] <= 1


def test_a_start_that_ends_well_below_the_best_step_counts_if_it_is_faster_than_gd():
    data = bngd.datasets.load("iris")
    problem = bngd.Problem.from_data(data.X, data.y, names=data.names)
    start = bngd.unit_vectors(np.random.default_rng(3), problem.dimension, 7)[6:]
    (top,) = study.highest_effective_steps(problem, start)
    # A scan of 200 step sizes finds 0.321; this one has six a decade.
    assert 0.30 < top / theory.bngd_best_effective_step(problem) < 0.322
    assert theory.bngd_factor(problem, top) < theory.gd_best_factor(problem)
