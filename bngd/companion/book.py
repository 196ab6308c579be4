"""Executed notebooks and prose pages in, a self-contained static site out.

The site that readers see, ``build/<profile>/book/html``, always holds the last *good* book. Sphinx works beside it, and
only a build without a single warning is published, with ``index.html`` last: an interrupted or failed build can
neither be taken for a finished one nor damage one.
"""

import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

import bngd

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
WARNINGS_SHOWN = 30


class BookError(ValueError):
    """The book cannot be built from what is there; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Layout:
    """Where one profile's book is made.

    Attributes
    ----------
    root : Path
        The checkout: the folder that holds ``book/`` and ``notebooks/``.
    profile : str
        Name of the profile, and of its folder below ``build/``.
    """

    root: Path
    profile: str

    @property
    def build(self) -> Path:
        """What the profile's notebooks produced, and the book made of it."""
        return self.root / "build" / self.profile

    @property
    def book(self) -> Path:
        """Everything that a build of the book writes."""
        return self.build / "book"

    @property
    def source(self) -> Path:
        """What Sphinx reads: prose and executed notebooks side by side."""
        return self.book / "source"

    @property
    def work(self) -> Path:
        """Where Sphinx writes, finished or not."""
        return self.book / "work"

    @property
    def doctrees(self) -> Path:
        """What Sphinx remembers from one build to the next."""
        return self.book / "doctrees"

    @property
    def html(self) -> Path:
        """The last good book."""
        return self.book / "html"

    @property
    def complete(self) -> Path:
        """Exists only after a good build, and holds the fingerprint of what all of its pages depend on."""
        return self.book / "complete"


def build(profile: str, root: Path | str = ".") -> Path:
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
    layout = Layout(Path(root).resolve(), profile)
    assemble(layout)
    fingerprint = _fingerprint(layout)
    if not layout.complete.exists() or layout.complete.read_text() != fingerprint:
        shutil.rmtree(layout.doctrees, ignore_errors=True)
        shutil.rmtree(layout.work, ignore_errors=True)
    layout.complete.unlink(missing_ok=True)
    _copy_assets(layout)
    run_sphinx(layout, "html", layout.work)
    index = _publish(layout)
    layout.complete.write_text(fingerprint)
    return index


def build_pdf(profile: str, root: Path | str = ".") -> Path:
    """Print the whole book to one PDF and return its path.

    Raises
    ------
    BookError
        If no Chromium is found, or the book does not build.
    """
    chromium = find_chromium()
    layout = Layout(Path(root).resolve(), profile)
    assemble(layout)
    single = layout.book / "singlehtml"
    mirror(mathjax_source(), single / "_static" / "mathjax", needed_by_mathjax)
    # Separate doctrees: numbers and links are resolved otherwise on a single page.
    run_sphinx(layout, "singlehtml", single, doctrees=layout.book / "singlehtml-doctrees")
    return _print_pdf(chromium, single / "index.html", layout.book / "bngd-companion.pdf")


def assemble(layout: Layout) -> None:
    """Bring ``source`` up to date: prose, executed notebooks and ``conf.py``, touching only what changed."""
    prose = layout.root / "book"
    if not (prose / "_toc.yml").is_file():
        raise BookError(f"{layout.root} holds no book/_toc.yml; run from the folder that holds book/, or pass root")
    _require_notebooks(layout)
    executed = layout.build / "notebooks"
    mirror(
        prose, layout.source, lambda path: not path.startswith(("_build/", "notebooks/", "conf.py")), spare="notebooks"
    )
    mirror(executed, layout.source / "notebooks", lambda path: path.endswith(".ipynb"))
    _write_if_changed(layout.source / "conf.py", conf_py(layout))


def _require_notebooks(layout: Layout) -> None:
    pages = pages_of_toc(layout.root / "book" / "_toc.yml")
    names = [page.removeprefix("notebooks/") for page in pages if page.startswith("notebooks/")]
    missing = [name for name in names if not (layout.build / "notebooks" / f"{name}.ipynb").is_file()]
    if missing:
        raise BookError(
            f"not executed under profile {layout.profile}: {', '.join(missing)}; "
            f"run `make notebooks PROFILE={layout.profile}` first"
        )


def pages_of_toc(toc: Path) -> list[str]:
    """Return the pages of a Jupyter Book table of contents, in reading order, without suffixes."""

    def walk(entry: Any) -> list[str]:
        if isinstance(entry, list):
            return [page for item in entry for page in walk(item)]
        own = [entry[key] for key in ("root", "file") if key in entry]
        return own + [page for key in ("parts", "chapters", "sections") for page in walk(entry.get(key, []))]

    return walk(yaml.safe_load(toc.read_text(encoding="utf-8")))


def conf_py(layout: Layout) -> str:
    """Return the Sphinx configuration that Jupyter Book derives from ``_config.yml``, as a ``conf.py``."""
    from jupyter_book.config import get_final_config  # a second of imports that the other commands need not pay

    config, _ = get_final_config(
        user_yaml=layout.source / "_config.yml",
        sourcedir=layout.source,
        cli_config={"latex_individualpages": False},
        raise_on_invalid=True,
    )
    lines = [f"{key} = {config[key]!r}" for key in sorted(config)]
    return "\n".join(["# Written by bngd.companion.book from _config.yml: edit that file.", *lines]) + "\n"


def run_sphinx(layout: Layout, builder: str, target: Path, doctrees: Path | None = None) -> None:
    """Run Sphinx over ``source`` and raise `BookError` with its warnings, if there is one."""
    log = layout.book / "warnings.txt"
    options = ["-W", "-n", "--keep-going", "-q", "-w", str(log), "-d", str(doctrees or layout.doctrees)]
    # A process of its own: docutils keeps its roles and directives in globals, and conf.py may be run by hand alike.
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", builder, *options, str(layout.source), str(target)],
        env=os.environ | {"PYTHONPATH": _import_path()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BookError(_explain(layout, log.read_text(encoding="utf-8") if log.exists() else "", done.stderr))


def _import_path() -> str:
    here = str(Path(bngd.__file__).parents[1])
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])


def _explain(layout: Layout, log: str, stderr: str) -> str:
    # Positions are given in the assembled copy; the reader edits the originals.
    warnings = [line.replace(f"{layout.source}{os.sep}", "book/") for line in log.splitlines() if line.strip()]
    warnings = [line.replace("book/notebooks/", "notebooks/") for line in warnings]
    if not warnings:
        return f"Sphinx failed on {layout.source}:\n{stderr.strip()[-2000:]}"
    more = [f"... and {len(warnings) - WARNINGS_SHOWN} lines more"] if len(warnings) > WARNINGS_SHOWN else []
    return "\n".join(["the book has warnings, which are errors here:", *warnings[:WARNINGS_SHOWN], *more])


def _copy_assets(layout: Layout) -> None:
    """Put beside the pages what they link to: MathJax, the figures, and the notebooks as a reader would run them."""
    mirror(mathjax_source(), layout.work / "_static" / "mathjax", needed_by_mathjax)
    mirror(layout.build / "figures", layout.work / "_figures")
    mirror(layout.root / "notebooks", layout.work / "_notebooks", lambda path: path.endswith(".ipynb"))


def mathjax_source() -> Path:
    """Return the folder of the MathJax that pip installed.

    Raises
    ------
    BookError
        If the package is not installed.
    """
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise BookError("MathJax is missing; install it with `pip install sphinx-mathjax-offline==0.0.2`")
    return Path(spec.origin).parent / "static" / "mathjax"


def needed_by_mathjax(path: str) -> bool:
    """Whether a file of MathJax is needed to read TeX and to write HTML: 2 MB of the package's 24."""
    return path == "tex-chtml.js" or path.startswith(("output/chtml/fonts/woff-v2/", "input/tex/extensions/"))


def _fingerprint(layout: Layout) -> str:
    """Digest of what shows on every page; Sphinx by itself would leave the pages that did not change stale."""
    digest = hashlib.sha256()
    extension = Path(__file__).with_name("sphinx_ext.py")
    shared = [layout.source / "conf.py", layout.source / "_toc.yml", extension, Path(__file__)]
    shared += sorted(path for path in (layout.source / "_static").rglob("*") if path.is_file())
    for path in shared:
        digest.update(path.read_bytes())
    for page in sorted([*layout.source.rglob("*.md"), *layout.source.rglob("*.ipynb")]):
        digest.update(f"{page.relative_to(layout.source)} {_title(page)}".encode())
    return digest.hexdigest()


def _title(page: Path) -> str:
    """First heading of a page; in a notebook it stands inside a JSON string."""
    lines = (line.strip().lstrip('"') for line in page.read_text(encoding="utf-8").splitlines())
    return next((line for line in lines if line.startswith("# ")), "")


def _publish(layout: Layout) -> Path:
    """Copy the finished site to where readers look, its first page last, and return that page."""
    internal = (".buildinfo", ".doctrees")
    index = layout.html / "index.html"
    mirror(
        layout.work,
        layout.html,
        lambda path: path != "index.html" and not path.startswith(internal),
        spare="index.html",
    )
    _copy(layout.work / "index.html", index)
    return index


def mirror(
    source: Path, target: Path, wanted: Callable[[str], bool] = lambda path: True, spare: str | None = None
) -> None:
    """Make ``target`` hold the wanted files of ``source`` and nothing else, writing only what differs.

    Parameters
    ----------
    source, target : Path
        Folders; a source that does not exist counts as empty.
    wanted : callable
        Says of a path relative to ``source``, with forward slashes, whether it belongs.
    spare : str, optional
        First component of paths in ``target`` that are someone else's.
    """
    files = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()} if source.is_dir() else set()
    files = {path for path in files if wanted(path)}
    for path in sorted(files):
        if not (target / path).is_file() or not filecmp.cmp(source / path, target / path, shallow=False):
            _copy(source / path, target / path)
    for old in sorted(target.rglob("*")):
        relative = old.relative_to(target)
        if old.is_file() and relative.as_posix() not in files and relative.parts[0] != spare:
            old.unlink()


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that at no moment a half-written one bears its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    shutil.copyfile(source, partial)
    os.replace(partial, target)


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def find_chromium() -> str:
    """Return the path of a Chromium or Chrome: ``$BNGD_CHROMIUM``, or the first of the usual names on the path.

    Raises
    ------
    BookError
        If there is none.
    """
    named = os.environ.get("BNGD_CHROMIUM")
    candidates = [named] if named else list(CHROMIUM_NAMES)
    found = next(filter(None, map(shutil.which, candidates)), None)
    if found is None:
        raise BookError(
            f"no Chromium found (looked for {', '.join(candidates)}); install Chromium or Chrome, "
            "or set BNGD_CHROMIUM to its executable"
        )
    return found


def _print_pdf(chromium: str, page: Path, target: Path) -> Path:
    partial = target.with_suffix(".partial.pdf")
    command = [chromium, *CHROMIUM_FLAGS, "--virtual-time-budget=60000", "--no-pdf-header-footer"]
    done = subprocess.run(
        [*command, f"--print-to-pdf={partial}", page.as_uri()], capture_output=True, text=True, timeout=300, check=False
    )
    if not partial.is_file():
        raise BookError(f"{chromium} printed nothing:\n{done.stderr.strip()[-2000:]}")
    os.replace(partial, target)
    return target
