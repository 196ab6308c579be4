"""The ledger: the claims of all notebooks in one file, and the check that they still stand."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from bngd.claims import FIELDS, HOLDS
from bngd.companion.errors import LedgerError
from bngd.companion.layout import SUMMARY, Layout
from bngd.companion.shown import counted
from bngd.files import json_text, write_text_if_changed
from bngd.paper import CHAPTER_OF, REQUIRED_CHAPTERS, TABLE_CELLS, place


def load_ledger(path: str | Path | None = None) -> list[dict[str, Any]]:
    """Return all claims that the other notebooks made.

    Parameters
    ----------
    path : path, optional
        The ledger's file. Without it: ``$BNGD_LEDGER``, which the runner sets to the profile's own ledger, else
        the newest ``build/<profile>/results/ledger.json`` in the current folder or the nearest one above.

    Returns
    -------
    list of dict
        Ledger entries, in the order of the statements that they are about.

    Raises
    ------
    LedgerError
        If there is no ledger there.
    """
    chosen = Path(path or os.environ.get("BNGD_LEDGER") or _nearest_ledger())
    if not chosen.exists():
        raise LedgerError(f"there is no ledger {chosen} yet; run `make book` first, or give the path of one")
    return json.loads(chosen.read_text())


def _nearest_ledger() -> Path:
    for folder in (Path.cwd(), *Path.cwd().parents):
        if found := list(folder.glob("build/*/results/ledger.json")):
            return max(found, key=lambda path: path.stat().st_mtime)
    return Path.cwd() / "build/full/results/ledger.json"


def collect(layout: Layout) -> list[dict[str, Any]]:
    """Write the ledger from the results of every notebook but the summary, and return it.

    Only notebooks that exist count: what a deleted one once claimed leaves the ledger with it.

    Raises
    ------
    LedgerError
        If a notebook has no results, an entry lacks a field, or two claims share an id.
    """
    with layout.alone(layout.results, "collecting the ledger"):
        return _collect(layout)


def _collect(layout: Layout) -> list[dict[str, Any]]:
    entries = [entry for name in layout.notebook_names() if name != SUMMARY for entry in _claims_of(layout, name)]
    repeated = [id for id, count in Counter(entry["id"] for entry in entries).items() if count > 1]
    if repeated:
        raise LedgerError(f"claim ids must differ over all notebooks; these do not: {', '.join(sorted(repeated))}")
    entries.sort(key=lambda entry: (place(entry["about"]), entry["id"]))
    write_text_if_changed(layout.ledger, json_text(entries))
    return entries


def _claims_of(layout: Layout, name: str) -> list[dict[str, Any]]:
    record = layout.record(name)
    if not record.exists():
        again = f"delete {layout.shown(layout.executed(name))}, then run `make {name}`"
        raise LedgerError(f"notebook {name!r} has no results ({layout.shown(record)} is missing); {again}")
    claims = json.loads(record.read_text())["claims"]
    for claim in claims:
        if claim.keys() != set(FIELDS):
            raise LedgerError(f"a claim of {name!r} has the fields {sorted(claim)}; it must have {sorted(FIELDS)}")
    return claims


def problems(entries: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with a ledger, one sentence each; nothing is wrong where the list is empty.

    A verdict must be the one on record, and every cell of the summary table and every chapter on least squares
    must have a claim.
    """
    changed = [_changed_verdict(entry) for entry in entries if entry["verdict"] != entry["expected"]]
    cells = {entry["table_cell"] for entry in entries}
    chapters = {CHAPTER_OF[entry["about"]] for entry in entries}
    missing = [f"no claim supports the cell {cell!r} of the summary table" for cell in TABLE_CELLS if cell not in cells]
    missing += [f"no claim illustrates the chapter {page!r}" for page in REQUIRED_CHAPTERS if page not in chapters]
    return changed + missing


def _changed_verdict(entry: dict[str, Any]) -> str:
    return (
        f"claim {entry['id']!r} of notebook {entry['notebook']!r} is {entry['verdict']}, on record as "
        f"{entry['expected']}: {entry['statement']} Predicted {entry['predicted']}, measured {entry['measured']}; "
        f"rule: {entry['rule']}"
    )


def report(entries: list[dict[str, Any]]) -> str:
    """Return the ledger's state in a few lines for a terminal: counts first, then every problem."""
    findings = [entry["id"] for entry in entries if entry["verdict"] == entry["expected"] != HOLDS]
    lines = [f"{len(entries)} claims: {counted(entries)}"]
    if findings:
        lines.append(f"findings against the theory, on record: {', '.join(findings)}")
    return "\n".join(lines + [f"FAILED: {problem}" for problem in problems(entries)])
