"""How the book was made: its notebooks with their parameters and durations, and what they ran on."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import bngd
from bngd.companion import shown
from bngd.companion.sphinx_ext import Cell, ComputedDirective, paragraph, read_json, table

_MACHINE_FACTS = ("bngd", "python", "platform", "cores")


class _RunStatus(ComputedDirective):
    """``{run-status}``: for each notebook of this book its parameters and duration, and what it all ran on."""

    def run(self) -> list[nodes.Node]:
        names = sorted(page.removeprefix("notebooks/") for page in self.env.found_docs if page.startswith("notebooks/"))
        runs = {name: read_json(self.env, "provenance", f"{name}.json") for name in names}
        known = {name: run for name, run in runs.items() if run is not None}
        rows = [self._notebook(name, run) for name, run in known.items()]
        total = sum(run["seconds"] for run in known.values())
        profiles = ", ".join(sorted({run["profile"] for run in known.values()}))
        summary = f"Profile {profiles}: {len(known)} notebooks, {total:.0f} seconds of execution in all."
        notebooks = table(("Notebook", "Seconds", "Parameters"), rows, (30, 10, 60), ["run-status"])
        return [paragraph(nodes.Text(summary)), notebooks, *self._versions(list(known.values()))]

    def _notebook(self, name: str, run: dict[str, Any]) -> list[Cell]:
        parameters = [
            paragraph(nodes.literal(key, key), nodes.Text(f" = {shown.brief(value, longest=100)}"))
            for key, value in run["parameters"].items()
        ]
        command = [paragraph(nodes.literal(run["command"], run["command"]), classes=["origin"])]
        return [
            [paragraph(self.to_notebook(name, name)), *command],
            [paragraph(nodes.Text(f"{run['seconds']:.1f}"))],
            [nodes.container("", *parameters, classes=["parameters"])],
        ]

    def _versions(self, runs: list[dict[str, Any]]) -> list[nodes.Node]:
        facts = [
            {**{key: run[key] for key in _MACHINE_FACTS}, "commit": _commit(run), **run["packages"]} for run in runs
        ]
        seen = {key: sorted({str(fact[key]) for fact in facts if key in fact}) for fact in facts for key in fact}
        rows = [
            [[paragraph(nodes.Text(key))], [paragraph(nodes.literal("", ", ".join(values)))]]
            for key, values in seen.items()
        ]
        return [table(("Part", "Version"), rows, (30, 70), ["versions"])] if rows else []


def _commit(run: dict[str, Any]) -> str:
    changes = " with local changes" if run["modified"] else ""
    return f"{run['commit'][:12]}{changes}" if run["commit"] else "not recorded"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("run-status", _RunStatus)
    return {"version": bngd.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
