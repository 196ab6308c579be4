"""Images with fewer inputs."""

from dataclasses import replace

import numpy as np
import pytest

from bngd.networks import kept, load
from bngd.networks.pooling import pooled


def test_a_block_becomes_its_mean():
    digits = load("digits")
    small = pooled(digits, 4)
    by_hand = [[round(digits.x_train[7, r : r + 4, c : c + 4].mean()) for c in (0, 4)] for r in (0, 4)]
    np.testing.assert_array_equal(small.x_train[7, :, :, 0], by_hand)
    assert small.shape == (2, 2, 1)
    assert small.origin.endswith("averaged over blocks of 4 x 4 pixels")
    assert pooled(digits, 1) is digits


def test_a_whole_picture_of_one_value_keeps_it():
    digits = load("digits")
    flat = replace(digits, x_train=np.full_like(digits.x_train, 13))
    assert (pooled(flat, 8).x_train == 13).all()


@pytest.mark.parametrize("block", [0, 3, 16])
def test_blocks_that_do_not_tile_are_refused(block):
    with pytest.raises(ValueError, match=rf"blocks of {block} x {block} do not tile images of 8 x 8; give a common"):
        pooled(load("digits"), block)


def test_rows_with_another_rate_for_the_rest_do_not_pass_for_the_authors(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    titles = ["mnist_m5_gdlr-h10", "mnist_m5_gdlr-h10-rest-1-every-2", "mnist_m5_gdlr-h10-pooled-4-rest-1e-05"]
    for title in titles:
        (tmp_path / f"{title}.csv").touch()
    assert kept.rows("mnist_m5_gdlr", parts=True) == titles[:1]
    assert kept.rows("mnist_m5_gdlr", parts=True, lr_rest=1.0) == titles[1:2]
    assert kept.rows("mnist_m5_gdlr", pooled=4, lr_rest=1e-5) == titles[2:]


def test_rows_with_fewer_inputs_do_not_pass_for_the_authors(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    for title in ("mnist_m5_gdlr-h10", "mnist_m5_gdlr-h10-pooled-4", "mnist_m5_gdlr-h10-pooled-4-every-2"):
        (tmp_path / f"{title}.csv").touch()
    assert kept.rows("mnist_m5_gdlr", parts=True) == ["mnist_m5_gdlr-h10"]
    assert kept.rows(pooled=4) == ["mnist_m5_gdlr-h10-pooled-4"]
    assert kept.rows(parts=True, pooled=4) == ["mnist_m5_gdlr-h10-pooled-4", "mnist_m5_gdlr-h10-pooled-4-every-2"]
