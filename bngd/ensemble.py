"""Many runs at once: every (lr, lr_a, start) of a sweep, as one tidy table.

All runs advance together in the eigenbasis of H, where a step costs O(d) and a run never needs another. What a run is
and how it ends stand in `bngd.dynamics`; this file only does the same to many, and must agree with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.dynamics import check_nonzero, check_rates, classify
from bngd.problem import Problem

METHODS = ("gd", "bngd")
BLOCK_BYTES = 2**20
"""Runs are advanced in blocks whose weights fit the second-level cache: memory traffic, not arithmetic, is the cost."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Runs:
    """The runs of a sweep, one entry a run: validated, broadcast and flattened.

    Attributes
    ----------
    lr, lr_a : (n,) arrays
        Step sizes for w and for a.
    start : (n,) integer array
        Row of `starts` from which a run sets out.
    starts : (m, d) array
        The distinct initial weights.
    a0 : (n,) array
        The initial a; NaN under gradient descent, which has none.
    """

    lr: Array
    lr_a: Array
    start: NDArray[np.intp]
    starts: Array
    a0: Array


def sweep(
    problem: Problem,
    lr: ArrayLike,
    *,
    steps: int,
    w0: ArrayLike,
    method: str = "bngd",
    lr_a: ArrayLike = 1.0,
    a0: ArrayLike | None = None,
    checkpoints: Sequence[int] | None = None,
    tolerance: float = 1e-10,
) -> pd.DataFrame:
    r"""Run gradient descent or BNGD from every given (lr, lr_a, start) and return what was seen at the checkpoints.

    One step of BNGD is, with :math:`s = \sqrt{w'Hw}` and :math:`q = w'g/s^2`,

    .. math:: a^+ = a + \epsilon_a (w'g/s - a), \qquad w^+ = w + \epsilon (a/s) (g - q H w),

    and the excess loss is evaluated as :math:`(a - w'g/s)^2/2 + \|u - q w\|_H^2/2`, which does not cancel.

    Parameters
    ----------
    problem : Problem
        The least-squares problem, in the eigenbasis of H.
    lr, lr_a : array_like
        Step sizes for w and for a, positive.
    steps : int
        Number of steps, at least 1.
    w0 : (..., d) array_like
        Initial weights, nonzero, in the eigenbasis of H. `lr`, `lr_a`, `a0` and the leading axes of `w0` broadcast
        against each other; each element of the result is a run. Every step size from each of m starts is therefore
        ``lr[:, None]`` with a `w0` of shape (m, d).
    method : {"bngd", "gd"}
        Gradient descent ignores `lr_a` and `a0`.
    a0 : array_like, optional
        Initial a; by default its best value at the start, :math:`w_0'g/s_0`.
    checkpoints : sequence of int, optional
        Steps to report, between 0 and `steps`; only the last by default.
    tolerance : float
        A run has converged when its excess loss is at most this fraction of u'Hu/2; see `bngd.dynamics.classify`.

    Returns
    -------
    pandas.DataFrame
        A row per run and checkpoint: run, lr, lr_a, start (row of `w0`), step, a, excess_loss, relative_loss (to the
        excess loss at step 0), norm_w, effective_step, outcome (of the whole run, a value of `bngd.dynamics.Outcome`).

    Raises
    ------
    ValueError
        For step sizes that are not positive and finite, a start that is zero or of the wrong length, shapes that do
        not broadcast, no run at all, fewer than 1 step, checkpoints outside 0 ... `steps`, a tolerance outside (0, 1),
        an unknown method.
    """
    _check_options(method, steps, tolerance)
    runs = _broadcast_runs(problem, lr, lr_a, w0, a0, method)
    marks = _check_checkpoints(checkpoints, steps)
    record = np.empty((5, len(runs.lr), len(marks) + 2))
    width = max(1, BLOCK_BYTES // (8 * problem.dimension))
    with np.errstate(all="ignore"):  # a run that overflows is an outcome, not an accident
        for first in range(0, len(runs.lr), width):
            block = slice(first, first + width)
            _advance(problem, runs, block, method, [0, *marks, steps], record[:, block])
        return _tidy(problem, runs, method, marks, record, tolerance)


def _check_options(method: str, steps: int, tolerance: float) -> None:
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; use one of {', '.join(map(repr, METHODS))}")
    if not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"steps is {steps!r}; a run needs a whole number of steps, at least 1")
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance is {tolerance!r}; give the fraction of the first excess loss, between 0 and 1")


def _check_checkpoints(checkpoints: Sequence[int] | None, steps: int) -> list[int]:
    if checkpoints is None:
        return [int(steps)]
    marks = np.unique(np.asarray(checkpoints))
    if marks.size == 0 or marks.dtype.kind not in "iu" or marks[0] < 0 or marks[-1] > steps:
        raise ValueError(f"checkpoints are {list(checkpoints)!r}; give whole numbers between 0 and steps = {steps}")
    return [int(mark) for mark in marks]


def _broadcast_runs(
    problem: Problem, lr: ArrayLike, lr_a: ArrayLike, w0: ArrayLike, a0: ArrayLike | None, method: str
) -> Runs:
    check_rates(lr=lr, lr_a=lr_a)
    rate, rate_a = np.asarray(lr, dtype=float), np.asarray(lr_a, dtype=float)
    starts = problem.check_start(w0)
    if method == "bngd":
        check_nonzero(starts)
    given_a = np.asarray(np.nan if a0 is None else a0, dtype=float)
    if a0 is not None and not np.isfinite(given_a).all():
        raise ValueError("a0 holds NaN or infinity; start from finite numbers, or None for w0'g/s0")
    index = np.arange(starts[..., 0].size).reshape(starts.shape[:-1])
    try:
        rate, rate_a, which, given_a = (v.ravel() for v in np.broadcast_arrays(rate, rate_a, index, given_a))
    except ValueError:
        raise ValueError(
            f"lr {np.shape(lr)}, lr_a {np.shape(lr_a)}, a0 {given_a.shape} and the leading axes of w0 {starts.shape} "
            "do not broadcast; for every step size from every start give lr[:, None]"
        ) from None
    if rate.size == 0:
        raise ValueError("there is no run to do: lr, lr_a, a0 or w0 is empty")
    starts = starts.reshape(-1, problem.dimension)
    if method == "gd":
        given_a = np.full_like(rate, np.nan)
    elif a0 is None:
        given_a = (starts @ problem.g / np.sqrt(starts**2 @ problem.eigenvalues))[which]
    return Runs(rate, rate_a, which, starts, given_a)


def _advance(problem: Problem, runs: Runs, block: slice, method: str, marks: list[int], record: Array) -> None:
    """Run one block of runs through the sorted steps `marks`, filling ``record[:, run, mark]``."""
    lr, lr_a = runs.lr[block], runs.lr_a[block]
    a, w = runs.a0[block], runs.starts[runs.start[block]]
    step, observe = (_gd_step, _observe_gd) if method == "gd" else (_bngd_step, _observe_bngd)
    done = 0
    for column, mark in enumerate(marks):
        for _ in range(done, mark):
            a, w = step(problem, a, w, lr, lr_a)
        done = mark
        record[:, :, column] = observe(problem, a, w, lr)


def _gd_step(problem: Problem, a: Array, w: Array, lr: Array, _: Array) -> tuple[Array, Array]:
    return a, w + lr[:, None] * (problem.g - problem.eigenvalues * w)


def _bngd_step(problem: Problem, a: Array, w: Array, lr: Array, lr_a: Array) -> tuple[Array, Array]:
    sigma, q = _sigma_and_q(problem, w)
    gradient = problem.g - q[:, None] * (problem.eigenvalues * w)
    return a + lr_a * (q * sigma - a), w + (lr * a / sigma)[:, None] * gradient


def _sigma_and_q(problem: Problem, w: Array) -> tuple[Array, Array]:
    variance = (w * w) @ problem.eigenvalues
    return np.sqrt(variance), (w @ problem.g) / variance


def _observe_gd(problem: Problem, a: Array, w: Array, lr: Array) -> tuple[Array, ...]:
    excess = (problem.u - w) ** 2 @ problem.eigenvalues / 2
    norm = np.linalg.norm(w, axis=1)
    return a, excess, norm, lr, a


def _observe_bngd(problem: Problem, a: Array, w: Array, lr: Array) -> tuple[Array, ...]:
    sigma, q = _sigma_and_q(problem, w)
    residual = problem.u - q[:, None] * w
    excess = (a - q * sigma) ** 2 / 2 + residual**2 @ problem.eigenvalues / 2
    return a, excess, np.linalg.norm(w, axis=1), lr * a / sigma * q, q * sigma


def _tidy(problem: Problem, runs: Runs, method: str, marks: list[int], record: Array, tolerance: float) -> pd.DataFrame:
    """Lay the record out as one row per run and checkpoint."""
    a, excess, norm, effective, best_a = record
    ends = classify(problem, excess[:, 0], excess[:, -1], a[:, -1], best_a[:, -1], tolerance=tolerance)
    n, k = len(runs.lr), len(marks)
    seen = slice(1, k + 1)
    return pd.DataFrame(
        {
            "run": np.repeat(np.arange(n), k),
            "lr": np.repeat(runs.lr, k),
            "lr_a": np.repeat(runs.lr_a if method == "bngd" else np.full(n, np.nan), k),
            "start": np.repeat(runs.start, k),
            "step": np.tile(marks, n),
            "a": a[:, seen].ravel(),
            "excess_loss": excess[:, seen].ravel(),
            "relative_loss": (excess[:, seen] / excess[:, :1]).ravel(),
            "norm_w": norm[:, seen].ravel(),
            "effective_step": effective[:, seen].ravel(),
            "outcome": np.repeat(ends, k),
        }
    )
