"""What all tests share: no window, the same examples in every run, and throw-away projects for the companion."""

import os
import tarfile

import numpy as np
import pytest
from companion_project import Project
from hypothesis import settings

from bngd.companion.errors import CompanionError

os.environ["MPLBACKEND"] = "Agg"
# The same examples every time: a rare failure must not meet the wrong change. A busy machine is no failure either.
settings.register_profile("bngd", derandomize=True, deadline=None)
settings.load_profile("bngd")

LONGEST_FIRST = (
    "test_book", "test_explorers", "test_networks_training", "test_companion_execute", "test_networks_protocol",
    "test_faults", "test_book_build", "test_trust",
)  # fmt: skip
"""Files that a worker should begin with: one that comes last keeps it alone while the others are idle."""


def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


COMPILED_QUICKLY = (
    "test_benchmarks", "test_networks_architectures", "test_networks_protocol", "test_networks_sharpness",
    "test_networks_together", "test_networks_training",
)  # fmt: skip
"""Tests where compiling tiny networks is all, and whose subject is neither threads nor XLA."""


@pytest.fixture(scope="module", autouse=True)
def compiled_quickly(request):
    if request.module.__name__ not in COMPILED_QUICKLY:
        yield
        return
    import jax

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # for workers
        jax.config.update("jax_disable_most_optimizations", True)
        yield
        jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def project(tmp_path):
    """An empty companion with a profile ``full``, to which a test adds notebooks."""
    return Project(tmp_path / "project")


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A data folder with nothing in it, as the networks' data are looked for."""
    monkeypatch.setenv("BNGD_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def digits():
    """The small images that ship with scikit-learn."""
    from bngd.networks import load

    return load("digits")


@pytest.fixture
def cifar_files(empty_cache, tmp_path, monkeypatch):
    """CIFAR-10's binary files with 24 random images each, all the same; returns the images."""
    from bngd.networks import data, sources

    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    labels = np.resize(np.array([3, 9], dtype=np.uint8), len(images))
    part = tmp_path / "part.bin"
    part.write_bytes(np.column_stack([labels, np.moveaxis(images, 3, 1).reshape(len(images), -1)]).tobytes())
    archive = empty_cache / "cifar10" / "cifar-10-binary.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        for member in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
            tar.add(part, f"cifar-10-batches-bin/{member}.bin")
    files = {archive.name: sources.sha256(archive)}
    for name in ("cifar10", "cifar10-scrambled"):
        known = data.DATASETS[name]
        monkeypatch.setitem(data.DATASETS, name, data.Recipe("a test", (files,), (), known.read, cache="cifar10"))
    return images


@pytest.fixture
def output(tmp_path, monkeypatch):
    """The folder that a `Run` writes to, as if the companion's runner had set it."""
    monkeypatch.setenv("BNGD_OUTPUT", str(tmp_path / "output"))
    return tmp_path / "output"


@pytest.fixture(scope="session")
def browser():
    """A Chromium; without one the browser's tests are skipped, unless ``BNGD_REQUIRE_BROWSER=1``."""
    try:
        from playwright.sync_api import sync_playwright

        from bngd.companion.chromium import CHROMIUM_FLAGS, find_chromium

        executable = find_chromium()
    except (ImportError, CompanionError) as reason:
        if os.environ.get("BNGD_REQUIRE_BROWSER") == "1":
            pytest.fail(f"a browser is required: {reason}")
        pytest.skip(f"no browser: {reason}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=[*CHROMIUM_FLAGS])
        yield chromium
        chromium.close()
