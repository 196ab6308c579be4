"""One update of the authors' convolutional network m1 on one core: ours, and as others would write it."""

from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import lax

from benchmarks import measuring
from bngd.networks.architectures import M1, Conv, Network, Parameters, initialise, shapes
from bngd.networks.batch_norm import batch_norm, batch_statistics
from bngd.networks.jobs import Job
from bngd.networks.training import Batch, initial_moving, sgd_steps, updated

IMAGE, BATCH, BATCHES, RATE = (28, 28, 1), 100, 10, 0.01

AGREEMENT = 1e-5
"""Weights after the first update have to agree to this, relative to their largest: training amplifies rounding."""

SCAN = "JAX, lax.scan over the batches"

Weights = list[np.ndarray]
Trainer = Callable[[Network, Parameters, Batch], Weights]
"""Does an update on each of the batches and returns the weights of each layer."""


def ours(network: Network, parameters: Parameters, images: Batch) -> Weights:
    """As a run of this network is trained: call by call."""
    moving, rates = initial_moving(network, parameters), Job(network, RATE).rates
    parameters, _ = updated(network, parameters, moving, rates, len(images.x), images)
    return list(map(np.asarray, parameters["weights"]))


def ours_in_a_loop(network: Network, parameters: Parameters, images: Batch) -> Weights:
    """As networks without convolutions are trained: in a compiled loop, convolutions by products of patches."""
    moving, rates = initial_moving(network, parameters), Job(network, RATE).rates
    parameters, _ = sgd_steps(network, parameters, moving, rates, len(images.x), images)
    return list(map(np.asarray, parameters["weights"]))


def _plain_loss(network: Network, p: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    for i, layer in enumerate(network.layers):
        w = p["weights"][i]
        if isinstance(layer, Conv):
            x = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        else:
            x = x.reshape(len(x), -1) @ w.T
        x = x + p["biases"][i]
        if network.normalised:
            x = batch_norm(x, batch_statistics(x), p["gamma"][i], p["beta"][i], network.epsilon)
        if i < len(network.layers) - 1:
            x = jax.nn.relu(x)
        if isinstance(layer, Conv):
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
    return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1).mean()


def _plain_step(network: Network, p: Parameters, x: jax.Array, y: jax.Array) -> Parameters:
    gradient = jax.grad(lambda p: _plain_loss(network, p, x, y))(p)
    return jax.tree.map(lambda value, g: value - RATE * g, p, gradient)


_plain_jit = jax.jit(_plain_step, static_argnums=0)


@jax.jit
def _as_seen(x: jax.Array, peak: jax.Array) -> jax.Array:
    return x.astype("float32") / peak


def jax_jit(network: Network, parameters: Parameters, images: Batch) -> Weights:
    """Compile one update of plain JAX and call it for each batch."""
    for x, y in zip(images.x, images.y, strict=True):
        parameters = _plain_jit(network, parameters, _as_seen(x, images.peak), y.astype("int32"))
    return list(map(np.asarray, parameters["weights"]))


_scanned = jax.jit(
    lambda network, p, x, y: lax.scan(lambda p, one: (_plain_step(network, p, *one), None), p, (x, y))[0],
    static_argnums=0,
)


def jax_scan(network: Network, parameters: Parameters, images: Batch) -> Weights:
    """Do the same updates in one ``lax.scan``, as one is told to."""
    after = _scanned(network, parameters, _as_seen(images.x, images.peak), images.y.astype("int32"))
    return list(map(np.asarray, after["weights"]))


def torch_eager(channels_last: bool) -> Trainer:
    """Return PyTorch's own layers and its SGD; for the order of pixels and channels that is asked for."""
    import torch

    order = torch.channels_last if channels_last else torch.contiguous_format

    def layers(network: Network, parameters: Parameters) -> Iterator[torch.nn.Module]:
        flat = False
        for i, (layer, shape) in enumerate(zip(network.layers, shapes(network, IMAGE), strict=True)):
            weights = np.asarray(parameters["weights"][i])
            convolves = isinstance(layer, Conv)
            if convolves:
                linear = torch.nn.Conv2d(shape[2], shape[3], shape[0], padding=shape[0] // 2)
                weights = weights.transpose(3, 2, 0, 1)
            else:
                if not flat:  # its images are flattened channel by channel, ours pixel by pixel
                    yield from (Pixels(), torch.nn.Flatten())
                    flat = True
                linear = torch.nn.Linear(shape[1], shape[0])
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(np.ascontiguousarray(weights)))
                linear.bias.zero_()
            yield linear
            if network.normalised:
                norm = torch.nn.BatchNorm2d if convolves else torch.nn.BatchNorm1d
                yield norm(len(parameters["biases"][i]), eps=network.epsilon)
            if i < len(network.layers) - 1:
                yield torch.nn.ReLU()
            if convolves:
                yield torch.nn.MaxPool2d(2)

    class Pixels(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.permute(0, 2, 3, 1)

    def train(network: Network, parameters: Parameters, images: Batch) -> Weights:
        torch.set_num_threads(1)
        net = torch.nn.Sequential(*layers(network, parameters)).to(memory_format=order)
        optimiser = torch.optim.SGD(net.parameters(), lr=RATE)
        for x, y in zip(images.x, images.y, strict=True):
            pixels = torch.tensor(x).permute(0, 3, 1, 2).to(torch.float32).contiguous(memory_format=order)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(pixels / float(images.peak)), torch.tensor(y).long()).backward()
            optimiser.step()
        return [
            weight.detach().numpy().transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.detach().numpy()
            for weight in (m.weight for m in net if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)))
        ]

    return train


def multiply_adds(network: Network) -> int:
    """Return the multiply-adds of one update: the images through it, and both gradients back but that of the pixels."""
    (height, width, _), total = IMAGE, 0
    for i, (layer, shape) in enumerate(zip(network.layers, shapes(network, IMAGE), strict=True)):
        positions = height * width if isinstance(layer, Conv) else 1
        total += (3 if i else 2) * positions * int(np.prod(shape))
        height, width = height // 2, width // 2
    return BATCH * total


def contestants() -> dict[str, Trainer]:
    """Return the trainers by name; PyTorch's are left out where it is not installed."""
    found: dict[str, Trainer] = {
        SCAN: jax_scan,
        "JAX, one jit a batch": jax_jit,
        "ours, patches in a compiled loop": ours_in_a_loop,
    }
    try:
        found |= {"PyTorch": torch_eager(False), "PyTorch, channels last": torch_eager(True)}
    except ImportError:
        print("PyTorch is not installed, left out: pip install -r benchmarks/requirements.txt")
    return found | {"ours": ours}


def compare(repeats: int) -> pd.DataFrame:
    """Return one row per network and contestant: seconds of an update (best of several rounds), agreement, limit."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (BATCHES, BATCH, *IMAGE)).astype("uint8")
    y = rng.integers(0, 10, (BATCHES, BATCH)).astype("uint8")
    images = Batch(x, y, np.asarray(255, "float32"), np.zeros((), "float32"))
    limit = measuring.multiply_adds_per_second(1, 3 * repeats, dtype="float32")
    return pd.concat([_table(network, images, repeats, limit) for network in (M1, M1.with_batch_norm())])


def _table(network: Network, images: Batch, repeats: int, limit: float) -> pd.DataFrame:
    parameters = initialise(network, IMAGE, np.random.default_rng(1))
    trainers = contestants()
    calls = {name: partial(train, network, parameters, images) for name, train in trainers.items()}
    best, _ = measuring.in_turns(calls, repeats, slow=(SCAN,))
    after = {name: train(network, parameters, images.part(slice(1))) for name, train in trainers.items()}
    apart = {
        name: max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(weights, after["ours"], strict=True))
        for name, weights in after.items()
    }
    measuring.agree(apart, AGREEMENT)
    rows = [
        {
            "network": network.name + " with BN" * network.normalised,
            "what": name,
            "milliseconds an update": 1000 * time / BATCHES,
            "times ours": time / best["ours"],
            "share of multiply-add limit": BATCHES * multiply_adds(network) / time / limit,
            "largest difference": apart[name],
        }
        for name, time in sorted(best.items(), key=lambda item: -item[1])
    ]
    return pd.DataFrame(rows)
