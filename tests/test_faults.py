"""What a machine does to a reader: two at once, a full or read-only disk, no home, a foreign folder. One line each."""

import errno
import json
import os
import re
import subprocess
import sys
import threading

import pytest
from companion_project import REPOSITORY
from what_happens import happens

from bngd.companion import execute as runner
from bngd.companion.__main__ import main
from bngd.companion.errors import WAYS_OUT
from bngd.files import alone
from trust import faults

ENV = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def command(project, *arguments, **settings):
    """The companion's command line in a process of its own."""
    settings = {"env": ENV, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **settings}
    return subprocess.Popen([sys.executable, "-m", "bngd.companion", *arguments], cwd=project.root, **settings)


def test_two_at_once_wait_for_each_other_and_leave_one_whole_result(project):
    project.notebook("demo", "import time; time.sleep(2)", "run.record(size=size)")
    both = [command(project, "execute", "demo") for _ in range(2)]
    said = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("another process is executing demo in build/full; waiting for it" in text for text in said) == 1
    assert json.loads(project.layout.record("demo").read_text())["values"] == {"size": 3}
    [said] = [line for text in said for line in text.splitlines() if "waiting" in line]
    happens(
        "faults", "one notebook, executed twice at once", "the second waits, and takes what the first made", said=said
    )
    assert not [path for path in project.layout.staging.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("arguments", "held", "what"),
    [
        (["ledger"], "results", "collecting the ledger"),
        (["parameters"], "parameters", "writing the parameters"),
        (["book"], "book", "building the book"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_is_made_of_all_notebooks_is_made_by_one_process_at_a_time(
    project, monkeypatch, capsys, arguments, held, what
):
    monkeypatch.chdir(project.root)
    holding, let_go = threading.Event(), threading.Event()

    def hold():
        with alone(project.layout.output / held, ""):
            holding.set()
            let_go.wait(60)

    first = threading.Thread(target=hold)
    second = threading.Thread(target=main, args=(arguments,))
    first.start()
    holding.wait(60)
    second.start()
    second.join(1)
    assert second.is_alive(), "it does not wait"
    let_go.set()
    second.join(60)
    first.join()
    [said] = [line for line in capsys.readouterr().out.splitlines() if "waiting" in line]
    assert said == f"another process is {what} in build/full; waiting for it"
    happens("faults", "two builds at once", "the second waits for the first", given=what, said=said)


def test_a_build_that_is_killed_at_any_moment_is_whole_after_the_next_one(tmp_path):
    met, _ = faults.kill_often("two full", 2, 0, tmp_path)
    assert met > 0
    happens("faults", "kill -9 at any moment of make", "nothing half-written; the next make gives the same bytes")


@pytest.mark.parametrize("output", [".", "build", "build/full", "build/quick", "notebooks", "..", "build/own"])
def test_an_own_run_writes_neither_to_the_sources_nor_into_a_book(project, monkeypatch, capsys, output):
    project.notebook("demo")
    before = project.layout.source("demo").read_bytes()
    monkeypatch.chdir(project.root)
    assert main(["run", "demo", "--output", output]) == 1
    said = capsys.readouterr().err.strip()
    assert "give a folder below" in said
    given, said = (
        f"--output {output}",
        said.replace(str(project.root), "project").replace(str(project.root.parent), ".."),
    )
    happens(
        "faults", "own results among the sources or into a book", "refused; nothing is touched", given=given, said=said
    )
    assert project.layout.source("demo").read_bytes() == before
    assert not (project.root / "build").exists()


def test_a_notebook_that_is_not_the_companions_is_not_overwritten(project, tmp_path, monkeypatch, capsys):
    project.notebook("demo")
    mine = tmp_path / "mine" / "notebooks" / "demo.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    monkeypatch.chdir(project.root)
    assert main(["run", "demo", "--output", str(tmp_path / "mine")]) == 1
    said = capsys.readouterr().err.strip()
    assert f"{mine} was not made by a run of the companion" in said
    said = said.replace(str(tmp_path), "folder")
    happens("faults", "own results over a notebook of yours", "refused; it stays as it is", said=said)
    assert mine.read_text() == "precious"


def test_a_parameter_given_twice_is_refused(project, monkeypatch, capsys):
    project.notebook("demo")
    monkeypatch.chdir(project.root)
    assert main(["run", "demo", "-p", "size", "1", "-p", "size", "2"]) == 1
    said = capsys.readouterr().err.strip()
    assert "parameter 'size' is given 2 times" in said
    happens("command", "a parameter given twice", "refused", given="-p size 1 -p size 2", said=said)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_system_refuses_is_one_line_with_path_and_way_out(project, monkeypatch, capsys, number):
    project.notebook("demo")
    monkeypatch.chdir(project.root)

    def refuse(job):
        raise OSError(number, os.strerror(number), "build/full/results/demo.json")

    monkeypatch.setattr(runner, "execute", refuse)
    assert main(["execute", "demo"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"error: build/full/results/demo.json: {os.strerror(number)}; {WAYS_OUT[number]}"
    happens(
        "faults", "the system refuses to write", "one line, at any command", given=errno.errorcode[number], said=line
    )


def test_a_full_disk_inside_of_a_notebook_is_named_and_leaves_nothing_half_done(project):
    # Python keeps the first 2000 bytes of what it compiles meanwhile, and is broken by them from then on.
    quiet = "import resource, sys\nsys.dont_write_bytecode = True\n"
    full = f"{quiet}resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    project.notebook("demo", full, "run.record(x=list(range(10_000)))")
    done = command(project, "execute", "demo")
    said = done.communicate(timeout=600)[0]
    assert done.returncode == 1
    assert "File too large" in said
    assert "Traceback" not in said
    assert not project.layout.results.exists()
    [line] = [line for line in said.splitlines() if "File too large" in line]
    line = re.sub(r"'.*/results/", "'results/", line)
    happens("faults", "a full disk inside of a notebook", "nothing half-done is left; its message ends in", said=line)


@pytest.mark.parametrize("home", [None, "/proc/none"])
def test_without_a_home_a_notebook_runs_all_the_same(project, home):
    project.notebook("demo")
    env = {name: value for name, value in ENV.items() if name not in ("HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME")}
    done = command(project, "execute", "demo", env=env if home is None else {**env, "HOME": home})
    said = done.communicate(timeout=600)[0]
    assert done.returncode == 0, said
    assert "Traceback" not in said
    happens("faults", "a home that is missing or cannot be written", "it runs all the same", given=f"HOME={home or ''}")


ALONE = ["unshare", "--map-root-user", "--net"]  # a network of its own, in which nothing is up


@pytest.mark.skipif(subprocess.call([*ALONE, "true"], stderr=subprocess.DEVNULL) != 0, reason="needs namespaces")
def test_without_a_loopback_interface_nobody_waits_for_a_kernel(project):
    project.notebook("demo")
    told = subprocess.run(
        [*ALONE, sys.executable, "-m", "bngd.companion", "execute", "demo"],
        cwd=project.root, env=ENV, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    [line] = told.stderr.splitlines()
    assert line == f"error: 127.0.0.1: Network is unreachable; {WAYS_OUT[errno.EADDRNOTAVAIL]}"
    assert not project.layout.results.exists()
    happens("faults", "no loopback interface", "one line, at once", said=line)


def test_a_reader_who_has_seen_enough_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "bngd.companion", "list"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=REPOSITORY, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_compared_after_a_kill_is_all_that_was_made(tmp_path):
    below = ["notebooks/a.ipynb", "results/a.json", "figures/a.png", "book/html/index.html"]
    made = [*(f"build/full/{name}" for name in below), "rows/a.csv"]
    for name in (*made, "book/index.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = faults.contents(tmp_path)
    assert set(found) == set(made)
    assert len(set(found.values())) == len(made)
