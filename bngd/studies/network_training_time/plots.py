"""Figures of the notebook `network_training_time`: the ends of the workable range against the number of updates."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bngd.studies.shared.networks import palette, setting_handles
from bngd.studies.shared.style import COLOURS, figure, lettered, mark_level, note, shades


def least_squares(ranges: pd.DataFrame, limits: Mapping[str, float]) -> Figure:
    """Draw the ends of the ranges of least squares.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.studies.network_training_time.study.least_squares` gives it.
    limits : mapping of str to float
        Label -> a step size that theory says no run can work beyond.
    """
    fig, ax = figure(width=5.4, height=3.8)
    _fans(ax, ranges)
    for label, limit in limits.items():
        mark_level(ax, limit, label, left=0.7)
    ax.set(xlabel="steps", ylabel=r"step size $\varepsilon$")
    fig.legend(handles=_handles(ranges), loc="outside lower center", ncols=3)
    return fig


def networks(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the ends of the ranges of four networks, a panel each.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        Title -> ranges, as `bngd.studies.network_training_time.study.in_networks` gives them.
    """
    fig, axes = figure(2, 2, height=3.0, sharex=True, sharey=True)
    for ax, (title, ranges) in zip(axes.ravel(), panels.items(), strict=True):
        _fans(ax, ranges)
        ax.set_title(title, loc="left")
    for ax in axes[-1]:
        ax.set_xlabel("updates")
    for ax in axes[:, 0]:
        ax.set_ylabel(r"step size $\varepsilon$")
    fig.legend(handles=_handles(pd.concat(panels.values())), loc="outside lower center", ncols=4)
    return lettered(fig, axes)


def own_time(exact: pd.DataFrame, title: str, kept: pd.DataFrame) -> Figure:
    """Draw the best losses against the scale's own time: in least squares beside their bound, and in a network.

    Parameters
    ----------
    exact, kept : DataFrame
        As `bngd.studies.network_training_time.own_time.best_losses` gives them.
    title : str
        The network's name.
    """
    fig, axes = figure(2)
    for ax, best in zip(axes, (exact, kept), strict=True):
        for setting, colour in palette(kept["setting"]).items():
            # What lies below the picture would only widen it.
            for _, run in best[(best["setting"] == setting) & (best["loss"] > 1e-5)].groupby("seed"):
                ax.loglog(run["own_time"], run["loss"], ".-", color=colour, linewidth=0.7, markersize=4, alpha=0.6)
        ax.set_xlabel(r"own time of the scale, $\varepsilon_a k$")
    time = np.geomspace(exact["own_time"].min(), 10, 200)
    axes[0].plot(time, np.exp(-2 * time), "--", color=COLOURS["theory"], linewidth=1.0)
    axes[0].set(ylim=(1e-4, 1.5), ylabel=r"best loss over $\varepsilon$, relative")
    axes[1].yaxis.set_minor_formatter("{x:g}")
    axes[0].set_title("Least squares", loc="left")
    axes[1].set_title(title, loc="left")
    handles = [*_markers(kept), _dashed(r"$e^{-2 \varepsilon_a k}$")]
    fig.legend(handles=handles, loc="outside lower center", ncols=5)
    return lettered(fig, axes)


def frozen(runs: pd.DataFrame) -> Figure:
    """Draw the loss against the step size, a line for each scale that stood still, and the floors that they allow.

    Parameters
    ----------
    runs : DataFrame
        As `bngd.studies.network_training_time.frozen.losses` gives it.
    """
    fig, ax = figure(width=5.4, height=3.4)
    scales = runs.groupby("gamma")
    for (gamma, line), colour in zip(scales, shades(len(scales)), strict=True):
        ax.loglog(line["lr"], line["train_loss"], ".-", color=colour, label=rf"$\gamma = {gamma:g}$")
        ax.axhline(line["floor"].iloc[0], color=COLOURS["theory"], linestyle="--", linewidth=1.0)
    for set_formatter in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
        set_formatter("{x:g}")
    ax.set(xlabel=r"step size $\varepsilon$", ylabel="training loss at the end")
    handles = [*ax.get_legend_handles_labels()[0], _dashed("its floor")]
    fig.legend(handles=handles, loc="outside lower center", ncols=5)
    return fig


def balance(table: pd.DataFrame, surplus: float) -> Figure:
    """Draw the scale against the updates, under its bound, and the entropy of the softmax against its loss.

    Parameters
    ----------
    table : DataFrame
        As `bngd.studies.network_training_time.balance.balances` gives it.
    surplus : float
        By how much the entropy exceeds the loss at most.
    """
    fig, (left, right) = figure(2, height=3.4)
    for setting, colour in palette(table["setting"]).items():
        run = table[table["setting"] == setting]
        left.loglog(run["update"], run["scale"], color=colour)
        left.loglog(run["update"], run["bound"], "--", color=colour, linewidth=1.0)
        right.loglog(run["loss"], run["entropy"], color=colour)
    loss = np.geomspace(table["loss"].min() / 2, table["loss"].max() * 1.5, 200)
    right.loglog(loss, loss, "-", color=COLOURS["limit"], linewidth=1.0)
    right.loglog(loss, loss + surplus, "--", color=COLOURS["theory"], linewidth=1.0)
    note(right, "as sure as right", (loss[60], loss[60]), (6, -4), va="top")
    left.yaxis.set_major_formatter("{x:g}")
    left.set(xlabel="updates", ylabel=r"root mean square of $\gamma$")
    right.set(xlabel="loss", ylabel="entropy of the softmax", ylim=(loss[0], None))
    fig.legend(handles=[*_markers(table), _dashed("at most")], loc="outside lower center", ncols=5)
    return lettered(fig, (left, right))


def _fans(ax: Axes, ranges: pd.DataFrame) -> None:
    """Draw both ends of each repetition and the area between their means, and lines of slope one outside of all."""
    for setting, colour in palette(ranges["setting"]).items():
        ends = ranges[ranges["setting"] == setting]
        for _, run in ends.groupby("seed"):
            for end in ("absolute_low", "absolute_high"):
                ax.loglog(run["updates"], run[end], ".-", color=colour, linewidth=0.7, markersize=3, alpha=0.6)
        low, high = (np.exp(np.log(ends[f"absolute_{end}"]).groupby(ends["updates"]).mean()) for end in ("low", "high"))
        ax.fill_between(low.index, low, high, color=colour, alpha=0.12, linewidth=0)
    updates = np.array(sorted(set(ranges["updates"])), dtype=float)
    for end, power in (("low", -1), ("high", 1)):
        widest = ranges.loc[ranges["updates"] == updates[0], f"absolute_{end}"]
        start = widest.min() / 1.6 if end == "low" else widest.max() * 1.6
        ax.loglog(updates, start * (updates / updates[0]) ** power, "--", color=COLOURS["theory"], linewidth=1.0)
    ax.set_xticks(updates, [f"{n:.0f}" for n in updates])
    ax.minorticks_off()


def _markers(runs: pd.DataFrame) -> list[Line2D]:
    return setting_handles(palette(runs["setting"]), marker=".")


def _dashed(label: str) -> Line2D:
    return Line2D([], [], color=COLOURS["theory"], linestyle="--", linewidth=1.0, label=label)


def _handles(ranges: pd.DataFrame) -> list[Line2D]:
    return [*_markers(ranges), _dashed(r"slope $\pm 1$")]
