"""Training: one run of plain stochastic gradient descent, with one rate for the weights and one for BN's parameters."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import isfinite, nan
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import ArrayLike, NDArray

from bngd.networks.architectures import LOSSES, Network, Parameters, Statistics, forward, initialise
from bngd.networks.batch_norm import MOMENTUM
from bngd.networks.convolutions import Convolution, convolve, convolve_by_patches
from bngd.networks.images import Images
from bngd.networks.jobs import Job, batches, evaluated, four_rates

_AT_ONCE = 10
"""Updates in one call of a compiled program."""

FINITE, DIVERGED = "finite", "diverged"
FINAL = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
"""What is measured at the end of a run."""


class Batch(NamedTuple):
    """Some images as they are stored, and the two numbers that turn a pixel into what a network sees.

    Attributes
    ----------
    x : ndarray of uint8, shape (n, height, width, channels)
    y : ndarray of uint8, shape (n,)
    peak, offset : ndarray
        Of the data set, in the precision to compute in.
    """

    x: NDArray[np.uint8]
    y: NDArray[np.uint8]
    peak: NDArray
    offset: NDArray

    def part(self, chosen: Any) -> "Batch":
        """Return one of several batches, or some of the images, by their indices."""
        return self._replace(x=self.x[chosen], y=self.y[chosen])


def batch(data: Images, part: str, indices: NDArray, dtype: str) -> Batch:
    """Return some images of the "train" or the "test" part; stored as bytes they are soon moved to a device."""
    x, y = (data.x_train, data.y_train) if part == "train" else (data.x_test, data.y_test)
    offset = np.zeros((), dtype) if data.offset is None else data.offset.astype(dtype)
    return Batch(x[indices], y[indices], np.asarray(data.peak, dtype), offset)


def seen(images: Batch) -> tuple[Array, Array]:
    """Return images as a network sees them, pixels over the peak less the offset, and their labels."""
    x, y, peak, offset = map(jnp.asarray, images)
    return x.astype(peak.dtype) / peak - offset, y.astype(jnp.int32)


@dataclass(frozen=True)
class State:
    """Where a run stands after an update.

    Attributes
    ----------
    step : int
        Number of updates done.
    parameters : dict of lists of Array
    moving : list of (mean, variance)
        The moving averages of BN's statistics.
    indices : ndarray of int
        The training images of the batch that the last update saw.
    """

    step: int
    parameters: Parameters
    moving: Statistics
    indices: NDArray[np.int64]


@dataclass(frozen=True)
class Training:
    """What a run recorded.

    Attributes
    ----------
    job : Job
    step : list of int
        Number of updates at each record.
    loss, accuracy : list of float
        On the batch just trained on, after the update, as the authors' scripts record it.
    test_loss, test_accuracy : list of float
        On one batch of test images, with the moving averages.
    final : dict
        ``train_loss``, ``train_accuracy`` (statistics of the evaluated images), ``test_loss``, ``test_accuracy``
        (moving averages), each over `Job.evaluation` images; NaN where the run diverged.
    outcome : {"finite", "diverged"}
        Diverged: the loss was not finite, at a record, where the run then stopped, or at the end. What is not finite
        is recorded as NaN.
    """

    job: Job
    step: list[int]
    loss: list[float]
    accuracy: list[float]
    test_loss: list[float]
    test_accuracy: list[float]
    final: dict[str, float]
    outcome: str


def trajectory(job: Job, data: Images, rates: ArrayLike | None = None) -> Iterator[State]:
    """Train, and yield the state after the first update, after every `record_every` more, and after the last.

    One step, with both gradients at the old parameters:

        weights, biases <- ... - lr gradient,     gamma, beta <- ... - lr_a gradient

    Parameters
    ----------
    job : Job
    data : Images
    rates : array_like, shape (4,), or None
        Step sizes of the four parts that `Job.rates` tells apart, in its order; None stands for the job's own.

    Raises
    ------
    ValueError
        If there are not four step sizes, or one is negative or not finite.
    """
    step_sizes = job.rates if rates is None else four_rates(rates, job.dtype)
    parameters = initial(job, data)
    moving = initial_moving(job.network, parameters)
    indices = batches(job, len(data.x_train))
    for end, parts in looks(job):
        for chosen, count in parts:
            images = batch(data, "train", indices[chosen], job.dtype)
            with in_precision(job):  # not around the yield: it would hold for the caller too
                parameters, moving = updated(job.network, parameters, moving, step_sizes, count, images)
        yield State(end, parameters, moving, indices[end - 1])


def updated(
    network: Network, parameters: Parameters, moving: Statistics, rates: NDArray, count: int, images: Batch
) -> tuple[Parameters, Statistics]:
    """Do as `sgd_steps`, in the way that is the fastest for this network."""
    if not network.convolutional:
        return sgd_steps(network, parameters, moving, rates, count, images)
    for i in range(count):  # a call takes no time beside a convolution, which is not at its best in a compiled loop
        parameters, moving = sgd_step(network, parameters, moving, rates, images.part(i))
    return parameters, moving


def looks(job: Job) -> Iterator[tuple[int, list[tuple[NDArray[np.int64], int]]]]:
    """Yield the number of updates at each record, and the parts that lead there.

    A part is the numbers of its batches and how many of them count: all are equally long, so that one program does.
    """
    at_once = min(job.record_every, _AT_ONCE)
    for start, end in pairwise([0, *range(1, job.steps, job.record_every), job.steps]):
        firsts = range(start, end, at_once)
        counts = [min(at_once, end - first) for first in firsts]
        yield end, [(first + np.arange(at_once) % n, n) for first, n in zip(firsts, counts, strict=True)]


def in_precision(job: Job) -> AbstractContextManager[None]:
    """Return the context in which JAX computes in the job's precision."""
    return jax.enable_x64(job.dtype == "float64")


def initial(job: Job, data: Images) -> Parameters:
    """Return the parameters to begin with."""
    return initialise(job.network, data.shape, job.rng(0), scale=job.scale, gamma=job.gamma, dtype=job.dtype)


def initial_moving(network: Network, parameters: Parameters) -> Statistics:
    """Return the moving averages to begin with: mean 0, variance 1."""
    if not network.normalised:
        return []
    biases = parameters["biases"] if network.logits_too else parameters["biases"][:-1]
    return [(np.zeros_like(b), np.ones_like(b)) for b in biases]


@partial(jax.jit, static_argnames=("network", "convolution"))
def sgd_step(
    network: Network,
    parameters: Parameters,
    moving: Statistics,
    rates: Array,
    images: Batch,
    convolution: Convolution = convolve,
) -> tuple[Parameters, Statistics]:
    """Return parameters and moving averages after one update on one batch; `rates` are as in `Job.rates`."""
    x, y = seen(images)

    def loss(p: Parameters) -> tuple[Array, Statistics]:
        logits, statistics = forward(network, p, x, convolution=convolution)
        return LOSSES[network.loss](logits, y), statistics

    gradient, statistics = jax.grad(loss, has_aux=True)(parameters)
    others = len(network.layers) - 1
    of_layers, of_scales = [rates[0], *[rates[2]] * others], [*[rates[1]] * others, rates[3]]
    rate = {"weights": of_layers, "biases": of_layers, "gamma": of_scales, "beta": of_scales}
    updated = {
        name: [p - lr * g for p, g, lr in zip(values, gradient[name], rate[name], strict=True)]
        for name, values in parameters.items()
    }
    averaged = jax.tree.map(lambda old, new: MOMENTUM * old + (1 - MOMENTUM) * new, moving, statistics)
    return updated, averaged


@partial(jax.jit, static_argnames="network")
def sgd_steps(
    network: Network, parameters: Parameters, moving: Statistics, rates: Array, count: int | Array, images: Batch
) -> tuple[Parameters, Statistics]:
    """Return parameters and moving averages after an update on each of the first `count` batches.

    `Batch.x` and `Batch.y` have an axis more, of the batches. One call for some updates: for a small network a call
    takes longer than an update.
    """

    def update(i: Array, run: tuple[Parameters, Statistics]) -> tuple[Parameters, Statistics]:
        return sgd_step(network, *run, rates, images.part(i), convolve_by_patches)

    return lax.fori_loop(0, count, update, (parameters, moving))


@partial(jax.jit, static_argnames=("network", "convolution"))
def evaluate(
    network: Network,
    parameters: Parameters,
    moving: Statistics,
    own: bool | Array,
    images: Batch,
    convolution: Convolution = convolve,
) -> tuple[Array, Array]:
    """Return loss and accuracy on some images, BN using their own statistics or the moving averages.

    One program for both: compiling it takes longer than a short run.
    """
    x, y = seen(images)
    logits, _ = forward(network, parameters, x, moving, own, convolution)
    return LOSSES[network.loss](logits, y), (logits.argmax(1) == y).mean()


def run(job: Job, data: Images) -> Training:
    """Train once and record the losses.

    Raises
    ------
    ValueError
        If the batch is larger than the data.
    MemoryError
        If batch, evaluation or network do not fit.
    """
    try:
        return _record(job, data)
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise MemoryError(
            f"{job.network.name} with a batch of {job.batch} and {job.evaluation} evaluated images does not fit into "
            "memory; give smaller ones, or fewer workers"
        ) from error


def _record(job: Job, data: Images) -> Training:
    records: list[tuple[float, ...]] = []
    test_rng, outcome = job.rng(2), FINITE
    for state in trajectory(job, data):
        test = test_rng.integers(0, len(data.x_test), job.batch)
        records.append((state.step, *_measure(job, data, state, state.indices, test)))
        if not isfinite(records[-1][1]):
            outcome = DIVERGED
            break
    step, loss, accuracy, test_loss, test_accuracy = (list(column) for column in zip(*records, strict=True))
    final = _final(job, data, state) if outcome == FINITE else dict.fromkeys(FINAL, nan)
    if outcome == FINITE and not isfinite(final["train_loss"]):
        outcome, final = DIVERGED, dict.fromkeys(FINAL, nan)
    return Training(job, step, loss, accuracy, test_loss, test_accuracy, final, outcome)


def _final(job: Job, data: Images, state: State) -> dict[str, float]:
    return dict(zip(FINAL, _measure(job, data, state, *evaluated(job, data)), strict=True))


def _measure(job: Job, data: Images, state: State, train: NDArray, test: NDArray) -> tuple[float, ...]:
    """Return loss and accuracy on training images by their own statistics, on test images by the moving averages."""
    measured: list[Array] = []
    with in_precision(job):
        for part, own, indices in (("train", True, train), ("test", False, test)):
            images = batch(data, part, indices, job.dtype)
            measured += evaluate(job.network, state.parameters, state.moving, own, images)
        return tuple(value if isfinite(value) else nan for value in map(float, measured))
