"""Figures of the notebook `network_width`: the range of workable step sizes against the number of hidden units."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bngd.studies.shared.networks import measures, palette, setting_handles
from bngd.studies.shared.style import figure, lettered


def widths_against_units(ranges: pd.DataFrame, *, level: float) -> Figure:
    """Draw the width of the workable range against the number of hidden units, by both measures, a dot a seed.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.studies.network_width.study.ranges_of` gives it.
    level : float
        Of the absolute measure.
    """
    import seaborn as sns  # slow to import, and needed by one figure

    fig, axes = figure(2, height=3.2, sharey=True)
    colours = palette(ranges["setting"])
    for ax, (measure, title) in zip(axes, measures(level).items(), strict=True):
        ordered = ranges.sort_values(f"{measure}_censored", kind="stable")  # the few triangles last, on top of the dots
        same = {"data": ordered, "x": "h", "y": f"{measure}_decades", "hue": "setting", "palette": colours}
        sns.lineplot(errorbar=None, estimator="median", linewidth=1.2, legend=False, ax=ax, **same)
        style = {"style": f"{measure}_censored", "markers": {False: "o", True: "^"}}
        sns.scatterplot(s=28, zorder=3, legend=False, ax=ax, **style, **same)
        ax.set(title=title, xlabel="hidden units $h$", xscale="log")
    axes[0].set(ylim=(0, None), ylabel="decades of step sizes")
    handles = setting_handles(colours, marker="o")
    if ranges[[f"{measure}_censored" for measure in measures(level)]].to_numpy().any():
        handles.append(Line2D([], [], color="#444444", marker="^", linestyle="", label="leaves the grid"))
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return lettered(fig, axes)


def ranges_against_updates(ranges: pd.DataFrame, *, level: float) -> Figure:
    """Draw the width of the workable range against the number of updates, a line for each setting and hidden width.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.studies.network_width.study.while_training` gives it; medians over the repetitions are drawn.
    level : float
        Of the absolute measure.
    """
    fig, axes = figure(2, height=3.2, sharey=True)
    colours, shades = palette(ranges["setting"]), dict(zip(sorted(set(ranges["h"])), ("o:", "s-", "D--"), strict=False))
    for ax, (measure, title) in zip(axes, measures(level).items(), strict=True):
        medians = ranges.groupby(["setting", "h", "updates"])[f"{measure}_decades"].median()
        for (setting, h), line in medians.groupby(level=[0, 1]):
            updates = line.index.get_level_values("updates")
            ax.semilogx(updates, line, shades[h], color=colours[setting], markersize=4.5, linewidth=1.3)
        ax.set(title=title, xlabel="updates")
        ax.set_xticks(sorted(set(ranges["updates"])), [f"{n}" for n in sorted(set(ranges["updates"]))], minor=False)
        ax.minorticks_off()
    axes[0].set(ylim=(0, None), ylabel="decades of step sizes")
    handles = setting_handles(colours)
    for h in shades:
        handles += axes[0].plot([], [], shades[h], color="#444444", markersize=4.5, label=f"$h = {h}$")
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return lettered(fig, axes)


def ranges_against_sizes(by_units: pd.DataFrame, by_inputs: pd.DataFrame, *, level: float) -> Figure:
    """Draw the width of the workable range, asked for the same loss, against sizes of the network, early and late.

    Parameters
    ----------
    by_units, by_inputs : DataFrame
        As `bngd.studies.network_width.study.while_training` gives them, the latter with the column inputs; a panel
        each. Dots are repetitions, lines go through their medians.
    level : float
        Of the absolute measure.
    """
    fig, axes = figure(2, height=3.2, sharey=True)
    colours = palette(by_units["setting"])
    styles = {by_units["updates"].min(): ":", by_units["updates"].max(): "-"}
    panels = ((by_units, "h", "hidden units $h$"), (by_inputs, "inputs", f"inputs, $h = {by_inputs['h'].iloc[0]}$"))
    for ax, (table, size, label) in zip(axes, panels, strict=True):
        for updates, style in styles.items():
            for setting, colour in colours.items():
                runs = table[(table["updates"] == updates) & (table["setting"] == setting)]
                ax.plot(runs[size], runs["absolute_decades"], ".", color=colour, markersize=4, alpha=0.6)
                ax.plot(runs.groupby(size)["absolute_decades"].median(), style, color=colour, linewidth=1.3)
        sizes = sorted(set(table[size]))
        ax.set(xlabel=label, xscale="log")
        ax.set_xticks(sizes, [f"{n}" for n in sizes], minor=False)
        ax.minorticks_off()
    axes[0].set(ylim=(0, None), ylabel=f"decades with a loss below {level:g}")
    handles = setting_handles(colours)
    for updates, style in styles.items():
        handles += axes[0].plot([], [], style, color="#444444", label=f"after {updates} updates")
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return lettered(fig, axes)
