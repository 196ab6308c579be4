"""The built book, read as a reader's browser and as a suspicious reviewer would read it.

The book is the full one where it is up to date, else that of profile quick, made by make if need be; ``BNGD_BUILD``
names the build folder of another.
"""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import book_checks as checks
import pytest
from companion_project import outside_make

from bngd.claims import combine
from bngd.companion.book import pages_of_toc
from bngd.paper import TABLE_CELLS

ROOT = Path(__file__).parents[1]
STATES = ((1280, "light"), (1280, "dark"), (390, "dark"), (390, "light"))
"""Width and scheme, in an order in which one of them changes at a time: to paint a page anew takes longest."""
WAIT_FOR_THEME = """async scheme => {
    for (let frame = 0; frame < 20 && document.documentElement.dataset.theme !== scheme; frame++)
        await new Promise(requestAnimationFrame);
}"""


@pytest.fixture(scope="session")
def build():
    """The build folder of a finished book."""
    if "BNGD_BUILD" in os.environ:
        return Path(os.environ["BNGD_BUILD"]).resolve()
    if make("--question", "build/full/book/html/index.html").returncode == 0:
        return ROOT / "build" / "full"
    done = make("book", "PROFILE=quick")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return ROOT / "build" / "quick"


def make(*words):
    command = ["make", f"VENV={sys.prefix}", *words]
    return subprocess.run(
        command, cwd=ROOT, env=outside_make(), capture_output=True, text=True, timeout=2400, check=False
    )


@pytest.fixture(scope="session")
def html(build):
    return build / "book" / "html"


@pytest.fixture(scope="session")
def pages(html):
    return checks.read_pages(html)


@pytest.fixture(scope="session")
def ledger(build):
    return json.loads((build / "results" / "ledger.json").read_text())


def per_page(pages, check):
    """Page -> what a check finds wrong there, for the pages where it finds something."""
    return {name: wrong for name, page in pages.items() if (wrong := check(page))}


def test_every_page_of_the_table_of_contents_exists(html):
    assert [page for page in pages_of_toc(ROOT / "book" / "_toc.yml") if not (html / f"{page}.html").is_file()] == []


def test_internal_links_and_anchors_resolve(html, pages):
    assert checks.broken_links(html, pages) == []


def test_pages_load_nothing_from_outside(pages):
    assert per_page(pages, checks.outside_resources) == {}


def test_style_sheets_load_nothing_from_outside(html):
    assert {
        path.name: found for path in html.rglob("*.css") if (found := checks.outside_css(path.read_text("utf-8")))
    } == {}


def test_images_have_meaningful_alternative_text(pages):
    assert per_page(pages, checks.poor_alts) == {}


def test_all_mathematics_is_read_as_such(pages):
    assert per_page(pages, checks.unread_maths) == {}


def test_ids_are_unique_in_the_text_of_a_page(pages):
    assert per_page(pages, checks.repeated_ids) == {}


def test_every_fold_has_a_name(pages):
    assert per_page(pages, checks.nameless_summaries) == {}


def test_no_page_names_the_machine_that_made_it(html):
    assert [path.name for path in html.rglob("*.html") if str(ROOT) in path.read_text("utf-8")] == []


def test_no_notebook_printed_a_warning(pages):
    assert per_page(pages, lambda page: [block.get_text() for block in page.find_all(class_="stderr")]) == {}


def test_the_ledger_page_shows_every_claim_with_its_verdict(pages, ledger):
    assert len(ledger) > 0
    assert checks.missing_claims(pages["ledger.html"], ledger) == []


def test_the_summary_table_says_what_the_ledger_says(pages, ledger):
    verdicts = {cell: combine([c["verdict"] for c in ledger if c["table_cell"] == cell]) for cell in TABLE_CELLS}
    shown = checks.verdicts_of_table(pages["index.html"])
    assert shown == {cell.replace("/", "-"): verdict for cell, verdict in verdicts.items()}


def test_every_figure_says_how_to_regenerate_it(pages):
    notebooks = {name: page for name, page in pages.items() if name.startswith("notebooks/")}
    assert len(notebooks) > 0
    # A table says where its file is, and no more.
    sources = "p.figure-source:not(.figure-downloads)"
    counts = {name: (len(p.find_all("figure")), len(p.select(sources))) for name, p in notebooks.items()}
    assert {name: count for name, count in counts.items() if count[0] != count[1]} == {}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("kappa*", "symbols"),
        ("\N{GREEK SMALL LETTER KAPPA}*", "symbols"),
        ("eff", "symbols"),
        ("effective hessian", "symbols"),
        ("bngd.sweep", "api"),
        ("norm growth", "convergence"),
        ("csv", "symbols"),
    ],
)
def test_a_search_finds_the_right_page_first(html, asked, answer):
    index = json.loads((html / "searchindex.js").read_text("utf-8").removeprefix("Search.setIndex(").rstrip("; )\n"))
    # Main entries of the index score 100, more than any title or text can.
    assert [(index["docnames"][page], main) for page, _, main in index["indexentries"][asked]] == [(answer, True)]


def test_statements_say_what_tests_them_and_notebooks_what_they_test(pages, ledger):
    told = {a["href"].rpartition("#")[2] for page in pages.values() for a in page.select(".tested-by a[href*=claim-]")}
    assert {f"claim-{claim['id']}" for claim in ledger} <= told
    assert "Theorem 3.3" in pages["notebooks/convergence_rate.html"].select_one("h1 + .tested-by").get_text()


def test_terms_explain_themselves_and_code_leads_to_its_reference(pages):
    term = pages["learning_rate.html"].select_one("a.glossed[href^='symbols.html#term-']")
    assert len(term["title"]) > 20
    calls = {a["href"] for a in pages["notebooks/gradient_descent.html"].select("pre a.call")}
    assert "../api.html#api-gd_stability_limit" in calls


# --- each check can fail ---------------------------------------------------------------------------------------------


def test_a_missing_file_and_a_missing_anchor_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#here"></a><a href="b.html#gone"></a><img src="c.png">')
    (tmp_path / "b.html").write_text('<p id="here"></p><a href="https://example.org">out</a><a href="#lost">lost</a>')
    wrong = checks.broken_links(tmp_path, checks.read_pages(tmp_path))
    assert wrong == ["a.html: b.html#gone", "a.html: c.png", "b.html: #lost"]


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://example.org/x.js"></script>',
        '<img src="//example.org/x.png">',
        '<link rel="stylesheet" href="http://example.org/x.css">',
        '<img srcset="x.png 1x, https://example.org/y.png 2x">',
        "<style>@import 'https://example.org/x.css';</style>",
        '<p style="background: url(https://example.org/x.png)"></p>',
    ],
)
def test_a_resource_from_outside_is_found(text):
    assert len(checks.outside_resources(checks.parse(text))) == 1


def test_a_link_to_the_outside_is_no_resource():
    assert (
        checks.outside_resources(
            checks.parse('<a href="https://example.org">x</a><link rel="author" href="https://e.org">')
        )
        == []
    )


@pytest.mark.parametrize("alt", ["", 'alt=""', 'alt="../_images/1cd.svg"', 'alt="tent.png"', 'alt="tent"'])
def test_a_poor_alternative_text_is_found(alt):
    assert checks.poor_alts(checks.parse(f'<img src="x.svg" {alt}>')) == ["x.svg"]


def test_a_good_alternative_text_passes():
    assert checks.poor_alts(checks.parse('<img src="x.svg" alt="Loss against step size, 10/12 runs converge">')) == []


def test_a_repeated_id_is_found():
    assert checks.repeated_ids(checks.parse('<article><p id="a"></p><p id="a"></p></article><p id="b"></p>')) == ["a"]


def test_a_fold_without_a_name_is_found():
    page = '<summary><i></i></summary><summary>Show</summary><summary aria-label="Sections"><i></i></summary>'
    assert checks.nameless_summaries(checks.parse(page)) == ["<summary><i></i></summary>"]


def test_mathematics_that_was_left_as_text_is_found():
    page = "<article><p>of $ x and <code>$HOME</code></p><span class='math'>$y$</span></article>"
    assert checks.unread_maths(checks.parse(page)) == ["of $ x and"]


def test_a_claim_that_is_missing_or_misjudged_is_found():
    row = '<table><tr><td id="claim-a"></td><td class="verdict-holds"></td></tr></table>'
    ledger = [{"id": "a", "verdict": "holds"}, {"id": "b", "verdict": "holds"}]
    assert checks.missing_claims(checks.parse(row), ledger) == ["b"]
    assert checks.missing_claims(checks.parse(row), [{"id": "a", "verdict": "contradicted"}]) == ["a"]


# --- in a browser, from the file system, with the network off --------------------------------------------------------


def arrive(page, coming):
    """Wait until what the page has asked for is there: pictures of the dark theme may be on their way."""
    for _ in range(1000):
        if not coming:
            return
        page.wait_for_timeout(10)


def complaints(context, url, axe):
    """Everything that goes wrong while a page is opened and shown in every state, and the bytes that it loads."""
    page, wrong, loaded, coming = context.new_page(), [], {url}, set()
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: loaded.add(request.url.split("?")[0]))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    page.on("request", lambda request: coming.add(request))
    for over in ("requestfinished", "requestfailed"):
        page.on(over, lambda request: coming.discard(request))
    page.goto(url)
    page.evaluate("window.MathJax?.startup?.promise")
    wrong += page.evaluate(NOT_TYPESET)
    page.set_viewport_size({"width": STATES[0][0], "height": 900})
    wrong += page.evaluate(CUT_OFF)
    for state in STATES:
        looked_at = (url.endswith(AXE_PAGES) and state in AXE_STATES) or "BNGD_AXE_ALL" in os.environ
        wrong += barriers(page, *state, axe if looked_at else None)
        arrive(page, coming)
    page.close()
    wrong += [url for url in loaded if url.startswith(("http", "ws"))]
    files = [Path(unquote(urlsplit(url).path)) for url in loaded if url.startswith("file:")]
    return wrong, sum(path.stat().st_size for path in files if path.is_file())


NOT_TYPESET = """[...document.querySelectorAll('mjx-merror, .math.nohighlight')]
    .filter((part) => part.localName === 'mjx-merror' || !part.querySelector('mjx-container'))
    .map(({textContent}) => 'not typeset: ' + textContent)"""


CUT_OFF = """[...document.querySelectorAll('mjx-math')].flatMap((formula) => {
    let column = formula.parentElement;
    while (getComputedStyle(column).display === 'inline') column = column.parentElement;
    const over = formula.getBoundingClientRect().right - column.getBoundingClientRect().right;
    return over > 2 ? [`wider than its column by ${Math.round(over)}: ${column.textContent.slice(0, 40)}`] : []; })"""


AXE_RULES = """axe.run(document, {preload: false, resultTypes: ['violations']}).then(({violations}) =>
    violations.flatMap(({id, nodes}) => nodes.map(({target}) => id + ': ' + target.join(' '))))"""


@pytest.fixture(scope="session")
def axe():
    """axe-core's script: that of ``axe-playwright-python``, or the file that ``BNGD_AXE`` names."""
    packaged = Path(str(find_spec("axe_playwright_python").origin)).with_name("axe.min.js")
    return Path(os.environ.get("BNGD_AXE", packaged)).read_text("utf-8")


# axe takes seconds a look: at these pages it looks always, on a light desktop and a dark phone; at all pages in every
# state where BNGD_AXE_ALL is set.
AXE_PAGES = ("index.html", "notebooks/convergence.html", "notebooks/summary.html", "prf-prf.html", "bad.html")
AXE_STATES = STATES[::2]


def barriers(page, width, scheme, axe):
    """What is wrong with a page in one state: its colours, a page that scrolls sideways, and what axe finds."""
    page.set_viewport_size({"width": width, "height": 900})
    found = [] if shows_scheme(page, scheme) else [f"not in the {scheme} theme"]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("the page scrolls sideways")
    if axe:
        page.evaluate(axe)
        found += page.evaluate(AXE_RULES)
    return [f"{width} {scheme} {barrier}" for barrier in found]


def shows_scheme(page, scheme):
    """Whether a page takes the system's colour scheme, and its text stands out from its background in it."""
    page.emulate_media(color_scheme=scheme)
    # The page hears of a new scheme between two frames, and a broken page never does.
    page.evaluate(WAIT_FOR_THEME, scheme)
    # On the way from one scheme to the other a text may have its background's colour.
    page.evaluate(END_TRANSITIONS)
    colours = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    text, paper = (sum(int(part) for part in re.findall(r"\d+", colour)[:3]) for colour in colours)
    return abs(text - paper) > 300 and (paper > text) == (scheme == "light")


END_TRANSITIONS = """document.getAnimations().filter((one) => one instanceof CSSTransition)
    .forEach((one) => one.finish())"""


PARTS = 4
"""Of the pages: whoever runs the tests may share them out."""

HEAVIEST = {"index.html": 2_500_000}
HEAVIEST_OTHER = 4_000_000
"""Bytes that a page may load, with its scripts, fonts and pictures."""


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_opens_offline_without_complaint(browser, html, pages, axe, part):
    context = browser.new_context(offline=True, color_scheme="light")
    problems = {}
    for name in list(pages)[part::PARTS]:
        wrong, weight = complaints(context, (html / name).as_uri(), axe)
        heavy = weight > HEAVIEST.get(name, HEAVIEST_OTHER)
        if wrong or heavy:
            problems[name] = [*wrong, *([f"loads {weight} bytes"] if heavy else [])]
    context.close()
    assert problems == {}


QUESTIONS = {
    "eps_a = 1.5": "beyond.html",
    "why does dimension help?": "dimension.html",
    "which function computes kappa*?": "api.html",
    "when does gradient descent diverge?": "convergence.html",
    "why do the weights grow?": "convergence.html",
    "why is H* better conditioned than H?": "notebooks/effective_hessian.html",
    "does momentum change it?": "variants.html",
    "is there a proof that it converges?": "convergence.html",
    "my own csv": "notebooks/own_data.html",
    "edge of stability": "symbols.html",
}
FOUND = """() => [...document.querySelectorAll('#search-results ul.search li > a')].slice(0, 3)
    .map((link) => link.href.replace(/[?#].*/, ''))"""


def test_what_a_student_asks_is_answered_by_one_search(browser, html):
    context = browser.new_context(offline=True)
    page, missed = context.new_page(), {}
    for question, answer in QUESTIONS.items():
        page.goto(f"{(html / 'search.html').as_uri()}?q={quote(question)}")
        page.locator("#search-results ul.search li").first.wait_for()
        page.wait_for_function("document.querySelector('.search-summary')?.textContent.includes('found')")
        if (html / answer).as_uri() not in (found := page.evaluate(FOUND)):
            missed[question] = found
    context.close()
    assert missed == {}


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_a_page_loads_each_figure_in_the_scheme_that_it_shows(browser, html, scheme, other):
    context = browser.new_context(offline=True, color_scheme=scheme)
    page, asked_for = context.new_page(), set()
    page.on("request", lambda request: asked_for.add(request.url))
    page.goto((html / "convergence.html").as_uri())
    page.evaluate("window.MathJax.startup.promise")
    sources = "images => [...document.querySelectorAll(images)].map(({src}) => src)"
    shown, hidden = (set(page.evaluate(sources, f"figure img.only-{theme}")) for theme in (scheme, other))
    always = set(page.evaluate(sources, "img:not([class*=only-])"))
    context.close()
    assert asked_for & shown - always
    assert not asked_for & hidden - always


@pytest.mark.skipif("BNGD_SPEED" not in os.environ, reason="a time says something on a quiet machine only")
def test_the_first_page_can_be_touched_within_two_seconds(browser, html):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((html / "index.html").as_uri())
    page.locator(".explorer input").first.wait_for()
    page.evaluate("window.MathJax.startup.promise")
    assert page.evaluate("performance.now()") < 2000
    context.close()


def test_a_page_with_errors_is_complained_of(browser, tmp_path, axe):
    bad = tmp_path / "bad.html"
    bad.write_text(
        '<script>throw new Error("broken")</script><img src="https://example.org/x.png"><mjx-merror>bad</mjx-merror>'
        '<span class="math nohighlight">raw</span><button></button><p style="width: 2000px">wide</p>'
    )
    context = browser.new_context(offline=True)
    wrong, weight = complaints(context, bad.as_uri(), axe)
    context.close()
    assert weight == bad.stat().st_size
    for word in (
        "broken",
        "https://example.org/x.png",
        "not typeset: bad",
        "not typeset: raw",
        "dark theme",
        "button-name",
        "390 light the page scrolls sideways",
    ):
        assert any(word in complaint for complaint in wrong)
