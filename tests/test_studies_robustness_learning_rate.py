import numpy as np
import pandas as pd
import pytest

from bngd import Problem, bngd_trajectory, gd_excess_loss, gd_stability_limit, gd_trajectory
from bngd.studies.robustness_learning_rate import study
from bngd.studies.shared import scans


@pytest.fixture(scope="module")
def scan():
    rng = np.random.default_rng(0)
    problem = study.synthetic_problems(rng, 30, [100.0])["kappa = 100"]
    lr = scans.step_sizes_around_limit(problem, 4, 6, 12)
    return scans.scan(problem, scans.random_starts(problem, rng, 2), lr, study.checkpoints(400, 20, [2.0, 5.0]))


def test_a_scan_notes_the_losses_of_single_runs(scan):
    lr = scan.lr[40]
    gd = gd_trajectory(scan.problem, scan.w0[1], lr, 400)
    bngd = bngd_trajectory(scan.problem, scan.w0[1], lr, 400)
    scale = scan.problem.explained / 2
    for step in (20, 200, 400):
        assert scan.loss("gd", step)[40, 1] == pytest.approx(gd.excess_loss[step] / scale, rel=1e-9)
        assert scan.loss("bngd", step)[40, 1] == pytest.approx(bngd.excess_loss[step] / scale, rel=1e-9)


def test_a_scan_refuses_steps_that_were_not_noted(scan):
    with pytest.raises(ValueError, match="the loss after 7 steps was not noted"):
        scan.loss("gd", 7)


def test_random_starts_are_as_long_as_the_solution(scan):
    np.testing.assert_allclose(np.linalg.norm(scan.w0, axis=1), np.linalg.norm(scan.problem.u))


def test_step_sizes_surround_the_limit_of_gd(scan):
    limit = gd_stability_limit(scan.problem)
    assert scan.lr[0] == pytest.approx(1e-4 * limit)
    assert scan.lr[-1] == pytest.approx(1e6 * limit)
    assert np.sum(np.abs(scan.lr / limit - 1) <= 0.1 + 1e-9) >= 21
    with pytest.raises(ValueError, match="decades_below is 0"):
        scans.step_sizes_around_limit(scan.problem, 0, 6, 12)


def test_gd_range_is_where_the_closed_form_says(scan):
    problem, w0, threshold = scan.problem, scan.w0[0], 1e-2
    lr = np.geomspace(scan.lr[0], gd_stability_limit(problem), 20_001)
    decay = (1 - lr[:, None] * problem.eigenvalues) ** 400
    loss = gd_excess_loss(problem, problem.u + decay * (w0 - problem.u)) / (problem.explained / 2)
    found = scans.fixed_ranges(scan, 400, threshold).query("method == 'gd' and start == 0").iloc[0]
    assert found["low"] == pytest.approx(lr[loss <= threshold][0], rel=0.02)
    assert found["high"] == pytest.approx(gd_stability_limit(problem), rel=0.02)


def test_a_slowdown_of_one_leaves_the_best_step_size(scan):
    for _, row in scans.slowdown_ranges(scan, 400, 1.0).iterrows():
        loss = scan.loss(row["method"], 400)[:, row["start"]]
        assert row["low"] <= scan.lr[np.nanargmin(loss)] <= row["high"]
        assert row["decades"] < 0.3


def test_gd_at_a_slowdown_has_that_many_decades(scan):
    table = study.widths_against_demands(scan, [0.1], [2.0, 5.0], threshold=0.1)["slowdown"]
    np.testing.assert_allclose(table["gd"], np.log10([2.0, 5.0]), rtol=0.1)


def test_medians_do_not_hide_a_start_without_range():
    ranges = pd.DataFrame({"method": ["gd"] * 3, "decades": [1.0, 2.0, np.nan]})
    assert np.isnan(scans.median_decades(ranges)["gd"])


def test_growth_recovers_known_slopes():
    steps = np.array([10, 20, 50, 100, 200])
    table = pd.DataFrame({"gd": np.log10(steps), "bngd": 2 * np.log10(steps) + 1}, index=steps)
    table.loc[10] = 0.0
    assert study.growth_with_steps(table, 20).to_dict() == pytest.approx({"gd": 1.0, "bngd": 2.0})


def test_predicted_ends_are_those_of_the_good_interval(scan):
    problem = scan.problem
    ranges = scans.fixed_ranges(scan, 400, 0.1)
    ends = scans.upper_ends(scan, ranges)
    assert (ends.loc[ends["method"] == "gd", "predicted"] == gd_stability_limit(problem)).all()
    for _, row in ends[ends["method"] == "bngd"].iterrows():
        w0 = scan.w0[row["start"]]
        s2, wg = np.sum(problem.eigenvalues * w0**2), w0 @ problem.g
        force = np.sum((problem.g - wg / s2 * problem.eigenvalues * w0) ** 2)
        m = np.sum(problem.u**2) ** 2 * s2**2 / (row["low"] ** 2 * w0 @ w0 * wg**2 * force)
        assert row["predicted"] / row["low"] == pytest.approx(m * (w0 @ w0 / np.sum(problem.u**2)) ** 2)


def test_real_problems_are_named_and_standardised():
    problems = study.real_problems(["linnerud"])
    assert list(problems) == ["linnerud"]
    assert isinstance(problems["linnerud"], Problem)
    assert problems["linnerud"].eigenvalues.sum() == pytest.approx(3.0)


def test_width_tables_lead_and_describe(scan):
    ranges = study.all_fixed_ranges({"one": scan}, 400, 0.1)
    widths = study.widths(ranges)
    assert widths.loc["one", "lead"] == widths.loc["one", "bngd"] - widths.loc["one", "gd"] > 1
    table = study.width_table({"one": scan}, {"loss": widths})
    assert list(table) == ["d", "kappa", "kappa*", "GD, loss", "BNGD, loss"]
    assert table.loc["one", "kappa"] == pytest.approx(100)
    assert study.upper_end_misses(ranges).loc["one", "gd"] < 0.01
