"""What a researcher calls with the wrong thing: the message holds what was given, the rule and the way out."""

import numpy as np
import pandas as pd
import pytest
from what_happens import happens

import bngd

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 2))
Y = RNG.standard_normal(6)
FRAME = pd.DataFrame(X, columns=["a", "b"])
PROBLEM = bngd.Problem.from_spectrum([1.0, 2.0, 3.0], u=[1.0, 1.0, 1.0])
W0 = np.ones(3)
from_data = bngd.Problem.from_data


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("from_data(np.ma.array(X, mask=X[2, 1] == X), Y)", ["row 2", "masked"]),
        ("from_data(X + 1j, Y)", ["complex", "X.real"]),
        ("from_data(X.astype(str), Y)", ["text"]),
        ('from_data(FRAME.assign(c=pd.Categorical(list("uvwuvw"))), Y)', ["'c'", "categories"]),
        ('from_data(FRAME.assign(c=pd.array([1, None, 3, 4, 5, 6], dtype="Int64")), Y)', ["row 1", "'c'"]),
        ('from_data(FRAME.assign(c=pd.Timestamp("2019-06-11")), Y)', ["'c'", "dates"]),
        ('from_data(FRAME.assign(c=["x"] * 6), Y)', ["row 0", "'c'", "'x'"]),
        ('from_data(FRAME.set_axis(["a", "a"], axis=1), Y)', ["'a'", "rename"]),
        ("from_data(FRAME, pd.Series(Y, index=range(1, 7)))", ["labelled 0"]),
        ("from_data(np.where(X[3, 1] == X, np.nan, X), Y)", ["row 3", "column 1", "nan"]),
        ("from_data(X, Y * 1e-200)", ["rescale"]),
        ("from_data([[1.0], [-1.0], [0.0]], [1.0, 1.0, -2.0])", ["correlat"]),
        ("PROBLEM.check_start(W0 * 1e160)", ["1e+160"]),
        ("PROBLEM.check_start(W0 * 1e-200)", ["1e-200"]),
        ("bngd.sweep(PROBLEM, None, w0=W0, steps=3)", ["lr is None"]),
        ("bngd.sweep(PROBLEM, 0.1, w0=W0, steps=True)", ["steps is True"]),
        ("bngd.bngd_trajectory(PROBLEM, W0, 0.1, True)", ["steps is True"]),
        ("bngd.unit_vectors(0, 3)", ["rng is 0", "default_rng"]),
        ("bngd.compress(PROBLEM, W0, steps=3, max_dimension=0)", ["max_dimension is 0"]),
    ],
)
def test_the_message_names_what_was_given(call, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are the match
        eval(call)
    assert [word for word in words if word not in str(caught.value)] == []
    happens("calls", "", "refused", given=call, said=str(caught.value))


def test_labelled_data_are_brought_into_one_order_and_keep_their_names():
    y = pd.Series(Y)
    mixed = from_data(FRAME.assign(same=1), y.sample(frac=1, random_state=1))
    np.testing.assert_array_equal(mixed.g, from_data(X, Y).g)
    happens("calls", "a Series whose labels are in another order", "brought into the table's order by its labels")
    assert mixed.preparation.constant == ("same",)


def test_whole_numbers_beyond_floats_and_columns_of_any_size_keep_their_meaning():
    n = np.array([3, 1, 4, 1, 5, 9])
    expected = from_data(n[:, None], Y)
    np.testing.assert_allclose(from_data(n[:, None] + 2**62, Y).g, expected.g)
    for scale in (1e300, 1e-300):
        np.testing.assert_allclose(from_data(n[:, None] * scale, Y).g, expected.g)
    happens("calls", "whole numbers around 2^62, features around 1e300 or 1e-300", "taken exactly, or scaled first")


def test_sparse_matrices_are_filled():
    from scipy import sparse

    np.testing.assert_array_equal(from_data(sparse.csr_array(X), Y).g, from_data(X, Y).g)
    happens("calls", "a sparse matrix", "filled, where it fits into memory")


def test_a_problem_shows_itself():
    problem = from_data(FRAME, Y)
    assert "dimension: 2" in repr(problem)
    assert "<th>condition number</th>" in problem._repr_html_()
