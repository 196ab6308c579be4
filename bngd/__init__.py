"""BNGD: batch normalization and gradient descent on least squares, as an executable companion to the paper.

The mathematics is flat: ``bngd.Problem``, ``bngd.bngd_trajectory``, ``bngd.effective_condition_number``, ... What a
notebook computes and draws lives in its folder of `bngd.studies`, what turns notebooks into a book in `bngd.companion`.

Reference: Y. Cai, Q. Li, Z. Shen, A Quantitative Analysis of the Effect of Batch Normalization on Gradient Descent,
ICML 2019.
"""

import sys
from importlib import import_module
from typing import Any

_NAMES = {
    "problem": "Problem unit_vectors",
    "preparation": "Preparation",
    "dynamics": (
        "Outcome Trajectory bngd_step bngd_trajectory effective_step excess_loss gd_excess_loss "
        "gd_step gd_trajectory optimal_a residual sigma"
    ),
    "theory": (
        "bngd_best_effective_step bngd_best_factor bngd_factor bngd_stability_limit "
        "contraction_bound effective_condition_number effective_eigenvalues effective_extremes "
        "effective_hessian effective_step_asymptotes gd_best_factor gd_best_lr gd_factor "
        "gd_stability_limit good_interval limit_effective_step mean_squared_overlap"
    ),
    "guarantees": (
        "descent_constant effective_step_bounds gradient_budget guaranteed_interval "
        "smallest_relative_loss smallest_residual_ratio smallest_sigma_ratio squared_norm_bounds"
    ),
    "measure": "WorkableRange decay_factor workable_range",
    "krylov": "Compression CompressionError compress",
    "ensemble": "sweep",
}
"""Module -> what it gives to the package: every name stands once, here."""

_MODULES = ("claims", "datasets", "dynamics", "equivalences", "krylov", "spectra")
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted([*_HOMES, *_MODULES])

__version__ = "0.1.0"


# Each name is imported on first use: the commands that only run notebooks or build the book need neither SciPy nor
# pandas nor Numba, which take longer to load than these commands to run.
def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"bngd.{name}")
    if name not in _HOMES:  # with its name and the module, for Python to suggest what was meant
        raise AttributeError(f"module 'bngd' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
    found = getattr(import_module(f"bngd.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
