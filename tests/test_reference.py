"""The page that says where everything is, and the reference: read from the sources, complete, and true."""

import inspect
import re
from pathlib import Path

import pytest
from docutils import nodes

import bngd
from bngd.companion.printing import toc_entries
from bngd.companion.reference import PUBLIC, ROOT, checked_by, documented, functions_of, signature
from bngd.paper import CHAPTERS


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_is_numbered_and_named_as_in_the_book(page):
    text = (Path(ROOT) / "book" / f"{page}.md").read_text("utf-8")
    stated = re.findall(r"^`{3,}\{prf:\w+\}.*\n:label: (\S+)", text, re.MULTILINE)
    chapters = [name for _, name, level in toc_entries(Path(ROOT) / "book" / "_toc.yml") if level == 1]
    assert CHAPTERS[page] == (chapters.index(page), text.splitlines()[0].removeprefix("# "), tuple(stated))


def test_functions_and_tests_of_a_notebook_are_found_in_its_sources():
    functions = functions_of("effective_hessian")
    assert "effective_condition_number" in functions
    assert "gd_trajectory" not in functions
    assert {"test_studies_effective_hessian.py", "test_theory.py"} <= set(checked_by("effective_hessian", functions))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_signature_and_a_description(name):
    value = getattr(bngd, name)
    assert " at 0x" not in signature(name, value)
    assert len(documented(inspect.getdoc(value))[0].astext()) > 10


def test_a_docstring_becomes_paragraphs_and_lists():
    found = documented(
        "Return ``x``.\n\nWith :math:`y`.\n\nParameters\n----------\na : int\n    A `b`.\nc : str\n    D.\n"
    )
    assert [type(node) for node in found] == [nodes.paragraph] * 3 + [nodes.definition_list]
    assert [term.astext() for term in found[3].findall(nodes.term)] == ["a : int", "c : str"]
    assert [code.astext() for node in found for code in node.findall(nodes.literal)] == ["x", "b"]
    assert [maths.astext() for node in found for maths in node.findall(nodes.math)] == ["y"]
