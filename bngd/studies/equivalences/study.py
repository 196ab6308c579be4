"""The five equivalences, measured: how far a changed run, mapped back, is from the run that it is equivalent to.

In exact arithmetic the distance is zero. In floating point each step adds a rounding error, which the run then carries
on as it does any perturbation: `predicted_rounding` says how far that goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bngd.arrays import Array
from bngd.dynamics import Trajectory, bngd_step, gd_trajectory, optimal_a, sigma
from bngd.equivalences import (
    Configuration,
    Equivalent,
    flip_sign,
    rotate,
    scale_inputs,
    scale_labels,
    scale_weights,
)
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import log_uniform_problem

LAWS = ("rotation", "weights", "sign", "inputs", "labels")
"""The changes, in the order of the text."""

_DIFFERENCE_STEP = 1e-6
"""Relative step of the central differences that give a step's Jacobian: accurate to about nine digits."""


@dataclass(frozen=True)
class Factors:
    """The factors gamma of the weights, mu of the inputs and nu of the labels.

    Powers of two would be exact in floating point, and so would prove nothing.
    """

    weights: float
    inputs: float
    labels: float


def random_rotation(rng: np.random.Generator, dimension: int) -> Array:
    """Return an orthogonal matrix, shape (d, d), distributed uniformly (Haar).

    References
    ----------
    F. Mezzadri, Notices of the AMS 54 (2007), 592-604.
    """
    q, r = np.linalg.qr(rng.standard_normal((dimension, dimension)))
    return q * np.sign(np.diag(r))


def configuration(problem: Problem, w0: Array, lr: float, lr_a: float = 1.0) -> Configuration:
    """Return the configuration of a BNGD run that starts with a_0 = w_0'g/s_0."""
    return Configuration(problem, float(optimal_a(problem, w0)), w0, lr, lr_a)


def changed(original: Configuration, rotation: Array, factors: Factors) -> dict[str, Equivalent]:
    """Return the five equivalent configurations by the name of their law."""
    made = (
        rotate(original, rotation),
        scale_weights(original, factors.weights),
        flip_sign(original),
        scale_inputs(original, factors.inputs),
        scale_labels(original, factors.labels),
    )
    return dict(zip(LAWS, made, strict=True))


# --- BNGD ------------------------------------------------------------------------------------------------------------


def compare(original: Configuration, laws: dict[str, Equivalent], steps: int) -> pd.DataFrame:
    """Run a configuration and its equivalents, and lay their trajectories out before and after mapping back.

    Returns
    -------
    pandas.DataFrame
        A row per law (first "original") and step: a, norm_w, w1, w2 as the changed run has them, the same with suffix
        ``_back`` mapped back, and difference: the larger of |a - a_orig|/||u||_H and ||w - w_orig||/||w_orig||.
    """
    reference = original.run(steps)
    same = Equivalent(original, lambda a: a, lambda w: w)
    tables = [_layout(name, law, reference.a, reference.w, steps) for name, law in {"original": same, **laws}.items()]
    return pd.concat(tables, ignore_index=True)


def _layout(name: str, law: Equivalent, a: Array, w: Array, steps: int) -> pd.DataFrame:
    run = law.configuration.run(steps)
    raw_w = law.configuration.problem.from_eigenbasis(run.w)
    back_a, back_w = law.restore_a(run.a), law.restore_w(raw_w)
    scale = np.abs(a).max()
    difference = np.maximum(np.abs(back_a - a) / scale, _relative_distance(back_w, w))
    columns = {"law": name, "step": np.arange(steps + 1), **_shown(run.a, raw_w), "difference": difference}
    return pd.DataFrame(columns | {f"{key}_back": value for key, value in _shown(back_a, back_w).items()})


def _shown(a: Array, w: Array) -> dict[str, Array]:
    return {"a": a, "norm_w": np.linalg.norm(w, axis=-1), "w1": w[:, 0], "w2": w[:, 1]}


def _relative_distance(w: Array, reference: Array) -> Array:
    return np.linalg.norm(w - reference, axis=-1) / np.linalg.norm(reference, axis=-1)


def predicted_rounding(original: Configuration, steps: int) -> Array:
    r"""Return how far rounding should drive two runs that are the same in exact arithmetic apart, shape (steps + 1,).

    Rounding is taken as independent noise of one unit in the last place in every quantity of every step; the step's
    Jacobian M_k carries on what came before. With S_k the covariance of the error,

    .. math:: S_{k+1} = M_k S_k M_k' + N_k, \qquad N_k = \mathrm{diag}(\text{rounding of step } k)^2,

    and the result is the error's root mean square in a, relative to the largest ``|a_k|``, or in w, relative to
    ``||w_k||``, whichever is larger. What it leaves out is the constant: how many roundings a step really makes.
    """
    run = original.run(steps)
    noise = _rounding_of_steps(original, run)
    covariance = np.diag(noise[0] ** 2)
    spread = [_spread(covariance)]
    for k in range(steps):
        jacobian = _step_jacobian(original, run.a[k], run.w[k])
        covariance = jacobian @ covariance @ jacobian.T + np.diag(noise[k + 1] ** 2)
        spread.append(_spread(covariance))
    in_a, in_w = np.array(spread).T
    return np.maximum(in_a / np.abs(run.a).max(), in_w / run.norm_w)


def _spread(covariance: Array) -> tuple[float, float]:
    variances = np.diag(covariance)
    return float(np.sqrt(variances[0])), float(np.sqrt(variances[1:].sum()))


def _rounding_of_steps(c: Configuration, run: Trajectory) -> Array:
    """Return one unit in the last place of (a_k, w_k), and of the terms whose sum is w_k, shape (steps + 1, d + 1)."""
    s = sigma(c.problem, run.w)
    terms = np.abs(c.problem.g) + np.abs((run.w @ c.problem.g / s**2)[:, None] * c.problem.eigenvalues * run.w)
    update = np.abs(c.lr * run.a / s)[:, None] * terms
    in_w = np.abs(run.w) + np.vstack([np.zeros(run.w.shape[1]), update[:-1]])
    return np.finfo(float).eps * np.column_stack([np.full(run.a.size, np.abs(run.a).max()), in_w])


def _step_jacobian(c: Configuration, a: float, w: Array) -> Array:
    """Return the derivative of one step of BNGD in (a, w), shape (d + 1, d + 1), by central differences."""
    size = _DIFFERENCE_STEP * np.append(np.sqrt(c.problem.explained), np.full(w.size, np.linalg.norm(w)))
    shifts = np.vstack([np.diag(size), -np.diag(size)])
    next_a, next_w = bngd_step(c.problem, a + shifts[:, 0], w + shifts[:, 1:], c.lr, c.lr_a)
    ahead, behind = np.split(np.column_stack([next_a, next_w]), 2)
    return ((ahead - behind) / (2 * size[:, None])).T


def collapse_of_random_problems(
    rng: np.random.Generator, n_problems: int, lr: Sequence[float], steps: int
) -> pd.DataFrame:
    """Compare all five laws on random problems, random factors and rotations, at each step size.

    Returns
    -------
    pandas.DataFrame
        A row per problem, step size and law: problem, dimension, lr, law, difference (largest over the steps),
        predicted (by `predicted_rounding`, largest over the steps), ratio (largest over the steps of their quotient).
    """
    problems = [log_uniform_problem(rng, max_dimension=30) for _ in range(n_problems)]
    tables = [_collapse(rng, number, p, float(rate), steps) for number, p in enumerate(problems) for rate in lr]
    return pd.concat(tables, ignore_index=True)


def _collapse(rng: np.random.Generator, number: int, problem: Problem, lr: float, steps: int) -> pd.DataFrame:
    d = problem.dimension
    original = configuration(problem, unit_vectors(rng, d), lr)
    laws = changed(original, random_rotation(rng, d), Factors(*10.0 ** rng.uniform(-1, 1, 3)))
    runs = compare(original, laws, steps)
    predicted = predicted_rounding(original, steps)
    runs = runs[runs["law"] != "original"]
    runs = runs.assign(predicted=predicted[runs["step"]], ratio=runs["difference"] / predicted[runs["step"]])
    largest = runs.groupby("law", sort=False)[["difference", "predicted", "ratio"]].max().reset_index()
    return largest.assign(problem=number, dimension=d, lr=lr)


# --- gradient descent ------------------------------------------------------------------------------------------------


def compare_gd(original: Configuration, laws: dict[str, Equivalent], steps: int) -> pd.DataFrame:
    """Run gradient descent on the changed problems, from the changed starts, at the original step size.

    Returns
    -------
    pandas.DataFrame
        A row per law (first "original") and step: law, step, loss = (J0 - J_min)/(u'Hu/2), which has no units.
    """
    configurations = {"original": original} | {name: law.configuration for name, law in laws.items()}
    tables = [_gd_loss(name, c, original.lr, steps) for name, c in configurations.items()]
    return pd.concat(tables, ignore_index=True)


def rescaled_gd(original: Configuration, mu: float, steps: int) -> pd.DataFrame:
    """Run gradient descent on inputs times mu with what it needs to follow: w_0/mu and eps/mu^2. As `compare_gd`."""
    inputs = scale_inputs(original, mu).configuration
    return _gd_loss("inputs, rescaled", replace(inputs, w0=original.w0 / mu), original.lr / mu**2, steps)


def _gd_loss(name: str, c: Configuration, lr: float, steps: int) -> pd.DataFrame:
    run = gd_trajectory(c.problem, c.problem.to_eigenbasis(c.w0), lr, steps)
    loss = run.excess_loss / (c.problem.explained / 2)
    return pd.DataFrame({"law": name, "step": np.arange(steps + 1), "loss": loss})


def loss_differences(runs: pd.DataFrame) -> pd.Series:
    """Return by law the largest |L - L_orig|/max(L, L_orig) over the steps of a table of `compare_gd`, from 0 to 1."""
    losses = runs.pivot(index="step", columns="law", values="loss")
    original = losses["original"]
    changed_runs = losses.drop(columns="original")
    larger = changed_runs.clip(lower=original, axis=0)
    return (changed_runs.sub(original, axis=0).abs() / larger).max()
