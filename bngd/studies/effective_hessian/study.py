r"""The spectrum of H* beside that of H: interlacing, the gain in conditioning, and what decides how large it is.

With the shares theta_i = l_i u_i^2 / u'Hu the secular equation of H* turns into sum_i theta_i / (l_i - x) = 0: the
nonzero eigenvalues of H* depend on H and on how the explained variance is shared between its directions, on nothing
else. Two consequences are checked here: trace H* = sum_i (1 - theta_i) l_i, and for two levels, 1 and kappa, of which
the larger is simple and holds the share theta, kappa* = theta + (1 - theta) kappa.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd import datasets, spectra
from bngd.arrays import Array
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import family_spectrum, problem_of_a_family
from bngd.theory import effective_condition_number, effective_eigenvalues, effective_extremes, effective_hessian

REFERENCE_VALUES = {
    "diabetes": ("470", "106"),
    "iris": ("141", "43"),
    "wine": ("45.5", "17.5"),
    "digits": ("146", "127"),
}
"""kappa and kappa* of the real data as other code found them, rounded to the digits written here."""


def shares(problem: Problem) -> Array:
    """Return theta_i = l_i u_i^2 / u'Hu, the share of the explained variance that each eigendirection holds, (d,)."""
    return problem.g * problem.u / problem.explained


def problem_with_shares(eigenvalues: ArrayLike, theta: ArrayLike) -> Problem:
    """Return the problem with u'Hu = 1 in which the i-th eigendirection holds the share theta_i >= 0, shape (d,).

    The shares are scaled to sum to 1, and u_i = sqrt(theta_i / l_i).

    Raises
    ------
    ValueError
        If a share is negative, or all are zero.
    """
    eigenvalues, theta = np.asarray(eigenvalues, dtype=float), np.asarray(theta, dtype=float)
    if not (theta >= 0).all() or not theta.any():
        raise ValueError(f"shares are {theta}; give at least one above 0, and none below")
    return Problem.from_spectrum(eigenvalues, u=np.sqrt(theta / theta.sum() / eigenvalues))


# --- what holds for every problem ------------------------------------------------------------------------------------


def interlacing_violation(problem: Problem) -> float:
    """Return by how much l_{i-1} <= l*_i <= l_i fails at worst, as a fraction of l_d; at most rounding."""
    values, starred = problem.eigenvalues, effective_eigenvalues(problem)
    below = np.append(0.0, values[:-1])
    return float(np.max(np.maximum(starred - values, below - starred)) / values[-1])


def checks(rng: np.random.Generator, n_problems: int, *, dimensions: tuple[int, int] = (3, 100)) -> pd.DataFrame:
    """Hold random problems of all families against what theory says of every problem.

    Returns
    -------
    pandas.DataFrame
        One row a problem: family, dimension, kappa, kappa_star, interlacing (see `interlacing_violation`), bisection
        (how far l*_2 and l*_d by bisection are from those of the dense eigenvalue solver), trace (how far trace H* is
        from sum (1 - theta_i) l_i); the last three as fractions of l_d.
    """
    drawn = [problem_of_a_family(rng, dimensions=dimensions, condition_numbers=(2.0, 1e6)) for _ in range(n_problems)]
    return pd.DataFrame([{"family": family, **_checks_of(problem)} for family, problem in drawn])


def _checks_of(problem: Problem) -> dict[str, float]:
    largest = problem.eigenvalues[-1]
    extremes = np.array(effective_extremes(problem))
    trace = np.trace(effective_hessian(problem)) - (1 - shares(problem)) @ problem.eigenvalues
    return {
        "dimension": problem.dimension,
        "kappa": problem.condition_number,
        "kappa_star": effective_condition_number(problem),
        "interlacing": interlacing_violation(problem),
        "bisection": float(np.abs(effective_eigenvalues(problem)[[1, -1]] - extremes).max() / largest),
        "trace": float(abs(trace) / largest),
    }


# --- how much is gained ----------------------------------------------------------------------------------------------


def ladder_problems(rng: np.random.Generator, dimension: int, condition_number: float) -> dict[str, Problem]:
    """Return problems in which BN gains at the top of the spectrum, at the bottom, a little, and nothing, by name.

    The first two share one spectrum, a smallest and a largest eigenvalue apart from a log-spaced bulk, and differ in
    where 90 % of the explained variance lies; in the third u is drawn from the unit sphere.
    """
    root = np.sqrt(condition_number)
    bulk = np.geomspace(root / 2, 2 * root, dimension - 2)
    values = np.concatenate([[1.0], bulk, [condition_number]])
    return {
        "most of it at the largest": _loaded(values, "largest", 0.9),
        "most of it at the smallest": _loaded(values, "smallest", 0.9),
        "log-spaced, $u$ random": Problem.from_spectrum(spectra.log_spaced(dimension, condition_number), rng=rng),
        "largest eigenvalue twice": Problem.from_spectrum(spectra.two_level(dimension, condition_number, 2), rng=rng),
    }


def gain_by_family(
    rng: np.random.Generator, families: Sequence[str], condition_numbers: ArrayLike, *, dimension: int, n_draws: int
) -> pd.DataFrame:
    """Return kappa* against kappa for spectra of several families, with u drawn from the unit sphere n_draws times.

    Returns
    -------
    pandas.DataFrame
        One row a family and condition number: family, kappa, and the low (5 %), median and high (95 %) quantiles of
        kappa_star over the draws.
    """
    solutions = unit_vectors(rng, dimension, n_draws)  # the same for all spectra, so that only the spectrum differs
    rows = []
    for family in families:
        for condition_number in np.asarray(condition_numbers, dtype=float):
            values = family_spectrum(family, dimension, condition_number)
            starred = [effective_condition_number(Problem.from_spectrum(values, u=u)) for u in solutions]
            rows.append((family, values[-1] / values[0], *np.quantile(starred, [0.05, 0.5, 0.95])))
    return pd.DataFrame(rows, columns=["family", "kappa", "low", "median", "high"])


def gain_by_share(parts: ArrayLike, *, condition_number: float, dimension: int) -> pd.DataFrame:
    """Return kappa/kappa* against the share of the explained variance that an outlying eigenvalue's direction holds.

    An outlier is the largest eigenvalue above a bulk, whose share is 1 - part, or the smallest below one, whose share
    is part; the bulk, one level or log-spaced over a decade, shares the rest equally.

    Returns
    -------
    pandas.DataFrame
        One row a part: outlier ("largest" or "smallest"), bulk ("one level" or "log-spaced"), share, gain
        (kappa/kappa*), and predicted: kappa/(theta + (1 - theta) kappa) for the largest above one level and
        1 + theta (kappa - 1) for the smallest below one, NaN for the other bulk.
    """
    parts, rows = np.asarray(parts, dtype=float), []
    for bulk, ratio in (("one level", 1.0), ("log-spaced", 10.0)):
        above = spectra.one_outlier(dimension, condition_number, ratio)
        for outlier, values in (("largest", above), ("smallest", np.sort(condition_number / above))):
            for share in 1 - parts if outlier == "largest" else parts:
                gain = condition_number / effective_condition_number(_loaded(values, outlier, share))
                predicted = _two_level_gain(condition_number, outlier, share) if bulk == "one level" else np.nan
                rows.append((outlier, bulk, share, gain, predicted))
    return pd.DataFrame(rows, columns=["outlier", "bulk", "share", "gain", "predicted"])


def gain_by_share_of_length(parts: ArrayLike, *, condition_number: float, dimension: int) -> pd.DataFrame:
    """Return kappa/kappa* of two levels against the part of ||u||^2, not of u'Hu, in the outlier's direction.

    Returns
    -------
    pandas.DataFrame
        One row a part and outlier ("largest" or "smallest"): outlier, part, gain, and predicted, which is what the
        *other* end gains with that share of u'Hu: 1 + part (kappa - 1) for the largest.
    """
    above, rows = spectra.two_level(dimension, condition_number), []
    ends = (("largest", "smallest", above), ("smallest", "largest", np.sort(condition_number / above)))
    for outlier, other, values in ends:
        for part in np.asarray(parts, dtype=float):
            problem = Problem.from_spectrum(values, u=np.sqrt(_parts(dimension, outlier, part)))
            gain = condition_number / effective_condition_number(problem)
            rows.append((outlier, part, gain, _two_level_gain(condition_number, other, part)))
    return pd.DataFrame(rows, columns=["outlier", "part", "gain", "predicted"])


def _loaded(eigenvalues: Array, outlier: str, share: float) -> Problem:
    return problem_with_shares(eigenvalues, _parts(eigenvalues.size, outlier, share))


def _parts(dimension: int, outlier: str, share: float) -> Array:
    parts = np.full(dimension, (1 - share) / (dimension - 1))
    parts[-1 if outlier == "largest" else 0] = share
    return parts


def _two_level_gain(condition_number: float, outlier: str, share: float) -> float:
    if outlier == "largest":
        return condition_number / (share + (1 - share) * condition_number)
    return 1 + share * (condition_number - 1)


# --- real data -------------------------------------------------------------------------------------------------------


def data_conditioning(names: Sequence[str]) -> pd.DataFrame:
    """Return kappa and kappa* of real data, centred and standardised, and at which end of the spectrum BN gains.

    Returns
    -------
    pandas.DataFrame
        One row a data set: dataset, samples, dimension, smallest (l_1), smallest_star (l*_2), largest_star (l*_d),
        largest (l_d), kappa, kappa_star, gain (kappa/kappa*), gain_low (l*_2/l_1) and gain_high (l_d/l*_d), of which
        gain is the product, share_low and share_high (theta_1 and theta_d).
    """
    return pd.DataFrame([{"dataset": name, **_conditioning_of(datasets.load(name))} for name in names])


def _conditioning_of(data: datasets.Dataset) -> Mapping[str, float]:
    problem = Problem.from_data(data.X, data.y, names=data.names)
    (low, high), starred, theta = problem.eigenvalues[[0, -1]], effective_extremes(problem), shares(problem)
    return {
        "samples": len(data.y),
        "dimension": problem.dimension,
        "smallest": low,
        "smallest_star": starred.smallest,
        "largest_star": starred.largest,
        "largest": high,
        "kappa": high / low,
        "kappa_star": starred.largest / starred.smallest,
        "gain": high / low * starred.smallest / starred.largest,
        "gain_low": starred.smallest / low,
        "gain_high": high / starred.largest,
        "share_low": theta[0],
        "share_high": theta[-1],
    }


def rounding_of(text: str) -> float:
    """Return half a unit in the last digit of a decimal number: 0.05 for "45.5", 0.5 for "106"."""
    return 0.5 * 10.0 ** -len(text.partition(".")[2])
