"""Figures on compression: its errors, and the widths in dimensions that only it can reach."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bngd.studies.shared.style import COLOURS, figure, lettered, mark_level, note, power


def by_compression(widths: pd.DataFrame, *, asymptotic_from: int) -> Figure:
    """Return BNGD's widths against d, of problems that were run as they are and of compressed ones.

    Parameters
    ----------
    widths : DataFrame
        dimension, span, predicted, without_luck, compressed (bool): a row per start, of BNGD.
    asymptotic_from : int
        From here on the spans less the luck should lie on a line of slope 1.
    """
    fig, (left, right) = figure(2, height=3.8)
    for compressed, colour, marker, label in (
        (False, "bngd", "o", "run as it is"),
        (True, "accent", "D", "run by compression"),
    ):
        one = widths[widths["compressed"] == compressed]
        for ax, column in ((left, "span"), (right, "without_luck")):
            ax.plot(one["dimension"], one[column], marker, color=COLOURS[colour], markersize=2.5, alpha=0.45)
            medians = one.groupby("dimension")[column].median()
            ax.plot(medians.index, medians, marker, color=COLOURS[colour], markersize=5.5, label=label)
    predicted = widths.groupby("dimension")["predicted"].median()
    left.plot(
        predicted.index, predicted, "--", color=COLOURS["theory"], linewidth=1.2, label=r"$\log_{10} m$, same starts"
    )  # fmt: skip
    _draw_slope_one(right, widths[widths["dimension"] >= asymptotic_from])
    left.set(title="as measured", ylabel="width [decades]", ylim=(0, None))
    right.set(title="less the luck of the start", ylim=left.get_ylim())
    for ax in (left, right):
        ax.set(xscale="log", xlabel="dimension $d$")
    return lettered(fig, (left, right), legend=3)


def _draw_slope_one(ax: Axes, many: pd.DataFrame) -> None:
    """Draw one decade for each decade of d, through the median of those that were run as they are."""
    offset = (many["without_luck"] - np.log10(many["dimension"]))[~many["compressed"]].median()
    ends = np.array([many["dimension"].min(), many["dimension"].max()])
    ax.plot(ends, offset + np.log10(ends), "--", color=COLOURS["theory"], linewidth=1.2)
    note(ax, "slope 1", (ends[0], offset + np.log10(ends[0])), (12, -10))


def compression_errors(table: pd.DataFrame) -> Figure:
    """Return how far the losses of compressed problems are from the original's, against steps and step sizes.

    Parameters
    ----------
    table : DataFrame
        tolerance, exact_steps, lr (in units of 2/l_d), step, loss, sensitive; at most two tolerances.
    """
    fig, (left, right) = figure(2, height=3.6, sharey=True)
    for colour, (tolerance, one) in zip(("bngd", "accent"), table.groupby("tolerance"), strict=False):
        hue, exact = COLOURS[colour], one["exact_steps"].iloc[0]
        label = rf"tolerance ${power(tolerance)}$, exact up to step {exact}"
        over_steps = one[~one["sensitive"]].groupby("step")["loss"].max().clip(lower=2.0**-52)
        left.plot(over_steps.index, over_steps, color=hue, label=label)
        left.axvline(exact, color=hue, linestyle=":", linewidth=1.2)
        for sensitive, marker in ((False, "o"), (True, "x")):
            over_lr = one[one["sensitive"] == sensitive].groupby("lr")["loss"].max().clip(lower=2.0**-52)
            right.plot(over_lr.index, over_lr, marker, color=hue, markersize=3.5)
        for ax in (left, right):
            mark_level(ax, tolerance, "", colour=hue)
    left.set(xscale="log", yscale="log", ylim=(1e-16, 10), xlabel="step $k$", title="largest over step sizes")
    left.set_ylabel(r"difference in loss / ($\|u\|_H^2/2$)")
    right.set(
        xscale="log", title="largest over steps", xlabel=r"step size $\varepsilon$, in units of $2/\lambda_d$"
    )  # fmt: skip
    return lettered(fig, (left, right), legend=2)
