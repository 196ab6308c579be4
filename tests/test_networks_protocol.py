import json
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import jax
import numpy as np
import pandas as pd
import protocol_page
import pytest
from companion_project import REPOSITORY

from bngd.companion.parameters import defaults
from bngd.networks import DataError, Job, Training, command, kept, load, protocol, resumable, run
from bngd.networks.architectures import M1, M2, small_conv
from bngd.networks.protocol import ADAM, ROWS
from bngd.networks.tables import early_losses

WORDS = protocol_page.prose(protocol_page.PAGE.read_text())


@pytest.fixture
def jobs():
    return [Job(M2, lr, steps=12) for lr in (0.01, 0.1, 1.0)]


def test_the_protocol_has_every_script():
    assert len(ROWS) + len(ADAM) == 38
    assert sum("mnist_m5" in name for name in ROWS) == 3


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("mnist_gdlr", 100),
        ("mnist_sca_bnsplr", 900),
        ("mnist_m4_bnsplr", 800),
        ("mnist_m5_bnsplr", 1800),
        ("fmnist_m1_bnasplr", 2000),
    ],
)
def test_number_of_runs(name, runs):
    jobs = ROWS[name].jobs()
    assert len(jobs) == len({job.key for job in jobs}) == runs


def test_runs_of_a_row_are_the_scripts():
    job = ROWS["mnist_sca_bnsplr"].jobs()[-1]
    assert (job.scale, job.lr_a, job.steps, job.seed) == (100.0, 1.0, 601, 4)
    assert job.lr == pytest.approx(1e4 * 100**2)
    assert job.network == M1.with_batch_norm().as_published()
    assert ROWS["mnist_bnlr"].jobs(described=True)[0].network == M1.with_batch_norm()
    assert ROWS["cifar10_m1_gdlr"].jobs()[0].sampling == "replacement"
    assert ROWS["mnist_bnlr"].jobs()[0].lr_a is None


def test_every_row_says_what_became_of_it():
    assert set(WORDS) == {*ROWS, *ADAM}
    for name, words in WORDS.items():
        begin = "[" if name in ROWS and protocol_page.in_full(name) else ("reduced: ", "not run: ")
        assert words.startswith(begin), name
    page = protocol_page.PAGE.read_text()
    full = [name for name in ROWS if protocol_page.in_full(name)]
    on_mnist = [name for name in full if ROWS[name].dataset == "mnist"]
    assert f"so {len(full)} rows that were run in full are kept with the package: {len(on_mnist)} of the MNIST" in page
    assert f", run on Fashion-MNIST, and {len(full) - len(on_mnist)} on the data that the authors used." in page
    others = {name: words for name, words in WORDS.items() if name not in full}
    reduced = [name for name, words in others.items() if words.startswith("reduced")]
    in_part = [name for name in reduced if kept.rows(name, parts=True)]
    assert f" Of the others {len(reduced)} are run *reduced* (" in page
    assert (
        f"), {len(in_part)} of these also in part at full size, and {len(others) - len(reduced)} are not run." in page
    )


@pytest.mark.parametrize(
    ("row", "notebook", "words"),
    [
        (
            "fmnist_m1_gdlr",
            "network_learning_rate",
            "{filters} and 16 filters, {conv_rates} rates, {conv_steps} updates",
        ),
        ("mnist_sca_gdlr", "network_scaling", "{scales} scales, {rates} rates, {steps} updates"),
        ("mnist_m5_gdlr", "network_width", "{rates} rates, {steps} updates"),
    ],
)
def test_a_reduced_row_is_described_as_its_notebook_runs_it(row, notebook, words):
    used = defaults(REPOSITORY / "notebooks" / f"{notebook}.ipynb")
    counted = {name: len(value) if isinstance(value, list) else value for name, value in used.items()}
    assert words.format(**counted) in WORDS[row]


def test_the_books_page_shows_the_rows_and_what_is_kept_of_them():
    text = protocol_page.PAGE.read_text()
    assert protocol_page.renewed(text) == text, "renew it: python tests/protocol_page.py"
    assert protocol_page.renewed(text.replace("20 rates", "21 rates", 1)) == text


def test_an_interrupted_row_resumes(tmp_path, jobs, capsys, monkeypatch):
    digits = load("digits")
    resumable.run_row("row", jobs[:2], digits, tmp_path, workers=1)
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "row").iterdir()}
    capsys.readouterr()
    path = resumable.run_row("row", jobs, digits, tmp_path, workers=1)
    assert "2 of 3 runs are there already" in capsys.readouterr().out
    assert all(p.stat().st_mtime_ns == t for p, t in first.items())
    whole = resumable.run_row("whole", jobs, digits, tmp_path, workers=1)
    assert path.read_bytes() == whole.read_bytes()
    assert len(path.read_text().splitlines()) == 4
    assert not list(tmp_path.rglob("*.part"))
    about = json.loads((tmp_path / "row.json").read_text())
    assert set(about) == {"summary", "device", "versions", "date", "commit", "data", "columns"}


def test_a_failure_loses_only_the_run_in_progress(tmp_path, jobs, monkeypatch):
    digits = load("digits")

    def fails_at_last(jobs, data, **options):
        yield from list(resumable_as_finished(jobs, data, **options))[:2]
        raise KeyboardInterrupt

    resumable_as_finished = resumable.as_finished
    monkeypatch.setattr(resumable, "as_finished", fails_at_last)
    with pytest.raises(KeyboardInterrupt):
        resumable.run_row("row", jobs, digits, tmp_path, workers=1)
    assert len(list((tmp_path / "row").glob("*.json"))) == 2
    assert not (tmp_path / "row.csv").exists()


def without(field):
    return lambda run, _: json.dumps(json.loads(run) | {field: []})


@pytest.mark.parametrize(
    "damage",
    [
        lambda run, _: run[:20],
        lambda run, _: "null",
        lambda run, _: run.replace('"final": {', '"last": {'),
        lambda run, _: run.replace("test_accuracy", "other"),
        without("training"),
        lambda _, other: other,
    ],
)
def test_a_damaged_run_is_run_again(tmp_path, jobs, capsys, damage):
    digits = load("digits")
    table_path = resumable.run_row("row", jobs, digits, tmp_path, workers=1)
    before = table_path.read_bytes()
    path, other = (tmp_path / "row" / f"{job.key}.json" for job in jobs[1:])
    path.write_text(damage(path.read_text(), other.read_text()))
    resumable.run_row("row", jobs, digits, tmp_path, workers=1)
    assert "is damaged" in capsys.readouterr().err
    assert table_path.read_bytes() == before


def test_the_table_of_diverged_runs_is_the_same_from_their_files(tmp_path):
    # At the first no loss of a batch is infinite, and the last is.
    jobs = [Job(M2, lr, steps=3, batch=2, evaluation=100) for lr in (1e36, 1e37, 1e38)]
    table_path = resumable.run_row("row", jobs, load("digits"), tmp_path, workers=1)
    fresh = table_path.read_text()
    table_path.unlink()
    resumable.run_row("row", jobs, load("digits"), tmp_path, workers=1)
    assert table_path.read_text() == fresh
    assert "diverged" in fresh
    assert "inf" not in fresh


def test_a_diverged_run_survives_the_file(tmp_path):
    job = Job(replace(M2, loss="underflowing"), 1e6, steps=12)
    training = resumable.run_row("row", [job], load("digits"), tmp_path, workers=1)
    back = resumable.read_run(tmp_path / "row" / f"{job.key}.json", job)
    assert back.outcome == "diverged"
    assert np.isnan(back.final["train_loss"])
    assert training.exists()


def test_command_line_refuses_and_lists(capsys):
    assert command.main(["mnist_typo"]) == 2
    assert "unknown row 'mnist_typo'" in capsys.readouterr().err
    assert command.main([]) == 2
    assert command.main(["--list"]) == 0
    assert "fmnist_m2_gdlr" in capsys.readouterr().out


@pytest.fixture
def tiny_row(tmp_path, monkeypatch):
    """A row of two short runs, and how to run it from the command line."""
    small = replace(ROWS["fmnist_m2_gdlr"], grid=protocol.Grid(-1, 0, 2), steps=9, dataset="digits")
    monkeypatch.setitem(protocol.ROWS, "fmnist_m2_gdlr", small)
    monkeypatch.setattr(protocol, "VALIDATION", 100)
    return ["fmnist_m2_gdlr", "--output", str(tmp_path), "--workers", "1", "--repetitions"]


def test_command_line_runs_a_row(tmp_path, tiny_row):
    assert command.main([*tiny_row, "5"]) == 0
    assert len((tmp_path / "fmnist_m2_gdlr.csv").read_text().splitlines()) == 1 + 2 * 5


def test_a_device_gives_the_rows_own_table_up_to_rounding(tmp_path, tiny_row):
    for extra, folder in ((["--device", "cpu"], "together"), ([], "apart")):
        assert command.main([*tiny_row, "1", "--output", str(tmp_path / folder), *extra]) == 0
    together, apart = (pd.read_csv(tmp_path / f / "fmnist_m2_gdlr-1-repetitions.csv") for f in ("together", "apart"))
    pd.testing.assert_frame_equal(together, apart, rtol=1e-5)


def test_a_part_of_a_row_does_not_take_its_place(tmp_path, tiny_row):
    assert command.main([*tiny_row, "1"]) == 0
    assert not (tmp_path / "fmnist_m2_gdlr.csv").exists()
    assert len((tmp_path / "fmnist_m2_gdlr-1-repetitions.csv").read_text().splitlines()) == 3


def test_the_provenance_is_that_of_each_run_whoever_calls_last(tmp_path, tiny_row):
    assert command.main([*tiny_row, "1"]) == 0
    told = tmp_path / "fmnist_m2_gdlr-1-repetitions.json"
    here = json.loads(told.read_text())
    elsewhere, lost = (tmp_path / "fmnist_m2_gdlr").iterdir()
    content = json.loads(elsewhere.read_text())
    content["made"] |= {"commit": "0ther", "platform": "GPU"}
    elsewhere.write_text(json.dumps(content))
    lost.unlink()
    told.unlink()
    assert command.main([*tiny_row, "1"]) == 0
    both = json.loads(told.read_text())
    assert set(both["commit"].split(", ")) == {"0ther", here["commit"]}
    assert both["summary"] == "2 runs on CPU, GPU"
    assert both["versions"] == here["versions"]


@pytest.mark.parametrize(
    "extra", [["--repetitions", "0"], ["--workers", "0"], ["--scheduler", "nonsense"], ["--device", "tpu"]]
)
def test_bad_options_are_one_clear_line(tmp_path, tiny_row, capsys, extra):
    assert command.main([*tiny_row, "1", *extra]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.glob("*.csv")) == []


def test_an_interruption_says_how_to_go_on(tiny_row, monkeypatch, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(resumable, "run_row", interrupt)
    assert command.main([*tiny_row, "1"]) == 130
    assert "call it again" in capsys.readouterr().err


def jobs_of(title):
    """The runs of a whole row that is kept, from its title."""
    row = ROWS[title.split("-")[0]]
    hidden = re.search(r"-h(\d+)", title)
    return (row.with_hidden(int(hidden[1])) if hidden else row).jobs()


def test_kept_rows_are_whole():
    for title in kept.rows():
        assert len(kept.results(title)) == len(jobs_of(title))
    for title in kept.rows(parts=True):
        assert set(kept.provenance(title)) >= {"device", "versions", "date", "commit", "data"}
        kept.results(title)
    with pytest.raises(ValueError, match="no results of 'mnist_gdlr'"):
        kept.results("mnist_gdlr")


@pytest.fixture
def compiled_well():
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", True)


@pytest.mark.usefixtures("compiled_well")
def test_a_run_of_a_kept_row_is_the_same_to_the_last_bit():
    title = "mnist_m2_bnsplr-on-fashion-mnist"
    job = jobs_of(title)[0]
    try:
        data = replace(ROWS["mnist_m2_bnsplr"], dataset="fashion-mnist").data()
    except DataError:
        pytest.skip("Fashion-MNIST cannot be had here")
    final, told = run(job, data).final, kept.results(title).iloc[0]
    for name, value in final.items():
        assert np.float32(value) == np.float32(told[name]), name


def test_a_kept_table_edited_by_hand_is_refused(tmp_path, monkeypatch):
    title = "fmnist_m2_gdlr"
    text = (kept.FOLDER / f"{title}.csv").read_text()
    loss = pd.read_csv(StringIO(text), dtype=str)["train_loss"][0]
    (tmp_path / f"{title}.csv").write_text(text.replace(loss, loss[:-1] + str(9 - int(loss[-1])), 1))
    (tmp_path / f"{title}.json").write_text((kept.FOLDER / f"{title}.json").read_text())
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="not as it was written: train_loss differ"):
        kept.results(title)
    (tmp_path / f"{title}.csv").write_text("".join(text.splitlines(keepends=True)[:-1]))
    with pytest.raises(ValueError, match="network, setting, "):
        kept.results(title)


def test_every_kth_rate_is_of_the_rows_own_runs(tmp_path, tiny_row):
    assert command.main([*tiny_row, "5", "--every", "2"]) == 0
    part = (tmp_path / "fmnist_m2_gdlr-every-2.csv").read_text().splitlines()
    runs = {path: path.stat().st_mtime_ns for path in (tmp_path / "fmnist_m2_gdlr").iterdir()}
    assert command.main([*tiny_row, "5"]) == 0
    whole = (tmp_path / "fmnist_m2_gdlr.csv").read_text().splitlines()
    assert len(part) == 1 + 5
    assert len(whole) == 1 + 10
    assert set(part) < set(whole)
    assert all(path.stat().st_mtime_ns == time for path, time in runs.items())


@pytest.mark.parametrize("part", [["1"], ["5", "--every", "2"], ["5"]])
def test_what_is_kept_of_a_row_is_taken_and_named(tmp_path, tiny_row, monkeypatch, capsys, part):
    assert command.main([*tiny_row, *part, "--output", str(tmp_path / "kept")]) == 0
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")
    (about,) = (tmp_path / "kept").glob("*.json")
    about.write_text(about.read_text().replace('"date": "2', '"date": "3').replace('"cpu', '"abacus'))
    lines = len(about.with_suffix(".csv").read_text().splitlines()) - 1
    for extra, folder in (([], "whole"), (["--from-kept"], "carried on")):
        assert command.main([*tiny_row, "5", "--output", str(tmp_path / folder), *extra]) == 0
    assert f"{lines} of 10 runs are there already" in capsys.readouterr().out
    assert len(list((tmp_path / "carried on" / "fmnist_m2_gdlr").iterdir())) == 10 - lines
    whole, carried = (tmp_path / folder / "fmnist_m2_gdlr.csv" for folder in ("whole", "carried on"))
    assert whole.read_bytes() == carried.read_bytes()
    told = json.loads(carried.with_suffix(".json").read_text())
    assert told["date"].startswith("3")
    assert "abacus" in told["device"]
    assert ("cpu" in told["device"]) == (lines < 10)


def test_what_is_kept_of_one_hidden_width_is_taken_for_the_whole_row(tmp_path, tiny_row, monkeypatch, capsys):
    small = replace(ROWS["mnist_m5_gdlr"], grid=protocol.Grid(-1, 0, 2), steps=9, dataset="digits")
    monkeypatch.setitem(protocol.ROWS, "mnist_m5_gdlr", small)
    row = ["mnist_m5_gdlr", *tiny_row[1:], "1"]
    assert command.main([*row, "--hidden", "100", "--output", str(tmp_path / "kept")]) == 0
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")
    assert command.main([*row, "--from-kept"]) == 0
    assert "2 of 6 runs are there already" in capsys.readouterr().out


def test_a_row_runs_on_other_data_and_says_so(tmp_path, tiny_row, monkeypatch):
    monkeypatch.setitem(protocol.ROWS, "fmnist_m2_gdlr", replace(ROWS["fmnist_m2_gdlr"], dataset="mnist"))
    assert command.main([*tiny_row, "5", "--data", "digits"]) == 0
    assert "scikit-learn" in json.loads((tmp_path / "fmnist_m2_gdlr-on-digits.json").read_text())["data"]


def test_a_row_of_cifar_runs_on_files_in_its_format(tmp_path, cifar_files, tiny_row, monkeypatch):
    small = replace(ROWS["cifar10_m1_bnlr2"], networks=(small_conv(2, 4),), grid=protocol.Grid(-1, -1, 1), steps=3)
    monkeypatch.setitem(protocol.ROWS, "cifar10_m1_bnlr2", small)
    assert command.main(["cifar10_m1_bnlr2", *tiny_row[1:], "1"]) == 0
    runs = pd.read_csv(tmp_path / "cifar10_m1_bnlr2-1-repetitions.csv")
    assert (runs["network"].item(), runs["outcome"].item()) == ("small conv as published", "finite")
    assert np.isfinite(runs["train_loss"].item())


def test_a_row_of_m5_runs_at_any_hidden_width_and_no_other_row_does(tmp_path, tiny_row, monkeypatch, capsys):
    assert len(ROWS["mnist_m5_bnsplr"].with_hidden(100).jobs()) == 600
    small = replace(ROWS["mnist_m5_gdlr"], grid=protocol.Grid(-1, 0, 2), steps=9, dataset="digits")
    monkeypatch.setitem(protocol.ROWS, "mnist_m5_gdlr", small)
    assert command.main(["mnist_m5_gdlr", *tiny_row[1:], "5", "--hidden", "30"]) == 0
    assert set(pd.read_csv(tmp_path / "mnist_m5_gdlr-h30.csv")["network"]) == {"m5, h = 30"}
    capsys.readouterr()
    assert command.main(["mnist_m5_gdlr", "--hidden", "0"]) == 1
    assert "--hidden is 0; give at least 1" in capsys.readouterr().err
    assert command.main([*tiny_row, "5", "--hidden", "30"]) == 1
    assert "--hidden is 30, but fmnist_m2_gdlr trains m2; give it to a row of m5" in capsys.readouterr().err


def test_the_first_layer_alone_may_have_the_rates_of_a_row(tmp_path, tiny_row, monkeypatch, capsys):
    small = replace(ROWS["mnist_m5_bnlr"], grid=protocol.Grid(-1, 0, 2), steps=9, dataset="digits")
    monkeypatch.setitem(protocol.ROWS, "mnist_m5_bnlr", small)
    row = ["mnist_m5_bnlr", *tiny_row[1:], "5", "--hidden", "10"]
    assert command.main(row) == command.main([*row, "--rest", "1"]) == 0
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    [every], [first] = kept.rows("mnist_m5_bnlr"), kept.rows("mnist_m5_bnlr", lr_rest=1.0)
    loss, alone = (kept.results(title).set_index("lr")["train_loss"] for title in (every, first))
    assert (alone[1.0] == loss[1.0]).all()
    assert (alone[0.1] != loss[0.1]).all()
    assert command.main([*row, "--rest", "1.0000001"]) == 0
    assert len(kept.rows("mnist_m5_bnlr", lr_rest=1.0)) == len(kept.rows("mnist_m5_bnlr", lr_rest=1.0000001)) == 1
    capsys.readouterr()
    assert command.main([*row, "--rest", "0"]) == 1
    assert "lr_rest is 0.0; give a positive finite number" in capsys.readouterr().err


def test_losses_on_the_way():
    def run_of(outcome, until):
        step = list(range(1, until + 1, 10))
        return Training(Job(M2, 0.1, steps=801), step, [float(s) for s in step], [], [], [], {}, outcome)

    table = early_losses([run_of("finite", 801), run_of("diverged", 401)])
    assert table.columns.tolist() == ["loss_200", "loss_600"]
    assert table["loss_200"].tolist() == [np.mean(range(111, 202, 10))] * 2
    assert table["loss_600"].tolist()[0] == np.mean(range(511, 602, 10))
    assert np.isnan(table["loss_600"].tolist()[1])


KILLED = """
import os, signal, sys, time
from io import StringIO
from pathlib import Path
from bngd.networks import Job, load, resumable
from bngd.networks.architectures import M2

digits, output = load("digits"), Path(sys.argv[1])

def start(name):  # forked before JAX computes for the first time: its import takes longer than the runs
    process = os.fork()
    if process == 0:
        jobs = [Job(M2, lr, steps=12, evaluation=100) for lr in range(1, 151)]
        resumable.run_row("row", jobs, digits, output / name, workers=1)
        os._exit(0)
    return process

runs = lambda: len(list((output / "killed" / "row").glob("*.json")))
for _ in range(10):
    before, process = runs(), start("killed")
    while runs() == before:
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
print(f"\\n{runs()}")  # what a killed run said may have no end of line
for name in ("killed", "undisturbed"):
    assert os.waitpid(start(name), 0)[1] == 0
"""


def test_killed_ten_times_a_row_ends_with_the_same_table(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr[-2000:]
    found = [int(line) for line in result.stdout.splitlines() if line.isdigit()]
    assert 10 <= found[0] < 150, "every kill was to interrupt the row"
    tables = [(tmp_path / name / "row.csv").read_bytes() for name in ("killed", "undisturbed")]
    assert tables[0] == tables[1]


def test_the_same_on_a_dask_cluster(tmp_path, jobs):
    distributed = pytest.importorskip("distributed")
    digits = load("digits")
    with distributed.Client(processes=False, dashboard_address=None, n_workers=1, threads_per_worker=1) as client:
        over = resumable.run_row("dask", jobs, digits, tmp_path, client=client)
    alone = resumable.run_row("alone", jobs, digits, tmp_path, workers=1)
    assert over.read_bytes() == alone.read_bytes()


def test_rows_that_are_centred_get_centred_data(cifar_files):
    assert ROWS["cifar10_m1_gdlr"].data().offset is None
    mean = load("cifar10-scrambled").x_train.mean(0) / 255
    np.testing.assert_allclose(ROWS["cifar10_m1_gdlr2"].data().offset, mean, atol=1e-6)


def test_the_command_line_hands_on_what_is_described_and_pooled(monkeypatch):
    asked = []
    monkeypatch.setattr(
        resumable, "run_row", lambda name, jobs, data, *rest, **options: asked.append((name, jobs, data))
    )
    small = replace(ROWS["mnist_bnlr"], grid=protocol.Grid(-1, -1, 1), dataset="digits")
    monkeypatch.setitem(protocol.ROWS, "mnist_bnlr", small)
    monkeypatch.setattr(protocol, "VALIDATION", 100)
    assert command.main(["mnist_bnlr", "--described", "--pooled", "2"]) == 0
    [(name, jobs, data)] = asked
    assert (name, data.shape) == ("mnist_bnlr-described-pooled-2", (4, 4, 1))
    assert {job.network.name for job in jobs} == {"m1"}


def test_a_run_that_a_part_and_its_whole_have_counts_once():
    title = kept.rows()[0]
    assert len(kept.gathered([title, title])) == len(kept.results(title))
