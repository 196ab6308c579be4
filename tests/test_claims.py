import numpy as np
import pytest

from bngd.claims import Claim, at_least, at_most, between, close, combine, equals


def judge(predicted, measured, rule, **kwargs):
    common = {"id": "x", "about": "thm-gd", "statement": "A statement.", "notebook": "n"}
    return Claim(predicted=predicted, measured=measured, rule=rule, **(common | kwargs))


@pytest.mark.parametrize(
    ("rule", "predicted", "good", "bad"),
    [
        (close(1e-2), 2.0, 2.01, 2.03),
        (close(0.0, atol=0.1), 0.0, 0.09, 0.11),
        (close(1e-2), [1.0, 2.0], [1.0, 2.01], [1.0, 2.03]),
        (at_most(), 2.0, 2.0, 2.0001),
        (at_most(0.1), 2.0, 2.19, 2.21),
        (at_least(), 2.0, 2.0, 1.9999),
        (at_least(0.1), 2.0, 1.81, 1.79),
        (between(0.9, 1.1), "about 1", 1.05, 1.2),
        (between(0.9, 1.1), "about 1", [0.95, 1.05], [0.95, 1.2]),
        (between(0.9, 1.1), "about 1", [0.95, 1.05], [0.8, 1.05]),
        (equals(), 5, 5, 4),
        (equals(), True, True, False),
    ],
)
def test_each_rule_holds_and_can_fail(rule, predicted, good, bad):
    assert judge(predicted, good, rule).verdict == "holds"
    assert judge(predicted, bad, rule).verdict == "contradicted"


@pytest.mark.parametrize("measured", [np.nan, None, [1.0, np.nan], [], np.inf])
def test_what_was_not_measured_is_undecided(measured):
    assert judge(1.0, measured, close(1e-2)).verdict == "undecided"


def test_the_ledger_entry_has_the_fields_of_the_ledger():
    entry = judge(1.0, 1.0, close(1e-2), table_cell="rate/gd").as_dict()
    assert {"id", "about", "table_cell", "statement", "predicted", "measured", "rule", "verdict", "notebook"} <= set(
        entry
    )
    assert entry["rule"] == "predicted to within 1%"


@pytest.mark.parametrize("wrong", [{"about": "thm-none"}, {"table_cell": "speed/gd"}, {"expected": "maybe"}])
def test_a_claim_about_nothing_that_exists_is_refused(wrong):
    with pytest.raises(ValueError, match="use one of"):
        judge(1.0, 1.0, close(1e-2), **wrong)


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["holds", "holds"], "holds"),
        (["holds", "undecided"], "undecided"),
        (["undecided", "contradicted", "holds"], "contradicted"),
        ([], "undecided"),
    ],
)
def test_a_cell_is_as_good_as_its_worst_claim(verdicts, whole):
    assert combine(verdicts) == whole
