"""The built book as one PDF: its pages joined into one document, laid out on A4, with the page numbers of its contents.

Chromium knows no page numbers while it lays out, so the book is printed twice: the first print tells on which page each
chapter begins, the second says so in the contents. Joining built pages, not building others, keeps every number.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import urlsplit

import yaml
from bs4 import BeautifulSoup, Tag

import bngd
from bngd.companion.chromium import CHROMIUM_FLAGS, find_chromium
from bngd.companion.errors import CompanionError
from bngd.files import replacing, write_text

_NOT_PRINTED = (
    "a.headerlink, script, button, details.hide, .toctree-wrapper, .column-name, .launch, .figure-downloads, .only-dark"
)
"""What serves a screen only: folded code, too, which the notebooks hold."""

_CONFIGURATION = re.compile(r"<script>window\.MathJax = .*?</script>")
_NUMBER_CONTENTS = """starts => {
    const entries = [...document.querySelectorAll(".contents .entry")];
    const of = (entry) => entry.querySelector("a").getAttribute("href").slice(1);
    for (const entry of entries) entry.querySelector(".number").textContent = starts[of(entry)] ?? "";
    return entries.map(of).filter((name) => !(name in starts));
}"""
_SLOWEST = 1_800_000
"""Milliseconds that a step of printing may take; two hundred pages need half a minute where nothing else runs."""

_FONTS = {
    ("Book", "normal", "normal"): "STIXGeneral",
    ("Book", "bold", "normal"): "STIXGeneralBol",
    ("Book", "normal", "italic"): "STIXGeneralItalic",
    ("Book", "bold", "italic"): "STIXGeneralBolIta",
    ("Heading", "normal", "normal"): "DejaVuSans",
    ("Heading", "bold", "normal"): "DejaVuSans-Bold",
    ("Code", "normal", "normal"): "DejaVuSansMono",
    ("Code", "bold", "normal"): "DejaVuSansMono-Bold",
}
"""Family, weight and style -> a font that Matplotlib ships: the book looks the same whatever the machine has."""


def print_book(html: Path, toc: Path, styles: Path, target: Path) -> Path:
    """Print a built book to one PDF and return its path.

    Parameters
    ----------
    html, toc : Path
        The built site, and its table of contents.
    styles : Path
        The folder with ``print.css`` and ``fit.js``.
    target : Path
        The PDF; the document that is printed lies beside it.

    Raises
    ------
    CompanionError
        If no Chromium is found, or a chapter is missing from what it printed.
    """
    # Imported here, as pypdf below: only who prints pays for it.
    from playwright.sync_api import sync_playwright

    document = target.with_suffix(".html")
    write_text(document, joined(html, toc, styles))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*CHROMIUM_FLAGS])
        print_document(browser.new_page(viewport={"width": 1100, "height": 1400}), document, target)
        browser.close()
    return target


def print_document(page: Any, document: Path, target: Path) -> None:
    """Print a joined document in a browser's page, once to learn where chapters begin, and once to say so."""
    import pikepdf

    page.set_default_timeout(_SLOWEST)
    page.goto(document.as_uri())
    page.wait_for_selector("html[data-fitted]", state="attached")
    with replacing(target) as partial:
        page.pdf(path=partial, prefer_css_page_size=True, print_background=True)
        starts = pages_of_anchors(partial)
        if missing := page.evaluate(_NUMBER_CONTENTS, starts):
            raise CompanionError(f"the print has no page for {', '.join(missing)}; look at {document}")
        page.pdf(path=partial, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
        # The tags that a screen reader needs are many small objects, which Chromium does not pack: half of the file.
        with pikepdf.open(partial, allow_overwriting_input=True) as pdf:
            pdf.save(object_stream_mode=pikepdf.ObjectStreamMode.generate)


def pages_of_anchors(pdf: Path) -> dict[str, int]:
    """Return on which page of a PDF, counted from 1, each place stands that a link leads to."""
    from pypdf import PdfReader

    reader = PdfReader(pdf)
    places = reader.named_destinations.items()
    numbers = {name.lstrip("/"): reader.get_destination_page_number(place) for name, place in places}
    return {name: number + 1 for name, number in numbers.items() if number is not None}


def joined(html: Path, toc: Path, styles: Path) -> str:
    """Return the whole book as one document, its contents still without page numbers."""
    entries = list(toc_entries(toc))
    known = {page: _anchor(page) for _, page, _ in entries}
    articles = [_article(html, page, known, level) for _, page, level in entries]
    first = (html / "index.html").read_text(encoding="utf-8")
    configuration = _CONFIGURATION.search(first)
    mathjax = (html / "_static" / "mathjax" / "startup.js").as_uri()
    css = "".join(
        path.read_text(encoding="utf-8") for path in (html / "_static" / "pygments.css", styles / "print.css")
    )
    running = "".join(_running_head(article) for article in articles)
    title = BeautifulSoup(first, "html.parser").select_one("article h1")
    name = title.get_text().removesuffix("#") if title else ""
    return "\n".join([
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{name}</title>',
        f"<style>{_font_faces()}{css}{running}</style>",
        configuration[0] if configuration else "",
        f'<script src="{mathjax}"></script></head><body>',
        _cover(html, name),
        _contents(entries, articles),
        *map(str, articles),
        f"<script>{(styles / 'fit.js').read_text(encoding='utf-8')}</script></body></html>",
    ])  # fmt: skip


def _anchor(page: str, fragment: str = "") -> str:
    """Return the id, in the joined document, of a page or of a place on it."""
    return "--".join([page.replace("/", "-"), *([fragment] if fragment else [])])


def toc_entries(toc: Path) -> Iterator[tuple[str, str, int]]:
    """Yield part, page and depth of every entry of a table of contents, in reading order."""
    book = yaml.safe_load(toc.read_text(encoding="utf-8"))
    yield "", book["root"], 1

    def walk(part: str, entries: list[dict[str, Any]], level: int) -> Iterator[tuple[str, str, int]]:
        for entry in entries:
            yield part, entry["file"], level
            yield from walk(part, entry.get("sections", []), level + 1)

    for part in book.get("parts", [book]):
        yield from walk(part.get("caption", ""), part.get("chapters", []), 1)


def _article(html: Path, page: str, known: dict[str, str], level: int) -> Tag:
    """Return what is printed of a page, its ids and links made those of the joined document."""
    found = BeautifulSoup((html / f"{page}.html").read_text(encoding="utf-8"), "html.parser").article
    if found is None:
        raise CompanionError(f"{html / page}.html has no text; build the book anew")
    for tag in found.select(_NOT_PRINTED):
        tag.decompose()
    for tag in found.select("[id]"):
        tag["id"] = _anchor(page, str(tag["id"]))
    for tag in found.select("a[href]"):
        _relink(tag, page, known)
    for tag in found.select("img[src]"):
        tag["src"] = (html / dirname(page) / str(tag["src"])).resolve().as_uri()
        tag.attrs.pop("loading", None)
    for tag in found.select("picture > source"):
        tag.decompose()
    if level > 1:  # a notebook is a section of its chapter
        for depth in (5, 4, 3, 2, 1):
            for tag in found.select(f"h{depth}"):
                tag.name = f"h{depth + 1}"
    found.attrs = {"id": known[page], "class": "page"}
    return found


def _relink(link: Tag, page: str, known: dict[str, str]) -> None:
    """Turn a link to another page of the book into one within the document, and drop one to a file beside it."""
    parts = urlsplit(str(link["href"]))
    if parts.scheme or parts.netloc:
        return
    target = normpath(join(dirname(page), parts.path)).removesuffix(".html") if parts.path else page
    if target in known:
        link["href"] = f"#{_anchor(target, parts.fragment)}"
    else:
        link.unwrap()


def _heading(article: Tag) -> Tag:
    found = article.find(re.compile("^h[1-6]$"))
    assert isinstance(found, Tag)
    return found


def _running_head(article: Tag) -> str:
    """Return the rule that begins a page for an article and prints its title, where it is plain text, above it."""
    name, title = article["id"], " ".join(_heading(article).get_text().split()).replace('"', "\u201d")
    head = "" if "\\" in title else title
    box = f'@top-right {{ content: "{head}" }}'
    wide = f"@page {name}-wide {{ size: A4 landscape; {box} }}\n#{name} .landscape {{ page: {name}-wide }}"
    return f"@page {name} {{ {box} }}\n#{name} {{ page: {name} }}\n{wide}\n"


def _cover(html: Path, name: str) -> str:
    picture = html / "_static" / "readme.svg"
    shown = f'<img alt="" src="{picture.as_uri()}">' if picture.is_file() else ""
    edition = f"<p>An executable companion, version {bngd.__version__}</p>"
    return f'<header class="cover"><h1>{name}</h1>{edition}{shown}</header>'


def _contents(entries: list[tuple[str, str, int]], articles: list[Tag]) -> str:
    lines, last = [], ""
    for (part, page, level), article in zip(entries, articles, strict=True):
        lines += [f'<p class="part">{part}</p>'] if part != last else []
        last = part
        link = f'<a href="#{_anchor(page)}">{_heading(article).decode_contents()}</a>'
        lines.append(f'<p class="entry level-{level}">{link}<span class="number">000</span></p>')
    return '<nav class="contents"><h1>Contents</h1>\n' + "\n".join(lines) + "</nav>"


def _font_faces() -> str:
    import matplotlib as mpl

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return "".join(
        f"@font-face {{ font-family: {family}; font-weight: {weight}; font-style: {style}; "
        f"src: url({(folder / f'{name}.ttf').as_uri()}) }}\n"
        for (family, weight, style), name in _FONTS.items()
    )
