"""What is proved of a run for every step size: how long its weights get, its effective step, its steps.

Sources: the theorems "Bounded weights", "The tent from both sides" and "Steps" and the propositions "No sooner" and
"The scale's own time" of the book (convergence.md, learning_rate.md, rate.md); they are not in the paper. P = ||u||_H
and A, C are those of `effective_step_asymptotes`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import check_nonzero, check_positive, excess_loss, optimal_a, residual, sigma
from bngd.problem import Problem
from bngd.theory import Interval, effective_step_asymptotes


class Bounds(NamedTuple):
    """A lower and an upper bound of one quantity."""

    lower: Array
    upper: Array


def descent_constant(problem: Problem, lr_a: ArrayLike = 1.0, a1: ArrayLike = 0.0) -> Array:
    """Return C_1 = kappa P (2 alpha/sqrt(3) + eps_a P/(2 - eps_a)), shape of ``lr_a`` and ``a1`` broadcast.

    Once ||w||^2 >= eps C_1 the loss falls by ||w+ - w||^2/(2 eps) at least in every step after the first; alpha =
    max(|a_1|, eps_a P/(1 - |1 - eps_a|)) bounds |a| from then on and is P for eps_a = 1.

    Raises
    ------
    ValueError
        If ``lr_a`` is not inside (0, 2).

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 0])
    >>> round(float(bngd.descent_constant(problem)), 3)
    8.619
    """
    lr_a, alpha = _checked_lr_a(lr_a), _scale_bound(problem, lr_a, a1)
    p = np.sqrt(problem.explained)
    return problem.condition_number * p * (2 * alpha / np.sqrt(3) + lr_a * p / (2 - lr_a))


def squared_norm_bounds(
    problem: Problem, w0: ArrayLike, lr: ArrayLike, *, lr_a: ArrayLike = 1.0, a0: ArrayLike | None = None
) -> Bounds:
    """Return bounds of ||w_inf||^2, the lower one being ||w_1||^2, for all rates and starts.

    The upper one, with alpha as in `descent_constant`, is ||w_1||^2 + eps (|a_1| + P)^2 where ||w_1||^2 >= eps C_1, and
    eps C_1 + eps^2 kappa P^2 alpha^2/||w_1||^2 + eps (alpha + P)^2 where not.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (..., d)
    lr, lr_a, a0 : array_like, shape (...)
        Rates eps > 0 and 0 < eps_a < 2, and the first scale, w0'g/s_0 where not given.

    Raises
    ------
    ValueError
        If a rate is outside of its range, or a start is zero or has the wrong length.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 0])
    >>> np.round(bngd.squared_norm_bounds(problem, [0.0, 1.0], lr=2.0, a0=3.0), 2)
    array([10.  , 26.84])
    """
    first, a1 = _first_step(problem, w0, lr, lr_a, a0)
    lr, lr_a = np.asarray(lr, dtype=float), np.asarray(lr_a, dtype=float)
    alpha, p, c1 = _scale_bound(problem, lr_a, a1), np.sqrt(problem.explained), descent_constant(problem, lr_a, a1)
    jump = lr**2 * problem.condition_number * problem.explained * alpha**2 / first
    short = lr * c1 + jump + lr * (alpha + p) ** 2
    return Bounds(first, np.where(first >= lr * c1, first + lr * (np.abs(a1) + p) ** 2, short))


def effective_step_bounds(
    problem: Problem, w0: ArrayLike, lr: ArrayLike, *, lr_a: ArrayLike = 1.0, a0: ArrayLike | None = None
) -> Bounds:
    """Return bounds of eff_inf = eps ||u||^2/||w_inf||^2, the tent from both sides; as `squared_norm_bounds`.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 0])
    >>> np.round(bngd.effective_step_bounds(problem, [0.0, 1.0], lr=2.0, a0=3.0), 3)
    array([0.075, 0.2  ])
    """
    lower, upper = squared_norm_bounds(problem, w0, lr, lr_a=lr_a, a0=a0)
    scale = np.asarray(lr) * np.sum(problem.u**2)
    return Bounds(scale / upper, scale / lower)


class Guaranteed(NamedTuple):
    """Step sizes with eff_inf >= f for certain: an interval less a gap; NaN where there is none of it."""

    interval: Interval
    gap: Interval


def guaranteed_interval(problem: Problem, w0: ArrayLike, level: float) -> Guaranteed:
    """Return step sizes that are proved to lie in Omega_f = {eps : eff_inf >= f}, for eps_a = 1 and a_0 = w_0'g/s_0.

    With T(eps) = 1/(A eps) + eps/C they are {T <= 1/f - (|p_0| + P)^2/||u||^2} without the gap {T < t}, where t is the
    smaller of C_1/||u||^2 and kappa P^4/||u||^4 / (1/f - (C_1 + 4 P^2)/||u||^2), the first where the second is not
    positive. Omega_f itself lies inside {T <= 1/f}, and so inside `good_interval`.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (d,)
    level : float
        f > 0.

    Raises
    ------
    ValueError
        If the level is not positive, or the start is zero or has the wrong length.
    """
    check_positive(level=level)
    u_squared, p = np.sum(problem.u**2), np.sqrt(problem.explained)
    c1 = descent_constant(problem) / u_squared
    outer = 1 / level - (np.abs(optimal_a(problem, w0)) + p) ** 2 / u_squared
    room = 1 / level - c1 - 4 * p**2 / u_squared
    inner = min(c1, problem.condition_number * p**4 / u_squared**2 / room) if room > 0 else c1
    nothing = Interval(np.array(np.nan), np.array(np.nan))
    if outer < inner:
        return Guaranteed(nothing, nothing)
    return Guaranteed(*(_below(problem, w0, float(height)) for height in (outer, inner)))


def gradient_budget(lr: ArrayLike, norm_start: ArrayLike, norm_limit: ArrayLike) -> Array:
    """Return (||w_inf||^4 - ||w_j||^4)/(2 eps^2), shape of the arguments broadcast.

    It bounds the sum over k >= j of g_k^2, g_k = ||w_k|| ||grad_w J||; divided by delta^2, the number of steps from the
    j-th on with g_k >= delta. It holds for all rates and starts, by norm growth alone.

    Raises
    ------
    ValueError
        If a rate or a norm is not positive.

    Examples
    --------
    >>> float(bngd.gradient_budget(lr=0.5, norm_start=1.0, norm_limit=2.0))
    30.0
    """
    check_positive(lr=lr, norm_start=norm_start, norm_limit=norm_limit)
    return (np.asarray(norm_limit) ** 4 - np.asarray(norm_start) ** 4) / (2 * np.asarray(lr) ** 2)


def smallest_residual_ratio(
    problem: Problem, w0: ArrayLike, lr: ArrayLike, *, lr_a: ArrayLike = 1.0, a0: ArrayLike | None = None
) -> Array:
    """Return 1 - (pi/2) eps alpha kappa P/||w_1||^2, which bounds ||e_{k+1}||_H/||e_k||_H from below for every k >= 1.

    Alpha is as in `descent_constant`. For eps_a = 1 and a_0 = w_0'g/s_0 it is 1 - (pi/2) kappa P^2/(||u||^2 T(eps)): a
    loss takes a number of steps of order T at least. Where it is negative it says nothing; else as
    `squared_norm_bounds`.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> float(np.round(bngd.smallest_residual_ratio(problem, [1.0, 0.0], lr=100.0), 3))
    0.98
    """
    first, a1 = _first_step(problem, w0, lr, lr_a, a0)
    turn = np.asarray(lr) * _scale_bound(problem, lr_a, a1) * problem.condition_number * np.sqrt(problem.explained)
    return 1 - np.pi / 2 * turn / first


def smallest_relative_loss(
    problem: Problem, w0: ArrayLike, steps: ArrayLike, *, lr_a: ArrayLike, a0: ArrayLike | None = None
) -> Array:
    """Return (1 - eps_a)^(2k) (P - |a_0|)^2/(2 (J_0 - J_min)), which bounds (J_k - J_min)/(J_0 - J_min) from below.

    Whatever eps is: the scale covers the part eps_a of its way in a step, and it has to come to P (the proposition "The
    scale's own time"). For a_0 = w_0'g/s_0 it is (1 - eps_a)^(2k) (P - |a_0|)/(P + |a_0|); for |a_0| >= P it is zero.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (..., d)
    steps, lr_a, a0 : array_like, shape (...)
        k >= 0, the rate 0 < eps_a <= 1, and the first scale, w0'g/s_0 where not given.

    Raises
    ------
    ValueError
        If a number of steps is negative, eps_a is outside of (0, 1], or a start is zero or has the wrong length.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 0])
    >>> float(bngd.smallest_relative_loss(problem, [0.0, 1.0], steps=2, lr_a=0.5))
    0.0625
    """
    steps, lr_a = np.asarray(steps), np.asarray(lr_a, dtype=float)
    for name, values, holds, rule in (
        ("steps", steps, steps >= 0, "at least 0"),
        ("lr_a", lr_a, (lr_a > 0) & (lr_a <= 1), "above 0 and at most 1: past 1 the scale can overshoot"),
    ):
        if not np.all(holds):
            raise ValueError(f"{name} is {values[~holds].flat[0]}; give a number {rule}")
    w0 = check_nonzero(problem.check_start(w0))
    a0 = optimal_a(problem, w0) if a0 is None else np.asarray(a0, dtype=float)
    missing = np.maximum(np.sqrt(problem.explained) - np.abs(a0), 0)
    return (1 - lr_a) ** (2 * steps) * missing**2 / (2 * excess_loss(problem, a0, w0))


def smallest_sigma_ratio(problem: Problem) -> float:
    """Return 2 sqrt(kappa)/(kappa + 1), which bounds s_{k+1}/s_k from below in every step (the proposition "The dip").

    It is Kantorovich's constant.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> bngd.smallest_sigma_ratio(problem)
    0.8
    """
    return float(2 * np.sqrt(problem.condition_number) / (problem.condition_number + 1))


def _below(problem: Problem, w0: ArrayLike, height: float) -> Interval:
    """Return the interval {T <= height}; its ends are the roots of a quadratic, taken without cancellation."""
    small, large = effective_step_asymptotes(problem, w0)
    with np.errstate(invalid="ignore"):  # NaN where the tent's top is below 1/height
        half = (height + np.sqrt(height**2 - 4 / (small * large))) / 2
    return Interval(1 / (small * half), large * half)


def _first_step(
    problem: Problem, w0: ArrayLike, lr: ArrayLike, lr_a: ArrayLike, a0: ArrayLike | None
) -> tuple[Array, Array]:
    """Return ||w_1||^2 and a_1."""
    check_positive(lr=lr)
    lr_a, w0 = _checked_lr_a(lr_a), check_nonzero(problem.check_start(w0))
    best = optimal_a(problem, w0)
    a0 = best if a0 is None else np.asarray(a0, dtype=float)
    force = np.sum((problem.eigenvalues * residual(problem, w0)) ** 2, axis=-1)
    first = np.sum(w0**2, axis=-1) + (np.asarray(lr, dtype=float) * a0 / sigma(problem, w0)) ** 2 * force
    return first, a0 + lr_a * (best - a0)


def _scale_bound(problem: Problem, lr_a: ArrayLike, a1: ArrayLike) -> Array:
    """Return alpha = max(|a_1|, eps_a P/(1 - |1 - eps_a|))."""
    lr_a = np.asarray(lr_a, dtype=float)
    return np.maximum(np.abs(a1), lr_a * np.sqrt(problem.explained) / np.minimum(lr_a, 2 - lr_a))


def _checked_lr_a(lr_a: ArrayLike) -> Array:
    array = np.asarray(lr_a, dtype=float)
    bad = array[~((array > 0) & (array < 2))]
    if bad.size:
        raise ValueError(f"lr_a is {bad.flat[0]}; the weights are known to stay bounded for 0 < lr_a < 2 only")
    return array
