"""Jobs: runs described completely, so that the same description on the same data gives the same numbers."""

import hashlib
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bngd.networks.architectures import Network
from bngd.networks.images import Images

_SAMPLINGS = ("epochs", "replacement")
_DTYPES = ("float32", "float64")
_COUNTS = {"steps": 1, "batch": 1, "record_every": 1, "evaluation": 1, "seed": 0, "stream": 0}
"""What of a job is a whole number, and the least that it may be."""


@dataclass(frozen=True)
class Job:
    """One run, completely described: the same job on the same data gives the same numbers.

    Attributes
    ----------
    network : Network
    lr : float
        Step size of weights and biases, eps; with `lr_rest` of those of the first layer alone.
    lr_a : float or None
        Step size of BN's gamma and beta, eps_a; None stands for that of the last layer (one joint rate).
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
    lr_rest : float or None
        Step size of the weights and biases of all layers after the first; None stands for `lr`.

    Raises
    ------
    ValueError
        If a rate or scale is not positive and finite, a count is no whole number or too small, `lr_a` is given for a
        network without BN or `lr_rest` for one of a single layer, or the batch is of one sample under BN.
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
    lr_rest: float | None = None

    def __post_init__(self) -> None:
        """Check every entry."""
        # Numbers of any type become Python's own, so that equal jobs have equal keys.
        for name in ("lr", "lr_a", "scale", "gamma", "lr_rest"):
            object.__setattr__(self, name, _rate(name, getattr(self, name)))
        for name, least in _COUNTS.items():
            object.__setattr__(self, name, _count(name, getattr(self, name), least))
        for name, allowed in (("sampling", _SAMPLINGS), ("dtype", _DTYPES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose from {', '.join(allowed)}")
        for name in ("batch", "evaluation"):
            if self.network.normalised and getattr(self, name) < 2:
                raise ValueError(f"{name} is 1, and one image has no variance to normalize by; give BN at least 2")
        if self.lr_a is not None and not self.network.normalised:
            raise ValueError(f"lr_a is {self.lr_a}, but {self.network.name} has no BN; leave lr_a out")
        if self.lr_rest is not None and len(self.network.layers) == 1:
            raise ValueError(f"lr_rest is {self.lr_rest}, but {self.network.name} has one layer; leave lr_rest out")

    @property
    def rates(self) -> NDArray[np.floating]:
        """The step sizes, shape (4,).

        Of the first layer's weights and biases; of gamma and beta of all layers but the last; of the other layers'
        weights and biases; and of gamma and beta of the last.
        """
        rest = self.lr if self.lr_rest is None else self.lr_rest
        of_scales = rest if self.lr_a is None else self.lr_a
        return np.array([self.lr, of_scales, rest, of_scales], self.dtype)

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


def _rate(name: str, value: Any) -> float | None:
    if value is None and name in ("lr_a", "lr_rest"):
        return None
    if not (isinstance(value, Real) and isfinite(value) and float(value) > 0):
        raise ValueError(f"{name} is {value!r}; give a positive finite number")
    return float(value)


def _count(name: str, value: Any, least: int) -> int:
    if not (isinstance(value, Integral) and int(value) >= least):
        raise ValueError(f"{name} is {value!r}; give a whole number, at least {least}")
    return int(value)


def four_rates(given: ArrayLike, dtype: str) -> NDArray[np.floating]:
    """Return step sizes in the order of `Job.rates`; with 0 a part stands still.

    Raises
    ------
    ValueError
        If there are not four, or one is negative or not finite.
    """
    rates = np.asarray(given, dtype)
    if rates.shape != (4,) or not (np.isfinite(rates) & (rates >= 0)).all():
        raise ValueError(f"rates are {given!r}; give four finite numbers, 0 or more, in the order of Job.rates")
    return rates


def grid(
    network: Network, lr: ArrayLike, *, lr_a: float | None = None, seeds: int = 1, fresh: bool = True, **same: Any
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
    """
    seeds = _count("seeds", seeds, 1)
    return [
        Job(network, float(rate), lr_a, seed, stream=i if fresh else 0, **same)
        for seed in range(seeds)
        for i, rate in enumerate(np.atleast_1d(np.asarray(lr, dtype=float)))
    ]


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


def evaluated(job: Job, data: Images) -> list[NDArray[np.int64]]:
    """Return the indices of the training and of the test images that the final losses are measured on."""
    rng = job.rng(3)
    return [rng.permutation(len(x))[: job.evaluation] for x in (data.x_train, data.x_test)]
