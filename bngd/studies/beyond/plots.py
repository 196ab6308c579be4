"""Figures of the notebook `beyond`: how far runs stay from the bounds that are proved."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bngd.studies.beyond import at_two
from bngd.studies.beyond.study import CAUSES
from bngd.studies.shared.style import COLOURS, MARKERS, figure, lettered, mark_level, note, shades

_DOTS: dict[str, Any] = {"markersize": 1.6, "rasterized": True}
"""How many runs are drawn."""


def harsh(runs: pd.DataFrame) -> Figure:
    """Draw, of `study.harsh_runs`, ||w||^2 over its bound against eps, and the highest effective steps."""
    fig, axes = figure(2, width=9.2, height=3.5)
    for cause, colour, marker in zip(CAUSES, ("accent", "bngd", "large", "small"), MARKERS, strict=False):
        part = runs[runs["cause"] == cause]
        axes[0].loglog(part["lr"], part["norm_ratio"], marker, color=COLOURS[colour], alpha=0.5, label=cause, **_DOTS)
    mark_level(axes[0], 1.0, "proved", left=0.4)
    axes[0].set(ylim=(1e-8, 20), xlabel=r"step size $\varepsilon$", title=r"$\|w\|^2$ over its bound")
    axes[0].legend(loc="lower right", markerscale=4, title="slowest:", frameon=True, framealpha=0.85)
    high = runs.loc[runs["relative_step"] > 0.5]
    settled = high["unsettled"] < 1e-6
    bins = np.linspace(0.5, 2.0, 76)
    shown = [high.loc[settled, "relative_step"], high.loc[~settled, "relative_step"]]
    axes[1].hist(shown, bins, stacked=True, color=[COLOURS["bngd"], COLOURS["accent"]], label=["at rest", "growing"])
    axes[1].axvline(1, color=COLOURS["theory"], linestyle=":")
    axes[1].set_yscale("symlog", linthresh=1)
    axes[1].set(xlabel=r"$\hat{\varepsilon}\,/\,(2/\lambda^*_d)$ at the end", title="runs whose effective step is high")
    axes[1].legend(title=r"$\|w\|$ in the second half:")
    return lettered(fig, axes)


def escapes(times: pd.DataFrame, slopes: pd.DataFrame) -> Figure:
    """Draw the steps away from a saddle against the distance, and their slopes against eps_a."""
    fig, axes = figure(2, width=9.0, height=3.4)
    groups = list(times.groupby("lr_a"))
    for (lr_a, part), colour, marker in zip(groups, shades(len(groups)), MARKERS, strict=False):
        label = rf"$\varepsilon_a={lr_a:g}$"
        axes[0].semilogx(part["distance"], part["steps"], marker + "-", color=colour, markersize=3.5, label=label)
    axes[0].set(xlabel="distance from the saddle", title="steps until $|a|$ has grown")
    axes[0].legend()
    axes[1].plot(slopes["lr_a"], slopes["predicted"], "--", color=COLOURS["theory"], label=r"$-1/\ln r_+$")
    axes[1].plot(slopes["lr_a"], slopes["slope"], "o", color=COLOURS["bngd"], label="measured")
    axes[1].set(xlabel=r"$\varepsilon_a$", title="slope of the steps against ln(distance)")
    axes[1].legend()
    return lettered(fig, axes)


def two_sides(one: pd.DataFrame, many: pd.DataFrame) -> Figure:
    """Draw a measured tent between its bounds, and the slack of both bounds over many problems (`study.tents`)."""
    fig, axes = figure(2, width=9.2, height=3.6)
    axes[0].fill_between(one["lr"], one["lower"], one["upper"], color=COLOURS["light"], alpha=0.35, lw=0)
    axes[0].loglog(one["lr"], one["upper"], "--", color=COLOURS["theory"], label="$1/T$, from above")
    axes[0].loglog(one["lr"], one["lower"], "-.", color=COLOURS["large"], label="from below")
    axes[0].loglog(one["lr"], one["effective_step"], "o", color=COLOURS["bngd"], markersize=3, label="measured")
    axes[0].set(xlabel=r"step size $\varepsilon$", title=r"effective step $\hat{\varepsilon}$ at the limit")
    axes[0].legend(loc="lower center")
    for column, colour, sign in (("upper", "theory", 1), ("lower", "large", -1)):
        ratio = (many["effective_step"] / many[column]) ** sign
        label = r"$\hat{\varepsilon}$ over its upper bound" if sign == 1 else "its lower bound over it"
        axes[1].loglog(many["height"], ratio, "o", color=COLOURS[colour], alpha=0.4, label=label, **_DOTS)
    axes[1].axvline(1, color=COLOURS["limit"], linestyle=":")
    axes[1].axhline(1, color=COLOURS["limit"], linestyle=":")
    axes[1].set(xlabel=r"$\|u\|^2\,T(\varepsilon)/C_1$", title="how much of each bound is used")
    axes[1].legend(loc="lower right", markerscale=4)
    return lettered(fig, axes)


def budget(spent: pd.DataFrame) -> Figure:
    """Draw the sum of squared gradients against its bound, and the steps counted against theirs."""
    fig, axes = figure(2, width=9.0, height=3.4)
    one = spent.drop_duplicates(["problem", "lr"])
    axes[0].loglog(one["scaled_lr"], 1 - one["spent"] / one["budget"], "o", color=COLOURS["bngd"], markersize=3)
    axes[0].set(xlabel=r"$\varepsilon\,/\,(2/\lambda^*_d)$", title=r"unused part of the bound on $\sum g_k^2$")
    for (delta, part), colour, marker in zip(spent.groupby("delta"), ("bngd", "accent"), MARKERS, strict=False):
        label = rf"$\delta={delta:g}\,\max g$"
        axes[1].loglog(part["bound"], part["count"], marker, color=COLOURS[colour], markersize=3, label=label)
    ends = np.array([spent["count"].min(), spent["bound"].max()])
    axes[1].loglog(ends, ends, "--", color=COLOURS["theory"])
    axes[1].set(xlabel="bound", title=r"steps with $g_k\geq\delta$")
    axes[1].legend(loc="upper left")
    return lettered(fig, axes)


def around_two(lag: np.ndarray, lr_a: np.ndarray, cycles: pd.DataFrame) -> Figure:
    """Draw the lag of the scale along runs with eps_a around 2, and D at 2 against a_0."""
    fig, axes = figure(2, width=9.2, height=3.6)
    steps = np.arange(lag.shape[0]) + 1
    for run, value, colour in zip(lag.T, lr_a, shades(lr_a.size), strict=True):
        axes[0].loglog(steps, np.maximum(run, 1e-17), color=colour, label=rf"$\varepsilon_a={value:g}$")
    axes[0].set(ylim=(1e-17, 1e12), xlabel="step $k$, counted from 1", title=r"lag $|a_k-p_k|\,/\,\|u\|_H$")
    axes[0].legend(loc="lower left", ncols=2)
    size = np.abs(cycles["first_a"])
    axes[1].loglog(size, cycles["half_swing"], "o", color=COLOURS["bngd"], markersize=2.5, alpha=0.6)
    ends = np.array([size.min(), size.max()])
    axes[1].loglog(ends, ends, "--", color=COLOURS["theory"])
    note(axes[1], "$D=|a_0|$", (ends[0], ends[0]), (14, -2))
    axes[1].set(xlabel=r"$|a_0|\,/\,\|u\|_H$", title=r"$D\,/\,\|u\|_H$ at $\varepsilon_a=2$")
    return lettered(fig, axes)


def leaving(swings: pd.DataFrame, ends: pd.DataFrame, hill: pd.DataFrame, top: pd.Series, shown: int) -> Figure:
    """Draw the swing of the scale in the first `shown` of `at_two.swings`, and where all end on `at_two.around`.

    The law of those that run away is drawn for the direction `top`, a row of `hill`.
    """
    fig, axes = figure(2, width=9.2, height=3.6)
    kinds = {at_two.CYCLE: ("bngd", "o"), at_two.AWAY: ("gd", "^"), at_two.ON_THE_WAY: ("limit", "x")}
    for number, run in swings[swings["run"] < shown].groupby("run"):
        colour, _ = kinds[ends.loc[number, "end"]]
        axes[0].loglog(run["step"], run["swing"], color=COLOURS[colour], lw=1.0, alpha=0.8)
    steps = np.unique(swings["step"])
    law = np.sqrt(4 * top["pull"] * steps)
    axes[0].loglog(steps, law, "--", color=COLOURS["theory"])
    note(axes[0], r"$\sqrt{4\varphi_*k}$", (steps[-18], law[-18]), (6, -14))
    axes[0].set(xlabel="step $k$", title=r"swing $|a_k-p_k|\,/\,\|u\|_H$")
    axes[1].plot(hill["angle"] / np.pi, hill["height"], color=COLOURS["theory"], lw=1.2)
    for end, part in ends.groupby("end", sort=False):
        colour, marker = kinds[end]
        style = {"color": COLOURS[colour], "markersize": 6, "alpha": 0.5, "label": end}
        axes[1].plot(part["angle"] / np.pi, part["height"], marker, **style)
    axes[1].set(xlabel=r"direction of $w$: angle from the first axis over $\pi$", title=r"height $V\,/\,\|u\|_H^2$")
    axes[1].legend(title="at the end:")
    return lettered(fig, axes)
