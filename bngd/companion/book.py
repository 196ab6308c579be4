"""Executed notebooks and prose pages in, a self-contained static site out.

The site that readers see, ``build/<profile>/book/html``, always holds the last *good* book. Sphinx works beside it, and
only a build without a single warning is published, with ``index.html`` last: an interrupted or failed build can
neither be taken for a finished one nor damage one.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bngd import claims, paper
from bngd.companion import mathjax, printing, shown, themed
from bngd.companion.errors import CompanionError
from bngd.companion.layout import Layout
from bngd.companion.mirroring import mirror
from bngd.files import write_bytes, write_text
from bngd.machine import import_path

_WARNINGS_SHOWN = 30
_CELL_AND_LINE = re.compile(r"\.ipynb:(\d{5,}):")
"""How MyST-NB gives a position in a notebook: 10000 times the cell's number, plus the line."""

_UNUSED = re.compile(r"_static/(.*\.(html|js\.map|css\.map)|scripts/fontawesome\.js.*|vendor/.*\.ttf|locales/.*)")
"""The themes leave their own templates among the static files, pages full of broken links, and mere weight."""


class BookError(CompanionError):
    """The book cannot be built from what is there; the message says what is wrong and what to do."""


class Workshop(NamedTuple):
    """Where one profile's book is made, beside the results that it shows."""

    layout: Layout
    profile: str
    folder: Path  # everything that a build of the book writes
    source: Path  # what Sphinx reads: prose and executed notebooks side by side
    work: Path  # where Sphinx writes, finished or not
    doctrees: Path  # what Sphinx remembers from one build to the next
    html: Path  # the last good book
    complete: Path  # there only after a good build; holds the fingerprint of what all of its pages depend on


def workshop(profile: str, root: Path | str) -> Workshop:
    """Return the workshop of a profile in the checkout `root`."""
    layout = Layout.of_profile(Path(root).resolve(), profile)
    folder = layout.output / "book"
    inside = (folder / name for name in ("source", "work", "doctrees", "html", "complete"))
    return Workshop(layout, profile, folder, *inside)


def build(profile: str, root: Path | str) -> Path:
    """Build the book of a profile and return its first page.

    Only pages whose prose, notebook or results changed are made again. What every page depends on (configuration,
    table of contents, page titles, the extension) leads to a fresh build when it changes, and so does an
    interrupted or failed build: Sphinx reports warnings only for the pages that it reads.

    Parameters
    ----------
    profile : str
        A profile whose notebooks were executed into ``build/<profile>/notebooks``.
    root : path
        The checkout.

    Returns
    -------
    Path
        ``build/<profile>/book/html/index.html``.

    Raises
    ------
    BookError
        If a notebook of the table of contents was not executed, or Sphinx warns of anything.
    """
    shop = workshop(profile, root)
    with shop.layout.alone(shop.folder, "building the book"):
        return _build(shop)


def _build(shop: Workshop) -> Path:
    assemble(shop)
    now = fingerprint(shop)
    # Sphinx goes by times: what was made before the clock was set back would look newer than what changed since.
    from_the_future = shop.complete.exists() and shop.complete.stat().st_mtime > time.time()
    if from_the_future or not shop.complete.exists() or shop.complete.read_text() != now:
        shutil.rmtree(shop.doctrees, ignore_errors=True)
        shutil.rmtree(shop.work, ignore_errors=True)
    shop.complete.unlink(missing_ok=True)
    _copy_assets(shop)
    _run_sphinx(shop, "html", shop.work)
    themed.add_dark(shop.work)
    index = _publish(shop)
    shop.layout.list_files("book", (path for path in shop.html.rglob("*") if path.is_file()))
    shop.complete.write_text(now)
    return index


def build_pdf(profile: str, root: Path | str) -> Path:
    """Print the whole book to one PDF and return its path.

    Raises
    ------
    CompanionError
        If no Chromium is found, or the book does not build.
    """
    shop = workshop(profile, root)
    if not shop.complete.exists():
        build(profile, root)
    styles = shop.source / "print"
    with shop.layout.alone(shop.folder, "building the book"):
        return printing.print_book(shop.html, shop.source / "_toc.yml", styles, shop.folder / "bngd-companion.pdf")


def assemble(shop: Workshop) -> None:
    """Bring ``source`` up to date: prose, executed notebooks and ``conf.py``, touching only what changed."""
    prose = shop.layout.root / "book"
    if not (prose / "_toc.yml").is_file():
        raise BookError(
            f"{shop.layout.root} holds no book/_toc.yml; run from the folder that holds book/, or pass root"
        )
    _require_notebooks(shop)
    executed = shop.layout.output / "notebooks"
    mirror(prose, shop.source, lambda path: not path.startswith("_build/"), spare=("notebooks", "conf.py"))
    mirror(executed, shop.source / "notebooks", lambda path: path.endswith(".ipynb"))
    settings, key = shop.source / "conf.py", f"# {_settings_key(shop)}\n"
    if not (settings.is_file() and settings.read_text(encoding="utf-8").startswith(key)):
        write_text(settings, key + _conf_py(shop))


def _settings_key(shop: Workshop) -> str:
    """Digest of what ``conf.py`` is made from: deriving it takes a second, and it hardly ever changes."""
    made_from = (
        (shop.source / "_config.yml").read_bytes(),
        Path(__file__).read_bytes(),
        version("jupyter-book").encode(),
    )
    return hashlib.sha256(b"".join(made_from)).hexdigest()


def _require_notebooks(shop: Workshop) -> None:
    pages = pages_of_toc(shop.layout.root / "book" / "_toc.yml")
    names = [page.removeprefix("notebooks/") for page in pages if page.startswith("notebooks/")]
    missing = [name for name in names if not shop.layout.executed(name).is_file()]
    if missing:
        raise BookError(
            f"not executed under profile {shop.profile}: {', '.join(missing)}; "
            f"run `make notebooks PROFILE={shop.profile}` first"
        )


def pages_of_toc(toc: Path) -> list[str]:
    """Return the pages of a Jupyter Book table of contents, in reading order, without suffixes."""
    return [page for _, page, _ in printing.toc_entries(toc)]


def _conf_py(shop: Workshop) -> str:
    """Return the Sphinx configuration that Jupyter Book derives from ``_config.yml``, as a ``conf.py``."""
    # Imported here because it takes a second, which the other commands need not pay.
    from jupyter_book.config import get_final_config  # type: ignore[import-untyped]

    config, _ = get_final_config(
        user_yaml=shop.source / "_config.yml",
        sourcedir=shop.source,
        cli_config={"latex_individualpages": False},
        raise_on_invalid=True,
    )
    lines = [f"{key} = {config[key]!r}" for key in sorted(config)]
    return "\n".join(["# Written by bngd.companion.book from _config.yml: edit that file.", *lines]) + "\n"


def _run_sphinx(shop: Workshop, builder: str, target: Path) -> None:
    """Run Sphinx over ``source`` and raise `BookError` with its warnings, if there is one."""
    log = shop.folder / "warnings.txt"
    options = ["-W", "-n", "--keep-going", "-q", "-w", str(log), "-d", str(shop.doctrees)]
    # A process of its own: docutils keeps its roles and directives in globals, and conf.py may be run by hand alike.
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", builder, *options, str(shop.source), str(target)],
        env=os.environ | {"PYTHONPATH": import_path()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BookError(_explain(shop, log.read_text(encoding="utf-8") if log.exists() else "", done.stderr))


def _explain(shop: Workshop, log: str, stderr: str) -> str:
    # Positions are given in the assembled copy; the reader edits the originals.
    warnings = [line.replace(f"{shop.source}{os.sep}", "book/") for line in log.splitlines() if line.strip()]
    warnings = [_CELL_AND_LINE.sub(_cell_and_line, line.replace("book/notebooks/", "notebooks/")) for line in warnings]
    if not warnings:
        return f"Sphinx failed on {shop.source}:\n{stderr.strip()[-2000:]}"
    more = [f"... and {len(warnings) - _WARNINGS_SHOWN} lines more"] if len(warnings) > _WARNINGS_SHOWN else []
    return "\n".join(["the book has warnings, which are errors here:", *warnings[:_WARNINGS_SHOWN], *more])


def _cell_and_line(match: re.Match[str]) -> str:
    cell, line = divmod(int(match[1]), 10000)
    return f".ipynb, cell {cell}, line {line}:"


def _copy_assets(shop: Workshop) -> None:
    """Put beside the pages what they link to: MathJax, figures, tables, and the notebooks to run."""
    mirror(mathjax.source(), shop.work / "_static" / "mathjax", mathjax.is_needed, trust_times=True)
    mirror(shop.layout.figures, shop.work / "_figures", trust_times=True)
    mirror(shop.layout.results, shop.work / "_results", lambda path: path.endswith(".csv"))
    mirror(shop.layout.root / "notebooks", shop.work / "_notebooks", lambda path: path.endswith(".ipynb"))


def fingerprint(shop: Workshop) -> str:
    """Digest of what shows on every page; Sphinx by itself would leave the pages that did not change stale."""
    digest = hashlib.sha256()
    # The extension, and the wording of the tables that it writes.
    words = [Path(module.__file__ or "") for module in (claims, paper, shown)]
    own = ("book", "sphinx_ext", "explorers", "reference", "evidence", "words", "accessible", "publish", "themed")
    code = [*(Path(__file__).with_name(f"{name}.py") for name in own), *words]
    given = (shop.source / name for name in ("conf.py", "_toc.yml", "symbols.md"))  # symbols: the glossary
    shared = [*(path for path in given if path.is_file()), *code]
    for folder in ("_static", "explorers"):
        shared += sorted(path for path in (shop.source / folder).rglob("*") if path.is_file())
    for path in shared:
        digest.update(path.read_bytes())
    for page in sorted([*shop.source.rglob("*.md"), *shop.source.rglob("*.ipynb")]):
        digest.update(f"{page.relative_to(shop.source)} {_title(page)}".encode())
    return digest.hexdigest()


def _title(page: Path) -> str:
    """First heading of a page; in a notebook it stands inside a JSON string."""
    lines = (line.strip().lstrip('"') for line in page.read_text(encoding="utf-8").splitlines())
    return next((line for line in lines if line.startswith("# ")), "")


def _publish(shop: Workshop) -> Path:
    """Copy the finished site to where readers look, its first page last, and return that page."""
    index = shop.html / "index.html"
    mirror(shop.work, shop.html, _is_published, spare=("index.html",), trust_times=True)
    write_bytes(index, (shop.work / "index.html").read_bytes())
    return index


def _is_published(path: str) -> bool:
    return path not in ("index.html", ".buildinfo") and not _UNUSED.fullmatch(path)
