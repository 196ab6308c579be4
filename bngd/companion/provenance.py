"""How a notebook was run: versions, commit, machine, time. Kept apart from the results, which must not depend on it."""

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bngd
from bngd.machine import commit, cores, installed

_PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "seaborn", "scikit-learn", "numba", "jax", "papermill")
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
        "packages": {name: version for name in _PACKAGES if (version := installed(name)) is not None},
        "platform": platform.platform(),
        "cores": cores(),
    }
