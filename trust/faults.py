"""Pull the plug: kill -9 at random moments, then run again; the results must be those of a run that nobody killed.

What is killed works in a small checkout of its own, with a notebook that sweeps and one that hardly computes, so that
thirty kills take minutes. ``python -m trust.faults --kills 30``; the same seed kills at the same moments. The whole
companion can be killed, too, in a clone of its own: ``--subjects "companion quick" --kills 6`` takes a quarter of an
hour.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from trust import kept

sys.path.insert(0, str(kept.ROOT / "tests"))

IN_A_ROW = 3
"""Kills before a run may end: what one of them leaves is the next one's beginning."""

ROW = ["mnist_m2_gdlr", "--data", "fashion-mnist", "--every", "20", "--repetitions", "1", "--workers", "1"]
SWEEP = """
import numpy as np
from matplotlib import pyplot as plt
import bngd
problem = bngd.Problem.from_spectrum(np.geomspace(1, 100, 20), rng=np.random.default_rng(1))
table = bngd.sweep(problem, np.geomspace(1e-3, 1e3, 200), steps=500 * size, w0=np.ones(20))
run.table(table, "runs", caption="Runs.")
run.record(least=table["relative_loss"].min())
"""
DRAWING = 'fig, ax = plt.subplots()\nax.plot(table["lr"])\nrun.figure(fig, "lr", caption="Step sizes.", alt="a line")'
TOC = "{format: jb-book, root: index, chapters: [{file: notebooks/one}, {file: notebooks/two}]}"


def checkout(root: Path) -> Path:
    """Make a small checkout with two notebooks, a book and this environment, and return it."""
    from companion_project import BOOK_CONFIG, Project

    project = Project(root)
    project.profile("quick", "one: {size: 1}\n")
    project.notebook("one", SWEEP, DRAWING)
    project.notebook("two", "import time\ntime.sleep(size / 10)", "run.record(squares=[k * k for k in range(1000)])")
    (root / "book").mkdir()
    for name, text in (
        ("_config.yml", BOOK_CONFIG),
        ("_toc.yml", TOC),
        ("index.md", "# A book\n\n{value}`one:least`\n"),
    ):
        (root / "book" / name).write_text(text)
    shutil.copy(kept.ROOT / "Makefile", root)
    (root / ".venv").symlink_to(sys.prefix)
    for name in ("requirements.lock", "pyproject.toml"):
        (root / name).touch()
        os.utime(root / name, (1, 1))
    return root


def companion(root: Path) -> Path:
    """Make a clone of the companion itself, which uses this environment, and return it."""
    subprocess.run(["git", "clone", "--quiet", str(kept.ROOT), str(root)], check=True)
    return root


def contents(root: Path) -> dict[str, str]:
    """Return the digest of every file that was made, but for those that hold times or belong to Sphinx.

    Of the whole companion, whose pages tell when and how long they ran, the results and figures; of the rest the names.
    """
    parts = ("build/*/notebooks", "build/*/results", "build/*/figures", "build/*/book/html", "rows")
    made = [path for part in parts for path in root.glob(f"{part}/**/*") if path.is_file()]
    timed = (root / ".git").exists()
    return {
        str(path.relative_to(root)): ""
        if timed and (path.suffix in (".png", ".pdf") or not {"results", "figures"} & set(path.parts))
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in made
    }


def start(command: list[str], root: Path) -> subprocess.Popen[bytes]:
    """Start a command in a group of its own, which can be killed with all that it starts."""
    from companion_project import outside_make

    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    code = root if (root / "bngd").exists() else kept.ROOT
    env = outside_make() | {"PYTHONPATH": str(code)}
    return subprocess.Popen(command, cwd=root, env=env, start_new_session=True, **silent)


def finish(command: list[str], root: Path) -> float:
    """Run a command to its end, and return how long it took."""
    begun = time.monotonic()
    process = start(command, root)
    said = process.communicate()[1]
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed after a kill:\n{said.decode()}")
    return time.monotonic() - begun


def killed(command: list[str], root: Path, seconds: float) -> bool:
    """Run a command for so many seconds, kill it with all that it started, and return whether it was still running."""
    process = start(command, root)
    try:
        process.communicate(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True


def commands(subject: str) -> list[str]:
    """Return what is run, and killed, of a subject."""
    if subject == "row":
        return [sys.executable, "-m", "bngd.networks", "protocol", *ROW, "--output", "rows"]
    target, _, profile = subject.partition(" ")
    if target == "companion":
        venv = Path(sys.prefix)
        return ["make", f"VENV={venv}", f"-o{venv / '.installed'}", "book", f"PROFILE={profile}"]
    stamp = [".venv/.installed"] if (kept.ROOT / ".venv/.installed").exists() else []
    return ["make", "-j2", *(f"-o{path}" for path in stamp), target, f"PROFILE={profile}"]


def kill_often(subject: str, kills: int, seed: int, folder: Path) -> tuple[int, float]:
    """Kill a subject at random moments, run it again, and compare; return how many kills met it at work, and its time.

    Raises
    ------
    AssertionError
        If what killed runs and the next one leave together is not, byte for byte, what a run alone leaves.
    """
    moments, command = random.Random(f"{subject} {seed}"), commands(subject)
    make = companion if subject.startswith("companion") else checkout
    clean, whole = make(folder / "clean"), folder / "whole"
    shutil.copytree(clean, whole, symlinks=True)
    seconds = finish(command, whole)
    expected, met = contents(whole), 0
    for kill in range(kills):
        root = folder / str(kill // IN_A_ROW)
        if not root.exists():
            shutil.copytree(clean, root, symlinks=True)
        met += killed(command, root, moments.uniform(0, seconds))
        if (kill + 1) % IN_A_ROW == 0 or kill + 1 == kills:
            finish(command, root)
            found = contents(root)
            wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
            assert not wrong, f"{subject}, after kill {kill + 1}: {wrong}"
    return met, seconds


def kill_workers(kills: int, seed: int) -> int:
    """Kill one of two Dask workers at random moments of a sweep, compare its table, and return the number of kills."""
    import numpy as np
    import pandas as pd
    from distributed import LocalCluster

    import bngd
    from bngd.ensemble import cluster

    cluster.HOME_STEPS = 0.0
    moments = random.Random(seed)
    problem = bngd.Problem.from_spectrum(np.geomspace(1, 100, 40), rng=np.random.default_rng(1))

    def swept(**where: str) -> pd.DataFrame:
        return bngd.sweep(problem, np.geomspace(1e-3, 1e3, 600), steps=20_000, w0=np.ones(40), **where)

    expected = swept()
    for _ in range(kills):
        with LocalCluster(n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None) as running:
            pid = running.workers[0].pid
            threading.Timer(moments.uniform(0.5, 5), os.kill, (pid, signal.SIGKILL)).start()
            pd.testing.assert_frame_equal(swept(client=running.scheduler_address), expected)
    return kills


SUBJECTS: dict[str, float] = {"book quick": 0.3, "book full": 0.25, "one full": 0.25, "row": 0.13, "worker": 0.07}
"""What is killed, and its share of the kills."""

WHOLE = {"companion quick": 1.0, "companion full": 1.0}
"""What is killed only if asked for."""


def main() -> None:
    """Kill everything often, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m trust.faults", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subjects", nargs="+", default=list(SUBJECTS), choices=SUBJECTS | WHOLE)
    options = parser.parse_args()
    for subject in options.subjects:
        kills = max(1, round(options.kills * (SUBJECTS | WHOLE)[subject]))
        if subject == "worker":
            print(f"worker: {kill_workers(kills, options.seed)} kills, equal to the last bit", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            met, seconds = kill_often(subject, kills, options.seed, Path(folder))
        print(f"{subject}: {kills} kills within {seconds:.0f} s, {met} at work; byte-equal after the rerun", flush=True)


if __name__ == "__main__":
    main()
