"""The same experiments on neural networks: data, architectures, training of many learning rates, what to measure."""

import os

# The order of a sum follows the number of threads: with one, a job gives the same numbers in this process, in a worker
# and on a cluster, and several side by side use the cores better. JAX reads these when it computes for the first time.
os.environ.setdefault("NPROC", "1")
if "multi_thread_eigen" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()

try:
    import jax  # noqa: F401
except ImportError as error:
    raise ImportError("the network experiments need JAX; install it with: pip install jax") from error

from bngd.networks.architectures import CIFAR, M1, M2, M3, M4, Conv, Dense, Network, m5, mlp, small_conv
from bngd.networks.data import DATASETS, Dataset, load, load_first, scrambled
from bngd.networks.idx import DataError
from bngd.networks.jobs import Job, grid
from bngd.networks.parallel import train
from bngd.networks.ranges import workable_ranges
from bngd.networks.sharpness import self_tuning, sharpness
from bngd.networks.tables import curves, summary
from bngd.networks.training import Training, run, trajectory

__all__ = [
    "CIFAR",
    "DATASETS",
    "M1",
    "M2",
    "M3",
    "M4",
    "Conv",
    "DataError",
    "Dataset",
    "Dense",
    "Job",
    "Network",
    "Training",
    "curves",
    "grid",
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
    "train",
    "trajectory",
    "workable_ranges",
]
