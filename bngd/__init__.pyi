"""What `bngd` offers, as type checkers and `lazy_loader` read it: a name is imported when it is first used."""

from . import claims, datasets, equivalences, spectra
from .dynamics import (
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
from .ensemble import sweep
from .krylov import Compression, CompressionError, compress
from .measure import WorkableRange, decay_factor, workable_range
from .preparation import Preparation
from .problem import Problem, unit_vectors
from .theory import (
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

__version__: str

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
