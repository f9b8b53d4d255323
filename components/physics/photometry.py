"""Magnitudes of spectra: what a filter makes of a flux density.

Fluxes are in maggies, of which a magnitude is ``-2.5 log10``: one maggie is the 3631 jansky of magnitude zero in
the AB system (Oke & Gunn 1983, ApJ 266, 713).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_AB_ERG_S_CM2_HZ = 3.631e-20
_SPEED_OF_LIGHT_ANGSTROM_S = 2.99792458e18
_FLUX_UNIT = 1e-17
_FINE_STEP_ANGSTROM = 2.0


@dataclass(frozen=True)
class Band:
    """A filter with its detector.

    Attributes
    ----------
    name : str
        Such as "r".
    wavelength_angstrom : ndarray, shape (points,)
        Increasing.
    response : ndarray, shape (points,)
        Signal per photon, on any scale.
    """

    name: str
    wavelength_angstrom: FloatArray
    response: FloatArray

    def refined(self) -> "Band":
        """Return the band at steps fine enough for the lines of a spectrum."""
        fine = np.arange(self.wavelength_angstrom[0], self.wavelength_angstrom[-1], _FINE_STEP_ANGSTROM)
        return Band(self.name, fine, np.interp(fine, self.wavelength_angstrom, self.response))


def band_weights(band: Band, wavelength_angstrom: FloatArray) -> FloatArray:
    """Weights of pixels whose sum with their flux density is the flux in maggies, shape (pixels,).

    A detector counts photons, hence the factor of the wavelength. Pixels that miss part of the band give the flux
    of the part that they see, as if the spectrum there had the same brightness.

    Parameters
    ----------
    band : Band
        The filter.
    wavelength_angstrom : ndarray, shape (pixels,)
        Of flux densities in units of 1e-17 erg / s / cm^2 / angstrom.
    """
    wave = wavelength_angstrom
    response = np.interp(wave, band.wavelength_angstrom, band.response, left=0.0, right=0.0)
    photons = response * wave * np.gradient(wave)
    reference = _AB_ERG_S_CM2_HZ * _SPEED_OF_LIGHT_ANGSTROM_S / wave**2 / _FLUX_UNIT
    return np.asarray(photons / np.sum(photons * reference))


def to_magnitude(maggies: npt.ArrayLike) -> FloatArray:
    """AB magnitude of a flux in maggies; NaN where it is not positive."""
    flux = np.asarray(maggies, dtype=np.float64)
    return np.asarray(-2.5 * np.log10(np.where(flux > 0, flux, np.nan)))
