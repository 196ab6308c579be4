"""The closed forms: stability limits, rates, the effective Hessian, asymptotes, the good interval.

Every function takes a `Problem` and returns what the theory predicts, before anything is run. Sources: the paper, and
for the effective Hessian's interlacing G. H. Golub, SIAM Review 15 (1973), 318-334.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import check_nonzero, check_positive, optimal_a, residual, sigma
from bngd.problem import Problem

# --- gradient descent ------------------------------------------------------------------------------------------------


def gd_stability_limit(problem: Problem) -> float:
    """Return 2/l_d: gradient descent converges from every start if and only if 0 < eps < 2/l_d.

    Examples
    --------
    >>> bngd.gd_stability_limit(bngd.Problem.from_spectrum([1.0, 100.0], u=[1, 1]))
    0.02
    """
    return float(2 / problem.eigenvalues[-1])


def gd_factor(problem: Problem, lr: ArrayLike) -> Array:
    """Return rho(I - eps H) = max_i |1 - eps l_i|, the factor of the error in one step, shape of ``lr``.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> float(bngd.gd_factor(problem, 0.25))
    0.75
    """
    return contraction_bound(problem, lr)


def gd_best_lr(problem: Problem) -> float:
    """Return 2/(l_1 + l_d), the step size with the smallest factor."""
    return float(2 / (problem.eigenvalues[0] + problem.eigenvalues[-1]))


def gd_best_factor(problem: Problem) -> float:
    """Return (kappa - 1)/(kappa + 1), the factor at the best step size."""
    return _best_factor(problem.condition_number)


# --- the effective Hessian -------------------------------------------------------------------------------------------


def effective_hessian(problem: Problem) -> Array:
    """Return H* = H - H u u' H / (u'Hu) in H's eigenbasis, shape (d, d): what BNGD sees of H at a minimiser.

    Examples
    --------
    >>> bngd.effective_hessian(bngd.Problem.from_spectrum([1.0, 2.0, 3.0], u=[0, 1, 0]))
    array([[1., 0., 0.],
           [0., 0., 0.],
           [0., 0., 3.]])
    """
    return np.diag(problem.eigenvalues) - np.outer(problem.g, problem.g) / problem.explained


def effective_eigenvalues(problem: Problem) -> Array:
    """Return the eigenvalues l*_1 = 0 <= l*_2 <= ... <= l*_d of H*, shape (d,).

    They interlace with those of H: l_{i-1} <= l*_i <= l_i. The first is set to the zero that it is in exact arithmetic.
    """
    values = np.asarray(np.linalg.eigvalsh(effective_hessian(problem)), dtype=float)
    values[0] = 0.0
    return values


class Extremes(NamedTuple):
    """The two eigenvalues of H* that set BNGD's rate."""

    smallest: float
    largest: float


def effective_extremes(problem: Problem) -> Extremes:
    r"""Return l*_2 and l*_d, by bisection of the secular equation: O(d), and no (d, d) matrix.

    The eigenvalues of H - gg'/(u'Hu) solve sum_i g_i^2/(l_i - x) = u'Hu; between two eigenvalues of H the left side
    increases, so that each of the intervals [l_1, l_2] and [l_{d-1}, l_d] holds exactly the one that is looked for.

    Raises
    ------
    ValueError
        If d = 1, where H* = 0 and BNGD needs no rate.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 2.0, 3.0, 100.0], u=[0, 0, 0, 1])
    >>> np.round(bngd.effective_extremes(problem), 6)
    array([1., 3.])
    """
    if problem.dimension < 2:
        raise ValueError("the problem has dimension 1, where H* = 0: BNGD's w is optimal from the start; use d >= 2")
    l = problem.eigenvalues  # noqa: E741 - the symbol of the paper
    return Extremes(_secular_root(problem, l[0], l[1]), _secular_root(problem, l[-2], l[-1]))


def _secular_root(problem: Problem, low: float, high: float) -> float:
    while True:
        middle = low + (high - low) / 2
        if not low < middle < high:
            return float(middle)
        if np.sum(problem.g**2 / (problem.eigenvalues - middle)) < problem.explained:
            low = middle
        else:
            high = middle


def effective_condition_number(problem: Problem) -> float:
    """Return kappa* = l*_d / l*_2, never above kappa.

    Raises
    ------
    ValueError
        If d = 1.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 2.0, 3.0, 100.0], u=[0, 0, 0, 1])
    >>> problem.condition_number, round(bngd.effective_condition_number(problem), 6)
    (100.0, 3.0)
    """
    smallest, largest = effective_extremes(problem)
    return largest / smallest


# --- BNGD near a minimiser -------------------------------------------------------------------------------------------


def bngd_stability_limit(problem: Problem) -> float:
    """Return 2/l*_d: a minimiser attracts nearby runs if and only if the effective step there is below it.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 2.0, 3.0, 100.0], u=[0, 0, 0, 1])
    >>> round(bngd.bngd_stability_limit(problem), 6)
    0.666667
    """
    return 2 / effective_extremes(problem).largest


def bngd_factor(problem: Problem, step: ArrayLike) -> Array:
    """Return rho* = max_{i>=2} |1 - eff l*_i|, the factor of ||e_k||_H in the end, shape of ``step``.

    ``step`` is the effective step at the limit. The loss decays with max(rho*, |1 - eps_a|)^2.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 2.0, 3.0, 100.0], u=[0, 0, 0, 1])
    >>> round(float(bngd.bngd_factor(problem, 0.6)), 6)
    0.8
    """
    smallest, largest = effective_extremes(problem)
    step = np.asarray(step, dtype=float)
    return np.maximum(np.abs(1 - step * smallest), np.abs(1 - step * largest))


def bngd_best_effective_step(problem: Problem) -> float:
    """Return 2/(l*_2 + l*_d), the effective step with the smallest factor."""
    return 2 / sum(effective_extremes(problem))


def bngd_best_factor(problem: Problem) -> float:
    """Return (kappa* - 1)/(kappa* + 1), the factor at the best effective step.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 2.0, 3.0, 100.0], u=[0, 0, 0, 1])
    >>> round(bngd.bngd_best_factor(problem), 6)
    0.5
    """
    return _best_factor(effective_condition_number(problem))


def contraction_bound(problem: Problem, step: ArrayLike) -> Array:
    """Return rho(I - eff H), which bounds ||e+||_H / ||e||_H for BNGD in every step, shape of ``step``.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> float(bngd.contraction_bound(problem, 0.6))
    1.4
    """
    smallest, largest = problem.eigenvalues[[0, -1]]
    step = np.asarray(step, dtype=float)
    return np.maximum(np.abs(1 - step * smallest), np.abs(1 - step * largest))


def limit_effective_step(problem: Problem, lr: ArrayLike, w_limit: ArrayLike) -> Array:
    """Return eps ||u||^2 / ||w_inf||^2, the effective step at the minimiser that a run ended in, shape (...)."""
    return np.asarray(lr) * np.sum(problem.u**2) / np.sum(np.asarray(w_limit, dtype=float) ** 2, axis=-1)


def _best_factor(condition_number: float) -> float:
    return (condition_number - 1) / (condition_number + 1)


# --- the effective step as a function of the step size (eps_a = 1, a_0 = w_0'g/s_0) ----------------------------------


class Asymptotes(NamedTuple):
    """eff ~ small * eps for small eps, and eff ~ large / eps for large eps (A and C of the text)."""

    small: Array
    large: Array


def effective_step_asymptotes(problem: Problem, w0: ArrayLike) -> Asymptotes:
    """Return A = ||u||^2/||w_0||^2 and C = ||u||^2 s_0^4 / ((w_0'g)^2 ||H e_0||^2) for starts of shape (..., d).

    Raises
    ------
    ValueError
        If a start is zero or has the wrong length.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> np.round(bngd.effective_step_asymptotes(problem, [3.0, 2.0]), 3)
    array([ 0.154, 31.041])
    """
    w0 = check_nonzero(problem.check_start(w0))
    u_squared = np.sum(problem.u**2)
    force = np.sum((problem.eigenvalues * residual(problem, w0)) ** 2, axis=-1)
    first_a = optimal_a(problem, w0)
    with np.errstate(divide="ignore"):  # a start that is already optimal never lengthens: C is infinite
        large = u_squared * sigma(problem, w0) ** 2 / (first_a**2 * force)
    return Asymptotes(u_squared / np.sum(w0**2, axis=-1), large)


class Interval(NamedTuple):
    """An interval of step sizes."""

    low: Array
    high: Array

    @property
    def decades(self) -> Array:
        """Its width, log10(high/low)."""
        return np.log10(self.high / self.low)


def good_interval(problem: Problem, w0: ArrayLike, level: ArrayLike) -> Interval:
    """Return the ends f/A and C/f of Omega_f = {eps : eff >= f} as the two asymptotes give them.

    The ratio of the ends is m = A C / f^2, the paper's measure of robustness to the choice of eps.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (..., d)
    level : array_like
        f > 0, below the plateau's 2/l*_d for the interval to mean anything.

    Raises
    ------
    ValueError
        If the level is not positive, or a start is zero or has the wrong length.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 10.0], u=[1, 1])
    >>> low, high = bngd.good_interval(problem, w0=[1.0, -0.09], level=0.01)
    >>> f"{low:.2g} to {high:.2g}"
    '0.005 to 2.3e+02'
    """
    check_positive(level=level)
    small, large = effective_step_asymptotes(problem, w0)
    return Interval(np.asarray(level) / small, large / np.asarray(level))


def mean_squared_overlap(problem: Problem) -> float:
    """Return ||g||^2/d = E (w_0'g)^2 for w_0 uniform on the unit sphere, the reason why m grows like d.

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum([1.0, 4.0], u=[1, 1])
    >>> bngd.mean_squared_overlap(problem)
    8.5
    """
    return float(problem.g @ problem.g / problem.dimension)
