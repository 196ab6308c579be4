import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scipy.ndimage import correlate

from bngd.networks import architectures, convolutions
from bngd.networks.architectures import CIFAR, M1, M3, Conv, Dense, Network, forward, initialise, shapes, small_conv
from bngd.networks.batch_norm import batch_norm, batch_statistics

MNIST, COLOUR = (28, 28, 1), (32, 32, 3)
CONVOLUTIONS = (convolutions.convolve, convolutions.convolve_by_patches)


def test_shapes_are_the_protocols():
    assert list(shapes(M1, MNIST)) == [(5, 5, 1, 32), (5, 5, 32, 64), (1024, 3136), (10, 1024)]
    assert list(shapes(M3, MNIST))[2:] == [(512, 3136), (128, 512), (10, 128)]
    assert list(shapes(CIFAR, COLOUR)) == [(5, 5, 3, 64), (5, 5, 64, 64), (512, 4096), (128, 512), (10, 128)]


def test_as_published_the_first_dense_layer_is_wider():
    assert list(shapes(M1.with_batch_norm().as_published(), MNIST)) == [(5, 5, 1, 32), (1024, 6272), (10, 1024)]
    assert M1.as_published() is M1  # the bypass is in the BN networks only


def test_as_published_equals_the_scripts_wiring():
    """The graph of the authors' scripts, second convolution and all, gives the logits of the network without it."""
    network = small_conv(2, 5).with_batch_norm()
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.random((6, 8, 8, 1)), jnp.float32)
    kept = initialise(network.as_published(), (8, 8, 1), rng)
    kernel2 = rng.standard_normal((3, 3, 2, 4)).astype("float32")

    def bn(z, i):
        return batch_norm(z, batch_statistics(z), kept["gamma"][i], kept["beta"][i], network.epsilon)

    bn1 = bn(convolutions.convolve(x, kept["weights"][0]), 0)
    pool1 = convolutions.max_pool(bn1, 2)
    convolutions.convolve(pool1, kernel2)  # hidden2 and bn2: computed, never used
    pool2 = convolutions.max_pool(jnp.maximum(bn1, 0), 2)
    fc1 = jnp.maximum(bn(pool2.reshape(6, -1) @ kept["weights"][1].T, 1), 0)
    logits = bn(fc1 @ kept["weights"][2].T, 2)
    np.testing.assert_allclose(forward(network.as_published(), kept, x)[0], logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_convolution_equals_scipys(kernel, channels):
    rng = np.random.default_rng(kernel)
    x = rng.standard_normal((2, 7, 6, channels)).astype("float32")
    weights = rng.standard_normal((kernel, kernel, channels, 4)).astype("float32")
    expected = np.zeros((2, 7, 6, 4))
    for i, channel, f in np.ndindex(2, channels, 4):
        expected[i, ..., f] += correlate(x[i, ..., channel], weights[..., channel, f], mode="constant")
    for convolution in CONVOLUTIONS:
        np.testing.assert_allclose(convolution(x, weights), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 16], ids=["by patches", "all images at once", "some at once"])
def test_both_convolutions_have_the_same_gradients_and_curvature(channels):
    rng = np.random.default_rng(channels)
    at = rng.standard_normal((25, 5, 4, channels)), rng.standard_normal((3, 3, channels, 2))
    along = rng.standard_normal((25, 5, 4, channels)), rng.standard_normal((3, 3, channels, 2))

    def of(convolution):
        gradient = jax.grad(lambda x, weights: jnp.sin(convolution(x, weights)).sum(), argnums=(0, 1))
        return jax.jvp(gradient, at, along)

    with jax.enable_x64(True):
        for ours, by_patches in zip(*map(jax.tree.leaves, map(of, CONVOLUTIONS)), strict=True):
            np.testing.assert_allclose(ours, by_patches, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("side", [6, 7])
def test_pooling_equals_xlas(side):
    z = jnp.asarray(np.random.default_rng(side).standard_normal((2, side, side, 3)), jnp.float32)
    expected = lax.reduce_window(z, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
    np.testing.assert_array_equal(convolutions.max_pool(z, 2), expected)


def test_pooling_by_three_overlaps():
    z = jnp.arange(16.0).reshape(1, 4, 4, 1)
    assert convolutions.max_pool(z, 3)[0, :, :, 0].tolist() == [[10.0, 11.0], [14.0, 15.0]]


def test_glorot_limits_and_zero_biases():
    parameters = initialise(M1.with_batch_norm(), MNIST, np.random.default_rng(3))
    limit = np.sqrt(6 / (25 * (32 + 64)))
    assert 0.99 * limit < np.abs(parameters["weights"][1]).max() <= limit
    assert not any(b.any() for b in parameters["biases"] + parameters["beta"])
    assert all((g == 1).all() for g in parameters["gamma"])


def test_losses_against_numpy():
    rng = np.random.default_rng(4)
    logits, labels = rng.standard_normal((5, 10)), rng.integers(0, 10, 5)
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    one_hot = np.eye(10)[labels]
    entropy = -np.log(probability[np.arange(5), labels]).mean()
    args = jnp.asarray(logits, jnp.float32), jnp.asarray(labels)
    for name, expected in [
        ("cross_entropy", entropy),
        ("underflowing", entropy),
        ("quadratic", ((one_hot - probability) ** 2).mean()),
    ]:
        assert float(architectures.LOSSES[name](*args)) == pytest.approx(expected, rel=1e-5)


def test_the_scripts_loss_turns_nan_where_ours_is_finite():
    logits = jnp.array([[200.0] + [0.0] * 9], jnp.float32)  # in double precision it takes 800
    labels = jnp.array([0])
    assert float(architectures.cross_entropy(logits, labels)) == 0.0
    assert np.isnan(float(architectures.underflowing_cross_entropy(logits, labels)))


@pytest.mark.parametrize(
    ("change", "message"), [({"loss": "hinge"}, "unknown loss 'hinge'"), ({"epsilon": -1.0}, "epsilon is -1")]
)
def test_network_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        Network("x", (Dense(10),), **change)


@pytest.mark.parametrize(
    ("layers", "told"), [((Dense(5),), "must end in"), ((), "must end in"), ((Dense(0), Dense(10)), "size 0")]
)
def test_a_network_that_cannot_classify_is_refused(layers, told):
    with pytest.raises(ValueError, match=told):
        Network("odd", layers)


def test_of_two_equal_convolutions_the_second_alone_is_left_out():
    twice = Conv(4, 3)
    network = Network("two", (twice, twice, Dense(10))).with_batch_norm()
    assert network.as_published().layers == (twice, Dense(10))


@pytest.mark.parametrize("shape", [(50, 3), (10, 5, 4, 3)], ids=["units", "channels"])
def test_bn_equals_numpys(shape):
    rng = np.random.default_rng(0)
    z, gamma, beta = 0.1 * rng.standard_normal(shape), np.array([2.0, -0.5, 3.0]), np.array([0.1, -7.0, 0.3])
    flat = z.reshape(-1, 3)
    expected = gamma * (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 0.25) + beta
    with jax.enable_x64(True):
        found = batch_norm(jnp.asarray(z), batch_statistics(jnp.asarray(z)), gamma, beta, 0.25)
    np.testing.assert_allclose(np.reshape(found, (-1, 3)), expected, rtol=1e-12, atol=1e-12)


def test_glorots_limit_of_a_dense_layer():
    network = Network("wide", (Dense(500), Dense(10)))
    parameters = initialise(network, (8, 8, 1), np.random.default_rng(3))
    for weights, (units, inputs) in zip(parameters["weights"], shapes(network, (8, 8, 1)), strict=True):
        limit = np.sqrt(6 / (units + inputs))
        assert 0.99 * limit < np.abs(weights).max() <= limit
