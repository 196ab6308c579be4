"""Clocks: the best of several, because other work on a machine can only ever add time."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

CHAINS = (8, 16, 32)
"""Multiply-adds in a row on one number: enough to hide loads and stores, few enough for chains to overlap.

Which are the fastest depends on the processor: with 32 alone, one that starts two a cycle was measured at about half.
"""


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call took, and what it returned."""
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def best_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Return the shortest time of several calls."""
    return min(seconds(call)[0] for _ in range(repeats))


def in_turns(
    calls: dict[str, Callable[[], Any]], repeats: int, *, slow: Collection[str] = ()
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the shortest time of each call and what it returned; calls take turns, round after round.

    The first round, in which some compile, is not counted. Those that are `slow` take part in two more rounds only.
    """
    best, results = dict.fromkeys(calls, np.inf), {}
    for round_ in range(repeats + 1):
        for name, call in calls.items():
            if round_ <= 2 or name not in slow:
                time_, results[name] = seconds(call)
                best[name] = min(best[name], time_ if round_ else np.inf)
    return best, results


def agree(apart: dict[str, float], limit: float) -> None:
    """Raise an error that names the contestants that are further apart from ours than the limit, or not a number."""
    if wrong := [name for name, difference in apart.items() if not difference <= limit]:
        raise AssertionError(f"these do not compute what we compute: {', '.join(wrong)}, {apart}")


def _chain(length: int) -> Callable[[NDArray, int], None]:
    @numba.njit(nogil=True, fastmath={"contract"})
    def multiply_add(x, rounds):  # type: ignore[no-untyped-def]
        factor, addend = x.dtype.type(0.9999), x.dtype.type(0.5)
        for _ in range(rounds):
            for j in range(x.shape[0]):
                value = x[j]
                for _ in range(length):
                    value = value * factor + addend
                x[j] = value

    return multiply_add


def multiply_adds_per_second(threads: int, repeats: int, rounds: int = 4000, dtype: str = "float64") -> float:
    """Return the rate of fused multiply-adds that this machine reaches on so many threads: the limit for any step.

    By a loop that does nothing but multiply and add, on numbers that stay in the first-level cache.
    """
    arrays = [np.linspace(0, 1, 512, dtype=dtype) for _ in range(threads)]
    rates = []
    with ThreadPoolExecutor(threads) as pool:
        for length in CHAINS:
            call = partial(_chain(length), rounds=rounds)
            call(arrays[0])
            shortest = best_seconds(lambda call=call: list(pool.map(call, arrays)), repeats)
            rates.append(threads * 512 * length * rounds / shortest)
    return max(rates)


def peak_memory(call: Callable[..., Any], *arguments: Any) -> float:
    """Return the most memory (MiB) that a call held in a process of its own, imports included."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_after, (call, arguments))


def _peak_after(call: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    call(*arguments)
    try:  # what getrusage says is inherited from the process that started this one
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
