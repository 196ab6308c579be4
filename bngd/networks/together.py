"""All runs of a row in one compiled program, for an accelerator: as many at once as its memory holds."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite, nan

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

from bngd.networks.architectures import Network, Parameters, Statistics, shapes
from bngd.networks.convolutions import convolve_by_patches
from bngd.networks.images import Images
from bngd.networks.jobs import Job, batches, evaluated
from bngd.networks.training import (
    DIVERGED,
    FINAL,
    FINITE,
    Batch,
    Training,
    batch,
    evaluate,
    in_precision,
    initial,
    initial_moving,
    looks,
    sgd_steps,
)

_COPIES = 8
"""Times the parameters that a run takes on the device, roughly: gradients, and what the compiler keeps."""


def device(name: str) -> jax.Device:
    """Return the first device of a kind, such as "gpu" or "cpu".

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        seen = ", ".join(sorted({one.platform for one in jax.devices()}))
        raise ValueError(f"no device {name!r} here; JAX sees: {seen}") from error


def as_finished_together(jobs: Sequence[Job], data: Images, where: jax.Device) -> Iterator[tuple[int, Training]]:
    """Yield the index of each job and what its run recorded: like `bngd.networks.run`, up to rounding.

    Rounding differs with the device and with the number of runs at once; training amplifies it. Where the memory does
    not suffice, half as many runs go at once, and a line says so.
    """
    alike: dict[Job, list[int]] = {}
    for i, job in enumerate(jobs):
        same = replace(job, lr=1.0, lr_a=None, lr_rest=None, seed=0, stream=0, scale=1.0, gamma=1.0)
        alike.setdefault(same, []).append(i)
    for kind, group in alike.items():
        at_once = _fitting(kind, data, where, len(group))
        while group:
            chunk = group[:at_once]
            try:
                trainings = _train([jobs[i] for i in chunk], data, where)
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error) or at_once == 1:
                    raise
                at_once = max(1, len(chunk) // 2)
                print(f"{where.platform} is out of memory; {at_once} runs at once from here", file=sys.stderr)
                continue
            yield from zip(chunk, trainings, strict=True)
            group = group[at_once:]


def _fitting(job: Job, data: Images, where: jax.Device, wanted: int) -> int:
    """Return how many runs the device's memory should hold, where it tells its size."""
    limit = (where.memory_stats() or {}).get("bytes_limit")
    if limit is None:
        return wanted
    parameters = sum(int(np.prod(shape)) for shape in shapes(job.network, data.shape))
    images = max(job.batch, job.evaluation) * int(np.prod(data.shape))
    return max(1, min(wanted, int(limit / (np.dtype(job.dtype).itemsize * _COPIES * (parameters + images)))))


@partial(jax.jit, static_argnames="network")
def _steps(
    network: Network,
    parameters: Parameters,
    moving: Statistics,
    rates: Array,
    count: int,
    images: Batch,
    indices: Array,
) -> tuple[Parameters, Statistics]:
    def one(p: Parameters, m: Statistics, r: Array, i: Array) -> tuple[Parameters, Statistics]:
        return sgd_steps(network, p, m, r, count, images.part(i))

    return jax.vmap(one)(parameters, moving, rates, indices)


@partial(jax.jit, static_argnames="network")
def _evaluate(
    network: Network, parameters: Parameters, moving: Statistics, own: bool, images: Batch, indices: Array
) -> tuple[Array, Array]:
    def one(p: Parameters, m: Statistics, i: Array) -> tuple[Array, Array]:
        return evaluate(network, p, m, own, images.part(i), convolve_by_patches)

    return jax.vmap(one)(parameters, moving, indices)


def _train(jobs: Sequence[Job], data: Images, where: jax.Device) -> list[Training]:
    first, network = jobs[0], jobs[0].network
    with in_precision(first), jax.default_device(where):
        stack = partial(jax.tree.map, lambda *arrays: jax.device_put(np.stack(arrays), where))
        starts = [initial(job, data) for job in jobs]
        parameters, moving = stack(*starts), stack(*[initial_moving(network, start) for start in starts])
        rates = stack(*[job.rates for job in jobs])
        held = {
            part: jax.device_put(batch(data, part, np.arange(len(x)), first.dtype), where)
            for part, x in (("train", data.x_train), ("test", data.x_test))
        }
        order = np.stack([batches(job, len(data.x_train)) for job in jobs])
        test_rngs = [job.rng(2) for job in jobs]

        def measure(train: NDArray, test: NDArray) -> NDArray[np.float64]:
            values = [
                np.asarray(value, dtype=float)
                for part, own, indices in (("train", True, train), ("test", False, test))
                for value in _evaluate(network, parameters, moving, own, held[part], indices)
            ]
            return np.stack(values, axis=1)

        steps, records = [], []
        for end, parts in looks(first):
            for chosen, count in parts:
                parameters, moving = _steps(network, parameters, moving, rates, count, held["train"], order[:, chosen])
            test = np.stack([rng.integers(0, len(data.x_test), first.batch) for rng in test_rngs])
            steps.append(end)
            records.append(measure(order[:, end - 1], test))
        final = measure(*map(np.stack, zip(*[evaluated(job, data) for job in jobs], strict=True)))
    return [_training(job, steps, np.array(records)[:, i], final[i]) for i, job in enumerate(jobs)]


def _training(job: Job, steps: list[int], records: NDArray[np.float64], final: NDArray[np.float64]) -> Training:
    """Return what the run recorded, cut after the first loss that is not finite, as a run alone would have stopped."""
    bad = np.flatnonzero(~np.isfinite(records[:, 0]))
    records = records[: bad[0] + 1] if bad.size else records
    finite = not bad.size and isfinite(final[0])
    columns = ([value if isfinite(value) else nan for value in column] for column in records.T.tolist())
    loss, accuracy, test_loss, test_accuracy = columns
    last = dict(zip(FINAL, final.tolist() if finite else [nan] * len(FINAL), strict=True))
    outcome = FINITE if finite else DIVERGED
    return Training(job, steps[: len(records)], loss, accuracy, test_loss, test_accuracy, last, outcome)
