"""The reader's own table: every kind of file in `own_tables`, paths, hostile names, and what is never silent."""

import re
from html import unescape

import numpy as np
import pytest
from own_tables import CASES, HOSTILE, NUMBERS, TABLE, workbook
from what_happens import code, happens

from bngd import Problem
from bngd.studies.own_data import reading, study
from bngd.studies.own_data.source import DataFileError
from bngd.text import plain


def write(folder, case):
    path = folder / f"table.{case.suffix}"
    path.write_bytes(case.data)
    return str(path)


@pytest.mark.parametrize("case", [c for c in CASES if c.rows is not None], ids=lambda case: case.what)
def test_a_table_that_is_read_means_these_numbers_and_says_what_was_assumed(tmp_path, case):
    table = reading.read(write(tmp_path, case), case.target, **case.options)
    np.testing.assert_array_equal(np.column_stack([table.X, table.y]), np.array(case.rows, dtype=float))
    said = " ".join([*table.notes, *table.facts["remark"], *table.facts["kind"]])
    assert [word for word in case.words if word not in said] == []
    remarks = [f"{fact.column}, {fact.role}: {fact.remark}." for fact in table.facts.itertuples() if fact.remark]
    happens(case.kind, case.what, meaning(case.rows), given=case.given, said=" ".join([*table.notes, *remarks]))


def meaning(rows):
    """The numbers that a file means, where they are not those of nearly every case."""
    shown = code("\n".join(",".join(f"{value:.10g}" for value in row) for row in rows))
    return "read" if rows == NUMBERS or len(rows) > 3 else f"read as {shown}"


@pytest.mark.parametrize("case", [c for c in CASES if c.rows is None], ids=lambda case: case.what)
def test_a_table_that_is_refused_says_where_what_and_the_way_out(tmp_path, case):
    path = write(tmp_path, case)
    with pytest.raises(DataFileError) as caught:
        reading.read(path, case.target, **case.options)
    message = str(caught.value)
    assert [word for word in case.words if word not in message.replace(path, "")] == []
    assert "\n" not in message
    assert ";" in message, "the rule and the way out stand behind semicolons"
    happens(case.kind, case.what, "refused", given=case.given, said=message.replace(path, f"table.{case.suffix}"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("http://example.org/data.csv", ("'http://example.org/data.csv'", "download")),
        ("none.csv", ("'none.csv'", "no file")),
        ("~", ("'~'", "folder")),
        ("", ("''", "folder")),
        ("/dev/null", ("'/dev/null'", "neither")),
        ("a\0b", ("no file",)),
    ],
)
def test_a_path_that_is_no_file_gets_words_of_its_own(tmp_path, monkeypatch, given, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises((DataFileError, FileNotFoundError)) as caught:
        reading.read(given, "y")
    assert [word for word in words if word not in str(caught.value)] == []
    happens("paths", "a path", "refused", given=ascii(given), said=str(caught.value).replace(str(tmp_path), "folder"))


def test_a_folder_is_told_from_a_file_and_its_tables_are_named(tmp_path):
    (tmp_path / "in.csv").touch()
    with pytest.raises(DataFileError, match=r"is a folder.*in\.csv") as caught:
        reading.read(str(tmp_path), "y")
    happens("paths", "a folder", "refused", said=str(caught.value).replace(str(tmp_path), "folder"))


def test_a_file_larger_than_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(2 * 2**30)
    monkeypatch.setattr("bngd.memory.available_memory", lambda: 4 * 2**30)
    with pytest.raises(ValueError, match=r"2,147,483,648 bytes.*needs 10 GiB, but 4 GiB are free; cut it") as caught:
        reading.read(str(path), "y")
    happens("paths", "a file of 2 GiB", "refused unread", said=str(caught.value).replace(str(path), "large.csv"))


TAGS = {"table", "thead", "tbody", "tr", "th", "td", "p", "strong", "caption"}


def does_nothing(html, prose):
    """Whether a page with this HTML, rendered from this prose among other things, shows no more than text."""
    return (
        set(re.findall(r"<\s*/?\s*([a-zA-Z!]+)", html)) <= TAGS
        and not re.search(r"[$\\\x1b\u202e]", html)  # what TeX, a terminal or the page's direction would follow
        and not re.search(r"www\.|https?:", prose)  # what becomes a link by itself
    )


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("where", ["feature", "target", "constant", "left out"])
def test_a_hostile_name_does_nothing_on_the_page(tmp_path, name, where):
    from markdown_it import MarkdownIt

    quoted = '"' + name.replace('"', '""') + '"'
    names = {"feature": f"{quoted},b,c,y", "constant": f"a,b,{quoted},y", "left out": f"a,{quoted},c,y"}
    path = tmp_path / "table.csv"
    path.write_text(names.get(where, f"a,b,c,{quoted}") + "\n1,2,9,3\n4,6,9,7\n3,3,9,1\n")
    target = name if where == "target" else "y"
    table = reading.read(str(path), target, leave_out=[name] if where == "left out" else [])
    problem = Problem.from_data(table.X, table.y, names=table.names)
    html = table.report(problem.preparation).to_html(index=False) + problem._repr_html_()
    text = study.about(table, problem)
    html += MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    assert does_nothing(html, text)
    # What begins a formula stands in no cell that a spreadsheet opens.
    assert not table.report(problem.preparation)["column"].str.match(r"[=+@-]").any()
    happens("hostile", "a column's name", "shown as", given=ascii(name)[1:-1][:60], said=plain(name))


SHEETS = [name for name in HOSTILE if len(name) <= 31 and not re.search(r"[][:*?/\\\x1b\n]", name)]
"""Those that Excel takes for the name of a sheet."""


@pytest.mark.parametrize("name", SHEETS)
def test_a_hostile_name_of_a_sheet_or_a_file_does_nothing_on_the_page(tmp_path, name):
    from markdown_it import MarkdownIt

    path = tmp_path / f"{name}.xlsx"
    path.write_bytes(workbook([["x"]], [*TABLE, [3, 3, 1]], names=["other", name]))
    table = reading.read(str(path), "y", sheet=name)
    text = study.about(table, Problem.from_data(table.X, table.y, names=table.names))
    assert plain(repr(name)) in unescape(text)
    assert does_nothing(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text), text)
    with pytest.raises(DataFileError) as caught:
        reading.read(str(path), "y")
    assert len(str(caught.value).splitlines()) == 1
    happens("hostile", "a sheet's and the file's name", "shown as", given=ascii(name)[1:-1], said=plain(repr(name)))


def test_a_copy_of_the_target_and_a_perfect_fit_are_remarked(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,y\n1,2,10\n4,5,40\n3,3,30\n9,1,90\n")
    table = reading.read(str(path), "y")
    problem = Problem.from_data(table.X, table.y, names=table.names)
    report = table.report(problem.preparation).set_index("column")
    assert "the target in other units" in report.loc["a", "remark"]
    said = unescape(study.about(table, problem).partition("**")[2].replace("**", ""))
    assert "perfect fit" in said
    happens("fits", "a copy of the target", "remarked: the column", said=report.loc["a", "remark"])
    happens("fits", "a perfect fit", "remarked", said=said)


def test_more_features_than_samples_are_remarked(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,y\n1,2,5,3\n4,5,1,7\n3,3,9,1\n")
    table = reading.read(str(path), "y")
    said = study.about(table, Problem.from_data(table.X, table.y)).partition("**")[2].replace("**", "")
    assert "as many directions as samples" in said
    happens("fits", "more features than samples", "remarked", said=said)


def test_what_preparing_leaves_out_is_in_the_table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,same,y\n1,2,5,3\n4,8,5,7\n3,6,5,1\n2,4,5,9\n")
    table = reading.read(str(path), "y")
    report = table.report(Problem.from_data(table.X, table.y, names=table.names).preparation).set_index("column")
    assert report.loc["same", ["role", "remark"]].tolist() == ["left out", "constant"]
    happens("fits", "a constant column", "left out, and said", said=report.loc["same", "remark"])
    [determined] = [remark for remark in report["remark"] if "determine it" in remark]
    happens("fits", "a column that others determine", "remarked", said=determined)
