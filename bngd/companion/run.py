"""What a notebook talks to: it takes figures, tables, numbers and claims, shows them, and writes them down."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bngd.claims import Claim
from bngd.companion import ranges
from bngd.companion.drawings import drawings
from bngd.companion.drawn import table_of
from bngd.companion.errors import CompanionError
from bngd.companion.shown import claims_table, counted, heading
from bngd.files import json_text, plain, write_bytes, write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_NOTEBOOK_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OUTPUT_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LARGEST_INLINE_SVG = 1_000_000
"""Bytes; a drawing with more (many thousand markers) is shown as PNG, which loads faster and looks the same."""

_LONGEST_SHOWN_TABLE = 30
"""Rows; of a longer table the first ten are shown, and all are in its file."""


class Run:
    """One execution of one notebook: collects what it found, and writes all of it below one folder.

    The folder is ``$BNGD_OUTPUT`` where the companion's runner sets it, else ``bngd-output`` in the current folder.

    Parameters
    ----------
    notebook : str
        The name of the notebook, without its suffix. It begins the name of every file that the run writes.

    Raises
    ------
    CompanionError
        If the name is not in snake case: hyphens separate a notebook's name from that of its figure; or if a parameter
        of the notebook that runs breaks its rule.

    Examples
    --------
    >>> run = Run("convergence")
    >>> run.record(best_rate=0.25)
    """

    def __init__(self, notebook: str) -> None:
        if not _NOTEBOOK_NAME.fullmatch(notebook):
            raise CompanionError(f"{notebook!r} cannot name a notebook: use small letters, digits and underscores")
        if (shell := _shell()) is not None:
            ranges.check_live(notebook, shell)
        given = os.environ.get("BNGD_OUTPUT")
        self.notebook = notebook
        self.output = Path(given or "bngd-output")
        self._by_runner = given is not None
        self._figures: dict[str, dict[str, str]] = {}
        self._tables: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._claims: dict[str, dict[str, Any]] = {}

    def figure(self, fig: "Figure", name: str, *, caption: str, alt: str) -> None:
        """Save a figure as SVG, PNG and PDF, and what it draws as CSV; show it above its caption, and close it.

        Parameters
        ----------
        fig : matplotlib.figure.Figure
            The figure; it is closed afterwards.
        name : str
            In kebab case; the files are ``figures/<notebook>-<name>.{svg,png,pdf,csv,narrow.svg}``.
        caption : str
            Markdown; may hold maths and computed numbers.
        alt : str
            What a reader who cannot see the figure should know, in plain text.

        Raises
        ------
        CompanionError
            If the name is malformed or taken, or the caption or the alternative text is empty.
        """
        self._require_new(name, self._figures, "figure")
        for what, text in (("caption", caption), ("alt text", alt)):
            if not text.strip():
                raise CompanionError(f"figure {name!r} has an empty {what}: say what it shows")
        files = drawings(fig)
        if data := table_of(fig):
            files["csv"] = data.encode()
        for kind, content in files.items():
            write_bytes(self.output / "figures" / f"{self.notebook}-{name}.{kind}", content)
        about = {"name": name, "caption": " ".join(caption.split()), "alt": " ".join(alt.split())}
        self._figures[name] = about
        _close(fig)
        shown = " ".join(kind for kind in files if kind != "narrow.svg")
        _show(_image_bundle(files, about["alt"]), {"bngd": {**about, "files": shown}})
        _show({"text/markdown": about["caption"], "text/plain": about["caption"]}, {"bngd": {"caption_of": name}})

    def table(self, frame: "pd.DataFrame", name: str, *, caption: str) -> None:
        """Write a table to ``results/<notebook>-<name>.csv`` in full precision, and show it to four digits.

        Of a table of more than `_LONGEST_SHOWN_TABLE` rows the first ten are shown.

        Parameters
        ----------
        frame : pandas.DataFrame
            The table; a meaningful index becomes its first columns.
        name : str
            In kebab case.
        caption : str
            Markdown, shown above the table.

        Raises
        ------
        CompanionError
            If the name is malformed or taken.
        """
        self._require_new(name, self._tables, "table")
        columns = frame.rename_axis(columns=None).reset_index(
            drop=frame.index.nlevels == 1 and frame.index.name is None
        )
        write_text(self._csv(name), columns.to_csv(index=False, lineterminator="\n"))
        self._tables[name] = " ".join(caption.split())
        shown = columns if len(columns) <= _LONGEST_SHOWN_TABLE else columns.head(10)
        rest = f" The first {len(shown)} of {len(columns)} rows; all are in `{self._csv(name).name}`."
        self.say(self._tables[name] + (rest if len(shown) < len(columns) else ""))
        shown = shown.rename(columns=heading)
        html = shown.to_html(index=False, border=0, float_format=lambda value: f"{value:.4g}")
        _show({"text/html": html, "text/plain": shown.to_string(index=False)}, {"bngd_table": name})

    def record(self, **values: Any) -> None:
        """Keep numbers for the book's prose and for later comparison, in ``results/<notebook>.json``.

        Raises
        ------
        CompanionError
            If a name was recorded before.
        TypeError
            If a value has no form in JSON.
        """
        for name in values:
            self._require_free(name, self._values, "value")
        self._values.update({name: plain(value) for name, value in values.items()})

    def say(self, markdown: str) -> None:
        """Show prose that holds computed numbers."""
        _show({"text/markdown": markdown, "text/plain": markdown})

    def claim(self, *, id: str, **fields: Any) -> None:
        """Judge a claim and enter it in the ledger.

        Parameters
        ----------
        id : str
            In kebab case, unlike any other claim's.
        **fields
            The other fields of `bngd.claims.Claim`: about, statement, predicted, measured, rule, and where they
            apply table_cell and expected.

        Raises
        ------
        CompanionError
            If the id is malformed or taken.
        """
        self._require_new(id, self._claims, "claim")
        self._claims[id] = plain(Claim(id=id, notebook=self.notebook, **fields).as_dict())

    def finish(self) -> None:
        """Write ``results/<notebook>.json`` and show the claims with their verdicts: every notebook's last call."""
        content = {
            "notebook": self.notebook,
            "values": self._values,
            "claims": list(self._claims.values()),
            "figures": list(self._figures.values()),
            "tables": [{"name": name, "caption": caption} for name, caption in self._tables.items()],
        }
        write_text(self.output / "results" / f"{self.notebook}.json", json_text(content))
        if self._claims:
            self.say(claims_table(list(self._claims.values())))
        if not self._by_runner:  # the book is no place for the paths of the machine that built it
            print(self._report())

    def _csv(self, name: str) -> Path:
        return self.output / "results" / f"{self.notebook}-{name}.csv"

    def _report(self) -> str:
        made = [f"figures/{self.notebook}-{name}.{{svg,png,pdf}}" for name in self._figures]
        made += [f"results/{self._csv(name).name}" for name in self._tables]
        made += [f"results/{self.notebook}.json ({len(self._values)} values; claims: {counted(self._claims.values())})"]
        return "\n".join([f"Written below {self.output.resolve()}:", *(f"  {path}" for path in made)])

    def _require_new(self, name: str, taken: dict[str, Any], what: str) -> None:
        if not _OUTPUT_NAME.fullmatch(name):
            raise CompanionError(f"{name!r} cannot name a {what}: use kebab case, as in 'loss-against-step'")
        self._require_free(name, taken, what)

    def _require_free(self, name: str, taken: dict[str, Any], what: str) -> None:
        # In a live session a reader runs a cell again and again: there the last one counts.
        if name in taken and (self._by_runner or _shell() is None):
            raise CompanionError(f"notebook {self.notebook!r} has a {what} {name!r} already; names must differ")


def _close(fig: "Figure") -> None:
    from matplotlib import pyplot as plt

    plt.close(fig)  # else the notebook shows it a second time


def _image_bundle(files: dict[str, bytes], alt: str) -> dict[str, Any]:
    if len(files["svg"]) <= LARGEST_INLINE_SVG:
        return {"image/svg+xml": files["svg"].decode(), "text/plain": alt}
    return {"image/png": files["png"], "text/plain": alt}


def _shell() -> Any:
    from IPython import get_ipython

    return get_ipython()


def _show(bundle: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    """Display in a notebook; in a plain Python session print what text can say."""
    from IPython.display import display

    if _shell() is None:
        print(bundle["text/plain"])
    else:
        display(bundle, raw=True, metadata=metadata)
