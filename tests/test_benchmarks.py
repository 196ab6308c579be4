import numpy as np
import pytest

from benchmarks import alternatives, comparison, convolutions, growth, measuring
from bngd.ensemble import cluster
from bngd.networks import small_conv


@pytest.fixture(scope="module")
def small():
    """A comparison of seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "STEPS", 30)
        patch.setattr(comparison, "STEP_SIZES", 40)
        yield


@pytest.fixture(scope="module")
def compared(small):
    """The comparison, on a machine that pretends to have an accelerator."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alternatives, "accelerator", lambda: ("cpu", "pretended device"))
        return comparison.compare(repeats=1)


def test_every_contestant_computes_the_same(compared):
    assert (compared["largest difference"] <= comparison.AGREEMENT).all()
    assert {"Python loop over step sizes", "NumPy, batched", "ours, 1 core"} <= set(compared["what"])
    assert (compared["seconds"] > 0).all()
    assert compared["share of multiply-add limit"].max() < 1.5


def test_an_accelerator_gets_a_row_of_its_own_under_its_name(compared):
    table = compared.set_index("what")
    assert np.isnan(table.loc["JAX, jit(vmap(scan)), pretended device", "share of multiply-add limit"])
    assert table.loc["JAX, jit(vmap(scan))", "share of multiply-add limit"] > 0


@pytest.mark.usefixtures("small")
def test_a_contestant_that_computes_something_else_is_noticed(monkeypatch):
    monkeypatch.setattr(alternatives, "numpy_batched", lambda problem, w0, lr, steps: np.zeros(lr.size))
    with pytest.raises(AssertionError, match="these do not compute what we compute: NumPy, batched"):
        comparison.compare(repeats=1)


@pytest.fixture
def small_network(monkeypatch):
    monkeypatch.setattr(convolutions, "M1", small_conv(2, 8))
    monkeypatch.setattr(convolutions, "BATCH", 20)
    monkeypatch.setattr(convolutions, "BATCHES", 1)  # as many as are compared: no program for other numbers is compiled


def test_every_trainer_computes_the_same_update(small_network):
    table = convolutions.compare(repeats=1)
    assert (table["largest difference"] <= convolutions.AGREEMENT).all()
    assert {"ours", "JAX, one jit a batch", "ours, patches in a compiled loop"} <= set(table["what"])
    assert set(table["network"]) == {"small conv", "small conv with BN"}


def test_a_trainer_that_computes_something_else_is_noticed(small_network, monkeypatch):
    monkeypatch.setattr(convolutions, "jax_jit", lambda network, p, images: [0 * w for w in p["weights"]])
    with pytest.raises(AssertionError, match="these do not compute what we compute: JAX, one jit a batch"):
        convolutions.compare(repeats=1)


def test_the_multiply_adds_of_m1():
    inner = 14 * 14 * 25 * 32 * 64 + 7 * 7 * 64 * 1024 + 1024 * 10
    assert convolutions.multiply_adds(convolutions.M1) == 100 * (2 * 28 * 28 * 25 * 32 + 3 * inner)


def test_compression_is_checked_against_the_uncompressed_run(monkeypatch):
    monkeypatch.setattr(growth, "STEPS", 40)
    table = growth.with_dimension([30, 300], budget=1.0)
    assert (table["largest difference of losses"] < 1e-9).all()
    assert table["compressed to"].is_monotonic_increasing


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("small")
def test_workers_are_timed_where_the_work_is_theirs(monkeypatch):
    asked, reached = [], []
    sweep, run_on_cluster = growth.sweep, cluster.run_on_cluster
    monkeypatch.setattr(growth, "LONG_STEPS", 30)
    monkeypatch.setattr(growth, "STEP_SIZES", 40)
    monkeypatch.setattr(growth, "sweep", lambda *a, **by: asked.append("client" in by) or sweep(*a, **by))
    monkeypatch.setattr(cluster, "HOME_STEPS", 0.0)
    monkeypatch.setattr(cluster, "run_on_cluster", lambda *given: reached.append(given) or run_on_cluster(*given))
    table = growth.with_cores(repeats=1)
    assert len(reached) == sum(asked) == len(asked) / 2 > 0
    assert list(table["cores"]) == list(range(1, growth.cores() + 1))
    assert table[["speedup", "speedup by Dask workers"]].iloc[0].tolist() == [1, 1]


def test_the_long_sweep_is_worth_a_cluster():
    assert comparison.DIMENSION * growth.STEP_SIZES * growth.LONG_STEPS == 1e10 >= 2 * cluster.HOME_STEPS


def test_what_takes_long_is_timed_on_full_blocks():
    lr = np.geomspace(1, 10, 1000)
    assert growth.timed(lr, 100, budget=20.0)[0].size == 1000
    for dimension in (20_000, 10**5, 10**6):
        part, steps = growth.timed(lr, dimension, budget=20.0)
        assert part.size % growth.MIN_LANES == 0
        assert (part[0], part[-1]) == (lr[0], lr[-1])
        assert dimension * part.size * steps <= 20e9
    assert growth.timed(lr, 20_000, budget=20.0)[1] == growth.STEPS


def test_the_limit_is_that_of_a_machine():
    assert 1e8 < measuring.multiply_adds_per_second(1, 2, rounds=50) < 1e12
