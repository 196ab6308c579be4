"""Norm growth, the effective step that it tunes, and the clipped tent: measurements behind sections 6 and 9."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import Trajectory, bngd_step, bngd_trajectory, effective_step, residual, sigma
from bngd.ensemble import sweep
from bngd.measure import workable_range
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.theory import (
    bngd_stability_limit,
    contraction_bound,
    effective_step_asymptotes,
    good_interval,
    limit_effective_step,
)


def norm_growth_error(problem: Problem, trajectory: Trajectory, lr: float) -> Array:
    """Return by how much a run misses the identity of norm growth, relative to ||w+||^2, shape (steps,).

    The identity is ||w+||^2 = ||w||^2 + eps^2 (a/s)^2 ||He||^2.
    """
    a, w = trajectory.a[:-1], trajectory.w[:-1]
    force = np.sum((problem.eigenvalues * residual(problem, w)) ** 2, axis=-1)
    predicted = np.sum(w**2, axis=-1) + (lr * a / sigma(problem, w)) ** 2 * force
    measured = np.sum(trajectory.w[1:] ** 2, axis=-1)
    return np.abs(measured - predicted) / measured


def random_norm_growth(rng: np.random.Generator, *, n_runs: int, steps: int) -> pd.DataFrame:
    """Check norm growth along runs of random problems with random eps in (1e-4, 1e8), eps_a in (0, 2) and a_0.

    Returns
    -------
    pandas.DataFrame
        A row a run: lr, lr_a, identity_error (the largest of `norm_growth_error`), shrinkage (the largest relative
        decrease of ||w||^2 in a step, 0 where there was none).
    """
    rows = []
    for _ in range(n_runs):
        problem = log_uniform_problem(rng)
        lr, lr_a = 10 ** rng.uniform(-4.0, 8.0), 2 * (1 - rng.random())
        a0 = np.sqrt(problem.explained) * rng.standard_normal()
        run = bngd_trajectory(problem, unit_vectors(rng, problem.dimension), lr, steps, lr_a=lr_a, a0=a0)
        squared = np.sum(run.w**2, axis=-1)
        shrinkage = float(np.maximum(0.0, -np.min(np.diff(squared) / squared[1:])))
        error = float(np.max(norm_growth_error(problem, run, lr)))
        rows.append({"lr": lr, "lr_a": lr_a, "identity_error": error, "shrinkage": shrinkage})
    return pd.DataFrame(rows)


def one_step_contraction(
    problem: Problem, rng: np.random.Generator, *, n_steps: int, scaled_range: tuple[float, float] = (-1.0, 3.0)
) -> pd.DataFrame:
    """Take single BNGD steps from random weights and measure the H-norm of the residual e before and after.

    w is uniform on the sphere, and eps a such that eff l_d is uniform on ``scaled_range``; the bound holds for both
    signs of eff.

    Returns
    -------
    pandas.DataFrame
        A row a step: scaled_step (eff l_d), ratio (||e+||_H / ||e||_H), bound (rho(I - eff H)).
    """
    w = unit_vectors(rng, problem.dimension, n_steps)
    scaled = rng.uniform(*scaled_range, n_steps)
    step = scaled / problem.eigenvalues[-1]
    # The new weights depend on eps and a through their product alone, so that eps = 1 here loses nothing.
    a = step / effective_step(problem, np.ones(n_steps), w, 1.0)
    _, after = bngd_step(problem, a, w, 1.0, 1.0)
    ratio = _residual_norm(problem, after) / _residual_norm(problem, w)
    return pd.DataFrame({"scaled_step": scaled, "ratio": ratio, "bound": contraction_bound(problem, step)})


def _residual_norm(problem: Problem, w: Array) -> Array:
    return sigma(problem, residual(problem, w))


def random_contractions(rng: np.random.Generator, *, n_problems: int, steps_per_problem: int) -> pd.DataFrame:
    """Return `one_step_contraction` of many random problems, with the column problem."""
    tables = [
        one_step_contraction(log_uniform_problem(rng), rng, n_steps=steps_per_problem).assign(problem=index)
        for index in range(n_problems)
    ]
    return pd.concat(tables, ignore_index=True)


def tent(problem: Problem, w0: ArrayLike, lr: ArrayLike, steps: int) -> pd.DataFrame:
    """Measure the effective step at the limit as a function of eps, from eps_a = 1 and a_0 = w_0'g/s_0.

    The measurement is eps ||u||^2/||w||^2 after ``steps`` steps. Since ||w|| never decreases, it bounds the limit from
    above, and it is final as soon as w stops growing, long before w points along u where eps is large.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (d,)
    lr : array_like, shape (n,)
    steps : int
        At least 2.

    Returns
    -------
    pandas.DataFrame
        lr, limit_effective_step, relative_to_limit (over 2/l*_d), to_small (over A eps), to_large (over C/eps),
        unsettled (relative decrease in the second half of the run), relative_loss, outcome.
    """
    lr = np.asarray(lr, dtype=float)
    runs = sweep(problem, lr, steps=steps, w0=w0, checkpoints=[steps // 2, steps])
    half, last = (runs[runs["step"] == step].reset_index(drop=True) for step in (steps // 2, steps))
    limit = limit_effective_step(problem, lr, last["norm_w"].to_numpy()[:, None])
    small, large = effective_step_asymptotes(problem, w0)
    return pd.DataFrame(
        {
            "lr": lr,
            "limit_effective_step": limit,
            "relative_to_limit": limit / bngd_stability_limit(problem),
            "to_small": limit / (small * lr),
            "to_large": limit / (large / lr),
            "unsettled": 1 - (half["norm_w"] / last["norm_w"]) ** 2,
            "relative_loss": last["relative_loss"],
            "outcome": last["outcome"],
        }
    )


def plateau(table: pd.DataFrame, problem: Problem, w0: ArrayLike) -> pd.DataFrame:
    """Return the rows of a `tent` whose step sizes lie on its plateau.

    There both asymptotes, A eps and C/eps, are above 2/l*_d by a factor of 2: a run that kept its first
    lengths of w would not be stable.
    """
    small, large = effective_step_asymptotes(problem, w0)
    lowest = 2.0 * bngd_stability_limit(problem)
    return table[(small * table["lr"] > lowest) & (large / table["lr"] > lowest)]


def random_tents(rng: np.random.Generator, *, n_problems: int, n_lr: int, decades: float, steps: int) -> pd.DataFrame:
    """Return the `tent` of many random problems and starts.

    Each problem's step sizes reach from ``decades`` decades below the point where A eps passes 2/l*_d to as many above
    the point where C/eps does.

    Returns
    -------
    pandas.DataFrame
        The columns of `tent`, and problem, dimension, condition_number, overlap (|w_0'g| / (||w_0|| ||g||)), scaled_lr
        (A eps l*_d/2), on_plateau (see `plateau`).
    """
    tables = []
    for index in range(n_problems):
        problem = log_uniform_problem(rng, max_condition_number=1e3)
        w0 = unit_vectors(rng, problem.dimension)
        crossings = good_interval(problem, w0, bngd_stability_limit(problem))
        low, high = np.log10(sorted(float(end) for end in crossings)) + np.array([-decades, decades])
        table = tent(problem, w0, np.logspace(low, high, n_lr), steps)
        flat = table.index.isin(plateau(table, problem, w0).index)
        tables.append(
            table.assign(
                problem=index,
                dimension=problem.dimension,
                condition_number=problem.condition_number,
                overlap=float(abs(w0 @ problem.g) / np.linalg.norm(problem.g)),
                scaled_lr=table["lr"] / crossings.low,
                on_plateau=flat,
            )
        )
    return pd.concat(tables, ignore_index=True)


def good_interval_ends(problem: Problem, w0: ArrayLike, table: pd.DataFrame, levels: ArrayLike) -> pd.DataFrame:
    """Compare the ends of Omega_f = {eps : eff >= f} on a measured `tent` with f/A and C/f, for each level f.

    Returns
    -------
    pandas.DataFrame
        level, low, high (measured), predicted_low, predicted_high, decades, predicted_decades; NaN where the tent does
        not reach the level.
    """
    rows = []
    for level in np.atleast_1d(np.asarray(levels, dtype=float)):
        # `workable_range` looks for small values: eff >= f is the same as 1/eff <= 1/f.
        measured = workable_range(table["lr"], 1 / table["limit_effective_step"], 1 / level)
        predicted = good_interval(problem, w0, level)
        rows.append(
            {
                "level": level,
                "low": measured.low,
                "high": measured.high,
                "predicted_low": float(predicted.low),
                "predicted_high": float(predicted.high),
                "decades": measured.decades,
                "predicted_decades": float(predicted.decades),
            }
        )
    return pd.DataFrame(rows)
