r"""BNGD with momentum, weight decay and noisy labels: one update, and what the theory says of it.

.. math::
    v^+ &= m\,v + \varepsilon\,(a/s)\,(g_k - (w'g_k/s^2)\,Hw), \qquad g_k = g + \xi_k, \\
    w^+ &= (1 - \varepsilon\,\mathrm{wd})\,w + v^+, \qquad a^+ = a + \varepsilon_a\,(w'g_k/s - a).

With m = wd = xi_k = 0 it is BNGD. Fresh noise of variance tau^2 in the labels of a batch of b samples moves g by xi_k,
of covariance nu H with nu = tau^2/b. Sources: the paper for BNGD; what is derived here is proved in the chapter
"Beyond least squares of this kind".
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from bngd.arrays import Array
from bngd.dynamics import effective_step, excess_loss, optimal_a, sigma
from bngd.problem import Problem
from bngd.theory import bngd_stability_limit, effective_eigenvalues


class Runs(NamedTuple):
    """Runs side by side, every step kept.

    Attributes
    ----------
    lr, momentum, decay : ndarray, shape (n,)
        eps, m and wd of each run.
    a : ndarray, shape (steps + 1, n)
    w : ndarray, shape (steps + 1, n, d)
    """

    lr: Array
    momentum: Array
    decay: Array
    a: Array
    w: Array

    @property
    def squared_norm(self) -> Array:
        """||w_k||^2, shape (steps + 1, n)."""
        return np.sum(self.w**2, axis=-1)

    @property
    def moved(self) -> Array:
        """v_{k+1} = w_{k+1} - (1 - eps wd) w_k, shape (steps, n, d)."""
        return self.w[1:] - (1 - self.lr * self.decay)[:, None] * self.w[:-1]


def run(
    problem: Problem,
    w0: ArrayLike,
    lr: ArrayLike,
    steps: int,
    *,
    momentum: ArrayLike = 0.0,
    decay: ArrayLike = 0.0,
    noise: ArrayLike = 0.0,
    lr_a: float = 1.0,
    rng: np.random.Generator | None = None,
) -> Runs:
    """Run the update above from a_0 = w_0'g/s_0 and v_0 = 0.

    Parameters
    ----------
    problem : Problem
    w0 : array_like, shape (d,) or (n, d)
    lr, momentum, decay, noise : array_like, broadcast to shape (n,)
        eps, m, wd and nu.
    steps : int
    lr_a : float
        eps_a.
    rng : numpy.random.Generator, optional
        Draws the noise; needed where nu is not zero.

    Raises
    ------
    ValueError
        If there is noise and nothing to draw it from.
    """
    w0 = np.asarray(w0, dtype=float)
    lr, momentum, decay, noise = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (lr, momentum, decay, noise, np.zeros(w0.shape[:-1] or 1)))
    )[:4]
    if noise.any() and rng is None:
        raise ValueError(f"the largest noise is {noise.max():g}, and nothing draws it; give rng")
    a, w = np.empty((steps + 1, lr.size)), np.empty((steps + 1, lr.size, problem.dimension))
    w[0] = w0
    a[0], v = optimal_a(problem, w[0]), np.zeros_like(w[0])
    deviation = np.sqrt(noise[:, None] * problem.eigenvalues)
    for k in range(steps):
        g = problem.g if rng is None else problem.g + deviation * rng.standard_normal(v.shape)
        s, Hw = sigma(problem, w[k]), problem.eigenvalues * w[k]
        p = np.sum(w[k] * g, axis=-1) / s
        v = momentum[:, None] * v + (lr * a[k] / s)[:, None] * (g - (p / s)[:, None] * Hw)
        w[k + 1] = (1 - lr * decay)[:, None] * w[k] + v
        a[k + 1] = a[k] + lr_a * (p - a[k])
    return Runs(lr, momentum, decay, a, w)


# --- weight decay ----------------------------------------------------------------------------------------------------


def equilibrium(problem: Problem, decayed: float, noise: float) -> float:
    r"""Return the effective step at which growth and decay balance, the root in (0, 2/l*_d) of

    .. math:: \hat\varepsilon^2\,\nu \sum_i \frac{\lambda^*_i}{2 - \hat\varepsilon\lambda^*_i}
        = \varepsilon\,\mathrm{wd}\,\|u\|^2 .

    Without noise it is 2/l*_d; with little decay it is ||u|| sqrt(2 eps wd/(nu tr H*)).

    Parameters
    ----------
    problem : Problem
    decayed : float
        eps wd, the part of the weights that a step takes away.
    noise : float
        nu, at least 0.
    """  # noqa: D400 - the formula ends the sentence
    limit = bngd_stability_limit(problem)
    if noise == 0:
        return limit
    values, target = effective_eigenvalues(problem), 2 * decayed * np.sum(problem.u**2) / noise
    # In y = sum(...)/target the left side grows from 0 to infinity: one root.
    return float(brentq(lambda x: x**2 * np.sum(values / (1 - x * values / 2)) / target - 1, 0, limit * (1 - 1e-15)))


def balance(
    problem: Problem,
    w0: ArrayLike,
    decayed: ArrayLike,
    noise: ArrayLike,
    steps: int,
    rng: np.random.Generator,
    *,
    lr_a: float,
) -> pd.DataFrame:
    """Run each eps wd with each nu, started where the balance is expected, and average over the second half.

    Returns
    -------
    pandas.DataFrame
        decayed (eps wd), noise (nu), effective_step and loss (means of eff_k and of ||e_k||_H^2/2), predicted (of
        `equilibrium`), predicted_loss (eps wd ||u||^2/(2 eff), with the mean eff), cosine (geometric mean of the
        cosine of the angle between (1 - eps wd) w_k and w_{k+1}), squares (the sum of ||v_{k+1}||^2 over that of
        ||w_k||^2).
    """
    decayed, noise = (grid.ravel() for grid in np.meshgrid(decayed, noise))
    predicted = np.array([equilibrium(problem, *pair) for pair in zip(decayed, noise, strict=True)])
    w0 = np.asarray(w0, dtype=float)
    lr = predicted * np.sum(w0**2) / np.sum(problem.u**2)
    runs = run(problem, w0, lr, steps, decay=decayed / lr, noise=noise, lr_a=lr_a, rng=rng)
    half = slice(steps // 2, steps)
    a, w, moved = runs.a[half], runs.w[half], np.sum(runs.moved[half] ** 2, axis=-1)
    shrunk = (1 - decayed) ** 2 * runs.squared_norm[half]
    mean = effective_step(problem, a, w, lr).mean(axis=0)
    return pd.DataFrame(
        {
            "decayed": decayed,
            "noise": noise,
            "effective_step": mean,
            "predicted": predicted,
            "loss": excess_loss(problem, optimal_a(problem, w), w).mean(axis=0),
            "predicted_loss": decayed * np.sum(problem.u**2) / (2 * mean),
            "cosine": np.exp(-np.log1p(moved / shrunk).mean(axis=0) / 2),
            "squares": moved.sum(axis=0) / runs.squared_norm[half].sum(axis=0),
        }
    )


# --- the edge of stability -------------------------------------------------------------------------------------------


def sharpness(problem: Problem, a: ArrayLike, w: ArrayLike) -> Array:
    r"""Return the largest eigenvalue of the Hessian of J in w, shape (...), for a of shape (...) and w of (..., d).

    .. math:: \nabla^2_w J = \frac{a}{s} \Big(q H + \frac{g(Hw)' + (Hw)g' - 3q\,(Hw)(Hw)'}{s^2}\Big)
    """
    w, s = np.asarray(w, dtype=float), sigma(problem, w)
    Hw, q = problem.eigenvalues * w, (w @ problem.g) / s**2
    outer = problem.g[:, None] * Hw[..., None, :]
    both = outer + np.swapaxes(outer, -1, -2) - 3 * q[..., None, None] * Hw[..., :, None] * Hw[..., None, :]
    inner = q[..., None, None] * np.diag(problem.eigenvalues) + both / (s**2)[..., None, None]
    return np.linalg.eigvalsh((np.asarray(a) / s)[..., None, None] * inner)[..., -1]


def period(values: ArrayLike) -> float:
    """Return the mean distance between upward crossings of the median, NaN where (n,) values have fewer than three."""
    values = np.asarray(values, dtype=float)
    above = values > np.median(values)
    crossings = np.flatnonzero(above[1:] & ~above[:-1])
    return float(np.mean(np.diff(crossings))) if crossings.size > 2 else float("nan")


def predicted_period(decayed: ArrayLike) -> Array:
    """Return 2 pi/sqrt(8 eps wd), the period of small oscillations about the edge to leading order."""
    return 2 * np.pi / np.sqrt(8 * np.asarray(decayed, dtype=float))
