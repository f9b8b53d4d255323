"""Templates of galaxies taken apart into starlight and emission lines, and blurred by the motion of their stars.

The lines of a template are the average of many galaxies and as wide as its pixels. Taken out, they can be put back
with the strength and width of one galaxy. What a line hides of the starlight is replaced by a straight line, so
that half of the Balmer absorption under strong emission is lost.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.wavelength_grid import LATTICE_STEP

FloatArray = npt.NDArray[np.float64]

REST_RANGE_ANGSTROM = (1700.0, 10700.0)
SMEARING_KM_S = np.linspace(0.0, 400.0, 17)
"""Standard deviations of the Gaussians that the starlight is blurred with beforehand."""

_PIXEL_KM_S = LATTICE_STEP * np.log(10) * SPEED_OF_LIGHT_KM_S

# middle and half width of a stretch [angstrom] that holds lines, and the lines in it: vacuum wavelength, share.
# Shares of unresolved lines: the 3:1 of [N II] is atomic physics (Storey & Zeippen 2000, MNRAS 312, 813);
# [N II]/H alpha 0.4 and [S II] 1.3 are what HII regions of bright spirals have.
_STRETCHES: tuple[tuple[float, float, tuple[tuple[float, float], ...]], ...] = (
    (3728.8, 12.0, ((3728.8, 1.0),)),
    (3869.9, 10.0, ((3869.9, 1.0),)),
    (4102.9, 7.0, ((4102.9, 1.0),)),
    (4341.7, 8.0, ((4341.7, 1.0),)),
    (4862.7, 10.0, ((4862.7, 1.0),)),
    (4960.3, 10.0, ((4960.3, 1.0),)),
    (5008.2, 12.0, ((5008.2, 1.0),)),
    (5877.2, 11.0, ((5877.2, 1.0),)),
    (6302.0, 12.0, ((6302.0, 1.0),)),
    (6567.0, 36.0, ((6549.9, 0.087), (6564.6, 0.652), (6585.3, 0.261))),
    (6725.5, 24.0, ((6718.3, 0.565), (6732.7, 0.435))),
    (7137.8, 14.0, ((7137.8, 1.0),)),
    (9071.1, 18.0, ((9071.1, 1.0),)),
    (9533.2, 18.0, ((9533.2, 1.0),)),
)

_LEAST_WIDTH_ANGSTROM = 1.0
"""Equivalent width from which an excess is a line: an old population has bumps between its absorption lines."""

LINE_WAVELENGTHS_ANGSTROM = np.array([line for *_, lines in _STRETCHES for line, _ in lines])
"""Rest wavelengths in vacuum of the emission lines, shape (lines,)."""


@dataclass(frozen=True)
class GalaxyTemplates:
    """Templates, apart into starlight and lines.

    Attributes
    ----------
    wavelength_angstrom : ndarray, shape (points,)
        Rest wavelengths as handed in, in vacuum.
    flux : ndarray, shape (templates, points)
        As handed in, each divided by its median between 5000 and 6000 angstrom: what photometry is fitted with.
    ln_first : float
        Natural logarithm of the first wavelength of `starlight`, whose step is that of the SDSS lattice.
    starlight : ndarray, shape (smearings, templates, pixels)
        Without lines, blurred by each of `SMEARING_KM_S`.
    line_flux : ndarray, shape (templates, lines)
        Flux in each line, in units of flux density times angstrom.
    """

    wavelength_angstrom: FloatArray
    flux: FloatArray
    ln_first: float
    starlight: FloatArray
    line_flux: FloatArray


def take_apart(wavelength_angstrom: FloatArray, flux: FloatArray) -> GalaxyTemplates:
    """Separate the lines of templates from their starlight.

    Parameters
    ----------
    wavelength_angstrom : ndarray, shape (points,)
        Rest wavelengths in vacuum, increasing, from below 1700 to beyond 10700 angstrom.
    flux : ndarray, shape (templates, points)
        Flux per unit wavelength; the scale of a template does not matter.
    """
    wave = np.asarray(wavelength_angstrom, dtype=np.float64)
    middle = (wave > 5000) & (wave < 6000)
    flux = np.asarray(flux, dtype=np.float64)
    flux = flux / np.median(flux[:, middle], axis=1, keepdims=True)
    starlight, line_flux = _without_lines(wave, flux)
    ln_first, ln_last = np.log(REST_RANGE_ANGSTROM)
    lattice = np.exp(np.arange(ln_first, ln_last, LATTICE_STEP * np.log(10)))
    sampled = np.stack([np.interp(lattice, wave, light) for light in starlight])
    blurred = [gaussian_filter1d(sampled, sigma / _PIXEL_KM_S, axis=1) for sigma in SMEARING_KM_S[1:]]
    return GalaxyTemplates(wave, flux, float(ln_first), np.stack([sampled, *blurred]), line_flux)


def _without_lines(wave: FloatArray, flux: FloatArray) -> tuple[FloatArray, FloatArray]:
    starlight = flux.copy()
    fluxes = []
    for centre, half_width, lines in _STRETCHES:
        inside = np.abs(wave - centre) < half_width
        edges = np.flatnonzero(inside)[[0, -1]] + np.array([-1, 1])
        straight = np.stack([np.interp(wave[inside], wave[edges], light[edges]) for light in flux])
        total = np.trapezoid(flux[:, inside] - straight, wave[inside], axis=1)
        has_line = total > _LEAST_WIDTH_ANGSTROM * straight.mean(axis=1)
        starlight[np.ix_(has_line, inside)] = straight[has_line]
        fluxes += [np.where(has_line, total, 0.0) * share for _, share in lines]
    return starlight, np.stack(fluxes, axis=1)


def templates_resolution_km_s(wavelength_angstrom: FloatArray) -> float:
    """Return the blur that sampling amounts to, as a standard deviation: a pixel's width over root 12."""
    at = np.searchsorted(wavelength_angstrom, 5000.0)
    step = np.log(wavelength_angstrom[at + 1] / wavelength_angstrom[at])
    return float(step * SPEED_OF_LIGHT_KM_S / np.sqrt(12.0))
