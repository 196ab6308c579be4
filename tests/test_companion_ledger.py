import json
import os

import pytest

from bngd.companion import ledger, load_ledger
from bngd.companion.__main__ import main
from bngd.companion.errors import LedgerError
from bngd.paper import REQUIRED_CHAPTERS, TABLE_CELLS


def an_entry(id="c", about="convergence", **changed):
    return {
        "id": id, "about": about, "table_cell": None, "statement": "S.", "predicted": 1, "measured": 2, "rule": "r",
        "verdict": "holds", "expected": "holds", "notebook": "demo", **changed,
    }  # fmt: skip


def a_complete_ledger():
    cells = [an_entry(f"cell-{k}", table_cell=cell) for k, cell in enumerate(TABLE_CELLS)]
    return cells + [an_entry(f"chapter-{page}", page) for page in REQUIRED_CHAPTERS]


def record(project, name, *entries):
    project.notebook(name)
    project.layout.results.mkdir(parents=True, exist_ok=True)
    project.layout.record(name).write_text(json.dumps({"claims": entries}))


def test_collect_sorts_and_leaves_out_the_summary_and_the_deleted(project):
    record(project, "one", an_entry("b", "thm-rate"), an_entry("z", "thm-gd"))
    record(project, "two", an_entry("a", "thm-rate"))
    record(project, "summary", an_entry("s"))
    record(project, "gone", an_entry("g"))
    project.layout.source("gone").unlink()
    ledger.collect(project.layout)
    assert [entry["id"] for entry in load_ledger(project.layout.ledger)] == ["z", "a", "b"]


def test_collect_refuses_repeated_ids(project):
    record(project, "one", an_entry("a"))
    record(project, "two", an_entry("a"))
    with pytest.raises(LedgerError, match="claim ids must differ over all notebooks; these do not: a"):
        ledger.collect(project.layout)
    assert not project.layout.ledger.exists()


def test_collect_names_the_notebook_without_results(project):
    project.notebook("demo")
    with pytest.raises(LedgerError, match="notebook 'demo' has no results"):
        ledger.collect(project.layout)


def test_collect_refuses_an_incomplete_entry(project):
    entry = an_entry()
    del entry["verdict"]
    record(project, "demo", entry)
    with pytest.raises(LedgerError, match="a claim of 'demo' has the fields"):
        ledger.collect(project.layout)


def test_an_unchanged_ledger_keeps_its_time(project):
    record(project, "demo", an_entry())
    ledger.collect(project.layout)
    before = project.layout.ledger.stat().st_mtime_ns
    ledger.collect(project.layout)
    assert project.layout.ledger.stat().st_mtime_ns == before


def test_nothing_is_wrong_with_a_complete_ledger():
    assert ledger.problems(a_complete_ledger()) == []


@pytest.mark.parametrize(
    ("verdict", "expected", "wrong"),
    [
        ("contradicted", "holds", 1),
        ("undecided", "holds", 1),
        ("holds", "contradicted", 1),
        ("contradicted", "contradicted", 0),
    ],
)
def test_a_verdict_must_be_the_one_on_record(verdict, expected, wrong):
    entries = [*a_complete_ledger(), an_entry("x", verdict=verdict, expected=expected)]
    assert len(ledger.problems(entries)) == wrong


@pytest.mark.parametrize("cell", TABLE_CELLS)
def test_each_cell_of_the_table_needs_a_claim(cell):
    entries = [entry for entry in a_complete_ledger() if entry["table_cell"] != cell]
    assert ledger.problems(entries) == [f"no claim supports the cell {cell!r} of the summary table"]


@pytest.mark.parametrize("page", [page for page in REQUIRED_CHAPTERS if page != "convergence"])
def test_each_chapter_needs_a_claim(page):
    entries = [entry for entry in a_complete_ledger() if entry["about"] != page]
    assert ledger.problems(entries) == [f"no claim illustrates the chapter {page!r}"]


def test_verify_fails_with_a_report(project, monkeypatch, capsys):
    record(project, "demo", *a_complete_ledger(), an_entry("x", verdict="contradicted"))
    ledger.collect(project.layout)
    monkeypatch.chdir(project.root)
    assert main(["verify"]) == 1
    said = capsys.readouterr().out
    assert "19 claims: 1 contradicted, 18 holds" in said
    assert "FAILED: claim 'x' of notebook 'demo' is contradicted, on record as holds: S." in said


def test_verify_passes_and_tells_findings_on_record(project, monkeypatch, capsys):
    record(project, "demo", *a_complete_ledger(), an_entry("x", verdict="contradicted", expected="contradicted"))
    ledger.collect(project.layout)
    monkeypatch.chdir(project.root)
    assert main(["verify"]) == 0
    assert "findings against the theory, on record: x" in capsys.readouterr().out


def test_the_ledger_is_found_by_the_environment_or_from_a_folder_below(project, monkeypatch):
    record(project, "demo", an_entry("a"))
    ledger.collect(project.layout)
    monkeypatch.delenv("BNGD_LEDGER", raising=False)
    monkeypatch.chdir(project.root / "notebooks")
    assert [entry["id"] for entry in load_ledger()] == ["a"]
    monkeypatch.setenv("BNGD_LEDGER", str(project.root / "nowhere.json"))
    with pytest.raises(LedgerError, match=r"there is no ledger .*nowhere\.json"):
        load_ledger()


def test_the_newest_ledger_is_taken(tmp_path, monkeypatch):
    for age, profile in enumerate(("full", "quick")):
        path = tmp_path / f"build/{profile}/results/ledger.json"
        path.parent.mkdir(parents=True)
        path.write_text(f'["{profile}"]')
        os.utime(path, (1000 - age, 1000 - age))
    monkeypatch.delenv("BNGD_LEDGER", raising=False)
    monkeypatch.chdir(tmp_path)
    assert load_ledger() == ["full"]
