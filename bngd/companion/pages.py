"""From an executed notebook to a page of the book: figures with captions, collapsed parameters, no clock times."""

import re
from collections.abc import Iterator
from html import escape

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

_CONTINUED = "# the outputs of the cell above, continued"
"""The hidden source of a cell that holds a further figure; MyST-NB drops a cell whose source is empty."""

_PARAMETER_LABELS = {
    "parameters": "the parameters: meaning and default",
    "injected-parameters": "the parameters' values in this run",
}

_PRESENTING = re.compile(r"^\s*run\.(figure|table|say|record|claim|finish)\(", re.MULTILINE)
"""What a cell calls that shows results: a page shows them first, and the code of such a cell folded."""


def strip_times(notebook: NotebookNode) -> None:
    """Remove what papermill and nbclient note about times and paths: two runs shall give the same notebook."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"


def dress(notebook: NotebookNode, *, name: str, command: str) -> None:
    """Prepare an executed notebook, in place, for the book.

    Code that presents results is folded. Every figure gets its caption, reference name and alternative text where
    MyST-NB looks for them, a cell of its own, and below it the command that regenerates it with links to its files.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook.
    name, command : str
        Its name, and what a reader types to regenerate its figures.
    """
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        _fold_code(cell)
        if cells and _is_silent(cells[-1]) and _is_folded(cell):  # one fold for code without output and what follows
            cell.source = f"{cells.pop().source}\n\n{cell.source}"
        cells.extend(_with_figures(cell, name, command) if cell.cell_type == "code" else [cell])
    notebook.cells = cells


def _fold_code(cell: NotebookNode) -> None:
    tags = cell.metadata.get("tags", [])
    label = next((_PARAMETER_LABELS[tag] for tag in tags if tag in _PARAMETER_LABELS), "the code")
    if label == "the code" and not (cell.cell_type == "code" and _PRESENTING.search(cell.source)):
        return
    cell.metadata["tags"] = [*tags, "hide-input"]
    prompts = {"code_prompt_show": f"Show {label}", "code_prompt_hide": f"Hide {label}"}
    cell.metadata.setdefault("mystnb", {}).update(prompts)


def _is_folded(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and cell.metadata.get("mystnb", {}).get("code_prompt_show") == "Show the code"


def _is_silent(cell: NotebookNode) -> bool:
    return _is_folded(cell) and not cell.outputs and cell.source != _CONTINUED


def _with_figures(cell: NotebookNode, name: str, command: str) -> Iterator[NotebookNode]:
    """Yield the cell, and after each figure its source line and a cell with the outputs that followed."""
    pending = [output for output in cell.outputs if "caption_of" not in _about(output)]
    current, current.outputs = cell, []
    for position, output in enumerate(pending):
        current.outputs.append(output)
        _read_markdown_as_myst(current, output)
        _offer_table(output, name)
        figure = _about(output)
        if not figure:
            continue
        _caption(current, name, figure)
        yield current
        yield _source_line(name, figure, command)
        if position == len(pending) - 1:
            return
        current = new_code_cell(_CONTINUED, id=f"{cell.id[:56]}-{position}", metadata={"tags": ["remove-input"]})
    yield current


def _about(output: NotebookNode) -> dict[str, str]:
    return output.get("metadata", {}).get("bngd", {})


def _read_markdown_as_myst(cell: NotebookNode, output: NotebookNode) -> None:
    # MyST-NB reads a displayed Markdown as CommonMark, which knows neither maths nor tables.
    if "text/markdown" in output.get("data", {}):
        cell.metadata.setdefault("mystnb", {})["markdown_format"] = "myst"


def _caption(cell: NotebookNode, name: str, figure: dict[str, str]) -> None:
    own = cell.metadata.setdefault("mystnb", {})
    own["image"] = {"alt": figure["alt"]}
    own["figure"] = {"caption": figure["caption"], "name": f"{name}-{figure['name']}"}


def _source_line(name: str, figure: dict[str, str], command: str) -> NotebookNode:
    files = [_download(f"_figures/{name}-{figure['name']}.{kind}", kind.upper()) for kind in figure["files"].split()]
    links = " · ".join([_download(f"_notebooks/{name}.ipynb", "notebook"), *files])
    text = (
        f'<p class="figure-source">Regenerate: <code>{escape(command)}</code>'
        f'<span class="figure-downloads"> · Download: {links}</span></p>'
    )
    return new_markdown_cell(text, id=f"source-of-{figure['name']}"[:64], metadata={"tags": ["figure-source"]})


def _download(path: str, text: str) -> str:
    # Raw links: Sphinx would look for the files beside the sources, but the assembly puts them beside the pages.
    return f'<a href="../{path}" download>{text}</a>'


def _offer_table(output: NotebookNode, name: str) -> None:
    """Put below a table the link to its file."""
    if table := output.get("metadata", {}).get("bngd_table"):
        link = _download(f"_results/{name}-{table}.csv", "CSV")
        output["data"]["text/html"] += f'<p class="figure-source figure-downloads">Download: {link}</p>'
