"""Figures on the robustness to the step size: loss against eps, and how wide the range is that works."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from bngd.studies.shared.scans import Scan, fixed_ranges
from bngd.studies.shared.style import BACKED, COLOURS, METHOD_LABELS, figure, lettered, mark_level, note
from bngd.theory import bngd_stability_limit, gd_stability_limit, good_interval

_LINESTYLES = ("-", "--", ":", "-.")
_OFF_THE_PLOT = 1e6
"""Where a diverged loss is drawn, NaN and infinity included: a line then leaves the plot instead of breaking off."""


def loss_against_lr(scans: Sequence[Scan], step: int, threshold: float) -> Figure:
    """Return the loss after some steps against eps, a panel for each problem, with the ranges that reach a threshold.

    Parameters
    ----------
    scans : sequence of Scan
    step : int
        Number of steps; noted by every scan.
    threshold : float
        In units of u'Hu/2.
    """
    fig, axes = figure(len(scans), height=4.0, sharey=True, squeeze=False)
    for ax, scan in zip(axes[0], scans, strict=True):
        _mark_predictions(ax, scan)
        mark_level(ax, threshold, "asked for")
        for method in METHOD_LABELS:
            _draw_losses(ax, scan, method, step)
        _draw_ranges(ax, fixed_ranges(scan, step, threshold))
        ax.set(xscale="log", yscale="log", xlim=scan.lr[[0, -1]], ylim=(1e-11, 30), xlabel=r"step size $\varepsilon$")
        ax.set_title(rf"$d = {scan.problem.dimension}$, $\kappa = {scan.problem.condition_number:g}$")
    axes[0, 0].set_ylabel(f"excess loss after {step} steps / " + r"$\frac{1}{2}\|u\|_H^2$")
    return lettered(fig, axes)


def _mark_predictions(ax: Axes, scan: Scan) -> None:
    ends = good_interval(scan.problem, scan.w0, bngd_stability_limit(scan.problem))
    low, high = np.median(ends.low), np.median(ends.high)
    limit = gd_stability_limit(scan.problem)
    ax.axvline(limit, color=COLOURS["theory"], linestyle="--", linewidth=1.2)
    note(ax, r"$2/\lambda_d$", (limit, 0.97), (-4, 0), on="lr", size=9, ha="right", va="top")
    if high > low:  # the asymptotes may meet below the stability limit: then there is no plateau
        ax.axvspan(low, high, color=COLOURS["bngd"], alpha=0.1, linewidth=0)
        words, place = "predicted\nplateau", (low, 0.31)
        note(ax, words, place, (5, 0), on="lr", colour="bngd", size=9, ha="left", va="top", bbox=BACKED)


def _draw_losses(ax: Axes, scan: Scan, method: str, step: int) -> None:
    losses = np.fmin(scan.loss(method, step), _OFF_THE_PLOT)
    ax.plot(scan.lr, losses, color=COLOURS[method], linewidth=0.6, alpha=0.45)
    ax.plot(scan.lr, np.median(losses, axis=1), color=COLOURS[method], linewidth=2.2)


def _draw_ranges(ax: Axes, ranges: pd.DataFrame) -> None:
    """Draw the median range of each method as a bar below the losses."""
    for (method, label), height in zip(METHOD_LABELS.items(), (0.19, 0.07), strict=True):
        low, high, decades = ranges.loc[ranges["method"] == method, ["low", "high", "decades"]].median()
        if np.isnan(decades):
            continue
        ax.plot(
            [low, high], [height, height], "-|", color=COLOURS[method], linewidth=3, markersize=9,
            transform=ax.get_xaxis_transform(),
        )  # fmt: skip
        text = f"{label}\n{decades:.1f} decades"
        note(ax, text, (low, height), (-6, 0), on="lr", colour=method, size=9, ha="right", va="center")


def widths_against_demands(
    tables: Sequence[Mapping[str, pd.DataFrame]], names: Sequence[str], *, threshold: float
) -> Figure:
    """Return the width of the workable range against what is asked for: a loss, a speed, a number of steps.

    Parameters
    ----------
    tables : sequence of mappings
        Of each problem: the tables ``threshold``, ``slowdown`` and ``steps`` of the study.
    names : sequence of str
        Of the problems; each has a line style.
    threshold : float
        The fixed threshold at which the number of steps was varied.
    """
    fig, axes = figure(3, height=3.2, sharey=True)
    for kind, ax in zip(("threshold", "slowdown", "steps"), axes, strict=True):
        for name, style, table in zip(names, _LINESTYLES, (of[kind] for of in tables), strict=False):
            for method, label in METHOD_LABELS.items():
                ax.plot(table.index, table[method], style, color=COLOURS[method], label=f"{label}, {_typeset(name)}")
        ax.set_xscale("log")
    axes[0].invert_xaxis()
    axes[0].set(xlabel="loss asked for", ylabel="width of the workable range [decades]", title="an absolute loss")
    axes[1].set(xlabel="times as slow as the best", title="a speed")
    axes[2].set(xlabel="steps granted", title=f"time for a loss of {threshold:g}", ylim=(0, None))
    _draw_slowdown(axes[1], tables[0]["slowdown"].index.to_numpy())
    _draw_slopes(axes[2], tables[0]["steps"])
    return lettered(fig, axes, legend=4)


def _draw_slowdown(ax: Axes, slowdowns: NDArray) -> None:
    """Draw the predicted width of GD's range, and the slowdowns as ticks that can be read."""
    ax.plot(slowdowns, np.log10(slowdowns), ":", color=COLOURS["theory"])
    middle = slowdowns[len(slowdowns) // 2]
    _label(ax, r"$\log_{10}$ of it", (middle, np.log10(middle)))
    ax.set_xticks(slowdowns, [f"{value:g}" for value in slowdowns])
    ax.xaxis.set_minor_locator(NullLocator())


def _draw_slopes(ax: Axes, widths: pd.DataFrame) -> None:
    """Draw the predicted growth: a decade of step sizes for each decade of steps under GD, two under BNGD."""
    steps = np.array([widths.index[-1] / 8, widths.index[-1]])
    for method, slope, offset in (("gd", 1, -0.4), ("bngd", 2, -0.9)):
        line = widths[method].iloc[-1] + slope * np.log10(steps / steps[-1]) + offset
        ax.plot(steps, line, ":", color=COLOURS["theory"])
        _label(ax, f"slope {slope}", (np.sqrt(steps.prod()), line.mean()))


def _label(ax: Axes, text: str, place: tuple[float, float]) -> None:
    """Write below and to the right of a point on a rising line."""
    note(ax, text, place, (4, -3), ha="left", va="top")


def widths_by_problem(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Return a dot plot of the widths: a row for each problem, a small dot for each start, a large one for the median.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        By title: rows with problem, method, decades.
    """
    fig, axes = figure(len(panels), height=3.6, sharex=True, sharey=True, squeeze=False)
    for ax, (title, table) in zip(axes[0], panels.items(), strict=True):
        names = list(dict.fromkeys(table["problem"]))[::-1]
        for row, name in enumerate(names):
            _draw_dumbbell(ax, row, table[table["problem"] == name])
        ax.set(title=title, xlabel="width of the workable range [decades]", yticks=range(len(names)))
        ax.set_yticklabels([_typeset(name) for name in names])
        ax.set_xlim(left=0)
        ax.grid(axis="y", visible=False)
    return lettered(fig, axes, legend=2)


def _draw_dumbbell(ax: Axes, row: int, table: pd.DataFrame) -> None:
    medians = table.groupby("method")["decades"].median()
    ax.plot(medians[["gd", "bngd"]], [row, row], color=COLOURS["limit"], linewidth=1.0, zorder=1)
    for method, label in METHOD_LABELS.items():
        widths = table.loc[table["method"] == method, "decades"]
        ax.plot(widths, np.full(len(widths), row), "o", color=COLOURS[method], markersize=3, alpha=0.5, zorder=2)
        ax.plot(
            medians[method], row, "o" if method == "gd" else "s", color=COLOURS[method], markersize=8, zorder=3,
            label=label if row == 0 else None,
        )  # fmt: skip


def upper_ends(table: pd.DataFrame) -> Figure:
    """Return by how much the ranges end beyond, or before, where they should: a row a problem, a mark a start.

    Parameters
    ----------
    table : DataFrame
        problem, dimension, method, and in units of 2/l_d: high, predicted.
    """
    fig, ax = figure(width=6.6, height=3.6)
    ordered = table.sort_values("dimension", kind="stable")
    labels = ordered["problem"].map(_typeset) + ordered["dimension"].map(",  $d = {}$".format)
    names = list(dict.fromkeys(labels))[::-1]
    for (method, label), marker, lift in zip(METHOD_LABELS.items(), "sd", (0.17, -0.17), strict=True):
        chosen = ordered["method"] == method
        ratio, row = (ordered["high"] / ordered["predicted"])[chosen], labels[chosen].map(names.index) + lift
        ax.plot(ratio, row, marker, color=COLOURS[method], alpha=0.6, markersize=4.5, label=label)
    ax.axvline(1, color=COLOURS["theory"], linestyle="--", linewidth=1.2, zorder=0)
    ax.set(xscale="log", xlabel="upper end of the range, measured / predicted", yticks=range(len(names)))
    ax.set_yticklabels(names)
    ax.grid(axis="y", visible=False)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def _typeset(name: str) -> str:
    return name.replace("kappa", r"$\kappa$")
