"""The summary table and an overview of all claims, from the entries of a ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from bngd.claims import HOLDS, TWO_SIDED, VERDICTS, combine
from bngd.paper import CHAPTER_OF, CHAPTERS, TABLE_COLUMNS, TABLE_ROWS

_Entry = Mapping[str, Any]


def of_cell(entries: Sequence[_Entry], cell: str) -> list[dict[str, Any]]:
    """Return the claims behind one cell of the summary table, such as ``rate/gd``."""
    return [dict(entry) for entry in entries if entry["table_cell"] == cell]


def tally(entries: Sequence[_Entry]) -> dict[str, int]:
    """Return how many claims have each verdict, in the order of `bngd.claims.VERDICTS`."""
    counts = Counter(entry["verdict"] for entry in entries)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def cell_table(entries: Sequence[_Entry]) -> pd.DataFrame:
    """Return the cells of the summary table: cell, said (by the paper), verdict (the worst), claims, holding."""
    rows = []
    for row, (_, *said) in TABLE_ROWS.items():
        for column, text in zip(TABLE_COLUMNS, said, strict=True):
            behind = of_cell(entries, f"{row}/{column}")
            verdict = combine([entry["verdict"] for entry in behind])
            rows.append((f"{row}/{column}", text, verdict, len(behind), tally(behind)[HOLDS]))
    return pd.DataFrame(rows, columns=["cell", "said", "verdict", "claims", "holding"])


def summary_markdown(entries: Sequence[_Entry]) -> str:
    """Return the summary table in Markdown: what the paper says, and the verdict that the claims earned."""
    cells = cell_table(entries).set_index("cell")
    lines = [f"| | {' | '.join(TABLE_COLUMNS.values())} |", "|---" * (1 + len(TABLE_COLUMNS)) + "|"]
    for row, (title, *_) in TABLE_ROWS.items():
        shown = [_cell_markdown(cells.loc[f"{row}/{column}"]) for column in TABLE_COLUMNS]
        lines.append(f"| {title} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _cell_markdown(cell: pd.Series) -> str:
    return f"{cell['said']}: **{cell['verdict']}** ({cell['holding']} of {cell['claims']} claims)"


def row_markdown(entries: Sequence[_Entry], row: str, column: str) -> str:
    """Return a sentence that introduces the claims behind a cell, with links to the notebooks that measured them."""
    title, *said = TABLE_ROWS[row]
    behind = of_cell(entries, f"{row}/{column}")
    notebooks = dict.fromkeys(entry["notebook"] for entry in behind)
    links = ", ".join(f"[{name}]({name}.ipynb)" for name in notebooks) or "no notebook yet"
    text = dict(zip(TABLE_COLUMNS, said, strict=True))[column]
    return f"**{title}, {TABLE_COLUMNS[column].lower()}:** {text}. Measured in {links}."


def findings(entries: Sequence[_Entry]) -> list[dict[str, Any]]:
    """Return the claims that do not hold and are on record as not holding: what we found beyond or against theory."""
    return [dict(entry) for entry in entries if entry["verdict"] != HOLDS and entry["verdict"] == entry["expected"]]


def surprises(entries: Sequence[_Entry]) -> list[dict[str, Any]]:
    """Return the claims whose verdict is not the one on record."""
    return [dict(entry) for entry in entries if entry["verdict"] != entry["expected"]]


def overview(entries: Sequence[_Entry]) -> pd.DataFrame:
    """Return one row a claim, for a figure.

    Returns
    -------
    pandas.DataFrame
        chapter (its number), title, id, verdict, table_cell, deviation (see `deviation`); sorted by chapter.
    """
    rows = [
        (*CHAPTERS[CHAPTER_OF[e["about"]]][:2], e["id"], e["verdict"], e["table_cell"], deviation(e)) for e in entries
    ]
    columns = ["chapter", "title", "id", "verdict", "table_cell", "deviation"]
    return pd.DataFrame(rows, columns=columns).sort_values(["chapter", "id"], ignore_index=True)


def deviation(entry: _Entry) -> float:
    """Return the largest relative difference between predicted and measured; absolute where the prediction is zero.

    NaN where the rule is one-sided, or either side is not a number.
    """
    if not entry["rule"].startswith(TWO_SIDED):
        return float("nan")
    predicted, measured = _numbers(entry["predicted"]), _numbers(entry["measured"])
    if predicted is None or measured is None:
        return float("nan")
    difference = np.abs(measured - predicted)
    scale = np.where(predicted == 0, 1.0, np.abs(predicted))
    return float(np.max(difference / scale))


def _numbers(value: Any) -> np.ndarray | None:
    values = value if isinstance(value, list) else [value]
    known = values and all(isinstance(v, int | float) and not isinstance(v, bool) and isfinite(v) for v in values)
    return np.array(values, dtype=float) if known else None
