"""Figures of the notebook `network_learning_rate`: the loss against the step size, and the ranges that work."""

import pandas as pd
from matplotlib.figure import Figure

from bngd.studies.shared.networks import measures, palette, setting_label
from bngd.studies.shared.style import figure, lettered


def range_widths(ranges: pd.DataFrame, *, level: float) -> Figure:
    """Draw the width of the workable range by both measures: a dot a seed, a triangle where it leaves the grid.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.networks.workable_ranges` gives it.
    level : float
        Of the absolute measure.
    """
    import seaborn as sns  # slow to import, and needed by one figure

    several = ranges["network"].nunique() > 1
    labels = [
        f"{network}: {setting_label(setting)}" if several else setting_label(setting)
        for network, setting in zip(ranges["network"], ranges["setting"], strict=True)
    ]
    labelled = ranges.assign(label=labels)
    colours = palette(ranges["setting"])
    fig, axes = figure(2, height=0.9 + 0.27 * len(set(labels)), sharey=True)
    for ax, (measure, title) in zip(axes, measures(level).items(), strict=True):
        width = f"{measure}_decades"
        same = {"data": labelled, "y": "label", "hue": "setting", "palette": colours, "ax": ax, "legend": False}
        sns.barplot(x=width, errorbar=None, alpha=0.25, width=0.6, linewidth=0, **same)
        sns.scatterplot(x=width, style=f"{measure}_censored", markers={False: "o", True: ">"}, s=28, zorder=3, **same)
        ax.set(title=title, xlabel="decades of step sizes", ylabel="", xlim=(0, None))
        ax.tick_params(axis="y", length=0)
    return lettered(fig, axes)
