"""What several network notebooks draw: settings and their colours, and the loss of every run against its rate."""

from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bngd.networks.ranges import FACTOR
from bngd.studies.shared.style import COLOURS, figure, lettered, mark_level

LEVELS = {"m1": 0.8, "m2": 0.8, "m3": 0.8, "m4": 0.06, "m5": 0.06}
"""The loss that counts as workable in the authors' networks: cross-entropy (a guess has 2.3) or quadratic (0.09)."""

_SETTING_COLOURS = {
    "gd": COLOURS["gd"],
    "bn": COLOURS["bngd"],
    "split 1": COLOURS["small"],
    "split 0.1": COLOURS["accent"],
    "split 0.01": COLOURS["large"],
    "split 0.001": COLOURS["light"],
}
"""One colour a method; for two rates, one for each eps_a."""

_SETTING_LABELS = {"gd": "GD, no BN", "bn": "BN, one rate"}
_DIVERGED_AT = 0.97


def from_to(values: pd.Series, digits: int) -> str:
    """Return the least and the largest of some numbers in words; one if they look the same, none of an empty series."""
    if values.empty:
        return ""
    least, largest = (f"{value:.{digits}f}" for value in (values.min(), values.max()))
    return least if least == largest else f"{least} to {largest}"


def setting_label(setting: str) -> str:
    """Return what a legend calls a setting."""
    if setting.startswith("split "):
        return rf"BN, $\varepsilon_a = {setting.removeprefix('split ')}$"
    return _SETTING_LABELS[setting]


def palette(settings: Iterable[str]) -> dict[str, str]:
    """Return a colour for each setting: its own, or one of some to spare for an eps_a that has none."""
    spare = cycle(mpl.rcParams["axes.prop_cycle"].by_key()["color"])
    return {s: _SETTING_COLOURS[s] if s in _SETTING_COLOURS else next(spare) for s in dict.fromkeys(settings)}


def setting_handles(colours: Mapping[str, str], **look: Any) -> list[Line2D]:
    """Return a legend's entry for each setting, in its colour (see `palette`); `look` is matplotlib's, of a line."""
    return [Line2D([], [], color=colour, label=setting_label(s), **look) for s, colour in colours.items()]


def loss_against_lr(
    panels: Mapping[str, pd.DataFrame], *, level: float | None = None, chance: float | None = None, columns: int = 2
) -> Figure:
    """Draw the final loss against the step size, a line for each setting and seed.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        Title -> runs, as `bngd.networks.summary` gives them.
    level : float or None
        The loss that counts as workable.
    chance : float or None
        The loss of a guess.
    columns : int
        Panels side by side.
    """
    columns = min(columns, len(panels))
    colours = palette(setting for runs in panels.values() for setting in runs["setting"])
    rows = -(-len(panels) // columns)
    width = 7.2 if columns > 1 else 5.4
    fig, axes = figure(columns, rows, width=width, height=3.1, sharey=True, sharex=True, squeeze=False)
    for ax, (title, runs) in zip(axes.ravel(), panels.items(), strict=False):
        _draw_runs(ax, runs, colours)
        ax.set_title(title, loc="left")
        if level is not None:
            mark_level(ax, level, f"{level:g}", left=0.5)
        if chance is not None:
            mark_level(ax, chance, "guessing", left=0.005)
    for ax in axes.ravel()[len(panels) :]:
        ax.set_visible(False)
    if chance is not None:  # beyond a few times a guess it does not matter how bad
        lowest = min(runs["train_loss"].min() for runs in panels.values())
        axes[0, 0].set_ylim(0.8 * lowest, 5 * chance)
    for ax in axes[:, 0]:
        ax.set_ylabel("training loss at the end")
    for ax in axes[-1]:
        ax.set_xlabel(r"step size $\varepsilon$")
    if len(panels) > 1:
        lettered(fig, axes.ravel()[: len(panels)])
    _legend_below(fig, colours, any((runs["outcome"] == "diverged").any() for runs in panels.values()))
    return fig


def _draw_runs(ax: Axes, runs: pd.DataFrame, colours: Mapping[str, str]) -> None:
    for (setting, _), group in runs.groupby(["setting", "seed"], sort=False):
        ordered = group.sort_values("lr")
        colour = colours[str(setting)]
        look = {"linewidth": 1.1, "marker": ".", "markersize": 4, "alpha": 0.85}
        ax.loglog(ordered["lr"], ordered["train_loss"], color=colour, **look)
        diverged = ordered.loc[ordered["outcome"] == "diverged", "lr"]
        height = np.full(len(diverged), _DIVERGED_AT)
        ax.plot(diverged, height, "x", color=colour, markersize=4.5, transform=ax.get_xaxis_transform())


def _legend_below(fig: Figure, colours: Mapping[str, str], diverged: bool) -> None:
    handles = setting_handles(colours, marker=".")
    if diverged:
        handles.append(Line2D([], [], color="#444444", marker="x", linestyle="", label="diverged"))
    fig.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))


def measures(level: float) -> dict[str, str]:
    """Return the two measures of a workable range, by column prefix, in words."""
    return {"relative": f"within {FACTOR:g} times its own best", "absolute": f"loss below {level:g}"}
