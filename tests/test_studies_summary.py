import math

import pytest

from bngd.claims import Claim, at_least, close, equals
from bngd.paper import TABLE_CELLS
from bngd.studies.summary import study


def entry(id, *, about="thm-gd", predicted=1.0, measured=1.0, rule=None, cell=None, expected="holds"):
    judged = Claim(
        id=id,
        about=about,
        statement=f"Statement {id}.",
        predicted=predicted,
        measured=measured,
        rule=rule or close(0.1),
        notebook="somewhere",
        table_cell=cell,
        expected=expected,
    )
    return judged.as_dict()


@pytest.fixture
def entries():
    return [
        entry("good", cell="rate/gd"),
        entry("near", measured=1.05, cell="rate/gd"),
        entry("bad", about="thm-tent", measured=2.0, cell="rate/bngd", expected="contradicted"),
        entry("unknown", about="prop-stationary", measured=math.nan, cell="dimension/gd"),
    ]


def test_every_cell_of_the_table_is_there():
    assert study.cell_table([])["cell"].tolist() == list(TABLE_CELLS)


def test_a_cell_is_as_good_as_its_worst_claim(entries):
    cells = study.cell_table(entries).set_index("cell")
    assert cells.loc["rate/gd", ["verdict", "claims", "holding"]].tolist() == ["holds", 2, 2]
    assert cells.loc["rate/bngd", "verdict"] == "contradicted"
    assert cells.loc["dimension/gd", "verdict"] == "undecided"
    assert cells.loc["learning_rate/gd", ["verdict", "claims"]].tolist() == ["undecided", 0]


def test_the_table_in_markdown_has_a_row_for_each_property(entries):
    lines = study.summary_markdown(entries).splitlines()
    assert len(lines) == 2 + 4
    assert all(line.count("|") == 5 for line in lines)
    assert "linear: **holds** (2 of 2 claims)" in lines[3]


def test_a_row_links_to_the_notebooks_that_measured_it(entries):
    assert "[somewhere](somewhere.ipynb)" in study.row_markdown(entries, "rate", "gd")
    assert "no notebook yet" in study.row_markdown(entries, "learning_rate", "gd")


def test_findings_are_on_record_and_surprises_are_not(entries):
    assert [found["id"] for found in study.findings(entries)] == ["bad"]
    assert [found["id"] for found in study.surprises(entries)] == ["unknown"]
    assert study.tally(entries) == {"holds": 2, "contradicted": 1, "undecided": 1}


@pytest.mark.parametrize(
    ("predicted", "measured", "rule", "expected"),
    [
        (2.0, 2.2, close(0.2), 0.1),
        ([1.0, -4.0], [1.0, -5.0], close(0.5), 0.25),
        (2.0, [2.0, 3.0], close(0.1), 0.5),
        (0.0, 1e-3, close(0, atol=0.1), 1e-3),
        (1, 1, close(0.1), 0.0),
    ],
)
def test_deviation_is_the_largest_relative_difference(predicted, measured, rule, expected):
    assert study.deviation(entry("x", predicted=predicted, measured=measured, rule=rule)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("predicted", "measured", "rule"),
    [(1.0, 2.0, at_least()), ("yes", "yes", equals()), (1.0, None, close(0.1)), (1.0, "inf", close(0.1))],
)
def test_deviation_of_anything_else_is_not_a_number(predicted, measured, rule):
    claim = entry("x", rule=rule) | {"predicted": predicted, "measured": measured}
    assert math.isnan(study.deviation(claim))


def test_the_overview_has_a_row_for_each_claim(entries):
    table = study.overview(entries)
    assert table["chapter"].tolist() == [1, 2, 2, 4]
    assert table.loc[0, "title"] == "The problem"
