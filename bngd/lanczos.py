"""Block Lanczos with full reorthogonalisation: an orthonormal basis of a block Krylov space, and H in it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bngd.arrays import Array
from bngd.machine import cores
from bngd.memory import require_memory
from bngd.problem import Problem

PANEL = 16384
"""Coordinates that are worked on at a time: the panel of two or three vectors stays in cache."""

_BREAKDOWN = 1e-13
"""A new direction shorter than this part of the largest eigenvalue is rounding, and is left out."""

_CANCELLATION = 0.1
"""A direction that is left with this part of its length or less is orthogonalised once more."""


class _Basis:
    """Orthonormal vectors of length d, kept in panels of coordinates: a panel of a block stays in cache."""

    def __init__(self, dimension: int) -> None:
        self.size = 0
        self._panels = [slice(i, min(i + PANEL, dimension)) for i in range(0, dimension, PANEL)]
        self._parts = [np.empty((0, panel.stop - panel.start)) for panel in self._panels]

    def append(self, vectors: Array) -> None:
        """Add vectors (k, d), which are orthonormal and orthogonal to those that are here."""
        needed = self.size + len(vectors)
        if needed > len(self._parts[0]):
            self._reserve(needed + needed // 4)
        for panel, part in zip(self._panels, self._parts, strict=True):
            part[self.size : needed] = vectors[:, panel]
        self.size = needed

    def _reserve(self, capacity: int) -> None:
        more = (capacity - self.size) * 8.0 * self._panels[-1].stop
        purpose = f"a Krylov basis of {capacity} vectors of length {self._panels[-1].stop}"
        require_memory(more, purpose, "ask for a larger tolerance, or for fewer starts at a time")
        for i, part in enumerate(self._parts):  # one panel at a time, so that no second copy of all is ever there
            larger = np.empty((capacity, part.shape[1]))
            larger[: self.size] = part[: self.size]
            self._parts[i] = larger

    def project_out(self, vectors: Array) -> None:
        """Make vectors (k, d) orthogonal to the basis, in place; panels are done on all cores."""
        work = [(vectors[:, panel], part[: self.size]) for panel, part in zip(self._panels, self._parts, strict=True)]
        with ThreadPoolExecutor(cores()) as pool:
            # The sum runs in the order of the panels, so that it does not depend on which is done first.
            coefficients = sum(pool.map(lambda pair: pair[0] @ pair[1].T, work))
            list(pool.map(lambda pair: np.subtract(pair[0], coefficients @ pair[1], out=pair[0]), work))


class Lanczos:
    """Block Lanczos from [u, starts]: a basis Q of the Krylov space, and T = Q'HQ, which is block tridiagonal."""

    def __init__(self, problem: Problem, starts: Array) -> None:
        self.full = problem
        self._basis = _Basis(problem.dimension)
        seeds = np.vstack([problem.u, starts])
        lengths = np.linalg.norm(seeds, axis=1, keepdims=True)
        factor, self._next = _orthonormal_rows(seeds / lengths, _BREAKDOWN)
        self._block = self._next
        self._seeds = lengths * factor
        self._diagonal: list[Array] = []
        self._below: list[Array] = []

    @property
    def blocks(self) -> int:
        """Number of blocks in the basis."""
        return len(self._diagonal)

    @property
    def complete(self) -> bool:
        """Whether the space is invariant under H, so that nothing can be added."""
        return len(self._next) == 0

    def grow(self, blocks: int, max_dimension: int | None = None) -> None:
        """Add blocks until there are so many, another would be too much, or the space is invariant."""
        limit = max_dimension or self.full.dimension
        with threadpool_limits(1):  # the panels are shared out among the cores already
            while self.blocks < blocks and not self.complete and self._basis.size + len(self._next) <= limit:
                self._advance()

    def _advance(self) -> None:
        """Take the next block into the basis and make the one after it: H times it, orthogonal to all.

        The three-term recurrence takes off nearly all that has to go; what it leaves because of rounding is then taken
        off against the whole basis. Either alone loses orthogonality as the basis grows.
        """
        previous, block = self._block, self._next
        self._basis.append(block)
        image = block * self.full.eigenvalues
        diagonal, length = image @ block.T, np.linalg.norm(image)
        image -= diagonal @ block
        if self._below:
            image -= self._below[-1] @ previous
        self._basis.project_out(image)
        factor, self._next = _orthonormal_rows(image, _BREAKDOWN * self.full.eigenvalues[-1])
        if factor.size and np.linalg.norm(factor, axis=0).min() < _CANCELLATION * length:
            self._basis.project_out(self._next)
            correction, self._next = _orthonormal_rows(self._next, _BREAKDOWN)
            factor = factor @ correction
        self._block = block
        self._diagonal.append(diagonal)
        self._below.append(factor.T)

    def compressed(self) -> tuple[Problem, Array]:
        """Return the problem in the eigenbasis of T, and the starts (m, n) in it."""
        eigenvalues, vectors = np.linalg.eigh(self._tridiagonal())
        seeds = self._seeds @ vectors[: self._seeds.shape[1]]
        return Problem(eigenvalues, eigenvalues * seeds[0], self.full.second_moment), seeds[1:]

    def _tridiagonal(self) -> Array:
        """Return T with its lower triangle filled."""
        matrix = np.zeros((self._basis.size, self._basis.size))
        first = 0
        for diagonal, below in zip(self._diagonal, self._below, strict=True):
            last = first + len(diagonal)
            matrix[first:last, first:last] = (diagonal + diagonal.T) / 2
            if last < len(matrix):
                matrix[last : last + len(below), first:last] = below
            first = last
        return matrix


def _orthonormal_rows(vectors: Array, smallest: float) -> tuple[Array, Array]:
    """Return factor (k, r) and orthonormal rows (r, d) whose product is `vectors` (k, d).

    Singular values of at most `smallest` are left out, so that r < k where rows depend on each other.
    """
    rows, triangle = np.linalg.qr(vectors.T)
    left, singular, right = np.linalg.svd(triangle.T)
    kept = singular > smallest
    return left[:, kept] * singular[kept], right[kept] @ rows.T
