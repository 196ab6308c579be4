import numpy as np
import pandas as pd
import pytest

import bngd
from bngd.networks import kept
from bngd.studies.network_training_time import own_time

ROW = "mnist_m4_bnsplr-on-fashion-mnist"


def test_the_best_loss_is_that_of_the_best_step_size():
    problem = bngd.Problem.from_spectrum([1.0, 3.0, 10.0], u=[1.0, 1.0, 1.0])
    starts, lr = bngd.unit_vectors(np.random.default_rng(0), 3, 2), np.array([0.01, 0.3, 20.0])
    best = own_time.best_losses(problem, starts, lr, [1.0, 0.1], [5, 50])
    assert len(best) == 8
    for row in best.itertuples():
        runs = [bngd.bngd_trajectory(problem, starts[row.seed], e, row.updates, lr_a=row.lr_a).excess_loss for e in lr]
        assert row.loss == pytest.approx(min(run[-1] / run[0] for run in runs))
        assert row.own_time == row.lr_a * row.updates
        assert row.bound <= row.loss
    share = (best["bound"] / best["loss"])[best["lr_a"] == 0.1].max()
    assert own_time.largest_share(best, [0.1]) == [pytest.approx(share)]


def test_a_share_is_told_only_where_the_loss_is_no_rounding():
    best = pd.DataFrame({"lr_a": 0.1, "bound": [0.5, 1e-21], "loss": [1.0, 1e-22]})
    assert own_time.largest_share(best, [0.1]) == [0.5]


def test_a_kept_row_tells_its_best_losses_on_the_way():
    best, runs = own_time.best_losses_in(ROW), kept.results(ROW)
    assert len(best) == 4 * 5 * 4
    one = best[(best["setting"] == "split 0.01") & (best["seed"] == 3) & (best["updates"] == 600)].iloc[0]
    assert one["loss"] == runs.loc[(runs["setting"] == "split 0.01") & (runs["seed"] == 3), "loss_600"].min()
    assert one["own_time"] == pytest.approx(6.0)


def test_pairs_are_neighbours_at_equal_own_time():
    best = pd.DataFrame(
        {
            "updates": [10, 10, 100, 100, 1000, 7],
            "own_time": [1.0, 1.0, 1.0, 1.0, 1.0, 2.0],
            "loss": [4.0, 1.0, 1.0, 1.0, 0.5, 3.0],
        }
    )
    assert own_time.at_equal_own_time(best).to_numpy().tolist() == [
        [1.0, 10, 100, pytest.approx(2.0)],
        [1.0, 100, 1000, pytest.approx(2.0)],
    ]
