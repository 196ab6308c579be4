"""Files that the book quotes: small, sorted, rounded, and each with how it came to be."""

import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "trust" / "results"

PACKAGES = ("numpy", "scipy", "numba", "jax", "flax", "torch", "sympy", "mpmath", "python-flint")


def provenance(command: str) -> dict[str, Any]:
    """Return the command, the commit that it ran at and the versions that took part; no time and no folder."""
    versions = {name: version for name in PACKAGES if (version := _version(name))}
    return {"command": command, "commit": _commit(), "python": platform.python_version(), "packages": versions}


def write(name: str, content: dict[str, Any], command: str) -> Path:
    """Keep ``trust/results/<name>.json``: the content with its provenance."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = json.dumps({**content, "provenance": provenance(command)}, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n")
    return path


def read(name: str) -> dict[str, Any]:
    """Return what was kept, without its provenance; empty where nothing was."""
    path = RESULTS / f"{name}.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    content.pop("provenance", None)
    return content


def table(name: str, header: list[str], rows: list[list[Any]]) -> Path:
    """Keep ``trust/results/<name>.csv`` for a page to show; numbers are rounded to three digits."""
    import csv

    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([[f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row] for row in rows])
    return path


def rows(name: str) -> list[list[str]]:
    """Return the rows of a table that was kept, without its header; none where nothing was."""
    import csv

    path = RESULTS / f"{name}.csv"
    return list(csv.reader(path.read_text().splitlines()))[1:] if path.exists() else []


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
