"""Photometry and rest-frame light of the 10,000 SDSS galaxies that the package kcorrect brings along."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from components.ingest.sdss_spectra.kcorrect_files import read_band, read_photometry, real_galaxies
from components.physics.galaxy_structure import distance_modulus
from components.physics.sdss_imaging import BANDS, ZERO_POINT
from components.physics.template_fitting import band_fluxes

FloatArray = npt.NDArray[np.float64]

_GIVEN = np.array([5.155, 3.793, 2.751, 2.086, 1.479])
"""Extinction per unit of E(B-V) in kcorrect's file, which is older: Schlegel, Finkbeiner & Davis 1998 (ApJ 500,
525, table 6)."""
_OF_THE_SURVEY = np.array([4.239, 3.303, 2.285, 1.698, 1.263])
"""In the survey's rows that were looked at, of DR14 to DR16, on the same map: Schlafly & Finkbeiner 2011 (ApJ 737,
103, table 6)."""


@dataclass(frozen=True)
class RealGalaxies:
    """Real galaxies.

    Attributes
    ----------
    row : ndarray of int, shape (galaxies,)
        Row of kcorrect's photometry: names a galaxy.
    ra, dec, redshift : ndarray, shape (galaxies,)
    flux, flux_error : ndarray, shape (galaxies, 5)
        In nanomaggies, as seen.
    extinction : ndarray, shape (galaxies, 5)
        In magnitudes, as the columns `extinction_u` to `extinction_z` of SkyServer have it.
    absolute_r, g_r, u_r : ndarray, shape (galaxies,)
        Magnitude and colours in the rest frame, by kcorrect's templates.
    """

    row: npt.NDArray[np.int64]
    ra: FloatArray
    dec: FloatArray
    redshift: FloatArray
    flux: FloatArray
    flux_error: FloatArray
    extinction: FloatArray
    absolute_r: FloatArray
    g_r: FloatArray
    u_r: FloatArray

    @property
    def magnitude(self) -> FloatArray:
        """As seen, shape (galaxies, 5)."""
        return np.asarray(ZERO_POINT - 2.5 * np.log10(self.flux))

    @property
    def magnitude_error(self) -> FloatArray:
        """Standard error of `magnitude`."""
        return np.asarray(2.5 / np.log(10) * self.flux_error / self.flux)


@cache
def load_real_galaxies() -> RealGalaxies:
    """Load the galaxies with usable photometry in all bands. Takes about two seconds.

    Raises
    ------
    InputError
        When kcorrect is not installed, or without its files.
    """
    fitted = real_galaxies()
    table = read_photometry(["RA", "DEC", "MODELFLUX", "MODELFLUX_IVAR", "EXTINCTION"])
    ra, dec, flux, ivar, extinction = (values[fitted.row].astype(np.float64) for values in table.values())
    bands = tuple(read_band(name) for name in BANDS)
    rest = band_fluxes(fitted.templates.wavelength_angstrom, fitted.templates.flux, bands, np.zeros(1))[0]
    magnitudes = -2.5 * np.log10(fitted.coefficients @ rest.T)
    u, g, r = (magnitudes[:, BANDS.index(name)] for name in "ugr")
    return RealGalaxies(
        row=fitted.row,
        ra=ra,
        dec=dec,
        redshift=fitted.redshift,
        flux=flux,
        flux_error=1 / np.sqrt(ivar),
        extinction=extinction * (_OF_THE_SURVEY / _GIVEN),
        absolute_r=r - distance_modulus(fitted.redshift),
        g_r=g - r,
        u_r=u - r,
    )
