"""Figures of the notebook `network_one_layer`: the loss against the step size of one layer, or of one part."""

from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.studies.shared.style import COLOURS, MARKERS, figure, lettered, mark_level

_LOOKS = [("bngd", "-"), ("small", "--"), ("accent", "-."), ("gd", "-")]
"""Of each part, and of each choice of who has a rate of its own: in both the last two lines say most."""


def parts(alone: pd.DataFrame, own: pd.DataFrame, chance: float) -> Figure:
    """Draw the final loss against the step size of each part alone, and of all but those that have their own.

    Parameters
    ----------
    alone, own : DataFrame
        As `bngd.studies.network_one_layer.parts.runs` gives them, four settings each.
    chance : float
        The loss of a guess.
    """
    fig, axes = figure(2, height=4.4, sharex=True, sharey=True)
    for ax, table, title in zip(axes, (alone, own), ("One part alone", "A rate of its own"), strict=True):
        _lines(ax, table)
        mark_level(ax, chance, "guessing", left=0.02)
        ax.set(title=title, xlabel=r"step size $\varepsilon$")
    # Beyond some times a guess it does not matter how bad.
    axes[0].set(
        ylabel="training loss at the end",
        ylim=(0.6 * min(alone["train_loss"].min(), own["train_loss"].min()), 20 * chance),
    )
    return lettered(fig, axes)


def _lines(ax: Axes, table: pd.DataFrame) -> None:
    settings = table.groupby("setting", sort=False)
    for (setting, runs), (colour, style) in zip(settings, _LOOKS, strict=True):
        for seed, run in runs.groupby("seed"):
            label = str(setting) if seed == runs["seed"].min() else None
            ax.loglog(run["lr"], run["train_loss"], style, color=COLOURS[colour], linewidth=1.2, label=label)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17))


def hidden_tent(runs: pd.DataFrame, tents: pd.DataFrame) -> Figure:
    """Draw where the effective step of the hidden layer's scale ends, under the tent of each repetition.

    Parameters
    ----------
    runs : DataFrame
        As `bngd.studies.network_one_layer.parts.runs` gives it, of that scale alone.
    tents : DataFrame
        As `bngd.studies.network_one_layer.parts.hidden_tents` gives it.
    """
    fig, ax = figure(width=5.4, height=3.2)
    for (seed, run), marker in zip(runs.groupby("seed"), cycle(MARKERS), strict=False):
        tent = tents[tents["seed"] == seed]
        first, last = ("after one update", "at the end") if seed == runs["seed"].min() else (None, None)
        ax.loglog(tent["lr"], tent["effective_step"], color=COLOURS["theory"], linewidth=1.0, label=first)
        ax.loglog(run["lr"], run["hidden_step"], marker, color=COLOURS["small"], markersize=4, label=last)
    ax.set(xlabel=r"step size $\varepsilon_a$ of the scale", ylabel=r"$\varepsilon_a/\|(\gamma, \beta)\|^2$")
    fig.legend(loc="outside lower center", ncols=2)
    return fig
