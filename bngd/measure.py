"""Measuring runs: the factor of a geometric decay, and the range of step sizes that work."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


def decay_factor(values: ArrayLike, *, floor: float = 1e-24) -> float:
    """Return the factor per step of a sequence that decays geometrically in the end.

    The factor is the geometric mean over the last half of the steps before the sequence reaches ``floor`` times its
    first value, where rounding takes over.

    Parameters
    ----------
    values : array_like, shape (n,)
        Positive, such as excess losses; the square root of a loss's factor is the factor of the error.
    floor : float
        Relative to the first value.

    Returns
    -------
    float
        NaN where fewer than 8 values can be used, or the values are not finite.

    Examples
    --------
    >>> round(bngd.decay_factor(0.9 ** np.arange(100)), 6)
    0.9
    """
    values = np.asarray(values, dtype=float)
    above = values > floor * values[0]
    end = int(np.argmin(above)) - 1 if not above.all() else values.size - 1
    start = end // 2
    if end - start < 4 or not np.isfinite(values[: end + 1]).all():
        return float("nan")
    return float((values[end] / values[start]) ** (1 / (end - start)))


class WorkableRange(NamedTuple):
    """A contiguous range of step sizes that work, and whether the grid cut it off."""

    low: float
    high: float
    censored: bool

    @property
    def decades(self) -> float:
        """Its width, log10(high/low); a lower bound where censored."""
        return float(np.log10(self.high / self.low))

    def as_row(self) -> dict[str, float | bool]:
        """Return low, high, decades and censored, as tables hold them."""
        return {"low": self.low, "high": self.high, "decades": self.decades, "censored": self.censored}


def workable_range(lr: ArrayLike, loss: ArrayLike, threshold: float) -> WorkableRange:
    """Return the widest contiguous range of step sizes whose loss is at most the threshold.

    Its ends are interpolated, log against log, between the last step size that works and the first that does not.

    Parameters
    ----------
    lr : array_like, shape (n,)
        Ascending, n >= 2.
    loss : array_like, shape (n,)
        Positive; NaN and infinity do not work.
    threshold : float
        Positive.

    Returns
    -------
    WorkableRange
        With NaN ends where no step size works.

    Raises
    ------
    ValueError
        If the step sizes are not ascending, the lengths differ, or the threshold is not positive.

    Examples
    --------
    >>> bngd.workable_range([0.01, 0.1, 1.0, 10.0], [1.0, 1e-4, 1e-4, 1.0], threshold=1e-2).decades
    2.0
    """
    lr, loss = np.asarray(lr, dtype=float), np.asarray(loss, dtype=float)
    if lr.ndim != 1 or lr.size < 2 or np.any(np.diff(lr) <= 0) or loss.shape != lr.shape:
        raise ValueError(
            f"lr has shape {lr.shape} and loss {loss.shape}; give two or more ascending lr, and a loss for each"
        )
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold}; a loss is compared with a positive number")
    works = loss <= threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[False], works, [False]]).astype(int)))
    if edges.size == 0:
        return WorkableRange(float("nan"), float("nan"), False)
    first, last = max(edges.reshape(-1, 2) - [0, 1], key=lambda run: np.log(lr[run[1]] / lr[run[0]]))
    low = _crossing(lr, loss, threshold, first, first - 1) if first > 0 else lr[first]
    high = _crossing(lr, loss, threshold, last, last + 1) if last < lr.size - 1 else lr[last]
    return WorkableRange(float(low), float(high), bool(first == 0 or last == lr.size - 1))


def _crossing(lr: NDArray, loss: NDArray, threshold: float, inside: int, outside: int) -> float:
    if not np.isfinite(loss[outside]) or loss[inside] <= 0:
        return lr[inside]
    fraction = np.log(threshold / loss[inside]) / np.log(loss[outside] / loss[inside])
    return lr[inside] * (lr[outside] / lr[inside]) ** fraction
