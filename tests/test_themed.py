import re
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from bngd.companion import themed
from bngd.companion.drawings import NARROW, drawings, image, in_few_colours, narrow
from bngd.studies.shared.style import COLOURS, INK, OUTCOME_COLOURS, figure, lettered, picture


@pytest.fixture(scope="module")
def two_panels():
    """A picture of data beside a panel with lines, as its files, and the figure when it has become narrow."""
    fig, axes = figure(2, width=9.0, height=3.0, sharey=True)
    axes[0].set_ylabel("loss")
    axes[0].pcolormesh(np.eye(3), rasterized=True)
    axes[0].axhline(1.5, color=COLOURS["theory"])
    picture(axes[0])
    for k, ax in enumerate(axes):
        ax.plot([0, 3], [0, k], color=COLOURS["bngd"], label="a rather long name of a line of the two in here")
        ax.set_title("title")
    lettered(fig, axes)
    fig.legend(loc="outside lower center", ncols=2)
    return drawings(fig), fig


def colours(svg, group):
    """Return the colours that occur in a group of a drawing."""
    inside = svg[svg.index(f'<g id="{group}">') :]
    depth = 0
    for tag in re.finditer(r"<g\b|</g>", inside):
        depth += 1 if tag[0] == "<g" else -1
        if depth == 0:
            return set(re.findall(r"#[0-9a-f]{6}\b", inside[: tag.end()]))
    raise AssertionError(f"{group} does not end")


def test_on_a_dark_page_paper_and_ink_change_places_and_pictures_stay(two_panels):
    dark = themed.darken(two_panels[0]["svg"].decode())
    assert COLOURS["bngd"].lower() not in colours(dark, "axes_1")
    assert {COLOURS["bngd"].lower(), COLOURS["theory"].lower()} <= colours(dark, "picture-0")
    assert colours(dark, "title-a") == {"#dddddd"}  # the titles' and the axes' ink is light, in both panels
    assert INK not in colours(dark, "axes_1")
    assert dark.count("<image") == two_panels[0]["svg"].decode().count("<image") > 0
    assert re.search(r'<g id="patch_1">\s*<path [^>]*style="fill: #121212"', dark)


def luminance(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("colour", [INK, *COLOURS.values(), "#443983", "#31688e"])
def test_what_is_drawn_stands_out_from_a_dark_page(colour):
    drawn = luminance(themed.darken(colour.lower()))
    assert (drawn + 0.05) / (luminance("#121212") + 0.05) > 4.5


def test_areas_of_outcomes_look_alike_in_a_picture_and_its_legend():
    for colour in OUTCOME_COLOURS.values():
        assert themed.darken(colour.lower()) == colour.lower()


def test_a_narrow_figure_has_its_panels_in_one_column_each_with_its_labels(two_panels):
    fig = two_panels[1]
    upper, lower = (ax.get_position() for ax in fig.axes)
    assert upper.y0 > lower.y1
    assert lower.width == pytest.approx(upper.width)
    assert [ax.get_ylabel() for ax in fig.axes] == ["loss", "loss"]
    assert fig.axes[1].yaxis.get_ticklabels()[0].get_visible()
    assert fig.get_figwidth() == NARROW
    assert fig.legends[0].get_window_extent().width <= fig.bbox.width
    assert set(two_panels[0]) == {"svg", "png", "pdf", "narrow.svg"}


def test_coordinates_are_written_to_a_hundredth_of_a_point_and_no_more():
    fig, ax = figure()
    ax.plot([0, 1 / 3, 1], [0, 1 / 7, 1])
    svg = drawings(fig)["svg"].decode()
    numbers = re.findall(r"\.(\d+)", " ".join(re.findall(r' (?:d|x|y)="([^"]+)"', svg)))
    assert {len(digits) for digits in numbers} >= {2}
    assert max(map(len, numbers)) == 2


def test_a_path_is_written_in_short_and_is_the_same():
    fig, ax = figure()
    ax.plot([0, 1 / 3, 1], [0, 1 / 7, 1])
    ax.axis("off")
    (path,) = re.findall(r' d="([^"]+)" clip-path', drawings(fig)["svg"].decode())
    assert re.fullmatch(r"M[\d.]+ [\d.]+(L[\d.]+ [\d.]+){2}", path)
    x, y = np.array(re.findall(r"[\d.]+", path), dtype=float).reshape(3, 2).T
    np.testing.assert_allclose((x - x[0]) / (x[2] - x[0]), [0, 1 / 3, 1], atol=1e-4)
    np.testing.assert_allclose((y - y[0]) / (y[2] - y[0]), [0, 1 / 7, 1], atol=1e-4)


@pytest.mark.parametrize("colours", [3, 256, 900])
def test_pixels_keep_their_most_frequent_colours(colours):
    rng = np.random.default_rng(colours)
    palette = np.unique(rng.integers(0, 256, (colours, 4), dtype=np.uint8), axis=0)
    drawn = palette[rng.integers(0, rng.integers(1, len(palette) + 1, (90, 90)))]
    shown = np.array(image(in_few_colours(Image.fromarray(drawn))))
    kept = (shown == drawn).all(axis=2)
    assert kept.all() if colours <= 256 else 0.5 < kept.mean() < 1
    assert len(np.unique(shown.reshape(-1, 4), axis=0)) <= 256
    assert np.abs(shown.astype(int) - drawn).max() < 160


def test_markers_of_one_style_say_it_once_and_keep_it():
    fig, (ax, other) = figure(2)
    ax.plot(range(20), range(20), "o", color="#d55e00")
    ax.plot(range(30), range(30), "o", color="#0072b2", alpha=0.5)
    other.scatter(range(3), range(3), c=["#009e73", "#cc79a7", "#e69f00"])
    svg = drawings(fig)["svg"].decode()
    tree = ElementTree.fromstring(svg)
    found = Counter()
    for group in tree.iter("{http://www.w3.org/2000/svg}g"):
        for marker in group.findall("{http://www.w3.org/2000/svg}use"):
            style = marker.get("style") or group.get("style", "")
            found[re.sub(r"(fill: #\w+)?(; fill-opacity: 0.5)?.*", r"\1\2", style)] += 1
    assert (found["fill: #d55e00"], found["fill: #0072b2; fill-opacity: 0.5"]) == (20, 30)
    assert [found[f"fill: {colour}"] for colour in ("#009e73", "#cc79a7", "#e69f00")] == [1, 1, 1]
    assert svg.count("fill: #d55e00") == 1


def test_one_panel_keeps_its_height():
    fig, _ = figure(width=7.0, height=3.1)
    narrow(fig)
    assert fig.get_size_inches().tolist() == [NARROW, 3.1]


def test_a_page_shows_each_drawing_in_the_form_that_fits():
    still = '<img alt="c" src="_images/z.svg"/>'  # shown where no script runs, and so on no dark page
    one = '<figure>\n<img alt="a" class="align-center" src="_images/x_y-tent.svg"/></figure>'
    page = still + one + '<figure class="align-default" id="x-y-plane"><img alt="b" src="../_images/1f.svg" /></figure>'
    shown = themed.choose(page, {"x_y-plane"})
    assert shown.startswith(still)
    assert re.findall(r'srcset="([^"]*)"', shown) == [
        "../_figures/x_y-plane.narrow.svg",
        "../_images/x_y-plane.narrow.dark.svg",
    ]
    assert re.findall(r'class="([^"]*)"[^>]* src="([^"]*)"', shown) == [
        ("only-light", "_images/x_y-tent.svg"), ("only-dark", "_images/x_y-tent.dark.svg"),
        ("only-light", "../_images/1f.svg"), ("only-dark", "../_images/1f.dark.svg"),
    ]  # fmt: skip
    assert re.findall(r'alt="(\w)"', shown) == ["c", "a", "a", "b", "b"]


def test_dark_drawings_are_written_once(tmp_path):
    for name in ("_images/1f.svg", "_figures/x-plane.svg", "_figures/x-plane.narrow.svg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("#ffffff")
    themed.add_dark(tmp_path)
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "_images").glob("*.dark.svg")}
    assert {path.name for path in made} == {"1f.dark.svg", "x-plane.narrow.dark.svg"}
    themed.add_dark(tmp_path)
    assert all(path.stat().st_mtime_ns == time for path, time in made.items())
