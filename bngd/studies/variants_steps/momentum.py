"""Momentum: the norm still never falls, and the effective step settles elsewhere.

What is derived here is proved in the chapter "Beyond least squares of this kind".
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import excess_loss, optimal_a
from bngd.guarantees import descent_constant
from bngd.measure import decay_factor
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.studies.variants_steps.study import Runs, run
from bngd.theory import (
    bngd_stability_limit,
    effective_eigenvalues,
    effective_step_asymptotes,
    good_interval,
    limit_effective_step,
)


def norm_error(runs: Runs) -> float:
    """Return the largest relative error of ||w_{k+1}||^2 = ||w_k||^2 + 2 r_k + ||v_{k+1}||^2.

    r_0 = 0 and r_k = m (r_{k-1} + ||v_k||^2) stands for w_k'v_{k+1}; it is never negative, so the norm never falls.
    """
    squares, moved = runs.squared_norm, np.sum(runs.moved**2, axis=-1)
    r, worst = np.zeros(runs.lr.size), 0.0
    for k in range(len(moved)):
        worst = max(worst, float(np.max(np.abs(squares[k] + 2 * r + moved[k] - squares[k + 1]) / squares[k + 1])))
        r = runs.momentum * (r + moved[k])
    return worst


def energy_error(problem: Problem, runs: Runs) -> float:
    """Return by how much E_k = J(a_k, w_k) - J_min + m ||v_k||^2/(2 eps) exceeds what is proved, in units of u'Hu.

    E_{k+1} <= E_k - (1 - m - eps C_1/(2 ||w_k||^2)) ||v_{k+1}||^2/eps in every step, for eps_a = 1.
    """
    moved, m, lr = np.sum(runs.moved**2, axis=-1), runs.momentum, runs.lr
    energy = excess_loss(problem, runs.a, runs.w)
    energy[1:] += m * moved / (2 * lr)
    allowed = energy[:-1] - ((1 - m) / lr - descent_constant(problem) / (2 * runs.squared_norm[:-1])) * moved
    return float((energy[1:] - allowed).max() / problem.explained)


def tents(problem: Problem, w0: ArrayLike, lr: ArrayLike, momenta: ArrayLike, steps: int) -> pd.DataFrame:
    """Return the effective step that runs with momentum settle at, beside the three lines that bound it.

    Returns
    -------
    pandas.DataFrame
        lr, momentum, limit_effective_step (eps ||u||^2/||w||^2 of the last weights), small (A eps), large
        (C (1 - m)^2/eps), ceiling (2 (1 + m)/l*_d), relative_loss (in units of u'Hu/2), norm_error and energy_error
        (of these functions, the same in all rows).
    """
    lr, momentum = (grid.ravel() for grid in np.meshgrid(lr, momenta))
    runs = run(problem, w0, lr, steps, momentum=momentum)
    small, large = effective_step_asymptotes(problem, w0)
    return pd.DataFrame(
        {
            "lr": lr,
            "momentum": momentum,
            "limit_effective_step": limit_effective_step(problem, lr, runs.w[-1]),
            "small": small * lr,
            "large": large * (1 - momentum) ** 2 / lr,
            "ceiling": (1 + momentum) * bngd_stability_limit(problem),
            "relative_loss": excess_loss(problem, runs.a[-1], runs.w[-1]) / (problem.explained / 2),
            "norm_error": norm_error(runs),
            "energy_error": energy_error(problem, runs),
        }
    )


def plateaus(rng: np.random.Generator, *, n_problems: int, momenta: ArrayLike, n_lr: int, steps: int) -> pd.DataFrame:
    """Return `tents` of random problems at step sizes on the plateau of plain BNGD.

    There both A eps and C/eps exceed 2/l*_d at least twofold; problems without such step sizes are drawn again.

    Returns
    -------
    pandas.DataFrame
        The columns of `tents`, and problem.
    """
    tables: list[pd.DataFrame] = []
    while len(tables) < n_problems:
        problem = log_uniform_problem(rng, max_dimension=12, max_condition_number=1e3)
        w0, limit = unit_vectors(rng, problem.dimension), 2 * bngd_stability_limit(problem)
        low, high = good_interval(problem, w0, limit)
        if low < high:
            table = tents(problem, w0, np.geomspace(low, high, n_lr), momenta, steps)
            tables.append(table.assign(problem=len(tables)))
    return pd.concat(tables, ignore_index=True)


def factor(problem: Problem, step: ArrayLike, momentum: ArrayLike) -> Array:
    """Return the factor of ||e_k|| at a minimiser: the largest |z| with z^2 - (1 + m - eff l*_i) z + m = 0, i >= 2."""
    step, momentum = np.broadcast_arrays(np.asarray(step, dtype=float), np.asarray(momentum, dtype=float))
    half = (1 + momentum[..., None] - step[..., None] * effective_eigenvalues(problem)[1:]) / 2
    root = np.sqrt((half**2 - momentum[..., None]).astype(complex))
    return np.maximum(np.abs(half + root), np.abs(half - root)).max(axis=-1)


def rates(
    problem: Problem, fractions: ArrayLike, momenta: ArrayLike, steps: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Measure the factor of the error near a minimiser, at fractions of 2 (1 + m)/l*_d.

    Returns
    -------
    pandas.DataFrame
        momentum, fraction, measured, predicted (of `factor`).
    """
    fraction, momentum = (grid.ravel() for grid in np.meshgrid(fractions, momenta))
    step = fraction * (1 + momentum) * bngd_stability_limit(problem)
    w0 = problem.u + 1e-4 * np.linalg.norm(problem.u) * unit_vectors(rng, problem.dimension, step.size)
    runs = run(problem, w0, step, steps, momentum=momentum)
    losses = excess_loss(problem, optimal_a(problem, runs.w), runs.w)
    # Complex roots make the loss oscillate as it falls: what is measured is the decay of its envelope.
    envelope = np.maximum.accumulate(losses[::-1])[::-1]
    measured = [np.sqrt(decay_factor(envelope[:, k], floor=1e-20)) for k in range(step.size)]
    predicted = factor(problem, step, momentum)
    return pd.DataFrame({"momentum": momentum, "fraction": fraction, "measured": measured, "predicted": predicted})
