import numpy as np
import pandas as pd
import pytest

from bngd.studies.network_one_layer import study
from bngd.studies.network_width import study as network_width


def test_the_hidden_layer_alone_is_a_row_of_its_own_at_every_size():
    runs, titles = study.hidden_layer_alone()
    assert all("-rest-1-" in title for title in titles)
    counts = runs.groupby(["h", "inputs", "setting"]).size()
    sizes = {(100, n) for n in (16, 49, 196, 784)} | {(10, 784), (1000, 784)}
    assert set(counts.index) == {(*size, setting) for size in sizes for setting in ("gd", "split 1")}
    assert counts.min() == counts.max() == 30  # ten rates, three repetitions
    assert "-rest-" not in "".join(network_width.kept_runs()[1] + network_width.with_fewer_inputs(100)[1])


def test_the_worst_is_measured_against_an_untrained_layer_of_the_same_repetition():
    rows = [("gd", 0, 10.0, 0.9), ("gd", 0, 0.1, 0.3), ("gd", 1, 0.1, 0.6), ("gd", 1, 10.0, 0.6), ("bn", 0, 0.1, 0.5)]
    runs = pd.DataFrame(rows, columns=["setting", "seed", "lr", "train_loss"]).assign(h=1, inputs=2)
    assert study.worst_over_untrained(runs) == {"gd": pytest.approx(3.0), "bn": 1.0}


def test_half_a_gain_lies_between_an_untrained_layer_and_the_best():
    lr, loss = np.logspace(-2, 2, 5), [0.16, 0.08, 0.01, 0.02, np.nan]
    runs = pd.DataFrame({"h": 3, "inputs": 4, "setting": "bn", "seed": 0, "lr": lr, "loss_200": loss})
    [found] = study.half_gain(runs.sample(frac=1, random_state=0)).to_dict("records")
    assert found["gain"] == pytest.approx(16)
    assert found["low"] == pytest.approx(0.1 * 10 ** (1 / 3)), "where the loss crosses 0.04"
    assert found["high"] == pytest.approx(10)
    assert (found["updates"], found["censored"]) == (200, False)
