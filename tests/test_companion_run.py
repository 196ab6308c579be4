import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bngd.claims import close
from bngd.companion import Run
from bngd.companion.drawn import table_of
from bngd.companion.errors import CompanionError
from bngd.companion.shown import claims_table
from bngd.files import json_text, plain, write_text, write_text_if_changed
from bngd.studies.shared import style


def a_figure():
    fig, ax = plt.subplots(layout="constrained")
    ax.plot(np.linspace(0, 1, 5), label="$x$")
    ax.legend()
    return fig


def a_claim(**changed):
    return {
        "id": "limit", "about": "thm-gd", "statement": "the limit is $|2|$", "predicted": 2.0, "measured": 2.001,
        "rule": close(rtol=1e-2), **changed,
    }  # fmt: skip


def results(output, notebook="demo"):
    return json.loads((output / "results" / f"{notebook}.json").read_text())


def test_a_figure_is_saved_in_three_formats_for_a_phone_and_as_data_and_closed(output):
    before = plt.get_fignums()
    Run("demo").figure(a_figure(), "a-line", caption="A line $x$", alt="a line")
    names = sorted(path.name for path in (output / "figures").iterdir())
    assert names == [
        "demo-a-line.csv",
        "demo-a-line.narrow.svg",
        "demo-a-line.pdf",
        "demo-a-line.png",
        "demo-a-line.svg",
    ]
    assert plt.get_fignums() == before


@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "csv", "narrow.svg"])
def test_the_same_figure_has_the_same_bytes(output, kind):
    for name in ("one", "two"):
        Run(name).figure(a_figure(), "x", caption="c", alt="a")
    one, two = ((output / "figures" / f"{name}-x.{kind}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"CreationDate" not in one
    assert b"dc:date" not in one


def test_a_formula_is_read_once_however_often_it_is_drawn(output):
    from matplotlib.mathtext import MathTextParser

    Run("one").figure(a_figure(), "x", caption="c", alt="a")
    read = MathTextParser._parse_cached.cache_info()
    Run("two").figure(a_figure(), "x", caption="c", alt="a")
    again = MathTextParser._parse_cached.cache_info()
    assert again.hits > read.hits
    assert again.misses == read.misses


def test_the_data_of_a_figure_is_what_it_draws():
    fig, (left, right) = style.figure(columns=2)
    left.plot([1, 2], [3, 1 / 3], label="loss")
    left.axvline(9.0)
    right.scatter([4], [5])
    right.plot([6, 7], [np.nan, 8])
    rows = table_of(fig).splitlines()
    assert rows == [
        "panel,series,x,y", "1,loss,1,3", "1,loss,2,0.3333333333",
        "2,series 1,6,nan", "2,series 1,7,8", "2,series 2,4,5",
    ]  # fmt: skip
    assert table_of(style.figure()[0]) == ""


def test_a_table_keeps_full_precision_and_its_index(output):
    frame = pd.DataFrame({"x": [1 / 3, np.nan]}, index=pd.Index([2, 3], name="d"))
    Run("demo").table(frame, "rates", caption="Rates")
    assert (output / "results" / "demo-rates.csv").read_text() == "d,x\n2,0.3333333333333333\n3,\n"


@pytest.fixture
def shown(monkeypatch):
    """What a run shows: pairs of content by kind, and metadata."""
    taken = []
    monkeypatch.setattr("bngd.companion.run._show", lambda bundle, metadata=None: taken.append((bundle, metadata)))
    return taken


@pytest.mark.parametrize(("largest", "kind"), [(10**6, "image/svg+xml"), (10, "image/png")])
def test_a_figure_is_shown_as_a_drawing_or_as_a_picture_where_that_is_lighter(
    output, shown, monkeypatch, largest, kind
):
    monkeypatch.setattr("bngd.companion.run.LARGEST_INLINE_SVG", largest)
    Run("demo").figure(a_figure(), "line", caption="c", alt="a line")
    bundle, metadata = shown[0]
    assert bundle.keys() == {kind, "text/plain"}
    assert metadata["bngd"]["files"] == "svg png pdf csv"


@pytest.mark.parametrize(("rows", "said"), [(30, "All"), (31, "All The first 10 of 31 rows; all are in `demo-x.csv`.")])
def test_a_long_table_shows_its_beginning_and_says_where_the_rest_is(output, shown, rows, said):
    Run("demo").table(pd.DataFrame({"x": range(rows)}), "x", caption="All")
    (text, _), (table, _) = shown
    assert text["text/markdown"] == said
    assert table["text/html"].count("<tr") == 1 + (30 if rows == 30 else 10)
    assert 'border="1"' not in table["text/html"]


@pytest.mark.parametrize(("live", "by_runner"), [(True, False), (True, True), (False, False), (False, True)])
def test_a_name_is_taken_twice_only_where_a_reader_runs_a_cell_again(tmp_path, monkeypatch, live, by_runner):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BNGD_OUTPUT", raising=False)
    if by_runner:
        monkeypatch.setenv("BNGD_OUTPUT", str(tmp_path))
    run = Run("demo")
    monkeypatch.setattr("bngd.companion.run._shell", lambda: object() if live else None)
    run.record(x=1)
    if live and not by_runner:
        run.record(x=2)
        return
    with pytest.raises(CompanionError, match="has a value 'x' already"):
        run.record(x=2)


def test_a_table_without_a_named_index_has_none_in_its_file(output):
    Run("demo").table(pd.DataFrame({"x": [1]}, index=[7]), "rates", caption="Rates")
    assert (output / "results" / "demo-rates.csv").read_text() == "x\n1\n"


def test_of_a_long_table_the_head_is_shown_and_all_is_written(output, capsys):
    Run("demo").table(pd.DataFrame({"x": range(100, 131)}), "long", caption="Many.")
    said = capsys.readouterr().out
    assert "109" in said
    assert "110" not in said
    assert "The first 10 of 31 rows; all are in `demo-long.csv`" in said
    assert len((output / "results" / "demo-long.csv").read_text().splitlines()) == 32


def test_finish_writes_values_claims_figures_and_tables(output):
    run = Run("demo")
    run.record(count=np.int64(3), lost=np.nan, grid=np.arange(2) / 2)
    run.figure(a_figure(), "a-line", caption="A  line\n$x$", alt="a line")
    run.claim(**a_claim())
    run.finish()
    written = results(output)
    assert written["values"] == {"count": 3, "lost": None, "grid": [0.0, 0.5]}
    assert written["figures"] == [{"name": "a-line", "caption": "A line $x$", "alt": "a line"}]
    [claim] = written["claims"]
    assert (claim["verdict"], claim["notebook"], claim["rule"]) == (
        "holds",
        "demo",
        "predicted to within 1%",
    )


def test_a_measured_nan_is_undecided_and_null(output):
    run = Run("demo")
    run.claim(**a_claim(measured=np.nan))
    run.finish()
    [claim] = results(output)["claims"]
    assert (claim["verdict"], claim["measured"]) == ("undecided", None)


def test_an_infinite_prediction_stays_legible(output):
    run = Run("demo")
    run.claim(**a_claim(predicted=np.inf))
    run.finish()
    assert results(output)["claims"][0]["predicted"] == "inf"


@pytest.mark.parametrize("name", ["Demo", "two-words", "", "a.b", "../x"])
def test_a_malformed_notebook_name_is_refused(name):
    with pytest.raises(CompanionError, match="cannot name a notebook"):
        Run(name)


@pytest.mark.parametrize("name", ["Upper", "under_score", "", "../x", "a--b", "a b"])
def test_malformed_names_of_outputs_are_refused(output, name):
    run = Run("demo")
    with pytest.raises(CompanionError, match="kebab case"):
        run.table(pd.DataFrame(), name, caption="c")
    with pytest.raises(CompanionError, match="kebab case"):
        run.claim(**a_claim(id=name))
    assert not output.exists()


def test_names_are_taken_once(output):
    run = Run("demo")
    run.record(x=1)
    run.claim(**a_claim())
    run.figure(a_figure(), "f", caption="c", alt="a")
    run.table(pd.DataFrame({"x": [1]}), "t", caption="c")
    with pytest.raises(CompanionError, match="has a value 'x' already"):
        run.record(x=2)
    with pytest.raises(CompanionError, match="has a claim 'limit' already"):
        run.claim(**a_claim())
    with pytest.raises(CompanionError, match="has a figure 'f' already"):
        run.figure(plt.gcf(), "f", caption="c", alt="a")
    with pytest.raises(CompanionError, match="has a table 't' already"):
        run.table(pd.DataFrame(), "t", caption="c")
    plt.close("all")


@pytest.mark.parametrize(("caption", "alt"), [(" ", "a"), ("c", "")])
def test_a_figure_needs_caption_and_alt_text(output, caption, alt):
    with pytest.raises(CompanionError, match="has an empty"):
        Run("demo").figure(plt.figure(), "f", caption=caption, alt=alt)
    assert not output.exists()
    plt.close("all")


def test_outside_the_runner_finish_says_what_was_made_and_where(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("BNGD_OUTPUT", raising=False)
    monkeypatch.chdir(tmp_path)
    run = Run("demo")
    run.claim(**a_claim())
    run.finish()
    said = capsys.readouterr().out
    assert str(tmp_path / "bngd-output") in said
    assert "results/demo.json (0 values; claims: 1 holds)" in said


def test_under_the_runner_finish_names_no_path(output, capsys):
    Run("demo").finish()
    assert capsys.readouterr().out == ""


def test_the_claims_table_escapes_bars_and_shows_a_changed_verdict():
    claim = {
        "statement": "$|x|$", "predicted": [1, 2, 3, 4, 5], "measured": True, "rule": "at most predicted",
        "verdict": "contradicted", "expected": "holds",
    }  # fmt: skip
    row = claims_table([claim]).splitlines()[-1]
    assert row == r"| $\|x\|$ | yes | at most each of 5, from 1 to 5 | ✗ contradicted (on record: holds) |"


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, pd.DataFrame(), b"x"])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(TypeError, match="has no place in a JSON file"):
        plain(value)


def test_json_is_strict_and_keeps_floats():
    value = {"b": [0.1, 1e-300, np.float64(1 / 3), -np.inf], "a": np.bool_(True)}
    text = json_text(value)
    assert json.loads(text, parse_constant=pytest.fail) == {"a": True, "b": [0.1, 1e-300, 1 / 3, "-inf"]}
    assert text == json_text(dict(reversed(value.items())))


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_text(tmp_path / "x", "old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == "old"


def test_an_unchanged_file_keeps_its_time(tmp_path):
    assert write_text_if_changed(tmp_path / "x", "same")
    before = (tmp_path / "x").stat().st_mtime_ns
    assert not write_text_if_changed(tmp_path / "x", "same")
    assert (tmp_path / "x").stat().st_mtime_ns == before
