"""What a parameter may be: the rule in the comment beside it, read by all who run a notebook.

A line of a parameters cell is ``name = default  # RULE: meaning``, or the comment stands in lines of its own above it.
RULE is a type and clauses, with commas between::

    steps = 2000  # int, at least 10, at most 1_000_000: of every run
    decimal = ""  # text, one of "" | "." | ",": how the file writes 1.5
    dimensions = [2, 8]  # list of int, at least 2, ascending, at most 9 entries: d of the problems

Types: int, float, bool, text, ``list of`` one of these, each after ``None or`` if need be. Clauses: ``above``,
``below``, ``at least``, ``at most`` a number, another parameter or ``max NAME``, for each entry of a list; ``one of A |
B``; ``multiple of N``; ``not empty``; ``N entries``, ``at most N entries``, ``at least N entries``, ``as many as
NAME``; ``ascending``; ``not all zero``; ``odd``; ``no power of two``. No float may be NaN or infinite. (An equals sign
in the comment would keep papermill from reading the line.)
"""

import ast
import io
import itertools
import math
import operator
import os
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bngd.companion import cost
from bngd.companion.errors import CompanionError

_TYPES: dict[str, type] = {"int": int, "float": float, "bool": bool, "text": str}
_COMPARED = {"at most": operator.le, "at least": operator.ge, "below": operator.lt, "above": operator.gt}
_LIMIT = re.compile(r"(at most|at least|below|above) (.+?)( entries)?")
_HEAD = re.compile(r"(?P<none>None or )?(?P<list>list of )?(?P<type>int|float|bool|text)\b")
_QUOTED_OR = r"""(?:"[^"]*"|'[^']*'|[^{}"'])*"""
_COMMENT = re.compile(rf"#\s*(?P<rule>{_QUOTED_OR.format(':')}):\s*(?P<meaning>.*)")
_CLAUSE = re.compile(_QUOTED_OR.format(","))
_CHOICE = re.compile(r'"[^"]*"|[^|\s]+')


@dataclass(frozen=True)
class Rule:
    """The rule of one parameter: its text, and what it asks for."""

    text: str
    meaning: str
    kind: str
    optional: bool
    many: bool
    clauses: tuple[str, ...]

    def broken(self, value: Any, others: Mapping[str, Any]) -> bool:
        """Return whether a value breaks the rule, given the values of all parameters."""
        if value is None:
            return not self.optional
        entries = value if self.many else [value]
        if self.many and not isinstance(value, list | tuple):
            return True
        if not all(self._typed(entry) for entry in entries):
            return True
        return not all(_holds(clause, value, entries, others) for clause in self.clauses)

    def converted(self, value: Any) -> Any:
        """Return a value that keeps the rule in the type that it names: an int as a float where it asks for one."""
        if value is None or self.kind != "float":
            return list(value) if self.many and value is not None else value
        return [float(entry) for entry in value] if self.many else float(value)

    def _typed(self, entry: Any) -> bool:
        if self.kind == "float":
            return type(entry) in (int, float) and math.isfinite(entry)
        return type(entry) is _TYPES[self.kind]


def rules(cell: str) -> dict[str, Rule | None]:
    """Return the rule of each assignment in a parameters cell, None where its comment holds none.

    Raises
    ------
    CompanionError
        If a comment begins as a rule, but does not go on as one.
    """
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(cell).readline) if t.type == tokenize.COMMENT]
    beside = {token.start[0]: token.string for token in tokens if token.start[1] > 0}
    above = {token.start[0]: token.string for token in tokens if token.start[1] == 0}
    found: dict[str, Rule | None] = {}
    for statement in ast.parse(cell).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            comment, line = beside.get(statement.end_lineno or 0), statement.lineno - 1
            lines: list[str] = []
            while comment is None and line in above:
                lines.insert(0, above[line].removeprefix("#").strip())
                line -= 1
            found[statement.targets[0].id] = parse(comment or f"# {' '.join(lines)}")
    return found


def parse(comment: str) -> Rule | None:
    """Return the rule that a comment begins with, None where it does not."""
    split = _COMMENT.fullmatch(comment)
    head = _HEAD.match(split["rule"]) if split else None
    if split is None or head is None:
        return None
    clauses = [clause.strip() for clause in _CLAUSE.findall(split["rule"][head.end() :]) if clause.strip()]
    rule = Rule(split["rule"], split["meaning"], head["type"], bool(head["none"]), bool(head["list"]), tuple(clauses))
    for clause in clauses:
        if not any(re.fullmatch(form, clause) for form in _FORMS):
            raise CompanionError(
                f"the rule {split['rule']!r} of a parameter has the clause {clause!r}, which is none of: "
                f"{', '.join(_NAMED_FORMS)}; mend the comment"
            )
    return rule


_FORMS = (
    _LIMIT.pattern, r"\d+ entries", r"one of .+", r"multiple of \d[\d_]*", r"not empty", r"as many as \w+",
    r"ascending", r"not all zero", r"odd", r"no power of two",
)  # fmt: skip
_NAMED_FORMS = ("above, below, at least, at most", "N entries", "one of", "multiple of", "not empty", "as many as",
               "ascending", "not all zero", "odd", "no power of two")  # fmt: skip


def _holds(clause: str, value: Any, entries: list[Any], others: Mapping[str, Any]) -> bool:
    if limited := _LIMIT.fullmatch(clause):
        limit = _bound(limited[2], others)
        compared = [len(value)] if limited[3] else entries
        return limit is None or all(_COMPARED[limited[1]](entry, limit) for entry in compared)
    if clause.startswith("one of "):
        choices = [ast.literal_eval(choice) for choice in _CHOICE.findall(clause.removeprefix("one of "))]
        return all(entry in choices for entry in entries)
    if clause.startswith("multiple of "):
        return all(entry % int(clause.removeprefix("multiple of ")) == 0 for entry in entries)
    if clause == "odd":
        return all(entry % 2 for entry in entries)
    if clause == "no power of two":
        return all(math.frexp(entry)[0] != 0.5 for entry in entries)
    if clause == "ascending":
        return all(a < b for a, b in itertools.pairwise(entries))
    if clause == "not all zero":
        return any(entries)
    if clause == "not empty":
        return len(value) > 0
    if clause.endswith(" entries"):
        return len(value) == int(clause.removesuffix(" entries"))
    other = others.get(clause.removeprefix("as many as "))
    return other is None or len(value) == len(other)


def _bound(text: str, others: Mapping[str, Any]) -> float | None:
    """Return the number that a bound names; None where it is another parameter that has none, such as None itself."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        pass  # a name
    name = text.removeprefix("max ")
    value = others.get(name)
    if isinstance(value, list | tuple):
        return max(value, default=None)
    return value if isinstance(value, int | float) else None


def check(notebook: str, cell: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise the one error of a parameter that breaks its rule.

    Parameters
    ----------
    notebook : str
        Its name, for the message.
    cell : str
        The source of its parameters cell.
    values, defaults : mapping
        Of all parameters: as they would be used, and as the cell has them. One that was not changed may break its rule,
        too, where that names another.

    Raises
    ------
    CompanionError
        With the value, the rule and the way out.
    """
    for name, rule in rules(cell).items():
        if rule is not None and rule.broken(values[name], values):
            raise CompanionError(
                f"parameter {name!r} of notebook {notebook!r} is {values[name]!r}; the rule is: {rule.text} "
                f"({rule.meaning}); its default is {defaults[name]!r}"
            )


def check_live(notebook: str, shell: Any) -> None:
    """Check the parameters of the notebook that runs in a live shell: in JupyterLab, and under plain papermill.

    Where no runner has done so (it sets ``BNGD_OUTPUT``), what may take more than an hour is refused, too, unless
    ``BNGD_LONG`` is set.

    The parameters cell is the last one among those run so far that holds rules and only assignments; values are those
    that the names have by now, whoever set them.

    Raises
    ------
    CompanionError
        As `check` does.
    """
    for cell in reversed(shell.user_ns.get("In", [])):
        found = _rules_if_any(cell)
        if found:
            defaults = _literals(cell)
            values = {name: shell.user_ns.get(name, value) for name, value in defaults.items()}
            check(notebook, cell, values, defaults)
            if not os.environ.keys() & {"BNGD_OUTPUT", "BNGD_LONG"}:
                cost.require_short(
                    notebook, values, defaults, cost.TYPICAL_SECONDS, "set BNGD_LONG=1 (%env BNGD_LONG=1)"
                )
            return


def _literals(cell: str) -> dict[str, Any]:
    return {s.targets[0].id: ast.literal_eval(s.value) for s in ast.parse(cell).body}  # type: ignore[attr-defined]


def _rules_if_any(cell: str) -> dict[str, Rule | None]:
    try:
        body = ast.parse(cell).body
        if body and all(isinstance(statement, ast.Assign) for statement in body) and any(rules(cell).values()):
            _literals(cell)
            return rules(cell)
    except (SyntaxError, ValueError, AttributeError, tokenize.TokenError):
        pass  # a cell of the reader's own, with magics or an error in it
    return {}
