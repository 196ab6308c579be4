"""What GD and BNGD would do on a given regression problem: predicted, measured by a sweep, and in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bngd.ensemble import METHODS, sweep
from bngd.guarantees import descent_constant, guaranteed_interval
from bngd.measure import workable_range
from bngd.problem import Problem
from bngd.studies.own_data.table import OwnTable
from bngd.studies.shared.rates import steps_to_reduce
from bngd.text import markdown
from bngd.theory import (
    Interval,
    bngd_best_effective_step,
    bngd_best_factor,
    bngd_stability_limit,
    effective_condition_number,
    gd_best_factor,
    gd_best_lr,
    gd_stability_limit,
    good_interval,
)

_PERFECT = 1 - 1e-10
"""Features that explain more of the target's variance than this fraction determine it."""


def about(data: OwnTable, problem: Problem) -> str:
    """Return what was assumed about the reader's table and how well its features fit, as a paragraph of Markdown."""
    n, p = data.X.shape
    target, share = markdown(data.target), problem.explained_fraction
    sentences = [
        *(markdown(note, longest=None) for note in data.notes),
        f"{n:,} samples of {p:,} features; the problem has dimension {problem.dimension:,}.",
        f"The features explain {100 * share:.3g} % of the variance of {target}, however one gets to the best weights.",
    ]
    if share > _PERFECT and problem.dimension >= n - 1:
        sentences.append("**There are as many directions as samples**, so that any target would be fitted exactly.")
    elif share > _PERFECT:
        sentences.append(f"**That is a perfect fit**: is a feature computed from {target}, or {target} from them?")
    return " ".join(sentences)


def forecast(problem: Problem, reduction: float) -> pd.DataFrame:
    """Return what theory says of both methods before anything is run, a row each.

    Returns
    -------
    pandas.DataFrame
        Columns method, condition_number (kappa, kappa*), limit and best_step (of eps for GD, of the effective step for
        BNGD), best_factor, steps (to ``reduction`` of the loss at the best factor).
    """
    factors = (gd_best_factor(problem), bngd_best_factor(problem))
    return pd.DataFrame(
        {
            "method": METHODS,
            "condition_number": (problem.condition_number, effective_condition_number(problem)),
            "limit": (gd_stability_limit(problem), bngd_stability_limit(problem)),
            "best_step": (gd_best_lr(problem), bngd_best_effective_step(problem)),
            "best_factor": factors,
            "steps": [steps_to_reduce(factor, reduction) for factor in factors],
        }
    )


def predicted_interval(problem: Problem, w0: ArrayLike) -> Interval:
    """Return the step sizes whose effective step is at least half of the plateau's 2/l*_d, by the two asymptotes.

    Where the upper end lies below the lower one, the tent has its top below that level: there is no such step size.
    """
    return good_interval(problem, w0, bngd_stability_limit(problem) / 2)


def guaranteed_in_words(problem: Problem, w0: ArrayLike) -> str:
    """Return what is proved of BNGD's effective step, beside what the asymptotes promise, as a sentence.

    The level is ||u||^2/(2 C_1 + 8 P^2), at about half of which and below an interval can be guaranteed at all.
    """
    room = descent_constant(problem) + 4 * problem.explained
    level = float(np.sum(problem.u**2) / (2 * room))
    interval, gap = guaranteed_interval(problem, w0, level)
    share, asymptotic = level / bngd_stability_limit(problem), good_interval(problem, w0, level)
    promised = f"the asymptotes say {asymptotic.low:.2g} to {asymptotic.high:.2g}"
    if not np.isfinite(interval.low):
        return f"At {share:.1g} of the plateau nothing is guaranteed from this start; {promised}."
    but = (
        ""
        if np.isnan(gap.low)
        else f", but for a gap between {gap.low:.2g} and {gap.high:.2g} where a dip is not excluded"
    )
    return (
        f"What is proved is about lower levels: the effective step is at least {share:.1g} of the plateau for certain "
        f"for $\\varepsilon$ between {interval.low:.2g} and {interval.high:.2g}{but}; {promised}."
    )


def sweep_both(problem: Problem, w0: ArrayLike, *, n_lr: int, steps: int) -> pd.DataFrame:
    """Run both methods over step sizes that span GD's limit and BNGD's interval by three decades on either side.

    Returns
    -------
    pandas.DataFrame
        The rows of `bngd.sweep` at some 200 steps, log-spaced, with a column method.
    """
    interval = predicted_interval(problem, w0)
    ends = np.log10([gd_stability_limit(problem), float(interval.low), float(interval.high)])
    lr = np.logspace(ends.min() - 3.0, ends[np.isfinite(ends)].max() + 3.0, n_lr)
    marks = np.unique(np.geomspace(1, steps, 200).astype(int)).tolist()
    runs = [sweep(problem, lr, steps=steps, w0=w0, method=m, checkpoints=marks).assign(method=m) for m in METHODS]
    return pd.concat(runs, ignore_index=True)


def best_lr(runs: pd.DataFrame, reduction: float) -> dict[str, float]:
    """Return each method's step size that first reduces the loss so far; where none does, that of the least loss."""
    best = {}
    for method, rows in runs.groupby("method"):
        steps = rows[rows["relative_loss"] <= reduction].groupby("lr")["step"].min()
        last = rows[rows["step"] == rows["step"].max()].set_index("lr")["relative_loss"]
        best[str(method)] = float(steps.idxmin() if steps.size else last.idxmin())
    return best


def workable_decades(runs: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the range of step sizes whose loss ends at or below the threshold, a row a method.

    Returns
    -------
    pandas.DataFrame
        Columns method, low, high, decades (0 where no step size works), censored (whether the sweep cut it off).
    """
    last = runs[runs["step"] == runs["step"].max()]
    rows = []
    for method in METHODS:
        mine = last[last["method"] == method]
        found = workable_range(mine["lr"], mine["relative_loss"], threshold)
        rows.append({"method": method, **found.as_row(), "decades": np.nan_to_num(found.decades)})
    return pd.DataFrame(rows)


def steps_taken(losses: pd.DataFrame, reduction: float) -> dict[str, float]:
    """Return after how many steps the loss first was at ``reduction`` of its start, by method; NaN if it never was."""
    reached = losses[losses["relative_loss"] <= reduction].groupby("method")["step"].min()
    return {method: float(reached.get(method, np.nan)) for method in METHODS}


def verdict(expected: pd.DataFrame, widths: pd.DataFrame, taken: Mapping[str, float]) -> str:
    """Return what the numbers mean, as a paragraph of Markdown.

    Parameters
    ----------
    expected : pandas.DataFrame
        From `forecast`.
    widths : pandas.DataFrame
        From `workable_decades`.
    taken : mapping of str to float
        From `steps_taken`.
    """
    rows = expected.set_index("method")
    return " ".join([_on_speed(rows), _on_start(rows["steps"], taken), _on_width(widths)])


def _on_speed(rows: pd.DataFrame) -> str:
    ratio = rows.loc["gd", "steps"] / rows.loc["bngd", "steps"]
    numbers = (
        f"at their best step sizes theory expects about {rows.loc['gd', 'steps']:,} steps of GD and "
        f"{rows.loc['bngd', 'steps']:,} of BNGD ($\\kappa$ = {rows.loc['gd', 'condition_number']:.3g}, "
        f"$\\kappa^*$ = {rows.loc['bngd', 'condition_number']:.3g})"
    )
    if ratio >= 2:
        return f"**BN would buy speed here**: {numbers}, {ratio:.1f} times fewer."
    if ratio >= 1.1:
        return f"**BN would buy a little speed here**: {numbers}, {100 * (1 - 1 / ratio):.0f} % fewer."
    return f"**BN would buy no speed here**: {numbers}."


def _on_start(steps: pd.Series, taken: Mapping[str, float]) -> str:
    gd, bngd = (f"{taken[m]:,.0f}" if np.isfinite(taken[m]) else "more than the steps allowed" for m in METHODS)
    measured = f"From this start, each at its best in the sweep, GD took {gd} and BNGD {bngd}."
    if not np.isfinite(taken["bngd"]):
        return f"{measured} Raise `steps`, or try other seeds."
    if taken["bngd"] <= min(np.nan_to_num(taken["gd"], nan=np.inf), 1.5 * steps["bngd"]):
        return measured
    return (
        f"{measured} The prediction is about the end of a run: the first steps depend on the start, and not every "
        "start lets BNGD reach its best effective step; try other seeds."
    )


def _on_width(widths: pd.DataFrame) -> str:
    rows: Any = widths.set_index("method")
    gd, bngd = ((rows.loc[m, "decades"], "at least " if rows.loc[m, "censored"] else "") for m in METHODS)
    numbers = f"with BN {bngd[1]}{bngd[0]:.1f} decades of step sizes work, without {gd[1]}{gd[0]:.1f}"
    if bngd[0] > gd[0] + 0.5:
        return f"**It would spare you tuning**: {numbers}."
    return f"**It would not spare you tuning**: {numbers}."
