"""Gradient descent and BNGD, one step and one trajectory at a time: the reference that all faster code must equal.

Everything is in H's eigenbasis, where H w is ``eigenvalues * w``. Functions of a state take w of shape (..., d) and
a of shape (...), so that a whole trajectory can be measured at once.

Source: Y. Cai, Q. Li, Z. Shen, ICML 2019.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bngd.arrays import Array
from bngd.problem import Problem

_DIVERGENCE_FACTOR = 1e12
"""A run has diverged when its excess loss passes this multiple of the larger of its start's and of u'Hu/2.

For 0 < lr_a < 2, BNGD keeps a within max(a_0, 2 ||u||_H / min(lr_a, 2 - lr_a)) of zero, so that a bounded run is not
taken for a diverged one unless lr_a is within 1e-6 of 2.
"""


class Outcome(StrEnum):
    """How a run ended."""

    CONVERGED = "converged to a minimiser"
    SADDLE = "at a saddle"
    MOVING = "still moving"
    DIVERGED = "diverged"


def sigma(problem: Problem, w: ArrayLike) -> Array:
    """Return s = sqrt(w'Hw), the standard deviation of x'w, shape (...); NaN where w'Hw overflows."""
    w = np.asarray(w, dtype=float)
    variance = np.sum(problem.eigenvalues * w**2, axis=-1)
    # Dividing by an infinite s would make w'g/s a harmless-looking zero, and a lost run one at a saddle.
    return np.sqrt(np.where(np.isfinite(variance), variance, np.nan))


def residual(problem: Problem, w: ArrayLike) -> Array:
    """Return e = u - q w with q = w'g/s^2, the part of the solution that is H-orthogonal to w, shape (..., d)."""
    w = np.asarray(w, dtype=float)
    q = (w @ problem.g) / sigma(problem, w) ** 2
    return problem.u - q[..., None] * w


def optimal_a(problem: Problem, w: ArrayLike) -> Array:
    """Return w'g/s, the best a for given weights and the value that lr_a = 1 moves a to, shape (...)."""
    w = np.asarray(w, dtype=float)
    return (w @ problem.g) / sigma(problem, w)


def gd_step(problem: Problem, w: ArrayLike, lr: float) -> Array:
    """Return w + eps (g - H w).

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> bngd.gd_step(problem, [0.0, 0.0], lr=0.25)
    array([0.25, 1.  ])
    """
    w = np.asarray(w, dtype=float)
    return w + lr * (problem.g - problem.eigenvalues * w)


def bngd_step(problem: Problem, a: ArrayLike, w: ArrayLike, lr: ArrayLike, lr_a: ArrayLike) -> tuple[Array, Array]:
    """Return the next (a, w) of gradient descent on J(a, w) = E[(y - a N(x'w))^2]/2, for rates of a's shape, too.

    a+ = a + eps_a (w'g/s - a),   w+ = w + eps (a/s) (g - (w'g/s^2) H w),   both from the old a and w.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> a, w = bngd.bngd_step(problem, 1.0, [3.0, 2.0], lr=10.0, lr_a=0.5)
    >>> round(float(a), 2), w.round(2)
    (1.6, array([2.36, 2.96]))
    """
    a, w = np.asarray(a, dtype=float), np.asarray(w, dtype=float)
    s = sigma(problem, w)
    wg = w @ problem.g
    gradient = problem.g - (wg / s**2)[..., None] * problem.eigenvalues * w
    return a + np.asarray(lr_a) * (wg / s - a), w + (np.asarray(lr) * (a / s))[..., None] * gradient


def gd_excess_loss(problem: Problem, w: ArrayLike) -> Array:
    """Return J0(w) - J_min = ||u - w||_H^2 / 2, shape (...)."""
    return np.sum(problem.eigenvalues * (problem.u - np.asarray(w, dtype=float)) ** 2, axis=-1) / 2


def excess_loss(problem: Problem, a: ArrayLike, w: ArrayLike) -> Array:
    """Return J(a, w) - J_min = (a - w'g/s)^2/2 + ||e||_H^2/2, shape (...).

    Never computed as a difference of losses, which cancels below 1e-16 u'Hu.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> round(float(bngd.excess_loss(problem, 2.2, [3.0, 2.0])), 4)
    0.08
    """
    e = residual(problem, w)
    return (np.asarray(a) - optimal_a(problem, w)) ** 2 / 2 + np.sum(problem.eigenvalues * e**2, axis=-1) / 2


def effective_step(problem: Problem, a: ArrayLike, w: ArrayLike, lr: ArrayLike) -> Array:
    """Return eff = eps (a/s) q, the step size that gradient descent on u - q w would be taking, shape (...).

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> round(float(bngd.effective_step(problem, 1.0, [3.0, 2.0], lr=10.0)), 4)
    0.88
    """
    w = np.asarray(w, dtype=float)
    return np.asarray(lr) * np.asarray(a) * (w @ problem.g) / sigma(problem, w) ** 3


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One run, every step kept; index 0 is the start.

    Attributes
    ----------
    a : ndarray, shape (steps + 1,)
        NaN for gradient descent, which has no a.
    w : ndarray, shape (steps + 1, d)
        Weights in the eigenbasis.
    excess_loss : ndarray, shape (steps + 1,)
        Loss minus J_min.
    effective_step : ndarray, shape (steps + 1,)
        For gradient descent the step size itself.
    outcome : Outcome
        How the run ended.
    """

    a: Array
    w: Array
    excess_loss: Array
    effective_step: Array
    outcome: Outcome

    @property
    def norm_w(self) -> Array:
        """||w_k||, shape (steps + 1,)."""
        return np.linalg.norm(self.w, axis=-1)


def gd_trajectory(problem: Problem, w0: ArrayLike, lr: float, steps: int, *, tolerance: float = 1e-10) -> Trajectory:
    """Run gradient descent for a number of steps.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (d,)
    lr : float
        Step size eps > 0.
    steps : int
        At least 1.
    tolerance : float
        The run has converged when its excess loss is at most this fraction of u'Hu/2.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.
    """
    w0 = _checked_single_start(problem, w0)
    check_positive(lr=lr)
    w = np.empty((check_count("steps", steps) + 1, problem.dimension))
    w[0] = w0
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(steps):
            w[k + 1] = gd_step(problem, w[k], lr)
        loss = gd_excess_loss(problem, w)
    outcome = classify(problem, loss[0], loss[-1], tolerance=tolerance)
    return Trajectory(np.full(steps + 1, np.nan), w, loss, np.full(steps + 1, float(lr)), Outcome(str(outcome)))


def bngd_trajectory(
    problem: Problem,
    w0: ArrayLike,
    lr: float,
    steps: int,
    *,
    lr_a: float = 1.0,
    a0: float | None = None,
    tolerance: float = 1e-10,
) -> Trajectory:
    """Run BNGD for a number of steps.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (d,)
        Not zero.
    lr, lr_a : float
        Step sizes eps > 0 of the weights and eps_a > 0 of a. Values of eps_a from 2 on are allowed: they diverge, and
        to show that is one of the uses of this function.
    steps : int
        At least 1.
    a0 : float, optional
        Starting a; w0'g/s0 where not given.
    tolerance : float
        The run has converged when its excess loss is at most this fraction of u'Hu/2.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 10.0], u=[1, 1])
    >>> run = bngd.bngd_trajectory(problem, [1.0, 0.1], lr=10 * bngd.gd_stability_limit(problem), steps=5000)
    >>> run.outcome.value
    'converged to a minimiser'
    """
    w0 = check_nonzero(_checked_single_start(problem, w0))
    check_positive(lr=lr, lr_a=lr_a)
    w, a = np.empty((check_count("steps", steps) + 1, problem.dimension)), np.empty(steps + 1)
    w[0], a[0] = w0, optimal_a(problem, w0) if a0 is None else a0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for k in range(steps):
            a[k + 1], w[k + 1] = bngd_step(problem, a[k], w[k], lr, lr_a)
        loss = excess_loss(problem, a, w)
        outcome = classify(problem, loss[0], loss[-1], a[-1], optimal_a(problem, w[-1]), tolerance=tolerance)
        return Trajectory(a, w, loss, effective_step(problem, a, w, lr), Outcome(str(outcome)))


def classify(
    problem: Problem,
    first_loss: ArrayLike,
    last_loss: ArrayLike,
    a: ArrayLike = np.nan,
    best_a: ArrayLike = np.nan,
    *,
    tolerance: float = 1e-10,
) -> NDArray[np.str_]:
    """Return the outcome of each run as a string of `Outcome`, shape (...).

    Parameters
    ----------
    problem : Problem
    first_loss, last_loss : array_like, shape (...)
        Excess loss at the start and at the end.
    a, best_a : array_like, shape (...)
        a and w'g/s at the end; both near zero mean a saddle of J. NaN, the default, for gradient descent: it has none.
    tolerance : float
        Convergence: excess loss at most this fraction of u'Hu/2. Saddle: a and w'g/s within this fraction of ||u||_H
        of zero.
    """
    scale = problem.explained / 2
    last, a, best_a = np.asarray(last_loss), np.asarray(a), np.asarray(best_a)
    blown_up = ~(last <= _DIVERGENCE_FACTOR * np.maximum(first_loss, scale))
    near_zero = tolerance * np.sqrt(problem.explained)
    at_saddle = (np.abs(a) <= near_zero) & (np.abs(best_a) <= near_zero)
    conditions = [blown_up, last <= tolerance * scale, at_saddle]
    choices = [Outcome.DIVERGED.value, Outcome.CONVERGED.value, Outcome.SADDLE.value]
    return np.select(conditions, choices, default=Outcome.MOVING.value)


def check_positive(**numbers: ArrayLike) -> None:
    """Raise ValueError, naming the culprit, unless every value is positive and finite."""
    for name, value in numbers.items():
        if value is None:
            raise ValueError(f"{name} is None; it must be positive and finite: give such a number")
        values = np.asarray(value, dtype=float)
        bad = values[~((values > 0) & (values < np.inf))]
        if bad.size:
            raise ValueError(f"{name} is {bad.flat[0]}; it must be positive and finite: give such a number")


def check_count(name: str, value: Any, way_out: str = "give more") -> int:
    """Return a whole number; raise ValueError, with what to give else, unless it is one and at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number, at least 1: {way_out}")
    return int(value)


def check_nonzero(w0: Array) -> Array:
    """Return the starting weights; raise ValueError where one is zero, since N(x'w) is not defined there."""
    if not np.any(w0, axis=-1).all():
        raise ValueError("w0 is zero, where batch normalization is not defined; start from any other weights")
    return w0


def _checked_single_start(problem: Problem, w0: ArrayLike) -> Array:
    start = problem.check_start(w0)
    if start.ndim != 1:
        raise ValueError(f"w0 has shape {start.shape}; a trajectory has one start, of shape ({problem.dimension},)")
    return start
