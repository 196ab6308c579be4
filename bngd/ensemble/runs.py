"""What is to be run: step sizes and starts, checked, broadcast against each other and flattened."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bngd.arrays import Array
from bngd.dynamics import check_nonzero, check_positive, optimal_a
from bngd.problem import Problem

METHODS = ("gd", "bngd")


@dataclass(frozen=True, eq=False)
class Runs:
    """All that is needed to do a set of runs anywhere: a problem, a method, and one entry a run.

    Attributes
    ----------
    eigenvalues, g : (d,) arrays
        The problem, in H's eigenbasis.
    method : {"gd", "bngd"}
        How a step is taken.
    marks : (k,) integer array
        Ascending steps at which a run is looked at.
    lr, lr_a : (n,) arrays
        Step sizes for w and for a; `lr_a` is NaN under gradient descent.
    start : (n,) integer array
        Row of `starts` from which a run sets out.
    starts : (m, d) array
        The distinct initial weights.
    a0 : (n,) array
        Initial a; NaN under gradient descent, which has none.
    """

    eigenvalues: Array
    g: Array
    method: str
    marks: NDArray[np.int64]
    lr: Array
    lr_a: Array
    start: NDArray[np.int64]
    starts: Array
    a0: Array

    def __len__(self) -> int:
        return self.lr.size

    def part(self, chunk: slice) -> "Runs":
        """Return some of the runs, with no more starts than they need, to be sent elsewhere."""
        used, start = np.unique(self.start[chunk], return_inverse=True)
        per_run = {name: getattr(self, name)[chunk] for name in ("lr", "lr_a", "a0")}
        return replace(self, start=start, starts=self.starts[used], **per_run)


def make_runs(
    problem: Problem,
    lr: ArrayLike,
    *,
    w0: ArrayLike,
    marks: ArrayLike,
    method: str,
    lr_a: ArrayLike,
    a0: ArrayLike | None,
) -> Runs:
    """Broadcast step sizes and starts against each other like NumPy and return one entry a run.

    Raises
    ------
    ValueError
        If a rate is not positive and finite, a start is zero or of the wrong length, `a0` is not finite, the shapes do
        not broadcast, there is no run, or the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; use one of {', '.join(map(repr, METHODS))}")
    check_positive(lr=lr, lr_a=lr_a)
    starts = problem.check_start(w0)
    if method == "bngd":
        check_nonzero(starts)
    index = np.arange(starts[..., 0].size, dtype=np.int64).reshape(starts.shape[:-1])
    rate, rate_a, start, a = _broadcast(lr, lr_a, index, np.nan if a0 is None else _finite(a0))
    starts = starts.reshape(-1, problem.dimension)
    if method == "gd":
        rate_a = a = np.full_like(rate, np.nan)
    elif a0 is None:
        a = optimal_a(problem, starts)[start]
    return Runs(
        problem.eigenvalues, problem.g, method, np.asarray(marks, dtype=np.int64), rate, rate_a, start, starts, a
    )


def _finite(a0: ArrayLike) -> Array:
    array = np.asarray(a0, dtype=float)
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)][0]
        raise ValueError(f"a0 holds {bad}; start from finite numbers, or give None for w0'g/s0")
    return array


def _broadcast(lr: ArrayLike, lr_a: ArrayLike, index: NDArray[np.int64], a0: ArrayLike) -> list[NDArray]:
    floats = [np.asarray(values, dtype=float) for values in (lr, lr_a, a0)]
    try:
        shape = np.broadcast_shapes(*(values.shape for values in floats), index.shape)
    except ValueError:
        raise ValueError(
            f"lr {floats[0].shape}, lr_a {floats[1].shape}, a0 {floats[2].shape}, w0 {index.shape} x d do "
            "not broadcast; for every step size from every start give lr[:, None]"
        ) from None
    if 0 in shape:
        raise ValueError(
            f"lr, lr_a, a0 and w0 broadcast to shape {shape}, which holds no run; give one of each at least"
        )
    rate, rate_a, a = (np.broadcast_to(values, shape).ravel() for values in floats)
    return [rate, rate_a, np.broadcast_to(index, shape).ravel(), a]
