"""Steps that a factor needs, and the two methods' losses step by step, for the studies that compare their speeds."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bngd.ensemble import sweep
from bngd.problem import Problem
from bngd.theory import bngd_best_factor, gd_best_factor


def steps_to_reduce(factor: float, reduction: float) -> int:
    """Return the number of steps in which a loss that decays with ``factor**2`` falls to ``reduction`` < 1 of itself.

    Raises
    ------
    ValueError
        If the factor is not in [0, 1) or the reduction not inside (0, 1).
    """
    if not (0 <= factor < 1 and 0 < reduction < 1):
        raise ValueError(f"factor is {factor}, reduction {reduction}; give 0 <= factor < 1 and 0 < reduction < 1")
    return 1 if factor == 0 else max(1, int(np.ceil(np.log(reduction) / (2 * np.log(factor)))))


def steps_per_decade(factor: ArrayLike) -> NDArray[np.float64]:
    """Return in how many steps a loss that decays with ``factor**2`` falls to a tenth, shape of ``factor``."""
    return -1 / (2 * np.log10(np.asarray(factor, dtype=float)))


def loss_against_step(problem: Problem, w0: ArrayLike, *, lr_gd: float, lr_bngd: float, steps: int) -> pd.DataFrame:
    """Return the relative loss of GD and of BNGD (lr_a = 1) at every step, from the same start.

    Returns
    -------
    pandas.DataFrame
        Columns method, step, lr, effective_step, relative_loss, and predicted: the method's best factor squared to the
        number of steps. It is a slope, without the constant in front that the start decides.
    """
    parts = []
    for method, lr, factor in (("gd", lr_gd, gd_best_factor(problem)), ("bngd", lr_bngd, bngd_best_factor(problem))):
        runs = sweep(problem, lr, steps=steps, w0=w0, method=method, checkpoints=range(steps + 1))
        runs = runs.assign(method=method, predicted=factor ** (2.0 * runs["step"]))
        parts.append(runs[["method", "step", "lr", "effective_step", "relative_loss", "predicted"]])
    return pd.concat(parts, ignore_index=True)
