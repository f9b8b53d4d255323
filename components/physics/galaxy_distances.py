"""Distances of near galaxies in a flat universe with H0 = 70 km/s/Mpc and 0.3 of matter."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.physics.constants import SPEED_OF_LIGHT_KM_S

FloatArray = npt.NDArray[np.float64]

HUBBLE_KM_S_MPC = 70.0
MATTER = 0.3
_ARCSEC_PER_RADIAN = 206264.806
_MOST = 2.0


@lru_cache(maxsize=1)
def _table() -> tuple[FloatArray, FloatArray]:
    redshift = np.linspace(0.0, _MOST, 20001)
    slowness = 1.0 / np.sqrt(MATTER * (1 + redshift) ** 3 + 1 - MATTER)
    steps = 0.5 * (slowness[1:] + slowness[:-1]) * np.diff(redshift)
    return redshift, np.concatenate([[0.0], np.cumsum(steps)]) * SPEED_OF_LIGHT_KM_S / HUBBLE_KM_S_MPC


def comoving_mpc(redshift: npt.ArrayLike) -> FloatArray:
    """Comoving distance; NaN outside redshifts 0 to 2."""
    grid, distance = _table()
    return np.interp(np.asarray(redshift, dtype=np.float64), grid, distance, left=np.nan, right=np.nan)


def redshift_of_comoving(distance_mpc: npt.ArrayLike) -> FloatArray:
    """Redshift at a comoving distance."""
    grid, distance = _table()
    return np.interp(np.asarray(distance_mpc, dtype=np.float64), distance, grid, left=np.nan, right=np.nan)


def distance_modulus(redshift: npt.ArrayLike) -> FloatArray:
    """Apparent less absolute magnitude, without a K-correction; NaN where the redshift is not positive."""
    z = np.asarray(redshift, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        modulus = 5 * np.log10((1 + z) * comoving_mpc(z)) + 25
    return np.where(np.isfinite(modulus), modulus, np.nan)


def kpc_per_arcsec(redshift: npt.ArrayLike) -> FloatArray:
    """Length that an arc second spans."""
    z = np.asarray(redshift, dtype=np.float64)
    return np.asarray(comoving_mpc(z) / (1 + z) * 1000 / _ARCSEC_PER_RADIAN)
