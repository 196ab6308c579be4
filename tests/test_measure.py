import numpy as np
import pytest

from bngd import decay_factor, workable_range


def test_a_geometric_sequence_gives_its_factor():
    assert decay_factor(3 * 0.9 ** np.arange(100)) == pytest.approx(0.9)


def test_rounding_after_the_floor_is_not_measured():
    values = np.maximum(0.5 ** np.arange(300), 1e-30)
    assert decay_factor(values) == pytest.approx(0.5)


def test_a_transient_at_the_start_is_forgotten():
    k = np.arange(400)
    assert decay_factor(0.97**k + 100 * 0.5**k) == pytest.approx(0.97, rel=1e-6)


def test_the_factor_is_that_of_the_last_half():
    values = 1 / np.arange(1.0, 12.0) ** 2  # steps 5 to 10 count
    assert decay_factor(values) == pytest.approx(((6 / 11) ** 2) ** (1 / 5))
    assert decay_factor([*values, *[1e-30] * 9]) == pytest.approx(((6 / 11) ** 2) ** (1 / 5))
    assert decay_factor([*values[:7], 1e-30], floor=1e-40) == pytest.approx((1e-30 * 16) ** (1 / 4))


def test_eight_values_are_measured_and_seven_are_not():
    assert decay_factor(0.5 ** np.arange(8)) == pytest.approx(0.5)
    assert np.isnan(decay_factor(0.5 ** np.arange(7)))
    assert np.isnan(decay_factor([*0.5 ** np.arange(7), 1e-30, 1e-30]))


@pytest.mark.parametrize("values", [[1.0, 0.5, 0.25], [1.0, np.inf, np.nan] * 10, [1.0, *[0.0] * 20]])
def test_what_cannot_be_measured_is_nan(values):
    assert np.isnan(decay_factor(values))


def test_the_ends_of_a_range_are_interpolated():
    lr = np.geomspace(1e-3, 1e3, 7)
    found = workable_range(lr, np.maximum(lr, 1 / lr), 10**0.25)
    assert found.low == pytest.approx(10**-0.25)
    assert found.high == pytest.approx(10**0.25)
    assert found.decades == pytest.approx(0.5)
    assert not found.censored


def test_each_end_is_interpolated_between_its_own_neighbours():
    found = workable_range([1.0, 1e1, 1e2, 1e3, 1e4], [10.0, 0.1, 0.3, 0.01, 100.0], 1.0)
    assert found.low == pytest.approx(10**0.5)
    assert found.high == pytest.approx(10**3.5)


def test_what_follows_the_floor_or_is_no_number_there_does_not_count():
    values = 100 * 0.5 ** np.arange(30)
    assert decay_factor(np.maximum(values, 0.09), floor=1e-3) == pytest.approx(0.5)
    assert decay_factor([*0.5 ** np.arange(20), np.nan]) == pytest.approx(0.5)
    assert np.isnan(decay_factor([*0.5 ** np.arange(20), np.inf]))


def test_a_range_is_wide_in_decades_not_in_points():
    two = workable_range([1e-3, 1.0, 5.0, 10.0, 20.0, 30.0], [0.1, 0.1, 9.0, 0.1, 0.1, 9.0], 1.0)
    assert two.low == 1e-3
    loss = [0.1, 0.1, 0.1, np.inf, 0.1, 0.1, np.inf]
    found = workable_range([1.0, 1.1, 1.2, 2.0, 10.0, 1e3, 1e4], loss, 1.0)
    assert (found.low, found.high) == (10.0, 1e3)


def test_a_loss_of_zero_is_not_interpolated():
    assert tuple(workable_range([1.0, 10.0, 100.0], [1.0, 0.0, 1.0], 0.5))[:2] == (10.0, 10.0)


def test_the_widest_of_several_ranges_counts_and_a_cut_off_one_says_so():
    loss = np.array([0.1, 5.0, 0.1, 0.1, 0.1])
    found = workable_range(np.geomspace(1, 1e4, 5), loss, 1.0)
    assert found.high == pytest.approx(1e4)
    assert found.censored


def test_divergence_ends_a_range_at_the_last_step_size_that_works():
    found = workable_range([1.0, 10.0, 100.0], [2.0, 0.1, np.nan], 1.0)
    assert found.high == 10.0
    assert not found.censored


def test_nothing_that_works_is_nan():
    assert np.isnan(workable_range([1.0, 2.0], [5.0, np.inf], 1.0).decades)


@pytest.mark.parametrize(
    ("lr", "loss", "threshold"),
    [([2.0, 1.0], [1.0, 1.0], 1.0), ([1.0], [1.0], 1.0), ([1.0, 2.0], [1.0], 1.0), ([1.0, 2.0], [1.0, 1.0], 0.0)],
)
def test_impossible_ranges_are_refused(lr, loss, threshold):
    with pytest.raises(ValueError, match=r"ascending|threshold"):
        workable_range(lr, loss, threshold)
