"""Robustness to the dimension: how the good interval and the workable range widen as d grows at a given spectrum."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd import spectra
from bngd.arrays import Array
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.by_dimension import Slope, fit_slope, limiting_log_ac, run_starts
from bngd.studies.shared.random_problems import log_spaced_problem
from bngd.theory import (
    bngd_stability_limit,
    effective_step_asymptotes,
    gd_stability_limit,
    good_interval,
    mean_squared_overlap,
)


def predicted_ratios(
    rng: np.random.Generator, dimensions: Iterable[int], condition_number: float, n_problems: int, n_starts: int
) -> pd.DataFrame:
    """Return log10(AC) for random problems and random starts on the unit sphere: nothing is run.

    Returns
    -------
    pandas.DataFrame
        A row per dimension and draw: dimension, log_ac, off (log_ac less log10 of (d/chi) (mean l/mean l^2)^2, with
        the chi of the start).
    """
    drawn = (log_spaced_problem(rng, d, condition_number) for d in dimensions for _ in range(n_problems))
    return pd.concat([_ratios_of(one, unit_vectors(rng, one.dimension, n_starts)) for one in drawn], ignore_index=True)


def _ratios_of(problem: Problem, w0: Array) -> pd.DataFrame:
    values, log_ac = problem.eigenvalues, np.log10(np.prod(effective_step_asymptotes(problem, w0), axis=0))
    squared_cosine = (w0 @ problem.g) ** 2 / np.sum(problem.g**2)  # chi/d
    typical = (values.mean() / np.mean(values**2)) ** 2 / squared_cosine
    return pd.DataFrame({"dimension": problem.dimension, "log_ac": log_ac, "off": log_ac - np.log10(typical)})


def summarise_ratios(ratios: pd.DataFrame, condition_number: float) -> pd.DataFrame:
    """Return for each dimension the mean of log10(AC) with its standard error, the deviation, and the limit.

    Returns
    -------
    pandas.DataFrame
        Indexed by dimension: mean, standard_error, deviation, limit (`limiting_log_ac`).
    """
    grouped = ratios.groupby("dimension")["log_ac"]
    limits = [limiting_log_ac(spectra.log_spaced(int(dimension), condition_number)) for dimension in grouped.groups]
    return pd.DataFrame(
        {"mean": grouped.mean(), "standard_error": grouped.sem(), "deviation": grouped.std(), "limit": limits}
    )


def overlaps(
    rng: np.random.Generator, dimensions: Iterable[int], condition_number: float, n_starts: int
) -> pd.DataFrame:
    """Estimate E (w_0'g)^2 over w_0 uniform on the unit sphere by Monte Carlo.

    Returns
    -------
    pandas.DataFrame
        Indexed by dimension: predicted (||g||^2/d), measured, standard_error.
    """
    rows = {}
    for dimension in dimensions:
        problem = log_spaced_problem(rng, dimension, condition_number)
        squares = (unit_vectors(rng, dimension, n_starts) @ problem.g) ** 2
        error = squares.std(ddof=1) / np.sqrt(n_starts)
        rows[dimension] = (mean_squared_overlap(problem), squares.mean(), error)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["predicted", "measured", "standard_error"])
    return table.rename_axis(index="dimension")


def medians(widths: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return the medians over the starts of one method's `measure_widths`, indexed by dimension."""
    return (
        widths[widths["method"] == method]
        .groupby("dimension")[["predicted", "decades", "high", "span", "good"]]
        .median()
    )


def notch(
    problem: Problem, rng: np.random.Generator, overlaps: ArrayLike, lr: ArrayLike, steps: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    r"""Run BNGD from unit starts with given overlaps, and measure how deep the effective step dips on its plateau.

    A start with a small overlap c = |w_0'g|/||g|| is near a saddle of J. For step sizes in the middle of the plateau
    the first step is harmless, but on the way off the saddle one later step is of the order of eps, and lengthens w
    by as much: eff ~ 1/eps. For larger ones the first step, of the order of c eps, shields w from the later ones, and
    eff ~ c^2 eps. The two meet at eps ~ 1/c, where the effective step is of the order of c.

    Parameters
    ----------
    problem : Problem
    rng : numpy.random.Generator
        Draws the direction of the start beside g, one for all overlaps.
    overlaps : array_like, shape (k,)
        c, each between 0 and 1.
    lr : array_like, shape (n,)
        Ascending, in units of 2/l_d.
    steps : int

    Returns
    -------
    curves : pandas.DataFrame
        overlap, lr, effective_step, both of the latter in units of 2/l_d.
    floors : pandas.DataFrame
        overlap, floor: the least effective step, in the same units, over the step sizes well inside the predicted
        plateau (a factor of 2 from its ends); NaN where there is none.

    Raises
    ------
    ValueError
        If an overlap is not between 0 and 1.
    """
    cosines, limit = np.asarray(overlaps, dtype=float), gd_stability_limit(problem)
    w0 = starts_with_overlap(problem, rng, cosines)
    runs = run_starts(problem, w0, limit * np.asarray(lr), "bngd", steps)
    curves = (runs[["lr", "effective_step"]] / limit).assign(overlap=cosines[runs["start"]])
    plateau = good_interval(problem, w0, bngd_stability_limit(problem))
    floors = []
    for index, cosine in enumerate(cosines):
        one = curves[runs["start"] == index]
        inside = one["lr"].between(2 * plateau.low[index] / limit, plateau.high[index] / limit / 2)
        floors.append((cosine, one.loc[inside, "effective_step"].min()))
    return curves, pd.DataFrame(floors, columns=["overlap", "floor"])


def starts_with_overlap(problem: Problem, rng: np.random.Generator, overlaps: ArrayLike) -> Array:
    """Return unit weights with w'g = c ||g|| for each c, and the same random direction beside g, shape (k, d).

    Raises
    ------
    ValueError
        If an overlap is not between 0 and 1.
    """
    cosines = np.asarray(overlaps, dtype=float)
    if not ((cosines > 0) & (cosines < 1)).all():
        raise ValueError(f"overlaps are {cosines}; the cosine of the angle between w_0 and g lies between 0 and 1")
    towards = problem.g / np.linalg.norm(problem.g)
    beside = unit_vectors(rng, problem.dimension)
    for _ in range(2):  # the second pass removes what rounding left of g in the first
        beside = beside - (beside @ towards) * towards
    beside /= np.linalg.norm(beside)
    return cosines[:, None] * towards + np.sqrt(1 - cosines[:, None] ** 2) * beside


def notches(
    rng: np.random.Generator,
    dimensions: Iterable[int],
    condition_number: float,
    overlaps: ArrayLike,
    lr: ArrayLike,
    steps: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the `notch` of a random problem of each dimension: curves and floors, with a column dimension."""
    found = {d: notch(log_spaced_problem(rng, d, condition_number), rng, overlaps, lr, steps) for d in dimensions}
    curves, floors = (
        pd.concat([tables[part].assign(dimension=d) for d, tables in found.items()], ignore_index=True)
        for part in (0, 1)
    )
    return curves, floors


def notch_power(floors: pd.DataFrame, below: float) -> Slope:
    """Return the power of the overlap that the floors fall with: one slope for all dimensions, a constant for each.

    Parameters
    ----------
    floors : DataFrame
        dimension, overlap, floor: of `notches`.
    below : float
        Only floors below this count: above it the notch has hardly opened.
    """
    deep = floors[floors["floor"] < below]
    logs = np.log10(deep[["overlap", "floor"]])
    centred = logs - logs.groupby(deep["dimension"]).transform("mean")
    return fit_slope(centred["overlap"], centred["floor"])
