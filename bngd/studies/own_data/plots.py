"""Figures of the reader's own data: the loss against the step size, and against the step."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bngd.studies.shared.style import COLOURS, METHOD_LABELS, figure, mark_level, mark_lr, power

_TOP = 1e3
"""The largest relative loss that is drawn; what diverged lies above."""


def loss_against_lr(runs: pd.DataFrame, *, gd_limit: float, interval: tuple[float, float], threshold: float) -> Figure:
    """Draw the loss at the end of a sweep against the step size, with GD's limit and BNGD's predicted interval.

    Parameters
    ----------
    runs : pandas.DataFrame
        Columns method, lr, step, relative_loss; the last step is drawn.
    gd_limit : float
        2/l_d.
    interval : (float, float)
        Ends of the predicted good interval; drawn where they are in order.
    threshold : float
        The relative loss below which a step size counts as one that works.
    """
    fig, ax = figure(height=3.8)
    last = runs[runs["step"] == runs["step"].max()]
    for method in ("gd", "bngd"):
        rows = last[last["method"] == method]
        shown = rows["relative_loss"].where(rows["relative_loss"] <= _TOP)
        ax.plot(
            rows["lr"], shown.clip(lower=1e-32), "o-", markersize=3, color=COLOURS[method], label=METHOD_LABELS[method]
        )
    ax.set(xscale="log", yscale="log", xlabel=r"step size $\varepsilon$")
    ax.set_ylabel("excess loss / excess loss at the start")
    mark_lr(ax, gd_limit, r"GD's limit $2/\lambda_d$", top=0.55)
    mark_level(ax, threshold, f"works: {threshold:g}")
    if interval[0] < interval[1]:
        ax.axvspan(*interval, color=COLOURS["bngd"], alpha=0.08, linewidth=0, label="good interval, predicted")
    fig.legend(loc="outside lower center", ncols=3)
    return fig


def loss_against_step(losses: pd.DataFrame, *, reduction: float) -> Figure:
    """Draw the loss against the step, each method at its own best step size.

    Parameters
    ----------
    losses : pandas.DataFrame
        Columns method, step, relative_loss.
    reduction : float
        The relative loss that was asked for.
    """
    fig, ax = figure(height=3.6)
    for method, run in losses.groupby("method", sort=False):
        ax.plot(run["step"], run["relative_loss"], color=COLOURS[str(method)], label=METHOD_LABELS[str(method)])
    lowest = max(float(np.nanmin(losses["relative_loss"].replace(0, np.nan))), reduction**2, 1e-24)
    ax.set(xlabel="step $k$", ylabel="excess loss / excess loss at the start", yscale="log", ylim=(lowest, 3))
    ax.set_xlim(0, losses["step"].max())
    mark_level(ax, reduction, f"${power(reduction)}$ of the start", left=0.75)
    fig.legend(loc="outside lower center", ncols=3)
    return fig
