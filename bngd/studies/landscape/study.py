"""The loss of batch normalization as a landscape: its decomposition and its stationary points, by differentiation.

`direct_loss` is the loss as the paper writes it, and every derivative here is taken of it numerically, so that nothing
depends on the formulas that are being checked.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.arrays import Array
from bngd.dynamics import Trajectory, bngd_trajectory, excess_loss, gd_trajectory, optimal_a
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.theory import effective_hessian

_COMPLEX_STEP = 1e-30
"""Imaginary part that differentiates: no difference is formed, so it can be as small as the numbers allow."""

_DIFFERENCE_STEP = 1e-5
"""Relative step of the central differences that turn gradients into a Hessian: near the cube root of rounding."""


# --- derivatives -----------------------------------------------------------------------------------------------------


def direct_loss(problem: Problem, a: ArrayLike, w: ArrayLike) -> NDArray:
    """Return J(a, w) = c/2 - a w'g/s + a^2/2 for a (...) and w (..., d), real or complex: analytic in both."""
    a, w = np.asarray(a), np.asarray(w)
    s = np.sqrt(np.sum(problem.eigenvalues * w**2, axis=-1))
    return float(problem.second_moment or 0.0) / 2 - a * (w @ problem.g) / s + a**2 / 2


def loss_gradient(problem: Problem, a: float, w: ArrayLike) -> Array:
    """Return the gradient of J in (a, w), shape (d + 1,), by the complex step: dJ/dx = Im J(x + ih)/h.

    References
    ----------
    W. Squire, G. Trapp, SIAM Review 40 (1998), 110-112.
    """
    z = np.concatenate([[a], w]) + 1j * _COMPLEX_STEP * np.eye(problem.dimension + 1)
    return np.imag(direct_loss(problem, z[:, 0], z[:, 1:])) / _COMPLEX_STEP


def loss_hessian(problem: Problem, a: float, w: ArrayLike) -> Array:
    """Return the Hessian of J in (a, w), shape (d + 1, d + 1): central differences of `loss_gradient`."""
    z = np.concatenate([[a], w])
    steps = _DIFFERENCE_STEP * np.append(np.sqrt(problem.explained), np.full(problem.dimension, np.linalg.norm(w)))
    rows = [_slope(problem, z, step * direction) / step for step, direction in zip(steps, np.eye(z.size), strict=True)]
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def _slope(problem: Problem, z: Array, shift: Array) -> Array:
    ahead, behind = z + shift, z - shift
    return (loss_gradient(problem, ahead[0], ahead[1:]) - loss_gradient(problem, behind[0], behind[1:])) / 2


# --- random ensembles ------------------------------------------------------------------------------------------------


def decomposition_errors(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Compare J(a, w) - J_min with (a - w'g/s)^2/2 + ||e||_H^2/2 at a random point of each of n random problems.

    Returns
    -------
    pandas.DataFrame
        dimension, condition_number, direct, decomposed, difference: relative to the largest term of J, to which the
        direct evaluation rounds.
    """
    return pd.DataFrame([_decomposition_error(rng) for _ in range(n)])


def _decomposition_error(rng: np.random.Generator) -> dict[str, float]:
    noiseless = log_uniform_problem(rng, max_dimension=50, max_condition_number=1e3)
    problem = replace(noiseless, second_moment=noiseless.explained * (1 + rng.uniform()))
    w = unit_vectors(rng, problem.dimension) * 10.0 ** rng.uniform(-2, 2)
    a = float(rng.normal(scale=2 * np.sqrt(problem.explained)))
    direct = float(direct_loss(problem, a, w)) - problem.minimum_loss
    decomposed = float(excess_loss(problem, a, w))
    largest = max(float(problem.second_moment or 0.0), a**2) / 2
    return {
        "dimension": problem.dimension,
        "condition_number": problem.condition_number,
        "direct": direct,
        "decomposed": decomposed,
        "difference": abs(direct - decomposed) / largest,
    }


def stationary_points(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Differentiate J at a random minimiser and at a random saddle of each of n random problems.

    Returns
    -------
    pandas.DataFrame
        dimension, condition_number, t;
        minimiser_gradient, saddle_gradient: norms without units, the a-part divided by ||u||_H, the w-part multiplied
        by ||w||/||u||_H^2;
        hessian_difference: spectral norm of the Hessian minus blockdiag(1, H*/t^2), relative to the latter's;
        saddle_eigenvalue, saddle_predicted: the Hessian's smallest, and (1 - sqrt(1 + 4 ||g||^2/s^2))/2.
    """
    return pd.DataFrame([_stationary_point(rng) for _ in range(n)])


def _stationary_point(rng: np.random.Generator) -> dict[str, float]:
    problem = log_uniform_problem(rng, max_dimension=12)
    t = float(rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-1, 1))
    a, w = np.sign(t) * np.sqrt(problem.explained), t * problem.u
    predicted = minimiser_hessian(problem, t)
    across = saddle_direction(problem, rng)
    return {
        "dimension": problem.dimension,
        "condition_number": problem.condition_number,
        "t": t,
        "minimiser_gradient": _unitless_norm(problem, loss_gradient(problem, a, w), w),
        "saddle_gradient": _unitless_norm(problem, loss_gradient(problem, 0.0, across), across),
        "hessian_difference": float(
            np.linalg.norm(loss_hessian(problem, a, w) - predicted, 2) / np.linalg.norm(predicted, 2)
        ),
        "saddle_eigenvalue": float(np.linalg.eigvalsh(loss_hessian(problem, 0.0, across))[0]),
        "saddle_predicted": saddle_curvature(problem, across),
    }


def minimiser_hessian(problem: Problem, t: float) -> Array:
    """Return blockdiag(1, H*/t^2), the Hessian of J at (sign(t) ||u||_H, t u), shape (d + 1, d + 1)."""
    hessian = np.zeros((problem.dimension + 1,) * 2)
    hessian[0, 0] = 1.0
    hessian[1:, 1:] = effective_hessian(problem) / t**2
    return hessian


def saddle_direction(problem: Problem, rng: np.random.Generator) -> Array:
    """Return a random w with w'g = 0 and unit length, shape (d,): with a = 0 it is a saddle."""
    w = rng.standard_normal(problem.dimension)
    w -= (w @ problem.g) / (problem.g @ problem.g) * problem.g
    return w / np.linalg.norm(w)


def saddle_curvature(problem: Problem, w: ArrayLike) -> float:
    """Return the negative eigenvalue (1 - sqrt(1 + 4 ||g||^2/s^2))/2 of the Hessian at a saddle (0, w).

    There the second derivatives are 1 in a, -g/s between a and w, and none in w.
    """
    w = np.asarray(w, dtype=float)
    return float((1 - np.sqrt(1 + 4 * (problem.g @ problem.g) / (problem.eigenvalues @ w**2))) / 2)


def _unitless_norm(problem: Problem, gradient: Array, w: Array) -> float:
    scale = np.sqrt(problem.explained)
    return float(np.hypot(gradient[0] / scale, np.linalg.norm(gradient[1:]) * np.linalg.norm(w) / scale**2))


# --- runs in the plane -----------------------------------------------------------------------------------------------


def on_circle(angles: ArrayLike, radius: ArrayLike = 1.0) -> Array:
    """Return the points of the plane at the given angles (n,), in degrees, and radius, shape (n, 2)."""
    angles = np.deg2rad(np.asarray(angles, dtype=float))
    return np.asarray(radius)[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def plane(half_width: float, n: int) -> tuple[Array, Array]:
    """Return the n coordinates of a square grid around the origin, an even number so that it misses the origin.

    Returns
    -------
    axis : ndarray, shape (n,)
    points : ndarray, shape (n, n, 2)
        Indexed [row, column] = [second, first coordinate].
    """
    axis = np.linspace(-half_width, half_width, n + n % 2)
    return axis, np.stack(np.meshgrid(axis, axis), axis=-1)


def gd_runs(problem: Problem, starts: Array, lr: float, steps: int) -> list[Trajectory]:
    """Run gradient descent from each row of ``starts``, shape (n, d)."""
    return [gd_trajectory(problem, w0, lr, steps) for w0 in starts]


def bngd_runs(
    problem: Problem, starts: Array, lr: float, steps: int, *, lr_a: float = 1.0, a0: Sequence[float] | None = None
) -> list[Trajectory]:
    """Run BNGD from each row of ``starts``, shape (n, d), and a0 (n,), w0'g/s0 where not given."""
    first = [None] * len(starts) if a0 is None else a0
    return [bngd_trajectory(problem, w, lr, steps, lr_a=lr_a, a0=a) for w, a in zip(starts, first, strict=True)]


def ends(problem: Problem, runs: Sequence[Trajectory]) -> pd.DataFrame:
    """Return where runs ended.

    Returns
    -------
    pandas.DataFrame
        A row per run: t = w'u/||u||^2, a_over_norm_u = a/||u||_H, degrees_off_ray (between w and the line through u),
        growth = ||w||/||w_0||, same_side (whether w'g has kept its sign), outcome.
    """
    first, last = (np.array([run.w[k] for run in runs]) for k in (0, -1))
    along = last @ problem.u / np.linalg.norm(problem.u)
    cosine = np.abs(along) / np.linalg.norm(last, axis=-1)
    return pd.DataFrame(
        {
            "t": along / np.linalg.norm(problem.u),
            "a_over_norm_u": [run.a[-1] / np.sqrt(problem.explained) for run in runs],
            "degrees_off_ray": np.rad2deg(np.arccos(np.minimum(cosine, 1.0))),
            "growth": np.linalg.norm(last, axis=-1) / np.linalg.norm(first, axis=-1),
            "same_side": np.sign(first @ problem.g) == np.sign(last @ problem.g),
            "outcome": [str(run.outcome) for run in runs],
        }
    )


class AngleSurface(NamedTuple):
    """J over the angle from u to w and a: a problem in the plane, without the length of w.

    Attributes
    ----------
    angle : ndarray, shape (n,)
        From u to w, in degrees.
    a : ndarray, shape (n,)
    loss : ndarray, shape (n, n)
        Excess loss, indexed [a, angle].
    best_a : ndarray, shape (n,)
        w'g/s.
    saddles : ndarray, shape (2,)
        The angles where w'g = 0, in degrees.
    """

    angle: Array
    a: Array
    loss: Array
    best_a: Array
    saddles: Array


_FIRST_ANGLE = -100.0
"""Where the circle of directions is cut open, in degrees from u: away from the minimisers, at 0 and 180."""


def angle_surface(problem: Problem, n: int) -> AngleSurface:
    """Return J over n angles from -100 to 260 degrees and n values of a up to 1.6 times ||u||_H."""
    angle = np.linspace(_FIRST_ANGLE, _FIRST_ANGLE + 360, n)
    a = np.linspace(-1.6, 1.6, n) * np.sqrt(problem.explained)
    w = at_angles(problem, angle)
    across = np.array([-problem.g[1], problem.g[0]])
    saddles = np.sort(angle_to_solution(problem, np.array([across, -across])))
    return AngleSurface(angle, a, excess_loss(problem, a[:, None], w), optimal_a(problem, w), saddles)


def at_angles(problem: Problem, degrees: ArrayLike) -> Array:
    """Return the unit vectors of the plane at the given angles (n,) from u, in degrees, shape (n, 2)."""
    return on_circle(np.asarray(degrees) + np.rad2deg(np.arctan2(problem.u[1], problem.u[0])))


def angle_to_solution(problem: Problem, w: ArrayLike) -> Array:
    """Return the angles from u to the points w (..., 2) of the plane, in degrees within [-100, 260)."""
    w = np.asarray(w, dtype=float)
    angle = np.rad2deg(np.arctan2(w[..., 1], w[..., 0]) - np.arctan2(problem.u[1], problem.u[0]))
    return np.mod(angle - _FIRST_ANGLE, 360.0) + _FIRST_ANGLE


def angle_paths(problem: Problem, runs: Sequence[Trajectory]) -> list[Array]:
    """Return the (angle, a) along each run, shape (n, 2), with a row of NaN wherever it crosses the circle's cut."""
    return [_angle_path(angle_to_solution(problem, run.w), run.a) for run in runs]


def _angle_path(angle: Array, a: Array) -> Array:
    crossings = np.flatnonzero(np.abs(np.diff(angle)) > 180) + 1
    return np.insert(np.column_stack([angle, a]), crossings, np.nan, axis=0)


def reach(runs: Sequence[Trajectory]) -> float:
    """Return half the width of a square around the origin that holds all runs, with a margin of a tenth."""
    return 1.1 * float(max(np.abs(run.w).max() for run in runs))


def cancellation(problem: Problem, run: Trajectory) -> pd.DataFrame:
    """Return the excess loss along a run: step, direct (a difference of losses), decomposed (by its two squares)."""
    direct = direct_loss(problem, run.a, run.w) - problem.minimum_loss
    return pd.DataFrame({"step": np.arange(run.a.size), "direct": np.abs(direct), "decomposed": run.excess_loss})
