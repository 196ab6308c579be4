from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bngd
from bngd.networks import Job, kept, load, mlp, run, workable_ranges
from bngd.studies.network_training_time import balance, frozen, study

LR = np.geomspace(1e-5, 1e4, 181)
STEPS = [20, 200]


@pytest.fixture(scope="module")
def problem():
    return bngd.Problem.from_spectrum([1.0, 3.0, 10.0], u=[1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def ranges(problem):
    starts = bngd.unit_vectors(np.random.default_rng(0), 3, 2)
    return starts, study.least_squares(problem, starts, LR, STEPS, lr_a=[1.0], level=0.01)


def after(problem, w0, lr, steps, lr_a=None):
    """The loss after some steps relative to that at the start, step by step; BNGD where lr_a is given."""
    loss = bngd.gd_excess_loss if lr_a is None else bngd.excess_loss
    state = (w0,) if lr_a is None else (bngd.optimal_a(problem, w0), w0)
    first = loss(problem, *state)
    for _ in range(steps):
        state = (bngd.gd_step(problem, *state, lr),) if lr_a is None else bngd.bngd_step(problem, *state, lr, lr_a)
    return loss(problem, *state) / first


@pytest.mark.parametrize("setting", ["gd", "bn", "split 1"])
def test_an_end_of_a_range_is_where_the_loss_crosses_the_level(problem, ranges, setting):
    starts, table = ranges
    for row in table[table["setting"] == setting].itertuples():
        for end, inwards in (("absolute_low", 1.1), ("absolute_high", 1 / 1.1)):
            lr = getattr(row, end)
            inside, outside = (
                after(problem, starts[row.seed], e, row.updates, {"gd": None, "bn": e, "split 1": 1.0}[setting])
                for e in (lr * inwards, lr / inwards**2)
            )
            assert inside < 0.01, (row.seed, row.updates, end)
            assert not outside < 0.01, (row.seed, row.updates, end)


def test_a_step_never_uses_more_than_its_share(problem):
    lr, starts = np.geomspace(1e-3, 1e3, 7), bngd.unit_vectors(np.random.default_rng(2), 3, 3)
    share = study.largest_share(problem, starts, lr, 30)
    assert 0.01 < share < 1
    by_hand = []
    for w0 in starts:
        for rate in lr:
            a, w = bngd.bngd_step(problem, bngd.optimal_a(problem, w0), w0, rate, 1.0)
            _, after = bngd.bngd_step(problem, a, w, rate, 1.0)
            e, f = (np.sqrt(problem.eigenvalues @ bngd.residual(problem, v) ** 2) for v in (w, after))
            by_hand.append((1 - f / e) / (1 - bngd.smallest_residual_ratio(problem, w0, rate)))
    assert study.largest_share(problem, starts, lr, 2) == pytest.approx(max(by_hand))


def some(**columns):
    same = {"network": "n", "setting": "bn", "seed": 0, "grid_low": 1e-6, "grid_high": 1e6}
    return pd.DataFrame(same | columns)


def test_moves_are_decades_in_a_decade_of_updates():
    found = study.moves(
        pd.concat(
            [
                some(updates=[100, 10000, 1000], absolute_low=[0.1, 0.001, 7.0], absolute_high=[1.0, 1e4, 7.0]),
                some(updates=[100, 1000], absolute_low=[0.1, 1e-6], absolute_high=[1e6, 1e6], seed=1),
                some(updates=[100, 1000], absolute_low=[np.nan, 0.1], absolute_high=[np.nan, 5.0], seed=2),
            ]
        )
    ).set_index("seed")
    assert found.loc[0, ["since", "until"]].tolist() == [100, 10000]
    assert found.loc[0, ["lower", "upper"]].tolist() == pytest.approx([-1.0, 2.0])
    assert found.loc[[1, 2], ["lower", "upper"]].isna().all(axis=None), "beyond the grid, or nothing worked"


def test_what_left_the_grid_is_counted_and_judges_nothing():
    moved = pd.DataFrame(
        {
            "network": ["a", "a", "b", "b"], "setting": ["gd", "gd", "split 1", "split 1"], "seed": [0, 1, 0, 1],
            "since": 200, "until": 2000, "lower": [-1.0, -1.2, -1.0, np.nan], "upper": [0.0, 0.4, 1.0, 2.0],
        }
    )  # fmt: skip
    spread = study.spread(moved)
    assert spread["in the grid"].tolist() == ["2 and 2 of 2", "1 and 2 of 2"]
    assert spread["upper end"].tolist() == ["0.00 to 0.40", "1.00 to 2.00"]
    assert spread["lower end"].tolist() == ["-1.20 to -1.00", "-1.00"]
    assert study.spread(moved.assign(lower=np.nan))["lower end"].tolist() == ["", ""]
    assert study.inside(moved, "upper").to_numpy().tolist() == [["b", "split 1", 1.5]]
    assert study.inside(moved, "lower").empty
    assert study.inside(moved, "lower", ["gd"])["mean"].tolist() == pytest.approx([-1.1])
    assert study.medians(moved, "upper", ["split 1"]) == [1.5]
    assert study.medians(moved, "upper") == pytest.approx([0.2, 1.5])
    assert study.named(study.inside(moved, "upper", ["gd", "split 1"])) == "a: gd; b: split 1"


def test_a_head_start_is_that_of_the_first_updates_in_networks_with_both():
    rows = [("x", "gd", 200, 2.0), ("x", "bn", 200, 4.0), ("x", "bn", 200, 16.0), ("x", "bn", 600, 999.0)]
    rows += [("y", "gd", 200, 1.0), ("z", "gd", 200, 1.0), ("z", "bn", 200, 2.0)]
    ranges = pd.DataFrame(rows, columns=["network", "setting", "updates", "absolute_high"])
    assert study.head_start(ranges, "bn", "gd") == {
        "updates": 200,
        "least": pytest.approx(2.0),
        "largest": pytest.approx(4.0),
    }


def test_kept_rows_tell_their_ranges_on_the_way_each_run_once():
    found = study.in_networks()
    assert not found.duplicated(["network", "setting", "seed", "updates"]).any()
    assert set(found.groupby(["network", "setting"])["seed"].nunique()) == {5}
    assert found["setting"].unique().tolist()[:2] == ["gd", "bn"]
    row = "mnist_m5_gdlr-h10-on-fashion-mnist"
    runs = kept.results(row)
    for updates in (200, 6000):
        own = workable_ranges(runs, level=0.06, loss=f"loss_{updates}")
        mine = found[(found["row"] == row) & (found["updates"] == updates)]
        assert mine["absolute_high"].tolist() == own["absolute_high"].tolist()
        assert mine["grid_high"].unique().tolist() == [runs["lr"].max()]


def test_a_scale_at_a_standstill_allows_the_loss_that_its_images_allow():
    digits = load("digits").first(40)
    runs = frozen.losses(mlp(5).with_batch_norm(0.0), [0.1, 1.0], [0.5, 2.0], digits, updates=3)
    assert runs[["gamma", "lr"]].to_numpy().tolist() == [[0.5, 0.1], [0.5, 1.0], [2.0, 0.1], [2.0, 1.0]]
    p = np.array([np.mean(digits.y_train == c) for c in range(10)])
    floors = [np.log1p(9 * np.exp(-10 / 9 * gamma * np.sqrt(p * (1 - p)).sum())) for gamma in (0.5, 2.0)]
    assert runs["floor"].tolist() == pytest.approx(np.repeat(floors, 2))
    assert (runs["ratio"] * runs["floor"]).tolist() == pytest.approx(runs["train_loss"].tolist())
    assert len(digits.x_train) == 40
    np.testing.assert_array_equal(digits.x_train, load("digits").x_train[:40])


def test_kept_rows_of_a_slow_scale_are_told_with_their_best_loss():
    table = frozen.kept_rows().set_index("row")
    assert {"m1", "m2", "m3"} == set(table["network"])
    for title, row in table.iterrows():
        runs = kept.results(title)
        slow = runs[runs["setting"] == "split 0.001"]
        assert (row["best"], row["updates"]) == (slow["train_loss"].min(), slow["steps"].max() - 1)
        scale = np.sqrt(1 + 0.002 * (row["updates"] + 1) * (1.101003 + 0.001) / 10)
        assert row["scale"] == pytest.approx(scale, rel=1e-6)
        assert row["floor"] == pytest.approx(np.log1p(9 * np.exp(-10 / 3 * scale)))


def test_a_scale_that_is_watched_grows_by_the_entropy_less_the_loss():
    network, digits = mlp(5).with_batch_norm(), load("digits").first(40)
    table = balance.balances(network, 3.0, [0.5, 0.1], digits, updates=6)
    np.testing.assert_allclose(table["grown"], table["entropy"] - table["loss"], rtol=0, atol=1e-12)
    assert ((table["entropy"] > 0) & (table["entropy"] < np.log(10))).all()
    assert (table["scale"] < table["bound"]).all()
    bound = np.sqrt(1 + 2 * table["lr_a"] * table["update"] * (1.101003 + table["lr_a"]) / 10)
    np.testing.assert_allclose(table["bound"], bound, rtol=1e-6)
    trained = run(Job(network, 3.0, 0.5, steps=6, batch=40, record_every=1, dtype="float64"), digits)
    watched = table[table["setting"] == "split 0.5"]
    assert watched["update"].tolist() == trained.step
    np.testing.assert_allclose(watched["loss"].iloc[1:], trained.loss[:-1], rtol=1e-12)


def test_a_run_that_is_lost_leaves_the_bound_unjudged(monkeypatch):
    problem, w0 = bngd.Problem.from_spectrum([1.0, 3.0], u=[1.0, 1.0]), [[1.0, -0.2]]
    assert 0 < study.largest_share(problem, w0, [0.1], 20) <= 1
    lost = lambda *given: replace(bngd.bngd_trajectory(*given), w=np.full((21, 2), np.nan))  # noqa: E731
    monkeypatch.setattr(study, "bngd_trajectory", lost)
    assert np.isnan(study.largest_share(problem, w0, [0.1], 20))
