"""Figures of the notebook `network_effective_step`: sharpness along training, the last effective steps, who tunes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bngd.studies.shared.style import COLOURS, DASHES, SEQUENCE, figure, lettered, mark_level


def self_tuning_paths(paths: pd.DataFrame, *, layer_names: Sequence[str]) -> Figure:
    """Draw eps times the sharpness along training, a panel a layer and a line a rate, with the theory's limit 2.

    Parameters
    ----------
    paths : DataFrame
        As `bngd.networks.self_tuning` gives it, several runs one below the other: of five rates at most.
    layer_names : sequence of str
        Titles of the panels.
    """
    fig, axes = figure(len(layer_names), height=3.3, sharey=True, sharex=True)
    rates = sorted(paths["lr"].unique())
    looks = dict(zip(rates, zip(SEQUENCE, DASHES, strict=True), strict=False))
    for layer, (ax, title) in enumerate(zip(np.ravel(axes), layer_names, strict=True)):
        for lr, (colour, style) in looks.items():
            one = paths[(paths["layer"] == layer) & (paths["lr"] == lr)]
            label = rf"$\varepsilon = 10^{{{np.log10(lr):.2g}}}$"
            ax.semilogy(one["step"], one["product"], color=colour, linestyle=style, label=label)
        mark_level(ax, 2.0, "2", colour=COLOURS["theory"], left=0.97)
        ax.set(title=title, xlabel="update")
    np.ravel(axes)[0].set_ylabel(r"$\varepsilon\, \lambda_{\max}$")
    return lettered(fig, axes, legend=len(looks))


def effective_steps(final: pd.DataFrame, tent: pd.DataFrame, *, layer_names: Sequence[str]) -> Figure:
    """Draw each layer's last effective step against the step size, under its tent, beside the limit 2 / sharpness.

    Parameters
    ----------
    final : DataFrame
        The last rows of `bngd.networks.self_tuning` for each run and layer.
    tent : DataFrame
        As `bngd.networks.tent` gives it.
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
        after_one = tent[tent["layer"] == layer]
        ax.loglog(after_one["lr"], after_one["effective_step"], color=COLOURS["light"], label="after one update")
        ax.loglog(rows["lr"], rows["effective_step"], "o", color=COLOURS["bngd"], markersize=4, label="at the end")
        ax.set(title=title, xlabel=r"step size $\varepsilon$")
    np.ravel(axes)[0].set_ylabel(r"effective step $\varepsilon / \|W\|^2$")
    return lettered(fig, axes, legend=3)


def who_tunes(tuned: pd.DataFrame, *, layer_names: Sequence[str]) -> Figure:
    """Draw by how much more the sharpness rose than the norm grew, against the step size, with its interval.

    Parameters
    ----------
    tuned : DataFrame
        As `study.who_tunes` gives it: two cases, each with all these layers.
    layer_names : sequence of str
        Titles of the panels.
    """
    fig, axes = figure(len(layer_names), height=3.3, sharex=True, sharey=True)
    for layer, (ax, title) in enumerate(zip(np.ravel(axes), layer_names, strict=True), start=1):
        cases = tuned[tuned["layer"] == layer].groupby("case", sort=False)
        for (name, rows), colour, marker, beside in zip(cases, ("bngd", "accent"), "os", (0.9, 1.1), strict=True):
            reach = np.abs(rows[["least", "largest"]].sub(rows["share"], axis=0)).T
            look = {"color": COLOURS[colour], "marker": marker, "markersize": 4, "capsize": 3, "label": name}
            ax.errorbar(beside * rows["lr"], rows["share"], reach, **look)
        ax.axhline(1.0, color=COLOURS["theory"], linestyle=":")
        ax.set(xscale="log", yscale="log", xlabel=r"step size $\varepsilon$", title=title)
    np.ravel(axes)[0].set_ylabel(r"sharpness over $\|W\|^2$, factors")
    return lettered(fig, axes, legend=2)
