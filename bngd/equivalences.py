"""Equivalent configurations: five changes of a BNGD run that change nothing but units.

Each law maps a configuration to another one whose run is the first one's, with a and w transformed. They are exact,
up to rounding; gradient descent has only the rotation at the same step size.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import Trajectory, bngd_trajectory, check_positive
from bngd.problem import Problem


@dataclass(frozen=True, eq=False)
class Configuration:
    """Everything that determines a BNGD run but the number of steps; w0, shape (p,), as the problem's user has it."""

    problem: Problem
    a0: float
    w0: Array
    lr: float
    lr_a: float

    def run(self, steps: int) -> Trajectory:
        """Run BNGD; the trajectory's weights are in the problem's eigenbasis."""
        start = self.problem.to_eigenbasis(self.w0)
        return bngd_trajectory(self.problem, start, self.lr, steps, lr_a=self.lr_a, a0=self.a0)


@dataclass(frozen=True)
class Equivalent:
    """A configuration, and how its run maps back to the run that it is equivalent to.

    Attributes
    ----------
    configuration : Configuration
    restore_a, restore_w : callable
        Turn its a_k, shape (...), and its w_k in the user's coordinates, shape (..., p), into those of the original.
    """

    configuration: Configuration
    restore_a: Callable[[Array], Array]
    restore_w: Callable[[Array], Array]

    def run(self, steps: int) -> tuple[Array, Array]:
        """Return a_k, shape (steps + 1,), and w_k in the user's coordinates, shape (steps + 1, p), both mapped back."""
        trajectory = self.configuration.run(steps)
        w = self.configuration.problem.from_eigenbasis(trajectory.w)
        return self.restore_a(trajectory.a), self.restore_w(w)


def _same(values: Array) -> Array:
    return values


def rotate(c: Configuration, Q: ArrayLike) -> Equivalent:
    """Q orthogonal (d, d): (QHQ', Qg, a_0, Qw_0, eps_a, eps) has the same a_k, and Q w_k.

    Raises
    ------
    ValueError
        If Q is not orthogonal.
    """
    Q = np.asarray(Q, dtype=float)
    if Q.shape != (c.problem.dimension,) * 2 or not np.allclose(Q @ Q.T, np.eye(c.problem.dimension)):
        raise ValueError(
            f"Q has shape {Q.shape}; it must be orthogonal with {c.problem.dimension} rows, such as a QR factor"
        )
    H = Q @ np.diag(c.problem.eigenvalues) @ Q.T
    rotated = Problem.from_moments((H + H.T) / 2, Q @ c.problem.g, c.problem.second_moment)
    return Equivalent(replace(c, problem=rotated, w0=Q @ c.problem.to_eigenbasis(c.w0)), _same, lambda w: w @ Q)


def scale_weights(c: Configuration, gamma: float) -> Equivalent:
    """Gamma > 0: (H, g, a_0, gamma w_0, eps_a, gamma^2 eps) has the same a_k, and gamma w_k."""
    check_positive(gamma=gamma)
    return Equivalent(replace(c, w0=gamma * c.w0, lr=gamma**2 * c.lr), _same, lambda w: w / gamma)


def flip_sign(c: Configuration) -> Equivalent:
    """(H, g, -a_0, -w_0, eps_a, eps) has -a_k and -w_k."""
    return Equivalent(replace(c, a0=-c.a0, w0=-c.w0), np.negative, np.negative)


def scale_inputs(c: Configuration, mu: float) -> Equivalent:
    """Mu > 0: (mu^2 H, mu g, a_0, w_0, eps_a, eps) has the same a_k and w_k."""
    check_positive(mu=mu)
    p = c.problem
    return Equivalent(replace(c, problem=replace(p, eigenvalues=mu**2 * p.eigenvalues, g=mu * p.g)), _same, _same)


def scale_labels(c: Configuration, nu: float) -> Equivalent:
    """Nu > 0: (H, nu g, nu a_0, w_0, eps_a, eps/nu^2) has nu a_k and the same w_k."""
    check_positive(nu=nu)
    p = c.problem
    scaled = replace(p, g=nu * p.g, second_moment=nu**2 * float(p.second_moment or 0.0))
    return Equivalent(replace(c, problem=scaled, a0=nu * c.a0, lr=c.lr / nu**2), lambda a: a / nu, _same)
