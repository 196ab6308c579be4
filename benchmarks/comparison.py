"""Ours against the alternatives, and against the machine."""

from functools import partial

import numpy as np
import pandas as pd

from benchmarks import alternatives, measuring
from bngd import Problem
from bngd.machine import cores

DIMENSION, STEPS, STEP_SIZES, LOOP_SAMPLE = 100, 2000, 4000, 20

MULTIPLY_ADDS = 5
"""Multiply-adds of a step of BNGD, for each coordinate."""

JAX = "JAX, jit(vmap(scan))"
TARGETS = {"Python loop over step sizes": 100, "NumPy, batched": 5, JAX: 3}
"""How many times faster than these ours has to be."""

SLOW = ("NumPy, batched", "PyTorch, batched")
"""Contestants that are timed in two rounds only: long enough to tell."""

AGREEMENT, SENSITIVE = 1e-9, 1e-13
"""Losses have to agree to the first, relative to u'Hu/2, where rounding makes a difference below the second."""


def setting() -> tuple[Problem, np.ndarray, np.ndarray]:
    """Return the problem, start and step sizes; so badly conditioned that no run ends early and all do all the work."""
    rng = np.random.default_rng(1)
    problem = Problem.from_spectrum(np.geomspace(1, 1e5, DIMENSION), rng=rng)
    return problem, rng.standard_normal(DIMENSION), np.geomspace(1e-6, 1e4, STEP_SIZES)


def contestants() -> dict[str, alternatives.Solver]:
    """Return the solvers by name; those whose library is not installed are left out."""
    found = {
        "NumPy, batched": alternatives.numpy_batched,
        "Numba, a plain loop": alternatives.numba_loop(),
        JAX: alternatives.jax_scan(),
    }
    if device := alternatives.accelerator():
        platform, kind = device
        found[f"{JAX}, {kind}"] = alternatives.jax_scan(platform)
    try:
        found["PyTorch, batched"] = alternatives.torch_batched()
    except ImportError:
        print("PyTorch is not installed, left out: pip install -r benchmarks/requirements.txt")
    found["ours, 1 core"] = alternatives.ours(1)
    return found | {f"ours, {n} cores": alternatives.ours(n) for n in [cores()] if n > 1}


def compare(repeats: int) -> pd.DataFrame:
    """Return one row per contestant: seconds (best of several rounds), ratio to ours, agreement, share of the limit."""
    problem, w0, lr = setting()
    sample = np.arange(0, STEP_SIZES, STEP_SIZES // LOOP_SAMPLE)
    calls = {name: partial(solve, problem, w0, lr, STEPS) for name, solve in contestants().items()}
    before = _limits(repeats)
    best, losses = measuring.in_turns(calls, repeats, slow=SLOW)
    loop = "Python loop over step sizes"
    time, losses[loop] = measuring.seconds(lambda: alternatives.python_loop(problem, w0, lr[sample], STEPS))
    best[loop] = time * STEP_SIZES / sample.size
    here, again = (
        losses["ours, 1 core"],
        alternatives.ours()(problem, 1.1 * w0, 1.21 * lr, STEPS),
    )  # the same but rounding
    steady = np.abs(here - again) <= SENSITIVE * problem.explained / 2
    losses[loop] = np.where(
        np.isin(np.arange(STEP_SIZES), sample), np.repeat(losses[loop], STEP_SIZES // LOOP_SAMPLE), here
    )
    apart = {name: np.abs(values - here)[steady].max() / (problem.explained / 2) for name, values in losses.items()}
    print(f"results compared at the {steady.mean():.1%} of step sizes that do not amplify rounding")
    limit = {threads: max(before[threads], after) for threads, after in _limits(repeats).items()}
    return _table(best, apart, limit)


def _limits(repeats: int) -> dict[int, float]:
    """Return the machine's multiply-adds a second on one core and on all; in a busy minute they look too few."""
    return {threads: measuring.multiply_adds_per_second(threads, 3 * repeats) for threads in {1, cores()}}


def _table(best: dict[str, float], apart: dict[str, float], limit: dict[int, float]) -> pd.DataFrame:
    ours = min(time for name, time in best.items() if name.startswith("ours"))
    work = DIMENSION * STEPS * STEP_SIZES
    rows = []
    for name, time in sorted(best.items(), key=lambda item: -item[1]):
        rate = limit[1] if name in ("ours, 1 core", "Python loop over step sizes") else limit[cores()]
        if name.startswith(f"{JAX}, "):
            rate = np.nan  # an accelerator is not bound by what the processor can do
        rows.append(
            {
                "what": name,
                "seconds": time,
                "ns per coordinate and step": time / work * 1e9,
                "times ours": time / ours,
                "target": TARGETS.get(name),
                "share of multiply-add limit": MULTIPLY_ADDS * work / time / rate,
                "largest difference": apart[name],
            }
        )
    measuring.agree(apart, AGREEMENT)
    return pd.DataFrame(rows)
