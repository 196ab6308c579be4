"""Compression: how exact it is, and the range of step sizes in dimensions that only it can reach."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd import spectra
from bngd.arrays import Array
from bngd.ensemble import sweep
from bngd.krylov import RESCALING, SENSITIVE, Compression, compress
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.by_dimension import limiting_log_ac, run_starts
from bngd.studies.shared.random_problems import log_spaced_problem
from bngd.theory import gd_stability_limit, good_interval


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
    """Run BNGD on compressed random problems, one for each start.

    It is `bngd.studies.shared.by_dimension.run_ensemble` for many more dimensions.

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
        As `bngd.studies.shared.by_dimension.run_ensemble` returns them; predicted is that of the original problem.
    compressions : pandas.DataFrame
        A row per start: dimension, draw, compressed (the dimension it was compressed to), exact_steps (at most
        `steps`), estimate, sensitive.
    """
    tables, compressions = [], []
    for dimension in dimensions:
        for draw in range(n_starts):
            problem = log_spaced_problem(rng, dimension, condition_number)
            w0, limit = unit_vectors(rng, dimension), gd_stability_limit(problem)
            made = compress(problem, w0, steps=steps, tolerance=tolerance)
            runs = run_starts(made.problem, made.starts[None], limit * np.asarray(lr), "bngd", steps)
            promised = good_interval(problem, w0, level * limit).decades
            tables.append(runs.drop(columns="start").assign(dimension=dimension, draw=draw, predicted=float(promised)))
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
    """Return the spans of `bngd.studies.shared.by_dimension.measure_widths` as a start of average luck would have them.

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
