"""The figure of the summary: every claim, by chapter and verdict, and how closely it was met."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from bngd.claims import VERDICTS
from bngd.studies.shared.style import COLOURS, figure, lettered

_VERDICT_COLOURS = dict(zip(VERDICTS, (COLOURS["bngd"], COLOURS["gd"], COLOURS["limit"]), strict=True))
_VERDICT_MARKERS = dict(zip(VERDICTS, ("s", "X", "D"), strict=True))
_ROUNDING = 1e-17
"""Where a deviation of exactly zero is drawn on the logarithmic axis."""


def claims_by_chapter(claims: pd.DataFrame) -> Figure:
    """Return all claims by chapter: a mark for each with its verdict, and how far measured and predicted differ.

    Parameters
    ----------
    claims : DataFrame
        chapter, title, verdict, deviation: a row per claim.
    """
    chapters = claims.drop_duplicates("chapter").set_index("chapter")["title"].sort_index()
    rows = {chapter: position for position, chapter in enumerate(chapters.index)}
    fig, (left, right) = figure(2, height=1.2 + 0.27 * len(rows), width=7.8, width_ratios=[1.5, 1.0], sharey=True)
    _draw_marks(left, claims, rows)
    _draw_deviations(right, claims, rows)
    left.set_yticks(range(len(rows)), [f"{title}  {chapter}" for chapter, title in chapters.items()])
    left.set_ylim(len(rows) - 0.4, -0.6)
    return lettered(fig, (left, right), legend=3)


def _draw_marks(ax: Axes, claims: pd.DataFrame, rows: dict[int, int]) -> None:
    order = claims["verdict"].map({verdict: position for position, verdict in enumerate(VERDICTS)})
    ordered = claims.assign(order=order).sort_values(["chapter", "order"], kind="stable")
    place = ordered.groupby("chapter").cumcount() + 1
    for verdict, colour in _VERDICT_COLOURS.items():
        shown = ordered["verdict"] == verdict
        ax.plot(
            place[shown], ordered.loc[shown, "chapter"].map(rows), _VERDICT_MARKERS[verdict], color=colour,
            markersize=3.8, label=f"{verdict} ({shown.sum()})",
        )  # fmt: skip
    ax.set(title="claims", xlabel="number of claims", xlim=(0, place.max() + 1))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", visible=False)


def _draw_deviations(ax: Axes, claims: pd.DataFrame, rows: dict[int, int]) -> None:
    for verdict, colour in _VERDICT_COLOURS.items():
        shown = claims[(claims["verdict"] == verdict) & claims["deviation"].notna()]
        ax.plot(
            np.maximum(shown["deviation"], _ROUNDING), shown["chapter"].map(rows), _VERDICT_MARKERS[verdict],
            color=colour, markersize=5.5, alpha=0.6,
        )  # fmt: skip
    ax.axvline(np.finfo(float).eps, color=COLOURS["limit"], linestyle=":", linewidth=1.2)
    ax.set(xscale="log", title="largest difference", xlabel="|measured - predicted|\n/ |predicted|")
    ax.yaxis.set_minor_locator(NullLocator())
