import json
import os
import subprocess
import sys

import nbformat
import pytest
from companion_project import REPOSITORY, Project
from what_happens import happens

from bngd.companion.__main__ import main
from bngd.companion.errors import CompanionError, NotebookFailed
from bngd.companion.execute import Execution, execute
from bngd.companion.pages import dress

TWO_FIGURES = """
from matplotlib import pyplot as plt
for k in (1, 2):
    fig, ax = plt.subplots()
    ax.plot([0, size])
    run.figure(fig, f"line-{k}", caption=f"Line $x^{k}$ to {size}", alt="a line")
run.say("and $so$ on")
"""
SURROUNDINGS = """
import os, sys
from pathlib import Path
names = ["OMP_NUM_THREADS", "SOURCE_DATE_EPOCH", "PYTHONHASHSEED"]
run.record(python=sys.executable, folder=Path.cwd().name, env=[os.environ[n] for n in names])
"""


def job(project, name="demo", **changed):
    settings = {
        "layout": project.layout, "name": name, "profile": "full", "parameters": {}, "command": f"make {name}",
        "folder": project.root / "notebooks", "ledger": project.layout.ledger,
    }  # fmt: skip
    return Execution(**settings | changed)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A project with one executed notebook, in the presence of a kernel ``python3`` that is none."""
    root = tmp_path_factory.mktemp("executed")
    broken = root / "jupyter" / "kernels" / "python3"
    broken.mkdir(parents=True)
    (broken / "kernel.json").write_text('{"argv": ["no-such-program"], "display_name": "x", "language": "python"}')
    project = Project(root / "project")
    project.notebook("demo", TWO_FIGURES, SURROUNDINGS)
    stale = project.layout.figures / "demo-renamed.svg"
    stale.parent.mkdir(parents=True)
    stale.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(root / "jupyter"))
        execute(job(project, parameters={"size": 5}))
    return project


@pytest.fixture(scope="module")
def cells(executed):
    return nbformat.read(executed.layout.executed("demo"), as_version=4).cells


def tagged(cells, tag):
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def test_outputs_are_in_place_and_nothing_else_is(executed):
    output = executed.layout.output
    files = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    figures = {f"figures/demo-line-{k}.{kind}" for k in (1, 2) for kind in ("svg", "png", "pdf", "csv", "narrow.svg")}
    made = figures | {"results/demo.json", "provenance/demo.json"}
    assert files == made | {"notebooks/demo.ipynb", "outputs/demo"}
    assert set(executed.layout.files_of("demo").read_text().splitlines()) == made


def test_the_kernel_is_this_python_in_quiet_surroundings(executed):
    values = json.loads(executed.layout.record("demo").read_text())["values"]
    assert values == {"python": sys.executable, "folder": "notebooks", "env": ["1", "0", "0"]}


def test_each_figure_has_a_cell_with_caption_name_and_alt_text(cells):
    own = [cell.metadata.mystnb for cell in cells if "figure" in cell.metadata.get("mystnb", {})]
    assert [entry.figure for entry in own] == [
        {"caption": f"Line $x^{k}$ to 5", "name": f"demo-line-{k}"} for k in (1, 2)
    ]
    assert [entry.image for entry in own] == [{"alt": "a line"}] * 2
    assert all(cell.source for cell in cells)  # MyST-NB leaves out a cell without source, and so its outputs


def test_below_each_figure_stands_how_to_regenerate_it(cells):
    sources = tagged(cells, "figure-source")
    before = [cells[cells.index(cell) - 1] for cell in sources]
    assert [cell.metadata.mystnb.figure.name for cell in before] == ["demo-line-1", "demo-line-2"]
    for kind in ("svg", "png", "pdf", "csv"):
        assert f'<a href="../_figures/demo-line-2.{kind}" download>' in sources[1].source
    assert "<code>make demo</code>" in sources[1].source
    assert '<a href="../_notebooks/demo.ipynb" download>notebook</a>' in sources[1].source


def test_no_caption_is_shown_twice_and_what_follows_a_figure_stays(cells):
    shown = [output.data["text/markdown"] for cell in cells for output in cell.get("outputs", []) if "data" in output
             and "text/markdown" in output.data]  # fmt: skip
    assert shown == ["and $so$ on"]
    [last] = [cell for cell in cells if cell.metadata.get("mystnb", {}).get("markdown_format")]
    assert "remove-input" in last.metadata.tags


def test_parameters_and_code_that_only_presents_are_folded_under_a_name(cells):
    folded = [(cell.metadata.mystnb.code_prompt_show, cell.source) for cell in tagged(cells, "hide-input")]
    shown = [cell for cell in cells if cell.cell_type == "code" and "hide-input" not in cell.metadata.get("tags", [])]
    assert [label for label, _ in folded[:2]] == [
        "Show the parameters: meaning and default",
        "Show the parameters' values in this run",
    ]
    assert {label for label, _ in folded[2:]} == {"Show the code"}
    assert any("run.figure(" in source for _, source in folded[2:])
    assert not any("run.figure(" in cell.source for cell in shown)


def test_no_times_and_no_paths_are_left(executed, cells):
    text = executed.layout.executed("demo").read_text()
    assert not [cell for cell in cells if {"papermill", "execution"} & cell.metadata.keys()]
    assert str(executed.root) not in text
    assert not [output for cell in cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]


def test_provenance_holds_all_parameters_versions_and_time(executed):
    told = json.loads(executed.layout.provenance("demo").read_text())
    assert told["parameters"] == {"size": 5}
    assert told["seconds"] > 0
    assert {"bngd", "commit", "modified", "python", "packages", "platform", "finished"} <= told.keys()


def test_a_failed_notebook_is_named_with_its_cell_and_kept_apart(project):
    project.notebook("demo", "a = 1\nb = a / 0", "never = 1")
    old = project.layout.executed("demo")
    old.parent.mkdir(parents=True)
    old.write_text("the last good one")
    with pytest.raises(NotebookFailed) as caught:
        execute(job(project, parameters={"size": 4}))
    assert str(caught.value).splitlines() == [
        "notebook 'demo' failed in its cell 4:",
        "    a = 1",
        "    b = a / 0",
        "ZeroDivisionError: division by zero",
        "The notebook as far as it ran: build/full/failed/demo.ipynb",
    ]
    assert "ZeroDivisionError" in project.layout.failed("demo").read_text()
    assert old.read_text() == "the last good one"
    assert not project.layout.results.exists()


def test_what_came_out_the_same_keeps_its_time_and_what_is_gone_goes(project):
    tables = 'for name in ("same", f"t{n}"):\n    run.table(pd.DataFrame({"x": [1]}), name, caption="c")'
    for n in (1, 2):
        project.notebook("demo", f"import pandas as pd\nn = {n}\n{tables}")
        execute(job(project))
        found = {path.name: path for path in project.layout.results.iterdir()}
        assert set(found) == {"demo.json", "demo-same.csv", f"demo-t{n}.csv"}
        if n == 1:
            for path in found.values():
                os.utime(path, (1, 1))
    assert found["demo-same.csv"].stat().st_mtime == 1
    assert found["demo.json"].stat().st_mtime > 1


def test_a_dead_kernel_is_named_with_its_cell(project):
    project.notebook("demo", "import os\nos._exit(9)")
    with pytest.raises(NotebookFailed, match=r"in its cell 4:\n    import os\n    os._exit\(9\)\n.*died"):
        execute(job(project))


def test_a_notebook_must_finish_its_run(project):
    project.notebook("demo", finish=False)
    with pytest.raises(NotebookFailed, match=r"its last cell must call run.finish\(\)"):
        execute(job(project))
    assert not project.layout.executed("demo").exists()


def test_a_notebook_must_run_under_its_own_name(project):
    project.notebook("other")
    project.layout.source("other").rename(project.layout.source("demo"))
    with pytest.raises(NotebookFailed, match=r"wrote other.json: it must begin with Run\('demo'\)"):
        execute(job(project))


@pytest.mark.parametrize(("name", "given"), [("nope", {}), ("demo", {"sise": 3}), ("demo", {"size": "3"})])
def test_bad_input_runs_and_leaves_nothing(project, name, given):
    project.notebook("demo")
    with pytest.raises(CompanionError):
        execute(job(project, name, parameters=given))
    assert not project.layout.output.exists()


def test_a_reader_runs_one_notebook_with_own_parameters_apart_from_the_book(project, monkeypatch, capsys):
    project.notebook("demo", "run.record(size=size, found=__import__('os').path.exists('my.csv'))")
    stored = nbformat.read(project.layout.source("demo"), as_version=4)
    stored.metadata.clear()  # a notebook without a kernelspec runs all the same
    nbformat.write(stored, project.layout.source("demo"))
    elsewhere = project.root / "data"
    elsewhere.mkdir()
    (elsewhere / "my.csv").touch()
    monkeypatch.chdir(elsewhere)
    assert main(["run", "demo", "-p", "size", "7"]) == 0
    [record] = project.root.glob("build/own/demo/results/demo.json")
    assert json.loads(record.read_text())["values"] == {"size": 7, "found": True}
    assert os.listdir(project.root / "build") == ["own"]
    assert "build/own/demo/notebooks/demo.ipynb" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["execute", "nope"], "error: there is no notebook 'nope'; the notebooks are: demo"),
        (["execute", "demo", "--profile", "nope"], "error: there is no profile 'nope'; the profiles are: full"),
        (
            ["run", "demo", "-p", "sise", "3"],
            "error: notebook 'demo' has no parameter 'sise'; its parameters are: size",
        ),
    ],
)
def test_the_command_line_prints_one_clear_message(project, monkeypatch, capsys, arguments, message):
    project.notebook("demo")
    monkeypatch.chdir(project.root)
    assert main(arguments) == 1
    said = capsys.readouterr().err.strip()
    assert said == message
    happens("command", "a command", "refused", given=" ".join(arguments), said=said)


def test_outside_a_companion_the_command_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 1
    said = capsys.readouterr().err.strip().replace(str(tmp_path), "folder")
    assert "is not inside the companion" in said
    happens("command", "any command outside of the project", "refused", said=said)


def test_the_list_shows_every_parameter(project, monkeypatch, capsys):
    project.notebook("demo")
    monkeypatch.chdir(project.root)
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "demo\n    size = 3\nprofiles: full\n"


def test_papermill_is_not_imported_before_it_is_needed():
    code = "import sys, bngd.companion.__main__; sys.exit('papermill' in sys.modules or 'sphinx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, timeout=300, check=False).returncode == 0


def test_code_without_output_shares_a_fold_with_what_follows():
    quiet, loud = (nbformat.v4.new_code_cell(f"run.record({name}=1)") for name in "ab")
    loud.outputs = [nbformat.v4.new_output("stream", text="said")]
    notebook = nbformat.v4.new_notebook(cells=[quiet, loud])
    dress(notebook, name="demo", command="make demo")
    assert [cell.source for cell in notebook.cells] == ["run.record(a=1)\n\nrun.record(b=1)"]
