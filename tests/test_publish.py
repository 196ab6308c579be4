"""What a published book adds, and that a book without an address has none of it."""

import io
import json
import warnings

import pytest
from book_checks import parse
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from bngd.companion import publish

REPOSITORY, ADDRESS = "https://github.com/someone/a-book", "https://example.org/a-book/"
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A function that builds a small book with the given configuration and returns its folder."""
    monkeypatch.delenv("BNGD_REPOSITORY", raising=False)
    monkeypatch.delenv("BNGD_ADDRESS", raising=False)

    def build(**conf):
        source, html = tmp_path / "book" / "source", tmp_path / "html"
        for folder in (source / "notebooks", tmp_path / "figures", html / "_notebooks"):
            folder.mkdir(parents=True)
        (source / "index.md").write_text("# First\n\n```{toctree}\nnotebooks/rate\n```\n")
        (source / "notebooks" / "rate.md").write_text("# Rate\n")
        (html / "_notebooks" / "rate.ipynb").write_text(json.dumps(NOTEBOOK))
        Image.new("RGB", (700, 400), "blue").save(tmp_path / "figures" / publish.CARD_FIGURE)
        conf = {"extensions": ["myst_parser", "bngd.companion.publish"], "html_theme": "pydata_sphinx_theme", **conf}
        with warnings.catch_warnings(), patch_docutils(), docutils_namespace():
            warnings.simplefilter("ignore")  # what Sphinx and its extensions do that Python deprecates is not ours
            Sphinx(
                source, None, html, tmp_path / "trees", "html", confoverrides=conf, status=None, warning=None
            ).build()
        return html

    return build


def test_a_book_with_addresses_can_be_launched_shared_and_listed(published):
    html = published(bngd_repository=REPOSITORY, bngd_address=ADDRESS, html_title="A book")
    page = parse((html / "notebooks" / "rate.html").read_text())
    links = [link["href"] for link in page.select(".launch a")]
    assert links[0].endswith("/gh/someone/a-book/HEAD?labpath=notebooks%2Frate.ipynb")
    assert links[1].endswith("/github/someone/a-book/blob/gh-pages/_notebooks/rate.ipynb")
    tags = {tag["property"]: tag["content"] for tag in page.find_all("meta", property=True)}
    assert tags["og:title"] == "Rate"
    assert tags["og:url"] == f"{ADDRESS}notebooks/rate.html"
    assert tags["og:image"] == f"{ADDRESS}_static/card.png"
    assert not parse((html / "index.html").read_text()).select(".launch")
    assert f"<loc>{ADDRESS}notebooks/rate.html</loc>" in (html / "sitemap.xml").read_text()
    [first] = json.loads((html / "_notebooks" / "rate.ipynb").read_text())["cells"]
    assert f"git+{REPOSITORY}" in "".join(first["source"])
    with Image.open(html / "_static" / "card.png") as card:
        assert card.size == publish.CARD_SIZE
        assert card.getpixel((600, 300)) == (0, 0, 255)


def test_a_book_without_addresses_has_neither(published):
    html = published()
    page = (html / "notebooks" / "rate.html").read_text()
    assert 'class="launch"' not in page
    assert "og:image" not in page
    assert not (html / "sitemap.xml").exists()
    assert json.loads((html / "_notebooks" / "rate.ipynb").read_text()) == NOTEBOOK


@pytest.mark.parametrize("repository", ["", "https://example.org/someone/a-book"])
def test_only_a_repository_that_they_know_is_launched(repository):
    assert publish.launch_links(repository, "notebooks/rate") == ""


def test_a_card_is_the_same_every_time(tmp_path):
    Image.new("RGB", (10, 10)).save(tmp_path / "figure.png")
    one, two = (publish.card(tmp_path / "figure.png", "A book") for _ in range(2))
    assert one == two
    assert Image.open(io.BytesIO(one)).format == "PNG"
