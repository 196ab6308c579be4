"""Runs at eps_a = 2, where the scale ends in a cycle of two, or runs away (the theorems "At eps_a = 2")."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import bngd_step, bngd_trajectory, optimal_a, residual, sigma
from bngd.ensemble import sweep
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.theory import bngd_stability_limit

CYCLE, AWAY, ON_THE_WAY = "in a cycle", "running away", "on the way"
"""Where a run is after its last step: about a minimiser, in balance and far from any, or neither yet."""

_CUT = -np.pi / 4
"""Where the half circle of the directions of a plane begins."""

_STIFF = (3.5, 10.0)
"""Range of l_d/l_{d-1}: above 3 the stiffest direction, where u has nothing of it, is a place to run away to."""

_APART, _TENFOLD = 1e-6, 9.0
"""How far two runs that are to part are from one direction at the start; what ||w||^2 gains, in units of the first."""

_SMALL = (1e-4, 1e-2)
"""Range of eps P^2/||w_0||^2 at the start of a run that is to run away: the theorem asks for a small one."""


def pull(problem: Problem, w: ArrayLike) -> Array:
    """Return phi = ||w||^2 ||He||^2/s^2, the squared gradient of p over the directions of w, shape (...)."""
    w = np.asarray(w, dtype=float)
    force = np.sum((problem.eigenvalues * residual(problem, w)) ** 2, axis=-1)
    return force * np.sum(w**2, axis=-1) / sigma(problem, w) ** 2


def height(problem: Problem, w: ArrayLike) -> Array:
    """Return V = p^2 - phi, which a run climbs at eps_a = 2 where its scale is in balance, shape (...)."""
    return optimal_a(problem, w) ** 2 - pull(problem, w)


def around(problem: Problem, n: int = 1440) -> pd.DataFrame:
    """Go once around the directions of a plane, up to sign.

    Returns
    -------
    pandas.DataFrame
        A row for each direction: angle (from the first axis, -pi/4 to 3 pi/4), height (V/u'Hu), pull (phi/u'Hu),
        summit (whether both neighbours are lower; the first and the last are neighbours).
    """
    angle = _CUT + np.linspace(0, np.pi, n, endpoint=False)
    w = _directions(angle)
    high = height(problem, w)
    summit = (high > np.roll(high, 1)) & (high > np.roll(high, -1))
    columns = {"height": high / problem.explained, "pull": pull(problem, w) / problem.explained}
    return pd.DataFrame({"angle": angle, **columns, "summit": summit})


def _directions(angles: ArrayLike) -> Array:
    return np.column_stack([np.cos(angles), np.sin(angles)])


def swings(problem: Problem, angles: ArrayLike, lr: float, a0: ArrayLike, steps: ArrayLike) -> pd.DataFrame:
    """Run BNGD in the plane at eps_a = 2 from unit vectors at given angles, and look at it after given steps.

    Returns
    -------
    pandas.DataFrame
        A row for each run and look: run, step, swing (|a - p|/||u||_H), angle (of w, as in `around`), height
        (V/u'Hu), centre (|p|/||u||_H), balance (eps a^2/(2 ||w||^2), 1 in the end where the scale runs away).
    """
    w, a = _directions(angles), np.asarray(a0, dtype=float)
    scale, looks, tables = np.sqrt(problem.explained), np.unique(steps), []
    for k in range(looks[-1] + 1):
        if k in looks:
            p = optimal_a(problem, w)
            columns = {
                "swing": np.abs(a - p) / scale,
                "angle": (np.arctan2(w[:, 1], w[:, 0]) - _CUT) % np.pi + _CUT,
                "height": height(problem, w) / problem.explained,
                "centre": np.abs(p) / scale,
                "balance": lr * a**2 / (2 * np.sum(w**2, axis=1)),
            }
            tables.append(pd.DataFrame({"run": np.arange(a.size), "step": k, **columns}))
        a, w = bngd_step(problem, a, w, lr, 2.0)
    return pd.concat(tables, ignore_index=True)


def ends(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the last look at each of `swings`, by run, with the column `end`: `CYCLE`, `AWAY` or `ON_THE_WAY`."""
    last = runs[runs["step"] == runs["step"].max()].set_index("run")
    conditions = [last["centre"] > 0.999, (last["balance"] - 1).abs() < 0.1]
    return last.assign(end=np.select(conditions, [CYCLE, AWAY], ON_THE_WAY))


def _after(problem: Problem, lr: Array, w0: Array, a0: Array, steps: int) -> pd.DataFrame:
    """Return the last rows of `bngd.sweep` at eps_a = 2, with the scale's half_swing and centre over two steps."""
    runs = sweep(problem, lr, steps=steps, w0=w0, lr_a=2.0, a0=a0, checkpoints=[steps - 1, steps])
    before, last = (runs[runs["step"] == step].reset_index(drop=True) for step in (steps - 1, steps))
    half_swing, centre = ((last["a"] + sign * before["a"]).abs() / 2 for sign in (-1, 1))
    return last.assign(half_swing=half_swing, centre=centre / np.sqrt(problem.explained))


def cycles(rng: np.random.Generator, *, n_problems: int, runs_per_problem: int, steps: int) -> pd.DataFrame:
    """Run BNGD at eps_a = 2 and look at its last two steps.

    Returns
    -------
    pandas.DataFrame
        A row a run: first_a, half_swing (D = |a_N - a_{N-1}|/2) and centre (|a_N + a_{N-1}|/2) in units of ||u||_H, and
        loss_ratio, the excess loss over D^2/2.
    """
    tables = []
    for _ in range(n_problems):
        problem = log_uniform_problem(rng, max_dimension=10, max_condition_number=10.0)
        p, w0 = np.sqrt(problem.explained), unit_vectors(rng, problem.dimension, runs_per_problem)
        a0 = p * rng.choice([-1.0, 1.0], runs_per_problem) * 10 ** rng.uniform(-2, 2, runs_per_problem)
        lr = bngd_stability_limit(problem) * 10 ** rng.uniform(-1, 1, runs_per_problem)
        last = _after(problem, lr, w0, a0, steps)
        columns = {"first_a": a0 / p, "half_swing": last["half_swing"] / p, "centre": last["centre"]}
        tables.append(pd.DataFrame({**columns, "loss_ratio": last["excess_loss"] / (last["half_swing"] ** 2 / 2)}))
    return pd.concat(tables, ignore_index=True)


def away(rng: np.random.Generator, *, n_problems: int, runs_per_problem: int, steps: int) -> pd.DataFrame:
    """Start near where the theorem says that the scale runs away: e_d, with u_d = 0 and l_d > 3 l_{d-1}.

    Returns
    -------
    pandas.DataFrame
        A row a run: growth (what a^2 has gained in n steps over 4 phi n, phi that of e_d), balance (eps a^2/(2
        ||w||^2)), centre (|p|/||u||_H) and loss_growth (what the excess loss has gained over 2 phi n), which the
        theorem sends to 1, 1, 0 and 1.
    """
    tables = []
    for _ in range(n_problems):
        problem = _stiff_problem(rng)
        w0 = np.eye(problem.dimension)[-1] + 0.1 * unit_vectors(rng, problem.dimension, runs_per_problem)
        squared = np.sum(w0**2, axis=1)
        lr = squared / problem.explained * np.geomspace(*_SMALL, runs_per_problem)
        a0 = np.sqrt(2 * squared / lr) * rng.choice([-1.0, 1.0], runs_per_problem)
        last = _after(problem, lr, w0, a0, steps)
        phi = float(pull(problem, np.eye(problem.dimension)[-1]))
        tables.append(
            pd.DataFrame(
                {
                    "growth": (last["a"] ** 2 - a0**2) / (4 * phi * steps),
                    "balance": lr * last["a"] ** 2 / (2 * last["norm_w"] ** 2),
                    "centre": last["centre"],
                    "loss_growth": (last["excess_loss"] - a0**2 / 2) / (2 * phi * steps),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _stiff_problem(rng: np.random.Generator) -> Problem:
    lower = np.sort(10 ** rng.uniform(0, 1, rng.integers(1, 8)))
    eigenvalues = np.append(lower, rng.uniform(*_STIFF) * lower[-1])
    return Problem.from_spectrum(eigenvalues, u=np.append(rng.standard_normal(lower.size), 0.0))


def partings(rng: np.random.Generator, *, n_problems: int, steps: int) -> pd.DataFrame:
    """Start two balanced runs close to the direction e_d, with u_d = 0, and see how fast they part or come together.

    The distance of their directions goes like ||w||^(2 x) with x = (m - l_d)/(2 l_d), m the largest eigenvalue of
    H + hh'H + Hhh', h = g/||g||, on the other coordinates. They are set apart along its eigenvector, and the scale is
    so large at the start that ||w||^2 grows tenfold.

    Returns
    -------
    pandas.DataFrame
        A row a problem: dimension, predicted and measured (x).
    """
    return pd.DataFrame([_parting(rng, steps) for _ in range(n_problems)])


def _parting(rng: np.random.Generator, steps: int) -> dict[str, float]:
    problem, apart, predicted = _flat_or_steep(rng)
    e_d = np.eye(problem.dimension)[-1]
    squared = 2 * float(pull(problem, e_d)) * steps / _TENFOLD  # for eps = 1, as N_k = N_0 + 2 eps phi k
    starts = np.sqrt(squared) * (e_d + _APART * np.outer([1, -1], apart))
    runs = [bngd_trajectory(problem, w0, 1.0, steps, lr_a=2.0, a0=np.sqrt(2 * squared)) for w0 in starts]
    first, last = np.stack([run.w[[0, -1]] for run in runs], axis=1)
    measured = np.log(_distance(last) / _distance(first)) / np.log(np.sum(last[0] ** 2) / np.sum(first[0] ** 2))
    return {"dimension": problem.dimension, "predicted": predicted, "measured": float(measured)}


def _flat_or_steep(rng: np.random.Generator) -> tuple[Problem, Array, float]:
    """Draw a problem with u_d = 0, the direction along which runs near e_d part fastest, and their exponent."""
    lower = np.sort(10 ** rng.uniform(0, 1, rng.integers(1, 8)))
    u = rng.standard_normal(lower.size)
    h = lower * u / np.linalg.norm(lower * u)
    values, vectors = np.linalg.eigh(np.diag(lower) + np.outer(h, lower * h) + np.outer(lower * h, h))
    exponent = rng.uniform(-0.4, (values[-1] / lower[-1] - 1) / 2)  # l_d remains the largest
    problem = Problem.from_spectrum(np.append(lower, values[-1] / (1 + 2 * exponent)), u=np.append(u, 0.0))
    return problem, np.append(vectors[:, -1], 0.0), exponent


def _distance(w: Array) -> float:
    z = w / np.linalg.norm(w, axis=1, keepdims=True)
    return float(np.linalg.norm(z[0] - z[1]))
