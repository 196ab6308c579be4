"""Claims: what the theory says, what was measured, and whether the two agree.

A figure persuades; a claim can fail. Each one names the rule that compares prediction and measurement, so that a
reader can disagree with the rule rather than with a picture.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

import numpy as np

from bngd.paper import CHAPTER_OF, TABLE_CELLS

HOLDS, CONTRADICTED, UNDECIDED = "holds", "contradicted", "undecided"
VERDICTS = (HOLDS, CONTRADICTED, UNDECIDED)

TWO_SIDED = "predicted to within"
"""How the text of a rule begins that bounds a difference from both sides."""


@dataclass(frozen=True)
class Rule:
    """How a measurement is compared with a prediction.

    Attributes
    ----------
    text : str
        The rule in words; where the ledger shows them, the word "predicted" gives way to what is.
    test : callable
        ``test(predicted, measured)`` is whether they agree.
    """

    text: str
    test: Callable[[Any, Any], bool]

    def verdict(self, predicted: Any, measured: Any) -> str:
        """Return the verdict: ``undecided`` where either side is missing or not a finite number."""
        if not (_is_known(predicted) and _is_known(measured)):
            return UNDECIDED
        return HOLDS if self.test(predicted, measured) else CONTRADICTED


def _is_known(value: Any) -> bool:
    if isinstance(value, np.ndarray | list | tuple):
        return len(value) > 0 and all(_is_known(v) for v in value)
    if isinstance(value, float | np.floating):
        return isfinite(value)
    return value is not None


def _part(share: float) -> str:
    return f"{100 * share:g}%" if share >= 1e-3 else f"{share:.0e}"


def close(rtol: float, atol: float = 0.0) -> Rule:
    """Demand ``|measured - predicted| <= atol + rtol |predicted|`` in every entry."""
    bounds = [f"{atol:g}"] * (atol > 0) + [_part(rtol)] * (rtol > 0)
    return Rule(
        f"{TWO_SIDED} {' and '.join(bounds) or '0'}",
        lambda p, m: bool(np.all(np.abs(np.subtract(m, p)) <= atol + rtol * np.abs(p))),
    )


def at_most(slack: float = 0.0) -> Rule:
    """Demand ``measured <= predicted (1 + slack)`` in every entry."""
    text = "at most predicted" + (f", to {_part(slack)}" if slack else "")
    return Rule(text, lambda p, m: bool(np.all(np.asarray(m) <= np.asarray(p) + slack * np.abs(p))))


def at_least(slack: float = 0.0) -> Rule:
    """Demand ``measured >= predicted (1 - slack)`` in every entry."""
    text = "at least predicted" + (f", to {_part(slack)}" if slack else "")
    return Rule(text, lambda p, m: bool(np.all(np.asarray(m) >= np.asarray(p) - slack * np.abs(p))))


def between(low: float, high: float) -> Rule:
    """Demand ``low <= measured <= high``; the prediction is then a word for the interval."""
    return Rule(
        f"from {low:g} to {high:g}" if low else f"at most {high:g}",
        lambda _, m: bool(np.all((low <= np.asarray(m)) & (np.asarray(m) <= high))),
    )


def equals() -> Rule:
    """Demand that the two are exactly the same: for counts, outcomes and booleans."""
    return Rule("exactly predicted", lambda p, m: bool(np.all(np.asarray(p) == np.asarray(m))))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence of the theory, held against one measurement; its verdict is what the rule says.

    Attributes
    ----------
    id : str
        Unique in the ledger, in kebab case.
    about : str
        The label of the book's statement that it tests, or the page of a chapter: a key of `bngd.paper.CHAPTER_OF`.
    statement : str
        The claim in a sentence; may hold ``$maths$``. What the number beside it is stands at its end, in parentheses;
        where that begins with "share", the number is shown in per cent.
    predicted, measured : number, str, bool or list of these
        What the theory gives, and what the run gave.
    rule : Rule
        What compares them.
    notebook : str
        The notebook that measured it.
    table_cell : str or None
        The cell of the summary table that it supports, one of `bngd.paper.TABLE_CELLS`.
    expected : {"holds", "contradicted", "undecided"}
        The verdict on record. A known finding against the theory is recorded as expected, so that a *change* of any
        verdict, in either direction, is what fails.
    verdict : {"holds", "contradicted", "undecided"}

    Raises
    ------
    ValueError
        If the statement that it is about, the table cell or the expected verdict is not one that exists.
    """

    id: str
    about: str
    statement: str
    predicted: Any
    measured: Any
    rule: Rule
    notebook: str
    table_cell: str | None = None
    expected: str = HOLDS
    verdict: str = field(init=False)

    def __post_init__(self) -> None:
        """Check what has to exist, and apply the rule."""
        _require_member("statement or chapter", self.about, CHAPTER_OF)
        _require_member("expected verdict", self.expected, VERDICTS)
        if self.table_cell is not None:
            _require_member("table cell", self.table_cell, TABLE_CELLS)
        object.__setattr__(self, "verdict", self.rule.verdict(self.predicted, self.measured))

    def as_dict(self) -> dict[str, Any]:
        """Return the ledger entry: the fields above, the rule in words."""
        return {name: getattr(self, name) for name in FIELDS} | {"rule": self.rule.text}


FIELDS = tuple(field.name for field in fields(Claim))
"""What a ledger entry holds."""


def _require_member(what: str, value: Any, valid: Any) -> None:
    if value not in valid:
        raise ValueError(f"{what} {value!r} does not exist; use one of {', '.join(map(repr, valid))}")


def combine(verdicts: list[str]) -> str:
    """Return the verdict of a whole cell: the worst of its claims, ``undecided`` where there is none."""
    for verdict in (CONTRADICTED, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return HOLDS if verdicts else UNDECIDED
