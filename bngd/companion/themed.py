"""Figures as a page shows them: on a dark page with paper and ink in each other's place, on a phone the narrow ones.

Lines get brighter on a dark page; pictures of data stay as they are.
"""

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image

from bngd.companion.drawings import PIXELS, image, in_few_colours
from bngd.files import write_text

_COLOURS = {
    # paper, ink, grid, and what the theory and limits are drawn with
    "#ffffff": "#121212", "#262626": "#dddddd", "#e6e6e6": "#333333", "#222222": "#e6e6e6", "#000000": "#e6e6e6",
    "#767676": "#a8a8a8",
    # the house colours, as the explorers have them
    "#d55e00": "#ff9a52", "#0072b2": "#62bdf3", "#009e73": "#3fcf9f", "#cc79a7": "#e59cc6", "#e69f00": "#f2bd4b",
    "#56b4e9": "#a9dcfa",
    # areas of outcomes: a legend shows the colour of a picture
    "#0072b1": "#0072b1", "#a6cee3": "#a6cee3", "#e69f01": "#e69f01", "#d55e01": "#d55e01",
}  # fmt: skip
"""Colour on a light page, as Matplotlib writes it -> on a dark one, whose ground is the theme's."""

_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_LIGHT, _DARK = (
    np.array([[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in side])
    for side in (_COLOURS.keys(), _COLOURS.values())
)

_GROUP = re.compile(r"(<g\b[^>]*>|</g>)")
_KEEPS = re.compile(r'id="picture')
_CHANGES = re.compile(r'id="(matplotlib\.axis|title)')

_FIGURE = re.compile(r'<figure\b(?:[^>]*? id="([^"]*)")?[^>]*>.*?</figure>', re.DOTALL)
_IMAGE = re.compile(
    r'<img\b(?P<before>[^>]*?) src="(?P<root>(?:\.\./)*)_images/(?P<name>[^"/]+)\.svg"(?P<after>[^>]*?)/?>'
)
_PHONE = "(max-width: 600px)"


def darken(svg: str) -> str:
    """Return a drawing of Matplotlib's for a dark page.

    What stands in a panel that `bngd.studies.shared.style.picture` marked stays as it is, but for its axes and title.
    """
    parts, kept = [], [False]
    for part in _GROUP.split(svg):
        if part == "</g>":
            kept.pop()
        elif part.startswith("<g"):
            kept.append(bool(_KEEPS.search(part)) or (kept[-1] and not _CHANGES.search(part)))
        parts.append(part if kept[-1] else PIXELS.sub(_marks_on_dark, _COLOUR.sub(_on_dark, part)))
    return "".join(parts)


def _marks_on_dark(pixels: re.Match[str]) -> str:
    """Return many marks that were drawn as pixels, each in the counterpart of the table's nearest colour."""
    marks = np.array(image(pixels[0]))
    seen = marks[..., 3] > 0
    if seen.all():  # no paper shows through: a picture
        return pixels[0]
    colours, which = np.unique(marks[seen][:, :3].astype(int), axis=0, return_inverse=True)
    nearest = ((colours[:, None] - _LIGHT) ** 2).sum(axis=2).argmin(axis=1)
    marks[seen, :3] = _DARK[nearest[which.ravel()]]
    return in_few_colours(Image.fromarray(marks))


def _on_dark(colour: re.Match[str]) -> str:
    """Return a colour's counterpart: of one that has none in the table, the mean with white, the closer the darker."""
    if colour[0] in _COLOURS:
        return _COLOURS[colour[0]]
    rgb = [int(colour[0][place : place + 2], 16) for place in (1, 3, 5)]
    share = 0.5 - 0.5 * (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255
    return "#" + "".join(f"{round(part + share * (255 - part)):02x}" for part in rgb)


def add_dark(site: Path) -> None:
    """Write ``_images/<name>.dark.svg`` for each drawing that a page shows, where it is out of date."""
    for path in [*(site / "_images").glob("*.svg"), *(site / "_figures").glob("*.narrow.svg")]:
        dark = site / "_images" / f"{path.stem}.dark.svg"
        fresh = dark.exists() and dark.stat().st_mtime_ns > path.stat().st_mtime_ns
        if not (fresh or path.stem.endswith(".dark")):
            write_text(dark, darken(path.read_text(encoding="utf-8")))


def choose(page: str, narrow: Collection[str]) -> str:
    """Let a page show figures in the form that fits: light or dark, and below 600 pixels narrow if there is one.

    Parameters
    ----------
    page : str
        HTML.
    narrow : collection of str
        Names of figures, ``<notebook>-<figure>``, of which ``_figures`` has a narrow form. In a page a drawing from a
        notebook is named by its figure's id, which has hyphens only.
    """
    by_id = {name.replace("_", "-"): name for name in narrow}

    def forms(image: re.Match[str], figure: str | None) -> str:
        name = image["name"] if image["name"] in narrow else by_id.get(figure or "")
        return "".join(_form(image, name, dark) for dark in (False, True))

    return _FIGURE.sub(lambda figure: _IMAGE.sub(lambda image: forms(image, figure[1]), figure[0]), page)


def _form(match: re.Match[str], name: str | None, dark: bool) -> str:
    root, end = match["root"], ".dark.svg" if dark else ".svg"
    look = f'class="only-{"dark" if dark else "light"}" loading="lazy"'
    before = re.sub(r' class="[^"]*"', "", match["before"])
    image = f'<img{before} {look} src="{root}_images/{match["name"]}{end}"{match["after"]}/>'
    if name is None:
        return image
    folder = "_images" if dark else "_figures"
    return f'<picture><source media="{_PHONE}" srcset="{root}{folder}/{name}.narrow{end}"/>{image}</picture>'
