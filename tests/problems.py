"""Random problems for the property-based tests, and the tolerance that rounding allows."""

import numpy as np
from hypothesis import strategies as st

from bngd import Problem, spectra, unit_vectors

ROUNDING = 1e-11
"""Relative difference that reordered sums of a few dozen terms may have, with a margin of a few decades."""

seeds = st.integers(0, 2**32 - 1)
learning_rates = st.floats(-4, 4).map(lambda exponent: 10.0**exponent)


@st.composite
def problems(draw, min_dimension=2, max_dimension=12, max_condition=1e4):
    """Draw a problem with a log-uniform spectrum and random labels."""
    rng = np.random.default_rng(draw(seeds))
    d = draw(st.integers(min_dimension, max_dimension))
    eigenvalues = np.sort(10 ** rng.uniform(0, np.log10(max_condition), d))
    return Problem.from_spectrum(eigenvalues, rng=rng, noise_variance=draw(st.floats(0, 2)))


@st.composite
def states(draw, **kwargs):
    """Draw a problem with a state (a, w) of BNGD."""
    problem = draw(problems(**kwargs))
    rng = np.random.default_rng(draw(seeds))
    scale = 10 ** rng.uniform(-2, 2)
    return problem, float(rng.standard_normal()), scale * unit_vectors(rng, problem.dimension)


def a_problem(dimension=20, condition_number=100.0, seed=0):
    """Return one ordinary problem and a start."""
    rng = np.random.default_rng(seed)
    problem = Problem.from_spectrum(spectra.log_spaced(dimension, condition_number), rng=rng)
    return problem, unit_vectors(rng, dimension)
