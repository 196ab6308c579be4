import numpy as np
import pandas as pd
import pytest

from bngd.networks import Job, Training, mlp
from bngd.studies.network_effective_step import study as network_effective_step
from bngd.studies.network_learning_rate import study as network_learning_rate
from bngd.studies.network_scaling import study as network_scaling
from bngd.studies.network_width import study as network_width
from bngd.studies.shared.networks import palette

NETWORK = mlp(4)
LR = [0.1, 1.0]


def training(job, loss):
    return Training(job, [1, 2, 3], loss, [], [], [], {}, "finite")


# --- learning rates


def test_the_narrowest_of_one_method_is_compared_with_the_widest_of_the_other_in_each_protocol():
    ranges = pd.DataFrame(
        [
            *[("one", "bn", 3.0), ("one", "bn", 5.0), ("one", "gd", 1.0), ("one", "gd", 2.0)],
            *[("two", "gd", 4.0), ("two", "bn", 6.0), ("three", "gd", 9.0)],
        ],
        columns=["protocol", "setting", "absolute_decades"],
    ).assign(best_loss=[0.3, 0.5, 0.4, 0.6, 0.1, 0.2, 0.0])
    ends = network_learning_rate.narrowest_and_widest(ranges, "absolute", "bn", "gd").set_index("protocol")
    assert ends.to_dict("index") == {"one": {"narrowest": 3.0, "widest": 2.0}, "two": {"narrowest": 6.0, "widest": 4.0}}
    best = network_learning_rate.best_in_full(ranges).set_index("protocol")
    assert best.loc["one"].to_dict() == {"gd": 0.4, "bn": 0.5}


def test_the_linear_classifiers_in_full_have_five_repetitions_of_every_method():
    ranges = network_learning_rate.ranges_in_full(network_learning_rate.rows_in_full())
    counts = ranges.groupby(["protocol", "setting"]).size()
    assert set(counts) == {5}
    assert {("m4, 6000 updates", "split 1"), ("m2, 6000 updates", "bn")} <= set(counts.index)


def test_every_setting_gets_every_rate_and_repetition():
    jobs = network_learning_rate.jobs(NETWORK, LR, [1.0, 0.1], seeds=2, steps=7)
    settings = ["gd", "bn", "split 1", "split 0.1"]
    assert [j.setting for j in jobs] == [s for s in settings for _ in range(4)]
    assert {(j.lr, j.seed) for j in jobs} == {(0.1, 0), (0.1, 1), (1.0, 0), (1.0, 1)}
    assert {j.steps for j in jobs} == {7}


def test_extremes_are_taken_over_repetitions():
    ranges = pd.DataFrame(
        {
            "setting": ["gd", "bn", "gd"],
            "best_loss": [0.3, 0.2, 0.1],
            "relative_decades": [1.0, 3.0, 2.0],
            "relative_censored": [False, True, False],
            "absolute_decades": [0.5, 4.0, 1.5],
            "absolute_censored": [True, True, True],
        }
    )
    assert network_learning_rate.extremes(ranges, "relative").loc["gd"].tolist() == [1.0, 1.5, 2.0, 2]
    spread = network_learning_rate.spread_over_repetitions(ranges)
    assert spread["setting"].tolist() == ["gd", "bn"]
    assert spread["best loss"].tolist() == ["0.100 to 0.300", "0.200"]
    assert spread["decades, absolute"].tolist() == ["0.50 to 1.50", "4.00"]
    assert spread["left the grid, relative"].tolist() == ["0 of 2", "1 of 1"]


# --- scaling


def test_scaling_takes_the_square_for_the_rate_alone():
    job = Job(NETWORK.with_batch_norm(0.0), 0.5, 0.25)
    scaled = network_scaling.scaled(job, 3.0)
    assert (scaled.scale, scaled.lr, scaled.lr_a) == (3.0, 4.5, 0.25)


def test_jobs_of_the_collapse_stand_by_network_then_scale_then_rate():
    jobs = network_scaling.collapse_jobs({"a": (NETWORK, None)}, LR, [1.0, 10.0], steps=5)
    assert [(j.scale, j.lr) for j in jobs] == [(1.0, 0.1), (1.0, 1.0), (10.0, pytest.approx(10.0)), (10.0, 100.0)]
    assert {j.stream for j in jobs} == {0}  # the same weights and batches, or nothing could collapse


def test_deviations_are_relative_to_the_reference():
    job = Job(NETWORK, 0.1)
    found = network_scaling.deviations(training(job, [2.0, 4.0, 5.0]), {10.0: training(job, [2.0, 5.0, 7.5])})
    np.testing.assert_allclose(found[10.0][1], [0.0, 0.25, 0.5])
    assert network_scaling.largest(found, [10.0]) == 0.5
    assert network_scaling.largest(found, [10.0], until=2) == 0.25


def test_spread_is_a_median_of_ratios_and_leaves_out_diverged_runs():
    runs = pd.DataFrame({"train_loss": [1.0, 1.0, 1.0, 2.0, np.nan, 5.0]})
    assert network_scaling.spread(runs, [1.0, 10.0]) == 2.0


# --- width


def test_the_widest_network_is_trained_first():
    jobs = network_width.jobs([3, 7], [2, 1], LR, 1.0, steps=5)
    assert [j.network.name for j in jobs[:6]] == ["m5, h = 7"] * 6
    assert len(jobs) == 3 * len(LR) * (1 + 2)
    assert {j.setting for j in jobs} == {"gd", "bn", "split 1"}


@pytest.mark.parametrize(("widths", "repetitions"), [([10], [1]), ([10, 100], [1])])
def test_widths_to_compare_need_partners(widths, repetitions):
    with pytest.raises(ValueError, match="give two widths or more"):
        network_width.jobs(widths, repetitions, LR, 1.0)


def test_means_over_repetitions_ascend_in_width():
    ranges = pd.DataFrame(
        {
            "h": [100, 10, 10],
            "setting": "bn",
            "best_loss": 0.1,
            "relative_decades": [4.0, 1.0, 2.0],
            "absolute_decades": 0.0,
            "relative_high": 1.0,
        }
    )
    table = network_width.medians(ranges)
    assert network_width.by_width(table, "bn", "relative_decades") == [1.5, 4.0]
    assert table["h"].tolist() == [10, 100]


@pytest.mark.parametrize(("decades", "expected"), [([1, 1, 2], True), ([1, 2, 1.9], False)])
def test_widens(decades, expected):
    assert network_width.widens(decades) is expected


# --- effective steps


def test_least_growth_compares_looks_of_one_run_and_layer():
    paths = pd.DataFrame(
        {
            "lr": [1.0, 1.0, 1.0, 2.0, 2.0],
            "layer": [0, 0, 1, 0, 0],
            "step": [2, 1, 1, 1, 2],
            "norm": [3.0, 2.0, 0.1, 4.0, 4.0],
        }
    )
    assert network_effective_step.least_growth(paths) == 1.0


def test_a_row_for_each_rate_at_the_end():
    final = pd.DataFrame(
        {"lr": [1.0, 1.0], "layer": [0, 1], "loss": 0.5, "effective_step": [2.0, 3.0], "product": [4.0, 5.0]}
    )
    [row] = network_effective_step.at_the_end(final, ["first", "last"]).to_dict("records")
    assert row == {
        "lr": 1.0,
        "loss": 0.5,
        "effective step, first": 2.0,
        "effective step, last": 3.0,
        "product, first": 4.0,
        "product, last": 5.0,
    }


def test_ends_are_compared_rate_by_rate_and_layer_by_layer():
    reference = pd.DataFrame({"lr": [1.0, 1.0, 2.0], "layer": [0, 1, 0], "step": 5, "product": [2.0, 4.0, 8.0]})
    early = pd.DataFrame({"lr": [1.0], "layer": [0], "step": [1], "product": [100.0]})
    paths = pd.concat([reference.assign(product=[1.0, 1.0, 1.0]).iloc[:2], early])
    assert network_effective_step.ratio_at_the_end(paths, reference).to_dict() == {(1.0, 0): 0.5, (1.0, 1): 0.25}


def test_changes_are_from_the_first_look_to_the_last():
    paths = pd.DataFrame(
        {"lr": 1.0, "layer": 0, "step": [9, 1, 5], "norm": [6.0, 2.0, 1.0], "unit_sharpness": [5.0, 1.0, 9.0]}
    )
    assert network_effective_step.changes(paths).to_dict("records") == [
        {"lr": 1.0, "layer": 0, "squared_norm": 9.0, "unit_sharpness": 5.0}
    ]


def test_one_rate_has_no_exponent():
    final = pd.DataFrame({"lr": [1.0], "layer": [0], "effective_step": [2.0]})
    assert np.isnan(network_effective_step.exponent(final, 0))


def test_exponent_of_a_power_law():
    lr = np.array([10.0, 0.1, 1.0])
    final = pd.DataFrame({"lr": lr, "layer": 1, "effective_step": 7 / lr})
    assert network_effective_step.exponent(final, 1) == pytest.approx(-1)


# --- plots


def test_every_setting_has_a_colour_of_its_own():
    colours = palette(["gd", "split 0.5", "bn", "split 1", "split 0.5", "split 7"])
    assert list(colours) == ["gd", "split 0.5", "bn", "split 1", "split 7"]
    assert len(set(colours.values())) == 5


def on_the_way():
    """Runs of a narrow and a wide network: the rates of the wide one work from the start on."""
    rows = [
        {
            "network": f"m5, h = {h}",
            "setting": s,
            "seed": 0,
            "lr": lr,
            "steps": 601,
            "loss_200": early,
            "loss_600": 0.01,
        }
        for s in ("gd", "bn")
        for h, early in ((10, 0.1), (100, 0.01))
        for lr in (0.1, 1.0)
    ]
    return network_width.while_training(pd.DataFrame(rows), level=0.05)


def test_ranges_while_training_are_those_of_the_losses_on_the_way():
    found = on_the_way().set_index(["network", "setting", "updates"])["absolute_decades"]
    assert found["m5, h = 10", "gd", 200] == 0
    assert found["m5, h = 10", "gd", 600] == pytest.approx(1)
    assert found["m5, h = 100", "bn", 200] == pytest.approx(1)


def test_gains_are_wide_less_narrow_where_no_range_left_the_grid():
    rows = [
        {"h": h, "setting": "bn", "updates": n, "seed": seed, "relative_decades": 1.0, "absolute_decades": decades}
        | {"relative_censored": h == 10, "absolute_censored": n == 600 and seed == 1 and h == 100}
        for seed in (0, 1, 2)
        for h, n, decades in ((10, 200, 2.0 + seed), (100, 200, 5.0 + seed), (10, 600, 1.0), (100, 600, 2.0))
    ]
    only_narrow = {"h": 10, "updates": 2000, "setting": "bn"} | dict.fromkeys(rows[0].keys() & {"seed"}, 0)
    only_narrow |= {f"{m}_{c}": 0 for m in ("relative", "absolute") for c in ("decades", "censored")}
    gains = network_width.gains(pd.DataFrame([*rows, *rows[:1], only_narrow]), "h", 10, 100)
    assert gains["updates"].tolist() == [200, 600]
    assert gains["repetitions"].tolist() == [3, 3]
    assert gains["absolute"].tolist()[0] == pytest.approx(3.5)
    assert np.isnan(gains["absolute"].tolist()[1])
    assert gains["relative"].isna().all()


def test_runs_with_fewer_inputs_stand_beside_those_with_all():
    runs, titles = network_width.with_fewer_inputs(100)
    assert len(titles) == 6
    assert all("-pooled-" in title for title in titles)
    counts = runs.groupby(["inputs", "setting"]).size()
    assert set(counts.index) == {(n, setting) for n in (16, 49, 196, 784) for setting in ("gd", "bn")}
    assert counts.min() == counts.max() == 30  # ten rates, three repetitions
    assert set(runs["network"]) == {"m5, h = 100"}
    by_inputs = network_width.while_training_by_inputs(runs, level=0.06)
    pd.testing.assert_frame_equal(
        by_inputs[by_inputs["inputs"] == 49].drop(columns="inputs").reset_index(drop=True),
        network_width.while_training(runs[runs["inputs"] == 49], level=0.06),
    )


def test_runs_with_more_hidden_units_stand_beside_those_of_the_scripts():
    runs, titles = network_width.with_more_units()
    assert len(titles) == 4
    assert not {"10", "100", "1000"} & {title.split("-h")[1].split("-")[0] for title in titles}
    counts = runs.groupby(["network", "setting"]).size()
    assert {(network_width.hidden_units(network), setting) for network, setting in counts.index} == {
        (h, setting) for h in (10, 30, 100, 300, 1000) for setting in ("gd", "bn")
    }
    assert counts.min() == counts.max() == 30


def test_reduced_runs_stand_beside_the_kept_ones_of_their_width():
    reduced = pd.DataFrame({"h": [10, 10, 30], "setting": ["gd", "bn", "gd"], "absolute_decades": [1.0, 2.0, 9.0]})
    kept_runs = pd.DataFrame(
        {
            "h": 10, "setting": ["gd", "gd", "bn", "gd"], "updates": [200, 200, 200, 600],
            "absolute_decades": [3.0, 5.0, 6.0, 7.0],
        }
    )  # fmt: skip
    table = network_width.reduced_and_kept(reduced, kept_runs)
    assert table.columns.tolist() == ["h", "setting", "reduced", "kept, 200", "kept, 600"]
    assert table.fillna(0).to_numpy().tolist() == [[10, "gd", 1.0, 4.0, 7.0], [10, "bn", 2.0, 6.0, 0.0]]


def test_a_part_is_held_against_the_whole_where_both_were_run():
    same = {"setting": "gd", "updates": 200}
    part = pd.DataFrame(
        [
            {"h": 10, **same, "seed": seed, "absolute_decades": a, "relative_decades": r}
            for seed, a, r in ((0, 1.0, 3.0), (1, 2.0, 5.0), (2, 9.0, 4.0))
        ]
    )
    elsewhere = part.assign(h=100)
    whole = pd.concat([part.assign(absolute_decades=2.5, relative_decades=4.5), elsewhere.assign(setting="bn")])
    table = network_width.part_and_whole(pd.concat([part, elsewhere]), whole)
    assert table.to_dict("records") == [
        {"h": 10, **same, "absolute, part": 2.0, "absolute, whole": 2.5, "relative, part": 4.0, "relative, whole": 4.5}
    ]


def test_the_reduced_network_stands_beside_the_real_one():
    def ranges(settings, best):
        return pd.DataFrame(
            {"setting": settings, "best_loss": best}
            | {f"{m}_{c}": v for m in ("relative", "absolute") for c, v in (("decades", 1.0), ("censored", False))}
        )

    reduced = ranges(["gd", "bn", "split 1"], [0.7, 0.4, 0.3])
    full = ranges(["gd", "gd", "bn", "split 0.1"], [0.3, 0.4, 0.2, 0.5])
    tables = {"reduced": reduced, "full": full, "longer": ranges(["gd"], [0.1])}
    table = network_learning_rate.side_by_side(tables, ["gd", "bn", "split 0.1"])
    assert table[["setting", "runs", "best loss"]].to_numpy().tolist() == [
        ["gd", "reduced", "0.700"],
        ["gd", "full", "0.300 to 0.400"],
        ["gd", "longer", "0.100"],
        ["bn", "reduced", "0.400"],
        ["bn", "full", "0.200"],
        ["split 0.1", "full", "0.500"],
    ]


def test_losses_are_compared_at_one_step_size_and_seed_in_the_order_of_the_settings():
    runs = pd.DataFrame(
        {
            "setting": ["split 1"] * 3 + ["split 0.1"] * 3,
            "lr": [1.0, 10.0, 10.0] * 2,
            "seed": [0, 0, 1] * 2,
            "train_loss": [1.0, 2.0, 4.0, 3.0, 5.0, 6.0],
        }
    )
    assert network_learning_rate.least_loss_ratios(
        runs.sample(frac=1, random_state=0).sort_values("setting", ascending=False)
    ) == [1.5]


def test_who_tunes_is_judged_by_the_interval_of_the_geometric_mean():
    logs = np.array([0.0, 1.0, 2.0])  # their standard error is 1/sqrt(3), and Student's t of two degrees 4.3027
    moved = pd.DataFrame({"layer": 0, "lr": 10.0, "squared_norm": 2.0, "unit_sharpness": 2 * np.exp(logs + 3)})
    table = network_effective_step.who_tunes(pd.concat([moved, moved[:1].assign(layer=1)]).assign(case="c"))
    assert table["layer"].tolist() == [1, 2]
    assert np.log(table.loc[0, ["share", "least", "largest"]].astype(float)).tolist() == pytest.approx(
        [4, 4 - 4.30265273 / np.sqrt(3), 4 + 4.30265273 / np.sqrt(3)]
    )
    assert table.loc[0, ["norm²", "sharpness"]].tolist() == pytest.approx([2, 2 * np.exp(4)])
    assert np.isnan(table.loc[1, "least"])


@pytest.mark.parametrize(("whole", "runs_of_one"), [(True, 5 * 40), (False, 3 * 10)])
def test_kept_runs_of_m5_are_there_once_and_all(whole, runs_of_one):
    runs, titles = network_width.kept_runs(whole=whole)
    assert len(titles) == 9  # three scripts, three widths
    assert not runs.duplicated(["network", "setting", "seed", "lr"]).any()
    counts = runs.groupby(["network", "setting"]).size()
    assert len(counts) == 3 * (1 + 1 + 3)
    assert set(counts) == {runs_of_one}


def test_the_share_of_the_tent_is_that_of_the_same_rate_and_layer():
    places = {"lr": [0.1, 0.1, 1.0, 1.0], "layer": [0, 1, 0, 1]}
    final = pd.DataFrame(places | {"effective_step": [1.0, 4.0, 3.0, 5.0]})
    tent = pd.DataFrame(places | {"effective_step": [2.0, 4.0, 4.0, 20.0]}).sample(frac=1, random_state=0)
    share = network_effective_step.share_of_tent(final, tent)
    assert share.to_dict() == {(0.1, 0): 0.5, (0.1, 1): 1.0, (1.0, 0): 0.75, (1.0, 1): 0.25}


def test_a_norm_that_is_lost_is_no_growth():
    paths = pd.DataFrame({"lr": 1.0, "layer": 0, "step": [0, 1, 2], "norm": [1.0, 1.5, 3.0]})
    assert network_effective_step.least_growth(paths) == 1.5
    assert np.isnan(network_effective_step.least_growth(paths.assign(norm=[1.0, 1.5, np.nan])))
