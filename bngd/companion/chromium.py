"""A browser without a window: it prints the book's PDF, and the tests read the book with it."""

import os
import shutil

from bngd.companion.errors import CompanionError

_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
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
    candidates = [named] if named else list(_CHROMIUM_NAMES)
    found = next(filter(None, map(shutil.which, candidates)), None)
    if found is None:
        raise CompanionError(
            f"no Chromium found (looked for {', '.join(candidates)}); install Chromium or Chrome, "
            "or set BNGD_CHROMIUM to its executable"
        )
    return found
