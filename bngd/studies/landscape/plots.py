"""Figures of the landscape notebook: loss surfaces over the plane with trajectories, and the cancellation of a loss."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bngd.arrays import Array
from bngd.studies.landscape.study import AngleSurface
from bngd.studies.shared.style import BACKED, COLOURS, figure, lettered, note, picture

_LEVELS = np.array([0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
"""Contours of both losses, relative to the normalized loss at the saddles, which bounds it."""

_TICKS = (0, 2, 5, 8, 11)
"""Levels that are named: zero and powers of ten."""

_COLOUR_MAP = "Greys"


def surfaces(
    axis: Array,
    gd_loss: Array,
    bn_loss: Array,
    gd_paths: Sequence[Array],
    bngd_paths: Sequence[Array],
    u: Array,
    g: Array,
) -> Figure:
    """Draw the two losses over the plane of w, each with its method's trajectories.

    Parameters
    ----------
    axis : ndarray, shape (n,)
        Coordinates of the grid, the same for both axes.
    gd_loss, bn_loss : ndarray, shape (n, n)
        Excess losses relative to u'Hu/2.
    gd_paths, bngd_paths : sequence of ndarray, shape (steps + 1, 2)
        One path a run.
    u, g : ndarray, shape (2,)
        The solution, and the normal of the line of saddles.
    """
    fig, (left, right) = figure(2, width=7.4, height=3.9, sharex=True, sharey=True)
    image = _contours(left, axis, axis, gd_loss, _LEVELS)
    _contours(right, axis, axis, bn_loss, _LEVELS)
    left.set_title(r"$J_0(w)$ and gradient descent")
    right.set_title(r"$J(a, w)$ at the best $a$, and BNGD")
    left.plot(*u, marker="*", markersize=13, color=COLOURS["theory"], zorder=4)
    _mark_rays(right, axis[-1], u, g)
    for ax, paths, method in ((left, gd_paths, "gd"), (right, bngd_paths, "bngd")):
        _draw_paths(ax, paths, COLOURS[method])
        ax.set(xlim=(axis[0], axis[-1]), ylim=(axis[0], axis[-1]), aspect="equal", xlabel=r"$w_1$")
    left.set_ylabel(r"$w_2$")
    _note(left, u, r"$u$", (9, 7))
    _colour_bar(fig, image, [left, right])
    return lettered(fig, [left, right])


def angle_plane(surface: AngleSurface, norm_u: float, paths: Sequence[Array]) -> Figure:
    """Draw J over the direction of w and a, with its stationary points, and trajectories.

    Parameters
    ----------
    surface : AngleSurface
    norm_u : float
        ||u||_H, the |a| of the minimisers; the loss is shown relative to its square by two.
    paths : sequence of ndarray, shape (steps + 1, 2)
        (angle, a) along each run.
    """
    angle, a, loss, best_a, saddles = surface
    fig, ax = figure(width=7.2, height=4.4)
    image = _contours(ax, angle, a, loss / (norm_u**2 / 2), _LEVELS)
    ax.plot(angle, best_a, "--", color=COLOURS["theory"], linewidth=1.2)
    _draw_paths(ax, paths, COLOURS["bngd"])
    ax.plot([0, 180], [norm_u, -norm_u], "*", markersize=14, color=COLOURS["theory"], zorder=4)
    ax.plot(saddles, np.zeros(saddles.size), "X", markersize=9, color=COLOURS["accent"], mec="black", zorder=4)
    _note(ax, (0, norm_u), "minimisers, $t > 0$", (-38, 38))
    _note(ax, (180, -norm_u), "minimisers, $t < 0$", (-38, -44))
    for saddle in saddles:
        _note(ax, (saddle, 0), "saddles", (9, 5))
    label = np.searchsorted(angle, 90)
    _note(ax, (angle[label], best_a[label]), r"$a = w^\top g/s$", (2, 6))
    ax.set(xlim=(angle[0], angle[-1]), ylim=(a[0], a[-1]), xticks=np.arange(-90, angle[-1], 45))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}°"))
    ax.set(xlabel="angle from $u$ to $w$", ylabel="$a$")
    _colour_bar(fig, image, ax)
    return fig


def cancellation(frame: pd.DataFrame) -> Figure:
    """Draw the excess loss along a run, as a difference of losses and as a sum: columns step, direct, decomposed."""
    fig, ax = figure(height=3.2)
    ax.semilogy(frame["step"], frame["decomposed"], color=COLOURS["bngd"])
    seen = frame[frame["direct"] > 0]
    ax.semilogy(seen["step"], seen["direct"], ".", markersize=4, color=COLOURS["gd"])
    last = frame[frame["decomposed"] > 0].iloc[-1]
    note(ax, "sum of two squares", last[["step", "decomposed"]], (12, 0), colour="bngd", size=9, va="center")
    note(ax, "difference of losses", seen.iloc[-1][["step", "direct"]], (8, 0), colour="gd", size=9, va="center")
    ax.set(xlabel="step $k$", ylabel=r"excess loss $J - J_{\min}$")
    return fig


def _contours(ax: Axes, x: Array, y: Array, loss: Array, levels: Array) -> Any:
    picture(ax)
    ax.grid(False)
    norm_levels = np.arange(levels.size)
    # Colour by the number of the level, so that the narrow valley and the far slopes are told apart alike.
    height = np.interp(np.sqrt(np.minimum(loss, levels[-1])), np.sqrt(levels), norm_levels)
    image = ax.contourf(x, y, height, norm_levels, cmap=_COLOUR_MAP, vmin=0, vmax=1.5 * norm_levels[-1])
    image.set_rasterized(True)
    ax.contour(x, y, height, norm_levels[1:], colors="white", linewidths=0.5)
    return image


def _colour_bar(fig: Figure, image: Any, axes: Any) -> None:
    bar = fig.colorbar(image, ax=axes, shrink=0.85, pad=0.02, aspect=28)
    picture(bar.ax)
    bar.set_label(r"excess loss / $\frac{1}{2}u^\top Hu$")
    bar.set_ticks(_TICKS, labels=[f"{_LEVELS[tick]:g}" for tick in _TICKS])
    bar.outline.set_visible(False)


def _draw_paths(ax: Axes, paths: Sequence[Array], colour: str) -> None:
    for path in paths:
        ax.plot(*path.T, "-", color=colour, linewidth=1.1, marker=".", markersize=3.5)
        ax.plot(*path[0], "o", markersize=5.5, mfc="white", mec=colour, zorder=5)
        ax.plot(*path[-1], "o", markersize=5, color=colour, zorder=5)


def _mark_rays(ax: Axes, reach: float, u: Array, g: Array) -> None:
    along = 2 * reach * u / np.linalg.norm(u)
    across = 2 * reach * np.array([-g[1], g[0]]) / np.linalg.norm(g)
    for sign in (1, -1):
        ax.plot(*np.transpose([0 * along, sign * along]), "--", color=COLOURS["theory"], linewidth=1.3)
    ax.plot(*np.transpose([-across, across]), ":", color=COLOURS["accent"], linewidth=2.2)
    ax.plot(0, 0, "o", markersize=6, mfc="white", mec=COLOURS["theory"], zorder=6)
    half_way = 0.45 * reach / np.abs(u).max() * u
    _note(ax, half_way, "$w = tu$, $t > 0$", (6, -16))
    _note(ax, -half_way, "$t < 0$", (-26, 9))
    _note(ax, 0.8 * reach / np.abs(across).max() * across, r"$w^\top g = 0$", (-8, 9))


def _note(ax: Axes, at: Any, text: str, offset: tuple[float, float]) -> None:
    note(ax, text, tuple(at), offset, size=9, bbox=BACKED, zorder=7)
