import numpy as np
import pytest

from bngd import datasets


@pytest.mark.parametrize("name", datasets.TARGETS)
def test_each_set_is_complete_and_finite(name):
    data = datasets.load(name)
    assert data.X.shape == (data.y.size, len(data.names))
    assert np.isfinite(data.X).all()
    assert np.isfinite(data.y).all()


def test_an_unknown_set_is_refused_with_the_list():
    with pytest.raises(ValueError, match="diabetes"):
        datasets.load("boston")
