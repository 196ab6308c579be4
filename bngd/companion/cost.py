"""How long a run with parameters of one's own would take, before it begins."""

from collections.abc import Mapping
from typing import Any

from bngd.companion.errors import CompanionError
from bngd.text import duration

_LONGEST_SECONDS = 3600.0
"""What would take longer begins only where it is asked for."""

TYPICAL_SECONDS = 60.0
"""How long a notebook takes with its own parameters, where no run of the book says."""

_NOT_WORK = {"seed", "workers", "record_every", "asymptotic_from"}
"""Whole numbers that count no steps, runs, problems or dimensions."""


def _growth(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, float]:
    """Return the counts among the parameters that are not as usual -> how many times as much work each asks for."""
    work = {name: (_work(values.get(name)), _work(count)) for name, count in usual.items() if name not in _NOT_WORK}
    return {name: more / before for name, (more, before) in work.items() if before > 0 < more != before}


def require_short(
    notebook: str, values: Mapping[str, Any], usual: Mapping[str, Any], seconds: float, way_out: str
) -> float:
    """Return about how long a run would take at most: what it usually takes, times the growth of each count.

    Raises
    ------
    CompanionError
        If that is longer than `_LONGEST_SECONDS`.
    """
    grown = _growth(values, usual)
    for factor in grown.values():
        seconds *= factor
    if seconds > _LONGEST_SECONDS and grown:
        name = max(grown, key=lambda name: grown[name])
        raise CompanionError(
            f"parameter {name!r} of notebook {notebook!r} is {values[name]!r}, not {usual[name]!r}: the run would take "
            f"up to about {duration(seconds)}; what may take more than an hour begins only if asked for: {way_out}"
        )
    return seconds


def _work(value: Any) -> float:
    """Return what a count adds to the work: a whole number, or the sum of several; 0 for what is no count."""
    entries = value if isinstance(value, list | tuple) else [value]
    return float(sum(entries)) if all(type(entry) is int for entry in entries) else 0.0
