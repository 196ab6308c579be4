import numpy as np
import pandas as pd
import pytest

import bngd
from bngd.networks import kept
from bngd.studies.network_training_time import own_time, study


def test_the_best_loss_is_that_of_the_best_step_size():
    problem = bngd.Problem.from_spectrum([1.0, 3.0, 10.0], u=[1.0, 1.0, 1.0])
    starts, lr = bngd.unit_vectors(np.random.default_rng(0), 3, 2), np.array([0.01, 0.3, 20.0])
    best = own_time.best_losses(study.least_squares(problem, starts, lr, [5, 50], lr_a=[1.0, 0.1], level=0.01))
    assert len(best) == 8
    shares = []
    for row in best.itertuples():
        runs = [bngd.bngd_trajectory(problem, starts[row.seed], e, row.updates, lr_a=row.lr_a).excess_loss for e in lr]
        assert row.loss == pytest.approx(min(run[-1] / run[0] for run in runs))
        assert row.own_time == row.lr_a * row.updates
        if row.lr_a == 0.1:
            shares.append(bngd.smallest_relative_loss(problem, starts[row.seed], row.updates, lr_a=0.1) / row.loss)
    assert own_time.largest_share(best, problem, starts, [0.1]) == [pytest.approx(max(shares))]


def test_a_share_is_told_only_where_the_loss_is_no_rounding():
    problem, starts = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 0]), np.array([[0.0, 1.0]])
    best = pd.DataFrame({"lr_a": 0.5, "seed": 0, "updates": [1, 40], "loss": [0.5, 1e-30]})
    assert own_time.largest_share(best, problem, starts, [0.5]) == [pytest.approx(0.5)]


def test_kept_rows_tell_their_best_losses_on_the_way():
    ranges, runs = study.in_networks(), kept.results("mnist_m4_bnsplr-on-fashion-mnist")
    best = own_time.best_losses(ranges[ranges["network"] == "m4"])
    assert len(best) == 4 * 5 * 4
    one = best[(best["setting"] == "split 0.01") & (best["seed"] == 3) & (best["updates"] == 600)].iloc[0]
    assert one["loss"] == runs.loc[(runs["setting"] == "split 0.01") & (runs["seed"] == 3), "loss_600"].min()
    assert one["own_time"] == pytest.approx(6.0)


def test_ten_times_the_updates_are_compared_at_a_tenth_of_the_rate_or_at_the_same():
    best = pd.DataFrame(
        {
            "setting": ["split 0.1", "split 0.1", "split 0.01", "split 0.1", "split 0.01"],
            "updates": [10, 10, 100, 100, 30],
            "loss": [4.0, 1.0, 1.0, 0.5, 9.0],
        }
    )
    assert own_time.tenfold(best, 0.1).to_numpy().tolist() == [[1.0, pytest.approx(2.0)]]
    assert own_time.tenfold(best, 1.0).to_numpy().tolist() == [[1.0, pytest.approx(4.0)]]
