"""The way from any statement to its evidence, code and tests, and the reference of the package: read from the sources.

Nothing here is typed twice. Claims come from the ledger, functions from the public names that a notebook and its
studies use, tests from the names that they use, the reference from signatures and docstrings.
"""

import inspect
import re
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

import bngd
from bngd.companion.shown import verdict
from bngd.companion.sphinx_ext import Cell, ComputedDirective, commas, numbered, paragraph, table, to_statement

ROOT = Path(bngd.__file__).parents[1]
PUBLIC = [name for name in sorted(bngd.__all__) if callable(getattr(bngd, name))]
_WORD = re.compile(r"[A-Za-z_]\w*")
_CODE_NAME = re.compile(r"bngd\.(\w+)")
_MARKED = re.compile(r"``([^`]+)``|:math:`([^`]+)`|`([^`]+)`")
_HEADING = re.compile(r"\n[ ]*([A-Z]\w+)\n[ ]*-{3,}\n")


def _words_of(*paths: Path) -> set[str]:
    """Return every identifier in some source files."""
    return {word for path in paths for word in _WORD.findall(path.read_text(encoding="utf-8"))}


def _sources_of(notebook: str) -> list[Path]:
    """Return a notebook and the files of its study."""
    return [ROOT / "notebooks" / f"{notebook}.ipynb", *sorted((ROOT / "bngd" / "studies" / notebook).glob("*.py"))]


@cache
def functions_of(notebook: str) -> list[str]:
    """Return the public names of `bngd` that a notebook and its study use."""
    used = _words_of(*_sources_of(notebook))
    return [name for name in PUBLIC if name in used]


def checked_by(notebook: str, functions: list[str]) -> list[str]:
    """Return the test files of a notebook's study and of the modules that define the functions it uses."""
    modules = {getattr(bngd, name).__module__.split(".")[1] for name in functions}
    wanted = [f"test_studies_{notebook}.py", *(f"test_{module}.py" for module in sorted(modules))]
    return [name for name in wanted if (ROOT / "tests" / name).is_file()]


class _WhereEverythingIs(ComputedDirective):
    """``{where-everything-is}``: statement -> claims, notebook and command, functions, tests."""

    def run(self) -> list[nodes.Node]:
        ledger = self.ledger()
        self.numbers = numbered(ledger)
        return [self._section(*chapter) for chapter in self.chapters("where", ledger)]

    def _section(self, section: nodes.section, claims: list[dict[str, Any]]) -> nodes.section:
        notebooks = list(dict.fromkeys(claim["notebook"] for claim in claims))
        rows = [self._row(name, [c for c in claims if c["notebook"] == name]) for name in notebooks]
        header = ("Figures and command", "Statements and claims", "Functions", "Tests")
        section += table(header, rows, (18, 20, 35, 27), ["where"])
        return section

    def _row(self, notebook: str, claims: list[dict[str, Any]]) -> list[Cell]:
        for path in _sources_of(notebook):
            self.env.note_dependency(str(path))
        command = nodes.literal("", f"make {notebook}")
        functions = functions_of(notebook)
        return [
            [paragraph(self.to_notebook(notebook, notebook.replace("_", " "))), paragraph(command, classes=["origin"])],
            claims_by_statement(self.env.docname, claims, self.numbers),
            [paragraph(*commas([nodes.literal("", f"bngd.{name}")] for name in functions))],
            [paragraph(*commas([nodes.literal("", name)] for name in checked_by(notebook, functions)))],
        ]


def claims_by_statement(docname: str, claims: list[dict[str, Any]], numbers: dict[str, str]) -> list[nodes.Node]:
    """Return a paragraph for each statement that some claims are about, with links to it and to them."""
    abouts = dict.fromkeys(claim["about"] for claim in claims)
    return [
        paragraph(
            to_statement(docname, about),
            nodes.Text(": "),
            *commas([to_claim(docname, c, numbers)] for c in claims if c["about"] == about),
        )
        for about in abouts
    ]


def to_claim(docname: str, claim: dict[str, Any], numbers: dict[str, str]) -> nodes.Node:
    """Return a link to the ledger's row of a claim: its number, and its name on hover."""
    link = page_link(docname, "ledger", f"claim-{claim['id']}", nodes.inline("", numbers[claim["id"]]))
    link["reftitle"] = f"{claim['id'].replace('-', ' ')}: {verdict(claim['verdict'])}"
    return link


def page_link(docname: str, page: str, anchor: str, shown: nodes.Node) -> nodes.reference:
    """Return a link from one page to an anchor of another; the book's link check finds it if it breaks."""
    up = "../" * docname.count("/")
    return nodes.reference("", "", shown, internal=True, refuri=f"{up}{page}.html#{anchor}")


class _Reference(ComputedDirective):
    """``{api}``: signature and docstring of every public function and class, and where each is used."""

    def run(self) -> list[nodes.Node]:
        return [self._section(name) for name in PUBLIC]

    def _section(self, name: str) -> nodes.section:
        value = getattr(bngd, name)
        section = nodes.section("", nodes.title("", "", nodes.literal("", name)), ids=[f"api-{name}"])
        section["names"] = [f"api-{name}"]
        section += addnodes.index(entries=[("single", f"bngd.{name}", f"api-{name}", "main", None)])
        section += nodes.literal_block("", signature(name, value), language="python")
        self.env.note_dependency(inspect.getfile(value))
        section.extend(documented(inspect.getdoc(value) or ""))
        used = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if name in functions_of(path.stem)]
        if used:
            section += paragraph(nodes.Text("Used by "), *commas([self.to_notebook(n, n)] for n in used))
        section += paragraph(nodes.Text(f"Defined in {value.__module__}"), classes=["origin"])
        return section


def signature(name: str, value: Any) -> str:
    """Return how a function is called, without its types, which the docstring says in words."""
    if isinstance(value, type) and issubclass(value, Exception | Enum):
        return f"bngd.{name}"
    parameters = inspect.signature(value).parameters.values()
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return f"bngd.{name}{inspect.Signature(bare)}"


def documented(docstring: str) -> list[nodes.Node]:
    """Return a numpydoc docstring as nodes: paragraphs, and a definition list for each of its sections."""
    head, *parts = _HEADING.split("\n" + docstring)
    found: list[nodes.Node] = [paragraph(*_marked(text)) for text in head.strip().split("\n\n") if text]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        found.append(paragraph(nodes.strong("", title)))
        if title == "Examples":
            found.append(nodes.literal_block("", inspect.cleandoc(body), language="pycon"))
            continue
        entries = re.split(r"\n(?=\S)", inspect.cleandoc(body))
        items = [_entry(*entry.partition("\n")[::2]) for entry in entries if entry.strip()]
        found.append(nodes.definition_list("", *items))
    return found


def _entry(term: str, text: str) -> nodes.definition_list_item:
    definition = nodes.definition("", paragraph(*_marked(inspect.cleandoc(text))))
    return nodes.definition_list_item("", nodes.term("", "", *_marked(term)), definition)


def _marked(text: str) -> list[nodes.Node]:
    """Return text with its code and mathematics marked."""
    found: list[nodes.Node] = []
    position = 0
    for match in _MARKED.finditer(text):
        found.append(nodes.Text(text[position : match.start()]))
        code, maths, name = match.groups()
        found.append(nodes.math(maths, maths) if maths else nodes.literal("", code or name))
        position = match.end()
    return [*found, nodes.Text(text[position:])]


def _link_code_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link every `bngd.name` in prose to the reference."""
    for literal in list(doctree.findall(nodes.literal)):
        match = _CODE_NAME.match(literal.astext())
        inside = isinstance(literal.parent, nodes.reference | nodes.title | addnodes.pending_xref)
        if match and match[1] in PUBLIC and not inside:
            literal.replace_self(page_link(docname, "api", f"api-{match[1]}", literal.deepcopy()))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("where-everything-is", _WhereEverythingIs)
    app.add_directive("api", _Reference)
    app.connect("doctree-resolved", _link_code_names)
    return {"version": bngd.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
