"""Figures of the equivalences notebook: runs before and after mapping back, and how far rounding drives them apart."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.arrays import Array
from bngd.studies.shared.style import COLOURS, figure, lettered, note

_LAW_STYLES = {
    "original": ("theory", "-", "o"),
    "rotation": ("bngd", "-", "s"),
    "weights": ("small", "--", "^"),
    "sign": ("gd", "-.", "v"),
    "inputs": ("accent", ":", "D"),
    "labels": ("large", "--", "P"),
}
"""Colour, line style and marker of the original run and of each law."""


_SHOWN_LAWS = ("original", "weights", "labels")


def collapse(runs: pd.DataFrame) -> Figure:
    """Draw the original run and those of two laws in the plane (||w||, a), as they ran and mapped back.

    Parameters
    ----------
    runs : pandas.DataFrame
        Table of `bngd.studies.equivalences.study.compare`.
    """
    fig, axes = figure(2, width=7.4, height=3.5)
    for ax, suffix, title in zip(axes, ("", "_back"), ("as they ran", "mapped back"), strict=True):
        # Each run is thinner than the one below it and has its markers elsewhere: a collapse shows all three.
        for number, law in enumerate(_SHOWN_LAWS):
            group, (colour, style, marker) = runs[runs["law"] == law], _LAW_STYLES[law]
            ax.plot(
                group[f"norm_w{suffix}"], group[f"a{suffix}"], style, color=COLOURS[colour],
                linewidth=6.0 - 2 * number, marker=marker, markersize=6, markevery=(3 * number, 9), label=law,
            )  # fmt: skip
        ax.set(title=title, xlabel=r"$\|w_k\|$")
    axes[0].set_ylabel("$a_k$")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, handlelength=2.4)
    return lettered(fig, axes)


class Panel(NamedTuple):
    """One step size of `differences`.

    Attributes
    ----------
    title : str
    runs : pandas.DataFrame
        Table of `bngd.studies.equivalences.study.compare`.
    predicted : ndarray, shape (steps + 1,)
        From `bngd.studies.equivalences.study.predicted_rounding`.
    step_ratio : ndarray, shape (steps + 1,)
        The original's effective step relative to 2/l*_d.
    """

    title: str
    runs: pd.DataFrame
    predicted: Array
    step_ratio: Array


def differences(panels: Sequence[Panel]) -> Figure:
    """Draw the difference from the original run against the step, over the effective step; a column a step size."""
    grid = {"sharex": True, "sharey": "row", "squeeze": False, "height_ratios": [2, 1]}
    fig, axes = figure(len(panels), 2, width=3.7 * len(panels), height=2.6, **grid)
    for (upper, lower), panel in zip(axes.T, panels, strict=True):
        _draw_differences(upper, panel)
        lower.semilogy(np.maximum(panel.step_ratio, 1e-3), color=COLOURS["bngd"])
        lower.axhline(1.0, color=COLOURS["limit"], linestyle=":", linewidth=1.2)
        note(lower, "unstable above the dotted line", (0.98, 0.06), (0, 0), on="axes", colour="limit", ha="right")
        upper.set(title=panel.title)
        lower.set(xlabel="step $k$")
    axes[0, 0].set(ylabel="relative difference")
    axes[1, 0].set(ylabel=r"$\hat\varepsilon \,/\, (2/\lambda^*_d)$")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6, handlelength=2.2)
    return lettered(fig, axes)


def _draw_differences(ax: Axes, panel: Panel) -> None:
    ax.semilogy(panel.predicted, "-", color=COLOURS["theory"], linewidth=1.0, label="predicted")
    for law, group in panel.runs[panel.runs["law"] != "original"].groupby("law", sort=False):
        colour, style, _ = _LAW_STYLES[str(law)]
        shown = group["difference"].where(group["difference"] > 0)
        label = str(law) if shown.notna().any() else f"{law} (exactly 0)"
        ax.semilogy(group["step"], shown, style, color=COLOURS[colour], linewidth=1.2, label=label)


def gd_runs(runs: pd.DataFrame) -> Figure:
    """Draw gradient descent's loss against the step, a line a law; labelled at the end.

    Parameters
    ----------
    runs : pandas.DataFrame
        Table of `bngd.studies.equivalences.study.compare_gd`; "inputs, rescaled" may be among the laws.
    """
    fig, ax = figure(width=7.2, height=3.7)
    for number, (law, group) in enumerate(runs.groupby("law", sort=False)):
        colour, style, marker = _LAW_STYLES.get(str(law), ("light", "--", "x"))
        shown = group["loss"].where(group["loss"] < 1e12)
        every = max(1, len(group) // 12)
        marks = {"marker": marker, "markersize": 5, "markevery": (number * every // 7, every)}
        ax.semilogy(group["step"], shown, style, color=COLOURS[colour], label=str(law), **marks)
    ax.set(xlabel="step $k$", ylabel=r"loss / $\frac{1}{2}u^\top Hu$", xlim=(0, runs["step"].max()))
    ax.set_ylim(top=min(1e6, 3 * float(runs["loss"].max())))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside right center", handlelength=2.6)
    return fig
