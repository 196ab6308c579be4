"""Figures of the effective Hessian: interlaced spectra, and what decides how much better H* is conditioned than H."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.arrays import Array
from bngd.studies.shared.style import COLOURS, FAMILY_STYLES, figure, lettered, note


def interlaced(spectra: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Draw the eigenvalues of H above those of H*, each of the latter between its two neighbours among the former.

    Parameters
    ----------
    spectra : mapping of str to (eigenvalues, effective_eigenvalues)
        A panel for each; both of shape (d,), ascending. The first effective eigenvalue, zero, is not on the log axis.
    """
    fig, axes = figure(1, len(spectra), height=1.25, width=7.2)
    for ax, (title, (values, starred)) in zip(np.ravel(axes), spectra.items(), strict=True):
        _ladder(ax, values, starred[1:])
        gain = (values[-1] / values[0], starred[-1] / starred[1])
        ax.set_title(rf"{title}:  $\kappa = {gain[0]:.3g}$,  $\kappa^* = {gain[1]:.3g}$", loc="left")
    np.ravel(axes)[-1].set_xlabel("eigenvalue")
    return lettered(fig, axes)


def _ladder(ax: Axes, values: Array, starred: Array) -> None:
    for low, high, inside in zip(values[:-1], values[1:], starred, strict=True):
        ax.fill([low, high, inside], [1, 1, 0], color=COLOURS["limit"], alpha=0.18, linewidth=0)
    ax.vlines(values, 1, 1.55, color=COLOURS["gd"], linewidth=2)
    ax.vlines(starred, -0.55, 0, color=COLOURS["bngd"], linewidth=2)
    ax.set(xscale="log", ylim=(-0.7, 1.7), xlim=(values[0] / 1.15, values[-1] * 1.15))
    ax.set_yticks([1.3, -0.3], ["$H$", "$H^*$"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(False)


def gain_by_family(table: pd.DataFrame) -> Figure:
    """Draw kappa* against kappa, a line for each family of spectra.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns family, kappa, low, median, high: the median and a range of kappa*.
    """
    fig, ax = figure(height=4.0, width=6.4)
    for family, rows in table.groupby("family", sort=False):
        colour, line, marker = FAMILY_STYLES[str(family)]
        style = {"color": COLOURS[colour], "linestyle": line, "marker": marker, "markersize": 4}
        ax.plot(rows["kappa"], rows["median"], label=family, **style)
        ax.fill_between(rows["kappa"], rows["low"], rows["high"], color=COLOURS[colour], alpha=0.12, linewidth=0)
    ax.axline((10, 10), (100, 100), color=COLOURS["theory"], linestyle=":", linewidth=1.2, label=r"$\kappa^*=\kappa$")
    ax.set(xscale="log", yscale="log", xlabel=r"condition number $\kappa$ of $H$")
    ax.set_ylabel(r"condition number $\kappa^*$ of $H^*$")
    ax.legend(loc="upper left")
    return fig


def gain_by_share(table: pd.DataFrame) -> Figure:
    """Draw kappa/kappa* against the share of the explained variance in the outlying direction.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns outlier, bulk, share, gain, predicted, as `bngd.studies.effective_hessian.study.gain_by_share` returns.
    """
    fig, axes = figure(2, height=3.5, sharey=True)
    labels = {"largest": r"in all other directions, $1-\theta_d$", "smallest": r"in its direction, $\theta_1$"}
    for ax, (outlier, rows) in zip(axes, table.groupby("outlier", sort=True), strict=True):
        for (bulk, part), marker, colour in zip(rows.groupby("bulk", sort=False), "os", ("bngd", "small"), strict=True):
            share = part["share"] if outlier == "smallest" else 1 - part["share"]
            ax.plot(share, part["gain"], marker, color=COLOURS[colour], markersize=4.5, label=f"bulk: {bulk}")
            ax.plot(share, part["predicted"], color=COLOURS["theory"], linestyle="--", linewidth=1, zorder=0, label="_")
        ax.set(title=f"the {outlier} eigenvalue lies apart", xscale="log", yscale="log")
        ax.set_xlabel(f"explained variance {labels[str(outlier)]}")
    axes[0].set_ylabel(r"gain $\kappa/\kappa^*$")
    axes[0].invert_xaxis()
    axes[1].legend(loc="upper left")
    return lettered(fig, axes)


def data_ranges(table: pd.DataFrame) -> Figure:
    """Draw the range from the smallest to the largest eigenvalue of H, and of H* without its zero, for each data set.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns dataset, smallest, smallest_star, largest_star, largest, kappa, kappa_star.
    """
    fig, ax = figure(height=3.6, width=6.8)
    for row, data in zip(range(len(table))[::-1], table.itertuples(), strict=True):
        ranges = (("gd", data.smallest, data.largest, 0.16), ("bngd", data.smallest_star, data.largest_star, -0.16))
        for colour, low, high, offset in ranges:
            ax.plot([low, high], [row + offset] * 2, "|-", color=COLOURS[colour], linewidth=3.5, markersize=9)
        note(ax, rf"$\kappa={data.kappa:.3g}$", (data.largest, row + 0.16), (8, 0), colour="gd", va="center")
        note(ax, rf"$\kappa^*={data.kappa_star:.3g}$", (data.largest, row - 0.2), (8, 0), colour="bngd", va="center")
    ax.set_yticks(range(len(table))[::-1], table["dataset"])
    ax.set(xscale="log", xlabel="eigenvalue", ylim=(-0.6, len(table) - 0.4), xlim=(None, table["largest"].max() * 3))
    ax.grid(axis="y", visible=False)
    return fig
