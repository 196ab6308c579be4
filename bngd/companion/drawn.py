"""The numbers behind a figure: what its lines and points show, as a table that readers can take away."""

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def table_of(fig: "Figure") -> str:
    """Return a figure's lines and points as CSV, one row each: panel, series, x, y; nothing if it has none.

    A series is named as in the legend, or counted. Lines that mark a place, and pictures, are left out; numbers have
    ten digits.
    """
    rows = [
        (panel, name, f"{x:.10g}", f"{y:.10g}")
        for panel, ax in enumerate(fig.axes, 1)
        for name, points in _series(ax)
        for x, y in points
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("panel", "series", "x", "y"), *rows])
    return text.getvalue() if rows else ""


def _series(ax: "Axes") -> Iterator[tuple[str, NDArray[np.float64]]]:
    drawn: list[tuple[Artist, Any]] = [
        (line, line.get_xydata()) for line in ax.lines if line.get_transform() == ax.transData
    ]
    drawn += [(marks, marks.get_offsets()) for marks in ax.collections if marks.get_offset_transform() == ax.transData]
    for number, (artist, points) in enumerate(drawn, 1):
        label = str(artist.get_label())
        yield f"series {number}" if label.startswith("_") else label, np.ma.filled(np.ma.asarray(points, float), np.nan)
