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
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import check_count, check_nonzero
from bngd.ensemble import sweep
from bngd.lanczos import Lanczos
from bngd.problem import Problem

_FINEST_TOLERANCE = 1e-12
"""Below this a difference of losses is hard to tell from rounding."""

_PROBES = np.logspace(-3, 6, 96)
"""Step sizes that the error is estimated at, as multiples of ||w_0||^2 / (||u||^2 l_d)."""

_LOOKS = 24
"""Number of steps, geometrically spaced, at which probes are compared."""

RESCALING = 1.1
"""Weights times this, and step sizes times its square, change nothing but rounding."""

SENSITIVE = 0.01
"""A step size is sensitive where rounding makes a difference of this part of the tolerance."""


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
        step sizes that are probed the error was seen to be twice the estimate, at tolerances above 1e-4 more, and
        two hundred times at single step sizes, near those at which rounding matters (the benchmark's 10^4 dimensions).
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
    problem: Problem, starts: ArrayLike, *, steps: int, tolerance: float = 1e-10, max_dimension: int | None = None
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

    Examples
    --------
    >>> problem = bngd.Problem.from_spectrum(np.geomspace(1, 100, 1000), rng=np.random.default_rng(0))
    >>> small = bngd.compress(problem, np.ones(1000), steps=5)
    >>> small.problem.dimension, small.exact_steps
    (12, 5)
    """
    starts = check_nonzero(problem.check_start(starts))
    check_count("steps", steps)
    if max_dimension is not None:
        check_count("max_dimension", max_dimension, "give more, or None for no limit")
    if not _FINEST_TOLERANCE <= tolerance < 1:
        raise CompressionError(
            f"tolerance is {tolerance!r}; losses agree to rounding at best: give {_FINEST_TOLERANCE:g} or more, below 1"
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
            estimate = _FINEST_TOLERANCE if exact else max(error, _FINEST_TOLERANCE)
            exact_steps = None if lanczos.complete else lanczos.blocks - 1
            mapped = mapped.reshape(*starts.shape[:-1], small.dimension)
            return Compression(small, mapped, estimate, float(sensitive.mean()), exact_steps)
        before = losses
    raise AssertionError("as many blocks as steps and one more are exact")


def _probe_rates(problem: Problem, starts: Array) -> Array:
    """Return the step sizes of the probes (probes, m), on the scale of each start."""
    unit = np.linalg.norm(starts, axis=1) ** 2 / (problem.u @ problem.u * problem.eigenvalues[-1])
    return _PROBES[:, None] * unit


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
    looks = np.unique(np.geomspace(1, steps, _LOOKS).astype(int))
    table = sweep(problem, scale**2 * lr, steps=steps, w0=scale * starts, checkpoints=looks)
    return table["excess_loss"].to_numpy().reshape(*lr.shape, -1) / (problem.explained / 2)
