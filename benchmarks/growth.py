"""How the cost grows: with the dimension, the steps, the number of runs, the cores; in time and in memory."""

from contextlib import ExitStack
from functools import partial

import dask
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from benchmarks import measuring
from benchmarks.comparison import SENSITIVE, setting
from bngd import Problem, sweep
from bngd.ensemble.kernels import MIN_LANES
from bngd.krylov import compress
from bngd.machine import cores

STEPS, STEP_SIZES = 2000, 1000

LONG_STEPS = 100_000
"""With a thousand runs in dimension 100 they make 10^10 coordinate-steps: enough for a cluster to be worth while."""


def make(dimension: int) -> tuple[Problem, np.ndarray]:
    """Return a problem with condition number 100 and a start."""
    rng = np.random.default_rng(2)
    return Problem.from_spectrum(np.geomspace(1, 100, dimension), rng=rng), rng.standard_normal(dimension)


def step_sizes(problem: Problem, w0: np.ndarray, number: int = STEP_SIZES) -> np.ndarray:
    """Return step sizes from where nothing happens in the given steps to far beyond the plateau."""
    return np.geomspace(1e-4, 1e4, number) * (w0 @ w0) / (problem.u @ problem.u * problem.eigenvalues[-1])


def run(dimension: int, number: int, steps: int, workers: int | None = None) -> None:
    """Do a sweep, for its time or its memory."""
    problem, w0 = make(dimension)
    sweep(problem, step_sizes(problem, w0, number), steps=steps, w0=w0, workers=workers)


def with_dimension(dimensions: list[int], budget: float) -> pd.DataFrame:
    """Return seconds of 1000 step sizes x 2000 steps, compressed and not, and how far the two disagree.

    Uncompressed sweeps that would take more than `budget` seconds are timed on a full block of step sizes a core, where
    that is not enough on fewer steps too, and scaled.
    """
    rows = []
    for dimension in dimensions:
        problem, w0 = make(dimension)
        lr = step_sizes(problem, w0)
        fast, found = measuring.seconds(lambda p=problem, w=w0: compress(p, w, steps=STEPS, tolerance=1e-9))
        compressed = partial(sweep, found.problem, w0=found.starts)
        small, _ = measuring.seconds(lambda f=compressed, e=lr: f(e, steps=STEPS))
        part, steps = timed(lr, dimension, budget)
        slow, here = measuring.seconds(lambda p=problem, w=w0, e=part, n=steps: sweep(p, e, steps=n, w0=w))
        there = compressed(part, steps=steps)["excess_loss"]
        again = sweep(found.problem, 1.21 * part, steps=steps, w0=1.1 * found.starts)["excess_loss"]  # but for rounding
        steady = (there - again).abs() <= SENSITIVE * problem.explained / 2
        difference = (here["excess_loss"] - there)[steady]
        rows.append(
            {
                "dimension": dimension,
                "compressed to": found.problem.dimension,
                "seconds to compress": fast,
                "seconds to sweep the compressed": small,
                "seconds to sweep uncompressed": slow * lr.size / part.size * STEPS / steps,
                "step sizes timed uncompressed": part.size,
                "steps timed uncompressed": steps,
                "share not sensitive to rounding": steady.mean(),
                "largest difference of losses": difference.abs().max() / (problem.explained / 2),
                "estimated difference": found.estimate,
            }
        )
    return pd.DataFrame(rows)


def timed(lr: np.ndarray, dimension: int, budget: float) -> tuple[np.ndarray, int]:
    """Return the step sizes and the number of steps to time, at a thousand million coordinate-steps a second."""
    affordable = budget * 1e9 / dimension
    if lr.size * STEPS <= affordable:
        return lr, STEPS
    # Whole blocks for each core, but few runs and many steps: each run's start costs as much as some of its steps.
    part = lr[np.linspace(0, lr.size - 1, 3 * MIN_LANES * cores()).astype(int)]
    return part, int(np.clip(affordable / part.size, 1, STEPS))


def with_size(repeats: int) -> pd.DataFrame:
    """Return seconds against the number of steps and of runs, around 1000 runs of 2000 steps in dimension 100."""
    cases = [("steps", 1000, steps) for steps in (500, 2000, 8000)] + [("runs", n, 2000) for n in (250, 1000, 4000)]
    frame = pd.DataFrame(cases, columns=["growing", "runs", "steps"])
    sizes = zip(frame["runs"], frame["steps"], strict=True)
    return frame.assign(seconds=[measuring.best_seconds(partial(run, 100, n, k), repeats) for n, k in sizes])


def with_cores(repeats: int) -> pd.DataFrame:
    """Return seconds of 10^10 coordinate-steps on one core, two, ... all: by threads, and by as many Dask workers.

    The workers are started without Dask's profiler, as `bngd.ensemble.cluster` advises.
    """
    problem, w0, lr = setting()
    long = partial(sweep, problem, lr[:: lr.size // STEP_SIZES], steps=LONG_STEPS, w0=w0)
    numbers = range(1, cores() + 1)
    with ExitStack() as running, dask.config.set({"distributed.worker.profile.enabled": False}):
        calls = {("seconds", n): partial(long, workers=n) for n in numbers}
        for n in numbers:
            options = {"n_workers": n, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
            cluster = running.enter_context(LocalCluster(**options))
            client = running.enter_context(Client(cluster, set_as_default=False))
            calls["seconds by Dask workers", n] = partial(long, client=client)
        best, _ = measuring.in_turns(calls, repeats)
    frame = pd.Series(best).unstack(0).rename_axis("cores").reset_index()
    for way in ("seconds", "seconds by Dask workers"):
        frame[way.replace("seconds", "speedup")] = frame[way].iloc[0] / frame[way]
    return frame


def memory() -> pd.DataFrame:
    """Return the peak memory (MiB) of sweeps that differ in steps and runs; the results are part of it."""
    cases = [(100, 100, 10), (100, 1000, 10), (100, 1000, 20000), (100, 100000, 10), (10000, 1000, 10)]
    rows = [(*case, measuring.peak_memory(run, *case)) for case in cases]
    return pd.DataFrame(rows, columns=["dimension", "runs", "steps", "peak MiB"])
