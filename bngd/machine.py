"""Where the program runs: cores, versions, and the commit of a folder."""

import os
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(usable_cores())


def installed(package: str) -> str | None:
    """Return the version of a package, None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def import_path() -> str:
    """Return the PYTHONPATH by which a process of its own imports this very package."""
    here = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


def commit(root: Path) -> dict[str, Any]:
    """Return the commit and whether tracked files differ from it; both are None outside a Git repository."""
    head = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"commit": head, "modified": None if changes is None else changes != ""}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None  # no git, or no repository: a downloaded archive is as good a copy
    return done.stdout.strip()
