"""Random problems for the ensembles: a claim about every problem deserves to be tried on many."""

import numpy as np

from bngd.problem import Problem


def random_problem(
    rng: np.random.Generator, *, max_dimension: int = 20, max_condition_number: float = 100.0
) -> Problem:
    """Return a problem with random dimension, spectrum, scale and solution.

    The dimension is uniform on 2 ... ``max_dimension``, the eigenvalues are log-uniform on [h, h k] with k itself
    log-uniform up to ``max_condition_number`` and h log-uniform on [0.1, 10], and u is uniform on the unit sphere.

    Raises
    ------
    ValueError
        If the largest dimension is below 2 or the largest condition number is below 1.
    """
    if max_dimension < 2 or not 1 <= max_condition_number < np.inf:
        raise ValueError(
            f"max_dimension is {max_dimension} and max_condition_number {max_condition_number}; "
            "use at least 2 and a finite number of at least 1"
        )
    dimension = int(rng.integers(2, max_dimension + 1))
    spread = rng.uniform(0.0, np.log10(max_condition_number))
    scale = rng.uniform(-1.0, 1.0)
    return Problem.from_spectrum(10 ** (scale + rng.uniform(0.0, spread, dimension)), rng=rng)
