"""Spectra of galaxies as the Sloan surveys would have taken them, from the photometry of real ones.

Redshifts, magnitudes and colours are those of a catalogue. The spectrum of a galaxy is the mixture of templates
that has its colours; widths and strengths of its lines, what it departs from the templates by, and what the fibre
misses of it are drawn. Five templates make smoother spectra than the sky does, so that a redshift is easier to
find here than there.

Random numbers are drawn in bulk from one generator, so that a seed gives the same spectra on any number of cores.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.dust import galactic_optical_depth
from components.physics.galaxy_lines import draw_absorption, draw_line_flux, draw_texture
from components.physics.galaxy_templates import (
    LINE_WAVELENGTHS_ANGSTROM,
    SMEARING_KM_S,
    GalaxyTemplates,
    templates_resolution_km_s,
)
from components.physics.line_profiles import apply_components
from components.physics.photometry import Band, band_weights, to_magnitude
from components.physics.spectrograph import observe
from components.physics.template_fitting import band_fluxes, fit_nonnegative
from components.physics.wavelength_grid import LATTICE_STEP, WavelengthGrid

FloatArray = npt.NDArray[np.float64]

REDSHIFT_RANGE = (0.0, 1.0)
"""Redshifts at which the templates cover the optical."""

_INSTRUMENT_KM_S = 69.0
_DISPERSION_KM_S, _DISPERSION_SCATTER_KM_S = 150.0, 60.0
_GAS_TO_STARS = 0.8
"""Emission lines are narrower than absorption lines: gas lies in a disc."""

_CALIBRATION_MAGNITUDES = 0.05
"""Scatter of the flux calibration of SDSS spectra against photometry."""

_TYPICAL_FIBRE_MAGNITUDE = 17.9
_SIGNAL_PER_MAGNITUDE = 0.3
"""A photon-limited ratio falls as 10^(-0.2 m), a sky-limited one as 10^(-0.4 m); SDSS galaxies are between."""

_R_EXTINCTION = 2.751
"""A_r per unit of the E(B-V) of Schlegel, Finkbeiner & Davis 1998 (ApJ 500, 525, table 6), as in the photometry at
hand; SDSS's recent releases have 2.285 (Schlafly & Finkbeiner 2011, ApJ 737, 103)."""


@dataclass(frozen=True)
class GalaxyCatalogue:
    """Photometry and redshifts of real galaxies, with the mixture of templates that each is.

    Attributes
    ----------
    templates : GalaxyTemplates
        What `coefficients` mix.
    band : Band
        The r band, in which `magnitude_r` is.
    redshift : ndarray, shape (galaxies,)
        Measured by the survey.
    magnitude_r : ndarray, shape (galaxies,)
        Of the whole galaxy as seen, extinction included.
    reddening : ndarray, shape (galaxies,)
        E(B-V) of the Milky Way's dust.
    coefficients : ndarray, shape (galaxies, templates)
        Not negative.
    row : ndarray of int, shape (galaxies,)
        Which row of the photometry each is: names a galaxy.
    """

    templates: GalaxyTemplates
    band: Band
    redshift: FloatArray
    magnitude_r: FloatArray
    reddening: FloatArray
    coefficients: FloatArray
    row: npt.NDArray[np.int64]


@dataclass(frozen=True)
class GalaxySpectra:
    """Simulated observations.

    Attributes
    ----------
    redshift : ndarray, shape (rows,)
    magnitude_r : ndarray, shape (rows,)
        Of the light that the fibre caught, extinction included: fiberMag_r of a real galaxy.
    magnitude_r_total : ndarray, shape (rows,)
        Of the whole galaxy; NaN where the caller gave magnitudes or redshifts of its own.
    velocity_dispersion_km_s : ndarray, shape (rows,)
        Of the stars.
    galaxy : ndarray of int, shape (rows,)
        Row of the photometry; spectra of one galaxy share it.
    sn_median : ndarray, shape (rows,)
        Median signal-to-noise ratio of the observed pixels.
    flux, ivar : ndarray, shape (rows, pixels)
        In units of 1e-17 erg / s / cm^2 / angstrom and its inverse square; ivar 0 where nothing was observed.
    """

    redshift: FloatArray
    magnitude_r: FloatArray
    magnitude_r_total: FloatArray
    velocity_dispersion_km_s: FloatArray
    galaxy: npt.NDArray[np.int64]
    sn_median: npt.NDArray[np.float32]
    flux: npt.NDArray[np.float32]
    ivar: npt.NDArray[np.float32]


def fit_catalogue(
    templates: GalaxyTemplates,
    bands: tuple[Band, ...],
    maggies: FloatArray,
    ivar: FloatArray,
    extinction: FloatArray,
    redshift: FloatArray,
) -> GalaxyCatalogue:
    """Find the mixtures of templates that have the colours of galaxies, at their redshifts.

    Parameters
    ----------
    templates : GalaxyTemplates
        Templates to mix.
    bands : tuple of Band
        Bands of the photometry, the one named "r" among them.
    maggies, ivar : ndarray, shape (galaxies, bands)
        Flux as seen and its inverse variance.
    extinction : ndarray, shape (galaxies, bands)
        Of the Milky Way, in magnitudes.
    redshift : ndarray, shape (galaxies,)
        Spectroscopic redshifts.
    """
    bright = 10 ** (0.4 * extinction)
    design = band_fluxes(templates.wavelength_angstrom, templates.flux, bands, redshift)
    coefficients = fit_nonnegative(design, maggies * bright, ivar / bright**2)
    r = [band.name for band in bands].index("r")
    usable = (coefficients.sum(axis=1) > 0) & (maggies[:, r] > 0)
    return GalaxyCatalogue(
        templates,
        bands[r],
        redshift[usable],
        to_magnitude(maggies[usable, r]),
        extinction[usable, r] / _R_EXTINCTION,
        coefficients[usable],
        np.flatnonzero(usable),
    )


def simulate_galaxies(
    rows: int,
    grid: WavelengthGrid,
    catalogue: GalaxyCatalogue,
    rng: np.random.Generator,
    *,
    galaxies: npt.NDArray[np.int64] | None = None,
    redshift: FloatArray | None = None,
    magnitude_r: FloatArray | None = None,
    signal_to_noise: FloatArray | None = None,
    typical_signal_to_noise: float = 10.0,
    signal_to_noise_scatter: float = 0.25,
    sdss_share: float = 0.2,
) -> GalaxySpectra:
    """Simulate observed spectra of galaxies.

    Parameters
    ----------
    rows : int
        Number of spectra; a few hundred at a time keep memory small.
    grid : WavelengthGrid
        Observed wavelengths.
    catalogue : GalaxyCatalogue
        Galaxies to draw from.
    rng : numpy.random.Generator
        Source of randomness.
    galaxies : ndarray of int, shape (rows,), optional
        Which galaxies of the catalogue, by their place in it; drawn at random by default.
    redshift : ndarray, shape (rows,), optional
        Redshifts to move the galaxies to, within `REDSHIFT_RANGE`: their rest-frame spectra stay what they are.
        By default their own.
    magnitude_r : ndarray, shape (rows,), optional
        Magnitudes of the light in the fibre. By default those of the galaxies, less what the fibre misses.
    signal_to_noise : ndarray, shape (rows,), optional
        Wanted median ratio per pixel of 69 km/s. By default it follows from the magnitude.
    typical_signal_to_noise, signal_to_noise_scatter : float
        Where `signal_to_noise` is not given: the ratio at magnitude 17.9 in the fibre, and the standard deviation
        of its logarithm at a given magnitude.
    sdss_share : float
        Share of spectra from the first SDSS spectrographs, which see 3800 to 9200 angstrom; the others are BOSS's.
    """
    chosen = rng.integers(0, len(catalogue.redshift), rows) if galaxies is None else galaxies
    z = catalogue.redshift[chosen] if redshift is None else np.asarray(redshift, dtype=np.float64)
    total = np.where(redshift is None and magnitude_r is None, catalogue.magnitude_r[chosen], np.nan)
    if magnitude_r is None:
        magnitude_r = catalogue.magnitude_r[chosen] + _fibre_loss(z, rng)
    dispersion = draw_dispersions(rows, rng)
    flux = noiseless_galaxies(catalogue, chosen, z, dispersion, grid, rng)
    synthetic = to_magnitude(flux @ band_weights(catalogue.band, grid.wavelength_angstrom))
    calibration = _CALIBRATION_MAGNITUDES * rng.standard_normal(rows)
    flux *= 10 ** (-0.4 * (magnitude_r + calibration - synthetic))[:, None]
    if signal_to_noise is None:
        faintness = _SIGNAL_PER_MAGNITUDE * (magnitude_r - _TYPICAL_FIBRE_MAGNITUDE)
        scatter = np.exp(signal_to_noise_scatter * rng.standard_normal(rows))
        signal_to_noise = np.clip(typical_signal_to_noise * 10**-faintness * scatter, 0.3, 80.0)
    observed = observe(flux, grid.wavelength_angstrom, signal_to_noise, rng, sdss_share)
    return GalaxySpectra(
        z,
        np.asarray(magnitude_r, dtype=np.float64),
        total,
        dispersion,
        catalogue.row[chosen],
        observed.median_signal_to_noise(),
        observed.flux,
        observed.ivar,
    )


def _fibre_loss(redshift: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Magnitudes that a fibre of 3 arcsec misses: about one, more of a near galaxy; a sketch, no measurement."""
    return np.clip(rng.normal(1.3 - 2.0 * np.minimum(redshift, 0.4), 0.3), 0.15, 2.5)


def draw_dispersions(rows: int, rng: np.random.Generator) -> FloatArray:
    """Draw the velocity dispersions of the stars of galaxies, in km/s."""
    return np.clip(rng.normal(_DISPERSION_KM_S, _DISPERSION_SCATTER_KM_S, rows), 40.0, 380.0)


def noiseless_galaxies(
    catalogue: GalaxyCatalogue,
    chosen: npt.NDArray[np.int64],
    redshift: FloatArray,
    dispersion: FloatArray,
    grid: WavelengthGrid,
    rng: np.random.Generator,
) -> FloatArray:
    """Spectra before the spectrograph, in any unit.

    Parameters
    ----------
    catalogue : GalaxyCatalogue
        Galaxies.
    chosen : ndarray of int, shape (rows,)
        Which of them, by their place in it.
    redshift : ndarray, shape (rows,)
        Redshifts to see them at, within `REDSHIFT_RANGE`.
    dispersion : ndarray, shape (rows,)
        Velocity dispersions of the stars, in km/s.
    grid : WavelengthGrid
        Observed wavelengths.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (rows, pixels)
        Flux per unit wavelength.
    """
    templates = catalogue.templates
    wave, rows = grid.wavelength_angstrom, len(chosen)
    mixture = catalogue.coefficients[chosen]
    mixture = mixture / mixture.sum(axis=1, keepdims=True)
    sampled = templates_resolution_km_s(templates.wavelength_angstrom)
    smearing = np.sqrt(np.clip(dispersion**2 + _INSTRUMENT_KM_S**2 - sampled**2, 0.0, None))
    ln_z, ln_wave = np.log1p(redshift), np.log(wave)
    flux = np.zeros((rows, len(wave)))
    _mix(templates.starlight, templates.ln_first, mixture, smearing, ln_wave, ln_z, flux)
    for changes in (draw_texture(rows, rng), draw_absorption(dispersion, rng)):
        apply_components(flux, ln_wave, ln_z, changes.centre, changes.sigma, changes.amplitude, True)
    width = np.hypot(_GAS_TO_STARS * dispersion, _INSTRUMENT_KM_S)[:, None] / SPEED_OF_LIGHT_KM_S
    width = np.broadcast_to(width, (rows, len(LINE_WAVELENGTHS_ANGSTROM)))
    line_flux = draw_line_flux(mixture @ templates.line_flux, rng)
    height = line_flux / (np.sqrt(2 * np.pi) * width * LINE_WAVELENGTHS_ANGSTROM)
    centre = np.broadcast_to(np.log(LINE_WAVELENGTHS_ANGSTROM), height.shape)
    apply_components(flux, ln_wave, ln_z, centre, width, height, False)
    dust = catalogue.reddening[chosen][:, None] * galactic_optical_depth(wave)
    return np.asarray(flux * np.exp(-dust))


@compiled(parallel=True, error_model="numpy")
def _mix(
    starlight: FloatArray,
    ln_first: float,
    mixture: FloatArray,
    smearing: FloatArray,
    ln_wave: FloatArray,
    ln_z: FloatArray,
    flux: FloatArray,
) -> None:
    """Mix blurred templates and redshift them onto the observed pixels, in place."""
    step = LATTICE_STEP * np.log(10.0)
    between = SMEARING_KM_S[1] - SMEARING_KM_S[0]
    levels, templates, points = starlight.shape
    for row in numba.prange(flux.shape[0]):
        level = min(smearing[row] / between, levels - 1.001)
        k = int(level)
        blur = level - k
        rest = np.zeros(points)
        for t in range(templates):
            share = mixture[row, t]
            if share > 0.0:
                for i in range(points):
                    rest[i] += share * ((1.0 - blur) * starlight[k, t, i] + blur * starlight[k + 1, t, i])
        for p in range(flux.shape[1]):
            place = min(max((ln_wave[p] - ln_z[row] - ln_first) / step, 0.0), points - 1.001)
            i = int(place)
            flux[row, p] = (1.0 - place + i) * rest[i] + (place - i) * rest[i + 1]
