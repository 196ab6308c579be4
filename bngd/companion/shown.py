"""How numbers and claims read, wherever they are shown: in a notebook, in the ledger, in the summary."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bngd.claims import UNDECIDED, VERDICTS

SIGNS = dict(zip(VERDICTS, ("✓", "✗", "?"), strict=True))
"""A sign for each verdict, so that colour never stands alone."""

HEADER = ("Claim", "Predicted", "Measured", "Rule", "Verdict")
LONGEST_LIST = 4
MINUS, TIMES, SPACE = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{NO-BREAK SPACE}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(number: str) -> str:
    """Return a formatted number as it is printed: ``-1.2e-05`` becomes −1.2 × 10⁻⁵. Other text stays as it is."""
    match = re.fullmatch(r"([+-]?[\d.,]+)(?:e([+-])0*(\d+))?", number)
    if match is None:
        return number
    mantissa, sign, exponent = match[1].replace("-", MINUS), match[2], match[3]
    if exponent is None:
        return mantissa
    power = (("-" if sign == "-" else "") + exponent).translate(_RAISED)
    return f"{mantissa}{SPACE}{TIMES}{SPACE}10{power}"


def brief(value: Any, *, longest: int = LONGEST_LIST) -> str:
    """Return any value of a result as text: numbers to four digits, lists joined up to ``longest`` entries."""
    if value is None:
        return "not a number"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return typeset(f"{value:.4g}" if isinstance(value, float) else str(value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {brief(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        shown = ", ".join(brief(entry) for entry in value[:longest])
        return shown if len(value) <= longest else f"{shown}, … ({len(value)} in all)"
    return str(value)


def verdict(word: str) -> str:
    """Return a verdict with its sign."""
    return f"{SIGNS.get(word, SIGNS[UNDECIDED])} {word}"


def claim_cells(claim: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a ledger entry as Markdown texts, one for each column of `HEADER`; the verdict comes with its sign.

    Where the verdict is not the one on record, both are told.
    """
    told = verdict(claim["verdict"])
    if claim["verdict"] != claim["expected"]:
        told += f" (on record: {claim['expected']})"
    return claim["statement"], brief(claim["predicted"]), brief(claim["measured"]), claim["rule"], told


def claims_table(claims: Sequence[Mapping[str, Any]]) -> str:
    """Return ledger entries as a Markdown table, one row each."""
    rows = [HEADER, ("---",) * len(HEADER), *map(claim_cells, claims)]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows)
