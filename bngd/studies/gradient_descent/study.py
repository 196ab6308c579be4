"""Gradient descent, measured: outcomes on either side of its limit, and its factor at every stable step size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import gd_trajectory
from bngd.ensemble import sweep
from bngd.measure import decay_factor
from bngd.problem import Problem, unit_vectors
from bngd.spectra import log_spaced
from bngd.studies.shared.random_problems import log_uniform_problem
from bngd.theory import gd_best_factor, gd_best_lr, gd_factor, gd_stability_limit

RESOLVED_DECAY = 1e-24
"""Loss, relative to the start, down to which `bngd.decay_factor` follows a run."""

_STEPS_PER_MARGIN = 12
"""Steps times margin after which the fastest eigenvalue's error has passed 1e12 or fallen below 1e-10."""


def outcomes_at_limit(rng: np.random.Generator, n_problems: int, n_starts: int, margin: float) -> pd.DataFrame:
    """Run gradient descent at (1 - margin) and (1 + margin) times 2/l_d, from many starts of many random problems.

    A step multiplies the error along the last eigenvector by -(1 -+ 2 margin), so that the runs need 12/margin steps.

    Returns
    -------
    pandas.DataFrame
        A row per run: problem, dimension, condition_number, ratio = eps l_d/2, relative_loss, outcome.
    """
    return pd.concat([_outcomes(rng, number, n_starts, margin) for number in range(n_problems)], ignore_index=True)


def _outcomes(rng: np.random.Generator, number: int, n_starts: int, margin: float) -> pd.DataFrame:
    # At the limit the slowest error has the factor 1 - 2/kappa: kappa must let it decay within the same steps.
    problem = log_uniform_problem(rng, max_dimension=50, max_condition_number=0.5 / margin)
    ratios = np.array([1 - margin, 1 + margin])
    lr = ratios * gd_stability_limit(problem)
    starts = problem.u + unit_vectors(rng, problem.dimension, n_starts)
    steps = int(np.ceil(_STEPS_PER_MARGIN / margin))
    runs = sweep(problem, lr[:, None], steps=steps, w0=starts, method="gd")
    return runs[["relative_loss", "outcome"]].assign(
        problem=number,
        dimension=problem.dimension,
        condition_number=problem.condition_number,
        ratio=np.repeat(ratios, n_starts),
    )


def measured_factors(problem: Problem, w0: ArrayLike, lr: Sequence[float]) -> pd.DataFrame:
    """Measure the factor per step of ||u - w_k||_H at each step size.

    Each run is as long as theory says that its loss needs to fall to 1e-24.

    Returns
    -------
    pandas.DataFrame
        lr, predicted = max_i |1 - eps l_i|, measured, steps.
    """
    return pd.DataFrame([_measured_factor(problem, w0, float(rate)) for rate in lr])


def _measured_factor(problem: Problem, w0: ArrayLike, lr: float) -> dict[str, float]:
    predicted = float(gd_factor(problem, lr))
    steps = steps_to_resolve(predicted)
    loss = gd_trajectory(problem, w0, lr, steps).excess_loss
    measured = np.sqrt(decay_factor(loss, floor=RESOLVED_DECAY))
    return {"lr": lr, "predicted": predicted, "measured": float(measured), "steps": steps}


def steps_to_resolve(factor: float) -> int:
    """Return the number of steps in which factor^2 per step brings the loss down to 1e-24, at least 16.

    Raises
    ------
    ValueError
        If the factor is not between 0 and 1: the run would not converge.
    """
    if not 0 <= factor < 1:
        raise ValueError(f"the factor is {factor:g}; only a run with a factor in [0, 1) converges")
    return max(16, int(np.ceil(np.log(RESOLVED_DECAY) / (2 * np.log(max(factor, 1e-3))))))


def best_factors(rng: np.random.Generator, n: int, largest_condition_number: float) -> pd.DataFrame:
    """Measure gradient descent's factor at its best step size, 2/(l_1 + l_d), on n random problems.

    Spectra are log-spaced, and runs start from a random corner of a cube around u: with eigenvalues too close to the
    extremes, or hardly any error along them, no run is long enough to show its last factor. The dimension is uniform
    on 2 ... 50, kappa log-uniform from 2 on (nearer to 1 a run is over before it can be measured).

    Returns
    -------
    pandas.DataFrame
        dimension, condition_number, predicted = (kappa - 1)/(kappa + 1), measured.
    """
    return pd.DataFrame([_best_factor(rng, largest_condition_number) for _ in range(n)])


def _best_factor(rng: np.random.Generator, largest_condition_number: float) -> dict[str, float]:
    dimension, kappa = int(rng.integers(2, 51)), np.exp(rng.uniform(np.log(2), np.log(largest_condition_number)))
    problem = Problem.from_spectrum(log_spaced(dimension, kappa), rng=rng)
    corner = rng.choice([-1.0, 1.0], dimension)
    run = _measured_factor(problem, problem.u + corner, gd_best_lr(problem))
    return {
        "dimension": dimension,
        "condition_number": kappa,
        "predicted": gd_best_factor(problem),
        "measured": run["measured"],
    }


def loss_bound(problem: Problem, lr: ArrayLike, steps: ArrayLike) -> Array:
    """Return rho^(2k), the largest share of the loss that k steps can leave; infinite where it overflows."""
    with np.errstate(over="ignore"):
        return gd_factor(problem, lr) ** (2.0 * np.asarray(steps))


def largest_share_of_bound(problem: Problem, runs: pd.DataFrame) -> float:
    """Return the largest relative_loss/rho^(2k) of the stable runs in a table of `bngd.sweep`; theory says at most 1.

    Rows whose bound rho^(2k) is below 1e-24 are left out: rounding does not let a loss follow it.
    """
    stable = runs[runs["lr"] < gd_stability_limit(problem)]
    bound = loss_bound(problem, stable["lr"], stable["step"])
    resolved = bound > RESOLVED_DECAY
    return float((stable["relative_loss"].to_numpy()[resolved] / bound[resolved]).max())


def loss_by_dimension(
    rng: np.random.Generator, dimensions: Sequence[int], condition_number: float, lr: ArrayLike, steps: int
) -> pd.DataFrame:
    """Sweep step sizes (n,) on log-spaced spectra with the same extremes, 1 and kappa, in several dimensions.

    Returns
    -------
    pandas.DataFrame
        The table of `bngd.sweep` with a column dimension.
    """
    return pd.concat([_sweep_dimension(rng, d, condition_number, lr, steps) for d in dimensions], ignore_index=True)


def _sweep_dimension(
    rng: np.random.Generator, dimension: int, condition_number: float, lr: ArrayLike, steps: int
) -> pd.DataFrame:
    problem = Problem.from_spectrum(log_spaced(dimension, condition_number), rng=rng)
    start = unit_vectors(rng, dimension)
    return sweep(problem, lr, steps=steps, w0=start, method="gd").assign(dimension=dimension)
