"""Rows of the authors' protocol that were run in full: their small tables are kept with the package."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parent / "rows"


def rows() -> list[str]:
    """Return the names of the rows whose results are kept."""
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


def results(name: str) -> pd.DataFrame:
    """Return the table of a kept row, one line a run (see `bngd.networks.summary`).

    Raises
    ------
    ValueError
        If the row is not kept.
    """
    _require(name)
    return pd.read_csv(FOLDER / f"{name}.csv")


def provenance(name: str) -> dict[str, Any]:
    """Return device, versions, date and commit of a kept row.

    Raises
    ------
    ValueError
        If the row is not kept.
    """
    _require(name)
    return json.loads((FOLDER / f"{name}.json").read_text())


def _require(name: str) -> None:
    if name not in rows():
        raise ValueError(f"no results of {name!r} are kept; run it with: python -m bngd.networks protocol {name}")
