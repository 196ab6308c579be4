"""The house style: one look for every figure, and a colour for every thing that recurs."""

from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.dynamics import Outcome

# Okabe and Ito's palette: told apart by readers with the common colour deficiencies, and in print.
COLOURS = {
    "gd": "#D55E00",
    "bngd": "#0072B2",
    "theory": "#222222",
    "small": "#009E73",
    "large": "#CC79A7",
    "limit": "#767676",
    "accent": "#E69F00",
    "light": "#56B4E9",
}
"""What each colour means: the two methods, the theory's lines, the two asymptotes, a limit, and two to spare."""

SEQUENCE = tuple(COLOURS[name] for name in ("bngd", "small", "large", "accent", "light"))
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
"""Colours, lines and markers of some runs or problems that are told apart, in this order."""

METHOD_LABELS = {"gd": "GD", "bngd": "BNGD"}
"""What figures call the two methods, in the order in which they draw them."""

OUTCOME_COLOURS = {
    Outcome.CONVERGED.value: "#0072B1",
    Outcome.MOVING.value: "#A6CEE3",
    Outcome.SADDLE.value: "#E69F01",
    Outcome.DIVERGED.value: "#D55E01",
}
"""The colour of each named outcome: areas, as they are on a dark page too, and so a unit off those of lines."""

FAMILY_STYLES = {
    "two levels": ("bngd", "-", "^"),
    "one outlier": ("light", "-", "s"),
    "log-spaced": ("small", "-", "o"),
    "Marchenko-Pastur": ("large", "-", "v"),
    "two large eigenvalues": ("gd", "--", "D"),
}
"""Colour, line and marker of each family of spectra."""

INK = "#262626"
"""The colour of axes, ticks and text."""

_AXIS_TICKS = {
    "color": INK,
    "labelsize": 8.8,
    "major.size": 4.8,
    "major.width": 1.0,
    "minor.size": 3.2,
    "minor.width": 0.8,
}

_STYLE: dict[str, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same glyphs
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.6,
    "axes.linewidth": 1.0,
    "axes.prop_cycle": cycler(color=["#4C72B0", "#DD8452", "#55A868", "#C44E52", "#8172B3", "#937860"]),
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    **{f"{axis}tick.{key}": value for axis in "xy" for key, value in _AXIS_TICKS.items()},
    "lines.linewidth": 1.7,
    "lines.markersize": 4.8,
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "white",
    "patch.force_edgecolor": True,
    "patch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9.6,
    "mathtext.fontset": "cm",
    "svg.fonttype": "path",
    "svg.hashsalt": "bngd",  # element ids come from here instead of from chance: equal runs give equal bytes
}
"""After seaborn's style "ticks" in the context "paper", which is not asked for it: its import takes a second."""


def _use_house_style() -> None:
    """Set matplotlib's defaults to the house style; importing this file does."""
    matplotlib.style.use(_STYLE)


def shades(n: int) -> list[tuple[float, ...]]:
    """Return n colours from dark to light, for the values of an ordered quantity."""
    return [mpl.colormaps["viridis"](place) for place in np.linspace(0, 1, n + 2)[1:-1]]


def figure(
    columns: int = 1, rows: int = 1, *, width: float = 7.2, height: float = 3.4, **kwargs: Any
) -> tuple[Figure, Any]:
    """Return a Figure with a grid of axes (see `matplotlib.figure.Figure.subplots`); sizes in inches, height a row.

    The figure is not registered with pyplot, so that nothing shows it twice and nothing has to close it.
    """
    fig = Figure(figsize=(width, height * rows))
    return fig, fig.subplots(rows, columns, **kwargs)


def lettered(fig: Figure, axes: Any, *, legend: int = 0) -> Figure:
    """Return the figure with (a), (b), ... before the titles of its panels, so that a caption can name them.

    What the first panel shows is explained below all of them, in as many columns as `legend` says.
    """
    panels = np.ravel(axes)
    if legend:
        fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=legend)
    for letter, ax in zip("abcdefghijkl", panels, strict=False):
        title = ax.set_title(f"({letter})  {ax.get_title(loc='left')}".rstrip(), loc="left")
        title.set_gid(f"title-{letter}")
    return fig


def picture(ax: Axes) -> None:
    """Say that a panel is a picture of data: a dark page leaves it as it is, but for its title and what is outside."""
    ax.set_gid(f"picture-{ax.figure.axes.index(ax)}")


def power(value: float) -> str:
    """Return a number as TeX writes it: 1e-06 as a power of ten, 3e-05 as a multiple of one."""
    digits, _, exponent = f"{value:g}".partition("e")
    if not exponent:
        return digits
    return ("" if digits == "1" else rf"{digits}\cdot ") + f"10^{{{int(exponent)}}}"


def note(
    ax: Axes,
    text: str,
    place: Any,
    offset: tuple[float, float] = (0, 0),
    *,
    on: str = "data",
    colour: str = "theory",
    size: float = 8.5,
    **kwargs: Any,
) -> None:
    """Write a text beside a place.

    Parameters
    ----------
    ax : Axes
    text : str
    place : pair of float
    offset : pair of float
        From the place to the text, in points.
    on : {"data", "lr", "level", "axes"}
        What the place's coordinates are: the data's; along a vertical line, so that the second is a fraction of the
        height; along a horizontal line, so that the first is a fraction of the width; both fractions.
    colour : str
        A key of `COLOURS`, or any colour of matplotlib's.
    size : float
        Of the letters, in points.
    **kwargs
        For matplotlib's ``annotate``.
    """
    systems = {"data": "data", "axes": "axes fraction"}
    system = {"lr": ax.get_xaxis_transform, "level": ax.get_yaxis_transform}.get(on, lambda: systems[on])()
    colour = COLOURS.get(colour, colour)
    ax.annotate(text, tuple(place), offset, system, "offset points", color=colour, fontsize=size, **kwargs)


BACKED = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
"""The box behind a note that lies on curves or colours, for `note`'s ``bbox``."""


def mark_lr(ax: Axes, value: float, label: str, *, top: float) -> None:
    """Mark a step size with a dotted vertical line and a label written along it."""
    ax.axvline(value, color=COLOURS["limit"], linestyle=":", linewidth=1.2)
    note(ax, label, (value, top), (3, 0), on="lr", colour="limit", rotation=90, va="top")


def mark_level(ax: Axes, value: float, label: str, *, colour: str = COLOURS["limit"], left: float = 0.02) -> None:
    """Mark a level with a dotted horizontal line and a label above it."""
    ax.axhline(value, color=colour, linestyle=":", linewidth=1.2)
    note(ax, label, (left, value), (0, 3), on="level", colour=colour, bbox=BACKED if label else None)


_use_house_style()
