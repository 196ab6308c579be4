"""Profiles: a YAML file says, notebook by notebook, which parameters differ from their defaults."""

import json
from typing import Any

from bngd.companion import parameters
from bngd.companion.errors import CompanionError
from bngd.companion.layout import Layout
from bngd.companion.yamls import read_yaml
from bngd.files import json_text, write_text_if_changed


def load(layout: Layout, profile: str) -> dict[str, dict[str, Any]]:
    """Return a profile's parameters for every notebook, empty where it names none.

    The names of notebooks are checked here, those of parameters by `parameters.check`, which opens the notebook.

    Raises
    ------
    CompanionError
        If the profile does not exist, is not a mapping of mappings, or names a notebook that does not exist.
    """
    layout.require_profile(profile)
    path = layout.profile(profile)
    try:
        content = read_yaml(path.read_text()) or {}
    except CompanionError as error:
        raise CompanionError(f"{layout.shown(path)}: {error}") from None
    if not isinstance(content, dict):
        raise CompanionError(
            f"{layout.shown(path)} must map notebooks to parameters, not hold a {type(content).__name__}; write "
            "lines such as `convergence: {steps: 100}`"
        )
    for name, given in content.items():
        layout.require_notebook(name)
        if not isinstance(given, dict | None):
            raise CompanionError(f"{layout.shown(path)}: {name!r} must map parameters to values, not be {given!r}")
    return {name: content.get(name) or {} for name in layout.notebook_names()}


def split(layout: Layout, profile: str) -> list[str]:
    """Write each notebook's part of a profile to a file of its own, and return the names of those that changed.

    Make compares the times of these files, so that a changed parameter re-executes its own notebook alone. Every
    parameter is checked first; outputs of notebooks that no longer exist are removed.

    Raises
    ------
    CompanionError
        As `load` and `parameters.check` do; nothing is written then.
    """
    checked = {name: parameters.check(layout.source(name), given) for name, given in load(layout, profile).items()}
    with layout.alone(layout.parameters("").parent, "writing the parameters"):
        _forget_deleted(layout)
        return [name for name, at in checked.items() if write_text_if_changed(layout.parameters(name), json_text(at))]


def of_notebook(layout: Layout, profile: str, name: str) -> dict[str, Any]:
    """Return what a profile says of one notebook, as `split` wrote it; it is split anew where it changed since."""
    written = layout.parameters(name)
    if not written.exists() or written.stat().st_mtime < layout.profile(profile).stat().st_mtime:
        split(layout, profile)
    return json.loads(written.read_text())


def _forget_deleted(layout: Layout) -> None:
    """Remove all outputs of notebooks whose source is gone, so that no page or ledger shows them."""
    known = set(layout.notebook_names())
    for path in layout.executed("*").parent.glob("*.ipynb"):
        if path.stem not in known:
            _remove_outputs(layout, path.stem)


def _remove_outputs(layout: Layout, name: str) -> None:
    """Remove a notebook's outputs, the executed notebook first: without it nobody trusts the rest."""
    places = (layout.executed, layout.failed, layout.provenance, layout.parameters, layout.files_of)
    for path in [*(place(name) for place in places), *layout.outputs_of(name)]:
        path.unlink(missing_ok=True)
