"""The tables of the book's page "What happens when": the test that executes a row holds it against what stands there.

``BNGD_RENEW=1 make test ARGS="-n 0 ..."`` writes the rows that differ; without it a row that differs fails its test.
"""

import csv
import io
import os
import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "book" / "what_happens"
HEADER = ("given", "what one gets")
SHOWN = {**{control: 0x2400 + control for control in range(32)}, **str.maketrans({"\n": "⏎", "\t": "⇥"})}


def code(text):
    """Text as Markdown code, which shows everything as it is."""
    shown = str(text).translate(SHOWN)
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if shown[:1] == "`" or shown[-1:] == "`" else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}" if shown.strip() else ""


def rows(kind):
    """The committed rows of a table: what was given -> what one gets."""
    path = FOLDER / f"{kind}.csv"
    with io.StringIO(path.read_text("utf-8") if path.exists() else "") as file:
        return dict(list(csv.reader(file))[1:])


def happens(kind, what, got, *, given="", said=""):
    """Hold a row against the book: what was given, in words and as it is; what one gets, in words and as it is said."""
    assert said or got, f"{what}: nothing was said"
    assert "Traceback" not in said, f"{what}: {said}"
    assert len(str(said).splitlines()) <= 1, f"{what}: not one line, but {said}"
    key = ": ".join(filter(None, [what, ", ".join(map(code, [given] if isinstance(given, str) else given))]))
    row = ": ".join(filter(None, [got, code(said)]))
    table = rows(kind)
    if os.environ.get("BNGD_RENEW") == "1":
        FOLDER.mkdir(exist_ok=True)
        with (FOLDER / f"{kind}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEADER, *(table | {key: row}).items()])
        return
    assert key in table, f"book/what_happens/{kind}.csv has no row {key!r}: BNGD_RENEW=1 writes it"
    assert row == table[key], f"book/what_happens/{kind}.csv says of {key!r} otherwise: BNGD_RENEW=1 mends it"
