"""A spectrum beside what was made of it: lines at the catalogue's redshift and at the predicted one, and p(z)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy import ndimage

from components.common.figures import MUTED, SERIES, Figure, figure_style, finish, new_panels, note
from components.common.scores import Floats
from components.evaluate.regression.diagrams import FAILURE, MODEL
from components.physics.spectral_lines import EMISSION_LINES, Line

CATALOGUE = SERIES[2]

_COLUMNS = 500  # more than a phone has pixels for
_SMOOTHING_COLUMNS = 1.6
_LETTER = 0.0148  # width of one in a line's name, of the panel


def draw_spectra(
    wavelength_angstrom: Floats,
    flux: npt.NDArray[np.floating],
    truth: Floats,
    predicted: Floats,
    edges: Floats,
    probability: npt.NDArray[np.floating],
    titles: Sequence[str],
    lines: Sequence[Line] = EMISSION_LINES,
) -> list[Figure]:
    """Draw a small figure of each spectrum.

    Parameters
    ----------
    wavelength_angstrom : ndarray, shape (pixels,)
        Of the grid.
    flux : ndarray, shape (n, pixels)
        NaN where missing.
    truth, predicted : ndarray, shape (n,)
        Catalogue and predicted redshifts; a truth of NaN is not drawn.
    edges : ndarray, shape (k + 1,)
        Of the redshift bins.
    probability : ndarray, shape (n, k)
        Predicted probability of each bin.
    titles : sequence of str, length n
        Which spectrum it is, such as id and S/N.
    lines : sequence of Line
        Marked at both redshifts.
    """
    return [
        _draw_spectrum(wavelength_angstrom, flux[i], (truth[i], predicted[i]), edges, probability[i], title, lines)
        for i, title in enumerate(titles)
    ]


@figure_style()
def _draw_spectrum(
    wavelength: Floats,
    flux: npt.NDArray[np.floating],
    redshifts: tuple[float, float],
    edges: Floats,
    probability: npt.NDArray[np.floating],
    title: str,
    lines: Sequence[Line],
) -> Figure:
    truth, predicted = redshifts
    drawing, (above, below) = new_panels((3.2, 1), height=3.5, share_x=False)
    draw_flux(above, wavelength, flux)
    if np.isfinite(truth):
        mark_lines(above, truth, lines, CATALOGUE, 1.10)
    mark_lines(above, predicted, lines, FAILURE, 1.01)
    above.set_xlabel("Observed wavelength in Å", labelpad=1)
    above.set_ylabel("Flux, scaled")
    _draw_probability(below, edges, probability, redshifts)
    known = f"catalogue z\u00a0=\u00a0{truth:.3f}, " if np.isfinite(truth) else ""
    return finish(
        drawing,
        f"Spectrum {title}, {known}predicted z\u00a0=\u00a0{predicted:.3f}; lines marked at each, p(z) below.",
        f"{title}: {known}predicted z\u00a0=\u00a0{predicted:.3f}.",
    )


def draw_flux(axes: Axes, wavelength: Floats, flux: npt.NDArray[np.floating]) -> None:
    """Draw the range of the pixels in each column of the screen, and a smoothed mean."""
    per_column = max(1, wavelength.size // _COLUMNS)
    columns = wavelength.size // per_column
    pixels = np.asarray(flux[: columns * per_column], dtype=np.float64).reshape(columns, per_column)
    centre = wavelength[: columns * per_column].reshape(columns, per_column).mean(axis=1)
    good = np.isfinite(pixels)
    low = np.where(good, pixels, np.inf).min(axis=1)
    high = np.where(good, pixels, -np.inf).max(axis=1)
    seen = good.any(axis=1)
    total = ndimage.gaussian_filter1d(np.where(good, pixels, 0.0).sum(axis=1), _SMOOTHING_COLUMNS)
    weight = ndimage.gaussian_filter1d(good.sum(axis=1).astype(np.float64), _SMOOTHING_COLUMNS)
    smooth = np.where(seen, total / np.where(seen, weight, 1.0), np.nan)
    if per_column == 1:
        axes.plot(centre, np.where(seen, low, np.nan), color=MUTED, alpha=0.45, linewidth=0.5)
    else:
        axes.fill_between(centre, low, high, where=seen.tolist(), color=MUTED, alpha=0.35, linewidth=0)
    axes.plot(centre, smooth, color=MODEL, linewidth=1.0)
    axes.set_xlim(wavelength[0], wavelength[-1])
    if seen.any():
        bottom, top = np.nanquantile(smooth, [0.003, 0.997])
        pad = 0.25 * (top - bottom or 1.0)
        axes.set_ylim(bottom - pad, top + pad)


def mark_lines(axes: Axes, redshift: float, lines: Sequence[Line], colour: str, height: float) -> None:
    """Mark the lines inside the panel; names that would overlap are left out, their marks are not."""
    left, right = axes.get_xlim()
    end = -np.inf
    frame = axes.get_xaxis_transform()
    for line in sorted(lines, key=lambda line: line.wavelength_angstrom):
        at = line.wavelength_angstrom * (1 + redshift)
        place = (at - left) / (right - left)
        if not 0 < place < 1:
            continue
        dashes = (0, (4, 2)) if colour == FAILURE else (0, (1.2, 1.6))
        axes.axvline(at, color=colour, linewidth=0.9, linestyle=dashes)
        half = (len(line.name) + 1) * _LETTER / 2
        if place - half > end:
            note(axes, at, height, line.name, colour, ha="center", va="bottom", fontsize=7, transform=frame)
            end = place + half


def _draw_probability(
    axes: Axes, edges: Floats, probability: npt.NDArray[np.floating], redshifts: tuple[float, float]
) -> None:
    truth, predicted = redshifts
    density = np.asarray(probability, dtype=np.float64) / np.diff(edges)
    height = density / density.max(initial=1e-300)
    axes.stairs(height, edges, color=MODEL, fill=True, alpha=0.45)
    axes.stairs(height, edges, color=MODEL, linewidth=0.9)  # a sharp peak is narrower than a line on the screen
    # Marks above the curve, not lines across it: where the answer is sure they would cover all there is to see.
    if np.isfinite(truth):
        axes.plot(truth, 1.35, "v", color=CATALOGUE, markersize=5, linestyle="none", label="catalogue")
    axes.plot(predicted, 1.15, "D", color=FAILURE, markersize=4, linestyle="none", label="predicted")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.5)
    axes.set_yticks([])
    axes.set_ylabel("p(z)")
    axes.set_xlabel("Redshift", labelpad=1)
    axes.legend(loc="best", fontsize=7.5)
