"""A parameter's rule stands beside it, and is checked before anything runs, however the notebook is run."""

from pathlib import Path

import papermill
import pytest
from companion_project import REPOSITORY, Project
from IPython.core.interactiveshell import InteractiveShell
from papermill.exceptions import PapermillExecutionError
from what_happens import happens

from bngd.companion import parameters, ranges
from bngd.companion.__main__ import main
from bngd.companion.errors import CompanionError
from bngd.companion.run import Run

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_parameter_has_a_rule_that_its_default_keeps(source):
    cell, defaults = parameters.cell_of(source), parameters.defaults(source)
    rules = ranges.rules(cell)
    assert [name for name in defaults if rules[name] is None] == []
    assert all(rule.meaning for rule in rules.values())
    ranges.check(source.stem, cell, defaults, defaults)


def wrong(rule):
    """Return a value that breaks a rule whatever it says: of no type that it can have, or not finite."""
    return ["nan"] if rule.kind != "text" else 7


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_in_a_live_notebook_the_run_refuses_each_parameter_that_breaks_its_rule(source):
    cell = parameters.cell_of(source)
    shell = InteractiveShell()
    shell.run_cell(cell, store_history=True)
    ranges.check_live(source.stem, shell)
    for name, rule in ranges.rules(cell).items():
        kept, shell.user_ns[name] = shell.user_ns[name], wrong(rule)
        with pytest.raises(
            CompanionError, match=f"parameter '{name}' of notebook '{source.stem}' is .*; the rule is: "
        ):
            ranges.check_live(source.stem, shell)
        shell.user_ns[name] = kept


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("int", [0, -3], [True, 1.0, "1", None, [1]]),
        ("float", [1, 0.5], [True, float("nan"), float("inf"), "1", None]),
        ("bool", [True], [1, "true", None]),
        ("text, not empty", ["x"], ["", 3, None]),
        ("None or int, at least 1", [None, 1], [0]),
        ("int, above 2, below 5", [3, 4], [2, 5]),
        ("float, at least 1e-3, at most 1_000", [1e-3, 1000], [9e-4, 1001]),
        ("int, multiple of 20", [40], [30]),
        ("int, odd", [3, -1], [4, 0]),
        ("float, no power of two", [3.0, 0.3], [2.0, 0.25, 1]),
        ('text, one of "" | "," | "a b"', ["", ",", "a b"], ["|", "a"]),
        ("list of int, not empty, ascending", [[1], [1, 2]], [[], [2, 1], [1, 1], 3, [1.5]]),
        ("list of float, 2 entries, above 0", [[1, 2.5]], [[1], [1, 2, 3], [0, 1], [1, float("inf")]]),
        ("list of text, at most 1 entries", [[], ["a"]], [["a", "b"], [1]]),
        ("list of float, not all zero", [[0, 1]], [[0, 0]]),
        ("list of int, as many as other", [[1, 2, 3]], [[1]]),
        ("int, below max other", [29], [30]),
        ("int, at least size", [7], [6]),
    ],
)
def test_each_clause_tells_good_from_bad(rule, good, bad):
    parsed = ranges.parse(f"# {rule}: of something")
    others = {"other": [10, 30, 20], "size": 7}
    assert [value for value in good if parsed.broken(value, others)] == []
    assert [value for value in bad if not parsed.broken(value, others)] == []
    cell = f"other = [10, 30, 20]\nsize = 7\nit = {good[0]!r}  # {rule}: of something"
    for value in bad[:2]:
        with pytest.raises(CompanionError) as caught:
            ranges.check("demo", cell, {**others, "it": value}, {"it": good[0]})
        happens("parameters", "", "refused", given=[rule, f"-p it {value!r}"], said=str(caught.value))


def test_a_rule_may_stand_above_and_a_comment_may_be_none():
    cell = (
        "# list of int, at least 2,\n# ascending: d of the problems\nsizes = [\n    2,\n    4,\n]\nn = 3  # some number"
    )
    found = ranges.rules(cell)
    assert found["sizes"].clauses == ("at least 2", "ascending")
    assert found["n"] is None


def test_what_sets_no_name_has_no_rule():
    assert ranges.rules("x[0] = 1  # int: an entry\nprint(2)  # int: a call\n") == {}


def test_a_comment_with_a_colon_is_not_yet_a_rule():
    assert ranges.parse("# see: the chapter") is None
    assert ranges.parse("# int") is None


def test_a_clause_that_means_nothing_is_refused():
    rule = "int, greater than 3"
    with pytest.raises(CompanionError, match=r"'int, greater than 3'.*'greater than 3'.*mend the comment") as caught:
        ranges.parse(f"# {rule}: of something")
    happens("parameters", "a rule in a notebook that means nothing", "refused", given=rule, said=str(caught.value))


MESSAGE = "parameter 'size' of notebook 'demo' is 1; the rule is: int, at least 2 (of it); its default is 3"


@pytest.fixture
def demo(project):
    project.notebook("demo", "run.record(size=size)", parameters="size = 3  # int, at least 2: of it")
    return project


def test_the_runner_and_a_profile_say_it_before_anything_runs(demo, monkeypatch, capsys):
    monkeypatch.chdir(demo.root)
    assert main(["run", "demo", "-p", "size", "1"]) == 1
    demo.profile("full", "demo: {size: 1}\n")
    assert main(["parameters"]) == 1
    assert capsys.readouterr().err.splitlines() == [f"error: {MESSAGE}"] * 2
    happens("command", "a parameter or a profile that breaks a rule", "refused before anything runs", said=MESSAGE)
    assert not (demo.root / "build").exists()


def test_plain_papermill_says_the_same(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PapermillExecutionError) as caught:
        papermill.execute_notebook(
            demo.layout.source("demo"), None, parameters={"size": 1}, kernel_name="python3", progress_bar=False
        )
    assert MESSAGE in str(caught.value)
    assert not Path("bngd-output").exists()


def test_outside_of_a_notebook_a_run_asks_for_nothing(output):
    assert Run("demo").notebook == "demo"


def test_a_run_that_may_take_more_than_an_hour_begins_only_if_asked_for(tmp_path, monkeypatch, capsys):
    project = Project(tmp_path)
    project.notebook("demo", parameters="steps = 10  # int, at least 1: of it\nseed = 0  # int, at least 0: of it")
    started = []
    monkeypatch.setattr("bngd.companion.execute.execute", lambda job: started.append(job.parameters) or 0.0)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "demo", "-p", "steps", "1000000000"]) == 1
    refusal = capsys.readouterr().err
    assert "parameter 'steps' of notebook 'demo' is 1000000000, not 10: the run would take up to about" in refusal
    happens("parameters", "more than an hour's work: `-p steps 1000000000`", "refused", said=refusal.strip())
    for asked in (["steps", "1000000000", "--long"], ["steps", "500"], ["seed", "1000000000"]):
        assert main(["run", "demo", "-p", *asked]) == 0
    project.layout.provenance("demo").parent.mkdir(parents=True)
    project.layout.provenance("demo").write_text('{"seconds": 0.1, "parameters": {"steps": 20, "seed": 0}}')
    assert main(["run", "demo", "-p", "steps", "100000"]) == 0
    assert [job["steps"] for job in started if "steps" in job] == [10**9, 500, 10**5]


def test_in_a_live_notebook_more_than_an_hour_is_refused_too(monkeypatch):
    monkeypatch.delenv("BNGD_OUTPUT", raising=False)
    shell = InteractiveShell()
    shell.run_cell("steps = 10  # int, at least 1: of it", store_history=True)
    shell.user_ns["steps"] = 10**9
    with pytest.raises(CompanionError, match=r"'steps' .* is 1000000000, not 10: .* days; .* set BNGD_LONG=1"):
        ranges.check_live("demo", shell)
    monkeypatch.setenv("BNGD_LONG", "1")
    ranges.check_live("demo", shell)
