"""What all tests share: no window, the same examples in every run, and throw-away projects for the companion."""

import os

import pytest
from companion_project import Project
from hypothesis import settings

os.environ["MPLBACKEND"] = "Agg"
# The same examples every time: a rare failure must not meet the wrong change. A busy machine is no failure either.
settings.register_profile("bngd", derandomize=True, deadline=None)
settings.load_profile("bngd")


@pytest.fixture
def project(tmp_path):
    """An empty companion with a profile ``full``, to which a test adds notebooks."""
    return Project(tmp_path / "project")


@pytest.fixture
def output(tmp_path, monkeypatch):
    """The folder that a `Run` writes to, as if the companion's runner had set it."""
    monkeypatch.setenv("BNGD_OUTPUT", str(tmp_path / "output"))
    return tmp_path / "output"
