"""Figures of the gradient descent notebook: loss against step size and step, and the factor per step."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.arrays import Array
from bngd.studies.shared.style import COLOURS, figure, lettered, mark_lr, note

_LINE_STYLES = (":", "-.", "--", "-")


def loss_against_lr(runs: pd.DataFrame, near: pd.DataFrame, limit: float, best: float, bound: Array) -> Figure:
    """Draw the relative loss against the step size over many decades, and close to the limit.

    Parameters
    ----------
    runs, near : pandas.DataFrame
        Tables of `bngd.sweep`: a line for each checkpoint (four at most).
    limit, best : float
        2/l_d and 2/(l_1 + l_d).
    bound : ndarray
        rho^(2k) at the last checkpoint, for each step size of ``near``.
    """
    fig, (wide, close) = figure(2, width=7.6, height=3.6, sharey=True, gridspec_kw={"width_ratios": [1.5, 1]})
    _draw_checkpoints(wide, runs, 1.0)
    _draw_checkpoints(close, near, limit)
    lr = np.unique(near["lr"])
    close.semilogy(lr / limit, bound, "--", color=COLOURS["theory"], linewidth=1.0, zorder=3)
    wide.set(
        xscale="log", ylim=_loss_limits(runs), xlabel=r"step size $\varepsilon$", ylabel="loss relative to the start"
    )
    wide.set_title("many decades")
    close.set_title("near the limit")
    close.set(xlabel=r"$\varepsilon \,/\, (2/\lambda_d)$", xlim=(lr[0] / limit, lr[-1] / limit))
    mark_lr(wide, limit, r"limit $2/\lambda_d$", top=0.6)
    mark_lr(close, 1.0, r"limit $2/\lambda_d$", top=0.6)
    _mark_best(close, best / limit, top=0.62)
    wide.legend(loc="lower left", handlelength=2.6)
    return lettered(fig, [wide, close])


def _mark_best(ax: Axes, ratio: float, top: float) -> None:
    # Written to the left of its line, unlike every other label: the limit's label is hard by on the right.
    ax.axvline(ratio, color=COLOURS["gd"], linestyle=":", linewidth=1.2)
    text = r"best $2/(\lambda_1 + \lambda_d)$"
    note(ax, text, (ratio, top), (-3, 0), on="lr", colour="gd", rotation=90, ha="right", va="top")


def _draw_checkpoints(ax: Axes, runs: pd.DataFrame, unit: float) -> None:
    groups = runs.groupby("step")
    for (step, group), style in zip(groups, _LINE_STYLES[-len(groups) :], strict=True):
        loss = group["relative_loss"].where(group["relative_loss"] < 1e30)
        ax.semilogy(group["lr"] / unit, loss, style, color=COLOURS["gd"], label=f"{step:,} steps".replace(",", " "))


def _loss_limits(runs: pd.DataFrame) -> tuple[float, float]:
    smallest = max(float(runs["relative_loss"].min()), 1e-32)
    return 10 ** (np.floor(np.log10(smallest)) - 1), 1e4


def loss_against_step(runs: pd.DataFrame, labels: Sequence[str], colours: Sequence[str]) -> Figure:
    """Draw the relative loss against the step, a line a run, labelled at its end.

    Parameters
    ----------
    runs : pandas.DataFrame
        Table of `bngd.sweep` with a checkpoint at every step.
    labels, colours : sequence of str
        One for each run, in order; the colours are names in `COLOURS`.
    """
    fig, ax = figure(width=7.2, height=3.6)
    for (_, group), label, colour in zip(runs.groupby("run"), labels, colours, strict=True):
        ax.semilogy(group["step"], group["relative_loss"], color=COLOURS[colour])
        end = group[["step", "relative_loss"]].iloc[-1]
        note(ax, label, end, (5, 0), colour=colour, size=9, va="center", annotation_clip=False)
    ax.set(xlabel="step $k$", ylabel="loss relative to the start", xlim=(0, runs["step"].max()))
    return fig


def factors(measured: pd.DataFrame, limit: float, best: float, ensemble: pd.DataFrame) -> Figure:
    """Draw measured against predicted factors: over all stable step sizes, and at the best one for many problems.

    Parameters
    ----------
    measured : pandas.DataFrame
        lr, predicted, measured, for one problem.
    limit, best : float
        2/l_d and 2/(l_1 + l_d) of that problem.
    ensemble : pandas.DataFrame
        condition_number, measured, a row a problem.
    """
    fig, (left, right) = figure(2, width=7.4, height=3.4)
    left.plot(measured["lr"] / limit, measured["predicted"], "--", color=COLOURS["theory"])
    left.plot(measured["lr"] / limit, measured["measured"], "o", markersize=4, color=COLOURS["gd"])
    left.set(xlabel=r"$\varepsilon \,/\, (2/\lambda_d)$", ylabel="factor of the error per step", xlim=(0, 1.07))
    left.set_title("every stable step size")
    mark_lr(left, 1.0, r"limit $2/\lambda_d$", top=0.6)
    _mark_best(left, best / limit, top=0.98)
    kappa = np.geomspace(ensemble["condition_number"].min(), ensemble["condition_number"].max(), 100)
    right.loglog(kappa, 2 / (kappa + 1), "--", color=COLOURS["theory"])
    right.loglog(ensemble["condition_number"], 1 - ensemble["measured"], "o", markersize=3.5, color=COLOURS["gd"])
    right.set(xlabel=r"condition number $\kappa$", ylabel="1 minus the factor")
    right.set_title("at the best step size, many problems")
    return lettered(fig, [left, right])


def loss_by_dimension(runs: pd.DataFrame, limit: float, lr: Array, bound: Array) -> Figure:
    """Draw the relative loss against the step size, a line for each dimension, below the bound that all share.

    Parameters
    ----------
    runs : pandas.DataFrame
        lr, relative_loss, dimension (four of them at most).
    limit : float
        2/l_d, the same for all.
    lr, bound : ndarray, shape (n,)
        rho^(2k) against the step size.
    """
    fig, ax = figure(width=7.2, height=3.3)
    groups = runs.groupby("dimension")
    for (dimension, group), style in zip(groups, _LINE_STYLES[-len(groups) :], strict=True):
        ax.loglog(group["lr"], group["relative_loss"], style, color=COLOURS["gd"], label=f"$d = {dimension}$")
    ax.loglog(lr, bound, "--", color=COLOURS["theory"], linewidth=1.0, label=r"bound $\rho^{2k}$")
    smallest = runs["relative_loss"].min()
    ax.set(xlabel=r"step size $\varepsilon$", ylabel="loss relative to the start", ylim=(smallest / 3, 30))
    mark_lr(ax, limit, r"limit $2/\lambda_d$", top=0.6)
    ax.legend(loc="lower left", handlelength=2.6)
    return fig
