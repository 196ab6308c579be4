"""Every statement of the book says what stands behind it: a proof, the paper, or a claim."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STATEMENT = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{prf:(?P<kind>theorem|lemma|proposition|corollary|observation)\}(?P<title>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=fence)$\n*(?P<next>[^\n]*)",
    re.MULTILINE | re.DOTALL,
)
LABEL = re.compile(r":label: (\S+)")
STATUS = re.compile(
    r"\*((?:The paper's|Classical)[^*]*; proved here|Proved here|Proved in \[[^*]*\)|The paper's|Observed"
    r"|\(i\)[^*]*proved here)[^*]*\*\s*$"
)
FORMS = "*Proved here.*, *Proved in [page](page.md).*, *The paper's ...*, *Observed: ...*"

PAGES = sorted((ROOT / "book").glob("*.md"))
STATEMENTS = [(page, found) for page in PAGES for found in STATEMENT.finditer(page.read_text(encoding="utf-8"))]


def name(statement):
    """Return a statement's label, or its title."""
    page, found = statement
    label = LABEL.search(found["body"])
    return label[1] if label else f"{page.name}: {found['title']}"


@pytest.mark.parametrize("statement", STATEMENTS, ids=name)
def test_a_statement_ends_with_its_status_and_has_what_that_promises(statement):
    _, found = statement
    assert LABEL.search(found["body"]), "no label, so that nothing can refer to it"
    status = STATUS.search(found["body"])
    assert status, f"ends with no status: {FORMS}"
    if "roved here" in status[0]:
        assert found["next"].lstrip("`:").startswith("{prf:proof}"), "no proof follows"
    elif status[1].startswith("Proved in"):
        page = re.search(r"\]\((\S+\.md)\)", status[0])[1]
        proofs = re.findall(r"\{prf:proof\}\n[^\n]*", (ROOT / "book" / page).read_text(encoding="utf-8"))
        assert any(name(statement) in line for line in proofs), f"{page} holds no proof that names it"
    elif status[1] == "Observed":
        claims = re.findall(r"`([a-z0-9-]+)`", status[0])
        notebooks = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "notebooks").glob("*.ipynb"))
        assert claims
        assert all(f'id=\\"{claim}\\"' in notebooks for claim in claims), "no such claim"
    else:
        assert "{cite:" in found["body"], "the paper's, but it is not cited"


def test_there_are_statements():
    assert len(STATEMENTS) > 20
