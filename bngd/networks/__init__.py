"""The same experiments on neural networks: data, architectures, training of many step sizes, what to measure."""

try:
    import jax  # noqa: F401
except ImportError as error:
    raise ImportError("the network experiments need JAX; install it with: pip install jax") from error

from bngd.networks.architectures import M1, M2, M3, Network, m5, mlp, small_conv
from bngd.networks.compiler import compile_quickly
from bngd.networks.data import load, load_first, scrambled
from bngd.networks.floor import (
    cross_entropy_floor,
    cross_entropy_floor_of_norm,
    largest_scale,
    largest_surplus,
)
from bngd.networks.idx import DataError
from bngd.networks.images import Images
from bngd.networks.jobs import Job, grid
from bngd.networks.parallel import train
from bngd.networks.ranges import workable_ranges
from bngd.networks.sharpness import self_tuning, sharpness, tent
from bngd.networks.tables import summary
from bngd.networks.training import Training, run, trajectory

__all__ = [
    "M1",
    "M2",
    "M3",
    "DataError",
    "Images",
    "Job",
    "Network",
    "Training",
    "compile_quickly",
    "cross_entropy_floor",
    "cross_entropy_floor_of_norm",
    "grid",
    "largest_scale",
    "largest_surplus",
    "load",
    "load_first",
    "m5",
    "mlp",
    "run",
    "scrambled",
    "self_tuning",
    "sharpness",
    "small_conv",
    "summary",
    "tent",
    "train",
    "trajectory",
    "workable_ranges",
]
