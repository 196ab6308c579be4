import numpy as np
import pandas as pd
import pytest

from bngd.networks import Job, load, mlp, run, trajectory
from bngd.networks.architectures import scale_of
from bngd.networks.training import initial
from bngd.studies.network_one_layer import parts, study
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


@pytest.mark.parametrize(
    ("moved", "of_job"),
    [
        ([parts.PARTS[1], parts.PARTS[3]], {"lr": 1.0, "lr_a": 0.3}),
        ([parts.PARTS[0], parts.PARTS[2]], {"lr": 0.3, "lr_a": 1.0}),
        ([parts.PARTS[0]], {"lr": 0.3, "lr_a": 1.0, "lr_rest": 1.0}),
    ],
    ids=["scales", "weights", "hidden weights"],
)
def test_parts_have_the_step_size_and_all_else_has_one(moved, of_job):
    data, network = load("digits").first(60), mlp(5).with_batch_norm(0.0)
    same = {"steps": 4, "batch": 20}
    found = parts.runs(network, {"moved": moved}, [0.3], data, seeds=2, **same)
    for seed, row in zip((0, 1), found.itertuples(), strict=True):
        job = Job(network, seed=seed, evaluation=60, **of_job, **same)
        assert row.train_loss == pytest.approx(run(job, data).final["train_loss"], rel=1e-5)
        *_, end = trajectory(job, data)
        theta = np.concatenate([end.parameters["gamma"][0], end.parameters["beta"][0]])
        assert row.hidden_step == pytest.approx(0.3 / (theta @ theta), rel=1e-6)


def test_the_two_scales_have_step_sizes_of_their_own():
    data, network = load("digits").first(60), mlp(5).with_batch_norm(0.0)
    alone = parts.runs(network, parts.ALONE, [1.0, 50.0], data, seeds=1, steps=4, batch=20)
    losses = alone.pivot(index="setting", columns="lr", values="train_loss")
    assert losses[1.0].nunique() == 1, "at the step size of the rest it does not matter which part has it"
    assert losses[50.0].nunique() == 4


def test_the_upper_end_is_a_geometric_mean_over_repetitions():
    rows = [("own", seed, lr, loss) for seed, last in ((0, 1.0), (1, 100.0)) for lr, loss in ((0.1, 0.2), (last, 0.2))]
    table = pd.DataFrame(rows, columns=["setting", "seed", "lr", "train_loss"])
    assert parts.upper_ends(table, 0.5).to_dict() == {"own": pytest.approx(10.0)}


def test_the_scale_of_the_logits_moves_alone_and_its_rises_are_counted():
    data, network = load("digits").first(80), mlp(5).with_batch_norm(0.0)
    job = Job(network, 1.0, steps=3, batch=80, dtype="float64")
    *_, end = trajectory(job, data, [0.0, 0.0, 0.0, 2.0])
    for name, values in initial(job, data).items():
        moved = [not np.array_equal(old, new) for old, new in zip(values, end.parameters[name], strict=True)]
        assert moved == [False, name in ("gamma", "beta")]
    table = parts.scale_in_motion(network, [0.5, 3.0, 200.0], data, seeds=2, updates=12)
    assert (table.loc[table["lr_a"] < 4, "share"] >= 1).all()
    assert table.loc[table["lr_a"] > 4, "share"].isna().all()
    rises = table.groupby("lr_a")["rises"]
    assert rises.max()[3.0] == 0
    assert 0 < rises.min()[200.0] <= rises.max()[200.0] < 12


def test_what_an_update_of_the_scale_promises_is_four_less_its_step_size():
    data, network, lr_a = load("digits").first(80), mlp(5).with_batch_norm(0.0), 0.5
    job = Job(network, 1e-15, steps=1, batch=80, evaluation=80, dtype="float64")
    before = run(job, data).final["train_loss"]
    (after,) = trajectory(job, data, [0.0, 0.0, 0.0, lr_a])
    gradient = (scale_of(after.parameters, -1) - scale_of(initial(job, data), -1)) / lr_a
    found = parts.scale_in_motion(network, [lr_a], data, seeds=1, updates=1)
    promised = lr_a * (4 - lr_a) / 4 * (gradient @ gradient)
    assert found["share"].item() == pytest.approx((before - found["loss"].item()) / promised, rel=1e-9)
