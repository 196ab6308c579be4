"""Figures on the robustness to the dimension: the good interval and the workable range as d grows."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.studies.shared.style import COLOURS, METHOD_LABELS, figure, lettered, mark_level, note, shades


def ranges_against_dimension(widths: pd.DataFrame, *, limit: float) -> Figure:
    """Return the range of step sizes that work against d, a bar for each method and dimension (medians).

    Parameters
    ----------
    widths : DataFrame
        dimension, method, decades, high: a row per method and start.
    limit : float
        GD's limit 2/l_d, the same for all dimensions.
    """
    fig, ax = figure(width=6.8, height=3.8)
    ends = widths.assign(low=widths["high"] / 10 ** widths["decades"])
    for (method, label), shift in zip(METHOD_LABELS.items(), (0.93, 1.07), strict=True):
        median = ends[ends["method"] == method].groupby("dimension")[["low", "high", "decades"]].median()
        at = median.index.to_numpy() * shift
        bars = np.column_stack([median["low"], median["high"], np.full(len(at), np.nan)]).ravel()
        ax.plot(np.repeat(at, 3), bars, color=COLOURS[method], linewidth=5, solid_capstyle="butt", label=label)
        if method == "bngd":
            for d, place in ((median.index[0], at[0]), (median.index[-1], at[-1])):
                text = f"{median.loc[d, 'decades']:.1f} decades"
                note(ax, text, (place, median.loc[d, "high"]), (0, 4), colour=method, ha="center")
    ax.axhline(limit, color=COLOURS["theory"], linestyle="--", linewidth=1.2)
    note(ax, r"$2/\lambda_d$", (1, limit), (4, 0), on="level", size=10, va="center")
    ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel=r"step sizes $\varepsilon$ that work")
    ax.margins(x=0.09, y=0.12)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def predicted_ratio(summary: pd.DataFrame, *, level: float) -> Figure:
    """Return the predicted width of the good interval against d, and what is left of it after taking d out.

    Parameters
    ----------
    summary : DataFrame
        Indexed by dimension: mean, standard_error and deviation of log10(AC), and its limit.
    level : float
        f of the good interval, in units of eps.
    """
    fig, (left, right) = figure(2, height=3.4)
    d, shift = summary.index.to_numpy(), -2 * np.log10(level)
    mean, spread = summary["mean"] + shift, summary["deviation"]
    left.fill_between(d, mean - spread, mean + spread, color=COLOURS["bngd"], alpha=0.15, linewidth=0)
    left.plot(d, mean, "o-", color=COLOURS["bngd"], markersize=4)
    left.plot(d, summary["limit"] + shift, "--", color=COLOURS["theory"], linewidth=1.3)
    left.set(title="predicted width", ylabel=r"$\log_{10} m$  [decades]")
    constant = summary["mean"] - np.log10(d)
    look = {"color": COLOURS["bngd"], "markersize": 4, "capsize": 2, "elinewidth": 1}
    right.errorbar(d, constant, 2 * summary["standard_error"], fmt="o-", **look)
    right.plot(d, summary["limit"] - np.log10(d), "--", color=COLOURS["theory"], linewidth=1.3)
    right.set(title="the same without $d$", ylabel=r"mean of $\log_{10}(AC) - \log_{10} d$")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="dimension $d$")
    third = d[min(2, len(d) - 1)]
    note(left, "limit of many dimensions", (third, summary.loc[third, "limit"] + shift), (6, -6), va="top")
    return lettered(fig, (left, right))


def measured_widths(widths: pd.DataFrame, *, asymptotic_from: int) -> Figure:
    """Return the measured widths against d for both methods, and BNGD's against the prediction for the same start.

    Parameters
    ----------
    widths : DataFrame
        dimension, method, predicted, decades, good: a row per method and start.
    asymptotic_from : int
        Dimensions from here on are drawn filled.
    """
    fig, (left, right) = figure(2, height=3.8, width_ratios=[1.1, 1.0])
    for method, label in METHOD_LABELS.items():
        _draw_spread(left, widths[widths["method"] == method], "decades", COLOURS[method], f"{label}, loss")
    bngd = widths[widths["method"] == "bngd"]
    medians = bngd.groupby("dimension")[["predicted", "good"]].median()
    left.plot(medians.index, medians["good"], "s-", color=COLOURS["large"], markersize=4, label="BNGD, good interval")
    left.plot(medians.index, medians["predicted"], "--", color=COLOURS["theory"], linewidth=1.2, label=r"$\log_{10} m$")
    left.set(xscale="log", xlabel="dimension $d$", ylabel="width [decades]", title="measured width", ylim=(0, None))
    _draw_paired(right, bngd, asymptotic_from)
    return lettered(fig, (left, right), legend=4)


def _draw_spread(ax: Axes, widths: pd.DataFrame, column: str, colour: str, label: str) -> None:
    ax.plot(widths["dimension"], widths[column], "o", color=colour, markersize=2.5, alpha=0.45)
    medians = widths.groupby("dimension")[column].median()
    ax.plot(medians.index, medians, "o-", color=colour, markersize=5, label=label)


def _draw_paired(ax: Axes, widths: pd.DataFrame, asymptotic_from: int) -> None:
    few = widths["dimension"] < asymptotic_from
    for column, colour, marker in (("decades", "bngd", "o"), ("good", "large", "s")):
        style: dict[str, Any] = {"linestyle": "none", "color": COLOURS[colour], "markersize": 4, "alpha": 0.8}
        filled, open_, broken = widths[widths["whole"] & ~few], widths[widths["whole"] & few], widths[~widths["whole"]]
        ax.plot(filled["predicted"], filled[column], marker=marker, **style)
        ax.plot(open_["predicted"], open_[column], marker=marker, fillstyle="none", **style)
        ax.plot(broken["predicted"], broken[column], marker="x", **style)
    span = np.array([widths["predicted"].min(), widths["predicted"].max()])
    ax.plot(span, span, "--", color=COLOURS["theory"], linewidth=1.2)
    ax.set(xlabel=r"predicted for the same start, $\log_{10} m$", ylabel="measured [decades]", title="start by start")


def notches(curves: pd.DataFrame, floors: pd.DataFrame) -> Figure:
    """Return the effective step against eps for several overlaps, and the floor of its notch against the overlap.

    Parameters
    ----------
    curves : DataFrame
        overlap, lr, effective_step of one problem; in units of 2/l_d.
    floors : DataFrame
        dimension, overlap, floor (in the same units) of several problems.
    """
    fig, (left, right) = figure(2, height=3.5, width_ratios=[1.3, 1.0])
    overlaps = sorted(curves["overlap"].unique(), reverse=True)
    for overlap, colour in zip(overlaps, shades(len(overlaps)), strict=True):
        one = curves[curves["overlap"] == overlap]
        left.plot(one["lr"], one["effective_step"], color=colour, label=rf"$10^{{{np.log10(overlap):.0f}}}$")
    mark_level(left, 1.0, "")
    left.set(
        xscale="log", yscale="log", ylim=(1e-5, 5), title="effective step",
        xlabel=r"step size $\varepsilon$, in units of $2/\lambda_d$",
        ylabel=r"effective step $\hat\varepsilon$, same units",
    )  # fmt: skip
    left.legend(title="overlap", loc="lower left", fontsize=8)
    for marker, (dimension, one) in zip("os^Dv", floors.groupby("dimension"), strict=False):
        right.plot(
            one["overlap"], one["floor"], marker, color=COLOURS["bngd"], fillstyle="none", label=f"$d = {dimension}$"
        )
    least = floors.loc[floors["overlap"].idxmin()]
    line = np.array([1.0, 100.0])
    right.plot(least["overlap"] * line, 2.5 * least["floor"] * line, "--", color=COLOURS["theory"], linewidth=1.2)
    note(right, "slope 1", (10 * least["overlap"], 25 * least["floor"]), (-5, 0), size=10, ha="right")
    right.set(
        xscale="log", yscale="log", title="floor of the notch", xlabel=r"overlap $|w_0^\top g| / \|g\|$",
        ylabel=r"least $\hat\varepsilon$ on the plateau, same units",
    )  # fmt: skip
    right.legend(loc="lower right")
    return lettered(fig, (left, right))


def overlap(table: pd.DataFrame, *, errors: float) -> Figure:
    """Return the measured mean of (w_0'g)^2 over the predicted one, against d.

    Parameters
    ----------
    table : DataFrame
        Indexed by dimension: predicted, measured, standard_error.
    errors : float
        Length of the bars, in standard errors.
    """
    fig, ax = figure(width=4.8, height=3.0)
    ax.errorbar(
        table.index, table["measured"] / table["predicted"], errors * table["standard_error"] / table["predicted"],
        fmt="o", color=COLOURS["bngd"], capsize=3, elinewidth=1.2,
    )  # fmt: skip
    ax.axhline(1.0, color=COLOURS["theory"], linestyle="--", linewidth=1.2)
    ax.set(xscale="log", xlabel="dimension $d$", ylabel=r"mean of $(w_0^\top g)^2$ / $(\|w_0\|^2\|g\|^2/d)$")
    return fig
