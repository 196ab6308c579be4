"""A least-squares problem in the eigenbasis of its second-moment matrix: from data, from moments or from a spectrum."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bngd.memory import require_memory
from bngd.preparation import Preparation, prepare
from bngd.spectra import as_spectrum
from bngd.text import html

_UNCORRELATED = 1e-20
"""Data that explain less than this fraction of the target's variance explain rounding."""

_LARGEST_START = 1e100
"""Weights larger than this, or smaller than one over it, have squares that leave what floats hold."""

_COPIES = 5
"""As many arrays of the data's size are alive at once while a problem is made from them, at most."""


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    r"""Ordinary least squares, seen in the eigenbasis of H.

    With E[x] = 0 the problem min_w E[(y - x'w)^2]/2 is known to both methods only through H = E[xx'], g = E[xy] and
    c = E[y^2]. Gradient descent and BNGD commute with rotations, so nothing is lost, and a step costs O(d) instead of
    O(d^2), when H is diagonal.

    Parameters
    ----------
    eigenvalues : array_like, shape (d,)
        Of H, positive; ascending.
    g : array_like, shape (d,)
        E[xy] in the eigenbasis, in the order of the eigenvalues.
    second_moment : float, optional
        c = E[y^2]; u'Hu (labels without noise) where not given.
    basis : ndarray, shape (p, d), optional
        Eigenvectors of H as columns, in the coordinates that the problem was given in.
    preparation : Preparation, optional
        What was done to the data that the problem came from.

    Raises
    ------
    ValueError
        If an eigenvalue is not positive and finite, they are not ascending, g has another length, holds NaN or is
        zero, or the second moment is smaller than what the optimum explains.

    Examples
    --------
    >>> problem = bngd.Problem(eigenvalues=[1.0, 4.0], g=[1.0, 4.0])
    >>> problem.u, problem.condition_number
    (array([1., 1.]), 4.0)
    """

    eigenvalues: NDArray[np.float64]
    g: NDArray[np.float64]
    second_moment: float | None = None
    basis: NDArray[np.float64] | None = None
    preparation: Preparation | None = None

    def __post_init__(self) -> None:
        given = np.array(self.eigenvalues, dtype=float)
        eigenvalues, g = as_spectrum(given), np.array(self.g, dtype=float)
        if not np.array_equal(given, eigenvalues):
            at = int(np.argmax(np.diff(given) < 0))
            raise ValueError(
                f"eigenvalues are not ascending: {given[at]:g} stands before {given[at + 1]:g}; sort them, and g alike"
            )
        if g.shape != eigenvalues.shape:
            raise ValueError(f"g has shape {g.shape} for {eigenvalues.size} eigenvalues; give one entry for each")
        if not np.isfinite(g).all() or not g.any():
            raise ValueError(
                f"g must be finite and not zero, but is {g}; without correlation there is no direction to find"
            )
        for array in (eigenvalues, g):
            array.flags.writeable = False
        object.__setattr__(self, "eigenvalues", eigenvalues)
        object.__setattr__(self, "g", g)
        explained = float(g @ (g / eigenvalues))
        c = explained if self.second_moment is None else float(self.second_moment)
        if not c >= explained * (1 - 1e-9):
            raise ValueError(
                f"second_moment is {c:g}, but E[y^2] is not below the explained part u'Hu = {explained:g}; give "
                "more, or None for labels without noise"
            )
        object.__setattr__(self, "second_moment", c)

    @classmethod
    def from_spectrum(
        cls,
        eigenvalues: ArrayLike,
        *,
        u: ArrayLike | None = None,
        rng: np.random.Generator | None = None,
        noise_variance: float = 0.0,
    ) -> "Problem":
        """Build a problem with the given spectrum and solution.

        Parameters
        ----------
        eigenvalues : array_like, shape (d,)
            In any order; u follows them into ascending order.
        u : array_like, shape (d,), optional
            The solution in the eigenbasis.
        rng : numpy.random.Generator, optional
            Draws u uniformly from the unit sphere where u is not given.
        noise_variance : float
            Variance of the labels' noise, which is the part of E[y^2] that no w explains.

        Raises
        ------
        ValueError
            If neither or both of u and rng are given, or as the class does.
        """
        if (u is None) == (rng is None):
            raise ValueError(
                f"u is {u!r} and rng {rng!r}; give exactly one: the solution, or what draws it from the unit sphere"
            )
        values = as_spectrum(eigenvalues)
        order = np.argsort(np.asarray(eigenvalues, dtype=float), kind="stable")
        solution = unit_vectors(rng, values.size) if rng is not None else np.asarray(u, dtype=float)
        if solution.shape != values.shape:
            raise ValueError(f"u has shape {solution.shape} for {values.size} eigenvalues; give one entry for each")
        if not 0.0 <= noise_variance < np.inf:
            raise ValueError(f"noise_variance is {noise_variance!r}; use a finite number, at least 0")
        solution = solution[order]
        return cls(values, values * solution, float(solution @ (values * solution)) + noise_variance)

    @classmethod
    def from_moments(cls, H: ArrayLike, g: ArrayLike, second_moment: float | None = None) -> "Problem":
        """Build a problem from H = E[xx'] (d, d) and g = E[xy] (d,) in any orthonormal coordinates.

        Raises
        ------
        ValueError
            If H is not a square symmetric matrix of finite numbers, is not positive definite, or as the class does.
        """
        H, g = np.asarray(H, dtype=float), np.asarray(g, dtype=float)
        if H.ndim != 2 or H.shape[0] != H.shape[1] or g.shape != (H.shape[0],):
            raise ValueError(f"H has shape {H.shape} and g {g.shape}; give (d, d) and (d,)")
        with np.errstate(invalid="ignore"):
            fits = np.isfinite(H) & (np.abs(H - H.T) <= 1e-10 * (np.abs(H) + np.abs(H).max()))
        if not fits.all():
            i, j = np.argwhere(~fits)[0]
            raise ValueError(
                f"H[{i}, {j}] is {H[i, j]} and H[{j}, {i}] is {H[j, i]}; H = E[xx'] must be finite and symmetric: "
                "symmetrise it with (H + H.T)/2"
            )
        eigenvalues, basis = np.linalg.eigh(H)
        return cls(eigenvalues, basis.T @ g, second_moment, basis)

    @classmethod
    def from_data(
        cls, X: ArrayLike, y: ArrayLike, *, standardise: bool = True, names: Sequence[str] | None = None
    ) -> "Problem":
        """Build a problem from samples; H, g and c are the sample moments of the centred data.

        The thin SVD of X gives the eigenbasis without forming a (p, p) matrix, so more features than samples work.
        Directions in which the data do not vary are left out: no gradient ever moves w along them.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, shape (n, p)
            Samples by features.
        y : array_like or Series, shape (n,)
            Target. Where X and y are both labelled, y is brought into X's order.
        standardise : bool
            Whether each feature is divided by its standard deviation.
        names : sequence of str, optional
            Of the features, for the report; a DataFrame's columns, or "column 0", ... where not given.

        Raises
        ------
        ValueError
            If the data are not fit for regression (see `bngd.preparation.prepare`), or y is uncorrelated with them.
        bngd.memory.TooLargeError
            If memory does not hold the copies that this takes.
        """
        shape = getattr(X, "shape", ())  # a list takes more as it is
        require_memory(
            _COPIES * 8.0 * math.prod(shape) if shape else 0.0,
            f"a problem from data of shape {shape}",
            "choose fewer samples or features",
        )
        X, y, preparation = prepare(X, y, standardise=standardise, names=names)
        n = y.size
        left, singular, right = np.linalg.svd(X / np.sqrt(n), full_matrices=False)
        kept = np.arange(preparation.rank)[::-1]  # ascending, and without the directions in which the data do not vary
        along = (left.T @ y)[kept]
        explained = float(along @ along) / float(y @ y)
        if explained < _UNCORRELATED:
            raise ValueError(
                f"y is uncorrelated with every feature: they explain {explained:.1e} of its variance, "
                "which is rounding; there is no direction to find: choose other features or another y"
            )
        g = singular[kept] * along / np.sqrt(n)
        return cls(singular[kept] ** 2, g, float(y @ y) / n, right[kept].T, preparation)

    @property
    def dimension(self) -> int:
        """Number d of eigenvalues."""
        return self.eigenvalues.size

    @cached_property
    def u(self) -> NDArray[np.float64]:
        """The OLS solution H^{-1} g, shape (d,)."""
        return self.g / self.eigenvalues

    @cached_property
    def explained(self) -> float:
        """The explained part u'Hu = ||u||_H^2 of E[y^2]."""
        return float(self.u @ self.g)

    @property
    def explained_fraction(self) -> float:
        """The explained part of E[y^2] over all of it, in [0, 1]; 1 where labels have no noise."""
        return min(self.explained / float(self.second_moment or np.inf), 1.0)

    @property
    def minimum_loss(self) -> float:
        """J_min = (c - u'Hu)/2, the least value of both losses."""
        return (float(self.second_moment or 0.0) - self.explained) / 2

    @property
    def condition_number(self) -> float:
        """Kappa = l_d / l_1."""
        return float(self.eigenvalues[-1] / self.eigenvalues[0])

    def to_eigenbasis(self, w: ArrayLike) -> NDArray[np.float64]:
        """Return weights (..., p) of the given coordinates in the eigenbasis, (..., d)."""
        return np.asarray(w, dtype=float) if self.basis is None else np.asarray(w, dtype=float) @ self.basis

    def from_eigenbasis(self, w: ArrayLike) -> NDArray[np.float64]:
        """Return weights (..., d) of the eigenbasis in the coordinates that the problem was given in, (..., p)."""
        return np.asarray(w, dtype=float) if self.basis is None else np.asarray(w, dtype=float) @ self.basis.T

    def check_start(self, w0: ArrayLike) -> NDArray[np.float64]:
        """Return starting weights as floats, shape (..., d).

        Raises
        ------
        ValueError
            If the last axis does not have length d, or a start holds NaN or infinity.
        """
        start = np.asarray(w0, dtype=float)
        if start.ndim == 0 or start.shape[-1] != self.dimension:
            raise ValueError(
                f"w0 has shape {start.shape}; its last axis must have the problem's dimension {self.dimension}"
            )
        bad = start[~np.isfinite(start)]
        if bad.size:
            raise ValueError(f"w0 holds {bad[0]}, which is NaN or infinity; start from finite weights")
        size = np.abs(start).max(axis=-1)
        beyond = size[(size > _LARGEST_START) | ((size < 1 / _LARGEST_START) & (size > 0))]
        if beyond.size:
            raise ValueError(
                f"w0 has size {beyond.flat[0]:g}, whose square leaves what floats hold; rescale it (weights gamma "
                "times as large want the step size gamma^2 eps)"
            )
        return start

    def facts(self) -> dict[str, str]:
        """Return what names the problem at a glance, in words and four digits."""
        first, last = self.eigenvalues[0], self.eigenvalues[-1]
        facts = {
            "dimension": f"{self.dimension}",
            "eigenvalues": f"{first:.4g} ... {last:.4g}",
            "condition number": f"{self.condition_number:.4g}",
            "explained": f"{100 * self.explained_fraction:.4g} % of E[y^2] = {float(self.second_moment or 0.0):.4g}",
        }
        return facts if self.preparation is None else {**facts, "data": str(self.preparation)}

    def __repr__(self) -> str:
        return f"Problem({', '.join(f'{name}: {value}' for name, value in self.facts().items())})"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{html(value)}</td></tr>" for name, value in self.facts().items())
        return f"<table><caption>Least-squares problem</caption>{rows}</table>"


def unit_vectors(rng: np.random.Generator, dimension: int, n: int | None = None) -> NDArray[np.float64]:
    """Return n vectors uniform on the unit sphere of R^d, shape (n, d), or one of shape (d,) where n is not given.

    Examples
    --------
    >>> bngd.unit_vectors(np.random.default_rng(0), dimension=3, n=5).shape
    (5, 3)
    """
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {rng!r}; give a generator, such as numpy.random.default_rng(0)")
    v = rng.standard_normal(dimension if n is None else (n, dimension))
    return v / np.linalg.norm(v, axis=-1, keepdims=True)
