"""What the scale of the logits lives on: the entropy of the softmax less the loss, update by update."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from bngd.networks import Images, Job, Network, largest_scale, trajectory
from bngd.networks.architectures import Parameters, cross_entropy, forward, scale_of
from bngd.networks.images import CLASSES
from bngd.networks.training import Batch, batch, in_precision, initial, seen


def balances(network: Network, lr: float, lr_as: Sequence[float], data: Images, *, updates: int) -> pd.DataFrame:
    """Return what the softmax knows before each update of full-batch descent, and how far the update takes the scale.

    Parameters
    ----------
    network : Network
        With BN, under the cross-entropy.
    lr : float
    lr_as : sequence of float
        Step sizes of gamma and beta.
    data : Images
        All of its training images are in every batch.
    updates : int

    Returns
    -------
    DataFrame
        Columns setting, lr_a, update, loss and entropy of the softmax before it, in nats and over the batch; grown: by
        how much the update increases the squared norm of the logits' gamma and beta, less the square of the step, over
        2 lr_a; scale: root mean square of gamma after it; and bound: `bngd.networks.largest_scale`.
    """
    whole: dict[str, Any] = {"batch": len(data.x_train), "steps": updates, "record_every": 1, "dtype": "float64"}
    jobs = [Job(network, lr, lr_a, **whole) for lr_a in lr_as]
    return pd.DataFrame([row for job in jobs for row in _balances(job, data)])


def _balances(job: Job, data: Images) -> Iterator[dict[str, Any]]:
    lr_a = float(job.rates[1])
    before = initial(job, data)
    for state in trajectory(job, data):
        with in_precision(job):
            loss, entropy = map(float, _known(job.network, before, batch(data, "train", state.indices, job.dtype)))
        old, new = scale_of(before, -1), scale_of(state.parameters, -1)
        yield {
            "setting": job.setting,
            "lr_a": lr_a,
            "update": state.step,
            "loss": loss,
            "entropy": entropy,
            "grown": float(old @ (new - old)) / lr_a,
            "scale": float(np.sqrt(np.mean(np.square(state.parameters["gamma"][-1])))),
            "bound": float(largest_scale(job.gamma, lr_a, state.step, CLASSES)),
        }
        before = state.parameters


@partial(jax.jit, static_argnames="network")
def _known(network: Network, parameters: Parameters, images: Batch) -> tuple[Array, Array]:
    """Return cross-entropy and entropy of the softmax on a batch."""
    x, y = seen(images)
    logits, _ = forward(network, parameters, x)
    log_softmax = jax.nn.log_softmax(logits)
    return cross_entropy(logits, y), -(jnp.exp(log_softmax) * log_softmax).sum(1).mean()
