"""Exact compression of a large problem: a run of k steps never leaves a space of dimension of order k.

The weights of k steps lie in the block Krylov space of H from [g, w_0]. Expressed in an orthonormal basis Q of it, the
problem keeps its losses and norms with Q'HQ in place of H: a problem of the size of the basis, not of d. It is exact
(up to rounding) for as many steps as there are blocks less one, and an approximation whose error falls geometrically
with the number of blocks from then on, faster the better conditioned H is.

We start from [u, w_0] instead of [g, w_0], which costs no block, since g = Hu. The solution then lies in the space, so
that the compressed problem has it, and the smallest loss, exactly. From g, the compressed minimum is off by the error
of conjugate gradients, which is the larger part of the error of all late losses.

At some step sizes BNGD amplifies any perturbation, rounding included, until two runs that differ in nothing else part
for a while. There no two codes agree, compressed or not, and the error is estimated at the other step sizes.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bngd.dynamics import check_nonzero
from bngd.ensemble import sweep
from bngd.machine import cores
from bngd.memory import require_memory
from bngd.problem import Problem

PANEL = 16384
"""Coordinates that are worked on at a time: the panel of two or three vectors stays in cache."""

BREAKDOWN = 1e-13
"""A new direction shorter than this part of the largest eigenvalue is rounding, and is left out."""

CANCELLATION = 0.1
"""A direction that is left with this part of its length or less is orthogonalised once more."""

FINEST_TOLERANCE = 1e-12
"""Below this a difference of losses is hard to tell from rounding."""

PROBES = np.logspace(-3, 6, 96)
"""Step sizes that the error is estimated at, as multiples of ||w_0||^2 / (||u||^2 l_d)."""

LOOKS = 24
"""Number of steps, geometrically spaced, at which probes are compared."""

RESCALING = 1.1
"""Weights times this, and step sizes times its square, change nothing but rounding."""

SENSITIVE = 0.01
"""A step size is sensitive where rounding makes a difference of this part of the tolerance."""

Array = NDArray[np.float64]


class CompressionError(ValueError):
    """The tolerance that was asked for cannot be met."""


@dataclass(frozen=True, eq=False)
class Compression:
    """A problem of small dimension whose runs are those of a large one.

    Attributes
    ----------
    problem : Problem
        The compressed problem, in the eigenbasis of Q'HQ.
    starts : (..., dimension) array
        The starts, in the same shape as they were given but for the last axis.
    estimate : float
        Estimated largest error of the excess loss over `steps` steps, as a fraction of u'Hu/2: the difference made by
        the last blocks of the basis, over step sizes of nine decades that are not sensitive. Not a bound: between the
        step sizes that are probed the error was seen to be twice the estimate, and at tolerances above 1e-4 more.
    sensitive : float
        Share of these step sizes at which a change of nothing but rounding moves a loss by a hundredth of the tolerance
        or more.
    exact_steps : int or None
        Steps up to which the compression is exact but for rounding; None where it is for any number.
    """

    problem: Problem
    starts: Array
    estimate: float
    sensitive: float
    exact_steps: int | None


def compress(
    problem: Problem,
    starts: ArrayLike,
    *,
    steps: int,
    tolerance: float = 1e-10,
    max_dimension: int | None = None,
) -> Compression:
    """Compress a problem so that runs of `steps` steps from `starts`, at any step size, keep their losses.

    Block Lanczos from [u, starts] with full reorthogonalisation; costs O(d n^2) time and O(d n) memory for a basis of
    n vectors. No matrix larger than that is formed.

    Parameters
    ----------
    problem : Problem
        In H's eigenbasis, of any dimension d.
    starts : (..., d) array_like
        Initial weights, nonzero. Each adds a vector to every block, so that few should be compressed together.
    steps : int
        Steps that the runs will take.
    tolerance : float
        Error in the excess loss that may remain, as a fraction of u'Hu/2. The basis grows until the estimate is below.
    max_dimension : int, optional
        Largest dimension of the compressed problem.

    Raises
    ------
    CompressionError
        A ValueError: the tolerance cannot be met within `max_dimension`, or is below the level of rounding.
    ValueError
        If `steps` or `max_dimension` is below 1, or a start is zero or of the wrong length.
    bngd.memory.TooLargeError
        If the basis does not fit into memory.

    References
    ----------
    G. H. Golub, G. Meurant, "Matrices, Moments and Quadrature with Applications", 2010, on the block Lanczos process.
    """
    starts = check_nonzero(problem.check_start(starts))
    if steps < 1:
        raise ValueError(f"steps is {steps!r}; compress for at least 1 step")
    if max_dimension is not None and max_dimension < 1:
        raise ValueError(f"max_dimension is {max_dimension!r}; give at least 1, or None for no limit")
    if not FINEST_TOLERANCE <= tolerance < 1:
        raise CompressionError(
            f"tolerance is {tolerance!r}; losses agree to rounding at best: give {FINEST_TOLERANCE:g} or more, below 1"
        )
    flat = starts.reshape(-1, problem.dimension)
    lanczos, lr = Lanczos(problem, flat), _probe_rates(problem, flat)
    before, error = None, np.inf
    for blocks in _sizes(steps):
        lanczos.grow(blocks, max_dimension)
        if lanczos.blocks < blocks and not lanczos.complete:
            raise CompressionError(
                f"a tolerance of {tolerance:g} needs more than max_dimension = {max_dimension}, where the estimate is "
                f"{error:.2g}; allow more dimensions or a larger tolerance"
            )
        small, mapped = lanczos.compressed()
        losses = probe(small, mapped, lr, steps)
        rounding = np.abs(losses - probe(small, mapped, lr, steps, scale=RESCALING)).max(axis=-1)
        sensitive = rounding > SENSITIVE * tolerance
        if before is not None:
            error = float(np.abs(losses - before).max(axis=-1)[~sensitive].max(initial=0.0))
        exact = lanczos.complete or lanczos.blocks > steps
        if exact or error <= tolerance:
            estimate = FINEST_TOLERANCE if exact else max(error, FINEST_TOLERANCE)
            exact_steps = None if lanczos.complete else lanczos.blocks - 1
            mapped = mapped.reshape(*starts.shape[:-1], small.dimension)
            return Compression(small, mapped, estimate, float(sensitive.mean()), exact_steps)
        before = losses
    raise AssertionError("as many blocks as steps and one more are exact")


def _probe_rates(problem: Problem, starts: Array) -> Array:
    """Return the step sizes of the probes (probes, m), on the scale of each start."""
    unit = np.linalg.norm(starts, axis=1) ** 2 / (problem.u @ problem.u * problem.eigenvalues[-1])
    return PROBES[:, None] * unit


def _sizes(steps: int) -> Iterator[int]:
    """Yield numbers of blocks to try, each about a tenth more than the last, up to the one that is exact."""
    blocks = 8
    while blocks < steps + 1:
        yield blocks
        blocks += max(2, blocks // 10)
    yield steps + 1


def probe(problem: Problem, starts: Array, lr: Array, steps: int, *, scale: float = 1.0) -> Array:
    """Return excess losses of BNGD as a fraction of u'Hu/2, shape (probes, starts, looks).

    Parameters
    ----------
    problem : Problem
    starts : (m, d) array
    lr : (probes, m) array
    steps : int
    scale : float
        Factor of the weights; the step sizes take its square, so that only rounding differs.
    """
    looks = np.unique(np.geomspace(1, steps, LOOKS).astype(int))
    table = sweep(problem, scale**2 * lr, steps=steps, w0=scale * starts, checkpoints=looks)
    return table["excess_loss"].to_numpy().reshape(*lr.shape, -1) / (problem.explained / 2)


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
        factor, self._next = _orthonormal_rows(seeds / lengths, BREAKDOWN)
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
        factor, self._next = _orthonormal_rows(image, BREAKDOWN * self.full.eigenvalues[-1])
        if factor.size and np.linalg.norm(factor, axis=0).min() < CANCELLATION * length:
            self._basis.project_out(self._next)
            correction, self._next = _orthonormal_rows(self._next, BREAKDOWN)
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
