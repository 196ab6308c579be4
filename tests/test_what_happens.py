"""The book's page "What happens when": its tables are whole, and every row is one that a test executes."""

import re
from pathlib import Path

import pytest
import what_happens
from what_happens import FOLDER, code, happens, rows

TABLES = sorted(path.stem for path in FOLDER.glob("*.csv"))
SOURCES = "".join(path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*.py")))
PAGE = (FOLDER.parent / "what_happens.md").read_text("utf-8")


def test_the_page_shows_every_table_once():
    assert sorted(re.findall(r":file: what_happens/(\w+)\.csv", PAGE)) == TABLES


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_executed_by_a_test_and_says_something(table):
    for given, got in rows(table).items():
        what = given.split(": `")[0] if ": `" in given else given.split("`, `")[0].strip("`")
        assert what in SOURCES, f"no test executes the row {given!r}: remove it"
        assert got
        assert "Traceback" not in got


def test_a_row_that_says_something_else_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(what_happens, "FOLDER", tmp_path)
    monkeypatch.setenv("BNGD_RENEW", "1")
    happens("files", "a line", "refused", said="what is wrong")
    assert rows("files") == {"a line": "refused: `what is wrong`"}
    monkeypatch.delenv("BNGD_RENEW")
    happens("files", "a line", "refused", said="what is wrong")
    for what, said in (("a line", "what is right"), ("another line", "what is wrong"), ("a line", "one\ntwo"),
                       ("a line", "Traceback (most recent call last):")):  # fmt: skip
        with pytest.raises(AssertionError):
            happens("files", what, "refused", said=said)
    with pytest.raises(AssertionError, match="nothing was said"):
        happens("files", "a line", "")


def test_code_shows_every_text_as_it_is():
    assert code("a`b``\n\x1b") == "```a`b``⏎␛```"
    assert code("`$x$`") == "`` `$x$` ``"
    assert code("") == ""
