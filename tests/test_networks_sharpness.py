from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bngd.networks import Job, load, mlp, self_tuning, sharpness, tent, trajectory
from bngd.networks.architectures import LOSSES, forward, initialise
from bngd.networks.training import batch, evaluate, seen


@pytest.fixture(scope="module")
def small():
    with jax.enable_x64(True):
        network = mlp(3).with_batch_norm(0.0)
        rng = np.random.default_rng(0)
        parameters = initialise(network, (3, 3, 1), rng, dtype="float64")
        yield network, parameters, jnp.asarray(rng.random((40, 3, 3, 1))), jnp.asarray(rng.integers(0, 10, 40))


@pytest.mark.parametrize("layer", [0, 1])
def test_sharpness_is_the_largest_eigenvalue_of_the_hessian(small, layer):
    network, parameters, x, y = small
    shape = parameters["weights"][layer].shape

    def loss(flat):
        weights = list(parameters["weights"])
        weights[layer] = flat.reshape(shape)
        return LOSSES[network.loss](forward(network, parameters | {"weights": weights}, x)[0], y)

    hessian = jax.jit(jax.hessian(loss))(jnp.asarray(parameters["weights"][layer].ravel()))
    expected = np.linalg.eigvalsh(np.asarray(hessian))[-1]
    assert sharpness(network, parameters, layer, x, y, iterations=30) == pytest.approx(expected, rel=1e-8)


def test_sharpness_falls_with_the_square_of_the_weights(small):
    network, parameters, x, y = small
    scaled = parameters | {"weights": [5 * w for w in parameters["weights"]]}
    ratio = sharpness(network, parameters, 0, x, y) / sharpness(network, scaled, 0, x, y)
    assert ratio == pytest.approx(25, rel=1e-9)


def test_sharpness_of_a_loss_that_is_not_finite_is_nan(small):
    network, parameters, x, y = small
    broken = parameters | {"weights": [np.nan * w for w in parameters["weights"]]}
    assert np.isnan(sharpness(network, broken, 0, x, y))


def test_self_tuning_table():
    table = self_tuning(Job(mlp(8).with_batch_norm(0.0), 2.0, lr_a=0.1, steps=21), load("digits"), images=200)
    assert table["step"].tolist() == [1, 1, 11, 11, 21, 21]
    assert table["layer"].tolist() == [0, 1] * 3
    np.testing.assert_allclose(table["product"], table["effective_step"] * table["unit_sharpness"])


@pytest.mark.parametrize("lr", [1e-3, 0.3, 30.0, 1e4])
def test_a_layer_stays_under_its_tent_and_how_far_is_bounded(lr):
    job = Job(mlp(6).with_batch_norm(0.0), lr, lr_a=0.1, steps=40, batch=200, record_every=1, dtype="float64")
    data = load("digits")
    (drawn,) = tent(job, data, [lr]).groupby("lr")["effective_step"].apply(np.array)
    runs = zip(*(state.parameters["weights"] for state in trajectory(job, data)), strict=True)
    for first, weights in zip(drawn, map(np.array, runs), strict=True):
        norm = np.linalg.norm(weights, axis=(1, 2))
        step = lr / norm**2
        assert step[0] == pytest.approx(first, rel=1e-9)
        gradient = np.linalg.norm(np.diff(weights, axis=0), axis=(1, 2)) / lr * norm[:-1]
        bound = np.arange(1, 40) * (np.maximum.accumulate(gradient) * first) ** 2
        grown = norm[1:] ** 2 / norm[0] ** 2 - 1
        assert grown[0] == pytest.approx(bound[0], rel=1e-6)  # after the second update the bound is the growth
        assert (grown[1:] < bound[1:]).all()
        assert (np.diff(step) <= 0).all()


@pytest.mark.parametrize("lr_a", [0.1, 30.0, 1e5])
def test_a_hidden_scale_has_the_tent_of_its_step_size(lr_a):
    job = Job(mlp(6).with_batch_norm(0.0), 1.0, lr_a=lr_a, steps=30, batch=200, record_every=1, dtype="float64")
    data = load("digits")
    [drawn] = tent(job, data, [lr_a], scales=True)["effective_step"]
    runs = [
        np.concatenate([state.parameters[name][0] for name in ("gamma", "beta")]) for state in trajectory(job, data)
    ]
    steps = lr_a / np.sum(np.square(runs), axis=1)
    assert steps[0] == pytest.approx(drawn, rel=1e-9)
    assert (np.diff(steps) <= 1e-13 * steps[0]).all()  # but for rounding, where the run has come to rest


def test_the_tent_has_sides_of_slope_one_and_its_top_where_the_step_turns():
    job = Job(mlp(6).with_batch_norm(0.0), 1.0, batch=200, dtype="float64")
    lr = np.logspace(-9, 9, 19)
    for _, layer in tent(job, load("digits"), lr).groupby("layer"):
        slope = np.diff(np.log10(layer["effective_step"]))
        assert slope[[0, -1]] == pytest.approx([1, -1], abs=1e-6)
        assert (np.diff(slope) < 1e-9).all()


def test_the_tent_is_drawn_as_well_from_large_weights_in_single_precision():
    job = Job(mlp(6).with_batch_norm(0.0), 1.0, batch=200, scale=2.0**12)
    same = replace(job, scale=1.0, dtype="float64")
    np.testing.assert_allclose(
        *(tent(one, load("digits"), one.scale**2)["effective_step"] for one in (job, same)), 1e-6
    )


def test_self_tuning_measures_what_it_names():
    digits = load("digits")
    job = Job(mlp(8).with_batch_norm(0.0), 2.0, lr_a=0.1, steps=2, record_every=1)
    rows = iter(self_tuning(job, digits, images=100).itertuples())
    looked = batch(digits, "train", np.arange(100), job.dtype)
    for state in trajectory(job, digits):
        loss, _ = evaluate(job.network, state.parameters, state.moving, True, looked)
        for layer, w in enumerate(state.parameters["weights"]):
            row = next(rows)
            assert row.loss == pytest.approx(float(loss), rel=1e-6)
            assert row.norm == pytest.approx(np.linalg.norm(np.asarray(w)), rel=1e-6)
            exact = sharpness(job.network, state.parameters, layer, *seen(looked), iterations=60)
            assert row.sharpness == pytest.approx(exact, rel=0.01)
    assert next(rows, None) is None
