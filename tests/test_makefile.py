import ast
import functools
import json
import os
import re
import shutil
import socket
import sys
import time

import pytest
from companion_project import REPOSITORY, Project
from what_happens import happens

# Stands in for the installed Python: writes down each call, and makes what the companion would make.
FAKE_PYTHON = """#!/bin/sh
out=build/full
same() { cmp -s new "$1" || cp new "$1"; }
mkdir -p $out/notebooks $out/results $out/parameters $out/book/html $out/outputs
case "$3" in
execute) echo "execute $4" >> calls; touch $out/results/$4.json $out/notebooks/$4.ipynb
    echo results/$4.json > $out/outputs/$4 ;;
ledger) echo ledger >> calls; cat claims > new; same $out/results/ledger.json ;;
book) echo book >> calls; touch $out/book/html/page.html $out/book/html/index.html
    echo book/html/page.html > $out/outputs/book ;;
parameters) echo parameters >> calls
    for path in notebooks/*.ipynb; do
        name=$(basename $path .ipynb); grep "^$name:" notebooks/profiles/full.yaml > new
        same $out/parameters/$name.json
    done ;;
run) echo "$*" >> calls ;;
nested) env -u MAKEFLAGS make -n book >&2 && echo nested >> calls ;;
data) printf 'first: not had\n%s: from a file\ndata folder: here\n' "$(cat images 2>/dev/null || echo fashion-mnist)" ;;
esac
"""
SOURCES = (
    "bngd/claims.py", "bngd/companion/book.py", "bngd/companion/sphinx_ext.py", "bngd/networks/training.py",
    "bngd/networks/rows/kept.csv",
    "bngd/studies/one/plots.py", "bngd/studies/one/study.py", "bngd/studies/shared/networks.py",
    "bngd/studies/shared/style.py", "book/intro.md", "requirements.lock", "pyproject.toml",
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


def make_said(done):
    """The line of what make printed that says what is wrong, without make's own frame."""
    said = next(line for line in done.stderr.splitlines() if ":" in line)
    return re.sub(r"^Makefile:\d+: \*\*\* |\.  Stop\.$", "", said)


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
        ("requirements.lock", ["network_width", "one", "summary", "two"]),
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


@pytest.mark.parametrize(
    "lost",
    [
        "notebooks/two.ipynb", "results/two.json", "parameters/two.json", "results/ledger.json", "book/html/index.html",
        "book/html/page.html",
    ],
)  # fmt: skip
def test_a_lost_output_is_made_again(built, lost):
    (built.layout.output / lost).unlink()
    assert calls(built) != []
    assert (built.layout.output / lost).exists()
    assert calls(built) == []
    happens("faults", "a file below build/full is deleted", "make makes it again", given=lost)


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
    happens("command", "", "refused", given="make book PROFILE=nope", said=make_said(profile))
    target = built.make("convergance")
    assert target.returncode == 2
    assert "there is nothing called 'convergance' here; 'make help' lists" in target.stderr
    happens("command", "", "refused", given="make convergance", said=make_said(target))


def test_help_lists_every_target_and_notebook(built):
    said = built.make("help").stdout
    targets = re.findall(r"^\.PHONY: (.*) FORCE", (built.root / "Makefile").read_text(), re.MULTILINE)[0].split()
    assert len(targets) == 22
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
    happens("faults", "no Python that can be used", "one line", said=make_said(done))
    assert not (built.root / ".venv" / ".installed").exists()


def test_an_interrupted_installation_starts_afresh(built):
    (built.root / ".venv" / ".installing").touch()
    (built.root / ".venv" / ".installed").unlink()
    done = built.make("lab", "PYTHON=no-such-python", "FIND_PYTHON=exit 7")
    assert done.returncode == 2
    assert not (built.root / ".venv").exists()
    happens("faults", "an installation is interrupted", "the next one begins afresh")


def test_without_work_make_plans_none(built):
    touch(built, "notebooks/two.ipynb")
    built.profile("full", "two: {size: 4}\n")
    assert calls(built) != []
    assert planned(built, "book") == []


def planned(project, *arguments):
    """What make would run, each companion's command with its subject."""
    done = project.make("-n", *arguments)
    assert done.returncode == 0, done.stderr
    return re.findall(r"-m bngd\.companion (\w+ ?\w*)", done.stdout)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """This repository's own notebooks and package, every notebook executed by the fake Python."""
    root = tmp_path_factory.mktemp("whole")
    for name in ("bngd", "notebooks", "book", "Makefile", "pyproject.toml", "requirements.lock"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, root / name)
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").write_text(FAKE_PYTHON)
    (root / ".venv" / "bin" / "python").chmod(0o755)
    (root / ".venv" / ".installed").touch()
    (root / "claims").write_text("all")
    project = Project.__new__(Project)  # as it is, not a new one
    project.root = root
    assert project.make("notebooks").returncode == 0
    return project


NOTEBOOKS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_touched_file_of_a_notebook_executes_it_alone(whole, name):
    files = sorted((REPOSITORY / "bngd" / "studies" / name).glob("*.py"))
    assert files
    for path in files:
        assert executed_after(whole, path.relative_to(REPOSITORY)) == {name}


def test_what_networks_share_executes_their_notebooks_alone(whole):
    networks = {name for name in NOTEBOOKS if name.startswith("network_")}
    for name in ("studies/shared/networks.py", "networks/training.py"):
        assert executed_after(whole, f"bngd/{name}") == networks
    assert executed_after(whole, "bngd/studies/shared/style.py") == set(NOTEBOOKS)


def executed_after(project, touched):
    """The notebooks that make would execute if the file were touched now."""
    commands = planned(project, "-W", str(touched), "notebooks")
    return {command.split()[1] for command in commands if command.startswith("execute")}


def test_make_knows_of_every_file_that_a_notebook_imports(whole):
    database = whole.make("-p", "-n", "notebooks").stdout
    for name in NOTEBOOKS:
        [rule] = re.findall(rf"^build/full/notebooks/{name}\.ipynb: (.*)", database, re.MULTILINE)
        unknown = imported_by(REPOSITORY / "notebooks" / f"{name}.ipynb") - set(rule.split())
        assert not unknown, f"{name} imports {sorted(unknown)}, which make does not know of"


def imported_by(notebook):
    """The files of the package that a notebook's code imports, directly and through each other."""
    cells = json.loads(notebook.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    found, todo = set(), imports(code)
    while todo:
        name = todo.pop()
        for path in (f"{name.replace('.', '/')}.py", f"{name.replace('.', '/')}/__init__.py"):
            if path not in found and name.split(".")[0] == "bngd" and (REPOSITORY / path).is_file():
                found.add(path)
                todo |= imports_of_file(REPOSITORY / path)
    return found


@functools.cache
def imports_of_file(path):
    """`imports` of a file: many notebooks import the same ones."""
    return imports(path.read_text())


def imports(code):
    """The modules that a text imports, and what may be modules among the names that it imports from them."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_the_lock_holds_every_pin_with_its_hashes():
    pins = re.findall(r"^([\w.-]+==[\w.]+)", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE)
    lock = (REPOSITORY / "requirements.lock").read_text()
    entries = dict(
        re.findall(r"^([\w.-]+==[\w.]+)[^\n]*\\\n((?:    --hash=sha256:\w{64}(?: \\)?\n)+)", lock, re.MULTILINE)
    )
    assert len(pins) > 30
    missing = {pin.lower().replace("_", "-") for pin in pins} - set(entries)
    assert not missing, f"{sorted(missing)} are not in requirements.lock; run `make lock`"
    assert len(entries) == len(re.findall(r"^\w", lock, re.MULTILINE)), "an entry of requirements.lock has no hash"
    assert "://" not in lock


def test_arguments_that_a_target_takes_none_of_are_refused(built):
    done = built.make("book", "ARGS=-p size 4")
    assert done.returncode == 2
    assert "ARGS is '-p size 4', but book takes none: give it to a notebook" in done.stderr
    happens("command", "", "refused", given="make book ARGS='-p size 4'", said=make_said(done))


def test_arguments_of_a_command_are_none_of_a_build_that_it_starts(built):
    assert calls(built, "faults", "ARGS=nested") == ["nested"]


def test_networks_are_executed_again_when_better_images_can_be_had(built):
    (built.root / "images").write_text("digits")  # offline
    (built.root / "build" / ".data").unlink()
    assert calls(built) == ["book", "execute network_width", "ledger"]
    assert calls(built) == []
    (built.root / "images").write_text("fashion-mnist")
    assert calls(built) == ["book", "execute network_width", "ledger"]
    assert calls(built) == []
    happens("faults", "first offline, then online", "networks are trained again when better images can be had")


@pytest.mark.parametrize("name", ["my.csv", "my own table.csv"])
def test_a_table_that_a_profile_names_is_part_of_what_own_data_depends_on(built, name):
    built.notebook("own_data")
    (built.root / "notebooks" / name).touch()
    built.profile("full", f'own_data:\n  csv_path: "{name}"  # mine\n')
    calls(built)
    assert calls(built) == []
    touch(built, f"notebooks/{name}")
    assert "execute own_data" in calls(built)
    happens("faults", "a table that a profile names has changed", "own_data is executed again")


def test_a_busy_port_is_named_and_another_can_be_chosen(built):
    python = built.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(sys.executable)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = built.make("serve", f"PORT={port}", "-o", "build/full/book/html/index.html")
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert "PORT=8001" in done.stderr
    happens("faults", "a busy port", "one line", said=make_said(done).replace(str(port), "8000"))


def test_after_the_clock_was_set_back_what_changes_is_made_again(built):
    later = time.time() + 10_000
    for path in [path for path in built.layout.output.rglob("*") if path.is_file()]:
        os.utime(path, (later, later))
    (built.root / "claims").write_text("second")
    built.profile("full", "two: {size: 4}\n")
    touch(built, "notebooks/one.ipynb")
    everything = [
        "book",
        "execute network_width",
        "execute one",
        "execute summary",
        "execute two",
        "ledger",
        "parameters",
    ]
    assert calls(built) == everything
    assert calls(built) == []
    happens("faults", "the clock is set back after a build", "everything that was made in the future is made again")


def test_a_second_make_does_not_tear_down_what_a_first_one_installs(built):
    (built.root / ".venv" / ".installing").write_text(f"{os.getpid()}\n")
    (built.root / ".venv" / ".installed").unlink()
    done = built.make("lab")
    assert done.returncode == 2
    assert (built.root / ".venv" / "bin" / "python").exists()
    said = make_said(done).replace(str(os.getpid()), "4711")
    happens("faults", "a second make while a first one installs", "one line", said=said)
