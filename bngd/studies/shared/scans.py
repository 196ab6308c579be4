"""Scans of step sizes: what both methods reach with each of them, and the range that works."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.arrays import Array
from bngd.dynamics import check_positive
from bngd.ensemble import METHODS, sweep
from bngd.measure import workable_range
from bngd.problem import Problem, unit_vectors
from bngd.theory import effective_step_asymptotes, gd_stability_limit

SOLVED = 1e-10
"""A loss, in units of u'Hu/2, below which nobody asks for less; far above rounding, so that speeds can be compared."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What both methods reached from every start with every step size.

    Attributes
    ----------
    problem : Problem
    w0 : ndarray, shape (m, d)
        The starts, the same for both methods.
    lr : ndarray, shape (n,)
        Ascending.
    steps : ndarray, shape (k,)
        The numbers of steps after which the loss was noted, ascending.
    losses : dict of ndarray, shape (k, n, m)
        Of each method: the excess loss in units of u'Hu/2, the fraction of what can be explained that is not. NaN or
        infinite after an overflow.
    """

    problem: Problem
    w0: Array
    lr: Array
    steps: NDArray[np.int64]
    losses: dict[str, Array]

    def loss(self, method: str, step: int) -> Array:
        """Return the losses after some number of steps, shape (n, m).

        Raises
        ------
        ValueError
            If the loss after that many steps was not noted.
        """
        index = np.flatnonzero(self.steps == step)
        if index.size == 0:
            raise ValueError(f"the loss after {step} steps was not noted; it was after {self.steps.tolist()}")
        return self.losses[method][index[0]]


def random_starts(problem: Problem, rng: np.random.Generator, n: int) -> Array:
    """Return n random weights as long as u, shape (n, d).

    With ||w_0|| = ||u|| the asymptote eff ~ A eps has A = 1: a small step size means the same to both methods.
    """
    return np.linalg.norm(problem.u) * unit_vectors(rng, problem.dimension, n)


def step_sizes_around_limit(problem: Problem, decades_below: float, decades_above: float, per_decade: int) -> Array:
    """Return log-spaced step sizes around GD's limit 2/l_d, and 21 more within 10 % of it, where its range ends.

    Raises
    ------
    ValueError
        If a number of decades, or of step sizes a decade, is not positive.
    """
    check_positive(decades_below=decades_below, decades_above=decades_above, per_decade=per_decade)
    count = round((decades_below + decades_above) * per_decade) + 1
    wide = np.logspace(-decades_below, decades_above, count)
    return gd_stability_limit(problem) * np.union1d(wide, np.linspace(0.9, 1.1, 21))


def fraction_of(steps: int, slowdown: float) -> int:
    """Return steps / slowdown as a whole number of steps."""
    return max(1, round(steps / slowdown))


def scan(problem: Problem, w0: ArrayLike, lr: ArrayLike, steps: Sequence[int]) -> Scan:
    """Run both methods from every start with every step size, and note the loss after each number of steps.

    BNGD runs with eps_a = 1 and a_0 = w_0'g/s_0.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (m, d)
    lr : array_like, shape (n,)
        Ascending.
    steps : sequence of int
        The largest is the length of the runs.
    """
    w0, lr, marks = np.asarray(w0, dtype=float), np.asarray(lr, dtype=float), np.unique(steps)
    losses = {}
    for method in METHODS:
        runs = sweep(problem, lr[:, None], steps=int(marks[-1]), w0=w0, method=method, checkpoints=marks.tolist())
        by_run = runs["excess_loss"].to_numpy().reshape(lr.size, w0.shape[0], marks.size)
        with np.errstate(over="ignore"):  # a diverged run may pass the largest float
            losses[method] = np.moveaxis(by_run, 2, 0) / (problem.explained / 2)
    return Scan(problem, w0, lr, marks, losses)


def fixed_ranges(scan: Scan, step: int, threshold: float) -> pd.DataFrame:
    """Return the range of step sizes that bring the loss to a fixed threshold, the same for both methods.

    Parameters
    ----------
    scan : Scan
    step : int
        Number of steps granted.
    threshold : float
        Loss in units of u'Hu/2.

    Returns
    -------
    pandas.DataFrame
        A row per method and start: method, start, low, high, decades (NaN where no step size works), censored.
    """
    return _ranges(scan, step, {method: np.full(len(scan.w0), threshold) for method in METHODS})


def slowdown_ranges(scan: Scan, step: int, slowdown: float) -> pd.DataFrame:
    r"""Return the range of step sizes that are at most ``slowdown`` times as slow as the method's own best.

    A step size is in the range if its loss after N steps is at most the least loss, over all step sizes, after
    N / slowdown steps (or at most `SOLVED`). GD at eps <= eps_best is eps_best/eps times as slow in the direction that
    decides in the end, so that its range is log10(slowdown) decades wide; BNGD's is the good interval Omega_f with f =
    eff_best / slowdown, where eff and nothing else decides on the speed.

    Parameters
    ----------
    scan : Scan
    step : int
        N.
    slowdown : float
        At least 1; the scan must have noted the loss after `fraction_of` (step, slowdown) steps.

    Returns
    -------
    pandas.DataFrame
        As `fixed_ranges`.
    """
    reference = fraction_of(step, slowdown)
    best = {method: np.nanmin(scan.loss(method, reference), axis=0) for method in METHODS}
    return _ranges(scan, step, {method: np.maximum(loss, SOLVED) for method, loss in best.items()})


def _ranges(scan: Scan, step: int, thresholds: dict[str, Array]) -> pd.DataFrame:
    rows = []
    for method, levels in thresholds.items():
        for start, (loss, level) in enumerate(zip(scan.loss(method, step).T, levels, strict=True)):
            rows.append({"method": method, "start": start, **workable_range(scan.lr, loss, level).as_row()})
    return pd.DataFrame(rows)


def median_decades(ranges: pd.DataFrame, by: str | list[str] = "method") -> pd.Series:
    """Return the median width over the starts, for each value of ``by``.

    NaN where no step size worked from at least one of the starts: that is no width of zero, and nothing to leave out.
    """
    return ranges.groupby(by, sort=False)["decades"].agg(lambda decades: np.median(decades.to_numpy()))


def upper_ends(scan: Scan, ranges: pd.DataFrame) -> pd.DataFrame:
    """Return the ranges with where the theory says that they end: 2/l_d for GD, C/f with f = A low for BNGD.

    The lower end of BNGD's range tells the effective step f that the task asks for; the good interval then says how far
    up eff >= f holds, which makes the ratio of the ends m = AC/f^2.

    Returns
    -------
    pandas.DataFrame
        The rows of ``ranges`` with one more column, predicted.
    """
    small, large = effective_step_asymptotes(scan.problem, scan.w0)
    of_bngd = (large / small)[ranges["start"]] / ranges["low"]
    return ranges.assign(predicted=np.where(ranges["method"] == "gd", gd_stability_limit(scan.problem), of_bngd))
