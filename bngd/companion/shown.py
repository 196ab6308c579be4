"""How numbers and claims read, wherever they are shown: in a notebook, in the ledger, in the summary."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bngd.claims import TWO_SIDED, UNDECIDED, VERDICTS

_SIGNS = dict(zip(VERDICTS, ("✓", "✗", "?"), strict=True))
"""A sign for each verdict, so that colour never stands alone."""

HEADER = ("Claim", "Measured", "Asked for", "Verdict")
_LONGEST_LIST = 4
_SMALL = 1e-3
"""What is smaller is an error, of which two digits say enough."""

_NEAR_ONE = 5e-4
"""What differs from 1 by less is shown by that difference, which four digits would hide."""

_HEADINGS = {
    "lr": "step size", "lr_a": "step size of a", "lr_gd": "step size, GD", "lr_bngd": "step size, BNGD",
    "kappa": "\N{GREEK SMALL LETTER KAPPA}", "kappa_star": "\N{GREEK SMALL LETTER KAPPA}*",
}  # fmt: skip
"""Columns of tables that underscores alone do not make readable."""

_MINUS, _TIMES, _SPACE = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{NO-BREAK SPACE}"
_POWER = re.compile(r"\d\S*e-\d+")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(number: str) -> str:
    """Return a formatted number as it is printed: ``-1.2e-05`` becomes −1.2 × 10⁻⁵. Other text stays as it is."""
    match = re.fullmatch(r"([+-]?[\d.,]+)(?:e([+-])0*(\d+))?", number)
    if match is None:
        return number
    mantissa, sign, exponent = match[1].replace("-", _MINUS), match[2], match[3]
    if exponent is None:
        return mantissa
    power = (("-" if sign == "-" else "") + exponent).translate(_RAISED)
    return f"{mantissa}{_SPACE}{_TIMES}{_SPACE}10{power}"


def brief(value: Any, *, longest: int = _LONGEST_LIST) -> str:
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


def heading(column: Any) -> str:
    """Return the name of a table's column as a reader sees it: its file keeps the name that code uses.

    Examples
    --------
    >>> heading("start_degrees"), heading("lr")
    ('start degrees', 'step size')
    """
    return _HEADINGS.get(column, str(column).replace("_", " "))


def verdict(word: str) -> str:
    """Return a verdict with its sign."""
    return f"{_SIGNS.get(word, _SIGNS[UNDECIDED])} {word}"


def counted(claims: Iterable[Mapping[str, Any]]) -> str:
    """Return how many claims have each verdict, as in "1 contradicted, 3 holds"; "none" where there is no claim."""
    verdicts = Counter(claim["verdict"] for claim in claims)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "none"


def _sentence_of(statement: str) -> tuple[str, str]:
    """Return the sentence of a claim, and what was measured for it, which stands in parentheses at its end.

    Examples
    --------
    >>> _sentence_of("The norm never decreases (largest relative decrease).")
    ('The norm never decreases.', 'largest relative decrease')
    """
    text, depth = statement.rstrip("."), 0
    for place in range(len(text) - 1, 0, -1):
        depth += (text[place] == ")") - (text[place] == "(")
        if depth == 0:
            break
    if not text.endswith(")") or text[place - 1] != " ":
        return statement, ""
    return text[: place - 1] + ".", text[place + 1 : -1]


def _amount(value: Any, *, digits: int, share: bool) -> str:
    """Return one side of a claim as text: a long list by its ends, a share in per cent, what is next to 1 as such."""
    if isinstance(value, list):
        told = [_amount(entry, digits=digits, share=share) for entry in value]
        if len(value) <= _LONGEST_LIST or not all(isinstance(entry, int | float) for entry in value):
            return ", ".join(told[:_LONGEST_LIST])
        least, most = told[value.index(min(value))], told[value.index(max(value))]
        return f"each of {len(value)}, from {least} to {most}"
    if not isinstance(value, float):
        return brief(value)
    if share:
        return typeset(f"{100 * value:.4g}") + "%"
    if 0 < abs(value - 1) < _NEAR_ONE:
        return _SPACE.join(["1", "+" if value > 1 else _MINUS, typeset(f"{abs(value - 1):.0e}")])
    if abs(value) < _SMALL:
        digits = 2
    return typeset(f"{value:.{digits}g}")


def claim_cells(claim: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a ledger entry as Markdown texts, one for each column of `HEADER`; the verdict comes with its sign.

    A bound needs fewer digits than an equality. Where the verdict is not the one on record, both are told.
    """
    sentence, what = _sentence_of(claim["statement"])
    digits, share = 4 if claim["rule"].startswith(TWO_SIDED) else 3, what.startswith("share")
    measured = (f"{what}: " if what else "") + _amount(claim["measured"], digits=digits, share=share)
    rule = _POWER.sub(lambda number: typeset(number[0]), claim["rule"])
    asked = rule.replace("predicted", _amount(claim["predicted"], digits=digits, share=share))
    told = verdict(claim["verdict"])
    if claim["verdict"] != claim["expected"]:
        told += f" (on record: {claim['expected']})"
    return sentence, measured, asked, told


def claims_table(claims: Sequence[Mapping[str, Any]]) -> str:
    """Return ledger entries as a Markdown table, one row each."""
    rows = [HEADER, ("---",) * len(HEADER), *map(claim_cells, claims)]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows)
