"""The assembly: what is copied, what is made again, and that no failed or interrupted build passes for a good one."""

import json
import os
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from companion_project import BOOK_CONFIG
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from own_tables import HOSTILE
from what_happens import happens

from bngd import Problem, paper
from bngd.companion import Run, book, pages, printing
from bngd.companion.chromium import find_chromium
from bngd.companion.errors import CompanionError
from bngd.studies.own_data import reading, study

ROOT = Path(__file__).parents[1]
TOC = {"format": "jb-book", "root": "index", "chapters": [{"file": "first"}, {"file": "notebooks/rate"}]}
PARTS = {
    "root": "index",
    "parts": [{"chapters": [{"file": "a", "sections": [{"file": "b"}]}]}, {"chapters": [{"file": "c"}]}],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A checkout whose book is built once; who changes a source restores it."""
    root = checkout(tmp_path_factory.mktemp("built"))
    book.build("quick", root)
    return root


@pytest.fixture
def root(tmp_path):
    return checkout(tmp_path)


def checkout(tmp_path):
    """A checkout with two pages of prose and one executed notebook."""
    for folder in ("book", "notebooks", "build/quick/notebooks", "build/quick/figures", "build/quick/results"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "book" / "_config.yml").write_text(BOOK_CONFIG)
    (tmp_path / "book" / "_toc.yml").write_text(json.dumps(TOC))
    (tmp_path / "book" / "index.md").write_text("# A small book\n\n$x$\n")
    (tmp_path / "book" / "first.md").write_text("# First\n\nThere were {value}`rate:runs` runs.\n")
    cell = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Rate\n\n{index}`! smallness`"}
    notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    for folder in ("notebooks", "build/quick/notebooks"):
        (tmp_path / folder / "rate.ipynb").write_text(notebook)
    (tmp_path / "build" / "quick" / "figures" / "rate-tent.svg").write_text("<svg/>")
    record(tmp_path, runs=3)
    return tmp_path


def record(root, **values):
    (root / "build" / "quick" / "results" / "rate.json").write_text(json.dumps({"values": values}))


def times(html):
    return {path.name: path.stat().st_mtime_ns for path in html.rglob("*.html")}


def test_a_build_is_self_contained_and_the_next_one_makes_only_what_changed(built):
    html = built / "build" / "quick" / "book" / "html"
    for path in (
        "index.html",
        "_static/mathjax/startup.js",
        "_figures/rate-tent.svg",
        "_notebooks/rate.ipynb",
        "notebooks/rate.html",
    ):
        assert (html / path).is_file()
    before = times(html)
    record(built, runs=4)
    assert book.build("quick", built) == html / "index.html"
    assert "There were 4 runs." in (html / "first.html").read_text()
    # What the page that was left alone defines is still found first.
    assert re.search(r'"smallness": ?\[\[2, "[^"]*", true\]\]', (html / "searchindex.js").read_text())
    assert times(html)["first.html"] > before["first.html"]
    assert times(html)["rate.html"] == before["rate.html"]
    assert times(html)["index.html"] > before["index.html"]  # make compares its time with that of the sources


def test_a_warning_fails_the_build_again_and_again_and_leaves_the_last_good_book(built):
    html, page = built / "build" / "quick" / "book" / "html", built / "book" / "first.md"
    good, text = times(html), page.read_text()
    page.write_text("# First\n\nA {value}`rate:lost` and a [link](gone.md).\n")
    for _ in range(2):
        with pytest.raises(book.BookError, match=r"book/first\.md:3: WARNING: results of rate hold no value 'lost'"):
            book.build("quick", built)
    assert times(html) == good
    page.write_text(text)


def test_an_interrupted_build_is_made_afresh(root):
    shop = book.workshop("quick", root)
    index = book.build("quick", root)
    whole = index.read_text()
    shop.complete.unlink()  # as a kill leaves it: half-written pages that are newer than their sources
    for page in (shop.work / "index.html", index):
        page.write_text("half a pa")
    assert book.build("quick", root).read_text() == whole
    happens("faults", "a build of the book is interrupted", "the last good book stays; the next build begins afresh")


def test_a_changed_title_reaches_every_page(root):
    shop = book.workshop("quick", root)
    book.assemble(shop)
    before = book.fingerprint(shop)
    (root / "book" / "first.md").write_text("# First of all\n")
    book.assemble(shop)
    assert book.fingerprint(shop) != before


def test_a_table_worded_anew_reaches_its_pages(root, tmp_path, monkeypatch):
    shop = book.workshop("quick", root)
    book.assemble(shop)
    before = book.fingerprint(shop)
    worded = tmp_path / "paper.py"
    worded.write_text(Path(paper.__file__).read_text().replace("linear", "geometric"))
    monkeypatch.setattr(paper, "__file__", str(worded))
    assert book.fingerprint(shop) != before


def test_a_notebook_that_was_not_executed_is_named(root):
    (root / "build" / "quick" / "notebooks" / "rate.ipynb").unlink()
    with pytest.raises(
        book.BookError, match="not executed under profile quick: rate; run `make notebooks PROFILE=quick`"
    ) as caught:
        book.build("quick", root)
    happens("faults", "an executed notebook is missing when the book is built", "one line", said=str(caught.value))


def test_a_folder_without_a_book_is_refused(tmp_path):
    with pytest.raises(book.BookError, match=r"holds no book/_toc\.yml") as caught:
        book.build("quick", tmp_path)
    happens(
        "faults", "a book in a folder without one", "one line", said=str(caught.value).replace(str(tmp_path), "folder")
    )


def test_pages_come_in_reading_order(tmp_path):
    (tmp_path / "_toc.yml").write_text(json.dumps(PARTS))
    assert book.pages_of_toc(tmp_path / "_toc.yml") == ["index", "a", "b", "c"]


def test_mirror_reads_again_unless_times_are_trusted(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "page").write_text("old!")
    (target / "page").write_text("new?")
    os.utime(source / "page", (1, 1))
    book.mirror(source, target, trust_times=True)
    assert (target / "page").read_text() == "new?"
    book.mirror(source, target)
    assert (target / "page").read_text() == "old!"
    (source / "page").write_text("more than that")
    os.utime(source / "page", (1, 1))
    book.mirror(source, target, trust_times=True)
    assert (target / "page").read_text() == "more than that"


def test_mirror_copies_removes_and_spares(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    for path, text in (
        ("source/a/new", "1"),
        ("source/same", "2"),
        ("target/same", "2"),
        ("target/old", "3"),
        ("target/keep/x", "4"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    time = (target / "same").stat().st_mtime_ns
    book.mirror(source, target, lambda path: path != "unwanted", spare=("keep",))
    assert sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()) == [
        "a/new",
        "keep/x",
        "same",
    ]
    assert (target / "same").stat().st_mtime_ns == time


@pytest.fixture
def hostile_page(root, output, monkeypatch):
    """The page of a notebook that showed tables whose columns, targets and parameters have hostile names."""
    shown = []
    monkeypatch.setattr(
        "bngd.companion.run._show", lambda bundle, metadata=None: shown.append((bundle, metadata or {}))
    )
    run, columns = Run("rate"), ",".join('"' + name.replace('"', '""') + '"' for name in HOSTILE)
    values = np.random.default_rng(0).standard_normal((30, len(HOSTILE))).tolist()
    path = root / f"{HOSTILE[0]}.csv"
    path.write_text("\n".join([columns, *(",".join(map(str, row)) for row in values)]))
    for number, target in enumerate(HOSTILE):
        table = reading.read(str(path), target, leave_out=[HOSTILE[number - 1]], separator=",")
        problem = Problem.from_data(table.X, table.y, names=table.names)
        run.table(table.report(problem.preparation), f"columns-{number}", caption="The columns of the file.")
        run.say(study.about(table, problem))
        shown.append(({"text/html": problem._repr_html_()}, {}))
    outputs = [new_output("display_data", bundle, metadata=metadata) for bundle, metadata in shown]
    given = new_code_cell(f"target = {HOSTILE!r}", metadata={"tags": ["injected-parameters"]})
    cells = [new_markdown_cell("# Rate\n\nA formula: $y$."), given, new_code_cell("run.table(...)", outputs=outputs)]
    notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    pages.dress(notebook, name="rate", command="make rate")
    nbformat.write(notebook, root / "build" / "quick" / "notebooks" / "rate.ipynb")
    told = dict.fromkeys(("bngd", "python", "platform", "cores", "profile", "command", "commit", "modified"), "x")
    (root / "build" / "quick" / "provenance").mkdir()
    told |= {"seconds": 1, "packages": {}, "parameters": dict(enumerate(HOSTILE))}
    (root / "build" / "quick" / "provenance" / "rate.json").write_text(json.dumps(told))
    with (root / "book" / "first.md").open("a") as first:
        first.write("\nA formula: $y$.\n\n```{run-status}\n```\n")
    return book.build("quick", root).parent


INJECTED = """() => [...document.querySelectorAll('article :is(script, img, iframe, object, mjx-container, .math), ' +
    'article .cell_output :is(a:not([download]), em, code), [href^="javascript:" i]')].map(node => node.outerHTML)"""


TAKE_OWN_FORMULAS = """() => [...document.querySelectorAll('article')].map(page => page.querySelector('mjx-container'))
    .map(formula => formula.closest('.math').remove()).length"""
"""Each page's first formula is its own; that it was typeset shows that others would be."""


def test_hostile_names_are_text_on_the_built_page(browser, hostile_page):
    context = browser.new_context(offline=True)
    page, wrong = context.new_page(), []
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    for name in ("notebooks/rate.html", "first.html"):
        page.goto((hostile_page / name).as_uri())
        page.evaluate("() => MathJax.startup.promise")
        assert page.evaluate(TAKE_OWN_FORMULAS) == 1
        wrong += page.evaluate(INJECTED)
        text = page.inner_text("article")
        assert all(shown in text for shown in ("<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "**bold**"))
        page.set_content("<article><a href='JavaScript:0'>x</a><img></article>")
        assert len(page.evaluate(INJECTED)) == 2, "what is looked for is found"
    context.close()
    assert wrong == []


def test_hostile_names_are_text_in_print(browser, hostile_page, tmp_path):
    from pypdf import PdfReader

    document, pdf, dialogs = tmp_path / "book.html", tmp_path / "book.pdf", []
    document.write_text(printing.joined(hostile_page, tmp_path / "book" / "_toc.yml", ROOT / "book" / "print"))
    page = browser.new_page()
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    printing.print_document(page, document, pdf)
    assert page.evaluate(TAKE_OWN_FORMULAS) == 3
    assert page.evaluate(INJECTED) + dialogs == []
    page.close()
    sheets = PdfReader(pdf).pages
    assert "<img src=x onerror=alert(1)>" in "".join(sheet.extract_text() for sheet in sheets)
    links = [link.get_object() for sheet in sheets for link in sheet.get("/Annots", [])]
    assert [link for link in links if "/Dest" not in link] == [], "a link that leaves the print"


def test_a_missing_browser_is_told_with_the_way_out(monkeypatch):
    monkeypatch.setenv("BNGD_CHROMIUM", "no-such-browser")
    with pytest.raises(CompanionError, match=r"no Chromium found \(looked for no-such-browser\); install") as caught:
        find_chromium()
    happens("faults", "a PDF without Chromium", "one line", said=str(caught.value))
