"""How small the cross-entropy of normalized logits can be: their scale bounds it, and takes time to grow."""

from math import e, inf

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw


def cross_entropy_floor(gamma: ArrayLike, shares: ArrayLike, beta: ArrayLike = 0.0) -> float:
    r"""Return what the cross-entropy of a batch is at least, if BN follows the logits (`prop-floor` of the book).

    .. math:: \log\bigl(1 + (C - 1)\, e^{-C A/(C - 1)}\bigr), \qquad
        A = \sum_c |\gamma_c| \sqrt{p_c (1 - p_c)} + \sum_c (p_c - 1/C)\, \beta_c

    Parameters
    ----------
    gamma, beta : float or array_like, shape (C,)
        Scale and shift of each of the C classes' logits.
    shares : array_like, shape (C,)
        p, the part of the batch that belongs to each class.

    Raises
    ------
    ValueError
        If there are fewer than two shares, one is negative, or they do not sum to one; if scale or shift is not finite,
        or there are others than one, or one for each class.
    """
    p = np.asarray(shares, dtype=float)
    if p.ndim != 1 or p.size < 2 or not (p >= 0).all() or not np.isclose(p.sum(), 1.0):
        raise ValueError(f"shares are {shares!r}; give the part of each of at least two classes, which sum to 1")
    scale, shift = _for_each("gamma", gamma, p.size), _for_each("beta", beta, p.size)
    reach = np.abs(scale) @ np.sqrt(p * (1 - p)) + shift @ (p - 1 / p.size)
    return _floor(reach, p.size)


def cross_entropy_floor_of_norm(norm: float, classes: int) -> float:
    r"""Return what the cross-entropy is at least whatever the classes' shares, from the norm of all gamma and beta.

    .. math:: \log\Bigl(1 + (C - 1)\, e^{-\sqrt{C/(C - 1)}\, \|(\gamma, \beta)\|}\Bigr)

    It is `cross_entropy_floor` where the shares, and the gammas, are equal and beta is zero.

    Parameters
    ----------
    norm : float
        Of the vector of all scales and shifts of the logits.
    classes : int
        C, at least 2.

    Raises
    ------
    ValueError
        If the norm is negative or not finite, or there are fewer than two classes.
    """
    if not 0 <= norm < inf:
        raise ValueError(f"norm is {norm}; give a finite number, 0 or more")
    _require_some(classes)
    return _floor(norm * np.sqrt(1 - 1 / classes), classes)


def _floor(reach: float, classes: int) -> float:
    """Return log(1 + (C - 1) exp(-C A/(C - 1))) for the reach A."""
    return float(np.log1p((classes - 1) * np.exp(-reach * classes / (classes - 1))))


def _require_some(classes: int) -> None:
    if classes < 2:
        raise ValueError(f"{classes} classes; give at least 2")


def _for_each(name: str, values: ArrayLike, classes: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=float)
    if array.shape not in ((), (classes,)) or not np.isfinite(array).all():
        raise ValueError(f"{name} is {values!r}; give a finite number, or one for each of the {classes} classes")
    return np.broadcast_to(array, (classes,))


def largest_surplus(classes: int) -> float:
    r"""Return what the entropy of a softmax, less its cross-entropy, is at most (`prop-scale` of the book).

    .. math:: \omega = W\bigl((C - 1)/e\bigr), \qquad W(x)\, e^{W(x)} = x

    Parameters
    ----------
    classes : int
        C, at least 2.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    _require_some(classes)
    return float(lambertw((classes - 1) / e).real)


def largest_scale(gamma: float, lr_a: float, updates: ArrayLike, classes: int) -> NDArray[np.float64]:
    r"""Return what the root mean square of the logits' gammas is at most after some updates (`prop-scale`).

    .. math:: \sqrt{\gamma_0^2 + 2 \varepsilon_a k\, (\omega + \varepsilon_a)/C}

    with `largest_surplus` as omega. Whatever the step size of the weights, the other layers and the batches are; under
    the cross-entropy, beta zero at the start.

    Parameters
    ----------
    gamma : float
        What each of them is at the start, positive.
    lr_a : float
        The step size of gamma and beta, eps_a.
    updates : int or array_like of int
    classes : int

    Raises
    ------
    ValueError
        If `gamma` or `lr_a` is not positive and finite, a number of updates is negative, or there are fewer than two
        classes.
    """
    for name, value in (("gamma", gamma), ("lr_a", lr_a)):
        if not 0 < value < inf:
            raise ValueError(f"{name} is {value}; give a positive finite number")
    if np.any(np.asarray(updates) < 0):
        raise ValueError(f"{updates!r} updates; give at least 0")
    return np.sqrt(gamma**2 + 2 * lr_a * np.asarray(updates) * (largest_surplus(classes) + lr_a) / classes)
