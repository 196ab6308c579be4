"""Training: one run of plain stochastic gradient descent, with one rate for the weights and one for BN's parameters."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import isfinite
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import ArrayLike, NDArray

from bngd.networks.architectures import LOSSES, Network, Parameters, Statistics, forward, initialise
from bngd.networks.batch_norm import MOMENTUM
from bngd.networks.data import Dataset

FINITE, DIVERGED = "finite", "diverged"
SAMPLINGS = ("epochs", "replacement")
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Job:
    """One run, completely described: the same job on the same data gives the same numbers.

    Attributes
    ----------
    network : Network
    lr : float
        Learning rate of weights and biases, eps.
    lr_a : float or None
        Learning rate of BN's gamma and beta, eps_a; None stands for `lr` (one joint rate).
    seed : int
        Of the repetition.
    stream : int
        Tells apart the runs of one repetition that are to see other initial weights and other batches.
    steps : int
        Number of updates.
    batch : int
        Samples in a batch.
    scale : float
        The initial weights are multiplied by it.
    gamma : float
        BN's gamma to begin with.
    sampling : {"epochs", "replacement"}
        Batches from a shuffled pass through the data after another, or drawn with replacement.
    dtype : {"float32", "float64"}
    record_every : int
        Steps between two records of the loss.
    evaluation : int
        Number of training and of test images that the final losses are measured on.

    Raises
    ------
    ValueError
        If a rate or scale is not positive and finite, a count is below 1, `lr_a` is given for a network without BN,
        or the batch is of one sample under BN.
    """

    network: Network
    lr: float
    lr_a: float | None = None
    seed: int = 0
    stream: int = 0
    steps: int = 600
    batch: int = 100
    scale: float = 1.0
    gamma: float = 1.0
    sampling: str = "epochs"
    dtype: str = "float32"
    record_every: int = 10
    evaluation: int = 2000

    def __post_init__(self) -> None:
        """Check every entry."""
        for name, rate in (("lr", self.lr), ("lr_a", self.lr_a), ("scale", self.scale), ("gamma", self.gamma)):
            if rate is not None and not (isfinite(rate) and rate > 0):
                raise ValueError(f"{name} is {rate}; give a positive finite number")
        for name in ("steps", "batch", "record_every", "evaluation"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        for name, allowed in (("sampling", SAMPLINGS), ("dtype", DTYPES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose from {', '.join(allowed)}")
        if self.network.normalised and min(self.batch, self.evaluation) < 2:
            raise ValueError("a batch of 1 has no variance to normalise by; give BN a batch of at least 2")
        if self.lr_a is not None and not self.network.normalised:
            raise ValueError(f"lr_a is {self.lr_a}, but {self.network.name} has no BN; leave lr_a out")

    @property
    def method(self) -> str:
        """``gd`` without BN, ``bn`` with one joint rate, ``bn_split`` with a rate for gamma and beta."""
        if not self.network.normalised:
            return "gd"
        return "bn" if self.lr_a is None else "bn_split"

    @property
    def setting(self) -> str:
        """The method with its eps_a, as figures name it: ``gd``, ``bn``, ``split 0.1``."""
        return self.method if self.lr_a is None else f"split {self.lr_a:g}"

    @property
    def key(self) -> str:
        """A name for the run's file: the same for the same job, another for any other."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    def rng(self, purpose: int) -> np.random.Generator:
        """Return the generator for one purpose: 0 initial weights, 1 training batches, 2 test batches, 3 evaluation."""
        return np.random.default_rng([self.seed, self.stream, purpose])


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
        Diverged: a loss that is not finite was recorded, and the run stopped there.
    """

    job: Job
    step: list[int]
    loss: list[float]
    accuracy: list[float]
    test_loss: list[float]
    test_accuracy: list[float]
    final: dict[str, float]
    outcome: str


def batches(job: Job, n: int) -> NDArray[np.int64]:
    """Return the indices of each batch, shape (steps, batch).

    Raises
    ------
    ValueError
        If the data hold fewer than `Job.batch` images.
    """
    if job.batch > n:
        raise ValueError(f"a batch of {job.batch} from {n} images; give a smaller batch or more data")
    rng = job.rng(1)
    if job.sampling == "replacement":
        return rng.integers(0, n, (job.steps, job.batch))
    passes = -(-job.steps * job.batch // n)
    order = np.concatenate([rng.permutation(n) for _ in range(passes)])
    return order[: job.steps * job.batch].reshape(job.steps, job.batch)


def trajectory(job: Job, data: Dataset) -> Iterator[State]:
    """Train, and yield the state after the first update, after every `record_every` more, and after the last.

    One step, with both gradients at the old parameters:

        weights, biases <- ... - lr gradient,     gamma, beta <- ... - lr_a gradient
    """
    with jax.enable_x64(job.dtype == "float64"):
        device = on_device(data, job.dtype)
        parameters = initialise(job.network, data.shape, job.rng(0), scale=job.scale, gamma=job.gamma, dtype=job.dtype)
        moving = initial_moving(job.network, parameters)
        rates = np.array([job.lr, job.lr if job.lr_a is None else job.lr_a], job.dtype)
        for step, indices in enumerate(batches(job, len(data.x_train)), start=1):
            parameters, moving = sgd_step(job.network, parameters, moving, rates, device["train"], indices)
            if step % job.record_every == 1 % job.record_every or step == job.steps:
                yield State(step, parameters, moving, indices)


def initial_moving(network: Network, parameters: Parameters) -> Statistics:
    """Return the moving averages to begin with: mean 0, variance 1."""
    if not network.normalised:
        return []
    biases = parameters["biases"] if network.logits_too else parameters["biases"][:-1]
    return [(np.zeros_like(b), np.ones_like(b)) for b in biases]


@partial(jax.jit, static_argnames="network")
def sgd_step(
    network: Network, parameters: Parameters, moving: Statistics, rates: Array, train: Any, indices: Array
) -> tuple[Parameters, Statistics]:
    """Return parameters and moving averages after one update on one batch."""
    x, y = take(train, indices)

    def loss(p: Parameters) -> tuple[Array, Statistics]:
        logits, statistics = forward(network, p, x)
        return LOSSES[network.loss](logits, y), statistics

    gradient, statistics = jax.grad(loss, has_aux=True)(parameters)
    rate = {"weights": rates[0], "biases": rates[0], "gamma": rates[1], "beta": rates[1]}
    updated = {
        name: [p - rate[name] * g for p, g in zip(values, gradient[name], strict=True)]
        for name, values in parameters.items()
    }
    averaged = jax.tree.map(lambda old, new: MOMENTUM * old + (1 - MOMENTUM) * new, moving, statistics)
    return updated, averaged


@partial(jax.jit, static_argnames="network")
def evaluate(
    network: Network, parameters: Parameters, statistics: Statistics | None, images: Any, indices: Array
) -> tuple[Array, Array]:
    """Return loss and accuracy on some images; without statistics given, BN uses those of these images."""
    x, y = take(images, indices)
    logits, _ = forward(network, parameters, x, statistics)
    return LOSSES[network.loss](logits, y), (logits.argmax(1) == y).mean()


def take(images: tuple[Array, Array, Array, Array], indices: Array) -> tuple[Array, Array]:
    """Return some images as the network sees them, pixels over the peak less the offset, and their labels."""
    x, y, peak, offset = images
    return x[indices].astype(peak.dtype) / peak - offset, y[indices].astype(jnp.int32)


@lru_cache(maxsize=2)
def on_device(data: Dataset, dtype: str) -> dict[str, tuple[Array, Array, Array, Array]]:
    """Return images, labels, peak and offset of the "train" and "test" part, in the memory that JAX computes in."""
    offset = np.zeros((), dtype) if data.offset is None else data.offset.astype(dtype)
    peak = jnp.asarray(data.peak, dtype)
    return {
        "train": (jnp.asarray(data.x_train), jnp.asarray(data.y_train), peak, jnp.asarray(offset)),
        "test": (jnp.asarray(data.x_test), jnp.asarray(data.y_test), peak, jnp.asarray(offset)),
    }


def run(job: Job, data: Dataset) -> Training:
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


def _record(job: Job, data: Dataset) -> Training:
    records: list[tuple[float, ...]] = []
    test_rng, outcome = job.rng(2), FINITE
    for state in trajectory(job, data):
        test = test_rng.integers(0, len(data.x_test), job.batch)
        records.append((state.step, *_measure(job, data, state, state.indices, test)))
        if not isfinite(records[-1][1]):
            outcome = DIVERGED
            break
    step, loss, accuracy, test_loss, test_accuracy = (list(column) for column in zip(*records, strict=True))
    final = _final(job, data, state) if outcome == FINITE else dict.fromkeys(FINAL, float("nan"))
    if outcome == FINITE and not isfinite(final["train_loss"]):
        outcome = DIVERGED
    return Training(job, step, loss, accuracy, test_loss, test_accuracy, final, outcome)


FINAL = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


def _final(job: Job, data: Dataset, state: State) -> dict[str, float]:
    rng = job.rng(3)
    chosen = [rng.permutation(len(x))[: job.evaluation] for x in (data.x_train, data.x_test)]
    return dict(zip(FINAL, _measure(job, data, state, *chosen), strict=True))


def _measure(job: Job, data: Dataset, state: State, train: NDArray, test: NDArray) -> tuple[float, ...]:
    """Return loss and accuracy on training images by their own statistics, on test images by the moving averages."""
    with jax.enable_x64(job.dtype == "float64"):
        device = on_device(data, job.dtype)
        on_train = evaluate(job.network, state.parameters, None, device["train"], train)
        on_test = evaluate(job.network, state.parameters, state.moving or None, device["test"], test)
        return tuple(float(value) for value in (*on_train, *on_test))


def grid(
    network: Network,
    lr: ArrayLike,
    *,
    lr_a: float | None = None,
    seeds: int = 1,
    fresh: bool = True,
    **same: Any,
) -> list[Job]:
    """Return a job for each rate and seed.

    Parameters
    ----------
    network : Network
    lr : array_like, shape (n,)
    lr_a : float or None
    seeds : int
        Number of repetitions.
    fresh : bool
        Whether each rate gets its own initial weights and batches, as in the authors' scripts; else the rates of one
        repetition differ in nothing else.
    **same
        Further entries of `Job`.

    Returns
    -------
    list of Job
    """
    return [
        Job(network, float(rate), lr_a, seed, stream=i if fresh else 0, **same)
        for seed in range(seeds)
        for i, rate in enumerate(np.atleast_1d(np.asarray(lr, dtype=float)))
    ]


def summary(trainings: Sequence[Training]) -> pd.DataFrame:
    """Return a table with one row a run: what it was, how it ended, its final losses and accuracies."""
    rows = [_identity(t.job) | {"outcome": t.outcome} | t.final for t in trainings]
    return pd.DataFrame(rows)


def curves(trainings: Sequence[Training]) -> pd.DataFrame:
    """Return a table with one row a run and record: step, loss and accuracy on train and test batch."""
    parts = []
    for run_number, t in enumerate(trainings):
        part = pd.DataFrame(
            {name: getattr(t, name) for name in ("step", "loss", "accuracy", "test_loss", "test_accuracy")}
        )
        parts.append(part.assign(run=run_number, **_identity(t.job)))
    return pd.concat(parts, ignore_index=True)


def _identity(job: Job) -> dict[str, Any]:
    kept = ("lr", "seed", "scale", "gamma", "dtype", "steps")
    network = {"network": job.network.name, "setting": job.setting, "epsilon": job.network.epsilon}
    return network | {name: getattr(job, name) for name in kept}
