"""MathJax as files: where pip put it, and which of them the book's pages need."""

from importlib.util import find_spec
from pathlib import Path

from bngd.companion.errors import CompanionError

_PARTS = (
    "startup.js", "core.js", "input/tex.js", "output/chtml.js", "output/chtml/fonts/tex.js", "a11y/assistive-mml.js"
)  # fmt: skip
"""What ``mathjax3_config`` in the book's configuration names, and what those parts load."""


def source() -> Path:
    """Return the folder of the MathJax that pip installed.

    Raises
    ------
    CompanionError
        If the package is not installed.
    """
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise CompanionError("MathJax is missing; install it with `pip install sphinx-mathjax-offline==0.0.2`")
    return Path(spec.origin).parent / "static" / "mathjax"


def is_needed(path: str) -> bool:
    """Whether a file of MathJax is needed to read TeX and to write HTML: 1.5 MB of the package's 24."""
    return path in _PARTS or path.startswith(("output/chtml/fonts/woff-v2/", "input/tex/extensions/"))
