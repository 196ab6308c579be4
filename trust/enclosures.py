"""Proofs by machine: balls that contain BNGD's exact run, until a lemma takes over that proves linear convergence.

Everything is rational but for square roots, and every number is an Arb ball: an interval that provably contains it.
The lemma, with its proof, is on the page "Proofs by machine" of the book; `certify` checks its hypotheses.

Run as ``python -m trust.enclosures``.
"""

import sys
from dataclasses import dataclass
from itertools import product

from flint import arb, ctx, fmpq, fmpq_mat, fmpz_mat

from trust import kept

PRECISION = 2000
"""Bits. A step loses a few where it is unstable; what is left at the end is kept with the result."""

MOST_STEPS, LATER = 2000, 200
"""Steps to wait for the lemma, and steps after which it is applied once more, for a narrower interval."""


@dataclass(frozen=True)
class Instance:
    """A problem with integer eigenvalues, distinct and ascending, its solution, a start and two step sizes."""

    eigenvalues: tuple[int, ...]
    u: tuple[int, ...]
    w0: tuple[int, ...]
    lr: fmpq
    lr_a: fmpq
    a0: fmpq | None = None
    regime: str = ""


def ball(number: int | fmpq) -> arb:
    """Return a rational number as a ball."""
    return arb(fmpq(number))


def dot(x: list[arb], y: list[arb]) -> arb:
    """Return x'y."""
    return sum((a * b for a, b in zip(x, y, strict=True)), arb(0))


def effective_eigenvalues(instance: Instance) -> list[arb]:
    """Return enclosures of l*_2 <= ... <= l*_d: roots of the exact characteristic polynomial of H*, less the root 0."""
    g = [fmpq(value * entry) for value, entry in zip(instance.eigenvalues, instance.u, strict=True)]
    explained = sum((x * y for x, y in zip(g, instance.u, strict=True)), fmpq(0))
    d = len(g)
    rows = [[(instance.eigenvalues[i] if i == j else 0) - g[i] * g[j] / explained for j in range(d)] for i in range(d)]
    matrix = fmpq_mat(d, d, [fmpq(entry) for row in rows for entry in row])
    numerator, denominator = matrix.numer_denom()
    roots = [(root.real / ball(fmpq(denominator))) for root, _ in fmpz_mat(numerator).charpoly().complex_roots()]
    assert all(root.imag == 0 for root, _ in fmpz_mat(numerator).charpoly().complex_roots())
    return sorted(roots, key=float)[1:]


def interlaces(instance: Instance) -> bool:
    """Return whether l_{i-1} < l*_i < l_i is proved for i = 2, ..., d (equality where u misses an eigenvector)."""
    star, l = effective_eigenvalues(instance), instance.eigenvalues  # noqa: E741 - the symbol of the paper
    return all(bool(star[i] > l[i]) and bool(star[i] < l[i + 1]) for i in range(len(star)))


@dataclass(frozen=True)
class State:
    """One step of a run, with what is measured of it."""

    a: arb
    w: list[arb]
    s: arb
    p: arb
    e: list[arb]
    size: arb  # ||e||_H


class Run:
    """The exact run of an instance, enclosed."""

    def __init__(self, instance: Instance) -> None:
        self.l = [ball(value) for value in instance.eigenvalues]
        self.u = [ball(value) for value in instance.u]
        self.g = [x * y for x, y in zip(self.l, self.u, strict=True)]
        self.lr, self.lr_a = ball(instance.lr), ball(instance.lr_a)
        self.P = dot(self.u, self.g).sqrt()
        self.star = effective_eigenvalues(instance)
        w = [ball(value) for value in instance.w0]
        start = self.measured(arb(0), w)
        self.start = self.measured(start.p if instance.a0 is None else ball(instance.a0), w)

    def measured(self, a: arb, w: list[arb]) -> State:
        """Return the state with s, p = w'g/s, the residual e and its length."""
        s = dot(w, [x * y for x, y in zip(self.l, w, strict=True)]).sqrt()
        q = dot(w, self.g) / s**2
        e = [x - q * y for x, y in zip(self.u, w, strict=True)]
        size = dot(e, [x * y for x, y in zip(self.l, e, strict=True)]).sqrt()
        return State(a, w, s, dot(w, self.g) / s, e, size)

    def step(self, old: State) -> State:
        """Return the next state."""
        c = self.lr * old.a / old.s
        w = [x + c * value * e for x, value, e in zip(old.w, self.l, old.e, strict=True)]
        return self.measured(old.a + self.lr_a * (old.p - old.a), w)

    def effective_step(self, state: State) -> arb:
        """Return eff = eps a p / s^2."""
        return self.lr * state.a * state.p / state.s**2

    def contracts(self, old: State, new: State) -> bool:
        """Return whether ||e+|| <= rho(I - eff H) ||e|| is proved for this step."""
        step = self.effective_step(old)
        bound = largest(abs(1 - step * self.l[0]), abs(1 - step * self.l[-1]))
        return bool(new.size <= bound * old.size) and bool(dot(new.w, new.w) >= dot(old.w, old.w))


def largest(*balls: arb) -> arb:
    """Return a ball that contains the maximum."""
    top = balls[0]
    for other in balls[1:]:
        top = top.max(other)
    return top


def smallest(*balls: arb) -> arb:
    """Return a ball that contains the minimum."""
    return -largest(*(-one for one in balls))


@dataclass(frozen=True)
class Certificate:
    """What the lemma gives: a rate for ||e||, and an interval for every later effective step."""

    rate: arb
    low: arb
    high: arb


def certify(run: Run, state: State) -> Certificate | None:
    """Return what the lemma proves from this state on, None where a hypothesis is not proved."""
    l1, ld, theta = run.l[0], run.l[-1], abs(1 - run.lr_a)
    x = state.size / run.P
    if not (state.a * state.p > 0 and x < 1):
        return None
    p = abs(state.p)
    solution, norm = dot(run.u, run.u).sqrt(), dot(state.w, state.w)
    shortest = largest(solution - state.size / l1.sqrt(), p / ld.sqrt())
    longest = smallest(solution + state.size / l1.sqrt(), run.P / l1.sqrt())
    delta = largest(abs(state.a - state.p), growth(run, state, longest) / (1 - theta)) / p
    if not delta < 1:
        return None
    high = run.lr * (1 + delta) * longest**2 / norm

    def low(rate: arb) -> arb:
        grown = (run.lr * (1 + delta) * longest * state.size) ** 2 * ld / (norm * (1 - rate**2))
        return run.lr * (1 - delta) * shortest**2 / (norm + grown)

    rate = arb(0)
    for _ in range(
        40
    ):  # any rate below 1 that it does not exceed will do; each try starts from what the last one needs
        needed = contraction(run, x, low(rate), high)
        if needed is None or not needed < 1:
            return None
        if needed <= rate:
            return Certificate(rate, low(rate), high)
        rate = (needed.upper() + (1 - needed.upper()) / 1000).upper()
    return None


def growth(run: Run, state: State, longest: arb) -> arb:
    """Return the lemma's bound of |p+| - |p|: the smaller of the two that hold."""
    step = 2 * run.lr * longest**2 / dot(state.w, state.w) * run.l[-1]
    coarse, room = state.size**2 / run.P, abs(state.p) - step * state.size
    return smallest(coarse, step * state.size**2 / room) if room > 0 else coarse


def contraction(run: Run, x: arb, low: arb, high: arb) -> arb | None:
    """Return the lemma's bound of ||e+||/||e||: the smaller of the two that can be proved."""
    coarse = largest(1 - low * run.l[0], high * run.l[-1] - 1)
    m = high * (run.l[-1] - run.l[0]) / 2
    room = 1 - m * x - abs(coarse) * x**2
    fine = (largest(1 - low * run.star[0], high * run.star[-1] - 1) + m * x) / room if room > 0 else None
    proved = [bound for bound in (coarse, fine) if bound is not None and bound < 1]
    return min(proved, key=float) if proved else None


def prove(instance: Instance) -> dict[str, object]:
    """Follow a run until the lemma holds; return what was proved."""
    ctx.prec = PRECISION
    run = Run(instance)
    state, contracted = run.start, 0
    for steps in range(MOST_STEPS):
        if certificate := certify(run, state):
            told = _told(instance, run, state, certificate, steps, contracted)
            return {**told, **sharpened(run, state)}
        new = run.step(state)
        contracted += run.contracts(state, new)
        state = new
    return {**_named(instance), "proved": False}


def sharpened(run: Run, state: State) -> dict[str, object]:
    """Return the limit of the effective step as the lemma encloses it `LATER` steps on, and how wide that is."""
    for _ in range(LATER):
        state = run.step(state)
    later = certify(run, state)
    if later is None:
        return {"later": False}
    limit = 2 / run.star[-1]
    best = largest(abs(1 - later.low * run.star[0]), abs(1 - later.high * run.star[-1]))
    return {
        "later": True,
        "limit_over_bound": float((later.low / limit).lower()),
        "width": float((later.high / later.low - 1).upper()),
        "later_rate": float(later.rate.upper()),
        "predicted_rate": float(best.upper()),
    }


def _named(instance: Instance) -> dict[str, object]:
    return {
        "regime": instance.regime,
        "d": len(instance.u),
        "eigenvalues": " ".join(map(str, instance.eigenvalues)),
        "lr": str(instance.lr),
        "lr_over_gd_limit": float(ball(instance.lr) * instance.eigenvalues[-1] / 2),
        "lr_a": str(instance.lr_a),
    }


def _told(
    instance: Instance, run: Run, state: State, certificate: Certificate, steps: int, contracted: int
) -> dict[str, object]:
    limit = 2 / run.star[-1]
    return {
        **_named(instance),
        "proved": True,
        "steps": steps,
        "contracted": contracted,
        "radius": float((state.size / run.P).upper()),
        "rate": float(certificate.rate.upper()),
        "rate_gap": float((1 - certificate.rate).lower()),
        "low_over_limit": float((certificate.low / limit).lower()),
        "high_over_limit": float((certificate.high / limit).upper()),
        "bits": state.size.rel_accuracy_bits(),
        "interlacing": interlaces(instance),
    }


PROBLEMS = [
    ((1, 3), (1, 1), (2, -1)),
    ((1, 4, 10), (2, -2, 1), (1, 2, -1)),
    ((1, 2, 5, 10, 50), (3, 1, -2, 1, 1), (1, -1, 2, 1, 1)),
]
"""Eigenvalues, solution, start."""


def instances() -> list[Instance]:
    """Return what is proved: each problem at a small step, on the plateau and far out, for four lr_a; bad starts."""
    chosen = []
    for (eigenvalues, u, w0), lr_a in product(PROBLEMS, [fmpq(1, 2), fmpq(1), fmpq(3, 2), fmpq(19, 10)]):
        for regime, lr in (
            ("small", fmpq(1, 1000 * eigenvalues[-1])),
            ("plateau", fmpq(4)),
            ("huge", fmpq(2 * 10**4, eigenvalues[-1]) * 3),
        ):
            chosen.append(Instance(eigenvalues, u, w0, lr, lr_a, regime=regime))
        chosen.append(Instance(eigenvalues, u, w0, fmpq(1), lr_a, fmpq(-5), "a0 of the wrong sign"))
    near_saddle = Instance((1, 4), (1, 1), (4 * 10**6 + 1, -(10**6)), fmpq(10**13), fmpq(1), regime="near a saddle")
    return [*chosen, near_saddle]


def main() -> int:
    """Prove all instances, keep what was proved, and return 1 if interlacing or a contraction was not."""
    told = [prove(instance) for instance in instances()]
    for one in told:
        print(
            " ".join(
                f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in one.items()
            )
        )
    kept.write("enclosures", {"instances": told}, "python -m trust.enclosures")
    proved = [one for one in told if one["proved"]]
    return 0 if all(one["interlacing"] and one["contracted"] == one["steps"] for one in proved) else 1


if __name__ == "__main__":
    sys.exit(main())
