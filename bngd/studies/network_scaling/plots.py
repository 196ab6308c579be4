"""Figures of the notebook `network_scaling`: where runs with scaled weights coincide, and where they part."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bngd.studies.shared.style import COLOURS, figure, lettered, shades


def scaling_collapse(panels: Mapping[str, pd.DataFrame], *, chance: float) -> Figure:
    """Draw the final loss against the rate over the square of the weights' scale t, a line for each t.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        Title -> runs, as `bngd.networks.summary` gives them. Where the scaling law holds the lines coincide.
    chance : float
        The loss of a guess; what is several times worse is off the picture.
    """
    fig, axes = figure(len(panels), height=3.2, sharey=True, sharex=True)
    scales = sorted({t for runs in panels.values() for t in runs["scale"]})
    colours = dict(zip(scales, shades(len(scales)), strict=True))
    for ax, (title, runs) in zip(np.ravel(axes), panels.items(), strict=True):
        for t, group in runs.groupby("scale"):
            ordered = group.sort_values("lr")
            # Larger markers below smaller ones: coinciding lines show as rings.
            size = 8 - 5 * scales.index(t) / len(scales)
            ax.loglog(ordered["lr"] / t**2, ordered["train_loss"], "o-", color=colours[t], markersize=size, linewidth=1)
        ax.set(title=title, xlabel=r"$\varepsilon / t^2$", ylim=(None, 5 * chance))
    np.ravel(axes)[0].set_ylabel("training loss at the end")
    handles = [Line2D([], [], color=colours[t], marker="o", label=f"$t = {t:g}$") for t in scales]
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return lettered(fig, axes)


def deviation_against_step(deviations: Mapping[str, Mapping[float, tuple[Sequence[int], NDArray]]]) -> Figure:
    """Draw how far the losses of scaled runs depart from that of the run with t = 1: the farthest, step by step.

    Parameters
    ----------
    deviations : mapping
        Label -> t -> (steps, relative difference). Powers of two are left to the caption.
    """
    fig, ax = figure(width=6.6, height=3.6)
    looks = zip(("bngd", "gd", "large"), ("-", "--", "-."), deviations.items(), strict=True)
    for colour, style, (label, runs) in looks:
        others = [found for t, found in runs.items() if np.log2(t) % 1] or list(runs.values())
        largest = np.max([difference for _, difference in others], axis=0)
        steps, seen = np.asarray(others[0][0]), largest > 0
        ax.loglog(steps[seen], largest[seen], style, color=COLOURS[colour], label=label)
    ax.set(xlabel="update", ylabel="relative difference in the loss", ylim=(1e-17, 10))
    fig.legend(loc="outside lower center", ncols=3)
    return fig
