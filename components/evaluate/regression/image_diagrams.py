"""Pictures of galaxies beside what was made of them, and n(z) as it is recovered."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from components.common.distributions import BinnedDistribution
from components.common.figures import (
    INK,
    MUTED,
    SERIES,
    WIDTH,
    Figure,
    figure_style,
    finish,
    new_axes,
    note,
    rule,
    set_percent,
)
from components.common.scores import Floats
from components.evaluate.regression.diagrams import FAILURE, MODEL, OTHER
from components.evaluate.regression.image_curves import RedshiftCounts

CATALOGUE = SERIES[2]

_SHOWN_BANDS = ("i", "r", "g")
_BRIGHTEST = 5.0
"""Of stretched flux, which few galaxies exceed."""

_SHARE = 0.999
_BELOW_LEGEND = 0.78
_WINDOW = 8.0
"""Half-width of the drawn range of redshifts, in predicted sigmas."""


def displayed(images: npt.NDArray[Any], settings: Mapping[str, Any]) -> Floats:
    """Turn stored pictures into red, green and blue from 0 to 1, shape (n, size, size, 3).

    Parameters
    ----------
    images : ndarray, shape (n, channels, size, size)
        uint8 as it is; of stretched flux the bands i, r and g, or the first one alone.
    settings : mapping
        Of the table.
    """
    if images.dtype == np.uint8:
        return np.asarray(np.moveaxis(images, 1, -1) / 255.0)
    bands = list(settings["bands"])
    chosen = [bands.index(band) for band in _SHOWN_BANDS] if set(_SHOWN_BANDS) <= set(bands) else [0, 0, 0]
    return np.clip(np.moveaxis(images[:, chosen].astype(np.float64), 1, -1) / _BRIGHTEST, 0, 1)


@figure_style()
def draw_prediction(
    picture: Floats,
    distribution: BinnedDistribution,
    predicted: float,
    truth: float,
    scale_arcsec: float,
    title: str,
) -> Figure:
    """Draw a picture and the distribution that was predicted for it.

    Parameters
    ----------
    picture : ndarray, shape (size, size, 3)
        Red, green and blue.
    distribution : BinnedDistribution
        Of one row.
    predicted, truth : float
        Redshifts; a truth of NaN is not drawn.
    scale_arcsec : float
        Of a pixel.
    title : str
        Which galaxy it is.
    """
    drawing = Drawing(figsize=(WIDTH, 1.9), layout="constrained")
    left, right = drawing.subplots(1, 2, width_ratios=(1.0, 1.45))
    _show(left, picture, scale_arcsec)
    rule(right, None)
    density = distribution.probability[0].astype(np.float64) / np.diff(distribution.edges)
    right.stairs(density / density.max(), distribution.edges, color=MODEL, fill=True, alpha=0.45)
    right.axvline(
        predicted, ymax=_BELOW_LEGEND, color=FAILURE, linewidth=1.3, linestyle=(0, (4, 2)), label="predicted"
    )
    shown = [predicted]
    if np.isfinite(truth):
        right.axvline(
            truth, ymax=_BELOW_LEGEND, color=CATALOGUE, linewidth=1.3, linestyle=(0, (1.2, 1.6)), label="catalogue"
        )
        shown.append(truth)
    reach = max(_WINDOW * float(distribution.sigma()[0]), 0.02)
    right.set_xlim(max(float(distribution.edges[0]), min(shown) - reach), max(shown) + reach)
    right.set_ylim(0, 1.35)
    right.set_yticks([])
    right.set_ylabel("p(z)")
    right.set_xlabel("Redshift", labelpad=1)
    right.legend(loc="upper right", ncols=2, fontsize=7)
    known = f"catalogue z\u00a0=\u00a0{truth:.3f}, " if np.isfinite(truth) else ""
    return finish(
        drawing,
        f"Picture of {title}, {known}predicted z\u00a0=\u00a0{predicted:.3f}; p(z) beside it.",
        f"{title}: {known}predicted z\u00a0=\u00a0{predicted:.3f}.",
    )


@figure_style()
def draw_attribution(picture: Floats, attribution: Floats, scale_arcsec: float, title: str) -> Figure:
    """Draw a picture, and beside it which patches raise and which lower its redshift.

    Parameters
    ----------
    picture : ndarray, shape (size, size, 3)
        Red, green and blue.
    attribution : ndarray, shape (k, k)
        In ln(1 + z), by patch.
    scale_arcsec : float
        Of a pixel.
    title : str
        Which galaxy it is.
    """
    drawing = Drawing(figsize=(WIDTH, 2.2), layout="constrained")
    left, right = drawing.subplots(1, 2)
    _show(left, picture, scale_arcsec)
    largest = float(np.quantile(np.abs(attribution), _SHARE)) or 1.0
    half = picture.shape[0] * scale_arcsec / 2
    right.imshow(
        np.clip(attribution / largest, -1, 1), cmap="RdBu_r", vmin=-1, vmax=1, origin="upper",
        extent=(-half, half, -half, half), interpolation="nearest",
    )  # fmt: skip
    right.set_xlabel("arcsec", labelpad=1)
    right.set_yticks([])
    total = f"{attribution.sum():+.4f}".replace("-", "\u2212")
    return finish(
        drawing,
        f"Picture of {title}, and the attribution of its redshift to pixels.",
        f"{title}. Red patches raise the predicted redshift, blue ones lower it; all together change ln(1 + z) by "
        f"{total} beside an empty sky.",
    )


@figure_style()
def draw_share(radius_arcsec: Floats, share: Floats) -> Figure:
    """Draw which share of the attribution lies within a distance of the middle.

    Parameters
    ----------
    radius_arcsec, share : ndarray, shape (k,)
        Distance, and share within it.
    """
    drawing, axes = new_axes(2.4)
    area = np.minimum(share[-1] * (radius_arcsec / radius_arcsec[-1]) ** 2, 1)
    axes.plot(radius_arcsec, area, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.plot(radius_arcsec, share, color=MODEL)
    axes.set_xlim(0, float(radius_arcsec[-1]))
    axes.set_ylim(0, 1.02)
    set_percent(axes.yaxis)
    note(axes, float(radius_arcsec[-1]) * 0.98, float(area[len(area) // 2]), "were it spread evenly", ha="right")
    axes.set_xlabel("Distance from the middle in arcsec")
    axes.set_ylabel("Attribution within it")
    half = float(np.interp(0.5, share, radius_arcsec))
    return finish(
        drawing,
        "Share of the attribution within a distance of the middle of the picture.",
        f"Where the network looks: half of the attribution, by size, lies within {half:.1f} arcsec of the middle. "
        "The galaxy is there; what lies far outside is sky and neighbours.",
    )


@figure_style()
def draw_redshift_counts(counts: RedshiftCounts) -> Figure:
    """Draw n(z) by the catalogue, by the predicted medians and by the sum of the distributions."""
    drawing, axes = new_axes(2.7)
    axes.stairs(counts.truth, counts.edges, fill=True, color=OTHER, alpha=0.35, label="catalogue")
    axes.stairs(counts.points, counts.edges, color=MODEL, linewidth=1.4, label="medians")
    centre = (counts.edges[1:] + counts.edges[:-1]) / 2
    axes.plot(centre, counts.stacked, color=FAILURE, linewidth=1.4, linestyle=(0, (4, 2)), label="sum of p(z)")
    axes.set_xlim(counts.edges[0], counts.edges[-1])
    axes.set_ylim(0, None)
    axes.set_xlabel("Redshift")
    axes.set_ylabel("Galaxies")
    axes.legend()
    points, stacked = (counts.misplaced(values) for values in (counts.points, counts.stacked))
    return finish(
        drawing,
        "Histograms of the redshifts: catalogue, predicted medians, and the sum of the predicted distributions.",
        f"How many galaxies there are at each redshift. To give the catalogue's histogram, {points:.1%} of the "
        f"medians would have to change bins, and {stacked:.1%} of the summed distributions. Medians alone shrink "
        "towards the middle; the sum knows how uncertain they are.".replace("%", "\u202f%"),
    )


def _show(axes: Axes, picture: Floats, scale_arcsec: float) -> None:
    half = picture.shape[0] * scale_arcsec / 2
    axes.imshow(picture, origin="upper", extent=(-half, half, -half, half), interpolation="nearest")
    axes.set_xlabel("arcsec", labelpad=1)
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)


def titles(ids: npt.NDArray[Any], magnitude_r: npt.NDArray[Any]) -> Sequence[str]:
    """Name galaxies by id and magnitude, where that is known."""
    return [
        f"{name} (r\u00a0=\u00a0{m:.1f})" if np.isfinite(m) else f"{name}"
        for name, m in zip(ids, magnitude_r, strict=True)
    ]
