"""How a notebook was run: versions, commit, machine, time. Kept apart from the results, which must not depend on it."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import bngd

PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "seaborn", "scikit-learn", "numba", "jax", "papermill")
"""The packages whose version can change a number or a drawing."""


def describe(
    root: Path, *, notebook: str, profile: str, command: str, parameters: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """Return the provenance of one execution, ready for JSON.

    Parameters
    ----------
    root : Path
        The project's folder, whose commit is recorded.
    notebook, profile, command : str
        What was run, with which profile, and how to run it again.
    parameters : dict
        All parameters of the notebook, defaults included, with the values that were used.
    seconds : float
        How long its execution took.
    """
    return {
        "notebook": notebook,
        "profile": profile,
        "command": command,
        "parameters": parameters,
        "seconds": round(seconds, 2),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "bngd": bngd.__version__,
        **commit(root),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := installed(name)) is not None},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }


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


def installed(package: str) -> str | None:
    """Return the version of a package, None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
