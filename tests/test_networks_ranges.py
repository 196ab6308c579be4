import numpy as np
import pandas as pd
import pytest

from bngd.networks import workable_ranges

LR = np.logspace(-3, 3, 61)


def v_shaped(low, high, slope=1.0):
    """Loss 1 between 10^low and 10^high, a power law outside."""
    x = np.log10(LR)
    return 10 ** (slope * np.maximum(np.maximum(low - x, x - high), 0))


def table(**curves):
    parts = [
        pd.DataFrame({"network": "n", "setting": setting, "seed": 0, "lr": LR, "train_loss": loss})
        for setting, loss in curves.items()
    ]
    return pd.concat(parts).sample(frac=1.0, random_state=0)


def test_a_known_curve_whatever_the_order_of_the_rows():
    [row] = workable_ranges(table(bn=v_shaped(-1, 1)), level=10**0.5).to_dict("records")
    assert row["relative_decades"] == pytest.approx(2 + 2 * np.log10(2))
    assert row["absolute_decades"] == pytest.approx(3)
    assert row["best_loss"] == 1
    assert not row["relative_censored"]


def test_a_range_that_leaves_the_grid_is_censored():
    [row] = workable_ranges(table(bn=v_shaped(-1, 5)), level=2.0).to_dict("records")
    assert row["relative_censored"]
    assert row["absolute_censored"]


def test_the_measures_disagree_where_the_best_is_poor():
    found = workable_ranges(table(good=v_shaped(0, 0), poor=3 * v_shaped(0, 0, slope=0.5)), level=4.0)
    relative, absolute = found["relative_decades"], found["absolute_decades"]
    assert relative[found["setting"] == "poor"].item() > relative[found["setting"] == "good"].item()
    assert absolute[found["setting"] == "poor"].item() < absolute[found["setting"] == "good"].item()


def test_all_diverged_or_none_good_enough_is_width_zero():
    found = workable_ranges(table(gd=np.full(61, np.nan), bn=v_shaped(0, 0)), level=0.5)
    assert found["absolute_decades"].tolist() == [0.0, 0.0]
    assert found.set_index("setting")["relative_decades"]["gd"] == 0.0


def test_bad_level():
    with pytest.raises(ValueError, match="threshold"):
        workable_ranges(table(bn=v_shaped(0, 0)), level=0.0)


def test_the_best_rate_is_that_of_the_best_loss():
    losses = {"lr": [10.0, 0.1, 1.0, 100.0], "train_loss": [2.0, 3.0, 1.0, np.nan]}
    runs = pd.DataFrame({"network": "n", "setting": "s", "seed": 0, **losses})
    [row] = workable_ranges(runs, level=2.5).to_dict("records")
    assert (row["best_lr"], row["best_loss"]) == (1.0, 1.0)
