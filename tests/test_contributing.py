"""The recipe for a new notebook, run as it stands in CONTRIBUTING.md."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_notebooks import check_captions

from bngd.companion.printing import toc_entries

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## A new notebook")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A copy of what the recipe changes, changed by it; its calls of make are left out."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in ("bngd", "notebooks"):
        shutil.copytree(ROOT / folder, copy / folder)  # with what is compiled
    for file in ("book/_toc.yml", "tests/problems.py", "requirements.lock"):
        (copy / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, copy / file)
    blocks = re.findall(r"```sh\n(.*?)```", RECIPE, re.DOTALL)
    assert len(blocks) == 4
    script = "\n".join(line for line in "".join(blocks).splitlines() if not line.startswith("make "))
    run(copy, "bash", "-euc", script.replace(".venv/bin/python", sys.executable))
    return copy


def run(folder, *command):
    env = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_notebook_runs_and_its_claim_holds(made):
    run(made, sys.executable, "-m", "bngd.companion", "parameters", "--profile", "quick")
    run(made, sys.executable, "-m", "bngd.companion", "execute", "first_step", "--profile", "quick")
    results = json.loads((made / "build/quick/results/first_step.json").read_text())
    assert [claim["verdict"] for claim in results["claims"]] == ["holds"]
    check_captions(made / "notebooks/first_step.ipynb")


def test_it_shifts_no_chapter(made):
    def chapters(root):
        return [page for _, page, level in toc_entries(root / "book" / "_toc.yml") if level == 1]

    assert chapters(made) == chapters(ROOT) != []
    assert "notebooks/first_step" in (made / "book/_toc.yml").read_text()


def test_its_test_passes_and_its_files_are_in_the_house_style(made):
    run(made, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_studies_first_step.py")
    written = ["bngd/studies/first_step", "tests/test_studies_first_step.py", "notebooks/first_step.ipynb"]
    settings = ["--config", str(ROOT / "pyproject.toml")]
    run(made, sys.executable, "-m", "ruff", "check", *settings, *written)
    run(made, sys.executable, "-m", "ruff", "format", "--check", *settings, *written)
