"""Spectra of galaxies and quasars from one population: a nucleus of any strength in a galaxy of any kind.

What a spectrum is called is a matter of degree: a quasar outshines its galaxy, a faint nucleus hardly changes it.
Here the light of both is added in a known ratio. Everything that is no question of the class (brightness,
signal-to-noise ratio, spectrograph) is drawn from one distribution for all, so that none of it tells the class.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.galaxies import GalaxyCatalogue, draw_dispersions, noiseless_galaxies
from components.physics.photometry import band_weights, to_magnitude
from components.physics.quasars import draw_outflow, draw_redshifts, noiseless_quasars
from components.physics.spectrograph import observe
from components.physics.wavelength_grid import WavelengthGrid

FloatArray = npt.NDArray[np.float64]

GALAXY_REDSHIFTS = (0.05, 0.9)
"""Galaxies, and half of the quasars, lie here, evenly."""

COMPARED_ANGSTROM = (4150.0, 4270.0)
"""Rest wavelengths at which nucleus and galaxy are compared: between H delta and H gamma, redward of the break, so
that neither has a line there, and in all spectra of `GALAXY_REDSHIFTS`."""

QUASAR_SHARE = 0.5
_NEAR_SHARE = 0.5
"""Share of the quasars that are at the redshifts of galaxies."""

_NUCLEUS_SHARE = 0.2
"""Share of the galaxies with a nucleus that does not outshine them."""

_STRONG, _WEAK = (0.1, 1.8), (-1.5, -0.1)
"""Decimal logarithms of nucleus over galaxy, drawn evenly: in quasars, and in galaxies with a nucleus.

Between these nothing is drawn: of what is half one and half the other nobody can say which it is.
"""

_SIGNAL_TO_NOISE, _SIGNAL_TO_NOISE_SCATTER, _SIGNAL_TO_NOISE_RANGE = 3.5, 0.6, (0.7, 40.0)
_TYPICAL_MAGNITUDE, _MAGNITUDE_SCATTER = 20.3, 0.4


@dataclass(frozen=True)
class MixedSpectra:
    """Simulated observations.

    Attributes
    ----------
    redshift : ndarray, shape (rows,)
    is_quasar : ndarray of bool, shape (rows,)
        Whether the nucleus gives more light than the galaxy at `COMPARED_ANGSTROM`.
    log_ratio : ndarray, shape (rows,)
        Decimal logarithm of nucleus over galaxy there; infinite where there is only one of them.
    galaxy : ndarray of int, shape (rows,)
        Row of the photometry; -1 where no galaxy of the catalogue is in it. Spectra of one galaxy share it.
    is_bal : ndarray of bool, shape (rows,)
        Whether the spectrum has broad absorption lines.
    magnitude_r : ndarray, shape (rows,)
        Of the light that the fibre caught.
    sn_median : ndarray, shape (rows,)
        Median signal-to-noise ratio of the observed pixels.
    flux, ivar : ndarray, shape (rows, pixels)
        In units of 1e-17 erg / s / cm^2 / angstrom and its inverse square; ivar 0 where nothing was observed.
    """

    redshift: FloatArray
    is_quasar: npt.NDArray[np.bool_]
    log_ratio: FloatArray
    galaxy: npt.NDArray[np.int64]
    is_bal: npt.NDArray[np.bool_]
    magnitude_r: FloatArray
    sn_median: npt.NDArray[np.float32]
    flux: npt.NDArray[np.float32]
    ivar: npt.NDArray[np.float32]


def simulate_mixture(
    rows: int,
    grid: WavelengthGrid,
    catalogue: GalaxyCatalogue,
    minimum_redshift: float,
    maximum_redshift: float,
    rng: np.random.Generator,
) -> MixedSpectra:
    """Simulate observed spectra of quasars and galaxies, half of each.

    Parameters
    ----------
    rows : int
        Number of spectra; a few hundred at a time keep memory small.
    grid : WavelengthGrid
        Observed wavelengths.
    catalogue : GalaxyCatalogue
        Galaxies to draw from, and to move to the redshifts drawn.
    minimum_redshift, maximum_redshift : float
        Range of redshifts; must overlap `GALAXY_REDSHIFTS`.
    rng : numpy.random.Generator
        Source of randomness.
    """
    is_quasar = rng.random(rows) < QUASAR_SHARE
    redshift, is_far = _draw_redshifts(is_quasar, minimum_redshift, maximum_redshift, rng)
    log_ratio = _draw_ratios(is_quasar, is_far, rng)
    is_bal = draw_outflow(redshift, rng) & (log_ratio > 0)
    chosen = rng.integers(0, len(catalogue.redshift), rows)
    flux = _add_light(catalogue, chosen, redshift, log_ratio, is_bal, grid, rng)
    ratio = np.exp(np.log(_SIGNAL_TO_NOISE) + _SIGNAL_TO_NOISE_SCATTER * rng.standard_normal(rows))
    ratio = np.clip(ratio, *_SIGNAL_TO_NOISE_RANGE)
    magnitude = _TYPICAL_MAGNITUDE - 2.0 * np.log10(ratio / _SIGNAL_TO_NOISE)
    magnitude = magnitude + _MAGNITUDE_SCATTER * rng.standard_normal(rows)
    synthetic = to_magnitude(flux @ band_weights(catalogue.band, grid.wavelength_angstrom))
    flux *= 10 ** (-0.4 * (magnitude - synthetic))[:, None]
    observed = observe(flux, grid.wavelength_angstrom, ratio, rng)
    return MixedSpectra(
        redshift,
        is_quasar,
        log_ratio,
        np.where(np.isposinf(log_ratio), -1, catalogue.row[chosen]),
        is_bal,
        magnitude,
        observed.median_signal_to_noise(),
        observed.flux,
        observed.ivar,
    )


def _draw_redshifts(
    is_quasar: npt.NDArray[np.bool_], minimum: float, maximum: float, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Redshifts, and which of them lie beyond those of the galaxies."""
    rows = len(is_quasar)
    low, high = max(minimum, GALAXY_REDSHIFTS[0]), min(maximum, GALAXY_REDSHIFTS[1])
    near = rng.uniform(low, high, rows)
    is_far = is_quasar & (rng.random(rows) >= _NEAR_SHARE) & (maximum > high)
    far = draw_redshifts(rows, high, max(maximum, high * 1.001), rng)
    return np.where(is_far, far, near), is_far


def _draw_ratios(
    is_quasar: npt.NDArray[np.bool_], is_far: npt.NDArray[np.bool_], rng: np.random.Generator
) -> FloatArray:
    rows = len(is_quasar)
    strong, weak = rng.uniform(*_STRONG, rows), rng.uniform(*_WEAK, rows)
    galaxies = np.where(rng.random(rows) < _NUCLEUS_SHARE, weak, -np.inf)
    return np.where(is_far, np.inf, np.where(is_quasar, strong, galaxies))


def _add_light(
    catalogue: GalaxyCatalogue,
    chosen: npt.NDArray[np.int64],
    redshift: FloatArray,
    log_ratio: FloatArray,
    is_bal: npt.NDArray[np.bool_],
    grid: WavelengthGrid,
    rng: np.random.Generator,
) -> FloatArray:
    """Noiseless spectra, shape (rows, pixels): nuclei and galaxies, each scaled to its share of the light."""
    flux = np.zeros((len(redshift), grid.fine_pixels))
    far, stars, nuclei = np.isposinf(log_ratio), ~np.isposinf(log_ratio), np.isfinite(log_ratio)
    flux[far] = noiseless_quasars(redshift[far], is_bal[far], grid, rng)
    dispersion = draw_dispersions(int(stars.sum()), rng)
    light = noiseless_galaxies(catalogue, chosen[stars], redshift[stars], dispersion, grid, rng)
    flux[stars] = light / _compared(light, redshift[stars], grid)
    light = noiseless_quasars(redshift[nuclei], is_bal[nuclei], grid, rng, with_host=False)
    flux[nuclei] += light / _compared(light, redshift[nuclei], grid) * 10 ** log_ratio[nuclei][:, None]
    return flux


def _compared(flux: FloatArray, redshift: FloatArray, grid: WavelengthGrid) -> FloatArray:
    """Mean flux at `COMPARED_ANGSTROM`, shape (rows, 1)."""
    rest = grid.wavelength_angstrom / (1 + redshift[:, None])
    inside = (rest > COMPARED_ANGSTROM[0]) & (rest < COMPARED_ANGSTROM[1])
    return np.asarray((flux * inside).sum(axis=1, keepdims=True) / inside.sum(axis=1, keepdims=True))
