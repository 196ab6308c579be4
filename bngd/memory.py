"""Refuse what does not fit, with the numbers, before anything is allocated."""

import os

GIB = 2**30


class TooLargeError(ValueError):
    """The memory that a call would need is not there."""


def available_memory() -> int | None:
    """Return the bytes that can be had without swapping; None where the system does not say."""
    try:
        with open("/proc/meminfo") as lines:
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        pages = os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
        return None if pages is None else pages * os.sysconf("SC_PAGE_SIZE")


def require_memory(needed: float, purpose: str, remedy: str) -> None:
    """Raise `TooLargeError` if `needed` bytes are more than are available.

    Raises
    ------
    TooLargeError
        A ValueError that gives both numbers and what to do instead.
    """
    available = available_memory()
    if available is not None and needed > available:
        numbers = f"needs {needed / GIB:.3g} GiB, but {available / GIB:.3g} GiB are free"
        raise TooLargeError(f"{purpose} {numbers}; {remedy}")
