"""A figure as files: in three formats as it was laid out, and once more for the width of a phone."""

import base64
import functools
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": None}, "pdf": {"CreationDate": None}}
"""What Matplotlib would otherwise stamp into a file, so that two runs would differ."""

NARROW = 4.2
"""Inches; shown 342 pixels wide, as on a phone, letters of nine points are eleven pixels high."""

_COORDINATES = re.compile(rb'(?<= d=")[^"]+|(?<= [xy]=")[^"]+')
"""What an SVG writes to a millionth of a point, a word a line: a hundredth cannot be told from it, and takes a quarter
fewer bytes."""

PIXELS = re.compile(r"(?<=data:image/png;base64,)[\sA-Za-z0-9+/=]+")
"""Marks so many that they are drawn as pixels."""

_MARKERS = re.compile(
    rb'<g(?P<clip>(?: clip-path="[^"]*")?)>(?P<first>\s*<use [^>]*?)(?P<style> style="[^"]*")/>'
    rb"(?P<others>(?:\s*<use [^>]*?(?P=style)/>)+)(?=\s*</g>)"
)
"""A group of markers that all have one style: said once for the group, it takes up to two fifths off a drawing."""

_TALLEST = 3.0
"""Inches; the highest that a panel is in a column of several."""


def drawings(fig: "Figure") -> dict[str, bytes]:
    """Return the figure by the end of its file's name: svg, png and pdf, and ``narrow.svg`` unless it is narrow.

    The figure itself is left narrow.
    """
    import matplotlib as mpl

    _remember_formulas()
    # Without a salt the ids inside an SVG are random. Without an engine each format is drawn once: with one, even
    # with matplotlib's placeholder, it is drawn twice; and "no engine" is what None means under this setting alone.
    with mpl.rc_context({"svg.hashsalt": "bngd", "figure.constrained_layout.use": False}):
        made = _draw(fig, list(_METADATA))
        if fig.get_figwidth() > NARROW:
            narrow(fig)
            made["narrow.svg"] = _draw(fig, ["svg"])["svg"]
    return made


@functools.cache
def _remember_formulas() -> None:
    """Let matplotlib keep what it made of a formula: to read it anew each time takes a third of drawing a figure.

    By itself it keeps fifty formulas, and none from one drawing to the next; a figure is laid out and drawn six times.
    """
    from matplotlib import textpath
    from matplotlib.backends import backend_agg
    from matplotlib.mathtext import MathTextParser

    # Whatever is drawn on makes a reader of its own, whose memory goes with it.
    textpath.MathTextParser = backend_agg.MathTextParser = functools.cache(MathTextParser)  # type: ignore
    parse = MathTextParser._parse_cached  # type: ignore[attr-defined]
    MathTextParser._parse_cached = functools.lru_cache(5000)(parse.__wrapped__)  # type: ignore[attr-defined]


def _draw(fig: "Figure", kinds: list[str]) -> dict[str, bytes]:
    """Return the figure in each format, laid out once: that takes as long as drawing it."""
    import matplotlib as mpl

    drawn = {}
    if engine := fig.get_layout_engine():
        engine.execute(fig)
    fig.set_layout_engine(None)
    area = fig.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
    for kind in kinds:
        buffer = io.BytesIO()
        fig.savefig(buffer, format=kind, dpi=150, metadata=_METADATA[kind], bbox_inches=area)
        drawn[kind] = buffer.getvalue()
    if "svg" in drawn:
        shorter = _COORDINATES.sub(lambda found: _in_short(found[0]), drawn["svg"])
        shorter = re.sub(rb"\n +", b"\n", _MARKERS.sub(_style_once, shorter))
        drawn["svg"] = PIXELS.sub(lambda found: in_few_colours(image(found[0])), shorter.decode()).encode()
    return drawn


def _style_once(group: re.Match[bytes]) -> bytes:
    others = group["others"].replace(group["style"], b"")
    return b"<g" + group["clip"] + group["style"] + b">" + group["first"] + b"/>" + others


def _in_short(numbers: bytes) -> bytes:
    rounded = re.sub(rb"-?\d+\.\d+", lambda number: (b"%.2f" % float(number[0])).rstrip(b"0").rstrip(b"."), numbers)
    return re.sub(rb"\s*([A-Za-z])\s*", rb"\1", rounded).strip()


def image(pixels: str) -> Image.Image:
    """Return the image that a PNG in base64 holds, in red, green, blue and opacity."""
    return Image.open(io.BytesIO(base64.b64decode(pixels))).convert("RGBA")


def in_few_colours(drawn: Image.Image) -> str:
    """Return an image of four channels as a PNG in base64, of its 256 most frequent colours: the same to the eye.

    Of marks that overlap, the few pixels that have another colour take the nearest of these.
    """
    from scipy.spatial import KDTree  # here, because it takes a fifth of a second and few figures have pixels

    pixels = np.array(drawn)
    colours, which, times = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True, return_counts=True)
    palette = colours[np.argsort(-times, kind="stable")[:256]]
    nearest = KDTree(palette).query(colours)[1]
    few = Image.fromarray(nearest[which].reshape(pixels.shape[:2]).astype("uint8"), "P")
    few.putpalette(palette[:, :3].tobytes())
    buffer = io.BytesIO()
    few.save(buffer, "png", optimize=True, transparency=palette[:, 3].tobytes())
    return base64.b64encode(buffer.getvalue()).decode()


def narrow(fig: "Figure") -> None:
    """Lay a figure out anew, for a phone: its panels in one column, each with its own labels, legends below them."""
    places = {ax: place for ax in fig.axes if (place := ax.get_subplotspec()) is not None and ax.get_visible()}
    panels = list(places)
    heights = [min(ax.get_position().height * fig.get_figheight(), _TALLEST if panels[1:] else 9) for ax in panels]
    if any(place.get_gridspec().ncols > 1 for place in places.values()):
        grid = fig.add_gridspec(len(panels), 1, height_ratios=heights)
        for number, ax in enumerate(panels):
            _label_alone(ax, panels)
            ax.set_subplotspec(grid[number])
        fig.set_size_inches(NARROW, sum(heights) + 0.75 * len(panels))
    else:
        fig.set_size_inches(NARROW, fig.get_figheight())
    fig.set_layout_engine("constrained")
    for legend in list(fig.legends):
        _put_below(fig, legend)


def _label_alone(ax: "Axes", panels: list["Axes"]) -> None:
    """Give a panel the labels that it left to a neighbour."""
    ax.tick_params(labelbottom=True, labelleft=True)
    for axis, joined in (("x", ax.get_shared_x_axes()), ("y", ax.get_shared_y_axes())):
        labels = (getattr(other, f"get_{axis}label")() for other in panels if joined.joined(ax, other))
        if not getattr(ax, f"get_{axis}label")():
            getattr(ax, f"set_{axis}label")(next(filter(None, labels), ""))


def _put_below(fig: "Figure", legend: Any) -> None:
    """Put a legend below all panels, in as many columns as should fit by what a column took so far."""
    handles, labels = legend.legend_handles, [text.get_text() for text in legend.get_texts()]
    column = 1.1 * legend.get_window_extent().width / legend._ncols
    legend.remove()
    columns = min(max(int(fig.bbox.width / column), 1), len(labels))
    fig.legend(handles, labels, loc="outside lower center", ncols=columns)
