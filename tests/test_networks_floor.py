"""The floor of the cross-entropy under normalized logits, and the time that their scale takes to grow."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from bngd.networks import (
    Job,
    cross_entropy_floor,
    cross_entropy_floor_of_norm,
    largest_scale,
    largest_surplus,
    load,
    mlp,
    trajectory,
)


def cross_entropy(gamma, beta, normalized, y):
    return -log_softmax(gamma * normalized + beta, axis=1)[np.arange(len(y)), y].mean()


def shares(y, classes):
    return np.bincount(y, minlength=classes) / len(y)


@pytest.mark.parametrize("certainty", [0.0, 1.0, 10.0])
def test_no_batch_is_below_the_floor(certainty):
    rng = np.random.default_rng(3)
    for _ in range(300):
        classes, images = rng.integers(2, 8), rng.integers(10, 40)
        y = rng.integers(0, classes, images)
        logits = certainty * np.eye(classes)[y] + rng.normal(size=(images, classes))
        normalized = (logits - logits.mean(0)) / logits.std(0)
        gamma, beta = rng.normal(1.0, 1.0, classes), rng.normal(size=classes)
        floor = cross_entropy_floor(gamma, shares(y, classes), beta)
        assert cross_entropy(gamma, beta, normalized, y) >= floor
        assert floor >= cross_entropy_floor_of_norm(np.linalg.norm([gamma, beta]), classes)


@pytest.mark.parametrize("p", [[0.5, 0.5], [0.6, 0.3, 0.1], [1.0, 0.0, 0.0, 0.0]])
def test_the_floor_of_a_norm_is_that_of_the_worst_scale_and_shift_of_this_norm(p):
    p = np.array(p)
    best = np.concatenate([np.sqrt(p * (1 - p)), p - 1 / p.size])
    gamma, beta = 2.5 * best.reshape(2, -1) / np.linalg.norm(best)
    assert cross_entropy_floor(gamma, p, beta) == pytest.approx(cross_entropy_floor_of_norm(2.5, p.size), rel=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_logits_that_tell_a_class_from_the_others_are_at_the_floor(classes):
    y = np.repeat(np.arange(classes), 3)
    one_hot = np.eye(classes)[y]
    normalized = (one_hot - one_hot.mean(0)) / one_hot.std(0)
    for gamma in (0.1, 1.0, 3.0):
        floor = cross_entropy_floor(gamma, shares(y, classes), 0.7)
        assert cross_entropy(gamma, 0.7, normalized, y) == pytest.approx(floor, rel=1e-12)


def test_a_scale_of_one_and_ten_classes():
    assert cross_entropy_floor(1.0, np.full(10, 0.1)) == pytest.approx(np.log1p(9 * np.exp(-10 / 3)), rel=1e-14)


def test_the_scale_of_one_logit_counts_as_its_class_does():
    p = np.array([0.5, 0.3, 0.2])
    reach = 2 * 0.5 + 1.0 * np.sqrt(0.21) + 3.0 * 0.4 + (0.5 - 1 / 3) * 0.1
    floor = cross_entropy_floor([2.0, -1.0, 3.0], p, [0.1, 0.0, 0.0])
    assert floor == pytest.approx(np.log1p(2 * np.exp(-1.5 * reach)), rel=1e-12)


@pytest.mark.parametrize(("gamma", "lr_a", "steps"), [(0.6, 0.001, 300), (0.1, 0.01, 100), (0.8, 1.0, 60)])
def test_no_scale_of_a_network_grows_faster_than_it_may(gamma, lr_a, steps):
    # The square of the first grows by 0.89 of what it may: its softmax has almost the largest surplus all along.
    job = Job(mlp(20).with_batch_norm(), 10.0, lr_a, steps=steps, record_every=1, dtype="float64", gamma=gamma)
    looked = list(trajectory(job, load("digits")))
    grown = np.array([np.sqrt(np.mean(np.square(state.parameters["gamma"][-1]))) for state in looked])
    bounds = largest_scale(gamma, lr_a, [state.step for state in looked], 10)
    assert (grown <= bounds).all()


def surplus(logits, y):
    log_softmax_ = log_softmax(logits, axis=1)
    return -(np.exp(log_softmax_) * log_softmax_).sum(1).mean() + log_softmax_[np.arange(len(y)), y].mean()


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_no_softmax_has_a_larger_surplus_and_one_has_it(classes):
    omega, rng = largest_surplus(classes), np.random.default_rng(classes)
    assert omega * np.exp(omega) == pytest.approx((classes - 1) / np.e, rel=1e-12)
    best = (1 + omega) * np.eye(1, classes)
    assert surplus(best, [0]) == pytest.approx(omega, rel=1e-12)
    for size in (0.01, 0.1, 1.0, 10.0):
        near = best + size * rng.normal(size=(500, classes))
        assert (np.array([surplus(row[None], [0]) for row in near]) <= omega).all()


def test_whoever_is_right_is_less_sure_than_right():
    rng = np.random.default_rng(5)
    for size in (0.1, 1.0, 10.0):
        logits = size * rng.normal(size=(200, 6))
        right = logits.argmax(1)
        assert surplus(logits, right) > 0
        assert surplus(logits, (right + 1) % 6) < 0


@pytest.mark.parametrize("wrong", [[0.5, 0.6], [1.0], [1.5, -0.5], [[0.5, 0.5]]])
def test_shares_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="give the part of each of at least two classes"):
        cross_entropy_floor(1.0, wrong)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, [1.0, 2.0, 3.0], [[1.0, 2.0]]])
@pytest.mark.parametrize("name", ["gamma", "beta"])
def test_scales_and_shifts_that_are_none_are_refused(name, wrong):
    values = {"gamma": 1.0, "beta": 0.0} | {name: wrong}
    with pytest.raises(ValueError, match=f"{name} is .*; give a finite number, or one for each of the 2 classes"):
        cross_entropy_floor(shares=[0.5, 0.5], **values)


@pytest.mark.parametrize(
    ("norm", "classes", "named"), [(-1.0, 10, "norm is -1.0"), (np.nan, 10, "norm is nan"), (1.0, 1, "1 classes")]
)
def test_norms_and_counts_that_are_none_are_refused(norm, classes, named):
    with pytest.raises(ValueError, match=f"{named}; give"):
        cross_entropy_floor_of_norm(norm, classes)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["gamma", "lr_a"])
def test_rates_and_scales_that_are_not_positive_are_refused(name, wrong):
    values = {"gamma": 1.0, "lr_a": 0.1} | {name: wrong}
    with pytest.raises(ValueError, match=f"{name} is {wrong}; give a positive finite number"):
        largest_scale(updates=10, classes=10, **values)


@pytest.mark.parametrize(
    ("updates", "classes", "named"), [(-1, 10, "-1 updates"), ([3, -1], 10, "updates"), (10, 1, "1 classes")]
)
def test_counts_that_are_none_are_refused(updates, classes, named):
    with pytest.raises(ValueError, match=f"{named}; give at least"):
        largest_scale(1.0, 0.1, updates, classes)


def test_an_update_of_the_scale_alone_lowers_the_loss_by_what_is_promised_below_four():
    rng = np.random.default_rng(8)
    shares_of_promise = []
    for _ in range(200):
        classes, images = rng.integers(2, 6), 30
        y = rng.integers(0, classes, images)
        normalized = rng.normal(size=(images, classes))
        normalized = (normalized - normalized.mean(0)) / normalized.std(0)
        gamma, beta = rng.normal(size=(2, classes))
        missing = np.eye(classes)[y] - softmax(gamma * normalized + beta, axis=1)
        ascent, lift = (missing * normalized).mean(0), missing.mean(0)
        for lr_a in (0.1, 2.0, 3.9):
            after = cross_entropy(gamma + lr_a * ascent, beta + lr_a * lift, normalized, y)
            promised = lr_a * (1 - lr_a / 4) * (ascent @ ascent + lift @ lift)
            shares_of_promise.append((cross_entropy(gamma, beta, normalized, y) - after) / promised)
    assert min(shares_of_promise) >= 1


@pytest.mark.parametrize(("lr_a", "grows"), [(3.9, False), (4.1, True)])
def test_four_is_the_limit_of_two_classes_that_know_nothing(lr_a, grows):
    n = np.array([1.0, 1.0, -1.0, -1.0])
    normalized, y = np.stack([-n, n], axis=1), np.array([0, 1, 0, 1])
    gamma = np.full(2, 1e-3)
    missing = np.eye(2)[y] - softmax(gamma * normalized, axis=1)
    after = gamma + lr_a * (missing * normalized).mean(0)
    before_and_after = [cross_entropy(g, 0.0, normalized, y) for g in (gamma, after)]
    assert (before_and_after[1] > before_and_after[0]) == grows
    assert after == pytest.approx((1 - lr_a / 2) * gamma, rel=1e-5)
