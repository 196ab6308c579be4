"""Robustness to the step size: the width of the workable range on many problems, and against what is asked for."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from bngd import datasets, spectra
from bngd.ensemble import METHODS
from bngd.problem import Problem
from bngd.studies.shared.scans import (
    Scan,
    fixed_ranges,
    fraction_of,
    median_decades,
    random_starts,
    scan,
    slowdown_ranges,
    step_sizes_around_limit,
    upper_ends,
)
from bngd.theory import bngd_best_effective_step, effective_condition_number, gd_stability_limit, good_interval


def synthetic_problems(
    rng: np.random.Generator, dimension: int, condition_numbers: Iterable[float]
) -> dict[str, Problem]:
    """Return, by name, a problem with log-spaced spectrum and random u for each condition number."""
    return {
        f"kappa = {kappa:g}": Problem.from_spectrum(spectra.log_spaced(dimension, kappa), rng=rng)
        for kappa in condition_numbers
    }


def real_problems(names: Iterable[str]) -> dict[str, Problem]:
    """Return, by name, the problems of data sets of `bngd.datasets`, centred and standardised."""
    loaded = {name: datasets.load(name) for name in names}
    return {name: Problem.from_data(data.X, data.y, names=data.names) for name, data in loaded.items()}


def checkpoints(steps: int, shortest: int, slowdowns: Iterable[float]) -> list[int]:
    """Return the numbers of steps that the study looks at: nine from ``shortest`` to ``steps``, and the fractions."""
    lengths = np.geomspace(shortest, steps, 9).round().astype(int)
    return sorted({*lengths.tolist(), *(fraction_of(steps, slowdown) for slowdown in slowdowns)})


def scan_all(
    problems: Mapping[str, Problem],
    rng: np.random.Generator,
    *,
    n_starts: int,
    marks: list[int],
    decades_below: float,
    decades_above: float,
    per_decade: int,
) -> dict[str, Scan]:
    """Return a `scan` of each problem, by name, with step sizes around its own 2/l_d and starts as long as its u."""
    return {
        name: scan(
            problem,
            random_starts(problem, rng, n_starts),
            step_sizes_around_limit(problem, decades_below, decades_above, per_decade),
            marks,
        )
        for name, problem in problems.items()
    }


def all_fixed_ranges(scans: Mapping[str, Scan], step: int, threshold: float) -> pd.DataFrame:
    """Return the `fixed_ranges` of every problem with the `upper_ends` that theory gives them; ends in units of 2/l_d.

    Returns
    -------
    pandas.DataFrame
        problem, dimension, method, start, low, high, decades, censored, predicted (of high).
    """
    return _of_all(scans, lambda scan: fixed_ranges(scan, step, threshold))


def all_slowdown_ranges(scans: Mapping[str, Scan], step: int, slowdown: float) -> pd.DataFrame:
    """Return the `slowdown_ranges` of every problem, in the form of `all_fixed_ranges`."""
    return _of_all(scans, lambda scan: slowdown_ranges(scan, step, slowdown))


def _of_all(scans: Mapping[str, Scan], ranges: Callable[[Scan], pd.DataFrame]) -> pd.DataFrame:
    tables = []
    for name, one in scans.items():
        table = upper_ends(one, ranges(one))
        table[["low", "high", "predicted"]] /= gd_stability_limit(one.problem)
        table.insert(0, "problem", name)
        table.insert(1, "dimension", one.problem.dimension)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def widths(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return the median width over the starts: a row per problem, a column per method, and by how much BNGD's leads."""
    medians = median_decades(ranges, by=["problem", "method"]).unstack(sort=False)
    return medians[list(METHODS)].assign(lead=medians["bngd"] - medians["gd"]).rename_axis(columns=None)


def width_table(scans: Mapping[str, Scan], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the `widths` of several demands side by side, with what is known of each problem beforehand.

    Returns
    -------
    pandas.DataFrame
        Indexed by problem: d, kappa, kappa*, and for each demand its two widths, named ``GD, demand``.
    """
    problems = {name: one.problem for name, one in scans.items()}
    known = {
        name: (problem.dimension, problem.condition_number, effective_condition_number(problem))
        for name, problem in problems.items()
    }
    columns = [pd.DataFrame.from_dict(known, orient="index", columns=["d", "kappa", "kappa*"])]
    for demand, table in tables.items():
        columns.append(table[list(METHODS)].rename(columns=lambda method, demand=demand: f"{method.upper()}, {demand}"))
    return pd.concat(columns, axis=1).rename_axis(index="problem")


def promised_decades(scan: Scan, slowdown: float) -> float:
    """Return the median over the starts of log10 m, m = AC/f^2, for f = eff_best / slowdown.

    This is how wide the range of step sizes at most ``slowdown`` times as slow as the best would be if every effective
    step from f up to the stability limit were as fast as that.
    """
    level = bngd_best_effective_step(scan.problem) / slowdown
    return float(np.median(good_interval(scan.problem, scan.w0, level).decades))


def widths_against_demands(
    scan: Scan, thresholds: Iterable[float], slowdowns: Iterable[float], *, threshold: float
) -> dict[str, pd.DataFrame]:
    """Return how the width depends on what is asked for: a loss, a speed, or a loss in fewer steps.

    Parameters
    ----------
    scan : Scan
    thresholds, slowdowns : iterable of float
        Asked for after all steps of the scan; see `fixed_ranges` and `slowdown_ranges`.
    threshold : float
        The loss that is asked for after fewer steps.

    Returns
    -------
    dict of pandas.DataFrame
        ``threshold``, ``slowdown`` and ``steps``: the median width in decades, indexed by what the name says, with a
        column for each method; NaN where no step size worked from at least one of the starts.
    """
    last = int(scan.steps[-1])
    return {
        "threshold": _medians("threshold", {level: fixed_ranges(scan, last, level) for level in thresholds}),
        "slowdown": _medians("slowdown", {factor: slowdown_ranges(scan, last, factor) for factor in slowdowns}),
        "steps": _medians("steps", {int(step): fixed_ranges(scan, int(step), threshold) for step in scan.steps}),
    }


def _medians(name: str, ranges: Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    table = pd.DataFrame({value: median_decades(found) for value, found in ranges.items()}).T
    return table.rename_axis(index=name, columns=None)


def growth_with_steps(widths: pd.DataFrame, first: int) -> pd.Series:
    """Return the slope of the width against log10(steps) from some number of steps on, by method.

    Below the plateau a loss depends on eff and the number of steps N through their product alone, so that the level f
    of the effective step that a loss asks for falls like 1/N. GD's lower end moves down with it, and so do the ends
    f/A and C/f of Omega_f: GD's range gains one decade, BNGD's two, for each decade of steps.

    Parameters
    ----------
    widths : DataFrame
        The table ``steps`` of `widths_against_demands`.
    first : int
        Number of steps from which to fit.
    """
    used = widths[widths.index >= first]
    return pd.Series({method: np.polyfit(np.log10(used.index), used[method], 1)[0] for method in METHODS})


def growth_of_all(demands: Mapping[str, Mapping[str, pd.DataFrame]], first: int) -> pd.DataFrame:
    """Return `growth_with_steps` for each problem's `widths_against_demands`, a row per problem."""
    return pd.DataFrame({name: growth_with_steps(tables["steps"], first) for name, tables in demands.items()}).T


def upper_end_misses(ranges: pd.DataFrame) -> pd.DataFrame:
    """Return by how many decades the worst start's upper end misses its prediction: a row per problem, by method."""
    misses = np.abs(np.log10(ranges["high"] / ranges["predicted"]))
    keys = [ranges["problem"], ranges["method"]]
    return misses.groupby(keys, sort=False).max().unstack(sort=False).rename_axis(columns=None)
