"""Figures of the convergence rate: measured factors, levels, loss against step, the best factors of both methods."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bngd.studies.convergence_rate import attained
from bngd.studies.shared.rates import steps_per_decade
from bngd.studies.shared.style import COLOURS, FAMILY_STYLES, INK, METHOD_LABELS, figure, lettered, note, shades


def measured_against_predicted(factors: pd.DataFrame) -> Figure:
    """Draw the measured factor of the error against the predicted one, and how far apart the two are.

    Parameters
    ----------
    factors : pandas.DataFrame
        Columns method, slowest, predicted, measured: the runs to show.
    """
    fig, (left, right) = figure(2, height=3.6)
    by_a = factors["slowest"] == "a"
    kinds = [
        ("gd", factors["method"] == "gd", "GD", "o"),
        ("bngd", (factors["method"] == "bngd") & ~by_a, r"BNGD, $\rho^*$ decides", "s"),
        ("accent", by_a, r"BNGD, $|1-\varepsilon_a|$ decides", "^"),
    ]
    for colour, chosen, label, marker in kinds:
        runs = factors[chosen]
        style: dict[str, Any] = {
            "s": 9,
            "marker": marker,
            "color": COLOURS[colour],
            "alpha": 0.6,
            "linewidths": 0,
            "label": label,
        }
        left.scatter(runs["predicted"], runs["measured"], **style)
        right.scatter(runs["predicted"], np.abs(runs["measured"] - runs["predicted"]).clip(1e-10), **style)
    left.axline((0.5, 0.5), slope=1, color=COLOURS["theory"], linestyle="--", linewidth=1, zorder=0)
    left.set(title="the factor of the error", xlabel="predicted", ylabel="measured")
    left.legend(loc="upper left", handletextpad=0.1, markerscale=1.8)
    right.set(title="how far apart", xlabel="predicted", ylabel="|measured \N{MINUS SIGN} predicted|", yscale="log")
    residual = np.abs(factors["measured"] - factors["predicted"])
    for q, name in ((0.5, "median"), (0.95, "95 %")):
        _mark_at_right(right, float(residual.quantile(q)), name)
    return lettered(fig, (left, right))


def _mark_at_right(ax: Axes, value: float, label: str) -> None:
    ax.axhline(value, color=COLOURS["theory"], linestyle=":", linewidth=1.2)
    note(ax, label, (1, value), (4, 0), on="level", colour=INK, va="center")


def levels_against_step(levels: pd.DataFrame) -> Figure:
    """Draw the residual in units of the predicted decay against the step, a line for each run.

    A dot marks from where on doubles see no more of the run.

    Parameters
    ----------
    levels : pandas.DataFrame
        Columns run, step, log_residual, log_level.
    """
    fig, ax = figure(width=6.4, height=3.6)
    seen = attained.seen_by_doubles(levels)
    for (name, run), colour in zip(levels.groupby("run"), shades(len(seen)), strict=True):
        ax.plot(run["step"], 10 ** run["log_level"], color=colour, linewidth=1.2)
        ax.plot(seen.loc[name, "step"], 10 ** seen.loc[name, "log_level"], "o", color=colour)
    ax.set(xscale="log", yscale="log", xlabel="step $k$", xlim=(1, levels["step"].max()))
    ax.set_ylabel(r"$\Vert e_k\Vert_H\,/\,(\Vert u\Vert_H\,\rho^{*k})$")
    return fig


def loss_against_step(runs: dict[str, pd.DataFrame]) -> Figure:
    """Draw the loss against the step, each method at its own best step size, a panel for each problem.

    Parameters
    ----------
    runs : dict of str to pandas.DataFrame
        From a panel's title to the columns method, step, relative_loss, predicted.
    """
    fig, axes = figure(len(runs), height=3.4, sharey=True)
    for ax, (title, table) in zip(np.ravel(axes), runs.items(), strict=True):
        for method in ("gd", "bngd"):
            _run_with_slope(ax, table[table["method"] == method], method)
        ax.set(title=title, xlabel="step $k$", yscale="log", ylim=(1e-16, 3), xlim=(0, table["step"].max()))
    np.ravel(axes)[0].set_ylabel("excess loss / excess loss at the start")
    handles, labels = np.ravel(axes)[0].get_legend_handles_labels()
    fig.legend(handles[:3], labels[:3], loc="outside lower center", ncols=3)
    return lettered(fig, axes)


def _run_with_slope(ax: Axes, run: pd.DataFrame, method: str) -> None:
    above = run[run["relative_loss"] > 1e-24]
    middle = above.iloc[len(above) // 2]  # the slope has no constant: it is drawn through the middle of the run
    slope = run["predicted"] * (middle["relative_loss"] / middle["predicted"])
    ax.plot(run["step"], run["relative_loss"], color=COLOURS[method], label=METHOD_LABELS[method])
    label = "predicted slopes" if method == "bngd" else "_"
    ax.plot(run["step"], slope, color=COLOURS["theory"], linestyle="--", linewidth=1, label=label)


def best_factors(ensemble: pd.DataFrame, data: pd.DataFrame) -> Figure:
    """Draw both methods' steps per decade of the loss at their best step sizes: random problems, and real data.

    Parameters
    ----------
    ensemble : pandas.DataFrame
        Columns family, gd and bngd: the best factors.
    data : pandas.DataFrame
        Columns dataset, gd_predicted, gd_measured, bngd_predicted, bngd_measured.
    """
    fig, (left, right) = figure(2, height=3.9, width=7.8)
    for family, (colour, _, marker) in FAMILY_STYLES.items():
        rows = ensemble[ensemble["family"] == family]
        style: dict[str, Any] = {"color": COLOURS[colour], "marker": marker, "s": 14, "alpha": 0.6, "linewidths": 0}
        left.scatter(steps_per_decade(rows["gd"]), steps_per_decade(rows["bngd"]), label=family, **style)
    left.axline((1, 1), (10, 10), color=COLOURS["theory"], linestyle="--", linewidth=1, zorder=0)
    left.set(title="random problems", xscale="log", yscale="log", aspect="equal", xlabel="GD: steps per decade")
    left.set_ylabel("BNGD: steps per decade")
    left.legend(loc="upper left", handletextpad=0.1, markerscale=1.5, fontsize=8)
    _dumbbells(right, data)
    return lettered(fig, (left, right))


def _dumbbells(ax: Axes, data: pd.DataFrame) -> None:
    rows = np.arange(len(data))[::-1]
    for method in ("gd", "bngd"):
        predicted, measured = (steps_per_decade(data[f"{method}_{kind}"]) for kind in ("predicted", "measured"))
        ring: dict[str, Any] = {"s": 90, "facecolors": "none", "edgecolors": COLOURS[method], "linewidths": 1.4}
        ax.scatter(predicted, rows, **ring, label=f"{METHOD_LABELS[method]}, predicted")
        ax.scatter(measured, rows, s=18, color=COLOURS[method], label=f"{METHOD_LABELS[method]}, measured")
    ax.set_yticks(rows, data["dataset"])
    ax.set(title="real data", xscale="log", xlabel="steps per decade", ylim=(-0.6, len(data) + 0.5))
    ax.xaxis.set_minor_formatter(NullFormatter())  # over less than two decades they would run into each other
    ax.legend(loc="upper center", ncols=2, fontsize=8, columnspacing=1.0, handletextpad=0.2)
