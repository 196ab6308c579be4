from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest

from bngd.networks import Job, grid, mlp, run, small_conv, summary, train, trajectory
from bngd.networks.architectures import LOSSES, M2, Dense, Network, forward, initialise
from bngd.networks.convolutions import convolve, convolve_by_patches
from bngd.networks.jobs import batches, evaluated
from bngd.networks.training import batch, evaluate, in_precision, initial_moving, seen, sgd_step, updated


def numpy_bn_step(p, x, labels, lr, lr_a, lr_rest, epsilon):
    """One step of a network dense-BN-ReLU-dense-BN-softmax, gradients written out by hand."""
    n = len(x)

    def normalise(z, i):
        deviation = z - z.mean(0)
        inverse = 1 / np.sqrt((deviation**2).mean(0) + epsilon)
        return deviation * inverse, inverse

    def backward(upstream, unit, inverse, i):
        inner = upstream * p["gamma"][i]
        dz = inverse * (inner - inner.mean(0) - unit * (inner * unit).mean(0))
        return dz, (upstream * unit).sum(0), upstream.sum(0)

    u1, s1 = normalise(x @ p["weights"][0].T + p["biases"][0], 0)
    y1 = p["gamma"][0] * u1 + p["beta"][0]
    h = np.maximum(y1, 0)
    u2, s2 = normalise(h @ p["weights"][1].T + p["biases"][1], 1)
    logits = p["gamma"][1] * u2 + p["beta"][1]
    exponential = np.exp(logits - logits.max(1, keepdims=True))
    d_logits = (exponential / exponential.sum(1, keepdims=True) - np.eye(10)[labels]) / n
    dz2, dgamma2, dbeta2 = backward(d_logits, u2, s2, 1)
    dz1, dgamma1, dbeta1 = backward((dz2 @ p["weights"][1]) * (y1 > 0), u1, s1, 0)
    gradient = {
        "weights": [dz1.T @ x, dz2.T @ h],
        "biases": [dz1.sum(0), dz2.sum(0)],
        "gamma": [dgamma1, dgamma2],
        "beta": [dbeta1, dbeta2],
    }
    rate = {"weights": (lr, lr_rest), "biases": (lr, lr_rest), "gamma": (lr_a, lr_a), "beta": (lr_a, lr_a)}
    return {k: [v - e * g for v, g, e in zip(p[k], gradient[k], rate[k], strict=True)] for k in p}


@pytest.mark.parametrize("convolution", [convolve, convolve_by_patches])
def test_an_update_of_a_convolutional_network_follows_the_slope_of_its_loss(digits, convolution):
    network, rng = small_conv(2, 8).with_batch_norm(), np.random.default_rng(1)
    with jax.enable_x64(True):
        parameters = initialise(network, digits.shape, rng, dtype="float64")
        direction = jax.tree.map(lambda values: rng.standard_normal(np.shape(values)), parameters)
        images = batch(digits, "train", np.arange(30), "float64")

        def loss(t):
            moved = jax.tree.map(lambda values, along: values + t * along, parameters, direction)
            logits, _ = forward(network, moved, seen(images)[0], convolution=convolution)
            return float(LOSSES[network.loss](logits, images.y))

        moving = initial_moving(network, parameters)
        after, _ = sgd_step(network, parameters, moving, np.ones(4), images, convolution)
        gradient = jax.tree.map(np.subtract, parameters, after)
        slope = sum(np.vdot(g, v) for g, v in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
        assert slope == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("part", ["train", "test"])
def test_networks_see_pixels_over_the_peak_less_the_offset(digits, part):
    centred = digits.centred()
    x, y = seen(batch(centred, part, np.array([3, 1]), "float32"))
    pixels, labels = (getattr(digits, f"{letter}_{part}")[[3, 1]] for letter in "xy")
    np.testing.assert_allclose(x, pixels / 16 - digits.x_train.mean(0) / 16, atol=1e-6)
    assert y.tolist() == labels.tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_step_equals_numpys_by_hand(digits, dtype):
    network = mlp(16).with_batch_norm()
    rng = np.random.default_rng(5)
    with jax.enable_x64(dtype == "float64"):
        p = initialise(network, digits.shape, rng, dtype=dtype)
        p = {k: [(v + 0.1 * rng.standard_normal(v.shape)).astype(dtype) for v in values] for k, values in p.items()}
        indices = rng.permutation(len(digits.x_train))[:100]
        rates = Job(network, 0.7, lr_a=0.2, lr_rest=0.4, dtype=dtype).rates
        images = batch(digits, "train", indices, dtype)
        ours, _ = sgd_step(network, p, initial_moving(network, p), rates, images)
    x = digits.x_train[indices].reshape(100, -1) / digits.peak
    double = {k: [v.astype(float) for v in values] for k, values in p.items()}
    expected = numpy_bn_step(double, x, digits.y_train[indices], 0.7, 0.2, 0.4, network.epsilon)
    tolerance = 1e-6 if dtype == "float32" else 1e-13
    for name, values in expected.items():
        for mine, theirs in zip(ours[name], values, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=tolerance, rtol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [-3, 1, 4])
@pytest.mark.parametrize("network", [mlp(12), small_conv(2, 8)], ids=lambda n: n.name)
def test_scaling_by_powers_of_two_is_bitwise(digits, network, dtype, k):
    """Weights times t = 2^k and rate times t^2 give the same losses and t times the weights, to the last bit."""
    job = Job(network.with_batch_norm(0.0), 0.5, lr_a=0.1, steps=12, dtype=dtype, record_every=4)
    scaled = replace(job, scale=2.0**k, lr=job.lr * 4.0**k)
    for a, b in zip(trajectory(job, digits), trajectory(scaled, digits), strict=True):
        for one, other in zip(a.parameters["weights"], b.parameters["weights"], strict=True):
            np.testing.assert_array_equal(np.asarray(one) * np.asarray(2.0**k, dtype), other)
        for name in ("gamma", "beta"):
            for one, other in zip(a.parameters[name], b.parameters[name], strict=True):
                np.testing.assert_array_equal(one, other)
    one, other = run(job, digits), run(scaled, digits)
    assert one.loss == other.loss
    assert one.final["train_loss"] == other.final["train_loss"]


def test_early_moving_averages_do_not_scale(digits):
    """They begin at mean 0 and variance 1 whatever the weights: test losses agree only once that is forgotten."""
    job = Job(mlp(12).with_batch_norm(0.0), 0.5, lr_a=0.1, steps=300, dtype="float64")
    one, other = run(job, digits), run(replace(job, scale=8.0, lr=job.lr * 64), digits)
    assert abs(other.test_loss[1] / one.test_loss[1] - 1) > 0.1
    assert other.final["test_loss"] == pytest.approx(one.final["test_loss"], rel=1e-9)


@pytest.mark.parametrize("t", [0.01, 0.3, 100.0])
def test_scaling_in_double_precision(digits, t):
    job = Job(mlp(12).with_batch_norm(0.0), 0.5, lr_a=0.1, steps=60, dtype="float64")
    scaled = run(replace(job, scale=t, lr=job.lr * t**2), digits)
    np.testing.assert_allclose(scaled.loss, run(job, digits).loss, rtol=1e-12)


def test_the_default_epsilon_breaks_the_scaling(digits):
    job = Job(mlp(12).with_batch_norm(), 0.5, lr_a=0.1, steps=60, dtype="float64")
    scaled = run(replace(job, scale=0.01, lr=job.lr * 1e-4), digits)
    assert abs(scaled.final["train_loss"] / run(job, digits).final["train_loss"] - 1) > 0.1


def test_norm_of_normalised_weights_never_decreases(digits):
    """The gradient is orthogonal to the weights before BN, in every layer."""
    job = Job(mlp(12).with_batch_norm(0.0), 3.0, lr_a=0.1, steps=40, dtype="float64", record_every=1)
    norms = np.array([[np.linalg.norm(w) for w in state.parameters["weights"]] for state in trajectory(job, digits)])
    assert (np.diff(norms, axis=0) >= -1e-12).all()


@pytest.mark.parametrize(("loss", "longest", "fastest"), [("cross_entropy", 1.0, 0.7), ("quadratic", 0.1, 0.1)])
@pytest.mark.parametrize("lr", [1e-2, 1e3])
def test_the_scale_of_the_logits_goes_no_further_than_its_reach(digits, loss, longest, fastest, lr):
    network = replace(M2, loss=loss).with_batch_norm()
    job = Job(network, lr, lr_a=0.3, steps=60, batch=20, record_every=1, dtype="float64")
    digits = replace(digits, y_train=np.zeros_like(digits.y_train))  # one answer for all: beta runs as fast as it can
    gone = [
        max(np.abs(np.asarray(state.parameters["gamma"][-1]) - 1).max(), np.abs(state.parameters["beta"][-1]).max())
        for state in trajectory(job, digits)
    ]
    share = np.array(gone) / (job.lr_a * longest * np.arange(1, 61))
    assert fastest < share.max() <= 1


def test_the_slope_in_a_logit_is_at_most_what_the_reach_is_made_of():
    rng = np.random.default_rng(4)
    logits = rng.standard_normal((4000, 10)) * 10 ** rng.uniform(-1, 2, (4000, 1))
    labels = rng.integers(0, 10, 4000)
    for loss, longest, attained in (("cross_entropy", 1, 0.999), ("quadratic", 0.1, 0.59)):
        slope = 4000 * np.abs(np.asarray(jax.grad(LOSSES[loss])(logits, labels)))
        assert attained * longest < slope.max() <= longest * (1 + 1e-6)


def test_records_are_the_protocols(digits):
    result = run(Job(M2, 0.1, steps=601), digits)
    assert result.step == [1, *range(11, 602, 10)]  # the scripts' i = 0, 10, ..., 600, which is steps + 1 updates
    assert result.final["test_accuracy"] > 0.8
    assert result.outcome == "finite"


def test_the_last_step_is_always_recorded(digits):
    assert run(Job(M2, 0.1, steps=15), digits).step == [1, 11, 15]
    assert run(Job(M2, 0.1, steps=3, record_every=1), digits).step == [1, 2, 3]


def test_huge_rates_stay_finite_with_log_softmax(digits):
    job = Job(mlp(12), 1e4, steps=50)
    assert run(job, digits).outcome == "finite"
    published = replace(job, network=replace(job.network, loss="underflowing"))
    result = run(published, digits)
    assert result.outcome == "diverged"
    assert np.isnan(result.final["train_loss"])
    assert result.step[-1] < 50


def test_same_job_same_numbers_other_seed_others(digits):
    job = Job(mlp(8).with_batch_norm(), 0.3, steps=20)
    assert run(job, digits) == run(job, digits)
    assert run(job, digits).loss != run(replace(job, seed=1), digits).loss
    assert run(job, digits).loss != run(replace(job, stream=1), digits).loss


def test_split_rate_equal_to_the_joint_rate_is_the_joint_run(digits):
    job = Job(mlp(8).with_batch_norm(), 0.3, steps=20)
    assert run(job, digits).loss == run(replace(job, lr_a=0.3), digits).loss


def test_batches_pass_through_the_data():
    job = Job(M2, 0.1, steps=25, batch=8)
    indices = batches(job, 100).ravel()
    assert sorted(indices[:100]) == sorted(indices[100:]) == list(range(100))
    drawn = batches(replace(job, sampling="replacement"), 100)
    assert drawn.shape == (25, 8)
    assert len(set(drawn.ravel()[:100])) < 100


def test_tables(digits):
    results = train(grid(mlp(8).with_batch_norm(), [0.1, 1.0], lr_a=0.5, steps=20), digits, workers=1)
    table = summary(results)
    assert table["setting"].tolist() == ["split 0.5"] * 2
    assert table["lr"].tolist() == [0.1, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.0}, "lr is 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr_a": -1.0}, "lr_a is -1"),
        ({"scale": 0.0}, "scale is 0"),
        ({"batch": 1}, "no variance to normalize by"),
        ({"steps": 0}, "steps is 0"),
        ({"dtype": "float16"}, "choose from float32"),
        ({"sampling": "none"}, "choose from epochs"),
        ({"network": M2, "lr_a": 1.0}, "has no BN"),
        ({"network": M2, "lr_rest": 1.0}, "m2 has one layer; leave lr_rest out"),
    ],
)
def test_job_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        replace(Job(mlp(8).with_batch_norm(), 0.1), **change)


def test_a_batch_of_one_is_fine_without_bn(digits):
    assert run(Job(M2, 0.01, batch=1, steps=5), digits).outcome == "finite"


def test_batch_larger_than_the_data(digits):
    with pytest.raises(ValueError, match="a batch of 2000 from 1438 images"):
        run(Job(M2, 0.1, batch=2000), digits)


def test_no_jobs_or_no_workers(digits):
    with pytest.raises(ValueError, match="0 jobs"):
        train([], digits)
    with pytest.raises(ValueError, match="0 workers"):
        train([Job(M2, 0.1)], digits, workers=0)


def test_out_of_memory_says_what_to_reduce(digits):
    # 2^43 weights: refused by the allocator at once, on any machine.
    network = Network("vast", (Dense(2**37), Dense(10)))
    with pytest.raises(MemoryError, match="vast with a batch of 100"):
        run(Job(network, 0.1), digits)


def test_without_bn_on_the_logits_there_is_no_scaling(digits):
    job = Job(replace(mlp(12).with_batch_norm(0.0), logits_too=False), 0.5, lr_a=0.1, steps=20, dtype="float64")
    assert abs(run(replace(job, scale=2.0, lr=2.0), digits).loss[-1] / run(job, digits).loss[-1] - 1) > 0.05


def test_each_normalised_layer_may_have_a_scale_of_its_own_and_a_bare_one_keeps_its_rate(digits):
    network = replace(Network("three", (Dense(8), Dense(6), Dense(10))).with_batch_norm(0.0), logits_too=False)
    job = Job(network, 0.5, lr_a=0.1, steps=10, dtype="float64")

    def trained(*scales):
        now = initialise(network, digits.shape, job.rng(0), dtype="float64")
        now["weights"] = [t * weights for t, weights in zip(scales, now["weights"], strict=True)]
        rates = {"weights": [job.lr * t**2 for t in scales], "gamma": 3 * [job.lr_a], "beta": 3 * [job.lr_a]}
        moving = initial_moving(network, now)
        for chosen in batches(job, len(digits.x_train)):
            with in_precision(job):  # with both rates one, a step takes the gradient away
                images = batch(digits, "train", chosen, job.dtype)
                after, moving = sgd_step(network, now, moving, np.ones(4), images)
            now = {
                name: [
                    old - rate * (old - np.asarray(new))
                    for old, new, rate in zip(now[name], after[name], rates.get(name, 3 * [job.lr]), strict=True)
                ]
                for name in now
            }
        now["weights"] = [weights / t for weights, t in zip(now["weights"], scales, strict=True)]
        return [value for values in now.values() for value in values]

    def apart(one, other):
        return max(np.abs(x - y).max() for x, y in zip(one, other, strict=True))

    as_drawn = trained(1.0, 1.0, 1.0)
    assert apart(trained(3.0, 0.2, 1.0), as_drawn) < 1e-12
    assert apart(trained(3.0, 0.2, 2.0), as_drawn) > 0.1


def scaled_run(network, digits, *, hidden=1.0, logits=1.0):
    """Train with the scales of hidden layers, or of the logits, begun at t times theirs and their rate at t^2 times."""
    job = Job(network, 0.5, lr_a=0.1, steps=12, dtype="float64")
    now = initialise(network, digits.shape, job.rng(0), dtype=job.dtype)
    now["gamma"] = [*(hidden * gamma for gamma in now["gamma"][:-1]), logits * now["gamma"][-1]]
    rates = job.rates * [1, hidden**2, 1, logits**2]
    moving, losses = initial_moving(network, now), []
    for chosen in batches(job, len(digits.x_train)):
        with in_precision(job):
            images = batch(digits, "train", chosen, job.dtype)
            now, moving = sgd_step(network, now, moving, rates, images)
            losses.append(float(evaluate(network, now, moving, True, images)[0]))
    return now, losses


@pytest.mark.parametrize("t", [0.01, 8.0])
@pytest.mark.parametrize("network", [mlp(12), small_conv(2, 8)], ids=lambda n: n.name)
def test_the_scale_of_a_hidden_layer_scales_as_weights_do_and_that_of_the_logits_does_not(digits, network, t):
    """`thm-network-scales`, to rounding: that of the biases, whose gradient is zero but for it, does not scale."""
    network = network.with_batch_norm(0.0)
    plain, losses = scaled_run(network, digits)
    scaled, others = scaled_run(network, digits, hidden=t)
    np.testing.assert_allclose(others, losses, rtol=1e-11)
    for name in ("gamma", "beta"):
        for i, factor in enumerate([t] * (len(network.layers) - 1) + [1.0]):
            np.testing.assert_allclose(np.asarray(scaled[name][i]) / factor, plain[name][i], rtol=1e-9, atol=1e-11)
    assert abs(scaled_run(network, digits, logits=2.0)[1][-1] / losses[-1] - 1) > 0.05


def test_the_norm_of_a_hidden_scale_grows_by_its_step_alone(digits):
    network = Network("three", (Dense(8), Dense(8), Dense(10))).with_batch_norm(0.0)
    job = Job(network, 0.5, lr_a=30.0, steps=15, dtype="float64", record_every=1)
    before, grew = initialise(network, digits.shape, job.rng(0), dtype="float64"), []
    for state in trajectory(job, digits):
        old, new = (np.array([np.r_[p["gamma"][i], p["beta"][i]] for i in (0, 1)]) for p in (before, state.parameters))
        np.testing.assert_allclose((new**2).sum(1), (old**2).sum(1) + ((new - old) ** 2).sum(1), rtol=1e-12)
        grew.append((new**2).sum(1) / (old**2).sum(1))
        before = state.parameters
    assert np.min(grew) > 1
    assert np.max(grew) > 1.5, "steps long enough to tell the square of a step from rounding"


@pytest.mark.parametrize(
    "wrong",
    [{"lr": None}, {"lr": "0.1"}, {"lr": float("nan")}, {"steps": 2.5}, {"batch": 0}, {"seed": -1}, {"seed": 1.5}],
)
def test_a_job_names_what_is_wrong_with_it(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(ValueError, match=f"{name} is {value!r}; give"):
        Job(**{"network": mlp(4), "lr": 0.1, **wrong})


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        ({}, [2, 2, 2, 2]),
        ({"lr_a": 3}, [2, 3, 2, 3]),
        ({"lr_rest": 5}, [2, 5, 5, 5]),
        ({"lr_a": 3, "lr_rest": 5}, [2, 3, 5, 3]),
    ],
)
def test_the_first_layer_the_scales_and_the_rest_have_their_rates(given, rates):
    assert Job(mlp(4).with_batch_norm(), 2.0, **given).rates.tolist() == rates


def test_equal_jobs_have_equal_keys_whatever_the_types():
    assert Job(mlp(4), 1).key == Job(mlp(4), 1.0).key == Job(mlp(4), np.float64(1), seed=np.int64(0)).key


def test_evaluating_bn_on_one_image_is_refused_by_name():
    with pytest.raises(ValueError, match="evaluation is 1"):
        Job(mlp(4).with_batch_norm(), 0.1, evaluation=1)


@pytest.mark.parametrize("seeds", [0, -3, 1.5])
def test_a_grid_needs_a_whole_number_of_repetitions(seeds):
    with pytest.raises(ValueError, match=r"seeds is .*; give a whole number, at least 1"):
        grid(M2, [0.1], seeds=seeds)


@pytest.mark.parametrize("network", [mlp(12), small_conv(2, 8)], ids=lambda n: n.name)
def test_so_many_updates_are_done_as_are_asked_for(digits, network):
    network = network.with_batch_norm()
    start = initialise(network, digits.shape, np.random.default_rng(1))
    now = (start, initial_moving(network, start))
    images = batch(digits, "train", np.arange(80).reshape(4, 20), "float32")
    rates = Job(network, 0.1, lr_a=0.2).rates
    ours, moving = updated(network, *now, rates, 3, images)
    for i in range(3):
        now = sgd_step(network, *now, rates, images.part(i))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), (ours, moving), now)


@pytest.mark.parametrize(("fresh", "streams"), [(True, [0, 1, 0, 1]), (False, [0, 0, 0, 0])])
def test_each_rate_has_its_own_weights_and_batches_if_fresh(fresh, streams):
    assert [job.stream for job in grid(M2, [0.1, 1.0], seeds=2, fresh=fresh)] == streams
    assert [job.stream for job in grid(M2, [0.1, 1.0])] == [0, 1]


def test_a_moving_average_keeps_nine_tenths_of_the_past(digits):
    network = mlp(4).with_batch_norm()
    now = initialise(network, digits.shape, np.random.default_rng(0))
    images = batch(digits, "train", np.arange(50), "float32")
    _, own = forward(network, now, seen(images)[0])
    _, moving = sgd_step(network, now, initial_moving(network, now), np.ones(4, np.float32), images)
    for before, of_batch, after in zip(((0, 1),) * 2, own, moving, strict=True):
        for old, new, found in zip(before, of_batch, after, strict=True):
            np.testing.assert_allclose(found, 0.9 * old + 0.1 * np.asarray(new), rtol=1e-5, atol=1e-6)


def test_what_is_evaluated_is_drawn_without_repetition_from_all_images(digits):
    job = Job(M2, 0.1, evaluation=200)
    for indices, x in zip(evaluated(job, digits), (digits.x_train, digits.x_test), strict=True):
        assert len(indices) == len(set(indices)) == min(200, len(x))
        assert not np.array_equal(np.sort(indices), np.arange(len(indices))) or len(x) <= 200
        assert not np.array_equal(indices, np.sort(indices))
