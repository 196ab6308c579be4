"""The hunt: a search, not a sample, for counterexamples to every statement, within its hypotheses and just outside.

An instance is a vector of numbers in [0, 1], which `decode` turns into a problem, a start and two step sizes: repeated
eigenvalues, condition numbers to 1e12, starts next to a saddle, a_0 of the wrong sign or huge, eps_a next to 2. For
each statement an evolution strategy moves the vector to where the statement is closest to failing. A statement returns
its excess: at most 0 where it holds beyond doubt, log10 of what it measures over what it allows for an inequality.

Run as ``python -m trust.hunt --seconds 300``.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bngd
from trust import kept
from trust.trajectory import run

Array = NDArray[np.float64]

LARGEST_DIMENSION = 6
GENES = 3 * LARGEST_DIMENSION + 6
ROUNDING = 1e-9
"""Slack of inequalities that are sharp: the double precision of ill-conditioned sums."""


@dataclass(frozen=True)
class Instance:
    """A problem, a start and two step sizes."""

    problem: bngd.Problem
    w: Array
    a: float
    lr: float
    lr_a: float


def decode(genes: Array, lr_a: tuple[float, float] = (0.0, 2.0)) -> Instance:
    """Return the instance of a vector in [0, 1]^`GENES`; lr_a lies between two ends, 1e-9 close at most."""
    d = 1 + int(genes[0] * (LARGEST_DIMENSION - 1e-9))
    gaps, signs, start = genes[6:].reshape(3, LARGEST_DIMENSION)[:, :d]
    gaps = np.where(gaps < 0.15, 0.0, gaps)  # a gap of nothing: equal eigenvalues
    spectrum = 10 ** (12 * genes[1] * (np.cumsum(gaps) - gaps[0]) / max(np.sum(gaps[1:]), 1.0))
    problem = bngd.Problem.from_spectrum(spectrum, u=_spread(signs))
    w = _spread(start)
    if genes[2] > 0.8:  # next to a saddle: nearly no overlap with g
        w = w - (1 - 10 ** (-40 * (genes[2] - 0.8))) * (w @ problem.g) / (problem.g @ problem.g) * problem.g
        w = w if w.any() else _spread(start)
    unit = np.sum(w**2) / np.sum(problem.u**2) / spectrum[-1]
    low, high = lr_a
    edge = 10 ** (-18 * abs(genes[4] - 0.5))
    inside = low + (high - low) * (edge / 2 if genes[4] < 0.5 else 1 - edge / 2)
    a = float(bngd.optimal_a(problem, w))
    if genes[3] >= 0.5:  # of either sign, between 1e-6 ||u||_H and 1e6 ||u||_H
        a = float(np.sqrt(problem.explained)) * 1e3 * _signed(4 * genes[3] - 3, 9)
    return Instance(problem, w, a, float(unit * 10 ** (16 * genes[5] - 8)), float(inside))


def _spread(genes: Array) -> Array:
    """Return coordinates of either sign between 1e-6 and 1."""
    values = np.array([_signed(2 * gene - 1, 6) for gene in genes])
    return values / np.linalg.norm(values)


def _signed(x: float, decades: float) -> float:
    return float(np.copysign(10 ** (decades * (abs(x) - 1)), x))


# --- the statements ---------------------------------------------------------------------------------------------------


def h_norm(problem: bngd.Problem, v: Array) -> float:
    """Return ||v||_H."""
    return float(np.sqrt(np.sum(problem.eigenvalues * v**2)))


def excess(measured: float, allowed: float) -> float:
    """Return log10(measured/allowed): positive is a violation."""
    return float(np.log10(max(measured, 1e-300) / max(allowed, 1e-300)))


def step(x: Instance) -> tuple[float, Array]:
    """Return the next state."""
    a, w = bngd.bngd_step(x.problem, x.a, x.w, x.lr, x.lr_a)
    return float(a), w


def contraction(x: Instance) -> float:
    """||e+||_H <= rho(I - eff H) ||e||_H; what rounding makes of zero is let pass."""
    _, after = step(x)
    e = h_norm(x.problem, bngd.residual(x.problem, x.w))
    bound = float(bngd.contraction_bound(x.problem, bngd.effective_step(x.problem, x.a, x.w, x.lr)))
    size = h_norm(x.problem, bngd.residual(x.problem, after))
    return excess(size, bound * e * (1 + ROUNDING) + 1e-7 * np.sqrt(x.problem.explained))


def norm_growth(x: Instance) -> float:
    """||w+|| >= ||w||, but for the rounding of w and of the gradient, a difference that can cancel."""
    _, after = step(x)
    s, forces = h_norm(x.problem, x.w), np.linalg.norm(x.problem.g) + np.linalg.norm(x.problem.eigenvalues * x.w)
    noise = 1e-15 * (np.linalg.norm(x.w) + x.lr * abs(x.a) / s * forces * (1 + np.sqrt(x.problem.explained) / s))
    return excess(float(np.linalg.norm(x.w)), float(np.linalg.norm(after) + noise))


def decomposition(x: Instance) -> float:
    """J - J_min by its two forms, against the rounding of the sums: s^2 costs a few units, no condition number."""
    p, l = x.problem, x.problem.eigenvalues.astype(np.longdouble)  # noqa: E741 - the symbol of the paper
    w, u, a = x.w.astype(np.longdouble), p.g.astype(np.longdouble) / l, np.longdouble(x.a)
    s = np.sqrt(np.sum(l * w**2))
    direct = (np.sum(l * u * u) - 2 * a * np.sum(w * l * u) / s + a**2) / 2
    scale = float(np.sum(l * u * u) + a**2)
    return excess(abs(float(direct) - float(bngd.excess_loss(p, x.a, x.w))) / scale, 1e-13)


def interlacing(x: Instance) -> float:
    """l_{i-1} <= l*_i <= l_i, of the eigenvalues that bisection finds."""
    if x.problem.dimension < 2:
        return -np.inf
    l, (smallest, largest) = x.problem.eigenvalues, bngd.effective_extremes(x.problem)  # noqa: E741
    return max(excess(l[0], smallest), excess(smallest, l[1]), excess(l[-2], largest), excess(largest, l[-1])) - 1e-12


def conditioning(x: Instance) -> float:
    """kappa* <= kappa."""
    if x.problem.dimension < 2:
        return -np.inf
    return excess(bngd.effective_condition_number(x.problem), x.problem.condition_number * (1 + ROUNDING))


def bounded_a(x: Instance) -> float:
    """|a_k| <= max(|a_0|, eps_a P/(1 - |1 - eps_a|)): the bound that T1 begins with."""
    end = run(x, 400)
    return excess(end.largest_a, a_bound(x) * (1 + ROUNDING))


def a_bound(x: Instance) -> float:
    """Return a_max of T4."""
    return max(abs(x.a), x.lr_a * np.sqrt(x.problem.explained) / (1 - abs(1 - x.lr_a)))


def weight_bound(x: Instance) -> float:
    """||w||^2 <= max(||w_0||^2, eps C1 + eps^2 kappa P^2 a_max^2/||w_0||^2) + 2 eps E for ever."""
    end, P, kappa, n = run(x, 400), np.sqrt(x.problem.explained), x.problem.condition_number, np.sum(x.w**2)
    first = max(n, x.lr * c1(x) + x.lr**2 * kappa * P**2 * a_bound(x) ** 2 / n)
    return excess(end.squared_norm, (first + 2 * x.lr * top(x)) * (1 + ROUNDING))


def c1(x: Instance) -> float:
    """Return C1 of the descent lemma, (2/sqrt 3) kappa P a_max + eps_a kappa P^2/(2 - eps_a)."""
    P, kappa = np.sqrt(x.problem.explained), x.problem.condition_number
    return 2 / np.sqrt(3) * kappa * P * a_bound(x) + x.lr_a * kappa * P**2 / (2 - x.lr_a)


def top(x: Instance) -> float:
    """Return E, the most that the excess loss can be: (a_max + P)^2/2."""
    return (a_bound(x) + np.sqrt(x.problem.explained)) ** 2 / 2


def upper_tent(x: Instance) -> float:
    """T4: eff_inf <= 1/(1/(A eps) + eps/C) for a_0 = p_0."""
    first = Instance(x.problem, x.w, float(bngd.optimal_a(x.problem, x.w)), x.lr, x.lr_a)
    end = run(first, 400)
    small, large = bngd.effective_step_asymptotes(x.problem, x.w)
    bound = 1 / (1 / (float(small) * x.lr) + x.lr / float(large)) if large > 0 else np.inf
    return excess(x.lr * np.sum(x.problem.u**2) / end.squared_norm, bound * (1 + ROUNDING))


def descent(x: Instance) -> float:
    """T4: where ||w||^2 >= eps C1 the loss falls by at least ||Delta||^2/(2 eps)."""
    scale = max(1.0, np.sqrt(x.lr * c1(x) / np.sum(x.w**2)))
    y = Instance(x.problem, x.w * scale, x.a, x.lr, x.lr_a)
    a, w = step(y)
    before, after = (float(bngd.excess_loss(x.problem, *state)) for state in ((y.a, y.w), (a, w)))
    needed = float(np.sum((w - y.w) ** 2)) / (2 * x.lr)
    return excess(needed + after, before * (1 + ROUNDING) + 1e-14 * x.problem.explained)


def steps_bound(x: Instance) -> float:
    """T5: #{k: n ||grad_w J|| >= delta} <= 1 + C1^2/(2 delta^2) + 2 ||u||^2 E/(eff_inf delta^2)."""
    end = run(x, 2000)
    eff = x.lr * np.sum(x.problem.u**2) / end.squared_norm
    delta = 10 ** (-2 + 3 * (x.lr_a % 1)) * np.sqrt(x.problem.explained) * a_bound(x)
    allowed = 1 + c1(x) ** 2 / (2 * delta**2) + 2 * np.sum(x.problem.u**2) * top(x) / (eff * delta**2)
    return excess(float(np.sum(end.gradients[: end.steps] >= delta)), allowed)


def self_tuning(x: Instance) -> float:
    """T3: runs converge where eff <= 2/l*_d, or are exceptional and leave when they are pushed by 1e-7.

    A limit at (1 + sigma) 2/l*_d repels by 1 + 2 sigma a step, so 4000 steps can tell sigma = 0.5 %, and no less.
    """
    if x.problem.dimension < 2 or x.problem.condition_number > 1e6:
        return -np.inf
    early = run(x, 2000)
    pushed = early.w * (1 + 1e-7 * np.cos(np.arange(len(x.w))))
    end = run(Instance(x.problem, pushed, early.a, x.lr, x.lr_a), 4000)
    if not end.loss < 1e-12 * x.problem.explained:
        return -np.inf
    eff = x.lr * np.sum(x.problem.u**2) / end.squared_norm
    return excess(eff, bngd.bngd_stability_limit(x.problem) * 1.005)


def scaling_laws(x: Instance) -> float:
    """Test the four laws that scale: one step of the transformed configuration is the transformed step."""
    a, w = step(x)
    p, scale = x.problem, 7.3
    inputs = bngd.Problem(scale**2 * p.eigenvalues, scale * p.g)
    labels = bngd.Problem(p.eigenvalues, scale * p.g)
    pairs = [
        (step(Instance(p, scale * x.w, x.a, scale**2 * x.lr, x.lr_a)), (a, scale * w)),
        (step(Instance(p, -x.w, -x.a, x.lr, x.lr_a)), (-a, -w)),
        (step(Instance(inputs, x.w, x.a, x.lr, x.lr_a)), (a, w)),
        (step(Instance(labels, x.w, scale * x.a, x.lr / scale**2, x.lr_a)), (scale * a, w)),
    ]
    tolerance = 1e-13 * (1 + x.lr * abs(x.a) * np.linalg.norm(p.g) / (h_norm(p, x.w) * np.linalg.norm(w)))
    worst = max(np.linalg.norm(got[1] - want[1]) / np.linalg.norm(want[1]) for got, want in pairs)
    return excess(float(worst), tolerance)


def gd_limit(x: Instance) -> float:
    """GD's error shrinks in a step if 0 < eps < 2/l_d, by rho at least."""
    lr = x.lr_a / 2 * bngd.gd_stability_limit(x.problem)
    before, after = x.w - x.problem.u, bngd.gd_step(x.problem, x.w, lr) - x.problem.u
    bound = float(bngd.gd_factor(x.problem, lr)) * np.linalg.norm(before)
    return excess(float(np.linalg.norm(after)), bound * (1 + ROUNDING) + 1e-13 * np.linalg.norm(x.problem.u))


def fine_contraction(x: Instance) -> float:
    """Test the enclosures' lemma: ||e+|| <= (rho* + m x)/(1 - m x - rho x^2) ||e||, x = ||e||/P, where a p > 0."""
    if x.problem.dimension < 2 or x.a * float(bngd.optimal_a(x.problem, x.w)) <= 0:
        return -np.inf
    e, P = h_norm(x.problem, bngd.residual(x.problem, x.w)), np.sqrt(x.problem.explained)
    eff = float(bngd.effective_step(x.problem, x.a, x.w, x.lr))
    m, r = eff * (x.problem.eigenvalues[-1] - x.problem.eigenvalues[0]) / 2, e / P
    room = 1 - m * r - float(bngd.contraction_bound(x.problem, eff)) * r**2
    if not room > 0:
        return -np.inf
    bound = (float(bngd.bngd_factor(x.problem, eff)) + m * r) / room
    return excess(h_norm(x.problem, bngd.residual(x.problem, step(x)[1])), bound * e * (1 + ROUNDING) + 1e-7 * P)


def no_divergence(x: Instance) -> float:
    """Test that the loss stays below (a_max + P)^2/2 + P^2/2, whatever eps."""
    return excess(run(x, 400).largest_loss, top(x) * (1 + ROUNDING))


# --- just outside: what must fail, if the hunt is any good ------------------------------------------------------------


def a_stays(x: Instance) -> float:
    """Test that |a| stays below a million times its scale though eps_a > 2."""
    return excess(run(x, 400).largest_a, 1e6 * max(abs(x.a), np.sqrt(x.problem.explained)))


def gd_shrinks(x: Instance) -> float:
    """GD's error shrinks in 400 steps though eps is beyond 2/l_d (eps_a serves as the factor, between 1 and 2)."""
    lr = x.lr_a / 2 * bngd.gd_stability_limit(x.problem)
    factors = (1 - lr * x.problem.eigenvalues) ** 400
    before = x.w - x.problem.u
    return excess(float(np.linalg.norm(factors * before)), float(np.linalg.norm(before)))


def step_falls(x: Instance) -> float:
    """Test that the effective step never grows, since the weights do not shrink: only its bound does not."""
    a, w = step(x)
    before = abs(float(bngd.effective_step(x.problem, x.a, x.w, x.lr)))
    return excess(abs(float(bngd.effective_step(x.problem, a, w, x.lr))), before) if before > 0 else -np.inf


def tent_from_any_a(x: Instance) -> float:
    """Test the upper tent from an a_0 that is not w_0'g/s_0."""
    end = run(x, 400)
    small, large = bngd.effective_step_asymptotes(x.problem, x.w)
    bound = 1 / (1 / (float(small) * x.lr) + x.lr / float(large)) if large > 0 else np.inf
    return excess(x.lr * np.sum(x.problem.u**2) / end.squared_norm, bound)


def floor(x: Instance) -> float:
    """Test that between the two slopes eff_inf is at least a thousandth of 2/l*_d."""
    if x.problem.dimension < 2:
        return -np.inf
    y = Instance(x.problem, x.w, float(bngd.optimal_a(x.problem, x.w)), x.lr, 1.0)
    small, large = (float(end) for end in bngd.effective_step_asymptotes(x.problem, x.w))
    limit, end = bngd.bngd_stability_limit(x.problem), run(y, 4000)
    if not limit / small < x.lr < large / limit or end.loss > 1e-6 * x.problem.explained:
        return -np.inf
    return excess(1e-3 * limit, x.lr * np.sum(x.problem.u**2) / end.squared_norm)


@dataclass(frozen=True)
class Statement:
    """A statement, its hypotheses on lr_a, and whether it is the theory's or lies just outside of it."""

    name: str
    test: Callable[[Instance], float]
    lr_a: tuple[float, float] = (0.0, 2.0)
    outside: str = ""


STATEMENTS = [
    Statement("contraction", contraction),
    Statement("contraction near a minimiser (the lemma)", fine_contraction),
    Statement("norm growth", norm_growth),
    Statement("loss decomposition", decomposition),
    Statement("interlacing", interlacing),
    Statement("kappa* <= kappa", conditioning),
    Statement("scaling laws", scaling_laws),
    Statement("factor of GD", gd_limit),
    Statement("a bounded", bounded_a),
    Statement("loss bounded", no_divergence),
    Statement("weights bounded", weight_bound),
    Statement("the tent from above", upper_tent),
    Statement("descent", descent),
    Statement("number of steps", steps_bound),
    Statement("self-tuning", self_tuning),
    Statement("a stays bounded", a_stays, (2.0, 4.0), "eps_a in (2, 4)"),
    Statement("GD shrinks its error", gd_shrinks, (2.0, 4.0), "eps in (1, 2) times 2/l_d"),
    Statement("the effective step never grows", step_falls, outside="a false sentence"),
    Statement("upper tent from any a_0", tent_from_any_a, outside="a_0 is not w_0'g/s_0"),
    Statement("the plateau has a floor", floor, outside="a false sentence"),
]


# --- the search -------------------------------------------------------------------------------------------------------


@dataclass
class Catch:
    """What a hunt came to: how hard it tried, and the closest call."""

    evaluations: int = 0
    restarts: int = 0
    closest: float = -np.inf
    genes: Array | None = None


def hunt(statement: Statement, seconds: float, rng: np.random.Generator) -> Catch:
    """Maximise the statement's excess for so long: a (1+1) evolution strategy with the one-fifth rule, restarted."""
    catch, deadline = Catch(), time.perf_counter() + seconds
    while catch.evaluations == 0 or time.perf_counter() < deadline:  # once, however late it is
        genes, best, width, idle = rng.uniform(size=GENES), -np.inf, 0.3, 0
        while idle < 200 and (catch.evaluations == 0 or time.perf_counter() < deadline):
            mask = rng.uniform(size=GENES) < max(0.15, rng.uniform())
            trial = (
                np.abs((genes + width * mask * rng.standard_normal(GENES) + 1) % 2 - 1)
                if best > -np.inf
                else rng.uniform(size=GENES)
            )
            value = value_of(statement, trial)
            catch.evaluations += 1
            better = value > best
            idle = 0 if value > best + 1e-9 else idle + 1
            width = min(0.5, max(1e-6, width * (1.5 if better else 0.9)))
            if better:
                genes, best = trial, value
        catch.restarts += 1
        if best > catch.closest:
            catch.closest, catch.genes = best, genes
    return catch


def value_of(statement: Statement, genes: Array) -> float:
    """Return a statement's excess at a vector; -inf where it says nothing, or the numbers overflow."""
    with np.errstate(all="ignore"):
        value = statement.test(decode(genes, statement.lr_a))
    return value if value == value else -np.inf


def main() -> int:
    """Hunt for so many seconds in all, keep the closest calls, and return 1 if a statement was violated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="renew trust/results/hunt.json, which the book quotes")
    options = parser.parse_args()
    deadline, found = time.perf_counter() + options.seconds, []
    run(decode(np.full(GENES, 0.4)), 1)  # compiles
    for number, statement in enumerate(STATEMENTS):
        share = (deadline - time.perf_counter()) / (len(STATEMENTS) - number)
        catch = hunt(statement, share, np.random.default_rng([options.seed, number]))
        found.append(told(statement, catch))
        print(
            "{statement:45} {where:30} {evaluations:8} tried, closest call {closest:.3g}".format(**found[-1]),
            flush=True,
        )
    if options.keep:
        kept.write("hunt", {"statements": found}, f"python -m trust.hunt --seconds {options.seconds:g} --keep")
    violated = [one["statement"] for one in found if one["where"] == WITHIN and one["closest"] > 1 + 1e-8]
    if violated:
        print(f"VIOLATED: {', '.join(violated)}")
    return 1 if violated else 0


WITHIN = "within its hypotheses"


def told(statement: Statement, catch: Catch) -> dict[str, Any]:
    """Return a catch as it is kept; the closest call is what was measured over what is allowed."""
    return {
        "statement": statement.name,
        "where": statement.outside or WITHIN,
        "evaluations": catch.evaluations,
        "restarts": catch.restarts,
        "closest": float(min(10**catch.closest, 1e300)),
        "genes": [] if catch.genes is None else catch.genes.tolist(),
    }


if __name__ == "__main__":
    sys.exit(main())
