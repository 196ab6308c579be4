"""Convolutions and pooling, as fast as a CPU does them."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

Convolution = Callable[[Array, Array], Array]
"""`convolve` or `convolve_by_patches`: the same up to rounding."""

_MANY_CHANNELS, _AT_ONCE = 16, 10
"""From so many channels on, the gradient of the weights is added up over so many images at once: for a hundred of them
XLA takes two to three times as long on an Intel Xeon. With fewer channels it is soon done either way."""

_MANY_FILTERS = 16
"""Below so many filters, on images of one channel, XLA's own convolution takes four times as long as the product of
patches."""


@jax.custom_vjp
def convolve(x: Array, weights: Array) -> Array:
    """Convolve with zero padding, in the way that is the fastest outside a loop of a compiled program.

    Parameters
    ----------
    x : Array, shape (n, height, width, channels)
    weights : Array, shape (kernel, kernel, channels, filters)
        With an odd kernel.

    Returns
    -------
    Array, shape (n, height, width, filters)
    """
    return _forward(x, weights)


def _forward(x: Array, weights: Array) -> Array:
    by_patches = x.shape[-1] == 1 and weights.shape[-1] < _MANY_FILTERS
    return convolve_by_patches(x, weights) if by_patches else _by_xla(x, weights)


def _by_xla(x: Array, weights: Array) -> Array:
    return lax.conv_general_dilated(x, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _remembering(x: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
    return _forward(x, weights), (x, weights)


def _gradients(remembered: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    """Return the gradients of the images and of the weights, from that of the result."""
    x, weights = remembered
    (of_images,) = jax.linear_transpose(partial(_by_xla, weights=weights), x)(gradient)
    at_once = _AT_ONCE if x.shape[-1] >= _MANY_CHANNELS else len(x)
    of_weights = sum(
        jax.linear_transpose(partial(_by_xla, x[i : i + at_once]), weights)(gradient[i : i + at_once])[0]
        for i in range(0, len(x), at_once)
    )
    return of_images, of_weights


convolve.defvjp(_remembering, _gradients)


def convolve_by_patches(x: Array, weights: Array) -> Array:
    """Do as `convolve`, by one matrix product of patches, which a loop and many networks at once can hold.

    Inside a compiled loop XLA takes another convolution on a CPU, twenty times as slow as this product.
    """
    n, height, width, channels = x.shape
    kernel, filters = weights.shape[0], weights.shape[-1]
    margin = kernel // 2
    padded = jnp.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    shifted = jnp.stack([padded[:, i : i + height, j : j + width] for i in range(kernel) for j in range(kernel)])
    # A patch is a column: rows as long as all images together are multiplied fastest.
    patches = jnp.moveaxis(shifted, -1, 1).reshape(kernel * kernel * channels, -1)
    product = weights.reshape(-1, filters).T @ patches
    return jnp.moveaxis(product.reshape(filters, n, height, width), 0, -1)


def max_pool(z: Array, window: int) -> Array:
    """Take maxima over square windows, two pixels apart, padded as TensorFlow's ``SAME``."""
    _, height, width, _ = z.shape
    if window == 2 and height % 2 == 0 and width % 2 == 0:
        # The windows tile the image: two pixels at a time do the same, with a faster gradient. That of ``max`` over
        # a window looks for the pixel that equals the maximum, and misses it where a compiler rounds one of the two
        # otherwise: with few optimisations, and BN in between, XLA does, and an update was wrong by three quarters.
        rows = jnp.maximum(z[:, ::2], z[:, 1::2])
        return jnp.maximum(rows[:, :, ::2], rows[:, :, 1::2])
    return lax.reduce_window(z, -jnp.inf, lax.max, (1, window, window, 1), (1, 2, 2, 1), "SAME")
