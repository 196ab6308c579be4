r"""Other norms than H's: weight normalization and BN as one family; layer and RMS norm, another problem.

Sources: T. Salimans, D. P. Kingma, NeurIPS 2016 (weight); J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv:1607.06450
(layer); B. Zhang, R. Sennrich, NeurIPS 2019 (RMS). What is derived here is proved in the chapter "Beyond least squares
of this kind".
"""

from math import exp, lgamma
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from bngd.arrays import Array
from bngd.dynamics import gd_excess_loss
from bngd.problem import Problem
from bngd.theory import effective_condition_number


def metric_step(
    problem: Problem, metric: Array, a: float, w: Array, *, lr: float, lr_a: float, preconditioner: float | Array = 1.0
) -> tuple[float, Array]:
    r"""Return the next (a, w) of gradient descent on E (y - a x'w/r)^2 / 2 with r^2 = w'Mw.

    .. math:: a^+ = a + \varepsilon_a\,(w'g/r - a\,s^2/r^2), \qquad
        w^+ = w + \varepsilon\,D\,(a/r)\,(v - (w'v/r^2)\,Mw), \quad v = g - (a/r)\,Hw .

    M = H is batch normalization, M = I weight normalization; w'v is left out of the first by H-orthogonality.

    Parameters
    ----------
    problem : Problem
    metric : ndarray, shape (d,)
        The diagonal of M in H's eigenbasis.
    preconditioner : array_like
        The diagonal of D, by which the gradient in w is multiplied.
    """
    r = np.sqrt(np.sum(metric * w**2))
    v = problem.g - (a / r) * problem.eigenvalues * w
    step = (a / r) * (v - (w @ v / r**2) * metric * w)
    return a + lr_a * float(w @ v) / r, w + lr * preconditioner * step


def run_metric(
    problem: Problem, metric: ArrayLike, w0: ArrayLike, steps: int, *, a0: float, **options: Any
) -> tuple[Array, Array]:
    """Run `metric_step`, whose options these are; return a, shape (steps + 1,), and w, shape (steps + 1, d)."""
    metric = np.broadcast_to(np.asarray(metric, dtype=float), problem.dimension)
    a, w = np.empty(steps + 1), np.empty((steps + 1, problem.dimension))
    a[0], w[0] = a0, w0
    for k in range(steps):
        a[k + 1], w[k + 1] = metric_step(problem, metric, a[k], w[k], **options)
    return a, w


def local_hessian(problem: Problem, metric: ArrayLike) -> Array:
    """Return the Hessian of E (y - a x'w/r)^2 / 2 in (a, w) at the minimiser w = u, a = r, shape (d + 1, d + 1).

    The function x'v has v = a w/r, with the Jacobian D = [u/r, I - u u'M/r^2]; the Hessian is D'HD.
    """
    u = problem.u
    metric = np.broadcast_to(np.asarray(metric, dtype=float), u.shape)
    squared = float(np.sum(metric * u**2))
    D = np.column_stack([u / np.sqrt(squared), np.eye(u.size) - np.outer(u, metric * u) / squared])
    return D.T @ (problem.eigenvalues[:, None] * D)


def local_condition_number(problem: Problem, metric: ArrayLike, ratio: float) -> float:
    """Return the condition number of a step with eps_a = ratio and eff = 1 at a minimiser, neutral direction aside."""
    scale = np.sqrt(np.append(ratio, np.ones(problem.dimension)))
    values = np.linalg.eigvalsh(scale[:, None] * local_hessian(problem, metric) * scale)
    return float(values[-1] / values[1])  # values[0] is the neutral direction's zero


def best_local_condition_number(problem: Problem, metric: float | Array) -> float:
    """Return the least `local_condition_number` over the ratio of the two step sizes.

    A bounded search finds it: the condition number falls and then rises with the ratio (at most c: a convex set).
    """
    u, values = problem.u, problem.eigenvalues
    balanced = np.sum(metric * u**2) / problem.explained  # where the multiplier of a is 1
    low, high = np.log(balanced * values[[0, -1]]) + np.array([-3.0, 3.0])
    found = minimize_scalar(
        lambda log_ratio: local_condition_number(problem, metric, np.exp(log_ratio)),
        bounds=(low, high),
        method="bounded",
    )
    return float(found.fun)


def compare_conditions(problems: list[Problem]) -> pd.DataFrame:
    """Return kappa, kappa_star, and the best local condition numbers of weight normalization and BN: a row each."""
    return pd.DataFrame(
        [
            {
                "kappa": problem.condition_number,
                "kappa_star": effective_condition_number(problem),
                "weight": best_local_condition_number(problem, 1.0),
                "batch": best_local_condition_number(problem, problem.eigenvalues),
            }
            for problem in problems
        ]
    )


def direction_floor(dimension: int) -> float:
    r"""Return the part of u'Hu that no function of a normal input's direction explains, 1 - (E ||xi||)^2/d for any H.

    .. math:: 1 - 2\,\Gamma((d+1)/2)^2 / (d\,\Gamma(d/2)^2) \approx 1/(2d)
    """
    return 1 - 2 / dimension * exp(2 * (lgamma((dimension + 1) / 2) - lgamma(dimension / 2)))


def losses_by_norm(
    problem: Problem, w0: Array, steps: int, rng: np.random.Generator, *, lr: float, samples: int
) -> tuple[dict[str, Array], pd.DataFrame]:
    """Run the four normalizations: BN and weight normalization on the problem, the others on samples without noise.

    The layers have d units under RMS norm and d + 1 under layer normalization, whose centring takes one away.

    Returns
    -------
    losses : dict of ndarray, shape (steps,)
        The loss in units of u'Hu/2 before each step.
    trained : pandas.DataFrame
        norm, unexplained (the share of u'Hu, on ten times as many fresh samples), of the two layers.
    """
    d, losses, trained = problem.dimension, {}, []
    for label, metric, lr_a in (
        ("batch", problem.eigenvalues, 1.0),
        ("weight", np.ones(d), 1 / problem.eigenvalues[-1]),
    ):
        a, w = run_metric(problem, metric, w0, steps - 1, a0=1.0, lr=lr, lr_a=lr_a)
        v = (a / np.sqrt(np.sum(metric * w**2, axis=1)))[:, None] * w
        losses[label] = gd_excess_loss(problem, v) / (problem.explained / 2)
    X, fresh = (rng.standard_normal((n, d)) * np.sqrt(problem.eigenvalues) for n in (samples, 10 * samples))
    for label, units, centre in (("RMS", d, False), ("layer", d + 1, True)):
        W, readout = rng.standard_normal((units, d)) / np.sqrt(d), rng.standard_normal(units) / np.sqrt(units)
        W, readout, history = train_layer(X, X @ problem.u, W, steps, lr=lr, centre=centre, readout=readout)
        losses[label] = history / (problem.explained / 2)
        error = fresh @ problem.u - _normalize_samples(fresh @ W.T, centre)[0] @ readout
        trained.append({"norm": label, "unexplained": np.mean(error**2) / problem.explained})
    return losses, pd.DataFrame(trained)


def train_layer(
    X: Array, y: Array, W: Array, steps: int, *, lr: float, centre: bool, readout: Array
) -> tuple[Array, Array, Array]:
    r"""Train f(x) = a'N(Wx) by gradient descent, N normalizing each sample across the units of the layer.

    N(h) = h / sqrt(<h^2>) is RMS norm; with ``centre`` it is layer normalization, (h - <h>) / sd(h).

    Returns
    -------
    W, readout : ndarray, shapes (p, d) and (p,)
    losses : ndarray, shape (steps,)
        Mean of (y - f)^2 / 2 before each step.
    """
    losses = np.empty(steps)
    for k in range(steps):
        normalized, length = _normalize_samples(X @ W.T, centre)
        error = normalized @ readout - y
        losses[k] = np.mean(error**2) / 2
        back = error[:, None] * readout
        back = back - back.mean(axis=1, keepdims=True) if centre else back
        back -= normalized * np.mean(back * normalized, axis=1, keepdims=True)
        W = W - lr * (back / length).T @ X / y.size
        readout = readout - lr * normalized.T @ error / y.size
    return W, readout, losses


def _normalize_samples(h: Array, centre: bool) -> tuple[Array, Array]:
    """Return N(h), shape (n, p), and what it divided by, shape (n, 1): root mean square or deviation across units."""
    h = h - h.mean(axis=1, keepdims=True) if centre else h
    length = np.sqrt(np.mean(h**2, axis=1, keepdims=True))
    return h / length, length
