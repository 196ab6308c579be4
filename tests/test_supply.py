"""SECURITY.md, held to its word; the bill of materials and the audit."""

import ast
import json
import re
from datetime import date

import pytest

from trust import kept, supply

SOURCES = [*sorted(kept.ROOT.glob("bngd/**/*.py")), *sorted(kept.ROOT.glob("trust/*.py"))]
FORBIDDEN_CALLS = {"eval", "exec", "compile"}
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "marshal", "shelve", "dill", "joblib"}


def calls(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node.func.id if isinstance(node.func, ast.Name) else None, node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(kept.ROOT)))
def test_nothing_is_evaluated_or_unpickled(path):
    assert not {name for name, _ in calls(path)} & FORBIDDEN_CALLS
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not {name.split(".")[0] for name in names} & FORBIDDEN_MODULES
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False


def test_servers_listen_on_the_loopback_address_only():
    makefile = (kept.ROOT / "Makefile").read_text()
    assert "http.server --bind 127.0.0.1" in makefile
    everything = makefile + "".join(path.read_text() for path in SOURCES)
    assert "0.0.0.0" not in everything
    assert not re.search(r"--ip[= ]", makefile)  # JupyterLab's own default is localhost


def test_the_bill_names_everything_that_is_installed():
    bill = supply.bill()
    names = {component["name"] for component in bill["components"]}
    assert {"numpy", "numba", "jax", "papermill"} <= names
    assert "bngd" not in names
    assert all(component["purl"].startswith("pkg:pypi/") for component in bill["components"])
    assert json.dumps(bill) == json.dumps(supply.bill())


def test_the_audit_finds_what_a_list_names_and_says_its_date(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"numpy": ["<1000"], "Pandas": ["<0.1"], "no-such-package": [">0"]}))
    found, said = supply.audit(path, today=date(2999, 1, 1))
    assert len(found) == 1
    assert "numpy" in found[0]
    assert "known since then" in said
