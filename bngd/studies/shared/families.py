"""Families of spectra with a dimension and a condition number of one's choice, and random problems drawn from them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bngd import spectra
from bngd.problem import Problem

Array = NDArray[np.float64]

FAMILIES = ("log-spaced", "one outlier", "two levels", "two large eigenvalues", "Marchenko-Pastur")
"""The families of spectra that `spectrum` knows."""


class Drawn(NamedTuple):
    """A random problem, and the family that its spectrum belongs to."""

    family: str
    problem: Problem


def spectrum(family: str, dimension: int, condition_number: float) -> Array:
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


def draw(rng: np.random.Generator, *, dimensions: tuple[int, int], condition_numbers: ArrayLike) -> Drawn:
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
    return Drawn(family, Problem.from_spectrum(spectrum(family, dimension, condition_number), rng=rng))
