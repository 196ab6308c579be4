"""What must hold on every page of a built book. Each check returns what is wrong: an empty list is a pass."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "embed": "src",
    "object": "data",
}
LOADED_LINKS = {
    "stylesheet",
    "icon",
    "shortcut",
    "preload",
    "modulepreload",
    "prefetch",
    "manifest",
    "apple-touch-icon",
}
CSS_LOADS = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""")
LOOKS_LIKE_A_PATH = re.compile(r"\S*[\\/]\S*|\S+\.\w{2,5}")


def parse(text):
    return BeautifulSoup(text, "html.parser")


def read_pages(root):
    """All pages of a site: path relative to its root -> parsed page."""
    return {path.relative_to(root).as_posix(): parse(path.read_text("utf-8")) for path in sorted(root.rglob("*.html"))}


def references(page):
    """Everything a page links to or loads."""
    found = [tag["href"] for tag in page.find_all(["a", "link"], href=True)]
    return found + [tag[key] for name, key in LOADED.items() for tag in page.find_all(name) if tag.has_attr(key)]


def is_outside(url):
    return bool(urlsplit(url).netloc) or url.startswith("//")


def broken_links(root, pages):
    """Internal links whose file or anchor is missing."""
    anchors = {name: _anchors(page) for name, page in pages.items()}
    return [
        f"{name}: {url}"
        for name, page in pages.items()
        for url in references(page)
        if not is_outside(url) and not url.startswith(("mailto:", "data:", "javascript:"))
        if not _resolves(root, anchors, name, url)
    ]


def _resolves(root, anchors, name, url):
    parts = urlsplit(url)
    target = (Path(root) / name).parent / unquote(parts.path) if parts.path else Path(root) / name
    if not target.is_file():
        return False
    there = anchors.get(target.resolve().relative_to(Path(root).resolve()).as_posix())
    return not parts.fragment or there is None or unquote(parts.fragment) in there


def _anchors(page):
    named = page.find_all("a", attrs={"name": True})
    return {tag["id"] for tag in page.find_all(id=True)} | {tag["name"] for tag in named}


def outside_resources(page):
    """What a page would load from elsewhere; a link that a reader may follow is not such a thing."""
    loaded = [tag[key] for name, key in LOADED.items() for tag in page.find_all(name) if tag.has_attr(key)]
    loaded += [tag["href"] for tag in page.find_all("link", href=True) if LOADED_LINKS & set(tag.get("rel", []))]
    loaded += [
        part.split()[0] for tag in page.find_all(srcset=True) for part in tag["srcset"].split(",") if part.strip()
    ]
    styles = [tag.get_text() for tag in page.find_all("style")] + [tag["style"] for tag in page.find_all(style=True)]
    return [url for url in loaded if is_outside(url)] + [url for css in styles for url in outside_css(css)]


def outside_css(text):
    """What a style sheet would load from elsewhere."""
    return CSS_LOADS.findall(text)


def poor_alts(page):
    """Images whose alternative text is missing, empty, a path, or a single word."""
    alts = [(image.get("src", ""), image.get("alt")) for image in page.find_all("img")]
    return [src for src, alt in alts if not alt or LOOKS_LIKE_A_PATH.fullmatch(alt.strip()) or len(alt.split()) < 2]


def repeated_ids(page):
    """Ids that stand more than once in the text of a page."""
    article = page.find("article") or page
    return [id for id, count in Counter(tag["id"] for tag in article.find_all(id=True)).items() if count > 1]


def unread_maths(page):
    """Texts that still hold a dollar sign, outside of code and of what MathJax will read: mathematics gone wrong."""
    article = page.find("article") or page
    read = {"code", "pre", "script", "style"}
    return [
        " ".join(text.split())[:80]
        for text in article.find_all(string=re.compile(r"\$"))
        if not any(parent.name in read or "math" in parent.get("class", []) for parent in text.parents)
    ]


def nameless_summaries(page):
    """Folds that a screen reader announces without a name: neither text nor a label."""
    return [
        str(fold)[:80] for fold in page.find_all("summary") if not (fold.get("aria-label") or fold.get_text(strip=True))
    ]


def missing_claims(page, ledger):
    """Claims of the ledger that the ledger's page does not show, or not with their verdict."""
    rows = {claim["id"]: page.find(id=f"claim-{claim['id']}") for claim in ledger}
    return [claim["id"] for claim in ledger if not _shows(rows[claim["id"]], claim["verdict"])]


def _shows(anchor, verdict):
    return anchor is not None and anchor.find_parent("tr").find(class_=f"verdict-{verdict}") is not None


def verdicts_of_table(page):
    """The verdicts that the summary table shows: cell -> word."""
    cells = page.find_all(id=re.compile("^cell-"))
    return {cell["id"].removeprefix("cell-"): cell.find(class_="verdict").get_text().split()[-1] for cell in cells}
