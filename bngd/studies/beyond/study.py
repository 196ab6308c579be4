"""Runs that try to break the theorems past the paper, and how far from its bound each of them stays."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import bngd_step, excess_loss, optimal_a, residual, sigma
from bngd.ensemble import sweep
from bngd.guarantees import descent_constant, effective_step_bounds, gradient_budget, squared_norm_bounds
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.theory import bngd_stability_limit, effective_extremes, effective_step_asymptotes, limit_effective_step

CAUSES = ("the lag of the scale", "the slowest direction", "the stiffest direction", "the way down to the edge")
"""What decides how long a run takes: |1 - eps_a|, 1 - eff l*_2, 1 - eff l*_d, or that eff still exceeds 2/l*_d."""

_TOLERANCE = 1e-10
"""A harsh run has converged when its excess loss is below this part of u'Hu/2."""


def harsh_runs(rng: np.random.Generator, *, n_problems: int, runs_per_problem: int, steps: int) -> pd.DataFrame:
    """Run BNGD where a counterexample is likeliest: kappa to 1e6, eps 1e-8 to 1e12, eps_a to 2 - 1e-4, a_0 to 1e8 P.

    kappa is log-spaced over the problems, and over the runs of each are eps; 2 - eps_a in one half, from 1e-4 on; and
    |a_0|/P in one half, from 1e-4 on, of either sign. The ends are among them. The other eps_a are uniform on (0, 2),
    the other a_0 on the slice w_0'g/s_0.

    Returns
    -------
    pandas.DataFrame
        A row a run: lr, lr_a, first_a (a_0/P), condition_number, outcome, norm_ratio (||w||^2 over its proved bound),
        relative_step (eff over 2/l*_d, by the norm), unsettled (how much of it went in the second half), loss_fell (or
        did not rise by more than rounding, in the second half), cause (one of `CAUSES`), steps_needed (by the slowest
        factor, from the loss of the start; infinite while eff is above 2/l*_d).
    """
    kappas = np.geomspace(1e6, 1, n_problems)
    return pd.concat([_harsh(rng, kappa, runs_per_problem, steps) for kappa in kappas], ignore_index=True)


def _harsh(rng: np.random.Generator, kappa: float, n: int, steps: int) -> pd.DataFrame:
    places = np.append([0.0, 1.0], rng.random(rng.integers(9)))  # of log eigenvalues between the ends, 2 to 10 of them
    problem = Problem.from_spectrum(10 ** rng.uniform(-1, 1) * kappa**places, rng=rng)
    w0, p = unit_vectors(rng, problem.dimension, n), np.sqrt(problem.explained)
    lr, lr_a, a0 = _log_spread(rng, -8, 12, n), 2 * (1 - rng.random(n)), optimal_a(problem, w0)
    near_two, off_slice = (np.flatnonzero(rng.permutation(n) < (n + 1) // 2) for _ in range(2))
    lr_a[near_two] = 2 - _log_spread(rng, -4, 0, near_two.size)
    a0[off_slice] = p * _log_spread(rng, 8, -4, off_slice.size) * rng.choice([-1.0, 1.0], off_slice.size)
    runs = sweep(
        problem, lr, steps=steps, w0=w0, lr_a=lr_a, a0=a0, checkpoints=[steps // 2, steps], tolerance=_TOLERANCE
    )
    half, last = (runs[runs["step"] == step].reset_index(drop=True) for step in (steps // 2, steps))
    norm = last["norm_w"].to_numpy()
    relative = limit_effective_step(problem, lr, norm[:, None]) / bngd_stability_limit(problem)
    first = np.maximum(1.0, excess_loss(problem, a0, w0) / (problem.explained / 2))
    return pd.DataFrame(
        {
            "lr": lr,
            "lr_a": lr_a,
            "first_a": a0 / p,
            "condition_number": problem.condition_number,
            "outcome": last["outcome"],
            "norm_ratio": norm**2 / squared_norm_bounds(problem, w0, lr, lr_a=lr_a, a0=a0).upper,
            "relative_step": relative,
            "unsettled": 1 - (half["norm_w"] / last["norm_w"]) ** 2,
            "loss_fell": last["excess_loss"] <= half["excess_loss"] * (1 + 1e-9),
            **_outlook(problem, relative, lr_a, np.log(first / _TOLERANCE)),
        }
    )


def _log_spread(rng: np.random.Generator, first: float, last: float, n: int) -> Array:
    return 10 ** rng.permutation(np.linspace(first, last, n))


def _outlook(problem: Problem, relative: Array, lr_a: Array, log_reduction: Array) -> dict[str, Array]:
    smallest, largest = effective_extremes(problem)
    # The distance of each factor from 1 is taken as it is: in 1 - (1 - x) a small x would drown.
    distances = np.array(
        [np.minimum(lr_a, 2 - lr_a), 2 * relative * smallest / largest, np.minimum(2 * relative, 2 - 2 * relative)]
    )
    slowest = np.clip(distances.min(axis=0), 1e-300, 1 - 1e-12)
    needed = np.where(relative < 1, log_reduction / (-2 * np.log1p(-slowest)), np.inf)
    return {"cause": np.array(CAUSES)[np.where(relative < 1, distances.argmin(axis=0), 3)], "steps_needed": needed}


def escape_times(
    problem: Problem, w: ArrayLike, lr: float, lr_a: ArrayLike, distances: ArrayLike, steps: int
) -> pd.DataFrame:
    """Start on the stretched direction of a saddle (0, w) and count the steps until |a| passes a tenth of ||u||_H.

    That direction is (r - 1, eps g/s), r = 1 - eps_a/2 + sqrt(eps_a^2/4 + eps eps_a ||g||^2/s^2).

    Returns
    -------
    pandas.DataFrame
        A row for each lr_a and distance: lr_a, distance, steps (NaN if it never did), factor (r).
    """
    lr_a, distances = (np.asarray(x, dtype=float) for x in (lr_a, distances))
    rate, distance = (x.ravel() for x in np.meshgrid(lr_a, distances, indexing="ij"))
    w, s = np.asarray(w, dtype=float), sigma(problem, w)
    factor = 1 - rate / 2 + np.sqrt(rate**2 / 4 + lr * rate * np.sum(problem.g**2) / s**2)
    away = np.column_stack([factor - 1, (lr / s) * np.tile(problem.g, (rate.size, 1))])
    away *= (distance / np.linalg.norm(away, axis=1))[:, None]
    a, weights, first = away[:, 0], w + away[:, 1:], np.full(rate.size, np.nan)
    for k in range(1, steps + 1):
        a, weights = bngd_step(problem, a, weights, lr, rate)
        gone = np.isnan(first) & (np.abs(a) > 0.1 * np.sqrt(problem.explained))
        first[gone] = k
    return pd.DataFrame({"lr_a": rate, "distance": distance, "steps": first, "factor": factor})


def escape_slopes(times: pd.DataFrame) -> pd.DataFrame:
    """Return, for each lr_a, the measured slope of the steps against ln(distance) and -1/ln r."""
    rows = [
        (lr_a, np.polyfit(np.log(part["distance"]), part["steps"], 1)[0], -1 / np.log(part["factor"].iloc[0]))
        for lr_a, part in times.groupby("lr_a")
    ]
    return pd.DataFrame(rows, columns=["lr_a", "slope", "predicted"])


def tents(
    rng: np.random.Generator, *, n_problems: int, n_lr: int, steps: int, max_condition_number: float
) -> pd.DataFrame:
    """Measure eff_inf over eps (eps_a = 1, a_0 = w_0'g/s_0) on random problems, with both proved bounds.

    Returns
    -------
    pandas.DataFrame
        A row a run: problem, lr, effective_step, lower, upper, height (||u||^2 T/C_1: from 1 on the sharp case holds),
        relative_step (over 2/l*_d), good_interval_used (the largest of eff over A eps, over C/eps, and over
        sqrt(A C)/2: Omega_f is inside (f/A, C/f), and empty for f > sqrt(A C)/2, if none exceeds 1).
    """
    tables = []
    for index in range(n_problems):
        problem = log_uniform_problem(rng, max_dimension=20, max_condition_number=max_condition_number)
        w0 = unit_vectors(rng, problem.dimension)
        small, large = effective_step_asymptotes(problem, w0)
        u_squared, c1 = np.sum(problem.u**2), descent_constant(problem)
        reach = float(np.sqrt(small * large) * c1 / u_squared)  # decades to where ||u||^2 T = C_1, on both sides
        decades = 1 + float(np.log10(max(1.0, reach)))
        lr = np.sqrt(large / small) * 10 ** np.linspace(-decades, decades, n_lr)
        norm = sweep(problem, lr, steps=steps, w0=w0)["norm_w"].to_numpy()
        measured = limit_effective_step(problem, lr, norm[:, None])
        lower, upper = effective_step_bounds(problem, w0, lr)
        ends = np.array([small * lr, large / lr, np.full(n_lr, np.sqrt(small * large) / 2)])
        columns = {
            "problem": index,
            "lr": lr,
            "effective_step": measured,
            "lower": lower,
            "upper": upper,
            "height": u_squared / upper / c1,
            "relative_step": measured / bngd_stability_limit(problem),
            "good_interval_used": measured / ends.min(axis=0),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def growth_at_small_rates(problem: Problem, w0: ArrayLike, lr: ArrayLike) -> Array:
    """Return (||w_inf||^2 - ||w_0||^2)/(eps ||e_0||_H^2/2), which tends to 1 with eps (the proposition "The ends").

    A run is followed for 10/(A l*_2 eps) steps, after which a share of about e^-20 of the growth is missing.
    """
    lr, w0 = np.asarray(lr, dtype=float), np.asarray(w0, dtype=float)
    squared, slowest = np.sum(w0**2), effective_extremes(problem).smallest * np.sum(problem.u**2)
    norms = [sweep(problem, [x], steps=int(10 * squared / (slowest * x)), w0=w0)["norm_w"].iloc[0] for x in lr]
    return (np.square(norms) - squared) / (lr * excess_loss(problem, optimal_a(problem, w0), w0))


def gradients_spent(problem: Problem, w0: ArrayLike, lr: ArrayLike, steps: int, deltas: ArrayLike) -> pd.DataFrame:
    """Add up g_k^2, g_k = ||w_k|| ||grad_w J||, from the second step on, and count the steps with g_k >= delta.

    Returns
    -------
    pandas.DataFrame
        A row for each eps and delta: lr, spent (the sum), budget (its bound), delta (in units of the largest g of the
        run from step 1 on), count, bound (1 + budget/delta^2).
    """
    lr = np.asarray(lr, dtype=float)
    w = np.tile(np.asarray(w0, dtype=float), (lr.size, 1))
    a, norms, g = optimal_a(problem, w), [], []
    for _ in range(steps):
        force = np.linalg.norm(problem.eigenvalues * residual(problem, w), axis=-1)
        norms.append(np.linalg.norm(w, axis=-1))
        g.append(norms[-1] * np.abs(a) / sigma(problem, w) * force)
        a, w = bngd_step(problem, a, w, lr, 1.0)
    seen, budget = np.array(g[1:]), gradient_budget(lr, norms[1], np.linalg.norm(w, axis=-1))
    rows = [
        (rate, np.sum(seen[:, i] ** 2), budget[i], delta, np.sum(seen[:, i] >= level) + 1, 1 + budget[i] / level**2)
        for i, rate in enumerate(lr)
        for delta in np.atleast_1d(deltas)
        for level in [delta * seen[:, i].max()]
    ]
    return pd.DataFrame(rows, columns=["lr", "spent", "budget", "delta", "count", "bound"])


def lags(problem: Problem, w0: ArrayLike, lr: float, lr_a: ArrayLike, steps: int, a0: float) -> Array:
    """Return |a_k - p_k|/||u||_H, shape (steps + 1, n), of one run for each eps_a."""
    lr_a = np.asarray(lr_a, dtype=float)
    w, a = np.tile(np.asarray(w0, dtype=float), (lr_a.size, 1)), np.full(lr_a.size, float(a0))
    seen = [a - optimal_a(problem, w)]
    for _ in range(steps):
        a, w = bngd_step(problem, a, w, lr, lr_a)
        seen.append(a - optimal_a(problem, w))
    return np.abs(np.array(seen)) / np.sqrt(problem.explained)


def budgets(rng: np.random.Generator, *, n_problems: int, n_lr: int, steps: int, deltas: ArrayLike) -> pd.DataFrame:
    """Return `gradients_spent` of random problems over six decades of eps, with the columns problem and scaled_lr.

    The latter is eps over 2/l*_d, with ||w_0|| = ||u|| = 1.
    """
    tables = []
    for index in range(n_problems):
        problem = log_uniform_problem(rng, max_dimension=10)
        limit = bngd_stability_limit(problem)
        scaled = np.logspace(-2, 4, n_lr)
        spent = gradients_spent(problem, unit_vectors(rng, problem.dimension), limit * scaled, steps, deltas)
        tables.append(spent.assign(problem=index, scaled_lr=spent["lr"] / limit))
    return pd.concat(tables, ignore_index=True)
