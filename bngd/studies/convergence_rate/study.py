"""How fast a run decays against what theory predicts, and each method at its own best step size."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd import datasets
from bngd.arrays import Array
from bngd.dynamics import Outcome
from bngd.ensemble import sweep
from bngd.measure import decay_factor
from bngd.problem import Problem, unit_vectors
from bngd.studies.shared.random_problems import problem_of_a_family
from bngd.studies.shared.rates import loss_against_step, steps_to_reduce
from bngd.theory import (
    bngd_best_effective_step,
    bngd_best_factor,
    bngd_factor,
    effective_condition_number,
    effective_step_asymptotes,
    gd_best_factor,
    gd_best_lr,
    gd_factor,
    gd_stability_limit,
)

ASYMPTOTIC = 1e-16
"""A run shows its final factor once its loss has fallen to this fraction of the first: faster modes are gone then."""


# --- measured against predicted, over random problems ----------------------------------------------------------------


class RandomRuns(NamedTuple):
    """A random problem, a start, and the rates with which both methods are to run from there, shape (n_runs,)."""

    family: str
    problem: Problem
    w0: Array
    lr_gd: Array
    lr: Array
    lr_a: Array


def random_runs(
    rng: np.random.Generator, *, n_problems: int, n_runs: int, condition_numbers: tuple[float, float] = (2.0, 60.0)
) -> list[RandomRuns]:
    """Draw problems of all families, and runs of both methods on each.

    They have one start, uniform on the unit sphere. GD is given step sizes uniform in (0.1, 0.99) of its limit 2/l_d;
    BNGD log-uniform ones, from a tenth to ten times the one at which A eps is the best effective step. Every second
    run of BNGD has lr_a = 1; the others are as far from it, on either side, as makes abs(1 - lr_a) = 1 - 10^-z for z
    uniform in (0, 1.5).
    """
    drawn = []
    for _ in range(n_problems):
        family, problem = problem_of_a_family(rng, dimensions=(3, 100), condition_numbers=condition_numbers)
        w0 = unit_vectors(rng, problem.dimension)
        lr_gd = rng.uniform(0.1, 0.99, n_runs) * gd_stability_limit(problem)
        drawn.append(RandomRuns(family, problem, w0, lr_gd, *_random_rates(rng, problem, w0, n_runs)))
    return drawn


def factors(drawn: Sequence[RandomRuns], steps: int) -> pd.DataFrame:
    """Run both methods and compare the factor of the error with the predicted one.

    Returns
    -------
    pandas.DataFrame
        One row a run: problem (its place among those drawn), family, dimension, condition_number, method, lr, lr_a,
        effective_step (at the end), w_factor (rho(I - eps H) or rho*), a_factor (abs(1 - lr_a), NaN for GD), predicted
        (the larger of the two), slowest (which it is, "w" or "a"), measured (square root of the loss's factor),
        relative_loss (at the end), asymptotic (whether the run got to `ASYMPTOTIC` by a decay that can be measured, and
        that can last: a predicted factor above 1 is that of an unstable minimiser, where a run stays only until its
        unstable mode has grown out of the rounding).
    """
    tables = []
    for index, (family, problem, w0, lr_gd, lr, lr_a) in enumerate(drawn):
        kinds = [_gd_factors(problem, lr_gd, w0, steps), _bngd_factors(problem, lr, lr_a, w0, steps)]
        about = {"problem": index, "family": family, "dimension": problem.dimension}
        tables.append(pd.concat(kinds).assign(**about, condition_number=problem.condition_number))
    table = pd.concat(tables, ignore_index=True)
    shown = (table["relative_loss"] <= ASYMPTOTIC) & table["measured"].notna()
    slowest = np.where(table["a_factor"] > table["w_factor"], "a", "w")
    return table.assign(slowest=slowest, asymptotic=shown & (table["predicted"] < 1))


def _random_rates(rng: np.random.Generator, problem: Problem, w0: Array, n_runs: int) -> tuple[Array, Array]:
    centre = bngd_best_effective_step(problem) / effective_step_asymptotes(problem, w0).small
    off = rng.choice([-1, 1], n_runs) * (1 - 10 ** -rng.uniform(0, 1.5, n_runs))
    return centre * 10 ** rng.uniform(-1, 1, n_runs), np.where(np.arange(n_runs) % 2 == 0, 1.0, 1 + off)


def _gd_factors(problem: Problem, lr: Array, w0: Array, steps: int) -> pd.DataFrame:
    runs = _measured_runs(sweep(problem, lr, steps=steps, w0=w0, method="gd", checkpoints=range(steps + 1)))
    factor = gd_factor(problem, lr)
    return runs.assign(method="gd", w_factor=factor, a_factor=np.nan, predicted=factor)


def _bngd_factors(problem: Problem, lr: Array, lr_a: Array, w0: Array, steps: int) -> pd.DataFrame:
    runs = _measured_runs(sweep(problem, lr, lr_a=lr_a, steps=steps, w0=w0, checkpoints=range(steps + 1)))
    w_factor, a_factor = bngd_factor(problem, runs["effective_step"]), np.abs(1 - lr_a)
    return runs.assign(method="bngd", w_factor=w_factor, a_factor=a_factor, predicted=np.maximum(w_factor, a_factor))


def _measured_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run of a sweep that reported every step: its end, and its measured factor."""
    loss = table["relative_loss"].to_numpy().reshape(table["run"].nunique(), -1)
    ends = table.groupby("run", as_index=False).last()[["lr", "lr_a", "effective_step", "relative_loss"]]
    return ends.assign(measured=[np.sqrt(decay_factor(run)) for run in loss])


def residual_quantiles(factors: pd.DataFrame) -> pd.DataFrame:
    """Return quantiles of abs(measured - predicted) over the asymptotic runs, by method and by which factor decides.

    Returns
    -------
    pandas.DataFrame
        Columns method, slowest ("w" or "a"), runs, and one for each quantile, named by it.
    """
    runs = factors[factors["asymptotic"]]
    runs = runs.assign(residual=(runs["measured"] - runs["predicted"]).abs())
    groups = runs.groupby(["method", "slowest"], sort=True)["residual"]
    table = groups.quantile([0.5, 0.95, 1.0]).unstack()
    table.columns = [f"quantile {q:g}" for q in table.columns]
    return table.assign(runs=groups.size()).reset_index()


def furthest(factors: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the n asymptotic runs of BNGD that decay fastest beside their predicted factor, where that is rho*.

    Raises
    ------
    ValueError
        If there is none.
    """
    decided = factors["asymptotic"] & (factors["method"] == "bngd") & (factors["slowest"] == "w")
    if not decided.any():
        raise ValueError(
            f"of {len(factors)} runs none shows BNGD's rho*: no loss fell to {ASYMPTOTIC:g} of the first "
            "by a decay that can be measured; use more problems or more steps"
        )
    below = (factors["measured"] - factors["predicted"])[decided]
    return factors.loc[below.nsmallest(n).index]


# --- each method at its best -----------------------------------------------------------------------------------------


class BestStep(NamedTuple):
    """The step size at which BNGD ends with the best rho*, and the effective step at the end."""

    lr: float
    effective_step: float


def find_best_lr(problem: Problem, w0: ArrayLike) -> BestStep:
    """Return the step size with the smallest rho* at the end, found by sweeps that zoom in (lr_a = 1).

    Since ||w|| never decreases, eff <= A eps at the end; the search begins where A eps is the best effective step and
    covers four decades. Where several step sizes end there, the smallest is meant: past it runs take detours.

    Raises
    ------
    ValueError
        If no run has converged in twice the steps that reduce the loss by 1e-10 at the best factor.
    """
    w0 = np.asarray(w0, dtype=float)
    grid = _lowest_lr(problem, w0) * np.geomspace(1, 1e4, 64)
    for _ in range(4):
        runs = _converged_runs(problem, grid, w0, bngd_best_factor(problem))
        best = _fastest(problem, runs)
        ends = runs["lr"].iloc[[max(best - 1, 0), min(best + 1, len(runs) - 1)]]
        grid = np.geomspace(ends.iloc[0], ends.iloc[1], 32)
    return BestStep(float(runs["lr"].iloc[best]), float(runs["effective_step"].iloc[best]))


def _lowest_lr(problem: Problem, w0: Array) -> Array:
    return np.asarray(bngd_best_effective_step(problem) / effective_step_asymptotes(problem, w0).small)


def _converged_runs(problem: Problem, lr: Array, w0: Array, factor: float) -> pd.DataFrame:
    """Return the runs that converge in twice the steps that reduce the loss by 1e-10 at a factor of the error."""
    steps = 2 * steps_to_reduce(factor, 1e-10) + 50
    runs = sweep(problem, lr, steps=steps, w0=w0)
    converged = runs[runs["outcome"] == Outcome.CONVERGED.value]
    if converged.empty:
        raise ValueError(f"no step size from {lr.min():g} to {lr.max():g} converged in {steps} steps; use another w0")
    return converged


def _fastest(problem: Problem, runs: pd.DataFrame) -> int:
    """Return the position of the smallest rho* up to the first run that ends above the best effective step."""
    above = np.flatnonzero(runs["effective_step"] >= bngd_best_effective_step(problem))
    last = above[0] if above.size else len(runs) - 1
    return int(np.argmin(bngd_factor(problem, runs["effective_step"].iloc[: last + 1])))


def widest_start(problem: Problem, starts: ArrayLike) -> Array:
    """Return the start, shape (d,) out of (m, d), with the largest A C: the widest good interval, says the theory."""
    starts = np.asarray(starts, dtype=float)
    small, large = effective_step_asymptotes(problem, starts)
    return starts[np.argmax(small * large)]


def highest_effective_steps(problem: Problem, starts: ArrayLike) -> Array:
    """Return the largest effective step that a run ends with over all step sizes, for each start (m, d), shape (m,).

    It is the top of the tent of eff against eps. Where it lies below the best effective step, no step size gives the
    best rate. NaN where no run has converged in the steps that GD would take at its best.
    """
    starts = np.asarray(starts, dtype=float)
    lr = _lowest_lr(problem, starts) * np.geomspace(1, 1e4, 24)[:, None]
    runs = _converged_runs(problem, lr, starts, gd_best_factor(problem))
    return runs.groupby("start")["effective_step"].max().reindex(range(len(starts))).to_numpy()


def loss_at_best(problem: Problem, w0: ArrayLike) -> pd.DataFrame:
    """Return the loss of each method at its own best step size, until GD has reduced it (see `loss_against_step`)."""
    steps = steps_to_reduce(gd_best_factor(problem), ASYMPTOTIC) + 50
    rates = {"lr_gd": gd_best_lr(problem), "lr_bngd": find_best_lr(problem, w0).lr}
    return loss_against_step(problem, w0, **rates, steps=steps)


def steps_to_floor(losses: pd.DataFrame) -> tuple[int, int]:
    """Return after how many steps GD and BNGD first were at 1e-12 times the loss of the start."""
    first = losses[losses["relative_loss"] <= 1e-12].groupby("method")["step"].min()
    return int(first["gd"]), int(first["bngd"])


def random_best_factors(rng: np.random.Generator, n_problems: int) -> pd.DataFrame:
    """Return the predicted best factors of both methods on random problems; nothing is run.

    Returns
    -------
    pandas.DataFrame
        Columns family, dimension, gd and bngd.
    """
    drawn = [problem_of_a_family(rng, dimensions=(3, 200), condition_numbers=(2.0, 1e5)) for _ in range(n_problems)]
    rows = [(family, p.dimension, gd_best_factor(p), bngd_best_factor(p)) for family, p in drawn]
    return pd.DataFrame(rows, columns=["family", "dimension", "gd", "bngd"])


def data_best_factors(names: Sequence[str], rng: np.random.Generator, *, n_starts: int) -> pd.DataFrame:
    """Return predicted and measured best factors of both methods on real data.

    The runs set out from the one of n_starts random starts that lets BNGD reach the highest effective step.

    Returns
    -------
    pandas.DataFrame
        One row a data set: dataset, dimension, kappa, kappa_star, gd_lr, gd_predicted, gd_measured, bngd_lr,
        step_ratio (the effective step at the end over the best one), reached (the fraction of the starts
        from which some step size ends at the best effective step or above), faster (the fraction from which some
        effective step up to the highest one has a smaller factor than GD's best), bngd_predicted, bngd_measured.
    """
    return pd.DataFrame([_best_factors_on(name, rng, n_starts) for name in names])


def _best_factors_on(name: str, rng: np.random.Generator, n_starts: int) -> dict[str, float | str]:
    data = datasets.load(name)
    problem = Problem.from_data(data.X, data.y, names=data.names)
    starts = unit_vectors(rng, problem.dimension, n_starts)
    tops, best_step = highest_effective_steps(problem, starts), bngd_best_effective_step(problem)
    runs = loss_at_best(problem, starts[np.nanargmax(tops)])
    ends = runs.groupby("method").last()
    measured = {method: float(np.sqrt(decay_factor(run["relative_loss"]))) for method, run in runs.groupby("method")}
    return {
        "dataset": name,
        "dimension": problem.dimension,
        "kappa": problem.condition_number,
        "kappa_star": effective_condition_number(problem),
        "gd_lr": ends.loc["gd", "lr"],
        "gd_predicted": gd_best_factor(problem),
        "gd_measured": measured["gd"],
        "bngd_lr": ends.loc["bngd", "lr"],
        "step_ratio": ends.loc["bngd", "effective_step"] / best_step,
        "reached": float(np.mean(tops >= best_step)),
        "faster": float(np.mean(bngd_factor(problem, np.minimum(tops, best_step)) < gd_best_factor(problem))),
        "bngd_predicted": bngd_best_factor(problem),
        "bngd_measured": measured["bngd"],
    }
