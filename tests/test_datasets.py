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


def test_a_csv_is_split_into_features_and_target(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("p,q,price\n1,2,3\n4,5,6\n")
    data = datasets.read_csv(path, "price")
    np.testing.assert_array_equal(data.X, [[1, 2], [4, 5]])
    np.testing.assert_array_equal(data.y, [3, 6])
    assert data.names == ["p", "q"]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no CSV file"):
        datasets.read_csv(tmp_path / "none.csv", "price")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p,price\n1,2\n", "no column 'cost'"),
        ("cost\n1\n", "only the target"),
        ("p,cost\n1,cheap\n", "'cost'.*not numeric"),
        ("p,cost\nred,1\n", "'p'.*not numeric"),
        ("p,cost\n2,1\nx,3\n", r"'p'.*not numeric \(it holds 'x'\)"),
        ("", "not a CSV"),
        ('p,cost\n1,2\n1,2,3,4\n"', "not a CSV"),
    ],
)
def test_an_unfit_csv_is_refused(tmp_path, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        datasets.read_csv(path, "cost")
