"""Convergence of BNGD for every step size: a random ensemble, the price in steps, and the starts that get stuck."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.arrays import Array
from bngd.dynamics import Outcome, Trajectory, bngd_trajectory, optimal_a, sigma
from bngd.ensemble import sweep
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.theory import bngd_factor, bngd_stability_limit, limit_effective_step

REGIMES = ("0 < lr_a <= 1", "1 < lr_a < 2", "lr_a = 2", "lr_a > 2")
"""The paper's theorem, what was seen beyond it, the boundary, and what lies past the boundary."""


def regime(lr_a: ArrayLike) -> NDArray[np.str_]:
    """Return the entry of `REGIMES` that each lr_a belongs to, shape of ``lr_a``."""
    lr_a = np.asarray(lr_a, dtype=float)
    return np.select([lr_a <= 1, lr_a < 2, lr_a == 2], REGIMES[:3], default=REGIMES[3])


def steps_needed(problem: Problem, step: ArrayLike, lr_a: ArrayLike = 1.0, tolerance: float = 1e-10) -> Array:
    """Return how many steps the asymptotic rate needs to lower the loss by a factor, infinite where it does not decay.

    The loss decays with max(rho*, |1 - eps_a|)^2 a step, so that the number is
    ln(tolerance) / (2 ln max(rho*, |1 - eps_a|)).

    Parameters
    ----------
    problem : Problem
    step : array_like, shape (...)
        The effective step at the limit.
    lr_a : array_like
        Step size of a.
    tolerance : float
        The factor, between 0 and 1.
    """
    factor = np.maximum(bngd_factor(problem, step), np.abs(1 - np.asarray(lr_a)))
    with np.errstate(divide="ignore"):
        return np.where(factor < 1, np.log(tolerance) / (2 * np.log(np.minimum(factor, 1.0))), np.inf)


def random_runs(
    rng: np.random.Generator,
    *,
    n_problems: int,
    runs_per_problem: int,
    steps: int,
    lr_decades: tuple[float, float] = (-4.0, 8.0),
    lr_a_max: float = 2.5,
    tolerance: float = 1e-10,
) -> pd.DataFrame:
    """Run BNGD on random problems from random starts with random step sizes: nothing is chosen by hand.

    eps is log-uniform, eps_a uniform on (0, ``lr_a_max``] with every tenth run at exactly 2, w_0 uniform on the unit
    sphere and a_0 normal with standard deviation ||u||_H.

    Returns
    -------
    pandas.DataFrame
        The last row of `bngd.sweep` of every run, and: problem, dimension, regime (of `REGIMES`), limit_effective_step
        (eps ||u||^2/||w||^2 at the end), relative_to_limit (that over 2/l*_d), steps_needed (at the asymptotic rate of
        that effective step), loss_fell (whether the loss fell in the second half of the run).
    """
    tables = []
    for index in range(n_problems):
        problem = log_uniform_problem(rng)
        lr = 10 ** rng.uniform(*lr_decades, runs_per_problem)
        lr_a = lr_a_max * (1 - rng.random(runs_per_problem))
        lr_a[::10] = 2.0
        w0 = unit_vectors(rng, problem.dimension, runs_per_problem)
        a0 = np.sqrt(problem.explained) * rng.standard_normal(runs_per_problem)
        runs = sweep(
            problem, lr, steps=steps, w0=w0, lr_a=lr_a, a0=a0, checkpoints=[steps // 2, steps], tolerance=tolerance
        )
        tables.append(_with_limits(problem, runs, tolerance).assign(problem=index, dimension=problem.dimension))
    return pd.concat(tables, ignore_index=True)


def _with_limits(problem: Problem, runs: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    half, last = (runs.groupby("run", sort=True).nth(k).reset_index(drop=True) for k in (0, 1))
    step = limit_effective_step(problem, last["lr"], last["norm_w"].to_numpy()[:, None])
    return last.assign(
        regime=regime(last["lr_a"]),
        limit_effective_step=step,
        relative_to_limit=step / bngd_stability_limit(problem),
        steps_needed=steps_needed(problem, step, last["lr_a"], tolerance),
        loss_fell=last["excess_loss"] < half["excess_loss"],
    )


def outcome_counts(runs: pd.DataFrame) -> pd.DataFrame:
    """Return how many runs ended how: a row for each value of ``regime``, a column for each outcome that occurs."""
    counts = runs.groupby(["regime", "outcome"]).size().unstack(fill_value=0)
    return counts[[outcome.value for outcome in Outcome if outcome.value in counts]]


def steps_to_converge(
    problem: Problem,
    lr: ArrayLike,
    w0: ArrayLike,
    *,
    steps: int,
    method: str = "bngd",
    tolerance: float = 1e-10,
    n_checkpoints: int = 600,
) -> pd.DataFrame:
    """Return after how many steps each run's excess loss is below ``tolerance`` u'Hu/2 for the first time.

    Parameters
    ----------
    problem : Problem
    lr : array_like, shape (n,)
    w0 : array_like, shape (d,)
    steps : int
        The most that a run gets.
    method : {"bngd", "gd"}
        BNGD runs with eps_a = 1 and a_0 = w_0'g/s_0.
    tolerance : float
    n_checkpoints : int
        How many steps, log-spaced, are looked at; the answer is the first of them at which the loss is low enough.

    Returns
    -------
    pandas.DataFrame
        lr, steps (NaN where the tolerance was not reached), outcome, norm_w (at the end).
    """
    marks = np.unique(np.geomspace(1, steps, n_checkpoints).astype(int)).tolist()
    runs = sweep(problem, lr, steps=steps, w0=w0, method=method, checkpoints=marks, tolerance=tolerance)
    reached = runs[runs["excess_loss"] <= tolerance * problem.explained / 2]
    last = runs[runs["step"] == marks[-1]].set_index("run")
    return pd.DataFrame(
        {
            "lr": last["lr"],
            "steps": reached.groupby("run")["step"].min().reindex(last.index),
            "outcome": last["outcome"],
            "norm_w": last["norm_w"],
        }
    ).reset_index(drop=True)


def saddle_growth(problem: Problem, w: ArrayLike, lr: float, lr_a: float = 1.0) -> float:
    """Return the factor at which a small distance from the saddle (0, w) grows in one step.

    To first order (a, p) with p = w'g moves by a+ = a + eps_a (p/s - a), p+ = p + eps (a/s) ||g||^2: the larger root
    of (x - 1)(x - 1 + eps_a) = eps eps_a ||g||^2 / s^2, which is above 1 for all positive eps and eps_a.
    """
    drive = lr * lr_a * float(problem.g @ problem.g) / float(sigma(problem, w)) ** 2
    return 1 + (np.sqrt(lr_a**2 + 4 * drive) - lr_a) / 2


def escapes(
    problem: Problem, saddle: ArrayLike, lr: float, distances: Sequence[float], steps: int
) -> dict[float, Trajectory]:
    """Return runs from near a saddle: from ``saddle`` moved by each distance along g, with a_0 = w_0'g/s_0."""
    direction = problem.g / np.linalg.norm(problem.g)
    starts = {distance: np.asarray(saddle) + distance * direction for distance in distances}
    return {
        distance: bngd_trajectory(problem, w0, lr, steps, a0=float(optimal_a(problem, w0)) if distance else 0.0)
        for distance, w0 in starts.items()
    }


def growth_factor(trajectory: Trajectory) -> float:
    """Return the factor per step at which |a_k| grew, between 1e2 and 1e6 times its first value.

    Returns
    -------
    float
        NaN where fewer than 2 steps lie between.
    """
    size = np.abs(trajectory.a)
    inside = np.flatnonzero((size > 1e2 * size[0]) & (size < 1e6 * size[0]))
    if inside.size < 2:
        return float("nan")
    first, last = inside[0], inside[-1]
    return float((size[last] / size[first]) ** (1 / (last - first)))
