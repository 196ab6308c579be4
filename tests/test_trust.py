"""The tools of `trust`: the record notices what moves, the hunt finds no counterexample, the enclosures prove."""

import json

import numpy as np
import pytest

from trust import hand, hunt, kept, reference, tables

CLOSEST = [one for one in kept.read("hunt").get("statements", []) if one["genes"]]
STATEMENTS = {statement.name: statement for statement in hunt.STATEMENTS}


def changes(record, now, moves=(), notebook="convergence"):
    return reference.compare(notebook, {"value x": record}, {"value x": list(moves)}, {"value x": now})


@pytest.mark.parametrize(
    ("record", "now"),
    [([3], [3]), ([0.1], [0.1 + 1e-8]), ([2e-15], [7e-14]), (["0.418 to 0.489"], ["0.419 to 0.489"]), ([None], [None])],
)
def test_the_record_lets_rounding_pass(record, now):
    assert not changes(record, now)


@pytest.mark.parametrize(
    ("record", "now"),
    [
        ([3], [4]),
        ([0.1], [0.1001]),
        (["holds"], ["contradicted"]),
        (["0 of 3"], ["1 of 3"]),
        ([1.0], [None]),
        ([1], []),
    ],
)
def test_the_record_notices_what_moved(record, now):
    (change,) = changes(record, now)
    assert change.where == "value x"
    assert "convergence" in str(change)


def test_what_moves_with_the_rounding_may_move_ten_times_as_far():
    assert not changes([1.0], [1.05], moves=[0.01])
    assert changes([1.0], [1.2], moves=[0.01])
    assert "statistical" in changes([1.0], [1.2], moves=[0.01])[0].kind


def test_of_a_long_list_that_moves_a_tenth_may_move_further():
    record, moves = [1.0] * 20, [0.01] + [0.0] * 19
    assert not changes(record, [1.0] * 18 + [2.0] * 2, moves)
    assert changes(record, [1.0] * 17 + [2.0] * 3, moves)


def test_networks_train_in_single_precision():
    assert not changes([1.0], [1.01], notebook="network_width")
    assert changes([1.0], [1.03], notebook="network_width")


def test_a_notebook_without_a_record_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(reference, "folder_of", lambda profile: tmp_path)
    told, compared, _ = reference.examine("quick", ["summary"])
    assert "not on record" in told[0]
    assert compared == 0


def test_a_record_is_read_as_it_was_written(monkeypatch, tmp_path):
    monkeypatch.setattr(reference, "folder_of", lambda profile: tmp_path)
    reference.save("quick", "convergence", {"value x": [1.5, "inf", None]}, {"value x": [0.0, 1e-3, 0.0]})
    assert reference.load("quick", "convergence") == ({"value x": [1.5, "inf", None]}, {"value x": [0.0, 1e-3, 0.0]})
    assert json.loads((tmp_path / "convergence.json").read_text())["moves"] == {"value x": ["0", "0.001", "0"]}


def test_every_mutation_by_hand_still_finds_its_place():
    for mutation in hand.MUTATIONS:
        source = (kept.ROOT / "bngd" / f"{mutation.file}.py").read_text()
        assert source.count(mutation.old) == 1, mutation
    assert len(hand.MUTATIONS) == 20


@pytest.mark.parametrize("one", CLOSEST, ids=[one["statement"] for one in CLOSEST])
def test_the_closest_calls_stay_what_they_were(one):
    value = hunt.value_of(STATEMENTS[one["statement"]], np.array(one["genes"]))
    assert 10**value == pytest.approx(one["closest"], rel=0.01) or 10**value > 1e290
    assert value <= 1e-9 or one["where"] != hunt.WITHIN


@pytest.mark.parametrize("statement", hunt.STATEMENTS, ids=lambda statement: statement.name)
def test_a_short_hunt_finds_nothing_within_the_hypotheses(statement):
    catch = hunt.hunt(statement, 0.3, np.random.default_rng(5))
    assert catch.evaluations > 0
    assert catch.closest <= 1e-9 or statement.outside


def test_a_run_on_the_plateau_is_proved_to_converge():
    flint = pytest.importorskip("flint")
    from trust import enclosures

    told = enclosures.prove(enclosures.Instance((1, 4, 10), (2, -2, 1), (1, 2, -1), flint.fmpq(4), flint.fmpq(3, 2)))
    assert told["proved"]
    assert told["interlacing"]
    assert told["contracted"] == told["steps"]
    assert told["high_over_limit"] < 1


def test_no_convergence_is_proved_beyond_the_stable_range():
    flint = pytest.importorskip("flint")
    from trust import enclosures

    instance = enclosures.Instance((1, 4, 10), (2, -2, 1), (2, -2, 2), flint.fmpq(100), flint.fmpq(1))
    run = enclosures.Run(instance)
    assert enclosures.certify(run, run.start) is None


def test_the_tables_of_the_book_are_those_of_the_results():
    for name, rows in tables.TABLES.items():
        assert (tables.FOLDER / f"{name}.csv").read_text() == tables.text(rows())
