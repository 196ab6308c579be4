import ast
import os
import re
import shutil
import time
from pathlib import Path

import pytest
from companion_project import REPOSITORY

# Stands in for the installed Python: writes down each call, and makes what the companion would make.
FAKE_PYTHON = """#!/bin/sh
out=build/full
same() { cmp -s new "$1" || cp new "$1"; }
mkdir -p $out/notebooks $out/results $out/parameters $out/book/html
case "$3" in
execute) echo "execute $4" >> calls; touch $out/notebooks/$4.ipynb ;;
ledger) echo ledger >> calls; cat claims > new; same $out/results/ledger.json ;;
book) echo book >> calls; touch $out/book/html/index.html ;;
parameters) echo parameters >> calls
    for path in notebooks/*.ipynb; do
        name=$(basename $path .ipynb); grep "^$name:" notebooks/profiles/full.yaml > new
        same $out/parameters/$name.json
    done ;;
run) echo "$*" >> calls ;;
esac
"""
SOURCES = (
    "bngd/claims.py", "bngd/companion/book.py", "bngd/companion/sphinx_ext.py", "bngd/networks/training.py",
    "bngd/networks/rows/kept.csv",
    "bngd/studies/one/plots.py", "bngd/studies/one/study.py", "bngd/studies/shared/networks.py",
    "bngd/studies/shared/style.py", "book/intro.md", "requirements.txt", "constraints.txt", "pyproject.toml",
)  # fmt: skip


@pytest.fixture
def built(project):
    """A project in which ``make book`` has run, with the fake Python."""
    for name in ("one", "two", "network_width", "summary"):
        project.notebook(name)
    for name in SOURCES:
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).touch()
    shutil.copy(REPOSITORY / "Makefile", project.root)
    (project.root / "claims").write_text("first")
    python = project.root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    (project.root / ".venv" / ".installed").touch()
    assert calls(project) == [
        "book", "execute network_width", "execute one", "execute summary", "execute two", "ledger", "parameters",
    ]  # fmt: skip
    return project


def calls(project, *arguments):
    """What ``make book`` calls, sorted, as notebooks run side by side."""
    log = project.root / "calls"
    log.unlink(missing_ok=True)
    done = project.make(*(arguments or ("book",)))
    assert done.returncode == 0, done.stderr
    return sorted(log.read_text().splitlines()) if log.exists() else []


def touch(project, name):
    time.sleep(0.02)  # file times advance in steps of some milliseconds, and make takes equal ones for up to date
    os.utime(project.root / name)
    time.sleep(0.02)


def test_a_second_call_starts_no_python(built):
    assert calls(built) == []


def test_a_touched_notebook_is_executed_alone(built):
    touch(built, "notebooks/two.ipynb")
    assert calls(built) == ["book", "execute two", "ledger"]
    assert calls(built) == []


def test_changed_claims_reach_the_summary(built):
    touch(built, "notebooks/two.ipynb")
    (built.root / "claims").write_text("second")
    assert calls(built) == ["book", "execute summary", "execute two", "ledger"]
    assert calls(built) == []


def test_a_changed_parameter_executes_its_notebook_alone(built):
    built.profile("full", "two: {size: 4}\n")
    assert calls(built) == ["book", "execute two", "ledger", "parameters"]
    assert calls(built) == []


@pytest.mark.parametrize(
    ("source", "executed"),
    [
        ("bngd/claims.py", ["network_width", "one", "summary", "two"]),
        ("requirements.txt", ["network_width", "one", "summary", "two"]),
        ("bngd/networks/training.py", ["network_width"]),
        ("bngd/networks/rows/kept.csv", ["network_width"]),
        ("bngd/studies/one/study.py", ["one"]),
        ("bngd/studies/one/plots.py", ["one"]),
        ("bngd/studies/shared/networks.py", ["network_width"]),
        ("bngd/studies/shared/style.py", ["network_width", "one", "summary", "two"]),
        ("bngd/companion/book.py", []),
        ("book/intro.md", []),
    ],
)
def test_a_touched_source_executes_what_depends_on_it(built, source, executed):
    touch(built, source)
    touch(built, ".venv/.installed")
    expected = ["book", *[f"execute {name}" for name in executed], *(["ledger"] if executed else [])]
    assert calls(built) == expected
    assert calls(built) == []


def test_a_deleted_notebook_leaves_ledger_and_book(built):
    (built.root / "notebooks" / "two.ipynb").unlink()
    assert calls(built) == ["book", "ledger", "parameters"]
    assert calls(built) == []


@pytest.mark.parametrize("lost", ["notebooks/two.ipynb", "parameters/two.json", "results/ledger.json"])
def test_a_lost_output_is_made_again(built, lost):
    (built.layout.output / lost).unlink()
    assert calls(built) != []
    assert (built.layout.output / lost).exists()
    assert calls(built) == []


def test_a_notebook_is_made_by_name_and_with_own_parameters(built):
    touch(built, "notebooks/one.ipynb")
    touch(built, "notebooks/two.ipynb")
    assert calls(built, "one") == ["execute one"]
    own = ["-m bngd.companion run one --profile full -p size 7"]
    assert calls(built, "one", "ARGS=-p size 7") == own


def test_an_unknown_profile_or_target_is_refused_with_what_there_is(built):
    built.profile("quick", "{}\n")
    profile = built.make("book", "PROFILE=nope")
    assert profile.returncode == 2
    assert "there is no profile 'nope'; the profiles are: full quick" in profile.stderr
    target = built.make("convergance")
    assert target.returncode == 2
    assert "there is nothing called 'convergance' here; 'make help' lists" in target.stderr


def test_help_lists_every_target_and_notebook(built):
    said = built.make("help").stdout
    targets = re.findall(r"^\.PHONY: (.*) FORCE", (built.root / "Makefile").read_text(), re.MULTILINE)[0].split()
    assert len(targets) == 12
    assert {*targets, "one", "two", "network_width", "summary"} <= set(said.split())


def test_without_a_python_setting_up_says_what_to_do(built, tmp_path):
    for name in (".venv/.installed", ".venv/bin/python"):
        (built.root / name).unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "make", "touch", "find", "test", "rm", "mkdir", "cmp", "mv", "sed", "getconf"):
        (tools / name).symlink_to(shutil.which(name))
    done = built.make("notebooks", f"PATH={tools}")
    assert done.returncode == 2
    assert "no Python 3.11 or later that can make environments was found" in done.stderr
    assert not (built.root / ".venv" / ".installed").exists()


def test_an_interrupted_installation_starts_afresh(built):
    (built.root / ".venv" / ".installing").touch()
    (built.root / ".venv" / ".installed").unlink()
    done = built.make("lab", "PYTHON=no-such-python", "FIND_PYTHON=exit 7")
    assert done.returncode == 2
    assert not (built.root / ".venv").exists()


def test_a_folder_of_studies_that_is_named_like_a_notebook_is_imported_by_itself_alone():
    notebooks = {path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    for path in sorted((REPOSITORY / "bngd").rglob("*.py")):
        foreign = {f"bngd.studies.{name}" for name in notebooks - {path.parent.name}}
        found = {name for name in imports(path) if ".".join(name.split(".")[:3]) in foreign}
        assert not found, f"{path} imports {found}, which make does not know of"


def test_what_network_notebooks_share_is_imported_by_them_alone():
    for path in sorted((REPOSITORY / "bngd").rglob("*.py")):
        if not path.parent.name.startswith("network") and not path.name.startswith("network"):
            found = {name for name in imports(path) if name.startswith("bngd.studies.shared.network")}
            assert not found, f"{path} imports {found}, which make does not know of"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
