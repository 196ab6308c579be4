"""Figures of the notebook `network_scaling`: where runs with scaled weights coincide, and where they part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bngd.studies.shared.style import COLOURS, figure, mark_level, panel_letters, shades


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
        ax.set_title(title, loc="left")
        ax.set_xlabel(r"$\varepsilon / t^2$")
        ax.set_ylim(top=5 * chance)
    np.ravel(axes)[0].set_ylabel("training loss at the end")
    panel_letters(axes)
    handles = [Line2D([], [], color=colours[t], marker="o", label=f"$t = {t:g}$") for t in scales]
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return fig


def deviation_against_step(deviations: Mapping[str, Mapping[float, tuple[Sequence[int], NDArray]]]) -> Figure:
    """Draw how far the loss of a scaled run departs from that of the run with t = 1, step by step.

    Parameters
    ----------
    deviations : mapping
        Title -> t -> (steps, relative difference). An exact zero is drawn at the bottom; powers of two are
        dashed or dotted.
    """
    fig, axes = figure(len(deviations), height=3.2, sharey=True, sharex=True)
    scales = sorted({t for panel in deviations.values() for t in panel})
    looks = {t: _scale_look(t, colour) for t, colour in zip(scales, shades(len(scales)), strict=True)}
    bottom = 1e-17
    for ax, (title, panel) in zip(np.ravel(axes), deviations.items(), strict=True):
        for t, (steps, difference) in panel.items():
            ax.loglog(steps, np.maximum(difference, bottom), **looks[t])
        ax.set_title(title, loc="left")
        ax.set_xlabel("update")
        ax.set_ylim(bottom / 4, 10)
    mark_level(np.ravel(axes)[-1], bottom, "equal to the last bit", left=0.02)
    np.ravel(axes)[0].set_ylabel("relative difference in the loss")
    panel_letters(axes)
    handles = [Line2D([], [], **look) for look in looks.values()]
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return fig


def _scale_look(t: float, colour: tuple[float, ...]) -> dict[str, Any]:
    power = np.log2(t)
    if power == round(power):
        dashes = "--" if t < 1 else ":"
        return {"color": COLOURS["gd"], "linestyle": dashes, "linewidth": 1.6, "label": f"$t = 2^{{{power:.0f}}}$"}
    return {"color": colour, "linewidth": 1.2, "label": f"$t = {t:g}$"}
