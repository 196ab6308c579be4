"""Random problems of all kinds, each named after its distribution: a claim about every problem is tried on many."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bngd import spectra
from bngd.arrays import Array
from bngd.problem import Problem


def log_spaced_problem(rng: np.random.Generator, dimension: int, condition_number: float) -> Problem:
    """Return H = diag(logspace(0, log10(kappa), d)) with u uniform on the unit sphere.

    Raises
    ------
    ValueError
        If the dimension is below 2, where both ends of the spectrum would be one eigenvalue.
    """
    if dimension < 2:
        raise ValueError(f"dimension is {dimension}; a spectrum with two ends needs at least 2")
    return Problem.from_spectrum(spectra.log_spaced(dimension, condition_number), rng=rng)


def log_uniform_problem(
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


FAMILIES = ("log-spaced", "one outlier", "two levels", "two large eigenvalues", "Marchenko-Pastur")
"""The families of spectra that `family_spectrum` knows."""


class Drawn(NamedTuple):
    """A random problem, and the family that its spectrum belongs to."""

    family: str
    problem: Problem


def family_spectrum(family: str, dimension: int, condition_number: float) -> Array:
    """Return the eigenvalues of one of `FAMILIES`, shape (d,).

    Those of the Marchenko-Pastur law are quantiles: their condition number lies below the given one, which is that of
    the law's support, and tends to it as d grows.

    Raises
    ------
    ValueError
        If the family does not exist, or as the functions of `bngd.spectra` do.
    """
    if family == "log-spaced":
        return spectra.log_spaced(dimension, condition_number)
    if family == "one outlier":
        return spectra.one_outlier(dimension, condition_number, min(10.0, np.sqrt(condition_number)))
    if family == "two levels":
        return spectra.two_level(dimension, condition_number)
    if family == "two large eigenvalues":
        return spectra.two_level(dimension, condition_number, n_large=2)
    if family == "Marchenko-Pastur":
        root = np.sqrt(condition_number)
        return spectra.marchenko_pastur(dimension, float(((root - 1) / (root + 1)) ** 2))
    raise ValueError(f"family {family!r} does not exist; use one of {', '.join(map(repr, FAMILIES))}")


def problem_of_a_family(
    rng: np.random.Generator, *, dimensions: tuple[int, int], condition_numbers: ArrayLike
) -> Drawn:
    """Draw a family, a dimension and a condition number (both log-uniform between the given ends), and u on the sphere.

    Raises
    ------
    ValueError
        If the dimensions begin below 3, which two large eigenvalues and a small one need, or the condition numbers not
        above 1.
    """
    low, high = np.asarray(condition_numbers, dtype=float)
    if not 3 <= dimensions[0] <= dimensions[1] or not 1 < low <= high:
        raise ValueError(
            f"dimensions are {dimensions} and condition numbers {low:g} to {high:g}; "
            "give 3 <= first <= last, and 1 < first <= last"
        )
    family = str(rng.choice(FAMILIES))
    dimension = round(float(np.exp(rng.uniform(*np.log(dimensions)))))
    condition_number = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return Drawn(family, Problem.from_spectrum(family_spectrum(family, dimension, condition_number), rng=rng))
