"""Refuse what does not fit, with the numbers, before anything is allocated."""

import psutil

_GIB = 2**30


class TooLargeError(ValueError):
    """The memory that a call would need is not there."""


def available_memory() -> int:
    """Return the bytes that can be had without swapping."""
    return psutil.virtual_memory().available


def require_memory(needed: float, purpose: str, remedy: str) -> None:
    """Raise `TooLargeError` if `needed` bytes are more than are available.

    Raises
    ------
    TooLargeError
        A ValueError that gives both numbers and what to do instead.
    """
    available = available_memory()
    if needed > available:
        numbers = f"needs {needed / _GIB:.3g} GiB, but {available / _GIB:.3g} GiB are free"
        raise TooLargeError(f"{purpose} {numbers}; {remedy}")
