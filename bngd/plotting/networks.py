"""Plots of the network experiments: every run is drawn, not only means."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import lazy_loader
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bngd.plotting.style import COLOURS, figure, mark_level, panel_letters, shades

sns = lazy_loader.load("seaborn")  # which two of the figures need, and which is slow to import

SETTING_COLOURS = {
    "gd": COLOURS["gd"],
    "bn": COLOURS["bngd"],
    "split 1": COLOURS["small"],
    "split 0.1": COLOURS["accent"],
    "split 0.01": COLOURS["large"],
    "split 0.001": COLOURS["light"],
}
"""One colour a method; for two rates, one for each eps_a."""

SETTING_LABELS = {"gd": "GD, no BN", "bn": "BN, one rate"}
_DIVERGED_AT = 0.97


def setting_label(setting: str) -> str:
    """Return what a legend calls a setting."""
    if setting.startswith("split "):
        return rf"BN, $\varepsilon_a = {setting.removeprefix('split ')}$"
    return SETTING_LABELS[setting]


def palette(settings: Iterable[str]) -> dict[str, str]:
    """Return a colour for each setting: its own, or one of some to spare for an eps_a that has none."""
    spare = cycle(mpl.rcParams["axes.prop_cycle"].by_key()["color"])
    return {s: SETTING_COLOURS[s] if s in SETTING_COLOURS else next(spare) for s in dict.fromkeys(settings)}


def loss_against_lr(
    panels: Mapping[str, pd.DataFrame],
    *,
    level: float | None = None,
    chance: float | None = None,
    loss: str = "train_loss",
    columns: int = 2,
) -> Figure:
    """Draw the final loss against the learning rate, a line for each setting and seed.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        Title -> runs, as `bngd.networks.summary` gives them.
    level : float or None
        The loss that counts as workable.
    chance : float or None
        The loss of a guess.
    loss : str
        Column to draw.
    columns : int
        Panels side by side.
    """
    columns = min(columns, len(panels))
    colours = palette(setting for runs in panels.values() for setting in runs["setting"])
    rows = -(-len(panels) // columns)
    width = 7.2 if columns > 1 else 5.4
    fig, axes = figure(columns, rows, width=width, height=3.1, sharey=True, sharex=True, squeeze=False)
    for ax, (title, runs) in zip(axes.ravel(), panels.items(), strict=False):
        _draw_runs(ax, runs, loss, colours)
        ax.set_title(title, loc="left")
        if level is not None:
            mark_level(ax, level, f"{level:g}", left=0.5)
        if chance is not None:
            mark_level(ax, chance, "guessing", left=0.005)
    for ax in axes.ravel()[len(panels) :]:
        ax.set_visible(False)
    if chance is not None:  # beyond a few times a guess it does not matter how bad
        lowest = min(runs[loss].min() for runs in panels.values())
        axes[0, 0].set_ylim(0.8 * lowest, 5 * chance)
    for ax in axes[:, 0]:
        ax.set_ylabel("training loss at the end")
    for ax in axes[-1]:
        ax.set_xlabel(r"learning rate $\varepsilon$")
    if len(panels) > 1:
        panel_letters(axes.ravel()[: len(panels)])
    _legend_below(fig, colours, any((runs["outcome"] == "diverged").any() for runs in panels.values()))
    return fig


def _draw_runs(ax: Axes, runs: pd.DataFrame, loss: str, colours: Mapping[str, str]) -> None:
    for (setting, _), group in runs.groupby(["setting", "seed"], sort=False):
        ordered = group.sort_values("lr")
        colour = colours[str(setting)]
        ax.loglog(ordered["lr"], ordered[loss], color=colour, linewidth=1.1, marker=".", markersize=4, alpha=0.85)
        diverged = ordered.loc[ordered["outcome"] == "diverged", "lr"]
        height = np.full(len(diverged), _DIVERGED_AT)
        ax.plot(diverged, height, "x", color=colour, markersize=4.5, transform=ax.get_xaxis_transform())


def _legend_below(fig: Figure, colours: Mapping[str, str], diverged: bool) -> None:
    handles = [Line2D([], [], color=colour, marker=".", label=setting_label(s)) for s, colour in colours.items()]
    if diverged:
        handles.append(Line2D([], [], color="#444444", marker="x", linestyle="", label="diverged"))
    fig.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))


def range_widths(ranges: pd.DataFrame, *, level: float, factor: float = 2.0) -> Figure:
    """Draw the width of the workable range by both measures: a dot a seed, a triangle where it leaves the grid.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.networks.workable_ranges` gives it.
    level, factor : float
        Of the absolute and of the relative measure.
    """
    several = ranges["network"].nunique() > 1
    labels = [
        f"{network}: {setting_label(setting)}" if several else setting_label(setting)
        for network, setting in zip(ranges["network"], ranges["setting"], strict=True)
    ]
    labelled = ranges.assign(label=labels)
    colours = palette(ranges["setting"])
    fig, axes = figure(2, height=0.9 + 0.27 * len(set(labels)), sharey=True)
    for ax, (measure, title) in zip(axes, _measures(level, factor).items(), strict=True):
        width = f"{measure}_decades"
        same = {"data": labelled, "y": "label", "hue": "setting", "palette": colours, "ax": ax, "legend": False}
        sns.barplot(x=width, errorbar=None, alpha=0.25, width=0.6, linewidth=0, **same)
        sns.scatterplot(x=width, style=f"{measure}_censored", markers={False: "o", True: ">"}, s=28, zorder=3, **same)
        ax.set(title=title, xlabel="decades of learning rates", ylabel="", xlim=(0, None))
        ax.tick_params(axis="y", length=0)
    panel_letters(axes)
    return fig


def _measures(level: float, factor: float) -> dict[str, str]:
    return {"relative": f"within {factor:g} times its own best", "absolute": f"loss below {level:g}"}


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


def widths_against_units(
    ranges: pd.DataFrame, units: Mapping[str, int], *, level: float, factor: float = 2.0
) -> Figure:
    """Draw the width of the workable range against the number of hidden units, by both measures, a dot a seed.

    Parameters
    ----------
    ranges : DataFrame
        As `bngd.networks.workable_ranges` gives it.
    units : mapping of str to int
        Name of a network -> its hidden units.
    level, factor : float
        Of the absolute and of the relative measure.
    """
    fig, axes = figure(2, height=3.2, sharey=True)
    runs = ranges.assign(units=ranges["network"].map(units))
    colours = palette(ranges["setting"])
    for ax, (measure, title) in zip(axes, _measures(level, factor).items(), strict=True):
        ordered = runs.sort_values(f"{measure}_censored", kind="stable")  # the few triangles last, on top of the dots
        same = {"data": ordered, "x": "units", "y": f"{measure}_decades", "hue": "setting", "palette": colours}
        sns.lineplot(errorbar=None, estimator="median", linewidth=1.2, legend=False, ax=ax, **same)
        style = {"style": f"{measure}_censored", "markers": {False: "o", True: "^"}}
        sns.scatterplot(s=28, zorder=3, legend=False, ax=ax, **style, **same)
        ax.set(title=title, xlabel="hidden units $h$", xscale="log")
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("decades of learning rates")
    panel_letters(axes)
    handles = [Line2D([], [], color=colour, marker="o", label=setting_label(s)) for s, colour in colours.items()]
    if ranges[[f"{measure}_censored" for measure in _measures(level, factor)]].to_numpy().any():
        handles.append(Line2D([], [], color="#444444", marker="^", linestyle="", label="leaves the grid"))
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return fig


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
    """Draw each layer's last effective step against the learning rate, beside the limit 2 / sharpness.

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
        ax.set_xlabel(r"learning rate $\varepsilon$")
    np.ravel(axes)[0].set_ylabel(r"$\varepsilon / \|W\|^2$ at the end")
    panel_letters(axes)
    fig.legend(*np.ravel(axes)[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def images(panels: Mapping[str, NDArray]) -> Figure:
    """Show images side by side under their titles.

    Parameters
    ----------
    panels : mapping of str to ndarray
        Title -> image of shape (height, width, 3) of bytes.
    """
    fig, axes = figure(len(panels), width=2.4 * len(panels), height=2.6)
    for ax, (title, image) in zip(np.ravel(axes), panels.items(), strict=True):
        ax.imshow(image, interpolation="nearest")
        ax.set_title(title, loc="left")
        ax.set_axis_off()
    return fig
