"""Figures of the notebook `network_effective_step`: sharpness along training, and each layer's last effective step."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bngd.studies.shared.style import COLOURS, figure, mark_level, panel_letters, shades


def self_tuning_paths(paths: pd.DataFrame, *, layer_names: Sequence[str]) -> Figure:
    """Draw eps times the sharpness along training, a panel a layer and a line a rate, with the theory's limit 2.

    Parameters
    ----------
    paths : DataFrame
        As `bngd.networks.self_tuning` gives it, several runs one below the other.
    layer_names : sequence of str
        Titles of the panels.
    """
    fig, axes = figure(len(layer_names), height=3.3, sharey=True, sharex=True)
    rates = sorted(paths["lr"].unique())
    colours = dict(zip(rates, shades(len(rates)), strict=True))
    for layer, (ax, title) in enumerate(zip(np.ravel(axes), layer_names, strict=True)):
        for lr, group in paths[paths["layer"] == layer].groupby("lr"):
            ax.semilogy(group["step"], group["product"], color=colours[lr], linewidth=1.2)
        mark_level(ax, 2.0, "2", colour=COLOURS["theory"], left=0.97)
        ax.set_title(title, loc="left")
        ax.set_xlabel("update")
    np.ravel(axes)[0].set_ylabel(r"$\varepsilon\, \lambda_{\max}$")
    panel_letters(axes)
    handles = [Line2D([], [], color=colours[lr], label=rf"$\varepsilon = 10^{{{np.log10(lr):.2g}}}$") for lr in rates]
    fig.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 7))
    return fig


def effective_steps(final: pd.DataFrame, *, layer_names: Sequence[str]) -> Figure:
    """Draw each layer's last effective step against the step size, beside the limit 2 / sharpness.

    Parameters
    ----------
    final : DataFrame
        The last rows of `bngd.networks.self_tuning` for each run and layer.
    layer_names : sequence of str
        Titles of the panels.
    """
    fig, axes = figure(len(layer_names), height=3.3, sharex=True)
    for layer, (ax, title) in enumerate(zip(np.ravel(axes), layer_names, strict=True)):
        rows = final[final["layer"] == layer].sort_values("lr")
        limit = 2 / rows["unit_sharpness"]
        ax.loglog(
            rows["lr"], limit, "s", color=COLOURS["theory"], markersize=4, label="2 / sharpness on the unit sphere"
        )
        ax.loglog(rows["lr"], rows["effective_step"], "o-", color=COLOURS["bngd"], markersize=4, label="effective step")
        ax.set_title(title, loc="left")
        ax.set_xlabel(r"step size $\varepsilon$")
    np.ravel(axes)[0].set_ylabel(r"$\varepsilon / \|W\|^2$ at the end")
    panel_letters(axes)
    fig.legend(*np.ravel(axes)[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig
