"""Every error that the package raises deliberately: its message holds what was given, a rule and a way out.

A case is a call and the words that its message must hold, the value that was given first among them. Which `raise` of
the package it reaches is read from the traceback, so that one without a case fails the test.
"""

import ast
import gzip
import re
import traceback
from argparse import Namespace
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from companion_project import REPOSITORY, Project
from own_tables import CASES

import bngd
from bngd import Problem, claims, datasets, files, guarantees, measure, spectra
from bngd.companion import (
    Run,
    __main__,
    book,
    chromium,
    cost,
    execute,
    ledger,
    mathjax,
    parameters,
    printing,
    profiles,
    ranges,
    yamls,
)
from bngd.companion.explorers import ExplorerDirective
from bngd.companion.layout import Layout, find_root
from bngd.ensemble import cluster, sweep
from bngd.equivalences import Configuration, rotate
from bngd.networks import (
    M2,
    Images,
    Job,
    cross_entropy_floor,
    cross_entropy_floor_of_norm,
    data,
    idx,
    jobs,
    kept,
    largest_scale,
    largest_surplus,
    parallel,
    pooling,
    protocol,
    sources,
    tent,
    together,
    training,
)
from bngd.networks.architectures import Dense, Network
from bngd.studies.convergence_rate.study import _converged_runs, furthest
from bngd.studies.effective_hessian.study import problem_with_shares
from bngd.studies.gradient_descent.study import steps_to_resolve
from bngd.studies.network_width import study as network_width
from bngd.studies.own_data import reading, source
from bngd.studies.robustness_dimension.study import starts_with_overlap
from bngd.studies.shared import by_dimension, random_problems, rates
from bngd.studies.shared.scans import Scan
from bngd.studies.variants_steps import study as variants_steps

P = Problem.from_spectrum([1.0, 2.0, 4.0], u=np.ones(3))
ONE = Problem.from_spectrum([1.0], u=[1.0])
RNG = np.random.default_rng(0)
X, Y, NAN = np.arange(12.0).reshape(6, 2) ** 2, np.arange(6.0), np.nan
FRAME = pd.DataFrame(X, columns=["p", "q"])


def from_data(X=X, y=Y, **options):
    return Problem.from_data(X, y, **options)


def run(**change):
    return sweep(P, **{"lr": 0.1, "steps": 10, "w0": np.ones(3), **change})


MATHEMATICS = [
    (lambda: Problem([2.0, 1.0], [1.0, 1.0]), "2 stands before 1", "eigenvalues"),
    (lambda: Problem([1.0, 2.0], [1.0]), "(1,)", "g", "2 eigenvalues"),
    (lambda: Problem([1.0, 2.0], [NAN, 1.0]), "nan", "g"),
    (lambda: Problem([1.0, 2.0], [1.0, 1.0], 0.5), "0.5", "second_moment", "1.5"),
    (lambda: Problem.from_spectrum([1.0, 2.0]), "None", "u", "rng"),
    (lambda: Problem.from_spectrum([1.0, 2.0], u=[1.0]), "(1,)", "u"),
    (lambda: Problem.from_spectrum([1.0], u=[1.0], noise_variance=-1.0), "-1.0", "noise_variance"),
    (lambda: Problem.from_spectrum([1.0], rng=0), "0", "rng", "default_rng"),
    (lambda: Problem.from_moments(np.eye(2), [1.0]), "(1,)", "(2, 2)", "g"),
    (lambda: Problem.from_moments([[1.0, 0.5], [0.0, 1.0]], [1.0, 1.0]), "0.5", "H[0, 1]"),
    (lambda: Problem.from_moments([[np.inf, 0.0], [0.0, 1.0]], [1.0, 1.0]), "inf", "H[0, 0]"),
    (lambda: from_data(np.array([[1.0], [-1], [1], [-1]]), np.array([1.0, 1, -1, -1])), "uncorrelated", "y"),
    (lambda: run(w0=np.ones(2)), "(2,)", "w0", "3"),
    (lambda: run(w0=[1.0, NAN, 1.0]), "nan", "w0"),
    (lambda: run(w0=np.full(3, 1e160)), "1e+160", "w0", "rescale"),
    (lambda: run(w0=np.full(3, 1e-200)), "1e-200", "w0", "rescale"),
    (lambda: run(w0=np.zeros(3)), "zero", "w0"),
    (lambda: run(lr=None), "None", "lr"),
    (lambda: run(lr=-2.0), "-2.0", "lr"),
    (lambda: run(method="adam"), "'adam'", "method", "'gd'"),
    (lambda: run(a0=np.inf), "inf", "a0"),
    (lambda: run(lr=[1.0, 2.0], lr_a=[1.0, 1.0, 1.0]), "(2,)", "lr", "lr[:, None]"),
    (lambda: run(lr=np.empty((0, 1))), "(0, 1)", "lr"),
    (lambda: run(tolerance=2.0), "2.0", "tolerance"),
    (lambda: run(steps=True), "True", "steps"),
    (lambda: run(checkpoints=[11]), "[11]", "checkpoints", "10"),
    (lambda: run(progress=3), "3", "progress"),
    (lambda: bngd.bngd_trajectory(P, np.ones((2, 3)), 0.1, 5), "(2, 3)", "w0"),
    (lambda: bngd.compress(P, np.ones(3), steps=5, max_dimension=0), "0", "max_dimension"),
    (lambda: bngd.compress(P, np.ones(3), steps=5, tolerance=1e-30), "1e-30", "tolerance"),
    (lambda: bngd.compress(P, np.ones(3), steps=50, max_dimension=2), "2", "max_dimension"),
    (lambda: bngd.effective_extremes(ONE), "1", "dimension"),
    (lambda: guarantees.descent_constant(P, 2.5), "2.5", "lr_a"),
    (lambda: guarantees.smallest_relative_loss(P, np.ones(3), 5, lr_a=1.5), "1.5", "lr_a"),
    (lambda: measure.workable_range([1.0], [1.0, 2.0], 0.1), "(1,)", "(2,)", "lr"),
    (lambda: measure.workable_range([1.0, 2.0], [1.0, 2.0], 0.0), "0.0", "threshold"),
    (lambda: rotate(Configuration(P, 1.0, np.ones(3), 0.1, 0.1), np.ones((3, 3))), "(3, 3)", "Q"),
    (lambda: spectra.as_spectrum([]), "(0,)", "eigenvalues"),
    (lambda: spectra.as_spectrum([1.0, NAN]), "nan", "eigenvalues"),
    (lambda: spectra.as_spectrum([0.0, 1.0]), "0", "eigenvalue"),
    (lambda: spectra.two_level(3, 10.0, 3), "3", "n_large"),
    (lambda: spectra.one_outlier(1, 10.0), "1", "dimension"),
    (lambda: spectra.marchenko_pastur(3, 1.5), "1.5", "aspect_ratio"),
    (lambda: spectra.log_spaced(0, 10.0), "0", "dimension"),
    (lambda: spectra.log_spaced(3, 0.5), "0.5", "condition_number"),
    (lambda: claims.Claim(id="a", about="rate", statement="s", predicted=1, measured=1, rule=claims.equals(),
                          notebook="n", table_cell="x"), "'x'", "table cell"),
    (lambda: datasets.load("boston"), "'boston'", "diabetes"),
    (lambda: files.plain(object), "<class 'object'>", "JSON"),
    (lambda: cluster.run_on_cluster("nonsense://x", None).send(None), "'nonsense://x'", "dask scheduler"),
]  # fmt: skip

DATA = [
    (lambda: from_data(np.ones((6, 2))), "2 features", "column 0"),
    (lambda: from_data(Y), "(6,)", "X", "reshape"),
    (lambda: from_data(y=Y[:4]), "(4,)", "y", "6"),
    (lambda: from_data(X[:1], Y[:1]), "1", "samples"),
    (lambda: from_data(np.where(X == 0, NAN, X)), "nan", "X (row 0, column 'column 0')"),
    (lambda: from_data(y=np.ones(6)), "1", "y", "constant"),
    (lambda: from_data(y=Y * 1e-200), "e-200", "y"),
    (lambda: from_data(X * 1e300, standardise=False), "2^", "column", "standardise"),
    (lambda: from_data(FRAME.set_axis(["p", "p"], axis=1)), "'p'", "X"),
    (lambda: from_data([[1.0], [1.0, 2.0]]), "inhomogeneous", "X"),
    (lambda: from_data(X + 1j), "1j", "X"),
    (lambda: from_data(FRAME, pd.Series(Y, index=range(1, 7))), "0", "y"),
    (lambda: from_data(FRAME.set_axis([0, 0, 1, 2, 3, 4]), pd.Series(Y)), "0", "label"),
    (lambda: from_data(np.ma.masked_equal(X, 4.0)), "X (row 1, column 0)", "masked"),
    (lambda: from_data(FRAME.assign(p=pd.Categorical(list("abcabc")))), "'a'", "'p'"),
    (lambda: from_data(FRAME.assign(p=pd.array([1, None, 3, 4, 5, 6], dtype="Int64"))), "NA", "'p'"),
    (lambda: from_data(np.array([[1, "7"], [2, 3]], dtype=object), Y[:2]), "'7'", "X"),
    (lambda: from_data(np.array([[10**400], [2]], dtype=object), Y[:2]), "1329 bits", "X"),
    (lambda: from_data(names=["p"]), "1 names", "2 features"),
    (lambda: source.find("http://a.b/c.csv"), "'http://a.b/c.csv'", "download"),
    (lambda: source.find(str(REPOSITORY)), "folder", str(REPOSITORY)),
    (lambda: source.find("none.csv"), "'none.csv'", "path"),
    (lambda: source.find("/dev/null"), "'/dev/null'", "neither"),
    (lambda: source.find("~nobody-of-this-name/a.csv"), "'~nobody-of-this-name/a.csv'", "full path"),
]  # fmt: skip

STUDIES = [
    (lambda: _converged_runs(P, np.array([1e-9]), np.array([1.0, -1.0, 2.0]), 0.5), "1e-09", "step size"),
    (lambda: furthest(pd.DataFrame({"asymptotic": [False], "method": "bngd", "slowest": "w"}), 1), "1", "runs"),
    (lambda: problem_with_shares([1.0, 2.0], [-1.0, 1.0]), "-1", "shares"),
    (lambda: steps_to_resolve(1.5), "1.5", "factor"),
    (lambda: starts_with_overlap(P, RNG, [2.0]), "2.", "overlaps"),
    (lambda: by_dimension.relative_step_sizes(0.0, 0.0, 1), "1", "step sizes"),
    (lambda: by_dimension.fit_slope([1.0, 2.0], [1.0, 2.0]), "2", "slope"),
    (lambda: random_problems.log_spaced_problem(RNG, 1, 10.0), "1", "dimension"),
    (lambda: random_problems.log_uniform_problem(RNG, max_dimension=1), "1", "max_dimension"),
    (lambda: random_problems.family_spectrum("none", 3, 10.0), "'none'", "family"),
    (lambda: random_problems.problem_of_a_family(RNG, dimensions=(2, 1), condition_numbers=[2.0, 3.0]), "(2, 1)"),
    (lambda: rates.steps_to_reduce(1.0, 0.1), "1.0", "factor"),
    (lambda: Scan(P, np.ones((1, 3)), np.ones(1), np.array([5]), {}).loss("gd", 7), "7", "[5]"),
    (lambda: variants_steps.run(P, np.ones(3), [0.1], 5, noise=1.0), "1", "rng"),
    (lambda: network_width.jobs([2], [1], [0.1], 0.1), "1", "widths"),
]

IMAGES = Images("tiny", *(np.zeros(s, dtype=np.uint8) for s in ((4, 2, 2, 1), 4, (4, 2, 2, 1), 4)), 255.0, "here")

NETWORKS = [
    (lambda: cross_entropy_floor(1.0, [0.5, 0.6]), "shares", "[0.5, 0.6]"),
    (lambda: cross_entropy_floor([1.0, 2.0], [0.5, 0.3, 0.2]), "gamma", "[1.0, 2.0]"),
    (lambda: cross_entropy_floor_of_norm(-1.0, 10), "norm", "-1.0"),
    (lambda: next(training.trajectory(Job(M2, 0.1), IMAGES, [1.0, 1.0, -1.0, 1.0])), "rates", "-1.0"),
    (lambda: next(training.trajectory(Job(M2, 0.1), IMAGES, [1.0, 1.0, 1.0])), "rates", "[1.0, 1.0, 1.0]"),
    (lambda: largest_scale(-1.0, 0.1, 10, 10), "gamma", "-1.0"),
    (lambda: largest_scale(1.0, 0.1, -5, 10), "-5", "updates"),
    (lambda: largest_surplus(1), "1 classes", "at least 2"),
    (lambda: Network("n", (Dense(0),)), "0", "layer"),
    (lambda: Network("n", (Dense(3),)), "n", "10"),
    (lambda: replace(M2, loss="hinge"), "'hinge'", "loss"),
    (lambda: replace(M2, epsilon=-1.0), "-1.0", "epsilon"),
    (lambda: data._every_fifth_for_testing("n", np.array([0.5]), np.array([1]), 1.0, "here"), "0.5", "n"),
    (lambda: data.load("nist"), "'nist'", "digits"),
    (lambda: data._cifar_batch(SimpleNamespace(extractfile=lambda member: None), "batch_9"), "batch_9"),
    (lambda: replace(IMAGES, x_train=np.zeros((4, 2))), "(4, 2)", "x_train"),
    (lambda: replace(IMAGES, y_train=np.zeros(3, dtype=np.uint8)), "3", "labels"),
    (lambda: replace(IMAGES, y_train=np.zeros(4)), "float64", "y_train"),
    (lambda: replace(IMAGES, y_train=np.full(4, 10, dtype=np.uint8)), "10", "label"),
    (lambda: replace(IMAGES, peak=0.0), "0.0", "peak"),
    (lambda: IMAGES.without_first(5), "4", "5", "larger"),
    (lambda: pooling.pooled(IMAGES, 3), "3 x 3", "2 x 2"),
    (lambda: Job(M2, 0.1, sampling="none"), "'none'", "sampling"),
    (lambda: Job(M2.with_batch_norm(), 0.1, batch=1), "1", "batch"),
    (lambda: Job(M2, 0.1, lr_a=0.1), "0.1", "lr_a"),
    (lambda: Job(M2, 0.1, lr_rest=0.3), "0.3", "lr_rest", "m2"),
    (lambda: Job(M2, -0.1), "-0.1", "lr"),
    (lambda: Job(M2, 0.1, steps=0), "0", "steps"),
    (lambda: jobs.batches(Job(M2, 0.1, batch=9), 4), "9", "4"),
    (lambda: kept.results("none"), "'none'", "protocol none"),
    (lambda: list(parallel.as_finished([], IMAGES)), "0 jobs", "workers"),
    (lambda: protocol.ROWS["fmnist_m2_gdlr"].with_hidden(7), "7", "--hidden"),
    (lambda: protocol.ROWS["mnist_m5_gdlr"].with_hidden(-1), "-1", "--hidden"),
    (lambda: sources.verify(Path("none"), []), "none", "fetch"),
    (lambda: sources.verify(REPOSITORY / "LICENSE", ["abc"]), "LICENSE", "abc"),
    (lambda: sources.fetch(Path("none"), [{"a.gz": "0"}], []), "a.gz", "none"),
    (lambda: sources._run(["no-such-command"], REPOSITORY), "no-such-command", "install"),
    (lambda: together.device("abacus"), "'abacus'", "cpu"),
    (lambda: tent(Job(M2, 0.1), IMAGES, [1.0]), "normalised=False", "with_batch_norm(0.0)"),
]  # fmt: skip

ELSEWHERE = {
    "bngd/__init__.py __getattr__": "Python's own words and suggestion; tests/test_package.py reads them",
    "bngd/companion/book.py _run_sphinx": "tests/test_book_build.py reads it",
    "bngd/companion/evidence.py run": "a figure that a page asks for and no notebook has fails the book's build",
    "bngd/companion/execute.py _run_cells": "tests/test_companion_execute.py reads it",
    "bngd/companion/printing.py print_document": "needs a browser, and a contents list that is wrong",
    "bngd/companion/yamls.py construct_mapping": "read_yaml passes it on",
    "bngd/ensemble/cluster.py run_on_cluster": "tests/test_ensemble_cluster.py reads it",
    "bngd/ensemble/cluster.py _translated": "tests/test_ensemble_cluster.py reads it",
    "bngd/ensemble/sweeps.py sweep SweepInterrupted": "tests/test_ensemble.py reads it",
    "bngd/krylov.py compress AssertionError": "cannot happen",
    "bngd/networks/__init__.py <module>": "needs a machine without JAX",
    "bngd/networks/command.py _run_rows": "is caught and printed; tests/test_networks_protocol.py reads it",
    "bngd/networks/parallel.py _in_processes": "tests/test_networks_parallel.py reads it",
    "bngd/networks/resumable.py read_run": "is caught, and printed with the file and what is done about it",
    "bngd/networks/resumable.py _require_whole": "is caught, and printed with the file and what is done about it",
    "bngd/companion/kernel.py require_loopback": "test_faults takes the interface away",
    "bngd/networks/sources.py _install": "fetch names it as the reason of one source",
    "bngd/networks/sources.py bring": "passes on the message of pooch",
    "bngd/studies/own_data/columns.py convert": "reading.py gives it file, line, column and way out",
    "bngd/studies/own_data/columns.py _of_numbers": "reading.py gives it file, line, column and way out",
}
"""Raises that no case here can reach -> why."""


def of_files(folder, monkeypatch):
    """Yield the cases that need files: of the reader's own table, of IDX files and kept rows, of the companion."""
    for case in CASES:
        if case.rows is None:
            path = folder / f"table.{case.suffix}"
            path.write_bytes(case.data)
            yield lambda path=path, case=case: reading.read(str(path), case.target, **case.options), *case.words
    for content, word in ((b"\0\0\x0d\1", "00000d01"), (b"\0\0\x08\1\0", "5 bytes"), (b"\0\0\x08\1\0\0\0\2\0", "(2,)")):
        (folder / "some.idx").write_bytes(gzip.compress(content))
        yield lambda: idx.read_idx(folder / "some.idx", 1), word, "some.idx"
    (folder / "some.gz").write_bytes(b"none")
    yield lambda: idx.read_idx(folder / "some.gz", 1), "some.gz", "fetch it again"
    monkeypatch.setattr(kept, "FOLDER", folder)
    (folder / "row.json").write_text('{"columns": {"lr": "0"}}')
    (folder / "row.csv").write_text("lr\n1\n")
    yield lambda: kept.results("row"), "lr", "row.csv"
    monkeypatch.setattr(data, "load", lambda name: sources.verify(folder / name, []))
    yield lambda: data.load_first(["digits"]), "digits", "not there"
    monkeypatch.setattr(training, "_record", lambda *_: (_ for _ in ()).throw(MemoryError))
    yield lambda: training.run(Job(M2, 0.1, batch=77), IMAGES), "77", "m2"
    monkeypatch.setattr("bngd.memory.available_memory", lambda: 2**20)
    yield lambda: run(lr=np.ones(10**5)), "100000 runs", "compress"
    monkeypatch.undo()
    yield from of_the_companion(folder / "project", monkeypatch)


def of_the_companion(folder, monkeypatch):
    """Yield the cases of a companion in miniature."""
    project = Project(folder)
    project.notebook("one", parameters="size = 3  # int, at least 1: of it\nfree = 1.0\nmany = [1]")
    layout, source_of_one = project.layout, project.layout.source("one")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BNGD_OUTPUT", str(folder / "out"))
    yield lambda: __main__.run(Namespace(profile="full", notebook="one", parameter=[("size", "1")] * 2)), "'size'", "2"
    yield lambda: Layout.of_own(folder, folder, "one"), str(folder), "give a folder"
    layout.executed("one").parent.mkdir(parents=True)
    layout.executed("one").touch()
    (folder.parent / "other" / "notebooks").mkdir(parents=True)
    (folder.parent / "other" / "notebooks" / "one.ipynb").touch()
    yield lambda: Layout.of_own(folder, folder.parent / "other", "one"), "one.ipynb", "another output"
    yield lambda: layout.require_notebook("two"), "'two'", "one"
    yield lambda: layout.require_profile("fast"), "'fast'", "full"
    yield lambda: find_root(folder.parent), str(folder.parent), "go there"
    yield lambda: ledger.load_ledger("none.json"), "none.json", "make book"
    yield lambda: ledger.collect(layout), "'one'", "make one"
    record = layout.record("one")
    for claimed, word in (([{"id": "a"}], "['id']"), ([dict.fromkeys(claims.FIELDS, "twice")] * 2, "twice")):
        files.write_text(record, files.json_text({"claims": claimed}))
        yield lambda: ledger.collect(layout), word
    yield lambda: parameters.check(source_of_one, {"sise": 3}), "'sise'", "size"
    yield lambda: parameters.check(source_of_one, {"size": 0}), "0", "'size'", "at least 1"
    yield lambda: parameters.check(source_of_one, {"free": "x"}), "'x'", "'free'", "float"
    yield lambda: parameters.check(source_of_one, {"many": 7}), "7", "'many'", "list"
    yield lambda: cost.require_short("one", {"size": 300}, {"size": 3}, 60, "--long"), "300", "100 min", "--long"
    project.notebook("none", parameters="size = 1 + 2")
    yield lambda: parameters.defaults(layout.source("none")), "1 + 2", "none.ipynb"
    files.write_text(layout.source("bare"), '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    yield lambda: parameters.defaults(layout.source("bare")), "0 code cells", "bare.ipynb"
    layout.source("bare").unlink()
    yield lambda: ranges.parse("# int, at lest 3: of it"), "'at lest 3'", "at least"
    yield lambda: yamls.read_yaml("a: 1\na: 2"), "a", "line 1"
    for text, word in (("[", "full.yaml"), ("[1]", "list"), ("one: 3", "3")):
        project.profile("full", text)
        yield lambda: profiles.load(layout, "full"), word, "full.yaml"
    shop = book.workshop("full", folder)
    yield lambda: book.assemble(shop), str(folder), "_toc.yml"
    files.write_text(folder / "book" / "_toc.yml", "root: notebooks/missing\n")
    yield lambda: book.assemble(shop), "missing", "make notebooks"
    monkeypatch.setattr(mathjax, "find_spec", lambda name: None)
    yield mathjax.source, "MathJax", "pip install"
    monkeypatch.setenv("BNGD_CHROMIUM", "no-such-browser")
    yield chromium.find_chromium, "no-such-browser", "install"
    (folder / "empty.html").touch()
    yield lambda: printing._article(folder, "empty", {}, 1), "empty.html", "anew"
    directive = ExplorerDirective("explorer", ["tant"], {}, [], 1, 0, "", None, SimpleNamespace(reporter=None))
    yield directive.run, "'tant'", "tent"
    job = SimpleNamespace(name="one")
    (folder / "stage" / "results").mkdir(parents=True)
    yield lambda: execute._require_results(job, folder / "stage"), "'one'", "run.finish()"
    (folder / "stage" / "results" / "foreign.json").touch()
    yield lambda: execute._require_results(job, folder / "stage"), "foreign.json", "'one'"
    yield lambda: Run("One"), "'One'", "small letters"
    yield lambda: Run("one").figure(plt.Figure(), "a-b", caption=" ", alt="x"), "'a-b'", "caption"
    yield lambda: Run("one").table(FRAME, "A", caption="x"), "'A'", "kebab"
    own = Run("one")
    own.record(x=1)
    yield lambda: own.record(x=1), "'x'", "differ"


def raises():
    """Return every `raise` of the package: (file, first line, last line) -> its name in `ELSEWHERE`, both forms."""
    found = {}
    for path in (REPOSITORY / "bngd").rglob("*.py"):
        place = path.relative_to(REPOSITORY).as_posix()

        def walk(node, function, place=place, path=path):
            for child in ast.iter_child_nodes(node):
                inner = child.name if isinstance(child, ast.FunctionDef) else function
                if isinstance(child, ast.Raise) and child.exc is not None:
                    name = f"{place} {function}"
                    kind = child.exc.func.id if isinstance(getattr(child.exc, "func", None), ast.Name) else ""
                    found[str(path), child.lineno, child.end_lineno] = (name, f"{name} {kind}")
                walk(child, inner)

        walk(ast.parse(path.read_text()), "<module>")
    return found


def reached(error, sites):
    """Return the `raise` that an error comes from."""
    last = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(str(REPOSITORY / "bngd"))][
        -1:
    ]
    return next((s for s in sites for f in last if s[0] == f.filename and s[1] <= f.lineno <= s[2]), None)


def test_every_deliberate_error_says_what_was_given_and_the_way_out(tmp_path, monkeypatch):
    sites, hit, weak = raises(), set(), []
    for call, *words in chain(MATHEMATICS, DATA, STUDIES, NETWORKS, of_files(tmp_path, monkeypatch)):
        try:
            call()
        except Exception as error:
            hit.add(reached(error, sites))
            message = str(getattr(error, "msg", error))
            weak += [f"{word!r} is not in: {message}" for word in words if word not in message]
            weak += [f"no way out in: {message}"] * (not re.search(r"[;:]\s*\S", message))
        else:
            weak.append(f"no error: {words}")
    assert not weak, "\n".join(weak)
    silent = {names for site, names in sites.items() if site not in hit and not ELSEWHERE.keys() & set(names)}
    assert silent == set(), "each raise needs a case here, or a reason in ELSEWHERE"
    unused = ELSEWHERE.keys() - {name for site, names in sites.items() if site not in hit for name in names}
    assert unused == set(), "these are reached, or no longer there"
