"""Rows of the authors' protocol that were run: their small tables are kept with the package.

A kept row is the two files that ``python -m bngd.networks protocol`` writes, ``<title>.csv`` and ``<title>.json``. The
title is the script's name, then what makes the runs others than the script's: ``-h10`` (one hidden width of m5),
``-on-fashion-mnist`` (other data), ``-described``, ``-pooled-4`` (fewer inputs), ``-rest-1`` (the step size of all
layers but the first, which alone gets the script's); at last what makes them a part: ``-every-4``, ``-1-repetitions``.
"""

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parent / "rows"
_PART = re.compile(r"-every-\d+|-\d+-repetitions")
"""What the title of a row has that was not run at every rate or as often as the script does."""
_HIDDEN = re.compile(r"-h\d+")
_POOLED = "-pooled-"
_REST = re.compile(r"-rest-(\d[\d.]*(e[+-]\d+)?)")
RUN = ["network", "setting", "epsilon", "lr", "seed", "scale", "gamma", "dtype", "steps"]
"""The columns that tell runs on the same data apart."""


def rows(script: str = "", *, parts: bool = False, pooled: int = 1, lr_rest: float | None = None) -> list[str]:
    """Return the titles of the rows whose results are kept.

    Parameters
    ----------
    script : str
        Only what was run of this script; of any, unless given.
    parts : bool
        Those that are a part of a row too.
    pooled : int
        Those whose pixels were averaged over blocks of this side; 1 stands for the images as they are.
    lr_rest : float or None
        Those in which all layers but the first had this step size; None stands for one step size for all.
    """
    titles = sorted(path.stem for path in FOLDER.glob("*.csv"))
    of_script = [title for title in titles if not script or title.split("-")[0] == script]
    asked = [title for title in of_script if (_block(title), _rest(title)) == (pooled, lr_rest)]
    return [title for title in asked if parts or whole(title) == title]


def whole(title: str) -> str:
    """Return the title of the row that this one is a part of; itself if it is whole."""
    return _PART.sub("", title)


def _block(title: str) -> int:
    """Return the side of the blocks that a kept row's pixels were averaged over; 1 if they were not."""
    return int(title.partition(_POOLED)[2].split("-")[0] or 1)


def _rest(title: str) -> float | None:
    """Return the step size of all layers but the first in a kept row; None if it is that of all."""
    told = _REST.search(title)
    return float(told[1]) if told else None


def results(title: str) -> pd.DataFrame:
    """Return the table of a kept row, one line a run (see `bngd.networks.summary` and `early_losses`).

    Raises
    ------
    ValueError
        If the row is not kept, or its table is not as it was written.
    """
    return pd.read_csv(StringIO(_checked(title)))


def lines(row: str) -> pd.DataFrame:
    """Return the runs that are kept of a row, or of its parts, as their tables have them: text, and the table of each.

    Parameters
    ----------
    row : str
        The row's title. What it says of a hidden width is passed over: runs of m5 differ in their network's name.

    Raises
    ------
    ValueError
        If a table is not as it was written.
    """
    titles = rows(row.split("-")[0], parts=True, pooled=_block(row), lr_rest=_rest(row))
    alike = [title for title in titles if _HIDDEN.sub("", whole(title)) == _HIDDEN.sub("", row)]
    tables = [as_text(_checked(title)).assign(row=title) for title in alike]
    return pd.concat([pd.DataFrame(columns=[*RUN, "row"]), *tables]).drop_duplicates(RUN, ignore_index=True)


def as_text(table: str) -> pd.DataFrame:
    """Return a table in CSV with every entry as it is written."""
    return pd.read_csv(StringIO(table), dtype=str, keep_default_na=False)


def _checked(title: str) -> str:
    written = provenance(title)["columns"]
    text = (FOLDER / f"{title}.csv").read_text()
    found = column_sums(text)
    if edited := [column for column in written | found if written.get(column) != found.get(column)]:
        raise ValueError(
            f"{title}.csv is not as it was written: {', '.join(edited)} differ from the sums in {title}.json; "
            f"take it from version control, or run it again: python -m bngd.networks protocol {title.split('-')[0]}"
        )
    return text


def gathered(titles: Iterable[str]) -> pd.DataFrame:
    """Return the runs of kept rows in one table, with the row; each once, though a part and its whole both have it."""
    runs = pd.concat([results(title).assign(row=title) for title in titles], ignore_index=True)
    return runs.drop_duplicates(RUN, ignore_index=True)


def provenance(title: str) -> dict[str, Any]:
    """Return device, versions, date, commit and data of a kept row, and a sum of each column of its table.

    Raises
    ------
    ValueError
        If the row is not kept.
    """
    if not (FOLDER / f"{title}.json").exists():
        raise ValueError(
            f"no results of {title!r} are kept; run it with: python -m bngd.networks protocol {title.split('-')[0]}"
        )
    return json.loads((FOLDER / f"{title}.json").read_text())


def origins(titles: Iterable[str]) -> pd.DataFrame:
    """Return where kept rows come from, a line each: row, runs, device, date, commit."""
    rows = []
    for title in titles:
        about = provenance(title)
        rows.append(
            {"row": title, "runs": about["summary"]} | {name: about[name] for name in ("device", "date", "commit")}
        )
    return pd.DataFrame(rows)


def column_sums(table: str) -> dict[str, str]:
    """Return the first half of the SHA-256 of each column of a table in CSV, as it is written."""
    columns = as_text(table)
    return {str(name): sha256("\n".join(columns[name]).encode()).hexdigest()[:32] for name in columns}
