"""A companion in miniature, for the tests of its machinery."""

import os
import subprocess
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bngd.companion.layout import Layout

REPOSITORY = Path(__file__).resolve().parents[1]

BOOK_CONFIG = """
title: A small book
only_build_toc_files: true
execute: {execute_notebooks: "off"}
latex: {use_jupyterbook_latex: false}
sphinx:
  config:
    extensions:
      [myst_nb, jupyter_book, sphinx_external_toc, sphinx_comments, sphinx_book_theme, bngd.companion.sphinx_ext,
       bngd.companion.status, bngd.companion.words]
    mathjax_path: mathjax/startup.js
    mathjax3_config: {loader: {load: [input/tex, output/chtml, a11y/assistive-mml]}}
"""
"""The configuration of a small book, without what only the whole one needs."""


def outside_make():
    """The environment without the flags of the make that runs the tests: its job server is not ours."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


class Project:
    """A folder with notebooks and profiles, and the means to run the companion in it."""

    def __init__(self, root):
        self.root = root
        (root / "notebooks" / "profiles").mkdir(parents=True)
        self.profile("full", "{}\n")
        self.layout = Layout.of_profile(root, "full")

    def profile(self, name, text):
        """Write a profile."""
        (self.root / "notebooks" / "profiles" / f"{name}.yaml").write_text(text)

    def notebook(self, name, *cells, parameters="size = 3", finish=True):
        """Write a notebook: a title, the parameters cell, a `Run`, the given cells, and ``run.finish()``."""
        head = [new_markdown_cell(f"# {name}"), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
        body = [f"from bngd.companion import Run\nrun = Run({name!r})", *cells, *(["run.finish()"] if finish else [])]
        notebook = new_notebook(cells=[*head, *map(new_code_cell, body)])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.layout.source(name))

    def make(self, *arguments):
        """Run make in the project, as a reader would."""
        env = outside_make()
        return subprocess.run(
            ["make", *arguments], cwd=self.root, env=env, capture_output=True, text=True, timeout=600, check=False
        )
