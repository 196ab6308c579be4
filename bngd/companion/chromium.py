"""A browser without a window: it prints the book's PDF, and the tests read the book with it."""

import os
import shutil
import subprocess
from pathlib import Path

from bngd.companion.errors import CompanionError
from bngd.files import replacing

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """Return the path of a Chromium or Chrome: ``$BNGD_CHROMIUM``, or the first of the usual names on the path.

    Raises
    ------
    CompanionError
        If there is none.
    """
    named = os.environ.get("BNGD_CHROMIUM")
    candidates = [named] if named else list(CHROMIUM_NAMES)
    found = next(filter(None, map(shutil.which, candidates)), None)
    if found is None:
        raise CompanionError(
            f"no Chromium found (looked for {', '.join(candidates)}); install Chromium or Chrome, "
            "or set BNGD_CHROMIUM to its executable"
        )
    return found


def print_pdf(chromium: str, page: Path, target: Path) -> Path:
    """Print an HTML file to a PDF, once its maths is typeset, and return the PDF's path.

    Raises
    ------
    CompanionError
        If the browser prints nothing.
    """
    command = [chromium, *CHROMIUM_FLAGS, "--virtual-time-budget=60000", "--no-pdf-header-footer"]
    with replacing(target) as partial:
        command += [f"--print-to-pdf={partial}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if not partial.is_file():
            raise CompanionError(f"{chromium} printed nothing:\n{done.stderr.strip()[-2000:]}")
    return target
