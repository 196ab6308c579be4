"""The extension, each part on a page of its own: what it shows, and that it refuses what is not there."""

import io
import json
import warnings

import pytest
from book_checks import missing_claims, parse, repeated_ids, verdicts_of_table
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from bngd.companion.shown import brief, typeset
from bngd.paper import TABLE_CELLS

CONF = {
    "extensions": ["myst_parser", "sphinx_proof", "bngd.companion.sphinx_ext"],
    "myst_enable_extensions": ["dollarmath"],
    "nitpicky": True,
    "html_theme": "basic",
}
RAISED_MINUS_FIVE = "\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}10⁻⁵"
TREE = "```{toctree}\nnotebooks/rate\n```\n"


def claim(**changes):
    base = {"id": "best-rate", "section": 8, "table_cell": "rate/gd", "statement": "The factor is $\\rho < 1$.",
            "predicted": 0.5, "measured": 0.501, "rule": "relative difference at most 0.01", "verdict": "holds",
            "expected": "holds", "notebook": "rate"}  # fmt: skip
    return base | changes


@pytest.fixture
def site(tmp_path):
    """A function that builds one page and returns it with Sphinx's exit status and warnings."""
    source = tmp_path / "book" / "source"
    for folder in (source / "notebooks", tmp_path / "results", tmp_path / "provenance"):
        folder.mkdir(parents=True)
    (source / "notebooks" / "rate.md").write_text("# Rate\n")
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
        claim(id="contraction", section=6, verdict="contradicted"),
        claim(id="other", verdict="undecided"),
    ]
    page, status, told = site("```{ledger}\n```", ledger)
    assert status == 0, told
    titles = [heading.get_text().removesuffix("¶").removesuffix("#") for heading in page.find_all("h2")]
    assert titles == ["Norm growth and the effective step size", "Asymptotic rate"]
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
