"""Spectra: families of eigenvalues of the second-moment matrix H, each a sorted positive array."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_spectrum(eigenvalues: ArrayLike) -> NDArray[np.float64]:
    """Return the eigenvalues as a sorted float array, after checking that H would be positive definite.

    Parameters
    ----------
    eigenvalues : array_like, shape (d,)
        In any order.

    Returns
    -------
    ndarray, shape (d,)
        Ascending.

    Raises
    ------
    ValueError
        If the array is not one-dimensional or is empty, holds NaN or infinity, or has an eigenvalue that is zero,
        negative, or zero to working precision beside the largest.
    """
    values = np.sort(np.asarray(eigenvalues, dtype=float))
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"eigenvalues have shape {values.shape}; give a one-dimensional array of at least one")
    if not np.isfinite(values).all():
        raise ValueError(f"eigenvalues must be finite, but hold {values[~np.isfinite(values)][0]}; clean the spectrum")
    smallest_allowed = np.finfo(float).eps * values[-1]
    if values[0] <= max(smallest_allowed, 0.0):
        raise ValueError(
            f"the smallest eigenvalue is {values[0]:g}, but H must be positive definite "
            f"(above {max(smallest_allowed, 0.0):g} here); drop the null directions"
        )
    return values


def log_spaced(dimension: int, condition_number: float) -> NDArray[np.float64]:
    """Return eigenvalues log-spaced from 1 to the condition number: H = diag(logspace(0, log10(kappa), d)).

    Raises
    ------
    ValueError
        If the dimension is below 1 or the condition number below 1.
    """
    _check(dimension, condition_number)
    return np.geomspace(1.0, condition_number, dimension)


def two_level(dimension: int, condition_number: float, n_large: int = 1) -> NDArray[np.float64]:
    """Return ``dimension - n_large`` eigenvalues at 1 and ``n_large`` at the condition number.

    Raises
    ------
    ValueError
        If the dimension or the condition number is below 1, or ``n_large`` not between 1 and ``dimension - 1``.
    """
    _check(dimension, condition_number)
    if not 1 <= n_large < dimension:
        raise ValueError(f"n_large is {n_large}; two levels need 1 <= n_large <= dimension - 1 = {dimension - 1}")
    return np.repeat([1.0, float(condition_number)], [dimension - n_large, n_large])


def one_outlier(dimension: int, condition_number: float, bulk_condition_number: float = 10.0) -> NDArray[np.float64]:
    """Return a log-spaced bulk from 1 to ``bulk_condition_number`` and a single eigenvalue far above it.

    Raises
    ------
    ValueError
        If the dimension is below 2, or the bulk reaches past the outlier.
    """
    _check(dimension, condition_number)
    if dimension < 2 or not 1 <= bulk_condition_number <= condition_number:
        raise ValueError(
            f"dimension is {dimension}, bulk_condition_number {bulk_condition_number:g}; an outlier needs "
            f"dimension >= 2 and 1 <= bulk_condition_number <= condition_number = {condition_number:g}"
        )
    return np.append(np.geomspace(1.0, bulk_condition_number, dimension - 1), condition_number)


def marchenko_pastur(dimension: int, aspect_ratio: float) -> NDArray[np.float64]:
    r"""Return quantiles of the Marchenko-Pastur law: the spectrum of white noise seen through too few samples.

    With c = d/n the eigenvalues of a sample second-moment matrix of n standard normal vectors in R^d have the limiting
    density sqrt((b - x)(x - a)) / (2 pi c x) on [a, b], a = (1 - sqrt c)^2, b = (1 + sqrt c)^2.

    Parameters
    ----------
    dimension : int
        Number of eigenvalues; the i-th is the quantile at (i - 1/2)/d.
    aspect_ratio : float
        c = d/n, strictly between 0 and 1 (from c = 1 on, H is singular).

    Raises
    ------
    ValueError
        If the dimension is below 1 or the aspect ratio not inside (0, 1).

    References
    ----------
    V. A. Marchenko, L. A. Pastur, Mathematics of the USSR-Sbornik 1 (1967), 457-483.
    """
    _check(dimension, 1.0)
    if not 0.0 < aspect_ratio < 1.0:
        raise ValueError(f"aspect_ratio is {aspect_ratio:g}; use features/samples strictly between 0 and 1")
    a, b = (1 - np.sqrt(aspect_ratio)) ** 2, (1 + np.sqrt(aspect_ratio)) ** 2
    # x = (a+b)/2 - (b-a)/2 cos(angle) turns the density's square-root ends into a smooth integrand.
    angle = np.linspace(0.0, np.pi, 20_001)
    x = (a + b) / 2 - (b - a) / 2 * np.cos(angle)
    density = np.sin(angle) ** 2 / x
    mass = np.append(0.0, np.cumsum((density[1:] + density[:-1]) / 2))
    return np.interp((np.arange(dimension) + 0.5) / dimension, mass / mass[-1], x)


def _check(dimension: int, condition_number: float) -> None:
    if dimension < 1:
        raise ValueError(f"dimension is {dimension}; use at least 1")
    if not 1.0 <= condition_number < np.inf:
        raise ValueError(f"condition_number is {condition_number:g}; largest over smallest eigenvalue is at least 1")
