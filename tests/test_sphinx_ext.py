"""The extension, each part on a page of its own: what it shows, and that it refuses what is not there."""

import io
import json
import warnings

import pytest
from book_checks import missing_claims, parse, repeated_ids, verdicts_of_table
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from bngd.claims import at_least, at_most, between, close, equals
from bngd.companion.shown import brief, claim_cells, typeset
from bngd.paper import TABLE_CELLS

CONF = {
    "extensions": ["myst_parser", "sphinx_proof", "bngd.companion.sphinx_ext", "bngd.companion.status"],
    "myst_enable_extensions": ["dollarmath"],
    "nitpicky": True,
    "html_theme": "basic",
}
RAISED_MINUS_FIVE = "\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}10⁻⁵"
TREE = "```{toctree}\nnotebooks/rate\nrate\nconvergence\n```\n"


def claim(**changes):
    base = {"id": "best-rate", "about": "rate", "table_cell": "rate/gd", "statement": "The factor is $\\rho < 1$.",
            "predicted": 0.5, "measured": 0.501, "rule": "predicted to within 1%", "verdict": "holds",
            "expected": "holds", "notebook": "rate"}  # fmt: skip
    return base | changes


@pytest.fixture
def site(tmp_path):
    """A function that builds one page and returns it with Sphinx's exit status and warnings."""
    source = tmp_path / "book" / "source"
    for folder in (source / "notebooks", tmp_path / "results", tmp_path / "provenance"):
        folder.mkdir(parents=True)
    (source / "notebooks" / "rate.md").write_text("# Rate\n")
    for chapter in ("rate", "convergence"):
        (source / f"{chapter}.md").write_text("# A chapter\n")
    values = {"slope": 1.2345e-5, "count": 12, "nothing": None, "of": {"iris": 43.03}}
    (tmp_path / "results" / "rate.json").write_text(json.dumps({"values": values, "claims": []}))

    def make(text, ledger=None, provenance=None):
        (source / "index.md").write_text(f"# Page\n\n{text}\n\n{TREE}")
        if ledger is not None:
            (tmp_path / "results" / "ledger.json").write_text(json.dumps(ledger))
        if provenance is not None:
            (tmp_path / "provenance" / "rate.json").write_text(json.dumps(provenance))
        return run_sphinx(source)

    return make


def run_sphinx(source):
    html, told = source.parent / "html", io.StringIO()
    # What Sphinx and its extensions do that Python deprecates is not ours to mend.
    with warnings.catch_warnings(), patch_docutils(), docutils_namespace():
        warnings.simplefilter("ignore")
        app = Sphinx(
            source, None, html, source.parent / "doctrees", "html", confoverrides=CONF,
            status=None, warning=told, warningiserror=True, keep_going=True,
        )  # fmt: skip
        app.build()
    return parse((html / "index.html").read_text("utf-8")), app.statuscode, told.getvalue()


def test_a_value_is_typeset_in_prose(site):
    page, status, told = site(
        "The slope is {value}`rate:slope:.2e`, from {value}`rate:count` runs; {value}`rate:of.iris:.0f`."
    )
    assert status == 0, told
    assert f"The slope is 1.23{RAISED_MINUS_FIVE}, from 12 runs; 43." in page.get_text()


@pytest.mark.parametrize(
    ("role", "complaint"),
    [
        ("rate:of.wine", "hold no value 'of.wine'; there are: iris"),
        ("rate:slope.iris", "hold no value 'slope.iris'; there are: a single value"),
        ("rate:slop", "hold no value 'slop'; there are: count, nothing, of, slope"),
        ("rats:slope", "results/rats.json does not exist"),
        ("rate:nothing:.2e", "cannot be written as '.2e'"),
        ("rate:slope:zz", "cannot be written as 'zz'"),
    ],
)
def test_a_value_that_is_not_there_is_an_error(site, role, complaint):
    _, status, told = site(f"It is {{value}}`{role}`.")
    assert status != 0
    assert complaint in told


def test_a_page_follows_the_results_that_it_reads(site, tmp_path):
    site("{value}`rate:count` runs")
    (tmp_path / "results" / "rate.json").write_text(json.dumps({"values": {"count": 13}}))
    page, status, told = run_sphinx(tmp_path / "book" / "source")
    assert status == 0, told
    assert "13 runs" in page.get_text()


def test_a_claim_in_prose_links_to_its_row_and_one_that_is_not_there_is_an_error(site, monkeypatch):
    monkeypatch.setitem(CONF, "extensions", [*CONF["extensions"], "bngd.companion.evidence"])
    page, status, told = site("Tested by {claim}`best-rate`.", [claim()])
    assert status == 0, told
    assert page.find("a", href="ledger.html#claim-best-rate").get_text() == "3.1"
    _, status, told = site("Tested by {claim}`best-rates`.", [claim()])
    assert status != 0
    assert "the ledger holds no claim 'best-rates'" in told


@pytest.mark.parametrize(
    "value", [0.5, -3, [1.0, 2.5e-9], "converged", None, True, {"a": 1.0, "b": [2, None]}, "inf", [], [["x"], 1]]
)
def test_the_ledger_shows_every_kind_of_value(site, value):
    ledger = [claim(predicted=value, measured=value)]
    page, status, told = site("```{ledger}\n```", ledger)
    assert status == 0, told
    assert missing_claims(page, ledger) == []


def test_the_ledger_groups_claims_and_typesets_statements(site):
    ledger = [
        claim(),
        claim(id="contraction", about="convergence", verdict="contradicted"),
        claim(id="other", verdict="undecided"),
    ]
    page, status, told = site("```{ledger}\n```", ledger)
    assert status == 0, told
    titles = [heading.get_text().removesuffix("¶").removesuffix("#") for heading in page.find_all("h2")]
    assert titles == ["Chapter 2: Convergence", "Chapter 3: Rate of convergence"]
    assert page.find(id="claim-best-rate").find(class_="math") is not None
    assert "on record: holds" in page.find(id="claim-contraction").find_parent("tr").get_text()
    assert repeated_ids(page) == []


def test_a_missing_ledger_is_an_error(site):
    _, status, told = site("```{ledger}\n```")
    assert status != 0
    assert "results/ledger.json does not exist; execute the notebooks first" in told


def test_a_claim_of_a_notebook_without_a_page_is_an_error(site):
    _, status, told = site("```{ledger}\n```", [claim(notebook="gone")])
    assert status != 0
    assert "notebooks/gone" in told


def test_the_summary_table_takes_the_worst_verdict_of_a_cell(site):
    ledger = [claim(), claim(id="b", verdict="contradicted"), claim(id="c", table_cell="dimension/bngd")]
    page, status, told = site("```{summary-table}\n```", ledger)
    assert status == 0, told
    expected = dict.fromkeys(TABLE_CELLS, "undecided") | {"rate/gd": "contradicted", "dimension/bngd": "holds"}
    assert verdicts_of_table(page) == {cell.replace("/", "-"): verdict for cell, verdict in expected.items()}
    assert page.find(id="cell-rate-gd").find("a")["href"] == "notebooks/rate.html"


def test_the_status_page_tells_parameters_versions_and_time(site):
    run = {
        "profile": "quick",
        "command": "make rate PROFILE=quick",
        "parameters": {"dimension": 10, "names": ["a", "b"]},
        "seconds": 3.25,
        "bngd": "0.1.0",
        "python": "3.11",
        "platform": "Linux",
        "cores": 2,
        "commit": "0123456789abcdef",
        "modified": True,
        "packages": {"numpy": "2.4.6"},
    }
    page, status, told = site("```{run-status}\n```", provenance=run)
    assert status == 0, told
    text = page.get_text()
    for told in (
        "Profile quick",
        "make rate PROFILE=quick",
        "dimension = 10",
        "a, b",
        "2.4.6",
        "0123456789ab with local changes",
    ):
        assert told in text


def test_statements_and_proofs_have_ids_of_their_own(site):
    statement = "```{prf:lemma}\n:label: lem-%s\nText.\n```\n\n```{prf:proof}\nBecause.\n```\n\n"
    page, status, told = site(statement % "a" + statement % "b")
    assert status == 0, told
    assert repeated_ids(page) == []
    assert page.find(class_="argument").find("em").get_text() == "Proof."


@pytest.mark.parametrize(
    ("text", "typeset_text"),
    [
        ("12", "12"),
        ("-0.5", "\N{MINUS SIGN}0.5"),
        ("1.2e-05", f"1.2{RAISED_MINUS_FIVE}"),
        ("-3e-05", f"\N{MINUS SIGN}3{RAISED_MINUS_FIVE}"),
        ("a-b", "a-b"),
        ("nan", "nan"),
    ],
)
def test_numbers_are_typeset(text, typeset_text):
    assert typeset(text) == typeset_text


def test_small_numbers_stay_legible():
    assert brief([1.5e-9, True]) == "1.5\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}10⁻⁹, yes"


@pytest.mark.parametrize(
    ("what", "predicted", "measured", "rule", "cells"),
    [
        ("ratio $f(x)$", 1.0, 1 + 7e-13, at_most(1e-9), ("1 + 7 x 10⁻¹³", "at most 1, to 1 x 10⁻⁹")),
        ("share of runs", 1.0, 0.99971, at_least(0.005), ("99.97%", "at least 100%, to 0.5%")),
        ("runs that did", 0, 0, equals(), ("0", "exactly 0")),
        ("ratio", 0.0, 8.0682, between(0.0, 30.0), ("8.07", "at most 30")),
        ("decades", 1.0, [1.0, 1.00123456], close(0.02), ("1, 1.001", "1 to within 2%")),
        ("lead", 1.5, [4.0, 2.0, 3.0, 3.0, 3.0], at_least(), ("each of 5, from 2 to 4", "at least 1.5")),
    ],
)  # fmt: skip
def test_a_claim_reads_as_a_sentence_then_its_number(what, predicted, measured, rule, cells):
    told = claim_cells(claim(statement=f"So it is ({what}).", predicted=predicted, measured=measured, rule=rule.text))
    plain = [cell.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MULTIPLICATION SIGN}", "x") for cell in told]
    assert plain[:3] == ["So it is.", f"{what}: {cells[0]}", cells[1]]


def test_a_claim_without_a_word_on_its_number_stands_whole():
    assert claim_cells(claim(statement="Its value is $f(x)$."))[:2] == ("Its value is $f(x)$.", "0.501")
