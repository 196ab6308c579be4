"""Figures of the notebook `effective_step`: norm growth, self-tuning, contraction, and the clipped tent."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.dynamics import Trajectory
from bngd.studies.shared.style import COLOURS, DASHES, INK, MARKERS, SEQUENCE, figure, lettered, note
from bngd.theory import Asymptotes


class Tent(NamedTuple):
    """A measured tent (of `bngd.studies.effective_step.study.tent`) with what the theory says of it."""

    table: pd.DataFrame
    asymptotes: Asymptotes
    stability_limit: float


def norm_growth(runs: Mapping[float, Trajectory]) -> Figure:
    """Draw ||w_k||^2 along runs, by their eps."""
    fig, ax = figure(width=6.6, height=3.6)
    for style, colour, (lr, run) in zip(DASHES, SEQUENCE, runs.items(), strict=False):
        steps = np.arange(run.a.size) + 1
        ax.loglog(steps, run.norm_w**2, linestyle=style, color=colour, label=rf"$\varepsilon={lr:g}$")
    ax.set(xlabel="step $k$, counted from 1", ylabel=r"squared length $\|w_k\|^2$")
    fig.legend(loc="outside lower center", ncols=len(runs))
    return fig


def self_tuning(runs: Mapping[float, Trajectory], limits: Mapping[float, float], levels: Mapping[str, float]) -> Figure:
    """Draw the effective step along runs, by their eps, and the limit of each; mark levels, by label."""
    fig, ax = figure(width=7.6, height=4.4)
    for style, colour, (lr, run) in zip(DASHES, SEQUENCE, runs.items(), strict=False):
        steps = np.arange(run.a.size) + 1
        ax.loglog(steps, np.abs(run.effective_step), linestyle=style, color=colour, label=rf"$\varepsilon={lr:g}$")
        ax.plot(steps[-1] * 1.15, limits[lr], "<", color=colour, markersize=6, clip_on=False)
    for (label, level), style, offset in zip(levels.items(), ("--", ":"), ((0, 4), (0, -4)), strict=True):
        ax.axhline(level, color=COLOURS["theory"], linestyle=style, linewidth=1.2)
        note(ax, label, (0.01, level), offset, on="level", colour=INK, size=10, va="bottom" if offset[1] > 0 else "top")
    ax.set(xlabel="step $k$, counted from 1", ylabel=r"effective step $|\hat{\varepsilon}_k|$")
    fig.legend(loc="outside lower center", ncols=len(runs))
    return fig


def contraction(one: pd.DataFrame, many: pd.DataFrame) -> Figure:
    """Draw the contraction of one step against the effective step and its bound, and against the bound alone.

    Parameters
    ----------
    one, many : DataFrame
        scaled_step, ratio and bound, of a single problem and of many.
    """
    fig, axes = figure(2, width=9.0, height=3.6)
    dots = {"markersize": 1.6, "alpha": 0.45, "rasterized": True, "color": COLOURS["bngd"]}
    axes[0].plot(one["scaled_step"], one["ratio"], "o", **dots)
    curve = one.sort_values("scaled_step")
    axes[0].plot(curve["scaled_step"], curve["bound"], "--", color=COLOURS["theory"])
    axes[0].set_xlabel(r"effective step times the largest eigenvalue, $\hat{\varepsilon}\lambda_d$")
    axes[0].set(ylabel=r"$\|e^+\|_H\,/\,\|e\|_H$", title="one problem")
    axes[1].plot(many["bound"], many["ratio"], "o", **dots)
    ends = np.array([0.0, many["bound"].max()])
    axes[1].plot(ends, ends, "--", color=COLOURS["theory"])
    axes[1].set_xlabel(r"bound $\rho(I-\hat{\varepsilon}H)$")
    axes[1].set(ylabel=r"$\|e^+\|_H\,/\,\|e\|_H$", title=f"{many['problem'].nunique()} problems")
    return lettered(fig, axes)


def tents(shapes: Mapping[str, Tent]) -> Figure:
    """Draw the effective step at the limit against eps, with both asymptotes and 2/l*_d, a panel a problem."""
    fig, axes = figure(len(shapes), width=10.0, height=3.7, sharey=True)
    for ax, (title, shape) in zip(axes, shapes.items(), strict=True):
        _draw_tent(ax, shape)
        ax.set_title(title)
    axes[0].set_ylabel(r"effective step at the limit $\hat{\varepsilon}$")
    return lettered(fig, axes, legend=4)


def _draw_tent(ax: Axes, shape: Tent) -> None:
    """Draw one tent with its asymptotes and its ceiling."""
    lr, measured = shape.table["lr"], shape.table["limit_effective_step"]
    small, large = shape.asymptotes.small * lr, shape.asymptotes.large / lr
    top = 30 * shape.stability_limit
    ax.loglog(lr, measured, "o", color=COLOURS["bngd"], markersize=3, label="measured")
    ax.loglog(lr[small < top], small[small < top], "--", color=COLOURS["small"], label=r"$A\varepsilon$")
    ax.loglog(lr[large < top], large[large < top], "-.", color=COLOURS["large"], label=r"$C/\varepsilon$")
    ax.axhline(shape.stability_limit, color=COLOURS["theory"], linestyle=":", label=r"$2/\lambda^*_d$")
    ax.set_xlabel(r"step size $\varepsilon$")


def asymptote_errors(shapes: Mapping[str, Tent]) -> Figure:
    """Draw by how much the measured tents fall short of each asymptote, on a logarithmic scale."""
    fig, axes = figure(2, width=9.0, height=3.4, sharey=True)
    for marker, colour, (title, shape) in zip(MARKERS, SEQUENCE, shapes.items(), strict=False):
        for ax, column in zip(axes, ("to_small", "to_large"), strict=True):
            shortfall = (1 - shape.table[column]).clip(lower=np.finfo(float).eps)
            ax.loglog(shape.table["lr"], shortfall, marker, color=colour, markersize=3, label=title)
    axes[0].set_title(r"$1-\hat{\varepsilon}\,/\,(A\varepsilon)$")
    axes[1].set_title(r"$1-\hat{\varepsilon}\,/\,(C/\varepsilon)$")
    for ax in axes:
        ax.set_xlabel(r"step size $\varepsilon$")
    return lettered(fig, axes, legend=len(shapes))


def good_interval(shape: Tent, ends: pd.DataFrame, at_level: pd.DataFrame) -> Figure:
    """Draw Omega_f on a tent, and the measured ends of Omega_f against the predicted ones.

    Parameters
    ----------
    shape : Tent
    ends, at_level : DataFrame
        Of `bngd.studies.effective_step.study.good_interval_ends`: for many levels, and for the one that is drawn.
    """
    fig, axes = figure(2, width=9.2, height=3.6, width_ratios=(1.15, 1))
    _draw_tent(axes[0], shape)
    row = at_level.iloc[0]
    axes[0].axvspan(row["low"], row["high"], color=COLOURS["accent"], alpha=0.2, lw=0)
    axes[0].axhline(row["level"], color=COLOURS["accent"], linewidth=1.2)
    axes[0].set_ylabel(r"effective step at the limit $\hat{\varepsilon}$")
    axes[0].set_title(rf"$\Omega_f$ at $f={row['level']:.2g}$")
    for end, colour, marker, label in (("low", "small", "o", "f/A"), ("high", "large", "s", "C/f")):
        axes[1].loglog(ends["level"], ends[end], marker, color=COLOURS[colour], markersize=4, label=f"{end} end")
        axes[1].loglog(ends["level"], ends[f"predicted_{end}"], "--", color=COLOURS[colour], label=f"${label}$")
    axes[1].axvline(shape.stability_limit, color=COLOURS["theory"], linestyle=":")
    axes[1].set(xlabel="level $f$", ylabel=r"step size $\varepsilon$", title="its two ends")
    axes[1].legend(loc="center left")
    axes[0].legend(loc="lower center", ncols=2)
    return lettered(fig, axes)


def ensemble(runs: pd.DataFrame, overlap: float) -> Figure:
    """Draw the tents of many problems in their own units, and the heights of their plateaus against kappa.

    Parameters
    ----------
    runs : DataFrame
        Of `bngd.studies.effective_step.study.random_tents`.
    overlap : float
        Starts with |w_0'g| / (||w_0|| ||g||) below it get a marker of their own in the second panel; so do problems in
        two and three dimensions.
    """
    fig, axes = figure(2, width=8.2, height=3.7)
    for _, tent in runs.sort_values("scaled_lr").groupby("problem"):
        axes[0].loglog(tent["scaled_lr"], tent["relative_to_limit"], color=COLOURS["bngd"], linewidth=0.6, alpha=0.4)
    axes[0].axhline(1, color=COLOURS["theory"], linestyle=":")
    note(axes[0], r"$2/\lambda^*_d$", (0.02, 1), (0, 3), on="level", size=10)
    rise = np.array([runs["scaled_lr"].min(), 1.0])
    axes[0].loglog(rise, rise, "--", color=COLOURS["small"])
    note(axes[0], r"$A\varepsilon$", (rise[0] ** 0.5, rise[0] ** 0.5), (-8, 4), colour="small", size=10, ha="right")
    axes[0].set(xlabel=r"$A\varepsilon\,/\,(2/\lambda^*_d)$", ylabel=r"$\hat{\varepsilon}\,/\,(2/\lambda^*_d)$")
    axes[0].set_title(f"the tents of {runs['problem'].nunique()} problems")
    columns = ["dimension", "condition_number", "overlap", "relative_to_limit"]
    flat = runs[runs["on_plateau"]].groupby("problem")[columns].median()
    tiny = flat["dimension"] <= 3
    near = ~tiny & (flat["overlap"] < overlap)
    kinds = (
        (flat[~tiny & ~near], "o", "bngd", "all others"),
        (flat[near], "^", "accent", rf"$|\cos(w_0,g)|<{overlap:g}$"),
        (flat[tiny], "s", "large", r"$d\leq 3$"),
    )
    for part, marker, colour, label in kinds:
        style = {"color": COLOURS[colour], "fillstyle": "full" if colour == "bngd" else "none", "label": label}
        axes[1].semilogx(part["condition_number"], part["relative_to_limit"], marker, markersize=4.5, **style)
    axes[1].legend(loc="center right")
    axes[1].axhline(1, color=COLOURS["theory"], linestyle=":")
    axes[1].set(xlabel=r"condition number $\kappa$", ylabel=r"$\hat{\varepsilon}\,/\,(2/\lambda^*_d)$")
    axes[1].set(ylim=(0, 1.08), title="how high their plateaus lie")
    return lettered(fig, axes)


def frozen(run: Trajectory, residual_norm: np.ndarray, stability_limit: float) -> Figure:
    """Draw a run whose residual vanishes by rounding before its effective step has grown past 2/l*_d."""
    fig, axes = figure(2, width=9.0, height=3.2)
    steps = np.arange(run.a.size) + 1
    axes[0].loglog(steps, run.effective_step, color=COLOURS["bngd"])
    axes[0].axhline(stability_limit, color=COLOURS["theory"], linestyle=":")
    note(axes[0], r"$2/\lambda^*_d$", (0.02, stability_limit), (0, 3), on="level", colour=INK, size=10)
    axes[0].set_title(r"effective step $\hat{\varepsilon}_k$")
    axes[1].loglog(steps, np.maximum(residual_norm, 1e-18), color=COLOURS["bngd"])
    axes[1].set_title(r"residual $\|e_k\|_H$ (zero drawn at $10^{-18}$)")
    for ax in axes:
        ax.set_xlabel("step $k$, counted from 1")
    return lettered(fig, axes)
