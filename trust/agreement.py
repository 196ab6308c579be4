"""In how many digits two results agree."""

from typing import Any

import numpy as np


def digits(ours: Any, theirs: Any) -> float:
    """Return how many decimal digits agree, in the entry where fewest do; 16 is all of them.

    What is of another shape, or holds anything but numbers, does not agree at all.
    """
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if ours.shape != theirs.shape or not np.isfinite([ours, theirs]).all():
        return -np.inf
    difference = np.max(np.abs(ours - theirs) / np.maximum(np.abs(ours), 1e-300))
    return float(min(16.0, -np.log10(max(difference, 1e-16))))
