"""The way between statements and their evidence: links that no page writes itself, read from the ledger.

A statement says which claims test it; a notebook says which statements it tests; a link to a statement says its title
when the mouse rests on it; the index of all statements shows titles, not labels.
"""

import os
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx_proof.domain import ProofDomain, ProofIndex  # type: ignore[import-untyped]

import bngd
from bngd.companion.reference import claims_by_statement, to_claim
from bngd.companion.run import LARGEST_INLINE_SVG
from bngd.companion.sphinx_ext import ComputedDirective, commas, numbered, paragraph, read_json, to_statement
from bngd.paper import CHAPTER_OF, CHAPTERS

_NOTEBOOKS = "notebooks/"
_logger = logging.getLogger(__name__)


class _FromNotebook(ComputedDirective):
    """``{from-notebook} effective_step:tent``: a figure of a notebook; the content is what to see in it.

    It has no number of its own: the notebook's is named.
    """

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        notebook, _, name = self.arguments[0].partition(":")
        results = read_json(self.env, "results", f"{notebook}.json") or {}
        alt = next((about["alt"] for about in results.get("figures", []) if about["name"] == name), None)
        if alt is None:
            raise self.error(f"notebook {notebook!r} has no figure {name!r}")
        folder = Path(self.env.srcdir, self.env.config.bngd_build).resolve() / "figures"
        drawing = folder / f"{notebook}-{name}.svg"
        if drawing.stat().st_size > LARGEST_INLINE_SVG:
            drawing = drawing.with_suffix(".png")
        figure = nodes.figure("", nodes.image(uri="/" + os.path.relpath(drawing, self.env.srcdir), alt=alt))
        said = f"{' '.join(self.content)} *{{numref}}`{notebook}-{name}`, where it is made.*"
        figure += nodes.legend("", *self.markdown(said))  # a caption would get a number
        return [figure]


def _keep_titles(app: Sphinx, doctree: nodes.document) -> None:
    """Remember the title of each statement of a page, and let a search for it lead there first."""
    statements = getattr(app.env, "proof_list", {})
    for node in list(doctree.findall(nodes.Admonition)):
        if isinstance(node, nodes.Element) and node.get("label") in statements:
            title = node.next_node(nodes.title)
            name = statements[node["label"]]["title"] = title.astext().strip("() ") if title else ""
            if name:
                found = addnodes.index(entries=[("single", name, node["label"], "main", None)])
                node.parent.insert(node.parent.index(node), found)


def _link_evidence(app: Sphinx, doctree: nodes.document) -> None:
    """Add to a chapter's statements the claims that test them, and to a notebook what it tests."""
    docname = app.env.docname
    if docname in CHAPTERS or docname.startswith(_NOTEBOOKS):
        ledger = read_json(app.env, "results", "ledger.json") or []
        if docname in CHAPTERS:
            _tested_by(doctree, docname, ledger)
        else:
            _tests(doctree, docname, ledger)


def _tested_by(doctree: nodes.document, docname: str, ledger: list[dict[str, Any]]) -> None:
    numbers = numbered(ledger)
    for node in list(doctree.findall(nodes.Admonition)):
        claims = [claim for claim in ledger if isinstance(node, nodes.Element) and claim["about"] == node.get("label")]
        if claims:
            links = commas([to_claim(docname, c, numbers)] for c in claims)
            word = "Tested by claim " if len(claims) == 1 else "Tested by claims "
            node.next_node(nodes.section).append(paragraph(nodes.Text(word), *links, classes=["tested-by"]))


def _tests(doctree: nodes.document, docname: str, ledger: list[dict[str, Any]]) -> None:
    claims = [claim for claim in ledger if claim["notebook"] == docname.removeprefix(_NOTEBOOKS)]
    title = doctree.next_node(nodes.title)
    if not claims or title is None:
        return
    chapters = dict.fromkeys(CHAPTER_OF[claim["about"]] for claim in claims)
    told = commas([to_statement(docname, page)] for page in chapters)
    lines = claims_by_statement(docname, claims, numbered(ledger))
    parts = [part for line in lines for part in (nodes.Text("; "), line[0], nodes.Text(" by "), *line[2:])][1:]
    note = paragraph(nodes.Text("Tests what is said in "), *told, nodes.Text(": "), *parts, nodes.Text("."))
    note["classes"].append("tested-by")
    title.parent.insert(title.parent.index(title) + 1, note)


class _ClaimRole(SphinxRole):
    """A link to the ledger's row of a claim, in prose: ``{claim}`its-id```. One that is not there is a warning."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        ledger = read_json(self.env, "results", "ledger.json") or []
        found = [to_claim(self.env.docname, c, numbered(ledger)) for c in ledger if c["id"] == self.text]
        if not found:
            _logger.warning("the ledger holds no claim %r", self.text, location=self.get_location())
        return [*found], []


def _say_titles(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each link to a statement the statement's title, which browsers show on hover."""
    statements = getattr(app.env, "proof_list", {})
    for link in doctree.findall(nodes.reference):
        label = link.get("refid") or link.get("refuri", "").rpartition("#")[2]
        if title := statements.get(label, {}).get("title"):
            link.setdefault("reftitle", title)


class _StatementIndex(ProofIndex):
    """The index of all statements: by kind, each with its number and its title."""

    localname = "Index of statements"

    def generate(self, docnames: Any = None) -> tuple[list[tuple[str, list[Any]]], bool]:
        env = self.domain.env
        content: dict[str, list[Any]] = {}
        for label, about in getattr(env, "proof_list", {}).items():
            number = env.toc_fignumbers.get(about["docname"], {}).get(about["countertype"], {}).get(label, ())
            name = f"{about['realtype'].title()} {'.'.join(map(str, number))}: {about.get('title') or label}"
            entry = (name, 0, about["docname"], label, env.titles[about["docname"]].astext(), "", "")
            content.setdefault(f"{about['realtype'].title()}s", []).append((number, entry))
        kinds = sorted(content.items())
        return [(kind, [entry for _, entry in sorted(entries, key=lambda e: e[0])]) for kind, entries in kinds], False


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    ProofDomain.indices = [_StatementIndex]
    app.add_directive("from-notebook", _FromNotebook)
    app.add_role("claim", _ClaimRole())
    app.connect("doctree-read", _keep_titles)
    app.connect("doctree-read", _link_evidence)
    app.connect("doctree-resolved", _say_titles)
    return {"version": bngd.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
