"""Robustness to the dimension: how the good interval and the workable range widen as d grows at a given spectrum."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd import spectra
from bngd.ensemble import METHODS, sweep
from bngd.krylov import RESCALING, SENSITIVE, Compression, compress
from bngd.measure import workable_range
from bngd.problem import Problem, unit_vectors
from bngd.theory import (
    bngd_stability_limit,
    effective_step_asymptotes,
    gd_stability_limit,
    good_interval,
    limit_effective_step,
    mean_squared_overlap,
)

Array = NDArray[np.float64]

LOG_CHI_MEAN = -(np.euler_gamma + np.log(2)) / np.log(10)
"""Mean of log10 chi, where chi = d (w_0'g)^2 / (||w_0||^2 ||g||^2) is chi-squared with one degree of freedom: -0.55."""

LOG_CHI_DEVIATION = np.pi / (np.sqrt(2) * np.log(10))
"""Standard deviation of log10 chi: 0.96 decades, which no number of dimensions takes away from log10 m."""


def random_problem(rng: np.random.Generator, dimension: int, condition_number: float) -> Problem:
    """Return H = diag(logspace(0, log10(kappa), d)) with u uniform on the unit sphere.

    Raises
    ------
    ValueError
        If the dimension is below 2, where both ends of the spectrum would be one eigenvalue.
    """
    if dimension < 2:
        raise ValueError(f"dimension is {dimension}; a spectrum with two ends needs at least 2")
    return Problem.from_spectrum(spectra.log_spaced(dimension, condition_number), rng=rng)


def limiting_log_ac(eigenvalues: ArrayLike) -> float:
    r"""Return what E log10(AC) tends to as d grows, for w_0 and u uniform on spheres.

    The quadratic forms concentrate: s_0^2 / ||w_0||^2 at the mean eigenvalue, ||g||^2 and ||He_0||^2 at ||u||^2 times
    the mean squared one. Only chi keeps its spread, so that AC ~ (d / chi) (mean l / mean l^2)^2.
    """
    values = np.asarray(eigenvalues, dtype=float)
    return float(np.log10(values.size * (values.mean() / np.mean(values**2)) ** 2) - LOG_CHI_MEAN)


def predicted_ratios(
    rng: np.random.Generator, dimensions: Iterable[int], condition_number: float, n_problems: int, n_starts: int
) -> pd.DataFrame:
    """Return log10(AC) for random problems and random starts on the unit sphere: nothing is run.

    Returns
    -------
    pandas.DataFrame
        A row per dimension and draw: dimension, log_ac.
    """
    draws = [
        (
            dimension,
            np.log10(np.prod(effective_step_asymptotes(problem, unit_vectors(rng, dimension, n_starts)), axis=0)),
        )
        for dimension in dimensions
        for problem in (random_problem(rng, dimension, condition_number) for _ in range(n_problems))
    ]
    return (
        pd.DataFrame(draws, columns=["dimension", "log_ac"])
        .explode("log_ac", ignore_index=True)
        .astype({"log_ac": float})
    )


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
        problem = random_problem(rng, dimension, condition_number)
        squares = (unit_vectors(rng, dimension, n_starts) @ problem.g) ** 2
        error = squares.std(ddof=1) / np.sqrt(n_starts)
        rows[dimension] = (mean_squared_overlap(problem), squares.mean(), error)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["predicted", "measured", "standard_error"])
    return table.rename_axis(index="dimension")


class StepSizes(NamedTuple):
    """Step sizes for each method, in units of GD's limit 2/l_d; shape (n,) each, ascending."""

    gd: Array
    bngd: Array


def step_sizes(decades_below: float, decades_above: float, per_decade: int) -> StepSizes:
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
            problem = random_problem(rng, dimension, condition_number)
            w0 = unit_vectors(rng, dimension, n_starts)
            promised = good_interval(problem, w0, level * gd_stability_limit(problem)).decades
            for method, grid in zip(METHODS, lr, strict=True):
                runs = _run(problem, w0, gd_stability_limit(problem) * grid, method, steps)
                tables.append(
                    runs.assign(
                        dimension=dimension,
                        draw=index * n_starts + runs["start"],
                        predicted=promised[runs["start"]],
                    ).drop(columns="start")
                )
    return pd.concat(tables, ignore_index=True)


def _run(problem: Problem, w0: Array, lr: Array, method: str, steps: int) -> pd.DataFrame:
    runs = sweep(problem, lr[:, None], steps=steps, w0=w0, method=method)
    effective = limit_effective_step(problem, runs["lr"], runs["norm_w"].to_numpy()[:, None])
    return runs[["start", "lr", "relative_loss"]].assign(effective_step=effective, method=method)


def run_compressed(
    rng: np.random.Generator,
    dimensions: Iterable[int],
    condition_number: float,
    *,
    n_starts: int,
    steps: int,
    lr: ArrayLike,
    level: float,
    tolerance: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run BNGD on compressed random problems, one problem for each start: `run_ensemble` for many more dimensions.

    Parameters
    ----------
    rng : numpy.random.Generator
    dimensions : iterable of int
        Of the problems before their compression.
    condition_number : float
    n_starts : int
        Starts of each dimension, each with a problem of its own.
    steps : int
    lr : array_like, shape (n,)
        Ascending, in units of the original's 2/l_d.
    level : float
        f of the good interval, in the same units.
    tolerance : float
        Of `bngd.compress`.

    Returns
    -------
    runs : pandas.DataFrame
        As `run_ensemble` returns them; predicted is that of the original problem.
    compressions : pandas.DataFrame
        A row per start: dimension, draw, compressed (the dimension it was compressed to), exact_steps (at most
        `steps`), estimate, sensitive.
    """
    tables, compressions = [], []
    for dimension in dimensions:
        for draw in range(n_starts):
            problem = random_problem(rng, dimension, condition_number)
            w0, limit = unit_vectors(rng, dimension), gd_stability_limit(problem)
            made = compress(problem, w0, steps=steps, tolerance=tolerance)
            runs = _run(made.problem, made.starts[None], limit * np.asarray(lr), "bngd", steps).drop(columns="start")
            promised = good_interval(problem, w0, level * limit).decades
            tables.append(runs.assign(dimension=dimension, draw=draw, predicted=float(promised)))
            exact = _exact_steps(made, steps)
            compressions.append((dimension, draw, made.problem.dimension, exact, made.estimate, made.sensitive))
    columns = ["dimension", "draw", "compressed", "exact_steps", "estimate", "sensitive"]
    return pd.concat(tables, ignore_index=True), pd.DataFrame(compressions, columns=columns)


def compare_with_compressed(
    problem: Problem, w0: Array, lr: ArrayLike, *, steps: int, tolerances: Iterable[float]
) -> pd.DataFrame:
    """Run BNGD on a problem and on its compressions, and measure how far apart they are.

    Parameters
    ----------
    problem : Problem
    w0 : (d,) array
    lr : array_like, shape (n,)
        In units of 2/l_d.
    steps : int
    tolerances : iterable of float
        Of `bngd.compress`, one for each compression.

    Returns
    -------
    pandas.DataFrame
        A row per tolerance, step size and step (every step that is exact, then log-spaced ones): tolerance, compressed
        (the dimension it was compressed to), exact_steps (at most `steps`), estimate, lr, step; loss, the difference of
        the excess losses in units of u'Hu/2, which the tolerance is meant for; largest, the largest of it and of the
        relative differences of a (in units of ||u||_H) and ||w||; sensitive, whether a change of nothing but rounding
        moves the original's loss at that step size by a hundredth of the tolerance, at any of the steps.
    """
    rates = gd_stability_limit(problem) * np.asarray(lr, dtype=float)
    return pd.concat([_compare(problem, w0, rates, steps, one) for one in tolerances], ignore_index=True)


def _compare(problem: Problem, w0: Array, rates: Array, steps: int, tolerance: float) -> pd.DataFrame:
    made = compress(problem, w0, steps=steps, tolerance=tolerance)
    exact = _exact_steps(made, steps)
    marks = np.union1d(np.arange(1, exact + 1), np.minimum(exact + np.geomspace(1, steps, 40).astype(int), steps))
    original = sweep(problem, rates, steps=steps, w0=w0, checkpoints=marks)
    compressed = sweep(made.problem, rates, steps=steps, w0=made.starts, checkpoints=marks)
    rescaled = sweep(problem, RESCALING**2 * rates, steps=steps, w0=RESCALING * w0, checkpoints=marks)
    loss = _loss_difference(problem, original, compressed)
    a = (original["a"] - compressed["a"]).abs() / np.sqrt(problem.explained)
    norm = (compressed["norm_w"] / original["norm_w"] - 1).abs()
    rounding = _loss_difference(problem, original, rescaled).groupby(original["lr"]).transform("max")
    return original[["lr", "step"]].assign(
        tolerance=tolerance,
        compressed=made.problem.dimension,
        exact_steps=exact,
        estimate=made.estimate,
        loss=loss,
        largest=np.maximum.reduce([loss, a, norm]),
        sensitive=rounding > SENSITIVE * tolerance,
    )


def _exact_steps(compression: Compression, steps: int) -> int:
    return steps if compression.exact_steps is None else min(compression.exact_steps, steps)


def _loss_difference(problem: Problem, one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    return (one["excess_loss"] - other["excess_loss"]).abs() / (problem.explained / 2)


def without_luck(widths: pd.DataFrame, condition_number: float, level: float) -> pd.Series:
    """Return the spans of `measure_widths` as a start of average luck would have them.

    Parameters
    ----------
    widths : DataFrame
    condition_number : float
    level : float
        f of the good interval, in units of eps itself.

    Returns
    -------
    pandas.Series
        span less the start's own log10 m, plus what E log10 m tends to in many dimensions (`limiting_log_ac`).
    """
    means = {
        int(dimension): limiting_log_ac(spectra.log_spaced(int(dimension), condition_number)) - 2 * np.log10(level)
        for dimension in widths["dimension"].unique()
    }
    return widths["span"] - widths["predicted"] + widths["dimension"].map(means)


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


def medians(widths: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return the medians over the starts of one method's `measure_widths`, indexed by dimension."""
    return (
        widths[widths["method"] == method]
        .groupby("dimension")[["predicted", "decades", "high", "span", "good"]]
        .median()
    )


def median_curves(runs: pd.DataFrame, dimensions: Iterable[int]) -> pd.DataFrame:
    """Return the median final loss over the draws: dimension, method, lr, relative_loss; an overflow is infinite."""
    shown = runs[runs["dimension"].isin(list(dimensions))].fillna({"relative_loss": np.inf})
    return shown.groupby(["dimension", "method", "lr"])["relative_loss"].median().reset_index()


def evenly_spread(dimensions: Sequence[int], n: int) -> list[int]:
    """Return n of the dimensions, evenly spread over the list, its first and last included."""
    picked = np.unique(np.linspace(0, len(dimensions) - 1, n).round().astype(int))
    return [int(dimensions[index]) for index in picked]


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
    runs = sweep(problem, limit * np.asarray(lr)[:, None], steps=steps, w0=w0)
    effective = limit_effective_step(problem, runs["lr"], runs["norm_w"].to_numpy()[:, None])
    curves = pd.DataFrame(
        {"overlap": cosines[runs["start"]], "lr": runs["lr"] / limit, "effective_step": effective / limit}
    )
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
    found = {d: notch(random_problem(rng, d, condition_number), rng, overlaps, lr, steps) for d in dimensions}
    curves, floors = (
        pd.concat([tables[part].assign(dimension=d) for d, tables in found.items()], ignore_index=True)
        for part in (0, 1)
    )
    return curves, floors


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
