"""The notebooks as they are stored; their execution under profile quick is what the book's tests build on."""

import ast
from pathlib import Path

import nbformat
import papermill
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_of(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param


def test_there_is_a_notebook_for_each_subject():
    subjects = {
        "landscape",
        "gradient_descent",
        "convergence",
        "effective_step",
        "convergence_rate",
        "effective_hessian",
        "robustness_learning_rate",
        "robustness_dimension",
        "compression",
        "equivalences",
        "variants_norms",
        "variants_steps",
        "network_learning_rate",
        "network_scaling",
        "network_width",
        "network_effective_step",
        "network_scripts",
        "network_training_time",
        "network_one_layer",
        "own_data",
        "beyond",
        "overshoot",
        "summary",
    }
    assert subjects <= {path.stem for path in NOTEBOOKS}


def test_it_is_stored_without_outputs(notebook):
    assert [cell.id for cell in code_of(notebook) if cell.outputs or cell.execution_count] == []


def test_plain_papermill_knows_its_parameters(notebook):
    tagged = [cell for cell in code_of(notebook) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assigned = {node.targets[0].id for node in ast.parse(tagged[0].source).body}
    assert set(papermill.inspect_notebook(notebook)) == assigned


def test_it_defines_nothing(notebook):
    forbidden = ast.FunctionDef | ast.ClassDef | ast.While
    found = [
        f"{cell.id}: line {node.lineno}"
        for cell in code_of(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, forbidden)
    ]
    assert found == [], "algorithms belong to bngd/studies"


def test_its_last_cell_finishes_the_run(notebook):
    assert code_of(notebook)[-1].source.strip().endswith("run.finish()")


def figures_of(path):
    """The calls that show a figure."""
    for cell in code_of(path):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "run.figure":
                yield node


def test_a_caption_says_its_message_first(notebook):
    check_captions(notebook)


def check_captions(path):
    for call in figures_of(path):
        caption = next(keyword.value for keyword in call.keywords if keyword.arg == "caption")
        assert "**" in ast.unparse(caption)[:12], f"the caption of {ast.unparse(call.args[1])} begins without it"


def passes_over(measured):
    """Largest and smallest entries of a table's column, which leave out what is not a number unless told not to."""
    for node in ast.walk(measured):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".max", ".min")) and not node.keywords:
            column = any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node.func))
            if column and ".to_numpy()." not in ast.unparse(node.func):
                yield ast.unparse(node)


def test_a_claim_about_every_run_counts_lost_ones(notebook):
    measured = [
        keyword.value
        for cell in code_of(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "run.claim"
        for keyword in node.keywords
        if keyword.arg == "measured"
    ]
    assert [found for value in measured for found in passes_over(value)] == [], "give skipna=False"


def test_what_passes_over_lost_runs_is_found():
    found = passes_over(ast.parse("(t['a'] / t['b']).abs().max() + t['c'].min(skipna=False) + z.max()", mode="eval"))
    assert list(found) == ["(t['a'] / t['b']).abs().max()"]
