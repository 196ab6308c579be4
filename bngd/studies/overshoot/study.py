"""The dip and the mirror law: what one overshoot costs, and where a run ends that leaves a minimiser."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import Trajectory, bngd_step, bngd_trajectory, optimal_a, residual, sigma
from bngd.ensemble import sweep
from bngd.guarantees import effective_step_bounds, smallest_sigma_ratio
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.theory import bngd_stability_limit, effective_hessian, good_interval, limit_effective_step


def dip_centre(problem: Problem, w0: ArrayLike) -> float:
    """Return eps = -w_{0,d}/z_d, z = q_0 H e_0, at which w_1 has no stiff part; it may be negative."""
    w0 = np.asarray(w0, dtype=float)
    return float(-w0[-1] / _first_direction(problem, w0)[-1])


def _height_after_two_steps(problem: Problem, w0: ArrayLike, lr: ArrayLike) -> Array:
    """Return eps ||u||^2/||w_2||^2, which bounds eff_inf from above (eps_a = 1, a_0 = w_0'g/s_0), shape of ``lr``."""
    lr = np.asarray(lr, dtype=float)
    w = np.tile(np.asarray(w0, dtype=float), (lr.size, 1))
    a = optimal_a(problem, w)
    for _ in range(2):
        a, w = bngd_step(problem, a, w, lr, 1.0)
    return limit_effective_step(problem, lr, w)


def dip_scan(problem: Problem, w0: ArrayLike, lr: ArrayLike, steps: int) -> pd.DataFrame:
    """Return lr, effective_step (eps ||u||^2/||w||^2 after ``steps``), predicted (that after two), floor (proved)."""
    return _scan(problem, w0, np.asarray(lr), sweep(problem, lr, steps=steps, w0=w0)["norm_w"].to_numpy())


def _scan(problem: Problem, w0: ArrayLike, lr: Array, norm: Array) -> pd.DataFrame:
    measured = limit_effective_step(problem, lr, norm[:, None])
    predicted, floor = _height_after_two_steps(problem, w0, lr), effective_step_bounds(problem, w0, lr).lower
    return pd.DataFrame({"lr": lr, "effective_step": measured, "predicted": predicted, "floor": floor})


def anatomy(problem: Problem, run: Trajectory, lr: float) -> pd.DataFrame:
    """Return, step by step, s, gradient (|a/s| ||He||), norm (||w||), effective_step, and bound, what |eff| is below.

    The bound is eps |a| ||u||_H/(l_1 ||w||^2).
    """
    s = sigma(problem, run.w)
    force = np.linalg.norm(problem.eigenvalues * residual(problem, run.w), axis=-1)
    bound = lr * np.abs(run.a) * np.sqrt(problem.explained) / (problem.eigenvalues[0] * run.norm_w**2)
    columns = {"s": s, "gradient": np.abs(run.a) / s * force, "norm": run.norm_w}
    return pd.DataFrame({**columns, "effective_step": run.effective_step, "bound": bound})


def deepest(rng: np.random.Generator, *, n_problems: int, n_lr: int, steps: int) -> pd.DataFrame:
    """Return the lowest point of the plateau of random problems, with the top eigenvector's share of u'Hu.

    The plateau is where both asymptotes are above twice 2/l*_d; problems without one are drawn anew.

    Returns
    -------
    pandas.DataFrame
        A row a problem: share, condition_number, lowest (eff over 2/l*_d), predicted (the same after two steps, at the
        lowest's eps), collapse (s_1/s_0 there over its bound from below).
    """
    rows: list[tuple[float, ...]] = []
    while len(rows) < n_problems:
        problem = log_uniform_problem(rng, max_dimension=10, max_condition_number=1e4)
        w0, limit = unit_vectors(rng, problem.dimension), bngd_stability_limit(problem)
        low, high = good_interval(problem, w0, 2 * limit)
        if not low < high:
            continue
        lr = np.geomspace(low, high, n_lr)
        centre = dip_centre(problem, w0)
        lr = np.append(lr, centre) if low < centre < high else lr
        scan = dip_scan(problem, w0, lr, steps)
        row = scan.loc[scan["effective_step"].idxmin()]
        w1 = w0 + row["lr"] * _first_direction(problem, w0)
        collapse = sigma(problem, w1) / sigma(problem, w0) / smallest_sigma_ratio(problem)
        share = problem.eigenvalues[-1] * problem.u[-1] ** 2 / problem.explained
        lowest, predicted = row["effective_step"] / limit, row["predicted"] / limit
        rows.append((share, problem.condition_number, lowest, predicted, float(collapse)))
    return pd.DataFrame(rows, columns=["share", "condition_number", "lowest", "predicted", "collapse"])


def attained(condition_numbers: ArrayLike, beta: float, steps: int) -> pd.DataFrame:
    """Run the example of the proposition "The bound is attained": H = diag(1, kappa), u = (beta, 1), w_0 = (beta/2, 1).

    Returns
    -------
    pandas.DataFrame
        A row for each kappa: condition_number, relative_step (eff over 2/l*_d), attained (eff's proved floor over eff).
    """
    rows = []
    for kappa in np.atleast_1d(condition_numbers):
        problem, w0 = Problem.from_spectrum([1.0, kappa], u=[beta, 1.0]), np.array([beta / 2, 1.0])
        lr = dip_centre(problem, w0)
        norm = bngd_trajectory(problem, w0, lr, steps).norm_w[-1:]
        scan = _scan(problem, w0, np.array([lr]), norm).iloc[0]
        relative = scan["effective_step"] / bngd_stability_limit(problem)
        rows.append((kappa, relative, scan["floor"] / scan["effective_step"]))
    return pd.DataFrame(rows, columns=["condition_number", "relative_step", "attained"])


class Passage(NamedTuple):
    """Runs that leave minimisers at (1 + sigma) 2/l*_d, with one column for each sigma."""

    sigma: Array
    final: Array
    path_sigma: Array
    path_zeta: Array


def passage(problem: Problem, sigmas: ArrayLike, *, lr_a: float, turns: float) -> Passage:
    """Set out beside the minimiser u at eff = (1 + sigma) L, L = 2/l*_d, and see where the run ends.

    The start is w = u + sigma^2/10 ||u|| v with the top eigenvector v of H*, a = ||u||_H. A run takes some ln(1/sigma)/
    sigma steps; ``turns`` is how many times 1/sigma it is given. Time is counted in steps of the smallest sigma.

    Returns
    -------
    Passage
        sigma, final (the last one), and the paths of sigma_k and zeta_k = (v'w/||w|| )^2 at every step.
    """
    sigmas = np.asarray(sigmas, dtype=float)
    values, vectors = np.linalg.eigh(effective_hessian(problem))
    limit, v, length = 2 / values[-1], vectors[:, -1], np.linalg.norm(problem.u)
    w = problem.u + sigmas[:, None] ** 2 / 10 * length * v
    a, lr = np.full(sigmas.size, np.sqrt(problem.explained)), (1 + sigmas) * limit
    paths = []
    for _ in range(int(turns / sigmas.min())):
        a, w = bngd_step(problem, a, w, lr, lr_a)
        norm = np.linalg.norm(w, axis=-1)
        paths.append((lr * length**2 / norm**2 / limit - 1, (w @ v / norm) ** 2))
    path_sigma, path_zeta = np.moveaxis(np.array(paths), 1, 0)
    return Passage(sigmas, path_sigma[-1], path_sigma, path_zeta)


def marginal_order(problem: Problem, amplitudes: ArrayLike) -> float:
    r"""Return the power of \eta that | |\eta_2/\eta_0| - 1 | falls with beside a minimiser at eff = 2/l*_d exactly.

    eta is the error along the stiffest direction, over ||w||. Two steps, since the quadratic term of one is undone by
    the next. At any other eff the power is 0, because the linear factor is not -1.
    """
    amplitudes = np.asarray(amplitudes, dtype=float)
    values, vectors = np.linalg.eigh(effective_hessian(problem))
    w = problem.u + amplitudes[:, None] * np.linalg.norm(problem.u) * vectors[:, -1]
    first, a = w @ vectors[:, -1] / np.linalg.norm(w, axis=-1), np.full(amplitudes.size, np.sqrt(problem.explained))
    for _ in range(2):
        a, w = bngd_step(problem, a, w, 2 / values[-1], 1.0)
    last = w @ vectors[:, -1] / np.linalg.norm(w, axis=-1)
    return float(np.polyfit(np.log(amplitudes), np.log(np.abs(np.abs(last / first) - 1)), 1)[0])


def _first_direction(problem: Problem, w0: Array) -> Array:
    """Return z = q_0 H e_0, the direction of the first step in units of eps."""
    return optimal_a(problem, w0) / sigma(problem, w0) * problem.eigenvalues * residual(problem, w0)
