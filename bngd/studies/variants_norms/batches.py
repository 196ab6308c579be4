r"""BN's statistics: of inputs with a mean, where beta decouples, and of the m samples of a batch.

What is derived here is proved in the chapter "Beyond least squares of this kind".
"""

from collections.abc import Iterable
from math import exp, lgamma, sqrt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.arrays import Array
from bngd.dynamics import bngd_trajectory, excess_loss, optimal_a, residual
from bngd.ensemble import sweep
from bngd.problem import Problem, unit_vectors
from bngd.theory import bngd_stability_limit, effective_condition_number, gd_stability_limit, limit_effective_step

# --- uncentred inputs and beta ---------------------------------------------------------------------------------------


def batch_norm_step(
    X: Array, y: Array, a: float, beta: float, w: Array, *, lr: float, lr_a: float, lr_beta: float
) -> tuple[float, float, Array]:
    r"""Return the next (a, beta, w) of gradient descent on mean (a N(Xw) + beta - y)^2 / 2, the samples as they are.

    For X of shape (m, d) and y of shape (m,). Written as a layer's backward pass would be: with N the normalized
    outputs, r the residuals and <.> the mean,

    .. math:: \partial_a = \langle rN\rangle, \quad \partial_\beta = \langle r\rangle, \quad
        \nabla_w = (a/s)\,\langle (r - \langle r\rangle - N \langle rN\rangle)\,x\rangle .
    """
    z = X @ w
    s = z.std()
    normalized = (z - z.mean()) / s
    residual = a * normalized + beta - y
    to_a, to_beta = (residual * normalized).mean(), residual.mean()
    to_w = (a / s) * ((residual - to_beta - normalized * to_a) @ X) / y.size
    return a - lr_a * to_a, beta - lr_beta * to_beta, w - lr * to_w


def shifted_data(rng: np.random.Generator, n: int, eigenvalues: ArrayLike) -> tuple[Array, Array, Array]:
    """Return centred inputs (n, d) of about that covariance, labels (n,) with a mean, and a random direction (d,)."""
    eigenvalues = np.asarray(eigenvalues, dtype=float)
    X = rng.standard_normal((n, eigenvalues.size)) * np.sqrt(eigenvalues)
    X -= X.mean(axis=0)
    labels = X @ rng.standard_normal(eigenvalues.size) + rng.standard_normal(n) + 3.0
    direction = rng.standard_normal(eigenvalues.size)
    return X, labels, direction / np.linalg.norm(direction)


def with_intercept(X: Array, y: Array) -> Problem:
    """Return the least-squares problem of GD on the inputs as they are, with a constant input 1 for the intercept."""
    inputs = np.column_stack([X, np.ones(len(X))])
    return Problem.from_moments(inputs.T @ inputs / y.size, inputs.T @ y / y.size, float(y @ y) / y.size)


def intercept_condition_bound(X: Array) -> float:
    r"""Return a lower bound of GD's condition number on uncentred inputs with an intercept.

    With mu the mean of the inputs and v the variance of x along it, kappa >= (1 + ||mu||^2)^2 / v.
    """
    mean = X.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return float((1 + length**2) ** 2 / np.var(X @ mean / length))


class ShiftedRuns(NamedTuple):
    """BNGD on data with shifted inputs: a and beta of shape (steps + 1,), w of shape (steps + 1, d)."""

    a: Array
    beta: Array
    w: Array


def run_batch_norm(
    X: Array, y: Array, w0: ArrayLike, steps: int, *, lr: float, lr_a: float, lr_beta: float
) -> ShiftedRuns:
    """Run `batch_norm_step` from a = 1 and beta = 0, and return all of it as `ShiftedRuns`."""
    a, beta, w = np.ones(steps + 1), np.zeros(steps + 1), np.empty((steps + 1, X.shape[1]))
    w[0] = w0
    for k in range(steps):
        a[k + 1], beta[k + 1], w[k + 1] = batch_norm_step(X, y, a[k], beta[k], w[k], lr=lr, lr_a=lr_a, lr_beta=lr_beta)
    return ShiftedRuns(a, beta, w)


def compare_shifts(
    X: Array, y: Array, direction: Array, shifts: Iterable[float], lr: ArrayLike, w0: ArrayLike, steps: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run GD with an intercept and BNGD (eps_a = eps_beta = 1/2) on X + shift direction.

    Parameters
    ----------
    X, y, direction : ndarray, shapes (n, d), (n,), (d,)
        Of `shifted_data`.
    shifts : iterable of float
        Lengths of the inputs' mean, positive.
    lr : array_like
        Of BNGD; GD gets as many below its own limit, which it never passes to advantage.
    w0 : array_like, shape (d,)

    Returns
    -------
    losses : pandas.DataFrame
        method, shift, lr, loss: the excess loss after the steps, in units of the centred problem's u'Hu/2.
    conditions : pandas.DataFrame
        shift, kappa, bound, kappa_star; and the largest differences from theory: of BNGD's (a, w) from the run on
        centred inputs (run_error) and of |beta_k - <y>| from |<y>| 2^-k (beta_error).
    """
    centred, rates = Problem.from_data(X, y, standardise=False), np.asarray(lr, dtype=float)
    start, unit, losses, conditions = centred.to_eigenbasis(w0), centred.explained / 2, [], []
    for shift in shifts:
        moved = X + shift * direction
        plain, run_error, beta_error = with_intercept(moved, y), 0.0, 0.0
        for rate in rates:
            runs = run_batch_norm(moved, y, w0, steps, lr=rate, lr_a=0.5, lr_beta=0.5)
            w, beta = centred.to_eigenbasis(runs.w), np.abs(runs.beta - y.mean())
            alone = bngd_trajectory(centred, start, rate, steps, lr_a=0.5, a0=1.0)
            apart = np.linalg.norm(w - alone.w, axis=1) / alone.norm_w
            run_error = max(run_error, np.abs(runs.a - alone.a).max() / np.sqrt(2 * unit), apart.max())
            beta_error = max(beta_error, np.abs(beta - abs(y.mean()) * 0.5 ** np.arange(steps + 1)).max())
            final = excess_loss(centred, runs.a[-1], w[-1]) + beta[-1] ** 2 / 2
            losses.append(("bngd", shift, rate, float(final) / unit))
        own = gd_stability_limit(plain) * np.linspace(0.5, 0.99, rates.size)
        runs_gd = sweep(plain, own, steps=steps, w0=plain.to_eigenbasis(np.append(w0, 0.0)), method="gd")
        losses += [("gd", shift, *pair) for pair in zip(own, runs_gd["excess_loss"] / unit, strict=True)]
        kappas = plain.condition_number, intercept_condition_bound(moved), effective_condition_number(centred)
        conditions.append((shift, *kappas, run_error, beta_error))
    columns = ["shift", "kappa", "bound", "kappa_star", "run_error", "beta_error"]
    return pd.DataFrame(losses, columns=["method", "shift", "lr", "loss"]), pd.DataFrame(conditions, columns=columns)


# --- statistics from m samples ---------------------------------------------------------------------------------------


def shrinkage(m: int) -> float:
    r"""Return c_m = E sd(z_1 ... z_m) for m standard normal numbers, sd with 1/m: by it a batch shrinks the labels.

    .. math:: c_m = \sqrt{2/m}\;\Gamma(m/2) / \Gamma((m-1)/2)
    """
    return sqrt(2 / m) * exp(lgamma(m / 2) - lgamma((m - 1) / 2))


class _Batches(NamedTuple):
    """Runs on fresh batches: a of shape (steps + 1, n) and w of shape (steps + 1, n, d)."""

    a: Array
    w: Array


def _run_batches(
    problem: Problem,
    w0: ArrayLike,
    m: int,
    lr: float | Array,
    steps: int,
    rng: np.random.Generator,
    *,
    n_runs: int,
    lr_a: float,
    noise: float,
) -> _Batches:
    """Run gradient descent on BN's loss of a fresh batch of m normal inputs in every step, n_runs times at once.

    It starts at w0, (d,) or (n_runs, d), and a_0 = c_m w_0'g/s_0, the best for it; lr is one, or (n_runs,).
    x has covariance H and y = x'u + noise of variance ``noise``. The gradient in w is -(a/s) <x (y - <y> - N <Ny>)>.
    """
    a, w = np.empty((steps + 1, n_runs)), np.empty((steps + 1, n_runs, problem.dimension))
    w[0] = w0
    a[0] = shrinkage(m) * optimal_a(problem, w[0])
    for k in range(steps):
        x = rng.standard_normal((n_runs, m, problem.dimension)) * np.sqrt(problem.eigenvalues)
        y = x @ problem.u + np.sqrt(noise) * rng.standard_normal((n_runs, m))
        p, step = batch_gradient(x, y, w[k])
        w[k + 1] = w[k] + (lr * a[k])[:, None] * step
        a[k + 1] = a[k] + lr_a * (p - a[k])
    return _Batches(a, w)


def batch_gradient(x: Array, y: Array, w: Array) -> tuple[Array, Array]:
    """Return <Ny>, shape (n,), and (1/s) <x (y - <y> - N <Ny>)>, shape (n, d), of batches x (n, m, d) and y (n, m)."""
    z = (x @ w[..., None])[..., 0]
    z -= z.mean(axis=1, keepdims=True)
    s = np.sqrt(np.mean(z**2, axis=1))
    N, y = z / s[:, None], y - y.mean(axis=1, keepdims=True)
    p = np.mean(N * y, axis=1)
    return p, ((y - N * p[:, None])[:, None] @ x)[:, 0] / (s * y.shape[1])[:, None]


def annealed_step(problem: Problem, m: int, k: ArrayLike, *, lr_a: float, noise: float) -> Array:
    r"""Return what the effective step falls like when the labels are noisy, whatever eps and the start, shape of k.

    .. math:: \hat\varepsilon_k \sim \frac{c_m^2\,\|u\|\,\|u\|_H}{A\sqrt{2\nu_m\,\mathrm{tr}\,H^*\,k}}, \qquad
        \nu_m = \frac{\tau^2 (m-2)}{m (m-3)}, \qquad
        A^2 = c_m^2 \|u\|_H^2 + \frac{\varepsilon_a}{2-\varepsilon_a}
              \Big(\big(\tfrac{m-1}{m} - c_m^2\big) \|u\|_H^2 + \tfrac{\tau^2}{m}\Big).

    Parameters
    ----------
    problem : Problem
    m : int
        At least 4: with three samples the steps have no finite variance, and with two there are none.
    k : array_like
        Numbers of steps.
    """
    c, explained = shrinkage(m), problem.explained
    mean_a_squared = c**2 * explained + lr_a / (2 - lr_a) * (((m - 1) / m - c**2) * explained + noise / m)
    trace = problem.eigenvalues.sum() - problem.g @ problem.g / explained
    variance = noise * (m - 2) / (m * (m - 3)) * trace
    top = c**2 * np.linalg.norm(problem.u) * np.sqrt(explained)
    return top / np.sqrt(2 * mean_a_squared * variance * np.asarray(k, dtype=float))


def explained_by_batches(
    problem: Problem, sizes: Iterable[int], n_batches: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Measure which share of u'Hu the best a explains at w = u when batches of m normalize: (E <N y>)^2 / u'Hu.

    Returns
    -------
    pandas.DataFrame
        m, measured, error (its standard error), predicted (c_m^2).
    """
    rows = []
    for m in sizes:
        x = rng.standard_normal((n_batches, m, problem.dimension)) * np.sqrt(problem.eigenvalues)
        p, _ = batch_gradient(x, x @ problem.u, np.broadcast_to(problem.u, (n_batches, problem.dimension)))
        p /= np.sqrt(problem.explained)
        rows.append((m, p.mean() ** 2, 2 * p.mean() * p.std() / np.sqrt(n_batches), shrinkage(m) ** 2))
    return pd.DataFrame(rows, columns=["m", "measured", "error", "predicted"])


def effective_steps(
    problem: Problem,
    w0: ArrayLike,
    sizes: Iterable[int],
    lr: float,
    steps: int,
    rng: np.random.Generator,
    **options: Any,
) -> dict[int, Array]:
    """Return by m the effective step c_m^2 eps ||u||^2/||w_k||^2 of `_run_batches`, shape (steps + 1, n_runs).

    It is that of a minimiser with the same norm, free of the noise in the direction. Options: n_runs, lr_a, noise.
    """
    runs = {m: _run_batches(problem, w0, m, lr, steps, rng, **options) for m in sizes}
    return {m: shrinkage(m) ** 2 * limit_effective_step(problem, lr, run.w) for m, run in runs.items()}


def stability_limits(
    problem: Problem, sizes: Iterable[int], fractions: ArrayLike, steps: int, rng: np.random.Generator, *, lr_a: float
) -> dict[int, float]:
    """Measure by m below which effective step, in units of 2/l*_d, a small error shrinks at a minimiser, without noise.

    Runs start an error of about 1e-9 away from u, one for each of the ascending ``fractions``; the limit is half way
    between the first whose error has grown after the steps and the one before.
    """
    fractions = np.asarray(fractions, dtype=float)
    w0 = problem.u + 1e-9 * unit_vectors(rng, problem.dimension, fractions.size)
    limits = {}
    for m in sizes:
        lr = fractions * bngd_stability_limit(problem) / shrinkage(m) ** 2  # at w = u, where eff = c_m^2 eps
        runs = _run_batches(problem, w0, m, lr, steps, rng, n_runs=fractions.size, lr_a=lr_a, noise=0.0)
        error = np.linalg.norm(residual(problem, runs.w), axis=-1)
        # One that has grown large lengthens w, and then shrinks: its peak gives it away.
        unstable = (error[-1] > error[0]) | (error.max(axis=0) > 1e-3)
        grown = int(np.argmax(unstable)) if unstable.any() else fractions.size
        limits[m] = float(np.mean(fractions[max(grown - 1, 0) : grown + 1]))
    return limits


def last_steps(steps: dict[int, Array], unit: float) -> pd.DataFrame:
    """Return the last of `effective_steps` in some unit: m and effective_step, a row for each run."""
    rows = [(m, value / unit) for m, values in steps.items() for value in values[-1]]
    return pd.DataFrame(rows, columns=["m", "effective_step"])
