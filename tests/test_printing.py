"""The printed book: a site of three pages by hand, printed once, and what a reader would look for in it."""

from pathlib import Path

import pytest

from bngd.companion import printing

ROOT = Path(__file__).parents[1]

LONG = "result = " + " + ".join(f"term_{number:03}" for number in range(60))
WIDE = "".join(f"<td>unbreakable{number:02}</td>" for number in range(16))
PAGES = {
    "index": "<h1>A book<a class='headerlink' href='#x'>#</a></h1><p>See <a href='rate.html#here'>the rate</a>.</p>",
    "rate": f"<h1>Rate</h1><h2 id='here'>Here</h2><div class='highlight'><pre>{LONG}</pre></div>"
    "<p>The <a href='_figures/x.svg'>file</a>.</p>",
    "notebooks/step": "<h1>One step</h1><details class='hide'><summary>Show the code</summary></details>"
    f"<p>{'Words to fill a page. ' * 700}</p><table><tr>{WIDE}</tr></table>",
}
TOC = """
root: index
parts: [{caption: Analysis, chapters: [{file: rate, sections: [{file: notebooks/step}]}]}]
"""


@pytest.fixture(scope="module")
def printed(browser, tmp_path_factory):
    """The printed pages' texts, their sizes, where places are, and what a browser finds wider than its column."""
    from pypdf import PdfReader

    folder = tmp_path_factory.mktemp("site")
    for path in ("_static/pygments.css", "_toc.yml"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(TOC if path == "_toc.yml" else "")
    for name, text in PAGES.items():
        (folder / f"{name}.html").parent.mkdir(exist_ok=True)
        (folder / f"{name}.html").write_text(f"<html><body><article>{text}</article></body></html>")
    document, target = folder / "print.html", folder / "print.pdf"
    document.write_text(printing.joined(folder, folder / "_toc.yml", ROOT / "book" / "print"))
    page = browser.new_page(viewport={"width": 1100, "height": 1400}, color_scheme="dark")
    printing.print_document(page, document, target)
    over = page.eval_on_selector_all(
        "table, pre", "parts => parts.map(part => part.scrollWidth / part.parentElement.clientWidth)"
    )
    page.close()
    pdf = PdfReader(target)
    texts = [page.extract_text() for page in pdf.pages]
    return texts, [page.mediabox for page in pdf.pages], printing.pages_of_anchors(target), over, pdf


def test_pages_are_a4_and_numbered(printed):
    texts, boxes, *_ = printed
    assert {round(min(box.width, box.height) / 72 * 25.4) for box in boxes} == {210}
    assert {round(max(box.width, box.height) / 72 * 25.4) for box in boxes} == {297}
    assert all(str(number) in text.split() for number, text in enumerate(texts, 1) if number > 1)


def test_the_contents_name_the_page_on_which_each_chapter_begins(printed):
    texts, _, starts, *_ = printed
    for title, name in (("A book", "index"), ("Rate", "rate"), ("One step", "notebooks-step")):
        assert title in texts[starts[name] - 1]
        assert (
            f"{title}{starts[name]}" in texts[1].replace(" ", "").replace("\n", "")
            or f"{title} {starts[name]}" in texts[1]
        )
    assert starts["rate"] == starts["rate--here"]
    assert "000" not in texts[1]


def test_no_line_and_no_column_is_cut(printed):
    texts, boxes, _, over, _ = printed
    whole = "".join("".join(texts).split())
    assert "".join(LONG.split()) in whole
    assert all(f"unbreakable{number:02}" in whole for number in range(16))
    assert max(over) <= 1.01
    assert any(box.width > box.height for box in boxes)  # a table too wide for the page is turned


def test_what_serves_a_screen_is_not_printed(printed):
    texts, *_, pdf = printed
    assert "Show the code" not in "".join(texts)
    assert "#" not in "".join(texts)
    assert len(pdf.outline) > 0
    links = [link.get_object() for page in pdf.pages for link in page.get("/Annots", [])]
    assert all("/Dest" in link for link in links)  # within the document: files beside the site are not there
