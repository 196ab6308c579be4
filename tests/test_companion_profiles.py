import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from what_happens import happens

from bngd.companion import parameters, profiles
from bngd.companion.errors import CompanionError
from bngd.companion.yamls import read_yaml

DECLARED = """
size = 3  # of the grid
step = 0.5
name: str = "diabetes"
fast = False
rates = [1e-2, 1.0]
counts = [1, 2]
path = None
"""


@pytest.fixture
def source(project):
    project.notebook("demo", parameters=DECLARED)
    return project.layout.source("demo")


def test_defaults_are_read_in_order(source):
    assert list(parameters.defaults(source).items()) == [
        ("size", 3), ("step", 0.5), ("name", "diabetes"), ("fast", False), ("rates", [0.01, 1.0]), ("counts", [1, 2]),
        ("path", None),
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["x = 2 * 3", "x = [y]", "import os", "x, y = 1, 2", "x.y = 1", "print(1)"])
def test_a_parameters_cell_holds_literals_only(project, line):
    project.notebook("demo", parameters=line)
    with pytest.raises(CompanionError, match="takes only lines `name = literal`") as caught:
        parameters.defaults(project.layout.source("demo"))
    happens("parameters", "a line of the parameters cell", "refused", given=line, said=str(caught.value))


@pytest.mark.parametrize("count", [0, 2])
def test_a_notebook_has_exactly_one_parameters_cell(tmp_path, count):
    cells = [new_code_cell("x = 1", metadata={"tags": ["parameters"]}) for _ in range(count)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "demo.ipynb")
    with pytest.raises(CompanionError, match=f"has {count} code cells with the tag 'parameters'"):
        parameters.defaults(tmp_path / "demo.ipynb")


def test_an_unknown_parameter_is_refused_with_the_valid_ones(source):
    with pytest.raises(CompanionError, match="no parameter 'sise'; its parameters are: size, step, name"):
        parameters.check(source, {"sise": 4})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 4.0), ("size", "4"), ("size", True), ("size", None), ("step", "half"), ("step", True), ("name", 3),
        ("fast", 1), ("rates", 0.5), ("rates", [0.5, "x"]), ("rates", [True]), ("counts", [1, 2.5]),
    ],
)  # fmt: skip
def test_a_badly_typed_value_is_refused(source, name, value):
    with pytest.raises(CompanionError, match=f"'{name}' of notebook 'demo' is .* asks for type") as caught:
        parameters.check(source, {name: value})
    given = f"-p {name} {value!r}"
    happens("parameters", "a parameter without a rule", "refused", given=given, said=str(caught.value))


def test_an_int_is_good_for_a_float_and_anything_for_none(source):
    checked = parameters.check(source, {"step": 2, "rates": [1, 0.5], "path": "data.csv"})
    assert repr(checked) == repr({"step": 2.0, "rates": [1.0, 0.5], "path": "data.csv"})


def test_typed_parameters_are_read_by_their_defaults(source):
    typed = {"size": "4", "step": "1e-3", "name": "42", "fast": "true", "counts": "[3, 4]"}
    assert parameters.parse(source, typed) == {"size": 4, "step": 1e-3, "name": "42", "fast": True, "counts": [3, 4]}


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 1e-3), ("-2E6", -2e6), ("1.5e+2", 150.0), ("e3", "e3"), ("1-e3", "1-e3")]
)
def test_exponents_are_numbers(text, value):
    assert read_yaml(text) == value


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2"])
def test_broken_yaml_is_refused(text):
    with pytest.raises(CompanionError, match="not YAML"):
        read_yaml(text)


def test_a_profile_names_what_differs(project, source):
    project.notebook("other")
    project.profile("full", "demo: {size: 4}\n")
    assert profiles.load(project.layout, "full") == {"demo": {"size": 4}, "other": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nope: {}", "no notebook 'nope'; the notebooks are: demo"),
        ("demo: 3", "'demo' must map parameters to values, not be 3"),
        ("[demo]", "must map notebooks to parameters, not hold a list"),
        ("demo: {size: 1, size: 2}", "notebooks/profiles/full.yaml: .*size stands twice"),
    ],
)
def test_a_broken_profile_is_refused(project, source, text, message):
    project.profile("full", text)
    with pytest.raises(CompanionError, match=message) as caught:
        profiles.load(project.layout, "full")
    happens("command", "a profile", "refused", given=text, said=str(caught.value))


def test_an_unknown_profile_is_refused_with_the_valid_ones(project):
    with pytest.raises(CompanionError, match="no profile 'nope'; the profiles are: full"):
        profiles.load(project.layout, "nope")


def test_split_writes_only_what_changed(project, source):
    project.notebook("other")
    assert profiles.split(project.layout, "full") == ["demo", "other"]
    project.profile("full", "demo: {size: 4}\n")
    assert profiles.split(project.layout, "full") == ["demo"]


def test_split_writes_nothing_where_a_parameter_is_wrong(project, source):
    project.profile("full", "demo: {sise: 4}\n")
    with pytest.raises(CompanionError, match="no parameter 'sise'"):
        profiles.split(project.layout, "full")
    assert not project.layout.output.exists()


def test_split_forgets_deleted_notebooks(project, source):
    layout = project.layout
    gone = [
        layout.executed("gone"),
        layout.record("gone"),
        layout.results / "gone-t.csv",
        layout.figures / "gone-f.svg",
    ]
    kept = [layout.figures / "gone_too-f.svg", layout.executed("demo")]
    for path in [*gone, *kept]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    profiles.split(layout, "full")
    assert [path.exists() for path in gone] == [False] * 4
    assert [path.exists() for path in kept] == [True] * 2


def test_a_profile_that_changed_is_split_anew(project):
    project.notebook("demo")
    project.profile("full", "demo: {size: 5}\n")
    profiles.split(project.layout, "full")
    project.profile("full", "demo: {size: 7}\n")
    later = project.layout.parameters("demo").stat().st_mtime + 10
    os.utime(project.layout.profile("full"), (later, later))
    assert profiles.of_notebook(project.layout, "full", "demo") == {"size": 7}
