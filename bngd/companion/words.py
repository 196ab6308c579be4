"""Words that explain themselves: terms with their meaning on hover, names of code in cells with their reference.

The meaning of a term stands once, in the glossary. On every other page its first mention becomes a link to it, and a
search for it leads there first.
"""

import re
from typing import Any

from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.search import IndexBuilder

import bngd
from bngd.companion.reference import PUBLIC, page_link

_GLOSSARY = "symbols"
_SILENT = (_GLOSSARY, "api", "where", "ledger", "status", "references")
"""Pages whose words are left alone: the glossary itself, and lists of names."""

_INSIDE = (nodes.reference, nodes.title, nodes.literal, nodes.math, nodes.caption, nodes.term)
_CALL = re.compile(r'<span class="n">bngd</span><span class="o">\.</span><span class="n">(\w+)</span>')


def _collect_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Remember the glossary: each term, its anchor, and the first sentence of its meaning."""
    if app.env.docname == _GLOSSARY:
        app.env.bngd_terms = {  # type: ignore[attr-defined]
            term.astext(): (term["ids"][0], item.next_node(nodes.definition).astext().partition(". ")[0].strip("."))
            for item in doctree.findall(nodes.definition_list_item)
            for term in item.findall(nodes.term)
            if term["ids"]
        }


def _explain_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the first mention of each term on a page to the glossary, with its meaning on hover."""
    terms: dict[str, tuple[str, str]] = getattr(app.env, "bngd_terms", {})
    if docname in _SILENT or not terms:
        return
    left = {term.lower(): about for term, about in terms.items() if re.fullmatch(r"[\w -]{4,}", term)}
    longest_first = "|".join(sorted(map(re.escape, left), key=len, reverse=True))
    pattern = re.compile(rf"\b({longest_first})s?\b", re.IGNORECASE)
    for paragraph in doctree.findall(nodes.paragraph):
        for text in list(paragraph.findall(nodes.Text)):
            if not _is_inside(text, paragraph):
                _explain(text, pattern, left, docname)


def _is_inside(node: nodes.Node, outer: nodes.Node) -> bool:
    while node is not outer:
        node = node.parent
        if isinstance(node, _INSIDE):
            return True
    return False


def _explain(text: nodes.Text, pattern: re.Pattern[str], left: dict[str, tuple[str, str]], docname: str) -> None:
    parts: list[nodes.Node] = []
    said, position = text.astext(), 0
    for match in pattern.finditer(said):
        if about := left.pop(match[1].lower(), None):
            link = page_link(docname, _GLOSSARY, about[0], nodes.inline("", match[0]))
            link["classes"], link["reftitle"] = ["glossed"], about[1]
            parts += [nodes.Text(said[position : match.start()]), link]
            position = match.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(said[position:])])


def _keep_main_entries(app: Sphinx) -> list[Any]:
    """Let the search know what pages that were not written anew define: Sphinx learns it while it writes a page.

    Without this a definition would no longer come first once another page was changed.
    """
    indexer = getattr(app.builder, "indexer", None)
    if indexer is not None:
        known, reader = indexer._index_entries, IndexBuilder(app.env, "en", {}, "")
        for page in sorted(indexer._titles.keys() - known.keys()):
            entries = new_document(page)
            entries += [node.deepcopy() for node in app.env.get_doctree(page).findall(addnodes.index)]
            reader.feed(page, "", "", entries)
        found = known | reader._index_entries
        indexer._index_entries = {page: found[page] for page in sorted(indexer._titles)}
    return []  # no page of its own


def _link_calls(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Link `bngd.name` in the code of a page to the reference; highlighting has cut it into pieces by then."""
    if "bngd" in context.get("body", "") and pagename != "api" and app.builder.format == "html":
        up = "../" * pagename.count("/")
        context["body"] = _CALL.sub(lambda call: _linked(call, f"{up}api.html"), context["body"])


def _linked(call: re.Match[str], page: str) -> str:
    return f'<a class="call" href="{page}#api-{call[1]}">{call[0]}</a>' if call[1] in PUBLIC else call[0]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", _collect_terms)
    app.connect("doctree-resolved", _explain_terms, priority=600)  # after the names of code
    app.connect("html-page-context", _link_calls)
    app.connect("html-collect-pages", _keep_main_entries)
    return {"version": bngd.__version__, "parallel_read_safe": False, "parallel_write_safe": True}
