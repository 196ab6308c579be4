"""BNGD once more, compiled and in the plainest form, for the hunt: what a run reached, not the run."""

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from trust.hunt import Instance

Array = NDArray[np.float64]


class End(NamedTuple):
    """What a run reached: steps, last ||w||^2 and loss, largest |a| and loss, n ||grad_w J|| by step, last (a, w)."""

    steps: int
    squared_norm: float
    loss: float
    largest_a: float
    largest_loss: float
    gradients: Array
    a: float
    w: Array


@numba.njit(cache=True)
def _run(
    l: Array,  # noqa: E741 - the symbol of the paper
    u: Array,
    w: Array,
    a: float,
    lr: float,
    lr_a: float,
    steps: int,
) -> tuple[int, float, float, float, float, Array, float, Array]:
    gradients = np.zeros(steps)
    largest_a, largest_loss, loss, explained = abs(a), 0.0, 0.0, np.sum(l * u * u)
    for k in range(steps + 1):
        s = np.sqrt(np.sum(l * w * w))
        p = np.sum(w * l * u) / s
        e = u - p / s * w
        loss = ((a - p) ** 2 + np.sum(l * e * e)) / 2
        largest_a, largest_loss = max(largest_a, abs(a)), max(largest_loss, loss)
        if k == steps or not loss > 1e-26 * explained or not np.isfinite(loss):
            return k, np.sum(w * w), loss, largest_a, largest_loss, gradients, a, w
        gradients[k] = np.sqrt(np.sum(w * w)) * abs(a) / s * np.sqrt(np.sum((l * e) ** 2))
        w = w + lr * a / s * l * e
        a = a + lr_a * (p - a)
    return steps, 0.0, loss, largest_a, largest_loss, gradients, a, w


def run(x: "Instance", steps: int) -> End:
    """Run an instance for so many steps, or until its loss is rounding."""
    return End(*_run(x.problem.eigenvalues, x.problem.u, x.w, x.a, x.lr, x.lr_a, steps))
