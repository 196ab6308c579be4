import numpy as np
import pytest
from scipy import stats

from bngd import spectra


@pytest.mark.parametrize(
    "eigenvalues",
    [
        spectra.log_spaced(30, 1e3),
        spectra.two_level(30, 1e3, n_large=4),
        spectra.one_outlier(30, 1e3, bulk_condition_number=7),
    ],
)
def test_families_are_ascending_with_the_condition_number_asked_for(eigenvalues):
    assert eigenvalues.shape == (30,)
    assert np.all(np.diff(eigenvalues) >= 0)
    assert eigenvalues[-1] / eigenvalues[0] == pytest.approx(1e3)


def test_two_level_counts_its_levels():
    assert np.sum(spectra.two_level(10, 5.0, n_large=3) == 5.0) == 3


def test_one_outlier_leaves_the_bulk_alone():
    assert spectra.one_outlier(10, 1e3, bulk_condition_number=7)[-2] == pytest.approx(7)


def test_marchenko_pastur_matches_a_large_sample_covariance():
    rng = np.random.default_rng(0)
    d, n = 400, 1000
    sample = np.linalg.eigvalsh(np.cov(rng.standard_normal((d, n)), bias=True))
    assert stats.ks_2samp(sample, spectra.marchenko_pastur(d, d / n)).statistic < 0.02


def test_marchenko_pastur_has_mean_one():
    assert spectra.marchenko_pastur(2000, 0.3).mean() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1.0, 2.0]], "shape"),
        ([], "shape"),
        ([1.0, np.nan], "finite"),
        ([1.0, np.inf], "finite"),
        ([0.0, 1.0], "positive definite"),
        ([-1.0, 1.0], "positive definite"),
        ([1e-20, 1.0], "positive definite"),
    ],
)
def test_a_spectrum_that_is_none_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        spectra.as_spectrum(values)


@pytest.mark.parametrize(
    "call",
    [
        lambda: spectra.log_spaced(0, 10),
        lambda: spectra.log_spaced(5, 0.5),
        lambda: spectra.log_spaced(5, np.nan),
        lambda: spectra.two_level(5, 10, n_large=5),
        lambda: spectra.one_outlier(1, 10),
        lambda: spectra.one_outlier(5, 10, bulk_condition_number=20),
        lambda: spectra.marchenko_pastur(5, 1.0),
    ],
)
def test_impossible_families_are_refused(call):
    with pytest.raises(ValueError, match=r"use|need|least"):
        call()
