"""Figures of the notebook `convergence`: where BNGD converges, how long it takes, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bngd.dynamics import Trajectory
from bngd.studies.shared.style import (
    BACKED,
    COLOURS,
    DASHES,
    OUTCOME_COLOURS,
    SEQUENCE,
    figure,
    lettered,
    note,
    picture,
)

_BOUNDARIES = {1.0: "theorem: $\\varepsilon_a\\leq 1$", 2.0: "$\\varepsilon_a=2$"}
_ORDER = list(OUTCOME_COLOURS)


def plane(runs: pd.DataFrame, gd_limit: float) -> Figure:
    """Draw how runs ended over the (eps, eps_a) plane.

    Parameters
    ----------
    runs : DataFrame
        Of `bngd.sweep` over a full grid of lr and lr_a, one checkpoint.
    gd_limit : float
        2/l_d, where gradient descent stops converging.
    """
    fig, ax = figure(width=6.4, height=4.2)
    _outcome_panel(ax, runs)
    _mark_gd_limit(ax, gd_limit)
    note(ax, r"$2/\lambda_d$", (gd_limit, 0.97), (4, 0), on="lr", size=10, va="top")
    ax.set(xlabel=r"step size $\varepsilon$ of the weights", ylabel=r"step size $\varepsilon_a$ of $a$")
    _outcome_legend(fig, runs)
    return fig


def _mark_gd_limit(ax: Axes, gd_limit: float) -> None:
    ax.axvline(gd_limit, color=COLOURS["theory"], linestyle=":", linewidth=1.2)


def planes(tables: Mapping[str, pd.DataFrame], gd_limits: Sequence[float]) -> Figure:
    """Draw the outcomes over the (eps, eps_a) plane for several problems or starts, titled by the mapping's keys."""
    fig, axes = figure(2, (len(tables) + 1) // 2, width=8.2, height=2.7, sharex=True, sharey=True)
    for ax, (title, runs), limit in zip(axes.flat, tables.items(), gd_limits, strict=False):
        _outcome_panel(ax, runs)
        _mark_gd_limit(ax, limit)
        ax.set_title(title)
    for ax in axes[-1]:
        ax.set_xlabel(r"step size $\varepsilon$")
    for ax in axes[:, 0]:
        ax.set_ylabel(r"step size $\varepsilon_a$")
    _outcome_legend(fig, pd.concat(tables.values()))
    return lettered(fig, axes)


def _outcome_panel(ax: Axes, runs: pd.DataFrame) -> None:
    """Colour the (eps, eps_a) plane by outcome and mark eps_a = 1 and 2."""
    picture(ax)
    codes = _grid(runs, "outcome").map(_ORDER.index)
    _mesh(ax, codes, cmap=ListedColormap([OUTCOME_COLOURS[o] for o in _ORDER]), vmin=-0.5, vmax=len(_ORDER) - 0.5)
    for level, label in _BOUNDARIES.items():
        ax.axhline(level, color=COLOURS["theory"], linestyle="--", linewidth=1.1)
        note(ax, label, (0.985, level), (0, -4), on="level", ha="right", va="top", bbox=BACKED)


def _grid(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    return runs.pivot(index="lr_a", columns="lr", values=column)


def _mesh(ax: Axes, grid: pd.DataFrame, **kwargs: Any) -> Any:
    x = np.log10(grid.columns.to_numpy(float))
    half = (x[1] - x[0]) / 2
    edges = 10 ** np.append(x - half, x[-1] + half)
    y = grid.index.to_numpy(float)
    rim = (y[1] - y[0]) / 2
    ax.set_xscale("log")
    ax.grid(False)
    return ax.pcolormesh(edges, np.append(y - rim, y[-1] + rim), grid.to_numpy(float), rasterized=True, **kwargs)


def _outcome_legend(fig: Figure, runs: pd.DataFrame) -> None:
    seen = [outcome for outcome in _ORDER if (runs["outcome"] == outcome).any()]
    handles = [Patch(facecolor=OUTCOME_COLOURS[outcome], label=outcome) for outcome in seen]
    fig.legend(handles=handles, loc="outside lower center", ncols=len(seen))


def outcomes_by_decade(runs: pd.DataFrame, regimes: Mapping[str, str]) -> Figure:
    """Draw, for each regime of eps_a (column ``regime``, mapped to a title), the share of outcomes in each decade."""
    fig, axes = figure(len(regimes), width=9.2, height=3.0, sharey=True)
    decade = np.floor(np.log10(runs["lr"])).rename("decade")
    for ax, (name, title) in zip(axes, regimes.items(), strict=True):
        inside = runs["regime"] == name
        share = pd.crosstab(decade[inside], runs.loc[inside, "outcome"], normalize="index")
        bottom = np.zeros(len(share))
        for outcome in [o for o in _ORDER if o in share]:
            ax.bar(share.index + 0.5, share[outcome], 0.94, bottom=bottom, color=OUTCOME_COLOURS[outcome])
            bottom += share[outcome].to_numpy()
        ax.set(title=f"{title}: {inside.sum()} runs", xlabel=r"$\log_{10}\varepsilon$")
        ax.grid(False)
    axes[0].set_ylabel("share of the runs")
    _outcome_legend(fig, runs)
    return lettered(fig, axes)


def mechanism(runs: pd.DataFrame, gd: pd.DataFrame, stability_limit: float) -> Figure:
    """Draw the loss, ||w_k|| and the effective step along runs of several eps, and the loss of one GD run.

    Parameters
    ----------
    runs, gd : DataFrame
        Of `bngd.sweep`, every step a checkpoint; ``gd`` holds a single run.
    stability_limit : float
        2/l*_d.
    """
    fig, axes = figure(3, width=10.0, height=3.3)
    columns = ("relative_loss", "norm_w", "effective_step")
    titles = ("loss over its first value", r"length $\|w_k\|$", r"effective step $\hat{\varepsilon}_k$")
    for colour, style, (lr, run) in zip(SEQUENCE, DASHES, runs.groupby("lr"), strict=False):
        for ax, column in zip(axes, columns, strict=True):
            ax.plot(run["step"], run[column], linestyle=style, color=colour, label=rf"$\varepsilon={lr:.3g}$")
    bounded = gd[gd["relative_loss"] < 1e4]
    axes[0].plot(bounded["step"], bounded["relative_loss"], color=COLOURS["gd"])
    for ax, title in zip(axes, titles, strict=True):
        ax.set(yscale="log", title=title, xlabel="step $k$")
    axes[2].axhline(stability_limit, color=COLOURS["theory"], linestyle="--", linewidth=1.2)
    note(axes[2], r"$2/\lambda^*_d$", (0.99, stability_limit), (0, 5), on="level", size=10, ha="right")
    _label_line(axes[0], bounded, "gradient descent")
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=runs["lr"].nunique())
    return lettered(fig, axes)


def _label_line(ax: Axes, run: pd.DataFrame, label: str) -> None:
    end = run.iloc[-1]
    note(ax, label, (end["step"], end["relative_loss"]), (5, -2), colour="gd", va="top")


def patience(runs: pd.DataFrame) -> Figure:
    """Draw the loss of runs with large eps against the step, and against the step over eps, where they coincide."""
    fig, axes = figure(2, width=9.0, height=3.4, sharey=True)
    for colour, style, (lr, run) in zip(SEQUENCE, DASHES, runs.groupby("lr"), strict=False):
        exponent = rf"$\varepsilon=10^{{{np.log10(lr):.3g}}}$"
        axes[0].loglog(run["step"], run["relative_loss"], linestyle=style, color=colour, label=exponent)
        axes[1].loglog(run["step"] / lr, run["relative_loss"], linestyle=style, color=colour)
    axes[0].set(ylabel="loss over its first value", xlabel="step $k$", title="against the step", ylim=(1e-11, 10))
    axes[1].set_xlabel(r"step over step size, $k/\varepsilon$")
    axes[1].set(title=r"against the step over $\varepsilon$", xlim=(1e-3, None))
    axes[0].legend(loc="lower left")
    return lettered(fig, axes)


def steps_against_lr(
    bngd: pd.DataFrame, gd: pd.DataFrame, small: pd.Series, large: pd.Series, gd_limit: float
) -> Figure:
    """Draw the number of steps to convergence of both methods against eps, with the two predicted slopes.

    Parameters
    ----------
    bngd, gd : DataFrame
        lr and steps, of `bngd.studies.convergence.study.steps_to_converge`.
    small, large : Series
        The steps that the effective steps A eps and C/eps predict, indexed by lr.
    gd_limit : float
        2/l_d.
    """
    fig, ax = figure(width=7.4, height=4.2)
    kinds = (
        (small, "small", r"predicted $\propto 1/\varepsilon$", 1, 8, "left"),
        (large, "large", r"predicted $\propto\varepsilon$", 2, -8, "right"),
    )
    for line, colour, text, thirds, beside, side in kinds:
        ax.loglog(line.index, line, "--", color=COLOURS[colour], linewidth=1.4)
        tip = line.index[thirds * len(line) // 3]
        note(ax, text, (tip, line[tip]), (beside, 2), colour=colour, size=9, ha=side)
    ax.loglog(gd["lr"], gd["steps"], "s", color=COLOURS["gd"], markersize=4.5, label="gradient descent")
    ax.loglog(bngd["lr"], bngd["steps"], "o", color=COLOURS["bngd"], markersize=4, label="BNGD")
    ax.axvline(gd_limit, color=COLOURS["gd"], linestyle=":", linewidth=1.2)
    ax.set(xlabel=r"step size $\varepsilon$", ylabel="steps to convergence")
    ax.legend(loc="upper center")
    return fig


def escape(runs: Mapping[float, Trajectory], growth: float, scale: float) -> Figure:
    """Draw |a_k| and the excess loss of runs that set out near a saddle, by their distance from it.

    Parameters
    ----------
    runs : mapping
        Distance to run; the distance zero is the saddle itself.
    growth : float
        Predicted growth of |a_k| in a step.
    scale : float
        Excess loss at the saddle.
    """
    fig, axes = figure(2, width=9.0, height=3.4)
    for colour, style, (distance, run) in zip(SEQUENCE, DASHES, runs.items(), strict=False):
        label = "on the saddle" if distance == 0 else rf"distance $10^{{{np.log10(distance):.0f}}}$"
        axes[1].semilogy(run.excess_loss / scale, linestyle=style, color=colour, label=label)
        if distance:
            axes[0].semilogy(np.abs(run.a), linestyle=style, color=colour)
            early = np.arange(np.argmax(np.abs(run.a) > 0.1 * np.abs(run.a[-1])))
            axes[0].set_xlim(0, 2 * early.size)  # of the last run, which is the one that stays longest
            axes[0].semilogy(early, np.abs(run.a[0]) * growth**early, ":", color=COLOURS["theory"], linewidth=1.1)
    axes[0].set_title("$|a_k|$; dotted: predicted growth")
    axes[1].set(title="excess loss over that of the saddle", ylim=(1e-12, 10))
    axes[1].legend(loc="lower left")
    for ax in axes:
        ax.set_xlabel("step $k$")
    return lettered(fig, axes)
