"""The examples of the docstrings, executed: what the reference of the package shows is what happens."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import bngd

MODULES = [
    module.name
    for module in pkgutil.walk_packages(bngd.__path__, "bngd.")
    if "__main__" not in module.name and ">>> " in inspect.getsource(importlib.import_module(module.name))
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_print_what_they_say(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(module), extraglobs={"bngd": bngd, "np": np})
    assert tried > 0
    assert failed == 0
