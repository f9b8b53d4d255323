"""Figures that follow the page's theme: vector graphics with text as text and colours as CSS variables.

Drawn with matplotlib's object interface and inlined in the report. Text stays text, so that it can be selected,
searched and read in the theme's ink. Matplotlib lays it out with DejaVu Sans, which is wider than nearly every
system font: what fits here fits there. Labels are plain Unicode, as mathtext would place each glyph by the metrics
of a font that the reader may not have.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter
from matplotlib.typing import RcKeyType
from scipy import ndimage

from components.common.themed_svg import HALO, PALETTE, TINT, role_of, themed

INK, MUTED, GRID, PAPER = (PALETTE[role][0] for role in ("ink", "muted", "grid", "paper"))
SERIES = tuple(PALETTE[f"series-{i}"][0] for i in range(1, 7))

WIDTH = 4.4
"""Inches. On a phone's screen its type is nine pixels high, in one of two columns on a desk twelve."""

MAX_MARKERS = 1000
"""More points than this are drawn as one picture: as separate marks they would outweigh the rest of the page."""

_STYLE: Mapping[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "armillary",  # ids from content, not from chance
    "image.composite_image": False,  # composed pictures would lose their own resolution
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 1.8,
    "ytick.minor.size": 1.8,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "patch.linewidth": 0.7,
    "legend.frameon": True,  # without a line, on paper: what lies behind does not cross the names
    "legend.facecolor": PAPER,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.8,
    "legend.fancybox": False,
    "legend.borderpad": 0.2,
    "legend.fontsize": 8,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.2,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.05,
}

_CLOUD_PIXELS_PER_INCH = 200
_FAINTEST = 0.35  # a single point must still be seen


@dataclass(frozen=True)
class Figure:
    """A finished figure.

    Attributes
    ----------
    svg : str
        An `<svg>` element. Alone it is drawn in the light theme, inside the report in the page's.
    alt : str
        What the figure shows, for a reader who does not see it.
    caption : str
        What it shows and what to look for.
    """

    svg: str
    alt: str
    caption: str


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the house style within a block, or within a function that this decorates."""
    with matplotlib.rc_context(dict(_STYLE)):
        yield


def new_axes(height: float = 3.0, width: float = WIDTH, grid: str | None = "y") -> tuple[Drawing, Axes]:
    """Begin a figure of one panel.

    Parameters
    ----------
    height, width : float
        Inches.
    grid : {"x", "y", "both"} or None
        Which lines to rule behind the data.
    """
    drawing = Drawing(figsize=(width, height), layout="constrained")
    axes = drawing.add_subplot()
    rule(axes, grid)
    return drawing, axes


def new_panels(
    heights: tuple[float, ...], height: float = 3.6, width: float = WIDTH, share_x: bool = True
) -> tuple[Drawing, tuple[Axes, ...]]:
    """Begin a figure of panels above each other.

    Parameters
    ----------
    heights : tuple of float
        Relative heights, top first.
    height, width : float
        Inches.
    share_x : bool
        One horizontal axis for all, numbered below the last.
    """
    drawing = Drawing(figsize=(width, height), layout="constrained")
    panels = drawing.subplots(len(heights), 1, sharex=share_x, squeeze=False, height_ratios=heights)[:, 0]
    for axes in panels:
        rule(axes, "y")
    return drawing, tuple(panels)


def rule(axes: Axes, grid: str | None) -> None:
    """Rule lines behind the data; a ruled axis needs no ticks."""
    if grid in ("y", "both"):
        axes.grid(visible=True, axis="y")
        axes.tick_params(axis="y", which="both", length=0)
    if grid in ("x", "both"):
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="x", which="both", length=0)


def set_percent(axis: Axis) -> None:
    """Label an axis of fractions in percent, with the digits that it takes and no more."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g}\u202f%".replace("-", "\u2212")))


def draw_points(
    axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, colour: str = SERIES[0], size: float = 3.2, label: str = ""
) -> None:
    """Draw points: few as marks, many as one picture whose strength grows with the logarithm of their density.

    Parameters
    ----------
    axes : Axes
        With its scales and limits set: the picture has the resolution of the panel, not of the data.
    x, y : array, shape (n,)
        Data coordinates; points outside the limits are not drawn.
    colour : str
        A colour of the palette.
    size : float
        Diameter of a mark in points.
    label : str
        For the legend.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    many = x.size > MAX_MARKERS
    if many:
        _draw_cloud(axes, x, y, colour)
        x, y = x[:0], y[:0]  # the empty line below still makes the entry in the legend
    axes.plot(
        x, y, "o", color=colour, markersize=size, markeredgewidth=0, alpha=0.6, label=label or "_", scalex=False,
        scaley=False,
    )  # fmt: skip


def note(axes: Axes, x: float, y: float, text: str, colour: str = MUTED, **options: Any) -> None:
    """Write beside the data, set off from what lies behind.

    Parameters
    ----------
    axes : Axes
        With its limits set.
    x, y : float
        Data coordinates, unless `options` has a transform.
    text : str
        One line: a second one would not be centred on the first in another font.
    colour : str
        A colour of the palette.
    **options
        Properties of `matplotlib.text.Text`, such as `ha` and `va`.
    """
    axes.text(x, y, text, color=colour, gid=HALO, **{"fontsize": 8, **options})


def _draw_cloud(axes: Axes, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], colour: str) -> None:
    box = axes.get_position()
    drawing = axes.get_figure(root=True)
    assert drawing is not None
    size = drawing.get_size_inches() * _CLOUD_PIXELS_PER_INCH
    columns, rows = int(box.width * size[0]), int(box.height * size[1])
    unit = (axes.transScale + axes.transLimits).transform(np.column_stack([x, y]))
    counts = np.histogram2d(unit[:, 1], unit[:, 0], bins=(rows, columns), range=((0, 1), (0, 1)))[0]
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) < 2.3
    dots = ndimage.convolve(counts, disc.astype(np.float64), mode="constant")
    strength = np.log1p(dots) / np.log1p(dots.max(initial=1.0))
    alpha = np.where(dots > 0.5, _FAINTEST + (1 - _FAINTEST) * strength, 0.0)
    picture = np.ones((rows, columns, 4))
    picture[..., 3] = alpha
    image = AxesImage(axes, extent=(0, 1, 0, 1), origin="lower", interpolation="none", transform=axes.transAxes)
    image.set_data(picture)
    image.set_zorder(2)  # where marks are
    image.set_gid(f"{TINT}{role_of(colour)}")
    axes.add_artist(image)


def finish(drawing: Drawing, alt: str, caption: str) -> Figure:
    """Turn a drawing into a figure for the report; the same drawing gives the same bytes.

    Parameters
    ----------
    drawing : matplotlib.figure.Figure
        Made by `new_axes` or `new_panels`.
    alt : str
        What the figure shows, for a reader who does not see it.
    caption : str
        What it shows and what to look for.
    """
    text = io.StringIO()
    with figure_style():
        FigureCanvasSVG(drawing).print_svg(text, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return Figure(themed(text.getvalue(), alt), alt, caption)
