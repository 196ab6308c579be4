"""Random problems of one spectrum in many dimensions: runs of both methods, the widths that work, and how they grow."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.ensemble import METHODS, sweep
from bngd.measure import workable_range
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_spaced_problem
from bngd.theory import gd_stability_limit, good_interval, limit_effective_step

LOG_CHI_MEAN = -(np.euler_gamma + np.log(2)) / np.log(10)
"""Mean of log10 chi, where chi = d (w_0'g)^2 / (||w_0||^2 ||g||^2) is chi-squared with one degree of freedom: -0.55."""

LOG_CHI_DEVIATION = np.pi / (np.sqrt(2) * np.log(10))
"""Standard deviation of log10 chi: 0.96 decades, which no number of dimensions takes away from log10 m."""


def limiting_log_ac(eigenvalues: ArrayLike) -> float:
    r"""Return what E log10(AC) tends to as d grows, for w_0 and u uniform on spheres.

    The quadratic forms concentrate: s_0^2 / ||w_0||^2 at the mean eigenvalue, ||g||^2 and ||He_0||^2 at ||u||^2 times
    the mean squared one. Only chi keeps its spread, so that AC ~ (d / chi) (mean l / mean l^2)^2.
    """
    values = np.asarray(eigenvalues, dtype=float)
    return float(np.log10(values.size * (values.mean() / np.mean(values**2)) ** 2) - LOG_CHI_MEAN)


class StepSizes(NamedTuple):
    """Step sizes for each method, in units of GD's limit 2/l_d; shape (n,) each, ascending."""

    gd: Array
    bngd: Array


def relative_step_sizes(decades_below: float, decades_above: float, per_decade: int) -> StepSizes:
    """Return log-spaced step sizes; GD's stop soon after its limit, where some stand closer.

    Raises
    ------
    ValueError
        If they are fewer than two.
    """
    count = round((decades_below + decades_above) * per_decade) + 1
    if count < 2:
        raise ValueError(f"{count} step sizes span no range; ask for more decades or more step sizes a decade")
    wide = np.logspace(-decades_below, decades_above, count)
    return StepSizes(np.union1d(wide[wide < 0.9], np.linspace(0.9, 1.1, 9)), wide)


def run_ensemble(
    rng: np.random.Generator,
    dimensions: Iterable[int],
    condition_number: float,
    *,
    n_problems: int,
    n_starts: int,
    steps: int,
    lr: StepSizes,
    level: float,
) -> pd.DataFrame:
    """Run both methods on random problems of each dimension, with every step size.

    Parameters
    ----------
    rng : numpy.random.Generator
    dimensions : iterable of int
    condition_number : float
        kappa; the eigenvalues are log-spaced from 1 to it.
    n_problems, n_starts : int
        Problems of each dimension, and random unit starts of each problem.
    steps : int
    lr : StepSizes
    level : float
        f of the good interval, in units of 2/l_d.

    Returns
    -------
    pandas.DataFrame
        A row per run: dimension, draw, method, lr, relative_loss (at the end), effective_step (at the minimiser, with
        the norm of the end: of no meaning for GD), predicted (log10 m of the run's start).
    """
    tables = []
    for dimension in dimensions:
        for index in range(n_problems):
            problem = log_spaced_problem(rng, dimension, condition_number)
            w0 = unit_vectors(rng, dimension, n_starts)
            promised = good_interval(problem, w0, level * gd_stability_limit(problem)).decades
            for method, grid in zip(METHODS, lr, strict=True):
                runs = run_starts(problem, w0, gd_stability_limit(problem) * grid, method, steps)
                tables.append(
                    runs.assign(
                        dimension=dimension, draw=index * n_starts + runs["start"], predicted=promised[runs["start"]]
                    ).drop(columns="start")
                )
    return pd.concat(tables, ignore_index=True)


def run_starts(problem: Problem, w0: Array, lr: Array, method: str, steps: int) -> pd.DataFrame:
    """Run a method from each start (rows of w0) with each step size.

    Returns
    -------
    pandas.DataFrame
        A row per run: start, lr, relative_loss, effective_step, method.
    """
    runs = sweep(problem, lr[:, None], steps=steps, w0=w0, method=method)
    effective = limit_effective_step(problem, runs["lr"], runs["norm_w"].to_numpy()[:, None])
    return runs[["start", "lr", "relative_loss"]].assign(effective_step=effective, method=method)


def measure_widths(runs: pd.DataFrame, threshold: float, level: float) -> pd.DataFrame:
    """Return the width of what works and of what stays effective, for each method and start of `run_ensemble`.

    Parameters
    ----------
    runs : DataFrame
    threshold : float
        A step size works if the excess loss falls to this fraction of the start's or below.
    level : float
        Step sizes with an effective step of at least this, in units of eps itself, are in the good interval.

    Returns
    -------
    pandas.DataFrame
        dimension, draw, method, predicted (log10 m); decades and high, of the widest contiguous range that works;
        span, between the outermost step sizes that work, and good, between the outermost of Omega_f, both in decades;
        whole, whether Omega_f has no gap.
    """
    rows = []
    for (dimension, draw, method), one in runs.groupby(["dimension", "draw", "method"]):
        works = workable_range(one["lr"], one["relative_loss"], threshold)
        span = _decades(one["lr"], _without_gaps(1 / one["relative_loss"]), 1 / threshold)
        good = _decades(one["lr"], _without_gaps(one["effective_step"]), level)
        whole = bool(np.isclose(_decades(one["lr"], one["effective_step"], level), good))
        rows.append((dimension, draw, method, one["predicted"].iloc[0], works.decades, works.high, span, good, whole))
    columns = ["dimension", "draw", "method", "predicted", "decades", "high", "span", "good", "whole"]
    return pd.DataFrame(rows, columns=columns)


def _decades(lr: ArrayLike, values: ArrayLike, level: float) -> float:
    """Return the width of the widest contiguous range of step sizes with values of at least the level."""
    with np.errstate(divide="ignore"):
        return workable_range(lr, 1 / np.asarray(values), 1 / level).decades


def _without_gaps(values: ArrayLike) -> Array:
    """Raise what lies between two higher values to the lower of them, so that a set is replaced by its hull."""
    known = np.nan_to_num(np.asarray(values, dtype=float))
    return np.minimum(np.maximum.accumulate(known), np.maximum.accumulate(known[::-1])[::-1])


class Slope(NamedTuple):
    """A fitted slope and its standard error."""

    value: float
    error: float


def fit_slope(x: ArrayLike, y: ArrayLike) -> Slope:
    """Return the least-squares slope of y against x, with its standard error.

    Raises
    ------
    ValueError
        If there are fewer than three points, or all x are the same.
    """
    places, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if places.size < 3 or np.ptp(places) == 0:
        raise ValueError(
            f"{places.size} points at {np.unique(places).size} places; a slope needs three, at two or more"
        )
    places = places - places.mean()
    value = float(places @ values / (places @ places))
    left = values - values.mean() - value * places
    return Slope(value, float(np.sqrt(left @ left / (values.size - 2) / (places @ places))))
