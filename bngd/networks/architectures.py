"""The networks of the authors' protocol: one description each, with and without batch normalization."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from bngd.networks.batch_norm import DEFAULT_EPSILON, batch_norm, batch_statistics
from bngd.networks.convolutions import Convolution, convolve, max_pool
from bngd.networks.images import CLASSES

Parameters = dict[str, list[Any]]
"""``weights``, ``biases`` and, with BN, ``gamma`` and ``beta``: a list with one array for each layer."""

Statistics = list[tuple[Array, Array]]
"""Mean and variance of each layer's input to its normalization."""


@dataclass(frozen=True)
class Conv:
    """A convolution with stride 1 and zero padding, ReLU, then max pooling with stride 2.

    Attributes
    ----------
    filters, kernel : int
        Channels out, and side of the square kernel.
    pool : int
        Side of the pooling window.
    """

    filters: int
    kernel: int
    pool: int = 2


@dataclass(frozen=True)
class Dense:
    """A fully connected layer; ReLU follows it unless it is the last."""

    units: int


@dataclass(frozen=True)
class Network:
    """A network that classifies images.

    Attributes
    ----------
    name : str
    layers : tuple of Conv or Dense
        The last one gives the logits.
    loss : {"cross_entropy", "quadratic"}
        The quadratic loss is the mean of (one-hot - softmax)^2, over classes too.
    normalised : bool
        Whether BN follows every weight layer.
    logits_too : bool
        Whether it follows the last one, as in the authors' scripts.
    epsilon : float
        BN's epsilon.
    """

    name: str
    layers: tuple[Conv | Dense, ...]
    loss: str = "cross_entropy"
    normalised: bool = False
    logits_too: bool = True
    epsilon: float = DEFAULT_EPSILON

    def __post_init__(self) -> None:
        """Check the layers, the loss and epsilon."""
        for size in (size for layer in self.layers for size in vars(layer).values()):
            if size < 1:
                raise ValueError(f"{self.name} has a layer of size {size}; give at least 1")
        if not (self.layers and self.layers[-1] == Dense(CLASSES)):
            raise ValueError(
                f"{self.name} must end in a dense layer of {CLASSES} units, one for each class; add Dense({CLASSES})"
            )
        if self.loss not in LOSSES:
            raise ValueError(f"unknown loss {self.loss!r}; choose from {', '.join(LOSSES)}")
        if not 0 <= self.epsilon < np.inf:
            raise ValueError(f"BN's epsilon is {self.epsilon}; give a finite number, 0 or more")
        object.__setattr__(self, "epsilon", float(self.epsilon))  # 0 and 0.0 are one network, with one key

    @property
    def convolutional(self) -> bool:
        """Whether a layer is a convolution."""
        return any(isinstance(layer, Conv) for layer in self.layers)

    def with_batch_norm(self, epsilon: float = DEFAULT_EPSILON) -> "Network":
        """Return the same network with BN after every weight layer."""
        return replace(self, normalised=True, epsilon=epsilon)

    def as_published(self) -> "Network":
        """Return what the authors' scripts train under this name.

        In their BN networks with two convolutions the second pooling takes ``relu(bn1)``, where ``relu(bn2)`` was
        surely meant: the second convolution is computed and never used. That is this network without it.
        """
        convolutions = [i for i, layer in enumerate(self.layers) if isinstance(layer, Conv)]
        if not self.normalised or len(convolutions) < 2:
            return self
        second = convolutions[1]
        kept = self.layers[:second] + self.layers[second + 1 :]
        return replace(self, name=f"{self.name} as published", layers=kept)


def shapes(network: Network, image: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the shape of each layer's weights, for images of shape (height, width, channels).

    (kernel, kernel, channels, filters) of a convolution, (units, inputs) of a dense layer.
    """
    height, width, channels = image
    flat = prod(image)
    for layer in network.layers:
        if isinstance(layer, Conv):
            yield (layer.kernel, layer.kernel, channels, layer.filters)
            height, width, channels = ceil(height / 2), ceil(width / 2), layer.filters
            flat = height * width * channels
        else:
            yield (layer.units, flat)
            flat = layer.units


def initialise(
    network: Network,
    image: tuple[int, ...],
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    gamma: float = 1.0,
    dtype: str = "float32",
) -> Parameters:
    """Draw weights as TensorFlow 1 did by default: Glorot uniform, biases zero, BN's gamma one and beta zero.

    Parameters
    ----------
    network : Network
    image : tuple of int
        Height, width, channels.
    rng : numpy.random.Generator
    scale : float
        The weights are multiplied by it.
    gamma : float
        BN's gamma to begin with.
    dtype : {"float32", "float64"}
    """
    weights = []
    for shape in shapes(network, image):
        receptive = prod(shape[:-2])
        limit = np.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
        weights.append((scale * rng.uniform(-limit, limit, shape)).astype(dtype))
    units = [layer.filters if isinstance(layer, Conv) else layer.units for layer in network.layers]
    parameters: Parameters = {"weights": weights, "biases": [np.zeros(n, dtype) for n in units]}
    if network.normalised:
        parameters["gamma"] = [np.full(n, gamma, dtype) for n in units]
        parameters["beta"] = [np.zeros(n, dtype) for n in units]
    return parameters


def scale_of(parameters: Parameters, layer: int) -> NDArray[np.floating]:
    """Return gamma and beta of a layer as one vector, which the book calls theta."""
    return np.concatenate([parameters["gamma"][layer], parameters["beta"][layer]])


def forward(
    network: Network,
    parameters: Parameters,
    x: Array,
    moving: Statistics | None = None,
    own: bool | Array = False,
    convolution: Convolution = convolve,
) -> tuple[Array, Statistics]:
    """Return the logits and the statistics that BN used.

    Parameters
    ----------
    network : Network
    parameters : dict of lists of arrays
    x : Array, shape (n, height, width, channels)
    moving : list of (mean, variance), or None
        What BN uses in place of this batch's statistics.
    own : bool or Array
        Whether BN uses this batch's statistics all the same. An Array decides when a compiled program runs.
    convolution : callable
        `convolve` or `convolve_by_patches`.

    Returns
    -------
    logits : Array, shape (n, classes)
    statistics : list of (mean, variance)
        Empty without BN.
    """
    used: Statistics = []
    last = len(network.layers) - 1
    for i, layer in enumerate(network.layers):
        z = _linear(layer, x, parameters["weights"][i], convolution) + parameters["biases"][i]
        if network.normalised and (network.logits_too or i < last):
            batch = batch_statistics(z)
            used.append(batch if moving is None else jax.tree.map(partial(jnp.where, own), batch, moving[i]))
            z = batch_norm(z, used[i], parameters["gamma"][i], parameters["beta"][i], network.epsilon)
        x = z if i == last else _activate(layer, z)
    return x, used


def _linear(layer: Conv | Dense, x: Array, weights: Array, convolution: Convolution) -> Array:
    if isinstance(layer, Conv):
        return convolution(x, weights)
    # The product as (units, n), which XLA's CPU kernels take half the time for where the units are few; without the
    # barrier its simplifier turns it round again.
    return lax.optimization_barrier(weights @ x.reshape(len(x), -1).T).T


def _activate(layer: Conv | Dense, z: Array) -> Array:
    # ReLU after pooling gives the same as before it, from a quarter of the pixels.
    return jax.nn.relu(max_pool(z, layer.pool) if isinstance(layer, Conv) else z)


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Return the mean of -log softmax at the label.

    The authors' scripts take the logarithm of the softmax instead, which is -inf where a probability underflows and
    then turns the loss into NaN (`underflowing_cross_entropy`); the log-softmax stays finite.
    """
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def underflowing_cross_entropy(logits: Array, labels: Array) -> Array:
    """Return the cross-entropy as the authors' scripts compute it, 0 times -inf included."""
    one_hot = jax.nn.one_hot(labels, CLASSES, dtype=logits.dtype)
    return -(one_hot * jnp.log(jax.nn.softmax(logits))).sum(1).mean()


def quadratic(logits: Array, labels: Array) -> Array:
    """Return the mean of (one-hot - softmax)^2 over samples and classes."""
    return jnp.square(jax.nn.one_hot(labels, CLASSES, dtype=logits.dtype) - jax.nn.softmax(logits)).mean()


LOSSES = {"cross_entropy": cross_entropy, "underflowing": underflowing_cross_entropy, "quadratic": quadratic}

M1 = Network("m1", (Conv(32, 5), Conv(64, 5), Dense(1024), Dense(CLASSES)))
M2 = Network("m2", (Dense(CLASSES),))
M3 = Network("m3", (Conv(32, 3), Conv(64, 3), Dense(512), Dense(128), Dense(CLASSES)))
M4 = Network("m4", (Dense(CLASSES),), loss="quadratic")
CIFAR = Network("cifar", (Conv(64, 5, pool=3), Conv(64, 5, pool=3), Dense(512), Dense(128), Dense(CLASSES)))


def m5(hidden: int) -> Network:
    """Return the network m5: one hidden layer of a given width, quadratic loss."""
    return Network(f"m5, h = {hidden}", (Dense(hidden), Dense(CLASSES)), loss="quadratic")


def mlp(hidden: int) -> Network:
    """Return a perceptron with one hidden layer, which the reduced runs use."""
    return Network(f"MLP, h = {hidden}", (Dense(hidden), Dense(CLASSES)))


def small_conv(filters: int = 8, units: int = 128) -> Network:
    """Return m1 made small: two 3 x 3 convolutions and one hidden layer, which the reduced runs use."""
    return Network("small conv", (Conv(filters, 3), Conv(2 * filters, 3), Dense(units), Dense(CLASSES)))
