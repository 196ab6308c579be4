"""What JAX's compiler, XLA, is told. It reads the environment when JAX computes for the first time."""

import ctypes
import os

import jax

# The order of a sum follows the number of threads: with one, a job gives the same numbers in this process, in a worker
# and on a cluster, and several side by side use the cores better. Too late where JAX has computed before this import.
os.environ.setdefault("NPROC", "1")

# Of glibc's malloc, as its header numbers them. A convolution's arrays are so large that the system is asked for each
# anew, page by page, which took a quarter to a third of an update: what is freed is kept for the next update instead.
_MMAP_MAX, _TRIM_THRESHOLD, _TWO_GIB = -4, -1, 2**31 - 1
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, _TWO_GIB)

_UNTRIED = (0, 11)
"""The first JAX that may not know the flag of `compile_quickly`; XLA ends a process whose flag it does not know."""


def compile_quickly() -> None:
    """Make programs that are soon compiled, not such as are soon done: for networks so small that compiling is all.

    A network is compiled four times as fast, its training takes two to five times as long, and its losses differ by
    rounding. For this process and the workers that it starts; to be called before the first run.
    """
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # for workers: in this process JAX has read it already
    jax.config.update("jax_disable_most_optimizations", True)
    if jax.__version_info__ < _UNTRIED:
        flags = os.environ.get("XLA_FLAGS", "").split()
        os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys([*flags, "--xla_cpu_use_fusion_emitters=false"]))
