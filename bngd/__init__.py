"""BNGD: batch normalization and gradient descent on least squares, as an executable companion to the paper.

The mathematics is flat: ``bngd.Problem``, ``bngd.bngd_trajectory``, ``bngd.effective_condition_number``, ... Plots
live in `bngd.plotting`, the machinery that turns notebooks into a book in `bngd.companion`; neither is imported here.

Reference: Y. Cai, Q. Li, Z. Shen, A Quantitative Analysis of the Effect of Batch Normalization on Gradient Descent,
ICML 2019.
"""

from bngd import claims, datasets, equivalences, spectra
from bngd.dynamics import (
    Outcome,
    Trajectory,
    bngd_step,
    bngd_trajectory,
    effective_step,
    excess_loss,
    gd_excess_loss,
    gd_step,
    gd_trajectory,
    optimal_a,
    residual,
    sigma,
)
from bngd.ensemble import sweep
from bngd.krylov import Compression, CompressionError, compress
from bngd.measure import WorkableRange, decay_factor, workable_range
from bngd.preparation import Preparation
from bngd.problem import Problem, unit_vectors
from bngd.theory import (
    bngd_best_effective_step,
    bngd_best_factor,
    bngd_factor,
    bngd_stability_limit,
    contraction_bound,
    effective_condition_number,
    effective_eigenvalues,
    effective_extremes,
    effective_hessian,
    effective_step_asymptotes,
    gd_best_factor,
    gd_best_lr,
    gd_factor,
    gd_stability_limit,
    good_interval,
    limit_effective_step,
    mean_squared_overlap,
)

__version__ = "0.1.0"

__all__ = [
    "Compression",
    "CompressionError",
    "Outcome",
    "Preparation",
    "Problem",
    "Trajectory",
    "WorkableRange",
    "bngd_best_effective_step",
    "bngd_best_factor",
    "bngd_factor",
    "bngd_stability_limit",
    "bngd_step",
    "bngd_trajectory",
    "claims",
    "compress",
    "contraction_bound",
    "datasets",
    "decay_factor",
    "effective_condition_number",
    "effective_eigenvalues",
    "effective_extremes",
    "effective_hessian",
    "effective_step",
    "effective_step_asymptotes",
    "equivalences",
    "excess_loss",
    "gd_best_factor",
    "gd_best_lr",
    "gd_excess_loss",
    "gd_factor",
    "gd_stability_limit",
    "gd_step",
    "gd_trajectory",
    "good_interval",
    "limit_effective_step",
    "mean_squared_overlap",
    "optimal_a",
    "residual",
    "sigma",
    "spectra",
    "sweep",
    "unit_vectors",
    "workable_range",
]
