import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from components.common.figures import (
    MAX_MARKERS,
    SERIES,
    draw_points,
    figure_style,
    finish,
    new_axes,
    new_panels,
    note,
    set_percent,
)
from components.common.themed_svg import PALETTE

SVG = "{http://www.w3.org/2000/svg}"


@figure_style()
def scatter(points, seed=0, alt="Points", log=False):
    rng = np.random.default_rng(seed)
    drawing, axes = new_axes()
    if log:
        axes.set_xscale("log")
    axes.set_xlim(0.5, 100)
    axes.set_ylim(0, 1)
    draw_points(axes, 10 ** rng.uniform(0, 2, points), rng.uniform(0, 1, points), SERIES[1], label="all")
    axes.set_xlabel("Flux <of> Lyα & more")
    note(axes, 2, 0.5, "a note")
    axes.legend()
    return finish(drawing, alt, "Look here.")


def marks(svg):
    return [e for e in ElementTree.fromstring(svg).iter(f"{SVG}use") if "series-2" in e.get("style", "")]


def pictures(svg):
    return list(ElementTree.fromstring(svg).iter(f"{SVG}image"))


def decode(image):
    png = base64.b64decode(image.get("href").removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(png)))


def ids_and_references(svg):
    ids = re.findall(r' id="([^"]+)"', svg)
    references = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)
    return ids, {a or b for a, b in references}


def test_the_same_drawing_gives_the_same_bytes():
    assert scatter(500).svg == scatter(500).svg
    assert scatter(5000).svg == scatter(5000).svg


def test_text_stays_text_and_is_escaped():
    texts = ["".join(e.itertext()) for e in ElementTree.fromstring(scatter(10).svg).iter(f"{SVG}text")]
    assert "Flux <of> Lyα & more" in texts


def test_every_colour_is_a_variable_of_the_theme():
    svg = scatter(500).svg
    roles = dict(re.findall(r"var\(--([a-z0-9-]+), (#[0-9a-f]{6})\)", svg))
    assert roles.items() <= {role: light for role, (light, _) in PALETTE.items()}.items()
    assert {"ink", "muted", "grid", "paper", "series-2"} <= roles.keys()
    assert set(re.findall(r"#[0-9a-f]{6}\b(?!\))", re.sub(r"base64,[^\"]+|#f[0-9a-f]{8}-", "", svg))) == set()


def test_ids_are_used_and_differ_between_figures():
    ids, references = ids_and_references(scatter(500).svg)
    assert set(ids) == references
    assert len(ids) == len(set(ids))
    others, _ = ids_and_references(scatter(500, seed=1).svg)
    relabelled, _ = ids_and_references(scatter(500, alt="The same points").svg)
    assert not set(ids) & set(others)
    assert not set(ids) & set(relabelled)


def test_an_svg_brings_no_style_sheet_metadata_or_size():
    svg = scatter(10).svg
    assert "<style" not in svg
    assert "metadata" not in svg
    assert not {"width", "height"} & ElementTree.fromstring(svg).attrib.keys()


def test_an_svg_has_an_accessible_name():
    root = ElementTree.fromstring(scatter(10, alt='A "quoted" name').svg)
    assert (root.get("role"), root.get("aria-label")) == ("img", 'A "quoted" name')


def test_few_points_are_marks():
    svg = scatter(MAX_MARKERS).svg
    assert len(marks(svg)) >= MAX_MARKERS
    assert not pictures(svg)


@pytest.mark.parametrize("log", [False, True])
def test_many_points_are_one_small_picture_in_the_themes_colour(log):
    svg = scatter(50_000, log=log).svg
    (image,) = pictures(svg)
    opacity = decode(image)
    assert 0.3 < (opacity > 0).mean() < 1
    assert opacity.max() == 255
    assert len(marks(svg)) <= 1  # that of the legend
    assert len(svg) < 400_000
    (area,) = (e for e in ElementTree.fromstring(svg).iter(f"{SVG}rect") if e.get("mask"))
    assert area.get("style") == f"fill: var(--series-2, {SERIES[1]})"


@figure_style()
def one_cluster(log):
    drawing, axes = new_axes()
    if log:
        axes.set_xscale("log")
    axes.set_xlim(1, 100)
    axes.set_ylim(0, 1)
    draw_points(axes, np.full(MAX_MARKERS + 1, 10.0), np.full(MAX_MARKERS + 1, 0.75))
    return finish(drawing, "One cluster", "")


@pytest.mark.parametrize(("log", "expected"), [(False, 9 / 99), (True, 0.5)])
def test_a_picture_puts_points_where_marks_would_be(log, expected):
    (image,) = pictures(one_cluster(log).svg)
    opacity = decode(image)
    row, column = np.argwhere(opacity > 0).mean(axis=0)
    scale = float(re.search(r"matrix\((\S+) \S+ \S+ (\S+)", _transform_around(one_cluster(log).svg))[2])
    height = row / opacity.shape[0] if scale < 0 else 1 - row / opacity.shape[0]
    # One pixel, as the cluster falls in the middle of a dot of five.
    assert column / opacity.shape[1] == pytest.approx(expected, abs=2 / opacity.shape[1])
    assert height == pytest.approx(0.75, abs=2 / opacity.shape[0])


def _transform_around(svg):
    groups = (e for e in ElementTree.fromstring(svg).iter(f"{SVG}g") if e.find(f"{SVG}mask") is not None)
    return next(groups).get("transform")


@figure_style()
def panels():
    drawing, (above, below) = new_panels((2, 1))
    above.plot([0, 1], [0.125, 0.5])
    set_percent(above.yaxis)
    above.set_yticks([-0.25, 0.125, 0.5])
    below.plot([0, 1], [1, 2])
    return finish(drawing, "Two panels", "")


def test_percentages_have_the_digits_they_need():
    texts = ["".join(e.itertext()) for e in ElementTree.fromstring(panels().svg).iter(f"{SVG}text")]
    assert {"−25\u202f%", "12.5\u202f%", "50\u202f%"} <= set(texts)


def test_drawing_leaves_no_trace_in_the_global_style():
    import matplotlib

    before = dict(matplotlib.rcParams)
    scatter(10)
    assert dict(matplotlib.rcParams) == before


def _luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("role", [r for r in PALETTE if r not in ("paper", "grid")])
def test_colours_of_text_are_readable_in_both_themes(role, theme):
    # WCAG 2.2, success criterion 1.4.3, level AA: series colours write the names of lines and objects, too.
    bright, dark = sorted((_luminance(PALETTE[role][theme]), _luminance(PALETTE["paper"][theme])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
