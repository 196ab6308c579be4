"""Explorers: the small interactive pictures of the book, each placed by a directive, all served as one script.

The sources are ES modules in ``book/explorers``. A browser does not load modules from a file system, so the book gets
them as one classic script, joined here in the order of their imports, on the pages that have an explorer.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

import bngd
from bngd import spectra
from bngd.companion.sphinx_ext import ComputedDirective, paragraph, read_json
from bngd.files import write_text
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared import by_dimension

_Data = dict[str, Any]
_FOLDER = "explorers"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|function|class|async)", re.MULTILINE)


def plain(module: str) -> str:
    """Return a module's text without what makes it one, its imports and exports."""
    return _EXPORT.sub("", _IMPORT.sub("", module))


def bundle(folder: Path) -> str:
    """Return all modules of a folder as one classic script: each once, after those that it imports from.

    Names are shared by all modules then; one that stands at the top of two of them is an error of syntax, which a test
    would see.
    """
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))}
    order: list[str] = []

    def add(name: str) -> None:
        if name not in order:
            for needed in _IMPORT.findall(texts[name]):
                add(needed)
            order.append(name)

    for name in texts:
        add(name)
    shared = {name for text in texts.values() for name in _IMPORT.findall(text)}
    # Each explorer in a scope of its own: they all have a `compute` and a `draw`.
    parts = [plain(texts[name]) if name in shared else f"{{\n{plain(texts[name])}}}\n" for name in order]
    return "".join(['(() => {\n"use strict";\n', *parts, "start();\n})();\n"])


# --- what an explorer takes from the notebooks: the very problem of a figure -----------------------------------------


def _two_walkers(parameters: _Data) -> tuple[_Data, str]:
    eigenvalues, angle = parameters["eigenvalues"], parameters["start_degrees"][0]
    length = parameters["start_lengths"][0]
    figure = {"eps": parameters["lr_gd"], "kappa": eigenvalues[1] / eigenvalues[0], "angle": angle, "length": length}
    problem = Problem.from_spectrum(eigenvalues, u=parameters["solution"])
    limit = bngd.gd_stability_limit(problem)
    start = length * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    run = bngd.bngd_trajectory(problem, start, 40 * limit, parameters["steps"])
    grown = run.norm_w[-1] / run.norm_w[0]
    return {"figure": figure}, (
        rf"Raise $\varepsilon$ to 40 times GD's limit $2/\lambda_d = {limit:.3g}$: GD explodes; BNGD jumps out once, "
        f"$w$ growing {grown:.3g}-fold, and from there on is {run.outcome}."
    )


def _tent(parameters: _Data) -> tuple[_Data, str]:
    rng, d = np.random.default_rng(parameters["seed"]), parameters["dimension"]
    spectra_of = [spectra.log_spaced(d, kappa) for kappa in parameters["condition_numbers"]]
    problems = [Problem.from_spectrum(eigenvalues, rng=rng) for eigenvalues in spectra_of]
    problem, w0 = problems[1], [unit_vectors(rng, d) for _ in problems][1]
    overlap = float(w0 @ problem.g / np.linalg.norm(problem.g))
    level = parameters["level_fraction"]
    figure = {"kappa": problem.condition_number, "overlap": abs(overlap), "eps_a": 1.0, "level": level}
    decades = float(bngd.good_interval(problem, w0, level * bngd.bngd_stability_limit(problem)).decades)
    # A start and its opposite run alike, with the opposite sign of a.
    data = {"u": problem.u.tolist(), "other": (np.sign(overlap) * w0).tolist(), "figure": figure}
    return data, (
        rf"At $\kappa = {problem.condition_number:.0f}$ the asymptotes promise {decades:.1f} decades of step sizes "
        rf"whose effective step is at least {level:g} of its limit $2/\lambda^*_d$."
    )


def _one_step(parameters: _Data) -> tuple[_Data, str]:
    problem = Problem.from_spectrum(parameters["eigenvalues"], u=parameters["solution"])
    angle, length = parameters["start_degrees"][0], parameters["start_lengths"][0]
    w = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    a, lr = float(bngd.optimal_a(problem, w)), parameters["lr_bngd"] / length**2  # the scaling law: w as long as 1
    grown = float(np.linalg.norm(bngd.bngd_step(problem, a, w, lr, 1.0)[1]))
    figure = {"eps": lr, "angle": angle, "a": a / float(np.sqrt(problem.explained))}
    return {"figure": figure}, (
        f"The step is orthogonal to $w$, so by Pythagoras $w$ can only grow: {grown:.3g}-fold in the first step of the "
        "first run of BNGD below."
    )


def _plane(parameters: _Data) -> tuple[_Data, str]:
    rng, d, steps = np.random.default_rng(parameters["seed"]), parameters["dimension"], parameters["steps"]
    problem = Problem.from_spectrum(spectra.log_spaced(d, parameters["condition_number"]), rng=rng)
    low, high = parameters["lr_decades"]
    w0, lr = unit_vectors(rng, d), np.logspace(low, high, 73)
    lr_a = np.arange(1, round(20 * parameters["lr_a_max"]) + 1) / 20
    runs = bngd.sweep(problem, lr, steps=steps, w0=w0, lr_a=lr_a[:, None], tolerance=parameters["tolerance"])
    ends = [outcome.value for outcome in _PLANE_OUTCOMES]
    codes = runs["outcome"].map(ends.index).to_numpy().reshape(lr_a.size, lr.size)
    data = {
        "eigenvalues": problem.eigenvalues.tolist(), "u": problem.u.tolist(), "w0": w0.tolist(), "steps": steps,
        "lr": lr.tolist(), "lr_a": lr_a.tolist(), "outcomes": ["".join(map(str, row)) for row in codes],
        "limit": bngd.gd_stability_limit(problem), "figure": {"eps": 1.0, "eps_a": 2.0},
    }  # fmt: skip
    lost = runs["outcome"] == bngd.Outcome.DIVERGED.value
    return data, (
        rf"Of {len(runs):,} runs of {steps} steps, {int(lost[runs['lr_a'] < 2].sum())} of those with "
        rf"$\varepsilon_a < 2$ diverged, and {lost[runs['lr_a'] > 2].mean():.0%} of those with $\varepsilon_a > 2$, "
        r"whatever $\varepsilon$."
    )


_PLANE_OUTCOMES = (bngd.Outcome.CONVERGED, bngd.Outcome.MOVING, bngd.Outcome.SADDLE, bngd.Outcome.DIVERGED)


def _ladder(parameters: _Data) -> tuple[_Data, str]:
    kappa, rest = parameters["outlier_condition_number"], 0.01
    figure = {"d": 3, "l1": 1, "l2": 1, "l3": kappa, "s1": rest / 2, "s2": rest / 2, "s3": 1 - rest}
    star = (1 - rest) + rest * kappa
    return {"figure": figure}, (
        rf"With one eigenvalue $\kappa = {kappa:g}$ above all others and {1 - rest:.0%} of $u^\top H u$ along it, "
        rf"$\kappa^* = {star:.3g}$: nearly all of $u$ must lie there, where below the bulk a trace is enough."
    )


def _working(parameters: _Data) -> tuple[_Data, str]:
    rng, d = np.random.default_rng(parameters["seed"]), parameters["dimension"]
    problems = [
        Problem.from_spectrum(spectra.log_spaced(d, kappa), rng=rng) for kappa in parameters["condition_numbers"]
    ]
    w0 = float(np.linalg.norm(problems[0].u)) * unit_vectors(rng, d, parameters["starts"])[0]
    kappa = parameters["condition_numbers"][0]
    figure = {"demand": 1, "loss": parameters["threshold"], "steps": parameters["steps"]}
    return {"u": problems[0].u.tolist(), "w0": w0.tolist(), "kappa": kappa, "figure": figure}, (
        rf"How wide the range of step sizes is depends on what is asked: here, with $\kappa = {kappa:g}$, a loss "
        f"of {parameters['threshold']:g} within {parameters['steps']} steps. Where a speed close to the best is asked, "
        "it is narrow for both."
    )


def _luck(parameters: _Data) -> tuple[_Data, str]:
    d = parameters["predicted_dimensions"][-1]
    figure = {"d": d, "kappa": parameters["condition_number"], "level": parameters["level"]}
    spread = by_dimension.LOG_CHI_DEVIATION
    return {"figure": figure}, (
        "Ten times the dimension adds one decade of good step sizes in the mean; the luck of the start spreads "
        f"them by {spread:.2f} decades, whatever the dimension."
    )


def _patience(parameters: _Data) -> tuple[_Data, str]:
    rng, d, kappa = np.random.default_rng(parameters["seed"]), parameters["dimension"], parameters["condition_number"]
    problem = Problem.from_spectrum(spectra.log_spaced(d, kappa), rng=rng)
    w0, level = unit_vectors(rng, d), parameters["level"]
    steps = parameters["steps"]
    figure = {"steps": steps[len(steps) // 2], "loss": level, "eps_a": parameters["lr_a"]}
    return {"u": problem.u.tolist(), "w0": w0.tolist(), "kappa": kappa, "figure": figure}, (
        "Ten times the steps take the smallest step size that works to a tenth, whatever the method. Only where the "
        r"scale has a rate $\varepsilon_a$ of its own do they raise the largest, tenfold: the limits of GD, "
        rf"$2/\lambda_d = {bngd.gd_stability_limit(problem):.3g}$, and of one rate for all, $\varepsilon_a = 2$, stay."
    )


SOURCES: dict[str, tuple[str, str, Callable[[_Data], tuple[_Data, str]]]] = {
    "two-walkers": ("landscape", "surfaces", _two_walkers),
    "one-step": ("landscape", "surfaces", _one_step),
    "plane": ("convergence", "plane", _plane),
    "ladder": ("effective_hessian", "gain-by-share", _ladder),
    "tent": ("effective_step", "tent", _tent),
    "working": ("robustness_learning_rate", "loss-against-lr", _working),
    "luck": ("robustness_dimension", "predicted-ratio", _luck),
    "patience": ("network_training_time", "least-squares", _patience),
}
"""Explorer -> notebook and figure that it sets in motion; that notebook's parameters -> its data, and a sentence."""


# --- the directive ---------------------------------------------------------------------------------------------------


class ExplorerDirective(ComputedDirective):
    """``{explorer} name``: a picture that readers move; without scripts, and in print, a figure and a sentence."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the place that the script fills, holding what is shown where no script runs."""
        name = self.arguments[0]
        if name not in SOURCES:
            raise self.error(f"there is no explorer {name!r}; there are: {', '.join(SOURCES)}")
        notebook, figure, prepare = SOURCES[name]
        provenance = read_json(self.env, "provenance", f"{notebook}.json")
        if provenance is None:
            return []
        data, sentence = prepare(provenance["parameters"])
        still = nodes.container(
            "", *self.markdown(sentence), self._figure(notebook, figure), classes=["explorer-still"]
        )
        self.env.metadata[self.env.docname]["explorers"] = "yes"
        start = f'<div class="explorer" id="{name}" data-explorer="{name}">{script(data)}'
        return [nodes.raw("", start, format="html"), still, nodes.raw("", "</div>", format="html")]

    def _figure(self, notebook: str, name: str) -> nodes.Node:
        results = read_json(self.env, "results", f"{notebook}.json") or {}
        alts = [figure["alt"] for figure in results.get("figures", []) if figure["name"] == name]
        self.env.note_dependency(__file__)
        uri = f"/{self.env.config.bngd_build}/figures/{notebook}-{name}.svg"
        reference = addnodes.pending_xref(
            "", refdomain="std", reftype="numref", reftarget=f"{notebook}-{name}", refexplicit=False,
            refwarn=True, refdoc=self.env.docname,
        )  # fmt: skip
        reference += nodes.inline("", f"{notebook}-{name}")
        number = nodes.inline("", "", reference, classes=["explorer-figure-number"])
        image = nodes.image(uri=uri, alt=" ".join(alts))
        return nodes.container("", image, paragraph(nodes.Text("This is "), number, nodes.Text(".")))


def script(data: _Data) -> str:
    """Return data for an explorer as an element that no browser runs."""
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json">{text}</script>'


def _write_bundle(app: Sphinx) -> None:
    """Put the script and the style sheet where pages find them; not among the theme's, which go on every page."""
    folder = Path(app.srcdir) / _FOLDER
    if app.builder.format == "html" and folder.is_dir():
        write_text(Path(app.outdir) / "_static" / "explorers.js", bundle(folder))
        write_text(
            Path(app.outdir) / "_static" / "explorers.css", (folder / "explorers.css").read_text(encoding="utf-8")
        )


def _load_bundle(app: Sphinx, page: str, template: str, context: _Data, doctree: nodes.document | None) -> None:
    """Load the script and the style sheet on a page that has an explorer."""
    if app.env.metadata.get(page, {}).get("explorers"):
        app.add_js_file("explorers.js", loading_method="defer")
        app.add_css_file("explorers.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.setup_extension("bngd.companion.sphinx_ext")
    app.add_directive("explorer", ExplorerDirective)
    app.connect("builder-inited", _write_bundle)
    app.connect("html-page-context", _load_bundle)
    return {"version": bngd.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
