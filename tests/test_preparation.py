import numpy as np
import pytest

from bngd import Problem
from bngd.preparation import prepare

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3)) + 5
Y = RNG.standard_normal(40) + 2


def test_data_come_back_centred_and_standardised():
    features, target, _ = prepare(X, Y)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(features.std(axis=0), 1)
    assert abs(target.mean()) < 1e-12


def test_standardising_can_be_left_out():
    features, _, _ = prepare(X, Y, standardise=False)
    np.testing.assert_allclose(features, X - X.mean(axis=0))


def test_constant_columns_are_left_out_and_named():
    features, _, report = prepare(np.column_stack([X, np.full(40, 3.0)]), Y, names=["p", "q", "r", "fixed"])
    assert report.constant == ("fixed",)
    assert features.shape == (40, 3)
    assert "fixed" in str(report)


def test_collinear_columns_are_named_and_their_direction_left_out():
    doubled = np.column_stack([X, X[:, 0] - 2 * X[:, 1]])
    problem = Problem.from_data(doubled, Y)
    assert len(problem.preparation.collinear) == 1
    assert problem.dimension == problem.preparation.rank == 3


def test_nearly_collinear_columns_are_left_out_before_they_break_the_spectrum():
    nearly = np.column_stack([X, X[:, 0] + 1e-9 * RNG.standard_normal(40)])
    assert Problem.from_data(nearly, Y).dimension == 3


def test_a_long_report_is_cut_short():
    report = str(prepare(RNG.standard_normal((5, 50)), Y[:5])[2])
    assert "and 38 more" in report


@pytest.mark.parametrize(
    ("features", "target", "message"),
    [
        (X[:, 0], Y, "reshape"),
        (X, Y[:-1], "shape"),
        (X[:1], Y[:1], "fewer than 2"),
        (np.where(X > 7, np.nan, X), Y, "NaN"),
        (X, np.where(Y > 3, np.inf, Y), "NaN or infinite"),
        (X, np.ones(40), "constant"),
        (np.ones((40, 2)), Y, "constant"),
        (X[:, :0], Y, "shape"),
    ],
)
def test_unfit_data_are_refused(features, target, message):
    with pytest.raises(ValueError, match=message):
        prepare(features, target)


def test_names_must_match_the_features():
    with pytest.raises(ValueError, match="names"):
        prepare(X, Y, names=["p"])
