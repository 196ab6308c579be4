"""Runs with many digits: they show the slowest mode where doubles have lost it (the theorem "The rate is attained")."""

import decimal
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.measure import decay_factor
from bngd.problem import Problem
from bngd.studies.convergence_rate.study import RandomRuns
from bngd.theory import bngd_factor

_ROUNDING = -16
"""Power of ten: where a residual is smaller, doubles see no more of it."""


def residuals(
    problem: Problem, w0: ArrayLike, lr: float, lr_a: float, *, digits: int, steps: int
) -> tuple[NDArray[np.float64], float]:
    """Run BNGD from (p(w0), w0) in decimal arithmetic, until the residual is too small for the digits.

    The equations are those of `bngd.bngd_step`. As e = u - q w is a difference, it is right to so many digits after the
    point, and the run ends where ||e||_H^2 has fallen by as many.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (d,)
        In H's eigenbasis.
    lr, lr_a : float
    digits : int
        Of each number.
    steps : int
        After so many the run ends in any case.

    Returns
    -------
    ndarray, shape (n,)
        log10(||e_k||_H/||u||_H) for k = 0, 1, ...; as a logarithm, since no double is so small.
    float
        The effective step at the end.
    """
    with decimal.localcontext(prec=digits):
        eigenvalues, g, w = (_exactly(values) for values in (problem.eigenvalues, problem.g, w0))
        eps, eps_a = Decimal(float(lr)), Decimal(float(lr_a))
        u = g / eigenvalues
        explained, logs, a = u @ g, [], None
        for _ in range(steps + 1):
            hw, wg = eigenvalues * w, w @ g
            s = (w @ hw).sqrt()
            p = wg / s
            a = p if a is None else a
            effective = eps * a * wg / s**3
            gradient = g - (wg / s**2) * hw  # which is H e
            share = gradient @ (gradient / eigenvalues) / explained
            if share < Decimal(10) ** -digits:
                break
            logs.append(float(share.log10()) / 2)
            a, w = a + eps_a * (p - a), w + (eps * (a / s)) * gradient
        return np.array(logs), float(effective)


def _exactly(values: ArrayLike) -> NDArray[np.object_]:
    return np.array([Decimal(x) for x in np.asarray(values, dtype=float).tolist()])


def levels(drawn: Sequence[RandomRuns], runs: pd.DataFrame, *, digits: int, steps: int) -> pd.DataFrame:
    """Repeat runs of BNGD with many digits, and measure the residual in units of the predicted decay.

    Parameters
    ----------
    drawn : sequence of RandomRuns
    runs : pandas.DataFrame
        Rows of `study.factors`.
    digits, steps : int
        As `residuals` takes them.

    Returns
    -------
    pandas.DataFrame
        One row a run and step: run (its place among those given), step, predicted (rho* at the run's own end),
        log_residual (log10(||e_k||_H/||u||_H)), log_level (log10(||e_k||_H/(||u||_H rho*^k)), which tends to a number).
    """
    tables = []
    for run, row in enumerate(runs.itertuples()):
        problem, w0 = drawn[row.problem].problem, drawn[row.problem].w0
        logs, effective = residuals(problem, w0, row.lr, row.lr_a, digits=digits, steps=steps)
        factor, step = float(bngd_factor(problem, effective)), np.arange(logs.size)
        columns = {"log_residual": logs, "log_level": logs - step * np.log10(factor)}
        tables.append(pd.DataFrame({"run": run, "step": step, "predicted": factor, **columns}))
    return pd.concat(tables, ignore_index=True)


def seen_by_doubles(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each run of `levels` in which the residual is above the rounding of doubles, by run."""
    return levels[levels["log_residual"] >= _ROUNDING].groupby("run").last()


def ends(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each run of `levels`, and what it says of the slowest mode.

    Returns
    -------
    pandas.DataFrame
        By run, with the columns measured (the factor a step, over the last half of the run) and share_seen (the share
        of the slowest mode in the residual where doubles see no more of it), too.
    """
    runs = levels.groupby("run")
    last, residual = runs.last(), runs["log_residual"]
    return last.assign(
        measured=residual.agg(lambda log: decay_factor(10.0**log, floor=0.0)),
        share_seen=10 ** (last["log_level"] - seen_by_doubles(levels)["log_level"]),
    )
