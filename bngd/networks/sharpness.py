"""Effective step size and sharpness along a training run, layer by layer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import ArrayLike, NDArray

from bngd.networks.architectures import LOSSES, Network, Parameters, forward, scale_of
from bngd.networks.images import Images
from bngd.networks.jobs import Job
from bngd.networks.training import batch, evaluate, in_precision, initial, seen, trajectory

_Product = Callable[[Array], Array]
"""A matrix as what it does to a vector; to `jax.jit` it is a tree of arrays."""


@partial(jax.jit, static_argnames=("network", "layer"))
def _hessian(network: Network, parameters: Parameters, layer: int, x: Array, y: Array) -> _Product:
    """Return the Hessian in one layer's weights as a function: what all its products share is computed once."""

    def gradient(w: Array) -> Array:
        def loss(w: Array) -> Array:
            weights = [*parameters["weights"][:layer], w, *parameters["weights"][layer + 1 :]]
            return LOSSES[network.loss](forward(network, parameters | {"weights": weights}, x)[0], y)

        return jax.grad(loss)(w)

    return jax.linearize(gradient, parameters["weights"][layer])[1]


@jax.jit
def _times(hessian: _Product, v: Array) -> Array:
    return hessian(v)


def sharpness(
    network: Network, parameters: Parameters, layer: int, x: Array, y: Array, *, iterations: int = 16
) -> float:
    """Return the largest eigenvalue of the loss's Hessian in one layer's weights, by Lanczos.

    Parameters
    ----------
    network : Network
    parameters : dict of lists of arrays
    layer : int
    x : Array, shape (n, height, width, channels)
        The loss is that of these images, BN using their statistics.
    y : Array, shape (n,)
    iterations : int
        Dimension of the Krylov space; the largest eigenvalue is the first that it finds.

    Returns
    -------
    float
        NaN where the loss is not finite.
    """
    shape, dtype = np.shape(parameters["weights"][layer]), parameters["weights"][layer].dtype
    start = np.random.default_rng(0).standard_normal(shape).ravel()
    basis, diagonal, off = [start / np.linalg.norm(start)], [], []
    hessian = _hessian(network, parameters, layer, x, y)
    for _ in range(min(iterations, start.size)):
        image = np.asarray(_times(hessian, basis[-1].reshape(shape).astype(dtype)), dtype=float).ravel()
        if not np.isfinite(image).all():
            return float("nan")
        diagonal.append(image @ basis[-1])
        rest = _orthogonalise(image, basis)
        off.append(np.linalg.norm(rest))
        # Single precision: below its rounding the rest is noise, and the space is exhausted.
        if off[-1] <= 1e-6 * np.linalg.norm(image):
            break
        basis.append(rest / off[-1])
    inner = off[: len(diagonal) - 1]
    return float(np.linalg.eigvalsh(np.diag(diagonal) + np.diag(inner, 1) + np.diag(inner, -1))[-1])


def _orthogonalise(vector: NDArray, basis: list[NDArray]) -> NDArray:
    directions = np.array(basis)
    for _ in range(2):  # twice is enough
        vector = vector - directions.T @ (directions @ vector)
    return vector


def self_tuning(job: Job, data: Images, *, images: int = 1000) -> pd.DataFrame:
    r"""Train, and follow each layer's norm, effective step and sharpness.

    For a loss that does not see the scale of a layer's weights W, the gradient is orthogonal to W and the Hessian at W
    is that at W/||W|| over ||W||^2. A step eps at W is thus a step

        effective_step = eps / ||W||^2

    on the unit sphere, where the sharpness is ``unit_sharpness`` = lambda_max ||W||^2. Theory for least squares: the
    effective step settles at or below 2 / sharpness, so ``product`` = eps lambda_max at or below 2.

    Parameters
    ----------
    job : Job
        `Job.record_every` says how often to look.
    data : Images
    images : int
        The first so many training images are what sharpness and loss are measured on.

    Returns
    -------
    DataFrame
        A row for each record and layer: step, layer, loss, norm, sharpness, lr, method, batch, effective_step,
        unit_sharpness, product.
    """
    rows = []
    looked_at = batch(data, "train", np.arange(min(images, len(data.x_train))), job.dtype)
    for state in trajectory(job, data):
        with in_precision(job):
            loss, _ = evaluate(job.network, state.parameters, state.moving, True, looked_at)
            x, y = jax.jit(seen)(looked_at)
            for layer, weights in enumerate(state.parameters["weights"]):
                top = sharpness(job.network, state.parameters, layer, x, y)
                norm = np.linalg.norm(np.asarray(weights, dtype=float))
                rows.append((state.step, layer, float(loss), norm, top))
    table = pd.DataFrame(rows, columns=["step", "layer", "loss", "norm", "sharpness"])
    squared = table["norm"] ** 2
    return table.assign(
        lr=job.lr,
        method=job.method,
        batch=job.batch,
        effective_step=job.lr / squared,
        unit_sharpness=table["sharpness"] * squared,
        product=job.lr * table["sharpness"],
    )


def tent(job: Job, data: Images, lr: ArrayLike, *, scales: bool = False) -> pd.DataFrame:
    r"""Return each layer's effective step after the first update, at any step size, from one gradient.

    With the initial weights W of a layer and the gradient G there, ||W + eps G||^2 = ||W||^2 + eps^2 ||G||^2, hence

        effective_step = 1 / (||W|| ||G|| (x + 1/x)),   x = eps ||G|| / ||W||.

    No later one is larger, for norms never decrease (`prop-layer-tent` of the book). In double precision, whatever the
    job's: the gradient is the difference that one update makes, small beside large weights.

    Parameters
    ----------
    job : Job
        Its network, its initial weights and its first batch count; its step sizes and number of steps do not.
    data : Images
    lr : array_like, shape (n,)
        Step sizes eps.
    scales : bool
        Whether to take for W a layer's gamma and beta, which have the same law in all layers but the last
        (`thm-network-scales` of the book).

    Returns
    -------
    DataFrame
        Columns lr, layer, effective_step: n rows for each layer.

    Raises
    ------
    ValueError
        If a layer of the network has no BN or BN's epsilon is not 0, or a step size is not positive and finite.
    """
    network = job.network
    if not (network.normalised and network.logits_too) or network.epsilon:
        raise ValueError(
            f"job.network is {network!r}; every layer has to have BN with epsilon 0: take network.with_batch_norm(0.0)"
        )
    rates = np.array([replace(job, lr=rate).lr for rate in np.ravel(lr)])
    one = replace(job, lr=1.0, lr_a=None, lr_rest=None, steps=1, dtype="float64")
    start = initial(one, data)
    after = next(trajectory(one, data)).parameters
    tables = []
    for layer, (first, second) in enumerate(zip(*(_of_layers(p, scales) for p in (start, after)), strict=True)):
        norm, gradient = np.linalg.norm(first), np.linalg.norm(second - first)
        x = rates * gradient / norm
        step = 1 / (norm * gradient * (x + 1 / x))
        tables.append(pd.DataFrame({"lr": rates, "layer": layer, "effective_step": step}))
    return pd.concat(tables, ignore_index=True)


def _of_layers(parameters: Parameters, scales: bool) -> list[NDArray[np.floating]]:
    if not scales:
        return list(map(np.asarray, parameters["weights"]))
    return [scale_of(parameters, layer) for layer in range(len(parameters["gamma"]) - 1)]
