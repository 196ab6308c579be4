"""What the book's pages say that was computed: numbers in prose, the summary table, the ledger.

A page that uses one of these depends on the files it reads, so that Sphinx makes it anew when they change; a number
that is not there is a warning, which the build treats as an error.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx_proof.nodes import proof_node  # type: ignore[import-untyped]

import bngd
from bngd.claims import VERDICTS, combine
from bngd.companion import shown
from bngd.paper import CHAPTER_OF, CHAPTERS, TABLE_COLUMNS, TABLE_ROWS

_logger = logging.getLogger(__name__)

Cell = Sequence[nodes.Node]


def read_json(env: Any, *parts: str) -> Any:
    """Read a JSON file below the profile's build folder, recording that the current page depends on it.

    Returns None, after a warning that names the file, if it is missing or not JSON.
    """
    path = (Path(env.srcdir) / env.config.bngd_build).resolve().joinpath(*parts)
    env.note_dependency(str(path))
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        _logger.warning("%s does not exist; execute the notebooks first", "/".join(parts), location=env.docname)
    except json.JSONDecodeError as error:
        _logger.warning("%s is not JSON: %s", "/".join(parts), error, location=env.docname)
    return None


class _ValueRole(SphinxRole):
    """A number from a run, in prose: ``{value}`notebook:name``` or ``{value}`notebook:name:.2e```.

    An entry of a recorded mapping is ``name.key``.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the formatted number, or a question mark and a warning that says what is wrong."""
        notebook, _, rest = self.text.partition(":")
        name, _, spec = rest.partition(":")
        results = read_json(self.env, "results", f"{notebook}.json")
        if results is None:
            return [nodes.Text("?")], []
        value = results.get("values", {})
        for key in name.split("."):
            if not isinstance(value, dict) or key not in value:
                there = ", ".join(sorted(value)) if isinstance(value, dict) else "a single value"
                return self._refuse(f"results of {notebook} hold no value {name!r}; there are: {there}")
            value = value[key]
        try:
            return [nodes.Text(shown.typeset(format(value, spec)))], []
        except (TypeError, ValueError) as error:
            return self._refuse(f"value {notebook}:{name} = {value!r} cannot be written as {spec!r}: {error}")

    def _refuse(self, message: str) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        _logger.warning("%s", message, location=self.get_location())
        return [nodes.Text("?")], []


def commas(items: Iterable[Cell]) -> list[nodes.Node]:
    """Return items one after another, a comma between any two."""
    return [node for item in items for node in (nodes.Text(", "), *item)][1:]


def _verdict_node(verdict: str) -> nodes.inline:
    """Return a verdict as a coloured word with a sign."""
    text = shown.verdict(verdict)
    return nodes.inline(text, text, classes=_verdict_classes(verdict))


def _verdict_classes(verdict: str) -> list[str]:
    return ["verdict", f"verdict-{verdict}"]


def paragraph(*children: nodes.Node, classes: Iterable[str] = ()) -> nodes.paragraph:
    """Return a paragraph of the given children."""
    node = nodes.paragraph("", "", classes=list(classes))
    node.extend(children)
    return node


def table(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int], classes: Iterable[str]
) -> nodes.Element:
    """Return a table that scrolls sideways where the page is too narrow."""
    group = nodes.tgroup(cols=len(header))
    group.extend(nodes.colspec(colwidth=width) for width in widths)
    group += nodes.thead("", _row([[paragraph(nodes.Text(title))] for title in header]))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.container("", nodes.table("", group, classes=["colwidths-given", *classes]), classes=["wide-table"])


def _row(cells: Sequence[Cell]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


class ComputedDirective(SphinxDirective):
    """Base of the directives that turn result files into nodes."""

    has_content = False

    def markdown(self, text: str) -> list[nodes.Node]:
        """Parse a line of Markdown, maths included."""
        holder = nodes.container()
        self.state.nested_parse(StringList([text], self.env.docname), 0, holder)
        return holder.children

    def to_notebook(self, notebook: str, text: str) -> nodes.Node:
        """Return a link to an executed notebook's page; Sphinx warns if there is no such page."""
        return _to_page(self.env.docname, f"notebooks/{notebook}", text)

    def ledger(self) -> list[dict[str, Any]]:
        """Return all claims, none after a warning if there is no ledger."""
        return read_json(self.env, "results", "ledger.json") or []

    def chapters(
        self, prefix: str, ledger: list[dict[str, Any]]
    ) -> Iterator[tuple[nodes.section, list[dict[str, Any]]]]:
        """Yield, for each chapter that has claims, a section without content, whose id begins so, and these claims."""
        for page, chapter in CHAPTERS.items():
            if claims := [claim for claim in ledger if CHAPTER_OF[claim["about"]] == page]:
                title, name = f"Chapter {chapter.number}: {chapter.title}", f"{prefix}-{page}"
                yield nodes.section("", nodes.title(title, title), ids=[name], names=[name]), claims


class _SummaryTable(ComputedDirective):
    """``{summary-table}``: the paper's summary table, each cell with the verdict that its claims earned."""

    def run(self) -> list[nodes.Node]:
        ledger = self.ledger()
        rows = [
            [
                self.markdown(title),
                *(
                    self._cell(f"{row}/{column}", said, ledger)
                    for column, said in zip(TABLE_COLUMNS, texts, strict=True)
                ),
            ]
            for row, (title, *texts) in TABLE_ROWS.items()
        ]
        header = ("Property", *TABLE_COLUMNS.values())
        return [table(header, rows, (19, 24, 28, 29), ["summary-table"])]

    def _cell(self, name: str, said: str, ledger: list[dict[str, Any]]) -> list[nodes.Node]:
        claims = [claim for claim in ledger if claim["table_cell"] == name]
        verdict = _verdict_node(combine([claim["verdict"] for claim in claims]))
        notebooks = dict.fromkeys(claim["notebook"] for claim in claims)
        links = commas([self.to_notebook(notebook, notebook.replace("_", " "))] for notebook in notebooks)
        evidence = paragraph(verdict, nodes.Text(" "), *links, classes=["evidence"])
        column = TABLE_COLUMNS[name.split("/")[1]]
        return [
            paragraph(nodes.Text(column), classes=["column-name"]),
            *self.markdown(said),
            nodes.container("", evidence, classes=["table-cell"], ids=[f"cell-{name.replace('/', '-')}"]),
        ]


class _Ledger(ComputedDirective):
    """``{ledger}``: every claim, by chapter: what was measured, what the rule asks for, the verdict."""

    def run(self) -> list[nodes.Node]:
        ledger = self.ledger()
        counts = commas([_verdict_node(v), nodes.Text(f" {sum(c['verdict'] == v for c in ledger)}")] for v in VERDICTS)
        tally = paragraph(nodes.Text(f"{len(ledger)} claims: "), *counts, nodes.Text("."), classes=["tally"])
        return [tally, *(self._section(*chapter) for chapter in self.chapters("chapter", ledger))]

    def _section(self, section: nodes.section, claims: list[dict[str, Any]]) -> nodes.section:
        numbers = numbered(claims)
        rows = [self._claim(claim, numbers[claim["id"]]) for claim in claims]
        section += table(shown.HEADER, rows, (46, 24, 16, 14), ["ledger"])
        return section

    def _claim(self, claim: dict[str, Any], number: str) -> list[Cell]:
        docname, name = self.env.docname, claim["notebook"]
        origin = paragraph(
            nodes.Text("On "), to_statement(docname, claim["about"]), nodes.Text(", from "),
            self.to_notebook(name, name.replace("_", " ")), nodes.Text("; "), nodes.literal("", claim["id"]),
            classes=["origin"],
        )  # fmt: skip
        statement, *cells, verdict = shown.claim_cells(claim)
        anchored = nodes.container(
            "", *self.markdown(f"**{number}** {statement}"), origin, ids=[f"claim-{claim['id']}"]
        )
        told = paragraph(nodes.inline(verdict, verdict, classes=_verdict_classes(claim["verdict"])))
        return [[anchored], *map(self.markdown, cells), [told]]


def numbered(ledger: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the number of each claim of a ledger, by its id: that of its chapter, then its place in it."""
    counts: Counter[int] = Counter()
    numbers = {}
    for claim in ledger:
        chapter = CHAPTERS[CHAPTER_OF[claim["about"]]].number
        counts[chapter] += 1
        numbers[claim["id"]] = f"{chapter}.{counts[chapter]}"
    return numbers


def _to_page(docname: str, page: str, text: str) -> nodes.Node:
    """Return a link to a page of the book; Sphinx warns if there is none."""
    reference = addnodes.pending_xref(
        "", refdomain="std", reftype="doc", reftarget=f"/{page}", refexplicit=True, refwarn=True, refdoc=docname
    )
    reference += nodes.inline(text, text)
    return reference


def to_statement(docname: str, about: str) -> nodes.Node:
    """Return a link to what a claim is about: a statement by its number, or a chapter."""
    if about in CHAPTERS:
        return _to_page(docname, about, f"chapter {CHAPTERS[about].number}")
    reference = addnodes.pending_xref(
        "", refdomain="prf", reftype="ref", reftarget=about, refexplicit=False, refwarn=True, refdoc=docname
    )
    reference += nodes.inline(about, about)
    return reference


def _tidy_statements(app: Sphinx, doctree: nodes.document) -> None:
    """Mend what sphinx-proof and sphinx-exercise write: one id for all statements, proofs, or exercises."""
    for section in doctree.findall(nodes.section):
        if section["ids"] in (["proof-content"], ["exercise-content"], ["solution-content"]):
            section["ids"] = [f"{section.parent['label']}-content"]
    for proof in doctree.findall(proof_node):
        body = proof.next_node(nodes.admonition)
        body["ids"], body["classes"] = [], ["proof", "argument"]
        _emphasise(body.next_node(nodes.Text), "Proof.")


def _emphasise(text: nodes.Text, word: str) -> None:
    rest = nodes.Text(text.astext().removeprefix(word))
    text.parent.replace(text, [nodes.emphasis(word, word), rest])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; ``bngd_build`` is the profile's build folder, relative to the sources."""
    app.add_config_value("bngd_build", "../..", "env")
    app.add_role("value", _ValueRole())
    app.add_directive("summary-table", _SummaryTable)
    app.add_directive("ledger", _Ledger)
    app.connect("doctree-read", _tidy_statements)
    return {"version": bngd.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
