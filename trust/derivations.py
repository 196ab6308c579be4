"""SymPy carries out the derivations behind the book: each returns what must be zero, in d = 3 with free symbols."""

from collections.abc import Callable

import sympy as sp

D = 3
L = sp.symbols(f"l1:{D + 1}", positive=True)
U = sp.symbols(f"u1:{D + 1}", real=True)
W = sp.symbols(f"w1:{D + 1}", real=True)
A, LR, LR_A, T = sp.symbols("a epsilon epsilon_a t", positive=True)


def dot(*vectors: tuple[sp.Expr, ...]) -> sp.Expr:
    """Return the sum over coordinates of the product."""
    return sp.Add(*(sp.Mul(*entries) for entries in zip(*vectors, strict=True)))


S = sp.sqrt(dot(L, W, W))
Q = dot(L, U, W) / dot(L, W, W)
E = tuple(u - Q * w for u, w in zip(U, W, strict=True))
LOSS = dot(L, U, U) / 2 - A * dot(L, U, W) / S + A**2 / 2
"""The excess loss: J - J_min in the eigenbasis."""


def gradients() -> list[sp.Expr]:
    """Derive grad_a J = a - w'g/s and grad_w J = -(a/s) H e."""
    in_w = [sp.diff(LOSS, w) + A / S * value * e for w, value, e in zip(W, L, E, strict=True)]
    return [sp.diff(LOSS, A) - (A - dot(L, U, W) / S), *in_w]


def decomposition() -> list[sp.Expr]:
    """Derive J - J_min = (a - w'g/s)^2/2 + ||e||_H^2/2."""
    return [LOSS - (A - dot(L, U, W) / S) ** 2 / 2 - dot(L, E, E) / 2]


def orthogonality() -> list[sp.Expr]:
    """Derive w'He = 0, and with it the growth of ||w||^2 by ||Delta||^2."""
    after = [w + LR * A / S * value * e for w, value, e in zip(W, L, E, strict=True)]
    grown = sum(x**2 for x in after) - dot(W, W) - (LR * A) ** 2 / S**2 * dot(L, L, E, E)
    return [dot(W, L, E), grown]


def contraction() -> list[sp.Expr]:
    """Derive u - q w+ = (I - eff H) e with eff = eps a q/s; the rest is that e+ is the shortest such vector."""
    eff = LR * A / S * Q
    return [
        u - Q * (w + LR * A / S * value * e) - (1 - eff * value) * e for u, w, value, e in zip(U, W, L, E, strict=True)
    ]


def hessian() -> list[sp.Expr]:
    """Derive the Hessian at (a, w) = (||u||_H, t u): 1 for a, H*/t^2 for w, nothing between; and H*u = 0."""
    P = sp.sqrt(dot(L, U, U))
    at = {A: P, **{w: T * u for w, u in zip(W, U, strict=True)}}
    star = sp.Matrix(D, D, lambda i, j: (L[i] if i == j else 0) - L[i] * U[i] * L[j] * U[j] / P**2)
    block = [sp.diff(LOSS, W[i], W[j]).subs(at) - star[i, j] / T**2 for i in range(D) for j in range(i, D)]
    return [*block, *(sp.diff(LOSS, A, w).subs(at) for w in W), sp.diff(LOSS, A, 2) - 1, *(star * sp.Matrix(U))]


def step(l: tuple, u: tuple, a: sp.Expr, w: tuple, lr: sp.Expr) -> tuple[sp.Expr, list[sp.Expr]]:  # noqa: E741
    """Return a step of BNGD."""
    s, p = sp.sqrt(sp.factor(dot(l, w, w))), dot(l, u, w)  # factored, so that a common square leaves the root
    rest = [x + lr * a / s * y * (z - p / s**2 * x) for x, y, z in zip(w, l, u, strict=True)]
    return a + LR_A * (p / s - a), rest


def laws() -> list[sp.Expr]:
    """Derive the laws of weights, sign, inputs and labels: one step of each is the transformed step."""
    a, w = step(L, U, A, W, LR)
    m = sp.symbols("mu", positive=True)

    def times(factor: sp.Expr, vector: tuple) -> tuple:
        return tuple(factor * x for x in vector)

    cases = [
        (step(L, U, A, times(m, W), m**2 * LR), (a, times(m, tuple(w)))),
        (step(L, U, -A, times(sp.Integer(-1), W), LR), (-a, times(sp.Integer(-1), tuple(w)))),
        (step(times(m**2, L), times(1 / m, U), A, W, LR), (a, tuple(w))),
        (step(L, times(m, U), m * A, W, LR / m**2), (m * a, tuple(w))),
    ]
    return [
        got - want for one, other in cases for got, want in zip((one[0], *one[1]), (other[0], *other[1]), strict=True)
    ]


def rotation() -> list[sp.Expr]:
    """Derive the law of rotations in the plane: H, g and w turned by any angle give the turned step."""
    angle = sp.symbols("theta", real=True)
    turn = sp.Matrix([[sp.cos(angle), -sp.sin(angle)], [sp.sin(angle), sp.cos(angle)]])
    H, g, w = sp.diag(*L[:2]), sp.Matrix([L[0] * U[0], L[1] * U[1]]), sp.Matrix(W[:2])

    def moved(H: sp.Matrix, g: sp.Matrix, w: sp.Matrix) -> sp.Matrix:
        squared = sp.simplify((w.T * H * w)[0])
        return w + LR * A / sp.sqrt(squared) * (g - (w.T * g)[0] / squared * H * w)

    return list(moved(turn * H * turn.T, turn * g, turn * w) - turn * moved(H, g, w))


DERIVATIONS: dict[str, Callable[[], list[sp.Expr]]] = {
    "both gradients": gradients,
    "loss decomposition": decomposition,
    "w'He = 0 and norm growth": orthogonality,
    "contraction's identity": contraction,
    "Hessian at the minimisers, H* and H*u = 0": hessian,
    "laws of weights, sign, inputs and labels": laws,
    "law of rotations (in the plane)": rotation,
}


def all_hold() -> list[str]:
    """Return the names of the derivations.

    Raises
    ------
    AssertionError
        If SymPy does not reduce a difference to zero.
    """
    for name, derivation in DERIVATIONS.items():
        for difference in derivation():
            assert sp.simplify(difference) == 0, (name, difference)
    return list(DERIVATIONS)
